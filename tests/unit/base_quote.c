/* base_quote.c - what a quoter wrote is read back by the program it was written for. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/strbuf.h"
#include "core/base/text.h"

static const char *const nasty[] = {
    "",
    "plain",
    "two words",
    "it's",
    "''",
    "'",
    "\"",
    "a\"b",
    "\\",
    "\\'",
    "a\\",
    "$HOME `id` $(id)",
    "; DROP ROLE alice; --",
    "-n",
    "--help",
    "*",
    "~",
    "a=b",
    "=",
    "a\tb",
    "a\nb",
    "\n",
    "#no comment",
    "!x",
    "J\xc3\xbcrgen",
    "{a,b}",
    "\x01\x7f",
};

static void test_shell(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < ARRAY_LEN(nasty); i++) {
        struct strbuf command = STRBUF_INIT;
        char out[256];
        size_t got;
        FILE *shell;

        strbuf_add_str(&command, "set -- ");
        assert_true(text_quote_shell(&command, nasty[i]));
        strbuf_add_str(&command, "; printf '%s|%s.' \"$#\" \"$1\"");
        shell = popen(command.data, "r");
        assert_non_null(shell);
        got = fread(out, 1, sizeof(out) - 1, shell);
        out[got] = '\0';
        assert_int_equal(pclose(shell), 0);
        strbuf_reset(&command);
        strbuf_printf(&command, "1|%s.", nasty[i]);
        assert_string_equal(out, command.data);
        strbuf_clear(&command);
    }
}

static void test_shell_leaves_plain_words(void **unused)
{
    struct strbuf out = STRBUF_INIT;

    (void)unused;
    assert_true(text_quote_shell(&out, "/etc/ssl/ca-1.crt"));
    assert_string_equal(out.data, "/etc/ssl/ca-1.crt");
    strbuf_clear(&out);
}

static void test_conninfo(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < ARRAY_LEN(nasty); i++) {
        struct strbuf text = STRBUF_INIT;
        char *message = NULL;
        PQconninfoOption *options;
        bool found = false;

        strbuf_add_str(&text, "user=");
        assert_true(text_quote_conninfo(&text, nasty[i]));
        strbuf_add_str(&text, " port=1");
        options = PQconninfoParse(text.data, &message);
        if (options == NULL) {
            fail_msg("%s: %s", text.data, message);
            return;
        }
        for (const PQconninfoOption *at = options; at->keyword != NULL; at++) {
            if (strcmp(at->keyword, "port") == 0)
                assert_string_equal(at->val, "1");
            if (strcmp(at->keyword, "user") != 0)
                continue;
            assert_string_equal(at->val, nasty[i]);
            found = true;
        }
        assert_true(found);
        PQconninfoFree(options);
        strbuf_clear(&text);
    }
}

/* The server's own reading of literals is in tests/pg; these are the forms. */
static void expect(bool (*quote)(struct strbuf *, const char *), const char *text,
                   const char *expected)
{
    struct strbuf out = STRBUF_INIT;

    if (expected == NULL) {
        assert_false(quote(&out, text));
    } else {
        assert_true(quote(&out, text));
        assert_string_equal(out.data, expected);
    }
    strbuf_clear(&out);
}

static void test_sql(void **unused)
{
    (void)unused;
    expect(text_quote_sql_literal, "", "''");
    expect(text_quote_sql_literal, "it's", "'it''s'");
    expect(text_quote_sql_literal, "a\\'b", "E'a\\\\''b'");
    expect(text_quote_sql_ident, "alice", "\"alice\"");
    expect(text_quote_sql_ident, "\"; DROP", "\"\"\"; DROP\"");
    expect(text_quote_sql_ident, "", NULL);
}

static void test_hba(void **unused)
{
    (void)unused;
    expect(text_quote_hba, "alice", "\"alice\"");
    expect(text_quote_hba, "all", "\"all\""); /* quoted, it is a name */
    expect(text_quote_hba, "a\"b", "\"a\"\"b\"");
    expect(text_quote_hba, "/^a", NULL);
    expect(text_quote_hba, "a\nb", NULL);
    expect(text_quote_hba, "a\rb", NULL);
    expect(text_quote_hba, "", NULL);
}

static void test_csv(void **unused)
{
    (void)unused;
    expect(text_quote_csv, "plain", "plain");
    expect(text_quote_csv, "", "");
    expect(text_quote_csv, "a,b", "\"a,b\"");
    expect(text_quote_csv, "a\"b", "\"a\"\"b\"");
    expect(text_quote_csv, "a\nb", "\"a\nb\"");
    expect(text_quote_csv, "=1+1", "\"'=1+1\"");
    expect(text_quote_csv, "@x", "\"'@x\"");
    expect(text_quote_csv, "-x", "\"'-x\"");
    expect(text_quote_csv, "+x", "\"'+x\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell),    cmocka_unit_test(test_shell_leaves_plain_words),
        cmocka_unit_test(test_conninfo), cmocka_unit_test(test_sql),
        cmocka_unit_test(test_hba),      cmocka_unit_test(test_csv),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
