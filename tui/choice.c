/* choice.c - a radio group. */
#include "config.h"

#include "tui/choice.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "tui/event.h"
#include "tui/utf8.h"

#define NOTE_GAP 3

struct choice {
    const struct choice_item *items; /* borrowed */
    char **off;                      /* n reasons, NULL: on */
    size_t n;
    size_t selected;
};

struct choice *choice_new(const struct choice_item *items, size_t n, size_t selected)
{
    struct choice *choice = mem_zalloc(sizeof(*choice));

    choice->items = items;
    choice->n = n;
    choice->off = mem_array(n, sizeof(*choice->off));
    choice->selected = selected < n ? selected : 0;
    return choice;
}

void choice_free(struct choice *choice)
{
    if (!choice)
        return;
    for (size_t i = 0; i < choice->n; i++)
        free(choice->off[i]);
    free(choice->off);
    free(choice);
}

size_t choice_get(const struct choice *choice)
{
    return choice->selected;
}

void choice_set(struct choice *choice, size_t selected)
{
    if (selected < choice->n && !choice->off[selected])
        choice->selected = selected;
}

size_t choice_count(const struct choice *choice)
{
    return choice->n;
}

const struct choice_item *choice_item(const struct choice *choice, size_t item)
{
    return &choice->items[item];
}

const char *choice_why_off(const struct choice *choice, size_t item)
{
    return choice->off[item];
}

void choice_turn_off(struct choice *choice, size_t item, const char *why)
{
    if (item >= choice->n)
        return;
    free(choice->off[item]);
    choice->off[item] = mem_strdup(why);
    if (!why || choice->selected != item)
        return;
    for (size_t i = 0; i < choice->n; i++) {
        if (!choice->off[i]) {
            choice->selected = i;
            return;
        }
    }
}

/* Moves to the next item that is on; false at the end. */
static bool move(struct choice *choice, bool down)
{
    size_t at = choice->selected;

    while (down ? at + 1 < choice->n : at > 0) {
        at = down ? at + 1 : at - 1;
        if (!choice->off[at]) {
            choice->selected = at;
            return true;
        }
    }
    return false;
}

bool choice_key(struct choice *choice, uint32_t key)
{
    switch (key) {
    case ' ':
        return true;
    case KEY_CODE_UP:
        return move(choice, false);
    case KEY_CODE_DOWN:
        return move(choice, true);
    case KEY_CODE_LEFT:
        (void)move(choice, false);
        return true;
    case KEY_CODE_RIGHT:
        (void)move(choice, true);
        return true;
    }
    return false;
}

static int label_width(const struct choice *choice)
{
    int widest = 0;

    for (size_t i = 0; i < choice->n; i++) {
        int width = utf8_columns(gettext(choice->items[i].label));

        /* Without a note there is nothing to line up with. */
        if ((choice->items[i].note || choice->off[i]) && width > widest)
            widest = width;
    }
    return widest;
}

void choice_draw(const struct choice *choice, struct canvas *canvas, int row, int column,
                 bool focused)
{
    int notes = column + 4 + label_width(choice) + NOTE_GAP;

    for (size_t i = 0; i < choice->n; i++) {
        bool here = i == choice->selected;
        const char *note = choice->off[i] ? choice->off[i] : choice->items[i].note;
        int at = row + (int)i;

        canvas_text(canvas, at, column, STYLE_VALUE,
                    choice->off[i] ? " -  "
                    : here         ? "(*) "
                                   : "( ) ");
        canvas_text(canvas, at, column + 4, here && focused ? STYLE_FOCUS : STYLE_NORMAL,
                    gettext(choice->items[i].label));
        if (note)
            canvas_text(canvas, at, notes, STYLE_NORMAL, choice->off[i] ? note : gettext(note));
        if (here && focused)
            canvas_cursor(canvas, at, column + 1);
    }
}
