/* store_crl_ahead.c - lists for later, which list counts when, who lacks it, and others' lists. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/health/store_check.h"
#include "core/store/crl_ahead.h"
#include "core/store/foreign.h"
#include "core/store/published.h"
#include "core/store/revoked.h"
#include "tests/harness/store_box.h"

static struct err err;

static size_t presign(struct ca_box *fixture, int lists, int days)
{
    struct crl_ahead_spec spec = {.lists = lists, .days = days};
    size_t n = 0;

    BOX_OK(crl_ahead_sign(fixture->box.store, fixture->authority, fixture->key, &spec, &n, &err));
    return n;
}

/* The list that counts at this time, as a fresh look finds it. */
static struct crl *current(struct ca_box *fixture, uint64_t *ret_number)
{
    struct crl *crl = authority_crl(fixture->box.store, fixture->authority, &err);
    struct authority *fresh = authority_load(fixture->box.store, "Acme", &err);

    if (!crl || !fresh)
        fail_msg("%s", err.msg);
    assert_true(crl_number(crl, ret_number));
    assert_int_equal(fresh->crl.number, *ret_number);
    assert_int_equal(fresh->crl.next_update, crl_next_update(crl));
    authority_free(fresh);
    return crl;
}

static void test_each_on_its_day(void **state)
{
    struct ca_box *fixture = *state;
    struct crl_ahead_list list = {.n = 0};
    uint64_t first, number;
    struct crl *crl;

    assert_int_equal(presign(fixture, 12, 60), 12);
    assert_int_equal(fixture->authority->crl.ahead, 11);
    crl_free(current(fixture, &first));
    BOX_OK(crl_ahead_list(fixture->box.store, fixture->authority->id, &list, &err));
    assert_int_equal(list.n, 11);
    for (size_t i = 0; i < list.n; i++)
        assert_int_equal(list.rows[i].number, first + 1 + i);
    crl_ahead_list_clear(&list);
    for (int month = 0; month < 12; month++) {
        box_set_now(BOX_NOW + month * 30 * CLOCK_DAY + 5);
        crl = current(fixture, &number);
        assert_int_equal(number, first + (uint64_t)month);
        assert_true(crl_this_update(crl) <= clock_now());
        assert_true(crl_next_update(crl) >= clock_now() + 59 * CLOCK_DAY);
        assert_true(crl_signed_by(crl, fixture->authority->cert));
        assert_int_equal(crl_count(crl), 1); /* the canary, on every one of them */
        crl_free(crl);
        if (month < 11) {
            box_set_now(BOX_NOW + (month + 1) * 30 * CLOCK_DAY - 1);
            crl_free(current(fixture, &number));
            assert_int_equal(number, first + (uint64_t)month);
        }
    }
}

/* A revocation is on the present list and on all later ones, with higher numbers and the same days. */
static void test_revocation_signs_the_set_again(void **state)
{
    struct ca_box *fixture = *state;
    struct issued *alice = box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 800);
    struct crl_ahead_list before = {.n = 0}, after = {.n = 0};
    uint64_t number, last;
    struct crl *crl;

    presign(fixture, 6, 60);
    box_set_now(BOX_NOW + 40 * CLOCK_DAY);
    BOX_OK(crl_ahead_list(fixture->box.store, fixture->authority->id, &before, &err));
    assert_int_equal(before.n, 4);
    last = before.rows[before.n - 1].number;
    crl = revoked_and_sign(fixture->box.store, fixture->authority, fixture->key, alice,
                           CRL_UNSPECIFIED, 0, &err);
    BOX_OK(crl != NULL);
    assert_true(crl_number(crl, &number));
    assert_int_equal(number, last + 1);
    assert_int_equal(crl_next_update(crl), before.present_end);
    crl_free(crl);
    assert_int_equal(fixture->authority->crl.ahead, 4);
    BOX_OK(crl_ahead_list(fixture->box.store, fixture->authority->id, &after, &err));
    assert_int_equal(after.n, before.n);
    for (size_t i = 0; i < after.n; i++) {
        assert_int_equal(after.rows[i].number, number + 1 + i);
        assert_int_equal(after.rows[i].due_at, before.rows[i].due_at);
        assert_int_equal(after.rows[i].next_update, before.rows[i].next_update);
        box_set_now(after.rows[i].due_at);
        crl = current(fixture, &last);
        assert_int_equal(last, after.rows[i].number);
        assert_true(crl_has(crl, &alice->serial));
        crl_free(crl);
    }
    crl_ahead_list_clear(&before);
    crl_ahead_list_clear(&after);
    issued_free(alice);
}

