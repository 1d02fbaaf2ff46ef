/* server.c - connections, settings, sessions and roles on a real PostgreSQL, with hostile surroundings. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/roles.h"
#include "core/pg/sessions.h"
#include "core/pg/settings.h"
#include "tests/harness/pg.h"
#include "tests/pg/need_pg.h"

static const struct session *find_pid(const struct sessions *sessions, int pid)
{
    for (size_t i = 0; i < sessions->n; i++)
        if (sessions->rows[i].pid == pid)
            return &sessions->rows[i];
    fail_msg("session %d is not in the list", pid);
    abort();
}

static void read_sessions(struct conn *conn, struct sessions *ret)
{
    struct err err = ERR_INIT;

    if (!sessions_read(conn, ret, &err))
        fail_msg("sessions: PS-%d %s", (int)err.code, err.msg);
}

/* ---- connections ---- */

static void the_first_statement_makes_the_session_ours(void **state)
{
    static const struct {
        const char *sql, *expected;
    } rows[] = {
        {"SHOW search_path", "pg_catalog"},
        {"SHOW client_encoding", "UTF8"},
        {"SHOW datestyle", "ISO, YMD"},
        {"SHOW timezone", "UTC"},
        {"SHOW bytea_output", "hex"},
        {"SHOW standard_conforming_strings", "on"},
        {"SHOW application_name", "pgseal"},
        /* unqualified on purpose: the hostile one would answer */
        {"SELECT count(*) FROM pg_stat_get_activity(NULL) WHERE format('%s', 'x', 'y') = 'evil'",
         "0"},
    };
    struct pg *pg = *state;
    struct conn *conn = NULL;

    pg_run(pg->admin, "CREATE ROLE hostile LOGIN SUPERUSER");
    pg_run(pg->admin, "ALTER ROLE hostile SET search_path = public, pg_catalog");
    pg_run(pg->admin, "ALTER ROLE hostile SET client_encoding = 'LATIN1'");
    pg_run(pg->admin, "ALTER ROLE hostile SET datestyle = 'German'");
    pg_run(pg->admin, "ALTER ROLE hostile SET timezone = 'Asia/Kathmandu'");
    pg_run(pg->admin, "ALTER ROLE hostile SET bytea_output = 'escape'");
    pg_run(pg->admin, "ALTER ROLE hostile SET standard_conforming_strings = 'off'");
    pg_run(pg->admin, "CREATE FUNCTION public.format(text, text, text) RETURNS text LANGUAGE sql "
                      "AS $$ SELECT 'evil'::text $$");
    pg_rules(pg, "local all hostile trust\n");
    conn = pg_connect(pg, "user=hostile");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *value = pg_ask(conn, rows[i].sql);

        assert_string_equal(value, rows[i].expected);
        free(value);
    }
    conn_close(conn);
}

static void hostile_functions_are_not_called(void **state)
{
    struct pg *pg = *state;
    struct sessions sessions;
    struct settings settings;
    struct role_rights rights;
    struct err err = ERR_INIT;
    struct conn *conn = NULL;
    char *called = NULL;

    pg_run(pg->admin, "CREATE TABLE public.called (name text)");
    pg_run(pg->admin, "GRANT ALL ON public.called TO PUBLIC");
    pg_run(pg->admin,
           "CREATE FUNCTION public.pg_conf_load_time() RETURNS timestamptz LANGUAGE plpgsql AS "
           "$$ BEGIN INSERT INTO public.called VALUES ('time'); RETURN pg_catalog.now(); END $$");
    pg_run(pg->admin,
           "CREATE FUNCTION public.has_function_privilege(text, text) RETURNS boolean LANGUAGE "
           "plpgsql AS $$ BEGIN INSERT INTO public.called VALUES ('may'); RETURN true; END $$");
    pg_run(pg->admin, "CREATE VIEW public.pg_settings AS SELECT 'ssl'::text AS name");
    conn = pg_connect(pg, "user=hostile");
    read_sessions(conn, &sessions);
    sessions_clear(&sessions);
    assert_true(settings_read(conn, &settings, &err));
    assert_string_equal(settings_value(&settings, "ssl"), "off");
    settings_clear(&settings);
    assert_true(settings_reload(conn, &err));
    assert_true(roles_own_rights(conn, &rights, &err));
    assert_string_equal(rights.name, "hostile");
    called = pg_ask(pg->admin, "SELECT count(*) FROM public.called");
    assert_string_equal(called, "0");
    free(called);
    conn_close(conn);
    pg_run(pg->admin, "DROP TABLE public.called");
    pg_run(pg->admin, "DROP VIEW public.pg_settings");
    pg_run(pg->admin, "DROP FUNCTION public.pg_conf_load_time()");
    pg_run(pg->admin, "DROP FUNCTION public.has_function_privilege(text, text)");
}

