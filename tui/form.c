/* form.c - the fields of a page: their values, the walk between them, what is wrong with each. */
#include "config.h"

#include "tui/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/form_parts.h"

#define TEXT_MAX_DEFAULT 255

static void settle(struct form *form);

struct form *form_new(const char *next, const char *back, form_check *check, void *arg)
{
    struct form *form = mem_zalloc(sizeof(*form));

    form->check = check;
    form->arg = arg;
    form->offer.id = -1;
    button_row_init(&form->buttons);
    button_row_add(&form->buttons, next ? next : FORM_NEXT_LABEL);
    button_row_add(&form->buttons, back ? back : N_("Back"));
    settle(form);
    return form;
}

static void drop_offer(struct form *form)
{
    free(form->offer.value);
    free(form->offer.label);
    form->offer.value = form->offer.label = NULL;
    form->offer.id = -1;
}

void form_add_button(struct form *form, const char *label)
{
    button_row_add(&form->buttons, label);
}

void form_explain_button(struct form *form, size_t button, const char *why)
{
    if (button < ARRAY_LEN(form->whys))
        form->whys[button] = why;
}

bool form_take_button(struct form *form)
{
    bool pressed = form->pressed;

    form->pressed = false;
    return pressed;
}

void form_free(struct form *form)
{
    if (!form)
        return;
    for (size_t i = 0; i < form->n; i++) {
        text_field_free(form->items[i].text);
        secret_field_free(form->items[i].secret);
        choice_free(form->items[i].choice);
        text_area_free(form->items[i].area);
        free(form->items[i].line);
        free(form->items[i].after);
        free(form->items[i].note);
    }
    drop_offer(form);
    free(form->hold);
    free(form->refused);
    free(form->items);
    free(form);
}

/* ---- adding ---- */

static struct form_item *add(struct form *form, enum form_kind kind, const struct form_field *field)
{
    bool on_button = form->focus >= form->n;
    struct form_item *item;

    form->items = mem_realloc_array(form->items, form->n + 1, sizeof(*form->items));
    item = &form->items[form->n++];
    memset(item, 0, sizeof(*item));
    item->kind = kind;
    item->field = field;
    if (on_button) /* the first field that can take it gets the focus */
        form->focus = kind == FORM_LINE ? form->n : form->n - 1;
    return item;
}

static int added(struct form *form)
{
    settle(form);
    return (int)form->n - 1;
}

int form_add_text(struct form *form, const struct form_field *field, const char *value)
{
    struct form_item *item = add(form, FORM_TEXT, field);

    item->text = text_field_new(field->max ? field->max : TEXT_MAX_DEFAULT);
    text_field_allow(item->text, field->allow);
    text_field_set(item->text, value ? value : "");
    return added(form);
}

int form_add_secret(struct form *form, const struct form_field *field)
{
    struct form_item *item = add(form, FORM_SECRET, field);

    item->secret = secret_field_new(field->max ? field->max : SECRET_PASSPHRASE_MAX);
    return added(form);
}

int form_add_choice(struct form *form, const struct form_field *field,
                    const struct choice_item *items, size_t n, size_t selected)
{
    struct form_item *item = add(form, FORM_CHOICE, field);

    item->choice = choice_new(items, n, selected);
    return added(form);
}

int form_add_check(struct form *form, const struct form_field *field, const char *label, bool on)
{
    struct form_item *item = add(form, FORM_CHECK, field);

    item->label = label;
    item->on = on;
    return added(form);
}

int form_add_paste(struct form *form, const struct form_field *field, int rows)
{
    struct form_item *item = add(form, FORM_PASTE, field);

    item->area = text_area_new();
    item->rows = rows;
    return added(form);
}

int form_add_line(struct form *form, const char *label, const char *text)
{
    struct form_item *item = add(form, FORM_LINE, NULL);

    item->label = label;
    item->line = mem_strdup(text ? text : "");
    return added(form);
}

/* ---- values ---- */

static struct form_item *item_of(const struct form *form, int id)
{
    return &form->items[id];
}

const char *form_text(const struct form *form, int id)
{
    const struct form_item *item = item_of(form, id);

    return item->kind == FORM_LINE ? item->line : text_field_get(item->text);
}

const struct secret *form_secret(const struct form *form, int id)
{
    return secret_field_get(item_of(form, id)->secret);
}

size_t form_choice(const struct form *form, int id)
{
    return choice_get(item_of(form, id)->choice);
}

