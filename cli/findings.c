/* findings.c - a finding has a headline; why and what to do stand below it. */
#include "config.h"

#include "cli/findings.h"

#include <stdio.h>

#include "core/base/intl.h"

json_t *findings_json(const struct findings *findings)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *finding = &findings->rows[i];
        char code[16];

        snprintf(code, sizeof(code), "PS-%04d", (int)finding->code);
        json_array_append_new(rows,
                              json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "severity",
                                        finding_severity_name(finding->severity), "code", code,
                                        "object", json_string_or_empty(finding->object), "message",
                                        json_string_or_empty(finding->message), "cause",
                                        json_string_or_empty(finding->cause), "help",
                                        json_string_or_empty(finding->fix), "act",
                                        json_text(finding_act_name(finding->act)), "act_on",
                                        json_text(finding->act_on)));
    }
    return rows;
}

static const char *mark(enum finding_severity severity)
{
    switch (severity) {
    case FINDING_ERROR:
        return "[xx]";
    case FINDING_WARNING:
        return "[!!]";
    case FINDING_INFO:
        break;
    }
    return "[--]";
}

void findings_print(const struct output *output, const struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *finding = &findings->rows[i];

        output_line(output, "%s PS-%04d %s: %s", mark(finding->severity), (int)finding->code,
                    finding->object, finding->message);
        if (*finding->cause)
            output_line(output, _("     cause: %s"), finding->cause);
        if (*finding->fix)
            output_line(output, _("     help:  %s"), finding->fix);
    }
}

bool findings_are_bad(const struct findings *findings)
{
    return findings_count(findings, FINDING_ERROR) + findings_count(findings, FINDING_WARNING) > 0;
}

void findings_print_count(const struct output *output, const struct findings *findings)
{
    size_t errors = findings_count(findings, FINDING_ERROR);
    size_t warnings = findings_count(findings, FINDING_WARNING);
    struct strbuf line = STRBUF_INIT;

    strbuf_printf(&line, ngettext("%zu error", "%zu errors", errors), errors);
    strbuf_add_str(&line, ", ");
    strbuf_printf(&line, ngettext("%zu warning", "%zu warnings", warnings), warnings);
    output_line(output, "%s", line.data);
    strbuf_clear(&line);
}
