/*
 * guide_state.h - how far the way from nothing to a proven login is gone, as store and server show it.
 *
 * Rule     nothing is remembered for the walk: it is read anew each time, so it can be left, done by
 *          commands in between, and taken up again.
 * Cost     a few queries, one handshake, one login (without a password): in a job.
 */
#ifndef PGSEAL_SCREENS_GUIDE_STATE_H
#define PGSEAL_SCREENS_GUIDE_STATE_H

#include "screens/app.h"
#include "tui/theme.h"

enum guide_step {
    GUIDE_SERVER,
    GUIDE_CA,
    GUIDE_TLS,
    GUIDE_TRUST,
    GUIDE_CLIENT,
    GUIDE_REQUIRE,
    GUIDE_LOGIN,
    GUIDE_STEPS
};

struct guide_state {
    char *store_folder, *server; /* server "": the first of the store */
    struct {
        enum mark mark; /* MARK_OK, MARK_TODO, MARK_WARN: not known */
        char note[64];  /* what is there */
    } steps[GUIDE_STEPS];
    struct err err; /* the store could not be read */
};
struct job *guide_state_start(struct app *app, void *owner) MUST_CHECK;
void guide_state_free(void *data);

#endif
