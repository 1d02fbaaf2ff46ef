/*
 * show.c - "show": says what anything is, and what is wrong with it.
 *
 * Rule     a private key is named and never printed; the bytes that were read are wiped.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/pki/pem.h"

#define CRL_SOON_DAYS 14

struct shown { /* one block while it is described */
    struct cli *cli;
    json_t *json;     /* its fields */
    json_t *problems; /* sentences */
};

static void problem(struct shown *shown, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void problem(struct shown *shown, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    json_array_append_new(shown->problems, json_string_or_empty(text.data));
    output_pair(&shown->cli->out, _("[!!]"), text.data);
    strbuf_clear(&text);
}

static void check_dates(struct shown *shown, int64_t from, int64_t until)
{
    int64_t now = clock_now();
    char date[CLOCK_TEXT_MAX];

    if (from > now)
        problem(shown, _("It is not valid before %s."), clock_format_minute(date, from));
    if (until != 0 && until <= now)
        problem(shown, _("It has ended on %s."), clock_format_date(date, until));
    else if (until != 0 && clock_days_until(until) < RECORD_WITHIN_DAYS)
        problem(shown, _("It ends in %lld days."), (long long)clock_days_until(until));
}

static void show_purpose(struct shown *shown, const struct cert *cert)
{
    struct strbuf purpose = STRBUF_INIT;
    bool ca = cert_is_ca(cert);

    if (ca)
        strbuf_add_str(&purpose, cert_is_self_signed(cert) ? _("CA, root") : _("CA, intermediate"));
    if (!ca && cert_for_clients(cert))
        strbuf_add_str(&purpose, _("for clients"));
    if (!ca && cert_for_servers(cert))
        strbuf_printf(&purpose, "%s%s", purpose.len ? ", " : "", _("for servers"));
    output_pair(&shown->cli->out, _("purpose"), purpose.data);
    json_object_set_new(shown->json, "is_ca", json_boolean(ca));
    json_object_set_new(shown->json, "for_clients", json_boolean(!ca && cert_for_clients(cert)));
    json_object_set_new(shown->json, "for_servers", json_boolean(!ca && cert_for_servers(cert)));
    if (!ca && purpose.len == 0)
        problem(shown, _("It is neither a CA nor for clients nor for servers."));
    if (ca && !cert_may_sign_crls(cert))
        problem(shown, _("This CA may not sign CRLs: its keyUsage lacks cRLSign."));
    strbuf_clear(&purpose);
}

static void show_cert(struct shown *shown, const struct cert *cert)
{
    struct strbuf name = STRBUF_INIT;
    json_t *fields = record_cert(cert);

    json_object_update(shown->json, fields);
    json_decref(fields);
    json_object_set_new(shown->json, "san", record_san(cert));
    record_print_cert(&shown->cli->out, cert);
    show_purpose(shown, cert);
    check_dates(shown, cert_not_before(cert), cert_not_after(cert));
    if (!cert_is_ca(cert) && cert_for_clients(cert) && !cert_common_name(cert, &name))
        problem(shown, _("It has no common name (CN), so nobody can log in with it."));
    if (!cert_is_ca(cert) && name.len > NAME_CN_MAX)
        problem(shown, _("Its name is longer than pg_stat_ssl shows."));
    strbuf_clear(&name);
}

/* What the store knows of a certificate that came from elsewhere. */
static bool show_store_state(struct shown *shown, const struct cert *cert, struct err *err)
{
    struct serial serial = cert_serial(cert);
    struct issued *issued;
    struct err unknown = ERR_INIT;
    char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];

    if (!cli_store_if_any(shown->cli, err))
        return false;
    if (!shown->cli->store)
        return true;
    issued = issued_find(shown->cli->store, serial_format_hex(hex, &serial), &unknown);
    if (!issued || !cert_equal(issued->cert, cert)) {
        issued_free(issued);
        return true;
    }
    output_pair(&shown->cli->out, _("issued by us"), issued->authority);
    json_object_set_new(shown->json, "ca", json_string_or_empty(issued->authority));
    json_object_set_new(
        shown->json, "state",
        json_string(issued_state_name(issued_state_at(issued, clock_now(), RECORD_WITHIN_DAYS))));
    if (issued->revoked_at != 0)
        problem(shown, _("It was revoked on %s (%s)."), clock_format_date(date, issued->revoked_at),
                crl_reason_name(issued->reason));
    issued_free(issued);
    return true;
}

