/* new_client.c - issue a client certificate: who, key and files, review, work, result. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/by_hand.h"
#include "screens/certs_job.h"
#include "screens/client_draft.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "screens/steps.h"
#include "tui/button_row.h"
#include "tui/progress.h"

enum stage {
    STAGE_LOADING,
    STAGE_WHO,
    STAGE_KEY,
    STAGE_REVIEW,
    STAGE_WORK,
    STAGE_DONE,
    STAGE_FAILED
};

struct new_client {
    struct app *app;
    enum stage stage;
    struct job *facts_job, *job;
    struct client_facts *facts;
    struct role_lookup *lookup;
    struct client_draft draft;
    struct form *review;
    int ca_passphrase; /* -1: the CA's key is not locked */
    bool passphrase_was_wrong;
    struct new_client_job *made;
    struct progress *progress;
    struct button_row buttons;
    struct strbuf psql; /* the line to try */
};

static const char *const steps[] = {N_("Who"), N_("Key"), N_("Review")};

static const struct form_field ca_passphrase_field = {
    .label = N_("CA passphrase"),
    .why =
        N_("The CA's private key is encrypted. Its passphrase opens it for this one signature; it "
           "is not kept."),
    .help = N_("The passphrase that was given when the CA was made. Three wrong ones harm nothing; "
               "your answers are kept."),
    .word = "passphrase",
    .width = 34,
};

/* ---- review ---- */

static void check_review(void *arg, struct form *form)
{
    struct new_client *self = arg;

    if (self->ca_passphrase < 0)
        return;
    if (secret_len(form_secret(form, self->ca_passphrase)) > 0) {
        self->passphrase_was_wrong = false;
        form_say(form, self->ca_passphrase, MARK_NONE, NULL);
    } else if (self->passphrase_was_wrong) {
        form_say(form, self->ca_passphrase, MARK_BAD,
                 _("this passphrase does not open the CA's key; capital letters count"));
    } else {
        form_say(form, self->ca_passphrase, MARK_TODO, NULL);
    }
}

static void add_files(const struct client_draft *draft, struct strbuf *out)
{
    unsigned formats = client_draft_formats(draft);
    char *folder = client_draft_folder(draft), text[1024];

    app_short_path(folder, text, sizeof(text));
    strbuf_printf(out, "%s\n%s", text,
                  client_draft_from_csr(draft)
                      ? _("certificate, CA and README 0644")
                      : _("private key 0600; certificate, CA and README 0644"));
    if (formats & KIT_P12)
        strbuf_add_str(out, _(", PKCS#12 0600"));
    if (formats & KIT_PK8)
        strbuf_add_str(out, _(", PKCS#8 0600"));
    free(folder);
}

static void make_review(struct new_client *self)
{
    const struct client_draft *draft = &self->draft;
    const struct client_ca *ca = client_draft_ca(draft);
    bool none = key_protection_none(&draft->protection, draft->key);
    char text[300], date[CLOCK_TEXT_MAX];
    struct strbuf files = STRBUF_INIT;

    form_free(self->review);
    self->review = form_new(N_("Create"), NULL, check_review, self);
    form_explain_button(self->review, 0, N_("What stands above is made now, and only that."));
    form_add_line(self->review, NULL, _("This will be made. Nothing on a server is changed."));
    snprintf(text, sizeof(text), _("CN = %s, for clients only\n%d days, ends %s, signed by \"%s\""),
             client_draft_name(draft), client_draft_days(draft),
             clock_format_date(date, client_draft_not_after(draft)), ca->name);
    form_add_line(self->review, N_("+ certificate"), text);
    if (client_draft_from_csr(draft))
        snprintf(text, sizeof(text), "%s", _("none here: the request's owner has it"));
    else
        snprintf(text, sizeof(text), "%s, %s", key_type_title(client_draft_type(draft)),
                 none ? _("NOT encrypted") : _("encrypted with its passphrase"));
    form_add_line(self->review, N_("+ private key"), text);
    add_files(draft, &files);
    form_add_line(self->review, N_("+ files in"), files.data);
    strbuf_clear(&files);
    self->ca_passphrase = -1;
    if (ca->key_encrypted)
        self->ca_passphrase = form_add_secret(self->review, &ca_passphrase_field);
    form_recheck(self->review);
}

