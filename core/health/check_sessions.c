/* check_sessions.c - who is connected with a certificate that is revoked. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/health/check.h"
#include "core/pg/sessions.h"
#include "core/store/issued.h"

/* One finding for each certificate; its sessions are counted. */
static void add(struct check *check, const struct issued *issued, const struct session *session,
                int n)
{
    char *object = mem_printf(_("session %d"), session->pid);
    char date[CLOCK_TEXT_MAX];

    finding_add(
        check->findings, FINDING_ERROR, ERR_REVOKED_SESSION, object,
        ngettext("\"%s\" is connected (%d session) with a certificate that was revoked on %s",
                 "\"%s\" is connected (%d sessions) with a certificate that was revoked "
                 "on %s",
                 (unsigned long)n),
        session->role, n, clock_format_date(date, issued->revoked_at));
    free(object);
}

static bool same_cert(const struct session *a, const struct session *b)
{
    return strcmp(a->client_serial, b->client_serial) == 0 &&
           strcmp(a->issuer_dn_raw, b->issuer_dn_raw) == 0;
}

static bool judge(struct check *check, const struct sessions *sessions, size_t at, struct err *err)
{
    const struct session *session = &sessions->rows[at];
    struct issued *issued = NULL;
    int n = 0;

    for (size_t i = 0; i < sessions->n; i++) {
        if (!same_cert(&sessions->rows[i], session))
            continue;
        if (i < at)
            return true; /* was judged with the first one */
        n++;
    }
    if (!issued_find_session(check->request->store, session->issuer_dn_raw, session->client_serial,
                             &issued, err))
        return false;
    if (issued && issued->revoked_at != 0)
        add(check, issued, session, n);
    issued_free(issued);
    return true;
}

bool check_sessions(struct check *check, struct err *err)
{
    struct sessions sessions;
    bool done = true;

    if (!check->request->store)
        return true;
    if (!sessions_read(check->conn, &sessions, err))
        return false;
    for (size_t i = 0; done && i < sessions.n && i < CHECK_SESSIONS_MAX; i++) {
        if (sessions.rows[i].class == SESSION_TLS_CERT)
            done = judge(check, &sessions, i, err);
    }
    if (sessions.hidden > 0)
        check_not_seen(check, "pg_stat_ssl",
                       ngettext("%d session: your role may not look",
                                "%d sessions: your role may not look",
                                (unsigned long)sessions.hidden),
                       sessions.hidden);
    sessions_clear(&sessions);
    return done;
}
