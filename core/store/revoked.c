/* revoked.c - what an authority has revoked, as entries of its next list. */
#include "config.h"

#include "core/store/revoked.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/store/sql.h"

/* RFC 5280 3.3: an entry stays until it has appeared on a list made after the certificate ended;
 * and clocks differ. What a CA had revoked when it was imported stays as long on our lists, since
 * nobody knows which list was its last. */
#define KEPT_AFTER_END (7 * CLOCK_DAY)

bool revoked_entries(struct store *store, int64_t authority_id, struct crl_entry **ret,
                     size_t *ret_n, struct err *err)
{
    struct sql *sql = sql_new(
        store,
        "SELECT serial, revoked_at, reason FROM issued WHERE authority_id = ?1"
        " AND revoked_at IS NOT NULL AND (not_after >= ?2 OR EXISTS (SELECT 1 FROM authority"
        " WHERE id = ?1 AND imported_at >= ?2))"
        " UNION ALL SELECT serial, revoked_at, reason FROM serial_only"
        " WHERE authority_id = ?1 AND revoked_at IS NOT NULL"
        " AND (not_after IS NULL OR not_after >= ?2 OR EXISTS (SELECT 1 FROM authority"
        " WHERE id = ?1 AND imported_at >= ?2))",
        err);
    struct crl_entry *entries = NULL;
    size_t n = 0;
    size_t capacity = 0;
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    sql_bind_int(sql, 2, clock_now() - KEPT_AFTER_END);
    while ((ok = sql_step(sql, &row, err)) && row) {
        size_t len = 0;
        const void *bytes = sql_blob(sql, 0, &len);

        if (n == capacity) {
            capacity = capacity == 0 ? 16 : capacity * 2;
            entries = mem_realloc_array(entries, capacity, sizeof(*entries));
        }
        memset(&entries[n], 0, sizeof(entries[n]));
        ok = serial_from_bytes(&entries[n].serial, bytes, len, err);
        if (!ok)
            break;
        entries[n].revoked_at = sql_int(sql, 1);
        entries[n].reason = (enum crl_reason)sql_int(sql, 2);
        n++;
    }
    sql_free(sql);
    if (!ok) {
        free(entries);
        return false;
    }
    *ret = entries;
    *ret_n = n;
    return true;
}

bool revoked_has_ended(struct store *store, int64_t authority_id, const struct serial *serial,
                       bool *ret, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT not_after FROM issued WHERE serial = ?2 AND authority_id = ?1"
                              " UNION ALL SELECT not_after FROM serial_only"
                              " WHERE serial = ?2 AND authority_id = ?1 LIMIT 1",
                              err);
    int64_t end = 0;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    sql_bind_blob(sql, 2, serial->bytes, serial->len);
    if (!sql_run_int(sql, 0, &end, err))
        return false;
    *ret = end > 0 && end < clock_now();
    return true;
}
