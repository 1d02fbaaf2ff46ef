#include "config.h"

#include "tui/nav.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/frame.h"
#include "tui/overlay.h"
#include "tui/utf8.h"

#define SECOND_CTRL_C_MS 2000
#define EXIT_INTERRUPTED 130
#define REPLAY_MAX       64 /* parts of a file of answers that follow one another without a wait */
#define SHOWN_MAX        64 /* pages that answer EVENT_SHOWN with another page, one after another */

struct navigator {
    struct navigator_options options;
    struct theme theme;
    bool plain; /* F9 */
    bool brief;
    struct screen **pages;
    size_t n_pages;
    struct screen *shown; /* which page was told that it is on top; compared only */
    struct loop *loop;
    const struct navigator_terminal *terminal;
    void *terminal_arg;
    enum mark notice_mark;
    char notice[160];
    bool too_small;
    bool unseen; /* the last event changed nothing that is seen */
    bool done;
    int exit_code;
    int64_t ctrl_c_at; /* 0: none yet */
};

struct navigator *navigator_new(const struct navigator_options *options)
{
    struct navigator *navigator = mem_zalloc(sizeof(*navigator));

    navigator->options = *options;
    navigator->theme = options->theme;
    navigator->brief = options->brief;
    return navigator;
}

static void free_page(struct navigator *navigator, struct screen *screen)
{
    void *self = screen->self;

    if (navigator->shown == screen)
        navigator->shown = NULL;
    screen_free(screen); /* first: it stops what it knows itself */
    if (navigator->loop)
        loop_forget(navigator->loop, self);
}

void navigator_clear(struct navigator *navigator)
{
    while (navigator->n_pages > 0)
        free_page(navigator, navigator->pages[--navigator->n_pages]);
}

void navigator_free(struct navigator *navigator)
{
    if (!navigator)
        return;
    navigator_clear(navigator);
    free(navigator->pages);
    free(navigator);
}

void navigator_set_loop(struct navigator *navigator, struct loop *loop)
{
    navigator->loop = loop;
}

void navigator_set_terminal(struct navigator *navigator, const struct navigator_terminal *terminal,
                            void *arg)
{
    navigator->terminal = terminal;
    navigator->terminal_arg = arg;
}

bool navigator_done(const struct navigator *navigator)
{
    return navigator->done || navigator->n_pages == 0;
}

struct theme *navigator_theme(struct navigator *navigator)
{
    return &navigator->theme;
}

bool navigator_brief(const struct navigator *navigator)
{
    return navigator->brief;
}

int navigator_exit_code(const struct navigator *navigator)
{
    return navigator->exit_code;
}

void navigator_notice(struct navigator *navigator, enum mark mark, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(navigator->notice, sizeof(navigator->notice), fmt, args);
    va_end(args);
    navigator->notice_mark = mark;
}

static struct screen *top_of(const struct navigator *navigator)
{
    return navigator->n_pages > 0 ? navigator->pages[navigator->n_pages - 1] : NULL;
}

bool navigator_takes_text(const struct navigator *navigator)
{
    struct frame frame;

    if (navigator_done(navigator) || navigator->too_small)
        return false;
    screen_frame(top_of(navigator), &frame);
    return frame.text_focus;
}

/* -- the stack ------------------------------------------------------------------------------ */

static void insert_page(struct navigator *navigator, size_t at, struct screen *screen)
{
    navigator->pages =
        mem_realloc_array(navigator->pages, navigator->n_pages + 1, sizeof(struct screen *));
    memmove(navigator->pages + at + 1, navigator->pages + at,
            (navigator->n_pages - at) * sizeof(struct screen *));
    navigator->pages[at] = screen;
    navigator->n_pages++;
}

static void remove_page(struct navigator *navigator, size_t at)
{
    struct screen *screen = navigator->pages[at];

    memmove(navigator->pages + at, navigator->pages + at + 1,
            (navigator->n_pages - at - 1) * sizeof(struct screen *));
    navigator->n_pages--;
    free_page(navigator, screen);
}

