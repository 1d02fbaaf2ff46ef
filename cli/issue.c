/* issue.c - "issue client", "issue server": a certificate, and the files its owner needs. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/record.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/kit.h"
#include "core/pki/pem.h"

#define ISSUE_MAX_DAYS 36525

struct job {
    struct issue_spec spec;
    struct kit_spec kit;
    struct authority *authority;
    struct key *authority_key, *key;
    struct csr *csr;
    struct secret *key_passphrase, *p12_passphrase;
    struct server *server;
    struct issued *issued;
    struct kit_files files;
    char *folder, *host;
};

static void job_clear(struct job *job)
{
    kit_files_clear(&job->files);
    issued_free(job->issued);
    server_free(job->server);
    secret_free(job->key_passphrase);
    secret_free(job->p12_passphrase);
    csr_free(job->csr);
    key_free(job->key);
    key_free(job->authority_key);
    authority_free(job->authority);
    free(job->folder);
    free(job->host);
}

/* "pem,p12" -> set of enum kit_format; PEM is always there. */
static bool parse_formats(const char *text, unsigned *ret, struct err *err)
{
    static const struct {
        const char *name;
        enum kit_format format;
    } formats[] = {{"pem", KIT_PEM}, {"p12", KIT_P12}, {"pk8", KIT_PK8}};

    *ret = KIT_PEM;
    while (text && *text) {
        size_t len = strcspn(text, ",");
        bool found = false;

        for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
            if (strlen(formats[i].name) == len && strncmp(formats[i].name, text, len) == 0) {
                *ret |= (unsigned)formats[i].format;
                found = true;
            }
        }
        if (!found)
            return err_set(err, ERR_BAD_VALUE,
                           _("\"--format\" knows pem, p12 and pk8, not \"%.*s\""), (int)len, text);
        text += len;
        if (*text == ',')
            text++;
    }
    return true;
}

/* One request, cleaned as a paste; anything else is refused with its own sentence. */
static struct csr *read_csr(const char *path, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct strbuf clean = STRBUF_INIT;
    struct csr *csr = NULL;
    struct pem pem;

    if (!cli_read_input(path, PEM_SCAN_MAX, &text, err)) {
        strbuf_clear(&text);
        return NULL;
    }
    pem_scan(text.data, text.len, &pem);
    if (pem.has_private_key) {
        err_set(err, ERR_PRIVATE_KEY_PASTED, _("there is a private key in \"%s\""), path);
        err_hint(err, _("Its owner keeps it. Give only the request, from -----BEGIN CERTIFICATE "
                        "REQUEST----- to its END line."));
    } else if (pem_count(&pem, PEM_REQUEST) != 1) {
        err_set(err, ERR_NOT_A_REQUEST, _("\"%s\" holds %zu requests, and one is wanted"), path,
                pem_count(&pem, PEM_REQUEST));
    } else {
        for (size_t i = 0; i < pem.n; i++)
            if (pem.blocks[i].kind == PEM_REQUEST)
                pem_write(&clean, "CERTIFICATE REQUEST", pem.blocks[i].der.data,
                          pem.blocks[i].der.len);
        csr = csr_from_pem(clean.data, clean.len, err);
    }
    pem_clear(&pem);
    explicit_bzero(text.data, text.len);
    strbuf_clear(&text);
    strbuf_clear(&clean);
    return csr;
}

/* What a request asks for and does not get is said: only its public key is taken. */
static void tell_about_csr(const struct cli *cli, const struct csr *csr, const char *role)
{
    struct name *name = csr_subject(csr);
    struct strbuf text = STRBUF_INIT;

    name_format(name, &text);
    output_note(&cli->out, _("request for \"%s\", %s key"), text.data,
                key_type_title(csr_key_type(csr)));
    strbuf_reset(&text);
    if (!name_common_name(name, &text) || strcmp(text.data, role) != 0)
        output_warning(&cli->out,
                       _("the certificate will say \"%s\": the names in a request are "
                         "not taken over"),
                       role);
    if (csr_asks_for_ca(csr))
        output_warning(&cli->out, _("the request asks to be a CA; it will not be one"));
    strbuf_clear(&text);
    name_free(name);
}

