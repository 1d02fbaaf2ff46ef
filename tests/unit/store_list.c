/*
 * store_list.c - lists of certificates: what fits, in which order, and at what cost.
 *
 * The cost is counted in steps of SQLite's virtual machine, not in time: the same on any machine.
 */
#include "config.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/store/revoked.h"
#include "core/store/sql.h"
#include "tests/harness/store_box.h"

static struct err err;

struct fixture {
    struct box box;
    struct authority *one;
    struct authority *two;
};

static int group_setup(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));

    box_open(&fixture->box);
    fixture->one = box_authority(&fixture->box, "One", NULL);
    fixture->two = box_authority(&fixture->box, "Two", NULL);
    *state = fixture;
    return 0;
}

static int group_teardown(void **state)
{
    struct fixture *fixture = *state;

    authority_free(fixture->one);
    authority_free(fixture->two);
    box_close(&fixture->box);
    free(fixture);
    return 0;
}

/* One row with chosen columns; the certificate itself is a canary's, whose text nobody looks at. */
static void add(struct fixture *fixture, int authority, const char *role, const char *serial_hex,
                int days, bool revoked)
{
    char *text = mem_printf(
        "INSERT INTO issued (authority_id, kind, role, serial, not_before, not_after, created_at,"
        " revoked_at, cert) SELECT %d, 0, '%s', x'%s', 0, %lld, 0, %s, cert FROM issued"
        " WHERE id = 1",
        authority, role, serial_hex, (long long)(BOX_NOW + days * CLOCK_DAY),
        revoked ? "1795298000" : "NULL");

    BOX_OK(sql_exec(fixture->box.store, text, &err));
    free(text);
}

/* "role role role/total" of a list. */
static void check(struct fixture *fixture, struct issued_filter filter, const char *expected)
{
    struct strbuf got = STRBUF_INIT;
    struct issued_list list;

    BOX_OK(issued_list(fixture->box.store, &filter, &list, &err));
    for (size_t i = 0; i < list.n; i++)
        strbuf_printf(&got, "%s%s", i > 0 ? " " : "", list.rows[i]->role);
    strbuf_printf(&got, "/%lld", (long long)list.total);
    assert_string_equal(got.data, expected);
    strbuf_clear(&got);
    issued_list_clear(&list);
}

/* A filter; EVERY() is one for all states. */
#define FILTER(...)                                                                                \
    (struct issued_filter)                                                                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define EVERY(...) FILTER(.state = -1, __VA_ARGS__)

static void test_filters(void **state)
{
    struct fixture *fixture = *state;

    check(fixture, EVERY(.limit = 10), "/0");
    add(fixture, 1, "alice", "40000000000000000000000000000001", 100, false);
    add(fixture, 1, "bob", "40000000000000000000000000000002", 10, false);
    add(fixture, 2, "carol", "5abc0000000000000000000000000003", -10, false);
    add(fixture, 2, "bob", "5abd0000000000000000000000000004", 200, true);
    add(fixture, 2, "bobby", "0a11", 40, false);
    add(fixture, 1, "a11y", "7fff0000000000000000000000000006", 300, false);

    check(fixture, EVERY(.limit = 0), "a11y bobby bob carol bob alice/6");
    check(fixture, EVERY(.limit = 2), "a11y bobby/6");
    check(fixture, EVERY(.limit = 2, .offset = 5), "alice/6");
    check(fixture, EVERY(.authority = "One"), "a11y bob alice/3");
    check(fixture, EVERY(.authority = "two", .limit = 1), "bobby/3");
    check(fixture, EVERY(.role = "bob"), "bob bob/2");
    check(fixture, EVERY(.role = "bob", .authority = "One"), "bob/1");
    check(fixture, FILTER(.state = ISSUED_VALID), "bobby alice a11y/3"); /* soonest end first */
    check(fixture, FILTER(.state = ISSUED_VALID, .within_days = 50), "alice a11y/2");
    check(fixture, FILTER(.state = ISSUED_EXPIRING), "bob/1");
    check(fixture, FILTER(.state = ISSUED_EXPIRING, .within_days = 50), "bob bobby/2");
    check(fixture, FILTER(.state = ISSUED_EXPIRED), "carol/1");
    check(fixture, FILTER(.state = ISSUED_REVOKED), "bob/1"); /* not the canaries */
    check(fixture, FILTER(.state = ISSUED_REVOKED, .authority = "One"), "/0");
    check(fixture, FILTER(.state = ISSUED_EXPIRED, .authority = "One"), "/0");
    check(fixture, EVERY(.with_canaries = true, .limit = 1), "a11y/10");

    check(fixture, EVERY(.search = "bob"), "bob bob bobby/3");
    check(fixture, EVERY(.search = "bob", .offset = 2), "bobby/3");
    check(fixture, EVERY(.search = "5ab"), "carol bob/2");
    check(fixture, EVERY(.search = "5abd"), "bob/1");
    check(fixture, EVERY(.search = "a11"), "a11y bobby/2"); /* a role, and a serial number */
    check(fixture, EVERY(.search = "a11", .limit = 1), "a11y/2");
    check(fixture, EVERY(.search = "a11", .limit = 1, .offset = 1), "bobby/2");
    check(fixture, EVERY(.search = "a1"), "a11y bobby/2");
    check(fixture, EVERY(.search = "a112"), "/0");
    check(fixture, EVERY(.search = "%"), "/0");
    check(fixture, EVERY(.search = "' OR 1"), "/0");
    check(fixture, FILTER(.search = "bob", .state = ISSUED_REVOKED), "bob/1");
    check(fixture, EVERY(.no_total = true, .limit = 1), "a11y/-1");
    check(fixture, EVERY(.search = "bob", .no_total = true, .offset = 1), "bob bobby/-1");
}

