/* new_client_job.c - a client certificate, made in a job. */
#include "config.h"

#include "screens/new_client_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/params.h"
#include "core/store/server.h"

/* ---- facts ---- */

static void read_address(struct store *store, struct client_facts *self)
{
    struct err err = ERR_INIT; /* without an address the lines say SERVER */
    struct server *server = server_load(store, self->server, &err);
    struct params *params = NULL;
    int64_t port = 0;

    if (server == NULL)
        return;
    if (server->tls_host[0] != '\0') {
        self->host = mem_strdup(server->tls_host);
        self->port = server->tls_port;
    } else if ((params = params_parse(server->conninfo, &err)) != NULL &&
               !params_is_local(params)) {
        const char *text = params_get(params, "port");

        self->host = mem_strdup(params_get(params, "host"));
        if (text != NULL && text_parse_int(text, 1, 65535, &port))
            self->port = (int)port;
    }
    params_free(params);
    server_free(server);
}

#define LAST_MAX 200 /* certificates that are looked at for what a CA is used for */

static size_t index_of(const struct client_facts *self, const char *name)
{
    size_t i = 0;

    while (i < self->n && !text_equal(self->cas[i].name, name))
        i++;
    return i;
}

/* A CA that people also have as their clients' is a poor root for servers: two kinds, two CAs. */
static bool find_server_ca(struct store *store, struct client_facts *self, struct err *err)
{
    struct issued_filter filter = {.state = -1, .limit = LAST_MAX, .no_total = true};
    struct issued_list list;
    bool *of_clients;
    size_t at;

    if (self->n < 2)
        return true;
    if (!issued_list(store, &filter, &list, err))
        return false;
    of_clients = mem_array(self->n, sizeof(*of_clients));
    for (size_t i = 0; i < list.n; i++) {
        at = index_of(self, list.rows[i]->authority);
        if (at < self->n && list.rows[i]->kind == ISSUED_SERVER) {
            self->server_ca = at;
            goto out;
        }
        if (at < self->n)
            of_clients[at] = true;
    }
    for (at = 0; at < self->n && of_clients[at]; at++)
        ;
    self->server_ca = at < self->n ? at : 0;
out:
    issued_list_clear(&list);
    free(of_clients);
    return true;
}

void client_facts_read(struct client_facts *self)
{
    struct err ignored = ERR_INIT;
    struct authority_list list = {0};
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    if (store == NULL)
        return;
    if (!authority_list(store, &list, &self->err)) {
        store_close(store);
        return;
    }
    self->cas = mem_array(list.n + 1, sizeof(*self->cas));
    for (size_t i = 0; i < list.n; i++) {
        const struct authority *row = list.rows[i];

        if (row->retired || !row->has_key)
            continue;
        self->cas[self->n++] = (struct client_ca){.name = mem_strdup(row->name),
                                                  .not_after = cert_not_after(row->cert),
                                                  .key_encrypted = row->key_encrypted};
    }
    if (self->n == 0 && list.n == 0) {
        err_set(&self->err, ERR_CA_UNKNOWN, _("there is no CA in the store yet"));
        err_cause(&self->err, _("A certificate is signed by a CA, and none was made."));
        err_hint(&self->err, _("Make one first: < Create a CA >."));
    }
    if (self->n == 0 && list.n > 0)
        err_set(&self->err, ERR_CA_KEY, _("no CA of the store has its private key here"));
    authority_list_clear(&list);
    (void)!find_server_ca(store, self, &ignored); /* then the first is as good */
    if (self->server != NULL && self->server[0] != '\0')
        read_address(store, self);
    store_close(store);
}

static void facts_run(struct job *job, void *data)
{
    (void)job;
    client_facts_read(data);
}

void client_facts_free(void *data)
{
    struct client_facts *self = data;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++)
        free(self->cas[i].name);
    free(self->cas);
    free(self->host);
    free(self->store_folder);
    free(self->server);
    free(self);
}

static const struct job_ops facts_ops = {"client: facts", facts_run, client_facts_free};

struct job *client_facts_start(struct app *app, void *owner)
{
    struct client_facts *data = mem_zalloc(sizeof(*data));

    data->store_folder = mem_strdup(app_store_folder(app));
    data->server = mem_strdup(app_server(app));
    return job_start(app_loop(app), owner, &facts_ops, data);
}

/* ---- the certificate ---- */

struct parts { /* of one run */
    struct store *store;
    struct authority *authority;
    struct authority_parents parents;
    struct cert_list roots; /* of the servers */
    struct key *authority_key, *key;
    struct csr *csr;
};

static void parts_clear(struct parts *parts)
{
    key_free(parts->key);
    key_free(parts->authority_key);
    csr_free(parts->csr);
    authority_parents_clear(&parts->parents);
    cert_list_clear(&parts->roots);
    authority_free(parts->authority);
    store_close(parts->store);
}

static struct kit_spec kit_of(const struct new_client_job *self, const struct parts *parts,
                              const struct issued *issued)
{
    return (struct kit_spec){.folder = self->folder,
                             .formats = self->formats,
                             .issued = issued,
                             .key = parts->key,
                             .ca = parts->authority->cert,
                             .parents = &parts->parents.certs,
                             .roots = &parts->roots,
                             .key_passphrase = self->key_passphrase,
                             .p12_passphrase = self->key_passphrase,
                             .server_host = self->host,
                             .server_port = self->port};
}

static void tell(const struct new_client_job *self, enum new_client_step step)
{
    if (self->progress != NULL)
        self->progress(self->cancelled_arg, step);
}

