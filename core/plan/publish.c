/* publish.c - which servers are visited, and several of them at once. */
#include "config.h"

#include "core/plan/publish.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/crowd.h"
#include "core/plan/publish_visit.h"
#include "core/store/foreign.h"

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

bool publish_is_good(const struct publish_result *row)
{
    return (row->state == PUBLISH_DONE || row->state == PUBLISH_SAME) && row->sessions_ended >= 0;
}

bool publish_is_complete(const struct publish_results *results)
{
    for (size_t i = 0; i < results->n; i++) {
        if (!publish_is_good(&results->rows[i]))
            return false;
    }
    return true;
}

bool publish_is_blocked(const struct publish_result *row)
{
    return (row->err.code == ERR_UNFINISHED || row->err.code == ERR_CRL_WEAKER ||
            row->err.code == ERR_WOULD_LOCK_OUT || row->err.code == ERR_CRL_NOT_YET) &&
           row->err.hint[0] != '\0';
}

static const char *words_of(enum publish_state state)
{
    switch (state) {
    case PUBLISH_OPEN:
        return _("not begun");
    case PUBLISH_DONE:
        return _("has the current list, proven on the wire");
    case PUBLISH_SAME:
        return _("had the current list already");
    case PUBLISH_AWAY:
        return _("not reached");
    case PUBLISH_REFUSED:
        return _("nothing was changed");
    case PUBLISH_UNDONE:
        return _("failed, and taken back");
    case PUBLISH_LEFT:
        break;
    }
    return _("failed, and NOT fully taken back");
}

