/* ca_servers.c - what the servers trust, changed for a rotation of a client CA. */
#include "config.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/pem.h"
#include "core/rotate/ca_act.h"
#include "core/rotate/options.h"
#include "core/rotate/servers.h"
#include "core/store/foreign.h"

/* ---- given by this rotation: options.gave, names of servers ---- */

static bool is_gave(const json_t *gave, const char *server)
{
    for (size_t i = 0; i < json_array_size(gave); i++) {
        if (text_equal(json_string_value(json_array_get(gave, i)), server))
            return true;
    }
    return false;
}

static bool has(const struct server_list *list, const struct server *server)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i]->id == server->id)
            return true;
    }
    return false;
}

/* Those of the list that are in the other one, or that are not. */
static void keep_only(struct server_list *list, const struct server_list *other, bool in)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        if (has(other, list->rows[i]) == in)
            list->rows[n++] = list->rows[i];
        else
            server_free(list->rows[i]);
    }
    list->n = n;
}

/* Written before the first server is changed: the way back must know whom the new CA came to by us, also
 * after a kill. */
static bool note_gave(struct rotate_work *work, const struct server_list *servers,
                      const struct server_list *have, struct err *err)
{
    json_t *options;
    json_t *gave;
    bool changed = false;

    if (work->preview != NULL)
        return true;
    options = rotate_options(work->rotation);
    gave = json_object_get(options, "gave");
    if (!json_is_array(gave)) {
        json_object_set_new(options, "gave", json_array());
        gave = json_object_get(options, "gave");
    }
    for (size_t i = 0; i < servers->n; i++) {
        if (has(have, servers->rows[i]) || is_gave(gave, servers->rows[i]->name))
            continue;
        json_array_append_new(gave, json_string(servers->rows[i]->name));
        changed = true;
    }
    if (changed)
        return rotate_save_options(work, options, "the new CA goes to the servers", err);
    json_decref(options);
    return true;
}

/* ---- trust ---- */

struct trust {
    const struct authority *authorities[1];
    struct cert_list foreign;
    struct crl *crls[1];
    struct trust_ca_intent intent;
};

static struct plan *make_trust(void *arg, const struct plan_target *target, struct err *err)
{
    struct trust *trust = arg;

    return plan_trust_ca(target, &trust->intent, err);
}

static void trust_clear(struct trust *trust)
{
    cert_list_clear(&trust->foreign);
    crl_free(trust->crls[0]);
}

static bool has_cert(const struct cert_list *certs, const struct cert *cert)
{
    for (size_t i = 0; i < certs->n; i++) {
        if (cert_equal(certs->certs[i], cert))
            return true;
    }
    return false;
}

/* Of an intermediate of somebody else: those above it that a server had. */
static bool add_known_parents(struct store *store, struct cert_list *certs, struct err *err)
{
    struct foreign_ca_list list = {.n = 0};

    if (cert_is_self_signed(certs->certs[0]))
        return true;
    if (!foreign_list(store, &list, err))
        return false;
    for (size_t i = 0; i < certs->n; i++) {
        for (size_t k = 0; k < list.n; k++) {
            const struct cert *ca = list.rows[k].cert;

            if (!has_cert(certs, ca) && cert_issued_by(certs->certs[i], ca))
                cert_list_take(certs, cert_dup(ca));
        }
    }
    foreign_list_clear(&list);
    return true;
}

static bool trust_begin(struct trust *trust, struct store *store, const struct authority *authority,
                        const struct cert *cert, struct err *err)
{
    size_t accepted = 0;

    *trust = (struct trust){.authorities = {authority}};
    cert_list_init(&trust->foreign);
    trust->intent.keep_present = true;
    trust->intent.knows_roles = true;
    if (authority != NULL) {
        trust->intent.authorities = trust->authorities;
        trust->intent.n_authorities = 1;
        return true;
    }
    cert_list_take(&trust->foreign, cert_dup(cert));
    trust->intent.foreign = &trust->foreign;
    if (!add_known_parents(store, &trust->foreign, err))
        return false;
    if (!foreign_crl(store, cert, &trust->crls[0], &accepted, err))
        return false;
    if (trust->crls[0] != NULL) {
        trust->intent.foreign_crls = trust->crls;
        trust->intent.n_foreign_crls = 1;
    }
    return true;
}

