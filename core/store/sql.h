/*
 * sql.h - inside core/store only: prepared statements over the store's connection.
 *
 * Source   sqlite3_prepare_v2(3), sqlite3_step(3), result codes.
 * Shapes   parameters count from 1, columns from 0, as in SQLite. What binding could not do is said
 *          by the next sql_step(). Values travel as parameters only.
 * Errors   ERR_DISK_FULL, ERR_STORE_BUSY, ERR_STORE.
 */
#ifndef PGSEAL_STORE_SQL_H
#define PGSEAL_STORE_SQL_H

#include <stdint.h>

#include "core/base/strbuf.h"
#include "core/store/db.h"

struct sqlite3;
struct sql; /* owns one prepared statement */

struct sqlite3 *store_db(const struct store *store); /* borrowed */
bool store_only_reads(const struct store *store);    /* opened with STORE_READ */
bool store_in_transaction(const struct store *store);
/* What was said without a transaction gets one (delivered.h): for a copy of the database. Where that
 * cannot be, all stays as it is. */
void store_settle(struct store *store);
/* Translates the connection's last result; always false. */
bool sql_err(const struct store *store, struct err *err, const char *what);

struct sql *sql_new(struct store *store, const char *text, struct err *err) MUST_CHECK;
void sql_free(struct sql *sql);
struct store *sql_store(const struct sql *sql); /* borrowed */
void sql_bind_int(struct sql *sql, int at, int64_t value);
void sql_bind_null(struct sql *sql, int at);
void sql_bind_text(struct sql *sql, int at, const char *text); /* copied; NULL binds NULL */
void sql_bind_blob(struct sql *sql, int at, const void *bytes, size_t len); /* copied */
/* One row further; *ret_row false at the end. */
bool sql_step(struct sql *sql, bool *ret_row, struct err *err) MUST_CHECK;
/* For a statement without rows: runs it and frees it. */
bool sql_run(struct sql *sql, struct err *err) MUST_CHECK;
/* The same, and it can be bound and run again; the caller frees it. */
bool sql_again(struct sql *sql, struct err *err) MUST_CHECK;
/* For one row with one number: runs it and frees it. No row: fallback. */
bool sql_run_int(struct sql *sql, int64_t fallback, int64_t *ret, struct err *err) MUST_CHECK;

int64_t sql_int(const struct sql *sql, int column);
bool sql_is_null(const struct sql *sql, int column);
char *sql_text(const struct sql *sql, int column) MUST_CHECK; /* caller frees; NULL for NULL */
const void *sql_blob(const struct sql *sql, int column, size_t *ret_len); /* until the next step */

/* Fixed text without parameters, one or more statements. */
bool sql_exec(struct store *store, const char *text, struct err *err) MUST_CHECK;
int64_t sql_last_id(const struct store *store);
int64_t sql_changes(const struct store *store);

/* After a failed commit, when nothing can be read any more: the journal is still there, so the
 * transaction will be rolled back by whoever opens the store next (deleting it is the commit). */
bool store_will_roll_back(const struct store *store);

/* For tests: how long a writer waits for another one; 10 s otherwise. */
void store_set_busy_ms(struct store *store, int ms);

#endif
