/* doctor_files.c - the client's certificate, key and root, by libpq's own rules. */
#include "config.h"

#include <libpq-fe.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/doctor_state.h"
#include "core/pg/tls_file.h"
#include "core/pki/ossl.h"

#define FILE_MAX           ((size_t)256 << 10)
#define STRONG_BITS        112
#define LIBPQ_SYSTEM_ROOTS 160000
#define NAME_SIZE          96

/* ---- where ---- */

/* libpq asks HOME first (15 and later), then the user's entry. */
static char *home_file(const char *name)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char buffer[4096];

    if ((!home || !*home) && getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 &&
        found)
        home = entry.pw_dir;
    return home && *home ? mem_printf("%s/.postgresql/%s", home, name) : mem_strdup("");
}

static void find_file(struct doctoring *self, const char *given, const char *keyword,
                      const char *name, struct client_file *ret)
{
    const char *value = given ? given : doctor_effective_get(self->effective, keyword);

    ret->named = value && *value;
    ret->path = ret->named ? mem_strdup(value) : home_file(name);
    ret->is_system = strcmp(keyword, "sslrootcert") == 0 && strcmp(ret->path, "system") == 0 &&
                     PQlibVersion() >= LIBPQ_SYSTEM_ROOTS;
    ret->found = ret->is_system || (*ret->path && access(ret->path, F_OK) == 0);
}

static void PRINTF_LIKE(3, 4)
    set_problem(struct client_file *file, enum err_code code, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    file->problem = code;
    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    text_clean_copy(file->why, sizeof(file->why), text.data);
    strbuf_clear(&text);
}

/* ---- what is in it ---- */

static const char *kind_of(const struct strbuf *bytes)
{
    const unsigned char *at = (const unsigned char *)bytes->data;
    const unsigned char *x509_at = at;
    const unsigned char *p12_at = at;
    X509 *x509 = d2i_X509(NULL, &x509_at, (long)bytes->len);
    PKCS12 *p12 = d2i_PKCS12(NULL, &p12_at, (long)bytes->len);
    const char *kind = bytes->len == 0 ? _("it is empty")
                       : x509          ? _("it is DER")
                       : p12           ? _("it is PKCS#12")
                                       : _("it holds no certificate in PEM");

    X509_free(x509);
    PKCS12_free(p12);
    ossl_clear();
    return kind;
}

static bool read_bytes(struct client_file *file, enum err_code code, struct strbuf *out)
{
    struct err why = ERR_INIT;

    if (fs_read(file->path, FILE_MAX, out, &why))
        return true;
    set_problem(file, code, "%s", why.msg);
    return false;
}

static void read_cert(struct doctoring *self)
{
    struct client_file *file = &self->cert;
    struct strbuf bytes = STRBUF_INIT;
    struct strbuf cn = STRBUF_INIT;
    struct tls_file parsed = {.n_crls = 0};

    if (!file->found || !read_bytes(file, ERR_CLIENT_CERT_FORMAT, &bytes))
        goto out;
    tls_file_parse(bytes.data, bytes.len, TLS_FILE_CERT, &parsed);
    explicit_bzero(bytes.data, bytes.len); /* a key may stand in the same file */
    if (parsed.certs.n == 0) {
        strbuf_clear(&bytes);
        if (read_bytes(file, ERR_CLIENT_CERT_FORMAT, &bytes))
            set_problem(file, ERR_CLIENT_CERT_FORMAT, "%s", kind_of(&bytes));
        explicit_bzero(bytes.data, bytes.len);
    }
    self->certs = parsed.certs;
    cert_list_init(&parsed.certs);
    if (self->certs.n > 0 && cert_common_name(self->certs.certs[0], &cn))
        text_clean_copy(self->cn, sizeof(self->cn), cn.data);
out:
    tls_file_clear(&parsed);
    strbuf_clear(&bytes);
    strbuf_clear(&cn);
}

static void read_root(struct doctoring *self)
{
    struct client_file *file = &self->root;
    struct strbuf bytes = STRBUF_INIT;
    struct tls_file parsed = {.n_crls = 0};

    if (!file->found || file->is_system || !read_bytes(file, ERR_ROOT_FORMAT, &bytes))
        goto out;
    tls_file_parse(bytes.data, bytes.len, TLS_FILE_CA, &parsed);
    if (!parsed.loads || parsed.certs.n == 0)
        set_problem(file, ERR_ROOT_FORMAT, "%s",
                    parsed.load_error[0] ? parsed.load_error : kind_of(&bytes));
    self->roots = parsed.certs;
    cert_list_init(&parsed.certs);
out:
    tls_file_clear(&parsed);
    strbuf_clear(&bytes);
}

