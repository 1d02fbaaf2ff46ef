/*
 * pkcs12.h - key, certificate and chain in one file.
 *
 * Source   RFC 7292. PBES2 AES-256, or the old PBE-SHA1-3DES that Java 8 and old Windows read.
 * Shapes   the friendlyName is "user": pgjdbc asks for exactly that alias.
 *          A truststore has certificates only, each with Oracle's attribute trustedKeyUsage (any):
 *          without it Java's PKCS12 keystore shows no entry at all.
 * Errors   ERR_BAD_VALUE without a passphrase, ERR_POLICY for a key of another certificate, ERR_CRYPTO.
 */
#ifndef PGSEAL_PKI_PKCS12_H
#define PGSEAL_PKI_PKCS12_H

#include "core/pki/pem.h"

#define PKCS12_ALIAS "user"

struct secret *pkcs12_build(const struct key *key, const struct cert *cert,
                            const struct cert_list *chain, const struct secret *passphrase,
                            bool legacy, struct err *err) MUST_CHECK;

struct pkcs12_trusted { /* borrowed */
    const struct cert *cert;
    const char *alias; /* ASCII; Java makes it lower case */
};
/* Appended to out: nothing in it is secret. */
bool pkcs12_build_trust(const struct pkcs12_trusted *trusted, size_t n,
                        const struct secret *passphrase, bool legacy, struct strbuf *out,
                        struct err *err) MUST_CHECK;
/* These are such a file's certificates: all of them, and nothing else is in it. */
bool pkcs12_is_trust(const void *bytes, size_t len, const struct pkcs12_trusted *trusted, size_t n,
                     const struct secret *passphrase) MUST_CHECK;

#endif
