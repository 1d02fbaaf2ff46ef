/* login_job.c - three logins as a client would make them. */
#include "config.h"

#include "screens/login_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/conn.h"
#include "core/pki/key.h"
#include "screens/server_state.h"

#define LOGIN_MS     5000
#define KEY_FILE_MAX (64 * 1024)
/* libpq takes a path below a file as "no such file": nothing of the user's home slips in. */
#define NO_FILE "/dev/null/none"

struct login_job *login_job_new(struct app *app)
{
    struct login_job *self = mem_zalloc(sizeof(*self));

    self->store_folder = mem_strdup(app_store_folder(app));
    self->server = mem_strdup(app_server(app));
    return self;
}

void login_job_free(void *data)
{
    struct login_job *self = data;

    if (self == NULL)
        return;
    secret_free(self->passphrase);
    free(self->store_folder);
    free(self->server);
    free(self->role);
    free(self->database);
    free(self->cert);
    free(self->key);
    free(self->root);
    free(self->host);
    free(self);
}

static struct params *login_params(const struct login_job *self, enum login_way way)
{
    struct params *params = params_new();
    bool with_cert = way == LOGIN_WITH_CERT;
    char port[16];

    snprintf(port, sizeof(port), "%d", self->port);
    params_set(params, "host", self->host);
    params_set(params, "port", port);
    params_set(params, "user", self->role);
    params_set(params, "dbname", self->database);
    params_set(params, "gssencmode", "disable");
    params_set(params, "passfile", NO_FILE);
    params_set(params, "sslmode",
               way == LOGIN_WITHOUT_TLS ? "disable"
               : self->root[0] != '\0'  ? "verify-full"
                                        : "require");
    params_set(params, "sslrootcert", self->root[0] != '\0' ? self->root : NO_FILE);
    params_set(params, "sslcert", with_cert ? self->cert : NO_FILE);
    params_set(params, "sslkey", with_cert ? self->key : NO_FILE);
    if (with_cert && self->passphrase != NULL)
        params_set(params, "sslpassword", secret_data(self->passphrase));
    return params;
}

static void look_at_session(struct conn *conn, struct login_try *ret)
{
    struct err ignored = ERR_INIT; /* it got in: what it looks like is for people */
    struct result *result = conn_exec(conn,
                                      "SELECT version, client_dn FROM pg_catalog.pg_stat_ssl"
                                      " WHERE pid = pg_catalog.pg_backend_pid() AND ssl",
                                      0, NULL, &ignored);

    if (result == NULL)
        return;
    if (result_rows(result) == 1) {
        const char *version = result_get(result, 0, 0), *dn = result_get(result, 0, 1);
        char text[128];

        ret->used_cert = dn != NULL;
        snprintf(text, sizeof(text), dn != NULL ? _("%s, certificate %s") : _("%s"),
                 version != NULL ? version : "TLS", dn != NULL ? dn : "");
        text_clean_copy(ret->tls, sizeof(ret->tls), text);
    }
    result_free(result);
}

static bool cancelled(void *arg)
{
    return job_cancelled(arg);
}

static void try(struct login_job *self, struct job *job, enum login_way way)
{
    struct login_try *ret = &self->tries[way];
    struct params *params = login_params(self, way);
    struct conn_options options = {.connect_timeout_ms = LOGIN_MS,
                                   .cancelled = cancelled,
                                   .cancelled_arg = job,
                                   .ret_needs_password = &ret->wants_password};
    struct conn *conn = NULL;

    if (conn_resolve(params, &ret->why))
        conn = conn_open(params, &options, &ret->why);
    params_free(params);
    ret->got_in = conn != NULL;
    if (conn != NULL)
        look_at_session(conn, ret);
    conn_close(conn);
}

static bool find_address(struct login_job *self)
{
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    struct server *server = store != NULL ? server_load(store, self->server, &self->err) : NULL;
    bool good = server != NULL && server_tls_address(server, &self->host, &self->port, &self->err);

    store_close(store);
    server_free(server);
    if (good && self->host[0] == '\0')
        good = err_set(&self->err, ERR_BAD_VALUE,
                       _("the server \"%s\" has no address that clients use"), self->server);
    return good;
}

/* libpq would say "bad decrypt" in the midst of a refused login: the person is asked again instead. */
static bool passphrase_fits(struct login_job *self)
{
    struct secret *pem;
    struct key *key = NULL;

    if (self->passphrase == NULL)
        return true;
    pem = secret_read_whole(self->key, KEY_FILE_MAX, &self->err);
    if (pem != NULL)
        key = key_from_pem(secret_data(pem), secret_len(pem), self->passphrase, &self->err);
    self->wrong_passphrase = key == NULL && self->err.code == ERR_PASSPHRASE;
    secret_free(pem);
    key_free(key);
    return key != NULL;
}

static void login_run(struct job *job, void *data)
{
    struct login_job *self = data;

    if (!find_address(self) || !passphrase_fits(self))
        return;
    for (unsigned way = 0; way < LOGIN_WAYS && !job_cancelled(job); way++) {
        job_progress(job, way, LOGIN_WAYS, NULL);
        try(self, job, (enum login_way)way);
    }
    self->ok = true;
}

static const struct job_ops login_ops = {"login", login_run, login_job_free};

struct job *login_job_start(struct app *app, void *owner, struct login_job *data)
{
    return job_start(app_loop(app), owner, &login_ops, data);
}

static bool is_refused(const struct login_try *try)
{
    return !try->got_in && !try->wants_password;
}

bool login_is_proven(const struct login_job *job)
{
    return job->ok && job->tries[LOGIN_WITH_CERT].got_in && job->tries[LOGIN_WITH_CERT].used_cert &&
           is_refused(&job->tries[LOGIN_WITHOUT_CERT]) &&
           is_refused(&job->tries[LOGIN_WITHOUT_TLS]);
}
