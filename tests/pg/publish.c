/*
 * publish.c - lists on a real server whose clock goes with ours: a year of pre-signed lists, the days
 * on which a list ends, weaker lists, other CAs' lists, and a pgseal killed in the middle.
 *
 * The server runs under libfaketime, with its time in a file; ours goes through clock_replace().
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/health/doctor.h"
#include "core/health/server_check.h"
#include "core/health/store_check.h"
#include "core/pg/settings.h"
#include "core/plan/publish.h"
#include "core/plan/revoke.h"
#include "core/store/crl_ahead.h"
#include "core/store/foreign.h"
#include "core/store/revoked.h"
#include "tests/harness/command.h"
#include "tests/pg/need_pg.h"
#include "tests/pg/plan_box.h"

static int64_t offset; /* of ours, seconds */
static char time_file[] = "/tmp/pgseal-time-XXXXXX";
static char programs[] = "/tmp/pgseal-programs-XXXXXX";

#define FAKETIME "/usr/lib/*/faketime/libfaketime.so.1"

static int64_t shifted_now(void)
{
    return (int64_t)time(NULL) + offset;
}

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

static void write_time(int64_t seconds)
{
    struct err err = ERR_INIT;
    char *text = mem_printf("%+lld\n", (long long)seconds);
    char *next = mem_printf("%s.new", time_file);
    FILE *file = fopen(next, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(next, 0644), 0);
    assert_int_equal(rename(next, time_file), 0);
    (void)err;
    free(next);
    free(text);
}

static void reopen(struct plan_box *box)
{
    struct err err = ERR_INIT;
    struct params *params = params_parse(demo_admin_conninfo(box->demo), &err);

    conn_close(box->admin);
    box->admin = conn_open(params, NULL, &err);
    must(box->admin != NULL, &err);
    box->target.admin = box->admin;
    params_free(params);
}

/* Both clocks, from today on. */
static void go_to(struct plan_box *box, int64_t seconds)
{
    offset = seconds;
    write_time(seconds);
    reopen(box);
}

/*
 * PostgreSQL's programs once more, with a postgres that has libfaketime in it. (The server gets none of
 * our environment.)
 */
static void make_programs(void)
{
    struct err err = ERR_INIT;
    char *real = programs_find(NULL, &err);
    struct command_result ran = {0};
    glob_t found;
    char *line;

    must(real != NULL, &err);
    assert_int_equal(glob(FAKETIME, 0, NULL, &found), 0);
    assert_non_null(mkdtemp(programs));
    assert_int_equal(chmod(programs, 0755), 0);
    line =
        mem_printf("cd '%s' && for p in '%s'/*; do printf '#!/bin/sh\\nexec %%s \"$@\"\\n' \"$p\""
                   " >\"$(basename \"$p\")\"; done &&"
                   " printf '#!/bin/sh\\nexport LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s"
                   " FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1\\nexec %s/postgres \"$@\"\\n'"
                   " >postgres && chmod 755 *",
                   programs, real, found.gl_pathv[0], time_file, real);
    command_run(&ran, &(struct command_options){.program = "sh"}, "-c", line, NULL);
    if (ran.status != 0)
        fail_msg("%s", ran.err);
    command_clear(&ran);
    setenv("PGSEAL_TEST_PGBIN", programs, 1);
    globfree(&found);
    free(line);
    free(real);
}

static int setup(void **state)
{
    struct plan_box *box = mem_zalloc(sizeof(*box));
    int fd = mkstemp(time_file);

    assert_true(fd >= 0);
    close(fd);
    write_time(0);
    clock_replace(shifted_now);
    make_programs();
    plan_box_open(box);
    plan_box_tls(box);
    plan_box_trust(box);
    *state = box;
    return 0;
}

static int teardown(void **state)
{
    struct plan_box *box = *state;
    struct err err = ERR_INIT;

    plan_box_close(box);
    free(box);
    unlink(time_file);
    must(fs_remove_tree(programs, &err), &err);
    return 0;
}

/* ---- small things ---- */

