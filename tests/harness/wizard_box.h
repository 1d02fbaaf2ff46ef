/*
 * wizard_box.h - the built program's wizard in a terminal, and what it left on the disk.
 *
 * Shapes   a folder 0700 with HOME, the current folder and, without a demo, the store in it. With a
 *          demo: "pgseal demo" with TMPDIR or --keep in a folder 0711 below /tmp, because the
 *          server's user must get there. PGSEAL_STORE is set, so that commands of command.h work
 *          on the wizard's store.
 * Errors   a step that fails ends the test and shows the screen.
 */
#ifndef PGSEAL_TESTS_HARNESS_WIZARD_BOX_H
#define PGSEAL_TESTS_HARNESS_WIZARD_BOX_H

#include "tests/harness/command.h"
#include "tests/harness/pty.h"

#define WIZARD_ON_HOME "What do you want to do?"

#define WIZARD_AT "\342\226\270 " /* the pointer, before the line or button with the focus */

/* What keys send. */
#define KEYS_F1     "\033OP"
#define KEYS_F2     "\033OQ"
#define KEYS_F5     "\033[15~"
#define KEYS_ESC    "\033"
#define KEYS_TAB    "\t"
#define KEYS_ENTER  "\r"
#define KEYS_UP     "\033[A"
#define KEYS_DOWN   "\033[B"
#define KEYS_RIGHT  "\033[C"
#define KEYS_CTRL_Q "\021"

struct wizard_box {
    char *home;      /* HOME and the current folder */
    char *store;     /* of the wizard, and of commands */
    char *temporary; /* TMPDIR while it is open: the demo's folder is made in it */
    char *tmpdir;    /* the one before, or NULL */
    char *demo;      /* the demo's folder, or NULL */
    struct pty *pty;
    int lock; /* on temporary */
    int port; /* the demo's server */
    pid_t postmaster, keeper;
};

struct wizard_options {
    const char *const *args; /* behind "pgseal", NULL at the end; or NULL */
    const char *const *env;
    const char *term;
    int rows, columns;
    bool keep; /* the demo's folder stays */
};

void wizard_box_open(struct wizard_box *box);
void wizard_box_close(struct wizard_box *box); /* kills what still runs, deletes the folders */

/* Starts pgseal and waits for nothing. */
void wizard_run(struct wizard_box *box, const struct wizard_options *options);
/* The demo, up to Home; the store is the demo's from now on. */
void wizard_run_demo(struct wizard_box *box, const struct wizard_options *options);
/* The program has ended with this code, and the terminal is as it was before. */
void wizard_expect_exit(struct wizard_box *box, int code);
void wizard_keys(struct wizard_box *box, const char *keys, int times);
void wizard_wait(struct wizard_box *box, const char *text);
/* One row of the screen that has all of these words. */
void wizard_wait_words(struct wizard_box *box, const char *const *words);
#define wizard_wait_row(box, ...) wizard_wait_words((box), (const char *const[]){__VA_ARGS__, NULL})
/* Types and waits until it is seen. */
void wizard_type(struct wizard_box *box, const char *text);

/* False as soon as no process of this id is there. */
bool wizard_process_is_there(pid_t pid);
/* Everything of the demo is gone within that time: keeper, server and, unless kept, its folder. */
void wizard_expect_nothing_left(struct wizard_box *box, int ms);
/* True when it is gone within that time. */
bool wizard_process_ends(pid_t pid, int ms);
bool wizard_folder_empties(const char *folder, int ms);

#endif
