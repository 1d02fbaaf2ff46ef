/* A proven change that waits: kept on the terminal or from elsewhere, else taken back. */
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
    free(EXPECT(0, "server", "tls", "db1", "--yes"));
    free(EXPECT(0, "server", "trust", "db1", "--yes"));
    return 0;
}

#define REQUIRE "server", "require", "db1", "--database", "all", "--role", "alice", "--from", "all"

static struct pty *require(const char *how)
{
    const char *const argv[] = {getenv("PGSEAL"), REQUIRE, how, NULL};
    struct pty_options options = {.argv = argv, .columns = 120, .rows = 50};

    return pty_start(&options);
}

/* Ends with this code; the server is as it was, or is not; the journal says this. */
static void ends(const struct lab *lab, struct pty *pty, int code, const char *before,
                 const char *plan)
{
    char *after;

    assert_int_equal(pty_wait_exit(pty), code);
    assert_true(pty_settings_as_before(pty));
    pty_free(pty);
    lab_expect_plan(plan);
    after = lab_state(lab->demo);
    assert_int_equal(strcmp(after, before) == 0, strcmp(plan, "kept") != 0);
    free(after);
}

static void test_question(void **state)
{
    const struct lab *lab = *state;
    char *before = lab_state(lab->demo);
    struct pty *pty = require(NULL);

    pty_wait_text(pty, "Type yes or no. [no]");
    pty_type(pty, "yes\r");
    pty_wait_text(pty, "Keep it? In 1"); /* 120 s, or a little less */
    pty_type(pty, "\r");                 /* undo is the default */
    ends(lab, pty, 4, before, "undone");

    pty = require(NULL);
    pty_wait_text(pty, "Type yes or no. [no]");
    pty_type(pty, "yes\r");
    pty_wait_text(pty, "Keep it?");
    pty_type(pty, "yes\r");
    ends(lab, pty, 0, before, "kept");
    free(before);
}

static void test_signals(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct lab *lab = *state;
    char *before = lab_state(lab->demo);

    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct pty *pty = require(NULL);

        pty_wait_text(pty, "Type yes or no. [no]");
        pty_type(pty, "yes\r");
        pty_wait_text(pty, "Keep it?");
        pty_signal(pty, signals[i]);
        ends(lab, pty, 4, before, "undone");
    }
    free(before);
}

static void test_try(void **state)
{
    const struct lab *lab = *state;
    char *before = lab_state(lab->demo);
    struct pty *pty = require("--try=6");

    pty_wait_text(pty, "it is taken back");
    lab_expect_plan("done");
    ends(lab, pty, 4, before, "undone"); /* nobody says anything */

    pty = require("--try=100");
    pty_wait_text(pty, "pgseal plan keep 4");
    pty_wait_text(pty, "it is taken back");
    EXPECT_ERROR(2, "--yes", "plan", "keep", "4"); /* no terminal there: nobody can be asked */
    free(EXPECT(0, "plan", "keep", "4", "--dry-run"));
    lab_expect_plan("done");
    free(EXPECT(0, "plan", "keep", "4", "--yes"));
    ends(lab, pty, 0, before, "kept");
    EXPECT_ERROR(1, "PS-", "plan", "keep", "4", "--yes");

    free(EXPECT(0, "plan", "undo", "4", "--yes"));
    lab_expect_plan("undone");
    free(before);
}

static void test_undone_elsewhere(void **state)
{
    const struct lab *lab = *state;
    char *before = lab_state(lab->demo);
    struct pty *pty = require("--try=100");

    pty_wait_text(pty, "it is taken back");
    free(EXPECT(0, "plan", "undo", "3", "--yes"));
    ends(lab, pty, 4, before, "undone");
    free(before);
}

static void test_killed(void **state)
{
    const struct lab *lab = *state;
    char *before = lab_state(lab->demo);
    struct pty *pty = require("--try=100");

    pty_wait_text(pty, "it is taken back");
    pty_signal(pty, SIGKILL);
    assert_int_equal(pty_wait_exit(pty), 128 + SIGKILL);
    pty_free(pty);
    lab_expect_plan("done");
    EXPECT_ERROR(1, "PS-2112", REQUIRE, "--yes");
    free(EXPECT(0, "plan", "keep", "3", "--yes")); /* the next one decides: its guard still waits */
    lab_expect_plan("kept");
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    lab_expect_plan("undone");
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_question, setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_signals, setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_try, setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_undone_elsewhere, setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, lab_teardown),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
