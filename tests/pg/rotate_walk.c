/* Rotations on real servers, a cluster and one that stands alone, while clients log in every 50 ms: in
 * none of them is a client refused that should get in, or let in that should not. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/store/rotation.h"
#include "tests/harness/command.h"
#include "tests/harness/login_loop.h"
#include "tests/pg/need_pg.h"

/* db1 is the primary of "main", db2 its standby, db3 another cluster: all trust the CA "Old". */
struct lab {
    char *folder;
    struct demo *db1, *db2, *db3;
    struct login_loop *loop;
    int alice1, alice2, alice3; /* moves to the new certificate */
    int bob;                    /* never does */
    PGconn *pool;               /* bob's, open since before it all */
    size_t restarts;
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
    struct demo_options second = {.quiet_roles = true};
    struct demo_options third = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    *state = lab;
    lab->db1 = start(&first);
    second.standby_of = lab->db1;
    lab->db2 = lab->db1 ? start(&second) : NULL;
    lab->db3 = start(&third);
    if (!lab->db2 || !lab->db3)
        return -1;
    lab->folder = command_box();
    return 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;

    PQfinish(lab->pool);
    demo_free(lab->db2);
    demo_free(lab->db1);
    demo_free(lab->db3);
    if (lab->folder)
        command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* ---- small things ---- */

static void add_server(const struct demo *demo, const char *name, const char *cluster)
{
    char *conninfo = mem_printf("%s connect_timeout=2", demo_admin_conninfo(demo));
    char *address = mem_printf("127.0.0.1:%d", demo_port(demo));

    if (cluster)
        free(EXPECT(0, "server", "add", name, conninfo, "--address", address, "--member-of",
                    cluster));
    else
        free(EXPECT(0, "server", "add", name, conninfo, "--address", address));
    free(address);
    free(conninfo);
}

/* How a client with the files of this folder logs in. */
static char *client(const struct demo *demo, const char *role, const char *folder)
{
    return mem_printf("host=127.0.0.1 port=%d dbname=app user=%s sslmode=verify-full"
                      " sslcert=%s/%s.crt sslkey=%s/%s.key sslrootcert=%s/root.crt"
                      " connect_timeout=10",
                      demo_port(demo), role, folder, role, folder, role, folder);
}

static PGconn *open_session(const struct demo *demo, const char *role, const char *folder)
{
    char *conninfo = client(demo, role, folder);
    PGconn *conn = PQconnectdb(conninfo);

    free(conninfo);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    return conn;
}

static int add_client(struct lab *lab, const char *name, const struct demo *demo, const char *role,
                      const char *folder, enum login_expect expect)
{
    char *conninfo = client(demo, role, folder);
    int i = login_loop_add(lab->loop, name, conninfo, expect);

    free(conninfo);
    return i;
}

static void __attribute__((unused))
moves(struct lab *lab, int i, const struct demo *demo, const char *role, const char *folder)
{
    char *conninfo = client(demo, role, folder);

    login_loop_change(lab->loop, i, conninfo);
    free(conninfo);
}

static void restart(struct lab *lab, struct demo *demo)
{
    struct err err = ERR_INIT;

    login_loop_pause(lab->loop);
    if (!demo_restart(demo, &err))
        fail_msg("%s", err.msg);
    login_loop_resume(lab->loop);
}

/* ---- what is there before ---- */

static void require(const char *server)
{
    free(EXPECT(0, "server", "tls", server, "--ca", "Old", "--host", "127.0.0.1", "--yes"));
    free(EXPECT(0, "server", "trust", server, "--ca", "Old", "--yes"));
    free(EXPECT(0, "server", "require", server, "--database", "app", "--role", "alice", "--role",
                "bob", "--role", "carol", "--from", "127.0.0.1/32", "--yes"));
}

static void test_before(void **state)
{
    struct lab *lab = *state;

    free(EXPECT(0, "ca", "create", "Old", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "Stranger", "--no-passphrase"));
    add_server(lab->db1, "db1", "main");
    add_server(lab->db2, "db2", "main");
    add_server(lab->db3, "db3", NULL);
    free(EXPECT(0, "issue", "client", "alice", "--ca", "Old", "--out", "alice"));
    free(EXPECT(0, "issue", "client", "bob", "--ca", "Old", "--out", "bob"));
    free(EXPECT(0, "issue", "client", "carol", "--ca", "Old", "--out", "revoked"));
    free(EXPECT(0, "revoke", "carol", "--confirm", "carol", "--read-only"));
    free(EXPECT(0, "issue", "client", "carol", "--ca", "Stranger", "--out", "stranger"));
    require("main");
    require("db3");

    lab->loop = login_loop_start("logins.txt");
    login_loop_spread(lab->loop);
    lab->alice1 = add_client(lab, "alice@db1", lab->db1, "alice", "alice", LOGIN_IN);
    lab->alice2 = add_client(lab, "alice@db2", lab->db2, "alice", "alice", LOGIN_IN);
    lab->alice3 = add_client(lab, "alice@db3", lab->db3, "alice", "alice", LOGIN_IN);
    lab->bob = add_client(lab, "bob@db1", lab->db1, "bob", "bob", LOGIN_IN);
    add_client(lab, "revoked@db1", lab->db1, "carol", "revoked", LOGIN_REFUSED);
    add_client(lab, "revoked@db2", lab->db2, "carol", "revoked", LOGIN_REFUSED);
    add_client(lab, "stranger@db3", lab->db3, "carol", "stranger", LOGIN_REFUSED);
    lab->pool = open_session(lab->db1, "bob", "bob");
    login_loop_settle(lab->loop);
}

/* ---- another CA for the clients ---- */

static void expect_phase(const char *key)
{
    json_t *json = EXPECT_JSON(0, "rotate", "status", "Old", "--json");
    const char *phase = json_string_value(json_object_get(json, "phase"));

    if (!phase || strcmp(phase, key) != 0)
        fail_msg("phase %s, not %s", phase ? phase : "none", key);
    json_decref(json);
}

/* Whatever phase it is in, a server may be started again: nobody is refused afterwards who was not. In each
 * phase another one: the primary, its standby, the other cluster, and so on. */
static void restart_one(struct lab *lab)
{
    struct demo *const demos[] = {lab->db1, lab->db2, lab->db3};

    restart(lab, demos[lab->restarts++ % ARRAY_LEN(demos)]);
    login_loop_settle(lab->loop);
}

/* Its administrator's socket is not where it was: away for pgseal, and not for the clients. */
static void set_away(const struct demo *demo, bool away)
{
    char *here = mem_printf("%s/.s.PGSQL.%d", demo_socket(demo), demo_port(demo));
    char *there = mem_printf("%s/away", demo_socket(demo));

    assert_int_equal(away ? rename(here, there) : rename(there, here), 0);
    free(here);
    free(there);
}

static void set_quiet_time(int64_t seconds)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(getenv("PGSEAL_STORE"), STORE_WRITE, &err);
    struct rotation *rotation = store ? rotation_find(store, "Old", &err) : NULL;