static void show_crl(struct shown *shown, const struct crl *crl)
{
    struct strbuf issuer = STRBUF_INIT;
    uint64_t number = 0;
    char buffer[96];
    bool has_number = crl_number(crl, &number);

    crl_format_issuer(crl, &issuer);
    output_pair(&shown->cli->out, _("issuer"), issuer.data);
    snprintf(buffer, sizeof(buffer), "%llu", (unsigned long long)number);
    output_pair(&shown->cli->out, _("number"), has_number ? buffer : _("none"));
    output_pair(&shown->cli->out, _("made"),
                record_date(buffer, sizeof(buffer), crl_this_update(crl)));
    if (crl_next_update(crl) != 0)
        output_pair(&shown->cli->out, _("ends"),
                    record_date(buffer, sizeof(buffer), crl_next_update(crl)));
    snprintf(buffer, sizeof(buffer), "%zu", crl_count(crl));
    output_pair(&shown->cli->out, _("revoked"), buffer);
    json_object_set_new(shown->json, "issuer", json_string_or_empty(issuer.data));
    json_object_set_new(shown->json, "number",
                        has_number ? json_integer((json_int_t)number) : json_null());
    json_object_set_new(shown->json, "this_update", json_time(crl_this_update(crl)));
    json_object_set_new(shown->json, "next_update", json_time(crl_next_update(crl)));
    json_object_set_new(shown->json, "revoked", json_integer((json_int_t)crl_count(crl)));
    if (crl_next_update(crl) != 0 && crl_next_update(crl) <= clock_now())
        problem(shown, _("It has ended: PostgreSQL refuses every client of this CA with it."));
    else if (crl_next_update(crl) != 0 && clock_days_until(crl_next_update(crl)) < CRL_SOON_DAYS)
        problem(shown, _("It ends in %lld days; then PostgreSQL refuses every client of this CA."),
                (long long)clock_days_until(crl_next_update(crl)));
    strbuf_clear(&issuer);
}

static bool show_request(struct shown *shown, const struct pem_block *block, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct csr *csr;
    struct name *subject;
    struct san san;

    pem_write(&text, "CERTIFICATE REQUEST", block->der.data, block->der.len);
    csr = csr_from_pem(text.data, text.len, err);
    strbuf_clear(&text);
    if (!csr)
        return false;
    subject = csr_subject(csr);
    name_format(subject, &text);
    output_pair(&shown->cli->out, _("subject"), text.data);
    output_pair(&shown->cli->out, _("key"), key_type_title(csr_key_type(csr)));
    json_object_set_new(shown->json, "subject", json_string_or_empty(text.data));
    json_object_set_new(shown->json, "key_type", json_string(key_type_name(csr_key_type(csr))));
    san_init(&san);
    strbuf_reset(&text);
    if (csr_san(csr, &san, err))
        san_format(&san, &text);
    output_pair(&shown->cli->out, _("names"), text.data);
    if (csr_asks_for_ca(csr))
        problem(shown, _("It asks to be a CA."));
    san_clear(&san);
    strbuf_clear(&text);
    name_free(subject);
    csr_free(csr);
    return true;
}

static void show_key(struct shown *shown, const char *path, const struct strbuf *input,
                     bool encrypted)
{
    struct stat st;
    struct err ignored =
        ERR_INIT; /* a key of a kind that OpenSSL cannot read has no type to show */
    struct key *key = encrypted ? NULL : key_from_pem(input->data, input->len, NULL, &ignored);

    output_pair(&shown->cli->out, _("passphrase"), encrypted ? _("yes") : _("none"));
    json_object_set_new(shown->json, "encrypted", json_boolean(encrypted));
    if (key) {
        output_pair(&shown->cli->out, _("key"), key_type_title(key_type_of(key)));
        json_object_set_new(shown->json, "key_type", json_string(key_type_name(key_type_of(key))));
    }
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        problem(shown, _("Others can read this private key (mode %04o): chmod 600."),
                (unsigned)(st.st_mode & 07777));
    key_free(key);
}

