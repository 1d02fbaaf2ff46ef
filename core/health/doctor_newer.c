/* doctor_newer.c - options that came with libpq 16, 17 and 18: what they do, said by a libpq that has
 * them and by one that has not. */
#include "config.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/doctor_state.h"

#define BLANKS " \t\r\n\f\v"

static const struct newer_option {
    const char *name;
    int since;
    const char *what; /* NULL: it depends, see judge_one() */
} options[] = {
    {"sslcertmode", 160000, NULL},
    {"require_auth", 160000, NULL},
    {"load_balance_hosts", 160000, N_("It chooses among hosts, and changes nothing about TLS.")},
    {"gssdelegation", 160000, N_("It is about Kerberos, and changes nothing about TLS.")},
    {"sslnegotiation", 170000, NULL},
    {"min_protocol_version", 180000, N_("It is not about versions of TLS.")},
    {"max_protocol_version", 180000, N_("It is not about versions of TLS.")},
    {"sslkeylogfile", 180000,
     N_("It writes the secrets of each connection into a file: for debugging only.")},
};

static bool is_newer(const struct newer_option *option)
{
    return option->since > PQlibVersion();
}

static bool is_newer_name(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
            return is_newer(&options[i]);
    }
    return false;
}

/* ---- taking them out of a connection string ---- */

static void take(struct params *newer, const char *name, size_t len, const char *value)
{
    char *keyword = mem_strndup(name, len);

    params_set(newer, keyword, value);
    free(keyword);
}

/* As libpq reads a value: in quotes or up to a blank, a backslash before a character that is meant. */
static const char *read_value(const char *at, struct strbuf *out)
{
    bool quoted = *at == '\'';

    for (at += quoted; *at && (quoted ? *at != '\'' : !strchr(BLANKS, *at)); at++) {
        if (*at == '\\' && at[1])
            at++;
        strbuf_add_char(out, *at);
    }
    return quoted && *at ? at + 1 : at;
}

static void split_words(const char *text, struct params *newer, struct strbuf *rest)
{
    const char *at = text;

    while (*at) {
        const char *start = at, *name = at + strspn(at, BLANKS);
        size_t len = strcspn(name, BLANKS "=");
        struct strbuf value = STRBUF_INIT;

        at = name + len;
        at += strspn(at, BLANKS);
        if (*at != '=') { /* broken, or the end: libpq says it */
            strbuf_add_str(rest, start);
            break;
        }
        at++;
        at = read_value(at + strspn(at, BLANKS), &value);
        if (is_newer_name(name, len))
            take(newer, name, len, value.len > 0 ? value.data : "");
        else
            strbuf_add(rest, start, (size_t)(at - start));
        strbuf_clear(&value);
    }
}

static void decode(const char *at, size_t len, struct strbuf *out)
{
    const char *end = at + len;

    while (at < end) {
        char digits[3] = "";
        uint8_t byte = 0;
        size_t n = 0;

        if (*at == '%' && end - at > 2)
            memcpy(digits, at + 1, 2);
        if (digits[0] && text_parse_hex(digits, &byte, 1, &n) && n == 1 && byte) {
            strbuf_add_char(out, (char)byte);
            at += 3;
        } else {
            strbuf_add_char(out, *at++);
        }
    }
}

static void split_uri(const char *text, struct params *newer, struct strbuf *rest)
{
    const char *at = strchr(text, '?');
    char between = '?';

    strbuf_add(rest, text, at ? (size_t)(at - text) : strlen(text));
    while (at) {
        const char *name = at + 1;
        size_t len = strcspn(name, "&"), name_len = strcspn(name, "=&");
        struct strbuf value = STRBUF_INIT;

        at = name[len] ? name + len : NULL;
        if (name_len < len && is_newer_name(name, name_len)) {
            decode(name + name_len + 1, len - name_len - 1, &value);
            take(newer, name, name_len, value.len > 0 ? value.data : "");
        } else {
            strbuf_add_char(rest, between);
            strbuf_add(rest, name, len);
            between = '&';
        }
        strbuf_clear(&value);
    }
}

struct params *doctor_parse(const char *conninfo, struct err *err)
{
    struct strbuf rest = STRBUF_INIT;
    struct params *newer = params_new();
    struct params *params;
    const char *keyword = NULL, *value = NULL;

