/* widgets.c - fields, choice, buttons, menu, table, dialog, progress: keys, values, pictures. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "tui/button_row.h"
#include "tui/check.h"
#include "tui/choice.h"
#include "tui/dialog.h"
#include "tui/menu.h"
#include "tui/progress.h"
#include "tui/secret_field.h"
#include "tui/table.h"
#include "tui/text_area.h"
#include "tui/text_field.h"

static const struct theme ascii = {.colour = false, .unicode = false};
static const struct theme unicode = {.colour = true, .unicode = true};

static void assert_picture(const struct canvas *canvas, const char *expected)
{
    struct strbuf text = STRBUF_INIT;

    canvas_to_text(canvas, &text);
    assert_string_equal(text.data, expected);
    strbuf_clear(&text);
}

static void assert_cursor(const struct canvas *canvas, int row, int column)
{
    int at_row = -1, at_column = -1;

    assert_true(canvas_cursor_at(canvas, &at_row, &at_column));
    assert_int_equal(at_row, row);
    assert_int_equal(at_column, column);
}

static void type(bool (*take)(void *, uint32_t), void *widget, const char *text)
{
    const char *at = text, *end = text + strlen(text);

    while (at < end)
        assert_true(take(widget, text_next(&at, end)));
}

static bool text_takes(void *field, uint32_t key)
{
    return text_field_key(field, key);
}

static bool secret_takes(void *field, uint32_t key)
{
    return secret_field_key(field, key);
}

/* ---- text field ---- */

static void text_field_edits(void **state)
{
    struct text_field *field = text_field_new(32);

    (void)state;
    type(text_takes, field, "alice bob");
    assert_true(text_field_key(field, KEY_CODE_CTRL('w')));
    assert_string_equal(text_field_get(field), "alice ");
    assert_true(text_field_key(field, KEY_CODE_HOME));
    type(text_takes, field, "ü");
    assert_string_equal(text_field_get(field), "üalice ");
    assert_true(text_field_key(field, KEY_CODE_BACKSPACE));
    assert_true(text_field_key(field, KEY_CODE_RIGHT));
    assert_true(text_field_key(field, KEY_CODE_DELETE));
    assert_string_equal(text_field_get(field), "aice ");
    assert_true(text_field_key(field, KEY_CODE_CTRL('k')));
    assert_string_equal(text_field_get(field), "a");
    assert_true(text_field_key(field, KEY_CODE_CTRL('u')));
    assert_string_equal(text_field_get(field), "");
    assert_true(text_field_key(field, KEY_CODE_LEFT)); /* at the start: means nothing, is taken */
    assert_false(text_field_key(field, KEY_CODE_ENTER));
    assert_false(text_field_key(field, KEY_CODE_TAB));
    assert_false(text_field_key(field, KEY_CODE_UP));
    assert_false(text_field_key(field, KEY_CODE_F1));
    text_field_free(field);
}

static void text_field_keeps_combining_marks_together(void **state)
{
    struct text_field *field = text_field_new(32);

    (void)state;
    type(text_takes, field, "xe\xcc\x81"); /* e and a combining acute */
    assert_true(text_field_key(field, KEY_CODE_BACKSPACE));
    assert_string_equal(text_field_get(field), "x");
    text_field_free(field);
}

static void text_field_has_a_bound_and_an_alphabet(void **state)
{
    struct text_field *field = text_field_new(4);

    (void)state;
    type(text_takes, field, "aüüü");
    assert_string_equal(text_field_get(field), "aü"); /* no half character */
    text_field_set(field, "");
    text_field_allow(field, "0123456789");
    type(text_takes, field, "3x6");
    assert_string_equal(text_field_get(field), "36");
    assert_false(text_field_paste(field, "5 days", 6));
    assert_string_equal(text_field_get(field), "365");
    text_field_free(field);
}

static void text_field_takes_one_line_of_a_paste(void **state)
{
    struct text_field *field = text_field_new(64);

    (void)state;
    assert_true(text_field_paste(field, "  alice\r\n", 9));
    assert_string_equal(text_field_get(field), "alice");
    text_field_set(field, "");
    assert_false(text_field_paste(field, "one\ntwo\n", 8));
    assert_string_equal(text_field_get(field), "one");
    text_field_set(field, "");
    (void)text_field_paste(field, "a\x1b[31mb", 7);
    assert_null(strchr(text_field_get(field), 0x1b));
    text_field_free(field);
}

