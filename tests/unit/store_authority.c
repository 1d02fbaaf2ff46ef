/* store_authority.c - CAs of the store: made, found, unlocked, named, retired; lists; canaries. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/store/authority.h"
#include "core/store/authority_change.h"
#include "core/store/authority_request.h"
#include "core/store/issued.h"
#include "tests/harness/store_box.h"

static struct err err;

static void refuse(struct box *box, struct authority_spec spec, enum err_code code)
{
    assert_null(authority_create(box->store, &spec, &err));
    box_assert_err(&err, code);
}

/* How many files keys/ holds, and that each is 0600. */
static int key_files(const struct box *box)
{
    char *output = NULL;
    int count;

    assert_int_equal(
        box_run(NULL, "test -z \"$(find '%s/keys' -type f ! -perm 600)\"", box->store_folder), 0);
    box_run(&output, "find '%s/keys' -type f | wc -l", box->store_folder);
    count = atoi(output);
    free(output);
    return count;
}

static void test_created(void **state)
{
    struct box *box = *state;
    struct authority_spec spec = {.name = "Acme PG Root", .key_type = KEY_EC_P256};
    struct authority *made = authority_create(box->store, &spec, &err);
    struct strbuf subject = STRBUF_INIT;

    assert_non_null(made);
    assert_string_equal(made->name, "Acme PG Root");
    assert_true(made->has_key);
    assert_false(made->key_encrypted);
    assert_false(made->retired);
    assert_int_equal(made->created_at, BOX_NOW);
    assert_int_equal(made->issued, 0);
    assert_int_equal(made->revoked, 0);
    assert_int_equal(made->crl.number, 1);
    assert_int_equal(made->crl.this_update, BOX_NOW - CERT_BACKDATE);
    assert_int_equal(made->crl.next_update, BOX_NOW + CRL_DEFAULT_DAYS * CLOCK_DAY);
    assert_true(cert_is_ca(made->cert));
    assert_true(cert_is_self_signed(made->cert));
    assert_int_equal(cert_not_before(made->cert), BOX_NOW - CERT_BACKDATE);
    assert_int_equal(cert_not_after(made->cert), BOX_NOW + AUTHORITY_DEFAULT_DAYS * CLOCK_DAY);
    cert_format_subject(made->cert, &subject);
    assert_string_equal(subject.data, "CN=Acme PG Root");
    assert_int_equal(key_files(box), 3);
    strbuf_clear(&subject);
    authority_free(made);
}

static void test_names_are_checked(void **state)
{
    struct box *box = *state;
    char long_name[62];

    memset(long_name, 'a', 60);
    long_name[60] = '\0';
    refuse(box, (struct authority_spec){.name = ""}, ERR_BAD_NAME);
    refuse(box, (struct authority_spec){.name = NULL}, ERR_BAD_NAME);
    refuse(box, (struct authority_spec){.name = " x"}, ERR_BAD_NAME);
    refuse(box, (struct authority_spec){.name = "x\ny"}, ERR_BAD_NAME);
    refuse(box, (struct authority_spec){.name = "\303\204cme"}, ERR_BAD_NAME);
    refuse(box, (struct authority_spec){.name = long_name}, ERR_BAD_NAME);
    refuse(box, (struct authority_spec){.name = "x", .days = -1}, ERR_BAD_VALUE);
    refuse(box, (struct authority_spec){.name = "x", .days = 1000000}, ERR_BAD_VALUE);
    refuse(box, (struct authority_spec){.name = "x", .subject = "nonsense"}, ERR_BAD_NAME);
    long_name[59] = '\0';
    authority_free(box_authority(box, long_name, NULL));
    assert_int_equal(key_files(box), 3);
}

