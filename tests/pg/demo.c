/* demo.c - the private PostgreSQL: it lives, it answers as a new cluster does, and nothing stays. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"
#include "core/demo/demo.h"
#include "tests/pg/need_pg.h"

#define GONE_MS 30000

static struct demo *start(const struct demo_options *options)
{
    struct err err = ERR_INIT;
    struct demo *demo = demo_start(options, &err);

    if (demo == NULL)
        fail_msg("demo_start: PS-%d %s", (int)err.code, err.msg);
    return demo;
}

static bool gone(pid_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

/* Waits for what another process does; the bound is what the test is about. */
static bool comes_true(bool (*what)(const void *arg), const void *arg, int64_t ms)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000000L};
    int64_t deadline = clock_mono_ms() + ms;

    while (!what(arg)) {
        if (clock_mono_ms() > deadline)
            return false;
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

static PGconn *log_in(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);

    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return conn;
}

/* The first value of a query's first row. */
static char *value_of(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    char *value;

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    assert_true(PQntuples(result) > 0);
    value = mem_strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

static void assert_value(PGconn *conn, const char *sql, const char *expected)
{
    char *value = value_of(conn, sql);

    assert_string_equal(value, expected);
    free(value);
}

static char *tcp_conninfo(const struct demo *demo, const char *role, const char *password)
{
    return mem_printf("host=127.0.0.1 port=%d user=%s password='%s' dbname=%s connect_timeout=5 "
                      "sslcert=/nonexistent",
                      demo_port(demo), role, password,
                      strcmp(role, "admin") == 0 ? "postgres" : "app");
}

static void assert_refused(const struct demo *demo, const char *role, const char *password,
                           const char *words)
{
    char *conninfo = tcp_conninfo(demo, role, password);
    PGconn *conn = PQconnectdb(conninfo);

    assert_int_equal(PQstatus(conn), CONNECTION_BAD);
    if (strstr(PQerrorMessage(conn), words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, PQerrorMessage(conn));
    PQfinish(conn);
    free(conninfo);
}

static mode_t mode_of(const char *path, uid_t *ret_owner)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    if (ret_owner != NULL)
        *ret_owner = st.st_uid;
    return st.st_mode & 07777;
}

static void count_line(void *arg, const char *line)
{
    assert_true(text_is_clean(line));
    ++*(int *)arg;
}

static void test_looks_like_a_new_cluster(void **unused)
{
    int n_lines = 0;
    /* by initdb itself: the other clusters of the tests are copies (tests/harness/initdb.c) */
    struct demo *demo = start(&(struct demo_options){.bindir = getenv("PGSEAL_TEST_PGBIN_REAL"),
                                                     .progress = count_line,
                                                     .progress_arg = &n_lines});
    PGconn *conn = log_in(demo_admin_conninfo(demo));
    struct err err = ERR_INIT;
    bool nothing_left = false;
    char *folder = mem_strdup(demo_folder(demo));
    pid_t pid = demo_pid(demo);

    (void)unused;
    assert_true(n_lines >= 3);
    assert_value(conn, "SHOW ssl", "off");
    assert_value(conn, "SHOW listen_addresses", "127.0.0.1");
    assert_value(conn, "SELECT current_user", "admin");
    assert_value(conn,
                 "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles"
                 " WHERE rolname !~ '^pg_'",
                 "admin alice bob carol");
    assert_value(conn, "SELECT count(*) FROM pg_roles WHERE rolsuper", "1");
    assert_value(conn, "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL", "0");
    assert_value(conn, "SELECT count(*) FROM pg_database WHERE datname = 'app'", "1");
    PQfinish(conn);

    assert_true(demo_stop(demo, &nothing_left, &err));
    assert_true(nothing_left);
    assert_true(gone(pid));
    assert_false(fs_exists(folder));
    free(folder);
    demo_free(demo);
}

static void test_who_gets_in(void **unused)
{
    struct demo *demo = start(&(struct demo_options){.keep = NULL});
    const char *roles[] = {"alice", "bob", "carol"};

    (void)unused;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        char *conninfo = tcp_conninfo(demo, roles[i], demo_password(demo, roles[i]));
        PGconn *conn = log_in(conninfo);

        assert_value(conn, "SELECT current_user", roles[i]);
        PQfinish(conn);
        free(conninfo);
        assert_refused(demo, roles[i], "guess", "password authentication failed");
    }
    assert_string_not_equal(demo_password(demo, "alice"), demo_password(demo, "bob"));
    assert_int_equal(strlen(demo_password(demo, "carol")), 32);
    assert_string_equal(demo_password(demo, "admin"), "");
    assert_refused(demo, "admin", "guess", "pg_hba.conf");
    demo_free(demo);
}

