/*
 * nav.h - the stack of pages; what every key means everywhere.
 *
 * Does     dispatches events (to the owner; keys to the top), carries out navs, answers the keys that
 *          are the same on all pages: F1 help, F2 commands, F3 words, F8 why rows, F9 plain look,
 *          F10/Ctrl-Q quit, Ctrl-C, Ctrl-L redraw, Ctrl-Z suspend. A paste without a text field: the
 *          message row says "Paste ignored on this screen: N characters".
 */
#ifndef PGSEAL_TUI_NAV_H
#define PGSEAL_TUI_NAV_H

#include "tui/loop.h"
#include "tui/screen.h"

struct navigator;

struct navigator_options {
    struct theme theme;
    bool brief;
    /* F3: a page that explains a word (NULL: the whole list); may be NULL. */
    struct screen *(*words)(void *arg, const char *word);
    void *arg;
};

struct navigator *navigator_new(const struct navigator_options *options) MUST_CHECK;
void navigator_free(struct navigator *navigator);
void navigator_set_loop(struct navigator *navigator,
                        struct loop *loop); /* loop_forget() of popped pages */
void navigator_push(struct navigator *navigator, struct screen *screen);
/* owner NULL: the page on top. */
void navigator_event(struct navigator *navigator, void *owner, const struct event *event);
void navigator_draw(struct navigator *navigator, struct canvas *canvas);
bool navigator_done(const struct navigator *navigator);
bool navigator_takes_text(const struct navigator *navigator); /* for the paste rule */
struct theme *navigator_theme(struct navigator *navigator);

/* Opens the terminal, runs the loop until the last page is gone, restores the terminal on every way
 * out. Returns the exit code: 0, 129, 130, 143; 69 with err when there is no usable terminal. */
int navigator_run(struct navigator *navigator,
                  struct screen *(*first)(void *arg, struct loop *loop), void *arg,
                  struct err *err);

#endif
