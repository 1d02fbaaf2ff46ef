/* new_ca.c - create a certificate authority: details, passphrase, review, work, result. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pki/advice.h"
#include "core/pki/name.h"
#include "screens/by_hand.h"
#include "screens/error_view.h"
#include "screens/key_protection.h"
#include "screens/new_ca_job.h"
#include "screens/pages.h"
#include "screens/steps.h"
#include "tui/button_row.h"
#include "tui/dialog.h"
#include "tui/progress.h"

#define YEARS_DEFAULT "10"
#define YEARS_MAX     30

enum stage { STAGE_DETAILS, STAGE_PASSPHRASE, STAGE_REVIEW, STAGE_WORK, STAGE_DONE, STAGE_FAILED };

struct new_ca {
    struct app *app;
    enum stage stage;
    struct form *details, *passphrase, *review;
    int name, years, key;
    struct key_protection protection;
    int review_ca, review_key, review_crl;
    struct dialog *question; /* a key without a passphrase? or NULL */
    struct job *names_job, *job;
    struct ca_names_job *names; /* of the CAs that are there; NULL: not known yet */
    struct new_ca_job *made;    /* with its result, or its error */
    struct progress *progress;
    struct button_row buttons; /* of the last page */
};

static const char *const steps[] = {N_("Details"), N_("Passphrase"), N_("Review")};

static const struct form_field name_field = {
    .label = N_("Name of the CA"),
    .why = N_("The name stands in every certificate of this CA, and PostgreSQL tells CAs apart by "
              "it: each CA needs its own. Put first what tells it apart: pg_stat_ssl shows 63 "
              "bytes."),
    .help = N_("Printable ASCII, at most 59 characters, without / \\ \" , + ; < >.\n"
               "Example: Acme PG Root        Not: CA"),
    .word = "CA",
    .max = NAME_CN_MAX + 20, /* longer than allowed, so that the field can say so */
};
static const struct form_field years_field = {
    .label = N_("Valid for"),
    .why = N_("When a CA ends, every certificate it signed ends too. 10 years is usual for an "
              "internal CA. Client certificates should be much shorter: 90 to 365 days. 1 to 30 "
              "years. Default: 10."),
    .help = N_("A number of years, 1 to 30. A CA can be replaced before it ends while clients go "
               "on working: servers trust the old and the new one for a while."),
    .word = "expiry",
    .width = 6,
    .max = 3,
    .after = N_("years"),
    .allow = "0123456789",
};
static const struct form_field key_field = {
    .label = N_("Key type"),
    .why = N_("EC P-256 works with every client of the last ten years, and a login with it costs "
              "little. RSA is for clients that know nothing else; the longer, the slower."),
    .help = N_("The CA's own key. The keys of clients and servers are chosen when they are made. "
               "Making an RSA 4096 key takes some seconds."),
    .word = "private key",
};
static const struct choice_item key_items[] = {
    {N_("EC P-256"), N_("fast and small; the usual choice")},
    {N_("EC P-384"), N_("stronger, slower")},
    {N_("Ed25519"), N_("not for server certificates")},
    {N_("RSA 2048"), N_("for very old clients")},
    {N_("RSA 3072"), N_("the same, stronger")},
    {N_("RSA 4096"), N_("slower logins")},
};
static const enum key_type key_types[] = {KEY_EC_P256,  KEY_EC_P384,  KEY_ED25519,
                                          KEY_RSA_2048, KEY_RSA_3072, KEY_RSA_4096};

/* ---- values ---- */

static int64_t years(const struct new_ca *self)
{
    int64_t n = 0;

    if (!text_parse_int(form_text(self->details, self->years), 1, YEARS_MAX, &n))
        return 0;
    return n;
}

static int days(const struct new_ca *self)
{
    return (int)(years(self) * 36525 / 100);
}

static enum key_type key_type(const struct new_ca *self)
{
    return key_types[form_choice(self->details, self->key)];
}

static bool is_taken(const struct new_ca *self, const char *name)
{
    for (size_t i = 0; self->names != NULL && i < self->names->n; i++) {
        if (strcmp(self->names->names[i], name) == 0)
            return true;
    }
    return false;
}

