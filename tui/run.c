#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "tui/clipboard.h"
#include "tui/input.h"
#include "tui/nav.h"
#include "tui/term.h"

#define EXIT_NO_TERMINAL 69
#define DRAIN_MS         3000 /* for jobs that still run when the last page is gone */

/* The terminal, the loop and the navigator, tied together; the owner of its own watch and timer. */
struct run {
    struct navigator *navigator;
    struct loop *loop;
    struct term *term;
    struct input *input;
    struct watch *watch;
    struct timer *timer; /* for input_tick(); only while a sequence or a paste is open */
    int64_t timer_at;
    bool changed; /* something happened since the last painting */
    bool stopping;
    int exit_code;
};

static void stop_pages(struct run *run, int exit_code)
{
    struct event event = {.type = EVENT_STOP};

    if (run->stopping)
        return;
    run->stopping = true;
    run->exit_code = exit_code;
    navigator_event(run->navigator, NULL, &event);
}

static void lose_terminal(struct run *run)
{
    log_info("the terminal is gone");
    watch_stop(run->watch);
    run->watch = NULL;
    term_gone(run->term);
    stop_pages(run, 128 + SIGHUP);
}

/* Everything that is there, so that a burst is seen whole; bounded, so that others get a turn. */
static void read_terminal(struct run *run)
{
    char bytes[16384];
    int n = term_read(run->term, bytes, sizeof(bytes));

    if (n < 0) {
        lose_terminal(run);
        return;
    }
    input_feed(run->input, bytes, (size_t)n, clock_mono_ms());
    explicit_bzero(bytes, sizeof(bytes));
}

static void on_input(void *arg, const struct event *event)
{
    struct run *run = arg;

    navigator_event(run->navigator, NULL, event);
}

static void deliver(void *arg, void *owner, const struct event *event)
{
    struct run *run = arg;

    if (owner != run) {
        navigator_event(run->navigator, owner, event);
        run->changed |= !navigator_unseen(run->navigator) || navigator_done(run->navigator);
        return;
    }
    run->changed = true;
    if (event->type == EVENT_WATCH) {
        read_terminal(run);
    } else if (event->type == EVENT_TIMER) {
        timer_stop(run->timer);
        run->timer = NULL;
        input_tick(run->input, clock_mono_ms());
    }
}

static void on_signal(void *arg, int signal)
{
    struct run *run = arg;
    struct event resize = {.type = EVENT_RESIZE};

    run->changed = true;
    switch (signal) {
    case SIGWINCH:
        term_resized(run->term);
        navigator_event(run->navigator, NULL, &resize);
        break;
    case SIGTSTP:
        term_suspend(run->term);
        break;
    default:
        stop_pages(run, 128 + signal);
    }
}

static void set_timer(struct run *run)
{
    int64_t at = input_deadline(run->input), now = clock_mono_ms();

    if (run->timer && at == run->timer_at)
        return;
    timer_stop(run->timer);
    run->timer = NULL;
    run->timer_at = at;
    if (at >= 0)
        run->timer = timer_start(run->loop, run, at > now ? at - now : 0, 0);
}

static void paint(struct run *run)
{
    struct theme theme = *navigator_theme(run->navigator);
    struct canvas *canvas;
    int rows, columns;

    term_limit_theme(run->term, &theme);
    term_size(run->term, &rows, &columns);
    canvas = canvas_new(rows, columns, &theme);
    navigator_draw(run->navigator, canvas);
    term_paint(run->term, canvas);
    canvas_free(canvas);
}

static void before_wait(void *arg)
{
    struct run *run = arg;

    if (navigator_done(run->navigator) || (run->stopping && loop_jobs(run->loop) == 0)) {
        loop_stop(run->loop);
        return;
    }
    set_timer(run);
    if (run->changed)
        paint(run);
    run->changed = false;
    if (navigator_replay(run->navigator)) {
        paint(run);
        if (navigator_done(run->navigator))
            loop_stop(run->loop);
    }
}

/* -- what pages ask of the terminal --------------------------------------------------------- */

static void redraw(void *arg)
{
    struct run *run = arg;

    term_redraw(run->term);
}

static void suspend(void *arg)
{
    struct run *run = arg;

    term_suspend(run->term);
}

static bool copy(void *arg, const char *text)
{
    struct run *run = arg;
    struct strbuf sequence = STRBUF_INIT;
    bool fits;

    if (clipboard_in_tmux())
        return job_start(run->loop, NULL, &clipboard_tmux_ops, mem_strdup(text)) != NULL;
    fits = clipboard_osc52(text, &sequence);
    if (fits)
        term_write(run->term, sequence.data, sequence.len);
    strbuf_clear(&sequence);
    return fits;
}

static const struct navigator_terminal terminal = {
    .redraw = redraw,
    .suspend = suspend,
    .copy = copy,
};

/* -- from the first page to the last -------------------------------------------------------- */

static bool set_up(struct run *run, struct err *err)
{
    static const int signals[] = {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGTSTP};
    const char *unknown, *instead;

    run->loop = loop_new(deliver, run, err);
    if (!run->loop)
        return false;
    /* before curses: it leaves signals alone that have a handler */
    if (!loop_signals(run->loop, signals, ARRAY_LEN(signals), on_signal, run, err))
        return false;
    run->term = term_open(err);
    if (!run->term)
        return false;
    run->input = input_new(on_input, run);
    term_teach(run->term, run->input);
    run->watch = watch_start(run->loop, run, term_fd(run->term), LOOP_READ);
    if (!run->watch)
        return err_set(err, ERR_TERMINAL, _("the terminal cannot be polled"));
    navigator_set_loop(run->navigator, run->loop);
    navigator_set_terminal(run->navigator, &terminal, run);
    loop_before_wait(run->loop, before_wait, run);
    instead = term_instead(run->term, &unknown);
    if (instead)
        navigator_notice(run->navigator, MARK_WARN,
                         _("Terminal type \"%s\" is not known here: %s is used."), unknown,
                         instead);
    return true;
}

static void tear_down(struct run *run)
{
    /* the terminal first: it is given back whatever the jobs do */
    if (run->watch)
        watch_stop(run->watch);
    term_close(run->term);
    navigator_set_terminal(run->navigator, NULL, NULL);
    navigator_clear(run->navigator); /* pages hold timers and watches of the loop */
    navigator_set_loop(run->navigator, NULL);
    input_free(run->input);
    if (run->loop && !loop_drain(run->loop, DRAIN_MS)) {
        /* its thread uses memory that the program's end would free under it */
        log_error("a job did not end: leaving without it");
        _exit(run->exit_code);
    }
    loop_free(run->loop);
}

int navigator_run(struct navigator *navigator,
                  struct screen *(*first)(void *arg, struct loop *loop), void *arg, struct err *err)
{
    struct run run = {.navigator = navigator};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old_pipe;
    struct screen *screen;
    bool ok;

    sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGPIPE, &ignore, &old_pipe);
    ok = set_up(&run, err);
    if (ok) {
        screen = first(arg, run.loop);
        if (screen)
            navigator_push(navigator, screen);
        run.changed = true;
        ok = loop_run(run.loop, err);
        if (!run.exit_code)
            run.exit_code = ok ? navigator_exit_code(navigator) : EXIT_NO_TERMINAL;
    } else {
        run.exit_code = EXIT_NO_TERMINAL;
    }
    tear_down(&run);
    (void)sigaction(SIGPIPE, &old_pipe, NULL);
    return run.exit_code;
}
