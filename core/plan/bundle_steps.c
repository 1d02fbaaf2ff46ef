/*
 * bundle_steps.c - the steps that give a server another bundle, and show on the wire that it has it.
 *
 * PostgreSQL does not tell whether it has loaded a new file (facts: the old one silently goes on).
 * New names of CAs show in every handshake; a new CRL for the same CAs does not. So then a marker
 * goes along: for one reload ssl_ca_file names a bundle with one certificate more, our own canary,
 * which is no CA and so opens nothing. Once a handshake shows its name, the CRL of the same reload is
 * loaded too, and the marker is taken out again. Lists in ssl_crl_dir need none: every session reads
 * them anew (crl_dir.c). Where ssl_ca_file is held by the server's command line there can be no marker:
 * then the list must show by itself that it is loaded, by a certificate that only it refuses.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/bundle.h"
#include "core/store/issued.h"

static bool same_cas(const struct bundle *a, const struct bundle *b)
{
    for (size_t i = 0; i < a->cas.n; i++) {
        if (!bundle_has_ca(b, a->cas.certs[i]))
            return false;
    }
    for (size_t i = 0; i < b->cas.n; i++) {
        if (!bundle_has_ca(a, b->cas.certs[i]))
            return false;
    }
    return true;
}

static bool same_crls(const struct bundle *a, const struct bundle *b)
{
    if (a->n_crls != b->n_crls)
        return false;
    for (size_t i = 0; i < a->n_crls; i++) {
        bool found = false;

        for (size_t j = 0; j < b->n_crls && !found; j++)
            found = crl_equal(a->crls[i], b->crls[j]);
        if (!found)
            return false;
    }
    return true;
}

static bool adds_ca(const struct bundle *present, const struct bundle *wanted)
{
    for (size_t i = 0; i < wanted->cas.n; i++) {
        if (!bundle_has_ca(present, wanted->cas.certs[i]))
            return true;
    }
    return false;
}

/* Somebody else's new one that signed the server's own certificate may be the wrong one: pasted for the
 * CA of the clients. */
static bool adds_server_ca(const struct plan *plan, const struct bundle *present,
                           const struct bundle *wanted, bool *ret, struct err *err)
{
    const struct cert_list *chain = &plan->before.chain;

    *ret = false;
    for (size_t i = 0; i < wanted->cas.n && chain->n > 0 && !*ret; i++) {
        const struct cert *ca = wanted->cas.certs[i];
        struct authority *authority = NULL;

        if (bundle_has_ca(present, ca) || !cert_issued_by(chain->certs[0], ca))
            continue;
        if (!authority_find(plan->target.store, ca, &authority, err))
            return false;
        *ret = authority == NULL;
        authority_free(authority);
    }
    return true;
}

static bool cas_to_pem(const struct bundle *bundle, struct strbuf *out, struct err *err)
{
    for (size_t i = 0; i < bundle->cas.n; i++) {
        if (!cert_to_pem(bundle->cas.certs[i], out, err))
            return false;
    }
    return true;
}

static bool crls_to_pem(const struct bundle *bundle, struct strbuf *out, struct err *err)
{
    for (size_t i = 0; i < bundle->n_crls; i++) {
        if (!crl_to_pem(bundle->crls[i], out, err))
            return false;
    }
    return true;
}

/* What a setting shall be: the present value where the content is the same, else a new file. */
struct change {
    const char *setting;
    const char *stem, *suffix;
    const char *file_effect, *setting_effect;
    bool same;
    struct strbuf pem;
    char *value; /* owned */
};

static bool add_file(struct plan *plan, struct change *change, struct err *err)
{
    if (change->same) {
        change->value = mem_strdup(settings_value(&plan->settings, change->setting));
        return true;
    }
    return plan_add_file(plan, change->stem, change->suffix, &change->pem, 0644,
                         change->file_effect, &change->value, err);
}

