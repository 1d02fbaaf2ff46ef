/* store_journal.c - plans and steps: recorded, moved on, found open after a kill. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/store/journal.h"
#include "tests/harness/store_box.h"

static struct err err;

static struct journal_plan *a_plan(const char *server, size_t n_steps)
{
    struct journal_plan *plan = mem_zalloc(sizeof(*plan));

    plan->server = mem_strdup(server);
    plan->system_identifier = mem_strdup("73");
    plan->title = mem_strdup("give it the CA");
    plan->intent = mem_strdup("{\"kind\":\"trust_ca\"}");
    plan->steps = mem_array(n_steps, sizeof(*plan->steps));
    plan->n_steps = n_steps;
    for (size_t i = 0; i < n_steps; i++) {
        plan->steps[i].n = (int)i + 1;
        plan->steps[i].kind = mem_strdup("setting");
        plan->steps[i].title = mem_strdup("ssl_ca_file");
        plan->steps[i].data = mem_strdup("{\"before\":\"\"}");
    }
    return plan;
}

static void test_round_trip(void **state)
{
    struct box *box = *state;
    struct journal_plan *plan = a_plan("db1", 3);
    struct journal_plan *read;

    BOX_OK(journal_add(box->store, plan, &err));
    assert_true(plan->id > 0);
    box_set_now(BOX_NOW + 5);
    BOX_OK(journal_set_step(box->store, plan->id, 2, JOURNAL_STEP_DOING, "{\"after\":1}", &err));
    BOX_OK(journal_set_step(box->store, plan->id, 2, JOURNAL_STEP_DONE, NULL, &err));
    BOX_OK(journal_set_plan(box->store, plan->id, JOURNAL_DOING, &err));
    box_reopen(box, STORE_READ);
    read = journal_load(box->store, plan->id, &err);
    assert_non_null(read);
    assert_string_equal(read->server, "db1");
    assert_string_equal(read->system_identifier, "73");
    assert_string_equal(read->intent, "{\"kind\":\"trust_ca\"}");
    assert_int_equal(read->state, JOURNAL_DOING);
    assert_int_equal(read->created_at, BOX_NOW);
    assert_int_equal(read->ended_at, 0);
    assert_int_equal(read->n_steps, 3);
    assert_int_equal(read->steps[0].state, JOURNAL_STEP_OPEN);
    assert_int_equal(read->steps[1].n, 2);
    assert_int_equal(read->steps[1].state, JOURNAL_STEP_DONE);
    assert_string_equal(read->steps[1].data, "{\"after\":1}");
    assert_string_equal(read->steps[2].data, "{\"before\":\"\"}");
    journal_plan_free(read);
    box_reopen(box, STORE_WRITE);
    BOX_OK(journal_set_plan(box->store, plan->id, JOURNAL_KEPT, &err));
    read = journal_load(box->store, plan->id, &err);
    assert_int_equal(read->ended_at, BOX_NOW + 5);
    journal_plan_free(read);
    journal_plan_free(plan);
}

static void test_unknown(void **state)
{
    struct box *box = *state;

    assert_null(journal_load(box->store, 7, &err));
    box_assert_err(&err, ERR_PLAN_UNKNOWN);
    assert_false(journal_set_plan(box->store, 7, JOURNAL_KEPT, &err));
    box_assert_err(&err, ERR_PLAN_UNKNOWN);
    assert_false(journal_set_step(box->store, 7, 1, JOURNAL_STEP_DONE, NULL, &err));
    box_assert_err(&err, ERR_PLAN_UNKNOWN);
}

/* A plan whose second step cannot be stored is not there at all. */
static void test_all_or_nothing(void **state)
{
    struct box *box = *state;
    struct journal_plan *plan = a_plan("db1", 2);
    struct journal_plan_list list;

    plan->steps[1].n = 1;
    assert_false(journal_add(box->store, plan, &err));
    box_assert_err(&err, ERR_STORE);
    assert_int_equal(plan->id, 0);
    BOX_OK(journal_list(box->store, NULL, 0, &list, &err));
    assert_int_equal(list.n, 0);
    journal_plan_list_clear(&list);
    journal_plan_free(plan);
}

static void test_lists(void **state)
{
    static const enum journal_plan_state states[] = {
        JOURNAL_READY,  JOURNAL_DOING,  JOURNAL_DONE, JOURNAL_KEPT,
        JOURNAL_UNDONE, JOURNAL_FAILED, JOURNAL_LEFT,
    };
    static const enum journal_plan_state open[] = {JOURNAL_LEFT, JOURNAL_DONE, JOURNAL_DOING};
    struct box *box = *state;
    struct journal_plan_list list;

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct journal_plan *plan = a_plan(i % 2 == 0 ? "db1" : "db2", 1);

        BOX_OK(journal_add(box->store, plan, &err));
        BOX_OK(journal_set_plan(box->store, plan->id, states[i], &err));
        journal_plan_free(plan);
    }
    BOX_OK(journal_open_plans(box->store, &list, &err));
    assert_int_equal(list.n, ARRAY_LEN(open));
    for (size_t i = 0; i < list.n; i++) {
        assert_int_equal(list.rows[i]->state, open[i]);
        assert_int_equal(list.rows[i]->n_steps, 1);
    }
    journal_plan_list_clear(&list);
    BOX_OK(journal_list(box->store, "db2", 0, &list, &err));
    assert_int_equal(list.n, 3);
    assert_int_equal(list.rows[0]->state, JOURNAL_FAILED); /* newest first */
    journal_plan_list_clear(&list);
    BOX_OK(journal_list(box->store, NULL, 2, &list, &err));
    assert_int_equal(list.n, 2);
    assert_int_equal(list.rows[0]->state, JOURNAL_LEFT);
    journal_plan_list_clear(&list);
}

static void test_state_names(void **state)
{
    (void)state;
    assert_string_equal(journal_plan_state_name(JOURNAL_READY), "ready");
    assert_string_equal(journal_plan_state_name(JOURNAL_LEFT), "left");
    assert_string_equal(journal_step_state_name(JOURNAL_STEP_SKIPPED), "skipped");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip), TEST(test_unknown),     TEST(test_all_or_nothing),
        TEST(test_lists),      TEST(test_state_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
