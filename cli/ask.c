#include "config.h"

#include "cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/intl.h"
#include "core/base/text.h"

#define TRIES 3

/* An open terminal with the signals that end or stop a program held back, so that the echo is put
 * right before they act. */
struct terminal {
    int fd;
    int signals; /* signalfd */
    bool echo_off;
    struct termios saved;
    sigset_t held, before;
};

static bool terminal_open(struct terminal *terminal)
{
    static const int held[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

    memset(terminal, 0, sizeof(*terminal));
    terminal->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal->fd < 0)
        return false;
    sigemptyset(&terminal->held);
    for (size_t i = 0; i < ARRAY_LEN(held); i++)
        sigaddset(&terminal->held, held[i]);
    sigprocmask(SIG_BLOCK, &terminal->held, &terminal->before);
    terminal->signals = signalfd(-1, &terminal->held, SFD_CLOEXEC | SFD_NONBLOCK);
    return true;
}

static void echo_back(struct terminal *terminal)
{
    if (!terminal->echo_off)
        return;
    tcsetattr(terminal->fd, TCSAFLUSH, &terminal->saved);
    terminal->echo_off = false;
}

static void terminal_close(struct terminal *terminal)
{
    echo_back(terminal);
    if (terminal->signals >= 0)
        close(terminal->signals);
    close(terminal->fd);
    sigprocmask(SIG_SETMASK, &terminal->before, NULL);
}

static void echo_off(struct terminal *terminal)
{
    struct termios quiet;

    if (tcgetattr(terminal->fd, &terminal->saved) != 0)
        return;
    quiet = terminal->saved;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
    quiet.c_lflag |= ECHONL;
    terminal->echo_off = tcsetattr(terminal->fd, TCSAFLUSH, &quiet) == 0;
}

static void show(const struct terminal *terminal, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t written = write(terminal->fd, text, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        text += written;
        len -= (size_t)written;
    }
}

/* Reads one line into a secret; false at the end of the input. Signals act here, with the echo on. */
static bool read_line(struct terminal *terminal, const char *prompt, bool hidden,
                      struct secret *into)
{
    if (hidden)
        echo_off(terminal); /* before the prompt: who answers it at once is not shown either */
    show(terminal, prompt);
    for (;;) {
        struct pollfd fds[2] = {{.fd = terminal->fd, .events = POLLIN},
                                {.fd = terminal->signals, .events = POLLIN}};
        char c;
        ssize_t got;

        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return false;
        if (fds[1].revents) {
            /* acts on its own now: ends or stops the program; after SIGCONT the question is back */
            echo_back(terminal);
            show(terminal, "\n");
            sigprocmask(SIG_SETMASK, &terminal->before, NULL);
            sigprocmask(SIG_BLOCK, &terminal->held, NULL);
            secret_wipe(into);
            if (hidden)
                echo_off(terminal);
            show(terminal, prompt);
            continue;
        }
        if (!fds[0].revents)
            continue;
        got = read(terminal->fd, &c, 1);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0) {
            echo_back(terminal);
            return false;
        }
        if (c == '\n' || c == '\r')
            break;
        /* a line over the capacity stays cut: it will not be the right answer */
        if (!secret_add(into, &c, 1))
            continue;
    }
    echo_back(terminal);
    return true;
}

bool ask_possible(const struct cli *cli)
{
    struct terminal terminal;

    if (args_has(cli->args, OPT_NO_INPUT) || !terminal_open(&terminal))
        return false;
    terminal_close(&terminal);
    return true;
}

static bool needs(struct err *err, const char *what, const char *flag)
{
    err_set(err, ERR_NEEDS_ANSWER, _("an answer is needed, and pgseal may not ask: %s"), what);
    return err_hint(err, _("Give %s."), flag);
}

struct secret *ask_secret(struct cli *cli, const char *prompt, const char *flag, struct err *err)
{
    struct terminal terminal;
    struct secret *secret;
    char question[300];
    bool got;

