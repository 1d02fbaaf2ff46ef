/* The frame at every size, and the overlays, as pictures. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/strbuf.h"
#include "tests/harness/ui.h"
#include "tui/nav.h"
#include "tui/overlay.h"
#include "tui/utf8.h"

static struct nav on_event(void *arg, const struct event *event)
{
    (void)arg;
    (void)event;
    return nav_stay();
}

static void draw(const void *arg, struct canvas *body)
{
    int rows = canvas_rows(body), columns = canvas_columns(body);

    (void)arg;
    canvas_text(body, 0, 2, STYLE_LABEL, "Name of the CA");
    canvas_text(body, 0, 19, STYLE_FOCUS, "[Acme PG Root CA        ]");
    canvas_mark(body, 0, 71, MARK_OK);
    canvas_printf(body, 1, 2, STYLE_NORMAL, "the body is %d x %d", columns, rows);
    for (int row = 2; row < rows; row++)
        canvas_right(body, row, columns, STYLE_NORMAL, "right edge");
    canvas_glyph(body, rows - 1, 0, STYLE_NORMAL, GLYPH_POINTER);
    canvas_text(body, rows - 1, 2, STYLE_NORMAL, "last row");
    canvas_cursor(body, 0, 35);
}

static void frame(const void *arg, struct frame *ret)
{
    static const struct binding bindings[] = {
        {"F1", "Help", "what this field means", 90},
        {"F2", "Commands", "the same by hand", 60},
        {"F3", "Words", "words explained", 50},
        {"Ctrl-U", "Clear", "empty the field", 0},
        {"Tab", "Next", "the next field", 70},
        {"S-Tab", "Previous", "the field before", 40},
        {"Esc", "Back", "one step back", 80},
        {"F10", "Quit", "leave pgseal", 75},
        {"Ctrl-Shift-F11", "a hint that is too long to fit beside all the others", NULL, 10},
        {0},
    };

    (void)arg;
    snprintf(ret->title, sizeof(ret->title), "Create a CA");
    snprintf(ret->right, sizeof(ret->right), "store: ~/.local/share/pgseal");
    snprintf(ret->path, sizeof(ret->path),
             "Home > Create a CA  [>>] 1 Details  [  ] 2 Passphrase  [  ] 3 Review");
    snprintf(ret->path_right, sizeof(ret->path_right), "1 of 3");
    snprintf(ret->why_title, sizeof(ret->why_title), "Valid for");
    ret->why = "When a CA ends, every certificate it signed ends too. 10 years is usual for an "
               "internal CA. Client certificates should be much shorter: 90 to 365 days. "
               "1 to 30 years. Default: 10.";
    ret->message_mark = MARK_OK;
    snprintf(ret->message, sizeof(ret->message), "All fields are good. Enter goes on.");
    ret->bindings = bindings;
    ret->help = "How long the CA is good. Usual answer: 10 years.\nExample: 10";
}

static void commands(const void *arg, struct strbuf *out)
{
    (void)arg;
    strbuf_add_str(out, "# 1. private key (P-256) with a passphrase, readable only by you\n"
                        "umask 077\n"
                        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \\\n"
                        "    -aes256 -out ca.key\n"
                        "\n"
                        "# 2. the certificate, signed by itself\n"
                        "openssl req -x509 -new -key ca.key -days 3650 \\\n"
                        "    -subj \"/CN=Acme PG Root CA\" -out ca.crt\n");
}

static const struct screen_ops ops = {
    .name = "frame",
    .event = on_event,
    .draw = draw,
    .frame = frame,
    .commands = commands,
};

static void sizes(void **state)
{
    static const struct {
        int rows, columns;
        const struct theme *theme;
        const char *name;
    } table[] = {
        {24, 80, &ui_ascii, "frame-80x24"},   {40, 120, &ui_colour, "frame-120x40"},
        {24, 100, &ui_ascii, "frame-100x24"}, {20, 80, &ui_ascii, "frame-80x20"},
        {23, 79, &ui_ascii, "frame-79x23"},   {12, 40, &ui_ascii, "frame-40x12"},
        {1, 5, &ui_ascii, "frame-5x1"},
    };
    struct screen screen = {.ops = &ops};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        ui_check_screen(&screen, table[i].rows, table[i].columns, table[i].theme, table[i].name);
}

static void every_size_is_drawn(void **state)
{
    struct screen screen = {.ops = &ops};

    (void)state;
    for (int rows = 0; rows < 30; rows++) {
        for (int columns = 0; columns < 130; columns += 3) {
            struct canvas *canvas = canvas_new(rows, columns, &ui_ascii);
            int row = -1, column = -1;

            screen_draw(&screen, canvas, rows % 2);
            if (canvas_cursor_at(canvas, &row, &column)) {
                assert_in_range(row, 0, rows - 1);
                assert_in_range(column, 0, columns - 1);
            } else {
                assert_true(rows == 0 || columns == 0);
            }
            canvas_free(canvas);
        }
    }
}

static struct navigator *begin(const struct theme *theme)
{
    struct navigator_options options = {.theme = *theme};
    struct navigator *navigator = navigator_new(&options);

    navigator_push(navigator, screen_new(&ops, NULL));
    return navigator;
}

static void overlays(void **state)
{
    struct navigator *navigator = begin(&ui_ascii);

    (void)state;
    ui_key(navigator, KEY_CODE_F1);
    ui_check_navigator(navigator, 24, 80, "overlay-help-80x24");
    ui_key(navigator, KEY_CODE_ESC);
    ui_key(navigator, KEY_CODE_F2);
    ui_check_navigator(navigator, 24, 80, "overlay-commands-80x24");
    navigator_free(navigator);

    navigator = begin(&ui_colour);
    ui_key(navigator, KEY_CODE_F1);
    ui_check_navigator(navigator, 40, 120, "overlay-help-120x40");
    navigator_free(navigator);
}

static void help_in_two_columns(void **state)
{
    static const struct binding bindings[] = {
        {"Enter", "Choose", "open the marked line", 80},
        {0},
    };
    struct frame page = {.bindings = bindings, .help = "One sentence."};
    struct strbuf text = STRBUF_INIT;

    (void)state;
    overlay_help_text(&page, &text);
    assert_non_null(strstr(text.data, "  Enter    open the marked line     Tab S-Tab "));
    for (const char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
        assert_in_range(utf8_columns(line), 0, 72);
    strbuf_clear(&text);
}

static void folded(void **state)
{
    struct navigator *navigator = begin(&ui_ascii);

    (void)state;
    ui_key(navigator, KEY_CODE_F8);
    ui_paste(navigator, "-----BEGIN CERTIFICATE-----");
    ui_check_navigator(navigator, 24, 80, "frame-brief-80x24");
    navigator_free(navigator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),    cmocka_unit_test(every_size_is_drawn),
        cmocka_unit_test(overlays), cmocka_unit_test(help_in_two_columns),
        cmocka_unit_test(folded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
