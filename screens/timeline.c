/*
 * timeline.c - what ends when: a picture by kind, and a list, the worst first, from which the page opens
 *              that mends it.
 *
 * Picture  a row for each kind and a column for each stretch of time; in it how many end there. In the
 *          list, a bar from now to the end, on a scale that + and - change.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "screens/timeline_job.h"
#include "tui/table.h"

#define BAR_MAX    200
#define LANES_ROWS 14 /* a body lower than this has the list only */
#define LANE_LABEL 14
#define LANE_WIDTH 8

enum column { COLUMN_MARK, COLUMN_KIND, COLUMN_NAME, COLUMN_ENDS, COLUMN_LEFT, COLUMN_BAR };

struct timeline_look { /* what drawing knows and cells need */
    bool unicode;
    int bar;
};

struct timeline {
    struct app *app;
    struct table *table;
    struct timeline_job *data; /* NULL: not read yet */
    struct job *job;
    struct timeline_look *look;
    int kind;     /* enum timeline_kind; -1: all */
    size_t *seen; /* rows of this kind */
    size_t n_seen;
    size_t scale;
};

static const struct table_column columns[] = {
    [COLUMN_MARK] = {.title = "", .width = 4, .keep = 100},
    [COLUMN_KIND] = {.title = N_("WHAT"), .width = 12, .keep = 90},
    [COLUMN_NAME] = {.title = N_("NAME"), .width = 16, .keep = 95},
    [COLUMN_ENDS] = {.title = N_("ENDS"), .width = 10, .keep = 70},
    [COLUMN_LEFT] = {.title = N_("LEFT"), .width = 7, .keep = 80, .right = true},
    [COLUMN_BAR] = {.title = N_("FROM NOW ON"), .width = 16, .keep = 60, .grow = true},
};

static const char *const kinds[] = {
    [TIMELINE_CLIENT] = N_("client"),
    [TIMELINE_SERVER] = N_("server"),
    [TIMELINE_CRL] = N_("CRL"),
    [TIMELINE_CA] = N_("CA"),
    [TIMELINE_FOREIGN] = N_("other's CRL"),
};
static const char *const lanes[] = {
    [TIMELINE_CLIENT] = N_("clients"),
    [TIMELINE_SERVER] = N_("servers"),
    [TIMELINE_CRL] = N_("CRLs"),
    [TIMELINE_CA] = N_("CAs"),
    [TIMELINE_FOREIGN] = N_("others' CRLs"),
};

/* Stretches of time: days from now at which each ends. */
static const struct {
    const char *title;
    int64_t days;
} stretches[] = {
    {N_("ended"), 0},   {N_("< 7 d"), 7},   {N_("< 30 d"), 30},
    {N_("< 90 d"), 90}, {N_("< 1 y"), 365}, {N_("later"), INT32_MAX},
};

static const struct {
    const char *text;
    int64_t days;
} scales[] = {{N_("30 days"), 30},
              {N_("90 days"), 90},
              {N_("1 year"), 365},
              {N_("3 years"), 1096},
              {N_("10 years"), 3653}};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as a command"), 50},
    {N_("Enter"), N_("Mend"), N_("the page that makes a new one"), 90},
    {"f", N_("Kind"), N_("only clients, servers, CRLs, CAs; all"), 80},
    {"+/-", N_("Scale"), N_("more or less time in the bars"), 70},
    {"/", N_("Find"), N_("a part of any column; Esc clears it"), 60},
    {"F5", N_("Refresh"), N_("read the store again"), 0},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* ---- rows ---- */

static const struct timeline_row *row_at(const struct timeline *self, size_t row)
{
    return &self->data->rows[self->seen[row]];
}

static size_t rows_count(const void *arg)
{
    const struct timeline *self = arg;

    return self->n_seen;
}

