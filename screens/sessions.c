/* sessions.c - the live panel: who is connected to the servers, and how. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/server.h"
#include "core/watch/readiness.h"
#include "screens/pages.h"
#include "screens/sessions_page.h"

#define PASSWORD_SIZE 1023

/* ---- what is shown, taken somewhere ---- */

/* The lines that pass the filter, of all servers; *ret_n of them; to free(). */
static const struct session_line **passing(struct sessions_page *self, const char *group,
                                           size_t *ret_n)
{
    size_t n = session_view_count(self->view);
    const struct session_line **lines = mem_array(n + 1, sizeof(*lines));
    const char *filter = group != NULL ? "" : table_filter(self->table);

    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct session_line *line = session_view_line(self->view, i);

        if (session_view_match(self->view, i, filter) &&
            (group == NULL || session_view_in_group(self->view, line, group)))
            lines[(*ret_n)++] = line;
    }
    return lines;
}

static bool is_chosen(const void *arg, size_t row)
{
    const bool *chosen = arg;

    return chosen[row];
}

/* Which rows of a server are among the lines; to free(). */
static bool *choose_rows(const struct session_line *const *lines, size_t n, size_t feed,
                         size_t n_rows)
{
    bool *chosen = mem_array(n_rows + 1, sizeof(*chosen));

    for (size_t i = 0; i < n; i++)
        if (lines[i]->feed == feed)
            chosen[lines[i]->row] = true;
    return chosen;
}

static void write_rows(struct sessions_page *self)
{
    struct strbuf text = STRBUF_INIT;
    bool json = session_save_is_json(self->save);
    size_t n;
    const struct session_line **lines = passing(self, NULL, &n);

    if (!json)
        snapshot_csv_header(&text);
    for (size_t i = 0; i < self->n_feeds; i++) {
        struct snapshot snapshot;
        bool *chosen;

        if (!session_view_snapshot(self->view, self->feeds[i], i, &snapshot))
            continue;
        chosen = choose_rows(lines, n, i, snapshot.sessions->n);
        if (json)
            snapshot_json_text(&snapshot, is_chosen, chosen, &text);
        else
            snapshot_csv(&snapshot, is_chosen, chosen, &text);
        free(chosen);
    }
    free(lines);
    session_save_write(self->save, &text);
    strbuf_clear(&text);
    sessions_say(self, MARK_BUSY, _("Writing ..."));
}

static struct nav copy_line(struct sessions_page *self)
{
    const struct session_line *line = sessions_line(self);
    struct strbuf text = STRBUF_INIT;
    struct nav nav;

    if (line == NULL)
        return nav_stay();
    session_row_sheet(line, self->drawn_at, &text);
    nav = nav_copy(text.data);
    strbuf_clear(&text);
    return nav;
}

static struct nav open_readiness(struct sessions_page *self)
{
    struct readiness *readiness = mem_zalloc(sizeof(*readiness));

    for (size_t i = 0; i < self->n_feeds; i++)
        if (session_feed_rows(self->feeds[i]) != NULL)
            readiness_add_live(readiness, session_feed_server(self->feeds[i]),
                               session_feed_rows(self->feeds[i]),
                               session_feed_book(self->feeds[i]));
    return nav_push(page_readiness(self->app, readiness));
}

/* The page that mends what the sheet is about. */
static struct nav open_mend(struct sessions_page *self)
{
    const struct session_line *line = sessions_line(self);
    struct screen *page = line != NULL ? session_mend_page(self->app, line) : NULL;

    if (page != NULL)
        return nav_push(page);
    sessions_say(self, MARK_NONE, _("No page mends this; Enter says what does."));
    return nav_stay();
}

/* The page that revokes the certificate of the row. */
static struct nav open_revoke(struct sessions_page *self)
{
    const struct session_line *line = sessions_line(self);
    const struct session_certificate *certificate = line != NULL ? line->certificate : NULL;
    struct screen *page;
    char *which;

    if (certificate == NULL || !certificate->known) {
        sessions_say(self, MARK_WARN,
                     line != NULL && certificate == NULL && line->session->client_serial[0] != '\0'
                         ? _("Its certificate is being looked up: try again in a moment.")
                         : _("No certificate of this store: there is nothing to revoke."));
        return nav_stay();
    }
    if (certificate->revoked_at != 0) {
        sessions_say(self, MARK_WARN, _("It is revoked already; d ends the session."));
        return nav_stay();
    }
    which = mem_printf("%s:%s", certificate->authority, certificate->serial_hex);
    page = page_revoke(self->app, which);
    free(which);
    return nav_push(page);
}

/* ---- ends ---- */

