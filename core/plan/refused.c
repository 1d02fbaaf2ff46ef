/* refused.c - who is connected now and could not come back once a plan is applied. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/simulate.h"
#include "core/plan/step.h"
#include "core/plan/who_certs.h"

void plan_add_refused(struct plan *plan, const struct session *session, const char *why)
{
    struct plan_refused *row;

    plan->refused = mem_realloc_array(plan->refused, plan->n_refused + 1, sizeof(*row));
    row = &plan->refused[plan->n_refused++];
    *row = (struct plan_refused){.pid = session->pid,
                                 .role = mem_strdup(session->role),
                                 .database = mem_strdup(session->database),
                                 .address = mem_strdup(session->address),
                                 .why = mem_strdup(why)};
}

void plan_clear_refused(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_refused; i++) {
        free((char *)(uintptr_t)plan->refused[i].role); /* our own copies, const for readers only */
        free((char *)(uintptr_t)plan->refused[i].database);
        free((char *)(uintptr_t)plan->refused[i].address);
        free((char *)(uintptr_t)plan->refused[i].why);
    }
    free(plan->refused);
    plan->refused = NULL;
    plan->n_refused = 0;
}

static const struct session *session_of(const struct sessions *sessions, int pid)
{
    for (size_t i = 0; i < sessions->n; i++) {
        if (sessions->rows[i].pid == pid)
            return &sessions->rows[i];
    }
    return NULL;
}

/* A role without a session that gets in now, and whose certificates would not let it in then. */
static void add_role(struct plan *plan, const struct simulate_row *row)
{
    struct plan_refused *refused;

    plan->refused = mem_realloc_array(plan->refused, plan->n_refused + 1, sizeof(*refused));
    refused = &plan->refused[plan->n_refused++];
    *refused = (struct plan_refused){.role = mem_strdup(row->role),
                                     .database = mem_strdup(""),
                                     .address = mem_strdup(""),
                                     .why = mem_strdup(row->why)};
}

/* Does the role come with a certificate today? Then losing that is a loss; a role that nobody has given
 * one is what the change is about. */
static bool had_certs(const struct simulate_who *who, const struct simulate_row *row)
{
    const struct role_row *role = role_list_get(&who->roles, row->role);

    return role && who->certs && who->certs[role - who->roles.rows] > 0;
}

static void take_row(struct plan *plan, const struct simulate_who *who,
                     const struct simulate_row *row)
{
    const struct session *session;

    if (row->own || row->now.outcome == SIMULATE_REFUSED || row->then.outcome != SIMULATE_REFUSED)
        return;
    if (!row->is_session) {
        if (had_certs(who, row))
            add_role(plan, row);
        return;
    }
    session = session_of(&who->sessions, row->pid);
    if (session)
        plan_add_refused(plan, session, row->why);
}

bool plan_find_refused(struct plan *plan, const struct strbuf *present, const struct strbuf *wanted,
                       struct err *err)
{
    const struct strbuf *maps = plan_wanted_ident(plan);
    struct simulate_who who;
    struct simulation simulation;

    if (!simulate_read(plan->target.admin, plan->settings.ident_file, &who, err))
        return false;
    if (maps)
        simulate_want_ident(&who, maps->data, maps->len);
    if (!who_certs(plan->target.store, plan->target.admin, &who, err)) {
        simulate_who_clear(&who);
        return false;
    }
    simulate(&who, present->data, present->len, wanted->data, wanted->len, &simulation);
    plan_clear_refused(plan);
    for (size_t i = 0; i < simulation.n; i++)
        take_row(plan, &who, &simulation.rows[i]);
    simulation_clear(&simulation);
    simulate_who_clear(&who);
    return true;
}

size_t plan_count_refused(const struct plan *plan)
{
    return plan->n_refused;
}

const struct plan_refused *plan_refused(const struct plan *plan, size_t i)
{
    return &plan->refused[i];
}

void plan_accept_refused(struct plan *plan, size_t n)
{
    plan->accept_refused = n;
}

bool plan_check_refused(const struct plan *plan, struct err *err)
{
    size_t n = plan->n_refused;

    if (n == plan->accept_refused)
        return true;
    if (n == 0) {
        err_set(err, ERR_WOULD_LOCK_OUT, _("nobody would be refused, and %zu were accepted"),
                plan->accept_refused);
        return err_hint(err, _("The sessions have changed: look again."));
    }
    err_set(err, ERR_WOULD_LOCK_OUT,
            plan->refused[n - 1].pid == 0 /* roles come last */
                ? ngettext("%zu role with a certificate would be refused at its next login",
                           "%zu open sessions or roles with a certificate would be refused at "
                           "their next login",
                           (unsigned long)n)
                : ngettext("%zu session that is open now would be refused at its next login",
                           "%zu sessions that are open now would be refused at their next login",
                           (unsigned long)n),
            n);
    return err_hint(err,
                    _("Give them certificates first (\"pgseal issue client ROLE\"), or go on with "
                      "exactly %zu refused (--accept-refused=%zu)."),
                    n, n);
}
