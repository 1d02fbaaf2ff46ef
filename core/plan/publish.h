/*
 * publish.h - the current lists of revoked certificates go to the servers that trust their CAs.
 *
 * Order    one server after the other, each on its own: connection, lock (plan_lock_server()), what a
 *          killed run has left half done is taken back, a plan with its proof, then the open sessions
 *          that are to be ended there. One that fails or is away does not keep the others from it.
 * Memory   what a server has, what went wrong and what is to be ended stands in the store
 *          (published.h); so a killed run is caught up by the next one.
 * Races    any number of these may run at once: the list is chosen under the server's lock, so the
 *          last one to get it publishes the newest, and the others find nothing to do.
 * Threads  blocks for seconds per server: in a job, with a store of its own.
 */
#ifndef PGSEAL_PLAN_PUBLISH_H
#define PGSEAL_PLAN_PUBLISH_H

#include "core/plan/fleet.h"
#include "core/plan/plan.h"
#include "core/store/published.h"

enum publish_state {
    PUBLISH_OPEN, /* its turn has not come, or the run was stopped before it */
    PUBLISH_DONE, /* a plan brought the list, and proved it */
    PUBLISH_SAME, /* it had the list already; proven all the same where a certificate was named */
    PUBLISH_AWAY, /* not reached: caught up by the next "crl refresh" */
    PUBLISH_REFUSED, /* reached, and no plan can be made or begun: nothing was changed */
    PUBLISH_UNDONE,  /* it failed, and all was taken back */
    PUBLISH_LEFT     /* it failed, and was NOT fully taken back */
};
const char *publish_state_name(enum publish_state state); /* "done": JSON */

struct publish_result { /* of one server */
    char *server;
    bool production;
    enum publish_state state;
    int64_t plan_id;    /* 0: none was applied */
    int sessions_ended; /* -1: that failed: err says why, the list is there all the same */
    struct err err;     /* ERR_NONE when all went well */
    int64_t took_ms;
};
struct publish_results {
    struct publish_result *rows;
    size_t n;
};
void publish_results_clear(struct publish_results *results);
/* All are DONE or SAME, and no session is left to be ended. */
bool publish_is_complete(const struct publish_results *results);

struct publish_watch { /* reports, on the thread that publishes; all may be NULL */
    void (*begins)(void *arg, size_t i, size_t n, const char *server);
    void (*ended)(void *arg, size_t i, size_t n, const struct publish_result *result);
    void *arg;
    const struct plan_watch *plan; /* steps and sights of each plan; its stop() stops all */
};

struct publish_request { /* all borrowed */
    const struct server_list *servers;
    const struct cert_list *revoked; /* the wire is asked about these too; or NULL */
    const struct fleet_door *door;   /* how to log in; NULL: libpq's own places, nobody is asked */
    bool
        only_behind; /* servers that are known to have the list are left alone, unconnected: SAME */
};

/* Servers that trust this CA (0: any of ours); for request.servers. Caller server_list_clear()s. */
bool publish_list_servers(struct store *store, int64_t authority_id, struct server_list *ret,
                          struct err *err) MUST_CHECK;
/* False only where the store fails; what became of each server stands in ret. */
bool publish_run(struct store *store, const struct publish_request *request,
                 const struct publish_watch *watch, struct publish_results *ret,
                 struct err *err) MUST_CHECK;

#endif
