/*
 * text.h - text from outside is dirty: one cleaner, and one quoter for each language.
 *
 * Source   ECMA-48 (C0, C1), Unicode bidi controls (TR36); shell: IEEE 1003.1 2.2.2; conninfo: libpq
 *          34.1.1.1; SQL: 4.1; pg_hba.conf: 21.1; CSV: RFC 4180.
 * Cleaning C0 but the ones asked for, C1, DEL, bidi marks, line and paragraph separators, broken
 *          UTF-8 become U+FFFD each. Done once, where the text comes in.
 * Errors   quoters answer false where the language cannot hold the text (a NUL, a newline).
 */
#ifndef PGSEAL_BASE_TEXT_H
#define PGSEAL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/strbuf.h"

enum text_keep {
    TEXT_ONE_LINE = 0,     /* newline (CR LF too) and tab become a space */
    TEXT_KEEP_NEWLINES = 1 /* newline and tab stay */
};

/* Appends a clean copy of len bytes. */
void text_clean(struct strbuf *out, const void *bytes, size_t len, enum text_keep keep);

/* Cleans a C string into a fixed buffer, cut at a character boundary; returns dst. */
char *text_clean_copy(char *dst, size_t size, const char *src);

/* True when there is nothing that text_clean() would change. */
bool text_is_clean(const char *text);

/* Next code point; moves *at. A broken sequence gives U+FFFD and moves one byte. 0 at the end. */
uint32_t text_next(const char **at, const char *end);
/* One code point as UTF-8: how many bytes of out it takes; 0 beyond U+10FFFF. */
size_t text_encode(char out[4], uint32_t code_point);
/* Appends one; what is none as U+FFFD. */
void text_put(struct strbuf *out, uint32_t code_point);

bool text_quote_shell(struct strbuf *out, const char *text) MUST_CHECK;
bool text_quote_conninfo(struct strbuf *out, const char *text) MUST_CHECK;
bool text_quote_sql_literal(struct strbuf *out, const char *text) MUST_CHECK; /* E'' where needed */
bool text_quote_sql_ident(struct strbuf *out, const char *text) MUST_CHECK;
bool text_quote_hba(struct strbuf *out, const char *text) MUST_CHECK; /* always in double quotes */
bool text_quote_csv(struct strbuf *out, const char *text) MUST_CHECK; /* '=' '+' '-' '@' defused */

bool text_equal(const char *a, const char *b); /* NULL equals NULL only */
bool text_starts_with(const char *text, const char *prefix);
bool text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret) MUST_CHECK;
bool text_parse_hex(const char *text, uint8_t *ret, size_t size, size_t *ret_len) MUST_CHECK;
/* Number of edits between two short words, without regard to the case of letters: for "did you mean".
 * Words over 31 bytes are far from all others. */
size_t text_distance(const char *a, const char *b);

#endif
