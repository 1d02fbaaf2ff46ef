/* chain.c - the verdict of the other side about a certificate, computed here. */
#include "config.h"

#include "core/pki/chain.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/pki/chain_alert.h"
#include "core/pki/ossl.h"

#define AUTH_LEVEL 2 /* Debian's and OpenSSL's default security level */
#define NAME_SIZE  56

/* One question, with all that its answer may need. */
struct check {
    const struct cert *leaf;
    const struct cert_list *untrusted; /* or NULL */
    const struct cert_list *trusted;
    bool system; /* the operating system's CAs too */
    struct crl *const *crls;
    size_t n_crls;
    const char *role; /* OpenSSL's name of the parameter set: "ssl_client" or "ssl_server" */
    int64_t when;
};

/* What X509_verify_cert() stumbled over first; borrowed from leaf and store. */
struct fault {
    int code;
    int depth;
    X509 *cert;
    X509_CRL *crl;
};

/* -- names in sentences ------------------------------------------------------------------------ */

/* The CN, else the whole name, cleaned and clipped: a cause has one line. */
static char *short_name(char out[NAME_SIZE], const X509_NAME *from)
{
    struct name *name = ossl_name_copy(from);
    struct strbuf text = STRBUF_INIT;

    if (!name_common_name(name, &text) || text.len == 0)
        name_format(name, &text);
    if (text.len == 0)
        strbuf_add_str(&text, _("(no name)"));
    if (text.len >= NAME_SIZE) {
        strbuf_truncate(&text, NAME_SIZE - 4);
        while (text.len > 0 && ((unsigned char)text.data[text.len - 1] & 0xc0) == 0x80)
            strbuf_truncate(&text, text.len - 1); /* not in the middle of a character */
        if (text.len > 0 && (unsigned char)text.data[text.len - 1] >= 0xc0)
            strbuf_truncate(&text, text.len - 1);
        strbuf_add_str(&text, "...");
    }
    (void)text_clean_copy(out, NAME_SIZE, text.data);
    strbuf_clear(&text);
    name_free(name);
    return out;
}

static char *subject_name(char out[NAME_SIZE], const X509 *x)
{
    return short_name(out, X509_get_subject_name(x));
}

static void say(struct chain_verdict *ret, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct chain_verdict *ret, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(ret->cause, sizeof(ret->cause), fmt, args);
    va_end(args);
}

/* -- causes ------------------------------------------------------------------------------------ */

/* A trusted certificate of this name, or NULL. */
static const struct cert *trusted_named(const struct check *check, const X509_NAME *name)
{
    for (size_t i = 0; i < check->trusted->n; i++) {
        const X509 *x = ossl_cert(check->trusted->certs[i]);

        if (X509_NAME_cmp(X509_get_subject_name(x), name) == 0)
            return check->trusted->certs[i];
    }
    return NULL;
}

static void say_no_issuer(const struct check *check, X509 *at, struct chain_verdict *ret)
{
    const X509_NAME *wanted = X509_get_issuer_name(at);
    bool self = X509_NAME_cmp(wanted, X509_get_subject_name(at)) == 0;
    char issuer[NAME_SIZE];
    char subject[NAME_SIZE];

    (void)short_name(issuer, wanted);
    (void)subject_name(subject, at);
    if (check->trusted->n == 0)
        say(ret, _("no CA is trusted there at all"));
    else if (self && ret->depth == 0 && !trusted_named(check, wanted))
        say(ret, _("\"%s\" signed itself, and is not trusted"), subject);
    else if (trusted_named(check, wanted))
        say(ret, _("a CA named \"%s\" is trusted, but it has another key"), issuer);
    else if (ret->depth > 0 && !self)
        say(ret, _("\"%s\" is there, but its own CA \"%s\" is missing"), subject, issuer);
    else
        say(ret, _("the CA \"%s\" is not trusted"), issuer);
}

