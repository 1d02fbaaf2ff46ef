/* sighting.c - who was seen connected how: what is new, and what is too old. */
#include "config.h"

#include "core/store/sighting.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/sighting_part.h"

static int compare_keys(const struct sighting_key *a, const struct sighting_key *b)
{
    const char *const x[] = {a->server,  a->role,   a->database, a->address,    a->class,
                             a->version, a->issuer, a->serial,   a->application};
    const char *const y[] = {b->server,  b->role,   b->database, b->address,    b->class,
                             b->version, b->issuer, b->serial,   b->application};
    int order = 0;

    for (size_t i = 0; i < ARRAY_LEN(x) && order == 0; i++)
        order = strcmp(x[i], y[i]);
    return order;
}

static int compare_items(const void *a, const void *b)
{
    const struct sighting_item *x = a;
    const struct sighting_item *y = b;

    return compare_keys(&x->key, &y->key);
}

/* The first eight columns of the key, and the ninth where it is wanted. */
static void bind_key(sqlite3_stmt *stmt, const struct sighting_key *key, const char *application)
{
    sightings_bind(stmt, 1, key->server);
    sightings_bind(stmt, 2, key->role);
    sightings_bind(stmt, 3, key->database);
    sightings_bind(stmt, 4, key->address);
    sightings_bind(stmt, 5, key->class);
    sightings_bind(stmt, 6, key->version);
    sightings_bind(stmt, 7, key->issuer);
    sightings_bind(stmt, 8, key->serial);
    if (application)
        sightings_bind(stmt, 9, application);
}

struct statements { /* of one transaction */
    sqlite3_stmt *find, *names, *insert, *update;
};

struct before { /* the row as it was */
    int64_t id; /* 0: none */
    int64_t last_seen;
    int64_t open, open_since;
};

static void reset(sqlite3_stmt *stmt)
{
    (void)sqlite3_reset(stmt); /* repeats the step's result, which was handled */
    (void)sqlite3_clear_bindings(stmt);
}

static bool find_row(const struct sightings *self, const struct statements *sql,
                     const struct sighting_key *key, const char *application, struct before *ret,
                     struct err *err)
{
    bool row = false;
    bool ok;

    bind_key(sql->find, key, application);
    ok = sightings_step(self, sql->find, &row, err);
    *ret = (struct before){.last_seen = INT64_MIN};
    if (ok && row)
        *ret = (struct before){
            .id = sqlite3_column_int64(sql->find, 0),
            .last_seen = sqlite3_column_int64(sql->find, 1),
            .open = sqlite3_column_int64(sql->find, 2),
            .open_since = sqlite3_column_int64(sql->find, 3),
        };
    reset(sql->find);
    return ok;
}

/* A client can call itself something else each time: then it goes with the many. */
static bool choose_name(const struct sightings *self, const struct statements *sql,
                        const struct sighting_key *key, const char **ret, struct err *err)
{
    bool row = false;
    bool ok;

    bind_key(sql->names, key, NULL);
    ok = sightings_step(self, sql->names, &row, err);
    *ret = ok && sqlite3_column_int64(sql->names, 0) >= SIGHTING_APPLICATIONS_MAX
               ? SIGHTING_MANY
               : key->application;
    reset(sql->names);
    return ok;
}

/* How many are open: those of the last look at all, and who came since. */
static void count_open(const struct sighting_item *items, size_t n, const struct before *before,
                       int64_t *ret_open, int64_t *ret_since)
{
    int64_t full_at = INT64_MIN;
    int64_t open = 0, since = INT64_MAX;

    for (size_t i = 0; i < n; i++)
        full_at = items[i].full && items[i].seen_at > full_at ? items[i].seen_at : full_at;
    if (full_at == INT64_MIN && before->open > 0) {
        open = before->open;
        since = before->open_since;
    }
    for (size_t i = 0; i < n; i++) {
        const struct sighting_item *item = &items[i];

        if (full_at == INT64_MIN
                ? item->start <= before->last_seen
                : item->full != (item->seen_at == full_at) || item->seen_at < full_at)
            continue;
        open++;
        since = item->start < since ? item->start : since;
    }
    *ret_open = open;
    *ret_since = open > 0 ? since : 0;
}

