/* change_fleet.c - a change to a cluster: its members one after the other, and what is true of each. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/change.h"
#include "cli/keep.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/fleet.h"

#define REFUSED_MAX 1000000

struct running {
    struct cli *cli;
    const char *cluster;
    const struct fleet_order *order;
    struct fleet *fleet;
    struct change_report report;
    struct plan_watch plan_watch;
    struct fleet_watch watch;
};

static struct conn *log_in(void *arg, struct server *server, struct secret **ret_password,
                           struct err *err)
{
    return cli_connect(arg, server, ret_password, err);
}

static const char *role_of(const struct fleet_member *member)
{
    return !member->target.admin ? _("not reached") : member->standby ? _("standby") : _("primary");
}

/* ---- reports ---- */

static void its_turn(void *arg, const struct fleet_member *member)
{
    const struct running *self = arg;

    output_note(&self->cli->out, "-- %s (%s)", member->server->name, role_of(member));
}

static void its_end(void *arg, const struct fleet_member *member)
{
    const struct running *self = arg;

    if (member->err.code != ERR_NONE)
        output_note(&self->cli->out, "[xx] %s: PS-%04d %s", member->server->name,
                    (int)member->err.code, member->err.msg);
}

/* The question of one member: on the terminal, or left to "plan keep". */
static bool decide(void *arg, struct fleet_member *member, struct err *err)
{
    struct running *self = arg;
    struct change change = {.cli = self->cli, .server = member->server};

    return keep_or_undo(&change, member->plan, self->watch.plan,
                        !args_has(self->cli->args, OPT_TRY), err);
}

static const char *state_text(enum fleet_state state)
{
    switch (state) {
    case FLEET_OPEN:
        return _("not begun: it is as before");
    case FLEET_AWAY:
        return _("not reached: it has not got this");
    case FLEET_REFUSED:
    case FLEET_FAILED:
        return _("failed: nothing was changed");
    case FLEET_NOTHING:
        return _("it was so already");
    case FLEET_KEPT:
        return _("done");
    case FLEET_UNDONE:
        return _("taken back: it is as before");
    case FLEET_LEFT:
        break;
    }
    return _("NOT fully taken back");
}

static const char *mark_of(enum fleet_state state)
{
    switch (state) {
    case FLEET_NOTHING:
    case FLEET_KEPT:
        return "[ok]";
    case FLEET_OPEN:
    case FLEET_UNDONE:
        return "[--]";
    case FLEET_AWAY:
        return "[!!]";
    case FLEET_REFUSED:
    case FLEET_FAILED:
    case FLEET_LEFT:
        break;
    }
    return "[xx]";
}

static json_t *members_json(const struct fleet *fleet)
{
    json_t *members = json_array();

    for (size_t i = 0; i < fleet_count(fleet); i++) {
        const struct fleet_member *member = fleet_member(fleet, i);

        json_array_append_new(
            members, json_pack("{s:o, s:s, s:i, s:s, s:o, s:o}", "server",
                               json_string_or_empty(member->server->name), "role",
                               !member->target.admin ? "unknown"
                               : member->standby     ? "standby"
                                                     : "primary",
                               "timeline", member->timeline, "state",
                               fleet_state_name(member->state), "plan",
                               member->plan ? change_plan_json(member->plan, member->server->name)
                                            : json_null(),
                               "error",
                               member->err.code != ERR_NONE
                                   ? json_pack("{s:i, s:o}", "code", (int)member->err.code,
                                               "message", json_string_or_empty(member->err.msg))
                                   : json_null()));
    }
    return members;
}

static const char *end_name(enum fleet_end end)
{
    switch (end) {
    case FLEET_END_DONE:
        return "done";
    case FLEET_END_FAILED:
        return "failed";
    case FLEET_END_UNDONE:
        return "undone";
    case FLEET_END_PARTLY:
        break;
    }
    return "partly";
}

/* What is true of each member now. */
static void show_members(const struct running *self)
{
    const struct output *out = &self->cli->out;

    for (size_t i = 0; i < fleet_count(self->fleet); i++) {
        const struct fleet_member *member = fleet_member(self->fleet, i);
        int64_t id = member->plan ? plan_id(member->plan) : member->undo_plan;

        if (id > 0)
            output_line(out, _("%s %s (%s): %s (plan %lld)"), mark_of(member->state),
                        member->server->name, role_of(member), state_text(member->state),
                        (long long)id);
        else
            output_line(out, "%s %s (%s): %s", mark_of(member->state), member->server->name,
                        role_of(member), state_text(member->state));
    }
}

