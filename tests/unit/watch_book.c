/* watch_book.c - sessions and the certificates of a real store. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/pki/name.h"
#include "core/watch/session_book.h"
#include "tests/harness/store_box.h"

#define N 4

struct lab {
    struct box box;
    struct authority *authority;
    struct key *key;
    struct issued *issued[3];
    char serials[3][SERIAL_DECIMAL_MAX];
    struct session rows[N];
    struct sessions sessions;
    struct session_book *book;
};

static void lab_open(struct lab *lab)
{
    static const char *const roles[] = {"alice", "bob", "carol"};

    memset(lab, 0, sizeof(*lab));
    box_open(&lab->box);
    lab->authority = box_authority(&lab->box, "Acme PG Root", &lab->key);
    for (size_t i = 0; i < 3; i++) {
        lab->issued[i] = box_issue(&lab->box, lab->authority, lab->key, roles[i], 90);
        serial_format_decimal(lab->serials[i], &lab->issued[i]->serial);
    }
    for (size_t i = 0; i < N; i++)
        lab->rows[i] = (struct session){.class = SESSION_TLS_CERT,
                                        .issuer_dn_raw = "/CN=Acme PG Root",
                                        .client_serial = i < 3 ? lab->serials[i] : "4711"};
    lab->sessions = (struct sessions){.rows = lab->rows, .n = N};
    lab->book = session_book_new();
}

static void lab_close(struct lab *lab)
{
    for (size_t i = 0; i < 3; i++)
        issued_free(lab->issued[i]);
    session_book_free(lab->book);
    authority_free(lab->authority);
    key_free(lab->key);
    box_close(&lab->box);
}

/* True when there was something to look up. */
static bool look(struct lab *lab)
{
    struct err err = ERR_INIT;
    struct session_lookup *lookup =
        session_book_wanted(lab->book, &lab->sessions, lab->box.store_folder);

    if (lookup == NULL)
        return false;
    BOX_OK(session_lookup_run(lookup, NULL, NULL, &err));
    session_book_take(lab->book, lookup);
    return true;
}

static void certificates_are_found_and_remembered(void **state)
{
    struct lab lab;
    const struct session_certificate *one;

    (void)state;
    lab_open(&lab);
    assert_null(session_book_find(lab.book, &lab.rows[0]));
    assert_true(look(&lab));
    assert_false(look(&lab)); /* nothing new: the store is not opened again */
    one = session_book_find(lab.book, &lab.rows[1]);
    assert_true(one->known && one->our_issuer);
    assert_string_equal(one->role, "bob");
    assert_string_equal(one->authority, "Acme PG Root");
    assert_int_equal(one->not_after, lab.issued[1]->not_after);
    assert_int_equal(one->revoked_at, 0);
    assert_false(one->superseded || one->ca_retired || one->newer_ca);

    /* The name of our CA, a serial that it never gave out. */
    one = session_book_find(lab.book, &lab.rows[3]);
    assert_true(!one->known && one->our_issuer);
    lab.rows[3].issuer_dn_raw = "/CN=Somebody else";
    assert_null(session_book_find(lab.book, &lab.rows[3]));
    assert_true(look(&lab));
    one = session_book_find(lab.book, &lab.rows[3]);
    assert_true(!one->known && !one->our_issuer);

    /* The same serial under another issuer is another certificate. */
    lab.rows[0].issuer_dn_raw = "/CN=Somebody else";
    assert_true(look(&lab));
    assert_false(session_book_find(lab.book, &lab.rows[0])->known);

    /* A session without one is asked for nothing. */
    lab.rows[0].class = SESSION_TLS;
    assert_null(session_book_find(lab.book, &lab.rows[0]));
    lab_close(&lab);
}

