/* crl.c - certificate revocation lists. */
#include "config.h"

#include "core/pki/crl.h"

#include <limits.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/ossl.h"
#include "core/pki/pem.h"

struct crl {
    X509_CRL *crl;
};

static const struct {
    enum crl_reason reason;
    const char *name;
} reasons[] = {
    {CRL_UNSPECIFIED, "unspecified"},
    {CRL_KEY_COMPROMISE, "keyCompromise"},
    {CRL_CA_COMPROMISE, "cACompromise"},
    {CRL_AFFILIATION_CHANGED, "affiliationChanged"},
    {CRL_SUPERSEDED, "superseded"},
    {CRL_CESSATION_OF_OPERATION, "cessationOfOperation"},
    {CRL_CERTIFICATE_HOLD, "certificateHold"},
    {CRL_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn"},
};

const char *crl_reason_name(enum crl_reason reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].reason == reason)
            return reasons[i].name;
    }
    return reasons[0].name;
}

bool crl_reason_parse(const char *text, enum crl_reason *ret, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (text_equal(text, reasons[i].name)) {
            *ret = reasons[i].reason;
            return true;
        }
    }
    return err_set(err, ERR_BAD_VALUE,
                   _("\"%.40s\" is not a reason: unspecified, keyCompromise, cACompromise, "
                     "affiliationChanged, superseded, cessationOfOperation, certificateHold, "
                     "privilegeWithdrawn"),
                   text);
}

X509_CRL *ossl_crl(const struct crl *crl)
{
    return crl->crl;
}

struct crl *ossl_crl_take(X509_CRL *x)
{
    struct crl *crl = mem_zalloc(sizeof(*crl));

    crl->crl = x;
    return crl;
}

void crl_free(struct crl *crl)
{
    if (!crl)
        return;
    X509_CRL_free(crl->crl);
    free(crl);
}

struct crl *crl_dup(const struct crl *crl)
{
    (void)X509_CRL_up_ref(crl->crl);
    return ossl_crl_take(crl->crl);
}

/* -- building ---------------------------------------------------------------------------------- */

static int compare_entries(const void *a, const void *b)
{
    const struct crl_entry *const *x = a;
    const struct crl_entry *const *y = b;
    int order = serial_compare(&(*x)->serial, &(*y)->serial);

    return order != 0
               ? order
               : ((*x)->revoked_at > (*y)->revoked_at) - ((*x)->revoked_at < (*y)->revoked_at);
}

/* In the order of the serial numbers, each once and since when it was first revoked: a list must not name
 * one twice. Caller frees. */
static const struct crl_entry **sort_entries(const struct crl_entry *entries, size_t *n)
{
    const struct crl_entry **sorted = mem_array(*n + 1, sizeof(*sorted));
    size_t kept = 0;

    for (size_t i = 0; i < *n; i++)
        sorted[i] = &entries[i];
    qsort(sorted, *n, sizeof(*sorted), compare_entries);
    for (size_t i = 0; i < *n; i++) {
        if (kept == 0 || !serial_equal(&sorted[kept - 1]->serial, &sorted[i]->serial))
            sorted[kept++] = sorted[i];
    }
    *n = kept;
    return sorted;
}

static bool add_extensions(X509_CRL *x, const X509 *issuer, uint64_t number)
{
    AUTHORITY_KEYID *authority = ossl_keyid_of(issuer);
    ASN1_INTEGER *value = ASN1_INTEGER_new();
    bool added;

    added = authority && value && ASN1_INTEGER_set_uint64(value, number) == 1 &&
            X509_CRL_add1_ext_i2d(x, NID_authority_key_identifier, authority, 0,
                                  X509V3_ADD_DEFAULT) == 1 &&
            X509_CRL_add1_ext_i2d(x, NID_crl_number, value, 0, X509V3_ADD_DEFAULT) == 1;
    AUTHORITY_KEYID_free(authority);
    ASN1_INTEGER_free(value);
    return added;
}

static bool set_fields(X509_CRL *x, const X509 *issuer, int64_t this_update, int64_t next_update)
{
    ASN1_TIME *begin = ossl_time_new(this_update);
    ASN1_TIME *end = ossl_time_new(next_update);
    bool set;

    set = begin && end && X509_CRL_set_version(x, X509_CRL_VERSION_2) == 1 &&
          X509_CRL_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 &&
          X509_CRL_set1_lastUpdate(x, begin) == 1 && X509_CRL_set1_nextUpdate(x, end) == 1;
    ASN1_TIME_free(begin);
    ASN1_TIME_free(end);
    return set;
}

