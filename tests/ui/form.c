/* form.c - the walk between fields, the check, the fix, the picture. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tui/form.h"

static const struct theme ascii = {.colour = false, .unicode = false};

static const struct form_field role_field = {.label = "Database role",
                                             .why = "Who logs in.",
                                             .word = "role",
                                             .help = "The role, letter by letter."};
static const struct form_field name_field = {.label = "Name in cert"};
static const struct form_field days_field = {
    .label = "Valid for", .width = 6, .max = 4, .after = "days", .allow = "0123456789"};
static const struct form_field key_field = {.label = "Key protection"};
static const struct form_field secret_field = {.label = "Passphrase", .width = 20};
static const struct form_field end_field = {.label = "Also"};
static const struct choice_item protections[] = {{"passphrase", NULL},
                                                 {"none: for services that start alone", NULL}};

struct draft {
    struct form *form;
    int role, name, days, protection, passphrase, also;
    int checks;
};

static void check(void *arg, struct form *form)
{
    struct draft *draft = arg;
    const char *role = form_text(form, draft->role), *name = form_text(form, draft->name);

    draft->checks++;
    form_show(form, draft->passphrase, form_choice(form, draft->protection) == 0);
    form_say(form, draft->role, role[0] ? MARK_OK : MARK_TODO, NULL);
    if (name[0] && strcmp(role, name) != 0) {
        char note[100];

        snprintf(note, sizeof(note), "\"%s\" is not \"%s\": PostgreSQL compares every letter", name,
                 role);
        form_say(form, draft->name, MARK_BAD, note);
        form_offer(form, draft->name, role, "use the role name");
    } else if (!name[0]) {
        form_say(form, draft->name, MARK_TODO, NULL);
    }
    if (form_choice(form, draft->protection) == 0 &&
        secret_len(form_secret(form, draft->passphrase)) < 8)
        form_say(form, draft->passphrase, MARK_TODO, NULL);
}

static void set_up(struct draft *draft)
{
    memset(draft, 0, sizeof(*draft));
    draft->form = form_new(NULL, NULL, check, draft);
    draft->role = form_add_text(draft->form, &role_field, "");
    draft->name = form_add_text(draft->form, &name_field, "");
    draft->days = form_add_text(draft->form, &days_field, "365");
    draft->protection = form_add_choice(draft->form, &key_field, protections, 2, 0);
    draft->passphrase = form_add_secret(draft->form, &secret_field);
    draft->also = form_add_check(draft->form, &end_field, "write a PKCS#12 file too", false);
    form_recheck(draft->form);
}

static enum form_result press(struct draft *draft, uint32_t key)
{
    struct event event = {.type = EVENT_KEY, .key = key};

    return form_event(draft->form, &event);
}

static void type(struct draft *draft, const char *text)
{
    for (; *text; text++)
        assert_int_equal(press(draft, (uint32_t)*text), FORM_CHANGED);
}

static void walks(void **state)
{
    struct draft draft;

    (void)state;
    set_up(&draft);
    assert_int_equal(form_focused(draft.form), draft.role);
    assert_int_equal(press(&draft, KEY_CODE_ENTER), FORM_CHANGED);
    assert_int_equal(form_focused(draft.form), draft.name);
    assert_int_equal(press(&draft, KEY_CODE_UP), FORM_CHANGED);
    assert_int_equal(form_focused(draft.form), draft.role);
    assert_int_equal(press(&draft, KEY_CODE_BACK_TAB), FORM_CHANGED); /* round to < Back > */
    assert_int_equal(form_focused(draft.form), -1);
    assert_int_equal(press(&draft, KEY_CODE_ENTER), FORM_CANCEL);
    assert_int_equal(press(&draft, KEY_CODE_ESC), FORM_CANCEL);
    form_focus(draft.form, draft.protection);
    assert_int_equal(press(&draft, KEY_CODE_DOWN), FORM_CHANGED); /* inside the group */
    assert_int_equal(form_focused(draft.form), draft.protection);
    assert_int_equal(form_choice(draft.form, draft.protection), 1);
    assert_int_equal(press(&draft, KEY_CODE_DOWN), FORM_CHANGED); /* past its end; one is hidden */
    assert_int_equal(form_focused(draft.form), draft.also);
    assert_int_equal(press(&draft, ' '), FORM_CHANGED);
    assert_true(form_checked(draft.form, draft.also));
    assert_int_equal(press(&draft, KEY_CODE_F5), FORM_IGNORED);
    form_free(draft.form);
}

