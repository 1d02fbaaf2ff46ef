/* revoke_ways.c - lists in ssl_crl_dir, of a CA that stands under another one, to servers that hang, and
 * beside a change that nobody finished. */
#include "config.h"

#include "tests/pg/revoke_ways.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/pg/result.h"
#include "tests/harness/fake_server.h"
#include "tests/harness/pg_version.h"
#include "tests/pg/revoke_box.h"

static struct conn *admin_of(const struct demo *demo)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(demo), &err);
    struct conn *conn = params ? conn_open(params, NULL, &err) : NULL;

    if (!conn)
        fail_msg("%s", err.msg);
    params_free(params);
    return conn;
}

static void run_sql(const struct demo *demo, const char *sql)
{
    struct conn *conn = admin_of(demo);
    struct err err = ERR_INIT;

    if (!conn_run(conn, sql, &err))
        fail_msg("%s: %s", sql, err.msg);
    conn_close(conn);
}

static char *setting_of(const struct demo *demo, const char *name)
{
    struct conn *conn = admin_of(demo);
    struct err err = ERR_INIT;
    struct result *result = conn_exec(conn, "SELECT current_setting($1)", 1, &name, &err);
    char *value;

    if (!result)
        fail_msg("%s", err.msg);
    value = mem_strdup(result_get(result, 0, 0));
    result_free(result);
    conn_close(conn);
    return value;
}

static void set(const struct demo *demo, const char *name, const char *value)
{
    char *sql = mem_printf("ALTER SYSTEM SET %s = '%s'", name, value);

    run_sql(demo, sql);
    run_sql(demo, "SELECT pg_reload_conf()");
    free(sql);
}

static void shell(const char *line)
{
    struct command_result result;

    command_run(&result, &(struct command_options){.program = "sh"}, "-c", line, NULL);
    if (result.status != 0)
        fail_msg("%s: %s%s", line, result.out, result.err);
    command_clear(&result);
}

static void published_as(const char *server, const char *state)
{
    json_t *json = EXPECT_JSON(0, "crl", "refresh", "--yes", "--json");

    assert_string_equal(lab_text(lab_row(json, "servers", "server", server), "state"), state);
    json_decref(json);
}

/* ---- ssl_crl_dir ---- */

static void use_folder(const struct demo *demo, const char *name)
{
    char *path = mem_printf("%s/%s", demo_data(demo), name);
    struct stat st;

    assert_int_equal(stat(demo_data(demo), &st), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(path, st.st_uid, st.st_gid), 0);
    run_sql(demo, "ALTER SYSTEM SET ssl_crl_file = ''");
    set(demo, "ssl_crl_dir", name);
    free(path);
}

/* One server has its lists in a folder, the other one in a file: the same acts do for both. (Where
 * there are no folders yet, both have files.) */
