/* pem.c - what was pasted, and whether it is what was asked for. */
#include "config.h"

#include "core/pki/pem.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/ossl.h"
#include "core/pki/pem_kind.h"

#define CAS_MAX       100 /* a server's list of client CAs; every one is a row to think about */
#define SECURITY_BITS 112

void pem_clear(struct pem *pem)
{
    for (size_t i = 0; i < pem->n; i++)
        strbuf_clear(&pem->blocks[i].der);
    free(pem->blocks);
    memset(pem, 0, sizeof(*pem));
}

size_t pem_count(const struct pem *pem, enum pem_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < pem->n; i++)
        n += pem->blocks[i].kind == kind;
    return n;
}

void pem_cleaned_text(unsigned cleaned, struct strbuf *out)
{
    static const struct {
        enum pem_cleaned bit;
        const char *text;
    } words[] = {
        {PEM_CLEANED_LINE_ENDS, N_("line ends of Windows or a terminal")},
        {PEM_CLEANED_INDENT, N_("spaces before lines")},
        {PEM_CLEANED_QUOTES, N_("quote marks of a mail")},
        {PEM_CLEANED_BLANK_LINES, N_("blank lines between lines")},
        {PEM_CLEANED_ONE_LINE, N_("lost line ends")},
        {PEM_CLEANED_DASHES, N_("wrong dashes")},
        {PEM_CLEANED_SPACES, N_("special spaces")},
        {PEM_CLEANED_BOM, N_("a byte order mark")},
        {PEM_CLEANED_TEXT, N_("text around the blocks")},
        {PEM_CLEANED_TRUSTED, N_("OpenSSL's trust settings (BEGIN TRUSTED CERTIFICATE)")},
        {PEM_CLEANED_DER, N_("binary form (DER)")},
        {PEM_CLEANED_CONTROL, N_("control characters")},
    };
    bool first = true;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!(cleaned & (unsigned)words[i].bit))
            continue;
        if (!first)
            strbuf_add_str(out, ", ");
        strbuf_add_str(out, _(words[i].text));
        first = false;
    }
}

void cert_list_init(struct cert_list *list)
{
    list->certs = NULL;
    list->n = 0;
}

void cert_list_clear(struct cert_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        cert_free(list->certs[i]);
    free(list->certs);
    cert_list_init(list);
}

void cert_list_take(struct cert_list *list, struct cert *cert)
{
    if ((list->n & (list->n - 1)) == 0) /* full at each power of two */
        list->certs =
            mem_realloc_array(list->certs, list->n > 0 ? list->n * 2 : 1, sizeof(struct cert *));
    list->certs[list->n++] = cert;
}

/* -- what is refused, each with its own sentence ----------------------------------------------- */

static bool refuse_problem(enum pem_problem problem, enum err_code not_this, struct err *err)
{
    switch (problem) {
    case PEM_FINE:
        break;
    case PEM_EMPTY:
        (void)err_set(err, not_this, _("the text is empty"));
        return err_cause(err, "%s", _("Nothing was pasted, or the file has nothing in it."));
    case PEM_NO_BEGIN:
        (void)err_set(err, not_this, _("the text has no -----BEGIN ...----- line"));
        return err_cause(err, "%s",
                         _("The copy started too late, or it is something else altogether."));
    case PEM_CUT:
        return err_set(err, ERR_CUT_OFF,
                       _("the end is missing: there is no -----END ...----- line"));
    case PEM_BAD_BASE64:
        (void)err_set(err, not_this, _("a block of the text is damaged"));
        return err_cause(err, "%s",
                         _("Characters were lost or changed on the way, or the BEGIN line says "
                           "something else than what follows."));
    case PEM_TOO_LARGE:
        return err_set(err, ERR_TOO_LARGE, _("the text is larger than %u bytes"), PEM_SCAN_MAX);
    }
    return err_set(err, not_this, _("there is nothing of use in the text"));
}

