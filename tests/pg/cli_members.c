/* A primary and its standby, each with its own files, changed by the name of their cluster. */
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
#include <time.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/demo/demo.h"
#include "core/pg/conn.h"
#include "core/pg/handshake.h"
#include "core/plan/step.h"
#include "tests/harness/lab.h"
#include "tests/harness/pty.h"
#include "tests/pg/need_pg.h"

/* One primary, one standby, and a cluster of somebody else, for all tests: they go on where the one
 * before ended. */
struct cluster {
    char *folder;
    struct demo *primary, *standby, *other;
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
    struct cluster *lab = mem_zalloc(sizeof(*lab));
    struct demo_options first = {.replicated = true};
    struct demo_options alone = {.quiet_roles = true};
    struct demo_options second = {.quiet_roles = true};

    (void)signal(SIGPIPE, SIG_IGN);
    *state = lab;
    lab->primary = start(&first);
    second.standby_of = lab->primary;
    lab->standby = lab->primary ? start(&second) : NULL;
    lab->other = start(&alone);
    if (!lab->standby || !lab->other)
        return -1;
    lab->folder = command_box();
    return 0;
}

static int teardown(void **state)
{
    struct cluster *lab = *state;

    demo_free(lab->standby);
    demo_free(lab->primary);
    demo_free(lab->other);
    if (lab->folder)
        command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* ---- small things ---- */

static void same_files(const struct demo *demo, char *before)
{
    char *now = lab_state(demo);

    assert_string_equal(now, before);
    free(now);
    free(before);
}

static void add(const struct demo *demo, const char *name, const struct demo *tls)
{
    char *conninfo = mem_printf("%s connect_timeout=2", demo_admin_conninfo(demo));
    char *address = mem_printf("127.0.0.1:%d", demo_port(tls));
    json_t *json = EXPECT_JSON(0, "server", "add", name, conninfo, "--address", address,
                               "--member-of", "main", "--json");

    assert_string_equal(json_string_value(json_object_get(json, "cluster")), "main");
    json_decref(json);
    free(address);
    free(conninfo);
}

/* The state of one member in a document. */
static const char *state_of(const json_t *document, const char *name)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(document, "members"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "server")), name) == 0)
            return json_string_value(json_object_get(row, "state"));
    }
    fail_msg("no member \"%s\"", name);
    return "";
}

static void states_are(json_t *document, const char *all, const char *db1, const char *db2)
{
    assert_string_equal(json_string_value(json_object_get(document, "state")), all);
    assert_string_equal(state_of(document, "db1"), db1);
    assert_string_equal(state_of(document, "db2"), db2);
    json_decref(document);
}

