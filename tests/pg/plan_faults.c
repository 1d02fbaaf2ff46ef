/*
 * plan_faults.c - what happens to a server while a change runs on it: stopped, crashed, frozen, or given
 * another setting by another admin, before each step of every kind of plan.
 *
 * After each: the change was kept, or taken back, or pgseal says that it is left and the undo that it
 * names finishes it once the server is there again; files are byte for byte as before, the server
 * starts, the admin gets in.
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
#include "core/pg/settings.h"
#include "core/plan/guard.h"
#include "core/plan/step.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

#define FROZEN_MS 250

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

/* ---- the kinds of plans ---- */

typedef struct plan *(*make_plan)(struct plan_box *box, struct err *err);

static struct plan *make_tls(struct plan_box *box, struct err *err)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    struct server_tls_intent intent = {
        .authority = box->ca, .authority_key = box->ca_key, .hosts = hosts, .n_hosts = 2};

    return plan_server_tls(&box->target, &intent, err);
}

static struct plan *make_trust(struct plan_box *box, struct err *err)
{
    const struct authority *authorities[] = {box->ca};
    struct trust_ca_intent intent = {.authorities = authorities, .n_authorities = 1};

    return plan_trust_ca(&box->target, &intent, err);
}

/* The next list, for the same CA. */
static struct plan *make_publish(struct plan_box *box, struct err *err)
{
    return plan_publish_crl(&box->target, err);
}

static struct plan *make_rules(struct plan_box *box, struct err *err)
{
    static const char *const roles[] = {"alice"};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "127.0.0.1",
                                         .method = ACCESS_CERT};

    return plan_access_rules(&box->target, &intent, err);
}

static void sign_again(struct plan_box *box)
{
    struct err err = ERR_INIT;
    struct crl *crl = authority_sign_crl(box->store, box->ca, box->ca_key, 0, &err);

    must(crl != NULL, &err);
    crl_free(crl);
}

/* ---- what happens to the server ---- */

struct fault {
    struct plan_box *box;
    void (*strike)(struct fault *fault);
    int left; /* strikes before that many steps more */
    bool looked;
    bool down; /* the server is to be started again */
    int64_t frozen_until_ms;
    pid_t thawer;
};

/* pg_ctl stop -m fast, by somebody else. */
static void stop(struct fault *fault)
{
    pid_t pid = demo_pid(fault->box->demo);

    assert_int_equal(kill(pid, SIGINT), 0);
    for (int i = 0; i < 3000 && access(demo_socket(fault->box->demo), F_OK) == 0; i++) {
        char *path = mem_printf("%s/.s.PGSQL.%d", demo_socket(fault->box->demo),
                                demo_port(fault->box->demo));
        bool gone = access(path, F_OK) != 0;

        free(path);
        if (gone)
            break;
        nap(10);
    }
    fault->down = true;
}

/* A backend of it dies: the server ends all sessions, guards too, and recovers by itself. */
static void crash(struct fault *fault)
{
    assert_int_equal(kill(conn_backend_pid(fault->box->admin), SIGKILL), 0);
}

/* SIGSTOP; it goes on after the admin's patience is over. */
static void freeze(struct fault *fault)
{
    pid_t pids[] = {demo_pid(fault->box->demo), conn_backend_pid(fault->box->admin)};

    for (size_t i = 0; i < ARRAY_LEN(pids); i++)
        assert_int_equal(kill(pids[i], SIGSTOP), 0);
    fault->frozen_until_ms = clock_mono_ms() + FROZEN_MS;
    fault->thawer = fork();
    assert_true(fault->thawer >= 0);
    if (fault->thawer == 0) {
        nap(FROZEN_MS);
        for (size_t i = 0; i < ARRAY_LEN(pids); i++)
            (void)kill(pids[i], SIGCONT);
        _exit(0);
    }
}

/* Instead of the statement's own half a minute. */
static bool is_out_of_patience(void *arg)
{
    const struct fault *fault = arg;

    return fault->frozen_until_ms > clock_mono_ms();
}

