/*
 * own_chain.c - a server's own chain stays whole when a CA leaves ssl_ca_file.
 *
 * Where ssl_cert_file holds the server's certificate alone, OpenSSL completes the chain that it sends
 * from ssl_ca_file, and says so nowhere. Without the intermediate there every verify-full client fails
 * (facts: measured). So the plan gives the server a file with the whole chain, of the same reload.
 */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/tls_file.h"
#include "core/plan/bundle.h"

static bool is_one_of(const struct cert_list *list, const struct cert *cert)
{
    for (size_t i = 0; i < list->n; i++) {
        if (cert_equal(list->certs[i], cert))
            return true;
    }
    return false;
}

/* What is sent, goes from ssl_ca_file, and does not stand in the server's own file (own NULL: whether it
 * does is not looked at); borrowed. A root that goes is no loss: a client must have it anyway. */
static const struct cert *find_lost(const struct cert_list *sent, const struct cert_list *own,
                                    const struct bundle *present, const struct bundle *wanted)
{
    for (size_t i = 1; i < sent->n; i++) {
        const struct cert *cert = sent->certs[i];

        if (!cert_is_self_signed(cert) && bundle_has_ca(present, cert) &&
            !bundle_has_ca(wanted, cert) && (!own || !is_one_of(own, cert)))
            return cert;
    }
    return NULL;
}

/* The running server shows what stands in its file, or its file may not be seen: then what it shows is
 * all that is known. Another certificate in the file: the reload would load that one. */
static bool is_of_file(const struct tls_file *file, const struct cert_list *sent)
{
    return file->state != TLS_FILE_READ || !file->loads || file->certs.n == 0 ||
           cert_equal(file->certs.certs[0], sent->certs[0]);
}

static bool add_whole_chain(struct plan *plan, const struct cert *lost, struct err *err)
{
    const struct cert_list *sent = &plan->before.chain;
    struct strbuf pem = STRBUF_INIT;
    struct strbuf name = STRBUF_INIT;
    char *value = NULL;
    char *effect = NULL;
    bool good = true;

    for (size_t i = 0; i < sent->n && good; i++) {
        if (i == 0 || !cert_is_self_signed(sent->certs[i]))
            good = cert_to_pem(sent->certs[i], &pem, err);
    }
    cert_format_subject(lost, &name);
    effect =
        mem_printf(_("the chain that it sends now: \"%.80s\" came from ssl_ca_file"), name.data);
    good = good && plan_add_file(plan, "pgseal-server", ".crt", &pem, 0644, effect, &value, err);
    if (good &&
        !plan_add_setting(plan, "ssl_cert_file", value, _("clients see the same chain"), err)) {
        err_cause(err,
                  _("The server's own chain is whole only because \"%.80s\" stands in "
                    "ssl_ca_file."),
                  name.data);
        err_hint(err,
                 _("Put it into the server's certificate file, after the server's own, first."));
        good = false;
    }
    free(effect);
    free(value);
    strbuf_clear(&name);
    strbuf_clear(&pem);
    return good;
}

bool plan_keep_own_chain(struct plan *plan, const struct bundle *present,
                         const struct bundle *wanted, struct err *err)
{
    const struct cert_list *sent = &plan->before.chain;
    const struct cert *lost;
    struct tls_file file;
    bool good = true;

    if (plan->before.verdict == HANDSHAKE_NO_TLS || !find_lost(sent, NULL, present, wanted))
        return true;
    if (!tls_file_read(plan->target.admin, plan->settings.data_directory,
                       settings_value(&plan->settings, "ssl_cert_file"), TLS_FILE_CERT, &file, err))
        return false;
    lost = find_lost(sent, &file.certs, present, wanted);
    if (lost && is_of_file(&file, sent))
        good = add_whole_chain(plan, lost, err);
    tls_file_clear(&file);
    return good;
}
