/* ca.c - "ca create", "ca list", "ca show", "ca export". */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/ca.h"
#include "cli/command.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/advice.h"
#include "core/store/authority_request.h"
#include "core/store/export_openssl.h"

#define CA_MAX_DAYS 36525 /* a hundred years */

static void tell_strength(const struct cli *cli, const struct secret *passphrase)
{
    struct advice_passphrase advice;

    advice_passphrase(passphrase, &advice);
    if (advice.strength != ADVICE_STRONG)
        output_warning(&cli->out, _("the passphrase is %s: %s"),
                       advice_strength_word(advice.strength), advice.hint);
}

bool ca_new_passphrase(struct cli *cli, enum option option, struct secret **ret, struct err *err)
{
    bool none = args_has(cli->args, OPT_NO_PASSPHRASE);
    bool given = option == OPT_PASSPHRASE_FILE ? cli_given_passphrase(cli, ret, err)
                                               : cli_secret_file(cli, option, ret, err);
    char flags[96];

    if (!given)
        return false;
    if (*ret && none) {
        secret_free(*ret);
        *ret = NULL;
        return err_set(err, ERR_USAGE,
                       _("\"--no-passphrase\" and a passphrase exclude each other"));
    }
    if (*ret && secret_len(*ret) == 0) {
        secret_free(*ret);
        *ret = NULL;
        err_set(err, ERR_BAD_VALUE, _("the passphrase is empty"));
        return err_hint(err, _("Give --no-passphrase when no passphrase is wanted."));
    }
    if (!*ret && !none) {
        snprintf(flags, sizeof(flags), "--%s=FILE or --no-passphrase", option_info(option)->name);
        *ret = ask_new_secret(cli, _("New passphrase for the CA's key"), flags, err);
        if (!*ret)
            return false;
    }
    if (*ret)
        tell_strength(cli, *ret);
    return true;
}

static bool create_request(struct cli *cli, const struct authority_spec *spec, struct err *err)
{
    struct authority_request *request = authority_request_make(cli->store, spec, err);
    struct strbuf pem = STRBUF_INIT;
    bool done;

    if (!request)
        return false;
    done = csr_to_pem(request->csr, &pem, err) &&
           cli_write_export(cli, &pem,
                            json_pack("{s:o, s:s, s:b}", "name", json_text(request->name),
                                      "key_type", key_type_name(csr_key_type(request->csr)),
                                      "waits_for_certificate", true),
                            err);
    if (!done)
        err_state(err, _("The key is made; \"pgseal ca delete\" gives it up again."));
    else
        output_note(&cli->out,
                    _("next   its root signs it (CA:TRUE, keyCertSign, cRLSign); then:\n"
                      "       pgseal ca import \"%s\" --cert FILE"),
                    request->name);
    strbuf_clear(&pem);
    authority_request_free(request);
    return done;
}

static bool create(struct cli *cli, const struct authority_spec *spec, struct err *err)
{
    struct authority *authority = authority_create(cli->store, spec, err);
    char date[96];

    if (!authority)
        return false;
    if (cli->out.json) {
        output_json(record_authority(authority), false);
    } else {
        output_line(&cli->out, _("CA \"%s\" made, valid until %s"), authority->name,
                    record_date(date, sizeof(date), cert_not_after(authority->cert)));
        output_note(&cli->out, _("store  %s"), store_folder(cli->store));
        output_note(&cli->out, _("next   pgseal issue client ROLE"));
    }
    authority_free(authority);
    return true;
}

/* For a dry run, which makes no store: the same answer as of the run itself. */
static bool name_is_free(struct cli *cli, const char *name, struct err *err)
{
    struct authority *taken;
    struct err ignored = ERR_INIT;

    if (!cli_store_if_any(cli, err))
        return false;
    taken = cli->store ? authority_load(cli->store, name, &ignored) : NULL;
    authority_free(taken);
    return !taken || err_set(err, ERR_CA_EXISTS, _("there is a CA \"%s\" already"), name);
}

