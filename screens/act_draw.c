/* act_draw.c - the picture of a page that does one thing. */
#include "config.h"

#include <stdio.h>

#include "core/base/intl.h"
#include "screens/act_parts.h"
#include "screens/error_view.h"
#include "screens/steps.h"

#define BAR_WIDTH 50

static void draw_bar(const struct act_page *self, struct canvas *body, int row)
{
    unsigned filled = self->done * BAR_WIDTH / self->total;
    int at;

    canvas_text(body, row, 2, STYLE_NORMAL, "[");
    canvas_fill(body, row, 3, (int)filled, STYLE_NORMAL, '#');
    at = canvas_text(body, row, 3 + BAR_WIDTH, STYLE_NORMAL, "]");
    canvas_printf(body, row, at + 2, STYLE_NORMAL, "%3u %%", self->done * 100 / self->total);
}

static void draw_work(const struct act_page *self, struct canvas *body)
{
    bool told = lines_count(self->lines) > 0;
    int at = canvas_mark(body, 0, 2, MARK_BUSY) + 1;

    at = canvas_text(body, 0, at, STYLE_NORMAL,
                     self->stage == ACT_RUNNING ? _("working") : _("reading"));
    if (self->total > 0 && told) { /* the lines need the room */
        canvas_printf(body, 0, at + 2, STYLE_NORMAL, _("%u of %u done"), self->done, self->total);
    } else if (self->total > 0) {
        canvas_printf(body, 2, 2, STYLE_NORMAL, _("%u of %u done"), self->done, self->total);
        draw_bar(self, body, 4);
    }
    if (told)
        lines_draw(self->lines, body, 2, canvas_rows(body) - 2);
}

void act_draw(const void *arg, struct canvas *body)
{
    const struct act_page *self = arg;
    int rows = canvas_rows(body), row;

    if (act_form(self) != NULL) {
        form_draw(act_form(self), body);
    } else if (self->asked != NULL) {
        form_draw(self->asked, body);
    } else if (self->stage == ACT_DONE || act_shows(self)) {
        lines_draw(self->lines, body, 0, rows - 2);
        if (lines_more(self->lines))
            canvas_text(body, rows - 2, 2, STYLE_LABEL, _("... more below: Down, PgDn"));
        button_row_draw(&self->buttons, body, rows - 1, 2, true);
    } else if (self->stage == ACT_FAILED) {
        row = error_view_draw(&self->err, body, 0, rows - 2);
        button_row_draw(&self->buttons, body, row + 1, 2, true);
    } else {
        draw_work(self, body);
    }
    if (self->question != NULL)
        dialog_draw(self->question, body);
}

static const struct binding work_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {NULL, NULL, NULL, 0},
};
static const struct binding stop_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"Esc", N_("Stop"), N_("stop here; what is done stays done"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding failed_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 70},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 60},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Back"), N_("back; all answers are kept"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding done_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 70},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 50},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 40},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Back"), N_("back to where you came from"), 95},
    {NULL, NULL, NULL, 0},
};
static const struct binding copy_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 70},
    {"y", N_("Copy"), N_("send it to the terminal's clipboard"), 75},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 50},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 40},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {"Esc", N_("Back"), N_("back to where you came from"), 95},
    {NULL, NULL, NULL, 0},
};

static const struct binding shown_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 70},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 50},
    {N_("Left Right"), N_("Choose"), N_("the other button"), 40},
    {N_("Enter"), N_("Next"), N_("press the button"), 80},
    {"Esc", N_("Back"), N_("one step back; all answers are kept"), 95},
    {NULL, NULL, NULL, 0},
};

static void end_frame(const struct act_page *self, struct frame *ret)
{
    ret->why = self->ops->why != NULL ? gettext(self->ops->why) : "";
    if (self->stage == ACT_STEP) {
        ret->bindings = shown_keys;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Nothing was done yet. Enter goes on, Esc goes back."));
    } else if (self->stage == ACT_DONE) {
        bool partly = self->ops->is_partly != NULL && self->ops->is_partly(self->data);

        ret->bindings = self->ops->copy != NULL ? copy_keys : done_keys;
        ret->message_mark = partly ? MARK_WARN : MARK_OK;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 partly ? _("Not all of it is done, as it says above.  Esc goes back.")
                 : self->ops->copy != NULL
                     ? _("Done.  y copies it; your terminal may block that.  Esc goes back.")
                     : _("Done.  Esc goes back."));
    } else if (self->stage == ACT_FAILED) {
        ret->bindings = failed_keys;
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)self->err.code);
    } else {
        bool stops = self->stage != ACT_RUNNING || self->ops->stop != NULL;

        ret->bindings = stops ? stop_keys : work_keys;
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 self->stopping ? _("Stopping.")
                 : self->stage == ACT_RUNNING && self->ops->stop != NULL
                     ? gettext(self->ops->stop)
                     : _("Working. It takes a moment."));
    }
}

void act_frame(const void *arg, struct frame *ret)
{
    const struct act_page *self = arg;
    const struct act_ops *ops = self->ops;
    const char *steps[ACT_STEPS_MAX + 1];
    size_t n = 0, at;

    for (size_t i = 0; i < ops->n_steps; i++)
        steps[n++] = ops->steps[i].name;
    if (ops->review != NULL)
        steps[n++] = N_("Review");
    at = self->stage == ACT_DONE                                   ? n
         : self->stage == ACT_REVIEW || self->stage == ACT_RUNNING ? n - 1
         : self->stage == ACT_FAILED && self->failed == ACT_RUNNING && ops->n_steps > 0
             ? n - 1
             : self->step;
    snprintf(ret->title, sizeof(ret->title), "%s", gettext(ops->title));
    app_where(self->app, ret->right, sizeof(ret->right));
    steps_frame(ret, gettext(ops->where), steps, n, at);
    ret->word = ops->word;
    if (self->stage == ACT_DONE || act_shows(self)) {
        char where[sizeof(ret->path_right)];

        lines_where(self->lines, where, sizeof(where));
        if (where[0] != '\0')
            snprintf(ret->path_right, sizeof(ret->path_right), "%s", where);
    }
    if (self->asked != NULL) {
        form_frame(self->asked, ret);
        return;
    }
    if (act_form(self) == NULL) {
        end_frame(self, ret);
        return;
    }
    if (self->stage == ACT_REVIEW && self->passphrases[0] < 0)
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Nothing was done yet. F2 shows the same as commands."));
    form_frame(act_form(self), ret);
    if ((ret->why == NULL || ret->why[0] == '\0') && ops->why != NULL)
        ret->why = gettext(ops->why);
    if (self->question != NULL)
        dialog_frame(self->question, ret);
}
