/* PKCS#12 files; tests/interop shows that openssl and certtool open them. */
#include "config.h"

#include <openssl/pkcs12.h>
#include <string.h>

#include "core/pki/ossl.h"
#include "core/pki/pkcs12.h"
#include "tests/unit/pki_fixture.h"

static void check(bool legacy)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct pair leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice");
    struct cert_list chain = {.certs = &ca.cert, .n = 1};
    struct secret *passphrase = secret_new(64);
    struct secret *made;
    const unsigned char *at;
    PKCS12 *p12;
    EVP_PKEY *pkey = NULL;
    X509 *x509 = NULL;
    STACK_OF(X509) *others = NULL;
    int alias_len = 0;
    const unsigned char *alias;

    assert_true(secret_set(passphrase, "changeit", 8));
    made = pkcs12_build(leaf.key, leaf.cert, &chain, passphrase, legacy, &err);
    assert_ok(made, &err);
    at = (const unsigned char *)secret_data(made);
    p12 = d2i_PKCS12(NULL, &at, (long)secret_len(made));
    assert_non_null(p12);
    assert_int_equal(PKCS12_parse(p12, "wrong", &pkey, &x509, &others), 0);
    assert_int_equal(PKCS12_parse(p12, "changeit", &pkey, &x509, &others), 1);
    assert_int_equal(EVP_PKEY_eq(pkey, ossl_key(leaf.key)), 1);
    assert_int_equal(X509_cmp(x509, ossl_cert(leaf.cert)), 0);
    assert_int_equal(sk_X509_num(others), 1);
    alias = X509_alias_get0(x509, &alias_len);
    assert_int_equal(alias_len, 4);
    assert_memory_equal(alias, "user", 4);
    EVP_PKEY_free(pkey);
    X509_free(x509);
    sk_X509_pop_free(others, X509_free);
    PKCS12_free(p12);
    secret_free(made);
    secret_free(passphrase);
    pair_clear(&leaf);
    pair_clear(&ca);
}

static void test_modern(void **state)
{
    (void)state;
    check(false);
}

static void test_legacy(void **state)
{
    (void)state;
    check(true);
}

static void test_refused(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct pair leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice");
    struct secret *passphrase = secret_new(64);

    (void)state;
    assert_null(pkcs12_build(leaf.key, leaf.cert, NULL, NULL, false, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    assert_null(pkcs12_build(leaf.key, leaf.cert, NULL, passphrase, false, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    assert_true(secret_set(passphrase, "a\0b", 3));
    assert_null(pkcs12_build(leaf.key, leaf.cert, NULL, passphrase, false, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    assert_true(secret_set(passphrase, "right", 5));
    assert_null(pkcs12_build(ca.key, leaf.cert, NULL, passphrase, false, &err));
    assert_int_equal(err.code, ERR_POLICY);
    secret_free(passphrase);
    pair_clear(&leaf);
    pair_clear(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modern),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
