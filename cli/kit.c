/* kit.c - "kit": what a program needs to log in with a certificate that exists, tried and written. */
#include "config.h"

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

struct job {
    struct handover_request request;
    struct handover kit;
    struct server_list servers;
    struct trust_file added;
    struct secret *passphrase, *p12_passphrase;
    char *folder;
    struct kit_files files;
    bool written;
};

static void job_clear(struct job *job)
{
    handover_clear(&job->kit);
    server_list_clear(&job->servers);
    trust_file_clear(&job->added);
    kit_files_clear(&job->files);
    secret_free(job->passphrase);
    secret_free(job->p12_passphrase);
    free(job->folder);
}

/* ---- what is asked for ---- */

/* A cluster stands for its members. */
static bool add_server(struct cli *cli, struct job *job, const char *name, struct err *err)
{
    struct server_list list = {.n = 0};
    bool is_cluster = false;

    if (cli->store && !server_is_cluster(cli->store, name, &is_cluster, err))
        return false;
    if (is_cluster) {
        if (!server_members(cli->store, name, &list, err))
            return false;
    } else {
        struct server *server = cli_server(cli, name, err);

        if (!server)
            return false;
        list.rows = mem_array(1, sizeof(struct server *));
        list.rows[list.n++] = server;
    }
    for (size_t i = 0; i < list.n; i++) {
        job->servers.rows =
            mem_realloc_array(job->servers.rows, job->servers.n + 1, sizeof(struct server *));
        job->servers.rows[job->servers.n++] = list.rows[i];
    }
    free(list.rows);
    return true;
}

static bool add_roots(struct job *job, const char *path, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    unsigned cleaned = 0;
    bool good =
        cli_read_input(path, PEM_SCAN_MAX, &text, err) &&
        trust_file_add_text(&job->added, text.data, text.len, path, clock_now(), &cleaned, err);

    strbuf_wipe(&text);
    return good;
}

static bool read_flags(struct cli *cli, struct job *job, struct err *err)
{
    const struct args *args = cli->args;
    const char *clients = NULL, *server = NULL;
    const char *out = args_value(args, OPT_OUT);
    struct handover_request *request = &job->request;
    char *base;

    request->role = args->names[0];
    if (!text_is_clean(request->role) || !*request->role) {
        err_set(err, ERR_BAD_NAME, _("this name of a role cannot be written into a program"));
        return err_hint(err, _("A line end or a control character is in it."));
    }
    if (!args_need(args, OPT_SERVER, &server, err) || !args_need(args, OPT_FOR, &clients, err) ||
        !kit_clients_parse(clients, &request->clients, err) ||
        !issue_parse_formats(args_value(args, OPT_FORMAT), &request->formats, err))
        return false;
    request->cert_file = args_value(args, OPT_CERT);
    request->key_file = args_value(args, OPT_KEY);
    request->database = args_value(args, OPT_DATABASE);
    request->at = args_value(args, OPT_AT);
    if (!request->key_file &&
        (args_has(args, OPT_KEY_PASSPHRASE_FILE) || args_has(args, OPT_P12_PASSPHRASE_FILE) ||
         (request->formats & (KIT_P12 | KIT_PK8))))
        return err_set(err, ERR_USAGE,
                       _("--format p12 or pk8 and the passphrases go with --key FILE"));
    base = kit_file_base(request->role, ISSUED_CLIENT);
    job->folder = out ? mem_strdup(out) : mem_printf("./%s-kit", base);
    request->folder = job->folder;
    free(base);
    return true;
}

static bool read_secrets(struct cli *cli, struct job *job, struct err *err)
{
    if (!cli_secret_file(cli, OPT_KEY_PASSPHRASE_FILE, &job->passphrase, err) ||
        !cli_secret_file(cli, OPT_P12_PASSPHRASE_FILE, &job->p12_passphrase, err))
        return false;
    job->request.passphrase = job->passphrase;
    job->request.p12_passphrase = job->p12_passphrase;
    return true;
}

/* The key may turn out to have a passphrase: then it is asked for, once. */
static bool read_all(struct cli *cli, struct job *job, struct err *err)
{
    const struct handover_request *request = &job->request;
    char *prompt;

    if (handover_read(cli->store, request, &job->kit, err))
        return true;
    if (err->code != ERR_PASSPHRASE || !job->kit.key_locked || job->passphrase)
        return false;
    handover_clear(&job->kit);
    *err = (struct err)ERR_INIT;
    prompt = mem_printf(_("Passphrase of \"%s\""), request->key_file);
    job->passphrase = ask_secret(cli, prompt, "--key-passphrase-file=FILE", err);
    free(prompt);
    job->request.passphrase = job->passphrase;
    return job->passphrase && handover_read(cli->store, request, &job->kit, err);
}

