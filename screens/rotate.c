/*
 * rotate.c - renew and rotate: CAs, their lists and certificates by their end, the worst first; each line
 *            leads to the act that renews it, several marked ones to one act for all.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/error_view.h"
#include "screens/pages.h"
#include "screens/rotate_pages.h"
#include "screens/rotate_rows.h"
#include "screens/rotation_job.h"

#define BELOW_ROWS 4 /* what r does with the line, below the list */

struct rotate {
    struct app *app;
    struct table *table;
    struct rotate_rows rows;
    struct job *job;
    char message[160];
};

/* What r does with a line of this kind. */
static const char *const ways[] = {
    [TIMELINE_CLIENT] =
        N_("r makes a new certificate beside it, for this role or for all that end soon: both work "
           "until the old one is revoked or ends. Nobody is locked out."),
    [TIMELINE_SERVER] =
        N_("r makes a new certificate with the same names and installs it where pgseal reaches the "
           "server: a reload, no restart, and a proof on the wire."),
    [TIMELINE_CRL] =
        N_("r signs the next list and brings it to the servers. When a list ends, PostgreSQL "
           "refuses EVERY client of its CA: of all lines this one locks out the most."),
    [TIMELINE_CA] =
        N_("r asks how: where only the date is the trouble, the same key with a later end; else "
           "another CA beside it, until the last client has moved; or its key is stolen."),
    [TIMELINE_FOREIGN] =
        N_("Another CA's list: r takes in the next one, which its owner signs. When it ends, every "
           "client of that CA is refused. o moves its clients to another CA."),
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {"r", N_("Renew..."), N_("the line, or all that are marked; asks first"), 90},
    {"Space", N_("Mark"), N_("the line, for one renewal of several"), 75},
    {N_("Enter"), N_("Open"), N_("all about the line; a rotation: its steps"), 80},
    {"n", N_("Next step"), N_("of the rotation on the line: opens it"), 45},
    {"o", N_("Another's CA..."), N_("its clients move to another CA; by paste or file"), 40},
    {"/", N_("Find"), N_("a part of any column; Esc clears it"), 60},
    {"u", N_("Unmark"), N_("all lines"), 0},
    {"F5", N_("Refresh"), N_("read the store again"), 0},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static const struct rotate_row *at_cursor(const struct rotate *self)
{
    return self->rows.data != NULL && table_has_row(self->table)
               ? &self->rows.data->rows[table_row(self->table)]
               : NULL;
}

/* ---- acts ---- */

static void say(struct rotate *self, const char *text)
{
    snprintf(self->message, sizeof(self->message), "%s", text);
}

/* Why a line cannot be renewed; NULL: it can. */
static const char *why_not(const struct timeline_row *row)
{
    if (row->revoked)
        return _("It is revoked: make a new one (Home, Create a client certificate).");
    if (row->followed)
        return _("It has a later one already: nothing is to be done.");
    return NULL;
}

/* The first of the servers where it is in use. */
static struct screen *start_page(const struct rotate *self, enum rotate_from from,
                                 const struct rotate_row *row)
{
    char *server = mem_printf("%.*s", (int)strcspn(row->used_on, " "), row->used_on);
    struct screen *page =
        page_rotate_start(self->app, from, row->end->name, row->end->which, server);

    free(server);
    return page;
}

static struct nav renew_one(struct rotate *self, const struct rotate_row *at)
{
    const struct timeline_row *row = at->end;
    const char *why;

    if (row == NULL)
        return nav_push(page_rotation(self->app, at->rotation->id));
    why = why_not(row);
    if (why != NULL) {
        say(self, why);
        return nav_stay();
    }
    switch (row->kind) {
    case TIMELINE_CLIENT:
        return nav_push(start_page(self, ROTATE_FROM_CLIENT, at));
    case TIMELINE_SERVER:
        return nav_push(start_page(self, ROTATE_FROM_SERVER, at));
    case TIMELINE_CA:
        return nav_push(start_page(self, ROTATE_FROM_CA, at));
    case TIMELINE_CRL:
        return nav_push(page_crl_sign(self->app, row->which));
    case TIMELINE_FOREIGN:
        return nav_push(page_crl_import(self->app));
    case TIMELINE_KINDS:
        break;
    }
    return nav_stay();
}

static struct nav renew(struct rotate *self)
{
    const struct rotate_row *at = at_cursor(self);
    struct rotate_several *several;

    if (self->rows.n_marked == 0)
        return at != NULL ? renew_one(self, at) : nav_stay();
    several = rotate_several_new();
    for (size_t i = 0; i < self->rows.data->n; i++) {
        const struct timeline_row *row = self->rows.data->rows[i].end;

        if (row != NULL && rotate_rows_marked(&self->rows, i))
            rotate_several_add(several, row->kind == TIMELINE_CRL, row->name, row->which);
    }
    rotate_rows_unmark(&self->rows);
    return nav_push(page_rotate_several(self->app, several));
}

static struct nav sheet(struct rotate *self)
{
    const struct rotate_row *at = at_cursor(self);

    if (at == NULL)
        return nav_stay();
    if (at->end == NULL)
        return nav_push(page_rotation(self->app, at->rotation->id));
    switch (at->end->kind) {
    case TIMELINE_CLIENT:
    case TIMELINE_SERVER:
        return nav_push(page_cert(self->app, at->end->which));
    case TIMELINE_CA:
        return nav_push(page_authority(self->app, at->end->which));
    case TIMELINE_CRL:
    case TIMELINE_FOREIGN:
        return nav_push(page_crls(self->app));
    case TIMELINE_KINDS:
        break;
    }
    return nav_stay();
}

/* Of the line, where it is one; else it is asked for. */
static struct nav foreign(const struct rotate *self)
{
    const struct rotate_row *at = at_cursor(self);
    bool here = at != NULL && at->end != NULL && at->end->kind == TIMELINE_FOREIGN;

    return nav_push(page_rotate_start(self->app, ROTATE_FROM_FOREIGN,
                                      here ? at->end->name : _("another's"),
                                      here ? at->end->which : "", ""));
}

static bool on_rotation(const struct rotate *self)
{
    const struct rotate_row *at = at_cursor(self);

    return at != NULL && at->end == NULL;
}

static void toggle(struct rotate *self)
{
    const struct rotate_row *at = at_cursor(self);
    const char *why;
    bool marks;
    size_t i;

    if (at == NULL || at->end == NULL)
        return;
    i = table_row(self->table);
    why = why_not(at->end);
    if (at->end->kind == TIMELINE_CA || at->end->kind == TIMELINE_FOREIGN)
        why = _("This one is renewed alone: r.");
    if (why != NULL) {
        say(self, why);
        return;
    }
    marks = !rotate_rows_marked(&self->rows, i);
    if (!rotate_rows_toggle(&self->rows, i))
        say(self, _("No more can be marked at once."));
    else if (marks)
        (void)table_key(self->table, KEY_CODE_DOWN);
}

/* ---- events ---- */

static struct nav escape(struct rotate *self)
{
    if (table_filter(self->table)[0] == '\0')
        return nav_pop();
    table_set_filter(self->table, "");
    return nav_stay();
}

static struct nav key_event(struct rotate *self, uint32_t key)
{
    self->message[0] = '\0';
    if (table_takes_text(self->table)) {
        (void)table_key(self->table, key);
        return nav_stay();
    }
    switch (key) {
    case 'q':
        return nav_quit();
    case KEY_CODE_F5:
        if (self->job == NULL)
            self->job = rotate_job_start(self->app, self);
        return nav_stay();
    case 'r':
        return renew(self);
    case 'n':
        if (on_rotation(self))
            return sheet(self);
        say(self, _("No rotation is under way on this line: r begins one."));
        return nav_stay();
    case 'o':
        return foreign(self);
    case ' ':
        toggle(self);
        return nav_stay();
    case 'u':
        rotate_rows_unmark(&self->rows);
        return nav_stay();
    case KEY_CODE_ESC:
        return escape(self);
    }
    return table_key(self->table, key) == TABLE_CHOSEN ? sheet(self) : nav_stay();
}

static struct nav rotate_event(void *arg, const struct event *event)
{
    struct rotate *self = arg;

    if (event->type == EVENT_SHOWN && self->job == NULL) {
        self->job = rotate_job_start(self->app, self);
    } else if (event->type == EVENT_JOB && event->job == self->job) {
        rotate_job_free(self->rows.data);
        self->rows.data = job_take(self->job);
        self->job = NULL;
        table_refresh(self->table);
    } else if (event->type == EVENT_PASTE) {
        table_paste(self->table, event->paste, event->paste_len);
    } else if (event->type == EVENT_KEY) {
        return key_event(self, event->key);
    }
    return nav_stay();
}

/* ---- drawing ---- */

static void draw_below(const struct rotate_row *at, struct canvas *body, int row)
{
    const struct rotate_phase *phase =
        at->end == NULL ? rotate_phase(at->rotation->kind, (size_t)at->rotation->phase) : NULL;
    int width = canvas_columns(body) - 4;
    struct strbuf text = STRBUF_INIT;

    if (phase != NULL) {
        char title[100];

        rotation_title(at->rotation, title, sizeof(title));
        canvas_text(body, row, 2, STYLE_STRONG, title);
        strbuf_printf(&text,
                      _("%s. Then: %s. Enter opens it, with the steps, what blocks, and "
                        "who is left."),
                      gettext(phase->title), gettext(phase->waits));
    } else if (at->end != NULL) {
        canvas_text(body, row, 2, STYLE_STRONG, at->end->name);
        strbuf_add_str(&text, gettext(ways[at->end->kind]));
    }
    (void)canvas_wrap(body, row + 1, 2, width, BELOW_ROWS - 1, STYLE_NORMAL, text.data);
    strbuf_clear(&text);
}

static void rotate_draw(const void *arg, struct canvas *body)
{
    const struct rotate *self = arg;
    const struct rotate_row *at = at_cursor(self);
    int rows = canvas_rows(body);

    if (self->rows.data == NULL) {
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store"));
        return;
    }
    if (self->rows.data->err.code != ERR_NONE) {
        (void)error_view_draw(&self->rows.data->err, body, 0, rows);
        return;
    }
    if (self->rows.data->n == 0) {
        canvas_text(body, 0, 2, STYLE_NORMAL,
                    _("Nothing is there to be renewed: the store has no CA yet."));
        return;
    }
    if (at != NULL && rows > 2 * BELOW_ROWS) {
        rows -= BELOW_ROWS;
        draw_below(at, body, rows);
        rows--;
    }
    table_draw(self->table, body, 0, rows, true);
}

static void count(const struct rotate *self, size_t *ret_bad, size_t *ret_soon)
{
    *ret_bad = *ret_soon = 0;
    for (size_t i = 0; self->rows.data != NULL && i < self->rows.data->n; i++) {
        const struct timeline_row *row = self->rows.data->rows[i].end;

        *ret_bad += row != NULL && row->mark == MARK_BAD;
        *ret_soon += row != NULL && row->mark == MARK_WARN;
    }
}

static void frame_message(const struct rotate *self, struct frame *ret)
{
    size_t bad, soon;

    count(self, &bad, &soon);
    if (self->message[0] != '\0') {
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else if (self->rows.data == NULL) {
        snprintf(ret->message, sizeof(ret->message), "%s", _("Reading."));
    } else if (self->rows.data->err.code != ERR_NONE) {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), _("More about it: pgseal explain PS-%d"),
                 (int)self->rows.data->err.code);
    } else if (self->rows.n_marked > 0) {
        snprintf(ret->message, sizeof(ret->message),
                 ngettext("%zu is marked.  r renews it.",
                          "%zu are marked.  r renews them together.",
                          (unsigned long)self->rows.n_marked),
                 self->rows.n_marked);
    } else if (bad + soon > 0) {
        ret->message_mark = bad > 0 ? MARK_BAD : MARK_WARN;
        if (bad > 0)
            snprintf(ret->message, sizeof(ret->message),
                     _("%zu ended, %zu end soon.  r renews the line; it asks first."), bad, soon);
        else
            snprintf(ret->message, sizeof(ret->message),
                     ngettext("%zu ends soon.  r renews the line; it asks first.",
                              "%zu end soon.  r renews the line; it asks first.",
                              (unsigned long)soon),
                     soon);
    } else if (self->rows.data->rotations.n > 0) {
        ret->message_mark = MARK_HERE;
        snprintf(ret->message, sizeof(ret->message),
                 ngettext("Nothing ends soon; %zu rotation is under way.",
                          "Nothing ends soon; %zu rotations are under way.",
                          (unsigned long)self->rows.data->rotations.n),
                 self->rows.data->rotations.n);
    } else {
        ret->message_mark = MARK_OK;
        snprintf(ret->message, sizeof(ret->message), "%s", _("Nothing ends soon."));
    }
}

