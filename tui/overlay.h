/*
 * overlay.h - pages over a page: help for the focus (F1), the commands that do the same (F2).
 *
 * Source   ux.md 8.15 and 8.16. Both scroll and find; neither runs anything.
 * Owner    what a page gives is copied: the page below may change while the overlay is open.
 */
#ifndef PGSEAL_TUI_OVERLAY_H
#define PGSEAL_TUI_OVERLAY_H

#include "tui/loop.h"
#include "tui/screen.h"

typedef struct screen *overlay_words(void *arg, const char *word);

/* words may be NULL: there is no list of words then. */
struct screen *overlay_help(const struct frame *under, overlay_words *words, void *arg) MUST_CHECK;
/* loop may be NULL: then nothing can be written to a file. */
struct screen *overlay_commands(const struct frame *under, const char *commands,
                                struct loop *loop) MUST_CHECK;
bool overlay_is_help(const struct screen *screen);
bool overlay_is_commands(const struct screen *screen);

/* The text of the help overlay: the focus' help, the keys here, the keys everywhere. */
void overlay_help_text(const struct frame *frame, struct strbuf *out);

#endif
