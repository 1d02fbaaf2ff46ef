/* hba_parse.c - every byte is kept, and a line means what PostgreSQL makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/pg/hba.h"

#define PG13 130000
#define PG15 150018
#define PG16 160000
#define PG18 180004

static struct hba parse_bytes(const void *bytes, size_t len, int version)
{
    struct strbuf out = STRBUF_INIT;
    struct hba hba;

    hba_parse(bytes, len, version, &hba);
    hba_print(&hba, &out);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, bytes, len);
    strbuf_clear(&out);
    return hba;
}

static struct hba parse(const char *text, int version)
{
    return parse_bytes(text, strlen(text), version);
}

static void expect_kind(const char *text, int version, enum hba_line_kind kind)
{
    struct hba hba = parse(text, version);

    assert_int_equal(hba.n, 1);
    if (hba.lines[0].kind != kind)
        print_error("%s: kind %d, reason \"%s\"\n", text, (int)hba.lines[0].kind,
                    hba.lines[0].reason);
    assert_int_equal(hba.lines[0].kind, kind);
    assert_int_equal(hba.lines[0].reason[0] != '\0', kind == HBA_BAD);
    hba_clear(&hba);
}

static void test_empty(void **state)
{
    struct hba hba = parse("", PG15);

    (void)state;
    assert_int_equal(hba.n, 0);
    hba_clear(&hba);
}

static void test_tabs_crlf_latin1_no_newline(void **state)
{
    static const char text[] = "# gepr\xfc"
                               "ft\r\n"
                               "\r\n"
                               "host\tall\tall\t10.0.0.0/8\tmd5\t# B\xfcro\r\n"
                               "local all postgres peer";
    struct hba hba = parse(text, PG15);

    (void)state;
    assert_int_equal(hba.n, 4);
    assert_int_equal(hba.lines[0].kind, HBA_BLANK);
    assert_int_equal(hba.lines[1].kind, HBA_BLANK);
    assert_int_equal(hba.lines[2].kind, HBA_RULE);
    assert_string_equal(hba.lines[2].rule.address, "10.0.0.0/8");
    assert_string_equal(hba.lines[2].rule.method, "md5");
    assert_int_equal(hba.lines[3].kind, HBA_RULE);
    assert_int_equal(hba.lines[3].number, 4);
    assert_string_equal(hba.lines[3].rule.method, "peer");
    hba_clear(&hba);
}

static void test_lists_and_quotes(void **state)
{
    struct hba hba = parse("hostssl db1,\"my db\", \"all\" +ops,\"+ops\",\"a\"\"b\",x\"y z\" "
                           "::1/128 scram-sha-256 clientcert=verify-full\n",
                           PG15);
    const struct hba_rule *rule = &hba.lines[0].rule;

    (void)state;
    assert_int_equal(hba.lines[0].kind, HBA_RULE);
    assert_int_equal(rule->n_databases, 3);
    assert_string_equal(rule->databases[1], "my db");
    assert_string_equal(rule->databases[2], "all");
    assert_false(rule->databases_quoted[0]);
    assert_true(rule->databases_quoted[2]);
    assert_int_equal(rule->n_roles, 4);
    assert_string_equal(rule->roles[0], "+ops");
    assert_false(rule->roles_quoted[0]);
    assert_string_equal(rule->roles[1], "+ops");
    assert_true(rule->roles_quoted[1]);
    assert_string_equal(rule->roles[2], "a\"b");
    assert_string_equal(rule->roles[3], "xy z");
    assert_false(rule->roles_quoted[3]);
    assert_int_equal(rule->n_options, 1);
    assert_string_equal(rule->options[0], "clientcert=verify-full");
    hba_clear(&hba);
}

static void test_blank_before_comma_ends_the_field(void **state)
{
    (void)state;
    /* "all ,bob" are two fields: bob is taken for the address */
    expect_kind("host all all ,bob md5\n", PG15, HBA_RULE);
    expect_kind("host all a, b 10.0.0.0/8 md5\n", PG15, HBA_RULE);
}

