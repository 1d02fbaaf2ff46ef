/*
 * form.h - labels, fields and buttons of a page; the walk between them; what is wrong with each.
 *
 * Fields   text, secret, choice, check, paste box, and lines that are only shown. Each has its
 *          Why, help text and word (they fill the frame while it has the focus), a mark and a
 *          note.
 * Check    one callback of the page, run after every change: it looks at the values and calls
 *          form_say() for each field. It must be cheap; what asks a server is the page's job,
 *          which then calls form_recheck(). MARK_BAD is a problem; MARK_TODO and MARK_BUSY are
 *          open; both keep < Next > off, which says so: "Next is off: 1 problem, 1 open".
 *          MARK_WARN does not.
 * Keys     Tab, Shift-Tab, Down, Up walk (a choice uses Up and Down until its ends); Enter goes to
 *          the next field, from the last one to < Next >, and presses buttons; F4 takes the
 *          offered fix of the marked field; F6 shows a passphrase; Esc and < Back > are
 *          FORM_CANCEL.
 * Drawing  labels left, fields in one column, marks right; a blank line between fields where there
 *          is room; scrolls so that the focus and its note are seen when the body is lower than
 *          the form.
 * Memory   spec strings are borrowed for the life of the form; what form_say(), form_set_…() get
 *          is copied.
 */
#ifndef PGSEAL_TUI_FORM_H
#define PGSEAL_TUI_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"
#include "core/base/secret.h"
#include "tui/choice.h"
#include "tui/event.h"
#include "tui/screen.h"

struct form;

struct form_field {    /* what a field is, for people */
    const char *label; /* N_(): "Valid for" */
    const char *why;   /* N_(): at most 3 x 76 columns */
    const char *help;  /* N_(): for F1; NULL: why is shown there too */
    const char *word;  /* entry of "words", or NULL */
    const char *after; /* N_(): behind the field: "optional", "days"; or NULL */
    int width;         /* of the field with its brackets; 0: 38 */
    size_t max;        /* bytes; 0: 255 */
    const char *allow; /* text: the only characters taken; or NULL */
    bool always_asked; /* never written into a file of answers, nor taken from one */
};

typedef void form_check(void *arg, struct form *form);

enum form_result {
    FORM_IGNORED,
    FORM_CHANGED, /* a value, or the focus */
    FORM_SUBMIT,  /* < Next > was pressed, and it was on */
    FORM_CANCEL   /* Esc or < Back > */
};

/* next, back: N_() labels of the buttons; NULL: "Next", "Back". */
struct form *form_new(const char *next, const char *back, form_check *check, void *arg) MUST_CHECK;
void form_free(struct form *form);

/* Each returns the field's id, from 0 on in the order of calls. */
int form_add_text(struct form *form, const struct form_field *field, const char *value);
int form_add_secret(struct form *form, const struct form_field *field);
int form_add_choice(struct form *form, const struct form_field *field,
                    const struct choice_item *items, size_t n, size_t selected);
int form_add_check(struct form *form, const struct form_field *field, const char *label, bool on);
int form_add_paste(struct form *form, const struct form_field *field, int rows);
/* Only shown, never focused; label may be NULL; text is copied, may have several lines. */
int form_add_line(struct form *form, const char *label, const char *text);
/* A button of the page's own behind < Back >: pressing it is FORM_CHANGED, and then
 * form_take_button() is true once. label: N_(). It is never off. */
void form_add_button(struct form *form, const char *label);
/* The Why rows of a button, from 0 on; N_(), borrowed; NULL: a sentence that fits all of them. */
void form_explain_button(struct form *form, size_t button, const char *why);
bool form_take_button(struct form *form);

const char *form_text(const struct form *form, int id);
const struct secret *form_secret(const struct form *form, int id);
size_t form_choice(const struct form *form, int id);
bool form_checked(const struct form *form, int id);
const char *form_bytes(const struct form *form, int id, size_t *ret_len);

/* These set values without the check; call form_recheck() when done. */
void form_set_text(struct form *form, int id, const char *text); /* text fields and lines */
void form_set_choice(struct form *form, int id, size_t selected);
void form_set_checked(struct form *form, int id, bool on);
void form_turn_off_choice(struct form *form, int id, size_t item, const char *why); /* NULL: on */
void form_wipe(struct form *form, int id);                        /* secret or paste box */
void form_set_after(struct form *form, int id, const char *text); /* in place of field->after */
void form_set_box_note(struct form *form, int id,
                       const char *note); /* paste box: "1 certificate" */
void form_show(struct form *form, int id,
               bool shown); /* hidden fields neither count nor take focus */
void form_focus(struct form *form, int id);
int form_focused(const struct form *form); /* id, or -1: a button */
void form_recheck(struct form *form);

/* The state of a field: a mark and a note under it (NULL or "": none; several lines are fine). */
void form_say(struct form *form, int id, enum mark mark, const char *note);
/* Offers F4: the text field gets value; label: "use \"alice\"". Gone at the next check. */
void form_offer(struct form *form, int id, const char *value, const char *label);
/* Keeps < Next > off for a reason of the page's own; NULL: no more. Copied. */
void form_hold(struct form *form, const char *why);
bool form_ready(const struct form *form); /* < Next > is on */

enum form_result form_event(struct form *form, const struct event *event);
void form_draw(const struct form *form, struct canvas *body);
/* why, help, word, bindings, text focus, and the message row unless the page has set one. */
void form_frame(const struct form *form, struct frame *ret);

#endif