    bool good = rotation != NULL;

    if (rotation) {
        rotation->quiet_seconds = seconds;
        good = rotation_save(store, rotation, "as short as a test", &err);
    }
    if (!good)
        fail_msg("%s", err.msg);
    rotation_free(rotation);
    store_close(store);
}

static void test_trust(void **state)
{
    struct lab *lab = *state;

    free(EXPECT(0, "rotate", "ca", "Old", "--quiet-time", "1m"));
    set_quiet_time(2);
    restart_one(lab);
    free(EXPECT(0, "rotate", "next", "Old", "--no-passphrase"));
    expect_phase("trust");
    restart_one(lab);
    set_away(lab->db2, true);
    EXPECT_ERROR(5, "db2", "rotate", "next", "Old", "--yes");
    expect_phase("trust");
    login_loop_settle(lab->loop);
    set_away(lab->db2, false);
    free(EXPECT(0, "rotate", "next", "Old", "--yes"));
    expect_phase("move");
    restart_one(lab);
    free(EXPECT(0, "rotate", "back", "Old", "--yes"));
    free(EXPECT(0, "rotate", "back", "Old", "--yes"));
    expect_phase("generation");
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "next", "Old", "--yes"));
    free(EXPECT(0, "rotate", "next", "Old", "--yes"));
    expect_phase("move");
}

static void test_move(void **state)
{
    struct lab *lab = *state;
    char *text;

    free(EXPECT(0, "rotate", "next", "Old", "--out", "new"));
    expect_phase("watch");
    restart_one(lab);
    moves(lab, lab->alice1, lab->db1, "alice", "new/alice");
    login_loop_settle(lab->loop);
    moves(lab, lab->alice2, lab->db2, "alice", "new/alice");
    moves(lab, lab->alice3, lab->db3, "alice", "new/alice");
    login_loop_settle(lab->loop);
    /* bob is connected all the time, and logs in all the time */
    text = EXPECT(0, "rotate", "stragglers", "Old");
    assert_non_null(strstr(text, "bob"));
    free(text);
    EXPECT_ERROR(1, "PS-4022", "rotate", "next", "Old", "--yes");
    free(EXPECT(0, "rotate", "back", "Old", "--yes"));
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "next", "Old", "--yes", "--out", "new"));
    expect_phase("watch");
}