static void text_field_scrolls_with_the_cursor(void **state)
{
    struct text_field *field = text_field_new(64);
    struct canvas *canvas = canvas_new(1, 20, &ascii);

    (void)state;
    text_field_set(field, "abcdefghij");
    text_field_draw(field, canvas, 0, 1, 8, true);
    assert_picture(canvas, " <fghij ]\n");
    assert_cursor(canvas, 0, 7);
    assert_true(text_field_key(field, KEY_CODE_HOME));
    canvas_erase(canvas);
    text_field_draw(field, canvas, 0, 1, 8, true);
    assert_picture(canvas, " [abcdef>\n");
    assert_cursor(canvas, 0, 2);
    canvas_erase(canvas);
    text_field_draw(field, canvas, 0, 1, 8, false);
    assert_picture(canvas, " [abc...]\n");
    canvas_free(canvas);
    text_field_free(field);
}

/* ---- secret field ---- */

static void secret_field_shows_stars(void **state)
{
    struct secret_field *field = secret_field_new(16);
    struct canvas *canvas = canvas_new(1, 24, &unicode);

    (void)state;
    type(secret_takes, field, "säcret");
    secret_field_draw(field, canvas, 0, 0, 12, true);
    assert_picture(canvas, "[******    ]\n");
    assert_cursor(canvas, 0, 7);
    assert_true(secret_field_key(field, KEY_CODE_F6));
    canvas_erase(canvas);
    secret_field_draw(field, canvas, 0, 0, 12, true);
    assert_picture(canvas, "[säcret    ]\n");
    secret_field_hide(field);
    assert_false(secret_field_shown(field));
    assert_true(secret_field_key(field, KEY_CODE_BACKSPACE));
    assert_string_equal(secret_data(secret_field_get(field)), "säcre");
    type(secret_takes, field, "0123456789abcdef"); /* more than fits */
    assert_true(secret_len(secret_field_get(field)) <= 16);
    canvas_erase(canvas);
    secret_field_draw(field, canvas, 0, 0, 12, true);
    assert_picture(canvas, "[********* ]\n");
    assert_true(secret_field_key(field, KEY_CODE_CTRL('u')));
    assert_int_equal(secret_len(secret_field_get(field)), 0);
    assert_false(secret_field_paste(field, "a\x01", 2));
    assert_int_equal(secret_len(secret_field_get(field)), 0);
    assert_true(secret_field_paste(field, "two words\r", 10));
    assert_string_equal(secret_data(secret_field_get(field)), "two words");
    canvas_free(canvas);
    secret_field_free(field);
}

/* ---- paste box ---- */

static void text_area_takes_a_paste_whole(void **state)
{
    struct text_area *area = text_area_new();
    struct canvas *canvas = canvas_new(6, 76, &ascii);
    const char *text = "-----BEGIN CERTIFICATE-----\r\nAAAA\r\nBBBB\r\nCCCC\r\nDDDD\r\n"
                       "-----END CERTIFICATE-----\r\n";
    size_t len;

    (void)state;
    assert_true(text_area_paste(area, text, strlen(text), true));
    assert_int_equal(text_area_lines(area), 6);
    assert_int_equal(text_area_characters(area), strlen(text));
    assert_string_equal(text_area_bytes(area, &len), text);
    assert_int_equal(len, strlen(text));
    text_area_set_note(area, "1 certificate");
    text_area_draw(area, canvas, 0, 0, 6, 76, true);
    assert_picture(
        canvas, "+- Paste here: Ctrl-Shift-V, Shift-Insert or the right mouse button -------+\n"
                "| -----BEGIN CERTIFICATE-----                                              |\n"
                "| AAAA                                                                     |\n"
                "| ... 3 more lines ...                                                     |\n"
                "| -----END CERTIFICATE-----                                                |\n"
                "+- 80 characters, 1 certificate -------------------------------------------+\n");
    assert_cursor(canvas, 1, 2);

    assert_true(text_area_paste(area, "x", 1, false));
    assert_false(text_area_whole(area));
    assert_true(text_area_key(area, KEY_CODE_CTRL('u')));
    assert_int_equal(text_area_characters(area), 0);
    assert_true(text_area_whole(area));
    assert_false(text_area_key(area, 'x'));
    canvas_free(canvas);
    text_area_free(area);
}

