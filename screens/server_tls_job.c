/* server_tls_job.c - a server's certificate: of our CA, a request for another CA, or one that exists. */
#include "config.h"

#include "screens/server_tls_job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/pem.h"

#define KEY_FILE_MAX (64 * 1024)

struct tls_data *tls_data_new(void)
{
    struct tls_data *self = mem_zalloc(sizeof(*self));

    self->request = mem_zalloc(sizeof(*self->request));
    strbuf_init(self->request);
    return self;
}

void tls_data_free(void *data)
{
    struct tls_data *self = data;

    for (size_t i = 0; i < self->n_hosts; i++)
        free(self->hosts[i]);
    free(self->hosts);
    free(self->ca);
    free(self->request_file);
    strbuf_clear(self->request);
    free(self->request);
    free(self->cert_file);
    free(self->key_file);
    secret_free(self->passphrase);
    free(self);
}

static void *tls_copy(const void *data)
{
    const struct tls_data *from = data;
    struct tls_data *to = tls_data_new();

    to->source = from->source;
    to->ca = mem_strdup(from->ca);
    to->hosts = mem_array(from->n_hosts + 1, sizeof(*to->hosts));
    to->n_hosts = from->n_hosts;
    for (size_t i = 0; i < from->n_hosts; i++)
        to->hosts[i] = mem_strdup(from->hosts[i]);
    to->days = from->days;
    to->request_file = mem_strdup(from->request_file);
    to->cert_file = mem_strdup(from->cert_file);
    to->key_file = mem_strdup(from->key_file);
    to->passphrase = from->passphrase != NULL ? secret_dup(from->passphrase) : NULL;
    return to;
}

/* ---- the plans ---- */

/* Another member's own address is of no use in this one's certificate. */
static bool is_of_another(const struct server_list *members, const struct server *server,
                          const char *host)
{
    for (size_t i = 0; i < members->n; i++) {
        if (members->rows[i]->id != server->id && text_equal(members->rows[i]->tls_host, host))
            return true;
    }
    return false;
}

/* Of a cluster: what was given, and each member's own address. Borrowed names; caller frees the list. */
static const char **hosts_of(const struct tls_data *self, const struct plan_target *target,
                             size_t *ret_n, struct err *err)
{
    const char **hosts = mem_array(self->n_hosts + 1, sizeof(*hosts));
    struct server_list members = {NULL, 0};
    bool own = target->server->cluster[0] == '\0';

    *ret_n = 0;
    if (!own && !server_members(target->store, target->server->cluster, &members, err)) {
        free(hosts);
        return NULL;
    }
    for (size_t i = 0; i < self->n_hosts; i++) {
        bool is_own = text_equal(self->hosts[i], target->tls_host);

        if (!is_own && is_of_another(&members, target->server, self->hosts[i]))
            continue;
        own = own || is_own;
        hosts[(*ret_n)++] = self->hosts[i];
    }
    if (!own)
        hosts[(*ret_n)++] = target->tls_host;
    server_list_clear(&members);
    return hosts;
}

static struct plan *build_ours(const struct tls_data *self, const struct attempt_tools *tools,
                               struct err *err)
{
    size_t n_hosts = 0;
    const char **hosts = hosts_of(self, tools->target, &n_hosts, err);
    struct authority *authority = authority_load(tools->target->store, self->ca, err);
    struct key *key = authority != NULL ? attempt_unlock(tools, authority, err) : NULL;
    struct server_tls_intent intent = {.authority = authority,
                                       .authority_key = key,
                                       .hosts = hosts,
                                       .n_hosts = n_hosts,
                                       .days = self->days};
    struct plan *plan =
        key != NULL && hosts != NULL ? plan_server_tls(tools->target, &intent, err) : NULL;

    key_free(key);
    authority_free(authority);
    free(hosts);
    return plan;
}

static struct plan *build_request(const struct tls_data *self, const struct attempt_tools *tools,
                                  struct err *err)
{
    struct server_request_intent intent = {.hosts = (const char *const *)self->hosts,
                                           .n_hosts = self->n_hosts,
                                           .key_type = KEY_EC_P256};

