/*
 * bundle_marker.c - a marker that was left in ssl_ca_file (bundle_steps.c): its change could not be taken
 * back whole, the disk was full or the server away.
 */
#include "config.h"

#include "core/plan/bundle.h"

/* The good canary of a CA that stands beside it. */
static bool is_marker(const struct plan *plan, const struct cert *cert, const struct cert_list *cas,
                      bool *ret, struct err *err)
{
    *ret = false;
    for (size_t i = 0; i < cas->n && !cert_is_ca(cert) && !*ret; i++) {
        struct authority *authority = NULL;
        struct canary canary;
        bool good;

        if (!cert_issued_by(cert, cas->certs[i]))
            continue;
        if (!authority_find(plan->target.store, cas->certs[i], &authority, err))
            return false;
        if (!authority)
            continue;
        good = authority_canary(plan->target.store, authority, CANARY_GOOD, &canary, err);
        authority_free(authority);
        if (!good)
            return false;
        *ret = cert_equal(cert, canary.cert);
        canary_clear(&canary);
    }
    return true;
}

bool bundle_drop_marker(const struct plan *plan, struct bundle *bundle, struct err *err)
{
    struct cert_list cas;
    bool good = true;

    cert_list_init(&cas);
    for (size_t i = 0; good && i < bundle->cas.n; i++) {
        bool marker = false;

        good = is_marker(plan, bundle->cas.certs[i], &bundle->cas, &marker, err);
        if (marker)
            bundle->marked = true;
        else
            cert_list_take(&cas, cert_dup(bundle->cas.certs[i]));
    }
    cert_list_clear(&bundle->cas);
    bundle->cas = cas;
    return good;
}
