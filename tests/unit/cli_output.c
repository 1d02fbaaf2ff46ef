/* What commands print: JSON that is ASCII, tables that line up, addresses that are understood. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"

static char *dump(json_t *json)
{
    char *text = json_dumps(json, JSON_ENSURE_ASCII | JSON_COMPACT);

    json_decref(json);
    return text;
}

static void expect_json(json_t *json, const char *expected)
{
    char *text = dump(json_pack("[o]", json));

    assert_string_equal(text, expected);
    free(text);
}

static void test_json_values(void **state)
{
    (void)state;
    expect_json(json_text("a"), "[\"a\"]");
    expect_json(json_text(""), "[null]");
    expect_json(json_text(NULL), "[null]");
    expect_json(json_string_or_empty(NULL), "[\"\"]");
    expect_json(json_text("\033[2Jx\xff"), "[\"\\uFFFD[2Jx\\uFFFD\"]"); /* cleaned, never refused */
    expect_json(json_text("\xc3\xa9"), "[\"\\u00E9\"]");
    expect_json(json_time(0), "[null]");
    expect_json(json_time(1795298142), "[\"2026-11-21T21:55:42Z\"]");
}

static void test_error_document(void **state)
{
    struct err err = ERR_INIT;
    json_t *document, *error;

    (void)state;
    err_set(&err, ERR_FILE_EXISTS, "\"%s\" exists already", "a\nb");
    document = output_error_document(&err);
    error = json_object_get(document, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "PS-3001");
    assert_string_equal(json_string_value(json_object_get(error, "message")),
                        "\"a b\" exists already");
    assert_string_equal(json_string_value(json_object_get(error, "state")), "nothing was changed");
    assert_true(strlen(json_string_value(json_object_get(error, "cause"))) > 0);
    assert_true(strlen(json_string_value(json_object_get(error, "help"))) > 0);
    json_decref(document);
}

static void test_table(void **state)
{
    static const char *const headers[] = {"NAME", "N", "LAST"};
    static const char *const cells[] = {"J\xc3\xbcrgen", "1", "x", "\xe6\xbc\xa2", "22", NULL};
    const struct output output = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *real = stdout;

    (void)state;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        fail_msg("no UTF-8 locale");
    stdout = open_memstream(&text, &len);
    output_table(&output, 3, headers, 2, cells);
    fclose(stdout);
    stdout = real;
    assert_string_equal(text, "NAME    N   LAST\n"
                              "J\xc3\xbcrgen  1   x\n"
                              "\xe6\xbc\xa2      22\n");
    free(text);
}

static void address(const char *text, const char *host, int port)
{
    char *got = NULL;
    int got_port = 5432;
    struct err err = ERR_INIT;

    if (!cli_parse_address(text, &got, &got_port, &err))
        fail_msg("%s: %s", text, err.msg);
    assert_string_equal(got, host);
    assert_int_equal(got_port, port);
    free(got);
}

static void no_address(const char *text)
{
    char *got = NULL;
    int port = 5432;
    struct err err = ERR_INIT;

    if (cli_parse_address(text, &got, &port, &err))
        fail_msg("%s was taken", text);
    assert_int_equal(err.code, ERR_BAD_VALUE);
}

static void test_addresses(void **state)
{
    (void)state;
    address("db1", "db1", 5432);
    address("db1:5433", "db1", 5433);
    address("10.0.0.5:1", "10.0.0.5", 1);
    address("::1", "::1", 5432);
    address("[::1]", "::1", 5432);
    address("[::1]:5434", "::1", 5434);
    no_address("");
    no_address(":5432");
    no_address("db1:");
    no_address("db1:0");
    no_address("db1:65536");
    no_address("db1:x");
    no_address("[::1]x");
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_code(ERR_USAGE), 2);
    assert_int_equal(cli_exit_code(ERR_NEEDS_ANSWER), 2);
    assert_int_equal(cli_exit_code(ERR_CONFIRM), 2);
    assert_int_equal(cli_exit_code(ERR_REFUSED_BY_USER), 3);
    assert_int_equal(cli_exit_code(ERR_TERMINAL), 69);
    assert_int_equal(cli_exit_code(ERR_PASSPHRASE), 1);
    assert_int_equal(cli_exit_code(ERR_STORE_NEWER), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_values), cmocka_unit_test(test_error_document),
        cmocka_unit_test(test_table),       cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
