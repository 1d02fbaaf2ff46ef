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
#include "tests/harness/lab.h"
#include "tests/pg/need_pg.h"

/* ---- small things ---- */

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
    before = lab_state(lab->demo);
    text = EXPECT(0, "server", "unrequire", "db1", "--yes");
    assert_non_null(strstr(text, "nothing to do"));
    free(text);
    free(EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "alice", "--from",
                "127.0.0.1/32", "--yes"));
    assert_null(lab_login(lab, "alice", NULL, &err));
    EXPECT_ERROR(2, "PS-1003", "server", "unrequire", "db1", "1", "--yes"); /* not ours */
    EXPECT_ERROR(2, "PS-1003", "server", "unrequire", "db1", "x", "--yes");
    free(EXPECT(0, "server", "unrequire", "db1", "--dry-run"));
    assert_null(lab_login(lab, "alice", NULL, &err));
    free(EXPECT(0, "server", "unrequire", "db1", "--yes"));
    after = lab_state(lab->demo);
    assert_string_equal(before, after);
    alice = lab_login(lab, "alice", NULL, &err);
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
    before = lab_state(lab->demo);
    EXPECT_ERROR(2, "--all", "server", "untrust", "db1", "--yes");
    EXPECT_ERROR(2, "--all", "server", "untrust", "db1", "--all", "--ca", "lab", "--yes");
    alice = lab_login(lab, "alice", "alice", &err);
    if (!alice)
        fail_msg("%s", err.msg);
    json = EXPECT_JSON(0, "server", "untrust", "db1", "--ca", "lab", "--dry-run", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "refused")), 1);
    json_decref(json);
    EXPECT_ERROR(1, "role \"alice\" from 127.0.0.1", "server", "untrust", "db1", "--ca", "lab",
                 "--yes");
    EXPECT_ERROR(1, "--accept-refused=1", "server", "untrust", "db1", "--all", "--yes");
    EXPECT_ERROR(1, "PS-2109", "server", "untrust", "db1", "--all", "--yes", "--accept-refused=7");
    after = lab_state(lab->demo);
    assert_string_equal(before, after);
    free(after);
    free(EXPECT(0, "server", "untrust", "db1", "--all", "--yes", "--accept-refused=1"));
    json = EXPECT_JSON(0, "server", "probe", "db1", "--json");
    assert_false(json_is_true(json_object_get(json, "asks_certificate")));
    json_decref(json);
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    after = lab_state(lab->demo);
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
    free(EXPECT(0, "ca", "create", "next", "--no-passphrase"));
    /* not connected now: her next login is lost all the same */
    json = EXPECT_JSON(0, "server", "trust", "db1", "--ca", "next", "--replace", "--dry-run",
                       "--json");
    assert_int_equal(json_array_size(json_object_get(json, "refused")), 1);
    json_decref(json);
    EXPECT_ERROR(1, "role \"alice\", which has a certificate", "server", "trust", "db1", "--ca",
                 "next", "--replace", "--yes");
    alice = lab_login(lab, "alice", "alice", &err);
    if (!alice)
        fail_msg("%s", err.msg);
    EXPECT_ERROR(1, "--accept-refused=1", "server", "trust", "db1", "--ca", "next", "--replace",
                 "--yes");
    free(EXPECT(0, "server", "trust", "db1", "--ca", "next", "--yes")); /* beside: nobody is lost */
    free(EXPECT(0, "server", "trust", "db1", "--ca", "next", "--replace", "--yes",
                "--accept-refused=1"));
    json = EXPECT_JSON(0, "server", "probe", "db1", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "accepted_cas")), 1);
    json_decref(json);
    conn_close(alice);
    assert_null(lab_login(lab, "alice", "alice", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unrequire, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_untrust, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_replace, lab_setup, lab_teardown),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
