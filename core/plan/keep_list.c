/* keep_list.c - the list of another's CA, taken from a server into the store before the CA goes there. */
#include "config.h"

#include "core/plan/bundle.h"
#include "core/store/foreign.h"

/* It, and those above it that the server has. */
static void add_parents(const struct bundle *present, struct cert_list *cas)
{
    for (size_t i = 0; i < cas->n; i++) {
        for (size_t k = 0; k < present->cas.n; k++) {
            const struct cert *ca = present->cas.certs[k];
            bool known = false;

            for (size_t j = 0; j < cas->n && !known; j++)
                known = cert_equal(cas->certs[j], ca);
            if (!known && cert_issued_by(cas->certs[i], ca))
                cert_list_take(cas, cert_dup(ca));
        }
    }
}

static bool keep_one(const struct plan_target *target, const struct cert *ca,
                     const struct bundle *present, struct err *err)
{
    const struct crl *crl = bundle_crl(present, ca);
    struct authority *ours = NULL;
    enum foreign_import imported;

    if (!crl)
        crl = crl_dir_newest(present, ca);
    if (!crl || !authority_find(target->store, ca, &ours, err))
        return !crl;
    authority_free(ours);
    return ours || (foreign_note(target->store, target->server->id, ca, err) &&
                    foreign_import(target->store, ca, crl, 0, &imported, err));
}

bool plan_keep_list(const struct plan_target *target, const struct cert *ca, struct err *err)
{
    struct plan *plan = plan_new(target, "untrust_ca", "", err);
    struct bundle present = {.n_crls = 0};
    struct cert_list cas;
    bool good;

    cert_list_init(&cas);
    cert_list_take(&cas, cert_dup(ca));
    good = plan && bundle_read(plan, &present, err);
    if (good)
        add_parents(&present, &cas);
    good = good && crl_dir_read(plan, &cas, &present, err);
    for (size_t i = 0; good && i < cas.n; i++)
        good = keep_one(target, cas.certs[i], &present, err);
    bundle_clear(&present);
    cert_list_clear(&cas);
    plan_free(plan);
    return good;
}
