/* day.h - options that are a day. */
#ifndef PGSEAL_CLI_DAY_H
#define PGSEAL_CLI_DAY_H

#include "cli/command.h"

/* "2026-11-21", at its begin or its end; "30d", days ago, or "12h"; RFC 3339. Not given: *ret stays. */
bool day_option(struct cli *cli, enum option option, bool end, int64_t *ret,
                struct err *err) MUST_CHECK;

#endif
