/*
 * csr.h - certificate requests.
 *
 * Source   RFC 2986; X509_REQ(3).
 * Errors   ERR_NOT_A_REQUEST when it is none or its signature does not verify; ERR_CRYPTO.
 */
#ifndef PGSEAL_PKI_CSR_H
#define PGSEAL_PKI_CSR_H

#include "core/pki/key.h"
#include "core/pki/name.h"
#include "core/pki/san.h"

struct csr; /* owns one X509_REQ whose signature was checked */

struct csr *csr_from_pem(const void *pem, size_t len, struct err *err) MUST_CHECK;
struct csr *csr_new(const struct name *subject, const struct san *san, const struct key *key,
                    struct err *err) MUST_CHECK;
/* The same for a CA: asks for CA:TRUE, keyCertSign and cRLSign. */
struct csr *csr_new_ca(const struct name *subject, const struct key *key,
                       struct err *err) MUST_CHECK;
void csr_free(struct csr *csr);
bool csr_to_der(const struct csr *csr, struct strbuf *out, struct err *err) MUST_CHECK;
bool csr_to_pem(const struct csr *csr, struct strbuf *out, struct err *err) MUST_CHECK;
struct name *csr_subject(const struct csr *csr) MUST_CHECK; /* caller frees */
bool csr_san(const struct csr *csr, struct san *ret,
             struct err *err) MUST_CHECK; /* ret: initialised */
bool csr_asks_for_ca(const struct csr *csr);
enum key_type csr_key_type(const struct csr *csr);

#endif
