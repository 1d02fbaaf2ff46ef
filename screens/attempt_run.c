/* attempt_run.c - a new change, from its plan to its end: make it, wait, apply, wait, keep or take back. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/sessions.h"
#include "core/plan/fleet.h"
#include "core/plan/saved.h"
#include "screens/attempt_parts.h"
#include "screens/server_state.h"

#define REFRESH_MS 1000

/* ---- the plan, for the page ---- */

static int count_sessions(struct attempt_run *run)
{
    struct sessions sessions;
    struct err ignored = ERR_INIT; /* a role that may not look: the page says nothing about them */
    int n = 0;

    if (!sessions_read(run->admin, &sessions, &ignored))
        return -1;
    for (size_t i = 0; i < sessions.n; i++)
        n += !sessions.rows[i].own;
    sessions_clear(&sessions);
    return n;
}

static void copy_refused(const struct plan *plan, struct attempt_view *view)
{
    view->n_refused = plan_count_refused(plan);
    view->refused = mem_array(view->n_refused + 1, sizeof(*view->refused));
    for (size_t i = 0; i < view->n_refused; i++) {
        const struct plan_refused *refused = plan_refused(plan, i);

        if (refused->pid == 0) { /* nobody is connected as this role now */
            view->refused[i] = mem_printf(_("role \"%s\", which has a certificate: %s"),
                                          refused->role, refused->why);
            continue;
        }
        view->refused[i] = mem_printf(
            _("\"%s\" in database \"%s\" from %s, pid %d%s%s"), refused->role, refused->database,
            refused->address, refused->pid, refused->why[0] != '\0' ? ": " : "", refused->why);
    }
}

static void show_plan(struct attempt_run *run)
{
    struct strbuf script = STRBUF_INIT, saved = STRBUF_INIT;
    struct err why = ERR_INIT;
    bool can_be_saved = saved_print(run->plan, &saved, &why);
    struct attempt_view *view;

    plan_script(run->plan, &script);
    view = attempt_run_lock(run);
    if (can_be_saved)
        view->saved = strbuf_steal(&saved);
    else
        view->saved_why = mem_strdup(why.msg);
    strbuf_clear(&saved);
    attempt_set_text(&view->title, plan_title(run->plan));
    view->n_steps = plan_count(run->plan);
    view->steps = mem_array(view->n_steps + 1, sizeof(*view->steps));
    for (size_t i = 0; i < view->n_steps; i++) {
        struct plan_step_view step = plan_step(run->plan, i);

        attempt_step_take(&view->steps[i], &step);
        view->steps[i].details = attempt_script_part(script.data, i + 1);
    }
    free(view->script);
    view->script = strbuf_steal(&script);
    copy_refused(run->plan, view);
    attempt_run_unlock(run);
}

static enum attempt_end show_text(struct attempt_run *run)
{
    struct strbuf text = STRBUF_INIT;
    struct attempt_view *view;

    plan_by_hand(run->plan, &text);
    view = attempt_run_lock(run);
    attempt_set_text(&view->title, plan_title(run->plan));
    free(view->script);
    view->script = strbuf_steal(&text);
    attempt_run_unlock(run);
    return ATTEMPT_END_TEXT;
}

static void set_id(struct attempt_run *run)
{
    struct attempt_view *view = attempt_run_lock(run);

    view->plan_id = plan_id(run->plan);
    attempt_run_unlock(run);
}

/* ---- a new change ---- */

/* Taken back for want of a "keep"; why is kept as the error where there was one before. */
static enum attempt_end take_back(struct attempt_run *run, struct err *err)
{
    struct plan_watch watch = run->watch;
    struct err why = ERR_INIT;

    watch.stop = NULL; /* what is begun here is finished */
    attempt_run_go(run, ATTEMPT_UNDOING);
    if (!plan_undo(run->plan, &watch, &why))
        *err = why;
    return attempt_end_of(plan_state(run->plan));
}

/* An answer, or another process decided ("plan keep", "plan undo"): then the plan's state says it. */
static enum attempt_answer wait_to_keep(struct attempt_run *run, int64_t until)
{
    enum attempt_answer answer = ATTEMPT_NO_ANSWER;
    struct err ignored = ERR_INIT; /* a store that cannot be read now: asked again */

    while (answer == ATTEMPT_NO_ANSWER && plan_state(run->plan) == JOURNAL_DONE &&
           clock_mono_ms() < until) {
        int64_t next = clock_mono_ms() + REFRESH_MS;

        answer = attempt_run_wait(run, next < until ? next : until);
        if (answer == ATTEMPT_NO_ANSWER)
            (void)!plan_refresh(run->plan, &ignored);
    }
    return answer;
}