static void say_no_crl(const struct check *check, const struct fault *fault,
                       struct chain_verdict *ret)
{
    const X509_NAME *issuer = X509_get_issuer_name(fault->cert);
    char name[NAME_SIZE];

    (void)short_name(name, issuer);
    for (size_t i = 0; i < check->n_crls; i++) {
        if (X509_NAME_cmp(X509_CRL_get_issuer(ossl_crl(check->crls[i])), issuer) == 0) {
            say(ret, _("the CRL of \"%s\" is that of another CA of the same name"), name);
            return;
        }
    }
    say(ret, _("there is no CRL of \"%s\", and every CA needs one as soon as one is loaded"), name);
}

static void say_revoked(const struct fault *fault, const char *name, struct chain_verdict *ret)
{
    X509_REVOKED *revoked = NULL;
    char date[CLOCK_TEXT_MAX];

    if (fault->crl && X509_CRL_get0_by_cert(fault->crl, &revoked, fault->cert) > 0)
        say(ret, _("\"%s\" was revoked on %s"), name,
            clock_format_date(date, ossl_time(X509_REVOKED_get0_revocationDate(revoked))));
    else
        say(ret, _("\"%s\" was revoked"), name);
}

static void say_dates(const struct fault *fault, const char *name, struct chain_verdict *ret)
{
    char date[CLOCK_TEXT_MAX];

    if (fault->code == X509_V_ERR_CERT_HAS_EXPIRED) {
        (void)clock_format_date(date, ossl_time(X509_get0_notAfter(fault->cert)));
        if (ret->depth > 0)
            say(ret, _("the CA \"%s\" ended on %s"), name, date);
        else
            say(ret, _("the certificate of \"%s\" ended on %s"), name, date);
        return;
    }
    (void)clock_format_minute(date, ossl_time(X509_get0_notBefore(fault->cert)));
    if (ret->depth > 0)
        say(ret, _("the CA \"%s\" is not valid before %s UTC: clocks?"), name, date);
    else
        say(ret, _("the certificate of \"%s\" is not valid before %s UTC: clocks?"), name, date);
}

static void say_crl(const struct fault *fault, struct chain_verdict *ret)
{
    char name[NAME_SIZE];
    char date[CLOCK_TEXT_MAX];

    (void)short_name(name, fault->crl ? X509_CRL_get_issuer(fault->crl)
                                      : X509_get_issuer_name(fault->cert));
    switch (fault->code) {
    case X509_V_ERR_CRL_HAS_EXPIRED:
        say(ret, _("the CRL of \"%s\" ended on %s"), name,
            clock_format_date(date,
                              fault->crl ? ossl_time(X509_CRL_get0_nextUpdate(fault->crl)) : 0));
        break;
    case X509_V_ERR_CRL_NOT_YET_VALID:
        say(ret, _("the CRL of \"%s\" is not valid before %s UTC: clocks?"), name,
            clock_format_minute(date,
                                fault->crl ? ossl_time(X509_CRL_get0_lastUpdate(fault->crl)) : 0));
        break;
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
        say(ret, _("the CA \"%s\" may not sign CRLs: its keyUsage lacks cRLSign"), name);
        break;
    default:
        say(ret, _("the CRL of \"%s\" was signed by another key: two CAs of one name?"), name);
        break;
    }
}

static void say_purpose(const struct check *check, const char *name, struct chain_verdict *ret)
{
    bool client = strcmp(check->role, "ssl_client") == 0;

    if (ret->depth > 0)
        say(ret,
            client ? _("the CA \"%s\" may not be used for clients")
                   : _("the CA \"%s\" may not be used for servers"),
            name);
    else if (client && cert_for_servers(check->leaf))
        say(ret, _("\"%s\" is a server's certificate, not a client's"), name);
    else if (!client && cert_for_clients(check->leaf))
        say(ret, _("\"%s\" is a client's certificate, not a server's"), name);
    else
        say(ret, _("\"%s\" may not be used for this: its keyUsage or extendedKeyUsage"), name);
}

