/* tls_file.c - fetched over SQL, parsed with the same calls that the server makes. */
#include "config.h"

#include "core/pg/tls_file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/ossl.h"

/* ---- fetched ---- */

bool tls_file_ask(struct conn *conn, const char *sql, size_t n, const char *const *values,
                  struct result **ret, struct err *err)
{
    struct err why = ERR_INIT;

    *ret = conn_exec(conn, sql, n, values, &why);
    if (*ret || (conn_state(conn) == CONN_IDLE && text_equal(conn_sqlstate(conn), "42501")))
        return true;
    *err = why;
    return false;
}

char *tls_file_path(const char *data_directory, const char *setting)
{
    bool drive = setting[0] && setting[1] == ':'; /* a server on Windows */

    if (setting[0] == '/' || drive || !data_directory[0])
        return mem_strdup(setting);
    return mem_printf("%s/%s", data_directory, setting);
}

/* 42501 is said for a missing right of our role and for a file that the server's user may not open:
 * which of the two, the server tells about the functions. */
static bool may_ask(struct conn *conn, bool *ret, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.has_function_privilege("
        "  'pg_catalog.pg_read_binary_file(text)', 'EXECUTE')"
        " AND pg_catalog.has_function_privilege('pg_catalog.pg_stat_file(text)', 'EXECUTE')";
    struct result *result = conn_exec(conn, sql, 0, NULL, err);

    if (!result)
        return false;
    *ret = result_bool(result, 0, 0);
    result_free(result);
    return true;
}

/* Size and time; sets the state where that is all there is. */
static bool stat_file(struct conn *conn, struct tls_file *file, struct err *err)
{
    static const char sql[] = "SELECT size, isdir, extract(epoch FROM modification)::bigint"
                              " FROM pg_catalog.pg_stat_file($1::text)";
    const char *path = file->path;
    struct err why = ERR_INIT;
    struct result *result = conn_exec(conn, sql, 1, &path, &why);

    file->state = TLS_FILE_READ;
    if (result) {
        file->changed_at = result_int(result, 0, 2, 0);
        if (result_bool(result, 0, 1)) {
            file->state = TLS_FILE_UNREADABLE;
            text_clean_copy(file->why, sizeof(file->why), _("it is a folder"));
        } else if (result_int(result, 0, 0, 0) > (int64_t)TLS_FILE_MAX) {
            file->state = TLS_FILE_UNREADABLE;
            text_clean_copy(file->why, sizeof(file->why), _("it is too large for a TLS file"));
        }
        result_free(result);
        return true;
    }
    if (conn_state(conn) != CONN_IDLE) {
        *err = why;
        return false;
    }
    file->state = text_equal(conn_sqlstate(conn), "58P01") ? TLS_FILE_MISSING : TLS_FILE_UNREADABLE;
    text_clean_copy(file->why, sizeof(file->why), why.msg);
    return true;
}

/* The content, unless "PRIVATE KEY-----" stands in it: then NULL. One read for both. */
static bool fetch(struct conn *conn, struct tls_file *file, struct strbuf *out, struct err *err)
{
    static const char sql[] =
        "SELECT CASE WHEN pg_catalog.position(f.bytes, "
        "'\\x50524956415445204b45592d2d2d2d2d'::bytea)"
        " = 0 THEN f.bytes END"
        " FROM (SELECT pg_catalog.pg_read_binary_file($1::text) AS bytes OFFSET 0) AS f";
    const char *path = file->path;
    struct err why = ERR_INIT;
    struct result *result = conn_exec(conn, sql, 1, &path, &why);

    if (!result) {
        file->state = TLS_FILE_UNREADABLE;
        text_clean_copy(file->why, sizeof(file->why), why.msg);
        if (conn_state(conn) == CONN_IDLE)
            return true;
        *err = why;
        return false;
    }
    if (!result_bytes(result, 0, 0, out))
        file->state = TLS_FILE_HAS_KEY;
    result_free(result);
    return true;
}

bool tls_file_read(struct conn *conn, const char *data_directory, const char *setting,
                   enum tls_file_kind kind, struct tls_file *ret, struct err *err)
{
    struct tls_file file = {.state = TLS_FILE_UNSET};
    struct strbuf bytes = STRBUF_INIT;
    bool may = false;
    bool done = false;

    cert_list_init(&file.certs);
    file.path = tls_file_path(data_directory, setting);
    if (!setting[0]) {
        done = true;
        goto out;
    }
    if (!may_ask(conn, &may, err))
        goto out;
    if (!may || (file.path[0] != '/' && file.path[1] != ':')) {
        file.state = TLS_FILE_NOT_SEEN;
        done = true;
        goto out;
    }
    if (!stat_file(conn, &file, err) ||
        (file.state == TLS_FILE_READ && !fetch(conn, &file, &bytes, err)))
        goto out;
    done = true;
    if (file.state == TLS_FILE_READ) {
        char *path = file.path;
        int64_t changed_at = file.changed_at;

        tls_file_parse(bytes.data, bytes.len, kind, &file);
        file.path = path;
        file.changed_at = changed_at;
    }
out:
    strbuf_clear(&bytes);
    if (done)
        *ret = file;
    else
        tls_file_clear(&file);
    return done;
}

void tls_file_clear(struct tls_file *file)
{
    free(file->path);
    cert_list_clear(&file->certs);
    for (size_t i = 0; i < file->n_crls; i++)
        crl_free(file->crls[i]);
    free(file->crls);
    *file = (struct tls_file){.state = TLS_FILE_UNSET};
}

/* ---- parsed ---- */

static void take_crl(struct tls_file *file, X509_CRL *crl)
{
    file->crls = mem_realloc_array(file->crls, file->n_crls + 1, sizeof(file->crls[0]));
    file->crls[file->n_crls++] = ossl_crl_take(crl);
}

static void does_not_load(struct tls_file *file)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;

    file->loads = false;
    text_clean_copy(file->load_error, sizeof(file->load_error),
                    reason ? reason : _("no certificate or crl found"));
}