static void open_admin(struct fault *fault)
{
    struct plan_box *box = fault->box;
    struct conn_options options = {.cancelled = is_out_of_patience, .cancelled_arg = fault};
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(box->demo), &err);

    conn_close(box->admin);
    box->admin = NULL;
    for (int i = 0; i < 500 && !box->admin; i++) { /* while it recovers */
        box->admin = conn_open(params, &options, &err);
        if (!box->admin)
            nap(20);
    }
    must(box->admin != NULL, &err);
    box->target.admin = box->admin;
    params_free(params);
}

/* Before each step that does something, and before the first look. */
static void report(void *arg, const struct plan_step_view *step)
{
    struct fault *fault = arg;

    if (step->state != JOURNAL_STEP_DOING || fault->looked)
        return;
    fault->looked = step->mark == PLAN_LOOK;
    if (--fault->left == 0)
        fault->strike(fault);
}

/* ---- one plan, struck before its n-th step ---- */

static void mend(struct fault *fault)
{
    struct err err = ERR_INIT;
    int status;

    if (fault->thawer > 0) {
        assert_int_equal(waitpid(fault->thawer, &status, 0), fault->thawer);
        fault->thawer = 0;
    }
    if (fault->down)
        must(demo_restart(fault->box->demo, &err), &err);
    fault->down = false;
    open_admin(fault);
}

static void finish_undo(struct plan_box *box, int64_t id)
{
    enum journal_plan_state ended = JOURNAL_READY;
    struct err err = ERR_INIT;

    must(plan_undo_journalled(&box->target, id, &box->watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
}

/* False: it has fewer than n steps, and was kept, as this plan. */
static bool struck(struct plan_box *box, make_plan make, void (*strike)(struct fault *fault), int n,
                   int64_t *ret_id)
{
    struct fault fault = {.box = box, .strike = strike, .left = n};
    struct plan_watch watch = {.step = report, .arg = &fault};
    struct plan_files before = plan_box_files(box);
    size_t n_files = plan_box_count_files(box, "pgseal-");
    struct journal_plan_list open = {.n = 0};
    enum journal_plan_state state;
    struct err err = ERR_INIT;
    struct plan *plan;
    bool kept;

    open_admin(&fault);
    plan = make(box, &err);
    must(plan != NULL, &err);
    kept = plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, &err);
    state = plan_state(plan);
    *ret_id = plan_id(plan);
    plan_free(plan);
    if (fault.left > 0) {
        must(kept, &err);
        plan_files_clear(&before);
        return false;
    }
    if (!kept && state != JOURNAL_UNDONE && state != JOURNAL_FAILED && state != JOURNAL_LEFT)
        fail_msg("before step %d: %s, %s", n, journal_plan_state_name(state), err.msg);
    if (state == JOURNAL_LEFT) /* it says so, and how to go on */
        assert_true(strstr(err.state, "NOT fully") && strstr(err.hint, "plan undo"));
    mend(&fault);
    if (kept || state == JOURNAL_LEFT)
        finish_undo(box, *ret_id);
    plan_box_same_files(box, &before);
    assert_int_equal(plan_box_count_files(box, "pgseal-"), n_files);
    must(journal_open_plans(box->store, &open, &err), &err);
    assert_int_equal(open.n, 0);
    journal_plan_list_clear(&open);
    plan_files_clear(&before);
    conn_close(box->admin); /* its patience ends with fault */
    box->admin = NULL;
    return true;
}

/* Kept in the end. Each step meets one of the faults, another one with each kind of plan; with
 * PGSEAL_TEST_LONG set each step meets each of them. */
static void strike_everywhere(struct plan_box *box, make_plan make, int first, int at_least)
{
    static void (*const strikes[])(struct fault *) = {stop, crash, freeze};
    const int n_strikes = ARRAY_LEN(strikes);
    const int rounds = getenv("PGSEAL_TEST_LONG") ? n_strikes : 1;
    struct fault none = {.box = box};

    for (int i = 0; i < rounds; i++) {
        int64_t id = 0;
        int n = 1;

        while (struck(box, make, strikes[(first + i + n) % n_strikes], n, &id))
            n++;
        if (n <= at_least)
            fail_msg("only %d steps, not %d", n, at_least);
        open_admin(&none);
        if (i + 1 < rounds)
            finish_undo(box, id); /* once more from the beginning */
    }
    plan_box_restart(box);
}

static struct plan *make_maps(struct plan_box *box, struct err *err)
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

    return plan_access_rules(&box->target, &intent, err);
}

