/* attempt.c - what stands between the job of a change and its page. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "screens/attempt_parts.h"

/* ---- copies ---- */

void attempt_step_clear(struct attempt_step *step)
{
    free(step->title);
    free(step->effect);
    free(step->details);
    free(step->saw);
}

void attempt_view_clear(struct attempt_view *view)
{
    for (size_t i = 0; i < view->n_steps; i++)
        attempt_step_clear(&view->steps[i]);
    for (size_t i = 0; i < view->n_log; i++)
        free(view->log[i]);
    for (size_t i = 0; i < view->n_refused; i++)
        free(view->refused[i]);
    for (size_t i = 0; i < view->n_results; i++)
        free(view->results[i]);
    free(view->results);
    free(view->refused);
    free(view->steps);
    free(view->log);
    free(view->title);
    free(view->server);
    free(view->where);
    free(view->wants);
    free(view->script);
    free(view->saved);
    free(view->saved_why);
    free(view->log_file);
    free(view->script_file);
    *view = (struct attempt_view){.err = ERR_INIT};
}

static char *text_of(const char *text)
{
    return mem_strdup(text != NULL ? text : "");
}

static char **copy_lines(char *const *lines, size_t n)
{
    char **copy = mem_array(n + 1, sizeof(*copy));

    for (size_t i = 0; i < n; i++)
        copy[i] = mem_strdup(lines[i]);
    return copy;
}

void attempt_look(struct attempt *attempt, struct attempt_view *ret)
{
    const struct attempt_view *view = &attempt->view;

    attempt_view_clear(ret);
    pthread_mutex_lock(&attempt->lock);
    *ret = *view;
    ret->title = text_of(view->title);
    ret->server = text_of(view->server);
    ret->where = text_of(view->where);
    ret->wants = text_of(view->wants);
    ret->script = text_of(view->script);
    ret->saved = mem_strdup(view->saved);
    ret->saved_why = mem_strdup(view->saved_why);
    ret->log_file = text_of(view->log_file);
    ret->script_file = text_of(view->script_file);
    ret->steps = mem_array(view->n_steps + 1, sizeof(*ret->steps));
    for (size_t i = 0; i < view->n_steps; i++) {
        ret->steps[i] = view->steps[i];
        ret->steps[i].title = text_of(view->steps[i].title);
        ret->steps[i].effect = text_of(view->steps[i].effect);
        ret->steps[i].details = text_of(view->steps[i].details);
        ret->steps[i].saw = text_of(view->steps[i].saw);
    }
    ret->log = copy_lines(view->log, view->n_log);
    ret->refused = copy_lines(view->refused, view->n_refused);
    ret->results = copy_lines(view->results, view->n_results);
    pthread_mutex_unlock(&attempt->lock);
}

bool attempt_is_open(const struct attempt_view *view)
{
    return view->phase == ATTEMPT_APPLYING || view->phase == ATTEMPT_KEEP ||
           view->phase == ATTEMPT_UNDOING;
}

/* ---- life ---- */

static void free_all(struct attempt *attempt)
{
    if (attempt->data != NULL)
        attempt->intent.free(attempt->data);
    attempt_view_clear(&attempt->view);
    secret_free(attempt->secret);
    secret_free(attempt->passphrase);
    free(attempt->passphrase_of);
    pthread_cond_destroy(&attempt->heard);
    pthread_mutex_destroy(&attempt->lock);
    free(attempt->store_folder);
    free(attempt->server);
    free(attempt->log_folder);
    free(attempt->log_name);
    free(attempt);
}

void attempt_drop(struct attempt *attempt)
{
    bool last;

    pthread_mutex_lock(&attempt->lock);
    last = --attempt->holds == 0;
    pthread_mutex_unlock(&attempt->lock);
    if (last)
        free_all(attempt);
}

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