static struct publish_result publish(struct plan_box *box, bool only_behind)
{
    struct server_list servers = {.n = 0};
    struct publish_request request = {.servers = &servers, .only_behind = only_behind};
    struct publish_watch watch = {.arg = NULL};
    struct publish_results results = {.n = 0};
    struct publish_result row;
    struct err err = ERR_INIT;

    must(publish_list_servers(box->store, 0, &servers, &err), &err);
    assert_int_equal(servers.n, 1);
    must(publish_run(box->store, &request, &watch, &results, &err), &err);
    row = results.rows[0];
    row.server = NULL;
    publish_results_clear(&results);
    server_list_clear(&servers);
    return row;
}

static void published_as(struct plan_box *box, enum publish_state state)
{
    struct publish_result row = publish(box, false);

    if (row.state != state)
        fail_msg("%s: PS-%d %s / %s", publish_state_name(row.state), (int)row.err.code, row.err.msg,
                 row.err.cause);
}

static int alert_of(struct plan_box *box, enum canary_kind kind)
{
    struct canary canary;
    struct handshake seen;
    struct err err = ERR_INIT;
    struct handshake_request request = {.host = "127.0.0.1", .port = box->target.tls_port};
    int alert;

    must(authority_canary(box->store, box->ca, kind, &canary, &err), &err);
    request.cert = canary.cert;
    request.key = canary.key;
    must(handshake_run(&request, &seen, &err), &err);
    alert = seen.alert;
    handshake_clear(&seen);
    canary_clear(&canary);
    return alert;
}

static bool store_says(struct plan_box *box, enum err_code code)
{
    struct findings findings = {.n = 0};
    struct err err = ERR_INIT;
    bool found;

    must(store_check(box->store, 0, &findings, &err), &err);
    found = findings_find(&findings, code, NULL) != NULL;
    findings_clear(&findings);
    return found;
}

static bool server_says(struct plan_box *box, enum err_code code)
{
    struct server_check_request request = {.store = box->store,
                                           .server = box->server,
                                           .admin = box->admin,
                                           .tls_host = "127.0.0.1",
                                           .tls_port = box->target.tls_port};
    struct server_check check;
    struct err err = ERR_INIT;
    bool found;

    must(server_check(&request, &check, &err), &err);
    found = findings_find(&check.findings, code, NULL) != NULL;
    server_check_clear(&check);
    return found;
}

/* To an application whose certificate is fine, and whose server says "certificate expired". */
static void doctor_explains(struct plan_box *box, const struct kit_files *kit, const char *cause)
{
    char *text = mem_printf("host=127.0.0.1 port=%d user=alice dbname=postgres sslmode=require",
                            box->target.tls_port);
    struct err err = ERR_INIT;
    struct params *params = params_parse(text, &err);
    struct doctor_request request = {.params = params,
                                     .cert_file = kit->certificate,
                                     .key_file = kit->key,
                                     .store = box->store,
                                     .admin = box->admin};
    struct doctor doctor;

    must(params && doctor_run(&request, &doctor, &err), &err);
    if (doctor.tries[DOCTOR_REQUIRE].in || !strstr(doctor.tries[DOCTOR_REQUIRE].cause, cause))
        fail_msg("PS-%d %s / %s", (int)doctor.tries[DOCTOR_REQUIRE].code,
                 doctor.tries[DOCTOR_REQUIRE].said, doctor.tries[DOCTOR_REQUIRE].cause);
    doctor_clear(&doctor);
    params_free(params);
    free(text);
}

static void sign(struct plan_box *box, int days)
{
    struct err err = ERR_INIT;
    struct crl *crl = authority_sign_crl(box->store, box->ca, box->ca_key, days, &err);

    must(crl != NULL, &err);
    crl_free(crl);
}

/* ---- tests ---- */

