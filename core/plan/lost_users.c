/* lost_users.c - who came with a certificate of a CA that goes, and could not come back. */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/pg/simulate.h"
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

/* The certificate of this very connection: the new login after the reload would fail, and whoever cannot
 * log in any more cannot take the change back either, should pgseal be killed in between. */
static bool refuse_own(const struct session *session, struct err *err)
{
    err_set(err, ERR_WOULD_LOCK_OUT,
            _("pgseal itself came in with a certificate of a CA that would go"));
    err_cause(err, _("Role \"%.64s\" could not log in again, not even to take the change back."),
              session->role);
    return err_hint(
        err, _("Give it a certificate of a CA that stays, or log in another way (a socket, a "
               "password) for this change."));
}

/* Who is connected with a certificate of a CA that goes. While another CA is left the server asks for
 * certificates, and one that it does not trust ends the handshake. */
static bool find_users(struct plan *plan, const struct sessions *sessions,
                       const struct cert_list *removed, const struct cert_list *stay,
                       struct err *err)
{
    bool good = true;

    for (size_t i = 0; i < sessions->n && good; i++) {
        const struct session *session = &sessions->rows[i];
        bool maybe = false;

        if (!issued_by_any(session, removed))
            continue;
        if (session->own) {
            good = stay->n == 0 || plan->target.by_hand || issued_by_any(session, stay) ||
                   refuse_own(session, err);
            continue;
        }
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

/* ---- roles without a session ---- */

static bool is_counted(const struct plan *plan, const char *role)
{
    for (size_t i = 0; i < plan->n_refused; i++) {
        if (strcmp(plan->refused[i].role, role) == 0)
            return true;
    }
    return false;
}

/* It has certificates of this name in the store by which it gets in now, and none by which it would then. */
static bool loses_all(const struct plan *plan, const char *name, const struct cert_list *removed,
                      const struct cert_list *stay, bool *ret, struct err *err)
{
    struct issued_list list;
    size_t lost = 0, left = 0;

    if (!issued_list_usable(plan->target.store, name, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        if (is_issued_by_one(list.rows[i]->cert, stay))
            left++;
        else if (is_issued_by_one(list.rows[i]->cert, removed))
            lost++;
    }
    issued_list_clear(&list);
    *ret = lost > 0 && left == 0;
    return true;
}

static bool find_role(struct plan *plan, const char *role, const char *name,
                      const struct cert_list *removed, const struct cert_list *stay,
                      struct err *err)
{
    bool lost = false;

    if (is_counted(plan, role))
        return true;
    if (!loses_all(plan, name, removed, stay, &lost, err))
        return false;
    if (lost)
        plan_add_refused(plan, &(struct session){.role = role, .database = "", .address = ""},
                         _("all its certificates of this store are from a CA that goes"));
    return true;
}

/* The nightly job that is not connected now. A map says whose name is in a certificate. */
static bool find_roles(struct plan *plan, const struct simulate_who *who,
                       const struct cert_list *removed, const struct cert_list *stay,
                       struct err *err)
{
    bool good = true;

    for (size_t i = 0; i < who->roles.n && good; i++) {
        const struct role_row *role = &who->roles.rows[i];

        good = !role->can_login || find_role(plan, role->name, role->name, removed, stay, err);
    }
    for (size_t i = 0; i < who->ident.n && good; i++) {
        const struct ident_line *line = &who->ident.lines[i];
        const struct role_row *role = role_list_get(&who->roles, line->role);

        good = !role || !role->can_login || line->system_name[0] == '/' ||
               find_role(plan, role->name, line->system_name, removed, stay, err);
    }
    return good;
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

static bool find_lost(struct plan *plan, const struct cert_list *removed,
                      const struct cert_list *stay, struct err *err)
{
    struct simulate_who who;
    bool good;

    if (!simulate_read(plan->target.admin, plan->settings.ident_file, &who, err))
        return false;
    good = find_users(plan, &who.sessions, removed, stay, err);
    /* without any CA the server asks nobody for a certificate, and rules that want one are refused */
    if (good && stay->n > 0 && !plan->knows_roles)
        good = find_roles(plan, &who, removed, stay, err);
    simulate_who_clear(&who);
    return good;
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
    good = good && (removed.n == 0 || find_lost(plan, &removed, &stay, err));
    cert_list_clear(&removed);
    cert_list_clear(&stay);
    return good;
}
