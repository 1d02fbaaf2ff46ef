/*
 * sessions_page.h - the live panel's state: sessions.c gives keys and events to its parts, which change
 *                   it: sessions_lists.c and sessions_servers.c; sessions_draw.c shows it.
 *
 * Rule     included by these only.
 */
#ifndef PGSEAL_SCREENS_SESSIONS_PAGE_H
#define PGSEAL_SCREENS_SESSIONS_PAGE_H

#include <stdio.h>

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

/* Groups are listed, and none of them is open. */
static inline bool sessions_lists_groups(const struct sessions_page *self)
{
    return session_view_grouped_by(self->view) != SESSION_COLUMNS &&
           session_view_group_open(self->view) == NULL;
}

/* For the line above the keys. */
static inline void sessions_say(struct sessions_page *self, enum mark mark, const char *text)
{
    self->message_mark = mark;
    snprintf(self->message, sizeof(self->message), "%.159s", text);
}

/* sessions_lists.c */
extern const struct table_column sessions_columns[SESSION_COLUMNS];
extern const struct table_column sessions_group_columns[SESSIONS_GROUP_COLUMNS];
/* The line under the cursor, or the one of the sheet; NULL: none. */
const struct session_line *sessions_line(const struct sessions_page *self);
extern const struct table_rows sessions_rows, sessions_groups;
bool sessions_match(const void *self, size_t row, const char *filter);
void sessions_refresh_tables(struct sessions_page *self);
/* After news of a server; new_rows: not only certificates. */
void sessions_update(struct sessions_page *self, bool new_rows);
void sessions_next_sort(struct sessions_page *self);
void sessions_reverse_sort(struct sessions_page *self);
void sessions_next_finding(struct sessions_page *self);
void sessions_next_group(struct sessions_page *self);
void sessions_open_group(struct sessions_page *self);
bool sessions_step_back(struct sessions_page *self); /* false: there is no step left */

/* sessions_servers.c */
void sessions_first_servers(struct sessions_page *self);
void sessions_free_feeds(struct sessions_page *self);
void sessions_toggle_servers(struct sessions_page *self);
void sessions_servers_ended(struct sessions_page *self);
void sessions_show(struct sessions_page *self);
void sessions_hide(struct sessions_page *self);
void sessions_set_tick(struct sessions_page *self);
void sessions_timer(struct sessions_page *self, const struct timer *timer);
void sessions_set_paused(struct sessions_page *self, bool paused);
void sessions_refresh(struct sessions_page *self);
void sessions_change_speed(struct sessions_page *self, bool faster);

/* sessions_draw.c */
void sessions_draw(const void *self, struct canvas *body);
void sessions_frame(const void *self, struct frame *ret);
void sessions_commands(const void *self, struct strbuf *out);

#endif
