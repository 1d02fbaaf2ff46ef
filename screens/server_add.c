/* server_add.c - a server is added: how pgseal logs in, where clients connect; tried before it is kept. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/params.h"
#include "screens/error_view.h"
#include "screens/follow.h"
#include "screens/pages.h"
#include "screens/servers_job.h"
#include "screens/steps.h"
#include "tui/button_row.h"
#include "tui/form.h"

#define PORT_DEFAULT "5432"

enum stage { STAGE_FORM, STAGE_TRY, STAGE_PASSWORD, STAGE_FOUND, STAGE_FAILED, STAGE_STORE };
enum how { HOW_FIELDS, HOW_STRING, HOW_SERVICE };

struct server_add {
    struct app *app;
    enum stage stage;
    struct form *form, *password;
    int name, how, host, port, database, role, string, service, address, member, production;
    int password_field;
    char *address_after; /* what was filled in by following */
    struct job *job;
    struct server_try *found; /* with what was seen, or its error */
    bool password_was_wrong;
    struct err store_err;
    struct button_row buttons;
};

static const char *const steps[] = {N_("Connection"), N_("Test"), N_("Add")};

/* ---- fields ---- */

static const struct form_field name_field = {
    .label = N_("Name"),
    .why = N_("How you call this server: the other pages and the commands use this word. It need "
              "not be its name in the network."),
    .help = N_("Letters, digits, \".\", \"_\" and \"-\"; at most 63.\nExample: db1"),
    .word = "backend/session",
    .width = 30,
    .max = 63,
};
static const struct form_field how_field = {
    .label = N_("You log in by"),
    .why = N_("As the administrator (a superuser, or a role with the grants of the manual). On the "
              "server's own machine the socket is best: then files can be written too."),
    .help = N_("A connection string is what psql takes: host=/var/run/postgresql user=postgres, or "
               "postgresql://postgres@db1/. A service is a name in pg_service.conf."),
};
static const struct choice_item how_items[] = {
    {N_("fields"), N_("host, port, database, role")},
    {N_("connection string"), N_("what psql takes, without a password")},
    {N_("service"), N_("a name in pg_service.conf")},
};
static const struct form_field host_field = {
    .label = N_("Host"),
    .why = N_("A name, an address, or the folder of the socket (it begins with a slash). Empty: "
              "the socket where psql looks for it."),
    .help = N_("Example: /var/run/postgresql on the server itself; db1.example.org from "
               "elsewhere."),
};
static const struct form_field port_field = {
    .label = N_("Port"),
    .why = N_("5432 unless the server was set up otherwise. A socket has a port number too."),
    .help = N_("1 to 65535."),
    .width = 8,
    .max = 5,
    .allow = "0123456789",
};
static const struct form_field database_field = {
    .label = N_("Database"),
    .why = N_("Any one that the administrator may use; \"postgres\" is on almost every server."),
    .help = N_("Nothing is created in it."),
    .width = 30,
};
static const struct form_field role_field = {
    .label = N_("Role"),
    .why = N_("The administrator's role. To change settings it is a superuser, or has the grants "
              "that the manual lists; to look, less is enough."),
    .help = N_("Often: postgres"),
    .width = 30,
};
static const struct form_field string_field = {
    .label = N_("Connection string"),
    .why = N_("Keyword=value pairs or a URI, as psql takes them. No password: it would be stored "
              "and shown. ~/.pgpass is its place; else pgseal asks for it when it needs it."),
    .help = N_("Example: host=/var/run/postgresql user=postgres dbname=postgres"),
    .width = 48,
    .max = 1000,
};
static const struct form_field service_field = {
    .label = N_("Service"),
    .why = N_("The name of a section in ~/.pg_service.conf or in pg_service.conf."),
    .help = N_("Example: prod"),
    .width = 30,
};
static const struct form_field address_field = {
    .label = N_("Clients use"),
    .why = N_("Where clients come in by TCP: often another way than the administrator's. Changes "
              "are proven there, by TLS handshakes."),
    .help = N_("HOST, HOST:PORT or [ADDRESS]:PORT. A socket never has TLS, so it cannot stand "
               "here.\nExample: db1.example.org:5432"),
    .word = "TLS/SSL",
};
static const struct form_field member_field = {
    .label = N_("Member of"),
    .why = N_("The name of a cluster, where this is the primary or one of its standbys: files and "
              "rules do not replicate, so a change goes to each member. Else empty."),
    .help = N_("Any word that is no server's name; the same for all members. Their system "
               "identifiers must be equal.\nExample: main"),
    .word = "backend/session",
    .width = 30,
    .max = 63,
};
static const struct form_field production_field = {
    .label = N_("Production"),
    .why = N_("For a server of which people live: its name must be typed before a change, instead "
              "of a simple \"yes\"."),
    .help = N_("Only a mark in pgseal's store; nothing on the server."),
};
static const struct form_field ask_field = {
    .label = N_("Password"),
    .why = N_("The server asks for a password. It is used for this test and forgotten; pgseal "
              "stores none. A line in ~/.pgpass saves the typing."),
    .help = N_("~/.pgpass, mode 0600, one line for each server:\nhost:port:database:role:password"),
    .width = 34,
};

