/*
 * fleet.h - one kind of change over several servers, one after the other, with a result for each.
 *
 * Why      pg_hba.conf, pg_ident.conf, TLS files and postgresql.auto.conf do not replicate: the members
 *          of a cluster are changed one by one. A list of revoked certificates goes to every server
 *          that trusts its CA. Each gets a plan of its own, with its own proof, journal and undo.
 * Shape    fleet_load…() -> fleet_open() -> fleet_make() -> review -> fleet_apply() -> the result of
 *          each; fleet_run() is all of it where nobody reviews. fleet_take_back() undoes what this run
 *          kept.
 * Order    standbys first, the primary last: a failure is met where it hurts least.
 * Away     who cannot be reached is left out, and what it has not got is remembered in the store
 *          (server_missed) until the same reaches it.
 * Errors   fleet_apply(): true when all have it now. False: the first failure (or ERR_MEMBER_MISSED
 *          when one was away); fleet_end() and the members say what is true of each.
 * Threads  blocks for seconds per server: in a job, with a store of its own.
 */
#ifndef PGSEAL_PLAN_FLEET_H
#define PGSEAL_PLAN_FLEET_H

#include "core/plan/plan.h"

enum fleet_state {
    FLEET_OPEN,    /* nothing was done: not begun, or one before it failed */
    FLEET_AWAY,    /* not reached: has not got it */
    FLEET_REFUSED, /* reached, but no plan can be made: nothing was changed */
    FLEET_NOTHING, /* it was so already */
    FLEET_KEPT,
    FLEET_FAILED, /* nothing was changed on it */
    FLEET_UNDONE, /* failed, or not kept, and taken back */
    FLEET_LEFT    /* failed and NOT fully taken back */
};
const char *fleet_state_name(enum fleet_state state); /* "kept": for JSON */

struct fleet_member { /* borrowed from the fleet */
    struct server *server;
    struct plan_target target; /* admin NULL: not reached */
    bool standby;
    int timeline; /* 0: not known */
    struct plan *plan;
    int64_t left_plan; /* an earlier one that was not taken back whole; 0: none */
    int64_t undo_plan; /* fleet_find_undo(): 0: it has nothing of that */
    enum fleet_state state;
    struct err err; /* of AWAY, REFUSED, FAILED, UNDONE, LEFT; else ERR_NONE */
    /* inside */
    struct secret *password;
    char *tls_host;
    char started[40];
};

struct fleet;

/* A cluster's members or the one server of this name. The store is borrowed. */
struct fleet *fleet_load(struct store *store, const char *name, struct err *err) MUST_CHECK;
/* These; the list is taken. */
struct fleet *fleet_new(struct store *store, struct server_list *take) MUST_CHECK;
void fleet_free(struct fleet *fleet); /* closes connections; an open question is not answered */

size_t fleet_count(const struct fleet *fleet);
struct fleet_member *fleet_member(const struct fleet *fleet, size_t i); /* in order */

/* How to log in; NULL: with libpq's own places, no prompt. *ret_password: what was typed, or NULL. */
struct fleet_door {
    struct conn *(*login)(void *arg, struct server *server, struct secret **ret_password,
                          struct err *err);
    /* Somebody got in without the door, where several are visited at once: on any thread, one at a
     * time. NULL: nobody cares. */
    void (*entered)(void *arg, const struct server *server, const struct conn *conn);
    bool (*stop)(void *arg); /* logins without the door are given up; on any thread; or NULL */
    void *arg;
};

struct fleet_order {
    struct plan *(*make)(void *arg, const struct plan_target *target, struct err *err);
    void *arg;
    const char *what; /* "CRLs": remembered for who is away; NULL: nothing is remembered */
    bool go_on;       /* one that fails or refuses does not keep the others from getting it */
    bool unfinished;  /* also where a change is open that nobody kept: who takes it back */
};

/* Logs in to each, sorts them. False when none was reached, or, without order->go_on, when one is
 * reached and refuses: login, identifier, an unfinished change; two that are one server. */
bool fleet_open(struct fleet *fleet, const struct fleet_order *order, const struct fleet_door *door,
                struct err *err) MUST_CHECK;
/* Makes the plans. False, with nothing changed anywhere, when one cannot be made (order->go_on: when
 * none can). */
bool fleet_make(struct fleet *fleet, const struct fleet_order *order, struct err *err) MUST_CHECK;
/* Marks a plan that the caller made for one of them as part of this run: fleet_find_undo() finds all. */
void fleet_join(const struct fleet *fleet, struct plan *plan);
bool fleet_nothing_to_do(const struct fleet *fleet); /* of those reached */
size_t fleet_count_state(const struct fleet *fleet, enum fleet_state state);

struct fleet_watch {                                              /* all may be NULL */
    void (*member)(void *arg, const struct fleet_member *member); /* its turn comes */
    void (*ended)(void *arg, const struct fleet_member *member);  /* its state is set */
    /* PLAN_ASK: the plan is proven; it must be kept or undone here. True: kept. */
    bool (*decide)(void *arg, struct fleet_member *member, struct err *err);
    void *arg;
    const struct plan_watch *plan; /* for each plan */
};
/* keep PLAN_ASK wants watch->decide. Sessions that would be refused: fleet_accept_refused() before. */
bool fleet_apply(struct fleet *fleet, const struct fleet_order *order, enum plan_keep keep,
                 const struct fleet_watch *watch, struct err *err) MUST_CHECK;
/* Exactly this number in all: else ERR_WOULD_LOCK_OUT by fleet_check_refused(). */
void fleet_accept_refused(struct fleet *fleet, size_t n);
bool fleet_check_refused(const struct fleet *fleet, struct err *err) MUST_CHECK;
/* What this run kept is undone, in the same order. False with what is left. */
bool fleet_take_back(struct fleet *fleet, const struct fleet_watch *watch,
                     struct err *err) MUST_CHECK;

/* fleet_open, fleet_make, fleet_apply with PLAN_KEEP_WHEN_PROVEN. */
bool fleet_run(struct fleet *fleet, const struct fleet_order *order, const struct fleet_door *door,
               const struct fleet_watch *watch, struct err *err) MUST_CHECK;

/*
 * A change of an earlier run: the newest that is open, else the newest that can be taken back, or the
 * one with this number (not 0),
 * and with it those that the other members got in the same run. ERR_NOTHING_TO_UNDO,
 * ERR_PLAN_UNKNOWN. Needs no login; fleet_open() with order->unfinished comes after it.
 */
bool fleet_find_undo(struct fleet *fleet, int64_t id, struct err *err) MUST_CHECK;
/* All members that have one are tried. States: UNDONE, FAILED (it has it still), LEFT, AWAY. */
bool fleet_undo(struct fleet *fleet, const struct fleet_watch *watch, struct err *err) MUST_CHECK;

enum fleet_end {
    FLEET_END_DONE,   /* all have it */
    FLEET_END_FAILED, /* nothing was changed */
    FLEET_END_UNDONE, /* everything that was changed is taken back */
    FLEET_END_PARTLY  /* some have it, some do not; or not fully taken back */
};
enum fleet_end fleet_end(const struct fleet *fleet);

/* For fleet_order.make: plan_publish_crl(); arg is not used. */
struct plan *fleet_make_crl(void *arg, const struct plan_target *target, struct err *err);

#endif
