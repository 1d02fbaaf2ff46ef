/* plain_answer.c - the line that a person typed, as keys for the page. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/intl.h"
#include "core/base/text.h"
#include "tui/dialog.h"
#include "tui/form_parts.h"
#include "tui/menu.h"
#include "tui/plain_parts.h"
#include "tui/table.h"

#define WALK_MAX 200 /* keys to bring the focus somewhere */

void talk_press(struct talk *talk, uint32_t key)
{
    struct event event = {.type = EVENT_KEY, .key = key};

    navigator_event(talk->navigator, NULL, &event);
}

void talk_type(struct talk *talk, const char *text)
{
    const char *end = text + strlen(text);

    while (text < end && !navigator_done(talk->navigator))
        talk_press(talk, text_next(&text, end));
}

static bool is_yes(const char *line)
{
    return strcasecmp(line, _("yes")) == 0 || strcasecmp(line, "y") == 0;
}

static bool is_no(const char *line)
{
    return strcasecmp(line, _("no")) == 0 || strcasecmp(line, "n") == 0;
}

static bool is_number(const char *line, size_t n, size_t *ret)
{
    int64_t number;

    if (!text_parse_int(line, 1, (int64_t)n, &number))
        return false;
    *ret = (size_t)number - 1;
    return true;
}

static void wants_number(struct talk *talk, size_t n)
{
    talk_remark(talk, _("problem: type a number from 1 to %zu, or < to go back."), n);
}

/* ---- a form ---- */

/* The form again, when the page has it still: a key may have taken it away. */
static const struct form *still(const struct talk *talk, const struct form *form)
{
    struct control now = talk_control(talk, NULL);

    return now.widget == form && now.kind == CONTROL_FORM ? form : NULL;
}

static void field_back(struct talk *talk, const struct form *form)
{
    for (size_t i = form->focus < form->n ? form->focus : form->n; i > 0; i--) {
        if (!form_item_asks(&form->items[i - 1]))
            continue;
        for (size_t k = 0; k < WALK_MAX && form->focus != i - 1; k++)
            talk_press(talk, KEY_CODE_BACK_TAB);
        return;
    }
    talk_press(talk, KEY_CODE_ESC);
}

/* The field has its answer: on, unless it cannot stay so. */
static void field_done(struct talk *talk, const struct form *form, size_t i, bool say)
{
    const struct form_item *item;

    if (!still(talk, form))
        return;
    item = &form->items[i];
    if (item->mark == MARK_BAD)
        return; /* asked again, with what is wrong */
    if (say && item->note && item->mark == MARK_OK)
        talk_remark(talk, "%s%s", talk_mark_word(MARK_OK), item->note);
    talk_press(talk, KEY_CODE_TAB);
}

static void hear_text(struct talk *talk, const struct form *form, size_t i, const char *line)
{
    const struct form_item *item = &form->items[i];

    if (line[0] == '\0') { /* as it is; or mended */
        if (form->offer.id == (int)i) {
            talk_press(talk, KEY_CODE_F4);
            field_done(talk, form, i, true);
        } else {
            talk_press(talk, KEY_CODE_TAB);
        }
        return;
    }
    if (strcmp(line, "\"\"") == 0)
        line = "";
    talk_press(talk, KEY_CODE_CTRL('u'));
    talk_type(talk, line);
    if (!still(talk, form))
        return;
    if (strcmp(text_field_get(item->text), line) != 0) {
        talk_remark(talk, _("problem: not all of it can stand here; this is left: %s"),
                    text_field_get(item->text));
        return;
    }
    field_done(talk, form, i, true);
}

static void hear_secret(struct talk *talk, const struct form *form, size_t i, const char *line)
{
    const struct form_item *item = &form->items[i];

    if (line[0] == '\0') {
        talk_press(talk, KEY_CODE_TAB);
        return;
    }
    talk_press(talk, KEY_CODE_CTRL('u'));
    talk_type(talk, line);
    if (!still(talk, form))
        return;
    if ((item->mark == MARK_TODO || item->mark == MARK_BAD) && item->note) {
        talk_remark(talk, "%s%s", talk_mark_word(MARK_BAD), item->note);
        talk_press(talk, KEY_CODE_CTRL('u'));
        return;
    }
    field_done(talk, form, i, false);
}

