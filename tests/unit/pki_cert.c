/* Certificates: what we sign, and what we refuse to. That others accept them is shown by
 * tests/interop. */
#include "config.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "core/pki/ossl.h"
#include "tests/unit/pki_fixture.h"

static int critical_of(const struct cert *cert, int nid)
{
    int critical = 0;
    void *value = X509_get_ext_d2i(ossl_cert(cert), nid, &critical, NULL);

    switch (nid) {
    case NID_basic_constraints:
        BASIC_CONSTRAINTS_free(value);
        break;
    case NID_key_usage:
        ASN1_BIT_STRING_free(value);
        break;
    case NID_subject_alt_name:
        GENERAL_NAMES_free(value);
        break;
    case NID_authority_key_identifier:
        AUTHORITY_KEYID_free(value);
        break;
    default:
        fail();
    }
    return critical;
}

static void test_ca(void **state)
{
    struct pair ca = fixture_ca("Acme PG Root CA");
    struct strbuf id = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;

    (void)state;
    assert_true(cert_is_ca(ca.cert));
    assert_true(cert_may_sign_crls(ca.cert));
    assert_true(cert_is_self_signed(ca.cert));
    assert_true(cert_issued_by(ca.cert, ca.cert));
    assert_true(cert_matches_key(ca.cert, ca.key));
    assert_int_equal(cert_key_type(ca.cert), KEY_EC_P256);
    assert_int_equal(critical_of(ca.cert, NID_basic_constraints), 1);
    assert_int_equal(critical_of(ca.cert, NID_key_usage), 1);
    assert_int_equal(critical_of(ca.cert, NID_authority_key_identifier), -1); /* has none */
    assert_int_equal(X509_get_key_usage(ossl_cert(ca.cert)), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_pathlen(ossl_cert(ca.cert)), -1);
    assert_true(cert_not_before(ca.cert) == NOW - CERT_BACKDATE);
    assert_true(cert_not_after(ca.cert) == NOW + 10 * YEAR);
    cert_key_id_hex(ca.cert, &id);
    assert_int_equal(id.len, 40);
    cert_format_subject(ca.cert, &text);
    assert_string_equal(text.data, "CN=Acme PG Root CA");
    strbuf_reset(&text);
    cert_format_issuer(ca.cert, &text);
    assert_string_equal(text.data, "CN=Acme PG Root CA");
    strbuf_clear(&id);
    strbuf_clear(&text);
    pair_clear(&ca);
}

static void test_client(void **state)
{
    struct pair ca = fixture_ca("CA");
    struct pair other = fixture_ca("CA");
    struct pair leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice");
    AUTHORITY_KEYID *authority =
        X509_get_ext_d2i(ossl_cert(leaf.cert), NID_authority_key_identifier, NULL, NULL);
    struct strbuf cn = STRBUF_INIT;

    (void)state;
    assert_true(cert_for_clients(leaf.cert));
    assert_false(cert_for_servers(leaf.cert));
    assert_false(cert_is_ca(leaf.cert));
    assert_false(cert_is_self_signed(leaf.cert));
    assert_true(cert_issued_by(leaf.cert, ca.cert));
    assert_false(cert_issued_by(leaf.cert, other.cert)); /* same name, other key */
    assert_true(cert_common_name(leaf.cert, &cn));
    assert_string_equal(cn.data, "alice");
    assert_int_equal(critical_of(leaf.cert, NID_basic_constraints), 1);
    assert_int_equal(critical_of(leaf.cert, NID_key_usage), 1);
    assert_int_equal(X509_get_key_usage(ossl_cert(leaf.cert)), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(ossl_cert(leaf.cert)), XKU_SSL_CLIENT);
    assert_non_null(authority);
    assert_non_null(authority->keyid);
    assert_null(authority->issuer); /* with these a renewed CA would orphan it */
    assert_null(authority->serial);
    AUTHORITY_KEYID_free(authority);
    strbuf_clear(&cn);
    pair_clear(&ca);
    pair_clear(&other);
    pair_clear(&leaf);
}

/* A renewed CA (same name and key, new serial number and dates) still stands behind its leaves. */
static void test_renewed_ca(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct pair leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice");
    struct name *subject = cert_subject(ca.cert);
    struct cert_request request = {.profile = PROFILE_CA,
                                   .subject = subject,
                                   .key = ca.key,
                                   .not_before = NOW,
                                   .not_after = NOW + 20 * YEAR};
    struct cert *renewed;

    (void)state;
    assert_ok(serial_random(&request.serial, &err), &err);
    renewed = cert_sign(&request, NULL, ca.key, &err);
    assert_ok(renewed, &err);
    assert_true(cert_issued_by(leaf.cert, renewed));
    cert_free(renewed);
    name_free(subject);
    pair_clear(&ca);
    pair_clear(&leaf);
}

