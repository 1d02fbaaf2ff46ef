/*
 * pretend.h - asking about a certificate whose private key is elsewhere.
 *
 * Source   RFC 8446 4.4, RFC 5246 7.4: a server reads the client's certificate, and judges it, before
 *          it reads the proof of the key. So a handshake with the right certificate and a wrong key
 *          tells them apart: a revoked one gets alert 44, one that the server takes gets 51 (decrypt
 *          error). It never gets in.
 * Errors   ERR_CRYPTO.
 */
#ifndef PGSEAL_PKI_PRETEND_H
#define PGSEAL_PKI_PRETEND_H

#include "core/pki/cert.h"

#define PRETEND_ALERT_TAKEN 51

/* A key with this certificate's public half that signs nonsense. ERR_CRYPTO for kinds of keys that
 * cannot be made up. */
struct key *pretend_key(const struct cert *cert, struct err *err) MUST_CHECK;

#endif
