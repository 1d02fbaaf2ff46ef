/* server_simulate.c - "server simulate": everyone connected now, against the rules on paper. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/change.h"
#include "cli/command.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/files.h"
#include "core/pg/settings.h"
#include "core/pg/simulate.h"
#include "core/plan/who_certs.h"
#include "core/plan/who_seen.h"

#define HBA_MAX     ((size_t)4 << 20)
#define WALKS_SHOWN 3

struct simulating {
    struct cli *cli;
    struct server *server;
    struct conn *admin;
    struct strbuf present;
    struct strbuf wanted;
    bool changes; /* --require was given, and adds something */
    bool required;
    struct simulate_who who;
    struct simulation simulation;
    json_t *document; /* with --json */
};

/* ---- what is wanted ---- */

static bool is_require(const struct args *args)
{
    return args_has(args, OPT_REQUIRE) || args_has(args, OPT_DATABASE) ||
           args_has(args, OPT_ROLE) || args_has(args, OPT_FROM) || args_has(args, OPT_METHOD) ||
           args_has(args, OPT_MAP) || args_has(args, OPT_MAP_ROLE);
}

/* The text that "server require" with these flags would write: its plan is made, and thrown away. */
static bool read_wanted(struct simulating *self, struct err *err)
{
    struct change_rules rules;
    struct plan_target target = {
        .store = self->cli->store, .server = self->server, .admin = self->admin};
    const struct strbuf *wanted, *maps;
    struct plan *plan = NULL;
    char *host = NULL;

    if (change_read_rules(self->cli->args, &rules, err) &&
        cli_tls_address(self->server, &host, &target.tls_port, err)) {
        target.tls_host = host;
        plan = plan_access_rules(&target, &rules.intent, err);
    }
    change_clear_rules(&rules);
    free(host);
    if (!plan)
        return false;
    wanted = plan_wanted_hba(plan);
    self->changes = wanted != NULL;
    if (wanted)
        strbuf_add(&self->wanted, wanted->data, wanted->len);
    maps = plan_wanted_ident(plan);
    if (maps)
        simulate_want_ident(&self->who, maps->data, maps->len);
    plan_free(plan);
    return true;
}

static bool read_present(struct simulating *self, struct err *err)
{
    struct settings settings;
    struct files *files = NULL;
    bool done = false;

    if (!settings_read(self->admin, &settings, err))
        return false;
    files = files_new(self->admin, settings.data_directory, err);
    done = files && files_read(files, settings.hba_file, HBA_MAX, &self->present, err) &&
           simulate_read(self->admin, settings.ident_file, &self->who, err);
    files_free(files);
    settings_clear(&settings);
    return done;
}

/* ---- printed ---- */

static json_t *walk_json(const struct simulating *self, const struct simulate_row *row)
{
    struct simulate_walk walk;
    json_t *steps = json_array();

    simulate_walk(&self->who, row, &self->simulation.wanted, &walk);
    for (size_t i = 0; i < walk.n; i++)
        json_array_append_new(steps, json_pack("{s:i, s:o, s:b, s:o}", "line", walk.steps[i].line,
                                               "text", json_string_or_empty(walk.steps[i].text),
                                               "fits", walk.steps[i].fit != HBA_FIT_NO, "why",
                                               json_text(walk.steps[i].why)));
    simulate_walk_clear(&walk);
    return steps;
}

static json_t *row_json(const struct simulating *self, const struct simulate_row *row)
{
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:o}", "role", json_text(row->role),
                             "line", row->then.line ? json_integer(row->then.line) : json_null(),
                             "method", json_text(row->then.method), "line_now",
                             row->now.line ? json_integer(row->now.line) : json_null(), "now",
                             simulate_outcome_name(row->now.outcome), "then",
                             simulate_outcome_name(row->then.outcome), "why", json_text(row->why));

    if (row->is_session) {
        if (row->last_seen)
            json_object_set_new(json, "last_seen", json_time(row->last_seen));
        else
            json_object_set_new(json, "pid", json_integer(row->pid));
        json_object_set_new(json, "database", json_text(row->database));
        json_object_set_new(json, "client_addr", json_text(row->address));
        json_object_set_new(json, "own", json_boolean(row->own));
        json_object_set_new(json, "class", json_string(session_class_name(row->class)));
    }
    if (row->then.outcome != SIMULATE_ALLOWED)
        json_object_set_new(json, "walk", walk_json(self, row));
    return json;
}

