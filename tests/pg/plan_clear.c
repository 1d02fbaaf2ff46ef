/* plan_clear.c - trust and rules taken away again: who would be lost is counted, nothing else moves. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
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

static void append_hba(const struct plan_box *box, const char *text)
{
    char *path = mem_printf("%s/pg_hba.conf", demo_data(box->demo));
    FILE *file = fopen(path, "a");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

/* A session of alice with this certificate. */
static struct conn *log_in(struct plan_box *box, const struct kit_files *kit)
{
    struct err err = ERR_INIT;
    char *text = mem_printf("host=127.0.0.1 port=%d user=alice dbname=app sslmode=require"
                            " sslcert=%s sslkey=%s",
                            demo_port(box->demo), kit->certificate, kit->key);
    struct params *params = params_parse(text, &err);
    struct secret *password = secret_new(SECRET_PASSPHRASE_MAX);
    const char *word = demo_password(box->demo, "alice");
    struct conn_options options = {.password = password};
    struct conn *conn;

    must(params != NULL, &err);
    assert_true(secret_set(password, word, strlen(word)));
    conn = conn_open(params, &options, &err);
    must(conn != NULL, &err);
    secret_free(password);
    params_free(params);
    free(text);
    return conn;
}

static struct plan *require_alice(struct plan_box *box, struct err *err)
{
    static const char *const roles[] = {"alice"};
    struct access_rules_intent intent = {.database = "all",
                                         .roles = roles,
                                         .n_roles = 1,
                                         .address = "127.0.0.1/32",
                                         .method = ACCESS_CERT};

    return plan_access_rules(&box->target, &intent, err);
}

static struct plan *untrust(struct plan_box *box, const struct authority *ca, const char *name,
                            struct err *err)
{
    struct untrust_ca_intent intent = {.authorities = &ca,
                                       .n_authorities = ca ? 1 : 0,
                                       .names = &name,
                                       .n_names = name ? 1 : 0,
                                       .all = !ca && !name};

    return plan_untrust_ca(&box->target, &intent, err);
}

static void test_one_of_two(void **state)
{
    struct plan_box box;
    struct authority *old;
    struct key *old_key;
    struct kit_files kit;
    struct conn *alice;
    struct plan *plan;
    struct plan_files before;
    struct handshake handshake;
    struct authority_list trusted = {.n = 0};
    enum journal_plan_state ended;
    struct err err = ERR_INIT;
    int64_t id;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    old = plan_box_authority(&box, "Old CA", &old_key);
    plan = plan_trust_ca(
        &box.target,
        &(struct trust_ca_intent){.authorities = (const struct authority *const[]){box.ca, old},
                                  .n_authorities = 2},
        &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);
    plan_box_kit(&box, old, old_key, "alice", &kit);
    alice = log_in(&box, &kit);
    before = plan_box_files(&box);

    assert_null(untrust(&box, NULL, "Nobody's CA", &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    plan = untrust(&box, old, NULL, &err); /* she came with a certificate of it */
    must(plan != NULL, &err);
    assert_int_equal(plan_count_refused(plan), 1);
    assert_string_equal(plan_refused(plan, 0)->role, "alice");
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, NULL, &err));
    assert_int_equal(err.code, ERR_WOULD_LOCK_OUT);
    assert_int_equal(plan_state(plan), JOURNAL_FAILED);
    plan_free(plan);
    plan_box_same_files(&box, &before);

    /* pgseal's own login by it: killed after the reload, nobody could take it back */
    must(conn_run(box.admin, "ALTER ROLE alice SUPERUSER", &err), &err);
    box.target.admin = alice;
    assert_null(untrust(&box, old, NULL, &err));
    assert_int_equal(err.code, ERR_WOULD_LOCK_OUT);
    assert_non_null(strstr(err.msg, "pgseal itself"));
    box.target.admin = box.admin;
    must(conn_run(box.admin, "ALTER ROLE alice NOSUPERUSER", &err), &err);

    plan = untrust(&box, NULL, "Old CA", &err); /* the same by its name */
    must(plan != NULL, &err);
    plan_accept_refused(plan, 2);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, NULL, &err)); /* the exact number */
    plan_free(plan);
    plan = untrust(&box, old, NULL, &err);
    must(plan != NULL, &err);
    plan_accept_refused(plan, 1);
    id = plan_box_keep(&box, plan);
    handshake = plan_box_handshake(&box);
    assert_int_equal(handshake.n_accepted_cas, 1);
    assert_true(handshake_accepts_ca(&handshake, box.ca->cert));
    handshake_clear(&handshake);
    must(server_trusts(box.store, box.server, &trusted, &err), &err);
    assert_int_equal(trusted.n, 1);
    assert_int_equal(trusted.rows[0]->id, box.ca->id);
    authority_list_clear(&trusted);
    must(conn_run(alice, "SELECT 1", &err), &err); /* open sessions stay */
    plan_box_restart(&box);
    must(plan_undo_journalled(&box.target, id, NULL, &ended, &err), &err);
    plan_box_same_files(&box, &before);

    conn_close(alice);
    plan_files_clear(&before);
    kit_files_clear(&kit);
    key_free(old_key);
    authority_free(old);
    plan_box_close(&box);
}

