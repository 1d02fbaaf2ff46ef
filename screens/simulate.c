/* simulate.c - who gets in: everyone connected now, seen before, or with a role that a new rule is for,
 * against the rules as they are and as a draft would have them; with the walk through the file. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/by_hand.h"
#include "screens/error_view.h"
#include "screens/look.h"
#include "screens/pages.h"
#include "screens/simulate_job.h"

#define SHEET_ROWS 4

enum column {
    COLUMN_MARK,
    COLUMN_WHO,
    COLUMN_ROLE,
    COLUMN_FROM,
    COLUMN_NOW,
    COLUMN_THEN,
    COLUMN_DATABASE
};

struct simulate_page {
    struct app *app;
    struct require_data *draft; /* NULL: the rules as they are */
    struct simulate_job *found; /* NULL: not yet */
    size_t *order;              /* rows of the simulation, what is refused first */
    struct look look;
};

static const struct table_column columns[] = {
    [COLUMN_MARK] = {.title = "", .width = 4, .keep = 100},
    [COLUMN_WHO] = {.title = N_("SESSION"), .width = 11, .keep = 60},
    [COLUMN_ROLE] = {.title = N_("ROLE"), .width = 12, .keep = 90},
    [COLUMN_FROM] = {.title = N_("FROM"), .width = 13, .keep = 50},
    [COLUMN_NOW] = {.title = N_("LINE NOW"), .width = 8, .keep = 70},
    [COLUMN_THEN] = {.title = N_("THEN"), .width = 17, .keep = 80, .grow = true},
    [COLUMN_DATABASE] = {.title = N_("DATABASE"), .width = 10, .keep = 20},
};

/* ---- rows ---- */

static const struct simulate_row *row_at(const struct simulate_page *self, size_t row)
{
    return &self->found->simulation.rows[self->order[row]];
}

static size_t rows_count(const void *arg)
{
    const struct simulate_page *self = arg;

    return self->found != NULL && self->found->ok ? self->found->simulation.n : 0;
}

static enum mark row_mark(const struct simulate_row *row)
{
    switch (row->then.outcome) {
    case SIMULATE_ALLOWED:
        return MARK_OK;
    case SIMULATE_REFUSED:
        return row->now.outcome == SIMULATE_REFUSED ? MARK_OFF : MARK_BAD;
    case SIMULATE_UNSURE:
        break;
    }
    return MARK_WARN;
}

static const char *row_from(const struct simulate_row *row)
{
    if (!row->is_session)
        return _("anywhere");
    return row->address[0] != '\0' ? row->address : _("socket");
}

static void add_line(struct strbuf *out, const struct simulate_side *side)
{
    if (side->line == 0)
        strbuf_add_str(out, _("no line"));
    else
        strbuf_printf(out, "%d %s", side->line, side->method);
}