/* ---- going on ---- */

static void fail(struct new_client *self, const char *first_button)
{
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, first_button);
    button_row_add(&self->buttons, N_("Home"));
    self->stage = STAGE_FAILED;
}

static void facts_ended(struct new_client *self)
{
    self->facts = job_take(self->facts_job);
    self->facts_job = NULL;
    if (self->facts->n == 0) {
        fail(self, N_("Create a CA"));
        return;
    }
    client_draft_init(&self->draft, self->app, self->facts, self->lookup);
    self->stage = STAGE_WHO;
}

static void start(struct new_client *self)
{
    static const char *const titles[CLIENT_STEPS] = {
        [CLIENT_STEP_UNLOCK] = N_("open the key of the CA"),
        [CLIENT_STEP_KEY] = N_("make the private key, look at the folder"),
        [CLIENT_STEP_SIGN] = N_("sign the certificate, record it in the store"),
        [CLIENT_STEP_FILES] = N_("write the files"),
    };
    struct new_client_job *data = client_draft_job(&self->draft);

    if (self->ca_passphrase >= 0)
        data->ca_passphrase = secret_dup(form_secret(self->review, self->ca_passphrase));
    progress_free(self->progress);
    self->progress = progress_new();
    for (size_t i = 0; i < CLIENT_STEPS; i++)
        progress_add(self->progress, gettext(titles[i]));
    progress_set(self->progress, 0, MARK_BUSY, NULL);
    self->job = new_client_job_start(self->app, self, data);
    self->stage = STAGE_WORK;
}

static void job_progressed(struct new_client *self, unsigned done)
{
    for (unsigned i = 0; i < CLIENT_STEPS; i++)
        progress_set(self->progress, i,
                     i < done    ? MARK_OK
                     : i == done ? MARK_BUSY
                                 : MARK_TODO,
                     NULL);
}

static void job_ended(struct new_client *self)
{
    self->made = job_take(self->job);
    self->job = NULL;
    if (!self->made->ok && self->made->err.code == ERR_PASSPHRASE && self->ca_passphrase >= 0) {
        new_client_job_free(self->made);
        self->made = NULL;
        self->passphrase_was_wrong = true;
        form_wipe(self->review, self->ca_passphrase);
        form_recheck(self->review);
        form_focus(self->review, self->ca_passphrase);
        self->stage = STAGE_REVIEW;
        return;
    }
    if (!self->made->ok) {
        fail(self, N_("Back to the answers"));
        return;
    }
    strbuf_reset(&self->psql);
    by_hand_psql(&self->psql, self->made->host, self->made->port, self->made->name);
    form_set_text(self->draft.who, self->draft.role, "");
    form_set_text(self->draft.who, self->draft.name, "");
    form_set_text(self->draft.who, self->draft.note, "");
    form_wipe(self->draft.key, self->draft.protection.passphrase);
    form_wipe(self->draft.key, self->draft.protection.again);
    app_keep(self->app, "made.role", self->made->name);
    app_keep(self->app, "made.folder",
             self->made->files.key[0] != '\0' ? self->made->folder : NULL);
    app_keep(self->app, "made.proof", /* a login that can be tried without asking */
             self->made->files.key[0] != '\0' && self->made->key_passphrase == NULL
                 ? self->made->folder
                 : NULL);
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, app_guided(self->app) ? N_("Next step") : N_("One more"));
    button_row_add(&self->buttons, N_("Home"));
    button_row_add(&self->buttons, N_("For a program"));
    self->stage = STAGE_DONE;
}

