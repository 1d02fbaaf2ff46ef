/*
 * rotate_ca.c - the state machine of a client CA's rotation on two real servers: killed anywhere, taken up
 * again, a server away, back from each phase, somebody else's CA, an emergency, a longer life.
 *
 * A child goes on with the rotation and kills itself at the n-th report of a plan's step. What rotations
 * mean for clients that log in all the time stands in rotate_walk.c.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/rotate_box.h"

/* ---- the tests: one rotation after the other ---- */

static void test_before(void **state)
{
    struct rot_lab *lab = *state;

    free(EXPECT(0, "ca", "create", "Old", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "Server CA", "--no-passphrase"));
    for (size_t i = 0; i < N_SERVERS; i++) {
        char *address = mem_printf("127.0.0.1:%d", demo_port(lab->demos[i]));

        free(EXPECT(0, "server", "add", rot_servers[i], demo_admin_conninfo(lab->demos[i]),
                    "--address", address));
        free(EXPECT(0, "server", "tls", rot_servers[i], "--ca", "Server CA", "--host", "127.0.0.1",
                    "--yes"));
        free(EXPECT(0, "server", "trust", rot_servers[i], "--ca", "Old", "--yes"));
        free(EXPECT(0, "server", "require", rot_servers[i], "--database", "app", "--role", "alice",
                    "--role", "bob", "--from", "127.0.0.1/32", "--yes"));
        free(address);
    }
    free(EXPECT(0, "issue", "client", "alice", "--ca", "Old", "--out", "old/alice"));
    free(EXPECT(0, "issue", "client", "bob", "--ca", "Old", "--out", "old/bob"));
    rot_expect_all(lab, "bob", "old/bob", true);
}

/* The CA was made, and the run was killed before the rotation knew: no second one is made. */
static void test_generation(void **state)
{
    const struct rotate_request request = {.folder = NULL};
    const struct authority_spec spec = {.name = "Old G2"};
    struct err err = ERR_INIT;
    struct store *store;
    struct rotation *rotation;
    struct authority *made;
    json_t *would;

    (void)state;
    EXPECT_ERROR(1, "there is no CA", "rotate", "ca", "Nobody");
    EXPECT_ERROR(2, "Did you mean \"pgseal rotate ca\"?", "ca", "rotate", "Old");
    EXPECT_ERROR(2, "Did you mean \"pgseal rotate next\"?", "next", "rotate", "Old");
    free(EXPECT(0, "rotate", "ca", "Old", "--quiet-time", "1m", "--dry-run"));
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "next");
    free(EXPECT(0, "rotate", "ca", "Old", "--quiet-time", "1m"));
    EXPECT_ERROR(1, "under way already", "rotate", "ca", "Old");
    EXPECT_ERROR(2, "passphrase", "rotate", "next", "--no-input");
    would = rot_look_ahead();
    assert_non_null(strstr(json_string_value(json_array_get(json_object_get(would, "lines"), 0)),
                           "\"Old G2\""));
    json_decref(would);

    store = rot_open_store();
    rotation = rotation_find(store, NULL, &err);
    rot_must(rotation != NULL, &err);
    free(rotation->options);
    rotation->options = mem_strdup("{\"generation\":\"Old G2\"}");
    rotation->quiet_seconds = 1;
    rot_must(rotation_save(store, rotation, "as a run that was killed left it", &err), &err);
    made = authority_create(store, &spec, &err);
    rot_must(made != NULL, &err);
    rotation_free(rotation);
    store_close(store);
    rot_next(&request);
    rot_expect_phase("trust");
    store = rot_open_store();
    rotation = rotation_find(store, "Old", &err);
    rot_must(rotation != NULL, &err);
    assert_int_equal(rotation->new_authority_id, made->id);
    rotation_free(rotation);
    authority_free(made);
    store_close(store);
}

/* One admin is faster, or is at it right now: the other one does nothing. */
static void test_two_admins(void **state)
{
    const struct rotate_request request = {.folder = NULL};
    struct rotate_outcome outcome = {.from = 0};
    struct err err = ERR_INIT;
    struct store *store = rot_open_store();
    struct rotation *rotation = rotation_find(store, NULL, &err);
    char *path = mem_printf("%s/rotate.lock", getenv("PGSEAL_STORE"));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(path, O_RDWR | O_CLOEXEC);

    (void)state;
    rot_must(rotation != NULL, &err);
    assert_true(fd >= 0);
    lock.l_start = (off_t)rotation->id;
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_false(rotate_next(store, rotation, &request, &outcome, &err));
    assert_int_equal(err.code, ERR_ROTATION_MOVED);
    EXPECT_ERROR(1, "another pgseal works on", "rotate", "next", "--yes");
    close(fd);
    rotation->version--; /* as it was before somebody moved it */
    assert_false(rotate_next(store, rotation, &request, &outcome, &err));
    assert_int_equal(err.code, ERR_ROTATION_MOVED);
    assert_int_equal(outcome.n_servers, 0);
    rotate_outcome_clear(&outcome);
    rotation_free(rotation);
    store_close(store);
    free(path);
    rot_expect_phase("trust");
    rot_expect_trust(true, false);
}