static void end_all(struct sessions_page *self, const char *group)
{
    const char *filter = table_filter(self->table);
    const char *open = session_view_group_open(self->view);
    const struct session_line **lines;
    const char *problem;
    char *what;
    size_t n;

    if (group == NULL && filter[0] == '\0' && open == NULL) {
        sessions_say(self, MARK_NONE,
                     _("D ends all that are shown: set a filter (/ or f) or open a group."));
        return;
    }
    lines = passing(self, group, &n);
    if (group != NULL || open != NULL)
        what = mem_printf(_("of the group \"%s\"%s%s"), group != NULL ? group : open,
                          group == NULL && filter[0] != '\0' ? _(" that pass the filter ") : "",
                          group == NULL ? filter : "");
    else
        what = mem_printf(_("that pass the filter \"%s\""), filter);
    problem = session_end_ask_all(self->end, lines, n, what);
    if (problem != NULL)
        sessions_say(self, MARK_WARN, problem);
    free(what);
    free(lines);
}

static void end_here(struct sessions_page *self)
{
    const char *problem;

    if (sessions_lists_groups(self)) {
        if (table_has_row(self->groups))
            end_all(self, session_view_group(self->view, table_row(self->groups))->name);
        return;
    }
    problem = session_end_ask(self->end, sessions_line(self));
    if (problem != NULL)
        sessions_say(self, MARK_WARN, problem);
}

/* ---- password ---- */

static void ask_password(struct sessions_page *self)
{
    if (self->password != NULL || self->password_put_off)
        return;
    for (size_t i = 0; i < self->n_feeds; i++)
        if (session_feed_state(self->feeds[i]) == POLLER_PASSWORD) {
            self->password = secret_field_new(PASSWORD_SIZE);
            self->password_feed = i;
            return;
        }
}

static void close_password(struct sessions_page *self)
{
    secret_field_free(self->password);
    self->password = NULL;
}

static void password_event(struct sessions_page *self, const struct event *event)
{
    if (event->type == EVENT_PASTE) {
        (void)secret_field_paste(self->password, event->paste, event->paste_len);
    } else if (event->key == KEY_CODE_ESC) {
        self->password_put_off = true;
        close_password(self);
        sessions_say(self, MARK_NONE,
                     _("p asks for the password again, F5 looks into ~/.pgpass again."));
    } else if (event->key == KEY_CODE_ENTER) {
        session_feed_set_password(self->feeds[self->password_feed],
                                  secret_field_get(self->password));
        close_password(self);
    } else {
        (void)secret_field_key(self->password, event->key);
    }
}

/* ---- keys ---- */

static void toggle_recording(struct sessions_page *self)
{
    self->keep_recording = !self->keep_recording;
    sessions_say(
        self, MARK_NONE,
        self->keep_recording
            ? _("Goes on recording while other pages are open: \"pgseal sightings\" shows it.")
            : _("Records while this page is open."));
}

static void toggle_system(struct sessions_page *self)
{
    session_view_fold_system(self->view, !session_view_folds_system(self->view));
    sessions_refresh_tables(self);
}

static struct nav sheet_key(struct sessions_page *self, uint32_t key)
{
    switch (key) {
    case KEY_CODE_UP:
    case 'k':
        self->sheet_top -= self->sheet_top > 0;
        break;
    case KEY_CODE_DOWN:
    case 'j':
        self->sheet_top++;
        break;
    default:
        break;
    }
    return nav_stay();
}

static void table_event(struct sessions_page *self, uint32_t key)
{
    bool groups = sessions_lists_groups(self);
    enum table_result result;

    if (groups && key == '/') /* it filters sessions */
        return;
    result = table_key(groups ? self->groups : self->table, key);
    if (result != TABLE_CHOSEN)
        return;
    if (groups) {
        sessions_open_group(self);
    } else {
        self->sheet_key = session_row_key(sessions_line(self));
        self->sheet = true;
        self->sheet_top = 0;
    }
}

/* What changes how the panel looks at the servers; false: another key. */
static bool look_key(struct sessions_page *self, uint32_t key)
{
    switch (key) {
    case ' ':
        sessions_set_paused(self, !self->paused);
        return true;
    case '+':
        sessions_change_speed(self, true);
        return true;
    case '-':
        sessions_change_speed(self, false);
        return true;
    case 's':
        sessions_next_sort(self);
        return true;
    case 'S':
        sessions_reverse_sort(self);
        return true;
    case 'f':
        sessions_next_finding(self);
        return true;
    case 'b':
        sessions_next_group(self);
        return true;
    case 'm':
        sessions_toggle_servers(self);
        return true;
    case 'u':
        toggle_system(self);
        return true;
    case 'R':
        toggle_recording(self);
        return true;
    case 'r':
    case KEY_CODE_F5:
        sessions_refresh(self);
        return true;
    default:
        return false;
    }
}

