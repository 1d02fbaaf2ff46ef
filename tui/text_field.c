/* text_field.c - one line of text that a person edits. */
#include "config.h"

#include "tui/text_field.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/event.h"
#include "tui/utf8.h"

struct text_field {
    char *data; /* max + 1 bytes */
    size_t len, max;
    size_t at;         /* insertion point, a character boundary */
    const char *allow; /* borrowed, or NULL */
};

struct text_field *text_field_new(size_t max_bytes)
{
    struct text_field *field = mem_zalloc(sizeof(*field));

    field->max = max_bytes;
    field->data = mem_zalloc(max_bytes + 1);
    return field;
}

void text_field_free(struct text_field *field)
{
    if (!field)
        return;
    free(field->data);
    free(field);
}

const char *text_field_get(const struct text_field *field)
{
    return field->data;
}

void text_field_allow(struct text_field *field, const char *characters)
{
    field->allow = characters;
}

static bool allowed(const struct text_field *field, uint32_t code_point)
{
    if (utf8_safe(code_point) == 0)
        return false;
    if (!field->allow)
        return true;
    return code_point < 0x80 && strchr(field->allow, (int)code_point);
}

static bool insert(struct text_field *field, uint32_t code_point)
{
    char bytes[4];
    size_t n = text_encode(bytes, code_point);

    if (!allowed(field, code_point) || field->len + n > field->max)
        return false;
    memmove(field->data + field->at + n, field->data + field->at, field->len - field->at + 1);
    memcpy(field->data + field->at, bytes, n);
    field->len += n;
    field->at += n;
    return true;
}

/* Inserts clean text as far as it fits; false when something was left out. */
static bool insert_text(struct text_field *field, const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    bool all = true;

    while (at < end) {
        uint32_t code_point = text_next(&at, end);

        if (utf8_safe(code_point) != 0 && !insert(field, code_point))
            all = false;
    }
    return all;
}

static void cut(struct text_field *field, size_t from, size_t to)
{
    memmove(field->data + from, field->data + to, field->len - to + 1);
    field->len -= to - from;
    field->at = from;
}

void text_field_set(struct text_field *field, const char *text)
{
    struct strbuf clean = STRBUF_INIT;

    cut(field, 0, field->len);
    text_clean(&clean, text, strlen(text), TEXT_ONE_LINE);
    (void)insert_text(field, clean.data, clean.len);
    strbuf_clear(&clean);
}

bool text_field_paste(struct text_field *field, const char *bytes, size_t len)
{
    struct strbuf clean = STRBUF_INIT;
    size_t first = 0, line;
    bool all;

    while (first < len && strchr("\r\n\t ", bytes[first]) && bytes[first])
        first++;
    for (line = first; line < len && bytes[line] != '\r' && bytes[line] != '\n'; line++)
        continue;
    text_clean(&clean, bytes + first, line - first, TEXT_ONE_LINE);
    while (clean.len > 0 && clean.data[clean.len - 1] == ' ')
        strbuf_truncate(&clean, clean.len - 1);
    all = insert_text(field, clean.data, clean.len);
    for (; line < len; line++)
        all = all && bytes[line] && strchr("\r\n\t ", bytes[line]);
    strbuf_clear(&clean);
    return all;
}

static size_t word_start(const struct text_field *field)
{
    size_t at = field->at;

    while (at > 0 && field->data[at - 1] == ' ')
        at--;
    while (at > 0 && field->data[at - 1] != ' ')
        at--;
    return at;
}

bool text_field_key(struct text_field *field, uint32_t key)
{
    switch (key) {
    case KEY_CODE_LEFT:
    case KEY_CODE_CTRL('b'):
        if (field->at > 0)
            field->at = utf8_prev(field->data, field->at);
        return true;
    case KEY_CODE_RIGHT:
    case KEY_CODE_CTRL('f'):
        if (field->at < field->len)
            field->at = utf8_next(field->data, field->at);
        return true;
    case KEY_CODE_HOME:
    case KEY_CODE_CTRL('a'):
        field->at = 0;
        return true;
    case KEY_CODE_END:
    case KEY_CODE_CTRL('e'):
        field->at = field->len;
        return true;
    case KEY_CODE_BACKSPACE:
        if (field->at > 0)
            cut(field, utf8_prev(field->data, field->at), field->at);
        return true;
    case KEY_CODE_DELETE:
    case KEY_CODE_CTRL('d'):
        if (field->at < field->len)
            cut(field, field->at, utf8_next(field->data, field->at));
        return true;
    case KEY_CODE_CTRL('w'):
        cut(field, word_start(field), field->at);
        return true;
    case KEY_CODE_CTRL('u'):
        cut(field, 0, field->len);
        return true;
    case KEY_CODE_CTRL('k'):
        cut(field, field->at, field->len);
        return true;
    }
    if (key < 0x20 || key == 0x7f || key >= KEY_CODE_UP)
        return false;
    (void)insert(field, key);
    return true;
}

void text_field_draw(const struct text_field *field, struct canvas *canvas, int row, int column,
                     int width, bool focused)
{
    int inside = width - 2, columns = 0;
    size_t from = 0;
    char *seen;

    if (inside < 1 || (focused && canvas_control(canvas, CONTROL_TEXT, field, true)))
        return;
    canvas_text(canvas, row, column, STYLE_VALUE, "[");
    canvas_text(canvas, row, column + width - 1, STYLE_VALUE, "]");
    if (!focused) {
        canvas_field(canvas, row, column + 1, inside, STYLE_VALUE, field->data);
        return;
    }
    /* The insertion point needs a cell of its own: the text moves left until it has one. */
    for (;;) {
        columns = utf8_columns(field->data + from) - utf8_columns(field->data + field->at);
        if (columns < inside || from >= field->at)
            break;
        from = utf8_next(field->data, from);
    }
    canvas_fill(canvas, row, column + 1, inside, STYLE_FOCUS, ' ');
    seen = mem_strndup(field->data + from, utf8_fit(field->data + from, inside, NULL));
    canvas_text(canvas, row, column + 1, STYLE_FOCUS, seen);
    if (from > 0)
        canvas_text(canvas, row, column, STYLE_VALUE, "<");
    if (field->data[from + strlen(seen)])
        canvas_text(canvas, row, column + width - 1, STYLE_VALUE, ">");
    canvas_cursor(canvas, row, column + 1 + columns);
    free(seen);
}
