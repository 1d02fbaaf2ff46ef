/* store_issued.c - certificates of the store: what is issued, what is refused, how one is found. */
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
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/delivered.h"
#include "core/store/revoked.h"
#include "core/store/sql.h"
#include "tests/harness/store_box.h"

static struct err err;

struct fixture {
    struct box box;
    struct authority *authority;
    struct key *key; /* the authority's */
    struct key *own; /* a client's */
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));

    err = (struct err)ERR_INIT;
    box_open(&fixture->box);
    fixture->authority = box_authority(&fixture->box, "Acme", &fixture->key);
    fixture->own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    authority_free(fixture->authority);
    key_free(fixture->key);
    key_free(fixture->own);
    box_close(&fixture->box);
    free(fixture);
    return 0;
}

static struct issued *make(struct fixture *fixture, const struct issue_spec *spec)
{
    return issued_make(fixture->box.store, fixture->authority, fixture->key, spec, &err);
}

static void refuse(struct fixture *fixture, struct issue_spec spec, enum err_code code)
{
    struct issued_filter filter = {.state = -1};
    struct issued_list list;

    if (spec.key == NULL && spec.csr == NULL)
        spec.key = fixture->own;
    assert_null(make(fixture, &spec));
    box_assert_err(&err, code);
    BOX_OK(issued_list(fixture->box.store, &filter, &list, &err));
    assert_int_equal(list.n, 0); /* nothing was recorded */
    issued_list_clear(&list);
}

static void test_client(void **state)
{
    struct fixture *fixture = *state;
    struct issue_spec spec = {.role = "alice", .note = "al\033[1mice", .key = fixture->own};
    struct issued *issued = make(fixture, &spec);
    struct issued *read;
    struct strbuf cn = STRBUF_INIT;

    assert_non_null(issued);
    assert_true(cert_for_clients(issued->cert));
    assert_false(cert_for_servers(issued->cert));
    assert_true(cert_matches_key(issued->cert, fixture->own));
    assert_true(cert_issued_by(issued->cert, fixture->authority->cert));
    assert_true(cert_common_name(issued->cert, &cn));
    assert_string_equal(cn.data, "alice");
    assert_int_equal(issued->not_before, BOX_NOW - CERT_BACKDATE);
    assert_int_equal(issued->not_after, BOX_NOW + ISSUED_CLIENT_DAYS * CLOCK_DAY);
    assert_int_equal(issued->serial.len, 16);
    assert_false(issued->delivered);
    read = issued_find(fixture->box.store, "alice", &err);
    assert_non_null(read);
    assert_true(cert_equal(read->cert, issued->cert));
    assert_string_equal(read->authority, "Acme");
    assert_string_equal(read->note, "al\357\277\275[1mice"); /* cleaned */
    assert_int_equal(read->created_at, BOX_NOW);
    assert_int_equal(read->kind, ISSUED_CLIENT);
    BOX_OK(issued_mark_delivered(fixture->box.store, read, &err));
    assert_true(read->delivered);
    issued_free(read);
    read = issued_find(fixture->box.store, "alice", &err);
    assert_true(read->delivered);
    issued_free(read);
    issued_free(issued);
    strbuf_clear(&cn);
}

/* What the rows themselves say. */
static int64_t rows_delivered(struct fixture *fixture)
{
    struct sql *sql = sql_new(fixture->box.store,
                              "SELECT count(*) FROM issued WHERE kind < 2 AND"
                              " delivered_at IS NOT NULL",
                              &err);
    int64_t n = 0;

    assert_non_null(sql);
    BOX_OK(sql_run_int(sql, 0, &n, &err));
    return n;
}

static void assert_undelivered(struct store *store, const char *role, size_t n_wanted)
{
    struct issued_list list = {.n = 0};

    BOX_OK(issued_undelivered(store, role, 1, &list, &err));
    assert_int_equal(list.n, n_wanted);
    issued_list_clear(&list);
}

