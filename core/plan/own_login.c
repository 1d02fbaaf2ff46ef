/* own_login.c - the list must not shut out pgseal's own login: nobody could bring the next one. */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/pg/sessions.h"
#include "core/plan/bundle.h"

/* pg_stat_ssl's names are cut at 63 bytes: CAs whose names begin alike are looked at all. */
static bool is_revoked_by(const struct session *own, const struct serial *serial,
                          const struct bundle *bundle, const struct cert *ca)
{
    struct name *subject = cert_subject(ca);
    const struct crl *crl = bundle_crl(bundle, ca);
    char text[NAME_PG_SIZE];

    name_format_pg(subject, text);
    name_free(subject);
    return crl && strcmp(own->issuer_dn_raw, text) == 0 && crl_has(crl, serial);
}

bool bundle_check_own_login(const struct plan *plan, const struct bundle *wanted, struct err *err)
{
    const struct session *own = NULL;
    struct err ignored = ERR_INIT; /* a serial number that is none is on no list */
    struct sessions sessions;
    struct serial serial;
    bool revoked = false;

    if (plan->target.by_hand)
        return true;
    if (!sessions_read(plan->target.admin, &sessions, err))
        return false;
    for (size_t i = 0; i < sessions.n && !own; i++) {
        if (sessions.rows[i].own)
            own = &sessions.rows[i];
    }
    if (own && own->class == SESSION_TLS_CERT &&
        serial_parse_decimal(&serial, own->client_serial, &ignored)) {
        for (size_t i = 0; i < wanted->cas.n && !revoked; i++)
            revoked = is_revoked_by(own, &serial, wanted, wanted->cas.certs[i]);
    }
    sessions_clear(&sessions);
    if (!revoked)
        return true;
    err_set(err, ERR_WOULD_LOCK_OUT,
            _("pgseal itself logs in to \"%s\" with a certificate that is revoked"),
            plan->target.server->name);
    err_cause(err, _("The list would shut it out, and nobody could bring the next one: the "
                     "certificate still gets in there."));
    return err_hint(
        err,
        _("Give it another way in: \"pgseal server remove %s\" and \"server add\" with "
          "another certificate or the socket, then \"server trust\" with the same CAs."),
        plan->target.server->name);
}
