/*
 * doctor.c - certificates, names, rules: each refusal made for real, and the doctor's explanation of it.
 *
 * Rows are numbered as in the measured table of client errors that core/health/doctor was written
 * from. Rows 32 and 33 need a newer libpq than 15.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/store/revoked.h"
#include "tests/pg/doctor_box.h"
#include "tests/pg/need_pg.h"

static void test_all_is_well(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;

    ask(box, &(struct ask){.params = "sslmode=verify-full",
                           .cert = kit->certificate,
                           .key = kit->key,
                           .root = kit->root});
    expect_in(DOCTOR_VERIFY_FULL, true, ERR_NONE);
    expect_in(DOCTOR_PREFER, true, ERR_NONE);
    assert_true(tried(DOCTOR_VERIFY_FULL)->cert_sent);
    assert_true(doctor_is_well(doctor_box_answer()));
    assert_true(doctor_box_answer()->server_tls && doctor_box_answer()->server_asks);
    assert_int_equal(doctor_box_answer()->n_accepted_cas, 1);
    assert_int_equal(tried(DOCTOR_DISABLE)->code, ERR_NO_RULE); /* row 14: hostnossl reject */
    assert_false(tried(DOCTOR_DISABLE)->in);
}

static void test_row_1_no_certificate_is_sent(void **state)
{
    struct health_box *box = *state;

    ask(box, &(struct ask){.cert = NULL});
    expect(ERR_CERT_NOT_SENT, ".postgresql/postgresql.crt");
    ask(box, &(struct ask){.cert = "/nonexistent/alice.crt", .blind = true});
    expect(ERR_CERT_NOT_SENT, "/nonexistent/alice.crt");
    expect_finding(ERR_CERT_NOT_FOUND);
}

static void test_row_2_unknown_ca(void **state)
{
    struct health_box *box = *state;
    struct pair ca = health_ca("Somebody's CA");
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct pair ours = our_ca(box);
    struct pair good = health_leaf(&ours, PROFILE_CLIENT, "alice");
    struct strbuf text = STRBUF_INIT;
    struct crl *crl;
    struct err err = ERR_INIT;
    struct files files;

    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_UNKNOWN_CA, "Somebody's CA");
    expect_finding(ERR_ALERT_UNKNOWN_CA);
    files = write_pair(box, "blind", &leaf, NULL);
    ask(box, &(struct ask){.cert = files.cert, .key = files.key, .blind = true});
    expect(ERR_ALERT_UNKNOWN_CA, "of another CA");
    files_clear(&files);

    /* the CA is trusted, its CRL is missing: the same alert, another cause */
    crl = fixture_crl_dates(&ca, NULL, 0, clock_now() - 3600, clock_now() + YEAR);
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_set_text(box, "ssl_crl_file", &text);
    health_expect(box, FINDING_ERROR, ERR_CRL_MISSING, NULL);
    ask_with(box, &good, NULL);
    expect(ERR_ALERT_UNKNOWN_CA, "no CRL");
    files = write_pair(box, "blind", &good, NULL);
    ask(box, &(struct ask){.cert = files.cert, .key = files.key, .blind = true});
    expect(ERR_ALERT_UNKNOWN_CA, "lacks that CA's CRL");
    files_clear(&files);
    health_heal(box);
    crl_free(crl);
    strbuf_clear(&text);
    pair_clear(&ca);
    pair_clear(&leaf);
    pair_clear(&good);
}

