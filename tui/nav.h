/*
 * nav.h - the stack of pages; what every key means everywhere.
 *
 * Does     dispatches events (to the owner; keys to the top), carries out navs, answers the keys
 *          that are the same on all pages: F1 help, F2 commands, F3 words, F8 why rows, F9 plain
 *          look, F10/Ctrl-Q quit, Ctrl-C, Ctrl-L redraw, Ctrl-Z suspend. A paste without a text
 *          field: the message row says "Paste ignored on this screen: N characters".
 * Letters  "?" is F1 where no text field has the focus; "q" is F10 there when the page's bindings
 *          name "q". All other letters are the page's.
 * Small    a window too small for the frame takes no keys but quit, redraw, suspend: nobody acts
 *          blind. Quitting there asks nothing: pages hear EVENT_STOP and keep their drafts.
 * Hidden   an event for a page below goes there; a nav it answers with is carried out in its place
 *          of the stack (a pushed page comes right above it). Only a question before quitting
 *          comes on top. Ctrl-C asks as F10 does; a second one within 2 s leaves without asking
 *          (exit code 130).
 */
#ifndef PGSEAL_TUI_NAV_H
#define PGSEAL_TUI_NAV_H

#include "tui/loop.h"
#include "tui/replay.h"
#include "tui/screen.h"

struct navigator;

struct navigator_options {
    struct theme theme;
    bool brief;
    /* F3, and g in the help: a page that explains a word (NULL: the whole list); may be NULL. */
    struct screen *(*words)(void *arg, const char *word);
    void *arg;
    struct replay *replay; /* borrowed; NULL: answers are neither written down nor given */
};

struct navigator *navigator_new(const struct navigator_options *options) MUST_CHECK;
void navigator_free(struct navigator *navigator);
/* loop_forget() of popped pages; borrowed. */
void navigator_set_loop(struct navigator *navigator, struct loop *loop);
/* Frees all pages; before the loop that they use is freed. */
void navigator_clear(struct navigator *navigator);
void navigator_push(struct navigator *navigator, struct screen *screen);
/* owner NULL: the page on top. */
void navigator_event(struct navigator *navigator, void *owner, const struct event *event);
void navigator_draw(struct navigator *navigator, struct canvas *canvas);
/* When nothing is left to be done: the next answers of the file. True when they changed something. */
bool navigator_replay(struct navigator *navigator);
/* The page on top, borrowed until the next event; NULL: none. frame: with the notice that stands in its
 * message row; may be NULL. */
const struct screen *navigator_look(const struct navigator *navigator, struct frame *frame);
/* Ends as a signal would: pages hear EVENT_STOP and keep their drafts. */
void navigator_stop(struct navigator *navigator, int exit_code);
/* The last event changed nothing that is seen. */
bool navigator_unseen(const struct navigator *navigator);
bool navigator_done(const struct navigator *navigator);
bool navigator_takes_text(const struct navigator *navigator); /* for the paste rule */
struct theme *navigator_theme(struct navigator *navigator);
bool navigator_brief(const struct navigator *navigator);    /* for who remembers it */
int navigator_exit_code(const struct navigator *navigator); /* 0 or 130 */
/* Stands in the message row until the next key. */
void navigator_notice(struct navigator *navigator, enum mark mark, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* What only a terminal can do; navigator_run() sets it. */
struct navigator_terminal {
    void (*redraw)(void *arg);
    void (*suspend)(void *arg);
    bool (*copy)(void *arg, const char *text); /* false: too long for this way */
};
void navigator_set_terminal(struct navigator *navigator, const struct navigator_terminal *terminal,
                            void *arg);

/* Opens the terminal, runs the loop until the last page is gone, restores the terminal on every way
 * out. Returns the exit code: 0, 129, 130, 143; 69 with err when there is no usable terminal. */
int navigator_run(struct navigator *navigator,
                  struct screen *(*first)(void *arg, struct loop *loop), void *arg,
                  struct err *err);

#endif
