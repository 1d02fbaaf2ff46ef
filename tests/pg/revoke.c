/* Revocation as one act, by the commands, on two real servers that share CAs. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/revoke_box.h"
#include "tests/pg/revoke_ways.h"

/* ---- tests ---- */

static void test_one_act(void **state)
{
    const struct lab *lab = *state;
    struct conn *alice_one, *alice_two, *bob, *stays;
    json_t *json, *row;

    lab_issue("alice", "lab", "a1");
    lab_issue("alice", "lab", "a2");
    lab_issue("bob", "other", "b1");
    alice_one = lab_must_log_in(lab->one, "alice", "a1");
    alice_two = lab_must_log_in(lab->two, "alice", "a1");
    stays = lab_must_log_in(lab->one, "alice", "a2");
    bob = lab_must_log_in(lab->one, "bob", "b1");

    /* what it would do, on both servers, and nothing is done */
    EXPECT_ERROR(1, "PS-4015", "revoke", "alice", "--dry-run"); /* two fit: which? */
    json = EXPECT_JSON(0, "show", "a1/alice.crt", "--json");
    {
        char *serial =
            mem_strdup(lab_text(json_array_get(json_object_get(json, "items"), 0), "serial"));

        json_decref(json);
        json = EXPECT_JSON(0, "revoke", serial, "--dry-run", "--json");
        assert_int_equal(json_array_size(json_object_get(json, "certificates")), 1);
        assert_int_equal(json_array_size(json_object_get(json, "stay")), 1);
        row = lab_row(json, "servers", "server", "db1");
        assert_true(json_is_true(json_object_get(row, "reached")));
        assert_int_equal(json_array_size(json_object_get(row, "sessions")), 1);
        json_decref(json);
        assert_true(lab_is_alive(alice_one));

        json = EXPECT_JSON(0, "revoke", serial, "--reason", "keyCompromise", "--end-sessions",
                           "--confirm=alice", "--json");
        free(serial);
    }
    assert_string_equal(lab_text(json, "state"), "revoked");
    for (int i = 0; i < 2; i++) {
        row = lab_row(json, "servers", "server", i == 0 ? "db1" : "db2");
        assert_true(json_is_true(json_object_get(row, "published")));
        assert_int_equal(lab_int(row, "sessions_ended"), 1);
    }
    json_decref(json);
    assert_false(lab_is_alive(alice_one));
    assert_false(lab_is_alive(alice_two));
    assert_true(lab_is_alive(stays)); /* the other certificate of the same role */
    assert_true(lab_is_alive(bob));
    lab_refused_by_psql(lab->one, "alice", "a1");
    lab_refused(lab->two, "alice", "a1");
    conn_close(alice_one);
    conn_close(alice_two);
    conn_close(stays);
    conn_close(bob);
    conn_close(lab_must_log_in(lab->two, "alice", "a2"));
    conn_close(lab_must_log_in(lab->two, "bob", "b1"));
    assert_int_equal(lab_count_behind(), 0);
    free(EXPECT(0, "crl", "refresh", "--yes"));
}

/* From a live session, and all of a role at once, of two CAs. */
static void test_session_and_role(void **state)
{
    const struct lab *lab = *state;
    struct conn *carol;
    char *session;
    json_t *json;

    lab_issue("carol", "lab", "c1");
    carol = lab_must_log_in(lab->one, "carol", "c1");
    session = mem_printf("db1:%d", conn_backend_pid(carol));
    EXPECT_ERROR(2, "SERVER:PID", "revoke", "--session", "db1");
    EXPECT_ERROR(2, "PS-1003", "revoke", "--session", "db1:1", "--confirm=carol");
    EXPECT_ERROR(2, "PS-1000", "revoke", "carol", "--session", session);
    free(EXPECT(0, "revoke", "--session", session, "--end-sessions", "--confirm=carol"));
    assert_false(lab_is_alive(carol));
    conn_close(carol);
    lab_refused(lab->two, "carol", "c1");
    free(session);

    lab_issue("carol", "lab", "c2");
    lab_issue("carol", "other", "c3");
    carol = lab_must_log_in(lab->one, "carol", "c2");
    json = EXPECT_JSON(0, "revoke", "carol", "--all", "--confirm=carol", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "certificates")), 2);
    json_decref(json);
    lab_refused(lab->one, "carol", "c2");
    lab_refused(lab->one, "carol", "c3");
    /* nobody asked for its end: it goes on, and the check of the server names it */
    assert_true(lab_is_alive(carol));
    json = EXPECT_JSON(6, "server", "check", "db1", "--json");
    assert_non_null(lab_row(json, "findings", "code", "PS-2252"));
    json_decref(json);
    conn_close(carol);
    lab_refused(lab->two, "carol", "c3");
}