static void test_folders_are_private(void **unused)
{
    struct demo *demo = start(&(struct demo_options){.quiet_roles = true});
    uid_t server = 0;
    uid_t owner = 0;
    struct strbuf log = STRBUF_INIT;
    struct err err = ERR_INIT;

    (void)unused;
    assert_int_equal(mode_of(demo_data(demo), &server), 0700);
    assert_int_equal(mode_of(demo_socket(demo), &owner), 0700);
    assert_int_equal(owner, server);
    assert_int_equal(mode_of(demo_log(demo), &owner), 0600);
    assert_int_equal(owner, geteuid());
    if (geteuid() == 0) {
        assert_int_not_equal(server, 0);
        assert_int_equal(mode_of(demo_folder(demo), &owner), 0710);
    } else {
        assert_int_equal(server, geteuid());
        assert_int_equal(mode_of(demo_folder(demo), &owner), 0700);
    }
    assert_int_equal(owner, geteuid());
    assert_true(fs_read(demo_log(demo), 1 << 20, &log, &err));
    assert_non_null(strstr(log.data, "ready to accept connections"));
    strbuf_clear(&log);
    demo_free(demo);
}

static bool load_is_seen(const void *arg)
{
    char *n =
        value_of((PGconn *)(uintptr_t)arg, "SELECT count(DISTINCT usename) FROM pg_stat_activity"
                                           " WHERE usename IN ('alice', 'bob', 'carol')");
    bool seen = strcmp(n, "3") == 0;

    free(n);
    return seen;
}

static void test_load_comes_and_dies_with_it(void **unused)
{
    struct demo *demo = start(&(struct demo_options){.with_load = true});
    PGconn *conn = log_in(demo_admin_conninfo(demo));
    struct err err = ERR_INIT;
    bool nothing_left = false;

    (void)unused;
    assert_true(comes_true(load_is_seen, conn, 10000));
    PQfinish(conn);
    assert_true(demo_stop(demo, &nothing_left, &err));
    assert_true(nothing_left);
    demo_free(demo);
}

static void test_restart_keeps_the_settings(void **unused)
{
    struct demo *demo = start(&(struct demo_options){.quiet_roles = true});
    PGconn *conn = log_in(demo_admin_conninfo(demo));
    int port = demo_port(demo);
    int pid = demo_pid(demo);
    struct err err = ERR_INIT;

    (void)unused;
    PQclear(PQexec(conn, "ALTER SYSTEM SET work_mem = '5MB'"));
    PQfinish(conn);
    assert_true(demo_restart(demo, &err));
    assert_int_not_equal(demo_pid(demo), pid);
    assert_int_equal(demo_port(demo), port);
    conn = log_in(demo_admin_conninfo(demo));
    assert_value(conn, "SHOW work_mem", "5MB");

    /* A setting that kills the next start: the message has the server's reason. */
    PQclear(PQexec(conn, "ALTER SYSTEM SET ssl = on"));
    PQfinish(conn);
    assert_false(demo_restart(demo, &err));
    assert_int_equal(err.code, ERR_DEMO);
    assert_non_null(strstr(err.msg, "server.crt"));
    demo_free(demo);
}

static void test_freeze_and_stop_while_frozen(void **unused)
{
    struct demo *demo = start(&(struct demo_options){.quiet_roles = true});
    PGconn *conn = log_in(demo_admin_conninfo(demo));
    struct err err = ERR_INIT;
    bool nothing_left = false;

    (void)unused;
    assert_true(demo_freeze(demo, true, &err));
    /* An open session hangs, not only new ones. */
    assert_int_equal(PQsendQuery(conn, "SELECT 1"), 1);
    for (int i = 0; i < 20; i++) {
        const struct timespec pause = {.tv_nsec = 10 * 1000000L};

        assert_int_equal(PQconsumeInput(conn), 1);
        assert_int_equal(PQisBusy(conn), 1);
        (void)nanosleep(&pause, NULL);
    }
    assert_true(demo_freeze(demo, false, &err));
    for (PGresult *result; (result = PQgetResult(conn)) != NULL;) {
        assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
        PQclear(result);
    }
    assert_true(demo_freeze(demo, true, &err));
    assert_true(demo_stop(demo, &nothing_left, &err));
    assert_true(nothing_left);
    PQfinish(conn);
    demo_free(demo);
}

