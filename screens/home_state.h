/*
 * home_state.h - the state column of the home page: what the store holds, what servers do now.
 *
 * Cost     a few indexed queries, and one handshake a server (at most HOME_STATE_SERVERS, each with a
 *          deadline): in a job.
 */
#ifndef PGSEAL_SCREENS_HOME_STATE_H
#define PGSEAL_SCREENS_HOME_STATE_H

#include "screens/server_state.h"

#define HOME_STATE_SERVERS 4 /* are asked and shown; the rest are counted */

struct home_state {
    bool have_store;
    struct authority_list authorities; /* not retired ones first */
    int64_t valid, expiring, revoked;  /* client and server certificates */
    size_t n_open;                     /* changes that are neither kept nor taken back */
    size_t n_rotations;                /* under way */
    char rotation[64];                 /* the oldest of them: its name, clean */
    int64_t not_moved;                 /* clients of it that have not */
    size_t n_servers;
    size_t n_behind; /* servers that lack a list, or where sessions are to be ended */
    struct home_server {
        char name[64];
        enum server_state state;
    } servers[HOME_STATE_SERVERS];
    size_t n_shown;
    struct server_list all; /* of the store */
    struct err err; /* the store could not be read; ERR_NONE: it could, or there is none yet */
};

/* probe false: the servers are listed but not asked. */
void home_state_read(const char *store_folder, bool probe, struct home_state *ret);
void home_state_clear(struct home_state *state);

#endif
