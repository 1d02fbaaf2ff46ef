/* plain_say.c - what a page says, as lines: all of it once, then what is new. */
#include "config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "tui/form.h"
#include "tui/plain_parts.h"
#include "tui/table.h"

#define TABLE_ROWS_MAX 200 /* that are read out; more are found by their text */

struct talk *talk_new(struct navigator *navigator)
{
    struct talk *talk = mem_zalloc(sizeof(*talk));

    talk->navigator = navigator;
    strbuf_init(&talk->question);
    strbuf_init(&talk->remark);
    strbuf_init(&talk->paste);
    return talk;
}

void talk_lines_clear(struct talk_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        free(lines->list[i]);
    free(lines->list);
    *lines = (struct talk_lines){.n = 0};
}

void talk_free(struct talk *talk)
{
    if (!talk)
        return;
    talk_lines_clear(&talk->said);
    strbuf_clear(&talk->question);
    strbuf_clear(&talk->remark);
    strbuf_wipe(&talk->paste);
    free(talk);
}

void talk_lines_add(struct talk_lines *lines, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&text, fmt, args);
    va_end(args);
    lines->list = mem_realloc_array(lines->list, lines->n + 1, sizeof(*lines->list));
    lines->list[lines->n++] = strbuf_steal(&text);
}

void talk_remark(struct talk *talk, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    strbuf_vprintf(&talk->remark, fmt, args);
    va_end(args);
    strbuf_add_char(&talk->remark, '\n');
}

const char *talk_mark_word(enum mark mark)
{
    switch (mark) {
    case MARK_OK:
        return _("ok: ");
    case MARK_WARN:
        return _("warning: ");
    case MARK_BAD:
        return _("problem: ");
    case MARK_BUSY:
        return _("working: ");
    case MARK_HERE:
        return _("now: ");
    case MARK_TODO:
        return _("open: ");
    case MARK_NONE:
    case MARK_OFF:
        break;
    }
    return "";
}

/* ---- the lines of a page ---- */

/* What GLYPH_POINTER is drawn as. */
static const char *const pointers[] = {"> ", "\342\226\270 "};

static void skip_blanks(const char **text, size_t *len)
{
    size_t n = strspn(*text, " ");

    n = n < *len ? n : *len;
    *text += n;
    *len -= n;
}

/* "  [ok] 1  make the key       0.2 s" becomes "ok: 1  make the key  0.2 s". */
static void add_drawn(struct talk_lines *lines, const char *text, size_t len)
{
    struct strbuf line = STRBUF_INIT;
    const char *word = "", *marked = "";

    skip_blanks(&text, &len);
    for (size_t i = 0; i < ARRAY_LEN(pointers); i++) { /* of a list that is the page's own */
        size_t width = strlen(pointers[i]);

        if (len < width || strncmp(text, pointers[i], width) != 0)
            continue;
        marked = _("marked: ");
        text += width;
        len -= width;
        skip_blanks(&text, &len);
    }
    for (enum mark mark = MARK_OK; mark <= MARK_TODO; mark++) {
        size_t width = strlen(mark_text(mark));

        if (len < width || strncmp(text, mark_text(mark), width) != 0)
            continue;
        word = talk_mark_word(mark);
        text += width;
        len -= width;
        break;
    }
    for (size_t i = 0; i < len; i++) {
        size_t blanks = 0;

        while (i + blanks < len && text[i + blanks] == ' ')
            blanks++;
        if (blanks > 2)
            i += blanks - 2;
        if (line.len > 0 || text[i] != ' ')
            strbuf_add_char(&line, text[i]);
    }
    while (line.len > 0 && line.data[line.len - 1] == ' ')
        strbuf_truncate(&line, line.len - 1);
    if (line.len > 0)
        talk_lines_add(lines, "%s%s%s", marked, word, line.data);
    strbuf_clear(&line);
}

static void add_cells(struct talk_lines *lines, const struct canvas *canvas)
{
    struct strbuf text = STRBUF_INIT;

    canvas_to_text(canvas, &text);
    for (const char *at = text.data; *at;) {
        size_t len = strcspn(at, "\n");

        add_drawn(lines, at, len);
        at += len + (at[len] == '\n');
    }
    strbuf_clear(&text);
}

