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
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/demo/demo.h"
#include "core/rotate/rotate.h"
#include "core/store/foreign.h"
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"

#define N_SERVERS 2
#define KILL_STEP 13 /* every so many reports: the time of it all is bounded */

struct lab {
    char *folder;
    struct demo *demos[N_SERVERS];
};

static const char *const servers[N_SERVERS] = {"db1", "db2"};

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

static int setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
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

static int teardown(void **state)
{
    struct lab *lab = *state;

    for (size_t i = 0; i < N_SERVERS; i++)
        demo_free(lab->demos[i]);
    if (lab->folder)
        command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* ---- clients ---- */

static PGconn *log_in(const struct lab *lab, size_t i, const char *role, const char *folder)
{
    char *conninfo =
        mem_printf("host=127.0.0.1 port=%d dbname=app user=%s sslmode=require sslcert=%s/%s.crt"
                   " sslkey=%s/%s.key connect_timeout=10",
                   demo_port(lab->demos[i]), role, folder, role, folder, role);
    PGconn *conn = PQconnectdb(conninfo);

    free(conninfo);
    return conn;
}

static bool gets_in(const struct lab *lab, size_t i, const char *role, const char *folder)
{
    PGconn *conn = log_in(lab, i, role, folder);
    bool in = PQstatus(conn) == CONNECTION_OK;

    PQfinish(conn);
    return in;
}

static void expect_all(const struct lab *lab, const char *role, const char *folder, bool in)
{
    for (size_t i = 0; i < N_SERVERS; i++) {
        if (gets_in(lab, i, role, folder) != in)
            fail_msg("%s with %s at %s: %s", role, folder, servers[i],
                     in ? "refused" : "it got in");
    }
}

/* ---- rotations, without a command ---- */

static struct store *open_store(void)
{
    struct err err = ERR_INIT;
    struct store *store = store_open(getenv("PGSEAL_STORE"), STORE_WRITE, &err);

    must(store != NULL, &err);
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

typedef bool (*rotate_move)(struct store *, struct rotation *, const struct rotate_request *,
                            struct rotate_outcome *, struct err *);

/* at 0: never killed. */
static bool go(rotate_move move, const struct rotate_request *given, int at, struct err *err)
{
    struct fuse fuse = {.left = at};
    const struct plan_watch plan_watch = {.step = burn, .arg = &fuse};
    const struct fleet_watch watch = {.plan = &plan_watch};
    struct rotate_request request = *given;
    struct rotate_outcome outcome = {.from = 0};
    struct store *store = open_store();
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
static bool go_in_child(rotate_move move, const struct rotate_request *request, int at)
{
    struct err err = ERR_INIT;
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(go(move, request, at, &err) ? 0 : 1);
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
static void go_killed(const struct lab *lab, rotate_move move, const struct rotate_request *request,
                      const char *folder)
{
    int kills = 0;

    while (!go_in_child(move, request, 1 + kills * KILL_STEP)) {
        kills++;
        expect_all(lab, "bob", folder, true);
    }
    assert_true(kills > 2);
}

static void next(const struct rotate_request *request)
{
    struct err err = ERR_INIT;

    must(go(rotate_next, request, 0, &err), &err);
}

static void next_fails(const struct rotate_request *request, enum err_code code)
{
    struct err err = ERR_INIT;

    assert_false(go(rotate_next, request, 0, &err));
    if (err.code != code)
        fail_msg("PS-%d %s, not PS-%d", (int)err.code, err.msg, (int)code);
}

static void back(void)
{
    const struct rotate_request request = {.folder = NULL};
    struct err err = ERR_INIT;

    must(go(rotate_back, &request, 0, &err), &err);
}

static void expect_phase(const char *key)
{
    struct err err = ERR_INIT;
    struct store *store = open_store();
    struct rotation *rotation = rotation_find(store, NULL, &err);

    must(rotation != NULL, &err);
    assert_string_equal(rotate_phase(rotation->kind, (size_t)rotation->phase)->key, key);
    rotation_free(rotation);
    store_close(store);
}

/* As measured now, by a command: "old", "new", "reached", "done". */
static bool server_is(const char *server, const char *what)
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

static void expect_trust(bool old, bool fresh)
{
    for (size_t i = 0; i < N_SERVERS; i++) {
        assert_int_equal(server_is(servers[i], "old"), old);
        assert_int_equal(server_is(servers[i], "new"), fresh);
    }
}

/* What the next act would do, as --dry-run says it. The caller json_decref()s. */
static json_t *look_ahead(void)
{
    json_t *json = EXPECT_JSON(0, "rotate", "next", "--dry-run", "--json");
    json_t *would = json_incref(json_object_get(json, "would"));

    json_decref(json);
    assert_non_null(would);
    return would;
}

static void expect_ahead(size_t steps_at, size_t refused, const char *role)
{
    json_t *would = look_ahead();
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
        assert_string_equal(json_string_value(json_object_get(row, "role")), role);
        assert_non_null(json_string_value(json_object_get(row, "server")));
    }
    json_decref(would);
}

/* Somebody uses the old one there now. */
static bool is_left(const char *server, const char *role)
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
static char *ask(const struct lab *lab, size_t i, const char *sql)
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
static void trust_by_hand(const struct lab *lab, size_t i, const char *const *cas, size_t n)
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
    id = ask(lab, i, sql);
    free(sql);
    file = mem_printf("by-hand-%s.crt", id);
    sql = mem_printf("SELECT lo_export(%s, '%s')", id, file);
    free(ask(lab, i, sql));
    free(sql);
    sql = mem_printf("ALTER SYSTEM SET ssl_ca_file = '%s'", file);
    free(ask(lab, i, sql));
    free(ask(lab, i, "SELECT pg_reload_conf()"));
    free(sql);
    free(file);
    free(id);
    strbuf_clear(&pem);
}

/* Loaded: this login is as it should be then. */
static void wait_for(const struct lab *lab, size_t i, const char *folder, bool in)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    for (int k = 0; k < 500 && gets_in(lab, i, "alice", folder) != in; k++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(gets_in(lab, i, "alice", folder), in);
}

/* How many lists of revoked certificates it has. */
static void expect_lists(const struct lab *lab, size_t i, const char *n)
{
    char *found = ask(lab, i,
                      "SELECT count(*) FROM regexp_matches(pg_read_file(current_setting("
                      "'ssl_crl_file')), 'BEGIN X509 CRL', 'g')");

    assert_string_equal(found, n);
    free(found);
}

/* Of "rotate status": how many notices, and the first says so. */
static void expect_notices(size_t n, const char *says)
{
    json_t *json = EXPECT_JSON(0, "rotate", "status", "--json");
    json_t *list =
        json_object_get(json_array_get(json_object_get(json, "rotations"), 0), "notices");

    assert_int_equal(json_array_size(list), n);
    if (n > 0)
        assert_non_null(strstr(json_string_value(json_array_get(list, 0)), says));
    json_decref(json);
}

static void stop_server(const struct lab *lab, size_t i)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    assert_int_equal(kill(demo_pid(lab->demos[i]), SIGINT), 0);
    for (int k = 0; k < 1000 && gets_in(lab, i, "bob", "new/bob"); k++)
        (void)nanosleep(&pause, NULL);
}

static void start_server(const struct lab *lab, size_t i)
{
    struct err err = ERR_INIT;

    must(demo_restart(lab->demos[i], &err), &err);
}

/* What the panel would have seen: the new certificate in use. */
static void be_seen(const struct lab *lab, const char *role, const char *folder)
{
    PGconn *conn = log_in(lab, 0, role, folder);

    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    free(EXPECT(0, "rotate", "stragglers"));
    PQfinish(conn);
}

/* The quiet time is a second long, so it is over soon. */
static void next_when_quiet(void)
{
    const struct rotate_request request = {.folder = NULL};
    const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
    struct err err = ERR_INIT;

    for (int k = 0; k < 150; k++) {
        if (go(rotate_next, &request, 0, &err))
            return;
        assert_int_equal(err.code, ERR_ROTATION_BLOCKED);
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("it is never quiet: %s", err.msg);
}

/* ---- the tests: one rotation after the other ---- */

static void test_before(void **state)
{
    struct lab *lab = *state;

    free(EXPECT(0, "ca", "create", "Old", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "Server CA", "--no-passphrase"));
    for (size_t i = 0; i < N_SERVERS; i++) {
        char *address = mem_printf("127.0.0.1:%d", demo_port(lab->demos[i]));

        free(EXPECT(0, "server", "add", servers[i], demo_admin_conninfo(lab->demos[i]), "--address",
                    address));
        free(EXPECT(0, "server", "tls", servers[i], "--ca", "Server CA", "--host", "127.0.0.1",
                    "--yes"));
        free(EXPECT(0, "server", "trust", servers[i], "--ca", "Old", "--yes"));
        free(EXPECT(0, "server", "require", servers[i], "--database", "app", "--role", "alice",
                    "--role", "bob", "--from", "127.0.0.1/32", "--yes"));
        free(address);
    }
    free(EXPECT(0, "issue", "client", "alice", "--ca", "Old", "--out", "old/alice"));
    free(EXPECT(0, "issue", "client", "bob", "--ca", "Old", "--out", "old/bob"));
    expect_all(lab, "bob", "old/bob", true);
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
    free(EXPECT(0, "rotate", "ca", "Old", "--quiet-time", "1m", "--dry-run"));
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "next");
    free(EXPECT(0, "rotate", "ca", "Old", "--quiet-time", "1m"));
    EXPECT_ERROR(1, "under way already", "rotate", "ca", "Old");
    EXPECT_ERROR(2, "passphrase", "rotate", "next", "--no-input");
    would = look_ahead();
    assert_non_null(strstr(json_string_value(json_array_get(json_object_get(would, "lines"), 0)),
                           "\"Old G2\""));
    json_decref(would);

    store = open_store();
    rotation = rotation_find(store, NULL, &err);
    must(rotation != NULL, &err);
    free(rotation->options);
    rotation->options = mem_strdup("{\"generation\":\"Old G2\"}");
    rotation->quiet_seconds = 1;
    must(rotation_save(store, rotation, "as a run that was killed left it", &err), &err);
    made = authority_create(store, &spec, &err);
    must(made != NULL, &err);
    rotation_free(rotation);
    store_close(store);
    next(&request);
    expect_phase("trust");
    store = open_store();
    rotation = rotation_find(store, "Old", &err);
    must(rotation != NULL, &err);
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
    struct store *store = open_store();
    struct rotation *rotation = rotation_find(store, NULL, &err);
    char *path = mem_printf("%s/rotate.lock", getenv("PGSEAL_STORE"));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open(path, O_RDWR | O_CLOEXEC);

    (void)state;
    must(rotation != NULL, &err);
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
    expect_phase("trust");
    expect_trust(true, false);
}

/* Nobody is refused at any moment of it, and the way back leaves nothing behind. */
static void test_trust(void **state)
{
    struct lab *lab = *state;
    const struct rotate_request request = {.folder = NULL};
    char *text;

    expect_ahead(N_SERVERS, 0, NULL);
    expect_phase("trust");
    expect_trust(true, false);
    go_killed(lab, rotate_next, &request, "old/bob");
    expect_phase("move");
    expect_trust(true, true);
    back(); /* nothing to do on a server */
    expect_phase("trust");
    go_killed(lab, rotate_back, &request, "old/bob");
    expect_phase("generation");
    expect_trust(true, false);
    next(&request);

    stop_server(lab, 1);
    next_fails(&request, ERR_MEMBER_MISSED);
    expect_phase("trust");
    assert_true(server_is("db1", "new"));
    assert_false(server_is("db2", "reached"));
    EXPECT_ERROR(5, "db2", "rotate", "next", "--yes");
    text = EXPECT(6, "check");
    assert_non_null(strstr(text, "the rotation of \"Old\" waits for the server \"db2\""));
    free(text);
    start_server(lab, 1);
    next(&request);
    expect_phase("move");
    expect_trust(true, true);
    text = EXPECT(0, "check");
    assert_non_null(strstr(text, "in phase \"move\""));
    free(text);
}

static void test_move(void **state)
{
    struct lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};
    const char *just_new = "Old G2";
    PGconn *pool;
    json_t *would;
    char *text;

    would = look_ahead();
    assert_int_equal(json_array_size(json_object_get(would, "kits")), 2);
    json_decref(would);
    EXPECT_ERROR(2, "--out", "rotate", "next", "--no-input");
    text = EXPECT(0, "rotate", "next", "--out", "new");
    assert_non_null(strstr(text, "made 2 certificates"));
    free(text);
    expect_all(lab, "bob", "old/bob", true);
    expect_all(lab, "bob", "new/bob", true);
    expect_phase("watch");
    back();
    expect_phase("move");
    next(&nothing); /* the kits are there */
    expect_phase("watch");

    /* somebody does not wait: the rotation says so, and waits for the others */
    expect_notices(0, NULL);
    trust_by_hand(lab, 0, &just_new, 1);
    wait_for(lab, 0, "old/alice", false);
    expect_notices(1, "\"db1\" does not trust \"Old\" any more");
    free(EXPECT(0, "server", "trust", "db1", "--ca", "Old", "--yes"));
    expect_all(lab, "alice", "old/alice", true);
    expect_notices(0, NULL);

    pool = log_in(lab, 1, "alice", "old/alice");
    assert_int_equal(PQstatus(pool), CONNECTION_OK);
    next_fails(&nothing, ERR_ROTATION_BLOCKED);
    assert_true(is_left("db2", "alice"));
    be_seen(lab, "bob", "new/bob");
    EXPECT_ERROR(1, "is open", "rotate", "next");
    PQfinish(pool);
    EXPECT_ERROR(2, "not on the list", "rotate", "mark", "Old", "carol", "--handed");
    free(EXPECT(0, "rotate", "mark", "Old", "alice", "--without"));
    next_when_quiet();
    expect_phase("retire");
}

