/* Private keys: made, locked, unlocked. */
#include "config.h"

#include <openssl/pem.h>
#include <string.h>

#include "core/pki/key.h"
#include "core/pki/ossl.h"
#include "tests/unit/pki_fixture.h"

static struct secret *secret_of(const char *text)
{
    struct secret *secret = secret_new(SECRET_PASSPHRASE_MAX);

    assert_true(secret_set(secret, text, strlen(text)));
    return secret;
}

static void test_types(void **state)
{
    static const enum key_type types[] = {KEY_EC_P256, KEY_EC_P384, KEY_ED25519, KEY_RSA_2048};
    struct secret *passphrase = secret_of("hunter2 ünïcode");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct err err = ERR_INIT;
        struct key *key = key_generate(types[i], NULL, NULL, &err);
        struct secret *plain;
        struct secret *locked;
        struct key *again;
        struct strbuf a = STRBUF_INIT;
        struct strbuf b = STRBUF_INIT;

        assert_ok(key, &err);
        assert_int_equal(key_type_of(key), types[i]);
        plain = key_to_pem(key, NULL, 0, &err);
        assert_ok(plain, &err);
        assert_non_null(strstr(secret_data(plain), "-----BEGIN PRIVATE KEY-----\n"));
        assert_false(key_pem_is_encrypted(secret_data(plain), secret_len(plain)));
        locked = key_to_pem(key, passphrase, 2000, &err);
        assert_ok(locked, &err);
        assert_non_null(strstr(secret_data(locked), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        assert_true(key_pem_is_encrypted(secret_data(locked), secret_len(locked)));
        again = key_from_pem(secret_data(locked), secret_len(locked), passphrase, &err);
        assert_ok(again, &err);
        assert_ok(key_public_der(key, &a, &err), &err);
        assert_ok(key_public_der(again, &b, &err), &err);
        assert_true(strbuf_equal(&a, &b));
        strbuf_clear(&a);
        strbuf_clear(&b);
        key_free(again);
        again = key_from_pem(secret_data(plain), secret_len(plain), NULL, &err);
        assert_ok(again, &err);
        assert_int_equal(key_type_of(again), types[i]);
        key_free(again);
        key_free(key);
        secret_free(plain);
        secret_free(locked);
    }
    secret_free(passphrase);
}

/* Neither prompts: this test would hang on a terminal. */
static void test_wrong_passphrase(void **state)
{
    struct err err = ERR_INIT;
    struct key *key = fixture_key();
    struct secret *right = secret_of("right");
    struct secret *wrong = secret_of("wrong");
    struct secret *empty = secret_new(16);
    struct secret *pem = key_to_pem(key, right, 2000, &err);

    (void)state;
    assert_ok(pem, &err);
    assert_null(key_from_pem(secret_data(pem), secret_len(pem), NULL, &err));
    assert_int_equal(err.code, ERR_PASSPHRASE);
    err.code = ERR_NONE;
    assert_null(key_from_pem(secret_data(pem), secret_len(pem), wrong, &err));
    assert_int_equal(err.code, ERR_PASSPHRASE);
    err.code = ERR_NONE;
    assert_null(key_from_pem(secret_data(pem), secret_len(pem), empty, &err));
    assert_int_equal(err.code, ERR_PASSPHRASE);
    err.code = ERR_NONE;
    assert_null(key_to_pem(key, empty, 2000, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    assert_null(key_to_pem(key, right, 1, &err));
    secret_free(pem);
    secret_free(right);
    secret_free(wrong);
    secret_free(empty);
    key_free(key);
}

/* "BEGIN RSA PRIVATE KEY", "BEGIN EC PRIVATE KEY", with and without "Proc-Type: 4,ENCRYPTED". */
static void test_traditional(void **state)
{
    static const enum key_type types[] = {KEY_EC_P256, KEY_RSA_2048};
    struct secret *right = secret_of("right");
    struct secret *wrong = secret_of("wrong");

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(types); i++) {
        struct err err = ERR_INIT;
        bool locked = i % 2 == 1;
        struct key *key = key_generate(types[i / 2], NULL, NULL, &err);
        BIO *bio = BIO_new(BIO_s_mem());
        struct key *again;
        char *pem = NULL;
        size_t len;

        assert_ok(key, &err);
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(
                             bio, ossl_key(key), locked ? EVP_aes_256_cbc() : NULL,
                             (const unsigned char *)"right", locked ? 5 : 0, NULL, NULL),
                         1);
        len = (size_t)BIO_get_mem_data(bio, &pem);
        assert_int_equal(key_pem_is_encrypted(pem, len), locked);
        again = key_from_pem(pem, len, right, &err);
        assert_ok(again, &err);
        assert_int_equal(key_type_of(again), types[i / 2]);
        key_free(again);
        if (locked) {
            assert_null(key_from_pem(pem, len, NULL, &err));
            assert_int_equal(err.code, ERR_PASSPHRASE);
            assert_null(key_from_pem(pem, len, wrong, &err));
            assert_int_equal(err.code, ERR_PASSPHRASE);
        }
        BIO_free(bio);
        key_free(key);
    }
    secret_free(right);
    secret_free(wrong);
}

static void test_not_a_key(void **state)
{
    static const char *const bad[] = {
        "",
        "hello",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMIG",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = ERR_INIT;

        assert_null(key_from_pem(bad[i], strlen(bad[i]), NULL, &err));
        assert_int_equal(err.code, ERR_NOT_A_CERTIFICATE);
    }
}

static bool cancel_third(void *arg)
{
    int *n = arg;

    return ++*n >= 3;
}

static void test_cancel(void **state)
{
    struct err err = ERR_INIT;
    int asked = 0;

    (void)state;
    assert_null(key_generate(KEY_RSA_4096, cancel_third, &asked, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_int_equal(asked, 3);
}

static void test_words(void **state)
{
    struct err err = ERR_INIT;
    enum key_type type;

    (void)state;
    for (int i = 0; i < KEY_OTHER; i++) {
        assert_ok(key_type_parse(key_type_name((enum key_type)i), &type, &err), &err);
        assert_int_equal((int)type, i);
        assert_true(strlen(key_type_title((enum key_type)i)) > 0);
    }
    assert_false(key_type_parse("other", &type, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
    assert_null(key_generate(KEY_OTHER, NULL, NULL, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
}

static void test_pkcs8_der(void **state)
{
    struct err err = ERR_INIT;
    struct key *key = fixture_key();
    struct secret *der = key_to_pkcs8_der(key, &err);
    const unsigned char *at;
    EVP_PKEY *pkey;

    (void)state;
    assert_ok(der, &err);
    at = (const unsigned char *)secret_data(der);
    pkey = d2i_AutoPrivateKey(NULL, &at, (long)secret_len(der));
    assert_non_null(pkey);
    assert_int_equal(EVP_PKEY_eq(pkey, ossl_key(key)), 1);
    EVP_PKEY_free(pkey);
    secret_free(der);
    key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),       cmocka_unit_test(test_wrong_passphrase),
        cmocka_unit_test(test_traditional), cmocka_unit_test(test_not_a_key),
        cmocka_unit_test(test_cancel),      cmocka_unit_test(test_words),
        cmocka_unit_test(test_pkcs8_der),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
