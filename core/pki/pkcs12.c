/* pkcs12.c - key, certificate and chain in one file. */
#include "config.h"

#include "core/pki/pkcs12.h"

#include <openssl/pkcs12.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/pki/ossl.h"

#define SALT_SIZE     16
#define LEGACY_SALT   8
#define LEGACY_ROUNDS 2048

static STACK_OF(X509) * chain_stack(const struct cert_list *chain)
{
    STACK_OF(X509) *stack = sk_X509_new_null();

    for (size_t i = 0; stack && chain && i < chain->n; i++) {
        if (sk_X509_push(stack, ossl_cert(chain->certs[i])) <= 0) {
            sk_X509_free(stack);
            return NULL;
        }
    }
    return stack;
}

/* The MAC is made apart: PKCS12_create() leaves its hash to the library's version. */
static bool add_mac(PKCS12 *p12, const struct secret *passphrase, bool legacy)
{
    return PKCS12_set_mac(p12, secret_data(passphrase), (int)secret_len(passphrase), NULL,
                          legacy ? LEGACY_SALT : SALT_SIZE,
                          legacy ? LEGACY_ROUNDS : KEY_ROUNDS_CLIENT,
                          legacy ? EVP_sha1() : EVP_sha256()) == 1;
}

static struct secret *encode(PKCS12 *p12)
{
    unsigned char *der = NULL;
    int len = i2d_PKCS12(p12, &der);
    struct secret *made;

    if (len <= 0)
        return NULL;
    made = secret_new((size_t)len);
    if (!secret_set(made, der, (size_t)len)) {
        secret_free(made);
        made = NULL;
    }
    OPENSSL_clear_free(der, (size_t)len);
    return made;
}

struct secret *pkcs12_build(const struct key *key, const struct cert *cert,
                            const struct cert_list *chain, const struct secret *passphrase,
                            bool legacy, struct err *err)
{
    int nid = legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
    STACK_OF(X509) *stack = NULL;
    PKCS12 *p12 = NULL;
    struct secret *made = NULL;

    if (!passphrase || secret_len(passphrase) == 0 ||
        strlen(secret_data(passphrase)) != secret_len(passphrase)) {
        (void)err_set(err, ERR_BAD_VALUE, _("a PKCS#12 file needs a passphrase of text"));
        return NULL;
    }
    if (!cert_matches_key(cert, key)) {
        (void)err_set(err, ERR_POLICY, _("the key is not that of the certificate"));
        return NULL;
    }
    ossl_clear();
    stack = chain_stack(chain);
    if (stack)
        p12 = PKCS12_create(secret_data(passphrase), PKCS12_ALIAS, ossl_key(key), ossl_cert(cert),
                            stack, nid, nid, legacy ? LEGACY_ROUNDS : KEY_ROUNDS_CLIENT, -1, 0);
    if (p12 && add_mac(p12, passphrase, legacy))
        made = encode(p12);
    if (!made)
        (void)ossl_err(err, ERR_CRYPTO, _("could not make the PKCS#12 file"));
    PKCS12_free(p12);
    sk_X509_free(stack);
    return made;
}
