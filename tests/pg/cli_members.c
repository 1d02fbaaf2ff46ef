/* A primary and its standby, each with its own files, changed by the name of their cluster. */
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
#include <time.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "core/pg/handshake.h"
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"

/* One primary, one standby, and a cluster of somebody else, for all tests: they go on where the one
 * before ended. */
struct lab {
    char *folder;
    struct demo *primary, *standby, *other;
};

static struct demo *start(const struct demo_options *options)
{
    struct err err = ERR_INIT;
    struct demo *demo = demo_start(options, &err);

    if (!demo)
        print_error("demo_start: %s\n", err.msg);
    return demo;
}

static int setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options first = {.replicated = true};
    struct demo_options alone = {.quiet_roles = true};
    struct demo_options second = {.quiet_roles = true};

    (void)signal(SIGPIPE, SIG_IGN);
    *state = lab;
    lab->primary = start(&first);
    second.standby_of = lab->primary;
    lab->standby = lab->primary ? start(&second) : NULL;
    lab->other = start(&alone);
    if (!lab->standby || !lab->other)
        return -1;
    lab->folder = command_box();
    return 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;

    demo_free(lab->standby);
    demo_free(lab->primary);
    demo_free(lab->other);
    if (lab->folder)
        command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* ---- small things ---- */

static char *ask(const struct demo *demo, const char *sql)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(demo), &err);
    struct conn *conn = params ? conn_open(params, NULL, &err) : NULL;
    struct result *result = conn ? conn_exec(conn, sql, 0, NULL, &err) : NULL;
    char *value;

    if (!result)
        fail_msg("%s: %s", sql, err.msg);
    value = mem_strdup(result_get(result, 0, 0) ? result_get(result, 0, 0) : "");
    result_free(result);
    conn_close(conn);
    params_free(params);
    return value;
}

/* All that a change may touch. */
static char *files_of(const struct demo *demo)
{
    return ask(demo, "SELECT encode(pg_read_binary_file('pg_hba.conf'), 'hex') || "
                     "encode(pg_read_binary_file('postgresql.auto.conf'), 'hex') || "
                     "(SELECT string_agg(name || setting, ' ' ORDER BY name) FROM pg_settings"
                     " WHERE name LIKE 'ssl%')");
}

static void same_files(const struct demo *demo, char *before)
{
    char *now = files_of(demo);

    assert_string_equal(now, before);
    free(now);
    free(before);
}

static void add(const struct demo *demo, const char *name, const struct demo *tls)
{
    char *conninfo = mem_printf("%s connect_timeout=2", demo_admin_conninfo(demo));
    char *address = mem_printf("127.0.0.1:%d", demo_port(tls));
    json_t *json = EXPECT_JSON(0, "server", "add", name, conninfo, "--address", address,
                               "--member-of", "main", "--json");

    assert_string_equal(json_string_value(json_object_get(json, "cluster")), "main");
    json_decref(json);
    free(address);
    free(conninfo);
}

/* The state of one member in a document. */
static const char *state_of(const json_t *document, const char *name)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(document, "members"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "server")), name) == 0)
            return json_string_value(json_object_get(row, "state"));
    }
    fail_msg("no member \"%s\"", name);
    return "";
}

static void states_are(json_t *document, const char *all, const char *db1, const char *db2)
{
    assert_string_equal(json_string_value(json_object_get(document, "state")), all);
    assert_string_equal(state_of(document, "db1"), db1);
    assert_string_equal(state_of(document, "db2"), db2);
    json_decref(document);
}