static void test_row_3_revoked(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;
    struct kit_files kit;
    struct issued *issued;
    struct crl *crl;
    struct strbuf pem = STRBUF_INIT;

    plan_box_kit(&box->plan, box->plan.ca, box->plan.ca_key, "bob", &kit);
    issued = issued_find(box->plan.store, "bob", &err);
    assert_ok(issued != NULL, &err);
    crl = revoked_and_sign(box->plan.store, box->plan.ca, box->plan.ca_key, issued, CRL_SUPERSEDED,
                           0, &err);
    assert_ok(crl != NULL && crl_to_pem(crl, &pem, &err), &err);
    health_write(box, "newer.crl", pem.data, pem.len, 0644);
    health_set(box, "ssl_crl_file", "newer.crl");
    free(box->crl_file);
    box->crl_file = mem_strdup("newer.crl");
    health_expect_well(box);
    health_rules(box, "local all admin trust\nhostssl all all 127.0.0.1/32 cert\n");
    ask(box, &(struct ask){.user = "bob", .cert = kit.certificate, .key = kit.key});
    expect(ERR_ALERT_REVOKED, "superseded");

    /* trap 13: prefer, TLS 1.2 and a rule for plain TCP: in clear text, without a word */
    health_rules(box, HEALTH_RULES "host all bob 127.0.0.1/32 trust\n");
    ask(box, &(struct ask){.user = "bob",
                           .cert = kit.certificate,
                           .key = kit.key,
                           .params = "sslmode=prefer ssl_max_protocol_version=TLSv1.2"});
    expect_in(DOCTOR_PREFER, false, ERR_CLEAR_TEXT);
    assert_non_null(strstr(tried(DOCTOR_PREFER)->cause, "alert 44"));
    assert_false(doctor_is_well(doctor_box_answer()));

    /* trap 17: the rule asks for a password only, and the old certificate ends the login */
    health_rules(box, "local all admin trust\n"
                      "hostnossl all all all reject\n"
                      "hostssl all alice 127.0.0.1/32 cert\n"
                      "hostssl all all 127.0.0.1/32 scram-sha-256\n");
    ask(box, &(struct ask){.user = "bob", .cert = kit.certificate, .key = kit.key});
    expect(ERR_STALE_CERT, "wants no certificate");
    health_rules(box, HEALTH_RULES);
    strbuf_clear(&pem);
    crl_free(crl);
    issued_free(issued);
    kit_files_clear(&kit);
}

static void test_rows_4_and_5_dates(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    int64_t now = clock_now();
    struct pair ended = fixture_leaf_dates(&ca, PROFILE_CLIENT, "alice", now - 9 * DAY, now - DAY);
    struct pair early = fixture_leaf_dates(&ca, PROFILE_CLIENT, "alice", now + 3600, now + DAY);
    struct pair good = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct crl *crl = fixture_crl_dates(&ca, NULL, 0, now - 30 * DAY, now - 60);
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct files files;

    ask_with(box, &ended, NULL);
    expect(ERR_ALERT_EXPIRED, "ended on");
    expect_finding(ERR_CERT_ENDED);
    ask_with(box, &early, NULL);
    expect(ERR_ALERT_BAD, "not valid before");

    /* the CRL has ended: "certificate expired", says the server of one that is fine */
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_set_text(box, "ssl_crl_file", &text);
    health_expect(box, FINDING_ERROR, ERR_CRL_ENDED, NULL);
    ask_with(box, &good, NULL);
    expect(ERR_ALERT_EXPIRED, "the CRL of \"Test CA\" ended");
    files = write_pair(box, "blind", &good, NULL);
    ask(box, &(struct ask){.cert = files.cert, .key = files.key, .blind = true});
    expect(ERR_ALERT_EXPIRED, "the server's CRL");
    files_clear(&files);
    health_heal(box);
    crl_free(crl);
    strbuf_clear(&text);
    pair_clear(&ended);
    pair_clear(&early);
    pair_clear(&good);
}

static void test_row_6_a_servers_certificate(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_SERVER, "alice");

    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_UNSUPPORTED, "");
    expect_finding(ERR_ALERT_UNSUPPORTED);
    pair_clear(&leaf);
}

static void test_row_7_two_cas_of_one_name(void **state)
{
    struct health_box *box = *state;

    openssl(box, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9"
                 " -subj '/CN=Test CA' -keyout twin.key -out twin.crt"
                 " && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                 " -subj /CN=alice -keyout t.key -out t.csr"
                 " && openssl x509 -req -in t.csr -CA twin.crt -CAkey twin.key -set_serial 9"
                 " -days 9 -out t.crt");
    ask_made(box, "t.crt", "t.key", NULL);
    expect(ERR_ALERT_SIGNATURE, "two CAs of one name");
}