static void test_given_up(void **state)
{
    struct ca_box *fixture = *state;
    struct crl *crl;
    uint64_t number, later;

    presign(fixture, 12, 60);
    crl = authority_sign_crl(fixture->box.store, fixture->authority, fixture->key, 400, &err);
    BOX_OK(crl != NULL);
    assert_true(crl_number(crl, &number));
    assert_int_equal(fixture->authority->crl.ahead, 0);
    box_set_now(BOX_NOW + 200 * CLOCK_DAY);
    crl_free(crl);
    crl_free(current(fixture, &later));
    assert_int_equal(later, number);
}

static void test_refused(void **state)
{
    struct ca_box *fixture = *state;
    struct crl_ahead_spec spec = {.lists = 12, .days = 31}; /* no week of overlap */
    struct key *other = key_generate(KEY_EC_P256, NULL, NULL, &err);
    size_t n;

    assert_false(
        crl_ahead_sign(fixture->box.store, fixture->authority, fixture->key, &spec, &n, &err));
    box_assert_err(&err, ERR_POLICY);
    spec.days = 60;
    spec.lists = 1;
    assert_false(
        crl_ahead_sign(fixture->box.store, fixture->authority, fixture->key, &spec, &n, &err));
    box_assert_err(&err, ERR_BAD_VALUE);
    spec.lists = 12;
    assert_false(crl_ahead_sign(fixture->box.store, fixture->authority, other, &spec, &n, &err));
    box_assert_err(&err, ERR_CA_KEY);
    key_free(other);
    /* near its end the CA gets fewer of them, and none beyond it */
    box_set_now(cert_not_after(fixture->authority->cert) - 100 * CLOCK_DAY);
    assert_int_equal(presign(fixture, 12, 60), 4);
    assert_int_equal(fixture->authority->crl.until, cert_not_after(fixture->authority->cert));
}

/* A certificate that has ended leaves the list; the canary stays. */
static void test_ended_leaves(void **state)
{
    struct ca_box *fixture = *state;
    struct issued *bob = box_issue(&fixture->box, fixture->authority, fixture->key, "bob", 30);
    struct crl *crl = revoked_and_sign(fixture->box.store, fixture->authority, fixture->key, bob,
                                       CRL_SUPERSEDED, 0, &err);
    bool ended = true;

    assert_int_equal(crl_count(crl), 2);
    crl_free(crl);
    BOX_OK(
        revoked_has_ended(fixture->box.store, fixture->authority->id, &bob->serial, &ended, &err));
    assert_false(ended);
    box_set_now(BOX_NOW + 38 * CLOCK_DAY);
    crl = authority_sign_crl(fixture->box.store, fixture->authority, fixture->key, 0, &err);
    assert_int_equal(crl_count(crl), 1);
    assert_false(crl_has(crl, &bob->serial));
    BOX_OK(
        revoked_has_ended(fixture->box.store, fixture->authority->id, &bob->serial, &ended, &err));
    assert_true(ended);
    crl_free(crl);
    issued_free(bob);
}

/* ---- servers ---- */

static struct server *add_server(struct ca_box *fixture, const char *name)
{
    char provider[] = "self-managed", none[] = "", conninfo[] = "host=127.0.0.1";
    struct server server = {.name = mem_strdup(name),
                            .conninfo = conninfo,
                            .tls_host = none,
                            .provider = provider,
                            .system_identifier = none};
    struct server *loaded;

    BOX_OK(server_add(fixture->box.store, &server, &err));
    free(server.name);
    loaded = server_load(fixture->box.store, name, &err);
    BOX_OK(loaded != NULL);
    BOX_OK(server_set_trust(fixture->box.store, loaded, fixture->authority->id, true, &err));
    return loaded;
}

static size_t count_behind(struct ca_box *fixture)
{
    size_t n = 0;

    BOX_OK(published_count_behind(fixture->box.store, &n, &err));
    return n;
}

static bool check_finds(struct ca_box *fixture, enum err_code code)
{
    struct findings findings = {.n = 0};
    bool found;

    BOX_OK(store_check(fixture->box.store, 0, &findings, &err));
    found = findings_find(&findings, code, NULL) != NULL;
    findings_clear(&findings);
    return found;
}