static bool write_row(const struct sightings *self, const struct statements *sql,
                      const struct sighting_item *items, size_t n, struct err *err)
{
    const struct sighting_key *key = &items[0].key;
    const char *application = key->application;
    const char *authority = "";
    int64_t first = INT64_MAX, last = 0, count = 0, open, open_since;
    bool walsender = false;
    struct before before;
    sqlite3_stmt *stmt;
    bool row = false;
    bool ok;

    if (!find_row(self, sql, key, application, &before, err))
        return false;
    if (before.id == 0) {
        if (!choose_name(self, sql, key, &application, err) ||
            (application != key->application &&
             !find_row(self, sql, key, application, &before, err)))
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        first = items[i].seen_at < first ? items[i].seen_at : first;
        last = items[i].seen_at > last ? items[i].seen_at : last;
        count += items[i].start > before.last_seen;
        authority = items[i].authority[0] ? items[i].authority : authority;
        walsender |= items[i].walsender;
    }
    count_open(items, n, &before, &open, &open_since);
    stmt = before.id != 0 ? sql->update : sql->insert;
    if (before.id == 0)
        bind_key(stmt, key, application);
    (void)sqlite3_bind_int64(stmt, 10, first);
    (void)sqlite3_bind_int64(stmt, 11, last);
    (void)sqlite3_bind_int64(stmt, 12, count);
    sightings_bind(stmt, 13, authority);
    (void)sqlite3_bind_int64(stmt, 14, open);
    (void)sqlite3_bind_int64(stmt, 15, open_since);
    (void)sqlite3_bind_int(stmt, 16, walsender);
    if (before.id != 0)
        (void)sqlite3_bind_int64(stmt, 17, before.id);
    ok = sightings_step(self, stmt, &row, err);
    reset(stmt);
    return ok;
}

static bool drop_oldest(const struct sightings *self, struct err *err)
{
    int64_t n = 0;

    if (!sightings_read_int(self, "SELECT count(*) FROM sighting", &n, err))
        return false;
    if (n <= SIGHTINGS_MAX)
        return true;
    /* A tenth more than needed, so that it is not done again at once. Nobody can say any more who was
     * seen until then. */
    return sightings_read_int(self,
                              "SELECT last_seen FROM sighting ORDER BY last_seen LIMIT 1 OFFSET"
                              " (SELECT count(*) FROM sighting) - 45001",
                              &n, err) &&
           sightings_cut_looks(self, n + 1, err) &&
           sightings_run(
               self,
               "DELETE FROM sighting WHERE id IN (SELECT id FROM sighting ORDER BY last_seen LIMIT"
               " (SELECT count(*) FROM sighting) - 45000)",
               err);
}

bool sightings_add(struct sightings *sightings, struct sighting_item *items, size_t n,
                   struct err *err)
{
    struct statements sql = {NULL, NULL, NULL, NULL};
    bool ok = false;

    _Static_assert(SIGHTINGS_MAX == 50000, "drop_oldest() keeps nine tenths of it");
    qsort(items, n, sizeof(*items), compare_items);
    if (!sightings_run(sightings, "BEGIN IMMEDIATE", err))
        return false;
    sql.find =
        sightings_prepare(sightings,
                          "SELECT id, last_seen, iif(last_seen >= coalesce((SELECT full_at"
                          " FROM watched WHERE watched.server = sighting.server), 0), open, 0),"
                          " open_since FROM sighting WHERE (" SIGHTING_COLUMNS
                          ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                          err);
    sql.names =
        sightings_prepare(sightings,
                          "SELECT count(*) FROM sighting WHERE server = ?1 AND role = ?2"
                          " AND database = ?3 AND address = ?4 AND class = ?5 AND version = ?6"
                          " AND issuer = ?7 AND serial = ?8",
                          err);
    sql.insert =
        sightings_prepare(sightings,
                          "INSERT INTO sighting (" SIGHTING_COLUMNS
                          ", first_seen, last_seen, count, authority, open, open_since, walsender)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, max(?12, 1),"
                          " ?13, ?14, ?15, ?16)",
                          err);
    sql.update =
        sightings_prepare(sightings,
                          "UPDATE sighting SET first_seen = min(first_seen, ?10),"
                          " last_seen = max(last_seen, ?11), count = count + ?12,"
                          " authority = iif(?13 = '', authority, ?13), open = ?14,"
                          " open_since = ?15, walsender = max(walsender, ?16) WHERE id = ?17",
                          err);
    if (!sql.find || !sql.names || !sql.insert || !sql.update)
        goto out;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && compare_items(&items[from], &items[to]) == 0; to++)
            ;
        if (!write_row(sightings, &sql, items + from, to - from, err))
            goto out;
    }
    ok = drop_oldest(sightings, err);
out:
    (void)sqlite3_finalize(sql.find);
    (void)sqlite3_finalize(sql.names);
    (void)sqlite3_finalize(sql.insert);
    (void)sqlite3_finalize(sql.update);
    if (ok && sightings_run(sightings, "COMMIT", err))
        return true;
    (void)sqlite3_exec(sightings->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}