static const char *kind_word(enum pem_kind kind) /* JSON */
{
    switch (kind) {
    case PEM_CERTIFICATE:
        return "certificate";
    case PEM_CRL:
        return "crl";
    case PEM_REQUEST:
        return "request";
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
        return "private-key";
    case PEM_PUBLIC_KEY:
        return "public-key";
    case PEM_SSH_KEY:
        return "ssh-key";
    case PEM_PKCS7:
        return "pkcs7";
    case PEM_PKCS12:
        return "pkcs12";
    case PEM_OTHER:
        break;
    }
    return "other";
}

static const char *kind_title(enum pem_kind kind)
{
    switch (kind) {
    case PEM_CERTIFICATE:
        return _("Certificate");
    case PEM_CRL:
        return _("List of revoked certificates (CRL)");
    case PEM_REQUEST:
        return _("Certificate request (CSR)");
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
        return _("Private key: SECRET");
    case PEM_PUBLIC_KEY:
        return _("Public key");
    case PEM_SSH_KEY:
        return _("ssh key: PostgreSQL needs an X.509 certificate");
    case PEM_PKCS7:
        return _("PKCS#7: certificates in a wrapping that PostgreSQL does not read");
    case PEM_PKCS12:
        return _("PKCS#12: a key and certificates in one file, locked with a passphrase");
    case PEM_OTHER:
        break;
    }
    return _("Something else");
}

static bool show_block(struct shown *shown, const char *path, const struct pem_block *block,
                       const struct strbuf *input, struct err *err)
{
    struct cert *cert;
    struct crl *crl;
    bool done = true;

    output_line(&shown->cli->out, "%s", kind_title(block->kind));
    json_object_set_new(shown->json, "kind", json_string(kind_word(block->kind)));
    switch (block->kind) {
    case PEM_CERTIFICATE:
        cert = cert_from_der(block->der.data, block->der.len, err);
        if (!cert)
            return false;
        show_cert(shown, cert);
        done = show_store_state(shown, cert, err);
        cert_free(cert);
        break;
    case PEM_CRL:
        crl = crl_from_der(block->der.data, block->der.len, err);
        if (!crl)
            return false;
        show_crl(shown, crl);
        crl_free(crl);
        break;
    case PEM_REQUEST:
        done = show_request(shown, block, err);
        break;
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
        show_key(shown, path, input, block->kind == PEM_ENCRYPTED_KEY);
        break;
    case PEM_PUBLIC_KEY:
    case PEM_SSH_KEY:
    case PEM_PKCS7:
    case PEM_PKCS12:
    case PEM_OTHER:
        break;
    }
    return done;
}

/* Nothing that is known was found: the sentence for what is there instead. */
static bool not_known(const struct pem *pem, const char *path, struct err *err)
{
    switch (pem->problem) {
    case PEM_CUT:
        return err_set(err, ERR_CUT_OFF, _("\"%s\" has a BEGIN line without its END line"), path);
    case PEM_TOO_LARGE:
        return err_set(err, ERR_TOO_LARGE, _("\"%s\" is larger than %u bytes"), path, PEM_SCAN_MAX);
    case PEM_BAD_BASE64:
        return err_set(err, ERR_NOT_A_CERTIFICATE, _("\"%s\" has a block that does not decode"),
                       path);
    case PEM_EMPTY:
        return err_set(err, ERR_NOT_A_CERTIFICATE, _("\"%s\" is empty"), path);
    case PEM_NO_BEGIN:
    case PEM_FINE:
        break;
    }
    err_set(err, ERR_NOT_A_CERTIFICATE, _("\"%s\" is no certificate, CRL, request, key or bundle"),
            path);
    return err_cause(err, _("There is no -----BEGIN ...----- line in it, and it is not DER."));
}