bool run_ca_create(struct cli *cli, struct err *err)
{
    struct authority_spec spec = {.name = cli->args->names[0],
                                  .subject = args_value(cli->args, OPT_SUBJECT)};
    const char *type = args_value(cli->args, OPT_KEY);
    bool intermediate = args_has(cli->args, OPT_INTERMEDIATE);
    struct secret *passphrase = NULL;
    const char *advice;
    int64_t days;
    bool done = false;

    if (!args_int(cli->args, OPT_DAYS, 1, CA_MAX_DAYS, 0, &days, err) ||
        (type && !key_type_parse(type, &spec.key_type, err)))
        return false;
    if (!intermediate && args_has(cli->args, OPT_OUT))
        return err_set(err, ERR_USAGE,
                       _("\"--out\" goes with \"--intermediate\": it is the request"));
    if (intermediate && days != 0)
        return err_set(err, ERR_USAGE, _("the root decides on \"--days\" of an intermediate CA"));
    advice = advice_key_type(spec.key_type, PROFILE_CA);
    if (advice)
        output_warning(&cli->out, "%s", advice);
    spec.days = (int)days;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        if (!name_is_free(cli, spec.name, err))
            return false;
        output_note(&cli->out, _("would make the CA \"%s\" with a new %s key"), spec.name,
                    key_type_title(spec.key_type));
        return true;
    }
    if (!cli_store(cli, STORE_CREATE, err) ||
        !ca_new_passphrase(cli, OPT_PASSPHRASE_FILE, &passphrase, err))
        goto out;
    spec.passphrase = passphrase;
    done = intermediate ? create_request(cli, &spec, err) : create(cli, &spec, err);
out:
    secret_free(passphrase);
    return done;
}

/* Intermediate CAs whose certificate has not come yet. */
static bool list_requests(struct cli *cli, bool *ret_any, json_t *rows, struct err *err)
{
    struct authority_request_list list = {0};
    char date[CLOCK_TEXT_MAX];

    if (!cli->store)
        return true;
    if (!authority_request_list(cli->store, &list, err))
        return false;
    *ret_any = list.n > 0;
    for (size_t i = 0; i < list.n; i++) {
        const struct authority_request *request = list.rows[i];

        json_array_append_new(rows, json_pack("{s:o, s:s, s:o}", "name", json_text(request->name),
                                              "key_type", key_type_name(csr_key_type(request->csr)),
                                              "created_at", json_time(request->created_at)));
        output_line(&cli->out, _("%s  waits for its certificate since %s"), request->name,
                    clock_format_date(date, request->created_at));
    }
    authority_request_list_clear(&list);
    return true;
}

bool run_ca_list(struct cli *cli, struct err *err)
{
    static const char *const headers[] = {"NAME",    "ENDS", "DAYS",     "KEY",  "ISSUED",
                                          "REVOKED", "CRL",  "CRL ENDS", "STATE"};
    const size_t columns = ARRAY_LEN(headers);
    struct authority_list list = {0};
    char **cells = NULL;
    json_t *rows, *requests;
    bool waiting = false;
    bool done;

    if (!cli_store_if_any(cli, err) || (cli->store && !authority_list(cli->store, &list, err)))
        return false;
    rows = json_array();
    requests = json_array();
    cells = mem_array(list.n * columns + 1, sizeof(*cells));
    for (size_t i = 0; i < list.n; i++) {
        const struct authority *a = list.rows[i];
        char **row = cells + i * columns;
        char date[CLOCK_TEXT_MAX];

        json_array_append_new(rows, record_authority(a));
        row[0] = mem_strdup(a->name);
        row[1] = mem_strdup(clock_format_date(date, cert_not_after(a->cert)));
        row[2] = mem_printf("%lld", (long long)clock_days_until(cert_not_after(a->cert)));
        row[3] = mem_strdup(key_type_name(cert_key_type(a->cert)));
        row[4] = mem_printf("%lld", (long long)a->issued);
        row[5] = mem_printf("%lld", (long long)a->revoked);
        row[6] = mem_printf("%llu", (unsigned long long)a->crl.number);
        row[7] = mem_strdup(clock_format_date(date, a->crl.next_update));
        row[8] = mem_strdup(a->retired ? _("retired") : !a->has_key ? _("no key here") : "");
    }
    if (list.n > 0)
        output_table(&cli->out, columns, headers, list.n, (const char *const *)cells);
    done = list_requests(cli, &waiting, requests, err);
    if (done && cli->out.json)
        output_json(json_pack("{s:O, s:O}", "authorities", rows, "requests", requests), false);
    else if (done && list.n == 0 && !waiting)
        output_note(&cli->out, _("No CA yet. \"pgseal ca create NAME\" makes one."));
    for (size_t i = 0; i < list.n * columns; i++)
        free(cells[i]);
    free(cells);
    json_decref(rows);
    json_decref(requests);
    authority_list_clear(&list);
    return done;
}

