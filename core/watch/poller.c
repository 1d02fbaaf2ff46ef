/* poller.c - the sessions of one server, asked again and again without ever waiting. */
#include "config.h"

#include "core/watch/poller.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define QUERY_TIMEOUT_MS  10000
#define SLOW_FACTOR       10   /* the pause is so many times as long as the query took */
#define SLOW_PAUSE_MAX_MS 5000 /* and not longer: it may have hung once, and be well again */
#define HOLD_MAX_MS       40
#define PREPARED          "pgseal_sessions"

enum out { /* the statement that is out */
           OUT_NOTHING,
           OUT_ENCODING, /* names that the server cannot convert: as bytes */
           OUT_PREPARE,
           OUT_ROWS,
           OUT_RIGHTS,
           OUT_SET_ROLE
};

struct poller {
    enum poller_state state;
    bool paused;
    bool needs_params;
    bool unconverted;  /* from now on without a conversion */
    bool in_bytes;     /* this connection has been told so */
    bool prepared;     /* on this connection */
    bool no_prepare;   /* a pooler in between: the statement would be gone */
    bool rights_asked; /* on this connection */
    enum out out;
    int64_t interval_ms;
    int64_t at_ms;     /* of the next query, or the next try to connect; INT64_MAX: none */
    unsigned failures; /* in a row */
    struct params *params;
    struct secret *password;
    struct conn *conn;
    int server_version;
    struct err err;
    struct sessions rows;
    bool have_rows;
    struct sessions_rights rights;
    bool have_rights;
    int64_t rows_at_ms;
    int64_t sent_at_ms;
    int64_t hold_until_ms; /* before it the answer is not read */
};

struct poller *poller_new(void)
{
    struct poller *poller = mem_zalloc(sizeof(*poller));

    poller->interval_ms = POLLER_INTERVAL_MS;
    poller->at_ms = INT64_MAX;
    return poller;
}

static void drop_connection(struct poller *poller)
{
    conn_close(poller->conn);
    poller->conn = NULL;
    poller->out = OUT_NOTHING;
    poller->in_bytes = poller->prepared = poller->rights_asked = false;
}

void poller_free(struct poller *poller)
{
    if (!poller)
        return;
    drop_connection(poller);
    params_free(poller->params);
    secret_free(poller->password);
    if (poller->have_rows)
        sessions_clear(&poller->rows);
    free(poller);
}

void poller_start(struct poller *poller)
{
    if (poller->state != POLLER_STOPPED)
        return;
    poller->state = POLLER_CONNECTING;
    poller->failures = 0;
    poller->needs_params = true;
}

void poller_stop(struct poller *poller)
{
    drop_connection(poller);
    poller->needs_params = false;
    poller->at_ms = INT64_MAX;
    poller->state = POLLER_STOPPED;
}

/* Lost, hung or never reached: the rows stay, and it is tried again. */
static void away(struct poller *poller)
{
    static const int64_t pauses[] = {1000, 2000, 5000, 10000};
    size_t i = poller->failures < ARRAY_LEN(pauses) ? poller->failures : ARRAY_LEN(pauses) - 1;
    int64_t now = clock_mono_ms();
    /* Up to a quarter more, so that many panels do not come back in the same moment. */
    uint64_t spread = ((uint64_t)now ^ (uint64_t)(uintptr_t)poller) * UINT64_C(2654435761) >> 8;

    drop_connection(poller);
    poller->state = POLLER_AWAY;
    poller->failures++;
    poller->at_ms = now + pauses[i] + (int64_t)(spread % 250u) * pauses[i] / 1000;
}

/* ---- the connection ---- */

bool poller_needs_params(const struct poller *poller)
{
    return poller->needs_params;
}

void poller_take_params(struct poller *poller, struct params *taken, const struct err *why)
{
    struct conn_options options = {.statement_timeout_ms = QUERY_TIMEOUT_MS,
                                   .password = poller->password};

    if (!poller->needs_params) { /* stopped meanwhile */
        params_free(taken);
        return;
    }
    poller->needs_params = false;
    if (!taken) {
        poller->err = *why;
        away(poller);
        return;
    }
    params_free(poller->params);
    poller->params = taken;
    poller->conn = conn_start(poller->params, &options, &poller->err);
    if (!poller->conn)
        away(poller);
}

const struct params *poller_params(const struct poller *poller)
{
    return poller->params;
}

void poller_set_password(struct poller *poller, const struct secret *password)
{
    secret_free(poller->password);
    poller->password = secret_dup(password);
    if (poller->state != POLLER_PASSWORD)
        return;
    poller->state = POLLER_CONNECTING;
    poller->failures = 0;
    poller->needs_params = true;
}

const struct secret *poller_password(const struct poller *poller)
{
    return poller->password;
}

