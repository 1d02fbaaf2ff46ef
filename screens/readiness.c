/* readiness.c - "what if": who would be refused if the server asked for more. */
#include "config.h"

#include "core/watch/readiness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/pages.h"
#include "tui/table.h"

#define SINCE_SECONDS (30 * CLOCK_DAY)

enum column {
    COLUMN_SERVER,
    COLUMN_ROLE,
    COLUMN_DATABASE,
    COLUMN_FROM,
    COLUMN_APPLICATION,
    COLUMN_TLS,
    COLUMN_SEEN,
    COLUMNS
};

struct readiness_page {
    struct app *app;
    struct readiness *readiness;
    const char **cas; /* names in use */
    size_t n_cas;
    struct job *job;   /* adds what was seen */
    bool nothing_seen; /* nothing was recorded yet */
    struct err err;
    size_t at;       /* the case under the cursor */
    bool open;       /* its clients are listed */
    size_t *refused; /* indexes of clients */
    size_t n_refused;
    struct table *table;
};

/* ---- what was seen, read by a job ---- */

struct seen_job {
    char *store_folder;
    char **servers;
    size_t n_servers;
    int64_t since;
    struct sighting_list list;
    bool ok;
    struct err err;
};

static void seen_run(struct job *job, void *data)
{
    struct seen_job *self = data;
    const char **names = mem_array(self->n_servers + 1, sizeof(*names));
    struct sightings *sightings = sightings_open(self->store_folder, false, &self->err);

    (void)job;
    for (size_t i = 0; i < self->n_servers; i++)
        names[i] = self->servers[i];
    self->ok =
        sightings != NULL && sightings_list(sightings,
                                            &(struct sighting_filter){.servers = names,
                                                                      .n_servers = self->n_servers,
                                                                      .since = self->since,
                                                                      .limit = SIGHTINGS_MAX},
                                            &self->list, &self->err);
    sightings_close(sightings);
    free(names);
}

static void seen_free(void *data)
{
    struct seen_job *self = data;

    sighting_list_clear(&self->list);
    for (size_t i = 0; i < self->n_servers; i++)
        free(self->servers[i]);
    free(self->servers);
    free(self->store_folder);
    free(self);
}

static const struct job_ops seen_ops = {"readiness: seen", seen_run, seen_free};

/* The servers that the live clients are on: of these the record is read. */
static void start_job(struct readiness_page *self)
{
    struct seen_job *data = mem_zalloc(sizeof(*data));

    data->store_folder = mem_strdup(app_store_folder(self->app));
    data->since = clock_now() - SINCE_SECONDS;
    data->servers = mem_array(self->readiness->n + 1, sizeof(*data->servers));
    for (size_t i = 0; i < self->readiness->n; i++) {
        const char *server = self->readiness->clients[i].server;
        bool known = false;

        for (size_t k = 0; k < data->n_servers; k++)
            known |= strcmp(data->servers[k], server) == 0;
        if (!known)
            data->servers[data->n_servers++] = mem_strdup(server);
    }
    self->job = job_start(app_loop(self->app), self, &seen_ops, data);
}

/* ---- cases ---- */

static size_t cases_count(const struct readiness_page *self)
{
    return READINESS_CA + self->n_cas;
}

static enum readiness_case case_of(size_t i)
{
    return i < READINESS_CA ? (enum readiness_case)i : READINESS_CA;
}

static const char *ca_of(const struct readiness_page *self, size_t i)
{
    return i < READINESS_CA ? NULL : self->cas[i - READINESS_CA];
}

static void case_title(const struct readiness_page *self, size_t i, struct strbuf *out)
{
    if (i < READINESS_CA)
        strbuf_add_str(out, _(readiness_text(case_of(i))));
    else
        strbuf_printf(out, _("CA \"%s\" removed"), ca_of(self, i));
}

static void list_refused(struct readiness_page *self)
{
    self->n_refused = 0;
    self->refused = mem_realloc_array(self->refused, self->readiness->n + 1, sizeof(size_t));
    for (size_t i = 0; i < self->readiness->n; i++)
        if (readiness_refuses(case_of(self->at), ca_of(self, self->at),
                              &self->readiness->clients[i]))
            self->refused[self->n_refused++] = i;
    table_refresh(self->table);
}

static void settle(struct readiness_page *self)
{
    readiness_settle(self->readiness);
    free(self->cas);
    self->cas = readiness_authorities(self->readiness, &self->n_cas);
    list_refused(self);
}

