/* grants.c - what an ordinary role needs so that pgseal can change a server with it: what is there, what is
 * missing, and the SQL for the owner. Nothing is granted from here. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/grants.h"
#include "screens/admin_login.h"
#include "screens/error_view.h"
#include "screens/look.h"
#include "screens/pages.h"
#include "tui/form.h"

struct grants_job {
    char *store_folder, *server;
    char *role;              /* NULL: the connection's own */
    struct secret *password; /* or NULL */
    bool ok, wants_password;
    struct grant_list list; /* ok */
    struct err err;
};

struct grants {
    struct app *app;
    struct form *form;
    int role;
    struct grants_job *found; /* NULL: not asked yet */
    struct look look;
    bool shows_list;
};

/* ---- the job ---- */

static void grants_run(struct job *job, void *data)
{
    struct grants_job *self = data;
    struct store *store = store_open(self->store_folder, STORE_READ, &self->err);
    struct server *server = store != NULL ? server_load(store, self->server, &self->err) : NULL;
    struct conn *conn =
        server != NULL ? admin_login(server, self->password, job, &self->wants_password, &self->err)
                       : NULL;

    self->ok = conn != NULL && grants_read(conn, self->role, &self->list, &self->err);
    conn_close(conn);
    server_free(server);
    store_close(store);
}

static void grants_job_free(void *data)
{
    struct grants_job *self = data;

    if (self == NULL)
        return;
    if (self->ok)
        grants_clear(&self->list);
    secret_free(self->password);
    free(self->store_folder);
    free(self->server);
    free(self->role);
    free(self);
}

static const struct job_ops grants_job_ops = {"grants", grants_run, grants_job_free};

static struct job *start(void *page, struct secret *password)
{
    struct grants *self = page;
    const char *role = form_text(self->form, self->role);
    struct grants_job *data = mem_zalloc(sizeof(*data));

    data->store_folder = mem_strdup(app_store_folder(self->app));
    data->server = mem_strdup(app_server(self->app));
    data->role = role[0] != '\0' ? mem_strdup(role) : NULL;
    data->password = password;
    return job_start(app_loop(self->app), self, &grants_job_ops, data);
}

/* ---- rows ---- */

enum column { COLUMN_MARK, COLUMN_WHAT, COLUMN_NAME };

static const struct table_column columns[] = {
    [COLUMN_MARK] = {.title = "", .width = 4, .keep = 100},
    [COLUMN_WHAT] = {.title = N_("FOR"), .width = 34, .keep = 50},
    [COLUMN_NAME] = {.title = N_("GRANT"), .width = 30, .keep = 90, .grow = true},
};

static size_t rows_count(const void *arg)
{
    const struct grants *self = arg;

    return self->found != NULL && self->found->ok ? self->found->list.n : 0;
}

static enum mark row_mark(const struct grant *grant)
{
    if (grant->there)
        return MARK_OK;
    return grant->need == GRANT_EXTRA ? MARK_OFF : MARK_WARN;
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct grants *self = arg;
    const struct grant *grant = &self->found->list.rows[row];

