/*
 * params.h - how to reach a server: libpq's keywords, parsed and guarded.
 *
 * Source   libpq 34.1 (connection strings, URIs), 34.17 (service file), 34.16 (password file).
 * Rules    "password" and "sslpassword" in a string are refused (ERR_USAGE): strings are stored and
 *          shown. Passwords come from ~/.pgpass or a prompt, in a struct secret beside the params.
 * Errors   ERR_USAGE with what is not understood or does not belong there, ERR_TOO_LARGE, ERR_BAD_VALUE;
 *          no message repeats a value that may be a password.
 */
#ifndef PGSEAL_PG_PARAMS_H
#define PGSEAL_PG_PARAMS_H

#include <stdbool.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"

struct params; /* keyword -> value */

/* conninfo, URI, or a bare service name ("prod" -> service=prod). */
struct params *params_parse(const char *text, struct err *err) MUST_CHECK;
struct params *params_new(void) MUST_CHECK;
struct params *params_dup(const struct params *params) MUST_CHECK;
void params_free(struct params *params); /* wipes the values: libpq takes secrets as such only */
void params_set(struct params *params, const char *keyword, const char *value); /* NULL removes */
const char *params_get(const struct params *params, const char *keyword);       /* NULL: not set */
/* Canonical "host=… port=…", quoted; without secrets by construction. */
bool params_format(const struct params *params, struct strbuf *out, struct err *err) MUST_CHECK;
/* True when the host is a socket folder or not given. */
bool params_is_local(const struct params *params);
size_t params_count(const struct params *params);
bool params_at(const struct params *params, size_t i, const char **ret_keyword,
               const char **ret_value);

#endif
