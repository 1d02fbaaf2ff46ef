/* base_err.c - errors, their table, and the clock that stands in messages. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"

static void test_set_and_add(void **unused)
{
    struct err err = ERR_INIT;

    (void)unused;
    assert_false(err_set(&err, ERR_BAD_NAME, "role \"%s\" has %d bytes", "alice", 70));
    assert_int_equal(err.code, 1002);
    assert_string_equal(err.msg, "role \"alice\" has 70 bytes");
    assert_false(err_cause(&err, "It is %s.", "long"));
    assert_false(err_state(&err, "no role was made"));
    assert_false(err_hint(&err, "Shorten it."));
    assert_string_equal(err_cause_text(&err), "It is long.");
    assert_string_equal(err_state_text(&err), "no role was made");
    assert_string_equal(err_hint_text(&err), "Shorten it.");

    /* A second error is not mixed with the first one. */
    assert_false(err_set(&err, ERR_FILE, "other"));
    assert_string_equal(err.cause, "");
    assert_string_equal(err.state, "");
    assert_string_equal(err.hint, "");
    assert_string_equal(err_state_text(&err), "nothing was changed");
    assert_string_equal(err_cause_text(&err), err_code_info(ERR_FILE)->cause);
    assert_string_equal(err_hint_text(&err), err_code_info(ERR_FILE)->help);
}

static void test_none(void **unused)
{
    struct err err = ERR_INIT;

    (void)unused;
    assert_int_equal(err.code, ERR_NONE);
    assert_null(err_code_info(0));
    assert_null(err_code_info(-1));
    assert_null(err_code_info(1 << 30));
    assert_string_equal(err_cause_text(&err), "");
    assert_string_equal(err_hint_text(&err), "");
}

static void test_arguments_may_be_in_the_error(void **unused)
{
    struct err err = ERR_INIT;

    (void)unused;
    err_set(&err, ERR_FILE, "inner");
    err_set(&err, ERR_BAD_VALUE, "outer (%s)", err.msg);
    assert_string_equal(err.msg, "outer (inner)");
    assert_false(err_prefix(&err, "server \"%s\"", "prod"));
    assert_string_equal(err.msg, "server \"prod\": outer (inner)");
    assert_int_equal(err.code, ERR_BAD_VALUE);
}

static void test_errno(void **unused)
{
    struct err err = ERR_INIT;

    (void)unused;
    assert_false(err_set_errno(&err, ERR_FILE, ENOENT, "cannot open \"%s\"", "x"));
    assert_int_equal(err.code, ERR_FILE);
    assert_string_equal(err.msg, "cannot open \"x\": No such file or directory");
    assert_false(err_set_errno(&err, ERR_FILE, ENOSPC, "cannot write \"%s\"", "x"));
    assert_int_equal(err.code, ERR_DISK_FULL);
    assert_false(err_set_errno(&err, ERR_FILE, EDQUOT, "cannot write \"%s\"", "x"));
    assert_int_equal(err.code, ERR_DISK_FULL);
}

static void test_text_is_cleaned_and_bounded(void **unused)
{
    struct err err = ERR_INIT;
    char huge[4000];

    (void)unused;
    err_set(&err, ERR_FILE, "role \"%s\"", "a\x1b[31m\xe2\x80\xae\nb");
    assert_true(text_is_clean(err.msg));
    assert_null(strchr(err.msg, '\x1b'));

    /* Cut at a character: the last one is whole. */
    for (size_t i = 0; i + 2 < sizeof(huge); i += 2)
        memcpy(huge + i, "\xc3\xbc", 2);
    huge[sizeof(huge) - 2] = '\0';
    err_set(&err, ERR_FILE, "%s", huge);
    assert_true(strlen(err.msg) < sizeof(err.msg));
    assert_int_equal(strlen(err.msg) % 2, 0);
    assert_true(text_is_clean(err.msg));
    err_set(&err, ERR_FILE, "x%s", huge);
    err_prefix(&err, "%s", huge);
    assert_true(strlen(err.msg) < sizeof(err.msg));
    assert_true(text_is_clean(err.msg));
    for (int before = 0; before < 2; before++) {
        err_set_errno(&err, ERR_FILE, EACCES, "%.*s%s", before, "x", huge);
        assert_true(text_is_clean(err.msg));
        assert_non_null(strstr(err.msg, ": Permission denied"));
    }
}

/* What stands in the house rules about messages, for every row. */
static void test_the_table(void **unused)
{
    size_t n = 0;
    const struct err_code_info *table = err_code_table(&n);

    (void)unused;
    assert_true(n > 40);
    for (size_t i = 0; i < n; i++) {
        const struct err_code_info *row = &table[i];
        size_t title = strlen(row->title);

        if (i > 0)
            assert_true(table[i - 1].code < row->code);
        assert_in_range(row->code, 1000, 9999);
        assert_ptr_equal(err_code_info((int)row->code), row);
        assert_true(text_starts_with(row->name, "ERR_"));
        assert_true(title > 0 && row->title[title - 1] != '.');
        assert_true(row->cause[strlen(row->cause) - 1] == '.');
        assert_true(row->help[strlen(row->help) - 1] == '.');
        assert_true(text_is_clean(row->title));
        assert_true(text_is_clean(row->cause));
        assert_true(text_is_clean(row->help));
        assert_true(strlen(row->cause) < sizeof(((struct err *)0)->cause));
        assert_true(strlen(row->help) < sizeof(((struct err *)0)->hint));
    }
}

/* ---- clock ---- */

static int64_t fixed_now(void)
{
    return INT64_C(1795291200); /* 2026-11-21T20:00:00Z */
}

static void test_clock(void **unused)
{
    char text[CLOCK_TEXT_MAX];
    int64_t when = 0;

    (void)unused;
    assert_string_equal(clock_format_rfc3339(text, INT64_C(1795291200)), "2026-11-21T20:00:00Z");
    assert_string_equal(clock_format_date(text, INT64_C(951782400)), "2000-02-29");
    assert_string_equal(clock_format_minute(text, INT64_C(253402300799)), "9999-12-31 23:59");
    assert_string_equal(clock_format_rfc3339(text, INT64_C(-1)), "1969-12-31T23:59:59Z");
    assert_string_equal(clock_format_date(text, INT64_MAX), "?");

    assert_true(clock_parse_rfc3339("2026-11-21T20:00:00Z", &when));
    assert_int_equal(when, 1795291200);
    assert_true(clock_parse_rfc3339("2039-12-31T23:59:59Z", &when)); /* past 2038 */
    assert_int_equal(when, 2208988799);
    assert_false(clock_parse_rfc3339("2026-11-21 20:00", &when));
    assert_false(clock_parse_rfc3339("2026-11-21T20:00:00Zx", &when));
    assert_false(clock_parse_rfc3339("2026-13-21T20:00:00Z", &when));
    assert_false(clock_parse_rfc3339("", &when));

    clock_replace(fixed_now);
    assert_int_equal(clock_now(), 1795291200);
    assert_int_equal(clock_days_until(1795291200 + CLOCK_DAY), 1);
    assert_int_equal(clock_days_until(1795291200 + CLOCK_DAY - 1), 0);
    assert_int_equal(clock_days_until(1795291200 - 1), 0);
    assert_int_equal(clock_days_until(1795291200 - 2 * CLOCK_DAY), -2);
    clock_replace(NULL);
    assert_int_not_equal(clock_now(), 0);
    assert_true(clock_mono_ms() <= clock_mono_ms());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_add),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_arguments_may_be_in_the_error),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_text_is_cleaned_and_bounded),
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
