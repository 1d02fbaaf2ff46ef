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
           attempt->intent.members != NULL && attempt->intent.members(attempt->data);
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
    case ATTEMPT_END_FAILED:
        return _("failed, nothing was changed");
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

static enum attempt_end run_member(struct attempt_run *run, const struct fleet_member *member,
                                   struct err *err)
{
    enum attempt_end end = attempt_run_new(run, err);
    bool has_id = run->plan != NULL && plan_id(run->plan) != 0;

    add_result(run, member, end_text(end));
    plan_free(run->plan);
    run->plan = NULL;
    run->admin = NULL; /* the fleet's */
    if (has_id)
        attempt_log_save(run->attempt);
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
    const char *what = run->attempt->intent.name;

    for (size_t i = 0; i < fleet_count(fleet); i++) {
        const struct fleet_member *member = fleet_member(fleet, i);

        if (member->state == FLEET_AWAY
                ? !server_add_missed(run->store, member->server, what, err)
                : !server_clear_missed(run->store, member->server, what, err))
            return false;
    }
    return true;
}

static enum attempt_end run_fleet(struct attempt_run *run, const struct fleet *fleet,
                                  struct err *err)
{
    struct server *chosen = run->server;
    enum attempt_end all = ATTEMPT_END_NOTHING;
    enum attempt_end end = ATTEMPT_END_FAILED;
    size_t n = 0, at = 0;

    if (!look_at_them(run, fleet, &n, err))
        return ATTEMPT_END_FAILED;
    for (size_t i = 0; i < fleet_count(fleet); i++) {
        const struct fleet_member *member = fleet_member(fleet, i);

        if (member->state == FLEET_AWAY)
            continue;
        turn_to(run, member, at++, n);
        end = run_member(run, member, err);
        run->server = chosen;
        if (end != ATTEMPT_END_KEPT && end != ATTEMPT_END_NOTHING)
            return end;
        if (end == ATTEMPT_END_KEPT)
            all = end;
    }
    return remember(run, fleet, err) ? all : ATTEMPT_END_FAILED;
}

enum attempt_end attempt_run_members(struct attempt_run *run, struct err *err)
{
    struct fleet_order order = {.go_on = true};
    struct fleet_door door = {.login = log_in, .arg = run};
    struct fleet *fleet = fleet_load(run->store, run->server->cluster, err);
    enum attempt_end end = ATTEMPT_END_FAILED;

    if (fleet == NULL)
        return end;
    if (fleet_open(fleet, &order, &door, err))
        end = run_fleet(run, fleet, err);
    run->target = (struct plan_target){.store = NULL};
    fleet_free(fleet);
    return end;
}
