/*
 * canary.h - two certificates per CA that nobody logs in with; they prove what a server has loaded.
 *
 * Why      the good one passes the handshake and the revoked one gets alert 44: CA loaded, CRL loaded
 *          and current, seen without any role. No CN, so PostgreSQL refuses the login itself.
 * Shapes   an empty subject; its one name is the critical subjectAltName "canary.pgseal.invalid",
 *          because RFC 5280 wants some name and strict readers insist.
 * Units    they end with the CA. The revoked one is on every CRL, for ever.
 * Errors   ERR_CRYPTO.
 */
#ifndef PGSEAL_PKI_CANARY_H
#define PGSEAL_PKI_CANARY_H

#include "core/pki/cert.h"

struct canary {
    struct key *key;   /* owned */
    struct cert *cert; /* owned */
};

/* A new P-256 key and a certificate with an empty subject; ends with the issuer. */
bool canary_make(const struct cert *issuer, const struct key *issuer_key, int64_t now,
                 struct canary *ret, struct err *err) MUST_CHECK;
/* Another certificate over the key of one that is there, of a renewed CA. Caller frees. */
struct cert *canary_renew(const struct cert *issuer, const struct key *issuer_key, int64_t now,
                          const struct key *key, struct err *err) MUST_CHECK;
void canary_clear(struct canary *canary);

#endif
