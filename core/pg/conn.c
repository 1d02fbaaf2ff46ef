/*
 * conn.c - the state machine over libpq's asynchronous calls, and the waits over it.
 *
 * PQconnectPoll() is called only when the socket is ready for what it asked for last: called earlier
 * it takes a socket that is still connecting for a connected one and fails.
 */
#include "config.h"

#include "core/pg/conn.h"

#include <errno.h>
#include <libpq-fe.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"
#include "core/pg/conn_state.h"
#include "core/pg/message.h"
#include "core/pg/passfile.h"
#include "core/pg/resolve.h"
#include "core/pg/result.h"

#define EXEC_TIMEOUT_MS   30000
#define CANCELLED_POLL_MS 100
#define TIMEOUT_MAX_S     600
#define OLDEST_SERVER     130000
#define PIECES_MAX        64 /* of an answer at once: about half a megabyte, half a millisecond */
#define GREETING_MAX      ((uint64_t)1 << 20)   /* a login takes 10 kB, certificates included */
#define ANSWER_MAX        ((uint64_t)512 << 20) /* a file of 64 MB is 128 MB in hex */

/* ---- errors ---- */

static void set_sqlstate(struct conn *conn, const char *sqlstate)
{
    text_clean_copy(conn->sqlstate, sizeof(conn->sqlstate), sqlstate ? sqlstate : "");
}

