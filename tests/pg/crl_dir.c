/* crl_dir.c - a server whose lists stand in ssl_crl_dir: published there, replaced, taken back. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/settings.h"
#include "core/pki/ossl.h"
#include "core/store/revoked.h"
#include "tests/harness/command.h"
#include "tests/pg/health_box.h"
#include "tests/pg/need_pg.h"

#define TRIES 100

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s", (int)err->code, err->msg, err->state);
}

static struct pair our_ca(const struct health_box *box)
{
    return (struct pair){.cert = box->plan.ca->cert, .key = box->plan.ca_key};
}

/* "<folder>/<hash>.r<number>"; caller frees. */
static char *name_of(const char *folder, const struct cert *ca, int number)
{
    unsigned long hash = X509_NAME_hash_ex(X509_get_subject_name(ossl_cert(ca)), NULL, NULL, NULL);

    return mem_printf("%s/%08lx.r%d", folder, hash, number);
}

/* The admin's choice: this new folder, and no file unless asked. */
static void use_folder(struct health_box *box, const char *folder, bool with_file)
{
    char *path = health_path(box, folder);
    struct stat st;

    assert_int_equal(stat(demo_data(box->plan.demo), &st), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(path, st.st_uid, st.st_gid), 0);
    if (!with_file)
        health_set(box, "ssl_crl_file", "");
    health_set(box, "ssl_crl_dir", folder);
    free(path);
}

static void write_list(struct health_box *box, const char *name, const struct crl *crl)
{
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;

    must(crl_to_pem(crl, &pem, &err), &err);
    health_write(box, name, pem.data, pem.len, 0644);
    strbuf_clear(&pem);
}

static bool is_there(struct health_box *box, const char *name)
{
    char *path = health_path(box, name);
    bool there = access(path, F_OK) == 0;

    free(path);
    return there;
}

static void same_bytes(struct health_box *box, const char *name, const struct strbuf *wanted)
{
    struct strbuf now = STRBUF_INIT;

    health_read(box, name, &now);
    assert_true(strbuf_equal(&now, wanted));
    strbuf_clear(&now);
}

/* What TLS does with this certificate; again for a while: the server reloads when it comes to it. */
static void expect_alert(struct health_box *box, const struct kit_files *kit, const char *role,
                         int alert)
{
    struct proof_login login = {
        .role = role, .database = "postgres", .cert_file = kit->certificate, .key_file = kit->key};
    struct proof_login_result result = {.alert = -1};
    struct err err = ERR_INIT;

    for (int i = 0; i < TRIES && result.alert != alert; i++) {
        if (i > 0)
            poll(NULL, 0, 50);
        must(proof_login(&box->plan.target, &login, &result, &err), &err);
    }
    assert_int_equal(result.alert, alert);
}

static void refused_by_psql(struct health_box *box, const struct kit_files *kit, const char *role)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;
    char *line = mem_printf("psql 'host=127.0.0.1 port=%d user=%s dbname=postgres "
                            "sslmode=require sslcert=%s sslkey=%s' -w -c 'SELECT 1'",
                            demo_port(box->plan.demo), role, kit->certificate, kit->key);

    command_run(&result, &options, "-c", line, NULL);
    assert_int_not_equal(result.status, 0);
    if (!strstr(result.err, "certificate revoked"))
        fail_msg("psql said: %s", result.err);
    command_clear(&result);
    free(line);
}

static struct plan *publish(struct health_box *box)
{
    struct err err = ERR_INIT;
    struct plan *plan = plan_publish_crl(&box->plan.target, &err);

    must(plan != NULL, &err);
    return plan;
}

static void revoke_role(struct health_box *box, const char *role)
{
    struct err err = ERR_INIT;
    struct issued *issued = issued_find(box->plan.store, role, &err);
    struct crl *crl;

    must(issued != NULL, &err);
    crl = revoked_and_sign(box->plan.store, box->plan.ca, box->plan.ca_key, issued,
                           CRL_KEY_COMPROMISE, 0, &err);
    must(crl != NULL, &err);
    crl_free(crl);
    issued_free(issued);
}

