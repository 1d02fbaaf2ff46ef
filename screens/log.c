/* log.c - what was done to servers: each change with its steps, and taking it back. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/journal.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "screens/plan_page.h"
#include "tui/table.h"

#define PLANS_MAX 500

enum column { COLUMN_ID, COLUMN_WHEN, COLUMN_SERVER, COLUMN_STATE, COLUMN_WHAT };

struct log_job {
    char *store_folder;
    struct journal_plan_list plans;
    struct err err;
};

struct log_page {
    struct app *app;
    struct table *table;
    struct log_job *list; /* NULL: not read yet */
    struct job *job;
    char message[160];
    enum mark message_mark;
};

static const struct table_column columns[] = {
    [COLUMN_ID] = {.title = N_("NO"), .width = 5, .keep = 90, .right = true},
    [COLUMN_WHEN] = {.title = N_("WHEN (UTC)"), .width = 16, .keep = 40},
    [COLUMN_SERVER] = {.title = N_("SERVER"), .width = 12, .keep = 60},
    [COLUMN_STATE] = {.title = N_("STATE"), .width = 14, .keep = 100},
    [COLUMN_WHAT] = {.title = N_("WHAT"), .width = 20, .keep = 80, .grow = true},
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 60},
    {N_("Enter"), N_("Steps"), N_("the steps of this change"), 80},
    {"u", N_("Undo..."), N_("take this change back: asks first"), 85},
    {"k", N_("Keep..."), N_("keep a change that was proven and not kept: asks first"), 70},
    {"a", N_("File..."), N_("do what a saved plan says, on the chosen server: shown first"), 50},
    {"/", N_("Filter"), N_("show only rows with this text; Esc clears it"), 40},
    {"F5", N_("Refresh"), N_("read the journal again"), 0},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* ---- states, for people ---- */

static bool is_open(enum journal_plan_state state)
{
    return state == JOURNAL_DOING || state == JOURNAL_DONE || state == JOURNAL_LEFT;
}

static enum mark state_mark(enum journal_plan_state state)
{
    switch (state) {
    case JOURNAL_READY:
        return MARK_TODO;
    case JOURNAL_DOING:
    case JOURNAL_DONE:
        return MARK_WARN;
    case JOURNAL_KEPT:
        return MARK_OK;
    case JOURNAL_UNDONE:
    case JOURNAL_FAILED:
        return MARK_OFF;
    case JOURNAL_LEFT:
        break;
    }
    return MARK_BAD;
}

static const char *state_text(enum journal_plan_state state)
{
    switch (state) {
    case JOURNAL_READY:
        return _("planned");
    case JOURNAL_DOING:
        return _("begun");
    case JOURNAL_DONE:
        return _("not kept");
    case JOURNAL_KEPT:
        return _("kept");
    case JOURNAL_UNDONE:
        return _("undone");
    case JOURNAL_FAILED:
        return _("no change");
    case JOURNAL_LEFT:
        break;
    }
    return _("half undone");
}

static const char *state_why(enum journal_plan_state state)
{
    switch (state) {
    case JOURNAL_READY:
        return _("It was planned and never begun: nothing was changed.");
    case JOURNAL_DOING:
        return _("It was begun and not finished: pgseal was killed, or another one is at it right "
                 "now. If none is, take it back: u.");
    case JOURNAL_DONE:
        return _("It was applied and proven, but nobody said \"keep\": pgseal was killed, or "
                 "another one is asking right now. If none is: u takes it back, k keeps it.");
    case JOURNAL_KEPT:
        return _("It was kept. u takes it back as long as nobody has changed the same things "
                 "since.");
    case JOURNAL_UNDONE:
        return _("It was taken back: the server was again as before.");
    case JOURNAL_FAILED:
        return _("It failed before anything was changed.");
    case JOURNAL_LEFT:
        break;
    }
    return _("It could not be taken back whole. u tries again; Enter shows which steps are left.");
}

/* ---- rows ---- */

static const struct journal_plan *plan_at(const struct log_page *self, size_t row)
{
    return self->list->plans.rows[row];
}

