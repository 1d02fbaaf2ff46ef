/*
 * session_end.h - ending sessions from the live panel: the question, and the job behind it.
 *
 * Rules    one session is a question (default No); several, or one on a production server, want the
 *          number or the server's name typed. The question shows the SQL. Each statement names pid and
 *          backend_start, so a session that is gone is never mistaken for another. Never ended: the
 *          panel's own session, hidden ones; and, among several, replication and the provider's own.
 * Job      has a connection of its own to each server.
 */
#ifndef PGSEAL_SCREENS_SESSION_END_H
#define PGSEAL_SCREENS_SESSION_END_H

#include "screens/session_feed.h"
#include "screens/session_row.h"
#include "tui/dialog.h"

struct session_end;

struct session_end *session_end_new(struct app *app, void *owner,
                                    struct session_feed *const *feeds) MUST_CHECK;
void session_end_free(struct session_end *end);
/* feeds of the lines that are asked about from now on; borrowed. */
void session_end_set_feeds(struct session_end *end, struct session_feed *const *feeds);

/* These open the question, or say why there is none (translated; NULL: it is open). */
const char *session_end_ask(struct session_end *end, const struct session_line *line);
/* what: "of the group \"alice\"". */
const char *session_end_ask_all(struct session_end *end, const struct session_line *const *lines,
                                size_t n, const char *what);
bool session_end_is_open(const struct session_end *end);
void session_end_draw(const struct session_end *end, struct canvas *canvas);
void session_end_frame(const struct session_end *end, struct frame *ret);

/* True when the event was its own; message: what to say, when it is not empty. */
bool session_end_event(struct session_end *end, const struct event *event, enum mark *ret_mark,
                       char *message, size_t size);

#endif
