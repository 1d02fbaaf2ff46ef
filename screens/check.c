/* check.c - what is wrong with the chosen server or will be; each finding leads to the page that mends
 * it. Nothing is changed by looking. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/by_hand.h"
#include "screens/check_job.h"
#include "screens/error_view.h"
#include "screens/look.h"
#include "screens/pages.h"
#include "tui/utf8.h"

#define SHEET_ROWS     6
#define FINDING_COLUMN 18 /* of the list */

enum column { COLUMN_MARK, COLUMN_CODE, COLUMN_WHAT };

struct check {
    struct app *app;
    struct check_job *found; /* NULL: not yet */
    struct look look;
    char message[160];
};

static const struct table_column columns[] = {
    [COLUMN_MARK] = {.title = "", .width = 4, .keep = 100},
    [COLUMN_CODE] = {.title = N_("CODE"), .width = 7, .keep = 40},
    [COLUMN_WHAT] = {.title = N_("FINDING"), .width = 40, .keep = 90, .grow = true},
};

/* ---- rows ---- */

static const struct findings *findings_of(const struct check *self)
{
    return &self->found->check.findings;
}

static size_t rows_count(const void *arg)
{
    const struct check *self = arg;

    return self->found != NULL && self->found->ok ? findings_of(self)->n : 0;
}

static enum mark severity_mark(enum finding_severity severity)
{
    switch (severity) {
    case FINDING_ERROR:
        return MARK_BAD;
    case FINDING_WARNING:
        return MARK_WARN;
    case FINDING_INFO:
        break;
    }
    return MARK_OFF;
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct check *self = arg;
    const struct finding *finding = &findings_of(self)->rows[row];

