/* rotate_ways.c - rotations of a client CA that are not ours, or in a hurry. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "tests/pg/rotate_box.h"

/* A CA whose books are elsewhere: FILE.pem, FILE.crl, and a client of it in FILE/ROLE. */
static void make_stranger(const char *name, const char *file, const char *role)
{
    char *ours = mem_strdup(getenv("PGSEAL_STORE"));
    char *store = mem_printf("%s-store", file);
    char *pem = mem_printf("%s.pem", file);
    char *crl = mem_printf("%s.crl", file);
    char *kit = mem_printf("%s/%s", file, role);

    assert_int_equal(setenv("PGSEAL_STORE", store, 1), 0);
    free(EXPECT(0, "ca", "create", name, "--no-passphrase"));
    free(EXPECT(0, "ca", "export", name, "--out", pem));
    free(EXPECT(0, "crl", "export", "--out", crl));
    free(EXPECT(0, "issue", "client", role, "--out", kit));
    assert_int_equal(setenv("PGSEAL_STORE", ours, 1), 0);
    free(ours);
    free(store);
    free(pem);
    free(crl);
    free(kit);
}

/* Another CA's clients move to ours; its books are elsewhere, so the sightings make the list. */
void test_foreign(void **state)
{
    struct rot_lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};
    const struct rotate_request accepting = {.accept_left = 1};
    PGconn *pool;

    make_stranger("Partner", "partner", "alice");
    free(EXPECT(0, "server", "trust", "db1", "--paste", "partner.pem", "--crl", "partner.crl",
                "--yes"));
    assert_true(rot_gets_in(lab, 0, "alice", "partner/alice"));

    free(EXPECT(0, "rotate", "ca", "--old-file", "partner.pem", "--to", "Old G2", "--quiet-time",
                "1m"));
    rot_set_quiet_time(1);
    rot_next(&nothing);
    rot_next(&nothing);
    rot_expect_phase("move");
    pool = rot_log_in(lab, 0, "alice", "partner/alice");
    assert_int_equal(PQstatus(pool), CONNECTION_OK);
    free(EXPECT(0, "rotate", "stragglers"));
    PQfinish(pool);
    rot_next(&nothing); /* alice has a certificate of ours already */
    rot_expect_phase("watch");
    rot_go_when_quiet(&accepting);
    rot_expect_lists(lab, 0, "2");
    rot_start_server(lab, 0); /* again, with what the other CA gave it */
    rot_next(&nothing);
    rot_start_server(lab, 0);
    assert_false(rot_gets_in(lab, 0, "alice", "partner/alice"));
    rot_expect_lists(lab, 0, "1");
    rot_expect_all(lab, "bob", "new/bob", true); /* and nobody else's trust went */
    rot_back();
    assert_true(rot_gets_in(lab, 0, "alice", "partner/alice"));
    rot_next(&nothing);
    rot_next(&nothing); /* its key was never ours */
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "next");
}

/* Ours go over to another CA, whose certificates we do not make; then all the way back. */
void test_foreign_new(void **state)
{
    struct rot_lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};
    const struct rotate_request accepting = {.accept_left = 1};
    PGconn *pool;

    make_stranger("Corp", "corp", "bob");
    free(EXPECT(0, "rotate", "ca", "Old G2", "--to-file", "corp.pem", "--crl", "corp.crl",
                "--quiet-time", "1m"));
    rot_set_quiet_time(1);
    rot_next(&nothing); /* it is there */
    rot_expect_phase("trust");
    rot_next(&nothing);
    rot_expect_all(lab, "bob", "corp/bob", true);
    rot_expect_all(lab, "bob", "new/bob", true);
    rot_expect_phase("move");
    rot_next(&nothing); /* kits are its own business */
    rot_expect_phase("watch");
    rot_next_fails(&accepting, ERR_ROTATION_BLOCKED);
    pool = rot_log_in(lab, 1, "bob", "corp/bob");
    assert_int_equal(PQstatus(pool), CONNECTION_OK);
    free(EXPECT(0, "rotate", "stragglers")); /* by the role: no serial number is known */
    PQfinish(pool);
    rot_go_when_quiet(&accepting);
    rot_expect_phase("retire");
    rot_next(&nothing);
    rot_expect_all(lab, "bob", "new/bob", false);
    rot_expect_all(lab, "bob", "corp/bob", true);
    rot_expect_lists(lab, 0, "1");

    rot_expect_phase("key");
    rot_start_server(lab, 1);
    rot_back();
    rot_expect_all(lab, "bob", "new/bob", true);
    for (int i = 0; i < 3; i++)
        rot_back();
    rot_expect_phase("trust");
    rot_expect_all(lab, "bob", "corp/bob", true);
    rot_back();
    rot_expect_all(lab, "bob", "corp/bob", false);
    rot_expect_all(lab, "bob", "new/bob", true);
    rot_expect_lists(lab, 1, "1");
    rot_back();
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "next");
}

