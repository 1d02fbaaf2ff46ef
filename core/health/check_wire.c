/* check_wire.c - what a client meets: the one thing that SQL cannot tell. */
#include "config.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/health/check.h"
#include "core/pg/greeting.h"
#include "core/pki/ossl.h"

#define ALERT_REVOKED 44
#define CANARY_CAS    4 /* two handshakes each */
#define JUST_NOW      2 /* seconds since a reload */
#define SETTLE_TRIES  4
#define SETTLE_MS     50

static bool is_one_of(const struct cert_list *list, const struct cert *cert)
{
    for (size_t i = 0; i < list->n; i++) {
        if (cert_equal(list->certs[i], cert))
            return true;
    }
    return false;
}

/* ---- the server's certificate ---- */

static bool host_fits(X509 *leaf, const char *host)
{
    unsigned char address[16];
    size_t len = strlen(host);

    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_check_ip_asc(leaf, host, 0) == 1 ||
               X509_check_host(leaf, host, len, 0, NULL) == 1; /* libpq takes an address as CN */
    return X509_check_host(leaf, host, len, 0, NULL) == 1;
}

static void judge_leaf(struct check *check, const struct cert *leaf)
{
    const char *host = check->request->tls_host;
    int64_t end = cert_not_after(leaf);
    char date[CLOCK_TEXT_MAX];

    check->out->cert_not_after = end;
    (void)clock_format_date(date, end);
    if (end <= check->now)
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_SERVER_CERT_ENDED,
                                 "ssl_cert_file", _("the server's certificate ended on %s"), date),
                     ACT_SERVER_TLS, "");
    else if (check_is_soon(check, end - cert_not_before(leaf), end))
        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_SERVER_CERT_ENDS,
                                 "ssl_cert_file", _("the server's certificate ends on %s"), date),
                     ACT_SERVER_TLS, "");
    if (!host_fits(ossl_cert(leaf), host))
        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_SERVER_NAME, "ssl_cert_file",
                                 _("\"%s\" is not among the certificate's names"), host),
                     ACT_SERVER_TLS, "");
}

/* A certificate here that issued this one and is no root: then it should have been sent. */
static bool issuer_is_intermediate(const struct check *check, const struct cert *cert)
{
    for (size_t i = 0; i < check->ca.certs.n; i++) {
        const struct cert *ca = check->ca.certs.certs[i];

        if (cert_issued_by(cert, ca) && !cert_is_self_signed(ca))
            return true;
    }
    return false;
}

static void judge_chain(struct check *check)
{
    const struct cert_list *sent = &check->wire.chain;
    const struct cert_list *file = &check->cert.certs;
    char name[CHECK_NAME_SIZE];

    if (sent->n == 0)
        return;
    if (check->cert.state == TLS_FILE_READ && check->cert.loads &&
        cert_equal(sent->certs[0], file->certs[0])) {
        for (size_t i = 1; i < sent->n; i++) {
            if (is_one_of(file, sent->certs[i]) || cert_is_self_signed(sent->certs[i]))
                continue;
            finding_mend(
                finding_add(check->findings, FINDING_WARNING, ERR_CHAIN_BORROWED, "ssl_cert_file",
                            _("\"%s\" is sent with the server's certificate, and does not stand in "
                              "ssl_cert_file"),
                            check_name(name, sent->certs[i])),
                ACT_SERVER_TLS, "");
            return;
        }
    }
    if (issuer_is_intermediate(check, sent->certs[sent->n - 1]))
        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_CHAIN_INCOMPLETE,
                                 "ssl_cert_file", _("the CA of \"%s\" is no root, and is not sent"),
                                 check_name(name, sent->certs[sent->n - 1])),
                     ACT_SERVER_TLS, "");
}

/* ---- files against the wire ---- */

static void add_stale(struct check *check, const char *setting, const char *what)
{
    finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_TLS_STALE, setting, "%s", what),
                 ACT_RELOAD, "");
}

/* The list of names is de-duplicated, so it is compared as a set. */
static bool same_names(const struct check *check)
{
    const struct cert_list *cas = &check->ca.certs;
    size_t distinct = 0;

    for (size_t i = 0; i < cas->n; i++) {
        bool first = true;

        if (!handshake_accepts_ca(&check->wire, cas->certs[i]))
            return false;
        for (size_t j = 0; j < i && first; j++)
            first = X509_NAME_cmp(X509_get_subject_name(ossl_cert(cas->certs[i])),
                                  X509_get_subject_name(ossl_cert(cas->certs[j]))) != 0;
        distinct += first;
    }
    return distinct == check->wire.n_accepted_cas;
}

static void judge_stale(struct check *check)
{
    const struct handshake *wire = &check->wire;

    if (check->cert.state == TLS_FILE_READ && check->cert.loads && wire->chain.n > 0 &&
        !cert_equal(check->cert.certs.certs[0], wire->chain.certs[0]))
        add_stale(check, "ssl_cert_file",
                  _("the running server shows another certificate than the one in ssl_cert_file"));
    if (check->ca.state == TLS_FILE_UNSET && wire->asks_certificate)
        add_stale(check, "ssl_ca_file",
                  _("ssl_ca_file is empty, and the running server still asks for certificates"));
    else if (check->ca.state == TLS_FILE_READ && check->ca.loads && !same_names(check))
        add_stale(check, "ssl_ca_file",
                  _("the running server accepts other CAs than those in ssl_ca_file"));
}

/* ---- canaries: the truth about CRLs ---- */

