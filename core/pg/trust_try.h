/*
 * trust_try.h - a trust file tried against a running server, before anybody relies on it.
 *
 * Source   libpq, sslmode verify-ca (the chain alone) and verify-full (the host too).
 * Errors   ERR_NO_CONNECTION, ERR_TIMEOUT, ERR_NOT_POSTGRES. "No TLS", and a chain that does not lead to
 *          the file, are answers.
 * Threads  any; blocks up to 5 s: in a job.
 */
#ifndef PGSEAL_PG_TRUST_TRY_H
#define PGSEAL_PG_TRUST_TRY_H

#include "core/pki/pem.h"

struct trust_try { /* owned: the leaf */
    bool tls;
    bool verify_ca, verify_full;
    char why[160];     /* of the first that is false; clean */
    struct cert *leaf; /* that was shown; NULL without TLS */
};

bool trust_try_server(const struct cert_list *roots, const char *host, int port,
                      struct trust_try *ret, struct err *err) MUST_CHECK;
/* A chain (leaf first, as the server would send it) in place of a server. */
void trust_try_chain(const struct cert_list *roots, const struct cert_list *chain, const char *host,
                     struct trust_try *ret);
void trust_try_clear(struct trust_try *seen);

#endif
