/* keep_list.c - the list of another's CA, taken from a server into the store before the CA goes there. */
#include "config.h"

#include "core/plan/bundle.h"
#include "core/store/foreign.h"

bool plan_keep_list(const struct plan_target *target, const struct cert *ca, struct err *err)
{
    struct plan *plan = plan_new(target, "untrust_ca", "", err);
    struct bundle present = {.n_crls = 0};
    struct cert_list cas;
    const struct crl *crl = NULL;
    enum foreign_import imported;
    bool good;

    cert_list_init(&cas);
    cert_list_take(&cas, cert_dup(ca));
    good = plan && bundle_read(plan, &present, err) && crl_dir_read(plan, &cas, &present, err);
    if (good) {
        crl = bundle_crl(&present, ca);
        if (!crl)
            crl = crl_dir_newest(&present, ca);
    }
    if (good && crl)
        good = foreign_note(target->store, target->server->id, ca, err) &&
               foreign_import(target->store, ca, crl, 0, &imported, err);
    bundle_clear(&present);
    cert_list_clear(&cas);
    plan_free(plan);
    return good;
}
