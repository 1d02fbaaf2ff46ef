/* keep.c - the end of a change that was proven: kept, here or by another process. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/step.h"

/* What the journal says now; another process may have kept the plan, or taken it back. */
static bool state_now(struct plan *plan, enum journal_plan_state *ret, struct err *err)
{
    struct journal_plan *row = journal_load(plan->target.store, plan->id, err);

    if (!row)
        return false;
    *ret = row->state;
    journal_plan_free(row);
    return true;
}

/* Inside a transaction. */
static bool check_still(struct plan *plan, struct err *err)
{
    enum journal_plan_state now;

    if (!state_now(plan, &now, err))
        return false;
    if (now == plan->state)
        return true;
    plan->state = now;
    return err_set(err, ERR_PLAN_UNKNOWN, _("plan %lld is %s meanwhile: another pgseal was faster"),
                   (long long)plan->id, journal_plan_state_name(now));
}

bool run_claim(struct plan *plan, enum journal_plan_state to, struct err *err)
{
    struct store *store = plan->target.store;
    bool good;

    if (!store_begin(store, err))
        return false;
    good = check_still(plan, err) && journal_set_plan(store, plan->id, to, err);
    if (!store_end(store, good, err))
        return false;
    plan->state = to;
    return true;
}

bool plan_keep(struct plan *plan, struct err *err)
{
    struct store *store = plan->target.store;

    if (plan->state == JOURNAL_KEPT)
        return true;
    if (plan->state != JOURNAL_DONE)
        return err_set(err, ERR_PLAN_UNKNOWN, _("plan %lld is %s: there is nothing to keep"),
                       (long long)plan->id, journal_plan_state_name(plan->state));
    if (!rules_confirm(plan, err) || !store_begin(store, err))
        return false;
    if (!check_still(plan, err) || !run_set_trust(plan, true, err) ||
        !journal_set_plan(store, plan->id, JOURNAL_KEPT, err) ||
        !store_note(store, "plan kept", plan->target.server->name, plan->title, err)) {
        store_rollback(store);
        return plan->state == JOURNAL_KEPT;
    }
    if (!store_commit(store, err))
        return false;
    plan->state = JOURNAL_KEPT;
    plan->deadline_ms = 0;
    plan_unlock(plan);
    return true;
}

bool plan_keep_journalled(const struct plan_target *target, int64_t id, struct err *err)
{
    struct plan *plan = run_load_plan(target, id, err);
    bool good = plan && plan_keep(plan, err);

    plan_free(plan);
    return good;
}

bool plan_refresh(struct plan *plan, struct err *err)
{
    enum journal_plan_state now;

    if (plan->id == 0)
        return true;
    if (!state_now(plan, &now, err))
        return false;
    plan->state = now;
    return true;
}

int64_t plan_deadline_ms(const struct plan *plan)
{
    return plan->deadline_ms;
}
