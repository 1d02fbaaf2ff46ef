/* rotate_client.c - client certificates replaced while pools hold sessions open and a standby's receiver runs:
 * who is left is told by serial number, and nobody is refused that should get in. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/rotate/use.h"
#include "tests/harness/command.h"
#include "tests/harness/login_loop.h"
#include "tests/harness/pg.h"
#include "tests/pg/need_pg.h"

struct lab {
    struct pg pg;
    char *folder;
    struct login_loop *loop;
    int with_old, with_new; /* alice, again and again */
    PGconn *pool[2];        /* alice's, open since before it all */
    PGconn *bob;
    pid_t receiver;    /* pg_receivewal */
    PGconn *receiving; /* where there is no such program */
};

static int setup(void **state)
{
    const struct demo_options options = {.quiet_roles = true, .replicated = true};
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct err err = ERR_INIT;

    (void)signal(SIGPIPE, SIG_IGN);
    *state = lab;
    lab->pg.demo = demo_start(&options, &err);
    lab->pg.admin = lab->pg.demo ? pg_open(&lab->pg, "", &err) : NULL;
    if (!lab->pg.admin) {
        print_error("%s\n", err.msg);
        return -1;
    }
    lab->folder = command_box();
    return 0;
}

static void stop_receiver(struct lab *lab)
{
    PQfinish(lab->receiving);
    lab->receiving = NULL;
    if (lab->receiver <= 0)
        return;
    (void)kill(lab->receiver, SIGTERM);
    (void)waitpid(lab->receiver, NULL, 0);
    lab->receiver = 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;

    stop_receiver(lab);
    PQfinish(lab->pool[0]);
    PQfinish(lab->pool[1]);
    PQfinish(lab->bob);
    conn_close(lab->pg.admin);
    demo_free(lab->pg.demo);
    if (lab->folder)
        command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* ---- clients ---- */

static char *way(const struct lab *lab, const char *role, const char *folder)
{
    return mem_printf("host=127.0.0.1 port=%d dbname=postgres user=%s application_name=web"
                      " sslmode=verify-full sslcert=%s/%s.crt sslkey=%s/%s.key"
                      " sslrootcert=%s/root.crt connect_timeout=10",
                      demo_port(lab->pg.demo), role, folder, role, folder, role, folder);
}

static PGconn *log_in(const struct lab *lab, const char *role, const char *folder)
{
    char *conninfo = way(lab, role, folder);
    PGconn *conn = PQconnectdb(conninfo);

    free(conninfo);
    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

static bool is_alive(PGconn *conn)
{
    PGresult *result = PQexec(conn, "SELECT 1");
    bool alive = PQresultStatus(result) == PGRES_TUPLES_OK;

    PQclear(result);
    return alive;
}

static void wait_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&time, NULL);
}

/* Some builds of PostgreSQL are without pg_receivewal: then the same is asked for by libpq. */
static PGconn *receive(const char *conninfo)
{
    char *text = mem_printf("%s application_name=pg_receivewal replication=true"
                            " options='-c wal_sender_timeout=0'",
                            conninfo);
    PGconn *conn = PQconnectdb(text);
    PGresult *result = PQexec(conn, "IDENTIFY_SYSTEM");
    char *start;

    if (PQntuples(result) != 1)
        fail_msg("%s", PQerrorMessage(conn));
    start = mem_printf("START_REPLICATION %s", PQgetvalue(result, 0, 2));
    PQclear(result);
    result = PQexec(conn, start);
    if (PQresultStatus(result) != PGRES_COPY_BOTH)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
    free(start);
    free(text);
    return conn;
}

/* Returns when the server shows it. */
static void start_receiver(struct lab *lab, const char *folder)
{
    char *program = fs_join(demo_bindir(lab->pg.demo), "pg_receivewal");
    char *conninfo = way(lab, "repl", folder);

    (void)mkdir("wal", 0700);
    if (!fs_exists(program)) {
        lab->receiving = receive(conninfo);
    } else {
        lab->receiver = fork();
        assert_true(lab->receiver >= 0);
        if (lab->receiver == 0) {
            int null = open("/dev/null", O_RDWR);

            (void)dup2(null, STDOUT_FILENO);
            (void)dup2(null, STDERR_FILENO);
            execl(program, program, "-D", "wal", "-d", conninfo, (char *)NULL);
            _exit(127);
        }
    }
    for (int i = 0; i < 600; i++) {
        char *n = pg_ask(lab->pg.admin, "SELECT count(*) FROM pg_stat_replication");
        bool there = strcmp(n, "1") == 0;

        free(n);
        if (there)
            break;
        assert_true(i < 599);
        wait_ms(50);
    }
    free(program);
    free(conninfo);
}

