/* hba.c - pg_hba.conf as lines whose every byte is kept. */
#include "config.h"

#include "core/pg/hba_line.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"

/* ---- tokens ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct cursor {
    const char *at;
    const char *end;
    const char *comment; /* where it began, or NULL */
};

/*
 * The next token, up to a blank, a comma or a comment outside of quotes. A quote right after a
 * closing one is a literal quote. False at the end of the line.
 */
static bool next_token(struct cursor *cursor, struct strbuf *out, bool *ret_quoted, bool *ret_comma)
{
    bool inside = false;
    bool just_closed = false;
    bool saw_quote = false;

    *ret_quoted = false;
    *ret_comma = false;
    while (cursor->at < cursor->end && (is_blank(*cursor->at) || *cursor->at == ','))
        cursor->at++;

    for (; cursor->at < cursor->end; cursor->at++) {
        char c = *cursor->at;

        if (!inside && is_blank(c))
            break;
        if (!inside && c == '#') {
            cursor->comment = cursor->at;
            cursor->at = cursor->end;
            break;
        }
        if (!inside && c == ',') {
            *ret_comma = true;
            break;
        }
        if (c != '"') {
            strbuf_add_char(out, c);
            just_closed = false;
            continue;
        }
        saw_quote = true;
        if (just_closed)
            strbuf_add_char(out, '"');
        if (out->len == 0)
            *ret_quoted = true;
        just_closed = inside;
        inside = !inside;
    }
    return saw_quote || out->len > 0;
}

static void field_add(struct hba_field *field, struct strbuf *text, bool quoted)
{
    field->tokens = mem_realloc_array(field->tokens, field->n + 1, sizeof(field->tokens[0]));
    field->tokens[field->n].text = strbuf_steal(text);
    field->tokens[field->n].quoted = quoted;
    field->n++;
}

void hba_fields_split(const char *text, size_t len, struct hba_fields *ret)
{
    struct cursor cursor = {.at = text, .end = text + len};

    *ret = (struct hba_fields){.n = 0};
    while (cursor.at < cursor.end) {
        struct hba_field field = {.n = 0};
        bool comma = true;

        while (comma) { /* a comma right after a token: the next one belongs to the same field */
            struct strbuf token = STRBUF_INIT;
            bool quoted;

            if (!next_token(&cursor, &token, &quoted, &comma)) {
                strbuf_clear(&token);
                break;
            }
            if (token.len > HBA_TOKEN_MAX)
                ret->token_too_long = true;
            field_add(&field, &token, quoted);
        }
        if (field.n == 0)
            break;
        ret->fields = mem_realloc_array(ret->fields, ret->n + 1, sizeof(ret->fields[0]));
        ret->fields[ret->n++] = field;
    }
    ret->comment = cursor.comment;
}

void hba_fields_clear(struct hba_fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        for (size_t j = 0; j < fields->fields[i].n; j++)
            free(fields->fields[i].tokens[j].text);
        free(fields->fields[i].tokens);
    }
    free(fields->fields);
    *fields = (struct hba_fields){.n = 0};
}

/* ---- lines ---- */

/* Length of a physical line without its line end; PostgreSQL drops every CR before the LF too. */
static size_t without_line_end(const char *bytes, size_t len)
{
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    return len;
}

static size_t physical_line(const char *bytes, size_t len)
{
    const char *newline = memchr(bytes, '\n', len);

    return newline ? (size_t)(newline - bytes) + 1 : len;
}

/*
 * Collects one logical line: sets its number of bytes and of physical lines. A backslash at the end
 * goes on, except where nothing but it was added since the last one (two of them would surprise).
 */
static size_t logical_line(const char *bytes, size_t len, int server_version, struct strbuf *text,
                           int *ret_physical, bool *ret_open)
{
    size_t used = 0;
    size_t joined_at = 0;
    bool more = true;

    *ret_physical = 0;
    while (more && used < len) {
        size_t n = physical_line(bytes + used, len - used);

        strbuf_add(text, bytes + used, without_line_end(bytes + used, n));
        used += n;
        *ret_physical += 1;
        more = server_version >= HBA_VERSION_CONTINUED && text->len > joined_at &&
               text->data[text->len - 1] == '\\';
        if (more) {
            strbuf_truncate(text, text->len - 1);
            joined_at = text->len;
        }
    }
    *ret_open = more;
    return used;
}

static bool comment_is_ours(const char *comment, const char *end)
{
    size_t len = sizeof(HBA_MARK) - 1;

    if (!comment || (size_t)(end - comment) < len || memcmp(comment, HBA_MARK, len) != 0)
        return false;
    return (size_t)(end - comment) == len || is_blank(comment[len]);
}