/* ---- what the form says ---- */

static enum how how(const struct server_add *self)
{
    return (enum how)form_choice(self->form, self->how);
}

static struct params *read_params(const struct server_add *self, struct err *err)
{
    const struct form *form = self->form;
    struct params *params;

    switch (how(self)) {
    case HOW_STRING:
        return params_parse(form_text(form, self->string), err);
    case HOW_SERVICE:
        params = params_new();
        params_set(params, "service", form_text(form, self->service));
        return params;
    case HOW_FIELDS:
        break;
    }
    params = params_new();
    if (form_text(form, self->host)[0] != '\0')
        params_set(params, "host", form_text(form, self->host));
    params_set(params, "port", form_text(form, self->port));
    params_set(params, "dbname", form_text(form, self->database));
    params_set(params, "user", form_text(form, self->role));
    return params;
}

/* Where clients would come in by what is said about the administrator's way. */
static char *likely_address(const struct server_add *self)
{
    struct err ignored = ERR_INIT;
    struct params *params = read_params(self, &ignored);
    const char *host = params != NULL ? params_get(params, "host") : NULL;
    const char *port = params != NULL ? params_get(params, "port") : NULL;
    bool local = params == NULL || params_is_local(params) || host == NULL || host[0] == '\0';
    char *text;

    if (params == NULL || how(self) == HOW_SERVICE)
        text = mem_strdup("");
    else
        text = mem_printf(!local && strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s",
                          local ? "localhost" : host,
                          port != NULL && port[0] != '\0' ? port : PORT_DEFAULT);
    params_free(params);
    return text;
}

static void check_name(struct form *form, int id, enum mark when_empty)
{
    const char *name = form_text(form, id);
    bool good = true;

    for (const char *c = name; *c != '\0'; c++)
        good = good && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("._-", *c) != NULL);
    if (name[0] == '\0')
        form_say(form, id, when_empty, NULL);
    else
        form_say(form, id, good ? MARK_OK : MARK_BAD,
                 good ? NULL : _("letters, digits, \".\", \"_\" and \"-\" only"));
}

