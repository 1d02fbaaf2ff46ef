/* plan_frame.c - the page of a change to a server: its path, its clock, its message and its keys. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "screens/error_view.h"
#include "screens/plan_parts.h"

static const struct binding busy_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"Esc", N_("Back"), N_("stop, and go one step back"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding review_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the plan as a script"), 90},
    {"F3", N_("Words"), N_("the words explained"), 0},
    {N_("Up Down"), N_("Step"), N_("the step before, the next one; the buttons are below"), 60},
    {N_("Enter"), N_("Details"), N_("what the step does, line by line; or press the button"), 80},
    {"a", N_("Apply..."), N_("asks first"), 85},
    {"r", N_("Refused"), N_("who is connected now and could not come back"), 50},
    {"t", N_("By hand"), N_("the text to paste, where pgseal may do nothing itself"), 45},
    {"s", N_("Save"), N_("what is wanted, as a file, for later or elsewhere"), 55},
    {"Esc", N_("Back"), N_("to the answers; they are kept"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding undo_review_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 90},
    {N_("Up Down"), N_("Step"), N_("the step before, the next one; the buttons are below"), 60},
    {N_("Enter"), N_("Details"), N_("what the step was; or press the button"), 80},
    {"a", N_("Take back..."), N_("asks first"), 85},
    {"Esc", N_("Back"), N_("to the list of changes"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding keep_review_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 90},
    {N_("Up Down"), N_("Step"), N_("the step before, the next one; the buttons are below"), 60},
    {N_("Enter"), N_("Details"), N_("what the step was; or press the button"), 80},
    {"a", N_("Keep..."), N_("asks first"), 85},
    {"Esc", N_("Back"), N_("to the list of changes"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding work_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the plan as a script"), 90},
    {"Esc", N_("Stop and undo"), N_("stop after this step and take everything back"), 95},
    {"Ctrl-C", N_("Stop and undo"), N_("the same"), 0},
    {NULL, NULL, NULL, 0},
};
static const struct binding undo_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the plan as a script"), 90},
    {NULL, NULL, NULL, 0},
};
static const struct binding keep_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the plan as a script"), 90},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 60},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"v", N_("Log"), N_("what was done so far"), 70},
    {NULL, NULL, NULL, 0},
};
static const struct binding end_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the plan as a script"), 90},
    {"v", N_("Log"), N_("what was done"), 70},
    {N_("Enter"), N_("Choose"), N_("press the button, take the line"), 80},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {NULL, NULL, NULL, 0},
};

/* [ok] Review  [>>] Apply  [  ] Keep */
static void fill_path(const struct plan_page *self, struct frame *ret)
{
    static const char *const new_steps[] = {N_("Review"), N_("Apply"), N_("Keep")};
    static const char *const undo_steps[] = {N_("Review"), N_("Undo")};
    static const char *const keep_steps[] = {N_("Review"), N_("Keep")};
    const struct attempt_view *view = &self->view;
    const char *const *steps = view->is_undo ? undo_steps : view->is_keep ? keep_steps : new_steps;
    size_t n = view->is_undo || view->is_keep ? 2 : 3, at = 0;
    bool failed = plan_has_failed(view), done;
    int len;

    switch (view->phase) {
    case ATTEMPT_CONNECTING:
    case ATTEMPT_READING:
    case ATTEMPT_ASKING:
    case ATTEMPT_REVIEW:
        break;
    case ATTEMPT_APPLYING:
        at = 1;
        break;
    case ATTEMPT_KEEP:
    case ATTEMPT_UNDOING:
        at = n - 1;
        break;
    case ATTEMPT_OTHERS:
        at = 1;
        break;
    case ATTEMPT_ENDED:
        done = view->end == ATTEMPT_END_KEPT || view->end == ATTEMPT_END_NOTHING ||
               (view->end == ATTEMPT_END_UNDONE && view->is_undo);
        at = done ? n : view->plan_id != 0 ? 1 : 0;
        break;
    }
    len = snprintf(ret->path, sizeof(ret->path), _("Home > %s"), gettext(self->spec->path));
    for (size_t i = 0; i < n && len > 0 && (size_t)len < sizeof(ret->path); i++) {
        enum mark mark = i < at                         ? MARK_OK
                         : i > at                       ? MARK_TODO
                         : failed                       ? MARK_BAD
                         : view->phase == ATTEMPT_ENDED ? MARK_OFF
                                                        : MARK_HERE;

        len += snprintf(ret->path + len, sizeof(ret->path) - (size_t)len, "  %s %s",
                        mark_text(mark), gettext(steps[i]));
    }
}