static void rows_cell(const void *arg, size_t at, size_t column, struct strbuf *out)
{
    const struct simulate_row *row = row_at(arg, at);
    char date[CLOCK_TEXT_MAX];

    switch ((enum column)column) {
    case COLUMN_MARK:
        strbuf_add_str(out, mark_text(row_mark(row)));
        break;
    case COLUMN_WHO:
        if (row->last_seen != 0)
            strbuf_add_str(out, clock_format_date(date, row->last_seen));
        else if (row->is_session)
            strbuf_printf(out, row->own ? _("%d (own)") : "%d", row->pid);
        else
            strbuf_add_str(out, _("none now"));
        break;
    case COLUMN_ROLE:
        strbuf_add_str(out, row->role);
        break;
    case COLUMN_FROM:
        strbuf_add_str(out, row_from(row));
        break;
    case COLUMN_NOW:
        if (row->now.line == 0)
            strbuf_add_str(out, _("none"));
        else
            strbuf_printf(out, "%d", row->now.line);
        break;
    case COLUMN_THEN:
        add_line(out, &row->then);
        break;
    case COLUMN_DATABASE:
        strbuf_add_str(out, row->database);
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t row)
{
    const struct simulate_page *self = arg;

    return self->order[row];
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    return column == COLUMN_MARK ? mark_style(row_mark(row_at(arg, row))) : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

static const struct simulate_row *here(const struct simulate_page *self)
{
    if (rows_count(self) == 0 || !table_has_row(self->look.table))
        return NULL;
    return row_at(self, table_row(self->look.table));
}

static void sort_rows(struct simulate_page *self)
{
    static const enum mark marks[] = {MARK_BAD, MARK_WARN, MARK_OFF, MARK_OK};
    const struct simulation *simulation = &self->found->simulation;
    size_t n = 0;

    free(self->order);
    self->order = mem_array(simulation->n + 1, sizeof(*self->order));
    for (size_t m = 0; m < ARRAY_LEN(marks); m++) {
        for (size_t i = 0; i < simulation->n; i++) {
            if (row_mark(&simulation->rows[i]) == marks[m])
                self->order[n++] = i;
        }
    }
}

/* ---- one of them, in words ---- */

static void add_who(const struct simulate_row *row, struct strbuf *out)
{
    char date[CLOCK_TEXT_MAX];

    strbuf_printf(out, "\"%s\"", row->role);
    if (row->database[0] != '\0')
        strbuf_printf(out, _(" in \"%s\""), row->database);
    if (!row->is_session) {
        strbuf_add_str(out, _(", not connected now: taken as coming with TLS"));
        return;
    }
    strbuf_printf(out, row->address[0] != '\0' ? _(" from %s, ") : _(" by the %s, "),
                  row_from(row));
    switch (row->class) {
    case SESSION_TLS_CERT:
        strbuf_add_str(out, _("with a certificate"));
        break;
    case SESSION_TLS:
        strbuf_add_str(out, _("TLS, no certificate"));
        break;
    case SESSION_GSS:
        strbuf_add_str(out, _("GSSAPI"));
        break;
    case SESSION_CLEAR:
        strbuf_add_str(out, _("no TLS"));
        break;
    case SESSION_SOCKET:
    case SESSION_HIDDEN:
        strbuf_add_str(out, _("on the machine itself"));
        break;
    }
    if (row->last_seen != 0)
        strbuf_printf(out, _("; last seen %s"), clock_format_date(date, row->last_seen));
}

static const char *outcome_text(const struct simulate_side *side)
{
    switch (side->outcome) {
    case SIMULATE_ALLOWED:
        return _("gets in");
    case SIMULATE_REFUSED:
        return _("is refused");
    case SIMULATE_UNSURE:
        break;
    }
    return _("cannot be told");
}

/* when: "now:" */
static void add_side(const char *when, const struct simulate_side *side, const char *why,
                     struct strbuf *out)
{
    strbuf_printf(out, "%s %s", when, outcome_text(side));
    if (side->line != 0)
        strbuf_printf(out, _(" by line %d, %s"), side->line, side->method);
    else
        strbuf_add_str(out, _(": no line fits"));
    if (why[0] != '\0')
        strbuf_printf(out, ": %s", why);
}

/* Runs of blanks are columns in the file; here they would only wrap the line. */
static void add_squeezed(struct strbuf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text != ' ' || (out->len > 0 && out->data[out->len - 1] != ' '))
            strbuf_add_char(out, *text);
    }
}

static void add_walk(const struct simulate_page *self, const struct simulate_row *row,
                     const struct hba *hba, const struct simulate_side *side, struct strbuf *out)
{
    struct simulate_walk walk;

    simulate_walk(&self->found->who, row, hba, &walk);
    for (size_t i = 0; i < walk.n; i++) {
        const struct simulate_step *step = &walk.steps[i];

        strbuf_printf(out, "%s %3d  ", step->fit == HBA_FIT_NO ? "    " : "  ->", step->line);
        add_squeezed(out, step->text);
        if (step->why[0] != '\0')
            strbuf_printf(out, "  (%s)", step->why);
        strbuf_add_char(out, '\n');
    }
    if (side->line == 0)
        strbuf_add_str(out, _("  ->  the end: no line fits, so it is refused\n"));
    simulate_walk_clear(&walk);
}

