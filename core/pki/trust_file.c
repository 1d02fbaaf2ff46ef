/* trust_file.c - what clients trust: a server's old and new CA in one file. */
#include "config.h"

#include "core/pki/trust_file.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/ossl.h"
#include "core/pki/pkcs12.h"

#define ALIAS_MAX 48

const char *trust_part_name(enum trust_part part)
{
    switch (part) {
    case TRUST_ROOT:
        return "root";
    case TRUST_INTERMEDIATE:
        return "intermediate";
    case TRUST_ALONE:
        break;
    }
    return "server";
}

void trust_file_init(struct trust_file *file)
{
    *file = (struct trust_file){.n = 0};
}

void trust_file_clear(struct trust_file *file)
{
    for (size_t i = 0; i < file->n; i++) {
        cert_free(file->rows[i].cert);
        free(file->rows[i].from);
        free(file->rows[i].alias);
    }
    for (size_t i = 0; i < file->n_dropped; i++) {
        free(file->dropped[i].subject);
        free(file->dropped[i].from);
    }
    free(file->rows);
    free(file->dropped);
    trust_file_init(file);
}

static void drop(struct trust_file *file, const struct cert *cert, const char *from,
                 int64_t ended_at)
{
    struct strbuf subject = STRBUF_INIT;

    cert_format_subject(cert, &subject);
    file->dropped = mem_realloc_array(file->dropped, file->n_dropped + 1, sizeof(file->dropped[0]));
    file->dropped[file->n_dropped++] = (struct trust_dropped){
        .subject = strbuf_steal(&subject), .from = mem_strdup(from), .ended_at = ended_at};
}

static bool refuse_leaf(const struct cert *cert, struct err *err)
{
    struct strbuf subject = STRBUF_INIT;
    struct strbuf issuer = STRBUF_INIT;

    cert_format_subject(cert, &subject);
    cert_format_issuer(cert, &issuer);
    err_set(err, ERR_NOT_A_CA, _("\"%.120s\" is not a CA"), subject.data);
    if (cert_for_clients(cert) && !cert_for_servers(cert))
        err_cause(err, _("It is a client's certificate."));
    else if (cert_for_servers(cert) && !cert_for_clients(cert))
        err_cause(err, _("It is a server's certificate."));
    err_hint(err, _("Give the certificate of its issuer, \"%.120s\"."), issuer.data);
    strbuf_clear(&subject);
    strbuf_clear(&issuer);
    return false;
}

bool trust_file_add(struct trust_file *file, const struct cert *cert, const char *from, int64_t now,
                    struct err *err)
{
    struct trust_row *row;

    if (!cert_is_ca(cert) && !cert_is_self_signed(cert))
        return refuse_leaf(cert, err);
    for (size_t i = 0; i < file->n; i++) {
        if (cert_equal(file->rows[i].cert, cert)) {
            drop(file, cert, from, 0);
            return true;
        }
    }
    if (cert_not_after(cert) <= now) {
        drop(file, cert, from, cert_not_after(cert));
        return true;
    }
    if (file->n == TRUST_FILE_MAX)
        return err_set(err, ERR_TOO_LARGE, _("more than %d certificates"), TRUST_FILE_MAX);
    file->rows = mem_realloc_array(file->rows, file->n + 1, sizeof(file->rows[0]));
    row = &file->rows[file->n++];
    *row = (struct trust_row){.cert = cert_dup(cert), .from = mem_strdup(from)};
    row->part = !cert_is_ca(cert)           ? TRUST_ALONE
                : cert_is_self_signed(cert) ? TRUST_ROOT
                                            : TRUST_INTERMEDIATE;
    return true;
}

bool trust_file_add_text(struct trust_file *file, const void *bytes, size_t len, const char *from,
                         int64_t now, unsigned *ret_cleaned, struct err *err)
{
    struct cert_list certs;
    struct pem pem;
    bool good;

    pem_scan(bytes, len, &pem);
    cert_list_init(&certs);
    good = pem_take_certs(&pem, &certs, err);
    for (size_t i = 0; i < certs.n && good; i++)
        good = trust_file_add(file, certs.certs[i], from, now, err);
    if (good)
        *ret_cleaned = pem.cleaned;
    cert_list_clear(&certs);
    pem_clear(&pem);
    return good || err_prefix(err, "%s", from);
}

/* ---- order and names ---- */

/* Roots first, of each kind the older first; the certificate's hash makes it the same every time. */
static int compare_rows(const void *a, const void *b)
{
    const struct trust_row *one = a;
    const struct trust_row *other = b;
    int64_t one_begins = cert_not_before(one->cert);
    int64_t other_begins = cert_not_before(other->cert);
    char one_hex[CERT_SHA256_HEX], other_hex[CERT_SHA256_HEX];

    if ((one->part == TRUST_INTERMEDIATE) != (other->part == TRUST_INTERMEDIATE))
        return one->part == TRUST_INTERMEDIATE ? 1 : -1;
    if (one_begins != other_begins)
        return one_begins < other_begins ? -1 : 1;
    return strcmp(cert_sha256_hex(one->cert, one_hex), cert_sha256_hex(other->cert, other_hex));
}

static bool same_subject(const struct cert *a, const struct cert *b)
{
    return X509_NAME_cmp(X509_get_subject_name(ossl_cert(a)),
                         X509_get_subject_name(ossl_cert(b))) == 0;
}

static bool same_key(const struct cert *a, const struct cert *b)
{
    bool same = EVP_PKEY_eq(X509_get0_pubkey(ossl_cert(a)), X509_get0_pubkey(ossl_cert(b))) == 1;

    ossl_clear();
    return same;
}

