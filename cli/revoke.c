/*
 * revoke.c - "revoke": a certificate must not be used any more, for ever.
 *
 * Order    the effect; the name typed; the store (revocation and CRL in one transaction); then every
 *          server that trusts the CA (core/plan/publish.h). A server that fails or is away does not
 *          take the revocation back: it is named (exit 5), and "crl refresh" catches it up.
 * Confirm  the role's name stands for all of it: a longer list can refuse nobody else, and is proven
 *          and taken back by itself, so that production servers need no second name.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/publish.h"
#include "cli/record.h"
#include "cli/revoke.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/revoke.h"

struct revocation {
    struct cli *cli;
    struct issued_list certs;
    struct server_list only;
    struct revoke_request request;
    struct fleet_door door;
    struct revoke_effect effect;
    struct key **keys; /* of effect.cas */
    struct revoke_outcome outcome;
};

/* ---- which ---- */

/* "db1:2117": the session's server and pid. */
static bool pick_session(struct revocation *revocation, const char *text, struct err *err)
{
    struct cli *cli = revocation->cli;
    const char *colon = strrchr(text, ':');
    struct server *server = NULL;
    struct conn *conn = NULL;
    char *name;
    int64_t pid;
    bool done;

    if (!colon || colon == text || !text_parse_int(colon + 1, 1, INT32_MAX, &pid))
        return err_set(err, ERR_BAD_VALUE, _("\"--session\" is SERVER:PID, not \"%s\""), text);
    name = mem_strndup(text, (size_t)(colon - text));
    server = server_load(cli->store, name, err);
    free(name);
    if (server)
        conn = cli_connect(cli, server, NULL, err);
    done = conn && revoke_pick_session(cli->store, conn, (int)pid, &revocation->certs, err);
    conn_close(conn);
    server_free(server);
    return done;
}

static bool pick(struct revocation *revocation, struct err *err)
{
    const struct args *args = revocation->cli->args;
    const char *session = args_value(args, OPT_SESSION);

    if ((args->n_names == 1) == (session != NULL))
        return err_set(err, ERR_USAGE,
                       _("\"revoke\" wants a serial number, a role, or --session SERVER:PID"));
    if (session)
        return pick_session(revocation, session, err);
    return revoke_pick(revocation->cli->store, args_value(args, OPT_CA), args->names[0],
                       args_has(args, OPT_ALL), &revocation->certs, err);
}

static bool check_ca(struct cli *cli, struct err *err)
{
    struct authority *authority = cli_authority(cli, err);

    authority_free(authority);
    return authority != NULL;
}

/* Names are looked up before anything is done: a misspelt one must not be found out half-way. */
static bool prepare(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;
    struct revoke_request *request = &revocation->request;
    const char *reason = args_value(cli->args, OPT_REASON);
    bool stays = args_has(cli->args, OPT_READ_ONLY); /* in the store */
    int64_t days;

    revocation->door = publish_door(cli);
    request->door = &revocation->door;
    request->end_sessions = args_has(cli->args, OPT_END_SESSIONS);
    if (!args_int(cli->args, OPT_DAYS, 1, 36525, 0, &days, err) ||
        (reason && !crl_reason_parse(reason, &request->reason, err)) ||
        !cli_store(cli, STORE_WRITE, err) || (args_has(cli->args, OPT_CA) && !check_ca(cli, err)))
        return false;
    request->crl_days = (int)days;
    if ((args_has(cli->args, OPT_SERVER) || args_has(cli->args, OPT_END_SESSIONS)) &&
        !args_has(cli->args, OPT_DRY_RUN) && !cli_may_change_servers(cli, err))
        return false;
    if (!publish_named_servers(cli, &revocation->only, err))
        return false;
    request->certs = &revocation->certs;
    request->only = revocation->only.n > 0 || stays ? &revocation->only : NULL;
    return pick(revocation, err);
}

/* ---- the effect ---- */

typedef void (*print_fn)(const struct output *, const char *, ...);

static void show_certs(const struct output *out, print_fn print, const struct issued_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        char hex[SERIAL_HEX_MAX], date[96];

        print(out, _("  %s  serial %s of \"%s\", ends %s"), list->rows[i]->role,
              serial_format_hex(hex, &list->rows[i]->serial), list->rows[i]->authority,
              record_date(date, sizeof(date), list->rows[i]->not_after));
    }
}

static void show_server(const struct output *out, print_fn print, const struct revoke_server *row,
                        bool end_sessions)
{
    const char *production = row->production ? _(" (production)") : "";

    if (!row->asked)
        print(out, "  %s%s", row->name, production);
    else if (!row->reached)
        print(out,
              _("  %s%s  [!!] not reached: it accepts the certificate until it gets the list (%s)"),
              row->name, production, row->err.msg);
    else
        print(out,
              ngettext("  %s%s  %zu open session%s", "  %s%s  %zu open sessions%s",
                       (unsigned long)row->n_sessions),
              row->name, production, row->n_sessions,
              row->n_sessions == 0 ? ""
              : end_sessions       ? _(", will be ended:")
                                   : _(", these stay until they end:"));
    for (size_t i = 0; i < row->n_sessions; i++) {
        const struct revoke_session *session = &row->sessions[i];

        print(out, _("      pid %d  %s  database %s  from %s  since %s%s"), session->pid,
              session->role, session->database,
              *session->address ? session->address : _("a socket"), session->since,
              session->own ? _("  [!!] pgseal's own login: no list goes there") : "");
    }
    if (row->hides)
        print(out, _("      your role does not see all sessions there"));
}

