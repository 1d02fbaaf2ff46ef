/* revoked_sign.c - a revocation and the list that says so, in one transaction. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/revoked.h"
#include "core/store/row.h"

static bool check_may_be_revoked(struct store *store, const struct authority *authority,
                                 const struct issued *issued, struct err *err)
{
    struct sql *sql = NULL;
    int64_t revoked_at = 0;
    char hex[SERIAL_HEX_MAX];
    char date[CLOCK_TEXT_MAX];

    serial_format_hex(hex, &issued->serial);
    if (issued->authority_id != authority->id)
        return err_set(err, ERR_INTERNAL, _("the certificate %s is not one of the CA \"%s\""), hex,
                       authority->name);
    if (issued->kind == ISSUED_CANARY_GOOD || issued->kind == ISSUED_CANARY_REVOKED)
        return err_set(err, ERR_POLICY,
                       _("the certificate %s is a canary of \"%s\": it proves what servers do"),
                       hex, authority->name);
    sql = sql_new(store, "SELECT coalesce(revoked_at, 0) FROM issued WHERE id = ?1", err);
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, issued->id);
    if (!sql_run_int(sql, -1, &revoked_at, err))
        return false;
    if (revoked_at < 0)
        return err_set(err, ERR_CERT_UNKNOWN, _("there is no certificate %s in this store"), hex);
    if (revoked_at > 0)
        return err_set(err, ERR_REVOKED_ALREADY, _("the certificate %s was revoked on %s"), hex,
                       clock_format_date(date, revoked_at));
    return true;
}

static bool mark(struct store *store, const struct authority *authority,
                 const struct issued *issued, int64_t now, enum crl_reason reason, struct err *err)
{
    struct sql *sql =
        sql_new(store, "UPDATE issued SET revoked_at = ?2, reason = ?3 WHERE id = ?1", err);
    char hex[SERIAL_HEX_MAX];
    char *detail;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, issued->id);
    sql_bind_int(sql, 2, now);
    sql_bind_int(sql, 3, reason);
    if (!sql_run(sql, err))
        return false;
    detail =
        mem_printf("\"%s\" of \"%s\", %s", issued->role, authority->name, crl_reason_name(reason));
    ok = store_note(store, "revoke", serial_format_hex(hex, &issued->serial), detail, err);
    free(detail);
    return ok;
}

struct crl *revoked_many_and_sign(struct store *store, struct authority *authority,
                                  const struct key *key, struct issued *const *issued, size_t n,
                                  enum crl_reason reason, int crl_days, struct err *err)
{
    int64_t now = clock_now();
    struct crl *crl = NULL;
    bool ok = true;

    if (!store_begin(store, err))
        return NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = check_may_be_revoked(store, authority, issued[i], err) &&
             mark(store, authority, issued[i], now, reason, err);
    if (ok)
        crl = row_next_crl(store, authority, key, crl_days, 0, err);
    if (crl == NULL) {
        store_rollback(store);
        return NULL;
    }
    if (!store_commit(store, err)) {
        crl_free(crl);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        issued[i]->revoked_at = now;
        issued[i]->reason = reason;
    }
    authority->revoked += (int64_t)n;
    row_set_crl(store, authority, crl);
    return crl;
}

struct crl *revoked_and_sign(struct store *store, struct authority *authority,
                             const struct key *key, struct issued *issued, enum crl_reason reason,
                             int crl_days, struct err *err)
{
    return revoked_many_and_sign(store, authority, key, &issued, 1, reason, crl_days, err);
}
