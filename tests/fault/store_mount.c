/*
 * store_mount.c - a disk that is full, and one that is mounted read-only: a small tmpfs that only this
 * process and its children see. Where mount(2) is not allowed, not even in a user namespace of one's
 * own, it is skipped.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/kit/kit.h"
#include "tests/fault/full_disk.h"
#include "tests/harness/own_mounts.h"

static struct err err;

static void mount_small(const char *folder)
{
    assert_int_equal(mount("tmpfs", folder, "tmpfs", 0, "size=512k,mode=0700"), 0);
}

static void test_full_tmpfs(void **state)
{
    struct key *key = NULL;
    struct authority *authority;
    struct authority_spec second = {.name = "Second"};
    struct kit_files files = {.certificate = NULL};
    struct box box;
    char *keys;
    char *kit;
    char *filler;
    int64_t made;

    (void)state;
    box_open(&box);
    store_close(box.store);
    box.store = NULL;
    mount_small(box.store_folder);
    box_reopen(&box, STORE_CREATE);
    authority = box_authority(&box, "Acme", &key);
    filler = fs_join(box.store_folder, "filler");
    keys = fs_join(box.store_folder, "keys");
    kit = fs_join(box.store_folder, "kit");
    made = issue_until_full(&box, authority, key);
    assert_true(made > 10);
    box_run(NULL, "cat /dev/zero > '%s' 2>/dev/null", filler);
    assert_null(authority_create(box.store, &second, &err));
    box_assert_err(&err, ERR_DISK_FULL);
    assert_int_equal(box_run(NULL, "test $(ls '%s' | wc -l) = 3", keys), 0);
    {
        struct issued_filter filter = {.state = -1, .limit = 1};
        struct issued_list list;
        struct kit_spec spec = {.folder = kit, .ca = authority->cert};

        BOX_OK(issued_list(box.store, &filter, &list, &err));
        spec.issued = list.rows[0];
        assert_false(kit_write(&spec, &files, &err));
        box_assert_err(&err, ERR_DISK_FULL);
        assert_false(fs_exists(kit));
        issued_list_clear(&list);
    }
    unlink(filler);
    after_full(&box, authority, key, made);
    authority_free(authority);
    key_free(key);
    store_close(box.store);
    box.store = NULL;
    assert_int_equal(umount(box.store_folder), 0);
    free(filler);
    free(keys);
    free(kit);
    box_close(&box);
}

static void test_read_only(void **state)
{
    struct key *key = NULL;
    struct authority *authority;
    struct box box;

    (void)state;
    box_open(&box);
    store_close(box.store);
    box.store = NULL;
    mount_small(box.store_folder);
    box_reopen(&box, STORE_CREATE);
    authority = box_authority(&box, "Acme", &key);
    issued_free(box_issue(&box, authority, key, "alice", 30));
    store_close(box.store);
    box.store = NULL;
    assert_int_equal(mount("tmpfs", box.store_folder, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
    check_reading(&box);
    check_writing_is_refused(&box);
    assert_int_equal(umount(box.store_folder), 0);
    authority_free(authority);
    key_free(key);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_tmpfs),
        cmocka_unit_test(test_read_only),
    };

    if (!own_mounts()) {
        puts("1..0 # SKIP no mount(2) here: a full disk cannot be made");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
