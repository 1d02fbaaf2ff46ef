/* sighting_list.c - what was seen: listed, and forgotten. */
#include "config.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/store/sighting_part.h"

#define DEFAULT_LIMIT 10000

static void add_condition(struct strbuf *sql, const struct sighting_filter *filter)
{
    strbuf_add_str(sql, " WHERE last_seen >= ?1");
    if (filter->without_tls)
        strbuf_add_str(sql, " AND class = 'clear'");
    if (filter->with_certificate)
        strbuf_add_str(sql, " AND class = 'tls-cert'");
    if (filter->authority)
        strbuf_add_str(sql, " AND authority = ?2 COLLATE NOCASE");
    if (filter->issuer)
        strbuf_add_str(sql, " AND issuer = ?4");
    if (filter->serial)
        strbuf_add_str(sql, " AND serial = ?5");
    for (size_t i = 0; i < filter->n_servers; i++)
        strbuf_printf(sql, "%s?%zu%s", i == 0 ? " AND server COLLATE NOCASE IN (" : ", ", i + 6,
                      i + 1 == filter->n_servers ? ")" : "");
}

static void bind_condition(sqlite3_stmt *stmt, const struct sighting_filter *filter)
{
    (void)sqlite3_bind_int64(stmt, 1, filter->since);
    if (filter->authority)
        sightings_bind(stmt, 2, filter->authority);
    if (filter->issuer)
        sightings_bind(stmt, 4, filter->issuer);
    if (filter->serial)
        sightings_bind(stmt, 5, filter->serial);
    for (size_t i = 0; i < filter->n_servers; i++)
        sightings_bind(stmt, (int)i + 6, filter->servers[i]);
}

static char *column(sqlite3_stmt *stmt, int at)
{
    return mem_strdup((const char *)sqlite3_column_text(stmt, at));
}

static void read_row(sqlite3_stmt *stmt, struct sighting *ret)
{
    ret->key.server = column(stmt, 0);
    ret->key.role = column(stmt, 1);
    ret->key.database = column(stmt, 2);
    ret->key.address = column(stmt, 3);
    ret->key.class = column(stmt, 4);
    ret->key.version = column(stmt, 5);
    ret->key.issuer = column(stmt, 6);
    ret->key.serial = column(stmt, 7);
    ret->key.application = column(stmt, 8);
    ret->authority = column(stmt, 9);
    ret->first_seen = sqlite3_column_int64(stmt, 10);
    ret->last_seen = sqlite3_column_int64(stmt, 11);
    ret->count = sqlite3_column_int64(stmt, 12);
    ret->open = sqlite3_column_int64(stmt, 13);
    ret->open_since = ret->open > 0 ? sqlite3_column_int64(stmt, 14) : 0;
    ret->walsender = sqlite3_column_int(stmt, 15) != 0;
}

static bool count_rows(const struct sightings *self, const struct sighting_filter *filter,
                       int64_t *ret, struct err *err)
{
    struct strbuf sql = STRBUF_INIT;
    sqlite3_stmt *stmt;
    bool row = false;
    bool ok;

    strbuf_add_str(&sql, "SELECT count(*) FROM sighting");
    add_condition(&sql, filter);
    stmt = sightings_prepare(self, sql.data, err);
    strbuf_clear(&sql);
    if (!stmt)
        return false;
    bind_condition(stmt, filter);
    ok = sightings_step(self, stmt, &row, err);
    if (ok)
        *ret = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return ok;
}

bool sightings_list(struct sightings *sightings, const struct sighting_filter *filter,
                    struct sighting_list *ret, struct err *err)
{
    struct sighting_list list = {NULL, 0, 0};
    struct strbuf sql = STRBUF_INIT;
    sqlite3_stmt *stmt;
    size_t room = 0;
    bool row = false;
    bool ok;

    if (!count_rows(sightings, filter, &list.total, err))
        return false;
    strbuf_add_str(&sql, "SELECT " SIGHTING_COLUMNS ", authority, first_seen, last_seen, count,"
                         " iif(last_seen >= coalesce((SELECT full_at FROM watched"
                         " WHERE watched.server = sighting.server), 0), open, 0), open_since,"
                         " walsender FROM sighting");
    add_condition(&sql, filter);
    strbuf_add_str(&sql, " ORDER BY last_seen DESC, server, role, address, id LIMIT ?3");
    stmt = sightings_prepare(sightings, sql.data, err);
    strbuf_clear(&sql);
    if (!stmt)
        return false;
    bind_condition(stmt, filter);
    (void)sqlite3_bind_int64(stmt, 3, filter->limit > 0 ? filter->limit : DEFAULT_LIMIT);
    while ((ok = sightings_step(sightings, stmt, &row, err)) && row) {
        if (list.n == room) {
            room = room ? room * 2 : 64;
            list.rows = mem_realloc_array(list.rows, room, sizeof(*list.rows));
        }
        read_row(stmt, &list.rows[list.n++]);
    }
    (void)sqlite3_finalize(stmt);
    if (!ok) {
        sighting_list_clear(&list);
        return false;
    }
    *ret = list;
    return true;
}

static void free_text(const char *text)
{
    union {
        const char *in;
        char *out;
    } u = {text}; /* owned by the list, whatever the key's type says */

    free(u.out);
}

void sighting_list_clear(struct sighting_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct sighting_key *key = &list->rows[i].key;

        free_text(key->server);
        free_text(key->role);
        free_text(key->database);
        free_text(key->address);
        free_text(key->class);
        free_text(key->version);
        free_text(key->issuer);
        free_text(key->serial);
        free_text(key->application);
        free(list->rows[i].authority);
    }
    free(list->rows);
    memset(list, 0, sizeof(*list));
}

bool sightings_forget(struct sightings *sightings, int64_t before, int64_t *ret_rows,
                      struct err *err)
{
    sqlite3_stmt *stmt;
    int64_t n = 0;
    bool row = false;
    bool ok;

    if (!sightings_run(sightings, "BEGIN IMMEDIATE", err))
        return false;
    stmt = sightings_prepare(sightings, "DELETE FROM sighting WHERE last_seen < ?1", err);
    if (stmt)
        (void)sqlite3_bind_int64(stmt, 1, before);
    ok = stmt && sightings_step(sightings, stmt, &row, err);
    (void)sqlite3_finalize(stmt);
    n = sqlite3_changes64(sightings->db);
    if (!ok || !sightings_cut_looks(sightings, before, err) ||
        !sightings_run(sightings, "COMMIT", err)) {
        (void)sqlite3_exec(sightings->db, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    *ret_rows = n;
    /* Until it is copied home, what was forgotten still stands in the WAL. A reader may hold that
     * up; then the next one does it. */
    (void)sqlite3_wal_checkpoint_v2(sightings->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return true;
}
