/*
 * advice.h - what is good to know before a choice: kinds of keys, passphrases.
 *
 * Source   measured with PostgreSQL 15 and 18, libpq, pgjdbc: key types in certificates; NIST SP
 *          800-63B for passphrases (length counts, composition rules do not).
 * Shapes   texts are translated and borrowed.
 */
#ifndef PGSEAL_PKI_ADVICE_H
#define PGSEAL_PKI_ADVICE_H

#include "core/base/secret.h"
#include "core/pki/key.h"
#include "core/pki/profile.h"

/* A sentence on where this kind of key hurts in a certificate of this kind; NULL: nowhere. */
const char *advice_key_type(enum key_type type, enum profile profile);

enum advice_strength { ADVICE_WEAK, ADVICE_FAIR, ADVICE_STRONG };
struct advice_passphrase {
    enum advice_strength strength;
    int bits;         /* how many guesses, as a power of two; a rough lower bound */
    const char *hint; /* what would make it better; "" when it is strong */
};
/* For typing: cheap enough for every key. Nothing of the passphrase is kept. */
void advice_passphrase(const struct secret *passphrase, struct advice_passphrase *ret);
const char *advice_strength_word(enum advice_strength strength); /* "weak", for people */

#endif