static void say_weak(const struct fault *fault, const char *name, struct chain_verdict *ret)
{
    EVP_PKEY *pkey = X509_get0_pubkey(fault->cert);
    int md = NID_undef;

    if (fault->code == X509_V_ERR_CA_MD_TOO_WEAK) {
        (void)X509_get_signature_info(fault->cert, &md, NULL, NULL, NULL);
        say(ret, _("\"%s\" is signed with the weak hash %s"), name, OBJ_nid2sn(md));
    } else {
        say(ret, _("the key of \"%s\" is too weak: %d bits"), name,
            pkey ? EVP_PKEY_get_bits(pkey) : 0);
    }
}

static void say_cause(const struct check *check, const struct fault *fault,
                      struct chain_verdict *ret)
{
    char name[NAME_SIZE];
    char issuer[NAME_SIZE];

    (void)subject_name(name, fault->cert);
    switch (fault->code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        say_dates(fault, name, ret);
        break;
    case X509_V_ERR_CERT_REVOKED:
        say_revoked(fault, name, ret);
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
        say_no_crl(check, fault, ret);
        break;
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
        say_crl(fault, ret);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        say_no_issuer(check, fault->cert, ret);
        break;
    case X509_V_ERR_INVALID_PURPOSE:
        say_purpose(check, name, ret);
        break;
    case X509_V_ERR_INVALID_CA:
        say(ret, _("\"%s\" is not a CA"), name);
        break;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        say(ret, _("\"%s\" was not signed by the trusted CA \"%s\": two CAs of one name?"), name,
            short_name(issuer, X509_get_issuer_name(fault->cert)));
        break;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        say_weak(fault, name, ret);
        break;
    default:
        say(ret, "\"%s\": %s", name, X509_verify_cert_error_string(fault->code));
        break;
    }
}

/* -- the question ------------------------------------------------------------------------------ */

