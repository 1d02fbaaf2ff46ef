/* A change to a server that is interrupted: by a signal it is taken back, after kill -9 by "undo". */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "tests/harness/lab.h"
#include "tests/harness/pty.h"
#include "tests/pg/need_pg.h"

static int setup(void **state)
{
    struct lab *lab;

    lab_setup(state);
    lab = *state;
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address",
                lab->address));
    return 0;
}

/* While it is open, nobody can log in: the proof of a change waits for ever. */
static struct conn *hold_logins(const struct lab *lab)
{
    struct err err = ERR_INIT;
    struct conn *conn = lab_admin(lab->demo);

    if (!conn_run(conn, "BEGIN", &err) ||
        !conn_run(conn, "LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE", &err))
        fail_msg("%s", err.msg);
    return conn;
}

/* "server tls", answered with yes while nobody can log in: it stands in the middle of the change.
 * conn_close(*ret_held) lets it go on. */
static struct pty *stuck_change(const struct lab *lab, struct conn **ret_held)
{
    const char *const argv[] = {getenv("PGSEAL"), "server", "tls", "db1", NULL};
    struct pty_options options = {.argv = argv, .columns = 120};
    struct pty *pty = pty_start(&options);
    int64_t deadline = clock_mono_ms() + PTY_WAIT_MS;
    char state[32] = "";

    pty_wait_text(pty, "Type yes or no. [no]");
    *ret_held = hold_logins(lab);
    pty_type(pty, "yes\r");
    while (strcmp(state, "doing") != 0) {
        if (clock_mono_ms() > deadline)
            fail_msg("the change does not begin: \"%s\"", state);
        pty_listen(pty, 20);
        lab_plan_state(state, sizeof(state));
    }
    return pty;
}

static void test_signal(void **state)
{
    const struct lab *lab = *state;
    char *before = lab_state(lab->demo);
    char *after;
    struct conn *held;
    struct pty *pty = stuck_change(lab, &held);

    pty_signal(pty, SIGTERM);
    conn_close(held);
    assert_int_equal(pty_wait_exit(pty), 4); /* taken back: 4 comes before 128 + 15 */
    assert_true(pty_settings_as_before(pty));
    pty_free(pty);
    lab_expect_plan("undone");
    after = lab_state(lab->demo);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void test_kill(void **state)
{
    const struct lab *lab = *state;
    char *before = lab_state(lab->demo);
    char *after;
    struct conn *held;
    struct pty *pty = stuck_change(lab, &held);

    pty_signal(pty, SIGKILL);
    assert_int_equal(pty_wait_exit(pty), 128 + SIGKILL);
    pty_free(pty);
    conn_close(held);
    lab_expect_plan("doing");
    EXPECT_ERROR(1, "PS-2112", "server", "tls", "db1", "--yes");
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    lab_expect_plan("undone");
    after = lab_state(lab->demo);
    assert_string_equal(before, after);
    free(EXPECT(0, "server", "tls", "db1", "--yes"));
    lab_expect_plan("kept");
    free(before);
    free(after);
}

static void test_no(void **state)
{
    const struct lab *lab = *state;
    const char *const argv[] = {getenv("PGSEAL"), "server", "tls", "db1", NULL};
    struct pty_options options = {.argv = argv, .columns = 120};
    char *before = lab_state(lab->demo);
    char *after;
    struct pty *pty = pty_start(&options);

    pty_wait_text(pty, "Type yes or no. [no]");
    pty_type(pty, "\r");
    assert_int_equal(pty_wait_exit(pty), 3);
    pty_free(pty);
    lab_expect_plan("");
    after = lab_state(lab->demo);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no, setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_signal, setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_kill, setup, lab_teardown),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
