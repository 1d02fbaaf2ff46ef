/*
 * keep.h - a change that is proven: kept when the person says so in time, else taken back.
 *
 * Ways     the question on the terminal, --try (no question), and "pgseal plan keep ID" from
 *          elsewhere, which ends both. No answer, "no", Ctrl-C, SIGTERM, SIGHUP: taken back, exit 4.
 */
#ifndef PGSEAL_CLI_KEEP_H
#define PGSEAL_CLI_KEEP_H

#include "cli/change.h"

/* plan_apply() with PLAN_ASK has returned; signals are held. True: kept. False: cli->exit is set. */
bool keep_or_undo(struct change *change, struct plan *plan, const struct plan_watch *watch,
                  bool question, struct err *err) MUST_CHECK;

#endif
