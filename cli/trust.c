/* trust.c - "trust": a file for clients with a server's old and new CA together. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/trust_try.h"
#include "core/pki/trust_file.h"
#include "core/store/authority_request.h"

#define JAVA_PASSWORD "changeit" /* of every truststore that comes with Java */

struct trust {
    struct cli *cli;
    struct trust_file file;
    json_t *tests;
    size_t no_name; /* servers whose chain is trusted, and whose name is another one */
};

/* ---- what goes in ---- */

/* A client trusts the root; what stands between is the server's to send. */
static bool add_authority(struct trust *trust, const char *name, struct err *err)
{
    struct authority *authority = authority_load(trust->cli->store, name, err);
    struct authority_parents parents = {.crls = NULL};
    bool good;

    good = authority && authority_load_parents(trust->cli->store, authority, &parents, err);
    if (good) {
        const struct cert *root =
            parents.certs.n > 0 ? parents.certs.certs[parents.certs.n - 1] : authority->cert;

        good = trust_file_add(&trust->file, root, authority->name, clock_now(), err);
    }
    authority_parents_clear(&parents);
    authority_free(authority);
    return good;
}

static bool add_file(struct trust *trust, const char *path, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct strbuf cleaned = STRBUF_INIT;
    unsigned bits = 0;
    bool good =
        cli_read_input(path, PEM_SCAN_MAX, &text, err) &&
        trust_file_add_text(&trust->file, text.data, text.len, path, clock_now(), &bits, err);

    strbuf_wipe(&text);
    pem_cleaned_text(bits & ~(unsigned)PEM_CLEANED_TEXT, &cleaned);
    if (good && cleaned.len > 0)
        output_note(&trust->cli->out, _("[!!] cleaned: %s"), cleaned.data);
    strbuf_clear(&cleaned);
    return good;
}

static bool collect(struct trust *trust, struct err *err)
{
    const struct args_values *names = &trust->cli->args->options[OPT_CA];
    const struct args_values *files = &trust->cli->args->options[OPT_ADD];
    bool ours = names->n > 0 || files->n == 0;

    if (ours ? !cli_store(trust->cli, STORE_READ, err) : !cli_store_if_any(trust->cli, err))
        return false;
    if (ours && names->n == 0 && !add_authority(trust, NULL, err))
        return false;
    for (size_t i = 0; i < names->n; i++) {
        if (!add_authority(trust, names->items[i], err))
            return false;
    }
    for (size_t i = 0; i < files->n; i++) {
        if (!add_file(trust, files->items[i], err))
            return false;
    }
    return trust_file_finish(&trust->file, err);
}

/* ---- what is in it ---- */

static void print_row(const struct output *output, const struct trust_row *row)
{
    struct strbuf subject = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    char sha256[CERT_SHA256_HEX];

    cert_format_subject(row->cert, &subject);
    output_note(output, _("[ok] %s\n     ends %s, SHA-256 %.16s..., from %s"), subject.data,
                clock_format_date(date, cert_not_after(row->cert)),
                cert_sha256_hex(row->cert, sha256), row->from);
    if (row->part == TRUST_ALONE)
        output_note(output, _("[!!] it is no CA: this one server is trusted, and nobody else"));
    else if (row->orphan)
        output_note(output, _("[!!] it is an intermediate, and its root is not here: libpq trusts "
                              "nothing by it"));
    else if (row->part == TRUST_INTERMEDIATE)
        output_note(output,
                    _("     an intermediate: its root is here; it only helps a server that does "
                      "not send it"));
    if (row->same_name)
        output_note(output, row->same_key
                                ? _("     the same name and key stands here twice: a renewed CA")
                                : _("[!!] another one here has this name and another key: compare "
                                    "the SHA-256"));
    if (cert_not_before(row->cert) > clock_now())
        output_note(output, _("[!!] it is not valid before %s"),
                    clock_format_date(date, cert_not_before(row->cert)));
    strbuf_clear(&subject);
}

