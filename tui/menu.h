/*
 * menu.h - a numbered list of things to do, as on Home and on the error page.
 *
 * Keys     Up Down, j k, Ctrl-N Ctrl-P, Home End, g G move; Enter chooses; a digit chooses its
 *          line at once. A line that is off cannot be chosen and says why where there is room;
 *          else it is marked [--] and the page says it (menu_why_off()).
 * Drawing  " > 1 Create a certificate authority (CA)", a mark or note behind it. Longer than the
 *          canvas: scrolls with the cursor.
 */
#ifndef PGSEAL_TUI_MENU_H
#define PGSEAL_TUI_MENU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "tui/canvas.h"

struct menu_item {
    char digit;        /* '1'; 0: none */
    const char *label; /* N_(); borrowed */
    int id;            /* the page's own */
};
enum menu_result { MENU_IGNORED, MENU_MOVED, MENU_CHOSEN, MENU_IS_OFF };

struct menu;

struct menu *menu_new(const struct menu_item *items, size_t n) MUST_CHECK;
void menu_free(struct menu *menu);
int menu_id(const struct menu *menu); /* of the line with the cursor */
size_t menu_count(const struct menu *menu);
const struct menu_item *menu_item(const struct menu *menu, size_t i); /* borrowed */
/* What stands behind a line: its note, "" for none. */
const char *menu_note(const struct menu *menu, int id, enum mark *ret_mark);
void menu_set_note(struct menu *menu, int id, enum mark mark,
                   const char *note);                           /* copied; NULL: none */
void menu_turn_off(struct menu *menu, int id, const char *why); /* copied; NULL: on */
const char *menu_why_off(const struct menu *menu, int id);      /* NULL: it is on */
enum menu_result menu_key(struct menu *menu, uint32_t key);
void menu_draw(const struct menu *menu, struct canvas *canvas, int row, int column, int rows,
               int columns, bool focused);

#endif
