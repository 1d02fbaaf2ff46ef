/* history.c - who did what when: the store's own log, page by page. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/history.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "tui/table.h"
#include "tui/text_field.h"

#define PAGE_ROWS  200
#define ROWS_MAX   5000 /* that are held at once: further back by finding */
#define FIND_MAX   100
#define FIND_WIDTH 40
#define EDGE       20 /* rows from the end at which the next ones are read */

enum column { COLUMN_WHEN, COLUMN_WHO, COLUMN_ACT, COLUMN_OBJECT };

struct history_job {
    char *store_folder, *search;
    int64_t before;
    struct history rows;
    struct err err;
};

struct history_page {
    struct app *app;
    struct table *table;
    struct history rows; /* all that were read */
    bool read, all;      /* once; to the beginning */
    struct err err;
    struct job *job;
    bool anew; /* the find has changed while a job was reading */
    struct text_field *find;
    bool finding;
    char *search; /* what rows were read for; "" for all */
};

static const struct table_column columns[] = {
    [COLUMN_WHEN] = {.title = N_("WHEN (UTC)"), .width = 16, .keep = 80},
    [COLUMN_WHO] = {.title = N_("WHO"), .width = 10, .keep = 60},
    [COLUMN_ACT] = {.title = N_("WHAT"), .width = 16, .keep = 100},
    [COLUMN_OBJECT] = {.title = N_("ON"), .width = 20, .keep = 90, .grow = true},
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 60},
    {"/", N_("Find"), N_("by the beginning of act, object or person, or inside the detail"), 90},
    {N_("Enter"), N_("Whole"), N_("the row with all its text"), 80},
    {"F5", N_("Refresh"), N_("read the log again"), 40},
    {"Esc", N_("Back"), N_("one step back; clears what is found first"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};
static const struct binding finding_keys[] = {
    {N_("Letters"), N_("Find"), N_("the beginning of act, object or person"), 90},
    {N_("Enter"), N_("Keep"), N_("back to the list, which stays narrowed"), 80},
    {"Esc", N_("Clear"), N_("the whole log again"), 95},
    {NULL, NULL, NULL, 0},
};

/* ---- rows ---- */

static size_t rows_count(const void *arg)
{
    const struct history_page *self = arg;

    return self->rows.n;
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct history_page *self = arg;
    const struct history_row *entry = &self->rows.rows[row];
    char date[CLOCK_TEXT_MAX];

    switch ((enum column)column) {
    case COLUMN_WHEN:
        strbuf_add_str(out, clock_format_minute(date, entry->at));
        break;
    case COLUMN_WHO:
        text_clean(out, entry->who, strlen(entry->who), TEXT_ONE_LINE);
        break;
    case COLUMN_ACT:
        text_clean(out, entry->act, strlen(entry->act), TEXT_ONE_LINE);
        break;
    case COLUMN_OBJECT:
        text_clean(out, entry->object, strlen(entry->object), TEXT_ONE_LINE);
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t row)
{
    const struct history_page *self = arg;

    return (uint64_t)self->rows.rows[row].id;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, NULL};

static const struct history_row *here(const struct history_page *self)
{
    return table_has_row(self->table) ? &self->rows.rows[table_row(self->table)] : NULL;
}

/* ---- reading ---- */

static void history_run(struct job *job, void *data)
{
    struct history_job *self = data;
    struct history_filter filter = {.search = self->search[0] != '\0' ? self->search : NULL,
                                    .limit = PAGE_ROWS,
                                    .before = self->before};
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);

    (void)job;
    if (store == NULL && self->err.code == ERR_NO_STORE)
        self->err = (struct err)ERR_INIT; /* nothing was done yet */
    if (store != NULL)
        (void)!history_list(store, &filter, &self->rows, &self->err); /* the page reads err */
    store_close(store);
}

static void history_job_free(void *data)
{
    struct history_job *self = data;

    history_clear(&self->rows);
    free(self->store_folder);
    free(self->search);
    free(self);
}

static const struct job_ops history_ops = {"history", history_run, history_job_free};

static void ask(struct history_page *self, int64_t before)
{
    struct history_job *data;

    if (self->job != NULL) {
        self->anew = self->anew || before == 0;
        return;
    }
    data = mem_zalloc(sizeof(*data));
    data->store_folder = mem_strdup(app_store_folder(self->app));
    data->search = mem_strdup(self->search);
    data->before = before;
    self->job = job_start(app_loop(self->app), self, &history_ops, data);
}

/* The rows of the job behind those that are there. */
static void append(struct history_page *self, struct history *more)
{
    if (more->n == 0)
        return;
    self->rows.rows =
        mem_realloc_array(self->rows.rows, self->rows.n + more->n, sizeof(*self->rows.rows));
    memcpy(self->rows.rows + self->rows.n, more->rows, more->n * sizeof(*more->rows));
    self->rows.n += more->n;
    more->n = 0; /* their strings are the page's now */
}

static void job_ended(struct history_page *self)
{
    struct history_job *data = job_take(self->job);

    self->job = NULL;
    if (self->anew) {
        self->anew = false;
        history_job_free(data);
        ask(self, 0);
        return;
    }
    self->read = true;
    self->err = data->err;
    if (data->before == 0)
        history_clear(&self->rows);
    self->all = data->rows.n < PAGE_ROWS;
    append(self, &data->rows);
    history_job_free(data);
    table_refresh(self->table);
}

static void read_on(struct history_page *self)
{
    if (table_has_row(self->table) && !self->all && self->job == NULL && self->rows.n < ROWS_MAX &&
        table_row(self->table) + EDGE >= self->rows.n)
        ask(self, self->rows.rows[self->rows.n - 1].id);
}

/* ---- events ---- */

static void take_find(struct history_page *self)
{
    const char *text = text_field_get(self->find);

    if (text_equal(text, self->search))
        return;
    free(self->search);
    self->search = mem_strdup(text);
    ask(self, 0);
}

static struct nav finding_event(struct history_page *self, const struct event *event)
{
    if (event->type == EVENT_PASTE) {
        (void)text_field_paste(self->find, event->paste, event->paste_len);
    } else if (event->key == KEY_CODE_ENTER || event->key == KEY_CODE_ESC) {
        self->finding = false;
        if (event->key == KEY_CODE_ESC)
            text_field_set(self->find, "");
    } else {
        (void)text_field_key(self->find, event->key);
    }
    take_find(self);
    return nav_stay();
}

static struct nav show_whole(const struct history_page *self)
{
    const struct history_row *row = here(self);
    struct strbuf text = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    struct screen *page;

    if (row == NULL)
        return nav_stay();
    strbuf_printf(&text, _("when    %s UTC\nwho     %s\nwhat    %s\non      %s\n"),
                  clock_format_minute(date, row->at), row->who, row->act, row->object);
    if (row->detail[0] != '\0')
        strbuf_printf(&text, "\n%s\n", row->detail);
    page = page_text(_("What was done here"), _("Home > What was done here > one row"), text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

static struct nav key_event(struct history_page *self, uint32_t key)
{
    switch (key) {
    case '/':
        self->finding = true;
        break;
    case KEY_CODE_ENTER:
        return show_whole(self);
    case 'r':
    case KEY_CODE_F5:
        ask(self, 0);
        break;
    case 'q':
        return nav_quit();
    case KEY_CODE_ESC:
        if (self->search[0] == '\0')
            return nav_pop();
        text_field_set(self->find, "");
        take_find(self);
        break;
    default:
        (void)table_key(self->table, key);
        read_on(self);
        break;
    }
    return nav_stay();
}

static struct nav history_event(void *arg, const struct event *event)
{
    struct history_page *self = arg;

    if (event->type == EVENT_SHOWN && !self->read)
        ask(self, 0);
    else if (event->type == EVENT_JOB && event->job == self->job)
        job_ended(self);
    else if (event->type != EVENT_KEY && event->type != EVENT_PASTE)
        return nav_stay();
    else if (self->finding)
        return finding_event(self, event);
    else if (event->type == EVENT_KEY)
        return key_event(self, event->key);
    return nav_stay();
}

/* ---- drawing ---- */

static void history_draw(const void *arg, struct canvas *body)
{
    const struct history_page *self = arg;
    const struct history_row *row = here(self);
    int rows = canvas_rows(body) - (self->finding ? 1 : 0);

    if (error_view_instead(self->read ? &self->err : NULL, _("reading the store"), body))
        return;
    if (row == NULL) {
        canvas_text(body, 0, 2, STYLE_STRONG,
                    self->search[0] != '\0' ? _("Nothing in the log fits.")
                                            : _("Nothing was done in this store yet."));
        canvas_cursor(body, 0, 2);
    } else {
        int sheet = table_sheet_at(self->table, rows, 1);

        table_draw(self->table, body, 0, sheet - 1, !self->finding);
        canvas_field(body, sheet, 2, canvas_columns(body) - 4, STYLE_NORMAL, row->detail);
    }
    if (self->finding)
        text_field_draw(self->find, body, rows, canvas_text(body, rows, 1, STYLE_LABEL, "/ "),
                        FIND_WIDTH, true);
}

static void history_frame(const void *arg, struct frame *ret)
{
    const struct history_page *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("What was done here"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > Certificates and CAs > Log%s%.40s"),
             self->search[0] != '\0' ? _("   find: ") : "", self->search);
    ret->bindings = self->finding ? finding_keys : bindings;
    ret->text_focus = self->finding;
    ret->word = "certificate";
    ret->why = _("Every act of the store is written down in the same moment as the act itself, and "
                 "no row is ever changed or removed. Changes to servers, and taking them back, are "
                 "under Home, Log and undo.");
    ret->help = _("The newest first. / finds by the beginning of act, object or person, or by any "
                  "part of the detail, letter by letter.");
    snprintf(ret->message, sizeof(ret->message), "%s",
             self->rows.n >= ROWS_MAX ? _("Further back: / finds.")
             : self->finding          ? _("Act, object or person, from the beginning.")
                                      : _("Enter shows the row whole.  / finds."));
}

static void history_commands(const void *arg, struct strbuf *out)
{
    const struct history_page *self = arg;

    strbuf_add_str(out, "pgseal log");
    if (self->search[0] != '\0') {
        strbuf_add_str(out, " --search ");
        if (!text_quote_shell(out, self->search))
            strbuf_add_str(out, "TEXT");
    }
    strbuf_add_char(out, '\n');
}

static void history_page_free(void *arg)
{
    struct history_page *self = arg;

    history_clear(&self->rows);
    text_field_free(self->find);
    table_free(self->table);
    free(self->search);
    free(self);
}

static const struct screen_ops history_screen_ops = {
    .name = "history",
    .event = history_event,
    .draw = history_draw,
    .frame = history_frame,
    .commands = history_commands,
    .free = history_page_free,
};

struct screen *page_history(struct app *app)
{
    struct history_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->search = mem_strdup("");
    self->find = text_field_new(FIND_MAX);
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    return screen_new(&history_screen_ops, self);
}
