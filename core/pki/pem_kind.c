/* pem_kind.c - what a block of DER is. */
#include "config.h"

#include "core/pki/pem_kind.h"

#include <limits.h>
#include <string.h>

#include "core/pki/ossl.h"

static const struct {
    const char *label;
    enum pem_kind kind;
} labels[] = {
    {"CERTIFICATE", PEM_CERTIFICATE},
    {"X509 CERTIFICATE", PEM_CERTIFICATE},
    {"TRUSTED CERTIFICATE", PEM_CERTIFICATE},
    {"X509 CRL", PEM_CRL},
    {"CRL", PEM_CRL},
    {"CERTIFICATE REQUEST", PEM_REQUEST},
    {"NEW CERTIFICATE REQUEST", PEM_REQUEST},
    {"ENCRYPTED PRIVATE KEY", PEM_ENCRYPTED_KEY},
    {"PUBLIC KEY", PEM_PUBLIC_KEY},
    {"RSA PUBLIC KEY", PEM_PUBLIC_KEY},
    {"SSH2 PUBLIC KEY", PEM_SSH_KEY},
    {"PKCS7", PEM_PKCS7},
    {"PKCS #7 SIGNED DATA", PEM_PKCS7},
    {"CMS", PEM_PKCS7},
    {"PKCS12", PEM_PKCS12},
};

enum pem_kind pem_kind_of_label(const char *label, bool *ret_trusted)
{
    *ret_trusted = strcmp(label, "TRUSTED CERTIFICATE") == 0;
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        if (strcmp(label, labels[i].label) == 0)
            return labels[i].kind;
    }
    return strstr(label, "PRIVATE") ? PEM_PRIVATE_KEY : PEM_OTHER; /* RSA, EC, OPENSSH, PGP … */
}

/* The bytes of a SEQUENCE's header; *ret_size is what the header says follows. */
static size_t header(const uint8_t *der, size_t len, size_t *ret_size)
{
    size_t n;
    size_t size = 0;

    if (len < 2 || der[0] != 0x30)
        return 0;
    if (der[1] < 0x80) {
        *ret_size = der[1];
        return 2;
    }
    n = der[1] & 0x7f;
    if (n == 0 || n > 4 || len < 2 + n)
        return 0;
    for (size_t i = 0; i < n; i++)
        size = size << 8 | der[2 + i];
    *ret_size = size;
    return 2 + n;
}

size_t pem_sequence_size(const uint8_t *der, size_t len)
{
    size_t size = 0;
    size_t head = header(der, len, &size);

    return head > 0 ? head + size : 0;
}

static bool begins(const uint8_t *der, size_t len, const char *bytes, size_t n)
{
    return len >= n && memcmp(der, bytes, n) == 0;
}

#define BEGINS(der, len, literal) begins(der, len, literal, sizeof(literal) - 1)

bool pem_kind_of_prefix(const uint8_t *der, size_t len, enum pem_kind *ret)
{
    size_t size = 0;
    size_t head = header(der, len, &size);
    const uint8_t *in = der + head;
    size_t rest = len - head;

    if (head == 0)
        return false;
    if (BEGINS(in, rest, "\x02\x01\x00\x30") || BEGINS(in, rest, "\x02\x01\x01\x30") ||
        BEGINS(in, rest, "\x02\x01\x00\x02") || BEGINS(in, rest, "\x02\x01\x01\x04")) {
        *ret = PEM_PRIVATE_KEY; /* PKCS#8, PKCS#8 v2, RSA (or DSA), EC */
        return true;
    }
    if (BEGINS(in, rest, "\x02\x01\x03\x30")) {
        *ret = PEM_PKCS12;
        return true;
    }
    if (BEGINS(in, rest, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07")) {
        *ret = PEM_PKCS7;
        return true;
    }
    head = header(in, rest, &size); /* AlgorithmIdentifier of an encrypted PKCS#8 */
    if (head > 0 && (BEGINS(in + head, rest - head, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05") ||
                     BEGINS(in + head, rest - head, "\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c"))) {
        *ret = PEM_ENCRYPTED_KEY;
        return true;
    }
    return false;
}

static bool is_certificate(const uint8_t *der, size_t len)
{
    const unsigned char *at = der;
    X509 *x = d2i_X509(NULL, &at, (long)len);
    bool is = x && at == der + len;

    X509_free(x);
    return is;
}

static bool is_crl(const uint8_t *der, size_t len)
{
    const unsigned char *at = der;
    X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)len);
    bool is = x && at == der + len;

    X509_CRL_free(x);
    return is;
}

static bool is_request(const uint8_t *der, size_t len)
{
    const unsigned char *at = der;
    X509_REQ *x = d2i_X509_REQ(NULL, &at, (long)len);
    bool is = x && at == der + len;

    X509_REQ_free(x);
    return is;
}

static bool is_public_key(const uint8_t *der, size_t len)
{
    const unsigned char *at = der;
    X509_PUBKEY *x = d2i_X509_PUBKEY(NULL, &at, (long)len);
    bool is = x && at == der + len;

    X509_PUBKEY_free(x);
    return is;
}

bool pem_kind_fits(enum pem_kind kind, const uint8_t *der, size_t len)
{
    bool fits = len > 0 && len <= INT_MAX && pem_sequence_size(der, len) == len;

    if (!fits)
        return false;
    switch (kind) {
    case PEM_CERTIFICATE:
        fits = is_certificate(der, len);
        break;
    case PEM_CRL:
        fits = is_crl(der, len);
        break;
    case PEM_REQUEST:
        fits = is_request(der, len);
        break;
    case PEM_PUBLIC_KEY: /* "RSA PUBLIC KEY" is another structure: any DER will do */
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
    case PEM_SSH_KEY:
    case PEM_PKCS7:
    case PEM_PKCS12:
    case PEM_OTHER:
        break;
    }
    ossl_clear();
    return fits;
}

enum pem_kind pem_kind_of_der(const uint8_t *der, size_t len)
{
    static const enum pem_kind readable[] = {PEM_CERTIFICATE, PEM_CRL, PEM_REQUEST};
    enum pem_kind kind;

    if (pem_kind_of_prefix(der, len, &kind))
        return kind;
    for (size_t i = 0; i < ARRAY_LEN(readable); i++) {
        if (pem_kind_fits(readable[i], der, len))
            return readable[i];
    }
    if (len <= INT_MAX && is_public_key(der, len)) {
        ossl_clear();
        return PEM_PUBLIC_KEY;
    }
    ossl_clear();
    return PEM_OTHER;
}

bool pem_plain_certificate(struct strbuf *out, const uint8_t *der, size_t len)
{
    const unsigned char *at = der;
    unsigned char *plain = NULL;
    X509 *x = NULL;
    int n = 0;

    if (len <= INT_MAX)
        x = d2i_X509_AUX(NULL, &at, (long)len);
    if (x && at == der + len)
        n = i2d_X509(x, &plain);
    if (n > 0)
        strbuf_add(out, plain, (size_t)n);
    OPENSSL_free(plain);
    X509_free(x);
    ossl_clear();
    return n > 0;
}
