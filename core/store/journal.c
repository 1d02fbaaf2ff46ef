/* journal.c - what a change to a server was about to do, did, and took back. */
#include "config.h"

#include "core/store/journal.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/sql.h"

#define LIMIT_DEFAULT 100

static const char *const plan_state_names[] = {
    [JOURNAL_READY] = "ready", [JOURNAL_DOING] = "doing",   [JOURNAL_DONE] = "done",
    [JOURNAL_KEPT] = "kept",   [JOURNAL_UNDONE] = "undone", [JOURNAL_FAILED] = "failed",
    [JOURNAL_LEFT] = "left",
};

static const char *const step_state_names[] = {
    [JOURNAL_STEP_OPEN] = "open",     [JOURNAL_STEP_DOING] = "doing",
    [JOURNAL_STEP_DONE] = "done",     [JOURNAL_STEP_SKIPPED] = "skipped",
    [JOURNAL_STEP_UNDONE] = "undone", [JOURNAL_STEP_FAILED] = "failed",
};

/* The partial index "plan_open" has the numbers of these states. */
_Static_assert(JOURNAL_DOING == 1 && JOURNAL_DONE == 2 && JOURNAL_LEFT == 6,
               "states are stored as numbers");

const char *journal_plan_state_name(enum journal_plan_state state)
{
    return plan_state_names[state];
}

const char *journal_step_state_name(enum journal_step_state state)
{
    return step_state_names[state];
}

void journal_plan_free(struct journal_plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->n_steps; i++) {
        free(plan->steps[i].kind);
        free(plan->steps[i].title);
        free(plan->steps[i].data);
    }
    free(plan->steps);
    free(plan->server);
    free(plan->system_identifier);
    free(plan->title);
    free(plan->intent);
    free(plan);
}

void journal_plan_list_clear(struct journal_plan_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        journal_plan_free(list->rows[i]);
    free(list->rows);
    list->rows = NULL;
    list->n = 0;
}

static bool is_ended(enum journal_plan_state state)
{
    switch (state) {
    case JOURNAL_KEPT:
    case JOURNAL_UNDONE:
    case JOURNAL_FAILED:
    case JOURNAL_LEFT:
        return true;
    case JOURNAL_READY:
    case JOURNAL_DOING:
    case JOURNAL_DONE:
        break;
    }
    return false;
}

static bool add_step(struct store *store, int64_t plan_id, const struct journal_step *step,
                     int64_t now, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "INSERT INTO plan_step (plan_id, n, kind, title, data, state,"
                              " changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, plan_id);
    sql_bind_int(sql, 2, step->n);
    sql_bind_text(sql, 3, step->kind);
    sql_bind_text(sql, 4, step->title);
    sql_bind_text(sql, 5, step->data);
    sql_bind_int(sql, 6, step->state);
    sql_bind_int(sql, 7, now);
    return sql_run(sql, err);
}

static bool add_plan(struct store *store, const struct journal_plan *plan, int64_t now,
                     int64_t *ret_id, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "INSERT INTO plan (server, system_identifier, title, intent, state,"
                              " created_at, ended_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, plan->server);
    sql_bind_text(sql, 2, plan->system_identifier);
    sql_bind_text(sql, 3, plan->title);
    sql_bind_text(sql, 4, plan->intent);
    sql_bind_int(sql, 5, plan->state);
    sql_bind_int(sql, 6, now);
    if (is_ended(plan->state))
        sql_bind_int(sql, 7, now);
    if (!sql_run(sql, err))
        return false;
    *ret_id = sql_last_id(store);
    return true;
}

bool journal_add(struct store *store, struct journal_plan *plan, struct err *err)
{
    int64_t now = clock_now();
    int64_t id = 0;
    bool ok;

    if (!store_begin(store, err))
        return false;
    ok = add_plan(store, plan, now, &id, err);
    for (size_t i = 0; ok && i < plan->n_steps; i++)
        ok = add_step(store, id, &plan->steps[i], now, err);
    ok = ok && store_note(store, "plan", plan->server, plan->title, err);
    if (!store_end(store, ok, err))
        return false;
    plan->id = id;
    plan->created_at = now;
    plan->ended_at = is_ended(plan->state) ? now : 0;
    return true;
}

static bool unknown_plan(struct err *err, const struct store *store, int64_t plan_id)
{
    return err_set(err, ERR_PLAN_UNKNOWN, _("there is no plan %lld in \"%s\""), (long long)plan_id,
                   store_folder(store));
}

static bool update_plan(struct store *store, int64_t plan_id, enum journal_plan_state state,
                        struct err *err)
{
    struct sql *sql =
        sql_new(store, "UPDATE plan SET state = ?2, ended_at = ?3 WHERE id = ?1", err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, plan_id);
    sql_bind_int(sql, 2, state);
    if (is_ended(state))
        sql_bind_int(sql, 3, clock_now());
    if (!sql_run(sql, err))
        return false;
    return sql_changes(store) > 0 || unknown_plan(err, store, plan_id);
}