static void test_unique(void **state)
{
    struct box *box = *state;
    struct authority *made = box_authority(box, "Acme", NULL);

    BOX_OK(authority_retire(box->store, made, &err)); /* also after it was retired */
    refuse(box, (struct authority_spec){.name = "Acme"}, ERR_CA_EXISTS);
    refuse(box, (struct authority_spec){.name = "ACME"}, ERR_CA_EXISTS);
    refuse(box, (struct authority_spec){.name = "Other", .subject = "CN=Acme"}, ERR_CA_EXISTS);
    /* OpenSSL, and so PostgreSQL, compares names without regard to case */
    refuse(box, (struct authority_spec){.name = "Other", .subject = "CN=acme"}, ERR_CA_EXISTS);
    assert_int_equal(key_files(box), 3);
    authority_free(made);
}

static void test_load(void **state)
{
    struct box *box = *state;
    struct authority *found = NULL;
    struct authority *one;
    struct authority *two;
    struct authority_list list;

    assert_null(authority_load(box->store, NULL, &err));
    box_assert_err(&err, ERR_CA_UNKNOWN);
    one = box_authority(box, "One", NULL);
    found = authority_load(box->store, NULL, &err);
    assert_string_equal(found->name, "One");
    authority_free(found);
    two = box_authority(box, "Two", NULL);
    assert_null(authority_load(box->store, NULL, &err));
    box_assert_err(&err, ERR_CA_CHOOSE);
    assert_null(authority_load(box->store, "Three", &err));
    box_assert_err(&err, ERR_CA_UNKNOWN);
    BOX_OK(authority_retire(box->store, one, &err));
    found = authority_load(box->store, NULL, &err);
    assert_string_equal(found->name, "Two");
    authority_free(found);
    found = authority_load(box->store, "One", &err);
    assert_true(found->retired);
    authority_free(found);
    BOX_OK(authority_find(box->store, two->cert, &found, &err));
    assert_int_equal(found->id, two->id);
    authority_free(found);
    BOX_OK(authority_list(box->store, &list, &err));
    assert_int_equal(list.n, 2);
    authority_list_clear(&list);
    authority_free(one);
    authority_free(two);
}

static void test_find_foreign(void **state)
{
    struct box *box = *state;
    struct box other;
    struct authority *found = NULL;
    struct authority *foreign;

    box_open(&other);
    foreign = box_authority(&other, "Acme", NULL);
    authority_free(box_authority(box, "Acme", NULL)); /* same name, other key */
    BOX_OK(authority_find(box->store, foreign->cert, &found, &err));
    assert_null(found);
    authority_free(foreign);
    box_close(&other);
}

static void test_passphrase(void **state)
{
    struct box *box = *state;
    struct secret *right = box_secret("correct horse");
    struct secret *wrong = box_secret("Correct horse");
    struct authority_spec spec = {.name = "Acme", .passphrase = right};
    struct authority *authority = authority_create(box->store, &spec, &err);
    struct canary canary;
    struct key *key;

    assert_non_null(authority);
    assert_true(authority->key_encrypted);
    assert_int_equal(
        box_run(NULL, "grep -lq 'BEGIN ENCRYPTED PRIVATE KEY' '%s'/keys/acme-????????????.key",
                box->store_folder),
        0);
    assert_null(authority_unlock(box->store, authority, NULL, &err));
    box_assert_err(&err, ERR_PASSPHRASE);
    assert_null(authority_unlock(box->store, authority, wrong, &err));
    box_assert_err(&err, ERR_PASSPHRASE);
    key = authority_unlock(box->store, authority, right, &err);
    assert_non_null(key);
    assert_true(cert_matches_key(authority->cert, key));
    key_free(key);
    BOX_OK(authority_canary(box->store, authority, CANARY_GOOD, &canary, &err));
    canary_clear(&canary); /* without a passphrase */
    authority_free(authority);
    secret_free(right);
    secret_free(wrong);
}

