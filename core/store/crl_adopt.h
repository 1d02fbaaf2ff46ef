/*
 * crl_adopt.h - a list that a CA of ours signed and that this store does not know.
 *
 * Why      a store from an older backup lacks what was revoked after it, and its next number is too
 *          low: no server that has the later list takes one from here any more. The later list itself
 *          says what is missing.
 * Does     one transaction: what it revokes is revoked here too (a certificate that is not known here
 *          by its number), and the next list is signed, with a higher number than that one's. Nothing
 *          that is revoked here is taken back.
 * Dates    of the list do not count: a revocation does not end with the list that says it.
 * Errors   ERR_CRL_WEAKER (another key signed it), ERR_CA_KEY, ERR_POLICY, store errors.
 */
#ifndef PGSEAL_STORE_CRL_ADOPT_H
#define PGSEAL_STORE_CRL_ADOPT_H

#include "core/store/authority.h"

/* Which CA of ours signed this list; *ret NULL and true: none. Caller frees. */
bool crl_adopt_find(struct store *store, const struct crl *crl, struct authority **ret,
                    struct err *err) MUST_CHECK;

struct crl_adopted {
    size_t revoked; /* entries that were new here */
    size_t unknown; /* of them: of certificates that are not in this store */
    bool behind;    /* its number is higher than the last one here */
};
/* Does the list say more than this store knows? Changes nothing. */
bool crl_adopt_look(struct store *store, const struct authority *authority, const struct crl *crl,
                    struct crl_adopted *ret, struct err *err) MUST_CHECK;
/* authority's crl fields are updated. */
bool crl_adopt(struct store *store, struct authority *authority, const struct key *key,
               const struct crl *crl, struct crl_adopted *ret, struct err *err) MUST_CHECK;

#endif
