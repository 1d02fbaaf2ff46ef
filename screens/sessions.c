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

#define SERVERS_MAX   16
#define HOLD_MS       60000 /* hidden so long: the connections are closed */
#define PASSWORD_SIZE 1023

static void say(struct sessions_page *self, enum mark mark, const char *text)
{
    self->message_mark = mark;
    snprintf(self->message, sizeof(self->message), "%.159s", text);
}

/* ---- rows ---- */

static size_t rows_count(const void *arg)
{
    const struct sessions_page *self = arg;

    return session_view_count(self->view);
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct sessions_page *self = arg;

    session_row_cell(session_view_line(self->view, row), self->drawn_at,
                     (enum session_column)column, out);
}

static uint64_t rows_key(const void *arg, size_t row)
{
    const struct sessions_page *self = arg;

    return session_row_key(session_view_line(self->view, row));
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    const struct sessions_page *self = arg;

    return column == SESSION_COLUMN_MARK
               ? mark_style(session_row_mark(session_view_line(self->view, row)))
               : STYLE_NORMAL;
}

static bool rows_match(const void *arg, size_t row, const char *filter)
{
    const struct sessions_page *self = arg;

    return session_view_match(self->view, row, filter);
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

static size_t groups_count(const void *arg)
{
    const struct sessions_page *self = arg;

    return session_view_groups(self->view);
}

static void groups_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct sessions_page *self = arg;
    const struct session_group *group = session_view_group(self->view, row);
    const size_t numbers[] = {group->n, group->tls, group->with_certificate, group->clear,
                              group->need_look};
    const struct finding_info *worst =
        finding_worst(group->findings & ~(unsigned)FINDING_BEFORE_RELOAD);

    if (column == 0)
        strbuf_add_str(out, group->name);
    else if (column <= ARRAY_LEN(numbers))
        strbuf_printf(out, "%zu", numbers[column - 1]);
    else
        strbuf_printf(out, "%s %s", mark_text(group->mark), worst != NULL ? _(worst->word) : "");
}

static uint64_t groups_key(const void *arg, size_t row)
{
    const struct sessions_page *self = arg;

    return session_view_group(self->view, row)->key;
}

static enum style groups_style(const void *arg, size_t row, size_t column)
{
    const struct sessions_page *self = arg;

    return column + 1 == SESSIONS_GROUP_COLUMNS
               ? mark_style(session_view_group(self->view, row)->mark)
               : STYLE_NORMAL;
}

static const struct table_rows groups_ops = {groups_count, groups_cell, groups_key, groups_style};

const struct session_line *sessions_line(const struct sessions_page *self)
{
    if (self->sheet)
        return session_view_find(self->view, self->sheet_key);
    if (sessions_lists_groups(self) || !table_has_row(self->table))
        return NULL;
    return session_view_line(self->view, table_row(self->table));
}

static void refresh_tables(struct sessions_page *self)
{
    table_refresh(self->table);
    table_refresh(self->groups);
}

static void note_history(struct sessions_page *self)
{
    size_t clear = session_view_totals(self->view)->clear;
    int64_t now = clock_mono_ms();

    if (self->history_n > 0 && now - self->history_at_ms < SESSIONS_HISTORY_MS) {
        size_t *last = &self->history[self->history_n - 1];

        *last = clear > *last ? clear : *last;
        return;
    }
    if (self->history_n == SESSIONS_HISTORY)
        memmove(self->history, self->history + 1, --self->history_n * sizeof(self->history[0]));
    self->history[self->history_n++] = clear;
    self->history_at_ms = now;
}

static void update(struct sessions_page *self, bool new_rows)
{
    self->drawn_at = clock_now();
    session_view_update(self->view, self->feeds, self->n_feeds, self->drawn_at);
    if (new_rows)
        note_history(self);
    refresh_tables(self);
}

/* ---- servers ---- */

