/*
 * crl_encode.c - DER of CertificateList, RFC 5280 5.1, around what OpenSSL wrote.
 *
 * OpenSSL makes some ten objects for an entry and writes each twice: with 100,000 entries that is most
 * of the time. An entry is a few bytes whose form is fixed.
 */
#include "config.h"

#include "core/pki/crl.h"

#include <stdlib.h>
#include <time.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/ossl.h"

#define TAG_SEQUENCE   0x30
#define TAG_INTEGER    0x02
#define TAG_BIT_STRING 0x03

static void add_header(struct strbuf *out, unsigned char tag, size_t len)
{
    unsigned char bytes[2 + sizeof(len)] = {tag};
    size_t n = 1;
    size_t octets = 0;

    if (len < 0x80) {
        bytes[n++] = (unsigned char)len;
    } else {
        for (size_t left = len; left > 0; left >>= 8)
            octets++;
        bytes[n++] = (unsigned char)(0x80 | octets);
        for (size_t i = octets; i-- > 0;)
            bytes[n++] = (unsigned char)(len >> (8 * i));
    }
    strbuf_add(out, bytes, n);
}

/* Positive: a first bit that is set gets a zero in front. */
static void add_serial(struct strbuf *out, const struct serial *serial)
{
    static const unsigned char zero = 0;
    size_t skip = 0;
    bool pad;

    while (skip + 1 < serial->len && serial->bytes[skip] == 0)
        skip++;
    pad = serial->len == 0 || serial->bytes[skip] >= 0x80;
    add_header(out, TAG_INTEGER, serial->len - skip + pad);
    if (pad)
        strbuf_add(out, &zero, 1);
    strbuf_add(out, serial->bytes + skip, serial->len - skip);
}

/* RFC 5280 5.1.2.4: UTCTime through 2049, GeneralizedTime after it. strftime() was a third of an entry's
 * time. */
static bool add_time(struct strbuf *out, int64_t when)
{
    time_t t = (time_t)when;
    struct tm tm;
    char digits[15];
    size_t begin;

    if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 50 || tm.tm_year >= 8100)
        return false;
    const int pairs[] = {tm.tm_year / 100 + 19,
                         tm.tm_year % 100,
                         tm.tm_mon + 1,
                         tm.tm_mday,
                         tm.tm_hour,
                         tm.tm_min,
                         tm.tm_sec};
    for (size_t i = 0; i < 7; i++) {
        digits[2 * i] = (char)('0' + pairs[i] / 10);
        digits[2 * i + 1] = (char)('0' + pairs[i] % 10);
    }
    digits[14] = 'Z';
    begin = tm.tm_year < 150 ? 2 : 0; /* UTCTime: without the century */
    add_header(out, begin > 0 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME, sizeof(digits) - begin);
    strbuf_add(out, digits + begin, sizeof(digits) - begin);
    return true;
}

/* 5.3.1: not there where no reason is given. */
static void add_reason(struct strbuf *out, enum crl_reason reason)
{
    unsigned char extension[] = {0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55,
                                 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, (unsigned char)reason};

    if (reason != CRL_UNSPECIFIED)
        strbuf_add(out, extension, sizeof(extension));
}

static bool add_entries(struct strbuf *out, const struct crl_entry *const *entries, size_t n)
{
    struct strbuf entry = STRBUF_INIT;
    bool good = true;

    for (size_t i = 0; i < n && good; i++) {
        strbuf_reset(&entry);
        add_serial(&entry, &entries[i]->serial);
        good = add_time(&entry, entries[i]->revoked_at);
        add_reason(&entry, entries[i]->reason);
        add_header(out, TAG_SEQUENCE, entry.len);
        strbuf_add(out, entry.data, entry.len);
    }
    strbuf_clear(&entry);
    return good;
}

/* Where the entries go: behind version, algorithm, issuer and the two times. */
static bool find_place(const unsigned char *tbs, long len, const unsigned char **ret_begin,
                       const unsigned char **ret_place)
{
    const unsigned char *at = tbs;
    long part;
    int tag, class;

    if (ASN1_get_object(&at, &part, &tag, &class, len) & 0x80)
        return false;
    *ret_begin = at;
    for (int i = 0; i < 5; i++) {
        if (ASN1_get_object(&at, &part, &tag, &class, len - (at - tbs)) & 0x80)
            return false;
        at += part;
    }
    *ret_place = at;
    return at <= tbs + len;
}

static bool splice(X509_CRL *empty, const struct strbuf *entries, struct strbuf *ret)
{
    unsigned char *tbs = NULL;
    int len = i2d_re_X509_CRL_tbs(empty, &tbs);
    const unsigned char *begin = NULL, *place = NULL;
    struct strbuf content = STRBUF_INIT;
    bool good = len > 0 && find_place(tbs, len, &begin, &place);

    if (good) {
        strbuf_add(&content, begin, (size_t)(place - begin));
        add_header(&content, TAG_SEQUENCE, entries->len);
        strbuf_add(&content, entries->data, entries->len);
        strbuf_add(&content, place, (size_t)(tbs + len - place));
        add_header(ret, TAG_SEQUENCE, content.len);
        strbuf_add(ret, content.data, content.len);
    }
    strbuf_clear(&content);
    OPENSSL_free(tbs);
    return good;
}

static bool add_signature(struct strbuf *out, EVP_PKEY *pkey, const struct strbuf *tbs)
{
    static const unsigned char unused = 0; /* bits */
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const unsigned char *data = (const unsigned char *)tbs->data;
    unsigned char *bytes = NULL;
    size_t len = 0;
    bool good;

    good = ctx && EVP_DigestSignInit(ctx, NULL, ossl_digest(pkey), NULL, pkey) == 1 &&
           EVP_DigestSign(ctx, NULL, &len, data, tbs->len) == 1 &&
           (bytes = mem_zalloc(len)) != NULL &&
           EVP_DigestSign(ctx, bytes, &len, data, tbs->len) == 1;
    if (good) {
        add_header(out, TAG_BIT_STRING, len + 1);
        strbuf_add(out, &unused, 1);
        strbuf_add(out, bytes, len);
    }
    free(bytes);
    EVP_MD_CTX_free(ctx);
    return good;
}

static bool add_algorithm(struct strbuf *out, const X509_CRL *empty)
{
    const X509_ALGOR *algorithm = NULL;
    unsigned char *der = NULL;
    int len;

    X509_CRL_get0_signature(empty, NULL, &algorithm);
    len = i2d_X509_ALGOR(algorithm, &der);
    if (len > 0)
        strbuf_add(out, der, (size_t)len);
    OPENSSL_free(der);
    return len > 0;
}

bool crl_encode(X509_CRL *empty, EVP_PKEY *pkey, const struct crl_entry *const *entries, size_t n,
                struct strbuf *out, struct err *err)
{
    struct strbuf list = STRBUF_INIT;
    struct strbuf content = STRBUF_INIT;
    bool good = add_entries(&list, entries, n) && splice(empty, &list, &content);
    struct strbuf tail = STRBUF_INIT;

    good = good && add_algorithm(&tail, empty) && add_signature(&tail, pkey, &content);
    if (good) {
        add_header(out, TAG_SEQUENCE, content.len + tail.len);
        strbuf_add(out, content.data, content.len);
        strbuf_add(out, tail.data, tail.len);
    } else {
        (void)ossl_err(err, ERR_CRYPTO, _("could not sign the CRL"));
    }
    strbuf_clear(&list);
    strbuf_clear(&content);
    strbuf_clear(&tail);
    return good;
}
