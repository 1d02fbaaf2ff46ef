/* Bytes to keys and pastes, with a clock of the test's own. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/attr.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "tui/input.h"

/* What was emitted, as text: "UP" keys as numbers in <>, pastes as {bytes} or {bytes! when cut. */
struct seen {
    struct input *input;
    struct strbuf text;
};

static void note(void *arg, const struct event *event)
{
    struct seen *seen = arg;

    if (event->type == EVENT_PASTE) {
        strbuf_add_char(&seen->text, '{');
        strbuf_add(&seen->text, event->paste, event->paste_len);
        strbuf_add_str(&seen->text, event->paste_whole ? "}" : "!}");
    } else if (event->key > 0x20 && event->key < 0x7f) {
        strbuf_add_char(&seen->text, (char)event->key);
    } else {
        strbuf_printf(&seen->text, "<%x>", (unsigned)event->key);
    }
}

static void begin(struct seen *seen)
{
    strbuf_init(&seen->text);
    seen->input = input_new(note, seen);
}

static void end(struct seen *seen)
{
    input_free(seen->input);
    strbuf_clear(&seen->text);
}

static void feed(struct seen *seen, const char *bytes, int64_t now)
{
    input_feed(seen->input, bytes, strlen(bytes), now);
}

static void check(struct seen *seen, const char *expected)
{
    assert_string_equal(seen->text.data, expected);
    strbuf_reset(&seen->text);
}

static void keys(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t key;
    } table[] = {
        {"a", 'a'},
        {"\303\274", 0xfc},
        {"\360\237\230\200", 0x1f600},
        {"\r", KEY_CODE_ENTER},
        {"\n", KEY_CODE_ENTER},
        {"\t", KEY_CODE_TAB},
        {"\177", KEY_CODE_BACKSPACE},
        {"\b", KEY_CODE_BACKSPACE},
        {"\003", KEY_CODE_CTRL('c')},
        {"\023", KEY_CODE_CTRL('s')},
        {"\021", KEY_CODE_CTRL('q')},
        {"\032", KEY_CODE_CTRL('z')},
        {"\033[A", KEY_CODE_UP},
        {"\033OA", KEY_CODE_UP},
        {"\033[B", KEY_CODE_DOWN},
        {"\033[C", KEY_CODE_RIGHT},
        {"\033OD", KEY_CODE_LEFT},
        {"\033[1;5C", KEY_CODE_RIGHT}, /* with Ctrl */
        {"\033[1~", KEY_CODE_HOME},    /* PuTTY */
        {"\033[4~", KEY_CODE_END},
        {"\033[7~", KEY_CODE_HOME}, /* rxvt */
        {"\033[8~", KEY_CODE_END},
        {"\033[8^", KEY_CODE_END},  /* rxvt with Ctrl */
        {"\033[7$", KEY_CODE_HOME}, /* rxvt with Shift */
        {"\033[H", KEY_CODE_HOME},
        {"\033OF", KEY_CODE_END},
        {"\033[2~", KEY_CODE_INSERT},
        {"\033[3~", KEY_CODE_DELETE},
        {"\033[3;5~", KEY_CODE_DELETE},
        {"\033[5~", KEY_CODE_PAGE_UP},
        {"\033[6~", KEY_CODE_PAGE_DOWN},
        {"\033[Z", KEY_CODE_BACK_TAB},
        {"\033\t", KEY_CODE_BACK_TAB},
        {"\033OP", KEY_CODE_F1},
        {"\033[11~", KEY_CODE_F1}, /* PuTTY */
        {"\033[[A", KEY_CODE_F1},  /* Linux console */
        {"\033[[E", KEY_CODE_F5},
        {"\033[15~", KEY_CODE_F5},
        {"\033[17~", KEY_CODE_F6},
        {"\033[21~", KEY_CODE_F10},
        {"\033O2P", KEY_CODE_F1}, /* old xterm with Shift */
        {"\0331", KEY_CODE_F1},   /* Alt-1 */
        {"\0339", KEY_CODE_F9},
        {"\0330", KEY_CODE_F10},
        {"\033OM", KEY_CODE_ENTER}, /* keypad */
        {"\033Oq", '1'},
        {"\033Ok", '+'},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct seen seen, bytewise;
        char expected[16];

        if (table[i].key > 0x20 && table[i].key < 0x7f)
            snprintf(expected, sizeof(expected), "%c", (char)table[i].key);
        else
            snprintf(expected, sizeof(expected), "<%x>", (unsigned)table[i].key);
        begin(&seen);
        feed(&seen, table[i].bytes, 1000);
        check(&seen, expected);
        assert_int_equal(input_deadline(seen.input), -1);
        end(&seen);

        begin(&bytewise); /* a slow line: 90 ms between any two bytes */
        for (size_t at = 0; table[i].bytes[at]; at++)
            input_feed(bytewise.input, table[i].bytes + at, 1, 1000 + 90 * (int64_t)at);
        check(&bytewise, expected);
        end(&bytewise);
    }
}

