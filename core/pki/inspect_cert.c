/* inspect_cert.c - a certificate as a tree, and what PostgreSQL or its clients make of it. */
#include "config.h"

#include <ctype.h>
#include <openssl/objects.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/pki/inspect_part.h"
#include "core/pki/ossl.h"

#define SECURITY_BITS 112 /* OpenSSL's level 2, Debian's default */
#define SOON_DAYS     30
#define CN_PG_MAX     63 /* NAMEDATALEN - 1: longer ones are no role */

/* ---- names, dates ---- */

static void add_names(struct inspect_node *node, const struct cert *cert)
{
    struct strbuf text = STRBUF_INIT;

    cert_format_subject(cert, &text);
    inspect_add(node, _("subject"), "%s", text.len > 0 ? text.data : _("(empty)"));
    strbuf_reset(&text);
    cert_format_issuer(cert, &text);
    inspect_add(node, _("issuer"), "%s", text.data);
    strbuf_clear(&text);
}

static void add_serial(struct inspect_node *node, const struct cert *cert)
{
    struct serial serial = cert_serial(cert);
    char hex[SERIAL_HEX_MAX], decimal[SERIAL_DECIMAL_MAX];
    struct inspect_node *child;

    child = inspect_add(node, _("serial"), "%s", serial_format_hex(hex, &serial));
    inspect_add(child, _("decimal"), "%s", serial_format_decimal(decimal, &serial));
}

static void add_dates(struct inspect_node *node, const struct cert *cert, int64_t now)
{
    int64_t from = cert_not_before(cert);
    int64_t until = cert_not_after(cert);
    long long days = (long long)((until - now) / CLOCK_DAY);
    char date[CLOCK_TEXT_MAX];

    inspect_add(node, _("valid from"), "%s UTC", clock_format_minute(date, from));
    inspect_add(node, _("valid until"), "%s UTC", clock_format_minute(date, until));
    if (from > now)
        inspect_say(node, INSPECT_BAD,
                    _("It is not valid before %s: the clock, or the one of its CA, is wrong."),
                    clock_format_minute(date, from));
    if (until <= now)
        inspect_say(node, INSPECT_BAD, _("It has ended on %s."), clock_format_date(date, until));
    else if (days < SOON_DAYS)
        inspect_say(node, INSPECT_WARN, _("It ends in %lld days."), days);
}

/* ---- key and signature ---- */

void inspect_part_public_key(struct inspect_node *node, const void *any, bool for_client)
{
    const EVP_PKEY *pkey = any;
    enum key_type type = ossl_key_type(pkey);
    int id = pkey ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE;
    char group[64] = "";
    size_t len = 0;

    if (!pkey) {
        inspect_say(node, INSPECT_BAD, _("Its public key cannot be read."));
        return;
    }
    if (id == EVP_PKEY_EC)
        (void)EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len);
    if (type != KEY_OTHER)
        inspect_add(node, _("key"), "%s", key_type_title(type));
    else
        inspect_add(node, _("key"), _("%s %s, %d bits"),
                    EVP_PKEY_get0_type_name(pkey) ? EVP_PKEY_get0_type_name(pkey) : "?", group,
                    EVP_PKEY_get_bits(pkey));
    if (EVP_PKEY_get_security_bits(pkey) < SECURITY_BITS)
        inspect_say(
            node, INSPECT_BAD,
            _("The key is too weak (%d bits of security): OpenSSL refuses it since level 2, "
              "the default."),
            EVP_PKEY_get_security_bits(pkey));
    if (id == EVP_PKEY_DSA)
        inspect_say(node, INSPECT_BAD, _("TLS 1.3 has no certificates with DSA keys."));
    if (id == EVP_PKEY_EC && strcmp(group, SN_X9_62_prime256v1) != 0 &&
        strcmp(group, SN_secp384r1) != 0 && strcmp(group, SN_secp521r1) != 0)
        inspect_say(
            node, INSPECT_BAD,
            _("TLS 1.3 has no certificates on the curve \"%s\": a client does not even send "
              "it."),
            group);
    else if (for_client && id == EVP_PKEY_EC && strcmp(group, SN_X9_62_prime256v1) != 0)
        inspect_say(
            node, INSPECT_WARN,
            _("With TLS 1.2 PostgreSQL refuses client keys on this curve (\"wrong curve\")."));
}

static void add_signature(struct inspect_node *node, const struct cert *cert, bool self_signed)
{
    int nid = X509_get_signature_nid(ossl_cert(cert));
    int digest = NID_undef;
    int pkey = NID_undef;

    inspect_add(node, _("signature"), "%s", nid == NID_undef ? _("unknown") : OBJ_nid2ln(nid));
    if (OBJ_find_sigid_algs(nid, &digest, &pkey) == 1 && !self_signed &&
        (digest == NID_sha1 || digest == NID_md5 || digest == NID_md4))
        inspect_say(node, INSPECT_BAD,
                    _("It is signed with %s: OpenSSL refuses it (\"ca md too weak\")."),
                    OBJ_nid2sn(digest));
    if (pkey == NID_undef && nid != NID_undef && !self_signed && cert_for_servers(cert) &&
        !cert_is_ca(cert) && (nid == NID_ED25519 || nid == NID_ED448))
        inspect_say(
            node, INSPECT_BAD,
            _("An Ed25519 CA signed it: as a server's certificate it breaks password logins "
              "(SCRAM, \"could not find digest for NID UNDEF\")."));
}

