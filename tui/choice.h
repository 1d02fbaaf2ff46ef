/*
 * choice.h - a radio group: one of a few, each with a word why.
 *
 * Keys     Up and Down move the choice itself, and leave the group at its ends (false: the form
 *          walks on); Space and Left/Right likewise stay inside.
 * Drawing  one row an item: "(*) EC P-256 fast and small; the usual choice". An item that is off
 *          shows its reason in place of the note, and is stepped over.
 */
#ifndef PGSEAL_TUI_CHOICE_H
#define PGSEAL_TUI_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "tui/canvas.h"

struct choice_item {
    const char *label; /* N_(); borrowed for the life of the choice */
    const char *note;  /* N_(); or NULL */
};

struct choice;

struct choice *choice_new(const struct choice_item *items, size_t n, size_t selected) MUST_CHECK;
void choice_free(struct choice *choice);
size_t choice_get(const struct choice *choice);
void choice_set(struct choice *choice, size_t selected);
size_t choice_count(const struct choice *choice);
const struct choice_item *choice_item(const struct choice *choice, size_t item); /* borrowed */
const char *choice_why_off(const struct choice *choice, size_t item); /* NULL: it is on */
/* why NULL: on again. A selected item that goes off gives way to the first one that is on. Copied.
 */
void choice_turn_off(struct choice *choice, size_t item, const char *why);

/* True when the choice moved, or the key was Space. */
bool choice_key(struct choice *choice, uint32_t key);
/* Draws choice_count() rows. */
void choice_draw(const struct choice *choice, struct canvas *canvas, int row, int column,
                 bool focused);

#endif