static void text_area_counts_lines_of_every_kind(void **state)
{
    static const char *const texts[] = {"a\nb\n", "a\r\nb\r\n", "a\rb\r", "a\r\rb\r\r", "a\nb"};
    struct text_area *area = text_area_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        text_area_clear(area);
        assert_true(text_area_paste(area, texts[i], strlen(texts[i]), true));
        assert_int_equal(text_area_lines(area), 2);
    }
    text_area_free(area);
}

static void text_area_has_a_bound(void **state)
{
    struct text_area *area = text_area_new();
    char *big = calloc(1, TEXT_AREA_MAX + 1);
    size_t len;

    (void)state;
    assert_non_null(big);
    memset(big, 'A', TEXT_AREA_MAX + 1);
    assert_false(text_area_paste(area, big, TEXT_AREA_MAX + 1, true));
    assert_int_equal(text_area_characters(area), 0);
    assert_true(text_area_paste(area, big, TEXT_AREA_MAX, true));
    assert_false(text_area_paste(area, "more", 4, true));
    (void)text_area_bytes(area, &len);
    assert_int_equal(len, TEXT_AREA_MAX);
    free(big);
    text_area_free(area);
}

/* ---- choice, check, buttons ---- */

static const struct choice_item keys[] = {
    {"EC P-256", "fast and small; the usual choice"},
    {"RSA 3072", "for very old clients"},
    {"RSA 4096", "slower logins"},
};

static void choice_moves_and_leaves_at_its_ends(void **state)
{
    struct choice *choice = choice_new(keys, ARRAY_LEN(keys), 0);
    struct canvas *canvas = canvas_new(3, 60, &ascii);

    (void)state;
    assert_false(choice_key(choice, KEY_CODE_UP));
    assert_true(choice_key(choice, KEY_CODE_DOWN));
    assert_int_equal(choice_get(choice), 1);
    choice_draw(choice, canvas, 0, 0, true);
    assert_picture(canvas, "( ) EC P-256   fast and small; the usual choice\n"
                           "(*) RSA 3072   for very old clients\n"
                           "( ) RSA 4096   slower logins\n");
    assert_cursor(canvas, 1, 1);
    choice_turn_off(choice, 1, "not here");
    assert_int_equal(choice_get(choice), 0);
    assert_true(choice_key(choice, KEY_CODE_DOWN)); /* steps over what is off */
    assert_int_equal(choice_get(choice), 2);
    assert_false(choice_key(choice, KEY_CODE_DOWN));
    choice_set(choice, 1);
    assert_int_equal(choice_get(choice), 2);
    canvas_free(canvas);
    choice_free(choice);
}

static void check_ticks_by_space_only(void **state)
{
    bool on = false;

    (void)state;
    assert_false(check_key(&on, KEY_CODE_ENTER));
    assert_false(on);
    assert_true(check_key(&on, ' '));
    assert_true(on);
}

static void buttons_say_why_they_are_off(void **state)
{
    struct button_row row;
    struct canvas *canvas = canvas_new(2, 60, &ascii);

    (void)state;
    button_row_init(&row);
    button_row_add(&row, "Next");
    button_row_add(&row, "Back");
    button_row_turn_off(&row, 0, "Next is off: 1 wrong");
    assert_int_equal(button_row_key(&row, KEY_CODE_ENTER), BUTTON_IS_OFF);
    button_row_draw(&row, canvas, 0, 0, true);
    assert_picture(canvas, "> < Next >    < Back >     Next is off: 1 wrong\n\n");
    assert_cursor(canvas, 0, 0);
    assert_int_equal(button_row_key(&row, KEY_CODE_RIGHT), BUTTON_MOVED);
    assert_int_equal(button_row_key(&row, KEY_CODE_ENTER), BUTTON_PRESSED);
    assert_int_equal(row.focus, 1);
    assert_int_equal(button_row_key(&row, 'x'), BUTTON_IGNORED);
    canvas_free(canvas);
}