/* The mark is a line in a file, which the next transaction takes over. */
static void test_delivered(void **state)
{
    struct fixture *fixture = *state;
    struct box *box = &fixture->box;
    char *path = fs_join(box->store_folder, "delivered");
    struct store *reader = store_open(box->store_folder, STORE_READ, &err);
    struct issued *alice = box_issue(box, fixture->authority, fixture->key, "alice", 30);
    struct issued *bob;
    struct issued *seen;

    assert_non_null(reader);
    assert_undelivered(box->store, "alice", 1);
    BOX_OK(issued_mark_delivered(box->store, alice, &err));
    assert_int_equal(rows_delivered(fixture), 0);
    assert_undelivered(box->store, "alice", 0);
    assert_undelivered(reader, NULL, 0); /* also who was there before sees it */
    seen = issued_find(reader, "alice", &err);
    assert_true(seen->delivered);
    issued_free(seen);
    /* rubbish between, and the end of a line that was cut by a full disk */
    assert_int_equal(
        box_run(NULL,
                "printf 'x\\n1 zz\\n12 00ff\\n99999999999999999999 01\\n17 5f' >> '%s' &&"
                " test $(stat -c %%a '%s') = 600",
                path, path),
        0);
    bob = box_issue(box, fixture->authority, fixture->key, "bob", 30);
    assert_int_equal(rows_delivered(fixture), 1);
    assert_int_equal(box_run(NULL, "test -f '%s' && ! test -s '%s'", path, path), 0);
    assert_undelivered(box->store, NULL, 1);
    /* inside a transaction it belongs to it */
    BOX_OK(store_begin(box->store, &err) && issued_mark_delivered(box->store, bob, &err) &&
           store_commit(box->store, &err));
    assert_int_equal(rows_delivered(fixture), 2);
    /* a file that is not ours to use: then it costs a transaction */
    assert_int_equal(box_run(NULL, "rm '%s' && ln -s /dev/null '%s'", path, path), 0);
    seen = box_issue(box, fixture->authority, fixture->key, "carol", 30);
    BOX_OK(issued_mark_delivered(box->store, seen, &err));
    assert_int_equal(rows_delivered(fixture), 3);
    issued_free(seen);
    issued_free(alice);
    issued_free(bob);
    store_close(reader);
    free(path);
}

/* A transaction that fails leaves the line where it is. */
static void test_delivered_rolled_back(void **state)
{
    struct fixture *fixture = *state;
    struct box *box = &fixture->box;
    struct issued *alice = box_issue(box, fixture->authority, fixture->key, "alice", 30);

    BOX_OK(issued_mark_delivered(box->store, alice, &err));
    BOX_OK(store_begin(box->store, &err));
    assert_int_equal(rows_delivered(fixture), 1);
    store_rollback(box->store);
    assert_int_equal(rows_delivered(fixture), 0);
    assert_undelivered(box->store, "alice", 0);
    box_reopen(box, STORE_WRITE);
    assert_undelivered(box->store, "alice", 0);
    BOX_OK(store_begin(box->store, &err) && store_commit(box->store, &err));
    assert_int_equal(rows_delivered(fixture), 1);
    issued_free(alice);
}

static bool line_is_there(struct store *store, const struct issued *issued)
{
    struct delivered lines;
    bool there;

    delivered_read(store, &lines);
    there = delivered_has(&lines, &issued->serial);
    delivered_clear(&lines);
    return there;
}

/* Two transactions take the same line over; between their ends comes a new one of the same length. */
static void test_delivered_between_two(void **state)
{
    struct fixture *fixture = *state;
    struct box *box = &fixture->box;
    struct issued *alice = box_issue(box, fixture->authority, fixture->key, "alice", 30);
    struct issued *bob = box_issue(box, fixture->authority, fixture->key, "bob", 30);
    struct delivered first;
    struct delivered second;

    assert_true(delivered_add(box->store, &alice->serial, BOX_NOW));
    delivered_read(box->store, &first);
    delivered_read(box->store, &second);
    delivered_forget(box->store, &first);
    assert_false(line_is_there(box->store, alice));
    assert_true(delivered_add(box->store, &bob->serial, BOX_NOW));
    delivered_forget(box->store, &second);
    assert_true(line_is_there(box->store, bob));
    delivered_clear(&first);
    delivered_clear(&second);
    issued_free(alice);
    issued_free(bob);
}

