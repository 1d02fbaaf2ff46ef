/* cert_sign.c - certificates, made. */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/pki/cert.h"
#include "core/pki/ossl.h"

#define SECURITY_BITS 112 /* what OpenSSL's level 2 asks of every key */

static bool check_dates(const struct cert_request *request, const struct cert *issuer,
                        struct err *err)
{
    char wanted[CLOCK_TEXT_MAX];
    char end[CLOCK_TEXT_MAX];

    if (request->not_after <= request->not_before)
        return err_set(err, ERR_POLICY, _("the certificate would end on %s, before it begins"),
                       clock_format_minute(wanted, request->not_after));
    if (issuer && request->not_after > cert_not_after(issuer))
        return err_set(err, ERR_POLICY,
                       _("the certificate would end on %s, after its CA, which ends on %s"),
                       clock_format_date(wanted, request->not_after),
                       clock_format_date(end, cert_not_after(issuer)));
    return true;
}

/* Measured with PostgreSQL 15 and 18: weak keys get alert 42, and clients with TLS 1.3 do not even
 * send certificates with DSA keys or unusual curves. */
static bool check_public_key(const EVP_PKEY *pkey, struct err *err)
{
    char group[64] = "";
    size_t len = 0;
    int bits = EVP_PKEY_get_security_bits(pkey);

    if (bits < SECURITY_BITS)
        return err_set(err, ERR_POLICY,
                       _("the key is too weak: PostgreSQL wants %d bits of security, it has %d"),
                       SECURITY_BITS, bits);
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        return true;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
            (strcmp(group, SN_X9_62_prime256v1) == 0 || strcmp(group, SN_secp384r1) == 0 ||
             strcmp(group, SN_secp521r1) == 0))
            return true;
        return err_set(err, ERR_POLICY,
                       _("the key is on the curve \"%s\", which TLS 1.3 has no certificates for"),
                       group);
    default:
        return err_set(err, ERR_POLICY, _("TLS 1.3 has no certificates for this kind of key"));
    }
}

static bool check_issuer(const struct cert *issuer, const struct key *issuer_key, struct err *err)
{
    struct strbuf subject = STRBUF_INIT;
    bool good = false;

    cert_format_subject(issuer, &subject);
    if (!cert_is_ca(issuer))
        (void)err_set(err, ERR_POLICY, _("\"%.120s\" is not a CA"), subject.data);
    else if (!cert_matches_key(issuer, issuer_key))
        (void)err_set(err, ERR_POLICY, _("the key is not that of \"%.120s\""), subject.data);
    else
        good = true;
    strbuf_clear(&subject);
    return good;
}

static bool add_basic(X509 *x509, bool is_ca)
{
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    bool added;

    if (!basic)
        return false;
    basic->ca = is_ca ? 0xff : 0; /* no path length: an intermediate CA may be wanted later */
    added = X509_add1_ext_i2d(x509, NID_basic_constraints, basic, 1, X509V3_ADD_DEFAULT) == 1;
    BASIC_CONSTRAINTS_free(basic);
    return added;
}

static bool add_key_usage(X509 *x509, enum profile profile, const EVP_PKEY *pkey)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool added = bits != NULL;

    if (profile_info(profile)->is_ca) {
        added = added && ASN1_BIT_STRING_set_bit(bits, 5, 1) == 1 && /* keyCertSign */
                ASN1_BIT_STRING_set_bit(bits, 6, 1) == 1;            /* cRLSign */
    } else {
        added = added && ASN1_BIT_STRING_set_bit(bits, 0, 1) == 1; /* digitalSignature */
        if (profile == PROFILE_SERVER && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA)
            added = added && ASN1_BIT_STRING_set_bit(bits, 2, 1) == 1; /* keyEncipherment */
    }
    added = added && X509_add1_ext_i2d(x509, NID_key_usage, bits, 1, X509V3_ADD_DEFAULT) == 1;
    ASN1_BIT_STRING_free(bits);
    return added;
}

static bool add_extended_usage(X509 *x509, enum profile profile)
{
    const char *name = profile_info(profile)->extended_usage;
    EXTENDED_KEY_USAGE *usage;
    ASN1_OBJECT *object;
    bool added;

    if (!name)
        return true;
    usage = EXTENDED_KEY_USAGE_new();
    object = OBJ_txt2obj(name, 0);
    if (!usage || !object || sk_ASN1_OBJECT_push(usage, object) <= 0) {
        ASN1_OBJECT_free(object);
        EXTENDED_KEY_USAGE_free(usage);
        return false;
    }
    added = X509_add1_ext_i2d(x509, NID_ext_key_usage, usage, 0, X509V3_ADD_DEFAULT) == 1;
    EXTENDED_KEY_USAGE_free(usage);
    return added;
}

/* A renewed CA keeps its id, whoever chose it: the leaves name it. */
static ASN1_OCTET_STRING *own_key_id(const X509 *x509, const struct cert *key_id_of)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    ASN1_OCTET_STRING *own = NULL;

    if (key_id_of)
        own = X509_get_ext_d2i(ossl_cert(key_id_of), NID_subject_key_identifier, NULL, NULL);
    if (own)
        return own;
    own = ASN1_OCTET_STRING_new();
    if (own && X509_pubkey_digest(x509, EVP_sha1(), digest, &len) == 1 &&
        ASN1_OCTET_STRING_set(own, digest, (int)len) == 1)
        return own;
    ASN1_OCTET_STRING_free(own);
    return NULL;
}