static bool add_change(struct plan *plan, const struct change *change, struct err *err)
{
    return plan_add_setting(plan, change->setting, change->value, change->setting_effect, err);
}

struct changes {
    const struct bundle *present, *wanted;
    struct change cas, crls;
    bool with_crls;      /* in ssl_crl_file */
    struct cert *marker; /* or NULL: none is needed, or there is none */
    struct cert_list
        refused; /* in its place: what the new lists refuse, and the old ones did not */
    struct change marker_cas; /* the bundle with the marker in it */
};

/* ---- is a marker needed? ---- */

static bool has_name(const struct bundle *bundle, const struct cert *ca)
{
    struct name *name = cert_subject(ca);
    bool found = false;

    for (size_t i = 0; i < bundle->cas.n && !found; i++) {
        struct name *other = cert_subject(bundle->cas.certs[i]);

        found = name_equal(name, other);
        name_free(other);
    }
    name_free(name);
    return found;
}

/* A handshake shows the difference by itself. */
static bool names_differ(const struct bundle *a, const struct bundle *b)
{
    for (size_t i = 0; i < a->cas.n; i++) {
        if (!has_name(b, a->cas.certs[i]))
            return true;
    }
    for (size_t i = 0; i < b->cas.n; i++) {
        if (!has_name(a, b->cas.certs[i]))
            return true;
    }
    return false;
}

#define REFUSED_MAX 3 /* one is enough */

/* Of this CA of ours: revoked by the new list, and not by the old one. */
static bool find_refused(const struct plan *plan, const struct authority *authority,
                         const struct crl *old, const struct crl *crl, struct cert_list *ret,
                         struct err *err)
{
    struct issued_filter filter = {.authority = authority->name,
                                   .state = ISSUED_REVOKED,
                                   .with_canaries = true,
                                   .no_total = true};
    struct issued_list list;

    if (!issued_list(plan->target.store, &filter, &list, err))
        return false;
    for (size_t i = 0; i < list.n && ret->n < REFUSED_MAX; i++) {
        const struct issued *row = list.rows[i];

        if (row->cert && row->not_after > clock_now() && crl_has(crl, &row->serial) &&
            !(old && crl_has(old, &row->serial)))
            cert_list_take(ret, cert_dup(row->cert));
    }
    issued_list_clear(&list);
    return true;
}

/* Without a marker. *ret: the wire will show which lists are loaded: by what they refuse, or since a good
 * canary gets in again where the old list has ended. */
static bool shows_by_itself(const struct plan *plan, struct changes *changes, bool *ret,
                            struct err *err)
{
    const struct bundle *wanted = changes->wanted;

    *ret = false;
    for (size_t i = 0; i < wanted->cas.n; i++) {
        const struct crl *old = bundle_crl(changes->present, wanted->cas.certs[i]);
        const struct crl *crl = bundle_crl(wanted, wanted->cas.certs[i]);
        struct authority *authority = NULL;
        bool good;

        if (!authority_find(plan->target.store, wanted->cas.certs[i], &authority, err))
            return false;
        if (!authority || !crl) {
            authority_free(authority);
            continue;
        }
        *ret = *ret || (old && crl_next_update(old) != 0 && crl_next_update(old) < clock_now());
        good = find_refused(plan, authority, old, crl, &changes->refused, err);
        authority_free(authority);
        if (!good)
            return false;
    }
    *ret = *ret || changes->refused.n > 0;
    return true;
}

