/* servers_job.c - all servers of the store, one tried, added or forgotten; in jobs. */
#include "config.h"

#include "screens/servers_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/roles.h"
#include "core/store/journal.h"

#define CONNECT_MS 8000

/* ---- the list ---- */

static char *trusted_names(struct store *store, const struct server *server, struct err *err)
{
    struct authority_list trusts = {.n = 0};
    struct strbuf names = STRBUF_INIT;

    if (server_trusts(store, server, &trusts, err)) {
        for (size_t i = 0; i < trusts.n; i++)
            strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", trusts.rows[i]->name);
    }
    authority_list_clear(&trusts);
    return strbuf_steal(&names);
}

static void count_open(struct servers_job *self, struct store *store)
{
    struct journal_plan_list plans = {.n = 0};

    if (!journal_open_plans(store, &plans, &self->err))
        return;
    for (size_t i = 0; i < plans.n; i++) {
        for (size_t j = 0; j < self->servers.n; j++)
            self->plans[j] += text_equal(plans.rows[i]->server, self->servers.rows[j]->name);
    }
    journal_plan_list_clear(&plans);
}

static void list_run(struct job *job, void *data)
{
    struct servers_job *self = data;
    struct authority_list ours = {.n = 0};
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    if (store == NULL) {
        if (self->err.code == ERR_NO_STORE) /* no server yet */
            self->err = (struct err)ERR_INIT;
        return;
    }
    if (authority_list(store, &ours, &self->err) &&
        server_list(store, &self->servers, &self->err)) {
        self->states = mem_array(self->servers.n + 1, sizeof(*self->states));
        self->trusts = mem_array(self->servers.n + 1, sizeof(*self->trusts));
        self->plans = mem_array(self->servers.n + 1, sizeof(*self->plans));
        for (size_t i = 0; i < self->servers.n; i++)
            self->trusts[i] = trusted_names(store, self->servers.rows[i], &self->err);
        count_open(self, store);
    }
    store_close(store);
    for (size_t i = 0; self->probe && i < self->servers.n && !job_cancelled(job); i++)
        self->states[i] = server_state_ask(self->servers.rows[i], &ours);
    authority_list_clear(&ours);
}

void servers_job_free(void *data)
{
    struct servers_job *self = data;

    if (self == NULL)
        return;
    for (size_t i = 0; self->trusts != NULL && i < self->servers.n; i++)
        free(self->trusts[i]);
    free(self->trusts);
    free(self->plans);
    free(self->states);
    server_list_clear(&self->servers);
    free(self->store_folder);
    free(self);
}

static const struct job_ops list_ops = {"servers: list", list_run, servers_job_free};

struct job *servers_job_start(struct app *app, void *owner, bool probe)
{
    struct servers_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->probe = probe;
    return job_start(app_loop(app), owner, &list_ops, self);
}

/* ---- one is tried ---- */

static bool cancelled(void *arg)
{
    return job_cancelled(arg);
}

static struct conn *log_in(struct server_try *self, struct job *job)
{
    struct params *params = params_parse(self->server->conninfo, &self->err);
    struct conn_options options = {.password = self->password,
                                   .connect_timeout_ms = CONNECT_MS,
                                   .cancelled = cancelled,
                                   .cancelled_arg = job,
                                   .ret_needs_password = &self->wants_password};
    struct conn *conn = NULL;

    if (params != NULL && conn_resolve(params, &self->err))
        conn = conn_open(params, &options, &self->err);
    params_free(params);
    return conn;
}

static bool look(struct server_try *self, struct conn *conn)
{
    struct role_rights rights;
    char identifier[32];

    if (!conn_system_identifier(conn, identifier, &self->err) ||
        !roles_own_rights(conn, &rights, &self->err))
        return false;
    free(self->server->system_identifier);
    self->server->system_identifier = mem_strdup(identifier);
    self->version = conn_server_version(conn);
    text_clean_copy(self->role, sizeof(self->role), rights.name);
    self->superuser = rights.superuser;
    self->may_write_files = rights.may_write_files;
    self->tls = conn_uses_tls(conn);
    return true;
}

static void try_run(struct job *job, void *data)
{
    struct server_try *self = data;
    struct authority_list ours = {.n = 0};
    struct err ignored = ERR_INIT; /* without a store there are no CAs to look for */
    struct conn *conn = log_in(self, job);
    struct store *store;

    if (conn == NULL)
        return;
    self->ok = look(self, conn);
    conn_close(conn);
    if (!self->ok)
        return;
    store = store_open(self->store_folder, STORE_READ, &ignored);
    if (store != NULL && !authority_list(store, &ours, &ignored))
        ours.n = 0;
    store_close(store);
    self->state = server_state_ask(self->server, &ours);
    authority_list_clear(&ours);
}

void server_try_free(void *data)
{
    struct server_try *self = data;

    if (self == NULL)
        return;
    server_free(self->server);
    secret_free(self->password);
    free(self->store_folder);
    free(self);
}

static const struct job_ops try_ops = {"servers: try one", try_run, server_try_free};

struct job *server_try_start(struct app *app, void *owner, struct server *server,
                             struct secret *password)
{
    struct server_try *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->server = server;
    self->password = password;
    return job_start(app_loop(app), owner, &try_ops, self);
}

/* ---- the store ---- */

static void store_run(struct job *job, void *data)
{
    struct server_store_job *self = data;
    struct store *store =
        store_open(self->store_folder, self->add != NULL ? STORE_CREATE : STORE_WRITE, &self->err);

    (void)job;
    self->ok = store != NULL && (self->add == NULL || server_add(store, self->add, &self->err)) &&
               (self->remove == NULL || server_remove(store, self->remove, &self->err));
    store_close(store);
}

void server_store_free(void *data)
{
    struct server_store_job *self = data;

    if (self == NULL)
        return;
    server_free(self->add);
    free(self->remove);
    free(self->store_folder);
    free(self);
}

static const struct job_ops store_ops = {"servers: store", store_run, server_store_free};

struct job *server_store_start(struct app *app, void *owner, struct server *add, const char *remove)
{
    struct server_store_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->add = add;
    self->remove = mem_strdup(remove);
    return job_start(app_loop(app), owner, &store_ops, self);
}
