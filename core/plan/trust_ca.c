/* trust_ca.c - a server trusts CAs: each with its CRL, in one reload, shown on the wire. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/hba.h"
#include "core/pg/sessions.h"
#include "core/plan/bundle.h"
#include "core/store/authority_request.h"
#include "core/store/issued.h"

#define HBA_MAX (4u << 20)

static void add_ca(struct bundle *bundle, const struct cert *ca)
{
    if (!bundle_has_ca(bundle, ca))
        cert_list_take(&bundle->cas, cert_dup(ca));
}

/* PostgreSQL tells CAs apart by name: two keys under one name mix up their CRLs (alert 51). */
static bool check_names(const struct bundle *wanted, struct err *err)
{
    for (size_t i = 0; i < wanted->cas.n; i++) {
        for (size_t j = 0; j < i; j++) {
            struct name *a = cert_subject(wanted->cas.certs[i]);
            struct name *b = cert_subject(wanted->cas.certs[j]);
            struct strbuf id_a = STRBUF_INIT;
            struct strbuf id_b = STRBUF_INIT;
            bool clash;

            cert_key_id_hex(wanted->cas.certs[i], &id_a);
            cert_key_id_hex(wanted->cas.certs[j], &id_b);
            clash = name_equal(a, b) && !strbuf_equal(&id_a, &id_b);
            if (clash) {
                struct strbuf text = STRBUF_INIT;

                name_format(a, &text);
                err_set(err, ERR_POLICY, _("two CAs with different keys are named \"%s\""),
                        text.data);
                strbuf_clear(&text);
            }
            name_free(a);
            name_free(b);
            strbuf_clear(&id_a);
            strbuf_clear(&id_b);
            if (clash)
                return false;
        }
    }
    return true;
}

static bool check_new_ca(const struct cert *ca, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    bool good = true;

    cert_format_subject(ca, &name);
    if (!cert_is_ca(ca))
        good = err_set(err, ERR_NOT_A_CA, _("certificate \"%s\" is not a CA"), name.data);
    else if (cert_not_after(ca) <= clock_now())
        good = err_set(err, ERR_CERT_ENDED, _("CA \"%s\" has ended"), name.data);
    strbuf_clear(&name);
    return good;
}

/* Of intermediate CAs: those above them, and the lists that came with them. PostgreSQL builds the
 * chain up to the root and, with a CRL file, wants a list for each CA of it. */
static bool load_parents(const struct plan *plan, const struct trust_ca_intent *intent,
                         struct bundle *ret, struct err *err)
{
    for (size_t i = 0; i < intent->n_authorities; i++) {
        struct authority_parents parents = {.crls = NULL};

        if (!authority_load_parents(plan->target.store, intent->authorities[i], &parents, err))
            return false;
        for (size_t k = 0; k < parents.certs.n; k++) {
            add_ca(ret, parents.certs.certs[k]);
            if (parents.crls[k])
                bundle_take_crl(ret, crl_dup(parents.crls[k]));
        }
        authority_parents_clear(&parents);
    }
    for (size_t i = 0; i < intent->n_foreign_crls; i++)
        bundle_take_crl(ret, crl_dup(intent->foreign_crls[i]));
    return true;
}

/* The same name and the same key: the CA's certificate from before or after it was renewed. */
static bool same_ca(const struct cert *a, const struct cert *b)
{
    struct name *one = cert_subject(a);
    struct name *other = cert_subject(b);
    struct strbuf id_a = STRBUF_INIT;
    struct strbuf id_b = STRBUF_INIT;
    bool same;

    cert_key_id_hex(a, &id_a);
    cert_key_id_hex(b, &id_b);
    same = name_equal(one, other) && strbuf_equal(&id_a, &id_b);
    strbuf_clear(&id_a);
    strbuf_clear(&id_b);
    name_free(one);
    name_free(other);
    return same;
}

/* Of one that comes in its new certificate now. */
static bool is_former(const struct trust_ca_intent *intent, const struct cert *ca)
{
    for (size_t i = 0; i < intent->n_authorities; i++) {
        if (same_ca(intent->authorities[i]->cert, ca))
            return true;
    }
    return false;
}

static bool is_gone(const struct trust_ca_intent *intent, const struct cert *ca)
{
    for (size_t i = 0; intent->gone && i < intent->gone->n; i++) {
        if (same_ca(intent->gone->certs[i], ca))
            return true;
    }
    return false;
}

