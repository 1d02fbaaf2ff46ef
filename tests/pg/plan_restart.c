/*
 * plan_restart.c - the server restarts between any two steps of a change of its rules: the change is
 * taken back by a new connection, or was kept; never something between, and the admin can log in.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

struct fuse {
    struct plan_box *box;
    int left;
};

static void burn(void *arg, const struct plan_step_view *step)
{
    struct fuse *fuse = arg;
    struct err err = ERR_INIT;

    (void)step;
    if (--fuse->left == 0)
        must(demo_restart(fuse->box->demo, &err), &err);
}

/* True when the change was kept: the restart came after the last step. */
static bool apply_with_restart(struct plan_box *box, int at, const struct plan_files *before)
{
    static const char *const roles[] = {"alice"};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "127.0.0.1",
                                         .method = ACCESS_CERT};
    struct fuse fuse = {.box = box, .left = at};
    struct plan_watch watch = {.step = burn, .arg = &fuse};
    struct journal_plan_list open = {.n = 0};
    struct err err = ERR_INIT;
    struct plan *plan = plan_access_rules(&box->target, &intent, &err);
    enum journal_plan_state state;
    bool kept;

    must(plan != NULL, &err);
    kept = plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, &err);
    state = plan_state(plan);
    plan_free(plan);
    if (kept)
        return true;
    if (state != JOURNAL_UNDONE && state != JOURNAL_FAILED)
        fail_msg("restart at report %d: state %s, %s / %s", at, journal_plan_state_name(state),
                 err.msg, err.state);
    must(journal_open_plans(box->store, &open, &err), &err);
    assert_int_equal(open.n, 0);
    journal_plan_list_clear(&open);
    plan_box_restart(box); /* it starts again, and the admin gets in */
    plan_box_same_files(box, before);
    return false;
}

static void test_restarted_everywhere(void **state)
{
    struct plan_box box;
    struct plan_files before;
    size_t n_files;
    int n = 0;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    plan_box_trust(&box);
    before = plan_box_files(&box);
    n_files = plan_box_count_files(&box, "pgseal-");
    while (!apply_with_restart(&box, ++n, &before))
        assert_int_equal(plan_box_count_files(&box, "pgseal-"), n_files);
    assert_true(n > 8);
    plan_files_clear(&before);
    plan_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restarted_everywhere),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
