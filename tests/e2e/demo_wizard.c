/* "pgseal demo" on a terminal: the wizard on the private server, and nothing left afterwards. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/command.h"
#include "tests/harness/pty.h"
#include "tests/pg/need_pg.h"

static int setup(void **state)
{
    *state = command_box();
    return 0;
}

static int teardown(void **state)
{
    command_box_free(*state);
    return 0;
}

static struct pty *start(void)
{
    const char *const argv[] = {getenv("PGSEAL"), "demo", NULL};
    struct pty_options options = {.argv = argv};
    struct pty *pty = pty_start(&options);

    pty_wait_text(pty, "demo: a private PostgreSQL");
    return pty;
}

/* The folder that "a new cluster in …" named. Caller frees. */
static char *folder_of(const struct pty *pty)
{
    static const char before[] = "a new cluster in ";
    const char *at = strstr(pty_output(pty)->data, before);

    if (!at)
        fail_msg("no folder was named");
    at += strlen(before);
    return mem_strndup(at, strcspn(at, "\r\n"));
}

static void expect_gone(const char *folder)
{
    int64_t deadline = clock_mono_ms() + PTY_WAIT_MS;

    while (fs_exists(folder))
        if (clock_mono_ms() > deadline)
            fail_msg("\"%s\" is still there", folder);
        else
            poll(NULL, 0, 10);
}

static void test_quit(void **state)
{
    struct pty *pty = start();
    char *folder = folder_of(pty);

    (void)state;
    assert_true(fs_exists(folder));
    pty_type(pty, "q");
    pty_wait_output(pty, "server stopped, nothing left");
    assert_int_equal(pty_wait_exit(pty), 0);
    assert_true(pty_settings_as_before(pty));
    assert_false(pty_mode_is_on(pty, "?1049"));
    assert_false(fs_exists(folder));
    assert_false(fs_exists("store"));
    free(folder);
    pty_free(pty);
}

static void test_kill(void **state)
{
    struct pty *pty = start();
    char *folder = folder_of(pty);

    (void)state;
    pty_signal(pty, SIGKILL);
    assert_int_equal(pty_wait_exit(pty), 128 + SIGKILL);
    expect_gone(folder);
    free(folder);
    pty_free(pty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_quit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill, setup, teardown),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
