/* Revocation as one act, by the commands, on two real servers that share CAs. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "core/store/sql.h"
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"

struct lab {
    char *folder;
    struct demo *one, *two;
};

static void add_server(const char *name, const struct demo *demo)
{
    char *address = mem_printf("127.0.0.1:%d", demo_port(demo));

    free(EXPECT(0, "server", "add", name, demo_admin_conninfo(demo), "--address", address));
    free(EXPECT(0, "server", "tls", name, "--ca", "lab", "--yes", "--host", "127.0.0.1"));
    free(EXPECT(0, "server", "trust", name, "--ca", "lab", "--ca", "other", "--yes"));
    free(address);
}

/* Both servers trust both CAs; "lab" issues what the tests revoke. */
static int setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options options = {0};
    struct err err = ERR_INIT;

    (void)signal(SIGPIPE, SIG_IGN);
    lab->one = demo_start(&options, &err);
    lab->two = lab->one ? demo_start(&options, &err) : NULL;
    if (!lab->two)
        fail_msg("%s", err.msg);
    lab->folder = command_box();
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "other", "--no-passphrase"));
    free(EXPECT(0, "ca", "export", "lab", "--out", "root.crt"));
    add_server("db1", lab->one);
    add_server("db2", lab->two);
    *state = lab;
    return 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;

    demo_free(lab->one);
    demo_free(lab->two);
    command_box_free(lab->folder);
    free(lab);
    return 0;
}

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

static json_t *row_of(const json_t *document, const char *array, const char *key, const char *value)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(document, array), i, row)
    {
        if (strcmp(text_of(row, key), value) == 0)
            return row;
    }
    fail_msg("no row with %s \"%s\" in %s", key, value, array);
    return NULL;
}

static void issue(const char *role, const char *ca, const char *folder)
{
    free(EXPECT(0, "issue", "client", role, "--ca", ca, "--out", folder));
}

/* With the certificate of the folder; NULL: refused, err says why. */
static struct conn *log_in_to(const struct demo *demo, const char *database, const char *role,
                              const char *folder, struct err *err)
{
    char *text = mem_printf("host=127.0.0.1 port=%d user=%s dbname=%s sslmode=verify-full"
                            " sslcert=%s/%s.crt sslkey=%s/%s.key sslrootcert=root.crt",
                            demo_port(demo), role, database, folder, role, folder, role);
    struct params *params = params_parse(text, err);
    struct secret *password = secret_new(SECRET_PASSPHRASE_MAX);
    struct conn_options options = {.password = password};
    const char *word = demo_password(demo, role);
    struct conn *conn;

    assert_non_null(params);
    assert_true(secret_set(password, word, strlen(word)));
    *err = (struct err)ERR_INIT;
    conn = conn_open(params, &options, err);
    secret_free(password);
    params_free(params);
    free(text);
    return conn;
}

static struct conn *log_in(const struct demo *demo, const char *role, const char *folder,
                           struct err *err)
{
    return log_in_to(demo, "app", role, folder, err);
}

static struct conn *must_log_in(const struct demo *demo, const char *role, const char *folder)
{
    struct err err;
    struct conn *conn = log_in(demo, role, folder, &err);

    if (!conn)
        fail_msg("%s: %s", role, err.msg);
    return conn;
}

/* psql itself, so that libpq's own words are seen. */
static void refused_by_psql(const struct demo *demo, const char *role, const char *folder)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;
    char *line = mem_printf("psql 'host=127.0.0.1 port=%d user=%s dbname=app sslmode=require"
                            " sslcert=%s/%s.crt sslkey=%s/%s.key' -w -c 'SELECT 1'",
                            demo_port(demo), role, folder, role, folder, role);

    command_run(&result, &options, "-c", line, NULL);
    assert_int_not_equal(result.status, 0);
    if (!strstr(result.err, "certificate revoked"))
        fail_msg("psql said: %s", result.err);
    command_clear(&result);
    free(line);
}

static void refused(const struct demo *demo, const char *role, const char *folder)
{
    struct err err;

    assert_null(log_in(demo, role, folder, &err));
    if (!strstr(err.msg, "revoked"))
        fail_msg("%s was refused by: %s", role, err.msg);
}

static bool is_alive(struct conn *conn)
{
    struct err err = ERR_INIT;

    return conn_run(conn, "SELECT 1", &err);
}

