/* server_traps.c - what goes wrong beside a rotation of servers' certificates: each is said with its cause,
 * and nothing is lost by it. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/store/authority_request.h"
#include "core/store/issued.h"
#include "tests/pg/server_lab.h"

/* ---- a certificate whose run was killed ---- */

/* Servers' certificates that nobody has, and that nothing was made in place of; those that the CA's
 * servers have. */
static void expect_rows(size_t lost, const char *ca, size_t serving)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(getenv("PGSEAL_STORE"), STORE_WRITE, &err);
    struct authority *authority = store ? authority_load(store, ca, &err) : NULL;
    struct issued_list list = {.n = 0};
    size_t n = 0;

    assert_non_null(authority);
    assert_true(issued_undelivered(store, NULL, 100, &list, &err));
    assert_int_equal(list.n, lost);
    assert_true(authority_count_serving(store, authority, &n, &err));
    assert_int_equal(n, serving);
    issued_list_clear(&list);
    authority_free(authority);
    store_close(store);
}

void test_lost(void **state)
{
    struct lab *lab = *state;
    const struct lab_run run = {.name = "main", .ca = "Servers", .server = "db2", .at = 12};

    login_loop_pause(lab->loop); /* nothing here is about clients */
    expect_rows(0, "Servers", 2);
    free(EXPECT(0, "rotate", "server", "main"));
    assert_int_equal(lab_run(lab, &run), -SIGKILL);
    lab_go("back", "main", "renew");
    expect_rows(1, "Servers", 2); /* its key is gone; the servers have what they had */
    free(EXPECT(0, "rotate", "server", "main"));
    assert_int_equal(lab_run(lab, &run), -SIGKILL); /* and once more */
    lab_go("next", "main", "look");
    expect_rows(0, "Servers", 2); /* made anew, in place of both */
    lab_go("back", "main", "renew");
    lab_go("back", "main", "renew"); /* given up */
    login_loop_resume(lab->loop);
    login_loop_settle(lab->loop);
}

/* ---- clocks, links, poolers ---- */

static void relink(const struct lab *lab, const char *target)
{
    char *script = mem_printf("ln -sfn '%s' '%s/link.crt'", target, demo_data(lab->db2));

    lab_sh(script);
    free(script);
}

static char *show(const struct demo *demo, const char *setting)
{
    PGconn *conn = PQconnectdb(demo_admin_conninfo(demo));
    char *sql = mem_printf("SHOW %s", setting);
    PGresult *result = PQexec(conn, sql);
    char *value;

    assert_int_equal(PQntuples(result), 1);
    value = mem_strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(conn);
    free(sql);
    return value;
}

void test_traps(void **state)
{
    struct lab *lab = *state;
    struct lab_run run = {.name = "db2", .ca = "Servers G2"};
    char *file = show(lab->db2, "ssl_cert_file");
    char *before = lab_leaf("db2");
    char *after;
    char *address = mem_printf("127.0.0.1:%d", demo_port(lab->db2));

    login_loop_pause(lab->loop);
    /* at the address of the clients answers another one than where the admin comes in */
    free(EXPECT(0, "server", "add", "front", demo_admin_conninfo(lab->db1), "--address", address));
    free(EXPECT(0, "rotate", "server", "front"));
    EXPECT_ERROR(1, "PS-2233", "rotate", "next", "front", "--yes");
    free(EXPECT(0, "rotate", "back", "front", "--yes"));
    free(EXPECT(0, "server", "remove", "front", "--confirm", "front", "--yes"));

    relink(lab, file);
    lab_sql(lab->db2, "ALTER SYSTEM SET ssl_cert_file = 'link.crt'");
    lab_sql(lab->db2, "SELECT pg_reload_conf()");
    free(EXPECT(0, "rotate", "server", "db2"));
    run.ahead = 1;
    assert_int_equal(lab_run(lab, &run), ERR_CLOCKS);
    run.ahead = -1;
    assert_int_equal(lab_run(lab, &run), ERR_CLOCKS);
    lab_go("next", "db2", "look");
    after = lab_leaf("db2");
    assert_string_not_equal(before, after);
    relink(lab, "nowhere.crt"); /* where certbot and its like put another one */
    EXPECT_ERROR(1, "PS-2108", "rotate", "back", "db2", "--yes");
    relink(lab, file);
    lab_go("back", "db2", "renew");
    free(after);
    after = lab_leaf("db2");
    assert_string_equal(before, after);
    lab_go("back", "db2", "renew");
    login_loop_resume(lab->loop);
    login_loop_settle(lab->loop);
    free(after);
    free(before);
    free(file);
    free(address);
}

/* ---- a login as clients do it; a store of yesterday; a server that is forgotten ---- */

