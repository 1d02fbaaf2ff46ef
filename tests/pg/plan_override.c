/*
 * plan_override.c - a server that was started with settings on its command line ("postgres -c", "pg_ctl
 * -o"): ALTER SYSTEM succeeds there and has no effect, so pgseal refuses before anything is changed,
 * finds it, and prints what to do by hand; a pg_hba.conf named there is as good as any.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/issued.h"
#include "core/store/revoked.h"
#include "tests/pg/health_box.h"
#include "tests/pg/need_pg.h"

static char programs[] = "/tmp/pgseal-override-XXXXXX";

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

/* ---- PostgreSQL's programs once more, with a postgres that takes options from a file ---- */

static char *in_programs(const char *name)
{
    return mem_printf("%s/%s", programs, name);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    char *path = in_programs(name);
    struct err err = ERR_INIT;

    must(fs_write_replace(path, text, strlen(text), mode, &err), &err);
    assert_int_equal(chmod(path, mode), 0);
    free(path);
}

/* A script, no link: the folder of what a link leads to would be taken instead. */
static void pass_on(const char *real, const char *name)
{
    char *text = mem_printf("#!/bin/sh\nexec '%s/%s' \"$@\"\n", real, name);

    write_file(name, text, 0755);
    free(text);
}

static void make_programs(void)
{
    struct err err = ERR_INIT;
    char *real = programs_find(NULL, &err);
    char *script;

    must(real != NULL, &err);
    assert_non_null(mkdtemp(programs));
    assert_int_equal(chmod(programs, 0755), 0);
    pass_on(real, "initdb");
    pass_on(real, "pg_basebackup");
    script = mem_printf("#!/bin/sh\n"
                        "test -s '%s/options' && exec '%s/postgres' \"$@\" $(cat '%s/options')\n"
                        "exec '%s/postgres' \"$@\"\n",
                        programs, real, programs, real);
    write_file("postgres", script, 0755);
    setenv("PGSEAL_TEST_PGBIN", programs, 1);
    free(script);
    free(real);
}

/* The command line of its next start; "" for none. */
static void start_with(struct health_box *box, const char *options)
{
    write_file("options", options, 0644);
    plan_box_restart(&box->plan);
}

/* With the four files that it has: all is well, and nothing of it can be changed. */
static void hold_files(struct health_box *box)
{
    char *cert = plan_box_value(&box->plan, "ssl_cert_file");
    char *key = plan_box_value(&box->plan, "ssl_key_file");
    char *options = mem_printf("-c ssl_ca_file=%s -c ssl_crl_file=%s -c ssl_cert_file=%s"
                               " -c ssl_key_file=%s\n",
                               box->ca_file, box->crl_file, cert, key);

    start_with(box, options);
    free(options);
    free(cert);
    free(key);
}

static int setup(void **state)
{
    make_programs();
    return health_box_setup(state);
}

static int teardown(void **state)
{
    struct err err = ERR_INIT;
    int failed = health_box_teardown(state);

    return fs_remove_tree(programs, &err) ? failed : -1;
}

/* ---- every kind of change ---- */

static struct plan *make_tls(struct health_box *box, struct err *err)
{
    static const char *const hosts[] = {"db1.example", "127.0.0.1"}; /* another name: a new one */
    struct server_tls_intent intent = {
        .authority = box->plan.ca, .authority_key = box->plan.ca_key, .hosts = hosts, .n_hosts = 2};

    return plan_server_tls(&box->plan.target, &intent, err);
}

static struct plan *trust(struct health_box *box, const struct authority *ca, struct err *err)
{
    struct trust_ca_intent intent = {.authorities = &ca, .n_authorities = 1, .keep_present = true};

    return plan_trust_ca(&box->plan.target, &intent, err);
}

static struct plan *make_untrust(struct health_box *box, struct err *err)
{
    struct untrust_ca_intent intent = {.all = true};

    return plan_untrust_ca(&box->plan.target, &intent, err);
}

static struct plan *make_crl(struct health_box *box, struct err *err)
{
    return plan_publish_crl(&box->plan.target, err);
}

static void sign(struct health_box *box)
{
    struct err err = ERR_INIT;
    struct crl *crl = authority_sign_crl(box->plan.store, box->plan.ca, box->plan.ca_key, 0, &err);

    must(crl != NULL, &err);
    crl_free(crl);
}

/* No plan is made: so nothing was changed, and the words say what holds it and what helps. */
static void is_refused(struct plan *plan, const struct err *err, const char *setting)
{
    if (plan)
        fail_msg("a plan was made for what \"%s\" forbids", setting);
    assert_int_equal(err->code, ERR_SETTING_OVERRIDDEN);
    assert_non_null(strstr(err->msg, setting));
    assert_non_null(strstr(err->msg, "command line"));
    assert_non_null(strstr(err_cause_text(err), "wins over ALTER SYSTEM"));
    assert_non_null(strstr(err_state_text(err), "Nothing was changed"));
    assert_non_null(strstr(err_hint_text(err), "--as-text"));
}

