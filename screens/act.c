/* act.c - a page that does one thing to the store. */
#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/act_parts.h"
#include "screens/pages.h"

static void run_job(struct job *job, void *data)
{
    struct act_job *self = data;

    self->job = job;
    if (self->stage == ACT_LOADING)
        self->ok = self->ops->load(self->data, self, &self->err);
    else if (self->stage == ACT_LOOKING)
        self->ok = self->ops->steps[self->step].look(self->data, self, &self->err);
    else
        self->ok = self->ops->run(self->data, self, &self->err);
}

static const struct job_ops job_ops = {"act", run_job, act_job_free};

/* ---- going on ---- */

static void remember_commands(struct act_page *self)
{
    strbuf_reset(&self->commands);
    self->ops->commands(self->data, self->stage == ACT_STEP ? act_form(self) : NULL,
                        &self->commands);
}

static void start(struct act_page *self, enum act_stage stage)
{
    struct act_job *job = act_job_new();

    remember_commands(self);
    job->ops = self->ops;
    job->stage = stage;
    job->step = self->step;
    job->data = self->data;
    self->data = NULL;
    job->store_folder = mem_strdup(app_store_folder(self->app));
    for (size_t i = 0; i < ACT_LOCKS && stage == ACT_RUNNING; i++)
        if (self->passphrases[i] >= 0)
            job->passphrases[i] = secret_dup(form_secret(self->review, self->passphrases[i]));
    lines_clear(self->lines);
    self->stage = stage;
    self->stopping = false;
    self->done = self->total = 0;
    self->running = job;
    self->job = job_start(app_loop(self->app), self, &job_ops, job);
}

static const struct form_field passphrase_field = {
    .label = N_("CA passphrase"),
    .why = N_("The CA's private key is encrypted. Its passphrase opens it for this one act; it is "
              "not kept."),
    .help = N_("The passphrase that was given when the CA was made. Wrong ones harm nothing; your "
               "answers are kept."),
    .word = "passphrase",
    .width = 34,
};

static void check_passphrase(struct act_page *self, struct form *form, size_t i)
{
    int id = self->passphrases[i];

    if (id < 0)
        return;
    if (secret_len(form_secret(form, id)) > 0) {
        self->wrong[i] = false;
        form_say(form, id, MARK_NONE, NULL);
    } else if (self->wrong[i]) {
        form_say(form, id, MARK_BAD,
                 _("this passphrase does not open the CA's key; capital letters count"));
    } else {
        form_say(form, id, MARK_TODO, NULL);
    }
}

static void check_review(void *arg, struct form *form)
{
    struct act_page *self = arg;

    for (size_t i = 0; i < ACT_LOCKS; i++)
        check_passphrase(self, form, i);
}

static void no_passphrases(struct act_page *self)
{
    for (size_t i = 0; i < ACT_LOCKS; i++) {
        self->passphrases[i] = -1;
        self->wrong[i] = false;
    }
}

/* Several CAs have several passphrases: each is named. */
static void add_passphrases(struct act_page *self)
{
    const struct act_ops *ops = self->ops;
    const char *name = ops->locked != NULL ? ops->locked(self->data) : NULL;
    const char *next =
        name != NULL && ops->locked_more != NULL ? ops->locked_more(self->data, 1) : NULL;
    bool several = next != NULL;

    for (size_t i = 0; name != NULL && i < ACT_LOCKS; i++) {
        if (several)
            form_add_line(self->review, _("of the CA"), name);
        self->passphrases[i] = form_add_secret(self->review, &passphrase_field);
        name = several ? ops->locked_more(self->data, i + 1) : NULL;
    }
}

static bool asks_once_more(const struct act_page *self)
{
    struct strbuf text = STRBUF_INIT;
    bool asks = self->ops->severe != NULL && self->ops->severe(self->data, &text) != NULL;

    strbuf_clear(&text);
    return asks;
}

static void enter_review(struct act_page *self)
{
    form_free(self->review);
    self->review = form_new(self->ops->go, NULL, check_review, self);
    form_explain_button(self->review, 0,
                        asks_once_more(self)
                            ? N_("It asks once more. Until you have answered, nothing was done.")
                            : N_("What stands above is done now, and only that."));
    self->ops->review(self->data, self->review);
    no_passphrases(self);
    add_passphrases(self);
    self->stage = ACT_REVIEW;
    form_recheck(self->review);
}

static void enter_shown(struct act_page *self)
{
    lines_clear(self->lines);
    self->ops->show(self->data, self->lines);
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, N_("Next"));
    button_row_add(&self->buttons, N_("Back"));
}

static void enter_step(struct act_page *self, size_t step)
{
    const struct act_ops *ops = self->ops;
    bool last = step + 1 == ops->n_steps && ops->review == NULL;

    self->step = step;
    self->stage = ACT_STEP;
    form_free(self->forms[step]);
    self->forms[step] = NULL;
    if (ops->steps[step].build == NULL) {
        enter_shown(self);
        return;
    }
    self->forms[step] = form_new(last ? ops->go : NULL, NULL, ops->steps[step].check, self->data);
    ops->steps[step].build(self->data, self->forms[step]);
    form_recheck(self->forms[step]);
}