static bool accepts(const struct demo *demo, const char *ca)
{
    struct handshake_request request = {.host = "127.0.0.1", .port = demo_port(demo)};
    struct handshake seen;
    struct err err = ERR_INIT;
    bool found = false;

    if (!handshake_run(&request, &seen, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < seen.n_accepted_cas; i++)
        found = found || strstr(seen.accepted_cas[i], ca);
    handshake_clear(&seen);
    return found;
}

static bool knows_of(const char *what)
{
    char *text = EXPECT(0, "server", "show", "db2");
    bool found = strstr(text, what) != NULL;

    free(text);
    return found;
}

/* Stopped by its own pid; demo_restart() starts it again. */
static void take_down(struct demo *demo)
{
    struct conn *conn = NULL;

    assert_int_equal(kill((pid_t)demo_pid(demo), SIGINT), 0);
    for (int i = 0; i < 500; i++) {
        struct err err = ERR_INIT;
        struct params *params = params_parse(demo_admin_conninfo(demo), &err);

        conn = conn_open(params, NULL, &err);
        params_free(params);
        if (!conn && strstr(err.msg, "No such file"))
            return;
        conn_close(conn);
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("it does not go down");
}

static void bring_up(struct demo *demo)
{
    struct err err = ERR_INIT;

    if (!demo_restart(demo, &err))
        fail_msg("%s", err.msg);
}

static void freeze(struct demo *demo, bool frozen)
{
    struct err err = ERR_INIT;

    if (!demo_freeze(demo, frozen, &err))
        fail_msg("%s", err.msg);
}

/* ---- the members ---- */

static void test_members(void **state)
{
    const struct cluster *lab = *state;
    char *text;

    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    EXPECT_ERROR(1, "PS-2008", "server", "crl", "main", "--yes");
    add(lab->primary, "db1", lab->primary);
    add(lab->standby, "db2", lab->standby);
    /* another cluster: refused, and nothing is remembered */
    EXPECT_ERROR(1, "PS-2009", "server", "add", "db3", demo_admin_conninfo(lab->other),
                 "--member-of", "main");
    EXPECT_ERROR(1, "PS-2008", "server", "show", "db3");
    /* a cluster is not called as a server is */
    EXPECT_ERROR(2, "name of a cluster", "server", "add", "main",
                 demo_admin_conninfo(lab->primary));
    EXPECT_ERROR(2, "name of a server", "server", "add", "db3", demo_admin_conninfo(lab->standby),
                 "--member-of", "db1");
    text = EXPECT(0, "server", "add", "db3", demo_admin_conninfo(lab->standby), "--address",
                  "127.0.0.1:1");
    assert_null(strstr(text, "standby"));
    free(text);
    /* two names for one server: one of the two is not the member that it seems to be */
    free(EXPECT(0, "server", "join", "db3", "main"));
    EXPECT_ERROR(1, "one and the same server", "server", "tls", "main", "--yes");
    free(EXPECT(0, "server", "leave", "db3"));
    EXPECT_ERROR(2, "of no cluster", "server", "leave", "db3");
    free(EXPECT(0, "server", "remove", "db3", "--yes"));
    text = EXPECT(0, "server", "show", "main");
    assert_non_null(strstr(text, "db1"));
    assert_non_null(strstr(text, "db2"));
    free(text);
}

static void test_tls_and_trust(void **state)
{
    const struct cluster *lab = *state;
    char *text = EXPECT(0, "server", "tls", "main", "--dry-run");
    const char *standby = strstr(text, "-- db2 (standby)");
    const char *primary = strstr(text, "-- db1 (primary)");
    char *first, *second;

    assert_non_null(standby);
    assert_non_null(primary);
    assert_true(standby < primary);
    free(text);
    states_are(EXPECT_JSON(0, "server", "tls", "main", "--yes", "--json"), "done", "kept", "kept");
    states_are(EXPECT_JSON(0, "server", "trust", "main", "--yes", "--json"), "done", "kept",
               "kept");
    assert_true(accepts(lab->primary, "lab"));
    assert_true(accepts(lab->standby, "lab"));
    /* each its own certificate: the name of its file is its hash */
    first = lab_ask(lab->primary, "SHOW ssl_cert_file");
    second = lab_ask(lab->standby, "SHOW ssl_cert_file");
    assert_string_not_equal(first, second);
    free(first);
    free(second);
    states_are(EXPECT_JSON(0, "server", "trust", "main", "--yes", "--json"), "done", "nothing",
               "nothing");
}

static void write_hba(const struct demo *demo, const char *text)
{
    char *path = fs_join(demo_data(demo), "pg_hba.conf");
    FILE *file = fopen(path, "w"); /* in place: owner and mode stay */

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* Done when the server's time of loading is that of the file, or later: it counts in seconds. */
static void reload(const struct demo *demo)
{
    for (int i = 0; i < 500; i++) {
        char *loaded =
            lab_ask(demo, "SELECT pg_reload_conf() AND pg_conf_load_time() >= modification"
                          " FROM pg_stat_file('pg_hba.conf')");
        bool done = strcmp(loaded, "t") == 0;

        free(loaded);
        if (done)
            return;
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("it does not reload");
}

static void test_rules(void **state)
{
    const struct cluster *lab = *state;
    char *before[] = {lab_state(lab->primary), lab_state(lab->standby)};
    char *hba = lab_ask(lab->primary, "SELECT pg_read_file('pg_hba.conf')");
    char *text;

    EXPECT_ERROR(2, "--yes", "server", "require", "main", "--database", "app", "--role", "alice",
                 "--from", "127.0.0.1/32");
    text = EXPECT(0, "server", "require", "main", "--database", "app", "--role", "alice", "--from",
                  "127.0.0.1/32", "--as-text");
    assert_non_null(strstr(text, "==== db2 (standby) ===="));
    assert_non_null(strstr(text, "==== db1 (primary) ===="));
    free(text);
    EXPECT_ERROR(2, "made on one server", "server", "require", "main", "--database", "app",
                 "--role", "alice", "--from", "127.0.0.1/32", "--save-plan", "all.plan");
    /* made on one, taken to all: what it saw is that one's, the others have files of their own */
    free(EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "alice", "--from",
                "127.0.0.1/32", "--save-plan", "rules.plan"));
    states_are(EXPECT_JSON(0, "plan", "apply", "rules.plan", "--server", "main", "--yes", "--json"),
               "done", "kept", "kept");
    text =
        lab_ask(lab->standby, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'cert'");
    assert_string_equal(text, "1");
    free(text);
    text = lab_ask(lab->standby, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE"
                                 " 'pgseal guard%'");
    assert_string_equal(text, "0");
    free(text);
    EXPECT_ERROR(2, "one server's file", "server", "unrequire", "main", "3", "--yes");
    text = EXPECT(0, "server", "undo", "main", "--yes");
    assert_non_null(strstr(text, "\"db1\" is taken back"));
    assert_non_null(strstr(text, "\"db2\" is taken back"));
    free(text);
    same_files(lab->primary, before[0]);
    same_files(lab->standby, before[1]);
    /* stale where it was made: refused on all */
    write_hba(lab->primary, "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    EXPECT_ERROR(1, "changed since", "plan", "apply", "rules.plan", "--server", "main", "--yes");
    write_hba(lab->primary, hba);
    free(hba);
    reload(lab->primary);
}

/* ---- looked at ---- */

/* A finding of the cluster itself, of this code about this member, with this text. */
static bool finds(int code, const char *member, const char *text)
{
    char *name = mem_printf("PS-%04d", code);
    json_t *document = EXPECT_JSON(6, "server", "check", "main", "--json");
    const json_t *row;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(document, "findings"), i, row)
    {
        found = found || (!strcmp(json_string_value(json_object_get(row, "code")), name) &&
                          !strcmp(json_string_value(json_object_get(row, "object")), member) &&
                          strstr(json_string_value(json_object_get(row, "message")), text));
    }
    json_decref(document);
    free(name);
    return found;
}

static void test_looked_at(void **state)
{
    json_t *json = EXPECT_JSON(0, "server", "probe", "main", "--json");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(json, "members")), 2);
    json_decref(json);
    json = EXPECT_JSON(0, "server", "simulate", "main", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "members")), 2);
    json_decref(json);
    json = EXPECT_JSON(0, "server", "check", "main", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "members")), 2);
    assert_int_equal(json_array_size(json_object_get(json, "findings")), 0); /* they are alike */
    json_decref(json);
}

