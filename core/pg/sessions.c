/*
 * sessions.c - one scan of pg_stat_get_activity(): it is what all the views are made of.
 *
 * Three views joined are three scans: twice the time (8 ms against 4.6 ms with 1,000 sessions,
 * PostgreSQL 15), and sessions that come and go in between are seen in one of them only. The columns
 * used here have the same names from PostgreSQL 13 to 18.
 */
#include "config.h"

#include "core/pg/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

enum column {
    COLUMN_PID,
    COLUMN_DATABASE,
    COLUMN_ROLE,
    COLUMN_APPLICATION,
    COLUMN_ADDRESS,
    COLUMN_PORT,
    COLUMN_BACKEND_TYPE,
    COLUMN_STATE,
    COLUMN_START,
    COLUMN_START_TEXT,
    COLUMN_BEFORE_RELOAD,
    COLUMN_SSL,
    COLUMN_VERSION,
    COLUMN_CIPHER,
    COLUMN_BITS,
    COLUMN_CLIENT_DN,
    COLUMN_SERIAL,
    COLUMN_ISSUER_DN,
    COLUMN_GSS_ENCRYPTED,
    COLUMNS
};

/*
 * What may not be seen has backend_type NULL. Of these rows those without a role are the server's own
 * processes; the launcher of logical replication has a role (the first superuser, 10), but neither a
 * database nor a name. Of the rows that may be seen, those without a client_port are processes and
 * parallel workers of the server.
 */
static const char one_scan[] =
    "SELECT a.pid, d.datname, r.rolname, a.application_name, pg_catalog.host(a.client_addr),"
    " a.client_port, a.backend_type, a.state,"
    " pg_catalog.floor(extract(epoch FROM a.backend_start))::bigint, a.backend_start::text,"
    " a.backend_start < pg_catalog.pg_conf_load_time(),"
    " a.ssl, a.sslversion, a.sslcipher, a.sslbits, a.ssl_client_dn, a.ssl_client_serial,"
    " a.ssl_issuer_dn, a.gss_enc"
    " FROM pg_catalog.pg_stat_get_activity(NULL) AS a"
    " LEFT JOIN pg_catalog.pg_database AS d ON d.oid = a.datid"
    " LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.usesysid"
    " WHERE a.client_port IS NOT NULL OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL"
    "  AND NOT (d.oid IS NULL AND a.usesysid = 10 AND a.application_name = ''))"
    " ORDER BY a.backend_start NULLS LAST, a.pid";

const char *session_class_name(enum session_class c)
{
    switch (c) {
    case SESSION_TLS_CERT:
        return "tls-cert";
    case SESSION_TLS:
        return "tls";
    case SESSION_GSS:
        return "gss";
    case SESSION_CLEAR:
        return "clear";
    case SESSION_SOCKET:
        return "socket";
    case SESSION_HIDDEN:
        return "hidden";
    }
    return "hidden";
}

const char *sessions_sql(int server_version)
{
    (void)server_version; /* 13 to 18 are alike; a later one may not be */
    return one_scan;
}

static char *clean(const struct result *result, int row, enum column column)
{
    struct strbuf out = STRBUF_INIT;
    const char *text = result_get(result, row, (int)column);

    if (text)
        text_clean(&out, text, result_len(result, row, (int)column), TEXT_ONE_LINE);
    return strbuf_steal(&out);
}

static char *raw(const struct result *result, int row, enum column column)
{
    const char *text = result_get(result, row, (int)column);

    return mem_strdup(text ? text : "");
}

/* client_port tells: more than 0 is TCP, -1 a socket. What is NULL is not known: never "no". */
static enum session_class classify(const struct result *result, int row)
{
    bool ssl_known = result_get(result, row, COLUMN_SSL) != NULL;