static struct plan *make_no_rules(struct plan_box *box, struct err *err)
{
    struct remove_rules_intent intent = {.n_lines = 0};

    return plan_remove_rules(&box->target, &intent, err);
}

static struct plan *make_untrust(struct plan_box *box, struct err *err)
{
    struct untrust_ca_intent intent = {.all = true};

    return plan_untrust_ca(&box->target, &intent, err);
}

static void test_every_kind(void **state)
{
    struct plan_box *box = *state;

    strike_everywhere(box, make_tls, 0, 5);
    strike_everywhere(box, make_trust, 1, 5);
    sign_again(box);
    strike_everywhere(box, make_publish, 2, 5);
    strike_everywhere(box, make_rules, 0, 4);
}

/* What takes away, and what needs two files. */
static void test_every_kind_more(void **state)
{
    struct plan_box *box = *state;

    strike_everywhere(box, make_maps, 1, 3);
    strike_everywhere(box, make_no_rules, 2, 3);
    strike_everywhere(box, make_untrust, 0, 2);
}

/* ---- another admin's ALTER SYSTEM (on the server that has all of that now) ---- */

static void alter(struct plan_box *box, const char *setting, const char *value)
{
    struct err err = ERR_INIT;

    must(value ? settings_alter(box->admin, setting, value, &err)
               : settings_reset(box->admin, setting, &err),
         &err);
}

static void value_is(struct plan_box *box, const char *setting, const char *value)
{
    struct settings settings;
    struct err err = ERR_INIT;

    must(settings_read(box->admin, &settings, &err), &err);
    assert_string_equal(settings_get(&settings, setting)->auto_value, value);
    settings_clear(&settings);
}

/* After the plan was made: it is not carried out, and theirs stays. */
static void test_altered_before(void **state)
{
    struct plan_box *box = *state;
    struct plan *plan;
    char *ca = plan_box_value(box, "ssl_ca_file");
    char *ours = plan_box_value(box, "ssl_crl_file");
    size_t n_files = plan_box_count_files(box, "pgseal-");
    struct err err = ERR_INIT;

    sign_again(box);
    plan = make_publish(box, &err);
    must(plan != NULL, &err);
    alter(box, "ssl_crl_file", "theirs.crl");
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box->watch, &err));
    assert_int_equal(err.code, ERR_PROOF);
    assert_non_null(strstr(err.msg, "somebody else"));
    assert_true(plan_state(plan) == JOURNAL_UNDONE || plan_state(plan) == JOURNAL_FAILED);
    value_is(box, "ssl_crl_file", "theirs.crl");
    value_is(box, "ssl_ca_file", ca);
    assert_int_equal(plan_box_count_files(box, "pgseal-"), n_files);
    alter(box, "ssl_crl_file", ours);
    plan_box_restart(box);
    plan_free(plan);
    free(ca);
    free(ours);
}