static void test_server(void **state)
{
    struct fixture *fixture = *state;
    static const char *const hosts[] = {"db1.example", "127.0.0.1", "::1", "db1.example"};
    struct issue_spec spec = {
        .kind = ISSUED_SERVER, .hosts = hosts, .n_hosts = 4, .key = fixture->own};
    struct issued *issued = make(fixture, &spec);
    struct strbuf cn = STRBUF_INIT;
    struct san san;

    assert_non_null(issued);
    assert_true(cert_for_servers(issued->cert));
    assert_false(cert_for_clients(issued->cert));
    assert_string_equal(issued->role, "db1.example");
    assert_true(cert_common_name(issued->cert, &cn));
    assert_string_equal(cn.data, "db1.example");
    assert_int_equal(issued->not_after, BOX_NOW + ISSUED_SERVER_DAYS * CLOCK_DAY);
    san_init(&san);
    BOX_OK(cert_san(issued->cert, &san, &err));
    assert_int_equal(san.n, 3);
    assert_true(san_has(&san, "127.0.0.1"));
    assert_true(san_has(&san, "::1"));
    san_clear(&san);
    strbuf_clear(&cn);
    issued_free(issued);
}

static void test_long_host_is_not_the_name(void **state)
{
    struct fixture *fixture = *state;
    static const char *const hosts[] = {
        "a-database-with-a-very-long-name.in-a-department.of-a-company.example", "db1"};
    struct issue_spec spec = {
        .kind = ISSUED_SERVER, .hosts = hosts, .n_hosts = 1, .key = fixture->own};
    struct issued *issued;
    struct strbuf cn = STRBUF_INIT;

    refuse(fixture, spec, ERR_BAD_NAME);
    spec.n_hosts = 2;
    issued = make(fixture, &spec);
    assert_non_null(issued);
    assert_true(cert_common_name(issued->cert, &cn));
    assert_string_equal(cn.data, "db1");
    strbuf_clear(&cn);
    issued_free(issued);
}

static void test_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const bad_hosts[] = {"db1,DNS:evil.example"};
    char long_role[61];
    char long_note[502];

    memset(long_role, 'r', 60);
    long_role[60] = '\0';
    memset(long_note, 'n', 501);
    long_note[501] = '\0';
    refuse(fixture, (struct issue_spec){.role = ""}, ERR_BAD_NAME);
    refuse(fixture, (struct issue_spec){.role = "a\nb"}, ERR_BAD_NAME);
    refuse(fixture, (struct issue_spec){.role = "/regex"}, ERR_BAD_NAME);
    refuse(fixture, (struct issue_spec){.role = long_role}, ERR_BAD_NAME);
    refuse(fixture, (struct issue_spec){.kind = ISSUED_SERVER}, ERR_BAD_NAME);
    refuse(fixture, (struct issue_spec){.kind = ISSUED_SERVER, .hosts = bad_hosts, .n_hosts = 1},
           ERR_BAD_NAME);
    refuse(fixture, (struct issue_spec){.role = "alice", .note = long_note}, ERR_BAD_VALUE);
    refuse(fixture, (struct issue_spec){.role = "alice", .days = -1}, ERR_BAD_VALUE);
    refuse(fixture, (struct issue_spec){.role = "alice", .days = 36501}, ERR_BAD_VALUE);
    refuse(fixture, (struct issue_spec){.role = "alice", .days = AUTHORITY_DEFAULT_DAYS + 1},
           ERR_POLICY);
    refuse(fixture, (struct issue_spec){.kind = ISSUED_CANARY_GOOD, .role = "x"}, ERR_INTERNAL);
}

static void test_wrong_authority_key(void **state)
{
    struct fixture *fixture = *state;
    struct issue_spec spec = {.role = "alice", .key = fixture->own};

    assert_null(issued_make(fixture->box.store, fixture->authority, fixture->own, &spec, &err));
    box_assert_err(&err, ERR_CA_KEY);
}

static void test_end_of_the_authority(void **state)
{
    struct fixture *fixture = *state;
    int64_t end = cert_not_after(fixture->authority->cert);
    struct issue_spec spec = {.role = "alice", .key = fixture->own};
    struct issued *issued;

    box_set_now(end - 10 * CLOCK_DAY);
    issued = make(fixture, &spec);
    assert_non_null(issued);
    assert_int_equal(issued->not_after, end); /* shortened */
    issued_free(issued);
    spec.days = 10;
    issued = make(fixture, &spec);
    assert_non_null(issued);
    assert_int_equal(issued->not_after, end);
    issued_free(issued);
    spec.days = 11;
    assert_null(make(fixture, &spec));
    box_assert_err(&err, ERR_POLICY);
    box_set_now(end);
    spec.days = 0;
    assert_null(make(fixture, &spec));
    box_assert_err(&err, ERR_POLICY);
}

