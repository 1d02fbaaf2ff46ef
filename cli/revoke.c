/*
 * revoke.c - "revoke": a certificate must not be used any more, for ever.
 *
 * Order    the store first (revocation and CRL in one transaction), then each server: publish, and
 *          where asked end the open sessions. A server that fails does not take the revocation back:
 *          it is said which one still accepts the certificate (exit 5).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/change.h"
#include "cli/record.h"
#include "cli/revoke.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/sessions.h"
#include "core/store/revoked.h"

struct revocation {
    struct cli *cli;
    struct issued *issued;
    struct authority *authority;
    enum crl_reason reason;
    int crl_days;
    json_t *servers; /* what became of each */
};

/* Names are looked up before anything is done: a misspelt one must not be found out half-way. */
static bool check_servers(struct cli *cli, struct err *err)
{
    const struct args_values *names = &cli->args->options[OPT_SERVER];

    if (names->n == 0 && args_has(cli->args, OPT_END_SESSIONS))
        return err_set(err, ERR_USAGE,
                       _("\"--end-sessions\" wants \"--server\": the sessions of which?"));
    if (names->n > 0 && !args_has(cli->args, OPT_DRY_RUN) && !cli_may_change_servers(cli, err))
        return false;
    for (size_t i = 0; i < names->n; i++) {
        struct server *server = server_load(cli->store, names->items[i], err);
        bool needs_name = server && server->production && !args_has(cli->args, OPT_DRY_RUN);
        char question[200];

        if (!server)
            return false;
        snprintf(question, sizeof(question), _("\"%s\" is a production server"), server->name);
        if (needs_name && !ask_name(cli, question, server->name, err)) {
            server_free(server);
            return false;
        }
        server_free(server);
    }
    return true;
}

static bool sign(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;
    struct key *key = cli_unlock(cli, revocation->authority, err);
    struct crl *crl;

    if (!key)
        return false;
    crl = revoked_and_sign(cli->store, revocation->authority, key, revocation->issued,
                           revocation->reason, revocation->crl_days, err);
    key_free(key);
    if (!crl)
        return false;
    crl_free(crl);
    output_line(&cli->out, _("certificate of \"%s\" revoked; it is on CRL number %llu of \"%s\""),
                revocation->issued->role, (unsigned long long)revocation->authority->crl.number,
                revocation->authority->name);
    return true;
}

static bool end_sessions(struct revocation *revocation, struct conn *admin, const char *server,
                         int *ret_ended, struct err *err)
{
    struct name *issuer = cert_issuer(revocation->issued->cert);
    char dn[NAME_PG_SIZE], decimal[SERIAL_DECIMAL_MAX];
    bool done;

    name_format_pg(issuer, dn);
    name_free(issuer);
    done = sessions_end_serial(
        admin, dn, serial_format_decimal(decimal, &revocation->issued->serial), ret_ended, err);
    if (done)
        output_line(&revocation->cli->out, _("%d open sessions ended on \"%s\""), *ret_ended,
                    server);
    return done;
}

/* One server: the CRL, then the sessions. */
static bool publish(struct revocation *revocation, const char *name, struct err *err)
{
    struct cli *cli = revocation->cli;
    struct change change;
    int ended = 0;
    bool done = false;

    if (!change_open(cli, name, &change, err))
        goto out;
    change.confirmed = true;
    if (!change_apply(&change, plan_publish_crl(&change.target, err), err))
        goto out;
    if (args_has(cli->args, OPT_END_SESSIONS) &&
        !end_sessions(revocation, change.admin, name, &ended, err))
        goto out;
    done = true;
out:
    json_array_append_new(revocation->servers,
                          done
                              ? json_pack("{s:o, s:b, s:i}", "server", json_string_or_empty(name),
                                          "published", 1, "sessions_ended", ended)
                              : json_pack("{s:o, s:b, s:o}", "server", json_string_or_empty(name),
                                          "published", 0, "error", json_string_or_empty(err->msg)));
    change_close(&change);
    return done;
}

