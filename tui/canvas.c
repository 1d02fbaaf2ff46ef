#include "config.h"

#include "tui/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/utf8.h"

/* Combining marks a cell takes; a curses cell has room for four. */
#define MARKS_MAX  4
#define PRINTF_MAX 1024

struct grid {
    struct theme theme;
    int rows, columns;
    struct cell *cells;
    bool cursor_set;
    int cursor_row, cursor_column;
    struct controls *controls; /* borrowed; NULL: nobody listens */
};

struct canvas {
    struct grid *grid;
    bool owns_grid;
    int row, column, rows, columns; /* the part of the grid that this canvas is */
};

struct canvas *canvas_new(int rows, int columns, const struct theme *theme)
{
    struct canvas *canvas = mem_zalloc(sizeof(*canvas));

    if (rows < 0)
        rows = 0;
    if (columns < 0)
        columns = 0;
    canvas->grid = mem_zalloc(sizeof(*canvas->grid));
    canvas->owns_grid = true;
    canvas->rows = canvas->grid->rows = rows;
    canvas->columns = canvas->grid->columns = columns;
    canvas->grid->theme = *theme;
    canvas->grid->cells =
        mem_array((size_t)rows * (size_t)columns + 1, sizeof(*canvas->grid->cells));
    canvas_erase(canvas);
    return canvas;
}

void canvas_free(struct canvas *canvas)
{
    if (!canvas)
        return;
    if (canvas->owns_grid) {
        free(canvas->grid->cells);
        free(canvas->grid);
    }
    free(canvas);
}

struct canvas *canvas_part(struct canvas *canvas, int row, int column, int rows, int columns)
{
    struct canvas *part = mem_zalloc(sizeof(*part));

    row = row < 0 ? 0 : row > canvas->rows ? canvas->rows : row;
    column = column < 0 ? 0 : column > canvas->columns ? canvas->columns : column;
    rows = rows < 0 ? 0 : rows > canvas->rows - row ? canvas->rows - row : rows;
    columns = columns < 0                          ? 0
              : columns > canvas->columns - column ? canvas->columns - column
                                                   : columns;
    part->grid = canvas->grid;
    part->row = canvas->row + row;
    part->column = canvas->column + column;
    part->rows = rows;
    part->columns = columns;
    return part;
}

int canvas_rows(const struct canvas *canvas)
{
    return canvas->rows;
}

int canvas_columns(const struct canvas *canvas)
{
    return canvas->columns;
}

const struct theme *canvas_theme(const struct canvas *canvas)
{
    return &canvas->grid->theme;
}

static struct cell *cell_at(const struct canvas *canvas, int row, int column)
{
    struct grid *grid = canvas->grid;

    return &grid->cells[(size_t)(canvas->row + row) * (size_t)grid->columns +
                        (size_t)(canvas->column + column)];
}

static bool inside(const struct canvas *canvas, int row, int column)
{
    return row >= 0 && row < canvas->rows && column >= 0 && column < canvas->columns;
}

static void blank(struct cell *cell, enum style style)
{
    memcpy(cell->text, " ", 2);
    cell->style = (uint8_t)style;
}

/* The other half of a wide character that is about to be half overwritten becomes a blank. The
 * other half may lie outside of a part, never outside of the grid. */
static void cut_wide(const struct canvas *canvas, int row, int column)
{
    struct cell *cell = cell_at(canvas, row, column);
    int at = canvas->column + column;

    if (cell->text[0] == '\0' && at > 0)
        blank(cell - 1, cell[-1].style);
    if (at + 1 < canvas->grid->columns && cell[1].text[0] == '\0')
        blank(cell + 1, cell[1].style);
}

void canvas_erase(struct canvas *canvas)
{
    for (int row = 0; row < canvas->rows; row++)
        canvas_fill(canvas, row, 0, canvas->columns, STYLE_NORMAL, ' ');
    if (canvas->owns_grid)
        canvas->grid->cursor_set = false;
}

/* One character of one or two columns; a wide one at an edge leaves a blank. */
static void put(struct canvas *canvas, int row, int column, enum style style, const char *bytes,
                size_t len, int width)
{
    for (int i = 0; i < width; i++) {
        if (inside(canvas, row, column + i)) {
            cut_wide(canvas, row, column + i);
            blank(cell_at(canvas, row, column + i), style);
        }
    }
    if (!inside(canvas, row, column) || !inside(canvas, row, column + width - 1))
        return;
    memcpy(cell_at(canvas, row, column)->text, bytes, len);
    cell_at(canvas, row, column)->text[len] = '\0';
    if (width == 2)
        cell_at(canvas, row, column + 1)->text[0] = '\0';
}

static void join(struct canvas *canvas, int row, int column, const char *bytes, size_t len)
{
    struct cell *cell;
    const char *at, *end;
    int marks = -1;

    if (!inside(canvas, row, column))
        return;
    cell = cell_at(canvas, row, column);
    if (cell->text[0] == '\0' && canvas->column + column > 0)
        cell--;
    at = cell->text;
    end = at + strlen(at);
    while (at < end) {
        (void)text_next(&at, end);
        marks++;
    }
    if (marks >= MARKS_MAX || strlen(cell->text) + len >= sizeof(cell->text))
        return;
    memcpy(cell->text + strlen(cell->text), bytes, len + 1);
}

