/*
 * crl_import.c - "crl import": another CA's list of revoked certificates, or a later one of our own.
 *
 * The CA's certificate is what tells whether the list is right. It comes from the file itself, from
 * what the store knows, or from the server that trusts it (--server). A list of a CA of ours is one
 * that a store signed which is lost: the next one is signed here, so its key is needed.
 */
#include "config.h"

#include <stdlib.h>

#include "cli/publish.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/settings.h"
#include "core/pg/tls_file.h"
#include "core/pki/pem.h"
#include "core/store/crl_adopt.h"
#include "core/store/foreign.h"

struct import {
    struct cli *cli;
    struct cert_list certs; /* of the file */
    struct crl **crls;
    size_t n_crls;
    struct server_list servers;
    size_t accept_dropped;
    size_t n_taken;
    json_t *rows;
};

static bool read_lists(struct import *import, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct pem pem = {0};
    bool done = cli_read_input(import->cli->args->names[0], PEM_SCAN_MAX, &text, err);

    if (done && text.len > 1 && text.data[0] == '\x30' && (unsigned char)text.data[1] >= 0x80) {
        struct crl *crl = crl_from_der(text.data, text.len, err); /* as CAs publish them */

        done = crl != NULL;
        if (done) {
            import->crls = mem_array(1, sizeof(import->crls[0]));
            import->crls[import->n_crls++] = crl;
        }
    } else if (done) {
        pem_scan(text.data, text.len, &pem);
        done = pem_take_crls_with_cas(&pem, &import->crls, &import->n_crls, &import->certs, err);
        pem_clear(&pem);
    }
    strbuf_clear(&text);
    if (done && import->n_crls == 0)
        return err_set(err, ERR_NOT_A_CRL, _("there is no CRL in \"%s\""),
                       import->cli->args->names[0]);
    return done;
}

/* The CAs that a server trusts now, as its administrator reads them. */
static bool read_trusted(struct import *import, struct server *server, struct cert_list *ret,
                         struct err *err)
{
    struct conn *conn = cli_connect(import->cli, server, NULL, err);
    struct settings settings;
    struct tls_file file;
    bool done = false;

    if (!conn)
        return false;
    if (settings_read(conn, &settings, err)) {
        done = tls_file_read(conn, settings.data_directory,
                             settings_value(&settings, "ssl_ca_file"), TLS_FILE_CA, &file, err);
        settings_clear(&settings);
    }
    for (size_t i = 0; done && i < file.certs.n; i++)
        cert_list_take(ret, cert_dup(file.certs.certs[i]));
    if (done)
        tls_file_clear(&file);
    conn_close(conn);
    return done;
}

static struct cert *issuer_in(const struct cert_list *certs, const struct crl *crl)
{
    for (size_t i = 0; i < certs->n; i++) {
        if (crl_signed_by(crl, certs->certs[i]))
            return cert_dup(certs->certs[i]);
    }
    return NULL;
}

static bool find_issuer(struct import *import, const struct crl *crl, struct cert **ret,
                        struct err *err)
{
    struct strbuf name = STRBUF_INIT;

    *ret = issuer_in(&import->certs, crl);
    if (!*ret && !foreign_find_issuer(import->cli->store, crl, ret, err))
        return false;
    for (size_t i = 0; i < import->servers.n && !*ret; i++) {
        struct cert_list trusted;

        cert_list_init(&trusted);
        if (!read_trusted(import, import->servers.rows[i], &trusted, err)) {
            cert_list_clear(&trusted);
            return false;
        }
        *ret = issuer_in(&trusted, crl);
        cert_list_clear(&trusted);
    }
    if (*ret)
        return true;
    crl_format_issuer(crl, &name);
    err_set(err, ERR_CRL_WEAKER, _("no CA is known here that signed the CRL of \"%s\""), name.data);
    err_cause(err,
              _("Its certificate is neither in the file, nor in the store, nor on a server that "
                "was named."));
    strbuf_clear(&name);
    return err_hint(err, _("Name the server that trusts it (--server NAME), or put the CA's "
                           "certificate into the same file."));
}

static void say(struct import *import, const struct cert *ca, const struct crl *crl,
                enum foreign_import what)
{
    struct strbuf name = STRBUF_INIT;
    char date[96];
    uint64_t number = 0;

    cert_format_subject(ca, &name);
    (void)record_date(date, sizeof(date), crl_next_update(crl));
    json_array_append_new(
        import->rows,
        json_pack("{s:o, s:o, s:I, s:o, s:b}", "ca", json_string_or_empty(name.data), "number",
                  crl_number(crl, &number) ? json_integer((json_int_t)number) : json_null(),
                  "entries", (json_int_t)crl_count(crl), "next_update",
                  json_time(crl_next_update(crl)), "stored", what == FOREIGN_NEW));
    output_line(&import->cli->out,
                what == FOREIGN_NEW ? _("[ok] the CRL of \"%s\" is stored: %zu revoked, until %s")
                : what == FOREIGN_SAME ? _("[--] the CRL of \"%s\" was here already: %zu revoked, "
                                           "until %s")
                                       : _("[!!] a later CRL of \"%s\" is here already; this one: "
                                           "%zu revoked, until %s"),
                name.data, crl_count(crl), crl_next_update(crl) ? date : _("it does not say"));
    strbuf_clear(&name);
}

