/* key.c - private keys. */
#include "config.h"

#include "core/pki/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/ossl.h"

#define ROUNDS_MIN  1000
#define SALT_SIZE   16
#define KEY_PEM_MAX (1 << 20)

struct key {
    EVP_PKEY *pkey;
};

static const struct {
    enum key_type type;
    const char *name;
    const char *title;
    int id; /* EVP_PKEY_… */
    const char *group;
    int bits;
} types[] = {
    {KEY_EC_P256, "ec-p256", "EC P-256", EVP_PKEY_EC, SN_X9_62_prime256v1, 256},
    {KEY_EC_P384, "ec-p384", "EC P-384", EVP_PKEY_EC, SN_secp384r1, 384},
    {KEY_ED25519, "ed25519", "Ed25519", EVP_PKEY_ED25519, NULL, 256},
    {KEY_RSA_2048, "rsa-2048", "RSA 2048", EVP_PKEY_RSA, NULL, 2048},
    {KEY_RSA_3072, "rsa-3072", "RSA 3072", EVP_PKEY_RSA, NULL, 3072},
    {KEY_RSA_4096, "rsa-4096", "RSA 4096", EVP_PKEY_RSA, NULL, 4096},
};

const char *key_type_name(enum key_type type)
{
    return (size_t)type < ARRAY_LEN(types) ? types[type].name : "other";
}

const char *key_type_title(enum key_type type)
{
    return (size_t)type < ARRAY_LEN(types) ? types[type].title : _("another kind");
}

bool key_type_parse(const char *text, enum key_type *ret, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (text_equal(text, types[i].name)) {
            *ret = types[i].type;
            return true;
        }
    }
    return err_set(err, ERR_BAD_VALUE,
                   _("\"%.60s\" is not a kind of key: ec-p256, ec-p384, ed25519, rsa-2048, "
                     "rsa-3072, rsa-4096"),
                   text);
}

struct key *ossl_key_take(EVP_PKEY *pkey)
{
    struct key *key = mem_zalloc(sizeof(*key));

    key->pkey = pkey;
    return key;
}

EVP_PKEY *ossl_key(const struct key *key)
{
    return key->pkey;
}

void key_free(struct key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

struct key *key_dup(const struct key *key)
{
    (void)EVP_PKEY_up_ref(key->pkey); /* shared: nobody changes a key */
    return ossl_key_take(key->pkey);
}

enum key_type key_type_of(const struct key *key)
{
    return ossl_key_type(key->pkey);
}

enum key_type ossl_key_type(const EVP_PKEY *pkey)
{
    char group[64] = "";
    size_t len = 0;
    int id = pkey ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE;
    int bits = pkey ? EVP_PKEY_get_bits(pkey) : 0;

    if (id == EVP_PKEY_EC && EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) != 1)
        return KEY_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].id != id)
            continue;
        if (types[i].group ? strcmp(types[i].group, group) == 0
                           : id == EVP_PKEY_ED25519 || types[i].bits == bits)
            return types[i].type;
    }
    return KEY_OTHER;
}

const EVP_MD *ossl_digest(const EVP_PKEY *pkey)
{
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        return NULL;
    default:
        return ossl_key_type(pkey) == KEY_EC_P384 ? EVP_sha384() : EVP_sha256();
    }
}

/* -- making ------------------------------------------------------------------------------------ */

struct cancel {
    bool (*asked)(void *);
    void *arg;
    bool cancelled;
};

static int generate_step(EVP_PKEY_CTX *ctx)
{
    struct cancel *cancel = EVP_PKEY_CTX_get_app_data(ctx);

    /* OpenSSL may ask a few times more after the first no, and its own queue stays empty */
    if (!cancel->cancelled && cancel->asked)
        cancel->cancelled = cancel->asked(cancel->arg);
    return cancel->cancelled ? 0 : 1;
}

struct key *key_generate(enum key_type type, bool (*cancelled)(void *), void *cancelled_arg,
                         struct err *err)
{
    struct cancel cancel = {.asked = cancelled, .arg = cancelled_arg};
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = NULL;
    struct key *made = NULL;
    bool ready;

    if ((size_t)type >= ARRAY_LEN(types)) {
        (void)err_set(err, ERR_BAD_VALUE, _("this kind of key is not made here"));
        return NULL;
    }
    ossl_clear();
    ctx = EVP_PKEY_CTX_new_id(types[type].id, NULL);
    ready = ctx && EVP_PKEY_keygen_init(ctx) == 1;
    if (ready && types[type].group)
        ready = EVP_PKEY_CTX_set_group_name(ctx, types[type].group) == 1;
    if (ready && types[type].id == EVP_PKEY_RSA)
        ready = EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, types[type].bits) == 1;
    if (ready) {
        EVP_PKEY_CTX_set_app_data(ctx, &cancel);
        EVP_PKEY_CTX_set_cb(ctx, generate_step);
        ready = EVP_PKEY_generate(ctx, &pkey) == 1;
    }
    if (cancel.cancelled) {
        ossl_clear();
        (void)err_set(err, ERR_CANCELLED, _("no key was made"));
    } else if (!ready) {
        (void)ossl_err(err, ERR_CRYPTO, _("could not make a key (%s)"), types[type].name);
    } else {
        made = ossl_key_take(pkey);
        pkey = NULL;
    }
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
    return made;
}