void publish_describe(const struct publish_result *row, struct strbuf *out)
{
    strbuf_printf(out, "%s: %s", row->server, words_of(row->state));
    if (row->plan_id > 0)
        strbuf_printf(out, _(" (plan %lld)"), (long long)row->plan_id);
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

/* ---- several at once ---- */

struct publication {
    struct store *store; /* the caller's */
    const struct publish_request *request;
    const struct publish_watch *watch; /* or NULL */
    struct publish_results *results;
    struct turn *turns;
    size_t n_turns;
    pthread_mutex_t talk; /* one report at a time */
};

struct turn { /* of one server that is to be visited */
    struct publication *all;
    size_t i; /* in the request, and in the results */
    bool begun, logged_in;
    bool wants_password; /* and a person may be asked: it comes again, on the caller's thread */
};

static struct server *server_of(const struct turn *turn)
{
    return turn->all->request->servers->rows[turn->i];
}

static const struct publish_watch *talk(struct publication *all)
{
    static const struct publish_watch silent = {.arg = NULL};

    pthread_mutex_lock(&all->talk);
    return all->watch ? all->watch : &silent;
}

static void end_talk(struct publication *all)
{
    pthread_mutex_unlock(&all->talk);
}

static void on_step(void *arg, const struct plan_step_view *step)
{
    struct turn *turn = arg;
    const struct publish_watch *watch = talk(turn->all);

    if (watch->step)
        watch->step(watch->arg, server_of(turn)->name, step);
    end_talk(turn->all);
}

static void on_saw(void *arg, const char *line)
{
    struct turn *turn = arg;
    const struct publish_watch *watch = talk(turn->all);

    if (watch->saw)
        watch->saw(watch->arg, server_of(turn)->name, line);
    end_talk(turn->all);
}

static bool on_stop(void *arg)
{
    struct turn *turn = arg;
    const struct publish_watch *watch = talk(turn->all);
    bool stop = watch->stop && watch->stop(watch->arg);

    end_talk(turn->all);
    return stop;
}

static void report_begin(struct turn *turn)
{
    const struct publish_watch *watch = talk(turn->all);

    if (watch->begins && !turn->begun)
        watch->begins(watch->arg, turn->i, turn->all->results->n, server_of(turn)->name);
    turn->begun = true;
    end_talk(turn->all);
}

static void report_end(struct publication *all, size_t i)
{
    const struct publish_watch *watch = talk(all);

    if (watch->ended)
        watch->ended(watch->arg, i, all->results->n, &all->results->rows[i]);
    end_talk(all);
}

/* Given up only before anything is begun. */
static bool stop_login(void *arg)
{
    struct turn *turn = arg;

    return !turn->logged_in && on_stop(turn);
}

/* With what libpq finds by itself. */
static struct conn *log_in_unasked(void *arg, struct server *server, struct secret **ret_password,
                                   struct err *err)
{
    struct turn *turn = arg;
    const struct fleet_door *door = turn->all->request->door;
    bool wants_password = false;
    struct conn_options options = {
        .cancelled = stop_login, .cancelled_arg = turn, .ret_needs_password = &wants_password};
    struct params *params = params_parse(server->conninfo, err);
    struct conn *conn = NULL;

    (void)ret_password;
    if (params && conn_resolve(params, err))
        conn = conn_open(params, &options, err);
    params_free(params);
    turn->logged_in = conn != NULL;
    turn->wants_password = !conn && wants_password && door;
    if (conn && door && door->entered) {
        (void)talk(turn->all);
        door->entered(door->arg, server, conn);
        end_talk(turn->all);
    }
    return conn;
}

static void visit(struct turn *turn, struct store *store, bool with_door)
{
    const struct publish_request *request = turn->all->request;
    struct publish_result *result = &turn->all->results->rows[turn->i];
    const struct plan_watch watch = {.step = on_step, .saw = on_saw, .stop = on_stop, .arg = turn};
    struct publish_visit order = {.store = store,
                                  .server = server_of(turn),
                                  .revoked = request->revoked,
                                  .watch = &watch,
                                  .result = result,
                                  .login = with_door ? request->door->login : log_in_unasked,
                                  .login_arg = with_door ? request->door->arg : turn,
                                  .comes_again = &turn->wants_password};

    if (on_stop(turn)) {
        turn->wants_password = false;
        return;
    }
    report_begin(turn);
    turn->wants_password = false;
    publish_visit(&order);
    if (turn->wants_password) {
        result->state = PUBLISH_OPEN;
        result->err = (struct err)ERR_INIT;
        return;
    }
    report_end(turn->all, turn->i);
}

static void take_turn(void *arg, struct store *store, size_t i)
{
    struct publication *all = arg;

    visit(&all->turns[i], store, false);
}

/* A single one is visited as the door says from the beginning; of several only those that want a
 * password, one after the other: a person can answer one question at a time. */
static void visit_all(struct publication *all)
{
    bool only_door = all->n_turns == 1 && all->request->door;

    if (only_door)
        all->turns[0].wants_password = true;
    else
        crowd_run(all->store, all->n_turns, take_turn, all);
    for (size_t i = 0; i < all->n_turns; i++) {
        if (all->turns[i].wants_password)
            visit(&all->turns[i], all->store, true);
    }
}

/* Those that have all lists are left alone. */
static bool choose_turns(struct publication *all, struct err *err)
{
    const struct publish_request *request = all->request;

    all->turns = mem_array(all->results->n + 1, sizeof(all->turns[0]));
    for (size_t i = 0; i < all->results->n; i++) {
        bool up_to_date = false;

        if (request->only_behind &&
            !is_up_to_date(all->store, request->servers->rows[i], &up_to_date, err))
            return false;
        if (up_to_date) {
            all->results->rows[i].state = PUBLISH_SAME;
            report_end(all, i);
        } else {
            all->turns[all->n_turns++] = (struct turn){.all = all, .i = i};
        }
    }
    return true;
}

bool publish_run(struct store *store, const struct publish_request *request,
                 const struct publish_watch *watch, struct publish_results *ret, struct err *err)
{
    struct publish_results results = {.n = request->servers->n};
    struct publication all = {
        .store = store, .request = request, .watch = watch, .results = &results};
    bool good;

    pthread_mutex_init(&all.talk, NULL);
    results.rows = mem_array(results.n + 1, sizeof(results.rows[0]));
    for (size_t i = 0; i < results.n; i++)
        results.rows[i] =
            (struct publish_result){.server = mem_strdup(request->servers->rows[i]->name),
                                    .production = request->servers->rows[i]->production,
                                    .err = ERR_INIT};
    good = choose_turns(&all, err);
    if (good)
        visit_all(&all);
    free(all.turns);
    pthread_mutex_destroy(&all.talk);
    if (good)
        *ret = results;
    else
        publish_results_clear(&results);
    return good;
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