/* Why a block of this kind is not what was asked for. */
static bool refuse_kind(enum pem_kind kind, enum err_code not_this, struct err *err)
{
    switch (kind) {
    case PEM_PRIVATE_KEY:
    case PEM_ENCRYPTED_KEY:
        return err_set(err, ERR_PRIVATE_KEY_PASTED, _("this is the private key of somebody"));
    case PEM_REQUEST:
        return err_set(err, ERR_IS_A_REQUEST, _("this is a request (CSR), not a certificate"));
    case PEM_CERTIFICATE:
        (void)err_set(err, not_this, _("this is a certificate, not a list of revoked ones (CRL)"));
        return err_cause(err, "%s",
                         _("PostgreSQL would trust a CA that stands in the file of CRLs."));
    case PEM_CRL:
        (void)err_set(err, not_this, _("this is a list of revoked certificates (CRL)"));
        return err_cause(err, "%s", _("It has a place of its own, beside the certificates."));
    case PEM_PUBLIC_KEY:
        (void)err_set(err, not_this, _("this is a public key alone"));
        return err_cause(err, "%s", _("A certificate has the public key and a name in it."));
    case PEM_SSH_KEY:
        (void)err_set(err, not_this, _("this is an ssh key"));
        return err_cause(err, "%s", _("PostgreSQL does not use keys of ssh."));
    case PEM_PKCS7:
        (void)err_set(err, not_this, _("this is a PKCS#7 file"));
        return err_hint(err, "%s",
                        _("Unpack it: openssl pkcs7 -print_certs -in FILE (with -inform DER for a "
                          "binary one)."));
    case PEM_PKCS12:
        (void)err_set(err, not_this, _("this is a PKCS#12 file"));
        return err_hint(
            err, "%s",
            _("Unpack the certificates: openssl pkcs12 -nokeys -in FILE. Its private key stays "
              "where it is."));
    case PEM_OTHER:
        break;
    }
    return err_set(err, not_this, _("this block of PEM is of another kind"));
}

/* True when everything in the text is of the one kind. */
static bool check_only(const struct pem *pem, enum pem_kind kind, enum err_code not_this,
                       struct err *err)
{
    if (pem->has_private_key)
        return refuse_kind(PEM_PRIVATE_KEY, not_this, err);
    for (size_t i = 0; i < pem->n; i++) {
        if (pem->blocks[i].kind != kind)
            return refuse_kind(pem->blocks[i].kind, not_this, err);
    }
    if (pem->problem != PEM_FINE || pem->n == 0)
        return refuse_problem(pem->problem, not_this, err);
    return true;
}

/* -- certificates ------------------------------------------------------------------------------ */

static bool list_has(const struct cert_list *list, const struct cert *cert)
{
    for (size_t i = 0; i < list->n; i++) {
        if (cert_equal(list->certs[i], cert))
            return true;
    }
    return false;
}

bool pem_take_certs(const struct pem *pem, struct cert_list *ret, struct err *err)
{
    struct cert_list list;

    if (!check_only(pem, PEM_CERTIFICATE, ERR_NOT_A_CERTIFICATE, err))
        return false;
    cert_list_init(&list);
    for (size_t i = 0; i < pem->n; i++) {
        const struct strbuf *der = &pem->blocks[i].der;
        struct cert *cert = cert_from_der(der->data, der->len, err);

        if (!cert) {
            cert_list_clear(&list);
            return false;
        }
        if (list_has(&list, cert))
            cert_free(cert);
        else
            cert_list_take(&list, cert);
    }
    *ret = list;
    return true;
}

static bool check_ca(const struct cert *cert, int64_t now, struct err *err)
{
    EVP_PKEY *pkey = X509_get0_pubkey(ossl_cert(cert));
    struct strbuf subject = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    bool good = false;

    cert_format_subject(cert, &subject);
    if (!cert_is_ca(cert)) {
        (void)err_set(err, ERR_NOT_A_CA, _("\"%.120s\" is not a CA"), subject.data);
        if (cert_for_clients(cert) && !cert_for_servers(cert))
            (void)err_cause(err, "%s", _("It is a client's certificate."));
        else if (cert_for_servers(cert) && !cert_for_clients(cert))
            (void)err_cause(err, "%s", _("It is a server's certificate."));
    } else if (cert_not_after(cert) <= now) {
        (void)err_set(err, ERR_CERT_ENDED, _("the CA \"%.120s\" ended on %s"), subject.data,
                      clock_format_date(date, cert_not_after(cert)));
    } else if (!pkey || EVP_PKEY_get_security_bits(pkey) < SECURITY_BITS) {
        (void)err_set(err, ERR_POLICY, _("the key of the CA \"%.120s\" is too weak for PostgreSQL"),
                      subject.data);
    } else {
        good = true;
    }
    ossl_clear();
    strbuf_clear(&subject);
    return good;
}

struct ranked { /* one CA on its way into the canonical order */
    struct cert *cert;
    size_t depth; /* 0: no issuer of it in the list */
    struct strbuf subject;
    uint8_t sha256[CERT_SHA256_SIZE];
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    int order;

    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    order = strcmp(x->subject.data, y->subject.data);
    return order != 0 ? order : memcmp(x->sha256, y->sha256, sizeof(x->sha256));
}