/* Nobody is refused at any moment of it, and the way back leaves nothing behind. */
static void test_trust(void **state)
{
    struct rot_lab *lab = *state;
    const struct rotate_request request = {.folder = NULL};
    char *text;

    rot_expect_ahead(N_SERVERS, 0, NULL);
    rot_expect_phase("trust");
    rot_expect_trust(true, false);
    rot_go_killed(lab, rotate_next, &request, "old/bob");
    rot_expect_phase("move");
    rot_expect_trust(true, true);
    rot_back(); /* nothing to do on a server */
    rot_expect_phase("trust");
    rot_go_killed(lab, rotate_back, &request, "old/bob");
    rot_expect_phase("generation");
    rot_expect_trust(true, false);
    rot_next(&request);

    rot_stop_server(lab, 1);
    rot_next_fails(&request, ERR_MEMBER_MISSED);
    rot_expect_phase("trust");
    assert_true(rot_server_is("db1", "new"));
    assert_false(rot_server_is("db2", "reached"));
    EXPECT_ERROR(5, "db2", "rotate", "next", "--yes");
    text = EXPECT(6, "check");
    assert_non_null(strstr(text, "the rotation of \"Old\" waits for the server \"db2\""));
    free(text);
    rot_start_server(lab, 1);
    rot_next(&request);
    rot_expect_phase("move");
    rot_expect_trust(true, true);
    text = EXPECT(0, "check");
    assert_non_null(strstr(text, "in phase \"move\""));
    free(text);
}

static void test_move(void **state)
{
    struct rot_lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};
    const char *just_new = "Old G2";
    PGconn *pool;
    json_t *would;
    char *text;

    would = rot_look_ahead();
    assert_int_equal(json_array_size(json_object_get(would, "kits")), 2);
    json_decref(would);
    EXPECT_ERROR(2, "--out", "rotate", "next", "--no-input");
    text = EXPECT(0, "rotate", "next", "--out", "new");
    assert_non_null(strstr(text, "made 2 certificates"));
    free(text);
    rot_expect_all(lab, "bob", "old/bob", true);
    rot_expect_all(lab, "bob", "new/bob", true);
    rot_expect_phase("watch");
    rot_back();
    rot_expect_phase("move");
    rot_next(&nothing); /* the kits are there */
    rot_expect_phase("watch");

    /* somebody does not wait: the rotation says so, and waits for the others */
    rot_expect_notices(0, NULL);
    rot_trust_by_hand(lab, 0, &just_new, 1);
    rot_wait_for(lab, 0, "old/alice", false);
    rot_expect_notices(1, "\"db1\" does not trust \"Old\" any more");
    free(EXPECT(0, "server", "trust", "db1", "--ca", "Old", "--yes"));
    rot_expect_all(lab, "alice", "old/alice", true);
    rot_expect_notices(0, NULL);

    pool = rot_log_in(lab, 1, "alice", "old/alice");
    assert_int_equal(PQstatus(pool), CONNECTION_OK);
    rot_next_fails(&nothing, ERR_ROTATION_BLOCKED);
    assert_true(rot_is_left("db2", "alice"));
    rot_be_seen(lab, "bob", "new/bob");
    EXPECT_ERROR(1, "is open", "rotate", "next");
    PQfinish(pool);
    EXPECT_ERROR(2, "not on the list", "rotate", "mark", "Old", "carol", "--handed");
    EXPECT_ERROR(2, "not on the list", "rotate", "mark", "Old", "carol", "--handed", "--dry-run");
    json_decref(
        EXPECT_JSON(0, "rotate", "mark", "Old", "alice", "--without", "--dry-run", "--json"));
    would = EXPECT_JSON(0, "rotate", "status", "Old", "--json");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(would, "list"), "without")),
                     0);
    json_decref(would);
    free(EXPECT(0, "rotate", "mark", "Old", "alice", "--without"));
    rot_next_when_quiet();
    rot_expect_phase("retire");
}

