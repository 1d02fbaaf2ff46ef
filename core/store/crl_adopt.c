/* crl_adopt.c - entries of a list become revocations, and the next list has them. */
#include "config.h"

#include "core/store/crl_adopt.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/row.h"

bool crl_adopt_find(struct store *store, const struct crl *crl, struct authority **ret,
                    struct err *err)
{
    struct authority_list list = {.n = 0};

    *ret = NULL;
    if (!authority_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n && *ret == NULL; i++) {
        if (!crl_signed_by(crl, list.rows[i]->cert))
            continue;
        *ret = list.rows[i];
        list.rows[i] = list.rows[--list.n];
    }
    authority_list_clear(&list);
    return true;
}

/* ---- one entry ---- */

enum known { KNOWN_NOT, KNOWN_VALID, KNOWN_REVOKED };

static bool look_up(struct store *store, int64_t authority_id, const struct serial *serial,
                    enum known *ret, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "SELECT max(revoked_at IS NOT NULL) FROM (SELECT revoked_at FROM issued"
                " WHERE serial = ?2 AND authority_id = ?1 UNION ALL SELECT revoked_at"
                " FROM serial_only WHERE serial = ?2 AND authority_id = ?1) HAVING count(*) > 0",
                err);
    int64_t revoked = -1;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    sql_bind_blob(sql, 2, serial->bytes, serial->len);
    if (!sql_run_int(sql, -1, &revoked, err))
        return false;
    *ret = revoked < 0 ? KNOWN_NOT : revoked > 0 ? KNOWN_REVOKED : KNOWN_VALID;
    return true;
}

static bool change_row(struct store *store, const char *text, int64_t authority_id,
                       const struct crl_entry *entry, struct err *err)
{
    struct sql *sql = sql_new(store, text, err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    sql_bind_blob(sql, 2, entry->serial.bytes, entry->serial.len);
    sql_bind_int(sql, 3, entry->revoked_at);
    sql_bind_int(sql, 4, entry->reason);
    return sql_run(sql, err);
}

static bool revoke(struct store *store, const struct authority *authority,
                   const struct crl_entry *entry, enum known known, struct err *err)
{
    char hex[SERIAL_HEX_MAX];
    bool ok;

    if (known == KNOWN_NOT)
        ok = change_row(store,
                        "INSERT INTO serial_only (authority_id, serial, subject, revoked_at,"
                        " reason) VALUES (?1, ?2, '', ?3, ?4)",
                        authority->id, entry, err);
    else
        ok = change_row(store,
                        "UPDATE issued SET revoked_at = ?3, reason = ?4 WHERE authority_id = ?1"
                        " AND serial = ?2 AND revoked_at IS NULL",
                        authority->id, entry, err) &&
             change_row(store,
                        "UPDATE serial_only SET revoked_at = ?3, reason = ?4 WHERE"
                        " authority_id = ?1 AND serial = ?2 AND revoked_at IS NULL",
                        authority->id, entry, err);
    return ok &&
           store_note(store, "revoke", serial_format_hex(hex, &entry->serial), "crl import", err);
}

/* ---- all of them ---- */

static bool walk(struct store *store, const struct authority *authority, const struct crl *crl,
                 bool change, struct crl_adopted *ret, struct err *err)
{
    uint64_t number = 0;
    uint64_t last = 0;

    *ret = (struct crl_adopted){.revoked = 0};
    if (!row_last_crl(store, authority->id, &last, err))
        return false;
    ret->behind = crl_number(crl, &number) && number > last;
    for (size_t i = 0; i < crl_count(crl); i++) {
        struct crl_entry entry;
        enum known known;

        if (!crl_entry_at(crl, i, &entry))
            continue;
        if (!look_up(store, authority->id, &entry.serial, &known, err))
            return false;
        if (known == KNOWN_REVOKED)
            continue;
        if (change && !revoke(store, authority, &entry, known, err))
            return false;
        ret->revoked++;
        ret->unknown += known == KNOWN_NOT;
    }
    return true;
}

static bool check(const struct authority *authority, const struct crl *crl, struct err *err)
{
    uint64_t number = 0;

    if (!crl_signed_by(crl, authority->cert))
        return err_set(err, ERR_CRL_WEAKER, _("the CRL was not signed by \"%s\""), authority->name);
    if (crl_number(crl, &number) && number >= INT64_MAX)
        return err_set(err, ERR_POLICY, _("no CRL of \"%s\" can have a higher number than this"),
                       authority->name);
    return true;
}

bool crl_adopt_look(struct store *store, const struct authority *authority, const struct crl *crl,
                    struct crl_adopted *ret, struct err *err)
{
    return check(authority, crl, err) && walk(store, authority, crl, false, ret, err);
}

/* Inside a transaction. */
static struct crl *sign_next(struct store *store, const struct authority *authority,
                             const struct key *key, const struct crl *crl,
                             const struct crl_adopted *adopted, struct err *err)
{
    char *detail = mem_printf("%zu revocations", adopted->revoked);
    uint64_t number = 0;
    struct crl *next = NULL;

    if (!crl_number(crl, &number))
        number = 0;
    if (store_note(store, "crl import", authority->name, detail, err))
        next = row_next_crl(store, authority, key, 0, number + 1, err);
    free(detail);
    return next;
}

bool crl_adopt(struct store *store, struct authority *authority, const struct key *key,
               const struct crl *crl, struct crl_adopted *ret, struct err *err)
{
    struct crl *next = NULL;

    if (!check(authority, crl, err) || !store_begin(store, err))
        return false;
    if (walk(store, authority, crl, true, ret, err))
        next = sign_next(store, authority, key, crl, ret, err);
    if (next == NULL) {
        store_rollback(store);
        return false;
    }
    if (!store_commit(store, err)) {
        crl_free(next);
        return false;
    }
    row_set_crl(store, authority, next);
    crl_free(next);
    return true;
}