static bool is_needless(const struct act_page *self, size_t step)
{
    return self->ops->steps[step].build == NULL && self->ops->shows_nothing != NULL &&
           self->ops->shows_nothing(self->data);
}

/* What comes after this many steps. */
static void go_on(struct act_page *self, size_t steps)
{
    while (steps < self->ops->n_steps && is_needless(self, steps))
        steps++;
    if (steps < self->ops->n_steps)
        enter_step(self, steps);
    else if (self->ops->review != NULL)
        enter_review(self);
    else
        start(self, ACT_RUNNING);
}

static void end_buttons(struct act_page *self, const char *first)
{
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, first);
    button_row_add(&self->buttons, N_("Home"));
}

static void fail(struct act_page *self, enum act_stage stage, const struct err *err)
{
    self->err = *err;
    self->failed = stage;
    self->stage = ACT_FAILED;
    end_buttons(self, stage == ACT_LOADING ? N_("Back") : N_("Back to the answers"));
}

static void passphrase_refused(struct act_page *self, size_t which)
{
    self->wrong[which] = true;
    self->stage = ACT_REVIEW;
    form_wipe(self->review, self->passphrases[which]);
    form_recheck(self->review);
    form_focus(self->review, self->passphrases[which]);
}

static struct nav job_ended(struct act_page *self)
{
    struct act_job *job = job_take(self->job);
    enum act_stage stage = job->stage;
    bool ok = job->ok;
    size_t wrong = job->wrong;
    struct err err = job->err;

    form_free(self->asked);
    self->asked = NULL;
    self->job = NULL;
    self->running = NULL;
    self->data = job->data;
    job->data = NULL;
    act_job_free(job);
    if (!ok && stage == ACT_RUNNING && err.code == ERR_PASSPHRASE &&
        self->passphrases[wrong] >= 0) {
        passphrase_refused(self, wrong);
    } else if (!ok) {
        fail(self, stage, &err);
    } else if (stage == ACT_LOADING) {
        go_on(self, 0);
    } else if (stage == ACT_LOOKING) {
        go_on(self, self->step + 1);
    } else if (self->ops->next != NULL) {
        struct screen *next = self->ops->next(self->data, self->app);

        return next != NULL ? nav_replace(next) : nav_pop();
    } else {
        self->stage = ACT_DONE;
        self->touched = false;
        lines_clear(self->lines);
        self->ops->result(self->data, self->lines);
        end_buttons(self, N_("Done"));
        remember_commands(self);
    }
    return nav_stay();
}

/* ---- events ---- */

static struct nav submit(struct act_page *self)
{
    struct strbuf text = STRBUF_INIT;
    const char *name;

    if (self->stage == ACT_STEP) {
        const struct act_step *step = &self->ops->steps[self->step];

        step->take(self->data, act_form(self));
        if (step->look != NULL)
            start(self, ACT_LOOKING);
        else
            go_on(self, self->step + 1);
        return nav_stay();
    }
    name = self->ops->severe != NULL ? self->ops->severe(self->data, &text) : NULL;
    if (name == NULL) {
        start(self, ACT_RUNNING);
    } else {
        self->question = dialog_new(&(struct dialog_spec){
            .title = gettext(self->ops->title),
            .text = text.data,
            .no = _("Cancel"),
            .yes = gettext(self->ops->sure != NULL ? self->ops->sure : self->ops->go),
            .name = name[0] != '\0' ? name : NULL,
            .why = self->ops->why != NULL ? gettext(self->ops->why) : NULL});
    }
    strbuf_clear(&text);
    return nav_stay();
}

/* The step's answers again. */
static void to_step(struct act_page *self)
{
    self->stage = ACT_STEP;
    if (act_shows(self))
        enter_shown(self);
    else
        form_recheck(act_form(self));
}

static struct nav step_back(struct act_page *self)
{
    size_t done = self->stage == ACT_REVIEW ? self->ops->n_steps : self->step;

    while (done > 0 && is_needless(self, done - 1))
        done--;
    if (done == 0)
        return nav_pop();
    self->step = done - 1;
    to_step(self);
    return nav_stay();
}

static struct nav shown_event(struct act_page *self, const struct event *event)
{
    if (event->type != EVENT_KEY)
        return nav_stay();
    if (event->key == KEY_CODE_ESC)
        return step_back(self);
    if (lines_key(self->lines, event->key) ||
        button_row_key(&self->buttons, event->key) != BUTTON_PRESSED)
        return nav_stay();
    if (self->buttons.focus == 1)
        return step_back(self);
    go_on(self, self->step + 1);
    return nav_stay();
}

static struct nav form_stage_event(struct act_page *self, const struct event *event)
{
    if (act_shows(self))
        return shown_event(self, event);
    switch (form_event(act_form(self), event)) {
    case FORM_SUBMIT:
        return submit(self);
    case FORM_CANCEL:
        return step_back(self);
    case FORM_CHANGED: /* also when only the focus moved */
        if (event->type == EVENT_PASTE || (event->key >= ' ' && event->key < KEY_CODE_UP))
            self->touched = true;
        break;
    case FORM_IGNORED:
        break;
    }
    return nav_stay();
}

