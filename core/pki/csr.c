/* csr.c - certificate requests. */
#include "config.h"

#include "core/pki/csr.h"

#include <openssl/pem.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/ossl.h"
#include "core/pki/pem.h"

#define CSR_PEM_MAX (1 << 20)

struct csr {
    X509_REQ *req;
};

static struct csr *csr_take(X509_REQ *req)
{
    struct csr *csr = mem_zalloc(sizeof(*csr));

    csr->req = req;
    return csr;
}

X509_REQ *ossl_csr(const struct csr *csr)
{
    return csr->req;
}

void csr_free(struct csr *csr)
{
    if (!csr)
        return;
    X509_REQ_free(csr->req);
    free(csr);
}

struct csr *csr_from_pem(const void *pem, size_t len, struct err *err)
{
    BIO *bio = NULL;
    X509_REQ *req = NULL;
    EVP_PKEY *pkey;

    if (len > CSR_PEM_MAX) {
        (void)err_set(err, ERR_TOO_LARGE, _("the request is larger than %d bytes"), CSR_PEM_MAX);
        return NULL;
    }
    ossl_clear();
    bio = BIO_new_mem_buf(pem, (int)len);
    if (bio)
        req = PEM_read_bio_X509_REQ(bio, NULL, ossl_no_password, NULL);
    BIO_free(bio);
    if (!req) {
        (void)ossl_err(err, ERR_NOT_A_REQUEST, _("the text is not a certificate request"));
        return NULL;
    }
    pkey = X509_REQ_get0_pubkey(req);
    if (!pkey || X509_REQ_verify(req, pkey) != 1) {
        (void)ossl_err(err, ERR_NOT_A_REQUEST, _("the request is not signed by its own key"));
        X509_REQ_free(req);
        return NULL;
    }
    return csr_take(req);
}

static bool add_san(X509_REQ *req, const struct san *san, struct err *err)
{
    GENERAL_NAMES *names = ossl_san_new(san, err);
    STACK_OF(X509_EXTENSION) *exts = NULL;
    bool added;

    if (!names)
        return false;
    added = X509V3_add1_i2d(&exts, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
            X509_REQ_add_extensions(req, exts) == 1;
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
    if (!added)
        return ossl_err(err, ERR_CRYPTO, _("could not make the certificate request"));
    return true;
}

static bool add_ca(X509_REQ *req, struct err *err)
{
    STACK_OF(X509_EXTENSION) *exts = NULL;
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    bool added = basic && usage;

    if (added)
        basic->ca = 0xff;
    added = added && ASN1_BIT_STRING_set_bit(usage, 5, 1) == 1 && /* keyCertSign */
            ASN1_BIT_STRING_set_bit(usage, 6, 1) == 1 &&          /* cRLSign */
            X509V3_add1_i2d(&exts, NID_basic_constraints, basic, 1, X509V3_ADD_DEFAULT) == 1 &&
            X509V3_add1_i2d(&exts, NID_key_usage, usage, 1, X509V3_ADD_DEFAULT) == 1 &&
            X509_REQ_add_extensions(req, exts) == 1;
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    ASN1_BIT_STRING_free(usage);
    BASIC_CONSTRAINTS_free(basic);
    if (!added)
        return ossl_err(err, ERR_CRYPTO, _("could not make the certificate request"));
    return true;
}

static struct csr *make(const struct name *subject, const struct san *san, bool ca,
                        const struct key *key, struct err *err)
{
    X509_REQ *req;

    ossl_clear();
    req = X509_REQ_new();
    if (!req || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_subject_name(req, ossl_name(subject)) != 1 ||
        X509_REQ_set_pubkey(req, ossl_key(key)) != 1) {
        (void)ossl_err(err, ERR_CRYPTO, _("could not make the certificate request"));
        goto fail;
    }
    if ((san && san->n > 0 && !add_san(req, san, err)) || (ca && !add_ca(req, err)))
        goto fail;
    if (X509_REQ_sign(req, ossl_key(key), ossl_digest(ossl_key(key))) <= 0) {
        (void)ossl_err(err, ERR_CRYPTO, _("could not sign the certificate request"));
        goto fail;
    }
    return csr_take(req);
fail:
    X509_REQ_free(req);
    return NULL;
}

struct csr *csr_new(const struct name *subject, const struct san *san, const struct key *key,
                    struct err *err)
{
    return make(subject, san, false, key, err);
}

struct csr *csr_new_ca(const struct name *subject, const struct key *key, struct err *err)
{
    return make(subject, NULL, true, key, err);
}

bool csr_to_der(const struct csr *csr, struct strbuf *out, struct err *err)
{
    unsigned char *der = NULL;
    int len;

    ossl_clear();
    len = i2d_X509_REQ(csr->req, &der);
    if (len <= 0)
        return ossl_err(err, ERR_CRYPTO, _("could not write the certificate request"));
    strbuf_add(out, der, (size_t)len);
    OPENSSL_free(der);
    return true;
}

bool csr_to_pem(const struct csr *csr, struct strbuf *out, struct err *err)
{
    struct strbuf der = STRBUF_INIT;
    bool done = csr_to_der(csr, &der, err);

    if (done)
        pem_write(out, "CERTIFICATE REQUEST", der.data, der.len);
    strbuf_clear(&der);
    return done;
}

struct name *csr_subject(const struct csr *csr)
{
    return ossl_name_copy(X509_REQ_get_subject_name(csr->req));
}

enum key_type csr_key_type(const struct csr *csr)
{
    return ossl_key_type(X509_REQ_get0_pubkey(csr->req));
}

/* The value of an extension that the request asks for; the caller frees it by its type. */
static void *wanted(const struct csr *csr, int nid, int *ret_critical)
{
    /* takes no const before OpenSSL 3.2, and only reads */
    STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(csr->req);
    void *value = X509V3_get_d2i(exts, nid, ret_critical, NULL);

    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    return value;
}

bool csr_san(const struct csr *csr, struct san *ret, struct err *err)
{
    int found = 0;
    GENERAL_NAMES *names;

    ossl_clear();
    names = wanted(csr, NID_subject_alt_name, &found);
    if (!names && found != -1)
        return ossl_err(err, ERR_NOT_A_REQUEST, _("the subjectAltName cannot be read"));
    if (names)
        ossl_san_read(names, ret);
    GENERAL_NAMES_free(names);
    ossl_clear();
    return true;
}

bool csr_asks_for_ca(const struct csr *csr)
{
    BASIC_CONSTRAINTS *basic = wanted(csr, NID_basic_constraints, NULL);
    bool asks = basic && basic->ca;

    BASIC_CONSTRAINTS_free(basic);
    ossl_clear();
    return asks;
}
