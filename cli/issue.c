/* issue.c - "issue client", "issue server", "renew": a certificate, and the files its owner needs. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/issue.h"
#include "cli/record.h"
#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/handover.h"
#include "core/pg/roles.h"
#include "core/pki/advice.h"
#include "core/pki/pem.h"
#include "core/store/authority_request.h"

#define ISSUE_MAX_DAYS 36525

struct job {
    struct issue_spec spec;
    struct kit_spec kit;
    const char *name;   /* role or first host */
    struct issued *old; /* what is renewed, or was never delivered; or NULL */
    struct san san;     /* the hosts of a server certificate that is renewed */
    struct authority *authority;
    struct authority_parents parents;
    struct cert_list roots; /* of the servers */
    struct key *authority_key, *key;
    struct csr *csr;
    struct secret *key_passphrase, *p12_passphrase;
    struct server *server;
    struct kit_address address; /* of it; and what is said to programs: */
    struct kit_connect connect;
    char *database;
    struct issued *issued;
    struct kit_files files;
    char *folder, *host;
};

static void job_clear(struct job *job)
{
    kit_files_clear(&job->files);
    issued_free(job->issued);
    issued_free(job->old);
    san_clear(&job->san);
    authority_parents_clear(&job->parents);
    cert_list_clear(&job->roots);
    server_free(job->server);
    secret_free(job->key_passphrase);
    secret_free(job->p12_passphrase);
    csr_free(job->csr);
    key_free(job->key);
    key_free(job->authority_key);
    authority_free(job->authority);
    free(job->folder);
    free(job->host);
    free(job->database);
}

bool issue_parse_formats(const char *text, unsigned *ret, struct err *err)
{
    static const struct {
        const char *name;
        enum kit_format format;
    } formats[] = {{"pem", KIT_PEM}, {"p12", KIT_P12}, {"p12-old", KIT_P12_OLD}, {"pk8", KIT_PK8}};

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
                           _("\"--format\" knows pem, p12, p12-old and pk8, not \"%.*s\""),
                           (int)len, text);
        text += len;
        if (*text == ',')
            text++;
    }
    if (*ret & KIT_P12_OLD)
        *ret |= KIT_P12;
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
        strbuf_wipe(&text);
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
    strbuf_wipe(&text);
    strbuf_clear(&clean);
    return csr;
}

