/* plan_draw.c - the page of a change to a server: how it looks. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "screens/error_view.h"
#include "screens/plan_parts.h"
#include "tui/utf8.h"

#define MARK_AT   3
#define NUMBER_AT 5
#define TITLE_AT  8
#define LABEL_AT  2
#define TEXT_AT   17 /* mock-up 8.14 */

/* ---- review ---- */

static void count_marks(const struct attempt_view *view, char *out, size_t size)
{
    size_t new = 0, changed = 0, removed = 0, looks = 0, acts = 0;

    for (size_t i = 0; i < view->n_steps; i++) {
        switch (view->steps[i].mark) {
        case PLAN_NEW:
            new ++;
            break;
        case PLAN_CHANGE:
            changed++;
            break;
        case PLAN_REMOVE:
            removed++;
            break;
        case PLAN_LOOK:
            looks++;
            break;
        case PLAN_ACT:
            acts++;
            break;
        case PLAN_SAME:
            break;
        }
    }
    if (view->is_keep)
        snprintf(out, size, _("%s, plan %lld: it was applied and proven, and not kept yet."),
                 view->server, (long long)view->plan_id);
    else if (view->is_undo)
        snprintf(out, size, _("%s, plan %lld: %zu steps are taken back, the last one first."),
                 view->server, (long long)view->plan_id, removed);
    else
        snprintf(out, size,
                 acts > 0 ? _("On %s: %zu new, %zu changed, %zu checks. A reload, no restart.")
                          : _("On %s: %zu new, %zu changed, %zu checks. Nothing is reloaded."),
                 view->server, new, changed + removed, looks);
}

bool plan_step_has_effect(const struct attempt_step *step)
{
    return step->effect[0] != '\0';
}

/* The marked step's title is shown whole. */
static int title_rows(const struct plan_page *self, size_t i, int width)
{
    return i == self->at && utf8_columns(self->view.steps[i].title) > width ? 2 : 1;
}

/* Rows of a step: its title, and its effect where that is shown below. */
static int step_rows(const struct plan_page *self, size_t i, bool all, int width)
{
    return title_rows(self, i, width) +
           (plan_step_has_effect(&self->view.steps[i]) && (all || i == self->at));
}

static int all_rows(const struct plan_page *self, bool all, int width)
{
    int rows = 0;

    for (size_t i = 0; i < self->view.n_steps; i++)
        rows += step_rows(self, i, all, width);
    return rows;
}

static void draw_step(const struct plan_page *self, size_t i, struct canvas *list, int row,
                      bool with_effect)
{
    const struct attempt_step *step = &self->view.steps[i];
    bool here = i == self->at;
    int width = canvas_columns(list) - TITLE_AT - 2;

    if (here) {
        canvas_glyph(list, row, 1, STYLE_NORMAL, GLYPH_POINTER);
        canvas_cursor(list, row, 1);
    }
    canvas_printf(list, row, MARK_AT, STYLE_STRONG, "%c", (char)step->mark);
    canvas_printf(list, row, NUMBER_AT, STYLE_NORMAL, "%2zu", i + 1);
    if (title_rows(self, i, width) > 1)
        row += canvas_wrap(list, row, TITLE_AT, width, 2, STYLE_FOCUS, step->title);
    else
        canvas_field(list, row++, TITLE_AT, width, here ? STYLE_FOCUS : STYLE_NORMAL, step->title);
    if (with_effect)
        canvas_field(list, row, TITLE_AT + 2, width - 2, STYLE_NORMAL, step->effect);
}

static void draw_steps(const struct plan_page *self, struct canvas *body, int row, int rows)
{
    struct canvas *list = canvas_part(body, row, 0, rows, canvas_columns(body));
    int width = canvas_columns(list) - TITLE_AT - 2;
    bool all = all_rows(self, true, width) <= rows;
    int top = 0, scroll = 0, at = 0;

    for (size_t i = 0; i < self->at && i < self->view.n_steps; i++)
        top += step_rows(self, i, all, width);
    if (self->at < self->view.n_steps && top + step_rows(self, self->at, all, width) > rows)
        scroll = top + step_rows(self, self->at, all, width) - rows;
    at = -scroll;
    for (size_t i = 0; i < self->view.n_steps; i++) {
        int height = step_rows(self, i, all, width);

        if (at >= 0 && at + height <= rows)
            draw_step(self, i, list, at, height > title_rows(self, i, width));
        at += height;
    }
    if (scroll > 0)
        canvas_right(list, 0, canvas_columns(list) - 1, STYLE_STRONG, "^");
    if (at > rows)
        canvas_right(list, rows - 1, canvas_columns(list) - 1, STYLE_STRONG, "v");
    canvas_free(list);
}

