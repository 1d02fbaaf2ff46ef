/* run.c - a plan that runs: what it says of itself, and what the journal holds of it. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/step.h"

void run_saw(const struct plan_watch *watch, const char *fmt, ...)
{
    struct strbuf dirty = STRBUF_INIT;
    struct strbuf line = STRBUF_INIT; /* names and paths in it may be the server's words */
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&dirty, fmt, args);
    va_end(args);
    text_clean(&line, dirty.data, dirty.len, TEXT_ONE_LINE);
    if (watch && watch->saw)
        watch->saw(watch->arg, line.data);
    strbuf_clear(&line);
    strbuf_clear(&dirty);
}

void run_report(const struct plan *plan, const struct plan_watch *watch, size_t i)
{
    struct plan_step_view view = plan_step(plan, i);

    if (watch && watch->step)
        watch->step(watch->arg, &view);
}

bool run_set_step(struct plan *plan, size_t i, enum journal_step_state state, struct err *err)
{
    struct step *step = &plan->steps[i];
    char *data = json_dumps(step->data, JSON_COMPACT | JSON_SORT_KEYS);
    bool good =
        data && journal_set_step(plan->target.store, plan->id, (int)i + 1, state, data, err);

    if (!data)
        err_set(err, ERR_INTERNAL, _("step %zu cannot be written as JSON"), i + 1);
    if (good)
        step->state = state;
    free(data);
    return good;
}

bool run_set_plan(struct plan *plan, enum journal_plan_state state, struct err *err)
{
    if (!journal_set_plan(plan->target.store, plan->id, state, err))
        return false;
    plan->state = state;
    return true;
}
