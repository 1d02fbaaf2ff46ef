/* Lists of revoked certificates. */
#include "config.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "core/pki/ossl.h"
#include "tests/unit/pki_fixture.h"

static void test_empty(void **state)
{
    struct pair ca = fixture_ca("CA");
    struct crl *crl = fixture_crl(&ca, NULL, 0);
    struct crl_entry entry;
    struct strbuf text = STRBUF_INIT;
    uint64_t number = 0;
    AUTHORITY_KEYID *authority =
        X509_CRL_get_ext_d2i(ossl_crl(crl), NID_authority_key_identifier, NULL, NULL);

    (void)state;
    assert_int_equal(crl_count(crl), 0);
    assert_false(crl_entry_at(crl, 0, &entry));
    assert_true(crl_number(crl, &number));
    assert_true(number == 7);
    assert_true(crl_this_update(crl) == NOW - CERT_BACKDATE);
    assert_true(crl_next_update(crl) == NOW + YEAR);
    assert_true(crl_signed_by(crl, ca.cert));
    assert_non_null(authority);
    assert_non_null(authority->keyid);
    assert_null(authority->issuer);
    assert_null(authority->serial);
    crl_format_issuer(crl, &text);
    assert_string_equal(text.data, "CN=CA");
    AUTHORITY_KEYID_free(authority);
    strbuf_clear(&text);
    crl_free(crl);
    pair_clear(&ca);
}

static void test_entries(void **state)
{
    static const enum crl_reason reasons[] = {
        CRL_UNSPECIFIED, CRL_KEY_COMPROMISE,         CRL_CA_COMPROMISE,    CRL_AFFILIATION_CHANGED,
        CRL_SUPERSEDED,  CRL_CESSATION_OF_OPERATION, CRL_CERTIFICATE_HOLD, CRL_PRIVILEGE_WITHDRAWN};
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct crl_entry entries[ARRAY_LEN(reasons) + 1];
    struct serial absent = {.bytes = {9, 9, 9}, .len = 3};
    struct crl *crl;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        assert_ok(serial_random(&entries[i].serial, &err), &err);
        entries[i].revoked_at = NOW - (int64_t)i * DAY;
        entries[i].reason = reasons[i];
    }
    entries[ARRAY_LEN(reasons)] = entries[0]; /* named twice: since the first time */
    entries[ARRAY_LEN(reasons)].revoked_at += DAY;
    crl = crl_build(ca.cert, ca.key, entries, ARRAY_LEN(entries), UINT64_MAX, NOW, NOW + DAY, &err);
    assert_ok(crl, &err);
    assert_int_equal(crl_count(crl), ARRAY_LEN(reasons));
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        struct crl_entry read;
        size_t found = 0;

        assert_true(crl_has(crl, &entries[i].serial));
        for (size_t j = 0; j < crl_count(crl); j++) {
            assert_true(crl_entry_at(crl, j, &read));
            if (!serial_equal(&read.serial, &entries[i].serial))
                continue;
            found++;
            assert_true(read.revoked_at == entries[i].revoked_at);
            assert_int_equal(read.reason, entries[i].reason);
        }
        assert_int_equal(found, 1);
    }
    assert_false(crl_has(crl, &absent));
    crl_free(crl);
    pair_clear(&ca);
}

