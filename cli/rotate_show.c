/* rotate_show.c - a rotation as a picture and as JSON. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/rotate.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

const char *rotate_kind_words(enum rotation_kind kind)
{
    switch (kind) {
    case ROTATION_CLIENT:
        break;
    case ROTATION_CLIENT_CA:
        return _("another CA for the clients");
    case ROTATION_CA_LIFE:
        return _("a longer life for the CA");
    case ROTATION_SERVER:
        return _("a new certificate for the server");
    case ROTATION_SERVER_CA:
        return _("another CA for the server");
    case ROTATION_EMERGENCY:
        return _("the stolen key of the CA");
    }
    return _("new certificates for clients");
}

char *rotate_shell_name(const struct rotation *rotation)
{
    struct strbuf text = STRBUF_INIT;

    if (!text_quote_shell(&text, rotation->name)) {
        strbuf_clear(&text);
        return mem_printf("'#%lld'", (long long)rotation->id);
    }
    return strbuf_steal(&text);
}

/* ---- lines ---- */

static const char *mark_of(const struct rotation *rotation, size_t phase)
{
    if (rotation->phase > (int)phase)
        return "[ok]";
    return rotation->phase == (int)phase && rotation->ended_at == 0 ? "[>>]" : "[  ]";
}

static void print_phases(struct cli *cli, const struct rotation *rotation)
{
    size_t n = rotate_phase_count(rotation->kind);
    char since[CLOCK_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        const struct rotate_phase *phase = rotate_phase(rotation->kind, i);

        if (rotation->phase == (int)i && rotation->ended_at == 0)
            output_line(&cli->out, _("  %s %zu %-10s  %s (since %s UTC)"), mark_of(rotation, i),
                        i + 1, phase->key, _(phase->title),
                        clock_format_minute(since, rotation->since));
        else
            output_line(&cli->out, "  %s %zu %-10s  %s", mark_of(rotation, i), i + 1, phase->key,
                        _(phase->title));
    }
}

static const char *trust_words(const struct rotate_server *server)
{
    if (server->has_old && server->has_new)
        return _("trusts the old and the new one");
    if (server->has_old)
        return _("trusts the old one only");
    return server->has_new ? _("trusts the new one only") : _("trusts neither");
}

/* What a server shows, where its own certificate is rotated. */
static const char *shown_words(const struct rotate_server *server)
{
    return server->has_new   ? _("shows its new certificate")
           : server->has_old ? _("shows its old certificate")
                             : _("not asked what it shows");
}

static bool is_of_server(const struct rotation *rotation)
{
    return rotation->kind == ROTATION_SERVER || rotation->kind == ROTATION_SERVER_CA;
}

static void print_servers(struct cli *cli, const struct rotation *rotation,
                          const struct rotate_status *status)
{
    for (size_t i = 0; i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];
        const char *mark = server->done ? "[ok]" : server->err.code != ERR_NONE ? "[!!]" : "[  ]";

        output_line(&cli->out, "  %s %s%s: %s%s", mark, server->name,
                    server->standby ? _(" (standby)") : "",
                    is_of_server(rotation) ? shown_words(server) : trust_words(server),
                    server->asked && server->reached ? "" : _(", as the store knows"));
        if (server->err.code != ERR_NONE)
            output_line(&cli->out, "       PS-%04d %s", (int)server->err.code, server->err.msg);
    }
}

static void print_items(struct cli *cli, const struct rotation *rotation,
                        const struct rotate_status *status)
{
    const struct rotation_counts *items = &status->items;

    if (items->total > 0 && rotation->kind == ROTATION_SERVER_CA) /* files for all, no kits */
        output_line(&cli->out,
                    ngettext("  list    %lld line: %lld handed over, %lld gone on without",
                             "  list    %lld lines: %lld handed over, %lld gone on without",
                             (unsigned long)items->total),
                    (long long)items->total, (long long)items->handed, (long long)items->left);
    else if (items->total > 0)
        output_line(&cli->out,
                    ngettext("  list    %lld line: %lld made, %lld handed over, %lld seen in use, "
                             "%lld gone on without, %lld ended",
                             "  list    %lld lines: %lld made, %lld handed over, %lld seen in use, "
                             "%lld gone on without, %lld ended",
                             (unsigned long)items->total),
                    (long long)items->total, (long long)items->made, (long long)items->handed,
                    (long long)items->seen, (long long)items->left, (long long)items->ended);
}

