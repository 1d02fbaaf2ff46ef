/* change_end.c - "server undo", "plan undo", "plan keep": the end of a change that was applied. */
#include "config.h"

#include <stdio.h>

#include "cli/ask.h"
#include "cli/change.h"
#include "core/base/intl.h"
#include "core/base/text.h"

/* ---- undo ---- */

/* The plan to take back: the one that is named, else an unfinished one, else the last kept one. */
static bool choose_plan(struct cli *cli, const char *server, const char *given, int64_t *ret,
                        struct err *err)
{
    struct journal_plan_list list = {0};
    bool found = false;

    if (given) {
        struct journal_plan *plan;

        if (!text_parse_int(given, 1, INT64_MAX, ret))
            return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not the number of a plan"), given);
        plan = journal_load(cli->store, *ret, err);
        if (!plan)
            return false;
        found = text_equal(plan->server, server);
        if (!found)
            err_set(err, ERR_PLAN_UNKNOWN, _("plan %s was not for the server \"%s\""), given,
                    server);
        journal_plan_free(plan);
        return found;
    }
    if (!journal_list(cli->store, server, 1000, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        enum journal_plan_state state = list.rows[i]->state;
        bool open = state == JOURNAL_DOING || state == JOURNAL_DONE;

        if (open || (!found && (state == JOURNAL_KEPT || state == JOURNAL_LEFT)))
            *ret = list.rows[i]->id;
        found = found || open || state == JOURNAL_KEPT || state == JOURNAL_LEFT;
        if (open)
            break;
    }
    journal_plan_list_clear(&list);
    if (!found)
        return err_set(err, ERR_NOTHING_TO_UNDO, _("no change on \"%s\" can be taken back"),
                       server);
    return true;
}

static bool undo(struct change *change, int64_t id, struct err *err)
{
    struct cli *cli = change->cli;
    struct change_report report = {.output = &cli->out};
    struct plan_watch watch = change_watch(&report);
    enum journal_plan_state state = JOURNAL_LEFT;
    bool done;

    change_hold_signals();
    watch.stop = NULL; /* an undo is not stopped half-way */
    done = plan_undo_journalled(&change->target, id, &watch, &state, err);
    change_release_signals();
    if (!done) {
        cli->exit = state == JOURNAL_LEFT ? EXIT_LEFT : EXIT_FAILED;
        return false;
    }
    if (cli->out.json)
        output_json(json_pack("{s:I, s:o, s:s}", "id", (json_int_t)id, "server",
                              json_string_or_empty(change->server->name), "state",
                              journal_plan_state_name(state)),
                    false);
    else
        output_line(&cli->out, _("plan %lld on \"%s\" is taken back"), (long long)id,
                    change->server->name);
    return true;
}

/* given: the number of a plan, or NULL. */
static bool undo_on(struct cli *cli, const char *name, const char *given, struct err *err)
{
    struct change change;
    struct journal_plan *plan = NULL;
    char question[300];
    int64_t id;
    bool done = false;

    if (!change_open_unfinished(cli, name, &change, err) ||
        !choose_plan(cli, name, given, &id, err))
        goto out;
    plan = journal_load(cli->store, id, err);
    if (!plan)
        goto out;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_line(&cli->out, _("would take back plan %lld: %s"), (long long)id, plan->title);
        done = true;
        goto out;
    }
    snprintf(question, sizeof(question), _("Take back plan %lld (%s) on \"%s\"?"), (long long)id,
             plan->title, name);
    if (change.server->production ? !ask_name(cli, question, name, err)
                                  : !ask_yes(cli, question, err))
        goto out;
    done = undo(&change, id, err);
out:
    journal_plan_free(plan);
    change_close(&change);
    return done;
}

bool run_server_undo(struct cli *cli, struct err *err)
{
    const char *given = cli->args->n_names > 1 ? cli->args->names[1] : NULL;
    bool is_cluster = false;

    if (!cli_store(cli, STORE_WRITE, err) ||
        !server_is_cluster(cli->store, cli->args->names[0], &is_cluster, err))
        return false;
    return is_cluster ? change_undo_cluster(cli, cli->args->names[0], given, err)
                      : undo_on(cli, cli->args->names[0], given, err);
}

/* ---- by the number alone ---- */

static struct journal_plan *find_plan(struct cli *cli, struct err *err)
{
    int64_t id;

    if (!text_parse_int(cli->args->names[0], 1, INT64_MAX, &id)) {
        err_set(err, ERR_BAD_VALUE, _("\"%s\" is not the number of a plan"), cli->args->names[0]);
        return NULL;
    }
    return cli_store(cli, STORE_WRITE, err) ? journal_load(cli->store, id, err) : NULL;
}

bool run_plan_undo(struct cli *cli, struct err *err)
{
    struct journal_plan *plan = find_plan(cli, err);
    bool done = plan && undo_on(cli, plan->server, cli->args->names[0], err);

    journal_plan_free(plan);
    return done;
}

static bool keep_it(struct change *change, const struct journal_plan *plan, struct err *err)
{
    struct cli *cli = change->cli;
    char question[300];

    if (plan->state != JOURNAL_DONE)
        return err_set(err, ERR_PLAN_UNKNOWN, _("plan %lld is %s: there is nothing to keep"),
                       (long long)plan->id, journal_plan_state_name(plan->state));
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_line(&cli->out, _("would keep plan %lld: %s"), (long long)plan->id, plan->title);
        return true;
    }
    snprintf(question, sizeof(question), _("Keep plan %lld (%s) on \"%s\"?"), (long long)plan->id,
             plan->title, plan->server);
    if (change->server->production ? !ask_name(cli, question, plan->server, err)
                                   : !ask_yes(cli, question, err))
        return false;
    if (!plan_keep_journalled(&change->target, plan->id, err))
        return false;
    if (cli->out.json)
        output_json(json_pack("{s:I, s:o, s:s}", "id", (json_int_t)plan->id, "server",
                              json_string_or_empty(plan->server), "state",
                              journal_plan_state_name(JOURNAL_KEPT)),
                    false);
    else
        output_line(&cli->out, _("plan %lld on \"%s\" is kept"), (long long)plan->id, plan->server);
    return true;
}

/* A new login, and a look at the server, come before it: who keeps a change can still get in. */
bool run_plan_keep(struct cli *cli, struct err *err)
{
    struct journal_plan *plan = find_plan(cli, err);
    struct change change = {0};
    bool done = plan && change_open_unfinished(cli, plan->server, &change, err) &&
                keep_it(&change, plan, err);

    change_close(&change);
    journal_plan_free(plan);
    return done;
}
