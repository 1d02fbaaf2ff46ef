/*
 * session_row.h - one session in words: the cells of the live panel's table, its mark, its sheet.
 *
 * Text     clean. Times are UTC.
 */
#ifndef PGSEAL_SCREENS_SESSION_ROW_H
#define PGSEAL_SCREENS_SESSION_ROW_H

#include "screens/session_feed.h"
#include "tui/theme.h"

#define SESSION_ROW_SOON_DAYS 30

enum session_row_column {
    SESSION_ROW_PID,
    SESSION_ROW_ROLE,
    SESSION_ROW_DATABASE,
    SESSION_ROW_FROM,
    SESSION_ROW_TLS,
    SESSION_ROW_CERTIFICATE,
    SESSION_ROW_ENDS,
    SESSION_ROW_MARK,
    SESSION_ROW_COLUMNS
};

/* certificate NULL: none, or not looked up yet. now: seconds UTC. */
void session_row_cell(const struct session *session, const struct session_certificate *certificate,
                      int64_t now, enum session_row_column column, struct strbuf *out);
enum mark session_row_mark(const struct session *session,
                           const struct session_certificate *certificate, int64_t now);
/* Whether somebody should look at it: [!!] or [xx]. */
bool session_row_needs_look(const struct session *session,
                            const struct session_certificate *certificate, int64_t now);
/* The common name of "/O=Acme/CN=alice", or the whole text without one. */
void session_row_common_name(const char *dn, struct strbuf *out);
/* A few lines about the session: what its mark means and what can be done. */
void session_row_explain(const struct session *session,
                         const struct session_certificate *certificate, int64_t now,
                         struct strbuf *out);
/* For sorting: less than, equal, greater than 0. */
int session_row_compare(const struct session *a, const struct session_certificate *ca,
                        const struct session *b, const struct session_certificate *cb, int64_t now,
                        enum session_row_column column);

#endif
