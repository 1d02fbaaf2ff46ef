/*
 * ui.h - pages without a terminal: draw, compare with a snapshot, send keys and pastes.
 *
 * Snapshots  tests/snapshots/NAME.txt: the rows as text, the place of the cursor, and with a theme in
 *            colour a second picture with one letter for the style of each cell. UPDATE_SNAPSHOTS=1
 *            rewrites them; look at the difference before you commit it.
 * Errors     a difference fails the cmocka test and shows both.
 */
#ifndef PGSEAL_TESTS_HARNESS_UI_H
#define PGSEAL_TESTS_HARNESS_UI_H

#include "tui/nav.h"

extern const struct theme ui_ascii;
extern const struct theme ui_colour; /* and Unicode */

void ui_check_canvas(const struct canvas *canvas, const char *name);
void ui_check_screen(const struct screen *screen, int rows, int columns, const struct theme *theme,
                     const char *name);
/* With the theme that the navigator has now (F9 changes it). */
void ui_check_navigator(struct navigator *navigator, int rows, int columns, const char *name);

void ui_key(struct navigator *navigator, uint32_t key);
void ui_type(struct navigator *navigator, const char *text); /* character by character */
void ui_paste(struct navigator *navigator, const char *text);
/* The message row at 80 x 24, for the caller to free(). */
char *ui_message(struct navigator *navigator) MUST_CHECK;
/* Whether the page at 80 x 24 has the text somewhere. */
bool ui_shows(struct navigator *navigator, const char *text);

#endif
