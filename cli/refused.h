/*
 * refused.h - who of those connected now could not come back under a new access rule.
 *
 * Use      before "server require" is applied: nobody is locked out by surprise. --accept-refused=N
 *          goes on when exactly N would be.
 * Errors   ERR_WOULD_LOCK_OUT with the number; errors of sessions.h.
 */
#ifndef PGSEAL_CLI_REFUSED_H
#define PGSEAL_CLI_REFUSED_H

#include "cli/command.h"
#include "core/plan/plan.h"

/* Says each of them; false when there are any and they were not accepted. With --dry-run: says
 * them only. Sessions by socket and sessions that this role may not see are not counted. */
bool refused_check(struct cli *cli, struct conn *admin, const struct access_rules_intent *intent,
                   struct err *err) MUST_CHECK;

#endif