static void add_table(struct talk_lines *lines, const struct table *table)
{
    struct strbuf row = STRBUF_INIT, cell = STRBUF_INIT;
    size_t n_columns, n = table_seen(table);
    const struct table_column *columns = table_columns(table, &n_columns);

    for (size_t c = 0; c < n_columns; c++)
        strbuf_printf(&row, c > 0 ? ", %s" : "%s", gettext(columns[c].title));
    talk_lines_add(lines, _("Rows: %s"), row.data);
    for (size_t i = 0; i < n && i < TABLE_ROWS_MAX; i++) {
        strbuf_reset(&row);
        for (size_t c = 0; c < n_columns; c++) {
            strbuf_reset(&cell);
            table_cell(table, i, c, &cell);
            strbuf_printf(&row, c > 0 ? ", %s" : "%s", cell.len > 0 ? cell.data : "-");
        }
        talk_lines_add(lines, "%zu. %s", i + 1, row.data);
    }
    if (n > TABLE_ROWS_MAX || table_beyond(table) > 0)
        talk_lines_add(lines, _("%zu more rows: / and a text finds them."),
                       (n > TABLE_ROWS_MAX ? n - TABLE_ROWS_MAX : 0) + table_beyond(table));
    if (n == 0)
        talk_lines_add(lines, "%s", _("There are no rows."));
    strbuf_clear(&row);
    strbuf_clear(&cell);
}

struct control talk_control(const struct talk *talk, struct talk_lines *lines)
{
    const struct screen *top = navigator_look(talk->navigator, NULL);
    struct controls controls = {.n = 0};
    struct control ret = {.widget = NULL};
    const struct control *found;
    struct canvas *canvas;

    if (!top || navigator_done(talk->navigator))
        return ret;
    canvas = canvas_new(TALK_ROWS, TALK_COLUMNS, navigator_theme(talk->navigator));
    canvas_listen(canvas, &controls);
    top->ops->draw(top->self, canvas);
    found = controls_main(&controls);
    if (found)
        ret = *found;
    for (size_t i = 0; lines && i < controls.n; i++) {
        if (controls.list[i].kind == CONTROL_TABLE)
            add_table(lines, controls.list[i].widget);
    }
    if (lines)
        add_cells(lines, canvas);
    canvas_free(canvas);
    return ret;
}

/* ---- what is new ---- */

/* A clock or a count that goes on is not news. */
static bool same_but_digits(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0123456789");
            b += strspn(b, "0123456789");
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return *a == *b;
}

static bool was_said(const struct talk *talk, const char *line)
{
    for (size_t i = 0; i < talk->said.n; i++) {
        if (talk->heard ? strcmp(talk->said.list[i], line) == 0
                        : same_but_digits(talk->said.list[i], line))
            return true;
    }
    return false;
}

/* "Home > Client  [ok] 1 CA  [>>] 2 Who  [  ] 3 Files" and "2 of 4": "now: 2 Who, 2 of 4". */
static void step_of(const struct frame *frame, char *out, size_t size)
{
    const char *here = strstr(frame->path, mark_text(MARK_HERE)), *end;

    out[0] = '\0';
    if (!here)
        return;
    here += strlen(mark_text(MARK_HERE));
    here += strspn(here, " ");
    end = strstr(here, "  ");
    snprintf(out, size, "%s%.*s%s%s", talk_mark_word(MARK_HERE),
             (int)(end ? (size_t)(end - here) : strlen(here)), here,
             frame->path_right[0] ? ", " : "", frame->path_right);
}

/* What a form says in general belongs to a screen: here its fields say it one by one. */
static bool is_of_form(const struct control *control, const struct frame *frame)
{
    struct frame of_form = {.message = ""};

    if (!control->widget)
        return false;
    if (control->kind == CONTROL_DIALOG)
        return true;
    if (control->kind != CONTROL_FORM)
        return false;
    form_frame(control->widget, &of_form);
    return strcmp(of_form.message, frame->message) == 0;
}

static void say_message(struct talk *talk, const struct control *control, const struct frame *frame,
                        struct strbuf *out)
{
    struct talk_lines line = {.n = 0};
    const char *word;
    bool same = talk->heard ? strcmp(talk->message, frame->message) == 0
                            : same_but_digits(talk->message, frame->message);

    if (same || is_of_form(control, frame))
        return;
    snprintf(talk->message, sizeof(talk->message), "%s", frame->message);
    if (frame->message[0])
        add_drawn(&line, frame->message, strlen(frame->message));
    word = talk_mark_word(frame->message_mark);
    if (line.n > 0) /* "working: Working." says it once */
        strbuf_printf(out, "%s%s\n",
                      word[0] && strncasecmp(word, line.list[0], strlen(word) - 2) == 0 ? "" : word,
                      line.list[0]);
    talk_lines_clear(&line);
}

