/* inspect_more.c - lists, requests, keys, PKCS#12 and PKCS#7 as trees. */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/inspect_part.h"
#include "core/pki/ossl.h"
#include "core/pki/pkcs12.h"

#define CRL_SOON_DAYS 14
#define ENTRIES_SHOWN 20

/* ---- CRL ---- */

static void add_entries(struct inspect_node *node, const struct crl *crl)
{
    struct inspect_node *list = inspect_add(node, _("revoked"), "%zu", crl_count(crl));
    char hex[SERIAL_HEX_MAX], date[CLOCK_TEXT_MAX];
    struct crl_entry entry;
    size_t n = crl_count(crl);

    for (size_t i = 0; i < n && i < ENTRIES_SHOWN; i++)
        if (crl_entry_at(crl, i, &entry))
            inspect_add(list, serial_format_hex(hex, &entry.serial), "%s, %s",
                        clock_format_date(date, entry.revoked_at), crl_reason_name(entry.reason));
    if (n > ENTRIES_SHOWN)
        inspect_say(list, INSPECT_PLAIN, _("and %zu more"), n - ENTRIES_SHOWN);
}

void inspect_part_crl(struct inspect_node *node, const struct crl *crl, int64_t now)
{
    struct strbuf issuer = STRBUF_INIT;
    X509_CRL *x509 = ossl_crl(crl);
    int64_t end = crl_next_update(crl);
    char date[CLOCK_TEXT_MAX];
    uint64_t number = 0;

    crl_format_issuer(crl, &issuer);
    inspect_add(node, _("issuer"), "%s", issuer.data);
    strbuf_clear(&issuer);
    if (crl_number(crl, &number))
        inspect_add(node, _("number"), "%llu", (unsigned long long)number);
    else
        inspect_say(node, INSPECT_NOTE,
                    _("It has no number: nobody can tell which list is newer."));
    inspect_add(node, _("made"), "%s UTC", clock_format_minute(date, crl_this_update(crl)));
    if (crl_this_update(crl) > now)
        inspect_say(node, INSPECT_BAD,
                    _("It begins in the future: until then PostgreSQL refuses every client of this "
                      "CA."));
    if (end != 0)
        inspect_add(node, _("ends"), "%s UTC", clock_format_minute(date, end));
    if (end != 0 && end <= now)
        inspect_say(node, INSPECT_BAD,
                    _("It has ended: PostgreSQL refuses every client of this CA with it "
                      "(\"certificate expired\")."));
    else if (end != 0 && (end - now) / CLOCK_DAY < CRL_SOON_DAYS)
        inspect_say(node, INSPECT_WARN,
                    _("It ends in %lld days; then PostgreSQL refuses every client of this CA."),
                    (long long)((end - now) / CLOCK_DAY));
    if (X509_CRL_get_ext_by_NID(x509, NID_delta_crl, -1) >= 0)
        inspect_say(node, INSPECT_BAD, _("It is a delta list: PostgreSQL wants whole ones."));
    if (X509_CRL_get_ext_by_NID(x509, NID_authority_key_identifier, -1) < 0)
        inspect_say(
            node, INSPECT_NOTE,
            _("It has no authorityKeyIdentifier: two CAs of one name cannot be told apart."));
    inspect_add(node, _("signature"), "%s", OBJ_nid2ln(X509_CRL_get_signature_nid(x509)));
    add_entries(node, crl);
    ossl_clear();
}

/* ---- request ---- */

void inspect_part_request(struct inspect_node *node, const void *der, size_t len)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct csr *csr;
    struct name *subject;
    struct san san;

    pem_write(&text, "CERTIFICATE REQUEST", der, len);
    csr = csr_from_pem(text.data, text.len, &err);
    strbuf_reset(&text);
    if (!csr) {
        inspect_say(node, INSPECT_BAD, "%s", err.msg);
        strbuf_clear(&text);
        return;
    }
    subject = csr_subject(csr);
    name_format(subject, &text);
    inspect_add(node, _("subject"), "%s", text.len > 0 ? text.data : _("(empty)"));
    inspect_part_public_key(node, X509_REQ_get0_pubkey(ossl_csr(csr)), true);
    inspect_say(node, INSPECT_GOOD, _("Signed by its own key."));
    san_init(&san);
    strbuf_reset(&text);
    if (csr_san(csr, &san, &err))
        san_format(&san, &text);
    if (text.len > 0)
        inspect_add(node, "subjectAltName", "%s", text.data);
    if (csr_asks_for_ca(csr))
        inspect_say(node, INSPECT_WARN,
                    _("It asks to be a CA. \"pgseal issue\" never grants that."));
    inspect_say(node, INSPECT_NOTE,
                _("It is a question, not a certificate: a CA has to sign it first."));
    san_clear(&san);
    strbuf_clear(&text);
    name_free(subject);
    csr_free(csr);
    ossl_clear();
}

