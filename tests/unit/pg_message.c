/* pg_message.c - SQLSTATE and alert numbers to codes; dirty text to one clean line. */
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
#include "core/pg/handshake.h"
#include "core/pg/message.h"

static void chooses_the_code_by_sqlstate(void **state)
{
    static const struct {
        const char *sqlstate;
        enum err_code code;
    } rows[] = {
        {"28P01", ERR_LOGIN},
        {"28000", ERR_LOGIN},
        {"3D000", ERR_LOGIN},
        {"42501", ERR_MAY_NOT_CHANGE},
        {"53100", ERR_DISK_FULL},
        {"53300", ERR_NO_CONNECTION},
        {"57P01", ERR_CONNECTION_LOST},
        {"57P03", ERR_NO_CONNECTION},
        {"57014", ERR_TIMEOUT},
        {"58P01", ERR_FILE},
        {"08006", ERR_CONNECTION_LOST},
        {"42601", ERR_QUERY},
        {"", ERR_QUERY},
        {NULL, ERR_QUERY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;

        assert_false(message_from_server(&err, ERR_NONE, rows[i].sqlstate, "nein"));
        assert_int_equal(err.code, rows[i].code);
        if (rows[i].sqlstate && rows[i].sqlstate[0])
            assert_non_null(strstr(err.msg, rows[i].sqlstate));
    }
}

static void the_callers_code_wins(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    message_from_server(&err, ERR_HBA, "42501", "no");
    assert_int_equal(err.code, ERR_HBA);
}

static void text_is_cleaned_into_one_line(void **state)
{
    struct err err = ERR_INIT;

    (void)state;
    message_from_server(&err, ERR_NONE, NULL,
                        "first\x1b[2J\r\n\tadvice of libpq\nsecond\xff line\n\n");
    assert_true(text_is_clean(err.msg));
    assert_null(strchr(err.msg, '\n'));
    assert_null(strstr(err.msg, "advice"));
    assert_non_null(strstr(err.msg, "; second"));
    message_from_server(&err, ERR_NONE, "42601", NULL);
    assert_non_null(strstr(err.msg, "no message"));
}

static void a_long_message_keeps_its_number(void **state)
{
    struct err err = ERR_INIT;
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    message_from_server(&err, ERR_NONE, "42601", text);
    assert_non_null(strstr(err.msg, "(SQLSTATE 42601)"));
}

static void alerts_have_codes_and_names(void **state)
{
    static const struct {
        int alert;
        enum err_code code;
    } rows[] = {
        {42, ERR_ALERT_BAD},     {43, ERR_ALERT_UNSUPPORTED}, {44, ERR_ALERT_REVOKED},
        {45, ERR_ALERT_EXPIRED}, {48, ERR_ALERT_UNKNOWN_CA},  {51, ERR_ALERT_SIGNATURE},
        {40, ERR_ALERT_OTHER},   {231, ERR_ALERT_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = ERR_INIT;
        char number[16];

        assert_false(message_from_alert(&err, rows[i].alert, "alice"));
        assert_int_equal(err.code, rows[i].code);
        snprintf(number, sizeof(number), "alert %d ", rows[i].alert);
        assert_non_null(strstr(err.msg, number));
        assert_true(handshake_alert_name(rows[i].alert)[0]);
    }
    assert_string_equal(handshake_alert_name(44), "certificate revoked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_the_code_by_sqlstate),
        cmocka_unit_test(the_callers_code_wins),
        cmocka_unit_test(text_is_cleaned_into_one_line),
        cmocka_unit_test(a_long_message_keeps_its_number),
        cmocka_unit_test(alerts_have_codes_and_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
