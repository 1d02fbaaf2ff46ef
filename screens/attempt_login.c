/* attempt_login.c - the job of a change logs in and opens a CA's key: the page is asked for what is secret. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/attempt_parts.h"

#define CONNECT_MS 10000

/* A connection is given up only as long as nothing is changed on it: a step is always finished. */
static bool may_give_up(void *arg)
{
    struct attempt *attempt = arg;
    bool stop;

    pthread_mutex_lock(&attempt->lock);
    stop = attempt->stop && !attempt_is_open(&attempt->view);
    pthread_mutex_unlock(&attempt->lock);
    return stop;
}

/* NULL: stopped, and err says so. */
static struct secret *ask(struct attempt *attempt, struct job *job, const char *what,
                          bool is_password, bool was_wrong, struct err *err)
{
    struct attempt_view *view = &attempt->view;
    struct secret *secret;

    pthread_mutex_lock(&attempt->lock);
    attempt->asked_in = view->phase;
    view->phase = ATTEMPT_ASKING;
    view->is_password = is_password;
    view->was_wrong = was_wrong;
    free(view->wants);
    view->wants = mem_strdup(what);
    job_progress(job, 0, 0, NULL);
    while (attempt->secret == NULL && !attempt->stop &&
           attempt_wait_heard(attempt, ATTEMPT_FOREVER))
        ;
    secret = attempt->stop ? NULL : attempt->secret;
    if (secret != NULL)
        attempt->secret = NULL;
    view->phase = attempt->asked_in;
    pthread_mutex_unlock(&attempt->lock);
    job_progress(job, 0, 0, NULL);
    if (secret == NULL)
        err_set(err, ERR_CANCELLED, _("stopped while this was asked for: %s"), what);
    return secret;
}

static void remember_passphrase(struct attempt *attempt, const struct authority *authority,
                                const struct secret *secret)
{
    secret_free(attempt->passphrase);
    free(attempt->passphrase_of);
    attempt->passphrase = secret_dup(secret);
    attempt->passphrase_of = mem_strdup(authority->name);
}

struct key *attempt_unlock(const struct attempt_tools *tools, const struct authority *authority,
                           struct err *err)
{
    struct key *key = NULL;
    struct secret *secret = NULL;
    struct strbuf what = STRBUF_INIT;
    bool wrong = false;

    if (!authority->key_encrypted)
        return authority_unlock(tools->target->store, authority, NULL, err);
    strbuf_printf(&what, _("Passphrase of the CA \"%s\""), authority->name);
    if (text_equal(tools->attempt->passphrase_of, authority->name)) /* for the member before */
        key = authority_unlock(tools->target->store, authority, tools->attempt->passphrase, err);
    while (key == NULL) {
        secret_free(secret);
        secret = ask(tools->attempt, tools->job, what.data, false, wrong, err);
        if (secret != NULL)
            key = authority_unlock(tools->target->store, authority, secret, err);
        wrong = true;
        if (key != NULL)
            remember_passphrase(tools->attempt, authority, secret);
        else if (secret == NULL || err->code != ERR_PASSPHRASE)
            break;
    }
    secret_free(secret);
    strbuf_clear(&what);
    if (key != NULL)
        *err = (struct err)ERR_INIT; /* wrong ones before it are forgotten */
    return key;
}

/* ---- log in ---- */

bool attempt_run_log_in(struct attempt_run *run, struct err *err)
{
    struct params *params = params_parse(run->server->conninfo, err);
    struct strbuf what = STRBUF_INIT;
    bool wants = false, wrong = false;

    if (params == NULL)
        return false;
    strbuf_printf(&what, _("Password for the server \"%s\""), run->server->name);
    if (conn_resolve(params, err)) {
        for (;;) {
            struct conn_options options = {.password = run->password,
                                           .connect_timeout_ms = CONNECT_MS,
                                           .cancelled = may_give_up,
                                           .cancelled_arg = run->attempt,
                                           .ret_needs_password = &wants};

            run->admin = conn_open(params, &options, err);
            if (run->admin != NULL || !wants)
                break;
            secret_free(run->password);
            run->password = ask(run->attempt, run->job, what.data, true, wrong, err);
            if (run->password == NULL)
                break;
            wrong = true;
        }
    }
    strbuf_clear(&what);
    params_free(params);
    if (run->admin != NULL)
        *err = (struct err)ERR_INIT; /* what was wrong before the password is over */
    return run->admin != NULL;
}
