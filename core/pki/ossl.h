/*
 * ossl.h - inside core/ only: the OpenSSL objects behind our types, and its errors as ours.
 *
 * Rule     included by .c files of core/ only; never by a header.
 */
#ifndef PGSEAL_PKI_OSSL_H
#define PGSEAL_PKI_OSSL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "core/pki/cert.h"
#include "core/pki/crl.h"

struct name *ossl_name_copy(const X509_NAME *from) MUST_CHECK;
const X509_NAME *ossl_name(const struct name *name);
X509 *ossl_cert(const struct cert *cert);  /* borrowed */
EVP_PKEY *ossl_key(const struct key *key); /* borrowed */
X509_CRL *ossl_crl(const struct crl *crl); /* borrowed */
struct cert *ossl_cert_take(X509 *x509) MUST_CHECK;
struct key *ossl_key_take(EVP_PKEY *pkey) MUST_CHECK;
int64_t ossl_time(const ASN1_TIME *time);

/* Before a call: the queue of this thread is emptied. After a failed one: its last words. */
void ossl_clear(void);
bool ossl_err(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
