/* servers.c - the servers of a rotation: which they are, what they trust, one change to all of them. */
#include "config.h"

#include "core/rotate/servers.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "core/plan/proof.h"
#include "core/store/authority_request.h"
#include "core/store/foreign.h"

#define ALERT_UNKNOWN_CA 48

/* ---- scope ---- */

static bool has_server(const struct server_list *list, int64_t id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i]->id == id)
            return true;
    }
    return false;
}

static void push(struct server_list *list, struct server *take)
{
    if (has_server(list, take->id)) {
        server_free(take);
        return;
    }
    list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(struct server *));
    list->rows[list->n++] = take;
}

static bool push_named(struct store *store, const char *name, struct server_list *list,
                       struct err *err)
{
    struct server *server = server_load(store, name, err);

    if (server == NULL)
        return false;
    push(list, server);
    return true;
}

static bool trusting_foreign(struct store *store, int64_t foreign_id, struct server_list *ret,
                             struct err *err)
{
    struct foreign_ca_list list = {.n = 0};
    bool ok = foreign_list(store, &list, err);

    for (size_t i = 0; ok && i < list.n; i++) {
        for (size_t k = 0; ok && list.rows[i].id == foreign_id && k < list.rows[i].n_servers; k++)
            ok = push_named(store, list.rows[i].servers[k], ret, err);
    }
    foreign_list_clear(&list);
    return ok;
}

bool rotate_trusting(struct store *store, int64_t authority_id, int64_t foreign_id,
                     struct server_list *ret, struct err *err)
{
    if (authority_id != 0)
        return server_list_trusting(store, authority_id, ret, err);
    return foreign_id == 0 || trusting_foreign(store, foreign_id, ret, err);
}

bool rotate_choose_servers(struct store *store, const struct rotation *rotation,
                           const struct rotate_start *start, struct err *err)
{
    for (size_t i = 0; i < start->n_servers; i++) {
        struct server_list members = {.n = 0};
        bool ok = server_members(store, start->servers[i], &members, err);

        for (size_t k = 0; ok && k < members.n; k++) {
            const struct rotation_server row = {
                .server_id = members.rows[k]->id, .chosen = true, .phase = -1};

            ok = rotation_set_server(store, rotation->id, &row, err);
        }
        server_list_clear(&members);
        if (!ok)
            return false;
    }
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct server *const *a = left, *const *b = right;

    return strcmp((*a)->name, (*b)->name);
}

bool rotate_scope(struct rotate_work *work, struct server_list *ret, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    struct rotation_server_list rows = {.n = 0};
    struct server_list list = {.n = 0};
    bool chosen = false;
    bool ok = rotation_servers(work->store, rotation->id, &rows, err);

    for (size_t i = 0; i < rows.n; i++)
        chosen = chosen || rows.rows[i].chosen;
    if (ok && !chosen)
        ok = rotate_trusting(work->store, rotation->old_authority_id, rotation->old_foreign_id,
                             &list, err);
    for (size_t i = 0; ok && i < rows.n; i++)
        ok = push_named(work->store, rows.rows[i].server, &list, err);
    rotation_server_list_clear(&rows);
    if (list.n > 1)
        qsort(list.rows, list.n, sizeof(list.rows[0]), by_name);
    if (ok)
        *ret = list;
    else
        server_list_clear(&list);
    return ok;
}

/* ---- measured ---- */

struct measure {
    struct rotate_work *work;
    struct server_list old_trust, new_trust; /* as the store knows */
    struct rotation_server_list rows;
};

static void measure_clear(struct measure *measure)
{
    server_list_clear(&measure->old_trust);
    server_list_clear(&measure->new_trust);
    rotation_server_list_clear(&measure->rows);
}

static bool measure_begin(struct measure *measure, struct rotate_work *work, struct err *err)
{
    const struct rotation *rotation = work->rotation;

    *measure = (struct measure){.work = work};
    return rotate_trusting(work->store, rotation->old_authority_id, rotation->old_foreign_id,
                           &measure->old_trust, err) &&
           rotate_trusting(work->store, rotation->new_authority_id, rotation->new_foreign_id,
                           &measure->new_trust, err) &&
           rotation_servers(work->store, rotation->id, &measure->rows, err);
}

/* What was found when this phase's act went there last. */
static void recall(const struct measure *measure, const struct server *server,
                   struct rotate_server *row)
{
    row->production = server->production;
    row->has_old = has_server(&measure->old_trust, server->id);
    row->has_new = has_server(&measure->new_trust, server->id);
    for (size_t i = 0; i < measure->rows.n; i++) {
        const struct rotation_server *known = &measure->rows.rows[i];

        if (known->server_id == server->id && known->phase == measure->work->rotation->phase &&
            (known->state == ROTATION_SERVER_AWAY || known->state == ROTATION_SERVER_FAILED))
            err_set(&row->err, known->state == ROTATION_SERVER_AWAY ? ERR_NO_CONNECTION : ERR_PROOF,
                    "%s", known->why);
    }
}

