/*
 * session_feed.h - the sessions of one server in the event loop: polled, joined with the store.
 *
 * Does     core/watch/poller.h over the loop's watches, timers and jobs; certificates are looked up in a
 *          job, again as soon as the store has changed (somebody may be revoked meanwhile). What was
 *          seen is recorded in a job too.
 * Events   the page gives every event to session_feed_event() first; jobs, timers and watches are
 *          started with the page as their owner.
 */
#ifndef PGSEAL_SCREENS_SESSION_FEED_H
#define PGSEAL_SCREENS_SESSION_FEED_H

#include "core/watch/poller.h"
#include "core/watch/session_book.h"
#include "screens/app.h"

struct session_feed;

struct session_feed *session_feed_new(struct app *app, void *owner, const char *server) MUST_CHECK;
void session_feed_free(struct session_feed *feed);
void session_feed_start(struct session_feed *feed); /* again after a stop: keeps the rows */
void session_feed_stop(struct session_feed *feed);  /* no query runs, the connection is closed */
void session_feed_pause(struct session_feed *feed, bool paused); /* connection stays */
void session_feed_refresh(struct session_feed *feed);            /* now, not at the next interval */
void session_feed_set_interval(struct session_feed *feed, int64_t interval_ms);
void session_feed_set_password(struct session_feed *feed, const struct secret *password);

enum session_feed_news {
    SESSION_FEED_ROWS = 1,        /* a new snapshot */
    SESSION_FEED_CERTIFICATES = 2 /* more is known of the certificates */
};
/* True when the event was the feed's own; *ret_news: bits of enum session_feed_news. */
bool session_feed_event(struct session_feed *feed, const struct event *event, unsigned *ret_news);

const char *session_feed_server(const struct session_feed *feed);
enum poller_state session_feed_state(const struct session_feed *feed);
int64_t session_feed_interval(const struct session_feed *feed);
const struct err *session_feed_error(const struct session_feed *feed); /* of AWAY, PASSWORD */
/* Why the store could not be read for the certificates; NULL: it could. */
const struct err *session_feed_store_error(const struct session_feed *feed);
/* Why what is seen is not remembered; NULL: it is. */
const struct err *session_feed_record_error(const struct session_feed *feed);
const struct sessions *session_feed_rows(const struct session_feed *feed); /* NULL: none yet */
int64_t session_feed_age_ms(const struct session_feed *feed);              /* of the rows */
int64_t session_feed_silence_ms(const struct session_feed *feed); /* it owes an answer; 0: no */
int session_feed_server_version(const struct session_feed *feed); /* 0: not yet */
const struct sessions_rights *session_feed_rights(const struct session_feed *feed);
/* Run by a provider ("apsaradb", "aurora"): its own roles are not the owner's business. */
bool session_feed_managed(const struct session_feed *feed);
bool session_feed_production(const struct session_feed *feed); /* what is done there is severe */
/* For row i; NULL when it has no certificate or is not looked up yet. */
const struct session_certificate *session_feed_certificate(const struct session_feed *feed,
                                                           size_t i);
const struct session_book *session_feed_book(const struct session_feed *feed);
/* For a job that ends a session; NULL before the first connection. The caller frees. */
struct params *session_feed_params(const struct session_feed *feed) MUST_CHECK;
bool session_feed_has_password(const struct session_feed *feed); /* one was typed */
struct secret *session_feed_password(const struct session_feed *feed) MUST_CHECK; /* or NULL */

#endif