static void test_who_lacks_it(void **state)
{
    struct ca_box *fixture = *state;
    struct issued *alice = box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 0);
    struct server *db1 = add_server(fixture, "db1");
    struct server *db2 = add_server(fixture, "db2");
    struct err away = ERR_INIT;
    struct published_list list = {.n = 0};
    struct issued_list to_end = {.n = 0};
    int64_t id = fixture->authority->id;

    err_set(&away, ERR_TIMEOUT, "no answer");
    assert_int_equal(count_behind(fixture), 0); /* not known is not behind */
    assert_false(check_finds(fixture, ERR_CRL_OLDER));
    BOX_OK(published_set(fixture->box.store, db1->id, id, fixture->authority->crl.number, &err));
    BOX_OK(published_set(fixture->box.store, db2->id, id, fixture->authority->crl.number, &err));
    presign(fixture, 12, 60);
    assert_int_equal(count_behind(fixture), 2);
    BOX_OK(published_set(fixture->box.store, db1->id, id, fixture->authority->crl.number, &err));
    BOX_OK(published_failed(fixture->box.store, db2->id, &away, &err));
    BOX_OK(published_end_later(fixture->box.store, db1->id, alice->id, &err));
    BOX_OK(published_end_later(fixture->box.store, db1->id, alice->id, &err));
    assert_true(check_finds(fixture, ERR_CRL_OLDER));
    assert_true(check_finds(fixture, ERR_REVOKED_SESSION));
    BOX_OK(published_list(fixture->box.store, NULL, 0, &list, &err));
    assert_int_equal(list.n, 2);
    assert_false(list.rows[0].behind);
    assert_int_equal(list.rows[0].n_sessions, 1);
    assert_true(list.rows[1].behind);
    assert_string_equal(list.rows[1].why, "no answer");
    assert_int_equal(list.rows[1].code, ERR_TIMEOUT);
    published_list_clear(&list);
    BOX_OK(published_to_end(fixture->box.store, db1->id, &to_end, &err));
    assert_int_equal(to_end.n, 1);
    assert_string_equal(to_end.rows[0]->role, "alice");
    issued_list_clear(&to_end);
    BOX_OK(published_ended(fixture->box.store, db1->id, alice->id, &err));
    BOX_OK(published_set(fixture->box.store, db2->id, id, fixture->authority->crl.number, &err));
    assert_int_equal(count_behind(fixture), 0);
    /* the next list of the set: all are behind again, and nobody signed anything */
    box_set_now(BOX_NOW + 31 * CLOCK_DAY);
    assert_int_equal(count_behind(fixture), 2);
    BOX_OK(server_remove(fixture->box.store, "db2", &err));
    assert_int_equal(count_behind(fixture), 1);
    server_free(db1);
    server_free(db2);
    issued_free(alice);
}

/* Day 31 of a list of 30 days: seen before, named after. With a set for later: nothing to say. */
static void test_ends(void **state)
{
    struct ca_box *fixture = *state;
    struct crl *crl =
        authority_sign_crl(fixture->box.store, fixture->authority, fixture->key, 45, &err);

    crl_free(crl);
    assert_false(check_finds(fixture, ERR_CRL_ENDS));
    box_set_now(BOX_NOW + 20 * CLOCK_DAY);
    assert_true(check_finds(fixture, ERR_CRL_ENDS));
    box_set_now(BOX_NOW + 45 * CLOCK_DAY + 1);
    assert_true(check_finds(fixture, ERR_CRL_ENDED));
    assert_false(check_finds(fixture, ERR_STORE)); /* once, not by "fsck" too */
    presign(fixture, 12, 60);
    assert_false(check_finds(fixture, ERR_CRL_ENDED));
    assert_false(check_finds(fixture, ERR_CRL_ENDS));
    box_set_now(clock_now() + 350 * CLOCK_DAY);
    assert_false(check_finds(fixture, ERR_CRL_ENDED));
    box_set_now(clock_now() + 20 * CLOCK_DAY);
    assert_true(check_finds(fixture, ERR_CRL_ENDS));
}

/* ---- others' lists ---- */

static struct crl *foreign_list_of(const struct cert *ca, const struct key *key, size_t n,
                                   uint64_t number, int64_t begin, int64_t days)
{
    struct crl_entry entries[4] = {{.reason = CRL_UNSPECIFIED}};
    struct crl *crl;

    for (size_t i = 0; i < n; i++) {
        entries[i].serial = (struct serial){.len = 1, .bytes = {(uint8_t)(i + 1)}};
        entries[i].revoked_at = BOX_NOW;
        entries[i].reason = CRL_UNSPECIFIED;
    }
    crl = crl_build(ca, key, entries, n, number, begin, begin + days * CLOCK_DAY, &err);
    BOX_OK(crl != NULL);
    return crl;
}

