/* publish.c - one server after the other gets the lists, and loses the sessions. */
#include "config.h"

#include "core/plan/publish.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/greeting.h"
#include "core/pg/sessions.h"
#include "core/plan/address.h"
#include "core/plan/step.h"
#include "core/store/foreign.h"

#define CONNECT_MS 5000 /* others wait for their list meanwhile */

const char *publish_state_name(enum publish_state state)
{
    switch (state) {
    case PUBLISH_OPEN:
        break;
    case PUBLISH_DONE:
        return "done";
    case PUBLISH_SAME:
        return "same";
    case PUBLISH_AWAY:
        return "away";
    case PUBLISH_REFUSED:
        return "refused";
    case PUBLISH_UNDONE:
        return "undone";
    case PUBLISH_LEFT:
        return "left";
    }
    return "open";
}

void publish_results_clear(struct publish_results *results)
{
    for (size_t i = 0; i < results->n; i++)
        free(results->rows[i].server);
    free(results->rows);
    *results = (struct publish_results){.n = 0};
}

bool publish_is_complete(const struct publish_results *results)
{
    for (size_t i = 0; i < results->n; i++) {
        const struct publish_result *row = &results->rows[i];

        if ((row->state != PUBLISH_DONE && row->state != PUBLISH_SAME) || row->sessions_ended < 0)
            return false;
    }
    return true;
}

/* ---- one server ---- */

struct visit {
    struct store *store;
    const struct publish_request *request;
    const struct publish_watch *watch;
    struct server *server;
    struct publish_result *result;
    struct plan_target target;
    struct secret *password;
    char *host;
    bool locked;
};

static struct conn *login_unasked(struct server *server, struct err *err)
{
    struct conn_options options = {.connect_timeout_ms = CONNECT_MS};
    struct params *params = params_parse(server->conninfo, err);
    struct conn *conn = NULL;

    if (params && conn_resolve(params, err))
        conn = conn_open(params, &options, err);
    params_free(params);
    return conn;
}

static bool reach(struct visit *visit, struct err *err)
{
    const struct fleet_door *door = visit->request->door;
    struct plan_target *target = &visit->target;

    target->store = visit->store;
    target->server = visit->server;
    if (!plan_tls_address(visit->server, &visit->host, &target->tls_port, err))
        return false;
    target->tls_host = visit->host;
    if (*visit->host == '\0')
        return plan_no_tls_address(visit->server, err);
    target->admin = door ? door->login(door->arg, visit->server, &visit->password, err)
                         : login_unasked(visit->server, err);
    target->admin_password = visit->password;
    return target->admin != NULL;
}

static void leave(struct visit *visit)
{
    if (visit->locked)
        plan_unlock_server(visit->target.admin);
    conn_close(visit->target.admin);
    secret_free(visit->password);
    free(visit->host);
}

static bool is_publication(const struct journal_plan *row)
{
    json_t *intent = json_loads(row->intent, 0, NULL);
    const char *kind = json_string_value(json_object_get(intent, "kind"));
    bool is = kind && strcmp(kind, "publish_crl") == 0;

    json_decref(intent);
    return is;
}

/* Under the lock nobody is at it: an open publication is one whose process was killed. */
static bool take_back_dead(struct visit *visit, const struct journal_plan *row, struct err *err)
{
    enum journal_plan_state ended;

    if (!is_publication(row)) {
        err_set(err, ERR_UNFINISHED, _("plan %lld on \"%s\" is not finished"), (long long)row->id,
                row->server);
        return err_hint(err, _("\"pgseal server undo %s\" takes it back."), row->server);
    }
    return plan_undo_journalled(&visit->target, row->id, visit->watch ? visit->watch->plan : NULL,
                                &ended, err);
}

static bool tidy(struct visit *visit, struct err *err)
{
    struct journal_plan_list open = {.n = 0};
    bool good = true;

    if (!journal_open_plans(visit->store, &open, err))
        return false;
    for (size_t i = 0; good && i < open.n; i++) {
        if (text_equal(open.rows[i]->server, visit->server->name) &&
            open.rows[i]->state != JOURNAL_LEFT)
            good = take_back_dead(visit, open.rows[i], err);
    }
    journal_plan_list_clear(&open);
    return good;
}

static bool is_of_one(const struct cert *cert, const struct authority_list *cas)
{
    for (size_t i = 0; i < cas->n; i++) {
        if (cert_issued_by(cert, cas->rows[i]->cert))
            return true;
    }
    return false;
}

