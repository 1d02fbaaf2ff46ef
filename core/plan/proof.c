/* proof.c - what a server does now, asked on the wire until it does what was promised. */
#include "config.h"

#include "core/plan/proof.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/pg/message.h"
#include "core/pki/chain.h"
#include "core/pki/pretend.h"
#include "core/plan/step.h"

static bool handshake_with(const struct plan_target *target, const struct canary *canary,
                           struct handshake *ret, struct err *err)
{
    struct handshake_request request = {.host = target->tls_host, .port = target->tls_port};

    if (canary) {
        request.cert = canary->cert;
        request.key = canary->key;
    }
    return handshake_run(&request, ret, err);
}

/* ---- the server's certificate ---- */

static bool check_server_cert(const struct handshake *now, const struct cert *leaf,
                              const struct cert_list *roots, struct err *err)
{
    struct cert_list sent = {.n = 0};
    struct chain_verdict verdict;

    if (now->verdict == HANDSHAKE_NO_TLS)
        return err_set(err, ERR_RELOAD_REFUSED, _("the server still speaks no TLS"));
    if (now->chain.n == 0 || !cert_equal(now->chain.certs[0], leaf))
        return err_set(err, ERR_RELOAD_REFUSED, _("the server still shows another certificate"));
    sent.certs = now->chain.certs + 1;
    sent.n = now->chain.n - 1;
    chain_verify_server(leaf, &sent, roots, NULL, clock_now(), &verdict);
    if (!verdict.accepted)
        return err_set(err, ERR_PROOF, _("the server's chain does not lead to its CA: %s"),
                       verdict.cause);
    return true;
}

bool proof_server_cert(const struct plan_target *target, const struct cert *leaf,
                       const struct cert_list *roots, const struct plan_watch *watch,
                       struct err *err)
{
    struct proof_poll poll_state = proof_poll_start();

    do {
        struct handshake now;
        bool good;

        if (!handshake_with(target, NULL, &now, err))
            return false;
        good = check_server_cert(&now, leaf, roots, err);
        if (good)
            run_saw(watch, _("handshake: %s, the new server certificate, chain complete"),
                    now.version);
        handshake_clear(&now);
        if (good)
            return true;
    } while (proof_poll_again(&poll_state));
    return false;
}

/* ---- the names of the CAs ---- */

static size_t count_names(const struct cert_list *cas)
{
    size_t n = 0;

    for (size_t i = 0; i < cas->n; i++) {
        struct name *name = cert_subject(cas->certs[i]);
        bool seen = false;

        for (size_t j = 0; j < i && !seen; j++) {
            struct name *other = cert_subject(cas->certs[j]);

            seen = name_equal(name, other);
            name_free(other);
        }
        n += !seen;
        name_free(name);
    }
    return n;
}

static bool check_cas(const struct handshake *now, const struct cert_list *cas, struct err *err)
{
    for (size_t i = 0; i < cas->n; i++) {
        if (!handshake_accepts_ca(now, cas->certs[i])) {
            struct strbuf name = STRBUF_INIT;

            cert_format_subject(cas->certs[i], &name);
            err_set(err, ERR_RELOAD_REFUSED, _("the server does not name the CA \"%s\""),
                    name.data);
            strbuf_clear(&name);
            return false;
        }
    }
    if (now->n_accepted_cas != count_names(cas))
        return err_set(err, ERR_RELOAD_REFUSED, _("the server names %zu CAs, expected %zu"),
                       now->n_accepted_cas, count_names(cas));
    return true;
}

/* The names of exactly these CAs are accepted. */
static bool accepted_cas(const struct plan_target *target, const struct cert_list *cas,
                         const struct plan_watch *watch, struct err *err)
{
    struct proof_poll poll_state = proof_poll_start();

    do {
        struct handshake now;
        bool good;

        if (!handshake_with(target, NULL, &now, err))
            return false;
        good = check_cas(&now, cas, err);
        for (size_t i = 0; good && i < now.n_accepted_cas; i++)
            run_saw(watch, _("handshake: the server accepts certificates of \"%s\""),
                    now.accepted_cas[i]);
        handshake_clear(&now);
        if (good)
            return true;
    } while (proof_poll_again(&poll_state));
    return false;
}

