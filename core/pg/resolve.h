/*
 * resolve.h - inside core/pg only: whether a name would have to be looked up first.
 */
#ifndef PGSEAL_PG_RESOLVE_H
#define PGSEAL_PG_RESOLVE_H

#include "core/pg/params.h"

/* False with ERR_NO_CONNECTION when libpq would ask the DNS, and so block, for these params. */
bool resolve_is_done(const struct params *params, struct err *err) MUST_CHECK;

#endif
