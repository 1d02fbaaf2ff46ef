/* Serial numbers: decimal and hex against values computed by Python. */
#include "config.h"

#include "core/pki/serial.h"
#include "tests/unit/pki_fixture.h"

static const struct {
    const char *hex;
    const char *decimal;
} known[] = {
    {"0", "0"},
    {"1", "1"},
    {"ff", "255"},
    {"100", "256"},
    {"6f9a84fb5268ac9ec8b6088f", "34539638654836642722281293967"},
    {"7fffffffffffffffffffffffffffffffffffffff",
     "730750818665451459101842416358141509827966271487"},
    {"ffffffffffffffffffffffffffffffffffffffff",
     "1461501637330902918203684832716283019655932542975"},
};

static void test_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct err err = ERR_INIT;
        struct serial hex;
        struct serial decimal;
        char text[SERIAL_DECIMAL_MAX];
        char text_hex[SERIAL_HEX_MAX];

        assert_ok(serial_parse_hex(&hex, known[i].hex, &err), &err);
        assert_ok(serial_parse_decimal(&decimal, known[i].decimal, &err), &err);
        assert_true(serial_equal(&hex, &decimal));
        assert_string_equal(serial_format_hex(text_hex, &hex), known[i].hex);
        assert_string_equal(serial_format_decimal(text, &hex), known[i].decimal);
    }
}

static void test_forms(void **state)
{
    static const char *const same[] = {"00A1B2C3", "a1b2c3", "A1:B2:C3", "00:a1:b2:c3", "0a1b2c3"};
    struct serial first;
    struct err err = ERR_INIT;

    (void)state;
    assert_ok(serial_parse_hex(&first, same[0], &err), &err);
    assert_int_equal(first.len, 3);
    for (size_t i = 1; i < ARRAY_LEN(same); i++) {
        struct serial other;

        assert_ok(serial_parse_hex(&other, same[i], &err), &err);
        assert_true(serial_equal(&first, &other));
    }
}

static void test_refused(void **state)
{
    static const char *const hex[] = {
        "",
        ":",
        "a:",
        ":a",
        "a::b",
        "0x10",
        "-1",
        " 1",
        "g",
        "a b",
        "1ffffffffffffffffffffffffffffffffffffffff",
    };
    static const char *const decimal[] = {
        "", "-1", "1.0", "1:2", "ff", "1461501637330902918203684832716283019655932542976",
    };
    struct serial serial = {.len = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hex); i++) {
        struct err err = ERR_INIT;

        assert_false(serial_parse_hex(&serial, hex[i], &err));
        assert_int_equal(err.code, ERR_BAD_VALUE);
    }
    for (size_t i = 0; i < ARRAY_LEN(decimal); i++) {
        struct err err = ERR_INIT;

        assert_false(serial_parse_decimal(&serial, decimal[i], &err));
        assert_int_equal(err.code, ERR_BAD_VALUE);
    }
    assert_int_equal(serial.len, 77); /* untouched by failures */
}

static void test_random(void **state)
{
    struct serial before = {.len = 1};

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct err err = ERR_INIT;
        struct serial serial;

        assert_ok(serial_random(&serial, &err), &err);
        assert_int_equal(serial.len, 16);
        assert_int_equal(serial.bytes[0] & 0xc0, 0x40);
        assert_false(serial_equal(&serial, &before));
        before = serial;
    }
}

static void test_order(void **state)
{
    struct err err = ERR_INIT;
    struct serial small;
    struct serial large;
    struct serial none;

    (void)state;
    assert_ok(serial_parse_hex(&small, "ff", &err), &err);
    assert_ok(serial_parse_hex(&large, "100", &err), &err);
    assert_true(serial_compare(&small, &large) < 0);
    assert_true(serial_compare(&large, &small) > 0);
    assert_int_equal(serial_compare(&large, &large), 0);
    assert_ok(serial_from_bytes(&none, "\0\0\0", 3, &err), &err);
    assert_int_equal(none.len, 1);
    assert_int_equal(none.bytes[0], 0);
    assert_false(serial_from_bytes(&none, "", 0, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),  cmocka_unit_test(test_forms), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random), cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
