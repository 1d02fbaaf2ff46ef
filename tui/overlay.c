#include "config.h"

#include "tui/overlay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/utf8.h"

#define BOX_COLUMN  2
#define BOX_MAX     104 /* longer lines are hard to read */
#define FIND_MAX    48
#define FILE_MAX    200
#define FIRST_ROWS  13 /* what an 80 x 24 window shows; known better after the first drawing */
#define FIRST_WIDTH 72

struct line {
    size_t start, len;
    bool comment; /* goes on with one: "# " stands before it, so that what is seen can be run */
};

/* What the last drawing found out: the size decides how lines wrap and how far a page goes. A cache,
 * no state: draw() is const and fills it anew. */
struct view {
    int rows, width;
    struct line *lines;
    size_t n_lines;
    struct binding bindings[8];
};

enum mode { MODE_READ, MODE_FIND, MODE_FILE };

struct overlay {
    struct frame under; /* title and path; its pointers are not used */
    char *why;
    char title[64];
    struct strbuf text;
    struct view *view;
    size_t top;
    enum mode mode;
    char find[FIND_MAX];
    char file[FILE_MAX];
    struct loop *loop;
    struct job *job;
    enum mark mark;
    char message[160];
    overlay_words *words;
    void *words_arg;
    char *word;
};

struct write_job {
    char *path, *text;
    struct err err;
    bool written;
};

/* -- lines ---------------------------------------------------------------------------------- */

static void wrap_lines(struct view *view, const char *text, int width)
{
    const char *at = text;
    bool in_comment = false;

    free(view->lines);
    view->lines = NULL;
    view->n_lines = 0;
    view->width = width;
    while (*at) {
        bool begins = at == text || at[-1] == '\n', comment = in_comment && !begins;
        size_t next, len = utf8_wrap(at, width - (comment ? 2 : 0), &next);

        if (begins)
            in_comment = *at == '#';
        if (view->n_lines % 64 == 0)
            view->lines = mem_realloc_array(view->lines, view->n_lines + 64, sizeof(*view->lines));
        view->lines[view->n_lines++] =
            (struct line){.start = (size_t)(at - text), .len = len, .comment = comment};
        at += next;
    }
}

/* The highest line that may stand at the top. */
static size_t last_top(const struct overlay *self)
{
    size_t rows = (size_t)self->view->rows;

    return self->view->n_lines > rows ? self->view->n_lines - rows : 0;
}

static void scroll(struct overlay *self, long by)
{
    long top = (long)self->top + by;

    if (top < 0)
        top = 0;
    if (top > (long)last_top(self))
        top = (long)last_top(self);
    self->top = (size_t)top;
}

static bool line_has(const struct overlay *self, size_t line, const char *word)
{
    char *copy =
        mem_strndup(self->text.data + self->view->lines[line].start, self->view->lines[line].len);
    bool found = strcasestr(copy, word) != NULL;

    free(copy);
    return found;
}

/* From the line at the top on, or back; once around. */
static void find(struct overlay *self, bool next, int step)
{
    size_t n = self->view->n_lines, at = self->top;

    self->message[0] = '\0';
    self->mark = MARK_NONE;
    if (!self->find[0] || n == 0)
        return;
    if (!next)
        at = step > 0 ? (at + n - 1) % n : (at + 1) % n;
    for (size_t i = 0; i < n; i++) {
        at = step > 0 ? (at + 1) % n : (at + n - 1) % n;
        if (line_has(self, at, self->find)) {
            self->top = at;
            return;
        }
    }
    self->mark = MARK_WARN;
    snprintf(self->message, sizeof(self->message), _("\"%s\" is not in this text."), self->find);
}

/* -- write to a file ------------------------------------------------------------------------ */

static void write_run(struct job *job, void *data)
{
    struct write_job *self = data;

    (void)job;
    self->written =
        fs_write_new(self->path, self->text, strlen(self->text), FS_MODE_SECRET, &self->err);
}

static void write_free(void *data)
{
    struct write_job *self = data;

    free(self->path);
    free(self->text);
    free(self);
}

static const struct job_ops write_ops = {
    .name = "write-commands",
    .run = write_run,
    .free = write_free,
};

