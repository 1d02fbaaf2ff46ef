/* lost_users.c - who came with a certificate of a CA that goes, and could not come back. */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/pg/sessions.h"
#include "core/plan/bundle.h"
#include "core/store/issued.h"

static bool issued_by(const struct session *session, const struct cert *ca)
{
    struct name *subject = cert_subject(ca);
    char text[NAME_PG_SIZE];

    name_format_pg(subject, text);
    name_free(subject);
    return session->class == SESSION_TLS_CERT && strcmp(session->issuer_dn_raw, text) == 0;
}

static bool same_subject(const struct cert *a, const struct cert *b)
{
    struct name *one = cert_subject(a);
    struct name *other = cert_subject(b);
    bool same = name_equal(one, other);

    name_free(one);
    name_free(other);
    return same;
}

static bool issued_by_any(const struct session *session, const struct cert_list *cas)
{
    for (size_t i = 0; i < cas->n; i++) {
        if (issued_by(session, cas->certs[i]))
            return true;
    }
    return false;
}

/* It may be of a CA that goes: pg_stat_ssl shows 63 bytes of a name, and one that stays begins with the
 * same. The ledger tells them apart by the serial number, where the certificate is ours. */
static bool may_be_lost(struct plan *plan, const struct session *session,
                        const struct cert_list *removed, const struct cert_list *stay, bool *ret,
                        struct err *err)
{
    struct issued *issued = NULL;

    *ret = strlen(session->issuer_dn_raw) >= NAME_PG_SIZE - 1; /* else they are one name, whole */
    if (!*ret)
        return true;
    if (!issued_find_session(plan->target.store, session->issuer_dn_raw, session->client_serial,
                             &issued, err))
        return false;
    for (size_t i = 0; issued && i < stay->n && *ret; i++)
        *ret = !cert_issued_by(issued->cert, stay->certs[i]);
    for (size_t i = 0; i < removed->n && *ret; i++) { /* a renewed CA: the same key stays */
        for (size_t j = 0; j < stay->n && *ret; j++)
            *ret = !issued_by(session, removed->certs[i]) || !issued_by(session, stay->certs[j]) ||
                   !same_subject(removed->certs[i], stay->certs[j]);
    }
    issued_free(issued);
    return true;
}

/* Who is connected with a certificate of a CA that goes. While another CA is left the server asks for
 * certificates, and one that it does not trust ends the handshake. */
static bool find_users(struct plan *plan, const struct cert_list *removed,
                       const struct cert_list *stay, struct err *err)
{
    struct sessions sessions;
    bool good = true;

    if (!sessions_read(plan->target.admin, &sessions, err))
        return false;
    for (size_t i = 0; i < sessions.n && good; i++) {
        const struct session *session = &sessions.rows[i];
        bool maybe = false;

        if (session->own || !issued_by_any(session, removed))
            continue;
        if (!issued_by_any(session, stay)) {
            plan_add_refused(plan, session, _("its certificate is from a CA that goes"));
            continue;
        }
        good = may_be_lost(plan, session, removed, stay, &maybe, err);
        if (maybe)
            plan_add_refused(plan, session,
                             _("its certificate may be from the CA that goes: the server shows 63 "
                               "bytes of a CA's name, and one that stays begins with the same"));
    }
    sessions_clear(&sessions);
    return good;
}

static bool is_issued_by_one(const struct cert *cert, const struct cert_list *cas)
{
    for (size_t i = 0; i < cas->n; i++) {
        if (cert_issued_by(cert, cas->certs[i]))
            return true;
    }
    return false;
}

/* An intermediate that would stay without what stands above it; borrowed, from `from` on, or NULL. */
static const struct cert *next_orphan(const struct bundle *wanted, const struct cert_list *removed,
                                      size_t *from)
{
    while (*from < wanted->cas.n) {
        const struct cert *ca = wanted->cas.certs[(*from)++];

        if (!cert_is_self_signed(ca) && is_issued_by_one(ca, removed) &&
            !is_issued_by_one(ca, &wanted->cas))
            return ca;
    }
    return NULL;
}

static bool is_one_of(const struct cert_list *list, const struct cert *cert)
{
    for (size_t i = 0; i < list->n; i++) {
        if (cert_equal(list->certs[i], cert))
            return true;
    }
    return false;
}

/* PostgreSQL builds whole chains: by an intermediate without its root nobody gets in. One that the server
 * sends may stand there for its own chain alone; then sessions by it count as those by the CA that goes. */
static bool take_orphans(const struct plan *plan, const struct bundle *wanted,
                         struct cert_list *removed, struct err *err)
{
    const struct cert *orphan;
    size_t from = 0;

    while ((orphan = next_orphan(wanted, removed, &from)) != NULL) {
        struct strbuf name = STRBUF_INIT;

        cert_list_take(removed, cert_dup(orphan));
        if (is_one_of(&plan->before.chain, orphan))
            continue;
        cert_format_subject(orphan, &name);
        err_set(err, ERR_WOULD_LOCK_OUT,
                _("\"%.100s\" is below a CA that would go, and would stay"), name.data);
        err_cause(err, _("PostgreSQL builds whole chains: without the CA above it nobody gets in "
                         "by it, connected now or not."));
        err_hint(err, _("Take both away, or keep both."));
        strbuf_clear(&name);
        return false;
    }
    return true;
}

/* By CAs that are present and not wanted. */
bool bundle_find_lost(struct plan *plan, const struct bundle *present, const struct bundle *wanted,
                      struct err *err)
{
    struct cert_list removed, stay;
    bool good;

    cert_list_init(&removed);
    cert_list_init(&stay);
    for (size_t i = 0; i < present->cas.n; i++) {
        if (!bundle_has_ca(wanted, present->cas.certs[i]))
            cert_list_take(&removed, cert_dup(present->cas.certs[i]));
    }
    good = take_orphans(plan, wanted, &removed, err);
    for (size_t i = 0; i < wanted->cas.n; i++) {
        if (!is_one_of(&removed, wanted->cas.certs[i]))
            cert_list_take(&stay, cert_dup(wanted->cas.certs[i]));
    }
    good = good && (removed.n == 0 || find_users(plan, &removed, &stay, err));
    cert_list_clear(&removed);
    cert_list_clear(&stay);
    return good;
}
