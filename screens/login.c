/* login.c - try a login with a client's files, and one without: the proof from outside. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/params.h"
#include "screens/by_hand.h"
#include "screens/error_view.h"
#include "screens/follow.h"
#include "screens/kit_field.h"
#include "screens/login_job.h"
#include "screens/pages.h"
#include "tui/button_row.h"
#include "tui/form.h"

enum stage { STAGE_FORM, STAGE_WORK, STAGE_RESULT };
enum result_button { RESULT_ON, RESULT_AGAIN, RESULT_ANSWERS, RESULT_WHY };

struct login {
    struct app *app;
    enum stage stage;
    struct form *form;
    int folder, role, database, passphrase;
    char *role_after;
    struct kit_field client;
    struct job *job;
    struct login_job *made; /* with its results */
    struct button_row buttons;
    bool was_wrong; /* the passphrase that was given last */
};

static const struct form_field folder_field = {
    .label = N_("Client's folder"),
    .why = N_("The folder with the client's files, as pgseal wrote them. They are read where they "
              "are, as the client would read them."),
    .help = N_("A folder with NAME.crt, NAME.key and root.crt. An absolute path, one from here, "
               "or ~/..."),
    .word = "certificate",
    .width = 46,
    .max = 1000,
};
static const struct form_field role_field = {
    .label = N_("Role"),
    .why = N_("Who logs in. With the method \"cert\" it must be the name in the certificate, "
              "letter by letter."),
    .help = N_("The database role."),
    .word = "CN",
    .width = 30,
    .max = 63,
};
static const struct form_field database_field = {
    .label = N_("Database"),
    .why = N_("The login goes to this database; nothing is done in it. Rules can be different for "
              "each."),
    .help = N_("Its name, letter by letter."),
    .width = 30,
    .max = 63,
};
static const struct form_field passphrase_field = {
    .label = N_("Passphrase"),
    .why = N_("The client's private key is encrypted. Its passphrase opens it for this login; it "
              "is not kept."),
    .help = N_("What was typed when the certificate was made."),
    .word = "passphrase",
    .width = 34,
};

/* ---- the form ---- */

static void check_folder(struct login *self, struct form *form)
{
    const char *folder = form_text(form, self->folder);
    const struct kit_look *kit;
    char note[200];

    kit_field_follow(&self->client, folder);
    kit = self->client.kit;
    if (folder[0] == '\0') {
        form_say(form, self->folder, MARK_TODO, NULL);
    } else if (kit == NULL) {
        form_say(form, self->folder, MARK_BUSY, NULL);
    } else if (!kit->ok) {
        form_say(form, self->folder, MARK_BAD, kit->err.msg);
    } else {
        snprintf(note, sizeof(note),
                 kit->root[0] != '\0'
                     ? _("certificate of \"%.60s\"; the server is checked too (verify-full)")
                     : _("certificate of \"%.60s\"; no root.crt: the server is not checked"),
                 kit->role);
        form_say(form, self->folder, kit->root[0] != '\0' ? MARK_OK : MARK_WARN, note);
    }
}

static void check(void *arg, struct form *form)
{
    struct login *self = arg;
    const struct kit_look *kit;

    check_folder(self, form);
    kit = kit_field_good(&self->client);
    if (kit != NULL)
        follow(form, self->role, &self->role_after, kit->role);
    form_say(form, self->role, form_text(form, self->role)[0] != '\0' ? MARK_OK : MARK_TODO, NULL);
    form_say(form, self->database, form_text(form, self->database)[0] != '\0' ? MARK_OK : MARK_TODO,
             NULL);
    form_show(form, self->passphrase, kit != NULL && kit->key_encrypted);
    if (secret_len(form_secret(form, self->passphrase)) > 0)
        form_say(form, self->passphrase, MARK_NONE, NULL);
    else
        form_say(form, self->passphrase, self->was_wrong ? MARK_BAD : MARK_TODO,
                 self->was_wrong ? _("this was not the right one; capital letters count") : NULL);
}

static void start(struct login *self)
{
    struct login_job *data = login_job_new(self->app);
    const struct kit_look *kit = self->client.kit; /* good: else the form is not sent */

    data->role = mem_strdup(form_text(self->form, self->role));
    data->database = mem_strdup(form_text(self->form, self->database));
    data->cert = mem_strdup(kit->cert);
    data->key = mem_strdup(kit->key);
    data->root = mem_strdup(kit->root);
    if (kit->key_encrypted)
        data->passphrase = secret_dup(form_secret(self->form, self->passphrase));
    login_job_free(self->made);
    self->made = NULL;
    self->job = login_job_start(self->app, self, data);
    self->stage = STAGE_WORK;
}

