/*
 * doctor_client.c - the client's files and what it thinks of the server, each made wrong for real.
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

static void test_rows_16_to_21_files(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct strbuf der = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct pair ca = our_ca(box);
    struct pair leaf = health_leaf(&ca, PROFILE_CLIENT, "alice");
    struct files files = write_pair(box, "files", &leaf, NULL);
    struct secret *passphrase = secret_of("sesame");
    struct secret *locked = key_to_pem(leaf.key, passphrase, KEY_ROUNDS_CLIENT, &err);
    char *path;

    assert_int_equal(chmod(files.key, 0644), 0); /* 16 */
    ask(box, &(struct ask){.cert = files.cert, .key = files.key});
    expect(ERR_KEY_MODE, "0644");
    assert_int_equal(chmod(files.key, 0600), 0);
    ask(box, &(struct ask){.cert = files.cert, .key = "/nonexistent.key"}); /* 17 */
    expect(ERR_CLIENT_KEY_MISSING, "/nonexistent.key");
    ask(box, &(struct ask){.cert = files.cert, .key = kit->key}); /* 18 */
    expect(ERR_CLIENT_KEY_OTHER, "another certificate");
    {
        struct strbuf chain = STRBUF_INIT;

        fixture_pem(&chain, ca.cert);
        fixture_pem(&chain, leaf.cert);
        path = write_text(box, "chain.crt", chain.data, chain.len, 0644);
        ask(box, &(struct ask){.cert = path, .key = files.key});
        expect(ERR_CLIENT_KEY_OTHER, "begins with a CA");
        strbuf_clear(&chain);
        free(path);
    }
    assert_ok(cert_to_der(leaf.cert, &der, &err), &err); /* 19 */
    path = write_text(box, "der.crt", der.data, der.len, 0644);
    ask(box, &(struct ask){.cert = path, .key = files.key});
    expect(ERR_CLIENT_CERT_FORMAT, "DER");
    free(path);
    openssl(box,
            "openssl pkcs12 -export -in files.crt -inkey files.key -passout pass:x -out p.p12");
    ask_made(box, "p.p12", "files.key", NULL);
    expect(ERR_CLIENT_CERT_FORMAT, "PKCS#12");
    ask_made(box, "files.crt", "p.p12", NULL); /* 20 */
    expect(ERR_CLIENT_KEY_FORMAT, "");
    path = write_text(box, "empty.key", "", 0, 0600);
    ask(box, &(struct ask){.cert = files.cert, .key = path});
    expect(ERR_CLIENT_KEY_FORMAT, "");
    free(path);
    openssl(box, "openssl pkey -in files.key -outform DER -out der.key"); /* which libpq takes */
    ask_made(box, "files.crt", "der.key", NULL);
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    path = write_text(box, "locked.key", secret_data(locked), secret_len(locked), 0600); /* 21 */
    ask(box, &(struct ask){.cert = files.cert, .key = path});
    expect(ERR_CLIENT_KEY_PASSPHRASE, "encrypted");
    ask(box, &(struct ask){.cert = files.cert, .key = path, .passphrase = "simsim"});
    expect(ERR_CLIENT_KEY_PASSPHRASE, "does not open");
    ask(box, &(struct ask){.cert = files.cert, .key = path, .passphrase = "sesame"});
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    free(path);
    secret_free(passphrase);
    secret_free(locked);
    strbuf_clear(&der);
    files_clear(&files);
    pair_clear(&leaf);
}

static void test_rows_22_and_30_weak_and_odd(void **state)
{
    struct health_box *box = *state;

    write_ca(box);
    openssl(box, "openssl req -new -newkey rsa:1024 -nodes -subj /CN=alice -keyout w.key -out w.csr"
                 " && openssl x509 -req -in w.csr -CA ca.crt -CAkey ca.key -set_serial 11 -days 9"
                 " -out w.crt");
    ask_made(box, "w.crt", "w.key", NULL);
    expect(ERR_CLIENT_WEAK, "");
    openssl(box,
            "printf '[req]\\ndistinguished_name=dn\\nstring_mask=MASK:0x800\\n[dn]\\n' >bmp.cnf"
            " && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
            " -config bmp.cnf -subj /CN=alice -keyout b.key -out b.csr"
            " && openssl x509 -req -in b.csr -CA ca.crt -CAkey ca.key -set_serial 12 -days 9"
            " -out b.crt");
    ask_made(box, "b.crt", "b.key", NULL);
    expect(ERR_CERT_NUL, "");
    expect_finding(ERR_CERT_NUL);
}

