#include "config.h"

#include "cli/refused.h"

#include <stdio.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/pg/hba.h"
#include "core/pg/sessions.h"

#define REFUSED_MAX 1000000

static bool add_name(struct strbuf *out, const char *name)
{
    if (strcmp(name, "all") != 0)
        return text_quote_hba(out, name);
    strbuf_add_str(out, name);
    return true;
}

/* The new rules as one line, so that the reader of pg_hba.conf can say whom it fits. */
static bool parse_rule(const struct access_rules_intent *intent, int version, struct hba *ret,
                       struct err *err)
{
    struct strbuf line = STRBUF_INIT;
    bool done;

    strbuf_add_str(&line, "host ");
    done = add_name(&line, intent->database);
    strbuf_add_char(&line, ' ');
    for (size_t i = 0; i < intent->n_roles && done; i++) {
        if (i > 0)
            strbuf_add_char(&line, ',');
        done = add_name(&line, intent->roles[i]);
    }
    strbuf_printf(&line, " %s reject\n", intent->address);
    if (done)
        hba_parse(line.data, line.len, version, ret);
    else
        err_set(err, ERR_BAD_NAME, _("a name cannot stand in pg_hba.conf"));
    strbuf_clear(&line);
    return done;
}

/* With a certificate of the right name it comes in again; "verify-ca" and a map ask for less. */
static bool has_what_it_takes(const struct session *session,
                              const struct access_rules_intent *intent)
{
    const char *cn = strstr(session->client_dn, "/CN=");

    if (session->class != SESSION_TLS_CERT)
        return false;
    if (intent->method == ACCESS_VERIFY_CA || intent->map)
        return true;
    if (!cn) /* its end was cut off by pg_stat_ssl: cannot be told, and is not called refused */
        return true;
    cn += strlen("/CN=");
    return strncmp(cn, session->role, strlen(session->role)) == 0 &&
           (cn[strlen(session->role)] == '\0' || cn[strlen(session->role)] == '/');
}

static bool fits(const struct hba *hba, const struct session *session)
{
    struct hba_client client = {.database = session->database,
                                .role = session->role,
                                .address = session->address,
                                .tls = session->class == SESSION_TLS ||
                                       session->class == SESSION_TLS_CERT};

    return hba->n > 0 && hba_fits(&hba->lines[0], &client) == HBA_FIT_YES;
}

static const char *reason(const struct session *session)
{
    switch (session->class) {
    case SESSION_TLS_CERT:
        return _("its certificate has another name");
    case SESSION_TLS:
        return _("TLS, and no certificate");
    case SESSION_GSS:
    case SESSION_CLEAR:
    case SESSION_SOCKET:
    case SESSION_HIDDEN:
        break;
    }
    return _("no TLS");
}

static bool accept(struct cli *cli, int n, struct err *err)
{
    int64_t accepted;

    if (!args_int(cli->args, OPT_ACCEPT_REFUSED, 0, REFUSED_MAX, 0, &accepted, err))
        return false;
    if (n == accepted || args_has(cli->args, OPT_DRY_RUN))
        return true;
    err_set(err, ERR_WOULD_LOCK_OUT,
            ngettext("%d session that is open now would be refused at its next login",
                     "%d sessions that are open now would be refused at their next login",
                     (unsigned long)n),
            n);
    return err_hint(err,
                    _("Give them certificates first (\"pgseal issue client ROLE\"), or go on with "
                      "--accept-refused=%d."),
                    n);
}

bool refused_check(struct cli *cli, struct conn *admin, const struct access_rules_intent *intent,
                   struct err *err)
{
    struct sessions sessions = {0};
    struct hba hba = {0};
    int n = 0;
    bool done = false;

    if (!parse_rule(intent, conn_server_version(admin), &hba, err))
        return false;
    if (!sessions_read(admin, &sessions, err))
        goto out;
    for (size_t i = 0; i < sessions.n; i++) {
        const struct session *session = &sessions.rows[i];

        if (session->own || session->class == SESSION_SOCKET || session->class == SESSION_HIDDEN ||
            !fits(&hba, session) || has_what_it_takes(session, intent))
            continue;
        n++;
        output_note(&cli->out, _("[!!] would be refused: pid %d, role \"%s\" from %s (%s)"),
                    session->pid, session->role, session->address, reason(session));
    }
    done = accept(cli, n, err);
out:
    sessions_clear(&sessions);
    hba_clear(&hba);
    return done;
}
