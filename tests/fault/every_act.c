/*
 * every_act.c - every act that changes the store, killed before each of its steps, and with a disk that
 * is full from each of its steps on.
 *
 * A step is a write, sync, link, rename, truncate or delete, of the store or of a file (of the pages
 * that SQLite writes in a row, some: store_crash.c and store_fault.c take each). After it: the
 * store as before the act or as after it, nothing in between; every list of revoked certificates whole;
 * every kit whole; and the same act works, or says that it was done.
 *
 * Not waited for here: the disk (fail_vfs_spare_syncs()), and the 600,000 rounds of a passphrase.
 */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/sql.h"
#include "tests/fault/acts.h"
#include "tests/harness/fail_vfs.h"

#define STEPS_MAX 400 /* no act needs so many; a loop that reaches it found no end */
#define FILE_MAX  (4u << 20)

/* A fork costs ten times as much under the address sanitizer: there some of the steps. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define STRIDE 7
#else
#define STRIDE 1
#endif

enum { CHILD_DONE, CHILD_DONE_IN_SPITE, CHILD_FULL, CHILD_OTHER };

/* In place of libcrypto's: the rounds are not what is tested here. */
X509_ALGOR *PKCS5_pbe2_set_iv(const EVP_CIPHER *cipher, int rounds, unsigned char *salt,
                              int salt_len, unsigned char *iv, int prf)
{
    X509_ALGOR *(*real)(const EVP_CIPHER *, int, unsigned char *, int, unsigned char *, int) = NULL;
    void *found = dlsym(RTLD_NEXT, "PKCS5_pbe2_set_iv");

    (void)rounds;
    memcpy(&real, &found, sizeof(real)); /* ISO C has no cast from data to function */
    return real != NULL ? real(cipher, 1000, salt, salt_len, iv, prf) : NULL;
}

/* ---- steps of our own files ---- */

static bool strike(void)
{
    if (!fail_vfs_strike())
        return false;
    errno = ENOSPC;
    return true;
}

static ssize_t step_write(int fd, const void *bytes, size_t len)
{
    return strike() ? -1 : write(fd, bytes, len);
}

static int step_sync(int fd)
{
    (void)fd;
    return strike() ? -1 : 0;
}

static int step_link(const char *from, const char *to)
{
    return strike() ? -1 : link(from, to);
}

static int step_rename(const char *from, const char *to)
{
    return strike() ? -1 : rename(from, to);
}

static const struct fs_ops stepping_ops = {step_write, step_sync, step_link, step_rename};

/* ---- the state to begin with, again and again ---- */

static void copy_file(const char *from, const char *to, mode_t mode)
{
    struct err err = ERR_INIT;
    struct strbuf bytes = STRBUF_INIT;
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);

    BOX_OK(fs_read(from, FILE_MAX, &bytes, &err));
    assert_true(fd >= 0 && write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len);
    assert_int_equal(fchmod(fd, mode & 0777), 0);
    close(fd);
    strbuf_clear(&bytes);
}

/* A tree of a few levels; no store in it may be open: closing a copied file drops its locks. */
static void copy_tree(const char *from, const char *to, int depth)
{
    DIR *dir = opendir(from);
    const struct dirent *entry;

    assert_true(dir != NULL && depth > 0);
    assert_int_equal(mkdir(to, 0700), 0);
    while ((entry = readdir(dir)) != NULL) {
        struct stat st;
        char *a;
        char *b;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        a = fs_join(from, entry->d_name);
        b = fs_join(to, entry->d_name);
        assert_int_equal(lstat(a, &st), 0);
        if (S_ISDIR(st.st_mode))
            copy_tree(a, b, depth - 1);
        else
            copy_file(a, b, st.st_mode);
        free(a);
        free(b);
    }
    closedir(dir);
}

static void begin_again(struct box *box, const char *template)
{
    struct err err = ERR_INIT;

    store_close(box->store);
    box->store = NULL;
    BOX_OK(fs_remove_tree(box->folder, &err));
    copy_tree(template, box->folder, 4);
}

/* ---- what must be true after anything ---- */