/* A list that ends: seen before, refuses everybody after, explained, and mended by one act. */
static void end_of_list(struct plan_box *box, int days)
{
    struct kit_files kit;

    go_to(box, 0);
    sign(box, days);
    published_as(box, PUBLISH_DONE);
    go_to(box, (days - days / 4) * CLOCK_DAY);
    assert_true(store_says(box, ERR_CRL_ENDS) || days > 60);
    go_to(box, (days - 5) * CLOCK_DAY);
    assert_true(store_says(box, ERR_CRL_ENDS));
    assert_true(server_says(box, ERR_CRL_ENDS));
    assert_int_equal(alert_of(box, CANARY_GOOD), 0);
    plan_box_kit(box, box->ca, box->ca_key, "alice", &kit);
    go_to(box, days * CLOCK_DAY + 3600); /* day 31, day 366: the hour after nextUpdate */
    assert_int_equal(alert_of(box, CANARY_GOOD),
                     45); /* the certificate is fine: the list has ended */
    assert_true(store_says(box, ERR_CRL_ENDED));
    assert_true(server_says(box, ERR_CRL_ENDED));
    doctor_explains(box, &kit, "the CRL of \"Test CA\" ended");
    kit_files_clear(&kit);
    published_as(box, PUBLISH_REFUSED); /* an ended list goes nowhere */
    sign(box, 0);
    published_as(box, PUBLISH_DONE);
    assert_int_equal(alert_of(box, CANARY_GOOD), 0);
    assert_int_equal(alert_of(box, CANARY_REVOKED), 44);
    assert_false(server_says(box, ERR_CRL_ENDED));
}

static void test_day_31(void **state)
{
    end_of_list(*state, 30);
}

static void test_day_365(void **state)
{
    end_of_list(*state, 365);
}

/* Twelve lists and no key: each is published on its day, and the server never stands without one. */
static void test_a_year_without_the_key(void **state)
{
    struct plan_box *box = *state;
    struct crl_ahead_spec spec = {.lists = 12, .days = 75};
    int64_t begin;
    struct err err = ERR_INIT;
    size_t n;

    go_to(box, 400 * CLOCK_DAY);
    begin = offset;
    must(crl_ahead_sign(box->store, box->ca, box->ca_key, &spec, &n, &err), &err);
    published_as(box, PUBLISH_DONE);
    for (int month = 1; month < 12; month += 2) { /* the timer stood still for a month each time */
        go_to(box, begin + month * 30 * CLOCK_DAY + 60);
        assert_int_equal(alert_of(box, CANARY_GOOD), 0);
        assert_true(publish(box, true).state == PUBLISH_DONE);
        assert_true(publish(box, true).state == PUBLISH_SAME);
        assert_int_equal(alert_of(box, CANARY_GOOD), 0);
        assert_int_equal(alert_of(box, CANARY_REVOKED), 44);
        assert_false(store_says(box, ERR_CRL_ENDED));
    }
}

/* A list for later went out while both clocks were ahead: nobody gets in when they are set right, until
 * the timer brings the one that counts. And a timer that stood still for too long. */
static void test_clocks_and_sets(void **state)
{
    struct plan_box *box = *state;
    struct crl_ahead_spec spec = {.lists = 4, .days = 75};
    int64_t begin = 600 * CLOCK_DAY;
    struct err err = ERR_INIT;
    size_t n;

    go_to(box, begin);
    must(crl_ahead_sign(box->store, box->ca, box->ca_key, &spec, &n, &err), &err);
    published_as(box, PUBLISH_DONE);
    go_to(box, begin + 40 * CLOCK_DAY);
    assert_true(publish(box, true).state == PUBLISH_DONE);
    go_to(box, begin + 60);
    assert_int_equal(alert_of(box, CANARY_GOOD), 42);
    assert_true(store_says(box, ERR_CRL_NOT_YET));
    assert_true(publish(box, true).state == PUBLISH_DONE);
    assert_int_equal(alert_of(box, CANARY_GOOD), 0);
    assert_int_equal(alert_of(box, CANARY_REVOKED), 44);
    assert_false(store_says(box, ERR_CRL_NOT_YET));

    go_to(box, begin + 80 * CLOCK_DAY); /* the next one is signed, and was not brought */
    assert_int_equal(alert_of(box, CANARY_GOOD), 45);
    assert_true(store_says(box, ERR_CRL_ENDED));
    assert_true(publish(box, true).state == PUBLISH_DONE);
    assert_int_equal(alert_of(box, CANARY_GOOD), 0);
    assert_false(store_says(box, ERR_CRL_ENDED));
}