static void test_server(void **state)
{
    static const enum key_type types[] = {KEY_EC_P256, KEY_RSA_2048};
    struct pair ca = fixture_ca("CA");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct err err = ERR_INIT;
        struct key *key = key_generate(types[i], NULL, NULL, &err);
        struct name *subject = name_new_common_name("db1.example", &err);
        struct san san;
        struct san read;
        struct strbuf text = STRBUF_INIT;
        struct cert_request request = {.profile = PROFILE_SERVER,
                                       .subject = subject,
                                       .san = &san,
                                       .key = key,
                                       .not_before = NOW,
                                       .not_after = NOW + YEAR};
        struct cert *cert;

        san_init(&san);
        san_init(&read);
        assert_ok(san_add(&san, "db1.example", &err), &err);
        assert_ok(san_add(&san, "127.0.0.1", &err), &err);
        assert_ok(san_add(&san, "::1", &err), &err);
        assert_ok(serial_random(&request.serial, &err), &err);
        cert = cert_sign(&request, ca.cert, ca.key, &err);
        assert_ok(cert, &err);
        assert_true(cert_for_servers(cert));
        assert_false(cert_for_clients(cert));
        assert_ok(cert_san(cert, &read, &err), &err);
        san_format(&read, &text);
        assert_string_equal(text.data, "DNS:db1.example, IP:127.0.0.1, IP:::1");
        assert_int_equal(critical_of(cert, NID_subject_alt_name), 0);
        assert_int_equal(X509_get_key_usage(ossl_cert(cert)),
                         types[i] == KEY_RSA_2048 ? KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT
                                                  : KU_DIGITAL_SIGNATURE);
        strbuf_clear(&text);
        san_clear(&san);
        san_clear(&read);
        cert_free(cert);
        name_free(subject);
        key_free(key);
    }
    pair_clear(&ca);
}

static enum err_code sign_code(const struct cert_request *request, const struct pair *issuer,
                               const struct key *issuer_key)
{
    struct err err = ERR_INIT;
    struct cert *cert = cert_sign(request, issuer ? issuer->cert : NULL, issuer_key, &err);

    if (!cert)
        return err.code;
    cert_free(cert);
    return ERR_NONE;
}

static void test_refused(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct pair other = fixture_ca("CA");
    struct pair leaf = fixture_leaf(&ca, PROFILE_CLIENT, "leaf");
    struct name *subject = name_new_common_name("alice", &err);
    struct key *key = fixture_key();
    const struct cert_request good = {.profile = PROFILE_CLIENT,
                                      .subject = subject,
                                      .key = key,
                                      .serial = {.bytes = {5}, .len = 1},
                                      .not_before = NOW,
                                      .not_after = NOW + YEAR};
    struct cert_request request = good;

    (void)state;
    assert_int_equal(sign_code(&good, &ca, ca.key), ERR_NONE);
    request.not_after = NOW;
    assert_int_equal(sign_code(&request, &ca, ca.key), ERR_POLICY);
    request.not_after = NOW + 10 * YEAR + 1; /* a second longer than the CA */
    assert_int_equal(sign_code(&request, &ca, ca.key), ERR_POLICY);
    request.not_after = NOW + 10 * YEAR;
    assert_int_equal(sign_code(&request, &ca, ca.key), ERR_NONE);
    assert_int_equal(sign_code(&good, &leaf, leaf.key), ERR_POLICY);
    assert_int_equal(sign_code(&good, &ca, other.key), ERR_POLICY);
    request = good;
    request.key = NULL;
    assert_int_equal(sign_code(&request, &ca, ca.key), ERR_INTERNAL);
    assert_int_equal(sign_code(&good, NULL, ca.key), ERR_INTERNAL); /* self-signed by another */
    name_free(subject);
    key_free(key);
    pair_clear(&ca);
    pair_clear(&other);
    pair_clear(&leaf);
}

/* Keys that PostgreSQL refuses, or that clients do not send. */
static void test_refused_keys(void **state)
{
    static const char *const groups[] = {"secp224r1", "secp256k1", "brainpoolP256r1"};
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct name *subject = name_new_common_name("alice", &err);
    struct cert_request request = {.profile = PROFILE_CLIENT,
                                   .subject = subject,
                                   .serial = {.bytes = {5}, .len = 1},
                                   .not_before = NOW,
                                   .not_after = NOW + YEAR};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct key *key = ossl_key_take(EVP_EC_gen(groups[i]));

        request.key = key;
        assert_int_equal(key_type_of(key), KEY_OTHER);
        assert_int_equal(sign_code(&request, &ca, ca.key), ERR_POLICY);
        key_free(key);
    }
    struct key *rsa = ossl_key_take(EVP_RSA_gen(1024));

    request.key = rsa;
    assert_int_equal(sign_code(&request, &ca, ca.key), ERR_POLICY);
    key_free(rsa);
    name_free(subject);
    pair_clear(&ca);
}