/* Trusted: the name is shown, and where the CA is ours, its canaries are judged as they should be. */
static bool is_trusted(const struct fleet_member *member, const struct handshake *shown,
                       const struct authority *authority, const struct cert *cert, struct err *err)
{
    if (cert == NULL || !handshake_accepts_ca(shown, cert))
        return false;
    return authority == NULL || proof_canaries(&member->target, authority, NULL, err);
}

/* An intermediate's clients send their chain: where its root is trusted still, they may get in by that. */
static bool is_refused_with_chain(const struct fleet_member *member,
                                  const struct authority *authority, struct err *err)
{
    struct authority_parents parents = {.crls = NULL};
    struct handshake_request request = {.host = member->target.tls_host,
                                        .port = member->target.tls_port};
    struct handshake shown = {.verdict = HANDSHAKE_NO_TLS};
    struct canary canary = {NULL, NULL};
    struct cert_list chain;
    bool ok;

    cert_list_init(&chain);
    cert_list_take(&chain, cert_dup(authority->cert));
    ok = authority_load_parents(member->target.store, authority, &parents, err) &&
         authority_canary(member->target.store, authority, CANARY_GOOD, &canary, err);
    for (size_t i = 0; ok && i < parents.certs.n; i++)
        cert_list_take(&chain, cert_dup(parents.certs.certs[i]));
    request.cert = canary.cert;
    request.key = canary.key;
    request.cert_chain = &chain;
    ok = ok && handshake_run(&request, &shown, err);
    if (ok && shown.verdict == HANDSHAKE_ACCEPTED) {
        ok = err_set(err, ERR_PROOF,
                     _("the clients of \"%s\" get in by its root, with the chain that they send"),
                     authority->name);
        err_hint(err, _("Let the root revoke it, and import the root's list: \"pgseal crl import "
                        "FILE\"; then this step again."));
    }
    handshake_clear(&shown);
    canary_clear(&canary);
    cert_list_clear(&chain);
    authority_parents_clear(&parents);
    return ok;
}

/* Its key is destroyed, and its canaries' keys with it. */
static bool has_canary(struct store *store, const struct authority *authority)
{
    struct err ignored = ERR_INIT;
    struct canary canary;

    if (!authority_canary(store, authority, CANARY_GOOD, &canary, &ignored))
        return false;
    canary_clear(&canary);
    return true;
}

/* Its name is gone; the canary must be refused too. */
static bool is_gone(const struct fleet_member *member, const struct authority *authority,
                    struct err *err)
{
    if (authority != NULL && !cert_is_self_signed(authority->cert) &&
        has_canary(member->target.store, authority))
        return is_refused_with_chain(member, authority, err);
    return authority == NULL || !has_canary(member->target.store, authority) ||
           proof_canary(&member->target, authority, CANARY_GOOD, ALERT_UNKNOWN_CA, NULL, err);
}

static void measure_wire(const struct measure *measure, const struct fleet_member *member,
                         struct rotate_server *row)
{
    const struct rotate_work *work = measure->work;
    const struct handshake_request request = {.host = member->target.tls_host,
                                              .port = member->target.tls_port};
    struct handshake shown = {.verdict = HANDSHAKE_NO_TLS};

    if (!handshake_run(&request, &shown, &row->err))
        return;
    row->has_new = is_trusted(member, &shown, work->new_ca, work->new_cert, &row->err);
    row->has_old = work->old_cert != NULL && handshake_accepts_ca(&shown, work->old_cert);
    if (!row->has_old && shown.asks_certificate && work->old_cert != NULL &&
        !is_gone(member, work->old_ca, &row->err))
        row->has_old = true;
    handshake_clear(&shown);
}

static bool measure_member(const struct measure *measure, struct fleet_member *member,
                           struct rotate_server *row, struct err *err)
{
    row->asked = true;
    row->err = (struct err)ERR_INIT;
    if (member->target.admin == NULL) {
        row->err = member->err;
        return true;
    }
    row->reached = true;
    row->standby = member->standby;
    measure_wire(measure, member, row);
    return use_look(measure->work->store, member->server, member->target.admin, err);
}

static struct rotate_server *row_of(struct rotate_status *status, const char *name)
{
    for (size_t i = 0; i < status->n_servers; i++) {
        if (text_equal(status->servers[i].name, name))
            return &status->servers[i];
    }
    return NULL;
}