/* Two admins in the same minute, who both know the phase: one does it, the other is told. */
static void two_at_once(const struct rotate_request *request)
{
    struct err err = ERR_INIT;
    int go_on[2], status, done = 0;
    pid_t pids[2];

    assert_int_equal(pipe(go_on), 0);
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            struct rotate_outcome outcome = {.from = 0};
            struct store *store = rot_open_store();
            struct rotation *rotation = rotation_find(store, NULL, &err);
            char byte;

            close(go_on[1]);
            if (!rotation || read(go_on[0], &byte, 1) != 0)
                _exit(3);
            _exit(rotate_next(store, rotation, request, &outcome, &err) ? 0
                  : err.code == ERR_ROTATION_MOVED                      ? 1
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

enum { POOL = 3 };

static bool is_alive(PGconn *conn)
{
    PGresult *result = PQexec(conn, "SELECT 1");
    bool alive = PQresultStatus(result) == PGRES_TUPLES_OK;

    PQclear(result);
    return alive;
}

void test_emergency(void **state)
{
    struct rot_lab *lab = *state;
    const struct rotate_request accepting = {.accepts_refused = true, .accept_refused = 1};
    const char *const roles[POOL] = {"bob", "bob", "alice"};
    PGconn *pool[POOL], *fresh, *last;
    int64_t began;
    json_t *json;
    char *text;

    for (size_t i = 0; i < POOL; i++) {
        text = mem_printf("new/%s", roles[i]);
        pool[i] = rot_log_in(lab, 0, roles[i], text);
        assert_true(is_alive(pool[i]));
        free(text);
    }
    began = clock_mono_ms();
    free(EXPECT(0, "rotate", "client", "bob")); /* by the stolen key: that ends */
    free(EXPECT(0, "rotate", "emergency", "Old G2"));
    EXPECT_ERROR(1, "no rotation of \"bob\"", "rotate", "next", "bob");
    free(EXPECT(0, "rotate", "next", "--no-passphrase"));
    rot_start_server(lab, 1);
    free(EXPECT(0, "rotate", "next", "--out", "safe"));
    /* it has the old one alone, and both changes count */
    rot_expect_ahead(N_SERVERS, POOL, NULL);
    rot_expect_all(lab, "bob", "safe/bob", false);
    rot_stop_server(lab, 1);
    json = rot_look_ahead();
    text = json_dumps(json_object_get(json, "servers"), 0);
    assert_non_null(strstr(text, "\"reached\": false"));
    free(text);
    assert_int_equal(json_integer_value(json_object_get(json, "accept_refused")), POOL);
    json_decref(json);
    EXPECT_ERROR(1, "--accept-refused=3", "rotate", "next", "--yes");
    assert_true(rot_gets_in(lab, 0, "bob", "new/bob"));
    EXPECT_ERROR(5, "db2", "rotate", "next", "--yes", "--accept-refused=3");
    assert_false(rot_gets_in(lab, 0, "bob", "new/bob"));
    assert_true(rot_gets_in(lab, 0, "bob", "safe/bob"));
    for (size_t i = 0; i < POOL; i++) {
        assert_false(is_alive(pool[i]));
        PQfinish(pool[i]);
    }
    fresh = rot_log_in(lab, 0, "bob", "safe/bob"); /* the pool opens again, with its new kit */
    assert_true(is_alive(fresh));
    json = EXPECT_JSON(0, "rotate", "status", "Old G2", "--json");
    assert_non_null(strstr(json_string_value(json_array_get(json_object_get(json, "blockers"), 0)),
                           "stolen key"));
    json_decref(json);

    rot_start_server(lab, 1);
    last = rot_log_in(lab, 1, "bob", "new/bob"); /* it is open to the thief until it is reached */
    assert_true(is_alive(last));
    two_at_once(&accepting);
    rot_expect_phase("key");
    rot_expect_all(lab, "bob", "new/bob", false);
    rot_expect_all(lab, "bob", "safe/bob", true);
    assert_false(is_alive(last));
    assert_true(is_alive(fresh));
    PQfinish(last);
    PQfinish(fresh);
    print_message("# the emergency took %lld ms, with a server that was away for a while\n",
                  (long long)(clock_mono_ms() - began));
    rot_start_server(lab, 0);
    rot_expect_all(lab, "bob", "new/bob", false);
    free(EXPECT(0, "rotate", "finish", "--destroy", "--confirm", "Old G2"));
    text = EXPECT(0, "rotate", "status", "--all");
    assert_non_null(strstr(text, "done on"));
    free(text);
    free(EXPECT(0, "fsck"));
}

/* ---- an intermediate under somebody's root ---- */

static void sh(const char *script)
{
    const struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-ec", script, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s%s", script, result.out, result.err);
    command_clear(&result);
}

static void make_root(void)
{
    sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout r.key"
       " -out r.crt -subj '/CN=Offline Root' -days 3650"
       " -addext keyUsage=critical,keyCertSign,cRLSign\n"
       "printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,"
       "cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' > i.ext\n"
       ": > index.txt; echo 01 > crlnumber\n"
       "printf '[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ncrlnumber=crlnumber\n"
       "default_md=sha256\ndefault_crl_days=200\n' > r.cnf\n"
       "openssl ca -config r.cnf -gencrl -keyfile r.key -cert r.crt -out r.crl\n");
}

