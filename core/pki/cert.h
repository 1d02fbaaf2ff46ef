/*
 * cert.h - X.509 certificates: read, asked, signed.
 *
 * Source   RFC 5280; X509_sign(3).
 * Units    times are seconds UTC. notBefore is back-dated by CERT_BACKDATE: clocks differ.
 * Shapes   DER inside the program and in the store, PEM outside. Text that is returned is clean.
 * Errors   ERR_NOT_A_CERTIFICATE, ERR_POLICY (a certificate that would outlive its CA, not_after
 *          before not_before, a key that PostgreSQL refuses or that clients do not send, an issuer
 *          that is no CA or another key's), ERR_CRYPTO.
 * Threads  a certificate may be read from any thread once it is made.
 */
#ifndef PGSEAL_PKI_CERT_H
#define PGSEAL_PKI_CERT_H

#include <stdint.h>

#include "core/pki/csr.h"
#include "core/pki/key.h"
#include "core/pki/name.h"
#include "core/pki/profile.h"
#include "core/pki/san.h"
#include "core/pki/serial.h"

#define CERT_BACKDATE    3600
#define CERT_SHA256_SIZE 32
#define CERT_SHA256_HEX  65 /* with NUL */

struct cert; /* owns one X509 */

struct cert *cert_from_der(const void *der, size_t len, struct err *err) MUST_CHECK;
struct cert *cert_from_pem(const void *pem, size_t len, struct err *err) MUST_CHECK; /* the first */
struct cert *cert_dup(const struct cert *cert) MUST_CHECK;
void cert_free(struct cert *cert);
bool cert_to_der(const struct cert *cert, struct strbuf *out,
                 struct err *err) MUST_CHECK; /* appends */
bool cert_to_pem(const struct cert *cert, struct strbuf *out,
                 struct err *err) MUST_CHECK; /* appends */

struct serial cert_serial(const struct cert *cert);
int64_t cert_not_before(const struct cert *cert);
int64_t cert_not_after(const struct cert *cert);
struct name *cert_subject(const struct cert *cert) MUST_CHECK;         /* caller frees */
struct name *cert_issuer(const struct cert *cert) MUST_CHECK;          /* caller frees */
void cert_format_subject(const struct cert *cert, struct strbuf *out); /* as name_format() */
void cert_format_issuer(const struct cert *cert, struct strbuf *out);
bool cert_common_name(const struct cert *cert, struct strbuf *out); /* first CN; false: none */
/* Adds to ret (initialised); a certificate without any is fine. */
bool cert_san(const struct cert *cert, struct san *ret, struct err *err) MUST_CHECK;
enum key_type cert_key_type(const struct cert *cert);
bool cert_is_ca(const struct cert *cert);          /* CA:TRUE and, where given, keyCertSign */
bool cert_may_sign_crls(const struct cert *cert);  /* no keyUsage, or cRLSign */
bool cert_is_self_signed(const struct cert *cert); /* subject equals issuer and it verifies */
bool cert_for_clients(const struct cert *cert);    /* purpose sslclient */
bool cert_for_servers(const struct cert *cert);    /* purpose sslserver */
bool cert_issued_by(const struct cert *cert,
                    const struct cert *issuer); /* name, key id, signature */
bool cert_matches_key(const struct cert *cert, const struct key *key);
void cert_sha256(const struct cert *cert, uint8_t ret[CERT_SHA256_SIZE]);
char *cert_sha256_hex(const struct cert *cert, char out[CERT_SHA256_HEX]); /* lower case */
bool cert_equal(const struct cert *a, const struct cert *b);
/* Its authorityKeyIdentifier has issuer and serial: it verifies with that one certificate of its CA
 * only, not with a renewed one. */
bool cert_is_tied_to_issuer(const struct cert *cert);
/* subjectKeyIdentifier as hex, "" when there is none; 41 bytes are enough for SHA-1 ids. */
void cert_key_id_hex(const struct cert *cert, struct strbuf *out);

struct cert_request {
    enum profile profile;
    const struct name *subject;
    const struct san *san; /* or NULL */
    const struct key *key; /* the subject's key; or NULL and: */
    const struct csr *csr; /* its public key is taken, nothing else */
    /* Its subjectKeyIdentifier is taken over; or NULL: SHA-1 of the key. */
    const struct cert *key_id_of;
    /* The result will be written out only, not asked for its key (cert_matches_key() and the like say
     * no): spares OpenSSL's encoding and decoding of the key, two thirds of the whole. */
    bool for_writing;
    struct serial serial;
    int64_t not_before; /* already back-dated by the caller */
    int64_t not_after;
};

/* An empty subject makes the subjectAltName critical, as RFC 5280 asks.
 * issuer NULL: self-signed with issuer_key (which then must be request->key). */
struct cert *cert_sign(const struct cert_request *request, const struct cert *issuer,
                       const struct key *issuer_key, struct err *err) MUST_CHECK;

#endif
