/*
 * backup_part.h - inside core/store only: databases that are not the store.
 */
#ifndef PGSEAL_STORE_BACKUP_PART_H
#define PGSEAL_STORE_BACKUP_PART_H

#include "core/store/backup.h"

struct sqlite3;
struct sqlite3_stmt;

/* Translates the connection's last result; always false. */
bool backup_err(struct sqlite3 *db, const char *path, struct err *err);
/* watch may be NULL; it is asked from time to time while a statement runs. */
struct sqlite3 *backup_open(const char *path, int flags, const struct backup_watch *watch,
                            struct err *err) MUST_CHECK;
bool backup_exec(struct sqlite3 *db, const char *path, const char *text,
                 struct err *err) MUST_CHECK;
bool backup_int(struct sqlite3 *db, const char *path, const char *text, int64_t *ret,
                struct err *err) MUST_CHECK;
/* One moment of the database into a new file, 0600. */
bool backup_vacuum(struct sqlite3 *from, const char *from_path, const char *to,
                   struct err *err) MUST_CHECK;
/* After the last row: frees the statement. False with an error when ok is false already or the rows
 * ended by one. */
bool backup_end(struct sqlite3 *db, const char *path, struct sqlite3_stmt *rows, bool ok,
                struct err *err) MUST_CHECK;
void backup_push_name(struct backup_report *report, const char *name);
bool backup_count(struct sqlite3 *db, const char *path, struct backup_report *report,
                  struct err *err) MUST_CHECK;
/* False with ERR_CANCELLED when it is to stop. */
bool backup_goes_on(const struct backup_watch *watch, struct err *err) MUST_CHECK;

#endif
