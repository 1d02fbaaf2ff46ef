/* authority_request.c - an intermediate CA: its request, and the certificate that answers it. */
#include "config.h"

#include "core/store/authority_request.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/authority_make.h"
#include "core/store/authority_replace.h"
#include "core/store/key_file.h"
#include "core/store/sql.h"

#define CHAIN_MAX 8 /* deeper than any that was met */

void authority_request_free(struct authority_request *request)
{
    if (request == NULL)
        return;
    free(request->name);
    csr_free(request->csr);
    free(request);
}

void authority_request_list_clear(struct authority_request_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        authority_request_free(list->rows[i]);
    free(list->rows);
    list->rows = NULL;
    list->n = 0;
}

void authority_parents_clear(struct authority_parents *parents)
{
    for (size_t i = 0; i < parents->certs.n; i++)
        crl_free(parents->crls[i]);
    free(parents->crls);
    parents->crls = NULL;
    cert_list_clear(&parents->certs);
}

static void take_parent(struct authority_parents *parents, struct cert *cert, struct crl *crl)
{
    cert_list_take(&parents->certs, cert);
    parents->crls = mem_realloc_array(parents->crls, parents->certs.n, sizeof(struct crl *));
    parents->crls[parents->certs.n - 1] = crl;
}

/* ---- requests ---- */

static bool add_request(struct store *store, const struct authority_spec *spec,
                        const struct csr *csr, const char *key_file, struct err *err)
{
    struct strbuf der = STRBUF_INIT;
    struct sql *sql = NULL;
    bool ok = csr_to_der(csr, &der, err);

    if (ok)
        sql = sql_new(store,
                      "INSERT INTO authority_request (name, csr, key_file, key_encrypted,"
                      " created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                      err);
    ok = sql != NULL;
    if (ok) {
        sql_bind_text(sql, 1, spec->name);
        sql_bind_blob(sql, 2, der.data, der.len);
        sql_bind_text(sql, 3, key_file);
        sql_bind_int(sql, 4, spec->passphrase != NULL);
        sql_bind_int(sql, 5, clock_now());
        ok = sql_run(sql, err) &&
             store_note(store, "ca request", spec->name, key_type_name(spec->key_type), err);
    }
    strbuf_clear(&der);
    return ok;
}

/* The file is there before the row that needs it; a file without its row is harmless. */
static bool record_request(struct store *store, const struct authority_spec *spec,
                           const struct name *subject, const struct csr *csr,
                           const struct secret *pem, struct err *err)
{
    struct authority_request *found = NULL;
    struct err ignored = ERR_INIT;
    char *file = key_file_new_name(spec->name, NULL, err);
    bool ok = false;

    if (file == NULL || !store_begin(store, err))
        goto out;
    if (!authority_check_unique(store, spec->name, subject, 0, err) ||
        !key_file_write(store, file, pem, err)) {
        store_rollback(store);
        goto out;
    }
    if (!add_request(store, spec, csr, file, err)) {
        store_rollback(store);
        key_file_remove(store, file);
        goto out;
    }
    ok = store_commit(store, err);
    if (!ok &&
        (authority_request_load(store, spec->name, &found, &ignored) ? found == NULL
                                                                     : store_will_roll_back(store)))
        key_file_remove(store, file);
    authority_request_free(found);
out:
    free(file);
    return ok;
}

struct authority_request *authority_request_make(struct store *store,
                                                 const struct authority_spec *spec, struct err *err)
{
    struct authority_request *request = NULL;
    struct name *subject = NULL;
    struct key *key = NULL;
    struct csr *csr = NULL;
    struct secret *pem = NULL;

    if (!authority_check_name(spec->name, err))
        return NULL;
    subject = spec->subject != NULL ? name_parse(spec->subject, err)
                                    : name_new_common_name(spec->name, err);
    if (subject == NULL || !authority_check_unique(store, spec->name, subject, 0, err))
        goto out;
    key = key_generate(spec->key_type, spec->cancelled, spec->cancelled_arg, err);
    if (key == NULL)
        goto out;
    csr = csr_new_ca(subject, key, err);
    if (csr == NULL)
        goto out;
    pem = key_to_pem(key, spec->passphrase, KEY_ROUNDS_CA, err);
    if (pem != NULL && record_request(store, spec, subject, csr, pem, err) &&
        authority_request_load(store, spec->name, &request, err) && request == NULL)
        err_set(err, ERR_STORE, _("the request of \"%s\" is gone"), spec->name);
out:
    secret_free(pem);
    csr_free(csr);
    key_free(key);
    name_free(subject);
    return request;
}

static struct csr *csr_from_blob(const struct sql *sql, int column, struct err *err)
{
    struct strbuf pem = STRBUF_INIT;
    struct csr *csr;
    size_t len = 0;
    const void *der = sql_blob(sql, column, &len);

    pem_write(&pem, "CERTIFICATE REQUEST", der, len);
    csr = csr_from_pem(pem.data, pem.len, err);
    strbuf_clear(&pem);
    return csr;
}

/* Takes the statement. */
static bool read_requests(struct sql *sql, struct authority_request_list *ret, struct err *err)
{
    struct authority_request_list list = {NULL, 0};
    bool row = false;
    bool ok = sql != NULL;

    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        struct authority_request *request = mem_zalloc(sizeof(*request));

        request->id = sql_int(sql, 0);
        request->name = sql_text(sql, 1);
        request->key_encrypted = sql_int(sql, 3) != 0;
        request->created_at = sql_int(sql, 4);
        request->csr = csr_from_blob(sql, 2, err);
        ok = request->csr != NULL;
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(struct authority_request *));
        list.rows[list.n++] = request;
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        authority_request_list_clear(&list);
    return ok;
}