static size_t rows_count(const void *arg)
{
    const struct log_page *self = arg;

    return self->list != NULL ? self->list->plans.n : 0;
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct journal_plan *plan = plan_at(arg, row);
    char date[CLOCK_TEXT_MAX];

    switch ((enum column)column) {
    case COLUMN_ID:
        strbuf_printf(out, "%lld", (long long)plan->id);
        break;
    case COLUMN_WHEN:
        strbuf_add_str(out, clock_format_minute(date, plan->created_at));
        break;
    case COLUMN_SERVER:
        text_clean(out, plan->server, strlen(plan->server), TEXT_ONE_LINE);
        break;
    case COLUMN_STATE:
        strbuf_printf(out, "%s %s", mark_text(state_mark(plan->state)), state_text(plan->state));
        break;
    case COLUMN_WHAT:
        text_clean(out, plan->title, strlen(plan->title), TEXT_ONE_LINE);
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t row)
{
    return (uint64_t)plan_at(arg, row)->id;
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    return column == COLUMN_STATE ? mark_style(state_mark(plan_at(arg, row)->state)) : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

static const struct journal_plan *here(const struct log_page *self)
{
    if (self->list == NULL || !table_has_row(self->table))
        return NULL;
    return plan_at(self, table_row(self->table));
}

static size_t count_open(const struct log_page *self)
{
    size_t n = 0;

    for (size_t i = 0; self->list != NULL && i < self->list->plans.n; i++)
        n += is_open(plan_at(self, i)->state);
    return n;
}

/* ---- the job ---- */

static void log_run(struct job *job, void *data)
{
    struct log_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    (void)job;
    if (store == NULL && self->err.code == ERR_NO_STORE)
        self->err = (struct err)ERR_INIT; /* nothing was done yet */
    if (store != NULL)
        (void)!journal_list(store, NULL, PLANS_MAX, &self->plans, &self->err);
    store_close(store);
}

static void log_job_free(void *data)
{
    struct log_job *self = data;

    if (self == NULL)
        return;
    journal_plan_list_clear(&self->plans);
    free(self->store_folder);
    free(self);
}

static const struct job_ops log_ops = {"log", log_run, log_job_free};

static void refresh(struct log_page *self)
{
    struct log_job *data;

    if (self->job != NULL)
        return;
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(self->app));
    self->job = job_start(app_loop(self->app), self, &log_ops, data);
}

static void read_ended(struct log_page *self)
{
    bool first = self->list == NULL;
    size_t before = first ? 0 : self->list->plans.n;

    log_job_free(self->list);
    self->list = job_take(self->job);
    self->job = NULL;
    table_refresh(self->table);
    if (!first && self->list->plans.n > before) /* made from here: the cursor is on it */
        (void)table_select(self->table, rows_key(self, 0));
    for (size_t i = 0; first && i < self->list->plans.n; i++) { /* what is open comes first */
        if (is_open(plan_at(self, i)->state)) {
            (void)table_select(self->table, rows_key(self, i));
            break;
        }
    }
}

/* ---- events ---- */

static void say(struct log_page *self, enum mark mark, const char *text)
{
    self->message_mark = mark;
    snprintf(self->message, sizeof(self->message), "%.159s", text);
}

static struct nav show_steps(const struct log_page *self)
{
    const struct journal_plan *plan = here(self);
    struct strbuf text = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX], path[80];
    struct screen *page;

    if (plan == NULL)
        return nav_stay();
    strbuf_printf(&text, "%s\n", plan->title);
    strbuf_printf(&text, _("made %s UTC, %s\n\n"), clock_format_minute(date, plan->created_at),
                  state_text(plan->state));
    for (size_t i = 0; i < plan->n_steps; i++)
        strbuf_printf(&text, "%3d  %-8s %s\n", plan->steps[i].n,
                      journal_step_state_name(plan->steps[i].state), plan->steps[i].title);
    strbuf_printf(&text, "\n%s\n", state_why(plan->state));
    snprintf(path, sizeof(path), _("Home > Log > plan %lld"), (long long)plan->id);
    page = page_text(_("Log and undo"), path, text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

static struct nav undo(struct log_page *self)
{
    const struct journal_plan *plan = here(self);

    if (plan == NULL)
        return nav_stay();
    if (plan->state == JOURNAL_KEPT || is_open(plan->state))
        return nav_push(page_plan_undo(self->app, plan->server, plan->id));
    say(self, MARK_WARN, _("There is nothing to take back: it is undone, or changed nothing."));
    return nav_stay();
}

static struct nav keep(struct log_page *self)
{
    const struct journal_plan *plan = here(self);

    if (plan == NULL)
        return nav_stay();
    if (plan->state == JOURNAL_DONE)
        return nav_push(page_plan_keep(self->app, plan->server, plan->id));
    say(self, MARK_WARN, _("Only what was proven and not kept yet can be kept."));
    return nav_stay();
}

static struct nav key_event(struct log_page *self, uint32_t key)
{
    if (table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    self->message[0] = '\0';
    switch (key) {
    case KEY_CODE_ENTER:
        return show_steps(self);
    case 'u':
        return undo(self);
    case 'a':
        if (app_server(self->app)[0] != '\0')
            return nav_push(page_plan_file(self->app));
        say(self, MARK_WARN, _("No server is known: add one first."));
        break;
    case 'k': /* not "up": here it is a word */
        return keep(self);
    case 'r':
    case KEY_CODE_F5:
        refresh(self);
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

static struct nav log_event(void *arg, const struct event *event)
{
    struct log_page *self = arg;

    switch (event->type) {
    case EVENT_SHOWN:
        (void)app_take_done(self->app); /* an undo is over: this page stays, with the news */
        refresh(self);
        break;
    case EVENT_JOB:
        if (event->job == self->job)
            read_ended(self);
        break;
    case EVENT_KEY:
        return key_event(self, event->key);
    case EVENT_PASTE:
        table_paste(self->table, event->paste, event->paste_len);
        break;
    case EVENT_HIDDEN:
    case EVENT_RESIZE:
    case EVENT_JOB_PROGRESS:
    case EVENT_TIMER:
    case EVENT_WATCH:
    case EVENT_QUIT_ASKED:
    case EVENT_STOP:
        break;
    }
    return nav_stay();
}

/* ---- drawing ---- */

static void log_draw(const void *arg, struct canvas *body)
{
    const struct log_page *self = arg;
    const struct journal_plan *plan = here(self);

    if (error_view_instead(self->list != NULL ? &self->list->err : NULL, _("reading the journal"),
                           body))
        return;
    if (self->list->plans.n == 0) {
        canvas_text(body, 0, 2, STYLE_STRONG, _("No server was changed yet."));
        canvas_wrap(body, 2, 2, canvas_columns(body) - 4, 3, STYLE_NORMAL,
                    _("Every change to a server is written down here, step by step, before and "
                      "after it is made. That is what it can be taken back from."));
    } else {
        int sheet = table_sheet_at(self->table, canvas_rows(body), 1);

        table_draw(self->table, body, 0, sheet - 1, true);
        if (plan != NULL)
            canvas_field(body, sheet, 2, canvas_columns(body) - 4, STYLE_STRONG, plan->title);
    }
}

static void log_frame(const void *arg, struct frame *ret)
{
    const struct log_page *self = arg;
    const struct journal_plan *plan = here(self);
    size_t open = count_open(self);

    snprintf(ret->title, sizeof(ret->title), "%s", _("Log and undo"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Log"));
    if (self->list != NULL)
        snprintf(ret->path_right, sizeof(ret->path_right),
                 ngettext("%zu change", "%zu changes", self->list->plans.n), self->list->plans.n);
    ret->bindings = bindings;
    ret->word = "reload";
    ret->text_focus = table_takes_text(self->table);
    ret->help = _("[ok] kept.  [--] undone, or nothing was changed.  [!!] begun, and neither kept "
                  "nor undone.  [xx] not everything could be taken back.\nA change is taken back "
                  "from what the journal says about before; the last change of a server first.");
    ret->why = plan != NULL ? state_why(plan->state)
                            : _("Nothing is lost: what was begun is found here again.");
    if (self->message[0] != '\0') {
        ret->message_mark = self->message_mark;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else if (open > 0) {
        ret->message_mark = MARK_WARN;
        snprintf(ret->message, sizeof(ret->message),
                 ngettext("%zu change is open: u takes it back, k keeps it, Enter shows it.",
                          "%zu changes are open: u takes one back, k keeps it, Enter shows it.",
                          open),
                 open);
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Enter shows the steps.  u takes a change back (asks first)."));
    }
}

static void log_commands(const void *arg, struct strbuf *out)
{
    const struct log_page *self = arg;
    const struct journal_plan *plan = here(self);

    strbuf_add_str(out, "pgseal plan list\n");
    if (plan != NULL)
        strbuf_printf(out, "pgseal plan show %lld\npgseal server undo %s %lld\n",
                      (long long)plan->id, plan->server, (long long)plan->id);
}

static void log_free(void *arg)
{
    struct log_page *self = arg;

    log_job_free(self->list);
    table_free(self->table);
    free(self);
}

static const struct screen_ops log_page_ops = {
    .name = "log",
    .event = log_event,
    .draw = log_draw,
    .frame = log_frame,
    .commands = log_commands,
    .free = log_free,
};

struct screen *page_log(struct app *app)
{
    struct log_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    return screen_new(&log_page_ops, self);
}
