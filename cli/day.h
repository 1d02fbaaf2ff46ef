/* day.h - days and ages as people write them. */
#ifndef PGSEAL_CLI_DAY_H
#define PGSEAL_CLI_DAY_H

#include "cli/command.h"

/* "30d", "12h", "90m", "45s", "2w"; digits alone are days. */
bool day_parse_age(const char *text, int64_t *ret_seconds, struct err *err) MUST_CHECK;
/* A day, "2026-11-21", or an age: then that long ago. */
bool day_parse_since(const char *text, int64_t *ret, struct err *err) MUST_CHECK;

/* "2026-11-21", at its begin or its end; "30d", days ago, or "12h"; RFC 3339. Not given: *ret stays. */
bool day_option(struct cli *cli, enum option option, bool end, int64_t *ret,
                struct err *err) MUST_CHECK;

#endif