/*
 * A server sends rows while it still makes others, in pieces of 8 kB, and each would wake the program:
 * with 1,000 sessions 23 times. So the rows are left alone for most of the time that they took before;
 * they wait in the socket. Being shorter than that time, it follows a server that becomes faster.
 */
static int64_t hold_of(const struct poller *poller, enum out out)
{
    int64_t hold = out == OUT_ROWS && poller->have_rows ? poller->rows.query_ms * 3 / 4 : 0;

    return hold < HOLD_MAX_MS ? hold : HOLD_MAX_MS;
}

static bool holds(const struct poller *poller)
{
    return poller->out == OUT_ROWS && poller->hold_until_ms > clock_mono_ms();
}

static void send(struct poller *poller, enum out out, const char *sql)
{
    int64_t now = clock_mono_ms();

    poller->at_ms = INT64_MAX;
    if (!conn_send(poller->conn, sql, 0, NULL, now + QUERY_TIMEOUT_MS, &poller->err)) {
        away(poller);
        return;
    }
    poller->out = out;
    poller->sent_at_ms = now;
    poller->hold_until_ms = now + hold_of(poller, out);
}

/* What this connection has to be asked or told next. */
static void send_next(struct poller *poller)
{
    if (poller->unconverted && !poller->in_bytes)
        send(poller, OUT_ENCODING, "SET client_encoding = 'SQL_ASCII'");
    else if (!poller->prepared && !poller->no_prepare) {
        char *sql = mem_printf("PREPARE " PREPARED " AS %s", sessions_sql(poller->server_version));

        send(poller, OUT_PREPARE, sql);
        free(sql);
    } else if (poller->prepared && !poller->no_prepare)
        send(poller, OUT_ROWS, "EXECUTE " PREPARED);
    else
        send(poller, OUT_ROWS, sessions_sql(poller->server_version));
}

/* ---- answers ---- */

static void wait_for_next(struct poller *poller)
{
    int64_t pause = poller->rows.query_ms * SLOW_FACTOR;

    if (pause > SLOW_PAUSE_MAX_MS)
        pause = SLOW_PAUSE_MAX_MS;
    if (pause < poller->interval_ms)
        pause = poller->interval_ms;
    poller->at_ms = poller->paused ? INT64_MAX : clock_mono_ms() + pause;
}

static bool take_rows(struct poller *poller, const struct result *result)
{
    int64_t query_ms = clock_mono_ms() - poller->sent_at_ms;

    if (!result || !sessions_are_in(result)) {
        err_set(&poller->err, ERR_CONNECTION_LOST, _("the server sent no rows"));
        away(poller);
        return false;
    }
    /* The old ones go first: both at once would be the most memory that the panel ever has. */
    sessions_clear(&poller->rows);
    poller->have_rows = false;
    if (!sessions_from_result(result, poller->server_version, conn_backend_pid(poller->conn),
                              &poller->rows, &poller->err)) {
        away(poller);
        return true; /* none is news too */
    }
    poller->rows.query_ms = query_ms;
    poller->have_rows = true;
    poller->rows_at_ms = clock_mono_ms();
    poller->failures = 0;
    if (poller->rows.hidden > 0 && !poller->rights_asked) {
        poller->rights_asked = true;
        send(poller, OUT_RIGHTS, sessions_rights_sql());
    } else {
        wait_for_next(poller);
    }
    return true;
}

static void take_rights(struct poller *poller, const struct result *result)
{
    struct err ignored = ERR_INIT; /* then the rows are hidden, and nothing more is known */

    poller->have_rights = result && sessions_rights_from_result(result, &poller->rights, &ignored);
    if (poller->have_rights && poller->rights.could_see_all)
        send(poller, OUT_SET_ROLE, "SET ROLE pg_read_all_stats");
    else
        wait_for_next(poller);
}

/* The statement that was out has been answered. */
static bool answered(struct poller *poller)
{
    struct result *result = conn_take_result(poller->conn);
    enum out out = poller->out;
    bool new_rows = false;

    poller->out = OUT_NOTHING;
    switch (out) {
    case OUT_NOTHING:
        break;
    case OUT_ENCODING:
        poller->in_bytes = true;
        send_next(poller);
        break;
    case OUT_PREPARE:
        poller->prepared = true;
        send_next(poller);
        break;
    case OUT_ROWS:
        new_rows = take_rows(poller, result);
        break;
    case OUT_RIGHTS:
        take_rights(poller, result);
        break;
    case OUT_SET_ROLE:
        poller->have_rights = false;
        send_next(poller);
        break;
    }
    result_free(result);
    return new_rows;
}