static void job_ended(struct login *self)
{
    self->made = job_take(self->job);
    self->job = NULL;
    self->was_wrong = self->made->wrong_passphrase;
    if (self->was_wrong) {
        form_wipe(self->form, self->passphrase);
        form_focus(self->form, self->passphrase);
        form_recheck(self->form);
        self->stage = STAGE_FORM;
        return;
    }
    self->stage = STAGE_RESULT;
    if (login_is_proven(self->made))
        app_keep(self->app, "login.proven", self->made->role);
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, app_guided(self->app) ? N_("Go on") : N_("Home"));
    button_row_add(&self->buttons, N_("Again"));
    button_row_add(&self->buttons, N_("Back to the answers"));
    if (self->made->ok && !self->made->tries[LOGIN_WITH_CERT].got_in)
        button_row_add(&self->buttons, N_("Why?"));
    self->buttons.focus = login_is_proven(self->made) ? RESULT_ON : RESULT_ANSWERS;
}

/* ---- events ---- */

static bool own_event(struct login *self, const struct event *event)
{
    if (event->type == EVENT_JOB && event->job == self->job) {
        job_ended(self);
        return true;
    }
    if (!kit_field_event(&self->client, event))
        return false;
    form_recheck(self->form);
    return true;
}

/* The same login under every sslmode, explained. */
static struct nav ask_doctor(const struct login *self)
{
    const struct login_job *made = self->made;
    struct params *params = params_new();
    struct strbuf conninfo = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    struct screen *page;
    char port[16];

    snprintf(port, sizeof(port), "%d", made->port);
    params_set(params, "host", made->host);
    params_set(params, "port", port);
    params_set(params, "user", made->role);
    params_set(params, "dbname", made->database);
    params_set(params, "sslmode", made->root[0] != '\0' ? "verify-full" : "require");
    (void)!params_format(params, &conninfo, &ignored);
    app_keep(self->app, "made.folder", form_text(self->form, self->folder));
    page = page_doctor(self->app, conninfo.data);
    strbuf_clear(&conninfo);
    params_free(params);
    return nav_push(page);
}

static struct nav result_event(struct login *self, const struct event *event)
{
    if (event->type != EVENT_KEY)
        return nav_stay();
    if (event->key == KEY_CODE_ESC) {
        self->stage = STAGE_FORM;
        return nav_stay();
    }
    if (button_row_key(&self->buttons, event->key) != BUTTON_PRESSED)
        return nav_stay();
    switch ((enum result_button)self->buttons.focus) {
    case RESULT_ON:
        return nav_pop();
    case RESULT_AGAIN:
        start(self);
        break;
    case RESULT_ANSWERS:
        self->stage = STAGE_FORM;
        break;
    case RESULT_WHY:
        return ask_doctor(self);
    }
    return nav_stay();
}

static struct nav login_event(void *arg, const struct event *event)
{
    struct login *self = arg;

    if (own_event(self, event))
        return nav_stay();
    switch (self->stage) {
    case STAGE_FORM:
        break;
    case STAGE_WORK:
        if (event->type == EVENT_KEY && event->key == KEY_CODE_ESC) {
            job_cancel(self->job);
            self->job = NULL;
            self->stage = STAGE_FORM;
        }
        return nav_stay();
    case STAGE_RESULT:
        return result_event(self, event);
    }
    switch (form_event(self->form, event)) {
    case FORM_SUBMIT:
        start(self);
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

static const char *const way_names[LOGIN_WAYS] = {
    [LOGIN_WITH_CERT] = N_("with the certificate"),
    [LOGIN_WITHOUT_CERT] = N_("with TLS, without it"),
    [LOGIN_WITHOUT_TLS] = N_("without TLS"),
};

static enum mark way_mark(const struct login_try *try, enum login_way way)
{
    if (way == LOGIN_WITH_CERT)
        return try->got_in && try->used_cert ? MARK_OK : MARK_BAD;
    return try->got_in || try->wants_password ? MARK_WARN : MARK_OK;
}

static int draw_try(const struct login_job *made, enum login_way way, struct canvas *body, int row)
{
    const struct login_try *try = &made->tries[way];
    int at = canvas_mark(body, row, 2, way_mark(try, way)) + 1, width = canvas_columns(body) - 33;
    char text[300];

    canvas_text(body, row, at, STYLE_NORMAL, gettext(way_names[way]));
    if (try->got_in)
        snprintf(text, sizeof(text), try->tls[0] != '\0' ? _("in: %s") : _("in, unencrypted%s"),
                 try->tls);
    else if (try->wants_password)
        snprintf(text, sizeof(text), "%s", _("not refused: a password would decide"));
    else
        snprintf(text, sizeof(text), _("refused: %.200s"), try->why.msg);
    return row + canvas_wrap(body, row, 31, width, 3, STYLE_NORMAL, text);
}

static const char *verdict(const struct login_job *made)
{
    const struct login_try *with = &made->tries[LOGIN_WITH_CERT];

    if (login_is_proven(made))
        return _("Proven: the certificate opens the door, and nothing else does.");
    if (with->got_in && with->used_cert)
        return _("The certificate works. But one gets in without it too: \"Require certificates\" "
                 "is the step that closes that.");
    if (with->got_in)
        return _("It got in, but the server did not ask for the certificate: give it the CA "
                 "first.");
    if (with->wants_password)
        return _("The server asks for a password beside the certificate: the rule for this role "
                 "is another one.");
    return _("The login with the certificate was refused.");
}

static void draw_result(const struct login *self, struct canvas *body)
{
    const struct login_job *made = self->made;
    const struct login_try *with = &made->tries[LOGIN_WITH_CERT];
    int row, at, width = canvas_columns(body) - 4;

    if (!made->ok) {
        row = error_view_draw(&made->err, body, 0, canvas_rows(body) - 2);
        button_row_draw(&self->buttons, body, row + 1, 2, true);
        return;
    }
    at = canvas_mark(body, 0, 2,
                     login_is_proven(made)             ? MARK_OK
                     : with->got_in && with->used_cert ? MARK_WARN
                                                       : MARK_BAD) +
         1;
    row = canvas_wrap(body, 0, at, width - at, 2, STYLE_STRONG, verdict(made)) + 1;
    for (unsigned way = 0; way < LOGIN_WAYS; way++)
        row = draw_try(made, (enum login_way)way, body, row);
    row++;
    if (!with->got_in && !with->wants_password) {
        row += canvas_wrap(body, row, 2, width, 2, STYLE_NORMAL, err_cause_text(&with->why));
        row += canvas_wrap(body, row, 2, width, 2, STYLE_NORMAL, err_hint_text(&with->why));
        row++;
    }
    button_row_draw(&self->buttons, body, row, 2, true);
}

static void login_draw(const void *arg, struct canvas *body)
{
    const struct login *self = arg;

    switch (self->stage) {
    case STAGE_FORM:
        form_draw(self->form, body);
        break;
    case STAGE_WORK:
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("logging in as the client would"));
        break;
    case STAGE_RESULT:
        draw_result(self, body);
        break;
    }
}

static const struct binding result_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same by psql"), 90},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 60},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Back"), N_("to the answers"), 95},
    {NULL, NULL, NULL, 0},
};