#define COLUMNS "SELECT id, name, csr, key_encrypted, created_at FROM authority_request "

bool authority_request_list(struct store *store, struct authority_request_list *ret,
                            struct err *err)
{
    return read_requests(sql_new(store, COLUMNS "ORDER BY id", err), ret, err);
}

bool authority_request_load(struct store *store, const char *name, struct authority_request **ret,
                            struct err *err)
{
    struct authority_request_list list = {NULL, 0};
    struct sql *sql = sql_new(store, COLUMNS "WHERE name = ?1", err);

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    if (!read_requests(sql, &list, err))
        return false;
    *ret = list.n > 0 ? list.rows[0] : NULL;
    list.n = 0; /* taken */
    authority_request_list_clear(&list);
    return true;
}

static char *request_file(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT key_file FROM authority_request WHERE id = ?1", err);
    bool row = false;
    char *file = NULL;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, id);
    if (sql_step(sql, &row, err)) {
        if (row)
            file = sql_text(sql, 0);
        else
            err_set(err, ERR_CA_UNKNOWN, _("there is no such request in this store any more"));
    }
    sql_free(sql);
    return file;
}

struct key *authority_request_unlock(struct store *store, const struct authority_request *request,
                                     const struct secret *passphrase, struct err *err)
{
    char *file = request_file(store, request->id, err);
    struct secret *pem = file != NULL ? key_file_read(store, file, err) : NULL;
    struct key *key = NULL;

    if (pem != NULL)
        key = key_from_pem(secret_data(pem), secret_len(pem), passphrase, err);
    secret_free(pem);
    free(file);
    return key;
}

bool authority_request_drop(struct store *store, const struct authority_request *request,
                            struct err *err)
{
    char *file = request_file(store, request->id, err);
    struct sql *sql = NULL;
    bool ok = false;

    if (file == NULL || !store_begin(store, err))
        goto out;
    sql = sql_new(store, "DELETE FROM authority_request WHERE id = ?1", err);
    if (sql == NULL)
        goto fail;
    sql_bind_int(sql, 1, request->id);
    if (!sql_run(sql, err) || !authority_doom_file(store, file, err) ||
        !store_note(store, "ca request dropped", request->name, NULL, err))
        goto fail;
    ok = store_commit(store, err);
    if (ok)
        authority_remove_doomed(store);
    goto out;
fail:
    store_rollback(store);
out:
    free(file);
    return ok;
}

struct csr *authority_request_renewal(const struct authority *authority, const struct key *key,
                                      struct err *err)
{
    struct name *subject = cert_subject(authority->cert);
    struct csr *csr = csr_new_ca(subject, key, err);

    name_free(subject);
    return csr;
}

/* ---- the answer ---- */

static const struct cert *issuer_among(const struct cert *cert, const struct cert_list *certs)
{
    for (size_t i = 0; i < certs->n; i++)
        if (cert_issued_by(cert, certs->certs[i]))
            return certs->certs[i];
    return NULL;
}