static void test_members_differ(void **state)
{
    (void)state;
    free(EXPECT(0, "ca", "create", "only", "--no-passphrase"));
    free(EXPECT(0, "server", "trust", "db2", "--ca", "only", "--yes"));
    assert_true(finds(2251, "db2", "trusts a CA that \"db1\" does not trust: CN=only"));
    assert_true(finds(2251, "db2", "a CRL that \"db1\" has not: CN=only"));
    free(EXPECT(0, "server", "require", "db1", "--database", "app", "--role", "bob", "--from",
                "127.0.0.1/32", "--yes"));
    assert_true(finds(2251, "db2", "not the rule of \"db1\": hostnossl app bob 127.0.0.1"));
    /* the command that makes it so makes it so where it is not yet */
    states_are(EXPECT_JSON(0, "server", "require", "main", "--database", "app", "--role", "bob",
                           "--from", "127.0.0.1/32", "--yes", "--json"),
               "done", "nothing", "kept");
    assert_false(finds(2251, "db2", "rule"));
    states_are(EXPECT_JSON(0, "server", "unrequire", "main", "--yes", "--json"), "done", "kept",
               "kept");
    states_are(EXPECT_JSON(0, "server", "untrust", "main", "--ca", "only", "--yes", "--json"),
               "done", "nothing", "kept");
    free(EXPECT(0, "server", "check", "main"));
}

