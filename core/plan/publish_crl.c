/* publish_crl.c - the current lists of our CAs go to a server; lists of others stay. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/bundle.h"

#define PROVE_MAX 20 /* revoked certificates that the wire is asked about, one by one */

static bool collect(const struct plan *plan, const struct bundle *present, struct bundle *wanted,
                    struct err *err)
{
    for (size_t i = 0; i < present->cas.n; i++) {
        const struct cert *ca = present->cas.certs[i];
        struct strbuf name = STRBUF_INIT;
        struct crl *crl = NULL;

        if (!bundle_choose_crl(plan, ca, present, NULL, 0, &crl, err))
            return false;
        cert_list_take(&wanted->cas, cert_dup(ca));
        if (crl) {
            bundle_take_crl(wanted, crl);
            continue;
        }
        cert_format_subject(ca, &name);
        err_set(err, ERR_WOULD_LOCK_OUT,
                _("CA \"%s\" has no CRL here: its clients would be refused"), name.data);
        err_hint(err, _("Give the server that CA again together with its CRL."));
        strbuf_clear(&name);
        return false;
    }
    return true;
}

/* One look for all of them. */
static void add_revoked(struct plan *plan, const struct bundle *wanted,
                        const struct cert_list *revoked)
{
    struct step *step = NULL;

    for (size_t i = 0; i < revoked->n && (!step || step->certs.n < PROVE_MAX); i++) {
        bool trusted = false;

        for (size_t k = 0; k < wanted->cas.n && !trusted; k++)
            trusted = cert_issued_by(revoked->certs[i], wanted->cas.certs[k]);
        if (!trusted)
            continue;
        if (!step) {
            plan_add_look(plan, "prove_revoked",
                          _("handshakes: the revoked certificates are refused"));
            step = &plan->steps[plan->n - 1];
        }
        cert_list_take(&step->certs, cert_dup(revoked->certs[i]));
    }
}

struct plan *plan_publish_revoked(const struct plan_target *target, const struct cert_list *revoked,
                                  struct err *err)
{
    char *title = mem_printf(_("publish the CRLs on server \"%s\""), target->server->name);
    struct plan *plan = plan_new(target, "publish_crl", title, err);
    struct bundle present = {.n_crls = 0};
    struct bundle wanted = {.n_crls = 0};
    bool good = false;

    free(title);
    if (!plan)
        return NULL;
    if (!bundle_check_reloadable(plan, err) || !bundle_read(plan, &present, err))
        goto out;
    if (present.cas.n == 0) {
        err_set(err, ERR_POLICY, _("server \"%s\" trusts no CA"), target->server->name);
        err_hint(err, _("\"pgseal server trust\" gives it one together with its CRL."));
        goto out;
    }
    good = collect(plan, &present, &wanted, err) &&
           bundle_add_steps(plan, &present, &wanted, true, err);
    if (good && revoked)
        add_revoked(plan, &wanted, revoked);
out:
    bundle_clear(&present);
    bundle_clear(&wanted);
    if (good)
        return plan;
    plan_free(plan);
    return NULL;
}

struct plan *plan_publish_crl(const struct plan_target *target, struct err *err)
{
    return plan_publish_revoked(target, NULL, err);
}