static void check_details(void *arg, struct form *form)
{
    struct new_ca *self = arg;
    const char *name = form_text(form, self->name);
    struct err err = ERR_INIT;
    const char *advice;
    char note[96], date[CLOCK_TEXT_MAX];

    if (name[0] == '\0')
        form_say(form, self->name, MARK_TODO, NULL);
    else if (!name_check_common_name(name, &err))
        form_say(form, self->name, MARK_BAD, err.msg);
    else if (is_taken(self, name))
        form_say(form, self->name, MARK_BAD, _("there is a CA of this name in the store already"));
    else
        form_say(form, self->name, MARK_OK, NULL);

    if (years(self) == 0) {
        snprintf(note, sizeof(note), _("1 to %d years"), YEARS_MAX);
        form_say(form, self->years, form_text(form, self->years)[0] != '\0' ? MARK_BAD : MARK_TODO,
                 note);
        form_set_after(form, self->years, NULL);
    } else {
        snprintf(note, sizeof(note), _("years    ends %s"),
                 clock_format_date(date, clock_now() + days(self) * CLOCK_DAY));
        form_set_after(form, self->years, note);
        form_say(form, self->years, MARK_OK, NULL);
    }

    advice = advice_key_type(key_types[form_choice(form, self->key)], PROFILE_CA);
    form_say(form, self->key, advice != NULL ? MARK_WARN : MARK_NONE, advice);
}

static void check_passphrase(void *arg, struct form *form)
{
    struct new_ca *self = arg;

    key_protection_check(&self->protection, form);
}

static void fill_review(struct new_ca *self)
{
    bool none = key_protection_none(&self->protection, self->passphrase);
    char text[400], date[CLOCK_TEXT_MAX];

    snprintf(text, sizeof(text), _("CN = %s\n%s, %d days, ends %s; may sign certificates and CRLs"),
             form_text(self->details, self->name), key_type_title(key_type(self)), days(self),
             clock_format_date(date, clock_now() + days(self) * CLOCK_DAY));
    form_set_text(self->review, self->review_ca, text);
    snprintf(text, sizeof(text), "%s",
             none ? _("a file in the store's folder keys/, 0600, NOT encrypted")
                  : _("a file in the store's folder keys/, 0600, encrypted with the passphrase "
                      "(AES-256)"));
    form_set_text(self->review, self->review_key, text);
    snprintf(text, sizeof(text), _("list number 1, good until %s"),
             clock_format_date(date, clock_now() + CRL_DEFAULT_DAYS * CLOCK_DAY));
    form_set_text(self->review, self->review_crl, text);
    form_recheck(self->review);
}

/* ---- events ---- */

static void ask_about_no_passphrase(struct new_ca *self)
{
    self->question = dialog_new(&(struct dialog_spec){
        .title = _("A CA key without a passphrase?"),
        .text = _("Whoever gets a copy of the key file, from a backup or a stolen disk, can make "
                  "certificates that all your servers believe.\n\n"
                  "It is right for tests, and where a machine must sign without a person."),
        .no = _("No, go back"),
        .yes = _("Yes, without"),
        .why = _("The safe answer is marked, so Enter means \"No\". The key can "
                 "be given a passphrase later; copies made before stay open.")});
}

static void go(struct new_ca *self, enum stage stage)
{
    self->stage = stage;
    if (stage == STAGE_REVIEW)
        fill_review(self);
}

static struct nav question_event(struct new_ca *self, const struct event *event)
{
    enum dialog_answer answer = dialog_event(self->question, event);

    if (answer == DIALOG_OPEN)
        return nav_stay();
    dialog_free(self->question);
    self->question = NULL;
    if (answer == DIALOG_YES)
        go(self, STAGE_REVIEW);
    return nav_stay();
}

