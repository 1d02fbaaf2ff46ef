/* pretend.c - a public half, and a private one that does not belong to it. */
#include "config.h"

#include "core/pki/pretend.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "core/base/intl.h"
#include "core/pki/ossl.h"

/* Little numbers in the machine's order, as OSSL_PARAM wants big ones; for Ed25519 the bytes are the
 * seed. OpenSSL does not compare the halves of a key that is put together from its parts. */
static EVP_PKEY *put_together(EVP_PKEY *public_half)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_RSA_D};
    bool rsa = EVP_PKEY_get_base_id(public_half) == EVP_PKEY_RSA;
    bool edwards = EVP_PKEY_get_base_id(public_half) == EVP_PKEY_ED25519;
    unsigned char number[32] = {0};
    unsigned int three = 3;
    OSSL_PARAM secret[2] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
    OSSL_PARAM *known = NULL, *all = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, public_half, NULL);
    EVP_PKEY *made = NULL;

    secret[0] = edwards
                    ? OSSL_PARAM_construct_octet_string(names[0], number, sizeof(number))
                    : OSSL_PARAM_construct_BN(names[rsa], (unsigned char *)&three, sizeof(three));
    if (ctx && EVP_PKEY_todata(public_half, EVP_PKEY_PUBLIC_KEY, &known) == 1)
        all = OSSL_PARAM_merge(known, secret);
    if (!all || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_KEYPAIR, all) != 1)
        made = NULL;
    OSSL_PARAM_free(all);
    OSSL_PARAM_free(known);
    EVP_PKEY_CTX_free(ctx);
    return made;
}

struct key *pretend_key(const struct cert *cert, struct err *err)
{
    EVP_PKEY *public_half = X509_get0_pubkey(ossl_cert(cert));
    EVP_PKEY *made;

    ossl_clear();
    made = public_half ? put_together(public_half) : NULL;
    if (!made) {
        (void)ossl_err(err, ERR_CRYPTO, _("no key can be made up for this certificate"));
        return NULL;
    }
    return ossl_key_take(made);
}
