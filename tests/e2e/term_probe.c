/* A program with one page that says what it gets: for the tests of the terminal. */
#include "config.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "tui/nav.h"

struct page {
    struct loop *loop;
    bool text_focus;
    unsigned keys, resizes, shown;
    uint32_t last;
    size_t paste_len;
    uint32_t paste_hash;
    bool paste_whole;
    char typed[80];
    struct job *job;
    char said[80];
};

/* A job that ends when it is told to, and writes what it saw. */
static void wait_run(struct job *job, void *data)
{
    int *ms = data;
    int64_t end = clock_mono_ms() + *ms;

    while (clock_mono_ms() < end && !job_cancelled(job))
        (void)usleep(2000);
}

static const struct job_ops wait_ops = {.name = "wait", .run = wait_run, .free = free};

static struct nav key(struct page *self, uint32_t code)
{
    size_t len = strlen(self->typed);

    self->keys++;
    self->last = code;
    if (self->text_focus && code == KEY_CODE_ESC) {
        self->text_focus = false;
        return nav_stay();
    }
    if (self->text_focus) {
        if (code >= 0x20 && code < 0x7f && len + 1 < sizeof(self->typed))
            self->typed[len] = (char)code;
        return nav_stay();
    }
    switch (code) {
    case 't':
        self->text_focus = true;
        return nav_stay();
    case 'x':
        return nav_pop();
    case 'c':
        return nav_copy("some text");
    case 'j': {
        int ms = 300;

        self->job = job_start(self->loop, self, &wait_ops, mem_dup(&ms, sizeof(ms)));
        return nav_stay();
    }
    case 'S':
        (void)raise(SIGSEGV);
        return nav_stay();
    case 'A':
        abort();
    default:
        return nav_stay();
    }
}

static struct nav on_event(void *arg, const struct event *event)
{
    struct page *self = arg;

    switch (event->type) {
    case EVENT_KEY:
        return key(self, event->key);
    case EVENT_PASTE:
        self->paste_len = event->paste_len;
        self->paste_whole = event->paste_whole;
        self->paste_hash = 2166136261u;
        for (size_t i = 0; i < event->paste_len; i++)
            self->paste_hash = (self->paste_hash ^ (unsigned char)event->paste[i]) * 16777619u;
        break;
    case EVENT_RESIZE:
        self->resizes++;
        break;
    case EVENT_SHOWN:
        self->shown++;
        break;
    case EVENT_JOB:
        free(job_take(self->job));
        self->job = NULL;
        snprintf(self->said, sizeof(self->said), "job ended");
        break;
    case EVENT_STOP:
        snprintf(self->said, sizeof(self->said), "stopping");
        break;
    case EVENT_HIDDEN:
    case EVENT_JOB_PROGRESS:
    case EVENT_TIMER:
    case EVENT_WATCH:
    case EVENT_QUIT_ASKED:
        break;
    }
    return nav_stay();
}

static void draw(const void *arg, struct canvas *body)
{
    const struct page *self = arg;

    canvas_printf(body, 0, 2, STYLE_NORMAL, "keys %u last %x", self->keys, (unsigned)self->last);
    canvas_printf(body, 1, 2, STYLE_NORMAL, "paste %zu %08x %s", self->paste_len,
                  (unsigned)self->paste_hash, self->paste_whole ? "whole" : "cut");
    canvas_printf(body, 2, 2, STYLE_NORMAL, "body %d x %d", canvas_columns(body),
                  canvas_rows(body));
    canvas_printf(body, 3, 2, STYLE_NORMAL, "typed [%s] %s", self->typed, self->said);
    canvas_text(body, 4, 2, STYLE_OK, "gr\303\274n \345\257\206\347\240\201 e\314\201|");
    canvas_printf(body, 5, 2, STYLE_NORMAL, "%s", self->text_focus ? "text" : "letters");
    canvas_cursor(body, 3, 9 + (int)strlen(self->typed));
}

static void frame(const void *arg, struct frame *ret)
{
    static const struct binding bindings[] = {
        {"F1", "Help", "this help", 10}, {"q", "Quit", "leave", 9}, {0}};
    const struct page *self = arg;

    snprintf(ret->title, sizeof(ret->title), "Probe");
    ret->bindings = bindings;
    ret->text_focus = self->text_focus;
}

static void commands(const void *arg, struct strbuf *out)
{
    (void)arg;
    strbuf_add_str(out, "# one\nopenssl version\n");
}

static const struct screen_ops ops = {
    .name = "probe",
    .event = on_event,
    .draw = draw,
    .frame = frame,
    .commands = commands,
    .free = free,
};

static struct screen *first(void *arg, struct loop *loop)
{
    struct page *self = mem_zalloc(sizeof(*self));

    (void)arg;
    self->loop = loop;
    return screen_new(&ops, self);
}

int main(void)
{
    struct navigator_options options = {.theme = {.colour = true, .unicode = true}};
    struct navigator *navigator = navigator_new(&options);
    struct err err = ERR_INIT;
    int code;

    (void)setlocale(LC_ALL, "");
    code = navigator_run(navigator, first, NULL, &err);
    navigator_free(navigator);
    if (err.code != ERR_NONE)
        fprintf(stderr, "error PS-%d: %s\n", err.code, err.msg);
    return code;
}
