/* plan_page.c - the page of a change to a server: what its keys do. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/pages.h"
#include "screens/plan_parts.h"

#define TICK_MS 1000

enum keep_button { KEEP_KEEP, KEEP_UNDO };
enum others_button { OTHERS_BACK, OTHERS_LEAVE };
enum result_button { RESULT_ON, RESULT_LOG };

static const struct form_field password_field = {
    .label = N_("Password"),
    .why = N_("The administrator's password for this server. It is used for this connection and "
              "forgotten afterwards."),
    .help = N_("pgseal keeps no passwords. A line in ~/.pgpass (mode 0600) saves the typing:\n"
               "host:port:database:role:password"),
    .word = "backend/session",
    .width = 34,
};
static const struct form_field passphrase_field = {
    .label = N_("Passphrase"),
    .why = N_("The CA's private key is encrypted. Its passphrase opens it for this change; it is "
              "not kept."),
    .help = N_("The passphrase that was given when the CA was made. Wrong ones harm nothing."),
    .word = "passphrase",
    .width = 34,
};

static const struct menu_item help_items[] = {
    {'1', N_("Try again: the server is read anew"), PLAN_HELP_AGAIN},
    {'2', N_("Back: the answers are kept"), PLAN_HELP_BACK},
    {'3', N_("Show the log: plan, steps, error; no secrets"), PLAN_HELP_LOG},
    {'4', N_("Home"), PLAN_HELP_HOME},
    {'5', N_("Do it by hand: the text to paste"), PLAN_HELP_BY_HAND},
};
static const struct menu_item left_items[] = {
    {'1', N_("Try again to take everything back"), PLAN_HELP_UNDO},
    {'2', N_("Show the log: plan, steps, error; no secrets"), PLAN_HELP_LOG},
    {'3', N_("Home"), PLAN_HELP_HOME},
};

/* ---- the change, and what it says ---- */

static void check_secret(void *arg, struct form *form)
{
    struct plan_page *self = arg;
    bool empty = secret_len(form_secret(form, self->secret_field)) == 0;

    if (!empty)
        form_say(form, self->secret_field, MARK_NONE, NULL);
    else if (self->view.was_wrong)
        form_say(form, self->secret_field, MARK_BAD,
                 _("this was not the right one; capital letters count"));
    else
        form_say(form, self->secret_field, MARK_TODO, NULL);
}

static void ask_secret(struct plan_page *self)
{
    form_free(self->secret);
    self->secret = form_new(N_("Go on"), NULL, check_secret, self);
    form_add_line(self->secret, NULL, self->view.wants);
    self->secret_field =
        form_add_secret(self->secret, self->view.is_password ? &password_field : &passphrase_field);
    form_recheck(self->secret);
}

static void enter_keep(struct plan_page *self)
{
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, N_("Keep the change"));
    button_row_add(&self->buttons, N_("Undo now"));
}

static void enter_others(struct plan_page *self)
{
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, N_("Take it back on them, too"));
    button_row_add(&self->buttons, N_("Leave it so"));
}

static void enter_end(struct plan_page *self)
{
    bool left = self->view.end == ATTEMPT_END_LEFT;

    button_row_init(&self->buttons);
    button_row_add(&self->buttons, N_("Go on"));
    button_row_add(&self->buttons, N_("Show the log"));
    menu_free(self->help);
    self->help =
        left ? menu_new(left_items, ARRAY_LEN(left_items))
             : menu_new(help_items, ARRAY_LEN(help_items) - (self->data == NULL || self->by_hand));
}

static void make_progress(struct plan_page *self)
{
    const struct attempt_view *view = &self->view;

    progress_free(self->progress);
    self->progress = progress_new();
    for (size_t i = 0; i < view->n_steps; i++) {
        const struct attempt_step *step = &view->steps[i];
        size_t at = progress_add(self->progress, step->title);
        int64_t ms = step->state == JOURNAL_STEP_DOING && step->began_ms != 0
                         ? clock_mono_ms() - step->began_ms
                         : step->took_ms;
        char note[48];

        snprintf(note, sizeof(note), "%lld.%lld s", (long long)(ms / 1000),
                 (long long)(ms % 1000 / 100));
        switch (step->state) {
        case JOURNAL_STEP_OPEN:
            break;
        case JOURNAL_STEP_DOING:
            progress_set(self->progress, at, MARK_BUSY, note);
            break;
        case JOURNAL_STEP_DONE:
            progress_set(self->progress, at, MARK_OK, view->is_undo ? "" : note);
            break;
        case JOURNAL_STEP_SKIPPED:
            progress_set(self->progress, at, MARK_OFF, _("skipped"));
            break;
        case JOURNAL_STEP_UNDONE:
            progress_set(self->progress, at, MARK_OFF, _("taken back"));
            break;
        case JOURNAL_STEP_FAILED:
            progress_set(self->progress, at, MARK_BAD, _("failed"));
            break;
        }
    }
    for (size_t i = 0; i < view->n_log; i++)
        progress_log(self->progress, view->log[i]);
}

