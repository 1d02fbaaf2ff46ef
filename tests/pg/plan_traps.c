/*
 * plan_traps.c - changes that look harmless and are not, each made for real on a server: pgseal warns,
 * refuses, or takes them back.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "tests/pg/health_box.h"
#include "tests/pg/need_pg.h"

static void must(bool good, const struct err *err)
{
    if (!good)
        fail_msg("PS-%d %s / %s / %s", (int)err->code, err->msg, err->cause, err->state);
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

/* ssl_ca_file and ssl_crl_file with these beside what is there. */
static void trust_too(struct health_box *box, const struct pair *cas, size_t n)
{
    struct strbuf certs = STRBUF_INIT;
    struct strbuf lists = STRBUF_INIT;
    struct err err = ERR_INIT;

    health_read(box, box->ca_file, &certs);
    health_read(box, box->crl_file, &lists);
    for (size_t i = 0; i < n; i++) {
        struct crl *crl =
            fixture_crl_dates(&cas[i], NULL, 0, clock_now() - 3600, clock_now() + YEAR);

        fixture_pem(&certs, cas[i].cert);
        must(crl_to_pem(crl, &lists, &err), &err);
        crl_free(crl);
    }
    health_set_text(box, "ssl_crl_file", &lists);
    health_set_text(box, "ssl_ca_file", &certs);
    strbuf_clear(&certs);
    strbuf_clear(&lists);
}

static struct plan *untrust(struct health_box *box, const char *name)
{
    struct untrust_ca_intent intent = {.names = &name, .n_names = 1};
    struct err err = ERR_INIT;
    struct plan *plan = plan_untrust_ca(&box->plan.target, &intent, &err);

    must(plan != NULL, &err);
    return plan;
}

/* server.crt holds the leaf only, and OpenSSL completes the chain from ssl_ca_file: who tidies that
 * file cuts the chain, and every client that verifies the server is out. */
static void test_a_tidied_ca_file_cuts_the_chain(void **state)
{
    struct health_box *box = *state;
    char *key_file = plan_box_value(&box->plan, "ssl_key_file");
    char *cert_file = plan_box_value(&box->plan, "ssl_cert_file");
    struct pair cas[2] = {
        fixture_ca_dates("Server root", clock_now() - 3600, clock_now() + 10 * YEAR)};
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct plan_files before;
    struct handshake seen;
    struct secret *key;
    enum journal_plan_state ended;
    struct pair leaf;
    int64_t id;

    cas[1] = fixture_sub_ca(&cas[0], "Server issuing");
    leaf = health_leaf(&cas[1], PROFILE_SERVER, "127.0.0.1");
    key = key_to_pem(leaf.key, NULL, 0, &err);
    must(key != NULL, &err);
    fixture_pem(&pem, leaf.cert);
    health_write(box, "own.key", secret_data(key), secret_len(key), 0600);
    health_write(box, "own.crt", pem.data, pem.len, 0644);
    health_set(box, "ssl_key_file", "own.key");
    health_set(box, "ssl_cert_file", "own.crt");
    trust_too(box, cas, ARRAY_LEN(cas));
    health_expect(box, FINDING_WARNING, ERR_CHAIN_BORROWED, "ssl_cert_file");
    before = plan_box_files(&box->plan);

    /* the plan gives the server a file of its own with the whole chain, before the CA goes */
    id = plan_box_keep(&box->plan, untrust(box, "Server issuing"));
    seen = plan_box_handshake(&box->plan);
    assert_true(seen.chain.n >= 2);
    handshake_clear(&seen);
    health_check(box);
    health_expect_none(box, ERR_CHAIN_BORROWED);
    must(plan_undo_journalled(&box->plan.target, id, &box->plan.watch, &ended, &err), &err);
    assert_int_equal(ended, JOURNAL_UNDONE);
    plan_box_same_files(&box->plan, &before);

    health_set(box, "ssl_key_file", key_file);
    health_set(box, "ssl_cert_file", cert_file);
    health_heal(box);
    plan_files_clear(&before);
    secret_free(key);
    strbuf_clear(&pem);
    pair_clear(&leaf);
    pair_clear(&cas[0]);
    pair_clear(&cas[1]);
    free(key_file);
    free(cert_file);
}

/* Two CAs whose names are alike for 63 bytes: pg_stat_ssl shows one and the same. */
static struct pair make_long(const char *last)
{
    char *text = mem_printf("CN=%s,OU=Client certificates,"
                            "O=Example Database Operations Gesellschaft mbH,C=DE",
                            last);
    struct err err = ERR_INIT;
    struct pair made = {.key = fixture_key()};
    struct name *subject = name_parse(text, &err);
    struct cert_request request = {.profile = PROFILE_CA,
                                   .subject = subject,
                                   .key = made.key,
                                   .not_before = clock_now() - 3600,
                                   .not_after = clock_now() + YEAR};

    must(subject && serial_random(&request.serial, &err), &err);
    made.cert = cert_sign(&request, NULL, made.key, &err);
    must(made.cert != NULL, &err);
    name_free(subject);
    free(text);
    return made;
}

static struct conn *log_in(struct health_box *box, const struct pair *leaf)
{
    struct strbuf cert = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct secret *pem = key_to_pem(leaf->key, NULL, 0, &err);
    char *folder = mem_printf("%s/cut-XXXXXX", demo_store(box->plan.demo));
    char *cert_file = mem_printf("%s/cut.crt", mkdtemp(folder));
    char *key_file = mem_printf("%s/cut.key", folder);
    char *text = mem_printf("host=127.0.0.1 port=%d user=alice dbname=app sslmode=require"
                            " sslcert='%s' sslkey='%s' sslrootcert=/dev/null/none",
                            demo_port(box->plan.demo), cert_file, key_file);
    struct params *params = params_parse(text, &err);
    struct conn *conn = NULL;

