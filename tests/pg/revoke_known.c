/* revoke_known.c - what the store does not know: a server that had the CA before, a certificate that
 * was lost with a newer store, and sessions of what was revoked long ago. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/pg/revoke_box.h"
#include "tests/pg/revoke_ways.h"

static void shell(const char *line)
{
    struct command_result result;

    command_run(&result, &(struct command_options){.program = "sh"}, "-c", line, NULL);
    if (result.status != 0)
        fail_msg("%s: %s%s", line, result.out, result.err);
    command_clear(&result);
}

static void as_admin(const struct demo *demo, const char *sql)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(demo), &err);
    struct conn *conn = params ? conn_open(params, &(struct conn_options){0}, &err) : NULL;

    if (!conn || !conn_run(conn, sql, &err))
        fail_msg("%s", err.msg);
    conn_close(conn);
    params_free(params);
}

/* Forgotten, and added again by this connection string: it trusts both CAs, and the store has no idea. */
static void add_again(const char *name, const struct demo *demo, const char *conninfo)
{
    char *address = mem_printf("127.0.0.1:%d", demo_port(demo));

    free(EXPECT(0, "server", "remove", name, "--yes"));
    free(EXPECT(0, "server", "add", name, conninfo, "--address", address));
    free(address);
}

static char *serial_of(const char *file)
{
    json_t *json = EXPECT_JSON(0, "show", file, "--json");
    char *serial =
        mem_strdup(lab_text(json_array_get(json_object_get(json, "items"), 0), "serial"));

    json_decref(json);
    return serial;
}

static void trust_both(const char *name)
{
    free(EXPECT(0, "server", "trust", name, "--ca", "lab", "--ca", "other", "--yes"));
}

/* With pgseal's own certificate: its revocation never shuts pgseal out, and that is said. */
void test_another_way_in(void **state)
{
    const struct lab *lab = *state;
    struct command_result result;
    json_t *json;
    char *text;

    lab_issue("carol", "lab", "k1");
    lab_issue("bob", "lab", "k2");
    as_admin(lab->two, "ALTER ROLE carol SUPERUSER");
    text = mem_printf("127.0.0.1:*:*:carol:%s\n", demo_password(lab->two, "carol"));
    command_write("pass", text, 0600);
    free(text);
    text =
        mem_printf("host=127.0.0.1 port=%d user=carol dbname=app sslmode=verify-full"
                   " sslcert=k1/carol.crt sslkey=k1/carol.key sslrootcert=root.crt passfile=pass",
                   demo_port(lab->two));
    add_again("db2", lab->two, text);
    free(text);

    json = EXPECT_JSON(6, "server", "check", "db2", "--json");
    assert_non_null(lab_row(json, "findings", "code", "PS-2253"));
    json_decref(json);
    trust_both("db2"); /* nothing to do, and now it is known */
    text = serial_of("k2/bob.crt");
    free(EXPECT(0, "revoke", text, "--confirm=bob"));
    free(text);
    lab_refused(lab->two, "bob", "k2");

    /* one document, also where it failed in part */
    text = serial_of("k1/carol.crt");
    command_run(&result, NULL, "revoke", text, "--confirm=carol", "--json", NULL);
    free(text);
    assert_int_equal(result.status, 5);
    json = json_loads(result.out, 0, NULL);
    if (!json || !strstr(result.err, "pgseal itself logs in to \"db2\""))
        fail_msg("%s%s", result.out, result.err);
    assert_string_equal(lab_text(json_object_get(json, "error"), "code"), "PS-2109");
    assert_string_equal(lab_text(lab_row(json, "servers", "server", "db2"), "state"), "refused");
    json_decref(json);
    command_clear(&result);
    lab_refused(lab->one, "carol", "k1");
    conn_close(lab_must_log_in(lab->two, "carol", "k1"));

    add_again("db2", lab->two, demo_admin_conninfo(lab->two));
    trust_both("db2");
    lab_refused(lab->two, "carol", "k1");
    as_admin(lab->two, "ALTER ROLE carol NOSUPERUSER");
    assert_int_equal(lab_count_behind(), 0);
}

void test_lost_certificate(void **state)
{
    const struct lab *lab = *state;
    struct conn *alice;
    json_t *json;
    char *serial;

    shell("cp -a store older"); /* a backup, and then somebody gets a certificate */
    lab_issue("alice", "lab", "lost");
    serial = serial_of("lost/alice.crt");
    alice = lab_must_log_in(lab->one, "alice", "lost");
    EXPECT_ERROR(1, "--ca NAME", "revoke", serial, "--store", "older", "--confirm", serial);
    EXPECT_ERROR(1, "PS-4014", "revoke", "abe", "--ca", "lab", "--store", "older", "--confirm=abe");
    EXPECT_ERROR(2, "PS-1006", "revoke", serial, "--ca", "lab", "--store", "older",
                 "--confirm=alice");
    json = EXPECT_JSON(0, "revoke", serial, "--ca", "lab", "--store", "older", "--confirm", serial,
                       "--json");
    assert_string_equal(lab_text(lab_row(json, "servers", "server", "db2"), "state"), "done");
    json_decref(json);
    lab_refused(lab->one, "alice", "lost");
    lab_refused(lab->two, "alice", "lost");
    EXPECT_ERROR(1, "PS-4016", "revoke", serial, "--ca", "lab", "--store", "older");

    /* the other store sees that a later list is there, and takes what that one says */
    json = EXPECT_JSON(6, "server", "check", "db1", "--json");
    assert_non_null(lab_row(json, "findings", "code", "PS-2111"));
    json_decref(json);
    EXPECT_ERROR(5, "crl import", "crl", "refresh", "--server", "db1", "--yes");
    free(EXPECT(0, "crl", "export", "--ca", "lab", "--store", "older", "--out", "older.crl"));
    free(EXPECT(0, "crl", "import", "older.crl", "--yes"));
    free(EXPECT(0, "crl", "refresh", "--yes"));

    /* revoked by now; its session is still there */
    assert_true(lab_is_alive(alice));
    EXPECT_ERROR(1, "--end-sessions", "revoke", serial, "--confirm=alice");
    free(EXPECT(0, "revoke", serial, "--end-sessions", "--confirm=alice"));
    assert_false(lab_is_alive(alice));
    conn_close(alice);
    assert_int_equal(lab_count_behind(), 0);
    free(serial);
}
