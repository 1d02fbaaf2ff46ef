/*
 * rotation.c - one rotation under way: its phases as a picture, what blocks, who is left, the quiet time.
 *
 * Looks    what the store knows is shown at once; then the servers are asked, in a job: keys go on working
 *          while one of them hangs.
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
#include "screens/rotate_pages.h"
#include "screens/rotation_job.h"
#include "tui/utf8.h"

#define BAR_WIDTH   24
#define TITLE_WIDTH 54 /* of a phase; its date stands behind it */

struct rotation_page {
    struct app *app;
    int64_t id;
    struct lines *lines;
    struct rotation_job *data; /* NULL: not read yet */
    struct job *job;
    bool asked;  /* data has what the servers said */
    bool asking; /* the job asks them */
    char message[160];
};

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {"n", N_("Next..."), N_("the next step; says what it will do, and asks"), 90},
    {"b", N_("Back..."), N_("one step back; asks first"), 80},
    {"m", N_("Worklist"), N_("who got the new one; mark it handed over, or go on without"), 75},
    {"s", N_("Who is left"), N_("who uses the old one still"), 78},
    {"w", N_("Why"), N_("what this step is for"), 60},
    {"t", N_("Quiet time..."), N_("how long nobody may have used the old one; asks first"), 0},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 0},
    {"F5", N_("Look again"), N_("ask the servers again"), 0},
    {"Esc", N_("Back"), N_("to the list; the rotation stays as it is"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

/* Of servers' certificates. */
static const struct binding server_bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {"n", N_("Next..."), N_("the next step; says what it will do, and asks"), 90},
    {"b", N_("Back..."), N_("one step back; asks first"), 80},
    {"m", N_("Worklist"), N_("who has the trust file; mark it handed over, or left out"), 79},
    {"f", N_("Trust file..."), N_("for clients: the old and the new CA in one file"), 76},
    {"s", N_("Who uses it"), N_("who comes by TLS, and from where"), 70},
    {"w", N_("Why"), N_("what this step is for"), 60},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 0},
    {"F5", N_("Look again"), N_("ask the servers again"), 0},
    {"Esc", N_("Back"), N_("to the list; the rotation stays as it is"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static bool is_server(const struct rotation *rotation)
{
    return rotation->kind == ROTATION_SERVER || rotation->kind == ROTATION_SERVER_CA;
}

/* ---- the picture ---- */

/* When the phase was left for the next one: the last entry into the one behind it; 0: not yet. */
static int64_t left_at(const struct rotation_job *data, size_t phase)
{
    int64_t at = 0;

    for (size_t i = 0; i < data->history.n; i++)
        if (data->history.rows[i].phase == (int)phase + 1)
            at = data->history.rows[i].at;
    return at;
}

static void add_phase(struct rotation_page *self, size_t i)
{
    const struct rotation_job *data = self->data;
    const struct rotate_phase *phase = rotate_phase(data->rotation->kind, i);
    size_t now = (size_t)data->rotation->phase;
    int64_t when = i < now ? left_at(data, i) : i == now ? data->rotation->since : 0;
    struct strbuf text = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    int width;

    strbuf_printf(&text, "%zu %s", i + 1, gettext(phase->title));
    width = utf8_columns(text.data);
    if (when != 0 && width < TITLE_WIDTH) {
        strbuf_add_repeat(&text, ' ', (size_t)(TITLE_WIDTH - width));
        strbuf_printf(&text, i == now ? _("since %s") : "%s", clock_format_date(date, when));
    }
    lines_add(self->lines, 0,
              i < now    ? MARK_OK
              : i == now ? MARK_HERE
                         : MARK_TODO,
              NULL, text.data);
    if (when != 0 && width >= TITLE_WIDTH) /* no room behind it */
        lines_printf(self->lines, 3, MARK_NONE, NULL, i == now ? _("since %s") : "%s",
                     clock_format_date(date, when));
    strbuf_clear(&text);
}

static void add_next(struct rotation_page *self, const struct rotate_phase *phase)
{
    const struct rotate_status *status = &self->data->status;

    if (status->proposal[0] != '\0')
        lines_add(self->lines, 0, MARK_NONE, _("Note"), status->proposal);
    if (!status->act_done && phase->act[0] != '\0')
        lines_add(self->lines, 0, MARK_NONE, _("n does"), gettext(phase->act));
    else if (status->n_blockers == 0)
        lines_add(self->lines, 0, MARK_OK, _("n does"), _("goes on: nothing blocks"));
}

static void add_blockers(struct rotation_page *self)
{
    const struct rotate_status *status = &self->data->status;

    for (size_t i = 0; i < status->n_blockers; i++)
        lines_add(self->lines, 0, MARK_WARN, i == 0 ? _("Blocks") : "", status->blockers[i]);
    for (size_t i = 0; i < status->n_notices; i++)
        lines_add(self->lines, 0, MARK_WARN, i == 0 ? _("Notice") : "", status->notices[i]);
}

static void add_items(struct rotation_page *self)
{
    const struct rotation_counts *items = &self->data->status.items;
    struct strbuf text = STRBUF_INIT;
    int64_t moved;

    if (items->total == 0)
        return;
    moved = items->total - rotation_waits_for(self->data->rotation->kind, items);
    rotation_bar(&text, BAR_WIDTH, moved, items->total);
    strbuf_printf(&text, _(" %lld of %lld moved"), (long long)moved, (long long)items->total);
    lines_add(self->lines, 0, MARK_NONE, _("Clients"), text.data);
    if (self->data->rotation->kind == ROTATION_SERVER_CA) /* files for all, no kits */
        lines_printf(self->lines, 0, MARK_NONE, "",
                     _("%lld handed over, %lld without: m marks them"), (long long)items->handed,
                     (long long)items->left);
    else
        lines_printf(self->lines, 0, MARK_NONE, "",
                     _("%lld made, %lld handed, %lld seen, %lld without, %lld ended"),
                     (long long)items->made, (long long)items->handed, (long long)items->seen,
                     (long long)items->left, (long long)items->ended);
    strbuf_clear(&text);
}

static void add_left(struct rotation_page *self)
{
    const struct use_list *left = &self->data->status.left;
    size_t open = 0, walsenders = 0, n = rotation_count_left(left);

    for (size_t i = 0; i < left->n; i++) {
        open += left->rows[i].open > 0;
        walsenders += left->rows[i].replication;
    }
    if (self->data->rotation->kind == ROTATION_SERVER_CA) {
        if (left->n > 0)
            lines_printf(self->lines, 0, MARK_NONE, _("Who"),
                         ngettext("%zu comes by TLS, %zu now: s shows who",
                                  "%zu come by TLS, %zu of them now: s shows who",
                                  (unsigned long)left->n),
                         left->n, open);
        return;
    }
    if (n == 0)
        return;
    if (walsenders > 0)
        lines_printf(self->lines, 0, MARK_WARN, _("Left"),
                     _("%zu use the old one, %zu of them now, %zu replicate: s"), n, open,
                     walsenders);
    else
        lines_printf(self->lines, 0, MARK_WARN, _("Left"),
                     ngettext("%zu uses the old one, %zu now: s shows who",
                              "%zu use the old one, %zu of them now: s shows who",
                              (unsigned long)n),
                     n, open);
}

static void add_quiet(struct rotation_page *self)
{
    const struct use_quiet *quiet = &self->data->status.quiet;
    struct strbuf text = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    int64_t for_now = quiet->quiet_since > 0 ? quiet->looked_at - quiet->quiet_since : 0;

    if (quiet->needed == 0 || self->data->rotation->kind != ROTATION_CLIENT_CA)
        return;
    if (for_now < 0)
        for_now = 0;
    rotation_bar(&text, BAR_WIDTH, for_now, quiet->needed);
    strbuf_add_char(&text, ' ');
    rotation_span(&text, for_now);
    strbuf_add_str(&text, _(" of "));
    rotation_span(&text, quiet->needed);
    if (quiet->safe)
        strbuf_add_str(&text, _("; safe now"));
    else if (quiet->safe_at > 0)
        strbuf_printf(&text, _("; safe on %s"), clock_format_date(date, quiet->safe_at));
    lines_add(self->lines, 0, quiet->safe ? MARK_OK : MARK_NONE, _("Quiet"), text.data);
    strbuf_clear(&text);
}

static void add_servers(struct rotation_page *self)
{
    const struct rotate_status *status = &self->data->status;
    struct strbuf text = STRBUF_INIT;

    for (size_t i = 0; i < status->n_servers; i++) {
        strbuf_reset(&text);
        strbuf_printf(&text, "%s: ", status->servers[i].name);
        rotation_server_text(&status->servers[i], &text);
        lines_add(self->lines, 0, rotation_server_mark(&status->servers[i]),
                  i == 0 ? _("Servers") : "", text.data);
    }
    strbuf_clear(&text);
}

static void show(struct rotation_page *self)
{
    const struct rotation_job *data = self->data;
    const struct rotate_phase *phase;

    lines_clear(self->lines);
    if (data->rotation == NULL)
        return;
    phase = rotate_phase(data->rotation->kind, (size_t)data->rotation->phase);
    for (size_t i = 0; i < rotate_phase_count(data->rotation->kind); i++)
        add_phase(self, i);
    if (data->rotation->ended_at != 0 || phase == NULL) {
        lines_add(self->lines, 0, data->rotation->given_up ? MARK_OFF : MARK_OK, NULL,
                  data->rotation->given_up ? _("It was given up.") : _("All of it is done."));
        return;
    }
    if (!data->have_status)
        return;
    lines_add(self->lines, 0, MARK_NONE, NULL, "");
    add_next(self, phase);
    add_items(self);
    add_left(self);
    add_quiet(self);
    add_blockers(self);
    add_servers(self);
}

/* ---- acts ---- */

static void look(struct rotation_page *self, bool ask)
{
    job_cancel(self->job); /* what it looked at may have changed */
    self->asking = ask;
    self->job = rotation_job_start(self->app, self, self->id, ask);
}

static bool is_open(const struct rotation_page *self)
{
    return self->data != NULL && self->data->have_status && self->data->rotation->ended_at == 0;
}

static struct nav say(struct rotation_page *self, const char *text)
{
    snprintf(self->message, sizeof(self->message), "%s", text);
    return nav_stay();
}

static const struct rotate_phase *phase_of(const struct rotation_page *self)
{
    return rotate_phase(self->data->rotation->kind, (size_t)self->data->rotation->phase);
}

static struct nav why(const struct rotation_page *self)
{
    const struct rotate_phase *phase = phase_of(self);
    const struct rotate_status *status = &self->data->status;
    struct strbuf text = STRBUF_INIT;
    struct screen *page;

    strbuf_printf(&text, "%s\n\n%s\n\n", gettext(phase->title), gettext(phase->why));
    if (phase->act[0] != '\0')
        strbuf_printf(&text, _("The step      %s\n"), gettext(phase->act));
    strbuf_printf(&text, _("Then          %s\n"), gettext(phase->waits));
    strbuf_printf(&text, _("Back          %s\n"),
                  phase->back != NULL ? gettext(phase->back) : _("there is no way back from here"));
    if (status->n_blockers > 0)
        strbuf_add_str(&text, _("\nWhat keeps it here\n"));
    for (size_t i = 0; i < status->n_blockers; i++)
        strbuf_printf(&text, "- %s\n", status->blockers[i]);
    if (status->n_notices > 0)
        strbuf_add_str(&text, _("\nWhat somebody changed beside it\n"));
    for (size_t i = 0; i < status->n_notices; i++)
        strbuf_printf(&text, "- %s\n", status->notices[i]);
    page = page_text(_("Why this step"), _("Home > Renew and rotate > Why"), text.data);
    strbuf_clear(&text);
    return nav_push(page);
}

/* What clients check the servers with: both CAs. */
static struct nav trust_file(struct rotation_page *self)
{
    const struct rotation *rotation = self->data->rotation;
    const struct rotate_status *status = &self->data->status;

    if (!is_server(rotation))
        return say(self, _("It is about clients' certificates: what clients trust stays."));
    return nav_push(page_client_trust(
        self->app, &(struct client_trust_pick){
                       .authorities = {rotation->old_authority_id, rotation->new_authority_id},
                       .foreign = {rotation->old_foreign_id, rotation->new_foreign_id},
                       .server = status->n_servers > 0 ? status->servers[0].name : NULL}));
}

static struct nav act_key(struct rotation_page *self, uint32_t key)
{
    if (!is_open(self))
        return say(self, self->data == NULL ? _("It is being read.") : _("It has ended."));
    switch (key) {
    case 'n':
        if (app_read_only(self->app))
            return say(self, _("pgseal was started with --read-only."));
        return nav_push(page_rotation_next(self->app, self->data));
    case 'b':
        if (app_read_only(self->app))
            return say(self, _("pgseal was started with --read-only."));
        if (phase_of(self)->back == NULL)
            return say(self, _("There is no way back from here."));
        return nav_push(page_rotation_back(self->app, self->data));
    case 'm':
        if (self->data->status.items.total == 0)
            return say(self, _("No client has to change for this one."));
        return nav_push(page_rotation_items(self->app, self->data->rotation));
    case 't':
        if (self->data->rotation->kind != ROTATION_CLIENT_CA)
            return say(self, _("It has no quiet time."));
        return nav_push(page_rotation_quiet(self->app, self->data));
    case 'f':
        return trust_file(self);
    case 's':
        return nav_push(page_rotation_left(self->app, &self->data->status.left));
    }
    return why(self);
}

static struct nav key_event(struct rotation_page *self, uint32_t key)
{
    self->message[0] = '\0';
    switch (key) {
    case 'q':
        return nav_quit();
    case KEY_CODE_ESC:
        return nav_pop();
    case KEY_CODE_F5:
        look(self, true);
        return nav_stay();
    case KEY_CODE_ENTER:
        key = 'n';
        break;
    }
    if (key == 'n' || key == 'b' || key == 'm' || key == 's' || key == 'w' || key == 't' ||
        key == 'f')
        return act_key(self, key);
    (void)lines_key(self->lines, key);
    return nav_stay();
}

static void job_ended(struct rotation_page *self)
{
    struct rotation_job *data = job_take(self->job);
    bool first = !self->asking;

    self->job = NULL;
    self->asking = false;
    self->asked = !first;
    rotation_job_free(self->data);
    self->data = data;
    show(self);
    if (first && is_open(self))
        look(self, true);
}

static struct nav rotation_event(void *arg, const struct event *event)
{
    struct rotation_page *self = arg;

    if (event->type == EVENT_SHOWN)
        look(self, false);
    else if (event->type == EVENT_JOB && event->job == self->job)
        job_ended(self);
    else if (event->type == EVENT_KEY)
        return key_event(self, event->key);
    return nav_stay();
}

/* ---- drawing ---- */

static void rotation_draw(const void *arg, struct canvas *body)
{
    const struct rotation_page *self = arg;

    if (self->data == NULL)
        canvas_text(body, 0, canvas_mark(body, 0, 2, MARK_BUSY) + 1, STYLE_NORMAL,
                    _("reading the store"));
    else if (self->data->rotation == NULL)
        (void)error_view_draw(&self->data->err, body, 0, canvas_rows(body));
    else
        lines_draw(self->lines, body, 0, canvas_rows(body));
}

static void frame_message(const struct rotation_page *self, struct frame *ret)
{
    if (self->message[0] != '\0') {
        snprintf(ret->message, sizeof(ret->message), "%s", self->message);
    } else if (self->asking) {
        ret->message_mark = MARK_BUSY;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Asking the servers; all keys work meanwhile."));
    } else if (self->data != NULL && self->data->err.code != ERR_NONE) {
        ret->message_mark = MARK_BAD;
        snprintf(ret->message, sizeof(ret->message), "PS-%d: %.140s", (int)self->data->err.code,
                 self->data->err.msg);
    } else if (!is_open(self)) {
        snprintf(ret->message, sizeof(ret->message), "%s", _("Nothing is to be done here."));
    } else if (self->data->status.act_done && self->data->status.n_blockers > 0) {
        ret->message_mark = MARK_WARN;
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("The step is done; what is left is to be waited for.  F5 looks again."));
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("n shows what the next step will do, and asks.  It can be left at any time."));
    }
}

static void rotation_frame(const void *arg, struct frame *ret)
{
    const struct rotation_page *self = arg;
    const struct rotation *rotation = self->data != NULL ? self->data->rotation : NULL;
    const struct rotate_phase *phase = rotation != NULL ? phase_of(self) : NULL;

    snprintf(ret->title, sizeof(ret->title), "%s", _("Renew and rotate"));
    app_where(self->app, ret->right, sizeof(ret->right));
    if (rotation == NULL) {
        snprintf(ret->path, sizeof(ret->path), "%s", _("Home > Renew and rotate"));
    } else {
        char title[100];

        rotation_title(rotation, title, sizeof(title));
        snprintf(ret->path, sizeof(ret->path), _("Home > Rotate > %s"), title);
        lines_where(self->lines, ret->path_right, sizeof(ret->path_right));
        if (ret->path_right[0] == '\0' && phase != NULL)
            snprintf(ret->path_right, sizeof(ret->path_right), _("%d of %zu"), rotation->phase + 1,
                     rotate_phase_count(rotation->kind));
    }
    ret->bindings = rotation != NULL && is_server(rotation) ? server_bindings : bindings;
    ret->word = "rotate";
    ret->why = _("Each step is measured before the next one begins. It can wait for weeks, and "
                 "another admin can go on with it: all stands in the store.");
    if (phase != NULL && phase->why[0] != '\0')
        ret->why = gettext(phase->why);
    ret->help = _("[ok] done, with its day.  [>>] now, since when.  [  ] to come.  Nobody is "
                  "refused by a step unless its question says who.  \"Quiet\" is how long nobody "
                  "was seen with the old one, of the time that was asked for.");
    frame_message(self, ret);
}

static void rotation_commands(const void *arg, struct strbuf *out)
{
    const struct rotation_page *self = arg;
    struct strbuf name = STRBUF_INIT;

    if (self->data == NULL || self->data->rotation == NULL ||
        !text_quote_shell(&name, self->data->rotation->name))
        strbuf_add_str(&name, "NAME");
    strbuf_add_str(out, _("# how it stands, and who is left\n"));
    strbuf_printf(out, "pgseal rotate status %s\npgseal rotate stragglers %s\n", name.data,
                  name.data);
    strbuf_add_str(out, _("\n# the next step; first what it would do\n"));
    strbuf_printf(out, "pgseal rotate next %s --dry-run\npgseal rotate next %s\n", name.data,
                  name.data);
    strbuf_add_str(out, _("\n# one step back\n"));
    strbuf_printf(out, "pgseal rotate back %s\n", name.data);
    strbuf_clear(&name);
}

static void rotation_page_free(void *arg)
{
    struct rotation_page *self = arg;

    rotation_job_free(self->data);
    lines_free(self->lines);
    free(self);
}

static const struct screen_ops rotation_ops = {
    .name = "rotation",
    .event = rotation_event,
    .draw = rotation_draw,
    .frame = rotation_frame,
    .commands = rotation_commands,
    .free = rotation_page_free,
};

struct screen *page_rotation(struct app *app, int64_t id)
{
    struct rotation_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->id = id;
    self->lines = lines_new();
    return screen_new(&rotation_ops, self);
}