static char *say(const char *act, const struct authority *authority, const struct cert *cert)
{
    struct strbuf name = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;

    if (authority != NULL)
        strbuf_add_str(&name, authority->name);
    else
        cert_format_subject(cert, &name);
    strbuf_printf(&text, "%s \"%s\"", act, name.data);
    strbuf_clear(&name);
    return strbuf_steal(&text);
}

/* gone: looked ahead, it is trusted no more then; or NULL. */
static bool give(struct rotate_work *work, struct server_list *take,
                 const struct authority *authority, const struct cert *cert,
                 const struct cert_list *gone, struct rotate_outcome *ret, struct err *err)
{
    struct trust trust;
    char *what = say(_("trust of"), authority, cert);
    const struct rotate_change change = {.make = make_trust, .arg = &trust, .what = what};
    bool ok = trust_begin(&trust, work->store, authority, cert, err);

    trust.intent.gone = gone;
    if (ok)
        ok = rotate_change_servers(work, take, &change, ret, err);
    else
        server_list_clear(take);
    trust_clear(&trust);
    free(what);
    return ok;
}

/* only_lacking: as the store knows. */
static bool trust_new(struct rotate_work *work, bool only_lacking, struct rotate_outcome *ret,
                      struct err *err)
{
    struct server_list scope = {.n = 0};
    struct server_list have = {.n = 0};
    bool ok;

    if (!rotate_scope(work, &scope, err))
        return false;
    ok = rotate_trusting(work->store, work->rotation->new_authority_id,
                         work->rotation->new_foreign_id, &have, err) &&
         note_gave(work, &scope, &have, err);
    if (ok && only_lacking)
        keep_only(&scope, &have, false);
    server_list_clear(&have);
    if (!ok) {
        server_list_clear(&scope);
        return false;
    }
    return give(work, &scope, work->new_ca, work->new_cert, NULL, ret, err);
}

bool ca_trust_new(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    return trust_new(work, false, ret, err);
}

bool ca_trust_old(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    struct server_list scope = {.n = 0};

    return rotate_scope(work, &scope, err) &&
           give(work, &scope, work->old_ca, work->old_cert, NULL, ret, err);
}

/* ---- untrust ---- */

struct untrust {
    struct cert_list certs;
    struct untrust_ca_intent intent;
    const struct rotate_work *work;
    struct rotate_outcome *outcome;
    bool keep_lists; /* others' CAs go: for the way back */
};

static struct plan *make_untrust(void *arg, const struct plan_target *target, struct err *err)
{
    struct untrust *untrust = arg;

    if (untrust->keep_lists && untrust->work->preview == NULL &&
        !plan_keep_list(target, untrust->certs.certs[0], err))
        return NULL;
    return plan_untrust_ca(target, &untrust->intent, err);
}

/* By a certificate of the old CA: the server shows 63 bytes of its name, the ledger knows the number. */
static bool came_by(const struct rotate_work *work, const struct session *session,
                    const char *issuer, bool *ret, struct err *err)
{
    struct issued *issued = NULL;

    *ret = session->class == SESSION_TLS_CERT && !session->own &&
           text_equal(session->issuer_dn_raw, issuer);
    if (!*ret || work->old_ca == NULL)
        return true;
    if (!issued_find_session(work->store, session->issuer_dn_raw, session->client_serial, &issued,
                             err))
        return false;
    *ret = issued == NULL || issued->authority_id == work->old_ca->id;
    issued_free(issued);
    return true;
}

static bool end_sessions(void *arg, struct fleet_member *member, struct err *err)
{
    struct untrust *untrust = arg;
    struct name *subject = cert_subject(untrust->work->old_cert);
    struct sessions sessions;
    char issuer[NAME_PG_SIZE];
    bool ok;

    name_format_pg(subject, issuer);
    name_free(subject);
    if (!sessions_read(member->target.admin, &sessions, err))
        return false;
    ok = true;
    for (size_t i = 0; ok && i < sessions.n; i++) {
        const struct session *session = &sessions.rows[i];
        bool ended = false;
        bool old = false;

        ok = came_by(untrust->work, session, issuer, &old, err) &&
             (!old || sessions_end(member->target.admin, session->pid, session->backend_start_text,
                                   &ended, err));
        untrust->outcome->sessions_ended += ended;
    }
    sessions_clear(&sessions);
    return ok;
}

