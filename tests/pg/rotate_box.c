/* rotate_box.c - two servers for rotations of a client CA. */
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/pg/rotate_box.h"

#define KILL_STEP 13 /* every so many reports: the time of it all is bounded */

const char *const rot_servers[N_SERVERS] = {"db1", "db2"};

void rot_must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

int rot_setup(void **state)
{
    struct rot_lab *lab = mem_zalloc(sizeof(*lab));
    const struct demo_options options = {.keep = NULL};
    struct err err = ERR_INIT;

    (void)signal(SIGPIPE, SIG_IGN);
    *state = lab;
    for (size_t i = 0; i < N_SERVERS; i++) {
        lab->demos[i] = demo_start(&options, &err);
        if (!lab->demos[i]) {
            print_error("demo_start: %s\n", err.msg);
            return -1;
        }
    }
    lab->folder = command_box();
    return 0;
}

int rot_teardown(void **state)
{
    struct rot_lab *lab = *state;

    for (size_t i = 0; i < N_SERVERS; i++)
        demo_free(lab->demos[i]);
    if (lab->folder)
        command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* ---- clients ---- */

PGconn *rot_log_in(const struct rot_lab *lab, size_t i, const char *role, const char *folder)
{
    char *conninfo =
        mem_printf("host=127.0.0.1 port=%d dbname=app user=%s sslmode=require sslcert=%s/%s.crt"
                   " sslkey=%s/%s.key connect_timeout=10",
                   demo_port(lab->demos[i]), role, folder, role, folder, role);
    PGconn *conn = PQconnectdb(conninfo);

    free(conninfo);
    return conn;
}

bool rot_gets_in(const struct rot_lab *lab, size_t i, const char *role, const char *folder)
{
    PGconn *conn = rot_log_in(lab, i, role, folder);
    bool in = PQstatus(conn) == CONNECTION_OK;

    PQfinish(conn);
    return in;
}

void rot_expect_all(const struct rot_lab *lab, const char *role, const char *folder, bool in)
{
    for (size_t i = 0; i < N_SERVERS; i++) {
        if (rot_gets_in(lab, i, role, folder) != in)
            fail_msg("%s with %s at %s: %s", role, folder, rot_servers[i],
                     in ? "refused" : "it got in");
    }
}

/* ---- rotations, without a command ---- */

struct store *rot_open_store(void)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(getenv("PGSEAL_STORE"), STORE_WRITE, &err);

    rot_must(store != NULL, &err);
    return store;
}

struct fuse {
    int left;
};

static void burn(void *arg, const struct plan_step_view *step)
{
    struct fuse *fuse = arg;

    (void)step;
    if (fuse->left > 0 && --fuse->left == 0)
        raise(SIGKILL);
}

/* at 0: never killed. */
bool rot_go(rot_move move, const struct rotate_request *given, int at, struct err *err)
{
    struct fuse fuse = {.left = at};
    const struct plan_watch plan_watch = {.step = burn, .arg = &fuse};
    const struct fleet_watch watch = {.plan = &plan_watch};
    struct rotate_request request = *given;
    struct rotate_outcome outcome = {.from = 0};
    struct store *store = rot_open_store();
    struct rotation *rotation = rotation_find(store, NULL, err);
    bool ok;

    request.watch = &watch;
    ok = rotation && move(store, rotation, &request, &outcome, err);
    rotate_outcome_clear(&outcome);
    rotation_free(rotation);
    store_close(store);
    return ok;
}

/* True: it came to its end. */
static bool go_in_child(rot_move move, const struct rotate_request *request, int at)
{
    struct err err = ERR_INIT;
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(rot_go(move, request, at, &err) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
        return true;
    }
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return false;
}

/* Killed again and again, each time a little later, until it is through: whoever takes it up finds what was
 * half done. folder: of bob's certificate, which must get in whenever it was killed. */
void rot_go_killed(const struct rot_lab *lab, rot_move move, const struct rotate_request *request,
                   const char *folder)
{
    int kills = 0;

    while (!go_in_child(move, request, 1 + kills * KILL_STEP)) {
        kills++;
        rot_expect_all(lab, "bob", folder, true);
    }
    assert_true(kills > 2);
}

