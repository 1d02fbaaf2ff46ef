/* fleet.c - one plan for each member, one after the other. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/fleet_part.h"
#include "core/plan/step.h"

const char *fleet_state_name(enum fleet_state state)
{
    switch (state) {
    case FLEET_OPEN:
        break;
    case FLEET_AWAY:
        return "away";
    case FLEET_REFUSED:
        return "refused";
    case FLEET_NOTHING:
        return "nothing";
    case FLEET_KEPT:
        return "kept";
    case FLEET_FAILED:
        return "failed";
    case FLEET_UNDONE:
        return "undone";
    case FLEET_LEFT:
        return "left";
    }
    return "open";
}

size_t fleet_count_state(const struct fleet *fleet, enum fleet_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < fleet->n; i++)
        n += fleet->members[i].state == state;
    return n;
}

/* ---- the plans ---- */

void fleet_join(const struct fleet *fleet, struct plan *plan)
{
    if (fleet->n > 1)
        json_object_set_new(plan->intent, "group", json_string(fleet->group));
}

bool fleet_make(struct fleet *fleet, const struct fleet_order *order, struct err *err)
{
    const struct fleet_member *first = NULL;
    size_t made = 0;

    for (size_t i = 0; i < fleet->n; i++) {
        struct fleet_member *member = &fleet->members[i];

        if (member->state != FLEET_OPEN)
            continue;
        member->plan = order->make(order->arg, &member->target, &member->err);
        if (member->plan) {
            fleet_join(fleet, member->plan);
            made++;
            continue;
        }
        member->state = FLEET_REFUSED;
        if (!first)
            first = member;
        if (!order->go_on)
            break;
    }
    if (first && (!order->go_on || made == 0)) {
        *err = first->err;
        return false;
    }
    return true;
}

bool fleet_nothing_to_do(const struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->n; i++) {
        if (fleet->members[i].plan && !plan_nothing_to_do(fleet->members[i].plan))
            return false;
    }
    return true;
}

/* Sessions, of all plans. */
static size_t count_refused(const struct fleet *fleet)
{
    size_t n = 0;

    for (size_t i = 0; i < fleet->n; i++)
        n += fleet->members[i].plan ? plan_count_refused(fleet->members[i].plan) : 0;
    return n;
}

void fleet_accept_refused(struct fleet *fleet, size_t n)
{
    fleet->accept_refused = n;
    if (n != count_refused(fleet))
        return; /* each plan goes on refusing its own */
    for (size_t i = 0; i < fleet->n; i++) {
        struct plan *plan = fleet->members[i].plan;

        if (plan)
            plan_accept_refused(plan, plan_count_refused(plan));
    }
}

bool fleet_check_refused(const struct fleet *fleet, struct err *err)
{
    size_t n = count_refused(fleet);

    if (n == 0 || n == fleet->accept_refused)
        return true;
    for (size_t i = 0; i < fleet->n; i++) { /* the plan has the words for it */
        const struct plan *plan = fleet->members[i].plan;

        if (plan && fleet->n == 1)
            return plan_check_refused(plan, err);
    }
    err_set(err, ERR_WOULD_LOCK_OUT, _("%zu sessions on these servers could not come back"), n);
    return err_hint(
        err, _("It goes on all the same with exactly %zu accepted (--accept-refused=%zu)."), n, n);
}

/* ---- applied ---- */

static bool remember(struct fleet *fleet, const struct fleet_order *order, struct err *err)
{
    for (size_t i = 0; i < fleet->n && order->what; i++) {
        const struct fleet_member *member = &fleet->members[i];

        if (member->server->id == 0)
            continue;
        if (member->state == FLEET_KEPT || member->state == FLEET_NOTHING) {
            if (!server_clear_missed(fleet->store, member->server, order->what, err))
                return false;
        } else if (member->state == FLEET_AWAY &&
                   (fleet_count_state(fleet, FLEET_KEPT) > 0 ||
                    fleet_count_state(fleet, FLEET_NOTHING) > 0 || order->go_on)) {
            if (!server_add_missed(fleet->store, member->server, order->what, err))
                return false;
        }
    }
    return true;
}

static enum fleet_state state_of(const struct plan *plan, bool good)
{
    switch (plan_state(plan)) {
    case JOURNAL_KEPT:
        return plan_id(plan) == 0 ? FLEET_NOTHING : FLEET_KEPT;
    case JOURNAL_UNDONE:
        return FLEET_UNDONE;
    case JOURNAL_READY:
    case JOURNAL_FAILED:
        return FLEET_FAILED;
    case JOURNAL_DOING:
    case JOURNAL_DONE:
    case JOURNAL_LEFT:
        break;
    }
    return good ? FLEET_KEPT : FLEET_LEFT;
}