static struct nav show_walk(const struct simulate_page *self)
{
    const struct simulate_row *row = here(self);
    const struct simulation *simulation = &self->found->simulation;
    struct strbuf text = STRBUF_INIT;
    struct screen *page;

    if (row == NULL)
        return nav_stay();
    add_who(row, &text);
    strbuf_add_str(&text, "\n\n");
    add_side(_("By the rules as they are it"), &row->now, self->found->changes ? "" : row->why,
             &text);
    strbuf_add_str(&text, ".\n\n");
    add_walk(self, row, &simulation->present, &row->now, &text);
    if (self->found->changes) {
        strbuf_add_char(&text, '\n');
        add_side(_("By the new rules it"), &row->then, row->why, &text);
        strbuf_add_str(&text, ".\n\n");
        add_walk(self, row, &simulation->wanted, &row->then, &text);
    }
    page =
        page_text(_("Who gets in"), _("Home > Who gets in > the walk through the file"), text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

/* ---- events ---- */

static struct job *start(void *page, struct secret *password)
{
    struct simulate_page *self = page;

    return simulate_job_start(self->app, self, self->draft, password);
}

static bool ended(void *page, struct job *job)
{
    struct simulate_page *self = page;

    simulate_job_free(self->found);
    self->found = job_take(job);
    if (self->found->ok)
        sort_rows(self);
    return !self->found->ok && self->found->wants_password;
}

static bool key(void *page, uint32_t code, struct nav *ret)
{
    if (code != KEY_CODE_ENTER)
        return false;
    *ret = show_walk(page);
    return true;
}

static const struct look_ops look_ops = {start, ended, key};

static struct nav simulate_event(void *arg, const struct event *event)
{
    struct simulate_page *self = arg;

    if (event->type == EVENT_SHOWN && self->found == NULL)
        look_start(&self->look, NULL);
    return look_event(&self->look, event);
}

/* ---- drawing ---- */

static void draw_summary(const struct simulate_page *self, struct canvas *body)
{
    const struct simulation *simulation = &self->found->simulation;
    size_t refused = simulation->n_refused, seen = simulation->n_seen_refused;
    enum mark mark = refused > 0                                           ? MARK_BAD
                     : seen + simulation->n_unsure + simulation->n_already ? MARK_WARN
                                                                           : MARK_OK;
    int at = canvas_mark(body, 0, 2, mark) + 1, width = canvas_columns(body) - at - 2;
    char text[300];

    if (self->draft != NULL && !self->found->changes)
        snprintf(text, sizeof(text), "%s", _("These rules are there already."));
    else if (mark == MARK_OK)
        snprintf(text, sizeof(text), "%s", _("Nobody would be refused."));
    else
        snprintf(text, sizeof(text),
                 _("Refused: %zu connected now, %zu seen before. Refused already: %zu. Cannot be "
                   "told: %zu."),
                 refused, seen, simulation->n_already, simulation->n_unsure);
    canvas_wrap(body, 0, at, width, 2, STYLE_STRONG, text);
}

static void draw_sheet(const struct simulate_page *self, struct canvas *body, int row)
{
    const struct simulate_row *at = here(self);
    int width = canvas_columns(body) - 4, end = row + SHEET_ROWS;
    struct strbuf text = STRBUF_INIT;

    if (at == NULL)
        return;
    add_who(at, &text);
    canvas_field(body, row++, 2, width, STYLE_STRONG, text.data);
    strbuf_reset(&text);
    add_side(_("now:"), &at->now, self->found->changes ? "" : at->why, &text);
    row += canvas_wrap(body, row, 2, width, end - row, STYLE_NORMAL, text.data);
    if (self->found->changes) {
        strbuf_reset(&text);
        add_side(_("then:"), &at->then, at->why, &text);
        canvas_wrap(body, row, 2, width, end - row, STYLE_NORMAL, text.data);
    }
    strbuf_clear(&text);
}

static void simulate_draw(const void *arg, struct canvas *body)
{
    const struct simulate_page *self = arg;
    int rows = canvas_rows(body);

    if (look_draws(&self->look, body))
        return;
    if (self->found == NULL) {
        canvas_printf(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                      _("reading sessions, roles and rules of %s ..."), app_server(self->app));
    } else if (!self->found->ok) {
        (void)error_view_draw(&self->found->err, body, 0, rows);
    } else {
        int sheet = 2 + table_sheet_at(self->look.table, rows - 2, SHEET_ROWS);

        draw_summary(self, body);
        table_draw(self->look.table, body, 2, sheet - 3, true);
        draw_sheet(self, body, sheet);
    }
}

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 70},
    {N_("Enter"), N_("The walk"), N_("line by line through pg_hba.conf, now and then"), 90},
    {"/", N_("Filter"), N_("show only rows with this text; Esc clears it"), 40},
    {"F5", N_("Refresh"), N_("look again"), 50},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static const struct binding error_keys[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 70},
    {"F5", N_("Refresh"), N_("look again"), 90},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static void simulate_frame(const void *arg, struct frame *ret)
{
    const struct simulate_page *self = arg;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Who gets in"));
    snprintf(ret->right, sizeof(ret->right), _("server: %.60s"), app_server(self->app));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Who gets in"));
    ret->word = "pg_hba.conf";
    if (look_frames(&self->look, ret))
        return;
    ret->bindings = self->found == NULL || self->found->ok ? bindings : error_keys;
    ret->why = _("PostgreSQL reads pg_hba.conf from the top and takes the FIRST line that fits. "
                 "Sessions stay open whatever the rules say: this is about their next login.");
    ret->help =
        _("[xx] gets in now, and would be refused.  [!!] cannot be told from here.  [--] would be "
          "refused by the present rules too.  [ok] gets in.\nA date instead of a number: not "
          "connected now, but seen by the live panel. \"none now\": a role that the new rules are "
          "for. Certificates are judged by their names; dates and CRLs are the check's part.");
    if (self->look.job != NULL) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s", _("Looking."));
    } else if (self->found != NULL && self->found->ok && self->found->simulation.hidden > 0) {
        ret->message_mark = MARK_WARN;
        snprintf(ret->message, sizeof(ret->message),
                 _("%d sessions are hidden from your role: not judged."),
                 self->found->simulation.hidden);
    } else if (self->found != NULL && !self->found->ok) {
        snprintf(ret->message, sizeof(ret->message), "%s", _("F5 looks again, Esc goes back."));
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Nothing was changed, nothing was tried. Enter shows the walk."));
    }
}

