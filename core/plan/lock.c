/*
 * lock.c - one pgseal at a time on one server.
 *
 * An advisory lock belongs to the session: a killed pgseal leaves none behind. It counts within one
 * database: two stores that log in to different ones do not see each other, and then each step's own
 * look (before, after, other) is what keeps them apart. Any role may take any advisory lock: one that
 * can change no setting holds up nobody, else whoever was just revoked could keep the list away.
 */
#include "config.h"

#include <time.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/plan/step.h"

#define LOCK_KEYS    "1885824357, 1634476140" /* "pgse", "al": the halves of our name */
#define LOCK_WAIT_MS 30000                    /* for one session that holds it */
#define LOCK_ALL_MS                                                                                \
    600000 /* for one after the other: eight that revoke at once are no standstill */
#define LOCK_LOOK_MS 20
#define LOCK_SAY_MS  2000

/* Who holds it, and whether that can be a pgseal: a superuser, a member of one, a role that was granted
 * the settings (since 15), or our own. */
#define HOLDERS(granted)                                                                           \
    "SELECT l.pid, r.rolname, r.rolname = session_user OR " granted                                \
    " EXISTS (SELECT 1 FROM pg_catalog.pg_roles AS s WHERE s.rolsuper"                             \
    " AND pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER'))"                                         \
    " FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid"        \
    " JOIN pg_catalog.pg_roles AS r ON r.oid = a.usesysid"                                         \
    " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1885824357"                      \
    " AND l.objid = 1634476140 AND l.objsubid = 2 AND l.database ="                                \
    " (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname ="                            \
    " pg_catalog.current_database()) ORDER BY 3 DESC"

struct holder {
    int pid; /* of one that may be a pgseal; 0: there is none */
    char role[64];
    bool others_only; /* it is held, and by no pgseal */
};

static bool find_holder(struct conn *admin, struct holder *ret, struct err *err)
{
    const char *sql =
        conn_server_version(admin) >= 150000
            ? HOLDERS(
                  "pg_catalog.has_parameter_privilege(r.oid, 'ssl_crl_file', 'ALTER SYSTEM') OR")
            : HOLDERS("");
    struct result *result = conn_exec(admin, sql, 0, NULL, err);

    *ret = (struct holder){.pid = 0};
    if (!result)
        return false;
    if (result_rows(result) > 0 && !result_bool(result, 0, 2)) {
        ret->others_only = true;
    } else if (result_rows(result) > 0) {
        const char *role = result_get(result, 0, 1);

        ret->pid = (int)result_int(result, 0, 0, 0);
        text_clean_copy(ret->role, sizeof(ret->role), role ? role : "");
    }
    result_free(result);
    return true;
}

static bool refuse(const struct holder *holder, struct err *err)
{
    err_set(err, ERR_UNFINISHED, _("another pgseal is changing this server"));
    if (holder->pid > 0)
        err_cause(err, _("Session %d of role \"%s\" holds pgseal's lock."), holder->pid,
                  holder->role);
    if (holder->pid > 0)
        return err_hint(err,
                        _("Wait until it has ended, then try again. If it is dead and the network "
                          "has not noticed: SELECT pg_terminate_backend(%d)."),
                        holder->pid);
    return err_hint(err, _("Wait until it has ended, then try again."));
}

static bool try_lock(struct conn *admin, bool *ret, struct err *err)
{
    static const char sql[] = "SELECT pg_catalog.pg_try_advisory_lock(" LOCK_KEYS ")";
    struct result *result = conn_exec(admin, sql, 0, NULL, err);

    if (!result)
        return false;
    *ret = result_bool(result, 0, 0);
    result_free(result);
    return true;
}

struct waiting {
    int64_t began_ms, holder_ms; /* since when this one holds it, as seen from here */
    int pid;                     /* of the holder */
    bool said;
};

static bool go_on_waiting(struct waiting *waiting, const struct holder *holder,
                          const struct plan_watch *watch, struct err *err)
{
    int64_t now_ms = clock_mono_ms();

    if (holder->pid != waiting->pid) {
        waiting->pid = holder->pid;
        waiting->holder_ms = now_ms;
    }
    if (watch && watch->stop && watch->stop(watch->arg))
        return err_set(err, ERR_CANCELLED, _("stopped while another pgseal changes this server"));
    if (now_ms >= waiting->holder_ms + LOCK_WAIT_MS || now_ms >= waiting->began_ms + LOCK_ALL_MS)
        return refuse(holder, err);
    if (!waiting->said && now_ms >= waiting->began_ms + LOCK_SAY_MS) {
        waiting->said = true;
        run_saw(watch, _("another pgseal at work on this server: waiting for it"));
    }
    return true;
}

bool plan_lock_server(struct conn *admin, const struct plan_watch *watch, struct err *err)
{
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
    int64_t now_ms = clock_mono_ms();
    struct waiting waiting = {.began_ms = now_ms, .holder_ms = now_ms};

    for (;;) {
        struct holder holder;
        bool got;

        if (!try_lock(admin, &got, err))
            return false;
        if (got)
            return true;
        if (!find_holder(admin, &holder, err))
            return false;
        if (holder.others_only)
            return true;
        if (!go_on_waiting(&waiting, &holder, watch, err))
            return false;
        nanosleep(&pause, NULL);
    }
}

void plan_unlock_server(struct conn *admin)
{
    struct err ignored = ERR_INIT; /* then the connection is gone, and the lock with it */

    if (conn_state(admin) == CONN_IDLE)
        (void)!conn_run(admin,
                        "SELECT pg_catalog.pg_advisory_unlock(" LOCK_KEYS ")"
                        " FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted"
                        " AND pid = pg_catalog.pg_backend_pid() AND classid = 1885824357"
                        " AND objid = 1634476140 AND objsubid = 2",
                        &ignored);
}

bool plan_lock(struct plan *plan, const struct plan_watch *watch, struct err *err)
{
    plan->locked = plan->locked || plan_lock_server(plan->target.admin, watch, err);
    return plan->locked;
}

void plan_unlock(struct plan *plan)
{
    if (plan->locked)
        plan_unlock_server(plan->target.admin);
    plan->locked = false;
}
