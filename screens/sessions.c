/* sessions.c - the live panel: who is connected to the chosen server, and how. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/pages.h"
#include "screens/session_feed.h"
#include "screens/session_row.h"
#include "tui/dialog.h"
#include "tui/table.h"

#define SILENCE_MS 2000 /* a query that takes longer is worth a word */
#define SHEET_ROWS 4    /* the lines about the row under the cursor */

struct sessions_page {
    struct app *app;
    struct session_feed *feed;
    struct table *table;
    size_t *order; /* of the feed's rows */
    size_t n;
    enum session_row_column sort;
    int64_t drawn_at;   /* seconds UTC: what "days left" is counted from */
    struct timer *tick; /* while rows grow old: their age is shown */
    struct dialog *question;
    int question_pid;
    char *question_start; /* backend_start, exact */
    struct job *ending;
    char message[160];
    enum mark message_mark;
};

static const struct table_column columns[] = {
    [SESSION_ROW_PID] = {.title = N_("PID"), .width = 7, .keep = 50, .right = true},
    [SESSION_ROW_ROLE] = {.title = N_("ROLE"), .width = 9, .keep = 100},
    [SESSION_ROW_DATABASE] = {.title = N_("DATABASE"), .width = 8, .keep = 20},
    [SESSION_ROW_FROM] = {.title = N_("FROM"), .width = 13, .keep = 30},
    [SESSION_ROW_TLS] = {.title = N_("TLS"), .width = 3, .keep = 80},
    [SESSION_ROW_CERTIFICATE] = {.title = N_("CERT CN"), .width = 10, .keep = 60, .grow = true},
    [SESSION_ROW_ENDS] = {.title = N_("ENDS"), .width = 6, .keep = 40, .right = true},
    [SESSION_ROW_MARK] = {.title = N_("MARK"), .width = 14, .keep = 90},
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("SQL"), N_("the statements that the panel runs"), 90},
    {"Space", N_("Pause"), N_("stop and go on; the rows stay"), 80},
    {"/", N_("Filter"), N_("show only rows with this text; Esc clears it"), 70},
    {"s", N_("Sort"), N_("by the next column; \"worst first\" is the start"), 60},
    {"+/-", N_("Speed"), N_("ask more or less often (0.5 to 60 s)"), 50},
    {"d", N_("End..."), N_("end the session under the cursor: asks first"), 40},
    {"F5", N_("Refresh"), N_("ask the server now"), 0},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* ---- rows ---- */

static const struct session *row_at(const struct sessions_page *self, size_t row)
{
    return &session_feed_rows(self->feed)->rows[self->order[row]];
}

static const struct session_certificate *certificate_at(const struct sessions_page *self,
                                                        size_t row)
{
    return session_feed_certificate(self->feed, self->order[row]);
}

static size_t rows_count(const void *arg)
{
    const struct sessions_page *self = arg;

    return self->n;
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct sessions_page *self = arg;

    session_row_cell(row_at(self, row), certificate_at(self, row), self->drawn_at,
                     (enum session_row_column)column, out);
}