static void print_all(const struct output *output, const struct trust_file *file)
{
    char date[CLOCK_TEXT_MAX];

    for (size_t i = 0; i < file->n; i++)
        print_row(output, &file->rows[i]);
    for (size_t i = 0; i < file->n_dropped; i++) {
        const struct trust_dropped *dropped = &file->dropped[i];

        if (dropped->ended_at)
            output_note(output, _("[--] left out: %s ended on %s (%s)"), dropped->subject,
                        clock_format_date(date, dropped->ended_at), dropped->from);
        else
            output_note(output, _("[--] left out: %s is in it already (%s)"), dropped->subject,
                        dropped->from);
    }
    if (file->n > 1)
        output_note(output, _("order: roots first, the older first. Clients try all of them; only "
                              "among equal names the first may win."));
}

static json_t *certificates_json(const struct trust_file *file)
{
    json_t *list = json_array();

    for (size_t i = 0; i < file->n; i++) {
        const struct trust_row *row = &file->rows[i];
        struct strbuf subject = STRBUF_INIT;
        char sha256[CERT_SHA256_HEX];

        cert_format_subject(row->cert, &subject);
        json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:s, s:o, s:s, s:b, s:b}", "subject",
                                              json_string_or_empty(subject.data), "not_after",
                                              json_time(cert_not_after(row->cert)), "sha256",
                                              cert_sha256_hex(row->cert, sha256), "part",
                                              trust_part_name(row->part), "from",
                                              json_string_or_empty(row->from), "alias", row->alias,
                                              "same_name", row->same_name, "orphan", row->orphan));
        strbuf_clear(&subject);
    }
    return list;
}

static json_t *dropped_json(const struct trust_file *file)
{
    json_t *list = json_array();

    for (size_t i = 0; i < file->n_dropped; i++) {
        const struct trust_dropped *dropped = &file->dropped[i];

        json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:o}", "subject",
                                              json_string_or_empty(dropped->subject), "from",
                                              json_string_or_empty(dropped->from), "reason",
                                              dropped->ended_at ? "ended" : "duplicate",
                                              "not_after", json_time(dropped->ended_at)));
    }
    return list;
}

/* ---- tried ---- */

static bool judge_try(struct trust *trust, const char *name, const struct trust_try *seen,
                      struct err *err)
{
    const struct output *output = &trust->cli->out;

    if (!seen->verify_ca) {
        err_set(err, ERR_SERVER_NOT_VERIFIED, _("\"%s\" is not trusted by this file: %s"), name,
                seen->why);
        err_state(err, _("No file was written."));
        return err_hint(err,
                        _("Add the CA of the certificate that it shows: \"pgseal server probe "
                          "%s\"."),
                        name);
    }
    if (seen->verify_full) {
        output_note(output, _("[ok] tried on \"%s\": verify-ca and verify-full"), name);
        return true;
    }
    trust->no_name++;
    output_note(output, _("[!!] tried on \"%s\": verify-ca; not verify-full: %s"), name, seen->why);
    return true;
}

static bool try_one(struct trust *trust, const struct cert_list *certs, const char *name,
                    struct err *err)
{
    struct trust_try seen = {.leaf = NULL};
    char *host = NULL;
    int port = 0;
    bool good = cli_find_address(trust->cli, name, &host, &port, err) &&
                (trust_try_server(certs, host, port, &seen, err) || err_prefix(err, "%s", name));

    if (good) {
        json_array_append_new(
            trust->tests, json_pack("{s:o, s:o, s:i, s:b, s:b, s:b, s:o}", "server",
                                    json_string_or_empty(name), "host", json_string_or_empty(host),
                                    "port", port, "tls", seen.tls, "verify_ca", seen.verify_ca,
                                    "verify_full", seen.verify_full, "why", json_text(seen.why)));
        good = judge_try(trust, name, &seen, err);
    }
    trust_try_clear(&seen);
    free(host);
    return good;
}

/* Each member of a cluster has a certificate of its own. */
static bool try_all(struct trust *trust, struct err *err)
{
    const struct args_values *names = &trust->cli->args->options[OPT_TEST];
    struct cert_list certs;
    bool good = true;

    trust_file_certs(&trust->file, &certs);
    for (size_t i = 0; i < names->n && good; i++) {
        struct server_list members = {0};
        bool is_cluster = false;

        if (trust->cli->store)
            good = server_is_cluster(trust->cli->store, names->items[i], &is_cluster, err);
        if (good && is_cluster)
            good = server_members(trust->cli->store, names->items[i], &members, err);
        else if (good)
            good = try_one(trust, &certs, names->items[i], err);
        for (size_t j = 0; j < members.n && good; j++)
            good = try_one(trust, &certs, members.rows[j]->name, err);
        server_list_clear(&members);
    }
    cert_list_clear(&certs);
    return good;
}

