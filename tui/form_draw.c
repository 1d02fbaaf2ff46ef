/* form_draw.c - how a form looks, and what the frame says around it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/intl.h"
#include "tui/form_parts.h"
#include "tui/utf8.h"

#define LABEL_AT      2
#define FIELD_AT      19 /* at least: mock-ups 8.3 and 8.4 */
#define FIELD_WIDTH   38
#define MARK_FROM_END 8
#define COLUMNS_MAX   110 /* a mark further away from its field is not seen with it */
#define GROWS_FROM    30  /* narrower fields are for numbers and short names */
#define GROWN_MAX     76
#define USUAL_COLUMNS 80

struct layout {
    int columns;
    int field_at;
    int mark_at;
};

static const char *label_of(const struct form_item *item)
{
    if (item->kind == FORM_LINE)
        return item->label ? gettext(item->label) : "";
    if (item->kind == FORM_PASTE) /* its box has a title of its own */
        return "";
    return item->field->label ? gettext(item->field->label) : "";
}

static struct layout lay_out(const struct form *form, int columns)
{
    struct layout layout = {.columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX,
                            .field_at = FIELD_AT};

    for (size_t i = 0; i < form->n; i++) {
        int at = LABEL_AT + utf8_columns(label_of(&form->items[i])) + 2;

        if (!form->items[i].hidden && at > layout.field_at && at < columns / 2)
            layout.field_at = at;
    }
    layout.mark_at = layout.columns - MARK_FROM_END;
    return layout;
}

static int wrapped_rows(const char *text, int width)
{
    int rows = 0;

    while (*text) {
        size_t next;

        (void)utf8_wrap(text, width, &next);
        text += next;
        rows++;
    }
    return rows;
}

static int note_width(const struct layout *layout)
{
    return layout->columns - layout->field_at - 2;
}

static int line_at(const struct form_item *item, const struct layout *layout)
{
    return item->label ? layout->field_at : LABEL_AT;
}

static int own_rows(const struct form_item *item, const struct layout *layout)
{
    int rows = 1;

    if (item->kind == FORM_CHOICE)
        rows = (int)choice_count(item->choice);
    if (item->kind == FORM_PASTE)
        rows = item->rows;
    if (item->kind == FORM_LINE)
        rows = wrapped_rows(item->line, layout->columns - line_at(item, layout) - 2);
    return rows;
}

static bool is_offered(const struct form *form, size_t i)
{
    return form->offer.id == (int)i;
}

static int item_rows(const struct form *form, size_t i, const struct layout *layout)
{
    const struct form_item *item = &form->items[i];
    int rows = own_rows(item, layout);

    if (item->note)
        rows += wrapped_rows(item->note, note_width(layout));
    return rows + (is_offered(form, i) ? 1 : 0);
}

static const char *after_of(const struct form_item *item)
{
    if (item->after)
        return item->after;
    return item->field->after ? gettext(item->field->after) : "";
}

/* A wide window has room for more of what is typed; what stands behind the field keeps its place. */
static int field_width(const struct form_item *item, const struct layout *layout)
{
    int width = item->field->width ? item->field->width : FIELD_WIDTH;
    int room = layout->mark_at - layout->field_at - 1;

    if (width >= GROWS_FROM && layout->columns > USUAL_COLUMNS) {
        int grown = width + layout->columns - USUAL_COLUMNS;

        width = grown < GROWN_MAX ? grown : width > GROWN_MAX ? width : GROWN_MAX;
    }
    return width < room ? width : room;
}

static void draw_item(const struct form_item *item, const struct layout *layout,
                      struct canvas *canvas, int row, bool focused)
{
    const char *label = label_of(item), *after = "";
    int at = layout->field_at, end = at;

    canvas_text(canvas, row, LABEL_AT, focused ? STYLE_STRONG : STYLE_LABEL, label);
    switch (item->kind) {
    case FORM_TEXT:
        end = at + field_width(item, layout);
        text_field_draw(item->text, canvas, row, at, end - at, focused);
        break;
    case FORM_SECRET:
        end = at + field_width(item, layout);
        secret_field_draw(item->secret, canvas, row, at, end - at, focused);
        break;
    case FORM_CHOICE:
        choice_draw(item->choice, canvas, row, at, focused);
        break;
    case FORM_CHECK:
        check_draw(item->on, gettext(item->label), canvas, row, at,
                   (item->mark == MARK_NONE ? layout->columns : layout->mark_at) - at - 1, focused);
        break;
    case FORM_PASTE:
        text_area_draw(item->area, canvas, row, LABEL_AT, item->rows, layout->columns - 4, focused);
        break;
    case FORM_LINE:
        canvas_wrap(canvas, row, line_at(item, layout), layout->columns - line_at(item, layout) - 2,
                    own_rows(item, layout), STYLE_NORMAL, item->line);
        break;
    }
    if (item->kind == FORM_TEXT || item->kind == FORM_SECRET)
        after = after_of(item);
    if (after[0])
        canvas_field(canvas, row, end + 1, layout->mark_at - end - 2, STYLE_NORMAL, after);
    if (item->mark != MARK_NONE)
        canvas_mark(canvas, row, layout->mark_at, item->mark);
}

static void draw_notes(const struct form *form, size_t i, const struct layout *layout,
                       struct canvas *canvas, int row)
{
    const struct form_item *item = &form->items[i];
    enum style style = item->mark == MARK_BAD ? STYLE_STRONG : STYLE_NORMAL;

    if (item->note) {
        int rows = wrapped_rows(item->note, note_width(layout));

        canvas_wrap(canvas, row, layout->field_at, note_width(layout), rows, style, item->note);
        row += rows;
    }
    if (is_offered(form, i))
        canvas_printf(canvas, row, layout->field_at, STYLE_NORMAL, _("fix: F4 = %s"),
                      form->offer.label);
}

