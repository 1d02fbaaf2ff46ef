/* hba_match.c - the first line that fits decides, and what cannot be told is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/pg/hba.h"

#define PG15 150018
#define PG16 160000

static int match(const char *text, int version, const struct hba_client *client, bool *sure)
{
    struct hba hba;
    int at;

    hba_parse(text, strlen(text), version, &hba);
    at = hba_first_match(&hba, client, sure);
    hba_clear(&hba);
    return at;
}

static const char debian[] = "local   all  postgres  peer\n"
                             "# comment\n"
                             "local   all  all       peer\n"
                             "host    all  all  127.0.0.1/32  scram-sha-256\n"
                             "host    all  all  ::1/128       scram-sha-256\n"
                             "local   replication all peer\n"
                             "host    replication all 127.0.0.1/32 scram-sha-256\n";

static void test_debian(void **state)
{
    struct hba_client client = {.database = "app", .role = "alice"};
    bool sure;

    (void)state;
    assert_int_equal(match(debian, PG15, &client, &sure), 2);
    assert_true(sure);
    client.address = "127.0.0.1";
    assert_int_equal(match(debian, PG15, &client, &sure), 3);
    client.address = "::1";
    assert_int_equal(match(debian, PG15, &client, &sure), 4);
    client.address = "10.0.0.1";
    assert_int_equal(match(debian, PG15, &client, &sure), -1);
    assert_true(sure);
    client.address = "127.0.0.1";
    client.replication = true; /* "all" does not hold replication */
    assert_int_equal(match(debian, PG15, &client, &sure), 6);
}

static void test_tls(void **state)
{
    static const char text[] = "hostnossl all all all reject\n"
                               "hostssl all all all cert\n"
                               "host all all all md5\n";
    struct hba_client client = {.database = "app", .role = "alice", .address = "10.1.2.3"};

    (void)state;
    assert_int_equal(match(text, PG15, &client, NULL), 0);
    client.tls = true;
    assert_int_equal(match(text, PG15, &client, NULL), 1);
    assert_int_equal(
        match("hostgssenc all all all gss\nhostnogssenc all all all md5\n", PG15, &client, NULL),
        1);
    client.gss = true;
    assert_int_equal(
        match("hostgssenc all all all gss\nhostnogssenc all all all md5\n", PG15, &client, NULL),
        0);
}

static void test_names(void **state)
{
    const char *groups[] = {"ops", "app"};
    struct hba_client client = {.database = "app",
                                .role = "alice",
                                .member_of = groups,
                                .n_member_of = 2,
                                .address = "10.1.2.3"};
    bool sure;

    (void)state;
    assert_int_equal(match("host all +ops all md5\n", PG15, &client, &sure), 0);
    assert_true(sure);
    assert_int_equal(match("host all \"+ops\" all md5\n", PG15, &client, &sure), -1);
    assert_int_equal(match("host all +alice all md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host samerole all all md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host sameuser all all md5\n", PG15, &client, &sure), -1);
    assert_int_equal(match("host \"all\" all all md5\n", PG15, &client, &sure), -1);
    assert_int_equal(match("host all Alice all md5\n", PG15, &client, &sure), -1);
    assert_int_equal(match("host other,app bob,alice all md5\n", PG15, &client, &sure), 0);
    assert_true(sure);
    assert_int_equal(match("host @list all all md5\n", PG15, &client, &sure), 0);
    assert_false(sure);
    assert_int_equal(match("host all /^al all md5\n", PG16, &client, &sure), 0);
    assert_false(sure);
    client.role = "app";
    assert_int_equal(match("host sameuser all all md5\n", PG15, &client, &sure), 0);
    client.database = NULL; /* any */
    assert_int_equal(match("host somedb all all md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host replication all all md5\n", PG15, &client, &sure), -1);
}

static void test_addresses(void **state)
{
    struct hba_client client = {.database = "app", .role = "alice", .address = "10.1.2.3"};
    bool sure;

    (void)state;
    assert_int_equal(match("host all all 10.0.0.0/8 md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host all all 10.1.2.2/31 md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host all all 10.1.2.4/31 md5\n", PG15, &client, &sure), -1);
    assert_int_equal(match("host all all 0.0.0.0/0 md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host all all ::/0 md5\n", PG15, &client, &sure), -1);
    assert_int_equal(match("host all all 10.1.0.0 255.255.0.0 md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host all all 10.2.0.0 255.255.0.0 md5\n", PG15, &client, &sure), -1);
    assert_true(sure);
    assert_int_equal(match("host all all db.example md5\n", PG15, &client, &sure), 0);
    assert_false(sure);
    assert_int_equal(match("host all all samenet md5\n", PG15, &client, &sure), 0);
    assert_false(sure);
    client.address = "127.0.0.1";
    assert_int_equal(match("host all all samehost md5\n", PG15, &client, &sure), 0);
    assert_true(sure);
    client.address = "10.0.0.0/8"; /* a range: does the line fit any of it? */
    assert_int_equal(match("host all all 10.9.0.0/16 md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host all all 0.0.0.0/0 md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host all all 11.0.0.0/8 md5\n", PG15, &client, &sure), -1);
    client.address = "all";
    assert_int_equal(match("host all all 11.0.0.0/8 md5\n", PG15, &client, &sure), 0);
    assert_true(sure);
    assert_int_equal(match("local all all peer\n", PG15, &client, &sure), -1);
    client.address = "fe80::/10";
    assert_int_equal(match("host all all fe80::1/128 md5\n", PG15, &client, &sure), 0);
    assert_int_equal(match("host all all fc00::/7 md5\n", PG15, &client, &sure), -1);
}

static void test_unsure(void **state)
{
    struct hba_client client = {.database = "app", .role = "alice", .address = "10.1.2.3"};
    bool sure;

    (void)state;
    assert_int_equal(match("include a.conf\nhost all all all md5\n", PG16, &client, &sure), 0);
    assert_false(sure);
    assert_int_equal(match("nonsense\nhost all all all md5\n", PG15, &client, &sure), 1);
    assert_false(sure);
    assert_int_equal(match("host all all all md5\ninclude a.conf\n", PG16, &client, &sure), 0);
    assert_true(sure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_debian), cmocka_unit_test(test_tls),
        cmocka_unit_test(test_names),  cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_unsure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
