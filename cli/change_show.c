/* change_show.c - a plan as people and as programs read it before they agree. */
#include "config.h"

#include <string.h>

#include "cli/change.h"
#include "core/base/intl.h"
#include "core/base/text.h"

json_t *change_plan_json(const struct plan *plan, const char *server)
{
    json_t *steps = json_array();
    json_t *refused = json_array();

    for (size_t i = 0; i < plan_count(plan); i++) {
        struct plan_step_view step = plan_step(plan, i);
        char mark[2] = {(char)step.mark, '\0'};
        json_t *json =
            json_pack("{s:i, s:s, s:o, s:o, s:s}", "n", step.n, "mark", mark, "title",
                      json_string_or_empty(step.title), "effect", json_string_or_empty(step.effect),
                      "state", journal_step_state_name(step.state));
        if (step.sql && *step.sql)
            json_object_set_new(json, "sql", json_string_or_empty(step.sql));
        if (step.file && *step.file)
            json_object_set_new(json, "file", json_string_or_empty(step.file));
        if (step.lines && *step.lines)
            json_object_set_new(json, "lines", json_string_or_empty(step.lines));
        json_array_append_new(steps, json);
    }
    for (size_t i = 0; i < plan_count_refused(plan); i++) {
        const struct plan_refused *row = plan_refused(plan, i);

        json_array_append_new(refused, json_pack("{s:i, s:o, s:o, s:o, s:o}", "pid", row->pid,
                                                 "role", json_string_or_empty(row->role),
                                                 "database", json_string_or_empty(row->database),
                                                 "address", json_string_or_empty(row->address),
                                                 "why", json_string_or_empty(row->why)));
    }
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "id",
                     plan_id(plan) ? json_integer(plan_id(plan)) : json_null(), "server",
                     json_string_or_empty(server), "title", json_string_or_empty(plan_title(plan)),
                     "state", journal_plan_state_name(plan_state(plan)), "steps", steps, "refused",
                     refused);
}

typedef void (*print_fn)(const struct output *, const char *, ...);

/* The rules themselves: who agrees to a change of pg_hba.conf has read them. */
static void show_lines(const struct output *output, print_fn print, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        struct strbuf clean = STRBUF_INIT;

        /* the line end of Windows is none of the line */
        text_clean(&clean, lines, len - (len > 0 && lines[len - 1] == '\r'), TEXT_ONE_LINE);
        print(output, "        | %s", clean.data);
        strbuf_clear(&clean);
        lines += len + (lines[len] == '\n');
    }
}

void change_show_plan(const struct output *output, const struct plan *plan, bool is_result)
{
    print_fn print = is_result ? output_line : output_note;

    print(output, "%s", plan_title(plan));
    for (size_t i = 0; i < plan_count(plan); i++) {
        struct plan_step_view step = plan_step(plan, i);

        print(output, "  %c %2d  %s", (char)step.mark, step.n, step.title);
        if (step.effect && *step.effect)
            print(output, "        %s", step.effect);
        show_lines(output, print, step.lines ? step.lines : "");
        if (output->verbose > 0 && step.sql && *step.sql)
            print(output, "        %s", step.sql);
    }
    print(output, _("  + new   ~ changed   - removed   = same   ! acts now   ? only looks"));
}

void change_show_refused(const struct output *output, const struct plan *plan)
{
    for (size_t i = 0; i < plan_count_refused(plan); i++) {
        const struct plan_refused *row = plan_refused(plan, i);

        if (row->pid == 0) {
            output_note(output,
                        _("[!!] would be refused: role \"%s\", which has a certificate (%s)"),
                        row->role, row->why);
            continue;
        }
        output_note(output, _("[!!] would be refused: pid %d, role \"%s\" from %s (%s)"), row->pid,
                    row->role, *row->address ? row->address : _("a socket"), row->why);
    }
}
