/* table.c - a list with columns, a cursor row, and a filter. */
#include "config.h"

#include "tui/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "tui/event.h"
#include "tui/text_field.h"
#include "tui/utf8.h"

#define COLUMNS_MAX  16
#define INDENT       3 /* " > " */
#define GAP          2 /* 1, before a column has to go */
#define FILTER_MAX   64
#define FILTER_WIDTH 30
#define MEASURED     256 /* rows that are asked how wide their cells are */
#define READABLE                                                                                   \
    100 /* columns: the eye loses its row when what belongs together is further apart */

/* What the last draw had room for. Not state: drawing twice gives the same picture; but PgDn must know
 * how far a page is. */
struct view {
    size_t top;
    size_t height;
};

struct table {
    const struct table_column *columns; /* borrowed, as rows and arg */
    size_t n_columns;
    const struct table_rows *rows;
    const void *arg;
    bool (*match)(const void *arg, size_t row, const char *filter); /* or NULL */
    size_t *seen; /* rows of the page that pass the filter */
    size_t n_seen;
    size_t at; /* index into seen */
    uint64_t key;
    bool has_key;
    size_t before, behind;     /* rows that the page does not hold */
    struct text_field *filter; /* owned */
    bool typing;
    struct view *view; /* owned */
    size_t sorted;     /* column; SIZE_MAX: none */
    bool reverse;
};

struct table *table_new(const struct table_column *columns, size_t n_columns,
                        const struct table_rows *rows, const void *arg)
{
    struct table *table = mem_zalloc(sizeof(*table));

    table->columns = columns;
    table->n_columns = n_columns < COLUMNS_MAX ? n_columns : COLUMNS_MAX;
    table->rows = rows;
    table->arg = arg;
    table->filter = text_field_new(FILTER_MAX);
    table->view = mem_zalloc(sizeof(*table->view));
    table->view->height = 10;
    table->sorted = SIZE_MAX;
    table_refresh(table);
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    free(table->seen);
    free(table->view);
    text_field_free(table->filter);
    free(table);
}

void table_set_sorted(struct table *table, size_t column, bool reverse)
{
    table->sorted = column;
    table->reverse = reverse;
}

static bool passes(const struct table *table, size_t row, struct strbuf *cell)
{
    const char *filter = table_filter(table);

    if (!filter[0])
        return true;
    if (table->match)
        return table->match(table->arg, row, filter);
    for (size_t column = 0; column < table->n_columns; column++) {
        strbuf_reset(cell);
        table->rows->cell(table->arg, row, column, cell);
        if (strcasestr(cell->data, filter))
            return true;
    }
    return false;
}

static void set_at(struct table *table, size_t at)
{
    if (table->n_seen == 0) {
        table->at = 0;
        return;
    }
    table->at = at < table->n_seen ? at : table->n_seen - 1;
    table->key = table->rows->key(table->arg, table->seen[table->at]);
    table->has_key = true;
}

void table_refresh(struct table *table)
{
    size_t n = table->rows->count(table->arg);
    struct strbuf cell = STRBUF_INIT;

    table->seen = mem_realloc_array(table->seen, n + 1, sizeof(*table->seen));
    table->n_seen = 0;
    for (size_t row = 0; row < n; row++) {
        if (passes(table, row, &cell))
            table->seen[table->n_seen++] = row;
    }
    strbuf_clear(&cell);
    if (!table->has_key || !table_select(table, table->key))
        set_at(table, table->at);
}

void table_set_window(struct table *table, size_t before, size_t behind)
{
    table->before = before;
    table->behind = behind;
}

void table_set_match(struct table *table,
                     bool (*match)(const void *arg, size_t row, const char *filter))
{
    table->match = match;
}

void table_set_filter(struct table *table, const char *filter)
{
    table->typing = false;
    text_field_set(table->filter, filter);
    table_refresh(table);
}

bool table_has_row(const struct table *table)
{
    return table->n_seen > 0;
}

size_t table_row(const struct table *table)
{
    return table->seen[table->at];
}

size_t table_seen(const struct table *table)
{
    return table->n_seen;
}

const struct table_column *table_columns(const struct table *table, size_t *ret_n)
{
    *ret_n = table->n_columns;
    return table->columns;
}

void table_cell(const struct table *table, size_t seen, size_t column, struct strbuf *out)
{
    table->rows->cell(table->arg, table->seen[seen], column, out);
}

size_t table_at(const struct table *table)
{
    return table->at;
}

size_t table_beyond(const struct table *table)
{
    return table->before + table->behind;
}

bool table_select(struct table *table, uint64_t key)
{
    for (size_t i = 0; i < table->n_seen; i++) {
        if (table->rows->key(table->arg, table->seen[i]) == key) {
            set_at(table, i);
            return true;
        }
    }
    return false;
}

const char *table_filter(const struct table *table)
{
    return text_field_get(table->filter);
}

bool table_takes_text(const struct table *table)
{
    return table->typing;
}

static enum table_result move(struct table *table, bool down, size_t rows)
{
    size_t at = table->at;

