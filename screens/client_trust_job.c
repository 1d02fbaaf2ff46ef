/* client_trust_job.c - a trust file for clients: read, made, tried, written. */
#include "config.h"

#include "screens/client_trust_job.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/trust_try.h"
#include "core/plan/address.h"
#include "core/store/authority_request.h"
#include "screens/server_state.h"

#define JAVA_PASSWORD "changeit" /* of every truststore that comes with Java */
#define DEFAULT_PORT  5432

static void clear_seen(struct client_trust *self)
{
    for (size_t i = 0; i < self->n_seen; i++) {
        free(self->seen[i].server);
        free(self->seen[i].why);
    }
    free(self->seen);
    self->seen = NULL;
    self->n_seen = 0;
}

static void clear_loaded(struct client_trust *self)
{
    for (size_t i = 0; i < self->n_cas; i++) {
        free(self->cas[i].name);
        free(self->cas[i].label);
    }
    for (size_t i = 0; i < self->n_servers; i++)
        free(self->servers[i]);
    free(self->cas);
    free(self->servers);
    self->cas = NULL;
    self->servers = NULL;
    self->n_cas = self->n_servers = 0;
}

void client_trust_clear(struct client_trust *self)
{
    clear_loaded(self);
    clear_seen(self);
    trust_file_clear(&self->file);
    source_input_clear(&self->input);
    secret_free(self->passphrase);
    free(self->pick_server);
    free(self->tried);
    free(self->path);
}

size_t client_trust_next_name(const char **at)
{
    *at += strspn(*at, " ,");
    return strcspn(*at, " ,");
}

/* ---- what there is ---- */

/* "Acme PG Root G2" is a generation of "Acme PG Root". */
static size_t base_length(const char *name)
{
    const char *mark = strrchr(name, 'G');

    if (mark == NULL || mark < name + 2 || mark[-1] != ' ' || mark[1] == '\0' ||
        mark[1 + strspn(mark + 1, "0123456789")] != '\0')
        return strlen(name);
    return (size_t)(mark - 1 - name);
}

static void pick_generations(struct client_trust *self)
{
    for (size_t i = 0; i < self->n_cas; i++) {
        const struct client_trust_ca *ca = &self->cas[i];
        size_t len = base_length(ca->name);

        for (size_t k = 0; ca->picked && ca->authority_id != 0 && k < self->n_cas; k++)
            if (self->cas[k].authority_id != 0 && !self->cas[k].ended &&
                base_length(self->cas[k].name) == len &&
                strncmp(self->cas[k].name, ca->name, len) == 0)
                self->cas[k].picked = true;
    }
}

static void add_ca(struct client_trust *self, const char *name, const struct cert *cert,
                   int64_t authority_id, int64_t foreign_id)
{
    int64_t ends = cert_not_after(cert);
    const int64_t id = authority_id != 0 ? authority_id : foreign_id;
    const int64_t *wanted = authority_id != 0 ? self->pick.authorities : self->pick.foreign;
    struct client_trust_ca *ca;
    char date[CLOCK_TEXT_MAX];

    if (self->n_cas == CLIENT_TRUST_CAS)
        return;
    self->cas = mem_realloc_array(self->cas, self->n_cas + 1, sizeof(self->cas[0]));
    ca = &self->cas[self->n_cas++];
    *ca = (struct client_trust_ca){.authority_id = authority_id,
                                   .foreign_id = foreign_id,
                                   .name = mem_strdup(name),
                                   .ended = ends <= clock_now()};
    ca->label = mem_printf(ca->ended         ? _("%s (ended %s)")
                           : foreign_id != 0 ? _("%s (another's, ends %s)")
                                             : _("%s (ends %s)"),
                           name, clock_format_date(date, ends));
    for (size_t i = 0; i < CLIENT_TRUST_PICKS; i++)
        ca->picked = ca->picked || wanted[i] == id;
}