/* The keys that only this page has: all others have a line of their own. */
static void say_keys(const struct frame *frame, struct strbuf *out)
{
    size_t n = 0;

    for (const struct binding *key = frame->bindings; key && key->keys; key++) {
        bool letter = key->keys[1] == '\0' && key->keys[0] != '?';
        bool other = key->keys[0] == 'F' && strchr("4567", key->keys[1]) != NULL;

        if (key->weight == 0 || (!letter && !other))
            continue;
        strbuf_printf(out, n++ == 0 ? _("keys: %s %s") : ", %s %s", key->keys, gettext(key->label));
    }
    if (n > 0)
        strbuf_add_str(out, ".\n");
}

static void say_head(struct talk *talk, const struct frame *frame, struct strbuf *out)
{
    char title[sizeof(talk->title)], step[sizeof(talk->step)];

    snprintf(title, sizeof(title), "pgseal: %s.%s%s%s", frame->title, frame->right[0] ? " " : "",
             frame->right, frame->right[0] ? "." : "");
    if (strcmp(title, talk->title) != 0) {
        memcpy(talk->title, title, sizeof(title));
        strbuf_printf(out, "\n%s\n", title);
    }
    step_of(frame, step, sizeof(step));
    if (!same_but_digits(step, talk->step)) {
        memcpy(talk->step, step, sizeof(step));
        if (step[0])
            strbuf_printf(out, "%s\n", step);
    }
}

/* The question: whole when it is another one, or when something was answered; else only that it stands. */
static void say_question(struct talk *talk, const struct control *control, bool fresh, bool wrong,
                         struct strbuf *out)
{
    struct strbuf question = STRBUF_INIT;
    bool same;

    talk_ask(talk, control, &question);
    same = !fresh && strbuf_equal(&question, &talk->question);
    if (!same || (talk->heard && !wrong))
        strbuf_add(out, question.data, question.len);
    if (!same || talk->heard || out->len > 0)
        strbuf_add_str(out, "> ");
    strbuf_reset(&talk->question);
    strbuf_add(&talk->question, question.data, question.len);
    strbuf_clear(&question);
}

static void say_page(struct talk *talk, const struct screen *top, const struct frame *frame,
                     bool wrong, struct strbuf *out)
{
    struct talk_lines lines = {.n = 0};
    struct control control;
    bool fresh = top != talk->page;

    if (!talk->greeted)
        strbuf_add_str(out, _("Lines and questions. Type < to go back, ? for help, ! to see the "
                              "commands, Ctrl-C to leave.\n"));
    talk->greeted = true;
    talk->page = top;
    if (fresh)
        talk->title[0] = talk->step[0] = talk->message[0] = '\0';
    say_head(talk, frame, out);
    control = talk_control(talk, &lines);
    for (size_t i = 0; i < lines.n; i++) {
        if (fresh || !was_said(talk, lines.list[i]))
            strbuf_printf(out, "%s\n", lines.list[i]);
    }
    talk_lines_clear(&talk->said);
    talk->said = lines;
    say_message(talk, &control, frame, out);
    if (fresh &&
        !(control.widget && (control.kind == CONTROL_FORM || control.kind == CONTROL_DIALOG)))
        say_keys(frame, out);
    say_question(talk, &control, fresh, wrong, out);
}

void talk_say(struct talk *talk, struct strbuf *out)
{
    struct strbuf text = STRBUF_INIT;
    struct frame frame;
    const struct screen *top = navigator_look(talk->navigator, &frame);
    const char *problem = talk_mark_word(MARK_BAD);
    bool wrong = strncmp(talk->remark.data, problem, strlen(problem)) == 0;

    strbuf_add(&text, talk->remark.data, talk->remark.len);
    strbuf_reset(&talk->remark);
    if (top && !navigator_done(talk->navigator))
        say_page(talk, top, &frame, wrong, &text);
    if (text.len > 0) {
        if (talk->prompted && !talk->heard)
            strbuf_add_char(out, '\n'); /* nobody has answered: the prompt's line ends here */
        strbuf_add(out, text.data, text.len);
        talk->prompted = text.data[text.len - 1] == ' ';
    }
    talk->heard = false;
    strbuf_clear(&text);
}