/* In whatever phase it is: PostgreSQL is started again, and everybody comes back with what they have. */
static void restart(struct lab *lab, const char *bob, const char *repl)
{
    struct err err = ERR_INIT;

    login_loop_pause(lab->loop);
    conn_close(lab->pg.admin);
    lab->pg.admin = NULL;
    stop_receiver(lab);
    PQfinish(lab->pool[0]);
    PQfinish(lab->pool[1]);
    PQfinish(lab->bob);
    lab->pool[0] = lab->pool[1] = lab->bob = NULL;
    if (!demo_restart(lab->pg.demo, &err))
        fail_msg("%s", err.msg);
    lab->pg.admin = pg_open(&lab->pg, "", &err);
    assert_non_null(lab->pg.admin);
    lab->pool[0] = log_in(lab, "alice", "alice");
    lab->pool[1] = log_in(lab, "alice", "alice");
    lab->bob = log_in(lab, "bob", bob);
    start_receiver(lab, repl);
    login_loop_resume(lab->loop);
}

static int64_t number(json_t *json, const char *list, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(json, list), key));
}

/* The row of this role among those that use the old one; NULL: none. */
static json_t *left_of(json_t *json, const char *role)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(json, "left"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "role")), role) == 0)
            return row;
    }
    return NULL;
}

/* There is one alone; also after its end. */
static json_t *the_rotation(void)
{
    json_t *json = EXPECT_JSON(0, "rotate", "status", "--all", "--json");
    json_t *row = json_incref(json_array_get(json_object_get(json, "rotations"), 0));

    json_decref(json);
    return row;
}

static char *phase_now(void)
{
    json_t *json = the_rotation();
    char *phase = mem_strdup(json_string_value(json_object_get(json, "phase")));

    json_decref(json);
    return phase;
}

/* A run that is killed, somewhere: what it printed and how far it came does not matter. */
static void killed(const char *after, const char *const *args)
{
    /* in the foreground: else "timeout" kills itself too, and nobody waits for the end of the other */
    const char *v[16] = {"--foreground", "-s", "KILL", after, getenv("PGSEAL"), NULL};
    const struct command_options options = {.program = "timeout"};
    struct command_result result;

    for (size_t i = 0; args[i]; i++)
        v[i + 5] = args[i];
    command_run(&result, &options, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9],
                v[10], v[11], v[12], v[13], NULL);
    command_clear(&result);
}

/* ---- the way ---- */

static void test_before(void **state)
{
    struct lab *lab = *state;
    char *conninfo = mem_printf("%s connect_timeout=5", demo_admin_conninfo(lab->pg.demo));
    char *address = mem_printf("127.0.0.1:%d", demo_port(lab->pg.demo));
    char *old;

    pg_run(lab->pg.admin, "CREATE ROLE alice LOGIN");
    pg_run(lab->pg.admin, "CREATE ROLE bob LOGIN");
    pg_run(lab->pg.admin, "CREATE ROLE weak LOGIN");
    pg_run(lab->pg.admin, "CREATE ROLE repl LOGIN REPLICATION");
    free(EXPECT(0, "ca", "create", "Acme", "--no-passphrase"));
    free(EXPECT(0, "server", "add", "db1", conninfo, "--address", address));
    free(EXPECT(0, "server", "tls", "db1", "--ca", "Acme", "--host", "127.0.0.1", "--yes"));
    free(EXPECT(0, "server", "trust", "db1", "--ca", "Acme", "--yes"));
    pg_rules(&lab->pg, "local all weak trust\n"
                       "hostssl postgres alice,bob 127.0.0.1/32 cert\n"
                       "hostssl replication repl 127.0.0.1/32 cert\n");
    free(EXPECT(0, "issue", "client", "alice", "--days", "20", "--out", "alice"));
    free(EXPECT(0, "issue", "client", "bob", "--days", "25", "--out", "bob"));
    free(EXPECT(0, "issue", "client", "repl", "--days", "5", "--out", "repl"));

    lab->pool[0] = log_in(lab, "alice", "alice");
    lab->pool[1] = log_in(lab, "alice", "alice");
    lab->bob = log_in(lab, "bob", "bob");
    start_receiver(lab, "repl");
    lab->loop = login_loop_start("logins.txt");
    old = way(lab, "alice", "alice");
    lab->with_old = login_loop_add(lab->loop, "old", old, LOGIN_IN);
    free(old);
    login_loop_settle(lab->loop);
    free(conninfo);
    free(address);
}