static int exit_of(enum fleet_end end)
{
    switch (end) {
    case FLEET_END_DONE:
        return EXIT_DONE;
    case FLEET_END_UNDONE:
        return EXIT_TAKEN_BACK;
    case FLEET_END_PARTLY:
        return EXIT_LEFT;
    case FLEET_END_FAILED:
        break;
    }
    return EXIT_FAILED;
}

/* ---- before ---- */

static void warn(const struct running *self)
{
    for (size_t i = 0; i < fleet_count(self->fleet); i++) {
        const struct fleet_member *member = fleet_member(self->fleet, i);

        if (member->state == FLEET_AWAY)
            output_warning(&self->cli->out, _("\"%s\" is not reached and left out: %s"),
                           member->server->name, member->err.msg);
        if (member->target.admin)
            cli_warn_unverified(self->cli, member->server, member->target.admin);
        if (member->left_plan != 0)
            output_warning(&self->cli->out,
                           _("plan %lld was not taken back whole: pgseal plan show %lld"),
                           (long long)member->left_plan, (long long)member->left_plan);
    }
}

static void show_plans(const struct running *self, bool is_result)
{
    const struct output *out = &self->cli->out;

    for (size_t i = 0; i < fleet_count(self->fleet); i++) {
        const struct fleet_member *member = fleet_member(self->fleet, i);

        if (!member->plan)
            continue;
        change_show_refused(out, member->plan);
        if (is_result)
            output_line(out, "-- %s (%s)", member->server->name, role_of(member));
        else
            its_turn((void *)(uintptr_t)self, member);
        change_show_plan(out, member->plan, is_result);
    }
}

static bool ask(const struct running *self, struct err *err)
{
    char question[200];
    bool production = false;

    for (size_t i = 0; i < fleet_count(self->fleet); i++)
        production = production || fleet_member(self->fleet, i)->server->production;
    if (production) {
        (void)snprintf(question, sizeof(question), _("\"%s\" is a production cluster"),
                       self->cluster);
        return ask_name(self->cli, question, self->cluster, err);
    }
    if (args_has(self->cli->args, OPT_TRY))
        return true;
    (void)snprintf(question, sizeof(question),
                   _("Apply this to the %zu members of \"%s\", one after the other?"),
                   fleet_count(self->fleet) - fleet_count_state(self->fleet, FLEET_AWAY),
                   self->cluster);
    return ask_yes(self->cli, question, err);
}

/* ---- one failed: the others ---- */

static bool was_stopped(const struct running *self)
{
    for (size_t i = 0; i < fleet_count(self->fleet); i++) {
        if (fleet_member(self->fleet, i)->err.code == ERR_CANCELLED)
            return true;
    }
    return false;
}

/* A member failed after others were changed: shall they go back, too? Ctrl-C has said so. */
static void offer_to_take_back(struct running *self)
{
    const size_t kept = fleet_count_state(self->fleet, FLEET_KEPT);
    char question[200];
    struct err ignored = ERR_INIT;

    if (kept == 0 || self->order->go_on ||
        kept + fleet_count_state(self->fleet, FLEET_NOTHING) +
                fleet_count_state(self->fleet, FLEET_AWAY) ==
            fleet_count(self->fleet))
        return;
    (void)snprintf(question, sizeof(question),
                   _("%zu members of \"%s\" have it. Take it back on them, too?"), kept,
                   self->cluster);
    if (!was_stopped(self)) {
        if (!args_has(self->cli->args, OPT_YES) && !ask_possible(self->cli))
            return;
        if (!ask_yes(self->cli, question, &ignored))
            return;
    }
    output_note(&self->cli->out, _("taken back on the others, too:"));
    change_hold_signals();
    self->plan_watch.stop = NULL; /* an undo is not stopped half-way */
    if (!fleet_take_back(self->fleet, &self->watch, &ignored))
        output_note(&self->cli->out, "[xx] %s", ignored.msg);
    change_release_signals();
}