static void start_write(struct overlay *self)
{
    struct write_job *data = mem_zalloc(sizeof(*data));

    data->path = mem_strdup(self->file);
    data->text = mem_strdup(self->text.data);
    self->job = job_start(self->loop, self, &write_ops, data);
    self->mark = MARK_BUSY;
    snprintf(self->message, sizeof(self->message), _("Writing %s"), self->file);
}

static void write_ended(struct overlay *self)
{
    struct write_job *data = job_take(self->job);

    self->job = NULL;
    self->mark = data->written ? MARK_OK : MARK_BAD;
    if (data->written)
        snprintf(self->message, sizeof(self->message), _("Written to %s"), data->path);
    else
        snprintf(self->message, sizeof(self->message), "%.159s", data->err.msg);
    write_free(data);
}

/* -- keys ----------------------------------------------------------------------------------- */

/* One line of text in the message row: what to find, where to write. True: Enter. */
static bool edit(struct overlay *self, char *text, size_t size, uint32_t key)
{
    size_t len = strlen(text);
    char bytes[4];

    switch (key) {
    case KEY_CODE_ENTER:
        self->mode = MODE_READ;
        return text[0] != '\0';
    case KEY_CODE_ESC:
        self->mode = MODE_READ;
        return false;
    case KEY_CODE_BACKSPACE:
        if (len > 0)
            text[utf8_prev(text, len)] = '\0';
        return false;
    case KEY_CODE_CTRL('u'):
        text[0] = '\0';
        return false;
    default:
        if (key >= 0x20 && key < KEY_CODE_UP && utf8_safe(key) == key) {
            size_t n = text_encode(bytes, key);

            if (len + n < size) {
                memcpy(text + len, bytes, n);
                text[len + n] = '\0';
            }
        }
        return false;
    }
}

static struct nav read_key(struct overlay *self, uint32_t key)
{
    long page = self->view->rows > 1 ? self->view->rows - 1 : 1;

    self->message[0] = '\0';
    self->mark = MARK_NONE;
    switch (key) {
    case KEY_CODE_ESC:
        return nav_pop();
    case KEY_CODE_UP:
    case KEY_CODE_CTRL('p'):
    case 'k':
        scroll(self, -1);
        break;
    case KEY_CODE_DOWN:
    case KEY_CODE_CTRL('n'):
    case 'j':
        scroll(self, 1);
        break;
    case KEY_CODE_PAGE_UP:
        scroll(self, -page);
        break;
    case KEY_CODE_PAGE_DOWN:
    case ' ':
        scroll(self, page);
        break;
    case KEY_CODE_CTRL('u'):
        scroll(self, -page / 2);
        break;
    case KEY_CODE_CTRL('d'):
        scroll(self, page / 2);
        break;
    case KEY_CODE_HOME:
        self->top = 0;
        break;
    case KEY_CODE_END:
    case 'G':
        self->top = last_top(self);
        break;
    case '/':
        self->mode = MODE_FIND;
        self->find[0] = '\0';
        break;
    case 'n':
        find(self, true, 1);
        break;
    case 'N':
        find(self, true, -1);
        break;
    default:
        break;
    }
    return nav_stay();
}

static struct nav overlay_event(struct overlay *self, const struct event *event,
                                struct nav (*other)(struct overlay *self, uint32_t key))
{
    if (event->type == EVENT_JOB && event->job == self->job)
        write_ended(self);
    if (event->type != EVENT_KEY)
        return nav_stay();
    switch (self->mode) {
    case MODE_FIND:
        if (edit(self, self->find, sizeof(self->find), event->key))
            find(self, false, 1);
        return nav_stay();
    case MODE_FILE:
        if (edit(self, self->file, sizeof(self->file), event->key))
            start_write(self);
        return nav_stay();
    case MODE_READ:
        break;
    }
    return other(self, event->key);
}

static struct nav help_key(struct overlay *self, uint32_t key)
{
    struct screen *page;

    if (key != 'g' || !self->words)
        return read_key(self, key);
    page = self->words(self->words_arg, self->word);
    return page ? nav_push(page) : nav_stay();
}

