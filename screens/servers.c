/* servers.c - the store's servers: which there are, what they do now, which one is chosen. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "screens/servers_job.h"
#include "tui/dialog.h"
#include "tui/table.h"

#define SHEET_ROWS 4 /* the lines about the server under the cursor */

enum column { COLUMN_NAME, COLUMN_CLIENTS, COLUMN_ADMIN, COLUMN_STATE };

struct servers {
    struct app *app;
    struct table *table;
    struct servers_job *list; /* NULL: not read yet */
    struct job *reading;
    struct job *removing;
    struct dialog *question;
    char *to_remove;
    char message[160];
    enum mark message_mark;
};

static const struct table_column columns[] = {
    [COLUMN_NAME] = {.title = N_("NAME"), .width = 16, .keep = 100},
    [COLUMN_CLIENTS] = {.title = N_("CLIENTS USE"), .width = 20, .keep = 60},
    [COLUMN_ADMIN] = {.title = N_("ADMIN CONNECTION"), .width = 14, .keep = 20, .grow = true},
    [COLUMN_STATE] = {.title = N_("STATE"), .width = 22, .keep = 90},
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 60},
    {N_("Enter"), N_("Choose"), N_("the other pages work with this server from now on"), 85},
    {"a", N_("Add..."), N_("another server, by a form"), 80},
    {"d", N_("Remove..."), N_("forget the server under the cursor: asks first"), 70},
    {"w", N_("Who gets in"), N_("everyone connected now against its rules, line by line"), 30},
    {"t", N_("Trust file..."), N_("what its clients check it with: old and new CA together"), 15},
    {"p", N_("Grants"), N_("what an ordinary role lacks to change this server, as SQL"), 30},
    {"/", N_("Filter"), N_("show only rows with this text; Esc clears it"), 20},
    {"F5", N_("Refresh"), N_("ask the servers again"), 40},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* ---- rows ---- */

static size_t rows_count(const void *arg)
{
    const struct servers *self = arg;

    return self->list != NULL ? self->list->servers.n : 0;
}

