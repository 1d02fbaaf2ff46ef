/* replay.c - a wizard's answers: written down, and given again. */
#include "config.h"

#include "tui/replay.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/answers.h"
#include "tui/form_parts.h"
#include "tui/menu.h"
#include "tui/nav.h"

#define ROWS    24
#define COLUMNS 80

struct replay {
    /* writing */
    char *save;           /* the file, or NULL */
    struct strbuf text;   /* all of it */
    struct strbuf taken;  /* the part that comes when the page has taken it */
    const void *taken_by; /* the form or menu; compared only */
    struct err unsaved;
    /* giving */
    struct answers answers;
    size_t at;          /* the part that comes next */
    const void *filled; /* the form that has its answers; compared only */
    bool waits;         /* that form is full, and not ready yet: a server is asked */
    bool giving;        /* the keys are ours */
    struct err err;
};

struct replay *replay_new(const char *save, const char *load, struct err *err)
{
    struct replay *replay = mem_zalloc(sizeof(*replay));
    struct strbuf bytes = STRBUF_INIT;
    bool ok = true;

    strbuf_init(&replay->text);
    strbuf_init(&replay->taken);
    if (load)
        ok = fs_read(load, ANSWERS_MAX, &bytes, err) &&
             answers_parse(bytes.data, bytes.len, &replay->answers, err);
    strbuf_clear(&bytes);
    if (ok && save) {
        answers_add_head(&replay->text);
        replay->save = mem_strdup(save);
        ok = fs_write_new(save, replay->text.data, replay->text.len, FS_MODE_SECRET, err);
    }
    if (!ok) {
        replay_free(replay);
        return NULL;
    }
    return replay;
}

void replay_free(struct replay *replay)
{
    if (!replay)
        return;
    free(replay->save);
    strbuf_clear(&replay->text);
    strbuf_clear(&replay->taken);
    answers_clear(&replay->answers);
    free(replay);
}

bool replay_failed(const struct replay *replay, struct err *err)
{
    if (!replay || replay->err.code == ERR_NONE)
        return false;
    *err = replay->err;
    return true;
}

char *replay_say(const struct replay *replay)
{
    const struct answers_part *part;

    if (!replay)
        return NULL;
    if (replay->unsaved.code != ERR_NONE)
        return mem_printf(_("The answers are not whole: %s."), replay->unsaved.msg);
    if (replay->at >= replay->answers.n)
        return NULL;
    part = &replay->answers.parts[replay->at];
    return mem_printf(_("Answers were left over: from line %u on, page \"%s\"."), part->line,
                      part->page);
}

/* What takes input on this page; kind 0 of a NULL widget: nothing does. */
static struct control control_of(const struct screen *screen)
{
    static const struct theme theme = {.colour = false, .unicode = false};
    struct canvas *canvas = canvas_new(ROWS, COLUMNS, &theme);
    struct controls controls = {.n = 0};
    struct control ret = {.widget = NULL};
    const struct control *found;

    canvas_listen(canvas, &controls);
    screen->ops->draw(screen->self, canvas);
    found = controls_main(&controls);
    if (found)
        ret = *found;
    canvas_free(canvas);
    return ret;
}

/* ---- writing ---- */

/* "Passphrase" may stand twice in a form: the n-th answer is for the n-th of them. */
static size_t nth_of_label(const struct form *form, size_t i)
{
    size_t n = 0;

    for (size_t k = 0; k < i; k++)
        n += strcmp(form_item_label(&form->items[k]), form_item_label(&form->items[i])) == 0;
    return n;
}

/* True: it has an answer that is kept. */
static bool take_item(struct strbuf *out, const struct form_item *item)
{
    const char *label = form_item_label(item);

    if (!form_item_asks(item) || label[0] == '\0')
        return false;
    if (item->kind == FORM_SECRET || item->kind == FORM_PASTE || item->field->always_asked) {
        char *text = mem_printf(item->kind == FORM_SECRET  ? "%s: a secret, asked again"
                                : item->kind == FORM_PASTE ? "%s: pasted, asked again"
                                                           : "%s: always asked again",
                                label);

        answers_add_comment(out, text);
        free(text);
        return false;
    }
    if (item->kind == FORM_TEXT) {
        answers_add(out, label, text_field_get(item->text));
    } else if (item->kind == FORM_CHOICE) {
        answers_add(out, label, choice_item(item->choice, choice_get(item->choice))->label);
    } else {
        answers_add(out, label, item->on ? "yes" : "no");
    }
    return true;
}

static void take_form(struct replay *replay, const struct screen *top, const struct form *form)
{
    size_t n = 0;

    answers_add_part(&replay->taken, top->ops->name);
    for (size_t i = 0; i < form->n; i++)
        n += take_item(&replay->taken, &form->items[i]);
    replay->taken_by = n > 0 ? form : NULL; /* a review asks nothing, a passphrase is not kept */
}

