/* A primary and its standby get new certificates, then another CA, then one of somebody else, while
 * clients with verify-full log in all the time: none is refused that has the right trust file. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/rotate/rotate.h"
#include "tests/harness/command.h"
#include "tests/harness/login_loop.h"
#include "tests/pg/need_pg.h"

/* db1 is the primary of "main", db2 its standby. */
struct lab {
    char *folder;
    struct demo *db1, *db2;
    struct login_loop *loop;
    int slow; /* a client that never gets another trust file than the first */
    int quick1, quick2;
    PGconn *pool; /* alice's: open sessions stay, whatever the server shows */
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

static int teardown(void **state)
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

static void sh(const char *script)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-ec", script, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s", script, result.err);
    command_clear(&result);
}

static void add_server(const struct demo *demo, const char *name)
{
    char *conninfo = mem_printf("%s connect_timeout=2", demo_admin_conninfo(demo));
    char *address = mem_printf("127.0.0.1:%d", demo_port(demo));

    free(EXPECT(0, "server", "add", name, conninfo, "--address", address, "--member-of", "main"));
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

static int add_client(struct lab *lab, const char *name, const struct demo *demo, const char *root)
{
    char *conninfo = client(lab, demo, root);
    int i = login_loop_add(lab->loop, name, conninfo, LOGIN_IN);

    free(conninfo);
    return i;
}

static void change_root(struct lab *lab, int i, const struct demo *demo, const char *root)
{
    char *conninfo = client(lab, demo, root);

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

static void open_pool(struct lab *lab, const char *root)
{
    char *conninfo = client(lab, lab->db1, root);

    PQfinish(lab->pool);
    lab->pool = PQconnectdb(conninfo);
    free(conninfo);
    assert_int_equal(PQstatus(lab->pool), CONNECTION_OK);
}

static void pool_lives(const struct lab *lab)
{
    PGresult *result = PQexec(lab->pool, "SELECT 1");

    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
}

/* The subject of the CA behind what a server shows. */
static void shows(const char *server, const char *issuer)
{
    json_t *seen = EXPECT_JSON(0, "server", "probe", server, "--json");
    const json_t *leaf = json_array_get(json_object_get(seen, "chain"), 0);

    assert_string_equal(json_string_value(json_object_get(leaf, "issuer")), issuer);
    json_decref(seen);
}

static char *leaf_of(const char *server)
{
    json_t *seen = EXPECT_JSON(0, "server", "probe", server, "--json");
    const json_t *leaf = json_array_get(json_object_get(seen, "chain"), 0);
    char *sha256 = mem_strdup(json_string_value(json_object_get(leaf, "sha256")));

    json_decref(seen);
    return sha256;
}

/* "next" or "back", which must lead to this phase. */
static void go(const char *way, const char *name, const char *phase)
{
    json_t *seen = EXPECT_JSON(0, "rotate", way, name, "--yes", "--json");

    assert_string_equal(json_string_value(json_object_get(seen, "phase")), phase);
    json_decref(seen);
}

static void next(const char *phase)
{
    go("next", "main", phase);
}

static void back(const char *phase)
{
    go("back", "main", phase);
}

/* ---- killed ---- */

static void burn(void *arg, const struct plan_step_view *step)
{
    int *left = arg;

    (void)step;
    if (--*left == 0)
        raise(SIGKILL);
}

/* Everything of its own but the servers. */
static void next_and_die(const char *ca, int at)
{
    struct err err = ERR_INIT;
    struct plan_watch plan_watch = {.step = burn, .arg = &at};
    const struct fleet_watch watch = {.plan = &plan_watch};
    struct store *store = store_open(getenv("PGSEAL_STORE"), STORE_WRITE, &err);
    struct rotation *rotation = store ? rotation_find(store, "main", &err) : NULL;
    struct authority *authority = rotation ? authority_load(store, ca, &err) : NULL;
    struct key *key = authority ? authority_unlock(store, authority, NULL, &err) : NULL;
    const struct rotate_request request = {.watch = &watch, .old_key = key, .new_key = key};
    struct rotate_outcome outcome;

    if (!key)
        _exit(2);
    _exit(rotate_next(store, rotation, &request, &outcome, &err) ? 0 : 4);
}

static void kill_at(struct lab *lab, const char *ca, int at)
{
    int status;
    pid_t pid;

    login_loop_pause(lab->loop); /* no lock of a library is held by its thread */
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        next_and_die(ca, at);
    login_loop_resume(lab->loop);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* ---- the tests: each goes on where the one before ended ---- */

static void test_before(void **state)
{
    struct lab *lab = *state;

    free(EXPECT(0, "ca", "create", "Servers", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "Servers G2", "--no-passphrase"));
    add_server(lab->db1, "db1");
    add_server(lab->db2, "db2");
    EXPECT_ERROR(1, "PS-2002", "rotate", "server", "main");
    EXPECT_ERROR(1, "PS-2008", "rotate", "server", "nobody");
    free(EXPECT(0, "server", "tls", "main", "--ca", "Servers", "--host", "127.0.0.1", "--host",
                "db.example", "--yes"));
    free(EXPECT(0, "trust", "--ca", "Servers", "--out", "old.crt", "--test", "main"));
    lab->loop = login_loop_start("logins.txt");
    lab->slow = add_client(lab, "slow@db1", lab->db1, "old.crt");
    lab->quick1 = add_client(lab, "quick@db1", lab->db1, "old.crt");
    lab->quick2 = add_client(lab, "quick@db2", lab->db2, "old.crt");
    open_pool(lab, "old.crt");
    login_loop_settle(lab->loop);
}

/* The same CA: nobody notices, whatever happens meanwhile. */
static void test_renew(void **state)
{
    struct lab *lab = *state;
    char *before = leaf_of("db1");
    char *before2 = leaf_of("db2");
    char *after;
    json_t *seen;

    EXPECT_ERROR(2, "already", "rotate", "server", "main", "--to", "Servers");
    free(EXPECT(0, "rotate", "server", "main"));
    EXPECT_ERROR(1, "PS-", "rotate", "server", "main");
    kill_at(lab, "Servers", 3);  /* the standby comes first */
    kill_at(lab, "Servers", 20); /* it has it; the primary is in the middle */
    next("look");
    after = leaf_of("db1");
    assert_string_not_equal(before, after);
    free(after);
    after = leaf_of("db2");
    assert_string_not_equal(before2, after);
    free(after);
    seen = EXPECT_JSON(0, "server", "probe", "db1", "--json"); /* with the names that it had */
    assert_int_equal(
        json_array_size(json_object_get(json_array_get(json_object_get(seen, "chain"), 0), "san")),
        2);
    json_decref(seen);
    pool_lives(lab);
    restart(lab, lab->db1);
    open_pool(lab, "old.crt");
    back("renew");
    after = leaf_of("db1");
    assert_string_equal(before, after);
    free(after);
    after = leaf_of("db2");
    assert_string_equal(before2, after);
    free(after);
    next("look");
    free(EXPECT(0, "rotate", "next", "main", "--yes"));
    EXPECT_ERROR(1, "PS-", "rotate", "next", "main", "--yes");
    shows("db1", "CN=Servers");
    login_loop_settle(lab->loop);
    free(before);
    free(before2);
}

/* Another CA of ours, with ways back from each phase. */
static void test_other_ca(void **state)
{
    struct lab *lab = *state;
    char *text;

    free(EXPECT(0, "rotate", "server", "main", "--to", "Servers G2"));
    next("files");
    text = EXPECT(0, "rotate", "stragglers", "main");
    assert_non_null(strstr(text, "alice"));
    assert_non_null(strstr(text, "shop"));
    free(text);
    back("who");
    next("files");
    restart(lab, lab->db2);
    EXPECT_ERROR(2, "--out", "rotate", "next", "main", "--yes");
    /* a truststore of this name that somebody else left there is not handed out */
    sh("mkdir -m 700 trust; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
       "-keyout thief.key -out thief.crt -subj /CN=Thief -days 9 2>/dev/null\n"
       "openssl pkcs12 -export -nokeys -in thief.crt -passout pass:changeit "
       "-out trust/main-both.p12\n");
    EXPECT_ERROR(1, "with something else", "rotate", "next", "main", "--out", "trust", "--yes");
    sh("rm trust/main-both.p12");
    free(EXPECT(0, "rotate", "next", "main", "--out", "trust", "--yes"));
    sh("[ $(grep -c BEGIN trust/main-both.crt) = 2 ]\n"
       "openssl pkcs12 -in trust/main-both.p12 -passin pass:changeit -nokeys | "
       "grep -c friendlyName | grep -qx 2\n");
    back("files");
    next("hand"); /* the file is there */
    back("files");
    sh("rm trust/main-both.crt");
    next("hand"); /* the truststore is there, with the same in it */
    sh("[ $(grep -c BEGIN trust/main-both.crt) = 2 ]\n");
    EXPECT_ERROR(1, "1 roles of the list have not got", "rotate", "next", "main", "--yes");
    change_root(lab, lab->quick1, lab->db1, "trust/main-both.crt");
    change_root(lab, lab->quick2, lab->db2, "trust/main-both.crt");
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "mark", "main", "alice", "--handed"));
    next("switch");
    back("hand");
    next("switch");

    /* who has the old one alone is refused from now on: that is what the phases before are for */
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    kill_at(lab, "Servers G2", 6);
    kill_at(lab, "Servers G2", 24);
    next("clean");
    shows("db1", "CN=Servers G2");
    shows("db2", "CN=Servers G2");
    login_loop_expect(lab->loop, lab->slow, LOGIN_REFUSED);
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    pool_lives(lab);
    restart(lab, lab->db1);
    back("switch");
    shows("db1", "CN=Servers");
    shows("db2", "CN=Servers");
    login_loop_expect(lab->loop, lab->slow, LOGIN_IN);
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    next("clean");
    free(EXPECT(0, "rotate", "next", "main", "--yes"));
    sh("[ $(grep -c BEGIN trust/main-new.crt) = 1 ]\n");
    change_root(lab, lab->quick1, lab->db1, "trust/main-new.crt");
    change_root(lab, lab->quick2, lab->db2, "trust/main-new.crt");
    change_root(lab, lab->slow, lab->db1, "trust/main-new.crt");
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->slow, LOGIN_IN);
    login_loop_settle(lab->loop);
}

