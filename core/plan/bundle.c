/* bundle.c - CAs and their CRLs on a server. */
#include "config.h"

#include "core/plan/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/pem.h"
#include "core/store/foreign.h"
#include "core/store/revoked.h"

#define BUNDLE_MAX PEM_SCAN_MAX
/* A list with less left than this is not published. Others sign lists for a few hours. */
#define BUNDLE_OWN_LEFT     CLOCK_DAY
#define BUNDLE_FOREIGN_LEFT INT64_C(3600)

void bundle_clear(struct bundle *bundle)
{
    cert_list_clear(&bundle->cas);
    for (size_t i = 0; i < bundle->n_crls; i++)
        crl_free(bundle->crls[i]);
    free(bundle->crls);
    crl_dir_clear(bundle);
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
    const struct crl *newest = crl_dir_newest(bundle, ca);

    for (size_t i = 0; i < bundle->n_crls; i++) {
        const struct crl *crl = bundle->crls[i];

        if (crl_signed_by(crl, ca) && (!newest || crl_is_newer(crl, newest)))
            newest = crl;
    }
    return newest;
}

/* ---- reading ---- */

static bool read_file(const struct plan *plan, const char *setting, const char *value,
                      struct strbuf *out, struct err *err)
{
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

static bool read_cas(const struct plan *plan, const char *value, struct bundle *ret,
                     struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    struct pem pem;
    bool good;

    if (!read_file(plan, "ssl_ca_file", value, &bytes, err)) {
        strbuf_clear(&bytes);
        return false;
    }
    if (bytes.len == 0) {
        strbuf_clear(&bytes);
        return true;
    }
    pem_scan(bytes.data, bytes.len, &pem);
    good = pem_take_certs(&pem, &ret->cas, err) || err_prefix(err, "ssl_ca_file");
    good = good && bundle_drop_marker(plan, ret, err);
    pem_clear(&pem);
    strbuf_clear(&bytes);
    return good;
}

static bool read_crls(const struct plan *plan, const char *value, struct bundle *ret,
                      struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    struct pem pem;
    bool good;

    if (!read_file(plan, "ssl_crl_file", value, &bytes, err)) {
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

static bool read_both(const struct plan *plan, const char *ca_file, const char *crl_file,
                      struct bundle *ret, struct err *err)
{
    struct bundle bundle = {.n_crls = 0};

    cert_list_init(&bundle.cas);
    if (!read_cas(plan, ca_file, &bundle, err) || !read_crls(plan, crl_file, &bundle, err) ||
        !crl_dir_read(plan, &bundle.cas, &bundle, err)) {
        bundle_clear(&bundle);
        return false;
    }
    *ret = bundle;
    return true;
}

/* What may not be read: the CAs of ours that the server was given, each with its list. */
static bool read_store(const struct plan *plan, struct bundle *ret, struct err *err)
{
    bool checks =
        *settings_value(&plan->settings, "ssl_crl_file") != '\0' || *crl_dir_of(plan) != '\0';
    struct authority_list list = {.n = 0};
    bool good = server_trusts(plan->target.store, plan->target.server, &list, err);

    cert_list_init(&ret->cas);
    for (size_t i = 0; good && i < list.n; i++) {
        struct crl *crl = NULL;

        if (!handshake_accepts_ca(&plan->before, list.rows[i]->cert))
            continue; /* somebody took it away */
        cert_list_take(&ret->cas, cert_dup(list.rows[i]->cert));
        crl = checks ? authority_crl(plan->target.store, list.rows[i], err) : NULL;
        good = !checks || crl;
        if (crl)
            bundle_take_crl(ret, crl);
    }
    authority_list_clear(&list);
    return good;
}

bool bundle_read(const struct plan *plan, struct bundle *ret, struct err *err)
{
    if (plan->cas_unread)
        return read_store(plan, ret, err);
    return read_both(plan, settings_value(&plan->settings, "ssl_ca_file"),
                     settings_value(&plan->settings, "ssl_crl_file"), ret, err);
}

/* ---- is a list good enough? ---- */

/* True where the entry may leave the list: the certificate has ended. Of another's CA that is not
 * known here. */
static bool may_leave(const struct plan *plan, const struct authority *authority,
                      const struct serial *serial)
{
    struct err ignored = ERR_INIT; /* then it may not */
    bool ended = false;

    return authority &&
           revoked_has_ended(plan->target.store, authority->id, serial, &ended, &ignored) && ended;
}

bool bundle_count_dropped(const struct plan *plan, const struct authority *authority,
                          const struct crl *now, const struct crl *new, size_t *ret,
                          char ret_first[SERIAL_HEX_MAX])
{
    *ret = 0;
    for (size_t i = 0; i < crl_count(now); i++) {
        struct crl_entry entry;

        if (!crl_entry_at(now, i, &entry) || crl_has(new, &entry.serial) ||
            may_leave(plan, authority, &entry.serial))
            continue;
        if ((*ret)++ == 0)
            serial_format_hex(ret_first, &entry.serial);
    }
    return *ret > 0;
}

/* One of a set, brought while the clock was ahead: it lets nobody in before its day, and the one that
 * counts has the same entries, which is what is looked at then. */
static bool is_early(const struct authority *authority, const struct crl *crl)
{
    return authority && crl_this_update(crl) > clock_now();
}

static bool check_not_weaker(const struct plan *plan, const struct authority *authority,
                             const struct crl *now, const struct crl *new, const char *name,
                             size_t accept_dropped, struct err *err)
{
    char serial[SERIAL_HEX_MAX];
    uint64_t now_number;
    uint64_t new_number;
    size_t dropped;

    if (!is_early(authority, now) && crl_number(now, &now_number) && crl_number(new, &new_number) &&
        new_number < now_number)
        return err_set(err, ERR_CRL_WEAKER,
                       _("CRL of \"%s\": number %llu, the server has number %llu"), name,
                       (unsigned long long)new_number, (unsigned long long)now_number);
    if (!authority && crl_is_newer(now, new))
        return err_set(err, ERR_CRL_WEAKER, _("CRL of \"%s\": the server has a later one"), name);
    if (bundle_count_dropped(plan, authority, now, new, &dropped, serial) &&
        dropped != accept_dropped)
        return err_set(err, ERR_CRL_WEAKER, _("CRL of \"%s\" lacks the revoked serial number %s"),
                       name, serial);
    return true;
}

/* A list that ends so soon is no list to publish; one that ends with its CA cannot do better. */
static bool ends_too_soon(const struct cert *ca, const struct authority *authority,
                          const struct crl *crl)
{
    int64_t end = crl_next_update(crl);
    int64_t least = authority ? BUNDLE_OWN_LEFT : BUNDLE_FOREIGN_LEFT;

    return end && end < clock_now() + least && end < cert_not_after(ca);
}

static bool check_crl(const struct plan *plan, const struct cert *ca,
                      const struct authority *authority, const struct crl *present,
                      const struct crl *new, size_t accept_dropped, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    int64_t now = clock_now();
    bool good = false;

    cert_format_subject(ca, &name);
    if (!crl_signed_by(new, ca)) {
        err_set(err, ERR_CRL_WEAKER, _("CRL of \"%s\" was signed by another key"), name.data);
    } else if (!cert_may_sign_crls(ca)) {
        err_set(err, ERR_WOULD_LOCK_OUT, _("CA \"%s\" may not sign CRLs (its key usage)"),
                name.data);
    } else if (crl_next_update(new) && crl_next_update(new) <= now) {
        err_set(err, ERR_CRL_ENDED, _("the CRL of \"%s\" has ended"), name.data);
    } else if (crl_this_update(new) > now) {
        err_set(err, ERR_CRL_NOT_YET, _("the CRL of \"%s\" is not valid yet"), name.data);
        if (authority)
            err_hint(err,
                     _("It was signed while the clock was ahead: \"pgseal crl sign\" makes one "
                       "of today with all of it, then \"pgseal crl refresh\"."));
    } else if (present && crl_equal(present, new)) {
        good = true;
    } else if (ends_too_soon(ca, authority, new)) {
        err_set(err, ERR_CRL_ENDS, _("the CRL of \"%s\" ends on %s UTC: too soon to publish it"),
                name.data, clock_format_minute(date, crl_next_update(new)));
    } else {
        good = !present ||
               check_not_weaker(plan, authority, present, new, name.data, accept_dropped, err);
        if (!good && authority)
            err_hint(err, is_early(authority, present)
                              ? _("The list that is there was signed while the clock was ahead: "
                                  "\"pgseal crl sign\" makes one of today with all of it, then "
                                  "\"pgseal crl refresh\".")
                              : _("Another store or program signed the list that is there: bring "
                                  "it here (\"pgseal crl import FILE\"), then \"pgseal crl "
                                  "refresh\"."));
    }
    strbuf_clear(&name);
    return good;
}

/* Another's CA: what was offered, what was imported, what is there; the newest of them. */
static bool choose_foreign(const struct plan *plan, const struct cert *ca, const struct crl *now,
                           struct crl *const *offered, size_t n_offered, struct crl **ret,
                           size_t *ret_accept, struct err *err)
{
    struct crl *stored = NULL;
    const struct crl *best = NULL;
    size_t accept = 0;

    for (size_t i = 0; i < n_offered; i++) {
        if (crl_signed_by(offered[i], ca) && (!best || crl_is_newer(offered[i], best)))
            best = offered[i];
    }
    if (!foreign_crl(plan->target.store, ca, &stored, &accept, err))
        return false;
    if (stored && (!best || crl_is_newer(stored, best))) {
        best = stored;
        *ret_accept = accept;
    }
    if (!best || (now && n_offered == 0 && crl_is_newer(now, best)))
        best = now; /* somebody else has brought a later one */
    *ret = best ? crl_dup(best) : NULL;
    crl_free(stored);
    return true;
}

bool bundle_choose_crl(const struct plan *plan, const struct cert *ca, const struct bundle *present,
                       struct crl *const *offered, size_t n_offered, struct crl **ret,
                       struct err *err)
{
    const struct crl *now = bundle_crl(present, ca);
    struct authority *authority = NULL;
    struct crl *crl = NULL;
    size_t accept = 0;
    bool good;

    if (!authority_find(plan->target.store, ca, &authority, err))
        return false;
    if (authority) {
        crl = authority_crl(plan->target.store, authority, err);
        good = crl != NULL;
    } else {
        good = choose_foreign(plan, ca, now, offered, n_offered, &crl, &accept, err);
    }
    /* Another's list that is there already, even an ended one, must not keep ours from going there. */
    if (good && crl && (authority || !now || !crl_equal(now, crl)))
        good = check_crl(plan, ca, authority, now, crl, accept, err);
    authority_free(authority);
    if (good)
        *ret = crl;
    else
        crl_free(crl);
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

/* ---- is it safe to take a kept one back? ---- */

/* What a setting was before the plan; what it is now when the plan left it alone. */
static const char *value_before(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];

        if (strcmp(step->kind->name, "setting") == 0 && strcmp(step_text(step, "name"), name) == 0)
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
           read_both(plan, ca_file, value_before(plan, "ssl_crl_file"), &old, err) &&
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
