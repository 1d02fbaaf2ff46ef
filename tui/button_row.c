/* button_row.c - buttons side by side. */
#include "config.h"

#include "tui/button_row.h"

#include <stdio.h>
#include <string.h>

#include "core/base/intl.h"
#include "tui/event.h"
#include "tui/utf8.h"

#define BUTTON_GAP 2
#define REASON_GAP 3

void button_row_init(struct button_row *row)
{
    memset(row, 0, sizeof(*row));
}

void button_row_add(struct button_row *row, const char *label)
{
    if (row->n < BUTTON_ROW_MAX)
        row->labels[row->n++] = label;
}

void button_row_turn_off(struct button_row *row, size_t button, const char *why)
{
    if (button < row->n)
        snprintf(row->off[button], sizeof(row->off[button]), "%s", why ? why : "");
}

enum button_result button_row_key(struct button_row *row, uint32_t key)
{
    switch (key) {
    case KEY_CODE_LEFT:
        if (row->focus > 0)
            row->focus--;
        return BUTTON_MOVED;
    case KEY_CODE_RIGHT:
        if (row->focus + 1 < row->n)
            row->focus++;
        return BUTTON_MOVED;
    case KEY_CODE_ENTER:
        if (row->n == 0)
            return BUTTON_IGNORED;
        return row->off[row->focus][0] ? BUTTON_IS_OFF : BUTTON_PRESSED;
    }
    return BUTTON_IGNORED;
}

void button_row_draw(const struct button_row *buttons, struct canvas *canvas, int row, int column,
                     bool focused)
{
    const char *reason = NULL;
    int at = column;

    if (canvas_control(canvas, CONTROL_BUTTONS, buttons, focused))
        return;
    for (size_t i = 0; i < buttons->n; i++) {
        bool here = focused && i == buttons->focus;
        char text[80];

        snprintf(text, sizeof(text), "< %s >", gettext(buttons->labels[i]));
        if (here) {
            canvas_glyph(canvas, row, at, STYLE_NORMAL, GLYPH_POINTER);
            canvas_cursor(canvas, row, at);
        }
        at = canvas_text(canvas, row, at + 2, here ? STYLE_FOCUS : STYLE_NORMAL, text) + BUTTON_GAP;
        if (buttons->off[i][0] && (!reason || here))
            reason = buttons->off[i];
    }
    if (!reason)
        return;
    at += REASON_GAP;
    if (at + utf8_columns(reason) <= canvas_columns(canvas))
        canvas_text(canvas, row, at, STYLE_NORMAL, reason);
    else
        canvas_text(canvas, row + 1, column, STYLE_NORMAL, reason);
}
