/*
 * plan_guard.c - rules that lock everybody out, and a pgseal that is killed: the server itself puts
 * pg_hba.conf back. What another admin wrote meanwhile stays; what was kept stays.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/plan/step.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

#define LOCK_OUT "local all all reject\nhost all all all reject\n"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

static void nap(int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L};

    nanosleep(&time, NULL);
}

static void write_hba(const struct plan_box *box, const char *text)
{
    char *path = mem_printf("%s/pg_hba.conf", demo_data(box->demo));
    FILE *file = fopen(path, "w"); /* in place: owner and mode stay */

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static void hba_is(const struct plan_box *box, const char *text)
{
    struct plan_files now = plan_box_files(box);

    assert_string_equal(now.hba, text);
    plan_files_clear(&now);
}

/* All that a role or a database may do to a statement that waits, and to the names in it. */
static void make_hostile(struct plan_box *box)
{
    static const char *const statements[] = {
        "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'",
        "CREATE FUNCTION public.pg_sleep(float8) RETURNS void LANGUAGE sql AS 'SELECT'",
        "ALTER ROLE admin SET search_path = public, pg_catalog",
        "ALTER ROLE admin SET statement_timeout = '1s'",
        "ALTER ROLE admin SET default_transaction_read_only = on",
    };
    struct err err = ERR_INIT;

    if (pg_has(PG_CHECK_INTERVAL))
        must(conn_run(box->admin, "ALTER ROLE admin SET client_connection_check_interval = '100ms'",
                      &err),
             &err);
    for (size_t i = 0; i < ARRAY_LEN(statements); i++)
        must(conn_run(box->admin, statements[i], &err), &err);
}

/* The whole file from what it is to wanted, as a plan makes it. */
static struct plan *replace_rules(const struct plan_target *target, const char *wanted,
                                  int guard_seconds, struct err *err)
{
    struct plan *plan = plan_new(target, "access_rules", "replace all rules", err);
    struct strbuf old = STRBUF_INIT;
    struct strbuf new = STRBUF_INIT;

    if (plan) {
        strbuf_add_str(&new, wanted);
        if (!plan_read_rules(plan, &old, err) ||
            !plan_add_rules_file(plan, &old, &new, &new, "all rules", err)) {
            plan_free(plan);
            plan = NULL;
        } else {
            plan->guard_seconds = guard_seconds;
        }
    }
    strbuf_clear(&old);
    strbuf_clear(&new);
    return plan;
}

/* ---- a child that dies when everything is done and nothing is kept ---- */

static void apply_and_die(const struct plan_box *box, const char *wanted, int guard_seconds)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(box->demo), &err);
    struct plan_target target = box->target;
    struct plan *plan;

    target.store = store_open(demo_store(box->demo), STORE_WRITE, &err);
    target.admin = params ? conn_open(params, NULL, &err) : NULL;
    target.server = target.store ? server_load(target.store, "db1", &err) : NULL;
    if (!target.admin || !target.server)
        _exit(2);
    plan = replace_rules(&target, wanted, guard_seconds, &err);
    if (!plan || !plan_apply(plan, PLAN_ASK, NULL, &err)) {
        fprintf(stderr, "# %s\n", err.msg);
        _exit(3);
    }
    raise(SIGKILL);
}

static void run_child(struct plan_box *box, const char *wanted, int guard_seconds)
{
    struct err err = ERR_INIT;
    int status;
    pid_t pid;

    store_close(box->store); /* SQLite does not live through a fork */
    conn_close(box->admin);  /* the last one who could still repair it by hand */
    box->admin = NULL;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        apply_and_die(box, wanted, guard_seconds);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    box->store = store_open(demo_store(box->demo), STORE_WRITE, &err);
    must(box->store != NULL, &err);
    box->target.store = box->store;
}

static bool can_log_in(struct plan_box *box)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(box->demo), &err);

    conn_close(box->admin);
    box->admin = conn_open(params, NULL, &err);
    box->target.admin = box->admin;
    params_free(params);
    return box->admin != NULL;
}

