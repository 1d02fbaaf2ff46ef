/* handover.c - the kit of a certificate that exists: what goes into it. */
#include "config.h"

#include "core/kit/handover.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/params.h"
#include "core/pg/trust_try.h"
#include "core/plan/address.h"
#include "core/store/foreign.h"
#include "core/store/rotation.h"

#define KEY_FILE_MAX     (64 * 1024)
#define CERTS_OF_A_ROLE  1000
#define DEFAULT_DATABASE "postgres"

void handover_clear(struct handover *self)
{
    issued_free(self->issued);
    authority_free(self->authority);
    authority_parents_clear(&self->parents);
    cert_list_clear(&self->behind);
    trust_file_clear(&self->roots);
    cert_list_clear(&self->root_list);
    key_free(self->key);
    free(self->database);
    for (size_t i = 0; i < self->n_servers; i++) {
        free(self->servers[i].name);
        free(self->servers[i].host);
    }
    free(self->servers);
    memset(self, 0, sizeof(*self));
}

/* ---- the key ---- */

/* A file that others can read is no secret any more: libpq would refuse it too. */
static bool check_mode(const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0 || (st.st_mode & 077) == 0)
        return true;
    err_set(err, ERR_KEY_MODE, _("others can read the key file \"%s\" (mode %04o)"), path,
            (unsigned)st.st_mode & 07777);
    return err_hint(err, _("chmod 600, if nobody has read it; else renew the certificate: "
                           "\"pgseal renew\"."));
}

static bool read_key(const struct handover_request *request, struct handover *self, struct err *err)
{
    struct secret *bytes;

    if (request->key_file == NULL)
        return true;
    bytes = check_mode(request->key_file, err)
                ? secret_read_whole(request->key_file, KEY_FILE_MAX, err)
                : NULL;
    if (bytes == NULL)
        return false;
    self->key_locked = key_pem_is_encrypted(secret_data(bytes), secret_len(bytes));
    self->key = key_from_pem(secret_data(bytes), secret_len(bytes),
                             self->key_locked ? request->passphrase : NULL, err);
    secret_free(bytes);
    return self->key != NULL;
}

/* ---- the certificate ---- */

static bool not_the_key(const char *role, struct err *err)
{
    err_set(err, ERR_CLIENT_KEY_OTHER, _("the key is not that of the certificate of \"%s\""), role);
    return err_hint(err, _("A renewed certificate has a new key: give the one that came with it."));
}

static bool take_row(struct handover *self, struct issued *row)
{
    self->issued = row;
    self->of_store = true;
    return true;
}

/* The role's newest that counts; with a key the one that it belongs to. */
static bool find_by_role(struct store *store, const char *role, struct handover *self,
                         struct err *err)
{
    const struct issued_filter filter = {
        .role = role, .state = -1, .limit = CERTS_OF_A_ROLE, .no_total = true};
    struct issued_list list = {.n = 0};
    bool any = false, revoked = false;

    if (!issued_list(store, &filter, &list, err))
        return false;
    for (size_t i = 0; self->issued == NULL && i < list.n; i++) {
        struct issued *row = list.rows[i];

        if (row->kind != ISSUED_CLIENT || row->not_after <= clock_now())
            continue;
        revoked = revoked || row->revoked_at != 0;
        if (row->revoked_at != 0 || (self->key == NULL && !row->delivered))
            continue;
        any = true;
        if (self->key == NULL || cert_matches_key(row->cert, self->key)) {
            list.rows[i] = list.rows[--list.n];
            (void)take_row(self, row);
        }
    }
    issued_list_clear(&list);
    if (self->issued != NULL)
        return true;
    if (any)
        return not_the_key(role, err);
    err_set(err, ERR_CERT_UNKNOWN, _("there is no valid certificate for the role \"%s\""), role);
    if (revoked)
        err_cause(err, _("What it had was revoked."));
    return err_hint(err, _("\"pgseal issue client\" makes one; one of another store is given with "
                           "--cert."));
}

static bool check_usable(const struct handover *self, const char *what, struct err *err)
{
    const struct issued *issued = self->issued;
    char date[CLOCK_TEXT_MAX];

    if (issued->revoked_at != 0)
        return err_set(err, ERR_REVOKED_ALREADY, _("the certificate of \"%s\" was revoked on %s"),
                       what, clock_format_date(date, issued->revoked_at));
    if (issued->not_after <= clock_now()) {
        err_set(err, ERR_CERT_ENDED, _("the certificate of \"%s\" ended on %s"), what,
                clock_format_date(date, issued->not_after));
        return err_hint(err, _("\"pgseal renew\" makes a new one."));
    }
    if (issued->kind != ISSUED_CLIENT || !cert_for_clients(issued->cert))
        return err_set(err, ERR_POLICY, _("the certificate of \"%s\" is not one of a client"),
                       what);
    return true;
}

/* What its owner sends behind it: the CAs of the file but roots, as they stand there. */
static struct cert *take_file(struct handover *self, struct cert_list *list)
{
    struct cert *leaf = NULL;