static void left_text(int64_t left, struct strbuf *out)
{
    int64_t days = left / CLOCK_DAY;

    if (left <= 0)
        strbuf_add_str(out, _("ended"));
    else if (left < CLOCK_DAY)
        strbuf_printf(out, _("%lld h"), (long long)(left / 3600));
    else if (days < 730)
        strbuf_printf(out, _("%lld d"), (long long)days);
    else
        strbuf_printf(out, _("%lld y"), (long long)(days / 365));
}

/* "======|", "=======>" where it ends beyond the scale, "!" where it has ended. */
static void bar_text(const struct timeline *self, const struct timeline_row *row,
                     struct strbuf *out)
{
    int64_t left = row->ends_at - self->data->now;
    int64_t all = scales[self->scale].days * CLOCK_DAY;
    int width = self->look->bar < BAR_MAX ? self->look->bar : BAR_MAX;
    int at = (int)(left * width / all);
    const char *line = self->look->unicode ? "\xe2\x94\x80" : "=";

    if (width < 2)
        return;
    if (left <= 0) {
        strbuf_add_str(out, "!");
        return;
    }
    for (int i = 0; i < (left >= all ? width - 1 : at); i++)
        strbuf_add_str(out, line);
    if (left >= all)
        strbuf_add_str(out, self->look->unicode ? "\xe2\x96\xb8" : ">");
    else
        strbuf_add_str(out, self->look->unicode ? "\xe2\x94\xa4" : "|");
}

static void rows_cell(const void *arg, size_t i, size_t column, struct strbuf *out)
{
    const struct timeline *self = arg;
    const struct timeline_row *row = row_at(self, i);
    char date[CLOCK_TEXT_MAX];

    switch ((enum column)column) {
    case COLUMN_MARK:
        strbuf_add_str(out, mark_text(row->mark));
        break;
    case COLUMN_KIND:
        strbuf_add_str(out, gettext(kinds[row->kind]));
        break;
    case COLUMN_NAME:
        strbuf_add_str(out, row->name);
        break;
    case COLUMN_ENDS:
        strbuf_add_str(out, clock_format_date(date, row->ends_at));
        break;
    case COLUMN_LEFT:
        left_text(row->ends_at - self->data->now, out);
        break;
    case COLUMN_BAR:
        if (row->followed)
            strbuf_add_str(out, _("has a later one"));
        else
            bar_text(self, row, out);
        break;
    }
}

