/*
 * fsck.h - the store looked through: rows, key files, serial numbers, lists against revocations.
 *
 * Rules    looking changes nothing. Mending changes only what follows from what is there: counters,
 *          columns that repeat what the certificate says, modes, files that a finished act left, a new
 *          list. A key file that no row names is never deleted: its row may be in a backup.
 * Cost     each certificate is read and its signature checked: 0.1 ms.
 * Threads  belongs into a job.
 * Errors   what is wrong with the store is a finding; an error is that it could not be looked through:
 *          ERR_CANCELLED, ERR_STORE_BUSY, ERR_DISK_FULL, ERR_STORE.
 */
#ifndef PGSEAL_STORE_FSCK_H
#define PGSEAL_STORE_FSCK_H

#include "core/store/authority.h"

enum fsck_severity { FSCK_NOTE, FSCK_WARNING, FSCK_ERROR };

struct fsck_finding {
    enum fsck_severity severity;
    bool repaired;
    bool repairable; /* "--repair" mends it */
    bool has_code;   /* a finding of "check" too, with a code of its own */
    char *object;    /* "CA \"Acme\"", a serial number, a file */
    char *message;
    char *help; /* or "" */
};
struct fsck_list {
    struct fsck_finding *rows;
    size_t n;
    size_t left_off;      /* beyond FSCK_MAX */
    size_t left_problems; /* of these, warnings and errors that are not mended */
    int64_t certificates; /* looked at */
    size_t authorities;
};

#define FSCK_MAX 1000

struct fsck_options {
    bool repair;
    /* Repairing a list needs the CA's key: called for it, once a CA; NULL, or NULL returned: that
     * CA's list stays. The key is freed by fsck. */
    struct key *(*unlock)(void *arg, struct store *store, const struct authority *authority,
                          struct err *err);
    bool (*cancelled)(void *arg);
    void (*progress)(void *arg, int64_t done, int64_t total);
    void *arg;
};

/* Modes of the folder and its files, and what killed runs left there. Before the store is opened:
 * opening refuses a store that others can write to. Says nothing about a folder that is not there.
 * Adds to list; only repair is read. */
void fsck_access(const char *folder, const struct fsck_options *options, struct fsck_list *list);
/* All the rest; adds to list. True also when something was found: what is damaged is a finding, and
 * does not end the check. False: cancelled, locked, or no space left. */
bool fsck_run(struct store *store, const struct fsck_options *options, struct fsck_list *list,
              struct err *err) MUST_CHECK;
void fsck_clear(struct fsck_list *list);
/* Findings of this severity or worse that are not mended, also those beyond FSCK_MAX. */
size_t fsck_count(const struct fsck_list *list, enum fsck_severity severity);
const char *fsck_severity_name(enum fsck_severity severity); /* "error": JSON */

#endif
