/* bundle.c - CAs and their CRLs on a server. */
#include "config.h"

#include "core/plan/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/pem.h"
#include "core/store/issued.h"

#define BUNDLE_MAX PEM_SCAN_MAX

void bundle_clear(struct bundle *bundle)
{
    cert_list_clear(&bundle->cas);
    for (size_t i = 0; i < bundle->n_crls; i++)
        crl_free(bundle->crls[i]);
    free(bundle->crls);
    *bundle = (struct bundle){.n_crls = 0};
}

void bundle_take_crl(struct bundle *bundle, struct crl *crl)
{
    bundle->crls = mem_realloc_array(bundle->crls, bundle->n_crls + 1, sizeof(bundle->crls[0]));
    bundle->crls[bundle->n_crls++] = crl;
}

bool bundle_has_ca(const struct bundle *bundle, const struct cert *ca)
{
    for (size_t i = 0; i < bundle->cas.n; i++) {
        if (cert_equal(bundle->cas.certs[i], ca))
            return true;
    }
    return false;
}

const struct crl *bundle_crl(const struct bundle *bundle, const struct cert *ca)
{
    const struct crl *newest = NULL;

    for (size_t i = 0; i < bundle->n_crls; i++) {
        const struct crl *crl = bundle->crls[i];

        if (crl_signed_by(crl, ca) && (!newest || crl_this_update(crl) > crl_this_update(newest)))
            newest = crl;
    }
    return newest;
}

/* ---- reading ---- */

static bool read_setting_file(const struct plan *plan, const char *setting, struct strbuf *out,
                              struct err *err)
{
    const char *value = settings_value(&plan->settings, setting);
    char *path;
    bool good;

    if (!*value)
        return true;
    path = plan_path(plan, value);
    good = files_read(plan->files, path, BUNDLE_MAX, out, err) ||
           err_prefix(err, "%s \"%s\"", setting, value);
    free(path);
    return good;
}

static bool read_cas(const struct plan *plan, struct bundle *ret, struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    struct pem pem;
    bool good;

    if (!read_setting_file(plan, "ssl_ca_file", &bytes, err)) {
        strbuf_clear(&bytes);
        return false;
    }
    if (bytes.len == 0) {
        strbuf_clear(&bytes);
        return true;
    }
    pem_scan(bytes.data, bytes.len, &pem);
    good = pem_take_certs(&pem, &ret->cas, err) || err_prefix(err, "ssl_ca_file");
    pem_clear(&pem);
    strbuf_clear(&bytes);
    return good;
}

static bool read_crls(const struct plan *plan, struct bundle *ret, struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    struct pem pem;
    bool good;

    if (!read_setting_file(plan, "ssl_crl_file", &bytes, err)) {
        strbuf_clear(&bytes);
        return false;
    }
    if (bytes.len == 0) {
        strbuf_clear(&bytes);
        return true;
    }
    pem_scan(bytes.data, bytes.len, &pem);
    if (pem_count(&pem, PEM_CERTIFICATE) > 0) {
        good = err_set(err, ERR_POLICY, _("ssl_crl_file of server \"%s\" holds a certificate"),
                       plan->target.server->name);
        err_cause(err, _("PostgreSQL trusts a CA that stands there, and does not list it."));
        err_hint(err, _("Take it out, or move it to ssl_ca_file when it is meant."));
    } else {
        good =
            pem_take_crls(&pem, &ret->crls, &ret->n_crls, err) || err_prefix(err, "ssl_crl_file");
    }
    pem_clear(&pem);
    strbuf_clear(&bytes);
    return good;
}

bool bundle_read(const struct plan *plan, struct bundle *ret, struct err *err)
{
    struct bundle bundle = {.n_crls = 0};

    cert_list_init(&bundle.cas);
    if (!read_cas(plan, &bundle, err) || !read_crls(plan, &bundle, err)) {
        bundle_clear(&bundle);
        return false;
    }
    *ret = bundle;
    return true;
}

/* ---- is a list good enough? ---- */

static bool same_der(const struct crl *a, const struct crl *b)
{
    struct strbuf der_a = STRBUF_INIT;
    struct strbuf der_b = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    bool same = crl_to_der(a, &der_a, &ignored) && crl_to_der(b, &der_b, &ignored) &&
                strbuf_equal(&der_a, &der_b);

    strbuf_clear(&der_a);
    strbuf_clear(&der_b);
    return same;
}

/* A revoked certificate that has ended meanwhile may leave the list. */
static bool has_ended(struct store *store, const struct serial *serial)
{
    char hex[SERIAL_HEX_MAX];
    struct err ignored = ERR_INIT;
    struct issued *issued = issued_find(store, serial_format_hex(hex, serial), &ignored);
    bool ended = issued && issued->not_after < clock_now();

    issued_free(issued);
    return ended;
}