static void test_retire(void **state)
{
    struct lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};
    struct rotate_request accepting = {.accepts_refused = true, .accept_refused = 1};
    const char *just_new = "Old G2";
    PGconn *pool = log_in(lab, 0, "alice", "old/alice");

    char *text;

    assert_int_equal(PQstatus(pool), CONNECTION_OK);
    expect_ahead(N_SERVERS, 1, "alice");
    text = EXPECT(0, "rotate", "next", "--dry-run");
    assert_non_null(strstr(text, "goes on with --accept-refused=1"));
    free(text);
    next_fails(&nothing, ERR_WOULD_LOCK_OUT);
    accepting.accept_refused = 2;
    next_fails(&accepting, ERR_WOULD_LOCK_OUT);
    expect_all(lab, "alice", "old/alice", true);
    accepting.accept_refused = 1;
    accepting.end_sessions = true;
    next(&accepting);
    expect_phase("key");
    PQclear(PQexec(pool, "SELECT 1"));
    assert_int_equal(PQstatus(pool), CONNECTION_BAD);
    PQfinish(pool);
    expect_trust(false, true);
    expect_all(lab, "alice", "old/alice", false);
    expect_all(lab, "alice", "new/alice", true);

    back(); /* the old ones get in again */
    expect_phase("retire");
    expect_all(lab, "alice", "old/alice", true);
    trust_by_hand(lab, 1, &just_new, 1); /* taken away there before we come */
    wait_for(lab, 1, "old/alice", false);
    expect_lists(lab, 1, "2");
    go_killed(lab, rotate_next, &nothing, "new/bob");
    expect_all(lab, "alice", "old/alice", false);
    expect_lists(lab, 0, "1");
    expect_lists(lab, 1, "1");
    back();
    back();
    expect_phase("watch");
    next_when_quiet();

    stop_server(lab, 1);
    next_fails(&nothing, ERR_MEMBER_MISSED);
    expect_phase("retire");
    assert_false(gets_in(lab, 0, "alice", "old/alice"));
    start_server(lab, 1);
    assert_true(gets_in(lab, 1, "alice", "old/alice"));
    next(&nothing);
    expect_all(lab, "alice", "old/alice", false);
    expect_all(lab, "bob", "new/bob", true);
}

