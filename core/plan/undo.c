/* undo.c - taking a change back: settings and rules in reverse order, a reload, a proof, then files. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/ident.h"
#include "core/plan/bundle.h"

#define COMES_UP_MS 10000
#define LATER_MAX   100
#define TRIES       3 /* for one that does not answer at all, or hangs up */
#define PAUSE_NS    100000000L

/* What works while the plan's own connection may be gone. */
struct undo {
    struct step_run run;
    struct plan_target target;
    struct conn *conn;   /* opened here, or NULL */
    struct files *files; /* bound to conn, or NULL */
    bool changed;        /* something was taken back that a reload must show */
    struct err left;     /* the first thing that could not be taken back */
    size_t n_left;
};

/* The server was restarted or has crashed, or the network failed. One that says that it is coming up is
 * waited for: the change is on it, and nobody else takes it back. */
static struct conn *come_back(const struct plan *plan, struct err *err)
{
    bool starting = false;
    struct conn_options options = {.password = plan->target.admin_password,
                                   .ret_starting = &starting};
    struct params *params = params_parse(plan->target.server->conninfo, err);
    int64_t deadline_ms = clock_mono_ms() + COMES_UP_MS;
    struct conn *conn = NULL;

    if (params && conn_resolve(params, err)) {
        conn = conn_open(params, &options, err);
        for (int i = 1; !conn && err->code != ERR_TIMEOUT && clock_mono_ms() < deadline_ms &&
                        (i < TRIES || starting);
             i++) {
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
            starting = false;
            conn = conn_open(params, &options, err);
        }
    }
    params_free(params);
    return conn;
}

static bool begin(struct undo *undo, struct plan *plan, const struct plan_watch *watch,
                  struct err *err)
{
    struct err dead = ERR_INIT;

    *undo = (struct undo){.target = plan->target};
    undo->run = (struct step_run){
        .plan = plan, .target = &undo->target, .files = plan->files, .watch = watch};
    if (conn_state(plan->target.admin) == CONN_IDLE &&
        conn_run(plan->target.admin, "SELECT 1", &dead))
        return true;
    undo->conn = come_back(plan, err);
    if (!undo->conn)
        return false;
    undo->target.admin = undo->conn;
    undo->files = files_new(undo->conn, plan->settings.data_directory, err);
    undo->run.files = undo->files;
    return undo->files != NULL;
}

static void end(struct undo *undo)
{
    files_free(undo->files);
    conn_close(undo->conn);
}

static void note_left(struct undo *undo, const struct err *why)
{
    if (undo->n_left++ == 0)
        undo->left = *why;
}

static bool was_begun(const struct step *step)
{
    return step_kind(step)->undo &&
           (step->state == JOURNAL_STEP_DOING || step->state == JOURNAL_STEP_DONE);
}

static bool is_torn(struct undo *undo, const struct step *step)
{
    return step->state == JOURNAL_STEP_DOING && step_kind(step)->is_torn &&
           step_kind(step)->is_torn(&undo->run, step);
}

static bool undo_step(struct undo *undo, size_t i, struct err *err)
{
    struct step *step = &undo->run.plan->steps[i];
    enum observed seen;

    if (!step_kind(step)->observe(&undo->run, step, &seen, err))
        return false;
    if (seen != OBSERVED_AFTER && is_torn(undo, step))
        seen = OBSERVED_AFTER;
    if (seen == OBSERVED_OTHER)
        return err_set(err, ERR_UNDO, _("changed by somebody else meanwhile: %s"), step->title);
    if (seen == OBSERVED_AFTER && !step_kind(step)->undo(&undo->run, step, err))
        return false;
    if (!run_set_step(undo->run.plan, i, JOURNAL_STEP_UNDONE, err))
        return false;
    run_report(undo->run.plan, undo->run.watch, i);
    return true;
}

static void undo_steps(struct undo *undo, bool late)
{
    for (size_t i = undo->run.plan->n; i-- > 0;) {
        struct step *step = &undo->run.plan->steps[i];
        struct err why = ERR_INIT;

        /* a run that was killed took it back, and may not have come as far as the reload */
        if (!late && step->state == JOURNAL_STEP_UNDONE && !step_kind(step)->undo_late)
            undo->changed = true;
        if (!was_begun(step) || step_kind(step)->undo_late != late)
            continue;
        if (!late)
            undo->changed = true;
        if (!undo_step(undo, i, &why))
            note_left(undo, &why);
    }
}

/* The old bytes may not be what they were: a file that they include is gone, or a name in it. The server
 * goes on with the rules that were to go, and would not start again. */
static bool check_rules(const struct undo *undo, struct err *err)
{
    const struct plan *plan = undo->run.plan;
    bool good = true;

    for (size_t i = 0; good && i < plan->n; i++) {
        const struct step *step = &plan->steps[i];

        if (step->state != JOURNAL_STEP_UNDONE)
            continue;
        if (strcmp(step->kind, "hba") == 0)
            good = hba_check_on_server(undo->target.admin, err);
        else if (strcmp(step->kind, "ident") == 0)
            good = ident_check_on_server(undo->target.admin, err);
    }
    return good;
}

static void reload_and_prove(struct undo *undo)
{
    struct err why = ERR_INIT;

    run_saw(undo->run.watch, _("taken back; the server reloads"));
    if (undo->n_left == 0)
        auto_conf_restore_order(undo->target.admin,
                                json_object_get(undo->run.plan->intent, "auto_conf"));
    if (!settings_reload(undo->target.admin, &why) || !check_rules(undo, &why))
        note_left(undo, &why);
    else if (undo->n_left == 0 && /* what is left does not look as before: it is not waited for */
             !baseline_prove(undo->run.plan, &undo->target, undo->run.watch, &why))
        note_left(undo, &why);
}