bool journal_set_plan(struct store *store, int64_t plan_id, enum journal_plan_state state,
                      struct err *err)
{
    char object[32];
    bool good;

    if (!store_begin(store, err))
        return false;
    (void)snprintf(object, sizeof(object), "%lld", (long long)plan_id);
    good = update_plan(store, plan_id, state, err) &&
           store_note(store, "plan state", object, plan_state_names[state], err);
    return store_end(store, good, err);
}

bool journal_set_step(struct store *store, int64_t plan_id, int n, enum journal_step_state state,
                      const char *data, struct err *err)
{
    struct sql *sql = sql_new(store,
                              "UPDATE plan_step SET state = ?3, data = coalesce(?4, data),"
                              " changed_at = ?5 WHERE plan_id = ?1 AND n = ?2",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, plan_id);
    sql_bind_int(sql, 2, n);
    sql_bind_int(sql, 3, state);
    sql_bind_text(sql, 4, data);
    sql_bind_int(sql, 5, clock_now());
    if (!sql_run(sql, err))
        return false;
    if (sql_changes(store) == 0)
        return err_set(err, ERR_PLAN_UNKNOWN, _("there is no step %d of a plan %lld in \"%s\""), n,
                       (long long)plan_id, store_folder(store));
    return true;
}

static bool read_steps(struct store *store, struct journal_plan *plan, struct err *err)
{
    struct sql *sql = sql_new(
        store, "SELECT n, kind, title, data, state FROM plan_step WHERE plan_id = ?1 ORDER BY n",
        err);
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, plan->id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        struct journal_step *step;

        plan->steps = mem_realloc_array(plan->steps, plan->n_steps + 1, sizeof(*plan->steps));
        step = &plan->steps[plan->n_steps++];
        step->n = (int)sql_int(sql, 0);
        step->kind = sql_text(sql, 1);
        step->title = sql_text(sql, 2);
        step->data = sql_text(sql, 3);
        step->state = (enum journal_step_state)sql_int(sql, 4);
    }
    sql_free(sql);
    return ok;
}

#define PLAN_COLUMNS                                                                               \
    "id, server, system_identifier, title, intent, state, created_at, ended_at FROM plan "

static struct journal_plan *read_plan(const struct sql *sql)
{
    struct journal_plan *plan = mem_zalloc(sizeof(*plan));

    plan->id = sql_int(sql, 0);
    plan->server = sql_text(sql, 1);
    plan->system_identifier = sql_text(sql, 2);
    plan->title = sql_text(sql, 3);
    plan->intent = sql_text(sql, 4);
    plan->state = (enum journal_plan_state)sql_int(sql, 5);
    plan->created_at = sql_int(sql, 6);
    plan->ended_at = sql_int(sql, 7);
    return plan;
}

/* Takes the statement. Plans with their steps, of one moment. */
static bool read_plans(struct store *store, struct sql *sql, struct journal_plan_list *ret,
                       struct err *err)
{
    struct journal_plan_list list = {NULL, 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(*list.rows));
        list.rows[list.n++] = read_plan(sql);
        ok = read_steps(store, list.rows[list.n - 1], err);
        if (!ok)
            break;
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        journal_plan_list_clear(&list);
    return ok;
}

struct journal_plan *journal_load(struct store *store, int64_t plan_id, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT " PLAN_COLUMNS "WHERE id = ?1", err);
    struct journal_plan_list list = {NULL, 0};
    struct journal_plan *plan = NULL;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, plan_id);
    if (!read_plans(store, sql, &list, err))
        return NULL;
    if (list.n == 1) {
        plan = list.rows[0];
        list.n = 0;
    } else {
        unknown_plan(err, store, plan_id);
    }
    journal_plan_list_clear(&list);
    return plan;
}

bool journal_list(struct store *store, const char *server, int limit, struct journal_plan_list *ret,
                  struct err *err)
{
    struct sql *sql = sql_new(store,
                              server != NULL ? "SELECT " PLAN_COLUMNS
                                               "WHERE server = ?2 ORDER BY id DESC LIMIT ?1"
                                             : "SELECT " PLAN_COLUMNS "ORDER BY id DESC LIMIT ?1",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, limit > 0 ? limit : LIMIT_DEFAULT);
    if (server != NULL)
        sql_bind_text(sql, 2, server);
    return read_plans(store, sql, ret, err);
}

bool journal_open_plans(struct store *store, struct journal_plan_list *ret, struct err *err)
{
    return read_plans(
        store,
        sql_new(store, "SELECT " PLAN_COLUMNS "WHERE state IN (1, 2, 6) ORDER BY id DESC", err),
        ret, err);
}