/* From ours to somebody else's: the key is made on the server, the CA signs the request. */
static void test_foreign(void **state)
{
    struct lab *lab = *state;

    sh("ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
       "openssl req -x509 $ec -keyout foreign.key -out foreign.crt -subj '/CN=Foreign' -days 99\n"
       "printf 'extendedKeyUsage=serverAuth\\nsubjectAltName=IP:127.0.0.1\\n' > server.ext\n");
    open_pool(lab, "trust/main-new.crt"); /* seen whenever it is looked */
    free(EXPECT(0, "rotate", "server", "db1", "--to-file", "foreign.crt"));
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    free(EXPECT(0, "rotate", "next", "db1", "--out", "trust", "--yes"));
    change_root(lab, lab->quick1, lab->db1, "trust/db1-both.crt");
    change_root(lab, lab->slow, lab->db1, "trust/db1-both.crt");
    free(EXPECT(0, "rotate", "next", "db1", "--accept-left", "1", "--yes"));
    EXPECT_ERROR(1, "--csr-out", "rotate", "next", "db1", "--yes");
    free(EXPECT(0, "server", "tls", "db1", "--csr-out", "db1.csr", "--yes"));
    sh("openssl x509 -req -in db1.csr -CA foreign.crt -CAkey foreign.key -CAcreateserial -days 60 "
       "-extfile server.ext -out db1.crt\n");
    free(EXPECT(0, "rotate", "next", "db1", "--cert", "db1.crt", "--yes"));
    shows("db1", "CN=Foreign");
    free(EXPECT(0, "rotate", "back", "db1", "--yes"));
    shows("db1", "CN=Servers G2");
    free(EXPECT(0, "rotate", "next", "db1", "--cert", "db1.crt", "--yes"));
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    login_loop_settle(lab->loop);
    EXPECT_ERROR(1, "PS-4010", "rotate", "server", "db1"); /* not ours any more */
}

