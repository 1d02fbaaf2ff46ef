/*
 * together.c - many at the same store: processes that issue and revoke at once, and two wizards that
 * are open and do not know of each other; and a clock that jumps.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/authority_change.h"
#include "core/store/sql.h"
#include "tests/fault/acts.h"
#include "tests/harness/fail_vfs.h"

enum { PROCESSES = 8, EACH = 12 };

static struct err err;

static int no_sync(int fd)
{
    (void)fd;
    return 0;
}

/* Each revoked certificate that has not ended is on the last list, and nothing else is. */
static void check_list(struct store *store, const struct authority *authority, size_t n_wanted)
{
    struct crl *crl = authority_crl(store, authority, &err);
    struct crl_entry *entries = NULL;
    size_t n = 0;

    if (crl == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(revoked_entries(store, authority->id, &entries, &n, &err));
    assert_int_equal(n, n_wanted);
    assert_int_equal(crl_count(crl), n);
    for (size_t i = 0; i < n; i++)
        assert_true(crl_has(crl, &entries[i].serial));
    free(entries);
    crl_free(crl);
}

/* ---- processes ---- */

static bool revoke_role(struct box *box, const char *role)
{
    struct authority *authority = authority_load(box->store, "Acme", &err);
    struct issued *issued = authority != NULL ? issued_find(box->store, role, &err) : NULL;
    struct key *key = issued != NULL ? authority_unlock(box->store, authority, NULL, &err) : NULL;
    struct crl *crl = NULL;

    if (key != NULL)
        crl = revoked_and_sign(box->store, authority, key, issued, CRL_SUPERSEDED, 0, &err);
    key_free(key);
    issued_free(issued);
    authority_free(authority);
    if (crl == NULL)
        return false;
    crl_free(crl);
    return true;
}

/* A process opens the store for each act, as commands do; every third certificate is revoked. */
static void work(struct box *box, int process)
{
    for (int i = 0; i < EACH; i++) {
        char *role = mem_printf("p%d-%d", process, i);
        bool ok;

        box->store = store_open(box->store_folder, STORE_WRITE, &err);
        ok = box->store != NULL && acts_issue_kit(box, role, role, NULL, &err) &&
             (i % 3 != 0 || revoke_role(box, role));
        store_close(box->store);
        box->store = NULL;
        free(role);
        if (!ok) {
            fprintf(stderr, "process %d: %s\n", process, err.msg);
            _exit(1);
        }
    }
    _exit(0);
}

static void test_eight_at_once(void **state)
{
    static const struct fs_ops ops = {write, no_sync, link, rename};
    const int64_t all = PROCESSES * EACH;
    const int64_t revoked = PROCESSES * (EACH / 3);
    struct authority *authority;
    struct box box;
    pid_t pids[PROCESSES];

    (void)state;
    box_open(&box);
    authority = box_authority(&box, "Acme", NULL);
    store_close(box.store); /* no connection may cross a fork: locks belong to a process */
    box.store = NULL;
    fs_replace_ops(&ops);
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            work(&box, i);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    fs_replace_ops(NULL);
    box_reopen(&box, STORE_WRITE);
    BOX_OK(store_begin(box.store, &err) &&
           store_commit(box.store, &err)); /* what was marked without a transaction */
    assert_int_equal(acts_number(box.store, "SELECT count(DISTINCT hex(serial)) FROM issued"
                                            " WHERE kind < 2 AND delivered_at IS NOT NULL"),
                     all);
    assert_int_equal(acts_number(box.store, "SELECT n_issued FROM authority"), all);
    assert_int_equal(acts_number(box.store, "SELECT n_revoked FROM authority"), revoked);
    /* no number of a list was given twice, none was left out */
    assert_int_equal(acts_number(box.store, "SELECT max(number) FROM crl"), 1 + revoked);
    assert_int_equal(acts_number(box.store, "SELECT count(*) FROM crl"), 1 + revoked);
    assert_int_equal(acts_number(box.store, "SELECT count(*) FROM pragma_integrity_check"
                                            " WHERE integrity_check <> 'ok'"),
                     0);
    check_list(box.store, authority, (size_t)revoked + 1); /* and the canary */
    assert_int_equal(box_run(NULL,
                             "cd '%s/out' && test $(ls | wc -l) = %d &&"
                             " test $(cat */*.crt | grep -c BEGIN) = %d",
                             box.folder, (int)all, 2 * (int)all),
                     0);
    authority_free(authority);
    box_close(&box);
}

/* ---- two wizards ---- */

struct wizard {
    struct store *store;
    struct authority *authority; /* as it was when the page opened */
    struct key *key;
    struct issued *alice;
};

static void open_wizard(struct wizard *wizard, const struct box *box)
{
    wizard->store = store_open(box->store_folder, STORE_WRITE, &err);
    assert_non_null(wizard->store);
    wizard->authority = authority_load(wizard->store, "Acme", &err);
    assert_non_null(wizard->authority);
    wizard->key = authority_unlock(wizard->store, wizard->authority, NULL, &err);
    assert_non_null(wizard->key);
    wizard->alice = issued_find(wizard->store, "alice", &err);
    assert_non_null(wizard->alice);
}

static void close_wizard(struct wizard *wizard)
{
    issued_free(wizard->alice);
    key_free(wizard->key);
    authority_free(wizard->authority);
    store_close(wizard->store);
}

static struct issued *issue_by(struct wizard *wizard, const char *role)
{
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.role = role, .key = own};
    struct issued *issued = issued_make(wizard->store, wizard->authority, wizard->key, &spec, &err);

    key_free(own);
    return issued;
}