static bool take_away(struct rotate_work *work, struct server_list *take, const struct cert *cert,
                      bool end, struct rotate_outcome *ret, struct err *err)
{
    struct untrust untrust = {.work = work, .outcome = ret};
    const struct authority *ours = cert == work->old_cert ? work->old_ca : work->new_ca;
    char *what = say(_("end of trust in"), ours, cert);
    const struct rotate_change change = {
        .make = make_untrust, .arg = &untrust, .what = what, .after = end ? end_sessions : NULL};
    bool ok;

    cert_list_init(&untrust.certs);
    cert_list_take(&untrust.certs, cert_dup(cert));
    untrust.intent.certs = &untrust.certs;
    untrust.intent.knows_roles = true;
    untrust.intent.with_parents = cert == work->old_cert;
    untrust.keep_lists = ours == NULL || !cert_is_self_signed(cert);
    ok = rotate_change_servers(work, take, &change, ret, err);
    cert_list_clear(&untrust.certs);
    free(what);
    return ok;
}

bool ca_drop_old(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    struct server_list scope = {.n = 0};
    struct server_list have = {.n = 0};

    if (!rotate_scope(work, &scope, err))
        return false;
    if (!rotate_trusting(work->store, rotation->new_authority_id, rotation->new_foreign_id, &have,
                         err)) {
        server_list_clear(&scope);
        return false;
    }
    /* never the last one that a server trusts: who lacks the new CA keeps the old one */
    keep_only(&scope, &have, true);
    server_list_clear(&have);
    return take_away(work, &scope, work->old_cert, work->request->end_sessions, ret, err);
}

/* Those that have it are named again by what comes next. */
static void forget_done(struct rotate_outcome *outcome)
{
    size_t n = 0;

    for (size_t i = 0; i < outcome->n_servers; i++) {
        if (outcome->servers[i].done)
            free(outcome->servers[i].name);
        else
            outcome->servers[n++] = outcome->servers[i];
    }
    outcome->n_servers = n;
}

/* Both changes at once for those that lack the new CA, so that who would be refused is known before. */
static bool preview_replace(struct rotate_work *work, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    struct rotate_outcome none = {.from = 0};
    struct server_list scope = {.n = 0};
    struct server_list have = {.n = 0};
    struct cert_list gone;
    bool ok = rotate_scope(work, &scope, err);

    cert_list_init(&gone);
    cert_list_take(&gone, cert_dup(work->old_cert));
    if (ok && rotate_trusting(work->store, rotation->new_authority_id, rotation->new_foreign_id,
                              &have, err)) {
        keep_only(&scope, &have, false);
        ok = give(work, &scope, work->new_ca, work->new_cert, &gone, &none, err) &&
             ca_drop_old(work, &none, err);
    } else {
        server_list_clear(&scope);
        ok = false;
    }
    server_list_clear(&have);
    cert_list_clear(&gone);
    rotate_outcome_clear(&none);
    return ok;
}

bool ca_replace(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    struct err first = ERR_INIT;
    bool trusted, dropped;

    if (work->preview != NULL)
        return preview_replace(work, err);
    trusted = trust_new(work, true, ret, &first);
    forget_done(ret);
    dropped = ca_drop_old(work, ret, err);
    if (!trusted && dropped)
        *err = first;
    return trusted && dropped;
}

bool ca_drop_new(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    json_t *options = rotate_options(work->rotation);
    const json_t *gave = json_object_get(options, "gave");
    struct server_list scope = {.n = 0};
    size_t n = 0;
    bool ok = work->new_cert == NULL || rotate_scope(work, &scope, err);

    for (size_t i = 0; i < scope.n; i++) {
        if (is_gave(gave, scope.rows[i]->name))
            scope.rows[n++] = scope.rows[i];
        else
            server_free(scope.rows[i]);
    }
    scope.n = n;
    json_decref(options);
    if (!ok || work->new_cert == NULL)
        return ok;
    return take_away(work, &scope, work->new_cert, false, ret, err);
}
