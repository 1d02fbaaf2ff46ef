/* session_row.c - one session in words. */
#include "config.h"

#include "screens/session_row.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/pki/serial.h"

static bool is_tls(const struct session *session)
{
    return session->class == SESSION_TLS || session->class == SESSION_TLS_CERT;
}

static bool is_hidden(const struct session_line *line)
{
    return line->session->class == SESSION_HIDDEN;
}

/* Its certificate is being looked up. */
static bool is_open(const struct session_line *line)
{
    return line->session->class == SESSION_TLS_CERT && line->certificate == NULL;
}

/* ---- the mark ---- */

enum mark session_row_mark_of(enum finding_weight weight)
{
    switch (weight) {
    case FINDING_WEIGHT_NONE:
        return MARK_OK;
    case FINDING_WEIGHT_NOTE:
        return MARK_OFF;
    case FINDING_WEIGHT_LOOK:
        return MARK_WARN;
    case FINDING_WEIGHT_ACT:
        return MARK_BAD;
    }
    return MARK_NONE;
}

/* What the mark is made of; NULL: nothing to say but the class. */
static const struct finding_info *shown_finding(const struct session_line *line)
{
    /* Being older than a reload is no news by itself. */
    return finding_worst(line->findings & ~(unsigned)FINDING_BEFORE_RELOAD);
}

enum mark session_row_mark(const struct session_line *line)
{
    const struct finding_info *worst = shown_finding(line);

    if (worst != NULL)
        return session_row_mark_of(worst->weight);
    if (is_open(line))
        return MARK_BUSY;
    return line->session->class == SESSION_SOCKET || is_hidden(line) ? MARK_OFF : MARK_OK;
}

static const char *mark_word(const struct session_line *line)
{
    const struct finding_info *worst = shown_finding(line);

    if (line->session->own)
        return _("you");
    if (worst != NULL)
        return _(worst->word);
    switch (line->session->class) {
    case SESSION_SOCKET:
        return _("local");
    case SESSION_HIDDEN:
        return _("hidden");
    case SESSION_GSS:
        return "GSS";
    case SESSION_TLS_CERT:
    case SESSION_TLS:
    case SESSION_CLEAR:
        break;
    }
    return "";
}

/* ---- cells ---- */

/* The common name of "/O=Acme/CN=alice", or the whole text without one. */
static void common_name(const char *dn, struct strbuf *out)
{
    const char *cn = strstr(dn, "/CN=");

    if (cn == NULL) {
        strbuf_add_str(out, dn);
        return;
    }
    cn += strlen("/CN=");
    strbuf_add(out, cn, strcspn(cn, "/"));
}

static void add_tls(const struct session *session, struct strbuf *out)
{
    if (is_tls(session))
        strbuf_add_str(out, text_starts_with(session->version, "TLSv") ? session->version + 4
                                                                       : session->version);
    else if (session->class == SESSION_CLEAR)
        strbuf_add_str(out, _("no"));
    else if (session->class == SESSION_GSS)
        strbuf_add_str(out, "GSS");
    else
        strbuf_add_str(out, session->class == SESSION_HIDDEN ? "?" : "-");
}

/* The hour of today, else the day. */
static void add_since(const struct session *session, int64_t now, struct strbuf *out)
{
    char text[CLOCK_TEXT_MAX];

    if (session->backend_start == 0)
        strbuf_add_char(out, '?');
    else if (now - session->backend_start < CLOCK_DAY)
        strbuf_add(out, clock_format_minute(text, session->backend_start) + 11, 5);
    else
        strbuf_add(out, clock_format_date(text, session->backend_start) + 5, 5);
}

static void add_ca(const struct session_line *line, struct strbuf *out)
{
    if (line->certificate != NULL && line->certificate->known)
        strbuf_add_str(out, line->certificate->authority);
    else if (line->session->class == SESSION_TLS_CERT)
        common_name(line->session->issuer_dn, out);
    else
        strbuf_add_str(out, is_hidden(line) ? "?" : "-");
}

static void add_or_dash(const char *text, struct strbuf *out)
{
    strbuf_add_str(out, text[0] != '\0' ? text : "-");
}