/* ---- menu ---- */

static const struct menu_item items[] = {
    {'1', "Create a CA", 10}, {'2', "Create a client certificate", 20}, {'0', "Quit", 30}};

static void menu_takes_digits(void **state)
{
    struct menu *menu = menu_new(items, ARRAY_LEN(items));
    struct canvas *canvas = canvas_new(3, 50, &ascii);

    (void)state;
    menu_turn_off(menu, 20, "make a CA first");
    assert_int_equal(menu_key(menu, KEY_CODE_DOWN), MENU_MOVED);
    assert_int_equal(menu_key(menu, KEY_CODE_ENTER), MENU_IS_OFF);
    assert_int_equal(menu_key(menu, '2'), MENU_IS_OFF);
    menu_draw(menu, canvas, 0, 1, 3, 49, true);
    assert_picture(canvas, "   1  Create a CA\n"
                           " > 2  Create a client certificate make a CA first\n"
                           "   0  Quit\n");
    assert_cursor(canvas, 1, 1);
    menu_turn_off(menu, 20, NULL);
    assert_int_equal(menu_key(menu, '2'), MENU_CHOSEN);
    assert_int_equal(menu_id(menu), 20);
    assert_int_equal(menu_key(menu, 'G'), MENU_MOVED);
    assert_int_equal(menu_id(menu), 30);
    assert_int_equal(menu_key(menu, '7'), MENU_IGNORED);
    canvas_free(canvas);
    menu_free(menu);
}

/* ---- table ---- */

struct people {
    size_t n;
    const char *names[64];
    uint64_t keys[64];
};

static size_t people_count(const void *arg)
{
    return ((const struct people *)arg)->n;
}

static void people_cell(const void *arg, size_t row, size_t column, struct strbuf *out)
{
    const struct people *people = arg;

    if (column == 0)
        strbuf_printf(out, "%llu", (unsigned long long)people->keys[row]);
    else if (column == 1)
        strbuf_add_str(out, people->names[row]);
    else
        strbuf_add_str(out, "10.0.0.17");
}

static uint64_t people_key(const void *arg, size_t row)
{
    return ((const struct people *)arg)->keys[row];
}

static const struct table_rows people_rows = {people_count, people_cell, people_key, NULL};
static const struct table_column people_columns[] = {
    {.title = "PID", .width = 5, .keep = 2, .right = true},
    {.title = "ROLE", .width = 8, .keep = 3, .grow = true},
    {.title = "FROM", .width = 10, .keep = 1},
};

static void table_narrows_and_gives_way(void **state)
{
    struct people people = {3, {"alice", "bob", "carolina-of-the-north"}, {7, 42, 9}};
    struct table *table =
        table_new(people_columns, ARRAY_LEN(people_columns), &people_rows, &people);
    struct canvas *canvas = canvas_new(5, 32, &ascii);

    (void)state;
    assert_int_equal(table_key(table, 'j'), TABLE_USED);
    table_draw(table, canvas, 0, 5, true);
    assert_picture(canvas, "     PID  ROLE        FROM\n"
                           "       7  alice       10.0.0.17\n"
                           " >    42  bob         10.0.0.17\n"
                           "       9  carolin...  10.0.0.17\n\n");
    assert_cursor(canvas, 2, 1);
    canvas_free(canvas);

    canvas = canvas_new(2, 32, &ascii); /* what the order goes by stands in the title */
    table_set_sorted(table, 0, false);
    table_draw(table, canvas, 0, 2, true);
    assert_picture(canvas, "    ^PID  ROLE        FROM\n >    42  bob         10.0.0.17\n");
    canvas_free(canvas);
    canvas = canvas_new(2, 32, &ascii);
    table_set_sorted(table, 1, true);
    table_draw(table, canvas, 0, 2, true);
    assert_picture(canvas, "     PID  ROLEv       FROM\n >    42  bob         10.0.0.17\n");
    table_set_sorted(table, SIZE_MAX, false);
    canvas_free(canvas);

    canvas = canvas_new(5, 20, &ascii); /* FROM goes first */
    table_draw(table, canvas, 0, 5, true);
    assert_picture(canvas, "     PID ROLE\n"
                           "       7 alice\n"
                           " >    42 bob\n"
                           "       9 carolina...\n\n");
    canvas_free(canvas);
    canvas = canvas_new(5, 3, &ascii); /* no room for anything: no crash */
    table_draw(table, canvas, 0, 5, true);
    canvas_free(canvas);
    table_free(table);
}

