/* store_history.c - the log: newest first, by server, time and text, a page at a time. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/store/history.h"
#include "core/store/journal.h"
#include "core/store/server.h"
#include "core/store/sql.h"
#include "tests/harness/store_box.h"

static struct err err;

static void note(struct box *box, const char *act, const char *object, const char *detail)
{
    BOX_OK(store_note(box->store, act, object, detail, &err));
}

/* The objects of the rows that fit, with blanks between. */
static void assert_rows(struct box *box, const struct history_filter *filter, const char *expected)
{
    struct strbuf got = STRBUF_INIT;
    struct history history;

    BOX_OK(history_list(box->store, filter, &history, &err));
    for (size_t i = 0; i < history.n; i++)
        strbuf_printf(&got, "%s%s", i > 0 ? " " : "", history.rows[i].object);
    assert_string_equal(got.data, expected);
    strbuf_clear(&got);
    history_clear(&history);
}

static void test_time_and_text(void **state)
{
    struct history_filter all = {.limit = 0};
    struct history_filter some = {.limit = 2};
    struct history history;

    assert_rows(*state, &all, "");
    note(*state, "issue", "4711", "client \"alice\" by \"lab\"");
    box_set_now(BOX_NOW + CLOCK_DAY);
    note(*state, "revoke", "4712", "\"100%_bob\"");
    box_set_now(BOX_NOW + 2 * CLOCK_DAY);
    note(*state, "ca create", "lab", NULL);
    assert_rows(*state, &all, "lab 4712 4711");
    assert_rows(*state, &some, "lab 4712");

    BOX_OK(history_list(((struct box *)*state)->store, &some, &history, &err));
    assert_true(history.rows[0].who[0] != '\0');
    assert_string_equal(history.rows[0].detail, "");
    some.before = history.rows[1].id;
    history_clear(&history);
    assert_rows(*state, &some, "4711"); /* the next page */

    assert_rows(*state, &(struct history_filter){.from = BOX_NOW + CLOCK_DAY}, "lab 4712");
    assert_rows(*state, &(struct history_filter){.to = BOX_NOW + CLOCK_DAY}, "4712 4711");
    assert_rows(*state, &(struct history_filter){.from = BOX_NOW + 1, .to = BOX_NOW + CLOCK_DAY},
                "4712");
    assert_rows(*state, &(struct history_filter){.search = "471"}, "4712 4711");
    assert_rows(*state, &(struct history_filter){.search = "ca"}, "lab");
    assert_rows(*state, &(struct history_filter){.search = "alice"}, "4711");
    assert_rows(*state, &(struct history_filter){.search = "%_"}, "4712"); /* no pattern */
    assert_rows(*state, &(struct history_filter){.search = "' OR 1=1 --"}, "");
    assert_false(history_list(((struct box *)*state)->store,
                              &(struct history_filter){.limit = 2000000}, &history, &err));
    box_assert_err(&err, ERR_BAD_VALUE);
}

static void test_server(void **state)
{
    struct journal_plan plan = {.server = (char *)(uintptr_t) "db1",
                                .system_identifier = (char *)(uintptr_t) "1",
                                .title = (char *)(uintptr_t) "trust lab",
                                .intent = (char *)(uintptr_t) "{}"};
    struct history_filter filter = {.server = "DB1"};
    struct box *box = *state;
    struct history history;

    note(box, "ca create", "db1", NULL); /* a CA of that name is not the server */
    note(box, "server add", "db1", "host=db1");
    note(box, "server add", "db2", "host=db2");
    BOX_OK(journal_add(box->store, &plan, &err));
    BOX_OK(journal_set_plan(box->store, plan.id, JOURNAL_KEPT, &err));
    note(box, "plan kept", "db1", "trust lab");
    note(box, "plan state", "999", "kept"); /* of a plan that is not there */
    BOX_OK(history_list(box->store, &filter, &history, &err));
    for (size_t i = 0; i < history.n; i++)
        assert_true(strcmp(history.rows[i].object, "db1") == 0 ||
                    strcmp(history.rows[i].act, "plan state") == 0);
    assert_int_equal(history.n, 4);
    assert_string_equal(history.rows[0].act, "plan kept");
    assert_string_equal(history.rows[3].act, "server add");
    history_clear(&history);
    filter.server = "db2";
    assert_rows(box, &filter, "db2");
    filter.server = "db3";
    assert_rows(box, &filter, "");
}

/* Nobody shortens or changes it, whatever the program does. */
static void test_it_stays(void **state)
{
    struct box *box = *state;

    note(box, "issue", "4711", NULL);
    assert_false(sql_exec(box->store, "DELETE FROM log", &err));
    box_assert_err(&err, ERR_STORE);
    assert_false(sql_exec(box->store, "UPDATE log SET who = 'nobody'", &err));
    box_assert_err(&err, ERR_STORE);
    assert_rows(box, &(struct history_filter){.limit = 0}, "4711");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_time_and_text),
        TEST(test_server),
        TEST(test_it_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
