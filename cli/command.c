#include "config.h"

#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/address.h"

#define TRIES 3

void cli_clear(struct cli *cli)
{
    store_close(cli->store);
    secret_free(cli->passphrase);
    json_decref(cli->out.done);
    cli->out.done = NULL;
    cli->store = NULL;
    cli->passphrase = NULL;
}

int cli_exit_code(enum err_code code)
{
    if (code == ERR_USAGE || code == ERR_NEEDS_ANSWER || code == ERR_BAD_VALUE ||
        code == ERR_BAD_NAME || code == ERR_CONFIRM || code == ERR_CA_CHOOSE ||
        code == ERR_LIBPQ_OLD || code == ERR_ANSWERS)
        return EXIT_USAGE;
    if (code == ERR_REFUSED_BY_USER)
        return EXIT_SAID_NO;
    if (code == ERR_TERMINAL || code == ERR_TERMINAL_GONE)
        return EXIT_TERMINAL;
    return EXIT_FAILED;
}

bool cli_store(struct cli *cli, enum store_mode mode, struct err *err)
{
    char *folder;

    if (cli->store)
        return true;
    folder = store_choose_folder(args_value(cli->args, OPT_STORE), err);
    if (!folder)
        return false;
    cli->store = store_open(folder, mode, err);
    free(folder);
    return cli->store != NULL;
}

bool cli_store_if_any(struct cli *cli, struct err *err)
{
    struct err missing = ERR_INIT;

    if (cli_store(cli, STORE_READ, &missing))
        return true;
    if (missing.code == ERR_NO_STORE)
        return true;
    *err = missing;
    return false;
}

struct authority *cli_authority(struct cli *cli, struct err *err)
{
    const struct args_values *given = &cli->args->options[OPT_CA];

    if (given->n > 1) {
        err_set(err, ERR_USAGE, _("\"--ca\" was given twice"));
        return NULL;
    }
    return authority_load(cli->store, args_value(cli->args, OPT_CA), err);
}

bool cli_secret_file(struct cli *cli, enum option option, struct secret **ret, struct err *err)
{
    const char *path = args_value(cli->args, option);

    *ret = NULL;
    if (!path)
        return true;
    *ret = secret_read_file(path, err);
    return *ret != NULL;
}

bool cli_given_passphrase(struct cli *cli, struct secret **ret, struct err *err)
{
    int64_t fd;

    *ret = NULL;
    if (args_has(cli->args, OPT_PASSPHRASE_FILE) && args_has(cli->args, OPT_PASSPHRASE_FD))
        return err_set(err, ERR_USAGE,
                       _("\"--passphrase-file\" and \"--passphrase-fd\" exclude each other"));
    if (!args_has(cli->args, OPT_PASSPHRASE_FD))
        return cli_secret_file(cli, OPT_PASSPHRASE_FILE, ret, err);
    if (!args_int(cli->args, OPT_PASSPHRASE_FD, 0, 1023, 0, &fd, err))
        return false;
    *ret = secret_read_fd((int)fd, err);
    return *ret != NULL;
}

struct key *cli_unlock(struct cli *cli, const struct authority *authority, struct err *err)
{
    struct key *key = NULL;
    char prompt[160];

    if (!authority->key_encrypted)
        return authority_unlock(cli->store, authority, NULL, err);
    if (!cli->passphrase && !cli_given_passphrase(cli, &cli->passphrase, err))
        return NULL;
    if (cli->passphrase) {
        bool given =
            args_has(cli->args, OPT_PASSPHRASE_FILE) || args_has(cli->args, OPT_PASSPHRASE_FD);

        key = authority_unlock(cli->store, authority, cli->passphrase, err);
        if (key || given || err->code != ERR_PASSPHRASE)
            return key;
        /* typed for another CA of this run: this one has its own */
    }
    snprintf(prompt, sizeof(prompt), _("Passphrase of the CA \"%s\""), authority->name);
    for (int i = 0; i < TRIES && !key; i++) {
        if (i > 0)
            output_note(&cli->out, _("problem: this passphrase does not open the key."));
        secret_free(cli->passphrase);
        cli->passphrase = ask_secret(cli, prompt, "--passphrase-file=FILE", err);
        if (!cli->passphrase)
            return NULL;
        key = authority_unlock(cli->store, authority, cli->passphrase, err);
        if (!key && err->code != ERR_PASSPHRASE)
            return NULL;
    }
    return key;
}

/* A server that is in no store: a connection string, or the name of a service. */
static struct server *unknown_server(const char *name, struct err *err)
{
    struct params *params = params_parse(name, err);
    struct strbuf conninfo = STRBUF_INIT;
    struct server *server;
    const char *host;

    if (!params)
        return NULL;
    if (!params_format(params, &conninfo, err)) {
        params_free(params);
        strbuf_clear(&conninfo);
        return NULL;
    }
    host = params_get(params, "host") ? params_get(params, "host") : params_get(params, "service");
    server = mem_zalloc(sizeof(*server));
    server->name = mem_strdup(host ? host : "local");
    server->conninfo = strbuf_steal(&conninfo);
    server->tls_host = mem_strdup("");
    server->provider = mem_strdup("self-managed");
    server->system_identifier = mem_strdup("");
    server->cluster = mem_strdup("");
    params_free(params);
    return server;
}

static bool is_service(const char *name)
{
    struct err ignored = ERR_INIT;
    struct params *params = params_parse(name, &ignored);
    char *host = NULL, *port = NULL;
    bool found = params && params_get(params, "service") &&
                 conn_effective_host(params, &host, &port, &ignored);

    params_free(params);
    free(host);
    free(port);
    return found;
}

