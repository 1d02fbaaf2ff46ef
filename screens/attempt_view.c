/* attempt_view.c - what the job of a change and its page share: the view, and who still holds it. */
#include "config.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "screens/attempt_parts.h"

void attempt_step_clear(struct attempt_step *step)
{
    free(step->title);
    free(step->effect);
    free(step->details);
    free(step->saw);
}

void attempt_set_text(char **text, const char *with)
{
    char *copy = mem_strdup(with);

    free(*text);
    *text = copy;
}

void attempt_step_take(struct attempt_step *to, const struct plan_step_view *from)
{
    to->mark = from->mark;
    to->state = from->state;
    to->took_ms = from->took_ms;
    attempt_set_text(&to->title, from->title);
    attempt_set_text(&to->effect, from->effect);
    attempt_set_text(&to->saw, from->saw);
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
