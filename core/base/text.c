/* text.c - one cleaner, and one quoter for each language. */
#include "config.h"

#include "core/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT 0xfffdu

/* Length of the valid UTF-8 sequence at `at` (at most left bytes), 0 when it is broken. Overlong
 * forms, surrogates and values above U+10FFFF are broken. */
static size_t decode(const unsigned char *at, size_t left, uint32_t *ret)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = at[0];
    size_t len;

    if (c < 0x80) {
        *ret = c;
        return 1;
    }
    if (c >= 0xc2 && c < 0xe0)
        len = 2;
    else if (c >= 0xe0 && c < 0xf0)
        len = 3;
    else if (c >= 0xf0 && c < 0xf5)
        len = 4;
    else
        return 0;
    if (left < len)
        return 0;
    c &= 0xffu >> (len + 1);
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = (c << 6) | (at[i] & 0x3fu);
    }
    if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *ret = c;
    return len;
}

uint32_t text_next(const char **at, const char *end)
{
    uint32_t c = REPLACEMENT;
    size_t len;

    if (*at >= end)
        return 0;
    len = decode((const unsigned char *)*at, (size_t)(end - *at), &c);
    *at += len > 0 ? len : 1;
    return len > 0 ? c : REPLACEMENT;
}

size_t text_encode(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    if (c > 0x10ffff)
        return 0;
    out[0] = (char)(0xf0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

void text_put(struct strbuf *out, uint32_t c)
{
    char bytes[4];

    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = REPLACEMENT;
    strbuf_add(out, bytes, text_encode(bytes, c));
}

/* Characters that would move the cursor, reorder the line, or hide. */
static bool is_dirty(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

static uint32_t cleaned(uint32_t c, enum text_keep keep)
{
    if (c == '\n' || c == '\t')
        return keep == TEXT_KEEP_NEWLINES ? c : ' ';
    return is_dirty(c) ? REPLACEMENT : c;
}

void text_clean(struct strbuf *out, const void *bytes, size_t len, enum text_keep keep)
{
    const char *at = bytes;
    const char *end = at + len;

    while (at < end) {
        if (end - at > 1 && at[0] == '\r' && at[1] == '\n')
            at++; /* the line end of Windows: one newline */
        text_put(out, cleaned(text_next(&at, end), keep));
    }
}

char *text_clean_copy(char *dst, size_t size, const char *src)
{
    const char *at = src;
    const char *end = src + strlen(src);
    struct strbuf one = STRBUF_INIT;
    size_t used = 0;

    while (at < end) {
        strbuf_reset(&one);
        text_put(&one, cleaned(text_next(&at, end), TEXT_ONE_LINE));
        if (used + one.len >= size)
            break;
        memcpy(dst + used, one.data, one.len);
        used += one.len;
    }
    if (size > 0)
        dst[used] = '\0';
    strbuf_clear(&one);
    return dst;
}

bool text_is_clean(const char *text)
{
    const char *at = text;
    const char *end = text + strlen(text);

    while (at < end) {
        const char *start = at;
        uint32_t c = text_next(&at, end);

        if (is_dirty(c) || (c == REPLACEMENT && at - start == 1))
            return false;
    }
    return true;
}

/* ---- quoters ---- */

bool text_quote_shell(struct strbuf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_-./:,@%+=";

    if (text[0] != '\0' && strspn(text, plain) == strlen(text) && text[0] != '-') {
        strbuf_add_str(out, text);
        return true;
    }
    strbuf_add_char(out, '\'');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'')
            strbuf_add_str(out, "'\\''");
        else
            strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, '\'');
    return true;
}

bool text_quote_conninfo(struct strbuf *out, const char *text)
{
    bool plain = text[0] != '\0' && strpbrk(text, " \t\n\r\f\v'\\") == NULL;

    if (plain) {
        strbuf_add_str(out, text);
        return true;
    }
    strbuf_add_char(out, '\'');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            strbuf_add_char(out, '\\');
        strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, '\'');
    return true;
}

bool text_quote_sql_literal(struct strbuf *out, const char *text)
{
    /* E'' with doubled backslashes reads the same whatever standard_conforming_strings says. */
    if (strchr(text, '\\') != NULL)
        strbuf_add_str(out, "E");
    strbuf_add_char(out, '\'');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            strbuf_add_char(out, *at);
        strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, '\'');
    return true;
}

/* In quotation marks; one inside is written twice. */
static void add_doubled(struct strbuf *out, const char *text)
{
    strbuf_add_char(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"')
            strbuf_add_char(out, '"');
        strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, '"');
}

bool text_quote_sql_ident(struct strbuf *out, const char *text)
{
    if (text[0] == '\0')
        return false;
    add_doubled(out, text);
    return true;
}

bool text_quote_hba(struct strbuf *out, const char *text)
{
    /* A newline or a leading "/" (a regular expression
     * since PostgreSQL 16, quoted or not) cannot be said. */
    if (text[0] == '\0' || text[0] == '/' || strpbrk(text, "\n\r") != NULL)
        return false;
    add_doubled(out, text);
    return true;
}

bool text_quote_csv(struct strbuf *out, const char *text)
{
    /* A spreadsheet runs a cell that begins with one of these as a formula. */
    bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;

    if (!formula && strpbrk(text, ",\"\n\r") == NULL) {
        strbuf_add_str(out, text);
        return true;
    }
    strbuf_add_char(out, '"');
    if (formula)
        strbuf_add_char(out, '\'');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"')
            strbuf_add_char(out, '"');
        strbuf_add_char(out, *at);
    }
    strbuf_add_char(out, '"');
    return true;
}

/* ---- compare and parse ---- */

bool text_equal(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    long long value;
    char *end = NULL;

    if (text[0] == '\0' || strspn(text, "+-0123456789") != strlen(text))
        return false;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max)
        return false;
    *ret = value;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool text_parse_hex(const char *text, uint8_t *ret, size_t size, size_t *ret_len)
{
    size_t n = strlen(text);

    if (n % 2 != 0 || n / 2 > size)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret[i / 2] = (uint8_t)(high << 4 | low);
    }
    *ret_len = n / 2;
    return true;
}

/* Case does not count. */
static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

size_t text_distance(const char *a, const char *b)
{
    size_t row[32];
    size_t len_a = strlen(a);
    size_t len_b = strlen(b);

    if (len_a >= ARRAY_LEN(row) || len_b >= ARRAY_LEN(row))
        return ARRAY_LEN(row);
    for (size_t j = 0; j <= len_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= len_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len_b; j++) {
            size_t above = row[j];
            size_t best = diagonal + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[len_b];
}
