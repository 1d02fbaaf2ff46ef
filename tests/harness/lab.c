/* lab.c - a private PostgreSQL and a folder for commands. */
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
#include "tests/harness/lab.h"

int lab_setup(void **state)
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

int lab_teardown(void **state)
{
    struct lab *lab = *state;

    demo_free(lab->demo);
    command_box_free(lab->folder);
    free(lab);
    return 0;
}

struct conn *lab_admin(const struct demo *demo)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(demo), &err);
    struct conn *conn = params ? conn_open(params, NULL, &err) : NULL;

    if (!conn)
        fail_msg("%s", err.msg);
    params_free(params);
    return conn;
}

char *lab_ask(const struct demo *demo, const char *sql)
{
    struct err err = ERR_INIT;
    struct conn *conn = lab_admin(demo);
    struct result *result = conn_exec(conn, sql, 0, NULL, &err);
    const char *text;
    char *value;

    if (!result)
        fail_msg("%s: %s", sql, err.msg);
    text = result_get(result, 0, 0);
    value = mem_strdup(text ? text : "");
    result_free(result);
    conn_close(conn);
    return value;
}

char *lab_state(const struct demo *demo)
{
    return lab_ask(demo, "SELECT encode(pg_read_binary_file('pg_hba.conf'), 'hex') || "
                         "encode(pg_read_binary_file('postgresql.auto.conf'), 'hex') || "
                         "(SELECT string_agg(name || setting, ' ' ORDER BY name) FROM pg_settings"
                         " WHERE name LIKE 'ssl%')");
}

struct conn *lab_login(const struct lab *lab, const char *role, const char *kit, struct err *err)
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

void lab_plan_state(char *ret, size_t size)
{
    json_t *json = EXPECT_JSON(0, "plan", "list", "--json");
    json_t *plan = json_array_get(json_object_get(json, "plans"), 0);
    const char *state = json_string_value(json_object_get(plan, "state"));

    snprintf(ret, size, "%s", state ? state : "");
    json_decref(json);
}

void lab_expect_plan(const char *expected)
{
    char state[32];

    lab_plan_state(state, sizeof(state));
    assert_string_equal(state, expected);
}