static json_t *simulation_json(const struct simulating *self)
{
    const struct simulation *simulation = &self->simulation;
    json_t *sessions = json_array();
    json_t *roles = json_array();
    json_t *seen = json_array();

    for (size_t i = 0; i < simulation->n; i++) {
        const struct simulate_row *row = &simulation->rows[i];

        json_array_append_new(!row->is_session ? roles
                              : row->last_seen ? seen
                                               : sessions,
                              row_json(self, row));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:i, s:I}", "server",
                     json_string_or_empty(self->server->name), "sessions", sessions, "seen", seen,
                     "roles", roles, "seen_refused", (json_int_t)simulation->n_seen_refused,
                     "refused", (json_int_t)simulation->n_refused, "already",
                     (json_int_t)simulation->n_already, "unsure", (json_int_t)simulation->n_unsure,
                     "hidden", simulation->hidden, "took_us", (json_int_t)simulation->took_us);
}

static void print_rows(const struct simulating *self)
{
    static const char *const headers[] = {"PID",  "ROLE", "DATABASE", "FROM",
                                          "THEN", "LINE", "METHOD",   "WHY"};
    const struct simulation *simulation = &self->simulation;
    const size_t columns = ARRAY_LEN(headers);
    const char **cells = mem_array(simulation->n * columns + 1, sizeof(*cells));
    char(*numbers)[2][CLOCK_TEXT_MAX] = mem_array(simulation->n + 1, sizeof(*numbers));

    for (size_t i = 0; i < simulation->n; i++) {
        const struct simulate_row *row = &simulation->rows[i];
        const char **cell = cells + i * columns;

        snprintf(numbers[i][0], sizeof(numbers[i][0]), "%d", row->pid);
        if (row->last_seen)
            clock_format_date(numbers[i][0], row->last_seen);
        snprintf(numbers[i][1], sizeof(numbers[i][1]), "%d", row->then.line);
        cell[0] = row->is_session ? numbers[i][0] : _("role");
        cell[1] = row->role;
        cell[2] = row->database;
        cell[3] = !row->is_session ? "" : *row->address ? row->address : _("socket");
        cell[4] = simulate_outcome_name(row->then.outcome);
        cell[5] = row->then.line ? numbers[i][1] : "-";
        cell[6] = row->then.method;
        cell[7] = row->why;
    }
    output_table(&self->cli->out, columns, headers, simulation->n, cells);
    free(cells);
    free(numbers);
}

static void print_walks(const struct simulating *self)
{
    const struct simulation *simulation = &self->simulation;
    const struct output *output = &self->cli->out;
    size_t shown = 0;

    for (size_t i = 0; i < simulation->n; i++) {
        const struct simulate_row *row = &simulation->rows[i];
        struct simulate_walk walk;

        if (row->then.outcome == SIMULATE_ALLOWED ||
            (shown++ >= WALKS_SHOWN && output->verbose == 0))
            continue;
        if (row->last_seen)
            output_line(output, _("%s, seen before: line by line"), row->role);
        else if (row->is_session)
            output_line(output, _("%s, session %d: line by line"), row->role, row->pid);
        else
            output_line(output, _("%s, over TLS: line by line"), row->role);
        simulate_walk(&self->who, row, &simulation->wanted, &walk);
        for (size_t j = 0; j < walk.n; j++)
            output_line(output, "  %s %4d  %s%s%s", walk.steps[j].fit == HBA_FIT_NO ? "  " : "->",
                        walk.steps[j].line, walk.steps[j].text, *walk.steps[j].why ? "   " : "",
                        walk.steps[j].why);
        if (row->then.line == 0)
            output_line(output, "  -> %s", _("the end: no line fits"));
        simulate_walk_clear(&walk);
    }
    if (shown > WALKS_SHOWN && output->verbose == 0)
        output_line(output, _("... and %zu more; --verbose shows each"), shown - WALKS_SHOWN);
}

