/* store_revoked.c - a revocation and its list: together, once, for ever. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/store/revoked.h"
#include "core/store/sql.h"
#include "tests/harness/store_box.h"

static struct err err;

static struct crl *revoke(struct ca_box *fixture, struct issued *issued, enum crl_reason reason)
{
    return revoked_and_sign(fixture->box.store, fixture->authority, fixture->key, issued, reason, 0,
                            &err);
}

static void test_revoked(void **state)
{
    struct ca_box *fixture = *state;
    struct issued *alice = box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 0);
    struct issued *bob = box_issue(&fixture->box, fixture->authority, fixture->key, "bob", 0);
    struct crl_entry entry;
    struct crl *crl;
    uint64_t number = 0;

    box_set_now(BOX_NOW + 60);
    crl = revoke(fixture, bob, CRL_KEY_COMPROMISE);
    assert_non_null(crl);
    assert_true(crl_number(crl, &number));
    assert_int_equal(number, 2);
    assert_int_equal(crl_count(crl), 2); /* and the canary */
    assert_true(crl_has(crl, &bob->serial));
    assert_false(crl_has(crl, &alice->serial));
    /* OpenSSL sorts a list by serial number */
    assert_true(crl_entry_at(crl, 0, &entry));
    if (!serial_equal(&entry.serial, &bob->serial))
        assert_true(crl_entry_at(crl, 1, &entry));
    assert_true(serial_equal(&entry.serial, &bob->serial));
    assert_int_equal(entry.revoked_at, BOX_NOW + 60);
    assert_int_equal(entry.reason, CRL_KEY_COMPROMISE);
    assert_true(crl_signed_by(crl, fixture->authority->cert));
    assert_int_equal(bob->revoked_at, BOX_NOW + 60);
    assert_int_equal(bob->reason, CRL_KEY_COMPROMISE);
    assert_int_equal(issued_state_at(bob, BOX_NOW, 30), ISSUED_REVOKED);
    assert_int_equal(fixture->authority->revoked, 1);
    assert_int_equal(fixture->authority->crl.number, 2);
    crl_free(crl);

    assert_null(revoke(fixture, bob, CRL_UNSPECIFIED));
    box_assert_err(&err, ERR_REVOKED_ALREADY);
    crl = authority_crl(fixture->box.store, fixture->authority, &err);
    assert_true(crl_number(crl, &number));
    assert_int_equal(number, 2); /* the refused one made no list */
    crl_free(crl);
    issued_free(alice);
    issued_free(bob);
}

static void test_wrong_key_changes_nothing(void **state)
{
    struct ca_box *fixture = *state;
    struct key *other = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issued *bob = box_issue(&fixture->box, fixture->authority, fixture->key, "bob", 0);
    struct issued *read;

    assert_null(revoked_and_sign(fixture->box.store, fixture->authority, other, bob,
                                 CRL_UNSPECIFIED, 0, &err));
    box_assert_err(&err, ERR_CA_KEY);
    read = issued_find(fixture->box.store, "bob", &err);
    assert_int_equal(read->revoked_at, 0);
    assert_int_equal(bob->revoked_at, 0);
    issued_free(read);
    issued_free(bob);
    key_free(other);
}

static void test_canaries_stay(void **state)
{
    struct ca_box *fixture = *state;
    struct issued_filter filter = {.state = -1, .with_canaries = true};
    struct issued_list list;

    BOX_OK(issued_list(fixture->box.store, &filter, &list, &err));
    assert_int_equal(list.n, 2);
    assert_int_equal(list.total, 2);
    for (size_t i = 0; i < list.n; i++) {
        assert_null(revoke(fixture, list.rows[i], CRL_UNSPECIFIED));
        box_assert_err(&err, ERR_POLICY);
    }
    issued_list_clear(&list);
}

static void test_never_taken_back(void **state)
{
    struct ca_box *fixture = *state;
    struct issued *bob = box_issue(&fixture->box, fixture->authority, fixture->key, "bob", 0);
    struct store *store = fixture->box.store;

    crl_free(revoke(fixture, bob, CRL_SUPERSEDED));
    assert_false(sql_exec(store, "UPDATE issued SET revoked_at = NULL", &err));
    box_assert_err(&err, ERR_STORE);
    assert_false(sql_exec(store, "DELETE FROM issued", &err));
    box_assert_err(&err, ERR_STORE);
    assert_false(sql_exec(store, "DELETE FROM crl", &err));
    box_assert_err(&err, ERR_STORE);
    issued_free(bob);
}

/* Entries leave the list only a good while after the certificate ended; the canary's never does. */
static void test_ended_entries_leave(void **state)
{
    struct ca_box *fixture = *state;
    struct issued *bob = box_issue(&fixture->box, fixture->authority, fixture->key, "bob", 10);
    struct crl_entry *entries = NULL;
    size_t n = 0;

    crl_free(revoke(fixture, bob, CRL_UNSPECIFIED));
    box_set_now(BOX_NOW + 11 * CLOCK_DAY);
    BOX_OK(revoked_entries(fixture->box.store, fixture->authority->id, &entries, &n, &err));
    assert_int_equal(n, 2); /* the canary's too, of the same second: the serials say the order */
    assert_true(serial_equal(&entries[0].serial, &bob->serial) ||
                serial_equal(&entries[1].serial, &bob->serial));
    free(entries);
    box_set_now(BOX_NOW + 20 * CLOCK_DAY);
    BOX_OK(revoked_entries(fixture->box.store, fixture->authority->id, &entries, &n, &err));
    assert_int_equal(n, 1);
    free(entries);
    box_set_now(cert_not_after(fixture->authority->cert));
    BOX_OK(revoked_entries(fixture->box.store, fixture->authority->id, &entries, &n, &err));
    assert_int_equal(n, 1);
    free(entries);
    issued_free(bob);
}

static void test_other_authority(void **state)
{
    struct ca_box *fixture = *state;
    struct key *key = NULL;
    struct authority *other = box_authority(&fixture->box, "Other", &key);
    struct issued *bob = box_issue(&fixture->box, fixture->authority, fixture->key, "bob", 0);
    struct crl_entry *entries = NULL;
    size_t n = 0;

    assert_null(revoked_and_sign(fixture->box.store, other, key, bob, CRL_UNSPECIFIED, 0, &err));
    box_assert_err(&err, ERR_INTERNAL);
    crl_free(revoke(fixture, bob, CRL_UNSPECIFIED));
    BOX_OK(revoked_entries(fixture->box.store, other->id, &entries, &n, &err));
    assert_int_equal(n, 1); /* its own canary only */
    free(entries);
    issued_free(bob);
    key_free(key);
    authority_free(other);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, ca_box_setup, ca_box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_revoked),
        TEST(test_wrong_key_changes_nothing),
        TEST(test_canaries_stay),
        TEST(test_never_taken_back),
        TEST(test_ended_entries_leave),
        TEST(test_other_authority),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