static bool collect(const struct trust_ca_intent *intent, const struct bundle *present,
                    const struct bundle *parents, struct bundle *wanted, struct err *err)
{
    for (size_t i = 0; intent->keep_present && i < present->cas.n; i++) {
        if (!is_former(intent, present->cas.certs[i]) && !is_gone(intent, present->cas.certs[i]))
            add_ca(wanted, present->cas.certs[i]);
    }
    for (size_t i = 0; i < intent->n_authorities; i++) {
        if (!check_new_ca(intent->authorities[i]->cert, err))
            return false;
        add_ca(wanted, intent->authorities[i]->cert);
    }
    for (size_t i = 0; i < parents->cas.n; i++)
        add_ca(wanted, parents->cas.certs[i]);
    for (size_t i = 0; intent->foreign && i < intent->foreign->n; i++) {
        if (!check_new_ca(intent->foreign->certs[i], err))
            return false;
        add_ca(wanted, intent->foreign->certs[i]);
    }
    if (wanted->cas.n == 0)
        return err_set(err, ERR_POLICY, _("no CA is left that the server would trust"));
    return check_names(wanted, err);
}

/* What the server itself shows is for its clients to check; a self-signed one of a script is a CA by its
 * text. */
static bool check_not_its_own(const struct plan *plan, const struct trust_ca_intent *intent,
                              const struct bundle *present, struct err *err)
{
    const struct cert_list *chain = &plan->before.chain;
    const struct cert *own = chain->n > 0 ? chain->certs[0] : NULL;
    struct strbuf name = STRBUF_INIT;
    bool found = false;

    for (size_t i = 0; own && intent->foreign && i < intent->foreign->n && !found; i++)
        found = cert_equal(intent->foreign->certs[i], own) && !bundle_has_ca(present, own);
    if (!found)
        return true;
    cert_format_subject(own, &name);
    err_set(err, ERR_NOT_A_CA, _("\"%.120s\" is the certificate that server \"%s\" itself shows"),
            name.data, plan->target.server->name);
    err_cause(err, _("By it the clients know the server. The server needs the CA that signs the "
                     "clients' certificates."));
    err_hint(err, _("Give the certificate of that CA."));
    strbuf_clear(&name);
    return false;
}

static bool is_below(const struct cert *ca, const struct cert_list *cas)
{
    for (size_t i = 0; i < cas->n; i++) {
        if (cert_issued_by(ca, cas->certs[i]))
            return true;
    }
    return false;
}

/* PostgreSQL builds whole chains, up to a root: a CA that is given without the one above it lets nobody
 * in, and its name on the wire looks as if it did. */
static bool check_whole(const struct plan *plan, const struct bundle *present,
                        const struct bundle *wanted, struct err *err)
{
    for (size_t i = 0; i < wanted->cas.n; i++) {
        const struct cert *ca = wanted->cas.certs[i];
        struct strbuf name = STRBUF_INIT, above = STRBUF_INIT;

        if (plan->cas_unread || cert_is_self_signed(ca) || bundle_has_ca(present, ca) ||
            is_below(ca, &wanted->cas))
            continue;
        cert_format_subject(ca, &name);
        cert_format_issuer(ca, &above);
        err_set(err, ERR_POLICY, _("CA \"%.80s\" is below \"%.80s\", which is not given"),
                name.data, above.data);
        err_cause(err, _("PostgreSQL builds whole chains, up to a root: without the CA above it "
                         "nobody gets in by this one."));
        err_hint(err, _("Give both: the certificate of the CA above it too."));
        strbuf_clear(&name);
        strbuf_clear(&above);
        return false;
    }
    return true;
}

/* A list that goes nowhere was meant for something: say so. */
static bool check_crls_used(const struct trust_ca_intent *intent, const struct bundle *wanted,
                            struct err *err)
{
    for (size_t i = 0; i < intent->n_foreign_crls; i++) {
        struct strbuf name = STRBUF_INIT;
        bool used = false;

        for (size_t j = 0; j < wanted->cas.n && !used; j++)
            used = crl_signed_by(intent->foreign_crls[i], wanted->cas.certs[j]);
        if (used)
            continue;
        crl_format_issuer(intent->foreign_crls[i], &name);
        err_set(err, ERR_POLICY, _("the CRL of \"%s\" belongs to none of these CAs"), name.data);
        err_cause(err, _("No CA that the server would trust has signed it."));
        err_hint(err, _("Give the CA that it belongs to as well, or another list."));
        strbuf_clear(&name);
        return false;
    }
    return true;
}

/* *ret_with: every CA has a list, so CRL checks are (or go) on. */
static bool choose_crls(const struct plan *plan, const struct bundle *parents,
                        const struct bundle *present, struct bundle *wanted, bool *ret_with,
                        struct err *err)
{
    bool checks =
        *settings_value(&plan->settings, "ssl_crl_file") != '\0' || *crl_dir_of(plan) != '\0';