    if (strstr(conninfo, "://"))
        split_uri(conninfo, newer, &rest);
    else
        split_words(conninfo, newer, &rest);
    params = params_parse(rest.len > 0 ? rest.data : "", err);
    for (size_t i = 0; params && params_at(newer, i, &keyword, &value); i++)
        params_set(params, keyword, value);
    params_free(newer);
    strbuf_clear(&rest);
    return params;
}

void doctor_take_newer(struct doctoring *self)
{
    self->newer = params_new();
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const char *value = params_get(self->params, options[i].name);

        if (!value || !is_newer(&options[i]))
            continue;
        params_set(self->newer, options[i].name, value);
        params_set(self->params, options[i].name, NULL);
    }
}

/* ---- what a newer libpq would do ---- */

static const char *of_certmode(const struct doctoring *self, const char *value)
{
    const struct doctor_try *chosen = &self->out->tries[self->mode];

    if (strcmp(value, "disable") == 0)
        return self->cert.found && self->wire.asks_certificate
                   ? _("A newer libpq keeps the certificate back then: a rule that wants one "
                       "refuses the login.")
                   : _("A newer libpq sends no certificate then; none is sent here anyway.");
    if (strcmp(value, "require") != 0)
        return _("It is what every libpq does.");
    if (!self->has_wire && !self->is_socket)
        return _("A newer libpq wants a server then that asks for the certificate, and gets it.");
    if (!self->out->server_tls || (chosen->in && !chosen->tls))
        return _("A newer libpq ends this login then: it goes without TLS, and so without a "
                 "certificate.");
    if (!self->wire.asks_certificate)
        return _("A newer libpq ends this login then: the server asks for no certificate, its "
                 "ssl_ca_file is empty.");
    if (chosen->in && !chosen->cert_sent)
        return _("A newer libpq ends this login then: no certificate was sent, and the server took "
                 "it without.");
    return _("A newer libpq makes sure then that the server asked for the certificate and got it.");
}

/* Asked on the wire: nothing else tells, and the libpq here cannot. */
static bool takes_direct_tls(const struct doctoring *self)
{
    struct handshake_request request = {.host = self->connect_to,
                                        .port = self->out->port,
                                        .timeout_ms = self->timeout_ms,
                                        .direct = true};
    struct handshake seen;
    struct err ignored = ERR_INIT; /* "no" is the answer */
    bool takes = handshake_run(&request, &seen, &ignored);

    if (takes)
        handshake_clear(&seen);
    return takes;
}

static const char *of_negotiation(const struct doctoring *self, const char *value)
{
    if (strcmp(value, "direct") != 0 || self->is_socket)
        return _("It is what every libpq does.");
    if (self->mode < DOCTOR_REQUIRE)
        return _("A newer libpq refuses it with an sslmode below \"require\": what begins with TLS "
                 "cannot go on in clear text.");
    if (!self->has_wire)
        return _("A newer libpq begins with TLS at once then, which PostgreSQL understands from 17 "
                 "on.");
    if (takes_direct_tls(self))
        return _("A newer libpq begins with TLS at once then, and this server takes that.");
    return _("A newer libpq begins with TLS at once then. PostgreSQL before 17 and many poolers do "
             "not understand that, and this server does not.");
}

static const char *of_auth(const struct doctoring *self, const char *value)
{
    const struct doctor_try *chosen = &self->out->tries[self->mode];

    if (chosen->in && !self->gave_password && value[0] != '!' && !strstr(value, "none"))
        return _("A newer libpq ends this login then: the server asked for nothing beyond the "
                 "certificate, which counts as \"none\".");
    return _("A newer libpq ends a login then in which the server asks for another method.");
}

static const char *what_it_does(const struct doctoring *self, const struct newer_option *option)
{
    const char *value = params_get(self->newer, option->name);

    if (option->what)
        return _(option->what);
    if (strcmp(option->name, "sslcertmode") == 0)
        return of_certmode(self, value);
    if (strcmp(option->name, "sslnegotiation") == 0)
        return of_negotiation(self, value);
    return of_auth(self, value);
}

