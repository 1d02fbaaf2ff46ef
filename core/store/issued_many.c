/* issued_many.c - certificates recorded by the thousand. */
#include "config.h"

#include "core/store/issued_many.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/row.h"

static bool check_may_issue(struct store *store, const struct authority *authority, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT retired_at IS NOT NULL OR deleted_at IS NOT NULL"
                              " FROM authority WHERE id = ?1",
                              err);
    int64_t retired = 1;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority->id);
    if (!sql_run_int(sql, 1, &retired, err))
        return false;
    if (retired != 0)
        return err_set(err, ERR_POLICY, _("the CA \"%s\" is retired: it issues nothing any more"),
                       authority->name);
    return true;
}

static bool mark(struct store *store, const struct issued_list *rows, struct err *err)
{
    struct sql *sql = sql_new(
        store, "UPDATE issued SET delivered_at = coalesce(delivered_at, ?2) WHERE id = ?1", err);
    int64_t now = clock_now();
    bool ok = sql != NULL;

    for (size_t i = 0; ok && i < rows->n; i++) {
        sql_bind_int(sql, 1, rows->rows[i]->id);
        sql_bind_int(sql, 2, now);
        ok = sql_again(sql, err);
    }
    sql_free(sql);
    return ok;
}

static bool add(struct store *store, struct issued *const *rows, size_t n, struct err *err)
{
    struct sql *adder = row_adder(store, err);
    bool ok = adder != NULL;

    for (size_t i = 0; ok && i < n; i++) {
        struct issued_row row = {
            .authority_id = rows[i]->authority_id,
            .kind = rows[i]->kind,
            .role = rows[i]->role,
            .note = rows[i]->note,
            .cert = rows[i]->cert,
            .created_at = rows[i]->created_at,
            .replaces = rows[i]->replaces,
        };

        ok = row_add_again(store, adder, &row, &rows[i]->id, err);
    }
    sql_free(adder);
    return ok;
}

bool issued_many_record(struct store *store, const struct authority *authority,
                        struct issued *const *rows, size_t n, const struct issued_list *delivered,
                        const char *what, struct err *err)
{
    char *detail;
    bool ok;

    if (!store_begin(store, err))
        return false;
    detail = mem_printf("%zu client certificates %s", n, what);
    ok = check_may_issue(store, authority, err) && add(store, rows, n, err) &&
         (delivered == NULL || mark(store, delivered, err)) &&
         store_note(store, "issue batch", authority->name, detail, err);
    free(detail);
    return store_end(store, ok, err);
}

bool issued_many_delivered(struct store *store, const struct issued_list *rows, struct err *err)
{
    if (rows->n == 0)
        return true;
    if (!store_begin(store, err))
        return false;
    return store_end(store, mark(store, rows, err), err);
}

bool issued_lost_list(struct store *store, int64_t authority_id, struct issued_lost **ret,
                      size_t *ret_n, struct err *err)
{
    struct sql *sql;
    struct issued_lost *list = NULL;
    size_t n = 0;
    bool row = false;
    bool ok;

    store_settle(store);
    sql = sql_new(store,
                  "SELECT i.role, max(i.id) FROM issued AS i WHERE i.delivered_at IS NULL"
                  " AND i.kind < 2 AND i.kind = 0 AND +i.authority_id = ?1"
                  " AND +i.revoked_at IS NULL AND NOT EXISTS"
                  " (SELECT 1 FROM issued AS r WHERE r.replaces = i.id)"
                  " GROUP BY i.role ORDER BY i.role",
                  err);
    ok = sql != NULL;
    if (ok)
        sql_bind_int(sql, 1, authority_id);
    while (ok && (ok = sql_step(sql, &row, err)) && row) {
        if ((n & (n - 1)) == 0) /* grows by doubling */
            list = mem_realloc_array(list, n == 0 ? 1 : n * 2, sizeof(*list));
        list[n].role = sql_text(sql, 0);
        list[n++].id = sql_int(sql, 1);
    }
    sql_free(sql);
    if (!ok) {
        issued_lost_free(list, n);
        return false;
    }
    *ret = list;
    *ret_n = n;
    return true;
}

void issued_lost_free(struct issued_lost *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i].role);
    free(list);
}

static bool name_one(struct sql *sql, struct issued_name *name, struct err *err)
{
    struct err not_a_number = ERR_INIT;
    struct serial serial;
    bool row = false;

    if (!serial_parse_decimal(&serial, name->serial_decimal, &not_a_number))
        return true; /* not ours, whatever it is */
    sql_bind_blob(sql, 1, serial.bytes, serial.len);
    sql_bind_blob(sql, 2, name->issuer_dn, strlen(name->issuer_dn));
    if (!sql_step(sql, &row, err))
        return false;
    if (row)
        name->authority = sql_text(sql, 0);
    return sql_again(sql, err); /* to the end, for the next one */
}

bool issued_name_authorities(struct store *store, struct issued_name *names, size_t n,
                             struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT a.name FROM issued AS i JOIN authority AS a"
                              " ON a.id = i.authority_id"
                              " WHERE i.serial = ?1 AND a.session_issuer = ?2",
                              err);
    bool ok = sql != NULL;

    for (size_t i = 0; ok && i < n; i++)
        ok = name_one(sql, &names[i], err);
    sql_free(sql);
    return ok;
}