static void make_issuing(const char *name)
{
    char *script = mem_printf("openssl x509 -req -in %s.csr -CA r.crt -CAkey r.key -days 900"
                              " -CAcreateserial -extfile i.ext -out %s.crt\n"
                              "cat %s.crt r.crt > %s.pem\n",
                              name, name, name, name);
    char *csr = mem_printf("%s.csr", name);
    char *pem = mem_printf("%s.pem", name);

    free(EXPECT(0, "ca", "create", name, "--intermediate", "--no-passphrase", "--out", csr));
    sh(script);
    free(EXPECT(0, "ca", "import", name, "--cert", pem));
    free(EXPECT(0, "server", "trust", "db1", "--ca", name, "--paste", "r.crt", "--crl", "r.crl",
                "--yes"));
    free(script);
    free(csr);
    free(pem);
}

static void expect_root(bool named)
{
    char *text = EXPECT(0, "server", "probe", "db1");

    if ((strstr(text, "Offline Root") != NULL) != named)
        fail_msg("the root: %s", text);
    free(text);
}

/*
 * The root of an intermediate that goes: with it, for it would let in whoever sends a chain to it. Not
 * while another one that stays is below it; then the list that went is what refuses its clients.
 */
void test_intermediate(void **state)
{
    struct rot_lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};

    make_root();
    make_issuing("issuing");
    free(EXPECT(0, "issue", "client", "alice", "--ca", "issuing", "--out", "mid/alice"));
    assert_true(rot_gets_in(lab, 0, "alice", "mid/alice"));
    sh("[ $(grep -c BEGIN mid/alice/alice.crt) -ge 2 ]"); /* it sends its chain */
    free(EXPECT(0, "rotate", "ca", "issuing", "--to", "Old G3", "--quiet-time", "1m"));
    rot_set_quiet_time(1);
    rot_next(&nothing);
    rot_next(&nothing);
    rot_next(&nothing); /* alice has a kit of that CA already */
    rot_expect_phase("watch");
    free(EXPECT(0, "rotate", "mark", "issuing", "alice", "--without"));
    rot_next_when_quiet();
    rot_expect_phase("retire");
    expect_root(true);
    rot_next(&nothing);
    assert_false(rot_gets_in(lab, 0, "alice", "mid/alice"));
    expect_root(false);
    rot_expect_lists(lab, 0, "1");
    rot_expect_all(lab, "bob", "safe/bob", true);

    rot_back(); /* with its root, and the root's list */
    assert_true(rot_gets_in(lab, 0, "alice", "mid/alice"));
    expect_root(true);
    make_issuing("second");
    free(EXPECT(0, "issue", "client", "alice", "--ca", "second", "--out", "other/alice"));
    assert_true(rot_gets_in(lab, 0, "alice", "other/alice"));
    rot_next(&nothing);
    assert_false(rot_gets_in(lab, 0, "alice", "mid/alice"));
    assert_true(rot_gets_in(lab, 0, "alice", "other/alice"));
    expect_root(true);
    rot_expect_lists(lab, 0, "3");
    free(EXPECT(0, "rotate", "finish", "--destroy", "--confirm", "issuing"));
    EXPECT_ERROR(1, "no rotation is under way", "rotate", "next");
    free(EXPECT(0, "server", "untrust", "db1", "--ca", "second", "--ca", "Offline Root", "--yes"));
}