static void job_ended(struct readiness_page *self)
{
    struct seen_job *data = job_take(self->job);

    self->job = NULL;
    if (data->ok)
        readiness_add_sightings(self->readiness, &data->list);
    self->nothing_seen = data->err.code == ERR_NO_STORE;
    if (!data->ok && !self->nothing_seen)
        self->err = data->err;
    seen_free(data);
    settle(self);
}

/* ---- clients ---- */

static const struct table_column columns[COLUMNS] = {
    [COLUMN_SERVER] = {.title = N_("SERVER"), .width = 8, .keep = 10},
    [COLUMN_ROLE] = {.title = N_("ROLE"), .width = 12, .keep = 100},
    [COLUMN_DATABASE] = {.title = N_("DATABASE"), .width = 9, .keep = 40},
    [COLUMN_FROM] = {.title = N_("FROM"), .width = 15, .keep = 80},
    [COLUMN_APPLICATION] = {.title = N_("APPLICATION"), .width = 12, .keep = 60, .grow = true},
    [COLUMN_TLS] = {.title = N_("TLS"), .width = 8, .keep = 70},
    [COLUMN_SEEN] = {.title = N_("LAST SEEN UTC"), .width = 16, .keep = 90},
};

static const struct readiness_client *client_at(const struct readiness_page *self, size_t row)
{
    return &self->readiness->clients[self->refused[row]];
}

static size_t rows_count(const void *arg)
{
    const struct readiness_page *self = arg;

    return self->n_refused;
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct readiness_client *client = client_at(arg, row);
    const char *text = "";
    char when[CLOCK_TEXT_MAX];

    switch ((enum column)column) {
    case COLUMN_SERVER:
        text = client->server;
        break;
    case COLUMN_ROLE:
        text = client->role;
        break;
    case COLUMN_DATABASE:
        text = client->database;
        break;
    case COLUMN_FROM:
        text = client->address;
        break;
    case COLUMN_APPLICATION:
        text = client->application;
        break;
    case COLUMN_TLS:
        text = client->version[0] != '\0' ? client->version : client->class;
        break;
    case COLUMN_SEEN:
        text = client->live ? _("connected now") : clock_format_minute(when, client->last_seen);
        break;
    case COLUMNS:
        break;
    }
    strbuf_add_str(out, text[0] != '\0' ? text : "-");
}

static uint64_t rows_key(const void *arg, size_t row)
{
    const struct readiness_page *self = arg;

    return (uint64_t)self->refused[row];
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, NULL};

/* ---- events ---- */

static struct nav key_event(struct readiness_page *self, uint32_t key)
{
    if (self->open && table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    if (key == 'q')
        return nav_quit();
    if (self->open) {
        if (table_key(self->table, key) == TABLE_IGNORED && key == KEY_CODE_ESC)
            self->open = false;
        return nav_stay();
    }
    switch (key) {
    case KEY_CODE_ESC:
        return nav_pop();
    case KEY_CODE_UP:
    case 'k':
        self->at -= self->at > 0;
        break;
    case KEY_CODE_DOWN:
    case 'j':
        self->at += self->at + 1 < cases_count(self);
        break;
    case KEY_CODE_ENTER:
        self->open = true;
        break;
    default:
        break;
    }
    list_refused(self);
    return nav_stay();
}

static struct nav readiness_event(void *arg, const struct event *event)
{
    struct readiness_page *self = arg;

