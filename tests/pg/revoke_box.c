/* revoke_box.c - two real servers for the tests of revocation. */
#include "config.h"

#include "tests/pg/revoke_box.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/store/sql.h"

static void add_server(const char *name, const struct demo *demo)
{
    char *address = mem_printf("127.0.0.1:%d", demo_port(demo));

    free(EXPECT(0, "server", "add", name, demo_admin_conninfo(demo), "--address", address));
    free(EXPECT(0, "server", "tls", name, "--ca", "lab", "--yes", "--host", "127.0.0.1"));
    free(EXPECT(0, "server", "trust", name, "--ca", "lab", "--ca", "other", "--yes"));
    free(address);
}

/* Both servers trust both CAs; "lab" issues what the tests revoke. */
int lab_setup(void **state)
{
    struct lab *lab = mem_zalloc(sizeof(*lab));
    struct demo_options options = {0};
    struct err err = ERR_INIT;

    (void)signal(SIGPIPE, SIG_IGN);
    lab->one = demo_start(&options, &err);
    lab->two = lab->one ? demo_start(&options, &err) : NULL;
    if (!lab->two)
        fail_msg("%s", err.msg);
    lab->folder = command_box();
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    free(EXPECT(0, "ca", "create", "other", "--no-passphrase"));
    free(EXPECT(0, "ca", "export", "lab", "--out", "root.crt"));
    add_server("db1", lab->one);
    add_server("db2", lab->two);
    *state = lab;
    return 0;
}

int lab_teardown(void **state)
{
    struct lab *lab = *state;

    demo_free(lab->one);
    demo_free(lab->two);
    command_box_free(lab->folder);
    free(lab);
    return 0;
}

/* ---- small things ---- */

const char *lab_text(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    if (!text)
        fail_msg("no \"%s\"", name);
    return text;
}

json_int_t lab_int(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

json_t *lab_row(const json_t *document, const char *array, const char *key, const char *value)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(document, array), i, row)
    {
        if (strcmp(lab_text(row, key), value) == 0)
            return row;
    }
    fail_msg("no row with %s \"%s\" in %s", key, value, array);
    return NULL;
}

void lab_issue(const char *role, const char *ca, const char *folder)
{
    free(EXPECT(0, "issue", "client", role, "--ca", ca, "--out", folder));
}

void lab_issue_with(const char *role, const char *ca, const char *folder, const char *word)
{
    free(
        EXPECT(0, "issue", "client", role, "--ca", ca, "--out", folder, "--passphrase-file", word));
}

/* With the certificate of the folder; NULL: refused, err says why. */
struct conn *lab_log_in_to(const struct demo *demo, const char *database, const char *role,
                           const char *folder, struct err *err)
{
    char *text = mem_printf("host=127.0.0.1 port=%d user=%s dbname=%s sslmode=verify-full"
                            " sslcert=%s/%s.crt sslkey=%s/%s.key sslrootcert=root.crt",
                            demo_port(demo), role, database, folder, role, folder, role);
    struct params *params = params_parse(text, err);
    struct secret *password = secret_new(SECRET_PASSPHRASE_MAX);
    struct conn_options options = {.password = password};
    const char *word = demo_password(demo, role);
    struct conn *conn;

    assert_non_null(params);
    assert_true(secret_set(password, word, strlen(word)));
    *err = (struct err)ERR_INIT;
    conn = conn_open(params, &options, err);
    secret_free(password);
    params_free(params);
    free(text);
    return conn;
}

struct conn *lab_log_in(const struct demo *demo, const char *role, const char *folder,
                        struct err *err)
{
    return lab_log_in_to(demo, "app", role, folder, err);
}

struct conn *lab_must_log_in(const struct demo *demo, const char *role, const char *folder)
{
    struct err err;
    struct conn *conn = lab_log_in(demo, role, folder, &err);

    if (!conn)
        fail_msg("%s: %s", role, err.msg);
    return conn;
}

/* psql itself, so that libpq's own words are seen. */
void lab_refused_by_psql(const struct demo *demo, const char *role, const char *folder)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;
    char *line = mem_printf("psql 'host=127.0.0.1 port=%d user=%s dbname=app sslmode=require"
                            " sslcert=%s/%s.crt sslkey=%s/%s.key' -w -c 'SELECT 1'",
                            demo_port(demo), role, folder, role, folder, role);

    command_run(&result, &options, "-c", line, NULL);
    assert_int_not_equal(result.status, 0);
    if (!strstr(result.err, "certificate revoked"))
        fail_msg("psql said: %s", result.err);
    command_clear(&result);
    free(line);
}

void lab_refused(const struct demo *demo, const char *role, const char *folder)
{
    struct err err;

    assert_null(lab_log_in(demo, role, folder, &err));
    if (!strstr(err.msg, "revoked"))
        fail_msg("%s was refused by: %s", role, err.msg);
}

bool lab_is_alive(struct conn *conn)
{
    struct err err = ERR_INIT;

    return conn_run(conn, "SELECT 1", &err);
}

void lab_store_sql(const char *sql)
{
    struct err err = ERR_INIT;
    struct store *store = store_open("store", STORE_WRITE, &err);

    if (!store || !sql_exec(store, sql, &err))
        fail_msg("%s", err.msg);
    store_close(store);
}

/* Servers that lack a list, as "check" says: exit 6 with, 0 without any finding. */
json_int_t lab_count_behind(void)
{
    struct command_result result;
    json_t *json, *row;
    const char *seen = NULL;
    json_int_t n = 0;
    size_t i;

    command_run(&result, NULL, "check", "--json", NULL);
    json = json_loads(result.out, 0, NULL);
    if (!json)
        fail_msg("%d: %s%s", result.status, result.out, result.err);
    json_array_foreach(json_object_get(json, "findings"), i, row)
    {
        const char *object = lab_text(row, "object");

        if (strcmp(lab_text(row, "code"), "PS-2235") != 0 || (seen && strcmp(seen, object) == 0))
            continue;
        seen = object; /* rows are in the order of the servers */
        n++;
    }
    assert_int_equal(result.status, n > 0 ? 6 : 0);
    json_decref(json);
    command_clear(&result);
    return n;
}

/* Away at once, and nothing else of it changes: its administrator's socket is not where it was. */
void lab_set_away(const struct demo *demo, bool away)
{
    char *here = mem_printf("%s/.s.PGSQL.%d", demo_socket(demo), demo_port(demo));
    char *there = mem_printf("%s/away", demo_socket(demo));

    assert_int_equal(away ? rename(here, there) : rename(there, here), 0);
    free(here);
    free(there);
}