static void test_all(void **state)
{
    struct plan_box box;
    struct plan *plan;
    struct plan_files before, cleared;
    struct handshake handshake;
    enum journal_plan_state ended;
    struct remove_rules_intent all_rules = {.n_lines = 0};
    struct err err = ERR_INIT;
    int64_t id;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    plan_box_trust(&box);
    plan = require_alice(&box, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);
    assert_null(untrust(&box, NULL, NULL, &err)); /* the rule would refuse everybody */
    assert_int_equal(err.code, ERR_WOULD_LOCK_OUT);
    for (int64_t early = 1; early <= 2; early++) { /* TLS and the CA stand under it, too */
        assert_false(plan_undo_journalled(&box.target, early, NULL, &ended, &err));
        assert_int_equal(err.code, ERR_WOULD_LOCK_OUT);
        assert_int_equal(ended, JOURNAL_KEPT);
    }
    plan = plan_remove_rules(&box.target, &all_rules, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);

    before = plan_box_files(&box);
    plan = untrust(&box, NULL, NULL, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box, plan);
    handshake = plan_box_handshake(&box);
    assert_false(handshake.asks_certificate);
    handshake_clear(&handshake);
    plan_box_restart(&box);
    cleared = plan_box_files(&box);
    assert_non_null(strstr(cleared.auto_conf, "ssl_ca_file = ''"));
    assert_non_null(strstr(cleared.auto_conf, "ssl_crl_file = ''"));
    plan = untrust(&box, NULL, NULL, &err);
    must(plan != NULL, &err);
    assert_true(plan_nothing_to_do(plan));
    plan_free(plan);
    must(plan_undo_journalled(&box.target, id, NULL, &ended, &err), &err);
    plan_box_same_files(&box, &before);
    plan_files_clear(&before);
    plan_files_clear(&cleared);
    plan_box_close(&box);
}

static void test_rules_go(void **state)
{
    struct plan_box box;
    struct plan *plan;
    struct plan_files before, now;
    struct remove_rules_intent all = {.n_lines = 0};
    int theirs = 1;
    struct remove_rules_intent not_ours = {.lines = &theirs, .n_lines = 1};
    struct err err = ERR_INIT;

    (void)state;
    plan_box_open(&box);
    plan_box_tls(&box);
    plan_box_trust(&box);
    append_hba(&box, "# B\xfcro\thost all all all trust\r\n"
                     "host\tall\tall\t10.0.0.0/8\tscram-sha-256 # pgsealed\r\n");
    before = plan_box_files(&box);
    plan = plan_remove_rules(&box.target, &all, &err);
    must(plan != NULL, &err);
    assert_true(plan_nothing_to_do(plan));
    plan_free(plan);
    plan = require_alice(&box, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);
    now = plan_box_files(&box);
    assert_string_not_equal(now.hba, before.hba);
    plan_files_clear(&now);
    assert_null(plan_remove_rules(&box.target, &not_ours, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    plan = plan_remove_rules(&box.target, &all, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box, plan);
    now = plan_box_files(&box);
    assert_string_equal(now.hba, before.hba); /* byte for byte, without any undo */
    plan_files_clear(&now);
    plan_files_clear(&before);
    plan_box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_two),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_rules_go),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
