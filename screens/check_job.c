/* check_job.c - the chosen server looked at from all sides. */
#include "config.h"

#include "screens/check_job.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "screens/admin_login.h"
#include "screens/server_state.h"

static void check_run(struct job *job, void *data)
{
    struct check_job *self = data;
    struct server_check_request request = {.within_days = 0};
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    struct server *server = store != NULL ? server_load(store, self->server, &self->err) : NULL;
    struct conn *conn =
        server != NULL ? admin_login(server, self->password, job, &self->wants_password, &self->err)
                       : NULL;
    char *host = NULL;

    if (conn != NULL && server_tls_address(server, &host, &request.tls_port, &self->err)) {
        request.store = store;
        request.server = server;
        request.admin = conn;
        request.tls_host = host;
        self->ok = server_check(&request, &self->check, &self->err);
    }
    free(host);
    conn_close(conn);
    server_free(server);
    store_close(store);
}

void check_job_free(void *data)
{
    struct check_job *self = data;

    if (self == NULL)
        return;
    if (self->ok)
        server_check_clear(&self->check);
    secret_free(self->password);
    free(self->store_folder);
    free(self->server);
    free(self);
}

static const struct job_ops check_ops = {"check of a server", check_run, check_job_free};

struct job *check_job_start(struct app *app, void *owner, struct secret *password)
{
    struct check_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->server = mem_strdup(app_server(app));
    self->password = password;
    return job_start(app_loop(app), owner, &check_ops, self);
}
