/* hba_format.c - rules written, lines put in and taken out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/pg/hba.h"

#define PG15 150018

static char db_all[] = "all", role_alice[] = "alice", address[] = "10.0.0.0/8", cert[] = "cert";

static void expect_print(const struct hba *hba, const char *text)
{
    struct strbuf out = STRBUF_INIT;

    hba_print(hba, &out);
    assert_string_equal(out.data, text);
    strbuf_clear(&out);
}

static void test_format(void **state)
{
    char *databases[] = {db_all};
    char *roles[] = {role_alice};
    struct hba_rule rule = {.type = HBA_HOSTSSL,
                            .databases = databases,
                            .n_databases = 1,
                            .roles = roles,
                            .n_roles = 1,
                            .address = address,
                            .method = cert};
    struct strbuf out = STRBUF_INIT;
    struct err err = ERR_INIT;

    (void)state;
    assert_true(hba_format_rule(&rule, &out, &err));
    assert_string_equal(out.data, "hostssl all alice 10.0.0.0/8 cert # pgseal");
    strbuf_clear(&out);
}

/* What is written is read back as the same rule, whatever the name. */
static void test_names_survive(void **state)
{
    static const char *const names[] = {
        "alice", "all",    "replication", "+ops",        "@file",     "a b",      "a\"b", "a,b",
        "#x",    "; DROP", "J\xc3\xbc",   "back\\slash", "tab\there", "sameuser", "\""};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[64];
        char *databases[] = {db_all};
        char *roles[] = {name};
        bool quoted[] = {true};
        struct hba_rule rule = {.type = HBA_HOSTSSL,
                                .databases = databases,
                                .n_databases = 1,
                                .roles = roles,
                                .roles_quoted = quoted,
                                .n_roles = 1,
                                .address = address,
                                .method = cert};
        struct strbuf out = STRBUF_INIT;
        struct err err = ERR_INIT;
        struct hba hba;

        strcpy(name, names[i]);
        assert_true(hba_format_rule(&rule, &out, &err));
        hba_parse(out.data, out.len, PG15, &hba);
        assert_int_equal(hba.n, 1);
        assert_int_equal(hba.lines[0].kind, HBA_RULE);
        assert_true(hba.lines[0].ours);
        assert_string_equal(hba.lines[0].rule.roles[0], names[i]);
        assert_true(hba_rule_equal(&hba.lines[0].rule, &rule));
        assert_int_equal(hba.lines[0].rule.n_roles, 1);
        hba_clear(&hba);
        strbuf_clear(&out);
    }
}

static void test_names_refused(void **state)
{
    static const char *const names[] = {
        "", "/regex", "two\nlines", "cr\rhere",
        "0123456789012345678901234567890123456789012345678901234567890123"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[80];
        char *databases[] = {db_all};
        char *roles[] = {name};
        struct hba_rule rule = {.type = HBA_HOSTSSL,
                                .databases = databases,
                                .n_databases = 1,
                                .roles = roles,
                                .n_roles = 1,
                                .address = address,
                                .method = cert};
        struct strbuf out = STRBUF_INIT;
        struct err err = ERR_INIT;

        strcpy(name, names[i]);
        assert_false(hba_format_rule(&rule, &out, &err));
        assert_int_equal(err.code, ERR_BAD_NAME);
        assert_int_equal(out.len, 0);
        strbuf_clear(&out);
    }
}

static void test_insert_and_remove(void **state)
{
    static const char text[] = "# top\nlocal all all peer\nhost all all all md5\n";
    struct err err = ERR_INIT;
    struct hba hba;

    (void)state;
    hba_parse(text, strlen(text), PG15, &hba);
    assert_true(hba_insert(&hba, 2,
                           "hostnossl all a all reject # pgseal\n"
                           "hostssl all a all cert # pgseal\n",
                           &err));
    expect_print(&hba, "# top\nlocal all all peer\nhostnossl all a all reject # pgseal\n"
                       "hostssl all a all cert # pgseal\nhost all all all md5\n");
    assert_int_equal(hba.n, 5);
    assert_true(hba.lines[2].ours && hba.lines[3].ours);
    assert_int_equal(hba.lines[4].number, 5);
    hba_remove(&hba, 3);
    hba_remove(&hba, 2);
    expect_print(&hba, text);
    hba_clear(&hba);
}

static void test_insert_crlf_and_end(void **state)
{
    static const char text[] = "local all all peer\r\nhost all all all md5";
    struct err err = ERR_INIT;
    struct hba hba;

    (void)state;
    hba_parse(text, strlen(text), PG15, &hba);
    assert_true(hba_insert(&hba, hba.n, "hostssl all a all cert\n", &err));
    expect_print(&hba, "local all all peer\r\nhost all all all md5\r\nhostssl all a all cert\r\n");
    hba_clear(&hba);

    hba_parse("", 0, PG15, &hba);
    assert_true(hba_insert(&hba, 0, "local all all peer\n", &err));
    expect_print(&hba, "local all all peer\n");
    hba_clear(&hba);
}

static void test_insert_after_open_line(void **state)
{
    static const char text[] = "local all all peer \\\n";
    struct err err = ERR_INIT;
    struct hba hba;

    (void)state;
    hba_parse(text, strlen(text), PG15, &hba);
    assert_false(hba_insert(&hba, 1, "hostssl all a all cert\n", &err));
    assert_int_equal(err.code, ERR_HBA);
    expect_print(&hba, text);
    hba_clear(&hba);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_names_survive),
        cmocka_unit_test(test_names_refused),
        cmocka_unit_test(test_insert_and_remove),
        cmocka_unit_test(test_insert_crlf_and_end),
        cmocka_unit_test(test_insert_after_open_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
