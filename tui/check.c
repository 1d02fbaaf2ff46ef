/* check.c - a box to tick. */
#include "config.h"

#include "tui/check.h"

bool check_key(bool *on, uint32_t key)
{
    if (key != ' ')
        return false;
    *on = !*on;
    return true;
}

void check_draw(bool on, const char *label, struct canvas *canvas, int row, int column,
                bool focused)
{
    int end = canvas_text(canvas, row, column, STYLE_VALUE, on ? "[x] " : "[ ] ");

    canvas_text(canvas, row, end, focused ? STYLE_FOCUS : STYLE_NORMAL, label);
    if (focused)
        canvas_cursor(canvas, row, column + 1);
}