/* A managed one: its provider changes the certificate, everything else is the same. */
static void test_managed(void **state)
{
    struct lab *lab = *state;
    char *address = mem_printf("127.0.0.1:%d", demo_port(lab->db1));

    free(EXPECT(0, "server", "add", "rds", demo_admin_conninfo(lab->db1), "--address", address,
                "--provider", "aurora"));
    free(address);
    free(EXPECT(0, "rotate", "server", "rds", "--to", "Servers", "--old-file", "foreign.crt"));
    EXPECT_ERROR(1, "is being rotated already", "rotate", "server", "rds", "--to", "Servers");
    free(EXPECT(0, "rotate", "next", "rds", "--yes"));
    free(EXPECT(0, "rotate", "next", "rds", "--out", "trust", "--yes"));
    change_root(lab, lab->quick1, lab->db1, "trust/rds-both.crt");
    change_root(lab, lab->slow, lab->db1, "trust/rds-both.crt");
    free(EXPECT(0, "rotate", "mark", "rds", "alice", "--handed"));
    free(EXPECT(0, "rotate", "next", "rds", "--yes"));
    EXPECT_ERROR(1, "at its provider", "rotate", "next", "rds", "--yes");
    login_loop_settle(lab->loop);
    free(EXPECT(0, "server", "tls", "db1", "--ca", "Servers", "--yes")); /* the provider */
    free(EXPECT(0, "rotate", "next", "rds", "--yes"));
    free(EXPECT(0, "rotate", "next", "rds", "--yes"));
    login_loop_settle(lab->loop);
}