static bool load_cas(struct client_trust *self, struct store *store, struct err *err)
{
    struct authority_list ours = {.n = 0};
    struct foreign_ca_list others = {.n = 0};
    bool good = authority_list(store, &ours, err) && foreign_list(store, &others, err);

    for (size_t i = 0; good && i < ours.n; i++)
        add_ca(self, ours.rows[i]->name, ours.rows[i]->cert, ours.rows[i]->id, 0);
    for (size_t i = 0; good && i < others.n; i++)
        add_ca(self, others.rows[i].name, others.rows[i].cert, 0, others.rows[i].id);
    if (self->pick.generations)
        pick_generations(self);
    authority_list_clear(&ours);
    foreign_list_clear(&others);
    return good;
}

static void add_server(struct client_trust *self, const char *name)
{
    for (size_t i = 0; i < self->n_servers; i++)
        if (text_equal(self->servers[i], name))
            return;
    self->servers = mem_realloc_array(self->servers, self->n_servers + 1, sizeof(char *));
    self->servers[self->n_servers++] = mem_strdup(name);
}

bool client_trust_load(struct client_trust *self, const char *store_folder, struct err *err)
{
    struct store *store = store_open(store_folder, STORE_READ, err);
    struct server_list servers = {.n = 0};
    bool good;

    clear_loaded(self);
    if (store == NULL && err->code == ERR_NO_STORE) { /* all of it can be pasted */
        *err = (struct err)ERR_INIT;
        return true;
    }
    good = store != NULL && load_cas(self, store, err) && server_list(store, &servers, err);
    for (size_t i = 0; good && i < servers.n; i++) {
        add_server(self, servers.rows[i]->name);
        if (servers.rows[i]->cluster[0] != '\0')
            add_server(self, servers.rows[i]->cluster);
    }
    server_list_clear(&servers);
    store_close(store);
    return good;
}

/* ---- made ---- */

/* A client trusts the root; what stands between is the server's to send. */
static bool put_authority(struct client_trust *self, struct store *store, int64_t id,
                          struct err *err)
{
    struct authority *authority = authority_load_id(store, id, err);
    struct authority_parents parents = {.crls = NULL};
    bool good = authority != NULL && authority_load_parents(store, authority, &parents, err);

    if (good)
        good = trust_file_add(&self->file,
                              parents.certs.n > 0 ? parents.certs.certs[parents.certs.n - 1]
                                                  : authority->cert,
                              authority->name, clock_now(), err);
    authority_parents_clear(&parents);
    authority_free(authority);
    return good;
}

static bool put_foreign(struct client_trust *self, struct store *store, int64_t id, struct err *err)
{
    struct foreign_ca_list list = {.n = 0};
    bool good = foreign_list(store, &list, err);

    for (size_t i = 0; good && i < list.n; i++)
        if (list.rows[i].id == id)
            good =
                trust_file_add(&self->file, list.rows[i].cert, list.rows[i].name, clock_now(), err);
    foreign_list_clear(&list);
    return good;
}

static bool put_picked(struct client_trust *self, struct store *store, struct err *err)
{
    for (size_t i = 0; i < self->n_cas; i++) {
        const struct client_trust_ca *ca = &self->cas[i];

        if (ca->picked &&
            !(ca->authority_id != 0 ? put_authority(self, store, ca->authority_id, err)
                                    : put_foreign(self, store, ca->foreign_id, err)))
            return false;
    }
    return true;
}

static bool put_others(struct client_trust *self, struct err *err)
{
    const char *from = self->input.path != NULL ? self->input.path : _("the paste");

    if (!self->others)
        return true;
    return source_input_read(&self->input, PEM_SCAN_MAX, err) &&
           trust_file_add_text(&self->file, self->input.bytes.data, self->input.bytes.len, from,
                               clock_now(), &self->cleaned, err);
}

/* ---- tried ---- */

static bool judge(struct client_trust *self, const char *name, const struct trust_try *seen,
                  struct err *err)
{
    struct client_trust_seen *row;

    if (!seen->verify_ca) {
        err_set(err, ERR_SERVER_NOT_VERIFIED, _("\"%s\" is not trusted by this file: %s"), name,
                seen->why);
        err_state(err, _("No file was written."));
        return err_hint(err, _("Add the CA of the certificate that it shows."));
    }
    self->seen = mem_realloc_array(self->seen, self->n_seen + 1, sizeof(self->seen[0]));
    row = &self->seen[self->n_seen++];
    *row = (struct client_trust_seen){
        .server = mem_strdup(name), .full = seen->verify_full, .why = mem_strdup(seen->why)};
    return true;
}