/* The alert that came back; 0: accepted; -1: could not be tried. */
static int try_canary(struct check *check, const struct authority *authority, enum canary_kind kind)
{
    struct canary canary = {.key = NULL};
    struct handshake_request request = {.host = check->request->tls_host,
                                        .port = check->request->tls_port};
    struct handshake seen;
    struct err why = ERR_INIT; /* an old store without its canaries' keys: nothing to try */
    int alert = -1;

    if (!authority_canary(check->request->store, authority, kind, &canary, &why))
        return -1;
    request.cert = canary.cert;
    request.key = canary.key;
    if (handshake_run(&request, &seen, &why)) {
        alert = seen.verdict == HANDSHAKE_REFUSED ? seen.alert : seen.sent_certificate ? 0 : -1;
        handshake_clear(&seen);
    }
    canary_clear(&canary);
    return alert;
}

/* True when another finding says already why certificates of this CA are refused. */
static bool is_explained(const struct check *check, const char *name)
{
    static const enum err_code codes[] = {ERR_CRL_MISSING, ERR_CRL_ENDED, ERR_CRL_NOT_YET,
                                          ERR_CA_ENDED, ERR_CA_NO_CRL_SIGN};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (findings_find(check->findings, codes[i], name))
            return true;
    }
    return findings_find(check->findings, ERR_CRL_DIR, NULL) ||
           findings_find(check->findings, ERR_TLS_STALE, NULL) ||
           findings_find(check->findings, ERR_SAME_SUBJECT, NULL);
}

static void judge_canaries(struct check *check, const struct authority *authority,
                           const struct cert *ca)
{
    char name[CHECK_NAME_SIZE];
    int good = try_canary(check, authority, CANARY_GOOD);
    int revoked = good == 0 ? try_canary(check, authority, CANARY_REVOKED) : -1;

    (void)check_name(name, ca);
    if (good > 0 && !is_explained(check, name))
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_TLS_STALE, name,
                                 _("a good certificate of \"%s\" is refused: alert %d (%s)"), name,
                                 good, handshake_alert_name(good)),
                     ACT_TRUST, name);
    if (revoked == 0 && check_uses_crls(check))
        finding_mend(
            finding_add(check->findings, FINDING_ERROR, ERR_TLS_STALE, name,
                        _("a revoked certificate of \"%s\" gets in: the CRL is not loaded"), name),
            ACT_CRL, name);
}

static bool check_canaries(struct check *check, struct err *err)
{
    size_t n = 0;

    if (!check->request->store || !check->wire.asks_certificate)
        return true;
    for (size_t i = 0; i < check->ca.certs.n && n < CANARY_CAS; i++) {
        const struct cert *ca = check->ca.certs.certs[i];
        struct authority *authority = NULL;

        if (!authority_find(check->request->store, ca, &authority, err))
            return false;
        if (authority && handshake_accepts_ca(&check->wire, ca)) {
            judge_canaries(check, authority, ca);
            n++;
        }
        authority_free(authority);
    }
    return true;
}

/* ---- all ---- */

static void check_greeting(struct check *check)
{
    enum greeting greeting;
    struct err why = ERR_INIT; /* the handshake before it was answered: nothing more to say */

    if (greeting_ask(check->request->tls_host, check->request->tls_port, 0, &greeting, &why) &&
        greeting == GREETING_POOLER)
        finding_add(check->findings, FINDING_WARNING, ERR_POOLER, check->request->tls_host,
                    _("\"%s\" port %d is a pooler, not PostgreSQL"), check->request->tls_host,
                    check->request->tls_port);
}

/* The postmaster loads its TLS files a moment after it told its backends to reload. */
static bool is_settled(const struct check *check)
{
    if (check->now - check->loaded_at > JUST_NOW)
        return true;
    if (check->wire.verdict == HANDSHAKE_NO_TLS)
        return !check->ssl;
    return check->wire.asks_certificate == (check->ca.state != TLS_FILE_UNSET) &&
           (!check->ca.loads || same_names(check)) &&
           (!check->cert.loads || check->wire.chain.n == 0 ||
            cert_equal(check->cert.certs.certs[0], check->wire.chain.certs[0]));
}

static bool shake_hands(struct check *check, struct err *err)
{
    struct handshake_request request = {.host = check->request->tls_host,
                                        .port = check->request->tls_port};

    for (int tries = 0;; tries++) {
        if (!handshake_run(&request, &check->wire, err))
            return false;
        if (tries == SETTLE_TRIES || is_settled(check))
            return true;
        handshake_clear(&check->wire);
        poll(NULL, 0, SETTLE_MS);
    }
}

bool check_wire(struct check *check, struct err *err)
{
    const char *host = check->request->tls_host;
    struct err why = ERR_INIT;

    if (!host || !*host)
        return true;
    if (!shake_hands(check, &why)) {
        check->out->tls = SERVER_TLS_NO_ANSWER;
        finding_cause(finding_add(check->findings, FINDING_ERROR, why.code, host, "%s", why.msg),
                      "%s", err_cause_text(&why));
        return true;
    }
    check->has_wire = true;
    check_greeting(check);
    if (check->wire.verdict == HANDSHAKE_NO_TLS) {
        check->out->tls = SERVER_TLS_OFF;
        if (check->ssl)
            finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_TLS_NOT_LOADED, "ssl",
                                     _("ssl is on, and \"%s\" port %d answers that it has no TLS"),
                                     host, check->request->tls_port),
                         ACT_SERVER_TLS, "");
        return true;
    }
    check->out->tls = SERVER_TLS_ON;
    text_clean_copy(check->out->tls_version, sizeof(check->out->tls_version), check->wire.version);
    if (check->wire.chain.n > 0)
        judge_leaf(check, check->wire.chain.certs[0]);
    judge_chain(check);
    judge_stale(check);
    return check_canaries(check, err);
}