static void table_cursor_follows_the_key(void **state)
{
    struct people people = {3, {"alice", "bob", "carol"}, {7, 42, 9}};
    struct table *table =
        table_new(people_columns, ARRAY_LEN(people_columns), &people_rows, &people);

    (void)state;
    assert_true(table_select(table, 42));
    people = (struct people){4, {"dave", "carol", "alice", "bob"}, {1, 9, 7, 42}};
    table_refresh(table);
    assert_int_equal(table_row(table), 3);
    people.n = 3; /* bob has gone: the place is kept */
    table_refresh(table);
    assert_int_equal(table_row(table), 2);
    people.n = 0;
    table_refresh(table);
    assert_false(table_has_row(table));
    assert_int_equal(table_key(table, KEY_CODE_ENTER), TABLE_IGNORED);
    assert_int_equal(table_key(table, KEY_CODE_END), TABLE_USED);
    people.n = 2;
    table_refresh(table);
    assert_int_equal(table_row(table), 0);
    table_free(table);
}

static void table_filters(void **state)
{
    struct people people = {3, {"alice", "bob", "carol"}, {7, 42, 9}};
    struct table *table =
        table_new(people_columns, ARRAY_LEN(people_columns), &people_rows, &people);
    struct canvas *canvas = canvas_new(5, 60, &ascii);

    (void)state;
    assert_int_equal(table_key(table, KEY_CODE_ESC), TABLE_IGNORED);
    assert_int_equal(table_key(table, '/'), TABLE_USED);
    assert_true(table_takes_text(table));
    assert_int_equal(table_key(table, 'O'), TABLE_USED); /* capital letters do not count */
    assert_int_equal(table_seen(table), 2);
    assert_int_equal(table_key(table, KEY_CODE_DOWN), TABLE_USED);
    assert_int_equal(table_row(table), 2);
    table_draw(table, canvas, 0, 5, true);
    assert_picture(canvas, "     PID  ROLE                                    FROM\n"
                           "      42  bob                                     10.0.0.17\n"
                           " >     9  carol                                   10.0.0.17\n"
                           "\n"
                           " / [O                           ]  2 of 3\n");
    assert_cursor(canvas, 4, 5);
    assert_int_equal(table_key(table, KEY_CODE_ENTER), TABLE_USED);
    assert_false(table_takes_text(table));
    assert_int_equal(table_key(table, 'N'), TABLE_USED);
    assert_int_equal(table_row(table), 1);
    assert_int_equal(table_key(table, KEY_CODE_ENTER), TABLE_CHOSEN);
    assert_int_equal(table_key(table, KEY_CODE_ESC), TABLE_USED);
    assert_string_equal(table_filter(table), "");
    assert_int_equal(table_seen(table), 3);
    assert_int_equal(table_row(table), 1); /* still bob */
    canvas_free(canvas);
    table_free(table);
}