static void rotate_frame(const void *arg, struct frame *ret)
{
    const struct rotate *self = arg;
    size_t bad, soon;

    count(self, &bad, &soon);
    snprintf(ret->title, sizeof(ret->title), "%s", _("Renew and rotate"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), "%s", _("Home > Renew and rotate   the worst first"));
    if (bad + soon > 0)
        snprintf(ret->path_right, sizeof(ret->path_right),
                 ngettext("%zu needs work", "%zu need work", (unsigned long)(bad + soon)),
                 bad + soon);
    ret->bindings = bindings;
    ret->word = "rotate";
    ret->text_focus = table_takes_text(self->table);
    ret->why = _("Rotation without a gap: first both work, then the client changes, then the old "
                 "one is revoked. A CA is replaced the same way: servers trust the old and the new "
                 "one together until the last client has changed.");
    ret->help = _("[xx] has ended.  [!!] ends within 30 days (a CA: within a year).  [ok] good.  "
                  "[--] revoked, or has a later one. USED ON: of a client, where a session with it "
                  "was seen; of a CA and its list, the servers that trust it.");
    frame_message(self, ret);
}

static void rotate_commands(const void *arg, struct strbuf *out)
{
    const struct rotate *self = arg;
    const struct rotate_row *at = at_cursor(self);
    const char *serial = at != NULL && at->end != NULL ? strrchr(at->end->which, ':') : NULL;

    strbuf_add_str(out, _("# what ends, by certificate; CAs, and their lists\n"));
    strbuf_add_str(out, "pgseal list --sort ends\npgseal ca list\n");
    if (at == NULL)
        return;
    strbuf_add_str(out, _("\n# the line\n"));
    if (at->end == NULL) {
        strbuf_add_str(out, "pgseal rotate status");
        strbuf_add_char(out, ' ');
        if (!text_quote_shell(out, at->rotation->name))
            strbuf_add_str(out, "NAME");
        strbuf_add_char(out, '\n');
        return;
    }
    switch (at->end->kind) {
    case TIMELINE_CLIENT:
    case TIMELINE_SERVER:
        strbuf_printf(out, "pgseal renew %s\n", serial != NULL ? serial + 1 : at->end->which);
        break;
    case TIMELINE_CA:
    case TIMELINE_CRL:
        strbuf_add_str(out,
                       at->end->kind == TIMELINE_CA ? "pgseal ca renew " : "pgseal crl sign --ca ");
        if (!text_quote_shell(out, at->end->which))
            strbuf_add_str(out, "CA");
        strbuf_add_str(out, at->end->kind == TIMELINE_CA ? "\n" : "\npgseal crl refresh\n");
        break;
    case TIMELINE_FOREIGN:
        strbuf_add_str(out, "pgseal crl import FILE\npgseal crl refresh\n");
        break;
    case TIMELINE_KINDS:
        break;
    }
}

static void rotate_free(void *arg)
{
    struct rotate *self = arg;

    table_free(self->table);
    rotate_rows_clear(&self->rows);
    free(self);
}

static const struct screen_ops rotate_ops = {
    .name = "rotate",
    .event = rotate_event,
    .draw = rotate_draw,
    .frame = rotate_frame,
    .commands = rotate_commands,
    .free = rotate_free,
};

struct screen *page_rotate(struct app *app)
{
    struct rotate *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->table = rotate_rows_table(&self->rows);
    return screen_new(&rotate_ops, self);
}
