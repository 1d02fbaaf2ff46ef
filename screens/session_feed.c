/* session_feed.c - the sessions of one server, polled without ever waiting. */
#include "config.h"

#include "screens/session_feed.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/server.h"

#define DEFAULT_INTERVAL_MS 2000
#define QUERY_TIMEOUT_MS    10000
#define SLOW_FACTOR         10   /* the pause is so many times as long as the query took */
#define SLOW_PAUSE_MAX_MS   5000 /* and not longer: it may have hung once, and be well again */
#define JOIN_EVERY_MS       10000
#define MAX_KNOWN           20000 /* certificates remembered; beyond it the memory starts anew */

struct known { /* one looked-up certificate, ordered by key */
    char *key; /* issuer as the server sent it, newline, decimal serial */
    struct session_certificate certificate;
};

struct session_feed {
    struct app *app;
    void *owner;
    char *server;
    enum session_feed_state state;
    bool paused;
    bool query_out;
    bool unconverted;  /* names that the server cannot convert: read as bytes from now on */
    bool encoding_out; /* the SET for it is out */
    int64_t interval_ms;
    unsigned failures; /* in a row */

    struct job *prepare; /* reads the server's row, resolves its name */
    struct params *params;
    struct conn *conn;
    struct watch *watch;
    struct timer *deadline; /* of the connection */
    struct timer *next;     /* the next query, or the next try to connect */
    int server_version;
    struct err err;

    struct sessions rows;
    bool have_rows;
    int64_t rows_at_ms;
    int64_t sent_at_ms; /* of the query that is out, or was last */

    struct job *join;
    int64_t joined_at_ms;
    struct known *known;
    size_t n_known;
};

static void send_query(struct session_feed *feed);
static void arm(struct session_feed *feed);

/* ---- jobs ---- */

struct prepare_job {
    char *store_folder;
    char *server;
    struct params *params; /* result */
    bool ok;
    struct err err;
};

static void prepare_run(struct job *job, void *data)
{
    struct prepare_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    struct server *server = NULL;

    (void)job;
    if (store == NULL)
        return;
    server = server_load(store, self->server, &self->err);
    store_close(store);
    if (server == NULL)
        return;
    self->params = params_parse(server->conninfo, &self->err);
    server_free(server);
    self->ok = self->params != NULL && conn_resolve(self->params, &self->err);
}

static void prepare_free(void *data)
{
    struct prepare_job *self = data;

    free(self->store_folder);
    free(self->server);
    params_free(self->params);
    free(self);
}

static const struct job_ops prepare_ops = {"sessions: server", prepare_run, prepare_free};

struct join_job {
    char *store_folder;
    struct known *rows; /* key in; certificate out */
    size_t n;
};

static void join_run(struct job *job, void *data)
{
    struct join_job *self = data;
    struct err err = ERR_INIT;
    struct store *store = store_open(self->store_folder, STORE_READ, &err);

    for (size_t i = 0; store != NULL && i < self->n && !job_cancelled(job); i++) {
        struct session_certificate *certificate = &self->rows[i].certificate;
        const char *newline = strrchr(self->rows[i].key, '\n');
        char *issuer = mem_strndup(self->rows[i].key, (size_t)(newline - self->rows[i].key));
        struct issued *issued = NULL;

        if (issued_find_session(store, issuer, newline + 1, &issued, &err) && issued != NULL) {
            certificate->known = true;
            certificate->role = mem_strdup(issued->role);
            certificate->authority = mem_strdup(issued->authority);
            certificate->not_after = issued->not_after;
            certificate->revoked_at = issued->revoked_at;
        }
        issued_free(issued);
        free(issuer);
    }
    store_close(store);
}

static void known_clear(struct known *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].key);
        free(rows[i].certificate.role);
        free(rows[i].certificate.authority);
    }
    free(rows);
}

static void join_free(void *data)
{
    struct join_job *self = data;

    known_clear(self->rows, self->n);
    free(self->store_folder);
    free(self);
}

static const struct job_ops join_ops = {"sessions: certificates", join_run, join_free};

/* ---- the join ---- */

static char *key_of(const struct session *session)
{
    if (session->client_serial[0] == '\0')
        return NULL;
    return mem_printf("%s\n%s", session->issuer_dn_raw, session->client_serial);
}

static int compare_known(const void *a, const void *b)
{
    const struct known *x = a;
    const struct known *y = b;

    return strcmp(x->key, y->key);
}

static struct known *find_known(const struct session_feed *feed, const char *key)
{
    char *borrowed = mem_strdup(key);
    struct known wanted = {.key = borrowed};
    struct known *found = NULL;

