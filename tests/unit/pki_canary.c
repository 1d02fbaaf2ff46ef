/* Canaries: no login, but a good handshake until they are revoked. */
#include "config.h"

#include "core/pki/canary.h"
#include "core/pki/chain.h"
#include "tests/unit/pki_fixture.h"

static void test_canaries(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca("CA");
    struct cert_list trusted = {.certs = &ca.cert, .n = 1};
    struct canary good = {0};
    struct canary revoked = {0};
    struct chain_verdict verdict;
    struct strbuf text = STRBUF_INIT;
    struct crl *crl;

    (void)state;
    assert_ok(canary_make(ca.cert, ca.key, NOW, &good, &err), &err);
    assert_ok(canary_make(ca.cert, ca.key, NOW, &revoked, &err), &err);
    assert_false(cert_common_name(good.cert, &text));
    cert_format_subject(good.cert, &text);
    assert_string_equal(text.data, "");
    assert_true(cert_not_after(good.cert) == cert_not_after(ca.cert));
    assert_true(cert_not_before(good.cert) == NOW - CERT_BACKDATE);
    assert_true(cert_matches_key(good.cert, good.key));
    crl = fixture_crl(&ca, (const struct cert *[]){revoked.cert}, 1);
    chain_verify_client(good.cert, NULL, &trusted, &crl, 1, NOW, &verdict);
    assert_true(verdict.accepted);
    chain_verify_client(revoked.cert, NULL, &trusted, &crl, 1, NOW, &verdict);
    assert_false(verdict.accepted);
    assert_int_equal(verdict.alert, 44);
    crl_free(crl);
    canary_clear(&good);
    canary_clear(&revoked);
    strbuf_clear(&text);
    pair_clear(&ca);
}

static void test_ended_issuer(void **state)
{
    struct err err = ERR_INIT;
    struct pair ca = fixture_ca_dates("CA", NOW - YEAR, NOW - DAY);
    struct canary canary = {0};

    (void)state;
    assert_false(canary_make(ca.cert, ca.key, NOW, &canary, &err));
    assert_int_equal(err.code, ERR_POLICY);
    assert_null(canary.key);
    pair_clear(&ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canaries),
        cmocka_unit_test(test_ended_issuer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
