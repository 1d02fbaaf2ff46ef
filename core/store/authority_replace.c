/* authority_replace.c - another certificate for the same CA and key. */
#include "config.h"

#include "core/store/authority_replace.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/store/authority_make.h"
#include "core/store/row.h"

bool authority_set_parents(struct store *store, int64_t authority_id,
                           const struct authority_parents *parents, struct err *err)
{
    struct sql *sql = sql_new(store, "DELETE FROM authority_parent WHERE authority_id = ?1", err);
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    ok = sql_run(sql, err);
    for (size_t i = 0; ok && i < parents->certs.n; i++) {
        struct strbuf der = STRBUF_INIT;
        struct strbuf crl = STRBUF_INIT;

        sql = sql_new(store,
                      "INSERT INTO authority_parent (authority_id, n, cert, crl)"
                      " VALUES (?1, ?2, ?3, ?4)",
                      err);
        ok = sql != NULL && cert_to_der(parents->certs.certs[i], &der, err) &&
             (parents->crls[i] == NULL || crl_to_der(parents->crls[i], &crl, err));
        if (ok) {
            sql_bind_int(sql, 1, authority_id);
            sql_bind_int(sql, 2, (int64_t)i + 1);
            sql_bind_blob(sql, 3, der.data, der.len);
            if (parents->crls[i] != NULL)
                sql_bind_blob(sql, 4, crl.data, crl.len);
            ok = sql_run(sql, err);
        } else {
            sql_free(sql);
        }
        strbuf_clear(&der);
        strbuf_clear(&crl);
    }
    return ok;
}

static bool keep_former(struct store *store, int64_t id, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "INSERT OR IGNORE INTO authority_cert (sha256, authority_id, cert,"
                              " until) SELECT sha256, id, cert, ?2 FROM authority WHERE id = ?1",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, id);
    sql_bind_int(sql, 2, clock_now());
    return sql_run(sql, err);
}

static bool set_cert(struct store *store, int64_t id, const struct cert *cert, struct err *err)
{
    struct strbuf der = STRBUF_INIT;
    uint8_t sha256[CERT_SHA256_SIZE];
    struct sql *sql = NULL;
    bool ok = cert_to_der(cert, &der, err);

    if (ok)
        sql = sql_new(store, "UPDATE authority SET cert = ?2, sha256 = ?3 WHERE id = ?1", err);
    ok = sql != NULL;
    if (ok) {
        cert_sha256(cert, sha256);
        sql_bind_int(sql, 1, id);
        sql_bind_blob(sql, 2, der.data, der.len);
        sql_bind_blob(sql, 3, sha256, sizeof(sha256));
        ok = sql_run(sql, err);
    }
    strbuf_clear(&der);
    return ok;
}

/* The key of a canary stays in its file: only the certificate over it is new. */
static struct cert *canary_cert(struct store *store, const struct authority *authority,
                                enum canary_kind kind, const struct cert *ca, const struct key *key,
                                struct err *err)
{
    struct canary old = {NULL, NULL};
    struct cert *cert = NULL;

    if (authority_canary(store, authority, kind, &old, err))
        cert = canary_renew(ca, key, clock_now(), old.key, err);
    canary_clear(&old);
    return cert;
}

struct authority *authority_replace_cert(struct store *store, const struct authority *authority,
                                         const struct key *key, const struct cert *cert,
                                         const struct authority_parents *parents, const char *act,
                                         struct err *err)
{
    struct cert *good = canary_cert(store, authority, CANARY_GOOD, cert, key, err);
    struct cert *revoked =
        good != NULL ? canary_cert(store, authority, CANARY_REVOKED, cert, key, err) : NULL;
    struct authority changed = *authority;
    struct authority *now = NULL;
    struct crl *crl = NULL;
    char date[CLOCK_TEXT_MAX];

    changed.cert = cert_dup(cert);
    if (revoked == NULL || !store_begin(store, err))
        goto out;
    if (!keep_former(store, authority->id, err) || !set_cert(store, authority->id, cert, err) ||
        (parents != NULL && !authority_set_parents(store, authority->id, parents, err)) ||
        !authority_add_canaries(store, authority->id, good, revoked, clock_now(), err))
        goto fail;
    crl = row_next_crl(store, &changed, key, 0, 0, err);
    if (crl == NULL || !store_note(store, act, authority->name,
                                   clock_format_date(date, cert_not_after(cert)), err))
        goto fail;
    if (store_commit(store, err))
        now = authority_load_id(store, authority->id, err);
    goto out;
fail:
    store_rollback(store);
out:
    crl_free(crl);
    cert_free(changed.cert);
    cert_free(good);
    cert_free(revoked);
    return now;
}
