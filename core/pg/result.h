/*
 * result.h - inside core/pg only: how a struct result is made.
 *
 * Rule     included by .c files of core/pg only: it names a type of libpq.
 */
#ifndef PGSEAL_PG_RESULT_H
#define PGSEAL_PG_RESULT_H

#include <libpq-fe.h>

#include "core/pg/conn.h"

struct result *result_take(PGresult *pg) MUST_CHECK; /* owned now; NULL gives NULL */

#endif
