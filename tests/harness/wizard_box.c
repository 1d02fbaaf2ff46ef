/* wizard_box.c - the built program's wizard in a terminal. */
#include "config.h"

#include "tests/harness/wizard_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"

#define ARGS_MAX 16

void wizard_box_open(struct wizard_box *box)
{
    memset(box, 0, sizeof(*box));
    box->home = command_box();
    box->store = fs_join(box->home, "store");
}

void wizard_box_close(struct wizard_box *box)
{
    struct err err = ERR_INIT;

    pty_free(box->pty);
    /* the keeper ends the server when pgseal is gone, however that came */
    if (box->postmaster > 0)
        assert_true(wizard_process_ends(box->postmaster, PTY_WAIT_MS));
    if (box->keep && fs_exists(box->keep) && !fs_remove_tree(box->keep, &err))
        fail_msg("%s", err.msg);
    command_box_free(box->home);
    free(box->store);
    free(box->keep);
    memset(box, 0, sizeof(*box));
}

void wizard_run(struct wizard_box *box, const struct wizard_options *options)
{
    static const struct wizard_options plain;
    const char *argv[ARGS_MAX] = {getenv("PGSEAL")};
    struct pty_options pty = {.argv = argv};

    assert_non_null(argv[0]);
    options = options ? options : &plain;
    for (size_t i = 0; options->args && options->args[i]; i++) {
        assert_true(i + 2 < ARGS_MAX);
        argv[i + 1] = options->args[i];
    }
    pty.env = options->env;
    pty.term = options->term;
    pty.rows = options->rows;
    pty.columns = options->columns;
    pty_free(box->pty);
    box->pty = pty_start(&pty);
}

/* Lines 1 and 4 of postmaster.pid. */
static void read_postmaster(struct wizard_box *box)
{
    char *path = fs_join(box->keep, "data/postmaster.pid"), *text = command_read(path);
    long pid, started;
    int n = sscanf(text, "%ld\n%*[^\n]\n%ld\n%d", &pid, &started, &box->port);

    if (n != 3)
        fail_msg("%s: %s", path, text);
    box->postmaster = (pid_t)pid;
    free(text);
    free(path);
}

void wizard_run_demo(struct wizard_box *box, const struct wizard_options *options)
{
    static const struct wizard_options plain;
    struct wizard_options demo = options ? *options : plain;
    const char *args[] = {"demo", "--keep", NULL, NULL};

    box->keep = mem_printf("/tmp/pgseal-e2e-%d", (int)getpid());
    args[2] = box->keep;
    demo.args = args;
    wizard_run(box, &demo);
    wizard_wait(box, WIZARD_ON_HOME);
    read_postmaster(box);
    free(box->store);
    box->store = fs_join(box->keep, "store");
    assert_int_equal(setenv("PGSEAL_STORE", box->store, 1), 0);
}

void wizard_expect_exit(struct wizard_box *box, int code)
{
    int ended = pty_wait_exit(box->pty);

    if (ended != code) {
        char *screen = pty_screen(box->pty);

        fail_msg("ended with %d, and %d was expected\n%s", ended, code, screen);
    }
    assert_false(pty_mode_is_on(box->pty, "?2004"));
    assert_false(pty_mode_is_on(box->pty, "?1049"));
    assert_true(pty_settings_as_before(box->pty));
}

void wizard_keys(struct wizard_box *box, const char *keys, int times)
{
    for (int i = 0; i < times; i++)
        pty_type(box->pty, keys);
}

void wizard_wait(struct wizard_box *box, const char *text)
{
    pty_wait_text(box->pty, text);
}

void wizard_type(struct wizard_box *box, const char *text)
{
    pty_type(box->pty, text);
    pty_wait_text(box->pty, text);
}

/* ---- processes and files ---- */

bool wizard_process_is_there(pid_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}

bool wizard_process_ends(pid_t pid, int ms)
{
    int64_t end = clock_mono_ms() + ms;

    while (wizard_process_is_there(pid)) {
        if (clock_mono_ms() > end)
            return false;
        (void)poll(NULL, 0, 10);
    }
    return true;
}

bool wizard_file_ends(const char *path, int ms)
{
    int64_t end = clock_mono_ms() + ms;

    while (fs_exists(path)) {
        if (clock_mono_ms() > end)
            return false;
        (void)poll(NULL, 0, 10);
    }
    return true;
}