static void test_key_file(void **state)
{
    struct box *box = *state;
    struct authority *one = box_authority(box, "One", NULL);
    struct authority *two = box_authority(box, "Two", NULL);
    struct authority *found;

    assert_int_equal(box_run(NULL, "chmod 640 '%s'/keys/one-????????????.key", box->store_folder),
                     0);
    assert_null(authority_unlock(box->store, one, NULL, &err));
    box_assert_err(&err, ERR_KEY_MODE);
    assert_int_equal(box_run(NULL,
                             "cd '%s'/keys && chmod 600 * && cp two-????????????.key "
                             "one-????????????.key",
                             box->store_folder),
                     0);
    assert_null(authority_unlock(box->store, one, NULL, &err));
    box_assert_err(&err, ERR_CA_KEY);
    assert_int_equal(box_run(NULL, "rm '%s'/keys/one-????????????.key", box->store_folder), 0);
    assert_null(authority_unlock(box->store, one, NULL, &err));
    box_assert_err(&err, ERR_CA_KEY);
    found = authority_load(box->store, "One", &err);
    assert_false(found->has_key);
    authority_free(found);
    authority_free(one);
    authority_free(two);
}

static void next_name(struct box *box, const char *from, const char *to)
{
    char *name = authority_next_name(box->store, from, &err);

    assert_non_null(name);
    assert_string_equal(name, to);
    free(name);
}