static bool choose_marker(const struct plan *plan, struct changes *changes, struct err *err)
{
    const struct bundle *wanted = changes->wanted;
    bool shows = false;
    bool changed = !changes->cas.same || (changes->with_crls && !changes->crls.same);

    /* one that was left there goes: that shows, too */
    if (!changed || plan->target.by_hand || changes->present->marked ||
        names_differ(changes->present, wanted))
        return true;
    if (changes->cas.same && plan_setting_is_held(plan, "ssl_ca_file")) {
        if (!shows_by_itself(plan, changes, &shows, err))
            return false;
        if (shows)
            return true;
    }
    for (size_t i = 0; i < wanted->cas.n && !changes->marker; i++) {
        struct authority *authority = NULL;
        struct canary canary;
        bool good;

        if (!authority_find(plan->target.store, wanted->cas.certs[i], &authority, err))
            return false;
        if (!authority)
            continue;
        good = authority_canary(plan->target.store, authority, CANARY_GOOD, &canary, err);
        authority_free(authority);
        if (!good)
            return false;
        changes->marker = cert_dup(canary.cert);
        canary_clear(&canary);
    }
    return true;
}

/* ---- settings and reloads ---- */

/* Adding: the CRL not later than its CA. Removing: the CA first. */
static bool add_settings(struct plan *plan, struct changes *changes, const struct change *cas,
                         struct err *err)
{
    bool crl_first = adds_ca(changes->present, changes->wanted);

    if (!changes->with_crls)
        return add_change(plan, cas, err);
    if (crl_first)
        return add_change(plan, &changes->crls, err) && add_change(plan, cas, err);
    return add_change(plan, cas, err) && add_change(plan, &changes->crls, err);
}

/* From the marked bundle to the wanted one: its own line again, or none as before. */
static void add_unmarking(struct plan *plan, struct changes *changes)
{
    const struct setting *setting = settings_get(&plan->settings, "ssl_ca_file");
    bool set = !changes->cas.same || (setting && setting->in_auto_conf);
    struct step *step;

    plan_add_look(plan, "prove_loaded", _("handshake: the new files are loaded (a marker shows)"));
    step = &plan->steps[plan->n - 1];
    cert_list_take(&step->certs, cert_dup(changes->marker));
    plan_add_setting_again(plan, "ssl_ca_file", changes->marker_cas.value, set, changes->cas.value,
                           _("the marker goes"));
    plan_add_reload(plan);
}

static bool add_marker_file(struct plan *plan, struct changes *changes, struct err *err)
{
    struct change *marked = &changes->marker_cas;

    *marked = changes->cas;
    marked->value = NULL;
    marked->same = false;
    marked->file_effect = _("the same CAs and a marker, for a moment");
    marked->setting_effect = _("for a moment: shows that the new files are loaded");
    strbuf_init(&marked->pem);
    return cas_to_pem(changes->wanted, &marked->pem, err) &&
           cert_to_pem(changes->marker, &marked->pem, err) && add_file(plan, marked, err);
}

static void add_refused(struct plan *plan, struct changes *changes)
{
    struct step *step;

    if (changes->refused.n == 0)
        return;
    plan_add_look(plan, "prove_revoked",
                  _("handshakes: what only the new list revokes is refused: it is loaded"));
    step = &plan->steps[plan->n - 1];
    for (size_t i = 0; i < changes->refused.n; i++)
        cert_list_take(&step->certs, cert_dup(changes->refused.certs[i]));
}

static bool add_all(struct plan *plan, struct changes *changes, struct err *err)
{
    if (!crl_dir_add_steps(plan, changes->present, changes->wanted, err))
        return false;
    if (changes->with_crls && !add_file(plan, &changes->crls, err))
        return false;
    if (!add_file(plan, &changes->cas, err))
        return false;
    if (!changes->marker) {
        if (!add_settings(plan, changes, &changes->cas, err))
            return false;
        plan_add_reload(plan);
        add_refused(plan, changes);
        return true;
    }
    if (!add_marker_file(plan, changes, err) ||
        !add_settings(plan, changes, &changes->marker_cas, err))
        return false;
    plan_add_reload(plan);
    add_unmarking(plan, changes);
    return true;
}

/* ---- proof ---- */

static bool add_proof(struct plan *plan, const struct bundle *wanted, bool with_crls,
                      struct err *err)
{
    struct step *step;

