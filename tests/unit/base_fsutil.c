/* base_fsutil.c - a file is there whole or not at all, whichever operation fails. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"

static char *folder;

static int make_folder(void **unused)
{
    struct err err = ERR_INIT;

    (void)unused;
    folder = fs_make_temp_folder("pgseal-test", &err);
    return folder != NULL ? 0 : -1;
}

static int remove_folder(void **unused)
{
    struct err err = ERR_INIT;
    bool ok = fs_remove_tree(folder, &err);

    (void)unused;
    free(folder);
    folder = NULL;
    return ok ? 0 : -1;
}

static size_t n_entries(void)
{
    DIR *dir = opendir(folder);
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n - 2;
}

static void assert_content(const char *path, const char *expected)
{
    struct strbuf out = STRBUF_INIT;
    struct err err = ERR_INIT;

    assert_true(fs_read(path, 1 << 20, &out, &err));
    assert_string_equal(out.data, expected);
    strbuf_clear(&out);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_write_new(void **unused)
{
    struct err err = ERR_INIT;
    char *path = fs_join(folder, "a");
    mode_t old = umask(077);

    (void)unused;
    assert_true(fs_write_new(path, "one", 3, FS_MODE_PUBLIC, &err));
    assert_int_equal(mode_of(path), 0644); /* exact, whatever the umask */
    (void)umask(0);
    assert_false(fs_write_new(path, "two", 3, FS_MODE_SECRET, &err));
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_content(path, "one");
    assert_int_equal(n_entries(), 1);
    (void)umask(old);
    free(path);

    /* A link is somebody else's file. */
    path = fs_join(folder, "link");
    assert_int_equal(symlink("nowhere", path), 0);
    assert_false(fs_write_new(path, "two", 3, FS_MODE_SECRET, &err));
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    free(path);
    path = mem_printf("%s/no/such/folder", folder);
    assert_false(fs_write_new(path, "two", 3, FS_MODE_SECRET, &err));
    assert_int_equal(err.code, ERR_FILE);
    free(path);
}

static void test_write_replace(void **unused)
{
    struct err err = ERR_INIT;
    char *path = fs_join(folder, "a");
    char *other = fs_join(folder, "b");

    (void)unused;
    assert_true(fs_write_replace(path, "one", 3, FS_MODE_SECRET, &err));
    assert_true(fs_write_replace(path, "two", 3, FS_MODE_PUBLIC, &err));
    assert_content(path, "two");
    assert_int_equal(mode_of(path), 0644);

    /* The link is replaced, not what it points to. */
    assert_int_equal(symlink(path, other), 0);
    assert_true(fs_write_replace(other, "three", 5, FS_MODE_SECRET, &err));
    assert_content(path, "two");
    assert_content(other, "three");
    assert_int_equal(n_entries(), 2);
    free(path);
    free(other);
}

/* ---- failing operations: the n-th one of a write fails, for every n ---- */

static int ops_left;

static bool fails_now(void)
{
    if (ops_left-- > 0)
        return false;
    errno = ENOSPC;
    return true;
}

/* One byte at a time, as a disk that is nearly full may do. */
static ssize_t short_write(int fd, const void *bytes, size_t len)
{
    (void)len;
    return fails_now() ? -1 : write(fd, bytes, 1);
}

static int failing_fsync(int fd)
{
    return fails_now() ? -1 : fsync(fd);
}

static int failing_link(const char *from, const char *to)
{
    return fails_now() ? -1 : link(from, to);
}

static int failing_rename(const char *from, const char *to)
{
    return fails_now() ? -1 : rename(from, to);
}

static const struct fs_ops failing_ops = {
    .write = short_write, .fsync = failing_fsync, .link = failing_link, .rename = failing_rename};

static void test_failing_new(void **unused)
{
    char *path = fs_join(folder, "a");
    bool done = false;
    int n;

    (void)unused;
    for (n = 0; !done; n++) {
        struct err err = ERR_INIT;

        assert_true(n < 100);
        ops_left = n;
        fs_replace_ops(&failing_ops);
        done = fs_write_new(path, "hello", 5, FS_MODE_SECRET, &err);
        fs_replace_ops(NULL);
        if (done)
            break;
        assert_int_equal(err.code, ERR_DISK_FULL);
        assert_non_null(strstr(err.msg, path));
        assert_int_equal(n_entries(), 0); /* neither the file nor a rest of it */
    }
    assert_int_equal(n, 5 + 1 + 1 + 1); /* five bytes, fsync, link, fsync of the folder */
    assert_content(path, "hello");
    assert_int_equal(n_entries(), 1);
    free(path);
}

static const struct fs_new_file two_files[] = {{"a", "he", 2, FS_MODE_SECRET},
                                               {"b", "llo", 3, FS_MODE_PUBLIC}};