static void take_back_trust(struct undo *undo)
{
    struct err why = ERR_INIT;

    if (!run_set_trust(undo->run.plan, false, &why)) /* the same rows again when it was not kept */
        note_left(undo, &why);
}

bool run_undo(struct plan *plan, const struct plan_watch *watch, struct err *err)
{
    struct undo undo;
    struct err ignored = ERR_INIT;

    if (!begin(&undo, plan, watch, err)) {
        end(&undo);
        (void)!run_set_plan(plan, JOURNAL_LEFT, &ignored);
        return false;
    }
    undo_steps(&undo, false);
    if (undo.changed)
        reload_and_prove(&undo);
    if (undo.n_left == 0) { /* else a setting may still name them */
        undo_steps(&undo, true);
        take_back_trust(&undo);
    }
    /* it spares what is not ours; one that cannot be ended ends by itself */
    (void)!rules_end_guards(plan, undo.target.admin, &ignored);
    end(&undo);
    if (undo.n_left == 0 && run_set_plan(plan, JOURNAL_UNDONE, &undo.left))
        return true;
    (void)!run_set_plan(plan, JOURNAL_LEFT, &ignored);
    *err = undo.left;
    return false;
}

/* ---- undo asked for ---- */

/* A kept change is taken back whole or not at all: first everything is looked at. */
static bool check_untouched(struct plan *plan, struct err *err)
{
    struct step_run run = {.plan = plan, .target = &plan->target, .files = plan->files};

    for (size_t i = 0; i < plan->n; i++) {
        struct step *step = &plan->steps[i];
        enum observed seen;

        if (!was_begun(step) || (step_kind(step)->undo_late && !step_is(step, "in_folder")))
            continue;
        if (!step_kind(step)->observe(&run, step, &seen, err))
            return false;
        if (seen == OBSERVED_OTHER) {
            err_set(err, ERR_UNDO, _("changed since plan %lld was kept: %s"), (long long)plan->id,
                    step->title);
            err_state(err, _("Nothing was taken back."));
            return err_hint(err, _("A later change stands on it: take that one back first."));
        }
    }
    return true;
}

static bool read_settings_again(struct plan *plan, struct err *err)
{
    settings_clear(&plan->settings);
    return settings_read(plan->target.admin, &plan->settings, err);
}

/* A later change was kept on what this one had left behind. */
static bool is_built_on(const struct plan *plan, bool *ret, struct err *err)
{
    struct journal_plan_list list = {.n = 0};

    if (!journal_list(plan->target.store, plan->target.server->name, LATER_MAX, &list, err))
        return false;
    *ret = false;
    for (size_t i = 0; i < list.n && list.rows[i]->id > plan->id; i++)
        *ret = *ret || list.rows[i]->state == JOURNAL_KEPT;
    journal_plan_list_clear(&list);
    return true;
}

/* What is left of a plan may be in force by now, by a later one that needed the same. */
static bool check_left(struct plan *plan, struct err *err)
{
    bool built_on = false;

    return is_built_on(plan, &built_on, err) &&
           (!built_on || (read_settings_again(plan, err) && bundle_check_undo(plan, err)));
}

/* Under the lock: nobody changes the server meanwhile. */
static bool check_undo(struct plan *plan, struct err *err)
{
    switch (plan->state) {
    case JOURNAL_KEPT:
        return read_settings_again(plan, err) && check_untouched(plan, err) &&
               bundle_check_undo(plan, err);
    case JOURNAL_LEFT:
        return check_left(plan, err);
    case JOURNAL_DOING:
    case JOURNAL_DONE:
        break;
    case JOURNAL_UNDONE:
    case JOURNAL_FAILED:
    case JOURNAL_READY:
        return err_set(err, ERR_NOTHING_TO_UNDO, _("plan %lld is %s"), (long long)plan->id,
                       journal_plan_state_name(plan->state));
    }
    return true;
}

/* One that is proven waits for an answer from anywhere, and its pgseal holds the lock meanwhile. One
 * that is being done by a pgseal that lives is that one's. */
static bool lock_undo(struct plan *plan, const struct plan_watch *watch, struct err *err)
{
    return plan->state == JOURNAL_DONE || plan_lock(plan, watch, err);
}

bool plan_undo(struct plan *plan, const struct plan_watch *watch, struct err *err)
{
    bool undone;

    if (plan->state == JOURNAL_KEPT && plan->id == 0)
        return true; /* there was nothing to do */
    if (!lock_undo(plan, watch, err))
        return false;
    if (!check_undo(plan, err) || !run_claim(plan, JOURNAL_DOING, err)) {
        if (plan->state != JOURNAL_DONE) /* its question goes on */
            plan_unlock(plan);
        return false;
    }
    plan->deadline_ms = 0;
    undone = run_undo(plan, watch, err);
    plan_unlock(plan);
    if (!undone) {
        struct strbuf why = STRBUF_INIT;

        strbuf_add_str(&why, err->msg);
        err_set(err, ERR_UNDO, "%s", why.data);
        err_state(err, _("Plan %lld is NOT fully taken back."), (long long)plan->id);
        strbuf_clear(&why);
        return false;
    }
    (void)!store_note(plan->target.store, "plan undone", plan->target.server->name, plan->title,
                      &(struct err)ERR_INIT);
    return true;
}

bool plan_undo_journalled(const struct plan_target *target, int64_t id,
                          const struct plan_watch *watch, enum journal_plan_state *ret_state,
                          struct err *err)
{
    struct plan *plan = run_load_plan(target, id, err);
    bool good;

    if (!plan)
        return false;
    good = plan_undo(plan, watch, err);
    *ret_state = plan->state;
    plan_free(plan);
    return good;
}