    if (feed->n_known > 0)
        found = bsearch(&wanted, feed->known, feed->n_known, sizeof(wanted), compare_known);
    free(borrowed);
    return found;
}

/* Starts a look-up of what is new, or of all of them when the last look is too old. */
static void start_join(struct session_feed *feed)
{
    bool again = clock_mono_ms() - feed->joined_at_ms >= JOIN_EVERY_MS;
    struct join_job *data;
    size_t n = 0;

    if (feed->join != NULL || !feed->have_rows)
        return;
    data = mem_zalloc(sizeof(*data));
    data->rows = mem_array(feed->rows.n, sizeof(*data->rows));
    for (size_t i = 0; i < feed->rows.n; i++) {
        char *key = key_of(&feed->rows.rows[i]);

        if (key != NULL && (again || find_known(feed, key) == NULL))
            data->rows[n++].key = key;
        else
            free(key);
    }
    data->n = n;
    if (n == 0) {
        join_free(data);
        return;
    }
    if (again)
        feed->joined_at_ms = clock_mono_ms();
    data->store_folder = mem_strdup(app_store_folder(feed->app));
    feed->join = job_start(app_loop(feed->app), feed->owner, &join_ops, data);
}

static void join_ended(struct session_feed *feed)
{
    struct join_job *data = job_take(feed->join);

    feed->join = NULL;
    if (feed->n_known + data->n > MAX_KNOWN) {
        known_clear(feed->known, feed->n_known);
        feed->known = NULL;
        feed->n_known = 0;
    }
    feed->known = mem_realloc_array(feed->known, feed->n_known + data->n + 1, sizeof(*feed->known));
    for (size_t i = 0; i < data->n; i++) {
        struct known *old = find_known(feed, data->rows[i].key);

        if (old != NULL) {
            struct session_certificate swap = old->certificate;

            old->certificate = data->rows[i].certificate;
            data->rows[i].certificate = swap;
            continue;
        }
        feed->known[feed->n_known++] = data->rows[i];
        memset(&data->rows[i], 0, sizeof(data->rows[i]));
        qsort(feed->known, feed->n_known, sizeof(*feed->known), compare_known);
    }
    join_free(data);
}

/* ---- the connection ---- */

static void drop_connection(struct session_feed *feed)
{
    watch_stop(feed->watch);
    feed->watch = NULL;
    timer_stop(feed->deadline);
    feed->deadline = NULL;
    conn_close(feed->conn);
    feed->conn = NULL;
    feed->query_out = false;
    feed->encoding_out = false;
}

static void after(struct session_feed *feed, int64_t ms)
{
    timer_stop(feed->next);
    feed->next = timer_start(app_loop(feed->app), feed->owner, ms > 0 ? ms : 1, 0);
}

/* Lost, hung or never reached: the rows stay, and it is tried again. */
static void away(struct session_feed *feed)
{
    static const int64_t pauses[] = {1000, 2000, 5000, 10000};
    size_t i = feed->failures < ARRAY_LEN(pauses) ? feed->failures : ARRAY_LEN(pauses) - 1;

    drop_connection(feed);
    feed->state = SESSION_FEED_AWAY;
    feed->failures++;
    /* Jitter of up to a quarter, so that many panels do not come back in the same moment. */
    after(feed,
          pauses[i] + (int64_t)((uint64_t)clock_mono_ms() * 2654435761u % 250u) * pauses[i] / 1000);
}

static void connect_now(struct session_feed *feed)
{
    struct prepare_job *data;

    if (feed->prepare != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(feed->app));
    data->server = mem_strdup(feed->server);
    if (feed->state != SESSION_FEED_AWAY)
        feed->state = SESSION_FEED_CONNECTING;
    feed->prepare = job_start(app_loop(feed->app), feed->owner, &prepare_ops, data);
}

static void prepare_ended(struct session_feed *feed)
{
    struct prepare_job *data = job_take(feed->prepare);

    feed->prepare = NULL;
    if (!data->ok) {
        feed->err = data->err;
        prepare_free(data);
        away(feed);
        return;
    }
    params_free(feed->params);
    feed->params = data->params;
    data->params = NULL;
    prepare_free(data);

    feed->conn = conn_start(
        feed->params, &(struct conn_options){.statement_timeout_ms = QUERY_TIMEOUT_MS}, &feed->err);
    if (feed->conn == NULL) {
        away(feed);
        return;
    }
    arm(feed);
}