/* Goes on as soon as it has been quiet for long enough. */
static void next_when_quiet(void)
{
    struct command_result result = {.status = 1};

    for (int i = 0; i < 150; i++) {
        command_clear(&result);
        command_run(&result, NULL, "rotate", "next", "Old", "--yes", NULL);
        if (result.status == 0)
            break;
        assert_non_null(strstr(result.err, "PS-4022"));
        (void)nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
    if (result.status != 0)
        fail_msg("it is never quiet: %s%s", result.out, result.err);
    command_clear(&result);
}

/* bob never moves: one day nobody needs his job any more, and the admin goes on without him. */
static void test_watch(void **state)
{
    struct lab *lab = *state;
    PGconn *seen = open_session(lab->db1, "alice", "new/alice");
    char *text;

    PQfinish(lab->pool); /* ended with the server that was started again */
    lab->pool = open_session(lab->db1, "bob", "bob");
    text = EXPECT(0, "rotate", "stragglers", "Old"); /* looks, as the panel does all day */
    assert_non_null(strstr(text, "bob"));
    free(text);
    PQfinish(seen);
    set_away(lab->db3, true);
    EXPECT_ERROR(1, "PS-4022", "rotate", "next", "Old", "--yes");
    set_away(lab->db3, false);
    free(EXPECT(0, "rotate", "mark", "Old", "bob", "--without"));
    EXPECT_ERROR(1, "open with", "rotate", "next", "Old", "--yes");
    expect_phase("watch");
    login_loop_expect(lab->loop, lab->bob, LOGIN_EITHER); /* he is tried as himself no more */
    moves(lab, lab->bob, lab->db1, "alice", "new/alice");
    PQfinish(lab->pool);
    lab->pool = NULL;
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->bob, LOGIN_IN);
    next_when_quiet();
    expect_phase("retire");
    restart_one(lab);
}

/* Who logs in with the old one at that very moment is counted: then once more. */
static void retire(void)
{
    struct command_result result = {.status = 1};

    for (int i = 0; i < 50 && result.status != 0; i++) {
        command_clear(&result);
        command_run(&result, NULL, "rotate", "next", "Old", "--yes", NULL);
        if (result.status != 0 && !strstr(result.err, "PS-2109"))
            fail_msg("%s%s", result.out, result.err);
    }
    assert_int_equal(result.status, 0);
    command_clear(&result);
}

static void test_retire(void **state)
{
    struct lab *lab = *state;
    int old1, old3;

    set_away(lab->db3, true);
    EXPECT_ERROR(5, "db3", "rotate", "next", "Old", "--yes");
    expect_phase("retire");
    old1 = add_client(lab, "old@db1", lab->db1, "alice", "alice", LOGIN_REFUSED);
    old3 = add_client(lab, "old@db3", lab->db3, "alice", "alice", LOGIN_IN);
    login_loop_settle(lab->loop);
    set_away(lab->db3, false);
    login_loop_expect(lab->loop, old3, LOGIN_EITHER);
    retire();
    expect_phase("key");
    login_loop_expect(lab->loop, old3, LOGIN_REFUSED);
    restart_one(lab);
    login_loop_expect(lab->loop, old1, LOGIN_EITHER);
    login_loop_expect(lab->loop, old3, LOGIN_EITHER);
    free(EXPECT(0, "rotate", "back", "Old", "--yes"));
    expect_phase("retire");
    login_loop_expect(lab->loop, old1, LOGIN_IN);
    login_loop_expect(lab->loop, old3, LOGIN_IN);
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, old1, LOGIN_EITHER);
    login_loop_expect(lab->loop, old3, LOGIN_EITHER);
    retire();
    login_loop_expect(lab->loop, old1, LOGIN_REFUSED);
    login_loop_expect(lab->loop, old3, LOGIN_REFUSED);
    login_loop_settle(lab->loop);
    EXPECT_ERROR(1, "certificates of servers", "rotate", "finish", "Old", "--destroy", "--confirm",
                 "Old");
    /* the kits' root.crt has both CAs, so the servers may go on to the new one */
    free(EXPECT(0, "server", "tls", "main", "--ca", "Old G2", "--host", "127.0.0.1", "--yes"));
    free(EXPECT(0, "server", "tls", "db3", "--ca", "Old G2", "--host", "127.0.0.1", "--yes"));
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "finish", "Old", "--destroy", "--confirm", "Old"));
    restart_one(lab);
}

static void test_end(void **state)
{
    struct lab *lab = *state;

    assert_non_null(lab->loop);
    login_loop_stop(lab->loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_before), cmocka_unit_test(test_trust),
                                       cmocka_unit_test(test_move),   cmocka_unit_test(test_watch),
                                       cmocka_unit_test(test_retire), cmocka_unit_test(test_end)};

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