/* ---- one is away ---- */

static void test_standby_down(void **state)
{
    const struct cluster *lab = *state;

    free(EXPECT(0, "crl", "sign", "--ca", "lab", "--yes"));
    take_down(lab->standby);
    states_are(EXPECT_JSON(5, "server", "crl", "main", "--yes", "--json"), "partly", "kept",
               "away");
    assert_true(knows_of("has not got  CRLs"));
    EXPECT_ERROR(5, "PS-2250", "server", "crl", "main", "--yes");
    assert_true(finds(2250, "db2", "it has not got: CRLs"));
    bring_up(lab->standby);
    assert_true(knows_of("has not got  CRLs"));
    assert_true(finds(2250, "db2", "has not got: CRLs"));
    assert_true(finds(2251, "db2", "has not the CRL of \"db1\": CN=lab number"));
    free(EXPECT(0, "server", "crl", "db2", "--as-text")); /* nobody has done it yet */
    assert_true(knows_of("has not got  CRLs"));
    /* whatever brings the lists: then nothing is missed any more */
    free(EXPECT(0, "crl", "refresh", "--server", "db2", "--yes"));
    assert_false(knows_of("has not got"));
    states_are(EXPECT_JSON(0, "server", "crl", "main", "--yes", "--json"), "done", "nothing",
               "nothing");
}

static void test_standby_hangs(void **state)
{
    const struct cluster *lab = *state;

    free(EXPECT(0, "crl", "sign", "--ca", "lab", "--yes"));
    freeze(lab->standby, true);
    states_are(EXPECT_JSON(5, "server", "crl", "main", "--yes", "--json"), "partly", "kept",
               "away");
    freeze(lab->standby, false);
    /* one server's own name does it, too, and what was remembered is forgotten */
    free(EXPECT(0, "server", "crl", "db2", "--yes"));
    assert_false(knows_of("has not got"));
}

/* "revoke", "crl refresh" and "sessions" take a cluster's name for all its members. */
static void test_name_of_the_cluster(void **state)
{
    const struct cluster *lab = *state;
    json_t *json;

    free(EXPECT(0, "issue", "client", "rita", "--ca", "lab", "--out", "rita"));
    json = EXPECT_JSON(0, "revoke", "rita", "--server", "main", "--confirm=rita", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "servers")), 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(json_is_true(
            json_object_get(json_array_get(json_object_get(json, "servers"), i), "published")));
    json_decref(json);
    json = EXPECT_JSON(0, "sessions", "main", "db1", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "servers")), 2); /* each once */
    json_decref(json);

    free(EXPECT(0, "crl", "sign", "--ca", "lab", "--yes"));
    freeze(lab->standby, true);
    states_are(EXPECT_JSON(5, "server", "crl", "main", "--yes", "--json"), "partly", "kept",
               "away");
    freeze(lab->standby, false);
    free(EXPECT(0, "crl", "refresh", "--server", "main", "--yes"));
    assert_false(knows_of("has not got"));
}

/* ---- one fails ---- */

/* The primary is proven at the address of another server: its proof fails, after the standby's
 * went well. */
static void test_primary_fails(void **state)
{
    const struct cluster *lab = *state;
    char *before[] = {lab_state(lab->primary), lab_state(lab->standby)};
    char *address = mem_printf("127.0.0.1:%d", demo_port(lab->other));

    free(EXPECT(0, "server", "add", "else", demo_admin_conninfo(lab->other), "--address", address));
    free(EXPECT(0, "server", "tls", "else", "--ca", "lab", "--yes"));
    free(EXPECT(0, "server", "trust", "else", "--ca", "lab", "--yes"));
    free(EXPECT(0, "server", "remove", "db1", "--yes"));
    add(lab->primary, "db1", lab->other);
    free(EXPECT(0, "ca", "create", "next", "--no-passphrase"));
    states_are(EXPECT_JSON(4, "server", "trust", "main", "--ca", "next", "--yes", "--json"),
               "undone", "undone", "undone");
    same_files(lab->primary, before[0]);
    same_files(lab->standby, before[1]);
    assert_false(accepts(lab->standby, "next"));
    free(EXPECT(0, "server", "remove", "db1", "--yes"));
    add(lab->primary, "db1", lab->primary);
    free(address);
}

