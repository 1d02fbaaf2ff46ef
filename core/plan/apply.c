/* apply.c - steps one after the other, each journalled before and after; then kept or taken back. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/bundle.h"

#define PROOF_SECONDS  60   /* what the proof of a change may take, before the question begins */
#define GUARD_AHEAD_MS 1000 /* whoever answers at the last moment must be ahead of the guard */

static bool journal_new(struct plan *plan, struct err *err)
{
    struct journal_plan row = {.server = plan->target.server->name,
                               .system_identifier = plan->target.server->system_identifier,
                               .title = plan->title,
                               .state = JOURNAL_READY,
                               .created_at = clock_now(),
                               .n_steps = plan->n};
    bool good;

    row.intent = json_dumps(plan->intent, JSON_COMPACT | JSON_SORT_KEYS);
    row.steps = mem_array(plan->n, sizeof(row.steps[0]));
    for (size_t i = 0; i < plan->n; i++) {
        row.steps[i].n = (int)i + 1;
        row.steps[i].kind = mem_strdup(plan->steps[i].kind);
        row.steps[i].title = plan->steps[i].title;
        row.steps[i].data = json_dumps(plan->steps[i].data, JSON_COMPACT | JSON_SORT_KEYS);
        row.steps[i].state = JOURNAL_STEP_OPEN;
    }
    good = journal_add(plan->target.store, &row, err) &&
           journal_set_plan(plan->target.store, row.id, JOURNAL_DOING, err);
    if (good) {
        plan->id = row.id;
        plan->state = JOURNAL_DOING;
    }
    for (size_t i = 0; i < plan->n; i++) {
        free(row.steps[i].kind);
        free(row.steps[i].data);
    }
    free(row.steps);
    free(row.intent);
    return good;
}

/* ---- one step ---- */

static bool observe(struct step_run *run, struct step *step, enum observed *ret, struct err *err)
{
    *ret = OBSERVED_BEFORE;
    return !step_kind(step)->observe || step_kind(step)->observe(run, step, ret, err);
}

static bool act(struct step_run *run, size_t i, struct err *err)
{
    struct step *step = &run->plan->steps[i];
    int64_t began = clock_mono_ms();
    enum observed seen;

    if (!run_set_step(run->plan, i, JOURNAL_STEP_DOING, err))
        return false;
    run_report(run->plan, run->watch, i);
    if (!step_kind(step)->apply(run, step, err))
        return false;
    if (!observe(run, step, &seen, err))
        return false;
    if (step_kind(step)->observe && seen != OBSERVED_AFTER)
        return err_set(err, ERR_PROOF, _("step %zu had no effect: %s"), i + 1, step->title);
    step->took_ms = clock_mono_ms() - began;
    if (!run_set_step(run->plan, i, JOURNAL_STEP_DONE, err))
        return false;
    run_report(run->plan, run->watch, i);
    return true;
}

static bool skip(struct step_run *run, size_t i, struct err *err)
{
    if (!run_set_step(run->plan, i, JOURNAL_STEP_SKIPPED, err))
        return false;
    run_report(run->plan, run->watch, i);
    return true;
}

static bool run_step(struct step_run *run, size_t i, struct err *err)
{
    struct step *step = &run->plan->steps[i];
    enum observed seen;

    if (step->mark == PLAN_SAME)
        return skip(run, i, err);
    if (!observe(run, step, &seen, err))
        return false;
    if (step_kind(step)->observe && seen == OBSERVED_AFTER)
        return skip(run, i, err);
    if (seen == OBSERVED_OTHER)
        return err_set(err, ERR_PROOF, _("changed by somebody else since the plan was made: %s"),
                       step->title);
    return act(run, i, err);
}

