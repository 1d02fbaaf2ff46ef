/* replay.c - a wizard's answers, with a page of its own: what is written down, what is given, what never. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/harness/ui.h"
#include "tui/dialog.h"
#include "tui/form.h"
#include "tui/menu.h"

/* A menu; from its first line two forms, the second of which makes something, and asks before. */
enum stage { STAGE_MENU, STAGE_FIRST, STAGE_SECOND, STAGE_QUESTION, STAGE_MADE };

static const struct menu_item lines[] = {
    {'1', "Make a thing", 1}, {'2', "Look", 2}, {'3', "Not yet", 3}};
static const struct choice_item colours[] = {{"red", NULL}, {"green", NULL}, {"blue", NULL}};
static const struct form_field name_field = {.label = "Name"};
static const struct form_field days_field = {.label = "Days", .allow = "0123456789", .max = 4};
static const struct form_field colour_field = {.label = "Colour"};
static const struct form_field also_field = {.label = "Also"};
static const struct form_field hidden_field = {.label = "Shade"};
static const struct form_field secret_field = {.label = "Passphrase"};
static const struct form_field paste_field = {.label = "Paste"};
static const struct form_field accept_field = {.label = "Accept", .always_asked = true};

struct thing {
    struct menu *menu;
    struct form *first, *second;
    struct dialog *question;
    enum stage stage;
    int name, days, colour, also, shade, secret, paste, accept;
    bool busy;    /* a server is asked */
    bool refuses; /* blue cannot be had */
};

static void check(void *arg, struct form *form)
{
    struct thing *self = arg;

    form_show(form, self->shade, form_choice(form, self->colour) == 1);
    form_say(form, self->name,
             self->busy                       ? MARK_BUSY
             : form_text(form, self->name)[0] ? MARK_OK
                                              : MARK_TODO,
             NULL);
}

static struct nav form_key(struct thing *self, struct form *form, const struct event *event,
                           enum stage before, enum stage next)
{
    switch (form_event(form, event)) {
    case FORM_SUBMIT:
        self->stage = next;
        if (next == STAGE_QUESTION)
            self->question = dialog_new(&(struct dialog_spec){.title = "Make it?", .name = "x"});
        break;
    case FORM_CANCEL:
        self->stage = before;
        break;
    case FORM_IGNORED:
    case FORM_CHANGED:
        break;
    }
    return nav_stay();
}

static struct nav thing_event(void *arg, const struct event *event)
{
    struct thing *self = arg;
    enum dialog_answer answer;

    if (event->type != EVENT_KEY)
        return nav_stay();
    switch (self->stage) {
    case STAGE_MENU:
        if (menu_key(self->menu, event->key) == MENU_CHOSEN && menu_id(self->menu) == 1)
            self->stage = STAGE_FIRST;
        return nav_stay();
    case STAGE_FIRST:
        return form_key(self, self->first, event, STAGE_MENU, STAGE_SECOND);
    case STAGE_SECOND:
        return form_key(self, self->second, event, STAGE_FIRST, STAGE_QUESTION);
    case STAGE_QUESTION:
        answer = dialog_event(self->question, event);
        if (answer == DIALOG_OPEN)
            return nav_stay();
        dialog_free(self->question);
        self->question = NULL;
        self->stage = answer == DIALOG_YES ? STAGE_MADE : STAGE_SECOND;
        return nav_stay();
    case STAGE_MADE:
        break;
    }
    return nav_pop();
}

static void thing_draw(const void *arg, struct canvas *body)
{
    const struct thing *self = arg;

    if (self->stage == STAGE_MENU)
        menu_draw(self->menu, body, 0, 0, 5, canvas_columns(body), true);
    else if (self->stage == STAGE_FIRST)
        form_draw(self->first, body);
    else if (self->stage == STAGE_MADE)
        canvas_text(body, 0, 0, STYLE_NORMAL, "made");
    else
        form_draw(self->second, body);
    if (self->question)
        dialog_draw(self->question, body);
}