/* Watches what the connection waits for now. The socket may be another one than before. */
static void arm(struct session_feed *feed)
{
    int64_t left = conn_deadline_ms(feed->conn) - clock_mono_ms();
    unsigned wants = conn_wants(feed->conn);
    int fd = conn_fd(feed->conn);

    watch_stop(feed->watch);
    feed->watch = NULL;
    timer_stop(feed->deadline);
    feed->deadline = NULL;
    if (fd >= 0)
        feed->watch = watch_start(app_loop(feed->app), feed->owner, fd, wants);
    if (conn_state(feed->conn) != CONN_IDLE)
        feed->deadline = timer_start(app_loop(feed->app), feed->owner, left > 0 ? left + 1 : 1, 0);
}

static bool take_rows(struct session_feed *feed, struct result *result)
{
    struct sessions rows;
    struct err err = ERR_INIT;
    int64_t pause = feed->interval_ms;

    if (result == NULL) {
        err_set(&feed->err, ERR_CONNECTION_LOST, _("the server sent no rows"));
        away(feed);
        return false;
    }
    if (!sessions_from_result(result, feed->server_version, conn_backend_pid(feed->conn), &rows,
                              &err)) {
        feed->err = err;
        away(feed);
        return false;
    }
    rows.query_ms = clock_mono_ms() - feed->sent_at_ms;
    if (feed->have_rows)
        sessions_clear(&feed->rows);
    feed->rows = rows;
    feed->have_rows = true;
    feed->rows_at_ms = clock_mono_ms();
    feed->failures = 0;
    if (rows.query_ms * SLOW_FACTOR > pause) /* a slow server is asked less often */
        pause = rows.query_ms * SLOW_FACTOR < SLOW_PAUSE_MAX_MS ? rows.query_ms * SLOW_FACTOR
                                                                : SLOW_PAUSE_MAX_MS;
    if (pause < feed->interval_ms)
        pause = feed->interval_ms;
    if (!feed->paused)
        after(feed, pause);
    start_join(feed);
    return true;
}

/* A name cut in the middle of a character, or bytes of another database's encoding, make the whole
 * statement fail where the server has to convert (SQLSTATE class 22). Then: without a conversion. */
static bool may_go_on_unconverted(const struct session_feed *feed)
{
    return conn_state(feed->conn) == CONN_IDLE && feed->query_out && !feed->unconverted &&
           text_starts_with(conn_sqlstate(feed->conn), "22");
}

static void ask_first(struct session_feed *feed)
{
    if (!feed->unconverted) {
        send_query(feed);
        return;
    }
    if (!conn_send(feed->conn, "SET client_encoding = 'SQL_ASCII'", 0, NULL,
                   clock_mono_ms() + QUERY_TIMEOUT_MS, &feed->err)) {
        away(feed);
        return;
    }
    feed->encoding_out = true;
}

/* Moves the connection on; true when new rows came. */
static bool step(struct session_feed *feed)
{
    struct result *result;
    bool new_rows = false;

    watch_stop(feed->watch); /* before libpq may close the socket behind it */
    feed->watch = NULL;
    if (!conn_step(feed->conn, &feed->err)) {
        if (!may_go_on_unconverted(feed)) {
            away(feed);
            return false;
        }
        feed->unconverted = true;
        feed->query_out = false;
        ask_first(feed);
    } else if (conn_state(feed->conn) == CONN_IDLE) {
        if (feed->state != SESSION_FEED_LIVE) {
            feed->state = SESSION_FEED_LIVE;
            feed->server_version = conn_server_version(feed->conn);
            ask_first(feed);
        } else if (feed->encoding_out) {
            feed->encoding_out = false;
            result_free(conn_take_result(feed->conn));
            send_query(feed);
        } else if (feed->query_out) {
            feed->query_out = false;
            result = conn_take_result(feed->conn);
            new_rows = take_rows(feed, result);
            result_free(result);
        }
    }
    if (feed->conn != NULL)
        arm(feed);
    return new_rows;
}

static void send_query(struct session_feed *feed)
{
    int64_t now = clock_mono_ms();

    if (!conn_send(feed->conn, sessions_sql(feed->server_version), 0, NULL, now + QUERY_TIMEOUT_MS,
                   &feed->err)) {
        away(feed);
        return;
    }
    feed->query_out = true;
    feed->sent_at_ms = now;
}

/* ---- for the page ---- */

struct session_feed *session_feed_new(struct app *app, void *owner, const char *server)
{
    struct session_feed *feed = mem_zalloc(sizeof(*feed));

