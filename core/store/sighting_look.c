/* sighting_look.c - when somebody watched: periods of looks, and the gaps between them. */
#include "config.h"

#include "core/base/clock.h"
#include "core/store/sighting_part.h"
#include <sqlite3.h>

/* ---- written ---- */

struct period {
    int64_t from, until, longest_gap;
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* One that is near: the two become one, whose gap is the longest of theirs and of what lies between. */
static void join(struct period *period, const struct period *other)
{
    int64_t between = larger(other->from - period->until, period->from - other->until);

    period->longest_gap = larger(larger(period->longest_gap, other->longest_gap), between);
    period->from = other->from < period->from ? other->from : period->from;
    period->until = larger(period->until, other->until);
}

/* Takes the periods out that are near this one, and puts them into it. */
static bool absorb(const struct sightings *self, const char *server, struct period *period,
                   struct err *err)
{
    sqlite3_stmt *stmt = sightings_prepare(self,
                                           "DELETE FROM look WHERE server = ?1 AND from_at <= ?3"
                                           " AND until_at >= ?2"
                                           " RETURNING from_at, until_at, longest_gap",
                                           err);
    const struct period wanted = *period;
    bool row = false;
    bool ok = stmt != NULL;

    if (ok) {
        sightings_bind(stmt, 1, server);
        (void)sqlite3_bind_int64(stmt, 2, wanted.from - SIGHTING_LOOK_JOIN);
        (void)sqlite3_bind_int64(stmt, 3, wanted.until + SIGHTING_LOOK_JOIN);
    }
    while (ok && (ok = sightings_step(self, stmt, &row, err)) && row)
        join(period, &(struct period){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                                      sqlite3_column_int64(stmt, 2)});
    (void)sqlite3_finalize(stmt);
    return ok;
}

static bool insert(const struct sightings *self, const char *server, const struct period *period,
                   struct err *err)
{
    sqlite3_stmt *stmt = sightings_prepare(
        self, "INSERT INTO look (server, from_at, until_at, longest_gap) VALUES (?1, ?2, ?3, ?4)",
        err);
    bool row = false;
    bool ok;

    if (!stmt)
        return false;
    sightings_bind(stmt, 1, server);
    (void)sqlite3_bind_int64(stmt, 2, period->from);
    (void)sqlite3_bind_int64(stmt, 3, period->until);
    (void)sqlite3_bind_int64(stmt, 4, period->longest_gap);
    ok = sightings_step(self, stmt, &row, err);
    (void)sqlite3_finalize(stmt);
    return ok;
}

/* What lies in the future was written while the clock was ahead: nobody has looked there yet, and when that
 * time has come it would count as watched. */
static bool cut_future(const struct sightings *self, struct err *err)
{
    static const char *const statements[] = {
        "DELETE FROM look WHERE from_at > ?1 + 600",
        "UPDATE look SET until_at = max(from_at, ?1) WHERE until_at > ?1 + 600",
    };
    bool ok = true;

    for (size_t i = 0; ok && i < sizeof(statements) / sizeof(statements[0]); i++) {
        sqlite3_stmt *stmt = sightings_prepare(self, statements[i], err);
        bool row = false;

        if (stmt)
            (void)sqlite3_bind_int64(stmt, 1, clock_now());
        ok = stmt && sightings_step(self, stmt, &row, err);
        (void)sqlite3_finalize(stmt);
    }
    return ok;
}

static bool add_period(const struct sightings *self, const struct sighting_look *look,
                       struct err *err)
{
    struct period period = {look->from, look->until, look->longest_gap};
    int64_t n = 0;

    if (look->until == 0)
        return true;
    if (!absorb(self, look->server, &period, err) || !insert(self, look->server, &period, err) ||
        !sightings_read_int(self, "SELECT count(*) FROM look", &n, err))
        return false;
    if (n <= SIGHTING_LOOKS_MAX)
        return true;
    return sightings_run(self,
                         "DELETE FROM look WHERE (server, from_at) IN (SELECT server, from_at"
                         " FROM look ORDER BY until_at LIMIT (SELECT count(*) FROM look) - 18000)",
                         err);
}

/* The latest count, by the clock; but one that lies far ahead of what is written now was taken while the
 * clock was wrong, and would make everything after it look old. */
static bool set_watched(const struct sightings *self, const struct sighting_look *look,
                        struct err *err)
{
    sqlite3_stmt *stmt = sightings_prepare(
        self,
        "INSERT INTO watched (server, full_at, hidden_at, hidden) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (server) DO UPDATE SET"
        " full_at = iif(?2 BETWEEN 1 AND full_at - 600, ?2, max(full_at, ?2)),"
        " hidden = iif(?3 > hidden_at OR ?3 BETWEEN 1 AND hidden_at - 600, ?4,"
        /* one that saw all, later: nothing is hidden */
        " iif(?5 >= hidden_at OR ?5 BETWEEN 1 AND hidden_at - 600, 0, hidden)),"
        " hidden_at = iif(?3 BETWEEN 1 AND hidden_at - 600, ?3, max(hidden_at, ?3))",
        err);
    bool row = false;
    bool ok;