static void start(struct new_ca *self)
{
    progress_free(self->progress);
    self->progress = progress_new();
    progress_add(self->progress, _("make the key, the certificate and the first CRL"));
    progress_set(self->progress, 0, MARK_BUSY, NULL);
    progress_log(self->progress, _("two canaries are made too: they prove later what a server has "
                                   "loaded"));
    self->job =
        new_ca_job_start(self->app, self, form_text(self->details, self->name), key_type(self),
                         days(self), key_protection_secret(&self->protection, self->passphrase));
    go(self, STAGE_WORK);
}

static struct nav form_stage_event(struct new_ca *self, struct form *form,
                                   const struct event *event)
{
    switch (form_event(form, event)) {
    case FORM_SUBMIT:
        if (self->stage == STAGE_DETAILS)
            go(self, STAGE_PASSPHRASE);
        else if (self->stage == STAGE_REVIEW)
            start(self);
        else if (key_protection_none(&self->protection, form))
            ask_about_no_passphrase(self);
        else
            go(self, STAGE_REVIEW);
        break;
    case FORM_CANCEL:
        if (self->stage == STAGE_DETAILS)
            return nav_pop();
        go(self, self->stage == STAGE_REVIEW ? STAGE_PASSPHRASE : STAGE_DETAILS);
        break;
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

static void job_ended(struct new_ca *self)
{
    self->made = job_take(self->job);
    self->job = NULL;
    button_row_init(&self->buttons);
    if (self->made->authority == NULL) {
        button_row_add(&self->buttons, N_("Back to the answers"));
        button_row_add(&self->buttons, N_("Home"));
        go(self, STAGE_FAILED);
        return;
    }
    form_wipe(self->passphrase, self->protection.passphrase);
    form_wipe(self->passphrase, self->protection.again);
    form_set_text(self->details, self->name, "");
    button_row_add(&self->buttons,
                   app_guided(self->app) ? N_("Next step") : N_("Client certificate"));
    button_row_add(&self->buttons, N_("Home"));
    go(self, STAGE_DONE);
}

static struct nav end_event(struct new_ca *self, const struct event *event)
{
    bool failed = self->stage == STAGE_FAILED, back;

    if (event->type != EVENT_KEY)
        return nav_stay();
    back = event->key == KEY_CODE_ESC;
    if (!back && button_row_key(&self->buttons, event->key) != BUTTON_PRESSED)
        return nav_stay();
    if (!failed && !back && self->buttons.focus == 1)
        return nav_home();
    if (!failed)
        return back || app_guided(self->app) ? nav_pop() : nav_replace(page_new_client(self->app));
    if (!back && self->buttons.focus == 1)
        return nav_home();
    new_ca_job_free(self->made);
    self->made = NULL;
    go(self, STAGE_REVIEW);
    return nav_stay();
}

static bool has_answers(const struct new_ca *self)
{
    return self->stage < STAGE_WORK && form_text(self->details, self->name)[0] != '\0';
}

static struct nav new_ca_event(void *arg, const struct event *event)
{
    struct new_ca *self = arg;

    if (event->type == EVENT_SHOWN && self->names == NULL && self->names_job == NULL)
        self->names_job = ca_names_job_start(self->app, self);
    if (event->type == EVENT_JOB && event->job == self->names_job) {
        ca_names_job_free(self->names);
        self->names = job_take(self->names_job);
        self->names_job = NULL;
        form_recheck(self->details);
        return nav_stay();
    }
    if (event->type == EVENT_JOB && event->job == self->job) {
        job_ended(self);
        return nav_stay();
    }
    if (event->type == EVENT_QUIT_ASKED)
        return has_answers(self) ? nav_push(page_leave(_("The CA was not made yet."))) : nav_stay();
    if (self->question != NULL)
        return question_event(self, event);
    switch (self->stage) {
    case STAGE_DETAILS:
        return form_stage_event(self, self->details, event);
    case STAGE_PASSPHRASE:
        return form_stage_event(self, self->passphrase, event);
    case STAGE_REVIEW:
        return form_stage_event(self, self->review, event);
    case STAGE_WORK:
        if (event->type == EVENT_KEY && event->key == KEY_CODE_ESC) {
            /* It can be too late: then the name is taken, and the form says so. */
            job_cancel(self->job);
            self->job = NULL;
            if (self->names_job == NULL)
                self->names_job = ca_names_job_start(self->app, self);
            go(self, STAGE_DETAILS);
        }
        break;
    case STAGE_DONE:
    case STAGE_FAILED:
        return end_event(self, event);
    }
    return nav_stay();
}

/* ---- drawing ---- */

static void draw_done(const struct new_ca *self, struct canvas *body)
{
    const struct authority *authority = self->made->authority;
    char date[CLOCK_TEXT_MAX], sha256[CERT_SHA256_HEX], folder[512];
    int at = canvas_mark(body, 0, 2, MARK_OK) + 1;
    struct strbuf name = STRBUF_INIT;

    canvas_printf(body, 0, at, STYLE_STRONG, _("The CA \"%s\" is made.  It ends %s."),
                  authority->name, clock_format_date(date, cert_not_after(authority->cert)));
    canvas_text(body, 2, 2, STYLE_LABEL, "SHA-256");
    cert_sha256_hex(authority->cert, sha256);
    canvas_text(body, 2, 12, STYLE_NORMAL, sha256);
    canvas_text(body, 3, 2, STYLE_LABEL, _("Store"));
    app_short_path(self->made->store_folder, folder, sizeof(folder));
    canvas_field(body, 3, 12, canvas_columns(body) - 14, STYLE_NORMAL, folder);
    canvas_text(body, 4, 12, STYLE_NORMAL,
                authority->key_encrypted ? _("its private key: keys/, 0600, encrypted")
                                         : _("its private key: keys/, 0600, NOT encrypted"));
    canvas_wrap(body, 6, 2, canvas_columns(body) - 4, 2, STYLE_NORMAL,
                _("Next step: give the public part to a server, which then knows its clients, and "
                  "make a certificate for a role."));
    if (text_quote_shell(&name, authority->name)) {
        canvas_printf(body, 9, 4, STYLE_STRONG, "pgseal server trust %s --ca %s",
                      app_server(self->app)[0] != '\0' ? app_server(self->app) : "NAME", name.data);
        canvas_printf(body, 10, 4, STYLE_STRONG, "pgseal ca export %s --out ca.crt", name.data);
    }
    strbuf_clear(&name);
    button_row_draw(&self->buttons, body, 12, 2, true);
}

static void draw_failed(const struct new_ca *self, struct canvas *body)
{
    int row = error_view_draw(&self->made->err, body, 0, canvas_rows(body) - 2);

    button_row_draw(&self->buttons, body, row + 1, 2, true);
}

static const struct form *form_of(const struct new_ca *self)
{
    switch (self->stage) {
    case STAGE_DETAILS:
        return self->details;
    case STAGE_PASSPHRASE:
        return self->passphrase;
    case STAGE_REVIEW:
        return self->review;
    case STAGE_WORK:
    case STAGE_DONE:
    case STAGE_FAILED:
        break;
    }
    return NULL;
}

static void new_ca_draw(const void *arg, struct canvas *body)
{
    const struct new_ca *self = arg;

    if (form_of(self) != NULL)
        form_draw(form_of(self), body);
    else if (self->stage == STAGE_WORK)
        progress_draw(self->progress, body, 0, canvas_rows(body));
    else if (self->stage == STAGE_DONE)
        draw_done(self, body);
    else
        draw_failed(self, body);
    if (self->question != NULL)
        dialog_draw(self->question, body);
}

static const struct binding work_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"Esc", N_("Stop"), N_("stop, as long as the key is being made"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding end_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same by hand"), 90},
    {"F3", N_("Words"), N_("the words of this page explained"), 50},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 60},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Home"), N_("back"), 95},
    {NULL, NULL, NULL, 0},
};

static void end_frame(const struct new_ca *self, struct frame *ret)
{
    ret->bindings = self->stage == STAGE_WORK ? work_keys : end_keys;
    ret->word = "CA";
    if (self->stage == STAGE_WORK) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Working.  Esc: stop while the key is being made."));
        ret->why = _("The key is made from random numbers of the system. An RSA 4096 key can take "
                     "some seconds; the screen stays alive meanwhile.");
    } else if (self->stage == STAGE_DONE) {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Made and stored. No server was changed."));
        ret->why = _("The certificate of a CA is public: servers get a copy. Its private key never "
                     "leaves the store; copy the store's folder to a safe place as a backup.");
    } else {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)self->made->err.code);
        ret->why =
            _("Nothing was made. \"Back to the answers\" has all of them; Home keeps the name and "
              "the years only.");
    }
}

