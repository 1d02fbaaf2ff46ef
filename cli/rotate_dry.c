/* rotate_dry.c - "--dry-run" of rotate's acts: what would be done, and who would be refused. */
#include "config.h"

#include <stdlib.h>

#include "cli/rotate.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

#define KITS_NAMED_MAX 20 /* in text; JSON has them all */

/* ---- text ---- */

static void print_servers(struct cli *cli, const struct rotate_preview *preview)
{
    for (size_t i = 0; i < preview->n_servers; i++) {
        const struct rotate_would *server = &preview->servers[i];

        if (server->err.code != ERR_NONE)
            output_line(&cli->out, _("  [!!] %s: PS-%04d %s"), server->name, (int)server->err.code,
                        server->err.msg);
        else if (server->nothing)
            output_line(&cli->out, _("  [ok] %s: it is so already"), server->name);
        else
            output_line(&cli->out, "  %s%s:", server->name, server->standby ? _(" (standby)") : "");
        for (size_t k = 0; k < server->n_steps; k++)
            output_line(&cli->out, "    %s", server->steps[k]);
    }
}

static void print_kits(struct cli *cli, const struct rotate_preview *preview)
{
    if (preview->n_kits == 0)
        return;
    output_line(&cli->out, ngettext("  %zu kit is made:", "  %zu kits are made:", preview->n_kits),
                preview->n_kits);
    for (size_t i = 0; i < preview->n_kits && i < KITS_NAMED_MAX; i++)
        output_line(&cli->out, "    %s", preview->kits[i]);
    if (preview->n_kits > KITS_NAMED_MAX)
        output_line(&cli->out, _("    and %zu more"), preview->n_kits - KITS_NAMED_MAX);
}

static void print_refused(struct cli *cli, const struct rotate_preview *preview)
{
    static const char *const headers[] = {"SERVER", "PID", "ROLE", "DATABASE", "FROM", "WHY"};
    const size_t columns = ARRAY_LEN(headers);
    const size_t n = preview->n_refused;
    char **cells = mem_array(n * columns + 1, sizeof(*cells));

    if (n > 0)
        output_line(&cli->out,
                    preview->ends_sessions ? ngettext("would be refused, and ended now: %zu",
                                                      "would be refused, and ended now: %zu", n)
                                           : ngettext("would be refused at the next login: %zu",
                                                      "would be refused at the next login: %zu", n),
                    n);
    for (size_t i = 0; i < n; i++) {
        const struct rotate_refused *row = &preview->refused[i];
        char **cell = cells + i * columns;

        cell[0] = mem_strdup(row->server);
        cell[1] = row->pid > 0 ? mem_printf("%d", row->pid) : mem_strdup("-");
        cell[2] = mem_strdup(row->role);
        cell[3] = mem_strdup(row->database);
        cell[4] = mem_strdup(row->address);
        cell[5] = mem_strdup(row->why);
    }
    if (n > 0) {
        output_table(&cli->out, columns, headers, n, (const char *const *)cells);
        output_line(&cli->out, _("goes on with --accept-refused=%zu"), n);
    }
    for (size_t i = 0; i < n * columns; i++)
        free(cells[i]);
    free(cells);
}

static void print_ahead(struct cli *cli, const char *act, const struct rotate_preview *preview)
{
    output_line(&cli->out, _("would: %s"), act);
    for (size_t i = 0; i < preview->n_lines; i++)
        output_line(&cli->out, "  %s", preview->lines[i]);
    print_kits(cli, preview);
    print_servers(cli, preview);
    print_refused(cli, preview);
}

/* ---- JSON ---- */

static json_t *texts_json(char *const *texts, size_t n)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, json_text(texts[i]));
    return rows;
}

static json_t *servers_json(const struct rotate_preview *preview)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < preview->n_servers; i++) {
        const struct rotate_would *server = &preview->servers[i];

        json_array_append_new(
            rows,
            json_pack("{s:o, s:b, s:b, s:b, s:o, s:o}", "server", json_text(server->name),
                      "standby", server->standby, "reached", server->reached, "nothing",
                      server->nothing, "steps", texts_json(server->steps, server->n_steps), "error",
                      server->err.code != ERR_NONE ? json_text(server->err.msg) : json_null()));
    }
    return rows;
}

static json_t *refused_json(const struct rotate_preview *preview)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < preview->n_refused; i++) {
        const struct rotate_refused *row = &preview->refused[i];

        json_array_append_new(
            rows, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "server", json_text(row->server),
                            "pid", row->pid > 0 ? json_integer(row->pid) : json_null(), "role",
                            json_text(row->role), "database", json_text(row->database),
                            "application", json_text(row->application), "address",
                            json_text(row->address), "why", json_text(row->why)));
    }
    return rows;
}

static json_t *ahead_json(const char *act, const struct rotate_preview *preview)
{
    if (!preview->looked)
        return json_pack("{s:o}", "act", json_text(act));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:b}", "act", json_text(act), "lines",
                     texts_json(preview->lines, preview->n_lines), "kits",
                     texts_json(preview->kits, preview->n_kits), "servers", servers_json(preview),
                     "refused", refused_json(preview), "accept_refused",
                     (json_int_t)preview->n_refused, "ends_sessions", preview->ends_sessions);
}

bool rotate_show_ahead(struct cli *cli, struct rotation *rotation,
                       const struct rotate_request *request, bool back, const char *act,
                       struct err *err)
{
    struct rotate_status status = {.n_phases = 0};
    struct rotate_preview preview = {.n_lines = 0};
    bool done = rotate_look(cli->store, rotation, request, true, &status, err) &&
                rotate_look_ahead(cli->store, rotation, request, back, &preview, err);

    if (done && cli->out.json) {
        json_t *json = rotate_json(rotation, &status);

        json_object_set_new(json, "dry_run", json_true());
        json_object_set_new(json, "would", ahead_json(act, &preview));
        output_json(json, false);
    } else if (done) {
        print_ahead(cli, act, &preview);
        rotate_print(cli, rotation, &status);
    }
    rotate_preview_clear(&preview);
    rotate_status_clear(&status);
    return done;
}
