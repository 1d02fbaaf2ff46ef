/* rotation_seen.c - the worklist's certificates as sessions show them. */
#include "config.h"

#include "core/store/rotation_seen.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/serial.h"
#include "core/store/sql.h"

void rotation_seen_list_clear(struct rotation_seen_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->rows[i].role);
        free(list->rows[i].old_issuer);
        free(list->rows[i].old_serial);
        free(list->rows[i].new_issuer);
        free(list->rows[i].new_serial);
    }
    free(list->rows);
    *list = (struct rotation_seen_list){.n = 0};
}

static char *read_issuer(const struct sql *sql, int column)
{
    struct strbuf clean = STRBUF_INIT;
    size_t len = 0;
    const void *raw = sql_blob(sql, column, &len);

    text_clean(&clean, raw ? raw : "", raw ? len : 0, TEXT_ONE_LINE);
    return strbuf_steal(&clean);
}

static char *read_serial(const struct sql *sql, int column)
{
    char hex[SERIAL_HEX_MAX];
    struct err ignored = ERR_INIT;
    struct serial serial;
    size_t len = 0;
    const void *bytes = sql_blob(sql, column, &len);

    if (!bytes || !serial_from_bytes(&serial, bytes, len, &ignored))
        return mem_strdup("");
    return mem_strdup(serial_format_hex(hex, &serial));
}

static struct rotation_seen read_row(const struct sql *sql)
{
    struct rotation_seen row = {
        .item_id = sql_int(sql, 0),
        .old_issuer = read_issuer(sql, 1),
        .old_serial = read_serial(sql, 2),
        .new_issuer = read_issuer(sql, 3),
        .new_serial = read_serial(sql, 4),
        .seen_at = sql_int(sql, 5),
        .old_seen_at = sql_int(sql, 6),
        .role = sql_text(sql, 7),
        .old_issued_id = sql_int(sql, 8),
        .new_issued_id = sql_int(sql, 9),
        .left_at = sql_int(sql, 10),
        .ended_at = sql_int(sql, 11),
    };

    return row;
}

bool rotation_seen_list(struct store *store, int64_t rotation_id, struct rotation_seen_list *ret,
                        struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "SELECT o.id, b.session_issuer, i.serial, c.session_issuer, k.serial, o.seen_at,"
                " o.old_seen_at, o.role, o.old_issued_id, o.new_issued_id, o.left_at, o.ended_at "
                "FROM rotation_item AS o"
                " LEFT JOIN issued AS i ON i.id = o.old_issued_id"
                " LEFT JOIN authority AS b ON b.id = i.authority_id"
                " LEFT JOIN issued AS k ON k.id = o.new_issued_id"
                " LEFT JOIN authority AS c ON c.id = k.authority_id"
                " WHERE o.rotation_id = ?1 ORDER BY o.role, o.id",
                err);
    struct rotation_seen_list list = {.n = 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        if ((list.n & (list.n - 1)) == 0) /* grows by doubling */
            list.rows =
                mem_realloc_array(list.rows, list.n == 0 ? 1 : list.n * 2, sizeof(list.rows[0]));
        list.rows[list.n++] = read_row(sql);
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        rotation_seen_list_clear(&list);
    return ok;
}

bool rotation_seen_save(struct store *store, const struct rotation_seen_list *list, struct err *err)
{
    struct sql *sql;
    size_t n = 0;
    bool ok;

    for (size_t i = 0; i < list->n; i++)
        n += list->rows[i].changed;
    if (n == 0)
        return true;
    if (!store_begin(store, err))
        return false;
    /* Another admin's look may have been faster: the earliest and the latest count. */
    sql = sql_new(store,
                  "UPDATE rotation_item SET seen_at = coalesce(min(seen_at, ?2), ?2, seen_at),"
                  " old_seen_at = coalesce(max(old_seen_at, ?3), ?3, old_seen_at) WHERE id = ?1",
                  err);
    ok = sql != NULL;
    for (size_t i = 0; ok && i < list->n; i++) {
        const struct rotation_seen *row = &list->rows[i];

        if (!row->changed)
            continue;
        sql_bind_int(sql, 1, row->item_id);
        if (row->seen_at != 0)
            sql_bind_int(sql, 2, row->seen_at);
        else
            sql_bind_null(sql, 2);
        if (row->old_seen_at != 0)
            sql_bind_int(sql, 3, row->old_seen_at);
        else
            sql_bind_null(sql, 3);
        ok = sql_again(sql, err);
    }
    sql_free(sql);
    return store_end(store, ok, err);
}

bool rotation_join_made(struct store *store, int64_t rotation_id, int64_t authority_id,
                        int64_t since, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "UPDATE rotation_item SET new_issued_id = f.id, made_at = f.at"
                " FROM (SELECT o.id AS item, max(i.id) AS id, i.created_at AS at"
                " FROM rotation_item AS o JOIN issued AS i ON i.role = o.role"
                " WHERE o.rotation_id = ?1 AND o.new_issued_id IS NULL AND +i.authority_id = ?2"
                " AND i.kind = 0 AND i.revoked_at IS NULL AND i.delivered_at IS NOT NULL"
                " AND i.created_at >= ?3 AND i.id > o.old_issued_id"
                " AND NOT EXISTS (SELECT 1 FROM rotation_item AS x WHERE x.rotation_id = ?1"
                " AND x.old_issued_id = i.id)"
                " GROUP BY o.id) AS f WHERE rotation_item.id = f.item",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_int(sql, 2, authority_id);
    sql_bind_int(sql, 3, since);
    return sql_run(sql, err);
}

bool rotation_leave_waiting(struct store *store, int64_t rotation_id, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "UPDATE rotation_item SET left_at = ?2 WHERE rotation_id = ?1"
                              " AND seen_at IS NULL AND left_at IS NULL AND ended_at IS NULL",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_int(sql, 2, clock_now());
    return sql_run(sql, err);
}

bool rotation_add_role(struct store *store, int64_t rotation_id, int64_t authority_id,
                       const char *role, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "INSERT INTO rotation_item (rotation_id, role, old_issued_id, old_serial)"
                " SELECT ?1, i.role, i.id, ltrim(lower(hex(i.serial)), '0') FROM issued AS i"
                " WHERE i.role = ?2 AND i.kind = 0 AND i.authority_id = ?3 AND i.revoked_at IS NULL"
                " AND i.not_after > ?4 AND NOT EXISTS (SELECT 1 FROM rotation_item AS o"
                " WHERE o.rotation_id = ?1 AND (o.old_issued_id = i.id OR o.new_issued_id = i.id))"
                " ORDER BY i.id",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_text(sql, 2, role);
    sql_bind_int(sql, 3, authority_id);
    sql_bind_int(sql, 4, clock_now());
    return sql_run(sql, err);
}
