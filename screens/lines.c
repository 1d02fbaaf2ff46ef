/* lines.c - lines about one thing, scrolled. */
#include "config.h"

#include "screens/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "tui/event.h"
#include "tui/utf8.h"

#define INDENT    2
#define LABEL_MAX 20
#define NARROW    16 /* columns of text, at least */

struct line {
    int level;
    enum mark mark;
    char *label; /* or NULL */
    char *text;
    bool head;
};

/* What the last picture had room for: what a page is. Apart, since drawing changes no page. */
struct view {
    size_t seen;
    bool end;
};

struct lines {
    struct line *rows;
    size_t n;
    size_t top;
    struct view *view; /* owned */
};

struct lines *lines_new(void)
{
    struct lines *lines = mem_zalloc(sizeof(*lines));

    lines->view = mem_zalloc(sizeof(*lines->view));
    return lines;
}

void lines_clear(struct lines *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
        free(lines->rows[i].label);
        free(lines->rows[i].text);
    }
    lines->n = 0;
    lines->top = 0;
    lines->view->seen = 0;
}

void lines_free(struct lines *lines)
{
    if (lines == NULL)
        return;
    lines_clear(lines);
    free(lines->rows);
    free(lines->view);
    free(lines);
}

static struct line *add(struct lines *lines)
{
    if ((lines->n & (lines->n - 1)) == 0) /* grows by doubling */
        lines->rows =
            mem_realloc_array(lines->rows, lines->n == 0 ? 1 : lines->n * 2, sizeof(*lines->rows));
    lines->rows[lines->n] = (struct line){0};
    return &lines->rows[lines->n++];
}

void lines_add(struct lines *lines, int level, enum mark mark, const char *label, const char *text)
{
    struct line *line = add(lines);

    line->level = level;
    line->mark = mark;
    line->label = mem_strdup(label);
    line->text = mem_strdup(text != NULL ? text : "");
}

void lines_printf(struct lines *lines, int level, enum mark mark, const char *label,
                  const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    lines_add(lines, level, mark, label, text.data);
    strbuf_clear(&text);
}

void lines_head(struct lines *lines, const char *text)
{
    if (lines->n > 0)
        lines_add(lines, 0, MARK_NONE, NULL, "");
    lines_add(lines, 0, MARK_NONE, NULL, text);
    lines->rows[lines->n - 1].head = true;
}

static enum mark mark_of(enum inspect_mark mark)
{
    switch (mark) {
    case INSPECT_PLAIN:
        return MARK_NONE;
    case INSPECT_GOOD:
        return MARK_OK;
    case INSPECT_NOTE:
        return MARK_OFF;
    case INSPECT_WARN:
        return MARK_WARN;
    case INSPECT_BAD:
        break;
    }
    return MARK_BAD;
}

void lines_tree(struct lines *lines, const struct inspect_node *node, int level)
{
    for (size_t i = 0; i < node->n; i++) {
        const struct inspect_node *child = node->children[i];

        lines_add(lines, level, mark_of(child->mark), child->label[0] != '\0' ? child->label : NULL,
                  child->text);
        lines_tree(lines, child, level + 1); /* as deep as inspect.c made it */
    }
}

size_t lines_count(const struct lines *lines)
{
    return lines->n;
}

/* ---- moving ---- */

static void move(struct lines *lines, size_t by, bool down)
{
    if (!down)
        lines->top = lines->top > by ? lines->top - by : 0;
    else if (!lines->view->end)
        lines->top = lines->top + by < lines->n ? lines->top + by : lines->n - 1;
}

bool lines_key(struct lines *lines, uint32_t key)
{
    size_t page = lines->view->seen > 1 ? lines->view->seen - 1 : 1;

    switch (key) {
    case KEY_CODE_UP:
    case 'k':
        move(lines, 1, false);
        return true;
    case KEY_CODE_DOWN:
    case 'j':
        move(lines, 1, true);
        return true;
    case KEY_CODE_PAGE_UP:
        move(lines, page, false);
        return true;
    case KEY_CODE_PAGE_DOWN:
    case ' ':
        move(lines, page, true);
        return true;
    case KEY_CODE_HOME:
    case 'g':
        lines->top = 0;
        return true;
    case KEY_CODE_END:
    case 'G':
        if (!lines->view->end && lines->n > page)
            lines->top = lines->n - page;
        return true;
    }
    return false;
}

/* ---- drawing ---- */

static int label_width(const struct lines *lines, size_t at)
{
    int level = lines->rows[at].level, width = 0;
    size_t from = at;

    while (from > 0 && lines->rows[from - 1].level >= level && !lines->rows[from - 1].head)
        from--;
    for (size_t i = from; i < lines->n && lines->rows[i].level >= level; i++) {
        const struct line *line = &lines->rows[i];
        int columns = line->label != NULL && line->level == level ? utf8_columns(line->label) : 0;

        if (line->head && i > at)
            break;
        if (columns > width)
            width = columns;
    }
    return width < LABEL_MAX ? width : LABEL_MAX;
}

static bool fits(const char *text, int width, int rows)
{
    while (*text != '\0' && rows-- > 0) {
        size_t next;

        (void)utf8_wrap(text, width, &next);
        text += next;
    }
    return *text == '\0';
}

/* Returns the rows used; *ret_whole false: it was cut at the end of the picture. */
static int draw_line(const struct lines *lines, size_t at, struct canvas *canvas, int row, int rows,
                     bool *ret_whole)
{
    const struct line *line = &lines->rows[at];
    int column = INDENT * (1 + line->level), right = canvas_columns(canvas) - 2, used;
    enum style style = line->head ? STYLE_STRONG : STYLE_NORMAL;

    if (line->label != NULL) {
        int width = label_width(lines, at);

        canvas_field(canvas, row, column, width, STYLE_LABEL, line->label);
        column += width + 2;
    }
    if (line->mark != MARK_NONE)
        column = canvas_mark(canvas, row, column, line->mark) + 1;
    if (right - column < NARROW)
        right = column + NARROW;
    *ret_whole = fits(line->text, right - column, rows);
    used = line->text[0] != '\0'
               ? canvas_wrap(canvas, row, column, right - column, rows, style, line->text)
               : 1;
    return used > 0 ? used : 1;
}

void lines_draw(const struct lines *lines, struct canvas *canvas, int row, int rows)
{
    struct canvas *part = canvas_part(canvas, row, 0, rows, canvas_columns(canvas));
    int height = canvas_rows(part), at = 0;
    bool whole = true;
    size_t i;

    for (i = lines->top; i < lines->n && at < height; i++)
        at += draw_line(lines, i, part, at, height - at, &whole);
    lines->view->seen = i - lines->top;
    lines->view->end = i >= lines->n && whole;
    canvas_cursor(part, 0, 0);
    canvas_free(part);
}

bool lines_more(const struct lines *lines)
{
    return lines->view->seen > 0 && !lines->view->end;
}

void lines_where(const struct lines *lines, char *out, size_t size)
{
    out[0] = '\0';
    if (lines->top > 0 || lines_more(lines))
        snprintf(out, size, _("from line %zu of %zu"), lines->top + 1, lines->n);
}
