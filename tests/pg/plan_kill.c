/*
 * plan_kill.c - a pgseal that is killed between any two steps; the next one takes everything back.
 *
 * A child applies a plan and kills itself at the n-th report: before a step ("doing" is in the
 * journal, nothing was done) or after it. "Done, and killed before the journal said so" is the second
 * with the journal set back to "doing".
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s", (int)err->code, err->msg, err->state);
}

struct fuse {
    int left;
};

static void burn(void *arg, const struct plan_step_view *step)
{
    struct fuse *fuse = arg;

    (void)step;
    if (--fuse->left == 0)
        raise(SIGKILL);
}

typedef struct plan *(*make_plan)(const struct plan_target *target, const struct plan_box *box,
                                  struct err *err);

/* In the child: everything of its own but the server. Exit 0: it came to the end. */
static void apply_and_die(const struct plan_box *box, make_plan make, int at)
{
    struct err err = ERR_INIT;
    struct fuse fuse = {.left = at};
    struct plan_watch watch = {.step = burn, .arg = &fuse};
    struct params *params = params_parse(demo_admin_conninfo(box->demo), &err);
    struct conn_options options = {.connect_timeout_ms = 10000};
    struct plan_target target = box->target;
    struct plan *plan;

    target.store = store_open(demo_store(box->demo), STORE_WRITE, &err);
    target.admin = params ? conn_open(params, &options, &err) : NULL;
    target.server = target.store ? server_load(target.store, "db1", &err) : NULL;
    if (!target.admin || !target.server)
        _exit(2);
    plan = make(&target, box, &err);
    if (!plan)
        _exit(3);
    _exit(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, &err) ? 0 : 4);
}

static bool run_child(struct plan_box *box, make_plan make, int at)
{
    struct err err = ERR_INIT;
    int status;
    pid_t pid;

    store_close(box->store); /* SQLite does not live through a fork */
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        apply_and_die(box, make, at);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    box->store = store_open(demo_store(box->demo), STORE_WRITE, &err);
    must(box->store != NULL, &err);
    box->target.store = box->store;
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 0);
        return true;
    }
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return false;
}

/* The last step that the journal calls done goes back to "doing": killed before it was written. */
static void forget_last_done(struct plan_box *box, int64_t id)
{
    struct err err = ERR_INIT;
    struct journal_plan *row = journal_load(box->store, id, &err);

    must(row != NULL, &err);
    for (size_t i = row->n_steps; i-- > 0;) {
        if (row->steps[i].state != JOURNAL_STEP_DONE)
            continue;
        must(journal_set_step(box->store, id, row->steps[i].n, JOURNAL_STEP_DOING, NULL, &err),
             &err);
        break;
    }
    journal_plan_free(row);
}