static void add_from(const struct session *session, struct strbuf *out)
{
    if (session->class == SESSION_SOCKET)
        strbuf_add_str(out, _("local"));
    else
        strbuf_add_str(out, session->class == SESSION_HIDDEN ? "?" : session->address);
}

static void add_ends(const struct session_line *line, int64_t now, struct strbuf *out)
{
    if (line->certificate != NULL && line->certificate->known)
        strbuf_printf(out, _("%lld d"),
                      (long long)((line->certificate->not_after - now) / CLOCK_DAY));
    else
        strbuf_add_str(out, line->session->class == SESSION_TLS_CERT ? "?" : "-");
}

void session_row_cell(const struct session_line *line, int64_t now, enum session_column column,
                      struct strbuf *out)
{
    const struct session *session = line->session;

    switch (column) {
    case SESSION_COLUMN_SERVER:
        strbuf_add_str(out, line->server);
        break;
    case SESSION_COLUMN_PID:
        strbuf_printf(out, "%d", session->pid);
        break;
    case SESSION_COLUMN_ROLE:
        add_or_dash(session->role, out);
        break;
    case SESSION_COLUMN_DATABASE:
        add_or_dash(session->database, out);
        break;
    case SESSION_COLUMN_APPLICATION:
        add_or_dash(session->application, out);
        break;
    case SESSION_COLUMN_FROM:
        add_from(session, out);
        break;
    case SESSION_COLUMN_SINCE:
        add_since(session, now, out);
        break;
    case SESSION_COLUMN_TLS:
        add_tls(session, out);
        break;
    case SESSION_COLUMN_CIPHER:
        add_or_dash(session->cipher, out);
        break;
    case SESSION_COLUMN_CERTIFICATE:
        if (session->class == SESSION_TLS_CERT)
            common_name(session->client_dn, out);
        else
            strbuf_add_str(out, is_hidden(line) ? "?" : "-");
        break;
    case SESSION_COLUMN_CA:
        add_ca(line, out);
        break;
    case SESSION_COLUMN_ENDS:
        add_ends(line, now, out);
        break;
    case SESSION_COLUMN_MARK:
        strbuf_add_str(out, mark_text(session_row_mark(line)));
        if (mark_word(line)[0] != '\0')
            strbuf_printf(out, " %s", mark_word(line));
        break;
    case SESSION_COLUMNS:
        break;
    }
}

/* ---- in words ---- */

static const char *class_text(const struct session_line *line)
{
    switch (line->session->class) {
    case SESSION_SOCKET:
        return _("Came in by the Unix socket of the server's own machine, where TLS is never "
                 "used.");
    case SESSION_HIDDEN:
        return _("Your role may not see this session. Ask for: GRANT pg_read_all_stats TO your "
                 "role.");
    case SESSION_GSS:
        return _("Encrypted by GSSAPI (Kerberos), not by TLS.");
    case SESSION_TLS_CERT:
        return is_open(line) ? _("Looking the certificate up in the store.")
                             : _("All is well: TLS, and a certificate that is good for a while.");
    case SESSION_TLS:
    case SESSION_CLEAR:
        break;
    }
    return "";
}

void session_row_explain(const struct session_line *line, struct strbuf *out)
{
    const struct session *session = line->session;
    const struct finding_info *worst = shown_finding(line);
    char when[CLOCK_TEXT_MAX];

    strbuf_printf(out, "%d %s", session->pid, session->role[0] != '\0' ? session->role : "-");
    if (session->cipher[0] != '\0')
        strbuf_printf(out, "   %s %s", session->version, session->cipher);
    if (session->backend_start > 0)
        strbuf_printf(out, _("   since %s UTC"), clock_format_minute(when, session->backend_start));
    strbuf_printf(out, "\n%s", worst != NULL ? _(worst->text) : class_text(line));
    if (worst != NULL && worst->finding != FINDING_POOLER && (line->findings & FINDING_POOLER) != 0)
        strbuf_printf(out, " %s", _("Probably a pooler or a tunnel (Enter)."));
    if ((line->findings & FINDING_BEFORE_RELOAD) != 0)
        strbuf_printf(out, " %s", _("It connected before the last reload."));
    if (session->class == SESSION_TLS_CERT)
        strbuf_printf(out, _("\nsubject %s   issuer %s"), session->client_dn, session->issuer_dn);
    if (session->application[0] != '\0')
        strbuf_printf(out, _("\napplication \"%s\""), session->application);
    if (session->workers > 0)
        strbuf_printf(out,
                      ngettext("   %d parallel worker", "   %d parallel workers",
                               (unsigned long)session->workers),
                      session->workers);
}