static bool prepare(struct cli *cli, struct job *job, struct err *err)
{
    const struct args_values *servers = &cli->args->options[OPT_SERVER];
    const struct args_values *added = &cli->args->options[OPT_ADD];
    bool good =
        read_flags(cli, job, err) &&
        (job->request.cert_file ? cli_store_if_any(cli, err) : cli_store(cli, STORE_READ, err));

    for (size_t i = 0; good && i < servers->n; i++)
        good = add_server(cli, job, servers->items[i], err);
    for (size_t i = 0; good && i < added->n; i++)
        good = add_roots(job, added->items[i], err);
    job->request.servers = &job->servers;
    job->request.added = &job->added;
    return good && read_secrets(cli, job, err) && read_all(cli, job, err) &&
           ((job->kit.formats & KIT_P12) == 0 || job->kit.key_locked || job->p12_passphrase ||
            (job->p12_passphrase = ask_new_secret(cli, _("New passphrase for the PKCS#12 file"),
                                                  "--p12-passphrase-file=FILE", err)) != NULL);
}

/* ---- what is said ---- */

static void tell_before(struct cli *cli, const struct job *job)
{
    const struct output *output = &cli->out;
    const struct issued *issued = job->kit.issued;
    char hex[SERIAL_HEX_MAX], date[96];

    output_note(output, _("[ok] certificate %s of \"%s\", valid until %s"),
                serial_format_hex(hex, &issued->serial), issued->role,
                record_date(date, sizeof(date), issued->not_after));
    if (job->kit.other_name)
        output_warning(output,
                       _("the certificate says \"%s\", not \"%s\": it gets in only where a map in "
                         "pg_ident.conf joins the two"),
                       issued->role, job->request.role);
    for (size_t i = 0; i < job->servers.n; i++)
        if (text_equal(job->servers.rows[i]->provider, "aurora"))
            output_warning(output,
                           _("\"%s\" is RDS or Aurora: it cannot check client certificates, and "
                             "asks for a password or a token"),
                           job->servers.rows[i]->name);
    if (!args_has(cli->args, OPT_DATABASE))
        output_note(output, _("[--] database \"%s\": --database names another one"),
                    job->kit.database);
    if (fs_is_in_checkout(job->folder))
        output_warning(output,
                       _("\"%s\" is in a checkout of git or the like: keep the key out of it"),
                       job->folder);
}

static void tell_try(const struct output *output, const struct handover_server *server)
{
    if (!server->reached)
        output_warning(output, _("not tried on \"%s\": %s"), server->name, server->why);
    else if (!server->verify_ca)
        output_warning(output,
                       _("a client with this kit will not trust \"%s\": %s; --add FILE gives the "
                         "CA of its certificate"),
                       server->name, server->why);
    else if (!server->verify_full)
        output_warning(output,
                       _("a client with this kit will not trust \"%s\" under its address: %s"),
                       server->name, server->why);
    else
        output_note(output, _("[ok] \"%s\" (%s, port %d) is trusted: verify-full"), server->name,
                    server->host, server->port);
}

static void tell_login(const struct output *output, const struct job *job,
                       const struct handover_server *server)
{
    switch (server->login) {
    case HANDOVER_NOT_TRIED:
        break;
    case HANDOVER_IN:
        if (server->used_cert)
            output_note(output, _("[ok] logged in to \"%s\" as \"%s\" with the certificate"),
                        server->name, job->request.role);
        else
            output_warning(output,
                           _("logged in to \"%s\" as \"%s\", and the server did not ask for the "
                             "certificate"),
                           server->name, job->request.role);
        break;
    case HANDOVER_PASSWORD:
        output_note(output, _("[..] \"%s\" asks for a password too, or for that alone"),
                    server->name);
        break;
    case HANDOVER_REFUSED:
        output_warning(output, _("\"%s\" refused the login as \"%s\": %s"), server->name,
                       job->request.role, server->why);
        output_note(output, _("next   pgseal doctor finds out why"));
        break;
    }
}

