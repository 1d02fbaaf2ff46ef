/* list.c - "list": the certificates that were issued. */
#include "config.h"

#include <stdlib.h>

#include "cli/command.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

#define LIST_MAX 1000000

static void print_rows(struct cli *cli, const struct issued_list *list, int within)
{
    static const char *const headers[] = {"SERIAL", "NAME", "KIND", "CA", "ENDS", "DAYS", "STATE"};
    const size_t columns = ARRAY_LEN(headers);
    char **cells = mem_array(list->n * columns + 1, sizeof(*cells));

    for (size_t i = 0; i < list->n; i++) {
        const struct issued *issued = list->rows[i];
        char **row = cells + i * columns;
        char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];

        row[0] = mem_strdup(serial_format_hex(hex, &issued->serial));
        row[1] = mem_strdup(issued->role);
        row[2] = mem_strdup(issued_kind_name(issued->kind));
        row[3] = mem_strdup(issued->authority);
        row[4] = mem_strdup(clock_format_date(date, issued->not_after));
        row[5] = mem_printf("%lld", (long long)clock_days_until(issued->not_after));
        row[6] = mem_strdup(issued_state_name(issued_state_at(issued, clock_now(), within)));
    }
    output_table(&cli->out, columns, headers, list->n, (const char *const *)cells);
    for (size_t i = 0; i < list->n * columns; i++)
        free(cells[i]);
    free(cells);
}

static void print_json(const struct issued_list *list, int within)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(rows, record_issued_state(list->rows[i], within));
    output_json(json_pack("{s:o, s:I}", "certificates", rows, "total", (json_int_t)list->total),
                false);
}

bool run_list(struct cli *cli, struct err *err)
{
    struct issued_filter filter = {.state = -1,
                                   .authority = args_value(cli->args, OPT_CA),
                                   .role = args_value(cli->args, OPT_ROLE)};
    const char *state = args_value(cli->args, OPT_STATE);
    struct issued_list list = {0};
    enum issued_state parsed;
    int64_t within, limit;

    if (cli->args->options[OPT_ROLE].n > 1 || cli->args->options[OPT_CA].n > 1)
        return err_set(err, ERR_USAGE, _("\"list\" takes one --role and one --ca"));
    if (!args_int(cli->args, OPT_WITHIN, 0, 36525, RECORD_WITHIN_DAYS, &within, err) ||
        !args_int(cli->args, OPT_LIMIT, 1, LIST_MAX, 0, &limit, err))
        return false;
    if (state) {
        if (!issued_state_parse(state, &parsed, err))
            return false;
        filter.state = (int)parsed;
    } else if (args_has(cli->args, OPT_WITHIN)) {
        filter.state = ISSUED_EXPIRING;
    }
    filter.within_days = (int)within;
    filter.limit = (int)limit;
    if (!cli_store_if_any(cli, err) ||
        (cli->store && !issued_list(cli->store, &filter, &list, err)))
        return false;
    if (cli->out.json) {
        print_json(&list, (int)within);
    } else if (list.n == 0) {
        output_note(&cli->out, _("No certificate fits."));
    } else {
        print_rows(cli, &list, (int)within);
        if (list.total > (int64_t)list.n)
            output_note(&cli->out, _("%zu of %lld shown; --limit shows more"), list.n,
                        (long long)list.total);
    }
    issued_list_clear(&list);
    return true;
}