static void fill_clock(const struct plan_page *self, struct frame *ret)
{
    const struct attempt_view *view = &self->view;
    int64_t seconds = (clock_mono_ms() - self->started_ms) / 1000;
    int64_t left = (view->deadline_ms - clock_mono_ms() + 999) / 1000;

    if (view->phase == ATTEMPT_KEEP)
        snprintf(ret->path_right, sizeof(ret->path_right), _("%02lld:%02lld left"),
                 (long long)(left > 0 ? left / 60 : 0), (long long)(left > 0 ? left % 60 : 0));
    else if (attempt_is_open(view))
        snprintf(ret->path_right, sizeof(ret->path_right), "%02lld:%02lld",
                 (long long)(seconds / 60), (long long)(seconds % 60));
    else if (plan_has_failed(view))
        snprintf(ret->path_right, sizeof(ret->path_right), "PS-%d", (int)view->err.code);
}

static void fill_right(const struct plan_page *self, struct frame *ret)
{
    const struct attempt_view *view = &self->view;
    int version = view->server_version;

    if (version != 0)
        snprintf(ret->right, sizeof(ret->right), _("server: %.30s %.30s PG %d.%d"), view->server,
                 view->where, version / 10000, version % 10000);
    else
        snprintf(ret->right, sizeof(ret->right), _("server: %.40s"), view->server);
}

static void say(struct frame *ret, enum mark mark, const char *text)
{
    ret->message_mark = mark;
    snprintf(ret->message, sizeof(ret->message), "%.159s", text);
}

static void frame_busy(struct frame *ret)
{
    ret->bindings = busy_keys;
    ret->why = _("The server's settings and files are read, and the plan is made from them. "
                 "Nothing is changed by that.");
    say(ret, MARK_BUSY, _("Working. It takes a moment."));
}

static void frame_review(const struct plan_page *self, struct frame *ret)
{
    ret->bindings = self->view.is_undo   ? undo_review_keys
                    : self->view.is_keep ? keep_review_keys
                                         : review_keys;
    if (self->at < self->view.n_steps) {
        snprintf(ret->why_title, sizeof(ret->why_title), _("step %zu"), self->at + 1);
        ret->why = plan_step_has_effect(&self->view.steps[self->at])
                       ? self->view.steps[self->at].effect
                       : _("Enter shows what the step does, line by line.");
    } else if (self->view.is_undo) {
        ret->why = _("What was changed is set back in reverse order, the server reloads, and what "
                     "it does on the wire is compared with what it did before.");
    } else if (self->view.is_keep) {
        ret->why = _("The server stays as it is now. What stood there before is kept in the "
                     "journal: the change can still be taken back later.");
    } else {
        ret->why =
            _("The steps run in this order; each is looked at before and after. If one of them "
              "or a check fails, those before it are taken back by themselves, the last first.");
    }
    ret->help = _("+ new, ~ changed, - removed, = the same already, ! acts now, ? only looks.\n"
                  "Nothing is done before you have said \"yes\" to a question. After that pgseal "
                  "asks whether the change shall be kept; without an answer it is taken back.");
    say(ret, MARK_NONE,
        self->view.is_undo ? _("Nothing was taken back yet.  a asks, then takes it back.")
        : self->view.is_keep
            ? _("Not kept yet.  a asks, then keeps it.")
            : _("Not applied yet.  a asks, then applies.  F2 shows all commands."));
}