static bool finish(struct running *self, bool good, struct err *err)
{
    enum fleet_end end = fleet_end(self->fleet);

    if (!good)
        self->cli->exit = exit_of(end);
    if (self->cli->out.json) {
        output_json(json_pack("{s:o, s:s, s:o}", "cluster", json_string_or_empty(self->cluster),
                              "state", end_name(end), "members", members_json(self->fleet)),
                    false);
        return true; /* the document says it, and so does the exit code */
    }
    show_members(self);
    if (fleet_count_state(self->fleet, FLEET_KEPT) > 0)
        output_note(&self->cli->out, _("undo   pgseal server undo %s"), self->cluster);
    if (!good && end == FLEET_END_UNDONE)
        err_state(err, _("Everything was taken back: the members are as before."));
    else if (!good && end == FLEET_END_PARTLY && err->code != ERR_MEMBER_MISSED)
        err_state(err, _("The members differ now: each one's state stands above."));
    return good;
}

static bool apply(struct running *self, struct err *err)
{
    struct change change = {.cli = self->cli};
    enum plan_keep keep;
    bool good;

    if (!change_keep_mode(&change, &keep, &self->plan_watch.ask_seconds, err))
        return false;
    change_hold_signals();
    good = fleet_apply(self->fleet, self->order, keep, &self->watch, err);
    change_release_signals();
    self->cli->exit = EXIT_DONE; /* a member's own end is not that of all */
    if (!good)
        offer_to_take_back(self);
    return finish(self, good, err);
}

static bool review_and_apply(struct running *self, struct err *err)
{
    const struct args *args = self->cli->args;
    int64_t accepted = 0;

    if (!args_int(args, OPT_ACCEPT_REFUSED, 0, REFUSED_MAX, 0, &accepted, err))
        return false;
    fleet_accept_refused(self->fleet, (size_t)accepted);
    if (args_has(args, OPT_DRY_RUN)) {
        if (self->cli->out.json)
            return finish(self, true, err);
        show_plans(self, true);
        return true;
    }
    if (fleet_nothing_to_do(self->fleet)) {
        output_note(&self->cli->out, _("nothing to do on \"%s\""), self->cluster);
        return apply(self, err); /* what the store remembers is brought up to date */
    }
    show_plans(self, false);
    return fleet_check_refused(self->fleet, err) && ask(self, err) && apply(self, err);
}

static void begin(struct running *self)
{
    self->report.output = &self->cli->out;
    self->plan_watch = change_watch(&self->report);
    self->watch = (struct fleet_watch){.member = its_turn,
                                       .ended = its_end,
                                       .decide = decide,
                                       .arg = self,
                                       .plan = &self->plan_watch};
}

/* ---- text to paste ---- */

static json_t *text_json(const struct fleet_member *member, const char *text)
{
    json_t *document =
        member->plan ? change_plan_json(member->plan, member->server->name)
                     : json_pack("{s:o}", "server", json_string_or_empty(member->server->name));

    json_object_set_new(document, "text", json_string_or_empty(text));
    return document;
}

/* Alone on standard output: what is to be done on each of them. */
static void print_texts(const struct running *self)
{
    const struct output *out = &self->cli->out;
    json_t *members = json_array();

    for (size_t i = 0; i < fleet_count(self->fleet); i++) {
        const struct fleet_member *member = fleet_member(self->fleet, i);
        struct strbuf text = STRBUF_INIT;

        if (member->plan)
            plan_by_hand(member->plan, &text);
        else
            strbuf_printf(&text, _("Nothing can be said for it: %s"), member->err.msg);
        if (out->json)
            json_array_append_new(members, text_json(member, text.data));
        else
            output_line(out, "==== %s (%s) ====\n\n%s", member->server->name, role_of(member),
                        text.data);
        strbuf_clear(&text);
    }
    if (out->json)
        output_json(json_pack("{s:o, s:O}", "cluster", json_string_or_empty(self->cluster),
                              "members", members),
                    false);
    json_decref(members);
}

static bool say_by_hand(struct running *self, struct err *err)
{
    struct fleet_order order = *self->order;

    order.go_on = true; /* one that refuses is no reason to say nothing of the others */
    for (size_t i = 0; i < fleet_count(self->fleet); i++)
        fleet_member(self->fleet, i)->target.by_hand = true;
    if (!fleet_make(self->fleet, &order, err))
        return false;
    print_texts(self);
    return true;
}

bool change_run_cluster(struct cli *cli, const char *cluster, const struct fleet_order *order,
                        struct err *err)
{
    struct running self = {.cli = cli, .cluster = cluster, .order = order};
    struct fleet_door door = {.login = log_in, .arg = cli};
    bool good = false;

