/* Columns, clipping and dirt: what a canvas makes of text. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/attr.h"
#include "core/base/strbuf.h"
#include "tui/canvas.h"
#include "tui/utf8.h"

static const struct theme unicode = {.unicode = true};
static const struct theme ascii = {.unicode = false};

static void check_text(const struct canvas *canvas, const char *expected)
{
    struct strbuf text = STRBUF_INIT;

    canvas_to_text(canvas, &text);
    assert_string_equal(text.data, expected);
    strbuf_clear(&text);
}

static void widths(void **state)
{
    static const struct {
        const char *text;
        int columns;
    } table[] = {
        {"", 0},
        {"alice", 5},
        {"M\303\274ller", 6},
        {"\345\257\206\347\240\201", 4}, /* CJK */
        {"e\314\201", 1},                /* combining acute */
        {"\360\237\230\200", 2},         /* emoji */
        {"\342\232\240", 1},             /* U+26A0: ambiguous, taken as one */
        {"\342\232\240\357\270\217", 1}, /* with a variation selector */
        {"a\342\200\215b", 2},           /* zero width joiner */
        {"a\342\200\213b", 3},           /* zero width space: shown, it could hide */
        {"a\342\200\256b", 3},           /* right-to-left override */
        {"\033[31m", 5},                 /* Esc is one replacement character */
        {"\377\376", 2},                 /* broken UTF-8 */
        {"a\tb\nc", 5},                  /* blanks */
        {"\341\204\200\341\205\240", 2}, /* Hangul: a lead takes two, a vowel none */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_int_equal(utf8_columns(table[i].text), table[i].columns);
    assert_int_equal(utf8_width('a'), 1);
    assert_int_equal(utf8_fit("\345\257\206\347\240\201", 3, NULL), 3);
    assert_int_equal(utf8_fit("e\314\201x", 1, NULL), 3); /* the mark stays with its letter */
}

static void characters(void **state)
{
    const char *text = "ae\314\201\345\257\206";

    (void)state;
    assert_int_equal(utf8_next(text, 0), 1);
    assert_int_equal(utf8_next(text, 1), 4);
    assert_int_equal(utf8_next(text, 4), 7);
    assert_int_equal(utf8_next(text, 7), 7);
    assert_int_equal(utf8_prev(text, 7), 4);
    assert_int_equal(utf8_prev(text, 4), 1);
    assert_int_equal(utf8_prev(text, 1), 0);
    assert_int_equal(utf8_prev(text, 0), 0);
}

static void clips(void **state)
{
    struct canvas *canvas = canvas_new(3, 6, &unicode);

    (void)state;
    assert_int_equal(canvas_text(canvas, 0, 3, STYLE_NORMAL, "abcdef"), 9);
    canvas_text(canvas, 1, -2, STYLE_NORMAL, "abcd");
    canvas_text(canvas, 2, 3, STYLE_NORMAL, "\345\257\206\347\240\201"); /* the second: half out */
    canvas_text(canvas, 3, 0, STYLE_NORMAL, "below");
    canvas_text(canvas, -1, 0, STYLE_NORMAL, "above");
    check_text(canvas, "   ab\342\200\246\ncd\n   \345\257\206\342\200\246\n");
    canvas_text(canvas, 2, 4, STYLE_NORMAL, "x"); /* over the right half */
    check_text(canvas, "   ab\342\200\246\ncd\n    x\342\200\246\n");
    canvas_free(canvas);
}

static void overwrites_halves(void **state)
{
    struct canvas *canvas = canvas_new(1, 6, &unicode);
    struct canvas *part = canvas_part(canvas, 0, 1, 1, 2);

    (void)state;
    canvas_text(canvas, 0, 0, STYLE_NORMAL, "\345\257\206\347\240\201\345\257\206");
    canvas_text(part, 0, 0, STYLE_NORMAL, "ab"); /* cuts the first and the second in half */
    check_text(canvas, " ab \345\257\206\n");
    assert_int_equal(canvas_rows(part), 1);
    assert_int_equal(canvas_columns(part), 2);
    canvas_text(part, 0, 1, STYLE_NORMAL, "\345\257\206"); /* no room: a blank */
    check_text(canvas, " a  \345\257\206\n");
    canvas_free(part);
    canvas_free(canvas);
}