static void undo(struct health_box *box, int64_t id)
{
    enum journal_plan_state ended;
    struct err err = ERR_INIT;

    must(plan_undo_journalled(&box->plan.target, id, &box->plan.watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
}

static void undo_refused(struct health_box *box, int64_t id, enum err_code code)
{
    enum journal_plan_state ended;
    struct err err = ERR_INIT;

    assert_false(plan_undo_journalled(&box->plan.target, id, NULL, &ended, &err));
    assert_int_equal(err.code, code);
    assert_int_equal(ended, JOURNAL_KEPT);
}

static void refused_plan(struct health_box *box, enum err_code code, const char *part)
{
    struct err err = ERR_INIT;

    assert_null(plan_publish_crl(&box->plan.target, &err));
    if (err.code != code || !strstr(err.msg, part))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
}

/* As it was, with the lists that were signed meanwhile. */
static void back_to_files(struct health_box *box)
{
    health_reset(box, "ssl_crl_dir");
    health_set(box, "ssl_ca_file", box->ca_file);
    health_set(box, "ssl_crl_file", box->crl_file);
    plan_box_keep(&box->plan, publish(box));
    free(box->crl_file);
    box->crl_file = plan_box_value(&box->plan, "ssl_crl_file");
    health_heal(box);
}

/* ---- the life of one list ---- */

static void test_published_and_revoked(void **state)
{
    struct health_box *box = *state;
    char *name = name_of("one", box->plan.ca->cert, 0);
    char *path = health_path(box, name);
    struct strbuf first = STRBUF_INIT;
    struct stat before, after;
    struct kit_files bob;
    struct plan *plan;
    int64_t id, next;
    char *value;

    use_folder(box, "one", false);
    health_expect(box, FINDING_ERROR, ERR_CRL_DIR, "ssl_crl_dir");
    expect_alert(box, &box->alice, "alice", 48); /* no list: nobody */
    id = plan_box_keep(&box->plan, publish(box));
    expect_alert(box, &box->alice, "alice", 0);
    plan_box_saw(&box->plan, "alert 44");
    health_expect_well(box);
    undo(box, id);
    assert_false(is_there(box, name));
    expect_alert(box, &box->alice, "alice", 48);

    id = plan_box_keep(&box->plan, publish(box));
    health_read(box, name, &first);
    plan = publish(box);
    assert_true(plan_nothing_to_do(plan));
    plan_free(plan);
    plan_box_kit(&box->plan, box->plan.ca, box->plan.ca_key, "bob", &bob);
    expect_alert(box, &bob, "bob", 0);
    assert_int_equal(stat(path, &before), 0);
    revoke_role(box, "bob");
    plan = publish(box);
    next = plan_box_keep(&box->plan, plan);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino != after.st_ino); /* whole or not at all */
    assert_int_equal(after.st_mode & 07777, 0644);
    expect_alert(box, &bob, "bob", 44);
    refused_by_psql(box, &bob, "bob");
    expect_alert(box, &box->alice, "alice", 0);
    health_expect_well(box);
    value = plan_box_value(&box->plan, "ssl_crl_file");
    assert_string_equal(value, "");
    undo_refused(box, next, ERR_CRL_WEAKER); /* bob would get in */
    undo_refused(box, id, ERR_UNDO);         /* the later one stands on it */
    plan_box_restart(&box->plan);
    expect_alert(box, &bob, "bob", 44);

    /* an older list, by whoever: seen, and mended */
    health_write(box, name, first.data, first.len, 0644);
    health_expect(box, FINDING_WARNING, ERR_CRL_OLDER, NULL);
    plan_box_keep(&box->plan, publish(box));
    expect_alert(box, &bob, "bob", 44);
    back_to_files(box);
    strbuf_clear(&first);
    kit_files_clear(&bob);
    free(value);
    free(path);
    free(name);
}

/* ---- whose file is it? ---- */

static void test_another_of_the_same_hash(void **state)
{
    struct health_box *box = *state;
    struct pair other = health_ca("Somebody else");
    struct crl *theirs = fixture_crl_dates(&other, NULL, 0, clock_now() - 3600, clock_now() + YEAR);
    char *zero = name_of("hash", box->plan.ca->cert, 0);
    char *one = name_of("hash", box->plan.ca->cert, 1);
    struct strbuf before = STRBUF_INIT;
    struct strbuf first = STRBUF_INIT;
    struct err err = ERR_INIT;
    char *from, *to;
    struct crl *crl;
    int64_t id;

    use_folder(box, "hash", false);
    write_list(box, zero, theirs);
    health_read(box, zero, &before);
    id = plan_box_keep(&box->plan, publish(box));
    same_bytes(box, zero, &before);
    assert_true(is_there(box, one));
    expect_alert(box, &box->alice, "alice", 0);
    health_expect_well(box);
    undo(box, id);
    assert_false(is_there(box, one));
    same_bytes(box, zero, &before);

    /* replaced where it is, and the bytes are back after the undo */
    plan_box_keep(&box->plan, publish(box));
    health_read(box, one, &first);
    crl = authority_sign_crl(box->plan.store, box->plan.ca, box->plan.ca_key, 0, &err);
    must(crl != NULL, &err);
    id = plan_box_keep(&box->plan, publish(box));
    same_bytes(box, zero, &before);
    undo(box, id);
    same_bytes(box, one, &first);
    expect_alert(box, &box->alice, "alice", 0);

    /* a number is missing before it: OpenSSL does not come there */
    from = health_path(box, one);
    to = mem_printf("%s2", from);
    assert_int_equal(rename(from, to), 0);
    expect_alert(box, &box->alice, "alice", 48);
    health_expect(box, FINDING_ERROR, ERR_CRL_DIR, "ssl_crl_dir");
    free(from);
    free(to);
    back_to_files(box);
    crl_free(crl);
    crl_free(theirs);
    pair_clear(&other);
    strbuf_clear(&before);
    strbuf_clear(&first);
    free(zero);
    free(one);
}

static void test_two_cas(void **state)
{
    struct health_box *box = *state;
    struct key *key;
    struct authority *second = plan_box_authority(&box->plan, "Second CA", &key);
    const struct authority *both[] = {box->plan.ca, second};
    struct trust_ca_intent intent = {.authorities = both, .n_authorities = 2};
    struct untrust_ca_intent untrust = {.authorities = both + 1, .n_authorities = 1};
    char *of_first = name_of("two", box->plan.ca->cert, 0);
    char *of_second = name_of("two", second->cert, 0);
    struct kit_files carol;
    struct plan *plan;
    struct err err = ERR_INIT;
    struct plan_target by_hand = box->plan.target;
    struct strbuf text = STRBUF_INIT;
    int64_t id;

    use_folder(box, "two", false);
    by_hand.by_hand = true;
    plan = plan_trust_ca(&by_hand, &intent, &err);
    must(plan != NULL, &err);
    plan_by_hand(plan, &text);
    assert_non_null(strstr(text.data, of_first));
    assert_non_null(strstr(text.data, of_second));
    assert_null(strstr(text.data, "SET ssl_crl_file"));
    plan_free(plan);
    strbuf_clear(&text);
    plan = plan_trust_ca(&box->plan.target, &intent, &err);
    must(plan != NULL, &err);
    id = plan_box_keep(&box->plan, plan);
    assert_true(is_there(box, of_first) && is_there(box, of_second));
    plan_box_kit(&box->plan, second, key, "carol", &carol);
    expect_alert(box, &carol, "carol", 0);
    expect_alert(box, &box->alice, "alice", 0);
    health_expect_well(box);
    undo(box, id);
    assert_false(is_there(box, of_first) || is_there(box, of_second));
    expect_alert(box, &carol, "carol", 48);

    plan = plan_trust_ca(&box->plan.target, &intent, &err);
    must(plan != NULL, &err);
    plan_box_keep(&box->plan, plan);
    plan = plan_untrust_ca(&box->plan.target, &untrust, &err);
    must(plan != NULL, &err);
    assert_int_equal(plan_count_refused(plan), 1);
    assert_string_equal(plan_refused(plan, 0)->role, "carol");
    plan_accept_refused(plan, 1);
    plan_box_keep(&box->plan, plan);
    expect_alert(box, &carol, "carol", 48);
    expect_alert(box, &box->alice, "alice", 0);
    health_expect_well(box);
    back_to_files(box);
    kit_files_clear(&carol);
    authority_free(second);
    key_free(key);
    free(of_first);
    free(of_second);
}

/* With both settings OpenSSL takes the newest list: the old one must not stay in either. */
static void test_beside_a_file(void **state)
{
    struct health_box *box = *state;
    char *name = name_of("both", box->plan.ca->cert, 0);
    char *were = plan_box_value(&box->plan, "ssl_crl_file");
    struct strbuf text = STRBUF_INIT;
    struct kit_files dave;
    char *now;

    use_folder(box, "both", true);
    now = plan_box_value(&box->plan, "ssl_crl_file");
    health_read(box, now, &text);
    health_write(box, name, text.data, text.len, 0644);
    plan_box_kit(&box->plan, box->plan.ca, box->plan.ca_key, "dave", &dave);
    expect_alert(box, &dave, "dave", 0);
    revoke_role(box, "dave");
    plan_box_keep(&box->plan, publish(box));
    free(now);
    now = plan_box_value(&box->plan, "ssl_crl_file");
    assert_string_not_equal(now, were);
    health_read(box, now, &text);
    same_bytes(box, name, &text);
    expect_alert(box, &dave, "dave", 44);
    health_expect_well(box);
    free(box->crl_file);
    box->crl_file = now;
    back_to_files(box);
    strbuf_clear(&text);
    kit_files_clear(&dave);
    free(name);
    free(were);
}

/* ---- refused ---- */

static void test_refusals(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct crl_entry entry = {.revoked_at = clock_now()};
    char *name = name_of("bad", ca.cert, 0);
    struct err err = ERR_INIT;
    struct crl *crl;

    use_folder(box, "bad", false);
    must(serial_random(&entry.serial, &err), &err);
    for (size_t i = 0; i < 2; i++) { /* a higher number; a revocation that ours lacks */
        crl = crl_build(ca.cert, ca.key, &entry, i, i == 0 ? 99 : 1, clock_now() - CERT_BACKDATE,
                        clock_now() + CLOCK_DAY, &err);
        must(crl != NULL, &err);
        write_list(box, name, crl);
        refused_plan(box, ERR_CRL_WEAKER, i == 0 ? "number 99" : "lacks");
        crl_free(crl);
    }
    crl = fixture_crl_dates(&ca, NULL, 0, clock_now() - 7200, clock_now() - 3600);
    write_list(box, name, crl);
    health_expect(box, FINDING_ERROR, ERR_CRL_ENDED, NULL);
    crl_free(crl);
    health_write(box, name, "no list\n", 8,
                 0644); /* OpenSSL stops there: nothing behind it counts */
    refused_plan(box, ERR_CRL_DIR, name);
    /* but the beginning of one, or nothing: what a full disk leaves of ours */
    for (size_t i = 0; i < 2; i++) {
        health_write(box, name, "-----BEGIN X509 CRL-----\nMIIB", i == 0 ? 0 : 29, 0644);
        expect_alert(box, &box->alice, "alice", 48);
        plan_box_keep(&box->plan, publish(box));
        expect_alert(box, &box->alice, "alice", 0);
    }
    health_set(box, "ssl_crl_dir", "bad:one");
    refused_plan(box, ERR_POLICY, "several folders");
    back_to_files(box);
    free(name);
}

/* The folder is not there: said before anything is changed. */
static void test_no_folder(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl_crl_file", "");
    health_set(box, "ssl_crl_dir", "nosuch");
    refused_plan(box, ERR_CRL_DIR, "nosuch");
    back_to_files(box);
}

/* ---- by SQL ---- */

static void as_installer(struct health_box *box)
{
    static const char *const grants[] = {
        "CREATE ROLE installer LOGIN",
        "GRANT pg_write_server_files, pg_read_server_files, pg_read_all_settings TO installer",
        "GRANT ALTER SYSTEM ON PARAMETER ssl_ca_file, ssl_crl_file TO installer",
        "GRANT EXECUTE ON FUNCTION pg_reload_conf(), pg_read_binary_file(text) TO installer",
        "GRANT EXECUTE ON FUNCTION pg_stat_file(text), lo_export(oid,text) TO installer",
        "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO installer",
        "GRANT SELECT ON pg_file_settings TO installer",
        "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
    };
    struct conn_options options = {.connect_timeout_ms = 10000};
    struct err err = ERR_INIT;
    struct params *params;
    char *line = mem_printf("%s user=installer", demo_admin_conninfo(box->plan.demo));

    for (size_t i = 0; i < ARRAY_LEN(grants); i++)
        must(conn_run(box->plan.admin, grants[i], &err), &err);
    health_rules(box, "local all installer trust\n" HEALTH_RULES);
    params = params_parse(line, &err);
    must(params != NULL, &err);
    conn_close(box->plan.admin);
    box->plan.target.admin = box->plan.admin = conn_open(params, &options, &err);
    must(box->plan.admin != NULL, &err);
    params_free(params);
    free(line);
}

/* The last test: what comes after has no superuser. */
struct tear {
    struct health_box *box;
    const char *name;
    bool mends; /* before it is taken back */
    int times;
    struct strbuf saw;
};

/* The disk is full in the middle of the list: half of it stands there, and cannot be written. */
static void tear(void *arg, const struct plan_step_view *step)
{
    struct tear *tear = arg;
    char *path;

    if (step->state != JOURNAL_STEP_DOING || !strstr(step->title, tear->name))
        return;
    path = health_path(tear->box, tear->name);
    if (++tear->times == 1)
        health_write(tear->box, tear->name, "-----BEGIN X509 CRL-----\n", 25, 0444);
    else if (tear->mends)
        assert_int_equal(chmod(path, 0644), 0);
    free(path);
}

static void saw(void *arg, const char *line)
{
    struct tear *tear = arg;

    strbuf_add_str(&tear->saw, line);
}

static void tear_the_first(struct health_box *box, const char *name, bool mends)
{
    struct tear told = {.box = box, .name = name, .mends = mends};
    const struct plan_watch watch = {.step = tear, .saw = saw, .arg = &told};
    struct err err = ERR_INIT;
    struct plan *plan = publish(box);
    struct strbuf now = STRBUF_INIT;
    char *path = health_path(box, name);

    strbuf_init(&told.saw);
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &watch, &err));
    assert_int_equal(plan_state(plan), JOURNAL_UNDONE);
    assert_int_equal(told.times, 2);
    health_read(box, name, &now);
    assert_true((now.len > 25) == mends); /* the whole list, or its beginning: that is said */
    if (!strstr(told.saw.data,
                mends ? "stays on the server" : "\"pgseal server crl db1\" writes it"))
        fail_msg("%s", told.saw.data);
    assert_int_equal(chmod(path, 0644), 0);
    strbuf_clear(&told.saw);
    strbuf_clear(&now);
    plan_free(plan);
    free(path);
}

