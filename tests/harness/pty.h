/*
 * pty.h - a program in a pseudo terminal, and what a person would see of it.
 *
 * Source   openpty(3), login_tty(3); libvterm keeps the screen.
 * Rules    no sleeps: wait for text, for its end, with a deadline. A failure fails the cmocka test
 *          and shows the screen.
 * End      pty_free() kills what still runs, by its process id.
 */
#ifndef PGSEAL_TESTS_HARNESS_PTY_H
#define PGSEAL_TESTS_HARNESS_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/attr.h"
#include "core/base/strbuf.h"

#define PTY_WAIT_MS 120000 /* generous: a loaded machine with sanitizers */

struct pty;

struct pty_options {
    const char *const *argv; /* argv[0] is looked up in PATH */
    const char *const *env;  /* "NAME=value" sets, "NAME" unsets; NULL at the end; or NULL */
    const char *term;        /* NULL: xterm-256color */
    int rows, columns;       /* 0: 24 x 80 */
    const char *folder;      /* to start in, or NULL */
};

struct pty *pty_start(const struct pty_options *options) MUST_CHECK;
void pty_free(struct pty *pty);

void pty_send(struct pty *pty, const void *bytes, size_t len);
void pty_type(struct pty *pty, const char *text);
void pty_paste(struct pty *pty, const char *text); /* between the markers of bracketed paste */

void pty_wait_text(struct pty *pty, const char *text); /* anywhere on the screen, in one row */
void pty_wait_no_text(struct pty *pty, const char *text);
/* Anywhere in what came since the start. */
void pty_wait_output(struct pty *pty, const char *bytes);
bool pty_has_text(struct pty *pty, const char *text);
int pty_wait_exit(struct pty *pty); /* exit code, or 128 + signal */
/* Reads for that long, whatever comes: to see that nothing does. */
void pty_listen(struct pty *pty, int ms);

char *pty_screen(struct pty *pty) MUST_CHECK; /* all rows, blanks at their ends cut; free() it */
char *pty_row(struct pty *pty, int row) MUST_CHECK;
struct pty_cell {
    uint32_t character; /* 0: blank */
    int width;          /* in columns */
    int colour;         /* of the text: 0 to 7; -1: the default */
    bool bold, reverse;
};
void pty_cell(struct pty *pty, int row, int column, struct pty_cell *ret);
void pty_size(const struct pty *pty, int *ret_rows, int *ret_columns);
void pty_cursor(struct pty *pty, int *ret_row, int *ret_column);
const struct strbuf *pty_output(const struct pty *pty); /* every byte since the start */
/* The last one of on and off that was sent: bracketed paste, alternate screen. */
bool pty_mode_is_on(const struct pty *pty, const char *mode); /* "?2004" */

void pty_resize(struct pty *pty, int rows, int columns);
void pty_signal(struct pty *pty, int signal);
void pty_hang_up(struct pty *pty); /* closes the terminal's side; nothing can be read after it */
pid_t pty_pid(const struct pty *pty);
bool pty_settings_as_before(const struct pty *pty); /* termios */

#endif