/* ---- private key ---- */

static bool has(const void *bytes, size_t len, const char *text)
{
    return memmem(bytes, len, text, strlen(text)) != NULL;
}

void inspect_part_key(struct inspect_node *node, const void *bytes, size_t len, bool encrypted,
                      const struct inspect_options *options)
{
    struct err ignored = ERR_INIT; /* a key that OpenSSL cannot read has no kind to show */
    struct key *key = NULL;

    if (has(bytes, len, "BEGIN OPENSSH PRIVATE KEY")) {
        inspect_say(node, INSPECT_BAD,
                    _("It is in OpenSSH's own form: PostgreSQL and libpq do not "
                      "read it."));
        return;
    }
    encrypted = encrypted || key_pem_is_encrypted(bytes, len);
    inspect_add(node, _("passphrase"), "%s", encrypted ? _("yes") : _("none"));
    if (!encrypted || options->passphrase)
        key = key_from_pem(bytes, len, options->passphrase, &ignored);
    if (key)
        inspect_part_public_key(node, ossl_key(key), true);
    if (encrypted && options->passphrase && !key)
        inspect_say(node, INSPECT_WARN, _("This passphrase does not open it."));
    inspect_add(node, _("form"), "%s",
                has(bytes, len, "BEGIN ENCRYPTED PRIVATE KEY") ||
                        has(bytes, len, "BEGIN PRIVATE KEY")
                    ? "PKCS#8"
                : has(bytes, len, "BEGIN RSA PRIVATE KEY") ? "PKCS#1"
                : has(bytes, len, "BEGIN EC PRIVATE KEY")  ? "SEC 1"
                                                           : "DER");
    if (encrypted)
        inspect_say(
            node, INSPECT_NOTE,
            _("A server cannot start with it unless ssl_passphrase_command is set; a client "
              "needs sslpassword=."));
    if ((options->file_mode & 077) != 0)
        inspect_say(node, INSPECT_BAD,
                    _("Others can read this private key (mode %04o): chmod 600."),
                    options->file_mode & 07777);
    key_free(key);
    ossl_clear();
}

/* ---- PKCS#12 ---- */

static const char *scheme_of(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    const void *value = NULL;
    int type = 0;
    int nid;

    X509_ALGOR_get0(&object, &type, &value, algorithm);
    nid = OBJ_obj2nid(object);
    if (nid == NID_pbes2)
        return "PBES2";
    return nid == NID_undef ? _("unknown") : OBJ_nid2ln(nid);
}

/* How its parts are locked: pgjdbc on Java 8 reads the old ones only, OpenSSL 3 the new ones. */
static void add_locks(struct inspect_node *node, const PKCS12 *p12)
{
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
    const X509_ALGOR *mac = NULL;
    const ASN1_OBJECT *digest = NULL;
    bool old = false;

    PKCS12_get0_mac(NULL, &mac, NULL, NULL, p12);
    if (mac)
        X509_ALGOR_get0(&digest, NULL, NULL, mac);
    for (int i = 0; i < sk_PKCS7_num(safes); i++) {
        const PKCS7 *safe = sk_PKCS7_value(safes, i);

        if (OBJ_obj2nid(safe->type) == NID_pkcs7_encrypted) {
            const X509_ALGOR *algorithm = safe->d.encrypted->enc_data->algorithm;

            inspect_add(node, _("locked by"), "%s", scheme_of(algorithm));
            old = old || strstr(scheme_of(algorithm), "RC2") != NULL;
        }
    }
    if (digest)
        inspect_add(node, _("seal"), "HMAC, %s", OBJ_nid2sn(OBJ_obj2nid(digest)));
    if (old)
        inspect_say(node, INSPECT_WARN,
                    _("It uses RC2: OpenSSL 3 opens it with its legacy provider only."));
    sk_PKCS7_pop_free(safes, PKCS7_free);
}

static void check_alias(struct inspect_node *node, X509 *x509)
{
    int len = 0;
    const unsigned char *alias = X509_alias_get0(x509, &len);

    inspect_add(node, _("alias"), "%.*s", alias ? len : 0, alias ? (const char *)alias : "");
    if (!alias || len != (int)strlen(PKCS12_ALIAS) || memcmp(alias, PKCS12_ALIAS, (size_t)len) != 0)
        inspect_say(node, INSPECT_WARN,
                    _("pgjdbc looks for the alias \"user\" and for no other: with this file the "
                      "server says \"connection requires a valid client certificate\"."));
}

