/* dialog.c - a question in a box over the page. */
#include "config.h"

#include "tui/dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/text_field.h"
#include "tui/utf8.h"

#define WIDTH_MAX  76
#define WIDTH_MIN  40
#define NAME_WIDTH 24

enum place { PLACE_FIELD, PLACE_NO, PLACE_YES };

struct dialog {
    char *title, *text, *no, *yes, *name; /* owned; name NULL: not severe */
    const char *why;                      /* borrowed */
    struct text_field *field;             /* severe only */
    enum place at;
    bool told; /* the act's button was pressed while it was off */
};

struct dialog *dialog_new(const struct dialog_spec *spec)
{
    struct dialog *dialog = mem_zalloc(sizeof(*dialog));

    dialog->title = mem_strdup(spec->title);
    dialog->text = mem_strdup(spec->text ? spec->text : "");
    dialog->no = mem_strdup(spec->no ? spec->no : _("No, go back"));
    dialog->yes = mem_strdup(spec->yes ? spec->yes : _("Yes"));
    dialog->name = mem_strdup(spec->name);
    dialog->why = spec->why;
    dialog->at = PLACE_NO;
    if (spec->name) {
        dialog->field = text_field_new(255);
        dialog->at = PLACE_FIELD;
    }
    return dialog;
}

void dialog_free(struct dialog *dialog)
{
    if (!dialog)
        return;
    free(dialog->title);
    free(dialog->text);
    free(dialog->no);
    free(dialog->yes);
    free(dialog->name);
    text_field_free(dialog->field);
    free(dialog);
}

static bool yes_is_on(const struct dialog *dialog)
{
    return !dialog->name || strcmp(text_field_get(dialog->field), dialog->name) == 0;
}

static void walk(struct dialog *dialog, bool forward)
{
    enum place first = dialog->name ? PLACE_FIELD : PLACE_NO;

    if (forward)
        dialog->at = dialog->at == PLACE_YES ? first : dialog->at + 1;
    else
        dialog->at = dialog->at == first ? PLACE_YES : dialog->at - 1;
}

static enum dialog_answer press(struct dialog *dialog)
{
    if (dialog->at != PLACE_YES)
        return DIALOG_NO;
    if (yes_is_on(dialog))
        return DIALOG_YES;
    dialog->told = true;
    dialog->at = PLACE_FIELD;
    return DIALOG_OPEN;
}