static void thing_frame(const void *arg, struct frame *ret)
{
    const struct thing *self = arg;

    if (self->question)
        dialog_frame(self->question, ret);
    else if (self->stage == STAGE_FIRST || self->stage == STAGE_SECOND)
        form_frame(self->stage == STAGE_FIRST ? self->first : self->second, ret);
}

static void thing_free(void *arg)
{
    struct thing *self = arg;

    menu_free(self->menu);
    form_free(self->first);
    form_free(self->second);
    dialog_free(self->question);
    free(self);
}

static const struct screen_ops thing_ops = {
    .name = "thing",
    .event = thing_event,
    .draw = thing_draw,
    .frame = thing_frame,
    .free = thing_free,
};

static struct thing *thing_new(void)
{
    struct thing *self = mem_zalloc(sizeof(*self));

    self->menu = menu_new(lines, ARRAY_LEN(lines));
    menu_turn_off(self->menu, 3, "not yet");
    self->first = form_new(NULL, NULL, check, self);
    self->name = form_add_text(self->first, &name_field, NULL);
    self->days = form_add_text(self->first, &days_field, "365");
    self->colour = form_add_choice(self->first, &colour_field, colours, ARRAY_LEN(colours), 0);
    self->shade = form_add_text(self->first, &hidden_field, "light");
    self->also = form_add_check(self->first, &also_field, "also this", false);
    form_recheck(self->first);
    self->second = form_new("Make it", NULL, NULL, NULL);
    self->secret = form_add_secret(self->second, &secret_field);
    self->paste = form_add_paste(self->second, &paste_field, 3);
    self->accept = form_add_text(self->second, &accept_field, NULL);
    (void)form_add_check(self->second, &also_field, "also that", false);
    return self;
}

struct box {
    char *folder, *save, *load;
    struct replay *replay;
    struct navigator *navigator;
    struct thing *thing;
};

static struct box *open_box(const char *answers, bool save)
{
    struct box *box = mem_zalloc(sizeof(*box));
    struct err err = ERR_INIT;

    box->folder = fs_make_temp_folder("replay", &err);
    assert_non_null(box->folder);
    box->save = fs_join(box->folder, "save");
    box->load = fs_join(box->folder, "load");
    if (answers && !fs_write_new(box->load, answers, strlen(answers), 0600, &err))
        fail_msg("%s", err.msg);
    box->replay = replay_new(save ? box->save : NULL, answers ? box->load : NULL, &err);
    if (!box->replay)
        fail_msg("%s", err.msg);
    box->navigator =
        navigator_new(&(struct navigator_options){.theme = ui_ascii, .replay = box->replay});
    box->thing = thing_new();
    navigator_push(box->navigator, screen_new(&thing_ops, box->thing));
    return box;
}

static void close_box(struct box *box)
{
    struct err err = ERR_INIT;

    navigator_free(box->navigator);
    replay_free(box->replay);
    assert_true(fs_remove_tree(box->folder, &err));
    free(box->folder);
    free(box->save);
    free(box->load);
    free(box);
}

/* A key of the person, and the turn of the loop after it. */
static void key(struct box *box, uint32_t code)
{
    ui_key(box->navigator, code);
    (void)navigator_replay(box->navigator);
}

static void keys(struct box *box, const char *text)
{
    for (; *text; text++)
        key(box, *text == '\t' ? KEY_CODE_TAB : (unsigned char)*text);
}

static char *saved(struct box *box)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    const char *parts;
    char *ret;

    if (!fs_read(box->save, 100000, &text, &err))
        fail_msg("%s", err.msg);
    parts = strstr(text.data, "\n[");
    ret = mem_strdup(parts ? parts : "");
    strbuf_clear(&text);
    return ret;
}

static void expect_saved(struct box *box, const char *wanted)
{
    char *text = saved(box);

    assert_string_equal(text, wanted);
    free(text);
}

#define MENU_PART  "\n[thing]\nChoose = Make a thing\n"
#define FIRST_PART "\n[thing]\nName = alice\nDays = 90\nColour = green\nShade = light\nAlso = yes\n"

