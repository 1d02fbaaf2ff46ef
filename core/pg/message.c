/* message.c - two tables: SQLSTATE to code, alert number to code. */
#include "config.h"

#include "core/pg/message.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"

/* The first row whose prefix fits decides: five letters before classes. */
static const struct {
    const char *prefix;
    enum err_code code;
} sqlstates[] = {
    {"28", ERR_LOGIN},              /* invalid authorization */
    {"3D000", ERR_LOGIN},           /* no such database */
    {"F0000", ERR_LOGIN},           /* certificates asked for, no ssl_ca_file */
    {"42501", ERR_MAY_NOT_CHANGE},  /* insufficient privilege */
    {"53100", ERR_DISK_FULL},       /* disk full */
    {"53300", ERR_NO_CONNECTION},   /* too many connections */
    {"57P03", ERR_NO_CONNECTION},   /* starting up or shutting down */
    {"57P01", ERR_CONNECTION_LOST}, /* admin shutdown, pg_terminate_backend */
    {"57P02", ERR_CONNECTION_LOST}, /* crash shutdown */
    {"57P05", ERR_CONNECTION_LOST}, /* idle session timeout */
    {"57014", ERR_TIMEOUT},         /* statement timeout, or cancelled */
    {"55P03", ERR_TIMEOUT},         /* lock not available */
    {"58P01", ERR_FILE},            /* undefined file */
    {"58P02", ERR_FILE_EXISTS},     /* duplicate file */
    {"58030", ERR_FILE},            /* I/O error */
    {"08001", ERR_NO_CONNECTION},   /* client could not establish */
    {"08004", ERR_LOGIN},           /* server rejected establishment */
    {"08P01", ERR_NO_CONNECTION},   /* protocol violation */
    {"08", ERR_CONNECTION_LOST},    /* connection exception */
};

static enum err_code code_of_sqlstate(const char *sqlstate)
{
    for (size_t i = 0; sqlstate && i < ARRAY_LEN(sqlstates); i++)
        if (text_starts_with(sqlstate, sqlstates[i].prefix))
            return sqlstates[i].code;
    return ERR_QUERY;
}

/* Lines become one: "a; b". What libpq indents with a tab is advice, and ours is better. */
static void add_in_one_line(struct strbuf *out, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\r\n");

        if (len && text[0] != '\t') {
            if (out->len)
                strbuf_add_str(out, "; ");
            text_clean(out, text, len, TEXT_ONE_LINE);
        }
        text += len;
        text += strspn(text, "\r\n");
    }
}

bool message_from_server(struct err *err, enum err_code code, const char *sqlstate,
                         const char *text)
{
    struct strbuf line = STRBUF_INIT;

    if (code == ERR_NONE)
        code = code_of_sqlstate(sqlstate);
    add_in_one_line(&line, text ? text : "");
    if (!line.len)
        strbuf_add_str(&line, _("no message"));
    if (sqlstate && sqlstate[0]) {
        /* the end of a long message is cut by err_set(); the number must not be */
        if (line.len > 200) {
            struct strbuf cut = STRBUF_INIT;
            char buf[200];

            strbuf_add_str(&cut, text_clean_copy(buf, sizeof(buf), line.data));
            strbuf_add_str(&cut, "...");
            strbuf_clear(&line);
            line = cut;
        }
        strbuf_add_str(&line, " (SQLSTATE ");
        text_clean(&line, sqlstate, strnlen(sqlstate, 5), TEXT_ONE_LINE);
        strbuf_add_char(&line, ')');
    }
    err_set(err, code, "%s", line.data);
    strbuf_clear(&line);
    return false;
}

static const struct {
    int alert;
    enum err_code code;
    const char *name;
} alerts[] = {
    {0, ERR_NO_CONNECTION, N_("close notify")},
    {10, ERR_ALERT_OTHER, N_("unexpected message")},
    {20, ERR_ALERT_OTHER, N_("bad record MAC")},
    {22, ERR_ALERT_OTHER, N_("record overflow")},
    {40, ERR_ALERT_OTHER, N_("handshake failure")},
    {42, ERR_ALERT_BAD, N_("bad certificate")},
    {43, ERR_ALERT_UNSUPPORTED, N_("unsupported certificate")},
    {44, ERR_ALERT_REVOKED, N_("certificate revoked")},
    {45, ERR_ALERT_EXPIRED, N_("certificate expired")},
    {46, ERR_ALERT_OTHER, N_("certificate unknown")},
    {47, ERR_ALERT_OTHER, N_("illegal parameter")},
    {48, ERR_ALERT_UNKNOWN_CA, N_("unknown CA")},
    {49, ERR_ALERT_OTHER, N_("access denied")},
    {50, ERR_ALERT_OTHER, N_("decode error")},
    {51, ERR_ALERT_SIGNATURE, N_("decrypt error")},
    {70, ERR_ALERT_OTHER, N_("protocol version")},
    {71, ERR_ALERT_OTHER, N_("insufficient security")},
    {80, ERR_ALERT_OTHER, N_("internal error")},
    {86, ERR_ALERT_OTHER, N_("inappropriate fallback")},
    {109, ERR_ALERT_OTHER, N_("missing extension")},
    {112, ERR_ALERT_OTHER, N_("unrecognized name")},
    {116, ERR_ALERT_OTHER, N_("certificate required")},
    {120, ERR_ALERT_OTHER, N_("no application protocol")},
};

const char *handshake_alert_name(int alert)
{
    for (size_t i = 0; i < ARRAY_LEN(alerts); i++)
        if (alerts[i].alert == alert)
            return gettext(alerts[i].name);
    return _("unknown alert");
}

bool message_from_alert(struct err *err, int alert, const char *context)
{
    enum err_code code = ERR_ALERT_OTHER;

    for (size_t i = 0; i < ARRAY_LEN(alerts); i++)
        if (alerts[i].alert == alert)
            code = alerts[i].code;
    return err_set(err, code, _("%s: the server answered with alert %d (%s)"), context, alert,
                   handshake_alert_name(alert));
}
