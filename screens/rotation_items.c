/* rotation_items.c - the worklist of a rotation: who got the new one, and who goes on without it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/error_view.h"
#include "screens/rotate_pages.h"
#include "screens/rotation_job.h"
#include "tui/dialog.h"
#include "tui/table.h"

#define ITEMS_MAX 5000

static void put(struct strbuf *out, const char *text)
{
    text_clean(out, text, strlen(text), TEXT_ONE_LINE);
}

static void day(struct strbuf *out, int64_t when)
{
    char date[CLOCK_TEXT_MAX];

    strbuf_add_str(out, when != 0 ? clock_format_date(date, when) : "-");
}

/* ---- the worklist: its job ---- */

struct items_job {
    char *store_folder;
    int64_t id;
    char *mark; /* role that is marked first; or NULL */
    bool left;  /* gone on without; else handed over */
    struct rotation_item_list list;
    struct err err;
};

static bool mark_item(struct items_job *self, struct store *store, struct err *err)
{
    struct rotation *rotation = rotation_load(store, self->id, err);
    bool done =
        rotation != NULL && rotate_mark(store, rotation, self->mark, !self->left, self->left, err);

    rotation_free(rotation);
    return done;
}

static void items_run(struct job *job, void *data)
{
    struct items_job *self = data;
    struct store *store =
        store_open(self->store_folder, self->mark != NULL ? STORE_WRITE : STORE_READ, &self->err);
    struct err ignored = ERR_INIT;

    (void)job;
    if (store == NULL)
        return;
    if (self->mark != NULL)
        (void)!mark_item(self, store, &self->err); /* err is shown; the list is read all the same */
    (void)!rotation_items(store, self->id, NULL, ITEMS_MAX, &self->list,
                          self->err.code == ERR_NONE ? &self->err : &ignored);
    store_close(store);
}

static void items_job_free(void *data)
{
    struct items_job *self = data;

    if (self == NULL)
        return;
    rotation_item_list_clear(&self->list);
    free(self->mark);
    free(self->store_folder);
    free(self);
}

static const struct job_ops items_job_ops = {"rotation: list", items_run, items_job_free};

/* ---- the worklist: its page ---- */

enum item_column { ITEM_ROLE, ITEM_MADE, ITEM_HANDED, ITEM_SEEN, ITEM_OLD, ITEM_STATE };

struct items_page {
    struct app *app;
    int64_t id;
    char *name;
    bool files; /* what is handed over are trust files */
    bool of_ca; /* the old CA goes, not single certificates */
    struct table *table;
    struct items_job *data; /* NULL: not read yet */
    struct job *job;
    struct dialog *question; /* go on without */
    char *asked_role;
    char message[160];
    bool bad;
};

static const struct table_column item_columns[] = {
    [ITEM_ROLE] = {.title = N_("ROLE"), .width = 16, .keep = 100, .grow = true},
    [ITEM_MADE] = {.title = N_("MADE"), .width = 10, .keep = 70},
    [ITEM_HANDED] = {.title = N_("HANDED"), .width = 10, .keep = 75},
    [ITEM_SEEN] = {.title = N_("NEW SEEN"), .width = 10, .keep = 80},
    [ITEM_OLD] = {.title = N_("OLD SEEN"), .width = 10, .keep = 60},
    [ITEM_STATE] = {.title = N_("STATE"), .width = 12, .keep = 95},
};

