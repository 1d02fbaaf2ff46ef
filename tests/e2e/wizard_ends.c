/* Every way out of "pgseal demo": its exit code, the terminal given back, and nothing left. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/wizard_box.h"
#include "tests/pg/need_pg.h"

#define GONE_MS 30000

static int setup(void **state)
{
    struct wizard_box *box = mem_zalloc(sizeof(*box));

    wizard_box_open(box);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    wizard_box_close(*state);
    free(*state);
    return 0;
}

/* A form is open, with something in it. */
static void start(struct wizard_box *box)
{
    wizard_run_demo(box, NULL);
    assert_true(wizard_process_is_there(box->postmaster));
    assert_true(pty_mode_is_on(box->pty, "?2004"));
    pty_type(box->pty, "1");
    wizard_wait(box, "Name of the CA");
    wizard_type(box, "half a na");
}

static void by_key(void **state)
{
    struct wizard_box *box = *state;

    wizard_run_demo(box, NULL);
    pty_type(box->pty, "0");
    wizard_expect_exit(box, 0);
    wizard_wait(box, "server stopped, nothing left");
    wizard_expect_nothing_left(box, 0);
}

static void by_a_question(void **state)
{
    struct wizard_box *box = *state;

    start(box);
    pty_type(box->pty, "\003");
    wizard_wait(box, "Leave pgseal?"); /* something is open */
    pty_type(box->pty, "n");
    pty_wait_no_text(box->pty, "Leave pgseal?");
    wizard_wait(box, "half a na");
    pty_type(box->pty, KEYS_CTRL_Q);
    wizard_wait(box, "Leave pgseal?");
    pty_type(box->pty, "y");
    wizard_expect_exit(box, 0);
    wizard_expect_nothing_left(box, 0);
}

static void by_ctrl_c_twice(void **state)
{
    struct wizard_box *box = *state;

    start(box);
    pty_type(box->pty, "\003\003");
    wizard_expect_exit(box, 130);
    wizard_expect_nothing_left(box, 0);
}

static void by_sigterm(void **state)
{
    struct wizard_box *box = *state;

    start(box);
    pty_signal(box->pty, SIGTERM);
    wizard_expect_exit(box, 128 + SIGTERM);
    wizard_expect_nothing_left(box, 0);
}

static void by_sighup(void **state)
{
    struct wizard_box *box = *state;

    start(box);
    pty_signal(box->pty, SIGHUP);
    wizard_expect_exit(box, 128 + SIGHUP);
    wizard_expect_nothing_left(box, 0);
}

/* The window is closed: the kernel sends SIGHUP, and there is nobody to give a terminal back to. */
static void by_lost_terminal(void **state)
{
    struct wizard_box *box = *state;

    start(box);
    pty_hang_up(box->pty);
    assert_int_equal(pty_wait_exit(box->pty), 128 + SIGHUP);
    wizard_expect_nothing_left(box, 0);
}

static void by_kill(void **state)
{
    struct wizard_box *box = *state;

    start(box);
    pty_signal(box->pty, SIGKILL);
    assert_int_equal(pty_wait_exit(box->pty), 128 + SIGKILL);
    wizard_expect_nothing_left(box, GONE_MS);
}

/* While initdb works there is no wizard yet that could catch a signal. */
static void by_sigterm_before_the_wizard(void **state)
{
    struct wizard_box *box = *state;
    const char *const args[] = {"demo", NULL};

    wizard_run(box, &(struct wizard_options){.args = args});
    wizard_wait(box, "PostgreSQL found in");
    pty_signal(box->pty, SIGTERM);
    assert_int_equal(pty_wait_exit(box->pty), 128 + SIGTERM);
    assert_true(pty_settings_as_before(box->pty));
    assert_true(wizard_folder_empties(box->temporary, GONE_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_key, setup, teardown),
        cmocka_unit_test_setup_teardown(by_a_question, setup, teardown),
        cmocka_unit_test_setup_teardown(by_ctrl_c_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(by_sigterm, setup, teardown),
        cmocka_unit_test_setup_teardown(by_sighup, setup, teardown),
        cmocka_unit_test_setup_teardown(by_lost_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(by_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(by_sigterm_before_the_wizard, setup, teardown),
    };

    if (!need_pg())
        return 0;
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