/* ---- canaries ---- */

static const char *canary_word(enum canary_kind kind)
{
    return kind == CANARY_GOOD ? _("good") : _("revoked");
}

static bool check_canary(const struct handshake *now, const struct authority *authority,
                         enum canary_kind kind, int alert, struct err *err)
{
    int got = now->verdict == HANDSHAKE_REFUSED ? now->alert : 0;

    if (now->verdict == HANDSHAKE_NO_TLS)
        return err_set(err, ERR_SSL_OFF, _("the server speaks no TLS"));
    if (now->verdict == (alert ? HANDSHAKE_REFUSED : HANDSHAKE_ACCEPTED) && got == alert)
        return true;
    err_set(err, ERR_PROOF, _("canary \"%s\" of CA \"%s\": alert %d, expected %d"),
            canary_word(kind), authority->name, got, alert);
    if (got == 0)
        return err_cause(err, _("The server does not check its CRL, or has an old one loaded."));
    return err_cause(err, _("The server says: %s."), handshake_alert_name(got));
}

bool proof_canary(const struct plan_target *target, const struct authority *authority,
                  enum canary_kind kind, int alert, const struct plan_watch *watch, struct err *err)
{
    struct proof_poll poll_state = proof_poll_start();
    struct canary canary;
    bool good = false;

    if (!authority_canary(target->store, authority, kind, &canary, err))
        return false;
    do {
        struct handshake now;

        if (!handshake_with(target, &canary, &now, err))
            break;
        good = check_canary(&now, authority, kind, alert, err);
        handshake_clear(&now);
    } while (!good && proof_poll_again(&poll_state));
    canary_clear(&canary);
    if (!good)
        return false;
    if (alert)
        run_saw(watch, _("canary \"%s\" of CA \"%s\": alert %d (%s)"), canary_word(kind),
                authority->name, alert, handshake_alert_name(alert));
    else
        run_saw(watch, _("canary \"%s\" of CA \"%s\": accepted"), canary_word(kind),
                authority->name);
    return true;
}

bool proof_canaries(const struct plan_target *target, const struct authority *authority,
                    const struct plan_watch *watch, struct err *err)
{
    return proof_canary(target, authority, CANARY_GOOD, 0, watch, err) &&
           proof_canary(target, authority, CANARY_REVOKED, PROOF_ALERT_REVOKED, watch, err);
}

/* ---- a certificate whose key is elsewhere ---- */

static bool check_refused(const struct handshake *now, const char *name, struct err *err)
{
    if (now->verdict == HANDSHAKE_NO_TLS)
        return err_set(err, ERR_SSL_OFF, _("the server speaks no TLS"));
    if (now->verdict == HANDSHAKE_REFUSED && now->alert == PROOF_ALERT_REVOKED)
        return true;
    if (!now->sent_certificate)
        return true; /* it is not asked for, so it opens nothing */
    err_set(err, ERR_PROOF, _("the certificate of \"%s\": alert %d, expected %d"), name,
            now->verdict == HANDSHAKE_REFUSED ? now->alert : 0, PROOF_ALERT_REVOKED);
    if (now->alert == PRETEND_ALERT_TAKEN)
        return err_cause(err, _("The server still takes it: it has an old list loaded."));
    return err_cause(err, _("The server says: %s."), handshake_alert_name(now->alert));
}

bool proof_revoked(const struct plan_target *target, const struct cert *cert,
                   const struct plan_watch *watch, struct err *err)
{
    struct proof_poll poll_state = proof_poll_start();
    struct handshake_request request = {
        .host = target->tls_host, .port = target->tls_port, .cert = cert};
    struct strbuf name = STRBUF_INIT;
    struct key *key;
    bool good = false;

    if (cert_not_after(cert) <= clock_now())
        return true;
    key = pretend_key(cert, err);
    if (!key)
        return false;
    if (!cert_common_name(cert, &name))
        cert_format_subject(cert, &name);
    request.key = key;
    do {
        struct handshake now;

        if (!handshake_run(&request, &now, err))
            break;
        good = check_refused(&now, name.data, err);
        handshake_clear(&now);
    } while (!good && proof_poll_again(&poll_state));
    if (good)
        run_saw(watch, _("the revoked certificate of \"%s\": alert %d (%s)"), name.data,
                PROOF_ALERT_REVOKED, handshake_alert_name(PROOF_ALERT_REVOKED));
    strbuf_clear(&name);
    key_free(key);
    return good;
}

