/* sessions.c - "sessions": who is connected how, and with which of our certificates. */
#include "config.h"

#include "core/pg/sessions.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/issued.h"

#define WATCH_SECONDS 2
#define WATCH_MAX     86400

enum finding {
    FIND_NO_TLS = 1 << 0,
    FIND_OLD_TLS = 1 << 1,
    FIND_NO_CLIENT_CERT = 1 << 2,
    FIND_REVOKED = 1 << 3,
    FIND_EXPIRING = 1 << 4,
    FIND_EXPIRED = 1 << 5,
    FIND_OLD_CA = 1 << 6,
    FIND_UNKNOWN_CA = 1 << 7
};
static const struct {
    enum finding finding;
    const char *name; /* JSON */
} finding_names[] = {
    {FIND_NO_TLS, "no-tls"},
    {FIND_OLD_TLS, "old-tls"},
    {FIND_NO_CLIENT_CERT, "no-client-cert"},
    {FIND_REVOKED, "revoked"},
    {FIND_EXPIRING, "expiring"},
    {FIND_EXPIRED, "expired"},
    {FIND_OLD_CA, "old-ca"},
    {FIND_UNKNOWN_CA, "unknown-ca"},
};

struct joined {                    /* a session and the certificate behind it */
    const struct session *session; /* borrowed */
    struct issued *issued;         /* or NULL */
    unsigned findings;
};

struct watched { /* one server while it is watched */
    struct server *server;
    struct conn *conn;
};

/* ---- joined with the store ---- */

static bool old_tls(const char *version)
{
    return text_equal(version, "TLSv1") || text_equal(version, "TLSv1.1") ||
           text_starts_with(version, "SSL");
}

static bool retired_ca(struct cli *cli, const struct issued *issued, bool *ret, struct err *err)
{
    struct authority *authority = authority_load_id(cli->store, issued->authority_id, err);

    if (!authority)
        return false;
    *ret = authority->retired;
    authority_free(authority);
    return true;
}

static bool join_cert(struct cli *cli, struct joined *row, struct err *err)
{
    bool retired = false;

    if (cli->store && !issued_find_session(cli->store, row->session->issuer_dn_raw,
                                           row->session->client_serial, &row->issued, err))
        return false;
    if (!row->issued) {
        row->findings |= FIND_UNKNOWN_CA;
        return true;
    }
    switch (issued_state_at(row->issued, clock_now(), RECORD_WITHIN_DAYS)) {
    case ISSUED_REVOKED:
        row->findings |= FIND_REVOKED;
        break;
    case ISSUED_EXPIRED:
        row->findings |= FIND_EXPIRED;
        break;
    case ISSUED_EXPIRING:
        row->findings |= FIND_EXPIRING;
        break;
    case ISSUED_VALID:
        break;
    }
    if (!retired_ca(cli, row->issued, &retired, err))
        return false;
    if (retired)
        row->findings |= FIND_OLD_CA;
    return true;
}

static bool join(struct cli *cli, const struct session *session, struct joined *row,
                 struct err *err)
{
    row->session = session;
    switch (session->class) {
    case SESSION_TLS_CERT:
        if (!join_cert(cli, row, err))
            return false;
        break;
    case SESSION_TLS:
        row->findings |= FIND_NO_CLIENT_CERT;
        break;
    case SESSION_CLEAR:
        row->findings |= FIND_NO_TLS;
        break;
    case SESSION_GSS:
    case SESSION_SOCKET:
    case SESSION_HIDDEN:
        break;
    }
    if (old_tls(session->version))
        row->findings |= FIND_OLD_TLS;
    return true;
}

static void joined_clear(struct joined *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        issued_free(rows[i].issued);
    free(rows);
}

/* ---- printed ---- */

static void findings_text(unsigned findings, const char *separator, struct strbuf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(finding_names); i++)
        if (findings & (unsigned)finding_names[i].finding)
            strbuf_printf(out, "%s%s", out->len > 0 ? separator : "", finding_names[i].name);
}

