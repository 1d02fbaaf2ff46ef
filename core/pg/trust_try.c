/* trust_try.c - a trust file tried against a running server. */
#include "config.h"

#include "core/pg/trust_try.h"

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "core/pki/chain.h"

void trust_try_clear(struct trust_try *seen)
{
    cert_free(seen->leaf);
    *seen = (struct trust_try){.leaf = NULL};
}

void trust_try_chain(const struct cert_list *roots, const struct cert_list *chain, const char *host,
                     struct trust_try *ret)
{
    struct chain_verdict without_host = {0};
    struct chain_verdict whole = {0};

    *ret = (struct trust_try){.tls = true, .leaf = cert_dup(chain->certs[0])};
    chain_verify_server(chain->certs[0], chain, roots, NULL, clock_now(), &without_host);
    chain_verify_server(chain->certs[0], chain, roots, host, clock_now(), &whole);
    ret->verify_ca = without_host.accepted;
    ret->verify_full = whole.accepted;
    if (!ret->verify_ca)
        text_clean_copy(ret->why, sizeof(ret->why), without_host.cause);
    else if (!ret->verify_full)
        text_clean_copy(ret->why, sizeof(ret->why), whole.cause);
}

bool trust_try_server(const struct cert_list *roots, const char *host, int port,
                      struct trust_try *ret, struct err *err)
{
    struct handshake_request request = {.host = host, .port = port};
    struct handshake seen;

    if (!handshake_run(&request, &seen, err))
        return false;
    *ret = (struct trust_try){.leaf = NULL};
    if (seen.verdict == HANDSHAKE_NO_TLS || seen.chain.n == 0)
        text_clean_copy(ret->why, sizeof(ret->why), _("the server does not speak TLS (ssl = off)"));
    else
        trust_try_chain(roots, &seen.chain, host, ret);
    handshake_clear(&seen);
    return true;
}