/* While the question is open: ours is not taken back over theirs, and pgseal says so. */
static void test_altered_meanwhile(void **state)
{
    struct plan_box *box = *state;
    struct plan_files before = plan_box_files(box);
    enum journal_plan_state ended = JOURNAL_READY;
    struct err err = ERR_INIT;
    struct plan *plan = make_publish(box, &err);
    char *planned;
    int64_t id;

    must(plan != NULL, &err);
    must(plan_apply(plan, PLAN_ASK, &box->watch, &err), &err);
    planned = plan_box_value(box, "ssl_crl_file");
    alter(box, "ssl_crl_file", "theirs.crl");
    id = plan_id(plan);
    assert_false(plan_undo(plan, &box->watch, &err));
    assert_int_equal(err.code, ERR_UNDO);
    assert_non_null(strstr(err.msg, "somebody else"));
    assert_int_equal(plan_state(plan), JOURNAL_LEFT);
    plan_free(plan);
    value_is(box, "ssl_crl_file", "theirs.crl");
    alter(box, "ssl_crl_file", planned); /* they think again */
    must(plan_undo_journalled(&box->target, id, &box->watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    plan_box_same_files(box, &before);
    plan_box_restart(box);
    plan_files_clear(&before);
    free(planned);
}

/* Another setting, while the guard of the rules waits: what was not ours is kept by the undo. */
static void test_altered_beside_the_guard(void **state)
{
    static const char *const roles[] = {"bob"};
    struct plan_box *box = *state;
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "127.0.0.1",
                                         .method = ACCESS_CERT};
    struct plan_files before = plan_box_files(box);
    struct plan_files now;
    struct err err = ERR_INIT;
    struct plan *plan = plan_access_rules(&box->target, &intent, &err);

    must(plan != NULL, &err);
    must(plan_apply(plan, PLAN_ASK, &box->watch, &err), &err);
    alter(box, "work_mem", "5MB");
    must(plan_undo(plan, &box->watch, &err), &err);
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    plan_free(plan);
    now = plan_box_files(box);
    assert_string_equal(now.hba, before.hba);
    assert_non_null(strstr(now.auto_conf, "work_mem = '5MB'"));
    plan_files_clear(&now);
    alter(box, "work_mem", NULL);
    plan_box_same_files(box, &before);
    plan_box_restart(box);
    plan_files_clear(&before);
}

/* ---- what stands in the files ---- */

static char *data_path(const struct plan_box *box, const char *name)
{
    return fs_join(demo_data(box->demo), name);
}

static void overwrite(const struct plan_box *box, const char *name, const char *bytes, size_t len)
{
    char *path = data_path(box, name);
    FILE *file = fopen(path, "w"); /* in place: owner and mode stay */

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* Between the plan and the "yes", into the same file: the setting is as it was, and what they put there
 * would be lost. */
static void test_overwritten_before(void **state)
{
    struct plan_box *box = *state;
    char *name = plan_box_value(box, "ssl_ca_file");
    char *path = data_path(box, name);
    struct plan_files before = plan_box_files(box);
    size_t n_files = plan_box_count_files(box, "pgseal-");
    struct strbuf bytes = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct plan *plan;

    must(fs_read(path, 1 << 20, &bytes, &err), &err);
    sign_again(box);
    plan = make_publish(box, &err);
    must(plan != NULL, &err);
    strbuf_add_str(&bytes, "# theirs\n");
    overwrite(box, name, bytes.data, bytes.len);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box->watch, &err));
    assert_int_equal(err.code, ERR_PLAN_STALE);
    assert_non_null(strstr(err.msg, name));
    assert_int_equal(plan_state(plan), JOURNAL_FAILED);
    plan_box_same_files(box, &before);
    assert_int_equal(plan_box_count_files(box, "pgseal-"), n_files);
    overwrite(box, name, bytes.data, bytes.len - strlen("# theirs\n"));
    plan_free(plan);
    plan_files_clear(&before);
    strbuf_clear(&bytes);
    free(path);
    free(name);
}

static struct plan *rules_for_carol(struct plan_box *box, struct err *err)
{
    static const char *const roles[] = {"carol"};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "127.0.0.1",
                                         .method = ACCESS_CERT};

    return plan_access_rules(&box->target, &intent, err);
}