/* Subjects, notes, decimal numbers, times, orders: rows that the other tests do not count. */
static void test_more_filters(void **state)
{
    static const char *const rows[] = {
        "'zoe', 'CN=zoe, O=Acme', 'payroll', x'0123456789', 100, 500000",
        "'zack', 'O=Acme, CN=zack', NULL, x'01e240', 300, 400000",        /* 123456 */
        "'zara', 'CN=zara', 'pay day', x'1234560000000000', 200, 300000", /* 1311767326...*/
    };
    struct box box;
    struct fixture inner = {.one = NULL};

    (void)state;
    box_open(&box);
    authority_free(box_authority(&box, "Three", NULL));
    inner.box = box;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = mem_printf(
            "INSERT INTO issued (authority_id, kind, role, subject, note, serial, created_at,"
            " not_after, not_before, cert) SELECT 1, 0, %s, 0, cert FROM issued WHERE id = 1",
            rows[i]);

        BOX_OK(sql_exec(box.store, text, &err));
        free(text);
    }
    check(&inner, EVERY(.subject = "CN=z"), "zara zoe/2");
    check(&inner, EVERY(.subject = "CN=zo"), "zoe/1");
    check(&inner, EVERY(.note = "pay"), "zara zoe/2");
    check(&inner, EVERY(.note = "pay", .subject = "CN=zo"), "zoe/1");
    check(&inner, EVERY(.search = "CN=z"), "zara zoe/2");
    check(&inner, EVERY(.search = "O=Ac"), "zack/1");
    check(&inner, EVERY(.search = "pay"), "zara zoe/2");
    check(&inner, EVERY(.search = "123456"), "zara zoe zack/3"); /* hex, hex, decimal */
    check(&inner, EVERY(.search = "12345"), "zara zoe/2");       /* too short for decimal */
    check(&inner, EVERY(.search = "1311767"), "zara/1");
    check(&inner, FILTER(.search = "1311767", .state = ISSUED_REVOKED), "/0");
    check(&inner, EVERY(.made_from = 150), "zack zara/2");
    check(&inner, EVERY(.made_from = 150, .made_to = 200), "zara/1");
    check(&inner, EVERY(.made_to = 99), "/0");
    check(&inner, EVERY(.ends_from = 300000, .ends_to = 400000), "zara zack/2");
    check(&inner, EVERY(.ends_from = 300001), "zack zoe/2");
    check(&inner, EVERY(.sort = ISSUED_SORT_OLD), "zoe zack zara/3");
    check(&inner, EVERY(.sort = ISSUED_SORT_ROLE), "zack zara zoe/3");
    check(&inner, EVERY(.sort = ISSUED_SORT_ENDS), "zara zack zoe/3");
    check(&inner, EVERY(.sort = ISSUED_SORT_ENDS, .made_from = 150), "zara zack/2");
    box_close(&box);
}