/* What a request asks for and does not get is said: only its public key is taken. */
static void tell_about_csr(const struct cli *cli, const struct csr *csr, const char *role)
{
    struct name *name = csr_subject(csr);
    struct strbuf text = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* names that cannot be read are not taken over either */
    struct san san;

    name_format(name, &text);
    output_note(&cli->out, _("request for \"%s\", %s key"), text.data,
                key_type_title(csr_key_type(csr)));
    strbuf_reset(&text);
    san_init(&san);
    if (csr_san(csr, &san, &ignored) && san.n > 0) {
        san_format(&san, &text);
        output_note(&cli->out, _("it asks for the names %s"), text.data);
    }
    san_clear(&san);
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

/* The old files are in the one without a date. */
static char *dated_folder(const char *name)
{
    char *folder = default_folder(name);
    char date[CLOCK_TEXT_MAX];
    char *dated = mem_printf("%s-%s", folder, clock_format_date(date, clock_now()));

    free(folder);
    return dated;
}

static bool read_flags(struct cli *cli, struct job *job, struct err *err)
{
    const char *type = args_value(cli->args, OPT_KEY);
    const char *csr = args_value(cli->args, OPT_CSR);
    const char *out = args_value(cli->args, OPT_OUT);
    int64_t days;

    if (!args_int(cli->args, OPT_DAYS, 1, ISSUE_MAX_DAYS, 0, &days, err) ||
        !issue_parse_formats(args_value(cli->args, OPT_FORMAT), &job->kit.formats, err))
        return false;
    if (csr && (type || (job->kit.formats & (KIT_P12 | KIT_PK8)) ||
                args_has(cli->args, OPT_KEY_PASSPHRASE_FILE)))
        return err_set(err, ERR_USAGE,
                       _("with \"--csr\" the key is elsewhere: no --key, --format p12 or pk8, "
                         "--key-passphrase-file"));
    if (args_has(cli->args, OPT_P12_PASSPHRASE_FILE) && !(job->kit.formats & KIT_P12))
        return err_set(err, ERR_USAGE, _("\"--p12-passphrase-file\" goes with \"--format p12\""));
    if (days > 0) /* not spec.days: what is beyond the CA's end is cut there, and said */
        job->spec.usual_days = (int)days;
    if (args_has(cli->args, OPT_NOTE))
        job->spec.note = args_value(cli->args, OPT_NOTE);
    if (!job->folder)
        job->folder = out ? mem_strdup(out) : default_folder(job->name);
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
        return err_set(err, ERR_USAGE, _("\"--server\" names one server here"));
    job->server = cli_server(cli, names->items[0], err);
    if (!job->server || !cli_tls_address(job->server, &job->host, &job->kit.server_port, err))
        return false;
    job->kit.server_host = *job->host ? job->host : NULL;
    return true;
}

/* Lines for programs: where they connect must be known. */
static bool read_programs(struct cli *cli, struct job *job, struct err *err)
{
    const char *list = args_value(cli->args, OPT_FOR);
    const char *database = args_value(cli->args, OPT_DATABASE);

    if (!list && (database || args_has(cli->args, OPT_AT)))
        return err_set(err, ERR_USAGE, _("\"--database\" and \"--at\" go with --for"));
    if (!list)
        return true;
    if (!kit_clients_parse(list, &job->connect.clients, err))
        return false;
    if (!job->server || !job->kit.server_host) {
        err_set(err, ERR_USAGE, _("\"--for\" wants --server: where the program connects"));
        return err_hint(err, _("A server that has an address for clients, not only a socket."));
    }
    if (!database && !handover_database(job->server, &job->database, err))
        return false;
    job->address = (struct kit_address){
        .name = job->server->name, .host = job->kit.server_host, .port = job->kit.server_port};
    job->connect.servers = &job->address;
    job->connect.n_servers = 1;
    job->connect.database = database ? database : job->database;
    job->connect.at = args_value(cli->args, OPT_AT);
    job->kit.connect = &job->connect;
    if (!job->csr)
        job->kit.formats |= kit_clients_formats(job->connect.clients,
                                                args_has(cli->args, OPT_KEY_PASSPHRASE_FILE) ||
                                                    args_has(cli->args, OPT_P12_PASSPHRASE_FILE));
    return true;
}

/* A word about a role that the server does not know. The certificate is made in any case: the role may
 * come later, and the server may be away now. */
static void look_up_role(struct cli *cli, const struct job *job)
{
    struct role_info role;
    struct err why = ERR_INIT;
    struct conn *conn;
    bool known;

    if (!job->server || job->spec.kind != ISSUED_CLIENT)
        return;
    conn = cli_connect(cli, job->server, NULL, &why);
    known = conn && roles_look_up(conn, job->name, &role, &why);
    conn_close(conn);
    if (!known)
        output_warning(&cli->out, _("whether \"%s\" has a role \"%s\" is not known: %s"),
                       job->server->name, job->name, why.msg);
    else if (!role.exists)
        output_warning(&cli->out,
                       _("\"%s\" has no role \"%s\": without it the certificate lets nobody in"),
                       job->server->name, job->name);
    else if (!role.can_login)
        output_warning(&cli->out, _("the role \"%s\" may not log in to \"%s\" (NOLOGIN)"),
                       job->name, job->server->name);
    else if (role.superuser)
        output_warning(&cli->out, _("the role \"%s\" is a superuser of \"%s\""), job->name,
                       job->server->name);
}

static bool read_secrets(struct cli *cli, struct job *job, struct err *err)
{
    if (!cli_secret_file(cli, OPT_KEY_PASSPHRASE_FILE, &job->key_passphrase, err) ||
        !cli_secret_file(cli, OPT_P12_PASSPHRASE_FILE, &job->p12_passphrase, err))
        return false;
    if ((job->kit.formats & KIT_P12) && !job->p12_passphrase && job->kit.connect)
        job->p12_passphrase = secret_dup(job->key_passphrase); /* as "kit" does it */
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
    const char *advice;

    if (job->old && cert_key_type(job->old->cert) != KEY_OTHER)
        type = cert_key_type(job->old->cert);
    if (name && !key_type_parse(name, &type, err))
        return false;
    advice =
        advice_key_type(type, job->spec.kind == ISSUED_SERVER ? PROFILE_SERVER : PROFILE_CLIENT);
    if (advice)
        output_warning(&cli->out, "%s", advice);
    job->key = key_generate(type, NULL, NULL, err);
    job->spec.key = job->key;
    job->kit.key = job->key;
    return job->key != NULL;
}

/* A certificate whose files an earlier run never wrote: nobody has its key, this one stands for it. */
static bool find_undelivered(struct cli *cli, struct job *job, struct err *err)
{
    struct issued_list list = {0};
    char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];

    job->spec.replaces = job->old;
    if (job->old)
        return true;
    if (!issued_undelivered(cli->store, job->name, 1, &list, err))
        return false;
    if (list.n > 0 && kit_is_there(job->folder, list.rows[0])) { /* stopped before it was said */
        output_note(&cli->out,
                    _("the files of certificate %s are there: it counts as delivered now"),
                    serial_format_hex(hex, &list.rows[0]->serial));
        if (!args_has(cli->args, OPT_DRY_RUN) &&
            !issued_mark_delivered(cli->store, list.rows[0], err)) {
            issued_list_clear(&list);
            return false;
        }
    } else if (list.n > 0 && list.rows[0]->kind == job->spec.kind) {
        job->old = list.rows[0];
        list.n = 0;
        output_note(&cli->out,
                    _("certificate %s of %s was recorded, and its files were never written: this "
                      "one takes its place"),
                    serial_format_hex(hex, &job->old->serial),
                    clock_format_date(date, job->old->created_at));
    }
    job->spec.replaces = job->old;
    issued_list_clear(&list);
    return true;
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
        tell_about_csr(cli, job->csr, job->name);
        job->spec.csr = job->csr;
    }
    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    if (!job->authority)
        job->authority = cli_authority(cli, err);
    if (!job->authority || !read_server(cli, job, err) || !read_programs(cli, job, err) ||
        !find_undelivered(cli, job, err) ||
        !authority_load_parents(cli->store, job->authority, &job->parents, err) ||
        (job->spec.kind == ISSUED_CLIENT && !authority_server_roots(cli->store, &job->roots, err)))
        return false;
    job->kit.key_follows = !job->csr;
    draft.role = mem_strdup(job->name);
    job->kit.issued = &draft;
    job->kit.ca = job->authority->cert;
    job->kit.parents = &job->parents.certs;
    job->kit.roots = &job->roots;
    if (!kit_check(&job->kit, err)) {
        free(draft.role);
        return false;
    }
    free(draft.role);
    job->kit.issued = NULL;
    job->kit.key_follows = false;
    look_up_role(cli, job);
    if (!job->csr && fs_is_in_checkout(job->folder))
        output_warning(&cli->out,
                       _("\"%s\" is in a checkout of git or the like: keep the key out of it"),
                       job->folder);
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
        err_state(err,
                  _("Certificate %s is recorded in the store and its key is gone with this "
                    "run. Nobody has it."),
                  serial_format_hex(hex, &job->issued->serial));
        return false;
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