/* One that cannot be read is passed over by libpq without a word. */
static void read_lists(struct doctoring *self)
{
    struct strbuf bytes = STRBUF_INIT;
    struct tls_file parsed = {.n_crls = 0};
    struct err ignored = ERR_INIT;

    if (self->list.found && fs_read(self->list.path, FILE_MAX, &bytes, &ignored)) {
        tls_file_parse(bytes.data, bytes.len, TLS_FILE_CRL, &parsed);
        self->lists = parsed.crls;
        self->n_lists = parsed.n_crls;
        parsed.crls = NULL;
        parsed.n_crls = 0;
    }
    tls_file_clear(&parsed);
    strbuf_clear(&bytes);
}

/* ---- the key ---- */

/* libpq takes DER as well, without a passphrase. */
static struct key *key_from_der(const struct secret *bytes)
{
    const unsigned char *at = (const unsigned char *)secret_data(bytes);
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)secret_len(bytes));

    ossl_clear();
    return pkey ? ossl_key_take(pkey) : NULL;
}

/* fe-secure-openssl.c: a regular file; 0600 of the user's own, 0640 of root's. */
static bool mode_is_fine(struct client_file *file)
{
    struct stat st;

    if (stat(file->path, &st) != 0)
        return true; /* the read says why */
    if (!S_ISREG(st.st_mode)) {
        set_problem(file, ERR_CLIENT_KEY_FORMAT, "%s", _("it is not a regular file"));
        return false;
    }
    if (!(st.st_mode & (st.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO)))
        return true;
    set_problem(file, ERR_KEY_MODE, _("it has mode %04o"), (unsigned)(st.st_mode & 07777));
    return false;
}

static void read_key(struct doctoring *self)
{
    struct client_file *file = &self->key;
    struct secret *bytes = NULL;
    struct err why = ERR_INIT;
    bool encrypted;

    if (!file->found) {
        set_problem(file, ERR_CLIENT_KEY_MISSING, "%s", _("it is not there"));
        return;
    }
    if (!mode_is_fine(file))
        return;
    bytes = secret_read_whole(file->path, FILE_MAX, &why);
    if (!bytes) {
        set_problem(file, ERR_CLIENT_KEY_FORMAT, "%s", why.msg);
        return;
    }
    encrypted = key_pem_is_encrypted(secret_data(bytes), secret_len(bytes));
    self->loaded_key =
        key_from_pem(secret_data(bytes), secret_len(bytes), self->request->key_passphrase, &why);
    if (!self->loaded_key)
        self->loaded_key = key_from_der(bytes);
    secret_free(bytes);
    if (self->loaded_key)
        return;
    if (encrypted)
        set_problem(file, ERR_CLIENT_KEY_PASSPHRASE, "%s",
                    self->request->key_passphrase ? _("the passphrase does not open it")
                                                  : _("it is encrypted"));
    else
        set_problem(file, ERR_CLIENT_KEY_FORMAT, "%s", _("it holds no key in PEM or DER"));
}

/* ---- findings ---- */

static struct finding *add(struct doctoring *self, enum finding_severity severity,
                           enum err_code code, const struct client_file *file, const char *message)
{
    return finding_add(&self->out->findings, severity, code, file->path, "%s", message);
}

static void judge_dates(struct doctoring *self, const struct cert *leaf)
{
    int64_t now = clock_now();
    char date[CLOCK_TEXT_MAX];

    if (cert_not_after(leaf) <= now)
        finding_mend(finding_add(&self->out->findings, FINDING_ERROR, ERR_CERT_ENDED,
                                 self->cert.path, _("the certificate of \"%s\" ended on %s"),
                                 self->cn, clock_format_date(date, cert_not_after(leaf))),
                     ACT_ISSUE, self->cn);
    else if (cert_not_before(leaf) > now)
        finding_add(&self->out->findings, FINDING_ERROR, ERR_CLOCKS, self->cert.path,
                    _("the certificate of \"%s\" is not valid before %s UTC"), self->cn,
                    clock_format_minute(date, cert_not_before(leaf)));
}

/* PostgreSQL refuses a CN in which a zero byte stands; BMPString has one for each ASCII letter. */
static bool cn_has_nul(const struct cert *leaf)
{
    const X509_NAME *name = X509_get_subject_name(ossl_cert(leaf));
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const ASN1_STRING *value =
        at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

    return value && memchr(ASN1_STRING_get0_data(value), '\0', (size_t)ASN1_STRING_length(value));
}

static bool is_weak(const struct cert *leaf)
{
    EVP_PKEY *key = X509_get0_pubkey(ossl_cert(leaf));
    int bits = 0;

    if (key && EVP_PKEY_get_security_bits(key) < STRONG_BITS)
        return true;
    return X509_get_signature_info(ossl_cert(leaf), NULL, NULL, &bits, NULL) == 1 && bits > 0 &&
           bits < STRONG_BITS;
}