static void frame_work(const struct plan_page *self, struct frame *ret)
{
    bool undoing = self->view.phase == ATTEMPT_UNDOING;

    ret->bindings = undoing ? undo_keys : work_keys;
    ret->why = undoing
                   ? _("What was changed is set back in reverse order, the server reloads, and "
                       "what it does on the wire is compared with what it did before.")
                   : _("The administrator's own connection stays open meanwhile, so the change can "
                       "be taken back even if nobody new could log in. You need not do anything.");
    if (undoing)
        say(ret, MARK_BUSY, _("Taking everything back."));
    else if (self->view.stopping)
        say(ret, MARK_WARN,
            _("Stops after this step and takes back.  Ctrl-C again: at the next start."));
    else
        say(ret, MARK_BUSY,
            _("Working.  Esc or Ctrl-C: stop after this step and take everything back."));
}

static void frame_keep(struct frame *ret)
{
    ret->bindings = keep_keys;
    ret->why = _("A rule can be right for the test and wrong for somebody else. As long as you "
                 "have not kept it, one key takes it back. After \"Keep\" you can still undo with "
                 "Home, Log and undo.");
    say(ret, MARK_NONE, _("Keep it, or undo it. Without an answer it is taken back."));
}

static void frame_others(struct frame *ret)
{
    ret->bindings = keep_keys;
    ret->why =
        _("Members of a cluster that differ are met at the next failover. Taken back, all are as "
          "before; left so, the same change once more brings the rest up to it.");
    say(ret, MARK_WARN, _("Take it back on them, or leave it so."));
}

static void frame_end(const struct plan_page *self, struct frame *ret)
{
    const struct attempt_view *view = &self->view;

    ret->bindings = end_keys;
    if (plan_has_failed(view)) {
        char text[160];

        ret->why = _("The log holds the plan, its steps and the error. It never holds private "
                     "keys or passwords.");
        snprintf(text, sizeof(text), _("More about this error: pgseal explain PS-%d"),
                 (int)view->err.code);
        say(ret, MARK_BAD, text);
        return;
    }
    ret->why = view->end == ATTEMPT_END_KEPT
                   ? _("Every step stands in the journal, with what was there before it. That is "
                       "what an undo works from, also weeks later.")
                   : _("The journal remembers what was tried.");
    say(ret, view->end == ATTEMPT_END_KEPT ? MARK_OK : MARK_NONE, plan_end_text(view));
}

void plan_frame(const void *arg, struct frame *ret)
{
    const struct plan_page *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", gettext(self->spec->title));
    fill_right(self, ret);
    fill_path(self, ret);
    fill_clock(self, ret);
    ret->word = self->spec->word;
    ret->no_suspend = attempt_is_open(&self->view);
    if (self->save != NULL) {
        text_save_frame(self->save, ret);
        return;
    }
    switch (self->view.phase) {
    case ATTEMPT_CONNECTING:
    case ATTEMPT_READING:
        frame_busy(ret);
        break;
    case ATTEMPT_ASKING:
        form_frame(self->secret, ret);
        break;
    case ATTEMPT_REVIEW:
        frame_review(self, ret);
        break;
    case ATTEMPT_APPLYING:
    case ATTEMPT_UNDOING:
        frame_work(self, ret);
        break;
    case ATTEMPT_KEEP:
        frame_keep(ret);
        break;
    case ATTEMPT_OTHERS:
        frame_others(ret);
        break;
    case ATTEMPT_ENDED:
        frame_end(self, ret);
        break;
    }
    if (self->message[0] != '\0')
        say(ret, self->message_mark, self->message);
    if (self->question != NULL)
        dialog_frame(self->question, ret);
}
