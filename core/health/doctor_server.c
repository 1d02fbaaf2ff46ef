/* doctor_server.c - the server's side of it: by its own files where an admin may read them, else by what
 * our store knows of the CAs that the wire names. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/health/doctor_state.h"
#include "core/pg/message.h"
#include "core/pg/roles.h"
#include "core/pg/settings.h"
#include "core/pg/tls_file.h"
#include "core/store/issued.h"

#define HBA_MAX ((size_t)4 << 20)

struct trust { /* what the server checks the certificate with */
    struct cert_list cas;
    struct crl **crls;
    size_t n_crls;
    bool no_crl_found; /* lists are checked, and none is known here */
};

static void trust_clear(struct trust *trust)
{
    cert_list_clear(&trust->cas);
    for (size_t i = 0; i < trust->n_crls; i++)
        crl_free(trust->crls[i]);
    free(trust->crls);
}

/* ---- by its admin ---- */

static bool read_rules(struct doctoring *self, const char *path, struct err *err)
{
    struct conn *admin = self->request->admin;
    struct result *result = NULL;
    struct strbuf bytes = STRBUF_INIT;

    if (!*path)
        return true;
    if (!tls_file_ask(admin, "SELECT pg_catalog.pg_read_binary_file($1::text)", 1, &path, &result,
                      err))
        return false;
    if (result && result_bytes(result, 0, 0, &bytes)) {
        hba_parse(bytes.data, bytes.len, conn_server_version(admin), &self->hba);
        self->has_hba = true;
    }
    strbuf_clear(&bytes);
    result_free(result);
    return true;
}

static bool by_admin(struct doctoring *self, struct trust *trust, struct err *err)
{
    struct conn *admin = self->request->admin;
    struct settings settings;
    struct tls_file ca = {.n_crls = 0}, crl = {.n_crls = 0};
    bool done = false;

    if (!settings_read(admin, &settings, err))
        return false;
    if (!tls_file_read(admin, settings.data_directory, settings_value(&settings, "ssl_ca_file"),
                       TLS_FILE_CA, &ca, err) ||
        !tls_file_read(admin, settings.data_directory, settings_value(&settings, "ssl_crl_file"),
                       TLS_FILE_CRL, &crl, err) ||
        !read_rules(self, settings.hba_file, err))
        goto out;
    done = true;
    self->not_loaded = self->has_wire && !self->out->server_tls &&
                       strcmp(settings_value(&settings, "ssl"), "on") == 0;
    /* a folder of lists is not read here: then the verdict stays open */
    self->certain = ca.state == TLS_FILE_READ &&
                    (crl.state == TLS_FILE_READ || crl.state == TLS_FILE_UNSET) &&
                    !*settings_value(&settings, "ssl_crl_dir");
    if (self->certain) {
        trust->cas = ca.certs;
        cert_list_init(&ca.certs);
        trust->crls = crl.crls;
        trust->n_crls = crl.n_crls;
        trust->no_crl_found = crl.state == TLS_FILE_READ && crl.n_crls == 0;
        crl.crls = NULL;
        crl.n_crls = 0;
    }
out:
    tls_file_clear(&ca);
    tls_file_clear(&crl);
    settings_clear(&settings);
    return done;
}

/* ---- by the store ---- */

static bool by_store(struct doctoring *self, struct trust *trust, struct err *err)
{
    struct authority_list list = {.n = 0};
    bool done = true;

    if (!authority_list(self->request->store, &list, err))
        return false;
    for (size_t i = 0; done && i < list.n; i++) {
        const struct authority *authority = list.rows[i];
        struct crl *crl;

        if (!handshake_accepts_ca(&self->wire, authority->cert))
            continue;
        crl = authority_crl(self->request->store, authority, err);
        if (!crl) {
            done = false;
            continue;
        }
        cert_list_take(&trust->cas, cert_dup(authority->cert));
        trust->crls = mem_realloc_array(trust->crls, trust->n_crls + 1, sizeof(trust->crls[0]));
        trust->crls[trust->n_crls++] = crl;
    }
    authority_list_clear(&list);
    return done;
}

static void judge_no_tls(struct doctoring *self)
{
    finding_mend(finding_add(&self->out->findings,
                             self->mode >= DOCTOR_REQUIRE ? FINDING_ERROR : FINDING_WARNING,
                             self->not_loaded ? ERR_TLS_NOT_LOADED : ERR_SSL_OFF, self->out->host,
                             self->not_loaded ? _("ssl = on, and the server speaks no TLS")
                                              : _("the server speaks no TLS")),
                 ACT_SERVER_TLS, "");
}

bool doctor_look_at_server(struct doctoring *self, struct err *err)
{
    struct trust trust = {.n_crls = 0};
    struct cert_list rest = {.n = 0};
    bool done = true;

    cert_list_init(&trust.cas);
    if (self->request->admin)
        done = by_admin(self, &trust, err);
    if (done && self->has_wire && !self->out->server_tls)
        judge_no_tls(self);
    if (done && !self->certain && self->request->store && self->has_wire)
        done = by_store(self, &trust, err);
    if (done && self->certs.n > 0 && trust.cas.n > 0 && !trust.no_crl_found) {
        rest.certs = self->certs.certs + 1;
        rest.n = self->certs.n - 1;
        chain_verify_client(self->certs.certs[0], &rest, &trust.cas, trust.crls, trust.n_crls,
                            clock_now(), &self->client_verdict);
        self->has_client_verdict = true;
    }
    trust_clear(&trust);
    return done;
}

