/*
 * session_feed.h - the sessions of one server, polled without ever waiting, joined with the store.
 *
 * Life     CONNECTING -> LIVE; when the server is lost or hangs: AWAY, with the last rows kept as
 *          stale, and again after 1, 2, 5, 10, 10 … seconds with jitter; the name is resolved anew.
 * Pace     the next query goes out an interval after the last answer; an answer that took more than
 *          a tenth of the interval stretches it.
 * Join     certificates are looked up by issuer and serial in a job, once, and again every 10 s
 *          (somebody may be revoked meanwhile).
 * Events   the page gives every event to session_feed_event() first; jobs, timers and watches are
 *          started with the page as their owner.
 */
#ifndef PGSEAL_SCREENS_SESSION_FEED_H
#define PGSEAL_SCREENS_SESSION_FEED_H

#include "core/pg/sessions.h"
#include "core/store/issued.h"
#include "screens/app.h"

enum session_feed_state {
    SESSION_FEED_CONNECTING,
    SESSION_FEED_LIVE,
    SESSION_FEED_AWAY, /* lost or not reachable: see session_feed_error() */
    SESSION_FEED_STOPPED
};

/* What the store knows of a session's certificate. */
struct session_certificate {
    bool known;
    char *role;      /* it was issued for; owned by the feed */
    char *authority; /* name of its CA */
    int64_t not_after;
    int64_t revoked_at; /* 0: not */
};

struct session_feed;

struct session_feed *session_feed_new(struct app *app, void *owner, const char *server) MUST_CHECK;
void session_feed_free(struct session_feed *feed);
void session_feed_start(struct session_feed *feed); /* again after a stop: keeps the rows */
void session_feed_stop(struct session_feed *feed);  /* no query runs, the connection is closed */
void session_feed_pause(struct session_feed *feed, bool paused); /* connection stays */
void session_feed_refresh(struct session_feed *feed);            /* now, not at the next interval */
void session_feed_set_interval(struct session_feed *feed, int64_t interval_ms);
int64_t session_feed_interval(const struct session_feed *feed);

/* True when the event was the feed's own; *ret_rows: there are new rows. */
bool session_feed_event(struct session_feed *feed, const struct event *event, bool *ret_rows);

enum session_feed_state session_feed_state(const struct session_feed *feed);
bool session_feed_paused(const struct session_feed *feed);
const struct err *session_feed_error(const struct session_feed *feed);     /* when AWAY */
const struct sessions *session_feed_rows(const struct session_feed *feed); /* NULL: none yet */
int64_t session_feed_age_ms(const struct session_feed *feed);              /* of the rows */
int64_t session_feed_silence_ms(const struct session_feed *feed); /* it owes an answer; 0: no */
int session_feed_server_version(const struct session_feed *feed); /* 0: not yet */
/* For row i; NULL when it has no certificate or is not looked up yet. */
const struct session_certificate *session_feed_certificate(const struct session_feed *feed,
                                                           size_t i);
/* Connection parameters for a job that ends a session; NULL before the first connection. The
 * caller frees. */
struct params *session_feed_params(const struct session_feed *feed) MUST_CHECK;

#endif
