/*
 * servers.h - inside core/rotate only: the servers of a rotation of CAs, measured and changed.
 *
 * Scope    where servers were chosen with --server: those. Else every server that trusts the old CA now,
 *          and those that this rotation has brought something to.
 * Memory   what became of each stands in rotation_server, also of those that are away.
 */
#ifndef PGSEAL_ROTATE_SERVERS_H
#define PGSEAL_ROTATE_SERVERS_H

#include "core/rotate/kind.h"
#include "core/store/server.h"

bool rotate_choose_servers(struct store *store, const struct rotation *rotation,
                           const struct rotate_start *start, struct err *err) MUST_CHECK;
bool rotate_scope(struct rotate_work *work, struct server_list *ret, struct err *err) MUST_CHECK;
/* Every server that trusts this one now, in the scope or not, as far as the store knows. */
bool rotate_trusting(struct store *store, int64_t authority_id, int64_t foreign_id,
                     struct server_list *ret, struct err *err) MUST_CHECK;

/* What the servers of the scope trust: as the store knows, or asked on the wire (names and canaries);
 * the sessions of those that are asked go into the sightings. Sets ret->servers; done is left. */
bool rotate_measure(struct rotate_work *work, bool ask, struct rotate_status *ret,
                    struct err *err) MUST_CHECK;

struct rotate_change {
    struct plan *(*make)(void *arg, const struct plan_target *target, struct err *err);
    void *arg;
    const char *what; /* for who is away: server_missed */
    /* After it is kept there, or was so already; the login is still open. May be NULL. */
    bool (*after)(void *arg, struct fleet_member *member, struct err *err);
};
/* The plans alone, into work->preview; the list is taken. Who is away is named there. */
void rotate_preview_servers(struct rotate_work *work, struct server_list *take,
                            const struct rotate_change *change);
/* One change to these servers (the list is taken), each by a plan of its own. What a killed run left half
 * done on them is taken back first. False with the first that has not got it; the others have. With
 * work->preview it is that alone. */
bool rotate_change_servers(struct rotate_work *work, struct server_list *take,
                           const struct rotate_change *change, struct rotate_outcome *ret,
                           struct err *err) MUST_CHECK;

#endif
