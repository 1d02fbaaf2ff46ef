/*
 * term.h - the terminal: taken over, painted, given back on every way out.
 *
 * Source   curses(3X), terminfo(5), tcsetattr(3); xterm's modes 1049 and 2004.
 * Rules    raw mode; own opens of /dev/tty, one for reading (libuv sets O_NONBLOCK on it), one for
 *          writing (blocking), so that nothing leaks into the shell's descriptors; curses only
 *          writes, input.h reads. One terminal a process: curses' own state and what the handlers
 *          of fatal signals need are the only variables of a file in tui/.
 * Errors   ERR_TERMINAL: no terminal on standard input and output, or one that cannot move the
 *          cursor. An unknown terminal type is not an error: xterm-256color, then vt100.
 */
#ifndef PGSEAL_TUI_TERM_H
#define PGSEAL_TUI_TERM_H

#include "core/base/attr.h"
#include "core/base/err.h"
#include "tui/canvas.h"
#include "tui/input.h"

struct term;

struct term *term_open(struct err *err) MUST_CHECK;
void term_close(struct term *term); /* gives the terminal back as it was; NULL is fine */

int term_fd(const struct term *term); /* to be watched for reading */
/* Once, before anything is painted: what this terminal and this locale cannot do becomes false.
 * Where colour is not wanted the terminal is told nothing of colours at all. */
void term_limit_theme(struct term *term, struct theme *theme);
/* The terminal type that is used instead of an unknown one, or NULL; *ret_unknown is borrowed. */
const char *term_instead(const struct term *term, const char **ret_unknown);
/* Keys as terminfo has them, and ESCDELAY. */
void term_teach(const struct term *term, struct input *input);

/* Bytes read now: > 0; 0: nothing there; -1: the terminal is gone. */
int term_read(struct term *term, char *bytes, size_t size);
void term_size(const struct term *term, int *ret_rows, int *ret_columns);
void term_resized(struct term *term); /* after SIGWINCH */
void term_paint(struct term *term, const struct canvas *canvas);
void term_redraw(struct term *term);  /* the next painting sends all of it */
void term_suspend(struct term *term); /* Ctrl-Z; returns when the shell brings it back */
void term_write(struct term *term, const char *bytes, size_t len); /* past curses: OSC 52 */
void term_gone(struct term *term);                                 /* nothing is written any more */

#endif