static struct crl *revoke_by(struct wizard *wizard, struct issued *issued)
{
    return revoked_and_sign(wizard->store, wizard->authority, wizard->key, issued, CRL_SUPERSEDED,
                            0, &err);
}

static void open_two(struct box *box, struct wizard *one, struct wizard *two)
{
    struct key *key = NULL;
    struct authority *authority;

    box_open(box);
    authority = box_authority(box, "Acme", &key);
    issued_free(box_issue(box, authority, key, "alice", 30));
    issued_free(box_issue(box, authority, key, "bob", 30));
    authority_free(authority);
    key_free(key);
    open_wizard(one, box);
    open_wizard(two, box);
}

static void close_two(struct box *box, struct wizard *one, struct wizard *two)
{
    close_wizard(one);
    close_wizard(two);
    box_close(box);
}

static void test_two_wizards_revoke(void **state)
{
    struct wizard one;
    struct wizard two;
    struct issued *bob;
    struct crl *first;
    struct crl *second;
    uint64_t a = 0;
    uint64_t b = 0;
    struct box box;

    (void)state;
    open_two(&box, &one, &two);
    first = revoke_by(&one, one.alice);
    assert_non_null(first);
    /* the other one still shows her as valid; the answer is a sentence, and nothing changes */
    assert_null(revoke_by(&two, two.alice));
    box_assert_err(&err, ERR_REVOKED_ALREADY);
    /* its next list has what the first one revoked, and the next number */
    bob = issued_find(two.store, "bob", &err);
    second = revoke_by(&two, bob);
    assert_non_null(second);
    assert_true(crl_has(second, &one.alice->serial) && crl_has(second, &bob->serial));
    assert_true(crl_number(first, &a) && crl_number(second, &b) && b == a + 1);
    check_list(one.store, one.authority, 3);
    issued_free(bob);
    crl_free(first);
    crl_free(second);
    close_two(&box, &one, &two);
}

static void test_two_wizards_end_a_ca(void **state)
{
    struct secret *passphrase = box_secret("another one");
    struct wizard one;
    struct wizard two;
    struct issued *carol;
    struct crl *crl;
    struct box box;

    (void)state;
    open_two(&box, &one, &two);
    /* another passphrase: the key that is open stays good */
    BOX_OK(authority_set_passphrase(one.store, one.authority, one.key, passphrase, &err));
    carol = issue_by(&two, "carol");
    assert_non_null(carol);
    assert_null(authority_unlock(two.store, two.authority, NULL, &err));
    box_assert_err(&err, ERR_PASSPHRASE);
    /* retired: no certificate any more, but revocations until the end */
    BOX_OK(authority_retire(one.store, one.authority, &err));
    assert_null(issue_by(&two, "dave"));
    box_assert_err(&err, ERR_POLICY);
    crl = revoke_by(&two, carol);
    assert_non_null(crl);
    crl_free(crl);
    check_list(one.store, one.authority, 2);
    /* deleted: the one who still has the key makes nothing of it */
    BOX_OK(authority_delete(one.store, one.authority, &err));
    assert_null(issue_by(&two, "dave"));
    box_assert_err(&err, ERR_POLICY);
    assert_int_equal(acts_number(two.store, "SELECT count(*) FROM issued WHERE role = 'dave'"), 0);
    assert_false(authority_delete(two.store, two.authority, &err));
    box_assert_err(&err, ERR_CA_UNKNOWN);
    issued_free(carol);
    secret_free(passphrase);
    close_two(&box, &one, &two);
}

