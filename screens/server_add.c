/* server_add.c - a server is added: how pgseal logs in, where clients connect; tried before it is kept. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "screens/server_form.h"
#include "screens/servers_job.h"
#include "screens/steps.h"
#include "tui/button_row.h"
#include "tui/form.h"

enum stage { STAGE_FORM, STAGE_TRY, STAGE_PASSWORD, STAGE_FOUND, STAGE_FAILED, STAGE_STORE };

struct server_add {
    struct app *app;
    enum stage stage;
    struct server_form answers;
    struct form *password; /* asked for; or NULL */
    int password_field;
    struct job *job;
    struct server_try *found; /* with what was seen, or its error */
    bool password_was_wrong;
    struct err store_err;
    struct button_row buttons;
};

static const char *const steps[] = {N_("Connection"), N_("Test"), N_("Add")};

/* ---- going on ---- */

static const struct form_field ask_field = {
    .label = N_("Password"),
    .why = N_("The server asks for a password. It is used for this test and forgotten; pgseal "
              "stores none. A line in ~/.pgpass saves the typing."),
    .help = N_("~/.pgpass, mode 0600, one line for each server:\nhost:port:database:role:password"),
    .width = 34,
};

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
    struct server *server = server_form_read(&self->answers, &err);

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
    switch (form_event(self->answers.form, event)) {
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
        return server_form_begun(&self->answers)
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
        form_draw(self->answers.form, body);
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
        form_frame(self->answers.form, ret);
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

static void add_commands(const void *arg, struct strbuf *out)
{
    const struct server_add *self = arg;

    server_form_commands(&self->answers, out);
}

/* ---- life ---- */

static void add_free(void *arg)
{
    struct server_add *self = arg;

    server_form_keep(&self->answers, self->app, self->stage == STAGE_STORE);
    server_form_clear(&self->answers);
    form_free(self->password);
    server_try_free(self->found);
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

    self->app = app;
    server_form_init(&self->answers, app);
    self->store_err = (struct err)ERR_INIT;
    return screen_new(&add_ops, self);
}