static bool check_issuer(const struct cert *issuer, const struct key *key, struct err *err)
{
    struct strbuf subject = STRBUF_INIT;
    bool good = false;

    cert_format_subject(issuer, &subject);
    if (!cert_is_ca(issuer))
        (void)err_set(err, ERR_POLICY, _("\"%.120s\" is not a CA"), subject.data);
    else if (!cert_may_sign_crls(issuer))
        (void)err_set(err, ERR_POLICY, _("\"%.120s\" may not sign CRLs: keyUsage lacks cRLSign"),
                      subject.data);
    else if (!cert_matches_key(issuer, key))
        (void)err_set(err, ERR_POLICY, _("the key is not that of \"%.120s\""), subject.data);
    else
        good = true;
    strbuf_clear(&subject);
    return good;
}

/* The list as a reader sees it: what OpenSSL keeps beside the fields is only filled by d2i. */
static struct crl *reread(X509_CRL *x, struct err *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(x, &der);
    struct crl *made = NULL;

    if (len > 0)
        made = crl_from_der(der, (size_t)len, err);
    else
        (void)ossl_err(err, ERR_CRYPTO, _("could not write the CRL"));
    OPENSSL_free(der);
    return made;
}

static struct crl *with_entries(X509_CRL *empty, EVP_PKEY *pkey, const struct crl_entry *entries,
                                size_t n, struct err *err)
{
    const struct crl_entry **sorted = sort_entries(entries, &n);
    struct strbuf der = STRBUF_INIT;
    struct crl *made = NULL;

    if (crl_encode(empty, pkey, sorted, n, &der, err))
        made = crl_from_der(der.data, der.len, err);
    strbuf_clear(&der);
    free(sorted);
    return made;
}

struct crl *crl_build(const struct cert *issuer, const struct key *key,
                      const struct crl_entry *entries, size_t n_entries, uint64_t number,
                      int64_t this_update, int64_t next_update, struct err *err)
{
    X509 *issuer_x509 = ossl_cert(issuer);
    EVP_PKEY *pkey = ossl_key(key);
    struct crl *made = NULL;
    X509_CRL *x;

    if (next_update <= this_update) {
        char text[CLOCK_TEXT_MAX];

        (void)err_set(err, ERR_POLICY, _("the CRL would end on %s, before it begins"),
                      clock_format_minute(text, next_update));
        return NULL;
    }
    if (!check_issuer(issuer, key, err))
        return NULL;
    ossl_clear();
    x = X509_CRL_new();
    if (!x || !set_fields(x, issuer_x509, this_update, next_update) ||
        !add_extensions(x, issuer_x509, number))
        (void)ossl_err(err, ERR_CRYPTO, _("could not make the CRL"));
    else if (X509_CRL_sign(x, pkey, ossl_digest(pkey)) <= 0)
        (void)ossl_err(err, ERR_CRYPTO, _("could not sign the CRL"));
    else
        made = n_entries > 0 ? with_entries(x, pkey, entries, n_entries, err) : reread(x, err);
    X509_CRL_free(x);
    return made;
}

/* -- reading and writing ----------------------------------------------------------------------- */

struct crl *crl_from_der(const void *der, size_t len, struct err *err)
{
    const unsigned char *at = der;
    X509_CRL *x = NULL;

    ossl_clear();
    if (len > 0 && len <= INT_MAX)
        x = d2i_X509_CRL(NULL, &at, (long)len);
    if (x && at != (const unsigned char *)der + len) {
        X509_CRL_free(x);
        x = NULL;
    }
    if (!x) {
        (void)ossl_err(err, ERR_NOT_A_CRL, _("the bytes are not a CRL"));
        return NULL;
    }
    return ossl_crl_take(x);
}

struct crl *crl_from_pem(const void *pem, size_t len, struct err *err)
{
    BIO *bio = NULL;
    X509_CRL *x = NULL;

    ossl_clear();
    if (len <= INT_MAX)
        bio = BIO_new_mem_buf(pem, (int)len);
    if (bio)
        x = PEM_read_bio_X509_CRL(bio, NULL, ossl_no_password, NULL);
    BIO_free(bio);
    if (!x) {
        (void)ossl_err(err, ERR_NOT_A_CRL, _("the text is not a CRL"));
        return NULL;
    }
    return ossl_crl_take(x);
}

bool crl_to_der(const struct crl *crl, struct strbuf *out, struct err *err)
{
    unsigned char *der = NULL;
    int len;

    ossl_clear();
    len = i2d_X509_CRL(crl->crl, &der);
    if (len <= 0)
        return ossl_err(err, ERR_CRYPTO, _("could not write the CRL"));
    strbuf_add(out, der, (size_t)len);
    OPENSSL_free(der);
    return true;
}

