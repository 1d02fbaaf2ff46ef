/* The commands that look at and change a server, as a script runs them, on a real PostgreSQL. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "tests/harness/fake_server.h"
#include "tests/harness/lab.h"
#include "tests/pg/need_pg.h"

/* ---- small things ---- */

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    if (!text)
        fail_msg("no \"%s\"", name);
    return text;
}

static json_int_t int_of(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static void add_server(const struct lab *lab)
{
    json_t *json = EXPECT_JSON(0, "server", "add", "db1", demo_admin_conninfo(lab->demo),
                               "--address", lab->address, "--json");

    assert_string_equal(text_of(json, "tls_host"), "127.0.0.1");
    assert_int_equal(int_of(json, "tls_port"), demo_port(lab->demo));
    assert_true(strlen(text_of(json, "system_identifier")) > 10);
    json_decref(json);
}

/* db1 with TLS, the CA "lab", and a rule for alice; her kit is in alice/. */
static void prepare(const struct lab *lab)
{
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "ca", "export", "lab", "--out", "root.crt"));
    add_server(lab);
    free(EXPECT(0, "server", "tls", "db1", "--yes"));
    free(EXPECT(0, "server", "trust", "db1", "--yes"));
    free(EXPECT(0, "issue", "client", "alice", "--server", "db1"));
}

static json_t *find_session(json_t *document, const char *role)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(document, "sessions"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "role"));
        if (name && strcmp(name, role) == 0)
            return row;
    }
    fail_msg("no session of \"%s\"", role);
    return NULL;
}

/* ---- tests ---- */

static void test_add(void **state)
{
    const struct lab *lab = *state;
    json_t *json;
    char *text;

    EXPECT_ERROR(1, "PS-2001", "server", "add", "db1", "host=127.0.0.1 port=1");
    EXPECT_ERROR(2, "PS-1000", "server", "add", "db1", "host=127.0.0.1 password=swordfish");
    EXPECT_ERROR(2, "--provider", "server", "add", "db1", "host=x", "--provider", "mine");
    EXPECT_ERROR(2, "several hosts", "server", "add", "db1", "host=127.0.0.1,127.0.0.2");
    text = mem_printf("%s dbname=nix", demo_admin_conninfo(lab->demo));
    EXPECT_ERROR(1, "such as dbname=postgres", "server", "add", "db1", text);
    free(text);
    EXPECT_ERROR(2, "~/.pg_service.conf", "server", "add", "db1", "service=nix");
    assert_false(fs_exists("store"));
    add_server(lab);
    EXPECT_ERROR(2, "PS-1002", "server", "add", "db1", demo_admin_conninfo(lab->demo));
    json = EXPECT_JSON(0, "server", "list", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "servers")), 1);
    json_decref(json);
    json = EXPECT_JSON(0, "server", "show", "db1", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "trusts")), 0);
    json_decref(json);
    EXPECT_ERROR(1, "PS-2008", "server", "show", "db2");
    EXPECT_ERROR(2, "--yes", "server", "remove", "db1");
    text = EXPECT(0, "server", "remove", "db1", "--yes");
    assert_non_null(strstr(text, "nothing on it was changed"));
    free(text);
    EXPECT_ERROR(1, "PS-2008", "server", "show", "db1");
}

static void test_tls(void **state)
{
    const struct lab *lab = *state;
    json_t *json, *chain;
    char *before = lab_state(lab->demo);
    char *after, *text;

    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    add_server(lab);
    json = EXPECT_JSON(0, "server", "probe", "db1", "--json");
    assert_true(json_is_false(json_object_get(json, "tls")));
    json_decref(json);

    /* nothing is changed: a plan only, no terminal to ask, read-only */
    json = EXPECT_JSON(0, "server", "tls", "db1", "--dry-run", "--json");
    assert_true(json_is_null(json_object_get(json, "id")));
    assert_true(json_array_size(json_object_get(json, "steps")) > 2);
    json_decref(json);
    EXPECT_ERROR(2, "--yes", "server", "tls", "db1");
    command_write("pass", "correct horse battery staple\n", 0600);
    free(EXPECT(0, "ca", "create", "locked", "--passphrase-file", "pass"));
    free(EXPECT(0, "server", "tls", "db1", "--ca", "locked", "--dry-run")); /* it signs nothing */
    free(EXPECT(0, "ca", "delete", "locked", "--confirm=locked"));
    EXPECT_ERROR(2, "--read-only", "server", "tls", "db1", "--yes", "--read-only");
    after = lab_state(lab->demo);
    assert_string_equal(before, after);
    free(after);

    json = EXPECT_JSON(0, "server", "tls", "db1", "--yes", "--host", "localhost", "--host",
                       "127.0.0.1", "--json");
    assert_string_equal(text_of(json, "state"), "kept");
    assert_true(json_array_size(json_object_get(json, "saw")) > 0);
    json_decref(json);
    json = EXPECT_JSON(0, "server", "probe", lab->address, "--json");
    assert_true(json_is_true(json_object_get(json, "tls")));
    assert_true(json_is_true(json_object_get(json, "verified")));
    chain = json_object_get(json, "chain");
    assert_int_equal(json_array_size(json_object_get(json_array_get(chain, 0), "san")), 2);
    json_decref(json);
    json = EXPECT_JSON(0, "plan", "list", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "plans")), 1);
    json_decref(json);

    /* and back: the settings byte for byte */
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    after = lab_state(lab->demo);
    assert_string_equal(before, after);
    json = EXPECT_JSON(0, "server", "probe", "db1", "--json");
    assert_true(json_is_false(json_object_get(json, "tls")));
    json_decref(json);
    EXPECT_ERROR(1, "PS-4018", "server", "undo", "db1", "--yes");
    text = EXPECT(0, "log"); /* its states are one row */
    assert_non_null(strstr(text, ", undone"));
    assert_null(strstr(strstr(text, "plan state") + 1, "plan state"));
    free(text);
    free(before);
    free(after);
}

