/* secret_field.c - a passphrase that a person types. */
#include "config.h"

#include "tui/secret_field.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/event.h"
#include "tui/utf8.h"

struct secret_field {
    struct secret *secret; /* owned */
    bool shown;
};

struct secret_field *secret_field_new(size_t capacity)
{
    struct secret_field *field = mem_zalloc(sizeof(*field));

    field->secret = secret_new(capacity);
    return field;
}

void secret_field_free(struct secret_field *field)
{
    if (!field)
        return;
    secret_free(field->secret);
    free(field);
}

const struct secret *secret_field_get(const struct secret_field *field)
{
    return field->secret;
}

void secret_field_wipe(struct secret_field *field)
{
    secret_wipe(field->secret);
    field->shown = false;
}

bool secret_field_shown(const struct secret_field *field)
{
    return field->shown;
}

void secret_field_hide(struct secret_field *field)
{
    field->shown = false;
}

bool secret_field_key(struct secret_field *field, uint32_t key)
{
    switch (key) {
    case KEY_CODE_F6:
        field->shown = !field->shown;
        return true;
    case KEY_CODE_BACKSPACE:
        secret_backspace(field->secret);
        return true;
    case KEY_CODE_CTRL('u'):
    case KEY_CODE_CTRL('w'):
        secret_wipe(field->secret);
        return true;
    case KEY_CODE_LEFT:
    case KEY_CODE_RIGHT:
    case KEY_CODE_HOME:
    case KEY_CODE_END:
    case KEY_CODE_DELETE:
    case KEY_CODE_CTRL('a'):
    case KEY_CODE_CTRL('e'):
    case KEY_CODE_CTRL('k'):
        return true; /* no editing in the middle of what is not seen */
    }
    if (key < 0x20 || key == 0x7f || key >= KEY_CODE_UP || utf8_safe(key) == 0)
        return false;
    if (!secret_add_code_point(field->secret, key))
        return true; /* full: the row of stars shows that nothing came in */
    return true;
}

bool secret_field_paste(struct secret_field *field, const char *bytes, size_t len)
{
    size_t line = 0;

    while (line < len && bytes[line] != '\r' && bytes[line] != '\n')
        line++;
    for (size_t i = 0; i < line; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c < 0x20 || c == 0x7f)
            return false;
    }
    if (!secret_add(field->secret, bytes, line))
        return false;
    for (size_t i = line; i < len; i++) {
        if (bytes[i] != '\r' && bytes[i] != '\n')
            return false;
    }
    return true;
}

void secret_field_draw(const struct secret_field *field, struct canvas *canvas, int row, int column,
                       int width, bool focused)
{
    const char *text = secret_data(field->secret);
    enum style style = focused ? STYLE_FOCUS : STYLE_VALUE;
    int inside = width - 2, used, seen;

    if (inside < 1 || row < 0 || row >= canvas_rows(canvas) ||
        (focused && canvas_control(canvas, CONTROL_SECRET, field, true)))
        return;
    canvas_text(canvas, row, column, STYLE_VALUE, "[");
    canvas_fill(canvas, row, column + 1, inside, style, ' ');
    canvas_text(canvas, row, column + width - 1, STYLE_VALUE, "]");
    used = field->shown ? utf8_columns(text) : (int)secret_characters(field->secret);
    seen = used < inside ? used : inside - 1;
    if (!field->shown) {
        canvas_fill(canvas, row, column + 1, seen, style, '*');
    } else {
        struct canvas *part = canvas_part(canvas, row, column + 1, 1, inside);

        /* The end is what is being typed: the beginning goes out of sight, without a copy. */
        while (utf8_columns(text) >= inside)
            text += utf8_next(text, 0);
        seen = canvas_text(part, 0, 0, style, text);
        canvas_free(part);
    }
    if (focused)
        canvas_cursor(canvas, row, column + 1 + seen);
}
