/* server_lab.c - a primary, its standby, clients that verify, and a pgseal that is killed. */
#include "config.h"

#include "tests/pg/server_lab.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/harness/fail_vfs.h"

static struct demo *start(const struct demo_options *options)
{
    struct err err = ERR_INIT;
    struct demo *demo = demo_start(options, &err);

    if (!demo)
        print_error("demo_start: %s\n", err.msg);
    return demo;
}

int lab_setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options first = {.replicated = true};
    struct demo_options second = {.quiet_roles = true};

    (void)signal(SIGPIPE, SIG_IGN);
    *state = lab;
    lab->db1 = start(&first);
    second.standby_of = lab->db1;
    lab->db2 = lab->db1 ? start(&second) : NULL;
    if (!lab->db2)
        return -1;
    lab->folder = command_box();
    return 0;
}

int lab_teardown(void **state)
{
    struct lab *lab = *state;

    PQfinish(lab->pool);
    demo_free(lab->db2);
    demo_free(lab->db1);
    if (lab->folder)
        command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* ---- small things ---- */

void lab_sh(const char *script)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-ec", script, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s", script, result.err);
    command_clear(&result);
}

void lab_sql(const struct demo *demo, const char *sql)
{
    PGconn *conn = PQconnectdb(demo_admin_conninfo(demo));
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        print_error("%s: %s\n", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    assert_true(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
}

void lab_add_server(const struct demo *demo, const char *name, const char *cluster)
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

/* The standby has the primary's roles and passwords. */
static char *client(const struct lab *lab, const struct demo *demo, const char *root)
{
    return mem_printf(
        "host=127.0.0.1 port=%d dbname=app user=alice password=%s application_name=shop "
        "sslmode=verify-full sslrootcert=%s/%s connect_timeout=10",
        demo_port(demo), demo_password(lab->db1, "alice"), lab->folder, root);
}

int lab_add_client(struct lab *lab, const char *name, const struct demo *demo, const char *root)
{
    char *conninfo = client(lab, demo, root);
    int i = login_loop_add(lab->loop, name, conninfo, LOGIN_IN);

    free(conninfo);
    return i;
}

void lab_change_root(struct lab *lab, int i, const struct demo *demo, const char *root)
{
    char *conninfo = client(lab, demo, root);

    login_loop_change(lab->loop, i, conninfo);
    free(conninfo);
}

void lab_restart(struct lab *lab, struct demo *demo)
{
    struct err err = ERR_INIT;

    login_loop_pause(lab->loop);
    if (!demo_restart(demo, &err))
        fail_msg("%s", err.msg);
    login_loop_resume(lab->loop);
}

void lab_open_pool(struct lab *lab, const char *root)
{
    char *conninfo = client(lab, lab->db1, root);

    PQfinish(lab->pool);
    lab->pool = PQconnectdb(conninfo);
    free(conninfo);
    assert_int_equal(PQstatus(lab->pool), CONNECTION_OK);
}

void lab_restart_all(struct lab *lab, const char *root)
{
    lab_restart(lab, lab->db2);
    lab_restart(lab, lab->db1);
    lab_open_pool(lab, root);
}

void lab_pool_lives(const struct lab *lab)
{
    PGresult *result = PQexec(lab->pool, "SELECT 1");

    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
}

static char *leaf_field(const char *server, const char *field)
{
    json_t *seen = EXPECT_JSON(0, "server", "probe", server, "--json");
    const json_t *leaf = json_array_get(json_object_get(seen, "chain"), 0);
    char *value = mem_strdup(json_string_value(json_object_get(leaf, field)));

    json_decref(seen);
    return value;
}

void lab_shows(const char *server, const char *issuer)
{
    char *seen = leaf_field(server, "issuer");

    assert_string_equal(seen, issuer);
    free(seen);
}

char *lab_leaf(const char *server)
{
    return leaf_field(server, "sha256");
}

void lab_go(const char *way, const char *name, const char *phase)
{
    json_t *seen = EXPECT_JSON(0, "rotate", way, name, "--yes", "--json");

    assert_string_equal(json_string_value(json_object_get(seen, "phase")), phase);
    json_decref(seen);
}

void lab_ahead(const char *way, const char *name, size_t servers, size_t lines, const char *says)
{
    json_t *json = EXPECT_JSON(0, "rotate", way, name, "--dry-run", "--json");
    json_t *would = json_object_get(json, "would");
    char *text = json_dumps(would, 0);
    json_t *row;
    size_t i, with_steps = 0;

    json_array_foreach(json_object_get(would, "servers"), i, row) with_steps +=
        json_array_size(json_object_get(row, "steps")) > 0;
    if (with_steps != servers || json_array_size(json_object_get(would, "lines")) != lines ||
        strstr(text, says) == NULL)
        fail_msg("%s: %s", way, text);
    free(text);
    json_decref(json);
}

/* ---- another pgseal ---- */

struct fuse {
    const struct lab_run *run;
    int left;
    bool its_turn;
};

static void burn(void *arg, const struct plan_step_view *step)
{
    struct fuse *fuse = arg;

    (void)step;
    if (fuse->its_turn && fuse->left > 0 && --fuse->left == 0)
        raise(SIGKILL);
}

static void turn(void *arg, const struct fleet_member *member)
{
    struct fuse *fuse = arg;
    char byte = 0;

    fuse->its_turn = text_equal(fuse->run->server, member->server->name);
    if (!fuse->its_turn || !fuse->run->hold)
        return;
    (void)!write(fuse->run->hold[1], &byte, 1);
    (void)!read(fuse->run->hold[0], &byte, 1);
}

static void turn_ends(void *arg, const struct fleet_member *member)
{
    struct fuse *fuse = arg;

    (void)member;
    if (fuse->its_turn && fuse->run->at == LAB_ENDED)
        raise(SIGKILL);
    fuse->its_turn = false;
}

static ssize_t kill_write(int fd, const void *bytes, size_t len)
{
    (void)fail_vfs_strike();
    return write(fd, bytes, len);
}

static int kill_fsync(int fd)
{
    (void)fail_vfs_strike();
    return fsync(fd);
}

static int kill_link(const char *from, const char *to)
{
    (void)fail_vfs_strike();
    return link(from, to);
}

static int kill_rename(const char *from, const char *to)
{
    (void)fail_vfs_strike();
    return rename(from, to);
}

static int64_t far_off(void)
{
    return (int64_t)time(NULL) + 2 * 3600;
}

static int64_t far_behind(void)
{
    return (int64_t)time(NULL) - 2 * 3600;
}

/* Everything of its own but the servers. */
static enum err_code go(const struct lab_run *run)
{
    static const struct fs_ops killing_ops = {kill_write, kill_fsync, kill_link, kill_rename};
    struct err err = ERR_INIT;
    struct fuse fuse = {.run = run, .left = run->at, .its_turn = run->server == NULL};
    struct plan_watch plan_watch = {.step = burn, .arg = &fuse};
    const struct fleet_watch watch = {
        .member = turn, .ended = turn_ends, .arg = &fuse, .plan = &plan_watch};
    struct rotate_request request = {.watch = &watch, .folder = run->folder};
    struct rotate_outcome outcome;
    struct rotation *rotation;
    struct authority *authority;
    struct store *store;

    if (run->ahead != 0)
        clock_replace(run->ahead > 0 ? far_off : far_behind);
    fail_vfs_install();
    fail_vfs_spare_syncs();
    fail_vfs_count_coarsely();
    store = store_open(getenv("PGSEAL_STORE"), STORE_WRITE, &err);
    rotation = store ? rotation_find(store, run->name, &err) : NULL;
    authority = rotation && run->ca ? authority_load(store, run->ca, &err) : NULL;
    if (authority)
        request.old_key = request.new_key = authority_unlock(store, authority, NULL, &err);
    if (err.code != ERR_NONE)
        return err.code;
    if (run->write > 0 && rotation->phase != run->phase)
        return ERR_NONE; /* the one before was killed as it had entered the next one */
    if (run->write > 0) {
        fs_replace_ops(&killing_ops);
        fail_vfs_arm(run->write, FAIL_KILLED);
    }
    if ((run->back ? rotate_back : rotate_next)(store, rotation, &request, &outcome, &err))
        return ERR_NONE;
    return err.code;
}

struct lab_child lab_begin(struct lab *lab, const struct lab_run *run)
{
    struct lab_child child;
    int said[2];

    assert_int_equal(pipe(said), 0);
    login_loop_pause(lab->loop); /* no lock of a library is held by its thread */
    child.pid = fork();
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        int code = (int)go(run);

        (void)!write(said[1], &code, sizeof(code));
        _exit(0);
    }
    login_loop_resume(lab->loop);
    close(said[1]);
    child.said = said[0];
    return child;
}

int lab_end(struct lab_child child)
{
    int status, code = 0;
    ssize_t got = read(child.said, &code, sizeof(code));

    close(child.said);
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    if (WIFSIGNALED(status))
        return -WTERMSIG(status);
    assert_int_equal(got, sizeof(code));
    return code;
}

int lab_run(struct lab *lab, const struct lab_run *run)
{
    return lab_end(lab_begin(lab, run));
}