static void set_tick(struct plan_page *self)
{
    bool wanted = attempt_is_open(&self->view);

    if (wanted && self->tick == NULL)
        self->tick = timer_start(app_loop(self->app), self, TICK_MS, TICK_MS);
    if (!wanted) {
        timer_stop(self->tick);
        self->tick = NULL;
    }
}

static void look(struct plan_page *self)
{
    enum attempt_phase before = self->view.phase;
    enum attempt_phase now;

    attempt_look(self->attempt, &self->view);
    now = self->view.phase;
    make_progress(self);
    set_tick(self);
    if (now == before)
        return;
    self->message[0] = '\0';
    if (now != ATTEMPT_REVIEW) {
        dialog_free(self->question);
        self->question = NULL;
    }
    if (now == ATTEMPT_ASKING)
        ask_secret(self);
    if (now == ATTEMPT_REVIEW) {
        plan_review_enter(self);
        self->started_ms = 0; /* of this member, where there are several */
    }
    if (attempt_is_open(&self->view) && self->started_ms == 0)
        self->started_ms = clock_mono_ms();
    if (now == ATTEMPT_KEEP)
        enter_keep(self);
    if (now == ATTEMPT_OTHERS)
        enter_others(self);
    if (now == ATTEMPT_ENDED)
        enter_end(self);
}

static void start(struct plan_page *self)
{
    attempt_free(self->attempt);
    attempt_view_clear(&self->view);
    self->at = 0;
    self->started_ms = 0;
    self->message[0] = '\0';
    if (self->by_hand)
        self->attempt = attempt_start_by_hand(self->app, self, self->spec->intent,
                                              self->spec->intent->copy(self->data));
    else if (self->data != NULL)
        self->attempt = attempt_start(self->app, self, self->spec->intent,
                                      self->spec->intent->copy(self->data));
    else
        self->attempt =
            attempt_start_journalled(self->app, self, self->server, self->plan_id, self->keep);
    look(self); /* it may have ended already */
}

/* ---- the other phases ---- */

static struct nav show_log(const struct plan_page *self)
{
    const struct attempt_view *view = &self->view;
    struct strbuf text = STRBUF_INIT;
    char path[160];
    struct screen *page;