static void need(struct form *form, int id)
{
    form_say(form, id, form_text(form, id)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
}

static void check_way(struct server_add *self, struct form *form)
{
    enum how by = how(self);
    struct err err = ERR_INIT;
    struct params *params;
    int64_t port;

    form_show(form, self->host, by == HOW_FIELDS);
    form_show(form, self->port, by == HOW_FIELDS);
    form_show(form, self->database, by == HOW_FIELDS);
    form_show(form, self->role, by == HOW_FIELDS);
    form_show(form, self->string, by == HOW_STRING);
    form_show(form, self->service, by == HOW_SERVICE);
    if (by == HOW_FIELDS) {
        form_say(form, self->host, MARK_OK, NULL);
        need(form, self->database);
        need(form, self->role);
        if (text_parse_int(form_text(form, self->port), 1, 65535, &port))
            form_say(form, self->port, MARK_OK, NULL);
        else
            form_say(form, self->port, MARK_BAD, _("1 to 65535"));
        return;
    }
    if (by == HOW_SERVICE) {
        need(form, self->service);
        return;
    }
    params = read_params(self, &err);
    if (form_text(form, self->string)[0] == '\0')
        form_say(form, self->string, MARK_TODO, NULL);
    else
        form_say(form, self->string, params != NULL ? MARK_OK : MARK_BAD,
                 params != NULL ? NULL : err.msg);
    params_free(params);
}

static void check(void *arg, struct form *form)
{
    struct server_add *self = arg;
    struct err err = ERR_INIT;
    char *likely = likely_address(self), *host = NULL;
    const char *address;
    int port = 0;

    check_name(form, self->name, MARK_TODO);
    check_name(form, self->member, MARK_NONE);
    check_way(self, form);
    follow(form, self->address, &self->address_after, likely);
    free(likely);
    address = form_text(form, self->address);
    if (address[0] == '\0')
        form_say(form, self->address, MARK_TODO, NULL);
    else if (server_parse_address(address, &host, &port, &err))
        form_say(form, self->address, MARK_OK, NULL);
    else
        form_say(form, self->address, MARK_BAD, err.msg);
    free(host);
}

/* NULL with err: the connection cannot be written down. */
static struct server *read_server(const struct server_add *self, struct err *err)
{
    struct params *params = read_params(self, err);
    struct strbuf conninfo = STRBUF_INIT;
    struct server *server = mem_zalloc(sizeof(*server));
    bool good = params != NULL && params_format(params, &conninfo, err) &&
                server_parse_address(form_text(self->form, self->address), &server->tls_host,
                                     &server->tls_port, err);

    server->name = mem_strdup(form_text(self->form, self->name));
    server->conninfo = strbuf_steal(&conninfo);
    server->provider = mem_strdup("self-managed");
    server->system_identifier = mem_strdup("");
    server->cluster = mem_strdup(form_text(self->form, self->member));
    server->production = form_checked(self->form, self->production);
    params_free(params);
    if (good)
        return server;
    server_free(server);
    return NULL;
}

/* ---- going on ---- */

static void set_buttons(struct server_add *self, const char *first, const char *second,
                        const char *third)
{
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, first);
    button_row_add(&self->buttons, second);
    if (third != NULL)
        button_row_add(&self->buttons, third);
}

/* password: taken. */
static void try(struct server_add *self, struct secret *password)
{
    struct err err = ERR_INIT;
    struct server *server = read_server(self, &err);

    server_try_free(self->found);
    self->found = NULL;
    if (server == NULL) {
        secret_free(password);
        self->found = mem_zalloc(sizeof(*self->found));
        self->found->err = err;
        set_buttons(self, N_("Back to the answers"), N_("Home"), NULL);
        self->stage = STAGE_FAILED;
        return;
    }
    self->job = server_try_start(self->app, self, server, password);
    self->stage = STAGE_TRY;
}

static void check_password(void *arg, struct form *form)
{
    struct server_add *self = arg;
    bool empty = secret_len(form_secret(form, self->password_field)) == 0;

    if (!empty)
        form_say(form, self->password_field, MARK_NONE, NULL);
    else if (self->password_was_wrong)
        form_say(form, self->password_field, MARK_BAD, _("the server did not take this one"));
    else
        form_say(form, self->password_field, MARK_TODO, NULL);
}

static void ask_password(struct server_add *self)
{
    self->password_was_wrong = self->password != NULL;
    form_free(self->password);
    self->password = form_new(N_("Test again"), NULL, check_password, self);
    form_add_line(self->password, N_("Server"), self->found->server->conninfo);
    self->password_field = form_add_secret(self->password, &ask_field);
    form_recheck(self->password);
    self->stage = STAGE_PASSWORD;
}

