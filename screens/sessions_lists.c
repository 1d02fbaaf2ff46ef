/* sessions_lists.c - the live panel's rows and groups: their cells, order and filter. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "screens/sessions_page.h"

/* ---- rows ---- */

const struct table_column sessions_columns[SESSION_COLUMNS] = {
    [SESSION_COLUMN_SERVER] = {.title = N_("SERVER"), .width = 8, .keep = 8},
    [SESSION_COLUMN_PID] = {.title = N_("PID"), .width = 7, .keep = 50, .right = true},
    [SESSION_COLUMN_ROLE] = {.title = N_("ROLE"), .width = 9, .keep = 100},
    [SESSION_COLUMN_DATABASE] = {.title = N_("DATABASE"), .width = 8, .keep = 20},
    [SESSION_COLUMN_APPLICATION] = {.title = N_("APPLICATION"), .width = 14, .keep = 15},
    [SESSION_COLUMN_FROM] = {.title = N_("FROM"), .width = 13, .keep = 30},
    [SESSION_COLUMN_SINCE] = {.title = N_("SINCE"), .width = 5, .keep = 14},
    [SESSION_COLUMN_TLS] = {.title = N_("TLS"), .width = 3, .keep = 80},
    [SESSION_COLUMN_CIPHER] = {.title = N_("CIPHER"), .width = 22, .keep = 10},
    [SESSION_COLUMN_CERTIFICATE] = {.title = N_("CERT CN"), .width = 10, .keep = 60, .grow = true},
    [SESSION_COLUMN_CA] = {.title = N_("CA"), .width = 14, .keep = 12},
    [SESSION_COLUMN_ENDS] = {.title = N_("ENDS"), .width = 6, .keep = 40, .right = true},
    [SESSION_COLUMN_MARK] = {.title = N_("MARK"), .width = 14, .keep = 90},
};

const struct table_column sessions_group_columns[SESSIONS_GROUP_COLUMNS] = {
    {.title = N_("GROUP"), .width = 20, .keep = 100, .grow = true},
    {.title = N_("SESSIONS"), .width = 8, .keep = 90, .right = true},
    {.title = N_("TLS"), .width = 5, .keep = 60, .right = true},
    {.title = N_("CERT"), .width = 5, .keep = 50, .right = true},
    {.title = N_("NO TLS"), .width = 6, .keep = 70, .right = true},
    {.title = N_("LOOK"), .width = 5, .keep = 80, .right = true},
    {.title = N_("WORST"), .width = 14, .keep = 95},
};

static size_t rows_count(const void *arg)
{
    const struct sessions_page *self = arg;

    return session_view_count(self->view);
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct sessions_page *self = arg;

    session_row_cell(session_view_line(self->view, row), self->drawn_at,
                     (enum session_column)column, out);
}

static uint64_t rows_key(const void *arg, size_t row)
{
    const struct sessions_page *self = arg;

    return session_row_key(session_view_line(self->view, row));
}

static enum style rows_style(const void *arg, size_t row, size_t column)
{
    const struct sessions_page *self = arg;

    return column == SESSION_COLUMN_MARK
               ? mark_style(session_row_mark(session_view_line(self->view, row)))
               : STYLE_NORMAL;
}

bool sessions_match(const void *arg, size_t row, const char *filter)
{
    const struct sessions_page *self = arg;

    return session_view_match(self->view, row, filter);
}

const struct table_rows sessions_rows = {rows_count, rows_cell, rows_key, rows_style};

static size_t groups_count(const void *arg)
{
    const struct sessions_page *self = arg;

    return session_view_groups(self->view);
}

static void groups_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct sessions_page *self = arg;
    const struct session_group *group = session_view_group(self->view, row);
    const size_t numbers[] = {group->n, group->tls, group->with_certificate, group->clear,
                              group->need_look};
    const struct finding_info *worst =
        finding_worst(group->findings & ~(unsigned)FINDING_BEFORE_RELOAD);

    if (column == 0)
        strbuf_add_str(out, group->name);
    else if (column <= ARRAY_LEN(numbers))
        strbuf_printf(out, "%zu", numbers[column - 1]);
    else
        strbuf_printf(out, "%s %s", mark_text(group->mark), worst != NULL ? _(worst->word) : "");
}

static uint64_t groups_key(const void *arg, size_t row)
{
    const struct sessions_page *self = arg;

    return session_view_group(self->view, row)->key;
}

static enum style groups_style(const void *arg, size_t row, size_t column)
{
    const struct sessions_page *self = arg;

    return column + 1 == SESSIONS_GROUP_COLUMNS
               ? mark_style(session_view_group(self->view, row)->mark)
               : STYLE_NORMAL;
}

const struct table_rows sessions_groups = {groups_count, groups_cell, groups_key, groups_style};

const struct session_line *sessions_line(const struct sessions_page *self)
{
    if (self->sheet)
        return session_view_find(self->view, self->sheet_key);
    if (sessions_lists_groups(self) || !table_has_row(self->table))
        return NULL;
    return session_view_line(self->view, table_row(self->table));
}