/* ---- extensions ---- */

static void add_usages(struct inspect_node *node, const struct cert *cert)
{
    static const char *const bits[] = {"digitalSignature", "nonRepudiation", "keyEncipherment",
                                       "dataEncipherment", "keyAgreement",   "keyCertSign",
                                       "cRLSign",          "encipherOnly",   "decipherOnly"};
    X509 *x509 = ossl_cert(cert);
    EXTENDED_KEY_USAGE *extended = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    ASN1_BIT_STRING *usage = X509_get_ext_d2i(x509, NID_key_usage, NULL, NULL);
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; usage && i < ARRAY_LEN(bits); i++)
        if (ASN1_BIT_STRING_get_bit(usage, (int)i))
            strbuf_printf(&text, "%s%s", text.len > 0 ? ", " : "", bits[i]);
    if (text.len > 0)
        inspect_add(node, "keyUsage", "%s", text.data);
    strbuf_reset(&text);
    for (int i = 0; i < sk_ASN1_OBJECT_num(extended); i++) {
        char name[80];

        (void)OBJ_obj2txt(name, sizeof(name), sk_ASN1_OBJECT_value(extended, i), 0);
        strbuf_printf(&text, "%s%s", i > 0 ? ", " : "", name);
    }
    if (text.len > 0)
        inspect_add(node, "extendedKeyUsage", "%s", text.data);
    strbuf_clear(&text);
    ASN1_BIT_STRING_free(usage);
    EXTENDED_KEY_USAGE_free(extended);
}

static void add_san(struct inspect_node *node, const struct cert *cert, struct san *san)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    if (!cert_san(cert, san, &err))
        inspect_say(node, INSPECT_BAD, "%s", err.msg);
    san_format(san, &text);
    if (text.len > 0)
        inspect_add(node, "subjectAltName", "%s", text.data);
    strbuf_clear(&text);
}

