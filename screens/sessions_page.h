/*
 * sessions_page.h - the live panel's state: sessions.c changes it, sessions_draw.c shows it.
 *
 * Rule     included by these two only.
 */
#ifndef PGSEAL_SCREENS_SESSIONS_PAGE_H
#define PGSEAL_SCREENS_SESSIONS_PAGE_H

#include "screens/session_end.h"
#include "screens/session_feed.h"
#include "screens/session_mend.h"
#include "screens/session_save.h"
#include "screens/session_view.h"
#include "tui/secret_field.h"
#include "tui/table.h"

#define SESSIONS_SILENCE_MS    2000 /* a query that takes longer is worth a word */
#define SESSIONS_HISTORY       30   /* columns of the little curve */
#define SESSIONS_HISTORY_MS    10000
#define SESSIONS_GROUP_COLUMNS 7

struct sessions_page {
    struct app *app;
    struct session_feed **feeds;
    size_t n_feeds;
    bool all_servers; /* of the store, not only what the page began with */
    struct job *servers_job;

    struct session_view *view;
    struct table *table;  /* of sessions */
    struct table *groups; /* of groups */
    size_t next_finding;  /* f: where the search for the next one begins */
    bool sheet;           /* the row under the cursor, explained */
    uint64_t sheet_key;
    int sheet_top;

    bool paused;
    bool shown;
    bool keep_recording; /* also while another page is on top */
    struct timer *tick;  /* while something grows old: its age is shown */
    struct timer *hold;  /* hidden for long: connections are closed */

    struct session_end *end;
    struct session_save *save;
    struct secret_field *password; /* NULL: nobody is asked */
    size_t password_feed;
    bool password_put_off; /* Esc was pressed; p asks again */

    size_t history[SESSIONS_HISTORY]; /* the most sessions in clear text, the last one is now */
    size_t history_n;
    int64_t history_at_ms; /* when the last column began */

    int64_t drawn_at; /* seconds UTC: what "days left" is counted from */
    enum mark message_mark;
    char message[160];
};

extern const struct table_column sessions_columns[SESSION_COLUMNS];
extern const struct table_column sessions_group_columns[SESSIONS_GROUP_COLUMNS];

/* Groups are listed, and none of them is open. */
static inline bool sessions_lists_groups(const struct sessions_page *self)
{
    return session_view_grouped_by(self->view) != SESSION_COLUMNS &&
           session_view_group_open(self->view) == NULL;
}

/* The line under the cursor, or the one of the sheet; NULL: none. */
const struct session_line *sessions_line(const struct sessions_page *self);

void sessions_draw(const void *self, struct canvas *body);
void sessions_frame(const void *self, struct frame *ret);
void sessions_commands(const void *self, struct strbuf *out);

#endif
