/* server_probe.c - "server probe": what a server does on the wire, without a login. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/record.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/greeting.h"
#include "core/pg/handshake.h"

#define DEFAULT_PORT 5432

/* A name of the store, else HOST[:PORT]. */
bool cli_find_address(struct cli *cli, const char *what, char **ret_host, int *ret_port,
                      struct err *err)
{
    struct err unknown = ERR_INIT;
    struct server *server = NULL;
    bool done;

    *ret_port = DEFAULT_PORT;
    if (cli->store)
        server = server_load(cli->store, what, &unknown);
    if (!server)
        return cli_parse_address(what, ret_host, ret_port, err);
    done = cli_tls_address(server, ret_host, ret_port, err);
    if (done && **ret_host == '\0') {
        free(*ret_host);
        *ret_host = NULL;
        err_set(err, ERR_BAD_VALUE, _("the server \"%s\" has no address that clients use"), what);
        done = err_hint(err, _("Give HOST:PORT here, or add the server with --address."));
    }
    server_free(server);
    return done;
}

/* The CAs of the store, to verify the server's chain against. */
static bool read_roots(struct cli *cli, struct cert_list *ret, struct err *err)
{
    struct authority_list list = {0};

    if (!cli->store)
        return true;
    if (!authority_list(cli->store, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++)
        cert_list_take(ret, cert_dup(list.rows[i]->cert));
    authority_list_clear(&list);
    return true;
}

/* A pooler has TLS files of its own, and as a rule no lists of revoked certificates. */
static bool is_pooler(const char *host, int port)
{
    struct err ignored = ERR_INIT; /* the handshake was answered: nothing more to say */
    enum greeting greeting;

    return greeting_ask(host, port, 0, &greeting, &ignored) && greeting == GREETING_POOLER;
}

static json_t *probe_json(const char *host, int port, const struct handshake *seen, bool had_roots)
{
    json_t *chain = json_array();
    json_t *cas = json_array();

    for (size_t i = 0; i < seen->chain.n; i++) {
        json_t *cert = record_cert(seen->chain.certs[i]);
        json_object_set_new(cert, "san", record_san(seen->chain.certs[i]));
        json_array_append_new(chain, cert);
    }
    for (size_t i = 0; i < seen->n_accepted_cas; i++)
        json_array_append_new(cas, json_string_or_empty(seen->accepted_cas[i]));
    return json_pack("{s:o, s:i, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:I}", "host",
                     json_string_or_empty(host), "port", port, "pooler", is_pooler(host, port),
                     "tls", seen->verdict != HANDSHAKE_NO_TLS, "version", json_text(seen->version),
                     "cipher", json_text(seen->cipher), "chain", chain, "verified",
                     had_roots ? json_boolean(seen->verified) : json_null(), "verify_error",
                     json_text(seen->verify_error), "asks_certificate", seen->asks_certificate,
                     "accepted_cas", cas, "took_ms", (json_int_t)seen->took_ms);
}

static void print_chain(const struct output *output, const struct handshake *seen)
{
    for (size_t i = 0; i < seen->chain.n; i++) {
        output_line(output, _("%s"),
                    i == 0 ? _("-- the server's certificate") : _("-- sent with it"));
        record_print_cert(output, seen->chain.certs[i]);
    }
}

static void print_probe(const struct output *output, const char *host, int port,
                        const struct handshake *seen, bool had_roots)
{
    char buffer[300];

    snprintf(buffer, sizeof(buffer), "%s:%d", host, port);
    output_pair(output, _("address"), buffer);
    if (is_pooler(host, port)) {
        output_pair(output, _("answers"), _("a pooler, not PostgreSQL: its TLS files are its own"));
        output_pair(output, "",
                    _("behind PgBouncer there are no revocation lists: what is revoked "
                      "gets in"));
    }
    if (seen->verdict == HANDSHAKE_NO_TLS) {
        output_pair(output, "TLS", _("no: the server answers, and does not speak TLS (ssl = off)"));
        return;
    }
    snprintf(buffer, sizeof(buffer), _("yes, %s, %s"), seen->version, seen->cipher);
    output_pair(output, "TLS", buffer);
    if (!had_roots)
        output_pair(output, _("verified"), _("not checked: the store has no CA"));
    else if (seen->verified)
        output_pair(output, _("verified"), _("yes, by a CA of this store, for this host"));
    else
        output_pair(output, _("verified"), *seen->verify_error ? seen->verify_error : _("no"));
    if (!seen->asks_certificate)
        output_pair(output, _("client CAs"), _("none: it asks for no client certificate"));
    for (size_t i = 0; i < seen->n_accepted_cas; i++)
        output_pair(output, i == 0 ? _("client CAs") : "", seen->accepted_cas[i]);
    print_chain(output, seen);
}

/* *ret_json: with --json the document; else it is printed. */
static bool probe_one(struct cli *cli, const char *name, const struct cert_list *roots,
                      json_t **ret_json, struct err *err)
{
    struct handshake_request request = {.roots = roots->n > 0 ? roots : NULL};
    struct handshake seen = {0};
    char *host = NULL;
    bool done;

    if (!cli_find_address(cli, name, &host, &request.port, err))
        return false;
    request.host = host;
    done = handshake_run(&request, &seen, err);
    if (done) {
        if (cli->out.json)
            *ret_json = probe_json(host, request.port, &seen, roots->n > 0);
        else
            print_probe(&cli->out, host, request.port, &seen, roots->n > 0);
        handshake_clear(&seen);
    }
    free(host);
    return done;
}

/* Each member; one that does not answer is said and is no reason to leave out the others. */
static bool probe_cluster(struct cli *cli, const char *cluster, const struct cert_list *roots,
                          struct err *err)
{
    struct server_list members = {0};
    json_t *documents = json_array();
    size_t answered = 0;

    if (!server_members(cli->store, cluster, &members, err)) {
        json_decref(documents);
        return false;
    }
    for (size_t i = 0; i < members.n; i++) {
        const char *name = members.rows[i]->name;
        json_t *document = NULL;

        output_line(&cli->out, "-- %s", name);
        if (probe_one(cli, name, roots, &document, err)) {
            answered++;
        } else {
            output_line(&cli->out, "[xx] %s", err->msg);
            document = json_pack("{s:o}", "error", json_string_or_empty(err->msg));
            cli->exit = EXIT_FOUND;
        }
        if (document) {
            json_object_set_new(document, "server", json_string_or_empty(name));
            json_array_append_new(documents, document);
        }
    }
    if (cli->out.json && answered > 0)
        output_json(
            json_pack("{s:o, s:O}", "cluster", json_string_or_empty(cluster), "members", documents),
            false);
    if (answered == 0)
        cli->exit = EXIT_FAILED;
    json_decref(documents);
    server_list_clear(&members);
    return answered > 0;
}

bool run_server_probe(struct cli *cli, struct err *err)
{
    const char *name = cli->args->names[0];
    struct cert_list roots;
    json_t *document = NULL;
    bool is_cluster = false;
    bool done = false;

    cert_list_init(&roots);
    if (!cli_store_if_any(cli, err) || !read_roots(cli, &roots, err) ||
        (cli->store && !server_is_cluster(cli->store, name, &is_cluster, err)))
        goto out;
    done = is_cluster ? probe_cluster(cli, name, &roots, err)
                      : probe_one(cli, name, &roots, &document, err);
    if (document)
        output_json(document, false);
out:
    cert_list_clear(&roots);
    return done;
}