static void test_row_8_curves(void **state)
{
    struct health_box *box = *state;
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P384, NULL, NULL, &err);
    struct issue_spec spec = {.kind = ISSUED_CLIENT, .role = "alice", .key = key};
    struct issued *issued =
        issued_make(box->plan.store, box->plan.ca, box->plan.ca_key, &spec, &err);
    struct pair pair = {.cert = issued ? issued->cert : NULL, .key = key};

    assert_ok(issued != NULL, &err);
    ask_with(box, &pair, NULL);
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE); /* TLS 1.3 */
    ask_with(box, &pair, "ssl_max_protocol_version=TLSv1.2");
    expect(ERR_CLIENT_CURVE, "P-384");
    issued_free(issued);
    key_free(key);

    write_ca(box); /* a curve that is not sent at all */
    openssl(box, "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes"
                 " -subj /CN=alice -keyout k.key -out k.csr"
                 " && openssl x509 -req -in k.csr -CA ca.crt -CAkey ca.key -set_serial 10"
                 " -days 9 -out k.crt");
    ask_made(box, "k.crt", "k.key", NULL);
    expect(ERR_CERT_NOT_SENT, "key of this kind");
    expect_finding(ERR_CLIENT_CURVE);
}

static void test_rows_10_11_15_names_and_roles(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct pair ca = our_ca(box);
    struct pair ghost = health_leaf(&ca, PROFILE_CLIENT, "ghost");
    struct files files = write_pair(box, "ghost", &ghost, NULL);
    struct err err = ERR_INIT;

    health_rules(box, "local all admin trust\n"
                      "hostssl all carol 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n"
                      "hostssl all all 127.0.0.1/32 cert\n");
    ask(box, &(struct ask){.user = "bob", .cert = kit->certificate, .key = kit->key});
    expect(ERR_NAME_ROLE_DIFFER, "for \"alice\"");
    expect_finding(ERR_NAME_ROLE_DIFFER);
    ask(box, &(struct ask){.user = "carol",
                           .cert = kit->certificate,
                           .key = kit->key,
                           .password = demo_password(box->plan.demo, "carol")});
    expect(ERR_ROLE_PASSWORD_OR_NAME, "for \"alice\"");

    ask(box, &(struct ask){.user = "ghost", .cert = files.cert, .key = files.key});
    expect(ERR_ROLE_LOGIN, "");
    assert_ok(conn_run(box->plan.admin, "CREATE ROLE ghost NOLOGIN", &err), &err);
    ask(box, &(struct ask){.user = "ghost", .cert = files.cert, .key = files.key});
    expect(ERR_ROLE_LOGIN, "");
    assert_ok(conn_run(box->plan.admin, "DROP ROLE ghost", &err), &err);
    health_rules(box, HEALTH_RULES);
    files_clear(&files);
    pair_clear(&ghost);
}

static void test_row_2_an_intermediate_is_missing(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair middle = fixture_sub_ca(&ca, "Issuing CA");
    struct pair leaf = health_leaf(&middle, PROFILE_CLIENT, "alice");
    struct crl *crl = fixture_crl_dates(&middle, NULL, 0, clock_now() - 3600, clock_now() + YEAR);
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct files files;

    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_UNKNOWN_CA, "Issuing CA");
    /* sent with it, and its list there: it works */
    health_read(box, box->crl_file, &text);
    assert_ok(crl_to_pem(crl, &text, &err), &err);
    health_set_text(box, "ssl_crl_file", &text);
    files = write_pair(box, "chain", &leaf, middle.cert);
    for (int i = 0; i < 40; i++) { /* the list is loaded a moment after the reload */
        ask(box, &(struct ask){.cert = files.cert, .key = files.key});
        if (tried(DOCTOR_REQUIRE)->in)
            break;
        usleep(50000);
    }
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    health_heal(box);
    files_clear(&files);
    crl_free(crl);
    strbuf_clear(&text);
    pair_clear(&leaf);
    pair_clear(&middle);
}

