/*
 * profile.h - which extensions a certificate gets, one row a kind.
 *
 * Source   RFC 5280 4.2; PostgreSQL's checks (purpose sslclient / sslserver, cRLSign for a CRL).
 * Rules    every certificate has subjectKeyIdentifier; every one but the self-signed has
 *          authorityKeyIdentifier = keyid only (with issuer and serial, a renewed CA would orphan it).
 */
#ifndef PGSEAL_PKI_PROFILE_H
#define PGSEAL_PKI_PROFILE_H

#include <stdbool.h>

enum profile {
    PROFILE_CA,     /* critical CA:TRUE, pathlen unset; critical keyCertSign, cRLSign */
    PROFILE_CLIENT, /* critical CA:FALSE; critical digitalSignature; clientAuth */
    PROFILE_SERVER, /* critical CA:FALSE; critical digitalSignature (RSA: keyEncipherment); serverAuth */
    PROFILE_CANARY /* as client, and no CN: never a login */
};

struct profile_info {
    enum profile profile;
    const char *name;           /* "ca", "client", "server", "canary" */
    const char *basic;          /* basicConstraints, OpenSSL's notation, for the commands overlay */
    const char *key_usage;      /* without "critical," */
    const char *extended_usage; /* or NULL */
    bool is_ca;
    int default_days;
};

const struct profile_info *profile_info(enum profile profile);

#endif