    if (!result_get(result, row, COLUMN_BACKEND_TYPE))
        return SESSION_HIDDEN;
    if (result_int(result, row, COLUMN_PORT, -1) < 0)
        return SESSION_SOCKET;
    if (result_bool(result, row, COLUMN_SSL))
        return result_len(result, row, COLUMN_CLIENT_DN) || result_len(result, row, COLUMN_SERIAL)
                   ? SESSION_TLS_CERT
                   : SESSION_TLS;
    if (result_bool(result, row, COLUMN_GSS_ENCRYPTED))
        return SESSION_GSS;
    return ssl_known ? SESSION_CLEAR : SESSION_HIDDEN;
}

static void session_take(struct session *session, const struct result *result, int row, int own_pid)
{
    session->pid = (int)result_int(result, row, COLUMN_PID, 0);
    session->class = classify(result, row);
    session->database = clean(result, row, COLUMN_DATABASE);
    session->role = clean(result, row, COLUMN_ROLE);
    session->application = clean(result, row, COLUMN_APPLICATION);
    session->address = clean(result, row, COLUMN_ADDRESS);
    session->backend_type = clean(result, row, COLUMN_BACKEND_TYPE);
    session->state = clean(result, row, COLUMN_STATE);
    session->backend_start = result_int(result, row, COLUMN_START, 0);
    session->backend_start_text = raw(result, row, COLUMN_START_TEXT);
    session->version = clean(result, row, COLUMN_VERSION);
    session->cipher = clean(result, row, COLUMN_CIPHER);
    session->bits = (int)result_int(result, row, COLUMN_BITS, 0);
    session->client_dn = clean(result, row, COLUMN_CLIENT_DN);
    session->issuer_dn = clean(result, row, COLUMN_ISSUER_DN);
    session->issuer_dn_raw = raw(result, row, COLUMN_ISSUER_DN);
    session->client_serial = clean(result, row, COLUMN_SERIAL);
    session->own = session->pid == own_pid;
    session->before_reload = result_bool(result, row, COLUMN_BEFORE_RELOAD);
}

bool sessions_from_result(const struct result *result, int server_version, int own_pid,
                          struct sessions *ret, struct err *err)
{
    struct sessions sessions = {.taken_at = clock_now()};

    (void)server_version;
    if (result_columns(result) != COLUMNS)
        return err_set(err, ERR_INTERNAL, _("the list of sessions has %d columns, not %d"),
                       result_columns(result), COLUMNS);
    sessions.n = (size_t)result_rows(result);
    sessions.rows = mem_array(sessions.n + 1, sizeof(*sessions.rows));
    for (size_t i = 0; i < sessions.n; i++) {
        session_take(&sessions.rows[i], result, (int)i, own_pid);
        if (sessions.rows[i].class == SESSION_HIDDEN)
            sessions.hidden++;
    }
    *ret = sessions;
    return true;
}

void sessions_clear(struct sessions *sessions)
{
    for (size_t i = 0; i < sessions->n; i++) {
        struct session *session = &sessions->rows[i];

        free(session->database);
        free(session->role);
        free(session->application);
        free(session->address);
        free(session->backend_type);
        free(session->state);
        free(session->backend_start_text);
        free(session->version);
        free(session->cipher);
        free(session->client_dn);
        free(session->issuer_dn);
        free(session->issuer_dn_raw);
        free(session->client_serial);
    }
    free(sessions->rows);
    memset(sessions, 0, sizeof(*sessions));
}

/* A name cut in the middle of a character, or bytes of another database's encoding, make the whole
 * statement fail where the server has to convert. Without a conversion it passes. */
static struct result *read_unconverted(struct conn *conn, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct result *result = NULL;

    if (!conn_run(conn, "SET client_encoding = 'SQL_ASCII'", err))
        return NULL;
    result = conn_exec(conn, one_scan, 0, NULL, err);
    if (!conn_run(conn, "SET client_encoding = 'UTF8'", result ? err : &ignored)) {
        result_free(result);
        return NULL;
    }
    return result;
}