    strbuf_printf(&text, "%s\n\n", view->title);
    for (size_t i = 0; i < view->n_log; i++)
        strbuf_printf(&text, "%s\n", view->log[i]);
    if (view->err.code != ERR_NONE)
        strbuf_printf(&text, _("\nerror PS-%d: %s\n"), (int)view->err.code, view->err.msg);
    if (view->log_file[0] != '\0')
        strbuf_printf(&text, _("\nfile    %s\nscript  %s\n"), view->log_file, view->script_file);
    snprintf(path, sizeof(path), _("Home > %s > log"), gettext(self->spec->path));
    page = page_text(gettext(self->spec->title), path, text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

static void stop(struct plan_page *self)
{
    attempt_stop(self->attempt);
    look(self);
}

static struct nav keep_key(struct plan_page *self, uint32_t key)
{
    if (key == KEY_CODE_ESC) {
        self->message_mark = MARK_WARN;
        snprintf(self->message, sizeof(self->message), "%s",
                 _("Choose: keep it, or undo it. What nobody keeps is taken back."));
        return nav_stay();
    }
    if (key == 'v')
        return show_log(self);
    if (button_row_key(&self->buttons, key) != BUTTON_PRESSED)
        return nav_stay();
    if (self->buttons.focus == KEEP_KEEP)
        attempt_keep(self->attempt);
    else
        attempt_undo(self->attempt);
    return nav_stay();
}

static struct nav others_key(struct plan_page *self, uint32_t key)
{
    if (key == 'v')
        return show_log(self);
    if (key == KEY_CODE_ESC) {
        self->message_mark = MARK_WARN;
        snprintf(self->message, sizeof(self->message), "%s",
                 _("Choose: the members differ now, and a failover would find that."));
        return nav_stay();
    }
    if (button_row_key(&self->buttons, key) != BUTTON_PRESSED)
        return nav_stay();
    if (self->buttons.focus == OTHERS_BACK)
        attempt_undo(self->attempt);
    else
        attempt_keep(self->attempt);
    return nav_stay();
}

/* The page below goes too. */
static struct nav go_on(struct plan_page *self)
{
    app_set_done(self->app);
    return nav_pop();
}

/* No change: what a person does by hand where pgseal may do nothing, to be pasted. data is taken. */
static struct screen *page_by_hand(struct app *app, const struct plan_page_spec *spec, void *data);

/* The same answers once more, for a person's hands. */
static struct nav show_by_hand(const struct plan_page *self)
{
    return nav_push(page_by_hand(self->app, self->spec, self->spec->intent->copy(self->data)));
}

static struct nav review_key(struct plan_page *self, uint32_t key)
{
    if (key != 't')
        return plan_review_key(self, key);
    self->message[0] = '\0';
    return self->data != NULL ? show_by_hand(self) : nav_stay();
}

static struct nav error_key(struct plan_page *self, uint32_t key)
{
    if (key == KEY_CODE_ESC)
        return nav_pop();
    if (key == 'v')
        return show_log(self);
    if (menu_key(self->help, key) != MENU_CHOSEN)
        return nav_stay();
    switch ((enum plan_help)menu_id(self->help)) {
    case PLAN_HELP_BY_HAND:
        return show_by_hand(self);
    case PLAN_HELP_AGAIN:
        start(self);
        break;
    case PLAN_HELP_UNDO:
        return nav_replace(page_plan_undo(self->app, self->view.server, self->view.plan_id));
    case PLAN_HELP_BACK:
        return nav_pop();
    case PLAN_HELP_LOG:
        return show_log(self);
    case PLAN_HELP_HOME:
        return nav_home();
    }
    return nav_stay();
}

static struct nav end_key(struct plan_page *self, uint32_t key)
{
    if (plan_has_failed(&self->view))
        return error_key(self, key);
    if (key == KEY_CODE_ESC)
        return go_on(self);
    if (key == 'v')
        return show_log(self);
    if (button_row_key(&self->buttons, key) != BUTTON_PRESSED)
        return nav_stay();
    return self->buttons.focus == RESULT_LOG ? show_log(self) : go_on(self);
}

static struct nav secret_event(struct plan_page *self, const struct event *event)
{
    switch (form_event(self->secret, event)) {
    case FORM_SUBMIT:
        attempt_give(self->attempt, form_secret(self->secret, self->secret_field));
        form_wipe(self->secret, self->secret_field);
        look(self);
        break;
    case FORM_CANCEL:
        return nav_pop();
    case FORM_CHANGED:
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

static struct nav question_event(struct plan_page *self, const struct event *event)
{
    enum dialog_answer answer = dialog_event(self->question, event);

    if (answer == DIALOG_OPEN)
        return nav_stay();
    dialog_free(self->question);
    self->question = NULL;
    if (answer == DIALOG_YES)
        attempt_apply(self->attempt);
    return nav_stay();
}

static struct nav key_event(struct plan_page *self, uint32_t key)
{
    switch (self->view.phase) {
    case ATTEMPT_CONNECTING:
    case ATTEMPT_READING:
        return key == KEY_CODE_ESC ? nav_pop() : nav_stay();
    case ATTEMPT_ASKING:
        break;
    case ATTEMPT_REVIEW:
        return review_key(self, key);
    case ATTEMPT_APPLYING:
        if (key == KEY_CODE_ESC)
            stop(self);
        break;
    case ATTEMPT_KEEP:
        return keep_key(self, key);
    case ATTEMPT_UNDOING:
        break;
    case ATTEMPT_OTHERS:
        return others_key(self, key);
    case ATTEMPT_ENDED:
        return end_key(self, key);
    }
    return nav_stay();
}

/* While a change is open nobody leaves: it is stopped first, or kept, or taken back. */
static struct nav quit_asked(struct plan_page *self)
{
    if (!attempt_is_open(&self->view) && self->view.phase != ATTEMPT_OTHERS)
        return nav_stay();
    if (self->view.phase == ATTEMPT_APPLYING)
        stop(self);
    self->message_mark = MARK_WARN;
    if (self->view.phase == ATTEMPT_KEEP)
        snprintf(self->message, sizeof(self->message), "%s",
                 _("First choose: keep it, or undo it. What nobody keeps is taken back."));
    if (self->view.phase == ATTEMPT_OTHERS)
        snprintf(self->message, sizeof(self->message), "%s",
                 _("First choose: take it back on the others, or leave it so."));
    return nav_not_now();
}

static struct nav plan_event(void *arg, const struct event *event)
{
    struct plan_page *self = arg;

    if (attempt_event(self->attempt, event)) {
        look(self);
        if (self->view.phase == ATTEMPT_ENDED && self->view.end == ATTEMPT_END_TEXT)
            return nav_replace(page_script(_("By hand"), _("Home > by hand"), self->view.script));
        return nav_stay();
    }
    if (self->save != NULL &&
        (event->type == EVENT_KEY || event->type == EVENT_PASTE || event->type == EVENT_JOB))
        return plan_review_save_event(self, event);
    switch (event->type) {
    case EVENT_SHOWN:
        if (self->attempt == NULL)
            start(self);
        break;
    case EVENT_TIMER: /* seconds are shown */
        make_progress(self);
        break;
    case EVENT_KEY:
    case EVENT_PASTE:
        if (self->question != NULL)
            return question_event(self, event);
        if (self->view.phase == ATTEMPT_ASKING)
            return secret_event(self, event);
        return event->type == EVENT_KEY ? key_event(self, event->key) : nav_stay();
    case EVENT_QUIT_ASKED:
        return quit_asked(self);
    case EVENT_STOP:
        attempt_stop(self->attempt);
        break;
    case EVENT_HIDDEN:
    case EVENT_RESIZE:
    case EVENT_JOB:
    case EVENT_JOB_PROGRESS:
    case EVENT_WATCH:
        break;
    }
    return nav_stay();
}

/* ---- life ---- */

/* Beside the script the command is a comment: whoever runs both does it twice. */
static void add_commented(struct strbuf *out, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        strbuf_add_str(out, "#   ");
        strbuf_add(out, text, len);
        strbuf_add_char(out, '\n');
        text += len + (text[len] == '\n');
    }
    strbuf_add_str(out, "#\n");
}

static void plan_commands(const void *arg, struct strbuf *out)
{
    static const char shebang[] = "#!/bin/sh\n";
    const struct plan_page *self = arg;
    const char *script = self->view.script != NULL ? self->view.script : "";
    bool is_script = strncmp(script, shebang, strlen(shebang)) == 0;
    struct strbuf command = STRBUF_INIT;

    if (is_script) {
        strbuf_add_str(out, shebang);
        script += strlen(shebang);
    }
    if (self->data != NULL) {
        strbuf_add_str(out, _("# the same as a command\n"));
        self->spec->intent->command(self->data, self->view.server, &command);
        if (is_script)
            add_commented(out, command.data);
        else
            strbuf_printf(out, "%s\n", command.data);
    }
    strbuf_add_str(out, script);
    strbuf_clear(&command);
}

static void plan_free_page(void *arg)
{
    struct plan_page *self = arg;

    attempt_free(self->attempt);
    attempt_view_clear(&self->view);
    if (self->data != NULL)
        self->spec->intent->free(self->data);
    dialog_free(self->question);
    text_save_free(self->save);
    form_free(self->secret);
    progress_free(self->progress);
    menu_free(self->help);
    free(self->server);
    free(self);
}

static const struct screen_ops plan_ops = {
    .name = "plan",
    .event = plan_event,
    .draw = plan_draw,
    .frame = plan_frame,
    .commands = plan_commands,
    .free = plan_free_page,
};

static struct plan_page *plan_page_new(struct app *app, const struct plan_page_spec *spec)
{
    struct plan_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->spec = spec;
    self->progress = progress_new();
    return self;
}

struct screen *page_plan(struct app *app, const struct plan_page_spec *spec, void *data)
{
    struct plan_page *self = plan_page_new(app, spec);

    self->data = data;
    return screen_new(&plan_ops, self);
}

static struct screen *page_by_hand(struct app *app, const struct plan_page_spec *spec, void *data)
{
    struct plan_page *self = plan_page_new(app, spec);

    self->data = data;
    self->by_hand = true;
    return screen_new(&plan_ops, self);
}

static struct screen *journalled(struct app *app, const struct plan_page_spec *spec,
                                 const char *server, int64_t plan_id, bool keep)
{
    struct plan_page *self = plan_page_new(app, spec);

    self->server = mem_strdup(server);
    self->plan_id = plan_id;
    self->keep = keep;
    return screen_new(&plan_ops, self);
}

struct screen *page_plan_undo(struct app *app, const char *server, int64_t plan_id)
{
    static const struct plan_page_spec spec = {
        .title = N_("Take a change back"), .path = N_("Undo"), .word = "reload"};

    return journalled(app, &spec, server, plan_id, false);
}

struct screen *page_plan_keep(struct app *app, const char *server, int64_t plan_id)
{
    static const struct plan_page_spec spec = {
        .title = N_("Keep a change"), .path = N_("Keep"), .word = "reload"};

    return journalled(app, &spec, server, plan_id, true);
}
