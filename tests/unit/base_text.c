/* base_text.c - cleaning, UTF-8, parsing, and the growing string. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/base/text.h"
#include "core/base/word_list.h"

#define BAD "\xef\xbf\xbd"

static void expect_clean(const char *dirty, size_t len, enum text_keep keep, const char *expected)
{
    struct strbuf out = STRBUF_INIT;

    text_clean(&out, dirty, len, keep);
    assert_string_equal(out.data, expected);
    assert_int_equal(out.len, strlen(expected));
    strbuf_clear(&out);
}

#define CLEAN(dirty, expected) expect_clean(dirty, sizeof(dirty) - 1, TEXT_ONE_LINE, expected)

static void test_clean(void **unused)
{
    (void)unused;
    CLEAN("", "");
    CLEAN("plain ASCII ~!@#", "plain ASCII ~!@#");
    CLEAN("J\xc3\xbcrgen \xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x94\x92",
          "J\xc3\xbcrgen \xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x94\x92");
    CLEAN("a\0b", "a" BAD "b");
    CLEAN("\x1b]0;title\x07", BAD "]0;title" BAD);
    CLEAN("\x1b[31mred\x7f", BAD "[31mred" BAD);
    CLEAN("a\r\nb\tc\r", "a b c" BAD);
    CLEAN("a\rb", "a" BAD "b");
    CLEAN("\xc2\x9b"
          "31m",
          BAD "31m"); /* C1 CSI */
    CLEAN("\xe2\x80\xae"
          "evil",
          BAD "evil"); /* right-to-left override */
    CLEAN("a\xe2\x80\x8b"
          "b",
          "a" BAD "b");                   /* zero width space */
    CLEAN("\xef\xbb\xbfx", BAD "x");      /* byte order mark */
    CLEAN("a\xe2\x80\xa8z", "a" BAD "z"); /* line separator */
    CLEAN("\xf3\xa0\x81\x81x", BAD "x");  /* tag characters */
    expect_clean("a\n\tb\x0b", 5, TEXT_KEEP_NEWLINES, "a\n\tb" BAD);
}

static void test_broken_utf8(void **unused)
{
    (void)unused;
    CLEAN("\xff", BAD);
    CLEAN("\xc3", BAD); /* cut off */
    CLEAN("a\xc3", "a" BAD);
    CLEAN("\xc0\xaf", BAD BAD);                 /* overlong "/" */
    CLEAN("\xe0\x80\xaf", BAD BAD BAD);         /* overlong */
    CLEAN("\xed\xa0\x80", BAD BAD BAD);         /* surrogate */
    CLEAN("\xf4\x90\x80\x80", BAD BAD BAD BAD); /* above U+10FFFF */
    CLEAN("\xf5\x80\x80\x80", BAD BAD BAD BAD);
    CLEAN("\xe6\x9d", BAD BAD);
    CLEAN("\x80\xbf", BAD BAD);
    CLEAN("\xe6\x9d(", BAD BAD "(");
}

/* Whatever comes in: what goes out is clean, and cleaning it again changes nothing. */
static void test_clean_is_final(void **unused)
{
    unsigned seed = 1;

    (void)unused;
    for (int round = 0; round < 2000; round++) {
        char bytes[64];
        struct strbuf once = STRBUF_INIT;
        struct strbuf twice = STRBUF_INIT;
        size_t len = (size_t)rand_r(&seed) % sizeof(bytes);

        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(rand_r(&seed) & 0xff);
        text_clean(&once, bytes, len, TEXT_ONE_LINE);
        assert_true(text_is_clean(once.data));
        text_clean(&twice, once.data, once.len, TEXT_ONE_LINE);
        assert_true(strbuf_equal(&once, &twice));
        strbuf_clear(&once);
        strbuf_clear(&twice);
    }
}

static void test_is_clean(void **unused)
{
    (void)unused;
    assert_true(text_is_clean(""));
    assert_true(text_is_clean("J\xc3\xbcrgen"));
    assert_true(text_is_clean(BAD)); /* a U+FFFD that was there is not dirt */
    assert_false(text_is_clean("a\nb"));
    assert_false(text_is_clean("a\xff"));
    assert_false(text_is_clean("\xe2\x80\xae"));
}