    *ret_with = true;
    /* CAs that may not be read have lists, or have none: then lists would lock their clients out */
    if (plan->cas_unread && !checks && !plan_knows_cas(plan, &wanted->cas)) {
        *ret_with = false;
        return true;
    }
    for (size_t i = 0; i < wanted->cas.n; i++) {
        const struct cert *ca = wanted->cas.certs[i];
        struct strbuf name = STRBUF_INIT;
        struct crl *crl = NULL;

        if (!bundle_choose_crl(plan, ca, present, parents->crls, parents->n_crls, &crl, err))
            return false;
        if (crl) {
            bundle_take_crl(wanted, crl);
            continue;
        }
        *ret_with = false;
        if (!checks)
            continue;
        cert_format_subject(ca, &name);
        err_set(err, ERR_WOULD_LOCK_OUT, _("CA \"%s\" has no CRL, and the server checks CRLs"),
                name.data);
        err_cause(err, _("With a CRL file set, PostgreSQL refuses all certificates of a CA that "
                         "has none."));
        err_hint(err, _("Paste the CA's CRL too."));
        strbuf_clear(&name);
        return false;
    }
    return true;
}

/* ---- what the store shall say once it is kept ---- */

static void add_trust_row(json_t *rows, int64_t id, bool was, bool now)
{
    if (was != now)
        json_array_append_new(
            rows, json_pack("{s:I,s:b,s:b}", "authority", (json_int_t)id, "was", was, "now", now));
}

static bool is_listed(const struct authority_list *list, int64_t id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i]->id == id)
            return true;
    }
    return false;
}

static bool note_trust(struct plan *plan, const struct bundle *wanted, struct err *err)
{
    json_t *rows = json_array();
    struct authority_list was = {.n = 0};
    struct authority_list now = {.n = 0};
    bool good = server_trusts(plan->target.store, plan->target.server, &was, err);

    for (size_t i = 0; good && i < wanted->cas.n; i++) {
        struct authority *authority = NULL;

        /* also by a certificate that the CA had before it was renewed */
        good = authority_find(plan->target.store, wanted->cas.certs[i], &authority, err);
        if (!authority)
            continue;
        if (is_listed(&now, authority->id)) {
            authority_free(authority);
            continue;
        }
        add_trust_row(rows, authority->id, is_listed(&was, authority->id), true);
        now.rows = mem_realloc_array(now.rows, now.n + 1, sizeof(*now.rows));
        now.rows[now.n++] = authority;
    }
    for (size_t i = 0; good && i < was.n; i++) {
        if (!is_listed(&now, was.rows[i]->id))
            add_trust_row(rows, was.rows[i]->id, true, false);
    }
    authority_list_clear(&now);
    authority_list_clear(&was);
    json_object_set_new(plan->intent, "trust", rows);
    return good;
}

struct plan *plan_trust_ca(const struct plan_target *target, const struct trust_ca_intent *intent,
                           struct err *err)
{
    char *title = mem_printf(_("give server \"%s\" its CAs"), target->server->name);
    struct plan *plan = plan_new(target, "trust_ca", title, err);
    struct bundle present = {.n_crls = 0};
    struct bundle wanted = {.n_crls = 0};
    struct bundle parents = {.n_crls = 0};
    bool with_crls = true;
    bool good = false;

    free(title);
    if (!plan)
        return NULL;
    plan->knows_roles = intent->knows_roles;
    if (!bundle_check_reloadable(plan, err) || !bundle_read(plan, &present, err) ||
        !load_parents(plan, intent, &parents, err) ||
        !collect(intent, &present, &parents, &wanted, err) ||
        !check_not_its_own(plan, intent, &present, err) ||
        !check_whole(plan, &present, &wanted, err) || !check_crls_used(intent, &wanted, err) ||
        !crl_dir_read(plan, &wanted.cas, &present, err) ||
        !choose_crls(plan, &parents, &present, &wanted, &with_crls, err) ||
        !bundle_find_lost(plan, &present, &wanted, err) || !note_trust(plan, &wanted, err))
        goto out;
    plan->cas_stay = plan->cas_unread && intent->keep_present && !plan_knows_cas(plan, &wanted.cas);
    good = bundle_add_steps(plan, &present, &wanted, with_crls, err);
out:
    bundle_clear(&present);
    bundle_clear(&wanted);
    bundle_clear(&parents);
    if (good) {
        if (!intent->gone)
            plan_set_want(plan, want_trust_ca(intent));
        return plan;
    }
    plan_free(plan);
    return NULL;
}

/* ---- taken away ---- */