/* A folder named after the role or host, in the current one; no character that a path or a shell
 * would treat specially. */
static char *default_folder(const char *name)
{
    char *folder = mem_printf("./%s", name);

    for (char *c = folder + 2; *c; c++)
        if (strchr("/*:\\ ", *c))
            *c = '_';
    return folder;
}

static bool read_flags(struct cli *cli, struct job *job, struct err *err)
{
    const char *type = args_value(cli->args, OPT_KEY);
    const char *csr = args_value(cli->args, OPT_CSR);
    const char *out = args_value(cli->args, OPT_OUT);
    int64_t days;

    if (!args_int(cli->args, OPT_DAYS, 1, ISSUE_MAX_DAYS, 0, &days, err) ||
        !parse_formats(args_value(cli->args, OPT_FORMAT), &job->kit.formats, err))
        return false;
    if (csr && (type || (job->kit.formats & (KIT_P12 | KIT_PK8)) ||
                args_has(cli->args, OPT_KEY_PASSPHRASE_FILE)))
        return err_set(err, ERR_USAGE,
                       "with \"--csr\" the key is elsewhere: no --key, --format p12 or pk8, "
                       "--key-passphrase-file");
    if (args_has(cli->args, OPT_P12_PASSPHRASE_FILE) && !(job->kit.formats & KIT_P12))
        return err_set(err, ERR_USAGE, "\"--p12-passphrase-file\" goes with \"--format p12\"");
    job->spec.days = (int)days;
    job->spec.note = args_value(cli->args, OPT_NOTE);
    job->folder = out ? mem_strdup(out) : default_folder(cli->args->names[0]);
    job->kit.folder = job->folder;
    return true;
}

/* What the README's lines name: the server's TLS address. */
static bool read_server(struct cli *cli, struct job *job, struct err *err)
{
    const struct args_values *names = &cli->args->options[OPT_SERVER];

    if (names->n == 0)
        return true;
    if (names->n > 1)
        return err_set(err, ERR_USAGE, "\"--server\" names one server here");
    job->server = cli_server(cli, names->items[0], err);
    if (!job->server || !cli_tls_address(job->server, &job->host, &job->kit.server_port, err))
        return false;
    job->kit.server_host = *job->host ? job->host : NULL;
    return true;
}

static bool read_secrets(struct cli *cli, struct job *job, struct err *err)
{
    if (!cli_secret_file(cli, OPT_KEY_PASSPHRASE_FILE, &job->key_passphrase, err) ||
        !cli_secret_file(cli, OPT_P12_PASSPHRASE_FILE, &job->p12_passphrase, err))
        return false;
    if ((job->kit.formats & KIT_P12) && !job->p12_passphrase) {
        job->p12_passphrase = ask_new_secret(cli, _("New passphrase for the PKCS#12 file"),
                                             "--p12-passphrase-file=FILE", err);
        if (!job->p12_passphrase)
            return false;
    }
    job->kit.key_passphrase = job->key_passphrase;
    job->kit.p12_passphrase = job->p12_passphrase;
    return true;
}

static bool make_key(struct cli *cli, struct job *job, struct err *err)
{
    const char *name = args_value(cli->args, OPT_KEY);
    enum key_type type = KEY_EC_P256;

    if (name && !key_type_parse(name, &type, err))
        return false;
    job->key = key_generate(type, NULL, NULL, err);
    job->spec.key = job->key;
    job->kit.key = job->key;
    return job->key != NULL;
}

/* All that can be refused is refused before anything is made. */
static bool prepare(struct cli *cli, struct job *job, struct err *err)
{
    const char *csr = args_value(cli->args, OPT_CSR);
    struct issued draft = {.kind = job->spec.kind};

    if (!read_flags(cli, job, err))
        return false;
    if (csr) {
        job->csr = read_csr(csr, err);
        if (!job->csr)
            return false;
        tell_about_csr(cli, job->csr, cli->args->names[0]);
        job->spec.csr = job->csr;
    }
    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    job->authority = cli_authority(cli, err);
    if (!job->authority || !read_server(cli, job, err))
        return false;
    job->kit.key_follows = !job->csr;
    draft.role = mem_strdup(cli->args->names[0]);
    job->kit.issued = &draft;
    job->kit.ca = job->authority->cert;
    if (!kit_check(&job->kit, err)) {
        free(draft.role);
        return false;
    }
    free(draft.role);
    job->kit.issued = NULL;
    job->kit.key_follows = false;
    return true;
}