static json_t *row_json(const struct joined *row)
{
    const struct session *s = row->session;
    bool known = s->class != SESSION_HIDDEN;
    bool tls = s->class == SESSION_TLS || s->class == SESSION_TLS_CERT;
    json_t *findings = json_array();
    json_t *certificate = json_null();

    for (size_t i = 0; i < ARRAY_LEN(finding_names); i++)
        if (row->findings & (unsigned)finding_names[i].finding)
            json_array_append_new(findings, json_string(finding_names[i].name));
    if (row->issued) {
        char hex[SERIAL_HEX_MAX];

        certificate = json_pack(
            "{s:s, s:o, s:s, s:o}", "serial", serial_format_hex(hex, &row->issued->serial), "ca",
            json_string_or_empty(row->issued->authority), "state",
            issued_state_name(issued_state_at(row->issued, clock_now(), RECORD_WITHIN_DAYS)),
            "not_after", json_time(row->issued->not_after));
    }
    return json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o}",
        "pid", s->pid, "class", session_class_name(s->class), "database", json_text(s->database),
        "role", json_text(s->role), "client_addr", json_text(s->address), "application_name",
        json_text(s->application), "backend_start", json_time(s->backend_start), "state",
        json_text(s->state), "ssl", known ? json_boolean(tls) : json_null(), "version",
        json_text(s->version), "cipher", json_text(s->cipher), "bits",
        s->bits > 0 ? json_integer(s->bits) : json_null(), "client_dn", json_text(s->client_dn),
        "client_serial", json_text(s->client_serial), "issuer_dn", json_text(s->issuer_dn),
        "certificate", certificate, "findings", findings);
}

struct totals {
    int all, tls, with_cert, findings;
};

static struct totals count(const struct joined *rows, size_t n)
{
    struct totals totals = {.all = (int)n};

    for (size_t i = 0; i < n; i++) {
        enum session_class class = rows[i].session->class;

        totals.tls += class == SESSION_TLS || class == SESSION_TLS_CERT;
        totals.with_cert += class == SESSION_TLS_CERT;
        totals.findings += rows[i].findings != 0;
    }
    return totals;
}

static json_t *sessions_json(const struct cli *cli, const char *server,
                             const struct sessions *sessions, const struct joined *rows, size_t n)
{
    struct totals totals = count(rows, n);
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        if (rows[i].findings || !args_has(cli->args, OPT_FINDINGS))
            json_array_append_new(list, row_json(&rows[i]));
    return json_pack("{s:o, s:o, s:I, s:i, s:o, s:{s:i, s:i, s:i, s:i}}", "server",
                     json_string_or_empty(server), "taken_at", json_time(sessions->taken_at),
                     "query_ms", (json_int_t)sessions->query_ms, "hidden", sessions->hidden,
                     "sessions", list, "totals", "all", totals.all, "tls", totals.tls, "with_cert",
                     totals.with_cert, "findings", totals.findings);
}

static void print_table(const struct cli *cli, const char *server, const struct sessions *sessions,
                        const struct joined *rows, size_t n)
{
    static const char *const headers[] = {"PID",    "ROLE",      "DATABASE", "FROM",    "TLS",
                                          "CLIENT", "CERT ENDS", "STATE",    "FINDINGS"};
    const size_t columns = ARRAY_LEN(headers);
    char **cells = mem_array(n * columns + 1, sizeof(*cells));
    struct totals totals = count(rows, n);
    size_t shown = 0;

    for (size_t i = 0; i < n; i++) {
        const struct session *s = rows[i].session;
        char **row = cells + shown * columns;
        struct strbuf findings = STRBUF_INIT;
        char date[CLOCK_TEXT_MAX];

        if (!rows[i].findings && args_has(cli->args, OPT_FINDINGS))
            continue;
        findings_text(rows[i].findings, ", ", &findings);
        row[0] = mem_printf("%d", s->pid);
        row[1] = mem_strdup(s->role);
        row[2] = mem_strdup(s->database);
        row[3] = mem_strdup(s->class == SESSION_SOCKET ? _("socket") : s->address);
        row[4] = mem_strdup(*s->version ? s->version : session_class_name(s->class));
        row[5] = mem_strdup(s->client_dn);
        row[6] =
            mem_strdup(rows[i].issued ? clock_format_date(date, rows[i].issued->not_after) : "");
        row[7] = mem_strdup(s->state);
        row[8] = strbuf_steal(&findings);
        shown++;
    }
    output_line(&cli->out, _("%s: %d sessions, %d with TLS, %d with a certificate, %d need a look"),
                server, totals.all, totals.tls, totals.with_cert, totals.findings);
    if (sessions->hidden > 0)
        output_line(&cli->out,
                    _("[!!] %d more are hidden from this role (grant pg_read_all_stats)"),
                    sessions->hidden);
    if (shown > 0)
        output_table(&cli->out, columns, headers, shown, (const char *const *)cells);
    for (size_t i = 0; i < shown * columns; i++)
        free(cells[i]);
    free(cells);
}

