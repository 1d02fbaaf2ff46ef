/* pki_fixture.c - CAs and certificates for tests, at a fixed time. */
#include "config.h"

#include "tests/unit/pki_fixture.h"

struct key *fixture_key(void)
{
    struct err err = ERR_INIT;
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, &err);

    assert_ok(key, &err);
    return key;
}

static struct pair sign(const struct pair *issuer, enum profile profile, const char *cn,
                        int64_t not_before, int64_t not_after)
{
    struct err err = ERR_INIT;
    struct pair made = {.key = fixture_key()};
    struct name *subject = name_new_common_name(cn, &err);
    struct cert_request request = {
        .profile = profile,
        .subject = subject,
        .key = made.key,
        .not_before = not_before,
        .not_after = not_after,
    };

    assert_ok(subject, &err);
    assert_ok(serial_random(&request.serial, &err), &err);
    made.cert =
        cert_sign(&request, issuer ? issuer->cert : NULL, issuer ? issuer->key : made.key, &err);
    assert_ok(made.cert, &err);
    name_free(subject);
    return made;
}

struct pair fixture_ca(const char *cn)
{
    return fixture_ca_dates(cn, NOW - CERT_BACKDATE, NOW + 10 * YEAR);
}

struct pair fixture_ca_dates(const char *cn, int64_t not_before, int64_t not_after)
{
    return sign(NULL, PROFILE_CA, cn, not_before, not_after);
}

struct pair fixture_sub_ca(const struct pair *issuer, const char *cn)
{
    return sign(issuer, PROFILE_CA, cn, NOW - CERT_BACKDATE, NOW + 5 * YEAR);
}

struct pair fixture_leaf(const struct pair *ca, enum profile profile, const char *cn)
{
    return sign(ca, profile, cn, NOW - CERT_BACKDATE, NOW + YEAR);
}

struct pair fixture_leaf_dates(const struct pair *ca, enum profile profile, const char *cn,
                               int64_t not_before, int64_t not_after)
{
    return sign(ca, profile, cn, not_before, not_after);
}

void pair_clear(struct pair *pair)
{
    key_free(pair->key);
    cert_free(pair->cert);
    pair->key = NULL;
    pair->cert = NULL;
}

struct crl *fixture_crl(const struct pair *ca, const struct cert *const *revoked, size_t n)
{
    return fixture_crl_dates(ca, revoked, n, NOW - CERT_BACKDATE, NOW + YEAR);
}

struct crl *fixture_crl_dates(const struct pair *ca, const struct cert *const *revoked, size_t n,
                              int64_t this_update, int64_t next_update)
{
    struct err err = ERR_INIT;
    struct crl_entry entries[8];
    struct crl *crl;

    assert_true(n <= ARRAY_LEN(entries));
    for (size_t i = 0; i < n; i++) {
        entries[i] = (struct crl_entry){.serial = cert_serial(revoked[i]),
                                        .revoked_at = NOW - DAY,
                                        .reason = CRL_KEY_COMPROMISE};
    }
    crl = crl_build(ca->cert, ca->key, entries, n, 7, this_update, next_update, &err);
    assert_ok(crl, &err);
    return crl;
}

void fixture_pem(struct strbuf *out, const struct cert *cert)
{
    struct err err = ERR_INIT;

    assert_ok(cert_to_pem(cert, out, &err), &err);
}
