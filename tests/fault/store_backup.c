/*
 * store_backup.c - a backup, a restore and a repair that fail or are killed at each write, sync, link
 * and delete: the copy, the new store are there whole or not at all, and a second run succeeds.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/backup.h"
#include "core/store/fsck.h"
#include "core/store/revoked.h"
#include "core/store/sql.h"
#include "tests/harness/fail_vfs.h"
#include "tests/harness/store_box.h"

#define STEPS_MAX 2000 /* a loop that reaches it found no end */
#define EACH      8    /* the first steps one by one, then every 13th: most write a page */

static struct err err;
static int failing_errno;

static bool strike(void)
{
    errno = failing_errno;
    return fail_vfs_strike();
}

static ssize_t fail_write(int fd, const void *bytes, size_t len)
{
    return strike() ? -1 : write(fd, bytes, len);
}

static int fail_fsync(int fd)
{
    return strike() ? -1 : fsync(fd);
}

static int fail_link(const char *from, const char *to)
{
    return strike() ? -1 : link(from, to);
}

static int fail_rename(const char *from, const char *to)
{
    return strike() ? -1 : rename(from, to);
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

static int after(int n)
{
    return n < EACH ? n + 1 : n + 13;
}

/* ---- a store with a locked key and a revocation; the names of what is made from it ---- */

struct stage {
    struct box box;
    struct authority *authority;
    char *copy;   /* of a run that fails */
    char *good;   /* a backup that is whole */
    char *folder; /* of a restored store */
};

static int setup(void **state)
{
    struct stage *stage = mem_zalloc(sizeof(*stage));
    struct secret *passphrase = box_secret("correct horse");
    struct authority_spec spec = {.name = "Acme", .passphrase = passphrase};
    struct backup_report report;
    struct issued *issued;
    struct key *key;
    struct crl *crl;

    box_open(&stage->box);
    stage->copy = fs_join(stage->box.folder, "copy");
    stage->good = fs_join(stage->box.folder, "good");
    stage->folder = fs_join(stage->box.folder, "new");
    stage->authority = authority_create(stage->box.store, &spec, &err);
    assert_non_null(stage->authority);
    key = authority_unlock(stage->box.store, stage->authority, passphrase, &err);
    assert_non_null(key);
    issued_free(box_issue(&stage->box, stage->authority, key, "alice", 30));
    issued = box_issue(&stage->box, stage->authority, key, "bob", 30);
    crl =
        revoked_and_sign(stage->box.store, stage->authority, key, issued, CRL_SUPERSEDED, 0, &err);
    assert_non_null(crl);
    crl_free(crl);
    issued_free(issued);
    key_free(key);
    secret_free(passphrase);
    BOX_OK(backup_write(stage->box.store, stage->good, true, NULL, &report, &err));
    assert_int_equal(report.keys, 3);
    backup_report_clear(&report);
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;

    authority_free(stage->authority);
    box_close(&stage->box);
    free(stage->copy);
    free(stage->good);
    free(stage->folder);
    free(stage);
    err = (struct err)ERR_INIT;
    return 0;
}

static void forget(const struct stage *stage)
{
    assert_int_equal(
        box_run(NULL, "rm -rf '%s' '%s' '%s'.pgseal-*", stage->folder, stage->copy, stage->copy),
        0);
}

/* fsck finds nothing in it: rows, keys, lists, files. */
static void assert_sound(const char *folder, int64_t certificates)
{
    struct fsck_options options = {.repair = false};
    struct fsck_list list = {.n = 0};
    struct store *store = store_open(folder, STORE_READ, &err);

    if (store == NULL)
        fail_msg("%s", err.msg);
    fsck_access(folder, &options, &list);
    BOX_OK(fsck_run(store, &options, &list, &err));
    for (size_t i = 0; i < list.n; i++)
        if (list.rows[i].severity >= FSCK_WARNING)
            fail_msg("%s: %s", list.rows[i].object, list.rows[i].message);
    assert_int_equal(list.certificates, certificates);
    fsck_clear(&list);
    store_close(store);
}

static void assert_good_backup(struct stage *stage, const char *path)
{
    struct backup_report report;

    BOX_OK(backup_restore(path, stage->folder, NULL, &report, &err));
    assert_int_equal(report.n_left_out, 0);
    assert_int_equal(report.keys, 3);
    backup_report_clear(&report);
    assert_sound(stage->folder, 4);
}

static void note(struct stage *stage)
{
    BOX_OK(store_note(stage->box.store, "act", "object", NULL, &err));
}

static void assert_failure(enum fail_how how)
{
    assert_true(err.msg[0] != '\0');
    if (how == FAIL_FULL)
        assert_int_equal(err.code, ERR_DISK_FULL);
    else
        assert_true(err.code == ERR_STORE || err.code == ERR_FILE);
    err = (struct err)ERR_INIT;
}

/* ---- failures ---- */

static void backup_fails(struct stage *stage, enum fail_how how)
{
    struct backup_report report;
    bool reached = true;
    int n = 1;

    for (; reached && n < STEPS_MAX; n = after(n)) {
        bool made;

        arm(n, how);
        made = backup_write(stage->box.store, stage->copy, true, NULL, &report, &err);
        reached = disarm();
        backup_report_clear(&report);
        assert_int_equal(made, fs_exists(stage->copy));
        assert_int_equal(box_run(NULL, "ls '%s'.* 2>/dev/null", stage->copy), 2); /* no remains */
        if (!made)
            assert_failure(how);
        else
            assert_good_backup(stage, stage->copy);
        forget(stage);
    }
    assert_true(n > 20 && n < STEPS_MAX);
    assert_sound(stage->box.store_folder, 4);
}

static void restore_fails(struct stage *stage, enum fail_how how)
{
    struct backup_report report;
    bool reached = true;
    int n = 1;

    for (; reached && n < STEPS_MAX; n = after(n)) {
        bool made;

        arm(n, how);
        made = backup_restore(stage->good, stage->folder, NULL, &report, &err);
        reached = disarm();
        backup_report_clear(&report);
        if (made) {
            assert_sound(stage->folder, 4);
        } else {
            assert_failure(how);
            assert_false(fs_exists(stage->folder)); /* not even the folder */
        }
        forget(stage);
    }
    assert_true(n > 20 && n < STEPS_MAX);
}

static void test_failures(void **state)
{
    static const enum fail_how hows[] = {FAIL_ONCE, FAIL_FULL, FAIL_STICKY};

    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        backup_fails(*state, hows[i]);
        if (hows[i] != FAIL_ONCE)
            restore_fails(*state, hows[i]);
    }
}