/* ---- a list of our own ---- */

static void say_own(struct import *import, const struct authority *authority, const struct crl *crl,
                    const struct crl_adopted *adopted, bool stored)
{
    uint64_t number = 0;

    json_array_append_new(
        import->rows,
        json_pack("{s:o, s:o, s:I, s:o, s:b, s:I, s:I}", "ca",
                  json_string_or_empty(authority->name), "number",
                  crl_number(crl, &number) ? json_integer((json_int_t)number) : json_null(),
                  "entries", (json_int_t)crl_count(crl), "next_update",
                  json_time(crl_next_update(crl)), "stored", stored, "new_revocations",
                  (json_int_t)adopted->revoked, "signed", (json_int_t)authority->crl.number));
    if (stored)
        output_line(
            &import->cli->out,
            ngettext("[ok] %zu revocation of \"%s\" was new here; CRL number %llu is signed, and "
                     "has it",
                     "[ok] %zu revocations of \"%s\" were new here; CRL number %llu is signed, and "
                     "has them",
                     (unsigned long)adopted->revoked),
            adopted->revoked, authority->name, (unsigned long long)authority->crl.number);
    else
        output_line(&import->cli->out,
                    _("[--] all that this CRL of \"%s\" says was known here: %zu revoked"),
                    authority->name, crl_count(crl));
}

static bool take_own(struct import *import, struct authority *authority, const struct crl *crl,
                     struct err *err)
{
    struct store *store = import->cli->store;
    struct crl_adopted adopted = {.revoked = 0};
    struct key *key = NULL;
    bool wanted;
    bool done = crl_adopt_look(store, authority, crl, &adopted, err);

    wanted = adopted.revoked > 0 || adopted.behind;
    if (done && args_has(import->cli->args, OPT_DRY_RUN)) {
        output_note(&import->cli->out,
                    _("would take over %zu revocations of \"%s\", and sign its next CRL"),
                    adopted.revoked, authority->name);
        return true;
    }
    if (done && wanted) {
        key = cli_unlock(import->cli, authority, err);
        done = key && crl_adopt(store, authority, key, crl, &adopted, err);
        key_free(key);
    }
    if (!done)
        return false;
    say_own(import, authority, crl, &adopted, wanted);
    import->n_taken += wanted;
    return true;
}

static bool take_one(struct import *import, const struct crl *crl, struct err *err)
{
    struct store *store = import->cli->store;
    enum foreign_import what = FOREIGN_SAME;
    struct authority *own = NULL;
    struct cert *ca = NULL;
    bool done = crl_adopt_find(store, crl, &own, err);

    if (own) {
        done = take_own(import, own, crl, err);
        authority_free(own);
        return done;
    }
    done = done && find_issuer(import, crl, &ca, err);
    if (done && !args_has(import->cli->args, OPT_DRY_RUN)) {
        for (size_t i = 0; done && i < import->servers.n; i++)
            done = foreign_note(store, import->servers.rows[i]->id, ca, err);
        done = done && foreign_import(store, ca, crl, import->accept_dropped, &what, err);
        if (done) {
            say(import, ca, crl, what);
            import->n_taken += what == FOREIGN_NEW;
        }
    }
    cert_free(ca);
    return done;
}

bool run_crl_import(struct cli *cli, struct err *err)
{
    struct import import = {.cli = cli};
    int64_t accept;
    bool done;

    cert_list_init(&import.certs);
    import.rows = json_array();
    done = args_int(cli->args, OPT_ACCEPT_DROPPED, 0, 1000000, 0, &accept, err) &&
           read_lists(&import, err) && cli_store(cli, STORE_WRITE, err) &&
           publish_named_servers(cli, &import.servers, err);
    import.accept_dropped = done ? (size_t)accept : 0;
    for (size_t i = 0; done && i < import.n_crls; i++)
        done = take_one(&import, import.crls[i], err);
    if (done && cli->out.json)
        output_json(json_pack("{s:O}", "lists", import.rows), false);
    else if (done && import.n_taken > 0)
        output_note(&cli->out, _("next   pgseal crl refresh: brings it to the servers"));
    for (size_t i = 0; i < import.n_crls; i++)
        crl_free(import.crls[i]);
    free(import.crls);
    cert_list_clear(&import.certs);
    server_list_clear(&import.servers);
    json_decref(import.rows);
    return done;
}
