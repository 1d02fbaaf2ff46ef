/* rules_diff.c - what differs between two contents of a rules file, for people and for their shell. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/step.h"

#define AROUND 2 /* lines above and below */

struct line {
    const char *text;
    size_t len; /* without its end */
};

struct lines {
    struct line *rows;
    size_t n;
};

struct diff {
    struct lines old, wanted;
    size_t from;              /* the lines above are the same */
    size_t old_to, wanted_to; /* and those from here on */
    size_t n_added, n_removed;
};

static struct lines split(const struct strbuf *bytes)
{
    struct lines lines = {.rows = mem_array(bytes->len + 1, sizeof(struct line))};
    const char *at = bytes->data;
    const char *end = bytes->data + bytes->len;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline ? newline + 1 : end;
        size_t len = (size_t)(next - at);

        while (len > 0 && (at[len - 1] == '\n' || at[len - 1] == '\r'))
            len--;
        lines.rows[lines.n++] = (struct line){.text = at, .len = len};
        at = next;
    }
    return lines;
}

static bool same(const struct line *a, const struct line *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void find_ends(struct diff *diff)
{
    const struct lines *old = &diff->old, *wanted = &diff->wanted;

    while (diff->from < old->n && diff->from < wanted->n &&
           same(&old->rows[diff->from], &wanted->rows[diff->from]))
        diff->from++;
    diff->old_to = old->n;
    diff->wanted_to = wanted->n;
    while (diff->old_to > diff->from && diff->wanted_to > diff->from &&
           same(&old->rows[diff->old_to - 1], &wanted->rows[diff->wanted_to - 1])) {
        diff->old_to--;
        diff->wanted_to--;
    }
}

static void show(struct strbuf *out, char mark, size_t number, const struct line *line)
{
    strbuf_printf(out, "#   %c %3zu  ", mark, number);
    text_clean(out, line->text, line->len, TEXT_ONE_LINE);
    strbuf_add_char(out, '\n');
}

/* Lines go in, or lines go out: pgseal does not do both at once. ret_numbers: of those that go. */
static void show_all(struct diff *diff, struct strbuf *numbers, struct strbuf *out)
{
    const struct lines *old = &diff->old, *wanted = &diff->wanted;
    size_t i = diff->from > AROUND ? diff->from - AROUND : 0;
    size_t j = i;
    size_t last = diff->old_to + AROUND < old->n ? diff->old_to + AROUND : old->n;

    while (i < last || j < diff->wanted_to) {
        bool inside = i >= diff->from && (i < diff->old_to || j < diff->wanted_to);

        if (!inside ||
            (i < diff->old_to && j < diff->wanted_to && same(&old->rows[i], &wanted->rows[j]))) {
            show(out, ' ', j + 1, &wanted->rows[j]);
            i++;
            j++;
        } else if (diff->old_to - i > diff->wanted_to - j) {
            strbuf_printf(numbers, "%s%zud", numbers->len ? ";" : "", i + 1);
            diff->n_removed++;
            show(out, '-', i + 1, &old->rows[i]);
            i++;
        } else {
            diff->n_added++;
            show(out, '+', j + 1, &wanted->rows[j]);
            j++;
        }
    }
}

static void add_path(struct strbuf *out, const char *path)
{
    if (!text_quote_shell(out, path))
        strbuf_add_str(out, "FILE");
}

static void script_in(const struct diff *diff, const char *path, struct strbuf *out)
{
    char *beside = mem_printf("%s.pgseal-new", path);

    strbuf_printf(out, "{ awk 'NR <= %zu' ", diff->from);
    add_path(out, path);
    strbuf_add_str(out, "; cat <<'PGSEAL'\n");
    for (size_t i = diff->from; i < diff->wanted_to; i++) {
        strbuf_add(out, diff->wanted.rows[i].text, diff->wanted.rows[i].len);
        strbuf_add_char(out, '\n');
    }
    strbuf_printf(out, "PGSEAL\nawk 'NR > %zu' ", diff->from);
    add_path(out, path);
    strbuf_add_str(out, "; } > ");
    add_path(out, beside);
    strbuf_add_str(out, "\ncat ");
    add_path(out, beside);
    strbuf_add_str(out, " > ");
    add_path(out, path);
    strbuf_add_str(out, "\nrm ");
    add_path(out, beside);
    strbuf_add_char(out, '\n');
    free(beside);
}

void rules_diff(const char *path, const struct strbuf *old, const struct strbuf *wanted,
                struct strbuf *out)
{
    struct diff diff = {.old = split(old), .wanted = split(wanted)};
    struct strbuf numbers = STRBUF_INIT;

    find_ends(&diff);
    show_all(&diff, &numbers, out);
    if (diff.n_removed == 0 && diff.n_added > 0) {
        script_in(&diff, path, out);
    } else if (diff.n_added == 0 && diff.n_removed > 0) {
        strbuf_printf(out, "sed -i '%s' ", numbers.data);
        add_path(out, path);
        strbuf_add_char(out, '\n');
    }
    strbuf_clear(&numbers);
    free(diff.old.rows);
    free(diff.wanted.rows);
}