/* "member 2 of 2; db2 (standby): kept" */
static void draw_member(const struct attempt_view *view, struct canvas *body, int row)
{
    char text[300];

    snprintf(text, sizeof(text), _("member %zu of %zu%s%.200s"), view->member, view->n_members,
             view->n_results > 0 ? "; " : "",
             view->n_results > 0 ? view->results[view->n_results - 1] : "");
    canvas_field(body, row, LABEL_AT, canvas_columns(body) - 4, STYLE_NORMAL, text);
}

static void draw_review(const struct plan_page *self, struct canvas *body)
{
    int rows = canvas_rows(body);
    char text[200];

    count_marks(&self->view, text, sizeof(text));
    canvas_field(body, 0, LABEL_AT, canvas_columns(body) - 4, STYLE_STRONG, text);
    if (self->view.n_refused > 0) {
        int at = canvas_mark(body, 1, LABEL_AT, MARK_WARN) + 1;

        canvas_printf(body, 1, at, STYLE_NORMAL,
                      ngettext("%zu session that is open now could not come back: r shows it",
                               "%zu sessions that are open now could not come back: r shows them",
                               self->view.n_refused),
                      self->view.n_refused);
    }
    if (self->view.n_refused == 0 && self->view.n_members > 1)
        draw_member(&self->view, body, 1);
    draw_steps(self, body, 2, rows - 5);
    button_row_draw(&self->buttons, body, rows - 2, LABEL_AT, self->at >= self->view.n_steps);
    canvas_text(body, rows - 1, LABEL_AT, STYLE_NORMAL,
                _("+ new   ~ changed   - removed   = same   ! acts now   ? only looks"));
}

/* ---- keep ---- */

/* The folder of log and script, and their names: the end of a path is what tells them apart. */
static int draw_files(struct canvas *body, int row, const struct attempt_view *view)
{
    const char *log = strrchr(view->log_file, '/'), *script = strrchr(view->script_file, '/');
    int width = canvas_columns(body) - LABEL_AT - 11;
    char text[400];

    if (log == NULL || script == NULL)
        return row;
    canvas_text(body, row, LABEL_AT, STYLE_LABEL, _("Log"));
    canvas_field(body, row, LABEL_AT + 9, width, STYLE_NORMAL, log + 1);
    canvas_text(body, row + 1, LABEL_AT, STYLE_LABEL, _("Script"));
    canvas_field(body, row + 1, LABEL_AT + 9, width, STYLE_NORMAL, script + 1);
    app_short_path(view->log_file, text, sizeof(text));
    *strrchr(text, '/') = '\0';
    canvas_text(body, row + 2, LABEL_AT, STYLE_LABEL, _("both in"));
    canvas_field(body, row + 2, LABEL_AT + 9, width, STYLE_NORMAL, text);
    return row + 3;
}

/* The last checks, in the words of the proof. */
static int draw_proof(const struct attempt_view *view, struct canvas *body, int row, int rows)
{
    size_t n = 0;

    for (size_t i = 0; i < view->n_steps && n < (size_t)rows; i++) {
        const struct attempt_step *step = &view->steps[i];
        int at;

        if (step->mark != PLAN_LOOK || step->state != JOURNAL_STEP_DONE)
            continue;
        at = canvas_mark(body, row, LABEL_AT, MARK_OK) + 1;
        canvas_field(body, row, at, canvas_columns(body) - at - 2, STYLE_NORMAL, step->title);
        row++;
        n++;
    }
    return row;
}

