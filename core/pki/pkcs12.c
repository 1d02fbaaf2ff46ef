/* pkcs12.c - key, certificate and chain in one file. */
#include "config.h"

#include "core/pki/pkcs12.h"

#include <limits.h>

#include <openssl/pkcs12.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/pki/ossl.h"

#define SALT_SIZE     16
#define LEGACY_SALT   8
#define LEGACY_ROUNDS 2048

#define TRUSTED_KEY_USAGE "2.16.840.1.113894.746875.1.1" /* Oracle's; the value: any usage */

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

static bool check_passphrase(const struct secret *passphrase, struct err *err)
{
    if (passphrase && secret_len(passphrase) > 0 &&
        strlen(secret_data(passphrase)) == secret_len(passphrase))
        return true;
    return err_set(err, ERR_BAD_VALUE, _("a PKCS#12 file needs a passphrase of text"));
}

struct secret *pkcs12_build(const struct key *key, const struct cert *cert,
                            const struct cert_list *chain, const struct secret *passphrase,
                            bool legacy, struct err *err)
{
    int nid = legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
    STACK_OF(X509) *stack = NULL;
    PKCS12 *p12 = NULL;
    struct secret *made = NULL;

    if (!check_passphrase(passphrase, err))
        return NULL;
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

/* ---- a truststore ---- */

static bool add_trusted(STACK_OF(PKCS12_SAFEBAG) * bags, const struct pkcs12_trusted *trusted)
{
    PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(ossl_cert(trusted->cert));
    const void *any = OBJ_nid2obj(NID_anyExtendedKeyUsage);

    /* a length of -1: the value is the object itself, not its bytes */
    if (bag && PKCS12_add_friendlyname_utf8(bag, trusted->alias, -1) == 1 &&
        PKCS12_add1_attr_by_txt(bag, TRUSTED_KEY_USAGE, V_ASN1_OBJECT, any, -1) == 1 &&
        sk_PKCS12_SAFEBAG_push(bags, bag) > 0)
        return true;
    PKCS12_SAFEBAG_free(bag);
    return false;
}

static bool append(PKCS12 *p12, struct strbuf *out)
{
    unsigned char *der = NULL;
    int len = i2d_PKCS12(p12, &der);

    if (len > 0)
        strbuf_add(out, (const char *)der, (size_t)len);
    OPENSSL_free(der);
    return len > 0;
}

bool pkcs12_build_trust(const struct pkcs12_trusted *trusted, size_t n,
                        const struct secret *passphrase, bool legacy, struct strbuf *out,
                        struct err *err)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    STACK_OF(PKCS7) *safes = NULL;
    PKCS12 *p12 = NULL;
    bool good;

    if (!check_passphrase(passphrase, err))
        return false;
    ossl_clear();
    bags = sk_PKCS12_SAFEBAG_new_null();
    good = bags != NULL;
    for (size_t i = 0; i < n && good; i++)
        good = add_trusted(bags, &trusted[i]);
    good =
        good && PKCS12_add_safe(
                    &safes, bags, legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc,
                    legacy ? LEGACY_ROUNDS : KEY_ROUNDS_CLIENT, secret_data(passphrase)) == 1;
    p12 = good ? PKCS12_add_safes(safes, 0) : NULL;
    good = p12 && add_mac(p12, passphrase, legacy) && append(p12, out);
    if (!good)
        (void)ossl_err(err, ERR_CRYPTO, _("could not make the PKCS#12 file"));
    PKCS12_free(p12);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return good;
}

static bool is_among(const X509 *x509, const struct pkcs12_trusted *trusted, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (X509_cmp(x509, ossl_cert(trusted[i].cert)) == 0)
            return true;
    }
    return false;
}

bool pkcs12_is_trust(const void *bytes, size_t len, const struct pkcs12_trusted *trusted, size_t n,
                     const struct secret *passphrase)
{
    const unsigned char *at = bytes;
    STACK_OF(X509) *certs = NULL;
    EVP_PKEY *key = NULL;
    PKCS12 *p12 = NULL;
    X509 *own = NULL;
    bool is;

    ossl_clear();
    if (len <= LONG_MAX)
        p12 = d2i_PKCS12(NULL, &at, (long)len);
    is = p12 && at == (const unsigned char *)bytes + len &&
         PKCS12_parse(p12, secret_data(passphrase), &key, &own, &certs) == 1 && !key && !own &&
         sk_X509_num(certs) == (int)n;
    for (int i = 0; is && i < sk_X509_num(certs); i++) {
        is = is_among(sk_X509_value(certs, i), trusted, n);
        for (int j = 0; is && j < i; j++)
            is = X509_cmp(sk_X509_value(certs, i), sk_X509_value(certs, j)) != 0;
    }
    EVP_PKEY_free(key);
    X509_free(own);
    sk_X509_pop_free(certs, X509_free);
    PKCS12_free(p12);
    ossl_clear();
    return is;
}