    if (fs_exists(self->request_file)) {
        err_set(err, ERR_FILE_EXISTS, _("\"%s\" is there already"), self->request_file);
        return NULL;
    }
    return plan_server_request(tools->target, &intent, self->request, err);
}

static bool read_certs(const char *path, struct cert_list *ret, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct pem pem;
    bool good = fs_read(path, PEM_SCAN_MAX, &text, err);

    if (good) {
        pem_scan(text.data, text.len, &pem);
        good = pem_take_certs(&pem, ret, err);
        pem_clear(&pem);
    }
    strbuf_wipe(&text); /* somebody will name a file with a key in it */
    return good;
}

static struct plan *build_given(const struct tls_data *self, const struct attempt_tools *tools,
                                struct err *err)
{
    struct cert_list certs;
    struct secret *key = NULL;
    struct plan *plan = NULL;

    cert_list_init(&certs);
    if (self->key_file != NULL)
        key = secret_read_whole(self->key_file, KEY_FILE_MAX, err);
    if ((key != NULL || self->key_file == NULL) && read_certs(self->cert_file, &certs, err)) {
        struct server_cert_intent intent = {.certs = &certs,
                                            .key_pem = key,
                                            .passphrase = self->passphrase,
                                            .hosts = (const char *const *)self->hosts,
                                            .n_hosts = self->n_hosts};

        plan = plan_server_cert(tools->target, &intent, err);
    }
    secret_free(key);
    cert_list_clear(&certs);
    return plan;
}

static struct plan *tls_build(const void *data, const struct attempt_tools *tools, struct err *err)
{
    const struct tls_data *self = data;

    switch (self->source) {
    case TLS_OURS:
        break;
    case TLS_REQUEST:
        return build_request(self, tools, err);
    case TLS_GIVEN:
        return build_given(self, tools, err);
    }
    return build_ours(self, tools, err);
}

/* The request is on the disk before the key is made: a key without one would be of no use. */
static bool tls_begin(const void *data, struct err *err)
{
    const struct tls_data *self = data;

    return self->source != TLS_REQUEST || fs_write_new(self->request_file, self->request->data,
                                                       self->request->len, FS_MODE_PUBLIC, err);
}

static void tls_failed(const void *data)
{
    const struct tls_data *self = data;

    if (self->source == TLS_REQUEST)
        (void)unlink(self->request_file); /* its key is gone */
}

/* Each member of a cluster has a key of its own: one answer of another CA is for one of them. */
static bool tls_alone(const void *data)
{
    const struct tls_data *self = data;

    return self->source != TLS_OURS;
}

/* ---- the command ---- */

static void option(struct strbuf *out, const char *name, const char *value)
{
    strbuf_printf(out, " --%s ", name);
    if (!text_quote_shell(out, value))
        strbuf_add_str(out, "''");
}

static void tls_command(const void *data, const char *server, struct strbuf *out)
{
    const struct tls_data *self = data;

    strbuf_printf(out, "pgseal server tls %s", server);
    for (size_t i = 0; i < self->n_hosts; i++)
        option(out, "host", self->hosts[i]);
    switch (self->source) {
    case TLS_OURS:
        option(out, "ca", self->ca);
        strbuf_printf(out, " --days %d", self->days);
        break;
    case TLS_REQUEST:
        option(out, "csr-out", self->request_file);
        break;
    case TLS_GIVEN:
        option(out, "cert", self->cert_file);
        if (self->key_file != NULL)
            option(out, "key", self->key_file);
        break;
    }
    strbuf_add_char(out, '\n');
}

const struct attempt_intent tls_intent = {.name = "server tls",
                                          .build = tls_build,
                                          .command = tls_command,
                                          .copy = tls_copy,
                                          .free = tls_data_free,
                                          .begin = tls_begin,
                                          .alone = tls_alone,
                                          .members = attempt_for_members,
                                          .failed = tls_failed};