/* ---- where SQL cannot delete a list ---- */

/* The admin's choice: the lists stand in a folder from now on, a file for each CA. */
static void use_crl_dir(const struct rot_lab *lab)
{
    char *script = mem_printf("mkdir '%s/lists'\n"
                              "cp g3.crl '%s/lists/'$(openssl crl -in g3.crl -noout -hash).r0\n"
                              "chown -R --reference='%s' '%s/lists'\n",
                              demo_data(lab->demos[0]), demo_data(lab->demos[0]),
                              demo_data(lab->demos[0]), demo_data(lab->demos[0]));

    free(EXPECT(0, "crl", "export", "--ca", "Old G3", "--out", "g3.crl"));
    sh(script);
    free(rot_ask(lab, 0, "ALTER SYSTEM SET ssl_crl_dir = 'lists'"));
    free(rot_ask(lab, 0, "ALTER SYSTEM SET ssl_crl_file = ''"));
    free(rot_ask(lab, 0, "SELECT pg_reload_conf()"));
    free(script);
}

/*
 * The root stays for another intermediate, and the list of the one that goes stays in the folder, for SQL
 * deletes no file: so its clients get in with the chain that they send, until the root has revoked it.
 */
void test_crl_dir(void **state)
{
    struct rot_lab *lab = *state;
    const struct rotate_request nothing = {.folder = NULL};
    char *text;

    use_crl_dir(lab);
    make_issuing("third");
    make_issuing("fourth");
    free(EXPECT(0, "issue", "client", "alice", "--ca", "third", "--out", "third/alice"));
    free(EXPECT(0, "issue", "client", "alice", "--ca", "fourth", "--out", "fourth/alice"));
    assert_true(rot_gets_in(lab, 0, "alice", "third/alice"));
    free(EXPECT(0, "rotate", "ca", "third", "--to", "Old G3", "--quiet-time", "1m"));
    rot_set_quiet_time(1);
    rot_next(&nothing);
    rot_next(&nothing);
    rot_next(&nothing);
    free(EXPECT(0, "rotate", "mark", "third", "alice", "--without"));
    rot_next_when_quiet();
    rot_expect_phase("retire");
    expect_root(true);
    EXPECT_ERROR(5, "get in by its root", "rotate", "next", "--yes");
    rot_expect_phase("retire");
    text = EXPECT(0, "rotate", "status");
    assert_non_null(strstr(text, "pgseal crl import"));
    free(text);
    assert_true(rot_gets_in(lab, 0, "alice", "third/alice")); /* so it is */

    sh("openssl ca -config r.cnf -revoke third.crt -keyfile r.key -cert r.crt\n"
       "openssl ca -config r.cnf -gencrl -keyfile r.key -cert r.crt -out r2.crl\n");
    free(EXPECT(0, "crl", "import", "r2.crl"));
    text = EXPECT(0, "rotate", "next", "--yes");
    print_message("%s", text);
    free(text);
    rot_expect_phase("key");
    assert_false(rot_gets_in(lab, 0, "alice", "third/alice"));
    assert_true(rot_gets_in(lab, 0, "alice", "fourth/alice"));
}
