/* pg_sessions.c - rows of pg_stat_get_activity() to sessions: classes, hidden rows, hostile names. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/result.h"
#include "core/pg/sessions.h"

#define COLUMNS 19

/* One row a session; NULL is SQL NULL. */
static struct result *make_result(const char *const (*rows)[COLUMNS], int n)
{
    PGresult *pg = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc columns[COLUMNS];

    memset(columns, 0, sizeof(columns));
    for (int i = 0; i < COLUMNS; i++)
        columns[i].name = mem_printf("c%d", i);
    assert_true(PQsetResultAttrs(pg, COLUMNS, columns));
    for (int i = 0; i < COLUMNS; i++)
        free(columns[i].name);
    for (int row = 0; row < n; row++)
        for (int i = 0; i < COLUMNS; i++) {
            char *value = mem_strdup(rows[row][i]);

            assert_true(PQsetvalue(pg, row, i, value, value ? (int)strlen(value) : -1));
            free(value);
        }
    return result_take(pg);
}

static void read_rows(const char *const (*rows)[COLUMNS], int n, struct sessions *ret)
{
    struct err err = ERR_INIT;
    struct result *result = make_result(rows, n);

    assert_true(sessions_from_result(result, 150000, 20, ret, &err));
    result_free(result);
}

static void each_class_is_told(void **state)
{
    static const char *const rows[][COLUMNS] = {
        {"10", "app", "alice", "psql", "10.0.0.1", "4711", "client backend", "idle",
         "2023-11-14 22:13:20.123456+00", "t", "t", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "256",
         "/CN=alice", "730750818665451459101842416358141509827966271487", "/CN=Acme", "f"},
        {"11", "app", "bob", "", "10.0.0.2", "4711", "client backend", "idle", "x", "f", "t",
         "TLSv1.2", "X", "128", NULL, NULL, NULL, "f"},
        {"12", "app", "gss", "", "10.0.0.2", "4711", "client backend", "idle", "x", "f", "f", NULL,
         NULL, NULL, NULL, NULL, NULL, "t"},
        {"13", NULL, "repl", "", "10.0.0.2", "4711", "walsender", "active", "x", "f", "f", NULL,
         NULL, NULL, NULL, NULL, NULL, "f"},
        {"20", "postgres", "admin", "pgseal", NULL, "-1", "client backend", "active", "x", "f", "f",
         NULL, NULL, NULL, NULL, NULL, NULL, "f"},
        /* the same row as 10, seen by a role without rights */
        {"15", "app", "alice", "psql", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         NULL, NULL, NULL, NULL, NULL},
        /* seen in part only: not known is not "clear" */
        {"16", "app", "alice", "psql", "10.0.0.1", "1", "client backend", "idle", "x", "f", NULL,
         NULL, NULL, NULL, NULL, NULL, NULL, NULL},
        /* a certificate without a name */
        {"17", "app", "alice", "psql", "::1", "1", "client backend", "idle", "x", "f", "t",
         "TLSv1.3", "X", "256", "", "5", "/CN=Acme", "f"},
    };
    static const enum session_class expected[] = {
        SESSION_TLS_CERT, SESSION_TLS,    SESSION_GSS,    SESSION_CLEAR,
        SESSION_SOCKET,   SESSION_HIDDEN, SESSION_HIDDEN, SESSION_TLS_CERT,
    };
    struct sessions sessions;

    (void)state;
    read_rows(rows, 8, &sessions);
    assert_int_equal(sessions.n, 8);
    assert_int_equal(sessions.hidden, 2);
    for (size_t i = 0; i < sessions.n; i++) {
        assert_int_equal(sessions.rows[i].class, expected[i]);
        assert_int_equal(sessions.rows[i].own, sessions.rows[i].pid == 20);
    }
    assert_int_equal(sessions.rows[0].backend_start, 1700000000);
    assert_string_equal(sessions.rows[0].backend_start_text, "2023-11-14 22:13:20.123456+00");
    assert_true(sessions.rows[0].before_reload);
    assert_false(sessions.rows[1].before_reload);
    assert_int_equal(sessions.rows[0].bits, 256);
    assert_string_equal(sessions.rows[0].client_serial,
                        "730750818665451459101842416358141509827966271487");
    assert_string_equal(sessions.rows[3].database, "");
    assert_string_equal(sessions.rows[5].role, "alice");
    assert_string_equal(sessions.rows[5].backend_start_text, "");
    sessions_clear(&sessions);
    assert_int_equal(sessions.n, 0);
}

