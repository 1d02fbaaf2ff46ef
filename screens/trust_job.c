/* trust_job.c - what the trust page needs to know, and the intent that it ends in. */
#include "config.h"

#include "screens/trust_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "screens/server_state.h"

#define PROBE_MS 3000

/* ---- facts ---- */

static bool is_trusted(const struct authority_list *trusts, int64_t id)
{
    for (size_t i = 0; i < trusts->n; i++) {
        if (trusts->rows[i]->id == id)
            return true;
    }
    return false;
}

/* The CA of the server's own certificate may be the clients' too; where there are others, one of them
 * is more likely meant. */
static bool is_of_server(const struct trust_facts *self, const struct cert *ca)
{
    return self->chain.n > 0 && cert_issued_by(self->chain.certs[0], ca);
}

static void take_names(struct trust_facts *self, const struct authority_list *list,
                       const struct authority_list *trusts)
{
    int best = 3; /* 0: lacks it; 1: has it; 2: lacks it, and it is the server's own */

    self->names = mem_array(list->n + 1, sizeof(*self->names));
    self->notes = mem_array(list->n + 1, sizeof(*self->notes));
    for (size_t i = 0; i < list->n; i++) {
        const struct authority *row = list->rows[i];
        char date[CLOCK_TEXT_MAX];
        bool trusted, of_server;
        int rank;

        if (row->retired)
            continue;
        trusted = is_trusted(trusts, row->id);
        of_server = list->n > 1 && is_of_server(self, row->cert);
        rank = trusted ? 1 : of_server ? 2 : 0;
        if (rank < best) {
            best = rank;
            self->first = self->n;
        }
        self->names[self->n] = mem_strdup(row->name);
        self->notes[self->n] =
            mem_printf(trusted     ? _("ends %s; the server has it")
                       : of_server ? _("ends %s; of the server's own certificate")
                                   : _("ends %s"),
                       clock_format_date(date, cert_not_after(row->cert)));
        self->n++;
    }
}

/* "/O=Acme/CN=Acme Root" is called "Acme Root". One without a CN cannot be named. */
static void take_accepted(struct trust_facts *self, const char *name)
{
    const char *cn = strstr(name, "/CN=");

    if (cn == NULL)
        return;
    cn += strlen("/CN=");
    self->accepted[self->n_accepted++] = mem_strndup(cn, strcspn(cn, "/"));
}

static void look_at_wire(struct trust_facts *self, const struct server *server)
{
    struct handshake_request request = {.timeout_ms = PROBE_MS};
    struct handshake handshake;
    struct err ignored = ERR_INIT; /* it is only for a warning; the plan will ask again */
    char *host = NULL;

    if (!server_tls_address(server, &host, &request.port, &ignored) || host[0] == '\0') {
        free(host);
        return;
    }
    request.host = host;
    if (handshake_run(&request, &handshake, &ignored)) {
        for (size_t i = 0; i < handshake.chain.n; i++)
            cert_list_take(&self->chain, cert_dup(handshake.chain.certs[i]));
        self->accepted = mem_array(handshake.n_accepted_cas + 1, sizeof(*self->accepted));
        for (size_t i = 0; i < handshake.n_accepted_cas; i++)
            take_accepted(self, handshake.accepted_cas[i]);
        handshake_clear(&handshake);
    }
    free(host);
}

static void facts_run(struct job *job, void *data)
{
    struct trust_facts *self = data;
    struct authority_list list = {.n = 0}, trusts = {.n = 0};
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    struct server *server = NULL;

    (void)job;
    if (store == NULL)
        return;
    server = server_load(store, self->server, &self->err);
    if (server != NULL)
        look_at_wire(self, server);
    if (server != NULL && authority_list(store, &list, &self->err) &&
        server_trusts(store, server, &trusts, &self->err))
        take_names(self, &list, &trusts);
    authority_list_clear(&trusts);
    authority_list_clear(&list);
    store_close(store);
    server_free(server);
}

void trust_facts_free(void *data)
{
    struct trust_facts *self = data;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++) {
        free(self->names[i]);
        free(self->notes[i]);
    }
    free(self->names);
    free(self->notes);
    for (size_t i = 0; i < self->n_accepted; i++)
        free(self->accepted[i]);
    free(self->accepted);
    cert_list_clear(&self->chain);
    free(self->store_folder);
    free(self->server);
    free(self);
}

static const struct job_ops facts_ops = {"trust: facts", facts_run, trust_facts_free};

struct job *trust_facts_start(struct app *app, void *owner)
{
    struct trust_facts *self = mem_zalloc(sizeof(*self));

    cert_list_init(&self->chain);
    self->store_folder = mem_strdup(app_store_folder(app));
    self->server = mem_strdup(app_server(app));
    return job_start(app_loop(app), owner, &facts_ops, self);
}

/* ---- a file ---- */

static void file_run(struct job *job, void *data)
{
    struct trust_file *self = data;

    (void)job;
    self->ok = fs_read(self->path, PEM_SCAN_MAX, &self->bytes, &self->err);
}

void trust_file_free(void *data)
{
    struct trust_file *self = data;

    if (self == NULL)
        return;
    explicit_bzero(self->bytes.data, self->bytes.len);
    strbuf_clear(&self->bytes);
    free(self->path);
    free(self);
}

