/* rotation_item.c - the worklist of a rotation: which certificate is replaced, and how far that is. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/store/rotation.h"
#include "core/store/sql.h"

void rotation_item_list_clear(struct rotation_item_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->rows[i].role);
        free(list->rows[i].old_serial);
    }
    free(list->rows);
    *list = (struct rotation_item_list){.n = 0};
}

static struct rotation_item read_row(const struct sql *sql)
{
    return (struct rotation_item){.id = sql_int(sql, 0),
                                  .role = sql_text(sql, 1),
                                  .old_issued_id = sql_int(sql, 2),
                                  .new_issued_id = sql_int(sql, 3),
                                  .old_serial = sql_text(sql, 4),
                                  .made_at = sql_int(sql, 5),
                                  .handed_at = sql_int(sql, 6),
                                  .seen_at = sql_int(sql, 7),
                                  .old_seen_at = sql_int(sql, 8),
                                  .left_at = sql_int(sql, 9),
                                  .ended_at = sql_int(sql, 10)};
}

static bool count_all(struct store *store, int64_t rotation_id, const char *role, int64_t *ret,
                      struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT count(*) FROM rotation_item WHERE rotation_id = ?1"
                              " AND (?2 IS NULL OR role = ?2)",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_text(sql, 2, role);
    return sql_run_int(sql, 0, ret, err);
}

bool rotation_items(struct store *store, int64_t rotation_id, const char *role, int limit,
                    struct rotation_item_list *ret, struct err *err)
{
    struct rotation_item_list list = {.n = 0};
    struct sql *sql;
    bool row = false;
    bool ok;

    if (!count_all(store, rotation_id, role, &list.total, err))
        return false;
    sql = sql_new(store,
                  "SELECT id, role, old_issued_id, new_issued_id, old_serial, made_at, handed_at,"
                  " seen_at, old_seen_at, left_at, ended_at FROM rotation_item"
                  " WHERE rotation_id = ?1 AND (?2 IS NULL OR role = ?2) ORDER BY role, id"
                  " LIMIT ?3",
                  err);
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_text(sql, 2, role);
    sql_bind_int(sql, 3, limit > 0 ? limit : -1);
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
        rotation_item_list_clear(&list);
    return ok;
}

bool rotation_count_items(struct store *store, int64_t rotation_id, struct rotation_counts *ret,
                          struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "SELECT count(*), count(made_at), count(handed_at), count(seen_at),"
                " count(left_at), count(ended_at) FROM rotation_item WHERE rotation_id = ?1",
                err);
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    ok = sql_step(sql, &row, err);
    if (ok && row)
        *ret = (struct rotation_counts){.total = sql_int(sql, 0),
                                        .made = sql_int(sql, 1),
                                        .handed = sql_int(sql, 2),
                                        .seen = sql_int(sql, 3),
                                        .left = sql_int(sql, 4),
                                        .ended = sql_int(sql, 5)};
    sql_free(sql);
    return ok;
}

/* Hex as everywhere: what SQLite's hex() makes of the number's bytes, in lower case. */
bool rotation_add_issued(struct store *store, int64_t rotation_id, int64_t authority_id,
                         int64_t before, const char *role, int64_t *ret_added, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "INSERT INTO rotation_item (rotation_id, role, old_issued_id, old_serial)"
                " SELECT ?1, i.role, i.id, ltrim(lower(hex(i.serial)), '0') FROM issued AS i"
                " WHERE i.kind = 0 AND i.revoked_at IS NULL AND i.not_after > ?2"
                " AND (?3 = 0 OR i.authority_id = ?3) AND (?4 = 0 OR i.not_after < ?4)"
                " AND (?5 IS NULL OR i.role = ?5)"
                " AND NOT EXISTS (SELECT 1 FROM issued AS r WHERE r.replaces = i.id"
                " AND r.revoked_at IS NULL AND r.not_after > ?2"
                /* where a CA goes, one of a third CA does not let anybody in */
                " AND (r.authority_id = i.authority_id OR"
                " (SELECT n.kind FROM rotation AS n WHERE n.id = ?1) = ?6))"
                /* two lists, each made once: by OR it would be every line for every certificate */
                " AND i.id NOT IN (SELECT o.old_issued_id FROM rotation_item AS o"
                " WHERE o.rotation_id = ?1 AND o.old_issued_id IS NOT NULL)"
                " AND i.id NOT IN (SELECT o.new_issued_id FROM rotation_item AS o"
                " WHERE o.rotation_id = ?1 AND o.new_issued_id IS NOT NULL)"
                " ORDER BY i.role, i.id",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_int(sql, 2, clock_now());
    sql_bind_int(sql, 3, authority_id);
    sql_bind_int(sql, 4, before);
    sql_bind_text(sql, 5, role);
    sql_bind_int(sql, 6, ROTATION_CLIENT);
    if (!sql_run(sql, err))
        return false;
    *ret_added = sql_changes(store);
    return true;
}

static void bind_id(struct sql *sql, int at, int64_t id)
{
    if (id != 0)
        sql_bind_int(sql, at, id);
    else
        sql_bind_null(sql, at);
}