static void test_bad_filters(void **state)
{
    struct fixture *fixture = *state;
    struct issued_list list;

    assert_false(issued_list(fixture->box.store, &EVERY(.authority = "Nobody"), &list, &err));
    box_assert_err(&err, ERR_CA_UNKNOWN);
    assert_false(issued_list(fixture->box.store, &EVERY(.offset = -1), &list, &err));
    box_assert_err(&err, ERR_BAD_VALUE);
    assert_false(issued_list(fixture->box.store, &EVERY(.limit = 1000000000), &list, &err));
    box_assert_err(&err, ERR_BAD_VALUE);
}

static int count_step(void *steps)
{
    ++*(int64_t *)steps;
    return 0;
}

/* What a list costs, in steps of SQLite's machine. */
static int64_t cost(struct fixture *fixture, struct issued_filter filter)
{
    struct issued_list list;
    int64_t steps = 0;

    sqlite3_progress_handler(store_db(fixture->box.store), 1, count_step, &steps);
    BOX_OK(issued_list(fixture->box.store, &filter, &list, &err));
    sqlite3_progress_handler(store_db(fixture->box.store), 0, NULL, NULL);
    issued_list_clear(&list);
    return steps;
}

static void fill(struct fixture *fixture, int64_t from, int64_t to)
{
    /* a third ended, a third revoked, the rest valid; two CAs; ten roles with a hundredth each */
    char *text = mem_printf(
        "WITH RECURSIVE n (i) AS (SELECT %lld UNION ALL SELECT i + 1 FROM n WHERE i < %lld)"
        " INSERT INTO issued (authority_id, kind, role, subject, serial, not_before, not_after,"
        " created_at, revoked_at, cert) SELECT 1 + i %% 2, 0, printf('role%%06d', i),"
        " printf('CN=role%%06d', i),"
        " randomblob(16), 0, %lld + (i %% 300 - 100) * 86400, 0,"
        " CASE WHEN i %% 3 = 0 THEN 1795298000 + i %% 100 END, x.cert FROM n, issued AS x"
        " WHERE x.id = 1",
        (long long)from, (long long)to - 1, (long long)BOX_NOW);

    BOX_OK(sql_exec(fixture->box.store, text, &err));
    free(text);
}

static void test_cost_does_not_grow(void **state)
{
    struct fixture *fixture = *state;
    const struct issued_filter filters[] = {
        EVERY(.limit = 20),
        EVERY(.limit = 20, .authority = "One"),
        EVERY(.limit = 20, .role = "role000123"),
        EVERY(.limit = 20, .search = "role0001"),
        EVERY(.limit = 20, .search = "4", .no_total = true),
        FILTER(.limit = 20, .state = ISSUED_VALID, .no_total = true),
        FILTER(.limit = 20, .state = ISSUED_VALID, .no_total = true, .authority = "Two"),
        FILTER(.limit = 20, .state = ISSUED_EXPIRING, .no_total = true),
        FILTER(.limit = 20, .state = ISSUED_EXPIRED, .no_total = true),
        FILTER(.limit = 20, .state = ISSUED_EXPIRED, .no_total = true, .authority = "One"),
        FILTER(.limit = 20, .state = ISSUED_REVOKED),
        FILTER(.limit = 20, .state = ISSUED_REVOKED, .authority = "Two"),
        EVERY(.limit = 20, .subject = "CN=role000", .no_total = true),
        EVERY(.limit = 20, .search = "CN=role0001"),
        EVERY(.limit = 20, .search = "12345678", .no_total = true),
        EVERY(.limit = 20, .note = "nothing"),
        EVERY(.limit = 20, .sort = ISSUED_SORT_ROLE),
        EVERY(.limit = 20, .sort = ISSUED_SORT_ENDS),
        EVERY(.limit = 20, .sort = ISSUED_SORT_OLD),
        EVERY(.limit = 20, .ends_from = BOX_NOW, .no_total = true),
        EVERY(.limit = 20, .made_from = 1, .no_total = true),
        FILTER(.limit = 20, .search = "role00", .state = ISSUED_REVOKED, .no_total = true),
    };
    int64_t small[ARRAY_LEN(filters)];

    fill(fixture, 0, 1000);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        small[i] = cost(fixture, filters[i]);
    fill(fixture, 1000, 100000);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        int64_t large = cost(fixture, filters[i]);

        if (large > small[i] + small[i] / 2)
            fail_msg("list %zu costs %lld steps with 1,000 rows, %lld with 100,000", i,
                     (long long)small[i], (long long)large);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_more_filters),
        cmocka_unit_test(test_bad_filters),
        cmocka_unit_test(test_cost_does_not_grow),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