    switch ((enum column)column) {
    case COLUMN_MARK:
        strbuf_add_str(out, mark_text(row_mark(grant)));
        break;
    case COLUMN_WHAT:
        strbuf_add_str(out, grant->what);
        break;
    case COLUMN_NAME:
        strbuf_add_str(out, grant->name);
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t row)
{
    (void)arg;
    return row;
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    const struct grants *self = arg;

    return column == COLUMN_MARK ? mark_style(row_mark(&self->found->list.rows[row]))
                                 : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

static size_t count_missing(const struct grants *self)
{
    size_t n = 0;

    for (size_t i = 0; i < rows_count(self); i++)
        n += row_mark(&self->found->list.rows[i]) == MARK_WARN;
    return n;
}

/* ---- events ---- */

static const struct form_field role_field = {
    .label = N_("Role"),
    .why =
        N_("The role that pgseal shall log in as, without being a superuser. Empty: the one that "
           "it logs in as now."),
    .help = N_("The grants are read from the server, and the SQL for those that are missing is "
               "shown: its owner runs it. Nothing is granted from here."),
    .width = 30,
    .max = 63,
    .after = N_("optional"),
};

static bool ended(void *page, struct job *job)
{
    struct grants *self = page;

    grants_job_free(self->found);
    self->found = job_take(job);
    self->shows_list = true;
    return !self->found->ok && self->found->wants_password;
}

/* The SQL as a page of its own: it can be scrolled; F2 can write it to a file. */
static struct nav show_sql(const struct grants *self)
{
    struct strbuf text = STRBUF_INIT;
    struct screen *page;

    for (size_t i = 0; i < rows_count(self); i++)
        strbuf_printf(&text, "%s\n", self->found->list.rows[i].sql);
    page = page_script(_("Grants"), _("Home > Servers > Grants > SQL"), text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

/* In the list. */
static bool key(void *page, uint32_t code, struct nav *ret)
{
    struct grants *self = page;

    if (code == KEY_CODE_ENTER && self->found->ok)
        *ret = show_sql(self);
    else if (code == KEY_CODE_ESC && table_key(self->look.table, code) == TABLE_IGNORED)
        self->shows_list = false;
    return code == KEY_CODE_ENTER || code == KEY_CODE_ESC;
}

static const struct look_ops look_ops = {start, ended, key};

static struct nav grants_event(void *arg, const struct event *event)
{
    struct grants *self = arg;

    if (self->shows_list || event->type == EVENT_JOB)
        return look_event(&self->look, event);
    switch (form_event(self->form, event)) {
    case FORM_SUBMIT:
        look_start(&self->look, NULL);
        break;
    case FORM_CANCEL:
        return nav_pop();
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

/* ---- drawing ---- */

static void draw_list(const struct grants *self, struct canvas *body)
{
    const struct grant_list *list = &self->found->list;
    size_t missing = count_missing(self);
    enum mark mark = list->superuser || missing == 0 ? MARK_OK : MARK_WARN;
    int at = canvas_mark(body, 0, 2, mark) + 1, width = canvas_columns(body) - at - 2;
    char text[200];

    if (list->superuser)
        snprintf(text, sizeof(text), _("\"%.60s\" is a superuser: it needs none of these."),
                 list->role);
    else if (missing == 0)
        snprintf(text, sizeof(text), _("\"%.60s\" has what pgseal needs."), list->role);
    else
        snprintf(text, sizeof(text),
                 _("\"%.60s\" lacks %zu of these. Enter shows the SQL for the owner."), list->role,
                 missing);
    canvas_wrap(body, 0, at, width, 2, STYLE_STRONG, text);
    table_draw(self->look.table, body, 2, canvas_rows(body) - 2, true);
}

static void grants_draw(const void *arg, struct canvas *body)
{
    const struct grants *self = arg;

    if (look_draws(&self->look, body))
        return;
    if (!self->shows_list)
        form_draw(self->form, body);
    else if (!self->found->ok)
        (void)error_view_draw(&self->found->err, body, 0, canvas_rows(body));
    else
        draw_list(self, body);
}

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the SQL, and how to write it into a file"), 80},
    {N_("Enter"), N_("SQL"), N_("the statements, for the owner of the server"), 90},
    {"/", N_("Filter"), N_("show only rows with this text; Esc clears it"), 30},
    {"F5", N_("Refresh"), N_("look again"), 50},
    {"Esc", N_("Back"), N_("to the role"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static const struct binding error_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 80},
    {"F5", N_("Refresh"), N_("look again"), 90},
    {"Esc", N_("Back"), N_("to the role"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static void grants_frame(const void *arg, struct frame *ret)
{
    const struct grants *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Grants"));
    snprintf(ret->right, sizeof(ret->right), _("server: %.60s"), app_server(self->app));
    snprintf(ret->path, sizeof(ret->path), _("Home > Servers > %s"), _("Grants"));
    if (look_frames(&self->look, ret))
        return;
    if (!self->shows_list) {
        form_frame(self->form, ret);
        if (self->look.job != NULL) {
            ret->message_mark = MARK_BUSY;
            snprintf(ret->message, sizeof(ret->message), "%s", _("Asking the server."));
        }
    } else {
        ret->bindings = self->found->ok ? bindings : error_keys;
        ret->why = _("With these, and nothing else, a role can read and write the files that a "
                     "change needs, set what it sets, and reload. It is no wall: who may write "
                     "files of the server's user can become that user.");
        ret->help = _("[ok] there.  [!!] missing.  [--] missing, and pgseal works without: "
                      "standbys, ending sessions.");
        ret->message_mark = self->look.job != NULL ? MARK_BUSY : MARK_NONE;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 self->look.job != NULL ? _("Asking the server.")
                 : self->found->ok      ? _("Nothing is granted from here. Enter shows the SQL.")
                                        : _("F5 looks again, Esc goes back to the role."));
    }
}

static void grants_commands(const void *arg, struct strbuf *out)
{
    const struct grants *self = arg;
    const char *role = form_text(self->form, self->role);

    strbuf_printf(out, "pgseal server grants %s", app_server(self->app));
    if (role[0] != '\0') {
        strbuf_add_str(out, " --role ");
        if (!text_quote_shell(out, role))
            strbuf_add_str(out, "ROLE");
    }
    strbuf_add_str(out, "\n\n");
    for (size_t i = 0; i < rows_count(self); i++)
        strbuf_printf(out, "%s\n", self->found->list.rows[i].sql);
}

static void grants_free(void *arg)
{
    struct grants *self = arg;

    look_clear(&self->look);
    grants_job_free(self->found);
    form_free(self->form);
    free(self);
}

static const struct screen_ops grants_ops = {
    .name = "grants",
    .event = grants_event,
    .draw = grants_draw,
    .frame = grants_frame,
    .commands = grants_commands,
    .free = grants_free,
};

struct screen *page_grants(struct app *app)
{
    struct grants *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->form = form_new(N_("Look"), NULL, NULL, NULL);
    form_add_line(self->form, N_("Server"), app_server(app));
    self->role = form_add_text(self->form, &role_field, "");
    form_focus(self->form, self->role);
    form_recheck(self->form);
    look_init(&self->look, app, self, &look_ops,
              table_new(columns, ARRAY_LEN(columns), &rows_ops, self));
    return screen_new(&grants_ops, self);
}
