/* cert.c - certificates, read and asked. */
#include "config.h"

#include "core/pki/cert.h"

#include <limits.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/ossl.h"
#include "core/pki/pem.h"

struct cert {
    X509 *x509;
};

X509 *ossl_cert(const struct cert *cert)
{
    return cert->x509;
}

struct cert *ossl_cert_take(X509 *x509)
{
    struct cert *cert = mem_zalloc(sizeof(*cert));

    cert->x509 = x509;
    /* fills OpenSSL's cache of extensions now: from here on any thread may read */
    (void)X509_check_purpose(x509, -1, 0);
    ossl_clear();
    return cert;
}

/* A certificate whose serial number we could not hold would be confused with another one. */
static struct cert *take_checked(X509 *x509, struct err *err)
{
    struct serial serial;

    if (!ossl_serial_read(X509_get0_serialNumber(x509), &serial)) {
        (void)err_set(err, ERR_NOT_A_CERTIFICATE,
                      _("the certificate's serial number is negative or longer than %d bytes"),
                      SERIAL_MAX);
        X509_free(x509);
        return NULL;
    }
    return ossl_cert_take(x509);
}

struct cert *cert_from_der(const void *der, size_t len, struct err *err)
{
    const unsigned char *at = der;
    X509 *x509 = NULL;

    ossl_clear();
    if (len > 0 && len <= INT_MAX)
        x509 = d2i_X509(NULL, &at, (long)len);
    if (x509 && at != (const unsigned char *)der + len) {
        X509_free(x509);
        x509 = NULL;
    }
    if (!x509) {
        (void)ossl_err(err, ERR_NOT_A_CERTIFICATE, _("the bytes are not a certificate"));
        return NULL;
    }
    return take_checked(x509, err);
}

struct cert *cert_from_pem(const void *pem, size_t len, struct err *err)
{
    BIO *bio = NULL;
    X509 *x509 = NULL;

    ossl_clear();
    if (len <= INT_MAX)
        bio = BIO_new_mem_buf(pem, (int)len);
    if (bio)
        x509 = PEM_read_bio_X509(bio, NULL, ossl_no_password, NULL);
    BIO_free(bio);
    if (!x509) {
        (void)ossl_err(err, ERR_NOT_A_CERTIFICATE, _("the text is not a certificate"));
        return NULL;
    }
    return take_checked(x509, err);
}

struct cert *cert_dup(const struct cert *cert)
{
    (void)X509_up_ref(cert->x509);
    return ossl_cert_take(cert->x509);
}

void cert_free(struct cert *cert)
{
    if (!cert)
        return;
    X509_free(cert->x509);
    free(cert);
}

bool cert_to_der(const struct cert *cert, struct strbuf *out, struct err *err)
{
    unsigned char *der = NULL;
    int len;

    ossl_clear();
    len = i2d_X509(cert->x509, &der);
    if (len <= 0)
        return ossl_err(err, ERR_CRYPTO, _("could not write the certificate"));
    strbuf_add(out, der, (size_t)len);
    OPENSSL_free(der);
    return true;
}

bool cert_to_pem(const struct cert *cert, struct strbuf *out, struct err *err)
{
    struct strbuf der = STRBUF_INIT;
    bool written = cert_to_der(cert, &der, err);

    if (written)
        pem_write(out, PEM_STRING_X509, der.data, der.len);
    strbuf_clear(&der);
    return written;
}

struct serial cert_serial(const struct cert *cert)
{
    struct serial serial = {.len = 1};

    if (!ossl_serial_read(X509_get0_serialNumber(cert->x509), &serial))
        return (struct serial){.len = 1};
    return serial;
}

int64_t cert_not_before(const struct cert *cert)
{
    return ossl_time(X509_get0_notBefore(cert->x509));
}

int64_t cert_not_after(const struct cert *cert)
{
    return ossl_time(X509_get0_notAfter(cert->x509));
}

struct name *cert_subject(const struct cert *cert)
{
    return ossl_name_copy(X509_get_subject_name(cert->x509));
}

