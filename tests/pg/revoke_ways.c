/* revoke_ways.c - lists in ssl_crl_dir, and lists of a CA that stands under another one. */
#include "config.h"

#include "tests/pg/revoke_ways.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/pg/result.h"
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

/* One server has its lists in a folder, the other one in a file: the same acts do for both. */
void test_crl_dir(void **state)
{
    const struct lab *lab = *state;
    char *file = setting_of(lab->one, "ssl_crl_file");
    struct conn *bob_one, *bob_two, *carol;
    char *line, *now;

    use_folder(lab->one, "crls");
    free(EXPECT(0, "crl", "refresh", "--server", "db1", "--yes"));
    line = mem_printf("test $(ls '%s/crls' | grep -c '^[0-9a-f]\\{8\\}[.]r0$') = 2",
                      demo_data(lab->one));
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
    shell(line); /* replaced where they are */
    now = setting_of(lab->one, "ssl_crl_file");
    assert_string_equal(now, "");
    assert_int_equal(lab_count_behind(), 0);

    /* as it was */
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