static int count_guards(struct plan_box *box)
{
    struct err err = ERR_INIT;
    struct result *result = conn_exec(box->admin,
                                      "SELECT 1 FROM pg_stat_activity"
                                      " WHERE application_name LIKE 'pgseal guard %'",
                                      0, NULL, &err);
    int n;

    must(result != NULL, &err);
    n = result_rows(result);
    result_free(result);
    return n;
}

static void undo_open_plan(struct plan_box *box)
{
    struct journal_plan_list list = {.n = 0};
    enum journal_plan_state ended = JOURNAL_READY;
    struct err err = ERR_INIT;

    must(journal_open_plans(box->store, &list, &err), &err);
    assert_int_equal(list.n, 1);
    must(plan_undo_journalled(&box->target, list.rows[0]->id, &box->watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    journal_plan_list_clear(&list);
}

static void test_locked_out_and_killed(void **state)
{
    static const char text[] = "# gepr\xfc"
                               "ft, a backslash \\t\r\n"
                               "local\tall\tall\ttrust\r\n"
                               "host\tall\tall\t127.0.0.1/32\tscram-sha-256 # B\xfcro";
    struct plan_box box;

    (void)state;
    plan_box_open(&box);
    make_hostile(&box);
    write_hba(&box, text);
    run_child(&box, LOCK_OUT, 4);
    hba_is(&box, LOCK_OUT);
    assert_false(can_log_in(&box)); /* nobody gets in any more */
    for (int i = 0; i < 100 && !can_log_in(&box); i++)
        nap(100);
    assert_true(can_log_in(&box));
    hba_is(&box, text); /* byte for byte */
    assert_int_equal(count_guards(&box), 0);
    undo_open_plan(&box); /* what is left to do: the journal, and the copy */
    assert_int_equal(plan_box_count_files(&box, "pgseal-"), 0);
    hba_is(&box, text);
    plan_box_restart(&box);
    plan_box_close(&box);
}

static void test_other_admin_is_spared(void **state)
{
    static const char ours[] = "local all all trust\n";
    static const char theirs[] = "# mine now\nlocal all all trust\n";
    struct plan_box box;

    (void)state;
    plan_box_open(&box);
    run_child(&box, ours, 2);
    write_hba(&box, theirs);
    assert_true(can_log_in(&box));
    assert_int_equal(count_guards(&box), 1); /* the other pgseal is dead, its guard is not */
    for (int i = 0; i < 100 && count_guards(&box) > 0; i++)
        nap(100);
    assert_int_equal(count_guards(&box), 0);
    hba_is(&box, theirs);
    plan_box_close(&box);
}

static void test_kept_in_time(void **state)
{
    static const char wanted[] = "local all all trust\n";
    struct plan_box box;
    struct plan *plan;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    plan = replace_rules(&box.target, wanted, 3, &err);
    must(plan != NULL, &err);
    must(plan_apply(plan, PLAN_ASK, NULL, &err), &err);
    assert_int_equal(plan_state(plan), JOURNAL_DONE);
    assert_int_equal(count_guards(&box), 1);
    assert_true(plan_deadline_ms(plan) > clock_mono_ms());
    assert_true(plan_deadline_ms(plan) < clock_mono_ms() + 3000); /* ahead of the guard */
    must(plan_keep(plan, &err), &err);
    assert_int_equal(count_guards(&box), 0);
    nap(3500);
    hba_is(&box, wanted);
    plan_free(plan);
    plan_box_close(&box);
}

static void test_kept_too_late(void **state)
{
    struct plan_box box;
    struct plan_files before;
    struct plan *plan;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    before = plan_box_files(&box);
    plan = replace_rules(&box.target, "local all all trust\n", 1, &err);
    must(plan != NULL, &err);
    must(plan_apply(plan, PLAN_ASK, NULL, &err), &err);
    nap(1800);
    plan_box_same_files(&box, &before);
    assert_false(plan_keep(plan, &err));
    assert_int_equal(err.code, ERR_PROOF);
    must(plan_undo(plan, NULL, &err), &err);
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    plan_box_same_files(&box, &before);
    plan_free(plan);
    plan_files_clear(&before);
    plan_box_close(&box);
}

static void test_kept_from_elsewhere(void **state)
{
    static const char wanted[] = "local all all trust\n";
    struct plan_box box;
    struct plan *plan;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    plan = replace_rules(&box.target, wanted, 0, &err);
    must(plan != NULL, &err);
    must(plan_apply(plan, PLAN_ASK, NULL, &err), &err);
    must(plan_keep_journalled(&box.target, plan_id(plan), &err), &err);
    assert_int_equal(count_guards(&box), 0);
    assert_int_equal(plan_state(plan), JOURNAL_DONE); /* it does not know yet */
    assert_false(plan_undo(plan, NULL, &err));        /* too late: kept is kept */
    assert_int_equal(plan_state(plan), JOURNAL_KEPT);
    hba_is(&box, wanted);
    must(plan_refresh(plan, &err), &err);
    assert_int_equal(plan_state(plan), JOURNAL_KEPT);
    plan_free(plan);
    plan_box_close(&box);
}

/* Each admin has a role of his own: one arms the guard, another one says "keep". */
static void test_kept_by_another_role(void **state)
{
    static const char wanted[] = "local all all trust\n";
    struct plan_box box;
    struct plan_target target;
    struct params *params;
    struct conn *other;
    struct plan *plan;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    must(conn_run(box.admin, "CREATE ROLE second LOGIN SUPERUSER", &err), &err);
    write_hba(&box, wanted);
    must(settings_reload(box.admin, &err), &err);
    params = params_parse(demo_admin_conninfo(box.demo), &err);
    must(params != NULL, &err);
    params_set(params, "user", "second");
    other = conn_open(params, NULL, &err);
    must(other != NULL, &err);
    plan = replace_rules(&box.target, "# ours\nlocal all all trust\n", 0, &err);
    must(plan != NULL, &err);
    must(plan_apply(plan, PLAN_ASK, NULL, &err), &err);
    target = box.target;
    target.admin = other;
    must(plan_keep_journalled(&target, plan_id(plan), &err), &err);
    assert_int_equal(count_guards(&box), 0);
    conn_close(other);
    params_free(params);
    plan_free(plan);
    plan_box_close(&box);
}

/* The name of an application is for all to see, and anybody may take it too. */
static void test_a_name_that_others_take_too(void **state)
{
    static const char wanted[] = "local all all trust\nhost all mallory all reject\n";
    struct plan_box box;
    struct plan *plan;
    struct params *params;
    struct conn *other;
    struct conn_options options = {.application_name = NULL};
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    must(conn_run(box.admin, "CREATE ROLE mallory LOGIN", &err), &err);
    write_hba(&box, "local all all trust\n");
    must(settings_reload(box.admin, &err), &err);
    plan = replace_rules(&box.target, wanted, 0, &err);
    must(plan != NULL, &err);
    for (size_t i = 0; i < plan->n; i++)
        if (strcmp(plan->steps[i].kind, "guard") == 0)
            options.application_name = step_text(&plan->steps[i], "name");
    assert_non_null(options.application_name);
    params = params_parse(demo_admin_conninfo(box.demo), &err);
    must(params != NULL, &err);
    params_set(params, "user", "mallory");
    other = conn_open(params, &options, &err);
    must(other != NULL, &err);
    must(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, NULL, &err), &err);
    hba_is(&box, wanted);
    must(conn_run(other, "SELECT 1", &err), &err); /* the session was none of ours to end */
    conn_close(other);
    params_free(params);
    plan_free(plan);
    plan_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locked_out_and_killed),
        cmocka_unit_test(test_other_admin_is_spared),
        cmocka_unit_test(test_kept_in_time),
        cmocka_unit_test(test_kept_too_late),
        cmocka_unit_test(test_kept_from_elsewhere),
        cmocka_unit_test(test_kept_by_another_role),
        cmocka_unit_test(test_a_name_that_others_take_too),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
