/* sql.c - prepared statements, and SQLite's result codes as our errors. */
#include "config.h"

#include "core/store/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/db_state.h"

struct sql {
    struct store *store; /* borrowed */
    sqlite3_stmt *stmt;
    int bind_result; /* the first bind that failed */
};

/* A full disk arrives as SQLITE_FULL; a full quota as an I/O error, with the system's own word for
 * it in errno only (SQLite does not keep it when a COMMIT fails). Callers set errno to 0 before. */
static bool is_full(sqlite3 *db, int result, int number)
{
    if ((result & 0xff) == SQLITE_FULL)
        return true;
    if ((result & 0xff) != SQLITE_IOERR)
        return false;
    if (number == 0)
        number = sqlite3_system_errno(db);
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

static bool result_err(const struct store *store, int result, struct err *err, const char *what)
{
    int number = errno;
    sqlite3 *db = store->db;

    if (is_full(db, result, number))
        return err_set(err, ERR_DISK_FULL, _("%s: no space is left for \"%s\""), what,
                       store->folder);
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_STORE_BUSY, _("%s: the store \"%s\" is busy"), what, store->folder);
    case SQLITE_READONLY:
        return err_set(err, ERR_STORE, _("%s: the store \"%s\" can only be read"), what,
                       store->folder);
    default:
        return err_set(err, ERR_STORE, _("%s: %s (store \"%s\")"), what, sqlite3_errmsg(db),
                       store->folder);
    }
}

bool sql_err(const struct store *store, struct err *err, const char *what)
{
    return result_err(store, sqlite3_extended_errcode(store->db), err, what);
}

struct sql *sql_new(struct store *store, const char *text, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    struct sql *sql;

    errno = 0;
    if (sqlite3_prepare_v2(store->db, text, -1, &stmt, NULL) != SQLITE_OK) {
        sql_err(store, err, _("cannot read the store"));
        return NULL;
    }
    sql = mem_zalloc(sizeof(*sql));
    sql->store = store;
    sql->stmt = stmt;
    sql->bind_result = SQLITE_OK;
    return sql;
}

void sql_free(struct sql *sql)
{
    if (sql == NULL)
        return;
    (void)sqlite3_finalize(sql->stmt); /* repeats the last step's result, which was handled */
    free(sql);
}

struct store *sql_store(const struct sql *sql)
{
    return sql->store;
}

static void bound(struct sql *sql, int result)
{
    if (sql->bind_result == SQLITE_OK)
        sql->bind_result = result;
}

void sql_bind_int(struct sql *sql, int at, int64_t value)
{
    bound(sql, sqlite3_bind_int64(sql->stmt, at, value));
}

void sql_bind_null(struct sql *sql, int at)
{
    bound(sql, sqlite3_bind_null(sql->stmt, at));
}

void sql_bind_text(struct sql *sql, int at, const char *text)
{
    bound(sql, sqlite3_bind_text(sql->stmt, at, text, -1, SQLITE_TRANSIENT));
}

void sql_bind_blob(struct sql *sql, int at, const void *bytes, size_t len)
{
    bound(sql, sqlite3_bind_blob64(sql->stmt, at, bytes, (sqlite3_uint64)len, SQLITE_TRANSIENT));
}

bool sql_step(struct sql *sql, bool *ret_row, struct err *err)
{
    int result;

    if (sql->bind_result != SQLITE_OK)
        return err_set(err, ERR_STORE, _("cannot use the store: %s"),
                       sqlite3_errstr(sql->bind_result));
    errno = 0;
    result = sqlite3_step(sql->stmt);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return result_err(sql->store, result, err,
                          sqlite3_stmt_readonly(sql->stmt) ? _("cannot read the store")
                                                           : _("cannot write the store"));
    *ret_row = result == SQLITE_ROW;
    return true;
}

bool sql_run(struct sql *sql, struct err *err)
{
    bool row = true;
    bool ok = true;

    while (ok && row)
        ok = sql_step(sql, &row, err);
    sql_free(sql);
    return ok;
}

bool sql_again(struct sql *sql, struct err *err)
{
    bool row = true;
    bool ok = true;

    while (ok && row)
        ok = sql_step(sql, &row, err);
    (void)sqlite3_reset(sql->stmt); /* repeats the last step's result, which was handled */
    return ok;
}

bool sql_run_int(struct sql *sql, int64_t fallback, int64_t *ret, struct err *err)
{
    bool row = false;
    bool ok = sql_step(sql, &row, err);

    if (ok)
        *ret = row && !sql_is_null(sql, 0) ? sql_int(sql, 0) : fallback;
    sql_free(sql);
    return ok;
}

int64_t sql_int(const struct sql *sql, int column)
{
    return sqlite3_column_int64(sql->stmt, column);
}

bool sql_is_null(const struct sql *sql, int column)
{
    return sqlite3_column_type(sql->stmt, column) == SQLITE_NULL;
}

char *sql_text(const struct sql *sql, int column)
{
    const unsigned char *text = sqlite3_column_text(sql->stmt, column);

    return mem_strdup((const char *)text);
}

const void *sql_blob(const struct sql *sql, int column, size_t *ret_len)
{
    const void *bytes = sqlite3_column_blob(sql->stmt, column);

    *ret_len = (size_t)sqlite3_column_bytes(sql->stmt, column);
    return bytes;
}

bool sql_exec(struct store *store, const char *text, struct err *err)
{
    errno = 0;
    if (sqlite3_exec(store->db, text, NULL, NULL, NULL) != SQLITE_OK)
        return sql_err(store, err, _("cannot use the store"));
    return true;
}

int64_t sql_last_id(const struct store *store)
{
    return sqlite3_last_insert_rowid(store->db);
}

int64_t sql_changes(const struct store *store)
{
    return sqlite3_changes64(store->db);
}

void store_set_busy_ms(struct store *store, int ms)
{
    (void)sqlite3_busy_timeout(store->db, ms);
}