static void print_file(const struct output *output, const char *path, const char *mode,
                       const char *what)
{
    if (path && *path)
        output_line(output, "  %s  %s  %s", mode, path, what);
}

static void print_files(const struct output *output, const struct job *job)
{
    const struct kit_files *files = &job->files;

    output_line(output, _("kit for \"%s\" written"), job->request.role);
    print_file(output, files->certificate, "0644", _("certificate"));
    print_file(output, files->key, "0600",
               job->kit.key_locked ? _("private key, with its passphrase")
                                   : _("private key: SECRET, no passphrase"));
    print_file(output, files->root, "0644", _("the CAs of the servers"));
    print_file(output, files->p12, "0600", _("certificate and key in one (PKCS#12)"));
    print_file(output, files->pk8, "0600", _("private key for Java: SECRET, no passphrase"));
    for (size_t i = 0; i < files->n_more; i++)
        output_line(output, "        %s", files->more[i]);
    print_file(output, files->readme, "0644", _("how to use them"));
    if (!job->kit.key)
        output_note(output, _("[..] the private key is not in it: README.txt says where its owner "
                              "puts it"));
}

/* ---- JSON ---- */

static const char *login_name(enum handover_login login)
{
    static const char *const names[] = {"not-tried", "in", "password", "refused"};

    return names[login];
}

static json_t *servers_json(const struct handover *kit)
{
    json_t *list = json_array();

    for (size_t i = 0; i < kit->n_servers; i++) {
        const struct handover_server *one = &kit->servers[i];

        json_array_append_new(list, json_pack("{s:o, s:o, s:i, s:b, s:b, s:b, s:s, s:b, s:o}",
                                              "server", json_string_or_empty(one->name), "host",
                                              json_string_or_empty(one->host), "port", one->port,
                                              "reached", one->reached, "verify_ca", one->verify_ca,
                                              "verify_full", one->verify_full, "login",
                                              login_name(one->login), "certificate_used",
                                              one->used_cert, "why", json_text(one->why)));
    }
    return list;
}

static void print_json(const struct job *job)
{
    const struct kit_files *files = &job->files;
    json_t *document = record_issued(job->kit.issued);
    json_t *more = json_array(), *clients = json_array();

    for (unsigned i = 0; i < KIT_CLIENTS; i++)
        if (job->request.clients & 1u << i)
            json_array_append_new(clients, json_string(kit_client_name((enum kit_client)i)));
    for (size_t i = 0; i < files->n_more; i++)
        json_array_append_new(more, json_string_or_empty(files->more[i]));
    json_object_set_new(document, "login_role", json_string_or_empty(job->request.role));
    json_object_set_new(document, "database", json_string_or_empty(job->kit.database));
    json_object_set_new(document, "for", clients);
    json_object_set_new(document, "written", json_boolean(job->written));
    json_object_set_new(document, "files",
                        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "certificate",
                                  json_text(files->certificate), "key", json_text(files->key),
                                  "root", json_text(files->root), "p12", json_text(files->p12),
                                  "pk8", json_text(files->pk8), "readme", json_text(files->readme),
                                  "more", more));
    json_object_set_new(document, "servers", servers_json(&job->kit));
    output_json(document, false);
}

/* ---- the command ---- */

static bool make(struct cli *cli, struct job *job, struct err *err)
{
    const struct output *output = &cli->out;

    tell_before(cli, job);
    handover_try(&job->kit);
    for (size_t i = 0; i < job->kit.n_servers; i++)
        tell_try(output, &job->kit.servers[i]);
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(output, _("would write the kit into \"%s\""), job->folder);
        return true;
    }
    if (!handover_write(&job->kit, &job->request, &job->files, err))
        return false;
    job->written = true;
    handover_login(&job->kit, &job->request, &job->files);
    print_files(output, job);
    for (size_t i = 0; i < job->kit.n_servers; i++)
        tell_login(output, job, &job->kit.servers[i]);
    return true;
}

bool run_kit(struct cli *cli, struct err *err)
{
    struct job job = {.written = false};
    bool done;

    trust_file_init(&job.added);
    done = prepare(cli, &job, err);
    if (done)
        job.request.p12_passphrase = job.p12_passphrase;
    done = done && handover_check(&job.kit, &job.request, err) && make(cli, &job, err);
    if (done && cli->out.json)
        print_json(&job);
    if (done && !handover_is_well(&job.kit))
        cli->exit = EXIT_FOUND;
    job_clear(&job);
    return done;
}
