/* doctor_explain.c - one login: what was said, what is known beside it, and what that means. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/doctor_state.h"
#include "core/pg/message.h"

#define ALERT_PROTOCOL_VERSION 70

/* ---- saying ---- */

static void set_text(char **text, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
static void set_text(char **text, const char *fmt, va_list args)
{
    struct strbuf raw = STRBUF_INIT;
    struct strbuf clean = STRBUF_INIT;

    strbuf_vprintf(&raw, fmt, args);
    text_clean(&clean, raw.data, raw.len, TEXT_ONE_LINE);
    strbuf_clear(&raw);
    free(*text);
    *text = strbuf_steal(&clean);
}

static void say_code(struct doctor_try *ret, enum err_code code)
{
    const struct err_code_info *info = err_code_info((int)code);

    ret->code = code;
    free(ret->cause);
    free(ret->fix);
    ret->cause = mem_strdup(info ? gettext(info->cause) : "");
    ret->fix = mem_strdup(info ? gettext(info->help) : "");
}

static void say_cause(struct doctor_try *ret, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say_cause(struct doctor_try *ret, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_text(&ret->cause, fmt, args);
    va_end(args);
}

static void say_fix(struct doctor_try *ret, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say_fix(struct doctor_try *ret, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_text(&ret->fix, fmt, args);
    va_end(args);
}

/* ---- what the certificate would meet ---- */

/* The alert for this certificate; 0: none, -1: it was not tried. */
static int cert_alert(const struct doctoring *self)
{
    if (!self->tried_cert)
        return -1;
    return self->with_cert.verdict == HANDSHAKE_REFUSED ? self->with_cert.alert : 0;
}

/* A file that libpq cannot use ends every login with TLS before the handshake. */
static const struct client_file *bad_file(const struct doctoring *self)
{
    if (!self->cert.found)
        return NULL;
    if (self->cert.problem)
        return &self->cert;
    if (findings_find(&self->out->findings, ERR_CLIENT_WEAK, self->cert.path))
        return NULL; /* said by its own code below */
    return self->key.problem ? &self->key : NULL;
}

static bool name_differs(const struct doctoring *self)
{
    return self->certs.n > 0 && strcmp(self->cn, self->user) != 0;
}

/* ---- in ---- */

static void explain_in(const struct doctoring *self, struct doctor_try *ret)
{
    bool tls_wanted = ret->mode == DOCTOR_PREFER && self->out->server_tls;
    const struct client_file *bad = bad_file(self);
    int alert = cert_alert(self);

    if (self->is_socket || ret->tls)
        return;
    say_code(ret, ERR_CLEAR_TEXT);
    if (tls_wanted && alert > 0)
        say_cause(ret,
                  _("TLS was tried first; the certificate was refused (alert %d, %s), and libpq "
                    "went on in clear text without a word."),
                  alert, handshake_alert_name(alert));
    else if (tls_wanted && bad)
        say_cause(ret,
                  _("TLS was tried first; \"%s\" cannot be used (%s), and libpq went on in clear "
                    "text without a word."),
                  bad->path, bad->why);
    else if (self->has_wire && !self->out->server_tls)
        say_cause(ret, _("The server speaks no TLS."));
}

/* ---- refused by the server ---- */

static void explain_no_rule(const struct doctoring *self, struct doctor_try *ret)
{
    bool known = false;
    const struct hba_line *line =
        doctor_line(self, ret->mode > DOCTOR_ALLOW && self->out->server_tls, &known);

    say_code(ret, ERR_NO_RULE);
    if (known && line)
        say_cause(ret, _("Line %d of pg_hba.conf fits first: %s."), line->number,
                  line->rule.method);
    else if (ret->mode <= DOCTOR_ALLOW && self->out->server_tls)
        say_cause(ret,
                  _("This login came without TLS, and no rule lets \"%s\" into \"%s\" that "
                    "way."),
                  self->user, self->database);
    if (ret->mode <= DOCTOR_ALLOW && self->out->server_tls)
        say_fix(ret, _("Use sslmode=verify-full: the rules are for TLS."));
}

static void explain_no_cert(const struct doctoring *self, struct doctor_try *ret)
{
    say_code(ret, ERR_CERT_NOT_SENT);
    if (text_equal(doctor_effective_get(self->effective, "sslcertmode"), "disable"))
        say_cause(ret, _("sslcertmode=disable keeps \"%s\" back."), self->cert.path);
    else if (!self->cert.found)
        say_cause(ret, _("There is no certificate file \"%s\"; libpq says nothing about that."),
                  self->cert.path);
    else if (!self->wire.asks_certificate)
        say_cause(ret, _("The server asks for none: its ssl_ca_file is empty."));
    else if (findings_find(&self->out->findings, ERR_CLIENT_CURVE, self->cert.path))
        say_cause(ret, _("OpenSSL keeps it back: the server takes no key of this kind."));
    else
        say_cause(ret,
                  _("\"%s\" is there, and was kept back: a driver leaves out what is of none of "
                    "the CAs that the server names."),
                  self->cert.path);
}

static void explain_name(const struct doctoring *self, struct doctor_try *ret)
{
    bool known = false;
    const struct hba_line *line = doctor_line(self, true, &known);
    const char *map =
        known && line && line->kind == HBA_RULE ? hba_rule_option(&line->rule, "map") : NULL;

    if (map) {
        say_code(ret, ERR_NAME_ROLE_DIFFER);
        say_cause(ret, _("The map \"%s\" of line %d does not let \"%s\" in as \"%s\"."), map,
                  line->number, self->cn, self->user);
    } else if (!name_differs(self)) {
        say_code(ret, ERR_LOGIN);
    } else if (*self->cn) {
        say_code(ret, ERR_NAME_ROLE_DIFFER);
        say_cause(ret, _("The certificate is for \"%s\", and the login is as \"%s\"."), self->cn,
                  self->user);
    } else {
        say_code(ret, ERR_NAME_ROLE_DIFFER);
        say_cause(ret, _("The certificate has no common name (CN), so it is for nobody."));
    }
}

static void explain_password(const struct doctoring *self, const struct doctor_login *login,
                             struct doctor_try *ret)
{
    if (login->needs_password && !login->used_password) {
        ret->wants_password = true;
        say_code(ret, ERR_PASSWORD_NEEDED);
    } else if (name_differs(self) && cert_alert(self) == 0) {
        say_code(ret, ERR_ROLE_PASSWORD_OR_NAME);
        say_cause(ret,
                  _("The certificate is for \"%s\", the login is as \"%s\". A rule with "
                    "clientcert=verify-full refuses that in the same words as a wrong "
                    "password."),
                  self->cn, self->user);
    } else {
        say_code(ret, ERR_LOGIN);
        say_cause(ret, _("TLS and certificate were fine; the password was not."));
        say_fix(ret, _("Look at the password, and at ~/.pgpass."));
    }
}

static void explain_fatal(const struct doctoring *self, const struct doctor_login *login,
                          struct doctor_try *ret)
{
    const char *state = login->sqlstate;
    struct err err = ERR_INIT;

    if (strcmp(state, "F0000") == 0 && strcmp(login->routine, "ClientAuthentication") == 0) {
        say_code(ret, ERR_RULE_NO_CA);
    } else if (strcmp(state, "28P01") == 0) {
        explain_password(self, login, ret);
    } else if (strcmp(state, "28000") == 0 && strcmp(login->routine, "auth_failed") == 0) {
        explain_name(self, ret);
    } else if (strcmp(state, "28000") == 0 &&
               strncmp(login->routine, "InitializeSessionUserId", 23) == 0) {
        say_code(ret, ERR_ROLE_LOGIN);
    } else if (strcmp(state, "28000") == 0 && strcmp(login->routine, "ClientAuthentication") == 0) {
        /* the words are the server's language; names in quotes are in one of the two only */
        if (login->names_in_text)
            explain_no_rule(self, ret);
        else
            explain_no_cert(self, ret);
    } else {
        message_from_server(&err, ERR_NONE, state, login->said);
        say_code(ret, err.code);
    }
}

/* ---- given up by libpq or ended by TLS ---- */

static bool explain_client_files(const struct doctoring *self, struct doctor_try *ret)
{
    const struct client_file *file = bad_file(self);

    if (self->root.found && self->root.problem) {
        say_code(ret, ERR_ROOT_FORMAT);
        say_cause(ret, "\"%s\": %s.", self->root.path, self->root.why);
        return true;
    }
    if (!self->root.found && ret->mode >= DOCTOR_VERIFY_CA) {
        say_code(ret, ERR_ROOT_MISSING);
        say_cause(ret, _("There is no file \"%s\"."), self->root.path);
        return true;
    }
    if (findings_find(&self->out->findings, ERR_CLIENT_WEAK, NULL)) {
        say_code(ret, ERR_CLIENT_WEAK);
        return true;
    }
    if (!file)
        return false;
    say_code(ret, file->problem);
    say_cause(ret, "\"%s\": %s.", file->path, file->why);
    return true;
}

static bool explain_server_cert(const struct doctoring *self, struct doctor_try *ret)
{
    /* libpq compares with a root file that is there, whatever sslmode says */
    if ((self->roots.n > 0 || self->root.is_system) && !self->server_verified) {
        const struct finding *finding =
            findings_find(&self->out->findings, ERR_SERVER_NOT_VERIFIED, NULL);

        say_code(ret, ERR_SERVER_NOT_VERIFIED);
        say_cause(ret, _("%s. %s"), self->server_verdict.cause, finding ? finding->cause : "");
        if (finding)
            say_fix(ret, "%s", finding->fix);
        return true;
    }
    if (ret->mode == DOCTOR_VERIFY_FULL && !self->host_fits) {
        const struct finding *finding = findings_find(&self->out->findings, ERR_HOST_DIFFERS, NULL);

        say_code(ret, ERR_HOST_DIFFERS);
        if (finding)
            say_cause(ret, "\"%s\": %s. %s", finding->object, finding->message, finding->cause);
        return true;
    }
    return false;
}

static void explain_alert(const struct doctoring *self, int alert, struct doctor_try *ret)
{
    ret->cert_sent = true;
    free(ret->cause);
    free(ret->fix);
    doctor_explain_refusal(self, alert, &ret->code, &ret->cause, &ret->fix);
    if (!self->needs_no_cert)
        return;
    ret->code = ERR_STALE_CERT;
    say_cause(ret, _("%s Without \"%s\" the login goes on: the rule wants no certificate."),
              ret->cause, self->cert.path);
    say_fix(ret, "%s", gettext(err_code_info(ERR_STALE_CERT)->help));
}

/* The client's own limits: the server may only speak versions that they leave out. */
static bool limits_versions(const struct doctoring *self)
{
    const char *min = doctor_effective_get(self->effective, "ssl_min_protocol_version");
    const char *max = doctor_effective_get(self->effective, "ssl_max_protocol_version");

    return (max && *max && strcmp(max, "TLSv1.3") != 0 && self->with_cert.alert != 47) ||
           (min && strcmp(min, "TLSv1.3") == 0);
}

static bool is_12_only(const struct doctoring *self)
{
    const char *max = doctor_effective_get(self->effective, "ssl_max_protocol_version");

    return max && strcmp(max, "TLSv1.2") == 0;
}

static void explain_tls(const struct doctoring *self, const struct doctor_login *login,
                        struct doctor_try *ret)
{
    int alert = is_12_only(self) ? self->alert_12 : cert_alert(self);

    if (explain_client_files(self, ret) || explain_server_cert(self, ret))
        return;
    if (alert == ALERT_PROTOCOL_VERSION) {
        say_code(ret, ERR_TLS_VERSIONS);
        return;
    }
    if (alert > 0) {
        explain_alert(self, alert, ret);
        return;
    }
    if (findings_find(&self->out->findings, ERR_SCRAM_EDDSA, NULL)) {
        say_code(ret, ERR_SCRAM_EDDSA);
    } else if (limits_versions(self)) {
        say_code(ret, ERR_TLS_VERSIONS);
    } else if (login->needs_password) {
        ret->wants_password = true;
        say_code(ret, ERR_PASSWORD_NEEDED);
    } else if (findings_find(&self->out->findings, ERR_CERT_NUL, NULL)) {
        say_code(ret, ERR_CERT_NUL);
    } else {
        say_code(ret, ERR_CLOSED);
    }
}

static bool explain_option(const struct doctoring *self, struct doctor_try *ret)
{
    const char *cause = NULL, *fix = NULL;

    if (!doctor_option_at_fault(self, ret->mode, &cause, &fix))
        return false;
    say_code(ret, ERR_CLIENT_OPTION);
    say_cause(ret, "%s", cause);
    say_fix(ret, "%s", fix);
    return true;
}

/* ---- one try ---- */

void doctor_explain(const struct doctoring *self, const struct doctor_login *login,
                    struct doctor_try *ret)
{
    ret->in = login->in;
    ret->tls = login->tls;
    ret->said = mem_strdup(login->said);
    ret->cause = mem_strdup("");
    ret->fix = mem_strdup("");
    ret->cert_sent = login->client_serial[0] != '\0';
    text_clean_copy(ret->tls_version, sizeof(ret->tls_version), login->version);
    text_clean_copy(ret->sqlstate, sizeof(ret->sqlstate), login->sqlstate);
    if (login->in) {
        explain_in(self, ret);
    } else if (login->timed_out) {
        say_code(ret, ERR_TIMEOUT);
    } else if (login->sqlstate[0]) {
        explain_fatal(self, login, ret);
    } else if (explain_option(self, ret)) {
        return;
    } else if (!self->is_socket && !self->has_wire) {
        say_code(ret, self->wire_err.code ? self->wire_err.code : ERR_NO_CONNECTION);
    } else if (login->needs_password) {
        ret->wants_password = true;
        say_code(ret, ERR_PASSWORD_NEEDED);
    } else if (self->is_socket) {
        say_code(ret, ERR_NO_CONNECTION);
    } else if (!self->out->server_tls && ret->mode >= DOCTOR_REQUIRE) {
        say_code(ret, self->not_loaded ? ERR_TLS_NOT_LOADED : ERR_SSL_OFF);
    } else {
        explain_tls(self, login, ret);
    }
}