static void parse_line(struct hba_line *line, const struct strbuf *text, int server_version)
{
    struct hba_fields fields;

    hba_fields_split(text->data, text->len, &fields);
    line->ours = comment_is_ours(fields.comment, text->data + text->len);
    hba_line_from_fields(line, &fields, server_version);
    hba_fields_clear(&fields);
    if (memchr(text->data, '\0', text->len)) {
        hba_rule_clear(&line->rule);
        line->kind = HBA_BAD;
        text_clean_copy(line->reason, sizeof(line->reason), _("a zero byte"));
    }
}

void hba_parse(const void *bytes, size_t len, int server_version, struct hba *ret)
{
    const char *at = bytes;
    int number = 1;

    *ret = (struct hba){.server_version = server_version};
    while (len > 0) {
        struct strbuf text = STRBUF_INIT;
        struct hba_line *line;
        int physical;
        size_t used;

        ret->lines = mem_realloc_array(ret->lines, ret->n + 1, sizeof(ret->lines[0]));
        line = &ret->lines[ret->n++];
        *line = (struct hba_line){.number = number};
        used = logical_line(at, len, server_version, &text, &physical, &line->open);
        line->raw = mem_zalloc(used + 1);
        memcpy(line->raw, at, used);
        line->raw_len = used;
        parse_line(line, &text, server_version);
        strbuf_clear(&text);
        number += physical;
        at += used;
        len -= used;
    }
}

void hba_line_text(const struct hba_line *line, int server_version, struct strbuf *out)
{
    int physical;
    bool open;

    (void)logical_line(line->raw, line->raw_len, server_version, out, &physical, &open);
}

static void line_clear(struct hba_line *line)
{
    hba_rule_clear(&line->rule);
    free(line->raw);
}

void hba_clear(struct hba *hba)
{
    for (size_t i = 0; i < hba->n; i++)
        line_clear(&hba->lines[i]);
    free(hba->lines);
    *hba = (struct hba){.server_version = hba->server_version};
}

void hba_print(const struct hba *hba, struct strbuf *out)
{
    for (size_t i = 0; i < hba->n; i++)
        strbuf_add(out, hba->lines[i].raw, hba->lines[i].raw_len);
}

/* ---- changes: the bytes are put together anew and parsed again, so numbers are right ---- */

/* The line end that the file uses; the first one decides. */
static const char *line_end_of(const struct hba *hba)
{
    for (size_t i = 0; i < hba->n; i++) {
        const struct hba_line *line = &hba->lines[i];
        const char *newline = memchr(line->raw, '\n', line->raw_len);

        if (newline)
            return newline > line->raw && newline[-1] == '\r' ? "\r\n" : "\n";
    }
    return "\n";
}

static void add_lines(struct strbuf *out, const char *text, const char *line_end)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        strbuf_add(out, text, len);
        strbuf_add_str(out, line_end);
        text += len + (text[len] == '\n');
    }
}

static void reparse(struct hba *hba, const struct strbuf *bytes)
{
    int server_version = hba->server_version;

    hba_clear(hba);
    hba_parse(bytes->data, bytes->len, server_version, hba);
}

bool hba_insert(struct hba *hba, size_t at, const char *text, struct err *err)
{
    const char *line_end = line_end_of(hba);
    struct strbuf bytes = STRBUF_INIT;

    if (at > hba->n)
        at = hba->n;
    if (at > 0 && hba->lines[at - 1].open)
        return err_set(err, ERR_HBA, _("line %d of pg_hba.conf ends with a backslash"),
                       hba->lines[at - 1].number);
    for (size_t i = 0; i < at; i++)
        strbuf_add(&bytes, hba->lines[i].raw, hba->lines[i].raw_len);
    if (bytes.len > 0 && bytes.data[bytes.len - 1] != '\n')
        strbuf_add_str(&bytes, line_end);
    add_lines(&bytes, text, line_end);
    for (size_t i = at; i < hba->n; i++)
        strbuf_add(&bytes, hba->lines[i].raw, hba->lines[i].raw_len);
    reparse(hba, &bytes);
    strbuf_clear(&bytes);
    return true;
}

void hba_remove(struct hba *hba, size_t at)
{
    struct strbuf bytes = STRBUF_INIT;

    for (size_t i = 0; i < hba->n; i++) {
        if (i != at)
            strbuf_add(&bytes, hba->lines[i].raw, hba->lines[i].raw_len);
    }
    reparse(hba, &bytes);
    strbuf_clear(&bytes);
}