static void refused_logins_say_why(void **state)
{
    struct pg *pg = *state;
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(pg->demo), &err);
    struct secret *password = secret_new(64);
    bool needs_password = false;
    struct conn_options options = {.ret_needs_password = &needs_password};

    assert_null(pg_open(pg, "dbname=nowhere", &err));
    assert_int_equal(err.code, ERR_LOGIN);
    assert_non_null(strstr(err.msg, "3D000"));
    assert_null(pg_open(pg, "user=ghost", &err));
    assert_int_equal(err.code, ERR_LOGIN);
    assert_non_null(strstr(err.msg, "28000"));

    pg_run(pg->admin, "CREATE ROLE carol LOGIN PASSWORD 'right'");
    pg_rules(pg, "local all carol scram-sha-256\n");
    params_set(params, "user", "carol");
    params_set(params, "passfile", "/no/such/file");
    assert_null(conn_open(params, &options, &err));
    assert_int_equal(err.code, ERR_LOGIN);
    assert_true(needs_password);

    needs_password = false;
    assert_true(secret_set(password, "wrong", 5));
    options.password = password;
    assert_null(conn_open(params, &options, &err));
    assert_int_equal(err.code, ERR_LOGIN);
    assert_true(needs_password);
    assert_null(strstr(err.msg, "wrong"));

    assert_true(secret_set(password, "right", 5));
    conn_close(conn_open(params, &options, &err));
    params_free(params);
    secret_free(password);
}

