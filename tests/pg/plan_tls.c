/* plan_tls.c - TLS on a fresh server, by reload; taken back whole when it fails. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/store/revoked.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

static const char *const hosts[] = {"localhost", "127.0.0.1"};

static struct plan *make(struct plan_box *box)
{
    struct server_tls_intent intent = {
        .authority = box->ca, .authority_key = box->ca_key, .hosts = hosts, .n_hosts = 2};
    struct err err = ERR_INIT;
    struct plan *plan = plan_server_tls(&box->target, &intent, &err);

    if (!plan)
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    return plan;
}

static void test_from_off_to_on(void **state)
{
    struct plan_box box;
    struct handshake seen;
    struct plan *plan;
    struct strbuf script = STRBUF_INIT;
    struct issued *issued;
    struct err err = ERR_INIT;
    char *value;

    (void)state;
    plan_box_open(&box);
    seen = plan_box_handshake(&box);
    assert_int_equal(seen.verdict, HANDSHAKE_NO_TLS);
    handshake_clear(&seen);

    plan = make(&box);
    assert_false(plan_nothing_to_do(plan));
    assert_int_equal(plan_count(plan), 8);
    assert_int_equal(plan_step(plan, 0).mark, PLAN_NEW);
    assert_int_equal(plan_step(plan, 5).mark, PLAN_ACT);
    plan_script(plan, &script);
    assert_non_null(strstr(script.data, "ALTER SYSTEM SET ssl = "));
    assert_null(strstr(script.data, "PRIVATE KEY-----"));
    strbuf_clear(&script);
    assert_int_equal(plan_box_count_files(&box, "pgseal-"), 0); /* nothing before apply */
    plan_box_keep(&box, plan);
    plan_box_saw(&box, "the new server certificate, chain complete");
    plan_box_saw(&box, "a new admin login works");

    value = plan_box_value(&box, "ssl");
    assert_string_equal(value, "on");
    free(value);
    seen = plan_box_handshake(&box);
    assert_int_equal(seen.verdict, HANDSHAKE_ACCEPTED);
    assert_int_equal(seen.chain.n, 1);
    assert_true(cert_issued_by(seen.chain.certs[0], box.ca->cert));
    handshake_clear(&seen);
    issued = issued_find(box.store, "localhost", &err); /* recorded: it can be revoked */
    assert_non_null(issued);
    assert_int_equal(issued->kind, ISSUED_SERVER);
    assert_true(issued->delivered);
    issued_free(issued);
    plan_box_restart(&box);
    seen = plan_box_handshake(&box);
    assert_int_equal(seen.verdict, HANDSHAKE_ACCEPTED);
    handshake_clear(&seen);

    plan = make(&box); /* again: nothing to do */
    assert_true(plan_nothing_to_do(plan));
    assert_int_equal(plan_box_keep(&box, plan), 0);
    plan_box_close(&box);
}

static void test_undo_of_a_kept_one(void **state)
{
    struct plan_box box;
    struct plan_files before;
    enum journal_plan_state ended;
    struct handshake seen;
    struct err err = ERR_INIT;
    int64_t id;

    (void)state;
    plan_box_open(&box);
    before = plan_box_files(&box);
    id = plan_box_keep(&box, make(&box));
    if (!plan_undo_journalled(&box.target, id, &box.watch, &ended, &err))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    assert_int_equal(ended, JOURNAL_UNDONE);
    plan_box_same_files(&box, &before);
    assert_int_equal(plan_box_count_files(&box, "pgseal-"), 0);
    seen = plan_box_handshake(&box);
    assert_int_equal(seen.verdict, HANDSHAKE_NO_TLS);
    handshake_clear(&seen);
    plan_box_saw(&box, "speaks no TLS, as before");
    assert_false(plan_undo_journalled(&box.target, id, NULL, &ended, &err));
    assert_int_equal(err.code, ERR_NOTHING_TO_UNDO);
    plan_files_clear(&before);
    plan_box_close(&box);
}

/* The way back, weeks later: not to one that was revoked meanwhile. */
static void test_back_to_a_former_one(void **state)
{
    struct plan_box box;
    struct server_again_intent again;
    struct handshake seen;
    struct issued *issued;
    struct plan *plan;
    struct crl *crl;
    struct err err = ERR_INIT;
    char *cert_file, *key_file;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    cert_file = plan_box_value(&box, "ssl_cert_file");
    key_file = plan_box_value(&box, "ssl_key_file");
    seen = plan_box_handshake(&box);
    again = (struct server_again_intent){
        .cert_file = cert_file, .key_file = key_file, .chain = &seen.chain};
    plan = plan_server_again(&box.target, &again, &err);
    assert_non_null(plan);
    plan_free(plan);
    issued = issued_find(box.store, "localhost", &err);
    assert_non_null(issued);
    crl = revoked_and_sign(box.store, box.ca, box.ca_key, issued, CRL_KEY_COMPROMISE, 0, &err);
    assert_non_null(crl);
    plan = plan_server_again(&box.target, &again, &err);
    assert_null(plan);
    assert_int_equal(err.code, ERR_POLICY);
    assert_non_null(strstr(err.msg, "was revoked"));
    crl_free(crl);
    issued_free(issued);
    handshake_clear(&seen);
    free(cert_file);
    free(key_file);
    plan_box_close(&box);
}

