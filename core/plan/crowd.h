/*
 * crowd.h - the same work for several servers, several at once: one that hangs holds up nobody.
 *
 * Threads  the caller's and CROWD_MAX - 1 more at most, which have ended when it returns. The work of
 *          each number is done once, in no order. Signals are left to the caller's thread.
 * Stores   each thread but the caller's opens the store anew. Where that fails, or there are no more
 *          threads, the others do its share.
 * Use      core only.
 */
#ifndef PGSEAL_PLAN_CROWD_H
#define PGSEAL_PLAN_CROWD_H

#include "core/store/db.h"

#define CROWD_MAX 16

typedef void (*crowd_work)(void *arg, struct store *store, size_t i);

/* store NULL: the work needs none. */
void crowd_run(struct store *store, size_t n, crowd_work work, void *arg);

#endif