static void test_next_name(void **state)
{
    struct box *box = *state;

    next_name(box, "Acme PG Root", "Acme PG Root G2");
    next_name(box, "Acme PG Root G2", "Acme PG Root G3");
    next_name(box, "Acme PG Root G9", "Acme PG Root G10");
    next_name(box, "G2", "G2 G2");
    next_name(box, "Root2", "Root2 G2");
    next_name(box, "BIG5", "BIG5 G2");
    next_name(box, "A G", "A G G2");
    authority_free(box_authority(box, "Acme G2", NULL));
    next_name(box, "Acme", "Acme G3");
    next_name(box, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa G2");
}

static void test_canaries(void **state)
{
    struct box *box = *state;
    struct authority *authority = box_authority(box, "Acme", NULL);
    struct crl *crl = authority_crl(box->store, authority, &err);
    struct canary good;
    struct canary revoked;
    struct strbuf cn = STRBUF_INIT;
    struct serial serial;

    assert_non_null(crl);
    BOX_OK(authority_canary(box->store, authority, CANARY_GOOD, &good, &err));
    BOX_OK(authority_canary(box->store, authority, CANARY_REVOKED, &revoked, &err));
    assert_true(cert_issued_by(good.cert, authority->cert));
    assert_true(cert_issued_by(revoked.cert, authority->cert));
    assert_true(cert_matches_key(good.cert, good.key));
    assert_true(cert_matches_key(revoked.cert, revoked.key));
    assert_false(cert_common_name(good.cert, &cn));
    assert_int_equal(cert_not_after(good.cert), cert_not_after(authority->cert));
    assert_int_equal(crl_count(crl), 1);
    serial = cert_serial(revoked.cert);
    assert_true(crl_has(crl, &serial));
    serial = cert_serial(good.cert);
    assert_false(crl_has(crl, &serial));
    assert_true(crl_signed_by(crl, authority->cert));
    strbuf_clear(&cn);
    canary_clear(&good);
    canary_clear(&revoked);
    crl_free(crl);
    authority_free(authority);
}

static void test_sign_crl(void **state)
{
    struct box *box = *state;
    struct key *key = NULL;
    struct key *other_key = NULL;
    struct authority *authority = box_authority(box, "Acme", &key);
    struct authority *other = box_authority(box, "Other", &other_key);
    struct authority *read;
    struct crl *crl;
    uint64_t number = 0;

    for (uint64_t n = 2; n < 40; n++) { /* more than are kept with their DER */
        box_set_now(BOX_NOW + (int64_t)n);
        crl = authority_sign_crl(box->store, authority, key, 10, &err);
        assert_non_null(crl);
        assert_true(crl_number(crl, &number));
        assert_int_equal(number, n);
        assert_int_equal(authority->crl.number, n);
        assert_int_equal(crl_next_update(crl), BOX_NOW + (int64_t)n + 10 * CLOCK_DAY);
        crl_free(crl);
    }
    crl = authority_crl(box->store, authority, &err);
    assert_true(crl_number(crl, &number));
    assert_int_equal(number, 39);
    crl_free(crl);
    read = authority_load(box->store, "Acme", &err);
    assert_int_equal(read->crl.number, 39);
    authority_free(read);
    assert_null(authority_sign_crl(box->store, authority, other_key, 0, &err));
    box_assert_err(&err, ERR_CA_KEY);
    assert_null(authority_sign_crl(box->store, authority, key, -1, &err));
    box_assert_err(&err, ERR_BAD_VALUE);
    /* never beyond the CA's end */
    box_set_now(cert_not_after(authority->cert) - 5 * CLOCK_DAY);
    crl = authority_sign_crl(box->store, authority, key, 0, &err);
    assert_non_null(crl);
    assert_int_equal(crl_next_update(crl), cert_not_after(authority->cert));
    crl_free(crl);
    box_set_now(cert_not_after(authority->cert) + 1);
    assert_null(authority_sign_crl(box->store, authority, key, 0, &err));
    box_assert_err(&err, ERR_POLICY);
    key_free(key);
    key_free(other_key);
    authority_free(authority);
    authority_free(other);
}

static bool always(void *arg)
{
    (void)arg;
    return true;
}

static struct issued *issue_server(struct box *box, const struct authority *ca,
                                   const struct key *ca_key, const struct issued *old)
{
    static const char *const hosts[] = {"db1.example"};
    struct key *key = key_generate(KEY_EC_P256, NULL, NULL, &err);
    const struct issue_spec spec = {.kind = ISSUED_SERVER,
                                    .hosts = hosts,
                                    .n_hosts = 1,
                                    .days = 30,
                                    .key = key,
                                    .replaces = old};
    struct issued *issued = issued_make(box->store, ca, ca_key, &spec, &err);

    if (!issued)
        fail_msg("%s", err.msg);
    BOX_OK(issued_mark_delivered(box->store, issued, &err));
    key_free(key);
    return issued;
}

static size_t count_roots(struct box *box)
{
    struct cert_list roots = {.n = 0};
    size_t n;

    BOX_OK(authority_server_roots(box->store, &roots, &err));
    n = roots.n;
    cert_list_clear(&roots);
    return n;
}

/* What a new client is told to trust: not a CA that was left for good, though it signed what has not ended. */
static void test_server_roots(void **state)
{
    struct box *box = *state;
    struct key *old_key, *new_key;
    struct authority *old = box_authority(box, "Servers", &old_key);
    struct authority *fresh = box_authority(box, "Servers G2", &new_key);
    struct issued *first = issue_server(box, old, old_key, NULL);
    struct issued *second;

    assert_int_equal(count_roots(box), 1);
    second = issue_server(box, fresh, new_key, first);
    assert_int_equal(count_roots(box), 2); /* there may be a way back */
    BOX_OK(authority_retire(box->store, old, &err));
    assert_int_equal(count_roots(box), 1);
    issued_free(first);
    issued_free(second);
    authority_free(old);
    authority_free(fresh);
    key_free(old_key);
    key_free(new_key);
}

static void test_cancelled(void **state)
{
    struct box *box = *state;

    refuse(box, (struct authority_spec){.name = "x", .key_type = KEY_RSA_4096, .cancelled = always},
           ERR_CANCELLED);
    assert_int_equal(key_files(box), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_created),  TEST(test_names_are_checked), TEST(test_unique),
        TEST(test_load),     TEST(test_find_foreign),      TEST(test_passphrase),
        TEST(test_key_file), TEST(test_next_name),         TEST(test_canaries),
        TEST(test_sign_crl), TEST(test_cancelled),         TEST(test_server_roots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