static struct nav commands_key(struct overlay *self, uint32_t key)
{
    if (key == 'y')
        return nav_copy(self->text.data);
    if (key == 'w' && self->loop && !self->job) {
        self->mode = MODE_FILE;
        self->message[0] = '\0';
        if (!self->file[0])
            snprintf(self->file, sizeof(self->file), "pgseal-commands.txt");
        return nav_stay();
    }
    if (key == 'g')
        key = KEY_CODE_HOME;
    return read_key(self, key);
}

static struct nav help_event(void *arg, const struct event *event)
{
    return overlay_event(arg, event, help_key);
}

static struct nav commands_event(void *arg, const struct event *event)
{
    return overlay_event(arg, event, commands_key);
}

/* -- drawing -------------------------------------------------------------------------------- */

/* The body's size decides how lines wrap and how far a page goes. */
static void fit(const struct overlay *self, const struct canvas *body)
{
    int columns = canvas_columns(body) - 2 * BOX_COLUMN;

    if (columns > BOX_MAX)
        columns = BOX_MAX;
    self->view->rows = canvas_rows(body) - 2;
    if (self->view->width != columns - 4)
        wrap_lines(self->view, self->text.data, columns - 4);
}

static void draw_box(const struct overlay *self, struct canvas *body, const char *title,
                     const char *footer)
{
    const struct view *view = self->view;
    char more[128];

    snprintf(more, sizeof(more), "%s%s", footer,
             view->n_lines > (size_t)view->rows ? _("   PgDn More   / Find") : "");
    canvas_box(body, 0, BOX_COLUMN, view->rows + 2, view->width + 4, title, more);
    for (int i = 0; i < view->rows && self->top + (size_t)i < view->n_lines; i++) {
        const struct line *line = &view->lines[self->top + (size_t)i];
        char *text = mem_strndup(self->text.data + line->start, line->len);

        canvas_printf(body, 1 + i, BOX_COLUMN + 2, STYLE_NORMAL, "%s%s", line->comment ? "# " : "",
                      text);
        free(text);
    }
    canvas_cursor(body, 1, BOX_COLUMN + 2);
}

static void help_draw(const void *arg, struct canvas *body)
{
    const struct overlay *self = arg;
    char title[128];
    size_t rows;

    fit(self, body);
    rows = self->view->rows > 0 ? (size_t)self->view->rows : 1;
    if (self->view->n_lines > rows)
        snprintf(title, sizeof(title), _("%s (%zu of %zu)"), self->title,
                 (self->top + rows - 1) / rows + 1, (self->view->n_lines + rows - 1) / rows);
    else
        snprintf(title, sizeof(title), "%s", self->title);
    draw_box(self, body, title, self->words ? _("Esc Close   g Words") : _("Esc Close"));
}

static void commands_draw(const void *arg, struct canvas *body)
{
    const struct overlay *self = arg;
    char title[128];
    size_t last, n;

    fit(self, body);
    n = self->view->n_lines;
    last = self->top + (size_t)self->view->rows;
    snprintf(title, sizeof(title), _("Commands: the same by hand, lines %zu to %zu of %zu"),
             self->top + 1, last < n ? last : n, n);
    draw_box(self, body, title,
             self->loop ? _("Esc Close   y Copy   w Write to a file") : _("Esc Close   y Copy"));
}

static void overlay_frame(const struct overlay *self, struct frame *ret)
{
    memcpy(ret->title, self->under.title, sizeof(ret->title));
    memcpy(ret->right, self->under.right, sizeof(ret->right));
    memcpy(ret->path, self->under.path, sizeof(ret->path));
    memcpy(ret->path_right, self->under.path_right, sizeof(ret->path_right));
    memcpy(ret->why_title, self->under.why_title, sizeof(ret->why_title));
    ret->why = self->why;
    ret->no_suspend = self->under.no_suspend;
    ret->text_focus = self->mode != MODE_READ;
    ret->message_mark = self->mark;
    if (self->mode == MODE_FIND)
        snprintf(ret->message, sizeof(ret->message), _("Find: %s_"), self->find);
    else if (self->mode == MODE_FILE)
        snprintf(ret->message, sizeof(ret->message),
                 _("Write to: %.120s_   Enter writes, Esc stops"), self->file);
    else
        memcpy(ret->message, self->message, sizeof(ret->message));
}