static void try_ended(struct server_add *self)
{
    self->found = job_take(self->job);
    self->job = NULL;
    if (self->found->ok) {
        set_buttons(self, N_("Add it"), N_("Back"), NULL);
        self->stage = STAGE_FOUND;
    } else if (self->found->wants_password) {
        ask_password(self);
    } else {
        set_buttons(self, N_("Back to the answers"), N_("Try again"), N_("Add it untested"));
        self->stage = STAGE_FAILED;
    }
}

static void add(struct server_add *self)
{
    struct server *server = self->found->server;

    self->found->server = NULL;
    self->job = server_store_start(self->app, self, server, NULL);
    self->stage = STAGE_STORE;
}

static struct nav store_ended(struct server_add *self)
{
    struct server_store_job *data = job_take(self->job);
    bool ok = data->ok;

    self->job = NULL;
    self->store_err = data->err;
    if (ok)
        app_set_server(self->app, data->add->name);
    server_store_free(data);
    if (ok)
        return nav_pop();
    set_buttons(self, N_("Back to the answers"), N_("Home"), NULL);
    self->stage = STAGE_FAILED;
    return nav_stay();
}

/* ---- events ---- */

static void back_to_form(struct server_add *self)
{
    self->store_err = (struct err)ERR_INIT;
    form_free(self->password);
    self->password = NULL;
    self->stage = STAGE_FORM;
}

