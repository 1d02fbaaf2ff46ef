/* plan_review.c - the plan before it is applied: its steps, who it would refuse, and the question. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "screens/pages.h"
#include "screens/plan_parts.h"

enum review_button { REVIEW_APPLY, REVIEW_BACK };

static const struct form_field save_field = {
    .label = N_("Save the plan as"),
    .why =
        N_("What is wanted goes into the file, never SQL, never a key. \"Log and undo\" takes it "
           "again, here or elsewhere, and makes the plan anew: it is refused when the server is "
           "another one, or has changed."),
    .help = N_("A new file; nothing is overwritten. The command is: pgseal plan apply FILE"),
    .word = "reload",
    .width = 48,
    .max = 1000,
};

void plan_review_enter(struct plan_page *self)
{
    button_row_init(&self->buttons);
    button_row_add(&self->buttons, self->view.is_undo   ? N_("Take it back...")
                                   : self->view.is_keep ? N_("Keep it...")
                                                        : N_("Apply..."));
    button_row_add(&self->buttons, N_("Back"));
    if (app_read_only(self->app))
        button_row_turn_off(&self->buttons, REVIEW_APPLY, _("started with --read-only"));
    self->at = self->view.n_steps;
}

static void ask_to_apply(struct plan_page *self)
{
    const struct attempt_view *view = &self->view;
    struct strbuf text = STRBUF_INIT;
    size_t acts = 0, looks = 0, removes = 0;

    if (app_read_only(self->app)) {
        self->message_mark = MARK_WARN;
        snprintf(self->message, sizeof(self->message), "%s",
                 _("Read only: pgseal was started with --read-only."));
        return;
    }
    for (size_t i = 0; i < view->n_steps; i++) {
        looks += view->steps[i].mark == PLAN_LOOK;
        removes += view->steps[i].mark == PLAN_REMOVE;
        acts += view->steps[i].mark != PLAN_LOOK && view->steps[i].mark != PLAN_SAME;
    }
    strbuf_printf(&text, _("Server   %s (%s)%s\n"), view->server, view->where,
                  view->production ? _(", PRODUCTION") : "");
    if (view->n_refused > 0)
        strbuf_printf(&text,
                      ngettext("Refused  %zu session that is open now could not come back\n",
                               "Refused  %zu sessions that are open now could not come back\n",
                               view->n_refused),
                      view->n_refused);
    if (view->is_undo || view->is_keep)
        strbuf_printf(&text, _("Plan     %lld: %s\n"), (long long)view->plan_id, view->title);
    if (view->is_undo)
        strbuf_printf(&text, _("Steps    %zu are taken back. Open sessions stay open."), removes);
    else if (view->is_keep)
        strbuf_add_str(&text, _("It was proven when it was applied. It can still be taken back "
                                "later."));
    else
        strbuf_printf(&text,
                      _("Steps    %zu, then %zu checks. Open sessions stay open.\n"
                        "Undo     by itself if a check fails\n"
                        "         by itself if you do not press \"Keep\" in %d s\n"
                        "         later with Home, 9"),
                      acts, looks, app_keep_seconds(self->app));
    self->question = dialog_new(&(struct dialog_spec){
        .title = view->is_undo   ? _("Take this change back?")
                 : view->is_keep ? _("Keep this change?")
                                 : _("Apply this plan?"),
        .text = text.data,
        .yes = view->is_undo   ? _("Yes, take it back")
               : view->is_keep ? _("Yes, keep it")
                               : _("Yes, apply"),
        .name = view->production ? view->server : NULL,
        .why = view->production
                   ? _("This server is marked \"production\": its name must be typed. Enter "
                       "means \"No\".")
                   : _("The safe answer is marked, so Enter means \"No\". A wrong rule could keep "
                       "people out: that is why pgseal tries the change before you keep it.")});
    strbuf_clear(&text);
}

/* The step's part of the script, whose first comment is the effect once more. */
static const char *details_of(const struct attempt_step *step)
{
    size_t len = strlen(step->effect);
    const char *at = step->details;

    if (len > 0 && strncmp(at, "#   ", 4) == 0 && strncmp(at + 4, step->effect, len) == 0 &&
        at[4 + len] == '\n')
        at += 4 + len + 1;
    return *at != '\0' ? at : _("It only looks, or there is nothing to be done.");
}

