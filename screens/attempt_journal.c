/* attempt_journal.c - the job of a change: a plan of before is taken back, or kept. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/attempt_parts.h"

static enum plan_mark journalled_mark(const struct journal_step *step)
{
    bool begun = step->state == JOURNAL_STEP_DONE || step->state == JOURNAL_STEP_DOING;

    if (text_starts_with(step->kind, "prove") || text_equal(step->kind, "hba_check"))
        return PLAN_LOOK;
    if (text_equal(step->kind, "reload"))
        return PLAN_ACT;
    return begun ? PLAN_REMOVE : PLAN_SAME;
}

static bool show_journalled(struct attempt_run *run, enum journal_plan_state *ret_state,
                            struct err *err)
{
    struct journal_plan *row = journal_load(run->store, run->attempt->plan_id, err);
    struct attempt_view *view;

    if (row == NULL)
        return false;
    *ret_state = row->state;
    view = attempt_run_lock(run);
    view->plan_id = row->id;
    free(view->title);
    view->title = mem_strdup(row->title);
    free(view->script);
    view->script =
        mem_printf("pgseal plan %s %lld\n", view->is_keep ? "keep" : "undo", (long long)row->id);
    view->n_steps = row->n_steps;
    view->steps = mem_array(row->n_steps + 1, sizeof(*view->steps));
    for (size_t i = 0; i < row->n_steps; i++) {
        const struct journal_step *from = &row->steps[i];

        view->steps[i] = (struct attempt_step){.mark = journalled_mark(from),
                                               .title = mem_strdup(from->title),
                                               .effect = mem_strdup(""),
                                               .details = mem_strdup(""),
                                               .saw = mem_strdup(""),
                                               .state = from->state};
    }
    attempt_run_unlock(run);
    journal_plan_free(row);
    return true;
}

enum attempt_end attempt_run_journalled(struct attempt_run *run, struct err *err)
{
    enum journal_plan_state state;
    struct plan_watch watch = run->watch;
    bool keep = run->attempt->view.is_keep;

    attempt_run_go(run, ATTEMPT_READING);
    if (!show_journalled(run, &state, err))
        return ATTEMPT_END_FAILED;
    attempt_run_go(run, ATTEMPT_REVIEW);
    if (attempt_run_wait(run, ATTEMPT_FOREVER) != ATTEMPT_YES) {
        err_set(err, ERR_CANCELLED, _("nothing was done"));
        return ATTEMPT_END_FAILED;
    }
    if (keep)
        return plan_keep_journalled(&run->target, run->attempt->plan_id, err) ? ATTEMPT_END_KEPT
                                                                              : ATTEMPT_END_FAILED;
    watch.stop = NULL;
    attempt_run_go(run, ATTEMPT_UNDOING);
    if (plan_undo_journalled(&run->target, run->attempt->plan_id, &watch, &state, err))
        return ATTEMPT_END_UNDONE;
    return state == JOURNAL_KEPT ? ATTEMPT_END_FAILED
                                 : attempt_end_of(state); /* still kept: untouched */
}