static uint64_t rows_key(const void *arg, size_t row)
{
    const struct session *session = row_at(arg, row);

    return (uint64_t)session->backend_start << 24 ^ (uint64_t)session->pid;
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    const struct sessions_page *self = arg;

    if (column != SESSION_ROW_MARK)
        return STYLE_NORMAL;
    return mark_style(
        session_row_mark(row_at(self, row), certificate_at(self, row), self->drawn_at));
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

static int compare_rows(const void *a, const void *b, void *arg)
{
    const struct sessions_page *self = arg;
    const struct sessions *rows = session_feed_rows(self->feed);
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;

    return session_row_compare(&rows->rows[x], session_feed_certificate(self->feed, x),
                               &rows->rows[y], session_feed_certificate(self->feed, y),
                               self->drawn_at, self->sort);
}

static void refresh_rows(struct sessions_page *self)
{
    const struct sessions *rows = session_feed_rows(self->feed);

    self->drawn_at = clock_now();
    if (rows == NULL)
        return;
    self->order = mem_realloc_array(self->order, rows->n, sizeof(*self->order));
    self->n = rows->n;
    for (size_t i = 0; i < rows->n; i++)
        self->order[i] = i;
    qsort_r(self->order, self->n, sizeof(*self->order), compare_rows, self);
    table_refresh(self->table);
}

/* ---- ending a session: a job with a connection of its own ---- */

struct end_job {
    struct params *params;
    int pid;
    char *start;
    bool ok;
    bool ended;
    struct err err;
};

static void end_run(struct job *job, void *data)
{
    struct end_job *self = data;
    struct conn *conn = conn_open(self->params, &(struct conn_options){0}, &self->err);

    (void)job;
    self->ok = conn != NULL && sessions_end(conn, self->pid, self->start, &self->ended, &self->err);
    conn_close(conn);
}

static void end_free(void *data)
{
    struct end_job *self = data;

    params_free(self->params);
    free(self->start);
    free(self);
}

static const struct job_ops end_ops = {"sessions: end one", end_run, end_free};

static void say(struct sessions_page *self, enum mark mark, const char *text)
{
    self->message_mark = mark;
    snprintf(self->message, sizeof(self->message), "%.159s", text);
}

static void end_asked(struct sessions_page *self)
{
    struct end_job *data;
    struct params *params = session_feed_params(self->feed);

    if (params == NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->params = params;
    data->pid = self->question_pid;
    data->start = self->question_start;
    self->question_start = NULL;
    say(self, MARK_BUSY, _("Asking the server to end the session ..."));
    self->ending = job_start(app_loop(self->app), self, &end_ops, data);
}

static void end_ended(struct sessions_page *self)
{
    struct end_job *data = job_take(self->ending);

    self->ending = NULL;
    if (!data->ok)
        say(self, MARK_BAD, data->err.msg);
    else if (data->ended)
        say(self, MARK_OK,
            _("The session was ended. Its client may connect again if it may log in."));
    else
        say(self, MARK_OK, _("The session was gone already; nothing was done."));
    end_free(data);
    session_feed_refresh(self->feed);
}

static void ask_to_end(struct sessions_page *self)
{
    const struct session *session;
    struct strbuf text = STRBUF_INIT;

    if (!table_has_row(self->table) || self->ending != NULL)
        return;
    session = row_at(self, table_row(self->table));
    if (app_read_only(self->app)) {
        say(self, MARK_WARN, _("Read only: pgseal was started with --read-only."));
    } else if (session->own) {
        say(self, MARK_WARN, _("This is pgseal's own session."));
    } else if (session->class == SESSION_HIDDEN || session->backend_start_text[0] == '\0') {
        say(self, MARK_WARN,
            _("Your role may not see this session, so it cannot be ended safely."));
    } else {
        strbuf_printf(&text, _("Session %d of \"%s\" from %s.\n"), session->pid, session->role,
                      session->class == SESSION_SOCKET ? _("the socket") : session->address);
        strbuf_add_str(&text, _("Its open transaction is rolled back. The client may connect "
                                "again."));
        self->question_pid = session->pid;
        free(self->question_start);
        self->question_start = mem_strdup(session->backend_start_text);
        self->question = dialog_new(&(struct dialog_spec){
            .title = _("End this session?"), .text = text.data, .yes = _("Yes, end it")});
    }
    strbuf_clear(&text);
}

/* ---- events ---- */

static void change_speed(struct sessions_page *self, bool faster)
{
    static const int64_t steps[] = {500, 1000, 2000, 5000, 10000, 30000, 60000};
    int64_t now = session_feed_interval(self->feed);
    int64_t then = now;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (faster && steps[i] < now)
            then = steps[i];
        if (!faster && steps[i] > now) {
            then = steps[i];
            break;
        }
    }
    session_feed_set_interval(self->feed, then);
}

static const char *sort_name(enum session_row_column sort)
{
    return sort == SESSION_ROW_MARK ? _("worst first") : _(columns[sort].title);
}

static struct nav key_event(struct sessions_page *self, uint32_t key)
{
    char text[sizeof(self->message)];

    if (table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    self->message[0] = '\0';
    switch (key) {
    case ' ':
        session_feed_pause(self->feed, !session_feed_paused(self->feed));
        break;
    case '+':
        change_speed(self, true);
        break;
    case '-':
        change_speed(self, false);
        break;
    case 's':
        self->sort = (self->sort + 1) % SESSION_ROW_COLUMNS;
        refresh_rows(self);
        snprintf(text, sizeof(text), _("Sorted by: %s."), sort_name(self->sort));
        say(self, MARK_NONE, text);
        break;
    case 'd':
        ask_to_end(self);
        break;
    case 'r':
    case KEY_CODE_F5:
        session_feed_refresh(self->feed);
        break;
    case 'q':
        return nav_quit();
    case KEY_CODE_ESC:
        if (table_key(self->table, key) == TABLE_IGNORED)
            return nav_pop();
        break;
    default:
        (void)table_key(self->table, key);
        break;
    }
    return nav_stay();
}

static void question_event(struct sessions_page *self, const struct event *event)
{
    enum dialog_answer answer = dialog_event(self->question, event);

    if (answer == DIALOG_OPEN)
        return;
    dialog_free(self->question);
    self->question = NULL;
    if (answer == DIALOG_YES)
        end_asked(self);
    else
        say(self, MARK_NONE, _("Nothing was done."));
}

static struct nav sessions_event(void *arg, const struct event *event)
{
    struct sessions_page *self = arg;
    bool new_rows = false;

    if (session_feed_event(self->feed, event, &new_rows)) {
        if (new_rows)
            refresh_rows(self);
        return nav_stay();
    }
    switch (event->type) {
    case EVENT_SHOWN:
        session_feed_start(self->feed);
        if (self->tick == NULL)
            self->tick = timer_start(app_loop(self->app), self, 1000, 1000);
        break;
    case EVENT_HIDDEN:
        session_feed_stop(self->feed);
        timer_stop(self->tick);
        self->tick = NULL;
        break;
    case EVENT_JOB:
        if (event->job == self->ending)
            end_ended(self);
        break;
    case EVENT_KEY:
        if (self->question != NULL)
            question_event(self, event);
        else
            return key_event(self, event->key);
        break;
    case EVENT_PASTE:
        table_paste(self->table, event->paste, event->paste_len);
        break;
    case EVENT_TIMER: /* only to be drawn again: the age of the rows */
    case EVENT_RESIZE:
    case EVENT_JOB_PROGRESS:
    case EVENT_WATCH:
    case EVENT_QUIT_ASKED:
    case EVENT_STOP:
        break;
    }
    return nav_stay();
}

/* ---- drawing ---- */

struct totals {
    size_t tls, clear, with_certificate, revoked, hidden, need_look;
};

static struct totals count(const struct sessions_page *self)
{
    struct totals totals = {0};

    for (size_t i = 0; i < self->n; i++) {
        const struct session *session = row_at(self, i);
        const struct session_certificate *certificate = certificate_at(self, i);

        totals.tls += session->class == SESSION_TLS || session->class == SESSION_TLS_CERT;
        totals.with_certificate += session->class == SESSION_TLS_CERT;
        totals.clear += session->class == SESSION_CLEAR;
        totals.hidden += session->class == SESSION_HIDDEN;
        totals.revoked += certificate != NULL && certificate->revoked_at != 0;
        totals.need_look += session_row_needs_look(session, certificate, self->drawn_at);
    }
    return totals;
}

static void draw_totals(const struct sessions_page *self, struct canvas *body)
{
    struct totals totals = count(self);
    int at = canvas_printf(body, 0, 2, STYLE_STRONG,
                           ngettext("%zu session", "%zu sessions", self->n), self->n);

    at = canvas_printf(body, 0, at + 2, STYLE_NORMAL, _("%zu with TLS"), totals.tls);
    at = canvas_printf(body, 0, at + 2, STYLE_NORMAL, _("%zu without"), totals.clear);
    if (totals.clear > 0)
        at = canvas_mark(body, 0, at + 1, MARK_WARN);
    at = canvas_printf(body, 0, at + 2, STYLE_NORMAL, _("%zu with cert"), totals.with_certificate);
    if (totals.revoked > 0) {
        at = canvas_printf(body, 0, at + 2, STYLE_NORMAL, _("%zu revoked"), totals.revoked);
        at = canvas_mark(body, 0, at + 1, MARK_BAD);
    }
    if (totals.hidden > 0)
        canvas_printf(body, 0, at + 2, STYLE_NORMAL, _("%zu hidden"), totals.hidden);
}

/* Before the first rows: what is waited for, or why there are none. */
static void draw_nothing(const struct sessions_page *self, struct canvas *body)
{
    const struct err *err = session_feed_error(self->feed);
    int width = canvas_columns(body) - 4;
    int row = 1;

    if (session_feed_state(self->feed) != SESSION_FEED_AWAY) {
        canvas_mark(body, 1, 2, MARK_BUSY);
        canvas_printf(body, 1, 7, STYLE_NORMAL, _("Connecting to %s ..."), app_server(self->app));
        return;
    }
    canvas_mark(body, row, 2, MARK_BAD);
    row += canvas_wrap(body, row, 7, width - 5, 3, STYLE_NORMAL, err->msg);
    row += canvas_wrap(body, row + 1, 2, width, 3, STYLE_NORMAL, err_cause_text(err)) + 1;
    row += canvas_wrap(body, row + 1, 2, width, 3, STYLE_NORMAL, err_hint_text(err)) + 1;
    canvas_text(body, row + 1, 2, STYLE_NORMAL,
                err->code == ERR_LOGIN ? _("A password is taken from ~/.pgpass.")
                                       : _("It is tried again by itself."));
}

static void draw_sheet(const struct sessions_page *self, struct canvas *body, int row, int rows)
{
    struct strbuf text = STRBUF_INIT;
    size_t at;

    if (rows <= 0 || !table_has_row(self->table))
        return;
    at = table_row(self->table);
    session_row_explain(row_at(self, at), certificate_at(self, at), self->drawn_at, &text);
    canvas_wrap(body, row, 2, canvas_columns(body) - 4, rows, STYLE_NORMAL, text.data);
    strbuf_clear(&text);
}

static void sessions_draw(const void *arg, struct canvas *body)
{
    const struct sessions_page *self = arg;
    int rows = canvas_rows(body);
    int sheet = rows >= 12 ? SHEET_ROWS + 1 : 0;

    if (session_feed_rows(self->feed) == NULL) {
        draw_nothing(self, body);
    } else {
        draw_totals(self, body);
        draw_sheet(self, body, rows - sheet + 1, sheet - 1);
        table_draw(self->table, body, rows >= 10 ? 2 : 1, rows - sheet - (rows >= 10 ? 2 : 1),
                   self->question == NULL);
    }
    if (self->question != NULL)
        dialog_draw(self->question, body);
}

static void state_message(const struct sessions_page *self, struct frame *ret)
{
    int64_t age = session_feed_age_ms(self->feed);
    bool have = session_feed_rows(self->feed) != NULL;

    if (session_feed_state(self->feed) == SESSION_FEED_AWAY) {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("Stale since %lld s: %.120s"),
                 (long long)(have ? age / 1000 : 0), session_feed_error(self->feed)->msg);
    } else if (have && session_feed_silence_ms(self->feed) > SILENCE_MS) {
        ret->message_mark = MARK_WARN;
        snprintf(ret->message, sizeof(ret->message),
                 _("The server does not answer. These rows are %lld s old."),
                 (long long)(age / 1000));
    } else if (have) {
        struct totals totals = count(self);

        ret->message_mark = totals.need_look > 0 ? MARK_WARN : MARK_OK;
        snprintf(ret->message, sizeof(ret->message),
                 ngettext("%zu of %zu sessions needs a look.", "%zu of %zu sessions need a look.",
                          totals.need_look),
                 totals.need_look, self->n);
    }
}

static void sessions_frame(const void *arg, struct frame *ret)
{
    const struct sessions_page *self = arg;
    int version = session_feed_server_version(self->feed);
    int64_t interval = session_feed_interval(self->feed);
    char when[CLOCK_TEXT_MAX];
    const char *filter = table_filter(self->table);

    snprintf(ret->title, sizeof(ret->title), "%s", _("SSL sessions (live)"));
    if (version > 0)
        snprintf(ret->right, sizeof(ret->right), _("server: %.40s  PG %d.%d"),
                 app_server(self->app), version / 10000, version % 10000);
    else
        snprintf(ret->right, sizeof(ret->right), _("server: %.40s"), app_server(self->app));
    clock_format_rfc3339(when, self->drawn_at);
    if (session_feed_paused(self->feed))
        snprintf(ret->path, sizeof(ret->path), _("Home > SSL sessions   PAUSED at %.8s UTC"),
                 when + 11);
    else
        snprintf(ret->path, sizeof(ret->path),
                 _("Home > SSL sessions   every %lld.%lld s   %.8s UTC"),
                 (long long)(interval / 1000), (long long)(interval % 1000 / 100), when + 11);
    snprintf(ret->path_right, sizeof(ret->path_right), _("filter: %.24s"),
             filter[0] != '\0' ? filter : _("none"));
    ret->why =
        _("A revoked certificate stops NEW logins only; d ends a session that is open already. "
          "The marks are words on purpose: they work without colour. Source: pg_stat_ssl and "
          "pg_stat_activity, read only.");
    ret->help =
        _("Each row is a session as the server sees it now. [ok] TLS with a good certificate. "
          "[!!] look at it. [xx] act. [--] nothing to say. \"hidden\": your role may not see it. "
          "Behind a pooler such as PgBouncer the client's own TLS is not visible here.");
    ret->word = "backend/session";
    ret->bindings = bindings;
    ret->text_focus = table_takes_text(self->table);
    if (self->message[0] != '\0') {
        ret->message_mark = self->message_mark;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else {
        state_message(self, ret);
    }
    if (self->question != NULL)
        dialog_frame(self->question, ret);
}

/* The statement behind d, with the row under the cursor, or with one that nobody has. */
static void add_terminate(const struct sessions_page *self, struct strbuf *out)
{
    const struct session *session =
        table_has_row(self->table) ? row_at(self, table_row(self->table)) : NULL;
    bool known = session != NULL && session->backend_start_text[0] != '\0';

    strbuf_printf(out,
                  "SELECT pg_catalog.pg_terminate_backend(pid)\n"
                  "  FROM pg_catalog.pg_stat_activity\n"
                  " WHERE pid = %d AND backend_start = ",
                  known ? session->pid : 0);
    if (!text_quote_sql_literal(out, known ? session->backend_start_text : "now"))
        strbuf_add_str(out, "NULL");
    strbuf_add_str(out, "\n   AND pid <> pg_catalog.pg_backend_pid();\n");
}

static void sessions_commands(const void *arg, struct strbuf *out)
{
    const struct sessions_page *self = arg;
    int version = session_feed_server_version(self->feed);
    struct strbuf name = STRBUF_INIT;

    strbuf_add_str(out, _("-- what the panel asks: one scan of what the views are made of\n"));
    strbuf_add_str(out, sessions_sql(version > 0 ? version : 150000));
    strbuf_add_str(
        out, _(";\n\n-- what d runs, after a question: only when both still belong together\n"));
    add_terminate(self, out);
    strbuf_add_str(out, _("\n-- the same as a command\n"));
    if (text_quote_shell(&name, app_server(self->app)))
        strbuf_printf(out, "-- pgseal sessions %s --once\n", name.data);
    strbuf_clear(&name);
}

static void sessions_free(void *arg)
{
    struct sessions_page *self = arg;

    timer_stop(self->tick);
    session_feed_free(self->feed);
    table_free(self->table);
    dialog_free(self->question);
    free(self->question_start);
    free(self->order);
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
    self->sort = SESSION_ROW_MARK;
    self->drawn_at = clock_now();
    self->feed = session_feed_new(app, self, app_server(app));
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    return screen_new(&sessions_ops, self);
}
