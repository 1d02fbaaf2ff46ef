/* sessions_servers.c - the live panel's servers: which ones, and when they are asked. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/server.h"
#include "screens/sessions_page.h"

#define SERVERS_MAX 16
#define HOLD_MS     60000 /* hidden so long: the connections are closed */

/* ---- servers ---- */

void sessions_free_feeds(struct sessions_page *self)
{
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_free(self->feeds[i]);
    free(self->feeds);
    self->feeds = NULL;
    self->n_feeds = 0;
}

static void set_servers(struct sessions_page *self, char *const *names, size_t n)
{
    sessions_free_feeds(self);
    n = n < SERVERS_MAX ? n : SERVERS_MAX;
    self->feeds = mem_array(n + 1, sizeof(struct session_feed *));
    for (size_t i = 0; i < n; i++) {
        self->feeds[i] = session_feed_new(self->app, self, names[i]);
        session_feed_pause(self->feeds[i], self->paused);
        if (self->shown)
            session_feed_start(self->feeds[i]);
    }
    self->n_feeds = n;
    session_end_set_feeds(self->end, self->feeds);
    secret_field_free(self->password);
    self->password = NULL;
    self->history_n = 0;
    sessions_update(self, false);
}

void sessions_first_servers(struct sessions_page *self)
{
    char *chosen = mem_strdup(app_server(self->app));
    size_t n = 0;
    char *const *watched = app_watched(self->app, &n);

    if (n > 0)
        set_servers(self, watched, n);
    else
        set_servers(self, &chosen, 1);
    free(chosen);
}

struct servers_job {
    char *store_folder;
    struct server_list list;
    bool ok;
    struct err err;
};

static void servers_run(struct job *job, void *data)
{
    struct servers_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    (void)job;
    self->ok = store != NULL && server_list(store, &self->list, &self->err);
    store_close(store);
}

static void servers_free(void *data)
{
    struct servers_job *self = data;

    server_list_clear(&self->list);
    free(self->store_folder);
    free(self);
}

static const struct job_ops servers_ops = {"sessions: servers", servers_run, servers_free};

void sessions_toggle_servers(struct sessions_page *self)
{
    struct servers_job *data;

    if (self->all_servers) {
        self->all_servers = false;
        sessions_first_servers(self);
        return;
    }
    if (self->servers_job != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(self->app));
    self->servers_job = job_start(app_loop(self->app), self, &servers_ops, data);
}

void sessions_servers_ended(struct sessions_page *self)
{
    struct servers_job *data = job_take(self->servers_job);
    char *names[SERVERS_MAX];
    size_t n = 0;

    self->servers_job = NULL;
    for (size_t i = 0; i < data->list.n && n < SERVERS_MAX; i++)
        names[n++] = data->list.rows[i]->name;
    if (session_end_is_open(self->end)) { /* its rows are those of today's servers */
        sessions_say(self, MARK_NONE, _("Answer the question first, then m."));
    } else if (!data->ok) {
        sessions_say(self, MARK_BAD, data->err.msg);
    } else if (n < 2) {
        sessions_say(self, MARK_NONE, _("The store knows no other server."));
    } else {
        self->all_servers = true;
        set_servers(self, names, n);
        if (data->list.n > SERVERS_MAX)
            sessions_say(self, MARK_WARN, _("More servers are known; the first 16 are shown."));
    }
    servers_free(data);
}

/* ---- time ---- */

static bool grows_old(const struct sessions_page *self)
{
    for (size_t i = 0; i < self->n_feeds; i++)
        if (session_feed_state(self->feeds[i]) == POLLER_AWAY ||
            session_feed_silence_ms(self->feeds[i]) > 0)
            return true;
    return false;
}

/* A timer runs only while there is an age to be shown. */
void sessions_set_tick(struct sessions_page *self)
{
    bool wanted = self->shown && grows_old(self);

    if (wanted && self->tick == NULL)
        self->tick = timer_start(app_loop(self->app), self, 1000, 1000);
    if (!wanted) {
        timer_stop(self->tick);
        self->tick = NULL;
    }
}

void sessions_show(struct sessions_page *self)
{
    self->shown = true;
    timer_stop(self->hold);
    self->hold = NULL;
    for (size_t i = 0; i < self->n_feeds; i++) {
        session_feed_start(self->feeds[i]);
        session_feed_pause(self->feeds[i], self->paused);
    }
}

/* Nothing is asked for nobody. A help text is soon closed again: the connections wait a while. */
void sessions_hide(struct sessions_page *self)
{
    self->shown = false;
    if (self->keep_recording)
        return;
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_pause(self->feeds[i], true);
    timer_stop(self->hold);
    self->hold = timer_start(app_loop(self->app), self, HOLD_MS, 0);
}

void sessions_timer(struct sessions_page *self, const struct timer *timer)
{
    if (timer != self->hold)
        return;
    timer_stop(self->hold);
    self->hold = NULL;
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_stop(self->feeds[i]);
}

void sessions_set_paused(struct sessions_page *self, bool paused)
{
    self->paused = paused;
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_pause(self->feeds[i], paused);
}

void sessions_refresh(struct sessions_page *self)
{
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_refresh(self->feeds[i]);
}

void sessions_change_speed(struct sessions_page *self, bool faster)
{
    static const int64_t steps[] = {500, 1000, 2000, 5000, 10000, 30000, 60000};
    int64_t now = session_feed_interval(self->feeds[0]);
    int64_t then = now;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (faster && steps[i] < now)
            then = steps[i];
        if (!faster && steps[i] > now) {
            then = steps[i];
            break;
        }
    }
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_set_interval(self->feeds[i], then);
}
