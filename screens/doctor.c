/* doctor.c - why an application does not get in: every sslmode tried, each result explained. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/doctor_job.h"
#include "screens/error_view.h"
#include "screens/kit_field.h"
#include "screens/new_client_job.h"
#include "screens/pages.h"
#include "tui/form.h"
#include "tui/table.h"

#define SHEET_ROWS 6

enum stage { STAGE_FORM, STAGE_WORK, STAGE_RESULT, STAGE_FAILED };
enum column { COLUMN_MARK, COLUMN_MODE, COLUMN_WHAT };

struct doctor_page {
    struct app *app;
    enum stage stage;
    struct form *form;
    int string, folder, passphrase, password;
    struct kit_field client;
    struct job *job, *facts_job;
    struct doctor_job *found; /* with its results */
    struct table *table;
};

static const struct form_field string_field = {
    .label = N_("Its connection"),
    .why = N_("What the application has: keyword=value pairs or a URI, with its own sslmode. No "
              "password in it; it has a field of its own below."),
    .help = N_("Example: host=db1.example.org port=5432 user=alice dbname=app "
               "sslmode=verify-full"),
    .word = "sslmode",
    .width = 50,
    .max = 1000,
};
static const struct form_field folder_field = {
    .label = N_("Its files"),
    .why = N_("The folder with NAME.crt, NAME.key and root.crt. Empty: what the string names, or "
              "~/.postgresql, where libpq looks."),
    .help = N_("A folder as pgseal writes it, on this machine."),
    .word = "certificate",
    .width = 46,
    .max = 1000,
};
static const struct form_field passphrase_field = {
    .label = N_("Key's passphrase"),
    .why = N_("The private key is encrypted. Its passphrase opens it for these tries; it is not "
              "kept."),
    .help = N_("What was typed when the certificate was made."),
    .word = "passphrase",
    .width = 34,
};
static const struct form_field password_field = {
    .label = N_("Password"),
    .why = N_("Of the role, where the rule asks for one; empty: ~/.pgpass, or none. It is tried "
              "once for each sslmode and not kept."),
    .help = N_("A wrong one counts where the server counts them."),
    .width = 34,
};

static const struct table_column columns[] = {
    [COLUMN_MARK] = {.title = "", .width = 4, .keep = 100},
    [COLUMN_MODE] = {.title = N_("SSLMODE"), .width = 12, .keep = 90},
    [COLUMN_WHAT] = {.title = N_("RESULT"), .width = 40, .keep = 80, .grow = true},
};

/* ---- rows: six tries, then what was found apart from them ---- */

static const struct doctor *result_of(const struct doctor_page *self)
{
    return &self->found->doctor;
}

static size_t rows_count(const void *arg)
{
    const struct doctor_page *self = arg;

    return self->stage == STAGE_RESULT ? DOCTOR_SSLMODES + result_of(self)->findings.n : 0;
}

static enum mark row_mark(const struct doctor_page *self, size_t row)
{
    const struct doctor_try *one;

    if (row >= DOCTOR_SSLMODES) {
        enum finding_severity severity =
            result_of(self)->findings.rows[row - DOCTOR_SSLMODES].severity;

        return severity == FINDING_ERROR     ? MARK_BAD
               : severity == FINDING_WARNING ? MARK_WARN
                                             : MARK_OFF;
    }
    one = &result_of(self)->tries[row];
    if (one->wants_password)
        return MARK_BUSY;
    if (!one->in)
        return MARK_BAD;
    return one->code == ERR_NONE ? MARK_OK : MARK_WARN;
}