bool form_checked(const struct form *form, int id)
{
    return item_of(form, id)->on;
}

const char *form_bytes(const struct form *form, int id, size_t *ret_len)
{
    return text_area_bytes(item_of(form, id)->area, ret_len);
}

void form_set_text(struct form *form, int id, const char *text)
{
    struct form_item *item = item_of(form, id);

    if (item->kind == FORM_LINE) {
        free(item->line);
        item->line = mem_strdup(text ? text : "");
    } else {
        text_field_set(item->text, text ? text : "");
    }
}

void form_set_choice(struct form *form, int id, size_t selected)
{
    choice_set(item_of(form, id)->choice, selected);
}

void form_set_checked(struct form *form, int id, bool on)
{
    item_of(form, id)->on = on;
}

void form_turn_off_choice(struct form *form, int id, size_t item, const char *why)
{
    choice_turn_off(item_of(form, id)->choice, item, why);
}

void form_wipe(struct form *form, int id)
{
    struct form_item *item = item_of(form, id);

    if (item->secret)
        secret_field_wipe(item->secret);
    if (item->area)
        text_area_clear(item->area);
}

void form_set_after(struct form *form, int id, const char *text)
{
    struct form_item *item = item_of(form, id);

    free(item->after);
    item->after = mem_strdup(text);
}

void form_set_box_note(struct form *form, int id, const char *note)
{
    text_area_set_note(item_of(form, id)->area, note);
}

/* ---- focus ---- */

const char *form_item_label(const struct form_item *item)
{
    if (item->kind == FORM_LINE)
        return item->label ? item->label : "";
    if (item->field->label && item->field->label[0])
        return item->field->label;
    return item->kind == FORM_CHECK && item->label ? item->label : "";
}

bool form_item_asks(const struct form_item *item)
{
    return item->kind != FORM_LINE && !item->hidden;
}

static bool takes_focus(const struct form *form, size_t place)
{
    return place >= form->n || form_item_asks(&form->items[place]);
}

static size_t places(const struct form *form)
{
    return form->n + form->buttons.n;
}

static void go(struct form *form, size_t place)
{
    if (form->focus < form->n && form->items[form->focus].secret && form->focus != place)
        secret_field_hide(form->items[form->focus].secret);
    form->focus = place;
    if (place >= form->n)
        form->buttons.focus = place - form->n;
}

static void walk(struct form *form, bool forward)
{
    size_t place = form->focus, n = places(form);

    do
        place = forward ? (place + 1) % n : (place + n - 1) % n;
    while (!takes_focus(form, place));
    go(form, place);
}

void form_show(struct form *form, int id, bool shown)
{
    struct form_item *item = item_of(form, id);

    item->hidden = !shown;
    if (!shown && item->secret)
        secret_field_hide(item->secret);
    if (!takes_focus(form, form->focus))
        walk(form, true);
}

void form_focus(struct form *form, int id)
{
    if (takes_focus(form, (size_t)id))
        go(form, (size_t)id);
    settle(form);
}

int form_focused(const struct form *form)
{
    return form->focus < form->n ? (int)form->focus : -1;
}

/* ---- state ---- */

void form_say(struct form *form, int id, enum mark mark, const char *note)
{
    struct form_item *item = item_of(form, id);

    free(item->note);
    item->mark = mark;
    item->note = note && note[0] ? mem_strdup(note) : NULL;
}

void form_offer(struct form *form, int id, const char *value, const char *label)
{
    drop_offer(form);
    form->offer.id = id;
    form->offer.value = mem_strdup(value);
    form->offer.label = mem_strdup(label);
}

void form_hold(struct form *form, const char *why)
{
    free(form->hold);
    form->hold = mem_strdup(why);
    settle(form);
}

bool form_ready(const struct form *form)
{
    return form->problems == 0 && form->open == 0 && !form->hold;
}

static void count(struct form *form)
{
    form->problems = form->open = 0;
    for (size_t i = 0; i < form->n; i++) {
        const struct form_item *item = &form->items[i];

        if (item->hidden)
            continue;
        form->problems += item->mark == MARK_BAD;
        form->open += item->mark == MARK_TODO || item->mark == MARK_BUSY;
    }
}

static void add_key(struct form *form, size_t *n, struct binding binding)
{
    if (*n + 1 < FORM_KEYS_MAX)
        form->keys[(*n)++] = binding;
}

