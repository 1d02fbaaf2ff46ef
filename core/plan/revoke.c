/* revoke.c - signed, recorded, published, sessions ended. */
#include "config.h"

#include "core/plan/revoke.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/pem.h"
#include "core/store/revoked.h"

void revoke_outcome_clear(struct revoke_outcome *outcome)
{
    for (size_t i = 0; i < outcome->n_cas; i++)
        free(outcome->cas[i].authority);
    free(outcome->cas);
    publish_results_clear(&outcome->servers);
    memset(outcome, 0, sizeof(*outcome));
}

/* Inside the transaction of the revocation: whoever is killed after it leaves a note. */
static bool note_sessions(struct store *store, const struct revoke_effect *effect,
                          struct issued *const *certs, size_t n, struct err *err)
{
    for (size_t i = 0; i < effect->n_servers; i++) {
        struct server *server = server_load(store, effect->servers[i].name, err);
        bool good = server != NULL;

        for (size_t k = 0; good && k < n; k++)
            good = published_end_later(store, server->id, certs[k]->id, err);
        server_free(server);
        if (!good)
            return false;
    }
    return true;
}

static bool sign_ca(struct store *store, const struct revoke_request *request,
                    const struct revoke_effect *effect, struct authority *authority,
                    const struct key *key, struct err *err)
{
    struct issued **mine = mem_array(effect->certs.n + 1, sizeof(*mine));
    struct crl *crl = NULL;
    size_t n = 0;
    bool good = false;

    for (size_t i = 0; i < effect->certs.n; i++) {
        if (effect->certs.rows[i]->authority_id == authority->id)
            mine[n++] = effect->certs.rows[i];
    }
    if (!store_begin(store, err))
        goto out;
    crl = revoked_many_and_sign(store, authority, key, mine, n, request->reason, request->crl_days,
                                err);
    if (!crl || (request->end_sessions && !note_sessions(store, effect, mine, n, err)))
        store_rollback(store);
    else
        good = store_commit(store, err);
    for (size_t i = 0; i < n && !good; i++)
        mine[i]->revoked_at = 0; /* it was not committed */
out:
    crl_free(crl);
    free(mine);
    return good;
}

static void note_signed(struct revoke_outcome *outcome, const struct authority *authority)
{
    outcome->cas = mem_realloc_array(outcome->cas, outcome->n_cas + 1, sizeof(outcome->cas[0]));
    outcome->cas[outcome->n_cas++] =
        (struct revoke_signed){.authority_id = authority->id,
                               .authority = mem_strdup(authority->name),
                               .number = authority->crl.number,
                               .ends = authority->crl.next_update};
}

static bool load_servers(struct store *store, const struct revoke_effect *effect,
                         struct server_list *ret, struct err *err)
{
    ret->rows = mem_array(effect->n_servers + 1, sizeof(ret->rows[0]));
    for (size_t i = 0; i < effect->n_servers; i++) {
        ret->rows[ret->n] = server_load(store, effect->servers[i].name, err);
        if (!ret->rows[ret->n])
            return false;
        ret->n++;
    }
    return true;
}

static bool publish(struct store *store, const struct revoke_request *request,
                    const struct revoke_effect *effect, const struct publish_watch *watch,
                    struct publish_results *ret, struct err *err)
{
    struct publish_request order = {.door = request->door};
    struct server_list servers = {.n = 0};
    struct cert_list revoked;
    bool good;

    cert_list_init(&revoked);
    for (size_t i = 0; i < effect->certs.n; i++)
        cert_list_take(&revoked, cert_dup(effect->certs.rows[i]->cert));
    order.servers = &servers;
    order.revoked = &revoked;
    good =
        load_servers(store, effect, &servers, err) && publish_run(store, &order, watch, ret, err);
    cert_list_clear(&revoked);
    server_list_clear(&servers);
    return good;
}

bool revoke_run(struct store *store, const struct revoke_request *request,
                struct revoke_effect *effect, struct key *const *keys,
                const struct publish_watch *watch, struct revoke_outcome *ret, struct err *err)
{
    *ret = (struct revoke_outcome){.n_cas = 0};
    for (size_t i = 0; i < effect->n_cas; i++) {
        struct authority *authority = effect->cas[i].authority;

        if (!sign_ca(store, request, effect, authority, keys[i], err)) {
            if (i > 0)
                err_state(err,
                          _("The certificates of \"%s\" are revoked, those of \"%s\" are not."),
                          effect->cas[0].authority->name, authority->name);
            return false;
        }
        note_signed(ret, authority);
    }
    return publish(store, request, effect, watch, &ret->servers, err);
}

bool revoke_end_sessions(struct store *store, const struct issued *issued,
                         const struct revoke_request *request, const struct publish_watch *watch,
                         struct publish_results *ret, struct err *err)
{
    struct server_list trusting = {.n = 0};
    const struct server_list *servers = request->only;
    struct publish_request order = {.door = request->door};
    bool good = servers || server_list_trusting(store, issued->authority_id, &trusting, err);

    if (!servers)
        servers = &trusting;
    for (size_t i = 0; good && i < servers->n; i++)
        good = published_end_later(store, servers->rows[i]->id, issued->id, err);
    order.servers = servers;
    good = good && publish_run(store, &order, watch, ret, err);
    server_list_clear(&trusting);
    return good;
}