static struct nav key_event(struct sessions_page *self, uint32_t key)
{
    if (!self->sheet && table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    self->message[0] = '\0';
    if (look_key(self, key))
        return nav_stay();
    switch (key) {
    case 'd':
        end_here(self);
        return nav_stay();
    case 'D':
        end_all(self, NULL);
        return nav_stay();
    case 'y':
        return copy_line(self);
    case 'o':
        return open_mend(self);
    case 'x':
        return open_revoke(self);
    case 't':
        return open_readiness(self);
    case 'w':
        session_save_open(self->save, session_feed_server(self->feeds[0]));
        return nav_stay();
    case 'p':
        self->password_put_off = false;
        ask_password(self);
        return nav_stay();
    case 'q':
        return nav_quit();
    case KEY_CODE_ESC:
        return sessions_step_back(self) ? nav_stay() : nav_pop();
    default:
        break;
    }
    if (self->sheet)
        return sheet_key(self, key);
    table_event(self, key);
    return nav_stay();
}

/* ---- events ---- */

/* *ret_seen: it changed what is seen. */
static bool feed_event(struct sessions_page *self, const struct event *event, bool *ret_seen)
{
    unsigned news = 0;

    for (size_t i = 0; i < self->n_feeds; i++) {
        enum poller_state before = session_feed_state(self->feeds[i]);

        if (!session_feed_event(self->feeds[i], event, &news))
            continue;
        if (news != 0)
            sessions_update(self, (news & SESSION_FEED_ROWS) != 0);
        ask_password(self);
        *ret_seen = news != 0 || session_feed_state(self->feeds[i]) != before;
        return true;
    }
    return false;
}

/* A question, a job or a text field of its own takes it; true: taken. */
static bool part_event(struct sessions_page *self, const struct event *event)
{
    enum mark mark = MARK_NONE;
    bool ending = event->type == EVENT_JOB;
    char message[sizeof(self->message)] = "";

    if (session_end_event(self->end, event, &mark, message, sizeof(message))) {
        if (ending)
            sessions_refresh(self);
    } else {
        switch (session_save_event(self->save, event, &mark, message, sizeof(message))) {
        case SESSION_SAVE_IGNORED:
            return false;
        case SESSION_SAVE_USED:
            break;
        case SESSION_SAVE_WANTS_TEXT:
            write_rows(self);
            return true;
        }
    }
    if (message[0] != '\0')
        sessions_say(self, mark, message);
    return true;
}

static struct nav other_event(struct sessions_page *self, const struct event *event)
{
    switch (event->type) {
    case EVENT_SHOWN:
        sessions_show(self);
        break;
    case EVENT_HIDDEN:
        sessions_hide(self);
        break;
    case EVENT_JOB:
        if (event->job == self->servers_job)
            sessions_servers_ended(self);
        break;
    case EVENT_KEY:
        if (self->password != NULL)
            password_event(self, event);
        else
            return key_event(self, event->key);
        break;
    case EVENT_PASTE:
        if (self->password != NULL)
            password_event(self, event);
        else
            table_paste(self->table, event->paste, event->paste_len);
        break;
    case EVENT_TIMER:
        sessions_timer(self, event->timer);
        break;
    case EVENT_RESIZE:
    case EVENT_JOB_PROGRESS:
    case EVENT_WATCH:
    case EVENT_QUIT_ASKED:
    case EVENT_STOP:
        break;
    }
    return nav_stay();
}

static struct nav sessions_event(void *arg, const struct event *event)
{
    struct sessions_page *self = arg;
    struct nav nav = nav_stay();
    bool seen = true;

    if (feed_event(self, event, &seen))
        nav = seen ? nav_stay() : nav_unseen();
    else if (!part_event(self, event))
        nav = other_event(self, event);
    sessions_set_tick(self);
    return nav;
}

static void sessions_free(void *arg)
{
    struct sessions_page *self = arg;

    timer_stop(self->tick);
    timer_stop(self->hold);
    session_end_free(self->end);
    session_save_free(self->save);
    secret_field_free(self->password);
    table_free(self->table);
    table_free(self->groups);
    session_view_free(self->view);
    sessions_free_feeds(self);
    free(self);
}

static const struct screen_ops sessions_ops = {
    .name = "sessions",
    .event = sessions_event,
    .draw = sessions_draw,
    .frame = sessions_frame,
    .commands = sessions_commands,
    .free = sessions_free,
};

struct screen *page_sessions(struct app *app)
{
    struct sessions_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->drawn_at = clock_now();
    self->view = session_view_new();
    self->end = session_end_new(app, self, NULL);
    self->save = session_save_new(app, self);
    self->table = table_new(sessions_columns, SESSION_COLUMNS, &sessions_rows, self);
    table_set_match(self->table, sessions_match);
    self->groups =
        table_new(sessions_group_columns, SESSIONS_GROUP_COLUMNS, &sessions_groups, self);
    sessions_first_servers(self);
    return screen_new(&sessions_ops, self);
}