static void try_cell(const struct doctor_try *one, struct strbuf *out)
{
    if (one->in)
        strbuf_printf(out, one->cert_sent ? _("in, %s, with the certificate") : _("in, %s"),
                      one->tls ? one->tls_version : _("without TLS"));
    else
        strbuf_add_str(out, one->wants_password ? _("as far as the password") : _("refused"));
    if (one->chosen)
        strbuf_add_str(out, _("   <- the application's"));
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct doctor_page *self = arg;
    const struct doctor *doctor = result_of(self);
    const struct finding *finding =
        row >= DOCTOR_SSLMODES ? &doctor->findings.rows[row - DOCTOR_SSLMODES] : NULL;

    switch ((enum column)column) {
    case COLUMN_MARK:
        strbuf_add_str(out, mark_text(row_mark(self, row)));
        break;
    case COLUMN_MODE:
        if (finding == NULL)
            strbuf_add_str(out, doctor_sslmode_name(doctor->tries[row].mode));
        else
            strbuf_printf(out, "PS-%d", (int)finding->code);
        break;
    case COLUMN_WHAT:
        if (finding == NULL)
            try_cell(&doctor->tries[row], out);
        else
            strbuf_printf(out, "%s: %s", finding->object, finding->message);
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
    return column == COLUMN_MARK ? mark_style(row_mark(arg, row)) : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

/* What is known about the row under the cursor. */
static void explain(const struct doctor_page *self, struct strbuf *said, struct strbuf *cause,
                    struct strbuf *fix)
{
    size_t row = table_row(self->table);

    if (row >= DOCTOR_SSLMODES) {
        const struct finding *finding = &result_of(self)->findings.rows[row - DOCTOR_SSLMODES];

        strbuf_add_str(cause, finding->cause);
        strbuf_add_str(fix, finding->fix);
    } else {
        const struct doctor_try *one = &result_of(self)->tries[row];

        if (one->said[0] != '\0')
            strbuf_printf(said, _("It said: %s"), one->said);
        strbuf_add_str(cause, one->cause);
        strbuf_add_str(fix, one->fix);
    }
}

/* ---- the form ---- */

static void check_folder(struct doctor_page *self, struct form *form)
{
    const char *folder = form_text(form, self->folder);

    kit_field_follow(&self->client, folder);
    if (folder[0] == '\0')
        form_say(form, self->folder, MARK_NONE, NULL);
    else if (self->client.kit == NULL)
        form_say(form, self->folder, MARK_BUSY, NULL);
    else
        form_say(form, self->folder, self->client.kit->ok ? MARK_OK : MARK_BAD,
                 self->client.kit->ok ? NULL : self->client.kit->err.msg);
}

static void check(void *arg, struct form *form)
{
    struct doctor_page *self = arg;
    const char *text = form_text(form, self->string);
    struct err err = ERR_INIT;
    struct params *params = text[0] != '\0' ? doctor_parse(text, &err) : NULL;
    const struct kit_look *kit;

    form_say(form, self->string,
             text[0] == '\0'  ? MARK_TODO
             : params != NULL ? MARK_OK
                              : MARK_BAD,
             text[0] != '\0' && params == NULL ? err.msg : NULL);
    params_free(params);
    check_folder(self, form);
    kit = kit_field_good(&self->client);
    form_show(form, self->passphrase, kit != NULL && kit->key_encrypted);
}

static void start(struct doctor_page *self)
{
    struct doctor_job *data = doctor_job_new(self->app);
    const struct secret *password = form_secret(self->form, self->password);
    const struct secret *passphrase = form_secret(self->form, self->passphrase);
    const struct kit_look *kit = kit_field_good(&self->client);

    data->conninfo = mem_strdup(form_text(self->form, self->string));
    if (kit != NULL && form_text(self->form, self->folder)[0] != '\0') {
        data->cert = mem_strdup(kit->cert);
        data->key = mem_strdup(kit->key);
        data->root = kit->root[0] != '\0' ? mem_strdup(kit->root) : NULL;
        if (kit->key_encrypted && secret_len(passphrase) > 0)
            data->key_passphrase = secret_dup(passphrase);
    }
    if (secret_len(password) > 0)
        data->password = secret_dup(password);
    self->stage = STAGE_WORK;
    self->job = doctor_job_start(self->app, self, data);
}

static void job_ended(struct doctor_page *self)
{
    doctor_job_free(self->found);
    self->found = job_take(self->job);
    self->job = NULL;
    self->stage = self->found->ok ? STAGE_RESULT : STAGE_FAILED;
    table_refresh(self->table);
    for (size_t i = 0; self->found->ok && i < DOCTOR_SSLMODES; i++) {
        if (result_of(self)->tries[i].chosen)
            (void)table_select(self->table, i);
    }
}

/* ---- events ---- */

/* Something to begin with: where clients of the chosen server come in. */
static void facts_ended(struct doctor_page *self)
{
    struct client_facts *facts = job_take(self->facts_job);
    const char *role = app_kept(self->app, "made.role");
    const char *database = app_kept(self->app, "require.database");
    struct strbuf text = STRBUF_INIT;

    self->facts_job = NULL;
    if (facts->host != NULL && form_text(self->form, self->string)[0] == '\0') {
        strbuf_add_str(&text, "host=");
        (void)!text_quote_conninfo(&text, facts->host);
        strbuf_printf(&text, " port=%d user=", facts->port > 0 ? facts->port : 5432);
        (void)!text_quote_conninfo(&text, role != NULL ? role : "alice");
        strbuf_add_str(&text, " dbname=");
        (void)!text_quote_conninfo(
            &text, database != NULL && strcmp(database, "all") != 0 ? database : "postgres");
        strbuf_add_str(&text, " sslmode=verify-full");
        form_set_text(self->form, self->string, text.data);
        form_recheck(self->form);
    }
    client_facts_free(facts);
    strbuf_clear(&text);
}

static bool own_event(struct doctor_page *self, const struct event *event)
{
    if (event->type == EVENT_JOB && event->job == self->facts_job) {
        facts_ended(self);
        return true;
    }
    if (event->type == EVENT_JOB && event->job == self->job) {
        job_ended(self);
        return true;
    }
    if (!kit_field_event(&self->client, event))
        return false;
    form_recheck(self->form);
    return true;
}

static struct nav details(const struct doctor_page *self)
{
    struct strbuf said = STRBUF_INIT, cause = STRBUF_INIT, fix = STRBUF_INIT, text = STRBUF_INIT;
    struct screen *page;

    explain(self, &said, &cause, &fix);
    rows_cell(self, table_row(self->table), COLUMN_MODE, &text);
    strbuf_add_str(&text, "  ");
    rows_cell(self, table_row(self->table), COLUMN_WHAT, &text);
    strbuf_printf(&text, "\n\n%s\n\n%s\n\n%s\n", said.data, cause.data, fix.data);
    page = page_text(_("Doctor"), _("Home > Doctor > details"), text.data);
    strbuf_clear(&said);
    strbuf_clear(&cause);
    strbuf_clear(&fix);
    strbuf_clear(&text);
    return nav_push(page);
}

static struct nav result_event(struct doctor_page *self, const struct event *event)
{
    if (event->type != EVENT_KEY)
        return nav_stay();
    switch (event->key) {
    case KEY_CODE_ESC:
        self->stage = STAGE_FORM;
        return nav_stay();
    case 'q':
        return nav_quit();
    case 'r':
    case KEY_CODE_F5:
        start(self);
        return nav_stay();
    case KEY_CODE_ENTER:
        if (self->stage == STAGE_RESULT && table_has_row(self->table))
            return details(self);
        return nav_stay();
    }
    (void)table_key(self->table, event->key);
    return nav_stay();
}

static struct nav doctor_event(void *arg, const struct event *event)
{
    struct doctor_page *self = arg;

    if (own_event(self, event))
        return nav_stay();
    if (event->type == EVENT_SHOWN && self->facts_job == NULL && app_server(self->app)[0] != '\0' &&
        form_text(self->form, self->string)[0] == '\0')
        self->facts_job = client_facts_start(self->app, self);
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
    case STAGE_FAILED:
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

static void draw_result(const struct doctor_page *self, struct canvas *body)
{
    const struct doctor *doctor = result_of(self);
    bool well = doctor_is_well(doctor);
    int rows = canvas_rows(body), width = canvas_columns(body) - 4;
    int row = 1 + table_sheet_at(self->table, rows - 1, SHEET_ROWS);
    int at = canvas_mark(body, 0, 2, well ? MARK_OK : MARK_BAD) + 1;
    struct strbuf said = STRBUF_INIT, cause = STRBUF_INIT, fix = STRBUF_INIT;

    canvas_printf(body, 0, at, STYLE_STRONG,
                  well ? _("It gets in: \"%s\" into \"%s\" at %s port %d")
                       : _("Not well: \"%s\" into \"%s\" at %s port %d"),
                  doctor->user, doctor->database,
                  doctor->host[0] != '\0' ? doctor->host : _("the socket"), doctor->port);
    table_draw(self->table, body, 1, row - 1, true);
    if (table_has_row(self->table)) {
        explain(self, &said, &cause, &fix);
        row += said.len > 0 ? canvas_wrap(body, row, 2, width, 2, STYLE_NORMAL, said.data) : 0;
        row += canvas_wrap(body, row, 2, width, 2, STYLE_NORMAL, cause.data);
        canvas_wrap(body, row, 2, width, rows - row, STYLE_STRONG, fix.data);
    }
    strbuf_clear(&said);
    strbuf_clear(&cause);
    strbuf_clear(&fix);
}

static void doctor_draw(const void *arg, struct canvas *body)
{
    const struct doctor_page *self = arg;

    switch (self->stage) {
    case STAGE_FORM:
        form_draw(self->form, body);
        break;
    case STAGE_WORK:
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("trying each sslmode once, and looking beside it"));
        break;
    case STAGE_RESULT:
        draw_result(self, body);
        break;
    case STAGE_FAILED:
        (void)error_view_draw(&self->found->err, body, 0, canvas_rows(body));
        break;
    }
}

static const struct binding result_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 90},
    {N_("Up Down"), N_("Choose"), N_("the result that is explained below"), 60},
    {N_("Enter"), N_("Details"), N_("all that is known about it"), 80},
    {"F5", N_("Again"), N_("try again"), 70},
    {"Esc", N_("Back"), N_("to the answers"), 95},
    {NULL, NULL, NULL, 0},
};

