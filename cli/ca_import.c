/* ca_import.c - "ca import": the certificate that answers a request, or a CA from elsewhere. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/ask.h"
#include "cli/ca.h"
#include "cli/command.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/pem.h"
#include "core/store/authority_import.h"
#include "core/store/authority_request.h"

#define KEY_MAX 65536

/* The certificates and lists of one file; a private key in it is refused. */
struct answer {
    struct cert_list certs;
    struct crl **crls;
    size_t n_crls;
};

static void answer_clear(struct answer *answer)
{
    for (size_t i = 0; i < answer->n_crls; i++)
        crl_free(answer->crls[i]);
    free(answer->crls);
    cert_list_clear(&answer->certs);
}

static bool take_block(struct answer *answer, const struct pem_block *block, struct err *err)
{
    if (block->kind == PEM_CERTIFICATE) {
        struct cert *cert = cert_from_der(block->der.data, block->der.len, err);

        if (!cert)
            return false;
        cert_list_take(&answer->certs, cert);
    } else if (block->kind == PEM_CRL) {
        struct crl *crl = crl_from_der(block->der.data, block->der.len, err);

        if (!crl)
            return false;
        answer->crls = mem_realloc_array(answer->crls, answer->n_crls + 1, sizeof(*answer->crls));
        answer->crls[answer->n_crls++] = crl;
    }
    return true;
}

static bool read_answer(const char *path, struct answer *answer, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct pem pem;
    bool done = cli_read_input(path, PEM_SCAN_MAX, &text, err);

    if (!done) {
        strbuf_wipe(&text);
        return false;
    }
    pem_scan(text.data, text.len, &pem);
    if (pem.has_private_key) {
        done = err_set(err, ERR_PRIVATE_KEY_PASTED, _("there is a private key in \"%s\""), path);
        err_hint(err, _("Give only certificates with --cert; a key goes with --key."));
    } else if (pem_count(&pem, PEM_CERTIFICATE) == 0) {
        done = err_set(err, ERR_NOT_A_CERTIFICATE, _("there is no certificate in \"%s\""), path);
    }
    for (size_t i = 0; done && i < pem.n; i++)
        done = take_block(answer, &pem.blocks[i], err);
    pem_clear(&pem);
    strbuf_wipe(&text);
    return done;
}

static struct key *unlock_request(struct cli *cli, const struct authority_request *request,
                                  struct err *err)
{
    char prompt[160];

    if (request->key_encrypted && !cli->passphrase &&
        !cli_given_passphrase(cli, &cli->passphrase, err))
        return NULL;
    if (request->key_encrypted && !cli->passphrase) {
        snprintf(prompt, sizeof(prompt), _("Passphrase of the CA \"%s\""), request->name);
        cli->passphrase = ask_secret(cli, prompt, "--passphrase-file=FILE", err);
        if (!cli->passphrase)
            return NULL;
    }
    return authority_request_unlock(cli->store, request, cli->passphrase, err);
}

static void report(struct cli *cli, const struct authority *authority,
                   const struct authority_parents *parents)
{
    char date[96];
    bool all_lists = true;

    for (size_t i = 0; i < parents->certs.n; i++)
        all_lists = all_lists && parents->crls[i];
    if (!all_lists)
        output_warning(&cli->out,
                       _("no CRL of the root came along: a server that checks CRLs wants one for "
                         "every CA of the chain. Put it into the same file and import again."));
    if (cli->out.json) {
        json_t *document = record_authority(authority);

        json_object_set_new(document, "parents", json_integer((json_int_t)parents->certs.n));
        output_json(document, false);
        return;
    }
    output_line(&cli->out, _("CA \"%s\" is ready, valid until %s"), authority->name,
                record_date(date, sizeof(date), cert_not_after(authority->cert)));
    output_note(&cli->out, _("next   pgseal issue client ROLE --ca \"%s\""), authority->name);
}

/* Either may be NULL. */
static bool install(struct cli *cli, const struct authority_request *request,
                    const struct authority *existing, const char *path, struct err *err)
{
    struct answer answer = {.n_crls = 0};
    struct authority_parents parents = {.crls = NULL};
    struct authority *authority = NULL;
    struct cert *cert = NULL;
    struct key *key = NULL;
    bool done = false;

    if (!read_answer(path, &answer, err))
        goto out;
    key = request ? unlock_request(cli, request, err) : cli_unlock(cli, existing, err);
    if (!key || !authority_sort_answer(&answer.certs, answer.crls, answer.n_crls, key, &cert,
                                       &parents, err))
        goto out;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would take the certificate for \"%s\""), cli->args->names[0]);
        done = true;
        goto out;
    }
    authority = authority_install(cli->store, request, existing, key, cert, &parents, err);
    if (authority) {
        report(cli, authority, &parents);
        done = true;
    }
out:
    authority_free(authority);
    authority_parents_clear(&parents);
    cert_free(cert);
    key_free(key);
    answer_clear(&answer);
    return done;
}

/* ---- from elsewhere ---- */

/* The key of the CA as it is there; its passphrase is asked when it has one. */
static struct key *read_key(struct cli *cli, const char *path, bool *ret_encrypted, struct err *err)
{
    struct strbuf pem = STRBUF_INIT;
    struct key *key = NULL;
    struct stat st;
    char prompt[300];

