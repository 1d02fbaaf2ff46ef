/* check_trust.c - which CAs the server trusts, openly or not, and whether each has its list. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/health/check.h"
#include "core/pki/ossl.h"

/* Our CA behind this certificate; NULL without one. */
static bool find_authority(struct check *check, const struct cert *ca, struct authority **ret,
                           struct err *err)
{
    *ret = NULL;
    return !check->request->store || authority_find(check->request->store, ca, ret, err);
}

/* ---- certificates ---- */

static void judge_ca_dates(struct check *check, const struct cert *ca, const char *name)
{
    char date[CLOCK_TEXT_MAX];
    int64_t end = cert_not_after(ca);

    (void)clock_format_date(date, end);
    if (end <= check->now)
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_CA_ENDED, name,
                                 _("the CA \"%s\" ended on %s"), name, date),
                     ACT_UNTRUST, name);
    else if (check_is_soon(check, end - cert_not_before(ca), end))
        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_CA_ENDS, name,
                                 _("the CA \"%s\" ends on %s"), name, date),
                     ACT_ROTATE, name);
}

static void judge_names(struct check *check)
{
    const struct cert_list *cas = &check->ca.certs;

    for (size_t i = 0; i < cas->n; i++) {
        for (size_t j = i + 1; j < cas->n; j++) {
            X509 *a = ossl_cert(cas->certs[i]);
            X509 *b = ossl_cert(cas->certs[j]);
            char name[CHECK_NAME_SIZE];

            if (X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) != 0 ||
                EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1)
                continue; /* the same key: a renewed certificate, which is fine */
            (void)check_name(name, cas->certs[i]);
            finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_SAME_SUBJECT, name,
                                     _("two CAs with different keys are named \"%s\""), name),
                         ACT_UNTRUST, name);
        }
    }
}

static void judge_hidden(struct check *check, const char *setting, const struct cert_list *certs)
{
    for (size_t i = 0; i < certs->n; i++) {
        char name[CHECK_NAME_SIZE];

        (void)check_name(name, certs->certs[i]);
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_CA_IN_CRL, setting,
                                 X509_check_ca(ossl_cert(certs->certs[i])) > 0
                                     ? _("the CA \"%s\" is trusted from there, and not listed")
                                     : _("the certificate of \"%s\" stands there"),
                                 name),
                     ACT_CRL, "");
    }
}

/* ---- lists ---- */

static const struct crl *newest_of(const struct check *check, const struct cert *ca)
{
    const struct crl *newest = NULL;

    for (size_t i = 0; i < check->crl.n_crls + check->n_dir_crls; i++) {
        const struct crl *crl =
            i < check->crl.n_crls ? check->crl.crls[i] : check->dir_crls[i - check->crl.n_crls];

        if (crl_signed_by(crl, ca) && (!newest || crl_is_newer(crl, newest)))
            newest = crl;
    }
    return newest;
}

static bool list_of_that_name(const struct check *check, const struct cert *ca)
{
    const X509_NAME *name = X509_get_subject_name(ossl_cert(ca));

    for (size_t i = 0; i < check->crl.n_crls + check->n_dir_crls; i++) {
        const struct crl *crl =
            i < check->crl.n_crls ? check->crl.crls[i] : check->dir_crls[i - check->crl.n_crls];

        if (X509_NAME_cmp(X509_CRL_get_issuer(ossl_crl(crl)), name) == 0)
            return true;
    }
    return false;
}

static void judge_list_dates(struct check *check, const struct crl *crl, const char *name,
                             const struct authority *authority)
{
    bool ours_is_newer = authority && authority->crl.next_update >
                                          crl_next_update(crl); /* it only has to go there */
    enum finding_act act = authority && !ours_is_newer ? ACT_CRL_REFRESH : ACT_CRL;
    int64_t begin = crl_this_update(crl);
    int64_t end = crl_next_update(crl);
    char date[CLOCK_TEXT_MAX];

    if (begin > check->now) {
        struct finding *finding =
            finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_CRL_NOT_YET, name,
                                     _("the CRL of \"%s\" is not valid before %s UTC"), name,
                                     clock_format_minute(date, begin)),
                         act, name);

        if (authority && check->request->server)
            finding_fix(
                finding,
                _("When the clocks are right: \"pgseal crl refresh --server %s\" brings the "
                  "one that counts now."),
                check->request->server->name);
    }
    if (end == 0)
        return; /* never said */
    if (check->out->crl_next_update == 0 || end < check->out->crl_next_update)
        check->out->crl_next_update = end;
    (void)clock_format_minute(date, end);
    if (end <= check->now)
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_CRL_ENDED, name,
                                 _("the CRL of \"%s\" ended on %s UTC: all its certificates are "
                                   "refused"),
                                 name, date),
                     act, name);
    else if (check_is_soon(check, end - begin, end))
        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_CRL_ENDS, name,
                                 _("the CRL of \"%s\" ends on %s UTC"), name, date),
                     act, name);
}