/* ---- the guard of a standby ---- */

static char *read_hba(const struct demo *demo)
{
    char *path = fs_join(demo_data(demo), "pg_hba.conf");
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    if (!fs_read(path, 1 << 20, &text, &err))
        fail_msg("%s", err.msg);
    free(path);
    return strbuf_steal(&text);
}

static struct conn *log_in(const struct demo *demo)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(demo), &err);
    struct conn *conn = conn_open(params, NULL, &err);

    params_free(params);
    return conn;
}

static struct plan *lock_out(const struct plan_target *target, struct err *err)
{
    struct plan *plan = plan_new(target, "access_rules", "replace all rules", err);
    struct strbuf old = STRBUF_INIT;
    struct strbuf new = STRBUF_INIT;

    if (!plan)
        fail_msg("%s", err->msg);
    /* as from another machine */
    files_free(plan->files);
    plan->files = files_new(target->admin, "", err);
    assert_int_equal(files_way(plan->files), FILES_SQL);
    strbuf_add_str(&new, "local all all reject\n");
    if (!plan_read_rules(plan, &old, err) ||
        !plan_add_rules_file(plan, &old, &new, &new, "all rules", err)) {
        plan_free(plan);
        plan = NULL;
    }
    strbuf_clear(&old);
    strbuf_clear(&new);
    return plan;
}

/* By SQL alone, nobody can log in any more, and nobody keeps it: the server itself puts the old rules
 * back. It is a standby: there are no large objects, so it is COPY that does it. */