static void cleans(void **state)
{
    struct canvas *canvas = canvas_new(1, 40, &unicode);

    (void)state;
    canvas_text(canvas, 0, 0, STYLE_NORMAL, "\033[2J\302\233\177\342\200\256\377e\314\201.");
    check_text(canvas,
               "\357\277\275[2J\357\277\275\357\277\275\357\277\275\357\277\275e\314\201.\n");
    canvas_erase(canvas);
    canvas_text(canvas, 0, 0, STYLE_NORMAL, "\314\201x"); /* a mark with nothing before it */
    check_text(canvas, "\357\277\275x\n");
    canvas_erase(canvas);
    /* more marks than a cell has room for */
    canvas_text(canvas, 0, 0, STYLE_NORMAL,
                "a\314\201\314\201\314\201\314\201\314\201\314\201\314\201b");
    assert_string_equal(canvas_cell(canvas, 0, 0)->text, "a\314\201\314\201\314\201\314\201");
    assert_string_equal(canvas_cell(canvas, 0, 1)->text, "b");
    canvas_free(canvas);
}

static void plain_is_ascii(void **state)
{
    struct canvas *canvas = canvas_new(4, 12, &ascii);

    (void)state;
    canvas_text(canvas, 0, 0, STYLE_NORMAL, "gr\303\274n \345\257\206 e\314\201|");
    canvas_field(canvas, 1, 0, 8, STYLE_NORMAL, "abcdefghij");
    canvas_rule(canvas, 2, "Why");
    canvas_glyph(canvas, 3, 0, STYLE_NORMAL, GLYPH_POINTER);
    check_text(canvas, "gr?n ?? e|\nabcde...\n-- Why -----\n>\n");
    canvas_free(canvas);
}

static void fields(void **state)
{
    struct canvas *canvas = canvas_new(1, 12, &unicode);

    (void)state;
    canvas_fill(canvas, 0, 0, 12, STYLE_NORMAL, '#');
    assert_int_equal(canvas_field(canvas, 0, 1, 5, STYLE_NORMAL, "ab"), 6);
    check_text(canvas, "#ab   ######\n");
    canvas_field(canvas, 0, 1, 5, STYLE_NORMAL, "abcdef");
    check_text(canvas, "#abcd\342\200\246######\n");
    canvas_field(canvas, 0, 1, 4, STYLE_NORMAL, "\345\257\206\347\240\201x"); /* 5 columns into 4 */
    check_text(canvas, "#\345\257\206\342\200\246 \342\200\246######\n");
    canvas_right(canvas, 0, 12, STYLE_NORMAL, "end");
    check_text(canvas, "#\345\257\206\342\200\246 \342\200\246###end\n");
    canvas_free(canvas);
}

static void boxes(void **state)
{
    struct canvas *canvas = canvas_new(3, 14, &unicode);

    (void)state;
    canvas_box(canvas, 0, 1, 3, 13, "Title", "Esc");
    check_text(canvas,
               " \342\224\214\342\224\200 Title \342\224\200\342\224\200\342\224\200\342\224\220\n"
               " \342\224\202           \342\224\202\n"
               " \342\224\224\342\224\200 Esc "
               "\342\224\200\342\224\200\342\224\200\342\224\200\342\224\200\342\224\230\n");
    canvas_free(canvas);
    canvas = canvas_new(1, 1, &ascii);
    canvas_box(canvas, 0, 0, 9, 9, "much too large", NULL); /* clipped, no crash */
    canvas_free(canvas);
}