/* Servers that lack a list, as "check" says: exit 6 with, 0 without any finding. */
static json_int_t count_behind(void)
{
    struct command_result result;
    json_t *json, *row;
    const char *seen = NULL;
    json_int_t n = 0;
    size_t i;

    command_run(&result, NULL, "check", "--json", NULL);
    json = json_loads(result.out, 0, NULL);
    if (!json)
        fail_msg("%d: %s%s", result.status, result.out, result.err);
    json_array_foreach(json_object_get(json, "findings"), i, row)
    {
        const char *object = text_of(row, "object");

        if (strcmp(text_of(row, "code"), "PS-2235") != 0 || (seen && strcmp(seen, object) == 0))
            continue;
        seen = object; /* rows are in the order of the servers */
        n++;
    }
    assert_int_equal(result.status, n > 0 ? 6 : 0);
    json_decref(json);
    command_clear(&result);
    return n;
}

/* Away at once, and nothing else of it changes: its administrator's socket is not where it was. */
static void set_away(const struct demo *demo, bool away)
{
    char *here = mem_printf("%s/.s.PGSQL.%d", demo_socket(demo), demo_port(demo));
    char *there = mem_printf("%s/away", demo_socket(demo));

    assert_int_equal(away ? rename(here, there) : rename(there, here), 0);
    free(here);
    free(there);
}

/* ---- tests ---- */

static void test_one_act(void **state)
{
    const struct lab *lab = *state;
    struct conn *alice_one, *alice_two, *bob, *stays;
    json_t *json, *row;

    issue("alice", "lab", "a1");
    issue("alice", "lab", "a2");
    issue("bob", "other", "b1");
    alice_one = must_log_in(lab->one, "alice", "a1");
    alice_two = must_log_in(lab->two, "alice", "a1");
    stays = must_log_in(lab->one, "alice", "a2");
    bob = must_log_in(lab->one, "bob", "b1");

    /* what it would do, on both servers, and nothing is done */
    EXPECT_ERROR(1, "PS-4015", "revoke", "alice", "--dry-run"); /* two fit: which? */
    json = EXPECT_JSON(0, "show", "a1/alice.crt", "--json");
    {
        char *serial =
            mem_strdup(text_of(json_array_get(json_object_get(json, "items"), 0), "serial"));

        json_decref(json);
        json = EXPECT_JSON(0, "revoke", serial, "--dry-run", "--json");
        assert_int_equal(json_array_size(json_object_get(json, "certificates")), 1);
        assert_int_equal(json_array_size(json_object_get(json, "stay")), 1);
        row = row_of(json, "servers", "server", "db1");
        assert_true(json_is_true(json_object_get(row, "reached")));
        assert_int_equal(json_array_size(json_object_get(row, "sessions")), 1);
        json_decref(json);
        assert_true(is_alive(alice_one));

        json = EXPECT_JSON(0, "revoke", serial, "--reason", "keyCompromise", "--end-sessions",
                           "--confirm=alice", "--json");
        free(serial);
    }
    assert_string_equal(text_of(json, "state"), "revoked");
    for (int i = 0; i < 2; i++) {
        row = row_of(json, "servers", "server", i == 0 ? "db1" : "db2");
        assert_true(json_is_true(json_object_get(row, "published")));
        assert_int_equal(int_of(row, "sessions_ended"), 1);
    }
    json_decref(json);
    assert_false(is_alive(alice_one));
    assert_false(is_alive(alice_two));
    assert_true(is_alive(stays)); /* the other certificate of the same role */
    assert_true(is_alive(bob));
    refused_by_psql(lab->one, "alice", "a1");
    refused(lab->two, "alice", "a1");
    conn_close(alice_one);
    conn_close(alice_two);
    conn_close(stays);
    conn_close(bob);
    conn_close(must_log_in(lab->two, "alice", "a2"));
    conn_close(must_log_in(lab->two, "bob", "b1"));
    assert_int_equal(count_behind(), 0);
    free(EXPECT(0, "crl", "refresh", "--yes"));
}

/* From a live session, and all of a role at once, of two CAs. */
static void test_session_and_role(void **state)
{
    const struct lab *lab = *state;
    struct conn *carol;
    char *session;
    json_t *json;

    issue("carol", "lab", "c1");
    carol = must_log_in(lab->one, "carol", "c1");
    session = mem_printf("db1:%d", conn_backend_pid(carol));
    EXPECT_ERROR(2, "SERVER:PID", "revoke", "--session", "db1");
    EXPECT_ERROR(2, "PS-1003", "revoke", "--session", "db1:1", "--confirm=carol");
    EXPECT_ERROR(2, "PS-1000", "revoke", "carol", "--session", session);
    free(EXPECT(0, "revoke", "--session", session, "--end-sessions", "--confirm=carol"));
    assert_false(is_alive(carol));
    conn_close(carol);
    refused(lab->two, "carol", "c1");
    free(session);

    issue("carol", "lab", "c2");
    issue("carol", "other", "c3");
    carol = must_log_in(lab->one, "carol", "c2");
    json = EXPECT_JSON(0, "revoke", "carol", "--all", "--confirm=carol", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "certificates")), 2);
    json_decref(json);
    refused(lab->one, "carol", "c2");
    refused(lab->one, "carol", "c3");
    /* nobody asked for its end: it goes on, and the check of the server names it */
    assert_true(is_alive(carol));
    json = EXPECT_JSON(6, "server", "check", "db1", "--json");
    assert_non_null(row_of(json, "findings", "code", "PS-2252"));
    json_decref(json);
    conn_close(carol);
    refused(lab->two, "carol", "c3");
}