static void copy_out(struct navigator *navigator, const char *text)
{
    int columns = utf8_columns(text);

    if (!navigator->terminal)
        navigator_notice(navigator, MARK_WARN, "%s", _("There is no terminal to send this to."));
    else if (navigator->terminal->copy(navigator->terminal_arg, text))
        navigator_notice(navigator, MARK_NONE,
                         _("Sent to the terminal: %d characters. Your terminal may block that."),
                         columns);
    else
        navigator_notice(navigator, MARK_WARN,
                         _("%d characters are too many for the terminal's clipboard."), columns);
}

/* What the page at this place of the stack answered. */
static void carry_out(struct navigator *navigator, size_t at, struct nav nav)
{
    switch (nav.kind) {
    case NAV_STAY:
    case NAV_NOT_NOW:
    case NAV_UNSEEN:
        break;
    case NAV_POP:
        remove_page(navigator, at);
        break;
    case NAV_PUSH:
        insert_page(navigator, at + 1, nav.next);
        break;
    case NAV_REPLACE:
        insert_page(navigator, at + 1, nav.next);
        remove_page(navigator, at);
        break;
    case NAV_HOME:
        while (navigator->n_pages > 1)
            remove_page(navigator, navigator->n_pages - 1);
        break;
    case NAV_QUIT:
        navigator->done = true;
        break;
    case NAV_COPY:
        copy_out(navigator, nav.text);
        free(nav.text);
        break;
    }
}

