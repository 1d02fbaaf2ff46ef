/* text_page.c - a text to be read: what a step does, the log of a change. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/pages.h"
#include "tui/utf8.h"

#define INDENT   2
#define HANG_MAX 24 /* a gap up to here is taken for the end of a first column */

/* Of the last picture: what a page down is. Apart, since drawing changes no page. */
struct picture {
    int height;
    size_t n; /* rows of the whole text at that width */
};

struct text_page {
    char *title, *path;
    char *text;
    bool script; /* its lines can be run */
    size_t top;
    struct picture *picture;
};

/* Where the rest of a wrapped line begins: below its second column, or a bit to the right. */
static int hang_of(const char *line, size_t len, int width)
{
    size_t start = strspn(line, " "), hang = 0;

    for (size_t i = start; i + 2 < len && i < HANG_MAX; i++) {
        if (line[i] == ' ' && line[i + 1] == ' ')
            hang = i + strspn(line + i, " ");
    }
    if (hang == 0)
        hang = start > 0 ? start + 2 : 0;
    return (int)hang < width / 2 ? (int)hang : 0;
}

/* Draws one line from the row on; rows above 0 are only counted. Returns the rows that it takes. */
static int draw_line(struct canvas *body, int row, const char *line, size_t len)
{
    int width = canvas_columns(body) - INDENT - 2, hang = 0, rows = 0;
    char *copy = mem_strndup(line, len);
    const char *rest = copy;

    do {
        size_t next, part = utf8_wrap(rest, width - hang, &next);
        char *text = mem_strndup(rest, part);

        if (row + rows >= 0 && row + rows < canvas_rows(body))
            canvas_text(body, row + rows, INDENT + hang, STYLE_NORMAL, text);
        free(text);
        if (rows++ == 0)
            hang = hang_of(copy, len, width);
        rest += next;
    } while (*rest != '\0');
    free(copy);
    return rows;
}

static void move(struct text_page *self, size_t by, bool down)
{
    size_t height = (size_t)self->picture->height, n = self->picture->n;
    size_t last = n > height ? n - height : 0;

    if (!down)
        self->top = self->top > by ? self->top - by : 0;
    else
        self->top = self->top + by < last ? self->top + by : last;
}

static struct nav text_event(void *arg, const struct event *event)
{
    struct text_page *self = arg;
    size_t page = self->picture->height > 1 ? (size_t)self->picture->height - 1 : 1;

    if (event->type != EVENT_KEY)
        return nav_stay();
    switch (event->key) {
    case KEY_CODE_ESC:
    case KEY_CODE_ENTER:
    case KEY_CODE_LEFT:
        return nav_pop();
    case KEY_CODE_UP:
    case 'k':
        move(self, 1, false);
        break;
    case KEY_CODE_DOWN:
    case 'j':
        move(self, 1, true);
        break;
    case KEY_CODE_PAGE_UP:
        move(self, page, false);
        break;
    case KEY_CODE_PAGE_DOWN:
    case ' ':
        move(self, page, true);
        break;
    case KEY_CODE_HOME:
    case 'g':
        self->top = 0;
        break;
    case KEY_CODE_END:
    case 'G':
        move(self, self->picture->n, true);
        break;
    }
    return nav_stay();
}

static void text_draw(const void *arg, struct canvas *body)
{
    const struct text_page *self = arg;
    int row = -(int)self->top;

    for (const char *line = self->text; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        row += draw_line(body, row, line, len);
        line += len + (line[len] == '\n');
    }
    self->picture->height = canvas_rows(body);
    self->picture->n = (size_t)(row + (int)self->top);
    canvas_cursor(body, 0, 0);
}

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {"F2", N_("Commands"), N_("the text, where w writes it into a file"), 60},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 80},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {NULL, NULL, NULL, 0},
};

static void text_frame(const void *arg, struct frame *ret)
{
    const struct text_page *self = arg;
    size_t height = (size_t)self->picture->height, n = self->picture->n;
    size_t last = self->top + height;

    snprintf(ret->title, sizeof(ret->title), "%.79s", self->title);
    snprintf(ret->path, sizeof(ret->path), "%.159s", self->path);
    if (height > 0 && n > height)
        snprintf(ret->path_right, sizeof(ret->path_right), _("%zu to %zu of %zu"), self->top + 1,
                 last < n ? last : n, n);
    ret->bindings = bindings;
    ret->why = _("Only shown: nothing runs from here.");
    snprintf(ret->message, sizeof(ret->message), "%s", _("Esc goes back."));
}

/* The same, where it can be written into a file; what is no command is a comment there. */
static void text_commands(const void *arg, struct strbuf *out)
{
    const struct text_page *self = arg;

    for (const char *line = self->text; *line != '\0' && !self->script;) {
        size_t len = strcspn(line, "\n");

        strbuf_add_str(out, len > 0 ? "# " : "#");
        strbuf_add(out, line, len);
        strbuf_add_char(out, '\n');
        line += len + (line[len] == '\n');
    }
    if (self->script)
        strbuf_add_str(out, self->text);
}

static void text_free(void *arg)
{
    struct text_page *self = arg;

    free(self->title);
    free(self->path);
    free(self->text);
    free(self->picture);
    free(self);
}

static const struct screen_ops text_ops = {
    .name = "text",
    .event = text_event,
    .draw = text_draw,
    .frame = text_frame,
    .commands = text_commands,
    .free = text_free,
};

struct screen *page_text(const char *title, const char *path, const char *text)
{
    struct text_page *self = mem_zalloc(sizeof(*self));
    struct strbuf clean = STRBUF_INIT;

    text_clean(&clean, text, strlen(text), TEXT_KEEP_NEWLINES);
    self->picture = mem_zalloc(sizeof(*self->picture));
    self->title = mem_strdup(title);
    self->path = mem_strdup(path);
    self->text = strbuf_steal(&clean);
    return screen_new(&text_ops, self);
}

struct screen *page_script(const char *title, const char *path, const char *text)
{
    struct screen *screen = page_text(title, path, text);

    ((struct text_page *)screen->self)->script = true;
    return screen;
}