static void test_paste(void **state)
{
    const struct lab *lab = *state;
    struct command_options options = {0};
    struct command_result result;
    char *key, *cert, *both, *line;

    prepare(lab);
    key = command_read("alice/alice.key");
    cert = command_read("root.crt");
    both = mem_printf("%s%s", key, cert);
    options.input = both;
    command_run(&result, &options, "server", "trust", "db1", "--paste", "-", "--yes", NULL);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "PS-1011"));
    /* Its secret part is nowhere: not in what was said, not in the store. (The first line is the
     * same for every P-256 key.) */
    line = strchr(strchr(key, '\n') + 1, '\n') + 1;
    line[40] = '\0';
    assert_null(strstr(result.err, line));
    assert_null(strstr(result.out, line));
    command_clear(&result);
    free(both);
    both = mem_printf("grep -rl --binary-files=text -e '%s' store", line);
    options = (struct command_options){.program = "sh"};
    command_run(&result, &options, "-c", both, NULL);
    assert_int_equal(result.status, 1);
    command_clear(&result);

    EXPECT_ERROR(1, "PS-1012", "server", "trust", "db1", "--paste", "alice/alice.crt", "--yes");
    EXPECT_ERROR(1, "PS-3003", "server", "trust", "db1", "--paste", "missing", "--yes");
    free(both);
    free(key);
    free(cert);
}

static void test_trust(void **state)
{
    const struct lab *lab = *state;
    json_t *json, *cas;
    char *text;

    prepare(lab);
    json = EXPECT_JSON(0, "server", "probe", "db1", "--json");
    cas = json_object_get(json, "accepted_cas");
    assert_int_equal(json_array_size(cas), 1);
    assert_string_equal(json_string_value(json_array_get(cas, 0)), "/CN=lab");
    json_decref(json);
    text = EXPECT(0, "server", "trust", "db1", "--yes");
    assert_non_null(strstr(text, "nothing to do"));
    free(text);
    json = EXPECT_JSON(0, "server", "show", "db1", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "trusts")), 1);
    json_decref(json);
    /* our own CA, pasted: it is known, and its CRL goes with it */
    text = EXPECT(0, "server", "trust", "db1", "--paste", "root.crt", "--yes");
    assert_non_null(strstr(text, "nothing to do"));
    free(text);
    text = EXPECT(0, "server", "crl", "db1", "--yes");
    assert_non_null(strstr(text, "nothing to do"));
    free(text);
    free(EXPECT(0, "crl", "sign", "--yes"));
    text = EXPECT(0, "server", "crl", "db1", "--yes");
    assert_non_null(strstr(text, "done:"));
    free(text);
}

