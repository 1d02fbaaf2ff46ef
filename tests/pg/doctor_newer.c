/*
 * doctor_newer.c - rows 32 to 34 of what clients meet: options that came with libpq 16 and 17.
 *
 * With the libpq that Debian has (15) the doctor takes them out and says what a newer one would do. With
 * LD_LIBRARY_PATH of a newer one ("./bootstrap versions") the same program makes each row for real.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "tests/pg/doctor_box.h"
#include "tests/pg/need_pg.h"

/* ---- reading them ---- */

static void reads(const char *text, const char *keyword, const char *value)
{
    struct err err = ERR_INIT;
    struct params *params = doctor_parse(text, &err);

    if (!params)
        fail_msg("%s: %s", text, err.msg);
    if (!text_equal(params_get(params, keyword), value))
        fail_msg("%s: %s=%s", text, keyword, params_get(params, keyword));
    params_free(params);
}

static void refuses(const char *text, enum err_code code)
{
    struct err err = ERR_INIT;

    assert_null(doctor_parse(text, &err));
    assert_int_equal(err.code, code);
}

static void test_strings(void **state)
{
    static const char uri[] = "postgresql://u@h:5/db?sslcertmode=re%71uire&sslmode=require"
                              "&sslnegotiation=direct";
    static const char words[] =
        "sslcertmode = 'require' host='a b' require_auth=scram\\ sha port=7";

    (void)state;
    reads(uri, "sslcertmode", "require");
    reads(uri, "sslnegotiation", "direct");
    reads(uri, "sslmode", "require");
    reads(uri, "port", "5");
    reads("postgresql://u@h/db?sslnegotiation=direct", "dbname", "db");
    reads(words, "sslcertmode", "require");
    reads(words, "require_auth", "scram sha");
    reads(words, "host", "a b");
    reads(words, "port", "7");
    reads("sslcertmode=disable", "sslcertmode", "disable");
    reads("ssl_min_protocol_version=TLSv1.2", "ssl_min_protocol_version", "TLSv1.2");
    reads("prod", "service", "prod");
    refuses("host=x sslcertmode", ERR_USAGE);
    refuses("host=x sslcertmode=require nonsense=1", ERR_USAGE);
    refuses("sslcertmode=require password=secret", ERR_USAGE);
    refuses("postgresql://h/db?sslcertmode=require&nonsense=1", ERR_USAGE);
}

/* ---- a libpq that does not know them ---- */

/* The finding about this option, with this cause; all else was tried. */
static void told(const char *option, const char *cause)
{
    const struct finding *finding =
        findings_find(&doctor_box_answer()->findings, ERR_LIBPQ_OLD, option);

    if (!finding || !strstr(finding->cause, cause))
        fail_msg("%s: %s", option, finding ? finding->cause : "not told");
    assert_non_null(strstr(finding->fix, "or later"));
    assert_false(doctor_is_well(doctor_box_answer()));
}

static void test_told_by_an_old_libpq(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct ask alice = {.cert = kit->certificate, .key = kit->key};
    struct ask bob = {.user = "bob", .password = demo_password(box->plan.demo, "bob")};

    alice.params = "sslcertmode=require";
    ask(box, &alice);
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    told("sslcertmode", "got it");
    alice.params = "sslcertmode=disable load_balance_hosts=random";
    ask(box, &alice);
    told("sslcertmode", "keeps the certificate back");
    told("load_balance_hosts", "nothing about TLS");
    alice.params = "sslcertmode=allow";
    ask(box, &alice);
    told("sslcertmode", "every libpq");
    bob.params = "sslcertmode=require";
    ask(box, &bob);
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    told("sslcertmode", "no certificate was sent");
    alice.params = "require_auth=scram-sha-256";
    ask(box, &alice);
    told("require_auth", "counts as \"none\"");
    bob.params = "require_auth=scram-sha-256";
    ask(box, &bob);
    told("require_auth", "another method");
}

static void test_told_of_negotiation(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct ask alice = {.cert = kit->certificate, .key = kit->key};

    alice.params = "sslnegotiation=direct";
    ask(box, &alice);
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    told("sslnegotiation", pg_has(PG_DIRECT_TLS) ? "takes that" : "this server does not");
    alice.params = "sslnegotiation=direct sslmode=prefer";
    ask(box, &alice);
    told("sslnegotiation", "below \"require\"");
    alice.params = "sslrootcert=system"; /* known, and for the name of a file */
    ask(box, &alice);
    assert_non_null(
        strstr(findings_find(&doctor_box_answer()->findings, ERR_LIBPQ_OLD, "sslrootcert")->cause,
               "verify-full alone"));
    assert_int_equal(tried(DOCTOR_VERIFY_FULL)->code, ERR_ROOT_MISSING);
}