/* One of two is away: said, remembered, named by "check", caught up with its sessions later. */
static void test_away_and_back(void **state)
{
    const struct lab *lab = *state;
    struct conn *bob;
    json_t *json, *row;
    char *text;

    lab_issue("bob", "lab", "b2");
    bob = lab_must_log_in(lab->two, "bob", "b2");
    lab_set_away(lab->two, true);
    EXPECT_ERROR(5, "may still accept it: db2", "revoke", "--all", "bob", "--end-sessions",
                 "--confirm=bob");
    lab_refused(lab->one, "bob", "b2");
    assert_int_equal(lab_count_behind(), 1);
    EXPECT_ERROR(5, "have not got the list: db2", "crl", "refresh", "--yes");
    lab_set_away(lab->two, false);
    assert_true(lab_is_alive(bob));
    text = EXPECT(0, "crl", "refresh", "--dry-run");
    assert_non_null(strstr(text, "db2: has CRL number"));
    free(text);
    EXPECT_ERROR(2, "--yes", "crl", "refresh", "--no-input");
    json = EXPECT_JSON(0, "crl", "refresh", "--yes", "--json");
    row = lab_row(json, "servers", "server", "db2");
    assert_string_equal(lab_text(row, "state"), "done");
    assert_int_equal(lab_int(row, "sessions_ended"), 1);
    row = lab_row(json, "servers", "server", "db1");
    assert_string_equal(lab_text(row, "state"), "same");
    json_decref(json);
    assert_false(lab_is_alive(bob));
    conn_close(bob);
    lab_refused(lab->two, "bob", "b2");
    assert_int_equal(lab_count_behind(), 0);
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

    lab_issue("bob", "lab", "l1");
    bob = lab_log_in_to(lab->one, "postgres", "bob", "l1", &err);
    if (!bob || !conn_run(bob, "SELECT pg_advisory_lock(1885824357, 1634476140)", &err))
        fail_msg("%s", err.msg);
    free(EXPECT(0, "revoke", "--all", "bob", "--end-sessions", "--confirm=bob"));
    assert_false(lab_is_alive(bob));
    conn_close(bob);
    lab_refused(lab->one, "bob", "l1");
}

/* The last list of "other", as if it had been signed long ago: it ends soon. */
static void be_old(void)
{
    lab_store_sql("UPDATE crl SET this_update = this_update - 8640000 WHERE authority_id"
                  " = (SELECT id FROM authority WHERE name = 'other')");
}