static void test_require_and_revoke(void **state)
{
    const struct lab *lab = *state;
    struct conn *alice, *carol;
    struct err err = ERR_INIT;
    json_t *json, *row;
    char *text;

    prepare(lab);
    EXPECT_ERROR(2, "--database", "server", "require", "db1", "--role", "alice");
    EXPECT_ERROR(0, "has no role \"nobody\"", "issue", "client", "nobody", "--server", "db1");
    EXPECT_ERROR(0, "has no role \"nobody\"", "server", "require", "db1", "--database", "app",
                 "--role", "nobody", "--from", "10.0.0.0/8", "--dry-run");
    EXPECT_ERROR(0, "has no database \"nodb\"", "server", "require", "db1", "--database", "nodb",
                 "--role", "alice", "--from", "10.0.0.0/8", "--dry-run");
    EXPECT_ERROR(2, "PS-1002", "server", "require", "db1", "--database", "app", "--role", "all",
                 "--from", "all");
    EXPECT_ERROR(2, "--method", "server", "require", "db1", "--role", "alice", "--database", "app",
                 "--from", "all", "--method", "trust");
    /* she is connected without one now: said, and refused until the number is accepted */
    alice = lab_login(lab, "alice", NULL, &err);
    if (!alice)
        fail_msg("%s", err.msg);
    EXPECT_ERROR(1, "--accept-refused=1", "server", "require", "db1", "--database", "app", "--role",
                 "alice", "--from", "127.0.0.1/32", "--yes");
    EXPECT_ERROR(1, "PS-2109", "server", "require", "db1", "--database", "app", "--role", "alice",
                 "--from", "127.0.0.1/32", "--yes", "--accept-refused=2");
    text = EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "alice", "--from",
                  "10.0.0.0/8", "--dry-run"); /* from there nobody is connected */
    assert_non_null(strstr(text, "| hostssl app alice 10.0.0.0/8 cert"));
    free(text);
    free(EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "alice", "--from",
                "127.0.0.1/32", "--yes", "--accept-refused=1"));
    conn_close(alice);
    assert_null(lab_login(lab, "alice", NULL, &err));
    assert_int_equal(err.code, ERR_LOGIN);
    alice = lab_login(lab, "alice", "alice", &err);
    if (!alice)
        fail_msg("%s", err.msg);
    carol = lab_login(lab, "carol", NULL, &err);
    if (!carol)
        fail_msg("%s", err.msg);

    json = EXPECT_JSON(0, "sessions", "db1", "--json");
    row = find_session(json, "alice");
    assert_string_equal(text_of(row, "client_dn"), "/CN=alice");
    assert_string_equal(text_of(json_object_get(row, "certificate"), "state"), "valid");
    assert_int_equal(json_array_size(json_object_get(row, "findings")), 0);
    row = find_session(json, "carol");
    assert_true(json_is_false(json_object_get(row, "ssl")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "findings"), 0)),
                        "no-tls");
    json_decref(json);
    text = EXPECT(6, "sessions", demo_admin_conninfo(lab->demo), "--csv", "--findings");
    assert_non_null(strstr(text, "no-tls"));
    assert_null(strstr(text, "/CN=alice"));
    free(text);

    json = EXPECT_JSON(0, "revoke", "alice", "--server", "db1", "--end-sessions", "--confirm=alice",
                       "--json");
    row = json_array_get(json_object_get(json, "servers"), 0);
    assert_true(json_is_true(json_object_get(row, "published")));
    assert_int_equal(int_of(row, "sessions_ended"), 1);
    json_decref(json);
    assert_false(conn_run(alice, "SELECT 1", &err));
    assert_true(conn_run(carol, "SELECT 1", &err));
    conn_close(alice);
    alice = lab_login(lab, "alice", "alice", &err);
    assert_null(alice);
    assert_non_null(strstr(err.msg, "revoked"));
    conn_close(carol);
}

/* The store says revoked, and the server cannot be told: exit 5 names who still accepts it. */
static void test_revoke_server_away(void **state)
{
    struct lab *lab = *state;
    struct err err = ERR_INIT;
    json_t *json;

    prepare(lab);
    if (!demo_freeze(lab->demo, true, &err))
        fail_msg("%s", err.msg);
    EXPECT_ERROR(1, "PS-2003", "server", "probe", "db1");
    EXPECT_ERROR(1, "PS-2008", "revoke", "alice", "--server", "dbx", "--confirm=alice");
    EXPECT_ERROR(5, "may still accept it: db1", "revoke", "alice", "--server", "db1",
                 "--confirm=alice");
    if (!demo_freeze(lab->demo, false, &err))
        fail_msg("%s", err.msg);
    json = EXPECT_JSON(0, "show", "--json", "alice/alice.crt");
    assert_string_equal(text_of(json_array_get(json_object_get(json, "items"), 0), "state"),
                        "revoked");
    json_decref(json);
    free(EXPECT(0, "server", "crl", "db1", "--yes"));
}

static void test_production(void **state)
{
    const struct lab *lab = *state;

    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo), "--address",
                lab->address, "--production"));
    EXPECT_ERROR(2, "--confirm=db1", "server", "tls", "db1", "--yes");
    free(EXPECT(0, "server", "tls", "db1", "--yes", "--confirm=db1"));
    EXPECT_ERROR(2, "--confirm=db1", "server", "undo", "db1", "--yes");
}