/* Those that do something here: what is seen whole needs no scrolling. */
static const struct binding *keys_of(const struct overlay *self, const struct binding *all)
{
    struct view *view = self->view;
    size_t n = 0;

    for (; all->keys && n + 1 < ARRAY_LEN(view->bindings); all++) {
        bool scrolls = strncmp(all->keys, "Pg", 2) == 0 || strcmp(all->keys, "/") == 0;
        bool off = (strcmp(all->keys, "g") == 0 && !self->words) ||
                   (strcmp(all->keys, "w") == 0 && !self->loop);

        if (!off && (!scrolls || view->n_lines > (size_t)view->rows))
            view->bindings[n++] = *all;
    }
    view->bindings[n] = (struct binding){0};
    return view->bindings;
}

static void help_frame(const void *arg, struct frame *ret)
{
    static const struct binding bindings[] = {
        {"Esc", N_("Close"), N_("back to the page"), 90},
        {"PgDn", N_("More"), N_("the next part"), 80},
        {"/", N_("Find"), N_("find a word; n next, N previous"), 70},
        {"g", N_("Words"), N_("words explained"), 60},
        {0},
    };
    const struct overlay *self = arg;

    overlay_frame(self, ret);
    ret->bindings = keys_of(self, bindings);
    if (!ret->message[0])
        snprintf(ret->message, sizeof(ret->message), "%s", _("Esc goes back to the page."));
}

static void commands_frame(const void *arg, struct frame *ret)
{
    static const struct binding bindings[] = {
        {"Esc", N_("Close"), N_("back to the page"), 90},
        {"y", N_("Copy"), N_("send to the terminal's clipboard"), 80},
        {"w", N_("Write to a file"), N_("a new file, readable by you only"), 70},
        {"PgUp PgDn", N_("Scroll"), N_("the part before, the next part"), 60},
        {"/", N_("Find"), N_("find a word; n next, N previous"), 50},
        {0},
    };
    const struct overlay *self = arg;

    overlay_frame(self, ret);
    ret->bindings = keys_of(self, bindings);
    if (!ret->message[0])
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("Shown only. Nothing runs from this window."));
}

/* -- making --------------------------------------------------------------------------------- */

static void overlay_free(void *arg)
{
    struct overlay *self = arg;

    job_cancel(self->job);
    strbuf_clear(&self->text);
    free(self->view->lines);
    free(self->view);
    free(self->why);
    free(self->word);
    free(self);
}

static const struct screen_ops help_ops = {
    .name = "help",
    .event = help_event,
    .draw = help_draw,
    .frame = help_frame,
    .free = overlay_free,
};

static const struct screen_ops commands_ops = {
    .name = "commands",
    .event = commands_event,
    .draw = commands_draw,
    .frame = commands_frame,
    .free = overlay_free,
};

static struct overlay *overlay_new(const struct frame *under)
{
    struct overlay *self = mem_zalloc(sizeof(*self));

    self->under = *under;
    self->why = mem_strdup(under->why ? under->why : "");
    self->view = mem_zalloc(sizeof(*self->view));
    self->view->rows = FIRST_ROWS;
    strbuf_init(&self->text);
    return self;
}

struct screen *overlay_help(const struct frame *under, overlay_words *words, void *arg)
{
    struct overlay *self = overlay_new(under);

    if (under->why_title[0])
        snprintf(self->title, sizeof(self->title), _("Help: %s"), under->why_title);
    else
        snprintf(self->title, sizeof(self->title), "%s", _("Help"));
    self->words = words;
    self->words_arg = arg;
    self->word = mem_strdup(under->word);
    overlay_help_text(under, &self->text);
    wrap_lines(self->view, self->text.data, FIRST_WIDTH);
    return screen_new(&help_ops, self);
}

struct screen *overlay_commands(const struct frame *under, const char *commands, struct loop *loop)
{
    struct overlay *self = overlay_new(under);

    self->loop = loop;
    text_clean(&self->text, commands, strlen(commands), TEXT_KEEP_NEWLINES);
    wrap_lines(self->view, self->text.data, FIRST_WIDTH);
    return screen_new(&commands_ops, self);
}

bool overlay_is_help(const struct screen *screen)
{
    return screen->ops == &help_ops;
}

bool overlay_is_commands(const struct screen *screen)
{
    return screen->ops == &commands_ops;
}