static bool accepts(const struct demo *demo, const char *ca)
{
    struct handshake_request request = {.host = "127.0.0.1", .port = demo_port(demo)};
    struct handshake seen;
    struct err err = ERR_INIT;
    bool found = false;

    if (!handshake_run(&request, &seen, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < seen.n_accepted_cas; i++)
        found = found || strstr(seen.accepted_cas[i], ca);
    handshake_clear(&seen);
    return found;
}

static bool knows_of(const char *what)
{
    char *text = EXPECT(0, "server", "show", "db2");
    bool found = strstr(text, what) != NULL;

    free(text);
    return found;
}

/* Stopped by its own pid; demo_restart() starts it again. */
static void take_down(struct demo *demo)
{
    struct conn *conn = NULL;

    assert_int_equal(kill((pid_t)demo_pid(demo), SIGINT), 0);
    for (int i = 0; i < 500; i++) {
        struct err err = ERR_INIT;
        struct params *params = params_parse(demo_admin_conninfo(demo), &err);

        conn = conn_open(params, NULL, &err);
        params_free(params);
        if (!conn && strstr(err.msg, "No such file"))
            return;
        conn_close(conn);
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("it does not go down");
}

static void bring_up(struct demo *demo)
{
    struct err err = ERR_INIT;

    if (!demo_restart(demo, &err))
        fail_msg("%s", err.msg);
}

static void freeze(struct demo *demo, bool frozen)
{
    struct err err = ERR_INIT;

    if (!demo_freeze(demo, frozen, &err))
        fail_msg("%s", err.msg);
}

/* ---- the members ---- */

static void test_members(void **state)
{
    const struct lab *lab = *state;
    char *text;

    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    EXPECT_ERROR(1, "PS-2008", "server", "crl", "main", "--yes");
    add(lab->primary, "db1", lab->primary);
    add(lab->standby, "db2", lab->standby);
    /* another cluster: refused, and nothing is remembered */
    EXPECT_ERROR(1, "PS-2009", "server", "add", "db3", demo_admin_conninfo(lab->other),
                 "--member-of", "main");
    EXPECT_ERROR(1, "PS-2008", "server", "show", "db3");
    /* a cluster is not called as a server is */
    EXPECT_ERROR(2, "name of a cluster", "server", "add", "main",
                 demo_admin_conninfo(lab->primary));
    EXPECT_ERROR(2, "name of a server", "server", "add", "db3", demo_admin_conninfo(lab->standby),
                 "--member-of", "db1");
    text = EXPECT(0, "server", "add", "db3", demo_admin_conninfo(lab->standby), "--address",
                  "127.0.0.1:1");
    assert_null(strstr(text, "standby"));
    free(text);
    /* two names for one server: one of the two is not the member that it seems to be */
    free(EXPECT(0, "server", "join", "db3", "main"));
    EXPECT_ERROR(1, "one and the same server", "server", "tls", "main", "--yes");
    free(EXPECT(0, "server", "leave", "db3"));
    EXPECT_ERROR(2, "of no cluster", "server", "leave", "db3");
    free(EXPECT(0, "server", "remove", "db3", "--yes"));
    text = EXPECT(0, "server", "show", "main");
    assert_non_null(strstr(text, "db1"));
    assert_non_null(strstr(text, "db2"));
    free(text);
}

static void test_tls_and_trust(void **state)
{
    const struct lab *lab = *state;
    char *text = EXPECT(0, "server", "tls", "main", "--dry-run");
    const char *standby = strstr(text, "-- db2 (standby)");
    const char *primary = strstr(text, "-- db1 (primary)");
    char *first, *second;

    assert_non_null(standby);
    assert_non_null(primary);
    assert_true(standby < primary);
    free(text);
    states_are(EXPECT_JSON(0, "server", "tls", "main", "--yes", "--json"), "done", "kept", "kept");
    states_are(EXPECT_JSON(0, "server", "trust", "main", "--yes", "--json"), "done", "kept",
               "kept");
    assert_true(accepts(lab->primary, "lab"));
    assert_true(accepts(lab->standby, "lab"));
    /* each its own certificate: the name of its file is its hash */
    first = ask(lab->primary, "SHOW ssl_cert_file");
    second = ask(lab->standby, "SHOW ssl_cert_file");
    assert_string_not_equal(first, second);
    free(first);
    free(second);
    states_are(EXPECT_JSON(0, "server", "trust", "main", "--yes", "--json"), "done", "nothing",
               "nothing");
}

static void test_rules(void **state)
{
    const struct lab *lab = *state;
    char *before[] = {files_of(lab->primary), files_of(lab->standby)};
    char *text;

    EXPECT_ERROR(2, "--yes", "server", "require", "main", "--database", "app", "--role", "alice",
                 "--from", "127.0.0.1/32");
    states_are(EXPECT_JSON(0, "server", "require", "main", "--database", "app", "--role", "alice",
                           "--from", "127.0.0.1/32", "--yes", "--json"),
               "done", "kept", "kept");
    text = ask(lab->standby, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'cert'");
    assert_string_equal(text, "1");
    free(text);
    text = ask(lab->standby, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE"
                             " 'pgseal guard%'");
    assert_string_equal(text, "0");
    free(text);
    EXPECT_ERROR(2, "one server's file", "server", "unrequire", "main", "3", "--yes");
    text = EXPECT(0, "server", "undo", "main", "--yes");
    assert_non_null(strstr(text, "\"db1\" is taken back"));
    assert_non_null(strstr(text, "\"db2\" is taken back"));
    free(text);
    same_files(lab->primary, before[0]);
    same_files(lab->standby, before[1]);
}

/* ---- one is away ---- */

static void test_standby_down(void **state)
{
    const struct lab *lab = *state;

    free(EXPECT(0, "crl", "refresh", "--yes"));
    take_down(lab->standby);
    states_are(EXPECT_JSON(5, "server", "crl", "main", "--yes", "--json"), "partly", "kept",
               "away");
    assert_true(knows_of("has not got  CRLs"));
    EXPECT_ERROR(5, "PS-2250", "server", "crl", "main", "--yes");
    bring_up(lab->standby);
    assert_true(knows_of("has not got  CRLs"));
    states_are(EXPECT_JSON(0, "server", "crl", "main", "--yes", "--json"), "done", "nothing",
               "kept");
    assert_false(knows_of("has not got"));
}

static void test_standby_hangs(void **state)
{
    const struct lab *lab = *state;

    free(EXPECT(0, "crl", "refresh", "--yes"));
    freeze(lab->standby, true);
    states_are(EXPECT_JSON(5, "server", "crl", "main", "--yes", "--json"), "partly", "kept",
               "away");
    freeze(lab->standby, false);
    /* one server's own name does it, too, and what was remembered is forgotten */
    free(EXPECT(0, "server", "crl", "db2", "--yes"));
    assert_false(knows_of("has not got"));
}

/* ---- one fails ---- */

/* The primary is proven at the address of another server: its proof fails, after the standby's
 * went well. */
static void test_primary_fails(void **state)
{
    const struct lab *lab = *state;
    char *before[] = {files_of(lab->primary), files_of(lab->standby)};
    char *address = mem_printf("127.0.0.1:%d", demo_port(lab->other));

    free(EXPECT(0, "server", "add", "else", demo_admin_conninfo(lab->other), "--address", address));
    free(EXPECT(0, "server", "tls", "else", "--yes"));
    free(EXPECT(0, "server", "trust", "else", "--yes"));
    free(EXPECT(0, "server", "remove", "db1", "--yes"));
    add(lab->primary, "db1", lab->other);
    free(EXPECT(0, "ca", "create", "next", "--no-passphrase"));
    states_are(EXPECT_JSON(4, "server", "trust", "main", "--ca", "next", "--yes", "--json"),
               "undone", "undone", "undone");
    same_files(lab->primary, before[0]);
    same_files(lab->standby, before[1]);
    assert_false(accepts(lab->standby, "next"));
    free(EXPECT(0, "server", "remove", "db1", "--yes"));
    add(lab->primary, "db1", lab->primary);
    free(address);
}

/* ---- the standby takes over ---- */

static void test_promotion(void **state)
{
    const struct lab *lab = *state;
    json_t *json;
    char *text = ask(lab->standby, "SELECT pg_promote(true, 60)");

    assert_string_equal(text, "t");
    free(text);
    /* the restartpoint that has the new timeline */
    free(ask(lab->standby, "SELECT 1 FROM (SELECT pg_switch_wal()) AS switched"));
    json = EXPECT_JSON(0, "server", "trust", "main", "--ca", "next", "--yes", "--json");
    assert_true(accepts(lab->primary, "next"));
    assert_true(accepts(lab->standby, "next"));
    states_are(json, "done", "kept", "kept");
    states_are(EXPECT_JSON(0, "server", "untrust", "main", "--ca", "next", "--yes", "--json"),
               "done", "kept", "kept");
    assert_false(accepts(lab->standby, "next"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),       cmocka_unit_test(test_tls_and_trust),
        cmocka_unit_test(test_rules),         cmocka_unit_test(test_standby_down),
        cmocka_unit_test(test_standby_hangs), cmocka_unit_test(test_primary_fails),
        cmocka_unit_test(test_promotion),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
