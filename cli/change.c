/* change.c - one change to one server: opened, agreed to, applied, kept. */
#include "config.h"

#include "cli/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/keep.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/address.h"
#include "core/plan/saved.h"

#define REFUSED_MAX 1000000

bool change_open_unfinished(struct cli *cli, const char *name, struct change *ret, struct err *err)
{
    memset(ret, 0, sizeof(*ret));
    ret->cli = cli;
    if (!args_has(cli->args, OPT_DRY_RUN) && !args_has(cli->args, OPT_AS_TEXT) &&
        !cli_may_change_servers(cli, err))
        return false;
    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    ret->server = server_load(cli->store, name, err);
    if (!ret->server)
        return false;
    ret->admin = cli_connect(cli, ret->server, &ret->password, err);
    if (!ret->admin)
        return false;
    cli_warn_unverified(cli, ret->server, ret->admin);
    ret->target = (struct plan_target){.store = cli->store,
                                       .server = ret->server,
                                       .admin = ret->admin,
                                       .admin_password = ret->password,
                                       .by_hand = args_has(cli->args, OPT_AS_TEXT)};
    if (!cli_tls_address(ret->server, &ret->tls_host, &ret->target.tls_port, err))
        return false;
    ret->target.tls_host = ret->tls_host;
    return *ret->tls_host != '\0' || plan_no_tls_address(ret->server, err);
}

bool change_open(struct cli *cli, const char *name, struct change *ret, struct err *err)
{
    struct journal_plan_list open = {0};
    int64_t unfinished = 0;

    if (!change_open_unfinished(cli, name, ret, err) || !journal_open_plans(cli->store, &open, err))
        return false;
    for (size_t i = 0; i < open.n; i++) {
        if (strcmp(open.rows[i]->server, name) != 0)
            continue;
        if (open.rows[i]->state == JOURNAL_LEFT) /* known, and may be for ever: a hint is enough */
            output_warning(&cli->out,
                           _("plan %lld was not taken back whole: pgseal plan show %lld"),
                           (long long)open.rows[i]->id, (long long)open.rows[i]->id);
        else
            unfinished = open.rows[i]->id;
    }
    journal_plan_list_clear(&open);
    if (unfinished == 0)
        return true;
    err_set(err, ERR_UNFINISHED, _("plan %lld on \"%s\" is not finished"), (long long)unfinished,
            name);
    return err_hint(err, _("If no other pgseal is at it: \"pgseal server undo %s\" takes it back."),
                    name);
}

void change_close(struct change *change)
{
    conn_close(change->admin);
    secret_free(change->password);
    server_free(change->server);
    free(change->tls_host);
    memset(change, 0, sizeof(*change));
}

static bool ask(struct change *change, struct err *err)
{
    char question[200];

    if (change->server->production) {
        snprintf(question, sizeof(question), _("\"%s\" is a production server"),
                 change->server->name);
        return ask_name(change->cli, question, change->server->name, err);
    }
    if (change->confirmed || args_has(change->cli->args, OPT_TRY)) /* it goes back by itself */
        return true;
    snprintf(question, sizeof(question), _("Apply this to \"%s\"?"), change->server->name);
    return ask_yes(change->cli, question, err);
}

static int exit_of(enum journal_plan_state state)
{
    switch (state) {
    case JOURNAL_UNDONE:
        return EXIT_TAKEN_BACK;
    case JOURNAL_DOING:
    case JOURNAL_DONE:
    case JOURNAL_LEFT:
        return EXIT_LEFT;
    case JOURNAL_READY:
    case JOURNAL_FAILED:
    case JOURNAL_KEPT:
        break;
    }
    return EXIT_FAILED;
}

bool change_keep_mode(const struct change *change, enum plan_keep *ret, int *ret_seconds,
                      struct err *err)
{
    const struct args *args = change->cli->args;
    int64_t seconds;

    if (!args_int(args, OPT_TRY, 5, 86400, 0, &seconds, err))
        return false;
    *ret_seconds = (int)seconds;
    *ret =
        seconds > 0 || (!args_has(args, OPT_YES) && !change->confirmed && ask_possible(change->cli))
            ? PLAN_ASK
            : PLAN_KEEP_WHEN_PROVEN;
    return true;
}