static void print_left(struct cli *cli, const struct rotation *rotation,
                       const struct rotate_status *status)
{
    struct strbuf said = STRBUF_INIT;
    int open = 0;

    for (size_t i = 0; i < status->left.n; i++)
        open += status->left.rows[i].open;
    if (status->left.n > 0 && is_of_server(rotation))
        output_line(&cli->out, _("  TLS     open sessions: %d; kinds of sessions seen: %zu"), open,
                    status->left.n);
    else if (status->left.n > 0)
        output_line(&cli->out,
                    _("  left    open sessions with the old one: %d; kinds of sessions seen: %zu"),
                    open, status->left.n);
    if (status->quiet.needed == 0)
        return;
    use_quiet_say(&status->quiet, &said);
    output_line(&cli->out, _("  quiet   %s"), said.data);
    strbuf_clear(&said);
}

/* Lines are open that only a person can answer: a kit or a trust file is on its way. */
static bool marks_lines(const struct rotate_phase *phase, const struct rotation_counts *items)
{
    static const char *const phases[] = {"hand", "move", "watch"};

    if (items->seen + items->left + items->ended >= items->total)
        return false;
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (strcmp(phase->key, phases[i]) == 0)
            return true;
    return false;
}

static void print_way(struct cli *cli, const struct rotation *rotation,
                      const struct rotate_status *status)
{
    const struct rotate_phase *phase = rotate_phase(rotation->kind, (size_t)rotation->phase);
    char *name;

    if (rotation->ended_at != 0 || phase == NULL)
        return;
    name = rotate_shell_name(rotation);
    if (status->needs & ROTATE_NEED_NAME)
        output_note(&cli->out, _("next   pgseal rotate finish %s --confirm=%s   %s"), name, name,
                    _(phase->act));
    else
        output_note(&cli->out, _("next   pgseal rotate next %s   %s"), name,
                    phase->act[0] != '\0' ? _(phase->act) : _(phase->waits));
    if (marks_lines(phase, &status->items))
        output_note(
            &cli->out,
            _("mark   pgseal rotate mark %s ROLE --handed   or --without: a line of its list"),
            name);
    if (phase->back != NULL)
        output_note(&cli->out, _("back   pgseal rotate back %s   %s"), name, _(phase->back));
    free(name);
}

void rotate_print(struct cli *cli, const struct rotation *rotation,
                  const struct rotate_status *status)
{
    char date[CLOCK_TEXT_MAX];

    output_line(&cli->out, "#%lld %s: %s", (long long)rotation->id, rotation->name,
                rotate_kind_words(rotation->kind));
    print_phases(cli, rotation);
    if (rotation->ended_at != 0)
        output_line(&cli->out, rotation->given_up ? _("  given up on %s") : _("  done on %s"),
                    clock_format_date(date, rotation->ended_at));
    print_servers(cli, rotation, status);
    print_items(cli, rotation, status);
    print_left(cli, rotation, status);
    for (size_t i = 0; i < status->n_blockers; i++)
        output_line(&cli->out, _("  blocks  %s"), status->blockers[i]);
    for (size_t i = 0; i < status->n_notices; i++)
        output_line(&cli->out, _("  notice  %s"), status->notices[i]);
    if (status->proposal != NULL && status->proposal[0] != '\0')
        output_note(&cli->out, "%s", status->proposal);
    print_way(cli, rotation, status);
}

/* ---- JSON ---- */

static json_t *phases_json(const struct rotation *rotation)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < rotate_phase_count(rotation->kind); i++) {
        const struct rotate_phase *phase = rotate_phase(rotation->kind, i);
        const char *state = rotation->phase > (int)i                               ? "done"
                            : rotation->phase == (int)i && rotation->ended_at == 0 ? "now"
                                                                                   : "open";

        json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "key", phase->key, "title",
                                              phase->title, "state", state));
    }
    return rows;
}