/* ---- the steps ---- */

bool step_prove_revoked(struct step_run *run, struct step *step, struct err *err)
{
    for (size_t i = 0; i < step->certs.n; i++) {
        if (!proof_revoked(run->target, step->certs.certs[i], run->watch, err))
            return false;
    }
    step_set_saw(step, _("%zu refused: alert %d"), step->certs.n, PROOF_ALERT_REVOKED);
    return true;
}

bool step_prove_loaded(struct step_run *run, struct step *step, struct err *err)
{
    struct proof_poll poll_state = proof_poll_start();

    do {
        struct handshake now;
        bool seen;

        if (!handshake_with(run->target, NULL, &now, err))
            return false;
        seen = handshake_accepts_ca(&now, step->certs.certs[0]);
        handshake_clear(&now);
        if (seen) {
            run_saw(run->watch, _("handshake: the server has loaded the new files"));
            step_set_saw(step, _("loaded"));
            return true;
        }
    } while (proof_poll_again(&poll_state));
    return err_set(err, ERR_RELOAD_REFUSED, _("the server has not loaded the new files"));
}

bool step_prove_cas(struct step_run *run, struct step *step, struct err *err)
{
    if (!accepted_cas(run->target, &step->certs, run->watch, err))
        return false;
    step_set_saw(step, _("%zu CAs"), step->certs.n);
    return true;
}

/* Certificates of a chain that a client needs: without a root at its end, which it must have anyway
 * and which OpenSSL adds by itself when it stands in ssl_ca_file. */
static size_t needed_chain(const struct handshake *handshake)
{
    size_t n = handshake->chain.n;

    if (n > 1 && cert_is_self_signed(handshake->chain.certs[n - 1]))
        n--;
    return n;
}

/* Tidying ssl_ca_file can cut the chain that the server sends: OpenSSL completes it from there. */
bool step_prove_same_chain(struct step_run *run, struct step *step, struct err *err)
{
    const struct handshake *before = &run->plan->before;
    struct handshake now;
    bool good;
    size_t n;

    if (!handshake_with(run->target, NULL, &now, err))
        return false;
    n = needed_chain(before);
    good = needed_chain(&now) >= n;
    for (size_t i = 0; good && i < n; i++)
        good = cert_equal(now.chain.certs[i], before->chain.certs[i]);
    if (good) {
        run_saw(run->watch, _("handshake: the server's own chain is as before (%zu)"), n);
        step_set_saw(step, _("%zu certificates, as before"), n);
    } else {
        err_set(err, ERR_PROOF, _("the server's own chain had %zu certificates, now it has %zu"),
                before->chain.n, now.chain.n);
        err_cause(err, _("It was completed from ssl_ca_file: an intermediate certificate stood "
                         "there."));
        err_hint(err, _("Put the intermediate into ssl_cert_file, after the server's own."));
    }
    handshake_clear(&now);
    return good;
}

bool step_prove_canaries(struct step_run *run, struct step *step, struct err *err)
{
    int64_t id = json_integer_value(json_object_get(step->data, "authority"));
    int alert = (int)json_integer_value(json_object_get(step->data, "revoked_alert"));
    struct authority *authority = authority_load_id(run->target->store, id, err);
    bool good;

    if (!authority)
        return false;
    good = proof_canary(run->target, authority, CANARY_GOOD, 0, run->watch, err) &&
           (alert == 0 ||
            proof_canary(run->target, authority, CANARY_REVOKED, alert, run->watch, err));
    authority_free(authority);
    if (good)
        step_set_saw(step, alert ? _("good: accepted, revoked: alert %d") : _("good: accepted"),
                     alert);
    return good;
}
