/*
 * doctor_causes.c - one message, several causes: the rarer ones, each made for real and told apart.
 *
 * Rows are numbered as in the measured table of client errors that core/health/doctor was written
 * from; the common cause of each row is made in doctor.c and doctor_client.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/pg/doctor_box.h"
#include "tests/pg/need_pg.h"

static void set_list(struct health_box *box, const struct crl *more, bool beside_ours)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;

    if (beside_ours)
        health_read(box, box->crl_file, &text);
    assert_ok(crl_to_pem(more, &text, &err), &err);
    health_set_text(box, "ssl_crl_file", &text);
    strbuf_clear(&text);
}

static void add_ca(struct health_box *box, const struct cert *cert)
{
    struct strbuf text = STRBUF_INIT;

    health_read(box, box->ca_file, &text);
    fixture_pem(&text, cert);
    health_set_text(box, "ssl_ca_file", &text);
    strbuf_clear(&text);
}

/* Somebody gave the server the client's certificate in place of its CA. */
static void test_row_2_a_leaf_as_ca(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct strbuf text = STRBUF_INIT;

    fixture_pem(&text, leaf.cert);
    health_set_text(box, "ssl_ca_file", &text);
    health_expect(box, FINDING_ERROR, ERR_LEAF_IN_CA_FILE, "ssl_ca_file");
    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_UNKNOWN_CA, "Test CA");
    expect_finding(ERR_ALERT_UNKNOWN_CA);
    health_heal(box);
    strbuf_clear(&text);
    pair_clear(&leaf);
}

/* "Certificate expired", and neither the certificate nor a list has ended: the CA has. */
static void test_row_4_the_ca_has_ended(void **state)
{
    struct health_box *box = *state;
    int64_t now = clock_now();
    struct pair ended = fixture_ca_dates("Ended CA", now - YEAR, now - DAY);
    struct files files = write_pair(box, "gone", &ended, NULL);
    struct crl *crl = fixture_crl_dates(&ended, NULL, 0, now - 3600, now + YEAR);

    set_list(box, crl, true);
    add_ca(box, ended.cert);
    health_expect(box, FINDING_ERROR, ERR_CA_ENDED, "CN=Ended CA");
    openssl(box, "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                 " -subj /CN=alice -keyout g.key -out g.csr"
                 " && openssl x509 -req -in g.csr -CA gone.crt -CAkey gone.key -set_serial 22"
                 " -days 9 -out g.crt");
    ask_made(box, "g.crt", "g.key", NULL);
    expect(ERR_ALERT_EXPIRED, "\"Ended CA\" ended on");
    health_heal(box);
    crl_free(crl);
    files_clear(&files);
    pair_clear(&ended);
}

/* "Bad certificate" of one that is fine: the list is from a clock that runs ahead. */
static void test_row_5_a_list_of_tomorrow(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct crl *crl = fixture_crl_dates(&ca, NULL, 0, clock_now() + DAY, clock_now() + YEAR);

    set_list(box, crl, false);
    health_expect(box, FINDING_ERROR, ERR_CRL_NOT_YET, NULL);
    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_BAD, "CRL of \"Test CA\"");
    health_heal(box);
    crl_free(crl);
    pair_clear(&leaf);
}

/* A list with the CA's name and key id, and not signed by it: damaged, or forged. */
static void test_row_7_a_forged_list(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct crl *crl = fixture_crl_dates(&ca, NULL, 0, clock_now() - 3600, clock_now() + YEAR);
    struct strbuf der = STRBUF_INIT;
    struct err err = ERR_INIT;

    assert_ok(crl_to_der(crl, &der, &err), &err);
    crl_free(crl);
    der.data[der.len - 1] = (char)(der.data[der.len - 1] ^ 1); /* the signature ends it */
    crl = crl_from_der(der.data, der.len, &err);
    assert_ok(crl != NULL, &err);
    set_list(box, crl, false);
    health_expect(box, FINDING_ERROR, ERR_CRL_MISSING, NULL);
    ask_with(box, &leaf, NULL);
    expect(ERR_ALERT_SIGNATURE, "CRL");
    health_heal(box);
    crl_free(crl);
    strbuf_clear(&der);
    pair_clear(&leaf);
}

/* Without a password the words are "trust" authentication failed: still the name. */
static void test_row_11_the_name_under_trust(void **state)
{
    struct health_box *box = *state;

    health_rules(box, "local all admin trust\n"
                      "hostssl all all 127.0.0.1/32 trust clientcert=verify-full\n");
    ask(box, &(struct ask){.user = "bob", .cert = box->alice.certificate, .key = box->alice.key});
    expect(ERR_NAME_ROLE_DIFFER, "for \"alice\"");
    health_rules(box, HEALTH_RULES);
}

static void test_row_22_sha1(void **state)
{
    struct health_box *box = *state;

    write_ca(box);
    openssl(box, "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                 " -subj /CN=alice -keyout s.key -out s.csr"
                 " && openssl x509 -req -sha1 -in s.csr -CA ca.crt -CAkey ca.key -set_serial 21"
                 " -days 9 -out s.crt");
    ask_made(box, "s.crt", "s.key", NULL);
    expect(ERR_CLIENT_WEAK, "");
    expect_finding(ERR_CLIENT_WEAK);
}

/* ---- what the client thinks of the server ---- */