/* ---- events ---- */

static struct nav form_stage_event(struct new_client *self, struct form *form,
                                   const struct event *event)
{
    switch (form_event(form, event)) {
    case FORM_SUBMIT:
        if (self->stage == STAGE_WHO) {
            client_draft_enter_key(&self->draft);
            self->stage = STAGE_KEY;
        } else if (self->stage == STAGE_KEY) {
            make_review(self);
            self->stage = STAGE_REVIEW;
        } else {
            start(self);
        }
        break;
    case FORM_CANCEL:
        if (self->stage == STAGE_WHO)
            return nav_pop();
        self->stage = self->stage == STAGE_REVIEW ? STAGE_KEY : STAGE_WHO;
        break;
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

/* Of the very certificate that was made. */
static struct screen *kit_page(const struct new_client *self)
{
    char *which = cert_which(self->made->issued);
    struct screen *page = page_program(self->app, which, NULL);

    free(which);
    return page;
}

static struct nav end_event(struct new_client *self, const struct event *event)
{
    bool esc;

    if (event->type != EVENT_KEY)
        return nav_stay();
    esc = event->key == KEY_CODE_ESC;
    if (self->stage == STAGE_DONE && event->key == 'y')
        return nav_copy(self->psql.data);
    if (!esc && button_row_key(&self->buttons, event->key) != BUTTON_PRESSED)
        return nav_stay();
    if (!esc && self->buttons.focus == 1)
        return nav_home();
    if (!esc && self->buttons.focus == 2)
        return nav_push(kit_page(self));
    if (self->stage == STAGE_DONE)
        return esc || app_guided(self->app) ? nav_pop() : nav_replace(page_new_client(self->app));
    if (self->facts->n == 0)
        return esc ? nav_pop() : nav_replace(page_new_ca(self->app));
    new_client_job_free(self->made);
    self->made = NULL;
    self->stage = STAGE_REVIEW;
    return nav_stay();
}

static struct nav quit_asked(const struct new_client *self)
{
    bool has_answers = self->stage >= STAGE_WHO && self->stage <= STAGE_WORK &&
                       form_text(self->draft.who, self->draft.role)[0] != '\0';

    return has_answers ? nav_push(page_leave(_("The certificate was not made yet."))) : nav_stay();
}

static struct nav new_client_event(void *arg, const struct event *event)
{
    struct new_client *self = arg;

    if (event->type == EVENT_SHOWN && self->facts == NULL && self->facts_job == NULL)
        self->facts_job = client_facts_start(self->app, self);
    if (event->type == EVENT_JOB && event->job == self->facts_job) {
        facts_ended(self);
        return nav_stay();
    }
    if (event->type == EVENT_JOB_PROGRESS && event->job == self->job) {
        job_progressed(self, event->done);
        return nav_stay();
    }
    if (event->type == EVENT_JOB && event->job == self->job) {
        job_ended(self);
        return nav_stay();
    }
    if (role_lookup_event(self->lookup, event)) {
        if (self->draft.who != NULL)
            form_recheck(self->draft.who);
        return nav_stay();
    }
    if (event->type == EVENT_QUIT_ASKED)
        return quit_asked(self);
    switch (self->stage) {
    case STAGE_WHO:
        return form_stage_event(self, self->draft.who, event);
    case STAGE_KEY:
        return form_stage_event(self, self->draft.key, event);
    case STAGE_REVIEW:
        return form_stage_event(self, self->review, event);
    case STAGE_LOADING:
        if (event->type == EVENT_KEY && event->key == KEY_CODE_ESC)
            return nav_pop();
        break;
    case STAGE_WORK: /* seconds at most; what is recorded is recorded: no way out in the middle */
        break;
    case STAGE_DONE:
    case STAGE_FAILED:
        return end_event(self, event);
    }
    return nav_stay();
}

/* ---- drawing ---- */

static int draw_file(struct canvas *body, int row, const char *path, const char *mode,
                     const char *what)
{
    const char *name = path != NULL ? strrchr(path, '/') : NULL;

    if (name == NULL)
        return row;
    canvas_field(body, row, 4, 20, STYLE_NORMAL, name + 1);
    canvas_text(body, row, 25, STYLE_NORMAL, mode);
    canvas_text(body, row, 32, STYLE_NORMAL, what);
    return row + 1;
}

static void draw_done(const struct new_client *self, struct canvas *body)
{
    const struct new_client_job *made = self->made;
    int columns = canvas_columns(body), row = 2, at = canvas_mark(body, 0, 2, MARK_OK) + 1;
    char date[CLOCK_TEXT_MAX], hex[SERIAL_HEX_MAX], folder[1024];

    canvas_printf(body, 0, at, STYLE_STRONG, _("Certificate for \"%s\" made.  Ends %s."),
                  made->name, clock_format_date(date, made->issued->not_after));
    canvas_printf(body, 1, at, STYLE_NORMAL, _("serial %s"),
                  serial_format_hex(hex, &made->issued->serial));
    canvas_text(body, row, 2, STYLE_LABEL, _("Files in"));
    app_short_path(made->folder, folder, sizeof(folder));
    canvas_field(body, row, 11, columns - 13, STYLE_NORMAL, folder);
    row++;
    row = draw_file(body, row, made->files.certificate, "0644",
                    _("certificate: may be shown to anybody"));
    row = draw_file(body, row, made->files.key, "0600",
                    _("private key: SECRET, only for this client"));
    row = draw_file(body, row, made->files.root, "0644", _("the CA: the client needs it too"));
    row = draw_file(body, row, made->files.p12, "0600", _("certificate and key in one"));
    row = draw_file(body, row, made->files.pk8, "0600", _("private key for JDBC: SECRET"));
    row = draw_file(body, row, made->files.readme, "0644", _("how to use them"));
    if (made->replaced != NULL) {
        at = canvas_mark(body, row, 2, MARK_WARN) + 1;
        canvas_printf(body, row++, at, STYLE_NORMAL,
                      _("It takes the place of %s, whose files were never written."),
                      serial_format_hex(hex, &made->replaced->serial));
    }
    row += row < canvas_rows(body) - 5;
    row += canvas_wrap(body, row, 2, columns - 4, 1, STYLE_NORMAL,
                       _("Next: copy them to the client (not by e-mail) and try there"));
    canvas_wrap(body, row, 4, columns - 6, canvas_rows(body) - 2 - row, STYLE_STRONG,
                self->psql.data);
    button_row_draw(&self->buttons, body, canvas_rows(body) - 1, 2, true);
}

static void draw_failed(const struct new_client *self, struct canvas *body)
{
    const struct err *err = self->facts->n == 0 ? &self->facts->err : &self->made->err;
    int row = error_view_draw(err, body, 0, canvas_rows(body) - 2);

    button_row_draw(&self->buttons, body, row + 1, 2, true);
}

static const struct form *form_of(const struct new_client *self)
{
    switch (self->stage) {
    case STAGE_WHO:
        return self->draft.who;
    case STAGE_KEY:
        return self->draft.key;
    case STAGE_REVIEW:
        return self->review;
    case STAGE_LOADING:
    case STAGE_WORK:
    case STAGE_DONE:
    case STAGE_FAILED:
        break;
    }
    return NULL;
}

static void new_client_draw(const void *arg, struct canvas *body)
{
    const struct new_client *self = arg;

    if (form_of(self) != NULL)
        form_draw(form_of(self), body);
    else if (self->stage == STAGE_LOADING)
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store"));
    else if (self->stage == STAGE_WORK)
        progress_draw(self->progress, body, 0, canvas_rows(body));
    else if (self->stage == STAGE_DONE)
        draw_done(self, body);
    else
        draw_failed(self, body);
}

static const struct binding work_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {NULL, NULL, NULL, 0},
};
static const struct binding failed_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same by hand"), 90},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 60},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Back"), N_("back; all answers are kept"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding done_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same by hand"), 90},
    {"y", N_("Copy"), N_("send the command to the terminal's clipboard"), 70},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 60},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Home"), N_("to the first page"), 95},
    {NULL, NULL, NULL, 0},
};