static void test_clean_copy_cuts_at_a_character(void **unused)
{
    char out[8];

    (void)unused;
    assert_string_equal(text_clean_copy(out, sizeof(out), "1234567890"), "1234567");
    assert_string_equal(text_clean_copy(out, sizeof(out), "123456\xc3\xbc"), "123456");
    assert_string_equal(text_clean_copy(out, sizeof(out), "12345\xc3\xbc"), "12345\xc3\xbc");
    assert_string_equal(text_clean_copy(out, sizeof(out), "123\x1b\x1b"), "123" BAD);
    assert_string_equal(text_clean_copy(out, 1, "x"), "");
}

static void test_next_and_put(void **unused)
{
    const char text[] = "a\xc3\xbc\xe6\x9d\xb1\xf0\x9f\x94\x92\xff";
    const char *at = text;
    const char *end = text + strlen(text);
    struct strbuf out = STRBUF_INIT;

    (void)unused;
    assert_int_equal(text_next(&at, end), 'a');
    assert_int_equal(text_next(&at, end), 0xfc);
    assert_int_equal(text_next(&at, end), 0x6771);
    assert_int_equal(text_next(&at, end), 0x1f512);
    assert_int_equal(text_next(&at, end), 0xfffd);
    assert_int_equal(text_next(&at, end), 0);
    assert_ptr_equal(at, end);

    text_put(&out, 'a');
    text_put(&out, 0xfc);
    text_put(&out, 0x6771);
    text_put(&out, 0x1f512);
    text_put(&out, 0xd800);
    text_put(&out, 0x110000);
    assert_string_equal(out.data, "a\xc3\xbc\xe6\x9d\xb1\xf0\x9f\x94\x92" BAD BAD);
    strbuf_clear(&out);
}

static void test_parse_int(void **unused)
{
    int64_t value = 7;

    (void)unused;
    assert_true(text_parse_int("30", 1, 100, &value));
    assert_int_equal(value, 30);
    assert_true(text_parse_int("-5", -5, 5, &value));
    assert_int_equal(value, -5);
    assert_false(text_parse_int("", 0, 10, &value));
    assert_false(text_parse_int(" 5", 0, 10, &value));
    assert_false(text_parse_int("5 ", 0, 10, &value));
    assert_false(text_parse_int("5x", 0, 10, &value));
    assert_false(text_parse_int("0x5", 0, 10, &value));
    assert_false(text_parse_int("11", 0, 10, &value));
    assert_false(text_parse_int("99999999999999999999", 0, INT64_MAX, &value));
    assert_false(text_parse_int("+-5", -10, 10, &value));
    assert_int_equal(value, -5); /* untouched by failures */
}

static void test_parse_hex(void **unused)
{
    uint8_t bytes[4] = {0};
    size_t len = 9;

    (void)unused;
    assert_true(text_parse_hex("00aBfF", bytes, sizeof(bytes), &len));
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "\x00\xab\xff", 3);
    assert_true(text_parse_hex("", bytes, sizeof(bytes), &len));
    assert_int_equal(len, 0);
    assert_false(text_parse_hex("abc", bytes, sizeof(bytes), &len));
    assert_false(text_parse_hex("zz", bytes, sizeof(bytes), &len));
    assert_false(text_parse_hex("0011223344", bytes, sizeof(bytes), &len));
}

static void test_equal(void **unused)
{
    (void)unused;
    assert_true(text_equal(NULL, NULL));
    assert_true(text_equal("a", "a"));
    assert_false(text_equal("a", NULL));
    assert_false(text_equal(NULL, "a"));
    assert_false(text_equal("a", "b"));
    assert_true(text_starts_with("abc", "ab"));
    assert_true(text_starts_with("abc", ""));
    assert_false(text_starts_with("ab", "abc"));
}

static void test_distance(void **unused)
{
    (void)unused;
    assert_int_equal(text_distance("", ""), 0);
    assert_int_equal(text_distance("CRL", "crl"), 0);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("abc", ""), 3);
    assert_true(text_distance("0123456789012345678901234567890123456789", "0") > 31);
}

/* ---- the words of the field ---- */

static const char *meant(const char *text)
{
    size_t n;
    const struct word *list = word_list(&n);
    size_t at = word_meant(text);

    return at < n ? list[at].word : "";
}

