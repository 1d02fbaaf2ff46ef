/* session_feed.c - the sessions of one server in the event loop. */
#include "config.h"

#include "screens/session_feed.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/server.h"
#include "core/watch/recorder.h"

struct session_feed {
    struct app *app;
    void *owner;
    char *server;
    struct poller *poller;
    struct session_book *book;
    bool managed, production;
    struct job *prepare; /* reads the server's row, resolves its name */
    struct job *join;    /* looks certificates up */
    struct err store_err;
    struct recorder *recorder;
    struct job *record; /* writes what was seen */
    struct err record_err;
    bool no_record;
    struct watch *watch;
    struct timer *timer;
};

/* ---- jobs ---- */

struct prepare_job {
    char *store_folder;
    char *server;
    struct params *params; /* result; NULL: err says why */
    bool managed, production;
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
    self->managed = strcmp(server->provider, "self-managed") != 0;
    self->production = server->production;
    self->params = params_parse(server->conninfo, &self->err);
    server_free(server);
    if (self->params != NULL && !conn_resolve(self->params, &self->err)) {
        params_free(self->params);
        self->params = NULL;
    }
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
    struct session_lookup *lookup;
    bool ok;
    struct err err;
};

static bool join_cancelled(void *arg)
{
    return job_cancelled(arg);
}

static void join_run(struct job *job, void *data)
{
    struct join_job *self = data;

    self->ok = session_lookup_run(self->lookup, join_cancelled, job, &self->err);
}

static void join_free(void *data)
{
    struct join_job *self = data;

    session_lookup_free(self->lookup);
    free(self);
}

static const struct job_ops join_ops = {"sessions: certificates", join_run, join_free};

struct record_job {
    char *store_folder;
    struct record_batch *batch;
    bool ran, ok;
    struct err err;
};

static void record_run(struct job *job, void *data)
{
    struct record_job *self = data;

    (void)job;
    self->ran = true;
    self->ok = record_batch_write(self->batch, self->store_folder, &self->err);
}

/* At the end of the program a job that waits is cancelled; what was seen is written nevertheless. */
static void record_free(void *data)
{
    struct record_job *self = data;

    if (!self->ran)
        record_run(NULL, self);
    free(self->store_folder);
    record_batch_free(self->batch);
    free(self);
}

static const struct job_ops record_ops = {"sessions: record", record_run, record_free};

static struct record_job *take_records(struct session_feed *feed)
{
    struct record_batch *batch = recorder_take(feed->recorder, clock_mono_ms());
    struct record_job *data;

    if (batch == NULL)
        return NULL;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(feed->app));
    data->batch = batch;
    return data;
}

/* When the certificates of the rows are known: their CA is written down too. */
static void record(struct session_feed *feed)
{
    struct record_job *data;

    if (feed->no_record || feed->join != NULL || poller_rows(feed->poller) == NULL)
        return;
    recorder_add(feed->recorder, poller_rows(feed->poller), feed->book);
    if (feed->record != NULL || !recorder_is_due(feed->recorder, clock_mono_ms()))
        return;
    data = take_records(feed);
    if (data != NULL)
        feed->record = job_start(app_loop(feed->app), feed->owner, &record_ops, data);
}

/* The last ones, by a job without an owner: nobody waits for it but the end of the program. */
static void record_rest(struct session_feed *feed)
{
    struct record_job *data = feed->no_record ? NULL : take_records(feed);

    struct job *job = NULL;

    if (data != NULL)
        job = job_start(app_loop(feed->app), NULL, &record_ops, data);
    (void)job; /* nobody's: it frees itself */
}

static void record_ended(struct session_feed *feed)
{
    struct record_job *data = job_take(feed->record);

    feed->record = NULL;
    feed->record_err = data->err;
    if (!data->ok)
        recorder_lost(feed->recorder);
    feed->no_record = !data->ok && data->err.code != ERR_STORE_BUSY;
    record_free(data);
}

static void start_prepare(struct session_feed *feed)
{
    struct prepare_job *data;

    if (feed->prepare != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(feed->app));
    data->server = mem_strdup(feed->server);
    feed->prepare = job_start(app_loop(feed->app), feed->owner, &prepare_ops, data);
}