static void hear_choice(struct talk *talk, const struct form *form, size_t i, const char *line)
{
    const struct choice *choice = form->items[i].choice;
    size_t n = choice_count(choice), wanted;

    if (line[0] == '\0') {
        wanted = choice_get(choice);
    } else if (!is_number(line, n, &wanted)) {
        wants_number(talk, n);
        return;
    } else if (choice_why_off(choice, wanted)) {
        talk_remark(talk, _("problem: %zu is off: %s"), wanted + 1, choice_why_off(choice, wanted));
        return;
    }
    for (size_t k = 0; k < n && still(talk, form) && choice_get(choice) != wanted; k++)
        talk_press(talk, choice_get(choice) < wanted ? KEY_CODE_RIGHT : KEY_CODE_LEFT);
    field_done(talk, form, i, true);
}

static void hear_check(struct talk *talk, const struct form *form, size_t i, const char *line)
{
    if (line[0] != '\0' && !is_yes(line) && !is_no(line)) {
        talk_remark(talk, "%s", _("problem: type yes or no, or < to go back."));
        return;
    }
    if (line[0] != '\0' && form->items[i].on != is_yes(line))
        talk_press(talk, ' ');
    field_done(talk, form, i, true);
}

/* Line after line, until one with only a dot. */
static void hear_paste(struct talk *talk, const struct form *form, size_t i, const char *line)
{
    struct event event = {.type = EVENT_PASTE, .paste_whole = true};

    if (!talk->pasting && line[0] == '\0') {
        field_done(talk, form, i, true);
        return;
    }
    if (strcmp(line, ".") != 0) {
        talk->pasting = form;
        if (talk->paste.len + strlen(line) < TEXT_AREA_MAX) {
            strbuf_add_str(&talk->paste, line);
            strbuf_add_char(&talk->paste, '\n');
        }
        return;
    }
    talk->pasting = NULL;
    event.paste = talk->paste.data;
    event.paste_len = talk->paste.len;
    talk_press(talk, KEY_CODE_CTRL('u')); /* what was there gives way */
    navigator_event(talk->navigator, NULL, &event);
    strbuf_wipe(&talk->paste);
    field_done(talk, form, i, true);
}

static void press_button(struct talk *talk, const struct button_row *buttons, size_t wanted)
{
    for (size_t k = 0; k < BUTTON_ROW_MAX && buttons->focus != wanted; k++)
        talk_press(talk, buttons->focus < wanted ? KEY_CODE_RIGHT : KEY_CODE_LEFT);
    if (buttons->focus == wanted)
        talk_press(talk, KEY_CODE_ENTER);
}

static void hear_buttons(struct talk *talk, const struct button_row *buttons, const char *line)
{
    size_t wanted = buttons->focus;

    if (line[0] != '\0' && !is_number(line, buttons->n, &wanted))
        wants_number(talk, buttons->n);
    else
        press_button(talk, buttons, wanted);
}

static void hear_form(struct talk *talk, const struct form *form, const char *line)
{
    size_t i = form->focus;

    if (talk->pasting && talk->pasting != form) {
        talk->pasting = NULL;
        strbuf_wipe(&talk->paste);
    }
    if (!talk->pasting && strcmp(line, "<") == 0) {
        field_back(talk, form);
        return;
    }
    if (i >= form->n) {
        hear_buttons(talk, &form->buttons, line);
        return;
    }
    switch (form->items[i].kind) {
    case FORM_TEXT:
        hear_text(talk, form, i, line);
        break;
    case FORM_SECRET:
        hear_secret(talk, form, i, line);
        break;
    case FORM_CHOICE:
        hear_choice(talk, form, i, line);
        break;
    case FORM_CHECK:
        hear_check(talk, form, i, line);
        break;
    case FORM_PASTE:
        hear_paste(talk, form, i, line);
        break;
    case FORM_LINE:
        break;
    }
}

