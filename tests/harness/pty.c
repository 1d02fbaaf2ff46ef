#include "config.h"

#include "tests/harness/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>
#include <vterm.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"

struct pty {
    int fd; /* -1: hung up */
    pid_t pid;
    bool ended, closed;
    int status;
    int rows, columns;
    VTerm *vterm;
    VTermScreen *screen;
    struct strbuf output;
    struct termios before;
};

/* As a login does: "cmd &" and nohup of whoever runs the tests leave signals ignored. */
static void reset_signals(void)
{
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL); /* refused for SIGKILL and its like */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_child(const struct pty_options *options)
{
    reset_signals();
    (void)setenv("TERM", options->term ? options->term : "xterm-256color", 1);
    for (const char *const *at = options->env; at && *at; at++) {
        char *pair = mem_strdup(*at), *value = strchr(pair, '=');

        if (value) {
            *value = '\0';
            (void)setenv(pair, value + 1, 1);
        } else {
            (void)unsetenv(pair);
        }
        free(pair);
    }
    if (options->folder && chdir(options->folder))
        _exit(126);
    /* execvp() does not write into the strings; its type is older than const */
    (void)execvp(options->argv[0], (char *const *)(uintptr_t)options->argv);
    _exit(127);
}

struct pty *pty_start(const struct pty_options *options)
{
    struct pty *pty = mem_zalloc(sizeof(*pty));
    struct winsize size = {0};
    int flags, other;

    pty->rows = options->rows ? options->rows : 24;
    pty->columns = options->columns ? options->columns : 80;
    size.ws_row = (unsigned short)pty->rows;
    size.ws_col = (unsigned short)pty->columns;
    strbuf_init(&pty->output);
    if (openpty(&pty->fd, &other, NULL, NULL, &size) || tcgetattr(pty->fd, &pty->before))
        fail_msg("openpty: %s", strerror(errno));
    pty->pid = fork();
    if (pty->pid < 0)
        fail_msg("fork: %s", strerror(errno));
    if (pty->pid == 0) {
        /* a server in a terminal (krb5kdc) may not care that the terminal goes */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(pty->fd);
        if (login_tty(other))
            _exit(126);
        run_child(options);
    }
    (void)close(other);
    flags = fcntl(pty->fd, F_GETFL);
    (void)fcntl(pty->fd, F_SETFL, flags | O_NONBLOCK);
    (void)fcntl(pty->fd, F_SETFD, FD_CLOEXEC);
    pty->vterm = vterm_new(pty->rows, pty->columns);
    vterm_set_utf8(pty->vterm, 1);
    pty->screen = vterm_obtain_screen(pty->vterm);
    vterm_screen_enable_altscreen(pty->screen, 1);
    vterm_screen_reset(pty->screen, 1);
    return pty;
}

void pty_free(struct pty *pty)
{
    if (!pty)
        return;
    if (!pty->ended) {
        (void)kill(pty->pid, SIGKILL);
        (void)waitpid(pty->pid, NULL, 0);
    }
    if (pty->fd >= 0)
        (void)close(pty->fd);
    vterm_free(pty->vterm);
    strbuf_clear(&pty->output);
    free(pty);
}

/* -- reading and writing -------------------------------------------------------------------- */

static void show(struct pty *pty, const char *what)
{
    char *screen = pty_screen(pty);

    (void)fprintf(stderr, "%s; the screen:\n%s\n", what, screen); /* print_error() cuts */
    free(screen);
}

/* What the program asks of the terminal is answered, as a terminal would. */
static void answer(struct pty *pty)
{
    char bytes[256];
    size_t n;

    while ((n = vterm_output_read(pty->vterm, bytes, sizeof(bytes))) > 0) {
        ssize_t written = write(pty->fd, bytes, n);

        (void)written;
    }
}

