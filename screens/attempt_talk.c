/* attempt_talk.c - the job of a change tells its page, under the lock, and waits for its answers. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "screens/attempt_parts.h"

struct attempt_view *attempt_run_lock(struct attempt_run *run)
{
    pthread_mutex_lock(&run->attempt->lock);
    return &run->attempt->view;
}

void attempt_run_unlock(struct attempt_run *run)
{
    pthread_mutex_unlock(&run->attempt->lock);
    job_progress(run->job, 0, 0, NULL);
}

void attempt_run_go(struct attempt_run *run, enum attempt_phase phase)
{
    struct attempt_view *view = attempt_run_lock(run);

    view->phase = phase;
    run->attempt->answer = ATTEMPT_NO_ANSWER;
    attempt_run_unlock(run);
}

/* Waits for an answer, a secret, a stop, or the end of the time; the lock is held. */
bool attempt_wait_heard(struct attempt *attempt, int64_t until_ms)
{
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000) * 1000000};

    if (until_ms == ATTEMPT_FOREVER)
        return pthread_cond_wait(&attempt->heard, &attempt->lock) == 0;
    return pthread_cond_timedwait(&attempt->heard, &attempt->lock, &until) == 0;
}

enum attempt_answer attempt_run_wait(struct attempt_run *run, int64_t until_ms)
{
    struct attempt *attempt = run->attempt;
    enum attempt_answer answer;

    pthread_mutex_lock(&attempt->lock);
    while (attempt->answer == ATTEMPT_NO_ANSWER && !attempt->stop &&
           attempt_wait_heard(attempt, until_ms))
        ;
    answer = attempt->stop ? ATTEMPT_NO : attempt->answer;
    attempt->answer = ATTEMPT_NO_ANSWER;
    pthread_mutex_unlock(&attempt->lock);
    return answer;
}

static bool stop_asked(void *arg)
{
    struct attempt *attempt = ((struct attempt_run *)arg)->attempt;
    bool stop;

    pthread_mutex_lock(&attempt->lock);
    stop = attempt->stop;
    pthread_mutex_unlock(&attempt->lock);
    return stop;
}

bool attempt_run_stopped(struct attempt_run *run)
{
    return stop_asked(run);
}

/* ---- what the plan reports ---- */

static const char *what_happened(const struct plan_step_view *step)
{
    switch (step->state) {
    case JOURNAL_STEP_OPEN:
        break;
    case JOURNAL_STEP_DOING:
        break;
    case JOURNAL_STEP_DONE:
        return _("done");
    case JOURNAL_STEP_SKIPPED:
        return _("nothing to do");
    case JOURNAL_STEP_UNDONE:
        return _("taken back");
    case JOURNAL_STEP_FAILED:
        return _("failed");
    }
    return "";
}

static void on_step(void *arg, const struct plan_step_view *step)
{
    struct attempt_run *run = arg;
    struct attempt_view *view = attempt_run_lock(run);
    size_t i = (size_t)step->n - 1;

    if (i < view->n_steps) {
        enum plan_mark mark = view->steps[i].mark; /* a journalled plan does not know them */

        attempt_step_take(&view->steps[i], step);
        if (view->is_undo)
            view->steps[i].mark = mark;
        if (step->state == JOURNAL_STEP_DOING)
            view->steps[i].began_ms = clock_mono_ms();
    }
    if (step->state != JOURNAL_STEP_DOING)
        attempt_log_line(view, "%2d  %s: %s", step->n, what_happened(step), step->title);
    if (step->state != JOURNAL_STEP_DOING && step->saw[0] != '\0')
        attempt_log_line(view, "    %s", step->saw);
    attempt_run_unlock(run);
}

static void on_saw(void *arg, const char *line)
{
    struct attempt_run *run = arg;
    struct attempt_view *view = attempt_run_lock(run);

    attempt_log_line(view, "%s", line);
    attempt_run_unlock(run);
}

struct plan_watch attempt_run_watch(struct attempt_run *run)
{
    return (struct plan_watch){.step = on_step,
                               .saw = on_saw,
                               .stop = stop_asked,
                               .arg = run,
                               .ask_seconds = run->attempt->keep_seconds};
}

enum attempt_end attempt_end_of(enum journal_plan_state state)
{
    switch (state) {
    case JOURNAL_READY:
    case JOURNAL_FAILED:
        return ATTEMPT_END_FAILED;
    case JOURNAL_KEPT:
        return ATTEMPT_END_KEPT;
    case JOURNAL_UNDONE:
        return ATTEMPT_END_UNDONE;
    case JOURNAL_DOING:
    case JOURNAL_DONE:
    case JOURNAL_LEFT:
        break;
    }
    return ATTEMPT_END_LEFT;
}
