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
#include "tests/harness/command.h"
#include "tests/harness/pty.h"
#include "tests/pg/need_pg.h"

#define STATE                                                                                      \
    "SELECT encode(pg_read_binary_file('pg_hba.conf'), 'hex') || "                                 \
    "encode(pg_read_binary_file('postgresql.auto.conf'), 'hex') || "                               \
    "(SELECT string_agg(name || setting, ' ' ORDER BY name) FROM pg_settings WHERE name LIKE "     \
    "'ssl%')"

struct lab {
    char *folder;
    struct demo *demo;
};

static int setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options options = {0};
    struct err err = ERR_INIT;
    char address[32];

    lab->demo = demo_start(&options, &err);
    if (!lab->demo)
        fail_msg("%s", err.msg);
    lab->folder = command_box();
    snprintf(address, sizeof(address), "127.0.0.1:%d", demo_port(lab->demo));
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address", address));
    free(EXPECT(0, "server", "tls", "db1", "--yes"));
    free(EXPECT(0, "server", "trust", "db1", "--yes"));
    *state = lab;
    return 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;

    demo_free(lab->demo);
    command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* What a change could leave behind on the server. Caller frees. */
static char *server_state(const struct lab *lab)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(lab->demo), &err);
    struct conn *conn = params ? conn_open(params, NULL, &err) : NULL;
    struct result *result = conn ? conn_exec(conn, STATE, 0, NULL, &err) : NULL;
    char *value;

    if (!result)
        fail_msg("%s", err.msg);
    value = mem_strdup(result_get(result, 0, 0));
    result_free(result);
    conn_close(conn);
    params_free(params);
    return value;
}

/* State of the newest plan; "" when there is none. */
static void plan_state(char *ret, size_t size)
{
    json_t *json = EXPECT_JSON(0, "plan", "list", "--json");
    json_t *plan = json_array_get(json_object_get(json, "plans"), 0);
    const char *state = json_string_value(json_object_get(plan, "state"));

    snprintf(ret, size, "%s", state ? state : "");
    json_decref(json);
}

static void expect_plan(const char *expected)
{
    char state[32];

    plan_state(state, sizeof(state));
    assert_string_equal(state, expected);
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
    expect_plan(plan);
    after = server_state(lab);
    assert_int_equal(strcmp(after, before) == 0, strcmp(plan, "kept") != 0);
    free(after);
}

static void test_question(void **state)
{
    const struct lab *lab = *state;
    char *before = server_state(lab);
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
    char *before = server_state(lab);

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
    char *before = server_state(lab);
    struct pty *pty = require("--try=6");

    pty_wait_text(pty, "it is taken back");
    expect_plan("done");
    ends(lab, pty, 4, before, "undone"); /* nobody says anything */

    pty = require("--try=100");
    pty_wait_text(pty, "pgseal plan keep 4");
    pty_wait_text(pty, "it is taken back");
    EXPECT_ERROR(2, "--yes", "plan", "keep", "4"); /* no terminal there: nobody can be asked */
    free(EXPECT(0, "plan", "keep", "4", "--dry-run"));
    expect_plan("done");
    free(EXPECT(0, "plan", "keep", "4", "--yes"));
    ends(lab, pty, 0, before, "kept");
    EXPECT_ERROR(1, "PS-", "plan", "keep", "4", "--yes");

    free(EXPECT(0, "plan", "undo", "4", "--yes"));
    expect_plan("undone");
    free(before);
}

static void test_undone_elsewhere(void **state)
{
    const struct lab *lab = *state;
    char *before = server_state(lab);
    struct pty *pty = require("--try=100");

    pty_wait_text(pty, "it is taken back");
    free(EXPECT(0, "plan", "undo", "3", "--yes"));
    ends(lab, pty, 4, before, "undone");
    free(before);
}

static void test_killed(void **state)
{
    const struct lab *lab = *state;
    char *before = server_state(lab);
    struct pty *pty = require("--try=100");

    pty_wait_text(pty, "it is taken back");
    pty_signal(pty, SIGKILL);
    assert_int_equal(pty_wait_exit(pty), 128 + SIGKILL);
    pty_free(pty);
    expect_plan("done");
    EXPECT_ERROR(1, "PS-2112", REQUIRE, "--yes");
    free(EXPECT(0, "plan", "keep", "3", "--yes")); /* the next one decides: its guard still waits */
    expect_plan("kept");
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    expect_plan("undone");
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_question, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_try, setup, teardown),
        cmocka_unit_test_setup_teardown(test_undone_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