static void draw_keep(const struct plan_page *self, struct canvas *body)
{
    const struct attempt_view *view = &self->view;
    int64_t left = (view->deadline_ms - clock_mono_ms() + 999) / 1000;
    int at = canvas_mark(body, 0, LABEL_AT, MARK_OK) + 1, row;
    char text[200];

    canvas_text(body, 0, at, STYLE_STRONG, _("All steps are done, and the checks have passed."));
    row = draw_proof(view, body, 1, canvas_rows(body) - 12);
    if (view->sessions_before >= 0 && view->sessions_after >= 0) {
        bool fewer = view->sessions_after < view->sessions_before; /* they come and go */

        at = canvas_mark(body, row, LABEL_AT, fewer ? MARK_OFF : MARK_OK) + 1;
        canvas_printf(body, row++, at, STYLE_NORMAL,
                      fewer ? _("%d sessions before, %d now: none was ended by this")
                            : _("%d sessions before, %d now"),
                      view->sessions_before, view->sessions_after);
    }
    row++;
    canvas_text(body, row++, LABEL_AT, STYLE_NORMAL,
                _("Now try a login of your own from another window, then choose:"));
    row++;
    button_row_draw(&self->buttons, body, row++, LABEL_AT, true);
    row++;
    snprintf(text, sizeof(text),
             _("If you choose nothing, the change is taken back by itself in %lld s. The same if "
               "this window closes."),
             (long long)(left > 0 ? left : 0));
    row += canvas_wrap(body, row, LABEL_AT, canvas_columns(body) - 4, 2, STYLE_NORMAL, text);
    draw_files(body, row, view);
}

/* ---- the end ---- */

const char *plan_end_text(const struct attempt_view *view)
{
    switch (view->end) {
    case ATTEMPT_END_KEPT:
        return _("Kept.");
    case ATTEMPT_END_NOTHING:
        return _("Nothing to do: the server is like this already.");
    case ATTEMPT_END_PARTLY:
        return _("The members differ now: some have it, some have not.");
    case ATTEMPT_END_UNDONE:
        return view->timed_out ? _("Nobody kept it in time: everything was taken back.")
                               : _("Everything was taken back.");
    case ATTEMPT_END_TEXT:
    case ATTEMPT_END_FAILED:
        return _("Nothing was changed.");
    case ATTEMPT_END_LEFT:
        break;
    }
    return _("NOT everything was taken back.");
}

/* Each member of a cluster, a line each. */
static int draw_results(const struct attempt_view *view, struct canvas *body, int row, int end)
{
    for (size_t i = 0; i < view->n_results && row < end; i++, row++)
        canvas_field(body, row, LABEL_AT, canvas_columns(body) - 4, STYLE_NORMAL, view->results[i]);
    return row;
}

/* A member has not got it, and those before it have. */
static void draw_others(const struct plan_page *self, struct canvas *body)
{
    const struct attempt_view *view = &self->view;
    int width = canvas_columns(body) - 4, row = 2;
    int at = canvas_mark(body, 0, LABEL_AT, MARK_WARN) + 1;
    char text[300];

    snprintf(text, sizeof(text),
             ngettext("%s has not got it, and %zu member before it has.",
                      "%s has not got it, and %zu members before it have.", view->n_kept),
             view->server, view->n_kept);
    canvas_field(body, 0, at, width - at, STYLE_STRONG, text);
    row = draw_results(view, body, row, canvas_rows(body) - 8) + 1;
    if (view->err.code != ERR_NONE && view->err.code != ERR_CANCELLED) {
        snprintf(text, sizeof(text), "PS-%d %s", (int)view->err.code, view->err.msg);
        row += canvas_wrap(body, row, LABEL_AT, width, 3, STYLE_BAD, text) + 1;
    }
    canvas_text(body, row++, LABEL_AT, STYLE_NORMAL, _("Shall it go back on those, too?"));
    button_row_draw(&self->buttons, body, row + 1, LABEL_AT, true);
}