static void judge_list_age(struct check *check, const struct crl *crl, const char *name,
                           const struct authority *authority)
{
    uint64_t number;

    if (!authority || !crl_number(crl, &number) || number == authority->crl.number)
        return;
    if (number > authority->crl.number) {
        if (crl_this_update(crl) > check->now)
            return; /* one of our set for later: its date is what is wrong */
        finding_add(check->findings, FINDING_WARNING, ERR_CRL_WEAKER, name,
                    _("the server has CRL number %llu of \"%s\", later than number %llu of the "
                      "store: no list from here gets there"),
                    (unsigned long long)number, name, (unsigned long long)authority->crl.number);
        return;
    }
    finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_CRL_OLDER, name,
                             _("the server has CRL number %llu of \"%s\", the store has %llu"),
                             (unsigned long long)number, name,
                             (unsigned long long)authority->crl.number),
                 ACT_CRL, name);
}

static void judge_list(struct check *check, const struct cert *ca, const char *name,
                       const struct authority *authority)
{
    const struct crl *crl = newest_of(check, ca);

    if (!cert_may_sign_crls(ca))
        finding_add(check->findings, FINDING_ERROR, ERR_CA_NO_CRL_SIGN, name,
                    _("the CA \"%s\" may not sign CRLs, and CRLs are checked"), name);
    if (crl) {
        judge_list_dates(check, crl, name, authority);
        judge_list_age(check, crl, name, authority);
        return;
    }
    finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_CRL_MISSING, name,
                             list_of_that_name(check, ca)
                                 ? _("the CRL of \"%s\" was signed by another key than that CA's")
                                 : _("there is no CRL of \"%s\": all its certificates are refused"),
                             name),
                 ACT_CRL, name);
}

/* True when what PostgreSQL looks into is known here. */
static bool lists_are_known(const struct check *check)
{
    const char *dir = settings_value(&check->settings, "ssl_crl_dir");

    return (check->crl.state == TLS_FILE_READ || check->crl.state == TLS_FILE_UNSET) &&
           (!*dir || check->dir_seen);
}

/* Revocations go where the store knows that the CA is trusted, and nowhere else. */
static bool judge_known(struct check *check, const struct authority *authority, const char *name,
                        struct err *err)
{
    const struct server_check_request *request = check->request;
    struct authority_list known = {.n = 0};
    bool is_known = false;

    if (!authority || !request->store || !request->server || request->server->id == 0)
        return true;
    if (!server_trusts(request->store, request->server, &known, err))
        return false;
    for (size_t i = 0; i < known.n && !is_known; i++)
        is_known = known.rows[i]->id == authority->id;
    authority_list_clear(&known);
    if (!is_known)
        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_TRUST_UNKNOWN, name,
                                 _("the server trusts \"%s\", and the store does not know: "
                                   "revocations are not brought there"),
                                 authority->name),
                     ACT_TRUST, authority->name);
    return true;
}

static bool judge_ca(struct check *check, const struct cert *ca, struct err *err)
{
    struct authority *authority = NULL;
    bool good;
    char name[CHECK_NAME_SIZE];

    (void)check_name(name, ca);
    if (X509_check_ca(ossl_cert(ca)) == 0) {
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_LEAF_IN_CA_FILE, "ssl_ca_file",
                                 _("\"%s\" is not a CA"), name),
                     ACT_TRUST, "");
        return true;
    }
    judge_ca_dates(check, ca, name);
    if (!find_authority(check, ca, &authority, err))
        return false;
    good = judge_known(check, authority, name, err);
    if (good && check_uses_crls(check) && lists_are_known(check))
        judge_list(check, ca, name, authority);
    authority_free(authority);
    return good;
}

bool check_trust(struct check *check, struct err *err)
{
    const struct tls_file *file = &check->ca;

    if (file->state == TLS_FILE_UNSET && check->ssl)
        finding_mend(finding_add(check->findings, FINDING_INFO, ERR_NO_CLIENT_CA, "ssl_ca_file",
                                 _("ssl_ca_file is empty: no client certificate is asked for")),
                     ACT_TRUST, "");
    if (file->n_crls > 0)
        finding_mend(
            finding_add(check->findings, FINDING_WARNING, ERR_CRL_IN_CA_FILE, "ssl_ca_file",
                        _("%zu CRLs stand in ssl_ca_file, where they are ignored"), file->n_crls),
            ACT_CRL, "");
    judge_hidden(check, "ssl_crl_file", &check->crl.certs);
    judge_hidden(check, "ssl_crl_dir", &check->dir_cas);
    judge_names(check);
    for (size_t i = 0; i < file->certs.n; i++) {
        if (!judge_ca(check, file->certs.certs[i], err))
            return false;
    }
    if (file->certs.n > 0 && !check_uses_crls(check))
        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_NO_CRL, "ssl_crl_file",
                                 _("no CRL is set: a revoked certificate still gets in")),
                     ACT_CRL, "");
    return true;
}