static void test_retire(void **state)
{
    struct rot_lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};
    struct rotate_request accepting = {.accepts_refused = true, .accept_refused = 1};
    const char *just_new = "Old G2";
    PGconn *pool = rot_log_in(lab, 0, "alice", "old/alice");

    char *text;

    assert_int_equal(PQstatus(pool), CONNECTION_OK);
    text = EXPECT(0, "rotate", "status", "Old"); /* it was quiet: now nothing waits for that */
    assert_null(strstr(text, "quiet"));
    free(text);
    rot_expect_ahead(N_SERVERS, 1, "alice");
    text = EXPECT(0, "rotate", "next", "--dry-run");
    assert_non_null(strstr(text, "goes on with --accept-refused=1"));
    free(text);
    rot_next_fails(&nothing, ERR_WOULD_LOCK_OUT);
    accepting.accept_refused = 2;
    rot_next_fails(&accepting, ERR_WOULD_LOCK_OUT);
    rot_expect_all(lab, "alice", "old/alice", true);
    accepting.accept_refused = 1;
    accepting.end_sessions = true;
    rot_next(&accepting);
    rot_expect_phase("key");
    PQclear(PQexec(pool, "SELECT 1"));
    assert_int_equal(PQstatus(pool), CONNECTION_BAD);
    PQfinish(pool);
    rot_expect_trust(false, true);
    rot_expect_all(lab, "alice", "old/alice", false);
    rot_expect_all(lab, "alice", "new/alice", true);

    rot_back(); /* the old ones get in again */
    rot_expect_phase("retire");
    rot_expect_all(lab, "alice", "old/alice", true);
    rot_trust_by_hand(lab, 1, &just_new, 1); /* taken away there before we come */
    rot_wait_for(lab, 1, "old/alice", false);
    rot_expect_lists(lab, 1, "2");
    rot_go_killed(lab, rotate_next, &nothing, "new/bob");
    rot_expect_all(lab, "alice", "old/alice", false);
    rot_expect_lists(lab, 0, "1");
    rot_expect_lists(lab, 1, "1");
    rot_back();
    rot_back();
    rot_expect_phase("watch");
    rot_next_when_quiet();

    rot_stop_server(lab, 1);
    EXPECT_ERROR(5, "\"pgseal rotate back\" again", "rotate", "back", "--yes");
    rot_next_fails(&nothing, ERR_MEMBER_MISSED);
    rot_expect_phase("retire");
    assert_false(rot_gets_in(lab, 0, "alice", "old/alice"));
    rot_start_server(lab, 1);
    assert_true(rot_gets_in(lab, 1, "alice", "old/alice"));
    rot_next(&nothing);
    rot_expect_all(lab, "alice", "old/alice", false);
    rot_expect_all(lab, "bob", "new/bob", true);
}

static void test_key(void **state)
{
    static const char *const both[] = {"Old G2", "Old"};
    struct rot_lab *lab = *state;
    char *text;

    EXPECT_ERROR(2, "finish", "rotate", "next");
    /* somebody gave it back: a key that a server believes is not thrown away */
    rot_trust_by_hand(lab, 0, both, 2);
    for (int k = 0; k < 500 && !rot_server_is("db1", "old"); k++)
        ;
    EXPECT_ERROR(1, "\"db1\" shows \"Old\" on the wire", "rotate", "finish", "--archive",
                 "early.key", "--confirm", "Old");
    assert_int_equal(access("early.key", F_OK), -1);
    free(EXPECT(0, "server", "untrust", "db1", "--ca", "Old", "--yes"));
    rot_expect_trust(false, true);
    EXPECT_ERROR(2, "confirm", "rotate", "finish", "--archive", "old.key", "--no-input");
    free(EXPECT(0, "rotate", "finish", "--archive", "old.key", "--confirm", "Old"));
    text = command_read("old.key");
    assert_non_null(strstr(text, "PRIVATE KEY-----"));
    free(text);
    text = EXPECT(0, "ca", "list");
    assert_null(strstr(text, "Old  "));
    free(text);
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "back", "--yes");
}

static void test_life(void **state)
{
    struct rot_lab *lab = *state;
    char *text;

    free(EXPECT(0, "rotate", "ca", "Old G2", "--same-key"));
    rot_start_server(lab, 1);
    text = EXPECT(0, "rotate", "next");
    assert_non_null(strstr(text, "\"bring\""));
    free(text);
    rot_stop_server(lab, 0);
    EXPECT_ERROR(5, "db1", "rotate", "next", "--yes");
    rot_start_server(lab, 0);
    free(EXPECT(0, "rotate", "next", "--yes"));
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "next");
    rot_expect_all(lab, "bob", "new/bob", true);
    free(EXPECT(0, "crl", "refresh", "--yes"));
    rot_expect_all(lab, "bob", "new/bob", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),      cmocka_unit_test(test_generation),
        cmocka_unit_test(test_two_admins),  cmocka_unit_test(test_trust),
        cmocka_unit_test(test_move),        cmocka_unit_test(test_retire),
        cmocka_unit_test(test_key),         cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_foreign_new), cmocka_unit_test(test_life),
        cmocka_unit_test(test_emergency),   cmocka_unit_test(test_intermediate),
        cmocka_unit_test(test_crl_dir), /* the last: PostgreSQL 13 has no such folder */
    };

    if (!need_pg())
        return 0;
    return _cmocka_run_group_tests("rotate ca", tests,
                                   ARRAY_LEN(tests) - (pg_has(PG_CRL_DIR) ? 0 : 1), rot_setup,
                                   rot_teardown);
}