static struct nav question_event(struct act_page *self, const struct event *event)
{
    enum dialog_answer answer = dialog_event(self->question, event);

    if (answer == DIALOG_OPEN)
        return nav_stay();
    dialog_free(self->question);
    self->question = NULL;
    if (answer == DIALOG_YES)
        start(self, ACT_RUNNING);
    return nav_stay();
}

/* Back to where the answers are. */
static struct nav after_failure(struct act_page *self)
{
    if (self->failed == ACT_LOADING)
        return nav_pop();
    if (self->failed == ACT_RUNNING && self->ops->review != NULL) {
        self->stage = ACT_REVIEW;
        form_recheck(self->review);
    } else {
        to_step(self);
    }
    return nav_stay();
}

static struct nav end_event(struct act_page *self, const struct event *event)
{
    bool esc;

    if (event->type != EVENT_KEY)
        return nav_stay();
    esc = event->key == KEY_CODE_ESC;
    if (self->stage == ACT_DONE && event->key == 'y' && self->ops->copy != NULL)
        return nav_copy(self->ops->copy(self->data));
    if (self->stage == ACT_DONE && lines_key(self->lines, event->key))
        return nav_stay();
    if (!esc && button_row_key(&self->buttons, event->key) != BUTTON_PRESSED)
        return nav_stay();
    if (!esc && self->buttons.focus == 1)
        return nav_home();
    return self->stage == ACT_DONE ? nav_pop() : after_failure(self);
}

static struct nav work_event(struct act_page *self, const struct event *event)
{
    if (event->type != EVENT_KEY || event->key != KEY_CODE_ESC)
        return nav_stay();
    if (self->stage == ACT_LOADING) /* it only reads */
        return nav_pop();
    if (self->ops->stop != NULL || self->stage == ACT_LOOKING) {
        atomic_store(&self->running->stop, true);
        self->stopping = true;
    }
    return nav_stay();
}

static struct nav quit_asked(const struct act_page *self)
{
    if (self->stage == ACT_RUNNING)
        return nav_not_now();
    return self->touched && (self->stage == ACT_STEP || self->stage == ACT_REVIEW)
               ? nav_push(page_leave(_("Nothing was done yet.")))
               : nav_stay();
}

static struct nav act_event(void *arg, const struct event *event)
{
    struct act_page *self = arg;

    if (event->type == EVENT_SHOWN && self->stage == ACT_LOADING && self->job == NULL) {
        if (self->ops->load != NULL)
            start(self, ACT_LOADING);
        else
            go_on(self, 0);
        return nav_stay();
    }
    if (event->type == EVENT_JOB && event->job == self->job)
        return job_ended(self);
    if (event->type == EVENT_JOB_PROGRESS && event->job == self->job) {
        self->done = event->done;
        self->total = event->total;
        act_hear(self);
        return nav_stay();
    }
    if (event->type == EVENT_QUIT_ASKED)
        return quit_asked(self);
    if (event->type == EVENT_STOP && self->job != NULL)
        atomic_store(&self->running->stop, true);
    if (self->question != NULL)
        return question_event(self, event);
    if (act_asked_event(self, event))
        return nav_stay();
    switch (self->stage) {
    case ACT_STEP:
    case ACT_REVIEW:
        return form_stage_event(self, event);
    case ACT_LOADING:
    case ACT_LOOKING:
    case ACT_RUNNING:
        return work_event(self, event);
    case ACT_DONE:
    case ACT_FAILED:
        return end_event(self, event);
    }
    return nav_stay();
}

static void act_commands(const void *arg, struct strbuf *out)
{
    const struct act_page *self = arg;

    if (self->data != NULL && (self->stage == ACT_STEP || self->stage == ACT_REVIEW))
        self->ops->commands(self->data, self->stage == ACT_STEP ? act_form(self) : NULL, out);
    else
        strbuf_add_str(out, self->commands.data);
}

static void act_free(void *arg)
{
    struct act_page *self = arg;

    if (self->data != NULL && self->ops->keep != NULL && self->ops->n_steps > 0 &&
        self->forms[0] != NULL)
        self->ops->keep(self->data, self->forms[0], self->app);
    for (size_t i = 0; i < ACT_STEPS_MAX; i++)
        form_free(self->forms[i]);
    form_free(self->review);
    form_free(self->asked);
    if (self->data != NULL)
        self->ops->free(self->data);
    dialog_free(self->question);
    lines_free(self->lines);
    strbuf_clear(&self->commands);
    free(self);
}

static const struct screen_ops act_screen_ops = {
    .name = "act",
    .event = act_event,
    .draw = act_draw,
    .frame = act_frame,
    .commands = act_commands,
    .free = act_free,
};

struct screen *act_page(struct app *app, const struct act_ops *ops, void *data)
{
    struct act_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->ops = ops;
    self->data = data;
    no_passphrases(self);
    self->lines = lines_new();
    strbuf_init(&self->commands);
    return screen_new(&act_screen_ops, self);
}
