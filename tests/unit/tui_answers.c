/* tui_answers.c - the answers of a wizard as a text: what is read, and what is refused by its line. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tui/answers.h"

#define HEAD "pgseal answers 1\n"

static void test_reads(void **state)
{
    static const char text[] = HEAD "# a comment = none\n"
                                    "\n"
                                    "[home]\n"
                                    "Choose = Create a certificate authority (CA)\n"
                                    "   \n"
                                    "[new-ca]\r\n"
                                    "Valid for = 10\r\n"
                                    "Note =\n"
                                    "a = b = c\n"
                                    "a=b = c \n"
                                    "J\xc3\xbcrgen = \xe6\x9d\xb1\xe4\xba\xac\n"
                                    "last = line";
    struct answers answers;
    struct err err = ERR_INIT;

    (void)state;
    if (!answers_parse(text, strlen(text), &answers, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(answers.n, 2);
    assert_string_equal(answers.parts[0].page, "home");
    assert_int_equal(answers.parts[0].n, 1);
    assert_string_equal(answers.parts[0].list[0].label, "Choose");
    assert_string_equal(answers.parts[0].list[0].value, "Create a certificate authority (CA)");
    assert_int_equal(answers.parts[0].list[0].line, 5);
    assert_string_equal(answers.parts[1].page, "new-ca");
    assert_int_equal(answers.parts[1].n, 6);
    assert_string_equal(answers.parts[1].list[0].value, "10");
    assert_string_equal(answers.parts[1].list[1].label, "Note");
    assert_string_equal(answers.parts[1].list[1].value, "");
    assert_string_equal(answers.parts[1].list[2].value, "b = c");
    assert_string_equal(answers.parts[1].list[3].label, "a=b");
    assert_string_equal(answers.parts[1].list[3].value, "c "); /* blanks belong to it */
    assert_string_equal(answers.parts[1].list[4].label, "J\xc3\xbcrgen");
    assert_string_equal(answers.parts[1].list[5].value, "line");
    answers_clear(&answers);
    assert_int_equal(answers.n, 0);
}

static void refuses(const char *text, size_t len, const char *why)
{
    struct answers answers;
    struct err err = ERR_INIT;

    assert_false(answers_parse(text, len, &answers, &err));
    assert_int_equal(answers.n, 0);
    assert_int_equal(err.code, ERR_ANSWERS);
    if (!strstr(err.msg, why))
        fail_msg("\"%s\" is not in \"%s\"", why, err.msg);
}
#define REFUSES(text, why) refuses((text), sizeof(text) - 1, (why))

static void test_refuses(void **state)
{
    struct answers answers;
    struct err err = ERR_INIT;
    char *large = calloc(1, ANSWERS_MAX + 1);

    (void)state;
    REFUSES("", "this is no file of answers");
    REFUSES("-----BEGIN CERTIFICATE-----\n", "this is no file of answers");
    REFUSES("pgseal answers 2\n", "have version \"2\", and 1 is known here");
    REFUSES("pgseal answers 1 \n", "version \"1 \"");
    REFUSES(HEAD "x = 1\n", "line 2 of the answers: it stands before the first \"[page]\"");
    REFUSES(HEAD "[new ca]\n", "line 2 of the answers: a page is");
    REFUSES(HEAD "[]\n", "line 2");
    REFUSES(HEAD "[\n", "line 2");
    REFUSES(HEAD "[a]\n\nnothing\n", "line 4 of the answers: there is no \"label = value\"");
    REFUSES(HEAD "[a]\n = value\n", "line 3");
    REFUSES(HEAD "[a]\nx = \033[31m\n", "line 3 of the answers: it has characters");
    REFUSES(HEAD "[a]\nx = \xff\n", "line 3 of the answers: it has characters");
    REFUSES(HEAD "[a]\nx = a\0b\n", "line 3 of the answers: it is no line of text");

    memset(large, 'x', ANSWERS_MAX + 1);
    assert_false(answers_parse(large, ANSWERS_MAX + 1, &answers, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    memcpy(large, HEAD, sizeof(HEAD) - 1);
    refuses(large, 10000, "line 2 of the answers: it is no line of text");
    free(large);
}

static void test_writes(void **state)
{
    struct strbuf text = STRBUF_INIT;
    struct answers answers;
    struct err err = ERR_INIT;

    (void)state;
    answers_add_head(&text);
    answers_add_part(&text, "new-ca");
    answers_add(&text, "Name of the CA", " Acme = PG ");
    answers_add_comment(&text, "Passphrase: a secret, asked again");
    answers_add(&text, "Note", "");
    assert_true(answers_parse(text.data, text.len, &answers, &err));
    assert_int_equal(answers.n, 1);
    assert_int_equal(answers.parts[0].n, 2);
    assert_string_equal(answers.parts[0].list[0].value, " Acme = PG ");
    assert_string_equal(answers.parts[0].list[1].value, "");
    answers_clear(&answers);
    strbuf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_writes),
    };

    return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