static struct nav form_stage(struct server_add *self, const struct event *event)
{
    switch (form_event(self->form, event)) {
    case FORM_SUBMIT:
        try(self, NULL);
        break;
    case FORM_CANCEL:
        return nav_pop();
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

static struct nav password_stage(struct server_add *self, const struct event *event)
{
    switch (form_event(self->password, event)) {
    case FORM_SUBMIT:
        try(self, secret_dup(form_secret(self->password, self->password_field)));
        break;
    case FORM_CANCEL:
        back_to_form(self);
        break;
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

static struct nav buttons_stage(struct server_add *self, const struct event *event)
{
    bool found = self->stage == STAGE_FOUND;

    if (event->type != EVENT_KEY)
        return nav_stay();
    if (event->key == KEY_CODE_ESC) {
        back_to_form(self);
        return nav_stay();
    }
    if (button_row_key(&self->buttons, event->key) != BUTTON_PRESSED)
        return nav_stay();
    switch (self->buttons.focus) {
    case 0:
        if (found)
            add(self);
        else
            back_to_form(self);
        break;
    case 1:
        if (found)
            back_to_form(self);
        else if (self->buttons.n == 2)
            return nav_home();
        else
            try(self, NULL);
        break;
    case 2:
        add(self);
        break;
    }
    return nav_stay();
}

static struct nav add_event(void *arg, const struct event *event)
{
    struct server_add *self = arg;

    if (event->type == EVENT_JOB && event->job == self->job) {
        if (self->stage == STAGE_STORE)
            return store_ended(self);
        try_ended(self);
        return nav_stay();
    }
    if (event->type == EVENT_QUIT_ASKED)
        return form_text(self->form, self->name)[0] != '\0'
                   ? nav_push(page_leave(_("The server was not added yet.")))
                   : nav_stay();
    switch (self->stage) {
    case STAGE_FORM:
        return form_stage(self, event);
    case STAGE_PASSWORD:
        return password_stage(self, event);
    case STAGE_TRY:
        if (event->type == EVENT_KEY && event->key == KEY_CODE_ESC) {
            job_cancel(self->job);
            self->job = NULL;
            back_to_form(self);
        }
        break;
    case STAGE_FOUND:
    case STAGE_FAILED:
        return buttons_stage(self, event);
    case STAGE_STORE:
        break;
    }
    return nav_stay();
}

/* ---- drawing ---- */

static int fact(struct canvas *body, int row, enum mark mark, const char *text)
{
    int at = canvas_mark(body, row, 2, mark) + 1;

    canvas_field(body, row, at, canvas_columns(body) - at - 2, STYLE_NORMAL, text);
    return row + 1;
}

static void draw_found(const struct server_add *self, struct canvas *body)
{
    const struct server_try *found = self->found;
    char text[200];
    int row = 2;

    canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_OK) + 1, STYLE_STRONG,
                _("The login works. Nothing was changed."));
    snprintf(text, sizeof(text), _("PostgreSQL %d.%d, system identifier %s"),
             found->version / 10000, found->version % 10000,
             found->server->system_identifier[0] != '\0' ? found->server->system_identifier
                                                         : _("hidden from this role"));
    row = fact(body, row, MARK_OK, text);
    if (found->superuser)
        snprintf(text, sizeof(text), _("role \"%s\" is a superuser: it may change everything here"),
                 found->role);
    else
        snprintf(text, sizeof(text),
                 found->may_write_files ? _("role \"%s\" is no superuser, but may write files")
                                        : _("role \"%s\" may look, but not change the server"),
                 found->role);
    row = fact(body, row, found->superuser || found->may_write_files ? MARK_OK : MARK_WARN, text);
    snprintf(text, sizeof(text), _("where clients come in (%s:%d): %s"), found->server->tls_host,
             found->server->tls_port > 0 ? found->server->tls_port : 5432,
             server_state_text(found->state));
    row = fact(body, row, server_state_mark(found->state), text);
    if (found->state == SERVER_AWAY)
        row += canvas_wrap(body, row, 7, canvas_columns(body) - 9, 2, STYLE_NORMAL,
                           _("Nobody answers there. The server can be added, but changes are "
                             "proven at this address: is it right?"));
    button_row_draw(&self->buttons, body, row + 1, 2, true);
}

static void add_draw(const void *arg, struct canvas *body)
{
    const struct server_add *self = arg;
    int row;

    switch (self->stage) {
    case STAGE_FORM:
        form_draw(self->form, body);
        break;
    case STAGE_PASSWORD:
        form_draw(self->password, body);
        break;
    case STAGE_TRY:
    case STAGE_STORE:
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    self->stage == STAGE_TRY ? _("logging in, looking; nothing is changed")
                                             : _("writing it down in the store"));
        break;
    case STAGE_FOUND:
        draw_found(self, body);
        break;
    case STAGE_FAILED:
        row =
            error_view_draw(self->store_err.code != ERR_NONE ? &self->store_err : &self->found->err,
                            body, 0, canvas_rows(body) - 2);
        button_row_draw(&self->buttons, body, row + 1, 2, true);
        break;
    }
}

static const struct binding button_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 90},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 60},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Back"), N_("back; all answers are kept"), 95},
    {NULL, NULL, NULL, 0},
};

static void add_frame(const void *arg, struct frame *ret)
{
    const struct server_add *self = arg;
    size_t at = self->stage == STAGE_FORM                                  ? 0
                : self->stage == STAGE_FOUND || self->stage == STAGE_STORE ? 2
                                                                           : 1;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Add a server"));
    app_where(self->app, ret->right, sizeof(ret->right));
    steps_frame(ret, _("Server"), steps, ARRAY_LEN(steps), at);
    if (self->stage == STAGE_FORM) {
        form_frame(self->form, ret);
        return;
    }
    if (self->stage == STAGE_PASSWORD) {
        form_frame(self->password, ret);
        return;
    }
    ret->bindings = button_keys;
    ret->word = "TLS/SSL";
    ret->why = _("The test logs in once, reads the version, the role's rights and the system "
                 "identifier, and makes one TLS handshake where clients come in.");
    if (self->stage == STAGE_TRY || self->stage == STAGE_STORE) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s", _("Working. Esc stops."));
    } else if (self->stage == STAGE_FAILED) {
        ret->message_mark = MARK_BAD;
        snprintf(
            ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
            (int)(self->store_err.code != ERR_NONE ? self->store_err.code : self->found->err.code));
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Not added yet: < Add it > writes it into pgseal's store, nowhere else."));
    }
}

