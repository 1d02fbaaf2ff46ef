/* ca_change.c - "ca renew", "ca passphrase", "ca delete". */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/ca.h"
#include "cli/command.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/store/authority_change.h"
#include "core/store/authority_request.h"

#define CA_MAX_DAYS 36525

/* ---- renew ---- */

/* The request that the root of an intermediate CA signs again. */
static bool write_request(struct cli *cli, const struct authority *authority, const struct key *key,
                          struct err *err)
{
    struct csr *csr = authority_request_renewal(authority, key, err);
    struct strbuf pem = STRBUF_INIT;
    bool done;

    if (!csr)
        return false;
    done =
        csr_to_pem(csr, &pem, err) && cli_write_export(cli, &pem, record_authority(authority), err);
    if (done)
        output_note(&cli->out,
                    _("next   its root signs it; then: pgseal ca import \"%s\" --cert "
                      "FILE"),
                    authority->name);
    strbuf_clear(&pem);
    csr_free(csr);
    return done;
}

static void tell_servers(struct cli *cli, const struct authority *authority)
{
    struct server_list list = {0};
    struct err ignored = ERR_INIT; /* only hints hang on it */

    if (!server_list(cli->store, &list, &ignored))
        return;
    for (size_t i = 0; i < list.n; i++) {
        struct authority_list trusts = {0};

        if (!server_trusts(cli->store, list.rows[i], &trusts, &ignored))
            continue;
        for (size_t k = 0; k < trusts.n; k++)
            if (trusts.rows[k]->id == authority->id)
                output_note(&cli->out, _("next   pgseal server trust %s --ca \"%s\""),
                            list.rows[i]->name, authority->name);
        authority_list_clear(&trusts);
    }
    server_list_clear(&list);
}

static void report_renewed(struct cli *cli, const struct authority_renewed *renewed)
{
    char date[96];

    if (cli->out.json) {
        json_t *document = record_authority(renewed->authority);

        json_object_set_new(document, "same_serial", json_boolean(renewed->same_serial));
        output_json(document, false);
        return;
    }
    output_line(&cli->out, _("CA \"%s\" has a new certificate, valid until %s"),
                renewed->authority->name,
                record_date(date, sizeof(date), cert_not_after(renewed->authority->cert)));
    output_note(&cli->out, _("all that it issued goes on verifying; servers and clients need the "
                             "new certificate before the old one ends"));
    if (renewed->same_serial)
        output_note(&cli->out, _("it keeps its serial number: certificates from before the import "
                                 "name it"));
    tell_servers(cli, renewed->authority);
}

bool run_ca_renew(struct cli *cli, struct err *err)
{
    struct authority_renewed renewed = {NULL, false};
    struct authority *authority = NULL;
    struct key *key = NULL;
    int64_t days;
    bool done = false;

    if (!args_int(cli->args, OPT_DAYS, 1, CA_MAX_DAYS, 0, &days, err) ||
        !cli_store(cli, STORE_WRITE, err))
        return false;
    authority = authority_load(cli->store, cli->args->names[0], err);
    if (!authority)
        return false;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out,
                    _("would sign the certificate of \"%s\" again, with the same key and "
                      "name"),
                    authority->name);
        authority_free(authority);
        return true;
    }
    key = cli_unlock(cli, authority, err);
    if (!key)
        goto out;
    if (args_has(cli->args, OPT_OUT)) {
        done = write_request(cli, authority, key, err);
    } else if (authority_renew(cli->store, authority, key, (int)days, &renewed, err)) {
        report_renewed(cli, &renewed);
        authority_free(renewed.authority);
        done = true;
    }
out:
    key_free(key);
    authority_free(authority);
    return done;
}

/* ---- passphrase ---- */

bool run_ca_passphrase(struct cli *cli, struct err *err)
{
    struct authority *authority = NULL;
    struct secret *passphrase = NULL;
    struct key *key = NULL;
    bool done = false;

    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    authority = authority_load(cli->store, cli->args->names[0], err);
    if (!authority)
        return false;
    key = cli_unlock(cli, authority, err);
    if (!key || !ca_new_passphrase(cli, OPT_NEW_PASSPHRASE_FILE, &passphrase, err))
        goto out;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would lock the key of \"%s\" anew"), authority->name);
        done = true;
        goto out;
    }
    done = authority_set_passphrase(cli->store, authority, key, passphrase, err);
    if (!done)
        goto out;
    if (cli->out.json)
        output_json(record_authority(authority), false);
    else if (passphrase)
        output_line(&cli->out, _("the key of the CA \"%s\" has a new passphrase"), authority->name);
    else
        output_line(&cli->out, _("the key of the CA \"%s\" has no passphrase any more"),
                    authority->name);
    output_note(&cli->out, _("backups made before still open with the old one"));
out:
    key_free(key);
    secret_free(passphrase);
    authority_free(authority);
    return done;
}

/* ---- delete ---- */

static bool delete_request(struct cli *cli, const struct authority_request *request,
                           struct err *err)
{
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would give up the request of \"%s\""), request->name);
        return true;
    }
    if (!ask_name(cli, _("Removing the key of a request for ever"), request->name, err) ||
        !authority_request_drop(cli->store, request, err))
        return false;
    if (cli->out.json)
        output_json(json_pack("{s:o, s:b}", "name", json_text(request->name), "deleted", true),
                    false);
    else
        output_line(&cli->out, _("the request of \"%s\" is given up"), request->name);
    return true;
}

static bool count_valid(struct cli *cli, const struct authority *authority, int64_t *ret,
                        struct err *err)
{
    struct issued_filter filter = {.authority = authority->name, .limit = 1, .within_days = 1};
    struct issued_list list = {0};

    *ret = 0;
    for (int state = ISSUED_VALID; state <= ISSUED_EXPIRING; state++) {
        filter.state = state;
        if (!issued_list(cli->store, &filter, &list, err))
            return false;
        *ret += list.total;
        issued_list_clear(&list);
    }
    return true;
}

static bool confirm_delete(struct cli *cli, const struct authority *authority, struct err *err)
{
    char question[400];
    int64_t valid = 0;

    if (!count_valid(cli, authority, &valid, err))
        return false;
    snprintf(question, sizeof(question),
             ngettext("Removing the private key of the CA \"%s\" for ever; %lld valid certificate "
                      "stays without a CA that could revoke it",
                      "Removing the private key of the CA \"%s\" for ever; %lld valid certificates "
                      "stay without a CA that could revoke them",
                      (unsigned long)valid),
             authority->name, (long long)valid);
    return ask_name(cli, question, authority->name, err);
}

bool run_ca_delete(struct cli *cli, struct err *err)
{
    struct authority_request *request = NULL;
    struct authority *authority = NULL;
    bool done = false;

    if (!cli_store(cli, STORE_WRITE, err) ||
        !authority_request_load(cli->store, cli->args->names[0], &request, err))
        return false;
    if (request) {
        done = delete_request(cli, request, err);
        authority_request_free(request);
        return done;
    }
    authority = authority_load(cli->store, cli->args->names[0], err);
    if (!authority)
        return false;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would remove the private key of \"%s\" for ever"),
                    authority->name);
        done = true;
    } else if (confirm_delete(cli, authority, err) &&
               authority_delete(cli->store, authority, err)) {
        if (cli->out.json)
            output_json(
                json_pack("{s:o, s:b}", "name", json_text(authority->name), "deleted", true),
                false);
        else
            output_line(&cli->out, _("the CA \"%s\" is deleted; what it issued stays in the list"),
                        authority->name);
        done = true;
    }
    authority_free(authority);
    return done;
}