static void test_key(void **state)
{
    static const char *const both[] = {"Old G2", "Old"};
    struct lab *lab = *state;
    char *text;

    EXPECT_ERROR(2, "finish", "rotate", "next");
    /* somebody gave it back: a key that a server believes is not thrown away */
    trust_by_hand(lab, 0, both, 2);
    for (int k = 0; k < 500 && !server_is("db1", "old"); k++)
        ;
    EXPECT_ERROR(1, "\"db1\" shows \"Old\" on the wire", "rotate", "finish", "--archive",
                 "early.key", "--confirm", "Old");
    assert_int_equal(access("early.key", F_OK), -1);
    free(EXPECT(0, "server", "untrust", "db1", "--ca", "Old", "--yes"));
    expect_trust(false, true);
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

/* Another CA's clients move to ours; its books are elsewhere, so the sightings make the list. */
static void test_foreign(void **state)
{
    struct lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};
    const struct rotate_request accepting = {.accept_left = 1};
    char *store = mem_strdup(getenv("PGSEAL_STORE"));
    PGconn *pool;

    assert_int_equal(setenv("PGSEAL_STORE", "partner-store", 1), 0);
    free(EXPECT(0, "ca", "create", "Partner", "--no-passphrase"));
    free(EXPECT(0, "ca", "export", "Partner", "--out", "partner.pem"));
    free(EXPECT(0, "crl", "export", "--out", "partner.crl"));
    free(EXPECT(0, "issue", "client", "alice", "--out", "partner/alice"));
    assert_int_equal(setenv("PGSEAL_STORE", store, 1), 0);
    free(store);
    free(EXPECT(0, "server", "trust", "db1", "--paste", "partner.pem", "--crl", "partner.crl",
                "--yes"));
    assert_true(gets_in(lab, 0, "alice", "partner/alice"));

    free(EXPECT(0, "rotate", "ca", "--old-file", "partner.pem", "--to", "Old G2", "--quiet-time",
                "1m"));
    {
        struct err err = ERR_INIT;
        struct store *open = open_store();
        struct rotation *rotation = rotation_find(open, "Partner", &err);

        must(rotation != NULL, &err);
        rotation->quiet_seconds = 1;
        must(rotation_save(open, rotation, "a short test", &err), &err);
        rotation_free(rotation);
        store_close(open);
    }
    next(&nothing);
    next(&nothing);
    expect_phase("move");
    pool = log_in(lab, 0, "alice", "partner/alice");
    assert_int_equal(PQstatus(pool), CONNECTION_OK);
    free(EXPECT(0, "rotate", "stragglers"));
    PQfinish(pool);
    next(&nothing); /* alice has a certificate of ours already */
    expect_phase("watch");
    {
        const struct timespec pause = {.tv_nsec = 200 * 1000 * 1000};
        struct err err = ERR_INIT;
        int k = 0;

        while (!go(rotate_next, &accepting, 0, &err) && k++ < 150)
            (void)nanosleep(&pause, NULL);
        assert_true(k < 150);
    }
    next(&nothing);
    assert_false(gets_in(lab, 0, "alice", "partner/alice"));
    expect_all(lab, "bob", "new/bob", true); /* and nobody else's trust went */
    back();
    assert_true(gets_in(lab, 0, "alice", "partner/alice"));
    next(&nothing);
    next(&nothing); /* its key was never ours */
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "next");
}