/* It had the list: another pgseal was faster, or this is a second run. */
static bool prove_again(struct visit *visit, struct err *err)
{
    const struct cert_list *revoked = visit->request->revoked;
    const struct plan_watch *watch = visit->watch ? visit->watch->plan : NULL;
    struct authority_list cas = {.n = 0};
    bool good = true;

    if (revoked && !server_trusts(visit->store, visit->server, &cas, err))
        return false;
    for (size_t i = 0; good && revoked && i < revoked->n; i++) {
        if (is_of_one(revoked->certs[i], &cas))
            good = proof_revoked(&visit->target, revoked->certs[i], watch, err);
    }
    authority_list_clear(&cas);
    return good;
}

static enum publish_state state_of(enum journal_plan_state state)
{
    switch (state) {
    case JOURNAL_KEPT:
        return PUBLISH_DONE;
    case JOURNAL_UNDONE:
        return PUBLISH_UNDONE;
    case JOURNAL_READY:
    case JOURNAL_FAILED:
        return PUBLISH_REFUSED;
    case JOURNAL_DOING:
    case JOURNAL_DONE:
    case JOURNAL_LEFT:
        break;
    }
    return PUBLISH_LEFT;
}

static bool bring(struct visit *visit, struct err *err)
{
    struct publish_result *result = visit->result;
    struct plan *plan = NULL;
    bool nothing;
    bool good;

    visit->locked = plan_lock_server(visit->target.admin, err);
    if (!visit->locked || !tidy(visit, err))
        return false;
    plan = plan_publish_revoked(&visit->target, visit->request->revoked, err);
    if (!plan)
        return false;
    nothing = plan_nothing_to_do(plan);
    good = plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, visit->watch ? visit->watch->plan : NULL, err);
    result->plan_id = plan_id(plan);
    result->state = nothing && good ? PUBLISH_SAME : state_of(plan_state(plan));
    plan_free(plan);
    if (good && nothing && !prove_again(visit, err)) {
        result->state = PUBLISH_REFUSED;
        good = false;
    }
    return good;
}

static bool end_one(struct visit *visit, const struct issued *issued, struct err *err)
{
    struct name *issuer = cert_issuer(issued->cert);
    char dn[NAME_PG_SIZE], decimal[SERIAL_DECIMAL_MAX];
    int ended = 0;
    bool good;

    name_format_pg(issuer, dn);
    name_free(issuer);
    good = sessions_end_serial(visit->target.admin, dn,
                               serial_format_decimal(decimal, &issued->serial), &ended, err) &&
           published_ended(visit->store, visit->server->id, issued->id, err);
    visit->result->sessions_ended += ended;
    return good;
}

static bool end_sessions(struct visit *visit, struct err *err)
{
    struct issued_list list = {.n = 0};
    bool good = published_to_end(visit->store, visit->server->id, &list, err);

    for (size_t i = 0; good && i < list.n; i++)
        good = end_one(visit, list.rows[i], err);
    issued_list_clear(&list);
    return good;
}

/* Whoever says no is there; whoever says nothing is not. */
static bool is_away(const struct err *err)
{
    return err->code == ERR_NO_CONNECTION || err->code == ERR_TIMEOUT ||
           err->code == ERR_CONNECTION_LOST;
}

/* A pooler has TLS files of its own and, as a rule, no list: nothing done to PostgreSQL shows there. */
static void explain_pooler(struct visit *visit)
{
    struct err *err = &visit->result->err;
    struct err ignored = ERR_INIT; /* then it is not known, and nothing is said */
    enum greeting greeting;

    if ((err->code != ERR_PROOF && err->code != ERR_RELOAD_REFUSED) ||
        !greeting_ask(visit->target.tls_host, visit->target.tls_port, 0, &greeting, &ignored) ||
        greeting != GREETING_POOLER)
        return;
    err_cause(err,
              _("\"%s\" port %d is a pooler (PgBouncer has no revocation lists): what is revoked "
                "gets in there."),
              visit->target.tls_host, visit->target.tls_port);
    err_hint(err,
             _("Give the server the address of PostgreSQL itself, and take the CA or the role away "
               "at the pooler."));
}

