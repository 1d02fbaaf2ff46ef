/* role_lookup.c - is this role on the chosen server? */
#include "config.h"

#include "screens/role_lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/roles.h"
#include "core/store/server.h"

#define QUIET_MS   300
#define CONNECT_MS 3000
#define ANSWER_MS  5000 /* then the person goes on without an answer: a resolver can take minutes */

enum answer { NOTHING_ASKED, TYPING, ASKING, ANSWERED, FAILED };

struct role_lookup {
    struct app *app;
    void *owner;
    char *role;
    enum answer answer;
    struct timer *timer;
    struct job *job;
    struct role_info info;
    struct err err;
};

struct lookup_job {
    char *store_folder, *server, *role;
    struct role_info info; /* result */
    bool ok;
    struct err err;
};

static void lookup_run(struct job *job, void *data)
{
    struct lookup_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    struct server *server = NULL;
    struct params *params = NULL;
    struct conn *conn = NULL;

    if (store == NULL)
        return;
    server = server_load(store, self->server, &self->err);
    store_close(store);
    if (server == NULL)
        return;
    params = params_parse(server->conninfo, &self->err);
    if (params != NULL && conn_resolve(params, &self->err) && !job_cancelled(job))
        conn = conn_open(params,
                         &(struct conn_options){.connect_timeout_ms = CONNECT_MS,
                                                .statement_timeout_ms = CONNECT_MS},
                         &self->err);
    if (conn != NULL)
        self->ok = roles_look_up(conn, self->role, &self->info, &self->err);
    conn_close(conn);
    params_free(params);
    server_free(server);
}

static void lookup_free(void *data)
{
    struct lookup_job *self = data;

    free(self->store_folder);
    free(self->server);
    free(self->role);
    free(self);
}

static const struct job_ops lookup_ops = {"client: role", lookup_run, lookup_free};

struct role_lookup *role_lookup_new(struct app *app, void *owner)
{
    struct role_lookup *lookup = mem_zalloc(sizeof(*lookup));

    lookup->app = app;
    lookup->owner = owner;
    lookup->role = mem_strdup("");
    return lookup;
}

void role_lookup_free(struct role_lookup *lookup)
{
    if (lookup == NULL)
        return;
    free(lookup->role); /* the navigator forgets timer and job with the page */
    free(lookup);
}

static void stop(struct role_lookup *lookup)
{
    timer_stop(lookup->timer);
    lookup->timer = NULL;
    if (lookup->job != NULL)
        job_cancel(lookup->job);
    lookup->job = NULL;
}

void role_lookup_ask(struct role_lookup *lookup, const char *role)
{
    char *copy;

    if (strcmp(lookup->role, role) == 0)
        return;
    copy = mem_strdup(role);
    free(lookup->role);
    lookup->role = copy;
    stop(lookup);
    lookup->answer = NOTHING_ASKED;
    if (role[0] == '\0' || app_server(lookup->app)[0] == '\0')
        return;
    lookup->answer = TYPING;
    lookup->timer = timer_start(app_loop(lookup->app), lookup->owner, QUIET_MS, 0);
}

static void start(struct role_lookup *lookup)
{
    struct lookup_job *data = mem_zalloc(sizeof(*data));

    data->store_folder = mem_strdup(app_store_folder(lookup->app));
    data->server = mem_strdup(app_server(lookup->app));
    data->role = mem_strdup(lookup->role);
    lookup->answer = ASKING;
    lookup->job = job_start(app_loop(lookup->app), lookup->owner, &lookup_ops, data);
    lookup->timer = timer_start(app_loop(lookup->app), lookup->owner, ANSWER_MS, 0);
}

static void give_up(struct role_lookup *lookup)
{
    stop(lookup);
    lookup->answer = FAILED;
    err_set(&lookup->err, ERR_TIMEOUT, _("no answer within %d s"), ANSWER_MS / 1000);
}

bool role_lookup_event(struct role_lookup *lookup, const struct event *event)
{
    if (event->type == EVENT_TIMER && lookup->timer != NULL && event->timer == lookup->timer) {
        timer_stop(lookup->timer);
        lookup->timer = NULL;
        if (lookup->answer == TYPING)
            start(lookup);
        else
            give_up(lookup);
        return true;
    }
    if (event->type == EVENT_JOB && lookup->job != NULL && event->job == lookup->job) {
        struct lookup_job *data = job_take(lookup->job);

        lookup->job = NULL;
        stop(lookup);
        lookup->answer = data->ok ? ANSWERED : FAILED;
        lookup->info = data->info;
        lookup->err = data->err;
        lookup_free(data);
        return true;
    }
    return false;
}

static enum mark say_answer(const struct role_lookup *lookup, char *note, size_t size)
{
    const char *server = app_server(lookup->app);

    if (!lookup->info.exists) {
        snprintf(note, size, _("role \"%s\" is not on %s yet: CREATE ROLE makes it"), lookup->role,
                 server);
        return MARK_WARN;
    }
    if (!lookup->info.can_login) {
        snprintf(note, size, _("role \"%s\" is on %s, but it may not log in"), lookup->role,
                 server);
        return MARK_WARN;
    }
    if (lookup->info.superuser) {
        snprintf(note, size, _("role \"%s\" is a SUPERUSER on %s"), lookup->role, server);
        return MARK_WARN;
    }
    snprintf(note, size, _("role \"%s\" is on %s and may log in"), lookup->role, server);
    return MARK_OK;
}

enum mark role_lookup_say(const struct role_lookup *lookup, char *note, size_t size)
{
    note[0] = '\0';
    switch (lookup->answer) {
    case NOTHING_ASKED:
        if (app_server(lookup->app)[0] == '\0')
            snprintf(note, size, "%s",
                     _("no server is chosen: whether the role is there is not asked"));
        return MARK_OK;
    case TYPING:
    case ASKING:
        snprintf(note, size, _("asking %s whether the role is there ..."), app_server(lookup->app));
        return MARK_BUSY;
    case FAILED:
        snprintf(note, size, _("%s could not be asked: %.100s"), app_server(lookup->app),
                 lookup->err.msg);
        return MARK_WARN;
    case ANSWERED:
        break;
    }
    return say_answer(lookup, note, size);
}
