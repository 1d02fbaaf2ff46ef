/*
 * cron.h - the lines of a crontab that keep lists and certificates alive.
 *
 * Rules    cron runs in the home folder with a short PATH: program and store are named whole. A "%" is a
 *          newline to cron, also within quotes, and its backslash is taken away again. Nothing is printed
 *          where nothing is wrong, so that mail means something.
 */
#ifndef PGSEAL_STORE_CRON_H
#define PGSEAL_STORE_CRON_H

#include "core/base/strbuf.h"

/* Two lines, "crl refresh" each hour and "check" each morning, each behind indent. */
void cron_lines(const char *store_folder, unsigned minute, const char *indent, struct strbuf *out);

#endif