/* RFC 5280 5.1.2.4: two forms, which meet at the end of 2049. OpenSSL reads what we wrote. */
static void test_dates(void **state)
{
    static const struct {
        int64_t when;
        int form;
        const char *text;
    } dates[] = {
        {-631152000, V_ASN1_UTCTIME, "500101000000Z"},
        {0, V_ASN1_UTCTIME, "700101000000Z"},
        {1709210096, V_ASN1_UTCTIME, "240229123456Z"},
        {2524607999, V_ASN1_UTCTIME, "491231235959Z"},
        {2524608000, V_ASN1_GENERALIZEDTIME, "20500101000000Z"},
        {253402300799, V_ASN1_GENERALIZEDTIME, "99991231235959Z"},
    };
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct crl_entry entry = {.serial = {.bytes = {0x80}, .len = 1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        const ASN1_TIME *read;
        struct crl *crl;

        entry.revoked_at = dates[i].when;
        crl = crl_build(ca.cert, ca.key, &entry, 1, 1, NOW, NOW + DAY, &err);
        assert_ok(crl, &err);
        read = X509_REVOKED_get0_revocationDate(
            sk_X509_REVOKED_value(X509_CRL_get_REVOKED(ossl_crl(crl)), 0));
        assert_int_equal(ASN1_STRING_type(read), dates[i].form);
        assert_int_equal(ASN1_STRING_length(read), strlen(dates[i].text));
        assert_memory_equal(ASN1_STRING_get0_data(read), dates[i].text, strlen(dates[i].text));
        crl_free(crl);
    }
    entry.revoked_at = INT64_C(253402300800); /* the year 10000 */
    assert_null(crl_build(ca.cert, ca.key, &entry, 1, 1, NOW, NOW + DAY, &err));
    pair_clear(&ca);
}

static void test_refused(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct pair other = fixture_ca("CA");
    struct pair leaf = fixture_leaf(&ca, PROFILE_CLIENT, "alice");

    (void)state;
    assert_null(crl_build(ca.cert, ca.key, NULL, 0, 1, NOW, NOW, &err));
    assert_int_equal(err.code, ERR_POLICY);
    assert_null(crl_build(ca.cert, other.key, NULL, 0, 1, NOW, NOW + DAY, &err));
    assert_int_equal(err.code, ERR_POLICY);
    assert_null(crl_build(leaf.cert, leaf.key, NULL, 0, 1, NOW, NOW + DAY, &err));
    assert_int_equal(err.code, ERR_POLICY);
    pair_clear(&ca);
    pair_clear(&other);
    pair_clear(&leaf);
}

/* Two CAs of one name: the key id tells their lists apart. */
static void test_signed_by(void **state)
{
    struct pair ca = fixture_ca("CA");
    struct pair same_name = fixture_ca("CA");
    struct pair other = fixture_ca("Other");
    struct crl *crl = fixture_crl(&ca, NULL, 0);

    (void)state;
    assert_true(crl_signed_by(crl, ca.cert));
    assert_false(crl_signed_by(crl, same_name.cert));
    assert_false(crl_signed_by(crl, other.cert));
    crl_free(crl);
    pair_clear(&ca);
    pair_clear(&same_name);
    pair_clear(&other);
}

static void test_forms(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct crl *crl = fixture_crl(&ca, (const struct cert *[]){ca.cert}, 1);
    struct crl *dup = crl_dup(crl);
    struct strbuf der = STRBUF_INIT;
    struct strbuf pem = STRBUF_INIT;
    struct crl *from_der;
    struct crl *from_pem;
    struct serial serial = cert_serial(ca.cert);

    (void)state;
    assert_ok(crl_to_der(crl, &der, &err), &err);
    assert_ok(crl_to_pem(dup, &pem, &err), &err);
    assert_non_null(strstr(pem.data, "-----BEGIN X509 CRL-----\n"));
    from_der = crl_from_der(der.data, der.len, &err);
    from_pem = crl_from_pem(pem.data, pem.len, &err);
    assert_ok(from_der, &err);
    assert_ok(from_pem, &err);
    assert_true(crl_has(from_der, &serial));
    assert_true(crl_has(from_pem, &serial));
    assert_null(crl_from_der(der.data, der.len - 1, &err));
    assert_int_equal(err.code, ERR_NOT_A_CRL);
    strbuf_reset(&pem);
    fixture_pem(&pem, ca.cert);
    assert_null(crl_from_pem(pem.data, pem.len, &err));
    assert_int_equal(err.code, ERR_NOT_A_CRL);
    crl_free(from_der);
    crl_free(from_pem);
    crl_free(dup);
    crl_free(crl);
    strbuf_clear(&der);
    strbuf_clear(&pem);
    pair_clear(&ca);
}

static void test_reason_words(void **state)
{
    struct err err = ERR_INIT;
    enum crl_reason reason;

    (void)state;
    assert_ok(crl_reason_parse("keyCompromise", &reason, &err), &err);
    assert_int_equal(reason, CRL_KEY_COMPROMISE);
    assert_string_equal(crl_reason_name(CRL_SUPERSEDED), "superseded");
    assert_false(crl_reason_parse("removeFromCRL", &reason, &err));
    assert_int_equal(err.code, ERR_BAD_VALUE);
}

static void test_many(void **state)
{
    enum { N = 10000 };
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct crl_entry *entries = calloc(N, sizeof(*entries));
    struct crl *crl;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        uint8_t bytes[4] = {1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

        assert_ok(serial_from_bytes(&entries[N - 1 - i].serial, bytes, 4, &err), &err);
        entries[N - 1 - i].revoked_at = NOW;
    }
    crl = crl_build(ca.cert, ca.key, entries, N, 1, NOW, NOW + DAY, &err);
    assert_ok(crl, &err);
    assert_int_equal(crl_count(crl), N);
    for (size_t i = 0; i < N; i += 997)
        assert_true(crl_has(crl, &entries[i].serial));
    crl_free(crl);
    free(entries);
    pair_clear(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),   cmocka_unit_test(test_entries),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_signed_by),
        cmocka_unit_test(test_forms),   cmocka_unit_test(test_reason_words),
        cmocka_unit_test(test_many),    cmocka_unit_test(test_dates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
