/*
 * load.h - a little life on the demo's server: sessions of its roles that come and go.
 *
 * Shapes   one process, forked by the keeper; it never returns and dies with the keeper.
 * Pace     at most four sessions, one step every quarter of a second; after a refusal a slot waits
 *          5 s, then twice as long each time up to 30 s: rules that shut a role out are part of
 *          the demo and must not fill the server's log.
 */
#ifndef PGSEAL_DEMO_LOAD_H
#define PGSEAL_DEMO_LOAD_H

#include <stddef.h>

#define DEMO_DATABASE     "app"
#define DEMO_PASSWORD_MAX 40

struct demo_role {
    const char *name;
    char password[DEMO_PASSWORD_MAX];
};

_Noreturn void load_run(const struct demo_role *roles, size_t n_roles, int port);

#endif