void sessions_refresh_tables(struct sessions_page *self)
{
    table_refresh(self->table);
    table_refresh(self->groups);
}

static void note_history(struct sessions_page *self)
{
    size_t clear = session_view_totals(self->view)->clear;
    int64_t now = clock_mono_ms();

    if (self->history_n > 0 && now - self->history_at_ms < SESSIONS_HISTORY_MS) {
        size_t *last = &self->history[self->history_n - 1];

        *last = clear > *last ? clear : *last;
        return;
    }
    if (self->history_n == SESSIONS_HISTORY)
        memmove(self->history, self->history + 1, --self->history_n * sizeof(self->history[0]));
    self->history[self->history_n++] = clear;
    self->history_at_ms = now;
}

void sessions_update(struct sessions_page *self, bool new_rows)
{
    self->drawn_at = clock_now();
    session_view_update(self->view, self->feeds, self->n_feeds, self->drawn_at);
    if (new_rows)
        note_history(self);
    sessions_refresh_tables(self);
}

/* ---- order, filter, groups ---- */

/* "Worst first" needs no arrow: it is how the panel begins. */
static void sort(struct sessions_page *self, enum session_column column, bool reverse)
{
    session_view_sort(self->view, column, reverse);
    table_set_sorted(self->table,
                     column == SESSION_COLUMN_MARK && !reverse ? SIZE_MAX : (size_t)column,
                     reverse);
    sessions_refresh_tables(self);
}

void sessions_next_sort(struct sessions_page *self)
{
    enum session_column column = (session_view_sorted_by(self->view) + 1) % SESSION_COLUMNS;
    char text[sizeof(self->message)];

    if (column == SESSION_COLUMN_SERVER && self->n_feeds < 2)
        column = SESSION_COLUMN_SERVER + 1;
    sort(self, column, false);
    snprintf(text, sizeof(text), _("Sorted by: %s."),
             column == SESSION_COLUMN_MARK ? _("worst first") : _(sessions_columns[column].title));
    sessions_say(self, MARK_NONE, text);
}

void sessions_reverse_sort(struct sessions_page *self)
{
    bool reverse = !session_view_reversed(self->view);

    sort(self, session_view_sorted_by(self->view), reverse);
    sessions_say(self, MARK_NONE, reverse ? _("The other way round.") : _("As before."));
}

/* The next finding that somebody has; after the last one: all rows. */
void sessions_next_finding(struct sessions_page *self)
{
    const struct snapshot_totals *totals = session_view_totals(self->view);
    size_t n;
    const struct finding_info *table = finding_table(&n);

    for (; self->next_finding < n; self->next_finding++) {
        const struct finding_info *info = &table[self->next_finding];
        char filter[32], text[sizeof(self->message)];

        if (snapshot_with(totals, info->finding) == 0)
            continue;
        snprintf(filter, sizeof(filter), ":%s", info->name);
        table_set_filter(self->table, filter);
        snprintf(text, sizeof(text), _("%zu with the finding \"%s\". D ends all of them."),
                 snapshot_with(totals, info->finding), info->name);
        sessions_say(self, session_row_mark_of(info->weight), text);
        self->next_finding++;
        return;
    }
    self->next_finding = 0;
    table_set_filter(self->table, "");
    sessions_say(self, MARK_NONE, _("All rows again."));
}

void sessions_next_group(struct sessions_page *self)
{
    static const enum session_column columns[] = {SESSION_COLUMN_ROLE, SESSION_COLUMN_APPLICATION,
                                                  SESSION_COLUMN_FROM, SESSION_COLUMN_CA,
                                                  SESSION_COLUMN_TLS,  SESSION_COLUMNS};
    enum session_column now = session_view_grouped_by(self->view);
    size_t next = 0;

    for (size_t i = 0; i + 1 < ARRAY_LEN(columns); i++)
        if (columns[i] == now)
            next = i + 1;
    session_view_group_by(self->view, columns[next]);
    table_set_filter(self->table, "");
    sessions_refresh_tables(self);
}

void sessions_open_group(struct sessions_page *self)
{
    if (!table_has_row(self->groups))
        return;
    session_view_open_group(self->view,
                            session_view_group(self->view, table_row(self->groups))->name);
    sessions_refresh_tables(self);
}

/* One step back; false: there is none left. */
bool sessions_step_back(struct sessions_page *self)
{
    if (self->sheet) {
        self->sheet = false;
        return true;
    }
    if (!sessions_lists_groups(self) && table_filter(self->table)[0] != '\0') {
        table_set_filter(self->table, "");
        self->next_finding = 0;
        return true;
    }
    if (session_view_group_open(self->view) != NULL) {
        session_view_open_group(self->view, NULL);
        sessions_refresh_tables(self);
        return true;
    }
    if (session_view_grouped_by(self->view) != SESSION_COLUMNS) {
        session_view_group_by(self->view, SESSION_COLUMNS);
        sessions_refresh_tables(self);
        return true;
    }
    return false;
}
