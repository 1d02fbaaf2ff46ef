/*
 * authority_request.h - an intermediate CA under a root whose key is elsewhere: request out,
 * certificate in.
 *
 * Shapes   a request is a key file and a row; it becomes a CA with the certificate that answers it.
 *          The answer must come with every certificate up to the self-signed root: PostgreSQL builds
 *          the whole chain. Lists (CRLs) of those above may come along: a server with a CRL file
 *          wants one for each CA of the chain, the root included.
 * Errors   ERR_CA_EXISTS, ERR_CA_UNKNOWN, ERR_BAD_NAME, ERR_POLICY (not a CA, wrong key, a gap in the
 *          chain), ERR_CERT_ENDED, ERR_CA_KEY, ERR_PASSPHRASE, store errors.
 */
#ifndef PGSEAL_STORE_AUTHORITY_REQUEST_H
#define PGSEAL_STORE_AUTHORITY_REQUEST_H

#include "core/pki/pem.h"
#include "core/store/authority.h"

struct authority_request {
    int64_t id;
    char *name;
    struct csr *csr;
    bool key_encrypted;
    int64_t created_at;
};
struct authority_request_list {
    struct authority_request **rows;
    size_t n;
};

/* The certificates above a CA: its issuer first, the root last; empty for a root. crls[i] is that of
 * certs[i], or NULL where none is known. */
struct authority_parents {
    struct cert_list certs;
    struct crl **crls; /* owned, certs.n of them */
};

void authority_request_free(struct authority_request *request);
void authority_request_list_clear(struct authority_request_list *list);
void authority_parents_clear(struct authority_parents *parents);
/* Server certificates of it that are valid now, and that no other one took the place of. */
bool authority_count_serving(struct store *store, const struct authority *authority, size_t *ret,
                             struct err *err) MUST_CHECK;
/* What verifies the servers: the roots of our CAs that have a server certificate that is valid now; of a
 * CA that is retired, only where no other one took its place. */
bool authority_server_roots(struct store *store, struct cert_list *ret, struct err *err) MUST_CHECK;

/* Makes the key and the request. spec->days is not used: the root decides. Caller frees. */
struct authority_request *authority_request_make(struct store *store,
                                                 const struct authority_spec *spec,
                                                 struct err *err) MUST_CHECK;
/* By name; *ret NULL and true: there is none. */
bool authority_request_load(struct store *store, const char *name, struct authority_request **ret,
                            struct err *err) MUST_CHECK;
bool authority_request_list(struct store *store, struct authority_request_list *ret,
                            struct err *err) MUST_CHECK;
/* Its key, for authority_install(). */
struct key *authority_request_unlock(struct store *store, const struct authority_request *request,
                                     const struct secret *passphrase, struct err *err) MUST_CHECK;
/* Gives it up: key file and row are removed. */
bool authority_request_drop(struct store *store, const struct authority_request *request,
                            struct err *err) MUST_CHECK;

/* A request for the same name and key as this CA has: what its root signs to renew it. */
struct csr *authority_request_renewal(const struct authority *authority, const struct key *key,
                                      struct err *err) MUST_CHECK;

/* Sorts what came back: the certificate of this key, then those above it up to the root, each with
 * its list. Certificates that do not belong are left out. */
bool authority_sort_answer(const struct cert_list *certs, struct crl *const *crls, size_t n_crls,
                           const struct key *key, struct cert **ret_cert,
                           struct authority_parents *ret_parents, struct err *err) MUST_CHECK;

/* The request becomes a CA, or a CA gets its new certificate (existing, request NULL). */
struct authority *authority_install(struct store *store, const struct authority_request *request,
                                    const struct authority *existing, const struct key *key,
                                    const struct cert *cert,
                                    const struct authority_parents *parents,
                                    struct err *err) MUST_CHECK;

/* Those above a CA. */
bool authority_load_parents(struct store *store, const struct authority *authority,
                            struct authority_parents *ret, struct err *err) MUST_CHECK;

#endif