void rot_next(const struct rotate_request *request)
{
    struct err err = ERR_INIT;

    rot_must(rot_go(rotate_next, request, 0, &err), &err);
}

void rot_next_fails(const struct rotate_request *request, enum err_code code)
{
    struct err err = ERR_INIT;

    assert_false(rot_go(rotate_next, request, 0, &err));
    if (err.code != code)
        fail_msg("PS-%d %s, not PS-%d", (int)err.code, err.msg, (int)code);
}

void rot_back(void)
{
    const struct rotate_request request = {.folder = NULL};
    struct err err = ERR_INIT;

    rot_must(rot_go(rotate_back, &request, 0, &err), &err);
}

/* Shorter than the command takes it. */
void rot_set_quiet_time(int64_t seconds)
{
    struct err err = ERR_INIT;
    struct store *store = rot_open_store();
    struct rotation *rotation = rotation_find(store, NULL, &err);

    rot_must(rotation != NULL, &err);
    rotation->quiet_seconds = seconds;
    rot_must(rotation_save(store, rotation, "as short as a test", &err), &err);
    rotation_free(rotation);
    store_close(store);
}

void rot_expect_phase(const char *key)
{
    struct err err = ERR_INIT;
    struct store *store = rot_open_store();
    struct rotation *rotation = rotation_find(store, NULL, &err);

    rot_must(rotation != NULL, &err);
    assert_string_equal(rotate_phase(rotation->kind, (size_t)rotation->phase)->key, key);
    rotation_free(rotation);
    store_close(store);
}

/* As measured now, by a command: "old", "new", "reached", "done". */
bool rot_server_is(const char *server, const char *what)
{
    json_t *json = EXPECT_JSON(0, "rotate", "status", "--json");
    json_t *rotation = json_array_get(json_object_get(json, "rotations"), 0);
    json_t *row;
    size_t i;
    bool is = false;

    json_array_foreach(json_object_get(rotation, "servers"), i, row)
    {
        if (text_equal(json_string_value(json_object_get(row, "server")), server))
            is = json_is_true(json_object_get(row, what));
    }
    json_decref(json);
    return is;
}

void rot_expect_trust(bool old, bool fresh)
{
    for (size_t i = 0; i < N_SERVERS; i++) {
        assert_int_equal(rot_server_is(rot_servers[i], "old"), old);
        assert_int_equal(rot_server_is(rot_servers[i], "new"), fresh);
    }
}

/* What the next act would do, as --dry-run says it. The caller json_decref()s. */
json_t *rot_look_ahead(void)
{
    json_t *json = EXPECT_JSON(0, "rotate", "next", "--dry-run", "--json");
    json_t *would = json_incref(json_object_get(json, "would"));

    json_decref(json);
    assert_non_null(would);
    return would;
}

void rot_expect_ahead(size_t steps_at, size_t refused, const char *role)
{
    json_t *would = rot_look_ahead();
    json_t *list = json_object_get(would, "refused");
    json_t *row;
    size_t i, n = 0;

    json_array_foreach(json_object_get(would, "servers"), i, row)
    {
        n += json_array_size(json_object_get(row, "steps")) > 0;
        assert_int_equal(json_is_true(json_object_get(row, "nothing")),
                         json_array_size(json_object_get(row, "steps")) == 0);
    }
    assert_int_equal(n, steps_at);
    assert_int_equal(json_integer_value(json_object_get(would, "accept_refused")), refused);
    assert_int_equal(json_array_size(list), refused);
    json_array_foreach(list, i, row)
    {
        if (role)
            assert_string_equal(json_string_value(json_object_get(row, "role")), role);
        assert_non_null(json_string_value(json_object_get(row, "server")));
    }
    json_decref(would);
}

/* Somebody uses the old one there now. */
bool rot_is_left(const char *server, const char *role)
{
    json_t *json = EXPECT_JSON(0, "rotate", "stragglers", "--json");
    json_t *row;
    size_t i;
    bool is = false;

    json_array_foreach(json_object_get(json, "left"), i, row)
    {
        if (text_equal(json_string_value(json_object_get(row, "server")), server) &&
            text_equal(json_string_value(json_object_get(row, "role")), role) &&
            json_integer_value(json_object_get(row, "open")) > 0)
            is = true;
    }
    json_decref(json);
    return is;
}

