/*
 * ossl.h - inside core/ only: the OpenSSL objects behind our types, and its errors as ours.
 *
 * Rule     included by .c files of core/ only; never by a header.
 */
#ifndef PGSEAL_PKI_OSSL_H
#define PGSEAL_PKI_OSSL_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/pki/cert.h"
#include "core/pki/crl.h"

struct name *ossl_name_copy(const X509_NAME *from) MUST_CHECK;
const X509_NAME *ossl_name(const struct name *name);
X509 *ossl_cert(const struct cert *cert);  /* borrowed */
EVP_PKEY *ossl_key(const struct key *key); /* borrowed */
X509_CRL *ossl_crl(const struct crl *crl); /* borrowed */
X509_REQ *ossl_csr(const struct csr *csr); /* borrowed */
struct cert *ossl_cert_take(X509 *x509) MUST_CHECK;
struct key *ossl_key_take(EVP_PKEY *pkey) MUST_CHECK;
struct crl *ossl_crl_take(X509_CRL *crl) MUST_CHECK;
enum key_type ossl_key_type(const EVP_PKEY *pkey); /* NULL gives KEY_OTHER */
/* The hash that this key signs with; NULL for the EdDSA kinds, which bring their own. */
const EVP_MD *ossl_digest(const EVP_PKEY *pkey);

int64_t ossl_time(const ASN1_TIME *time); /* 0 for what is no time */
/* A new time for the caller to ASN1_TIME_free(); NULL outside of 1970 to 9999. */
ASN1_TIME *ossl_time_new(int64_t when) MUST_CHECK;

/* False for what RFC 5280 does not allow: negative, or longer than 20 bytes. */
bool ossl_serial_read(const ASN1_INTEGER *from, struct serial *ret) MUST_CHECK;
ASN1_INTEGER *ossl_serial_new(const struct serial *serial) MUST_CHECK;

/* The names as an extension's value, for the caller to GENERAL_NAMES_free(). ERR_POLICY. */
GENERAL_NAMES *ossl_san_new(const struct san *san, struct err *err) MUST_CHECK;
void ossl_san_read(const GENERAL_NAMES *from, struct san *ret); /* adds; ret: initialised */

/* authorityKeyIdentifier = keyid only, of this issuer, for the caller to AUTHORITY_KEYID_free(). */
AUTHORITY_KEYID *ossl_keyid_of(const X509 *issuer) MUST_CHECK;

/*
 * Many entries into a list, without an object for each (crl_encode.c). The list without entries gets
 * these (in order, each serial number once) and a new signature of the key; the whole as DER is
 * appended to out. empty must be signed already: its algorithm is kept.
 */
struct crl_entry;
bool crl_encode(X509_CRL *empty, EVP_PKEY *pkey, const struct crl_entry *const *entries, size_t n,
                struct strbuf *out, struct err *err) MUST_CHECK;

/* A password callback for PEM functions that must not meet a passphrase: never prompts. */
int ossl_no_password(char *buf, int size, int writing, void *arg);

/* Before a call: the queue of this thread is emptied. After a failed one: its last words. */
void ossl_clear(void);
bool ossl_err(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