static void dropped_whole(void **state)
{
    static const char *const table[] = {
        "\033[99;99z",
        "\033[<0;10;20M",
        "\033[M !!",
        "\033[?62;22c",
        "\033]11;rgb:0/0\a",
        "\033]11;rgb:0/0\033\\",
        "\033P1$r\033\\",
        "\033[I",
        "\033[25~",
        "\033[201~",
        "\033Oz",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct seen seen;

        begin(&seen);
        feed(&seen, table[i], 1000);
        feed(&seen, "k", 1001);
        check(&seen, "k");
        end(&seen);
    }
}

static void escape(void **state)
{
    struct seen seen;

    (void)state;
    begin(&seen);
    feed(&seen, "\033", 1000);
    check(&seen, "");
    assert_int_equal(input_deadline(seen.input), 1100);
    input_tick(seen.input, 1099);
    check(&seen, "");
    input_tick(seen.input, 1100);
    check(&seen, "<1b>");
    assert_int_equal(input_deadline(seen.input), -1);
    feed(&seen, "1", 1400); /* Esc, a pause, 1: two keys */
    check(&seen, "1");
    feed(&seen, "\033\033[A", 2000); /* Esc, then an arrow in one go */
    check(&seen, "<1b><110000>");
    feed(&seen, "\033q", 3000);
    check(&seen, "<1b>q");
    feed(&seen, "\033[", 4000); /* Alt-[ */
    input_tick(seen.input, 4100);
    check(&seen, "<1b>[");
    feed(&seen, "\033[20", 5000); /* cut off by a bad line: not typed */
    input_tick(seen.input, 5100);
    check(&seen, "");
    feed(&seen, "\033[\033[B", 6000); /* broken off by the next one */
    check(&seen, "<110001>");
    input_set_escape_delay(seen.input, 25);
    feed(&seen, "\033", 7000);
    assert_int_equal(input_deadline(seen.input), 7025);
    end(&seen);
}

static void broken_utf8(void **state)
{
    struct seen seen;

    (void)state;
    begin(&seen);
    feed(&seen, "\303x\377\200\340\200", 1000);
    check(&seen, "<fffd>x<fffd><fffd>");
    feed(&seen, "\200y", 1001);
    /* E0 80 80 is overlong */
    check(&seen, "<fffd>y");
    feed(&seen, "\303\033[A", 1002);
    check(&seen, "<fffd><110000>");
    end(&seen);
}

static void terminfo_keys(void **state)
{
    struct seen seen;

    (void)state;
    begin(&seen);
    input_add_key(seen.input, "\033[11^", KEY_CODE_F10); /* wins over ours */
    input_add_key(seen.input, "\b", KEY_CODE_LEFT);      /* kcub1 of old terminals: not taken */
    feed(&seen, "\033[11^\b", 1000);
    check(&seen, "<110015><110008>");
    end(&seen);
}

static void paste(void **state)
{
    static const char text[] = "-----BEGIN\r\033[A\003\t\033[201x\303";
    struct seen seen, bytewise;
    struct strbuf all = STRBUF_INIT;

    (void)state;
    strbuf_printf(&all, "a\033[200~%s\033[201~", text);
    begin(&seen);
    feed(&seen, all.data, 1000);
    strbuf_reset(&all);
    strbuf_printf(&all, "a{%s}", text);
    check(&seen, all.data);
    end(&seen);

    begin(&bytewise);
    strbuf_reset(&all);
    strbuf_printf(&all, "\033[200~%s\033[201~", text);
    for (size_t i = 0; i < all.len; i++)
        input_feed(bytewise.input, all.data + i, 1, 1000 + 90 * (int64_t)i);
    strbuf_reset(&all);
    strbuf_printf(&all, "{%s}", text);
    check(&bytewise, all.data);
    end(&bytewise);

    begin(&seen); /* nothing in it; an end marker right after an Esc that is text */
    feed(&seen, "\033[200~\033[201~", 1000);
    check(&seen, "{}");
    feed(&seen, "\033[200~a\033\033[201~", 3000);
    check(&seen, "{a\033}");
    end(&seen);
    strbuf_clear(&all);
}

