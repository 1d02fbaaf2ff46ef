/* advice.c - where a kind of key hurts, and how good a passphrase is. */
#include "config.h"

#include "core/pki/advice.h"

#include <ctype.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"

const char *advice_key_type(enum key_type type, enum profile profile)
{
    bool ca = profile == PROFILE_CA;

    switch (type) {
    case KEY_ED25519:
        if (ca)
            return _("Server certificates that an Ed25519 CA signs break password logins (SCRAM: "
                     "\"could not find digest for NID UNDEF\"): use it for client certificates "
                     "only.");
        return _("Java before 17 and older drivers do not know Ed25519.");
    case KEY_EC_P384:
        if (profile == PROFILE_CLIENT)
            return _("With TLS 1.2 PostgreSQL refuses client keys on P-384 (\"wrong curve\"), "
                     "unless ssl_groups has secp384r1 (PostgreSQL 18).");
        return NULL;
    case KEY_RSA_3072:
    case KEY_RSA_4096:
        if (ca)
            return NULL;
        return _("Each handshake costs the signer several times more than with RSA 2048 or "
                 "P-256.");
    case KEY_OTHER:
        return _("PostgreSQL and its clients may refuse this kind of key.");
    case KEY_EC_P256:
    case KEY_RSA_2048:
        break;
    }
    return NULL;
}

/* ---- passphrases ---- */

#define WEAK_BELOW   40 /* bits; 600,000 rounds of PBKDF2 add some 19 to each guess */
#define STRONG_ABOVE 64

/* What everybody tries first. */
static const char *const common[] = {
    "password", "passwort", "passphrase", "qwerty",   "qwertz",  "azerty", "letmein",  "welcome",
    "admin",    "secret",   "geheim",     "changeme", "default", "test",   "postgres", "pgseal",
    "monkey",   "dragon",   "master",     "iloveyou", "abc123",  "root",   "server",   "database",
};

static char lower(char c)
{
    return (char)tolower((unsigned char)c);
}

/* The length of a common word at this place; 0: none begins here. */
static size_t common_at(const char *text, size_t left)
{
    for (size_t i = 0; i < ARRAY_LEN(common); i++) {
        size_t len = strlen(common[i]);
        size_t same = 0;

        while (same < len && same < left && lower(text[same]) == common[i][same])
            same++;
        if (same == len)
            return len;
    }
    return 0;
}

/* True when a character follows from the two before it: "aaa", "123", "cba". */
static bool follows(const char *text, size_t at)
{
    int step;

    if (at < 2)
        return false;
    step = text[at] - text[at - 1];
    return text[at - 1] - text[at - 2] == step && step >= -1 && step <= 1;
}

/* Bits of one character that does not follow from anything, in tenths. */
static int tenths_of(const char *text, size_t len)
{
    bool small = false, large = false, digit = false, space = false, other = false;
    int size = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (islower(c))
            small = true;
        else if (isupper(c))
            large = true;
        else if (isdigit(c))
            digit = true;
        else if (c == ' ')
            space = true;
        else
            other = true;
    }
    size = (small ? 26 : 0) + (large ? 26 : 0) + (digit ? 10 : 0) + (other ? 30 : 0);
    if (space && size == 26) /* words: letters in words say about 2 bits each */
        return 22;
    if (size <= 10)
        return 33;
    if (size <= 26)
        return 40; /* people do not choose letters by dice */
    return size <= 52 ? 46 : 52;
}

void advice_passphrase(const struct secret *passphrase, struct advice_passphrase *ret)
{
    const char *text = secret_data(passphrase);
    size_t len = secret_len(passphrase);
    int tenths = tenths_of(text, len);
    int bits = 0;
    bool has_common = false;

    for (size_t i = 0; i < len;) {
        size_t word = common_at(text + i, len - i);

        if (word > 0) {
            has_common = true;
            bits += 60; /* one of some dozens of words, with its spellings */
            i += word;
            continue;
        }
        bits += follows(text, i) ? 5 : tenths;
        i++;
    }
    bits /= 10;
    ret->bits = bits;
    ret->strength = bits < WEAK_BELOW     ? ADVICE_WEAK
                    : bits < STRONG_ABOVE ? ADVICE_FAIR
                                          : ADVICE_STRONG;
    if (ret->strength == ADVICE_STRONG)
        ret->hint = "";
    else if (has_common)
        ret->hint =
            _("It has a word that is tried first. Four or five unrelated words are better.");
    else
        ret->hint = _("Longer is better: four or five unrelated words.");
}

const char *advice_strength_word(enum advice_strength strength)
{
    switch (strength) {
    case ADVICE_WEAK:
        return _("weak");
    case ADVICE_FAIR:
        return _("fair");
    case ADVICE_STRONG:
        break;
    }
    return _("strong");
}