static void add_field(struct strbuf *out, const char *label, const char *value)
{
    if (value[0] != '\0')
        strbuf_printf(out, "%-*s%s\n", SESSION_ROW_LABEL, label, value);
}

static void add_duration(int64_t seconds, struct strbuf *out)
{
    if (seconds >= 2 * CLOCK_DAY)
        strbuf_printf(out, _("%lld days"), (long long)(seconds / CLOCK_DAY));
    else if (seconds >= 7200)
        strbuf_printf(out, _("%lld hours"), (long long)(seconds / 3600));
    else
        strbuf_printf(out, _("%lld min"), (long long)(seconds / 60));
}

static void add_times(const struct session_line *line, int64_t now, struct strbuf *out)
{
    const struct session *session = line->session;
    struct strbuf text = STRBUF_INIT;
    char when[CLOCK_TEXT_MAX];

    if (session->backend_start == 0)
        return;
    strbuf_printf(&text, "%s UTC, ", clock_format_minute(when, session->backend_start));
    add_duration(now > session->backend_start ? now - session->backend_start : 0, &text);
    add_field(out, _("since"), text.data);
    strbuf_clear(&text);
}

static void add_encryption(const struct session *session, struct strbuf *out)
{
    struct strbuf text = STRBUF_INIT;

    if (is_tls(session))
        strbuf_printf(&text, _("%s, %s, %d bits"), session->version, session->cipher,
                      session->bits);
    else if (session->class == SESSION_GSS)
        strbuf_add_str(&text, "GSSAPI");
    else if (session->class == SESSION_CLEAR)
        strbuf_add_str(&text, _("none: clear text over TCP"));
    else if (session->class == SESSION_SOCKET)
        strbuf_add_str(&text, _("none: Unix socket"));
    else
        strbuf_add_str(&text, _("not to be seen by your role"));
    add_field(out, _("encryption"), text.data);
    strbuf_clear(&text);
}

static void add_certificate(const struct session_line *line, int64_t now, struct strbuf *out)
{
    const struct session_certificate *certificate = line->certificate;
    struct strbuf text = STRBUF_INIT;
    char hex[SERIAL_HEX_MAX], when[CLOCK_TEXT_MAX];
    struct serial serial;
    struct err ignored = ERR_INIT;

    if (line->session->class != SESSION_TLS_CERT)
        return;
    add_field(out, _("subject"), line->session->client_dn);
    add_field(out, _("issuer"), line->session->issuer_dn);
    if (serial_parse_decimal(&serial, line->session->client_serial, &ignored))
        add_field(out, _("serial"), serial_format_hex(hex, &serial));
    if (certificate == NULL || !certificate->known)
        return;
    strbuf_printf(&text, _("\"%s\", issued for \"%s\""), certificate->authority, certificate->role);
    add_field(out, "CA", text.data);
    strbuf_reset(&text);
    strbuf_printf(&text, _("%s, in %lld days"), clock_format_date(when, certificate->not_after),
                  (long long)((certificate->not_after - now) / CLOCK_DAY));
    if (certificate->revoked_at != 0)
        strbuf_printf(&text, _("; revoked %s UTC"),
                      clock_format_minute(when, certificate->revoked_at));
    add_field(out, _("ends"), text.data);
    if (certificate->newer_ca != NULL)
        add_field(out, _("newer CA"), certificate->newer_ca);
    strbuf_clear(&text);
}

static void add_findings(const struct session_line *line, struct strbuf *out)
{
    size_t n;
    const struct finding_info *table = finding_table(&n);

    strbuf_add_char(out, '\n');
    if (shown_finding(line) == NULL)
        strbuf_printf(out, "%s %s\n", mark_text(session_row_mark(line)), class_text(line));
    for (size_t i = 0; i < n; i++) {
        if ((line->findings & (unsigned)table[i].finding) == 0)
            continue;
        strbuf_printf(out, "%s %s\n", mark_text(session_row_mark_of(table[i].weight)),
                      _(table[i].text));
        if (table[i].mend[0] != '\0')
            strbuf_printf(out, "     %s\n", _(table[i].mend));
    }
}