static void free_feeds(struct sessions_page *self)
{
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_free(self->feeds[i]);
    free(self->feeds);
    self->feeds = NULL;
    self->n_feeds = 0;
}

static void set_servers(struct sessions_page *self, char *const *names, size_t n)
{
    free_feeds(self);
    n = n < SERVERS_MAX ? n : SERVERS_MAX;
    self->feeds = mem_array(n + 1, sizeof(struct session_feed *));
    for (size_t i = 0; i < n; i++) {
        self->feeds[i] = session_feed_new(self->app, self, names[i]);
        session_feed_pause(self->feeds[i], self->paused);
        if (self->shown)
            session_feed_start(self->feeds[i]);
    }
    self->n_feeds = n;
    session_end_set_feeds(self->end, self->feeds);
    secret_field_free(self->password);
    self->password = NULL;
    self->history_n = 0;
    update(self, false);
}

static void first_servers(struct sessions_page *self)
{
    char *chosen = mem_strdup(app_server(self->app));
    size_t n = 0;
    char *const *watched = app_watched(self->app, &n);

    if (n > 0)
        set_servers(self, watched, n);
    else
        set_servers(self, &chosen, 1);
    free(chosen);
}

struct servers_job {
    char *store_folder;
    struct server_list list;
    bool ok;
    struct err err;
};

static void servers_run(struct job *job, void *data)
{
    struct servers_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    (void)job;
    self->ok = store != NULL && server_list(store, &self->list, &self->err);
    store_close(store);
}

static void servers_free(void *data)
{
    struct servers_job *self = data;

    server_list_clear(&self->list);
    free(self->store_folder);
    free(self);
}

static const struct job_ops servers_ops = {"sessions: servers", servers_run, servers_free};

static void toggle_servers(struct sessions_page *self)
{
    struct servers_job *data;

    if (self->all_servers) {
        self->all_servers = false;
        first_servers(self);
        return;
    }
    if (self->servers_job != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(self->app));
    self->servers_job = job_start(app_loop(self->app), self, &servers_ops, data);
}

static void servers_ended(struct sessions_page *self)
{
    struct servers_job *data = job_take(self->servers_job);
    char *names[SERVERS_MAX];
    size_t n = 0;

    self->servers_job = NULL;
    for (size_t i = 0; i < data->list.n && n < SERVERS_MAX; i++)
        names[n++] = data->list.rows[i]->name;
    if (session_end_is_open(self->end)) { /* its rows are those of today's servers */
        say(self, MARK_NONE, _("Answer the question first, then m."));
    } else if (!data->ok) {
        say(self, MARK_BAD, data->err.msg);
    } else if (n < 2) {
        say(self, MARK_NONE, _("The store knows no other server."));
    } else {
        self->all_servers = true;
        set_servers(self, names, n);
        if (data->list.n > SERVERS_MAX)
            say(self, MARK_WARN, _("More servers are known; the first 16 are shown."));
    }
    servers_free(data);
}

/* ---- time ---- */

static bool grows_old(const struct sessions_page *self)
{
    for (size_t i = 0; i < self->n_feeds; i++)
        if (session_feed_state(self->feeds[i]) == POLLER_AWAY ||
            session_feed_silence_ms(self->feeds[i]) > 0)
            return true;
    return false;
}

/* A timer runs only while there is an age to be shown. */
static void set_tick(struct sessions_page *self)
{
    bool wanted = self->shown && grows_old(self);

    if (wanted && self->tick == NULL)
        self->tick = timer_start(app_loop(self->app), self, 1000, 1000);
    if (!wanted) {
        timer_stop(self->tick);
        self->tick = NULL;
    }
}

static void show(struct sessions_page *self)
{
    self->shown = true;
    timer_stop(self->hold);
    self->hold = NULL;
    for (size_t i = 0; i < self->n_feeds; i++) {
        session_feed_start(self->feeds[i]);
        session_feed_pause(self->feeds[i], self->paused);
    }
}

