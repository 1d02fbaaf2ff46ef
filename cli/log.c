/* log.c - "log": who did what when. */
#include "config.h"

#include <stdlib.h>

#include "cli/command.h"
#include "cli/day.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/history.h"

#define LOG_MAX 1000000

/* A plan writes a row for each of its states, within a second: they are shown as one, the last. */
#define STATES_MAX 16

static bool is_state_of(const struct history_row *row, const struct history_row *other)
{
    return text_equal(row->act, "plan state") && text_equal(other->act, "plan state") &&
           text_equal(row->object, other->object);
}

/* The newest come first. */
static bool is_told_already(const struct history *history, size_t at)
{
    for (size_t i = at; i > 0 && at - i < STATES_MAX; i--) {
        if (is_state_of(&history->rows[i - 1], &history->rows[at]))
            return true;
    }
    return false;
}

/* "doing, proven, kept" for the caller to free. */
static char *states_of(const struct history *history, size_t at)
{
    char *all = mem_strdup(history->rows[at].detail);

    for (size_t i = at + 1; i < history->n && i - at <= STATES_MAX; i++) {
        char *longer;

        if (!is_state_of(&history->rows[i], &history->rows[at]))
            continue;
        longer = mem_printf("%s, %s", history->rows[i].detail, all);
        free(all);
        all = longer;
    }
    return all;
}

static void print_rows(struct cli *cli, const struct history *history)
{
    static const char *const headers[] = {"WHEN (UTC)", "WHO", "ACT", "OBJECT", "DETAIL"};
    const size_t columns = ARRAY_LEN(headers);
    const char **cells = mem_array(history->n * columns + 1, sizeof(*cells));
    char(*dates)[CLOCK_TEXT_MAX] = mem_array(history->n + 1, sizeof(*dates));
    char **details = mem_array(history->n + 1, sizeof(*details));
    size_t n = 0;

    for (size_t i = 0; i < history->n; i++) {
        const struct history_row *row = &history->rows[i];

        if (is_told_already(history, i))
            continue;
        details[n] = states_of(history, i);
        cells[n * columns] = clock_format_minute(dates[n], row->at);
        cells[n * columns + 1] = row->who;
        cells[n * columns + 2] = row->act;
        cells[n * columns + 3] = row->object;
        cells[n * columns + 4] = details[n];
        n++;
    }
    output_table(&cli->out, columns, headers, n, cells);
    while (n > 0)
        free(details[--n]);
    free(details);
    free(dates);
    free(cells);
}

static void print_json(const struct history *history)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < history->n; i++) {
        const struct history_row *row = &history->rows[i];

        json_array_append_new(rows, json_pack("{s:o, s:o, s:o, s:o, s:o}", "at", json_time(row->at),
                                              "who", json_text(row->who), "act",
                                              json_text(row->act), "object", json_text(row->object),
                                              "detail", json_text(row->detail)));
    }
    output_json(json_pack("{s:o}", "log", rows), false);
}

bool run_log(struct cli *cli, struct err *err)
{
    const struct args_values *servers = &cli->args->options[OPT_SERVER];
    struct history_filter filter = {.server = args_value(cli->args, OPT_SERVER),
                                    .search = args_value(cli->args, OPT_SEARCH)};
    struct history history = {NULL, 0};
    int64_t limit;

    if (servers->n > 1)
        return err_set(err, ERR_USAGE, "\"log\" takes one --server");
    if (!args_int(cli->args, OPT_LIMIT, 1, LOG_MAX, 100, &limit, err) ||
        !day_option(cli, OPT_SINCE, false, &filter.from, err) ||
        !day_option(cli, OPT_UNTIL, true, &filter.to, err) || !cli_store(cli, STORE_READ, err))
        return false;
    filter.limit = (int)limit;
    if (!history_list(cli->store, &filter, &history, err))
        return false;
    if (cli->out.json)
        print_json(&history);
    else if (history.n == 0)
        output_note(&cli->out, _("Nothing in the log fits."));
    else
        print_rows(cli, &history);
    history_clear(&history);
    return true;
}