static void read_all(struct pty *pty)
{
    char bytes[65536];

    for (;;) {
        ssize_t n = read(pty->fd, bytes, sizeof(bytes));

        if (n > 0) {
            strbuf_add(&pty->output, bytes, (size_t)n);
            (void)vterm_input_write(pty->vterm, bytes, (size_t)n);
            answer(pty);
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            pty->closed = true; /* EIO: nobody has the other side open */
        return;
    }
}

static void wait_ms(struct pty *pty, short events, int ms)
{
    struct pollfd fd = {.fd = pty->fd, .events = events};

    if (pty->fd < 0 || pty->closed) {
        (void)poll(NULL, 0, ms < 10 ? ms : 10);
        return;
    }
    if (poll(&fd, 1, ms) > 0 && (fd.revents & (POLLIN | POLLHUP | POLLERR)))
        read_all(pty);
}

void pty_listen(struct pty *pty, int ms)
{
    int64_t end = clock_mono_ms() + ms;

    for (int64_t now = clock_mono_ms(); now < end; now = clock_mono_ms())
        wait_ms(pty, POLLIN, (int)(end - now));
}

void pty_send(struct pty *pty, const void *data, size_t len)
{
    const char *bytes = data;
    int64_t end = clock_mono_ms() + PTY_WAIT_MS;

    while (len > 0) {
        ssize_t n = write(pty->fd, bytes, len);

        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
            continue;
        }
        if (clock_mono_ms() > end || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            show(pty, "the program does not read");
            fail();
        }
        wait_ms(pty, POLLIN | POLLOUT, 100);
    }
}

void pty_type(struct pty *pty, const char *text)
{
    pty_send(pty, text, strlen(text));
}

void pty_paste(struct pty *pty, const char *text)
{
    pty_type(pty, "\033[200~");
    pty_type(pty, text);
    pty_type(pty, "\033[201~");
}

/* -- waiting -------------------------------------------------------------------------------- */

static void wait_for_text(struct pty *pty, const char *text, bool want)
{
    int64_t end = clock_mono_ms() + PTY_WAIT_MS;

    while (pty_has_text(pty, text) != want) {
        if (clock_mono_ms() > end || pty->closed) {
            print_error("%s \"%s\"\n", want ? "waited for" : "still there:", text);
            show(pty, pty->closed ? "the program has ended" : "time is over");
            fail();
        }
        wait_ms(pty, POLLIN, 100);
    }
}

void pty_wait_text(struct pty *pty, const char *text)
{
    wait_for_text(pty, text, true);
}

void pty_wait_no_text(struct pty *pty, const char *text)
{
    wait_for_text(pty, text, false);
}

void pty_wait_output(struct pty *pty, const char *bytes)
{
    int64_t end = clock_mono_ms() + PTY_WAIT_MS;

    while (!memmem(pty->output.data, pty->output.len, bytes, strlen(bytes))) {
        if (clock_mono_ms() > end || pty->closed) {
            show(pty, "the output did not come");
            fail();
        }
        wait_ms(pty, POLLIN, 100);
    }
}

int pty_wait_exit(struct pty *pty)
{
    int64_t end = clock_mono_ms() + PTY_WAIT_MS;

    while (!pty->ended) {
        if (waitpid(pty->pid, &pty->status, WNOHANG) == pty->pid) {
            pty->ended = true;
            break;
        }
        if (clock_mono_ms() > end) {
            show(pty, "the program does not end");
            fail();
        }
        wait_ms(pty, POLLIN, 10);
    }
    if (pty->fd >= 0)
        read_all(pty);
    return WIFEXITED(pty->status) ? WEXITSTATUS(pty->status) : 128 + WTERMSIG(pty->status);
}

/* -- looking -------------------------------------------------------------------------------- */

