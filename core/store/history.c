/* history.c - the log, read. */
#include "config.h"

#include "core/store/history.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/sql.h"

#define LIMIT_DEFAULT 1000
#define LIMIT_MAX     1000000

void history_clear(struct history *history)
{
    for (size_t i = 0; i < history->n; i++) {
        free(history->rows[i].who);
        free(history->rows[i].act);
        free(history->rows[i].object);
        free(history->rows[i].detail);
    }
    free(history->rows);
    memset(history, 0, sizeof(*history));
}

static void push(struct history *history, const struct sql *sql)
{
    struct history_row *row;

    if ((history->n & (history->n - 1)) == 0) /* grows by doubling */
        history->rows = mem_realloc_array(history->rows, history->n == 0 ? 1 : history->n * 2,
                                          sizeof(*history->rows));
    row = &history->rows[history->n++];
    row->id = sql_int(sql, 0);
    row->at = sql_int(sql, 1);
    row->who = sql_text(sql, 2);
    row->act = sql_text(sql, 3);
    row->object = sql_text(sql, 4);
    row->detail = sql_text(sql, 5);
}

bool history_list(struct store *store, const struct history_filter *filter, struct history *ret,
                  struct err *err)
{
    struct history history = {NULL, 0};
    int limit = filter->limit > 0 ? filter->limit : LIMIT_DEFAULT;
    struct sql *sql;
    bool row = false;
    bool ok;

    if (limit > LIMIT_MAX)
        return err_set(err, ERR_BAD_VALUE, _("a list has at most %d rows"), LIMIT_MAX);
    sql = sql_new(
        store,
        "SELECT l.id, l.at, l.who, l.act, l.object, l.detail FROM log AS l"
        " WHERE (?1 IS NULL"
        "  OR (l.object = ?1 COLLATE NOCASE AND (l.act LIKE 'server%' OR l.act LIKE 'plan%'))"
        "  OR (l.act = 'plan state' AND EXISTS (SELECT 1 FROM plan AS p"
        "      WHERE p.id = CAST(l.object AS INTEGER) AND p.server = ?1)))"
        " AND (?2 IS NULL OR substr(l.act, 1, length(?2)) = ?2"
        "  OR substr(l.object, 1, length(?2)) = ?2 OR substr(l.who, 1, length(?2)) = ?2"
        "  OR instr(l.detail, ?2) > 0)"
        " AND (?3 = 0 OR l.at >= ?3) AND (?4 = 0 OR l.at <= ?4) AND (?5 = 0 OR l.id < ?5)"
        " ORDER BY l.id DESC LIMIT ?6",
        err);
    ok = sql != NULL;
    if (ok) {
        sql_bind_text(sql, 1, filter->server);
        sql_bind_text(sql, 2, filter->search);
        sql_bind_int(sql, 3, filter->from);
        sql_bind_int(sql, 4, filter->to);
        sql_bind_int(sql, 5, filter->before);
        sql_bind_int(sql, 6, limit);
    }
    while (ok && (ok = sql_step(sql, &row, err)) && row)
        push(&history, sql);
    sql_free(sql);
    if (ok)
        *ret = history;
    else
        history_clear(&history);
    return ok;
}