static void end_frame(const struct new_client *self, struct frame *ret)
{
    bool working = self->stage == STAGE_WORK || self->stage == STAGE_LOADING;

    ret->bindings = working ? work_keys : self->stage == STAGE_DONE ? done_keys : failed_keys;
    ret->word = "certificate";
    if (working) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s", _("Working. It takes a moment."));
        ret->why =
            _("The row in the store is written before the files: a certificate that exists is "
              "always one that can be revoked.");
    } else if (self->stage == STAGE_DONE) {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("y copies the command; your terminal may block that. It is in README.txt too."));
        ret->why =
            _("The .key file is the secret half. Whoever has it can be this role until the "
              "date above, or until you revoke it. sslmode=verify-full makes the client check "
              "that the server is the right one.");
    } else {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)(self->facts->n == 0 ? self->facts->err.code : self->made->err.code));
        ret->why = self->facts->n == 0
                       ? _("A CA is the stamp that says \"this certificate is ours\". It takes a "
                           "minute to make one.")
                       : _("All answers are kept.");
    }
}

static void new_client_frame(const void *arg, struct frame *ret)
{
    const struct new_client *self = arg;
    size_t at = self->draft.who == NULL || self->stage == STAGE_WHO ? 0
                : self->stage == STAGE_KEY                          ? 1
                : self->stage == STAGE_DONE                         ? ARRAY_LEN(steps)
                                                                    : ARRAY_LEN(steps) - 1;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Client certificate"));
    if (self->draft.who != NULL)
        snprintf(ret->right, sizeof(ret->right), _("CA: %.60s"),
                 client_draft_ca(&self->draft)->name);
    else
        app_where(self->app, ret->right, sizeof(ret->right));
    steps_frame(ret, _("Client"), steps, ARRAY_LEN(steps), at);
    if (self->stage == STAGE_REVIEW && self->ca_passphrase < 0)
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Nothing was made yet. F2 shows the same by hand."));
    if (form_of(self) != NULL)
        form_frame(form_of(self), ret);
    else
        end_frame(self, ret);
}

