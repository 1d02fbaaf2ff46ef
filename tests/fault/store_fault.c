/*
 * store_fault.c - each single write, sync, link or delete fails once, one after the other: what was
 * asked for is then there whole, or not at all; and the answer says which.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/kit/kit.h"
#include "core/store/revoked.h"
#include "core/store/server.h"
#include "core/store/sql.h"
#include "tests/harness/fail_vfs.h"
#include "tests/harness/store_box.h"

#define STEPS_MAX 400 /* no act needs so many; a loop that reaches it found no end */

static struct err err;
static int failing_errno;

/* Our own file functions count together with SQLite's. */
static ssize_t fail_write(int fd, const void *bytes, size_t len)
{
    if (fail_vfs_strike()) {
        errno = failing_errno;
        return -1;
    }
    return write(fd, bytes, len);
}

static int fail_fsync(int fd)
{
    if (fail_vfs_strike()) {
        errno = failing_errno;
        return -1;
    }
    return fsync(fd);
}

static int fail_link(const char *from, const char *to)
{
    if (fail_vfs_strike()) {
        errno = failing_errno;
        return -1;
    }
    return link(from, to);
}

static int fail_rename(const char *from, const char *to)
{
    if (fail_vfs_strike()) {
        errno = failing_errno;
        return -1;
    }
    return rename(from, to);
}

static const struct fs_ops failing_ops = {fail_write, fail_fsync, fail_link, fail_rename};

static void arm(int n, enum fail_how how)
{
    failing_errno = how == FAIL_FULL ? ENOSPC : EIO;
    fs_replace_ops(&failing_ops);
    fail_vfs_arm(n, how);
}

static bool disarm(void)
{
    fs_replace_ops(NULL);
    return fail_vfs_disarm();
}