void test_crl_dir(void **state)
{
    const struct lab *lab = *state;
    const bool folders = pg_has(PG_CRL_DIR);
    char *file = setting_of(lab->one, "ssl_crl_file");
    struct conn *bob_one, *bob_two, *carol;
    char *line, *now;

    if (folders)
        use_folder(lab->one, "crls");
    free(EXPECT(0, "crl", "refresh", "--server", "db1", "--yes"));
    line = mem_printf("test $(ls '%s/crls' | grep -c '^[0-9a-f]\\{8\\}[.]r0$') = 2",
                      demo_data(lab->one));
    if (folders)
        shell(line);

    lab_issue("bob", "lab", "w1");
    lab_issue("carol", "other", "w2");
    bob_one = lab_must_log_in(lab->one, "bob", "w1");
    bob_two = lab_must_log_in(lab->two, "bob", "w1");
    carol = lab_must_log_in(lab->one, "carol", "w2");
    free(EXPECT(0, "revoke", "--all", "bob", "--end-sessions", "--confirm=bob"));
    assert_false(lab_is_alive(bob_one));
    assert_false(lab_is_alive(bob_two));
    assert_true(lab_is_alive(carol));
    lab_refused_by_psql(lab->one, "bob", "w1");
    lab_refused(lab->two, "bob", "w1");
    conn_close(lab_must_log_in(lab->one, "carol", "w2"));
    conn_close(lab_must_log_in(lab->two, "carol", "w2"));
    assert_int_equal(lab_count_behind(), 0);

    /* the next list, and one that waits while the server is away */
    free(EXPECT(0, "crl", "sign", "--ca", "lab", "--yes"));
    assert_int_equal(lab_count_behind(), 2);
    published_as("db1", "done");
    lab_set_away(lab->one, true);
    EXPECT_ERROR(5, "may still accept it: db1", "revoke", "--all", "carol", "--end-sessions",
                 "--confirm=carol");
    lab_set_away(lab->one, false);
    assert_true(lab_is_alive(carol));
    lab_refused(lab->two, "carol", "w2");
    published_as("db1", "done");
    assert_false(lab_is_alive(carol));
    lab_refused(lab->one, "carol", "w2");
    lab_refused(lab->one, "bob", "w1");
    if (folders)
        shell(line); /* replaced where they are */
    now = setting_of(lab->one, "ssl_crl_file");
    assert_int_equal(*now == '\0', folders); /* one way or the other, never both */
    assert_int_equal(lab_count_behind(), 0);

    /* as it was */
    if (folders)
        run_sql(lab->one, "ALTER SYSTEM RESET ssl_crl_dir");
    set(lab->one, "ssl_crl_file", file);
    free(EXPECT(0, "crl", "refresh", "--server", "db1", "--yes"));
    lab_refused(lab->one, "carol", "w2");
    conn_close(bob_one);
    conn_close(bob_two);
    conn_close(carol);
    free(line);
    free(now);
    free(file);
}

/* ---- an intermediate under somebody's root ---- */

/* An offline root by openssl alone: it signs our request, and lists of its own. */
static void make_issuing(void)
{
    shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout r.key -out r.crt"
          " -subj '/O=Acme/CN=Offline Root' -days 3650"
          " -addext keyUsage=critical,keyCertSign,cRLSign");
    shell("printf 'basicConstraints=critical,CA:TRUE,pathlen:0\\nkeyUsage=critical,keyCertSign,"
          "cRLSign\\nsubjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\n' >i.ext;"
          " : >index.txt; echo 01 >crlnumber; printf '[ca]\\ndefault_ca=c\\n[c]\\n"
          "database=index.txt\\ncrlnumber=crlnumber\\ndefault_md=sha256\\n"
          "default_crl_days=200\\n' >r.cnf");
    free(EXPECT(0, "ca", "create", "issuing", "--intermediate", "--no-passphrase", "--out",
                "i.csr"));
    shell("openssl x509 -req -in i.csr -CA r.crt -CAkey r.key -days 900 -set_serial 7"
          " -extfile i.ext -out i.crt && cat i.crt r.crt >chain.pem");
    free(EXPECT(0, "ca", "import", "issuing", "--cert", "chain.pem"));
}

static void sign_root_list(const char *name)
{
    char *line =
        mem_printf("openssl ca -config r.cnf -gencrl -keyfile r.key -cert r.crt -out %s", name);

    shell(line);
    free(line);
}

static void trust_issuing(const char *server)
{
    free(EXPECT(0, "server", "trust", server, "--ca", "issuing", "--paste", "r.crt", "--crl",
                "r1.crl", "--yes"));
}

/* Caller frees the serial number. */
static char *issue_of_issuing(const char *role, const char *folder)
{
    json_t *json =
        EXPECT_JSON(0, "issue", "client", role, "--ca", "issuing", "--out", folder, "--json");
    char *serial = mem_strdup(lab_text(json, "serial"));

    json_decref(json);
    return serial;
}

