/*
 * terminfo.h - is a terminal type known on this machine, and good enough for pages?
 *
 * Source   terminfo(5), setupterm(3X). A file of its own: <term.h> takes names like "columns". Asked
 *          before newterm(), which leaks when it fails.
 */
#ifndef PGSEAL_TUI_TERMINFO_H
#define PGSEAL_TUI_TERMINFO_H

enum terminfo_answer { TERMINFO_UNKNOWN, TERMINFO_CANNOT_MOVE, TERMINFO_GOOD };

enum terminfo_answer terminfo_ask(const char *type, int fd);

#endif