/* A list that cannot be signed does not keep another CA's revocation from its servers. */
static void test_one_key_is_shut(void **state)
{
    const struct lab *lab = *state;
    char *text;

    lab_issue("alice", "lab", "s1");
    command_write("good", "correct horse battery staple\n", 0600);
    command_write("bad", "of another CA\n", 0600);
    free(EXPECT(0, "ca", "passphrase", "other", "--new-passphrase-file", "good"));
    free(EXPECT(0, "crl", "sign", "--ca", "other", "--days", "20", "--yes", "--passphrase-file",
                "good"));
    free(EXPECT(0, "crl", "refresh", "--yes"));
    be_old();
    lab_set_away(lab->two, true);
    EXPECT_ERROR(5, "may still accept it: db2", "revoke", "--all", "alice", "--confirm=alice");
    lab_set_away(lab->two, false);
    conn_close(lab_must_log_in(lab->two, "alice", "s1"));
    text = EXPECT(6, "crl", "refresh", "--yes", "--passphrase-file", "bad");
    assert_non_null(strstr(text, "the CRL of \"other\" ends"));
    assert_non_null(strstr(text, "was not signed"));
    free(text);
    lab_refused(lab->two, "alice", "s1");
    /* what was asked for by name is an error */
    EXPECT_ERROR(1, "PS-4001", "crl", "refresh", "--ca", "other", "--yes", "--passphrase-file",
                 "bad");
    free(EXPECT(0, "crl", "refresh", "--yes", "--passphrase-file", "good"));
    assert_int_equal(lab_count_behind(), 0);
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

        lab_issue("alice", "lab", folder);
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
    number = lab_int(json, "number");
    assert_true(json_array_size(json_object_get(json, "entries")) > ADMINS);
    json_decref(json);
    assert_true(number > ADMINS);
    for (int i = 0; i < ADMINS; i++) {
        char *folder = mem_printf("e%d", i);

        lab_refused(lab->one, "alice", folder);
        free(folder);
    }
    assert_int_equal(lab_count_behind(), 1);
    free(EXPECT(0, "crl", "refresh", "--yes"));
    lab_refused(lab->two, "alice", "e7");
    assert_int_equal(lab_count_behind(), 0);
}

static void test_read_only(void **state)
{
    const struct lab *lab = *state;
    char *text;

    lab_issue("bob", "lab", "b3");
    EXPECT_ERROR(2, "--read-only", "revoke", "bob", "--read-only", "--server", "db1",
                 "--confirm=bob");
    text = EXPECT(0, "revoke", "bob", "--read-only", "--confirm=bob");
    free(text);
    conn_close(lab_must_log_in(lab->one, "bob", "b3"));
    assert_int_equal(lab_count_behind(), 2);
    EXPECT_ERROR(2, "--read-only", "crl", "refresh", "--yes", "--read-only");
    free(EXPECT(0, "crl", "refresh", "--yes"));
    lab_refused(lab->one, "bob", "b3");
    lab_refused(lab->two, "bob", "b3");
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

    lab_issue("carol", "lab", "f1");
    command_run(&result, &tight, "revoke", "carol", "--confirm=carol", NULL);
    assert_int_equal(result.status, 1); /* our disk: not even begun */
    command_clear(&result);
    carol = lab_must_log_in(lab->one, "carol", "f1");
    assert_int_equal(lab_count_behind(), 0);

    /* the server's disk: no file can be made in its data directory */
    before = command_read(data);
    assert_int_equal(chmod(demo_data(lab->two), 0500), 0);
    EXPECT_ERROR(5, "may still accept it: db2", "revoke", "carol", "--end-sessions",
                 "--confirm=carol");
    assert_int_equal(chmod(demo_data(lab->two), 0700), 0);
    after = command_read(data);
    assert_string_equal(before, after);
    assert_false(lab_is_alive(carol));
    conn_close(carol);
    lab_refused(lab->one, "carol", "f1");
    conn_close(lab_must_log_in(lab->two, "carol", "f1"));
    assert_int_equal(lab_count_behind(), 1);
    free(EXPECT(0, "crl", "refresh", "--yes"));
    lab_refused(lab->two, "carol", "f1");
    assert_int_equal(lab_count_behind(), 0);
    free(before);
    free(after);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_act),          cmocka_unit_test(test_session_and_role),
        cmocka_unit_test(test_away_and_back),    cmocka_unit_test(test_crl_dir),
        cmocka_unit_test(test_several_hang),     cmocka_unit_test(test_beside_an_open_plan),
        cmocka_unit_test(test_eight_admins),     cmocka_unit_test(test_lock_of_the_revoked),
        cmocka_unit_test(test_one_key_is_shut),  cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_full_disk),        cmocka_unit_test(test_pooler),
        cmocka_unit_test(test_intermediate),     cmocka_unit_test(test_another_way_in),
        cmocka_unit_test(test_lost_certificate), cmocka_unit_test(test_timer_without_key),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