    if (!fs_read(path, KEY_MAX, &pem, err))
        goto out;
    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        output_warning(&cli->out, _("others can read \"%s\" (mode %04o)"), path,
                       (unsigned)st.st_mode & 07777);
    *ret_encrypted = key_pem_is_encrypted(pem.data, pem.len);
    if (*ret_encrypted && !cli_given_passphrase(cli, &cli->passphrase, err))
        goto out;
    if (*ret_encrypted && !cli->passphrase) {
        snprintf(prompt, sizeof(prompt), _("Passphrase of \"%s\""), path);
        cli->passphrase = ask_secret(cli, prompt, "--passphrase-file=FILE", err);
        if (!cli->passphrase)
            goto out;
    }
    key = key_from_pem(pem.data, pem.len, *ret_encrypted ? cli->passphrase : NULL, err);
out:
    if (pem.len > 0)
        explicit_bzero(pem.data, pem.len);
    strbuf_clear(&pem);
    return key;
}

static json_t *import_json(const struct import_report *report)
{
    json_t *notes = json_array();

    for (size_t i = 0; i < report->n_notes; i++)
        json_array_append_new(notes, json_string_or_empty(report->notes[i]));
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:I}", "valid", (json_int_t)report->valid,
                     "revoked", (json_int_t)report->revoked, "expired", (json_int_t)report->expired,
                     "serial_only", (json_int_t)report->serial_only, "not_indexed",
                     (json_int_t)report->not_indexed, "notes", notes, "notes_left_off",
                     (json_int_t)report->notes_left_off);
}

static void report_import(struct cli *cli, const struct authority *authority,
                          const struct import_report *report)
{
    if (cli->out.json) {
        json_t *document = record_authority(authority);

        json_object_set_new(document, "imported", import_json(report));
        output_json(document, false);
        return;
    }
    output_line(&cli->out,
                _("CA \"%s\" imported: %zu valid certificates, %zu revoked, %zu expired"),
                authority->name, report->valid, report->revoked, report->expired);
    if (report->serial_only > 0)
        output_line(&cli->out, _("%zu more are known by their serial numbers only"),
                    report->serial_only);
    for (size_t i = 0; i < report->n_notes; i++)
        output_note(&cli->out, "[..] %s", report->notes[i]);
    if (report->notes_left_off > 0)
        output_note(&cli->out, _("and %zu more like these"), report->notes_left_off);
    output_note(&cli->out,
                _("CRL number %llu is signed; next   pgseal server trust NAME --ca \"%s\""),
                (unsigned long long)authority->crl.number, authority->name);
}

static bool import(struct cli *cli, const char *path, struct err *err)
{
    struct answer answer = {.n_crls = 0};
    struct authority_parents parents = {.crls = NULL};
    struct import_spec spec = {.name = cli->args->names[0],
                               .folder = args_value(cli->args, OPT_INDEX),
                               .parents = &parents};
    struct import_report report = {.n_notes = 0};
    struct authority *authority = NULL;
    struct secret *passphrase = NULL;
    struct cert *cert = NULL;
    struct key *key = NULL;
    bool encrypted = false;
    bool done = false;

    if (!read_answer(path, &answer, err))
        goto out;
    key = read_key(cli, args_value(cli->args, OPT_KEY), &encrypted, err);
    if (!key || !authority_sort_answer(&answer.certs, answer.crls, answer.n_crls, key, &cert,
                                       &parents, err))
        goto out;
    if (encrypted)
        passphrase = secret_dup(cli->passphrase);
    else if (!ca_new_passphrase(cli, OPT_PASSPHRASE_FILE, &passphrase, err))
        goto out;
    spec.cert = cert;
    spec.key = key;
    spec.passphrase = passphrase;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would import the CA \"%s\""), spec.name);
        done = true;
        goto out;
    }
    authority = authority_import(cli->store, &spec, &report, err);
    if (authority) {
        report_import(cli, authority, &report);
        done = true;
    }
out:
    import_report_clear(&report);
    authority_free(authority);
    secret_free(passphrase);
    authority_parents_clear(&parents);
    cert_free(cert);
    key_free(key);
    answer_clear(&answer);
    return done;
}

bool run_ca_import(struct cli *cli, struct err *err)
{
    struct authority_request *request = NULL;
    struct authority *existing = NULL;
    const char *path;
    bool done;

    if (!args_need(cli->args, OPT_CERT, &path, err) || !cli_store(cli, STORE_CREATE, err))
        return false;
    if (args_has(cli->args, OPT_KEY))
        return import(cli, path, err);
    if (args_has(cli->args, OPT_INDEX))
        return err_set(err, ERR_USAGE, "\"--index\" goes with \"--cert\" and \"--key\"");
    if (!authority_request_load(cli->store, cli->args->names[0], &request, err))
        return false;
    if (!request) {
        existing = authority_load(cli->store, cli->args->names[0], err);
        if (!existing && err->code == ERR_CA_UNKNOWN)
            err_hint(err, _("A CA from elsewhere comes with its key: --key=FILE."));
        if (!existing)
            return false;
    }
    done = install(cli, request, existing, path, err);
    authority_request_free(request);
    authority_free(existing);
    return done;
}
