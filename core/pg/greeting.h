/*
 * greeting.h - is it PostgreSQL itself that answers, or a pooler in front of it?
 *
 * Source   PostgreSQL 55.2.2, 55.8: a startup packet without a user is refused before any rule is looked
 *          at. PostgreSQL (9.6 and later) names the severity untranslated ("V") and its own C function
 *          ("R"); PgBouncer, Odyssey and pgcat send S, C and M only.
 * Log      the server writes one line: "no PostgreSQL user name specified in startup packet".
 * Errors   ERR_NO_CONNECTION, ERR_TIMEOUT, ERR_NOT_POSTGRES.
 * Threads  any; blocks up to the deadline: in a job.
 */
#ifndef PGSEAL_PG_GREETING_H
#define PGSEAL_PG_GREETING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/err.h"

enum greeting { GREETING_POSTGRES, GREETING_POOLER };

/* timeout_ms 0: 5000. */
bool greeting_ask(const char *host, int port, int64_t timeout_ms, enum greeting *ret,
                  struct err *err) MUST_CHECK;

#endif