bool crl_to_pem(const struct crl *crl, struct strbuf *out, struct err *err)
{
    struct strbuf der = STRBUF_INIT;
    bool written = crl_to_der(crl, &der, err);

    if (written)
        pem_write(out, PEM_STRING_X509_CRL, der.data, der.len);
    strbuf_clear(&der);
    return written;
}

int64_t crl_this_update(const struct crl *crl)
{
    return ossl_time(X509_CRL_get0_lastUpdate(crl->crl));
}

int64_t crl_next_update(const struct crl *crl)
{
    return ossl_time(X509_CRL_get0_nextUpdate(crl->crl));
}

bool crl_number(const struct crl *crl, uint64_t *ret)
{
    ASN1_INTEGER *value = X509_CRL_get_ext_d2i(crl->crl, NID_crl_number, NULL, NULL);
    bool found = value && ASN1_INTEGER_get_uint64(ret, value) == 1;

    ASN1_INTEGER_free(value);
    ossl_clear();
    return found;
}

bool crl_equal(const struct crl *a, const struct crl *b)
{
    struct strbuf der_a = STRBUF_INIT;
    struct strbuf der_b = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    bool same = crl_to_der(a, &der_a, &ignored) && crl_to_der(b, &der_b, &ignored) &&
                strbuf_equal(&der_a, &der_b);

    strbuf_clear(&der_a);
    strbuf_clear(&der_b);
    return same;
}

bool crl_is_newer(const struct crl *crl, const struct crl *than)
{
    int64_t one = crl_this_update(crl);
    int64_t other = crl_this_update(than);
    uint64_t number, than_number;

    if (one != other)
        return one > other;
    return crl_number(crl, &number) && crl_number(than, &than_number) && number > than_number;
}

void crl_format_issuer(const struct crl *crl, struct strbuf *out)
{
    struct name *name = ossl_name_copy(X509_CRL_get_issuer(crl->crl));

    name_format(name, out);
    name_free(name);
}

size_t crl_count(const struct crl *crl)
{
    int n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl->crl));

    return n > 0 ? (size_t)n : 0;
}

static enum crl_reason reason_of(const X509_REVOKED *revoked)
{
    ASN1_ENUMERATED *value = X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, NULL, NULL);
    long number = value ? ASN1_ENUMERATED_get(value) : CRL_UNSPECIFIED;
    enum crl_reason reason = CRL_UNSPECIFIED;

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if ((long)reasons[i].reason == number)
            reason = reasons[i].reason;
    }
    ASN1_ENUMERATED_free(value);
    ossl_clear();
    return reason;
}

bool crl_entry_at(const struct crl *crl, size_t i, struct crl_entry *ret)
{
    const X509_REVOKED *revoked;
    struct serial serial;

    if (i >= crl_count(crl))
        return false;
    revoked = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl->crl), (int)i);
    if (!ossl_serial_read(X509_REVOKED_get0_serialNumber(revoked), &serial))
        return false;
    ret->serial = serial;
    ret->revoked_at = ossl_time(X509_REVOKED_get0_revocationDate(revoked));
    ret->reason = reason_of(revoked);
    return true;
}

bool crl_has(const struct crl *crl, const struct serial *serial)
{
    ASN1_INTEGER *value = ossl_serial_new(serial);
    X509_REVOKED *revoked = NULL;
    bool found = value && X509_CRL_get0_by_serial(crl->crl, &revoked, value) == 1;

    ASN1_INTEGER_free(value);
    return found;
}

/* True unless the list says another key id than the issuer has. */
static bool key_ids_agree(const X509_CRL *x, X509 *issuer)
{
    AUTHORITY_KEYID *authority = X509_CRL_get_ext_d2i(x, NID_authority_key_identifier, NULL, NULL);
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(issuer);
    bool agree = true;

    if (authority && authority->keyid && own)
        agree = ASN1_OCTET_STRING_cmp(authority->keyid, own) == 0;
    AUTHORITY_KEYID_free(authority);
    return agree;
}

bool crl_signed_by(const struct crl *crl, const struct cert *issuer)
{
    X509 *x509 = ossl_cert(issuer);
    EVP_PKEY *pkey = X509_get0_pubkey(x509);
    bool is = pkey &&
              X509_NAME_cmp(X509_CRL_get_issuer(crl->crl), X509_get_subject_name(x509)) == 0 &&
              key_ids_agree(crl->crl, x509) && X509_CRL_verify(crl->crl, pkey) == 1;

    ossl_clear();
    return is;
}
