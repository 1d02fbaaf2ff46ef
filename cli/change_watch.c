/* change_watch.c - a change while it runs: what it reports, and the signals that wait for its end. */
#include "config.h"

#include <signal.h>
#include <time.h>

#include "cli/change.h"
#include "core/base/intl.h"

static void held_signals(sigset_t *set, bool with_stop)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    if (with_stop)
        sigaddset(set, SIGTSTP);
}

void change_hold_signals(void)
{
    sigset_t set;

    held_signals(&set, true);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void change_release_signals(void)
{
    const struct timespec now = {0};
    sigset_t set;

    /* one that came has done its work: it was obeyed by taking back */
    held_signals(&set, false);
    while (sigtimedwait(&set, NULL, &now) > 0)
        ;
    held_signals(&set, true);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static bool stop_asked(void *arg)
{
    sigset_t pending, set;

    (void)arg;
    held_signals(&set, false);
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

static const char *step_mark(enum journal_step_state state)
{
    switch (state) {
    case JOURNAL_STEP_OPEN:
        return "[  ]";
    case JOURNAL_STEP_DOING:
        return "[..]";
    case JOURNAL_STEP_DONE:
        return "[ok]";
    case JOURNAL_STEP_SKIPPED:
    case JOURNAL_STEP_UNDONE:
        return "[--]";
    case JOURNAL_STEP_FAILED:
        break;
    }
    return "[xx]";
}

static void report_step(void *arg, const struct plan_step_view *step)
{
    const struct change_report *report = arg;

    if (step->state == JOURNAL_STEP_DOING)
        return;
    output_note(report->output, "%s%s%s %2d  %s%s%s", report->server ? report->server : "",
                report->server ? ": " : "", step_mark(step->state), step->n, step->title,
                step->state == JOURNAL_STEP_UNDONE ? _("  taken back") : "",
                step->state == JOURNAL_STEP_SKIPPED ? _("  nothing to do") : "");
    if (step->saw && *step->saw)
        output_detail(report->output, "         %s", step->saw);
}

static void report_saw(void *arg, const char *line)
{
    const struct change_report *report = arg;

    if (report->server)
        output_note(report->output, _("%s: [ok] saw %s"), report->server, line);
    else
        output_note(report->output, _("[ok] saw %s"), line);
    if (report->saw)
        json_array_append_new(report->saw, json_string_or_empty(line));
}

struct plan_watch change_watch(struct change_report *report)
{
    return (struct plan_watch){
        .step = report_step, .saw = report_saw, .stop = stop_asked, .arg = report};
}