void doctor_judge_newer(struct doctoring *self)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct newer_option *option = &options[i];
        struct finding *finding;

        if (!params_get(self->newer, option->name))
            continue;
        finding =
            finding_add(&self->out->findings, FINDING_ERROR, ERR_LIBPQ_OLD, option->name,
                        _("libpq %d, the one here, does not know it and does not connect: all "
                          "was tried without it"),
                        PQlibVersion() / 10000);
        finding_fix(finding_cause(finding, "%s", what_it_does(self, option)),
                    _("Leave it out, or give the application libpq %d or later."),
                    option->since / 10000);
    }
}

/* ---- what this libpq does ---- */

/* Only that option is different: does it come further than to libpq's own refusal? */
static bool goes_on_with(const struct doctoring *self, enum doctor_sslmode mode,
                         const char *keyword, const char *value)
{
    struct params *params = params_dup(self->params);
    struct doctor_login_request request = {.params = params,
                                           .sslmode = doctor_sslmode_name(mode),
                                           .password = self->request->password,
                                           .key_passphrase = self->request->key_passphrase,
                                           .timeout_ms = self->timeout_ms};
    struct doctor_login seen;
    bool goes_on;

    params_set(params, keyword, value);
    doctor_login_run(&request, &seen);
    goes_on = seen.in || seen.sqlstate[0] || seen.needs_password;
    doctor_login_clear(&seen);
    params_free(params);
    return goes_on;
}

static bool is_set(const struct doctoring *self, const char *keyword, const char *value)
{
    return text_equal(doctor_effective_get(self->effective, keyword), value);
}

static const char *without_certificate(const struct doctoring *self, enum doctor_sslmode mode)
{
    if (self->is_socket || mode == DOCTOR_DISABLE || !self->out->server_tls)
        return _("sslcertmode=require wants a certificate in every login, and this one goes "
                 "without TLS.");
    if (!self->wire.asks_certificate)
        return _("sslcertmode=require wants a server that asks for the certificate, and this one "
                 "asks for none: its ssl_ca_file is empty.");
    if (!self->cert.found)
        return _("sslcertmode=require wants the certificate in the login, and its file is not "
                 "there.");
    return _("sslcertmode=require wants the certificate in the login, and it was not sent.");
}

bool doctor_option_at_fault(const struct doctoring *self, enum doctor_sslmode mode,
                            const char **ret_cause, const char **ret_fix)
{
    const char *auth = doctor_effective_get(self->effective, "require_auth");

    if (self->root.is_system && mode != DOCTOR_VERIFY_FULL) {
        *ret_cause = _("sslrootcert=system goes with sslmode=verify-full alone: anybody can have a "
                       "certificate of a public CA, only the name tells whose it is.");
        *ret_fix = _("Use sslmode=verify-full.");
    } else if (!self->is_socket && is_set(self, "sslnegotiation", "direct") &&
               mode < DOCTOR_REQUIRE) {
        *ret_cause =
            _("sslnegotiation=direct goes with sslmode=require and above: what begins with "
              "TLS cannot go on in clear text.");
        *ret_fix = _("Use sslmode=verify-full, or leave sslnegotiation out.");
    } else if (!self->is_socket && is_set(self, "sslnegotiation", "direct") &&
               goes_on_with(self, mode, "sslnegotiation", "postgres")) {
        *ret_cause = _("sslnegotiation=direct begins with TLS at once. PostgreSQL before 17 and "
                       "many poolers do not understand that, and this server does not.");
        *ret_fix = _("Leave sslnegotiation out.");
    } else if (is_set(self, "sslcertmode", "require") &&
               goes_on_with(self, mode, "sslcertmode", "allow")) {
        *ret_cause = without_certificate(self, mode);
        *ret_fix = _("Mend that where the certificate is meant to be used; else leave sslcertmode "
                     "out.");
    } else if (auth && *auth && goes_on_with(self, mode, "require_auth", "")) {
        *ret_cause = _("require_auth names other methods than the one that the server uses; a rule "
                       "with \"cert\" or \"trust\" counts as \"none\".");
        *ret_fix = _("Add the method of the rule to require_auth, or leave it out.");
    } else {
        return false;
    }
    return true;
}
