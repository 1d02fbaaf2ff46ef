/* readiness.c - "--readiness": who would be refused if the server asked for more. */
#include "config.h"

#include "core/watch/readiness.h"

#include <stdlib.h>
#include <string.h>

#include "cli/day.h"
#include "cli/sessions.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define SINCE_SECONDS (30 * CLOCK_DAY)
#define SHOWN_MAX     50 /* clients a case, in the printed list */

static bool add_live(struct cli *cli, struct watched *watched, struct readiness *readiness,
                     struct err *err)
{
    struct conn *conn = cli_connect(cli, watched->server, NULL, err);
    struct sessions sessions = {0};
    bool done = false;

    if (!conn)
        return err_prefix(err, "%s", watched->server->name);
    done = sessions_read(conn, &sessions, err) && sessions_look_up(cli, watched, &sessions, err);
    if (done)
        readiness_add_live(readiness, watched->server->name, &sessions, watched->book);
    sessions_clear(&sessions);
    conn_close(conn);
    return done;
}

/* What was recorded; nothing was: no error when there are live sessions to judge. */
static bool add_seen(struct cli *cli, bool needed, int64_t since, struct readiness *readiness,
                     struct err *err)
{
    struct sighting_filter filter = {.servers = cli->args->names,
                                     .n_servers = cli->args->n_names,
                                     .since = since,
                                     .limit = SIGHTINGS_MAX};
    struct err why = ERR_INIT;
    struct sightings *sightings;
    struct sighting_list list;
    bool done;

    if (!cli->store)
        return true;
    sightings = sightings_open(store_folder(cli->store), false, &why);
    if (!sightings && why.code == ERR_NO_STORE && !needed)
        return true;
    if (!sightings) {
        *err = why;
        return false;
    }
    done = sightings_list(sightings, &filter, &list, err);
    sightings_close(sightings);
    if (!done)
        return false;
    readiness_add_sightings(readiness, &list);
    sighting_list_clear(&list);
    return true;
}

/* ---- printed ---- */

static json_t *clients_json(const struct readiness *readiness, enum readiness_case what,
                            const char *ca)
{
    json_t *list = json_array();

    for (size_t i = 0; i < readiness->n; i++) {
        const struct readiness_client *client = &readiness->clients[i];

        if (readiness_refuses(what, ca, client))
            json_array_append_new(
                list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:b, s:o, s:I}", "server",
                                json_string_or_empty(client->server), "role",
                                json_text(client->role), "database", json_text(client->database),
                                "client_addr", json_text(client->address), "application_name",
                                json_text(client->application), "class", client->class, "version",
                                json_text(client->version), "ca", json_text(client->authority),
                                "live", client->live, "last_seen", json_time(client->last_seen),
                                "sessions", (json_int_t)client->sessions));
    }
    return list;
}

static json_t *case_json(const struct readiness *readiness, enum readiness_case what,
                         const char *ca)
{
    struct readiness_count count = readiness_count(readiness, what, ca);

    return json_pack("{s:s, s:o, s:I, s:I, s:o}", "case", readiness_name(what), "ca", json_text(ca),
                     "live", (json_int_t)count.live, "seen", (json_int_t)count.seen, "clients",
                     clients_json(readiness, what, ca));
}

static char *case_title(enum readiness_case what, const char *ca)
{
    return what == READINESS_CA ? mem_printf(_("CA \"%s\" removed"), ca)
                                : mem_strdup(_(readiness_text(what)));
}

static void print_clients(const struct cli *cli, const struct readiness *readiness,
                          enum readiness_case what, const char *ca)
{
    struct readiness_count count = readiness_count(readiness, what, ca);
    char *title = case_title(what, ca);
    size_t shown = 0;