static void shell(struct strbuf *out, const char *text)
{
    if (!text_quote_shell(out, text))
        strbuf_add_str(out, "''");
}

static void add_commands(const void *arg, struct strbuf *out)
{
    const struct server_add *self = arg;
    struct err ignored = ERR_INIT;
    struct params *params = read_params(self, &ignored);
    struct strbuf conninfo = STRBUF_INIT;
    const char *name = form_text(self->form, self->name);

    if (params == NULL || !params_format(params, &conninfo, &ignored))
        strbuf_add_str(&conninfo, "host=db1 user=postgres");
    strbuf_add_str(out, _("# log in as pgseal does\n"));
    strbuf_add_str(out, "psql ");
    shell(out, conninfo.data);
    strbuf_add_str(out, " -c 'SELECT system_identifier FROM pg_control_system()'\n\n");
    strbuf_add_str(out, _("# the same as a command\n"));
    strbuf_add_str(out, "pgseal server add ");
    shell(out, name[0] != '\0' ? name : "db1");
    strbuf_add_char(out, ' ');
    shell(out, conninfo.data);
    strbuf_add_str(out, " --address ");
    shell(out, form_text(self->form, self->address));
    if (form_text(self->form, self->member)[0] != '\0') {
        strbuf_add_str(out, " --member-of ");
        shell(out, form_text(self->form, self->member));
    }
    strbuf_add_str(out, form_checked(self->form, self->production) ? " --production\n" : "\n");
    strbuf_clear(&conninfo);
    params_free(params);
}

/* ---- life ---- */

static const struct {
    const char *key;
    size_t id; /* offset of the field's number */
} kept[] = {
    {"server-add.name", offsetof(struct server_add, name)},
    {"server-add.host", offsetof(struct server_add, host)},
    {"server-add.string", offsetof(struct server_add, string)},
    {"server-add.service", offsetof(struct server_add, service)},
};

static void keep_answers(const struct server_add *self)
{
    bool added = self->stage == STAGE_STORE;

    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        int id = *(const int *)(const void *)((const char *)self + kept[i].id);

        app_keep(self->app, kept[i].key, added ? NULL : form_text(self->form, id));
    }
}

static void add_free(void *arg)
{
    struct server_add *self = arg;

    keep_answers(self);
    form_free(self->form);
    form_free(self->password);
    server_try_free(self->found);
    free(self->address_after);
    free(self);
}

static const struct screen_ops add_ops = {
    .name = "server-add",
    .event = add_event,
    .draw = add_draw,
    .frame = add_frame,
    .commands = add_commands,
    .free = add_free,
};

struct screen *page_server_add(struct app *app)
{
    struct server_add *self = mem_zalloc(sizeof(*self));
    struct form *form = form_new(N_("Test"), NULL, check, self);

    self->app = app;
    self->form = form;
    self->address_after = mem_strdup("");
    self->store_err = (struct err)ERR_INIT;
    self->name = form_add_text(form, &name_field, app_kept(app, "server-add.name"));
    self->how = form_add_choice(form, &how_field, how_items, ARRAY_LEN(how_items), HOW_FIELDS);
    self->host = form_add_text(form, &host_field, app_kept(app, "server-add.host"));
    self->port = form_add_text(form, &port_field, PORT_DEFAULT);
    self->database = form_add_text(form, &database_field, "postgres");
    self->role = form_add_text(form, &role_field, "postgres");
    self->string = form_add_text(form, &string_field, app_kept(app, "server-add.string"));
    self->service = form_add_text(form, &service_field, app_kept(app, "server-add.service"));
    self->address = form_add_text(form, &address_field, "");
    self->member = form_add_text(form, &member_field, "");
    self->production =
        form_add_check(form, &production_field, N_("type its name before each change"), false);
    form_focus(form, self->name);
    form_recheck(form);
    return screen_new(&add_ops, self);
}