static void test_row_9_a_ca_that_may_not_sign_lists(void **state)
{
    struct health_box *box = *state;
    struct strbuf text = STRBUF_INIT;
    char *path = mem_printf("%s/n.crt", demo_store(box->plan.demo));
    char *crl_path = mem_printf("%s/n.crl", demo_store(box->plan.demo));

    openssl(box, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9"
                 " -subj '/CN=No lists' -addext keyUsage=critical,keyCertSign -keyout n.key"
                 " -out n.crt && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256"
                 " -nodes -subj /CN=alice -keyout nl.key -out nl.csr"
                 " && openssl x509 -req -in nl.csr -CA n.crt -CAkey n.key -set_serial 14 -days 9"
                 " -out nl.crt && touch n.idx && printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=n.idx"
                 "\\ndefault_md=sha256\\n' >n.cnf && openssl ca -gencrl -config n.cnf -cert n.crt"
                 " -keyfile n.key -crldays 9 -out n.crl");
    health_read(box, crl_path, &text);
    health_set_text(box, "ssl_crl_file", &text);
    health_read(box, path, &text);
    health_set_text(box, "ssl_ca_file", &text);
    health_expect(box, FINDING_ERROR, ERR_CA_NO_CRL_SIGN, NULL);
    health_expect_none(box, ERR_TLS_STALE);
    ask_made(box, "nl.crt", "nl.key", NULL);
    expect(ERR_ALERT_OTHER, "No lists");
    health_heal(box);
    strbuf_clear(&text);
    free(path);
    free(crl_path);
}

static void test_row_10_no_name_and_maps(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    static const char map[] = "people somebody alice\n";

    write_ca(box);
    openssl(box, "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /O=Acme"
                 " -keyout o.key -out o.csr && openssl x509 -req -in o.csr -CA ca.crt -CAkey ca.key"
                 " -set_serial 15 -days 9 -out o.crt");
    ask_made(box, "o.crt", "o.key", NULL);
    expect(ERR_NAME_ROLE_DIFFER, "no common name");
    health_write(box, "pg_ident.conf", map, sizeof(map) - 1, 0600);
    health_rules(box, "local all admin trust\nhostssl all all 127.0.0.1/32 cert map=people\n");
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key});
    expect(ERR_NAME_ROLE_DIFFER, "map \"people\"");
    health_write(box, "pg_ident.conf", "", 0, 0600);
    health_rules(box, HEALTH_RULES);
}

static void test_a_password_is_needed_or_wrong(void **state)
{
    struct health_box *box = *state;

    ask(box, &(struct ask){.user = "bob"});
    expect(ERR_PASSWORD_NEEDED, "");
    assert_true(tried(DOCTOR_REQUIRE)->wants_password);
    ask(box, &(struct ask){.user = "bob", .password = "wrong"});
    expect(ERR_LOGIN, "password was not");
    ask(box, &(struct ask){.user = "bob", .password = demo_password(box->plan.demo, "bob")});
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
}

static void test_row_12_no_ca_on_the_server(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl_ca_file", "");
    health_expect(box, FINDING_ERROR, ERR_RULE_NO_CA, NULL);
    ask(box, &(struct ask){.cert = box->alice.certificate, .key = box->alice.key});
    expect(ERR_RULE_NO_CA, "");
    health_heal(box);
}

static void test_rows_13_and_14_rules(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;

    health_rules(box, "local all admin trust\nhostssl all bob 127.0.0.1/32 cert\n");
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key});
    expect(ERR_NO_RULE, "");
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key, .blind = true});
    expect(ERR_NO_RULE, "");
    health_rules(box, "local all admin trust\nhost all alice all reject\n");
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key});
    expect(ERR_NO_RULE, "Line 2");
    health_rules(box, HEALTH_RULES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_row_1_no_certificate_is_sent),
        cmocka_unit_test(test_row_2_unknown_ca),
        cmocka_unit_test(test_row_3_revoked),
        cmocka_unit_test(test_rows_4_and_5_dates),
        cmocka_unit_test(test_row_6_a_servers_certificate),
        cmocka_unit_test(test_row_7_two_cas_of_one_name),
        cmocka_unit_test(test_rows_10_11_15_names_and_roles),
        cmocka_unit_test(test_row_2_an_intermediate_is_missing),
        cmocka_unit_test(test_row_9_a_ca_that_may_not_sign_lists),
        cmocka_unit_test(test_row_10_no_name_and_maps),
        cmocka_unit_test(test_a_password_is_needed_or_wrong),
        cmocka_unit_test(test_row_12_no_ca_on_the_server),
        cmocka_unit_test(test_rows_13_and_14_rules),
        cmocka_unit_test(test_row_8_curves), /* the last: its certificate is a finding */
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, doctor_box_setup, doctor_box_teardown);
}
