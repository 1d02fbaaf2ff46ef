/*
 * files_sql.h - inside core/pg only: the server's files by SQL.
 *
 * Source   lo_from_bytea(), lo_export() (PostgreSQL 35.4), COPY, pg_read_binary_file(),
 *          pg_stat_file() (9.28.9): the forms with one argument, which are the ones that get granted.
 * Errors   ERR_MAY_NOT_CHANGE, ERR_DISK_FULL, ERR_FILE (not there), ERR_TOO_LARGE, ERR_QUERY.
 */
#ifndef PGSEAL_PG_FILES_SQL_H
#define PGSEAL_PG_FILES_SQL_H

#include "core/base/strbuf.h"
#include "core/pg/conn.h"

struct sql_rights {
    bool read;        /* pg_read_binary_file() and pg_stat_file() */
    bool lo_export;   /* any bytes; not on a standby */
    bool copy;        /* COPY to a file: lines of ASCII only */
    bool in_recovery; /* a standby: no large objects */
};

bool sql_rights(struct conn *conn, struct sql_rights *ret, struct err *err) MUST_CHECK;
/* -1: not there */
bool sql_size(struct conn *conn, const char *path, int64_t *ret, struct err *err) MUST_CHECK;
bool sql_read(struct conn *conn, const char *path, size_t max, struct strbuf *out,
              struct err *err) MUST_CHECK;
bool sql_sha256(struct conn *conn, const char *path, uint8_t ret[32], struct err *err) MUST_CHECK;
/* Both truncate what is there, in place: owner and mode stay. A new file gets 0644. */
bool sql_write_lo(struct conn *conn, const char *path, const void *bytes, size_t len,
                  struct err *err) MUST_CHECK;
bool sql_write_copy(struct conn *conn, const char *path, const void *bytes, size_t len,
                    struct err *err) MUST_CHECK;
/* True when COPY writes these bytes as they are. */
bool sql_copy_can_write(const void *bytes, size_t len);

#endif
