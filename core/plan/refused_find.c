/* refused_find.c - who could not come back with these rules: every session and role, tried here. */
#include "config.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/pg/simulate.h"
#include "core/plan/step.h"
#include "core/plan/who_certs.h"

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
