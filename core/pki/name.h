/*
 * name.h - X.501 names, built from typed parts.
 *
 * Source   RFC 5280 4.1.2.4, RFC 4514 (text form), PostgreSQL be-secure-openssl.c (pg_stat_ssl form).
 * Shapes   text form as people write it: "CN=alice, O=Acme" (RFC 4514, most specific first) or
 *          "/O=Acme/CN=alice" (openssl). Values are UTF8String.
 * Limits   a common name made here: printable ASCII, 1 to 59 bytes (pg_stat_ssl cuts the whole name
 *          at 63); name_check_common_name() says what is wrong.
 * Errors   ERR_BAD_NAME with what is wrong in it; ERR_CRYPTO.
 */
#ifndef PGSEAL_PKI_NAME_H
#define PGSEAL_PKI_NAME_H

#include <stdbool.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"

#define NAME_CN_MAX  59 /* bytes: what survives in pg_stat_ssl beside "/CN=" */
#define NAME_PG_SIZE 64 /* pg_stat_ssl.client_dn with its NUL */

struct name; /* owns one X509_NAME; opaque: OpenSSL stays inside core/ */

struct name *name_new_common_name(const char *cn, struct err *err) MUST_CHECK;
struct name *name_parse(const char *text, struct err *err) MUST_CHECK; /* ERR_BAD_NAME */
struct name *name_new_empty(void) MUST_CHECK; /* canaries: no CN, nobody can log in with it */
void name_free(struct name *name);
bool name_equal(const struct name *a, const struct name *b);
void name_format(const struct name *name, struct strbuf *out); /* "CN=alice, O=Acme", cleaned */
void name_format_slash(const struct name *name,
                       struct strbuf *out); /* "/O=Acme/CN=alice", cleaned */
/* As pg_stat_ssl shows it, raw bytes cut at 63. */
void name_format_pg(const struct name *name, char out[NAME_PG_SIZE]);
/* The first CN, cleaned; false when there is none. */
bool name_common_name(const struct name *name, struct strbuf *out);

/* What would be wrong with this CN for a PostgreSQL role of the same name: ERR_BAD_NAME. */
bool name_check_common_name(const char *cn, struct err *err) MUST_CHECK;

#endif
