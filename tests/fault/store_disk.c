/*
 * store_disk.c - a disk that is full, by a limit on the size of files, and one that can only be read,
 * by modes. Those of tests/fault/store_mount.c are real ones.
 */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fault/full_disk.h"

static void test_file_size_limit(void **state)
{
    struct rlimit old;
    struct rlimit limit;
    struct key *key = NULL;
    struct authority *authority;
    struct box box;
    int64_t made;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    box_open(&box);
    authority = box_authority(&box, "Acme", &key);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 400000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    made = issue_until_full(&box, authority, key);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(made > 10);
    after_full(&box, authority, key, made);
    authority_free(authority);
    key_free(key);
    box_close(&box);
}

static void test_read_only(void **state)
{
    struct key *key = NULL;
    struct authority *authority;
    struct box box;

    (void)state;
    box_open(&box);
    authority = box_authority(&box, "Acme", &key);
    issued_free(box_issue(&box, authority, key, "alice", 30));
    store_close(box.store);
    box.store = NULL;
    if (geteuid() != 0) {
        assert_int_equal(box_run(NULL, "chmod 400 '%s'/pgseal.db && chmod 500 '%s'",
                                 box.store_folder, box.store_folder),
                         0);
        check_reading(&box);
        check_writing_is_refused(&box);
        assert_int_equal(chmod(box.store_folder, 0700), 0);
    } else {
        print_message("# root: no mode makes a file read-only\n");
    }
    authority_free(authority);
    key_free(key);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_size_limit),
        cmocka_unit_test(test_read_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