/* As a process that died while the file was written has left it. */
static void doing_again(struct plan_box *box, int64_t id)
{
    struct err err = ERR_INIT;
    struct journal_plan *row = journal_load(box->store, id, &err);

    must(row != NULL, &err);
    for (size_t i = 0; i < row->n_steps; i++) {
        if (strcmp(row->steps[i].kind, "hba") == 0)
            must(journal_set_step(box->store, id, row->steps[i].n, JOURNAL_STEP_DOING, NULL, &err),
                 &err);
    }
    must(journal_set_plan(box->store, id, JOURNAL_DOING, &err), &err);
    journal_plan_free(row);
}

/* pg_hba.conf was torn in the middle of our write: nothing, a part of what was there, a part of our
 * lines, all but its end. It is ours to mend, also for a process that knows the journal only. */
static void test_torn_rules(void **state)
{
    struct plan_box *box = *state;
    struct plan_files before = plan_box_files(box);

    for (int i = 0; i < 4; i++) {
        enum journal_plan_state ended = JOURNAL_READY;
        struct err err = ERR_INIT;
        struct plan *plan = rules_for_carol(box, &err);
        struct plan_files now;
        size_t cut[4] = {0, 40};
        int64_t id;

        must(plan != NULL, &err);
        must(plan_apply(plan, PLAN_ASK, &box->watch, &err), &err);
        id = plan_id(plan);
        plan_free(plan);
        now = plan_box_files(box);
        assert_non_null(strstr(now.hba, "carol"));
        cut[2] = (size_t)(strstr(now.hba, "carol") - now.hba) + 2;
        cut[3] = strlen(now.hba) - 5;
        overwrite(box, "pg_hba.conf", now.hba, cut[i]);
        doing_again(box, id);
        must(plan_undo_journalled(&box->target, id, &box->watch, &ended, &err), &err);
        assert_int_equal(ended, JOURNAL_UNDONE);
        plan_box_same_files(box, &before);
        plan_files_clear(&now);
    }
    plan_files_clear(&before);
}

/* The guard, too, takes an empty file for a torn one: with it the server would not start. */
static void test_guard_of_an_empty_file(void **state)
{
    struct plan_box *box = *state;
    struct plan_files before = plan_box_files(box);
    struct strbuf bytes = STRBUF_INIT;
    char *path = data_path(box, "pg_hba.conf");
    char *backup = data_path(box, "postgresql.conf");
    char name[GUARD_NAME_MAX], hash[65];
    struct guard_order order = {.name = name,
                                .path = path,
                                .backup = backup,
                                .before = hash,
                                .after = "another",
                                .seconds = 1};
    struct err err = ERR_INIT;
    struct guard *guard;

    must(fs_read(backup, 1 << 20, &bytes, &err), &err); /* any file will do, where it is put back */
    (void)step_hash(&bytes, hash);
    guard_new_name(name);
    overwrite(box, "pg_hba.conf", "", 0);
    guard = guard_arm(&box->target, &order, &err);
    must(guard != NULL, &err);
    for (int i = 0; i < 400; i++) {
        struct plan_files now = plan_box_files(box);
        bool there = strlen(now.hba) == bytes.len;

        plan_files_clear(&now);
        if (there)
            break;
        nap(50);
    }
    must(guard_end(box->admin, name, &err), &err);
    guard_free(guard);
    overwrite(box, "pg_hba.conf", before.hba, strlen(before.hba));
    plan_box_restart(box);
    plan_files_clear(&before);
    strbuf_clear(&bytes);
    free(backup);
    free(path);
}

struct lock_look {
    struct plan_box *box;
    int held; /* steps that were taken back under the lock */
};

static void look_at_lock(void *arg, const struct plan_step_view *step)
{
    struct lock_look *look = arg;
    struct err err = ERR_INIT;
    struct result *result =
        conn_exec(look->box->admin,
                  "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
                  " AND classid = 1885824357",
                  0, NULL, &err);

    must(result != NULL, &err);
    look->held += step->state == JOURNAL_STEP_UNDONE && result_rows(result) == 1;
    result_free(result);
}

