/* session_row.c - one session in words. */
#include "config.h"

#include "screens/session_row.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/pki/serial.h"

enum finding { /* worst last */
               FINDING_FINE,
               FINDING_LOCAL,
               FINDING_HIDDEN,
               FINDING_GSS,
               FINDING_NO_CERT,
               FINDING_LOOKING,
               FINDING_UNKNOWN,
               FINDING_SOON,
               FINDING_OLD_TLS,
               FINDING_CLEAR,
               FINDING_ENDED,
               FINDING_REVOKED
};

static const struct {
    enum mark mark;
    const char *word;
} findings[] = {
    [FINDING_FINE] = {MARK_OK, ""},
    [FINDING_LOCAL] = {MARK_OFF, N_("local")},
    [FINDING_HIDDEN] = {MARK_OFF, N_("hidden")},
    [FINDING_GSS] = {MARK_OK, N_("GSS")},
    [FINDING_NO_CERT] = {MARK_OFF, N_("no cert")},
    [FINDING_LOOKING] = {MARK_BUSY, ""},
    [FINDING_UNKNOWN] = {MARK_OFF, N_("foreign")},
    [FINDING_SOON] = {MARK_WARN, N_("soon")},
    [FINDING_OLD_TLS] = {MARK_WARN, N_("old TLS")},
    [FINDING_CLEAR] = {MARK_WARN, N_("no TLS")},
    [FINDING_ENDED] = {MARK_BAD, N_("ended")},
    [FINDING_REVOKED] = {MARK_BAD, N_("revoked")},
};

static enum finding find(const struct session *session,
                         const struct session_certificate *certificate, int64_t now)
{
    bool old_tls =
        strcmp(session->version, "TLSv1") == 0 || strcmp(session->version, "TLSv1.1") == 0;

    switch (session->class) {
    case SESSION_SOCKET:
        return FINDING_LOCAL;
    case SESSION_HIDDEN:
        return FINDING_HIDDEN;
    case SESSION_GSS:
        return FINDING_GSS;
    case SESSION_CLEAR:
        return FINDING_CLEAR;
    case SESSION_TLS:
        return old_tls ? FINDING_OLD_TLS : FINDING_NO_CERT;
    case SESSION_TLS_CERT:
        break;
    }
    if (certificate == NULL)
        return FINDING_LOOKING;
    if (!certificate->known)
        return old_tls ? FINDING_OLD_TLS : FINDING_UNKNOWN;
    if (certificate->revoked_at != 0)
        return FINDING_REVOKED;
    if (certificate->not_after <= now)
        return FINDING_ENDED;
    if (old_tls)
        return FINDING_OLD_TLS;
    if (certificate->not_after - now < SESSION_ROW_SOON_DAYS * CLOCK_DAY)
        return FINDING_SOON;
    return FINDING_FINE;
}

enum mark session_row_mark(const struct session *session,
                           const struct session_certificate *certificate, int64_t now)
{
    return findings[find(session, certificate, now)].mark;
}

bool session_row_needs_look(const struct session *session,
                            const struct session_certificate *certificate, int64_t now)
{
    enum mark mark = session_row_mark(session, certificate, now);

    return mark == MARK_WARN || mark == MARK_BAD;
}

void session_row_common_name(const char *dn, struct strbuf *out)
{
    const char *cn = strstr(dn, "/CN=");
    size_t len;

    if (cn == NULL) {
        strbuf_add_str(out, dn);
        return;
    }
    cn += 4;
    len = strcspn(cn, "/");
    strbuf_add(out, cn, len);
}

static void add_tls(const struct session *session, struct strbuf *out)
{
    if (session->class == SESSION_TLS || session->class == SESSION_TLS_CERT)
        strbuf_add_str(out, text_starts_with(session->version, "TLSv") ? session->version + 4
                                                                       : session->version);
    else if (session->class == SESSION_CLEAR)
        strbuf_add_str(out, _("no"));
    else if (session->class == SESSION_GSS)
        strbuf_add_str(out, "GSS");
    else
        strbuf_add_str(out, session->class == SESSION_HIDDEN ? "?" : "-");
}

void session_row_cell(const struct session *session, const struct session_certificate *certificate,
                      int64_t now, enum session_row_column column, struct strbuf *out)
{
    enum finding finding;

    switch (column) {
    case SESSION_ROW_PID:
        strbuf_printf(out, "%d", session->pid);
        break;
    case SESSION_ROW_ROLE:
        strbuf_add_str(out, session->role[0] != '\0' ? session->role : "-");
        break;
    case SESSION_ROW_DATABASE:
        strbuf_add_str(out, session->database[0] != '\0' ? session->database : "-");
        break;
    case SESSION_ROW_FROM:
        if (session->class == SESSION_SOCKET)
            strbuf_add_str(out, _("local"));
        else
            strbuf_add_str(out, session->class == SESSION_HIDDEN ? "?" : session->address);
        break;
    case SESSION_ROW_TLS:
        add_tls(session, out);
        break;
    case SESSION_ROW_CERTIFICATE:
        if (session->class == SESSION_TLS_CERT)
            session_row_common_name(session->client_dn, out);
        else
            strbuf_add_str(out, session->class == SESSION_HIDDEN ? "?" : "-");
        break;
    case SESSION_ROW_ENDS:
        if (certificate != NULL && certificate->known)
            strbuf_printf(out, _("%lld d"),
                          (long long)((certificate->not_after - now) / CLOCK_DAY));
        else
            strbuf_add_str(out, session->class == SESSION_TLS_CERT ? "?" : "-");
        break;
    case SESSION_ROW_MARK:
        finding = find(session, certificate, now);
        strbuf_add_str(out, mark_text(findings[finding].mark));
        if (session->own)
            strbuf_printf(out, " %s", _("you"));
        else if (findings[finding].word[0] != '\0')
            strbuf_printf(out, " %s", _(findings[finding].word));
        break;
    case SESSION_ROW_COLUMNS:
        break;
    }
}