static void draw_result(const struct plan_page *self, struct canvas *body)
{
    const struct attempt_view *view = &self->view;
    bool good = view->end == ATTEMPT_END_KEPT || view->end == ATTEMPT_END_NOTHING ||
                (view->end == ATTEMPT_END_UNDONE && !view->timed_out);
    int width = canvas_columns(body) - 4, row = 3;
    int at = canvas_mark(body, 0, LABEL_AT, good ? MARK_OK : MARK_OFF) + 1;

    canvas_text(body, 0, at, STYLE_STRONG, plan_end_text(view));
    canvas_field(body, 1, at, width - at, STYLE_NORMAL, view->title);
    row = draw_results(view, body, row, canvas_rows(body) - 9);
    if (view->end == ATTEMPT_END_UNDONE && view->n_members == 0) /* results say it of each */
        canvas_printf(body, row++, LABEL_AT, STYLE_NORMAL, _("%s is as it was before."),
                      view->server);
    if (view->end == ATTEMPT_END_PARTLY)
        row +=
            2 + canvas_wrap(body, row + 1, LABEL_AT, width, 2, STYLE_NORMAL,
                            _("The same change once more brings the rest up to it. What was kept "
                              "can still be taken back: Home, Log and undo."));
    if (view->end == ATTEMPT_END_KEPT) {
        row = draw_proof(view, body, row, canvas_rows(body) - 9);
        row++;
        if (self->spec->next != NULL)
            row +=
                canvas_wrap(body, row, LABEL_AT, width, 2, STYLE_NORMAL, gettext(self->spec->next));
        row += canvas_wrap(body, row, LABEL_AT, width, 2, STYLE_NORMAL,
                           _("It can still be taken back: Home, Log and undo."));
    }
    row = draw_files(body, row, view);
    button_row_draw(&self->buttons, body, row + 1, LABEL_AT, true);
}

/* The step that failed, for people: "step 6 of 8: reload". */
static void failed_step(const struct attempt_view *view, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < view->n_steps; i++) {
        if (view->steps[i].state == JOURNAL_STEP_FAILED ||
            view->steps[i].state == JOURNAL_STEP_DOING) {
            snprintf(out, size, _("step %zu of %zu: %.120s"), i + 1, view->n_steps,
                     view->steps[i].title);
            return;
        }
    }
}

static void draw_error(const struct plan_page *self, struct canvas *body)
{
    char step[200];
    int rows = canvas_rows(body), row = 0, menu_rows = (int)menu_count(self->help);

    failed_step(&self->view, step, sizeof(step));
    row = error_view_draw(&self->view.err, body, 0, rows - menu_rows - 3);
    if (step[0] != '\0') {
        canvas_text(body, row, LABEL_AT, STYLE_LABEL, _("It was"));
        canvas_field(body, row, TEXT_AT, canvas_columns(body) - TEXT_AT - 2, STYLE_NORMAL, step);
        row++;
    }
    row = draw_results(&self->view, body, row, rows - menu_rows - 2);
    canvas_text(body, row + 1, LABEL_AT, STYLE_STRONG, _("What now?"));
    menu_draw(self->help, body, row + 2, 0, menu_rows, canvas_columns(body), true);
}

/* ---- the whole ---- */

static void draw_busy(const struct plan_page *self, struct canvas *body)
{
    int at = canvas_mark(body, 0, LABEL_AT, MARK_BUSY) + 1;

    if (self->view.phase == ATTEMPT_CONNECTING)
        canvas_printf(body, 0, at, STYLE_NORMAL, _("logging in to %s ..."), self->view.server);
    else
        canvas_printf(body, 0, at, STYLE_NORMAL, _("reading %s, making the plan ..."),
                      self->view.server);
}

void plan_draw(const void *arg, struct canvas *body)
{
    const struct plan_page *self = arg;

    if (self->save != NULL) {
        text_save_draw(self->save, body);
        return;
    }
    switch (self->view.phase) {
    case ATTEMPT_CONNECTING:
    case ATTEMPT_READING:
        draw_busy(self, body);
        break;
    case ATTEMPT_ASKING:
        form_draw(self->secret, body);
        break;
    case ATTEMPT_REVIEW:
        draw_review(self, body);
        break;
    case ATTEMPT_APPLYING:
    case ATTEMPT_UNDOING:
        progress_draw(self->progress, body, 0, canvas_rows(body));
        break;
    case ATTEMPT_KEEP:
        draw_keep(self, body);
        break;
    case ATTEMPT_OTHERS:
        draw_others(self, body);
        break;
    case ATTEMPT_ENDED:
        if (plan_has_failed(&self->view))
            draw_error(self, body);
        else
            draw_result(self, body);
        break;
    }
    if (self->question != NULL)
        dialog_draw(self->question, body);
}