static void take_line(struct replay *replay, const struct screen *top, const struct menu *menu,
                      uint32_t key)
{
    for (size_t i = 0; i < menu_count(menu); i++) {
        const struct menu_item *item = menu_item(menu, i);

        if (key == KEY_CODE_ENTER ? item->id != menu_id(menu)
                                  : !item->digit || (uint32_t)item->digit != key)
            continue;
        replay->taken_by = menu;
        answers_add_part(&replay->taken, top->ops->name);
        answers_add(&replay->taken, ANSWERS_CHOOSE, item->label);
        return;
    }
}

void replay_see_key(struct replay *replay, const struct screen *top, uint32_t key)
{
    struct control control;

    if (!replay->giving)
        replay->waits = false; /* the person goes on by hand */
    if (!replay->save)
        return;
    control = control_of(top);
    if (control.widget && control.kind == CONTROL_DIALOG)
        return; /* it decides whether the page goes on */
    replay->taken_by = NULL;
    strbuf_reset(&replay->taken);
    if (control.widget && control.kind == CONTROL_FORM) {
        const struct form *form = control.widget;

        if (key == KEY_CODE_ENTER && form->focus == form->n + FORM_NEXT && form_ready(form))
            take_form(replay, top, form);
    } else if (control.widget && control.kind == CONTROL_MENU) {
        take_line(replay, top, control.widget, key);
    }
}

/* A page that took the answers has gone on. */
static void write_taken(struct replay *replay, const struct control *now)
{
    if (!replay->taken_by || replay->taken_by == now->widget ||
        (now->widget && now->kind == CONTROL_DIALOG))
        return;
    replay->taken_by = NULL;
    strbuf_add(&replay->text, replay->taken.data, replay->taken.len);
    strbuf_reset(&replay->taken);
    if (replay->unsaved.code == ERR_NONE &&
        !fs_write_replace(replay->save, replay->text.data, replay->text.len, FS_MODE_SECRET,
                          &replay->unsaved))
        log_error("answers: %s", replay->unsaved.msg);
}

/* ---- giving ---- */

static void press(struct navigator *navigator, uint32_t key)
{
    struct event event = {.type = EVENT_KEY, .key = key};

    navigator_event(navigator, NULL, &event);
}

static void type(struct navigator *navigator, const char *text)
{
    const char *end = text + strlen(text);

    press(navigator, KEY_CODE_CTRL('u'));
    while (text < end)
        press(navigator, text_next(&text, end));
}

static bool fail(struct replay *replay, struct navigator *navigator, const struct answer *answer)
{
    const struct answers_part *part = &replay->answers.parts[replay->at];

    err_set(&replay->err, ERR_ANSWERS, _("line %u of the answers: the page \"%s\" has no \"%s\""),
            answer->line, part->page, answer->label);
    err_hint(&replay->err, "%s",
             _("Take the line out, or answer the page anew and save that (--save-answers)."));
    navigator_stop(navigator, 2);
    return true;
}

static const struct answer *answer_for(const struct answers_part *part, const struct form *form,
                                       size_t i)
{
    size_t nth = nth_of_label(form, i);

    for (size_t k = 0; k < part->n; k++) {
        if (strcmp(part->list[k].label, form_item_label(&form->items[i])) == 0 && nth-- == 0)
            return &part->list[k];
    }
    return NULL;
}

/* NULL: each answer belongs to a field, also one that is not shown now. */
static const struct answer *stray(const struct answers_part *part, const struct form *form)
{
    for (size_t k = 0; k < part->n; k++) {
        bool found = false;

        for (size_t i = 0; i < form->n && !found; i++)
            found = form->items[i].kind != FORM_LINE && answer_for(part, form, i) == &part->list[k];
        if (!found)
            return &part->list[k];
    }
    return NULL;
}

/* The walk of the focus, one key a step; false: it cannot come there. */
static bool walk_to(struct navigator *navigator, const struct form *form, size_t place)
{
    for (size_t i = 0; i < form->n + form->buttons.n && form->focus != place; i++)
        press(navigator, KEY_CODE_TAB);
    return form->focus == place;
}

static bool give_choice(struct navigator *navigator, const struct choice *choice, const char *value)
{
    size_t wanted = 0, n = choice_count(choice);

    while (wanted < n && strcmp(choice_item(choice, wanted)->label, value) != 0)
        wanted++;
    if (wanted == n || choice_why_off(choice, wanted))
        return false;
    for (size_t i = 0; i < n && choice_get(choice) != wanted; i++)
        press(navigator, choice_get(choice) < wanted ? KEY_CODE_RIGHT : KEY_CODE_LEFT);
    return choice_get(choice) == wanted;
}

