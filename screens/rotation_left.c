/* rotation_left.c - who uses the old certificates or the old CA still. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/use.h"
#include "screens/rotate_pages.h"
#include "tui/table.h"

static void put(struct strbuf *out, const char *text)
{
    text_clean(out, text, strlen(text), TEXT_ONE_LINE);
}

static void day(struct strbuf *out, int64_t when)
{
    char date[CLOCK_TEXT_MAX];

    strbuf_add_str(out, when != 0 ? clock_format_date(date, when) : "-");
}

enum left_column { LEFT_ROLE, LEFT_APPLICATION, LEFT_ADDRESS, LEFT_SERVER, LEFT_SEEN, LEFT_OPEN };

struct left_page {
    struct app *app;
    struct table *table;
    struct use *rows;
    size_t n;
};

static const struct table_column left_columns[] = {
    [LEFT_ROLE] = {.title = N_("ROLE"), .width = 12, .keep = 100},
    [LEFT_APPLICATION] = {.title = N_("APPLICATION"), .width = 11, .keep = 85, .grow = true},
    [LEFT_ADDRESS] = {.title = N_("ADDRESS"), .width = 15, .keep = 80},
    [LEFT_SERVER] = {.title = N_("SERVER"), .width = 8, .keep = 90},
    [LEFT_SEEN] = {.title = N_("LAST SEEN"), .width = 10, .keep = 70},
    [LEFT_OPEN] = {.title = N_("NOW"), .width = 12, .keep = 95},
};

static const struct binding left_bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the same as commands"), 50},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page"), 70},
    {"/", N_("Find"), N_("a part of any column; Esc clears it"), 60},
    {"Esc", N_("Back"), N_("to the rotation"), 95},
    {"q", N_("Quit"), N_("leave pgseal"), 0},
    {NULL, NULL, NULL, 0},
};

static size_t left_count(const void *arg)
{
    return ((const struct left_page *)arg)->n;
}

static void left_cell(const void *arg, size_t i, size_t column, struct strbuf *out)
{
    const struct use *use = &((const struct left_page *)arg)->rows[i];

    switch ((enum left_column)column) {
    case LEFT_ROLE:
        put(out, use->role);
        break;
    case LEFT_APPLICATION:
        put(out, use->replication ? _("(replicates)") : use->application);
        break;
    case LEFT_ADDRESS:
        put(out, use->address[0] != '\0' ? use->address : _("local"));
        break;
    case LEFT_SERVER:
        put(out, use->server);
        break;
    case LEFT_SEEN:
        day(out, use->last_seen);
        break;
    case LEFT_OPEN:
        if (use->open > 0)
            strbuf_printf(out, "%s %d", mark_text(MARK_WARN), use->open);
        else
            strbuf_printf(out, "%s %s", mark_text(use->has_new ? MARK_OK : MARK_OFF),
                          use->has_new ? _("has new") : _("gone"));
        break;
    }
}

static uint64_t left_key(const void *arg, size_t i)
{
    (void)arg;
    return i;
}

static enum style left_style(const void *arg, size_t i, size_t column)
{
    const struct use *use = &((const struct left_page *)arg)->rows[i];

    return column == LEFT_OPEN && use->open > 0 ? mark_style(MARK_WARN) : STYLE_NORMAL;
}

static const struct table_rows left_rows = {left_count, left_cell, left_key, left_style};

static struct nav left_event(void *arg, const struct event *event)
{
    struct left_page *self = arg;

    if (event->type == EVENT_PASTE)
        table_paste(self->table, event->paste, event->paste_len);
    if (event->type != EVENT_KEY)
        return nav_stay();
    if (!table_takes_text(self->table) && event->key == 'q')
        return nav_quit();
    if (!table_takes_text(self->table) && event->key == KEY_CODE_ESC) {
        if (table_filter(self->table)[0] == '\0')
            return nav_pop();
        table_set_filter(self->table, "");
        return nav_stay();
    }
    (void)table_key(self->table, event->key);
    return nav_stay();
}

static void left_draw(const void *arg, struct canvas *body)
{
    const struct left_page *self = arg;

    if (self->n == 0)
        canvas_text(body, 0, 2, STYLE_NORMAL,
                    _("Nobody was seen with the old one since the rotation began."));
    else
        table_draw(self->table, body, 0, canvas_rows(body), true);
}

static void left_frame(const void *arg, struct frame *ret)
{
    const struct left_page *self = arg;
    size_t open = 0;

    for (size_t i = 0; i < self->n; i++)
        open += self->rows[i].open > 0;
    snprintf(ret->title, sizeof(ret->title), "%s", _("Who uses the old one"));
    app_where(self->app, ret->right, sizeof(ret->right));
    snprintf(ret->path, sizeof(ret->path), "%s", _("Home > Rotate > Who is left"));
    snprintf(ret->path_right, sizeof(ret->path_right), _("%zu connected now"), open);
    ret->bindings = left_bindings;
    ret->word = "straggler";
    ret->text_focus = table_takes_text(self->table);
    ret->why = _("A pool can hold a session for days, a nightly job comes once: so those that were "
                 "seen before count too. A standby's receiver stands here as one that replicates.");
    ret->help =
        _("NOW: [!!] so many sessions are open with the old one.  [ok] the same client was "
          "seen with the new one since.  [--] not connected, and not seen with the new one.");
    snprintf(ret->message, sizeof(ret->message), "%s",
             _("It is as it was looked at last: F5 on the page before looks again."));
}

static void left_commands(const void *arg, struct strbuf *out)
{
    (void)arg;
    strbuf_add_str(out, "pgseal rotate stragglers\npgseal sessions --once\npgseal sightings\n");
}

static void left_free(void *arg)
{
    struct left_page *self = arg;

    for (size_t i = 0; i < self->n; i++) {
        free(self->rows[i].server);
        free(self->rows[i].role);
        free(self->rows[i].application);
        free(self->rows[i].address);
    }
    free(self->rows);
    table_free(self->table);
    free(self);
}

static const struct screen_ops left_ops = {
    .name = "rotation-left",
    .event = left_event,
    .draw = left_draw,
    .frame = left_frame,
    .commands = left_commands,
    .free = left_free,
};

struct screen *page_rotation_left(struct app *app, const struct use_list *left)
{
    struct left_page *self = mem_zalloc(sizeof(*self));

    self->app = app;
    self->n = left->n;
    self->rows = mem_array(left->n + 1, sizeof(self->rows[0]));
    for (size_t i = 0; i < left->n; i++) {
        const struct use *use = &left->rows[i];

        self->rows[i] = (struct use){.server = mem_strdup(use->server),
                                     .role = mem_strdup(use->role),
                                     .application = mem_strdup(use->application),
                                     .address = mem_strdup(use->address),
                                     .replication = use->replication,
                                     .open = use->open,
                                     .last_seen = use->last_seen,
                                     .has_new = use->has_new};
    }
    self->table = table_new(left_columns, ARRAY_LEN(left_columns), &left_rows, self);
    table_refresh(self->table);
    return screen_new(&left_ops, self);
}