void session_row_sheet(const struct session_line *line, int64_t now, struct strbuf *out)
{
    const struct session *session = line->session;
    struct strbuf text = STRBUF_INIT;

    strbuf_printf(&text, _("%d on %s"), session->pid, line->server);
    if (session->own)
        strbuf_add_str(&text, _(" (pgseal itself)"));
    add_field(out, _("session"), text.data);
    add_field(out, _("role"), session->role);
    add_field(out, _("database"), session->database);
    add_field(out, _("application"), session->application);
    strbuf_reset(&text);
    add_from(session, &text);
    add_field(out, _("from"), text.data);
    strbuf_reset(&text);
    strbuf_add_str(&text, session->backend_type);
    if (session->state[0] != '\0')
        strbuf_printf(&text, ", %s", session->state);
    if (session->workers > 0)
        strbuf_printf(&text,
                      ngettext(", %d parallel worker", ", %d parallel workers",
                               (unsigned long)session->workers),
                      session->workers);
    add_field(out, _("kind"), text.data);
    strbuf_clear(&text);
    add_times(line, now, out);
    add_encryption(session, out);
    add_certificate(line, now, out);
    add_findings(line, out);
}

/* ---- order ---- */

static int compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int64_t end_of(const struct session_line *line)
{
    return line->certificate != NULL && line->certificate->known ? line->certificate->not_after
                                                                 : INT64_MAX;
}

static const char *ca_of(const struct session_line *line)
{
    return line->certificate != NULL && line->certificate->known ? line->certificate->authority
                                                                 : line->session->issuer_dn;
}

int session_row_rank(const struct session_line *line)
{
    const struct finding_info *worst = shown_finding(line);

    if (worst != NULL)
        return 100 * (int)worst->weight + worst->rank;
    if (line->session->class == SESSION_HIDDEN)
        return 2;
    return line->session->class == SESSION_SOCKET ? 1 : 0;
}

int session_row_compare(const struct session_line *a, const struct session_line *b,
                        enum session_column column)
{
    const struct session *x = a->session;
    const struct session *y = b->session;
    int order = 0;

    switch (column) {
    case SESSION_COLUMN_SERVER:
        order = strcmp(a->server, b->server);
        break;
    case SESSION_COLUMN_PID:
        break;
    case SESSION_COLUMN_ROLE:
        order = strcmp(x->role, y->role);
        break;
    case SESSION_COLUMN_DATABASE:
        order = strcmp(x->database, y->database);
        break;
    case SESSION_COLUMN_APPLICATION:
        order = strcmp(x->application, y->application);
        break;
    case SESSION_COLUMN_FROM:
        order = strcmp(x->address, y->address);
        break;
    case SESSION_COLUMN_SINCE:
        order = compare_int(x->start_us, y->start_us);
        break;
    case SESSION_COLUMN_TLS:
        order = strcmp(x->version, y->version);
        break;
    case SESSION_COLUMN_CIPHER:
        order = strcmp(x->cipher, y->cipher);
        break;
    case SESSION_COLUMN_CERTIFICATE:
        order = strcmp(x->client_dn, y->client_dn);
        break;
    case SESSION_COLUMN_CA:
        order = strcmp(ca_of(a), ca_of(b));
        break;
    case SESSION_COLUMN_ENDS:
        order = compare_int(end_of(a), end_of(b));
        break;
    case SESSION_COLUMN_MARK: /* worst first */
    case SESSION_COLUMNS:
        order = compare_int(b->rank, a->rank);
        break;
    }
    return order != 0 ? order : compare_int(x->pid, y->pid);
}

uint64_t session_row_key(const struct session_line *line)
{
    uint64_t key = (uint64_t)line->session->start_us;

    return (key << 22 ^ key >> 42 ^ (uint64_t)line->session->pid) * UINT64_C(0x9e3779b97f4a7c15) ^
           (uint64_t)line->feed;
}
