/* attempt_members.c - the same change for each member of a cluster, one after the other. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/fleet.h"
#include "screens/attempt_parts.h"

bool attempt_for_members(const void *data)
{
    (void)data;
    return true;
}

bool attempt_has_members(const struct attempt_run *run)
{
    const struct attempt *attempt = run->attempt;

    return attempt->plan_id == 0 && run->server->cluster[0] != '\0' &&
           attempt->intent.members != NULL && attempt->intent.members(attempt->data) &&
           !(attempt->intent.alone != NULL && attempt->intent.alone(attempt->data));
}

/* The login of one: with the page's help where a password is wanted. */
static struct conn *log_in(void *arg, struct server *server, struct secret **ret_password,
                           struct err *err)
{
    struct attempt_run *run = arg;
    struct server *chosen = run->server;
    struct attempt_view *view = attempt_run_lock(run);
    struct conn *conn;

    free(view->server);
    view->server = mem_strdup(server->name);
    attempt_run_unlock(run);
    run->server = server;
    conn = attempt_run_log_in(run, err) ? run->admin : NULL;
    *ret_password = run->password;
    run->server = chosen;
    run->admin = NULL;
    run->password = NULL;
    return conn;
}

static const char *role_of(const struct fleet_member *member)
{
    return member->state == FLEET_AWAY ? _("not reached")
           : !member->target.admin     ? _("refused")
           : member->standby           ? _("standby")
                                       : _("primary");
}

static const char *end_text(enum attempt_end end)
{
    switch (end) {
    case ATTEMPT_END_TEXT:
    case ATTEMPT_END_PARTLY:
    case ATTEMPT_END_FAILED:
        return _("not done, nothing was changed");
    case ATTEMPT_END_NOTHING:
        return _("it was so already");
    case ATTEMPT_END_KEPT:
        return _("kept");
    case ATTEMPT_END_UNDONE:
        return _("taken back");
    case ATTEMPT_END_LEFT:
        break;
    }
    return _("NOT fully taken back");
}

static void add_result(struct attempt_run *run, const struct fleet_member *member, const char *text)
{
    struct attempt_view *view = attempt_run_lock(run);

    view->results = mem_realloc_array(view->results, view->n_results + 1, sizeof(*view->results));
    view->results[view->n_results++] =
        mem_printf("%s (%s): %s", member->server->name, role_of(member), text);
    attempt_log_line(view, "%s (%s): %s", member->server->name, role_of(member), text);
    attempt_run_unlock(run);
}

static void forget_plan(struct attempt_view *view)
{
    for (size_t i = 0; i < view->n_steps; i++)
        attempt_step_clear(&view->steps[i]);
    for (size_t i = 0; i < view->n_refused; i++)
        free(view->refused[i]);
    free(view->steps);
    free(view->refused);
    free(view->saved);
    free(view->saved_why);
    view->saved = view->saved_why = NULL;
    view->steps = NULL;
    view->refused = NULL;
    view->n_steps = view->n_refused = 0;
    view->plan_id = view->deadline_ms = 0;
    view->sessions_before = view->sessions_after = -1;
}

/* What the page shows is this member's now; what the job works on is borrowed from it. */
static void turn_to(struct attempt_run *run, const struct fleet_member *member, size_t i, size_t n)
{
    struct attempt_view *view = attempt_run_lock(run);

    forget_plan(view);
    free(view->server);
    free(view->where);
    view->server = mem_strdup(member->server->name);
    view->where = mem_printf(strchr(member->target.tls_host, ':') != NULL ? "[%s]:%d" : "%s:%d",
                             member->target.tls_host, member->target.tls_port);
    view->server_version = conn_server_version(member->target.admin);
    view->production = member->server->production;
    view->member = i + 1;
    view->n_members = n;
    attempt_run_unlock(run);
    run->server = member->server;
    run->admin = member->target.admin;
    run->target = member->target;
}

static enum attempt_end run_member(struct attempt_run *run, struct fleet_member *member,
                                   struct err *err)
{
    enum attempt_end end = attempt_run_new(run, err);
    bool has_id = run->plan != NULL && plan_id(run->plan) != 0;

