/* admin_login.c - the administrator's connection of a job that only looks. */
#include "config.h"

#include "screens/admin_login.h"

static bool cancelled(void *arg)
{
    return job_cancelled(arg);
}

struct conn *admin_login(const struct server *server, const struct secret *password,
                         struct job *job, bool *ret_wants_password, struct err *err)
{
    struct params *params = params_parse(server->conninfo, err);
    struct conn_options options = {.password = password,
                                   .connect_timeout_ms = ADMIN_LOGIN_MS,
                                   .cancelled = cancelled,
                                   .cancelled_arg = job,
                                   .ret_needs_password = ret_wants_password};
    struct conn *conn = NULL;

    if (params != NULL && conn_resolve(params, err))
        conn = conn_open(params, &options, err);
    params_free(params);
    return conn;
}
