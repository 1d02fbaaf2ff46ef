/* plain.c - the wizard without a screen: the conversation of plain_parts.h on a terminal. */
#include "config.h"

#include "tui/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/intl.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/plain_parts.h"

#define EXIT_NO_TERMINAL 69
#define DRAIN_MS         3000
#define SETTLE_MS        400   /* for what a page asks the store or a server first */
#define STILL_MS         30000 /* ux.md 8.19 */
#define LINE_BYTES       8192  /* a terminal hands over 4096 at most */
#define ENDS_MAX         3     /* Ctrl-D so often, and nothing else: nobody is there any more */

/* The terminal, the loop and the conversation; the owner of its own watch and timers. */
struct plain {
    struct navigator *navigator;
    struct loop *loop;
    struct talk *talk;
    int in;
    struct termios saved;
    bool have_saved, hidden; /* what is typed is not shown */
    struct watch *watch;
    struct timer *settle; /* until it goes off, or all jobs ended, nothing is said */
    struct timer *still;
    char line[LINE_BYTES]; /* wiped after each */
    size_t len;
    int ends;
    bool changed, settled;
    bool stopping;
    int exit_code;
};

static void write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) { /* somebody else made it so */
            struct pollfd poll_out = {.fd = STDOUT_FILENO, .events = POLLOUT};

            (void)poll(&poll_out, 1, 1000);
            continue;
        }
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void stop_pages(struct plain *plain, int exit_code)
{
    struct event event = {.type = EVENT_STOP};

    if (plain->stopping)
        return;
    plain->stopping = true;
    plain->exit_code = exit_code;
    navigator_event(plain->navigator, NULL, &event);
}

static void hide_typing(struct plain *plain, bool hide)
{
    struct termios settings = plain->saved;

    if (plain->hidden == hide)
        return;
    plain->hidden = hide;
    if (hide) {
        settings.c_lflag &= ~(tcflag_t)ECHO;
        settings.c_lflag |= ECHONL;
    }
    (void)tcsetattr(plain->in, TCSANOW, &settings);
}

static void press(struct plain *plain, uint32_t key)
{
    struct event event = {.type = EVENT_KEY, .key = key};

    plain->talk->heard = true;
    navigator_event(plain->navigator, NULL, &event);
}

/* ---- lines ---- */

static void hear(struct plain *plain)
{
    plain->line[plain->len] = '\0';
    if (strlen(plain->line) == plain->len) /* a zero byte cannot be typed */
        talk_hear(plain->talk, plain->line);
    explicit_bzero(plain->line, sizeof(plain->line));
    plain->len = 0;
}

/* One line at a time: the next one is for a question that was not asked yet. */
static void read_line(struct plain *plain)
{
    ssize_t n = read(plain->in, plain->line + plain->len, sizeof(plain->line) - 1 - plain->len);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0 || (n == 0 && ++plain->ends >= ENDS_MAX)) {
        log_info("the terminal is gone");
        watch_stop(plain->watch);
        plain->watch = NULL;
        stop_pages(plain, 128 + SIGHUP);
        return;
    }
    if (n == 0) { /* Ctrl-D on an empty line */
        write_all("\n", 1);
        press(plain, KEY_CODE_CTRL('q'));
        return;
    }
    plain->ends = 0;
    plain->len += (size_t)n;
    if (plain->line[plain->len - 1] == '\n')
        plain->len--;
    else if (plain->len < sizeof(plain->line) - 1)
        return; /* the rest comes */
    hear(plain);
}

/* ---- the loop ---- */

static void say_still(struct plain *plain)
{
    struct frame frame;

    if (!navigator_look(plain->navigator, &frame))
        return;
    printf(_("still working: %s%s%s\n"), frame.message, frame.no_suspend ? " " : "",
           frame.no_suspend ? frame.path_right : "");
    (void)fflush(stdout);
}

static void deliver(void *arg, void *owner, const struct event *event)
{
    struct plain *plain = arg;

    if (owner != plain) {
        navigator_event(plain->navigator, owner, event);
        plain->changed |= !navigator_unseen(plain->navigator) || navigator_done(plain->navigator);
        return;
    }
    if (event->type == EVENT_WATCH) {
        read_line(plain);
        plain->changed = true;
    } else if (event->type == EVENT_TIMER && event->timer == plain->settle) {
        timer_stop(plain->settle);
        plain->settle = NULL;
        plain->settled = true;
    } else if (event->type == EVENT_TIMER && loop_jobs(plain->loop) > 0) {
        say_still(plain);
    }
}

static void suspend(struct plain *plain)
{
    struct frame frame;

    if (navigator_look(plain->navigator, &frame) && frame.no_suspend) {
        talk_remark(plain->talk, "%s",
                    _("warning: a change is open: pgseal cannot be suspended now."));
        return;
    }
    (void)tcsetattr(plain->in, TCSANOW, &plain->saved);
    (void)kill(0, SIGSTOP);
    if (plain->hidden) {
        plain->hidden = false;
        hide_typing(plain, true);
    }
}

static void on_signal(void *arg, int signal)
{
    struct plain *plain = arg;

    plain->changed = true;
    switch (signal) {
    case SIGINT:
        write_all("\n", 1);
        explicit_bzero(plain->line, sizeof(plain->line));
        plain->len = 0;
        if (plain->talk->pasting) { /* no more of that text */
            plain->talk->pasting = NULL;
            strbuf_wipe(&plain->talk->paste);
        }
        press(plain, KEY_CODE_CTRL('c'));
        break;
    case SIGTSTP:
        plain->talk->heard = true;
        suspend(plain);
        break;
    default:
        stop_pages(plain, 128 + signal);
    }
}