/* Depths grow until nothing changes; in a ring of CAs that sign each other they stop at n. */
static void rank_depths(struct ranked *ranked, size_t n)
{
    bool changed = true;

    for (size_t round = 0; changed && round < n; round++) {
        changed = false;
        for (size_t i = 0; i < n; i++) {
            X509 *x = ossl_cert(ranked[i].cert);

            if (X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0)
                continue;
            for (size_t j = 0; j < n; j++) {
                if (j != i && ranked[i].depth <= ranked[j].depth && ranked[j].depth + 1 < n &&
                    X509_check_issued(ossl_cert(ranked[j].cert), x) == X509_V_OK) {
                    ranked[i].depth = ranked[j].depth + 1;
                    changed = true;
                }
            }
        }
    }
    ossl_clear();
}

static void sort_root_first(struct cert_list *list)
{
    struct ranked *ranked = mem_array(list->n + 1, sizeof(*ranked));

    for (size_t i = 0; i < list->n; i++) {
        ranked[i].cert = list->certs[i];
        strbuf_init(&ranked[i].subject);
        cert_format_subject(list->certs[i], &ranked[i].subject);
        cert_sha256(list->certs[i], ranked[i].sha256);
    }
    rank_depths(ranked, list->n);
    qsort(ranked, list->n, sizeof(*ranked), compare_ranked);
    for (size_t i = 0; i < list->n; i++) {
        list->certs[i] = ranked[i].cert;
        strbuf_clear(&ranked[i].subject);
    }
    free(ranked);
}

bool pem_take_cas(const struct pem *pem, int64_t now, struct cert_list *ret, struct err *err)
{
    struct cert_list list;

    if (!pem_take_certs(pem, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        if (!check_ca(list.certs[i], now, err))
            goto fail;
    }
    if (list.n > CAS_MAX) {
        (void)err_set(err, ERR_TOO_LARGE, _("%zu CAs for one server; at most %d are taken"), list.n,
                      CAS_MAX);
        goto fail;
    }
    sort_root_first(&list);
    *ret = list;
    return true;
fail:
    cert_list_clear(&list);
    return false;
}

/* -- lists of revoked certificates ------------------------------------------------------------- */

static bool crls_have(struct crl *const *crls, size_t n, const struct crl *crl)
{
    for (size_t i = 0; i < n; i++) {
        if (X509_CRL_match(ossl_crl(crls[i]), ossl_crl(crl)) == 0)
            return true;
    }
    return false;
}

bool pem_take_crls(const struct pem *pem, struct crl ***ret, size_t *ret_n, struct err *err)
{
    struct crl **crls;
    size_t n = 0;

    if (!check_only(pem, PEM_CRL, ERR_NOT_A_CRL, err))
        return false;
    crls = mem_array(pem->n, sizeof(struct crl *));
    for (size_t i = 0; i < pem->n; i++) {
        const struct strbuf *der = &pem->blocks[i].der;
        struct crl *crl = crl_from_der(der->data, der->len, err);

        if (!crl) {
            while (n > 0)
                crl_free(crls[--n]);
            free(crls);
            return false;
        }
        if (crls_have(crls, n, crl))
            crl_free(crl);
        else
            crls[n++] = crl;
    }
    *ret = crls;
    *ret_n = n;
    return true;
}

/* What is of this kind, or what is not; blocks are borrowed from the whole. */
static struct pem part_of(const struct pem *pem, enum pem_kind kind, bool of_kind)
{
    struct pem part = *pem;

    part.blocks = mem_array(pem->n + 1, sizeof(part.blocks[0]));
    part.n = 0;
    for (size_t i = 0; i < pem->n; i++) {
        if ((pem->blocks[i].kind == kind) == of_kind)
            part.blocks[part.n++] = pem->blocks[i];
    }
    return part;
}

bool pem_take_crls_with_cas(const struct pem *pem, struct crl ***ret, size_t *ret_n,
                            struct cert_list *ret_cas, struct err *err)
{
    struct pem certs, others;
    bool done;

    if (pem_count(pem, PEM_CERTIFICATE) == 0 || pem_count(pem, PEM_CRL) == 0)
        return pem_take_crls(pem, ret, ret_n, err);
    certs = part_of(pem, PEM_CERTIFICATE, true);
    others = part_of(pem, PEM_CERTIFICATE, false);
    done = pem_take_certs(&certs, ret_cas, err) && pem_take_crls(&others, ret, ret_n, err);
    free(certs.blocks);
    free(others.blocks);
    return done;
}
