/* words.c - "words": the words of the field, explained. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/word_list.h"

#define WIDTH 76
#define NEAR  5

/* The text in lines of at most WIDTH characters. */
static void print_text(const struct output *output, const char *text)
{
    struct strbuf line = STRBUF_INIT;
    const char *end = text + strlen(text);
    size_t columns = 0;

    while (text < end) {
        size_t len = strcspn(text, " "), width = 0;

        for (const char *at = text; at < text + len; width++)
            (void)text_next(&at, text + len);
        if (columns > 0 && columns + 1 + width > WIDTH) {
            output_line(output, "  %s", line.data);
            strbuf_reset(&line);
            columns = 0;
        }
        if (columns > 0)
            strbuf_add_char(&line, ' ');
        columns += width + (columns > 0);
        strbuf_add(&line, text, len);
        text += len;
        text += strspn(text, " ");
    }
    if (line.len > 0)
        output_line(output, "  %s", line.data);
    strbuf_clear(&line);
}

static json_t *see_also(const char *see)
{
    json_t *list = json_array();

    while (see[0] != '\0') {
        size_t len = strcspn(see, ",");

        json_array_append_new(list, json_stringn(see, len));
        see += len;
        see += strspn(see, ", ");
    }
    return list;
}

static json_t *document(const struct word *word)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "word", word->word, "title",
                     json_string_or_empty(gettext(word->title)), "text",
                     json_string_or_empty(gettext(word->text)), "postgresql",
                     json_text(word->postgresql), "by_hand", json_text(word->by_hand), "see",
                     see_also(word->see));
}

static void print_all(const struct cli *cli)
{
    size_t n;
    const struct word *words = word_list(&n);
    const char *const headers[] = {_("WORD"), _("IN SHORT")};
    json_t *list = json_array();
    const char **cells = mem_array(2 * n, sizeof(*cells));

    for (size_t i = 0; i < n; i++) {
        cells[2 * i] = words[i].word;
        cells[2 * i + 1] = gettext(words[i].title);
        json_array_append_new(list, document(&words[i]));
    }
    output_table(&cli->out, 2, headers, n, cells);
    if (cli->out.json)
        output_json(json_pack("{s:O}", "words", list), false);
    json_decref(list);
    free(cells);
}

static bool refuse(const char *term, struct err *err)
{
    struct strbuf names = STRBUF_INIT;
    size_t near[NEAR], all;
    size_t n = word_near(term, near, NEAR);

    for (size_t i = 0; i < n; i++)
        strbuf_printf(&names, i == 0 ? "%s" : ", %s", word_list(&all)[near[i]].word);
    err_set(err, ERR_BAD_VALUE, _("the word \"%s\" is not in the list"), term);
    if (n > 0)
        err_hint(err, _("Near it: %s."), names.data);
    else
        err_hint(err, "%s", _("\"pgseal words\" lists them all."));
    strbuf_clear(&names);
    return false;
}

bool run_words(struct cli *cli, struct err *err)
{
    struct strbuf term = STRBUF_INIT;
    const struct word *word;
    size_t n, at;

    if (cli->args->n_names == 0) {
        print_all(cli);
        return true;
    }
    for (size_t i = 0; i < cli->args->n_names; i++)
        strbuf_printf(&term, i == 0 ? "%s" : " %s", cli->args->names[i]);
    word = word_list(&n);
    at = word_meant(term.data);
    if (at == n) {
        char clean[80];

        refuse(text_clean_copy(clean, sizeof(clean), term.data), err);
        strbuf_clear(&term);
        return false;
    }
    strbuf_clear(&term);
    word += at;
    if (cli->out.json) {
        output_json(document(word), false);
        return true;
    }
    output_line(&cli->out, "%s: %s", word->word, gettext(word->title));
    print_text(&cli->out, gettext(word->text));
    output_pair(&cli->out, "PostgreSQL", word->postgresql);
    output_pair(&cli->out, _("by hand"), word->by_hand);
    output_pair(&cli->out, _("see also"), word->see);
    return true;
}