/* -- writing ----------------------------------------------------------------------------------- */

/* What stands in a memory BIO, as a secret. OpenSSL wipes the BIO's own memory. */
static struct secret *secret_from_bio(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    struct secret *made = secret_new(len > 0 ? (size_t)len : 1);

    if (len <= 0 || !secret_set(made, data, (size_t)len)) {
        secret_free(made);
        return NULL;
    }
    return made;
}

/* Encrypts as in key.h; for the caller to X509_SIG_free(). */
static X509_SIG *encrypt(PKCS8_PRIV_KEY_INFO *info, const struct secret *passphrase, int rounds)
{
    X509_ALGOR *pbe =
        PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), rounds, NULL, SALT_SIZE, NULL, NID_hmacWithSHA256);
    X509_SIG *made = NULL;

    if (pbe)
        made = PKCS8_set0_pbe(secret_data(passphrase), (int)secret_len(passphrase), info, pbe);
    if (!made)
        X509_ALGOR_free(pbe);
    return made;
}

/* RFC 5915 with the public key and without the curve, which PKCS#8 names: what EVP_PKEY2PKCS8() makes
 * of a P-256 key after it has looked for an encoder among all providers (60 us, OpenSSL 3.0). NULL
 * for any other key. */
static PKCS8_PRIV_KEY_INFO *info_of_p256(const EVP_PKEY *pkey)
{
    static const unsigned char head[] = {0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20};
    static const unsigned char middle[] = {0xa1, 0x44, 0x03, 0x42, 0x00};
    enum { SCALAR = 32, POINT = 65, SIZE = sizeof(head) + SCALAR + sizeof(middle) + POINT };
    PKCS8_PRIV_KEY_INFO *info = NULL;
    BIGNUM *scalar = NULL;
    unsigned char *der = NULL;
    size_t len = 0;

    if (ossl_key_type(pkey) != KEY_EC_P256)
        return NULL;
    der = OPENSSL_malloc(SIZE);
    if (der && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1 &&
        BN_bn2binpad(scalar, der + sizeof(head), SCALAR) == SCALAR &&
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, der + SIZE - POINT, POINT,
                                        &len) == 1 &&
        len == POINT && der[SIZE - POINT] == POINT_CONVERSION_UNCOMPRESSED)
        info = PKCS8_PRIV_KEY_INFO_new();
    BN_clear_free(scalar);
    if (info) {
        memcpy(der, head, sizeof(head));
        memcpy(der + sizeof(head) + SCALAR, middle, sizeof(middle));
        if (PKCS8_pkey_set0(info, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), 0, V_ASN1_OBJECT,
                            OBJ_nid2obj(NID_X9_62_prime256v1), der, SIZE) == 1)
            return info;
        PKCS8_PRIV_KEY_INFO_free(info);
    }
    OPENSSL_clear_free(der, SIZE);
    return NULL;
}

static PKCS8_PRIV_KEY_INFO *info_of(const EVP_PKEY *pkey)
{
    PKCS8_PRIV_KEY_INFO *info = info_of_p256(pkey);

    return info ? info : EVP_PKEY2PKCS8(pkey);
}

struct secret *key_to_pem(const struct key *key, const struct secret *passphrase, int rounds,
                          struct err *err)
{
    PKCS8_PRIV_KEY_INFO *info = NULL;
    X509_SIG *locked = NULL;
    BIO *bio = NULL;
    struct secret *made = NULL;

    if (passphrase && secret_len(passphrase) == 0) {
        (void)err_set(err, ERR_BAD_VALUE, _("an empty passphrase protects nothing"));
        return NULL;
    }
    if (passphrase && rounds < ROUNDS_MIN) {
        (void)err_set(err, ERR_BAD_VALUE, _("%d rounds protect nothing"), rounds);
        return NULL;
    }
    ossl_clear();
    info = info_of(key->pkey);
    bio = BIO_new(BIO_s_mem());
    if (info && bio && passphrase) {
        locked = encrypt(info, passphrase, rounds);
        if (locked && PEM_write_bio_PKCS8(bio, locked) == 1)
            made = secret_from_bio(bio);
    } else if (info && bio && PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1) {
        made = secret_from_bio(bio);
    }
    if (!made)
        (void)ossl_err(err, ERR_CRYPTO, _("could not write the private key"));
    X509_SIG_free(locked);
    PKCS8_PRIV_KEY_INFO_free(info);
    BIO_free(bio);
    return made;
}

struct secret *key_to_pkcs8_der(const struct key *key, struct err *err)
{
    PKCS8_PRIV_KEY_INFO *info = NULL;
    BIO *bio = NULL;
    struct secret *made = NULL;