static void add_ids(struct inspect_node *node, const struct cert *cert)
{
    const ASN1_OCTET_STRING *id = X509_get0_authority_key_id(ossl_cert(cert));
    struct strbuf text = STRBUF_INIT;

    cert_key_id_hex(cert, &text);
    if (text.len > 0)
        inspect_add(node, "subjectKeyIdentifier", "%s", text.data);
    strbuf_reset(&text);
    if (id)
        strbuf_add_hex(&text, ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
    if (text.len > 0)
        inspect_add(node, "authorityKeyIdentifier", "%s", text.data);
    strbuf_clear(&text);
    if (cert_is_tied_to_issuer(cert) && !cert_is_self_signed(cert))
        inspect_say(node, INSPECT_NOTE,
                    _("It names its issuer's serial number: when the CA's certificate is renewed "
                      "with another one, this one is orphaned."));
}

/* ---- what it is for ---- */

static void check_ca(struct inspect_node *node, const struct cert *cert)
{
    long path = X509_get_pathlen(ossl_cert(cert));

    if (path >= 0)
        inspect_add(node, _("path length"), "%ld", path);
    if (!cert_may_sign_crls(cert))
        inspect_say(node, INSPECT_BAD,
                    _("This CA may not sign lists of revoked certificates: its keyUsage lacks "
                      "cRLSign."));
    if (!cert_is_self_signed(cert))
        inspect_say(node, INSPECT_NOTE,
                    _("An intermediate CA: PostgreSQL needs those above it as well, up to the "
                      "root."));
}

static void check_client(struct inspect_node *node, const struct cert *cert)
{
    struct strbuf name = STRBUF_INIT;
    bool upper = false;

    if (!cert_common_name(cert, &name)) {
        inspect_say(node, INSPECT_BAD,
                    _("It has no common name (CN): \"client certificate contains no user name\"."));
        strbuf_clear(&name);
        return;
    }
    for (const char *at = name.data; *at; at++)
        upper = upper || isupper((unsigned char)*at);
    if (name.len > CN_PG_MAX)
        inspect_say(node, INSPECT_BAD, _("Its CN is longer than any role name (%d bytes)."),
                    CN_PG_MAX);
    else if (name.len > NAME_CN_MAX)
        inspect_say(node, INSPECT_WARN, _("Its CN is longer than pg_stat_ssl shows (%d bytes)."),
                    NAME_CN_MAX);
    if (upper)
        inspect_say(node, INSPECT_NOTE,
                    _("Its CN has capital letters: it is compared with the role letter by letter, "
                      "and CREATE ROLE without quotes makes small ones."));
    strbuf_clear(&name);
}

static void check_server(struct inspect_node *node, const struct san *san)
{
    size_t dns = 0;
    size_t ip = 0;

    for (size_t i = 0; i < san->n; i++) {
        dns += san->entries[i].type == SAN_DNS;
        ip += san->entries[i].type == SAN_IP;
    }
    if (dns + ip == 0)
        inspect_say(node, INSPECT_WARN,
                    _("It has no subjectAltName: libpq falls back to the CN, other clients refuse "
                      "it."));
    else if (dns == 0)
        inspect_say(node, INSPECT_NOTE,
                    _("It is for addresses only; libpq before 15 looks at the CN "
                      "for them."));
}

static void add_purpose(struct inspect_node *node, const struct cert *cert, const struct san *san)
{
    bool ca = cert_is_ca(cert);
    bool client = !ca && cert_for_clients(cert);
    bool server = !ca && cert_for_servers(cert);
    bool any = client && server;

    inspect_add(node, _("purpose"), "%s",
                ca && cert_is_self_signed(cert) ? _("CA, root")
                : ca                            ? _("CA, intermediate")
                : any                           ? _("for clients, for servers")
                : client                        ? _("for clients")
                : server                        ? _("for servers")
                                                : _("neither clients, servers nor CA"));
    if (ca)
        check_ca(node, cert);
    else if (!client && !server)
        inspect_say(node, INSPECT_BAD,
                    _("Its usages allow neither a login nor a server: alert \"unsupported "
                      "certificate\"."));
    if (client && san->n == 0)
        check_client(node, cert);
    if (server && (!client || san->n > 0))
        check_server(node, san);
}

struct inspect_node *inspect_cert(const struct cert *cert, int64_t now)
{
    struct inspect_node *node = inspect_new(_("Certificate"));
    char sha256[CERT_SHA256_HEX];
    bool self_signed = cert_is_self_signed(cert);
    struct san san;

    san_init(&san);
    add_names(node, cert);
    add_serial(node, cert);
    add_dates(node, cert, now);
    inspect_part_public_key(node, X509_get0_pubkey(ossl_cert(cert)),
                            !cert_is_ca(cert) && cert_for_clients(cert));
    add_signature(node, cert, self_signed);
    add_san(node, cert, &san);
    add_purpose(node, cert, &san);
    add_usages(node, cert);
    add_ids(node, cert);
    if (X509_get_version(ossl_cert(cert)) != X509_VERSION_3)
        inspect_say(node, INSPECT_WARN,
                    _("It is X.509 version %ld, without extensions: nothing says what it is for."),
                    X509_get_version(ossl_cert(cert)) + 1);
    inspect_add(node, "SHA-256", "%s", cert_sha256_hex(cert, sha256));
    san_clear(&san);
    ossl_clear();
    return node;
}

/* ---- several ---- */

/* Signatures that are tried, in one file: thousands of certificates that all have the same name, or a
 * few hundred with huge keys, would keep a processor busy for minutes. */
#define TRIES_MAX 2000

static bool has_issuer(const struct cert_list *certs, const struct cert *cert, size_t *tries)
{
    for (size_t i = 0; i<certs->n && * tries> 0; i++) {
        if (X509_check_issued(ossl_cert(certs->certs[i]), ossl_cert(cert)) != X509_V_OK)
            continue;
        --*tries;
        if (cert_issued_by(cert, certs->certs[i]))
            return true;
    }
    return *tries == 0; /* nobody knows: nothing is said */
}

void inspect_part_chain(struct inspect_node *node, const struct cert_list *certs)
{
    bool ordered = true;
    bool leaf = !cert_is_ca(certs->certs[0]);
    size_t tries = TRIES_MAX;
    struct strbuf name = STRBUF_INIT;

    inspect_add(node, _("certificates"), "%zu", certs->n);
    for (size_t i = 0; i < certs->n; i++) {
        const struct cert *cert = certs->certs[i];

        if (i + 1 < certs->n && !cert_issued_by(cert, certs->certs[i + 1]))
            ordered = false;
        for (size_t k = 0; k < i; k++)
            if (cert_equal(cert, certs->certs[k])) {
                inspect_say(node, INSPECT_NOTE, _("Number %zu is number %zu again."), i + 1, k + 1);
                break;
            }
        if (cert_is_self_signed(cert) || has_issuer(certs, cert, &tries))
            continue;
        strbuf_reset(&name);
        cert_format_issuer(cert, &name);
        inspect_say(node, leaf && i + 1 == certs->n ? INSPECT_NOTE : INSPECT_WARN,
                    _("The issuer of number %zu, \"%s\", is not in the file."), i + 1, name.data);
    }
    if (tries == 0)
        inspect_say(node, INSPECT_NOTE,
                    _("So many have the same name that not every signature was tried."));
    if (leaf && ordered)
        inspect_say(node, INSPECT_GOOD, _("A chain: each is signed by the next one."));
    else if (leaf)
        inspect_say(node, INSPECT_BAD,
                    _("Not a chain in order: the other side's certificate first, then its issuer, "
                      "and so on."));
    strbuf_clear(&name);
}