/* Two files, or none; ret_steps: how many calls it takes. */
static void fail_two_files(const char *target, bool present, int *ret_steps)
{
    bool done = false;

    for (int n = 0; !done; n++) {
        struct err err = ERR_INIT;

        assert_true(n < 100);
        ops_left = n;
        fs_replace_ops(&failing_ops);
        done = present ? fs_write_new_files(target, two_files, 2, &err)
                       : fs_write_new_folder(target, two_files, 2, &err);
        fs_replace_ops(NULL);
        *ret_steps = n;
        if (done)
            break;
        assert_int_equal(err.code, ERR_DISK_FULL);
        assert_int_equal(n_entries(), 0); /* neither a file nor a folder nor a rest of them */
    }
}

static void test_failing_files(void **unused)
{
    char *a = fs_join(folder, "a");
    char *b = fs_join(folder, "b");
    struct err err = ERR_INIT;
    int steps = 0;

    (void)unused;
    fail_two_files(folder, true, &steps);
    assert_int_equal(steps, 5 + 2 + 2 + 1); /* five bytes, fsync, link, fsync of the folder */
    assert_content(a, "he");
    assert_content(b, "llo");
    assert_int_equal(n_entries(), 2);
    /* one name that is taken is enough */
    assert_int_equal(unlink(a), 0);
    assert_false(fs_write_new_files(folder, two_files, 2, &err));
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_int_equal(n_entries(), 1);
    free(a);
    free(b);
}

static void test_failing_new_folder(void **unused)
{
    char *target = fs_join(folder, "kit/");
    char *b = fs_join(folder, "kit/b");
    struct err err = ERR_INIT;
    int steps = 0;

    (void)unused;
    fail_two_files(target, false, &steps);
    assert_int_equal(steps, 5 + 2 + 1 + 1 + 1); /* fsync of each, of the folder; rename; fsync */
    assert_content(b, "llo");
    assert_int_equal(n_entries(), 1);
    assert_false(fs_write_new_folder(target, two_files, 2, &err)); /* it is not empty */
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_int_equal(n_entries(), 1);
    free(target);
    free(b);
}

static void test_failing_replace(void **unused)
{
    char *path = fs_join(folder, "a");
    struct err err = ERR_INIT;
    bool done = false;

    (void)unused;
    assert_true(fs_write_new(path, "old", 3, FS_MODE_SECRET, &err));
    for (int n = 0; !done; n++) {
        assert_true(n < 100);
        ops_left = n;
        fs_replace_ops(&failing_ops);
        done = fs_write_replace(path, "hello", 5, FS_MODE_SECRET, &err);
        fs_replace_ops(NULL);
        assert_int_equal(n_entries(), 1);
        if (n < 5 + 1 + 1)
            assert_content(path, "old");
    }
    assert_content(path, "hello");
    free(path);
}

/* ---- reading ---- */

