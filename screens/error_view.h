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

#endif