static uint64_t rows_key(const void *arg, size_t i)
{
    const struct timeline_row *row = row_at(arg, i);
    uint64_t hash = UINT64_C(14695981039346656037) + row->kind;

    for (const char *at = row->which; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    return hash;
}

static enum style rows_style(const void *arg, size_t i, size_t column)
{
    return column == COLUMN_MARK || column == COLUMN_BAR ? mark_style(row_at(arg, i)->mark)
                                                         : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

static void arrange(struct timeline *self)
{
    free(self->seen);
    self->seen = mem_array(self->data->n + 1, sizeof(self->seen[0]));
    self->n_seen = 0;
    for (size_t i = 0; i < self->data->n; i++) {
        if (self->kind < 0 || (int)self->data->rows[i].kind == self->kind)
            self->seen[self->n_seen++] = i;
    }
    table_refresh(self->table);
}

/* ---- events ---- */

static struct nav mend(struct timeline *self)
{
    const struct timeline_row *row;

    if (self->data == NULL || !table_has_row(self->table))
        return nav_stay();
    row = row_at(self, table_row(self->table));
    switch (row->kind) {
    case TIMELINE_CLIENT:
    case TIMELINE_SERVER:
        return nav_push(row->followed ? page_cert(self->app, row->which)
                                      : page_renew(self->app, row->which));
    case TIMELINE_CA:
        return nav_push(page_ca_renew(self->app, row->which));
    case TIMELINE_CRL:
        return nav_push(page_crl_sign(self->app, row->which));
    case TIMELINE_FOREIGN:
        return nav_push(page_crl_import(self->app));
    case TIMELINE_KINDS:
        break;
    }
    return nav_stay();
}

static struct nav key_event(struct timeline *self, uint32_t key)
{
    if (table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    switch (key) {
    case 'q':
        return nav_quit();
    case KEY_CODE_F5:
    case 'r':
        if (self->job == NULL)
            self->job = timeline_job_start(self->app, self);
        return nav_stay();
    case 'f':
        self->kind = self->kind + 1 == TIMELINE_KINDS ? -1 : self->kind + 1;
        if (self->data != NULL)
            arrange(self);
        return nav_stay();
    case '+':
        self->scale += self->scale + 1 < ARRAY_LEN(scales);
        return nav_stay();
    case '-':
        self->scale -= self->scale > 0;
        return nav_stay();
    case KEY_CODE_ESC:
        if (table_filter(self->table)[0] == '\0')
            return nav_pop();
        table_set_filter(self->table, "");
        return nav_stay();
    }
    return table_key(self->table, key) == TABLE_CHOSEN ? mend(self) : nav_stay();
}

static struct nav timeline_event(void *arg, const struct event *event)
{
    struct timeline *self = arg;

    if (event->type == EVENT_SHOWN && self->job == NULL) {
        self->job = timeline_job_start(self->app, self);
    } else if (event->type == EVENT_JOB && event->job == self->job) {
        timeline_job_free(self->data);
        self->data = job_take(self->job);
        self->job = NULL;
        arrange(self);
    } else if (event->type == EVENT_PASTE) {
        table_paste(self->table, event->paste, event->paste_len);
    } else if (event->type == EVENT_KEY) {
        return key_event(self, event->key);
    }
    return nav_stay();
}

/* ---- drawing ---- */

static size_t stretch_of(const struct timeline_job *data, const struct timeline_row *row)
{
    int64_t left = row->ends_at - data->now;
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(stretches) &&
           (i == 0 ? left > 0 : left >= stretches[i].days * CLOCK_DAY))
        i++;
    return i;
}

/* A count, with the worst mark of those in it. */
static void draw_count(const struct timeline *self, struct canvas *body, int row, int column,
                       int kind, size_t stretch)
{
    const struct timeline_job *data = self->data;
    enum mark worst = MARK_OFF;
    size_t n = 0;

    for (size_t i = 0; i < data->n; i++) {
        const struct timeline_row *one = &data->rows[i];

        if ((int)one->kind != kind || one->followed || stretch_of(data, one) != stretch)
            continue;
        if (n++ == 0) /* the worst stands first */
            worst = one->mark;
    }
    if (n > 0)
        canvas_printf(body, row, column, mark_style(worst), "%*zu", LANE_WIDTH - 2, n);
    else
        canvas_printf(body, row, column, STYLE_NORMAL, "%*s", LANE_WIDTH - 2, ".");
}

static int draw_lanes(const struct timeline *self, struct canvas *body)
{
    int row = 0;

    for (size_t s = 0; s < ARRAY_LEN(stretches); s++)
        canvas_right(body, row, LANE_LABEL + (int)s * LANE_WIDTH + LANE_WIDTH - 2, STYLE_LABEL,
                     gettext(stretches[s].title));
    row++;
    for (int kind = 0; kind < TIMELINE_KINDS; kind++) {
        canvas_text(body, row, 2, self->kind == kind ? STYLE_STRONG : STYLE_LABEL,
                    gettext(lanes[kind]));
        for (size_t s = 0; s < ARRAY_LEN(stretches); s++)
            draw_count(self, body, row, LANE_LABEL + (int)s * LANE_WIDTH, kind, s);
        row++;
    }
    return row + 1;
}

static void timeline_draw(const void *arg, struct canvas *body)
{
    const struct timeline *self = arg;
    int rows = canvas_rows(body), row = 0, fixed = 3 + 2 * (int)COLUMN_BAR;

    if (error_view_instead(self->data != NULL ? &self->data->err : NULL, _("reading the store"),
                           body))
        return;
    if (self->data->n == 0) {
        canvas_text(body, 0, 2, STYLE_NORMAL, _("Nothing ends: the store has no CA yet."));
        return;
    }
    if (rows >= LANES_ROWS)
        row = draw_lanes(self, body);
    for (size_t i = 0; i < COLUMN_BAR; i++)
        fixed += columns[i].width;
    self->look->unicode = canvas_theme(body)->unicode;
    self->look->bar = canvas_columns(body) - fixed;
    table_draw(self->table, body, row, rows - row, true);
}

static void timeline_frame(const void *arg, struct frame *ret)
{
    const struct timeline *self = arg;
    size_t bad = 0, soon = 0;

    snprintf(ret->title, sizeof(ret->title), "%s", _("What ends when"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), _("Home > What ends when%s%s"),
             self->kind >= 0 ? ": " : "", self->kind >= 0 ? gettext(lanes[self->kind]) : "");
    snprintf(ret->path_right, sizeof(ret->path_right), _("bars: %s"),
             gettext(scales[self->scale].text));
    ret->bindings = bindings;
    ret->word = "expiry";
    ret->text_focus = table_takes_text(self->table);
    ret->why = _("A client certificate that ends locks out its role; a server's, all who check it; "
                 "a CRL that ends locks out EVERY client of its CA; a CA that ends, all of it. "
                 "None of them warns anybody but you.");
    ret->help = _("[xx] has ended.  [!!] ends within 30 days (a CA: within a year).  [--] has a "
                  "later one for the same role: nothing is to be done. A pre-signed set of CRLs "
                  "ends with its last list.");
    for (size_t i = 0; self->data != NULL && i < self->data->n; i++) {
        bad += self->data->rows[i].mark == MARK_BAD;
        soon += self->data->rows[i].mark == MARK_WARN;
    }
    if (self->data == NULL)
        return;
    ret->message_mark = bad > 0 ? MARK_BAD : soon > 0 ? MARK_WARN : MARK_OK;
    if (bad + soon == 0)
        snprintf(ret->message, sizeof(ret->message), "%s", _("Nothing ends soon."));
    else
        snprintf(ret->message, sizeof(ret->message),
                 _("%zu ended, %zu end soon.  Enter opens the page that mends the line."), bad,
                 soon);
    if (self->data->left_off > 0)
        snprintf(ret->message, sizeof(ret->message),
                 _("%zu ended, %zu end soon; %lld certificates that end later are not counted."),
                 bad, soon, (long long)self->data->left_off);
    if (self->data->err.code != ERR_NONE) {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)self->data->err.code);
    }
}

static void timeline_commands(const void *arg, struct strbuf *out)
{
    (void)arg;
    strbuf_add_str(out, _("# what ends, by certificate\n"));
    strbuf_add_str(out, "pgseal list --sort ends\npgseal list --within 30\n");
    strbuf_add_str(out, _("\n# CAs and their lists\n"));
    strbuf_add_str(out, "pgseal ca list\n");
    strbuf_add_str(out, _("\n# all of it, with the servers asked; for a monitor: --nagios\n"));
    strbuf_add_str(out, "pgseal check\n");
}

static void timeline_free(void *arg)
{
    struct timeline *self = arg;

    timeline_job_free(self->data);
    table_free(self->table);
    free(self->seen);
    free(self->look);
    free(self);
}

static const struct screen_ops timeline_ops = {
    .name = "timeline",
    .event = timeline_event,
    .draw = timeline_draw,
    .frame = timeline_frame,
    .commands = timeline_commands,
    .free = timeline_free,
};

struct screen *page_timeline(struct app *app)
{
    struct timeline *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->kind = -1;
    self->scale = 2;
    self->look = mem_zalloc(sizeof(*self->look));
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    return screen_new(&timeline_ops, self);
}