static const char *explanation(enum finding finding)
{
    switch (finding) {
    case FINDING_FINE:
        return N_("All is well: TLS, and a certificate that is good for a while.");
    case FINDING_LOCAL:
        return N_(
            "Came in by the Unix socket of the server's own machine, where TLS is never used.");
    case FINDING_HIDDEN:
        return N_(
            "Your role may not see this session. Ask for: GRANT pg_read_all_stats TO your role.");
    case FINDING_GSS:
        return N_("Encrypted by GSSAPI (Kerberos), not by TLS.");
    case FINDING_NO_CERT:
        return N_("Encrypted, but it logged in without a certificate.");
    case FINDING_LOOKING:
        return N_("Looking the certificate up in the store.");
    case FINDING_UNKNOWN:
        return N_("The certificate was not issued by a CA of this store.");
    case FINDING_SOON:
        return N_("The certificate ends soon. Issue a new one; both work side by side.");
    case FINDING_OLD_TLS:
        return N_("TLS 1.0 and 1.1 are broken. Update the client.");
    case FINDING_CLEAR:
        return N_("Everything it sends can be read on the way, passwords too.");
    case FINDING_ENDED:
        return N_("The certificate has ended; the session is older, so it stays until it ends.");
    case FINDING_REVOKED:
        return N_("Revoked. This session is older, so it stays until it ends: d ends it.");
    }
    return "";
}

void session_row_explain(const struct session *session,
                         const struct session_certificate *certificate, int64_t now,
                         struct strbuf *out)
{
    char when[CLOCK_TEXT_MAX];
    struct serial serial;
    char hex[SERIAL_HEX_MAX];
    struct err ignored = ERR_INIT;

    strbuf_printf(out, "%d %s", session->pid, session->role[0] != '\0' ? session->role : "-");
    if (session->cipher[0] != '\0')
        strbuf_printf(out, "   %s %s", session->version, session->cipher);
    if (session->backend_start > 0)
        strbuf_printf(out, _("   since %s UTC"), clock_format_minute(when, session->backend_start));
    strbuf_printf(out, "\n%s", _(explanation(find(session, certificate, now))));
    if (session->before_reload && session->class != SESSION_SOCKET)
        strbuf_printf(out, " %s", _("It connected before the last reload."));
    if (session->class == SESSION_TLS_CERT)
        strbuf_printf(out, _("\nsubject %s   issuer %s"), session->client_dn, session->issuer_dn);
    if (session->class == SESSION_TLS_CERT &&
        serial_parse_decimal(&serial, session->client_serial, &ignored))
        strbuf_printf(out, _("\nserial %s"), serial_format_hex(hex, &serial));
    if (session->application[0] != '\0')
        strbuf_printf(out, _("%sapplication \"%s\""),
                      session->class == SESSION_TLS_CERT ? "   " : "\n", session->application);
}

static int compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int64_t end_of(const struct session_certificate *certificate)
{
    return certificate != NULL && certificate->known ? certificate->not_after : INT64_MAX;
}

int session_row_compare(const struct session *a, const struct session_certificate *ca,
                        const struct session *b, const struct session_certificate *cb, int64_t now,
                        enum session_row_column column)
{
    int order = 0;

    switch (column) {
    case SESSION_ROW_PID:
        break;
    case SESSION_ROW_ROLE:
        order = strcmp(a->role, b->role);
        break;
    case SESSION_ROW_DATABASE:
        order = strcmp(a->database, b->database);
        break;
    case SESSION_ROW_FROM:
        order = strcmp(a->address, b->address);
        break;
    case SESSION_ROW_TLS:
        order = strcmp(a->version, b->version);
        break;
    case SESSION_ROW_CERTIFICATE:
        order = strcmp(a->client_dn, b->client_dn);
        break;
    case SESSION_ROW_ENDS:
        order = compare_int(end_of(ca), end_of(cb));
        break;
    case SESSION_ROW_MARK: /* worst first */
    case SESSION_ROW_COLUMNS:
        order = compare_int(find(b, cb, now), find(a, ca, now));
        break;
    }
    return order != 0 ? order : compare_int(a->pid, b->pid);
}