static void test_two_at_once(void **unused)
{
    struct demo *one = start(&(struct demo_options){.quiet_roles = true});
    struct demo *two = start(&(struct demo_options){.quiet_roles = true});
    struct err err = ERR_INIT;
    bool nothing_left = false;
    PGconn *conn;

    (void)unused;
    assert_int_not_equal(demo_port(one), demo_port(two));
    assert_true(demo_stop(one, &nothing_left, &err));
    assert_true(nothing_left);
    conn = log_in(demo_admin_conninfo(two));
    PQfinish(conn);
    demo_free(one);
    demo_free(two);
}

/* ---- whatever happens ---- */

struct victim {
    pid_t server;
    pid_t keeper;
    char folder[256];
};

static bool nothing_of_it(const void *arg)
{
    const struct victim *victim = arg;

    return gone(victim->server) && gone(victim->keeper) && !fs_exists(victim->folder);
}

/* A process that started a demo and now waits for its end; it also forked a child that holds
 * all its descriptors. */
static pid_t start_victim(struct victim *ret, bool with_load, pid_t *ret_child)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err = ERR_INIT;
        struct demo *demo = demo_start(&(struct demo_options){.with_load = with_load}, &err);
        struct victim self;
        pid_t child;

        /* a test that fails leaves neither of the two behind */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (demo == NULL) {
            print_error("%s\n", err.msg);
            _exit(1);
        }
        memset(&self, 0, sizeof(self));
        self.server = demo_pid(demo);
        self.keeper = demo_keeper_pid(demo);
        snprintf(self.folder, sizeof(self.folder), "%s", demo_folder(demo));
        close(ends[0]);
        child = fork();
        if (child == 0) {
            (void)alarm(300);
            for (;;)
                pause();
        }
        (void)!write(ends[1], &self, sizeof(self));
        (void)!write(ends[1], &child, sizeof(child));
        for (;;)
            pause();
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], ret, sizeof(*ret)), sizeof(*ret));
    assert_int_equal(read(ends[0], ret_child, sizeof(*ret_child)), sizeof(*ret_child));
    close(ends[0]);
    assert_true(ret->server > 0);
    assert_false(gone(ret->server));
    return pid;
}

static void test_killed_owner(void **unused)
{
    struct victim victim;
    pid_t child;
    pid_t pid = start_victim(&victim, true, &child);

    (void)unused;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(comes_true(nothing_of_it, &victim, GONE_MS));
    (void)kill(child, SIGKILL); /* it held the socket all the time */
}

static bool server_gone(const void *arg)
{
    const struct victim *victim = arg;

    return gone(victim->server);
}

static void test_killed_keeper(void **unused)
{
    struct demo *demo = start(&(struct demo_options){.with_load = true});
    struct victim victim = {.server = demo_pid(demo)};
    char *folder = mem_strdup(demo_folder(demo));
    struct err err = ERR_INIT;
    bool nothing_left = false;

    (void)unused;
    assert_int_equal(kill(demo_keeper_pid(demo), SIGKILL), 0);
    assert_true(comes_true(server_gone, &victim, GONE_MS));
    assert_false(demo_restart(demo, &err));
    assert_int_equal(err.code, ERR_DEMO);
    assert_true(demo_stop(demo, &nothing_left, &err));
    assert_true(nothing_left);
    assert_false(fs_exists(folder));
    free(folder);
    demo_free(demo);
}

