/*
 * rotation_seen.h - the worklist's certificates as sessions show them, for the look at who uses what.
 *
 * Shapes   an issuer is as pg_stat_ssl has it, clean; a serial number in hex; "" where there is none. Of
 *          a foreign old CA the issuer is "".
 * Cost     one query, and one transaction with what is news: nothing is written where nothing is.
 */
#ifndef PGSEAL_STORE_ROTATION_SEEN_H
#define PGSEAL_STORE_ROTATION_SEEN_H

#include "core/store/rotation.h"

struct rotation_seen {
    int64_t item_id;
    char *role;
    int64_t old_issued_id, new_issued_id; /* 0: none */
    int64_t left_at, ended_at;
    char *old_issuer, *old_serial;
    char *new_issuer, *new_serial;
    int64_t seen_at, old_seen_at; /* as in struct rotation_item: to be changed */
    bool changed;
};
struct rotation_seen_list {
    struct rotation_seen *rows;
    size_t n;
};

bool rotation_seen_list(struct store *store, int64_t rotation_id, struct rotation_seen_list *ret,
                        struct err *err) MUST_CHECK;
void rotation_seen_list_clear(struct rotation_seen_list *list);
/* Those that are changed. */
bool rotation_seen_save(struct store *store, const struct rotation_seen_list *list,
                        struct err *err) MUST_CHECK;

/* All valid client certificates of this role and CA become lines, also those that have a successor. */
bool rotation_add_role(struct store *store, int64_t rotation_id, int64_t authority_id,
                       const char *role, struct err *err) MUST_CHECK;
/* Lines that have no new certificate get the newest good one of their role that this CA issued since then,
 * and whose files were written: one kit for all certificates of a role. */
bool rotation_join_made(struct store *store, int64_t rotation_id, int64_t authority_id,
                        int64_t since, struct err *err) MUST_CHECK;
/* Lines that wait: their new certificate was never seen, and they are neither gone on without nor ended.
 * From now on they are gone on without. */
bool rotation_leave_waiting(struct store *store, int64_t rotation_id, struct err *err) MUST_CHECK;

#endif