static void start_join(struct session_feed *feed)
{
    const struct sessions *rows = poller_rows(feed->poller);
    struct session_lookup *lookup;
    struct join_job *data;

    if (feed->join != NULL || rows == NULL)
        return;
    lookup = session_book_wanted(feed->book, rows, app_store_folder(feed->app));
    if (lookup == NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->lookup = lookup;
    feed->join = job_start(app_loop(feed->app), feed->owner, &join_ops, data);
}

/* ---- between the poller and the loop ---- */

/* Before anything is done with the poller: it may close what is watched. */
static void disarm(struct session_feed *feed)
{
    watch_stop(feed->watch);
    feed->watch = NULL;
    timer_stop(feed->timer);
    feed->timer = NULL;
}

/* After it: what it waits for now. */
static void arm(struct session_feed *feed)
{
    int fd = poller_fd(feed->poller);
    int64_t at_ms = poller_at_ms(feed->poller);
    struct loop *loop = app_loop(feed->app);

    disarm(feed);
    if (fd >= 0 && poller_wants(feed->poller) != 0)
        feed->watch = watch_start(loop, feed->owner, fd, poller_wants(feed->poller));
    if (at_ms != INT64_MAX) {
        int64_t left = at_ms - clock_mono_ms();

        feed->timer = timer_start(loop, feed->owner, left > 0 ? left : 1, 0);
    }
    if (poller_needs_params(feed->poller))
        start_prepare(feed);
}

static bool step(struct session_feed *feed)
{
    bool new_rows;

    disarm(feed);
    new_rows = poller_step(feed->poller);
    arm(feed);
    if (new_rows) {
        start_join(feed);
        record(feed);
    }
    return new_rows;
}

static void prepare_ended(struct session_feed *feed)
{
    struct prepare_job *data = job_take(feed->prepare);

    feed->prepare = NULL;
    if (data->params != NULL) {
        feed->managed = data->managed;
        feed->production = data->production;
    }
    disarm(feed);
    poller_take_params(feed->poller, data->params, &data->err);
    data->params = NULL;
    prepare_free(data);
    arm(feed);
}

static bool join_ended(struct session_feed *feed)
{
    struct join_job *data = job_take(feed->join);
    bool ok = data->ok;

    feed->join = NULL;
    feed->store_err = data->err;
    if (ok) {
        session_book_take(feed->book, data->lookup);
        data->lookup = NULL;
    }
    join_free(data);
    if (ok)
        record(feed);
    return ok;
}

bool session_feed_event(struct session_feed *feed, const struct event *event, unsigned *ret_news)
{
    *ret_news = 0;
    if (event->type == EVENT_JOB && event->job == feed->prepare)
        prepare_ended(feed);
    else if (event->type == EVENT_JOB && event->job == feed->join)
        *ret_news = join_ended(feed) ? SESSION_FEED_CERTIFICATES : 0;
    else if (event->type == EVENT_JOB && event->job == feed->record)
        record_ended(feed);
    else if ((event->type == EVENT_WATCH && event->watch == feed->watch) ||
             (event->type == EVENT_TIMER && event->timer == feed->timer))
        *ret_news = step(feed) ? SESSION_FEED_ROWS : 0;
    else
        return false;
    return true;
}

/* ---- for the page ---- */

struct session_feed *session_feed_new(struct app *app, void *owner, const char *server)
{
    struct session_feed *feed = mem_zalloc(sizeof(*feed));

    feed->app = app;
    feed->owner = owner;
    feed->server = mem_strdup(server);
    feed->poller = poller_new();
    feed->book = session_book_new();
    feed->recorder = recorder_new(server);
    return feed;
}

void session_feed_stop(struct session_feed *feed)
{
    disarm(feed);
    if (feed->prepare != NULL)
        job_cancel(feed->prepare);
    feed->prepare = NULL;
    if (feed->join != NULL)
        job_cancel(feed->join);
    feed->join = NULL;
    record_rest(feed);
    poller_stop(feed->poller);
}

void session_feed_free(struct session_feed *feed)
{
    if (feed == NULL)
        return;
    session_feed_stop(feed);
    poller_free(feed->poller);
    session_book_free(feed->book);
    recorder_free(feed->recorder);
    free(feed->server);
    free(feed);
}

void session_feed_start(struct session_feed *feed)
{
    poller_start(feed->poller);
    arm(feed);
}

void session_feed_refresh(struct session_feed *feed)
{
    disarm(feed);
    poller_refresh(feed->poller);
    arm(feed);
}

void session_feed_pause(struct session_feed *feed, bool paused)
{
    disarm(feed);
    poller_pause(feed->poller, paused);
    arm(feed);
}

void session_feed_set_interval(struct session_feed *feed, int64_t interval_ms)
{
    poller_set_interval(feed->poller, interval_ms);
    arm(feed);
}

void session_feed_set_password(struct session_feed *feed, const struct secret *password)
{
    disarm(feed);
    poller_set_password(feed->poller, password);
    arm(feed);
}

const char *session_feed_server(const struct session_feed *feed)
{
    return feed->server;
}

enum poller_state session_feed_state(const struct session_feed *feed)
{
    return poller_state(feed->poller);
}

int64_t session_feed_interval(const struct session_feed *feed)
{
    return poller_interval(feed->poller);
}

const struct err *session_feed_error(const struct session_feed *feed)
{
    return poller_error(feed->poller);
}

const struct err *session_feed_store_error(const struct session_feed *feed)
{
    return feed->store_err.code != ERR_NONE ? &feed->store_err : NULL;
}

const struct err *session_feed_record_error(const struct session_feed *feed)
{
    return feed->record_err.code != ERR_NONE ? &feed->record_err : NULL;
}

const struct sessions *session_feed_rows(const struct session_feed *feed)
{
    return poller_rows(feed->poller);
}

int64_t session_feed_age_ms(const struct session_feed *feed)
{
    return poller_age_ms(feed->poller);
}

int64_t session_feed_silence_ms(const struct session_feed *feed)
{
    return poller_silence_ms(feed->poller);
}

int session_feed_server_version(const struct session_feed *feed)
{
    return poller_server_version(feed->poller);
}

const struct sessions_rights *session_feed_rights(const struct session_feed *feed)
{
    return poller_rights(feed->poller);
}

bool session_feed_managed(const struct session_feed *feed)
{
    return feed->managed;
}

bool session_feed_production(const struct session_feed *feed)
{
    return feed->production;
}

const struct session_certificate *session_feed_certificate(const struct session_feed *feed,
                                                           size_t i)
{
    return session_book_find(feed->book, &poller_rows(feed->poller)->rows[i]);
}

const struct session_book *session_feed_book(const struct session_feed *feed)
{
    return feed->book;
}

struct params *session_feed_params(const struct session_feed *feed)
{
    const struct params *params = poller_params(feed->poller);

    return params != NULL ? params_dup(params) : NULL;
}

bool session_feed_has_password(const struct session_feed *feed)
{
    return poller_password(feed->poller) != NULL;
}

struct secret *session_feed_password(const struct session_feed *feed)
{
    return secret_dup(poller_password(feed->poller));
}
