/* row.c - rows of certificates and of revocation lists. */
#include "config.h"

#include "core/store/row.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/crl_ahead.h"
#include "core/store/revoked.h"

/* Older lists keep their row and lose their DER: all lists of a CA with n revocations would need
 * n * n / 2 entries. The last ones are what a server may still hold. */
#define CRL_KEPT 16
/* Numbers rise by at most a set of lists at once: what is further back was dropped before. */
#define CRL_LOOK_BACK (CRL_KEPT + 4 * CRL_AHEAD_MAX)

#define CRL_DAYS_MAX 36500

struct sql *row_adder(struct store *store, struct err *err)
{
    return sql_new(
        store,
        "INSERT INTO issued (authority_id, kind, role, subject, note, serial, not_before,"
        " not_after, created_at, delivered_at, revoked_at, reason, replaces, cert)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        err);
}

static void bind_or_null(struct sql *sql, int at, int64_t value)
{
    if (value != 0)
        sql_bind_int(sql, at, value);
    else
        sql_bind_null(sql, at);
}

bool row_add_again(struct store *store, struct sql *adder, const struct issued_row *row,
                   int64_t *ret_id, struct err *err)
{
    struct serial serial = cert_serial(row->cert);
    struct strbuf der = STRBUF_INIT;
    struct strbuf subject = STRBUF_INIT;
    bool ok = false;

    if (!cert_to_der(row->cert, &der, err))
        goto out;
    cert_format_subject(row->cert, &subject);
    sql_bind_int(adder, 1, row->authority_id);
    sql_bind_int(adder, 2, row->kind);
    sql_bind_text(adder, 3, row->role);
    sql_bind_text(adder, 4, subject.data);
    sql_bind_text(adder, 5, row->note);
    sql_bind_blob(adder, 6, serial.bytes, serial.len);
    sql_bind_int(adder, 7, cert_not_before(row->cert));
    sql_bind_int(adder, 8, cert_not_after(row->cert));
    sql_bind_int(adder, 9, row->created_at);
    bind_or_null(adder, 10, row->delivered_at);
    bind_or_null(adder, 11, row->revoked_at);
    sql_bind_int(adder, 12, row->reason);
    bind_or_null(adder, 13, row->replaces);
    sql_bind_blob(adder, 14, der.data, der.len);
    ok = sql_again(adder, err);
    if (ok)
        *ret_id = sql_last_id(store);
out:
    strbuf_clear(&der);
    strbuf_clear(&subject);
    return ok;
}

bool row_add_issued(struct store *store, const struct issued_row *row, int64_t *ret_id,
                    struct err *err)
{
    struct sql *adder = row_adder(store, err);
    bool ok = adder != NULL && row_add_again(store, adder, row, ret_id, err);

    sql_free(adder);
    return ok;
}

bool row_last_crl(struct store *store, int64_t authority_id, uint64_t *ret_number, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT max(number) FROM crl WHERE authority_id = ?1", err);
    int64_t number = 0;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    if (!sql_run_int(sql, 0, &number, err))
        return false;
    *ret_number = (uint64_t)number;
    return true;
}

bool row_drop_old_crls(struct store *store, int64_t authority_id, uint64_t number, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "UPDATE crl SET der = NULL WHERE authority_id = ?1 AND number < ?2"
                              " AND number > ?2 - ?5 AND der IS NOT NULL"
                              " AND (number <= ?2 - ?3 OR due_at > ?4)",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    sql_bind_int(sql, 2, (int64_t)number);
    sql_bind_int(sql, 3, CRL_KEPT);
    sql_bind_int(sql, 4, clock_now());
    sql_bind_int(sql, 5, CRL_LOOK_BACK);
    return sql_run(sql, err);
}

bool row_add_crl(struct store *store, int64_t authority_id, const struct crl *crl, int64_t due_at,
                 struct err *err)
{
    struct strbuf der = STRBUF_INIT;
    struct sql *sql = NULL;
    uint64_t number = 0;
    bool ok = false;