bool run_ca_show(struct cli *cli, struct err *err)
{
    struct authority *authority;
    char buffer[96];

    if (!cli_store(cli, STORE_READ, err))
        return false;
    authority = authority_load(cli->store, cli->args->names[0], err);
    if (!authority)
        return false;
    if (cli->out.json) {
        output_json(record_authority(authority), false);
    } else {
        output_pair(&cli->out, _("name"), authority->name);
        record_print_cert(&cli->out, authority->cert);
        snprintf(buffer, sizeof(buffer), _("%lld, of these %lld revoked"),
                 (long long)authority->issued, (long long)authority->revoked);
        output_pair(&cli->out, _("issued"), buffer);
        snprintf(buffer, sizeof(buffer), "%llu", (unsigned long long)authority->crl.number);
        output_pair(&cli->out, _("CRL number"), buffer);
        output_pair(&cli->out, _("CRL ends"),
                    record_date(buffer, sizeof(buffer), authority->crl.next_update));
        output_pair(&cli->out, _("private key"),
                    !authority->has_key        ? _("not in this store")
                    : authority->key_encrypted ? _("here, with a passphrase")
                                               : _("here, without a passphrase"));
        output_pair(&cli->out, _("state"), authority->retired ? _("retired") : _("in use"));
    }
    authority_free(authority);
    return true;
}

/* The CA's certificate first; with chain also those above it, and of the others that are in use. */
static bool add_chain(struct cli *cli, const struct authority *first, struct strbuf *out,
                      struct err *err)
{
    struct authority_list list = {0};
    struct authority_parents parents = {.crls = NULL};
    bool done = false;

    if (!authority_load_parents(cli->store, first, &parents, err))
        return false;
    for (size_t i = 0; i < parents.certs.n; i++)
        if (!cert_to_pem(parents.certs.certs[i], out, err))
            goto out;
    if (!authority_list(cli->store, &list, err))
        goto out;
    for (size_t i = 0; i < list.n; i++)
        if (list.rows[i]->id != first->id && !list.rows[i]->retired &&
            !cert_to_pem(list.rows[i]->cert, out, err))
            goto out;
    done = true;
out:
    authority_parents_clear(&parents);
    authority_list_clear(&list);
    return done;
}

/* A folder for "openssl ca". */
static bool export_folder(struct cli *cli, const struct authority *authority, struct err *err)
{
    struct export_openssl export = {.authority = authority,
                                    .folder = args_value(cli->args, OPT_OPENSSL)};
    size_t certs = 0;

    if (args_has(cli->args, OPT_OUT) || args_has(cli->args, OPT_CHAIN) ||
        args_has(cli->args, OPT_DER))
        return err_set(err, ERR_USAGE, "\"--openssl\" goes without --out, --chain and --der");
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would write the folder \"%s\""), export.folder);
        return true;
    }
    if (!export_openssl(cli->store, &export, &certs, err))
        return false;
    if (cli->out.json) {
        json_t *document = record_authority(authority);

        json_object_set_new(document, "folder", json_string_or_empty(export.folder));
        json_object_set_new(document, "certificates", json_integer((json_int_t)certs));
        output_json(document, false);
        return true;
    }
    output_line(&cli->out, _("wrote \"%s\" with %zu certificates"), export.folder, certs);
    if (authority->key_encrypted)
        output_note(&cli->out, _("the CA's private key is in it, locked with its passphrase"));
    else
        output_warning(&cli->out, _("the CA's private key is in it, and it has no passphrase"));
    output_note(&cli->out, _("try    openssl ca -config %s%sopenssl.cnf -gencrl"), export.folder,
                export.folder[strlen(export.folder) - 1] == '/' ? "" : "/");
    return true;
}

bool run_ca_export(struct cli *cli, struct err *err)
{
    struct authority *authority;
    struct strbuf out = STRBUF_INIT;
    bool der = args_has(cli->args, OPT_DER);
    bool done = false;

    if (der && args_has(cli->args, OPT_CHAIN))
        return err_set(err, ERR_USAGE, _("\"--der\" holds one certificate, not a \"--chain\""));
    if (!cli_store(cli, STORE_READ, err))
        return false;
    authority = authority_load(cli->store, cli->args->names[0], err);
    if (!authority)
        return false;
    if (args_has(cli->args, OPT_OPENSSL)) {
        done = export_folder(cli, authority, err);
        goto out;
    }
    if (der ? !cert_to_der(authority->cert, &out, err) : !cert_to_pem(authority->cert, &out, err))
        goto out;
    if (args_has(cli->args, OPT_CHAIN) && !add_chain(cli, authority, &out, err))
        goto out;
    done = cli_write_export(cli, &out, record_authority(authority), err);
out:
    strbuf_clear(&out);
    authority_free(authority);
    return done;
}