static void test_guard_of_a_standby(void **state)
{
    const struct cluster *lab = *state;
    struct err err = ERR_INIT;
    struct plan_target target = {.tls_host = "127.0.0.1", .tls_port = demo_port(lab->standby)};
    enum journal_plan_state ended = JOURNAL_READY;
    char *before = read_hba(lab->standby);
    char *latin1 = mem_printf("%s# B\xfcro\n", before);
    struct conn *conn = NULL;
    struct plan *plan;
    char *now;
    int64_t id;

    target.store = store_open(getenv("PGSEAL_STORE"), STORE_WRITE, &err);
    target.server = target.store ? server_load(target.store, "db2", &err) : NULL;
    target.admin = log_in(lab->standby);
    assert_non_null(target.server);
    assert_non_null(target.admin);
    write_hba(lab->standby, latin1);
    assert_null(lock_out(&target, &err)); /* not byte for byte: then not at all */
    assert_int_equal(err.code, ERR_STANDBY);
    write_hba(lab->standby, before);
    plan = lock_out(&target, &err);
    assert_non_null(plan);
    plan->guard_seconds = 3;
    if (!plan_apply(plan, PLAN_ASK, NULL, &err))
        fail_msg("%s", err.msg);
    id = plan_id(plan);
    plan_free(plan);
    assert_null(log_in(lab->standby));
    for (int i = 0; i < 200 && !conn; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        conn = log_in(lab->standby);
    }
    assert_non_null(conn);
    conn_close(conn);
    now = read_hba(lab->standby);
    assert_string_equal(now, before);
    if (!plan_undo_journalled(&target, id, NULL, &ended, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(ended, JOURNAL_UNDONE);
    free(now);
    free(latin1);
    free(before);
    conn_close(target.admin);
    server_free(target.server);
    store_close(target.store);
}

/* ---- the standby takes over ---- */

static void test_promotion(void **state)
{
    const struct cluster *lab = *state;
    json_t *json;
    char *text = lab_ask(lab->standby, "SELECT pg_promote(true, 60)");

    assert_string_equal(text, "t");
    free(text);
    /* the restartpoint that has the new timeline */
    free(lab_ask(lab->standby, "SELECT 1 FROM (SELECT pg_switch_wal()) AS switched"));
    json = EXPECT_JSON(0, "server", "trust", "main", "--ca", "next", "--yes", "--json");
    assert_true(accepts(lab->primary, "next"));
    assert_true(accepts(lab->standby, "next"));
    states_are(json, "done", "kept", "kept");
    assert_true(finds(2251, "db2", "takes writes (timeline "));
    states_are(EXPECT_JSON(0, "server", "untrust", "main", "--ca", "next", "--yes", "--json"),
               "done", "kept", "kept");
    assert_false(accepts(lab->standby, "next"));
}

/* ---- ways in ---- */

static void test_service_and_passfile(void **state)
{
    const struct cluster *lab = *state;
    int port = demo_port(lab->primary);
    char *service = mem_printf("[lab]\nhost=127.0.0.1\nport=%d\nuser=alice\ndbname=app\n", port);
    char *pass =
        mem_printf("127.0.0.1:%d:app:alice:%s\n", port, demo_password(lab->primary, "alice"));
    char *where = mem_printf("127.0.0.1:%d", port);
    char *text;

    command_write(".pg_service.conf", service, 0600);
    EXPECT_ERROR(1, "PS-2005", "server", "add", "svc", "lab");
    command_write(".pgpass", pass, 0644);
    EXPECT_ERROR(1, ".pgpass", "server", "add", "svc", "lab"); /* others may read it: not used */
    command_write(".pgpass", pass, 0600);
    free(EXPECT(0, "server", "add", "svc", "lab"));
    text = EXPECT(0, "server", "list");
    assert_non_null(strstr(text, "service=lab"));
    assert_non_null(strstr(text, where)); /* where clients come in: the service says it */
    free(text);
    free(EXPECT(0, "server", "probe", "svc"));
    free(EXPECT(0, "sessions", "svc"));
    free(EXPECT(0, "sessions", "lab")); /* a service that was never added */
    assert_int_equal(unlink(".pgpass"), 0);
    EXPECT_ERROR(2, "PS-", "server", "add", "none", "no-such-service");
    free(service);
    free(pass);
    free(where);
}

static void make_superuser(const struct demo *demo, const char *role)
{
    struct conn *conn = log_in(demo);
    char *sql = mem_printf("ALTER ROLE %s SUPERUSER", role);
    struct err err = ERR_INIT;

    if (!conn_run(conn, sql, &err))
        fail_msg("%s", err.msg);
    conn_close(conn);
    free(sql);
}

static struct pty *start_on_terminal(const char *const *argv)
{
    struct pty_options options = {.argv = argv, .columns = 120};

    return pty_start(&options);
}

static void answer(struct pty *pty, const char *password)
{
    pty_wait_text(pty, "Password for the server \"asked\":");
    pty_type(pty, password);
    pty_type(pty, "\r");
    assert_int_equal(pty_wait_exit(pty), 0);
    assert_null(strstr(pty_output(pty)->data, password));
    pty_free(pty);
}

/* A superuser with a password: asked for once, and it opens the second login and the guard, too. */
static void test_password_asked(void **state)
{
    const struct cluster *lab = *state;
    const char *password = demo_password(lab->primary, "alice");
    char *conninfo = mem_printf("host=127.0.0.1 port=%d user=alice dbname=app sslmode=disable",
                                demo_port(lab->primary));
    const char *const add_it[] = {getenv("PGSEAL"), "server", "add", "asked", conninfo, NULL};
    const char *const change[] = {getenv("PGSEAL"), "server",       "require", "asked",
                                  "--database",     "app",          "--role",  "carol",
                                  "--from",         "127.0.0.1/32", "--yes",   NULL};

    make_superuser(lab->primary, "alice");
    answer(start_on_terminal(add_it), password);
    answer(start_on_terminal(change), password);
    free(conninfo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),        cmocka_unit_test(test_tls_and_trust),
        cmocka_unit_test(test_rules),          cmocka_unit_test(test_looked_at),
        cmocka_unit_test(test_members_differ), cmocka_unit_test(test_standby_down),
        cmocka_unit_test(test_standby_hangs),  cmocka_unit_test(test_name_of_the_cluster),
        cmocka_unit_test(test_primary_fails),  cmocka_unit_test(test_guard_of_a_standby),
        cmocka_unit_test(test_promotion),      cmocka_unit_test(test_service_and_passfile),
        cmocka_unit_test(test_password_asked),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