/* One of two is away: said, remembered, named by "check", caught up with its sessions later. */
static void test_away_and_back(void **state)
{
    const struct lab *lab = *state;
    struct conn *bob;
    json_t *json, *row;
    char *text;

    issue("bob", "lab", "b2");
    bob = must_log_in(lab->two, "bob", "b2");
    set_away(lab->two, true);
    EXPECT_ERROR(5, "may still accept it: db2", "revoke", "--all", "bob", "--end-sessions",
                 "--confirm=bob");
    refused(lab->one, "bob", "b2");
    assert_int_equal(count_behind(), 1);
    EXPECT_ERROR(5, "have not got the list: db2", "crl", "refresh", "--yes");
    set_away(lab->two, false);
    assert_true(is_alive(bob));
    text = EXPECT(0, "crl", "refresh", "--dry-run");
    assert_non_null(strstr(text, "db2: has CRL number"));
    free(text);
    EXPECT_ERROR(2, "--yes", "crl", "refresh", "--no-input");
    json = EXPECT_JSON(0, "crl", "refresh", "--yes", "--json");
    row = row_of(json, "servers", "server", "db2");
    assert_string_equal(text_of(row, "state"), "done");
    assert_int_equal(int_of(row, "sessions_ended"), 1);
    row = row_of(json, "servers", "server", "db1");
    assert_string_equal(text_of(row, "state"), "same");
    json_decref(json);
    assert_false(is_alive(bob));
    conn_close(bob);
    refused(lab->two, "bob", "b2");
    assert_int_equal(count_behind(), 0);
    text = EXPECT(0, "crl", "refresh", "--yes");
    assert_non_null(strstr(text, "nothing to do: 2 servers"));
    free(text);
}

/* Any role can take the lock that keeps two pgseals apart: it must not keep a revocation away. */
static void test_lock_of_the_revoked(void **state)
{
    const struct lab *lab = *state;
    struct err err = ERR_INIT;
    struct conn *bob;

    issue("bob", "lab", "l1");
    bob = log_in_to(lab->one, "postgres", "bob", "l1", &err);
    if (!bob || !conn_run(bob, "SELECT pg_advisory_lock(1885824357, 1634476140)", &err))
        fail_msg("%s", err.msg);
    free(EXPECT(0, "revoke", "--all", "bob", "--end-sessions", "--confirm=bob"));
    assert_false(is_alive(bob));
    conn_close(bob);
    refused(lab->one, "bob", "l1");
}

/* The last list of "other", as if it had been signed long ago: it ends soon. */
static void be_old(void)
{
    struct err err = ERR_INIT;
    struct store *store = store_open("store", STORE_WRITE, &err);

    if (!store || !sql_exec(store,
                            "UPDATE crl SET this_update = this_update - 8640000 WHERE authority_id"
                            " = (SELECT id FROM authority WHERE name = 'other')",
                            &err))
        fail_msg("%s", err.msg);
    store_close(store);
}

/* A list that cannot be signed does not keep another CA's revocation from its servers. */
static void test_one_key_is_shut(void **state)
{
    const struct lab *lab = *state;
    char *text;

    issue("alice", "lab", "s1");
    command_write("good", "correct horse battery staple\n", 0600);
    command_write("bad", "of another CA\n", 0600);
    free(EXPECT(0, "ca", "passphrase", "other", "--new-passphrase-file", "good"));
    free(EXPECT(0, "crl", "sign", "--ca", "other", "--days", "20", "--yes", "--passphrase-file",
                "good"));
    free(EXPECT(0, "crl", "refresh", "--yes"));
    be_old();
    set_away(lab->two, true);
    EXPECT_ERROR(5, "may still accept it: db2", "revoke", "--all", "alice", "--confirm=alice");
    set_away(lab->two, false);
    conn_close(must_log_in(lab->two, "alice", "s1"));
    text = EXPECT(6, "crl", "refresh", "--yes", "--passphrase-file", "bad");
    assert_non_null(strstr(text, "the CRL of \"other\" ends"));
    assert_non_null(strstr(text, "was not signed"));
    free(text);
    refused(lab->two, "alice", "s1");
    /* what was asked for by name is an error */
    EXPECT_ERROR(1, "PS-4001", "crl", "refresh", "--ca", "other", "--yes", "--passphrase-file",
                 "bad");
    free(EXPECT(0, "crl", "refresh", "--yes", "--passphrase-file", "good"));
    assert_int_equal(count_behind(), 0);
}