/* The one that is renewed; or one whose files an earlier run never wrote: nobody has its key. */
static bool find_replaced(struct new_client_job *self, struct parts *parts)
{
    struct issued_list list = {.n = 0};

    if (self->replaces != NULL) {
        self->replaced = issued_find(parts->store, self->replaces, &self->err);
        return self->replaced != NULL;
    }
    if (!issued_undelivered(parts->store, self->name, 1, &list, &self->err))
        return false;
    if (list.n > 0 && list.rows[0]->kind == self->kind) {
        self->replaced = list.rows[0];
        list.n = 0;
    }
    issued_list_clear(&list);
    return true;
}

/* All that can be refused is refused before anything is recorded. */
static bool prepare(struct new_client_job *self, struct parts *parts)
{
    struct issued draft = {.kind = self->kind, .role = self->name};
    struct kit_spec kit;

    tell(self, CLIENT_STEP_UNLOCK);
    parts->store = store_open(self->store_folder, STORE_WRITE, &self->err);
    if (parts->store == NULL)
        return false;
    parts->authority = authority_load(parts->store, self->ca, &self->err);
    if (parts->authority == NULL || !find_replaced(self, parts) ||
        !authority_load_parents(parts->store, parts->authority, &parts->parents, &self->err) ||
        !authority_server_roots(parts->store, &parts->roots, &self->err))
        return false;
    parts->authority_key =
        authority_unlock(parts->store, parts->authority, self->ca_passphrase, &self->err);
    if (parts->authority_key == NULL)
        return false;
    tell(self, CLIENT_STEP_KEY);
    if (self->csr != NULL)
        parts->csr = csr_from_pem(self->csr, strlen(self->csr), &self->err);
    else
        parts->key = key_generate(self->type, self->cancelled, self->cancelled_arg, &self->err);
    if (parts->csr == NULL && parts->key == NULL)
        return false;
    kit = kit_of(self, parts, &draft);
    return kit_check(&kit, &self->err);
}

static bool make(struct new_client_job *self, struct parts *parts)
{
    struct issue_spec spec = {.kind = self->kind,
                              .role = self->name,
                              .hosts = (const char *const *)self->hosts,
                              .n_hosts = self->n_hosts,
                              .note = self->note,
                              .days = self->days,
                              .key = parts->key,
                              .csr = parts->csr,
                              .replaces = self->replaced};
    struct kit_spec kit;

    tell(self, CLIENT_STEP_SIGN);
    self->issued =
        issued_make(parts->store, parts->authority, parts->authority_key, &spec, &self->err);
    if (self->issued == NULL)
        return false;
    tell(self, CLIENT_STEP_FILES);
    kit = kit_of(self, parts, self->issued);
    if (!kit_write(&kit, &self->files, &self->err)) {
        char hex[SERIAL_HEX_MAX];

        return err_state(
            &self->err,
            _("Certificate %s is recorded in the store; its key is gone, so nobody has "
              "it."),
            serial_format_hex(hex, &self->issued->serial));
    }
    return issued_mark_delivered(parts->store, self->issued, &self->err);
}

bool new_client_job_take_hosts(struct new_client_job *self, const struct issued *old,
                               struct err *err)
{
    struct san san;
    bool good;

    san_init(&san);
    good = cert_san(old->cert, &san, err);
    if (good) {
        self->hosts = mem_array(san.n + 1, sizeof(*self->hosts));
        self->hosts[self->n_hosts++] = mem_strdup(old->role);
        for (size_t i = 0; i < san.n; i++)
            if (!text_equal(san.entries[i].text, old->role))
                self->hosts[self->n_hosts++] = mem_strdup(san.entries[i].text);
    }
    san_clear(&san);
    return good;
}

bool new_client_make(struct new_client_job *self)
{
    struct parts parts = {0};

    self->ok = prepare(self, &parts) &&
               (self->cancelled == NULL || !self->cancelled(self->cancelled_arg)) &&
               make(self, &parts);
    parts_clear(&parts);
    return self->ok;
}

static bool cancelled(void *arg)
{
    return job_cancelled(arg);
}

static void progress(void *arg, enum new_client_step step)
{
    job_progress(arg, step, CLIENT_STEPS, NULL);
}

static void new_client_run(struct job *job, void *data)
{
    struct new_client_job *self = data;

    self->cancelled = cancelled;
    self->progress = progress;
    self->cancelled_arg = job;
    (void)!new_client_make(self); /* the page reads ok and err */
}

void new_client_job_free(void *data)
{
    struct new_client_job *self = data;

    if (self == NULL)
        return;
    secret_free(self->ca_passphrase);
    secret_free(self->key_passphrase);
    issued_free(self->issued);
    issued_free(self->replaced);
    kit_files_clear(&self->files);
    for (size_t i = 0; i < self->n_hosts; i++)
        free(self->hosts[i]);
    free(self->hosts);
    free(self->replaces);
    free(self->store_folder);
    free(self->ca);
    free(self->name);
    free(self->note);
    free(self->folder);
    free(self->host);
    free(self->csr);
    free(self);
}

static const struct job_ops new_client_ops = {"client: issue", new_client_run, new_client_job_free};

struct new_client_job *new_client_job_new(struct app *app)
{
    struct new_client_job *data = mem_zalloc(sizeof(*data));

    data->store_folder = mem_strdup(app_store_folder(app));
    return data;
}

struct job *new_client_job_start(struct app *app, void *owner, struct new_client_job *data)
{
    return job_start(app_loop(app), owner, &new_client_ops, data);
}