    if (end == ATTEMPT_END_KEPT) /* should a later one fail */
        member->undo_plan = plan_id(run->plan);

    add_result(run, member, end_text(end));
    plan_free(run->plan);
    run->plan = NULL;
    run->admin = NULL; /* the fleet's */
    run->attempt->member_ended = true;
    run->attempt->member_end = end;
    if (has_id)
        attempt_log_save(run->attempt);
    run->attempt->member_ended = false;
    free(run->attempt->log_name); /* the next one has a plan, and a log, of its own */
    run->attempt->log_name = NULL;
    return end;
}

/* Who refuses keeps the others from being changed, too: nothing was done yet. */
static bool look_at_them(struct attempt_run *run, const struct fleet *fleet, size_t *ret_n,
                         struct err *err)
{
    *ret_n = 0;
    for (size_t i = 0; i < fleet_count(fleet); i++) {
        const struct fleet_member *member = fleet_member(fleet, i);

        if (member->state == FLEET_REFUSED) {
            *err = member->err;
            return false;
        }
        if (member->state == FLEET_AWAY)
            add_result(run, member, member->err.msg);
        else
            (*ret_n)++;
    }
    return true;
}

/* What a member that was away has not got, and what the others have got now. */
static bool remember(struct attempt_run *run, const struct fleet *fleet, struct err *err)
{
    const struct attempt_intent *intent = &run->attempt->intent;
    const char *what = intent->missed != NULL ? intent->missed : intent->name;

    for (size_t i = 0; i < fleet_count(fleet); i++) {
        const struct fleet_member *member = fleet_member(fleet, i);

        if (member->state == FLEET_AWAY
                ? !server_add_missed(run->store, member->server, what, err)
                : !server_clear_missed(run->store, member->server, what, err))
            return false;
    }
    return true;
}

/* ---- one did not get it, those before it have it ---- */

static void its_turn(void *arg, const struct fleet_member *member)
{
    struct attempt_run *run = arg;
    struct attempt_view *view = attempt_run_lock(run);

    attempt_log_line(view, _("%s (%s): is taken back, too"), member->server->name, role_of(member));
    attempt_run_unlock(run);
}

static void its_end(void *arg, const struct fleet_member *member)
{
    struct attempt_run *run = arg;

    if (member->state == FLEET_UNDONE) {
        struct attempt_view *view = attempt_run_lock(run);

        view->n_kept--;
        attempt_run_unlock(run);
        add_result(run, member, _("taken back, too"));
    } else if (member->state == FLEET_LEFT) {
        add_result(run, member, _("NOT fully taken back"));
    } else { /* refused before anything was touched */
        char *text = mem_printf(_("has it still: %s"), member->err.msg);

        add_result(run, member, text);
        free(text);
    }
}

static enum attempt_end take_back(struct attempt_run *run, struct fleet *fleet, struct err *err)
{
    struct plan_watch steps = {.saw = run->watch.saw, .arg = run};
    struct fleet_watch watch = {.member = its_turn, .ended = its_end, .arg = run, .plan = &steps};
    struct err why = ERR_INIT;

    attempt_run_go(run, ATTEMPT_UNDOING);
    if (fleet_undo(fleet, &watch, &why))
        return ATTEMPT_END_UNDONE;
    *err = why;
    return fleet_count_state(fleet, FLEET_LEFT) > 0 ? ATTEMPT_END_LEFT : ATTEMPT_END_PARTLY;
}

/* In one act: whoever goes away without an answer leaves it so. */
static enum attempt_end ask_about_others(struct attempt_run *run, struct fleet *fleet,
                                         enum attempt_end end, struct err *err)
{
    struct attempt_view *view = attempt_run_lock(run);
    enum attempt_end all;
    bool stopped = run->attempt->stop;

