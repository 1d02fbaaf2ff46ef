/* menu.c - a numbered list of things to do. */
#include "config.h"

#include "tui/menu.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "tui/event.h"
#include "tui/utf8.h"

struct note {
    enum mark mark;
    char *text; /* or NULL */
    char *off;  /* the reason, or NULL */
};

struct menu {
    const struct menu_item *items; /* borrowed */
    struct note *notes;
    size_t n;
    size_t at;
};

struct menu *menu_new(const struct menu_item *items, size_t n)
{
    struct menu *menu = mem_zalloc(sizeof(*menu));

    menu->items = items;
    menu->n = n;
    menu->notes = mem_array(n, sizeof(*menu->notes));
    return menu;
}

void menu_free(struct menu *menu)
{
    if (!menu)
        return;
    for (size_t i = 0; i < menu->n; i++) {
        free(menu->notes[i].text);
        free(menu->notes[i].off);
    }
    free(menu->notes);
    free(menu);
}

int menu_id(const struct menu *menu)
{
    return menu->items[menu->at].id;
}

static struct note *note_of(const struct menu *menu, int id)
{
    for (size_t i = 0; i < menu->n; i++) {
        if (menu->items[i].id == id)
            return &menu->notes[i];
    }
    return NULL;
}

size_t menu_count(const struct menu *menu)
{
    return menu->n;
}

const struct menu_item *menu_item(const struct menu *menu, size_t i)
{
    return &menu->items[i];
}

const char *menu_note(const struct menu *menu, int id, enum mark *ret_mark)
{
    for (size_t i = 0; i < menu->n; i++) {
        if (menu->items[i].id != id)
            continue;
        *ret_mark = menu->notes[i].mark;
        return menu->notes[i].text ? menu->notes[i].text : "";
    }
    *ret_mark = MARK_NONE;
    return "";
}

void menu_set_note(struct menu *menu, int id, enum mark mark, const char *note)
{
    struct note *place = note_of(menu, id);

    if (!place)
        return;
    free(place->text);
    place->mark = mark;
    place->text = mem_strdup(note);
}

void menu_turn_off(struct menu *menu, int id, const char *why)
{
    struct note *place = note_of(menu, id);

    if (!place)
        return;
    free(place->off);
    place->off = mem_strdup(why);
}

const char *menu_why_off(const struct menu *menu, int id)
{
    const struct note *place = note_of(menu, id);

    return place ? place->off : NULL;
}

static enum menu_result choose(const struct menu *menu)
{
    return menu->notes[menu->at].off ? MENU_IS_OFF : MENU_CHOSEN;
}

enum menu_result menu_key(struct menu *menu, uint32_t key)
{
    switch (key) {
    case KEY_CODE_UP:
    case KEY_CODE_CTRL('p'):
    case 'k':
        if (menu->at > 0)
            menu->at--;
        return MENU_MOVED;
    case KEY_CODE_DOWN:
    case KEY_CODE_CTRL('n'):
    case 'j':
        if (menu->at + 1 < menu->n)
            menu->at++;
        return MENU_MOVED;
    case KEY_CODE_HOME:
    case 'g':
        menu->at = 0;
        return MENU_MOVED;
    case KEY_CODE_END:
    case 'G':
        menu->at = menu->n - 1;
        return MENU_MOVED;
    case KEY_CODE_ENTER:
        return choose(menu);
    }
    for (size_t i = 0; i < menu->n; i++) {
        if (menu->items[i].digit && key == (uint32_t)menu->items[i].digit) {
            menu->at = i;
            return choose(menu);
        }
    }
    return MENU_IGNORED;
}

void menu_draw(const struct menu *menu, struct canvas *canvas, int row, int column, int rows,
               int columns, bool focused)
{
    struct canvas *part = canvas_part(canvas, row, column, rows, columns);
    size_t height = (size_t)canvas_rows(part);
    size_t top = menu->at >= height ? menu->at + 1 - height : 0;

    if (canvas_control(canvas, CONTROL_MENU, menu, focused))
        height = 0;
    for (size_t i = top; i < menu->n && i < top + height; i++) {
        const struct note *note = &menu->notes[i];
        bool here = i == menu->at;
        int at = (int)(i - top), end;

        if (here) {
            canvas_glyph(part, at, 0, STYLE_NORMAL, GLYPH_POINTER);
            if (focused)
                canvas_cursor(part, at, 0);
        }
        if (menu->items[i].digit)
            canvas_printf(part, at, 2, STYLE_KEY, "%c", menu->items[i].digit);
        end = canvas_text(part, at, 5, here && focused ? STYLE_FOCUS : STYLE_NORMAL,
                          gettext(menu->items[i].label));
        if (note->mark != MARK_NONE)
            end = canvas_mark(part, at, end + 2, note->mark);
        if (note->off && end + 1 + utf8_columns(note->off) > columns)
            canvas_mark(part, at, end + 1, MARK_OFF); /* the page says why when it is marked */
        else if (note->off || note->text)
            canvas_text(part, at, end + 1, STYLE_NORMAL, note->off ? note->off : note->text);
    }
    canvas_free(part);
}
