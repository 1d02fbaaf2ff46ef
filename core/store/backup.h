/*
 * backup.h - a copy of the store in one file, and a store made from such a copy.
 *
 * Source   SQLite's VACUUM INTO: one moment of the store, also while others write to it. The file is a
 *          SQLite database; the CAs' key files lie in a table of it, locked as they were.
 * Rules    a CA's key without a passphrase is never put in: whoever has the copy would have the CA.
 *          The keys of canaries are: nobody can log in with them. Nothing is ever overwritten; the
 *          copy and the new store are there whole or not at all.
 * Errors   ERR_FILE_EXISTS, ERR_STORE (no backup, damaged), ERR_STORE_NEWER, ERR_FILE_UNSAFE,
 *          ERR_DISK_FULL, ERR_FILE.
 * Threads  belongs into a job.
 */
#ifndef PGSEAL_STORE_BACKUP_H
#define PGSEAL_STORE_BACKUP_H

#include <stddef.h>
#include <stdint.h>

#include "core/store/db.h"

/* Inside a store's folder while it is being restored; what a killed run left, fsck removes. */
#define BACKUP_STAGING "restore-"

struct backup_report {
    int64_t made_at; /* when the copy was made */
    size_t authorities;
    int64_t certificates;
    size_t keys;     /* key files that are in it */
    size_t absent;   /* key files that the rows name and that are not there */
    char **left_out; /* names of CAs whose key is not in it: no passphrase, or not there; owned */
    size_t n_left_out;
};
/* Asked from time to time; true stops it with ERR_CANCELLED, and nothing is left. */
struct backup_watch {
    bool (*cancelled)(void *arg);
    void *arg;
};

void backup_report_clear(struct backup_report *report);

/* watch may be NULL. Works on a store that was opened for reading, and on a read-only file system. */
bool backup_write(struct store *store, const char *path, bool with_keys,
                  const struct backup_watch *watch, struct backup_report *ret,
                  struct err *err) MUST_CHECK;
/* folder: gets a store; must not have one. The copy is checked first. Key files that are there with
 * the same content stay. */
bool backup_restore(const char *path, const char *folder, const struct backup_watch *watch,
                    struct backup_report *ret, struct err *err) MUST_CHECK;

#endif