static void table_pages(void **state)
{
    struct people people = {.n = 64};
    struct table *table;
    struct canvas *canvas = canvas_new(6, 32, &ascii);

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        people.names[i] = "x";
        people.keys[i] = i;
    }
    table = table_new(people_columns, ARRAY_LEN(people_columns), &people_rows, &people);
    table_draw(table, canvas, 0, 6, true); /* 4 rows and the line with "more" */
    assert_int_equal(table_key(table, KEY_CODE_PAGE_DOWN), TABLE_USED);
    assert_int_equal(table_row(table), 3);
    assert_int_equal(table_key(table, KEY_CODE_PAGE_DOWN), TABLE_USED);
    assert_int_equal(table_row(table), 6);
    canvas_erase(canvas);
    table_draw(table, canvas, 0, 6, true);
    assert_picture(canvas, "     PID  ROLE        FROM\n"
                           "       3  x           10.0.0.17\n"
                           "       4  x           10.0.0.17\n"
                           "       5  x           10.0.0.17\n"
                           " >     6  x           10.0.0.17\n"
                           "   ... 57 more, PgDn\n");
    assert_int_equal(table_key(table, 'G'), TABLE_USED);
    assert_int_equal(table_row(table), 63);
    assert_int_equal(table_key(table, KEY_CODE_PAGE_DOWN), TABLE_USED);
    assert_int_equal(table_row(table), 63);
    canvas_erase(canvas);
    table_draw(table, canvas, 0, 6, true);
    assert_cursor(canvas, 4, 1);
    assert_int_equal(table_key(table, KEY_CODE_CTRL('u')), TABLE_USED);
    assert_int_equal(table_row(table), 61);
    canvas_free(canvas);
    table_free(table);
}

/* ---- dialog ---- */

static enum dialog_answer press(struct dialog *dialog, uint32_t key)
{
    struct event event = {.type = EVENT_KEY, .key = key};

    return dialog_event(dialog, &event);
}

static void dialog_defaults_to_no(void **state)
{
    const struct dialog_spec spec = {.title = "Apply this plan?",
                                     .text = "Server   db1:5432\nSteps    5, then a check.",
                                     .yes = "Yes, apply"};
    struct dialog *dialog = dialog_new(&spec);
    struct canvas *canvas = canvas_new(8, 56, &ascii);

    (void)state;
    dialog_draw(dialog, canvas);
    assert_picture(canvas, "\n"
                           "  +- Apply this plan? -------------------------------+\n"
                           "  | Server   db1:5432                                |\n"
                           "  | Steps    5, then a check.                        |\n"
                           "  |                                                  |\n"
                           "  |      > < No, go back >      < Yes, apply >       |\n"
                           "  +--------------------------------------------------+\n"
                           "\n");
    assert_int_equal(press(dialog, KEY_CODE_ENTER), DIALOG_NO);
    assert_int_equal(press(dialog, KEY_CODE_ESC), DIALOG_NO);
    assert_int_equal(press(dialog, 'n'), DIALOG_NO);
    assert_int_equal(press(dialog, 'y'), DIALOG_YES);
    assert_int_equal(press(dialog, 'x'), DIALOG_OPEN);
    assert_int_equal(press(dialog, KEY_CODE_RIGHT), DIALOG_OPEN);
    assert_int_equal(press(dialog, KEY_CODE_ENTER), DIALOG_YES);
    assert_int_equal(press(dialog, KEY_CODE_TAB), DIALOG_OPEN);
    assert_int_equal(press(dialog, KEY_CODE_ENTER), DIALOG_NO);
    canvas_free(canvas);
    dialog_free(dialog);
}

static void severe_dialog_wants_the_name(void **state)
{
    const struct dialog_spec spec = {.title = "This cannot be undone",
                                     .text = "You are about to revoke bob.",
                                     .no = "Cancel",
                                     .yes = "Revoke",
                                     .name = "bob"};
    struct dialog *dialog = dialog_new(&spec);
    struct frame frame = {.why = ""};

    (void)state;
    assert_int_equal(press(dialog, 'y'), DIALOG_OPEN); /* a letter of a name, not an answer */
    assert_int_equal(press(dialog, KEY_CODE_CTRL('u')), DIALOG_OPEN);
    assert_int_equal(press(dialog, 'b'), DIALOG_OPEN);
    assert_int_equal(press(dialog, 'o'), DIALOG_OPEN);
    assert_int_equal(press(dialog, KEY_CODE_TAB), DIALOG_OPEN);
    assert_int_equal(press(dialog, KEY_CODE_TAB), DIALOG_OPEN);
    assert_int_equal(press(dialog, KEY_CODE_ENTER), DIALOG_OPEN); /* off */
    dialog_frame(dialog, &frame);
    assert_true(frame.text_focus);
    assert_int_equal(frame.message_mark, MARK_WARN);
    assert_int_equal(press(dialog, 'b'), DIALOG_OPEN);
    assert_int_equal(press(dialog, KEY_CODE_BACK_TAB), DIALOG_OPEN);
    assert_int_equal(press(dialog, 'y'), DIALOG_OPEN); /* severe: no single key, ever */
    assert_int_equal(press(dialog, KEY_CODE_ENTER), DIALOG_YES);
    assert_int_equal(press(dialog, KEY_CODE_TAB), DIALOG_OPEN);
    assert_int_equal(press(dialog, KEY_CODE_ENTER), DIALOG_NO); /* Enter in the field */
    dialog_free(dialog);
}