/* Its common name or its whole subject. */
static bool is_named(const struct cert *ca, const char *name)
{
    struct strbuf cn = STRBUF_INIT;
    struct strbuf subject = STRBUF_INIT;
    bool found;

    cert_format_subject(ca, &subject);
    found = (cert_common_name(ca, &cn) && strcmp(cn.data, name) == 0) ||
            strcmp(subject.data, name) == 0;
    strbuf_clear(&cn);
    strbuf_clear(&subject);
    return found;
}

static bool is_removed(const struct untrust_ca_intent *intent, const struct cert *ca)
{
    for (size_t i = 0; i < intent->n_authorities; i++) {
        if (same_ca(intent->authorities[i]->cert, ca))
            return true;
    }
    for (size_t i = 0; intent->certs && i < intent->certs->n; i++) {
        if (same_ca(intent->certs->certs[i], ca))
            return true;
    }
    for (size_t i = 0; i < intent->n_names; i++) {
        if (is_named(ca, intent->names[i]))
            return true;
    }
    return intent->all;
}

static bool check_names_known(const struct untrust_ca_intent *intent, const struct bundle *present,
                              const char *server, struct err *err)
{
    for (size_t i = 0; i < intent->n_names; i++) {
        bool found = false;

        for (size_t j = 0; j < present->cas.n && !found; j++)
            found = is_named(present->cas.certs[j], intent->names[i]);
        if (!found)
            return err_set(err, ERR_BAD_VALUE, _("server \"%s\" trusts no CA \"%s\""), server,
                           intent->names[i]);
    }
    return true;
}

static bool add_clearing(struct plan *plan, struct err *err)
{
    static const char *const settings[] = {"ssl_ca_file", "ssl_crl_file"}; /* the CA first */

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (!plan_add_setting(plan, settings[i], "",
                              i == 0 ? _("the server asks for no certificate any more; sessions "
                                         "stay open")
                                     : _("nothing is left that it would check"),
                              err))
            return false;
    }
    plan_add_reload(plan);
    plan_add_look(plan, "prove_cas", _("handshake: the server asks for no certificate"));
    plan_add_look(plan, "prove_same_chain", _("handshake: the server's own chain is as before"));
    plan_add_look(plan, "prove_admin", _("a new admin login"));
    return true;
}

static bool build_untrust(struct plan *plan, const struct untrust_ca_intent *intent,
                          struct bundle *present, struct bundle *wanted, struct err *err)
{
    const struct bundle nothing_new = {.n_crls = 0};
    struct cert_list removed;
    bool with_crls = true;
    bool good;

    plan->knows_roles = intent->knows_roles;
    if (plan->cas_unread && !intent->all)
        return err_set(err, ERR_MAY_NOT_CHANGE,
                       _("which CAs server \"%s\" trusts may not be read by this role"),
                       plan->target.server->name);
    if (!bundle_check_reloadable(plan, err) || !bundle_read(plan, present, err) ||
        !check_names_known(intent, present, plan->target.server->name, err))
        return false;
    cert_list_init(&removed);
    for (size_t i = 0; i < present->cas.n; i++) {
        const struct cert *ca = present->cas.certs[i];

        cert_list_take(is_removed(intent, ca) ? &removed : &wanted->cas, cert_dup(ca));
    }
    good = !intent->with_parents || bundle_take_parents(plan, present, wanted, &removed, err);
    cert_list_clear(&removed);
    if (!good)
        return false;
    if (!bundle_find_lost(plan, present, wanted, err))
        return false;
    if (wanted->cas.n == 0)
        return plan_check_no_rule_needs_cert(plan, err) && note_trust(plan, wanted, err) &&
               bundle_note_lists(plan, present, wanted, err) &&
               plan_keep_own_chain(plan, present, wanted, err) && add_clearing(plan, err);
    return choose_crls(plan, &nothing_new, present, wanted, &with_crls, err) &&
           note_trust(plan, wanted, err) && bundle_add_steps(plan, present, wanted, with_crls, err);
}

struct plan *plan_untrust_ca(const struct plan_target *target,
                             const struct untrust_ca_intent *intent, struct err *err)
{
    char *title = mem_printf(_("take CAs away from server \"%s\""), target->server->name);
    struct plan *plan = plan_new(target, "untrust_ca", title, err);
    struct bundle present = {.n_crls = 0};
    struct bundle wanted = {.n_crls = 0};
    bool good = plan && build_untrust(plan, intent, &present, &wanted, err);

    free(title);
    bundle_clear(&present);
    bundle_clear(&wanted);
    if (good) {
        plan_set_want(plan, want_untrust_ca(intent));
        return plan;
    }
    plan_free(plan);
    return NULL;
}
