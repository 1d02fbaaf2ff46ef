/* handover_write.c - the kit of a certificate that exists: written, and a login with what was written. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/handover.h"
#include "core/pg/conn.h"

#define LOGIN_MS 5000
/* libpq takes a path below a file as "no such file": nothing of the user's home slips in. */
#define NO_FILE "/dev/null/none"

/* ---- the folder ---- */

struct parts { /* what the spec borrows */
    struct kit_address *servers;
    struct kit_connect connect;
};

static struct kit_spec spec_of(const struct handover *self, const struct handover_request *request,
                               struct parts *parts)
{
    const struct secret *passphrase = self->key_locked ? request->passphrase : NULL;

    parts->servers = mem_array(self->n_servers + 1, sizeof(*parts->servers));
    for (size_t i = 0; i < self->n_servers; i++)
        parts->servers[i] = (struct kit_address){.name = self->servers[i].name,
                                                 .host = self->servers[i].host,
                                                 .port = self->servers[i].port};
    parts->connect = (struct kit_connect){.clients = request->clients,
                                          .servers = parts->servers,
                                          .n_servers = self->n_servers,
                                          .role = request->role,
                                          .database = self->database,
                                          .at = request->at};
    return (struct kit_spec){
        .folder = request->folder,
        .formats = self->formats,
        .issued = self->issued,
        .key = self->key,
        .ca = self->authority != NULL ? self->authority->cert : NULL,
        .parents = self->authority != NULL ? &self->parents.certs : &self->behind,
        .roots = &self->root_list,
        .only_roots = true,
        .key_passphrase = passphrase,
        .p12_passphrase = request->p12_passphrase != NULL ? request->p12_passphrase : passphrase,
        .connect = &parts->connect};
}

bool handover_check(const struct handover *self, const struct handover_request *request,
                    struct err *err)
{
    struct parts parts;
    struct kit_spec spec = spec_of(self, request, &parts);
    bool good = kit_check(&spec, err);

    free(parts.servers);
    return good;
}

bool handover_write(const struct handover *self, const struct handover_request *request,
                    struct kit_files *ret, struct err *err)
{
    struct parts parts;
    struct kit_spec spec = spec_of(self, request, &parts);
    bool good = kit_write(&spec, ret, err);

    free(parts.servers);
    return good;
}

/* ---- a login ---- */

static struct params *login_params(const struct handover *self,
                                   const struct handover_server *server,
                                   const struct handover_request *request,
                                   const struct kit_files *files)
{
    struct params *params = params_new();
    char port[16];

    snprintf(port, sizeof(port), "%d", server->port);
    params_set(params, "host", server->host);
    params_set(params, "port", port);
    params_set(params, "dbname", self->database);
    params_set(params, "user", request->role);
    params_set(params, "gssencmode", "disable");
    params_set(params, "passfile", NO_FILE);
    params_set(params, "sslmode", "verify-full");
    params_set(params, "sslcert", files->certificate);
    params_set(params, "sslkey", files->key);
    params_set(params, "sslrootcert", files->root);
    if (self->key_locked)
        params_set(params, "sslpassword", secret_data(request->passphrase));
    return params;
}

static bool saw_cert(struct conn *conn)
{
    struct err ignored = ERR_INIT; /* it got in: this is for people */
    struct result *result =
        conn_exec(conn,
                  "SELECT client_dn FROM pg_catalog.pg_stat_ssl"
                  " WHERE pid = pg_catalog.pg_backend_pid() AND client_dn IS NOT NULL",
                  0, NULL, &ignored);
    bool seen = result != NULL && result_rows(result) == 1;

    result_free(result);
    return seen;
}

static void log_in(const struct handover *self, struct handover_server *server,
                   const struct handover_request *request, const struct kit_files *files)
{
    struct params *params = login_params(self, server, request, files);
    bool wants_password = false;
    struct conn_options options = {.connect_timeout_ms = LOGIN_MS,
                                   .ret_needs_password = &wants_password};
    struct err err = ERR_INIT;
    struct conn *conn = conn_resolve(params, &err) ? conn_open(params, &options, &err) : NULL;

    params_free(params);
    server->login = conn != NULL     ? HANDOVER_IN
                    : wants_password ? HANDOVER_PASSWORD
                                     : HANDOVER_REFUSED;
    if (conn != NULL)
        server->used_cert = saw_cert(conn);
    else
        text_clean_copy(server->why, sizeof(server->why), err.msg);
    conn_close(conn);
}

void handover_login(struct handover *self, const struct handover_request *request,
                    const struct kit_files *files)
{
    for (size_t i = 0; self->key != NULL && i < self->n_servers; i++)
        if (self->servers[i].reached && self->servers[i].verify_full)
            log_in(self, &self->servers[i], request, files);
}
