/* crl_ahead.c - the lists for later that an authority has, each with its day. */
#include "config.h"

#include "core/store/crl_ahead.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/store/sql.h"

static bool read_present_end(struct store *store, int64_t authority_id, int64_t *ret,
                             struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT next_update FROM crl WHERE authority_id = ?1 AND due_at <= ?2"
                              " ORDER BY number DESC LIMIT 1",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    sql_bind_int(sql, 2, clock_now());
    return sql_run_int(sql, 0, ret, err);
}

bool crl_ahead_list(struct store *store, int64_t authority_id, struct crl_ahead_list *ret,
                    struct err *err)
{
    struct sql *sql = sql_new(
        store,
        "SELECT number, due_at, this_update, next_update FROM crl WHERE authority_id = ?1"
        " AND due_at > ?2 AND number > coalesce((SELECT max(number) FROM crl"
        "  WHERE authority_id = ?1 AND due_at <= ?2), 0) AND der IS NOT NULL ORDER BY number",
        err);
    struct crl_ahead_list list = {.n = 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    sql_bind_int(sql, 2, clock_now());
    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(list.rows[0]));
        list.rows[list.n++] = (struct crl_ahead){.number = (uint64_t)sql_int(sql, 0),
                                                 .due_at = sql_int(sql, 1),
                                                 .this_update = sql_int(sql, 2),
                                                 .next_update = sql_int(sql, 3)};
    }
    sql_free(sql);
    ok = ok && read_present_end(store, authority_id, &list.present_end, err);
    if (ok)
        *ret = list;
    else
        crl_ahead_list_clear(&list);
    return ok;
}

void crl_ahead_list_clear(struct crl_ahead_list *list)
{
    free(list->rows);
    *list = (struct crl_ahead_list){.n = 0};
}