static void test_all_ca_keys(void **state)
{
    static const enum key_type types[] = {KEY_EC_P256, KEY_EC_P384, KEY_ED25519, KEY_RSA_2048};
    struct err err = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct pair ca = {.key = key_generate(types[i], NULL, NULL, &err)};
        struct name *subject = name_new_common_name("CA", &err);
        struct cert_request request = {.profile = PROFILE_CA,
                                       .subject = subject,
                                       .key = ca.key,
                                       .serial = {.bytes = {7}, .len = 1},
                                       .not_before = NOW,
                                       .not_after = NOW + YEAR + DAY};
        struct pair leaf;

        ca.cert = cert_sign(&request, NULL, ca.key, &err);
        assert_ok(ca.cert, &err);
        leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice");
        assert_true(cert_issued_by(leaf.cert, ca.cert));
        pair_clear(&leaf);
        pair_clear(&ca);
        name_free(subject);
    }
}

static void test_forms(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct strbuf der = STRBUF_INIT;
    struct strbuf pem = STRBUF_INIT;
    struct cert *from_der;
    struct cert *from_pem;
    struct cert *dup = cert_dup(ca.cert);
    char hex[CERT_SHA256_HEX];
    char again[CERT_SHA256_HEX];

    (void)state;
    assert_ok(cert_to_der(ca.cert, &der, &err), &err);
    fixture_pem(&pem, ca.cert);
    from_der = cert_from_der(der.data, der.len, &err);
    from_pem = cert_from_pem(pem.data, pem.len, &err);
    assert_ok(from_der, &err);
    assert_ok(from_pem, &err);
    assert_true(cert_equal(from_der, ca.cert));
    assert_true(cert_equal(from_pem, dup));
    assert_int_equal(strlen(cert_sha256_hex(from_der, hex)), 64);
    assert_string_equal(hex, cert_sha256_hex(dup, again));
    strbuf_add_char(&der, 'x'); /* something behind the certificate */
    assert_null(cert_from_der(der.data, der.len, &err));
    assert_int_equal(err.code, ERR_NOT_A_CERTIFICATE);
    assert_null(cert_from_der(der.data, der.len - 2, &err));
    assert_null(cert_from_der("", 0, &err));
    assert_null(cert_from_pem("hello", 5, &err));
    assert_int_equal(err.code, ERR_NOT_A_CERTIFICATE);
    cert_free(from_der);
    cert_free(from_pem);
    cert_free(dup);
    strbuf_clear(&der);
    strbuf_clear(&pem);
    pair_clear(&ca);
}

/* Negative and oversized serial numbers exist in the wild; we could not hold them. */
static void test_odd_serial(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    static const char *const odd[] = {"-5", "1fffffffffffffffffffffffffffffffffffffffff"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        X509 *x = X509_dup(ossl_cert(ca.cert));
        BIGNUM *number = NULL;
        ASN1_INTEGER *serial;
        unsigned char *der = NULL;
        int len;

        assert_true(BN_hex2bn(&number, odd[i]) > 0);
        serial = BN_to_ASN1_INTEGER(number, NULL);
        assert_int_equal(X509_set_serialNumber(x, serial), 1);
        assert_true(X509_sign(x, ossl_key(ca.key), EVP_sha256()) > 0);
        len = i2d_X509(x, &der);
        err.code = ERR_NONE;
        assert_null(cert_from_der(der, (size_t)len, &err));
        assert_int_equal(err.code, ERR_NOT_A_CERTIFICATE);
        OPENSSL_free(der);
        ASN1_INTEGER_free(serial);
        BN_free(number);
        X509_free(x);
    }
    pair_clear(&ca);
}

static void test_far_dates(void **state)
{
    struct pair ca = fixture_ca_dates("CA", 0, INT64_C(253402300799));
    struct pair leaf = fixture_leaf_dates(&ca, PROFILE_CLIENT, "alice", INT64_C(2524607999),
                                          INT64_C(2524608000)); /* either side of 2050 */

    (void)state;
    assert_true(cert_not_before(ca.cert) == 0);
    assert_true(cert_not_after(ca.cert) == INT64_C(253402300799));
    assert_true(cert_not_before(leaf.cert) == INT64_C(2524607999));
    assert_true(cert_not_after(leaf.cert) == INT64_C(2524608000));
    pair_clear(&leaf);
    pair_clear(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ca),          cmocka_unit_test(test_client),
        cmocka_unit_test(test_renewed_ca),  cmocka_unit_test(test_server),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_refused_keys),
        cmocka_unit_test(test_all_ca_keys), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_odd_serial),  cmocka_unit_test(test_far_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