static void new_ca_frame(const void *arg, struct frame *ret)
{
    const struct new_ca *self = arg;
    size_t at = self->stage <= STAGE_REVIEW ? (size_t)self->stage
                : self->stage == STAGE_DONE ? ARRAY_LEN(steps)
                                            : ARRAY_LEN(steps) - 1;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Create a CA"));
    app_where(self->app, ret->right, sizeof(ret->right));
    steps_frame(ret, _("Create a CA"), steps, ARRAY_LEN(steps), at);
    if (form_of(self) != NULL)
        form_frame(form_of(self), ret);
    else
        end_frame(self, ret);
    if (self->stage == STAGE_REVIEW && self->question == NULL)
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Nothing was made yet. F2 shows the same by hand."));
    if (self->question != NULL)
        dialog_frame(self->question, ret);
}

static void new_ca_commands(const void *arg, struct strbuf *out)
{
    const struct new_ca *self = arg;
    const char *name =
        self->stage == STAGE_DONE ? self->made->name : form_text(self->details, self->name);

    by_hand_ca(out, name[0] != '\0' ? name : "Acme PG Root", key_type(self),
               days(self) > 0 ? days(self) : AUTHORITY_DEFAULT_DAYS,
               !key_protection_none(&self->protection, self->passphrase));
}

