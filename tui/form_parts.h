/*
 * form_parts.h - what form.c and form_draw.c share with those who read a form without a screen:
 * plain_form.c, replay.c. Nobody else includes it, and only form.c changes what is in it.
 */
#ifndef PGSEAL_TUI_FORM_PARTS_H
#define PGSEAL_TUI_FORM_PARTS_H

#include "tui/button_row.h"
#include "tui/check.h"
#include "tui/form.h"
#include "tui/secret_field.h"
#include "tui/text_area.h"
#include "tui/text_field.h"

#define FORM_KEYS_MAX 20

enum form_kind { FORM_TEXT, FORM_SECRET, FORM_CHOICE, FORM_CHECK, FORM_PASTE, FORM_LINE };
enum form_button { FORM_NEXT, FORM_BACK, FORM_OWN };
#define FORM_NEXT_LABEL N_("Next") /* another question follows: nothing is done by this button */

struct form_item {
    enum form_kind kind;
    const struct form_field *field; /* borrowed; NULL for a line */
    struct text_field *text;        /* owned, by kind */
    struct secret_field *secret;
    struct choice *choice;
    struct text_area *area;
    const char *label; /* check: behind the box; line: left; borrowed */
    bool on;           /* check */
    int rows;          /* paste box */
    char *line;        /* line: its text */
    char *after;       /* in place of field->after, or NULL */
    bool hidden;
    enum mark mark;
    char *note; /* or NULL */
};

struct form {
    struct form_item *items;
    size_t n;
    size_t focus; /* an item, or n + a button */
    struct button_row buttons;
    const char *whys[BUTTON_ROW_MAX]; /* of the buttons; NULL: nothing of its own */
    bool pressed;                     /* the page's own button, and nobody took it yet */
    form_check *check;
    void *arg;
    struct {
        int id; /* -1: nothing is offered */
        char *value, *label;
    } offer;
    char *hold;
    char *refused; /* what was wrong with the last key or paste, for the message row; or NULL */
    unsigned problems, open;
    struct binding keys[FORM_KEYS_MAX];
};

/* "Valid for", not translated; "" where a field has none. */
const char *form_item_label(const struct form_item *item);
/* Shown, and to be answered. */
bool form_item_asks(const struct form_item *item);

#endif
