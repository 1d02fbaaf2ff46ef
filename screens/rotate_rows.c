/* rotate_rows.c - the lines of "Renew and rotate": cells, words and marks. */
#include "config.h"

#include "screens/rotate_rows.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "screens/rotation_job.h"

enum column {
    COLUMN_MARKED,
    COLUMN_WHAT,
    COLUMN_NAME,
    COLUMN_ENDS,
    COLUMN_LEFT,
    COLUMN_USED_ON,
    COLUMN_STATE
};

static const struct table_column columns[] = {
    [COLUMN_MARKED] = {.title = "", .width = 1, .keep = 92},
    [COLUMN_WHAT] = {.title = N_("WHAT"), .width = 9, .keep = 90},
    [COLUMN_NAME] = {.title = N_("NAME"), .width = 17, .keep = 95, .grow = true},
    [COLUMN_ENDS] = {.title = N_("ENDS"), .width = 10, .keep = 70},
    [COLUMN_LEFT] = {.title = N_("LEFT"), .width = 6, .keep = 80, .right = true},
    [COLUMN_USED_ON] = {.title = N_("USED ON"), .width = 12, .keep = 60},
    [COLUMN_STATE] = {.title = N_("STATE"), .width = 13, .keep = 100},
};

static const char *const kinds[] = {
    [TIMELINE_CLIENT] = N_("client"),    [TIMELINE_SERVER] = N_("server"),
    [TIMELINE_CRL] = N_("CRL"),          [TIMELINE_CA] = N_("CA"),
    [TIMELINE_FOREIGN] = N_("CRL else"),
};

static size_t rows_count(const void *arg)
{
    const struct rotate_rows *self = arg;

    return self->data != NULL ? self->data->n : 0;
}

static uint64_t rows_key(const void *arg, size_t i)
{
    const struct rotate_rows *self = arg;
    const struct timeline_row *row = self->data->rows[i].end;
    uint64_t hash = UINT64_C(14695981039346656037);

    if (row == NULL)
        return (uint64_t)self->data->rows[i].rotation->id;
    hash += row->kind;
    for (const char *at = row->which; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    return hash;
}

static bool is_marked(const struct rotate_rows *self, uint64_t key)
{
    for (size_t i = 0; i < self->n_marked; i++)
        if (self->marked[i] == key)
            return true;
    return false;
}

static void left_text(int64_t left, struct strbuf *out)
{
    int64_t days = left / CLOCK_DAY;

    if (left <= 0)
        strbuf_add_str(out, "-");
    else if (left < CLOCK_DAY)
        strbuf_printf(out, _("%lld h"), (long long)(left / 3600));
    else
        strbuf_printf(out, _("%lld d"), (long long)days);
}

static const char *state_word(const struct timeline_row *row)
{
    if (row->revoked)
        return _("revoked");
    if (row->followed)
        return _("replaced");
    return row->mark == MARK_BAD ? _("ended") : row->mark == MARK_WARN ? _("renew") : _("good");
}

static size_t rotation_steps(const struct rotation *rotation)
{
    return rotate_phase_count(rotation->kind);
}

static void rotation_cell(const struct rotate_row *row, enum column column, struct strbuf *out)
{
    int64_t waits = rotation_waits_for(row->rotation->kind, &row->counts);

    switch (column) {
    case COLUMN_MARKED:
        break;
    case COLUMN_WHAT:
        strbuf_add_str(out, rotation_kind_text(row->rotation->kind));
        break;
    case COLUMN_NAME:
        strbuf_add_str(out, row->name);
        break;
    case COLUMN_ENDS:
    case COLUMN_LEFT:
        strbuf_add_char(out, '-');
        break;
    case COLUMN_USED_ON:
        if (waits > 0)
            strbuf_printf(out, _("%lld to move"), (long long)waits);
        else
            strbuf_add_char(out, '-');
        break;
    case COLUMN_STATE:
        strbuf_printf(out, _("%s step %d/%zu"), mark_text(MARK_HERE), row->rotation->phase + 1,
                      rotation_steps(row->rotation));
        break;
    }
}

static void rows_cell(const void *arg, size_t i, size_t column, struct strbuf *out)
{
    const struct rotate_rows *self = arg;
    const struct rotate_row *row = &self->data->rows[i];
    char date[CLOCK_TEXT_MAX];

    if (row->end == NULL) {
        rotation_cell(row, (enum column)column, out);
        return;
    }
    switch ((enum column)column) {
    case COLUMN_MARKED:
        strbuf_add_str(out, is_marked(self, rows_key(self, i)) ? "*" : "");
        break;
    case COLUMN_WHAT:
        strbuf_add_str(out, gettext(kinds[row->end->kind]));
        break;
    case COLUMN_NAME:
        strbuf_add_str(out, row->end->name);
        break;
    case COLUMN_ENDS:
        strbuf_add_str(out, clock_format_date(date, row->end->ends_at));
        break;
    case COLUMN_LEFT:
        left_text(row->end->ends_at - self->data->now, out);
        break;
    case COLUMN_USED_ON:
        strbuf_add_str(out, row->used_on[0] != '\0' ? row->used_on : "-");
        break;
    case COLUMN_STATE:
        strbuf_printf(out, "%s %s", mark_text(row->end->mark), state_word(row->end));
        break;
    }
}

static enum style rows_style(const void *arg, size_t i, size_t column)
{
    const struct rotate_row *row = &((const struct rotate_rows *)arg)->data->rows[i];

    return column == COLUMN_STATE    ? mark_style(row->end != NULL ? row->end->mark : MARK_HERE)
           : column == COLUMN_MARKED ? STYLE_STRONG
                                     : STYLE_NORMAL;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, rows_style};

struct table *rotate_rows_table(const struct rotate_rows *self)
{
    return table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
}

/* ---- marks ---- */

bool rotate_rows_marked(const struct rotate_rows *self, size_t i)
{
    return is_marked(self, rows_key(self, i));
}

bool rotate_rows_toggle(struct rotate_rows *self, size_t i)
{
    uint64_t key = rows_key(self, i);

    for (size_t k = 0; k < self->n_marked; k++) {
        if (self->marked[k] != key)
            continue;
        self->marked[k] = self->marked[--self->n_marked];
        return true;
    }
    if (self->n_marked == ROTATE_SEVERAL_MAX)
        return false;
    self->marked = mem_realloc_array(self->marked, self->n_marked + 1, sizeof(*self->marked));
    self->marked[self->n_marked++] = key;
    return true;
}

void rotate_rows_unmark(struct rotate_rows *self)
{
    self->n_marked = 0;
}

void rotate_rows_clear(struct rotate_rows *self)
{
    rotate_job_free(self->data);
    free(self->marked);
    *self = (struct rotate_rows){.data = NULL};
}