/* Not sessions: counted at the one they work for. One whose leader is gone is not counted at all. */
static void workers_are_folded(void **state)
{
    static const char *const rows[][COLUMNS] = {
        {"30", "app", "alice", "", NULL, NULL, "parallel worker", "active",
         "2024-02-29 23:59:59+00", "f", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "10"},
        {"10", "app", "alice", "psql", "10.0.0.1", "4711", "client backend", "active",
         "2024-03-01 00:00:00.5+00", "f", "f", NULL, NULL, NULL, NULL, NULL, NULL, "f"},
        {"31", "app", "alice", "", NULL, NULL, "parallel worker", "active", "x", "f", NULL, NULL,
         NULL, NULL, NULL, NULL, NULL, NULL, "10"},
        {"32", "app", "alice", "", NULL, NULL, "parallel worker", "active", "x", "f", NULL, NULL,
         NULL, NULL, NULL, NULL, NULL, NULL, "99"},
    };
    struct sessions sessions;

    (void)state;
    read_rows(rows, 4, &sessions);
    assert_int_equal(sessions.n, 1);
    assert_int_equal(sessions.hidden, 0);
    assert_int_equal(sessions.rows[0].workers, 2);
    assert_int_equal(sessions.rows[0].class, SESSION_CLEAR);
    assert_int_equal(sessions.rows[0].backend_start, 1709251200);
    assert_int_equal(sessions.rows[0].start_us, INT64_C(1709251200500000));
    sessions_clear(&sessions);
}

/* The right to ask for, and never a name that is not the role's. */
static void a_grant_names_the_role(void **state)
{
    struct sessions_rights rights = {.role = "ops\"; DROP"};
    struct strbuf out = STRBUF_INIT;

    (void)state;
    sessions_rights_grant(&rights, &out);
    assert_string_equal(out.data, "GRANT pg_read_all_stats TO \"ops\"\"; DROP\"");
    strbuf_reset(&out);
    text_clean_copy(rights.role, sizeof(rights.role), "o\x1bps");
    sessions_rights_grant(&rights, &out);
    assert_string_equal(out.data, "GRANT pg_read_all_stats TO CURRENT_USER");
    strbuf_clear(&out);
}

static void hostile_names_are_cleaned_and_kept_raw(void **state)
{
    /* an escape, a newline, a bidi override, and a name cut in the middle of a character */
    static const char dirty[] = "a\x1b]0;x\x07\nb\xe2\x80\xae";
    static const char cut[] = "/O=Zentralstelle/CN=Z\xc3";
    static const char *const rows[][COLUMNS] = {
        {"10", dirty, dirty, dirty, "10.0.0.1", "4711", "client backend", "idle", "x", "f", "t",
         dirty, dirty, "256", dirty, "7", cut, "f"},
    };
    struct sessions sessions;
    const struct session *session = NULL;

    (void)state;
    read_rows(rows, 1, &sessions);
    session = &sessions.rows[0];
    assert_true(text_is_clean(session->database));
    assert_true(text_is_clean(session->role));
    assert_true(text_is_clean(session->application));
    assert_true(text_is_clean(session->version));
    assert_true(text_is_clean(session->cipher));
    assert_true(text_is_clean(session->client_dn));
    assert_true(text_is_clean(session->issuer_dn));
    assert_null(strchr(session->role, '\n'));
    assert_string_equal(session->issuer_dn, "/O=Zentralstelle/CN=Z\xef\xbf\xbd");
    assert_string_equal(session->issuer_dn_raw, cut);
    sessions_clear(&sessions);
}

static void another_shape_is_an_error(void **state)
{
    struct err err = ERR_INIT;
    struct sessions sessions;
    struct result *result = result_take(PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK));

    (void)state;
    assert_false(sessions_from_result(result, 150000, 1, &sessions, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    result_free(result);
}

static void classes_have_names(void **state)
{
    (void)state;
    assert_string_equal(session_class_name(SESSION_TLS_CERT), "tls-cert");
    assert_string_equal(session_class_name(SESSION_HIDDEN), "hidden");
}

static void values_are_read_with_care(void **state)
{
    static const char *const rows[][COLUMNS] = {
        {"12", "x", "\\x00ff0a", "\\x0", "\\xzz", "t", "f", NULL, "99999999999999999999", ""},
    };
    struct result *result = make_result(rows, 1);
    struct strbuf out = STRBUF_INIT;

    (void)state;
    assert_int_equal(result_int(result, 0, 0, -1), 12);
    assert_int_equal(result_int(result, 0, 1, -1), -1);
    assert_int_equal(result_int(result, 0, 7, -2), -2);
    assert_int_equal(result_int(result, 0, 8, -3), -3);
    assert_true(result_bytes(result, 0, 2, &out));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "\0\xff\n", 3);
    assert_false(result_bytes(result, 0, 3, &out));
    assert_false(result_bytes(result, 0, 4, &out));
    assert_false(result_bytes(result, 0, 7, &out));
    assert_int_equal(out.len, 3);
    assert_true(result_bool(result, 0, 5));
    assert_false(result_bool(result, 0, 6));
    assert_false(result_bool(result, 0, 7));
    assert_null(result_get(result, 1, 0));
    assert_null(result_get(result, 0, COLUMNS));
    assert_null(result_get(result, -1, 0));
    strbuf_clear(&out);
    result_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_is_told),
        cmocka_unit_test(workers_are_folded),
        cmocka_unit_test(a_grant_names_the_role),
        cmocka_unit_test(hostile_names_are_cleaned_and_kept_raw),
        cmocka_unit_test(another_shape_is_an_error),
        cmocka_unit_test(classes_have_names),
        cmocka_unit_test(values_are_read_with_care),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