static const char *nearest(const char *text)
{
    size_t n, at[2];

    return word_near(text, at, 1) == 1 ? word_list(&n)[at[0]].word : "";
}

static void test_words(void **unused)
{
    size_t n, at[3];
    const struct word *list = word_list(&n);

    (void)unused;
    assert_string_equal(meant("crl"), "CRL");
    assert_string_equal(meant("ssl"), "TLS/SSL");
    assert_string_equal(meant("session"), "backend/session");
    assert_string_equal(meant("SHA-256"), "fingerprint (SHA-256)");
    assert_string_equal(meant("pg_hba"), "pg_hba.conf");
    assert_string_equal(meant("key"), ""); /* two of them */
    assert_string_equal(meant(""), "");
    assert_string_equal(meant("/"), "");
    assert_string_equal(nearest("crll"), "CRL");
    assert_string_equal(nearest("certifcate"), "certificate");
    assert_string_equal(nearest("revocation"), "CRL");
    assert_string_equal(nearest("zzzzzz"), "");
    assert_int_equal(word_near("e", at, 3), 3); /* no more than there is room for */
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(meant(list[i].word), list[i].word);
        for (const char *see = list[i].see; *see;) { /* what it points at is there */
            char name[40];
            size_t len = strcspn(see, ",");

            snprintf(name, sizeof(name), "%.*s", (int)len, see);
            if (word_find(name) == n)
                fail_msg("\"%s\" names \"%s\", which is not in the list", list[i].word, name);
            see += len;
            see += strspn(see, ", ");
        }
    }
}

/* ---- strbuf, mem ---- */

static void test_strbuf(void **unused)
{
    struct strbuf buf = STRBUF_INIT;
    struct strbuf other = STRBUF_INIT;
    char *stolen;

    (void)unused;
    assert_string_equal(buf.data, "");
    strbuf_add(&buf, "a\0b", 3);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "a\0b", 4);
    strbuf_reset(&buf);
    strbuf_printf(&buf, "%s=%d", "port", 5432);
    strbuf_add_char(&buf, ' ');
    strbuf_add_repeat(&buf, '-', 3);
    strbuf_add_str(&buf, "");
    strbuf_add_hex(&buf, "\x00\xfe", 2);
    assert_string_equal(buf.data, "port=5432 ---00fe");
    assert_false(strbuf_equal(&buf, &other));
    strbuf_add_str(&other, "port=5432 ---00fe");
    assert_true(strbuf_equal(&buf, &other));
    strbuf_truncate(&buf, 4);
    assert_string_equal(buf.data, "port");
    strbuf_truncate(&buf, 400);
    assert_int_equal(buf.len, 4);

    stolen = strbuf_steal(&buf);
    assert_string_equal(stolen, "port");
    assert_string_equal(buf.data, "");
    free(stolen);
    stolen = strbuf_steal(&buf); /* of nothing: an own empty string */
    assert_string_equal(stolen, "");
    free(stolen);
    strbuf_clear(&other);
    strbuf_clear(&other);
    strbuf_reset(&other);

    for (int i = 0; i < 100000; i++)
        strbuf_add_char(&buf, 'x');
    assert_int_equal(strlen(buf.data), 100000);
    strbuf_clear(&buf);
    assert_string_equal(strbuf_empty, ""); /* the shared one was never written */
}

static void test_mem(void **unused)
{
    char *text = mem_strndup("abcdef", 3);
    int *numbers = mem_array(3, sizeof(int));

    (void)unused;
    assert_string_equal(text, "abc");
    free(text);
    text = mem_strndup("ab", 10);
    assert_string_equal(text, "ab");
    free(text);
    assert_null(mem_strdup(NULL));
    text = mem_printf("%05d", 42);
    assert_string_equal(text, "00042");
    free(text);
    assert_int_equal(numbers[0] | numbers[1] | numbers[2], 0);
    free(numbers);
    free(mem_zalloc(0));
    free(mem_dup("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_broken_utf8),
        cmocka_unit_test(test_clean_is_final),
        cmocka_unit_test(test_is_clean),
        cmocka_unit_test(test_clean_copy_cuts_at_a_character),
        cmocka_unit_test(test_next_and_put),
        cmocka_unit_test(test_parse_int),
        cmocka_unit_test(test_parse_hex),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_strbuf),
        cmocka_unit_test(test_mem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