static bool run_plan(struct change *change, struct plan *plan, struct err *err)
{
    struct change_report report = {.output = &change->cli->out};
    struct plan_watch watch = change_watch(&report);
    enum plan_keep keep;
    bool done;

    if (!change_keep_mode(change, &keep, &watch.ask_seconds, err))
        return false;
    report.saw = json_array();
    change_hold_signals();
    done = plan_apply(plan, keep, &watch, err);
    if (!done)
        change->cli->exit = exit_of(plan_state(plan));
    else if (keep == PLAN_ASK)
        done = keep_or_undo(change, plan, &watch, watch.ask_seconds == 0, err);
    change_release_signals();
    if (done && change->cli->out.json && !change->confirmed) {
        json_t *document = change_plan_json(plan, change->server->name);
        json_object_set(document, "saw", report.saw);
        output_json(document, false);
    } else if (done) {
        output_line(&change->cli->out, _("done: %s (plan %lld)"), plan_title(plan),
                    (long long)plan_id(plan));
        output_note(&change->cli->out, _("undo   pgseal server undo %s %lld"), change->server->name,
                    (long long)plan_id(plan));
    }
    json_decref(report.saw);
    return done;
}

/* Text to paste, alone on standard output. */
static void print_by_hand(const struct change *change, const struct plan *plan)
{
    const struct output *output = &change->cli->out;
    struct strbuf text = STRBUF_INIT;

    plan_by_hand(plan, &text);
    change_show_refused(output, plan);
    if (output->json) {
        json_t *document = change_plan_json(plan, change->server->name);

        json_object_set_new(document, "text", json_stringn(text.data, text.len));
        output_json(document, false);
    } else {
        if (text.len > 0 && text.data[text.len - 1] == '\n')
            strbuf_truncate(&text, text.len - 1);
        output_line(output, "%s", text.data);
    }
    strbuf_clear(&text);
}

bool change_save(struct change *change, const struct plan *plan, const char *path, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    bool done = saved_print(plan, &text, err) &&
                (args_has(change->cli->args, OPT_DRY_RUN) ||
                 fs_write_new(path, text.data, text.len, FS_MODE_PUBLIC, err));

    if (done)
        output_note(&change->cli->out, _("saved  %s\nnext   pgseal plan apply %s"), path, path);
    strbuf_clear(&text);
    return done;
}

bool change_apply(struct change *change, struct plan *plan, struct err *err)
{
    const char *save = args_value(change->cli->args, OPT_SAVE_PLAN);
    bool dry_run = save || args_has(change->cli->args, OPT_DRY_RUN);
    int64_t accepted = 0;
    bool done = true;

    if (!plan)
        return false;
    if (args_has(change->cli->args, OPT_AS_TEXT)) {
        print_by_hand(change, plan);
        plan_free(plan);
        return true;
    }
    if (save && !change_save(change, plan, save, err)) {
        plan_free(plan);
        return false;
    }
    if (!args_int(change->cli->args, OPT_ACCEPT_REFUSED, 0, REFUSED_MAX, 0, &accepted, err)) {
        plan_free(plan);
        return false;
    }
    plan_accept_refused(plan, (size_t)accepted);
    change_show_refused(&change->cli->out, plan);
    if (plan_nothing_to_do(plan) || dry_run) {
        if (change->cli->out.json && !change->confirmed)
            output_json(change_plan_json(plan, change->server->name), false);
        else if (plan_nothing_to_do(plan))
            output_line(&change->cli->out, _("nothing to do on \"%s\""), change->server->name);
        else
            change_show_plan(&change->cli->out, plan, true);
        /* the store may not know what the server has: its revocations would not go there */
        done = dry_run || plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, NULL, err);
    } else {
        change_show_plan(&change->cli->out, plan, false);
        /* what cannot be applied is not asked about */
        done = plan_check_refused(plan, err) && ask(change, err) && run_plan(change, plan, err);
    }
    plan_free(plan);
    return done;
}