static void test_keep(void **unused)
{
    struct err err = ERR_INIT;
    char *path = mem_printf("/tmp/pgseal-keep-%ld", (long)getpid());
    struct demo *demo = start(&(struct demo_options){.keep = path, .quiet_roles = true});
    bool nothing_left = false;

    (void)unused;
    assert_string_equal(demo_folder(demo), path);
    assert_true(demo_stop(demo, &nothing_left, &err));
    assert_true(nothing_left);
    demo_free(demo);
    assert_true(fs_exists(path));

    /* Never into a folder that is there. */
    assert_null(demo_start(&(struct demo_options){.keep = path}, &err));
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_true(fs_remove_tree(path, &err));

    /* Nor, as root, where others could put a link in its place. */
    if (geteuid() == 0) {
        char *inside = fs_join(path, "demo");

        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(chmod(path, 0777), 0);
        assert_null(demo_start(&(struct demo_options){.keep = inside}, &err));
        assert_int_equal(err.code, ERR_FILE_UNSAFE);
        assert_false(fs_exists(inside));
        assert_true(fs_remove_tree(path, &err));
        free(inside);
    }
    free(path);
}

/* What the user has set for another server says nothing about this one. */
static void test_surroundings(void **unused)
{
    static const char *const variables[][2] = {{"PGSERVICE", "nosuch"},
                                               {"PGHOSTADDR", "192.0.2.1"},
                                               {"PGPORT", "1"},
                                               {"PGSSLMODE", "verify-full"},
                                               {"PGCHANNELBINDING", "require"},
                                               {"PGTARGETSESSIONATTRS", "read-only"},
                                               {"PGREQUIREPEER", "somebody"},
                                               {"PGOPTIONS", "-c nonsense=1"}};
    struct demo *demo;
    PGconn *conn;
    bool nothing_left = false;
    struct err err = ERR_INIT;

    (void)unused;
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        assert_int_equal(setenv(variables[i][0], variables[i][1], 1), 0);
    demo = start(&(struct demo_options){.with_load = true});
    conn = log_in(demo_admin_conninfo(demo));
    assert_value(conn, "SELECT count(*) FROM pg_database WHERE datname = 'app'", "1");
    PQfinish(conn);
    assert_true(demo_stop(demo, &nothing_left, &err));
    assert_true(nothing_left);
    demo_free(demo);
}

static void test_programs_missing(void **unused)
{
    struct err err = ERR_INIT;
    char *empty = fs_make_temp_folder("pgseal-test", &err);

    (void)unused;
    assert_non_null(empty);
    assert_null(demo_start(&(struct demo_options){.bindir = empty}, &err));
    assert_int_equal(err.code, ERR_DEMO);
    assert_non_null(strstr(err.msg, empty));
    assert_non_null(strstr(err_hint_text(&err), "postgresql"));
    assert_true(fs_remove_tree(empty, &err));
    free(empty);
}

/* initdb that fails: its last words are in the message, and the folder is gone. */
static void test_initdb_fails(void **unused)
{
    static const char script[] = "#!/bin/sh\necho 'initdb: error: the moon is full' >&2\nexit 1\n";
    struct err err = ERR_INIT;
    char *bin = fs_make_temp_folder("pgseal-test", &err);
    char *initdb;
    char *postgres;

    (void)unused;
    assert_non_null(bin);
    assert_int_equal(chmod(bin, 0755), 0);
    initdb = fs_join(bin, "initdb");
    postgres = fs_join(bin, "postgres");
    assert_true(fs_write_new(initdb, script, strlen(script), 0755, &err));
    assert_true(fs_write_new(postgres, script, strlen(script), 0755, &err));
    assert_null(demo_start(&(struct demo_options){.bindir = bin}, &err));
    assert_int_equal(err.code, ERR_DEMO);
    assert_non_null(strstr(err.msg, "the moon is full"));
    assert_true(fs_remove_tree(bin, &err));
    free(initdb);
    free(postgres);
    free(bin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_looks_like_a_new_cluster),
        cmocka_unit_test(test_who_gets_in),
        cmocka_unit_test(test_folders_are_private),
        cmocka_unit_test(test_load_comes_and_dies_with_it),
        cmocka_unit_test(test_restart_keeps_the_settings),
        cmocka_unit_test(test_freeze_and_stop_while_frozen),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_killed_owner),
        cmocka_unit_test(test_killed_keeper),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_surroundings),
        cmocka_unit_test(test_programs_missing),
        cmocka_unit_test(test_initdb_fails),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