static void test_life(void **state)
{
    struct lab *lab = *state;
    char *text;

    free(EXPECT(0, "rotate", "ca", "Old G2", "--same-key"));
    text = EXPECT(0, "rotate", "next");
    assert_non_null(strstr(text, "\"bring\""));
    free(text);
    stop_server(lab, 0);
    EXPECT_ERROR(5, "db1", "rotate", "next", "--yes");
    start_server(lab, 0);
    free(EXPECT(0, "rotate", "next", "--yes"));
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "next");
    expect_all(lab, "bob", "new/bob", true);
    free(EXPECT(0, "crl", "refresh", "--yes"));
    expect_all(lab, "bob", "new/bob", true);
}

/* Two admins in the same minute, who both know the phase: one does it, the other is told. */
static void two_at_once(void)
{
    const struct rotate_request request = {.folder = NULL};
    struct err err = ERR_INIT;
    int go_on[2], status, done = 0;
    pid_t pids[2];

    assert_int_equal(pipe(go_on), 0);
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            struct rotate_outcome outcome = {.from = 0};
            struct store *store = open_store();
            struct rotation *rotation = rotation_find(store, NULL, &err);
            char byte;

            close(go_on[1]);
            if (!rotation || read(go_on[0], &byte, 1) != 0)
                _exit(3);
            _exit(rotate_next(store, rotation, &request, &outcome, &err) ? 0
                  : err.code == ERR_ROTATION_MOVED                       ? 1
                                                                         : 2);
        }
    }
    close(go_on[0]);
    close(go_on[1]);
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        done += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(done, 1);
}

