/* answers.c - the answers of a wizard as a text that people read and write. */
#include "config.h"

#include "tui/answers.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define FIRST_LINE "pgseal answers "
#define FORMAT     "1"
#define LINE_MAX_  4096
#define PAGE_MAX   40

void answers_clear(struct answers *answers)
{
    for (size_t i = 0; i < answers->n; i++) {
        struct answers_part *part = &answers->parts[i];

        for (size_t k = 0; k < part->n; k++) {
            free(part->list[k].label);
            free(part->list[k].value);
        }
        free(part->list);
        free(part->page);
    }
    free(answers->parts);
    memset(answers, 0, sizeof(*answers));
}

/* ---- reading ---- */

static bool bad_line(struct err *err, unsigned line, const char *why)
{
    err_set(err, ERR_ANSWERS, _("line %u of the answers: %s"), line, why);
    return err_hint(
        err, "%s",
        _("A line is \"label = value\", \"[page]\" or a comment that begins with \"#\"."));
}

static bool is_page_name(const char *text, size_t len)
{
    if (len == 0 || len > PAGE_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= '0' && text[i] <= '9') &&
            text[i] != '-')
            return false;
    }
    return true;
}

static bool parse_head(const char *line, struct err *err)
{
    char version[16];

    if (strcmp(line, FIRST_LINE FORMAT) == 0)
        return true;
    if (!text_starts_with(line, FIRST_LINE)) {
        err_set(err, ERR_ANSWERS, _("this is no file of answers"));
        return err_hint(err, _("Its first line is \"%s\". pgseal --save-answers FILE writes one."),
                        FIRST_LINE FORMAT);
    }
    text_clean_copy(version, sizeof(version), line + strlen(FIRST_LINE));
    err_set(err, ERR_ANSWERS, _("the answers have version \"%s\", and %s is known here"), version,
            FORMAT);
    return err_hint(err, "%s", _("Use the pgseal that wrote them, or answer anew and save that."));
}

static bool add_part(struct answers *answers, const char *line, unsigned number, struct err *err)
{
    size_t len = strlen(line);
    struct answers_part *part;

    if (line[len - 1] != ']' || !is_page_name(line + 1, len - 2))
        return bad_line(err, number, _("a page is small letters, digits and \"-\" in brackets"));
    answers->parts = mem_realloc_array(answers->parts, answers->n + 1, sizeof(*answers->parts));
    part = &answers->parts[answers->n++];
    *part = (struct answers_part){.page = mem_strndup(line + 1, len - 2), .line = number};
    return true;
}

static bool add_answer(struct answers *answers, const char *line, unsigned number, struct err *err)
{
    const char *equals = strstr(line, " =");
    struct answers_part *part;

    while (equals && equals[2] != ' ' && equals[2] != '\0')
        equals = strstr(equals + 2, " =");
    if (!equals || equals == line)
        return bad_line(err, number, _("there is no \"label = value\""));
    if (answers->n == 0)
        return bad_line(err, number, _("it stands before the first \"[page]\""));
    part = &answers->parts[answers->n - 1];
    part->list = mem_realloc_array(part->list, part->n + 1, sizeof(*part->list));
    part->list[part->n++] = (struct answer){
        .label = mem_strndup(line, (size_t)(equals - line)),
        .value = mem_strdup(equals[2] == ' ' ? equals + 3 : ""),
        .line = number,
    };
    return true;
}

static bool parse_line(struct answers *answers, const char *line, unsigned number, struct err *err)
{
    if (!text_is_clean(line))
        return bad_line(err, number, _("it has characters that cannot be shown"));
    if (number == 1)
        return parse_head(line, err);
    if (line[strspn(line, " ")] == '\0' || line[0] == '#')
        return true;
    return line[0] == '[' ? add_part(answers, line, number, err)
                          : add_answer(answers, line, number, err);
}

bool answers_parse(const char *text, size_t len, struct answers *ret, struct err *err)
{
    struct strbuf line = STRBUF_INIT;
    const char *end = text + len;
    unsigned number = 0;
    bool ok = true;

    memset(ret, 0, sizeof(*ret));
    if (len > ANSWERS_MAX)
        return err_set(err, ERR_TOO_LARGE, _("the answers are longer than %u bytes"), ANSWERS_MAX);
    do {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((stop ? stop : end) - text);

        number++;
        if (memchr(text, '\0', n) != NULL || n > LINE_MAX_) {
            ok = bad_line(err, number, _("it is no line of text"));
            break;
        }
        strbuf_reset(&line);
        strbuf_add(&line, text, n > 0 && text[n - 1] == '\r' ? n - 1 : n);
        ok = parse_line(ret, line.data, number, err);
        text = stop ? stop + 1 : end;
    } while (ok && text < end);
    strbuf_clear(&line);
    if (!ok)
        answers_clear(ret);
    return ok;
}

/* ---- writing ---- */

void answers_add_head(struct strbuf *out)
{
    strbuf_add_str(out, FIRST_LINE FORMAT
                   "\n"
                   "# For a second run: pgseal --answers FILE fills these in.\n"
                   "# Passphrases and pasted texts are not in it: they are asked again. So is\n"
                   "# every question before something is made or changed.\n");
}

void answers_add_part(struct strbuf *out, const char *page)
{
    strbuf_printf(out, "\n[%s]\n", page);
}

void answers_add(struct strbuf *out, const char *label, const char *value)
{
    strbuf_printf(out, "%s =%s%s\n", label, value[0] ? " " : "", value);
}

void answers_add_comment(struct strbuf *out, const char *text)
{
    strbuf_printf(out, "# %s\n", text);
}