static void test_retired_issues_nothing(void **state)
{
    struct fixture *fixture = *state;

    BOX_OK(authority_retire(fixture->box.store, fixture->authority, &err));
    refuse(fixture, (struct issue_spec){.role = "alice"}, ERR_POLICY);
}

/* Of a request only the public key is taken: not its name, not what it asks for. */
static void test_request(void **state)
{
    struct fixture *fixture = *state;
    struct name *name = name_new_common_name("mallory", &err);
    struct csr *csr = csr_new(name, NULL, fixture->own, &err);
    struct issue_spec spec = {.role = "alice", .csr = csr};
    struct issued *issued = make(fixture, &spec);
    struct strbuf subject = STRBUF_INIT;

    assert_non_null(issued);
    cert_format_subject(issued->cert, &subject);
    assert_string_equal(subject.data, "CN=alice");
    assert_true(cert_matches_key(issued->cert, fixture->own));
    strbuf_clear(&subject);
    issued_free(issued);
    csr_free(csr);
    name_free(name);
}

static void found(struct fixture *fixture, const char *text, const struct issued *expected)
{
    struct issued *read = issued_find(fixture->box.store, text, &err);

    if (read == NULL)
        fail_msg("\"%s\": %s", text, err.msg);
    assert_int_equal(read->id, expected->id);
    issued_free(read);
}

static void not_found(struct fixture *fixture, const char *text, enum err_code code)
{
    assert_null(issued_find(fixture->box.store, text, &err));
    box_assert_err(&err, code);
}

static void test_find(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 30);
    struct issued *second;
    char hex[SERIAL_HEX_MAX];
    char decimal[SERIAL_DECIMAL_MAX];
    char text[128];

    serial_format_hex(hex, &alice->serial);
    serial_format_decimal(decimal, &alice->serial);
    found(fixture, "alice", alice);
    found(fixture, hex, alice);
    found(fixture, decimal, alice);
    (void)snprintf(text, sizeof(text), "decimal:%s", decimal);
    found(fixture, text, alice);
    (void)snprintf(text, sizeof(text), "%.2s:%s", hex, hex + 2);
    for (char *at = text; *at != '\0'; at++)
        *at = *at >= 'a' && *at <= 'f' ? (char)(*at - 32) : *at;
    found(fixture, text, alice); /* capital letters and colons */
    (void)snprintf(text, sizeof(text), "%.8s", hex);
    found(fixture, text, alice);
    (void)snprintf(text, sizeof(text), "%.11s", hex); /* an odd number of digits */
    found(fixture, text, alice);
    (void)snprintf(text, sizeof(text), "%.7s", hex); /* too short to be meant so */
    not_found(fixture, text, ERR_CERT_UNKNOWN);
    not_found(fixture, "alic", ERR_CERT_UNKNOWN);
    not_found(fixture, "Alice", ERR_CERT_UNKNOWN);
    not_found(fixture, "", ERR_CERT_UNKNOWN);
    not_found(fixture, "decimal:x", ERR_BAD_VALUE);
    not_found(fixture, "decimal:12345", ERR_CERT_UNKNOWN);

    second = box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 90);
    not_found(fixture, "alice", ERR_CERT_AMBIGUOUS);
    box_set_now(BOX_NOW + 31 * CLOCK_DAY); /* the first one has ended */
    found(fixture, "alice", second);
    found(fixture, hex, alice);
    crl_free(revoked_and_sign(fixture->box.store, fixture->authority, fixture->key, second,
                              CRL_SUPERSEDED, 0, &err));
    not_found(fixture, "alice", ERR_CERT_UNKNOWN);
    issued_free(alice);
    issued_free(second);
}

static void session(struct fixture *fixture, const char *issuer, const char *serial,
                    const struct issued *expected)
{
    struct issued *read = NULL;

    BOX_OK(issued_find_session(fixture->box.store, issuer, serial, &read, &err));
    if (expected == NULL) {
        assert_null(read);
        return;
    }
    assert_non_null(read);
    assert_int_equal(read->id, expected->id);
    issued_free(read);
}