static void csv_cell(struct strbuf *out, const char *text, bool last)
{
    if (!text_quote_csv(out, text ? text : ""))
        strbuf_add_str(out, "\"\"");
    strbuf_add_str(out, last ? "\r\n" : ",");
}

static void print_csv_header(void)
{
    fputs("server,taken_at,pid,class,database,role,client_addr,application_name,backend_start,"
          "state,version,cipher,client_dn,client_serial,issuer_dn,findings\r\n",
          stdout);
}

static void print_csv(const struct cli *cli, const char *server, const struct sessions *sessions,
                      const struct joined *rows, size_t n)
{
    struct strbuf out = STRBUF_INIT;

    for (size_t i = 0; i < n; i++) {
        const struct session *s = rows[i].session;
        struct strbuf findings = STRBUF_INIT;
        char time[CLOCK_TEXT_MAX], pid[16];

        if (!rows[i].findings && args_has(cli->args, OPT_FINDINGS))
            continue;
        findings_text(rows[i].findings, " ", &findings);
        snprintf(pid, sizeof(pid), "%d", s->pid);
        csv_cell(&out, server, false);
        csv_cell(&out, clock_format_rfc3339(time, sessions->taken_at), false);
        csv_cell(&out, pid, false);
        csv_cell(&out, session_class_name(s->class), false);
        csv_cell(&out, s->database, false);
        csv_cell(&out, s->role, false);
        csv_cell(&out, s->address, false);
        csv_cell(&out, s->application, false);
        csv_cell(&out, s->backend_start ? clock_format_rfc3339(time, s->backend_start) : "", false);
        csv_cell(&out, s->state, false);
        csv_cell(&out, s->version, false);
        csv_cell(&out, s->cipher, false);
        csv_cell(&out, s->client_dn, false);
        csv_cell(&out, s->client_serial, false);
        csv_cell(&out, s->issuer_dn, false);
        csv_cell(&out, findings.data, true);
        strbuf_clear(&findings);
    }
    fwrite(out.data, 1, out.len, stdout);
    fflush(stdout);
    strbuf_clear(&out);
}

/* ---- read ---- */

/* One poll of one server. documents: the JSON of several servers is collected there; NULL: one
 * document a poll. */
static bool poll_server(struct cli *cli, struct watched *watched, json_t *documents,
                        struct err *err)
{
    struct sessions sessions = {0};
    struct joined *rows = NULL;
    bool done = false;

    if (!sessions_read(watched->conn, &sessions, err))
        return false;
    rows = mem_array(sessions.n + 1, sizeof(*rows));
    for (size_t i = 0; i < sessions.n; i++)
        if (!join(cli, &sessions.rows[i], &rows[i], err))
            goto out;
    done = true;
    if (cli->out.json) {
        json_t *json = sessions_json(cli, watched->server->name, &sessions, rows, sessions.n);

        if (documents)
            json_array_append_new(documents, json);
        else
            output_json(json, args_has(cli->args, OPT_WATCH));
    } else if (args_has(cli->args, OPT_CSV)) {
        print_csv(cli, watched->server->name, &sessions, rows, sessions.n);
    } else {
        print_table(cli, watched->server->name, &sessions, rows, sessions.n);
    }
out:
    joined_clear(rows, sessions.n);
    sessions_clear(&sessions);
    return done;
}

