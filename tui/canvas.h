/*
 * canvas.h - a rectangle of cells that a page draws into; no terminal needed.
 *
 * Units    rows and columns from 0; text is clipped by columns at the right edge of the canvas.
 * Text     UTF-8; cleaned here once more (a page cannot put a control character on the screen).
 *          Wide characters take two cells, combining ones join their cell, ambiguous ones take one.
 *          Without theme.unicode a character that is not ASCII is drawn as "?" (a wide one "??").
 * Glyphs   lines, "…" and ">" follow theme.unicode: canvas_rule(), canvas_box(), canvas_glyph().
 */
#ifndef PGSEAL_TUI_CANVAS_H
#define PGSEAL_TUI_CANVAS_H

#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/strbuf.h"
#include "tui/control.h"
#include "tui/theme.h"

struct canvas;

struct canvas *canvas_new(int rows, int columns, const struct theme *theme) MUST_CHECK;
void canvas_free(struct canvas *canvas);
/* A view on a part (clipped to it); freed by canvas_free(), the cells stay the parent's. */
struct canvas *canvas_part(struct canvas *canvas, int row, int column, int rows,
                           int columns) MUST_CHECK;
int canvas_rows(const struct canvas *canvas);
int canvas_columns(const struct canvas *canvas);
const struct theme *canvas_theme(const struct canvas *canvas);
void canvas_erase(struct canvas *canvas);

/* Returns the column after the last cell of the whole text; what the canvas has no room for is cut, and
 * dots say so. */
int canvas_text(struct canvas *canvas, int row, int column, enum style style, const char *text);
int canvas_printf(struct canvas *canvas, int row, int column, enum style style, const char *fmt,
                  ...) PRINTF_LIKE(5, 6);
/* At most width columns, "…" where cut, padded with blanks to width. */
int canvas_field(struct canvas *canvas, int row, int column, int width, enum style style,
                 const char *text);
/* Ends at column right (exclusive). */
void canvas_right(struct canvas *canvas, int row, int right, enum style style, const char *text);
int canvas_mark(struct canvas *canvas, int row, int column, enum mark mark);
int canvas_glyph(struct canvas *canvas, int row, int column, enum style style, enum glyph glyph);
void canvas_fill(struct canvas *canvas, int row, int column, int width, enum style style, char c);
void canvas_style(struct canvas *canvas, int row, int column, int width,
                  enum style style);                                 /* restyle */
void canvas_rule(struct canvas *canvas, int row, const char *title); /* title may be NULL */
void canvas_box(struct canvas *canvas, int row, int column, int rows, int columns,
                const char *title, const char *footer);
/* Wraps words into rows [row, row + max_rows); returns the rows used. */
int canvas_wrap(struct canvas *canvas, int row, int column, int width, int max_rows,
                enum style style, const char *text);
/* The hardware cursor: on the focus, last. Braille and speech follow it. */
void canvas_cursor(struct canvas *canvas, int row, int column);
bool canvas_cursor_at(const struct canvas *canvas, int *ret_row, int *ret_column);

/* From now on widgets leave themselves in the list, which is borrowed, and draw nothing. */
void canvas_listen(struct canvas *canvas, struct controls *controls);
bool canvas_listens(const struct canvas *canvas);
/* For widgets: true when somebody listens, and nothing is to be drawn. */
bool canvas_control(struct canvas *canvas, enum control_kind kind, const void *widget,
                    bool focused);

/* For term.c and snapshots. */
struct cell {
    /* one character with its combining ones, UTF-8; "" is the right half of a wide one */
    char text[24];
    uint8_t style;
};
const struct cell *canvas_cell(const struct canvas *canvas, int row, int column);
/* Lines; trailing blanks are cut. */
void canvas_to_text(const struct canvas *canvas, struct strbuf *out);

#endif
