/* session_end.c - ending sessions from the live panel. */
#include "config.h"

#include "screens/session_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct target {
    size_t feed;
    int pid;
    char *start; /* backend_start, exact */
};

struct targets {
    struct target *rows; /* in the order of feeds */
    size_t n;
};

struct session_end {
    struct app *app;
    void *owner;
    struct session_feed *const *feeds;
    struct dialog *dialog;
    struct targets targets;
    struct job *job;
};

static void targets_clear(struct targets *targets)
{
    for (size_t i = 0; i < targets->n; i++)
        free(targets->rows[i].start);
    free(targets->rows);
    memset(targets, 0, sizeof(*targets));
}

/* ---- the job ---- */

struct way { /* to a server */
    struct params *params;
    struct secret *password;
};

struct end_job {
    struct targets targets;
    struct way *ways; /* by feed */
    size_t n_ways;
    size_t ended, gone, failed;
    struct err err; /* the first */
};

static void end_one(struct conn *conn, const struct target *target, struct end_job *self)
{
    struct err err = ERR_INIT;
    bool ended = false;

    if (!sessions_end(conn, target->pid, target->start, &ended, &err)) {
        self->failed++;
        if (self->err.code == ERR_NONE)
            self->err = err;
    } else if (ended) {
        self->ended++;
    } else {
        self->gone++;
    }
}

static void end_run(struct job *job, void *data)
{
    struct end_job *self = data;
    struct conn *conn = NULL;
    size_t open = SIZE_MAX;

    for (size_t i = 0; i < self->targets.n && !job_cancelled(job); i++) {
        const struct target *target = &self->targets.rows[i];
        const struct way *way = &self->ways[target->feed];
        struct err err = ERR_INIT;

        if (target->feed != open) {
            conn_close(conn);
            conn = conn_open(way->params, &(struct conn_options){.password = way->password}, &err);
            open = target->feed;
            if (conn == NULL && self->err.code == ERR_NONE)
                self->err = err;
        }
        if (conn == NULL)
            self->failed++;
        else
            end_one(conn, target, self);
    }
    conn_close(conn);
}

static void end_free(void *data)
{
    struct end_job *self = data;

    for (size_t i = 0; i < self->n_ways; i++) {
        params_free(self->ways[i].params);
        secret_free(self->ways[i].password);
    }
    free(self->ways);
    targets_clear(&self->targets);
    free(self);
}

static const struct job_ops end_ops = {"sessions: end", end_run, end_free};

static void start(struct session_end *end)
{
    struct end_job *data = mem_zalloc(sizeof(*data));

    for (size_t i = 0; i < end->targets.n; i++)
        if (end->targets.rows[i].feed >= data->n_ways)
            data->n_ways = end->targets.rows[i].feed + 1;
    data->ways = mem_array(data->n_ways + 1, sizeof(*data->ways));
    for (size_t i = 0; i < end->targets.n; i++) {
        struct way *way = &data->ways[end->targets.rows[i].feed];

        if (way->params != NULL)
            continue;
        way->params = session_feed_params(end->feeds[end->targets.rows[i].feed]);
        way->password = session_feed_password(end->feeds[end->targets.rows[i].feed]);
    }
    data->targets = end->targets;
    memset(&end->targets, 0, sizeof(end->targets));
    end->job = job_start(app_loop(end->app), end->owner, &end_ops, data);
}

static enum mark tell(const struct end_job *data, char *message, size_t size)
{
    if (data->failed > 0 && data->ended + data->gone == 0) {
        snprintf(message, size, "%.150s", data->err.msg);
        return MARK_BAD;
    }
    if (data->failed > 0) {
        snprintf(message, size, _("%zu ended, %zu could not be: %.100s"), data->ended, data->failed,
                 data->err.msg);
        return MARK_BAD;
    }
    if (data->ended + data->gone > 1)
        snprintf(message, size, _("%zu sessions were ended, %zu were gone already."), data->ended,
                 data->gone);
    else if (data->ended == 1)
        snprintf(message, size, "%s",
                 _("The session was ended. Its client may connect again if it may log in."));
    else
        snprintf(message, size, "%s", _("The session was gone already; nothing was done."));
    return MARK_OK;
}

/* ---- the question ---- */

static const char *why_not(const struct session_end *end, const struct session_line *line)
{
    if (app_read_only(end->app))
        return _("Read only: pgseal was started with --read-only.");
    if (end->job != NULL)
        return _("Sessions are being ended; wait for that first.");
    if (line == NULL)
        return _("There is no session to end.");
    if (line->session->own)
        return _("This is pgseal's own session.");
    if (line->session->class == SESSION_HIDDEN || line->session->backend_start_text[0] == '\0')
        return _("Your role may not see this session, so it cannot be ended safely.");
    return NULL;
}

static void add_target(struct targets *targets, const struct session_line *line)
{
    targets->rows = mem_realloc_array(targets->rows, targets->n + 1, sizeof(*targets->rows));
    targets->rows[targets->n++] =
        (struct target){.feed = line->feed,
                        .pid = line->session->pid,
                        .start = mem_strdup(line->session->backend_start_text)};
}

static bool is_replication(const struct session_line *line)
{
    return strcmp(line->session->backend_type, "walsender") == 0;
}