static void test_asked_and_not_kept(void **state)
{
    struct plan_box box;
    struct plan_files before;
    struct journal_plan_list open_plans = {.n = 0};
    struct plan *plan;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    before = plan_box_files(&box);
    plan = make(&box);
    assert_true(plan_apply(plan, PLAN_ASK, &box.watch, &err));
    assert_int_equal(plan_state(plan), JOURNAL_DONE);
    assert_true(journal_open_plans(box.store, &open_plans, &err));
    assert_int_equal(open_plans.n, 1);
    journal_plan_list_clear(&open_plans);
    assert_true(plan_undo(plan, &box.watch, &err));
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    plan_box_same_files(&box, &before);
    assert_true(journal_open_plans(box.store, &open_plans, &err));
    assert_int_equal(open_plans.n, 0);
    journal_plan_list_clear(&open_plans);
    plan_free(plan);
    plan_files_clear(&before);
    plan_box_close(&box);
}

static bool stop_after_third(void *arg)
{
    int *n = arg;

    return ++*n >= 3;
}

static void test_stopped_by_the_person(void **state)
{
    struct plan_box box;
    struct plan_files before;
    struct plan_watch watch = {.stop = stop_after_third};
    struct plan *plan;
    struct err err = ERR_INIT;
    int n = 0;

    (void)state;
    plan_box_open(&box);
    before = plan_box_files(&box);
    plan = make(&box);
    watch.arg = &n;
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    assert_non_null(strstr(err.state, "taken back"));
    plan_box_same_files(&box, &before);
    assert_int_equal(plan_box_count_files(&box, "pgseal-"), 0);
    plan_free(plan);
    plan_files_clear(&before);
    plan_box_close(&box);
}

struct killer {
    struct plan_box *box;
    struct conn *other;
};

/* While the fifth step begins, somebody ends our session. */
static void end_session(void *arg, const struct plan_step_view *step)
{
    struct killer *killer = arg;
    char *pid = mem_printf("%d", conn_backend_pid(killer->box->admin));
    const char *values[] = {pid};
    struct err err = ERR_INIT;

    if (step->n == 5 && step->state == JOURNAL_STEP_DOING && killer->other) {
        static const char is_there[] = "SELECT 1 FROM pg_stat_activity WHERE pid = $1::int";
        const char *sql = "SELECT pg_terminate_backend($1::int)";
        bool there = true;

        for (int i = 0; i < 500 && there; i++, sql = is_there) {
            struct result *result = conn_exec(killer->other, sql, 1, values, &err);

            assert_non_null(result);
            there = result_rows(result) > 0;
            result_free(result);
            poll(NULL, 0, there ? 10 : 0);
        }
        assert_false(there);
    }
    free(pid);
}

static void test_connection_lost(void **state)
{
    struct plan_box box;
    struct plan_files before;
    struct conn_options options = {.connect_timeout_ms = 10000};
    struct killer killer = {.box = &box};
    struct plan_watch watch = {.step = end_session, .arg = &killer};
    struct params *params;
    struct plan *plan;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    params = params_parse(demo_admin_conninfo(box.demo), &err);
    killer.other = conn_open(params, &options, &err);
    assert_non_null(killer.other);
    params_free(params);
    before = plan_box_files(&box);
    plan = make(&box);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, &err));
    assert_int_equal(err.code, ERR_CONNECTION_LOST);
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE); /* over a new connection */
    plan_box_same_files(&box, &before);
    assert_int_equal(plan_box_count_files(&box, "pgseal-"), 0);
    conn_close(killer.other);
    plan_free(plan);
    plan_files_clear(&before);
    plan_box_close(&box);
}

/* An unrelated mistake in postgresql.conf: nothing at all is reloaded. */
static void test_reload_refused(void **state)
{
    struct plan_box box;
    struct plan_files before;
    struct plan *plan;
    struct err err = ERR_INIT;
    char *path;
    FILE *file;

    (void)state;
    plan_box_open(&box);
    before = plan_box_files(&box);
    plan = make(&box);
    path = mem_printf("%s/postgresql.conf", demo_data(box.demo));
    file = fopen(path, "a");
    assert_non_null(file);
    fputs("\nnonsense here\n", file);
    fclose(file);
    free(path);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box.watch, &err));
    assert_int_equal(err.code, ERR_RELOAD_REFUSED);
    /* the undo's own reload is refused too, so it is honest about it */
    assert_int_equal(plan_state(plan), JOURNAL_LEFT);
    plan_box_same_files(&box, &before);
    plan_free(plan);
    plan_files_clear(&before);
    plan_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_off_to_on),        cmocka_unit_test(test_undo_of_a_kept_one),
        cmocka_unit_test(test_back_to_a_former_one),  cmocka_unit_test(test_asked_and_not_kept),
        cmocka_unit_test(test_stopped_by_the_person), cmocka_unit_test(test_reload_refused),
        cmocka_unit_test(test_connection_lost),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