    if (count.live + count.seen > 0)
        output_line(&cli->out, "\n%s:", title);
    for (size_t i = 0; i < readiness->n && shown < SHOWN_MAX; i++) {
        const struct readiness_client *client = &readiness->clients[i];
        char when[CLOCK_TEXT_MAX];

        if (!readiness_refuses(what, ca, client))
            continue;
        output_line(&cli->out, "  %s: %s@%s %s %s  %s  %s", client->server, client->role,
                    client->database[0] ? client->database : "-", client->address,
                    client->application, client->version[0] ? client->version : client->class,
                    client->live ? _("now") : clock_format_minute(when, client->last_seen));
        shown++;
    }
    if (shown < count.live + count.seen)
        output_line(&cli->out, _("  and %zu more: --json has all"),
                    count.live + count.seen - shown);
    free(title);
}

static void print_row(char **cells, const struct readiness *readiness, enum readiness_case what,
                      const char *ca)
{
    struct readiness_count count = readiness_count(readiness, what, ca);

    cells[0] = case_title(what, ca);
    cells[1] = mem_printf("%zu", count.live);
    cells[2] = mem_printf("%zu", count.seen);
    cells[3] = mem_strdup(count.live + count.seen > 0 ? "[!!]" : "[ok]");
}

static void print(const struct cli *cli, const struct readiness *readiness, const char **cas,
                  size_t n_cas)
{
    static const char *const headers[] = {"IF", "REFUSED NOW", "SEEN BEFORE", ""};
    const size_t columns = ARRAY_LEN(headers);
    size_t n = READINESS_CA + n_cas;
    char **cells = mem_array(n * columns, sizeof(*cells));

    for (size_t i = 0; i < n; i++)
        print_row(cells + i * columns, readiness,
                  i < READINESS_CA ? (enum readiness_case)i : READINESS_CA,
                  i < READINESS_CA ? NULL : cas[i - READINESS_CA]);
    output_table(&cli->out, columns, headers, n, (const char *const *)cells);
    if (readiness->hidden > 0)
        output_line(&cli->out, _("[!!] %lld sessions are hidden from this role: not judged"),
                    (long long)readiness->hidden);
    for (size_t i = 0; i < n; i++)
        print_clients(cli, readiness, i < READINESS_CA ? (enum readiness_case)i : READINESS_CA,
                      i < READINESS_CA ? NULL : cas[i - READINESS_CA]);
    for (size_t i = 0; i < n * columns; i++)
        free(cells[i]);
    free(cells);
}

static void print_json(const struct readiness *readiness, const char **cas, size_t n_cas,
                       int64_t since)
{
    json_t *list = json_array();

    for (size_t i = 0; i < READINESS_CA; i++)
        json_array_append_new(list, case_json(readiness, (enum readiness_case)i, NULL));
    for (size_t i = 0; i < n_cas; i++)
        json_array_append_new(list, case_json(readiness, READINESS_CA, cas[i]));
    output_json(json_pack("{s:o, s:I, s:o}", "cases", list, "hidden", (json_int_t)readiness->hidden,
                          "since", json_time(since)),
                false);
}

bool sessions_readiness(struct cli *cli, struct watched *servers, size_t n, struct err *err)
{
    struct readiness readiness = {0};
    const char *ca = args_value(cli->args, OPT_CA);
    const char *text = args_value(cli->args, OPT_SINCE);
    const char **cas = NULL;
    int64_t since = clock_now() - SINCE_SECONDS;
    size_t n_cas = 0;
    bool done = false;

    if (text && !day_parse_since(text, &since, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!add_live(cli, &servers[i], &readiness, err))
            goto out;
    if (!add_seen(cli, servers == NULL, since, &readiness, err))
        goto out;
    readiness_settle(&readiness);
    if (ca) {
        cas = mem_array(1, sizeof(*cas));
        cas[n_cas++] = ca;
    } else {
        cas = readiness_authorities(&readiness, &n_cas);
    }
    if (cli->out.json)
        print_json(&readiness, cas, n_cas, since);
    else
        print(cli, &readiness, cas, n_cas);
    done = true;
out:
    free(cas);
    readiness_clear(&readiness);
    return done;
}
