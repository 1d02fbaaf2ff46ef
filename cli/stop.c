/* stop.c - signals that a command obeys between two steps. */
#include "config.h"

#include "cli/stop.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "core/base/mem.h"

static const int asked[] = {SIGINT, SIGTERM, SIGHUP};

static void held(sigset_t *set)
{
    struct sigaction action;

    sigemptyset(set);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        if (sigaction(asked[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(set, asked[i]);
}

void stop_hold(void)
{
    sigset_t set;

    held(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The signal that came; 0: none. */
static int pending(void)
{
    sigset_t pending;

    if (sigpending(&pending) != 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(asked); i++)
        if (sigismember(&pending, asked[i]) == 1)
            return asked[i];
    return 0;
}

bool stop_asked(void *unused)
{
    (void)unused;
    return pending() != 0;
}

int stop_release(void)
{
    const struct timespec now = {0};
    int came = pending();
    sigset_t set;

    held(&set);
    while (sigtimedwait(&set, NULL, &now) > 0)
        ;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    return came != 0 ? 128 + came : 0;
}