/* The newest list of this certificate's key. */
static const struct crl *crl_among(const struct cert *cert, struct crl *const *crls, size_t n)
{
    const struct crl *best = NULL;

    for (size_t i = 0; i < n; i++)
        if (crl_signed_by(crls[i], cert) &&
            (best == NULL || crl_this_update(crls[i]) > crl_this_update(best)))
            best = crls[i];
    return best;
}

static bool climb(const struct cert *from, const struct cert_list *certs, struct crl *const *crls,
                  size_t n_crls, struct authority_parents *parents, struct err *err)
{
    const struct cert *at = from;

    while (!cert_is_self_signed(at)) {
        const struct cert *issuer = issuer_among(at, certs);
        const struct crl *crl;
        struct strbuf name = STRBUF_INIT;

        if (issuer == NULL || parents->certs.n == CHAIN_MAX) {
            cert_format_issuer(at, &name);
            err_set(err, ERR_POLICY, _("the certificate of its issuer \"%s\" is missing"),
                    name.data);
            strbuf_clear(&name);
            return err_hint(err, _("Give all certificates up to the root in one file: PostgreSQL "
                                   "builds the whole chain."));
        }
        crl = crl_among(issuer, crls, n_crls);
        take_parent(parents, cert_dup(issuer), crl != NULL ? crl_dup(crl) : NULL);
        at = issuer;
    }
    return true;
}

bool authority_sort_answer(const struct cert_list *certs, struct crl *const *crls, size_t n_crls,
                           const struct key *key, struct cert **ret_cert,
                           struct authority_parents *ret_parents, struct err *err)
{
    struct authority_parents parents = {{NULL, 0}, NULL};
    const struct cert *cert = NULL;
    char date[CLOCK_TEXT_MAX];

    for (size_t i = 0; i < certs->n; i++)
        if (cert_matches_key(certs->certs[i], key) &&
            (cert == NULL || cert_not_after(certs->certs[i]) > cert_not_after(cert)))
            cert = certs->certs[i];
    if (cert == NULL) {
        err_set(err, ERR_POLICY, _("none of the certificates is for this CA's key"));
        return err_hint(err, _("It must be the one that was signed from this CA's request."));
    }
    if (!cert_is_ca(cert)) {
        err_set(err, ERR_NOT_A_CA, _("the certificate that came back is not a CA"));
        return err_hint(err, _("Its issuer has to sign it with basicConstraints CA:TRUE and "
                               "keyUsage keyCertSign, cRLSign."));
    }
    if (!cert_may_sign_crls(cert))
        return err_set(err, ERR_POLICY,
                       _("the certificate may not sign CRLs: its keyUsage lacks "
                         "cRLSign"));
    if (cert_not_after(cert) <= clock_now())
        return err_set(err, ERR_CERT_ENDED, _("the certificate ended on %s"),
                       clock_format_date(date, cert_not_after(cert)));
    if (!climb(cert, certs, crls, n_crls, &parents, err)) {
        authority_parents_clear(&parents);
        return false;
    }
    *ret_cert = cert_dup(cert);
    *ret_parents = parents;
    return true;
}

static bool add_parents(struct store *store, int64_t authority_id, void *arg, struct err *err)
{
    return authority_set_parents(store, authority_id, arg, err);
}

static struct authority *install_request(struct store *store,
                                         const struct authority_request *request,
                                         const struct key *key, const struct cert *cert,
                                         const struct authority_parents *parents, struct err *err)
{
    struct authority_parents copy = *parents; /* only read */
    struct authority_making making = {
        .name = request->name,
        .act = "ca install",
        .cert = cert_dup(cert),
        .key_encrypted = request->key_encrypted,
        .request_id = request->id,
        .more = add_parents,
        .more_arg = &copy,
    };
    struct authority *authority = NULL;
    char *file = request_file(store, request->id, err);

    making.key = key_dup(key);
    making.key_file = file;
    if (file != NULL)
        authority = authority_store(store, &making, err);
    authority_making_clear(&making);
    free(file);
    return authority;
}

struct authority *authority_install(struct store *store, const struct authority_request *request,
                                    const struct authority *existing, const struct key *key,
                                    const struct cert *cert,
                                    const struct authority_parents *parents, struct err *err)
{
    struct name *was = NULL;
    struct name *is = NULL;
    struct authority *authority = NULL;

    if (request != NULL)
        return install_request(store, request, key, cert, parents, err);
    was = cert_subject(existing->cert);
    is = cert_subject(cert);
    if (name_equal(was, is)) {
        authority = authority_replace_cert(store, existing, key, cert, parents, "ca install", err);
    } else {
        err_set(err, ERR_POLICY, _("the new certificate has another name than the CA \"%s\""),
                existing->name);
        err_hint(err, _("What the CA issued names its issuer: the subject must stay letter by "
                        "letter."));
    }
    name_free(was);
    name_free(is);
    return authority;
}

