/* check.c - a box to tick. */
#include "config.h"

#include "tui/check.h"

#include "tui/utf8.h"

bool check_key(bool *on, uint32_t key)
{
    if (key != ' ')
        return false;
    *on = !*on;
    return true;
}

void check_draw(bool on, const char *label, struct canvas *canvas, int row, int column, int width,
                bool focused)
{
    int end = canvas_text(canvas, row, column, STYLE_VALUE, on ? "[x] " : "[ ] ");

    int room = width - (end - column), columns = utf8_columns(label);

    canvas_field(canvas, row, end, columns < room ? columns : room,
                 focused ? STYLE_FOCUS : STYLE_NORMAL, label);
    if (focused)
        canvas_cursor(canvas, row, column + 1);
}