/* Curves that PostgreSQL never offers, and DSA: OpenSSL does not send such a certificate. */
static bool is_exotic(const struct cert *leaf)
{
    const EVP_PKEY *key = X509_get0_pubkey(ossl_cert(leaf));
    char group[64] = "";

    if (!key)
        return false;
    if (EVP_PKEY_is_a(key, "DSA"))
        return true;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
        return false;
    return strcmp(group, "prime256v1") != 0 && strcmp(group, "secp384r1") != 0 &&
           strcmp(group, "secp521r1") != 0;
}

static void judge_kind(struct doctoring *self, const struct cert *leaf)
{
    if (is_weak(leaf))
        add(self, FINDING_ERROR, ERR_CLIENT_WEAK, &self->cert,
            _("its key or its signature is too weak"));
    if (is_exotic(leaf))
        add(self, FINDING_ERROR, ERR_CLIENT_CURVE, &self->cert,
            _("keys of this kind are not sent to PostgreSQL"));
    else if (cert_key_type(leaf) == KEY_EC_P384)
        add(self, FINDING_INFO, ERR_CLIENT_CURVE, &self->cert,
            _("a P-384 key works on TLS 1.3 only"));
    if (cn_has_nul(leaf))
        add(self, FINDING_ERROR, ERR_CERT_NUL, &self->cert,
            _("its common name holds zero bytes (BMPString)"));
    if (!cert_for_clients(leaf) && !cert_is_ca(leaf))
        finding_add(&self->out->findings, FINDING_ERROR, ERR_ALERT_UNSUPPORTED, self->cert.path,
                    _("\"%s\" is not a certificate for clients"), self->cn);
}

static void judge_cert(struct doctoring *self)
{
    const struct cert *leaf = self->certs.n > 0 ? self->certs.certs[0] : NULL;

    if (!self->cert.found) {
        if (self->cert.named)
            add(self, FINDING_WARNING, ERR_CERT_NOT_FOUND, &self->cert,
                _("there is no such file: libpq connects without a certificate"));
        return;
    }
    if (self->cert.problem) {
        add(self, FINDING_ERROR, self->cert.problem, &self->cert, self->cert.why);
        return;
    }
    if (!leaf)
        return;
    judge_dates(self, leaf);
    judge_kind(self, leaf);
    if (*self->cn && strcmp(self->cn, self->user) != 0)
        finding_mend(finding_add(&self->out->findings, FINDING_WARNING, ERR_NAME_ROLE_DIFFER,
                                 self->cert.path,
                                 _("the certificate is for \"%s\", the login is as \"%s\""),
                                 self->cn, self->user),
                     ACT_ISSUE, self->user);
}

static void judge_key(struct doctoring *self)
{
    if (!self->cert.found || self->certs.n == 0)
        return;
    if (!self->key.problem && !cert_matches_key(self->certs.certs[0], self->loaded_key))
        set_problem(&self->key, ERR_CLIENT_KEY_OTHER, "%s",
                    cert_is_ca(self->certs.certs[0])
                        ? _("the certificate file begins with a CA: the client's own comes first")
                        : _("it is the key of another certificate"));
    if (self->key.problem)
        add(self, FINDING_ERROR, self->key.problem, &self->key, self->key.why);
}

static void judge_root(struct doctoring *self)
{
    bool needed = self->mode == DOCTOR_VERIFY_CA || self->mode == DOCTOR_VERIFY_FULL;

    if (strcmp(self->root.path, "system") == 0 && PQlibVersion() < LIBPQ_SYSTEM_ROOTS)
        finding_cause(
            finding_add(&self->out->findings, FINDING_ERROR, ERR_LIBPQ_OLD, "sslrootcert",
                        _("libpq %d, the one here, takes \"system\" for the name of a file"),
                        PQlibVersion() / 10000),
            "%s",
            self->mode == DOCTOR_VERIFY_FULL
                ? _("From 16 on it stands for the CAs of the operating system.")
                : _("From 16 on it stands for the CAs of the operating system, and goes with "
                    "sslmode=verify-full alone."));
    else if (!self->root.found)
        add(self, needed ? FINDING_ERROR : FINDING_INFO, ERR_ROOT_MISSING, &self->root,
            _("it is not there: the server cannot be verified"));
    else if (self->root.problem)
        add(self, FINDING_ERROR, ERR_ROOT_FORMAT, &self->root, self->root.why);
}

void doctor_read_files(struct doctoring *self)
{
    const struct doctor_request *request = self->request;

    find_file(self, request->cert_file, "sslcert", "postgresql.crt", &self->cert);
    find_file(self, request->key_file, "sslkey", "postgresql.key", &self->key);
    find_file(self, request->root_file, "sslrootcert", "root.crt", &self->root);
    find_file(self, NULL, "sslcrl", "root.crl", &self->list);
    if (self->is_socket)
        return; /* never looked at there */
    read_cert(self);
    if (self->cert.found)
        read_key(self);
    read_root(self);
    read_lists(self);
    judge_cert(self);
    judge_key(self);
    judge_root(self);
}
