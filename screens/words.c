/* words.c - the page "Words explained". */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/word_list.h"
#include "screens/pages.h"
#include "tui/table.h"

#define SHEET_ROWS 9

struct words_page {
    struct table *table;
};

static const struct table_column columns[] = {
    {.title = N_("WORD"), .width = 22, .keep = 100},
    {.title = N_("IN SHORT"), .width = 40, .keep = 50, .grow = true},
};

static const struct binding bindings[] = {
    {"Up Down", N_("Choose"), N_("move through the words"), 80},
    {"/", N_("Find"), N_("show only words with this text; Esc clears it"), 90},
    {"F1", N_("Help"), N_("this help"), 70},
    {"Esc", N_("Back"), N_("one step back"), 100},
    {NULL, NULL, NULL, 0},
};

static size_t rows_count(const void *arg)
{
    size_t n;

    (void)arg;
    (void)word_list(&n);
    return n;
}

static void rows_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    size_t n;
    const struct word *word = &word_list(&n)[row];

    (void)arg;
    strbuf_add_str(out, column == 0 ? word->word : _(word->title));
}

static uint64_t rows_key(const void *arg, size_t row)
{
    (void)arg;
    return row;
}

static const struct table_rows rows_ops = {rows_count, rows_cell, rows_key, NULL};

static struct nav words_event(void *arg, const struct event *event)
{
    struct words_page *self = arg;

    if (event->type == EVENT_PASTE)
        table_paste(self->table, event->paste, event->paste_len);
    if (event->type == EVENT_KEY && table_key(self->table, event->key) == TABLE_IGNORED &&
        (event->key == KEY_CODE_ESC || event->key == 'q'))
        return nav_pop();
    return nav_stay();
}

static int line(struct canvas *body, int row, const char *label, const char *text)
{
    if (text[0] == '\0')
        return row;
    canvas_text(body, row, 4, STYLE_LABEL, label);
    canvas_text(body, row, 17, STYLE_NORMAL, text);
    return row + 1;
}

static void words_draw(const void *arg, struct canvas *body)
{
    const struct words_page *self = arg;
    int rows = canvas_rows(body);
    int sheet = rows > SHEET_ROWS + 4 ? SHEET_ROWS : rows / 2;
    int at = table_sheet_at(self->table, rows, sheet), row = at + 1;
    const struct word *word;
    size_t n;

    table_draw(self->table, body, 0, at, true);
    if (!table_has_row(self->table))
        return;
    word = &word_list(&n)[table_row(self->table)];
    canvas_printf(body, row, 2, STYLE_STRONG, "%s, %s", word->word, _(word->title));
    row +=
        1 + canvas_wrap(body, row + 1, 4, canvas_columns(body) - 6, 4, STYLE_NORMAL, _(word->text));
    row = line(body, row, "PostgreSQL", word->postgresql);
    row = line(body, row, _("By hand"), word->by_hand);
    (void)line(body, row, _("See also"), word->see);
}

static void words_frame(const void *arg, struct frame *ret)
{
    const struct words_page *self = arg;
    const char *filter = table_filter(self->table);
    size_t n;

    (void)word_list(&n);
    snprintf(ret->title, sizeof(ret->title), "%s", _("Words explained"));
    snprintf(ret->right, sizeof(ret->right), _("%zu words"), n);
    snprintf(ret->path, sizeof(ret->path), "%s", _("Home > Words explained"));
    snprintf(ret->path_right, sizeof(ret->path_right), _("find: %.24s"), filter);
    ret->why =
        _("F3 on any page opens the word that belongs to the field. The commands show the same "
          "thing by hand, with openssl or psql.");
    snprintf(ret->message, sizeof(ret->message), _("%zu of %zu words."), table_seen(self->table),
             n);
    ret->bindings = bindings;
    ret->text_focus = table_takes_text(self->table);
}

static void words_free(void *arg)
{
    struct words_page *self = arg;

    table_free(self->table);
    free(self);
}

static const struct screen_ops words_ops = {
    .name = "words",
    .event = words_event,
    .draw = words_draw,
    .frame = words_frame,
    .free = words_free,
};

struct screen *page_words(const char *word)
{
    struct words_page *self = mem_zalloc(sizeof(*self));
    size_t n;
    size_t at;

    (void)word_list(&n);
    self->table = table_new(columns, ARRAY_LEN(columns), &rows_ops, self);
    table_refresh(self->table);
    at = word != NULL ? word_find(word) : 0;
    if (at < n)
        (void)table_select(self->table, at);
    return screen_new(&words_ops, self);
}