static const struct binding first_keys[] = {
    {"F1", N_("Help"), N_("help for this field"), 100},
    {"F2", N_("Commands"), N_("the same by hand: the commands that will run"), 90},
    {"F3", N_("Words"), N_("the words of this page explained"), 50},
    {NULL, NULL, NULL, 0},
};
static const struct binding last_keys[] = {
    {"Tab", N_("Next"), N_("next field (also Down, Enter)"), 70},
    {"S-Tab", N_("Previous"), N_("previous field (also Up)"), 40},
    {"Esc", N_("Back"), N_("one step back; answers are kept"), 95},
    {"F10", N_("Quit"), N_("leave pgseal (asks first)"), 30},
    {NULL, NULL, NULL, 0},
};
static const struct binding text_keys[] = {
    {"Ctrl-U", N_("Empty"), N_("empty the field"), 0},
    {"Ctrl-W", N_("Word"), N_("erase a word"), 0},
    {"Ctrl-K", N_("To end"), N_("erase to the end"), 0},
    {N_("Home End"), N_("Ends"), N_("start and end of the field (Ctrl-A, Ctrl-E)"), 0},
    {N_("Left Right"), N_("Move"), N_("move in the text"), 0},
    {NULL, NULL, NULL, 0},
};
static const struct binding secret_keys[] = {
    {"F6", N_("Show"), N_("show what is typed, until you leave the field"), 80},
    {"Ctrl-U", N_("Empty"), N_("empty the field"), 0},
    {NULL, NULL, NULL, 0},
};
static const struct binding choice_keys[] = {
    {N_("Up Down"), N_("Choose"), N_("choose; past the ends: previous, next field"), 80},
    {NULL, NULL, NULL, 0},
};
static const struct binding check_keys[] = {
    {N_("Space"), N_("Tick"), N_("tick, or take the tick away"), 80},
    {NULL, NULL, NULL, 0},
};
static const struct binding paste_keys[] = {
    {"Ctrl-U", N_("Clear"), N_("empty the box; what was in it is wiped"), 80},
    {NULL, NULL, NULL, 0},
};
static const struct binding button_keys[] = {
    {N_("Left Right"), N_("Choose"), N_("the other button"), 45},
    {N_("Enter"), N_("Press"), N_("press the button"), 80},
    {NULL, NULL, NULL, 0},
};

static const struct binding *keys_of(const struct form *form)
{
    if (form->focus >= form->n)
        return button_keys;
    switch (form->items[form->focus].kind) {
    case FORM_TEXT:
        return text_keys;
    case FORM_SECRET:
        return secret_keys;
    case FORM_CHOICE:
        return choice_keys;
    case FORM_CHECK:
        return check_keys;
    case FORM_PASTE:
        return paste_keys;
    case FORM_LINE:
        break;
    }
    return button_keys;
}

/* Everything that follows from values and focus: counts, the reason at < Next >, the keys. */
static void settle(struct form *form)
{
    char why[96];
    size_t n = 0;

    count(form);
    if (form->hold) {
        button_row_turn_off(&form->buttons, FORM_NEXT, form->hold);
    } else if (form_ready(form)) {
        button_row_turn_off(&form->buttons, FORM_NEXT, NULL);
    } else {
        const char *next = gettext(form->buttons.labels[FORM_NEXT]);

        if (form->problems && form->open)
            snprintf(why, sizeof(why), _("%s is off: %u wrong, %u open"), next, form->problems,
                     form->open);
        else if (form->problems)
            snprintf(why, sizeof(why), _("%s is off: %u wrong"), next, form->problems);
        else
            snprintf(why, sizeof(why), _("%s is off: %u open"), next, form->open);
        button_row_turn_off(&form->buttons, FORM_NEXT, why);
    }

    memset(form->keys, 0, sizeof(form->keys));
    for (const struct binding *key = first_keys; key->keys; key++)
        add_key(form, &n, *key);
    if (form->offer.id >= 0)
        add_key(form, &n, (struct binding){"F4", N_("Fix"), form->offer.label, 85});
    for (const struct binding *key = keys_of(form); key->keys; key++)
        add_key(form, &n, *key);
    for (const struct binding *key = last_keys; key->keys; key++)
        add_key(form, &n, *key);
}

void form_recheck(struct form *form)
{
    if (form->check) {
        for (size_t i = 0; i < form->n; i++)
            form_say(form, (int)i, MARK_NONE, NULL);
        drop_offer(form);
        form->check(form->arg, form);
    }
    settle(form);
}