/* The client's CA under a root: both are trusted, both have a list, and each list goes its own way. */
void test_intermediate(void **state)
{
    const struct lab *lab = *state;
    struct conn *alice, *bob;
    char *of_alice, *of_bob;
    json_t *json, *row;

    make_issuing();
    sign_root_list("r1.crl");
    trust_issuing("db1");
    trust_issuing("db2");
    of_alice = issue_of_issuing("alice", "n1");
    of_bob = issue_of_issuing("bob", "n2");
    lab_issue("carol", "lab", "n3");
    alice = lab_must_log_in(lab->one, "alice", "n1");
    bob = lab_must_log_in(lab->one, "bob", "n2");
    json = EXPECT_JSON(0, "revoke", of_alice, "--end-sessions", "--confirm=alice", "--json");
    for (int i = 0; i < 2; i++) {
        row = lab_row(json, "servers", "server", i == 0 ? "db1" : "db2");
        assert_true(json_is_true(json_object_get(row, "published")));
        assert_int_equal(lab_int(row, "sessions_ended"), i == 0 ? 1 : 0);
    }
    json_decref(json);
    assert_false(lab_is_alive(alice));
    assert_true(lab_is_alive(bob));
    lab_refused_by_psql(lab->one, "alice", "n1");
    lab_refused(lab->two, "alice", "n1");
    conn_close(lab_must_log_in(lab->two, "bob", "n2"));
    conn_close(lab_must_log_in(lab->two, "carol", "n3"));
    assert_int_equal(lab_count_behind(), 0);

    /* the root's next list, by import; nothing of ours is lost by it */
    sign_root_list("r2.crl");
    free(EXPECT(0, "crl", "import", "r2.crl"));
    published_as("db2", "done");
    lab_refused(lab->two, "alice", "n1");
    conn_close(lab_must_log_in(lab->two, "bob", "n2"));
    /* and with the root's list there, the next revocation of the intermediate */
    free(EXPECT(0, "revoke", of_bob, "--end-sessions", "--confirm=bob"));
    assert_false(lab_is_alive(bob));
    lab_refused(lab->one, "bob", "n2");
    lab_refused(lab->two, "bob", "n2");
    conn_close(lab_must_log_in(lab->one, "carol", "n3"));
    published_as("db1", "same");
    conn_close(alice);
    conn_close(bob);
    free(of_alice);
    free(of_bob);
}

/* ---- servers that hang ---- */

#define HANGING 5

/* Nobody is answered before all of them have called. */
struct hall {
    pthread_mutex_t lock;
    int now, most;
};

static bool has_left(int fd)
{
    char bytes[512];
    ssize_t n;

    do
        n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    while (n > 0);
    return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static void wait_for_all(int fd, void *arg)
{
    struct hall *hall = arg;
    bool all = false;

    pthread_mutex_lock(&hall->lock);
    hall->most = ++hall->now > hall->most ? hall->now : hall->most;
    pthread_mutex_unlock(&hall->lock);
    while (!all && !has_left(fd)) {
        poll(NULL, 0, 5);
        pthread_mutex_lock(&hall->lock);
        all = hall->most == HANGING;
        pthread_mutex_unlock(&hall->lock);
    }
    pthread_mutex_lock(&hall->lock);
    hall->now--;
    pthread_mutex_unlock(&hall->lock);
}

/* In the store, as servers that trust what db2 trusts. */
static void add_hanging(const struct fake *fake)
{
    for (int i = 1; i <= HANGING; i++) {
        char *sql = mem_printf(
            "INSERT INTO server (name, conninfo, tls_host, tls_port, provider, production,"
            " system_identifier, created_at) SELECT 'h%d', 'host=127.0.0.1 port=%d user=x',"
            " tls_host, tls_port, provider, production, system_identifier, created_at FROM server"
            " WHERE name = 'db2';"
            "INSERT INTO server_trust SELECT (SELECT id FROM server WHERE name = 'h%d'),"
            " authority_id, since FROM server_trust WHERE server_id ="
            " (SELECT id FROM server WHERE name = 'db2')",
            i, fake_port(fake), i);

        lab_store_sql(sql);
        free(sql);
    }
}

static int most_of(struct hall *hall)
{
    int most;

    pthread_mutex_lock(&hall->lock);
    most = hall->most;
    hall->most = 0;
    pthread_mutex_unlock(&hall->lock);
    return most;
}

/* All are called at once: one after the other, the first one would never be answered. */
void test_several_hang(void **state)
{
    static const char *const lines[] = {"[ok] db1: ", "[ok] db2: ", "[!!] h1: ", "[!!] h2: ",
                                        "[!!] h3: ",  "[!!] h4: ",  "[!!] h5: "};
    const struct lab *lab = *state;
    struct hall hall = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct fake *fake = fake_start(wait_for_all, &hall);
    struct command_result result;
    const char *at;
    json_t *json;

    lab_issue("bob", "lab", "h1");
    add_hanging(fake);
    json = EXPECT_JSON(0, "revoke", "bob", "--all", "--dry-run", "--json");
    assert_true(
        json_is_true(json_object_get(lab_row(json, "servers", "server", "db2"), "reached")));
    assert_true(
        json_is_false(json_object_get(lab_row(json, "servers", "server", "h5"), "reached")));
    json_decref(json);
    assert_int_equal(most_of(&hall), HANGING);
    command_run(&result, NULL, "revoke", "bob", "--all", "--confirm=bob", NULL);
    assert_int_equal(result.status, 5);
    assert_int_equal(most_of(&hall), HANGING);
    at = result.out;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) { /* in the order of the servers */
        at = strstr(at, lines[i]);
        if (!at)
            fail_msg("no \"%s\" in its place in\n%s%s", lines[i], result.out, result.err);
    }
    assert_non_null(strstr(result.err, "db2: [ok]")); /* whose step it is */
    command_clear(&result);
    lab_refused(lab->one, "bob", "h1");
    lab_refused(lab->two, "bob", "h1");
    for (int i = 1; i <= HANGING; i++) {
        char *name = mem_printf("h%d", i);
        char *confirm = mem_printf("--confirm=%s", name);

        free(EXPECT(0, "server", "remove", name, confirm, "--yes"));
        free(confirm);
        free(name);
    }
    fake_stop(fake);
    assert_int_equal(lab_count_behind(), 0);
}