static void check_rows(struct store *store)
{
    assert_int_equal(acts_number(store, "SELECT count(*) FROM pragma_integrity_check"
                                        " WHERE integrity_check <> 'ok'"),
                     0);
    assert_int_equal(acts_number(store, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_int_equal(
        acts_number(store, "SELECT count(*) - count(DISTINCT hex(serial)) FROM issued"), 0);
    assert_int_equal(
        acts_number(store, "SELECT count(*) FROM authority AS a WHERE n_issued <> (SELECT count(*)"
                           " FROM issued WHERE authority_id = a.id AND kind < 2) OR n_revoked <>"
                           " (SELECT count(*) FROM issued WHERE authority_id = a.id AND kind < 2"
                           " AND revoked_at IS NOT NULL)"),
        0);
    /* what was true before the act: bob stays revoked, alice has her kit */
    assert_int_equal(acts_number(store, "SELECT count(*) FROM issued WHERE role = 'bob'"
                                        " AND revoked_at IS NOT NULL AND reason = 4"),
                     1);
    assert_int_equal(acts_number(store, "SELECT count(*) FROM issued WHERE role = 'alice'"
                                        " AND delivered_at IS NOT NULL AND replaces IS NULL"),
                     1);
    assert_true(acts_number(store, "SELECT max(number) FROM crl WHERE authority_id = 1") >= 2);
}

/* Each revoked certificate is on the last list, and nothing else is. */
static void check_list(struct store *store, const struct authority *authority)
{
    struct err err = ERR_INIT;
    struct crl *crl = authority_crl(store, authority, &err);
    struct crl_entry *entries = NULL;
    size_t n = 0;

    if (crl == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(revoked_entries(store, authority->id, &entries, &n, &err));
    assert_int_equal(crl_count(crl), n);
    for (size_t i = 0; i < n; i++)
        assert_true(crl_has(crl, &entries[i].serial));
    free(entries);
    crl_free(crl);
}

static void check_keys(struct store *store, const struct authority *authority)
{
    struct err err = ERR_INIT;
    struct secret *passphrase = authority->key_encrypted ? box_secret(ACTS_PASSPHRASE) : NULL;
    struct key *key = authority_unlock(store, authority, passphrase, &err);
    struct canary canary;

    if (key == NULL)
        fail_msg("%s", err.msg);
    assert_true(cert_matches_key(authority->cert, key));
    for (int kind = CANARY_GOOD; kind <= CANARY_REVOKED; kind++) {
        BOX_OK(authority_canary(store, authority, (enum canary_kind)kind, &canary, &err));
        canary_clear(&canary);
    }
    key_free(key);
    secret_free(passphrase);
}

/* A folder that has its name has all its files; its certificate is one of the store's. */
static void check_kit(struct store *store, const char *folder, const char *base)
{
    struct err err = ERR_INIT;
    char *crt = mem_printf("%s/%s.crt", folder, base);
    char *key_path = mem_printf("%s/%s.key", folder, base);
    char *root = fs_join(folder, "root.crt");
    char *readme = fs_join(folder, "README.txt");
    char *texts[] = {box_read(crt), box_read(key_path), box_read(root), box_read(readme)};
    struct cert *cert = cert_from_pem(texts[0], strlen(texts[0]), &err);
    struct key *key = key_from_pem(texts[1], strlen(texts[1]), NULL, &err);
    struct cert *ca = cert_from_pem(texts[2], strlen(texts[2]), &err);
    struct serial serial;
    struct issued *row;
    char hex[SERIAL_HEX_MAX];

    assert_true(cert != NULL && key != NULL && ca != NULL);
    assert_true(cert_matches_key(cert, key) && cert_issued_by(cert, ca));
    assert_true(strlen(texts[3]) > 100 && texts[3][strlen(texts[3]) - 1] == '\n');
    serial = cert_serial(cert);
    row = issued_find(store, serial_format_hex(hex, &serial), &err);
    if (row == NULL)
        fail_msg("a certificate that the store does not know: %s", err.msg);
    assert_true(cert_equal(row->cert, cert));
    issued_free(row);
    cert_free(cert);
    cert_free(ca);
    key_free(key);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    free(crt);
    free(key_path);
    free(root);
    free(readme);
}

/* Returns how many there are. */
static int check_kits(const struct box *box)
{
    char *out = mem_printf("%s/out", box->folder);
    DIR *dir = opendir(out);
    const struct dirent *entry;
    int n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char *folder = fs_join(out, entry->d_name);

        if (entry->d_name[0] != '.') { /* hidden: what a killed run was at */
            char *base = mem_strndup(entry->d_name, strcspn(entry->d_name, "-"));

            check_kit(box->store, folder, base);
            free(base);
            n++;
        }
        free(folder);
    }
    closedir(dir);
    free(out);
    return n;
}

/* What the act does not touch is looked at now and then. */
static void check_all(struct box *box, const struct act *act, int n)
{
    struct err err = ERR_INIT;
    struct authority_list list = {.n = 0};

    check_rows(box->store);
    BOX_OK(authority_list(box->store, &list, &err));
    for (size_t i = 0; i < list.n; i++) {
        check_list(box->store, list.rows[i]);
        if (act->touches == TOUCHES_KEYS || n % 10 == 0)
            check_keys(box->store, list.rows[i]);
    }
    authority_list_clear(&list);
    if (act->touches != TOUCHES_KITS && n % 10 != 0)
        return;
    /* what counts as delivered has its files */
    assert_true(acts_number(box->store, "SELECT count(*) FROM issued WHERE delivered_at IS NOT NULL"
                                        " AND kind < 2") <= check_kits(box));
}

/* ---- one act ---- */

static void run_in_child(struct box *box, const struct act *act, int n, enum fail_how how)
{
    struct err err = ERR_INIT;
    bool done;

    box->store = store_open(box->store_folder, STORE_WRITE, &err);
    if (box->store == NULL)
        _exit(CHILD_OTHER);
    fs_replace_ops(&stepping_ops);
    fail_vfs_arm(n, how);
    done = act->run(box, &err);
    if (done)
        _exit(fail_vfs_disarm() ? CHILD_DONE_IN_SPITE : CHILD_DONE);
    if (err.code != ERR_DISK_FULL)
        fprintf(stderr, "%s, step %d: %s\n", act->name, n, err.msg);
    _exit(err.code == ERR_DISK_FULL ? CHILD_FULL : CHILD_OTHER);
}

/* The same act once more, on a disk that works. After a full disk the same process could go on, and
 * the steps of one page differ little: some of them are enough there. */
static void run_again(struct box *box, const struct act *act, bool was_done, int n,
                      enum fail_how how)
{
    struct err err = ERR_INIT;

    if (how == FAIL_FULL && n % 5 != 0)
        return;
    box_reopen(box, STORE_WRITE);
    if (!act->run(box, &err) && (!was_done || err.code != act->again))
        fail_msg("%s, step %d, the next run: %s", act->name, n, err.msg);
    assert_true(act->is_done(box));
    if (n % 5 == 0)
        check_all(box, act, n);
    else
        check_rows(box->store);
}

/* One step fails; false when the act has no such step. */
static bool try_step(struct box *box, const struct act *act, int n, enum fail_how how)
{
    int status = 0;
    bool done;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_in_child(box, act, n, how);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (how == FAIL_KILLED ? !WIFSIGNALED(status) && WEXITSTATUS(status) != CHILD_DONE
                           : !WIFEXITED(status) || WEXITSTATUS(status) == CHILD_OTHER)
        fail_msg("%s, step %d: it ended with %d", act->name, n, status);
    /* whoever comes next puts things back, also a reader */
    box_reopen(box, n % 2 == 0 ? STORE_READ : STORE_WRITE);
    check_all(box, act, n);
    done = act->is_done(box);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= CHILD_DONE_IN_SPITE && !done)
        fail_msg("%s, step %d: it was said to be done", act->name, n);
    run_again(box, act, done, n, how);
    return WIFSIGNALED(status) || WEXITSTATUS(status) != CHILD_DONE;
}

static void try_act(const struct act *act, enum fail_how how)
{
    struct err err = ERR_INIT;
    struct box box;
    char *template;
    bool reached = true;
    int n = 1;

    box_open(&box);
    acts_prepare(&box, act);
    store_close(box.store);
    box.store = NULL;
    template = mem_printf("%s.template", box.folder);
    copy_tree(box.folder, template, 4);
    for (; reached && n < STEPS_MAX; n += STRIDE) {
        begin_again(&box, template);
        reached = try_step(&box, act, n, how);
    }
    if (n <= 5 || n >= STEPS_MAX)
        fail_msg("%s: %d steps", act->name, n);
    print_message("# %s: %d steps\n", act->name, n - 1 - STRIDE);
    BOX_OK(fs_remove_tree(template, &err));
    free(template);
    box_close(&box);
}

static void test_killed(void **state)
{
    try_act(*state, FAIL_KILLED);
}

static void test_full(void **state)
{
    try_act(*state, FAIL_FULL);
}

int main(void)
{
    struct CMUnitTest *tests = mem_array(2 * n_acts, sizeof(*tests));
    char **names = mem_array(2 * n_acts, sizeof(*names));
    int failed;

    fail_vfs_install();
    fail_vfs_spare_syncs();
    fail_vfs_count_coarsely();
    for (size_t i = 0; i < 2 * n_acts; i++) {
        const struct act *act = &acts[i / 2];

        names[i] = mem_printf("%s, %s", act->name, i % 2 == 0 ? "killed" : "disk full");
        tests[i] = (struct CMUnitTest){.name = names[i],
                                       .test_func = i % 2 == 0 ? test_killed : test_full,
                                       .initial_state = (void *)(uintptr_t)act};
    }
    failed = _cmocka_run_group_tests("every act", tests, 2 * n_acts, NULL, NULL);
    for (size_t i = 0; i < 2 * n_acts; i++)
        free(names[i]);
    free(names);
    free(tests);
    return failed;
}