    must(pem && params, &err);
    fixture_pem(&cert, leaf->cert);
    must(fs_write_new(cert_file, cert.data, cert.len, 0644, &err), &err);
    must(fs_write_new(key_file, secret_data(pem), secret_len(pem), 0600, &err), &err);
    for (int i = 0; i < 100 && !conn; i++) { /* the CA is loaded a moment after the reload */
        if (i > 0)
            nap();
        conn = conn_open(params, NULL, &err);
    }
    must(conn != NULL, &err);
    secret_free(pem);
    params_free(params);
    strbuf_clear(&cert);
    free(folder);
    free(cert_file);
    free(key_file);
    free(text);
    return conn;
}

static void test_issuers_that_look_alike(void **state)
{
    struct health_box *box = *state;
    struct pair cas[2] = {make_long("2025"), make_long("2026")};
    struct pair leaf = health_leaf(&cas[0], PROFILE_CLIENT, "alice");
    struct err err = ERR_INIT;
    struct plan_files before;
    struct plan *plan;
    struct conn *alice;

    trust_too(box, cas, ARRAY_LEN(cas));
    alice = log_in(box, &leaf);
    before = plan_box_files(&box->plan);
    plan = untrust(box, "2025"); /* hers */
    assert_int_equal(plan_count_refused(plan), 1);
    assert_string_equal(plan_refused(plan, 0)->role, "alice");
    assert_non_null(strstr(plan_refused(plan, 0)->why, "63 bytes"));
    assert_false(plan_apply(plan, PLAN_KEEP_WHEN_PROVEN, &box->plan.watch, &err));
    assert_int_equal(err.code, ERR_WOULD_LOCK_OUT);
    plan_free(plan);
    plan_box_same_files(&box->plan, &before);
    conn_close(alice);
    health_heal(box);
    plan_files_clear(&before);
    pair_clear(&leaf);
    pair_clear(&cas[0]);
    pair_clear(&cas[1]);
}

/* An intermediate without its root lets nobody in, and nobody's session shows the root's name. */
static void test_a_root_goes_and_its_intermediate_stays(void **state)
{
    const char *const names[] = {"Client root", "Client issuing"};
    const struct untrust_ca_intent root_alone = {.names = names, .n_names = 1};
    const struct untrust_ca_intent both = {.names = names, .n_names = 2};
    struct health_box *box = *state;
    struct pair cas[2] = {fixture_ca_dates(names[0], clock_now() - 3600, clock_now() + 10 * YEAR)};
    struct err err = ERR_INIT;
    struct plan_files before;
    struct plan *plan;
    struct pair leaf;
    struct conn *alice;

    cas[1] = fixture_sub_ca(&cas[0], names[1]);
    leaf = health_leaf(&cas[1], PROFILE_CLIENT, "alice");
    trust_too(box, cas, ARRAY_LEN(cas));
    alice = log_in(box, &leaf);
    before = plan_box_files(&box->plan);
    plan = plan_untrust_ca(&box->plan.target, &root_alone, &err);
    assert_null(plan);
    assert_int_equal(err.code, ERR_WOULD_LOCK_OUT);
    assert_non_null(strstr(err.msg, names[1]));
    plan_box_same_files(&box->plan, &before);
    plan = plan_untrust_ca(&box->plan.target, &both, &err);
    must(plan != NULL, &err);
    assert_int_equal(plan_count_refused(plan), 1);
    plan_free(plan);
    conn_close(alice);
    health_heal(box);
    plan_files_clear(&before);
    pair_clear(&leaf);
    pair_clear(&cas[0]);
    pair_clear(&cas[1]);
}

/* With its first CA the server begins to ask, and what lies in ~/.postgresql begins to matter. */
static void test_the_asking_starts(void **state)
{
    struct health_box *box = *state;
    const struct authority *authorities[] = {box->plan.ca};
    struct trust_ca_intent intent = {.authorities = authorities, .n_authorities = 1};
    struct err err = ERR_INIT;
    struct handshake seen;
    struct plan *plan;
    bool quiet = false;
    bool said = false;

    health_rules(box, "local all admin trust\n");
    health_set(box, "ssl_crl_file", "");
    health_set(box, "ssl_ca_file", "");
    for (int i = 0; i < 100 && !quiet; i++) { /* the reload comes when it comes */
        nap();
        seen = plan_box_handshake(&box->plan);
        quiet = !seen.asks_certificate;
        handshake_clear(&seen);
    }
    assert_true(quiet);
    plan = plan_trust_ca(&box->plan.target, &intent, &err);
    must(plan != NULL, &err);
    for (size_t i = 0; i < plan_count(plan); i++)
        said = said || strstr(plan_step(plan, i).effect, "begins to ask for certificates");
    assert_true(said);
    plan_free(plan);
    health_rules(box, HEALTH_RULES);
    health_heal(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tidied_ca_file_cuts_the_chain),
        cmocka_unit_test(test_issuers_that_look_alike),
        cmocka_unit_test(test_a_root_goes_and_its_intermediate_stays),
        cmocka_unit_test(test_the_asking_starts),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, health_box_setup, health_box_teardown);
}