static void open_dialog(struct session_end *end, const char *title, const char *text,
                        const char *yes, const char *name)
{
    dialog_free(end->dialog);
    end->dialog = dialog_new(&(struct dialog_spec){
        .title = title,
        .text = text,
        .yes = yes,
        .name = name,
        .why = _("The statement names the process id and the exact time when the session began, so "
                 "that no other session can be hit. Who may log in comes back.")});
}

const char *session_end_ask(struct session_end *end, const struct session_line *line)
{
    const char *problem = why_not(end, line);
    struct strbuf text = STRBUF_INIT;
    const struct session *session;

    if (problem != NULL)
        return problem;
    session = line->session;
    targets_clear(&end->targets);
    add_target(&end->targets, line);
    strbuf_printf(&text, _("Session %d of \"%s\" from %s.\n"), session->pid, session->role,
                  session->class == SESSION_SOCKET ? _("the socket") : session->address);
    if (is_replication(line))
        strbuf_add_str(&text, _("It is REPLICATION: a standby or a backup falls behind until it "
                                "comes back.\n"));
    else
        strbuf_add_str(&text, _("Its open transaction is rolled back. The client may connect "
                                "again.\n"));
    sessions_end_sql(session->pid, session->backend_start_text, &text);
    open_dialog(end, _("End this session?"), text.data, _("Yes, end it"),
                session_feed_production(end->feeds[line->feed]) ? line->server : NULL);
    strbuf_clear(&text);
    return NULL;
}

static int compare_targets(const void *a, const void *b)
{
    const struct target *x = a;
    const struct target *y = b;

    return (x->feed > y->feed) - (x->feed < y->feed);
}

const char *session_end_ask_all(struct session_end *end, const struct session_line *const *lines,
                                size_t n, const char *what)
{
    struct strbuf text = STRBUF_INIT;
    const struct session_line *first = NULL;
    char title[64], number[24];
    size_t spared = 0;

    if (app_read_only(end->app) || end->job != NULL)
        return why_not(end, NULL);
    targets_clear(&end->targets);
    for (size_t i = 0; i < n; i++) {
        if (why_not(end, lines[i]) != NULL || is_replication(lines[i]) ||
            (lines[i]->findings & FINDING_SYSTEM) != 0) {
            spared++;
            continue;
        }
        first = first != NULL ? first : lines[i];
        add_target(&end->targets, lines[i]);
    }
    if (first == NULL)
        return _("None of these can be ended: your own, hidden, or replication.");
    if (end->targets.n == 1 && spared == 0)
        return session_end_ask(end, first);
    qsort(end->targets.rows, end->targets.n, sizeof(*end->targets.rows), compare_targets);
    strbuf_printf(&text, _("All %s. Their open transactions are rolled back.\n"), what);
    if (spared > 0)
        strbuf_printf(&text,
                      _("%zu are spared: pgseal's own, hidden, replication, or the "
                        "provider's. d on one of them asks for it alone.\n"),
                      spared);
    sessions_end_sql(first->session->pid, first->session->backend_start_text, &text);
    strbuf_printf(&text, _("\nand %zu more like it."), end->targets.n - 1);
    snprintf(title, sizeof(title), _("End %zu sessions?"), end->targets.n);
    snprintf(number, sizeof(number), "%zu", end->targets.n);
    open_dialog(end, title, text.data, _("Yes, end them"), number);
    strbuf_clear(&text);
    return NULL;
}

/* ---- for the page ---- */

struct session_end *session_end_new(struct app *app, void *owner, struct session_feed *const *feeds)
{
    struct session_end *end = mem_zalloc(sizeof(*end));

    end->app = app;
    end->owner = owner;
    end->feeds = feeds;
    return end;
}

void session_end_free(struct session_end *end)
{
    if (end == NULL)
        return;
    dialog_free(end->dialog);
    targets_clear(&end->targets);
    free(end);
}

void session_end_set_feeds(struct session_end *end, struct session_feed *const *feeds)
{
    end->feeds = feeds;
}

bool session_end_is_open(const struct session_end *end)
{
    return end->dialog != NULL;
}

void session_end_draw(const struct session_end *end, struct canvas *canvas)
{
    dialog_draw(end->dialog, canvas);
}

void session_end_frame(const struct session_end *end, struct frame *ret)
{
    dialog_frame(end->dialog, ret);
}

static void answered(struct session_end *end, enum dialog_answer answer, enum mark *ret_mark,
                     char *message, size_t size)
{
    dialog_free(end->dialog);
    end->dialog = NULL;
    if (answer != DIALOG_YES) {
        targets_clear(&end->targets);
        *ret_mark = MARK_NONE;
        snprintf(message, size, "%s", _("Nothing was done."));
        return;
    }
    *ret_mark = MARK_BUSY;
    snprintf(message, size, "%s",
             end->targets.n > 1 ? _("Asking the server to end the sessions ...")
                                : _("Asking the server to end the session ..."));
    start(end);
}

bool session_end_event(struct session_end *end, const struct event *event, enum mark *ret_mark,
                       char *message, size_t size)
{
    if (event->type == EVENT_JOB && end->job != NULL && event->job == end->job) {
        struct end_job *data = job_take(end->job);

        end->job = NULL;
        *ret_mark = tell(data, message, size);
        end_free(data);
        return true;
    }
    if (end->dialog != NULL && (event->type == EVENT_KEY || event->type == EVENT_PASTE)) {
        enum dialog_answer answer = dialog_event(end->dialog, event);

        message[0] = '\0';
        if (answer != DIALOG_OPEN)
            answered(end, answer, ret_mark, message, size);
        return true;
    }
    return false;
}
