/* attempt.c - a change as its page sees it: begun, answered, left. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "screens/attempt_parts.h"

/* ---- life ---- */

/* A demo leaves nothing behind, so its log stands in its own folder. */
static char *log_folder(const struct app *app)
{
    struct err ignored = ERR_INIT;
    char *state, *folder;

    if (app_is_demo(app))
        return fs_join(app_store_folder(app), "log");
    state = fs_state_folder(&ignored);
    folder = state != NULL ? fs_join(state, "log") : NULL;
    free(state);
    return folder;
}

static struct attempt *attempt_new(struct app *app, const char *server)
{
    struct attempt *attempt = mem_zalloc(sizeof(*attempt));
    pthread_condattr_t attributes;

    attempt->store_folder = mem_strdup(app_store_folder(app));
    attempt->server = mem_strdup(server);
    attempt->log_folder = log_folder(app);
    attempt->keep_seconds = app_keep_seconds(app);
    pthread_mutex_init(&attempt->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* deadlines are clock_mono_ms() */
    pthread_cond_init(&attempt->heard, &attributes);
    pthread_condattr_destroy(&attributes);
    attempt->holds = 2;
    attempt->view.err = (struct err)ERR_INIT;
    attempt->view.server = mem_strdup(server);
    attempt->view.sessions_before = attempt->view.sessions_after = -1;
    return attempt;
}

struct attempt *attempt_start(struct app *app, void *owner, const struct attempt_intent *intent,
                              void *data)
{
    struct attempt *attempt = attempt_new(app, app_server(app));

    attempt->intent = *intent;
    attempt->data = data;
    attempt->job = job_start(app_loop(app), owner, &attempt_job_ops, attempt);
    return attempt;
}

struct attempt *attempt_start_by_hand(struct app *app, void *owner,
                                      const struct attempt_intent *intent, void *data)
{
    struct attempt *attempt = attempt_new(app, app_server(app));

    attempt->by_hand = true;
    attempt->intent = *intent;
    attempt->data = data;
    attempt->job = job_start(app_loop(app), owner, &attempt_job_ops, attempt);
    return attempt;
}

struct attempt *attempt_start_journalled(struct app *app, void *owner, const char *server,
                                         int64_t plan_id, bool keep)
{
    struct attempt *attempt = attempt_new(app, server);

    attempt->plan_id = plan_id;
    attempt->view.is_keep = keep;
    attempt->view.is_undo = !keep;
    attempt->job = job_start(app_loop(app), owner, &attempt_job_ops, attempt);
    return attempt;
}

void attempt_free(struct attempt *attempt)
{
    if (attempt == NULL)
        return;
    attempt_stop(attempt);
    attempt_drop(attempt); /* the navigator forgets the job with its page; the job ends by itself */
}

/* ---- the page's side ---- */

bool attempt_event(struct attempt *attempt, const struct event *event)
{
    if (attempt == NULL || attempt->job == NULL || event->job != attempt->job)
        return false;
    if (event->type == EVENT_JOB)
        attempt->job = NULL;
    return event->type == EVENT_JOB || event->type == EVENT_JOB_PROGRESS;
}

static void answer(struct attempt *attempt, enum attempt_phase phase, enum attempt_answer what)
{
    pthread_mutex_lock(&attempt->lock);
    if (attempt->view.phase == phase) { /* an answer to a question that is over is none */
        attempt->answer = what;
        pthread_cond_signal(&attempt->heard);
    }
    pthread_mutex_unlock(&attempt->lock);
}

void attempt_apply(struct attempt *attempt)
{
    answer(attempt, ATTEMPT_REVIEW, ATTEMPT_YES);
}

void attempt_decline(struct attempt *attempt)
{
    answer(attempt, ATTEMPT_REVIEW, ATTEMPT_NO);
}

void attempt_keep(struct attempt *attempt)
{
    answer(attempt, ATTEMPT_KEEP, ATTEMPT_YES);
    answer(attempt, ATTEMPT_OTHERS, ATTEMPT_YES);
}

void attempt_undo(struct attempt *attempt)
{
    answer(attempt, ATTEMPT_KEEP, ATTEMPT_NO);
    answer(attempt, ATTEMPT_OTHERS, ATTEMPT_NO);
}

void attempt_give(struct attempt *attempt, const struct secret *secret)
{
    pthread_mutex_lock(&attempt->lock);
    secret_free(attempt->secret);
    attempt->secret = secret_dup(secret);
    if (attempt->view.phase == ATTEMPT_ASKING) /* at once: the same question again is a new one */
        attempt->view.phase = attempt->asked_in;
    pthread_cond_signal(&attempt->heard);
    pthread_mutex_unlock(&attempt->lock);
}

void attempt_stop(struct attempt *attempt)
{
    pthread_mutex_lock(&attempt->lock);
    attempt->stop = true;
    attempt->view.stopping = true;
    pthread_cond_signal(&attempt->heard);
    pthread_mutex_unlock(&attempt->lock);
}