static void next_is_off_until_all_is_good(void **state)
{
    struct draft draft;
    struct frame frame = {.why = ""};

    (void)state;
    set_up(&draft);
    type(&draft, "alice");
    press(&draft, KEY_CODE_TAB);
    type(&draft, "Alice");
    assert_false(form_ready(draft.form));
    form_frame(draft.form, &frame);
    assert_int_equal(frame.message_mark, MARK_BAD);
    assert_string_equal(frame.message,
                        "Name in cert: \"Alice\" is not \"alice\": PostgreSQL compares "
                        "every letter.  F4 = use the role name");
    assert_true(frame.text_focus);
    assert_string_equal(frame.bindings[3].keys, "F4");

    for (int i = 0; i < 5; i++)
        press(&draft, KEY_CODE_TAB);
    assert_int_equal(form_focused(draft.form), -1);
    assert_int_equal(press(&draft, KEY_CODE_ENTER), FORM_CHANGED); /* off: to the first problem */
    assert_int_equal(form_focused(draft.form), draft.name);
    assert_int_equal(press(&draft, KEY_CODE_F4), FORM_CHANGED);
    assert_string_equal(form_text(draft.form, draft.name), "alice");
    assert_int_equal(press(&draft, KEY_CODE_F4), FORM_IGNORED); /* nothing to fix any more */
    form_focus(draft.form, draft.passphrase);
    type(&draft, "long enough");
    assert_true(form_ready(draft.form));
    form_hold(draft.form, "waiting for db1");
    assert_false(form_ready(draft.form));
    form_hold(draft.form, NULL);
    press(&draft, KEY_CODE_TAB);
    press(&draft, KEY_CODE_TAB);
    assert_int_equal(press(&draft, KEY_CODE_ENTER), FORM_SUBMIT);
    form_free(draft.form);
}

static void a_secret_hides_when_it_is_left(void **state)
{
    struct draft draft;
    struct canvas *canvas = canvas_new(20, 80, &ascii);
    struct strbuf text = STRBUF_INIT;

    (void)state;
    set_up(&draft);
    form_focus(draft.form, draft.passphrase);
    type(&draft, "hunter2");
    press(&draft, KEY_CODE_F6);
    form_draw(draft.form, canvas);
    canvas_to_text(canvas, &text);
    assert_non_null(strstr(text.data, "[hunter2"));
    press(&draft, KEY_CODE_TAB);
    canvas_erase(canvas);
    strbuf_reset(&text);
    form_draw(draft.form, canvas);
    canvas_to_text(canvas, &text);
    assert_null(strstr(text.data, "hunter2"));
    assert_non_null(strstr(text.data, "[*******"));
    strbuf_clear(&text);
    canvas_free(canvas);
    form_free(draft.form);
}

static void a_paste_goes_into_the_focus(void **state)
{
    struct draft draft;
    struct event event = {
        .type = EVENT_PASTE, .paste = "alice\nmore", .paste_len = 10, .paste_whole = true};
    struct frame frame = {.why = ""};

    (void)state;
    set_up(&draft);
    assert_int_equal(form_event(draft.form, &event), FORM_CHANGED);
    assert_string_equal(form_text(draft.form, draft.role), "alice");
    form_frame(draft.form, &frame);
    assert_int_equal(frame.message_mark, MARK_WARN);
    form_focus(draft.form, draft.protection);
    assert_int_equal(form_event(draft.form, &event), FORM_IGNORED);
    form_free(draft.form);
}

static void picture(void **state)
{
    struct draft draft;
    struct canvas *canvas = canvas_new(15, 80, &ascii);
    struct strbuf text = STRBUF_INIT;
    int row, column;

    (void)state;
    set_up(&draft);
    type(&draft, "alice");
    press(&draft, KEY_CODE_TAB);
    type(&draft, "Alice");
    form_draw(draft.form, canvas);
    canvas_to_text(canvas, &text);
    assert_string_equal(
        text.data,
        "  Database role    [alice                               ]               [ok]\n"
        "  Name in cert     [Alice                               ]               [xx]\n"
        "                   \"Alice\" is not \"alice\": PostgreSQL compares every letter\n"
        "                   fix: F4 = use the role name\n"
        "  Valid for        [365 ] days\n"
        "  Key protection   (*) passphrase\n"
        "                   ( ) none: for services that start alone\n"
        "  Passphrase       [                  ]                                 [  ]\n"
        "  Also             [ ] write a PKCS#12 file too\n"
        "\n"
        "                     < Next >    < Back >     Next is off: 1 wrong, 1 open\n"
        "\n\n\n\n");
    assert_true(canvas_cursor_at(canvas, &row, &column));
    assert_int_equal(row, 1);
    assert_int_equal(column, 25);
    strbuf_clear(&text);
    canvas_free(canvas);
    form_free(draft.form);
}

/* In every window that is too low, the row with the focus is seen. */
static void scrolls_to_the_focus(void **state)
{
    (void)state;
    for (int rows = 1; rows < 16; rows++) {
        struct draft draft;

        set_up(&draft);
        for (int step = 0; step < 9; step++) {
            struct canvas *canvas = canvas_new(rows, 80, &ascii);
            int row = -1, column = -1;

            form_draw(draft.form, canvas);
            assert_true(canvas_cursor_at(canvas, &row, &column));
            assert_in_range(row, 0, rows - 1);
            if (form_focused(draft.form) == draft.also) {
                const struct cell *cell = canvas_cell(canvas, row, 19);

                assert_string_equal(cell->text, "[");
            }
            canvas_free(canvas);
            press(&draft, KEY_CODE_TAB);
        }
        form_free(draft.form);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks),
        cmocka_unit_test(next_is_off_until_all_is_good),
        cmocka_unit_test(a_secret_hides_when_it_is_left),
        cmocka_unit_test(a_paste_goes_into_the_focus),
        cmocka_unit_test(picture),
        cmocka_unit_test(scrolls_to_the_focus),
    };

    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