static void copy_to_server(struct health_box *box, const char *name, unsigned mode)
{
    char *path = mem_printf("%s/%s", demo_store(box->plan.demo), name);
    struct strbuf text = STRBUF_INIT;

    health_read(box, path, &text);
    health_write(box, name, text.data, text.len, mode);
    strbuf_clear(&text);
    free(path);
}

static void show_cert(struct health_box *box, const char *cert, const char *key)
{
    copy_to_server(box, key, 0600);
    copy_to_server(box, cert, 0644);
    health_set(box, "ssl_key_file", key);
    health_set(box, "ssl_cert_file", cert);
}

static void ask_verifying(struct health_box *box, const char *params)
{
    ask(box, &(struct ask){.params = params,
                           .cert = box->alice.certificate,
                           .key = box->alice.key,
                           .root = box->alice.root});
}

static void expect_not_verified(const char *cause)
{
    const struct doctor_try *full = tried(DOCTOR_VERIFY_FULL);

    expect(ERR_SERVER_NOT_VERIFIED, cause); /* there is a root file: "require" verifies, too */
    assert_false(full->in);
    assert_int_equal(full->code, ERR_SERVER_NOT_VERIFIED);
    expect_finding(ERR_SERVER_NOT_VERIFIED);
}

static void test_row_25_ended_and_self_signed(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    int64_t now = clock_now();
    struct pair ended =
        fixture_leaf_dates(&ca, PROFILE_SERVER, "127.0.0.1", now - 9 * DAY, now - DAY);
    struct files files = write_pair(box, "ended", &ended, NULL);
    char *key_file = plan_box_value(&box->plan, "ssl_key_file");
    char *cert_file = plan_box_value(&box->plan, "ssl_cert_file");

    show_cert(box, "ended.crt", "ended.key");
    health_expect(box, FINDING_ERROR, ERR_SERVER_CERT_ENDED, "ssl_cert_file");
    ask_verifying(box, NULL);
    expect_not_verified("ended on");
    openssl(box, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90"
                 " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
                 " -keyout self.key -out self.crt");
    show_cert(box, "self.crt", "self.key");
    health_expect_well(box);
    ask_verifying(box, NULL);
    expect_not_verified("127.0.0.1");
    health_set(box, "ssl_key_file", key_file);
    health_set(box, "ssl_cert_file", cert_file);
    health_expect_well(box);
    files_clear(&files);
    pair_clear(&ended);
    free(key_file);
    free(cert_file);
}

/* The client's own list: of another CA it refuses every server, of the right one it does its work. */
static void test_row_25_the_clients_list(void **state)
{
    struct health_box *box = *state;
    struct pair ca = our_ca(box);
    struct pair other = health_ca("Another CA");
    struct crl *theirs = fixture_crl_dates(&other, NULL, 0, clock_now() - 3600, clock_now() + YEAR);
    struct crl *ours = fixture_crl_dates(&ca, NULL, 0, clock_now() - 3600, clock_now() + YEAR);
    struct strbuf pem = STRBUF_INIT;
    struct err err = ERR_INIT;
    char *path, *params;

    assert_ok(crl_to_pem(theirs, &pem, &err), &err);
    path = write_text(box, "client.crl", pem.data, pem.len, 0644);
    params = mem_printf("sslcrl='%s'", path);
    ask_verifying(box, params);
    expect_not_verified("no CRL");
    free(path);
    strbuf_reset(&pem);
    assert_ok(crl_to_pem(ours, &pem, &err), &err);
    path = write_text(box, "client.crl", pem.data, pem.len, 0644);
    ask_verifying(box, params);
    expect_in(DOCTOR_VERIFY_FULL, true, ERR_NONE);
    free(path);
    free(params);
    strbuf_clear(&pem);
    crl_free(ours);
    crl_free(theirs);
    pair_clear(&other);
}

/* SHOW ssl says on, and the server speaks none: its files were not good enough. */
static void test_row_28_on_and_not_loaded(void **state)
{
    struct health_box *box = *state;
    char *cert_file = plan_box_value(&box->plan, "ssl_cert_file");

    health_set(box, "ssl", "off");
    health_set(box, "ssl_cert_file", "nosuch.crt");
    health_set(box, "ssl", "on");
    health_expect(box, FINDING_ERROR, ERR_TLS_NOT_LOADED, "ssl");
    ask_verifying(box, NULL);
    expect(ERR_TLS_NOT_LOADED, "");
    ask(box, &(struct ask){.cert = box->alice.certificate, .key = box->alice.key, .blind = true});
    expect(ERR_SSL_OFF, ""); /* from outside both look the same */
    health_set(box, "ssl_cert_file", cert_file);
    health_expect_well(box);
    free(cert_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_2_a_leaf_as_ca),
        cmocka_unit_test(test_row_4_the_ca_has_ended),
        cmocka_unit_test(test_row_5_a_list_of_tomorrow),
        cmocka_unit_test(test_row_7_a_forged_list),
        cmocka_unit_test(test_row_11_the_name_under_trust),
        cmocka_unit_test(test_row_22_sha1),
        cmocka_unit_test(test_row_25_ended_and_self_signed),
        cmocka_unit_test(test_row_25_the_clients_list),
        cmocka_unit_test(test_row_28_on_and_not_loaded),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, doctor_box_setup, doctor_box_teardown);
}
