/*
 * store_disk.c - a disk that is full, and one that can only be read.
 *
 * Full: by a limit on the size of files, and where mount(2) is allowed on a small tmpfs. Read-only:
 * a tmpfs mounted so where that is allowed, else by modes.
 */
#include "config.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/kit/kit.h"
#include "core/store/revoked.h"
#include "core/store/sql.h"
#include "tests/harness/store_box.h"

static struct err err;

static int64_t number(struct store *store, const char *text)
{
    struct sql *sql = sql_new(store, text, &err);
    int64_t value = 0;

    if (sql == NULL)
        fail_msg("%s", err.msg);
    BOX_OK(sql_run_int(sql, -1, &value, &err));
    return value;
}

/* Issues until the disk is full; returns how many were issued. */
static int64_t issue_until_full(struct box *box, const struct authority *authority,
                                const struct key *key)
{
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.role = "alice", .key = own};
    int64_t made = 0;

    for (;;) {
        struct issued *issued = issued_make(box->store, authority, key, &spec, &err);

        if (issued == NULL)
            break;
        issued_free(issued);
        made++;
        assert_true(made < 5000);
    }
    box_assert_err(&err, ERR_DISK_FULL);
    key_free(own);
    return made;
}

static void after_full(struct box *box, struct authority *authority, const struct key *key,
                       int64_t made)
{
    struct issued_filter filter = {.state = -1, .limit = 1};
    struct issued_list list;
    struct crl *crl;

    assert_int_equal(number(box->store, "SELECT count(*) FROM issued WHERE kind < 2"), made);
    box_reopen(box, STORE_WRITE);
    assert_int_equal(number(box->store, "SELECT count(*) FROM issued WHERE kind < 2"), made);
    assert_int_equal(number(box->store, "SELECT count(*) FROM pragma_integrity_check"
                                        " WHERE integrity_check <> 'ok'"),
                     0);
    /* with room again, the same store goes on */
    BOX_OK(issued_list(box->store, &filter, &list, &err));
    assert_int_equal(list.total, made);
    crl = revoked_and_sign(box->store, authority, key, list.rows[0], CRL_SUPERSEDED, 0, &err);
    if (crl == NULL)
        fail_msg("%s", err.msg);
    assert_true(crl_has(crl, &list.rows[0]->serial));
    crl_free(crl);
    issued_list_clear(&list);
}

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

/* A tmpfs of its own, seen by this process only. */
static bool mount_small(const char *folder)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    return mount("tmpfs", folder, "tmpfs", 0, "size=512k,mode=0700") == 0;
}

static void test_full_tmpfs(void **state)
{
    struct key *key = NULL;
    struct authority *authority;
    struct authority_spec second = {.name = "Second"};
    struct kit_files files = {NULL, NULL, NULL, NULL, NULL, NULL};
    struct box box;
    char *keys;
    char *kit;
    char *filler;
    int64_t made;

    (void)state;
    box_open(&box);
    store_close(box.store);
    box.store = NULL;
    if (!mount_small(box.store_folder)) {
        box_reopen(&box, STORE_CREATE);
        box_close(&box);
        print_message("# no mount(2) here: the full tmpfs was not tried\n");
        return;
    }
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

static void check_reading(struct box *box)
{
    struct issued_filter filter = {.state = -1};
    struct authority *authority;
    struct issued_list list;
    struct crl *crl;

    box->store = store_open(box->store_folder, STORE_READ, &err);
    if (box->store == NULL)
        fail_msg("%s", err.msg);
    authority = authority_load(box->store, NULL, &err);
    assert_non_null(authority);
    crl = authority_crl(box->store, authority, &err);
    assert_non_null(crl);
    BOX_OK(issued_list(box->store, &filter, &list, &err));
    assert_int_equal(list.n, 1);
    issued_list_clear(&list);
    assert_false(store_note(box->store, "act", "object", NULL, &err));
    box_assert_err(&err, ERR_STORE);
    crl_free(crl);
    authority_free(authority);
    store_close(box->store);
    box->store = NULL;
}

static void check_writing_is_refused(struct box *box)
{
    struct store *store = store_open(box->store_folder, STORE_WRITE, &err);

    if (store != NULL) { /* opening writes nothing when the schema is of today */
        assert_false(store_note(store, "act", "object", NULL, &err));
        store_close(store);
    }
    box_assert_err(&err, ERR_STORE);
}

static void test_read_only(void **state)
{
    struct key *key = NULL;
    struct authority *authority;
    struct box box;
    bool mounted;

    (void)state;
    box_open(&box);
    store_close(box.store);
    box.store = NULL;
    mounted = mount_small(box.store_folder);
    box_reopen(&box, STORE_CREATE);
    authority = box_authority(&box, "Acme", &key);
    issued_free(box_issue(&box, authority, key, "alice", 30));
    store_close(box.store);
    box.store = NULL;
    if (mounted) {
        assert_int_equal(mount("tmpfs", box.store_folder, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL),
                         0);
        check_reading(&box);
        check_writing_is_refused(&box);
        assert_int_equal(umount(box.store_folder), 0);
    } else if (geteuid() != 0) {
        assert_int_equal(box_run(NULL, "chmod 400 '%s'/pgseal.db && chmod 500 '%s'",
                                 box.store_folder, box.store_folder),
                         0);
        check_reading(&box);
        check_writing_is_refused(&box);
        assert_int_equal(chmod(box.store_folder, 0700), 0);
    } else {
        print_message("# root without mount(2): nothing is read-only here\n");
    }
    authority_free(authority);
    key_free(key);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_size_limit),
        cmocka_unit_test(test_full_tmpfs),
        cmocka_unit_test(test_read_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
