/* "server untrust" and "server unrequire", as a script runs them, on a real PostgreSQL. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"

struct lab {
    char *folder;
    struct demo *demo;
    char address[32]; /* "127.0.0.1:54321" */
};

static int setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options options = {0};
    struct err err = ERR_INIT;

    lab->demo = demo_start(&options, &err);
    if (!lab->demo)
        fail_msg("%s", err.msg);
    lab->folder = command_box();
    snprintf(lab->address, sizeof(lab->address), "127.0.0.1:%d", demo_port(lab->demo));
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

/* ---- small things ---- */

/* One value from the server, as its administrator. Caller frees. */
static char *ask(const struct lab *lab, const char *sql)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(lab->demo), &err);
    struct conn *conn = params ? conn_open(params, NULL, &err) : NULL;
    struct result *result = conn ? conn_exec(conn, sql, 0, NULL, &err) : NULL;
    char *value;

    if (!result)
        fail_msg("%s", err.msg);
    value = mem_strdup(result_get(result, 0, 0));
    result_free(result);
    conn_close(conn);
    params_free(params);
    return value;
}

#define STATE                                                                                      \
    "SELECT encode(pg_read_binary_file('pg_hba.conf'), 'hex') || "                                 \
    "encode(pg_read_binary_file('postgresql.auto.conf'), 'hex') || "                               \
    "(SELECT string_agg(name || setting, ' ' ORDER BY name) FROM pg_settings WHERE name LIKE "     \
    "'ssl%')"

/* A login as a client: with the kit in this folder, or without. NULL: refused, *ret_why says why. */
static struct conn *log_in(const struct lab *lab, const char *role, const char *kit,
                           struct err *err)
{
    struct params *params = params_new();
    struct secret *password = secret_new(SECRET_PASSPHRASE_MAX);
    struct conn_options options = {.password = password};
    struct conn *conn;
    char *port = mem_printf("%d", demo_port(lab->demo));
    char *cert = mem_printf("%s/%s.crt", kit ? kit : "", role);
    char *key = mem_printf("%s/%s.key", kit ? kit : "", role);
    const char *secret = demo_password(lab->demo, role);

    assert_true(secret_set(password, secret, strlen(secret)));
    memset(err, 0, sizeof(*err));
    params_set(params, "host", "127.0.0.1");
    params_set(params, "port", port);
    params_set(params, "user", role);
    params_set(params, "dbname", "app");
    params_set(params, "sslmode", kit ? "verify-full" : "disable");
    if (kit) {
        params_set(params, "sslcert", cert);
        params_set(params, "sslkey", key);
        params_set(params, "sslrootcert", "root.crt");
    }
    conn = conn_open(params, &options, err);
    params_free(params);
    secret_free(password);
    free(port);
    free(cert);
    free(key);
    return conn;
}

static void prepare(const struct lab *lab)
{
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "ca", "export", "lab", "--out", "root.crt"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address",
                lab->address));
    free(EXPECT(0, "server", "tls", "db1", "--yes"));
    free(EXPECT(0, "server", "trust", "db1", "--yes"));
    free(EXPECT(0, "issue", "client", "alice", "--server", "db1"));
}

static void test_unrequire(void **state)
{
    const struct lab *lab = *state;
    struct err err = ERR_INIT;
    char *before, *after, *text;
    struct conn *alice;

    prepare(lab);
    before = ask(lab, STATE);
    text = EXPECT(0, "server", "unrequire", "db1", "--yes");
    assert_non_null(strstr(text, "nothing to do"));
    free(text);
    free(EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "alice", "--from",
                "127.0.0.1/32", "--yes"));
    assert_null(log_in(lab, "alice", NULL, &err));
    EXPECT_ERROR(2, "PS-1003", "server", "unrequire", "db1", "1", "--yes"); /* not ours */
    EXPECT_ERROR(2, "PS-1003", "server", "unrequire", "db1", "x", "--yes");
    free(EXPECT(0, "server", "unrequire", "db1", "--dry-run"));
    assert_null(log_in(lab, "alice", NULL, &err));
    free(EXPECT(0, "server", "unrequire", "db1", "--yes"));
    after = ask(lab, STATE);
    assert_string_equal(before, after);
    alice = log_in(lab, "alice", NULL, &err);
    assert_non_null(alice);
    conn_close(alice);
    free(before);
    free(after);
}

static void test_untrust(void **state)
{
    const struct lab *lab = *state;
    struct err err = ERR_INIT;
    struct conn *alice;
    json_t *json;
    char *before, *after;

    prepare(lab);
    before = ask(lab, STATE);
    EXPECT_ERROR(2, "--all", "server", "untrust", "db1", "--yes");
    EXPECT_ERROR(2, "--all", "server", "untrust", "db1", "--all", "--ca", "lab", "--yes");
    alice = log_in(lab, "alice", "alice", &err);
    if (!alice)
        fail_msg("%s", err.msg);
    json = EXPECT_JSON(0, "server", "untrust", "db1", "--ca", "lab", "--dry-run", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "refused")), 1);
    json_decref(json);
    EXPECT_ERROR(1, "role \"alice\" from 127.0.0.1", "server", "untrust", "db1", "--ca", "lab",
                 "--yes");
    EXPECT_ERROR(1, "--accept-refused=1", "server", "untrust", "db1", "--all", "--yes");
    EXPECT_ERROR(1, "PS-2109", "server", "untrust", "db1", "--all", "--yes", "--accept-refused=7");
    after = ask(lab, STATE);
    assert_string_equal(before, after);
    free(after);
    free(EXPECT(0, "server", "untrust", "db1", "--all", "--yes", "--accept-refused=1"));
    json = EXPECT_JSON(0, "server", "probe", "db1", "--json");
    assert_false(json_is_true(json_object_get(json, "asks_certificate")));
    json_decref(json);
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    after = ask(lab, STATE);
    assert_string_equal(before, after);
    conn_close(alice);
    free(before);
    free(after);
}

static void test_replace(void **state)
{
    const struct lab *lab = *state;
    struct err err = ERR_INIT;
    struct conn *alice;
    json_t *json;

    prepare(lab);
    alice = log_in(lab, "alice", "alice", &err);
    if (!alice)
        fail_msg("%s", err.msg);
    free(EXPECT(0, "ca", "create", "next", "--no-passphrase"));
    EXPECT_ERROR(1, "--accept-refused=1", "server", "trust", "db1", "--ca", "next", "--replace",
                 "--yes");
    free(EXPECT(0, "server", "trust", "db1", "--ca", "next", "--yes")); /* beside: nobody is lost */
    free(EXPECT(0, "server", "trust", "db1", "--ca", "next", "--replace", "--yes",
                "--accept-refused=1"));
    json = EXPECT_JSON(0, "server", "probe", "db1", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "accepted_cas")), 1);
    json_decref(json);
    conn_close(alice);
    assert_null(log_in(lab, "alice", "alice", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unrequire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_untrust, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