/* Nothing is asked for nobody. A help text is soon closed again: the connections wait a while. */
static void hide(struct sessions_page *self)
{
    self->shown = false;
    if (self->keep_recording)
        return;
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_pause(self->feeds[i], true);
    timer_stop(self->hold);
    self->hold = timer_start(app_loop(self->app), self, HOLD_MS, 0);
}

static void timer_event(struct sessions_page *self, const struct timer *timer)
{
    if (timer != self->hold)
        return;
    timer_stop(self->hold);
    self->hold = NULL;
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_stop(self->feeds[i]);
}

static void set_paused(struct sessions_page *self, bool paused)
{
    self->paused = paused;
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_pause(self->feeds[i], paused);
}

static void refresh(struct sessions_page *self)
{
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_refresh(self->feeds[i]);
}

static void change_speed(struct sessions_page *self, bool faster)
{
    static const int64_t steps[] = {500, 1000, 2000, 5000, 10000, 30000, 60000};
    int64_t now = session_feed_interval(self->feeds[0]);
    int64_t then = now;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (faster && steps[i] < now)
            then = steps[i];
        if (!faster && steps[i] > now) {
            then = steps[i];
            break;
        }
    }
    for (size_t i = 0; i < self->n_feeds; i++)
        session_feed_set_interval(self->feeds[i], then);
}

/* ---- order, filter, groups ---- */

static void next_sort(struct sessions_page *self)
{
    enum session_column column = (session_view_sorted_by(self->view) + 1) % SESSION_COLUMNS;
    char text[sizeof(self->message)];

    if (column == SESSION_COLUMN_SERVER && self->n_feeds < 2)
        column = SESSION_COLUMN_SERVER + 1;
    session_view_sort(self->view, column, false);
    refresh_tables(self);
    snprintf(text, sizeof(text), _("Sorted by: %s."),
             column == SESSION_COLUMN_MARK ? _("worst first") : _(sessions_columns[column].title));
    say(self, MARK_NONE, text);
}

static void reverse_sort(struct sessions_page *self)
{
    bool reverse = !session_view_reversed(self->view);

    session_view_sort(self->view, session_view_sorted_by(self->view), reverse);
    refresh_tables(self);
    say(self, MARK_NONE, reverse ? _("The other way round.") : _("As before."));
}

/* The next finding that somebody has; after the last one: all rows. */
static void next_finding(struct sessions_page *self)
{
    const struct snapshot_totals *totals = session_view_totals(self->view);
    size_t n;
    const struct finding_info *table = finding_table(&n);

    for (; self->next_finding < n; self->next_finding++) {
        const struct finding_info *info = &table[self->next_finding];
        char filter[32], text[sizeof(self->message)];

        if (snapshot_with(totals, info->finding) == 0)
            continue;
        snprintf(filter, sizeof(filter), ":%s", info->name);
        table_set_filter(self->table, filter);
        snprintf(text, sizeof(text), _("%zu with the finding \"%s\". D ends all of them."),
                 snapshot_with(totals, info->finding), info->name);
        say(self, session_row_mark_of(info->weight), text);
        self->next_finding++;
        return;
    }
    self->next_finding = 0;
    table_set_filter(self->table, "");
    say(self, MARK_NONE, _("All rows again."));
}

static void next_group(struct sessions_page *self)
{
    static const enum session_column columns[] = {SESSION_COLUMN_ROLE, SESSION_COLUMN_APPLICATION,
                                                  SESSION_COLUMN_FROM, SESSION_COLUMN_CA,
                                                  SESSION_COLUMN_TLS,  SESSION_COLUMNS};
    enum session_column now = session_view_grouped_by(self->view);
    size_t next = 0;

    for (size_t i = 0; i + 1 < ARRAY_LEN(columns); i++)
        if (columns[i] == now)
            next = i + 1;
    session_view_group_by(self->view, columns[next]);
    table_set_filter(self->table, "");
    refresh_tables(self);
}

