/* check_job.c - the chosen server looked at from all sides. */
#include "config.h"

#include "screens/check_job.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/health/member_check.h"
#include "screens/admin_login.h"
#include "screens/server_state.h"

/* The look at one; NULL: it was not reached, and that is a finding. */
static struct member_look *look_at(struct check_job *self, struct job *job,
                                   const struct server *member, const struct server *chosen,
                                   struct conn *conn)
{
    struct err err = ERR_INIT;
    struct conn *own = NULL;
    struct member_look *look = NULL;
    bool ignored = false;

    if (member->id != chosen->id)
        own = admin_login(member, self->password, job, &ignored, &err);
    if (own != NULL || member->id == chosen->id)
        look = member_look(member, own != NULL ? own : conn, &err);
    conn_close(own);
    if (look == NULL)
        finding_add(&self->check.findings, FINDING_ERROR, err.code, member->name, "%s", err.msg);
    return look;
}

/* What a failover would find: the other members side by side with this one. */
static bool add_members(struct check_job *self, struct job *job, struct store *store,
                        const struct server *chosen, struct conn *conn, struct err *err)
{
    struct server_list members = {NULL, 0};
    struct member_look **looks;
    bool good;

    if (!server_members(store, chosen->cluster, &members, err))
        return false;
    looks = mem_array(members.n + 1, sizeof(struct member_look *));
    for (size_t i = 0; i < members.n; i++)
        looks[i] = look_at(self, job, members.rows[i], chosen, conn);
    good = members_compare(store, &members, looks, &self->check.findings, err);
    for (size_t i = 0; i < members.n; i++)
        member_look_free(looks[i]);
    free(looks);
    self->n_members = members.n;
    server_list_clear(&members);
    return good;
}

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
        if (self->ok && server->cluster[0] != '\0' &&
            !add_members(self, job, store, server, conn, &self->err)) {
            server_check_clear(&self->check);
            self->ok = false;
        }
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
