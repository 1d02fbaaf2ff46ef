/* session_mend.c - from a session to the page that mends what is found about it. */
#include "config.h"

#include "screens/session_mend.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/pages.h"

static struct screen *issue_page(struct app *app, const struct session *session)
{
    app_keep(app, "new-client.role", session->role);
    app_keep(app, "new-client.name", session->role);
    return page_new_client(app);
}

static struct screen *require_page(struct app *app, const struct session *session)
{
    app_keep(app, "require.roles", session->role);
    app_keep(app, "require.database", session->database);
    return page_require(app);
}

static struct screen *check_page(struct app *app, const struct session *session)
{
    (void)session; /* it looks at the whole server */
    return page_check(app);
}

static const struct {
    unsigned findings;
    struct screen *(*page)(struct app *app, const struct session *session);
    const char *text;
} table[] = {
    /* the first that fits: those that a person has to act on stand first */
    {FINDING_ENDED, issue_page, N_("o issues a new certificate for its role.")},
    {FINDING_REVOKED | FINDING_NOT_ISSUED | FINDING_OLD_TLS | FINDING_WEAK_CIPHER, check_page,
     N_("o checks its server: CRL, TLS settings, CAs.")},
    {FINDING_NO_TLS, require_page, N_("o asks for TLS and a certificate in pg_hba.conf.")},
    {FINDING_OTHER_ROLE | FINDING_OLD_CA | FINDING_SOON | FINDING_UNKNOWN_CA |
         FINDING_NO_CERTIFICATE,
     issue_page, N_("o issues a new certificate for its role.")},
};

static size_t place_of(unsigned findings)
{
    size_t i = 0;

    while (i < ARRAY_LEN(table) && (findings & table[i].findings) == 0)
        i++;
    return i;
}

const char *session_mend_text(unsigned findings)
{
    size_t i = place_of(findings);

    return i < ARRAY_LEN(table) ? table[i].text : NULL;
}

struct screen *session_mend_page(struct app *app, const struct session_line *line)
{
    size_t i = place_of(line->findings);

    if (i == ARRAY_LEN(table))
        return NULL;
    app_set_server(app, line->server);
    return table[i].page(app, line->session);
}