static int64_t number(struct store *store, const char *text)
{
    struct sql *sql = sql_new(store, text, &err);
    int64_t value = 0;

    if (sql == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(sql_run_int(sql, -1, &value, &err));
    return value;
}

static void assert_whole(struct store *store)
{
    assert_int_equal(number(store, "SELECT count(*) FROM pragma_integrity_check"
                                   " WHERE integrity_check <> 'ok'"),
                     0);
    assert_int_equal(number(store, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static int files_in(const char *folder)
{
    char *output = NULL;
    int count;

    box_run(&output, "find '%s' -mindepth 1 | wc -l", folder);
    count = atoi(output);
    free(output);
    return count;
}

/* The message of a failure is one of ours, with the right code. */
static void assert_disk_error(enum fail_how how, enum err_code other)
{
    if (how == FAIL_FULL)
        assert_int_equal(err.code, ERR_DISK_FULL);
    else if (err.code != other && err.code != ERR_STORE && err.code != ERR_FILE)
        fail_msg("unexpected code %d: %s", (int)err.code, err.msg);
    err = (struct err)ERR_INIT;
}

/* ---- a CA ---- */

static void create_fails_at_each_step(enum fail_how how)
{
    struct authority_spec spec = {.name = "Acme"};
    struct box box;
    int n = 1;
    bool reached = true;

    box_open(&box);
    for (; reached && n < STEPS_MAX; n++) {
        struct authority *made;
        int64_t rows;
        char *keys = fs_join(box.store_folder, "keys");

        arm(n, how);
        made = authority_create(box.store, &spec, &err);
        reached = disarm();
        box_reopen(&box, STORE_WRITE);
        assert_whole(box.store);
        rows = number(box.store, "SELECT count(*) FROM authority");
        if (made != NULL) {
            struct key *key = authority_unlock(box.store, made, NULL, &err);

            /* said to be done: it is all there */
            assert_non_null(key);
            assert_int_equal(rows, 1);
            assert_int_equal(files_in(keys), 3);
            key_free(key);
        } else if (rows == 1) {
            /* A failure after the point of no return: then the key must be there too. */
            assert_int_equal(files_in(keys), 3);
            assert_int_equal(number(box.store, "SELECT count(*) FROM issued"), 2);
            assert_int_equal(number(box.store, "SELECT count(*) FROM crl"), 1);
        } else {
            assert_disk_error(how, ERR_FILE);
            assert_int_equal(files_in(keys), 0);
            assert_int_equal(number(box.store, "SELECT count(*) FROM issued"), 0);
            assert_int_equal(number(box.store, "SELECT count(*) FROM log"), 0);
        }
        if (rows == 1) { /* a fresh store for the next step */
            box_close(&box);
            box_open(&box);
        }
        err = (struct err)ERR_INIT;
        authority_free(made);
        free(keys);
    }
    assert_true(n > 20 && n < STEPS_MAX);
    box_close(&box);
}

static void test_create_once(void **state)
{
    (void)state;
    create_fails_at_each_step(FAIL_ONCE);
}

static void test_create_full(void **state)
{
    (void)state;
    create_fails_at_each_step(FAIL_FULL);
}

static void test_create_sticky(void **state)
{
    (void)state;
    create_fails_at_each_step(FAIL_STICKY);
}

/* ---- issue and revoke ---- */

/* What the store holds after the last CRL was read: every revoked row is on it. */
static void assert_crl_complete(struct box *box, const struct authority *authority)
{
    struct issued_filter filter = {.state = ISSUED_REVOKED, .with_canaries = true};
    struct crl *crl = authority_crl(box->store, authority, &err);
    struct issued_list list;

    if (crl == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(issued_list(box->store, &filter, &list, &err));
    assert_int_equal(crl_count(crl), list.n);
    for (size_t i = 0; i < list.n; i++)
        assert_true(crl_has(crl, &list.rows[i]->serial));
    issued_list_clear(&list);
    crl_free(crl);
}

static void issue_fails_at_each_step(enum fail_how how)
{
    struct key *key = NULL;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.role = "alice", .key = own};
    struct authority *authority;
    struct box box;
    bool reached = true;
    int n = 1;

    box_open(&box);
    authority = box_authority(&box, "Acme", &key);
    for (; reached && n < STEPS_MAX; n++) {
        int64_t before = number(box.store, "SELECT count(*) FROM issued");
        struct issued *made;
        int64_t rows;

        arm(n, how);
        made = issued_make(box.store, authority, key, &spec, &err);
        reached = disarm();
        if (made == NULL)
            assert_disk_error(how, ERR_STORE);
        box_reopen(&box, STORE_WRITE);
        assert_whole(box.store);
        rows = number(box.store, "SELECT count(*) FROM issued") - before;
        assert_true(rows == 1 || (rows == 0 && made == NULL));
        assert_int_equal(number(box.store, "SELECT n_issued + 2 FROM authority"), before + rows);
        if (made == NULL) /* and the very same works right after */
            made = issued_make(box.store, authority, key, &spec, &err);
        assert_non_null(made);

        arm(n, how);
        {
            struct crl *crl =
                revoked_and_sign(box.store, authority, key, made, CRL_SUPERSEDED, 0, &err);
            bool said = crl != NULL;

            crl_free(crl);
            reached = disarm() || reached;
            if (!said)
                assert_disk_error(how, ERR_STORE);
            box_reopen(&box, STORE_WRITE);
            assert_whole(box.store);
            assert_crl_complete(&box, authority);
            if (said)
                assert_int_equal(number(box.store, "SELECT count(*) FROM issued WHERE kind < 2"
                                                   " AND revoked_at IS NULL AND id ="
                                                   " (SELECT max(id) FROM issued)"),
                                 0);
        }
        issued_free(made);
    }
    assert_true(n > 5 && n < STEPS_MAX);
    authority_free(authority);
    key_free(key);
    key_free(own);
    box_close(&box);
}

static void test_issue_once(void **state)
{
    (void)state;
    issue_fails_at_each_step(FAIL_ONCE);
}

static void test_issue_full(void **state)
{
    (void)state;
    issue_fails_at_each_step(FAIL_FULL);
}

static void test_issue_sticky(void **state)
{
    (void)state;
    issue_fails_at_each_step(FAIL_STICKY);
}

/* ---- a kit ---- */

static void kit_fails_at_each_step(bool folder_is_there, int least)
{
    struct key *key = NULL;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec issue = {.role = "alice", .key = own};
    struct secret *passphrase = box_secret("for the p12");
    struct kit_files files = {.certificate = NULL};
    struct authority *authority;
    struct issued *issued;
    struct box box;
    bool reached = true;
    int n = 1;

    box_open(&box);
    authority = box_authority(&box, "Acme", &key);
    issued = issued_make(box.store, authority, key, &issue, &err);
    for (; reached && n < STEPS_MAX; n++) {
        char *folder = mem_printf("%s/kit", box.folder);
        struct kit_spec spec = {.folder = folder,
                                .formats = KIT_PEM | KIT_P12 | KIT_PK8,
                                .issued = issued,
                                .key = own,
                                .ca = authority->cert,
                                .p12_passphrase = passphrase};
        bool made;

        if (folder_is_there)
            BOX_OK(fs_make_folder(folder, &err));
        arm(n, n % 2 == 0 ? FAIL_FULL : FAIL_ONCE);
        made = kit_write(&spec, &files, &err);
        reached = disarm();
        assert_int_equal(made, !reached);
        if (made) {
            assert_int_equal(files_in(folder), 6);
        } else {
            assert_disk_error(n % 2 == 0 ? FAIL_FULL : FAIL_ONCE, ERR_FILE);
            if (folder_is_there)
                assert_int_equal(files_in(folder), 0);
            assert_int_equal(fs_exists(folder), folder_is_there);
            assert_int_equal(files_in(box.folder), 1 + files_in(box.store_folder) +
                                                       folder_is_there); /* nothing beside it */
        }
        kit_files_clear(&files);
        free(folder);
    }
    assert_true(n > least && n < STEPS_MAX);
    secret_free(passphrase);
    issued_free(issued);
    authority_free(authority);
    key_free(key);
    key_free(own);
    box_close(&box);
}

static void test_kit_new_folder(void **state)
{
    (void)state;
    kit_fails_at_each_step(false, 6 * 2 + 3); /* write, fsync; fsync, rename, fsync of the parent */
}

static void test_kit_present_folder(void **state)
{
    (void)state;
    kit_fails_at_each_step(true, 6 * 3 + 1); /* write, fsync, link; fsync of the folder */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_once),    cmocka_unit_test(test_create_full),
        cmocka_unit_test(test_create_sticky),  cmocka_unit_test(test_issue_once),
        cmocka_unit_test(test_issue_full),     cmocka_unit_test(test_issue_sticky),
        cmocka_unit_test(test_kit_new_folder), cmocka_unit_test(test_kit_present_folder),
    };

    fail_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
