/*
 * store_crash.c - processes that are killed at every step, and processes that write at once.
 *
 * What a process reported before it was killed is there afterwards, every revoked certificate is on
 * the last list, and a CA is there with its keys or not at all.
 */
#include "config.h"

#include <poll.h>
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
#include "core/store/revoked.h"
#include "core/store/sql.h"
#include "tests/harness/fail_vfs.h"
#include "tests/harness/store_box.h"

#define STEPS_MAX 400

static struct err err;

/* A report through the pipe: 'i'ssued or 'r'evoked, and the serial number. */
struct report {
    char what;
    struct serial serial;
};

static ssize_t kill_write(int fd, const void *bytes, size_t len)
{
    (void)fail_vfs_strike();
    return write(fd, bytes, len);
}

static int kill_fsync(int fd)
{
    (void)fail_vfs_strike();
    return fsync(fd);
}

static int kill_link(const char *from, const char *to)
{
    (void)fail_vfs_strike();
    return link(from, to);
}

static int kill_rename(const char *from, const char *to)
{
    (void)fail_vfs_strike();
    return rename(from, to);
}

static const struct fs_ops killing_ops = {kill_write, kill_fsync, kill_link, kill_rename};

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

/* Every revoked row is on the last list, and nothing else is. */
static void assert_crl_complete(struct store *store, const struct authority *authority)
{
    struct issued_filter filter = {.state = ISSUED_REVOKED, .with_canaries = true, .limit = 10000};
    struct crl *crl = authority_crl(store, authority, &err);
    struct issued_list list;

    if (crl == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(issued_list(store, &filter, &list, &err));
    assert_int_equal(crl_count(crl), list.n);
    for (size_t i = 0; i < list.n; i++)
        assert_true(crl_has(crl, &list.rows[i]->serial));
    issued_list_clear(&list);
    crl_free(crl);
}

/* No connection may cross a fork: SQLite's locks belong to a process. */
static pid_t fork_with_pipe(struct box *box, int *ret_fd)
{
    int fds[2];
    pid_t pid;

    store_close(box->store);
    box->store = NULL;
    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid = fork();
    if (pid < 0)
        fail_msg("cannot fork");
    if (pid == 0) {
        close(fds[0]);
        *ret_fd = fds[1];
        return 0;
    }
    close(fds[1]);
    *ret_fd = fds[0];
    return pid;
}

static void send_report(int fd, char what, const struct serial *serial)
{
    struct report report;

    memset(&report, 0, sizeof(report));
    report.what = what;
    report.serial = *serial;
    if (write(fd, &report, sizeof(report)) != (ssize_t)sizeof(report))
        _exit(9);
}

/* In a child: issues and revokes, rounds times; ends with 0 when all went well. */
static void work(const struct box *box, const struct authority *authority, const struct key *key,
                 const struct key *own, int rounds, bool revoke, int fd)
{
    struct issue_spec spec = {.role = "alice", .key = own};
    struct store *store = store_open(box->store_folder, STORE_WRITE, &err);
    struct authority *mine;

    if (store == NULL)
        _exit(2);
    mine = authority_load_id(store, authority->id, &err);
    if (mine == NULL)
        _exit(3);
    for (int i = 0; i < rounds; i++) {
        struct issued *issued = issued_make(store, mine, key, &spec, &err);
        struct crl *crl;

        if (issued == NULL)
            _exit(4);
        send_report(fd, 'i', &issued->serial);
        if (revoke) {
            crl = revoked_and_sign(store, mine, key, issued, CRL_KEY_COMPROMISE, 0, &err);
            if (crl == NULL)
                _exit(5);
            send_report(fd, 'r', &issued->serial);
            crl_free(crl);
        }
        issued_free(issued);
    }
    authority_free(mine);
    store_close(store);
    _exit(0);
}

/* Reads what was reported; each must be true. */
static int check_reports(struct store *store, int fd)
{
    struct report report;
    int count = 0;

    while (read(fd, &report, sizeof(report)) == (ssize_t)sizeof(report)) {
        char hex[SERIAL_HEX_MAX];
        struct issued *issued = issued_find(store, serial_format_hex(hex, &report.serial), &err);

        if (issued == NULL)
            fail_msg("reported, but lost: %s", err.msg);
        if (report.what == 'r')
            assert_true(issued->revoked_at != 0);
        issued_free(issued);
        count++;
    }
    return count;
}

static void test_killed_at_each_step(void **state)
{
    struct key *key = NULL;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct authority *authority;
    struct box box;
    bool killed = true;
    int n = 1;

    (void)state;
    box_open(&box);
    authority = box_authority(&box, "Acme", &key);
    for (; killed && n < STEPS_MAX; n++) {
        int fd = -1;
        int status = 0;
        pid_t pid = fork_with_pipe(&box, &fd);

        if (pid == 0) {
            fail_vfs_arm(n, FAIL_KILLED);
            work(&box, authority, key, own, 1, true, fd);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        if (!killed)
            assert_int_equal(WEXITSTATUS(status), 0);
        /* whoever comes next puts things back, also a reader */
        box.store = store_open(box.store_folder, n % 2 == 0 ? STORE_READ : STORE_WRITE, &err);
        if (box.store == NULL)
            fail_msg("step %d: %s", n, err.msg);
        assert_whole(box.store);
        assert_crl_complete(box.store, authority);
        (void)check_reports(box.store, fd);
        close(fd);
    }
    assert_true(n > 10 && n < STEPS_MAX);
    authority_free(authority);
    key_free(key);
    key_free(own);
    box_close(&box);
}

static void test_create_killed_at_each_step(void **state)
{
    struct authority_spec spec = {.name = "Acme"};
    struct box box;
    bool killed = true;
    int n = 1;

    (void)state;
    box_open(&box);
    for (; killed && n < STEPS_MAX; n++) {
        int fd = -1;
        int status = 0;
        pid_t pid = fork_with_pipe(&box, &fd);
        struct authority *authority;

        if (pid == 0) {
            struct store *store = store_open(box.store_folder, STORE_WRITE, &err);

            if (store == NULL)
                _exit(2);
            fs_replace_ops(&killing_ops);
            fail_vfs_arm(n, FAIL_KILLED);
            authority = authority_create(store, &spec, &err);
            _exit(authority != NULL ? 0 : 3);
        }
        close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        if (!killed)
            assert_int_equal(WEXITSTATUS(status), 0);
        box.store = store_open(box.store_folder, STORE_WRITE, &err);
        if (box.store == NULL)
            fail_msg("step %d: %s", n, err.msg);
        assert_whole(box.store);
        if (number(box.store, "SELECT count(*) FROM authority") == 0) {
            assert_true(
                killed); /* key files may be left, they hinder nobody: the next n proves it */
            assert_int_equal(number(box.store, "SELECT count(*) FROM issued"), 0);
            continue;
        }
        /* the row is there: so are its keys, its canaries, its list */
        authority = authority_load(box.store, "Acme", &err);
        assert_non_null(authority);
        {
            struct key *key = authority_unlock(box.store, authority, NULL, &err);
            struct canary canary;

            if (key == NULL)
                fail_msg("step %d: %s", n, err.msg);
            key_free(key);
            BOX_OK(authority_canary(box.store, authority, CANARY_GOOD, &canary, &err));
            canary_clear(&canary);
            BOX_OK(authority_canary(box.store, authority, CANARY_REVOKED, &canary, &err));
            canary_clear(&canary);
        }
        assert_crl_complete(box.store, authority);
        authority_free(authority);
        box_close(&box);
        box_open(&box);
    }
    assert_true(n > 20 && n < STEPS_MAX);
    box_close(&box);
}

/* Killed from outside, wherever it happens to be; the numbers are fixed, the moments are not. */
static void test_killed_anywhere(void **state)
{
    struct key *key = NULL;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct authority *authority;
    struct box box;
    unsigned random = 12345;
    int reports = 0;

    (void)state;
    box_open(&box);
    authority = box_authority(&box, "Acme", &key);
    for (int round = 0; round < 25; round++) {
        struct pollfd poll_fd = {.events = POLLIN};
        int status = 0;
        int fd = -1;
        pid_t pid = fork_with_pipe(&box, &fd);

        if (pid == 0)
            work(&box, authority, key, own, 1000, true, fd);
        random = random * 1103515245u + 12345u;
        poll_fd.fd = fd;
        assert_int_equal(poll(&poll_fd, 1, 20000), 1); /* it has begun */
        (void)poll(NULL, 0, (int)(random >> 16) % 30);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        box.store = store_open(box.store_folder, STORE_WRITE, &err);
        if (box.store == NULL)
            fail_msg("round %d: %s", round, err.msg);
        assert_whole(box.store);
        assert_crl_complete(box.store, authority);
        reports += check_reports(box.store, fd);
        close(fd);
    }
    assert_true(reports >= 25);
    authority_free(authority);
    key_free(key);
    key_free(own);
    box_close(&box);
}

enum { PROCESSES = 8, EACH = 12 };

static void test_eight_at_once(void **state)
{
    struct key *key = NULL;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct authority *authority;
    struct box box;
    pid_t pids[PROCESSES];
    int fds[PROCESSES];
    int reports = 0;

    (void)state;
    box_open(&box);
    authority = box_authority(&box, "Acme", &key);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork_with_pipe(&box, &fds[i]);
        if (pids[i] == 0)
            work(&box, authority, key, own, EACH, i % 4 == 0, fds[i]);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    box.store = store_open(box.store_folder, STORE_WRITE, &err);
    assert_non_null(box.store);
    for (int i = 0; i < PROCESSES; i++) {
        reports += check_reports(box.store, fds[i]);
        close(fds[i]);
    }
    assert_int_equal(reports, PROCESSES * EACH + 2 * EACH); /* two of them revoked as well */
    assert_int_equal(number(box.store, "SELECT count(DISTINCT serial) FROM issued WHERE kind < 2"),
                     PROCESSES * EACH);
    assert_int_equal(number(box.store, "SELECT n_issued FROM authority"), PROCESSES * EACH);
    assert_int_equal(number(box.store, "SELECT n_revoked FROM authority"), 2 * EACH);
    assert_int_equal(number(box.store, "SELECT max(number) FROM crl"), 1 + 2 * EACH);
    assert_whole(box.store);
    assert_crl_complete(box.store, authority);
    authority_free(authority);
    key_free(key);
    key_free(own);
    box_close(&box);
}

/* Two that want the same name: one gets it, the other is told so. */
static void test_same_name_at_once(void **state)
{
    struct authority_spec spec = {.name = "Acme"};
    struct box box;
    pid_t pids[4];
    int made = 0;

    (void)state;
    box_open(&box);
    for (int i = 0; i < 4; i++) {
        int fd = -1;

        pids[i] = fork_with_pipe(&box, &fd);
        if (pids[i] == 0) {
            struct store *store = store_open(box.store_folder, STORE_WRITE, &err);
            struct authority *authority =
                store != NULL ? authority_create(store, &spec, &err) : NULL;

            _exit(authority != NULL ? 0 : err.code == ERR_CA_EXISTS ? 1 : 2);
        }
        close(fd);
    }
    for (int i = 0; i < 4; i++) {
        int status = 0;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        made += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(made, 1);
    assert_int_equal(box_run(NULL, "test $(ls '%s/keys' | wc -l) = 3", box.store_folder), 0);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_each_step),
        cmocka_unit_test(test_create_killed_at_each_step),
        cmocka_unit_test(test_killed_anywhere),
        cmocka_unit_test(test_eight_at_once),
        cmocka_unit_test(test_same_name_at_once),
    };

    fail_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