static bool run_steps(struct step_run *run, struct err *err)
{
    for (size_t i = 0; i < run->plan->n; i++) {
        if (!run_step(run, i, err)) {
            struct err ignored = ERR_INIT;

            /* a step that may have had an effect stays "doing": the undo looks at it */
            if (!step_kind(&run->plan->steps[i])->undo &&
                run->plan->steps[i].state == JOURNAL_STEP_DOING)
                (void)!run_set_step(run->plan, i, JOURNAL_STEP_FAILED, &ignored);
            run_report(run->plan, run->watch, i);
            return false;
        }
        if (run->watch && run->watch->stop && run->watch->stop(run->watch->arg))
            return err_set(err, ERR_CANCELLED, _("stopped after step %zu"), i + 1);
    }
    return true;
}

/* ---- the whole ---- */

static bool began_anything(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (step_kind(&plan->steps[i])->undo && (plan->steps[i].state == JOURNAL_STEP_DOING ||
                                                 plan->steps[i].state == JOURNAL_STEP_DONE))
            return true;
    }
    return false;
}

/* The first error stays the error; what became of the change is its state. */
static bool take_back(struct plan *plan, const struct plan_watch *watch, struct err *err)
{
    struct err why = ERR_INIT;

    if (!began_anything(plan)) {
        (void)!run_set_plan(plan, JOURNAL_FAILED, &why);
        return err_state(err, _("Nothing was changed on server \"%s\"."),
                         plan->target.server->name);
    }
    if (run_undo(plan, watch, &why))
        return err_state(err, _("Everything was taken back: server \"%s\" is as it was before."),
                         plan->target.server->name);
    err_state(err, _("NOT fully taken back on server \"%s\": %s."), plan->target.server->name,
              why.msg);
    return err_hint(err, _("\"pgseal plan undo %lld\" tries again."), (long long)plan->id);
}

/* The guard counts from before the proof: the question ends before it acts. */
static void open_question(struct plan *plan, int seconds)
{
    plan->deadline_ms = clock_mono_ms() + (int64_t)seconds * 1000;
    if (plan->guard_fires_ms && plan->guard_fires_ms - GUARD_AHEAD_MS < plan->deadline_ms)
        plan->deadline_ms = plan->guard_fires_ms - GUARD_AHEAD_MS;
}

bool plan_apply(struct plan *plan, enum plan_keep keep, const struct plan_watch *watch,
                struct err *err)
{
    struct step_run run = {
        .plan = plan, .target = &plan->target, .files = plan->files, .watch = watch};
    int ask_s;

    if (plan->target.by_hand)
        return err_set(err, ERR_INTERNAL, _("a plan for a person's hands is not applied"));
    if (plan->state != JOURNAL_READY)
        return err_set(err, ERR_INTERNAL, _("the plan was applied already"));
    if (plan_nothing_to_do(plan)) {
        if (!run_set_trust(plan, true, err)) /* somebody gave it the CA by hand: now we know */
            return false;
        plan->state = JOURNAL_KEPT;
        return true;
    }
    if (!plan_check_refused(plan, err)) {
        plan->state = JOURNAL_FAILED;
        return err_state(err, _("Nothing was changed on server \"%s\"."),
                         plan->target.server->name);
    }
    if (!plan_lock(plan, watch, err) || !plan_check_fresh(plan, err) || !journal_new(plan, err)) {
        plan_unlock(plan);
        plan->state = JOURNAL_FAILED;
        return err_state(err, _("Nothing was changed on server \"%s\"."),
                         plan->target.server->name);
    }
    ask_s = watch && watch->ask_seconds > 0 ? watch->ask_seconds : PLAN_ASK_SECONDS;
    if (plan->guard_seconds == 0)
        plan->guard_seconds = PROOF_SECONDS + (keep == PLAN_ASK ? ask_s : 0);
    if (!run_steps(&run, err) || !run_set_plan(plan, JOURNAL_DONE, err) ||
        (keep == PLAN_KEEP_WHEN_PROVEN && !plan_keep(plan, err))) {
        (void)!take_back(plan, watch, err);
        plan_unlock(plan);
        return false;
    }
    if (keep == PLAN_ASK)
        open_question(plan, ask_s);
    return true;
}