static void test_held_files(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT, none = ERR_INIT;
    struct strbuf text = STRBUF_INIT;
    struct key *key = NULL;
    struct authority *other = plan_box_authority(&box->plan, "Other CA", &key);
    struct plan_files before;
    size_t n_files;
    struct plan *plan;

    health_rules(box,
                 "local all admin trust\n"); /* else the rule for certificates forbids "clear" */
    hold_files(box);
    before = plan_box_files(&box->plan);
    n_files = plan_box_count_files(&box->plan, "pgseal-");

    /* what is so already is so already, whoever says it */
    plan = trust(box, box->plan.ca, &err);
    must(plan != NULL, &err);
    assert_true(plan_nothing_to_do(plan));
    assert_int_equal(plan_box_keep(&box->plan, plan), 0);

    is_refused(trust(box, other, &err), &err, "ssl_c");
    err = none;
    is_refused(make_untrust(box, &err), &err, "ssl_c");
    err = none;
    is_refused(make_tls(box, &err), &err, "ssl_cert_file");
    err = none;
    sign(box);
    is_refused(make_crl(box, &err), &err, "ssl_c");
    err = none;
    plan_box_same_files(&box->plan, &before);
    assert_int_equal(plan_box_count_files(&box->plan, "pgseal-"), n_files);

    health_expect(box, FINDING_WARNING, ERR_SETTING_OVERRIDDEN, "ssl_ca_file");
    health_expect(box, FINDING_WARNING, ERR_SETTING_OVERRIDDEN, "ssl_crl_file");
    health_expect(box, FINDING_WARNING, ERR_SETTING_OVERRIDDEN, "ssl_cert_file");
    health_expect(box, FINDING_WARNING, ERR_SETTING_OVERRIDDEN, "ssl_key_file");

    /* the way out */
    box->plan.target.by_hand = true;
    plan = trust(box, other, &err);
    must(plan != NULL, &err);
    plan_by_hand(plan, &text);
    assert_non_null(strstr(text.data, "-c ssl_ca_file=pgseal-ca-"));
    assert_non_null(strstr(text.data, "-c ssl_crl_file=pgseal-crl-"));
    assert_non_null(strstr(text.data, "restart the server"));
    assert_null(strstr(text.data, "ALTER SYSTEM SET"));
    plan_free(plan);
    box->plan.target.by_hand = false;

    strbuf_clear(&text);
    plan_files_clear(&before);
    authority_free(other);
    key_free(key);
}

/* Revoked in the store, and on its next list. */
static struct issued *revoke_one(struct health_box *box, const char *role)
{
    struct err err = ERR_INIT;
    struct kit_files kit;
    struct issued *issued;
    struct crl *crl;

    plan_box_kit(&box->plan, box->plan.ca, box->plan.ca_key, role, &kit);
    issued = issued_find(box->plan.store, role, &err);
    must(issued != NULL, &err);
    crl = revoked_and_sign(box->plan.store, box->plan.ca, box->plan.ca_key, issued, CRL_SUPERSEDED,
                           0, &err);
    must(crl != NULL, &err);
    crl_free(crl);
    kit_files_clear(&kit);
    return issued;
}

static void use_ended_list(struct health_box *box)
{
    const int64_t now = clock_now();
    struct strbuf pem = STRBUF_INIT;
    struct crl_entry *entries = NULL;
    struct err err = ERR_INIT;
    struct crl *crl;
    size_t n = 0;

    must(revoked_entries(box->plan.store, box->plan.ca->id, &entries, &n, &err), &err);
    crl = crl_build(box->plan.ca->cert, box->plan.ca_key, entries, n, 1, now - 2 * CLOCK_DAY,
                    now - CLOCK_DAY, &err);
    must(crl && crl_to_pem(crl, &pem, &err), &err);
    health_set_text(box, "ssl_crl_file", &pem);
    strbuf_clear(&pem);
    crl_free(crl);
    free(entries);
}

/* Without a hold on ssl_crl_file the new list can be set, but no marker can show that it is loaded: so it
 * must show by itself, and is refused where it cannot. */
static void test_held_ca_file(void **state)
{
    struct health_box *box = *state;
    char *options = mem_printf("-c ssl_ca_file=%s\n", box->ca_file);
    struct err err = ERR_INIT, none = ERR_INIT;
    struct plan_files before;
    struct issued *dave;
    struct plan *plan;

    start_with(box, options);
    before = plan_box_files(&box->plan);
    is_refused(make_crl(box, &err), &err, "ssl_ca_file");
    plan_box_same_files(&box->plan, &before);

    /* by a certificate that only the new list refuses */
    err = none;
    dave = revoke_one(box, "dave");
    plan = make_crl(box, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box->plan, plan);
    plan_box_saw(&box->plan, "dave");
    sign(box);
    is_refused(make_crl(box, &err), &err, "ssl_ca_file");

    /* by whom the old one, which has ended, kept out */
    err = none;
    use_ended_list(box);
    plan = make_crl(box, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box->plan, plan);

    start_with(box, ""); /* the way out: taken out of the start, it works */
    sign(box);
    plan_box_keep(&box->plan, make_crl(box, &err));
    issued_free(dave);
    plan_files_clear(&before);
    free(options);
}

