/*
 * crl.h - build and read certificate revocation lists.
 *
 * Source   RFC 5280 section 5; X509_CRL_sign(3); PostgreSQL "ssl_crl_file".
 * Units    times are seconds UTC.
 * Shapes   a CRL is DER inside the program and PEM outside; PostgreSQL takes PEM only. Always with
 *          CRL number and authorityKeyIdentifier = keyid (two CAs of one name stay apart).
 * Errors   ERR_NOT_A_CRL, ERR_POLICY, ERR_CRYPTO, ERR_CRL_WEAKER.
 * Threads  one thread at a time per struct crl; crl_build() of a large list belongs into a job.
 */
#ifndef PGSEAL_PKI_CRL_H
#define PGSEAL_PKI_CRL_H

#include <stdint.h>

#include "core/pki/cert.h"

#define CRL_DEFAULT_DAYS 365

enum crl_reason { /* RFC 5280 5.3.1; the numbers are on the wire */
                  CRL_UNSPECIFIED = 0,
                  CRL_KEY_COMPROMISE = 1,
                  CRL_CA_COMPROMISE = 2,
                  CRL_AFFILIATION_CHANGED = 3,
                  CRL_SUPERSEDED = 4,
                  CRL_CESSATION_OF_OPERATION = 5,
                  CRL_CERTIFICATE_HOLD = 6,
                  CRL_PRIVILEGE_WITHDRAWN = 9
};
const char *crl_reason_name(enum crl_reason reason); /* "keyCompromise" */
bool crl_reason_parse(const char *text, enum crl_reason *ret, struct err *err) MUST_CHECK;

struct crl_entry {
    struct serial serial;
    int64_t revoked_at;
    enum crl_reason reason; /* unspecified: no extension, as RFC 5280 asks */
};

struct crl; /* owns one X509_CRL; opaque: OpenSSL stays inside core/ */

/*
 * Signs a list of all entries with the authority's key. An empty list is a good list: PostgreSQL
 * wants one for every CA it trusts as soon as one is set. this_update is taken as it is: the caller
 * back-dates it (CERT_BACKDATE).
 *
 * Returns a list for the caller to crl_free(), or NULL with ERR_CRYPTO, or ERR_POLICY when
 * next_update is not after this_update.
 */
struct crl *crl_build(const struct cert *issuer, const struct key *key,
                      const struct crl_entry *entries, size_t n_entries, uint64_t number,
                      int64_t this_update, int64_t next_update, struct err *err) MUST_CHECK;
struct crl *crl_from_der(const void *der, size_t len, struct err *err) MUST_CHECK;
struct crl *crl_from_pem(const void *pem, size_t len, struct err *err) MUST_CHECK; /* the first */
struct crl *crl_dup(const struct crl *crl) MUST_CHECK;
void crl_free(struct crl *crl);
bool crl_to_der(const struct crl *crl, struct strbuf *out, struct err *err) MUST_CHECK;
bool crl_to_pem(const struct crl *crl, struct strbuf *out, struct err *err) MUST_CHECK;

int64_t crl_this_update(const struct crl *crl);
int64_t crl_next_update(const struct crl *crl);        /* 0: never said */
bool crl_number(const struct crl *crl, uint64_t *ret); /* false: has none, or over 64 bits */
bool crl_equal(const struct crl *a, const struct crl *b);
/* Of one CA: made later, or in the same second with a higher number. */
bool crl_is_newer(const struct crl *crl, const struct crl *than);
void crl_format_issuer(const struct crl *crl, struct strbuf *out);
size_t crl_count(const struct crl *crl);
bool crl_entry_at(const struct crl *crl, size_t i, struct crl_entry *ret);
bool crl_has(const struct crl *crl, const struct serial *serial);
bool crl_signed_by(const struct crl *crl, const struct cert *issuer); /* name, key id, signature */

#endif
