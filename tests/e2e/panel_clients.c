/* The live page in a terminal beside PostgreSQL's own clients: psql in every way, both kinds of
 * replication, parallel workers, PgBouncer in front; and a server that is stopped for a while. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/harness/session_stage.h"
#include "tests/harness/wizard_box.h"
#include "tests/pg/need_pg.h"

#define CLIENTS_MAX 12

struct stage {
    struct wizard_box box;
    struct pg *pg;
    struct pty *clients[CLIENTS_MAX];
    size_t n;
    PGconn *receivers[2];
    size_t n_receivers;
};

static void restart(struct stage *stage)
{
    struct err err = ERR_INIT;

    conn_close(stage->pg->admin);
    stage->pg->admin = NULL;
    if (!demo_restart(stage->pg->demo, &err))
        fail_msg("%s: %s", err.msg, err_cause_text(&err));
    stage->pg->admin = pg_connect(stage->pg, "");
}

static int setup(void **state)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    void *pg = NULL;

    wizard_box_open(&stage->box);
    if (pg_setup(&pg))
        return -1;
    stage->pg = pg;
    session_stage_open(stage->pg);
    pg_rules(stage->pg, "local all all trust\n"
                        "host all all 127.0.0.1/32 trust\n"
                        "host replication all 127.0.0.1/32 trust\n");
    pg_run(stage->pg->admin, "CREATE ROLE alice LOGIN");
    pg_run(stage->pg->admin, "CREATE ROLE bob LOGIN");
    pg_run(stage->pg->admin, "CREATE ROLE carol LOGIN");
    pg_run(stage->pg->admin, "CREATE ROLE dave LOGIN");
    pg_run(stage->pg->admin, "CREATE ROLE repl LOGIN REPLICATION");
    pg_run(stage->pg->admin, "CREATE PUBLICATION everything FOR ALL TABLES");
    pg_run(stage->pg->admin, "CREATE TABLE public.big AS SELECT generate_series(1, 50000) AS n");
    pg_run(stage->pg->admin, "ANALYZE public.big");
    pg_run(stage->pg->admin, "GRANT SELECT ON public.big TO alice");
    pg_run(stage->pg->admin, "ALTER SYSTEM SET wal_level = 'logical'");
    pg_run(stage->pg->admin, "ALTER SYSTEM SET max_wal_senders = 4");
    restart(stage);
    session_stage_issue("bob", 365, "bob");
    session_stage_issue("repl", 365, "repl");
    *state = stage;
    return 0;
}

static void end_receivers(struct stage *stage)
{
    while (stage->n_receivers > 0)
        PQfinish(stage->receivers[--stage->n_receivers]);
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    void *pg = stage->pg;
    int result;

    for (size_t i = 0; i < stage->n; i++)
        pty_free(stage->clients[i]);
    end_receivers(stage);
    result = pg_teardown(&pg);
    wizard_box_close(&stage->box);
    free(stage);
    return result;
}

/* ---- clients ---- */

static struct pty *start_client(struct stage *stage, const char *const *argv)
{
    static const char *const env[] = {"HISTFILE=/dev/null", "PGSSLCERT=/nonexistent", NULL};

    assert_true(stage->n < CLIENTS_MAX);
    stage->clients[stage->n] = pty_start(&(struct pty_options){.argv = argv, .env = env});
    return stage->clients[stage->n++];
}

static char *conninfo_of(const struct stage *stage, const char *role, const char *more)
{
    return mem_printf("host=127.0.0.1 port=%d dbname=postgres user=%s %s",
                      demo_port(stage->pg->demo), role, more);
}

/* Takes conninfo. */
static struct pty *start_psql(struct stage *stage, char *taken)
{
    struct pty *psql = start_client(stage, (const char *const[]){"psql", "-X", taken, NULL});

    pty_wait_text(psql, "postgres=>");
    free(taken);
    return psql;
}

/* The programs refuse a server newer than themselves, and some builds of PostgreSQL are without them:
 * then the same is asked for by libpq, with NULL at the end. */
static void start_receiver(struct stage *stage, const char *conninfo, const char *name,
                           const char *kind, const char *const *commands)
{
    char *text = mem_printf("%s application_name=%s replication=%s", conninfo, name, kind);
    PGconn *conn = PQconnectdb(text);
    ExecStatusType status = PGRES_COMMAND_OK;

    stage->receivers[stage->n_receivers++] = conn;
    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s: %s", text, PQerrorMessage(conn));
    for (; *commands; commands++) {
        PGresult *result = PQexec(conn, *commands);

        status = PQresultStatus(result);
        PQclear(result);
    }
    if (status != PGRES_COPY_BOTH)
        fail_msg("%s: %s", commands[-1], PQerrorMessage(conn));
    free(text);
}