static void new_ca_free(void *arg)
{
    struct new_ca *self = arg;

    app_keep(self->app, "new-ca.name", form_text(self->details, self->name));
    app_keep(self->app, "new-ca.years", form_text(self->details, self->years));
    form_free(self->details);
    form_free(self->passphrase);
    form_free(self->review);
    dialog_free(self->question);
    progress_free(self->progress);
    ca_names_job_free(self->names);
    new_ca_job_free(self->made);
    free(self);
}

static const struct screen_ops new_ca_ops = {
    .name = "new-ca",
    .event = new_ca_event,
    .draw = new_ca_draw,
    .frame = new_ca_frame,
    .commands = new_ca_commands,
    .free = new_ca_free,
};

struct screen *page_new_ca(struct app *app)
{
    struct new_ca *self = mem_zalloc(sizeof(*self));
    const char *kept = app_kept(app, "new-ca.years");
    char folder[512];

    self->app = app;
    self->details = form_new(NULL, NULL, check_details, self);
    self->name = form_add_text(self->details, &name_field, app_kept(app, "new-ca.name"));
    self->years = form_add_text(self->details, &years_field, kept != NULL ? kept : YEARS_DEFAULT);
    self->key = form_add_choice(self->details, &key_field, key_items, ARRAY_LEN(key_items), 0);
    app_short_path(app_store_folder(app), folder, sizeof(folder));
    form_add_line(self->details, N_("Store in"), folder);
    form_recheck(self->details);

    self->passphrase = form_new(NULL, NULL, check_passphrase, self);
    key_protection_add(&self->protection, self->passphrase, KEY_PROTECTION_CA);
    form_recheck(self->passphrase);

    self->review = form_new(N_("Create"), NULL, NULL, NULL);
    form_explain_button(self->review, 0, N_("What stands above is made now, and only that."));
    form_add_line(self->review, NULL,
                  _("This will be made in the store. Nothing on a server is changed."));
    self->review_ca = form_add_line(self->review, N_("+ certificate"), "");
    self->review_key = form_add_line(self->review, N_("+ private key"), "");
    self->review_crl = form_add_line(self->review, N_("+ first CRL"), "");
    form_add_line(self->review, N_("+ 2 canaries"),
                  _("certificates that nobody can log in with; with them pgseal proves what a "
                    "server has loaded"));
    return screen_new(&new_ca_ops, self);
}
