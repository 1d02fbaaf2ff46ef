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

#endif