/* RFC 5280 lets a hold be lifted; a store that forgets no revocation does not. */
static void show_hold(const struct revocation *revocation, print_fn print)
{
    if (revocation->request.reason == CRL_CERTIFICATE_HOLD)
        print(&revocation->cli->out,
              _("[!!] certificateHold: a hold is not lifted here either; issue a new one instead"));
}

static void show_effect(struct revocation *revocation, print_fn print)
{
    const struct output *out = &revocation->cli->out;
    const struct revoke_effect *effect = &revocation->effect;
    char date[96];

    print(out, _("revoked, for ever:"));
    show_certs(out, print, &effect->certs);
    show_hold(revocation, print);
    if (effect->stay.n > 0)
        print(out, _("stays valid (--all revokes all of the role):"));
    show_certs(out, print, &effect->stay);
    for (size_t i = 0; i < effect->n_cas; i++) {
        const struct revoke_ca *ca = &effect->cas[i];

        print(out, _("CRL number %llu of \"%s\", until %s"), (unsigned long long)ca->number,
              ca->authority->name, record_date(date, sizeof(date), ca->ends));
        if (ca->n_ahead > 0)
            print(out, _("  %zu lists for later are signed again with it"), ca->n_ahead);
    }
    print(out, effect->n_servers > 0 ? _("servers that get the list:")
                                     : _("no server gets the list by this"));
    for (size_t i = 0; i < effect->n_servers; i++)
        show_server(out, print, &effect->servers[i], revocation->request.end_sessions);
}

static json_t *certs_json(const struct issued_list *list)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(rows, record_issued_state(list->rows[i], RECORD_WITHIN_DAYS));
    return rows;
}

static json_t *sessions_json(const struct revoke_server *row)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < row->n_sessions; i++) {
        const struct revoke_session *session = &row->sessions[i];

        json_array_append_new(rows,
                              json_pack("{s:i, s:o, s:o, s:o, s:o, s:b}", "pid", session->pid,
                                        "role", json_string_or_empty(session->role), "database",
                                        json_string_or_empty(session->database), "application_name",
                                        json_string_or_empty(session->application), "client_addr",
                                        json_text(session->address), "own", session->own));
    }
    return rows;
}

static json_t *effect_json(const struct revocation *revocation)
{
    const struct revoke_effect *effect = &revocation->effect;
    json_t *lists = json_array();
    json_t *servers = json_array();

    for (size_t i = 0; i < effect->n_cas; i++)
        json_array_append_new(lists, json_pack("{s:o, s:I, s:o, s:I}", "ca",
                                               json_string_or_empty(effect->cas[i].authority->name),
                                               "number", (json_int_t)effect->cas[i].number,
                                               "next_update", json_time(effect->cas[i].ends),
                                               "ahead", (json_int_t)effect->cas[i].n_ahead));
    for (size_t i = 0; i < effect->n_servers; i++) {
        const struct revoke_server *row = &effect->servers[i];
        json_t *json = json_pack("{s:o, s:b, s:b, s:o}", "server", json_string_or_empty(row->name),
                                 "production", row->production, "reached", row->reached, "sessions",
                                 sessions_json(row));

        if (row->err.code != ERR_NONE)
            json_object_set_new(json, "error", json_string_or_empty(row->err.msg));
        json_array_append_new(servers, json);
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "certificates", certs_json(&effect->certs), "stay",
                     certs_json(&effect->stay), "lists", lists, "servers", servers);
}

/* ---- the act ---- */

/* Nobody is kept waiting for servers that are away where the answer was given beforehand. */
static bool look(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;
    bool dry_run = args_has(cli->args, OPT_DRY_RUN);
    bool asks = ask_possible(cli) && !args_has(cli->args, OPT_CONFIRM);

    if (!revoke_look(cli->store, &revocation->request, dry_run || asks, &revocation->effect, err))
        return false;
    if (dry_run && cli->out.json)
        output_json(effect_json(revocation), false);
    else
        show_effect(revocation, dry_run ? output_line : output_note);
    return true;
}

static bool confirm(struct revocation *revocation, struct err *err)
{
    const struct issued *first = revocation->effect.certs.rows[0];
    char question[300];

    snprintf(question, sizeof(question),
             ngettext("Revoking %zu certificate of \"%s\" cannot be undone",
                      "Revoking %zu certificates of \"%s\" cannot be undone",
                      (unsigned long)revocation->effect.certs.n),
             revocation->effect.certs.n, first->role);
    return ask_name(revocation->cli, question, first->role, err);
}