/* ---- the others ---- */

static void hear_dialog(struct talk *talk, const struct dialog *dialog, const char *line)
{
    const char *name = dialog_look(dialog).name;

    if (line[0] == '\0' || is_no(line)) {
        talk_press(talk, KEY_CODE_ESC);
    } else if (!name && is_yes(line)) {
        talk_press(talk, 'y');
    } else if (!name) {
        talk_remark(talk, "%s", _("problem: type yes or no."));
    } else if (strcmp(line, name) != 0) {
        talk_remark(talk, "%s", _("problem: that is not the name. Nothing was done."));
    } else {
        talk_press(talk, KEY_CODE_CTRL('u'));
        talk_type(talk, line);
        talk_press(talk, KEY_CODE_TAB); /* over "no", to the act */
        talk_press(talk, KEY_CODE_TAB);
        talk_press(talk, KEY_CODE_ENTER);
    }
}

static const struct {
    const char *name;
    uint32_t key;
} key_names[] = {
    {"enter", KEY_CODE_ENTER},  {"esc", KEY_CODE_ESC},   {"tab", KEY_CODE_TAB},
    {"up", KEY_CODE_UP},        {"down", KEY_CODE_DOWN}, {"left", KEY_CODE_LEFT},
    {"right", KEY_CODE_RIGHT},  {"home", KEY_CODE_HOME}, {"end", KEY_CODE_END},
    {"pgup", KEY_CODE_PAGE_UP}, {"space", ' '},          {"pgdn", KEY_CODE_PAGE_DOWN},
    {"f1", KEY_CODE_F1},        {"f2", KEY_CODE_F2},     {"f3", KEY_CODE_F3},
    {"f4", KEY_CODE_F4},        {"f5", KEY_CODE_F5},     {"f6", KEY_CODE_F6},
    {"f7", KEY_CODE_F7},        {"f8", KEY_CODE_F8},     {"f9", KEY_CODE_F9},
    {"f10", KEY_CODE_F10},
};

/* A key of the page: its letter, its name, "/" with what is to be found; Enter for an empty line. */
static void hear_key(struct talk *talk, const char *line)
{
    const char *at = line, *end = line + strlen(line);
    uint32_t first = line[0] ? text_next(&at, end) : KEY_CODE_ENTER;

    if (at == end) {
        talk_press(talk, first);
        return;
    }
    if (line[0] == '/') {
        talk_press(talk, '/');
        talk_press(talk, KEY_CODE_CTRL('u'));
        talk_type(talk, line + 1);
        talk_press(talk, KEY_CODE_ENTER);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(key_names); i++) {
        if (strcasecmp(key_names[i].name, line) == 0) {
            talk_press(talk, key_names[i].key);
            return;
        }
    }
    talk_remark(talk, _("problem: \"%s\" means nothing here. ? has the keys."), line);
}

static void hear_table(struct talk *talk, const struct table *table, const char *line)
{
    size_t wanted;

    if (!is_number(line, table_seen(table), &wanted)) {
        hear_key(talk, line);
        return;
    }
    talk_press(talk, KEY_CODE_HOME);
    for (size_t k = 0; k < table_seen(table) && table_at(table) < wanted; k++)
        talk_press(talk, KEY_CODE_DOWN);
}

/* Buttons beside something else that has the focus: brought there by the keys that walk. */
static void hear_row(struct talk *talk, const struct control *control, const char *line)
{
    const struct button_row *buttons = control->widget;
    struct control now = *control;
    size_t wanted = buttons->focus;

    if (line[0] != '\0' && !is_number(line, buttons->n, &wanted)) {
        hear_key(talk, line);
        return;
    }
    for (size_t k = 0; k < WALK_MAX && now.widget == buttons && !now.focused; k++) {
        talk_press(talk, KEY_CODE_DOWN);
        now = talk_control(talk, NULL);
    }
    if (now.widget == buttons && now.focused)
        press_button(talk, buttons, wanted);
}