    plan_add_look(plan, "prove_cas", _("handshake: the server names exactly these CAs"));
    step = &plan->steps[plan->n - 1];
    for (size_t i = 0; i < wanted->cas.n; i++)
        cert_list_take(&step->certs, cert_dup(wanted->cas.certs[i]));
    plan_add_look(plan, "prove_same_chain", _("handshake: the server's own chain is as before"));
    for (size_t i = 0; i < wanted->cas.n; i++) {
        const struct cert *ca = wanted->cas.certs[i];
        struct authority *authority = NULL;

        if (!authority_find(plan->target.store, ca, &authority, err))
            return false;
        if (!authority || cert_not_after(ca) <= clock_now()) {
            authority_free(authority);
            continue; /* not ours: no canaries, its name is the proof; ended: nobody gets in */
        }
        step = plan_add(plan, "prove_canaries", PLAN_LOOK,
                        json_pack("{s:I,s:i}", "authority", (json_int_t)authority->id,
                                  "revoked_alert", with_crls ? PROOF_ALERT_REVOKED : 0));
        step_set_title(step,
                       with_crls ? _("handshakes: the canaries of \"%s\", good and revoked")
                                 : _("handshakes: the good canary of \"%s\" (no CRL is set)"),
                       authority->name);
        authority_free(authority);
    }
    plan_add_look(plan, "prove_admin", _("a new admin login"));
    return true;
}

bool bundle_add_steps(struct plan *plan, const struct bundle *present, const struct bundle *wanted,
                      bool with_crls, struct err *err)
{
    bool only_dir = *crl_dir_of(plan) && *settings_value(&plan->settings, "ssl_crl_file") == '\0';
    struct changes changes = {
        .present = present, .wanted = wanted, .with_crls = with_crls && !only_dir};
    bool of_server = false;
    bool good = false;

    if (!adds_server_ca(plan, present, wanted, &of_server, err))
        return false;
    changes.cas = (struct change){
        .setting = "ssl_ca_file",
        /* by hand more stands in it than is known here: not this content's name */
        .stem = plan->cas_stay ? "pgseal-ca-more" : "pgseal-ca",
        .suffix = ".crt",
        .file_effect = of_server
                           ? _("public; a new CA in it signed the server's own certificate: is "
                               "it also the one that signs the clients'?")
                           : _("public: certificates only"),
        .setting_effect = present->cas.n == 0
                              ? _("the server begins to ask for certificates: a client that sends "
                                  "one of another CA is refused")
                              : _("sessions stay open"),
        .same = same_cas(present, wanted) && !present->marked};
    changes.crls =
        (struct change){.setting = "ssl_crl_file",
                        .stem = plan->cas_stay ? "pgseal-crl-more" : "pgseal-crl",
                        .suffix = ".crl",
                        .file_effect = _("public: what was revoked"),
                        .setting_effect = _("revoked certificates are refused; sessions stay open"),
                        .same = same_crls(present, wanted)};
    strbuf_init(&changes.cas.pem);
    strbuf_init(&changes.crls.pem);
    strbuf_init(&changes.marker_cas.pem);
    cert_list_init(&changes.refused);
    good = (!with_crls || bundle_check_own_login(plan, wanted, err)) &&
           cas_to_pem(wanted, &changes.cas.pem, err) &&
           crls_to_pem(wanted, &changes.crls.pem, err) && choose_marker(plan, &changes, err) &&
           plan_keep_own_chain(plan, present, wanted, err) && add_all(plan, &changes, err) &&
           add_proof(plan, wanted, with_crls, err) && bundle_note_lists(plan, present, wanted, err);
    strbuf_clear(&changes.cas.pem);
    strbuf_clear(&changes.crls.pem);
    strbuf_clear(&changes.marker_cas.pem);
    free(changes.cas.value);
    free(changes.crls.value);
    free(changes.marker_cas.value);
    cert_free(changes.marker);
    cert_list_clear(&changes.refused);
    return good;
}