static bool try_address(struct client_trust *self, const struct cert_list *roots, const char *name,
                        const char *host, int port, struct err *err)
{
    struct trust_try seen = {.leaf = NULL};
    bool good = (trust_try_server(roots, host, port, &seen, err) || err_prefix(err, "%s", name)) &&
                judge(self, name, &seen, err);

    trust_try_clear(&seen);
    return good;
}

static bool try_server(struct client_trust *self, const struct cert_list *roots,
                       const struct server *server, struct err *err)
{
    char *host = NULL;
    int port = 0;
    bool good = plan_tls_address(server, &host, &port, err) &&
                (host[0] != '\0' || plan_no_tls_address(server, err)) &&
                try_address(self, roots, server->name, host, port, err);

    free(host);
    return good;
}

/* A server of the store, each member of a cluster, or an address. */
static bool try_name(struct client_trust *self, struct store *store, const struct cert_list *roots,
                     const char *name, struct err *err)
{
    struct server_list members = {.n = 0};
    struct err unknown = ERR_INIT;
    char *host = NULL;
    int port = DEFAULT_PORT;
    bool good = true;

    if (store == NULL || !server_members(store, name, &members, &unknown)) {
        good = server_parse_address(name, &host, &port, err) &&
               try_address(self, roots, name, host, port != 0 ? port : DEFAULT_PORT, err);
        free(host);
        return good;
    }
    for (size_t i = 0; i < members.n && good; i++)
        good = try_server(self, roots, members.rows[i], err);
    server_list_clear(&members);
    return good;
}

static bool try_all(struct client_trust *self, struct store *store, bool (*stopped)(void *),
                    void *arg, struct err *err)
{
    struct cert_list roots;
    bool good = true;
    const char *at = self->tried;
    size_t len;

    trust_file_certs(&self->file, &roots);
    while (good && (len = client_trust_next_name(&at)) > 0 && !stopped(arg)) {
        char *name = mem_strndup(at, len);

        good = try_name(self, store, &roots, name, err);
        free(name);
        at += len;
    }
    cert_list_clear(&roots);
    return good;
}

bool client_trust_look(struct client_trust *self, const char *store_folder, bool (*stopped)(void *),
                       void *arg, struct err *err)
{
    struct store *store =
        self->n_cas > 0 || self->n_servers > 0 ? store_open(store_folder, STORE_READ, err) : NULL;
    bool good = store != NULL || (self->n_cas == 0 && self->n_servers == 0);

    clear_seen(self);
    trust_file_clear(&self->file);
    self->cleaned = 0;
    good = good && put_picked(self, store, err) && put_others(self, err) &&
           trust_file_finish(&self->file, err) && try_all(self, store, stopped, arg, err);
    store_close(store);
    return good;
}

/* ---- written ---- */

static bool make_store(const struct client_trust *self, struct strbuf *out, struct err *err)
{
    struct secret *password =
        self->passphrase != NULL ? secret_dup(self->passphrase) : secret_new(sizeof(JAVA_PASSWORD));
    bool good = self->passphrase != NULL ||
                secret_set(password, JAVA_PASSWORD, strlen(JAVA_PASSWORD)) ||
                err_set(err, ERR_BAD_VALUE, _("no passphrase"));

    good = good &&
           trust_file_pkcs12(&self->file, password, self->format == CLIENT_TRUST_P12_OLD, out, err);
    secret_free(password);
    return good;
}

bool client_trust_write(const struct client_trust *self, struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    bool good = self->format == CLIENT_TRUST_PEM ? trust_file_pem(&self->file, &bytes, err)
                                                 : make_store(self, &bytes, err);

    if (good && fs_exists(self->path))
        good = err_set(err, ERR_FILE_EXISTS, _("\"%s\" is there already"), self->path);
    good = good && fs_write_new(self->path, bytes.data, bytes.len, FS_MODE_PUBLIC, err);
    strbuf_clear(&bytes);
    return good;
}