static void what_is_written_down(void **state)
{
    struct box *box = open_box(NULL, true);
    struct stat status;

    (void)state;
    assert_int_equal(stat(box->save, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    key(box, '3'); /* it is off: nothing was chosen */
    key(box, '2'); /* the page does not go on */
    expect_saved(box, "");
    key(box, '1');
    expect_saved(box, MENU_PART);
    key(box, KEY_CODE_TAB);
    key(box, KEY_CODE_CTRL('u'));
    keys(box, "90\t");
    key(box, KEY_CODE_DOWN);
    keys(box, "\t\t \t");
    key(box, KEY_CODE_ENTER); /* < Next > is off: the name is open */
    expect_saved(box, MENU_PART);
    keys(box, "alice");
    for (int i = 0; i < 5; i++)
        key(box, KEY_CODE_TAB);
    key(box, KEY_CODE_ENTER);
    assert_int_equal(box->thing->stage, STAGE_SECOND);
    expect_saved(box, MENU_PART FIRST_PART);

    keys(box, "hush hush\t");
    ui_paste(box->navigator, "-----BEGIN PRIVATE KEY-----\n");
    keys(box, "\t7\t\t");
    key(box, KEY_CODE_ENTER);
    assert_int_equal(box->thing->stage, STAGE_QUESTION);
    expect_saved(box, MENU_PART FIRST_PART); /* whether it goes on is not known yet */
    key(box, KEY_CODE_ESC);
    assert_int_equal(box->thing->stage, STAGE_SECOND);
    expect_saved(box, MENU_PART FIRST_PART);
    key(box, KEY_CODE_ENTER);
    keys(box, "x\t\t");
    key(box, KEY_CODE_ENTER);
    assert_int_equal(box->thing->stage, STAGE_MADE);
    expect_saved(box, MENU_PART FIRST_PART "\n[thing]\n# Passphrase: a secret, asked again\n"
                                           "# Paste: pasted, asked again\n"
                                           "# Accept: always asked again\nAlso = no\n");
    close_box(box);
}

static void what_is_given(void **state)
{
    struct box *box = open_box("pgseal answers 1\n" MENU_PART FIRST_PART
                               "\n[thing]\nPassphrase = hush hush\nAccept = 7\nAlso = yes\n",
                               false);

    (void)state;
    assert_true(navigator_replay(box->navigator));
    assert_string_equal(form_text(box->thing->first, box->thing->name), "alice");
    assert_string_equal(form_text(box->thing->first, box->thing->days), "90");
    assert_int_equal(form_choice(box->thing->first, box->thing->colour), 1);
    assert_true(form_checked(box->thing->first, box->thing->also));
    /* the second form: a secret that somebody wrote into the file is not taken, nor what is always
     * asked; what comes behind them is there already */
    assert_int_equal(box->thing->stage, STAGE_SECOND);
    assert_int_equal(form_focused(box->thing->second), box->thing->secret);
    assert_int_equal(secret_len(form_secret(box->thing->second, box->thing->secret)), 0);
    assert_string_equal(form_text(box->thing->second, box->thing->accept), "");
    assert_true(form_checked(box->thing->second, box->thing->accept + 1));
    assert_true(ui_shows(box->navigator, "\"Passphrase\" is asked."));
    assert_false(navigator_replay(box->navigator));
    assert_null(replay_say(box->replay));
    close_box(box);
}

/* A button that does something, and a question, are never the file's. */
static void what_is_never_given(void **state)
{
    struct box *box =
        open_box("pgseal answers 1\n[thing]\nAlso = yes\n[thing]\nChoose = Look\n", false);
    char *said;

    (void)state;
    box->thing->stage = STAGE_SECOND;
    form_show(box->thing->second, box->thing->secret, false);
    form_show(box->thing->second, box->thing->paste, false);
    form_show(box->thing->second, box->thing->accept, false);
    assert_true(navigator_replay(box->navigator));
    assert_int_equal(box->thing->stage, STAGE_SECOND);
    assert_int_equal(form_focused(box->thing->second), -1); /* < Make it > has the focus */
    key(box, KEY_CODE_ENTER);
    assert_int_equal(box->thing->stage, STAGE_QUESTION);
    assert_false(navigator_replay(box->navigator));
    said = replay_say(box->replay);
    assert_non_null(strstr(said, "from line 4 on, page \"thing\""));
    free(said);
    close_box(box);
}

/* A server is asked about the name: it waits, unless the person does something. */
static void it_waits(void **state)
{
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        struct box *box = open_box("pgseal answers 1" MENU_PART FIRST_PART, false);

        (void)state;
        box->thing->busy = true;
        form_recheck(box->thing->first);
        assert_true(navigator_replay(box->navigator));
        assert_int_equal(box->thing->stage, STAGE_FIRST);
        if (by_hand)
            key(box, KEY_CODE_TAB);
        box->thing->busy = false;
        form_recheck(box->thing->first);
        assert_int_equal(navigator_replay(box->navigator), !by_hand);
        assert_int_equal(box->thing->stage, by_hand ? STAGE_FIRST : STAGE_SECOND);
        close_box(box);
    }
}

static void an_answer_that_is_not_possible(void **state)
{
    static const char *const wrong[] = {"Colour = pink", "Colour = blue", "Also = maybe",
                                        "Days = many"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char *text = mem_printf("pgseal answers 1" MENU_PART "\n[thing]\nName = alice\n%s\n"
                                "Shade = dark\n",
                                wrong[i]);
        struct box *box = open_box(text, false);

        form_turn_off_choice(box->thing->first, box->thing->colour, 2, "sold out");
        assert_true(navigator_replay(box->navigator));
        assert_int_equal(box->thing->stage, STAGE_FIRST);
        assert_string_equal(form_text(box->thing->first, box->thing->name), "alice");
        assert_int_equal(form_choice(box->thing->first, box->thing->colour), 0);
        assert_false(replay_failed(box->replay, NULL));
        assert_int_not_equal(form_focused(box->thing->first), -1);
        close_box(box);
        free(text);
    }
}

static void expect_failure(const char *answers, const char *why)
{
    struct box *box = open_box(answers, false);
    struct err err = ERR_INIT;

    assert_true(navigator_replay(box->navigator));
    assert_true(navigator_done(box->navigator));
    assert_true(replay_failed(box->replay, &err));
    assert_int_equal(err.code, ERR_ANSWERS);
    if (!strstr(err.msg, why))
        fail_msg("\"%s\" is not in \"%s\"", why, err.msg);
    close_box(box);
}

static void what_the_page_has_not(void **state)
{
    (void)state;
    expect_failure("pgseal answers 1" MENU_PART "[thing]\nName = alice\nAge = 7\n",
                   "line 6 of the answers: the page \"thing\" has no \"Age\"");
    expect_failure("pgseal answers 1" MENU_PART "[thing]\nName = alice\nName = bob\n",
                   "line 6 of the answers: the page \"thing\" has no \"Name\"");
    expect_failure("pgseal answers 1\n[thing]\nChoose = Fly\n", "has no line \"Fly\"");
    expect_failure("pgseal answers 1\n[thing]\nName = alice\n", "has no \"Name\"");
}

static void files(void **state)
{
    struct box *box = open_box(NULL, true);
    struct err err = ERR_INIT;
    char *missing = fs_join(box->folder, "missing");

    (void)state;
    assert_null(replay_new(box->save, NULL, &err)); /* it is there */
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_null(replay_new(NULL, missing, &err));
    assert_int_equal(err.code, ERR_FILE);
    free(missing);
    close_box(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_down),
        cmocka_unit_test(what_is_given),
        cmocka_unit_test(what_is_never_given),
        cmocka_unit_test(it_waits),
        cmocka_unit_test(an_answer_that_is_not_possible),
        cmocka_unit_test(what_the_page_has_not),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