static X509_STORE *make_store(const struct check *check)
{
    X509_STORE *store = X509_STORE_new();

    if (!store)
        return NULL;
    if (check->system && X509_STORE_set_default_paths(store) != 1)
        goto fail;
    for (size_t i = 0; i < check->trusted->n; i++) {
        if (X509_STORE_add_cert(store, ossl_cert(check->trusted->certs[i])) != 1)
            goto fail;
    }
    for (size_t i = 0; i < check->n_crls; i++) {
        if (X509_STORE_add_crl(store, ossl_crl(check->crls[i])) != 1)
            goto fail;
    }
    if (check->n_crls > 0 &&
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
        goto fail;
    return store;
fail:
    X509_STORE_free(store);
    return NULL;
}

static STACK_OF(X509) * make_stack(const struct cert_list *certs)
{
    STACK_OF(X509) *stack = sk_X509_new_null();

    for (size_t i = 0; stack && certs && i < certs->n; i++) {
        if (sk_X509_push(stack, ossl_cert(certs->certs[i])) <= 0) {
            sk_X509_free(stack);
            return NULL;
        }
    }
    return stack;
}

/* Called in the moment of the fault: afterwards the context has forgotten which CRL it was. */
static int note_fault(int ok, X509_STORE_CTX *ctx)
{
    struct fault *fault = X509_STORE_CTX_get_app_data(ctx);

    if (!ok) {
        fault->code = X509_STORE_CTX_get_error(ctx);
        fault->depth = X509_STORE_CTX_get_error_depth(ctx);
        fault->crl = X509_STORE_CTX_get0_current_crl(ctx);
        if (X509_STORE_CTX_get_current_cert(ctx))
            fault->cert = X509_STORE_CTX_get_current_cert(ctx);
    }
    return ok;
}

static void verify(const struct check *check, struct chain_verdict *ret)
{
    X509_STORE *store = make_store(check);
    STACK_OF(X509) *untrusted = make_stack(check->untrusted);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    struct fault fault = {.code = X509_V_ERR_UNSPECIFIED, .cert = ossl_cert(check->leaf)};

    memset(ret, 0, sizeof(*ret));
    if (!store || !untrusted || !ctx ||
        X509_STORE_CTX_init(ctx, store, ossl_cert(check->leaf), untrusted) != 1 ||
        X509_STORE_CTX_set_default(ctx, check->role) != 1)
        goto out;
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    X509_VERIFY_PARAM_set_time(param, (time_t)check->when);
    X509_STORE_CTX_set_app_data(ctx, &fault);
    X509_STORE_CTX_set_verify_cb(ctx, note_fault);
    ret->accepted = X509_verify_cert(ctx) == 1;
out:
    if (!ret->accepted) {
        ret->openssl_code = fault.code;
        ret->depth = fault.depth;
        ret->alert = chain_alert(fault.code);
        say_cause(check, &fault, ret);
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(untrusted);
    X509_STORE_free(store);
    ossl_clear();
}

void chain_verify_client(const struct cert *leaf, const struct cert_list *untrusted,
                         const struct cert_list *trusted, struct crl *const *crls, size_t n_crls,
                         int64_t when, struct chain_verdict *ret)
{
    const struct check check = {
        .leaf = leaf,
        .untrusted = untrusted,
        .trusted = trusted,
        .crls = crls,
        .n_crls = n_crls,
        .role = "ssl_client",
        .when = when,
    };

    verify(&check, ret);
}

/* The host as libpq looks for it: an address in iPAddress or CN, a name in dNSName, else CN. */
static bool host_matches(const struct cert *leaf, const char *host)
{
    unsigned char ip[16];
    struct strbuf cn = STRBUF_INIT;
    X509 *x = ossl_cert(leaf);
    bool matches;

    if (inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1) {
        matches = X509_check_ip_asc(x, host, 0) == 1;
        if (!matches && X509_get_ext_by_NID(x, NID_subject_alt_name, -1) < 0 &&
            cert_common_name(leaf, &cn))
            matches = strcmp(cn.data, host) == 0;
    } else {
        matches = X509_check_host(x, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
    }
    strbuf_clear(&cn);
    ossl_clear();
    return matches;
}

void chain_verify_server(const struct cert *leaf, const struct cert_list *untrusted,
                         const struct cert_list *trusted, const char *host, int64_t when,
                         struct chain_verdict *ret)
{
    const struct check check = {
        .leaf = leaf,
        .untrusted = untrusted,
        .trusted = trusted,
        .role = "ssl_server",
        .when = when,
    };
    char name[NAME_SIZE];
    char clean[NAME_SIZE];

    verify(&check, ret);
    if (!ret->accepted || !host || host_matches(leaf, host))
        return;
    ret->accepted = false; /* libpq closes the connection by itself: no alert */
    ret->openssl_code = X509_V_ERR_HOSTNAME_MISMATCH;
    say(ret, _("the certificate of \"%s\" is not for the host \"%s\""),
        subject_name(name, ossl_cert(leaf)), text_clean_copy(clean, sizeof(clean), host));
}

void chain_verify_server_lists(const struct cert *leaf, const struct cert_list *untrusted,
                               const struct cert_list *trusted, struct crl *const *crls,
                               size_t n_crls, int64_t when, struct chain_verdict *ret)
{
    const struct check check = {
        .leaf = leaf,
        .untrusted = untrusted,
        .trusted = trusted,
        .crls = crls,
        .n_crls = n_crls,
        .role = "ssl_server",
        .when = when,
    };

    verify(&check, ret);
}

void chain_verify_server_system(const struct cert *leaf, const struct cert_list *untrusted,
                                int64_t when, struct chain_verdict *ret)
{
    const struct cert_list none = {.n = 0};
    const struct check check = {
        .leaf = leaf,
        .untrusted = untrusted,
        .trusted = &none,
        .system = true,
        .role = "ssl_server",
        .when = when,
    };

    verify(&check, ret);
}