static void add_contents(struct inspect_node *node, EVP_PKEY *pkey, X509 *x509,
                         STACK_OF(X509) * chain, int64_t now)
{
    bool complete = false;

    if (pkey)
        inspect_part_public_key(inspect_add(node, _("private key"), "%s", _("there, SECRET")), pkey,
                                true);
    else
        inspect_say(node, INSPECT_BAD, _("There is no private key in it."));
    if (!x509) {
        inspect_say(node, INSPECT_BAD, _("There is no certificate for the key in it."));
    } else {
        struct cert *cert = ossl_cert_take(X509_dup(x509));

        check_alias(node, x509);
        complete = cert_is_self_signed(cert);
        inspect_take(node, inspect_cert(cert, now));
        cert_free(cert);
    }
    for (int i = 0; i < sk_X509_num(chain); i++) {
        struct cert *cert = ossl_cert_take(X509_dup(sk_X509_value(chain, i)));

        complete = complete || cert_is_self_signed(cert);
        inspect_take(node, inspect_cert(cert, now));
        cert_free(cert);
    }
    if (x509 && sk_X509_num(chain) <= 0 && !complete)
        inspect_say(node, INSPECT_WARN,
                    _("The CA is not in it: Java does not send the certificate "
                      "when it cannot build the chain."));
}

static bool opens(PKCS12 *p12, const char *passphrase, int len)
{
    return PKCS12_verify_mac(p12, passphrase, len) == 1;
}

void inspect_part_pkcs12(struct inspect_node *node, const void *bytes, size_t len,
                         const struct inspect_options *options)
{
    const unsigned char *at = bytes;
    const char *passphrase = NULL;
    EVP_PKEY *pkey = NULL;
    X509 *x509 = NULL;
    STACK_OF(X509) *chain = NULL;
    PKCS12 *p12;

    ossl_clear();
    p12 = len <= PEM_SCAN_MAX ? d2i_PKCS12(NULL, &at, (long)len) : NULL;
    if (!p12) {
        inspect_say(node, INSPECT_BAD, _("It is damaged, or in PEM form: PKCS#12 is binary."));
        ossl_clear();
        return;
    }
    add_locks(node, p12);
    if (options->passphrase)
        passphrase = secret_data(options->passphrase);
    else if (opens(p12, "", 0))
        passphrase = "";
    if (!passphrase) {
        inspect_say(node, INSPECT_NOTE,
                    _("It is locked with a passphrase; with it, its contents can "
                      "be shown (--p12-passphrase-file)."));
    } else if (PKCS12_parse(p12, passphrase, &pkey, &x509, &chain) != 1) {
        inspect_say(node, INSPECT_BAD, _("This passphrase does not open it."));
    } else {
        if (*passphrase == '\0')
            inspect_say(node, INSPECT_WARN,
                        _("Its passphrase is empty: whoever has the file has the "
                          "key."));
        add_contents(node, pkey, x509, chain, options->now);
    }
    if ((options->file_mode & 077) != 0)
        inspect_say(node, INSPECT_WARN, _("Others can read this file (mode %04o): chmod 600."),
                    options->file_mode & 07777);
    EVP_PKEY_free(pkey);
    X509_free(x509);
    sk_X509_pop_free(chain, X509_free);
    PKCS12_free(p12);
    ossl_clear();
}

/* ---- PKCS#7 ---- */

void inspect_part_pkcs7(struct inspect_node *node, const void *der, size_t len, int64_t now)
{
    const unsigned char *at = der;
    PKCS7 *p7;
    STACK_OF(X509) *certs = NULL;

    inspect_say(
        node, INSPECT_BAD,
        _("PostgreSQL does not read this wrapping: \"openssl pkcs7 -print_certs\" takes the "
          "certificates out."));
    ossl_clear();
    p7 = len <= PEM_SCAN_MAX ? d2i_PKCS7(NULL, &at, (long)len) : NULL;
    if (p7 && PKCS7_type_is_signed(p7) && p7->d.sign)
        certs = p7->d.sign->cert;
    for (int i = 0; i < sk_X509_num(certs); i++) {
        struct cert *cert = ossl_cert_take(X509_dup(sk_X509_value(certs, i)));

        inspect_take(node, inspect_cert(cert, now));
        cert_free(cert);
    }
    PKCS7_free(p7);
    ossl_clear();
}
