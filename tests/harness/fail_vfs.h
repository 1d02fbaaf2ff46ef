/*
 * fail_vfs.h - for tests: SQLite's file layer with one call that fails, or kills the process.
 *
 * Source   sqlite3_vfs(3), sqlite3_io_methods: every call goes through to the real layer, but the
 *          n-th of those that change something (write, truncate, sync, delete).
 */
#ifndef PGSEAL_TESTS_FAIL_VFS_H
#define PGSEAL_TESTS_FAIL_VFS_H

#include <stdbool.h>

enum fail_how {
    FAIL_ONCE,   /* that call says SQLITE_IOERR; the next ones work */
    FAIL_FULL,   /* that call and all after it say SQLITE_FULL, but for delete and truncate */
    FAIL_STICKY, /* that call and all after it say SQLITE_IOERR */
    FAIL_KILLED  /* SIGKILL to this process, in place of the call */
};

void fail_vfs_install(void);                 /* as the default layer, for good */
void fail_vfs_arm(int n, enum fail_how how); /* counts from 1, from now on */
/* Also for calls from elsewhere, so that both kinds count together. True: do not do it. */
bool fail_vfs_strike(void);
/* From now on nothing waits for the disk: a kill leaves what was written, synced or not. */
void fail_vfs_spare_syncs(void);
/* From now on, of SQLite's writes to one file in a row, the first two count and every fourth. */
void fail_vfs_count_coarsely(void);
bool fail_vfs_disarm(void); /* true when the n-th call was reached */

#endif