    ossl_clear();
    info = info_of(key->pkey);
    bio = BIO_new(BIO_s_mem());
    if (info && bio && i2d_PKCS8_PRIV_KEY_INFO_bio(bio, info) == 1)
        made = secret_from_bio(bio);
    if (!made)
        (void)ossl_err(err, ERR_CRYPTO, _("could not write the private key"));
    PKCS8_PRIV_KEY_INFO_free(info);
    BIO_free(bio);
    return made;
}

bool key_public_der(const struct key *key, struct strbuf *out, struct err *err)
{
    unsigned char *der = NULL;
    int len;

    ossl_clear();
    len = i2d_PUBKEY(key->pkey, &der);
    if (len <= 0)
        return ossl_err(err, ERR_CRYPTO, _("could not write the public key"));
    strbuf_add(out, der, (size_t)len);
    OPENSSL_free(der);
    return true;
}

/* -- reading ----------------------------------------------------------------------------------- */

struct ask {
    const struct secret *passphrase;
    bool asked;
};

/* Never prompts: without a callback OpenSSL would, on the terminal. */
static int give_passphrase(char *buf, int size, int writing, void *arg)
{
    struct ask *ask = arg;

    (void)writing;
    ask->asked = true;
    if (!ask->passphrase || size < 0 || secret_len(ask->passphrase) > (size_t)size)
        return -1;
    memcpy(buf, secret_data(ask->passphrase), secret_len(ask->passphrase));
    return (int)secret_len(ask->passphrase);
}

static EVP_PKEY *pkey_from_info(PKCS8_PRIV_KEY_INFO *info)
{
    EVP_PKEY *pkey = info ? EVP_PKCS82PKEY(info) : NULL;

    PKCS8_PRIV_KEY_INFO_free(info);
    return pkey;
}

static EVP_PKEY *unlock(const unsigned char *der, long len, struct ask *ask)
{
    const unsigned char *at = der;
    X509_SIG *locked = d2i_X509_SIG(NULL, &at, len);
    PKCS8_PRIV_KEY_INFO *info = NULL;

    if (!locked)
        return NULL;
    ask->asked = true;
    if (ask->passphrase)
        info =
            PKCS8_decrypt(locked, secret_data(ask->passphrase), (int)secret_len(ask->passphrase));
    X509_SIG_free(locked);
    return pkey_from_info(info);
}

static EVP_PKEY *pkey_from_block(const char *label, const unsigned char *der, long len,
                                 struct ask *ask)
{
    const unsigned char *at = der;

    if (strcmp(label, PEM_STRING_PKCS8) == 0)
        return unlock(der, len, ask);
    if (strcmp(label, PEM_STRING_PKCS8INF) == 0)
        return pkey_from_info(d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, len));
    if (strcmp(label, PEM_STRING_ECPRIVATEKEY) == 0)
        return d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, len);
    if (strcmp(label, PEM_STRING_RSA) == 0)
        return d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, len);
    return d2i_AutoPrivateKey(NULL, &at, len);
}

struct key *key_from_pem(const void *pem, size_t len, const struct secret *passphrase,
                         struct err *err)
{
    struct ask ask = {.passphrase = passphrase};
    BIO *bio = NULL;
    char *label = NULL;
    unsigned char *der = NULL;
    long der_len = 0;
    EVP_PKEY *pkey = NULL;

    if (len > KEY_PEM_MAX) {
        (void)err_set(err, ERR_TOO_LARGE, _("the private key is larger than %d bytes"),
                      KEY_PEM_MAX);
        return NULL;
    }
    ossl_clear();
    bio = BIO_new_mem_buf(pem, (int)len);
    if (bio && PEM_bytes_read_bio_secmem(&der, &der_len, &label, PEM_STRING_EVP_PKEY, bio,
                                         give_passphrase, &ask) == 1)
        pkey = pkey_from_block(label, der, der_len, &ask);
    if (pkey) {
        ossl_clear();
    } else if (ask.asked && !passphrase) {
        ossl_clear();
        (void)err_set(err, ERR_PASSPHRASE, _("the private key needs its passphrase"));
    } else if (ask.asked) {
        ossl_clear();
        (void)err_set(err, ERR_PASSPHRASE, _("this passphrase does not open the private key"));
    } else {
        (void)ossl_err(err, ERR_NOT_A_CERTIFICATE, _("the text is not a private key"));
    }
    OPENSSL_secure_clear_free(der, (size_t)der_len);
    OPENSSL_secure_free(label);
    BIO_free(bio);
    return pkey ? ossl_key_take(pkey) : NULL;
}

bool key_pem_is_encrypted(const void *pem, size_t len)
{
    static const char pkcs8[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    static const char traditional[] = "Proc-Type: 4,ENCRYPTED";

    return memmem(pem, len, pkcs8, sizeof(pkcs8) - 1) != NULL ||
           memmem(pem, len, traditional, sizeof(traditional) - 1) != NULL;
}