static void add_tcp(const struct lab *lab)
{
    char *conninfo = mem_printf("host=127.0.0.1 port=%d user=alice dbname=app sslmode=require "
                                "passfile=%s/pass connect_timeout=2",
                                demo_port(lab->db1), lab->folder);
    char *pass = mem_printf("*:*:*:*:%s\n", demo_password(lab->db1, "alice"));

    lab_sql(lab->db1, "ALTER ROLE alice SUPERUSER");
    command_write("pass", pass, 0600);
    free(EXPECT(0, "server", "add", "tcp", conninfo));
    free(conninfo);
    free(pass);
}

/* libpq cannot open its key: at the socket nobody asks for it, over TLS it is the end. */
static void add_odd(const struct lab *lab)
{
    char *conninfo = mem_printf("%s sslcert=%s/self.crt sslkey=%s/none.key",
                                demo_admin_conninfo(lab->db1), lab->folder, lab->folder);
    char *address = mem_printf("127.0.0.1:%d", demo_port(lab->db1));

    free(EXPECT(0, "server", "add", "odd", conninfo, "--address", address));
    free(conninfo);
    free(address);
}

/* The login with the clients' trust file is no success: the server gets back what it had. */
static void fail_login(const struct lab *lab)
{
    add_odd(lab);
    free(EXPECT(0, "rotate", "server", "odd", "--to", "Servers G2"));
    lab_go("next", "odd", "files");
    free(EXPECT(0, "rotate", "next", "odd", "--out", "odd", "--yes"));
    free(EXPECT(0, "rotate", "next", "odd", "--accept-left", "1", "--yes"));
    EXPECT_ERROR(1, "Taken back", "rotate", "next", "odd", "--yes");
    lab_shows("db1", "CN=Servers");
    free(EXPECT(0, "server", "remove", "odd", "--confirm", "odd", "--yes"));
    for (int i = 0; i < 4; i++)
        free(EXPECT(0, "rotate", "back", "odd", "--yes"));
}

void test_login(void **state)
{
    struct lab *lab = *state;
    struct command_result result;

    add_tcp(lab);
    free(EXPECT(0, "ca", "create", "Clients", "--no-passphrase"));
    free(EXPECT(0, "server", "trust", "tcp", "--ca", "Clients", "--yes"));
    free(EXPECT(0, "rotate", "server", "tcp", "--to", "Servers G2"));
    lab_go("next", "tcp", "files");
    free(EXPECT(0, "rotate", "next", "tcp", "--out", "tcp", "--yes"));
    lab_sh("cp -p tcp/tcp-both.crt kept.crt\n");
    lab_change_root(lab, lab->quick1, lab->db1, "kept.crt"); /* what follows is not its file */
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    fail_login(lab);
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "next", "tcp", "--accept-left", "1", "--yes"));
    lab_sh("cp -a \"$PGSEAL_STORE\" yesterday\n"
           "sed -n '/BEGIN/,/END/p;/END/q' kept.crt > tcp/tcp-both.crt\n");
    EXPECT_ERROR(1, "PS-2311", "rotate", "next", "tcp", "--yes");
    lab_sh("cp -p kept.crt tcp/tcp-both.crt\n");
    login_loop_settle(lab->loop);
    command_run(&result, NULL, "rotate", "next", "tcp", "--yes", NULL);
    assert_int_equal(result.status, 0);
    if (!strstr(result.err, "login as \"alice\" over TLS with the trust file: in"))
        fail_msg("no login: %s%s", result.out, result.err);
    if (!strstr(result.err, "as a client of \"Clients\" with the trust file: each side takes"))
        fail_msg("no canary: %s%s", result.out, result.err);
    command_clear(&result);
    lab_shows("db1", "CN=Servers G2");
    login_loop_settle(lab->loop);
}

void test_restored(void **state)
{
    struct lab *lab = *state;

    login_loop_pause(lab->loop);
    lab_sh("rm -rf \"$PGSEAL_STORE\"\nmv yesterday \"$PGSEAL_STORE\"\n");
    EXPECT_ERROR(1, "not known here", "rotate", "back", "tcp", "--yes");
    lab_shows("db1", "CN=Servers G2");
    lab_go("next", "tcp", "clean"); /* it has it already */
    EXPECT_ERROR(1, "not known here", "rotate", "back", "tcp", "--yes");
    free(EXPECT(0, "server", "tls", "tcp", "--ca", "Servers", "--host", "127.0.0.1", "--yes"));
    lab_go("back", "tcp", "switch");
    lab_shows("db1", "CN=Servers");
}

void test_removed(void **state)
{
    struct lab *lab = *state;
    char *text;

    free(EXPECT(0, "server", "remove", "tcp", "--confirm", "tcp", "--yes"));
    text = EXPECT(0, "rotate", "status", "tcp");
    assert_non_null(strstr(text, "in the store any more"));
    free(text);
    EXPECT_ERROR(1, "PS-4022", "rotate", "next", "tcp", "--yes");
    for (int i = 0; i < 4; i++)
        free(EXPECT(0, "rotate", "back", "tcp", "--yes"));
    EXPECT_ERROR(1, "PS-4019", "rotate", "next", "tcp", "--yes");
    login_loop_resume(lab->loop);
    login_loop_settle(lab->loop);
}