static const struct job_ops file_ops = {"trust: file", file_run, trust_file_free};

struct job *trust_file_start(struct app *app, void *owner, const char *path)
{
    struct trust_file *self = mem_zalloc(sizeof(*self));

    strbuf_init(&self->bytes);
    self->path = app_full_path(path);
    return job_start(app_loop(app), owner, &file_ops, self);
}

/* ---- the intent ---- */

void trust_data_free(void *data)
{
    struct trust_data *self = data;

    for (size_t i = 0; i < self->n_authorities; i++)
        free(self->authorities[i]);
    free(self->authorities);
    for (size_t i = 0; i < self->n_names; i++)
        free(self->names[i]);
    free(self->names);
    cert_list_clear(&self->foreign);
    for (size_t i = 0; i < self->n_crls; i++)
        crl_free(self->crls[i]);
    free(self->crls);
    free(self->path);
    free(self);
}

static void *trust_copy(const void *data)
{
    const struct trust_data *from = data;
    struct trust_data *to = mem_zalloc(sizeof(*to));

    *to = *from;
    to->path = mem_strdup(from->path);
    to->authorities = mem_array(from->n_authorities + 1, sizeof(*to->authorities));
    for (size_t i = 0; i < from->n_authorities; i++)
        to->authorities[i] = mem_strdup(from->authorities[i]);
    to->names = mem_array(from->n_names + 1, sizeof(*to->names));
    for (size_t i = 0; i < from->n_names; i++)
        to->names[i] = mem_strdup(from->names[i]);
    cert_list_init(&to->foreign);
    for (size_t i = 0; i < from->foreign.n; i++)
        cert_list_take(&to->foreign, cert_dup(from->foreign.certs[i]));
    to->crls = mem_array(from->n_crls + 1, sizeof(struct crl *));
    for (size_t i = 0; i < from->n_crls; i++)
        to->crls[i] = crl_dup(from->crls[i]);
    return to;
}

static void take(struct authority_list *list, struct authority *authority)
{
    list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(struct authority *));
    list->rows[list->n++] = authority;
}

/* A pasted CA that is one of ours is taken from the store: then its CRL goes with it. */
static bool sort_out(const struct trust_data *self, struct store *store,
                     struct authority_list *ours, struct cert_list *foreign, struct err *err)
{
    for (size_t i = 0; i < self->n_authorities; i++) {
        struct authority *authority = authority_load(store, self->authorities[i], err);

        if (authority == NULL)
            return false;
        take(ours, authority);
    }
    for (size_t i = 0; i < self->foreign.n; i++) {
        struct authority *authority = NULL;

        if (!authority_find(store, self->foreign.certs[i], &authority, err))
            return false;
        if (authority != NULL)
            take(ours, authority);
        else
            cert_list_take(foreign, cert_dup(self->foreign.certs[i]));
    }
    return true;
}

static struct plan *trust_build(const void *data, const struct attempt_tools *tools,
                                struct err *err)
{
    const struct trust_data *self = data;
    struct authority_list ours = {.n = 0};
    struct cert_list foreign;
    struct trust_ca_intent intent = {.foreign_crls = self->crls,
                                     .n_foreign_crls = self->n_crls,
                                     .keep_present = self->keep_present};
    struct untrust_ca_intent away = {
        .names = (const char *const *)self->names, .n_names = self->n_names, .all = self->all};
    struct plan *plan = NULL;

    if (self->away)
        return plan_untrust_ca(tools->target, &away, err);
    cert_list_init(&foreign);
    if (sort_out(self, tools->target->store, &ours, &foreign, err)) {
        intent.authorities = (const struct authority *const *)ours.rows;
        intent.n_authorities = ours.n;
        intent.foreign = foreign.n > 0 ? &foreign : NULL;
        plan = plan_trust_ca(tools->target, &intent, err);
    }
    authority_list_clear(&ours);
    cert_list_clear(&foreign);
    return plan;
}

static void trust_command(const void *data, const char *server, struct strbuf *out)
{
    const struct trust_data *self = data;

    strbuf_printf(out, "pgseal server %s %s", self->away ? "untrust" : "trust", server);
    if (self->all)
        strbuf_add_str(out, " --all");
    for (size_t i = 0; i < self->n_names; i++) {
        strbuf_add_str(out, " --ca ");
        if (!text_quote_shell(out, self->names[i]))
            strbuf_add_str(out, "CA");
    }
    for (size_t i = 0; i < self->n_authorities; i++) {
        strbuf_add_str(out, " --ca ");
        if (!text_quote_shell(out, self->authorities[i]))
            strbuf_add_str(out, "CA");
    }
    if (self->foreign.n > 0) {
        strbuf_add_str(out, " --paste ");
        if (self->path == NULL || !text_quote_shell(out, self->path))
            strbuf_add_str(out, "- < ca.crt");
    }
    strbuf_add_char(out, '\n');
}

const struct attempt_intent trust_intent = {.name = "server trust",
                                            .members = attempt_for_members,
                                            .build = trust_build,
                                            .command = trust_command,
                                            .copy = trust_copy,
                                            .free = trust_data_free};
