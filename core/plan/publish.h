/*
 * publish.h - the current lists of revoked certificates go to the servers that trust their CAs.
 *
 * Order    several servers at once (crowd.h), each on its own: connection, lock (plan_lock_server()), what
 *          a killed run has left half done is taken back, a plan with its proof, then the open sessions
 *          that are to be ended there. One that fails, hangs or is away does not keep the others from
 *          it. Those that want a password come last, one after the other.
 * Others   a change of another kind that is open there does not hold up a list, unless it touches CAs
 *          or lists too, or has written what the server has not loaded: ERR_UNFINISHED, with the
 *          command that takes it back.
 * Memory   what a server has, what went wrong and what is to be ended stands in the store
 *          (published.h); so a killed run is caught up by the next one.
 * Races    any number of these may run at once: the list is chosen under the server's lock, so the
 *          last one to get it publishes the newest, and the others find nothing to do.
 * Threads  blocks for seconds: in a job, with a store of its own, and no transaction open in it. The door is
 *          opened on the calling thread only.
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
/* DONE or SAME, and no session is left to be ended. */
bool publish_is_good(const struct publish_result *row);
bool publish_is_complete(const struct publish_results *results); /* all are good */
/* For people: "db1: not reached", with the plan's number where there is one. */
void publish_describe(const struct publish_result *row, struct strbuf *out);
/* Nothing mends that but what its hint says: another change that is open, a later list that is there,
 * pgseal's own login. */
bool publish_is_blocked(const struct publish_result *row);

/* Reports, those of several servers mixed: from several threads, never two at a time; all may be NULL. */
struct publish_watch {
    void (*begins)(void *arg, size_t i, size_t n, const char *server);
    void (*step)(void *arg, const char *server, const struct plan_step_view *step);
    void (*saw)(void *arg, const char *server, const char *line);
    void (*ended)(void *arg, size_t i, size_t n, const struct publish_result *result);
    bool (*stop)(void *arg); /* all of them: those that are begun are taken back */
    void *arg;
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
