/* Certificate requests. */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "core/pki/ossl.h"
#include "tests/unit/pki_fixture.h"

static void test_round(void **state)
{
    struct err err = ERR_INIT;
    struct key *key = fixture_key();
    struct name *subject = name_new_common_name("alice", &err);
    struct san san;
    struct san read;
    struct strbuf pem = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    struct csr *csr;
    struct csr *again;
    struct name *read_subject;

    (void)state;
    san_init(&san);
    san_init(&read);
    assert_ok(san_add(&san, "db1.example", &err), &err);
    csr = csr_new(subject, &san, key, &err);
    assert_ok(csr, &err);
    assert_ok(csr_to_pem(csr, &pem, &err), &err);
    assert_non_null(strstr(pem.data, "-----BEGIN CERTIFICATE REQUEST-----\n"));
    again = csr_from_pem(pem.data, pem.len, &err);
    assert_ok(again, &err);
    read_subject = csr_subject(again);
    assert_true(name_equal(read_subject, subject));
    assert_ok(csr_san(again, &read, &err), &err);
    san_format(&read, &text);
    assert_string_equal(text.data, "DNS:db1.example");
    assert_false(csr_asks_for_ca(again));
    assert_int_equal(csr_key_type(again), KEY_EC_P256);
    name_free(read_subject);
    name_free(subject);
    san_clear(&san);
    san_clear(&read);
    strbuf_clear(&pem);
    strbuf_clear(&text);
    csr_free(csr);
    csr_free(again);
    key_free(key);
}

/* Only the public key of a request is taken: no CA:TRUE, no names. */
static void test_sign(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct key *key = fixture_key();
    struct name *asked = name_parse("CN=postgres, O=Evil", &err);
    struct name *given = name_new_common_name("alice", &err);
    struct csr *csr = csr_new(asked, NULL, key, &err);
    struct cert_request request = {.profile = PROFILE_CLIENT,
                                   .subject = given,
                                   .csr = csr,
                                   .serial = {.bytes = {3}, .len = 1},
                                   .not_before = NOW,
                                   .not_after = NOW + YEAR};
    struct cert *cert = cert_sign(&request, ca.cert, ca.key, &err);
    struct strbuf text = STRBUF_INIT;

    (void)state;
    assert_ok(cert, &err);
    cert_format_subject(cert, &text);
    assert_string_equal(text.data, "CN=alice");
    assert_true(cert_matches_key(cert, key));
    strbuf_clear(&text);
    cert_free(cert);
    csr_free(csr);
    name_free(asked);
    name_free(given);
    key_free(key);
    pair_clear(&ca);
}

static void write_pem(X509_REQ *req, struct strbuf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len;

    assert_int_equal(PEM_write_bio_X509_REQ(bio, req), 1);
    len = BIO_get_mem_data(bio, &data);
    strbuf_add(out, data, (size_t)len);
    BIO_free(bio);
}

static void test_asks_for_ca(void **state)
{
    struct err err = ERR_INIT;
    struct key *key = fixture_key();
    X509_REQ *req = X509_REQ_new();
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    STACK_OF(X509_EXTENSION) *exts = NULL;
    struct strbuf pem = STRBUF_INIT;
    struct csr *csr;

    (void)state;
    basic->ca = 1;
    assert_int_equal(X509V3_add1_i2d(&exts, NID_basic_constraints, basic, 1, X509V3_ADD_DEFAULT),
                     1);
    assert_int_equal(X509_REQ_add_extensions(req, exts), 1);
    assert_int_equal(X509_REQ_set_pubkey(req, ossl_key(key)), 1);
    assert_true(X509_REQ_sign(req, ossl_key(key), EVP_sha256()) > 0);
    write_pem(req, &pem);
    csr = csr_from_pem(pem.data, pem.len, &err);
    assert_ok(csr, &err);
    assert_true(csr_asks_for_ca(csr));
    csr_free(csr);
    strbuf_clear(&pem);
    sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
    BASIC_CONSTRAINTS_free(basic);
    X509_REQ_free(req);
    key_free(key);
}

static void test_refused(void **state)
{
    struct err err = ERR_INIT;
    struct key *key = fixture_key();
    struct key *other = fixture_key();
    X509_REQ *req = X509_REQ_new();
    struct strbuf pem = STRBUF_INIT;

    (void)state;
    assert_int_equal(X509_REQ_set_pubkey(req, ossl_key(key)), 1);
    assert_true(X509_REQ_sign(req, ossl_key(other), EVP_sha256()) > 0); /* not its own key */
    write_pem(req, &pem);
    assert_null(csr_from_pem(pem.data, pem.len, &err));
    assert_int_equal(err.code, ERR_NOT_A_REQUEST);
    err.code = ERR_NONE;
    assert_null(csr_from_pem("hello", 5, &err));
    assert_int_equal(err.code, ERR_NOT_A_REQUEST);
    strbuf_clear(&pem);
    X509_REQ_free(req);
    key_free(key);
    key_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_asks_for_ca),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