static void test_by_sql_alone(void **state)
{
    struct health_box *box = *state;
    char *name = name_of("sql", box->plan.ca->cert, 0);
    char *path;
    struct strbuf before = STRBUF_INIT;
    struct strbuf next = STRBUF_INIT;
    struct kit_files erin;
    struct err err = ERR_INIT;
    struct crl *crl;
    int64_t id;

    if (conn_server_version(box->plan.admin) < 150000)
        return; /* ALTER SYSTEM cannot be granted */
    use_folder(box, "sql", false);
    as_installer(box);
    tear_the_first(box, name, false);
    expect_alert(box, &box->alice, "alice", 48); /* as without any list */
    plan_box_keep(&box->plan, publish(box));
    expect_alert(box, &box->alice, "alice", 0);
    health_read(box, name, &before);
    crl = authority_sign_crl(box->plan.store, box->plan.ca, box->plan.ca_key, 0, &err);
    must(crl != NULL, &err);
    id = plan_box_keep(&box->plan, publish(box));
    health_read(box, name, &next);
    assert_false(strbuf_equal(&before, &next));
    undo(box, id);
    same_bytes(box, name, &before);
    path = health_path(box, name);
    assert_int_equal(unlink(path), 0);
    tear_the_first(box, name, true);
    expect_alert(box, &box->alice, "alice", 0);
    plan_box_kit(&box->plan, box->plan.ca, box->plan.ca_key, "erin", &erin);
    revoke_role(box, "erin");
    plan_box_keep(&box->plan, publish(box));
    expect_alert(box, &erin, "erin", 44);
    expect_alert(box, &box->alice, "alice", 0);
    crl_free(crl);
    kit_files_clear(&erin);
    strbuf_clear(&before);
    strbuf_clear(&next);
    free(path);
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_and_revoked),
        cmocka_unit_test(test_another_of_the_same_hash),
        cmocka_unit_test(test_two_cas),
        cmocka_unit_test(test_beside_a_file),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_by_sql_alone),
    };

    if (!need_pg() || !need_pg_feature(PG_CRL_DIR))
        return 0;
    return cmocka_run_group_tests(tests, health_box_setup, health_box_teardown);
}