static bool run_polls(struct cli *cli, struct watched *servers, size_t n, int64_t seconds,
                      struct err *err)
{
    bool watch = args_has(cli->args, OPT_WATCH) && !args_has(cli->args, OPT_ONCE);
    bool collect = cli->out.json && n > 1 && !watch;

    if (args_has(cli->args, OPT_CSV))
        print_csv_header();
    do {
        json_t *documents = collect ? json_array() : NULL;
        bool done = true;

        for (size_t i = 0; i < n && done; i++)
            done = poll_server(cli, &servers[i], documents, err);
        if (done && collect)
            output_json(json_pack("{s:O}", "servers", documents), false);
        json_decref(documents);
        if (!done)
            return false;
        fflush(stdout);
        if (ferror(stdout))
            return true; /* nobody reads any more; main tells */
        if (watch)
            poll(NULL, 0, (int)(seconds * 1000));
    } while (watch);
    return true;
}

/* The servers that were named, else all of the store. */
static bool open_servers(struct cli *cli, struct watched **ret, size_t *ret_n, struct err *err)
{
    struct server_list list = {0};
    size_t n = cli->args->n_names;

    if (n == 0) {
        if (cli->store && !server_list(cli->store, &list, err))
            return false;
        n = list.n;
        if (n == 0) {
            err_set(err, ERR_NEEDS_ANSWER, _("no server was named, and the store has none"));
            err_cause(err, "%s", _("There is nobody to ask."));
            return err_hint(err, _("Give a name, a connection string such as \"host=db1\", or add "
                                   "one: \"pgseal server add NAME CONNINFO\"."));
        }
    }
    *ret = mem_array(n, sizeof(**ret));
    *ret_n = n;
    for (size_t i = 0; i < n; i++) {
        const char *name = cli->args->n_names > 0 ? cli->args->names[i] : list.rows[i]->name;
        struct watched *watched = &(*ret)[i];

        watched->server = cli_server(cli, name, err);
        if (watched->server)
            watched->conn = cli_connect(cli, watched->server, NULL, err);
        if (!watched->conn) {
            server_list_clear(&list);
            return err_prefix(err, "%s", name);
        }
    }
    server_list_clear(&list);
    return true;
}

/* The live page: on a terminal, for one server of the store, when nothing was asked that only a
 * printed list can give. Its name for the caller to free(), or NULL. */
static char *page_server(struct cli *cli)
{
    struct err unknown = ERR_INIT; /* then it is printed, and that says what is wrong */
    struct server_list list = {0};
    const char *name = cli->args->n_names == 1 ? cli->args->names[0] : NULL;
    char *found = NULL;

    if (!cli_on_terminal(cli) || args_has(cli->args, OPT_ONCE) || args_has(cli->args, OPT_CSV) ||
        args_has(cli->args, OPT_FINDINGS) || args_has(cli->args, OPT_WATCH) ||
        cli->args->n_names > 1 || !cli->store || !server_list(cli->store, &list, &unknown))
        return NULL;
    for (size_t i = 0; i < list.n; i++)
        if (name ? text_equal(list.rows[i]->name, name) : list.n == 1)
            found = mem_strdup(list.rows[i]->name);
    server_list_clear(&list);
    return found;
}

bool run_sessions(struct cli *cli, struct err *err)
{
    struct watched *servers = NULL;
    size_t n = 0;
    int64_t seconds;
    char *page;
    bool done = false;

    if (!args_int(cli->args, OPT_WATCH, 1, WATCH_MAX, WATCH_SECONDS, &seconds, err))
        return false;
    if (cli->out.json && args_has(cli->args, OPT_CSV))
        return err_set(err, ERR_USAGE, _("\"--json\" and \"--csv\" exclude each other"));
    if (!cli_store_if_any(cli, err))
        return false;
    page = page_server(cli);
    if (page) {
        done = cli_wizard(cli, store_folder(cli->store), page, true, false, err);
        free(page);
        return done;
    }
    if (open_servers(cli, &servers, &n, err))
        done = run_polls(cli, servers, n, seconds, err);
    for (size_t i = 0; i < n; i++) {
        conn_close(servers[i].conn);
        server_free(servers[i].server);
    }
    free(servers);
    return done;
}