/* Without a screen the fields are asked one by one; what is only shown stands before them. */
static void draw_lines(const struct form *form, const struct layout *layout, struct canvas *body)
{
    int row = 0;

    for (size_t i = 0; i < form->n; i++) {
        const struct form_item *item = &form->items[i];

        if (item->kind != FORM_LINE || item->hidden)
            continue;
        draw_item(item, layout, body, row, false);
        row += own_rows(item, layout);
        draw_notes(form, i, layout, body, row);
        row += item_rows(form, i, layout) - own_rows(item, layout);
    }
}

void form_draw(const struct form *form, struct canvas *body)
{
    struct layout layout = lay_out(form, canvas_columns(body));
    int height = canvas_rows(body), total = 0, gap, row, focus_top = 0, focus_end = 0, scroll = 0;
    int shown = 0;

    if (canvas_control(body, CONTROL_FORM, form, true)) {
        draw_lines(form, &layout, body);
        return;
    }
    for (size_t i = 0; i < form->n; i++) {
        if (form->items[i].hidden)
            continue;
        total += item_rows(form, i, &layout);
        shown++;
    }
    gap = total + shown + 1 <= height ? 1 : 0; /* air, where there is room for it */
    row = 0;
    for (size_t i = 0; i < form->n; i++) {
        if (form->items[i].hidden)
            continue;
        if (i == form->focus) {
            focus_top = row;
            focus_end = row + item_rows(form, i, &layout);
        }
        row += item_rows(form, i, &layout) + gap;
    }
    if (!gap && row + 2 <= height)
        row++; /* the buttons get theirs before the fields do */
    total = row + 1;
    if (form->focus >= form->n) {
        focus_top = row;
        focus_end = total;
    }
    if (total > height && focus_end < total)
        focus_end++; /* a row of what comes next */
    if (focus_end > height)
        scroll = focus_end - height;
    if (scroll > focus_top)
        scroll = focus_top;

    button_row_draw(&form->buttons, body, row - scroll, layout.field_at, form->focus >= form->n);
    row = -scroll;
    for (size_t i = 0; i < form->n; i++) {
        if (form->items[i].hidden)
            continue;
        draw_item(&form->items[i], &layout, body, row, i == form->focus);
        draw_notes(form, i, &layout, body, row + own_rows(&form->items[i], &layout));
        row += item_rows(form, i, &layout) + gap;
    }
    if (scroll > 0)
        canvas_right(body, 0, layout.columns - 1, STYLE_STRONG, "^");
    if (total - scroll > height)
        canvas_right(body, height - 1, layout.columns - 1, STYLE_STRONG, "v");
}

/* The first field with this mark and a note; false: there is none. */
static bool say_field(const struct form *form, enum mark mark, struct frame *ret)
{
    for (size_t i = 0; i < form->n; i++) {
        const struct form_item *item = &form->items[i];
        const char *note = item->note ? item->note : "";

        if (item->hidden || item->mark != mark || !note[0])
            continue;
        ret->message_mark = mark;
        snprintf(ret->message, sizeof(ret->message), "%s: %.*s%s%s", gettext(item->field->label),
                 (int)strcspn(note, "\n"), note, is_offered(form, i) ? ".  F4 = " : "",
                 is_offered(form, i) ? form->offer.label : "");
        return true;
    }
    return false;
}

static void say(const struct form *form, struct frame *ret)
{
    if (ret->message[0])
        return;
    if (form->refused) {
        ret->message_mark = MARK_WARN;
        snprintf(ret->message, sizeof(ret->message), "%s", form->refused);
    } else if (form->problems && say_field(form, MARK_BAD, ret)) {
        return;
    } else if (form->hold) {
        snprintf(ret->message, sizeof(ret->message), "%s", form->hold);
    } else if (form->open) {
        snprintf(ret->message, sizeof(ret->message),
                 ngettext("%u field is open.", "%u fields are open.", form->open), form->open);
    } else if (!say_field(form, MARK_WARN, ret)) {
        snprintf(ret->message, sizeof(ret->message), "%s",
                 _("All fields are good. Enter goes on."));
    }
}

static bool has_secret(const struct form *form)
{
    for (size_t i = 0; i < form->n; i++)
        if (form->items[i].kind == FORM_SECRET)
            return true;
    return false;
}

/** What a button without a Why of its own says: only what is true of a form with a passphrase. */
static const char *answers_why(const struct form *form)
{
    return has_secret(form) ? _("The other answers of this page are kept, whichever way you go. A "
                                "passphrase is wiped when it was used.")
                            : _("The answers of this page are kept, whichever way you go.");
}

void form_frame(const struct form *form, struct frame *ret)
{
    ret->bindings = form->keys;
    /* The Why rows stay where they are while the focus goes round. */
    snprintf(ret->why_title, sizeof(ret->why_title), "%s",
             gettext(form->buttons.labels[form->buttons.focus]));
    ret->why = form->whys[form->buttons.focus] ? gettext(form->whys[form->buttons.focus])
                                               : answers_why(form);
    if (form->focus < form->n) {
        const struct form_item *item = &form->items[form->focus];
        const struct form_field *field = item->field;

        snprintf(ret->why_title, sizeof(ret->why_title), "%s",
                 field->label ? gettext(field->label) : "");
        ret->why = field->why ? gettext(field->why) : "";
        ret->help = field->help ? gettext(field->help) : ret->why;
        ret->word = field->word;
        ret->text_focus =
            item->kind == FORM_TEXT || item->kind == FORM_SECRET || item->kind == FORM_PASTE;
    }
    say(form, ret);
}