char *pty_row(struct pty *pty, int row)
{
    struct strbuf text = STRBUF_INIT;

    for (int column = 0; column < pty->columns; column++) {
        VTermPos pos = {.row = row, .col = column};
        VTermScreenCell cell;

        if (!vterm_screen_get_cell(pty->screen, pos, &cell))
            continue;
        if (cell.chars[0] == 0)
            strbuf_add_char(&text, ' ');
        for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++)
            text_put(&text, cell.chars[i]);
        if (cell.width > 1)
            column += cell.width - 1;
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        strbuf_truncate(&text, text.len - 1);
    return strbuf_steal(&text);
}

char *pty_screen(struct pty *pty)
{
    struct strbuf all = STRBUF_INIT;

    for (int row = 0; row < pty->rows; row++) {
        char *text = pty_row(pty, row);

        strbuf_printf(&all, "%s\n", text);
        free(text);
    }
    return strbuf_steal(&all);
}

bool pty_has_text(struct pty *pty, const char *text)
{
    bool has = false;

    for (int row = 0; row < pty->rows && !has; row++) {
        char *line = pty_row(pty, row);

        has = strstr(line, text) != NULL;
        free(line);
    }
    return has;
}

void pty_cell(struct pty *pty, int row, int column, struct pty_cell *ret)
{
    VTermPos pos = {.row = row, .col = column};
    VTermScreenCell cell;

    *ret = (struct pty_cell){.width = 1, .colour = -1};
    if (!vterm_screen_get_cell(pty->screen, pos, &cell))
        return;
    ret->character = cell.chars[0];
    ret->width = cell.width;
    ret->bold = cell.attrs.bold;
    ret->reverse = cell.attrs.reverse;
    if (!VTERM_COLOR_IS_DEFAULT_FG(&cell.fg) && VTERM_COLOR_IS_INDEXED(&cell.fg))
        ret->colour = cell.fg.indexed.idx % 8; /* libvterm makes bold ones bright: 8 to 15 */
}

void pty_size(const struct pty *pty, int *ret_rows, int *ret_columns)
{
    *ret_rows = pty->rows;
    *ret_columns = pty->columns;
}

void pty_cursor(struct pty *pty, int *ret_row, int *ret_column)
{
    VTermPos pos;

    vterm_state_get_cursorpos(vterm_obtain_state(pty->vterm), &pos);
    *ret_row = pos.row;
    *ret_column = pos.col;
}

const struct strbuf *pty_output(const struct pty *pty)
{
    return &pty->output;
}

bool pty_mode_is_on(const struct pty *pty, const char *mode)
{
    const char *at = pty->output.data, *end = at + pty->output.len;
    size_t len = strlen(mode);
    bool on = false;

    while ((at = memmem(at, (size_t)(end - at), mode, len))) {
        at += len;
        if (at < end && (*at == 'h' || *at == 'l'))
            on = *at == 'h';
    }
    return on;
}

/* -- acting --------------------------------------------------------------------------------- */

void pty_resize(struct pty *pty, int rows, int columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

    pty->rows = rows;
    pty->columns = columns;
    vterm_set_size(pty->vterm, rows, columns);
    if (ioctl(pty->fd, TIOCSWINSZ, &size))
        fail_msg("TIOCSWINSZ: %s", strerror(errno));
}

void pty_signal(struct pty *pty, int signal)
{
    if (kill(pty->pid, signal))
        fail_msg("kill: %s", strerror(errno));
}

void pty_hang_up(struct pty *pty)
{
    (void)close(pty->fd);
    pty->fd = -1;
}

pid_t pty_pid(const struct pty *pty)
{
    return pty->pid;
}

bool pty_settings_as_before(const struct pty *pty)
{
    struct termios now;

    if (tcgetattr(pty->fd, &now))
        fail_msg("tcgetattr: %s", strerror(errno));
    return now.c_iflag == pty->before.c_iflag && now.c_oflag == pty->before.c_oflag &&
           now.c_cflag == pty->before.c_cflag && now.c_lflag == pty->before.c_lflag;
}