static void hear_here(struct talk *talk, const struct control *control, const char *line)
{
    if (!control->widget) {
        hear_key(talk, line);
        return;
    }
    switch (control->kind) {
    case CONTROL_FORM:
        hear_form(talk, control->widget, line);
        break;
    case CONTROL_MENU:
        hear_key(talk, line);
        break;
    case CONTROL_TABLE:
        hear_table(talk, control->widget, line);
        break;
    case CONTROL_BUTTONS:
        hear_row(talk, control, line);
        break;
    case CONTROL_TEXT:
    case CONTROL_SECRET:
        if (line[0]) {
            talk_press(talk, KEY_CODE_CTRL('u'));
            talk_type(talk, line);
        }
        talk_press(talk, KEY_CODE_ENTER);
        break;
    case CONTROL_DIALOG:
        hear_dialog(talk, control->widget, line);
        break;
    }
}

/* ---- what means the same everywhere ---- */

/* Keys that the lines have a form of their own for. */
static bool is_of_screen(const char *keys)
{
    static const char *const of_screen[] = {
        "F1",     "F2",      "F10",        "Tab",      "S-Tab", "Esc", "Enter", "Ctrl-U", "Ctrl-W",
        "Ctrl-K", "Up Down", "Left Right", "Home End", "Space", "F6",  "F8",    "F9"};

    for (size_t i = 0; i < ARRAY_LEN(of_screen); i++) {
        if (strcmp(of_screen[i], keys) == 0)
            return true;
    }
    return false;
}

static void help(struct talk *talk)
{
    struct frame frame;

    if (!navigator_look(talk->navigator, &frame))
        return;
    if (frame.why && frame.why[0])
        talk_remark(talk, _("why: %s"), frame.why);
    if (frame.help && frame.help[0] && (!frame.why || strcmp(frame.help, frame.why) != 0))
        talk_remark(talk, _("help: %s"), frame.help);
    for (const struct binding *key = frame.bindings; key && key->keys; key++) {
        if (!is_of_screen(key->keys))
            talk_remark(talk, "  %s: %s", gettext(key->keys), gettext(key->help));
    }
    talk_remark(talk, "%s",
                _("  < back, ! commands, f3 words explained, q or Ctrl-C leave.\n"
                  "  A key is typed as its letter or name, then Enter: r, f5, pgdn, space, end."));
}

static void commands(struct talk *talk)
{
    const struct screen *top = navigator_look(talk->navigator, NULL);
    struct strbuf text = STRBUF_INIT;

    if (top && top->ops->commands)
        top->ops->commands(top->self, &text);
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        strbuf_truncate(&text, text.len - 1);
    talk_remark(talk, "%s", text.len > 0 ? text.data : _("This page runs no commands."));
    strbuf_clear(&text);
}

bool talk_wants_secret(const struct talk *talk)
{
    struct control control = talk_control(talk, NULL);
    const struct form *form = control.widget;

    if (!control.widget)
        return false;
    if (control.kind == CONTROL_SECRET)
        return true;
    return control.kind == CONTROL_FORM && form->focus < form->n &&
           form->items[form->focus].kind == FORM_SECRET;
}

void talk_hear(struct talk *talk, const char *line)
{
    struct control control = talk_control(talk, NULL);

    talk->heard = true;
    if (talk->pasting && !(control.widget && control.kind == CONTROL_FORM)) {
        talk->pasting = NULL;
        strbuf_wipe(&talk->paste);
    }
    if (talk->pasting)
        hear_form(talk, control.widget, line);
    else if (strcmp(line, "?") == 0)
        help(talk);
    else if (strcmp(line, "!") == 0)
        commands(talk);
    else if (strcmp(line, "<") == 0 && !(control.widget && control.kind == CONTROL_FORM))
        talk_press(talk, KEY_CODE_ESC);
    else
        hear_here(talk, &control, line);
}
