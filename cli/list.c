/* list.c - "list": the certificates that were issued. */
#include "config.h"

#include <stdlib.h>

#include "cli/command.h"
#include "cli/day.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

#define LIST_MAX         100000 /* as issued_list() */
#define UNDELIVERED_TOLD 5

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
        row[6] = mem_printf("%s%s", issued_state_name(issued_state_at(issued, clock_now(), within)),
                            issued->delivered ? "" : _(", not delivered"));
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
    output_json(json_pack("{s:o, s:I, s:b}", "certificates", rows, "total", (json_int_t)list->total,
                          "total_is_least", list->total_is_least),
                false);
}

static bool read_filter(struct cli *cli, struct issued_filter *filter, struct err *err)
{
    const char *state = args_value(cli->args, OPT_STATE);
    const char *sort = args_value(cli->args, OPT_SORT);
    enum issued_state parsed;
    int64_t within, limit;

    if (cli->args->options[OPT_ROLE].n > 1 || cli->args->options[OPT_CA].n > 1)
        return err_set(err, ERR_USAGE, "\"list\" takes one --role and one --ca");
    if (!args_int(cli->args, OPT_WITHIN, 0, 36525, RECORD_WITHIN_DAYS, &within, err) ||
        !args_int(cli->args, OPT_LIMIT, 1, LIST_MAX, 0, &limit, err) ||
        (sort && !issued_sort_parse(sort, &filter->sort, err)) ||
        !day_option(cli, OPT_SINCE, false, &filter->made_from, err) ||
        !day_option(cli, OPT_UNTIL, true, &filter->made_to, err) ||
        !day_option(cli, OPT_ENDS_SINCE, false, &filter->ends_from, err) ||
        !day_option(cli, OPT_ENDS_UNTIL, true, &filter->ends_to, err))
        return false;
    if (state) {
        if (!issued_state_parse(state, &parsed, err))
            return false;
        filter->state = (int)parsed;
    } else if (args_has(cli->args, OPT_WITHIN)) {
        filter->state = ISSUED_EXPIRING;
    }
    filter->within_days = (int)within;
    filter->limit = (int)limit;
    return true;
}

/* What an interrupted run left: a row whose key nobody has. */
static bool tell_undelivered(struct cli *cli, struct err *err)
{
    struct issued_list lost = {.n = 0};
    char hex[SERIAL_HEX_MAX];

    if (!cli->store)
        return true;
    if (!issued_undelivered(cli->store, NULL, UNDELIVERED_TOLD, &lost, err))
        return false;
    for (size_t i = 0; i < lost.n; i++)
        output_note(&cli->out,
                    _("[!!] %s, \"%s\": its files were never written and its key is gone\n"
                      "next   pgseal renew %s"),
                    serial_format_hex(hex, &lost.rows[i]->serial), lost.rows[i]->role, hex);
    issued_list_clear(&lost);
    return true;
}

bool run_list(struct cli *cli, struct err *err)
{
    struct issued_filter filter = {.state = -1,
                                   .authority = args_value(cli->args, OPT_CA),
                                   .role = args_value(cli->args, OPT_ROLE),
                                   .search = args_value(cli->args, OPT_SEARCH),
                                   .subject = args_value(cli->args, OPT_SUBJECT),
                                   .note = args_value(cli->args, OPT_NOTE)};
    struct issued_list list = {.n = 0};
    bool done;

    if (!read_filter(cli, &filter, err) || !cli_store_if_any(cli, err) ||
        (cli->store && !issued_list(cli->store, &filter, &list, err)))
        return false;
    if (cli->out.json) {
        print_json(&list, filter.within_days);
    } else if (list.n == 0) {
        output_note(&cli->out, _("No certificate fits."));
    } else {
        print_rows(cli, &list, filter.within_days);
        if (list.total > (int64_t)list.n)
            output_note(&cli->out,
                        list.total_is_least ? _("%zu of more than %lld shown")
                                            : _("%zu of %lld shown; --limit shows more"),
                        list.n, (long long)list.total);
    }
    done = tell_undelivered(cli, err);
    issued_list_clear(&list);
    return done;
}
