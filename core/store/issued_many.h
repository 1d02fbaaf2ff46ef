/*
 * issued_many.h - certificates recorded by the thousand: signed one by one, one transaction for all.
 *
 * Order    issued_sign() first, as often as wanted; then issued_many_record() for all of them; then the
 *          files; then issued_many_delivered().
 * Errors   as issued.h.
 */
#ifndef PGSEAL_STORE_ISSUED_MANY_H
#define PGSEAL_STORE_ISSUED_MANY_H

#include "core/store/issued.h"

/* Signs; nothing is recorded: id is 0. Caller frees. */
struct issued *issued_sign(const struct authority *authority, const struct key *authority_key,
                           const struct issue_spec *spec, struct err *err) MUST_CHECK;

/* All or none. Marks the rows of delivered (may be NULL) in the same transaction. what: for the
 * log, "from roles.csv". */
bool issued_many_record(struct store *store, const struct authority *authority,
                        struct issued *const *rows, size_t n, const struct issued_list *delivered,
                        const char *what, struct err *err) MUST_CHECK;
bool issued_many_delivered(struct store *store, const struct issued_list *rows,
                           struct err *err) MUST_CHECK;

/* Those of issued_undelivered() by role: id and role only, for a search in memory. */
struct issued_lost {
    char *role;
    int64_t id;
};
bool issued_lost_list(struct store *store, int64_t authority_id, struct issued_lost **ret,
                      size_t *ret_n, struct err *err) MUST_CHECK; /* sorted by role */
void issued_lost_free(struct issued_lost *list, size_t n);

/* For sessions by the thousand: whose certificate it is, and nothing more (issued_find_session() reads it
 * whole). */
struct issued_name {
    const char *issuer_dn, *serial_decimal; /* borrowed; as pg_stat_ssl has them */
    char *authority;                        /* the CA's name, to free(); NULL: not of ours */
};
bool issued_name_authorities(struct store *store, struct issued_name *names, size_t n,
                             struct err *err) MUST_CHECK;

#endif