/* What a restored backup would do: the server's list is newer, and stays. */
static void test_never_weaker(void **state)
{
    struct plan_box *box = *state;
    struct err err = ERR_INIT;
    struct crl_entry entry = {.serial = {.len = 3, .bytes = {7, 7, 7}},
                              .revoked_at = clock_now(),
                              .reason = CRL_UNSPECIFIED};
    struct strbuf pem = STRBUF_INIT;
    char *path = mem_printf("%s/by-hand.crl", demo_data(box->demo));
    struct publish_result row;
    struct crl *crl;
    struct plan_files before;

    go_to(box, 800 * CLOCK_DAY);
    sign(box, 0);
    published_as(box, PUBLISH_DONE);
    crl = crl_build(box->ca->cert, box->ca_key, &entry, 1, 9000, clock_now() - 60,
                    clock_now() + CLOCK_DAY, &err);
    must(crl != NULL && crl_to_pem(crl, &pem, &err), &err);
    must(fs_write_replace(path, pem.data, pem.len, 0644, &err), &err);
    must(conn_run(box->admin, "ALTER SYSTEM SET ssl_crl_file = 'by-hand.crl'", &err), &err);
    must(settings_reload(box->admin, &err), &err);
    before = plan_box_files(box);
    sign(box, 0);
    row = publish(box, false);
    assert_int_equal(row.state, PUBLISH_REFUSED);
    assert_int_equal(row.err.code, ERR_CRL_WEAKER); /* number */
    plan_box_same_files(box, &before);
    plan_files_clear(&before);
    crl_free(crl);
    strbuf_reset(&pem);
    crl = crl_build(box->ca->cert, box->ca_key, &entry, 1, 2, clock_now() - 60,
                    clock_now() + CLOCK_DAY, &err);
    must(crl != NULL && crl_to_pem(crl, &pem, &err), &err);
    must(fs_write_replace(path, pem.data, pem.len, 0644, &err), &err);
    row = publish(box, false);
    assert_int_equal(row.err.code, ERR_CRL_WEAKER); /* ours lacks 07:07:07 */
    must(conn_run(box->admin, "ALTER SYSTEM RESET ssl_crl_file", &err), &err);
    must(settings_reload(box->admin, &err), &err);
    /* and one of ours that is about to end */
    sign(box, 2);
    go_to(box, 801 * CLOCK_DAY + 3600 * 2);
    row = publish(box, false);
    assert_int_equal(row.err.code, ERR_CRL_ENDS);
    sign(box, 0);
    published_as(box, PUBLISH_DONE);
    crl_free(crl);
    strbuf_clear(&pem);
    free(path);
}