static void test_made_beside(void **state)
{
    static const char *const after[] = {"0.03", "0.06", "0.1"};
    struct lab *lab = *state;
    char *fresh, *phase;
    json_t *json;

    json = EXPECT_JSON(0, "rotate", "client", "--within", "30", "--json");
    assert_int_equal(number(json, "list", "total"), 3);
    json_decref(json);
    EXPECT_ERROR(2, "--out", "rotate", "next", "--yes");
    restart(lab, "bob", "repl");
    for (size_t i = 0; i < ARRAY_LEN(after); i++)
        killed(after[i], (const char *const[]){"rotate", "next", "--out", "kits", "--yes", NULL});
    phase = phase_now();
    if (strcmp(phase, "make") == 0)
        free(EXPECT(0, "rotate", "next", "--out", "kits", "--yes"));
    free(phase);
    json = EXPECT_JSON(0, "rotate", "status", "all", "--json");
    assert_int_equal(number(json, "list", "made"), 3);
    assert_string_equal(json_string_value(json_object_get(json, "phase")), "move");
    json_decref(json);
    fresh = way(lab, "alice", "kits/alice");
    lab->with_new = login_loop_add(lab->loop, "new", fresh, LOGIN_IN);
    free(fresh);
}

/* The pool, the receiver and who has only got the files: all are left. */
static void test_who_is_left(void **state)
{
    struct lab *lab = *state;
    json_t *json, *row;
    char *csv;

    restart(lab, "bob", "repl");
    free(EXPECT(0, "rotate", "mark", "all", "bob", "--handed"));
    json = EXPECT_JSON(0, "rotate", "status", "all", "--json");
    row = left_of(json, "alice");
    assert_true(json_integer_value(json_object_get(row, "open")) >= 2);
    assert_true(json_is_string(json_object_get(row, "open_since")));
    assert_string_equal(json_string_value(json_object_get(row, "application")), "web");
    assert_false(json_is_true(json_object_get(row, "replication")));
    row = left_of(json, "repl");
    assert_int_equal(json_integer_value(json_object_get(row, "open")), 1);
    assert_true(json_is_true(json_object_get(row, "replication")));
    row = left_of(json, "bob");
    assert_false(json_is_true(json_object_get(row, "has_new")));
    assert_int_equal(number(json, "list", "handed"), 1);
    assert_false(json_is_true(json_object_get(json_object_get(json, "quiet"), "safe")));
    json_decref(json);
    csv = EXPECT(0, "rotate", "stragglers", "--csv");
    assert_non_null(strstr(csv, "role,application_name,client_addr"));
    assert_non_null(strstr(csv, "repl,"));
    assert_non_null(strstr(csv, "load the kit that was handed over"));
    free(csv);
}

/* Handed over is not in use: what the server shows counts. */
static void test_seen_in_use(void **state)
{
    struct lab *lab = *state;
    PGconn *fresh = log_in(lab, "alice", "kits/alice");
    json_t *json;

    EXPECT_ERROR(1, "\"bob\", \"repl\"", "rotate", "next", "--yes");
    json = EXPECT_JSON(0, "rotate", "status", "all", "--json");
    assert_int_equal(number(json, "list", "seen"), 1);
    assert_true(json_is_true(json_object_get(left_of(json, "alice"), "has_new")));
    json_decref(json);

    PQfinish(lab->bob);
    lab->bob = log_in(lab, "bob", "kits/bob");
    EXPECT_ERROR(1, "\"repl\"", "rotate", "next", "--yes");
    stop_receiver(lab);
    start_receiver(lab, "kits/repl");
    PQfinish(fresh); /* once seen is enough */
    json = EXPECT_JSON(0, "rotate", "next", "--yes", "--json");
    assert_string_equal(json_string_value(json_object_get(json, "phase")), "old");
    json_decref(json);
}

