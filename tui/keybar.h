/*
 * keybar.h - the last row: which keys mean something here, from the page's binding table.
 *
 * Rule     in a narrow window the bindings with the highest weight stay, in the table's order.
 */
#ifndef PGSEAL_TUI_KEYBAR_H
#define PGSEAL_TUI_KEYBAR_H

#include "tui/canvas.h"
#include "tui/screen.h"

void keybar_draw(struct canvas *canvas, int row, const struct binding *bindings);

#endif
