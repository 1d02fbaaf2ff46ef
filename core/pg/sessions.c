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
    COLUMN_BEFORE_RELOAD,
    COLUMN_SSL,
    COLUMN_VERSION,
    COLUMN_CIPHER,
    COLUMN_BITS,
    COLUMN_CLIENT_DN,
    COLUMN_SERIAL,
    COLUMN_ISSUER_DN,
    COLUMN_GSS_ENCRYPTED,
    COLUMN_LEADER,
    COLUMNS
};

/*
 * What may not be seen has backend_type NULL. Of these rows those without a role are the server's own
 * processes; the launcher of logical replication has a role (the first superuser, 10), but neither a
 * database nor a name. Of the rows that may be seen, those without a client_port are processes of the
 * server; of these only parallel workers are asked for, to be counted at their leader.
 */
static const char one_scan[] =
    "SELECT a.pid, d.datname, r.rolname, a.application_name, pg_catalog.host(a.client_addr),"
    " a.client_port, a.backend_type, a.state, a.backend_start,"
    " a.backend_start < pg_catalog.pg_conf_load_time(),"
    " a.ssl, a.sslversion, a.sslcipher, a.sslbits, a.ssl_client_dn, a.ssl_client_serial,"
    " a.ssl_issuer_dn, a.gss_enc, a.leader_pid"
    " FROM pg_catalog.pg_stat_get_activity(NULL) AS a"
    " LEFT JOIN pg_catalog.pg_database AS d ON d.oid = a.datid"
    " LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.usesysid"
    " WHERE a.client_port IS NOT NULL OR a.backend_type = 'parallel worker'"
    "  OR (a.backend_type IS NULL AND a.usesysid IS NOT NULL"
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

/* ---- strings of a snapshot ---- */

#define BLOCK_SIZE 32768

struct sessions_text {
    struct sessions_text *next;
    size_t used, size;
    char bytes[];
};

struct reader { /* of one result */
    const struct result *result;
    struct sessions_text *text; /* the block that is filled now */
    /* Of the last row that had a value: the next one is often the same (cipher, database, CA). */
    const char *last_raw[COLUMNS], *last_clean[COLUMNS];
    size_t last_len[COLUMNS];
};

static char *text_room(struct reader *reader, size_t len)
{
    struct sessions_text *block = reader->text;
    char *at;

    if (!block || block->size - block->used < len) {
        size_t size = len > BLOCK_SIZE ? len : BLOCK_SIZE;

        block = mem_zalloc(sizeof(*block) + size);
        block->size = size;
        block->next = reader->text;
        reader->text = block;
    }
    at = block->bytes + block->used;
    block->used += len;
    return at;
}

static const char *copy_text(struct reader *reader, const char *text, size_t len)
{
    char *copy = text_room(reader, len + 1);

    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

static bool is_plain_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c >= 0x7f)
            return false;
    }
    return true;
}

static const char *clean_text(struct reader *reader, const char *text, size_t len)
{
    struct strbuf out = STRBUF_INIT;
    const char *copy;

    text_clean(&out, text, len, TEXT_ONE_LINE);
    copy = copy_text(reader, out.data, out.len);
    strbuf_clear(&out);
    return copy;
}

static const char *clean(struct reader *reader, int row, enum column column)
{
    const char *raw = result_get(reader->result, row, (int)column);
    size_t len = result_len(reader->result, row, (int)column);

    if (!raw || len == 0)
        return "";
    if (reader->last_raw[column] && reader->last_len[column] == len &&
        memcmp(reader->last_raw[column], raw, len) == 0)
        return reader->last_clean[column];
    reader->last_raw[column] = raw;
    reader->last_len[column] = len;
    reader->last_clean[column] =
        is_plain_ascii(raw, len) ? copy_text(reader, raw, len) : clean_text(reader, raw, len);
    return reader->last_clean[column];
}

static void text_free(struct sessions_text *text)
{
    while (text) {
        struct sessions_text *next = text->next;

        free(text);
        text = next;
    }
}

/* ---- rows ---- */

static bool digits(const char **at, int n, int *ret)
{
    int value = 0;

    for (int i = 0; i < n; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (**at - '0');
    }
    *ret = value;
    return true;
}

/* "2026-11-21 18:00:00.123456+00", as DateStyle ISO and TimeZone UTC write it, in microseconds;
 * else 0. */
