/*
 * plain.h - the wizard without a screen: lines, and questions answered by a line each.
 *
 * Source   ux.md 8.19: --plain, ACCESSIBLE=1, a terminal that cannot move the cursor. For who listens
 *          to a screen reader, and for transcripts.
 * Shapes   what a page says is printed once, and then only the lines of it that are new. Fields are
 *          asked one by one, menus, tables and buttons have numbers, questions take yes or no or a
 *          name. Words in front, no colour, no boxes, nothing is painted over.
 * Lines    "<" goes one step back, "?" helps, "!" shows the commands; Ctrl-C asks to leave, a second
 *          one within 2 s leaves. A key of the page by its letter or name: "r", "f5", "pgdn".
 * How      pages are the same: they draw into a canvas that listens (control.h), and get keys.
 */
#ifndef PGSEAL_TUI_PLAIN_H
#define PGSEAL_TUI_PLAIN_H

#include "tui/nav.h"

/* As navigator_run(), with the same exit codes and errors. */
int navigator_run_plain(struct navigator *navigator,
                        struct screen *(*first)(void *arg, struct loop *loop), void *arg,
                        struct err *err) MUST_CHECK;

#endif
