#include "config.h"

#include "cli/publish.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"

static struct conn *log_in(void *arg, struct server *server, struct secret **ret_password,
                           struct err *err)
{
    struct cli *cli = arg;
    struct conn *conn = cli_connect(cli, server, ret_password, err);

    if (conn)
        cli_warn_unverified(cli, server, conn);
    return conn;
}

static void entered(void *arg, const struct server *server, const struct conn *conn)
{
    cli_warn_unverified(arg, server, conn);
}

struct fleet_door publish_door(struct cli *cli)
{
    return (struct fleet_door){.login = log_in, .entered = entered, .arg = cli};
}

static bool has_server(const struct server_list *list, int64_t id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i]->id == id)
            return true;
    }
    return false;
}

bool publish_named_servers(struct cli *cli, struct server_list *ret, struct err *err)
{
    const struct args_values *names = &cli->args->options[OPT_SERVER];

    *ret = (struct server_list){.n = 0};
    for (size_t i = 0; i < names->n; i++) {
        struct server_list members = {.n = 0};

        if (!server_members(cli->store, names->items[i], &members, err)) {
            server_list_clear(ret);
            return false;
        }
        ret->rows = mem_realloc_array(ret->rows, ret->n + members.n, sizeof(ret->rows[0]));
        for (size_t k = 0; k < members.n; k++) {
            if (has_server(ret, members.rows[k]->id))
                continue;
            ret->rows[ret->n++] = members.rows[k];
            members.rows[k] = NULL;
        }
        server_list_clear(&members);
    }
    return true;
}

/* ---- the run ---- */

static void begins(void *arg, size_t i, size_t n, const char *server)
{
    struct publish_progress *progress = arg;

    output_note(progress->report.output, _("server %zu of %zu: %s"), i + 1, n, server);
    progress->several = n > 1;
}

static void step(void *arg, const char *server, const struct plan_step_view *view)
{
    struct publish_progress *progress = arg;

    progress->report.server = progress->several ? server : NULL;
    progress->plan.step(progress->plan.arg, view);
}

static void saw(void *arg, const char *server, const char *line)
{
    struct publish_progress *progress = arg;

    progress->report.server = progress->several ? server : NULL;
    progress->plan.saw(progress->plan.arg, line);
}

static bool stop(void *arg)
{
    struct publish_progress *progress = arg;

    return progress->plan.stop(progress->plan.arg);
}

void publish_progress_begin(struct cli *cli, struct publish_progress *ret)
{
    *ret = (struct publish_progress){.report = {.output = &cli->out}};
    ret->plan = change_watch(&ret->report);
    ret->watch = (struct publish_watch){
        .begins = begins, .step = step, .saw = saw, .stop = stop, .arg = ret};
    change_hold_signals();
}

void publish_progress_end(struct publish_progress *progress)
{
    (void)progress;
    change_release_signals();
}

/* ---- what became of it ---- */

static void print_row(struct cli *cli, const struct publish_result *row)
{
    struct strbuf line = STRBUF_INIT;

    if (cli->out.quiet && publish_is_good(row))
        return;
    strbuf_add_str(&line, publish_is_good(row) ? "[ok] " : "[!!] ");
    publish_describe(row, &line);
    if (row->sessions_ended > 0)
        strbuf_printf(&line,
                      ngettext("; %d open session ended", "; %d open sessions ended",
                               (unsigned long)row->sessions_ended),
                      row->sessions_ended);
    if (row->sessions_ended < 0)
        strbuf_add_str(&line, _("; open sessions could not be ended"));
    if (row->err.code != ERR_NONE)
        strbuf_printf(&line, ": %s", row->err.msg);
    output_line(&cli->out, "%s", line.data);
    if (publish_is_blocked(row))
        output_line(&cli->out, "     %s", row->err.hint);
    strbuf_clear(&line);
}

void publish_print(struct cli *cli, const struct publish_results *results)
{
    for (size_t i = 0; i < results->n && !cli->out.json; i++)
        print_row(cli, &results->rows[i]);
}

json_t *publish_json(const struct publish_results *results)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < results->n; i++) {
        const struct publish_result *row = &results->rows[i];
        bool published = row->state == PUBLISH_DONE || row->state == PUBLISH_SAME;
        json_t *json =
            json_pack("{s:o, s:s, s:b, s:o, s:i}", "server", json_string_or_empty(row->server),
                      "state", publish_state_name(row->state), "published", published, "plan",
                      row->plan_id > 0 ? json_integer(row->plan_id) : json_null(), "sessions_ended",
                      row->sessions_ended > 0 ? row->sessions_ended : 0);

        if (row->err.code != ERR_NONE)
            json_object_set_new(json, "error", json_string_or_empty(row->err.msg));
        if (publish_is_blocked(row))
            json_object_set_new(json, "help", json_string_or_empty(row->err.hint));
        json_array_append_new(rows, json);
    }
    return rows;
}

bool publish_judge(struct cli *cli, const struct publish_results *results, bool revoked,
                   struct err *err)
{
    struct strbuf left = STRBUF_INIT;
    bool blocked = false;
    bool good;

    for (size_t i = 0; i < results->n; i++) {
        const struct publish_result *row = &results->rows[i];

        if (publish_is_good(row))
            continue;
        if (left.len == 0)
            blocked = publish_is_blocked(row);
        if (left.len == 0 && row->err.code != ERR_NONE)
            *err = row->err;
        else if (left.len == 0)
            err_set(err, ERR_CANCELLED, _("stopped before \"%s\" had its list"), row->server);
        strbuf_printf(&left, "%s%s", left.len > 0 ? ", " : "", row->server);
    }
    good = left.len == 0;
    if (!good) {
        cli->exit = EXIT_LEFT;
        err_state(err,
                  revoked
                      ? _("It is revoked in the store, and these servers may still accept it: %s.")
                      : _("These servers have not got the list: %s."),
                  left.data);
        if (!blocked)
            err_hint(err, _("When the cause is mended: \"pgseal crl refresh\" brings it there; "
                            "\"pgseal check\" names who lacks it until then."));
    }
    strbuf_clear(&left);
    return good;
}