enum dialog_answer dialog_event(struct dialog *dialog, const struct event *event)
{
    if (event->type == EVENT_PASTE && dialog->at == PLACE_FIELD)
        (void)text_field_paste(dialog->field, event->paste, event->paste_len);
    if (event->type != EVENT_KEY)
        return DIALOG_OPEN;
    switch (event->key) {
    case KEY_CODE_ESC:
        return DIALOG_NO;
    case KEY_CODE_ENTER:
        return press(dialog);
    case KEY_CODE_TAB:
    case KEY_CODE_DOWN:
        walk(dialog, true);
        return DIALOG_OPEN;
    case KEY_CODE_BACK_TAB:
    case KEY_CODE_UP:
        walk(dialog, false);
        return DIALOG_OPEN;
    }
    if (dialog->at == PLACE_FIELD) {
        dialog->told = false;
        (void)text_field_key(dialog->field, event->key);
        return DIALOG_OPEN;
    }
    if (event->key == KEY_CODE_LEFT)
        dialog->at = PLACE_NO;
    if (event->key == KEY_CODE_RIGHT)
        dialog->at = PLACE_YES;
    if (event->key == 'n' || event->key == 'N')
        return DIALOG_NO;
    if ((event->key == 'y' || event->key == 'Y') && !dialog->name)
        return DIALOG_YES; /* a severe act has no single key */
    return DIALOG_OPEN;
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

static void draw_buttons(const struct dialog *dialog, struct canvas *box, int row, int columns)
{
    struct strbuf no = STRBUF_INIT, yes = STRBUF_INIT;
    int at, width;

    strbuf_printf(&no, "< %s >", dialog->no);
    strbuf_printf(&yes, "< %s >%s", dialog->yes, yes_is_on(dialog) ? "" : _(" (off)"));
    width = utf8_columns(no.data) + utf8_columns(yes.data) + 8;
    at = columns > width ? (columns - width) / 2 : 2;
    if (dialog->at == PLACE_NO) {
        canvas_glyph(box, row, at, STYLE_NORMAL, GLYPH_POINTER);
        canvas_cursor(box, row, at);
    }
    at =
        canvas_text(box, row, at + 2, dialog->at == PLACE_NO ? STYLE_FOCUS : STYLE_NORMAL, no.data);
    at += 4;
    if (dialog->at == PLACE_YES) {
        canvas_glyph(box, row, at, STYLE_NORMAL, GLYPH_POINTER);
        canvas_cursor(box, row, at);
    }
    canvas_text(box, row, at + 2, dialog->at == PLACE_YES ? STYLE_FOCUS : STYLE_NORMAL, yes.data);
    strbuf_clear(&no);
    strbuf_clear(&yes);
}

static void draw_name(const struct dialog *dialog, struct canvas *box, int row, int columns)
{
    int end = canvas_text(box, row, 2, STYLE_NORMAL, _("To go on, type the name: "));

    end = canvas_text(box, row, end, STYLE_STRONG, dialog->name);
    if (end + 2 + NAME_WIDTH > columns - 2) {
        row++;
        end = 0;
    }
    text_field_draw(dialog->field, box, row, end + 2, NAME_WIDTH, dialog->at == PLACE_FIELD);
}

struct dialog_look dialog_look(const struct dialog *dialog)
{
    return (struct dialog_look){dialog->title, dialog->text, dialog->no, dialog->yes, dialog->name};
}

void dialog_draw(const struct dialog *dialog, struct canvas *canvas)
{
    int columns = canvas_columns(canvas) - 4, text_rows, rows, room;
    struct canvas *box;

    if (canvas_control(canvas, CONTROL_DIALOG, dialog, true))
        return;
    columns = columns > WIDTH_MAX   ? WIDTH_MAX
              : columns < WIDTH_MIN ? canvas_columns(canvas)
                                    : columns;
    text_rows = wrapped_rows(dialog->text, columns - 4);
    rows = text_rows + 4 + (dialog->name ? 3 : 0);
    room = canvas_rows(canvas);
    if (rows > room) { /* the question and its buttons stay, the text gives way */
        text_rows -= rows - room;
        text_rows = text_rows < 0 ? 0 : text_rows;
        rows = room;
    }
    box = canvas_part(canvas, (room - rows) / 2, (canvas_columns(canvas) - columns) / 2, rows,
                      columns);
    canvas_box(box, 0, 0, rows, columns, dialog->title, NULL);
    canvas_wrap(box, 1, 2, columns - 4, text_rows, STYLE_NORMAL, dialog->text);
    if (dialog->name)
        draw_name(dialog, box, 2 + text_rows, columns);
    draw_buttons(dialog, box, rows - 2, columns);
    canvas_free(box);
}

static const struct binding question_keys[] = {
    {N_("Left Right"), N_("Choose"), N_("move between the answers"), 50},
    {N_("Enter"), N_("OK"), N_("take the marked answer"), 80},
    {N_("y"), N_("Yes"), N_("answer yes"), 70},
    {N_("n"), N_("No"), N_("answer no"), 70},
    {"F1", N_("Help"), N_("this help"), 60},
    {"Esc", N_("No"), N_("go back, nothing happens"), 90},
    {NULL, NULL, NULL, 0},
};
static const struct binding name_keys[] = {
    {N_("Tab"), N_("Next"), N_("from the name to the buttons"), 70},
    {N_("Enter"), N_("Cancel"), N_("in the field: go back, nothing happens"), 50},
    {"F1", N_("Help"), N_("this help"), 60},
    {"Esc", N_("Cancel"), N_("go back, nothing happens"), 90},
    {NULL, NULL, NULL, 0},
};

void dialog_frame(const struct dialog *dialog, struct frame *ret)
{
    ret->why_title[0] = '\0';
    ret->why = dialog->why ? dialog->why : "";
    ret->bindings = dialog->name ? name_keys : question_keys;
    ret->text_focus = dialog->at == PLACE_FIELD;
    ret->help = NULL;
    ret->message_mark = MARK_NONE;
    if (dialog->name && !yes_is_on(dialog)) {
        ret->message_mark = dialog->told ? MARK_WARN : MARK_NONE;
        snprintf(ret->message, sizeof(ret->message),
                 _("Type \"%.40s\" to switch on < %s >. Enter in the field means No."),
                 dialog->name, dialog->yes);
    } else {
        snprintf(ret->message, sizeof(ret->message), "%s", _("Waiting for your answer."));
    }
}