static struct nav show_step(const struct plan_page *self)
{
    const struct attempt_step *step = &self->view.steps[self->at];
    struct strbuf text = STRBUF_INIT;
    char path[160];
    struct screen *page;

    strbuf_printf(&text, "%c  %s\n\n", (char)step->mark, step->title);
    if (step->effect[0] != '\0')
        strbuf_printf(&text, _("Effect: %s\n\n"), step->effect);
    if (step->saw[0] != '\0')
        strbuf_printf(&text, _("Seen: %s\n\n"), step->saw);
    strbuf_add_str(&text, details_of(step));
    snprintf(path, sizeof(path), _("Home > %s > step %zu"), gettext(self->spec->path),
             self->at + 1);
    page = page_text(gettext(self->spec->title), path, text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

/* Who is connected now and could not come back. */
static struct nav show_refused(const struct plan_page *self)
{
    const struct attempt_view *view = &self->view;
    struct strbuf text = STRBUF_INIT;
    char path[160];
    struct screen *page;

    if (self->spec->who != NULL)
        return nav_push(self->spec->who(self->app, self->data));
    if (view->n_refused == 0)
        return nav_stay();
    strbuf_add_str(&text, _("These are connected now. Their sessions stay open, but when they "
                            "connect again they are refused:\n\n"));
    for (size_t i = 0; i < view->n_refused; i++)
        strbuf_printf(&text, "  %s\n", view->refused[i]);
    strbuf_add_str(&text, _("\nGive them certificates first (Home, 2), or go on when that is what "
                            "you want.\n"));
    snprintf(path, sizeof(path), _("Home > %s > refused"), gettext(self->spec->path));
    page = page_text(gettext(self->spec->title), path, text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

static void save_plan(struct plan_page *self)
{
    const struct attempt_view *view = &self->view;
    char name[120];

    if (view->is_undo || view->is_keep)
        return;
    if (view->saved == NULL) {
        self->message_mark = MARK_WARN;
        snprintf(self->message, sizeof(self->message), "%.150s",
                 view->saved_why != NULL ? view->saved_why : "");
        return;
    }
    snprintf(name, sizeof(name), "%.60s.plan", view->server);
    self->save = text_save_new(
        self->app, self,
        &(struct text_save_spec){
            .field = &save_field, .suggested = name, .text = view->saved, .mode = FS_MODE_SECRET});
}

struct nav plan_review_save_event(struct plan_page *self, const struct event *event)
{
    switch (text_save_event(self->save, event, self->message, sizeof(self->message))) {
    case TEXT_SAVE_OPEN:
    case TEXT_SAVE_FAILED:
        return nav_stay();
    case TEXT_SAVE_DONE:
        self->message_mark = MARK_OK;
        break;
    case TEXT_SAVE_CANCELLED:
        break;
    }
    text_save_free(self->save);
    self->save = NULL;
    return nav_stay();
}

/* With members before this one that have it: what about those? */
static struct nav leave_review(const struct plan_page *self)
{
    if (self->view.n_kept == 0)
        return nav_pop();
    attempt_decline(self->attempt);
    return nav_stay();
}

struct nav plan_review_key(struct plan_page *self, uint32_t key)
{
    size_t n = self->view.n_steps;

    self->message[0] = '\0';
    switch (key) {
    case KEY_CODE_ESC:
        return leave_review(self);
    case 'a':
        ask_to_apply(self);
        return nav_stay();
    case 'r':
        return show_refused(self);
    case 's':
        save_plan(self);
        return nav_stay();
    case KEY_CODE_UP:
    case KEY_CODE_BACK_TAB:
    case 'k':
        self->at = self->at > 0 ? self->at - 1 : 0;
        return nav_stay();
    case KEY_CODE_DOWN:
    case 'j':
        self->at = self->at < n ? self->at + 1 : n;
        return nav_stay();
    case KEY_CODE_TAB:
        self->at = self->at < n ? n : 0;
        return nav_stay();
    case KEY_CODE_HOME:
        self->at = 0;
        return nav_stay();
    case KEY_CODE_END:
        self->at = n;
        return nav_stay();
    }
    if (self->at < n)
        return key == KEY_CODE_ENTER ? show_step(self) : nav_stay();
    if (button_row_key(&self->buttons, key) != BUTTON_PRESSED)
        return nav_stay();
    if (self->buttons.focus == REVIEW_BACK)
        return leave_review(self);
    ask_to_apply(self);
    return nav_stay();
}
