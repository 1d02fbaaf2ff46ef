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
    char *conninfo;

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
    lab->alice1 = add_client(lab, "alice@db1", lab->db1, "alice", "alice", LOGIN_IN);
    lab->alice2 = add_client(lab, "alice@db2", lab->db2, "alice", "alice", LOGIN_IN);
    lab->alice3 = add_client(lab, "alice@db3", lab->db3, "alice", "alice", LOGIN_IN);
    lab->bob = add_client(lab, "bob@db1", lab->db1, "bob", "bob", LOGIN_IN);
    add_client(lab, "revoked@db1", lab->db1, "carol", "revoked", LOGIN_REFUSED);
    add_client(lab, "revoked@db2", lab->db2, "carol", "revoked", LOGIN_REFUSED);
    add_client(lab, "stranger@db3", lab->db3, "carol", "stranger", LOGIN_REFUSED);
    conninfo = client(lab->db1, "bob", "bob");
    lab->pool = PQconnectdb(conninfo);
    free(conninfo);
    assert_int_equal(PQstatus(lab->pool), CONNECTION_OK);
    login_loop_settle(lab->loop);
    restart(lab, lab->db3);
    login_loop_settle(lab->loop);
}

static void test_end(void **state)
{
    struct lab *lab = *state;

    assert_non_null(lab->loop);
    login_loop_stop(lab->loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_before), cmocka_unit_test(test_end)};

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
