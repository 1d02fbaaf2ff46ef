#include "config.h"

#include "tui/clipboard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"

#define TMUX_DEADLINE_MS 3000

extern char **environ;

bool clipboard_in_tmux(void)
{
    const char *tmux = getenv("TMUX");

    return tmux && tmux[0];
}

bool clipboard_osc52(const char *text, struct strbuf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = (const unsigned char *)text;
    size_t len = strlen(text);

    if (len > CLIPBOARD_OSC52_MAX)
        return false;
    strbuf_add_str(out, "\033]52;c;");
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        unsigned group = (unsigned)bytes[i] << 16;

        if (left > 1)
            group |= (unsigned)bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        strbuf_add_char(out, digits[group >> 18]);
        strbuf_add_char(out, digits[group >> 12 & 63]);
        strbuf_add_char(out, left > 1 ? digits[group >> 6 & 63] : '=');
        strbuf_add_char(out, left > 2 ? digits[group & 63] : '=');
    }
    strbuf_add_char(out, '\a');
    return true;
}

/* tmux with the read end as its input; 0 when it cannot be started. */
static pid_t start_tmux(int input)
{
    char program[] = "tmux", load[] = "load-buffer", write_through[] = "-w", from[] = "-";
    char *argv[] = {program, load, write_through, from, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    pid_t pid = 0;

    if (posix_spawn_file_actions_init(&actions))
        return 0;
    if (posix_spawnattr_init(&attributes)) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return 0;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    (void)posix_spawnattr_setsigdefault(&attributes, &signals);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    /* its words must not land on the page */
    if (posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) ||
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ||
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ||
        posix_spawnp(&pid, program, &actions, &attributes, argv, environ))
        pid = 0;
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void wait_for(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int64_t deadline = clock_mono_ms() + TMUX_DEADLINE_MS;
    int status = 0;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_mono_ms() > deadline) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        log_info("tmux load-buffer failed, status %d", status);
}

/* A tmux that does not read is not waited for: what a pipe takes (64 kB) is enough for commands. */
static void tmux_run(struct job *job, void *data)
{
    const char *text = data;
    int ends[2];
    ssize_t written;
    pid_t pid;

    (void)job;
    if (pipe2(ends, O_CLOEXEC))
        return;
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    pid = start_tmux(ends[0]);
    if (pid > 0) {
        written = write(ends[1], text, strlen(text));
        if (written < 0 || (size_t)written < strlen(text))
            log_info("tmux load-buffer took %zd bytes", written);
    } else {
        log_info("tmux could not be started");
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    if (pid > 0)
        wait_for(pid);
}

const struct job_ops clipboard_tmux_ops = {
    .name = "tmux-load-buffer",
    .run = tmux_run,
    .free = free,
};