static bool measure_all(const struct measure *measure, struct server_list *take,
                        struct rotate_status *ret, struct err *err)
{
    const struct fleet_order order = {.go_on = true};
    struct fleet *fleet = fleet_new(measure->work->store, take);
    struct err none = ERR_INIT;
    bool ok = true;

    /* what is wrong with each stands with it */
    (void)!fleet_open(fleet, &order, measure->work->request->door, &none);
    for (size_t i = 0; ok && i < fleet_count(fleet); i++) {
        struct fleet_member *member = fleet_member(fleet, i);
        struct rotate_server *row = row_of(ret, member->server->name);

        ok = row == NULL || measure_member(measure, member, row, err);
    }
    fleet_free(fleet);
    return ok;
}

bool rotate_measure(struct rotate_work *work, bool ask, struct rotate_status *ret, struct err *err)
{
    struct server_list scope = {.n = 0};
    struct measure measure;
    bool ok = measure_begin(&measure, work, err) && rotate_scope(work, &scope, err);

    for (size_t i = 0; ok && i < scope.n; i++)
        recall(&measure, scope.rows[i],
               rotate_add_server(&ret->servers, &ret->n_servers, scope.rows[i]->name));
    if (ok && ask && scope.n > 0)
        ok = measure_all(&measure, &scope, ret, err);
    server_list_clear(&scope);
    measure_clear(&measure);
    return ok;
}

/* ---- changed ---- */

/* Plans that a rotation makes; others are somebody else's. */
static bool is_ours(const struct journal_plan *row, enum rotation_kind of)
{
    static const char *const clients[] = {"trust_ca", "untrust_ca", "publish_crl"};
    static const char *const servers[] = {"server_tls", "server_cert", NULL};
    const char *const *ours = of == ROTATION_SERVER || of == ROTATION_SERVER_CA ? servers : clients;
    json_t *intent = json_loads(row->intent, 0, NULL);
    const char *kind = json_string_value(json_object_get(intent, "kind"));
    bool is = false;

    for (size_t i = 0; kind != NULL && i < ARRAY_LEN(clients) && ours[i] != NULL; i++)
        is = is || strcmp(kind, ours[i]) == 0;
    json_decref(intent);
    return is;
}

/* Under the server's lock nobody is at it: its process was killed. */
static bool take_back(struct fleet_member *member, int64_t plan_id, const struct plan_watch *watch,
                      struct err *err)
{
    struct journal_plan *row;
    enum journal_plan_state ended;
    bool ok = true;

    if (!plan_lock_server(member->target.admin, watch, err))
        return false;
    row = journal_load(member->target.store, plan_id, err);
    if (row == NULL)
        ok = false;
    else if (row->state == JOURNAL_DOING || row->state == JOURNAL_DONE ||
             row->state == JOURNAL_LEFT)
        ok = plan_undo_journalled(&member->target, plan_id, watch, &ended, err);
    journal_plan_free(row);
    plan_unlock_server(member->target.admin);
    return ok;
}

static bool tidy_server(struct rotate_work *work, const struct server *server, int64_t plan_id,
                        struct err *err)
{
    const struct fleet_order order = {.unfinished = true};
    const struct fleet_watch *watch = work->request->watch;
    struct server_list one = {.n = 0};
    struct fleet *fleet;
    bool ok;

    if (!push_named(work->store, server->name, &one, err))
        return false;
    fleet = fleet_new(work->store, &one);
    ok = fleet_open(fleet, &order, work->request->door, err) &&
         take_back(fleet_member(fleet, 0), plan_id, watch != NULL ? watch->plan : NULL, err);
    fleet_free(fleet);
    return ok;
}

/* A try of this very rotation that could not be taken back when its server hung. */
static bool is_left_here(const struct rotate_work *work, const struct rotation_server_list *rows,
                         const struct journal_plan *plan)
{
    if (work->rotation->kind != ROTATION_SERVER && work->rotation->kind != ROTATION_SERVER_CA)
        return false; /* what clients' CAs need is brought there by the next plan, whatever is left */
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->rows[i].plan_id == plan->id)
            return true;
    }
    return false;
}

/* What could not be tidied is told by fleet_open(): that server is left out. */
static bool tidy(struct rotate_work *work, const struct server_list *servers, struct err *err)
{
    struct journal_plan_list open = {.n = 0};
    struct rotation_server_list rows = {.n = 0};
    struct err ignored = ERR_INIT;

    if (!journal_open_plans(work->store, &open, err))
        return false;
    (void)!rotation_servers(work->store, work->rotation->id, &rows, &ignored);
    for (size_t i = 0; i < open.n; i++) {
        if (!is_ours(open.rows[i], work->rotation->kind) ||
            (open.rows[i]->state == JOURNAL_LEFT && !is_left_here(work, &rows, open.rows[i])))
            continue;
        for (size_t k = 0; k < servers->n; k++) {
            if (text_equal(servers->rows[k]->name, open.rows[i]->server))
                (void)!tidy_server(work, servers->rows[k], open.rows[i]->id, &ignored);
        }
    }
    rotation_server_list_clear(&rows);
    journal_plan_list_clear(&open);
    return true;
}