bool authority_load_parents(struct store *store, const struct authority *authority,
                            struct authority_parents *ret, struct err *err)
{
    struct authority_parents parents = {{NULL, 0}, NULL};
    struct sql *sql = sql_new(
        store, "SELECT cert, crl FROM authority_parent WHERE authority_id = ?1 ORDER BY n", err);
    bool row = false;
    bool ok = sql != NULL;

    if (!ok)
        return false;
    sql_bind_int(sql, 1, authority->id);
    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        struct crl *crl = NULL;
        struct cert *cert;
        size_t len = 0;
        const void *der = sql_blob(sql, 0, &len);

        cert = cert_from_der(der, len, err);
        ok = cert != NULL;
        der = sql_blob(sql, 1, &len);
        if (ok && der != NULL) {
            crl = crl_from_der(der, len, err);
            ok = crl != NULL;
        }
        if (ok)
            take_parent(&parents, cert, crl);
        else
            cert_free(cert);
    }
    sql_free(sql);
    if (ok)
        *ret = parents;
    else
        authority_parents_clear(&parents);
    return ok;
}

static bool add_root(struct store *store, int64_t id, struct cert_list *ret, struct err *err)
{
    struct authority *authority = authority_load_id(store, id, err);
    struct authority_parents parents = {.crls = NULL};
    bool ok = authority != NULL && authority_load_parents(store, authority, &parents, err);
    const struct cert *root;
    bool there = false;

    if (ok) {
        root = parents.certs.n > 0 ? parents.certs.certs[parents.certs.n - 1] : authority->cert;
        for (size_t i = 0; i < ret->n; i++)
            there = there || cert_equal(ret->certs[i], root);
        if (!there)
            cert_list_take(ret, cert_dup(root));
    }
    authority_parents_clear(&parents);
    authority_free(authority);
    return ok;
}

bool authority_count_serving(struct store *store, const struct authority *authority, size_t *ret,
                             struct err *err)
{
    struct sql *sql;
    int64_t n = 0;

    store_settle(store); /* delivered.h */
    sql =
        sql_new(store,
                "SELECT count(*) FROM issued AS i WHERE authority_id = ?1"
                " AND kind = 1 AND revoked_at IS NULL AND not_after > ?2"
                " AND delivered_at IS NOT NULL AND NOT EXISTS ("
                "WITH RECURSIVE after (id, delivered_at) AS (" /* by way of those that were lost */
                " SELECT r.id, r.delivered_at FROM issued AS r WHERE r.replaces = i.id"
                " UNION SELECT r.id, r.delivered_at FROM after JOIN issued AS r"
                " ON r.replaces = after.id WHERE after.delivered_at IS NULL)"
                " SELECT 1 FROM after WHERE delivered_at IS NOT NULL)",
                err);
    *ret = 0;
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority->id);
    sql_bind_int(sql, 2, clock_now());
    if (!sql_run_int(sql, 0, &n, err))
        return false;
    *ret = (size_t)n;
    return true;
}

bool authority_server_roots(struct store *store, struct cert_list *ret, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT id FROM authority WHERE EXISTS (SELECT 1 FROM issued"
                              " WHERE authority_id = authority.id AND kind = 1"
                              " AND revoked_at IS NULL AND not_after > ?1"
                              " AND (authority.retired_at IS NULL OR NOT EXISTS (SELECT 1 FROM"
                              " issued AS r WHERE r.replaces = issued.id"
                              " AND r.delivered_at IS NOT NULL))) ORDER BY id",
                              err);
    int64_t *ids = NULL;
    size_t n = 0;
    bool row = false;
    bool ok = sql != NULL;

    if (!ok)
        return false;
    sql_bind_int(sql, 1, clock_now());
    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        ids = mem_realloc_array(ids, n + 1, sizeof(*ids));
        ids[n++] = sql_int(sql, 0);
    }
    sql_free(sql);
    for (size_t i = 0; ok && i < n; i++)
        ok = add_root(store, ids[i], ret, err);
    free(ids);
    return ok;
}