static const struct binding item_bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {"h", N_("Handed over"), N_("the line's kit is with its owner"), 90},
    {"x", N_("Without..."), N_("go on without this client; asks first"), 85},
    {"/", N_("Find"), N_("a part of any column; Esc clears it"), 60},
    {"F5", N_("Refresh"), N_("read the store again"), 0},
    {"Esc", N_("Back"), N_("to the rotation"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* files: of trust files, which no server sees: handed over is all that can be known. */
static enum mark item_mark(const struct rotation_item *item, bool files)
{
    if (item->ended_at != 0 || item->seen_at != 0 || (files && item->handed_at != 0))
        return MARK_OK;
    if (item->left_at != 0)
        return MARK_OFF;
    return item->made_at != 0 || item->handed_at != 0 ? MARK_HERE : MARK_TODO;
}

static const char *item_word(const struct rotation_item *item, bool files)
{
    if (item->ended_at != 0)
        return _("ended");
    if (item->seen_at != 0)
        return _("moved");
    if (item->left_at != 0)
        return _("without");
    if (files && item->handed_at == 0)
        return _("to hand");
    return item->handed_at != 0 ? _("handed") : item->made_at != 0 ? _("made") : _("to make");
}

static size_t items_count(const void *arg)
{
    const struct items_page *self = arg;

    return self->data != NULL ? self->data->list.n : 0;
}

static void items_cell(const void *arg, size_t i, size_t column, struct strbuf *out)
{
    const struct items_page *self = arg;
    const struct rotation_item *item = &self->data->list.rows[i];

    switch ((enum item_column)column) {
    case ITEM_ROLE:
        put(out, item->role);
        break;
    case ITEM_MADE:
        day(out, item->made_at);
        break;
    case ITEM_HANDED:
        day(out, item->handed_at);
        break;
    case ITEM_SEEN:
        day(out, item->seen_at);
        break;
    case ITEM_OLD:
        day(out, item->old_seen_at);
        break;
    case ITEM_STATE:
        strbuf_printf(out, "%s %s", mark_text(item_mark(item, self->files)),
                      item_word(item, self->files));
        break;
    }
}

static uint64_t items_key(const void *arg, size_t i)
{
    const struct items_page *self = arg;

    return (uint64_t)self->data->list.rows[i].id;
}

static enum style items_style(const void *arg, size_t i, size_t column)
{
    const struct items_page *self = arg;

    return column == ITEM_STATE ? mark_style(item_mark(&self->data->list.rows[i], self->files))
                                : STYLE_NORMAL;
}

static const struct table_rows item_rows = {items_count, items_cell, items_key, items_style};

static void start_items(struct items_page *self, const char *mark, bool left)
{
    struct items_job *data = mem_zalloc(sizeof(*data));

    job_cancel(self->job);
    data->store_folder = mem_strdup(app_store_folder(self->app));
    data->id = self->id;
    data->mark = mem_strdup(mark);
    data->left = left;
    self->job = job_start(app_loop(self->app), self, &items_job_ops, data);
}

static void items_ended(struct items_page *self)
{
    items_job_free(self->data);
    self->data = job_take(self->job);
    self->job = NULL;
    self->bad = self->data->err.code != ERR_NONE;
    if (self->bad)
        snprintf(self->message, sizeof(self->message), "PS-%d: %.140s", (int)self->data->err.code,
                 self->data->err.msg);
    else if (self->data->mark != NULL)
        snprintf(self->message, sizeof(self->message),
                 self->data->left ? _("It goes on without \"%.60s\".")
                                  : _("\"%.60s\" is handed over."),
                 self->data->mark);
    table_refresh(self->table);
}

static void ask_without(struct items_page *self, const struct rotation_item *item)
{
    char *text = mem_printf(
        self->files   ? _("\"%s\" keeps its old trust file. When the server's certificate changes, "
                            "it fails where it verifies: nobody waits for it any more.\n")
        : self->of_ca ? _("\"%s\" keeps its old certificate. When the old CA goes, it is refused: "
                          "nobody waits for it any more.\n")
                      : _("\"%s\" keeps its old certificate. When that ends or is revoked, it is "
                          "refused: nobody waits for it any more.\n"),
        item->role);

    free(self->asked_role);
    self->asked_role = mem_strdup(item->role);
    self->question = dialog_new(&(struct dialog_spec){
        .title = _("Go on without this client?"), .text = text, .yes = _("Yes, without it")});
    free(text);
}

static struct nav items_key_event(struct items_page *self, uint32_t key)
{
    const struct rotation_item *item = self->data != NULL && table_has_row(self->table)
                                           ? &self->data->list.rows[table_row(self->table)]
                                           : NULL;

    self->message[0] = '\0';
    self->bad = false;
    if (table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    switch (key) {
    case 'q':
        return nav_quit();
    case KEY_CODE_F5:
        start_items(self, NULL, false);
        return nav_stay();
    case 'h':
        if (item != NULL)
            start_items(self, item->role, false);
        return nav_stay();
    case 'x':
        if (item != NULL)
            ask_without(self, item);
        return nav_stay();
    case KEY_CODE_ESC:
        if (table_filter(self->table)[0] == '\0')
            return nav_pop();
        table_set_filter(self->table, "");
        return nav_stay();
    }
    (void)table_key(self->table, key);
    return nav_stay();
}

static struct nav items_event(void *arg, const struct event *event)
{
    struct items_page *self = arg;
    enum dialog_answer answer;

    if (event->type == EVENT_SHOWN) {
        start_items(self, NULL, false);
        return nav_stay();
    }
    if (event->type == EVENT_JOB && event->job == self->job) {
        items_ended(self);
        return nav_stay();
    }
    if (self->question != NULL) {
        answer = dialog_event(self->question, event);
        if (answer == DIALOG_OPEN)
            return nav_stay();
        dialog_free(self->question);
        self->question = NULL;
        if (answer == DIALOG_YES)
            start_items(self, self->asked_role, true);
        return nav_stay();
    }
    if (event->type == EVENT_PASTE)
        table_paste(self->table, event->paste, event->paste_len);
    return event->type == EVENT_KEY ? items_key_event(self, event->key) : nav_stay();
}

static void items_draw(const void *arg, struct canvas *body)
{
    const struct items_page *self = arg;
    int rows = canvas_rows(body);

    if (self->data == NULL)
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store"));
    else if (self->data->list.n == 0 && self->data->err.code != ERR_NONE)
        (void)error_view_draw(&self->data->err, body, 0, rows);
    else if (self->data->list.n == 0)
        canvas_text(body, 0, 2, STYLE_NORMAL, _("No client has to change."));
    else
        table_draw(self->table, body, 0, rows, true);
    if (self->question != NULL)
        dialog_draw(self->question, body);
}

static void items_frame(const void *arg, struct frame *ret)
{
    const struct items_page *self = arg;
    size_t moved = 0, n = items_count(self);

    for (size_t i = 0; i < n; i++)
        moved += item_mark(&self->data->list.rows[i], self->files) == MARK_OK ||
                 item_mark(&self->data->list.rows[i], self->files) == MARK_OFF;
    snprintf(ret->title, sizeof(ret->title), "%s", _("Worklist"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > Rotate > %.40s > Worklist"), self->name);
    snprintf(ret->path_right, sizeof(ret->path_right),
             self->files ? _("%zu of %zu done") : _("%zu of %zu moved"), moved, n);
    ret->bindings = item_bindings;
    ret->word = "rotate";
    ret->text_focus = table_takes_text(self->table);
    ret->why =
        self->files
            ? _("Handed: you say so, since nobody else can know that a client uses the new file. "
                "Pools, standbys and scripts are clients, too.")
        : self->of_ca
            ? _("Made: its kit is written. Handed: you say so. New seen: the server saw a session "
                "with it, that is the proof. A line without any of them keeps the old CA alive.")
            : _("Made: its kit is written. Handed: you say so. New seen: the server saw a session "
                "with it, that is the proof. Until then its old certificate is needed.");
    ret->help = _("[ok] moved, or the old one has ended.  [>>] under way.  [  ] nothing yet.  [--] "
                  "you go on without it: it will be refused.");
    ret->message_mark = self->bad ? MARK_BAD : MARK_NONE;
    snprintf(ret->message, sizeof(ret->message), "%s",
             self->message[0] != '\0' ? self->message
             : self->files ? _("h when a client has the file.  x goes on without a client.")
                           : _("h when a kit was handed over.  x goes on without a client."));
    if (self->question != NULL)
        dialog_frame(self->question, ret);
}

static void items_commands(const void *arg, struct strbuf *out)
{
    const struct items_page *self = arg;
    struct strbuf name = STRBUF_INIT;

    if (!text_quote_shell(&name, self->name))
        strbuf_add_str(&name, "NAME");
    strbuf_add_str(out, _("# the list\n"));
    strbuf_printf(out, "pgseal rotate status %s\n", name.data);
    strbuf_clear(&name);
}

static void items_free(void *arg)
{
    struct items_page *self = arg;

    items_job_free(self->data);
    dialog_free(self->question);
    table_free(self->table);
    free(self->asked_role);
    free(self->name);
    free(self);
}

static const struct screen_ops items_ops = {
    .name = "rotation-items",
    .event = items_event,
    .draw = items_draw,
    .frame = items_frame,
    .commands = items_commands,
    .free = items_free,
};

struct screen *page_rotation_items(struct app *app, const struct rotation *rotation)
{
    struct items_page *self = mem_zalloc(sizeof(*self));
    struct strbuf clean = STRBUF_INIT;

    text_clean(&clean, rotation->name, strlen(rotation->name), TEXT_ONE_LINE);
    self->app = app;
    self->id = rotation->id;
    self->files = rotation->kind == ROTATION_SERVER_CA;
    self->of_ca = rotation->kind != ROTATION_CLIENT;
    self->name = strbuf_steal(&clean);
    self->table = table_new(item_columns, ARRAY_LEN(item_columns), &item_rows, self);
    return screen_new(&items_ops, self);
}