static void take_back(struct plan_box *box, bool forget, const struct plan_files *before,
                      size_t n_files)
{
    struct journal_plan_list list = {.n = 0};
    enum journal_plan_state ended = JOURNAL_READY;
    struct err err = ERR_INIT;

    must(journal_open_plans(box->store, &list, &err), &err);
    assert_int_equal(list.n, 1);
    if (forget)
        forget_last_done(box, list.rows[0]->id);
    must(plan_undo_journalled(&box->target, list.rows[0]->id, &box->watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    journal_plan_list_clear(&list);
    must(journal_open_plans(box->store, &list, &err), &err);
    assert_int_equal(list.n, 0);
    journal_plan_list_clear(&list);
    plan_box_same_files(box, before);
    assert_int_equal(plan_box_count_files(box, "pgseal-"), n_files);
}

/* Whatever stands in ssl_crl_dir counts at once: a list that is half there would keep everybody out. */
static void good_gets_in(struct plan_box *box)
{
    struct canary canary;
    struct handshake seen;
    struct err err = ERR_INIT;
    struct handshake_request request = {.host = "127.0.0.1", .port = box->target.tls_port};

    must(authority_canary(box->store, box->ca, CANARY_GOOD, &canary, &err), &err);
    request.cert = canary.cert;
    request.key = canary.key;
    must(handshake_run(&request, &seen, &err), &err);
    assert_int_equal(seen.alert, 0);
    handshake_clear(&seen);
    canary_clear(&canary);
}

static void kill_everywhere(struct plan_box *box, make_plan make, int at_least)
{
    struct plan_files before = plan_box_files(box);
    size_t n_files = plan_box_count_files(box, "pgseal-");
    bool has_lists = *before.lists != '\0';
    int n = 0;

    while (!run_child(box, make, ++n)) {
        if (has_lists)
            good_gets_in(box);
        take_back(box, n % 2 == 0, &before, n_files);
    }
    assert_true(n > at_least);
    plan_files_clear(&before);
}

static struct plan *make_tls(const struct plan_target *target, const struct plan_box *box,
                             struct err *err)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    struct server_tls_intent intent = {
        .authority = box->ca, .authority_key = box->ca_key, .hosts = hosts, .n_hosts = 2};

    return plan_server_tls(target, &intent, err);
}

static struct plan *make_trust(const struct plan_target *target, const struct plan_box *box,
                               struct err *err)
{
    const struct authority *authorities[] = {box->ca};
    struct trust_ca_intent intent = {.authorities = authorities, .n_authorities = 1};

    return plan_trust_ca(target, &intent, err);
}

static struct plan *make_publish(const struct plan_target *target, const struct plan_box *box,
                                 struct err *err)
{
    (void)box;
    return plan_publish_crl(target, err);
}

static void sign_again(struct plan_box *box)
{
    struct err err = ERR_INIT;
    struct crl *crl = authority_sign_crl(box->store, box->ca, box->ca_key, 0, &err);

    must(crl != NULL, &err);
    crl_free(crl);
}

static struct plan *make_rules(const struct plan_target *target, const struct plan_box *box,
                               struct err *err)
{
    static const char *const roles[] = {"alice", "bob"};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = 2,
                                         .address = "127.0.0.1",
                                         .method = ACCESS_CERT};

    (void)box;
    return plan_access_rules(target, &intent, err);
}

/* A rule that needs a map: two files, and the rule after its lines. */
static struct plan *make_maps(const struct plan_target *target, const struct plan_box *box,
                              struct err *err)
{
    static const char *const roles[] = {"carol"};
    const struct access_map_line line = {.cn = "Carol C", .role = "carol"};
    struct access_rules_intent intent = {.database = "app",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "127.0.0.1",
                                         .method = ACCESS_CERT,
                                         .map = "people",
                                         .map_lines = &line,
                                         .n_map_lines = 1};

    (void)box;
    return plan_access_rules(target, &intent, err);
}

/* All of ours: the rules first, then the lines of the map that nothing needs any more. */
static struct plan *make_no_rules(const struct plan_target *target, const struct plan_box *box,
                                  struct err *err)
{
    struct remove_rules_intent intent = {.n_lines = 0};

    (void)box;
    return plan_remove_rules(target, &intent, err);
}

static struct plan *make_untrust(const struct plan_target *target, const struct plan_box *box,
                                 struct err *err)
{
    struct untrust_ca_intent intent = {.all = true};

    (void)box;
    return plan_untrust_ca(target, &intent, err);
}

static void test_killed_everywhere(void **state)
{
    struct plan_box box;

    (void)state;
    plan_box_open(&box);
    kill_everywhere(&box, make_tls, 14); /* its last child comes to the end: kept */
    plan_box_restart(&box);
    kill_everywhere(&box, make_trust, 14);
    plan_box_restart(&box);
    sign_again(&box);
    kill_everywhere(&box, make_publish, 14);
    plan_box_restart(&box);
    kill_everywhere(&box, make_rules, 9);
    kill_everywhere(&box, make_maps, 12);
    plan_box_restart(&box);
    kill_everywhere(&box, make_no_rules, 9);
    kill_everywhere(&box, make_untrust, 5);
    plan_box_restart(&box);
    plan_box_trust(&box);
    if (pg_has(PG_CRL_DIR)) {
        plan_box_use_lists(&box);
        kill_everywhere(&box, make_publish, 9); /* a new file in ssl_crl_dir */
        sign_again(&box);
        kill_everywhere(&box, make_publish, 9); /* and the next list in its place */
    }
    good_gets_in(&box);
    plan_box_restart(&box);
    plan_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_everywhere),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