static void a_frozen_server_costs_the_deadline(void **state)
{
    struct pg *pg = *state;
    struct err err = ERR_INIT;
    struct conn *conn = pg_connect(pg, "");
    struct params *params = params_parse(demo_admin_conninfo(pg->demo), &err);
    struct conn_options options = {.connect_timeout_ms = 300};
    int64_t start = 0;

    assert_true(demo_freeze(pg->demo, true, &err));
    start = clock_mono_ms();
    assert_null(conn_open(params, &options, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_in_range(clock_mono_ms() - start, 290, 2000);

    start = clock_mono_ms();
    assert_true(conn_send(conn, "SELECT 1", 0, NULL, start + 300, &err));
    assert_false(conn_wait(conn, start + 300, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_in_range(clock_mono_ms() - start, 290, 2000);
    start = clock_mono_ms();
    conn_close(conn);
    assert_in_range(clock_mono_ms() - start, 0, 200); /* goodbyes do not wait either */
    assert_true(demo_freeze(pg->demo, false, &err));
    params_free(params);
}

static void facts_of_a_connection(void **state)
{
    struct pg *pg = *state;
    struct err err = ERR_INIT;
    char identifier[32];
    char *expected = pg_ask(pg->admin, "SELECT system_identifier FROM pg_control_system()");
    char *pid = pg_ask(pg->admin, "SELECT pg_backend_pid()");

    assert_true(conn_system_identifier(pg->admin, identifier, &err));
    assert_string_equal(identifier, expected);
    assert_int_equal(conn_backend_pid(pg->admin), atoi(pid));
    assert_true(conn_server_version(pg->admin) >= 130000);
    assert_false(conn_uses_tls(pg->admin));
    assert_string_equal(conn_parameter(pg->admin, "client_encoding"), "UTF8");
    free(expected);
    free(pid);

    pg_run(pg->admin, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    pg_run(pg->admin, "CREATE ROLE nobody LOGIN");
    pg_rules(pg, "local all all trust\n");
    {
        struct conn *conn = pg_connect(pg, "user=nobody dbname=postgres");

        assert_true(conn_system_identifier(conn, identifier, &err));
        assert_string_equal(identifier, "");
        conn_close(conn);
    }
    pg_run(pg->admin, "GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC");
}

/* ---- settings ---- */

static void settings_are_changed_and_taken_back(void **state)
{
    static const char odd[] = "it's \\ a \"path\"";
    struct pg *pg = *state;
    struct settings settings;
    struct err err = ERR_INIT;
    const struct setting *setting = NULL;

    assert_true(settings_read(pg->admin, &settings, &err));
    assert_string_equal(settings.data_directory, demo_data(pg->demo));
    assert_true(settings.hba_file[0] && settings.config_file[0] && settings.ident_file[0]);
    setting = settings_get(&settings, "ssl_ca_file");
    assert_non_null(setting);
    assert_false(setting->in_auto_conf);
    assert_null(settings_get(&settings, "work_mem"));
    assert_string_equal(settings_value(&settings, "work_mem"), "");
    settings_clear(&settings);

    assert_true(settings_alter(pg->admin, "ssl_ca_file", odd, &err));
    assert_true(settings_reload(pg->admin, &err));
    assert_true(settings_read(pg->admin, &settings, &err));
    setting = settings_get(&settings, "ssl_ca_file");
    assert_string_equal(setting->value, odd);
    assert_string_equal(setting->auto_value, odd);
    assert_true(setting->in_auto_conf);
    assert_string_equal(setting->source, "configuration file");
    settings_clear(&settings);

    assert_true(settings_reset(pg->admin, "ssl_ca_file", &err));
    assert_true(settings_reload(pg->admin, &err));
    assert_true(settings_read(pg->admin, &settings, &err));
    setting = settings_get(&settings, "ssl_ca_file");
    assert_string_equal(setting->value, "");
    assert_false(setting->in_auto_conf);
    settings_clear(&settings);
}

static void settings_that_cannot_be_changed_are_told(void **state)
{
    struct pg *pg = *state;
    struct err err = ERR_INIT;
    struct settings settings;
    struct conn *conn = NULL;

    assert_false(settings_alter(pg->admin, "ssl; DROP", "1", &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    assert_false(settings_alter(pg->admin, "ssl", "maybe", &err));
    assert_int_equal(err.code, ERR_QUERY);
    assert_non_null(strstr(err.msg, "ssl"));

    conn = pg_connect(pg, "user=nobody dbname=postgres");
    assert_false(settings_alter(conn, "ssl", "on", &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    assert_non_null(strstr(err.hint, "ON PARAMETER ssl"));
    assert_false(settings_reload(conn, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    assert_true(settings_read(conn, &settings, &err));
    assert_string_equal(settings.data_directory, "");
    assert_string_equal(settings_value(&settings, "ssl"), "off");
    settings_clear(&settings);
    conn_close(conn);
}

static void a_broken_configuration_is_not_reloaded(void **state)
{
    static const char broken[] = "port = 'unfinished\n";
    struct pg *pg = *state;
    struct err err = ERR_INIT;
    struct strbuf good = STRBUF_INIT;
    struct strbuf bad = STRBUF_INIT;
    char *path = pg_data_path(pg, "postgresql.conf");

    assert_true(fs_read(path, 1 << 20, &good, &err));
    strbuf_add(&bad, good.data, good.len);
    strbuf_add_str(&bad, broken);
    pg_write_file(pg, path, bad.data, bad.len, 0600);
    assert_false(settings_reload(pg->admin, &err));
    assert_int_equal(err.code, ERR_RELOAD_REFUSED);
    assert_non_null(strstr(err.cause, "postgresql.conf"));
    pg_write_file(pg, path, good.data, good.len, 0600);
    assert_true(settings_reload(pg->admin, &err));
    strbuf_clear(&good);
    strbuf_clear(&bad);
    free(path);
}

/* ---- roles ---- */

static void roles_are_looked_up(void **state)
{
    struct pg *pg = *state;
    struct err err = ERR_INIT;
    struct role_info info;
    struct role_rights rights;
    struct conn *conn = NULL;
    char **names = NULL;
    size_t n = 0;

    pg_run(pg->admin, "CREATE ROLE \"\"\"; DROP ROLE x\" NOLOGIN");
    pg_run(pg->admin, "CREATE ROLE a_group NOLOGIN");
    pg_run(pg->admin, "GRANT a_group TO \"\"\"; DROP ROLE x\"");
    pg_run(pg->admin, "GRANT \"\"\"; DROP ROLE x\" TO nobody");
    assert_true(roles_look_up(pg->admin, "\"; DROP ROLE x", &info, &err));
    assert_true(info.exists);
    assert_false(info.can_login || info.superuser);
    assert_true(roles_look_up(pg->admin, "admin", &info, &err));
    assert_true(info.exists && info.can_login && info.superuser);
    assert_true(roles_look_up(pg->admin, "Admin", &info, &err));
    assert_false(info.exists);

    assert_true(roles_member_of(pg->admin, "nobody", &names, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "\"; DROP ROLE x");
    assert_string_equal(names[1], "a_group");
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);

    assert_true(roles_own_rights(pg->admin, &rights, &err));
    assert_true(rights.superuser && rights.may_see_all_sessions && rights.may_write_files);
    conn = pg_connect(pg, "user=nobody dbname=postgres");
    assert_true(roles_own_rights(conn, &rights, &err));
    assert_string_equal(rights.name, "nobody");
    assert_false(rights.superuser || rights.may_see_all_sessions || rights.may_write_files);
    conn_close(conn);
}

/* ---- sessions ---- */

static void the_superuser_sees_all(void **state)
{
    struct pg *pg = *state;
    struct sessions sessions;
    struct conn *conn = pg_connect(pg, "user=nobody dbname=postgres application_name=other");
    const struct session *session = NULL;

    read_sessions(pg->admin, &sessions);
    assert_int_equal(sessions.hidden, 0);
    session = find_pid(&sessions, conn_backend_pid(conn));
    assert_int_equal(session->class, SESSION_SOCKET);
    assert_string_equal(session->role, "nobody");
    assert_string_equal(session->database, "postgres");
    assert_string_equal(session->application, "other");
    assert_string_equal(session->backend_type, "client backend");
    assert_false(session->own);
    assert_true(session->backend_start > 1700000000);
    session = find_pid(&sessions, conn_backend_pid(pg->admin));
    assert_true(session->own);
    for (size_t i = 0; i < sessions.n; i++) /* no checkpointer, no launcher */
        assert_string_equal(sessions.rows[i].backend_type, "client backend");
    sessions_clear(&sessions);
    conn_close(conn);
}

static void what_is_hidden_is_counted_and_never_called_clear(void **state)
{
    struct pg *pg = *state;
    struct sessions sessions;
    struct conn *conn = pg_connect(pg, "user=nobody dbname=postgres");
    struct conn *tcp = NULL;
    char *changes =
        mem_printf("host=127.0.0.1 port=%d user=hostile dbname=postgres", demo_port(pg->demo));
    const struct session *session = NULL;

    pg_rules(pg, "local all all trust\nhost all hostile 127.0.0.1/32 trust\n");
    tcp = pg_connect(pg, changes);
    read_sessions(conn, &sessions);
    session = find_pid(&sessions, conn_backend_pid(tcp));
    assert_int_equal(session->class, SESSION_HIDDEN);
    assert_string_equal(session->role, "hostile");
    assert_string_equal(session->application, "pgseal");
    assert_string_equal(session->backend_start_text, "");
    session = find_pid(&sessions, conn_backend_pid(conn));
    assert_int_equal(session->class, SESSION_SOCKET);
    assert_int_equal(sessions.hidden,
                     2); /* tcp and the admin; none of the server's own processes */
    assert_int_equal(sessions.n, 3);
    sessions_clear(&sessions);

    read_sessions(pg->admin, &sessions);
    session = find_pid(&sessions, conn_backend_pid(tcp));
    assert_int_equal(session->class, SESSION_CLEAR);
    assert_string_equal(session->address, "127.0.0.1");
    sessions_clear(&sessions);

    pg_run(pg->admin, "GRANT pg_read_all_stats TO nobody");
    read_sessions(conn, &sessions);
    assert_int_equal(sessions.hidden, 0);
    sessions_clear(&sessions);
    pg_run(pg->admin, "REVOKE pg_read_all_stats FROM nobody");
    conn_close(tcp);
    conn_close(conn);
    free(changes);
}

static void before_and_after_a_reload(void **state)
{
    struct pg *pg = *state;
    struct sessions sessions;
    struct conn *before = pg_connect(pg, "user=nobody dbname=postgres");
    struct conn *after = NULL;
    struct err err = ERR_INIT;

    assert_true(settings_reload(pg->admin, &err));
    after = pg_connect(pg, "user=nobody dbname=postgres");
    read_sessions(pg->admin, &sessions);
    assert_true(find_pid(&sessions, conn_backend_pid(before))->before_reload);
    assert_false(find_pid(&sessions, conn_backend_pid(after))->before_reload);
    sessions_clear(&sessions);
    conn_close(before);
    conn_close(after);
}

static void a_session_is_ended_once_and_only_it(void **state)
{
    struct pg *pg = *state;
    struct sessions sessions;
    struct err err = ERR_INIT;
    struct conn *victim = pg_connect(pg, "user=hostile dbname=postgres");
    struct conn *nobody = pg_connect(pg, "user=nobody dbname=postgres");
    const struct session *session = NULL;
    bool ended = true;
    int n = -1;

    read_sessions(pg->admin, &sessions);
    session = find_pid(&sessions, conn_backend_pid(victim));
    /* the number was used again by another session meanwhile */
    assert_true(sessions_end(pg->admin, session->pid, "2001-01-01 00:00:00+00", &ended, &err));
    assert_false(ended);
    assert_false(sessions_end(nobody, session->pid, "", &ended, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    /* as somebody who may see it but not end it */
    pg_run(pg->admin, "GRANT pg_read_all_stats TO nobody");
    assert_false(sessions_end(nobody, session->pid, session->backend_start_text, &ended, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    pg_run(pg->admin, "REVOKE pg_read_all_stats FROM nobody");
    assert_false(sessions_end(pg->admin, conn_backend_pid(pg->admin), "x", &ended, &err));
    assert_int_equal(err.code, ERR_POLICY);
    assert_true(sessions_end(pg->admin, session->pid, session->backend_start_text, &ended, &err));
    assert_true(ended);
    assert_false(conn_run(victim, "SELECT pg_sleep(5)", &err));
    assert_int_equal(err.code, ERR_CONNECTION_LOST);
    assert_non_null(strstr(err.msg, "57P01"));
    sessions_clear(&sessions);

    assert_true(sessions_end_serial(pg->admin, "/CN=Nobody\xc3", "12345", &n, &err));
    assert_int_equal(n, 0);
    assert_false(sessions_end_serial(pg->admin, "/CN=Nobody", "0x1", &n, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    conn_close(victim);
    conn_close(nobody);
}

static void other_encodings(void **state)
{
    static const char *const encodings[] = {"LATIN1", "SQL_ASCII", "EUC_JP"};
    struct pg *pg = *state;

    pg_run(pg->admin, "CREATE ROLE \"j\xc3\xbcrgen\" LOGIN");
    pg_run(pg->admin, "CREATE DATABASE \"caf\xc3\xa9\"");
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        char *sql = mem_printf("CREATE DATABASE other%zu TEMPLATE template0 ENCODING '%s' "
                               "LC_COLLATE 'C' LC_CTYPE 'C'",
                               i, encodings[i]);
        char *changes = mem_printf("user=admin dbname=other%zu", i);
        struct conn *away = NULL;
        struct conn *conn = NULL;
        struct sessions sessions;
        const struct session *session = NULL;

        pg_run(pg->admin, sql);
        away = pg_connect(pg, "user='j\xc3\xbcrgen' dbname='caf\xc3\xa9'");
        conn = pg_connect(pg, changes);
        read_sessions(conn, &sessions);
        session = find_pid(&sessions, conn_backend_pid(away));
        assert_true(text_is_clean(session->role) && text_is_clean(session->database));
        assert_int_equal(session->class, SESSION_SOCKET);
        sessions_clear(&sessions);
        read_sessions(pg->admin, &sessions);
        assert_string_equal(find_pid(&sessions, conn_backend_pid(away))->role, "j\xc3\xbcrgen");
        sessions_clear(&sessions);
        conn_close(away);
        conn_close(conn);
        free(sql);
        free(changes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_statement_makes_the_session_ours),
        cmocka_unit_test(hostile_functions_are_not_called),
        cmocka_unit_test(refused_logins_say_why),
        cmocka_unit_test(a_frozen_server_costs_the_deadline),
        cmocka_unit_test(facts_of_a_connection),
        cmocka_unit_test(settings_are_changed_and_taken_back),
        cmocka_unit_test(settings_that_cannot_be_changed_are_told),
        cmocka_unit_test(a_broken_configuration_is_not_reloaded),
        cmocka_unit_test(roles_are_looked_up),
        cmocka_unit_test(the_superuser_sees_all),
        cmocka_unit_test(what_is_hidden_is_counted_and_never_called_clear),
        cmocka_unit_test(before_and_after_a_reload),
        cmocka_unit_test(a_session_is_ended_once_and_only_it),
        cmocka_unit_test(other_encodings),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
