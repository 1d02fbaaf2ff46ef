/* pki_fixture.h - CAs and certificates for tests, at a fixed time. */
#ifndef PGSEAL_TESTS_UNIT_PKI_FIXTURE_H
#define PGSEAL_TESTS_UNIT_PKI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/pki/cert.h"
#include "core/pki/crl.h"
#include "core/pki/pem.h"

#define NOW  INT64_C(1795292142) /* 2026-11-21T20:15:42Z */
#define DAY  CLOCK_DAY
#define YEAR (365 * DAY)

/* Fails the test with the message of err. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: PS-%04d %s", #call, (int)(err)->code, (err)->msg);                       \
    } while (0)

struct pair { /* a certificate and its key */
    struct key *key;
    struct cert *cert;
};

struct key *fixture_key(void); /* a new P-256 key */
struct pair fixture_ca(const char *cn);
struct pair fixture_ca_dates(const char *cn, int64_t not_before, int64_t not_after);
/* A CA signed by another one. */
struct pair fixture_sub_ca(const struct pair *issuer, const char *cn);
struct pair fixture_leaf(const struct pair *ca, enum profile profile, const char *cn);
struct pair fixture_leaf_dates(const struct pair *ca, enum profile profile, const char *cn,
                               int64_t not_before, int64_t not_after);
void pair_clear(struct pair *pair);

/* A list with these certificates revoked, from an hour ago for a year. */
struct crl *fixture_crl(const struct pair *ca, const struct cert *const *revoked, size_t n);
struct crl *fixture_crl_dates(const struct pair *ca, const struct cert *const *revoked, size_t n,
                              int64_t this_update, int64_t next_update);

/* Appends. */
void fixture_pem(struct strbuf *out, const struct cert *cert);

#endif