static void login_frame(const void *arg, struct frame *ret)
{
    const struct login *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Try a login"));
    snprintf(ret->right, sizeof(ret->right), _("server: %.60s"), app_server(self->app));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Login"));
    ret->word = "verify-full";
    if (self->stage == STAGE_FORM) {
        form_frame(self->form, ret);
        return;
    }
    ret->bindings = result_keys;
    ret->why = _("Three logins are made where clients come in: with the certificate, with TLS but "
                 "without it, and without TLS. Each ends at once.");
    if (self->stage == STAGE_WORK) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s", _("Working. Esc stops."));
    } else if (self->made->ok && !self->made->tries[LOGIN_WITH_CERT].got_in) {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)self->made->tries[LOGIN_WITH_CERT].why.code);
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s", _("Nothing was changed by trying."));
    }
}

static void login_commands(const void *arg, struct strbuf *out)
{
    const struct login *self = arg;
    const char *role = form_text(self->form, self->role);

    strbuf_add_str(out, _("# try it, in the folder of the files\n"));
    by_hand_psql(out, self->made != NULL ? self->made->host : NULL,
                 self->made != NULL ? self->made->port : 0, role[0] != '\0' ? role : "alice");
    strbuf_add_char(out, '\n');
}

static void login_free(void *arg)
{
    struct login *self = arg;

    app_keep(self->app, "login.database", form_text(self->form, self->database));
    form_free(self->form);
    kit_field_clear(&self->client);
    login_job_free(self->made);
    free(self->role_after);
    free(self);
}

static const struct screen_ops login_ops = {
    .name = "login",
    .event = login_event,
    .draw = login_draw,
    .frame = login_frame,
    .commands = login_commands,
    .free = login_free,
};

struct screen *page_login(struct app *app)
{
    struct login *self = mem_zalloc(sizeof(*self));
    const char *database = app_kept(app, "login.database");
    const char *required = app_kept(app, "require.database");

    self->app = app;
    kit_field_init(&self->client, app, self);
    self->role_after = mem_strdup("");
    self->form = form_new(N_("Try"), NULL, check, self);
    form_explain_button(
        self->form, 0,
        N_("Logs in where clients come in, and out again at once. Nothing is changed by trying."));
    self->folder = form_add_text(self->form, &folder_field, app_kept(app, "made.folder"));
    self->role = form_add_text(self->form, &role_field, "");
    if (database == NULL)
        database = required != NULL && strcmp(required, "all") != 0 ? required : "postgres";
    self->database = form_add_text(self->form, &database_field, database);
    self->passphrase = form_add_secret(self->form, &passphrase_field);
    form_focus(self->form, self->folder);
    form_recheck(self->form);
    return screen_new(&login_ops, self);
}