static void test_file_reference(void **state)
{
    struct hba hba = parse("host @dbs \"@dbs\" all md5\n", PG15);

    (void)state;
    assert_int_equal(hba.lines[0].kind, HBA_RULE);
    assert_string_equal(hba.lines[0].rule.databases[0], "@dbs");
    assert_false(hba.lines[0].rule.databases_quoted[0]);
    assert_true(hba.lines[0].rule.roles_quoted[0]);
    hba_clear(&hba);
}

static void test_continuation(void **state)
{
    static const char text[] = "host all all \\\r\n  10.0.0.0/8 \\\n md5\nlocal all all peer\n";
    struct hba hba = parse(text, PG15);

    (void)state;
    assert_int_equal(hba.n, 2);
    assert_int_equal(hba.lines[0].kind, HBA_RULE);
    assert_int_equal(hba.lines[0].number, 1);
    assert_int_equal(hba.lines[1].number, 4);
    hba_clear(&hba);

    hba = parse(text, PG13); /* came with 14 */
    assert_int_equal(hba.n, 4);
    assert_int_equal(hba.lines[0].kind, HBA_BAD);
    hba_clear(&hba);

    hba = parse("# a comment goes on \\\nhost all all all trust\n", PG15);
    assert_int_equal(hba.n, 1);
    assert_int_equal(hba.lines[0].kind, HBA_BLANK);
    hba_clear(&hba);

    hba = parse("local all all peer \\\n\\\n\nlocal all all trust", PG15);
    assert_int_equal(hba.n, 2); /* the third line is empty: nothing to join to, so it ends there */
    hba_clear(&hba);

    hba = parse("local all all peer \\\n", PG15);
    assert_int_equal(hba.n, 1);
    assert_true(hba.lines[0].open);
    hba_clear(&hba);
}

static void test_include(void **state)
{
    (void)state;
    expect_kind("include more.conf\n", PG16, HBA_INCLUDE);
    expect_kind("include_dir \"a b\"\n", PG18, HBA_INCLUDE);
    expect_kind("include_if_exists x.conf # why\n", PG18, HBA_INCLUDE);
    expect_kind("include more.conf\n", PG15, HBA_BAD);
}

static void test_addresses(void **state)
{
    (void)state;
    expect_kind("host all all 10.0.0.1 255.255.255.255 md5\n", PG15, HBA_RULE);
    expect_kind("host all all 10.0.0.0/8 md5\n", PG15, HBA_RULE);
    expect_kind("host all all fe80::/10 md5\n", PG15, HBA_RULE);
    expect_kind("host all all ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff md5\n", PG15, HBA_RULE);
    expect_kind("host all all .example.org md5\n", PG15, HBA_RULE);
    expect_kind("host all all samenet md5\n", PG15, HBA_RULE);
    expect_kind("host all all 10.0.0.0/33 md5\n", PG15, HBA_BAD);
    expect_kind("host all all 10.0.0.0/ md5\n", PG15, HBA_BAD);
    expect_kind("host all all db.example/8 md5\n", PG15, HBA_BAD);
    expect_kind("host all all 10.0.0.0 md5\n", PG15, HBA_BAD);
    expect_kind("host all all 10.0.0.0\n", PG15, HBA_BAD);
    expect_kind("host all all 10.0.0.0 ::1 md5\n", PG15, HBA_BAD);
    expect_kind("host all all a,b md5\n", PG15, HBA_BAD);
}

