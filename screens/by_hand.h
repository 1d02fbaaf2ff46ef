/*
 * by_hand.h - the openssl lines that do by hand what a page does. They run as printed, in sh.
 *
 * Shapes   POSIX shell, at most 74 columns where the names allow it, a comment with the reason before
 *          each step. Secrets are asked for by openssl itself: never in a line.
 * Source   openssl-genpkey(1), openssl-req(1), openssl-x509(1), openssl-ca(1), openssl-pkcs12(1).
 */
#ifndef PGSEAL_SCREENS_BY_HAND_H
#define PGSEAL_SCREENS_BY_HAND_H

#include <stdbool.h>

#include "core/base/strbuf.h"
#include "core/pki/key.h"

/* ca.key, ca.crt, ca.crl in the current folder; then the pgseal command. */
void by_hand_ca(struct strbuf *out, const char *name, enum key_type type, int days,
                bool passphrase);

struct by_hand_client {
    const char *role; /* the CN */
    const char *ca;   /* name, for the pgseal command; or NULL */
    enum key_type type;
    int days;
    bool passphrase;
    bool csr; /* a request came from elsewhere: no key is made */
    bool p12;
    bool pk8;
    const char *folder; /* for the pgseal command */
};
/* Needs ca.key and ca.crt in the current folder. */
void by_hand_client(struct strbuf *out, const struct by_hand_client *client);

struct app;
/* "psql 'host=...'": into the chosen server, as its administrator. */
void by_hand_admin(struct strbuf *out, const struct app *app);
/* The psql command that tries a login; host NULL: "SERVER". */
void by_hand_psql(struct strbuf *out, const char *host, int port, const char *role);

#endif