static void print_end(const struct simulating *self)
{
    const struct simulation *simulation = &self->simulation;
    const struct output *output = &self->cli->out;

    if (self->required && !self->changes && !self->who.ident_changes)
        output_line(output, _("these rules are there already"));
    if (simulation->n_refused + simulation->n_already + simulation->n_unsure == 0)
        output_line(output, _("[ok] nobody would be refused"));
    else
        output_line(output, _("%zu would be refused, %zu already are, %zu cannot be told"),
                    simulation->n_refused, simulation->n_already, simulation->n_unsure);
    if (simulation->n_seen_refused > 0)
        output_line(output,
                    ngettext("[!!] %zu that was seen before would be refused when it comes again",
                             "[!!] %zu that were seen before would be refused when they come again",
                             simulation->n_seen_refused),
                    simulation->n_seen_refused);
    if (simulation->hidden > 0)
        output_line(output, _("[!!] %d sessions are hidden from your role: not judged"),
                    simulation->hidden);
}

/* ---- the command ---- */

static bool simulate_it(struct simulating *self, struct err *err)
{
    struct cli *cli = self->cli;

    self->required = is_require(cli->args);
    if (!read_present(self, err) || (self->required && !read_wanted(self, err)) ||
        !who_certs(cli->store, self->admin, &self->who, err) ||
        (cli->store &&
         !who_seen(cli->store, self->server->name, clock_now() - (int64_t)WHO_SEEN_DAYS * CLOCK_DAY,
                   &self->who, err)))
        return false;
    simulate(&self->who, self->present.data, self->present.len,
             self->changes ? self->wanted.data : NULL, self->wanted.len, &self->simulation);
    if (cli->out.json) {
        self->document = simulation_json(self);
    } else {
        print_rows(self);
        print_walks(self);
        print_end(self);
    }
    if (self->simulation.n_refused > 0 || (!self->changes && self->simulation.n_already > 0))
        cli->exit = EXIT_FOUND;
    return true;
}

/* server is taken; *ret_json: the document with --json. */
static bool simulate_on(struct cli *cli, struct server *server, json_t **ret_json, struct err *err)
{
    struct simulating self = {.cli = cli, .server = server};
    bool done = false;

    strbuf_init(&self.present);
    strbuf_init(&self.wanted);
    self.admin = cli_connect(cli, self.server, NULL, err);
    if (self.admin) {
        done = simulate_it(&self, err);
        simulation_clear(&self.simulation);
        simulate_who_clear(&self.who);
    }
    *ret_json = self.document;
    strbuf_clear(&self.present);
    strbuf_clear(&self.wanted);
    conn_close(self.admin);
    server_free(self.server);
    return done;
}

/* Each member has its own rules and its own sessions. One that is away is said: exit 6. */
static bool simulate_members(struct cli *cli, const char *cluster, struct err *err)
{
    struct server_list members = {0};
    json_t *documents = json_array();
    size_t reached = 0;

    if (!server_members(cli->store, cluster, &members, err)) {
        json_decref(documents);
        return false;
    }
    for (size_t i = 0; i < members.n; i++) {
        char *name = mem_strdup(members.rows[i]->name);
        json_t *document = NULL;

        output_line(&cli->out, "-- %s", name);
        if (simulate_on(cli, members.rows[i], &document, err)) {
            reached++;
        } else {
            output_line(&cli->out, "[xx] %s", err->msg);
            document = json_pack("{s:o, s:o}", "server", json_string_or_empty(name), "error",
                                 json_string_or_empty(err->msg));
            cli->exit = EXIT_FOUND;
        }
        members.rows[i] = NULL; /* taken */
        if (document)
            json_array_append_new(documents, document);
        free(name);
    }
    if (cli->out.json && reached > 0)
        output_json(
            json_pack("{s:o, s:O}", "cluster", json_string_or_empty(cluster), "members", documents),
            false);
    if (reached == 0)
        cli->exit = EXIT_FAILED;
    json_decref(documents);
    server_list_clear(&members);
    return reached > 0;
}

bool run_server_simulate(struct cli *cli, struct err *err)
{
    const char *name = cli->args->names[0];
    struct server *server;
    json_t *document = NULL;
    bool is_cluster = false;
    bool done;

    if (!cli_store_if_any(cli, err) ||
        (cli->store && !server_is_cluster(cli->store, name, &is_cluster, err)))
        return false;
    if (is_cluster)
        return simulate_members(cli, name, err);
    server = cli_server(cli, name, err);
    done = server && simulate_on(cli, server, &document, err);
    if (document)
        output_json(document, false);
    return done;
}