    set_at(table, down ? at + rows : at > rows ? at - rows : 0);
    return TABLE_USED;
}

static enum table_result clear_filter(struct table *table)
{
    bool was_set = table->typing || table_filter(table)[0];

    table->typing = false;
    text_field_set(table->filter, "");
    table_refresh(table);
    return was_set ? TABLE_USED : TABLE_IGNORED;
}

static enum table_result typing_key(struct table *table, uint32_t key)
{
    switch (key) {
    case KEY_CODE_ESC:
        return clear_filter(table);
    case KEY_CODE_ENTER:
        table->typing = false;
        return TABLE_USED;
    case KEY_CODE_UP:
        return move(table, false, 1);
    case KEY_CODE_DOWN:
        return move(table, true, 1);
    }
    if (!text_field_key(table->filter, key))
        return TABLE_IGNORED;
    table_refresh(table);
    return TABLE_USED;
}

enum table_result table_key(struct table *table, uint32_t key)
{
    size_t page = table->view->height > 1 ? table->view->height - 1 : 1;

    if (table->typing)
        return typing_key(table, key);
    switch (key) {
    case KEY_CODE_UP:
    case KEY_CODE_CTRL('p'):
    case 'k':
        return move(table, false, 1);
    case KEY_CODE_DOWN:
    case KEY_CODE_CTRL('n'):
    case 'j':
        return move(table, true, 1);
    case KEY_CODE_PAGE_UP:
        return move(table, false, page);
    case KEY_CODE_PAGE_DOWN:
        return move(table, true, page);
    case KEY_CODE_CTRL('u'):
        return move(table, false, (page + 1) / 2);
    case KEY_CODE_CTRL('d'):
        return move(table, true, (page + 1) / 2);
    case KEY_CODE_HOME:
    case 'g':
        set_at(table, 0);
        return TABLE_USED;
    case KEY_CODE_END:
    case 'G':
        set_at(table, table->n_seen ? table->n_seen - 1 : 0);
        return TABLE_USED;
    case '/':
        table->typing = true;
        return TABLE_USED;
    case 'n':
    case 'N': /* every row that is seen is a hit */
        return table_filter(table)[0] ? move(table, key == 'n', 1) : TABLE_IGNORED;
    case KEY_CODE_ESC:
        return clear_filter(table);
    case KEY_CODE_ENTER:
        return table->n_seen > 0 ? TABLE_CHOSEN : TABLE_IGNORED;
    }
    return TABLE_IGNORED;
}

void table_paste(struct table *table, const char *bytes, size_t len)
{
    if (!table->typing)
        return;
    (void)text_field_paste(table->filter, bytes, len); /* what does not fit shows by itself */
    table_refresh(table);
}

/* ---- drawing ---- */

struct layout {
    bool shown[COLUMNS_MAX];
    int width[COLUMNS_MAX];
    int gap;
};

static int needed(const struct table *table, const struct layout *layout)
{
    int sum = INDENT;

    for (size_t i = 0; i < table->n_columns; i++) {
        if (layout->shown[i])
            sum += layout->width[i] + layout->gap;
    }
    return sum - layout->gap;
}

static void lay_out(const struct table *table, int columns, struct layout *ret)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        ret->shown[i] = true;
        ret->width[i] = table->columns[i].width;
    }
    ret->gap = GAP;
    if (needed(table, ret) > columns)
        ret->gap = 1;
    while (needed(table, ret) > columns) {
        size_t least = table->n_columns, shown = 0;

        for (size_t i = 0; i < table->n_columns; i++) {
            if (!ret->shown[i])
                continue;
            shown++;
            if (least == table->n_columns || table->columns[i].keep < table->columns[least].keep)
                least = i;
        }
        if (shown < 2)
            break;
        ret->shown[least] = false;
    }
}

/* What the cells of a column need: of the first rows, and of those that are in the window. */
static int widest(const struct table *table, size_t column, size_t top, size_t height)
{
    struct strbuf cell = STRBUF_INIT;
    int most = 0;

    for (size_t i = 0; i < table->n_seen && i < top + height; i++) {
        int columns;

        if (i >= MEASURED && i < top)
            i = top;
        strbuf_reset(&cell);
        table->rows->cell(table->arg, table->seen[i], column, &cell);
        columns = utf8_columns(cell.data);
        most = columns > most ? columns : most;
    }
    strbuf_clear(&cell);
    return most;
}

/* Room that is left over: half of it to the columns whose cells would be cut, then to the one that
 * grows: as far as its cells need it, and beyond that only while a row is easy to follow. */
static void widen(const struct table *table, int columns, size_t top, size_t height,
                  struct layout *layout)
{
    int left = columns - needed(table, layout), spare = left / 2;

    for (size_t i = 0; i < table->n_columns && spare > 0; i++) {
        int more;

        if (!layout->shown[i] || table->columns[i].grow)
            continue;
        more = widest(table, i, top, height) - layout->width[i];
        if (more <= 0)
            continue;
        layout->width[i] += more < spare ? more : spare;
        spare -= more < spare ? more : spare;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        int more, room;

        left = columns - needed(table, layout);
        if (!layout->shown[i] || !table->columns[i].grow || left <= 0)
            continue;
        more = widest(table, i, top, height) - layout->width[i];
        room = READABLE - needed(table, layout);
        more = more > room ? more : room;
        layout->width[i] += more < 0 ? 0 : more < left ? more : left;
    }
}

