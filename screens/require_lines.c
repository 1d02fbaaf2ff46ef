/* require_lines.c - which of pgseal's rules go. */
#include "config.h"

#include "screens/require_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

static const struct form_field line_field = {
    .label = "",
    .why =
        N_("With this rule gone the line below it decides. Sessions stay open; who comes anew is "
           "judged by the lines that are left."),
    .help = N_("Space ticks. Only rules that carry pgseal's mark are shown here; other lines stay "
               "byte for byte. \"Who gets in?\" shows what that means for everyone."),
    .word = "pg_hba.conf",
};

void require_lines_add(struct require_lines *lines, struct form *form)
{
    for (size_t i = 0; i < REQUIRE_LINES_MAX; i++)
        lines->fields[i] = form_add_check(form, &line_field, lines->labels[i], true);
}

/* "line 8: hostssl all alice all cert": one blank for each run of them, and without our mark. */
static void describe(const struct hba_line *line, char *out, size_t size)
{
    struct strbuf clean = STRBUF_INIT, text = STRBUF_INIT;
    const char *mark;

    text_clean(&clean, line->raw, line->raw_len, TEXT_ONE_LINE);
    for (const char *at = clean.data; *at != '\0'; at++) {
        if (*at != ' ' || (text.len > 0 && text.data[text.len - 1] != ' '))
            strbuf_add_char(&text, *at);
    }
    mark = strstr(text.data, " " HBA_MARK);
    if (mark != NULL)
        strbuf_truncate(&text, (size_t)(mark - text.data));
    snprintf(out, size, _("line %d: %.80s"), line->number, text.data);
    strbuf_clear(&text);
    strbuf_clear(&clean);
}

static char *text_of(const struct hba_line *line)
{
    size_t len = line->raw_len;

    while (len > 0 && (line->raw[len - 1] == '\n' || line->raw[len - 1] == '\r'))
        len--;
    return mem_printf("%.*s", (int)len, line->raw);
}

void require_lines_clear(struct require_lines *lines)
{
    for (size_t i = 0; i < REQUIRE_LINES_MAX; i++) {
        free(lines->texts[i]);
        lines->texts[i] = NULL;
    }
}

void require_lines_set(struct require_lines *lines, struct form *form, const struct hba *hba)
{
    require_lines_clear(lines);
    lines->ours = lines->n = 0;
    for (size_t i = 0; i < hba->n; i++)
        lines->ours += hba->lines[i].ours && hba->lines[i].kind == HBA_RULE;
    for (size_t i = 0; i < hba->n && lines->ours <= REQUIRE_LINES_MAX; i++) {
        char label[sizeof(lines->labels[0])];

        if (!hba->lines[i].ours || hba->lines[i].kind != HBA_RULE)
            continue;
        describe(&hba->lines[i], label, sizeof(label));
        if (strcmp(label, lines->labels[lines->n]) != 0) {
            memcpy(lines->labels[lines->n], label, sizeof(label));
            form_set_checked(form, lines->fields[lines->n], true);
        }
        lines->texts[lines->n] = text_of(&hba->lines[i]);
        lines->numbers[lines->n++] = hba->lines[i].number;
    }
}

void require_lines_show(const struct require_lines *lines, struct form *form, bool shown)
{
    for (size_t i = 0; i < REQUIRE_LINES_MAX; i++)
        form_show(form, lines->fields[i], shown && i < lines->n);
}

size_t require_lines_count(const struct require_lines *lines, const struct form *form)
{
    size_t n = 0;

    for (size_t i = 0; i < lines->n; i++)
        n += form_checked(form, lines->fields[i]);
    return n;
}

void require_lines_read(const struct require_lines *lines, const struct form *form,
                        struct require_data *data)
{
    if (require_lines_count(lines, form) == lines->n)
        return;
    data->lines = mem_array(lines->n, sizeof(*data->lines));
    data->texts = mem_array(lines->n, sizeof(*data->texts));
    for (size_t i = 0; i < lines->n; i++) {
        if (!form_checked(form, lines->fields[i]))
            continue;
        data->texts[data->n_lines] = mem_strdup(lines->texts[i]);
        data->lines[data->n_lines++] = lines->numbers[i];
    }
}
