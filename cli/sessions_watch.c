/*
 * sessions_watch.c - "sessions --watch": several servers at once, for as long as it is wanted.
 *
 * One thread waits for all of them and for signals, so that a server that hangs holds nobody up. Names
 * are resolved on this thread: without an answer from the DNS the others wait for that long.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/sessions.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

static void give_params(struct watched *watched)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(watched->server->conninfo, &err);

    if (params && !conn_resolve(params, &err)) {
        params_free(params);
        params = NULL;
    }
    poller_take_params(watched->poller, params, &err);
}

/* A password that libpq's own places do not have: asked for once, where somebody can answer. */
static bool give_password(struct cli *cli, struct watched *watched, struct err *err)
{
    struct secret *password;
    char prompt[160];

    if (!ask_possible(cli)) {
        *err = *poller_error(watched->poller);
        err_hint(err, _("Nobody can be asked for a password here: put it into ~/.pgpass."));
        return err_prefix(err, "%s", watched->server->name);
    }
    snprintf(prompt, sizeof(prompt), _("Password for the server \"%s\""), watched->server->name);
    password = ask_secret(cli, prompt, _("it in ~/.pgpass"), err);
    if (!password)
        return false;
    poller_set_password(watched->poller, password);
    secret_free(password);
    return true;
}

/* Says once that a server is away, and once that it is back. */
static void tell_state(const struct cli *cli, struct watched *watched)
{
    enum poller_state state = poller_state(watched->poller);

    if (state == watched->told || state == POLLER_CONNECTING)
        return;
    if (state == POLLER_AWAY)
        output_warning(&cli->out, _("%s: %s; trying again"), watched->server->name,
                       poller_error(watched->poller)->msg);
    else if (state == POLLER_LIVE && watched->told == POLLER_AWAY)
        output_note(&cli->out, _("%s: back again"), watched->server->name);
    watched->told = state;
}

static bool take_rows(struct cli *cli, struct watched *watched, struct err *err)
{
    const struct sessions *rows = poller_rows(watched->poller);
    bool print = !args_has(cli->args, OPT_RECORD) || cli->out.json || args_has(cli->args, OPT_CSV);
    struct err why = ERR_INIT;
    size_t found = 0;

    if (!rows)
        return true;
    /* A busy store is no reason to end: the next poll looks again. */
    if (!sessions_look_up(cli, watched, rows, &why) && why.code != ERR_STORE_BUSY) {
        *err = why;
        return false;
    }
    recorder_add(watched->recorder, rows, watched->book);
    if (print)
        sessions_print(cli, watched, rows, poller_rights(watched->poller), NULL, &found);
    why = (struct err)ERR_INIT;
    if (!sessions_record(cli, watched, false, &why)) {
        if (why.code != ERR_STORE_BUSY) {
            *err = why;
            return false;
        }
        output_warning(&cli->out, "%s", why.msg);
    }
    return true;
}

static bool step_server(struct cli *cli, struct watched *watched, struct err *err)
{
    bool rows = poller_step(watched->poller);

    if (poller_state(watched->poller) == POLLER_PASSWORD && !give_password(cli, watched, err))
        return false;
    if (poller_needs_params(watched->poller))
        give_params(watched);
    tell_state(cli, watched);
    return !rows || take_rows(cli, watched, err);
}

static int timeout_of(const struct watched *servers, size_t n)
{
    int64_t at_ms = INT64_MAX;
    int64_t left;

    for (size_t i = 0; i < n; i++)
        if (poller_at_ms(servers[i].poller) < at_ms)
            at_ms = poller_at_ms(servers[i].poller);
    if (at_ms == INT64_MAX)
        return -1;
    left = at_ms - clock_mono_ms();
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

static bool is_due(const struct watched *watched, const struct pollfd *fd)
{
    return (fd->fd >= 0 && fd->revents != 0) || poller_at_ms(watched->poller) <= clock_mono_ms();
}

static bool watch(struct cli *cli, struct watched *servers, size_t n, int signals, int *ret_signal,
                  struct err *err)
{
    struct pollfd *fds = mem_array(n + 1, sizeof(*fds));
    bool done = true;

    while (done && *ret_signal == 0 && !ferror(stdout)) {
        for (size_t i = 0; i < n; i++) {
            unsigned wants = poller_wants(servers[i].poller);

            fds[i] = (struct pollfd){.fd = poller_fd(servers[i].poller),
                                     .events = (short)((wants & CONN_READ ? POLLIN : 0) |
                                                       (wants & CONN_WRITE ? POLLOUT : 0))};
        }
        fds[n] = (struct pollfd){.fd = signals, .events = POLLIN};
        if (poll(fds, (nfds_t)n + 1, timeout_of(servers, n)) < 0 && errno != EINTR) {
            done = err_set_errno(err, ERR_INTERNAL, errno, "poll");
            break;
        }
        if (fds[n].revents & POLLIN) {
            struct signalfd_siginfo info;

            if (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
                *ret_signal = (int)info.ssi_signo;
        }
        for (size_t i = 0; i < n && done; i++)
            if (is_due(&servers[i], &fds[i]))
                done = step_server(cli, &servers[i], err);
    }
    free(fds);
    return done;
}

bool sessions_watch(struct cli *cli, struct watched *servers, size_t n, int64_t seconds,
                    int *ret_signal, struct err *err)
{
    sigset_t set, before;
    int signals;
    bool done;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, &before);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "signalfd");
    if (args_has(cli->args, OPT_CSV))
        sessions_print_csv_header();
    for (size_t i = 0; i < n; i++) {
        servers[i].poller = poller_new();
        poller_set_interval(servers[i].poller, seconds * 1000);
        poller_start(servers[i].poller);
        give_params(&servers[i]);
        tell_state(cli, &servers[i]);
    }
    if (args_has(cli->args, OPT_RECORD))
        output_note(&cli->out,
                    _("recording every %lld s; \"pgseal sightings\" shows what was seen"),
                    (long long)seconds);
    done = watch(cli, servers, n, signals, ret_signal, err);
    for (size_t i = 0; i < n; i++) {
        struct err why = ERR_INIT;

        if (!sessions_record(cli, &servers[i], true, &why) && done) {
            *err = why;
            done = false;
        }
    }
    close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return done;
}