/* ---- a change that nobody finished ---- */

/* The newest plan of db1, once its state is this. */
static void wait_for_plan(const char *state)
{
    bool found = false;

    for (int i = 0; i < 600 && !found; i++) {
        json_t *json = EXPECT_JSON(0, "plan", "list", "--json");
        json_t *plan = json_array_get(json_object_get(json, "plans"), 0);

        found = plan && strcmp(lab_text(plan, "state"), state) == 0;
        json_decref(json);
        if (!found)
            poll(NULL, 0, 50);
    }
    if (!found)
        fail_msg("no plan came to \"%s\"", state);
}

/* Applied and proven, and then its pgseal is killed: nobody keeps it, nobody takes it back. */
static void leave_open(const char *arguments)
{
    char *line = mem_printf("exec \"$PGSEAL\" %s --yes --try=100 >open.out 2>&1", arguments);
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        execlp("sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    wait_for_plan("done");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    free(line);
}

void test_beside_an_open_plan(void **state)
{
    const struct lab *lab = *state;
    json_t *json;
    char *text;

    /* rules: they stay as they are, and the list goes there */
    lab_issue("alice", "lab", "o1");
    lab_issue("bob", "lab", "o2");
    leave_open("server require db1 --database postgres --role dave --from 127.0.0.1/32");
    text = EXPECT(0, "revoke", "alice", "--all", "--confirm=alice");
    assert_non_null(strstr(text, "[ok] db1: has the current list"));
    free(text);
    lab_refused(lab->one, "alice", "o1");
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    lab_refused(lab->one, "alice", "o1");

    /* CAs: the list would hide what is to be taken back; said, with the way out, until it is done */
    free(EXPECT(0, "ca", "create", "third", "--no-passphrase"));
    leave_open("server trust db1 --ca third");
    EXPECT_ERROR(5, "\"pgseal server undo db1\" takes it back", "revoke", "bob", "--all",
                 "--confirm=bob");
    lab_refused(lab->two, "bob", "o2");
    conn_close(lab_must_log_in(lab->one, "bob", "o2"));
    json = EXPECT_JSON(6, "check", "--json");
    assert_non_null(strstr(lab_text(lab_row(json, "findings", "code", "PS-2235"), "help"),
                           "pgseal server undo db1"));
    assert_non_null(lab_row(json, "findings", "code", "PS-2112"));
    json_decref(json);
    free(EXPECT(0, "server", "undo", "db1", "--yes"));
    published_as("db1", "done");
    lab_refused(lab->one, "bob", "o2");
    free(EXPECT(0, "ca", "delete", "third", "--confirm=third"));
    assert_int_equal(lab_count_behind(), 0);
}