static void a_changed_store_is_seen(void **state)
{
    struct lab lab;
    struct err err = ERR_INIT;
    struct issued *again, *third;
    struct crl *crl;
    struct authority *next;

    (void)state;
    lab_open(&lab);
    assert_true(look(&lab));
    crl = revoked_and_sign(lab.box.store, lab.authority, lab.key, lab.issued[0], CRL_UNSPECIFIED, 0,
                           &err);
    assert_non_null(crl);
    crl_free(crl);
    again = box_issue(&lab.box, lab.authority, lab.key, "bob", 91);
    assert_true(look(&lab));
    assert_int_equal(session_book_find(lab.book, &lab.rows[0])->revoked_at, BOX_NOW);
    assert_true(session_book_find(lab.book, &lab.rows[1])->superseded);
    assert_false(session_book_find(lab.book, &lab.rows[2])->superseded);
    third =
        box_issue(&lab.box, lab.authority, lab.key, "bob", 92); /* and soon revoked: no matter */
    crl = revoked_and_sign(lab.box.store, lab.authority, lab.key, third, CRL_UNSPECIFIED, 0, &err);
    assert_non_null(crl);
    crl_free(crl);
    issued_free(third);
    assert_true(look(&lab));
    assert_true(session_book_find(lab.book, &lab.rows[1])->superseded);

    /* A next generation makes this one an old CA; so does retiring it. */
    next = box_authority(&lab.box, "Acme PG Root G2", NULL);
    assert_true(look(&lab));
    assert_string_equal(session_book_find(lab.book, &lab.rows[2])->newer_ca, "Acme PG Root G2");
    BOX_OK(authority_retire(lab.box.store, next, &err));
    BOX_OK(authority_retire(lab.box.store, lab.authority, &err));
    assert_true(look(&lab));
    assert_null(session_book_find(lab.book, &lab.rows[2])->newer_ca);
    assert_true(session_book_find(lab.book, &lab.rows[2])->ca_retired);
    authority_free(next);
    issued_free(again);
    lab_close(&lab);
}

static void without_a_store_all_are_unknown(void **state)
{
    struct lab lab;
    struct err err = ERR_INIT;
    struct session_lookup *lookup;

    (void)state;
    lab_open(&lab);
    lookup = session_book_wanted(lab.book, &lab.sessions, NULL);
    BOX_OK(session_lookup_run(lookup, NULL, NULL, &err));
    session_book_take(lab.book, lookup);
    assert_false(session_book_find(lab.book, &lab.rows[0])->known);
    lookup = session_book_wanted(lab.book, &lab.sessions, "/nonexistent");
    assert_null(lookup); /* no file there either: nothing has changed */
    lab_close(&lab);
}

static void generations_are_read_from_names(void **state)
{
    size_t len;

    (void)state;
    assert_int_equal(session_book_generation("Acme", &len), 1);
    assert_int_equal(len, 4);
    assert_int_equal(session_book_generation("Acme G2", &len), 2);
    assert_int_equal(len, 4);
    assert_int_equal(session_book_generation("Acme G12", &len), 12);
    assert_int_equal(session_book_generation("AcmeG2", &len), 1);
    assert_int_equal(session_book_generation("G2", &len), 1);
    assert_int_equal(session_book_generation("Acme G", &len), 1);
    assert_int_equal(session_book_generation("", &len), 1);
}

/* Many at once: the table grows, and none is lost. */
static void many_certificates(void **state)
{
    enum { MANY = 1000 };
    static char serials[MANY][16];
    static struct session rows[MANY];
    struct session_book *book = session_book_new();
    struct sessions sessions = {.rows = rows, .n = MANY};
    struct session_lookup *lookup;
    struct err err = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(serials[i], sizeof(serials[i]), "%zu", i / 2); /* each twice */
        rows[i] = (struct session){
            .class = SESSION_TLS_CERT, .issuer_dn_raw = "/CN=X", .client_serial = serials[i]};
    }
    lookup = session_book_wanted(book, &sessions, NULL);
    assert_true(session_lookup_run(lookup, NULL, NULL, &err));
    session_book_take(book, lookup);
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(session_book_find(book, &rows[i]));
    assert_null(session_book_wanted(book, &sessions, NULL));
    session_book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_found_and_remembered),
        cmocka_unit_test(a_changed_store_is_seen),
        cmocka_unit_test(without_a_store_all_are_unknown),
        cmocka_unit_test(generations_are_read_from_names),
        cmocka_unit_test(many_certificates),
    };

    return cmocka_run_group_tests_name("session book", tests, NULL, NULL);
}