    feed->app = app;
    feed->owner = owner;
    feed->server = mem_strdup(server);
    feed->state = SESSION_FEED_STOPPED;
    feed->interval_ms = DEFAULT_INTERVAL_MS;
    return feed;
}

void session_feed_stop(struct session_feed *feed)
{
    timer_stop(feed->next);
    feed->next = NULL;
    if (feed->prepare != NULL)
        job_cancel(feed->prepare);
    feed->prepare = NULL;
    if (feed->join != NULL)
        job_cancel(feed->join);
    feed->join = NULL;
    drop_connection(feed);
    feed->state = SESSION_FEED_STOPPED;
}

void session_feed_free(struct session_feed *feed)
{
    if (feed == NULL)
        return;
    session_feed_stop(feed);
    params_free(feed->params);
    if (feed->have_rows)
        sessions_clear(&feed->rows);
    known_clear(feed->known, feed->n_known);
    free(feed->server);
    free(feed);
}

void session_feed_start(struct session_feed *feed)
{
    if (feed->state != SESSION_FEED_STOPPED)
        return;
    feed->failures = 0;
    connect_now(feed);
}

void session_feed_refresh(struct session_feed *feed)
{
    if (feed->state == SESSION_FEED_LIVE && !feed->query_out && !feed->encoding_out) {
        timer_stop(feed->next);
        feed->next = NULL;
        send_query(feed);
        if (feed->conn != NULL)
            arm(feed);
    } else if (feed->state == SESSION_FEED_AWAY) {
        after(feed, 1);
    }
}

void session_feed_pause(struct session_feed *feed, bool paused)
{
    if (feed->paused == paused)
        return;
    feed->paused = paused;
    if (!paused)
        session_feed_refresh(feed);
    else if (feed->state == SESSION_FEED_LIVE) {
        timer_stop(feed->next);
        feed->next = NULL;
    }
}

void session_feed_set_interval(struct session_feed *feed, int64_t interval_ms)
{
    feed->interval_ms = interval_ms;
    if (feed->state == SESSION_FEED_LIVE && !feed->query_out && !feed->paused)
        after(feed, interval_ms);
}

int64_t session_feed_interval(const struct session_feed *feed)
{
    return feed->interval_ms;
}

bool session_feed_event(struct session_feed *feed, const struct event *event, bool *ret_rows)
{
    *ret_rows = false;
    if (event->type == EVENT_JOB && event->job == feed->prepare) {
        prepare_ended(feed);
    } else if (event->type == EVENT_JOB && event->job == feed->join) {
        join_ended(feed);
        *ret_rows = true;
    } else if (event->type == EVENT_WATCH && event->watch == feed->watch && feed->conn != NULL) {
        *ret_rows = step(feed);
    } else if (event->type == EVENT_TIMER && event->timer == feed->deadline && feed->conn != NULL) {
        timer_stop(feed->deadline);
        feed->deadline = NULL;
        *ret_rows = step(feed); /* conn_step() sees its deadline and says ERR_TIMEOUT */
    } else if (event->type == EVENT_TIMER && event->timer == feed->next) {
        timer_stop(feed->next);
        feed->next = NULL;
        if (feed->state == SESSION_FEED_LIVE && !feed->paused && !feed->query_out)
            session_feed_refresh(feed);
        else if (feed->state == SESSION_FEED_AWAY)
            connect_now(feed);
    } else {
        return false;
    }
    return true;
}

enum session_feed_state session_feed_state(const struct session_feed *feed)
{
    return feed->state;
}

bool session_feed_paused(const struct session_feed *feed)
{
    return feed->paused;
}

const struct err *session_feed_error(const struct session_feed *feed)
{
    return &feed->err;
}

const struct sessions *session_feed_rows(const struct session_feed *feed)
{
    return feed->have_rows ? &feed->rows : NULL;
}

int64_t session_feed_age_ms(const struct session_feed *feed)
{
    return clock_mono_ms() - feed->rows_at_ms;
}

int64_t session_feed_silence_ms(const struct session_feed *feed)
{
    return feed->query_out ? clock_mono_ms() - feed->sent_at_ms : 0;
}

int session_feed_server_version(const struct session_feed *feed)
{
    return feed->server_version;
}

const struct session_certificate *session_feed_certificate(const struct session_feed *feed,
                                                           size_t i)
{
    char *key = key_of(&feed->rows.rows[i]);
    struct known *known = key != NULL ? find_known(feed, key) : NULL;

    free(key);
    return known != NULL ? &known->certificate : NULL;
}

struct params *session_feed_params(const struct session_feed *feed)
{
    return feed->params != NULL ? params_dup(feed->params) : NULL;
}