static bool check_not_weaker(const struct plan *plan, const struct crl *now, const struct crl *new,
                             const char *name, struct err *err)
{
    uint64_t now_number;
    uint64_t new_number;

    if (same_der(now, new))
        return true;
    if (crl_number(now, &now_number) && crl_number(new, &new_number) && new_number < now_number)
        return err_set(err, ERR_CRL_WEAKER,
                       _("CRL of \"%s\": number %llu, the server has number %llu"), name,
                       (unsigned long long)new_number, (unsigned long long)now_number);
    for (size_t i = 0; i < crl_count(now); i++) {
        char hex[SERIAL_HEX_MAX];
        struct crl_entry entry;

        if (!crl_entry_at(now, i, &entry) || crl_has(new, &entry.serial) ||
            has_ended(plan->target.store, &entry.serial))
            continue;
        return err_set(err, ERR_CRL_WEAKER, _("CRL of \"%s\" lacks the revoked serial number %s"),
                       name, serial_format_hex(hex, &entry.serial));
    }
    return true;
}

static bool check_crl(const struct plan *plan, const struct cert *ca, const struct crl *present,
                      const struct crl *new, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    int64_t now = clock_now();
    bool good = false;

    cert_format_subject(ca, &name);
    if (!crl_signed_by(new, ca))
        err_set(err, ERR_CRL_WEAKER, _("CRL of \"%s\" was signed by another key"), name.data);
    else if (!cert_may_sign_crls(ca))
        err_set(err, ERR_WOULD_LOCK_OUT, _("CA \"%s\" may not sign CRLs (its key usage)"),
                name.data);
    else if (crl_next_update(new) && crl_next_update(new) <= now)
        err_set(err, ERR_CRL_ENDED, _("the CRL of \"%s\" has ended"), name.data);
    else if (crl_this_update(new) > now)
        err_set(err, ERR_POLICY, _("the CRL of \"%s\" is not valid yet"), name.data);
    else
        good = !present || check_not_weaker(plan, present, new, name.data, err);
    strbuf_clear(&name);
    return good;
}

bool bundle_choose_crl(const struct plan *plan, const struct cert *ca, const struct bundle *present,
                       struct crl *const *offered, size_t n_offered, struct crl **ret,
                       struct err *err)
{
    const struct crl *now = bundle_crl(present, ca);
    struct authority *authority = NULL;
    struct crl *crl = NULL;

    if (!authority_find(plan->target.store, ca, &authority, err))
        return false;
    if (authority) {
        crl = authority_crl(plan->target.store, authority, err);
        authority_free(authority);
        if (!crl)
            return false;
    } else {
        for (size_t i = 0; i < n_offered && !crl; i++) {
            if (crl_signed_by(offered[i], ca))
                crl = crl_dup(offered[i]);
        }
        if (!crl && now)
            crl = crl_dup(now);
    }
    if (crl && !check_crl(plan, ca, now, crl, err)) {
        crl_free(crl);
        return false;
    }
    *ret = crl;
    return true;
}

/* ---- steps ---- */

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
            found = same_der(a->crls[i], b->crls[j]);
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

/* Adding: the CRL not later than its CA. Removing: the CA first. */
static bool add_in_order(struct plan *plan, struct change *cas, struct change *crls, bool crl_first,
                         struct err *err)
{
    struct change *first = crl_first ? crls : cas;
    struct change *second = crl_first ? cas : crls;

    if (!crls)
        return add_file(plan, cas, err) && add_change(plan, cas, err);
    return add_file(plan, first, err) && add_file(plan, second, err) &&
           add_change(plan, first, err) && add_change(plan, second, err);
}

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
    struct change cas = {.setting = "ssl_ca_file",
                         .stem = "pgseal-ca",
                         .suffix = ".crt",
                         .file_effect = _("public: certificates only"),
                         .setting_effect =
                             present->cas.n == 0
                                 ? _("the server begins to ask for certificates: a client that "
                                     "sends one of another CA is refused")
                                 : _("sessions stay open")};
    struct change crls = {.setting = "ssl_crl_file",
                          .stem = "pgseal-crl",
                          .suffix = ".crl",
                          .file_effect = _("public: what was revoked"),
                          .setting_effect =
                              _("revoked certificates are refused; sessions stay open")};
    bool good = false;

    strbuf_init(&cas.pem);
    strbuf_init(&crls.pem);
    cas.same = same_cas(present, wanted);
    crls.same = same_crls(present, wanted);
    if (!cas_to_pem(wanted, &cas.pem, err) || !crls_to_pem(wanted, &crls.pem, err))
        goto out;
    if (!add_in_order(plan, &cas, with_crls ? &crls : NULL, adds_ca(present, wanted), err))
        goto out;
    plan_add_reload(plan);
    good = add_proof(plan, wanted, with_crls, err);
out:
    strbuf_clear(&cas.pem);
    strbuf_clear(&crls.pem);
    free(cas.value);
    free(crls.value);
    return good;
}

bool bundle_check_reloadable(const struct plan *plan, struct err *err)
{
    if (plan->before.verdict == HANDSHAKE_NO_TLS)
        return err_set(err, ERR_SSL_OFF, _("server \"%s\" speaks no TLS"),
                       plan->target.server->name);
    if (*settings_value(&plan->settings, "ssl_passphrase_command") &&
        strcmp(settings_value(&plan->settings, "ssl_passphrase_command_supports_reload"), "on")) {
        err_set(err, ERR_POLICY,
                _("the key of server \"%s\" wants a passphrase at every start: no TLS file can be "
                  "reloaded"),
                plan->target.server->name);
        return err_hint(err, _("Set ssl_passphrase_command_supports_reload = on, or use a key "
                               "without a passphrase (\"pgseal server tls\")."));
    }
    return true;
}
