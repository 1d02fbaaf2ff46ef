/* published.c - rows of crl_on_server and session_to_end. */
#include "config.h"

#include "core/store/published.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/store/row.h"

/* ---- what is there ---- */

#define CURRENT                                                                                    \
    "(SELECT number FROM crl WHERE authority_id = t.authority_id AND due_at <= ?1"                 \
    " ORDER BY number DESC LIMIT 1)"
#define TO_END                                                                                     \
    "(SELECT count(*) FROM session_to_end AS e JOIN issued AS i ON i.id = e.issued_id"             \
    " WHERE e.server_id = t.server_id AND i.authority_id = t.authority_id)"

static struct published read_row(const struct sql *sql)
{
    struct published row = {.server_id = sql_int(sql, 0),
                            .server = sql_text(sql, 1),
                            .authority_id = sql_int(sql, 2),
                            .authority = sql_text(sql, 3),
                            .known = !sql_is_null(sql, 4),
                            .number = (uint64_t)sql_int(sql, 4),
                            .current = (uint64_t)sql_int(sql, 5),
                            .proven_at = sql_int(sql, 6),
                            .failed_at = sql_int(sql, 7),
                            .code = (enum err_code)sql_int(sql, 8),
                            .n_sessions = (size_t)sql_int(sql, 10),
                            .ends = sql_int(sql, 11)};

    row.why = sql_is_null(sql, 9) ? mem_strdup("") : sql_text(sql, 9);
    row.behind = row.known && row.number != row.current;
    return row;
}

bool published_list(struct store *store, const char *server, int64_t authority_id,
                    struct published_list *ret, struct err *err)
{
    struct sql *sql = sql_new(
        store,
        "SELECT s.id, s.name, a.id, a.name, p.number, " CURRENT
        ", p.proven_at, p.failed_at, p.code,"
        " p.why, " TO_END ", (SELECT next_update FROM crl WHERE authority_id = t.authority_id"
        " AND number = p.number) FROM server_trust AS t JOIN server AS s ON s.id = t.server_id"
        " JOIN authority AS a ON a.id = t.authority_id AND a.deleted_at IS NULL"
        " LEFT JOIN crl_on_server AS p ON p.server_id = t.server_id"
        "  AND p.authority_id = t.authority_id"
        " WHERE (?2 IS NULL OR s.name = ?2) AND (?3 = 0 OR a.id = ?3) ORDER BY s.name, a.id",
        err);
    struct published_list list = {.n = 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, clock_now());
    sql_bind_text(sql, 2, server);
    sql_bind_int(sql, 3, authority_id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(list.rows[0]));
        list.rows[list.n++] = read_row(sql);
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        published_list_clear(&list);
    return ok;
}

void published_list_clear(struct published_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->rows[i].server);
        free(list->rows[i].authority);
        free(list->rows[i].why);
    }
    free(list->rows);
    *list = (struct published_list){.n = 0};
}

bool published_count_behind(struct store *store, size_t *ret, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "SELECT count(*) FROM (SELECT t.server_id FROM server_trust AS t"
                " JOIN authority AS a ON a.id = t.authority_id AND a.deleted_at IS NULL"
                " LEFT JOIN crl_on_server AS p ON p.server_id = t.server_id"
                "  AND p.authority_id = t.authority_id"
                " WHERE p.number <> " CURRENT " OR " TO_END " > 0"
                " UNION SELECT t.server_id FROM server_foreign AS t JOIN foreign_ca AS f"
                " ON f.id = t.foreign_ca_id WHERE f.crl IS NOT NULL"
                " AND coalesce(t.this_update, 0) < f.this_update)",
                err);
    int64_t n = 0;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, clock_now());
    if (!sql_run_int(sql, 0, &n, err))
        return false;
    *ret = (size_t)n;
    return true;
}

/* ---- what was done ---- */

bool published_set(struct store *store, int64_t server_id, int64_t authority_id, uint64_t number,
                   struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "INSERT INTO crl_on_server (server_id, authority_id, number, proven_at)"
                " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (server_id, authority_id) DO UPDATE"
                " SET number = excluded.number, proven_at = excluded.proven_at,"
                " failed_at = NULL, code = NULL, why = NULL",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server_id);
    sql_bind_int(sql, 2, authority_id);
    if (number > 0)
        sql_bind_int(sql, 3, (int64_t)number);
    else
        sql_bind_null(sql, 3);
    sql_bind_int(sql, 4, clock_now());
    return sql_run(sql, err);
}

bool published_failed(struct store *store, int64_t server_id, const struct err *why,
                      struct err *err)
{
    struct sql *sql =
        sql_new(store,
                "INSERT INTO crl_on_server (server_id, authority_id, failed_at, code, why)"
                " SELECT server_id, authority_id, ?2, ?3, ?4 FROM server_trust WHERE server_id = ?1"
                " ON CONFLICT (server_id, authority_id) DO UPDATE"
                " SET failed_at = excluded.failed_at, code = excluded.code, why = excluded.why",
                err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server_id);
    sql_bind_int(sql, 2, clock_now());
    sql_bind_int(sql, 3, why->code);
    sql_bind_text(sql, 4, why->msg);
    return sql_run(sql, err);
}

/* ---- sessions ---- */

static bool change_end(struct store *store, const char *text, int64_t server_id, int64_t issued_id,
                       bool with_time, struct err *err)
{
    struct sql *sql = sql_new(store, text, err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server_id);
    sql_bind_int(sql, 2, issued_id);
    if (with_time)
        sql_bind_int(sql, 3, clock_now());
    return sql_run(sql, err);
}

bool published_end_later(struct store *store, int64_t server_id, int64_t issued_id, struct err *err)
{
    return change_end(store,
                      "INSERT OR IGNORE INTO session_to_end (server_id, issued_id, since)"
                      " VALUES (?1, ?2, ?3)",
                      server_id, issued_id, true, err);
}

bool published_ended(struct store *store, int64_t server_id, int64_t issued_id, struct err *err)
{
    return change_end(store, "DELETE FROM session_to_end WHERE server_id = ?1 AND issued_id = ?2",
                      server_id, issued_id, false, err);
}

bool published_to_end(struct store *store, int64_t server_id, struct issued_list *ret,
                      struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT " ROW_ISSUED "JOIN session_to_end AS e ON e.issued_id = i.id"
                              " WHERE e.server_id = ?1 ORDER BY e.since, i.id",
                              err);
    struct issued_list list = {.n = 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server_id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        struct issued *issued = issued_read_row(sql, err);

        ok = issued != NULL;
        if (!ok)
            break;
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(*list.rows));
        list.rows[list.n++] = issued;
    }
    sql_free(sql);
    list.total = (int64_t)list.n;
    if (ok)
        *ret = list;
    else
        issued_list_clear(&list);
    return ok;
}