/* ---- written ---- */

static bool make_store(struct trust *trust, struct strbuf *out, struct err *err)
{
    const char *format = args_value(trust->cli->args, OPT_FORMAT);
    bool legacy = format && text_equal(format, "p12-old");
    struct secret *passphrase = NULL;
    bool good;

    if (format && !legacy && !text_equal(format, "p12"))
        return err_set(err, ERR_USAGE, _("\"--format\" is p12 or p12-old here, not \"%s\""),
                       format);
    if (!cli_secret_file(trust->cli, OPT_P12_PASSPHRASE_FILE, &passphrase, err))
        return false;
    if (!passphrase) {
        passphrase = secret_new(sizeof(JAVA_PASSWORD));
        if (!secret_set(passphrase, JAVA_PASSWORD, strlen(JAVA_PASSWORD))) {
            secret_free(passphrase);
            return err_set(err, ERR_BAD_VALUE, _("no passphrase"));
        }
        output_note(&trust->cli->out,
                    _("its password is \"%s\", as with every Java truststore: nothing in it is "
                      "secret"),
                    JAVA_PASSWORD);
    }
    good = trust_file_pkcs12(&trust->file, passphrase, legacy, out, err);
    secret_free(passphrase);
    return good;
}

static bool write_out(struct trust *trust, bool pkcs12, struct err *err)
{
    struct cli *cli = trust->cli;
    const char *path = args_value(cli->args, OPT_OUT);
    bool dry_run = args_has(cli->args, OPT_DRY_RUN);
    struct strbuf bytes = STRBUF_INIT;
    bool good = pkcs12 ? make_store(trust, &bytes, err) : trust_file_pem(&trust->file, &bytes, err);

    if (good && !dry_run)
        good = fs_write_new(path, bytes.data, bytes.len, FS_MODE_PUBLIC, err);
    strbuf_clear(&bytes);
    if (!good)
        return false;
    if (cli->out.json)
        output_json(json_pack("{s:o, s:b, s:s, s:o, s:o, s:O}", "file", json_string_or_empty(path),
                              "written", !dry_run, "format", pkcs12 ? "pkcs12" : "pem",
                              "certificates", certificates_json(&trust->file), "dropped",
                              dropped_json(&trust->file), "tests", trust->tests),
                    false);
    else if (dry_run)
        output_line(&cli->out, _("would write %s: %zu certificates"), path, trust->file.n);
    else
        output_line(&cli->out, _("wrote %s: %zu certificates"), path, trust->file.n);
    if (trust->no_name > 0)
        cli->exit = EXIT_FOUND;
    return true;
}

bool run_trust(struct cli *cli, struct err *err)
{
    struct trust trust = {.cli = cli, .tests = json_array()};
    bool pkcs12 = args_has(cli->args, OPT_PKCS12);
    const char *path;
    bool done = false;

    trust_file_init(&trust.file);
    if (!args_need(cli->args, OPT_OUT, &path, err))
        goto out;
    if (!pkcs12 &&
        (args_has(cli->args, OPT_FORMAT) || args_has(cli->args, OPT_P12_PASSPHRASE_FILE))) {
        err_set(err, ERR_USAGE, _("\"--format\" and \"--p12-passphrase-file\" go with --pkcs12"));
        goto out;
    }
    /* refused before a server is asked, and before a long list scrolls by */
    if (!args_has(cli->args, OPT_DRY_RUN) && fs_exists(path)) {
        err_set(err, ERR_FILE_EXISTS, _("\"%s\" is there already"), path);
        goto out;
    }
    if (!collect(&trust, err))
        goto out;
    print_all(&cli->out, &trust.file);
    done = try_all(&trust, err) && write_out(&trust, pkcs12, err);
out:
    trust_file_clear(&trust.file);
    json_decref(trust.tests);
    return done;
}