/* A server that is reached by a socket alone: a change cannot be proven, and is not begun. */
static void test_no_address(void **state)
{
    const struct lab *lab = *state;

    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "server", "add", "db1", demo_admin_conninfo(lab->demo)));
    EXPECT_ERROR(2, "--address", "server", "tls", "db1", "--yes");
}

static void run_as_admin(const struct lab *lab, const char *sql)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(lab->demo), &err);
    struct conn *conn = params ? conn_open(params, NULL, &err) : NULL;

    if (!conn || !conn_run(conn, sql, &err))
        fail_msg("%s", err.msg);
    conn_close(conn);
    params_free(params);
}

static void added_without_warning(const char *name, const char *conninfo)
{
    struct command_result result;

    command_run(&result, NULL, "server", "add", name, conninfo, NULL);
    if (result.status != 0 || strstr(result.err, "warning"))
        fail_msg("%d: %s", result.status, result.err);
    command_clear(&result);
}

/* A superuser who may be talking to somebody in between is told so. (0.0.0.0 leads to this machine
 * too, and is no loopback address.) */
static void test_superuser_over_the_network(void **state)
{
    const struct lab *lab = *state;
    char *pass = mem_printf("*:*:*:alice:%s\n", demo_password(lab->demo, "alice"));
    char *far = mem_printf("host=0.0.0.0 port=%d user=alice dbname=app passfile=pass",
                           demo_port(lab->demo));
    char *near = mem_printf("host=127.0.0.1 port=%d user=alice dbname=app passfile=pass",
                            demo_port(lab->demo));

    command_write("pass", pass, 0600);
    added_without_warning("far", far); /* no superuser yet */
    free(EXPECT(0, "server", "remove", "far", "--yes"));
    run_as_admin(lab, "ALTER ROLE alice SUPERUSER");
    EXPECT_ERROR(0, "read and changed on the way", "server", "add", "far", far);
    added_without_warning("near", near);
    free(pass);
    free(far);
    free(near);
}

/* A role that may log in and change nothing: said before anything is begun. */
static void test_no_rights(void **state)
{
    const struct lab *lab = *state;
    char *before = lab_state(lab->demo);
    char *after;
    char *conninfo = mem_printf("host=127.0.0.1 port=%d user=carol dbname=app sslmode=disable",
                                demo_port(lab->demo));
    char *pass = mem_printf("127.0.0.1:*:*:carol:%s\n", demo_password(lab->demo, "carol"));
    json_t *json;

    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    EXPECT_ERROR(1, "PS-2005", "server", "add", "db1", conninfo); /* no password, nobody to ask */
    command_write(".pgpass", pass, 0600);
    free(EXPECT(0, "server", "add", "db1", conninfo));
    EXPECT_ERROR(1, "PS-2101", "server", "tls", "db1", "--yes");
    EXPECT_ERROR(1, "PS-2101", "server", "trust", "db1", "--yes");
    json = EXPECT_JSON(0, "plan", "list", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "plans")), 0);
    json_decref(json);
    after = lab_state(lab->demo);
    assert_string_equal(before, after);
    /* other people's sessions are hidden from this role, and that is said */
    json = EXPECT_JSON(0, "sessions", "db1", "--json");
    assert_true(json_is_integer(json_object_get(json, "hidden")));
    json_decref(json);
    free(before);
    free(after);
    free(conninfo);
    free(pass);
}

static void answer_http(int fd, void *arg)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    char packet[8];

    (void)arg;
    if (fake_read(fd, packet, sizeof(packet)))
        fake_write(fd, text, sizeof(text) - 1);
}

static void test_not_postgres(void **state)
{
    struct fake *fake = fake_start(answer_http, NULL);
    char *address = mem_printf("127.0.0.1:%d", fake_port(fake));
    char *conninfo = mem_printf("host=127.0.0.1 port=%d user=x", fake_port(fake));

    (void)state;
    EXPECT_ERROR(1, "PS-2004", "server", "probe", address);
    EXPECT_ERROR(1, "PS-20", "server", "add", "db1", conninfo);
    EXPECT_ERROR(1, "PS-2001", "server", "probe", "127.0.0.1:1");
    EXPECT_ERROR(1, "PS-2001", "server", "probe", "no-such-host.invalid");
    assert_false(fs_exists("store"));
    fake_stop(fake);
    free(address);
    free(conninfo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_add, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_tls, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_paste, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_trust, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_require_and_revoke, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_revoke_server_away, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_production, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_no_address, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_superuser_over_the_network, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_no_rights, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(test_not_postgres, lab_setup, lab_teardown),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
