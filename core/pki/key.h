/*
 * key.h - private keys: made, locked, unlocked, handed over.
 *
 * Source   EVP_PKEY_keygen(3), PKCS8_encrypt(3); RFC 5958 (PKCS#8), RFC 8018 (PBES2).
 * Shapes   PEM PKCS#8; with a passphrase AES-256-CBC, PBKDF2-HMAC-SHA256, KEY_ROUNDS_CA rounds for a
 *          CA's key (200 ms), KEY_ROUNDS_CLIENT for a client's (libpq pays it at every connect).
 *          The encoder is EVP_PKEY2PKCS8 and the PKCS8 PEM writer: the generic one costs 10 x more.
 * Errors   ERR_PASSPHRASE, ERR_CRYPTO, ERR_BAD_VALUE, ERR_NOT_A_CERTIFICATE for what is no key.
 * Threads  key_generate() of RSA has no upper bound (1.3 s for 4096): belongs into a job.
 */
#ifndef PGSEAL_PKI_KEY_H
#define PGSEAL_PKI_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/secret.h"
#include "core/base/strbuf.h"

#define KEY_ROUNDS_CA     600000
#define KEY_ROUNDS_CLIENT 60000

enum key_type {
    KEY_EC_P256, /* default */
    KEY_EC_P384,
    KEY_ED25519,
    KEY_RSA_2048,
    KEY_RSA_3072,
    KEY_RSA_4096,
    KEY_OTHER /* read from elsewhere; never made */
};

struct key; /* owns one EVP_PKEY */

const char *key_type_name(enum key_type type);  /* "ec-p256": flags and JSON */
const char *key_type_title(enum key_type type); /* "EC P-256": people */
bool key_type_parse(const char *text, enum key_type *ret, struct err *err) MUST_CHECK;

/* cancelled may be NULL; asked from time to time while an RSA key is searched: ERR_CANCELLED. */
struct key *key_generate(enum key_type type, bool (*cancelled)(void *), void *cancelled_arg,
                         struct err *err) MUST_CHECK;
void key_free(struct key *key);
struct key *key_dup(const struct key *key) MUST_CHECK;
enum key_type key_type_of(const struct key *key);

/* The private key as PEM into a new secret; passphrase NULL: unencrypted. */
struct secret *key_to_pem(const struct key *key, const struct secret *passphrase, int rounds,
                          struct err *err) MUST_CHECK;
/* Unencrypted PKCS#8 DER, for JDBC (".pk8"). */
struct secret *key_to_pkcs8_der(const struct key *key, struct err *err) MUST_CHECK;
/* passphrase NULL: an encrypted key gives ERR_PASSPHRASE. Never prompts. */
struct key *key_from_pem(const void *pem, size_t len, const struct secret *passphrase,
                         struct err *err) MUST_CHECK;
/* True when the PEM holds a key that needs a passphrase. */
bool key_pem_is_encrypted(const void *pem, size_t len);
/* SubjectPublicKeyInfo DER. */
bool key_public_der(const struct key *key, struct strbuf *out, struct err *err) MUST_CHECK;

#endif
