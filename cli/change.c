#include "config.h"

#include "cli/change.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/keep.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/address.h"
#include "core/plan/fleet.h"
#include "core/plan/saved.h"

#define REFUSED_MAX 1000000

static void held_signals(sigset_t *set, bool with_stop)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    if (with_stop)
        sigaddset(set, SIGTSTP);
}

void change_hold_signals(void)
{
    sigset_t set;

    held_signals(&set, true);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void change_release_signals(void)
{
    const struct timespec now = {0};
    sigset_t set;

    /* one that came has done its work: it was obeyed by taking back */
    held_signals(&set, false);
    while (sigtimedwait(&set, NULL, &now) > 0)
        ;
    held_signals(&set, true);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static bool stop_asked(void *arg)
{
    sigset_t pending, set;

    (void)arg;
    held_signals(&set, false);
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

static const char *step_mark(enum journal_step_state state)
{
    switch (state) {
    case JOURNAL_STEP_OPEN:
        return "[  ]";
    case JOURNAL_STEP_DOING:
        return "[..]";
    case JOURNAL_STEP_DONE:
        return "[ok]";
    case JOURNAL_STEP_SKIPPED:
    case JOURNAL_STEP_UNDONE:
        return "[--]";
    case JOURNAL_STEP_FAILED:
        break;
    }
    return "[xx]";
}

static void report_step(void *arg, const struct plan_step_view *step)
{
    const struct change_report *report = arg;

    if (step->state == JOURNAL_STEP_DOING)
        return;
    output_note(report->output, "%s%s%s %2d  %s%s%s", report->server ? report->server : "",
                report->server ? ": " : "", step_mark(step->state), step->n, step->title,
                step->state == JOURNAL_STEP_UNDONE ? _("  taken back") : "",
                step->state == JOURNAL_STEP_SKIPPED ? _("  nothing to do") : "");
    if (step->saw && *step->saw)
        output_detail(report->output, "         %s", step->saw);
}

static void report_saw(void *arg, const char *line)
{
    const struct change_report *report = arg;

    if (report->server)
        output_note(report->output, _("%s: [ok] saw %s"), report->server, line);
    else
        output_note(report->output, _("[ok] saw %s"), line);
    if (report->saw)
        json_array_append_new(report->saw, json_string_or_empty(line));
}

struct plan_watch change_watch(struct change_report *report)
{
    return (struct plan_watch){
        .step = report_step, .saw = report_saw, .stop = stop_asked, .arg = report};
}

json_t *change_plan_json(const struct plan *plan, const char *server)
{
    json_t *steps = json_array();
    json_t *refused = json_array();

    for (size_t i = 0; i < plan_count(plan); i++) {
        struct plan_step_view step = plan_step(plan, i);
        char mark[2] = {(char)step.mark, '\0'};
        json_t *json =
            json_pack("{s:i, s:s, s:o, s:o, s:s}", "n", step.n, "mark", mark, "title",
                      json_string_or_empty(step.title), "effect", json_string_or_empty(step.effect),
                      "state", journal_step_state_name(step.state));
        if (step.sql && *step.sql)
            json_object_set_new(json, "sql", json_string_or_empty(step.sql));
        if (step.file && *step.file)
            json_object_set_new(json, "file", json_string_or_empty(step.file));
        if (step.lines && *step.lines)
            json_object_set_new(json, "lines", json_string_or_empty(step.lines));
        json_array_append_new(steps, json);
    }
    for (size_t i = 0; i < plan_count_refused(plan); i++) {
        const struct plan_refused *row = plan_refused(plan, i);

        json_array_append_new(refused, json_pack("{s:i, s:o, s:o, s:o, s:o}", "pid", row->pid,
                                                 "role", json_string_or_empty(row->role),
                                                 "database", json_string_or_empty(row->database),
                                                 "address", json_string_or_empty(row->address),
                                                 "why", json_string_or_empty(row->why)));
    }
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "id",
                     plan_id(plan) ? json_integer(plan_id(plan)) : json_null(), "server",
                     json_string_or_empty(server), "title", json_string_or_empty(plan_title(plan)),
                     "state", journal_plan_state_name(plan_state(plan)), "steps", steps, "refused",
                     refused);
}

typedef void (*print_fn)(const struct output *, const char *, ...);

/* The rules themselves: who agrees to a change of pg_hba.conf has read them. */
static void show_lines(const struct output *output, print_fn print, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        struct strbuf clean = STRBUF_INIT;

        text_clean(&clean, lines, len, TEXT_ONE_LINE);
        print(output, "        | %s", clean.data);
        strbuf_clear(&clean);
        lines += len + (lines[len] == '\n');
    }
}

void change_show_plan(const struct output *output, const struct plan *plan, bool is_result)
{
    print_fn print = is_result ? output_line : output_note;

    print(output, "%s", plan_title(plan));
    for (size_t i = 0; i < plan_count(plan); i++) {
        struct plan_step_view step = plan_step(plan, i);

        print(output, "  %c %2d  %s", (char)step.mark, step.n, step.title);
        if (step.effect && *step.effect)
            print(output, "        %s", step.effect);
        show_lines(output, print, step.lines ? step.lines : "");
        if (output->verbose > 0 && step.sql && *step.sql)
            print(output, "        %s", step.sql);
    }
    print(output, _("  + new   ~ changed   - removed   = same   ! acts now   ? only looks"));
}

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

void change_show_refused(const struct output *output, const struct plan *plan)
{
    for (size_t i = 0; i < plan_count_refused(plan); i++) {
        const struct plan_refused *row = plan_refused(plan, i);

        if (row->pid == 0) {
            output_note(output,
                        _("[!!] would be refused: role \"%s\", which has a certificate (%s)"),
                        row->role, row->why);
            continue;
        }
        output_note(output, _("[!!] would be refused: pid %d, role \"%s\" from %s (%s)"), row->pid,
                    row->role, *row->address ? row->address : _("a socket"), row->why);
    }
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

bool change_run(struct cli *cli, const char *name, const struct fleet_order *order, struct err *err)
{
    struct change change = {0};
    bool is_cluster = false;
    bool done;

    if (!cli_store(cli, STORE_WRITE, err) || !server_is_cluster(cli->store, name, &is_cluster, err))
        return false;
    if (is_cluster && args_has(cli->args, OPT_SAVE_PLAN)) {
        err_set(err, ERR_USAGE, _("a plan file is made on one server, and \"%s\" is a cluster"),
                name);
        return err_hint(
            err, _("Make it on a member: \"pgseal plan apply FILE --server %s\" takes it to all."),
            name);
    }
    if (is_cluster)
        return change_run_cluster(cli, name, order, err);
    done = change_open(cli, name, &change, err) &&
           change_apply(&change, order->make(order->arg, &change.target, err), err) &&
           (!order->what || args_has(cli->args, OPT_DRY_RUN) ||
            args_has(cli->args, OPT_SAVE_PLAN) || args_has(cli->args, OPT_AS_TEXT) ||
            server_clear_missed(cli->store, change.server, order->what, err));
    change_close(&change);
    return done;
}
