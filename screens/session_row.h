/*
 * session_row.h - one session in words: the cells of the live panel, its mark, its sheet.
 *
 * Text     clean. Times are UTC.
 */
#ifndef PGSEAL_SCREENS_SESSION_ROW_H
#define PGSEAL_SCREENS_SESSION_ROW_H

#include "core/watch/finding.h"
#include "tui/theme.h"

#define SESSION_ROW_LABEL 13 /* columns of a label in the sheet */

enum session_column {
    SESSION_COLUMN_SERVER,
    SESSION_COLUMN_PID,
    SESSION_COLUMN_ROLE,
    SESSION_COLUMN_DATABASE,
    SESSION_COLUMN_APPLICATION,
    SESSION_COLUMN_FROM,
    SESSION_COLUMN_SINCE,
    SESSION_COLUMN_TLS,
    SESSION_COLUMN_CIPHER,
    SESSION_COLUMN_CERTIFICATE,
    SESSION_COLUMN_CA,
    SESSION_COLUMN_ENDS,
    SESSION_COLUMN_MARK,
    SESSION_COLUMNS
};

/* A session with what is known of it; borrowed until the next rows or certificates come. */
struct session_line {
    const struct session *session;
    const struct session_certificate *certificate; /* NULL: none, or not looked up yet */
    unsigned findings;
    const char *server;
    size_t feed, row; /* where it stands */
    int rank;         /* session_row_rank(): found once, compared often */
};

/* now: seconds UTC. */
void session_row_cell(const struct session_line *line, int64_t now, enum session_column column,
                      struct strbuf *out);
enum mark session_row_mark(const struct session_line *line);
enum mark session_row_mark_of(enum finding_weight weight);
/* A few lines about the session: what its mark means and what can be done. */
void session_row_explain(const struct session_line *line, struct strbuf *out);
/* All that is known, one thing a line: for the sheet and for copying. */
void session_row_sheet(const struct session_line *line, int64_t now, struct strbuf *out);
/* The worse, the higher. */
int session_row_rank(const struct session_line *line);
/* For sorting: less than, equal, greater than 0. */
int session_row_compare(const struct session_line *a, const struct session_line *b,
                        enum session_column column);
/* Stays the same while the session lives. */
uint64_t session_row_key(const struct session_line *line);

#endif