static void wraps(void **state)
{
    struct canvas *canvas = canvas_new(4, 12, &ascii);

    (void)state;
    assert_int_equal(canvas_wrap(canvas, 0, 0, 12, 4, STYLE_NORMAL, "one two three\n  four"), 3);
    check_text(canvas, "one two\nthree\n  four\n\n");
    canvas_erase(canvas);
    assert_int_equal(canvas_wrap(canvas, 0, 0, 5, 2, STYLE_NORMAL, "abcdefghijklmnop"), 2);
    check_text(canvas, "abcde\nfg...\n\n\n");
    canvas_erase(canvas);
    assert_int_equal(canvas_wrap(canvas, 0, 0, 12, 1, STYLE_NORMAL, "one\ntwo"), 1);
    check_text(canvas, "one ...\n\n\n\n");
    assert_int_equal(canvas_wrap(canvas, 0, 0, 0, 4, STYLE_NORMAL, "ab"), 2); /* goes on, ends */
    canvas_free(canvas);
}

static void cursors(void **state)
{
    struct canvas *canvas = canvas_new(5, 10, &ascii);
    struct canvas *part = canvas_part(canvas, 2, 3, 9, 9);
    int row, column;

    (void)state;
    assert_false(canvas_cursor_at(canvas, &row, &column));
    assert_int_equal(canvas_rows(part), 3);
    assert_int_equal(canvas_columns(part), 7);
    canvas_cursor(part, 1, 99);
    assert_true(canvas_cursor_at(canvas, &row, &column));
    assert_int_equal(row, 3);
    assert_int_equal(column, 9);
    canvas_free(part);
    part = canvas_part(canvas, -3, 99, 5, 5);
    assert_int_equal(canvas_columns(part), 0);
    canvas_cursor(part, 0, 0); /* no cell to stand on: stays where it was */
    canvas_text(part, 0, 0, STYLE_NORMAL, "x");
    assert_null(canvas_cell(part, 0, 0));
    assert_true(canvas_cursor_at(canvas, &row, &column));
    assert_int_equal(row, 3);
    canvas_free(part);
    canvas_free(canvas);
    canvas = canvas_new(0, 0, &ascii);
    canvas_text(canvas, 0, 0, STYLE_NORMAL, "x");
    canvas_rule(canvas, 0, "x");
    canvas_free(canvas);
}

static void styles(void **state)
{
    struct canvas *canvas = canvas_new(1, 10, &ascii);

    (void)state;
    assert_int_equal(canvas_mark(canvas, 0, 1, MARK_WARN), 5);
    assert_int_equal(canvas_cell(canvas, 0, 1)->style, STYLE_WARN);
    assert_int_equal(canvas_cell(canvas, 0, 5)->style, STYLE_NORMAL);
    canvas_style(canvas, 0, 4, 99, STYLE_FOCUS);
    assert_int_equal(canvas_cell(canvas, 0, 4)->style, STYLE_FOCUS);
    assert_string_equal(canvas_cell(canvas, 0, 4)->text, "]");
    assert_int_equal(canvas_printf(canvas, 0, 0, STYLE_OK, "%d%%", 62), 3);
    canvas_free(canvas);
}

static void a_text_that_goes_on_says_so(void **state)
{
    struct canvas *canvas = canvas_new(1, 10, &(struct theme){.unicode = true});

    (void)state;
    assert_int_equal(canvas_text(canvas, 0, 2, STYLE_NORMAL, "verify-full"), 13);
    assert_string_equal(canvas_cell(canvas, 0, 9)->text, "\342\200\246");
    assert_string_equal(canvas_cell(canvas, 0, 8)->text, "-");
    canvas_erase(canvas);
    /* it fits, and so does one that only blanks follow */
    assert_int_equal(canvas_text(canvas, 0, 2, STYLE_NORMAL, "verifies  "), 12);
    assert_string_equal(canvas_cell(canvas, 0, 9)->text, "s");
    canvas_free(canvas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths), cmocka_unit_test(characters),
        cmocka_unit_test(clips),  cmocka_unit_test(overwrites_halves),
        cmocka_unit_test(cleans), cmocka_unit_test(plain_is_ascii),
        cmocka_unit_test(fields), cmocka_unit_test(boxes),
        cmocka_unit_test(wraps),  cmocka_unit_test(cursors),
        cmocka_unit_test(styles), cmocka_unit_test(a_text_that_goes_on_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