/* ---- somebody with a superuser's hands ---- */

/* The first value; the caller frees. */
char *rot_ask(const struct rot_lab *lab, size_t i, const char *sql)
{
    PGconn *conn = PQconnectdb(demo_admin_conninfo(lab->demos[i]));
    PGresult *result = PQexec(conn, sql);
    char *text;

    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(conn));
    text = mem_strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
    return text;
}

/* ssl_ca_file is these from now on; the lists stay as they are. */
void rot_trust_by_hand(const struct rot_lab *lab, size_t i, const char *const *cas, size_t n)
{
    struct strbuf pem = STRBUF_INIT;
    char *sql, *id, *file;

    for (size_t k = 0; k < n; k++) {
        char *path = mem_printf("by-hand-%zu.pem", k);
        char *text;

        (void)unlink(path);
        free(EXPECT(0, "ca", "export", cas[k], "--out", path));
        text = command_read(path);
        strbuf_add_str(&pem, text);
        free(text);
        free(path);
    }
    sql = mem_printf("SELECT lo_from_bytea(0, convert_to('%s', 'UTF8'))", pem.data);
    id = rot_ask(lab, i, sql);
    free(sql);
    file = mem_printf("by-hand-%s.crt", id);
    sql = mem_printf("SELECT lo_export(%s, '%s')", id, file);
    free(rot_ask(lab, i, sql));
    free(sql);
    sql = mem_printf("ALTER SYSTEM SET ssl_ca_file = '%s'", file);
    free(rot_ask(lab, i, sql));
    free(rot_ask(lab, i, "SELECT pg_reload_conf()"));
    free(sql);
    free(file);
    free(id);
    strbuf_clear(&pem);
}

/* Loaded: this login is as it should be then. */
void rot_wait_for(const struct rot_lab *lab, size_t i, const char *folder, bool in)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    for (int k = 0; k < 500 && rot_gets_in(lab, i, "alice", folder) != in; k++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(rot_gets_in(lab, i, "alice", folder), in);
}

/* How many lists of revoked certificates it has. */
void rot_expect_lists(const struct rot_lab *lab, size_t i, const char *n)
{
    char *found = rot_ask(lab, i,
                          "SELECT count(*) FROM regexp_matches(pg_read_file(current_setting("
                          "'ssl_crl_file')), 'BEGIN X509 CRL', 'g')");

    assert_string_equal(found, n);
    free(found);
}

/* Of "rotate status": how many notices, and the first says so. */
void rot_expect_notices(size_t n, const char *says)
{
    json_t *json = EXPECT_JSON(0, "rotate", "status", "--json");
    json_t *list =
        json_object_get(json_array_get(json_object_get(json, "rotations"), 0), "notices");

    assert_int_equal(json_array_size(list), n);
    if (n > 0)
        assert_non_null(strstr(json_string_value(json_array_get(list, 0)), says));
    json_decref(json);
}

void rot_stop_server(const struct rot_lab *lab, size_t i)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    assert_int_equal(kill(demo_pid(lab->demos[i]), SIGINT), 0);
    for (int k = 0; k < 1000 && rot_gets_in(lab, i, "bob", "new/bob"); k++)
        (void)nanosleep(&pause, NULL);
}

void rot_start_server(const struct rot_lab *lab, size_t i)
{
    struct err err = ERR_INIT;

    rot_must(demo_restart(lab->demos[i], &err), &err);
}

/* What the panel would have seen: the new certificate in use. */
void rot_be_seen(const struct rot_lab *lab, const char *role, const char *folder)
{
    PGconn *conn = rot_log_in(lab, 0, role, folder);

    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    free(EXPECT(0, "rotate", "stragglers"));
    PQfinish(conn);
}

/* The quiet time is a second long, so it is over soon. */
void rot_go_when_quiet(const struct rotate_request *request)
{
    const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
    struct err err = ERR_INIT;

    for (int k = 0; k < 150; k++) {
        if (rot_go(rotate_next, request, 0, &err))
            return;
        assert_int_equal(err.code, ERR_ROTATION_BLOCKED);
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("it is never quiet: %s", err.msg);
}

void rot_next_when_quiet(void)
{
    rot_go_when_quiet(&(struct rotate_request){.folder = NULL});
}
