/* publish_visit.c - one server: login, lock, what a killed run left, the plan, the sessions. */
#include "config.h"

#include "core/plan/publish_visit.h"

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

struct visit {
    const struct publish_visit *order;
    struct store *store;
    struct server *server;
    struct publish_result *result;
    struct plan_target target;
    struct secret *password;
    char *host;
    bool locked;
};

static bool reach(struct visit *visit, struct err *err)
{
    const struct publish_visit *order = visit->order;
    struct plan_target *target = &visit->target;

    target->store = visit->store;
    target->server = visit->server;
    if (!plan_tls_address(visit->server, &visit->host, &target->tls_port, err))
        return false;
    target->tls_host = visit->host;
    if (*visit->host == '\0')
        return plan_no_tls_address(visit->server, err);
    target->admin = order->login(order->login_arg, visit->server, &visit->password, err);
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

/* ---- what others have not finished ---- */

static bool is_publication(const struct journal_plan *row)
{
    json_t *intent = json_loads(row->intent, 0, NULL);
    const char *kind = json_string_value(json_object_get(intent, "kind"));
    bool is = kind && strcmp(kind, "publish_crl") == 0;

    json_decref(intent);
    return is;
}

static bool was_begun(const struct journal_step *step)
{
    return step->state == JOURNAL_STEP_DOING || step->state == JOURNAL_STEP_DONE;
}

static bool is_kind(const struct journal_step *step, const char *kind)
{
    return strcmp(step->kind, kind) == 0;
}

/* Its undo must find what it has written: a list over it would leave it half done for ever. */
static bool touches_lists(const struct journal_step *step)
{
    static const char *const settings[] = {"ssl_ca_file", "ssl_crl_file", "ssl_crl_dir"};
    json_t *data = json_loads(step->data, 0, NULL);
    const char *name = json_string_value(json_object_get(data, "name"));
    bool touches = is_kind(step, "crl") || json_is_true(json_object_get(data, "in_folder"));

    for (size_t i = 0; i < ARRAY_LEN(settings) && is_kind(step, "setting") && name; i++)
        touches = touches || strcmp(name, settings[i]) == 0;
    json_decref(data);
    return touches;
}

enum conflict {
    CONFLICT_NONE,
    CONFLICT_LISTS,
    CONFLICT_UNLOADED /* our reload would put in force what nobody has proven */
};

static enum conflict conflict_with(const struct journal_plan *plan)
{
    enum conflict conflict = CONFLICT_NONE;

    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct journal_step *step = &plan->steps[i];

        if (!was_begun(step))
            continue;
        if (touches_lists(step))
            return CONFLICT_LISTS;
        if (is_kind(step, "setting") || is_kind(step, "hba") || is_kind(step, "ident"))
            conflict = CONFLICT_UNLOADED;
        else if (is_kind(step, "reload") && step->state == JOURNAL_STEP_DONE)
            conflict = CONFLICT_NONE;
    }
    return conflict;
}

static bool go_on_beside(struct visit *visit, const struct journal_plan *plan, struct err *err)
{
    enum conflict conflict = conflict_with(plan);

    if (conflict == CONFLICT_NONE) {
        run_saw(visit->order->watch,
                _("plan %lld on \"%s\", not finished; it does not touch the lists"),
                (long long)plan->id, plan->server);
        return true;
    }
    err_set(err, ERR_UNFINISHED, _("plan %lld on \"%s\" is not finished: %s"), (long long)plan->id,
            plan->server, plan->title);
    err_cause(err,
              conflict == CONFLICT_LISTS
                  ? _("It changes the CAs or lists there: a new list over it could not be "
                      "told from it any more.")
                  : _("It has written what the server has not loaded yet, and a new list would "
                      "load that too."));
    return err_hint(err,
                    _("\"pgseal server undo %s\" takes it back, then \"pgseal crl refresh\" "
                      "brings the list."),
                    plan->server);
}

/* Under the lock nobody is at it: an open publication is one whose process was killed. */
static bool mind(struct visit *visit, const struct journal_plan *row, struct err *err)
{
    enum journal_plan_state ended;
    struct journal_plan *plan;
    bool good;

    if (is_publication(row))
        return plan_undo_journalled(&visit->target, row->id, visit->order->watch, &ended, err);
    plan = journal_load(visit->store, row->id, err);
    good = plan && go_on_beside(visit, plan, err);
    journal_plan_free(plan);
    return good;
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
            good = mind(visit, open.rows[i], err);
    }
    journal_plan_list_clear(&open);
    return good;
}

/* ---- the list ---- */

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
    const struct cert_list *revoked = visit->order->revoked;
    const struct plan_watch *watch = visit->order->watch;
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

    visit->locked = plan_lock_server(visit->target.admin, visit->order->watch, err);
    if (!visit->locked || !tidy(visit, err))
        return false;
    plan = plan_publish_revoked(&visit->target, visit->order->revoked, err);
    if (!plan)
        return false;
    nothing = plan_nothing_to_do(plan);
    good = plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, visit->order->watch, err);
    result->plan_id = plan_id(plan);
    result->state = nothing && good ? PUBLISH_SAME : state_of(plan_state(plan));
    plan_free(plan);
    if (good && nothing && !prove_again(visit, err)) {
        result->state = PUBLISH_REFUSED;
        good = false;
    }
    return good;
}

/* ---- the sessions ---- */

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

/* ---- all of it ---- */

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
    if (result->state == PUBLISH_DONE || result->state == PUBLISH_SAME) /* of "server crl" */
        (void)!server_clear_missed(visit->store, visit->server, SERVER_MISSED_CRLS, &ignored);
}

void publish_visit(const struct publish_visit *order)
{
    struct visit visit = {
        .order = order, .store = order->store, .server = order->server, .result = order->result};
    struct publish_result *result = order->result;
    int64_t began = clock_mono_ms();
    struct err ignored = ERR_INIT;

    go(&visit);
    if (result->err.code != ERR_NONE && /* a store that is full can still be published from */
        !(order->comes_again && *order->comes_again))
        (void)!published_failed(order->store, order->server->id, &result->err, &ignored);
    leave(&visit);
    result->took_ms = clock_mono_ms() - began;
}