static void go(struct visit *visit)
{
    struct publish_result *result = visit->result;
    int64_t began = clock_mono_ms();
    struct err ignored = ERR_INIT;

    if (!reach(visit, &result->err)) {
        result->state = is_away(&result->err) ? PUBLISH_AWAY : PUBLISH_REFUSED;
    } else if (!bring(visit, &result->err)) {
        if (result->state == PUBLISH_OPEN)
            result->state = is_away(&result->err) ? PUBLISH_AWAY : PUBLISH_REFUSED;
        explain_pooler(visit);
    } else if (!end_sessions(visit, &result->err)) {
        result->sessions_ended = -1;
    } else {
        result->err = (struct err)ERR_INIT;
    }
    if (result->err.code != ERR_NONE) /* a store that is full can still be published from */
        (void)!published_failed(visit->store, visit->server->id, &result->err, &ignored);
    leave(visit);
    result->took_ms = clock_mono_ms() - began;
}

/* ---- all of them ---- */

/* Has all lists, as far as is known, and nothing is to be ended there. */
static bool is_up_to_date(struct store *store, const struct server *server, bool *ret,
                          struct err *err)
{
    struct published_list list = {.n = 0};
    bool behind = false;

    if (!published_list(store, server->name, 0, &list, err) ||
        !foreign_is_behind(store, server->id, &behind, err))
        return false;
    *ret = !behind;
    for (size_t i = 0; i < list.n; i++) {
        const struct published *row = &list.rows[i];

        if (!row->known || row->behind || row->n_sessions > 0 || row->failed_at > 0)
            *ret = false;
    }
    published_list_clear(&list);
    return true;
}

static bool stop_asked(const struct publish_watch *watch)
{
    return watch && watch->plan && watch->plan->stop && watch->plan->stop(watch->plan->arg);
}

static bool run_one(struct store *store, const struct publish_request *request,
                    const struct publish_watch *watch, size_t i, struct publish_results *results,
                    struct err *err)
{
    struct publish_result *result = &results->rows[i];
    struct server *server = request->servers->rows[i];
    struct visit visit = {
        .store = store, .request = request, .watch = watch, .server = server, .result = result};
    bool up_to_date = false;

    if (request->only_behind && !is_up_to_date(store, server, &up_to_date, err))
        return false;
    if (!up_to_date && watch && watch->begins)
        watch->begins(watch->arg, i, results->n, server->name);
    if (up_to_date)
        result->state = PUBLISH_SAME;
    else
        go(&visit);
    if (watch && watch->ended)
        watch->ended(watch->arg, i, results->n, result);
    return true;
}

bool publish_run(struct store *store, const struct publish_request *request,
                 const struct publish_watch *watch, struct publish_results *ret, struct err *err)
{
    struct publish_results results = {.n = request->servers->n};

    results.rows = mem_array(results.n + 1, sizeof(results.rows[0]));
    for (size_t i = 0; i < results.n; i++)
        results.rows[i] =
            (struct publish_result){.server = mem_strdup(request->servers->rows[i]->name),
                                    .production = request->servers->rows[i]->production,
                                    .err = ERR_INIT};
    for (size_t i = 0; i < results.n && !stop_asked(watch); i++) {
        if (!run_one(store, request, watch, i, &results, err)) {
            publish_results_clear(&results);
            return false;
        }
    }
    *ret = results;
    return true;
}

/* ---- which servers ---- */

static bool trusts_any(struct store *store, const struct server *server, bool *ret, struct err *err)
{
    struct published_list list = {.n = 0};
    bool behind = false;

    if (!published_list(store, server->name, 0, &list, err) ||
        !foreign_is_behind(store, server->id, &behind, err))
        return false;
    *ret = list.n > 0 || behind;
    published_list_clear(&list);
    return true;
}

bool publish_list_servers(struct store *store, int64_t authority_id, struct server_list *ret,
                          struct err *err)
{
    struct server_list all = {.n = 0};
    size_t n = 0;
    bool good = true;

    if (authority_id != 0)
        return server_list_trusting(store, authority_id, ret, err);
    if (!server_list(store, &all, err))
        return false;
    for (size_t i = 0; i < all.n; i++) {
        bool keep = false;

        good = good && trusts_any(store, all.rows[i], &keep, err);
        if (keep)
            all.rows[n++] = all.rows[i];
        else
            server_free(all.rows[i]);
    }
    all.n = n;
    if (good)
        *ret = all;
    else
        server_list_clear(&all);
    return good;
}