const struct hba_line *doctor_line(const struct doctoring *self, bool tls, bool *ret_known)
{
    struct hba_client client = {.database = self->database,
                                .role = self->user,
                                .address = self->is_socket ? NULL : self->address,
                                .tls = tls};
    char **member_of = NULL;
    size_t n_member_of = 0;
    struct err ignored = ERR_INIT; /* without memberships "+group" lines do not fit: not known */
    bool sure = false;
    int at;

    *ret_known = false;
    if (!self->has_hba || (!self->is_socket && !*self->address))
        return NULL;
    if (!roles_member_of(self->request->admin, self->user, &member_of, &n_member_of, &ignored))
        return NULL;
    client.member_of = (const char *const *)member_of;
    client.n_member_of = n_member_of;
    at = hba_first_match(&self->hba, &client, &sure);
    for (size_t i = 0; i < n_member_of; i++)
        free(member_of[i]);
    free(member_of);
    *ret_known = sure;
    return at < 0 ? NULL : &self->hba.lines[at];
}

/* ---- why a certificate is refused ---- */

static void say_accepted(const struct doctoring *self, struct strbuf *out)
{
    for (size_t i = 0; i < self->wire.n_accepted_cas && i < 3; i++)
        strbuf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", self->wire.accepted_cas[i]);
    if (self->wire.n_accepted_cas > 3)
        strbuf_add_str(out, ", …");
    if (self->wire.n_accepted_cas == 0)
        strbuf_add_str(out, _("nobody"));
}

/* When and why it was revoked, as the store has it. */
static bool say_revoked(const struct doctoring *self, struct strbuf *out)
{
    struct serial serial = cert_serial(self->certs.certs[0]);
    struct err ignored = ERR_INIT; /* not one of ours: nothing to add */
    struct issued *issued = NULL;
    char hex[SERIAL_HEX_MAX];
    char date[CLOCK_TEXT_MAX];

    if (!self->request->store)
        return false;
    issued = issued_find(self->request->store, serial_format_hex(hex, &serial), &ignored);
    if (!issued || issued->revoked_at == 0) {
        issued_free(issued);
        return false;
    }
    strbuf_printf(out, _("It was revoked on %s (%s)."), clock_format_date(date, issued->revoked_at),
                  crl_reason_name(issued->reason));
    issued_free(issued);
    return true;
}

static void say_by_alert(const struct doctoring *self, int alert, struct strbuf *out)
{
    const struct cert *leaf = self->certs.certs[0];
    bool listed = findings_find(&self->out->findings, ERR_ALERT_UNKNOWN_CA, NULL) == NULL;
    char date[CLOCK_TEXT_MAX];

    switch (alert) {
    case 42:
        if (cert_not_before(leaf) > clock_now())
            strbuf_printf(out, _("It is not valid before %s UTC: clocks?"),
                          clock_format_minute(date, cert_not_before(leaf)));
        else
            strbuf_add_str(out, _("It is valid here: the server's clock is behind, the CRL is not "
                                  "valid yet, or key or hash are too weak."));
        return;
    case 45:
        if (cert_not_after(leaf) <= clock_now())
            strbuf_printf(out, _("It ended on %s."), clock_format_date(date, cert_not_after(leaf)));
        else
            strbuf_printf(out,
                          _("It is valid until %s: what has ended is the server's CRL, or the CA. "
                            "PostgreSQL says the same for all three."),
                          clock_format_date(date, cert_not_after(leaf)));
        return;
    case 47:
        strbuf_add_str(out, _("TLS 1.2 with a P-384 or P-521 key: the server offers one curve, and "
                              "holds client keys to it."));
        return;
    case 48:
        if (listed) {
            strbuf_add_str(out, _("The server names that CA among those that it accepts: it lacks "
                                  "that CA's CRL, or has a CA of the same name with another key."));
            return;
        }
        strbuf_add_str(out, _("The server accepts certificates of "));
        say_accepted(self, out);
        strbuf_add_str(out, _(", and this one is of another CA."));
        return;
    default:
        break;
    }
}

void doctor_explain_refusal(const struct doctoring *self, int alert, enum err_code *ret_code,
                            char **ret_cause, char **ret_fix)
{
    const struct chain_verdict *verdict = &self->client_verdict;
    struct strbuf cause = STRBUF_INIT;
    struct err err = ERR_INIT;

    message_from_alert(&err, alert, _("certificate"));
    if (alert == 44 && say_revoked(self, &cause))
        ;
    else if (self->has_client_verdict && !verdict->accepted && verdict->alert == alert)
        strbuf_printf(&cause, "%s%s.", self->certain ? "" : _("By what this store knows: "),
                      verdict->cause);
    else if (self->certs.n > 0)
        say_by_alert(self, alert, &cause);
    if (cause.len == 0)
        strbuf_add_str(&cause, err_cause_text(&err));
    *ret_code = alert == 47 ? ERR_CLIENT_CURVE : err.code;
    err.code = *ret_code;
    *ret_cause = strbuf_steal(&cause);
    *ret_fix = mem_strdup(err_hint_text(&err));
}
