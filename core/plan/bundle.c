/* bundle.c - CAs and their CRLs on a server. */
#include "config.h"

#include "core/plan/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/pem.h"

#define BUNDLE_MAX PEM_SCAN_MAX

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

/* *ret_any false: the setting or its file is empty, and pem is not set. */
static bool read_pem(const struct plan *plan, const char *setting, const char *value,
                     struct pem *ret, bool *ret_any, struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    bool good = read_file(plan, setting, value, &bytes, err);

    *ret_any = good && bytes.len > 0;
    if (*ret_any)
        pem_scan(bytes.data, bytes.len, ret);
    strbuf_clear(&bytes);
    return good;
}

static bool read_cas(const struct plan *plan, const char *value, struct bundle *ret,
                     struct err *err)
{
    struct pem pem;
    bool any, good;

    if (!read_pem(plan, "ssl_ca_file", value, &pem, &any, err))
        return false;
    if (!any)
        return true;
    good = pem_take_certs(&pem, &ret->cas, err) || err_prefix(err, "ssl_ca_file");
    good = good && bundle_drop_marker(plan, ret, err);
    pem_clear(&pem);
    return good;
}

static bool read_crls(const struct plan *plan, const char *value, struct bundle *ret,
                      struct err *err)
{
    struct pem pem;
    bool any, good;

    if (!read_pem(plan, "ssl_crl_file", value, &pem, &any, err))
        return false;
    if (!any)
        return true;
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
    return good;
}

bool bundle_read_files(const struct plan *plan, const char *ca_file, const char *crl_file,
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
    return bundle_read_files(plan, settings_value(&plan->settings, "ssl_ca_file"),
                             settings_value(&plan->settings, "ssl_crl_file"), ret, err);
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