/* Nothing is said before the page knows what it asked for, nor read: what is typed answers what was asked. */
static bool must_settle(struct plain *plain)
{
    if (plain->settled || loop_jobs(plain->loop) == 0) {
        timer_stop(plain->settle);
        plain->settle = NULL;
        return false;
    }
    if (!plain->settle)
        plain->settle = timer_start(plain->loop, plain, SETTLE_MS, 0);
    return true;
}

static void say(struct plain *plain)
{
    struct strbuf out = STRBUF_INIT;

    talk_say(plain->talk, &out);
    write_all(out.data, out.len);
    strbuf_clear(&out);
    hide_typing(plain, !navigator_done(plain->navigator) && talk_wants_secret(plain->talk));
    plain->changed = plain->settled = false;
}

static void before_wait(void *arg)
{
    struct plain *plain = arg;

    if (!plain->stopping && navigator_replay(plain->navigator))
        plain->changed = true;
    if (navigator_done(plain->navigator) || (plain->stopping && loop_jobs(plain->loop) == 0)) {
        say(plain);
        loop_stop(plain->loop);
        return;
    }
    if (plain->changed && !must_settle(plain))
        say(plain);
    if (plain->watch)
        watch_change(plain->watch, plain->changed ? 0 : LOOP_READ);
    if (loop_jobs(plain->loop) > 0 && !plain->still) {
        plain->still = timer_start(plain->loop, plain, STILL_MS, STILL_MS);
    } else if (loop_jobs(plain->loop) == 0 && plain->still) {
        timer_stop(plain->still);
        plain->still = NULL;
    }
}

/* ---- what pages ask of the terminal ---- */

static void redraw(void *arg)
{
    (void)arg;
}

static void suspend_asked(void *arg)
{
    suspend(arg);
}

/* The terminal's own selection has it from there. */
static bool copy(void *arg, const char *text)
{
    struct plain *plain = arg;

    talk_remark(plain->talk, "%s", text);
    return true;
}

static const struct navigator_terminal terminal = {
    .redraw = redraw,
    .suspend = suspend_asked,
    .copy = copy,
};

/* ---- from the first page to the last ---- */

static bool open_terminal(struct plain *plain, struct err *err)
{
    char name[128];

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_set(err, ERR_TERMINAL, _("the wizard needs a terminal: %s"),
                       _("standard input or output is none"));
    /* an open of our own: what the loop sets on it stays away from the shell's */
    plain->in = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (plain->in < 0 && ttyname_r(STDIN_FILENO, name, sizeof(name)) == 0)
        plain->in = open(name, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (plain->in < 0 || tcgetattr(plain->in, &plain->saved) != 0)
        return err_set_errno(err, ERR_TERMINAL, errno, _("the wizard needs a terminal: /dev/tty"));
    plain->have_saved = true;
    return true;
}

static bool set_up(struct plain *plain, struct err *err)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGTSTP};

    plain->loop = loop_new(deliver, plain, err);
    if (!plain->loop || !open_terminal(plain, err) ||
        !loop_signals(plain->loop, signals, ARRAY_LEN(signals), on_signal, plain, err))
        return false;
    plain->watch = watch_start(plain->loop, plain, plain->in, LOOP_READ);
    if (!plain->watch)
        return err_set(err, ERR_TERMINAL, _("the terminal cannot be polled"));
    navigator_set_loop(plain->navigator, plain->loop);
    navigator_set_terminal(plain->navigator, &terminal, plain);
    loop_before_wait(plain->loop, before_wait, plain);
    return true;
}

static void tear_down(struct plain *plain)
{
    if (plain->watch)
        watch_stop(plain->watch);
    if (plain->have_saved)
        (void)tcsetattr(plain->in, TCSANOW, &plain->saved);
    if (plain->in >= 0)
        (void)close(plain->in);
    explicit_bzero(plain->line, sizeof(plain->line));
    navigator_set_terminal(plain->navigator, NULL, NULL);
    navigator_clear(plain->navigator);
    navigator_set_loop(plain->navigator, NULL);
    talk_free(plain->talk);
    if (plain->loop && !loop_drain(plain->loop, DRAIN_MS)) {
        log_error("a job did not end: leaving without it");
        _exit(plain->exit_code);
    }
    loop_free(plain->loop);
}

int navigator_run_plain(struct navigator *navigator,
                        struct screen *(*first)(void *arg, struct loop *loop), void *arg,
                        struct err *err)
{
    struct plain plain = {.navigator = navigator, .in = -1, .changed = true};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old_pipe;
    struct screen *screen;
    bool ok;

    sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGPIPE, &ignore, &old_pipe);
    plain.talk = talk_new(navigator);
    ok = set_up(&plain, err);
    if (ok) {
        screen = first(arg, plain.loop);
        if (screen)
            navigator_push(navigator, screen);
        ok = loop_run(plain.loop, err);
        if (!plain.exit_code)
            plain.exit_code = ok ? navigator_exit_code(navigator) : EXIT_NO_TERMINAL;
    } else {
        plain.exit_code = EXIT_NO_TERMINAL;
    }
    tear_down(&plain);
    (void)sigaction(SIGPIPE, &old_pipe, NULL);
    return plain.exit_code;
}
