/*
 * quote.h - inside core/kit only: one quoter for each language of the lines that a kit gives.
 *
 * Source   Python 2.4.1, ECMA-262 12.9.4, Go "String literals", C# 6.4.5.6, RFC 8259 7; Perl, PHP and
 *          Ruby: a literal in single quotes knows \\ and \' only, and interpolates nothing; RFC 3986 2.1;
 *          java.util.Properties; DbConnectionStringBuilder; libpq 34.17 (service file).
 * Takes    clean text (text_is_clean()): no control character and no line end is in it.
 * Errors   false where the language cannot say the text.
 */
#ifndef PGSEAL_KIT_QUOTE_H
#define PGSEAL_KIT_QUOTE_H

#include <stdbool.h>

#include "core/base/attr.h"
#include "core/base/strbuf.h"

/* "…": Python, JavaScript, Go, C#, JSON. */
void quote_double(struct strbuf *out, const char *text);
/* '…': Perl, PHP, Ruby. */
void quote_single(struct strbuf *out, const char *text);
/* %XX for all but unreserved characters; keep_slash: for a path in a query. */
void quote_url(struct strbuf *out, const char *text, bool keep_slash);
/* The value of a line of a .properties file, ASCII. */
void quote_properties(struct strbuf *out, const char *text);
/* A value of a .NET connection string. */
void quote_dotnet(struct strbuf *out, const char *text);
/* The value of a line of pg_service.conf: as it is; libpq drops blanks at its end. */
bool quote_service(struct strbuf *out, const char *text) MUST_CHECK;

#endif