    if (!args_has(cli->args, OPT_DRY_RUN) && !args_has(cli->args, OPT_AS_TEXT) &&
        !cli_may_change_servers(cli, err))
        return false;
    begin(&self);
    self.fleet = fleet_load(cli->store, cluster, err);
    if (!self.fleet)
        return false;
    if (fleet_open(self.fleet, order, &door, err)) {
        warn(&self);
        good = args_has(cli->args, OPT_AS_TEXT)
                   ? say_by_hand(&self, err)
                   : fleet_make(self.fleet, order, err) && review_and_apply(&self, err);
    }
    fleet_free(self.fleet);
    return good;
}

/* ---- undo ---- */

static bool ask_undo(struct running *self, struct err *err)
{
    struct strbuf question = STRBUF_INIT;
    bool production = false;
    bool good;

    strbuf_printf(&question, _("Take back on \"%s\":"), self->cluster);
    for (size_t i = 0; i < fleet_count(self->fleet); i++) {
        const struct fleet_member *member = fleet_member(self->fleet, i);

        if (member->undo_plan == 0)
            continue;
        production = production || member->server->production;
        strbuf_printf(&question, _(" plan %lld (%s)"), (long long)member->undo_plan,
                      member->server->name);
    }
    if (args_has(self->cli->args, OPT_DRY_RUN)) {
        output_line(&self->cli->out, "%s", question.data);
        good = true;
    } else {
        strbuf_add_char(&question, '?');
        good = production ? ask_name(self->cli, question.data, self->cluster, err)
                          : ask_yes(self->cli, question.data, err);
    }
    strbuf_clear(&question);
    return good;
}

static enum fleet_end undo_end(const struct running *self)
{
    size_t undone = fleet_count_state(self->fleet, FLEET_UNDONE);
    size_t wanted = 0;

    for (size_t i = 0; i < fleet_count(self->fleet); i++)
        wanted += fleet_member(self->fleet, i)->undo_plan != 0;
    return undone == wanted                                               ? FLEET_END_DONE
           : undone > 0 || fleet_count_state(self->fleet, FLEET_LEFT) > 0 ? FLEET_END_PARTLY
                                                                          : FLEET_END_FAILED;
}

static bool undo(struct running *self, struct err *err)
{
    bool good;

    change_hold_signals();
    self->plan_watch.stop = NULL;
    good = fleet_undo(self->fleet, &self->watch, err);
    change_release_signals();
    if (!good)
        self->cli->exit = exit_of(undo_end(self));
    if (self->cli->out.json) {
        output_json(json_pack("{s:o, s:s, s:o}", "cluster", json_string_or_empty(self->cluster),
                              "state", end_name(undo_end(self)), "members",
                              members_json(self->fleet)),
                    false);
        return true;
    }
    for (size_t i = 0; i < fleet_count(self->fleet); i++) {
        const struct fleet_member *member = fleet_member(self->fleet, i);

        if (member->undo_plan == 0)
            continue;
        if (member->state == FLEET_UNDONE)
            output_line(&self->cli->out, _("plan %lld on \"%s\" is taken back"),
                        (long long)member->undo_plan, member->server->name);
        else
            output_line(&self->cli->out, _("[xx] plan %lld on \"%s\" stays: %s"),
                        (long long)member->undo_plan, member->server->name, member->err.msg);
    }
    return good;
}

bool change_undo_cluster(struct cli *cli, const char *cluster, const char *given, struct err *err)
{
    /* whoever can be reached goes back */
    static const struct fleet_order order = {.go_on = true, .unfinished = true};
    struct running self = {.cli = cli, .cluster = cluster, .order = &order};
    struct fleet_door door = {.login = log_in, .arg = cli};
    int64_t id = 0;
    bool good;

    if (given && !text_parse_int(given, 1, INT64_MAX, &id))
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not the number of a plan"), given);
    if (!args_has(cli->args, OPT_DRY_RUN) && !cli_may_change_servers(cli, err))
        return false;
    begin(&self);
    self.fleet = fleet_load(cli->store, cluster, err);
    if (!self.fleet)
        return false;
    good = fleet_find_undo(self.fleet, id, err) && ask_undo(&self, err);
    if (good && !args_has(cli->args, OPT_DRY_RUN))
        good = fleet_open(self.fleet, &order, &door, err) && undo(&self, err);
    fleet_free(self.fleet);
    return good;
}
