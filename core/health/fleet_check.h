/*
 * fleet_check.h - all servers looked at, several at once: one that hangs holds up nobody.
 *
 * Login    with what libpq finds by itself; a server that wants a password is marked, and nobody is
 *          asked here.
 * Threads  blocks for as long as the slowest one takes; each look has a store of its own, for reading.
 */
#ifndef PGSEAL_HEALTH_FLEET_CHECK_H
#define PGSEAL_HEALTH_FLEET_CHECK_H

#include "core/health/server_check.h"

struct fleet_check_row {
    bool done; /* check is set; else err says why not */
    bool wants_password;
    struct server_check check;
    struct err err;
};

/* One row for each server of the list, in its order; caller fleet_check_free()s. */
struct fleet_check_row *fleet_check(struct store *store, const struct server_list *servers,
                                    int within_days) MUST_CHECK;
void fleet_check_free(struct fleet_check_row *rows, size_t n);

#endif
