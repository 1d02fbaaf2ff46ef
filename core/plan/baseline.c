/* baseline.c - what the wire showed before a change: what taking it back must bring again. */
#include "config.h"

#include "core/plan/step.h"

#include <string.h>

#include "core/base/intl.h"

json_t *baseline_of(const struct handshake *handshake)
{
    char hex[CERT_SHA256_HEX] = "";
    json_t *cas = json_array();

    if (handshake->chain.n > 0)
        cert_sha256_hex(handshake->chain.certs[0], hex);
    for (size_t i = 0; i < handshake->n_accepted_cas; i++)
        json_array_append_new(cas, json_string(handshake->accepted_cas[i]));
    return json_pack("{s:b,s:b,s:s,s:I,s:o}", "tls", handshake->verdict != HANDSHAKE_NO_TLS, "asks",
                     handshake->asks_certificate, "leaf", hex, "chain",
                     (json_int_t)handshake->chain.n, "cas", cas);
}

static void say(const struct plan_watch *watch, const struct handshake *now)
{
    if (now->verdict == HANDSHAKE_NO_TLS)
        run_saw(watch, _("the server speaks no TLS, as before"));
    else
        run_saw(watch, _("server certificate and %zu accepted CA names as before"),
                now->n_accepted_cas);
}

bool baseline_prove(const struct plan *plan, const struct plan_target *target,
                    const struct plan_watch *watch, struct err *err)
{
    const json_t *baseline = json_object_get(plan->intent, "baseline");
    struct handshake_request request = {.host = target->tls_host, .port = target->tls_port};
    struct proof_poll poll_state = proof_poll_start();

    if (!json_is_object(baseline))
        return true;
    do {
        struct handshake now;
        json_t *seen;
        bool same;

        if (!handshake_run(&request, &now, err))
            return false;
        seen = baseline_of(&now);
        same = json_equal(seen, baseline);
        json_decref(seen);
        if (same)
            say(watch, &now);
        handshake_clear(&now);
        if (same)
            return true;
    } while (proof_poll_again(&poll_state));
    return err_set(err, ERR_PROOF, _("a handshake with server \"%s\" does not show the old state"),
                   target->server->name);
}