static enum foreign_import import(struct ca_box *fixture, const struct cert *ca,
                                  const struct crl *crl, size_t accept)
{
    enum foreign_import what = FOREIGN_SAME;

    BOX_OK(foreign_import(fixture->box.store, ca, crl, accept, &what, &err));
    return what;
}

static void test_foreign(void **state)
{
    struct ca_box *fixture = *state;
    struct key *key;
    struct authority *other = box_authority(&fixture->box, "Elsewhere", &key);
    struct server *db1 = add_server(fixture, "db1");
    struct crl *two = foreign_list_of(other->cert, key, 2, 7, BOX_NOW - 10, 10);
    struct crl *one = foreign_list_of(other->cert, key, 1, 8, BOX_NOW - 5, 10);
    struct crl *low = foreign_list_of(other->cert, key, 2, 6, BOX_NOW - 4, 10);
    struct crl *three = foreign_list_of(other->cert, key, 3, 9, BOX_NOW - 3, 10);
    struct crl *ended = foreign_list_of(other->cert, key, 3, 9, BOX_NOW - 5 * CLOCK_DAY, 4);
    enum foreign_import what;
    size_t accept = 0, behind = 0;
    struct crl *stored = NULL;
    struct foreign_ca_list list = {.n = 0};

    assert_int_equal(import(fixture, other->cert, two, 0), FOREIGN_NEW);
    assert_int_equal(import(fixture, other->cert, two, 0), FOREIGN_SAME);
    assert_false(foreign_import(fixture->box.store, other->cert, one, 0, &what, &err));
    box_assert_err(&err, ERR_CRL_WEAKER); /* one is missing: has it ended, or is it free again? */
    assert_false(foreign_import(fixture->box.store, other->cert, low, 0, &what, &err));
    box_assert_err(&err, ERR_CRL_WEAKER);
    assert_false(foreign_import(fixture->box.store, other->cert, ended, 0, &what, &err));
    box_assert_err(&err, ERR_CRL_ENDED);
    assert_false(
        foreign_import(fixture->box.store, fixture->authority->cert, three, 0, &what, &err));
    box_assert_err(&err, ERR_CRL_WEAKER); /* another key */
    assert_int_equal(import(fixture, other->cert, one, 1), FOREIGN_NEW);
    assert_int_equal(import(fixture, other->cert, two, 0), FOREIGN_OLDER);
    BOX_OK(foreign_crl(fixture->box.store, other->cert, &stored, &accept, &err));
    assert_int_equal(crl_count(stored), 1);
    assert_int_equal(accept, 1);
    crl_free(stored);

    BOX_OK(foreign_note(fixture->box.store, db1->id, other->cert, &err));
    BOX_OK(foreign_count_behind(fixture->box.store, &behind, &err));
    assert_int_equal(behind, 1);
    BOX_OK(foreign_set_published(fixture->box.store, db1->id, other->cert, crl_this_update(one),
                                 &err));
    BOX_OK(foreign_count_behind(fixture->box.store, &behind, &err));
    assert_int_equal(behind, 0);
    BOX_OK(foreign_list(fixture->box.store, &list, &err));
    assert_int_equal(list.n, 1);
    assert_int_equal(list.rows[0].n_servers, 1);
    assert_int_equal(list.rows[0].number, 8);
    foreign_list_clear(&list);
    box_set_now(BOX_NOW + 8 * CLOCK_DAY);
    assert_true(check_finds(fixture, ERR_CRL_ENDS));
    box_set_now(BOX_NOW + 10 * CLOCK_DAY);
    assert_true(check_finds(fixture, ERR_CRL_ENDED));
    crl_free(two);
    crl_free(one);
    crl_free(low);
    crl_free(three);
    crl_free(ended);
    server_free(db1);
    authority_free(other);
    key_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ca_box_setup, ca_box_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_on_its_day),
        TEST(test_revocation_signs_the_set_again),
        TEST(test_given_up),
        TEST(test_refused),
        TEST(test_ended_leaves),
        TEST(test_who_lacks_it),
        TEST(test_ends),
        TEST(test_foreign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
