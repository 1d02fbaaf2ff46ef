/* plan_rules.c - certificates required by pg_hba.conf, proven by logins; wrong ones taken back. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/settings.h"
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

static void ready(struct plan_box *box)
{
    plan_box_open(box);
    plan_box_tls(box);
    plan_box_trust(box);
}

/* Rules for one role; kit NULL: no probe. */
static struct plan *require(struct plan_box *box, const char *role, const struct kit_files *kit,
                            struct err *err)
{
    struct access_rules_probe probe = {.role = role, .database = "app"};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = &role,
                                         .n_roles = 1,
                                         .address = "127.0.0.1/32",
                                         .method = ACCESS_CERT};

    if (kit) {
        probe.cert_file = kit->certificate;
        probe.key_file = kit->key;
        probe.root_file = kit->root;
        intent.probes = &probe;
        intent.n_probes = 1;
    }
    return plan_access_rules(&box->target, &intent, err);
}

static struct proof_login_result try_login(struct plan_box *box, const char *role,
                                           const struct kit_files *kit)
{
    struct secret *password = secret_new(SECRET_PASSPHRASE_MAX);
    const char *text = demo_password(box->demo, role);
    struct proof_login login = {.role = role, .database = "app", .password = password};
    struct proof_login_result result;
    struct err err = ERR_INIT;

    assert_true(secret_set(password, text, strlen(text)));
    if (kit) {
        login.cert_file = kit->certificate;
        login.key_file = kit->key;
        login.root_file = kit->root;
    }
    must(proof_login(&box->target, &login, &result, &err), &err);
    secret_free(password);
    return result;
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

static void test_certificate_required(void **state)
{
    struct plan_box box;
    struct plan_files before, after;
    struct kit_files alice, bob;
    struct proof_login_result result;
    enum journal_plan_state ended;
    struct plan *plan;
    struct err err = ERR_INIT;
    int64_t id;

    (void)state;
    ready(&box);
    before = plan_box_files(&box);
    plan_box_kit(&box, box.ca, box.ca_key, "alice", &alice);
    plan_box_kit(&box, box.ca, box.ca_key, "bob", &bob);
    result = try_login(&box, "alice", NULL); /* today a password is enough */
    assert_true(result.got_in);

    plan = require(&box, "alice", &alice, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box, plan);
    plan_box_saw(&box, "login as \"alice\" with its certificate: in, /CN=alice");
    plan_box_saw(&box, "login as \"alice\" without a certificate: refused");
    plan_box_saw(&box, "login as \"alice\" without TLS: refused");
    after = plan_box_files(&box);
    assert_non_null(strstr(after.hba, "hostnossl all alice 127.0.0.1/32 reject # pgseal\n"
                                      "hostssl all alice 127.0.0.1/32 cert # pgseal\n"));
    plan_files_clear(&after);

    result = try_login(&box, "alice", NULL);
    assert_false(result.got_in);
    result = try_login(&box, "alice", &bob); /* bob's certificate does not open alice's role */
    assert_false(result.got_in);
    assert_int_equal(result.alert, 0);
    result = try_login(&box, "carol", NULL); /* who was not named still gets in */
    assert_true(result.got_in);
    plan_box_restart(&box);
    result = try_login(&box, "alice", &alice);
    assert_true(result.got_in && result.tls);

    plan = require(&box, "alice", &alice, &err);
    must(plan != NULL, &err);
    assert_true(plan_nothing_to_do(plan));
    plan_free(plan);
    must(plan_undo_journalled(&box.target, id, &box.watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    plan_box_same_files(&box, &before);
    assert_int_equal(plan_box_count_files(&box, "pgseal-hba"), 0);
    result = try_login(&box, "alice", NULL);
    assert_true(result.got_in);
    kit_files_clear(&alice);
    kit_files_clear(&bob);
    plan_files_clear(&before);
    plan_box_close(&box);
}

/* The probe's certificate belongs to another role: the proof fails, all is as before. */
static void test_wrong_probe(void **state)
{
    struct plan_box box;
    struct plan_files before;
    struct kit_files bob;
    struct proof_login_result result;
    struct plan *plan;
    struct err err = ERR_INIT;

    (void)state;
    ready(&box);
    before = plan_box_files(&box);
    plan_box_kit(&box, box.ca, box.ca_key, "bob", &bob);
    plan = require(&box, "alice", &bob, &err);
    must(plan != NULL, &err);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box.watch, &err));
    assert_int_equal(err.code, ERR_TEST_LOGIN);
    assert_non_null(strstr(err.state, "as it was before"));
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    plan_box_same_files(&box, &before);
    assert_int_equal(plan_box_count_files(&box, "pgseal-hba"), 0);
    result = try_login(&box, "alice", NULL);
    assert_true(result.got_in);
    plan_free(plan);
    kit_files_clear(&bob);
    plan_files_clear(&before);
    plan_box_close(&box);
}

/* The certificate beside the password. */
static void test_verify_full(void **state)
{
    static const char *const roles[] = {"carol"};
    struct access_rules_probe probe = {.role = "carol", .database = "app"};
    struct access_rules_intent intent = {.database = "app",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "127.0.0.0/8",
                                         .method = ACCESS_VERIFY_FULL,
                                         .probes = &probe,
                                         .n_probes = 1};
    struct secret *password = secret_new(SECRET_PASSPHRASE_MAX);
    struct kit_files carol;
    struct proof_login_result result;
    struct plan_box box;
    struct plan *plan;
    struct err err = ERR_INIT;

    (void)state;
    ready(&box);
    plan_box_kit(&box, box.ca, box.ca_key, "carol", &carol);
    assert_true(secret_set(password, demo_password(box.demo, "carol"),
                           strlen(demo_password(box.demo, "carol"))));
    probe.cert_file = carol.certificate;
    probe.key_file = carol.key;
    probe.root_file = carol.root;
    probe.password = password;
    plan = plan_access_rules(&box.target, &intent, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);
    result = try_login(&box, "carol", NULL); /* the password alone does not do any more */
    assert_false(result.got_in);
    assert_false(result.asked_password);
    result = try_login(&box, "carol", &carol);
    assert_true(result.got_in);
    secret_free(password);
    kit_files_clear(&carol);
    plan_box_close(&box);
}

/* Refused only for want of a password is not refused: a line for passwords fits. */
static void test_bypass_is_seen(void **state)
{
    struct plan_box box;
    struct proof_login_result result;
    struct proof_login login = {.role = "alice", .database = "app", .without_tls = true};
    struct err err = ERR_INIT;

    (void)state;
    ready(&box);
    must(proof_login(&box.target, &login, &result, &err), &err);
    assert_false(result.got_in);
    assert_true(result.asked_password);
    plan_box_close(&box);
}

/* Another admin edits the file while the question is open: that edit is spared. */
static void test_edited_meanwhile(void **state)
{
    struct plan_box box;
    struct plan_files now;
    struct plan *plan;
    struct strbuf text = STRBUF_INIT;
    enum journal_plan_state ended;
    struct err err = ERR_INIT;

    (void)state;
    ready(&box);
    plan = require(&box, "alice", NULL, &err);
    must(plan != NULL, &err);
    must(plan_apply(plan, PLAN_ASK, &box.watch, &err), &err);
    now = plan_box_files(&box);
    strbuf_add_str(&text, now.hba);
    strbuf_add_str(&text, "# by hand\n");
    write_hba(&box, text.data);
    assert_false(plan_undo(plan, &box.watch, &err));
    assert_int_equal(err.code, ERR_UNDO);
    assert_int_equal(plan_state(plan), JOURNAL_LEFT);
    plan_files_clear(&now);
    now = plan_box_files(&box);
    assert_string_equal(now.hba, text.data);
    assert_int_equal(plan_box_count_files(&box, "pgseal-hba"), 1); /* the copy is still needed */
    strbuf_truncate(&text, text.len - strlen("# by hand\n"));
    write_hba(&box, text.data); /* they took their edit out: the undo can be asked for again */
    must(plan_undo_journalled(&box.target, plan_id(plan), NULL, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    plan_free(plan);
    plan_files_clear(&now);
    strbuf_clear(&text);
    plan_box_close(&box);
}

static void test_any_bytes_survive(void **state)
{
    static const char text[] = "# gepr\xfc"
                               "ft\r\n"
                               "local\tall\tall\ttrust\r\n"
                               "host all bob 10.0.0.0/8 reject\r\n"
                               "host\tall\tall\t127.0.0.1/32\tscram-sha-256 # B\xfcro";
    struct plan_box box;
    struct plan_files now;
    struct plan *plan;
    enum journal_plan_state ended;
    struct err err = ERR_INIT;
    int64_t id;

    (void)state;
    ready(&box);
    write_hba(&box, text);
    plan = require(&box, "bob", NULL, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box, plan);
    now = plan_box_files(&box);
    assert_string_equal(now.hba, "# gepr\xfc"
                                 "ft\r\n"
                                 "local\tall\tall\ttrust\r\n"
                                 "host all bob 10.0.0.0/8 reject\r\n"
                                 "hostnossl all bob 127.0.0.1/32 reject # pgseal\r\n"
                                 "hostssl all bob 127.0.0.1/32 cert # pgseal\r\n"
                                 "host\tall\tall\t127.0.0.1/32\tscram-sha-256 # B\xfcro");
    plan_files_clear(&now);
    plan_box_restart(&box);
    must(plan_undo_journalled(&box.target, id, NULL, &ended, &err), &err);
    now = plan_box_files(&box);
    assert_string_equal(now.hba, text);
    plan_files_clear(&now);
    plan_box_close(&box);
}

static void test_hostile_role(void **state)
{
    static const char role[] = "\"; DROP, all #";
    struct plan_box box;
    struct plan *plan;
    struct result *result;
    struct err err = ERR_INIT;

    (void)state;
    ready(&box);
    must(conn_run(box.admin, "CREATE ROLE \"\"\"; DROP, all #\" LOGIN", &err), &err);
    plan = require(&box, role, NULL, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);
    result = conn_exec(box.admin,
                       "SELECT user_name[1], auth_method FROM pg_hba_file_rules"
                       " WHERE type = 'hostssl'",
                       0, NULL, &err);
    must(result != NULL, &err);
    assert_int_equal(result_rows(result), 1);
    assert_string_equal(result_get(result, 0, 0), role);
    assert_string_equal(result_get(result, 0, 1), "cert");
    result_free(result);
    assert_null(require(&box, "/pattern", NULL, &err));
    assert_int_equal(err.code, ERR_BAD_NAME);
    assert_null(require(&box, "all", NULL, &err)); /* as a name it would fit nobody */
    assert_int_equal(err.code, ERR_BAD_NAME);
    assert_null(require(&box, "+staff", NULL, &err));
    assert_int_equal(err.code, ERR_BAD_NAME);
    plan_box_close(&box);
}

static void test_refusals(void **state)
{
    struct plan_box box;
    struct plan_files before;
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    assert_null(require(&box, "alice", NULL, &err));
    assert_int_equal(err.code, ERR_SSL_OFF);
    plan_box_tls(&box);
    assert_null(require(&box, "alice", NULL, &err)); /* no CA: nobody could get in */
    assert_int_equal(err.code, ERR_POLICY);
    plan_box_trust(&box);
    before = plan_box_files(&box);
    strbuf_printf(&text, "%snonsense all all\n", before.hba);
    write_hba(&box, text.data);
    assert_null(require(&box, "alice", NULL, &err)); /* the file has an error already */
    assert_int_equal(err.code, ERR_HBA);
    strbuf_clear(&text);
    plan_files_clear(&before);
    plan_box_close(&box);
}

/* A line for TLS has an error while TLS is off, and is none that the server cannot read. */
static void rules_go_without_tls(struct plan_box *box)
{
    struct remove_rules_intent all = {.n_lines = 0};
    struct plan_files before = plan_box_files(box);
    struct plan_files after;
    struct err err = ERR_INIT;
    struct plan *plan = require(box, "alice", NULL, &err);

    must(plan != NULL, &err);
    plan_box_keep(box, plan);
    must(settings_alter(box->admin, "ssl", "off", &err) && settings_reload(box->admin, &err), &err);
    plan = plan_remove_rules(&box->target, &all, &err);
    must(plan != NULL, &err);
    plan_box_keep(box, plan);
    must(settings_alter(box->admin, "ssl", "on", &err) && settings_reload(box->admin, &err), &err);
    after = plan_box_files(box);
    assert_string_equal(after.hba, before.hba);
    plan_files_clear(&after);
    plan_files_clear(&before);
}

/* What a person would run in place of the plan comes to the same bytes. */
static void run_script(struct plan_box *box, struct plan *plan, const struct strbuf *wanted)
{
    struct command_options options = {.program = "sh"};
    struct strbuf script = STRBUF_INIT;
    struct command_result result;
    struct plan_files after;

    plan_script(plan, &script);
    command_run(&result, &options, "-c", script.data, NULL);
    if (result.status != 0)
        fail_msg("%s\n%s", script.data, result.err);
    after = plan_box_files(box);
    assert_string_equal(after.hba, wanted->data);
    plan_files_clear(&after);
    command_clear(&result);
    strbuf_clear(&script);
    plan_free(plan);
}

static void scripts_run(struct plan_box *box)
{
    struct remove_rules_intent all = {.n_lines = 0};
    struct plan_files before = plan_box_files(box);
    struct strbuf wanted = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct plan *plan = require(box, "alice", NULL, &err);

    must(plan != NULL, &err);
    strbuf_add(&wanted, plan_wanted_hba(plan)->data, plan_wanted_hba(plan)->len);
    assert_non_null(strstr(wanted.data, "hostssl all alice 127.0.0.1/32 cert # pgseal\n"));
    run_script(box, plan, &wanted);
    plan = plan_remove_rules(&box->target, &all, &err);
    must(plan != NULL, &err);
    strbuf_reset(&wanted);
    strbuf_add_str(&wanted, before.hba);
    run_script(box, plan, &wanted);
    strbuf_clear(&wanted);
    plan_files_clear(&before);
}

static void write_names(const char *path)
{
    struct err err = ERR_INIT;

    must(fs_write_new(path, "app\n", 4, FS_MODE_PUBLIC, &err), &err);
}

/* The old bytes are back, and the server cannot read them any more: that is not "taken back". */
static void test_the_servers_word(void **state)
{
    static const char rules[] =
        "local all admin trust\nhost @names all 127.0.0.1/32 scram-sha-256\n";
    enum journal_plan_state ended;
    struct err err = ERR_INIT;
    struct plan_box box;
    struct plan *plan;
    char *names;
    int64_t id;

    (void)state;
    ready(&box);
    scripts_run(&box);
    rules_go_without_tls(&box);
    names = mem_printf("%s/names", demo_data(box.demo));
    write_names(names);
    write_hba(&box, rules);
    plan = require(&box, "alice", NULL, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box, plan);
    assert_int_equal(unlink(names), 0);
    assert_false(plan_undo_journalled(&box.target, id, &box.watch, &ended, &err));
    assert_int_equal(err.code, ERR_UNDO);
    assert_non_null(strstr(err.msg, "line 2 of pg_hba.conf"));
    write_names(names);
    must(plan_undo_journalled(&box.target, id, &box.watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    plan_box_restart(&box);
    free(names);
    plan_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate_required), cmocka_unit_test(test_wrong_probe),
        cmocka_unit_test(test_edited_meanwhile),     cmocka_unit_test(test_any_bytes_survive),
        cmocka_unit_test(test_verify_full),          cmocka_unit_test(test_bypass_is_seen),
        cmocka_unit_test(test_hostile_role),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_the_servers_word),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