    if (!stmt)
        return false;
    sightings_bind(stmt, 1, look->server);
    (void)sqlite3_bind_int64(stmt, 2, look->full_at);
    (void)sqlite3_bind_int64(stmt, 3, look->hidden_at);
    (void)sqlite3_bind_int(stmt, 4, look->hidden);
    (void)sqlite3_bind_int64(stmt, 5, look->until);
    ok = sightings_step(self, stmt, &row, err);
    (void)sqlite3_finalize(stmt);
    return ok;
}

bool sightings_add_look(struct sightings *sightings, const struct sighting_look *look,
                        struct err *err)
{
    _Static_assert(SIGHTING_LOOKS_MAX == 20000 && SIGHTING_LOOK_JOIN == 600,
                   "as in the statements");
    if (!sightings_run(sightings, "BEGIN IMMEDIATE", err))
        return false;
    if (!cut_future(sightings, err) || !add_period(sightings, look, err) ||
        !set_watched(sightings, look, err) || !sightings_run(sightings, "COMMIT", err)) {
        (void)sqlite3_exec(sightings->db, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    return true;
}

bool sightings_cut_looks(const struct sightings *self, int64_t before, struct err *err)
{
    static const char *const statements[] = {
        "DELETE FROM look WHERE until_at < ?1",
        "UPDATE look SET from_at = ?1 WHERE from_at < ?1",
        /* "All" is forgotten with a time that lies ahead. */
        "DELETE FROM watched WHERE full_at < ?1 AND hidden_at < ?1",
    };
    bool ok = true;

    for (size_t i = 0; ok && i < sizeof(statements) / sizeof(statements[0]); i++) {
        sqlite3_stmt *stmt = sightings_prepare(self, statements[i], err);
        bool row = false;

        if (stmt)
            (void)sqlite3_bind_int64(stmt, 1, before);
        ok = stmt && sightings_step(self, stmt, &row, err);
        (void)sqlite3_finalize(stmt);
    }
    return ok;
}

/* ---- read ---- */

static void take_gap(struct sighting_watch *watch, int64_t from, int64_t until, int64_t allowed)
{
    if (until - from > watch->longest_gap) {
        watch->longest_gap = until - from;
        watch->gap_at = from;
    }
    if (until - from > allowed && until > watch->holds_from)
        watch->holds_from = until;
}

/* Where in a period its longest gap lies is not known: then it may be anywhere. */
static void take_period(struct sighting_watch *watch, const struct period *period, int64_t since,
                        int64_t *at, int64_t allowed)
{
    int64_t from = larger(period->from, since);
    int64_t room = period->until - from;
    int64_t gap = period->longest_gap < room ? period->longest_gap : room;

    if (period->from > *at)
        take_gap(watch, *at, period->from, allowed);
    if (gap > watch->longest_gap) {
        watch->longest_gap = gap;
        watch->gap_at = from;
    }
    if (gap > allowed && period->until > watch->holds_from)
        watch->holds_from = period->until;
    *at = larger(*at, period->until);
}

static bool read_hidden(const struct sightings *self, const char *server,
                        struct sighting_watch *watch, struct err *err)
{
    sqlite3_stmt *stmt = sightings_prepare(
        self, "SELECT hidden FROM watched WHERE server = ?1 AND hidden_at >= ?2", err);
    bool row = false;
    bool ok;

    if (!stmt)
        return false;
    sightings_bind(stmt, 1, server);
    (void)sqlite3_bind_int64(stmt, 2, watch->last_at);
    ok = sightings_step(self, stmt, &row, err);
    if (ok && row)
        watch->hidden = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return ok;
}

bool sightings_watch(struct sightings *sightings, const char *server, int64_t since, int64_t now,
                     int64_t allowed_gap, struct sighting_watch *ret, struct err *err)
{
    struct sighting_watch watch = {.holds_from = since};
    int64_t at = since;
    sqlite3_stmt *stmt;
    bool row = false;
    bool ok;

    stmt = sightings_prepare(sightings,
                             "SELECT from_at, until_at, longest_gap FROM look WHERE server = ?1"
                             /* one that goes on into the future is of a wrong clock */
                             " AND from_at <= ?2 AND until_at <= ?2 + 600 ORDER BY from_at",
                             err);
    if (!stmt)
        return false;
    sightings_bind(stmt, 1, server);
    (void)sqlite3_bind_int64(stmt, 2, now);
    while ((ok = sightings_step(sightings, stmt, &row, err)) && row) {
        const struct period period = {sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                                      sqlite3_column_int64(stmt, 2)};

        watch.last_at = larger(watch.last_at, period.until);
        if (period.until >= since)
            take_period(&watch, &period, since, &at, allowed_gap);
    }
    (void)sqlite3_finalize(stmt);
    if (!ok || !read_hidden(sightings, server, &watch, err))
        return false;
    take_gap(&watch, at, larger(at, now), allowed_gap);
    *ret = watch;
    return true;
}
