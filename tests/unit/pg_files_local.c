/*
 * pg_files_local.c - what the server's user cannot make root do with its files.
 *
 * The names of the files come from the server, and the folders are its user's: both are bent here
 * while "root" works on them. Only root can be led astray, so the program is skipped for others.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/files_local.h"

#define SERVER_UID ((uid_t)65534)

/* root/ (0711) has roots/ (0700, with a file that all may read) and data/, the server's */
struct place {
    char *top, *roots, *data, *bent, *precious;
    struct local_owner owner;
};

static void make_folder(const char *path, mode_t mode, uid_t uid)
{
    assert_int_equal(mkdir(path, mode), 0);
    assert_int_equal(chown(path, uid, (gid_t)uid), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
    struct place *place = mem_zalloc(sizeof(*place));
    struct err err = ERR_INIT;

    place->top = fs_make_temp_folder("pgseal-test", &err);
    if (!place->top || chmod(place->top, 0711))
        return -1;
    place->roots = fs_join(place->top, "roots");
    place->data = fs_join(place->top, "data");
    place->bent = fs_join(place->data, "bent");
    place->precious = fs_join(place->roots, "precious");
    make_folder(place->roots, 0755, 0);
    make_folder(place->data, 0700, SERVER_UID);
    if (!fs_write_new(place->precious, "local all all trust\n", 20, 0644, &err) ||
        symlink(place->roots, place->bent))
        return -1;
    place->owner = (struct local_owner){.uid = SERVER_UID, .gid = (gid_t)SERVER_UID};
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    bool gone = fs_remove_tree(place->top, &err);

    free(place->top);
    free(place->roots);
    free(place->data);
    free(place->bent);
    free(place->precious);
    free(place);
    return gone ? 0 : -1;
}

static void assert_content(const char *path, const char *text)
{
    struct strbuf content = STRBUF_INIT;
    struct err err = ERR_INIT;

    assert_true(fs_read(path, 1000, &content, &err));
    assert_string_equal(content.data, text);
    strbuf_clear(&content);
}

/* A thread that went on as somebody else would fail at the next thing it does. */
static void assert_still_root(void)
{
    gid_t groups[64];

    assert_int_equal(setfsuid((uid_t)-1), 0);
    assert_int_equal(setfsgid((gid_t)-1), getegid());
    assert_true(getgroups(64, groups) >= 0);
}

static void a_file_is_born_as_the_servers(void **state)
{
    const struct place *place = *state;
    char *path = fs_join(place->data, "new.crt");
    struct err err = ERR_INIT;
    struct stat st;

    if (!local_write_new(path, "x", 1, 0640, &place->owner, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_uid, SERVER_UID);
    assert_int_equal(st.st_gid, SERVER_UID);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_true(local_remove(path, &place->owner));
    assert_int_equal(lstat(path, &st), -1);
    assert_still_root();
    free(path);
}

static void a_new_file_does_not_follow_a_bent_folder(void **state)
{
    const struct place *place = *state;
    char *path = fs_join(place->bent, "pgseal-probe-0123");
    char *behind = fs_join(place->roots, "pgseal-probe-0123");
    struct err err = ERR_INIT;

    assert_false(local_write_new(path, "x", 1, 0600, &place->owner, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_false(fs_exists(behind));
    assert_still_root();
    free(path);
    free(behind);
}

static void what_is_roots_is_not_replaced(void **state)
{
    const struct place *place = *state;
    char *link = fs_join(place->data, "pg_hba.conf");
    struct strbuf expected = STRBUF_INIT;
    struct err err = ERR_INIT;
    bool same = true;

    strbuf_add_str(&expected, "local all all trust\n");
    assert_int_equal(symlink(place->precious, link), 0);
    if (!local_replace(link, &expected, "evil\n", 5, &place->owner, &same, &err))
        assert_int_equal(err.code, ERR_FILE);
    assert_false(same);
    same = true;
    if (!local_replace(place->precious, &expected, "evil\n", 5, &place->owner, &same, &err))
        assert_int_equal(err.code, ERR_FILE);
    assert_false(same);
    assert_content(place->precious, "local all all trust\n");
    assert_still_root();
    assert_int_equal(unlink(link), 0);
    strbuf_clear(&expected);
    free(link);
}

static void what_is_roots_is_not_removed_or_read(void **state)
{
    const struct place *place = *state;
    char *bent = fs_join(place->bent, "precious");
    uint8_t hash[32];

    assert_false(local_remove(bent, &place->owner));
    assert_true(fs_exists(place->precious));
    assert_int_equal(chmod(place->precious, 0600), 0);
    assert_false(local_sha256(bent, &place->owner, hash));
    assert_false(local_sha256(place->precious, &place->owner, hash));
    assert_int_equal(chmod(place->precious, 0644), 0);
    assert_still_root();
    free(bent);
}

/* "/tmp" as a data directory: it is root's, and anybody can put a pg_control into it. */
static void a_folder_of_root_is_no_cluster(void **state)
{
    const struct place *place = *state;
    char *shared = fs_join(place->top, "shared");
    char *global = fs_join(shared, "global");
    char *control = fs_join(global, "pg_control");
    const uint64_t identifier = 7000000000000000001u;
    struct local_owner owner;
    struct err err = ERR_INIT;

    make_folder(shared, 01777, 0);
    make_folder(global, 0700, SERVER_UID);
    assert_true(fs_write_new(control, &identifier, sizeof(identifier), 0600, &err));
    assert_int_equal(chown(control, SERVER_UID, (gid_t)SERVER_UID), 0);
    assert_false(local_is_cluster(shared, "7000000000000000001", &owner));
    assert_int_equal(chmod(shared, 0700), 0);
    assert_false(local_is_cluster(shared, "7000000000000000001", &owner));
    /* the same as the server's own is one, unless others can write to it */
    assert_int_equal(chown(shared, SERVER_UID, (gid_t)SERVER_UID), 0);
    assert_true(local_is_cluster(shared, "7000000000000000001", &owner));
    assert_int_equal(owner.uid, SERVER_UID);
    assert_false(local_is_cluster(shared, "7000000000000000002", &owner));
    assert_int_equal(chmod(shared, 0770), 0);
    assert_false(local_is_cluster(shared, "7000000000000000001", &owner));
    assert_still_root();
    free(shared);
    free(global);
    free(control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_born_as_the_servers),
        cmocka_unit_test(a_new_file_does_not_follow_a_bent_folder),
        cmocka_unit_test(what_is_roots_is_not_replaced),
        cmocka_unit_test(what_is_roots_is_not_removed_or_read),
        cmocka_unit_test(a_folder_of_root_is_no_cluster),
    };

    if (geteuid()) {
        puts("1..0 # SKIP only root can be led astray");
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
