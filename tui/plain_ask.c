/* plain_ask.c - the question that a page asks now, by what takes input on it. */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "tui/dialog.h"
#include "tui/form_parts.h"
#include "tui/menu.h"
#include "tui/plain_parts.h"
#include "tui/table.h"

/* ---- a form: one field after the other ---- */

static void ask_choice(const struct choice *choice, struct strbuf *out)
{
    for (size_t i = 0; i < choice_count(choice); i++) {
        const struct choice_item *item = choice_item(choice, i);
        const char *off = choice_why_off(choice, i);

        strbuf_printf(out, "  %zu. %s", i + 1, gettext(item->label));
        if (off)
            strbuf_printf(out, _(" (off: %s)"), off);
        else if (item->note && item->note[0])
            strbuf_printf(out, ": %s", gettext(item->note));
        strbuf_add_char(out, '\n');
    }
    strbuf_printf(out, _("  default: %zu\n"), choice_get(choice) + 1);
}

static void ask_kind(const struct form_item *item, struct strbuf *out)
{
    const char *text;

    switch (item->kind) {
    case FORM_TEXT:
        text = text_field_get(item->text);
        strbuf_printf(out, text[0] ? _("  default: %s\n") : _("  default: none\n"), text);
        break;
    case FORM_SECRET:
        strbuf_add_str(out,
                       secret_len(secret_field_get(item->secret)) > 0
                           ? _("  What you type is not shown. default: what was typed before\n")
                           : _("  What you type is not shown. default: none\n"));
        break;
    case FORM_CHOICE:
        ask_choice(item->choice, out);
        break;
    case FORM_CHECK:
        strbuf_printf(out, _("  Type yes or no. default: %s\n"), item->on ? _("yes") : _("no"));
        break;
    case FORM_PASTE:
        if (text_area_characters(item->area) > 0)
            strbuf_printf(out,
                          ngettext("  default: what is there, %zu line\n",
                                   "  default: what is there, %zu lines\n",
                                   text_area_lines(item->area)),
                          text_area_lines(item->area));
        strbuf_add_str(out, _("  Paste the text, then type a line with only a dot.\n"));
        break;
    case FORM_LINE:
        break;
    }
}

/* "years    ends 2036-11-21": what stands apart becomes ", ". */
static void add_after(const char *text, struct strbuf *out)
{
    strbuf_add_str(out, " (");
    for (; *text; text++) {
        size_t blanks = strspn(text, " ");

        if (blanks > 1) {
            strbuf_add_str(out, ", ");
            text += blanks - 1;
        } else {
            strbuf_add_char(out, *text);
        }
    }
    strbuf_add_char(out, ')');
}

static void ask_field(const struct form *form, size_t i, struct strbuf *out)
{
    const struct form_item *item = &form->items[i];
    const char *after = item->after ? item->after : item->field->after;
    size_t n = 0, at = 0;

    for (size_t k = 0; k < form->n; k++) {
        n += form_item_asks(&form->items[k]);
        at += k <= i && form_item_asks(&form->items[k]);
    }
    if (item->mark == MARK_BAD || item->mark == MARK_WARN)
        strbuf_printf(out, "%s%s\n", talk_mark_word(item->mark),
                      item->note ? item->note : _("this cannot stay so"));
    if (form->offer.id == (int)i)
        strbuf_printf(out, _("help: press Enter to %s\n"), form->offer.label);
    strbuf_printf(out, _("Question %zu of %zu. %s"), at, n, gettext(form_item_label(item)));
    if (item->kind == FORM_CHECK && item->label && item->label != form_item_label(item))
        strbuf_printf(out, ": %s", gettext(item->label));
    if (after && (item->kind == FORM_TEXT || item->kind == FORM_SECRET))
        add_after(item->after ? after : gettext(after), out);
    strbuf_add_str(out, ".\n");
    if (item->note && item->mark != MARK_BAD && item->mark != MARK_WARN)
        strbuf_printf(out, "  %s\n", item->note);
    ask_kind(item, out);
}

static void ask_buttons(const struct button_row *buttons, struct strbuf *out)
{
    for (size_t i = 0; i < buttons->n; i++) {
        strbuf_printf(out, "  %zu. %s", i + 1, gettext(buttons->labels[i]));
        if (buttons->off[i][0])
            strbuf_printf(out, " (%s)", buttons->off[i]); /* "Next is off: 1 open" */
        strbuf_add_char(out, '\n');
    }
    strbuf_printf(out, _("  Type a number. default: %zu\n"), buttons->focus + 1);
}

static void ask_form(const struct form *form, struct strbuf *out)
{
    if (form->focus < form->n) {
        ask_field(form, form->focus, out);
        return;
    }
    strbuf_add_str(out, _("Go on?\n"));
    ask_buttons(&form->buttons, out);
}

/* ---- the others ---- */

static void ask_menu(const struct menu *menu, struct strbuf *out)
{
    char marked = 0;

    for (size_t i = 0; i < menu_count(menu); i++) {
        const struct menu_item *item = menu_item(menu, i);
        const char *off = menu_why_off(menu, item->id);
        enum mark mark;
        const char *note = menu_note(menu, item->id, &mark);

        strbuf_printf(out, "  %c. %s", item->digit ? item->digit : '-', gettext(item->label));
        if (off)
            strbuf_printf(out, _(" (off: %s)"), off);
        else if (note[0] || mark != MARK_NONE)
            strbuf_printf(out, " %s%s%s", mark_text(mark), mark != MARK_NONE ? " " : "", note);
        strbuf_add_char(out, '\n');
        if (item->id == menu_id(menu))
            marked = item->digit;
    }
    strbuf_add_str(out, _("  Type the number or letter of a line."));
    if (marked)
        strbuf_printf(out, _(" default: %c"), marked);
    strbuf_add_char(out, '\n');
}

static void ask_table(const struct table *table, struct strbuf *out)
{
    if (table_seen(table) == 0)
        return;
    strbuf_printf(out,
                  _("Row %zu of %zu is marked. Type a row's number to mark it, Enter to "
                    "choose, / and a text to find.\n"),
                  table_at(table) + 1, table_seen(table));
}

static void ask_dialog(const struct dialog *dialog, struct strbuf *out)
{
    struct dialog_look look = dialog_look(dialog);

    strbuf_printf(out, "%s\n%s%s", look.title, look.text, look.text[0] ? "\n" : "");
    if (look.name)
        strbuf_printf(out, _("To go on (%s), type the name: %s. default: no (%s)\n"), look.yes,
                      look.name, look.no);
    else
        strbuf_printf(out, _("Type yes (%s) or no (%s). default: no\n"), look.yes, look.no);
}

void talk_ask(const struct talk *talk, const struct control *control, struct strbuf *out)
{
    if (talk->pasting || !control->widget)
        return; /* lines are coming; or there is nothing but the page's keys */
    switch (control->kind) {
    case CONTROL_FORM:
        ask_form(control->widget, out);
        break;
    case CONTROL_MENU:
        ask_menu(control->widget, out);
        break;
    case CONTROL_TABLE:
        ask_table(control->widget, out);
        break;
    case CONTROL_BUTTONS:
        ask_buttons(control->widget, out);
        break;
    case CONTROL_TEXT:
        strbuf_printf(out, _("Type the text. default: %s\n"),
                      text_field_get(control->widget)[0] ? text_field_get(control->widget)
                                                         : _("none"));
        break;
    case CONTROL_SECRET:
        strbuf_add_str(out, _("What you type is not shown.\n"));
        break;
    case CONTROL_DIALOG:
        ask_dialog(control->widget, out);
        break;
    }
}