/* ---- events ---- */

static void refuse(struct form *form, const char *why)
{
    free(form->refused);
    form->refused = mem_strdup(why);
}

static void first_problem(struct form *form)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < form->n; i++) {
            enum mark mark = form->items[i].mark;

            if (takes_focus(form, i) && (pass == 0 ? mark == MARK_BAD : mark == MARK_TODO)) {
                go(form, i);
                return;
            }
        }
    }
}

static bool item_key(struct form_item *item, uint32_t key)
{
    switch (item->kind) {
    case FORM_TEXT:
        return text_field_key(item->text, key);
    case FORM_SECRET:
        return secret_field_key(item->secret, key);
    case FORM_CHOICE:
        return choice_key(item->choice, key);
    case FORM_CHECK:
        return check_key(&item->on, key);
    case FORM_PASTE:
        return text_area_key(item->area, key);
    case FORM_LINE:
        break;
    }
    return false;
}

static enum form_result button_key(struct form *form, uint32_t key)
{
    switch (button_row_key(&form->buttons, key)) {
    case BUTTON_MOVED:
        form->focus = form->n + form->buttons.focus;
        return FORM_CHANGED;
    case BUTTON_PRESSED:
        if (form->buttons.focus == FORM_OWN) {
            form->pressed = true;
            return FORM_CHANGED;
        }
        return form->buttons.focus == FORM_NEXT ? FORM_SUBMIT : FORM_CANCEL;
    case BUTTON_IS_OFF:
        refuse(form, form->buttons.off[form->buttons.focus]);
        first_problem(form);
        return FORM_CHANGED;
    case BUTTON_IGNORED:
        break;
    }
    return FORM_IGNORED;
}

static enum form_result take_offer(struct form *form)
{
    if (form->offer.id < 0)
        return FORM_IGNORED;
    text_field_set(form->items[form->offer.id].text, form->offer.value);
    form_recheck(form);
    return FORM_CHANGED;
}

static enum form_result walk_key(struct form *form, uint32_t key)
{
    switch (key) {
    case KEY_CODE_TAB:
    case KEY_CODE_DOWN:
    case KEY_CODE_CTRL('n'):
        walk(form, true);
        return FORM_CHANGED;
    case KEY_CODE_BACK_TAB:
    case KEY_CODE_UP:
    case KEY_CODE_CTRL('p'):
        walk(form, false);
        return FORM_CHANGED;
    case KEY_CODE_ENTER: /* fields only: a button has taken it */
        walk(form, true);
        return FORM_CHANGED;
    }
    return FORM_IGNORED;
}

static enum form_result form_key(struct form *form, uint32_t key)
{
    enum form_result result;

    if (key == KEY_CODE_ESC)
        return FORM_CANCEL;
    if (key == KEY_CODE_F4)
        return take_offer(form);
    if (form->focus >= form->n) {
        result = button_key(form, key);
        return result == FORM_IGNORED ? walk_key(form, key) : result;
    }
    if (item_key(&form->items[form->focus], key)) {
        form_recheck(form);
        return FORM_CHANGED;
    }
    return walk_key(form, key);
}

static enum form_result form_paste(struct form *form, const struct event *event)
{
    struct form_item *item = form->focus < form->n ? &form->items[form->focus] : NULL;
    bool all = true;

    if (item && item->kind == FORM_TEXT)
        all = text_field_paste(item->text, event->paste, event->paste_len);
    else if (item && item->kind == FORM_SECRET)
        all = secret_field_paste(item->secret, event->paste, event->paste_len);
    else if (item && item->kind == FORM_PASTE)
        all = text_area_paste(item->area, event->paste, event->paste_len, event->paste_whole);
    else
        return FORM_IGNORED;
    if (!all)
        refuse(form, item->kind == FORM_TEXT
                         ? _("Not all of the paste was taken: only one line of what "
                             "this field allows.")
                         : _("The paste was not taken whole."));
    form_recheck(form);
    return FORM_CHANGED;
}

enum form_result form_event(struct form *form, const struct event *event)
{
    enum form_result result = FORM_IGNORED;

    if (event->type != EVENT_KEY && event->type != EVENT_PASTE)
        return FORM_IGNORED;
    refuse(form, NULL);
    if (event->type == EVENT_KEY)
        result = form_key(form, event->key);
    else
        result = form_paste(form, event);
    settle(form);
    return result;
}