static void new_client_commands(const void *arg, struct strbuf *out)
{
    const struct new_client *self = arg;

    if (self->stage == STAGE_DONE) {
        strbuf_add_str(out, _("# try it, in the folder of the files\n"));
        strbuf_add_str(out, self->psql.data);
        strbuf_add_char(out, '\n');
    } else if (self->draft.who != NULL) {
        client_draft_commands(&self->draft, out);
    } else {
        strbuf_add_str(out, _("# a CA comes first\npgseal ca create 'Acme PG Root'\n"));
    }
}

static void new_client_free(void *arg)
{
    struct new_client *self = arg;

    client_draft_clear(&self->draft);
    role_lookup_free(self->lookup);
    client_facts_free(self->facts);
    form_free(self->review);
    new_client_job_free(self->made);
    progress_free(self->progress);
    strbuf_clear(&self->psql);
    free(self);
}

static const struct screen_ops new_client_ops = {
    .name = "new-client",
    .event = new_client_event,
    .draw = new_client_draw,
    .frame = new_client_frame,
    .commands = new_client_commands,
    .free = new_client_free,
};

struct screen *page_new_client(struct app *app)
{
    struct new_client *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->lookup = role_lookup_new(app, self);
    strbuf_init(&self->psql);
    return screen_new(&new_client_ops, self);
}
