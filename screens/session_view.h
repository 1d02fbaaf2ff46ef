/*
 * session_view.h - what the live panel shows of its servers' sessions: judged, folded, grouped, in order.
 *
 * Data     lines point into the feeds' rows: after every news of a feed session_view_update(), before
 *          anything is drawn.
 * Filter   "text" in any column; "~regex" (extended, case does not matter); ":no-tls", ":clear": a
 *          finding or a class by name; "!" before any of them turns it around.
 * Folded   roles of a provider's own, unless they are asked for; they are counted.
 * Cost     an update of 1,000 sessions: about 1 ms.
 */
#ifndef PGSEAL_SCREENS_SESSION_VIEW_H
#define PGSEAL_SCREENS_SESSION_VIEW_H

#include "core/watch/snapshot.h"
#include "screens/session_feed.h"
#include "screens/session_row.h"

struct session_group { /* of the lines that are alike in one column */
    const char *name;  /* borrowed until the next update */
    size_t n;
    size_t tls, clear, with_certificate, need_look;
    unsigned findings;
    enum mark mark; /* the worst of its lines */
    uint64_t key;
};

struct session_view;

struct session_view *session_view_new(void) MUST_CHECK;
void session_view_free(struct session_view *view);
/* feeds: in an order that stays, each with a place of its own. now: seconds UTC. */
void session_view_update(struct session_view *view, struct session_feed *const *feeds, size_t n,
                         int64_t now);

size_t session_view_count(const struct session_view *view); /* of the group that is open, or all */
const struct session_line *session_view_line(const struct session_view *view, size_t i);
const struct snapshot_totals *session_view_totals(const struct session_view *view); /* of all */
/* A line of the same session, wherever it stands; NULL: it has ended. */
const struct session_line *session_view_find(const struct session_view *view, uint64_t key);

void session_view_sort(struct session_view *view, enum session_column column, bool reverse);
enum session_column session_view_sorted_by(const struct session_view *view);
bool session_view_reversed(const struct session_view *view);
void session_view_fold_system(struct session_view *view, bool fold);
bool session_view_folds_system(const struct session_view *view);

/* SESSION_COLUMNS: no groups. */
void session_view_group_by(struct session_view *view, enum session_column column);
enum session_column session_view_grouped_by(const struct session_view *view);
size_t session_view_groups(const struct session_view *view);
const struct session_group *session_view_group(const struct session_view *view, size_t i);
/* Shows the lines of one group only; NULL: of all. Copied. */
void session_view_open_group(struct session_view *view, const char *name);
const char *session_view_group_open(const struct session_view *view); /* NULL: none */
bool session_view_in_group(const struct session_view *view, const struct session_line *line,
                           const char *name);

/* Whether line i passes; the last filter is kept ready. */
bool session_view_match(struct session_view *view, size_t i, const char *filter);
/* What is wrong with the last filter; NULL: nothing. */
const char *session_view_filter_problem(const struct session_view *view);

/* All lines that pass, of one feed, in the form of an export: for snapshot_csv(). */
bool session_view_snapshot(const struct session_view *view, const struct session_feed *feed,
                           size_t place, struct snapshot *ret) MUST_CHECK;

#endif