/* A root of it is here. Intermediates may stand above one another: at most as many as there are. */
static bool leads_to_root(const struct trust_file *file, const struct cert *cert)
{
    for (size_t depth = 0; depth < file->n; depth++) {
        const struct cert *issuer = NULL;

        for (size_t i = 0; i < file->n && !issuer; i++) {
            if (file->rows[i].cert != cert && cert_issued_by(cert, file->rows[i].cert))
                issuer = file->rows[i].cert;
        }
        if (!issuer)
            return false;
        if (cert_is_self_signed(issuer))
            return true;
        cert = issuer;
    }
    return false;
}

static bool alias_is_taken(const struct trust_file *file, size_t n, const char *alias)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(file->rows[i].alias, alias) == 0)
            return true;
    }
    return false;
}

/* "Acme PG Root" -> "acme-pg-root", and "acme-pg-root-2" for the next one: keytool wants to name them,
 * and Java makes aliases small. */
static char *make_alias(const struct trust_file *file, size_t at)
{
    struct strbuf name = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    char *alias;

    if (!cert_common_name(file->rows[at].cert, &name))
        cert_format_subject(file->rows[at].cert, &name);
    for (size_t i = 0; i < name.len && text.len < ALIAS_MAX; i++) {
        char c = name.data[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            strbuf_add_char(&text, c);
        else if (text.len > 0 && text.data[text.len - 1] != '-')
            strbuf_add_char(&text, '-');
    }
    while (text.len > 0 && text.data[text.len - 1] == '-')
        text.data[--text.len] = '\0';
    alias = mem_strdup(text.len > 0 ? text.data : "ca");
    for (unsigned n = 2; alias_is_taken(file, at, alias); n++) {
        free(alias);
        alias = mem_printf("%s-%u", text.len > 0 ? text.data : "ca", n);
    }
    strbuf_clear(&name);
    strbuf_clear(&text);
    return alias;
}

static void compare_names(struct trust_file *file)
{
    for (size_t i = 0; i < file->n; i++) {
        struct trust_row *row = &file->rows[i];

        row->same_name = row->same_key = false;
        for (size_t j = 0; j < file->n; j++) {
            if (j == i || !same_subject(row->cert, file->rows[j].cert))
                continue;
            row->same_name = true;
            row->same_key = row->same_key || same_key(row->cert, file->rows[j].cert);
        }
    }
}

static bool check_not_empty(const struct trust_file *file, struct err *err)
{
    char date[CLOCK_TEXT_MAX];
    bool has_root = false;

    if (file->n == 0 && file->n_dropped > 0)
        return err_set(err, ERR_CERT_ENDED, _("nothing is left to trust: \"%.120s\" ended on %s"),
                       file->dropped[0].subject,
                       clock_format_date(date, file->dropped[0].ended_at));
    if (file->n == 0)
        return err_set(err, ERR_NOT_A_CERTIFICATE, _("there is no certificate to trust"));
    for (size_t i = 0; i < file->n; i++)
        has_root = has_root || file->rows[i].part != TRUST_INTERMEDIATE;
    if (has_root)
        return true;
    err_set(err, ERR_POLICY, _("there are only intermediate certificates, and no root"));
    err_cause(err, _("libpq builds a server's chain up to a root: with these alone it trusts "
                     "nobody."));
    return err_hint(err, _("Add the self-signed root (--add FILE)."));
}

bool trust_file_finish(struct trust_file *file, struct err *err)
{
    if (!check_not_empty(file, err))
        return false;
    qsort(file->rows, file->n, sizeof(file->rows[0]), compare_rows);
    compare_names(file);
    for (size_t i = 0; i < file->n; i++) {
        struct trust_row *row = &file->rows[i];

        row->orphan = row->part == TRUST_INTERMEDIATE && !leads_to_root(file, row->cert);
        free(row->alias);
        row->alias = make_alias(file, i);
    }
    return true;
}

/* ---- written ---- */

void trust_file_certs(const struct trust_file *file, struct cert_list *ret)
{
    cert_list_init(ret);
    for (size_t i = 0; i < file->n; i++)
        cert_list_take(ret, cert_dup(file->rows[i].cert));
}

bool trust_file_pem(const struct trust_file *file, struct strbuf *out, struct err *err)
{
    for (size_t i = 0; i < file->n; i++) {
        if (!cert_to_pem(file->rows[i].cert, out, err))
            return false;
    }
    return true;
}

/* Caller frees. */
static struct pkcs12_trusted *trusted_rows(const struct trust_file *file)
{
    struct pkcs12_trusted *trusted = mem_array(file->n + 1, sizeof(*trusted));

    for (size_t i = 0; i < file->n; i++)
        trusted[i] =
            (struct pkcs12_trusted){.cert = file->rows[i].cert, .alias = file->rows[i].alias};
    return trusted;
}

bool trust_file_pkcs12(const struct trust_file *file, const struct secret *passphrase, bool legacy,
                       struct strbuf *out, struct err *err)
{
    struct pkcs12_trusted *trusted = trusted_rows(file);
    bool good = pkcs12_build_trust(trusted, file->n, passphrase, legacy, out, err);

    free(trusted);
    return good;
}

bool trust_file_is_pkcs12(const struct trust_file *file, const struct secret *passphrase,
                          const struct strbuf *bytes)
{
    struct pkcs12_trusted *trusted = trusted_rows(file);
    bool is = pkcs12_is_trust(bytes->data, bytes->len, trusted, file->n, passphrase);

    free(trusted);
    return is;
}