    for (size_t i = 0; i < list->n; i++) {
        if (leaf == NULL && !cert_is_ca(list->certs[i]))
            leaf = cert_dup(list->certs[i]);
        else if (cert_is_ca(list->certs[i]) && !cert_is_self_signed(list->certs[i]))
            cert_list_take(&self->behind, cert_dup(list->certs[i]));
    }
    return leaf;
}

static bool find_row_of(struct store *store, const struct cert *leaf, struct handover *self)
{
    struct serial serial = cert_serial(leaf);
    char hex[SERIAL_HEX_MAX];
    struct err ignored = ERR_INIT; /* a certificate of somebody else's */
    struct issued *row =
        store != NULL ? issued_find(store, serial_format_hex(hex, &serial), &ignored) : NULL;

    if (row != NULL && cert_equal(row->cert, leaf))
        return take_row(self, row);
    issued_free(row);
    return false;
}

static struct issued *foreign_row(const struct cert *leaf, const char *role)
{
    struct issued *row = mem_zalloc(sizeof(*row));
    struct strbuf issuer = STRBUF_INIT, name = STRBUF_INIT;

    cert_format_issuer(leaf, &issuer);
    if (!cert_common_name(leaf, &name))
        strbuf_add_str(&name, role);
    row->authority = strbuf_steal(&issuer);
    row->kind = ISSUED_CLIENT;
    row->role = strbuf_steal(&name);
    row->serial = cert_serial(leaf);
    row->not_before = cert_not_before(leaf);
    row->not_after = cert_not_after(leaf);
    row->delivered = true;
    row->cert = cert_dup(leaf);
    return row;
}

static bool read_cert_file(struct store *store, const struct handover_request *request,
                           struct handover *self, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct pem pem = {.n = 0};
    struct cert_list list;
    struct cert *leaf = NULL;
    bool good;

    cert_list_init(&list);
    good = fs_read(request->cert_file, PEM_SCAN_MAX, &text, err);
    if (good) {
        pem_scan(text.data, text.len, &pem);
        good = pem_take_certs(&pem, &list, err);
    }
    pem_clear(&pem);
    strbuf_wipe(&text);
    if (good) {
        leaf = take_file(self, &list);
        good =
            leaf != NULL || err_set(err, ERR_POLICY, _("\"%s\" holds no certificate of a client"),
                                    request->cert_file);
    }
    if (good && !find_row_of(store, leaf, self))
        self->issued = foreign_row(leaf, request->role);
    cert_list_clear(&list);
    cert_free(leaf);
    return good;
}

static bool find_cert(struct store *store, const struct handover_request *request,
                      struct handover *self, struct err *err)
{
    bool good;

    if (request->cert_file != NULL)
        good = read_cert_file(store, request, self, err);
    else if (request->serial != NULL)
        good = (self->issued = issued_find(store, request->serial, err)) != NULL &&
               take_row(self, self->issued);
    else
        good = find_by_role(store, request->role, self, err);
    if (!good || !check_usable(self, request->role, err))
        return false;
    if (self->key != NULL && !cert_matches_key(self->issued->cert, self->key))
        return not_the_key(request->role, err);
    self->other_name = strcmp(self->issued->role, request->role) != 0;
    if (!self->of_store)
        return true;
    self->authority = authority_load_id(store, self->issued->authority_id, err);
    return self->authority != NULL &&
           authority_load_parents(store, self->authority, &self->parents, err);
}

/* ---- what verifies the servers ---- */

static bool add_authority(struct store *store, struct trust_file *roots, int64_t id,
                          struct err *err)
{
    struct authority *authority = authority_load_id(store, id, err);
    struct authority_parents parents = {.crls = NULL};
    bool good = authority != NULL && authority_load_parents(store, authority, &parents, err);

    if (good)
        good = trust_file_add(
            roots, parents.certs.n > 0 ? parents.certs.certs[parents.certs.n - 1] : authority->cert,
            authority->name, clock_now(), err);
    authority_parents_clear(&parents);
    authority_free(authority);
    return good;
}

static bool add_foreign(struct store *store, struct trust_file *roots, int64_t id, struct err *err)
{
    struct foreign_ca_list list = {.n = 0};
    bool good = foreign_list(store, &list, err);

    for (size_t i = 0; good && i < list.n; i++)
        if (list.rows[i].id == id)
            good = trust_file_add(roots, list.rows[i].cert, list.rows[i].name, clock_now(), err);
    foreign_list_clear(&list);
    return good;
}

static bool is_about(const struct rotation *rotation, const struct server_list *servers)
{
    for (size_t i = 0; rotation->kind == ROTATION_SERVER_CA && i < servers->n; i++)
        if (text_equal(rotation->name, servers->rows[i]->name) ||
            (servers->rows[i]->cluster != NULL && servers->rows[i]->cluster[0] != '\0' &&
             text_equal(rotation->name, servers->rows[i]->cluster)))
            return true;
    return false;
}

