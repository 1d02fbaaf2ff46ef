/* attempt_log.c - the two files of a change: what was done, and the same as a script. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "screens/attempt_parts.h"

#define TIME_AT  11 /* in 2026-11-21T20:15:42Z */
#define TIME_LEN 8

void attempt_log_line(struct attempt_view *view, const char *fmt, ...)
{
    struct strbuf dirty = STRBUF_INIT, line = STRBUF_INIT;
    char now[CLOCK_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&dirty, fmt, args);
    va_end(args);
    strbuf_printf(&line, "%.*s  ", TIME_LEN, clock_format_rfc3339(now, clock_now()) + TIME_AT);
    text_clean(&line, dirty.data, dirty.len, TEXT_ONE_LINE);
    view->log = mem_realloc_array(view->log, view->n_log + 1, sizeof(*view->log));
    view->log[view->n_log++] = strbuf_steal(&line);
    strbuf_clear(&dirty);
}

/* plan_script() begins each step with a line "# N M title". */
static const char *find_step(const char *script, size_t step)
{
    char head[32];
    const char *found;

    snprintf(head, sizeof(head), "\n# %zu ", step);
    found = strstr(script, head);
    return found != NULL ? found + 1 : NULL;
}

char *attempt_script_part(const char *script, size_t step)
{
    const char *from = find_step(script, step), *to;

    if (from == NULL)
        return mem_strdup("");
    from += strcspn(from, "\n"); /* its title is shown already */
    from += *from == '\n';
    to = find_step(from - 1, step + 1);
    return mem_strndup(from, to != NULL ? (size_t)(to - from) : strlen(from));
}

static const char *end_text(const struct attempt_view *view)
{
    if (view->phase != ATTEMPT_ENDED)
        return _("open: not kept yet");
    switch (view->end) {
    case ATTEMPT_END_TEXT:
    case ATTEMPT_END_FAILED:
        return _("failed, nothing was changed");
    case ATTEMPT_END_NOTHING:
        return _("nothing to do");
    case ATTEMPT_END_KEPT:
        return _("kept");
    case ATTEMPT_END_PARTLY:
        return _("on some members only");
    case ATTEMPT_END_UNDONE:
        return _("taken back");
    case ATTEMPT_END_LEFT:
        break;
    }
    return _("NOT fully taken back");
}

static void write_log(const struct attempt_view *view, struct strbuf *out)
{
    char date[CLOCK_TEXT_MAX];

    strbuf_printf(out, _("plan %lld on %s: %s\n"), (long long)view->plan_id, view->server,
                  view->title);
    strbuf_printf(out, _("end   %s (%s)\n\n"), end_text(view),
                  clock_format_rfc3339(date, clock_now()));
    for (size_t i = 0; i < view->n_steps; i++) {
        const struct attempt_step *step = &view->steps[i];

        strbuf_printf(out, "%3zu %c %-8s %s\n", i + 1, (char)step->mark,
                      journal_step_state_name(step->state), step->title);
        if (step->saw[0] != '\0')
            strbuf_printf(out, "               %s\n", step->saw);
    }
    strbuf_add_char(out, '\n');
    for (size_t i = 0; i < view->n_log; i++)
        strbuf_printf(out, "%s\n", view->log[i]);
    if (view->err.code != ERR_NONE)
        strbuf_printf(out, _("\nerror PS-%d: %s\ncause %s\nstate %s\nhelp  %s\n"),
                      (int)view->err.code, view->err.msg, err_cause_text(&view->err),
                      err_state_text(&view->err), err_hint_text(&view->err));
}

static char *save(const char *folder, const char *name, const char *ending,
                  const struct strbuf *text)
{
    struct err ignored = ERR_INIT; /* a log that cannot be written stops nothing: it has no name */
    char *file = mem_printf("%s.%s", name, ending), *path = fs_join(folder, file);

    if (!fs_write_replace(path, text->data, text->len, FS_MODE_SECRET, &ignored)) {
        free(path);
        path = mem_strdup("");
    }
    free(file);
    return path;
}

void attempt_log_save(struct attempt *attempt)
{
    struct attempt_view view = {.n_steps = 0};
    struct strbuf text = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    char date[CLOCK_TEXT_MAX], *log, *script;

    if (attempt->log_folder == NULL || !fs_make_folder(attempt->log_folder, &ignored))
        return;
    attempt_look(attempt, &view); /* a copy: the disk is not waited for under the lock */
    if (attempt->member_ended) {  /* its own end; the change goes on */
        view.phase = ATTEMPT_ENDED;
        view.end = attempt->member_end;
    }
    if (attempt->log_name == NULL)
        attempt->log_name =
            mem_printf("%.10s-%s-plan-%lld", clock_format_rfc3339(date, clock_now()), view.server,
                       (long long)view.plan_id);
    write_log(&view, &text);
    log = save(attempt->log_folder, attempt->log_name, "log", &text);
    strbuf_reset(&text);
    strbuf_add_str(&text, view.script);
    script = save(attempt->log_folder, attempt->log_name, "sh", &text);
    strbuf_clear(&text);
    attempt_view_clear(&view);
    pthread_mutex_lock(&attempt->lock);
    free(attempt->view.log_file);
    free(attempt->view.script_file);
    attempt->view.log_file = log;
    attempt->view.script_file = script;
    pthread_mutex_unlock(&attempt->lock);
}
