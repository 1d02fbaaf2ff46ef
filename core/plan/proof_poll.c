/* proof_poll.c - to look again and again, a little later each time, until the time is over. */
#include "config.h"

#include <poll.h>

#include "core/base/clock.h"
#include "core/plan/step.h"

struct proof_poll proof_poll_start(void)
{
    return (struct proof_poll){.deadline_ms = clock_mono_ms() + PROOF_TIMEOUT_MS, .pause_ms = 25};
}

bool proof_poll_again(struct proof_poll *poll_state)
{
    int64_t left = poll_state->deadline_ms - clock_mono_ms();
    int pause = poll_state->pause_ms;

    if (left <= 0)
        return false;
    poll(NULL, 0, pause < left ? pause : (int)left);
    poll_state->pause_ms = pause < 800 ? pause * 2 : pause;
    return true;
}