/* What a result says, as our error. */
static void err_from_result(struct conn *conn, const PGresult *pg, struct err *err)
{
    const char *sqlstate = PQresultErrorField(pg, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(pg, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(pg, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(pg, PG_DIAG_MESSAGE_HINT);

    set_sqlstate(conn, sqlstate);
    message_from_server(err, sqlstate ? ERR_NONE : ERR_CONNECTION_LOST, sqlstate,
                        text ? text : PQresultErrorMessage(pg));
    if (detail)
        err_cause(err, "%s", detail);
    if (hint)
        err_hint(err, "%s", hint);
}

/* All is over. Always false. */
static bool fail(struct conn *conn)
{
    conn->state = CONN_FAILED;
    conn->wants = 0;
    conn->deadline_ms = 0;
    PQclear(conn->result);
    conn->result = NULL;
    return false;
}

static bool fail_timeout(struct conn *conn, struct err *err)
{
    err_set(err, ERR_TIMEOUT,
            conn->state == CONN_CONNECTING ? _("the server did not let us in in time")
                                           : _("the server did not answer the statement in time"));
    return fail(conn);
}

static bool fail_lost(struct conn *conn, struct err *err)
{
    if (conn->why.code != ERR_NONE) { /* the server said why before it hung up */
        *err = conn->why;
        err->code = ERR_CONNECTION_LOST;
    } else {
        message_from_server(err, ERR_CONNECTION_LOST, NULL, PQerrorMessage(conn->pg));
    }
    return fail(conn);
}

/* Bytes that came on this connection. 0 on a socket of this machine, where nobody counts. */
static uint64_t received(const struct conn *conn)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    int fd = PQsocket(conn->pg);

    return fd >= 0 && !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? info.tcpi_bytes_received
                                                                          : 0;
}

static bool is_endless(const struct conn *conn)
{
    uint64_t now = received(conn); /* 0 as well where the connection was lost meanwhile */

    return now > conn->before_answer && now - conn->before_answer > conn->answer_max;
}

/* libpq keeps all that a server says; one that is hostile says more than there is memory. */
static bool fail_endless(struct conn *conn, struct err *err)
{
    err_set(err, ERR_TOO_LARGE, _("the server's answer has no end"));
    return fail(conn);
}

/* "FATAL:  28P01: text": verbose messages carry the SQLSTATE. Returns what follows it, or NULL. */
static const char *find_sqlstate(const char *text, char ret[SQLSTATE_SIZE])
{
    const char *found = NULL;

    for (const char *at = strchr(text, ':'); at; at = strchr(at + 1, ':')) {
        size_t len = at[1] == ' ' && at[2] == ' ' ? strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQR"
                                                                   "STUVWXYZ")
                                                  : 0;

        if (len != SQLSTATE_SIZE - 1 || at[3 + len] != ':' || at[4 + len] != ' ')
            continue;
        memcpy(ret, at + 3, len);
        ret[len] = '\0';
        found = at + 5 + len; /* the last host that was tried decides */
    }
    return found;
}

/* What libpq says when the answer is not in PostgreSQL's protocol, before and behind the question for
 * TLS. In another language than English it is "no connection", which is true too. */
static bool is_not_postgres(const char *text)
{
    static const char *const words[] = {"received invalid response to SSL negotiation",
                                        "received invalid response to GSSAPI negotiation",
                                        "expected authentication request from server"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

/* Where the code alone says too little, or something that is not so. */
static void say_more(struct err *err, const char *sqlstate, const char *text)
{
    if (text_equal(sqlstate, "3D000")) {
        err_cause(err, _("Without \"dbname=\" it is the database with the role's own name."));
        err_hint(err, _("Add one that is there, such as dbname=postgres."));
    } else if (text_equal(sqlstate, "53300")) {
        err_cause(err, _("The server is there, and all its connections are taken."));
        err_hint(err, _("Wait until some end, or log in as a superuser, for whom some are kept."));
    } else if (text_equal(sqlstate, "57P03")) {
        err_cause(err, _("The server is there, and is starting up or shutting down."));
        err_hint(err, _("Try again in a moment."));
    } else if (err->code == ERR_NO_CONNECTION && strstr(text, " alert ")) { /* OpenSSL's word */
        err_cause(err, _("The server is there, and refused the TLS handshake: most often the "
                         "client's certificate."));
        err_hint(err, _("\"pgseal doctor CONNINFO\" tries it out and says why."));
    } else if (err->code == ERR_NO_CONNECTION && strstr(text, "certificate verify failed")) {
        err_cause(err, _("The server is there; its certificate is not of a CA in sslrootcert, has "
                         "ended, or is on a list (sslcrl)."));
        err_hint(err, _("\"pgseal doctor CONNINFO\" tries it out and says why."));
    }
}

static bool fail_connecting(struct conn *conn, struct err *err)
{
    const char *text = PQerrorMessage(conn->pg);
    char sqlstate[SQLSTATE_SIZE] = "";
    const char *said = find_sqlstate(text, sqlstate);

    conn->needs_password =
        PQconnectionNeedsPassword(conn->pg) ||
        (PQconnectionUsedPassword(conn->pg) && text_starts_with(sqlstate, "28P"));
    set_sqlstate(conn, sqlstate);
    if (said) { /* its first line; DETAIL and LOCATION follow */
        char *line = mem_strndup(said, strcspn(said, "\r\n"));

        /* a right that is missing now is the right to come in */
        message_from_server(err, text_equal(sqlstate, "42501") ? ERR_LOGIN : ERR_NONE, sqlstate,
                            line);
        if (err->code == ERR_QUERY || err->code == ERR_CONNECTION_LOST)
            err->code = ERR_NO_CONNECTION;
        free(line);
    } else {
        message_from_server(err,
                            conn->needs_password    ? ERR_LOGIN
                            : is_not_postgres(text) ? ERR_NOT_POSTGRES
                                                    : ERR_NO_CONNECTION,
                            NULL, text);
    }
    say_more(err, sqlstate, text);
    if (err->code == ERR_LOGIN && conn->loose_passfile)
        err_hint(err, _("\"%s\" was not used, since others can read it: chmod 600."),
                 conn->loose_passfile);
    return fail(conn);
}

/* ---- start ---- */

static void take_notice(void *arg, const PGresult *pg)
{
    struct conn *conn = arg;
    const char *severity = PQresultErrorField(pg, PG_DIAG_SEVERITY_NONLOCALIZED);

    /* While idle, libpq hands over a FATAL ("terminating connection …") as a notice. */
    if (text_equal(severity, "FATAL") || text_equal(severity, "PANIC"))
        err_from_result(conn, pg, &conn->why);
}

/* Without a hook OpenSSL asks for the passphrase of ~/.postgresql/postgresql.key on the terminal. */
static void hook_key_passphrase(void)
{
    PQsetSSLKeyPassHook_OpenSSL(PQdefaultSSLKeyPassHook_OpenSSL);
}

static PGconn *connect_start(const struct params *params, const struct conn_options *options,
                             bool without_passfile)
{
    size_t n = params_count(params);
    size_t at = 0;
    const char **keywords = mem_array(n + 6, sizeof(*keywords));
    const char **values = mem_array(n + 6, sizeof(*values));
    PGconn *pg = NULL;

    keywords[at] = "application_name";
    values[at++] = "pgseal";
    while (at <= n && params_at(params, at - 1, &keywords[at], &values[at]))
        at++;
    if (options->application_name) {
        keywords[at] = "application_name"; /* the last one of a keyword wins */
        values[at++] = options->application_name;
    }
    keywords[at] = "client_encoding";
    values[at++] = "UTF8";
    if (options->password) {
        keywords[at] = "password";
        values[at++] = secret_data(options->password);
    }
    if (without_passfile) {
        keywords[at] = "passfile";
        values[at++] = PASSFILE_NONE;
    }
    keywords[at] = NULL;
    pg = PQconnectStartParams(keywords, values, 0);
    free(keywords);
    free(values);
    return pg;
}

/* connect_timeout of the connection string, in seconds; libpq waits 2 s at least. PQconnectPoll()
 * itself ignores it. */
static int wanted_timeout_ms(const struct params *params)
{
    const char *text = params_get(params, "connect_timeout");
    int64_t seconds;

    if (!text || !text_parse_int(text, 1, TIMEOUT_MAX_S, &seconds))
        return CONN_TIMEOUT_MS;
    return (seconds < 2 ? 2 : (int)seconds) * 1000;
}

struct conn *conn_start(const struct params *params, const struct conn_options *options,
                        struct err *err)
{
    static pthread_once_t hooked = PTHREAD_ONCE_INIT;
    static const struct conn_options defaults;
    struct strbuf passfile = STRBUF_INIT;
    struct conn *conn = NULL;

    if (!options)
        options = &defaults;
    if (!resolve_is_done(params, err))
        return NULL;
    pthread_once(&hooked, hook_key_passphrase);

    conn = mem_zalloc(sizeof(*conn));
    conn->connect_timeout_ms =
        options->connect_timeout_ms ? options->connect_timeout_ms : wanted_timeout_ms(params);
    conn->statement_timeout_ms = options->statement_timeout_ms;
    conn->answer_max = options->answer_max ? options->answer_max : ANSWER_MAX;
    conn->cancelled = options->cancelled;
    conn->cancelled_arg = options->cancelled_arg;
    conn->deadline_ms = clock_mono_ms() + conn->connect_timeout_ms;
    conn->wants = CONN_WRITE;
    if (passfile_is_loose(params, &passfile))
        conn->loose_passfile = mem_strdup(passfile.data);
    strbuf_clear(&passfile);
    conn->pg = connect_start(params, options, conn->loose_passfile != NULL);
    if (!conn->pg) {
        err_set(err, ERR_INTERNAL, _("libpq has no memory for a connection"));
        conn_close(conn);
        return NULL;
    }
    PQsetNoticeReceiver(conn->pg, take_notice, conn);
    PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE);
    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        fail_connecting(conn, err);
        conn_close(conn);
        return NULL;
    }
    return conn;
}

void conn_close(struct conn *conn)
{
    if (!conn)
        return;
    PQclear(conn->result);
    PQfinish(conn->pg);
    free(conn->loose_passfile);
    free(conn);
}

/* ---- steps ---- */

static bool is_ready(const struct conn *conn)
{
    struct pollfd fd = {.fd = PQsocket(conn->pg)};

    if (conn->wants & CONN_READ)
        fd.events |= POLLIN;
    if (conn->wants & CONN_WRITE)
        fd.events |= POLLOUT;
    return fd.fd < 0 || poll(&fd, 1, 0) > 0; /* without a socket libpq has to be asked anyway */
}

static bool send_statement(struct conn *conn, const char *sql, size_t n_values,
                           const char *const *values, struct err *err)
{
    if (n_values > INT16_MAX)
        return err_set(err, ERR_INTERNAL, _("too many values for one statement"));
    PQclear(conn->result);
    conn->result = NULL;
    conn->refused = false;
    conn->why = (struct err)ERR_INIT;
    conn->sqlstate[0] = '\0';
    if (!PQsendQueryParams(conn->pg, sql, (int)n_values, NULL, values, NULL, NULL, 0))
        return fail_lost(conn, err);
    conn->wants = CONN_READ | CONN_WRITE;
    conn->before_answer = received(conn);
    return true;
}

/* The first statement: from here on nothing of the role's or database's settings matters. A name
 * without its schema would find a function in "public" first (a public.format() once did). */
static bool prepare(struct conn *conn, struct err *err)
{
    struct strbuf sql = STRBUF_INIT;
    int version = PQserverVersion(conn->pg);
    bool ok = false;

    if (version < OLDEST_SERVER) {
        err_set(err, ERR_OLD_SERVER, _("the server is PostgreSQL %d"), version / 10000);
        return fail(conn);
    }
    if (PQsetnonblocking(conn->pg, 1))
        return fail_lost(conn, err);
    strbuf_printf(&sql,
                  "SELECT pg_catalog.set_config('search_path', 'pg_catalog', false),"
                  " pg_catalog.set_config('DateStyle', 'ISO, YMD', false),"
                  " pg_catalog.set_config('TimeZone', 'UTC', false),"
                  " pg_catalog.set_config('bytea_output', 'hex', false),"
                  " pg_catalog.set_config('standard_conforming_strings', 'on', false),"
                  /* a dead synchronous standby must not hold a change up */
                  " pg_catalog.set_config('synchronous_commit', 'local', false),"
                  " pg_catalog.set_config('statement_timeout', '%d', false)",
                  conn->statement_timeout_ms);
    if (version >= 140000)
        strbuf_add_str(&sql, ", pg_catalog.set_config('idle_session_timeout', '0', false)");
    ok = send_statement(conn, sql.data, 0, NULL, err);
    if (ok)
        conn->state = CONN_PREPARING;
    strbuf_clear(&sql);
    return ok;
}

static bool step_connecting(struct conn *conn, struct err *err)
{
    for (;;) {
        /* a server that talks all the time is always ready */
        if (!is_ready(conn) || clock_mono_ms() >= conn->deadline_ms)
            return true;
        if (received(conn) > GREETING_MAX)
            return fail_endless(conn, err);
        switch (PQconnectPoll(conn->pg)) {
        case PGRES_POLLING_OK:
            return prepare(conn, err);
        case PGRES_POLLING_READING:
            conn->wants = CONN_READ;
            break;
        case PGRES_POLLING_WRITING:
            conn->wants = CONN_WRITE;
            break;
        case PGRES_POLLING_FAILED:
        case PGRES_POLLING_ACTIVE: /* never used by libpq */
            return fail_connecting(conn, err);
        }
    }
}

/* Takes one result; false when nothing more will come of this connection. */
static bool take_pg_result(struct conn *conn, PGresult *pg)
{
    switch (PQresultStatus(pg)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        if (!conn->result && !conn->refused) {
            conn->result = pg;
            return true;
        }
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        PQclear(pg);
        return false;
    default: /* libpq's enum: everything else is an error */
        if (!conn->refused)
            err_from_result(conn, pg, &conn->why);
        conn->refused = true;
        break;
    }
    PQclear(pg);
    return true;
}

/* The statement has ended, or the connection has. */
static bool statement_ended(struct conn *conn, struct err *err)
{
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        return fail_lost(conn, err);
    if (conn->refused && conn->state == CONN_PREPARING) {
        *err = conn->why;
        return fail(conn);
    }
    conn->state = CONN_IDLE;
    conn->wants = CONN_READ;
    conn->deadline_ms = 0;
    if (!conn->refused)
        return true;
    *err = conn->why;
    conn->why = (struct err)ERR_INIT;
    PQclear(conn->result);
    conn->result = NULL;
    return false;
}

/* All that is there, within bounds: a large answer comes in pieces of 8 kB, and each way through the
 * caller's loop would cost more than the piece. False: the connection is lost. */
static bool consume(struct conn *conn)
{
    for (int i = 0; i < PIECES_MAX; i++) {
        struct pollfd fd = {.fd = PQsocket(conn->pg), .events = POLLIN};

        if (PQconsumeInput(conn->pg) != 1)
            return false;
        if (!PQisBusy(conn->pg) || poll(&fd, 1, 0) != 1)
            break;
    }
    return true;
}

static bool step_busy(struct conn *conn, struct err *err)
{
    bool alive = consume(conn);
    int flushed = alive ? PQflush(conn->pg) : -1;

    if (is_endless(conn))
        return fail_endless(conn, err);
    /* A lost connection still hands out what had arrived: the server's last words. */
    while (flushed < 0 || !PQisBusy(conn->pg)) {
        PGresult *pg = PQgetResult(conn->pg);

        if (!pg) {
            if (conn->state == CONN_PREPARING) {
                PQclear(conn->result);
                conn->result = NULL;
            }
            return statement_ended(conn, err);
        }
        if (!take_pg_result(conn, pg)) {
            err_set(err, ERR_INTERNAL, _("a COPY that pgseal did not ask for"));
            return fail(conn);
        }
    }
    conn->wants = flushed > 0 ? CONN_READ | CONN_WRITE : CONN_READ;
    return true;
}

static bool step_idle(struct conn *conn, struct err *err)
{
    PGnotify *notify = NULL;

    if (!PQconsumeInput(conn->pg))
        return fail_lost(conn, err);
    if (is_endless(conn))
        return fail_endless(conn, err);
    while ((notify = PQnotifies(conn->pg)))
        PQfreemem(notify);
    return PQstatus(conn->pg) == CONNECTION_OK || fail_lost(conn, err);
}

bool conn_step(struct conn *conn, struct err *err)
{
    enum conn_state before = conn->state;
    bool ok = false;

    switch (conn->state) {
    case CONN_CONNECTING:
        ok = step_connecting(conn, err);
        break;
    case CONN_PREPARING:
    case CONN_BUSY:
        ok = step_busy(conn, err);
        break;
    case CONN_IDLE:
        return step_idle(conn, err);
    case CONN_FAILED:
        return err_set(err, ERR_CONNECTION_LOST, _("there is no connection any more"));
    }
    if (ok && conn->state != CONN_IDLE && conn->state == before &&
        clock_mono_ms() >= conn->deadline_ms)
        return fail_timeout(conn, err);
    return ok;
}

bool conn_send(struct conn *conn, const char *sql, size_t n_values, const char *const *values,
               int64_t deadline_ms, struct err *err)
{
    if (conn->state == CONN_FAILED)
        return err_set(err, ERR_CONNECTION_LOST, _("there is no connection any more"));
    if (conn->state != CONN_IDLE)
        return err_set(err, ERR_INTERNAL, _("the connection is busy with another statement"));
    if (!send_statement(conn, sql, n_values, values, err))
        return false;
    conn->state = CONN_BUSY;
    conn->deadline_ms = deadline_ms;
    return true;
}

struct result *conn_take_result(struct conn *conn)
{
    struct result *result = conn->state == CONN_IDLE ? result_take(conn->result) : NULL;

    if (result)
        conn->result = NULL;
    return result;
}

/* ---- waits ---- */

static int wait_ms(const struct conn *conn, int64_t deadline_ms)
{
    int64_t left = 0;

    if (conn->deadline_ms && conn->deadline_ms < deadline_ms)
        deadline_ms = conn->deadline_ms;
    left = deadline_ms - clock_mono_ms();
    if (conn->cancelled && left > CANCELLED_POLL_MS)
        left = CANCELLED_POLL_MS;
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

bool conn_wait(struct conn *conn, int64_t deadline_ms, struct err *err)
{
    if (conn->state == CONN_FAILED)
        return err_set(err, ERR_CONNECTION_LOST, _("there is no connection any more"));
    while (conn->state != CONN_IDLE) {
        struct pollfd fd = {.fd = PQsocket(conn->pg)};

        if (conn->cancelled && conn->cancelled(conn->cancelled_arg)) {
            err_set(err, ERR_CANCELLED, _("stopped while waiting for the server"));
            return fail(conn);
        }
        if (conn->wants & CONN_READ)
            fd.events |= POLLIN;
        if (conn->wants & CONN_WRITE)
            fd.events |= POLLOUT;
        if (poll(&fd, 1, wait_ms(conn, deadline_ms)) < 0 && errno != EINTR) {
            err_set_errno(err, ERR_INTERNAL, errno, "poll");
            return fail(conn);
        }
        if (!conn_step(conn, err))
            return false;
        if (conn->state != CONN_IDLE && clock_mono_ms() >= deadline_ms)
            return fail_timeout(conn, err);
    }
    return true;
}

struct conn *conn_open(const struct params *params, const struct conn_options *options,
                       struct err *err)
{
    struct params *resolved = params_dup(params);
    struct conn *conn = NULL;

    if (conn_resolve(resolved, err))
        conn = conn_start(resolved, options, err);
    params_free(resolved);
    if (conn && !conn_wait(conn, conn->deadline_ms, err)) {
        if (options && options->ret_needs_password)
            *options->ret_needs_password = conn->needs_password;
        if (options && options->ret_starting)
            *options->ret_starting = text_equal(conn->sqlstate, "57P03");
        conn_close(conn);
        return NULL;
    }
    return conn;
}

struct result *conn_exec(struct conn *conn, const char *sql, size_t n_values,
                         const char *const *values, struct err *err)
{
    int64_t deadline_ms = clock_mono_ms() + EXEC_TIMEOUT_MS;
    struct result *result = NULL;

    if (!conn_send(conn, sql, n_values, values, deadline_ms, err) ||
        !conn_wait(conn, deadline_ms, err))
        return NULL;
    result = conn_take_result(conn);
    if (!result)
        err_set(err, ERR_INTERNAL, _("the server answered without a result"));
    return result;
}

bool conn_run(struct conn *conn, const char *sql, struct err *err)
{
    struct result *result = conn_exec(conn, sql, 0, NULL, err);
    bool ok = result != NULL;

    result_free(result);
    return ok;
}