static void test_find_session(void **state)
{
    struct fixture *fixture = *state;
    struct authority_spec spec = {
        .name = "Late",
        .subject = "CN=Late, OU=Clients, O=Example Database Operations Gesellschaft mbH, C=DE"};
    struct authority *late = authority_create(fixture->box.store, &spec, &err);
    struct key *late_key = authority_unlock(fixture->box.store, late, NULL, &err);
    struct issued *alice = box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 30);
    struct issued *bob = box_issue(&fixture->box, late, late_key, "bob", 30);
    char decimal[SERIAL_DECIMAL_MAX];

    serial_format_decimal(decimal, &alice->serial);
    session(fixture, "/CN=Acme", decimal, alice);
    session(fixture, "/CN=Acme2", decimal, NULL);
    session(fixture, "/CN=Acme", "1", NULL);
    session(fixture, "/CN=Acme", "", NULL);
    session(fixture, "/CN=Acme", "nonsense", NULL);
    serial_format_decimal(decimal, &bob->serial);
    /* cut at 63 bytes by PostgreSQL (NAMEDATALEN) */
    session(fixture, "/C=DE/O=Example Database Operations Gesellschaft mbH/OU=Clients", decimal,
            bob);
    issued_free(alice);
    issued_free(bob);
    key_free(late_key);
    authority_free(late);
}

static void test_names_of_states(void **state)
{
    enum issued_state parsed = ISSUED_VALID;

    (void)state;
    for (enum issued_state s = ISSUED_VALID; s <= ISSUED_REVOKED; s++) {
        BOX_OK(issued_state_parse(issued_state_name(s), &parsed, &err));
        assert_int_equal(parsed, s);
    }
    assert_false(issued_state_parse("Valid", &parsed, &err));
    box_assert_err(&err, ERR_BAD_VALUE);
    assert_string_equal(issued_kind_name(ISSUED_SERVER), "server");
}

static void test_counters(void **state)
{
    struct fixture *fixture = *state;
    struct issued *alice = box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 30);
    struct authority *read;

    issued_free(box_issue(&fixture->box, fixture->authority, fixture->key, "bob", 30));
    crl_free(revoked_and_sign(fixture->box.store, fixture->authority, fixture->key, alice,
                              CRL_SUPERSEDED, 0, &err));
    read = authority_load(fixture->box.store, "Acme", &err);
    assert_int_equal(read->issued, 2);
    assert_int_equal(read->revoked, 1);
    authority_free(read);
    issued_free(alice);
}

/* The one that ends tomorrow gets in today; the one that was revoked does not. */
static void test_usable(void **state)
{
    struct fixture *fixture = *state;
    struct box *box = &fixture->box;
    struct issued *soon = box_issue(box, fixture->authority, fixture->key, "alice", 1);
    struct issued *revoked = box_issue(box, fixture->authority, fixture->key, "alice", 60);
    struct issued *late = box_issue(box, fixture->authority, fixture->key, "alice", 90);
    struct issued_list list;

    issued_free(box_issue(box, fixture->authority, fixture->key, "bob", 90));
    crl_free(revoked_and_sign(box->store, fixture->authority, fixture->key, revoked, CRL_SUPERSEDED,
                              0, &err));
    BOX_OK(issued_list_usable(box->store, "alice", &list, &err));
    assert_int_equal(list.n, 2);
    assert_int_equal(list.rows[0]->id, soon->id);
    assert_int_equal(list.rows[1]->id, late->id);
    issued_list_clear(&list);
    issued_free(soon);
    issued_free(revoked);
    issued_free(late);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_client),
        TEST(test_delivered),
        TEST(test_delivered_rolled_back),
        TEST(test_delivered_between_two),
        TEST(test_server),
        TEST(test_long_host_is_not_the_name),
        TEST(test_refused),
        TEST(test_wrong_authority_key),
        TEST(test_end_of_the_authority),
        TEST(test_retired_issues_nothing),
        TEST(test_request),
        TEST(test_find),
        TEST(test_find_session),
        TEST(test_names_of_states),
        TEST(test_counters),
        TEST(test_usable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
