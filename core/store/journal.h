/*
 * journal.h - what a change to a server was about to do, did, and took back.
 *
 * Why      a killed pgseal finds here what it had begun. A row is committed before each act ("doing")
 *          and after it ("done"). Undo is built anew from the typed fields, never from SQL text.
 * Shapes   a plan has an intent (JSON), a server and steps; a step has a kind (the plan layer's
 *          word), typed data as JSON: "before", "after" and what undo needs; no secrets.
 * Errors   ERR_PLAN_UNKNOWN, store errors.
 */
#ifndef PGSEAL_STORE_JOURNAL_H
#define PGSEAL_STORE_JOURNAL_H

#include "core/store/server.h"

enum journal_plan_state { /* names as in "plan show --json" */
                          JOURNAL_READY,
                          JOURNAL_DOING,
                          JOURNAL_DONE, /* applied and proven, not kept yet */
                          JOURNAL_KEPT,
                          JOURNAL_UNDONE,
                          JOURNAL_FAILED, /* nothing was changed */
                          JOURNAL_LEFT    /* not fully taken back */
};
enum journal_step_state {
    JOURNAL_STEP_OPEN,
    JOURNAL_STEP_DOING,
    JOURNAL_STEP_DONE,
    JOURNAL_STEP_SKIPPED,
    JOURNAL_STEP_UNDONE,
    JOURNAL_STEP_FAILED
};
const char *journal_plan_state_name(enum journal_plan_state state);
const char *journal_step_state_name(enum journal_step_state state);

struct journal_step {
    int n; /* from 1 */
    char *kind;
    char *title;
    char *data; /* JSON */
    enum journal_step_state state;
};
struct journal_plan {
    int64_t id;
    char *server; /* name */
    char *system_identifier;
    char *title;
    char *intent; /* JSON */
    enum journal_plan_state state;
    int64_t created_at, ended_at;
    struct journal_step *steps;
    size_t n_steps;
};
struct journal_plan_list {
    struct journal_plan **rows;
    size_t n;
};

void journal_plan_free(struct journal_plan *plan);
void journal_plan_list_clear(struct journal_plan_list *list);
/* Records plan and steps; sets plan->id. */
bool journal_add(struct store *store, struct journal_plan *plan, struct err *err) MUST_CHECK;
bool journal_set_plan(struct store *store, int64_t plan_id, enum journal_plan_state state,
                      struct err *err) MUST_CHECK;
/* data may be NULL: stays as it is. */
bool journal_set_step(struct store *store, int64_t plan_id, int n, enum journal_step_state state,
                      const char *data, struct err *err) MUST_CHECK;
struct journal_plan *journal_load(struct store *store, int64_t plan_id, struct err *err) MUST_CHECK;
/* server NULL: all. Newest first. */
bool journal_list(struct store *store, const char *server, int limit, struct journal_plan_list *ret,
                  struct err *err) MUST_CHECK;
/* Plans in state DOING, DONE or LEFT: what a start of pgseal offers to take back. */
bool journal_open_plans(struct store *store, struct journal_plan_list *ret,
                        struct err *err) MUST_CHECK;

#endif
