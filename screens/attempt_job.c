/* attempt_job.c - the job of a change: logs in, and gives the work to the part whose kind it is. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/attempt_parts.h"
#include "screens/server_state.h"

/* The store and the server; the login to it, or to all members of its cluster. */
static bool connect(struct attempt_run *run, struct err *err)
{
    struct attempt_view *view;

    run->store = store_open(run->attempt->store_folder, STORE_WRITE, err);
    if (run->store == NULL)
        return false;
    run->server = server_load(run->store, run->attempt->server, err);
    if (run->server == NULL)
        return false;
    if (attempt_has_members(run)) /* they are logged in to one after the other */
        return true;
    if (!server_tls_address(run->server, &run->tls_host, &run->target.tls_port, err))
        return false;
    if (run->tls_host[0] == '\0') {
        err_set(err, ERR_BAD_VALUE, _("the server \"%s\" has no address that clients use"),
                run->server->name);
        return err_hint(err, _("A change is proven on the wire. Remove the server and add it again "
                               "with its TLS address."));
    }
    view = attempt_run_lock(run);
    view->production = run->server->production;
    free(view->where);
    view->where = mem_printf(strchr(run->tls_host, ':') != NULL ? "[%s]:%d" : "%s:%d",
                             run->tls_host, run->target.tls_port);
    attempt_run_unlock(run);
    if (!attempt_run_log_in(run, err))
        return false;
    view = attempt_run_lock(run);
    view->server_version = conn_server_version(run->admin);
    attempt_run_unlock(run);
    run->target.store = run->store;
    run->target.server = run->server;
    run->target.admin = run->admin;
    run->target.admin_password = run->password;
    run->target.by_hand = run->attempt->by_hand;
    run->target.tls_host = run->tls_host;
    return true;
}

static void close_all(struct attempt_run *run)
{
    plan_free(run->plan);
    conn_close(run->admin);
    secret_free(run->password);
    server_free(run->server);
    store_close(run->store);
    free(run->tls_host);
    secret_free(run->attempt->passphrase); /* no member is left to need it */
    free(run->attempt->passphrase_of);
    run->attempt->passphrase = NULL;
    run->attempt->passphrase_of = NULL;
}

static void attempt_run(struct job *job, void *data)
{
    struct attempt *attempt = data;
    struct attempt_run run = {.job = job, .attempt = attempt};
    struct err err = ERR_INIT;
    enum attempt_end end = ATTEMPT_END_FAILED;
    struct attempt_view *view;

    run.watch = attempt_run_watch(&run);
    if (connect(&run, &err))
        end = attempt->plan_id != 0       ? attempt_run_journalled(&run, &err)
              : attempt_has_members(&run) ? attempt_run_members(&run, &err)
                                          : attempt_run_new(&run, &err);
    close_all(&run);
    view = attempt_run_lock(&run);
    view->end = end;
    view->err = end == ATTEMPT_END_KEPT || end == ATTEMPT_END_NOTHING || end == ATTEMPT_END_TEXT
                    ? (struct err)ERR_INIT
                    : err;
    view->phase = ATTEMPT_ENDED;
    pthread_mutex_unlock(&attempt->lock);
    if (view->plan_id != 0 && view->n_members == 0) /* members have a log each */
        attempt_log_save(attempt);
    job_progress(job, 0, 0, NULL);
}

static void attempt_done(void *data)
{
    attempt_drop(data);
}

const struct job_ops attempt_job_ops = {"change of a server", attempt_run, attempt_done};