static bool add_key_ids(X509 *x509, const X509 *issuer, const struct cert *key_id_of)
{
    ASN1_OCTET_STRING *own = own_key_id(x509, key_id_of);
    AUTHORITY_KEYID *authority = NULL;
    bool added;

    added =
        own && X509_add1_ext_i2d(x509, NID_subject_key_identifier, own, 0, X509V3_ADD_DEFAULT) == 1;
    ASN1_OCTET_STRING_free(own);
    if (!issuer || !added)
        return added;
    authority = ossl_keyid_of(issuer);
    added = authority && X509_add1_ext_i2d(x509, NID_authority_key_identifier, authority, 0,
                                           X509V3_ADD_DEFAULT) == 1;
    AUTHORITY_KEYID_free(authority);
    return added;
}

static bool add_extensions(X509 *x509, const struct cert_request *request, const EVP_PKEY *pkey,
                           const X509 *issuer, struct err *err)
{
    bool critical = X509_NAME_entry_count(ossl_name(request->subject)) == 0;
    GENERAL_NAMES *names = NULL;
    bool added;

    added = add_basic(x509, profile_info(request->profile)->is_ca) &&
            add_key_usage(x509, request->profile, pkey) &&
            add_extended_usage(x509, request->profile) &&
            add_key_ids(x509, issuer, request->key_id_of);
    if (added && request->san && request->san->n > 0) {
        names = ossl_san_new(request->san, err);
        if (!names)
            return false;
        added =
            X509_add1_ext_i2d(x509, NID_subject_alt_name, names, critical, X509V3_ADD_DEFAULT) == 1;
        GENERAL_NAMES_free(names);
    }
    if (!added)
        return ossl_err(err, ERR_CRYPTO, _("could not make the certificate's extensions"));
    return true;
}

/* X509_set_pubkey() looks for an encoder and a decoder among all providers, each time (0.2 ms, OpenSSL
 * 3.0); the curves' points have a fixed form. False where this is not such a key. */
static bool set_point(X509 *x509, const EVP_PKEY *pkey)
{
    enum key_type type = ossl_key_type(pkey);
    int curve = type == KEY_EC_P256   ? NID_X9_62_prime256v1
                : type == KEY_EC_P384 ? NID_secp384r1
                                      : NID_undef;
    unsigned char point[2 * 48 + 1];
    unsigned char *copy;
    size_t len = 0;

    if (curve == NID_undef ||
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
                                        &len) != 1 ||
        point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return false;
    copy = OPENSSL_memdup(point, len);
    if (copy &&
        X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x509), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
                               V_ASN1_OBJECT, OBJ_nid2obj(curve), copy, (int)len) == 1)
        return true;
    OPENSSL_free(copy);
    return false;
}

static bool set_public_key(X509 *x509, const struct cert_request *request, EVP_PKEY *pkey)
{
    return (request->for_writing && set_point(x509, pkey)) || X509_set_pubkey(x509, pkey) == 1;
}

static bool set_fields(X509 *x509, const struct cert_request *request, EVP_PKEY *pkey,
                       const X509 *issuer, struct err *err)
{
    ASN1_INTEGER *serial = ossl_serial_new(&request->serial);
    ASN1_TIME *begin = ossl_time_new(request->not_before);
    ASN1_TIME *end = ossl_time_new(request->not_after);
    const X509_NAME *subject = ossl_name(request->subject);
    bool set;

    set = serial && begin && end && X509_set_version(x509, X509_VERSION_3) == 1 &&
          X509_set_serialNumber(x509, serial) == 1 && X509_set1_notBefore(x509, begin) == 1 &&
          X509_set1_notAfter(x509, end) == 1 && X509_set_subject_name(x509, subject) == 1 &&
          X509_set_issuer_name(x509, issuer ? X509_get_subject_name(issuer) : subject) == 1 &&
          set_public_key(x509, request, pkey);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(begin);
    ASN1_TIME_free(end);
    if (!set)
        return ossl_err(err, ERR_CRYPTO, _("could not make the certificate"));
    return true;
}

/* The subject's public key, borrowed from the request. */
static EVP_PKEY *request_pkey(const struct cert_request *request)
{
    if (request->key)
        return ossl_key(request->key);
    return request->csr ? X509_REQ_get0_pubkey(ossl_csr(request->csr)) : NULL;
}

struct cert *cert_sign(const struct cert_request *request, const struct cert *issuer,
                       const struct key *issuer_key, struct err *err)
{
    EVP_PKEY *pkey = request_pkey(request);
    X509 *issuer_x509 = issuer ? ossl_cert(issuer) : NULL;
    X509 *x509 = NULL;

    ossl_clear();
    if (!pkey) {
        (void)err_set(err, ERR_INTERNAL, _("a certificate without a key was asked for"));
        return NULL;
    }
    if (!check_dates(request, issuer, err) || !check_public_key(pkey, err))
        return NULL;
    if (issuer && !check_issuer(issuer, issuer_key, err))
        return NULL;
    if (!issuer && EVP_PKEY_eq(pkey, ossl_key(issuer_key)) != 1) {
        (void)ossl_err(err, ERR_INTERNAL, _("a self-signed certificate with another key"));
        return NULL;
    }
    x509 = X509_new();
    if (!x509) {
        (void)ossl_err(err, ERR_CRYPTO, _("could not make the certificate"));
        return NULL;
    }
    if (!set_fields(x509, request, pkey, issuer_x509, err) ||
        !add_extensions(x509, request, pkey, issuer_x509, err))
        goto fail;
    if (X509_sign(x509, ossl_key(issuer_key), ossl_digest(ossl_key(issuer_key))) <= 0) {
        (void)ossl_err(err, ERR_CRYPTO, _("could not sign the certificate"));
        goto fail;
    }
    return ossl_cert_take(x509);
fail:
    X509_free(x509);
    return NULL;
}