/* False: this field is the person's. */
static bool give_item(struct navigator *navigator, const struct form *form, size_t i,
                      const char *value)
{
    const struct form_item *item = &form->items[i];

    if (item->kind == FORM_SECRET || item->kind == FORM_PASTE || item->field->always_asked ||
        !walk_to(navigator, form, i))
        return false;
    if (item->kind == FORM_CHOICE)
        return give_choice(navigator, item->choice, value);
    if (item->kind == FORM_CHECK) {
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return false;
        if (item->on != (value[0] == 'y'))
            press(navigator, ' ');
        return true;
    }
    if (strcmp(text_field_get(item->text), value) != 0)
        type(navigator, value);
    return strcmp(text_field_get(item->text), value) == 0;
}

/* All was answered: on by < Next >, once it is on. */
static bool go_on(struct replay *replay, struct navigator *navigator, const struct form *form)
{
    bool only_next = strcmp(form->buttons.labels[FORM_NEXT], FORM_NEXT_LABEL) == 0;

    replay->waits = !form_ready(form) && form->problems == 0;
    if (!walk_to(navigator, form, form->n + FORM_NEXT) || !form_ready(form) || !only_next)
        return true;
    press(navigator, KEY_CODE_ENTER);
    return true;
}

static bool fill_in(struct replay *replay, struct navigator *navigator, const struct form *form)
{
    const struct answers_part *part = &replay->answers.parts[replay->at];
    const struct answer *unknown = stray(part, form);
    size_t open = form->n, asked = 0;

    for (size_t i = 0; i < form->n; i++)
        asked += form_item_asks(&form->items[i]);
    if (asked == 0) /* a review: another page's answers come next */
        return false;
    if (unknown)
        return fail(replay, navigator, unknown);
    replay->at++;
    replay->filled = form;
    for (size_t i = 0; i < form->n; i++) { /* what is shown may change with each answer */
        const struct answer *answer = answer_for(part, form, i);

        if (!form_item_asks(&form->items[i]))
            continue;
        if ((!answer || !give_item(navigator, form, i, answer->value)) && open == form->n)
            open = i;
    }
    if (open == form->n)
        return go_on(replay, navigator, form);
    (void)walk_to(navigator, form, open);
    navigator_notice(navigator, MARK_NONE, _("The answers were filled in; \"%.40s\" is asked."),
                     gettext(form_item_label(&form->items[open])));
    return true;
}

static bool choose(struct replay *replay, struct navigator *navigator, const struct menu *menu)
{
    const struct answers_part *part = &replay->answers.parts[replay->at];
    const struct menu_item *item = NULL;

    if (part->n != 1 || strcmp(part->list[0].label, ANSWERS_CHOOSE) != 0)
        return part->n > 0 && fail(replay, navigator, &part->list[0]);
    for (size_t i = 0; i < menu_count(menu) && !item; i++) {
        if (strcmp(menu_item(menu, i)->label, part->list[0].value) == 0)
            item = menu_item(menu, i);
    }
    if (!item) {
        err_set(&replay->err, ERR_ANSWERS,
                _("line %u of the answers: the page \"%s\" has no line \"%.80s\""),
                part->list[0].line, part->page, part->list[0].value);
        navigator_stop(navigator, 2);
        return true;
    }
    if (menu_why_off(menu, item->id)) /* not yet, or not here: the page says why */
        return false;
    replay->at++;
    press(navigator, KEY_CODE_HOME);
    for (size_t i = 0; i < menu_count(menu) && menu_id(menu) != item->id; i++)
        press(navigator, KEY_CODE_DOWN);
    if (menu_id(menu) == item->id)
        press(navigator, KEY_CODE_ENTER);
    return true;
}

static bool give(struct replay *replay, struct navigator *navigator, const struct screen *top,
                 const struct control *now)
{
    if (now->widget != replay->filled) {
        replay->filled = NULL;
        replay->waits = false;
    }
    if (replay->filled)
        return replay->waits && form_ready(now->widget) && go_on(replay, navigator, now->widget);
    while (replay->at < replay->answers.n && replay->answers.parts[replay->at].n == 0)
        replay->at++; /* nothing but comments */
    if (replay->at >= replay->answers.n || !now->widget ||
        strcmp(top->ops->name, replay->answers.parts[replay->at].page) != 0)
        return false;
    if (now->kind == CONTROL_FORM)
        return fill_in(replay, navigator, now->widget);
    if (now->kind == CONTROL_MENU)
        return choose(replay, navigator, now->widget);
    return false;
}

bool replay_go(struct replay *replay, struct navigator *navigator)
{
    const struct screen *top = navigator_look(navigator, NULL);
    struct control now;
    bool did;

    if (!top || navigator_done(navigator))
        return false;
    now = control_of(top);
    write_taken(replay, &now);
    replay->giving = true;
    did = give(replay, navigator, top, &now);
    replay->giving = false;
    return did;
}