static void test_emergency(void **state)
{
    struct lab *lab = *state;
    PGconn *pool = log_in(lab, 0, "bob", "new/bob");
    json_t *json;
    char *text;

    assert_int_equal(PQstatus(pool), CONNECTION_OK);
    free(EXPECT(0, "rotate", "emergency", "Old G2"));
    free(EXPECT(0, "rotate", "next", "--no-passphrase"));
    free(EXPECT(0, "rotate", "next", "--out", "safe"));
    /* it has the old one alone, and both changes count */
    expect_ahead(N_SERVERS, 1, "bob");
    expect_all(lab, "bob", "safe/bob", false);
    stop_server(lab, 1);
    json = look_ahead();
    text = json_dumps(json_object_get(json, "servers"), 0);
    assert_non_null(strstr(text, "\"reached\": false"));
    free(text);
    assert_int_equal(json_integer_value(json_object_get(json, "accept_refused")), 1);
    json_decref(json);
    EXPECT_ERROR(1, "--accept-refused=1", "rotate", "next", "--yes");
    assert_true(gets_in(lab, 0, "bob", "new/bob"));
    EXPECT_ERROR(5, "db2", "rotate", "next", "--yes", "--accept-refused=1");
    assert_false(gets_in(lab, 0, "bob", "new/bob"));
    assert_true(gets_in(lab, 0, "bob", "safe/bob"));
    PQclear(PQexec(pool, "SELECT 1"));
    assert_int_equal(PQstatus(pool), CONNECTION_BAD);
    PQfinish(pool);
    json = EXPECT_JSON(0, "rotate", "status", "Old G2", "--json");
    assert_non_null(strstr(json_string_value(json_array_get(json_object_get(json, "blockers"), 0)),
                           "stolen key"));
    json_decref(json);

    start_server(lab, 1);
    assert_true(gets_in(lab, 1, "bob", "new/bob"));
    two_at_once();
    expect_phase("key");
    expect_all(lab, "bob", "new/bob", false);
    expect_all(lab, "bob", "safe/bob", true);
    free(EXPECT(0, "rotate", "finish", "--destroy", "--confirm", "Old G2"));
    text = EXPECT(0, "rotate", "status", "--all");
    assert_non_null(strstr(text, "done on"));
    free(text);
    free(EXPECT(0, "fsck"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),     cmocka_unit_test(test_generation),
        cmocka_unit_test(test_two_admins), cmocka_unit_test(test_trust),
        cmocka_unit_test(test_move),       cmocka_unit_test(test_retire),
        cmocka_unit_test(test_key),        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_life),       cmocka_unit_test(test_emergency),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