/* One is in the middle of a change: the other one waits, then is told; nothing is half there. */
static void test_two_wizards_at_the_same_moment(void **state)
{
    struct issued_filter filter = {.state = -1};
    struct issued_list list;
    struct issued *carol;
    struct wizard one;
    struct wizard two;
    struct box box;

    (void)state;
    open_two(&box, &one, &two);
    store_set_busy_ms(two.store, 20);
    BOX_OK(store_begin(one.store, &err));
    carol = issue_by(&one, "carol");
    assert_non_null(carol);
    assert_null(issue_by(&two, "dave"));
    box_assert_err(&err, ERR_STORE_BUSY);
    BOX_OK(issued_list(two.store, &filter, &list, &err)); /* reading goes on, as it was before */
    assert_int_equal(list.n, 2);
    issued_list_clear(&list);
    BOX_OK(store_commit(one.store, &err));
    BOX_OK(issued_list(two.store, &filter, &list, &err));
    assert_int_equal(list.n, 3);
    issued_list_clear(&list);
    issued_free(carol);
    carol = issue_by(&two, "dave");
    assert_non_null(carol);
    issued_free(carol);
    close_two(&box, &one, &two);
}

/* ---- a clock that jumps ---- */

static void test_clock_jumps_back(void **state)
{
    struct wizard one;
    struct wizard two;
    struct issued *carol;
    struct crl *first;
    struct crl *second;
    uint64_t a = 0;
    uint64_t b = 0;
    struct box box;

    (void)state;
    open_two(&box, &one, &two);
    first = revoke_by(&one, one.alice);
    assert_non_null(first);
    box_set_now(BOX_NOW - 20 * CLOCK_DAY); /* the CA itself is of the future now */
    carol = issue_by(&one, "carol");
    assert_non_null(carol);
    /* it is not valid before its CA is, and its number is one of its own */
    assert_true(carol->not_before >= cert_not_before(one.authority->cert));
    assert_true(carol->not_after > carol->not_before);
    second = revoke_by(&one, carol);
    assert_non_null(second);
    /* numbers count, not dates: the later list has the higher one, and all that was on the first */
    assert_true(crl_number(first, &a) && crl_number(second, &b) && b == a + 1);
    assert_true(crl_has(second, &one.alice->serial) && crl_has(second, &carol->serial));
    /* a list of the future would be "not yet valid", and lock everybody out */
    assert_true(crl_this_update(second) <= clock_now());
    assert_true(crl_next_update(second) > clock_now());
    box_set_now(BOX_NOW + CLOCK_DAY);
    check_list(one.store, one.authority, 3);
    crl_free(first);
    crl_free(second);
    issued_free(carol);
    close_two(&box, &one, &two);
}

/* Years ahead, a list forgets what has ended; back again, it must know it again. */
static void test_clock_jumps_ahead_and_back(void **state)
{
    struct wizard one;
    struct wizard two;
    struct crl *crl;
    struct box box;

    (void)state;
    open_two(&box, &one, &two);
    crl_free(revoke_by(&one, one.alice));
    box_set_now(BOX_NOW + 400 * CLOCK_DAY);
    crl = authority_sign_crl(one.store, one.authority, one.key, 0, &err);
    assert_non_null(crl);
    assert_false(crl_has(crl, &one.alice->serial));
    crl_free(crl);
    box_set_now(BOX_NOW);
    crl = authority_sign_crl(two.store, two.authority, two.key, 0, &err);
    assert_non_null(crl);
    assert_true(crl_has(crl, &one.alice->serial));
    crl_free(crl);
    check_list(two.store, two.authority, 2);
    close_two(&box, &one, &two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eight_at_once),
        cmocka_unit_test(test_two_wizards_revoke),
        cmocka_unit_test(test_two_wizards_end_a_ca),
        cmocka_unit_test(test_two_wizards_at_the_same_moment),
        cmocka_unit_test(test_clock_jumps_back),
        cmocka_unit_test(test_clock_jumps_ahead_and_back),
    };

    fail_vfs_install();
    fail_vfs_spare_syncs();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