static void test_hidden_sessions_are_no_look(void **state)
{
    struct lab *lab = *state;
    struct err err = ERR_INIT;
    char *folder = store_choose_folder(NULL, &err);
    struct store *store = store_open(folder, STORE_READ, &err);
    struct server_list servers = {.n = 0};
    struct authority *authority;
    struct use_quiet quiet;
    struct conn *conn;

    free(folder);
    assert_non_null(store);
    authority = authority_load(store, NULL, &err);
    assert_non_null(authority);
    assert_true(server_list(store, &servers, &err));
    conn = pg_connect(&lab->pg, "user=weak dbname=postgres");
    assert_true(use_look(store, servers.rows[0], conn, &err));
    conn_close(conn);
    assert_true(
        use_quiet(store, &servers, &(struct use_of){.authority = authority}, 0, 1, &quiet, &err));
    assert_true(quiet.hidden > 0);
    assert_string_equal(quiet.hidden_server, "db1");
    assert_false(quiet.safe);
    use_quiet_clear(&quiet);
    authority_free(authority);
    server_list_clear(&servers);
    store_close(store);
}

/* The pool has the old one open still: that is said before it is ended. */
static void test_the_old_ones_end(void **state)
{
    static const char *const after[] = {"0.1", "0.2", "0.4"};
    static const char *const revoke[] = {"rotate", "next",           "--revoke", "--accept-refused",
                                         "3",      "--end-sessions", "--yes",    NULL};
    struct lab *lab = *state;
    char *phase;
    json_t *json, *would, *row;
    size_t n;

    restart(lab, "kits/bob", "kits/repl");
    json = EXPECT_JSON(0, "rotate", "next", "--revoke", "--dry-run", "--json");
    would = json_object_get(json, "would");
    assert_int_equal(json_integer_value(json_object_get(would, "accept_refused")), 3);
    assert_int_equal(json_array_size(json_object_get(would, "lines")), 3);
    json_array_foreach(json_object_get(would, "refused"), n, row)
    {
        assert_non_null(json_string_value(json_object_get(row, "application")));
        assert_string_equal(json_string_value(json_object_get(row, "server")), "db1");
    }
    assert_int_equal(n, 3);
    json_decref(json);
    EXPECT_ERROR(1, "3 kinds of sessions use old certificates", "rotate", "next", "--revoke",
                 "--yes");
    assert_true(is_alive(lab->pool[0]));
    json = EXPECT_JSON(0, "rotate", "status", "all", "--json");
    assert_int_equal(number(json, "list", "ended"), 0);
    json_decref(json);
    login_loop_expect(lab->loop, lab->with_old, LOGIN_EITHER);
    for (size_t i = 0; i < ARRAY_LEN(after); i++)
        killed(after[i], revoke);
    phase = phase_now();
    if (strcmp(phase, "old") == 0)
        free(EXPECT(0, "rotate", "next", "--revoke", "--accept-refused", "3", "--end-sessions",
                    "--yes"));
    free(phase);
    phase = phase_now();
    assert_string_equal(phase, "done");
    free(phase);
    json = the_rotation();
    assert_int_equal(number(json, "list", "ended"), 3);
    json_decref(json);
    login_loop_expect(lab->loop, lab->with_old, LOGIN_REFUSED);
    login_loop_settle(lab->loop);
    assert_false(is_alive(lab->pool[0]));
    assert_false(is_alive(lab->pool[1]));
    assert_true(is_alive(lab->bob));
    assert_true(login_loop_count(lab->loop, lab->with_new, LOGIN_IN) > 2);
    login_loop_stop(lab->loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),
        cmocka_unit_test(test_made_beside),
        cmocka_unit_test(test_who_is_left),
        cmocka_unit_test(test_seen_in_use),
        cmocka_unit_test(test_hidden_sessions_are_no_look),
        cmocka_unit_test(test_the_old_ones_end),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
