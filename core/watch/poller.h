/*
 * poller.h - the sessions of one server, asked again and again without ever waiting.
 *
 * Life     CONNECTING -> LIVE; lost, hung or refused: AWAY, with the last rows kept, and again after 1,
 *          2, 5, 10, 10 … seconds with jitter. A server that wants a password: PASSWORD, until one is
 *          given; it is kept in secure memory for the next connection.
 * Pace     the next query goes out an interval after the last answer; an answer that took more than a
 *          tenth of the interval stretches it, to 5 s at most. One statement, prepared once a connection.
 * Use      the caller owns the waiting: it resolves the name (poller_needs_params(): in a job, anew for
 *          every connection), waits for poller_fd() and poller_at_ms(), and calls poller_step() when
 *          one of them is due. It asks all three afresh after every call. Before it calls anything
 *          here it stops watching the old descriptor: libpq may close it.
 * Rights   hidden rows make it ask what its role may see; a role that is a member of
 *          pg_read_all_stats without inheriting it is switched to it.
 * Errors   kept, not returned: poller_error().
 * Threads  one.
 */
#ifndef PGSEAL_WATCH_POLLER_H
#define PGSEAL_WATCH_POLLER_H

#include "core/pg/sessions.h"

#define POLLER_INTERVAL_MS 2000

enum poller_state {
    POLLER_STOPPED,
    POLLER_CONNECTING,
    POLLER_LIVE,
    POLLER_AWAY,    /* see poller_error() */
    POLLER_PASSWORD /* poller_set_password() goes on */
};

struct poller;

struct poller *poller_new(void) MUST_CHECK;
void poller_free(struct poller *poller);
void poller_start(struct poller *poller); /* after a stop: keeps the rows */
void poller_stop(struct poller *poller);  /* no query runs, the connection is closed */

/* True: hand over how to reach the server, resolved (conn_resolve()), or why that failed. */
bool poller_needs_params(const struct poller *poller);
void poller_take_params(struct poller *poller, struct params *taken, const struct err *why);
const struct params *poller_params(const struct poller *poller); /* NULL: none yet; borrowed */
void poller_set_password(struct poller *poller, const struct secret *password); /* copied */
const struct secret *poller_password(const struct poller *poller);              /* NULL: none */

int poller_fd(const struct poller *poller);         /* -1: none */
unsigned poller_wants(const struct poller *poller); /* enum conn_wants; 0: the time alone */
int64_t poller_at_ms(const struct poller *poller);  /* of clock_mono_ms(); INT64_MAX: never */
bool poller_step(struct poller *poller);            /* true: new rows */

void poller_pause(struct poller *poller, bool paused); /* the connection stays */
void poller_refresh(struct poller *poller);            /* now, not at the next interval */
void poller_set_interval(struct poller *poller, int64_t interval_ms);

enum poller_state poller_state(const struct poller *poller);
int64_t poller_interval(const struct poller *poller);
const struct err *poller_error(const struct poller *poller);     /* of AWAY and PASSWORD */
const struct sessions *poller_rows(const struct poller *poller); /* NULL: none yet; borrowed */
int64_t poller_age_ms(const struct poller *poller);              /* of the rows */
int64_t poller_silence_ms(const struct poller *poller);          /* it owes an answer; 0: no */
int poller_server_version(const struct poller *poller);          /* 0: not yet */
/* NULL until it was asked: no rows are hidden. */
const struct sessions_rights *poller_rights(const struct poller *poller);

#endif
