/*
 * clipboard.h - text to the clipboard of whoever sits before the terminal.
 *
 * Source   xterm's OSC 52; tmux(1) load-buffer -w. Measured: Debian's tmux drops OSC 52 silently, and
 *          forwards what load-buffer -w gives it; kitty and Termux take about 4 kB.
 * Rule     there is no answer from the terminal: say "sent", never "copied".
 */
#ifndef PGSEAL_TUI_CLIPBOARD_H
#define PGSEAL_TUI_CLIPBOARD_H

#include "core/base/strbuf.h"
#include "tui/loop.h"

#define CLIPBOARD_OSC52_MAX 4096 /* bytes of text */

bool clipboard_in_tmux(void);
/* A job (its data is a string to be free()d) that gives the text to tmux; it never takes 5 s. */
extern const struct job_ops clipboard_tmux_ops;
/* The sequence for the terminal; false: the text is too long. */
bool clipboard_osc52(const char *text, struct strbuf *out) MUST_CHECK;

#endif
