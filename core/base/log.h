/*
 * log.h - the program's own log, one line an event, in the state folder.
 *
 * Shapes   "2026-11-21T20:15:42Z 4711 info text": time, pid, level, cleaned text.
 * Errors   none: a log that cannot be written is silently off.
 * Threads  any; a line is one write(2) to a file opened with O_APPEND.
 * Rule     no secrets; never on the terminal.
 */
#ifndef PGSEAL_BASE_LOG_H
#define PGSEAL_BASE_LOG_H

#include "core/base/attr.h"

void log_open(const char *path); /* append, 0600; NULL closes */
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