    switch ((enum column)column) {
    case COLUMN_MARK:
        strbuf_add_str(out, mark_text(severity_mark(finding->severity)));
        break;
    case COLUMN_CODE:
        strbuf_printf(out, "PS-%d", (int)finding->code);
        break;
    case COLUMN_WHAT:
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
    const struct check *self = arg;

    if (column != COLUMN_MARK)
        return STYLE_NORMAL;
    return mark_style(severity_mark(findings_of(self)->rows[row].severity));
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

static const struct finding *here(const struct check *self)
{
    if (rows_count(self) == 0 || !table_has_row(self->look.table))
        return NULL;
    return &findings_of(self)->rows[table_row(self->look.table)];
}

/* ---- the job ---- */

static struct job *start(void *page, struct secret *password)
{
    struct check *self = page;

    return check_job_start(self->app, self, password);
}

static bool ended(void *page, struct job *job)
{
    struct check *self = page;

    check_job_free(self->found);
    self->found = job_take(job);
    return !self->found->ok && self->found->wants_password;
}

/* ---- mending ---- */

static struct nav mend(struct check *self)
{
    const struct finding *finding = here(self);

    if (finding == NULL)
        return nav_stay();
    switch (finding->act) {
    case ACT_SERVER_TLS:
        return nav_push(page_server_tls(self->app));
    case ACT_TRUST:
    case ACT_UNTRUST:
        return nav_push(page_trust(self->app));
    case ACT_ROTATE:
        return nav_push(page_rotate(self->app));
    case ACT_CRL:
        return nav_push(page_publish_crl(self->app));
    case ACT_REQUIRE:
        return nav_push(page_require(self->app));
    case ACT_ISSUE:
        return nav_push(page_new_client(self->app));
    case ACT_NONE:
    case ACT_CRL_REFRESH:
    case ACT_ROLE:
    case ACT_RELOAD:
    case ACT_RESTART:
        break;
    }
    snprintf(self->message, sizeof(self->message), "%s",
             _("No page mends this: the lines below say what to do."));
    return nav_stay();
}

static struct nav details(const struct check *self)
{
    const struct finding *finding = here(self);
    struct strbuf text = STRBUF_INIT;
    struct screen *page;

    if (finding == NULL)
        return nav_stay();
    strbuf_printf(&text, "%s PS-%d  %s\n%s\n\n%s\n\n%s\n\n",
                  mark_text(severity_mark(finding->severity)), (int)finding->code, finding->object,
                  finding->message, finding->cause, finding->fix);
    strbuf_printf(&text, _("More about it: pgseal explain PS-%d\n"), (int)finding->code);
    page = page_text(_("Check a server"), _("Home > Check > finding"), text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

/* ---- events ---- */

static bool key(void *page, uint32_t code, struct nav *ret)
{
    struct check *self = page;

    self->message[0] = '\0';
    switch (code) {
    case KEY_CODE_ENTER:
        *ret = details(self);
        return true;
    case 'f':
    case KEY_CODE_F4:
        *ret = mend(self);
        return true;
    }
    return false;
}

static const struct look_ops look_ops = {start, ended, key};

static struct nav check_event(void *arg, const struct event *event)
{
    struct check *self = arg;

    if (event->type != EVENT_SHOWN)
        return look_event(&self->look, event);
    (void)app_take_done(self->app); /* something was mended: looked at anew */
    look_start(&self->look, NULL);
    return nav_stay();
}

/* ---- drawing ---- */

static void draw_summary(const struct check *self, struct canvas *body)
{
    const struct server_check *check = &self->found->check;
    size_t errors = findings_count(&check->findings, FINDING_ERROR);
    size_t warnings = findings_count(&check->findings, FINDING_WARNING);
    enum mark mark = errors > 0 ? MARK_BAD : warnings > 0 ? MARK_WARN : MARK_OK;
    int at = canvas_mark(body, 0, 2, mark) + 1;

    at = canvas_printf(body, 0, at, STYLE_STRONG, _("%zu wrong, %zu to look at"), errors, warnings);
    if (check->restart_fails)
        canvas_text(body, 0, at + 2, STYLE_BAD, _("the next restart of the server would fail"));
    else
        canvas_printf(body, 0, at + 2, STYLE_NORMAL, _("%s; CAs: %zu; rules for certificates: %zu"),
                      check->tls == SERVER_TLS_ON ? check->tls_version : _("no TLS"), check->n_cas,
                      check->n_cert_rules);
}

static void draw_sheet(const struct check *self, struct canvas *body, int row)
{
    const struct finding *finding = here(self);
    int width = canvas_columns(body) - 4, end = row + SHEET_ROWS;
    char *line;

    if (finding == NULL)
        return;
    line = mem_printf("%s: %s", finding->object, finding->message);
    if (utf8_columns(line) > canvas_columns(body) - FINDING_COLUMN) /* it is cut in the list */
        row += canvas_wrap(body, row, 2, width, 2, STYLE_NORMAL, line);
    free(line);
    row += canvas_wrap(body, row, 2, width, 2, STYLE_NORMAL, finding->cause);
    canvas_wrap(body, row, 2, width, end - row, STYLE_STRONG, finding->fix);
}

static void check_draw(const void *arg, struct canvas *body)
{
    const struct check *self = arg;
    int rows = canvas_rows(body);

    if (look_draws(&self->look, body))
        return;
    if (self->found == NULL) {
        int at = canvas_mark(body, 0, 2, MARK_BUSY) + 1;

        canvas_printf(body, 0, at, STYLE_NORMAL,
                      _("looking at %s: settings, files, rules, the wire ..."),
                      app_server(self->app));
    } else if (!self->found->ok) {
        (void)error_view_draw(&self->found->err, body, 0, rows);
    } else {
        int sheet = 2 + table_sheet_at(self->look.table, rows - 2, SHEET_ROWS);

        draw_summary(self, body);
        if (rows_count(self) == 0)
            canvas_wrap(body, 2, 2, canvas_columns(body) - 4, 3, STYLE_NORMAL,
                        self->found->check.n_cas > 0 && self->found->check.n_cert_rules == 0
                            ? _("Nothing is wrong. But no rule asks for a certificate: whoever "
                                "has none gets in as before. Home, Require certificates.")
                        : self->found->n_members > 1
                            ? _("Nothing is wrong, and the members of its cluster are alike.")
                            : _("Nothing is wrong."));
        else
            table_draw(self->look.table, body, 2, sheet - 3, true);
        draw_sheet(self, body, sheet);
    }
}

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 60},
    {N_("Enter"), N_("Details"), N_("all that is known about this finding"), 80},
    {"f", N_("Fix..."), N_("open the page that mends it (also F4); nothing is changed yet"), 85},
    {"/", N_("Filter"), N_("show only rows with this text; Esc clears it"), 30},
    {"F5", N_("Refresh"), N_("look again"), 50},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static void check_frame(const void *arg, struct frame *ret)
{
    const struct check *self = arg;
    const struct finding *finding = here(self);

    snprintf(ret->title, sizeof(ret->title), "%s", _("Check a server"));
    snprintf(ret->right, sizeof(ret->right), _("server: %.60s"), app_server(self->app));
    snprintf(ret->path, sizeof(ret->path), _("Home > %s"), _("Check"));
    ret->word = "TLS/SSL";
    if (look_frames(&self->look, ret))
        return;
    if (self->found != NULL && self->found->ok)
        snprintf(ret->path_right, sizeof(ret->path_right), _("%lld ms"),
                 (long long)self->found->check.took_ms);
    ret->bindings = bindings;
    ret->why = _("Settings and where they come from, the files as the server reads them, dates, "
                 "lists, rules, and what the wire shows. Nothing is changed by looking.");
    ret->help = _("[xx] somebody is locked out or let in wrongly, or the next restart fails.  [!!] "
                  "it will be so, or protects less than it seems to.  [--] worth knowing.");
    if (self->message[0] != '\0') {
        ret->message_mark = MARK_OFF;
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else if (self->look.job != NULL) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s", _("Looking."));
    } else if (finding != NULL && finding->act != ACT_NONE) {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("f opens the page that mends it. Enter shows all about it."));
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s", _("Nothing was changed."));
    }
}

static void check_commands(const void *arg, struct strbuf *out)
{
    const struct check *self = arg;

    strbuf_printf(out, "pgseal server check %s\npgseal server probe %s\n", app_server(self->app),
                  app_server(self->app));
    if (self->found != NULL && self->found->n_members > 1)
        strbuf_add_str(out, _("# with the cluster's name: all members, and side by side\n"));
    strbuf_add_str(out, _("\n# some of what it looks at, by hand\n"));
    by_hand_admin(out, self->app);
    strbuf_add_str(out, " -c \"SELECT name, setting, source, sourcefile FROM pg_settings "
                        "WHERE name LIKE 'ssl%'\"\n");
    by_hand_admin(out, self->app);
    strbuf_add_str(out, " -c 'SELECT * FROM pg_hba_file_rules WHERE error IS NOT NULL OR type "
                        "IS NULL'\n");
}

static void check_free(void *arg)
{
    struct check *self = arg;

    look_clear(&self->look);
    check_job_free(self->found);
    free(self);
}

static const struct screen_ops check_ops = {
    .name = "check",
    .event = check_event,
    .draw = check_draw,
    .frame = check_frame,
    .commands = check_commands,
    .free = check_free,
};

struct screen *page_check(struct app *app)
{
    struct check *self = mem_zalloc(sizeof(*self));

    self->app = app;
    look_init(&self->look, app, self, &look_ops,
              table_new(columns, ARRAY_LEN(columns), &rows_ops, self));
    return screen_new(&check_ops, self);
}
