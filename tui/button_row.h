/*
 * button_row.h - "< Next >    < Back >": buttons side by side; one that is off says why.
 *
 * Keys     Left Right move (and Tab, Shift-Tab through the form), Enter presses. A button that is
 *          off can have the focus, so that its reason can be read; it cannot be pressed.
 * Drawing  ">" before the button with the focus, the brackets, the reason "Next is off: …" at the
 *          end of the row where there is room, else in the row below.
 */
#ifndef PGSEAL_TUI_BUTTON_ROW_H
#define PGSEAL_TUI_BUTTON_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

#define BUTTON_ROW_MAX 4

struct button_row { /* a value; labels borrowed, N_() */
    const char *labels[BUTTON_ROW_MAX];
    char off[BUTTON_ROW_MAX][96]; /* the reason, or "" */
    size_t n;
    size_t focus;
};

enum button_result { BUTTON_IGNORED, BUTTON_MOVED, BUTTON_PRESSED, BUTTON_IS_OFF };

void button_row_init(struct button_row *row);
void button_row_add(struct button_row *row, const char *label);
void button_row_turn_off(struct button_row *row, size_t button, const char *why); /* NULL: on */
enum button_result button_row_key(struct button_row *row, uint32_t key); /* PRESSED: row->focus */
void button_row_draw(const struct button_row *buttons, struct canvas *canvas, int row, int column,
                     bool focused);

#endif
