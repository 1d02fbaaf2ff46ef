/*
 * passfile.h - inside core/pg only: the password file, before libpq complains about it.
 *
 * Source   libpq 34.16. libpq ignores a password file that others can read, and says so on standard
 *          error: over the screen, at each connection.
 */
#ifndef PGSEAL_PG_PASSFILE_H
#define PGSEAL_PG_PASSFILE_H

#include "core/base/strbuf.h"
#include "core/pg/params.h"

#define PASSFILE_NONE "/dev/null/none" /* a file that is never there */

/* True, and its path, when libpq would ignore the file with a warning. */
bool passfile_is_loose(const struct params *params, struct strbuf *ret_path);

#endif