/* Draws len bytes; returns the column after the last one, which may lie outside. */
static int draw(struct canvas *canvas, int row, int column, enum style style, const char *text,
                size_t len)
{
    const char *at = text, *end = text + len;
    int first = column;

    while (at < end) {
        uint32_t code_point = utf8_safe(text_next(&at, end));
        char bytes[5] = "";
        size_t n;
        int width;

        if (code_point == 0)
            continue;
        width = utf8_width(code_point);
        if (width == 0 && column == first) { /* a mark with nothing to stand on */
            width = 1;
            code_point = UTF8_REPLACEMENT;
        }
        if (!canvas->grid->theme.unicode && code_point > 0x7e) {
            for (int i = 0; i < width; i++)
                put(canvas, row, column + i, style, "?", 1, 1);
            column += width;
            continue;
        }
        n = text_encode(bytes, code_point);
        if (width == 0) {
            join(canvas, row, column - 1, bytes, n);
            continue;
        }
        put(canvas, row, column, style, bytes, n, width);
        column += width;
    }
    return column;
}

int canvas_text(struct canvas *canvas, int row, int column, enum style style, const char *text)
{
    size_t len = strlen(text);
    int end = draw(canvas, row, column, style, text, len);

    while (len > 0 && text[len - 1] == ' ')
        len--;
    /* A text that goes on outside says so. */
    if (end > canvas->columns && column >= 0 && column < canvas->columns &&
        utf8_fit(text, canvas->columns - column, NULL) < len)
        canvas_field(canvas, row, column, canvas->columns - column, style, text);
    return end;
}