/* Another's CA beside ours: its next list comes by import, with the next refresh. */
static void test_foreign_list(void **state)
{
    struct plan_box *box = *state;
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct name *name = name_new_common_name("Elsewhere", &err);
    struct cert_request request = {.profile = PROFILE_CA,
                                   .subject = name,
                                   .key = key,
                                   .not_before = clock_now() - CERT_BACKDATE,
                                   .not_after = clock_now() + 900 * CLOCK_DAY};
    const struct authority *ours[] = {box->ca};
    struct cert_list foreign;
    enum foreign_import what;
    struct cert *cert;
    struct crl *first, *next;
    struct plan *plan;
    int64_t now = clock_now();
    size_t behind = 0;

    must(serial_random(&request.serial, &err), &err);
    cert = cert_sign(&request, NULL, key, &err);
    must(cert != NULL, &err);
    first = crl_build(cert, key, NULL, 0, 1, now - 60, now + 10 * CLOCK_DAY, &err);
    /* of the same second, as scripts make them: the number tells which is later */
    next = crl_build(cert, key, NULL, 0, 2, now - 60, now + 20 * CLOCK_DAY, &err);
    must(first && next, &err);
    cert_list_init(&foreign);
    cert_list_take(&foreign, cert_dup(cert));
    plan = plan_trust_ca(&box->target,
                         &(struct trust_ca_intent){.authorities = ours,
                                                   .n_authorities = 1,
                                                   .foreign = &foreign,
                                                   .foreign_crls = &first,
                                                   .n_foreign_crls = 1},
                         &err);
    must(plan != NULL, &err);
    plan_box_keep(box, plan);
    must(foreign_count_behind(box->store, &behind, &err), &err);
    assert_int_equal(behind, 0);
    must(foreign_import(box->store, cert, next, 0, &what, &err), &err);
    assert_int_equal(what, FOREIGN_NEW);
    must(foreign_count_behind(box->store, &behind, &err), &err);
    assert_int_equal(behind, 1); /* a kept plan has said that the server trusts it */
    assert_true(store_says(box, ERR_CRL_OLDER));
    must(foreign_import(box->store, cert, first, 0, &what, &err), &err);
    assert_int_equal(what, FOREIGN_OLDER);
    assert_true(publish(box, true).state == PUBLISH_DONE);
    must(foreign_count_behind(box->store, &behind, &err), &err);
    assert_int_equal(behind, 0);
    assert_true(publish(box, true).state == PUBLISH_SAME);
    /* its list ends, and ours goes on being published */
    go_to(box, offset + 21 * CLOCK_DAY);
    assert_true(store_says(box, ERR_CRL_ENDED));
    sign(box, 0);
    published_as(box, PUBLISH_DONE);
    assert_int_equal(alert_of(box, CANARY_REVOKED), 44);
    cert_list_clear(&foreign);
    crl_free(first);
    crl_free(next);
    cert_free(cert);
    name_free(name);
    key_free(key);
}

/* ---- killed ---- */

struct killer {
    int left;
};

static void step_and_die(void *arg, const char *server, const struct plan_step_view *step)
{
    struct killer *killer = arg;

    (void)server;
    (void)step;
    if (killer->left-- == 0)
        (void)raise(SIGKILL);
}

static void publish_and_die(const char *folder, int at)
{
    struct killer killer = {.left = at};
    struct publish_watch watch = {.step = step_and_die, .arg = &killer};
    struct server_list servers = {.n = 0};
    struct publish_request request = {.servers = &servers};
    struct publish_results results = {.n = 0};
    struct err err = ERR_INIT;
    struct store *store = store_open(folder, STORE_WRITE, &err);

    if (!store || !publish_list_servers(store, 0, &servers, &err) ||
        !publish_run(store, &request, &watch, &results, &err))
        _exit(2);
    _exit(publish_is_complete(&results) ? 0 : 3);
}

/* kill -9 at every second report: the next run finds the dead plan, takes it back, and publishes. */
static void test_killed(void **state)
{
    struct plan_box *box = *state;
    struct err err = ERR_INIT;
    bool ended = false;
    int at;

    for (at = 0; !ended && at < 60; at += 2) {
        int status;
        pid_t pid;

        sign(box, 0);
        store_close(box->store); /* SQLite does not live through a fork */
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            publish_and_die(demo_store(box->demo), at);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        box->store = store_open(demo_store(box->demo), STORE_WRITE, &err);
        must(box->store != NULL, &err);
        box->target.store = box->store;
        ended = WIFEXITED(status);
        if (ended)
            assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(alert_of(box, CANARY_GOOD), 0); /* nobody was locked out meanwhile */
        published_as(box, ended ? PUBLISH_SAME : PUBLISH_DONE);
        assert_int_equal(alert_of(box, CANARY_REVOKED), 44);
        assert_false(store_says(box, ERR_UNFINISHED));
        assert_false(store_says(box, ERR_CRL_OLDER));
    }
    assert_true(ended);
    assert_true(at > 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_day_31),
        cmocka_unit_test(test_day_365),
        cmocka_unit_test(test_a_year_without_the_key),
        cmocka_unit_test(test_clocks_and_sets),
        cmocka_unit_test(test_never_weaker),
        cmocka_unit_test(test_foreign_list),
        cmocka_unit_test(test_killed),
    };
    glob_t found;
    bool has = glob(FAKETIME, 0, NULL, &found) == 0;

    globfree(&found);
    if (!need(has, "libfaketime") || !need_pg())
        return 0;
    return cmocka_run_group_tests(tests, setup, teardown);
}