static void test_bad_lines(void **state)
{
    (void)state;
    expect_kind("hots all all all md5\n", PG15, HBA_BAD);
    expect_kind("\xef\xbb\xbflocal all all peer\n", PG15, HBA_BAD); /* a BOM */
    expect_kind("host\n", PG15, HBA_BAD);
    expect_kind("host all\n", PG15, HBA_BAD);
    expect_kind("host all all\n", PG15, HBA_BAD);
    expect_kind("host all all all\n", PG15, HBA_BAD);
    expect_kind("host all all all nonsense\n", PG15, HBA_BAD);
    expect_kind("host all all all md5,trust\n", PG15, HBA_BAD);
    expect_kind("host,local all all all md5\n", PG15, HBA_BAD);
    expect_kind("host all all all cert\n", PG15, HBA_BAD);
    expect_kind("host all all all peer\n", PG15, HBA_BAD);
    expect_kind("local all all gss\n", PG15, HBA_BAD);
    expect_kind("local all all ident\n", PG15, HBA_RULE);
}

static void test_options_by_version(void **state)
{
    (void)state;
    expect_kind("hostssl all all all cert map=m\n", PG15, HBA_RULE);
    expect_kind("hostssl all all all scram-sha-256 map=m\n", PG15, HBA_BAD);
    expect_kind("hostssl all all all cert clientcert=verify-ca\n", PG15, HBA_BAD);
    expect_kind("hostssl all all all cert clientcert=verify-full\n", PG15, HBA_RULE);
    expect_kind("hostssl all all all trust clientcert=1\n", PG13, HBA_RULE);
    expect_kind("hostssl all all all trust clientcert=1\n", PG15, HBA_BAD);
    expect_kind("hostssl all all all cert clientname=DN\n", PG15, HBA_RULE);
    expect_kind("hostssl all all all cert clientname=dn\n", PG15, HBA_BAD);
    expect_kind("hostssl all all all cert clientname=DN\n", PG13, HBA_BAD);
    expect_kind("host all all all md5 clientcert=verify-ca\n", PG15, HBA_BAD);
    expect_kind("host all all all md5 noequals\n", PG15, HBA_BAD);
    expect_kind("host all all all md5 colour=red\n", PG15, HBA_BAD);
    expect_kind("host all all all ldap ldapserver=a ldapprefix=\"cn=a b\"\n", PG15, HBA_RULE);
    expect_kind("host all all all oauth issuer=a scope=b\n", PG18, HBA_RULE);
    expect_kind("host all all all oauth issuer=a scope=b\n", PG15, HBA_BAD);
}

static void test_long_word_and_zero_byte(void **state)
{
    char line[400] = "host all ";
    struct hba hba;

    (void)state;
    memset(line + 9, 'x', 300);
    memcpy(line + 309, " all md5\n", 10);
    expect_kind(line, PG15, HBA_BAD);
    expect_kind(line, PG16, HBA_RULE);

    hba = parse_bytes("local all\0all peer\n", 19, PG15);
    assert_int_equal(hba.n, 1);
    assert_int_equal(hba.lines[0].kind, HBA_BAD);
    hba_clear(&hba);
}

static void test_ours(void **state)
{
    struct hba hba = parse("hostssl all a all cert # pgseal\n"
                           "hostssl all b all cert # pgsealed\n"
                           "hostssl all c all cert # pgseal plan 4\r\n"
                           "hostssl all d all cert\n"
                           "hostssl all \"# pgseal\" all cert\n",
                           PG15);

    (void)state;
    assert_true(hba.lines[0].ours);
    assert_false(hba.lines[1].ours);
    assert_true(hba.lines[2].ours);
    assert_false(hba.lines[3].ours);
    assert_false(hba.lines[4].ours);
    assert_string_equal(hba.lines[4].rule.roles[0], "# pgseal");
    hba_clear(&hba);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_tabs_crlf_latin1_no_newline),
        cmocka_unit_test(test_lists_and_quotes),
        cmocka_unit_test(test_blank_before_comma_ends_the_field),
        cmocka_unit_test(test_file_reference),
        cmocka_unit_test(test_continuation),
        cmocka_unit_test(test_include),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_options_by_version),
        cmocka_unit_test(test_long_word_and_zero_byte),
        cmocka_unit_test(test_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