/* Started otherwise between review and "yes": refused, nothing is left behind. */
static void test_held_after_the_review(void **state)
{
    struct health_box *box = *state;
    char *ca_file = plan_box_value(&box->plan, "ssl_ca_file");
    char *options = mem_printf("-c ssl_ca_file=%s\n", ca_file);
    struct err err = ERR_INIT;
    struct key *key = NULL;
    struct authority *other = plan_box_authority(&box->plan, "Late CA", &key);
    enum journal_plan_state ended;
    struct plan_files before;
    struct conn *reviewed_by;
    struct plan *plan;
    size_t n_files;
    int64_t id;

    plan = trust(box, other, &err);
    must(plan != NULL, &err);
    reviewed_by = box->plan.admin; /* the plan's, as long as there is the plan */
    box->plan.admin = NULL;
    start_with(box, options);
    before = plan_box_files(&box->plan);
    n_files = plan_box_count_files(&box->plan, "pgseal-");
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box->plan.watch, &err));
    assert_true(plan_state(plan) == JOURNAL_UNDONE || plan_state(plan) == JOURNAL_FAILED);
    plan_box_same_files(&box->plan, &before);
    assert_int_equal(plan_box_count_files(&box->plan, "pgseal-"), n_files);
    plan_free(plan);
    conn_close(reviewed_by);

    /* and a kept one is taken back although the command line has the last word by now */
    start_with(box, "");
    plan = trust(box, other, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box->plan, plan);
    start_with(box, options);
    must(plan_undo_journalled(&box->plan.target, id, &box->plan.watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    plan_box_same_files(&box->plan, &before);
    assert_int_equal(plan_box_count_files(&box->plan, "pgseal-"), n_files);
    plan_files_clear(&before);
    authority_free(other);
    key_free(key);
    free(options);
    free(ca_file);
}

/* hba_file and ident_file: pgseal writes where the server reads. */
static void test_named_rules(void **state)
{
    struct health_box *box = *state;
    char *hba = health_path(box, "other_hba.conf");
    char *ident = health_path(box, "other_ident.conf");
    char *options = mem_printf("-c hba_file=%s -c ident_file=%s\n", hba, ident);
    const char *role = "alice";
    struct access_map_line map = {.cn = "Alice A", .role = "alice"};
    struct access_rules_intent intent = {.database = "app",
                                         .roles = &role,
                                         .n_roles = 1,
                                         .address = "127.0.0.1/32",
                                         .method = ACCESS_CERT,
                                         .map = "people",
                                         .map_lines = &map,
                                         .n_map_lines = 1};
    static const char rules[] = "local all admin trust\n# ours\r\nhost all all 0.0.0.0/0 reject\n";
    static const char maps[] = "# nobody yet\n";
    struct strbuf now = STRBUF_INIT;
    enum journal_plan_state ended;
    struct err err = ERR_INIT;
    struct plan_files before;
    struct plan *plan;
    int64_t id;

    health_write(box, "other_hba.conf", rules, sizeof(rules) - 1, 0600);
    health_write(box, "other_ident.conf", maps, sizeof(maps) - 1, 0600);
    start_with(box, options);
    before = plan_box_files(&box->plan);
    plan = plan_access_rules(&box->plan.target, &intent, &err);
    must(plan != NULL, &err);
    plan_accept_refused(plan, plan_count_refused(plan));
    id = plan_box_keep(&box->plan, plan);
    health_read(box, "other_hba.conf", &now);
    assert_non_null(strstr(now.data, "cert map=people"));
    health_read(box, "other_ident.conf", &now);
    assert_non_null(strstr(now.data, "Alice A"));
    plan_box_same_files(&box->plan, &before); /* those that nobody reads */
    must(plan_undo_journalled(&box->plan.target, id, &box->plan.watch, &ended, &err), &err);
    health_read(box, "other_hba.conf", &now);
    assert_string_equal(now.data, rules);
    health_read(box, "other_ident.conf", &now);
    assert_string_equal(now.data, maps);
    start_with(box, "");
    strbuf_clear(&now);
    plan_files_clear(&before);
    free(options);
    free(ident);
    free(hba);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_files),
        cmocka_unit_test(test_held_ca_file),
        cmocka_unit_test(test_held_after_the_review),
        cmocka_unit_test(test_named_rules),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
