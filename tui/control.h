/*
 * control.h - what on a page takes input, told by the widgets themselves while they draw.
 *
 * Use      who works without a screen (plain.h), and the answers of a wizard (replay.h), draw a page into
 *          a canvas that listens (canvas_listen()): each widget leaves itself in the list and draws
 *          nothing. What is in the cells then is what the page says beside it.
 * Reads    the list is for looking only. What is done goes to the page as keys: all that a page does on
 *          a key happens then as well.
 */
#ifndef PGSEAL_TUI_CONTROL_H
#define PGSEAL_TUI_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

enum control_kind {
    CONTROL_FORM,
    CONTROL_MENU,
    CONTROL_TABLE,
    CONTROL_BUTTONS,
    CONTROL_TEXT, /* a text field or secret field of the page's own: of a form it is the form that counts */
    CONTROL_SECRET,
    CONTROL_DIALOG
};

struct control {
    enum control_kind kind;
    const void *widget; /* struct form, menu, table, button_row, text_field, secret_field, dialog;
                         * borrowed until the next event */
    bool focused;
};

#define CONTROLS_MAX 8 /* more on one page are left out */

struct controls {
    struct control list[CONTROLS_MAX];
    size_t n;
};

/* The one that keys go to: a question over the page before what lies below it. NULL: none. */
const struct control *controls_main(const struct controls *controls);

#endif