int canvas_printf(struct canvas *canvas, int row, int column, enum style style, const char *fmt,
                  ...)
{
    char text[PRINTF_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return canvas_text(canvas, row, column, style, text);
}

int canvas_field(struct canvas *canvas, int row, int column, int width, enum style style,
                 const char *text)
{
    const char *dots = glyph_text(&canvas->grid->theme, GLYPH_ELLIPSIS);
    int end = column + width, dots_width = utf8_columns(dots);
    size_t fit;

    if (width <= 0)
        return column;
    canvas_fill(canvas, row, column, width, style, ' ');
    fit = utf8_fit(text, width, NULL);
    if (text[fit] == '\0') {
        draw(canvas, row, column, style, text, fit);
    } else if (width > dots_width) {
        fit = utf8_fit(text, width - dots_width, NULL);
        column = draw(canvas, row, column, style, text, fit);
        draw(canvas, row, column, style, dots, strlen(dots));
    } else {
        draw(canvas, row, column, style, text, fit);
    }
    return end;
}

void canvas_right(struct canvas *canvas, int row, int right, enum style style, const char *text)
{
    canvas_text(canvas, row, right - utf8_columns(text), style, text);
}

int canvas_mark(struct canvas *canvas, int row, int column, enum mark mark)
{
    return canvas_text(canvas, row, column, mark_style(mark), mark_text(mark));
}

int canvas_glyph(struct canvas *canvas, int row, int column, enum style style, enum glyph glyph)
{
    return canvas_text(canvas, row, column, style, glyph_text(&canvas->grid->theme, glyph));
}

void canvas_fill(struct canvas *canvas, int row, int column, int width, enum style style, char c)
{
    if (c < 0x20 || c > 0x7e)
        c = '?';
    for (int i = 0; i < width; i++)
        put(canvas, row, column + i, style, &c, 1, 1);
}

void canvas_style(struct canvas *canvas, int row, int column, int width, enum style style)
{
    for (int i = 0; i < width; i++) {
        if (inside(canvas, row, column + i))
            cell_at(canvas, row, column + i)->style = (uint8_t)style;
    }
}

/* A line over columns [column, end) with a title in it: "- Title ----" */
static void line(struct canvas *canvas, int row, int column, int end, int indent, const char *title)
{
    int at = column;

    while (at < end && at < canvas->columns)
        at = canvas_glyph(canvas, row, at, STYLE_RULE, GLYPH_LINE);
    if (title && title[0] && end - column > 2 * indent + 2) {
        int width = utf8_columns(title), room = end - column - 2 * indent - 2;

        at = column + indent;
        canvas_text(canvas, row, at, STYLE_RULE, " ");
        at = canvas_field(canvas, row, at + 1, width < room ? width : room, STYLE_RULE, title);
        canvas_text(canvas, row, at, STYLE_RULE, " ");
    }
}

void canvas_rule(struct canvas *canvas, int row, const char *title)
{
    if (canvas->grid->controls)
        (void)canvas_text(canvas, row, 2, STYLE_RULE, title ? title : "");
    else
        line(canvas, row, 0, canvas->columns, 2, title);
}

void canvas_box(struct canvas *canvas, int row, int column, int rows, int columns,
                const char *title, const char *footer)
{
    int bottom = row + rows - 1, right = column + columns - 1;

    if (rows < 2 || columns < 2)
        return;
    for (int i = row; i <= bottom && canvas->grid->controls; i++)
        canvas_fill(canvas, i, column, columns, STYLE_NORMAL, ' ');
    if (canvas->grid->controls) {
        (void)canvas_text(canvas, row, column + 2, STYLE_RULE, title ? title : "");
        return;
    }
    line(canvas, row, column + 1, right, 1, title);
    canvas_glyph(canvas, row, column, STYLE_RULE, GLYPH_TOP_LEFT);
    canvas_glyph(canvas, row, right, STYLE_RULE, GLYPH_TOP_RIGHT);
    for (int i = row + 1; i < bottom; i++) {
        canvas_glyph(canvas, i, column, STYLE_RULE, GLYPH_SIDE);
        canvas_fill(canvas, i, column + 1, columns - 2, STYLE_NORMAL, ' ');
        canvas_glyph(canvas, i, right, STYLE_RULE, GLYPH_SIDE);
    }
    line(canvas, bottom, column + 1, right, 1, footer);
    canvas_glyph(canvas, bottom, column, STYLE_RULE, GLYPH_BOTTOM_LEFT);
    canvas_glyph(canvas, bottom, right, STYLE_RULE, GLYPH_BOTTOM_RIGHT);
}

int canvas_wrap(struct canvas *canvas, int row, int column, int width, int max_rows,
                enum style style, const char *text)
{
    int rows = 0;

    while (rows < max_rows && *text) {
        size_t next, len = utf8_wrap(text, width, &next);

        if (rows == max_rows - 1 && text[next]) { /* the last row, and there is more: dots */
            char *rest = mem_strdup(text);

            rest[strcspn(rest, "\n")] = '\0';
            if (utf8_columns(rest) > width || width < 4) {
                canvas_field(canvas, row + rows, column, width, style, rest);
            } else {
                char *dotted =
                    mem_printf("%s %s", rest, glyph_text(&canvas->grid->theme, GLYPH_ELLIPSIS));

                canvas_field(canvas, row + rows, column, width, style, dotted);
                free(dotted);
            }
            free(rest);
            return rows + 1;
        }
        draw(canvas, row + rows, column, style, text, len);
        rows++;
        text += next;
    }
    return rows;
}

void canvas_cursor(struct canvas *canvas, int row, int column)
{
    struct grid *grid = canvas->grid;

    if (canvas->rows == 0 || canvas->columns == 0)
        return;
    row = row < 0 ? 0 : row >= canvas->rows ? canvas->rows - 1 : row;
    column = column < 0 ? 0 : column >= canvas->columns ? canvas->columns - 1 : column;
    grid->cursor_set = true;
    grid->cursor_row = canvas->row + row;
    grid->cursor_column = canvas->column + column;
}

bool canvas_cursor_at(const struct canvas *canvas, int *ret_row, int *ret_column)
{
    if (!canvas->grid->cursor_set)
        return false;
    *ret_row = canvas->grid->cursor_row - canvas->row;
    *ret_column = canvas->grid->cursor_column - canvas->column;
    return true;
}

const struct cell *canvas_cell(const struct canvas *canvas, int row, int column)
{
    return inside(canvas, row, column) ? cell_at(canvas, row, column) : NULL;
}

void canvas_to_text(const struct canvas *canvas, struct strbuf *out)
{
    for (int row = 0; row < canvas->rows; row++) {
        size_t full = out->len;

        for (int column = 0; column < canvas->columns; column++) {
            const struct cell *cell = cell_at(canvas, row, column);

            strbuf_add_str(out, cell->text);
            if (strcmp(cell->text, " ") != 0)
                full = out->len;
        }
        strbuf_truncate(out, full);
        strbuf_add_char(out, '\n');
    }
}

/* ---- who listens ---- */

void canvas_listen(struct canvas *canvas, struct controls *controls)
{
    canvas->grid->controls = controls;
}

bool canvas_listens(const struct canvas *canvas)
{
    return canvas->grid->controls != NULL;
}

bool canvas_control(struct canvas *canvas, enum control_kind kind, const void *widget, bool focused)
{
    struct controls *controls = canvas->grid->controls;

    if (!controls)
        return false;
    if (controls->n < CONTROLS_MAX)
        controls->list[controls->n++] = (struct control){kind, widget, focused};
    return true;
}

const struct control *controls_main(const struct controls *controls)
{
    const struct control *found = NULL;

    for (size_t i = 0; i < controls->n; i++) {
        const struct control *control = &controls->list[i];

        /* a dialog lies over all others; who types somewhere types there */
        if (control->kind == CONTROL_DIALOG)
            return control;
        if (!found || (control->focused && (!found->focused || control->kind >= CONTROL_TEXT)))
            found = control;
    }
    return found;
}
