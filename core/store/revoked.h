/*
 * revoked.h - revocations of the store.
 *
 * Order    a revocation and the CRL that says so are one transaction: the one is never seen without
 *          the other.
 * Errors   ERR_REVOKED_ALREADY, ERR_POLICY (a canary; an ended CA), ERR_CA_KEY, store
 *          errors; ERR_CRL_WEAKER never (rows are not deleted).
 */
#ifndef PGSEAL_STORE_REVOKED_H
#define PGSEAL_STORE_REVOKED_H

#include "core/store/issued.h"

/* Revokes and signs the next CRL; issued and authority are updated. Caller frees the CRL. */
struct crl *revoked_and_sign(struct store *store, struct authority *authority,
                             const struct key *key, struct issued *issued, enum crl_reason reason,
                             int crl_days, struct err *err) MUST_CHECK;

/* The same for several of one CA: one list, one transaction. n at least 1. */
struct crl *revoked_many_and_sign(struct store *store, struct authority *authority,
                                  const struct key *key, struct issued *const *issued, size_t n,
                                  enum crl_reason reason, int crl_days, struct err *err) MUST_CHECK;

/* True where the certificate of this number has ended: it may leave the list. Not known: false. */
bool revoked_has_ended(struct store *store, int64_t authority_id, const struct serial *serial,
                       bool *ret, struct err *err) MUST_CHECK;

/* All revocations of one CA, oldest first, until a week after the certificate's end; *ret to
 * free(). */
bool revoked_entries(struct store *store, int64_t authority_id, struct crl_entry **ret,
                     size_t *ret_n, struct err *err) MUST_CHECK;

#endif