/* ---- stopped ---- */

struct countdown {
    int left;
    bool reached;
};

static bool count_down(void *arg)
{
    struct countdown *countdown = arg;

    countdown->reached = countdown->reached || countdown->left-- <= 0;
    return countdown->reached;
}

/* Asked to stop, the n-th time that it asks: nothing of it stays. */
static void test_stopped(void **state)
{
    struct stage *stage = *state;
    struct countdown countdown = {.reached = true};
    struct backup_watch watch = {count_down, &countdown};
    struct backup_report report;
    int stopped = 0;

    BOX_OK(store_begin(stage->box.store, &err));
    for (int i = 0; i < 5000; i++)
        note(stage);
    BOX_OK(store_commit(stage->box.store, &err));
    unlink(stage->good);
    BOX_OK(backup_write(stage->box.store, stage->good, true, NULL, &report, &err));
    backup_report_clear(&report);
    for (int n = 0; countdown.reached && n < STEPS_MAX; n++) {
        countdown = (struct countdown){.left = n / 2};
        if (n % 2 == 0 ? backup_write(stage->box.store, stage->copy, true, &watch, &report, &err)
                       : backup_restore(stage->good, stage->folder, &watch, &report, &err)) {
            assert_false(countdown.reached);
            countdown.reached = n % 2 == 0; /* the other one asks more often */
        } else {
            box_assert_err(&err, ERR_CANCELLED);
            stopped++;
            assert_false(fs_exists(stage->folder));
            assert_int_equal(box_run(NULL, "ls '%s'* >/dev/null 2>&1", stage->copy), 2);
        }
        backup_report_clear(&report);
        forget(stage);
    }
    assert_true(stopped >= 2);
    /* and the store's connection asks nobody any more */
    assert_sound(stage->box.store_folder, 4);
    note(stage);
}

/* ---- killed ---- */

/* A child that is killed at its n-th step. True: it was. No connection crosses the fork. */
static bool killed_at(struct stage *stage, int n, bool restore)
{
    struct backup_report report;
    int status = 0;
    pid_t pid;

    store_close(stage->box.store);
    stage->box.store = NULL;
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct store *store = store_open(stage->box.store_folder, STORE_READ, &err);

        fs_replace_ops(&failing_ops);
        fail_vfs_arm(n, FAIL_KILLED);
        _exit(store != NULL &&
                      (restore ? backup_restore(stage->good, stage->folder, NULL, &report, &err)
                               : backup_write(store, stage->copy, true, NULL, &report, &err))
                  ? 0
                  : 1);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    box_reopen(&stage->box, STORE_WRITE);
    if (WIFSIGNALED(status))
        return true;
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void test_backup_killed(void **state)
{
    struct stage *stage = *state;
    bool killed = true;
    int n = 1;

    for (; killed && n < STEPS_MAX; n = after(n)) {
        struct backup_report report;

        killed = killed_at(stage, n, false);
        if (!fs_exists(stage->copy)) {
            assert_true(killed);
            BOX_OK(backup_write(stage->box.store, stage->copy, true, NULL, &report, &err));
            backup_report_clear(&report);
            /* and what the killed one left beside it is gone */
            assert_int_equal(box_run(NULL, "ls '%s'.* >/dev/null 2>&1", stage->copy), 2);
        }
        assert_good_backup(stage, stage->copy); /* a name means that it is whole */
        forget(stage);
    }
    assert_true(n > 20 && n < STEPS_MAX);
    assert_sound(stage->box.store_folder, 4);
}

static void test_restore_killed(void **state)
{
    struct fsck_options repair = {.repair = true};
    struct stage *stage = *state;
    bool killed = true;
    int n = 1;

    for (; killed && n < STEPS_MAX; n = after(n)) {
        char *database = fs_join(stage->folder, "pgseal.db");
        struct fsck_list list = {.n = 0};

        killed = killed_at(stage, n, true);
        if (!fs_exists(database)) { /* what it left is in nobody's way */
            struct backup_report report;

            assert_true(killed);
            BOX_OK(backup_restore(stage->good, stage->folder, NULL, &report, &err));
            assert_int_equal(report.keys, 3);
            backup_report_clear(&report);
        }
        fsck_access(stage->folder, &repair, &list);
        for (size_t i = 0; i < list.n; i++)
            assert_true(list.rows[i].repaired);
        fsck_clear(&list);
        assert_sound(stage->folder, 4);
        forget(stage);
        free(database);
    }
    assert_true(n > 20 && n < STEPS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_failures),
        TEST(test_stopped),
        TEST(test_backup_killed),
        TEST(test_restore_killed),
    };
    const char *place = getenv("TMPDIR");

    /* hundreds of copies, each synced: in memory, where there is room for it */
    if ((place == NULL || strncmp(place, "/dev/shm/", 9) != 0) &&
        access("/dev/shm", W_OK | X_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 1);
    fail_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