static bool unlock(struct revocation *revocation, struct err *err)
{
    const struct revoke_effect *effect = &revocation->effect;

    revocation->keys = mem_array(effect->n_cas + 1, sizeof(revocation->keys[0]));
    for (size_t i = 0; i < effect->n_cas; i++) {
        revocation->keys[i] = cli_unlock(revocation->cli, effect->cas[i].authority, err);
        if (!revocation->keys[i])
            return false;
    }
    return true;
}

static void say_signed(struct revocation *revocation)
{
    struct cli *cli = revocation->cli;
    const struct revoke_effect *effect = &revocation->effect;

    for (size_t i = 0; i < effect->certs.n; i++) {
        const struct issued *issued = effect->certs.rows[i];

        for (size_t k = 0; k < revocation->outcome.n_cas; k++) {
            if (revocation->outcome.cas[k].authority_id == issued->authority_id)
                output_line(&cli->out,
                            _("certificate of \"%s\" revoked; it is on CRL number %llu of \"%s\""),
                            issued->role, (unsigned long long)revocation->outcome.cas[k].number,
                            revocation->outcome.cas[k].authority);
        }
    }
}

static json_t *done_json(const struct revocation *revocation)
{
    const struct revoke_effect *effect = &revocation->effect;
    json_t *document = record_issued_state(effect->certs.rows[0], RECORD_WITHIN_DAYS);

    json_object_set_new(document, "crl_number",
                        json_integer((json_int_t)revocation->outcome.cas[0].number));
    json_object_set_new(document, "certificates", certs_json(&effect->certs));
    json_object_set_new(document, "servers", publish_json(&revocation->outcome.servers));
    return document;
}

static bool act(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;
    struct publish_results *results = &revocation->outcome.servers;
    struct publish_progress progress;
    bool done;

    publish_progress_begin(cli, &progress);
    done = revoke_run(cli->store, &revocation->request, &revocation->effect, revocation->keys,
                      &progress.watch, &revocation->outcome, err);
    publish_progress_end(&progress);
    say_signed(revocation);
    if (!done)
        return false;
    publish_print(cli, results);
    if (!publish_judge(cli, results, true, err)) {
        if (cli->out.json)
            cli->out.done = done_json(revocation);
        return false;
    }
    if (cli->out.json)
        output_json(done_json(revocation), false);
    else if (args_has(cli->args, OPT_READ_ONLY))
        output_note(&cli->out, _("next   pgseal crl refresh: servers accept it until then"));
    return true;
}

static void revocation_clear(struct revocation *revocation)
{
    for (size_t i = 0; revocation->keys && i < revocation->effect.n_cas; i++)
        key_free(revocation->keys[i]);
    free(revocation->keys);
    revoke_outcome_clear(&revocation->outcome);
    revoke_effect_clear(&revocation->effect);
    server_list_clear(&revocation->only);
    issued_list_clear(&revocation->certs);
}

/* ---- again ---- */

/* It was revoked before: what is left is to end its sessions. */
static bool end_only(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;
    struct issued *issued = issued_find(cli->store, cli->args->names[0], err);
    struct publish_results results = {.n = 0};
    struct publish_progress progress;
    char question[300];
    bool done = false;

    if (!issued)
        return false;
    output_note(&cli->out, _("revoked before: what is left is to end its open sessions"));
    snprintf(question, sizeof(question), _("The sessions of \"%s\" with this certificate end"),
             issued->role);
    if (args_has(cli->args, OPT_DRY_RUN) || !ask_name(cli, question, issued->role, err)) {
        done = args_has(cli->args, OPT_DRY_RUN);
        goto out;
    }
    publish_progress_begin(cli, &progress);
    done = revoke_end_sessions(cli->store, issued, &revocation->request, &progress.watch, &results,
                               err);
    publish_progress_end(&progress);
    publish_print(cli, &results);
    done = done && publish_judge(cli, &results, true, err);
    if (done && cli->out.json)
        output_json(json_pack("{s:o, s:o}", "certificate",
                              record_issued_state(issued, RECORD_WITHIN_DAYS), "servers",
                              publish_json(&results)),
                    false);
out:
    publish_results_clear(&results);
    issued_free(issued);
    return done;
}

/* Not one of the certificates here: known by its number only, or not at all. */
static bool by_number_only(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;
    const struct err unknown = *err;
    bool found = false;
    bool done = revoke_serial_only(cli, &revocation->request, &found, err);

    if (done && !found) {
        *err = unknown;
        return false;
    }
    return done;
}

static bool instead(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;

    if (!cli->store || cli->args->n_names == 0)
        return false;
    if (err->code == ERR_REVOKED_ALREADY && revocation->request.end_sessions)
        return end_only(revocation, err);
    return err->code == ERR_CERT_UNKNOWN && by_number_only(revocation, err);
}

bool run_revoke(struct cli *cli, struct err *err)
{
    struct revocation revocation = {.cli = cli};
    bool done =
        prepare(&revocation, err)
            ? look(&revocation, err) &&
                  (args_has(cli->args, OPT_DRY_RUN) ||
                   (confirm(&revocation, err) && unlock(&revocation, err) && act(&revocation, err)))
            : instead(&revocation, err);

    revocation_clear(&revocation);
    return done;
}
