/*
 * files.h - files on a server: read, written new, compared, by the file system or by SQL.
 *
 * Source   large objects (lo_from_bytea, lo_export), pg_read_binary_file(); PostgreSQL 9.28.9.
 * Ways     LOCAL when the server really is here (a probe file written by us is read back through the
 *          server), else SQL as superuser or with pg_write_server_files; else NONE: text to paste.
 * Rules    a TLS file is never overwritten: new name by hash; present with the same content: skip.
 *          bytes only (lo_from_bytea): text through COPY turns tabs into \t. Read in one statement,
 *          write in another: a COPY that reads the file it writes empties it.
 * Errors   ERR_MAY_NOT_CHANGE, ERR_FILE_EXISTS (other content), ERR_DISK_FULL, ERR_QUERY.
 */
#ifndef PGSEAL_PG_FILES_H
#define PGSEAL_PG_FILES_H

#include "core/pg/conn.h"

enum files_way { FILES_LOCAL, FILES_SQL, FILES_NONE };

struct files; /* bound to a connection */

struct files *files_new(struct conn *conn, const char *data_directory, struct err *err) MUST_CHECK;
void files_free(struct files *files);
enum files_way files_way(const struct files *files);
/* Reads through the server, as its own user sees it. */
bool files_read(struct files *files, const char *path, size_t max, struct strbuf *out,
                struct err *err) MUST_CHECK;
bool files_exists(struct files *files, const char *path, bool *ret, struct err *err) MUST_CHECK;
/* SHA-256 of the file as the server sees it; false with ERR_FILE when it is not there. */
bool files_sha256(struct files *files, const char *path, uint8_t ret[32],
                  struct err *err) MUST_CHECK;
/* A new file, read back and compared; owner as the server's user, mode as given (SQL: 0644). The
 * same content already there: fine, *ret_was_there (may be NULL) is set. The beginning of these bytes
 * there, and no more: what a full disk or a kill left of an earlier try; written again. */
bool files_write_new(struct files *files, const char *path, const void *bytes, size_t len,
                     unsigned mode, bool *ret_was_there, struct err *err) MUST_CHECK;
/* The file is there and holds the beginning of these bytes, but not all of them. */
bool files_is_torn(struct files *files, const char *path, const void *bytes, size_t len, bool *ret,
                   struct err *err) MUST_CHECK;
/* Replaces the content of an existing file (pg_hba.conf): owner and mode stay; read back. */
bool files_overwrite(struct files *files, const char *path, const void *bytes, size_t len,
                     struct err *err) MUST_CHECK;
/* True when files_overwrite() could write these bytes: look before you take them away. By SQL on a
 * standby it is COPY, which writes plain ASCII lines only. */
bool files_can_put_back(const struct files *files, const void *bytes, size_t len);
/* A private key: by the local file system only, 0600, owned by the server's user. */
bool files_write_key(struct files *files, const char *path, const struct secret *pem,
                     struct err *err) MUST_CHECK;
/* Local: unlinks. SQL cannot: false in *ret_removed, no error. */
bool files_remove(struct files *files, const char *path, bool *ret_removed,
                  struct err *err) MUST_CHECK;

#endif