    view->err = *err;
    view->end = end;
    attempt_run_unlock(run);
    if (stopped)
        return ATTEMPT_END_PARTLY;
    attempt_run_go(run, ATTEMPT_OTHERS);
    if (attempt_run_wait(run, ATTEMPT_FOREVER) != ATTEMPT_NO || attempt_run_stopped(run))
        return ATTEMPT_END_PARTLY;
    all = take_back(run, fleet, err);
    return all == ATTEMPT_END_UNDONE && end == ATTEMPT_END_LEFT ? end : all;
}

static enum attempt_end run_fleet(struct attempt_run *run, struct fleet *fleet, struct err *err)
{
    struct server *chosen = run->server;
    enum attempt_end all = ATTEMPT_END_NOTHING;
    enum attempt_end end = ATTEMPT_END_FAILED;
    size_t n = 0, at = 0;

    if (!look_at_them(run, fleet, &n, err))
        return ATTEMPT_END_FAILED;
    run->fleet = fleet;
    for (size_t i = 0; i < fleet_count(fleet); i++) {
        struct fleet_member *member = fleet_member(fleet, i);

        if (member->state == FLEET_AWAY)
            continue;
        turn_to(run, member, at++, n);
        end = run_member(run, member, err);
        run->server = chosen;
        if (end != ATTEMPT_END_KEPT && end != ATTEMPT_END_NOTHING)
            return run->attempt->view.n_kept > 0 ? ask_about_others(run, fleet, end, err) : end;
        if (end == ATTEMPT_END_KEPT) {
            struct attempt_view *view = attempt_run_lock(run);

            view->n_kept++;
            attempt_run_unlock(run);
            all = end;
        }
    }
    return remember(run, fleet, err) ? all : ATTEMPT_END_FAILED;
}

/* ---- by hand ---- */

static void add_text(struct attempt_run *run, struct fleet_member *member, struct strbuf *out)
{
    const struct attempt_intent *intent = &run->attempt->intent;
    struct attempt_tools tools = {.target = &run->target, .attempt = run->attempt, .job = run->job};
    struct err why = member->err;
    struct plan *plan = NULL;

    strbuf_printf(out, "\n==== %s (%s) ====\n\n", member->server->name, role_of(member));
    if (member->target.admin != NULL) {
        run->target.by_hand = true;
        plan = intent->build(run->attempt->data, &tools, &why);
    }
    if (plan != NULL)
        plan_by_hand(plan, out);
    else
        strbuf_printf(out, _("Nothing can be said for it: %s\n"), why.msg);
    plan_free(plan);
}

/* pg_hba.conf and files do not replicate: what is done on one is to be done on each. */
static enum attempt_end text_of_fleet(struct attempt_run *run, struct fleet *fleet)
{
    struct server *chosen = run->server;
    struct strbuf text = STRBUF_INIT;
    struct attempt_view *view;

    strbuf_printf(&text,
                  _("\"%s\" has %zu members, each with files of its own.\nWhat stands here is "
                    "to be done on each of them, the primary last.\n"),
                  chosen->cluster, fleet_count(fleet));
    for (size_t i = 0; i < fleet_count(fleet); i++) {
        struct fleet_member *member = fleet_member(fleet, i);

        if (member->target.admin != NULL)
            turn_to(run, member, i, fleet_count(fleet));
        add_text(run, member, &text);
        run->server = chosen;
        run->admin = NULL; /* the fleet's */
    }
    view = attempt_run_lock(run);
    free(view->script);
    view->script = strbuf_steal(&text);
    attempt_run_unlock(run);
    return ATTEMPT_END_TEXT;
}

enum attempt_end attempt_run_members(struct attempt_run *run, struct err *err)
{
    struct fleet_order order = {.go_on = true, .unfinished = run->attempt->by_hand};
    struct fleet_door door = {.login = log_in, .arg = run};
    struct fleet *fleet = fleet_load(run->store, run->server->cluster, err);
    enum attempt_end end = ATTEMPT_END_FAILED;

    if (fleet == NULL)
        return end;
    if (fleet_open(fleet, &order, &door, err))
        end = run->attempt->by_hand ? text_of_fleet(run, fleet) : run_fleet(run, fleet, err);
    run->target = (struct plan_target){.store = NULL};
    run->fleet = NULL;
    fleet_free(fleet);
    return end;
}
