/*
 * lock.c - one pgseal at a time on one server.
 *
 * An advisory lock belongs to the session: a killed pgseal leaves none behind. It counts within one
 * database: two stores that log in to different ones do not see each other, and then each step's own
 * look (before, after, other) is what keeps them apart.
 */
#include "config.h"

#include <time.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/plan/step.h"

#define LOCK_KEYS    "1885824357, 1634476140" /* "pgse", "al": the halves of our name */
#define LOCK_WAIT_MS 30000
#define LOCK_LOOK_MS 20

bool plan_lock_server(struct conn *admin, struct err *err)
{
    static const char sql[] = "SELECT pg_catalog.pg_try_advisory_lock(" LOCK_KEYS ")";
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
    int64_t deadline_ms = clock_mono_ms() + LOCK_WAIT_MS;

    for (;;) {
        struct result *result = conn_exec(admin, sql, 0, NULL, err);
        bool got;

        if (!result)
            return false;
        got = result_bool(result, 0, 0);
        result_free(result);
        if (got)
            return true;
        if (clock_mono_ms() >= deadline_ms) {
            err_set(err, ERR_UNFINISHED, _("another pgseal is changing this server"));
            return err_hint(err, _("Wait until it has ended, then try again."));
        }
        nanosleep(&pause, NULL);
    }
}

void plan_unlock_server(struct conn *admin)
{
    struct err ignored = ERR_INIT; /* then the connection is gone, and the lock with it */

    if (conn_state(admin) == CONN_IDLE)
        (void)!conn_run(admin, "SELECT pg_catalog.pg_advisory_unlock(" LOCK_KEYS ")", &ignored);
}

bool plan_lock(struct plan *plan, struct err *err)
{
    plan->locked = plan->locked || plan_lock_server(plan->target.admin, err);
    return plan->locked;
}

void plan_unlock(struct plan *plan)
{
    if (plan->locked)
        plan_unlock_server(plan->target.admin);
    plan->locked = false;
}