    switch (event->type) {
    case EVENT_JOB:
        if (event->job == self->job)
            job_ended(self);
        break;
    case EVENT_KEY:
        return key_event(self, event->key);
    case EVENT_PASTE:
        table_paste(self->table, event->paste, event->paste_len);
        break;
    case EVENT_SHOWN:
        if (self->job == NULL && self->cas == NULL)
            start_job(self);
        break;
    case EVENT_HIDDEN:
    case EVENT_TIMER:
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

static void draw_cases(const struct readiness_page *self, struct canvas *body)
{
    canvas_text(body, 0, 3, STYLE_STRONG, _("IF THE SERVER ASKED FOR"));
    canvas_text(body, 0, 46, STYLE_STRONG, _("REFUSED NOW   SEEN BEFORE"));
    for (size_t i = 0; i < cases_count(self); i++) {
        struct readiness_count count = readiness_count(self->readiness, case_of(i), ca_of(self, i));
        struct strbuf title = STRBUF_INIT;
        int row = 1 + (int)i;

        case_title(self, i, &title);
        canvas_field(body, row, 3, 42, STYLE_NORMAL, title.data);
        canvas_printf(body, row, 46, STYLE_NORMAL, "%11zu   %11zu", count.live, count.seen);
        canvas_mark(body, row, 73,
                    self->job != NULL             ? MARK_BUSY
                    : count.live + count.seen > 0 ? MARK_WARN
                                                  : MARK_OK);
        if (i == self->at) {
            canvas_glyph(body, row, 1, STYLE_NORMAL, GLYPH_POINTER);
            canvas_style(body, row, 3, canvas_columns(body) - 3, STYLE_FOCUS);
            canvas_cursor(body, row, 1);
        }
        strbuf_clear(&title);
    }
}

static void readiness_draw(const void *arg, struct canvas *body)
{
    const struct readiness_page *self = arg;
    int row = 2 + (int)cases_count(self);
    struct strbuf title = STRBUF_INIT;

    if (self->open) {
        case_title(self, self->at, &title);
        canvas_printf(body, 0, 2, STYLE_STRONG,
                      ngettext("%s: %zu client would be refused",
                               "%s: %zu clients would be refused", self->n_refused),
                      title.data, self->n_refused);
        strbuf_clear(&title);
        table_draw(self->table, body, 2, canvas_rows(body) - 2, true);
        return;
    }
    draw_cases(self, body);
    if (self->readiness->hidden > 0) {
        canvas_mark(body, row, 2, MARK_WARN);
        canvas_printf(body, row++, 7, STYLE_NORMAL,
                      ngettext("%lld session is hidden from your role: it is not judged.",
                               "%lld sessions are hidden from your role: they are not judged.",
                               (unsigned long)self->readiness->hidden),
                      (long long)self->readiness->hidden);
    }
    if (self->nothing_seen)
        canvas_wrap(body, row, 2, canvas_columns(body) - 4, 3, STYLE_NORMAL,
                    _("Nothing was recorded before: only who is connected now was judged. "
                      "\"pgseal sessions --record --watch\" records also who comes at night."));
}

static void readiness_frame(const void *arg, struct frame *ret)
{
    static const struct binding keys[] = {
        {"F1", N_("Help"), N_("this help"), 100},
        {"F2", N_("Commands"), N_("the same as a command"), 60},
        {"Enter", N_("Who"), N_("the clients that would be refused"), 90},
        {"/", N_("Filter"), N_("in the list of clients"), 40},
        {"Esc", N_("Back"), N_("one step back"), 95},
        {"q", N_("Quit"), N_("leave pgseal"), 0},
        {NULL, NULL, NULL, 0},
    };
    const struct readiness_page *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("What if"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), "%s", _("Home > SSL sessions > What if"));
    snprintf(ret->path_right, sizeof(ret->path_right), "%s", _("last 30 days"));
    ret->why = _("Who is connected now, and who was seen in the last 30 days, against what the "
                 "server could ask for. Who came in clear text may be able to do better: look at "
                 "its settings. Clients by Unix socket are never refused.");
    ret->help = _("A rule is safe when nobody is listed, and when the time that was watched is "
                  "longer than the longest pause between two visits of a client.");
    ret->word = "hostssl";
    ret->bindings = keys;
    ret->text_focus = self->open && table_takes_text(self->table);
    if (self->err.code != ERR_NONE) {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), "%.150s", self->err.msg);
    } else {
        ret->message_mark = self->job != NULL ? MARK_BUSY : MARK_NONE;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 self->job != NULL ? _("Reading what was seen ...")
                                   : _("Nothing is changed here. Enter shows who it is."));
    }
}

static void readiness_commands(const void *arg, struct strbuf *out)
{
    const struct readiness_page *self = arg;

    strbuf_add_str(out, _("# the same as a command\n"));
    strbuf_printf(out, "pgseal sessions %s --readiness --since 30d\n", app_server(self->app));
}

static void readiness_free(void *arg)
{
    struct readiness_page *self = arg;

    table_free(self->table);
    readiness_clear(self->readiness);
    free(self->readiness);
    free(self->cas);
    free(self->refused);
    free(self);
}

static const struct screen_ops readiness_ops = {
    .name = "readiness",
    .event = readiness_event,
    .draw = readiness_draw,
    .frame = readiness_frame,
    .commands = readiness_commands,
    .free = readiness_free,
};

struct screen *page_readiness(struct app *app, struct readiness *taken)
{
    struct readiness_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->readiness = taken;
    self->table = table_new(columns, COLUMNS, &rows_ops, self);
    return screen_new(&readiness_ops, self);
}