static void open_group(struct sessions_page *self)
{
    if (!table_has_row(self->groups))
        return;
    session_view_open_group(self->view,
                            session_view_group(self->view, table_row(self->groups))->name);
    refresh_tables(self);
}

/* One step back; false: there is none left. */
static bool step_back(struct sessions_page *self)
{
    if (self->sheet) {
        self->sheet = false;
        return true;
    }
    if (!sessions_lists_groups(self) && table_filter(self->table)[0] != '\0') {
        table_set_filter(self->table, "");
        self->next_finding = 0;
        return true;
    }
    if (session_view_group_open(self->view) != NULL) {
        session_view_open_group(self->view, NULL);
        refresh_tables(self);
        return true;
    }
    if (session_view_grouped_by(self->view) != SESSION_COLUMNS) {
        session_view_group_by(self->view, SESSION_COLUMNS);
        refresh_tables(self);
        return true;
    }
    return false;
}

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
    say(self, MARK_BUSY, _("Writing ..."));
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
    const unsigned by_a_certificate = FINDING_NO_CERTIFICATE | FINDING_SOON | FINDING_ENDED |
                                      FINDING_OLD_CA | FINDING_OTHER_ROLE | FINDING_UNKNOWN_CA |
                                      FINDING_NO_TLS;
    const struct session_line *line = sessions_line(self);

    if (line == NULL || (line->findings & by_a_certificate) == 0) {
        say(self, MARK_NONE, _("No page mends this; the sheet names the command (Enter)."));
        return nav_stay();
    }
    app_keep(self->app, "new-client.role", line->session->role);
    app_keep(self->app, "new-client.name", line->session->role);
    return nav_push(page_new_client(self->app));
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
        say(self, MARK_NONE,
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
        say(self, MARK_WARN, problem);
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
        say(self, MARK_WARN, problem);
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
        say(self, MARK_NONE, _("p asks for the password again, F5 looks into ~/.pgpass again."));
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
    say(self, MARK_NONE,
        self->keep_recording
            ? _("Goes on recording while other pages are open: \"pgseal sightings\" shows it.")
            : _("Records while this page is open."));
}

static void toggle_system(struct sessions_page *self)
{
    session_view_fold_system(self->view, !session_view_folds_system(self->view));
    refresh_tables(self);
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
        open_group(self);
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
        set_paused(self, !self->paused);
        return true;
    case '+':
        change_speed(self, true);
        return true;
    case '-':
        change_speed(self, false);
        return true;
    case 's':
        next_sort(self);
        return true;
    case 'S':
        reverse_sort(self);
        return true;
    case 'f':
        next_finding(self);
        return true;
    case 'b':
        next_group(self);
        return true;
    case 'm':
        toggle_servers(self);
        return true;
    case 'u':
        toggle_system(self);
        return true;
    case 'R':
        toggle_recording(self);
        return true;
    case 'r':
    case KEY_CODE_F5:
        refresh(self);
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
        return step_back(self) ? nav_stay() : nav_pop();
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
            update(self, (news & SESSION_FEED_ROWS) != 0);
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
            refresh(self);
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
        say(self, mark, message);
    return true;
}

static struct nav other_event(struct sessions_page *self, const struct event *event)
{
    switch (event->type) {
    case EVENT_SHOWN:
        show(self);
        break;
    case EVENT_HIDDEN:
        hide(self);
        break;
    case EVENT_JOB:
        if (event->job == self->servers_job)
            servers_ended(self);
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
        timer_event(self, event->timer);
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
    set_tick(self);
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
    free_feeds(self);
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
    self->table = table_new(sessions_columns, SESSION_COLUMNS, &rows_ops, self);
    table_set_match(self->table, rows_match);
    self->groups = table_new(sessions_group_columns, SESSIONS_GROUP_COLUMNS, &groups_ops, self);
    first_servers(self);
    return screen_new(&sessions_ops, self);
}