static void start_receivewal(struct stage *stage)
{
    static const char *const commands[] = {"START_REPLICATION 0/1000000", NULL};
    char *program = fs_join(demo_bindir(stage->pg->demo), "pg_receivewal");
    char *certificate = session_stage_certificate("repl", "repl");
    char *conninfo = conninfo_of(stage, "repl", certificate);

    assert_int_equal(mkdir("wal", 0700), 0);
    if (fs_exists(program))
        (void)start_client(stage,
                           (const char *const[]){program, "-D", "wal", "-d", conninfo, NULL});
    else
        start_receiver(stage, conninfo, "pg_receivewal", "true", commands);
    free(conninfo);
    free(certificate);
    free(program);
}

static void start_recvlogical(struct stage *stage)
{
    static const char *const commands[] = {
        "CREATE_REPLICATION_SLOT s LOGICAL pgoutput",
        "START_REPLICATION SLOT s LOGICAL 0/0 (proto_version '1', publication_names 'everything')",
        NULL};
    char *program = fs_join(demo_bindir(stage->pg->demo), "pg_recvlogical");
    char *conninfo = conninfo_of(stage, "repl", "sslmode=require sslcert=/nonexistent");

    if (fs_exists(program))
        (void)start_client(
            stage, (const char *const[]){program, "-d", conninfo, "--slot=s", "--create-slot",
                                         "--start", "-P", "pgoutput", "-o", "proto_version=1", "-o",
                                         "publication_names=everything", "-f", "changes", NULL});
    else
        start_receiver(stage, conninfo, "pg_recvlogical", "database", commands);
    free(conninfo);
    free(program);
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static const char *find_pgbouncer(void)
{
    static const char *const paths[] = {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer",
                                        "/usr/local/bin/pgbouncer"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

/* In front of the server, in clear text to it; returns its port. It refuses to be root. */
static int start_pgbouncer(struct stage *stage, const char *program)
{
    int port = free_port();
    char *ini = fs_join(stage->box.temporary, "pgbouncer.ini");
    char *users = fs_join(stage->box.temporary, "users.txt");
    char *text = mem_printf("[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\n"
                            "listen_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"
                            "auth_type = trust\nauth_file = %s\napplication_name_add_host = 1\n",
                            demo_port(stage->pg->demo), port, users);
    const struct passwd *nobody = getpwnam("nobody");
    char *group = mem_printf("%u", nobody ? (unsigned)nobody->pw_gid : 65534U);
    const char *argv[] = {"setpriv",        "--reuid", "nobody", "--regid", group,
                          "--clear-groups", program,   ini,      NULL};
    struct pty *pgbouncer;

    command_write(ini, text, 0644);
    command_write(users, "\"dave\" \"\"\n\"alice\" \"\"\n", 0644);
    pgbouncer = start_client(stage, geteuid() == 0 ? argv : argv + 6);
    pty_wait_text(pgbouncer, "process up");
    free(group);
    free(text);
    free(users);
    free(ini);
    return port;
}

/* ---- every client ---- */

static void open_page(struct stage *stage)
{
    static const char *const args[] = {"sessions", STAGE_SERVER, NULL};

    wizard_run(&stage->box, &(struct wizard_options){.args = args, .rows = 40, .columns = 160});
    wizard_wait(&stage->box, "SSL sessions (live)");
    wizard_wait(&stage->box, "APPLICATION");
}

static void leave(struct stage *stage)
{
    pty_type(stage->box.pty, "q");
    wizard_expect_exit(&stage->box, 0);
}

/* Key by key: a burst of them counts as a paste, and Enter is no key in it. */
static void filter(struct stage *stage, const char *text)
{
    char *field = mem_printf("/ [%s ", text);

    pty_type(stage->box.pty, "/");
    wizard_wait(&stage->box, "/ [ ");
    pty_type(stage->box.pty, text);
    wizard_wait(&stage->box, field);
    pty_type(stage->box.pty, "\r");
    pty_wait_no_text(stage->box.pty, field);
    free(field);
}

static void parallel(struct stage *stage)
{
    struct pty *psql = start_psql(stage, conninfo_of(stage, "alice",
                                                     "sslmode=require "
                                                     "application_name=parallel"));

    pty_type(psql, "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; "
                   "SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2; "
                   "SELECT count(*) FROM public.big WHERE pg_sleep(0.1) IS NULL;\r");
    wizard_wait_row(&stage->box, "alice", "parallel", "[--] no cert");
    filter(stage, "parallel");
    pty_type(stage->box.pty, "\r");
    wizard_wait(&stage->box, "client backend, active, 2 parallel workers");
    pty_type(stage->box.pty, KEYS_ESC);
    wizard_wait(&stage->box, "APPLICATION");
    pty_type(stage->box.pty, KEYS_ESC);
    wizard_wait(&stage->box, "filter: none");
}

/* From a session in clear text to the rules that would have asked for more, filled in. */
static void mended_by_a_page(struct stage *stage)
{
    filter(stage, ":no-tls");
    pty_type(stage->box.pty, "\r");
    wizard_wait(&stage->box, "o asks for TLS and a certificate in pg_hba.conf.");
    pty_type(stage->box.pty, "o");
    wizard_wait(&stage->box, "Require certificates");
    wizard_wait_row(&stage->box, "Roles", "[carol ");
    wizard_wait_row(&stage->box, "Database", "[postgres ");
    pty_type(stage->box.pty, KEYS_ESC);
    wizard_wait(&stage->box, "none: clear text over TCP"); /* the sheet again */
    pty_type(stage->box.pty, KEYS_ESC);
    wizard_wait(&stage->box, "APPLICATION");
    pty_type(stage->box.pty, KEYS_ESC);
    wizard_wait(&stage->box, "filter: none");
}

/* Workers are no sessions; nor is a pooler's clear text its clients' clear text. */
static void every_client(void **state)
{
    struct stage *stage = *state;
    const char *program = find_pgbouncer();
    char *certificate = session_stage_certificate("bob", "bob");
    struct pty *psql;
    int port;

    open_page(stage);
    (void)start_psql(stage, conninfo_of(stage, "alice", "sslmode=require"));
    (void)start_psql(stage, conninfo_of(stage, "bob", certificate));
    (void)start_psql(stage, conninfo_of(stage, "carol", "sslmode=disable"));
    (void)start_psql(stage, mem_printf("host=%s port=%d dbname=postgres user=carol",
                                       demo_socket(stage->pg->demo), demo_port(stage->pg->demo)));
    start_receivewal(stage);
    start_recvlogical(stage);
    wizard_wait_row(&stage->box, "alice", "postgres", "psql", "127.0.0.1", "1.3", "[--] no cert");
    wizard_wait_row(&stage->box, "bob", "psql", "1.3", STAGE_CA, "364 d", "[ok]");
    wizard_wait_row(&stage->box, "carol", "psql", "127.0.0.1", "no ", "[!!] no TLS");
    wizard_wait_row(&stage->box, "carol", "psql", "local", "[--] local");
    wizard_wait_row(&stage->box, "repl", "pg_receivewal", "1.3", "364 d", "[ok]");
    wizard_wait_row(&stage->box, "repl", "postgres", "pg_recvlogical", "1.3", "[--] no cert");
    wizard_wait_row(&stage->box, "admin", "local", "[--] you");
    wizard_wait(&stage->box, "8 sessions  4 with TLS  1 without [!!]  2 with cert");
    parallel(stage);
    mended_by_a_page(stage);
    wizard_wait(&stage->box, "9 sessions  5 with TLS  1 without [!!]");
    if (program) {
        port = start_pgbouncer(stage, program);
        psql =
            start_psql(stage, mem_printf("host=127.0.0.1 port=%d dbname=postgres user=dave", port));
        pty_type(psql, "SELECT 40 + 2;\r"); /* the name goes to the server with a query */
        pty_wait_text(psql, "42");
        wizard_wait_row(&stage->box, "dave", "psql - ", "127.0.0.1", "no ", "[!!] no TLS");
        filter(stage, ":pooler");
        wizard_wait(&stage->box, "Probably a pooler or a tunnel");
        pty_type(stage->box.pty, "\r");
        wizard_wait(&stage->box, "psql - 127.0.0.1:");
        wizard_wait(&stage->box, "whether its own clients use TLS is not visible here.");
    } else if (getenv("PGSEAL_TEST_REQUIRE_PG")) {
        fail_msg("pgbouncer is not installed");
    }
    leave(stage);
    free(certificate);
}

/* ---- what was seen stays known ---- */

static const char *readiness_roles(const json_t *json, const char *name, char *out, size_t size)
{
    size_t i;
    json_t *item;

    out[0] = '\0';
    json_array_foreach(json_object_get(json, "cases"), i, item)
    {
        size_t k;
        json_t *client;

        if (strcmp(json_string_value(json_object_get(item, "case")), name) != 0)
            continue;
        json_array_foreach(json_object_get(item, "clients"), k, client)
        {
            const char *role = json_string_value(json_object_get(client, "role"));
            size_t len = strlen(out);

            if (!strstr(out, role))
                snprintf(out + len, size - len, "%s ", role);
        }
    }
    return out;
}

/* The open page wrote down who came; they are gone now, and the question has its answer. */
static void remembered(void **state)
{
    struct stage *stage = *state;
    char roles[256];
    char *text;
    json_t *json;

    while (stage->n > 0)
        pty_free(stage->clients[--stage->n]);
    end_receivers(stage);
    text = EXPECT(0, "sightings", STAGE_SERVER, "--without-tls", "--since", "30d");
    assert_non_null(strstr(text, "carol"));
    assert_null(strstr(text, "alice"));
    assert_null(strstr(text, "repl"));
    free(text);
    text = EXPECT(0, "sightings", STAGE_SERVER, "--ca", STAGE_CA);
    assert_non_null(strstr(text, "pg_receivewal"));
    assert_non_null(strstr(text, "bob"));
    assert_null(strstr(text, "carol"));
    free(text);
    json = EXPECT_JSON(0, "sightings", STAGE_SERVER, "--readiness", "--json");
    text = json_dumps(json, 0);
    assert_non_null(strstr(readiness_roles(json, "tls", roles, sizeof(roles)), "carol"));
    assert_null(strstr(roles, "bob"));
    assert_non_null(strstr(readiness_roles(json, "certificate", roles, sizeof(roles)), "alice"));
    assert_non_null(strstr(roles, "repl"));
    assert_null(strstr(roles, "bob"));
    assert_string_equal(readiness_roles(json, "tls-1.3", roles, sizeof(roles)), "");
    assert_non_null(strstr(readiness_roles(json, "without-ca", roles, sizeof(roles)), "bob"));
    assert_null(strstr(roles, "alice"));
    free(text);
    json_decref(json);
    free(EXPECT(0, "sightings", "--forget", "0d"));
    text = EXPECT(0, "sightings", STAGE_SERVER);
    assert_null(strstr(text, "carol"));
    free(text);
}

/* ---- stopped for a while ---- */

static void server_stopped(void **state)
{
    struct stage *stage = *state;
    struct err err = ERR_INIT;
    char *path = pg_data_path(stage->pg, "postgresql.auto.conf");
    char *good = command_read(path), *broken = mem_printf("%sshared_buffers = 1\n", good);

    open_page(stage);
    wizard_wait_row(&stage->box, "admin", "local", "[--] you");
    wizard_keys(&stage->box, "+", 2);
    conn_close(stage->pg->admin);
    stage->pg->admin = NULL;
    pg_write_file(stage->pg, "postgresql.auto.conf", broken, strlen(broken), 0600);
    assert_false(demo_restart(stage->pg->demo, &err)); /* it goes down, and not up */
    wizard_wait(&stage->box, "Stale since ");
    assert_true(pty_has_text(stage->box.pty, "[--] you")); /* the last rows stay */
    pty_type(stage->box.pty, "s");
    wizard_wait(&stage->box, "Sorted by: PID.");
    wizard_wait(&stage->box, "^PID");
    wizard_keys(&stage->box, KEYS_DOWN, 1);
    wizard_wait(&stage->box, "No such file"); /* tried again and again, and said why */
    pg_write_file(stage->pg, "postgresql.auto.conf", good, strlen(good), 0600);
    restart(stage);
    pty_type(stage->box.pty, KEYS_F5); /* now, not in some seconds */
    wizard_wait(&stage->box, "2 sessions, and nothing needs a look.");
    leave(stage);
    free(broken);
    free(good);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_client),
        cmocka_unit_test(remembered),
        cmocka_unit_test(server_stopped),
    };

    if (!need_pg())
        return 0;
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, setup, teardown);
}