static bool was_chosen(const struct rotation_server_list *rows, int64_t server_id)
{
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->rows[i].server_id == server_id)
            return rows->rows[i].chosen;
    }
    return false;
}

static enum rotation_server_state state_of(enum fleet_state state)
{
    switch (state) {
    case FLEET_NOTHING:
    case FLEET_KEPT:
        return ROTATION_SERVER_DONE;
    case FLEET_AWAY:
        return ROTATION_SERVER_AWAY;
    case FLEET_OPEN:
        return ROTATION_SERVER_OPEN;
    case FLEET_REFUSED:
    case FLEET_FAILED:
    case FLEET_UNDONE:
    case FLEET_LEFT:
        break;
    }
    return ROTATION_SERVER_FAILED;
}

/* Into the store and into the outcome. */
static bool note_members(struct rotate_work *work, const struct fleet *fleet,
                         struct rotate_outcome *ret, struct err *err)
{
    struct rotation_server_list rows = {.n = 0};
    bool ok = rotation_servers(work->store, work->rotation->id, &rows, err);

    for (size_t i = 0; ok && i < fleet_count(fleet); i++) {
        const struct fleet_member *member = fleet_member(fleet, i);
        const struct rotation_server row = {
            .server_id = member->server->id,
            .chosen = was_chosen(&rows, member->server->id),
            .phase = work->rotation->phase,
            .state = state_of(member->state),
            .plan_id = member->plan != NULL ? plan_id(member->plan) : 0,
            .why = member->err.code != ERR_NONE ? (char *)(uintptr_t)member->err.msg : NULL,
        };
        struct rotate_server *result;

        if (member->state == FLEET_OPEN) /* not begun: another one stopped it all before */
            continue;
        result = rotate_add_server(&ret->servers, &ret->n_servers, member->server->name);
        result->production = member->server->production;
        result->standby = member->standby;
        result->asked = true;
        result->reached = member->target.admin != NULL;
        result->done = row.state == ROTATION_SERVER_DONE;
        result->err = member->err;
        ok = rotation_set_server(work->store, work->rotation->id, &row, err);
    }
    rotation_server_list_clear(&rows);
    return ok;
}

static bool run_after(const struct fleet *fleet, const struct rotate_change *change,
                      struct err *err)
{
    bool ok = true;

    for (size_t i = 0; change->after != NULL && i < fleet_count(fleet); i++) {
        struct fleet_member *member = fleet_member(fleet, i);
        struct err why = ERR_INIT;

        if (state_of(member->state) != ROTATION_SERVER_DONE ||
            change->after(change->arg, member, &why))
            continue;
        if (ok)
            *err = why;
        ok = false;
    }
    return ok;
}

/* None was reached: the error has no name in it. */
static bool open_fleet(struct fleet *fleet, const struct fleet_order *order,
                       const struct fleet_door *door, struct err *err)
{
    if (fleet_open(fleet, order, door, err))
        return true;
    for (size_t i = 0; i < fleet_count(fleet); i++) {
        const struct fleet_member *member = fleet_member(fleet, i);

        if (member->err.code != ERR_NONE)
            return err_prefix(err, "\"%s\"", member->server->name);
    }
    return false;
}

bool rotate_change_servers(struct rotate_work *work, struct server_list *take,
                           const struct rotate_change *change, struct rotate_outcome *ret,
                           struct err *err)
{
    const struct rotate_request *request = work->request;
    const struct fleet_order order = {
        .make = change->make, .arg = change->arg, .what = change->what, .go_on = true};
    struct err noting = ERR_INIT;
    struct fleet *fleet;
    bool ok;

    if (take->n == 0) {
        server_list_clear(take);
        return true;
    }
    if (work->preview != NULL) {
        rotate_preview_servers(work, take, change);
        return true;
    }
    ok = tidy(work, take, err);
    fleet = fleet_new(work->store, take);
    ok = ok && open_fleet(fleet, &order, request->door, err) && fleet_make(fleet, &order, err);
    if (ok && request->accepts_refused)
        fleet_accept_refused(fleet, request->accept_refused);
    ok = ok && fleet_check_refused(fleet, err) &&
         fleet_apply(fleet, &order, request->keep, request->watch, err);
    if (!run_after(fleet, change, ok ? err : &noting))
        ok = false;
    if (!note_members(work, fleet, ret, ok ? err : &noting))
        ok = false;
    fleet_free(fleet);
    return ok;
}