struct server *cli_server(struct cli *cli, const char *name, struct err *err)
{
    struct server *server = NULL;

    if (strchr(name, '=') || strstr(name, "://"))
        return unknown_server(name, err);
    if (cli->store)
        server = server_load(cli->store, name, err);
    else
        err_set(err, ERR_SERVER_UNKNOWN, _("there is no server \"%s\": no store here yet"), name);
    if (!server && err->code == ERR_SERVER_UNKNOWN && is_service(name))
        server = unknown_server(name, err);
    return server;
}

struct conn *cli_connect(struct cli *cli, struct server *server, struct secret **ret_password,
                         struct err *err)
{
    struct params *params = params_parse(server->conninfo, err);
    struct secret *password = NULL;
    struct conn *conn = NULL;
    char identifier[32];
    bool wants_password = false;
    struct conn_options options = {.ret_needs_password = &wants_password};

    if (!params)
        return NULL;
    conn = conn_open(params, &options, err);
    if (!conn && wants_password && ask_possible(cli)) {
        char prompt[160];
        snprintf(prompt, sizeof(prompt), _("Password for the server \"%s\""), server->name);
        password = ask_secret(cli, prompt, _("it in ~/.pgpass"), err);
        if (!password)
            goto out;
        options.password = password;
        conn = conn_open(params, &options, err);
    }
    if (!conn)
        goto out;
    if (server->id != 0 &&
        (!conn_system_identifier(conn, identifier, err) ||
         (*identifier && !server_check_identifier(cli->store, server, identifier, err)))) {
        conn_close(conn);
        conn = NULL;
    }
    if (conn && ret_password) {
        *ret_password = password;
        password = NULL;
    }
out:
    secret_free(password);
    params_free(params);
    return conn;
}

void cli_warn_unverified(const struct cli *cli, const struct server *server,
                         const struct conn *conn)
{
    if (!conn_is_superuser(conn) || conn_is_verified(conn))
        return;
    output_warning(
        &cli->out,
        conn_uses_tls(conn)
            ? _("you are a superuser on \"%s\", and nothing checks that it is that "
                "server: add sslmode=verify-full and sslrootcert=FILE to its connection "
                "string")
            : _("you are a superuser on \"%s\", and all of it can be read and changed on "
                "the way: use TLS with sslmode=verify-full, or a socket"),
        server->name);
}

bool cli_parse_address(const char *text, char **ret_host, int *ret_port, struct err *err)
{
    const char *colon = strrchr(text, ':');
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
    const char *host = text;
    size_t host_len = strlen(text);
    int64_t port;

    if (bracket) {
        host = text + 1;
        host_len = (size_t)(bracket - host);
        colon = bracket[1] == ':' ? bracket + 1 : NULL;
        if (!colon && bracket[1] != '\0')
            return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not HOST or HOST:PORT"), text);
    } else if (colon && strchr(text, ':') != colon) {
        colon = NULL; /* an IPv6 address without brackets */
    } else if (colon) {
        host_len = (size_t)(colon - text);
    }
    if (host_len == 0)
        return err_set(err, ERR_BAD_VALUE, _("\"%s\" is not HOST or HOST:PORT"), text);
    if (colon) {
        if (!text_parse_int(colon + 1, 1, 65535, &port))
            return err_set(err, ERR_BAD_VALUE, _("\"%s\" has no port from 1 to 65535"), text);
        *ret_port = (int)port;
    }
    *ret_host = mem_strndup(host, host_len);
    return true;
}

bool cli_tls_address(const struct server *server, char **ret_host, int *ret_port, struct err *err)
{
    return plan_tls_address(server, ret_host, ret_port, err);
}

bool cli_may_change_servers(struct cli *cli, struct err *err)
{
    if (!args_has(cli->args, OPT_READ_ONLY))
        return true;
    err_set(err, ERR_USAGE, _("\"--read-only\" forbids what \"pgseal %s\" is for"),
            cli->args->command->name);
    return err_hint(err, _("Leave --read-only out, or look with --dry-run."));
}

bool cli_read_input(const char *path, size_t max, struct strbuf *out, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return fs_read_fd(STDIN_FILENO, _("standard input"), max, out, err);
    return fs_read(path, max, out, err);
}

bool cli_write_export(struct cli *cli, const struct strbuf *bytes, json_t *document,
                      struct err *err)
{
    const char *path = args_value(cli->args, OPT_OUT);
    bool to_file = path && strcmp(path, "-") != 0;
    bool dry_run = args_has(cli->args, OPT_DRY_RUN);
    bool done = false;

    if (cli->out.json && !to_file && args_has(cli->args, OPT_DER)) {
        err_set(err, ERR_USAGE, _("\"--der\" with \"--json\" wants \"--out\": JSON is text"));
        goto out;
    }
    if (to_file && !dry_run && !fs_write_new(path, bytes->data, bytes->len, FS_MODE_PUBLIC, err))
        goto out;
    if (to_file)
        output_note(&cli->out, dry_run ? _("would write \"%s\"") : _("wrote \"%s\""), path);
    if (cli->out.json) {
        json_object_set_new(document, to_file ? "file" : "pem",
                            json_string_or_empty(to_file ? path : bytes->data));
        output_json(document, false);
        document = NULL;
    } else if (!to_file) {
        fwrite(bytes->data, 1, bytes->len, stdout);
    }
    done = true;
out:
    json_decref(document);
    return done;
}