/* What is wrong with the text as a whole. */
static void show_text_problems(struct cli *cli, const struct pem *pem, json_t *problems)
{
    struct shown whole = {.cli = cli, .problems = problems};
    struct strbuf cleaned = STRBUF_INIT;

    pem_cleaned_text(pem->cleaned, &cleaned);
    if (cleaned.len > 0)
        problem(&whole, _("Cleaned while reading: %s."), cleaned.data);
    if (pem->problem == PEM_CUT)
        problem(&whole, _("A BEGIN line has no END line: the text was cut off."));
    if (pem->problem == PEM_BAD_BASE64)
        problem(&whole, _("A block does not decode."));
    if (pem->has_private_key && pem->n > 1)
        problem(&whole, _("A private key stands beside other things: do not hand this file out."));
    strbuf_clear(&cleaned);
}

static bool show_bytes(struct cli *cli, const char *path, const struct strbuf *input,
                       struct err *err)
{
    struct pem pem;
    json_t *items = json_array();
    json_t *problems = json_array();
    bool done = true;

    pem_scan(input->data, input->len, &pem);
    if (pem.n == 0)
        done = not_known(&pem, path, err);
    for (size_t i = 0; i < pem.n && done; i++) {
        struct shown shown = {.cli = cli, .json = json_object(), .problems = json_array()};
        if (i > 0)
            output_line(&cli->out, "%s", "");
        done = show_block(&shown, path, &pem.blocks[i], input, err);
        json_object_set_new(shown.json, "problems", shown.problems);
        json_array_append_new(items, shown.json);
    }
    if (done) {
        show_text_problems(cli, &pem, problems);
        if (cli->out.json)
            output_json(json_pack("{s:o, s:O, s:O}", "source", json_string_or_empty(path), "items",
                                  items, "problems", problems),
                        false);
    }
    json_decref(items);
    json_decref(problems);
    pem_clear(&pem);
    return done;
}

static bool show_file(struct cli *cli, const char *path, struct err *err)
{
    struct strbuf input = STRBUF_INIT;
    bool done =
        cli_read_input(path, PEM_SCAN_MAX, &input, err) && show_bytes(cli, path, &input, err);

    strbuf_wipe(&input);
    return done;
}

static bool show_issued(struct cli *cli, const char *what, struct err *err)
{
    struct issued *issued;
    char date[96];

    if (!cli_store_if_any(cli, err))
        return false;
    if (!cli->store) {
        err_set(err, ERR_FILE, _("there is no file \"%s\""), what);
        return err_cause(err, _("And there is no store here, so it is no serial number either."));
    }
    issued = issued_find(cli->store, what, err);
    if (!issued && err->code == ERR_CERT_UNKNOWN)
        return err_cause(err, _("There is no file of this name either."));
    if (!issued)
        return false;
    if (cli->out.json) {
        output_json(record_issued_state(issued, RECORD_WITHIN_DAYS), false);
    } else {
        output_pair(&cli->out, _("name"), issued->role);
        output_pair(&cli->out, _("kind"), issued_kind_name(issued->kind));
        output_pair(&cli->out, _("CA"), issued->authority);
        record_print_cert(&cli->out, issued->cert);
        output_pair(&cli->out, _("note"), issued->note);
        output_pair(&cli->out, _("state"),
                    issued_state_name(issued_state_at(issued, clock_now(), RECORD_WITHIN_DAYS)));
        if (issued->revoked_at != 0) {
            output_pair(&cli->out, _("revoked"),
                        record_date(date, sizeof(date), issued->revoked_at));
            output_pair(&cli->out, _("reason"), crl_reason_name(issued->reason));
        }
        if (!issued->delivered)
            output_pair(&cli->out, _("[!!]"), _("Its files were never written."));
    }
    issued_free(issued);
    return true;
}

bool run_show(struct cli *cli, struct err *err)
{
    const char *what = cli->args->names[0];
    struct stat st;
    bool file =
        stat(what, &st) == 0 && !S_ISDIR(st.st_mode); /* a kit's folder has the role's name */

    if (strcmp(what, "-") == 0 || file)
        return show_file(cli, what, err);
    return show_issued(cli, what, err);
}
