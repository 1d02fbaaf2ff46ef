/*
 * crl_ahead.h - lists of revoked certificates that are signed today and published later.
 *
 * Why      a list that ends locks everybody out, and signing the next one needs the CA's passphrase:
 *          so a set is signed at once, one list a month, each good for longer than a month. From its
 *          day on each of them is "the CRL that counts now" (authority_crl()), and "crl refresh" takes
 *          it to the servers with no key on the machine.
 * Numbers  ascend with the dates. A revocation signs the present list and the whole set again, with
 *          higher numbers and the same dates; what they replace is never published any more.
 * Price    whoever steals the lists of the set could show a server one that is too new, never one
 *          that lets a revoked certificate in again: numbers only rise.
 * Errors   ERR_BAD_VALUE, ERR_POLICY, ERR_CA_KEY, store errors.
 */
#ifndef PGSEAL_STORE_CRL_AHEAD_H
#define PGSEAL_STORE_CRL_AHEAD_H

#include "core/store/authority.h"

#define CRL_AHEAD_EVERY_DAYS   30 /* "a month" */
#define CRL_AHEAD_DAYS         60 /* how long each is good for */
#define CRL_AHEAD_OVERLAP_DAYS 7  /* at least: so long may the timer stand still */
#define CRL_AHEAD_MAX          60 /* lists */

struct crl_ahead {
    uint64_t number;
    int64_t due_at;
    int64_t this_update, next_update;
};
struct crl_ahead_list {
    struct crl_ahead *rows; /* the next one first */
    size_t n;
    int64_t present_end; /* next_update of the list that counts now; 0: there is none */
};

/* Lists that wait for their day. */
bool crl_ahead_list(struct store *store, int64_t authority_id, struct crl_ahead_list *ret,
                    struct err *err) MUST_CHECK;
void crl_ahead_list_clear(struct crl_ahead_list *list);

struct crl_ahead_spec {
    int lists; /* one of them counts at once; 2 to CRL_AHEAD_MAX */
    int days;  /* each is good for so long; 0: CRL_AHEAD_DAYS */
};
/*
 * Signs the set, in one transaction; a set that was there is replaced. Lists that would begin after
 * the CA's end are left out. *ret_lists: how many were signed. authority's crl fields are updated.
 */
bool crl_ahead_sign(struct store *store, struct authority *authority, const struct key *key,
                    const struct crl_ahead_spec *spec, size_t *ret_lists,
                    struct err *err) MUST_CHECK;

#endif