bool rotation_set_item(struct store *store, int64_t rotation_id, const struct rotation_item *item,
                       struct err *err)
{
    struct sql *sql =
        sql_new(store,
                item->id == 0
                    ? "INSERT INTO rotation_item (rotation_id, role, old_issued_id, new_issued_id,"
                      " old_serial, made_at, handed_at, seen_at, old_seen_at, left_at, ended_at)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                    : "UPDATE rotation_item SET role = ?2, old_issued_id = ?3, new_issued_id = ?4,"
                      " old_serial = ?5, made_at = ?6, handed_at = ?7, seen_at = ?8,"
                      " old_seen_at = ?9, left_at = ?10, ended_at = ?11"
                      " WHERE rotation_id = ?1 AND id = ?12",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_text(sql, 2, item->role);
    bind_id(sql, 3, item->old_issued_id);
    bind_id(sql, 4, item->new_issued_id);
    sql_bind_text(sql, 5, item->old_serial != NULL ? item->old_serial : "");
    bind_id(sql, 6, item->made_at);
    bind_id(sql, 7, item->handed_at);
    bind_id(sql, 8, item->seen_at);
    bind_id(sql, 9, item->old_seen_at);
    bind_id(sql, 10, item->left_at);
    bind_id(sql, 11, item->ended_at);
    if (item->id != 0)
        sql_bind_int(sql, 12, item->id);
    return sql_run(sql, err);
}

/* ---- what the other tables say ---- */

/* The last of the chain: one that was recorded and never written may stand between the two. */
static bool join_successors(struct store *store, int64_t rotation_id, int64_t authority_id,
                            struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "UPDATE rotation_item SET new_issued_id = f.id, made_at = f.at"
                " FROM (WITH RECURSIVE follow (item, id) AS ("
                " SELECT o.id, i.id FROM rotation_item AS o JOIN issued AS i"
                " ON i.replaces = o.old_issued_id WHERE o.rotation_id = ?1"
                " UNION SELECT f.item, i.id FROM follow AS f JOIN issued AS i ON i.replaces = f.id)"
                " SELECT f.item AS item, max(f.id) AS id, i.created_at AS at FROM follow AS f"
                " JOIN issued AS i ON i.id = f.id"
                " WHERE (?2 = 0 OR i.authority_id = ?2) AND i.revoked_at IS NULL"
                " AND i.delivered_at IS NOT NULL GROUP BY f.item) AS f"
                " WHERE rotation_item.id = f.item AND rotation_item.new_issued_id IS NOT f.id",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_int(sql, 2, authority_id);
    return sql_run(sql, err);
}

/* Two certificates of one role get one kit of the new CA, for both; so does a role whose old certificate
 * is of a CA that keeps its books elsewhere. */
static bool join_roles(struct store *store, int64_t rotation_id, int64_t authority_id,
                       struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "UPDATE rotation_item SET new_issued_id = f.id, made_at = f.at"
                " FROM (SELECT o.id AS item, max(i.id) AS id, i.created_at AS at"
                " FROM rotation_item AS o JOIN issued AS i ON i.role = o.role"
                " WHERE o.rotation_id = ?1 AND o.new_issued_id IS NULL AND +i.authority_id = ?2"
                " AND i.kind = 0 AND i.revoked_at IS NULL AND i.delivered_at IS NOT NULL"
                " AND i.not_after > ?3 GROUP BY o.id) AS f WHERE rotation_item.id = f.item",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_int(sql, 2, authority_id);
    sql_bind_int(sql, 3, clock_now());
    return sql_run(sql, err);
}

/* A new one that was revoked since does not count any more. */
static bool drop_revoked(struct store *store, int64_t rotation_id, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "UPDATE rotation_item SET new_issued_id = NULL, made_at = NULL,"
                              " handed_at = NULL, seen_at = NULL WHERE rotation_id = ?1"
                              " AND new_issued_id IN (SELECT id FROM issued WHERE revoked_at"
                              " IS NOT NULL)",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    return sql_run(sql, err);
}

static bool join_ended(struct store *store, int64_t rotation_id, struct err *err)
{
    struct sql *sql = sql_new(
        store,
        "UPDATE rotation_item SET ended_at = f.at FROM (SELECT o.id AS id,"
        " min(coalesce(i.revoked_at, i.not_after), i.not_after) AS at FROM rotation_item AS o"
        " JOIN issued AS i ON i.id = o.old_issued_id WHERE o.rotation_id = ?1"
        " AND o.ended_at IS NULL AND (i.revoked_at IS NOT NULL OR i.not_after <= ?2)) AS f"
        " WHERE rotation_item.id = f.id",
        err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, rotation_id);
    sql_bind_int(sql, 2, clock_now());
    return sql_run(sql, err);
}

bool rotation_join_items(struct store *store, int64_t rotation_id, int64_t new_authority_id,
                         struct err *err)
{
    bool good;

    store_settle(store);
    if (!store_begin(store, err))
        return false;
    good = drop_revoked(store, rotation_id, err) &&
           join_successors(store, rotation_id, new_authority_id, err) &&
           (new_authority_id == 0 || join_roles(store, rotation_id, new_authority_id, err)) &&
           join_ended(store, rotation_id, err);
    return store_end(store, good, err);
}
