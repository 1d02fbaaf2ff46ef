/* cli_health.c - server check, server simulate, doctor and check, as a script runs them. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/pg/sessions.h"
#include "core/store/sighting.h"
#include "tests/harness/command.h"
#include "tests/pg/health_box.h"
#include "tests/pg/need_pg.h"

static char *folder; /* HOME, and what the commands write */

static int setup(void **state)
{
    struct health_box *box;

    folder = command_box();
    if (health_box_setup(state) != 0)
        return -1;
    box = *state;
    setenv("PGSEAL_STORE", demo_store(box->plan.demo), 1);
    return 0;
}

static int teardown(void **state)
{
    int result = health_box_teardown(state);

    command_box_free(folder);
    return result;
}

static json_int_t number(const json_t *json, const char *name)
{
    assert_true(json_is_integer(json_object_get(json, name)));
    return json_integer_value(json_object_get(json, name));
}

static const char *text(const json_t *json, const char *name)
{
    const char *value = json_string_value(json_object_get(json, name));

    return value ? value : "";
}

/* The row of this array whose field has this value; the test ends without one. */
static const json_t *row(const json_t *json, const char *array, const char *field,
                         const char *value)
{
    const json_t *rows = json_object_get(json, array);
    const json_t *found = NULL;

    for (size_t i = 0; i < json_array_size(rows) && !found; i++) {
        if (strcmp(text(json_array_get(rows, i), field), value) == 0)
            found = json_array_get(rows, i);
    }
    if (!found)
        fail_msg("no %s with %s = \"%s\"", array, field, value);
    return found;
}

static void test_server_check(void **state)
{
    struct health_box *box = *state;
    json_t *json;
    char *out;
    const json_t *finding;

    health_expect_well(box);
    json = EXPECT_JSON(0, "server", "check", "db1", "--json");
    assert_int_equal(number(json, "errors"), 0);
    assert_int_equal(number(json, "warnings"), 0);
    assert_string_equal(text(json, "tls"), "on");
    assert_false(json_boolean_value(json_object_get(json, "restart_fails")));
    json_decref(json);
    out = EXPECT(0, "server", "check", "db1");
    assert_non_null(strstr(out, "[ok] no problem found"));
    free(out);

    health_set(box, "ssl_crl_file", "nosuch.crl");
    json = EXPECT_JSON(6, "server", "check", "db1", "--json");
    assert_true(number(json, "errors") >= 1);
    assert_true(json_boolean_value(json_object_get(json, "restart_fails")));
    finding = row(json, "findings", "code", "PS-2206");
    assert_string_equal(text(finding, "severity"), "error");
    assert_string_equal(text(finding, "object"), "ssl_crl_file");
    assert_string_equal(text(finding, "act"), "crl");
    assert_true(text(finding, "cause")[0] && text(finding, "help")[0]);
    json_decref(json);
    out = EXPECT(6, "server", "check", "db1");
    assert_non_null(strstr(out, "[xx] PS-2206 ssl_crl_file:"));
    assert_non_null(strstr(out, "restart of this server would fail"));
    free(out);
    out = EXPECT(6, "check", "--servers");
    assert_non_null(strstr(out, "PS-2206 db1: ssl_crl_file:"));
    free(out);
    health_heal(box);
    EXPECT_ERROR(1, "PS-2008", "server", "check", "nosuch");
}

static void test_check(void **state)
{
    char *out;
    json_t *json;

    (void)state;
    out = EXPECT(0, "check");
    assert_non_null(strstr(out, "[ok]"));
    free(out);
    json = EXPECT_JSON(6, "check", "--within", "370", "--json");
    assert_string_equal(text(row(json, "findings", "object", "alice"), "code"), "PS-2249");
    assert_string_equal(text(row(json, "findings", "code", "PS-2216"), "object"), "Test CA");
    json_decref(json);
    out = EXPECT(0, "check", "--nagios", "--servers");
    assert_true(strncmp(out, "PGSEAL OK - ", 12) == 0);
    free(out);
    out = EXPECT(1, "check", "--nagios", "--within", "370");
    assert_true(strncmp(out, "PGSEAL WARNING - ", 17) == 0);
    free(out);
    /* a name with a bar must not begin the performance data */
    free(EXPECT(0, "issue", "client", "x|y", "--days", "5", "--out", "bar"));
    out = EXPECT(1, "check", "--nagios");
    assert_non_null(strstr(out, "x/y: the certificate of \"x/y\" ends"));
    assert_ptr_equal(strchr(out, '|'), strstr(out, "| errors=0 warnings=1\n"));
    free(out);
    free(EXPECT(0, "revoke", "x|y", "--confirm=x|y"));
    out = EXPECT(3, "check", "--nagios", "--store", "/nonexistent");
    assert_true(strncmp(out, "PGSEAL UNKNOWN - ", 17) == 0);
    free(out);
    EXPECT_ERROR(2, "within", "check", "--within", "0");
}

