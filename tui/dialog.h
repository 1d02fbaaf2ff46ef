/*
 * dialog.h - a question in a box over the page: default No; severe: type the name.
 *
 * Keys     y and n answer; Left Right Tab move, Enter presses the marked button, Esc is No. The
 *          safe answer is marked at the start, so Enter means No. Severe (spec.name set): letters
 *          go into the field; the act's button is off until the name is typed letter by letter,
 *          and Enter in the field still means No.
 * Use      the page holds it beside its own state, gives it events first, draws it last.
 */
#ifndef PGSEAL_TUI_DIALOG_H
#define PGSEAL_TUI_DIALOG_H

#include <stdbool.h>

#include "core/base/attr.h"
#include "tui/event.h"
#include "tui/screen.h"

struct dialog_spec {   /* copied */
    const char *title; /* "Apply this plan?" */
    const char *text;  /* lines; wrapped; "" fine */
    const char *no;    /* NULL: "No, go back" */
    const char *yes;   /* NULL: "Yes" */
    const char *name;  /* severe: what must be typed; or NULL */
    const char *why;   /* for the Why rows, 3 x 76; borrowed; or NULL */
};
enum dialog_answer { DIALOG_OPEN, DIALOG_NO, DIALOG_YES };

struct dialog;

struct dialog *dialog_new(const struct dialog_spec *spec) MUST_CHECK;
void dialog_free(struct dialog *dialog);
enum dialog_answer dialog_event(struct dialog *dialog, const struct event *event);
/* For who asks it without a screen; all borrowed. name NULL: it is not severe. */
struct dialog_look {
    const char *title, *text, *no, *yes, *name;
};
struct dialog_look dialog_look(const struct dialog *dialog);
void dialog_draw(const struct dialog *dialog, struct canvas *canvas);
/* Why, message, keys and text focus; title and path stay the page's. */
void dialog_frame(const struct dialog *dialog, struct frame *ret);

#endif