static void test_told_of_a_server_that_asks_for_none(void **state)
{
    struct health_box *box = *state;

    health_rules(box, "local all admin trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    health_set(box, "ssl_crl_file", "");
    health_set(box, "ssl_ca_file", "");
    ask(box, &(struct ask){.user = "bob",
                           .password = demo_password(box->plan.demo, "bob"),
                           .params = "sslcertmode=require"});
    told("sslcertmode", "its ssl_ca_file is empty");
    ask(box, &(struct ask){.user = "bob",
                           .password = demo_password(box->plan.demo, "bob"),
                           .params = "sslcertmode=require sslmode=disable"});
    told("sslcertmode", "without TLS");
    health_rules(box, HEALTH_RULES);
    health_heal(box);
}

/* ---- a libpq that does what they say ---- */

static void said(const char *words)
{
    if (!strstr(tried(DOCTOR_REQUIRE)->said, words))
        fail_msg("libpq said: %s", tried(DOCTOR_REQUIRE)->said);
}

static void test_row_32_certmode(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct ask bob = {.user = "bob",
                      .password = demo_password(box->plan.demo, "bob"),
                      .params = "sslcertmode=require"};

    ask(box,
        &(struct ask){.cert = kit->certificate, .key = kit->key, .params = "sslcertmode=require"});
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    ask(box, &bob);
    expect(ERR_CLIENT_OPTION, "its file is not there");
    said("server accepted connection without a valid SSL certificate");
    health_rules(box, "local all admin trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    health_set(box, "ssl_crl_file", "");
    health_set(box, "ssl_ca_file", "");
    ask(box, &bob);
    expect(ERR_CLIENT_OPTION, "its ssl_ca_file is empty");
    said("server did not request an SSL certificate");
    assert_int_equal(tried(DOCTOR_DISABLE)->code, ERR_CLIENT_OPTION);
    assert_non_null(strstr(tried(DOCTOR_DISABLE)->cause, "without TLS"));
    health_rules(box, HEALTH_RULES);
    health_heal(box);
    ask(box, &(struct ask){/* row 1: kept back */
                           .cert = kit->certificate,
                           .key = kit->key,
                           .params = "sslcertmode=disable"});
    expect(ERR_CERT_NOT_SENT, "sslcertmode=disable keeps");
}

static void test_row_33_system_roots(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct ask what = {.cert = kit->certificate, .key = kit->key, .params = "sslrootcert=system"};

    ask(box, &what);
    expect(ERR_CLIENT_OPTION, "verify-full alone");
    said("weak sslmode");
    assert_int_equal(tried(DOCTOR_VERIFY_CA)->code, ERR_CLIENT_OPTION);
    assert_int_equal(tried(DOCTOR_VERIFY_FULL)->code, ERR_SERVER_NOT_VERIFIED);
    assert_true(doctor_box_answer()->root_found);
    what.params = "sslrootcert=system sslmode=verify-full";
    assert_int_equal(setenv("SSL_CERT_FILE", kit->root, 1), 0);
    ask(box, &what);
    expect_in(DOCTOR_VERIFY_FULL, true, ERR_NONE);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
}

static void test_row_33_direct_tls(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;

    ask(box, &(struct ask){
                 .cert = kit->certificate, .key = kit->key, .params = "sslnegotiation=direct"});
    if (PQlibVersion() < 170000) {
        told("sslnegotiation", pg_has(PG_DIRECT_TLS) ? "takes that" : "this server does not");
        return;
    }
    if (pg_has(PG_DIRECT_TLS))
        expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    else
        expect(ERR_CLIENT_OPTION, "this server does not");
    assert_int_equal(tried(DOCTOR_PREFER)->code, ERR_CLIENT_OPTION);
    assert_non_null(strstr(tried(DOCTOR_PREFER)->said, "weak sslmode"));
    assert_non_null(strstr(tried(DOCTOR_PREFER)->cause, "clear text"));
}

static void test_require_auth(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct ask what = {
        .cert = kit->certificate, .key = kit->key, .params = "require_auth=scram-sha-256"};

    ask(box, &what);
    expect(ERR_CLIENT_OPTION, "counts as \"none\"");
    what.params = "require_auth=none";
    ask(box, &what);
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest old[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_told_by_an_old_libpq),
        cmocka_unit_test(test_told_of_negotiation),
        cmocka_unit_test(test_told_of_a_server_that_asks_for_none),
    };
    const struct CMUnitTest newer[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_row_32_certmode),
        cmocka_unit_test(test_row_33_system_roots),
        cmocka_unit_test(test_row_33_direct_tls),
        cmocka_unit_test(test_require_auth),
    };

    if (!need_pg())
        return 0;
    if (PQlibVersion() < 160000)
        return cmocka_run_group_tests(old, doctor_box_setup, doctor_box_teardown);
    return cmocka_run_group_tests(newer, doctor_box_setup, doctor_box_teardown);
}
