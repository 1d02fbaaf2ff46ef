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

#define INDENT 2
#define WIDTH  76

struct text_page {
    char *title, *path;
    char **lines; /* wrapped */
    size_t n;
    size_t top;
    int *
        height; /* of the last picture: what a page down is; apart, since drawing changes no page */
};

static void add(struct text_page *self, const char *line, size_t len)
{
    self->lines = mem_realloc_array(self->lines, self->n + 1, sizeof(*self->lines));
    self->lines[self->n++] = mem_strndup(line, len);
}

static void split(struct text_page *self, const char *text)
{
    while (*text != '\0') {
        size_t next, len = utf8_wrap(text, WIDTH, &next);

        add(self, text, len);
        text += next;
    }
}

static void move(struct text_page *self, size_t by, bool down)
{
    size_t last = self->n > (size_t)*self->height ? self->n - (size_t)*self->height : 0;

    if (!down)
        self->top = self->top > by ? self->top - by : 0;
    else
        self->top = self->top + by < last ? self->top + by : last;
}

static struct nav text_event(void *arg, const struct event *event)
{
    struct text_page *self = arg;
    size_t page = *self->height > 1 ? (size_t)*self->height - 1 : 1;

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
        move(self, self->n, true);
        break;
    }
    return nav_stay();
}

static void text_draw(const void *arg, struct canvas *body)
{
    const struct text_page *self = arg;
    size_t rows = (size_t)canvas_rows(body);

    *self->height = canvas_rows(body);
    for (size_t i = 0; i < rows && self->top + i < self->n; i++)
        canvas_field(body, (int)i, INDENT, canvas_columns(body) - INDENT - 2, STYLE_NORMAL,
                     self->lines[self->top + i]);
    canvas_cursor(body, 0, 0);
}

static const struct binding bindings[] = {
    {"F1", N_("Help"), N_("this help"), 100},
    {N_("Up Down"), N_("Move"), N_("a line; PgUp PgDn a page; Home End"), 80},
    {"Esc", N_("Back"), N_("one step back"), 95},
    {NULL, NULL, NULL, 0},
};

static void text_frame(const void *arg, struct frame *ret)
{
    const struct text_page *self = arg;
    size_t last = self->top + (size_t)*self->height;

    snprintf(ret->title, sizeof(ret->title), "%.79s", self->title);
    snprintf(ret->path, sizeof(ret->path), "%.159s", self->path);
    if (*self->height > 0 && self->n > (size_t)*self->height)
        snprintf(ret->path_right, sizeof(ret->path_right), _("%zu to %zu of %zu"), self->top + 1,
                 last < self->n ? last : self->n, self->n);
    ret->bindings = bindings;
    ret->why = _("Only shown: nothing runs from here.");
    snprintf(ret->message, sizeof(ret->message), "%s", _("Esc goes back."));
}

static void text_free(void *arg)
{
    struct text_page *self = arg;

    free(self->title);
    free(self->path);
    for (size_t i = 0; i < self->n; i++)
        free(self->lines[i]);
    free(self->lines);
    free(self->height);
    free(self);
}

static const struct screen_ops text_ops = {
    .name = "text",
    .event = text_event,
    .draw = text_draw,
    .frame = text_frame,
    .free = text_free,
};

struct screen *page_text(const char *title, const char *path, const char *text)
{
    struct text_page *self = mem_zalloc(sizeof(*self));
    struct strbuf clean = STRBUF_INIT;

    text_clean(&clean, text, strlen(text), TEXT_KEEP_NEWLINES);
    self->height = mem_zalloc(sizeof(*self->height));
    self->title = mem_strdup(title);
    self->path = mem_strdup(path);
    split(self, clean.data);
    strbuf_clear(&clean);
    return screen_new(&text_ops, self);
}