static void clients_use(const struct server *server, struct strbuf *out)
{
    struct err ignored = ERR_INIT; /* a service that is not known here: nothing to show */
    char *host = NULL;
    int port = 0;

    if (server_tls_address(server, &host, &port, &ignored) && host[0] != '\0')
        strbuf_printf(out, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host, port);
    else
        strbuf_add_str(out, "-");
    free(host);
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct servers *self = arg;
    const struct server *server = self->list->servers.rows[row];
    enum server_state state = self->list->states[row];

    switch ((enum column)column) {
    case COLUMN_NAME:
        /* members stand together, and a filter finds them by their cluster's name */
        strbuf_printf(out, "%s%s%s", server->cluster, server->cluster[0] != '\0' ? ": " : "",
                      server->name);
        break;
    case COLUMN_CLIENTS:
        clients_use(server, out);
        break;
    case COLUMN_ADMIN:
        text_clean(out, server->conninfo, strlen(server->conninfo), TEXT_ONE_LINE);
        break;
    case COLUMN_STATE:
        if (self->list->probe)
            strbuf_printf(out, "%s %s", mark_text(server_state_mark(state)),
                          server_state_text(state));
        else
            strbuf_printf(out, "%s %s", mark_text(MARK_BUSY), _("asking"));
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t row)
{
    const struct servers *self = arg;

    return (uint64_t)self->list->servers.rows[row]->id;
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    const struct servers *self = arg;
    bool chosen = text_equal(self->list->servers.rows[row]->name, app_server(self->app));

    if (column == COLUMN_STATE && self->list->probe)
        return mark_style(server_state_mark(self->list->states[row]));
    return chosen ? STYLE_STRONG : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

static const struct server *here(const struct servers *self)
{
    if (self->list == NULL || !table_has_row(self->table))
        return NULL;
    return self->list->servers.rows[table_row(self->table)];
}

/* ---- jobs ---- */

static void refresh(struct servers *self, bool probe)
{
    if (self->reading == NULL)
        self->reading = servers_job_start(self->app, self, probe);
}

static bool is_listed(const struct servers *self, const char *name)
{
    for (size_t i = 0; i < self->list->servers.n; i++) {
        if (text_equal(self->list->servers.rows[i]->name, name))
            return true;
    }
    return false;
}

/* The chosen one is one of those that are there. */
static void settle_choice(struct servers *self)
{
    if (self->list->err.code != ERR_NONE || is_listed(self, app_server(self->app)))
        return;
    app_set_server(self->app, self->list->servers.n > 0 ? self->list->servers.rows[0]->name : "");
}

static void read_ended(struct servers *self)
{
    struct servers_job *list = job_take(self->reading);
    bool first = self->list == NULL;

    self->reading = NULL;
    servers_job_free(self->list);
    self->list = list;
    app_know_servers(self->app, &list->servers);
    settle_choice(self);
    table_refresh(self->table);
    for (size_t i = 0; first && i < list->servers.n; i++) {
        if (text_equal(list->servers.rows[i]->name, app_server(self->app)))
            (void)table_select(self->table, rows_key(self, i));
    }
    if (!list->probe && list->servers.n > 0)
        refresh(self, true);
}

static void say(struct servers *self, enum mark mark, const char *text)
{
    self->message_mark = mark;
    snprintf(self->message, sizeof(self->message), "%.159s", text);
}

static void remove_ended(struct servers *self)
{
    struct server_store_job *data = job_take(self->removing);
    char text[160];

    self->removing = NULL;
    snprintf(text, sizeof(text), _("\"%.60s\" is forgotten. Nothing on it was changed."),
             data->remove);
    say(self, data->ok ? MARK_OK : MARK_BAD, data->ok ? text : data->err.msg);
    server_store_free(data);
    refresh(self, false);
}

/* ---- events ---- */

static void ask_to_remove(struct servers *self)
{
    const struct server *server = here(self);
    struct strbuf text = STRBUF_INIT;

    if (server == NULL || self->removing != NULL)
        return;
    strbuf_printf(&text, _("\"%s\" (%s)\n"), server->name, server->conninfo);
    if (self->list->plans[table_row(self->table)] > 0)
        strbuf_add_str(&text, _("A change of it is still open: take that back first (Home, Log "
                                "and undo).\n"));
    strbuf_add_str(&text, _("Only pgseal forgets it: nothing on the server is changed, and what "
                            "was done there stays. Changes made by pgseal can then not be taken "
                            "back from here any more."));
    free(self->to_remove);
    self->to_remove = mem_strdup(server->name);
    self->question =
        dialog_new(&(struct dialog_spec){.title = _("Forget this server?"),
                                         .text = text.data,
                                         .yes = _("Yes, forget it"),
                                         .name = server->production ? server->name : NULL});
    strbuf_clear(&text);
}

static struct nav question_event(struct servers *self, const struct event *event)
{
    enum dialog_answer answer = dialog_event(self->question, event);

    if (answer == DIALOG_OPEN)
        return nav_stay();
    dialog_free(self->question);
    self->question = NULL;
    if (answer == DIALOG_YES)
        self->removing = server_store_start(self->app, self, NULL, self->to_remove);
    return nav_stay();
}

static struct nav choose(struct servers *self)
{
    const struct server *server = here(self);
    char text[160];

    if (server == NULL)
        return nav_push(page_server_add(self->app));
    app_set_server(self->app, server->name);
    snprintf(text, sizeof(text), _("The other pages now work with \"%.60s\". Esc goes back."),
             app_server(self->app));
    say(self, MARK_OK, text);
    return nav_stay();
}

/* A page about the server under the cursor: it is the chosen one from now on. */
static struct nav look_at(struct servers *self, uint32_t key)
{
    const struct server *server = here(self);

    if (server == NULL)
        return nav_stay();
    app_set_server(self->app, server->name);
    if (key == 't')
        return nav_push(page_client_trust(self->app, NULL));
    return nav_push(key == 'w' ? page_simulate(self->app, NULL) : page_grants(self->app));
}

static struct nav key_event(struct servers *self, uint32_t key)
{
    if (table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    self->message[0] = '\0';
    switch (key) {
    case 'a':
        return nav_push(page_server_add(self->app));
    case 'd':
    case KEY_CODE_DELETE:
        ask_to_remove(self);
        break;
    case 'r':
    case KEY_CODE_F5:
        refresh(self, true);
        break;
    case 'q':
        return nav_quit();
    case 'w':
    case 'p':
    case 't':
        return look_at(self, key);
    case KEY_CODE_ENTER:
        return choose(self);
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

static struct nav servers_event(void *arg, const struct event *event)
{
    struct servers *self = arg;

    switch (event->type) {
    case EVENT_SHOWN:
        refresh(self, false);
        break;
    case EVENT_JOB:
        if (event->job == self->reading)
            read_ended(self);
        else if (event->job == self->removing)
            remove_ended(self);
        break;
    case EVENT_PASTE:
        if (self->question != NULL)
            return question_event(self, event);
        table_paste(self->table, event->paste, event->paste_len);
        break;
    case EVENT_KEY:
        return self->question != NULL ? question_event(self, event) : key_event(self, event->key);
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

static void draw_sheet(const struct servers *self, struct canvas *body, int row)
{
    const struct server *server = here(self);
    size_t at;
    int width = canvas_columns(body) - 4;

    if (server == NULL)
        return;
    at = table_row(self->table);
    canvas_printf(body, row, 2, STYLE_STRONG, "%s%s%s%s%s", server->name,
                  server->cluster[0] != '\0' ? _("   member of ") : "", server->cluster,
                  server->production ? _("   PRODUCTION: its name is asked for before a change")
                                     : "",
                  text_equal(server->name, app_server(self->app)) ? _("   (chosen)") : "");
    canvas_text(body, row + 1, 2, STYLE_LABEL, _("Admin"));
    canvas_field(body, row + 1, 10, width - 8, STYLE_NORMAL, server->conninfo);
    canvas_text(body, row + 2, 2, STYLE_LABEL, _("Trusts"));
    canvas_field(body, row + 2, 10, width - 8, STYLE_NORMAL,
                 self->list->trusts[at][0] != '\0' ? self->list->trusts[at]
                                                   : _("no CA of this store"));
    if (self->list->plans[at] > 0) {
        int end = canvas_mark(body, row + 3, 2, MARK_WARN);

        canvas_text(body, row + 3, end + 1, STYLE_NORMAL,
                    _("a change of it is open: Home, Log and undo"));
    } else {
        canvas_text(body, row + 3, 2, STYLE_LABEL, _("System"));
        canvas_field(body, row + 3, 10, width - 8, STYLE_NORMAL,
                     server->system_identifier[0] != '\0' ? server->system_identifier
                                                          : _("not seen yet"));
    }
}

static void servers_draw(const void *arg, struct canvas *body)
{
    const struct servers *self = arg;
    int rows = canvas_rows(body);

    if (self->list == NULL) {
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store"));
    } else if (self->list->err.code != ERR_NONE) {
        (void)error_view_draw(&self->list->err, body, 0, rows);
    } else if (self->list->servers.n == 0) {
        canvas_text(body, 0, 2, STYLE_STRONG, _("No server yet."));
        canvas_wrap(body, 2, 2, canvas_columns(body) - 4, 3, STYLE_NORMAL,
                    _("Press a (or Enter) to add one: how you log in to it as its administrator, "
                      "and where its clients connect. Nothing on it is changed by that."));
        canvas_cursor(body, 2, 2);
    } else {
        int sheet = table_sheet_at(self->table, rows, SHEET_ROWS);

        table_draw(self->table, body, 0, sheet - 1, true);
        draw_sheet(self, body, sheet);
    }
    if (self->question != NULL)
        dialog_draw(self->question, body);
}

static void servers_frame(const void *arg, struct frame *ret)
{
    const struct servers *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Servers"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Servers"));
    if (self->list != NULL)
        snprintf(ret->path_right, sizeof(ret->path_right),
                 ngettext("%zu server", "%zu servers", self->list->servers.n),
                 self->list->servers.n);
    ret->bindings = bindings;
    ret->word = "TLS/SSL";
    ret->text_focus = table_takes_text(self->table);
    ret->why = _("The admin connection is how pgseal logs in (often a socket); the address that "
                 "clients use is where TLS is seen from outside. Both must be the same server: its "
                 "system identifier is compared before anything is changed.");
    ret->help = _("[ok] the server asks for certificates of our CA.  [  ] TLS is on, but it knows "
                  "no CA.  [!!] no TLS, or another CA.  [xx] it does not answer.");
    if (self->question != NULL)
        dialog_frame(self->question, ret);
    else if (self->message[0] != '\0') {
        ret->message_mark = self->message_mark;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 rows_count(self) > 0
                     ? _("Enter chooses the server that the other pages work with.")
                     : _("a adds a server."));
    }
}

static void servers_commands(const void *arg, struct strbuf *out)
{
    const struct servers *self = arg;
    const struct server *server = here(self);
    const char *name = server != NULL ? server->name : "db1";

    strbuf_add_str(out, _("# what this page shows\n"));
    strbuf_printf(out, "pgseal server list\npgseal server probe %s\npgseal server show %s\n\n",
                  name, name);
    strbuf_add_str(out, _("# add one, forget one\n"));
    strbuf_add_str(out, "pgseal server add db1 'host=db1.example.org user=postgres' "
                        "--address db1.example.org:5432\n");
    strbuf_printf(out, "pgseal server remove %s\n", name);
}

static void servers_free(void *arg)
{
    struct servers *self = arg;

    dialog_free(self->question);
    servers_job_free(self->list);
    table_free(self->table);
    free(self->to_remove);
    free(self);
}

static const struct screen_ops servers_ops = {
    .name = "servers",
    .event = servers_event,
    .draw = servers_draw,
    .frame = servers_frame,
    .commands = servers_commands,
    .free = servers_free,
};

struct screen *page_servers(struct app *app)
{
    struct servers *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    return screen_new(&servers_ops, self);
}