static void test_rows_23_to_27_the_servers_certificate(void **state)
{
    struct health_box *box = *state;
    const struct kit_files *kit = &box->alice;
    struct pair other = health_ca("Another CA");
    struct strbuf pem = STRBUF_INIT;
    char *path;

    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key, .root = "/nonexistent"});
    assert_int_equal(tried(DOCTOR_VERIFY_CA)->code, ERR_ROOT_MISSING); /* 23 */
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    path = write_text(box, "garbage.crt", "nothing\n", 8, 0644); /* 24: also breaks "require" */
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key, .root = path});
    expect(ERR_ROOT_FORMAT, "");
    free(path);
    fixture_pem(&pem, other.cert); /* 25 */
    path = write_text(box, "other.crt", pem.data, pem.len, 0644);
    ask(box, &(struct ask){.cert = kit->certificate, .key = kit->key, .root = path});
    expect(ERR_SERVER_NOT_VERIFIED, "Test CA");
    assert_int_equal(tried(DOCTOR_VERIFY_FULL)->code, ERR_SERVER_NOT_VERIFIED);
    {
        struct pair leaf = health_leaf(&other, PROFILE_CLIENT, "alice");
        struct files files = write_pair(box, "mixed", &leaf, NULL);

        ask(box, &(struct ask){.cert = files.cert, .key = files.key, .root = path});
        expect(ERR_SERVER_NOT_VERIFIED, "the CA of the client's certificate");
        files_clear(&files);
        pair_clear(&leaf);
    }
    free(path);
    ask(box, &(struct ask){.cert = kit->certificate, /* 26 */
                           .key = kit->key,
                           .root = kit->root,
                           .params = "host=db.example hostaddr=127.0.0.1"});
    expect_in(DOCTOR_VERIFY_CA, true, ERR_NONE);
    assert_int_equal(tried(DOCTOR_VERIFY_FULL)->code, ERR_HOST_DIFFERS);
    assert_non_null(strstr(tried(DOCTOR_VERIFY_FULL)->cause, "localhost"));
    ask(box, &(struct ask){.cert = kit->certificate, /* 27 */
                           .key = kit->key,
                           .root = kit->root,
                           .params = "host='' hostaddr=127.0.0.1"});
    expect_in(DOCTOR_VERIFY_CA, true, ERR_NONE);
    assert_int_equal(tried(DOCTOR_VERIFY_FULL)->code, ERR_HOST_DIFFERS);
    assert_non_null(strstr(tried(DOCTOR_VERIFY_FULL)->cause, "no host"));
    pair_clear(&other);
    strbuf_clear(&pem);
}

static void test_row_28_no_tls(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl", "off");
    health_expect(box, FINDING_ERROR, ERR_SSL_OFF, NULL);
    ask(box, &(struct ask){.cert = box->alice.certificate, .key = box->alice.key});
    expect(ERR_SSL_OFF, "");
    health_set(box, "ssl", "on");
    health_expect_well(box);
}

static void test_row_29_versions(void **state)
{
    struct health_box *box = *state;

    health_set(box, "ssl_min_protocol_version", "TLSv1.3");
    ask(box, &(struct ask){.cert = box->alice.certificate,
                           .key = box->alice.key,
                           .params = "ssl_max_protocol_version=TLSv1.2"});
    expect(ERR_TLS_VERSIONS, "");
    health_reset(box, "ssl_min_protocol_version");
    health_expect_well(box);
}

static void test_row_31_ed25519_and_scram(void **state)
{
    struct health_box *box = *state;
    char *key_file = plan_box_value(&box->plan, "ssl_key_file");
    char *cert_file = plan_box_value(&box->plan, "ssl_cert_file");
    struct strbuf text = STRBUF_INIT;
    char *path;

    openssl(box, "openssl req -x509 -newkey ed25519 -nodes -days 9 -subj '/CN=Ed CA' -keyout e.key"
                 " -out e.crt && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256"
                 " -nodes -subj /CN=127.0.0.1 -keyout es.key -out es.csr"
                 " && openssl x509 -req -in es.csr -CA e.crt -CAkey e.key -set_serial 13 -days 9"
                 " -out es.crt");
    path = mem_printf("%s/es.key", demo_store(box->plan.demo));
    health_read(box, path, &text);
    health_write(box, "es.key", text.data, text.len, 0600);
    free(path);
    path = mem_printf("%s/es.crt", demo_store(box->plan.demo));
    health_read(box, path, &text);
    health_write(box, "es.crt", text.data, text.len, 0644);
    free(path);
    health_set(box, "ssl_key_file", "es.key");
    health_set(box, "ssl_cert_file", "es.crt");
    health_expect(box, FINDING_ERROR, ERR_SCRAM_EDDSA, NULL);
    ask(box, &(struct ask){.user = "bob", .password = demo_password(box->plan.demo, "bob")});
    expect(ERR_SCRAM_EDDSA, "");
    ask(box, &(struct ask){.user = "bob",
                           .password = demo_password(box->plan.demo, "bob"),
                           .params = "channel_binding=disable"});
    expect_in(DOCTOR_REQUIRE, true, ERR_NONE);
    health_set(box, "ssl_key_file", key_file);
    health_set(box, "ssl_cert_file", cert_file);
    health_expect_well(box);
    strbuf_clear(&text);
    free(key_file);
    free(cert_file);
}

static void test_a_socket_and_nobody_there(void **state)
{
    struct health_box *box = *state;
    char *socket = mem_printf("host=%s user=admin dbname=postgres", demo_socket(box->plan.demo));

    ask(box, &(struct ask){.params = socket});
    expect_in(DOCTOR_REQUIRE, false, ERR_NONE); /* no TLS on a socket, and nothing is wrong */
    assert_true(doctor_is_well(doctor_box_answer()));
    free(socket);
    ask(box, &(struct ask){.params = "port=1"});
    expect(ERR_NO_CONNECTION, "");
    expect_finding(ERR_NO_CONNECTION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_16_to_21_files),
        cmocka_unit_test(test_rows_22_and_30_weak_and_odd),
        cmocka_unit_test(test_rows_23_to_27_the_servers_certificate),
        cmocka_unit_test(test_row_28_no_tls),
        cmocka_unit_test(test_row_29_versions),
        cmocka_unit_test(test_row_31_ed25519_and_scram),
        cmocka_unit_test(test_a_socket_and_nobody_there),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, doctor_box_setup, doctor_box_teardown);
}