    if (args_has(cli->args, OPT_NO_INPUT) || !terminal_open(&terminal)) {
        needs(err, prompt, flag);
        return NULL;
    }
    secret = secret_new(SECRET_PASSPHRASE_MAX);
    snprintf(question, sizeof(question), "%s: ", prompt);
    got = read_line(&terminal, question, true, secret);
    terminal_close(&terminal);
    if (!got) {
        secret_free(secret);
        err_set(err, ERR_REFUSED_BY_USER, _("the input ended at the question"));
        return NULL;
    }
    return secret;
}

struct secret *ask_new_secret(struct cli *cli, const char *what, const char *flag, struct err *err)
{
    struct secret *first = NULL;
    struct secret *second = NULL;
    char again[300];

    snprintf(again, sizeof(again), _("%s, again"), what);
    for (int i = 0; i < TRIES; i++) {
        first = ask_secret(cli, what, flag, err);
        if (!first)
            return NULL;
        if (secret_len(first) == 0) {
            output_note(&cli->out, _("problem: it is empty."));
            secret_free(first);
            continue;
        }
        second = ask_secret(cli, again, flag, err);
        if (!second) {
            secret_free(first);
            return NULL;
        }
        if (secret_equal(first, second)) {
            secret_free(second);
            return first;
        }
        output_note(&cli->out, _("problem: the two are not the same."));
        secret_free(first);
        secret_free(second);
    }
    err_set(err, ERR_REFUSED_BY_USER, _("no passphrase after %d tries"), TRIES);
    return NULL;
}

/* A line that is no secret, into a buffer. */
static bool ask_line(const char *question, char *into, size_t size)
{
    struct terminal terminal;
    struct secret *line;
    bool got;

    if (!terminal_open(&terminal))
        return false;
    line = secret_new(SECRET_PASSPHRASE_MAX);
    got = read_line(&terminal, question, false, line);
    terminal_close(&terminal);
    text_clean_copy(into, size, got ? secret_data(line) : "");
    secret_free(line);
    return true;
}

bool ask_yes(struct cli *cli, const char *question, struct err *err)
{
    char prompt[300];
    char answer[64];

    if (args_has(cli->args, OPT_YES))
        return true;
    snprintf(prompt, sizeof(prompt), _("%s Type yes or no. [no] "), question);
    if (args_has(cli->args, OPT_NO_INPUT) || !ask_line(prompt, answer, sizeof(answer)))
        return needs(err, question, "--yes");
    if (strcmp(answer, "yes") == 0 || strcmp(answer, "y") == 0)
        return true;
    return err_set(err, ERR_REFUSED_BY_USER, _("the answer was not \"yes\""));
}

bool ask_name(struct cli *cli, const char *act, const char *name, struct err *err)
{
    const struct args_values *given = &cli->args->options[OPT_CONFIRM];
    char prompt[400];
    char answer[128];
    char flag[160];

    for (size_t i = 0; i < given->n; i++)
        if (strcmp(given->items[i], name) == 0)
            return true;
    snprintf(flag, sizeof(flag), strchr(name, ' ') ? "--confirm=\"%s\"" : "--confirm=%s", name);
    if (given->n > 0) {
        err_set(err, ERR_CONFIRM, _("%s needs \"%s\", and \"%s\" was given"), act, flag,
                given->items[given->n - 1]);
        return err_hint(err, _("Give %s."), flag);
    }
    snprintf(prompt, sizeof(prompt), _("%s. To go on, type the name \"%s\": "), act, name);
    if (args_has(cli->args, OPT_NO_INPUT) || !ask_line(prompt, answer, sizeof(answer)))
        return needs(err, act, flag);
    if (strcmp(answer, name) != 0)
        return err_set(err, ERR_REFUSED_BY_USER, _("the name that was typed is not \"%s\""), name);
    return true;
}