/* The server refused the statement, and the connection lives. */
static void refused(struct poller *poller)
{
    const char *sqlstate = conn_sqlstate(poller->conn);
    enum out out = poller->out;

    poller->out = OUT_NOTHING;
    if (out == OUT_ROWS && text_starts_with(sqlstate, "22") && !poller->unconverted) {
        /* A name cut in the middle of a character, or bytes of another database's encoding, make
         * the whole statement fail where the server has to convert. Without a conversion it does
         * not. */
        poller->unconverted = true;
        send_next(poller);
    } else if (!poller->no_prepare && (out == OUT_PREPARE || text_equal(sqlstate, "26000"))) {
        poller->no_prepare = true;
        send_next(poller);
    } else if (out == OUT_RIGHTS || out == OUT_SET_ROLE) {
        wait_for_next(poller);
    } else {
        away(poller);
    }
}

/* All is over; libpq knows whether a password was wanted. */
static void lost(struct poller *poller)
{
    bool password = poller->state != POLLER_LIVE && conn_needs_password(poller->conn);

    if (!password) {
        away(poller);
        return;
    }
    drop_connection(poller);
    poller->at_ms = INT64_MAX;
    poller->state = POLLER_PASSWORD;
}

static bool step_connection(struct poller *poller)
{
    if (!conn_step(poller->conn, &poller->err)) {
        if (conn_state(poller->conn) == CONN_IDLE && poller->out != OUT_NOTHING)
            refused(poller);
        else
            lost(poller);
        return false;
    }
    if (conn_state(poller->conn) != CONN_IDLE)
        return false;
    if (poller->state != POLLER_LIVE) {
        poller->state = POLLER_LIVE;
        poller->server_version = conn_server_version(poller->conn);
        send_next(poller);
        return false;
    }
    return poller->out != OUT_NOTHING && answered(poller);
}

bool poller_step(struct poller *poller)
{
    bool new_rows = false;

    if (poller->conn)
        new_rows = step_connection(poller);
    if (poller->at_ms > clock_mono_ms())
        return new_rows;
    poller->at_ms = INT64_MAX;
    if (poller->state == POLLER_LIVE && poller->out == OUT_NOTHING)
        send_next(poller);
    else if (poller->state == POLLER_AWAY)
        poller->needs_params = true;
    return new_rows;
}

int poller_fd(const struct poller *poller)
{
    return poller->conn ? conn_fd(poller->conn) : -1;
}

unsigned poller_wants(const struct poller *poller)
{
    unsigned wants = poller->conn ? conn_wants(poller->conn) : 0;

    return holds(poller) ? wants & ~(unsigned)CONN_READ : wants;
}

int64_t poller_at_ms(const struct poller *poller)
{
    int64_t deadline = poller->conn ? conn_deadline_ms(poller->conn) : 0;

    if (poller->conn && holds(poller))
        return poller->hold_until_ms;
    return deadline > 0 && deadline < poller->at_ms ? deadline : poller->at_ms;
}

/* ---- wishes ---- */

void poller_refresh(struct poller *poller)
{
    if (poller->state == POLLER_LIVE && poller->out == OUT_NOTHING)
        send_next(poller);
    else if (poller->state == POLLER_AWAY && !poller->needs_params)
        poller->at_ms = clock_mono_ms();
    else if (poller->state == POLLER_PASSWORD) /* it may stand in ~/.pgpass by now */
        poller_set_password(poller, NULL);
}

void poller_pause(struct poller *poller, bool paused)
{
    if (poller->paused == paused)
        return;
    poller->paused = paused;
    if (!paused)
        poller_refresh(poller);
    else if (poller->state == POLLER_LIVE)
        poller->at_ms = INT64_MAX;
}

void poller_set_interval(struct poller *poller, int64_t interval_ms)
{
    poller->interval_ms = interval_ms;
    if (poller->state == POLLER_LIVE && poller->out == OUT_NOTHING)
        wait_for_next(poller);
}

/* ---- facts ---- */

enum poller_state poller_state(const struct poller *poller)
{
    return poller->state;
}

int64_t poller_interval(const struct poller *poller)
{
    return poller->interval_ms;
}

const struct err *poller_error(const struct poller *poller)
{
    return &poller->err;
}

const struct sessions *poller_rows(const struct poller *poller)
{
    return poller->have_rows ? &poller->rows : NULL;
}

int64_t poller_age_ms(const struct poller *poller)
{
    return clock_mono_ms() - poller->rows_at_ms;
}

int64_t poller_silence_ms(const struct poller *poller)
{
    return poller->out != OUT_NOTHING ? clock_mono_ms() - poller->sent_at_ms + 1 : 0;
}

int poller_server_version(const struct poller *poller)
{
    return poller->server_version;
}

const struct sessions_rights *poller_rights(const struct poller *poller)
{
    return poller->have_rights && poller->rows.hidden > 0 ? &poller->rights : NULL;
}