bool sessions_read(struct conn *conn, struct sessions *ret, struct err *err)
{
    int version = conn_server_version(conn);
    int64_t start_ms = clock_mono_ms();
    struct result *result = conn_exec(conn, sessions_sql(version), 0, NULL, err);
    bool ok = false;

    if (!result && conn_state(conn) == CONN_IDLE && text_starts_with(conn_sqlstate(conn), "22"))
        result = read_unconverted(conn, err);
    if (!result)
        return false;
    ok = sessions_from_result(result, version, conn_backend_pid(conn), ret, err);
    if (ok)
        ret->query_ms = clock_mono_ms() - start_ms;
    result_free(result);
    return ok;
}

/* ---- ends ---- */

static bool explain_end(struct err *err)
{
    if (err->code == ERR_MAY_NOT_CHANGE) {
        err_cause(err, "%s",
                  _("Your role is neither a superuser, nor a member of the session's role or of "
                    "pg_signal_backend."));
        err_hint(err, "%s", _("Ask for: GRANT pg_signal_backend TO your role."));
    }
    return false;
}

bool sessions_end(struct conn *conn, int pid, const char *backend_start_text, bool *ret_ended,
                  struct err *err)
{
    static const char sql[] = "SELECT pg_catalog.pg_terminate_backend(a.pid)"
                              " FROM pg_catalog.pg_stat_get_activity($1::integer) AS a"
                              " WHERE a.backend_start = $2::timestamptz"
                              " AND a.pid <> pg_catalog.pg_backend_pid()";
    char text[16];
    const char *values[] = {text, backend_start_text};
    struct strbuf number = STRBUF_INIT;
    struct result *result = NULL;

    if (pid == conn_backend_pid(conn))
        return err_set(err, ERR_POLICY, _("session %d is pgseal's own"), pid);
    if (!backend_start_text[0])
        return err_set(err, ERR_MAY_NOT_CHANGE, _("session %d may not be seen by your role"), pid);
    strbuf_printf(&number, "%d", pid);
    text_clean_copy(text, sizeof(text), number.data);
    strbuf_clear(&number);
    result = conn_exec(conn, sql, ARRAY_LEN(values), values, err);
    if (!result)
        return explain_end(err);
    *ret_ended = result_bool(result, 0, 0);
    result_free(result);
    return true;
}

/* A name of 63 bytes may have been cut in the middle of a character, which no parameter may hold. */
static char *issuer_prefix(const char *issuer_dn)
{
    const char *at = issuer_dn;
    const char *end = issuer_dn + strlen(issuer_dn);

    while (at < end) {
        const char *before = at;

        if (text_next(&at, end) == 0xfffd && end - before < 4)
            return mem_strndup(issuer_dn, (size_t)(before - issuer_dn));
    }
    return mem_strdup(issuer_dn);
}

bool sessions_end_serial(struct conn *conn, const char *issuer_dn, const char *serial_decimal,
                         int *ret_ended, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.count(*) FROM ("
        " SELECT pg_catalog.pg_terminate_backend(a.pid) AS ended"
        " FROM pg_catalog.pg_stat_get_activity(NULL) AS a"
        " WHERE a.ssl_client_serial = $2::numeric"
        " AND CASE WHEN $3::boolean THEN pg_catalog.starts_with(a.ssl_issuer_dn, $1::text)"
        "  ELSE a.ssl_issuer_dn = $1::text END"
        " AND a.pid <> pg_catalog.pg_backend_pid()) AS e WHERE e.ended";
    char *issuer = NULL;
    const char *values[3] = {NULL, serial_decimal, "false"};
    struct result *result = NULL;

    if (!serial_decimal[0] || serial_decimal[strspn(serial_decimal, "0123456789")])
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not a decimal serial number"),
                       serial_decimal);
    issuer = issuer_prefix(issuer_dn);
    values[0] = issuer;
    if (strlen(issuer) < strlen(issuer_dn))
        values[2] = "true";
    result = conn_exec(conn, sql, ARRAY_LEN(values), values, err);
    free(issuer);
    if (!result)
        return explain_end(err);
    *ret_ended = (int)result_int(result, 0, 0, 0);
    result_free(result);
    return true;
}
