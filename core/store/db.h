/*
 * db.h - the store: one SQLite file in a private folder, and transactions over it.
 *
 * Source   SQLite: rollback journal, synchronous=EXTRA, STRICT tables, foreign keys, busy timeout
 *          10 s, BEGIN IMMEDIATE for writers.
 * Shapes   folder/ 0700: pgseal.db 0600, delivered 0600 (delivered.h), keys/ 0700 with one file a key, 0600. The tables stand in
 *          schema.c; rows of certificates, lists and the log are never deleted (triggers).
 * Errors   ERR_NO_STORE, ERR_STORE_BUSY, ERR_STORE_NEWER, ERR_STORE_OWNER (folder or file of
 *          somebody else), ERR_FILE_UNSAFE (others may write there), ERR_DISK_FULL, ERR_STORE.
 * Threads  one store per thread; a job opens its own.
 */
#ifndef PGSEAL_STORE_DB_H
#define PGSEAL_STORE_DB_H

#include <stdbool.h>

#include "core/base/attr.h"
#include "core/base/err.h"

struct store; /* owns one database connection */

enum store_mode {
    STORE_READ,  /* must be there; never writes, also works on a read-only file system. What a
                  * killed writer left half done is put back, where the file may be written */
    STORE_WRITE, /* must be there; migrated to this version's schema */
    STORE_CREATE /* made when it is missing */
};

struct store *store_open(const char *folder, enum store_mode mode, struct err *err) MUST_CHECK;
void store_close(struct store *store);
const char *store_folder(const struct store *store); /* borrowed, absolute */

/* The folder to use: explicit one, else $PGSEAL_STORE, else XDG data; caller frees. */
char *store_choose_folder(const char *explicit_folder, struct err *err) MUST_CHECK;

/* Transactions nest by counting; a rollback inside ends the outermost with ERR_STORE at commit. A
 * writer's waits for its turn at the beginning; a reader's is one snapshot. Many certificates that
 * are issued inside one transaction cost one sync of the disk. */
bool store_begin(struct store *store, struct err *err) MUST_CHECK;
/* Several reads of one moment, ended by store_commit(): waits for nobody who writes, in a store that was
 * opened for writing too. Nothing is written inside. */
bool store_begin_reading(struct store *store, struct err *err) MUST_CHECK;
bool store_commit(struct store *store, struct err *err) MUST_CHECK;
void store_rollback(struct store *store);
/* The end of a change: commits where it went well, else rolls back. True: it is stored. */
bool store_end(struct store *store, bool good, struct err *err) MUST_CHECK;

/* Who did what when: a row of the log table, in the transaction of the act. */
bool store_note(struct store *store, const char *act, const char *object, const char *detail,
                struct err *err) MUST_CHECK;

#endif