static void doctor_frame(const void *arg, struct frame *ret)
{
    const struct doctor_page *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Doctor: why does it not get in?"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Doctor"));
    ret->word = "sslmode";
    if (self->stage == STAGE_FORM) {
        form_frame(self->form, ret);
        return;
    }
    ret->bindings = result_keys;
    ret->why =
        _("Each sslmode is tried once, as libpq would, and the local verdict on the "
          "certificate stands beside it: the server's alerts throw several causes together.");
    if (self->stage == STAGE_WORK) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s", _("Working. Esc stops."));
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s", _("Nothing was changed by trying."));
    }
}

static void doctor_commands(const void *arg, struct strbuf *out)
{
    const struct doctor_page *self = arg;
    const char *text = form_text(self->form, self->string);
    const struct kit_look *kit = kit_field_good(&self->client);

    strbuf_add_str(out, "pgseal doctor ");
    if (!text_quote_shell(out, text[0] != '\0' ? text : "host=db1 user=alice"))
        strbuf_add_str(out, "CONNINFO");
    if (kit != NULL) {
        strbuf_add_str(out, " \\\n    --cert ");
        (void)!text_quote_shell(out, kit->cert);
        strbuf_add_str(out, " \\\n    --key ");
        (void)!text_quote_shell(out, kit->key);
        if (kit->root[0] != '\0') {
            strbuf_add_str(out, " \\\n    --root ");
            (void)!text_quote_shell(out, kit->root);
        }
    }
    strbuf_add_char(out, '\n');
}