static void test_read(void **unused)
{
    struct err err = ERR_INIT;
    struct strbuf out = STRBUF_INIT;
    char *path = fs_join(folder, "a");

    (void)unused;
    assert_false(fs_read(path, 10, &out, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_true(fs_write_new(path, "0123456789", 10, FS_MODE_SECRET, &err));
    assert_true(fs_read(path, 10, &out, &err));
    assert_string_equal(out.data, "0123456789");
    assert_false(fs_read(path, 9, &out, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_false(fs_read(folder, 10, &out, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_false(fs_read("/dev/zero", 10, &out, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: must not hang */
    assert_false(fs_read(path, 10, &out, &err));
    strbuf_clear(&out);
    free(path);
}

static void test_read_only_folder(void **unused)
{
    struct err err = ERR_INIT;
    char *path = fs_join(folder, "a");

    (void)unused;
    assert_int_equal(chmod(folder, 0500), 0);
    if (access(folder, W_OK) != 0) { /* root writes anywhere */
        assert_false(fs_write_new(path, "x", 1, FS_MODE_SECRET, &err));
        assert_int_equal(err.code, ERR_FILE);
        assert_non_null(strstr(err.msg, "denied"));
    }
    assert_int_equal(chmod(folder, 0700), 0);
    free(path);
}

/* ---- folders ---- */

static void test_folders(void **unused)
{
    struct err err = ERR_INIT;
    char *path = mem_printf("%s/a/b/c", folder);
    char *file = mem_printf("%s/a/file", folder);
    char *below = mem_printf("%s/below", file);
    mode_t old = umask(0);

    (void)unused;
    assert_true(fs_make_folder(path, &err));
    assert_true(fs_make_folder(path, &err));
    (void)umask(old);
    assert_int_equal(mode_of(path), 0700);
    assert_true(fs_check_own_folder(path, &err));
    assert_int_equal(chmod(path, 0720), 0);
    assert_false(fs_check_own_folder(path, &err));
    assert_int_equal(err.code, ERR_FILE_UNSAFE);
    assert_true(fs_write_new(file, "x", 1, FS_MODE_SECRET, &err));
    assert_false(fs_check_own_folder(file, &err));
    assert_false(fs_make_folder(below, &err));
    assert_false(fs_check_own_folder("/", &err) && geteuid() != 0);
    free(path);
    free(file);
    free(below);
}

static void test_remove_does_not_follow_links(void **unused)
{
    struct err err = ERR_INIT;
    char *outside = mem_printf("%s/outside/deep", folder);
    char *precious = fs_join(outside, "precious");
    char *inside = mem_printf("%s/inside/deep", folder);
    char *link = fs_join(inside, "link");
    char *top = fs_join(folder, "inside");
    char *top_link = fs_join(folder, "link");

    (void)unused;
    assert_true(fs_make_folder(outside, &err) && fs_make_folder(inside, &err));
    assert_true(fs_write_new(precious, "x", 1, FS_MODE_SECRET, &err));
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(symlink(outside, top_link), 0);
    assert_true(fs_remove_tree(top, &err));
    assert_false(fs_exists(top));
    assert_true(fs_exists(precious));
    assert_false(fs_remove_tree(top_link, &err)); /* is a link, not a folder */
    assert_true(fs_exists(precious));
    assert_true(fs_remove_tree(top, &err)); /* gone already: fine */
    free(outside);
    free(precious);
    free(inside);
    free(link);
    free(top);
    free(top_link);
}

static void test_names(void **unused)
{
    struct err err = ERR_INIT;
    char *text = fs_join("/a", "b");

    (void)unused;
    assert_string_equal(text, "/a/b");
    free(text);
    text = fs_join("/a/", "b");
    assert_string_equal(text, "/a/b");
    free(text);

    assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
    text = fs_data_folder(&err);
    assert_string_equal(text, "/data/pgseal");
    free(text);
    assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0); /* ignored */
    assert_int_equal(setenv("HOME", "/home/x", 1), 0);
    text = fs_data_folder(&err);
    assert_string_equal(text, "/home/x/.local/share/pgseal");
    free(text);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    text = fs_state_folder(&err);
    assert_string_equal(text, "/home/x/.local/state/pgseal");
    free(text);
    assert_int_equal(unsetenv("HOME"), 0);
    assert_null(fs_data_folder(&err));
    assert_int_equal(err.code, ERR_FILE);
}

/* ---- log ---- */

static int64_t fixed_now(void)
{
    return INT64_C(1795291200);
}

static void test_log(void **unused)
{
    char *path = fs_join(folder, "log");
    char *expected = mem_printf("2026-11-21T20:00:00Z %ld info one\n"
                                "2026-11-21T20:00:00Z %ld error two\xef\xbf\xbd[0m three\n",
                                (long)getpid(), (long)getpid());

    (void)unused;
    clock_replace(fixed_now);
    log_info("nowhere: %d", 0); /* not open: silently off */
    log_open(path);
    log_info("%s", "one");
    log_error("two\x1b[0m\n%s", "three");
    log_open(NULL);
    log_info("nowhere again");
    clock_replace(NULL);
    assert_content(path, expected);
    assert_int_equal(mode_of(path), 0600);
    log_open("/nonexistent/log");
    log_info("still no error");
    log_open(NULL);
    free(path);
    free(expected);
}

static void test_steady_folder(void **unused)
{
    (void)unused;
    assert_true(fs_is_steady_folder(folder));
    assert_int_equal(chmod(folder, 0777), 0); /* anybody could put a link in our place */
    assert_false(fs_is_steady_folder(folder));
    assert_int_equal(chmod(folder, 0770), 0);
    assert_false(fs_is_steady_folder(folder));
    assert_int_equal(chmod(folder, 01777), 0); /* as /tmp */
    assert_true(fs_is_steady_folder(folder));
    assert_int_equal(chmod(folder, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(folder, 65534, 65534), 0);
        assert_false(fs_is_steady_folder(folder));
        assert_int_equal(chown(folder, 0, 0), 0);
    }
    assert_false(fs_is_steady_folder("/dev/null"));
    assert_false(fs_is_steady_folder("/nonexistent"));
}

/* Under sudo the folder may be another user's. */
static void test_log_of_somebody_else(void **unused)
{
    char *path = fs_join(folder, "pgseal.log");
    char *other = fs_join(folder, "other.log");
    struct err err = ERR_INIT;

    (void)unused;
    assert_int_equal(mkfifo(path, 0600), 0);
    log_open(path); /* nobody reads it: an open() that waits would wait for ever */
    log_info("nobody reads this");
    assert_int_equal(unlink(path), 0);

    assert_true(fs_write_new(other, "old\n", 4, 0600, &err));
    assert_int_equal(symlink(other, path), 0);
    log_open(path);
    log_info("not behind a link");
    assert_content(other, "old\n");
    assert_int_equal(unlink(path), 0);

    assert_int_equal(chmod(other, 0666), 0);
    log_open(other);
    log_info("not where others write too");
    assert_content(other, "old\n");
    log_open(NULL);
    free(path);
    free(other);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_write_new),
        IN_FOLDER(test_write_replace),
        IN_FOLDER(test_failing_new),
        IN_FOLDER(test_failing_files),
        IN_FOLDER(test_failing_new_folder),
        IN_FOLDER(test_failing_replace),
        IN_FOLDER(test_read),
        IN_FOLDER(test_read_only_folder),
        IN_FOLDER(test_folders),
        IN_FOLDER(test_remove_does_not_follow_links),
        cmocka_unit_test(test_names),
        IN_FOLDER(test_log),
        IN_FOLDER(test_log_of_somebody_else),
        IN_FOLDER(test_steady_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
