#include "config.h"

#include "cli/keep.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/text.h"

#define LOOK_MS 200 /* signals, the journal, the clock */

enum answer {
    ANSWER_NONE,
    ANSWER_KEEP,
    ANSWER_NO,
    ANSWER_STOPPED,
    ANSWER_LATE,
    ANSWER_ELSEWHERE /* another process kept it, or took it back */
};

/* One line from the terminal; the end of the input counts as "no". */
static enum answer read_answer(int tty)
{
    char line[64];
    ssize_t got = read(tty, line, sizeof(line) - 1);

    if (got <= 0)
        return ANSWER_NO;
    line[got] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return text_equal(line, "yes") || text_equal(line, "y") ? ANSWER_KEEP : ANSWER_NO;
}

static enum answer look(struct plan *plan, const struct plan_watch *watch, int tty)
{
    struct pollfd fd = {.fd = tty, .events = POLLIN};
    struct err ignored = ERR_INIT;

    if (poll(&fd, 1, LOOK_MS) > 0) /* a descriptor of -1 is only a pause */
        return read_answer(tty);
    if (watch->stop(watch->arg))
        return ANSWER_STOPPED;
    if (clock_mono_ms() >= plan_deadline_ms(plan))
        return ANSWER_LATE;
    if (plan_refresh(plan, &ignored) && plan_state(plan) != JOURNAL_DONE)
        return ANSWER_ELSEWHERE;
    return ANSWER_NONE;
}

static enum answer wait_answer(struct change *change, struct plan *plan,
                               const struct plan_watch *watch, bool question)
{
    int tty = question ? open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    int seconds = (int)((plan_deadline_ms(plan) - clock_mono_ms() + 999) / 1000);
    enum answer answer = ANSWER_NONE;

    output_note(&change->cli->out, _("keep   pgseal plan keep %lld"), (long long)plan_id(plan));
    if (tty >= 0)
        (void)!dprintf(tty, _("Keep it? In %d s it is taken back. Type yes or no. [no] "), seconds);
    else
        output_note(&change->cli->out, _("in %d s it is taken back"), seconds);
    while (answer == ANSWER_NONE)
        answer = look(plan, watch, tty);
    if (tty >= 0) {
        if (answer != ANSWER_KEEP && answer != ANSWER_NO)
            (void)!write(tty, "\n", 1);
        close(tty);
    }
    return answer;
}

static bool say_why(enum answer answer, const struct plan *plan, struct err *err)
{
    switch (answer) {
    case ANSWER_LATE:
        return err_set(err, ERR_CANCELLED, _("nobody kept plan %lld in time"),
                       (long long)plan_id(plan));
    case ANSWER_STOPPED:
        return err_set(err, ERR_CANCELLED, _("stopped before plan %lld was kept"),
                       (long long)plan_id(plan));
    case ANSWER_ELSEWHERE:
        return err_set(err, ERR_CANCELLED, _("plan %lld was taken back by another pgseal"),
                       (long long)plan_id(plan));
    case ANSWER_NONE:
    case ANSWER_KEEP:
    case ANSWER_NO:
        break;
    }
    return err_set(err, ERR_REFUSED_BY_USER, _("plan %lld was not kept"), (long long)plan_id(plan));
}

bool keep_or_undo(struct change *change, struct plan *plan, const struct plan_watch *watch,
                  bool question, struct err *err)
{
    enum answer answer = wait_answer(change, plan, watch, question);
    struct plan_watch no_stop = *watch;
    struct err why = ERR_INIT;

    no_stop.stop = NULL; /* an undo is not stopped half-way */
    if (answer == ANSWER_KEEP && plan_keep(plan, err))
        return true;
    if (plan_state(plan) == JOURNAL_KEPT) /* said elsewhere */
        return true;
    if (answer != ANSWER_KEEP)
        say_why(answer, plan, err);
    if (answer == ANSWER_ELSEWHERE || plan_undo(plan, &no_stop, &why)) {
        change->cli->exit = EXIT_TAKEN_BACK;
        return err_state(err, _("Everything was taken back: server \"%s\" is as it was before."),
                         change->server->name);
    }
    if (plan_state(plan) == JOURNAL_KEPT)
        return true;
    change->cli->exit = EXIT_LEFT;
    err_state(err, _("NOT fully taken back on server \"%s\": %s."), change->server->name, why.msg);
    return err_hint(err, _("\"pgseal plan undo %lld\" tries again."), (long long)plan_id(plan));
}