static void draw_cell(struct canvas *canvas, int row, int column, int width, bool right,
                      enum style style, const char *text)
{
    int columns = utf8_columns(text);

    if (right && columns < width)
        canvas_text(canvas, row, column + width - columns, style, text);
    else
        canvas_field(canvas, row, column, width, style, text);
}

static void draw_row(const struct table *table, const struct layout *layout, struct canvas *canvas,
                     int at, size_t row)
{
    struct strbuf cell = STRBUF_INIT;
    int column = INDENT;

    for (size_t i = 0; i < table->n_columns; i++) {
        enum style style =
            table->rows->style ? table->rows->style(table->arg, row, i) : STYLE_NORMAL;

        if (!layout->shown[i])
            continue;
        strbuf_reset(&cell);
        table->rows->cell(table->arg, row, i, &cell);
        draw_cell(canvas, at, column, layout->width[i], table->columns[i].right, style, cell.data);
        column += layout->width[i] + layout->gap;
    }
    strbuf_clear(&cell);
}

/* "PID^": the rows go by it; it may use the gap behind it. */
static void draw_title(const struct table *table, const struct layout *layout,
                       struct canvas *canvas, size_t i, int column)
{
    bool right = table->columns[i].right;
    const char *arrow = i != table->sorted ? "" : table->reverse ? "v" : "^";
    char title[64];

    snprintf(title, sizeof(title), "%s%s%s", right ? arrow : "", gettext(table->columns[i].title),
             right ? "" : arrow);
    draw_cell(canvas, 0, column, layout->width[i] + (right || !arrow[0] ? 0 : layout->gap), right,
              STYLE_STRONG, title);
}

static void draw_titles(const struct table *table, const struct layout *layout,
                        struct canvas *canvas)
{
    int column = INDENT;

    for (size_t i = 0; i < table->n_columns; i++) {
        if (!layout->shown[i])
            continue;
        draw_title(table, layout, canvas, i, column);
        column += layout->width[i] + layout->gap;
    }
}

static void draw_filter(const struct table *table, struct canvas *canvas, int at)
{
    int end = canvas_text(canvas, at, 1, STYLE_LABEL, "/ ");

    text_field_draw(table->filter, canvas, at, end, FILTER_WIDTH, true);
    canvas_printf(canvas, at, end + FILTER_WIDTH + 2, STYLE_NORMAL, _("%zu of %zu"), table->n_seen,
                  table->rows->count(table->arg));
}

/* The first row that is seen: moves only as far as the cursor needs it. */
static size_t choose_top(const struct table *table, size_t height)
{
    size_t top = table->view->top;

    if (table->at < top)
        top = table->at;
    if (table->at >= top + height)
        top = table->at + 1 - height;
    if (top + height > table->n_seen)
        top = table->n_seen > height ? table->n_seen - height : 0;
    return top;
}

void table_draw(const struct table *table, struct canvas *canvas, int row, int rows, bool focused)
{
    struct canvas *part = canvas_part(canvas, row, 0, rows, canvas_columns(canvas));
    int height = canvas_rows(part) - 1 - (table->typing ? 1 : 0);
    struct layout layout;
    size_t top, n;

    if (canvas_control(canvas, CONTROL_TABLE, table, focused) || height < 1)
        goto out;
    if ((table->n_seen > (size_t)height || table->before > 0 || table->behind > 0) && height > 2)
        height--; /* the line that says how many more */
    n = (size_t)height;
    top = choose_top(table, n);
    table->view->top = top;
    table->view->height = n;
    lay_out(table, canvas_columns(part), &layout);
    widen(table, canvas_columns(part), top, n, &layout);
    draw_titles(table, &layout, part);
    for (size_t i = top; i < table->n_seen && i < top + n; i++) {
        int at = 1 + (int)(i - top);

        draw_row(table, &layout, part, at, table->seen[i]);
        if (i != table->at)
            continue;
        canvas_glyph(part, at, 1, STYLE_NORMAL, GLYPH_POINTER);
        if (focused) {
            canvas_style(part, at, INDENT, canvas_columns(part) - INDENT, STYLE_FOCUS);
            canvas_cursor(part, at, 1);
        }
    }
    if (top + n < table->n_seen || table->behind > 0)
        canvas_printf(part, 1 + height, INDENT, STYLE_NORMAL, _("... %zu more, PgDn"),
                      (top + n < table->n_seen ? table->n_seen - top - n : 0) + table->behind);
    else if (top + table->before > 0)
        canvas_printf(part, 1 + height, INDENT, STYLE_NORMAL, _("... %zu before, PgUp"),
                      top + table->before);
    if (table->typing)
        draw_filter(table, part, canvas_rows(part) - 1);
out:
    canvas_free(part);
}
