/*
 * error_view.h - an error as a page shows it: what happened, likely cause, state now, help.
 *
 * Text     of the error, or of its code where the error has none (err.h). Wrapped.
 */
#ifndef PGSEAL_SCREENS_ERROR_VIEW_H
#define PGSEAL_SCREENS_ERROR_VIEW_H

#include "core/base/err.h"
#include "tui/canvas.h"

/* Draws into rows [row, row + rows); returns the row after the last one that was used. */
int error_view_draw(const struct err *err, struct canvas *canvas, int row, int rows);

/* In place of what a page shows: err NULL: it is being read, as reading says; else why it could not be.
 * False: it is there, and nothing was drawn. */
bool error_view_instead(const struct err *err, const char *reading, struct canvas *body);

#endif