/* A kept change is taken back by one pgseal while no other changes the server. */
static void test_undo_locks(void **state)
{
    struct plan_box *box = *state;
    struct lock_look look = {.box = box};
    struct plan_watch watch = {.step = look_at_lock, .arg = &look};
    enum journal_plan_state ended = JOURNAL_READY;
    struct err err = ERR_INIT;
    struct plan *plan = rules_for_carol(box, &err);
    struct result *result;
    int64_t id;

    must(plan != NULL, &err);
    id = plan_box_keep(box, plan);
    must(plan_undo_journalled(&box->target, id, &watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    assert_true(look.held >= 2); /* the rules and the copy */
    result =
        conn_exec(box->admin, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'", 0, NULL, &err);
    must(result != NULL, &err);
    assert_int_equal(result_rows(result), 0); /* and it is given back */
    result_free(result);
}

/* A journal is a file: it may have come from a backup that somebody else wrote lines into. */
static void test_forged_journal(void **state)
{
    static const struct {
        const char *kind, *data;
    } rows[] = {
        {"setting", "{\"name\":\"archive_command\",\"set\":false,\"value\":\"\","
                    "\"was_set\":true,\"was\":\"touch /tmp/owned\"}"},
        {"setting", "{\"name\":\"ssl_passphrase_command\",\"set\":false,\"value\":\"\","
                    "\"was_set\":true,\"was\":\"touch /tmp/owned\"}"},
        {"file", "{\"path\":\"/etc/passwd\",\"sha256\":\"00\",\"size\":1}"},
        {"file", "{\"path\":\"/x/postgresql.conf\",\"sha256\":\"00\",\"in_folder\":true}"},
        {"hba", "{\"path\":\"/x/pg_hba.conf\",\"before\":\"00\",\"after\":\"00\","
                "\"backup\":\"/x/postgresql.conf\"}"},
    };
    struct plan_box *box = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char kind[32], data[256], title[] = "forged", intent[] = "{\"kind\":\"trust_ca\"}";
        struct journal_step step = {.n = 1, .kind = kind, .title = title, .data = data};
        struct journal_plan plan = {.server = box->server->name,
                                    .system_identifier = box->server->system_identifier,
                                    .title = title,
                                    .intent = intent,
                                    .state = JOURNAL_DOING,
                                    .created_at = clock_now(),
                                    .steps = &step,
                                    .n_steps = 1};
        enum journal_plan_state ended = JOURNAL_READY;
        struct err err = ERR_INIT;
        char *value;

        (void)snprintf(kind, sizeof(kind), "%s", rows[i].kind);
        (void)snprintf(data, sizeof(data), "%s", rows[i].data);
        must(journal_add(box->store, &plan, &err) &&
                 journal_set_step(box->store, plan.id, 1, JOURNAL_STEP_DONE, NULL, &err) &&
                 journal_set_plan(box->store, plan.id, JOURNAL_DOING, &err),
             &err);
        assert_false(plan_undo_journalled(&box->target, plan.id, NULL, &ended, &err));
        assert_int_equal(err.code, ERR_UNDO);
        assert_non_null(strstr(err.msg, "nothing that pgseal does"));
        must(journal_set_plan(box->store, plan.id, JOURNAL_FAILED, &err), &err);
        value = plan_box_value(box, "archive_command");
        assert_null(strstr(value, "owned"));
        free(value);
    }
}

static int setup(void **state)
{
    struct plan_box *box = mem_zalloc(sizeof(*box));

    plan_box_open(box);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    plan_box_close(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_altered_before),
        cmocka_unit_test(test_altered_meanwhile),
        cmocka_unit_test(test_altered_beside_the_guard),
        cmocka_unit_test(test_overwritten_before),
        cmocka_unit_test(test_torn_rules),
        cmocka_unit_test(test_guard_of_an_empty_file),
        cmocka_unit_test(test_undo_locks),
        cmocka_unit_test(test_forged_journal),
        cmocka_unit_test(test_every_kind_more), /* leaves no CA behind */
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