/* The end of a certificate that was not chosen, but comes from the CA's. */
static void tell_about_end(const struct cli *cli, const struct job *job)
{
    const char *asked = args_value(cli->args, OPT_DAYS);
    char date[CLOCK_TEXT_MAX];

    if (job->issued->not_after != cert_not_after(job->authority->cert))
        return;
    clock_format_date(date, job->issued->not_after);
    if (asked)
        output_warning(
            &cli->out,
            _("%s days are beyond the end of its CA: it ends with it, on %s; \"pgseal ca "
              "renew\" comes first"),
            asked, date);
    else
        output_note(&cli->out, _("it ends with its CA, on %s: \"pgseal ca renew\" comes first"),
                    date);
}

static void report(struct cli *cli, const struct job *job)
{
    char hex[SERIAL_HEX_MAX], date[96];

    tell_about_end(cli, job);

    if (cli->out.json) {
        json_t *document = record_issued(job->issued);
        json_object_set_new(document, "files", files_json(&job->files));
        if (job->old)
            json_object_set_new(document, "replaces",
                                json_string(serial_format_hex(hex, &job->old->serial)));
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
    for (size_t i = 0; i < job->files.n_more; i++)
        output_line(&cli->out, "        %s", job->files.more[i]);
    print_file(&cli->out, job->files.readme, "0644", _("how to use them"));
}

static bool issue(struct cli *cli, struct job *job, struct err *err)
{
    bool done = prepare(cli, job, err);

    if (done && args_has(cli->args, OPT_DRY_RUN))
        output_note(&cli->out,
                    _("would issue a %s certificate for \"%s\" by the CA \"%s\" into "
                      "\"%s\""),
                    issued_kind_name(job->spec.kind), job->name, job->authority->name, job->folder);
    else if (done)
        done = make(cli, job, err);
    if (done && job->issued)
        report(cli, job);
    job_clear(job);
    return done;
}

bool run_issue_client(struct cli *cli, struct err *err)
{
    struct job job = {.name = cli->args->names[0],
                      .spec = {.kind = ISSUED_CLIENT, .role = cli->args->names[0]}};

    if (!name_check_common_name(cli->args->names[0], err))
        return false;
    return issue(cli, &job, err);
}

bool run_issue_server(struct cli *cli, struct err *err)
{
    struct job job = {
        .name = cli->args->names[0],
        .spec = {.kind = ISSUED_SERVER, .hosts = cli->args->names, .n_hosts = cli->args->n_names}};

    return issue(cli, &job, err);
}

/* ---- renew ---- */

/* What the next certificate takes over from the old one. */
static bool take_over(struct cli *cli, struct job *job, struct err *err)
{
    const struct issued *old = job->old;
    char date[CLOCK_TEXT_MAX];
    int64_t days = (old->not_after - old->not_before + CLOCK_DAY / 2) / CLOCK_DAY;

    if (old->kind != ISSUED_CLIENT && old->kind != ISSUED_SERVER)
        return err_set(err, ERR_POLICY, _("canaries are renewed with their CA"));
    if (old->revoked_at != 0) {
        err_set(err, ERR_REVOKED_ALREADY, _("the certificate of \"%s\" was revoked on %s"),
                old->role, clock_format_date(date, old->revoked_at));
        return err_hint(err, _("\"pgseal issue\" makes a new one."));
    }
    job->name = old->role;
    job->spec.kind = old->kind;
    job->spec.role = old->role;
    job->spec.note = old->note;
    job->spec.usual_days = (int)(days < 1 ? 1 : days > ISSUE_MAX_DAYS ? ISSUE_MAX_DAYS : days);
    if (!args_has(cli->args, OPT_OUT))
        job->folder = dated_folder(old->role);
    return true;
}

/* A server's names are those of the old certificate. */
static bool take_hosts(struct job *job, const char ***ret_hosts, struct err *err)
{
    const char **hosts;

    if (!cert_san(job->old->cert, &job->san, err))
        return false;
    hosts = mem_array(job->san.n + 1, sizeof(*hosts));
    hosts[0] = job->old->role;
    for (size_t i = 0; i < job->san.n; i++)
        hosts[i + 1] = job->san.entries[i].text;
    job->spec.hosts = hosts;
    job->spec.n_hosts = job->san.n + 1;
    *ret_hosts = hosts;
    return true;
}

/* The CA that issued it, unless another one is named or that one issues no more. */
static bool choose_authority(struct cli *cli, struct job *job, struct err *err)
{
    if (!args_has(cli->args, OPT_CA)) {
        job->authority = authority_load_id(cli->store, job->old->authority_id, err);
        if (!job->authority)
            return false;
        if (!job->authority->retired)
            return true;
        authority_free(job->authority);
    }
    job->authority = cli_authority(cli, err);
    return job->authority != NULL;
}

bool run_renew(struct cli *cli, struct err *err)
{
    struct job job = {.host = NULL};
    const char **hosts = NULL;
    char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];
    bool done;
    bool was_delivered;
    struct serial serial;
    int64_t not_after;

    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    job.old = issued_find(cli->store, cli->args->names[0], err);
    if (!job.old)
        return false;
    serial = job.old->serial;
    not_after = job.old->not_after;
    was_delivered = job.old->delivered;
    if (!take_over(cli, &job, err) || !choose_authority(cli, &job, err) ||
        (job.spec.kind == ISSUED_SERVER && !take_hosts(&job, &hosts, err))) {
        job_clear(&job);
        return false;
    }
    done = issue(cli, &job, err);
    free(hosts);
    if (done && !args_has(cli->args, OPT_DRY_RUN) && was_delivered && not_after > clock_now())
        output_note(&cli->out,
                    _("the old one, %s, stays valid until %s; when the new one is in use:\n"
                      "next   pgseal revoke %s --reason superseded"),
                    serial_format_hex(hex, &serial), clock_format_date(date, not_after), hex);
    return done;
}