static enum attempt_end wait_for_keep(struct attempt_run *run, struct err *err)
{
    int64_t until = plan_deadline_ms(run->plan);
    int sessions = count_sessions(run);
    struct attempt_view *view;
    enum attempt_answer answer;

    attempt_log_save(run->attempt);
    view = attempt_run_lock(run);
    view->sessions_after = sessions;
    view->deadline_ms = until;
    attempt_run_unlock(run);
    attempt_run_go(run, ATTEMPT_KEEP);
    answer = wait_to_keep(run, until);
    if (plan_state(run->plan) != JOURNAL_DONE)
        return attempt_end_of(plan_state(run->plan));
    if (answer == ATTEMPT_YES && plan_keep(run->plan, err))
        return ATTEMPT_END_KEPT;
    if (answer == ATTEMPT_NO_ANSWER) {
        view = attempt_run_lock(run);
        view->timed_out = true;
        attempt_log_line(view, _("nobody kept it in %d s"), run->attempt->keep_seconds);
        attempt_run_unlock(run);
    }
    return take_back(run, err);
}

/* A change on top of one that is neither kept nor undone could not be taken back in order. */
static bool check_finished(struct attempt_run *run, struct err *err)
{
    struct journal_plan_list open = {.n = 0};
    int64_t unfinished = 0;

    if (!journal_open_plans(run->store, &open, err))
        return false;
    for (size_t i = 0; i < open.n; i++) {
        if (text_equal(open.rows[i]->server, run->server->name) &&
            open.rows[i]->state != JOURNAL_LEFT)
            unfinished = open.rows[i]->id;
    }
    journal_plan_list_clear(&open);
    if (unfinished == 0)
        return true;
    err_set(err, ERR_UNFINISHED, _("plan %lld on \"%s\" is not finished"), (long long)unfinished,
            run->server->name);
    return err_hint(err, _("If no other pgseal is at it: take it back first, with Home, Log and "
                           "undo."));
}

static enum attempt_end apply(struct attempt_run *run, struct err *err)
{
    enum attempt_end end = ATTEMPT_END_FAILED;

    plan_accept_refused(run->plan, plan_count_refused(run->plan)); /* those that were shown */
    if (!plan_apply(run->plan, PLAN_ASK, &run->watch, err))
        end = attempt_end_of(plan_state(run->plan));
    else if (plan_state(run->plan) == JOURNAL_KEPT)
        end = ATTEMPT_END_NOTHING;
    else {
        set_id(run);
        return wait_for_keep(run, err);
    }
    set_id(run);
    return end;
}

enum attempt_end attempt_run_new(struct attempt_run *run, struct err *err)
{
    const struct attempt_intent *intent = &run->attempt->intent;
    struct attempt_tools tools = {.target = &run->target, .attempt = run->attempt, .job = run->job};
    struct attempt_view *view;
    enum attempt_end end;
    int sessions;

    attempt_run_go(run, ATTEMPT_READING);
    if (!run->attempt->by_hand && !check_finished(run, err))
        return ATTEMPT_END_FAILED;
    run->plan = intent->build(run->attempt->data, &tools, err);
    if (run->plan == NULL)
        return ATTEMPT_END_FAILED;
    if (run->fleet != NULL)
        fleet_join(run->fleet, run->plan);
    if (run->attempt->by_hand)
        return show_text(run);
    show_plan(run);
    if (!plan_nothing_to_do(run->plan)) {
        attempt_run_go(run, ATTEMPT_REVIEW);
        if (attempt_run_wait(run, ATTEMPT_FOREVER) != ATTEMPT_YES) {
            err_set(err, ERR_CANCELLED, _("the plan was not applied"));
            return ATTEMPT_END_FAILED;
        }
    }
    sessions = count_sessions(run);
    view = attempt_run_lock(run);
    view->sessions_before = sessions;
    attempt_run_unlock(run);
    attempt_run_go(run, ATTEMPT_APPLYING);
    if (intent->begin != NULL && !intent->begin(run->attempt->data, err))
        return ATTEMPT_END_FAILED;
    end = apply(run, err);
    if (intent->failed != NULL && end != ATTEMPT_END_KEPT && end != ATTEMPT_END_NOTHING)
        intent->failed(run->attempt->data);
    return end;
}