#define ADMINS 8

/* Eight at once: nothing is lost, and no server is left with less than all of it. */
static void test_eight_admins(void **state)
{
    const struct lab *lab = *state;
    pid_t pids[ADMINS];
    json_t *json;
    json_int_t number;

    for (int i = 0; i < ADMINS; i++) {
        char *folder = mem_printf("e%d", i);

        issue("alice", "lab", folder);
        free(folder);
    }
    for (int i = 0; i < ADMINS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            char *cert = mem_printf("e%d/alice.crt", i);
            char *line = mem_printf("exec \"$PGSEAL\" revoke \"$(openssl x509 -in %s -noout "
                                    "-serial | sed s/serial=//)\""
                                    " --server db1 --confirm=alice >e%d.out 2>&1 </dev/null",
                                    cert, i);

            execlp("sh", "sh", "-c", line, (char *)NULL);
            _exit(127);
        }
    }
    for (int i = 0; i < ADMINS; i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            char *path = mem_printf("e%d.out", i);
            char *text = command_read(path);
            size_t len = strlen(text);

            fail_msg("admin %d: %s", i, text + (len > 900 ? len - 900 : 0));
        }
    }
    json = EXPECT_JSON(0, "crl", "show", "--ca", "lab", "--json");
    number = int_of(json, "number");
    assert_true(json_array_size(json_object_get(json, "entries")) > ADMINS);
    json_decref(json);
    assert_true(number > ADMINS);
    for (int i = 0; i < ADMINS; i++) {
        char *folder = mem_printf("e%d", i);

        refused(lab->one, "alice", folder);
        free(folder);
    }
    assert_int_equal(count_behind(), 1);
    free(EXPECT(0, "crl", "refresh", "--yes"));
    refused(lab->two, "alice", "e7");
    assert_int_equal(count_behind(), 0);
}

static void test_read_only(void **state)
{
    const struct lab *lab = *state;
    char *text;

    issue("bob", "lab", "b3");
    EXPECT_ERROR(2, "--read-only", "revoke", "bob", "--read-only", "--server", "db1",
                 "--confirm=bob");
    text = EXPECT(0, "revoke", "bob", "--read-only", "--confirm=bob");
    free(text);
    conn_close(must_log_in(lab->one, "bob", "b3"));
    assert_int_equal(count_behind(), 2);
    EXPECT_ERROR(2, "--read-only", "crl", "refresh", "--yes", "--read-only");
    free(EXPECT(0, "crl", "refresh", "--yes"));
    refused(lab->one, "bob", "b3");
    refused(lab->two, "bob", "b3");
}

/* The disk is full, here or there: nothing is half done, and the same again completes it. */
static void test_full_disk(void **state)
{
    const struct lab *lab = *state;
    struct command_options tight = {.file_size_limit = 4096};
    struct command_result result;
    char *data = mem_printf("%s/postgresql.auto.conf", demo_data(lab->two));
    struct conn *carol;
    char *before, *after;

    issue("carol", "lab", "f1");
    command_run(&result, &tight, "revoke", "carol", "--confirm=carol", NULL);
    assert_int_equal(result.status, 1); /* our disk: not even begun */
    command_clear(&result);
    carol = must_log_in(lab->one, "carol", "f1");
    assert_int_equal(count_behind(), 0);

    /* the server's disk: no file can be made in its data directory */
    before = command_read(data);
    assert_int_equal(chmod(demo_data(lab->two), 0500), 0);
    EXPECT_ERROR(5, "may still accept it: db2", "revoke", "carol", "--end-sessions",
                 "--confirm=carol");
    assert_int_equal(chmod(demo_data(lab->two), 0700), 0);
    after = command_read(data);
    assert_string_equal(before, after);
    assert_false(is_alive(carol));
    conn_close(carol);
    refused(lab->one, "carol", "f1");
    conn_close(must_log_in(lab->two, "carol", "f1"));
    assert_int_equal(count_behind(), 1);
    free(EXPECT(0, "crl", "refresh", "--yes"));
    refused(lab->two, "carol", "f1");
    assert_int_equal(count_behind(), 0);
    free(before);
    free(after);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_act),
        cmocka_unit_test(test_session_and_role),
        cmocka_unit_test(test_away_and_back),
        cmocka_unit_test(test_eight_admins),
        cmocka_unit_test(test_lock_of_the_revoked),
        cmocka_unit_test(test_one_key_is_shut),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_full_disk),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