static void paste_without_end(void **state)
{
    struct seen seen;

    (void)state;
    begin(&seen);
    feed(&seen, "\033[200~abc", 1000);
    feed(&seen, "def\033[20", 3000);
    assert_int_equal(input_deadline(seen.input), 6000);
    input_tick(seen.input, 5999);
    check(&seen, "");
    input_tick(seen.input, 6000);
    check(&seen, "{abcdef!}");
    feed(&seen, "k", 6001); /* keys again at once */
    check(&seen, "k");
    end(&seen);
}

static void large_paste(void **state)
{
    size_t len = INPUT_PASTE_MAX + 1000;
    char *text = mem_zalloc(len);
    struct seen seen;

    (void)state;
    memset(text, 'x', len);
    begin(&seen);
    feed(&seen, "\033[200~", 1000);
    for (size_t at = 0; at < len; at += 1000)
        input_feed(seen.input, text + at, len - at < 1000 ? len - at : 1000, 1001);
    feed(&seen, "\033[201~", 1002);
    assert_int_equal(seen.text.len, INPUT_PASTE_MAX + 3); /* the braces and "!" */
    assert_string_equal(seen.text.data + INPUT_PASTE_MAX, "x!}");
    end(&seen);
    free(text);
}

static void quiet_after_paste(void **state)
{
    struct seen seen;

    (void)state;
    begin(&seen);
    feed(&seen, "\033[200~a\033[201~rm\r\033[A\003\033[201~", 1000); /* a marker in the clipboard */
    check(&seen, "{a}");
    assert_int_equal(input_deadline(seen.input), 1300);
    input_tick(seen.input, 1300);
    check(&seen, "{rm\r}"); /* as text, not as keys; arrows and Ctrl-C are gone */
    feed(&seen, "k", 1301);
    check(&seen, "k");
    feed(&seen, "\033[200~b\033[201~", 2000);
    feed(&seen, "c", 2100);
    feed(&seen, "\033[200~d\033[201~", 2200); /* a second paste is one */
    check(&seen, "{b}{c}{d}");
    input_tick(seen.input, 2500);
    check(&seen, "");
    assert_int_equal(input_deadline(seen.input), -1);
    end(&seen);
}

#define LINE "MIIDDzCCAfegAwIBAgIUWeCJdMri4rsJj4IWm4ErZvWVvo4wDQYJKoZIhvcNAQEL\r"

static void burst(void **state)
{
    static const char pem[] =
        "-----BEGIN CERTIFICATE-----\r" LINE LINE LINE LINE "-----END CERTIFICATE-----\r";
    static const int gaps[] = {0, 30, 100};
    struct seen seen;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(gaps); i++) {
        struct strbuf expected = STRBUF_INIT;
        size_t piece = gaps[i] ? 100 : sizeof(pem), len = strlen(pem);
        int64_t now = 1000;

        strbuf_printf(&expected, "{%s}", pem);
        begin(&seen);
        for (size_t at = 0; at < len; at += piece, now += gaps[i])
            input_feed(seen.input, pem + at, len - at < piece ? len - at : piece, now);
        check(&seen, "");
        input_tick(seen.input, input_deadline(seen.input));
        check(&seen, expected.data);
        assert_int_equal(input_deadline(seen.input), -1);
        end(&seen);
        strbuf_clear(&expected);
    }
}

static void no_burst(void **state)
{
    struct seen seen;

    (void)state;
    begin(&seen);
    feed(&seen, "alice\r", 1000); /* a script of expect */
    check(&seen, "alice<d>");
    feed(&seen, "a line without its end, as long as you like: it is no more than text", 2000);
    assert_int_equal(input_deadline(seen.input), -1);
    strbuf_reset(&seen.text);
    for (int64_t i = 0; i < 50; i++) /* a held key */
        feed(&seen, "\r", 3000 + 30 * i);
    assert_int_equal(seen.text.len, 50 * strlen("<d>"));
    strbuf_reset(&seen.text);
    feed(&seen, "\033[200~x\033[201~", 9000); /* a terminal with markers needs no guessing */
    check(&seen, "{x}");
    feed(&seen, LINE LINE, 10000);
    assert_int_equal(input_deadline(seen.input), -1);
    end(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(dropped_whole),
        cmocka_unit_test(escape),
        cmocka_unit_test(broken_utf8),
        cmocka_unit_test(terminfo_keys),
        cmocka_unit_test(paste),
        cmocka_unit_test(paste_without_end),
        cmocka_unit_test(large_paste),
        cmocka_unit_test(quiet_after_paste),
        cmocka_unit_test(burst),
        cmocka_unit_test(no_burst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