/* Called after a CA: all servers that show a certificate of it; the new one is made on the way. */
static void test_generation(void **state)
{
    struct lab *lab = *state;
    json_t *status;

    free(EXPECT(0, "server", "remove", "rds", "--confirm", "rds", "--yes"));
    EXPECT_ERROR(2, "not of the CA", "rotate", "server", "Servers", "--server", "main");
    free(EXPECT(0, "rotate", "server", "Servers"));
    status = EXPECT_JSON(0, "rotate", "status", "Servers", "--json");
    assert_int_equal(json_array_size(json_object_get(status, "servers")), 1);
    json_decref(status);
    free(EXPECT(0, "rotate", "next", "Servers", "--yes"));
    free(EXPECT(0, "rotate", "next", "Servers", "--no-passphrase", "--out", "trust", "--yes"));
    change_root(lab, lab->quick1, lab->db1, "trust/Servers-both.crt");
    change_root(lab, lab->slow, lab->db1, "trust/Servers-both.crt");
    free(EXPECT(0, "rotate", "next", "Servers", "--accept-left", "1", "--yes"));
    free(EXPECT(0, "rotate", "next", "Servers", "--yes"));
    shows("db1", "CN=Servers G3");
    shows("db2", "CN=Servers G2");
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "back", "Servers", "--yes"));
    for (int i = 0; i < 4; i++) /* to the very begin */
        free(EXPECT(0, "rotate", "back", "Servers", "--yes"));
    shows("db1", "CN=Servers");
    EXPECT_ERROR(1, "PS-", "rotate", "back", "Servers", "--yes");
    /* the standby is of another CA: a renewal leaves it so */
    free(EXPECT(0, "rotate", "server", "main"));
    EXPECT_ERROR(5, "of another CA", "rotate", "next", "main", "--yes");
    shows("db2", "CN=Servers G2");
    free(EXPECT(0, "rotate", "back", "main", "--yes"));
    login_loop_settle(lab->loop);
}

/* The self-signed certificate of many a tutorial is its own CA. */
static void test_self_signed(void **state)
{
    struct lab *lab = *state;

    sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.crt -subj /CN=self "
       "-days 30 -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE\n"
       "chmod 600 self.key\n");
    login_loop_expect(lab->loop, lab->quick1, LOGIN_EITHER);
    login_loop_expect(lab->loop, lab->slow, LOGIN_EITHER);
    free(EXPECT(0, "server", "tls", "db1", "--cert", "self.crt", "--key", "self.key", "--yes"));
    change_root(lab, lab->quick1, lab->db1, "self.crt");
    login_loop_settle(lab->loop);
    login_loop_expect(lab->loop, lab->quick1, LOGIN_IN);
    free(EXPECT(0, "rotate", "server", "db1", "--to", "Servers"));
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    free(EXPECT(0, "rotate", "next", "db1", "--out", "self", "--yes"));
    change_root(lab, lab->quick1, lab->db1, "self/db1-both.crt");
    login_loop_settle(lab->loop);
    free(EXPECT(0, "rotate", "next", "db1", "--accept-left", "1", "--yes"));
    free(EXPECT(0, "rotate", "next", "db1", "--yes"));
    shows("db1", "CN=Servers");
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before),      cmocka_unit_test(test_renew),
        cmocka_unit_test(test_other_ca),    cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_managed),     cmocka_unit_test(test_generation),
        cmocka_unit_test(test_self_signed), cmocka_unit_test(test_end),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