static void doctor_page_free(void *arg)
{
    struct doctor_page *self = arg;

    app_keep(self->app, "doctor.string", form_text(self->form, self->string));
    form_free(self->form);
    table_free(self->table);
    kit_field_clear(&self->client);
    doctor_job_free(self->found);
    free(self);
}

static const struct screen_ops doctor_page_ops = {
    .name = "doctor",
    .event = doctor_event,
    .draw = doctor_draw,
    .frame = doctor_frame,
    .commands = doctor_commands,
    .free = doctor_page_free,
};

struct screen *page_doctor(struct app *app, const char *conninfo)
{
    struct doctor_page *self = mem_zalloc(sizeof(*self));
    const char *before = app_kept(app, "doctor.string");

    self->app = app;
    kit_field_init(&self->client, app, self);
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    self->form = form_new(N_("Try"), NULL, check, self);
    form_explain_button(self->form, 0,
                        N_("Connects as the application would, under every sslmode, and ends at "
                           "once. Nothing is changed by trying."));
    self->string = form_add_text(self->form, &string_field, conninfo != NULL ? conninfo : before);
    self->folder = form_add_text(self->form, &folder_field, app_kept(app, "made.folder"));
    self->passphrase = form_add_secret(self->form, &passphrase_field);
    self->password = form_add_secret(self->form, &password_field);
    form_focus(self->form, self->string);
    form_recheck(self->form);
    return screen_new(&doctor_page_ops, self);
}