static bool make(struct cli *cli, struct job *job, struct err *err)
{
    if (!read_secrets(cli, job, err))
        return false;
    job->authority_key = cli_unlock(cli, job->authority, err);
    if (!job->authority_key || (!job->csr && !make_key(cli, job, err)))
        return false;
    job->issued = issued_make(cli->store, job->authority, job->authority_key, &job->spec, err);
    if (!job->issued)
        return false;
    job->kit.issued = job->issued;
    if (!kit_write(&job->kit, &job->files, err)) {
        char hex[SERIAL_HEX_MAX];
        return err_state(err,
                         _("Certificate %s is recorded in the store and its key is gone with this "
                           "run. Nobody has it."),
                         serial_format_hex(hex, &job->issued->serial));
    }
    return issued_mark_delivered(cli->store, job->issued, err);
}

static json_t *files_json(const struct kit_files *files)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "certificate", json_text(files->certificate),
                     "key", json_text(files->key), "root", json_text(files->root), "p12",
                     json_text(files->p12), "pk8", json_text(files->pk8), "readme",
                     json_text(files->readme));
}

static void print_file(const struct output *output, const char *path, const char *mode,
                       const char *what)
{
    if (path && *path)
        output_line(output, "  %s  %s  %s", mode, path, what);
}

static void report(struct cli *cli, const struct job *job)
{
    char hex[SERIAL_HEX_MAX], date[96];

    if (cli->out.json) {
        json_t *document = record_issued(job->issued);
        json_object_set_new(document, "files", files_json(&job->files));
        output_json(document, false);
        return;
    }
    output_line(&cli->out, _("certificate for \"%s\" made, serial %s, valid until %s"),
                job->issued->role, serial_format_hex(hex, &job->issued->serial),
                record_date(date, sizeof(date), job->issued->not_after));
    print_file(&cli->out, job->files.certificate, "0644", _("certificate"));
    print_file(&cli->out, job->files.key, "0600",
               job->key_passphrase ? _("private key, with a passphrase")
                                   : _("private key: SECRET, no passphrase"));
    print_file(&cli->out, job->files.root, "0644", _("the CA, which the other side needs"));
    print_file(&cli->out, job->files.p12, "0600", _("certificate and key in one (PKCS#12)"));
    print_file(&cli->out, job->files.pk8, "0600", _("private key for JDBC: SECRET, no passphrase"));
    print_file(&cli->out, job->files.readme, "0644", _("how to use them"));
}

static bool issue(struct cli *cli, struct job *job, struct err *err)
{
    bool done = prepare(cli, job, err);

    if (done && args_has(cli->args, OPT_DRY_RUN))
        output_note(&cli->out,
                    _("would issue a %s certificate for \"%s\" by the CA \"%s\" into "
                      "\"%s\""),
                    issued_kind_name(job->spec.kind), cli->args->names[0], job->authority->name,
                    job->folder);
    else if (done)
        done = make(cli, job, err);
    if (done && job->issued)
        report(cli, job);
    job_clear(job);
    return done;
}

bool run_issue_client(struct cli *cli, struct err *err)
{
    struct job job = {.spec = {.kind = ISSUED_CLIENT, .role = cli->args->names[0]}};

    if (!name_check_common_name(cli->args->names[0], err))
        return false;
    return issue(cli, &job, err);
}

bool run_issue_server(struct cli *cli, struct err *err)
{
    struct job job = {
        .spec = {.kind = ISSUED_SERVER, .hosts = cli->args->names, .n_hosts = cli->args->n_names}};

    return issue(cli, &job, err);
}