static json_t *servers_json(const struct rotate_status *status)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];

        json_array_append_new(
            rows,
            json_pack("{s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:o}", "server",
                      json_string_or_empty(server->name), "production", server->production,
                      "standby", server->standby, "reached", server->reached, "old",
                      server->has_old, "new", server->has_new, "done", server->done, "error",
                      server->err.code != ERR_NONE ? json_text(server->err.msg) : json_null()));
    }
    return rows;
}

static json_t *left_json(const struct use_list *left)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < left->n; i++) {
        const struct use *use = &left->rows[i];

        json_array_append_new(
            rows, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:i, s:o, s:o, s:b}", "server",
                            json_text(use->server), "role", json_text(use->role), "database",
                            json_text(use->database), "application", json_text(use->application),
                            "address", json_text(use->address), "serial", json_text(use->serial),
                            "replication", use->replication, "open", use->open, "open_since",
                            json_time(use->open_since), "last_seen", json_time(use->last_seen),
                            "has_new", use->has_new));
    }
    return rows;
}

static json_t *quiet_json(const struct rotation *rotation, const struct use_quiet *quiet)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:b, s:b, s:I, s:o, s:o, s:i}", "needed",
                     (json_int_t)rotation->quiet_seconds, "last_used", json_time(quiet->last_used),
                     "since", json_time(quiet->quiet_since), "safe_at", json_time(quiet->safe_at),
                     "safe", quiet->safe, "but_gaps", quiet->but_gaps, "longest_gap",
                     (json_int_t)quiet->longest_gap, "gap_server", json_text(quiet->worst_server),
                     "looked_at", json_time(quiet->looked_at), "hidden", quiet->hidden);
}

static json_t *strings_json(char *const *texts, size_t n)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, json_string_or_empty(texts[i]));
    return rows;
}

static json_t *needs_json(unsigned needs)
{
    static const char *const names[] = {"old-key", "new-key", "new-passphrase", "folder",
                                        "confirm", "servers", "server-cert"};
    json_t *rows = json_array();

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (needs & (1u << i))
            json_array_append_new(rows, json_string(names[i]));
    }
    return rows;
}

json_t *rotate_json(const struct rotation *rotation, const struct rotate_status *status)
{
    const struct rotation_counts *items = &status->items;
    const struct rotate_phase *phase = rotate_phase(rotation->kind, (size_t)rotation->phase);
    json_t *json = json_pack(
        "{s:I, s:s, s:o, s:s, s:o, s:o, s:o, s:b, s:o, s:b, s:b}", "id", (json_int_t)rotation->id,
        "kind", rotation_kind_name(rotation->kind), "name", json_text(rotation->name), "phase",
        phase != NULL ? phase->key : "done", "since", json_time(rotation->since), "started",
        json_time(rotation->started_at), "ended", json_time(rotation->ended_at), "given_up",
        rotation->given_up, "phases", phases_json(rotation), "may_next", status->may_next,
        "act_done", status->act_done);

    json_object_set_new(json, "blockers", strings_json(status->blockers, status->n_blockers));
    json_object_set_new(json, "notices", strings_json(status->notices, status->n_notices));
    json_object_set_new(json, "servers", servers_json(status));
    json_object_set_new(json, "list",
                        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "total",
                                  (json_int_t)items->total, "made", (json_int_t)items->made,
                                  "handed", (json_int_t)items->handed, "seen",
                                  (json_int_t)items->seen, "without", (json_int_t)items->left,
                                  "ended", (json_int_t)items->ended));
    json_object_set_new(json, "left", left_json(&status->left));
    json_object_set_new(json, "quiet", quiet_json(rotation, &status->quiet));
    json_object_set_new(json, "needs", needs_json(status->needs));
    json_object_set_new(json, "proposal", json_text(status->proposal));
    json_object_set_new(json, "folder", json_text(rotation->folder));
    return json;
}
