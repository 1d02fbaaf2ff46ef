/* bundle_undo.c - is it safe to take a kept plan back: who would get in again, who not any more? */
#include "config.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/bundle.h"
#include "core/store/issued.h"

/* What a setting was before the plan; what it is now when the plan left it alone. */
static const char *value_before(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];

        if (strcmp(step->kind, "setting") == 0 && strcmp(step_text(step, "name"), name) == 0)
            return step_is(step, "was_set") ? step_text(step, "was") : "";
    }
    return settings_value(&plan->settings, name);
}

/* A value of postgresql.conf or of a file that it includes counts again when ours is reset. */
static bool is_set_elsewhere(const struct plan *plan, const char *name)
{
    struct err ignored = ERR_INIT; /* not to be seen: taken as not set */
    struct result *result =
        conn_exec(plan->target.admin,
                  "SELECT 1 FROM (SELECT setting FROM pg_catalog.pg_file_settings"
                  " WHERE name = $1 AND sourcefile NOT LIKE '%postgresql.auto.conf'"
                  " ORDER BY seqno DESC LIMIT 1) s"
                  " WHERE lower(s.setting) NOT IN ('', 'off', 'false', 'no', '0')",
                  1, &name, &ignored);
    bool found = result && result_rows(result) == 1;

    result_free(result);
    return found;
}

/* The plan gave the server its first CA, or TLS itself, and goes: rules that came later stand on it. */
static bool takes_ground_away(const struct plan *plan)
{
    static const char *const settings[] = {"ssl_ca_file", "ssl"};

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const char *before = value_before(plan, settings[i]);
        const char *now = settings_value(&plan->settings, settings[i]);

        if (*now && strcmp(now, "off") != 0 && (!*before || strcmp(before, "off") == 0) &&
            !is_set_elsewhere(plan, settings[i]))
            return true;
    }
    return false;
}

static bool lets_in_again(const struct plan *plan, const struct crl *now, const struct crl *old,
                          struct err *err)
{
    for (size_t i = 0; i < crl_count(now); i++) {
        char hex[SERIAL_HEX_MAX];
        struct crl_entry entry;
        struct err ignored = ERR_INIT;
        struct issued *issued;
        bool harmless;

        if (!crl_entry_at(now, i, &entry) || (old && crl_has(old, &entry.serial)))
            continue;
        issued = issued_find(plan->target.store, serial_format_hex(hex, &entry.serial), &ignored);
        harmless =
            issued && (issued->kind == ISSUED_CANARY_REVOKED || issued->not_after < clock_now());
        issued_free(issued);
        if (harmless)
            continue;
        err_set(err, ERR_CRL_WEAKER,
                _("taking plan %lld back would let the revoked certificate %s in again"),
                (long long)plan->id, hex);
        err_state(err, _("Nothing was taken back."));
        return !err_hint(err, _("Issue a new certificate instead, or give the server other CAs."));
    }
    return false;
}

bool bundle_check_undo(const struct plan *plan, struct err *err)
{
    const char *ca_file = value_before(plan, "ssl_ca_file");
    struct bundle now = {.n_crls = 0};
    struct bundle old = {.n_crls = 0};
    bool good;

    if (takes_ground_away(plan) && !plan_check_no_rule_needs_cert(plan, err)) {
        err_state(err, _("Nothing was taken back."));
        return err_hint(err, _("Take the rules back first: they came later."));
    }
    if (!*ca_file)
        return true; /* no client certificate is accepted then */
    good = bundle_read(plan, &now, err) &&
           bundle_read_files(plan, ca_file, value_before(plan, "ssl_crl_file"), &old, err) &&
           crl_dir_read_before(plan, &old, err);
    for (size_t i = 0; good && i < old.cas.n; i++) {
        const struct crl *crl = bundle_crl(&now, old.cas.certs[i]);
        const struct crl *was = bundle_crl(&old, old.cas.certs[i]);

        if (!was && *crl_dir_of(plan))
            continue; /* lists are asked for, and without one nobody gets in */
        if (crl && lets_in_again(plan, crl, was, err))
            good = false;
    }
    bundle_clear(&now);
    bundle_clear(&old);
    return good;
}