/* X509_load_cert_crl_file(): certificates and lists in one pass. */
static void load_bundle(BIO *bio, struct tls_file *file)
{
    STACK_OF(X509_INFO) *infos = PEM_X509_INFO_read_bio(bio, NULL, ossl_no_password, NULL);

    if (!infos) {
        does_not_load(file);
        return;
    }
    for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
        X509_INFO *info = sk_X509_INFO_value(infos, i);

        if (info->x509) {
            cert_list_take(&file->certs, ossl_cert_take(info->x509));
            info->x509 = NULL;
        }
        if (info->crl) {
            take_crl(file, info->crl);
            info->crl = NULL;
        }
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    file->loads = file->certs.n + file->n_crls > 0;
    if (!file->loads)
        text_clean_copy(file->load_error, sizeof(file->load_error),
                        _("no certificate or crl found"));
}

/* SSL_CTX_use_certificate_chain_file(): certificates until there are no more. */
static void load_chain(BIO *bio, struct tls_file *file)
{
    X509 *x509 = PEM_read_bio_X509_AUX(bio, NULL, ossl_no_password, NULL);

    while (x509) {
        cert_list_take(&file->certs, ossl_cert_take(x509));
        ossl_clear();
        x509 = PEM_read_bio_X509(bio, NULL, ossl_no_password, NULL);
    }
    file->loads = file->certs.n > 0 && ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_PEM &&
                  ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!file->loads)
        does_not_load(file);
}

void tls_file_parse(const void *bytes, size_t len, enum tls_file_kind kind, struct tls_file *ret)
{
    BIO *bio = len <= TLS_FILE_MAX ? BIO_new_mem_buf(bytes, (int)len) : NULL;
    struct pem pem;
    size_t seen;

    *ret = (struct tls_file){.state = TLS_FILE_READ};
    cert_list_init(&ret->certs);
    ossl_clear();
    if (!bio)
        does_not_load(ret);
    else if (kind == TLS_FILE_CERT)
        load_chain(bio, ret);
    else
        load_bundle(bio, ret);
    BIO_free(bio);
    ossl_clear();
    pem_scan(bytes, len, &pem); /* what a person would call blocks */
    seen = pem_count(&pem, PEM_CERTIFICATE) + pem_count(&pem, PEM_CRL);
    if (ret->loads && seen > ret->certs.n + ret->n_crls && !(pem.cleaned & PEM_CLEANED_DER))
        ret->n_skipped = seen - ret->certs.n - ret->n_crls;
    pem_clear(&pem);
}
