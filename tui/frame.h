/*
 * frame.h - the rows around every page: title, path, rule, body, Why, message, keys.
 *
 * Source   ux.md 8.1 and 8.18.
 * Sizes    at least 80 x 20; the Why rows from 24 rows on, a column beside the body from 100
 *          columns on (the body keeps 80). A smaller window says so, and nothing else.
 */
#ifndef PGSEAL_TUI_FRAME_H
#define PGSEAL_TUI_FRAME_H

#include "tui/screen.h"

#define FRAME_MIN_ROWS    20
#define FRAME_MIN_COLUMNS 80

bool frame_fits(int rows, int columns);
/* Draws frame, with the screen's body in it. */
void frame_draw(const struct frame *frame, const struct screen *screen, struct canvas *canvas,
                bool brief);
/* The rows above and below the body again, when drawing it has changed what they say (how much of the
 * page is seen); the body and the Why stay. */
void frame_draw_edges(const struct frame *frame, struct canvas *canvas);

#endif