static int64_t parse_start(const char *text)
{
    int year, month, day, hour, minute, second;
    int64_t micro = 0;
    int64_t y, days;

    if (!digits(&text, 4, &year) || *text++ != '-' || !digits(&text, 2, &month) || *text++ != '-' ||
        !digits(&text, 2, &day) || *text++ != ' ' || !digits(&text, 2, &hour) || *text++ != ':' ||
        !digits(&text, 2, &minute) || *text++ != ':' || !digits(&text, 2, &second) || month < 1 ||
        month > 12)
        return 0;
    /* Days since 1970 in the civil calendar, years beginning in March. */
    y = month <= 2 ? year - 1 : year;
    days = 365 * y + y / 4 - y / 100 + y / 400 +
           (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1 - 719468;
    if (*text == '.')
        text++;
    for (int64_t unit = 100000; *text >= '0' && *text <= '9' && unit > 0; text++, unit /= 10)
        micro += (*text - '0') * unit;
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000000 + micro;
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

static void session_take(struct session *session, struct reader *reader, int row, int own_pid)
{
    const struct result *result = reader->result;

    session->pid = (int)result_int(result, row, COLUMN_PID, 0);
    session->class = classify(result, row);
    session->database = clean(reader, row, COLUMN_DATABASE);
    session->role = clean(reader, row, COLUMN_ROLE);
    session->application = clean(reader, row, COLUMN_APPLICATION);
    session->address = clean(reader, row, COLUMN_ADDRESS);
    session->backend_type = clean(reader, row, COLUMN_BACKEND_TYPE);
    session->state = clean(reader, row, COLUMN_STATE);
    session->backend_start_text = clean(reader, row, COLUMN_START);
    session->start_us = parse_start(session->backend_start_text);
    session->backend_start = session->start_us / 1000000;
    session->version = clean(reader, row, COLUMN_VERSION);
    session->cipher = clean(reader, row, COLUMN_CIPHER);
    session->bits = (int)result_int(result, row, COLUMN_BITS, 0);
    session->client_dn = clean(reader, row, COLUMN_CLIENT_DN);
    session->issuer_dn = clean(reader, row, COLUMN_ISSUER_DN);
    session->issuer_dn_raw = session->issuer_dn;
    if (!is_plain_ascii(session->issuer_dn, strlen(session->issuer_dn)))
        session->issuer_dn_raw = copy_text(reader, result_get(result, row, COLUMN_ISSUER_DN),
                                           result_len(result, row, COLUMN_ISSUER_DN));
    session->client_serial = clean(reader, row, COLUMN_SERIAL);
    session->own = session->pid == own_pid;
    session->before_reload = result_bool(result, row, COLUMN_BEFORE_RELOAD);
}

static bool is_worker(const struct result *result, int row)
{
    return result_get(result, row, COLUMN_BACKEND_TYPE) && !result_get(result, row, COLUMN_PORT);
}

static void count_worker(struct sessions *sessions, int leader)
{
    for (size_t i = 0; i < sessions->n; i++)
        if (sessions->rows[i].pid == leader)
            sessions->rows[i].workers++;
}

bool sessions_are_in(const struct result *result)
{
    return result_columns(result) == COLUMNS;
}

bool sessions_from_result(const struct result *result, int server_version, int own_pid,
                          struct sessions *ret, struct err *err)
{
    struct sessions sessions = {.taken_at = clock_now()};
    struct reader reader = {.result = result};
    int n = result_rows(result);
    int workers = 0;

    (void)server_version;
    if (!sessions_are_in(result))
        return err_set(err, ERR_INTERNAL, _("the list of sessions has %d columns, not %d"),
                       result_columns(result), COLUMNS);
    sessions.rows = mem_array((size_t)n + 1, sizeof(*sessions.rows));
    for (int i = 0; i < n; i++) {
        struct session *session = &sessions.rows[sessions.n];

        if (is_worker(result, i)) {
            workers++;
            continue;
        }
        session_take(session, &reader, i, own_pid);
        sessions.n++;
        if (session->class == SESSION_HIDDEN)
            sessions.hidden++;
    }
    for (int i = 0; workers > 0 && i < n; i++)
        if (is_worker(result, i))
            count_worker(&sessions, (int)result_int(result, i, COLUMN_LEADER, 0));
    sessions.text = reader.text;
    *ret = sessions;
    return true;
}

void sessions_clear(struct sessions *sessions)
{
    text_free(sessions->text);
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

/* ---- rights ---- */

const char *sessions_rights_sql(void)
{
    return "SELECT current_user, pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'),"
           " pg_catalog.pg_has_role('pg_read_all_stats', 'MEMBER')";
}

bool sessions_rights_from_result(const struct result *result, struct sessions_rights *ret,
                                 struct err *err)
{
    const char *role = result_get(result, 0, 0);

    if (result_columns(result) != 3 || !role)
        return err_set(err, ERR_INTERNAL, _("the server did not tell the rights of this role"));
    text_clean_copy(ret->role, sizeof(ret->role), role);
    ret->sees_all = result_bool(result, 0, 1);
    ret->could_see_all = !ret->sees_all && result_bool(result, 0, 2);
    return true;
}

void sessions_rights_grant(const struct sessions_rights *rights, struct strbuf *out)
{
    strbuf_add_str(out, "GRANT pg_read_all_stats TO ");
    if (strstr(rights->role, "\xef\xbf\xbd") || !text_quote_sql_ident(out, rights->role))
        strbuf_add_str(out, "CURRENT_USER"); /* the name was cleaned: it is not this one */
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

void sessions_end_sql(int pid, const char *backend_start_text, struct strbuf *out)
{
    strbuf_printf(out,
                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %d"
                  " AND backend_start = ",
                  pid);
    if (!text_quote_sql_literal(out, backend_start_text))
        strbuf_add_str(out, "NULL");
    strbuf_add_str(out, " AND pid <> pg_backend_pid()");
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