static int lines_of(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void dialog_fits_any_window(void **state)
{
    const struct dialog_spec spec = {
        .title = "A question", .text = "a\nb\nc\nd\ne\nf", .name = "x"};
    struct strbuf text = STRBUF_INIT;

    (void)state;
    for (int rows = 0; rows < 14; rows++) {
        for (int columns = 0; columns < 60; columns += 7) {
            struct dialog *dialog = dialog_new(&spec);
            struct canvas *canvas = canvas_new(rows, columns, &ascii);

            dialog_draw(dialog, canvas);
            strbuf_reset(&text);
            canvas_to_text(canvas, &text);
            assert_int_equal(lines_of(text.data ? text.data : ""), rows);
            if (rows == 13 && columns >= 28) { /* all of it */
                assert_non_null(strstr(text.data, spec.title));
                assert_non_null(strstr(text.data, " f"));
            }
            strbuf_clear(&text);
            canvas_free(canvas);
            dialog_free(dialog);
        }
    }
}

/* ---- progress ---- */

static void progress_counts(void **state)
{
    struct progress *progress = progress_new();
    struct canvas *canvas = canvas_new(9, 70, &ascii);

    (void)state;
    progress_add(progress, "make the key");
    progress_add(progress, "sign it");
    progress_add(progress, "write the files");
    progress_set(progress, 0, MARK_OK, "0.2 s");
    progress_set(progress, 1, MARK_BUSY, NULL);
    progress_log(progress, "20:15:31  a line\nwith a break");
    progress_draw(progress, canvas, 0, 9);
    assert_picture(canvas, "  [ok] 1  make the key                               0.2 s\n"
                           "  [..] 2  sign it\n"
                           "  [  ] 3  write the files\n"
                           "\n"
                           "  1 of 3 done   [#############                           ]  33 %\n"
                           "\n"
                           "  20:15:31  a line with a break\n"
                           "\n\n");
    assert_cursor(canvas, 1, 2);
    canvas_free(canvas);
    progress_free(progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_field_edits),
        cmocka_unit_test(text_field_keeps_combining_marks_together),
        cmocka_unit_test(text_field_has_a_bound_and_an_alphabet),
        cmocka_unit_test(text_field_takes_one_line_of_a_paste),
        cmocka_unit_test(text_field_scrolls_with_the_cursor),
        cmocka_unit_test(secret_field_shows_stars),
        cmocka_unit_test(text_area_takes_a_paste_whole),
        cmocka_unit_test(text_area_counts_lines_of_every_kind),
        cmocka_unit_test(text_area_has_a_bound),
        cmocka_unit_test(choice_moves_and_leaves_at_its_ends),
        cmocka_unit_test(check_ticks_by_space_only),
        cmocka_unit_test(buttons_say_why_they_are_off),
        cmocka_unit_test(menu_takes_digits),
        cmocka_unit_test(table_narrows_and_gives_way),
        cmocka_unit_test(table_cursor_follows_the_key),
        cmocka_unit_test(table_filters),
        cmocka_unit_test(table_pages),
        cmocka_unit_test(dialog_defaults_to_no),
        cmocka_unit_test(severe_dialog_wants_the_name),
        cmocka_unit_test(dialog_fits_any_window),
        cmocka_unit_test(progress_counts),
    };

    return cmocka_run_group_tests_name("widgets", tests, NULL, NULL);
}