/* A server that is going over to another CA: old and new. */
static bool add_rotations(struct store *store, const struct server_list *servers,
                          struct trust_file *roots, struct err *err)
{
    struct rotation_list list = {.n = 0};
    bool good = rotation_list(store, false, &list, err);

    for (size_t i = 0; good && i < list.n; i++) {
        const struct rotation *row = list.rows[i];

        if (!is_about(row, servers))
            continue;
        good = (row->old_authority_id == 0 ||
                add_authority(store, roots, row->old_authority_id, err)) &&
               (row->new_authority_id == 0 ||
                add_authority(store, roots, row->new_authority_id, err)) &&
               (row->old_foreign_id == 0 || add_foreign(store, roots, row->old_foreign_id, err)) &&
               (row->new_foreign_id == 0 || add_foreign(store, roots, row->new_foreign_id, err));
    }
    rotation_list_clear(&list);
    return good;
}

static bool add_list(struct trust_file *roots, const struct cert_list *certs, struct err *err)
{
    bool good = true;

    for (size_t i = 0; good && i < certs->n; i++)
        good = trust_file_add(roots, certs->certs[i], _("the store"), clock_now(), err);
    return good;
}

static bool find_roots(struct store *store, const struct handover_request *request,
                       struct handover *self, struct err *err)
{
    struct cert_list ours;
    bool good;

    cert_list_init(&ours);
    trust_file_init(&self->roots);
    good = store == NULL ||
           (authority_server_roots(store, &ours, err) && add_list(&self->roots, &ours, err) &&
            add_rotations(store, request->servers, &self->roots, err));
    cert_list_clear(&ours);
    for (size_t i = 0; good && request->added != NULL && i < request->added->n; i++)
        good = trust_file_add(&self->roots, request->added->rows[i].cert,
                              request->added->rows[i].from, clock_now(), err);
    if (good && self->roots.n == 0 && self->of_store)
        good = add_authority(store, &self->roots, self->issued->authority_id, err);
    if (good && self->roots.n == 0) {
        err_set(err, ERR_ROOT_MISSING, _("no CA is known that would verify the servers"));
        return err_hint(err, _("Give the file of the CA that issued their certificates: "
                               "--add FILE."));
    }
    good = good && trust_file_finish(&self->roots, err);
    if (good)
        trust_file_certs(&self->roots, &self->root_list);
    return good;
}

/* ---- servers ---- */

bool handover_database(const struct server *server, char **ret, struct err *err)
{
    struct params *params = params_parse(server->conninfo, err);
    const char *database = params != NULL ? params_get(params, "dbname") : NULL;

    if (params == NULL)
        return false;
    *ret = mem_strdup(database != NULL && database[0] != '\0' ? database : DEFAULT_DATABASE);
    params_free(params);
    return true;
}

static bool find_servers(const struct handover_request *request, struct handover *self,
                         struct err *err)
{
    const struct server_list *list = request->servers;

    self->servers = mem_array(list->n + 1, sizeof(*self->servers));
    memset(self->servers, 0, (list->n + 1) * sizeof(*self->servers));
    for (size_t i = 0; i < list->n; i++) {
        struct handover_server *server = &self->servers[self->n_servers];

        if (!plan_tls_address(list->rows[i], &server->host, &server->port, err))
            return false;
        server->name = mem_strdup(list->rows[i]->name);
        self->n_servers++;
        if (server->host[0] == '\0')
            return plan_no_tls_address(list->rows[i], err);
    }
    if (request->database == NULL)
        return handover_database(list->rows[0], &self->database, err);
    self->database = mem_strdup(request->database);
    return true;
}

bool handover_read(struct store *store, const struct handover_request *request,
                   struct handover *ret, struct err *err)
{
    cert_list_init(&ret->behind);
    cert_list_init(&ret->root_list);
    if (!read_key(request, ret, err) || !find_cert(store, request, ret, err) ||
        !find_servers(request, ret, err) || !find_roots(store, request, ret, err))
        return false;
    ret->formats = request->formats | KIT_PEM;
    if (ret->key != NULL)
        ret->formats |= kit_clients_formats(request->clients,
                                            ret->key_locked || request->p12_passphrase != NULL);
    return true;
}

void handover_try(struct handover *self)
{
    for (size_t i = 0; i < self->n_servers; i++) {
        struct handover_server *server = &self->servers[i];
        struct trust_try seen = {.leaf = NULL};
        struct err err = ERR_INIT;

        server->tried = true;
        server->reached =
            trust_try_server(&self->root_list, server->host, server->port, &seen, &err);
        server->verify_ca = seen.verify_ca;
        server->verify_full = seen.verify_full;
        if (!server->reached || !seen.verify_full)
            text_clean_copy(server->why, sizeof(server->why), server->reached ? seen.why : err.msg);
        trust_try_clear(&seen);
    }
}

bool handover_is_well(const struct handover *self)
{
    for (size_t i = 0; i < self->n_servers; i++) {
        const struct handover_server *server = &self->servers[i];

        if ((server->reached && !server->verify_full) || server->login == HANDOVER_REFUSED)
            return false;
    }
    return true;
}
