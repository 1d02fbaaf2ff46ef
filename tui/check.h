/*
 * check.h - a box to tick: "[x] also end the open session". Space ticks.
 *
 * A value, not an object: who holds it holds a bool. Enter does not tick; in a form it walks on.
 */
#ifndef PGSEAL_TUI_CHECK_H
#define PGSEAL_TUI_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/canvas.h"

bool check_key(bool *on, uint32_t key); /* true: it was Space */
/* width: of the box and its label, which is clipped. */
void check_draw(bool on, const char *label, struct canvas *canvas, int row, int column, int width,
                bool focused);

#endif
