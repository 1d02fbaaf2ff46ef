/* sightings.c - "sightings": who was seen connected how, and when. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/day.h"
#include "cli/sessions.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/serial.h"
#include "core/store/sighting.h"

#define LIMIT_MAX SIGHTINGS_MAX

/* ---- printed ---- */

static json_t *row_json(const struct sighting *row)
{
    const struct sighting_key *key = &row->key;
    char decimal[SERIAL_DECIMAL_MAX] = "";
    struct serial serial;
    struct err ignored = ERR_INIT;

    if (key->serial[0] && serial_parse_hex(&serial, key->serial, &ignored))
        serial_format_decimal(decimal, &serial);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
                     "server", json_string_or_empty(key->server), "role", json_text(key->role),
                     "database", json_text(key->database), "client_addr", json_text(key->address),
                     "application_name", json_text(key->application), "class", key->class,
                     "version", json_text(key->version), "issuer_dn", json_text(key->issuer),
                     "serial", json_text(key->serial), "serial_decimal", json_text(decimal), "ca",
                     json_text(row->authority), "first_seen", json_time(row->first_seen),
                     "last_seen", json_time(row->last_seen), "count", (json_int_t)row->count);
}

static void print_json(const struct sighting_list *list)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(rows, row_json(&list->rows[i]));
    output_json(json_pack("{s:o, s:I}", "sightings", rows, "total", (json_int_t)list->total),
                false);
}

static void csv_cell(struct strbuf *out, const char *text)
{
    if (!text_quote_csv(out, text))
        strbuf_add_str(out, "\"\"");
    strbuf_add_char(out, ',');
}

static void print_csv(const struct sighting_list *list)
{
    struct strbuf out = STRBUF_INIT;

    strbuf_add_str(&out, "server,role,database,client_addr,application_name,class,version,"
                         "issuer_dn,serial,ca,first_seen,last_seen,count\r\n");
    for (size_t i = 0; i < list->n; i++) {
        const struct sighting *row = &list->rows[i];
        const char *const cells[] = {row->key.server,  row->key.role,        row->key.database,
                                     row->key.address, row->key.application, row->key.class,
                                     row->key.version, row->key.issuer,      row->key.serial,
                                     row->authority};
        char when[CLOCK_TEXT_MAX];

        for (size_t k = 0; k < ARRAY_LEN(cells); k++)
            csv_cell(&out, cells[k]);
        csv_cell(&out, clock_format_rfc3339(when, row->first_seen));
        csv_cell(&out, clock_format_rfc3339(when, row->last_seen));
        strbuf_printf(&out, "%lld\r\n", (long long)row->count);
    }
    fwrite(out.data, 1, out.len, stdout);
    strbuf_clear(&out);
}

static void fill_row(char **cells, const struct sighting *row)
{
    char first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];

    cells[0] = mem_strdup(row->key.server);
    cells[1] = mem_strdup(row->key.role);
    cells[2] = mem_strdup(row->key.database);
    cells[3] = mem_strdup(strcmp(row->key.class, "socket") == 0 ? _("socket") : row->key.address);
    cells[4] = mem_strdup(row->key.application);
    cells[5] = mem_strdup(row->key.version[0] ? row->key.version : row->key.class);
    cells[6] = mem_strdup(row->authority[0]    ? row->authority
                          : row->key.serial[0] ? _("(other)")
                                               : "");
    cells[7] = mem_strdup(clock_format_minute(first, row->first_seen));
    cells[8] = mem_strdup(clock_format_minute(last, row->last_seen));
    cells[9] = mem_printf("%lld", (long long)row->count);
}

static void print_table(const struct cli *cli, const struct sighting_list *list)
{
    static const char *const headers[] = {"SERVER",        "ROLE",    "DATABASE", "FROM",
                                          "APPLICATION",   "TLS",     "CA",       "FIRST SEEN UTC",
                                          "LAST SEEN UTC", "SESSIONS"};
    const size_t columns = ARRAY_LEN(headers);
    char **cells = mem_array(list->n * columns + 1, sizeof(*cells));

    for (size_t i = 0; i < list->n; i++)
        fill_row(cells + i * columns, &list->rows[i]);
    if (list->n > 0)
        output_table(&cli->out, columns, headers, list->n, (const char *const *)cells);
    else
        output_line(&cli->out, "%s", _("Nobody was seen like that."));
    if ((int64_t)list->n < list->total)
        output_line(&cli->out, _("%zu of %lld are shown; --limit shows more"), list->n,
                    (long long)list->total);
    for (size_t i = 0; i < list->n * columns; i++)
        free(cells[i]);
    free(cells);
}

/* ---- the command ---- */

static bool forget(struct cli *cli, struct err *err)
{
    struct sightings *sightings;
    int64_t age = 0, n = 0;
    bool done;

    if (!day_parse_age(args_value(cli->args, OPT_FORGET), &age, err))
        return false;
    sightings = sightings_open(store_folder(cli->store), true, err);
    if (!sightings)
        return false;
    /* An age of 0 means all, also what was seen in this second. */
    done = sightings_forget(sightings, age == 0 ? INT64_MAX : clock_now() - age, &n, err);
    sightings_close(sightings);
    if (!done)
        return false;
    if (cli->out.json)
        output_json(json_pack("{s:I}", "forgotten", (json_int_t)n), false);
    output_note(&cli->out, _("%lld rows were forgotten"), (long long)n);
    return true;
}

static bool show(struct cli *cli, struct err *err)
{
    struct sighting_filter filter = {.without_tls = args_has(cli->args, OPT_WITHOUT_TLS),
                                     .authority = args_value(cli->args, OPT_CA)};
    const char *since = args_value(cli->args, OPT_SINCE);
    struct sighting_list list;
    struct sightings *sightings;
    char **names = NULL;
    int64_t limit = 0;
    bool done;

    if (since && !day_parse_since(since, &filter.since, err))
        return false;
    if (!args_int(cli->args, OPT_LIMIT, 1, LIMIT_MAX, 0, &limit, err))
        return false;
    filter.limit = (int)limit;
    if (cli->args->n_names > 0 && !sessions_names(cli, &names, &filter.n_servers, err))
        return false;
    filter.servers = (const char *const *)names;
    sightings = sightings_open(store_folder(cli->store), false, err);
    done = sightings && sightings_list(sightings, &filter, &list, err);
    sightings_close(sightings);
    sessions_names_free(names, filter.n_servers);
    if (!done)
        return false;
    if (cli->out.json)
        print_json(&list);
    else if (args_has(cli->args, OPT_CSV))
        print_csv(&list);
    else
        print_table(cli, &list);
    sighting_list_clear(&list);
    return true;
}

bool run_sightings(struct cli *cli, struct err *err)
{
    if (cli->out.json && args_has(cli->args, OPT_CSV))
        return err_set(err, ERR_USAGE, "\"--json\" and \"--csv\" exclude each other");
    if (cli->args->options[OPT_CA].n > 1)
        return err_set(err, ERR_USAGE, "\"--ca\" was given twice");
    if (args_has(cli->args, OPT_FORGET) && cli->args->n_names > 0)
        return err_set(err, ERR_USAGE, "\"--forget\" is for all servers at once");
    if (!cli_store(cli, STORE_READ, err))
        return false;
    if (args_has(cli->args, OPT_FORGET))
        return forget(cli, err);
    if (args_has(cli->args, OPT_READINESS))
        return sessions_readiness(cli, NULL, 0, err);
    return show(cli, err);
}
