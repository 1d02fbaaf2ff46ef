/* base_secret.c - secrets are bounded, wiped, not inherited; passphrase files are private. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/base/secret.h"

static void test_bounds(void **unused)
{
    struct secret *secret = secret_new(8);

    (void)unused;
    assert_int_equal(secret_capacity(secret), 8);
    assert_int_equal(secret_len(secret), 0);
    assert_string_equal(secret_data(secret), "");
    assert_true(secret_set(secret, "12345678", 8));
    assert_false(secret_add(secret, "9", 1));
    assert_string_equal(secret_data(secret), "12345678");
    assert_false(secret_set(secret, "123456789", 9));
    assert_string_equal(secret_data(secret), "12345678"); /* kept, not half replaced */
    secret_truncate(secret, 3);
    assert_string_equal(secret_data(secret), "123");
    assert_memory_equal(secret_data(secret) + 3, "\0\0\0\0\0", 5); /* wiped, not just cut */
    secret_wipe(secret);
    assert_memory_equal(secret_data(secret), "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(secret_len(secret), 0);
    secret_free(secret);
    secret_free(NULL);
}

static void test_characters(void **unused)
{
    struct secret *secret = secret_new(10);

    (void)unused;
    assert_true(secret_add_code_point(secret, 'a'));
    assert_true(secret_add_code_point(secret, 0xfc));
    assert_true(secret_add_code_point(secret, 0x1f512));
    assert_int_equal(secret_len(secret), 7);
    assert_int_equal(secret_characters(secret), 3);
    assert_false(secret_add_code_point(secret, 0x1f512)); /* four bytes into three */
    assert_false(secret_add_code_point(secret, 0x110000));
    secret_backspace(secret);
    assert_string_equal(secret_data(secret), "a\xc3\xbc");
    secret_backspace(secret);
    secret_backspace(secret);
    secret_backspace(secret);
    assert_int_equal(secret_len(secret), 0);
    secret_free(secret);
}

static void test_equal_and_dup(void **unused)
{
    struct secret *a = secret_new(20);
    struct secret *b;

    (void)unused;
    assert_true(secret_set(a, "open sesame", 11));
    b = secret_dup(a);
    assert_true(secret_equal(a, b));
    assert_true(secret_set(b, "open sesamf", 11));
    assert_false(secret_equal(a, b));
    assert_true(secret_set(b, "open", 4));
    assert_false(secret_equal(a, b));
    assert_null(secret_dup(NULL));
    secret_free(a);
    secret_free(b);
}

static void test_not_inherited(void **unused)
{
    struct secret *secret = secret_new(20);
    int status = -1;
    pid_t pid;

    (void)unused;
    assert_true(secret_set(secret, "open sesame", 11));
    pid = fork();
    if (pid == 0) { /* the whole page reads as zeros there */
        const volatile char *data = secret_data(secret);

        _exit(data[0] == 0 && data[10] == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_string_equal(secret_data(secret), "open sesame");
    secret_free(secret);
}

static void expect_file(const char *folder, const char *content, size_t len, mode_t mode,
                        enum err_code code, const char *expected)
{
    struct err err = ERR_INIT;
    char *path = fs_join(folder, "passphrase");
    struct secret *secret;

    assert_true(fs_write_new(path, content, len, mode, &err));
    secret = secret_read_file(path, &err);
    if (expected == NULL) {
        assert_null(secret);
        assert_int_equal(err.code, code);
    } else {
        assert_non_null(secret);
        assert_string_equal(secret_data(secret), expected);
    }
    secret_free(secret);
    assert_int_equal(unlink(path), 0);
    free(path);
}

static void test_files(void **unused)
{
    struct err err = ERR_INIT;
    char *folder = fs_make_temp_folder("pgseal-test", &err);
    char *path = fs_join(folder, "link");
    char big[2 * SECRET_PASSPHRASE_MAX];

    (void)unused;
    memset(big, 'x', sizeof(big));
    expect_file(folder, "sesame\n", 7, 0600, ERR_NONE, "sesame");
    expect_file(folder, "sesame\r\n", 8, 0400, ERR_NONE, "sesame");
    expect_file(folder, "sesame", 6, 0600, ERR_NONE, "sesame");
    expect_file(folder, " two words \nsecond line", 23, 0600, ERR_NONE, " two words ");
    expect_file(folder, "sesame\n", 7, 0640, ERR_FILE_UNSAFE, NULL);
    expect_file(folder, "sesame\n", 7, 0604, ERR_FILE_UNSAFE, NULL);
    expect_file(folder, "a\0b\n", 4, 0600, ERR_BAD_VALUE, NULL);
    expect_file(folder, big, sizeof(big), 0600, ERR_BAD_VALUE, NULL);

    assert_null(secret_read_file(path, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_null(secret_read_file(folder, &err)); /* no regular file */
    assert_true(err.code == ERR_FILE || err.code == ERR_FILE_UNSAFE);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not hang */
    assert_null(secret_read_file(path, &err));
    free(path);
    assert_true(fs_remove_tree(folder, &err));
    free(folder);
}

static void test_descriptor_is_read_to_the_line_end(void **unused)
{
    struct err err = ERR_INIT;
    int ends[2];
    struct secret *secret;
    char rest[8] = "";

    (void)unused;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "one\ntwo", 7), 7);
    secret = secret_read_fd(ends[0], &err);
    assert_non_null(secret);
    assert_string_equal(secret_data(secret), "one");
    assert_int_equal(read(ends[0], rest, sizeof(rest)), 3);
    assert_string_equal(rest, "two");
    secret_free(secret);
    close(ends[0]);
    assert_null(secret_read_fd(ends[0], &err));
    assert_int_equal(err.code, ERR_FILE);
    close(ends[1]);
}

static void test_protected_process(void **unused)
{
    int status = -1;
    pid_t pid = fork();

    (void)unused;
    if (pid == 0) {
        struct rlimit limit = {.rlim_cur = 1};

        secret_protect_process();
        if (prctl(PR_GET_DUMPABLE) != 0 || umask(0) != 077 || getrlimit(RLIMIT_CORE, &limit) != 0 ||
            limit.rlim_cur != 0)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_a_whole_file(void **unused)
{
    struct err err = ERR_INIT;
    char *folder = fs_make_temp_folder("pgseal-test", &err);
    char *path = fs_join(folder, "key");
    char *fifo = fs_join(folder, "fifo");
    struct secret *secret;

    (void)unused;
    assert_true(fs_write_new(path, "one\ntwo\0three", 13, 0600, &err));
    secret = secret_read_whole(path, 13, &err);
    assert_non_null(secret);
    assert_int_equal(secret_len(secret), 13);
    assert_memory_equal(secret_data(secret), "one\ntwo\0three", 13);
    secret_free(secret);
    assert_null(secret_read_whole(path, 12, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_null(secret_read_whole(folder, 100, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_null(secret_read_whole(fifo, 100, &err)); /* and nobody waits for a writer */
    assert_int_equal(err.code, ERR_FILE);
    assert_true(fs_remove_tree(folder, &err));
    assert_null(secret_read_whole(path, 100, &err));
    assert_int_equal(err.code, ERR_FILE);
    free(folder);
    free(path);
    free(fifo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_equal_and_dup),
        cmocka_unit_test(test_not_inherited),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_descriptor_is_read_to_the_line_end),
        cmocka_unit_test(test_protected_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
