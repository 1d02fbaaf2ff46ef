/* plan.c - "plan list", "plan show": the journal of changes to servers. */
#include "config.h"

#include <stdlib.h>

#include "cli/command.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/journal.h"

static json_t *plan_json(const struct journal_plan *plan)
{
    return json_pack("{s:I, s:o, s:o, s:s, s:o, s:o}", "id", (json_int_t)plan->id, "server",
                     json_string_or_empty(plan->server), "title", json_string_or_empty(plan->title),
                     "state", journal_plan_state_name(plan->state), "created_at",
                     json_time(plan->created_at), "ended_at", json_time(plan->ended_at));
}

bool run_plan_list(struct cli *cli, struct err *err)
{
    static const char *const headers[] = {"ID", "SERVER", "MADE", "STATE", "WHAT"};
    const size_t columns = ARRAY_LEN(headers);
    struct journal_plan_list list = {0};
    char **cells;
    json_t *rows;
    int64_t limit;

    if (!args_int(cli->args, OPT_LIMIT, 1, 100000, 50, &limit, err) || !cli_store_if_any(cli, err))
        return false;
    if (cli->store &&
        !journal_list(cli->store, args_value(cli->args, OPT_SERVER), (int)limit, &list, err))
        return false;
    rows = json_array();
    cells = mem_array(list.n * columns + 1, sizeof(*cells));
    for (size_t i = 0; i < list.n; i++) {
        const struct journal_plan *plan = list.rows[i];
        char **row = cells + i * columns;
        char date[CLOCK_TEXT_MAX];

        json_array_append_new(rows, plan_json(plan));
        row[0] = mem_printf("%lld", (long long)plan->id);
        row[1] = mem_strdup(plan->server);
        row[2] = mem_strdup(clock_format_minute(date, plan->created_at));
        row[3] = mem_strdup(journal_plan_state_name(plan->state));
        row[4] = mem_strdup(plan->title);
    }
    if (cli->out.json)
        output_json(json_pack("{s:O}", "plans", rows), false);
    else if (list.n == 0)
        output_note(&cli->out, _("No server was changed yet."));
    else
        output_table(&cli->out, columns, headers, list.n, (const char *const *)cells);
    for (size_t i = 0; i < list.n * columns; i++)
        free(cells[i]);
    free(cells);
    json_decref(rows);
    journal_plan_list_clear(&list);
    return true;
}

bool run_plan_show(struct cli *cli, struct err *err)
{
    struct journal_plan *plan;
    char date[CLOCK_TEXT_MAX];
    int64_t id;

    if (!text_parse_int(cli->args->names[0], 1, INT64_MAX, &id))
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not the number of a plan"),
                       cli->args->names[0]);
    if (!cli_store(cli, STORE_READ, err))
        return false;
    plan = journal_load(cli->store, id, err);
    if (!plan)
        return false;
    if (cli->out.json) {
        json_t *document = plan_json(plan);
        json_t *steps = json_array();

        for (size_t i = 0; i < plan->n_steps; i++)
            json_array_append_new(steps,
                                  json_pack("{s:i, s:s, s:o, s:s}", "n", plan->steps[i].n, "kind",
                                            plan->steps[i].kind, "title",
                                            json_string_or_empty(plan->steps[i].title), "state",
                                            journal_step_state_name(plan->steps[i].state)));
        json_object_set_new(document, "steps", steps);
        output_json(document, false);
    } else {
        output_pair(&cli->out, _("plan"), cli->args->names[0]);
        output_pair(&cli->out, _("server"), plan->server);
        output_pair(&cli->out, _("what"), plan->title);
        output_pair(&cli->out, _("state"), journal_plan_state_name(plan->state));
        output_pair(&cli->out, _("made"), clock_format_minute(date, plan->created_at));
        for (size_t i = 0; i < plan->n_steps; i++)
            output_line(&cli->out, "  %2d  %-8s  %s", plan->steps[i].n,
                        journal_step_state_name(plan->steps[i].state), plan->steps[i].title);
    }
    journal_plan_free(plan);
    return true;
}