/* All of them, also when one fails; the error of the first failure, and who is left. */
static bool publish_all(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;
    const struct args_values *names = &cli->args->options[OPT_SERVER];
    struct strbuf left = STRBUF_INIT;

    for (size_t i = 0; i < names->n; i++) {
        struct err one = ERR_INIT;

        if (publish(revocation, names->items[i], &one))
            continue;
        if (left.len == 0)
            *err = one;
        else
            output_warning(&cli->out, "%s: %s", names->items[i], one.msg);
        strbuf_printf(&left, "%s%s", left.len > 0 ? ", " : "", names->items[i]);
    }
    if (left.len > 0) {
        cli->exit = EXIT_LEFT;
        err_state(err, _("It is revoked in the store, and these servers may still accept it: %s."),
                  left.data);
        err_hint(err, _("When the cause is mended: \"pgseal server crl NAME\" for each of them."));
        strbuf_clear(&left);
        return false;
    }
    strbuf_clear(&left);
    return true;
}

/* Without --server nothing is published: say who still accepts it. */
static void tell_servers(struct revocation *revocation)
{
    struct cli *cli = revocation->cli;
    struct server_list list = {0};
    struct err ignored = ERR_INIT; /* only a hint hangs on it */

    if (args_has(cli->args, OPT_SERVER) || !server_list(cli->store, &list, &ignored))
        return;
    for (size_t i = 0; i < list.n; i++) {
        struct authority_list trusts = {0};

        if (!server_trusts(cli->store, list.rows[i], &trusts, &ignored))
            continue;
        for (size_t k = 0; k < trusts.n; k++)
            if (trusts.rows[k]->id == revocation->authority->id)
                output_note(&cli->out,
                            _("next   pgseal server crl %s: it accepts the certificate "
                              "until then"),
                            list.rows[i]->name);
        authority_list_clear(&trusts);
    }
    server_list_clear(&list);
}

static bool prepare(struct revocation *revocation, struct err *err)
{
    struct cli *cli = revocation->cli;
    const char *reason = args_value(cli->args, OPT_REASON);
    int64_t days;

    if (!args_int(cli->args, OPT_DAYS, 1, 36525, 0, &days, err) ||
        (reason && !crl_reason_parse(reason, &revocation->reason, err)) ||
        !cli_store(cli, STORE_WRITE, err))
        return false;
    revocation->crl_days = (int)days;
    revocation->issued = issued_find(cli->store, cli->args->names[0], err);
    if (!revocation->issued)
        return false;
    if (revocation->issued->revoked_at != 0) {
        char date[96];

        return err_set(err, ERR_REVOKED_ALREADY, _("the certificate of \"%s\" was revoked on %s"),
                       revocation->issued->role,
                       record_date(date, sizeof(date), revocation->issued->revoked_at));
    }
    revocation->authority = authority_load_id(cli->store, revocation->issued->authority_id, err);
    return revocation->authority != NULL;
}

static bool confirm(struct revocation *revocation, struct err *err)
{
    char question[300], hex[SERIAL_HEX_MAX], date[96];

    snprintf(question, sizeof(question), _("Revoking \"%s\", serial %s, ends %s, cannot be undone"),
             revocation->issued->role, serial_format_hex(hex, &revocation->issued->serial),
             record_date(date, sizeof(date), revocation->issued->not_after));
    return ask_name(revocation->cli, question, revocation->issued->role, err);
}

bool run_revoke(struct cli *cli, struct err *err)
{
    struct revocation revocation = {.cli = cli, .servers = json_array()};
    bool done = false;

    if (!prepare(&revocation, err)) {
        struct err unknown = *err;
        bool found = false;

        if (unknown.code == ERR_CERT_UNKNOWN && cli->store)
            done = revoke_serial_only(cli, revocation.reason, revocation.crl_days, &found, err) &&
                   found;
        if (!found && !done && err->code == ERR_CERT_UNKNOWN)
            *err = unknown;
        goto out;
    }
    if (!check_servers(cli, err))
        goto out;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        char hex[SERIAL_HEX_MAX];

        output_line(&cli->out, _("would revoke \"%s\", serial %s, and sign CRL number %llu"),
                    revocation.issued->role, serial_format_hex(hex, &revocation.issued->serial),
                    (unsigned long long)revocation.authority->crl.number + 1);
        done = true;
        goto out;
    }
    if (!confirm(&revocation, err) || !sign(&revocation, err))
        goto out;
    tell_servers(&revocation);
    done = publish_all(&revocation, err);
    if (done && cli->out.json) {
        json_t *document = record_issued_state(revocation.issued, RECORD_WITHIN_DAYS);

        json_object_set_new(document, "crl_number",
                            json_integer((json_int_t)revocation.authority->crl.number));
        json_object_set(document, "servers", revocation.servers);
        output_json(document, false);
    }
out:
    json_decref(revocation.servers);
    authority_free(revocation.authority);
    issued_free(revocation.issued);
    return done;
}