static void test_simulate(void **state)
{
    json_t *json;
    const json_t *found;
    char *out;

    (void)state;
    json = EXPECT_JSON(0, "server", "simulate", "db1", "--json");
    assert_int_equal(number(json, "refused"), 0);
    found = row(json, "sessions", "role", "admin");
    assert_true(json_boolean_value(json_object_get(found, "own")) ||
                json_array_size(json_object_get(json, "sessions")) > 1);
    assert_string_equal(text(found, "then"), "allowed");
    assert_int_equal(number(found, "line"), 1);
    assert_string_equal(text(found, "method"), "trust");
    json_decref(json);

    /* carol has no certificate: she would be refused; alice has one */
    json = EXPECT_JSON(6, "server", "simulate", "db1", "--require", "--database", "all", "--role",
                       "carol", "--role", "alice", "--from", "127.0.0.1/32", "--json");
    assert_int_equal(number(json, "refused"), 1);
    found = row(json, "roles", "role", "carol");
    assert_string_equal(text(found, "now"), "allowed");
    assert_string_equal(text(found, "then"), "refused");
    assert_true(json_array_size(json_object_get(found, "walk")) >= 3);
    json_decref(json);
    out = EXPECT(6, "server", "simulate", "db1", "--database", "all", "--role", "carol", "--from",
                 "127.0.0.1");
    assert_non_null(strstr(out, "1 would be refused"));
    assert_non_null(strstr(out, "is for another role"));
    free(out);
    out = EXPECT(0, "server", "simulate", "db1", "--database", "all", "--role", "alice", "--from",
                 "127.0.0.1/32");
    assert_non_null(strstr(out, "nobody would be refused"));
    free(out);
    EXPECT_ERROR(2, "--role", "server", "simulate", "db1", "--require", "--database", "all");
}

/* Carol's nightly job was seen yesterday: it counts beside who is connected now. */
static void test_simulate_seen(void **state)
{
    struct err err = ERR_INIT;
    struct sightings *sightings = sightings_open(getenv("PGSEAL_STORE"), true, &err);
    struct sighting_item item = {.key = {.server = "db1",
                                         .role = "carol",
                                         .database = "app",
                                         .address = "127.0.0.1",
                                         .class = session_class_name(SESSION_TLS),
                                         .version = "TLSv1.3",
                                         .issuer = "",
                                         .serial = "",
                                         .application = "nightly"},
                                 .authority = "",
                                 .seen_at = clock_now() - CLOCK_DAY};
    json_t *json;
    const json_t *found;

    (void)state;
    assert_non_null(sightings);
    assert_true(sightings_add(sightings, &item, 1, &err));
    sightings_close(sightings);
    json = EXPECT_JSON(6, "server", "simulate", "db1", "--require", "--database", "all", "--role",
                       "carol", "--from", "127.0.0.1/32", "--json");
    assert_int_equal(number(json, "seen_refused"), 1);
    found = row(json, "seen", "role", "carol");
    assert_string_equal(text(found, "then"), "refused");
    assert_non_null(json_object_get(found, "last_seen"));
    json_decref(json);
}

static void test_doctor(void **state)
{
    struct health_box *box = *state;
    char *conninfo = mem_printf("host=127.0.0.1 port=%d user=alice dbname=app sslmode=verify-full",
                                box->plan.target.tls_port);
    json_t *json;
    char *out;

    json = EXPECT_JSON(0, "doctor", conninfo, "--cert", box->alice.certificate, "--key",
                       box->alice.key, "--root", box->alice.root, "--json");
    assert_true(json_boolean_value(json_object_get(json, "well")));
    assert_int_equal(json_array_size(json_object_get(json, "tries")), 6);
    assert_true(json_boolean_value(
        json_object_get(row(json, "tries", "sslmode", "verify-full"), "certificate_sent")));
    json_decref(json);
    out = EXPECT(6, "doctor", conninfo, "--server", "db1");
    assert_non_null(strstr(out, "PS-2309")); /* no root.crt in this HOME */
    assert_non_null(strstr(out, "PS-2301"));
    assert_non_null(strstr(out, "<- what the application uses"));
    free(out);
    EXPECT_ERROR(2, "password", "doctor", "host=x password=y");
    free(conninfo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_check), cmocka_unit_test(test_check),
        cmocka_unit_test(test_simulate),     cmocka_unit_test(test_simulate_seen),
        cmocka_unit_test(test_doctor),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
