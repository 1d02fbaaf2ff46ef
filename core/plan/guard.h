/*
 * guard.h - who puts pg_hba.conf back when nobody says "keep": a statement that waits in the server.
 *
 * Why      rules that lock everybody out take effect at the reload. The guard is a second connection
 *          whose statement sleeps, then writes the saved bytes back and reloads: it works while pgseal
 *          is dead and nobody can log in any more. Only the end of the server ends it.
 * Spares   it compares the file's SHA-256 with what pgseal wrote: another admin's edit stays.
 * Ways     bytes through a large object; without lo_export(), or on a standby (no large objects
 *          there), by COPY where it writes these bytes as they are: plain ASCII.
 * Errors   ERR_MAY_NOT_CHANGE when there is no way, errors of conn.h. Nothing is changed then.
 * Threads  one at a time; guard_arm() waits until the server says that the statement sleeps.
 */
#ifndef PGSEAL_PLAN_GUARD_H
#define PGSEAL_PLAN_GUARD_H

#include "core/plan/plan.h"

#define GUARD_NAME_MAX 40

struct guard_order {
    const char *name;   /* from guard_new_name(): application_name of its session */
    const char *path;   /* pg_hba.conf */
    const char *backup; /* a file with the bytes to put back */
    const char *before; /* their SHA-256, hex */
    const char *after;  /* of what pgseal writes */
    int seconds;
};

struct guard; /* our end of its connection */

/* A name that no other guard has. */
void guard_new_name(char name[GUARD_NAME_MAX]);
struct guard *guard_arm(const struct plan_target *target, const struct guard_order *order,
                        struct err *err) MUST_CHECK;
/* Closes our end; the guard goes on waiting in the server. NULL is fine. */
void guard_free(struct guard *guard);
/* Ends the guard of this name, whoever armed it, and returns when it is gone for sure. True also when
 * there was none: it did its work, or the server was restarted. What the file is then, look. */
bool guard_end(struct conn *admin, const char *name, struct err *err) MUST_CHECK;

#endif
