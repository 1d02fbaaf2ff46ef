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