static bool apply_member(struct fleet_member *member, enum plan_keep keep,
                         const struct fleet_watch *watch)
{
    bool good;

    if (watch && watch->member)
        watch->member(watch->arg, member);
    good = plan_apply(member->plan, keep, watch ? watch->plan : NULL, &member->err);
    if (good && plan_state(member->plan) == JOURNAL_DONE)
        good = watch && watch->decide && watch->decide(watch->arg, member, &member->err);
    member->state = state_of(member->plan, good);
    if (good)
        member->err = (struct err)ERR_INIT;
    if (watch && watch->ended)
        watch->ended(watch->arg, member);
    return good;
}

static bool say_away(const struct fleet *fleet, const struct fleet_member *away, struct err *err)
{
    const char *cluster = away->server->cluster;

    err_set(err, ERR_MEMBER_MISSED, _("\"%s\" was not reached: it has not got this"),
            away->server->name);
    err_cause(err, "%s", away->err.msg);
    err_state(err, _("%zu of %zu servers have it."),
              fleet_count_state(fleet, FLEET_KEPT) + fleet_count_state(fleet, FLEET_NOTHING),
              fleet->n);
    if (*cluster)
        err_hint(err,
                 _("When it is back, run the same again. \"pgseal server check %s\" names it."),
                 cluster);
    return false;
}

/* The first that has not got it, worst first. */
static bool judge(const struct fleet *fleet, struct err *err)
{
    static const enum fleet_state worst[] = {FLEET_LEFT, FLEET_UNDONE, FLEET_FAILED, FLEET_REFUSED};

    for (size_t k = 0; k < ARRAY_LEN(worst); k++)
        for (size_t i = 0; i < fleet->n; i++) {
            if (fleet->members[i].state != worst[k])
                continue;
            *err = fleet->members[i].err;
            return false;
        }
    for (size_t i = 0; i < fleet->n; i++) {
        if (fleet->members[i].state == FLEET_AWAY)
            return say_away(fleet, &fleet->members[i], err);
    }
    return true;
}

bool fleet_apply(struct fleet *fleet, const struct fleet_order *order, enum plan_keep keep,
                 const struct fleet_watch *watch, struct err *err)
{
    for (size_t i = 0; i < fleet->n; i++) {
        struct fleet_member *member = &fleet->members[i];

        if (member->state != FLEET_OPEN || !member->plan)
            continue;
        if (!apply_member(member, keep, watch) && !order->go_on)
            break;
    }
    return remember(fleet, order, err) && judge(fleet, err);
}

bool fleet_take_back(struct fleet *fleet, const struct fleet_watch *watch, struct err *err)
{
    bool good = true;

    for (size_t i = 0; i < fleet->n; i++) {
        struct fleet_member *member = &fleet->members[i];

        if (member->state != FLEET_KEPT)
            continue;
        if (watch && watch->member)
            watch->member(watch->arg, member);
        if (plan_undo(member->plan, watch ? watch->plan : NULL, &member->err)) {
            member->state = FLEET_UNDONE;
        } else {
            /* refused before anything was touched: then it has it still */
            if (plan_state(member->plan) != JOURNAL_KEPT)
                member->state = FLEET_LEFT;
            if (good)
                *err = member->err;
            good = false;
        }
        if (watch && watch->ended)
            watch->ended(watch->arg, member);
    }
    return good;
}

enum fleet_end fleet_end(const struct fleet *fleet)
{
    size_t kept = fleet_count_state(fleet, FLEET_KEPT);
    size_t nothing = fleet_count_state(fleet, FLEET_NOTHING);

    if (kept + nothing == fleet->n)
        return FLEET_END_DONE;
    if (kept > 0 || fleet_count_state(fleet, FLEET_LEFT) > 0)
        return FLEET_END_PARTLY;
    if (fleet_count_state(fleet, FLEET_UNDONE) > 0)
        return FLEET_END_UNDONE;
    /* who has it had it before, and one was away: there is a difference, and we did not make it */
    return nothing > 0 && fleet_count_state(fleet, FLEET_AWAY) > 0 ? FLEET_END_PARTLY
                                                                   : FLEET_END_FAILED;
}

bool fleet_run(struct fleet *fleet, const struct fleet_order *order, const struct fleet_door *door,
               const struct fleet_watch *watch, struct err *err)
{
    struct err why = ERR_INIT;

    if (fleet->n == 0)
        return true;
    if (!fleet_open(fleet, order, door, err) || !fleet_make(fleet, order, err)) {
        (void)!remember(fleet, order, &why);
        return false;
    }
    return fleet_apply(fleet, order, PLAN_KEEP_WHEN_PROVEN, watch, err);
}

struct plan *fleet_make_crl(void *arg, const struct plan_target *target, struct err *err)
{
    (void)arg;
    return plan_publish_crl(target, err);
}
