/* fleet_undo.c - a change of an earlier run, taken back on every member that got it. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/fleet_part.h"
#include "core/plan/step.h"

#define LOOK_BACK 1000

/* Neither kept nor taken back: a list of revoked certificates may have gone there after it. */
static bool is_open(const struct journal_plan *plan)
{
    return plan->state == JOURNAL_DOING || plan->state == JOURNAL_DONE;
}

static bool can_be_undone(const struct journal_plan *plan, bool only_open)
{
    return is_open(plan) ||
           (!only_open && (plan->state == JOURNAL_KEPT || plan->state == JOURNAL_LEFT));
}

/* What ties it to the plans of the other members; "" for one made by its server's name. */
static char *group_of(const struct journal_plan *plan)
{
    json_t *intent = json_loads(plan->intent, 0, NULL);
    const char *group = json_string_value(json_object_get(intent, "group"));
    char *copy = mem_strdup(group ? group : "");

    json_decref(intent);
    return copy;
}

/* The newest that can be undone: of this number, or of this group; both unset: any. */
static bool find(struct fleet *fleet, const struct server *server, int64_t id, const char *group,
                 bool only_open, int64_t *ret_id, char **ret_group, struct err *err)
{
    struct journal_plan_list list = {NULL, 0};

    if (!journal_list(fleet->store, server->name, LOOK_BACK, &list, err))
        return false;
    *ret_id = 0;
    for (size_t i = 0; i < list.n && *ret_id == 0; i++) {
        char *its;

        if (!can_be_undone(list.rows[i], only_open) || (id != 0 && list.rows[i]->id != id))
            continue;
        its = group_of(list.rows[i]);
        if (!group || text_equal(its, group)) {
            *ret_id = list.rows[i]->id;
            if (ret_group) {
                *ret_group = its;
                its = NULL;
            }
        }
        free(its);
    }
    journal_plan_list_clear(&list);
    return true;
}

/* On whose server the newest is; *ret NULL: there is none. */
static bool find_newest(struct fleet *fleet, int64_t id, bool only_open, struct fleet_member **ret,
                        char **ret_group, struct err *err)
{
    *ret = NULL;
    for (size_t i = 0; i < fleet->n; i++) {
        struct fleet_member *member = &fleet->members[i];
        char *its = NULL;
        int64_t found = 0;

        if (!find(fleet, member->server, id, NULL, only_open, &found, &its, err))
            return false;
        if (found == 0 || (*ret && (*ret)->undo_plan > found)) {
            free(its);
            continue;
        }
        if (*ret)
            (*ret)->undo_plan = 0;
        free(*ret_group);
        *ret_group = its;
        *ret = member;
        member->undo_plan = found;
    }
    return true;
}

bool fleet_find_undo(struct fleet *fleet, int64_t id, struct err *err)
{
    struct fleet_member *newest = NULL;
    char *group = NULL;
    bool good = false;

    if (!find_newest(fleet, id, true, &newest, &group, err) ||
        (!newest && !find_newest(fleet, id, false, &newest, &group, err)))
        goto out;
    if (!newest) {
        if (id != 0)
            err_set(err, ERR_PLAN_UNKNOWN, _("plan %lld is none of these servers', or is over"),
                    (long long)id);
        else
            err_set(err, ERR_NOTHING_TO_UNDO, _("no change on these servers can be taken back"));
        goto out;
    }
    good = true;
    for (size_t i = 0; i < fleet->n && *group && good; i++)
        good = find(fleet, fleet->members[i].server, 0, group, false, &fleet->members[i].undo_plan,
                    NULL, err);
out:
    free(group);
    return good;
}

static enum fleet_state undone_state(enum journal_plan_state state)
{
    switch (state) {
    case JOURNAL_UNDONE:
        return FLEET_UNDONE;
    case JOURNAL_KEPT: /* refused before anything was touched */
    case JOURNAL_READY:
    case JOURNAL_FAILED:
        return FLEET_FAILED;
    case JOURNAL_DOING:
    case JOURNAL_DONE:
    case JOURNAL_LEFT:
        break;
    }
    return FLEET_LEFT;
}

static void undo_member(struct fleet_member *member, const struct fleet_watch *watch)
{
    enum journal_plan_state state = JOURNAL_KEPT;

    if (watch && watch->member)
        watch->member(watch->arg, member);
    if (plan_undo_journalled(&member->target, member->undo_plan, watch ? watch->plan : NULL, &state,
                             &member->err))
        member->err = (struct err)ERR_INIT;
    member->state = undone_state(state);
    if (watch && watch->ended)
        watch->ended(watch->arg, member);
}

bool fleet_undo(struct fleet *fleet, const struct fleet_watch *watch, struct err *err)
{
    const struct fleet_member *first = NULL;

    for (size_t i = 0; i < fleet->n; i++) {
        struct fleet_member *member = &fleet->members[i];

        if (member->undo_plan == 0)
            continue;
        if (member->target.admin)
            undo_member(member, watch);
        if (member->state != FLEET_UNDONE && !first)
            first = member;
    }
    if (!first)
        return true;
    *err = first->err;
    return false;
}