struct name *cert_issuer(const struct cert *cert)
{
    return ossl_name_copy(X509_get_issuer_name(cert->x509));
}

void cert_format_subject(const struct cert *cert, struct strbuf *out)
{
    struct name *name = cert_subject(cert);

    name_format(name, out);
    name_free(name);
}

void cert_format_issuer(const struct cert *cert, struct strbuf *out)
{
    struct name *name = cert_issuer(cert);

    name_format(name, out);
    name_free(name);
}

bool cert_common_name(const struct cert *cert, struct strbuf *out)
{
    struct name *name = cert_subject(cert);
    bool found = name_common_name(name, out);

    name_free(name);
    return found;
}

bool cert_san(const struct cert *cert, struct san *ret, struct err *err)
{
    int found = 0;
    GENERAL_NAMES *names;

    ossl_clear();
    names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, &found, NULL);
    if (!names && found != -1)
        return ossl_err(err, ERR_NOT_A_CERTIFICATE, _("the subjectAltName cannot be read"));
    if (names)
        ossl_san_read(names, ret);
    GENERAL_NAMES_free(names);
    ossl_clear();
    return true;
}

enum key_type cert_key_type(const struct cert *cert)
{
    enum key_type type = ossl_key_type(X509_get0_pubkey(cert->x509));

    ossl_clear();
    return type;
}

bool cert_is_ca(const struct cert *cert)
{
    return X509_check_ca(cert->x509) == 1;
}

bool cert_may_sign_crls(const struct cert *cert)
{
    return (X509_get_key_usage(cert->x509) & KU_CRL_SIGN) != 0; /* all bits when there is none */
}

bool cert_is_self_signed(const struct cert *cert)
{
    bool is = X509_self_signed(cert->x509, 1) == 1;

    ossl_clear();
    return is;
}

bool cert_for_clients(const struct cert *cert)
{
    return X509_check_purpose(cert->x509, X509_PURPOSE_SSL_CLIENT, 0) == 1;
}

bool cert_for_servers(const struct cert *cert)
{
    return X509_check_purpose(cert->x509, X509_PURPOSE_SSL_SERVER, 0) == 1;
}

bool cert_issued_by(const struct cert *cert, const struct cert *issuer)
{
    EVP_PKEY *pkey = X509_get0_pubkey(issuer->x509);
    bool is = pkey && X509_check_issued(issuer->x509, cert->x509) == X509_V_OK &&
              X509_verify(cert->x509, pkey) == 1;

    ossl_clear();
    return is;
}

bool cert_matches_key(const struct cert *cert, const struct key *key)
{
    EVP_PKEY *pkey = X509_get0_pubkey(cert->x509);
    bool matches = pkey && EVP_PKEY_eq(pkey, ossl_key(key)) == 1;

    ossl_clear();
    return matches;
}

void cert_sha256(const struct cert *cert, uint8_t ret[CERT_SHA256_SIZE])
{
    unsigned int len = CERT_SHA256_SIZE;

    if (X509_digest(cert->x509, EVP_sha256(), ret, &len) != 1)
        abort(); /* SHA-256 of bytes in memory: without it nothing here would be true */
}

char *cert_sha256_hex(const struct cert *cert, char out[CERT_SHA256_HEX])
{
    uint8_t digest[CERT_SHA256_SIZE];
    struct strbuf hex = STRBUF_INIT;

    cert_sha256(cert, digest);
    strbuf_add_hex(&hex, digest, sizeof(digest));
    memcpy(out, hex.data, CERT_SHA256_HEX);
    strbuf_clear(&hex);
    return out;
}

bool cert_equal(const struct cert *a, const struct cert *b)
{
    return X509_cmp(a->x509, b->x509) == 0;
}

bool cert_is_tied_to_issuer(const struct cert *cert)
{
    return X509_get0_authority_serial(ossl_cert(cert)) != NULL;
}

void cert_key_id_hex(const struct cert *cert, struct strbuf *out)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(cert->x509);

    if (id)
        strbuf_add_hex(out, ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
}
