/* check_keys.c - kinds of keys and signatures that some clients, or TLS 1.2, cannot use. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/health/check.h"
#include "core/pki/ossl.h"
#include "core/store/issued.h"

#define STRONG_BITS 112 /* RSA-2048; SHA-1 has 63 */
#define LOOK_AT_MAX 500

static bool weak_key(X509 *x509)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);

    return key && EVP_PKEY_get_security_bits(key) < STRONG_BITS;
}

static bool weak_signature(X509 *x509)
{
    int bits = 0;

    return X509_get_signature_info(x509, NULL, NULL, &bits, NULL) == 1 && bits > 0 &&
           bits < STRONG_BITS;
}

static void judge_strength(struct check *check, const char *object, const struct cert *cert,
                           enum finding_act act)
{
    X509 *x509 = ossl_cert(cert);
    EVP_PKEY *key = X509_get0_pubkey(x509);
    char name[CHECK_NAME_SIZE];

    (void)check_name(name, cert);
    if (weak_key(x509))
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_WEAK_KEY, object,
                                 _("the key of \"%s\" has %d bits"), name,
                                 key ? EVP_PKEY_get_bits(key) : 0),
                     act, "");
    else if (weak_signature(x509) && !cert_is_self_signed(cert)) /* a root's own does not count */
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_WEAK_KEY, object,
                                 _("\"%s\" is signed with %s"), name,
                                 OBJ_nid2sn(X509_get_signature_nid(x509))),
                     act, "");
}

static void judge_scram(struct check *check, const struct cert *leaf)
{
    int nid = X509_get_signature_nid(ossl_cert(leaf));

    if (nid != NID_ED25519 && nid != NID_ED448)
        return;
    finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_SCRAM_EDDSA, "ssl_cert_file",
                             _("the server's certificate is signed with %s: logins with a password "
                               "fail over TLS"),
                             OBJ_nid2sn(nid)),
                 ACT_SERVER_TLS, "");
}

/* The curves that the server offers also bind client keys, on TLS 1.2. */
static bool offers_p384(const struct check *check)
{
    const char *groups = settings_value(&check->settings, "ssl_groups");

    if (!*groups)
        groups = settings_value(&check->settings, "ssl_ecdh_curve");
    return strstr(groups, "secp384r1") || strstr(groups, "P-384");
}

static bool judge_clients(struct check *check, struct err *err)
{
    struct issued_filter filter = {.state = ISSUED_VALID, .limit = LOOK_AT_MAX, .no_total = true};
    const char *min = settings_value(&check->settings, "ssl_min_protocol_version");
    struct issued_list list;
    size_t n = 0;
    const char *role = "";

    if (!check->request->store || strcmp(min, "TLSv1.3") == 0 || offers_p384(check))
        return true;
    if (!issued_list(check->request->store, &filter, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct issued *issued = list.rows[i];
        bool trusted = false;

        if (issued->kind != ISSUED_CLIENT || cert_key_type(issued->cert) != KEY_EC_P384)
            continue;
        for (size_t j = 0; j < check->ca.certs.n && !trusted; j++)
            trusted = cert_issued_by(issued->cert, check->ca.certs.certs[j]);
        if (trusted && n++ == 0)
            role = issued->role;
    }
    if (n > 0)
        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_KEY_TLS12, "ssl_ecdh_curve",
                                 _("%zu P-384 client certificates work on TLS 1.3 only, the newest "
                                   "is for \"%s\""),
                                 n, role),
                     ACT_ISSUE, role);
    issued_list_clear(&list);
    return true;
}

bool check_keys(struct check *check, struct err *err)
{
    const struct cert *leaf = check->cert.certs.n > 0 ? check->cert.certs.certs[0]
                              : check->has_wire && check->wire.chain.n > 0
                                  ? check->wire.chain.certs[0]
                                  : NULL;

    if (leaf && check->ssl) {
        judge_strength(check, "ssl_cert_file", leaf, ACT_SERVER_TLS);
        judge_scram(check, leaf);
    }
    for (size_t i = 0; i < check->ca.certs.n; i++)
        judge_strength(check, "ssl_ca_file", check->ca.certs.certs[i], ACT_TRUST);
    return judge_clients(check, err);
}