    if (!crl_number(crl, &number) || number > INT64_MAX) {
        err_set(err, ERR_INTERNAL, _("a revocation list has no usable number"));
        goto out;
    }
    if (!crl_to_der(crl, &der, err))
        goto out;
    sql = sql_new(store,
                  "INSERT INTO crl (authority_id, number, this_update, next_update, n_entries,"
                  " created_at, der, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                  err);
    if (sql == NULL)
        goto out;
    sql_bind_int(sql, 1, authority_id);
    sql_bind_int(sql, 2, (int64_t)number);
    sql_bind_int(sql, 3, crl_this_update(crl));
    sql_bind_int(sql, 4, crl_next_update(crl));
    sql_bind_int(sql, 5, (int64_t)crl_count(crl));
    sql_bind_int(sql, 6, clock_now());
    sql_bind_blob(sql, 7, der.data, der.len);
    sql_bind_int(sql, 8, due_at);
    ok = sql_run(sql, err);
out:
    strbuf_clear(&der);
    return ok;
}

bool row_crl_end(const struct cert *authority, int64_t now, int days, int64_t *ret, struct err *err)
{
    int64_t ca_end = cert_not_after(authority);
    int64_t end;
    char date[CLOCK_TEXT_MAX];

    if (days < 0 || days > CRL_DAYS_MAX)
        return err_set(err, ERR_BAD_VALUE, _("%d days are not between 1 and %d"), days,
                       CRL_DAYS_MAX);
    if (ca_end <= now)
        return err_set(err, ERR_POLICY, _("the CA ended on %s: no server takes its list any more"),
                       clock_format_date(date, ca_end));
    end = now + (days == 0 ? CRL_DEFAULT_DAYS : days) * CLOCK_DAY;
    *ret = end < ca_end ? end : ca_end;
    return true;
}

/* The lists for later, once more: the same dates, the new entries, higher numbers. */
static bool sign_ahead(struct store *store, const struct authority *authority,
                       const struct key *key, const struct crl_ahead_list *ahead,
                       const struct crl_entry *entries, size_t n_entries, uint64_t number,
                       struct err *err)
{
    for (size_t i = 0; i < ahead->n; i++) {
        const struct crl_ahead *row = &ahead->rows[i];
        struct crl *crl = crl_build(authority->cert, key, entries, n_entries, number + i,
                                    row->this_update, row->next_update, err);
        bool ok = crl != NULL && row_add_crl(store, authority->id, crl, row->due_at, err);

        crl_free(crl);
        if (!ok)
            return false;
    }
    return true;
}

/* With lists for later the present one only has to last until the next; its end stays what it was. */
static int64_t end_before_next(const struct crl_ahead_list *ahead, int64_t now)
{
    int64_t least = ahead->rows[0].due_at + CRL_AHEAD_OVERLAP_DAYS * CLOCK_DAY;
    int64_t end = ahead->present_end;

    if (end < now + CLOCK_DAY || end < least)
        end = least;
    return end < ahead->rows[0].next_update ? end : ahead->rows[0].next_update;
}

struct crl *row_next_crl(struct store *store, const struct authority *authority,
                         const struct key *key, int days, uint64_t at_least, struct err *err)
{
    int64_t now = clock_now();
    struct crl_ahead_list ahead = {.n = 0};
    struct crl_entry *entries = NULL;
    struct crl *crl = NULL;
    size_t n_entries = 0;
    uint64_t number = 0;
    int64_t end = 0;
    bool ok = false;

    if (!cert_matches_key(authority->cert, key)) {
        err_set(err, ERR_CA_KEY, _("this is not the private key of \"%s\""), authority->name);
        return NULL;
    }
    if (!row_crl_end(authority->cert, now, days, &end, err) ||
        !row_last_crl(store, authority->id, &number, err) ||
        !revoked_entries(store, authority->id, &entries, &n_entries, err) ||
        (days == 0 && !crl_ahead_list(store, authority->id, &ahead, err)))
        goto out;
    number = number + 1 < at_least ? at_least : number + 1;
    if (ahead.n > 0)
        end = end_before_next(&ahead, now);
    crl =
        crl_build(authority->cert, key, entries, n_entries, number, now - CERT_BACKDATE, end, err);
    ok = crl != NULL && row_add_crl(store, authority->id, crl, 0, err) &&
         sign_ahead(store, authority, key, &ahead, entries, n_entries, number + 1, err) &&
         row_drop_old_crls(store, authority->id, number, err);
out:
    free(entries);
    crl_ahead_list_clear(&ahead);
    if (ok)
        return crl;
    crl_free(crl);
    return NULL;
}

void row_set_crl(struct store *store, struct authority *authority, const struct crl *crl)
{
    struct err ignored = ERR_INIT; /* what is shown of it can be read again later */
    struct crl_ahead_list ahead = {.n = 0};
    uint64_t number = 0;

    authority->crl.number = crl_number(crl, &number) ? number : 0;
    authority->crl.this_update = crl_this_update(crl);
    authority->crl.next_update = crl_next_update(crl);
    authority->crl.ahead = 0;
    authority->crl.until = crl_next_update(crl);
    if (crl_ahead_list(store, authority->id, &ahead, &ignored) && ahead.n > 0) {
        authority->crl.ahead = ahead.n;
        authority->crl.until = ahead.rows[ahead.n - 1].next_update;
    }
    crl_ahead_list_clear(&ahead);
}