static void simulate_commands(const void *arg, struct strbuf *out)
{
    const struct simulate_page *self = arg;

    strbuf_printf(out, "pgseal server simulate %s", app_server(self->app));
    if (self->draft != NULL && !self->draft->remove) { /* no flag takes rules away on paper */
        strbuf_add_str(out, " --require");
        require_options(self->draft, out);
    }
    strbuf_add_str(out, _("\n\n# who is connected how, and the rules, by hand\n"));
    by_hand_admin(out, self->app);
    strbuf_add_str(out,
                   " -c 'SELECT a.pid, a.usename, a.datname, a.client_addr, s.ssl, "
                   "s.client_dn\n    FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)'\n");
    by_hand_admin(out, self->app);
    strbuf_add_str(out, " -c 'SELECT line_number, type, database, user_name, address, "
                        "auth_method,\n    options FROM pg_hba_file_rules'\n");
}

static void simulate_free(void *arg)
{
    struct simulate_page *self = arg;

    look_clear(&self->look);
    simulate_job_free(self->found);
    if (self->draft != NULL)
        require_data_free(self->draft);
    free(self->order);
    free(self);
}

static const struct screen_ops simulate_ops = {
    .name = "simulate",
    .event = simulate_event,
    .draw = simulate_draw,
    .frame = simulate_frame,
    .commands = simulate_commands,
    .free = simulate_free,
};

struct screen *page_simulate(struct app *app, struct require_data *draft)
{
    struct simulate_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->draft = draft;
    look_init(&self->look, app, self, &look_ops,
              table_new(columns, ARRAY_LEN(columns), &rows_ops, self));
    return screen_new(&simulate_ops, self);
}