static bool place_of(const struct navigator *navigator, const struct screen *screen, size_t *ret)
{
    for (size_t i = 0; i < navigator->n_pages; i++) {
        if (navigator->pages[i] == screen) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static void send(struct navigator *navigator, struct screen *screen, const struct event *event)
{
    bool below = screen != top_of(navigator);
    struct nav nav = screen->ops->event(screen->self, event);
    size_t at;

    navigator->unseen = nav.kind == NAV_UNSEEN || (below && nav.kind == NAV_STAY);
    if (place_of(navigator, screen, &at))
        carry_out(navigator, at, nav);
}

/* Tells pages that they came on top or went below, until the top stays the same. */
static void settle(struct navigator *navigator)
{
    for (int i = 0; i < SHOWN_MAX; i++) {
        struct screen *top = top_of(navigator), *before = navigator->shown;
        struct event shown = {.type = EVENT_SHOWN}, hidden = {.type = EVENT_HIDDEN};
        size_t at;

        if (navigator_done(navigator) || top == before)
            return;
        navigator->shown = top;
        if (before && place_of(navigator, before, &at))
            send(navigator, before, &hidden);
        if (place_of(navigator, top, &at))
            send(navigator, top, &shown);
    }
}

void navigator_push(struct navigator *navigator, struct screen *screen)
{
    insert_page(navigator, navigator->n_pages, screen);
    settle(navigator);
}

/* -- keys that mean the same everywhere ----------------------------------------------------- */

static void show_help(struct navigator *navigator)
{
    struct screen *top = top_of(navigator);
    struct frame frame;

    if (overlay_is_help(top)) {
        remove_page(navigator, navigator->n_pages - 1);
        return;
    }
    screen_frame(top, &frame);
    navigator_push(navigator,
                   overlay_help(&frame, navigator->options.words, navigator->options.arg));
}

static void show_commands(struct navigator *navigator)
{
    struct screen *top = top_of(navigator);
    struct strbuf commands = STRBUF_INIT;
    struct frame frame;

    if (overlay_is_commands(top)) {
        remove_page(navigator, navigator->n_pages - 1);
        return;
    }
    screen_frame(top, &frame);
    if (top->ops->commands)
        top->ops->commands(top->self, &commands);
    if (commands.len > 0)
        navigator_push(navigator, overlay_commands(&frame, commands.data, navigator->loop));
    else
        navigator_notice(navigator, MARK_NONE, "%s", _("This page runs no commands."));
    strbuf_clear(&commands);
}

static void show_words(struct navigator *navigator)
{
    struct screen *top = top_of(navigator), *page;
    struct frame frame;

    if (!navigator->options.words)
        return;
    screen_frame(top, &frame);
    page = navigator->options.words(navigator->options.arg, frame.word);
    if (!page)
        return;
    if (page->ops == top->ops) /* the list is open already */
        screen_free(page);
    else
        navigator_push(navigator, page);
}

static void toggle_plain(struct navigator *navigator)
{
    static const struct theme plain = {.colour = false, .unicode = false};

    navigator->plain = !navigator->plain;
    navigator->theme = navigator->plain ? plain : navigator->options.theme;
}

static void suspend(struct navigator *navigator)
{
    struct frame frame;

    screen_frame(top_of(navigator), &frame);
    if (frame.no_suspend)
        navigator_notice(navigator, MARK_WARN, "%s",
                         _("A change is open: pgseal cannot be suspended now."));
    else if (navigator->terminal)
        navigator->terminal->suspend(navigator->terminal_arg);
}

static void stop_pages(struct navigator *navigator)
{
    struct event event = {.type = EVENT_STOP};

    for (size_t i = navigator->n_pages; i > 0; i--) {
        if (i <= navigator->n_pages)
            send(navigator, navigator->pages[i - 1], &event);
    }
}

/* Asks every page from the top down; the first that does not simply stay decides. */
static void ask_to_quit(struct navigator *navigator, int exit_code)
{
    struct event event = {.type = EVENT_QUIT_ASKED};

    if (navigator->too_small) {
        navigator_stop(navigator, exit_code);
        return;
    }
    for (size_t i = navigator->n_pages; i > 0; i--) {
        struct screen *screen = navigator->pages[i - 1];
        struct nav nav = screen->ops->event(screen->self, &event);

        if (nav.kind == NAV_STAY)
            continue;
        if (nav.kind == NAV_PUSH)
            insert_page(navigator, navigator->n_pages, nav.next);
        else
            carry_out(navigator, i - 1, nav);
        return;
    }
    navigator->done = true;
    navigator->exit_code = exit_code;
}

static void ctrl_c(struct navigator *navigator)
{
    int64_t now = clock_mono_ms();

    if (navigator->ctrl_c_at && now - navigator->ctrl_c_at <= SECOND_CTRL_C_MS) {
        navigator_stop(navigator, EXIT_INTERRUPTED);
        return;
    }
    navigator->ctrl_c_at = now;
    ask_to_quit(navigator, EXIT_INTERRUPTED);
}

static bool names_q(const struct frame *frame)
{
    for (const struct binding *binding = frame->bindings; binding && binding->keys; binding++) {
        if (strcmp(binding->keys, "q") == 0)
            return true;
    }
    return false;
}

/* True: the key meant the same as everywhere. */
static bool global_key(struct navigator *navigator, uint32_t key)
{
    struct frame frame;

    switch (key) {
    case KEY_CODE_F10:
    case KEY_CODE_CTRL('q'):
        ask_to_quit(navigator, 0);
        return true;
    case KEY_CODE_CTRL('c'):
        ctrl_c(navigator);
        return true;
    case KEY_CODE_CTRL('l'):
        if (navigator->terminal)
            navigator->terminal->redraw(navigator->terminal_arg);
        return true;
    case KEY_CODE_CTRL('z'):
        suspend(navigator);
        return true;
    default:
        break;
    }
    if (navigator->too_small)
        return true;
    switch (key) {
    case KEY_CODE_F1:
    case KEY_CODE_CTRL('g'):
        show_help(navigator);
        return true;
    case KEY_CODE_F2:
    case KEY_CODE_CTRL('o'):
        show_commands(navigator);
        return true;
    case KEY_CODE_F3:
    case KEY_CODE_CTRL('t'):
        show_words(navigator);
        return true;
    case KEY_CODE_F8:
        navigator->brief = !navigator->brief;
        return true;
    case KEY_CODE_F9:
        toggle_plain(navigator);
        return true;
    default:
        break;
    }
    if (key != '?' && key != 'q')
        return false;
    screen_frame(top_of(navigator), &frame);
    if (frame.text_focus || (key == 'q' && !names_q(&frame)))
        return false;
    if (key == '?')
        show_help(navigator);
    else
        ask_to_quit(navigator, 0);
    return true;
}

/* -- events --------------------------------------------------------------------------------- */

static size_t characters_of(const struct event *event)
{
    const char *at = event->paste, *end = at + event->paste_len;
    size_t n = 0;

    while (at < end) {
        (void)text_next(&at, end);
        n++;
    }
    return n;
}

static void to_top(struct navigator *navigator, const struct event *event)
{
    switch (event->type) {
    case EVENT_KEY:
        navigator->notice[0] = '\0';
        if (global_key(navigator, event->key))
            break;
        if (navigator->options.replay)
            replay_see_key(navigator->options.replay, top_of(navigator), event->key);
        send(navigator, top_of(navigator), event);
        break;
    case EVENT_PASTE:
        navigator->notice[0] = '\0';
        if (navigator_takes_text(navigator))
            send(navigator, top_of(navigator), event);
        else
            navigator_notice(navigator, MARK_WARN,
                             _("Paste ignored on this screen: %zu characters."),
                             characters_of(event));
        break;
    case EVENT_STOP:
        stop_pages(navigator);
        break;
    case EVENT_QUIT_ASKED:
        ask_to_quit(navigator, 0);
        break;
    case EVENT_SHOWN:
    case EVENT_HIDDEN:
    case EVENT_RESIZE:
    case EVENT_JOB:
    case EVENT_JOB_PROGRESS:
    case EVENT_TIMER:
    case EVENT_WATCH:
        send(navigator, top_of(navigator), event);
        break;
    }
}

void navigator_event(struct navigator *navigator, void *owner, const struct event *event)
{
    if (navigator_done(navigator))
        return;
    navigator->unseen = false;
    if (!owner) {
        to_top(navigator, event);
    } else {
        for (size_t i = 0; i < navigator->n_pages; i++) {
            struct screen *screen = navigator->pages[i];

            if (screen->self == owner || screen == owner) {
                send(navigator, screen, event);
                break;
            }
        }
    }
    if (!owner || top_of(navigator) != navigator->shown)
        navigator->unseen = false;
    settle(navigator);
}

bool navigator_unseen(const struct navigator *navigator)
{
    return navigator->unseen;
}

const struct screen *navigator_look(const struct navigator *navigator, struct frame *frame)
{
    const struct screen *top = top_of(navigator);

    if (!top || !frame)
        return top;
    screen_frame(top, frame);
    if (navigator->notice[0]) {
        frame->message_mark = navigator->notice_mark;
        memcpy(frame->message, navigator->notice, sizeof(frame->message));
    }
    return top;
}

bool navigator_replay(struct navigator *navigator)
{
    bool any = false;

    if (!navigator->options.replay || navigator->too_small)
        return false;
    for (int i = 0; i < REPLAY_MAX && replay_go(navigator->options.replay, navigator); i++)
        any = true;
    return any;
}

void navigator_stop(struct navigator *navigator, int exit_code)
{
    stop_pages(navigator);
    navigator->done = true;
    navigator->exit_code = exit_code;
}

void navigator_draw(struct navigator *navigator, struct canvas *canvas)
{
    struct screen *top = top_of(navigator);
    struct frame frame;

    navigator->too_small = !frame_fits(canvas_rows(canvas), canvas_columns(canvas));
    if (!top)
        return;
    (void)navigator_look(navigator, &frame);
    frame_draw(&frame, top, canvas, navigator->brief);
    /* What is said around the body may depend on how much of it had room. */
    (void)navigator_look(navigator, &frame);
    frame_draw_edges(&frame, canvas);
}
