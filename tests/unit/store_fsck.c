/* store_fsck.c - what is broken on purpose is found, and mended where it can be. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/crl_ahead.h"
#include "core/store/fsck.h"
#include "core/store/revoked.h"
#include "core/store/sql.h"
#include "tests/harness/store_box.h"

static struct err err;

struct fixture {
    struct box box;
    struct authority *authority;
    struct key *key;
    struct issued *alice;
    char *key_path;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_zalloc(sizeof(*fixture));
    char *name = NULL;

    err = (struct err)ERR_INIT;
    box_open(&fixture->box);
    fixture->authority = box_authority(&fixture->box, "Acme", &fixture->key);
    fixture->alice = box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 30);
    BOX_OK(issued_mark_delivered(fixture->box.store, fixture->alice, &err));
    box_run(&name, "cd '%s/keys' && ls | grep -v good | grep -v revoked | tr -d '\n'",
            fixture->box.store_folder);
    fixture->key_path = mem_printf("%s/keys/%s", fixture->box.store_folder, name);
    free(name);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    issued_free(fixture->alice);
    authority_free(fixture->authority);
    key_free(fixture->key);
    box_close(&fixture->box);
    free(fixture->key_path);
    free(fixture);
    return 0;
}

static struct key *unlock(void *arg, struct store *store, const struct authority *authority,
                          struct err *why)
{
    (void)arg;
    return authority_unlock(store, authority, NULL, why);
}

static void look(struct fixture *fixture, bool repair, struct fsck_list *list)
{
    struct fsck_options options = {.repair = repair, .unlock = unlock};

    memset(list, 0, sizeof(*list));
    store_close(fixture->box.store);
    fixture->box.store = NULL;
    fsck_access(fixture->box.store_folder, &options, list);
    box_reopen(&fixture->box, repair ? STORE_WRITE : STORE_READ);
    BOX_OK(fsck_run(fixture->box.store, &options, list, &err));
}

static const struct fsck_finding *find(const struct fsck_list *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (strstr(list->rows[i].message, text) || strstr(list->rows[i].object, text))
            return &list->rows[i];
    for (size_t i = 0; i < list->n; i++)
        print_message("# %s: %s\n", list->rows[i].object, list->rows[i].message);
    fail_msg("nothing says \"%s\"", text);
    return NULL;
}

static void assert_sound(struct fixture *fixture)
{
    struct fsck_list list;

    look(fixture, false, &list);
    for (size_t i = 0; i < list.n; i++)
        fail_msg("%s: %s", list.rows[i].object, list.rows[i].message);
    fsck_clear(&list);
}

/* Found, left alone by looking, mended by --repair, and gone afterwards. */
static void assert_mended(struct fixture *fixture, const char *text, enum fsck_severity severity)
{
    const struct fsck_finding *finding;
    struct fsck_list list;

    for (int repair = 0; repair < 2; repair++) {
        look(fixture, repair, &list);
        finding = find(&list, text);
        assert_int_equal(finding->severity, severity);
        assert_true(finding->repairable);
        assert_int_equal(finding->repaired, repair);
        assert_int_equal(fsck_count(&list, FSCK_NOTE), repair ? 0 : list.n);
        fsck_clear(&list);
    }
    assert_sound(fixture);
}

/* Found, and --repair keeps its hands off. */
static void assert_left(struct fixture *fixture, const char *text, enum fsck_severity severity)
{
    const struct fsck_finding *finding;
    struct fsck_list list;

    look(fixture, true, &list);
    finding = find(&list, text);
    assert_int_equal(finding->severity, severity);
    assert_false(finding->repairable || finding->repaired);
    fsck_clear(&list);
}

static void harm(struct fixture *fixture, const char *text)
{
    box_reopen(&fixture->box, STORE_WRITE);
    BOX_OK(sql_exec(fixture->box.store, text, &err));
}

/* ---- rows ---- */

static void test_sound(void **state)
{
    struct fixture *fixture = *state;
    struct fsck_list list;

    assert_sound(fixture);
    look(fixture, true, &list); /* mending what is sound changes nothing, and is not in the log */
    assert_int_equal(list.n, 0);
    assert_int_equal(list.certificates, 3);
    assert_int_equal(list.authorities, 1);
    fsck_clear(&list);
}

static void test_counters(void **state)
{
    harm(*state, "UPDATE authority SET n_issued = 99");
    assert_mended(*state, "counters", FSCK_WARNING);
}

static void test_columns(void **state)
{
    struct fixture *fixture = *state;
    struct issued_filter filter = {.state = -1, .subject = "CN=alice"};
    struct issued_list list;

    harm(fixture, "UPDATE issued SET not_after = 1, subject = 'CN=mallory' WHERE kind = 0");
    assert_mended(fixture, "other dates or another name", FSCK_WARNING);
    BOX_OK(issued_list(fixture->box.store, &filter, &list, &err));
    assert_int_equal(list.n, 1);
    issued_list_clear(&list);
}

static void test_certificates(void **state)
{
    struct fixture *fixture = *state;

    harm(fixture, "UPDATE issued SET serial = x'4711' WHERE kind = 0");
    assert_left(fixture, "another serial number", FSCK_ERROR);
    harm(fixture, "UPDATE issued SET cert = x'00' WHERE kind = 0");
    assert_left(fixture, "cannot be read", FSCK_ERROR);
}

static void test_other_authority(void **state)
{
    struct fixture *fixture = *state;

    box_reopen(&fixture->box, STORE_WRITE);
    authority_free(box_authority(&fixture->box, "Other", NULL));
    harm(fixture, "UPDATE issued SET authority_id = 2 WHERE kind = 0");
    assert_left(fixture, "not signed by its CA", FSCK_ERROR);
    harm(fixture, "UPDATE authority SET sha256 = x'00' WHERE id = 2");
    assert_left(fixture, "another fingerprint", FSCK_ERROR);
}

/* More findings than anybody reads are counted. */
static void test_many(void **state)
{
    struct fixture *fixture = *state;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.role = "x", .key = own};
    struct fsck_list list;

    BOX_OK(store_begin(fixture->box.store, &err));
    for (int i = 0; i < FSCK_MAX + 4; i++) {
        struct issued *issued =
            issued_make(fixture->box.store, fixture->authority, fixture->key, &spec, &err);

        assert_non_null(issued);
        issued_free(issued);
    }
    BOX_OK(store_commit(fixture->box.store, &err));
    harm(fixture, "UPDATE issued SET not_after = 1 WHERE kind = 0");
    look(fixture, false, &list);
    assert_int_equal(fsck_count(&list, FSCK_WARNING), FSCK_MAX + 5);
    fsck_clear(&list);
    /* one of those that nobody sees cannot be mended */
    harm(fixture, "UPDATE issued SET serial = x'4711' WHERE id = (SELECT max(id) FROM issued)");
    look(fixture, true, &list);
    assert_int_equal(list.n, FSCK_MAX);
    assert_true(list.left_off >= 5);
    assert_int_equal(fsck_count(&list, FSCK_WARNING), 1);
    fsck_clear(&list);
    look(fixture, false, &list); /* mended all the same */
    assert_int_equal(fsck_count(&list, FSCK_WARNING), 1);
    assert_non_null(find(&list, "another serial number"));
    fsck_clear(&list);
    key_free(own);
}

/* ---- lists ---- */

static void test_list_lacks_one(void **state)
{
    struct fixture *fixture = *state;
    struct authority *authority;
    struct crl *crl;

    harm(fixture, "UPDATE issued SET revoked_at = 1795000000, reason = 1 WHERE kind = 0");
    assert_mended(fixture, "lacks a revocation", FSCK_ERROR);
    authority = authority_load(fixture->box.store, NULL, &err);
    crl = authority_crl(fixture->box.store, authority, &err);
    assert_non_null(crl);
    assert_true(crl_has(crl, &fixture->alice->serial));
    crl_free(crl);
    authority_free(authority);
}

static void test_list_ended(void **state)
{
    box_set_now(BOX_NOW + 900 * CLOCK_DAY);
    assert_mended(*state, "has ended", FSCK_ERROR);
}

/* A set for later that a revocation never reached would let it in again one day. */
static void test_list_for_later(void **state)
{
    struct fixture *fixture = *state;
    struct crl_ahead_spec spec = {.lists = 4};
    struct crl_ahead_list ahead;
    size_t n = 0;

    BOX_OK(crl_ahead_sign(fixture->box.store, fixture->authority, fixture->key, &spec, &n, &err));
    assert_int_equal(n, 4);
    assert_sound(fixture);
    harm(fixture, "UPDATE crl SET der = x'3000' WHERE number = (SELECT max(number) FROM crl)");
    assert_mended(fixture, "signed for later cannot be read", FSCK_ERROR);
    harm(fixture, "UPDATE crl SET der = (SELECT der FROM crl WHERE number = 1) WHERE number ="
                  " (SELECT max(number) FROM crl)");
    assert_sound(fixture); /* nothing is revoked but the canary, which is on the first as well */
    harm(fixture, "UPDATE issued SET revoked_at = 1795000000, reason = 1 WHERE kind = 0");
    assert_mended(fixture, "lacks a revocation", FSCK_ERROR);
    harm(fixture, "UPDATE crl SET der = (SELECT der FROM crl WHERE number = 1) WHERE number ="
                  " (SELECT max(number) FROM crl)");
    assert_mended(fixture, "signed for later lacks a revocation", FSCK_ERROR);
    BOX_OK(crl_ahead_list(fixture->box.store, fixture->authority->id, &ahead, &err));
    assert_int_equal(ahead.n, 3);
    crl_ahead_list_clear(&ahead);
}

static void test_list_unreadable(void **state)
{
    harm(*state, "UPDATE crl SET der = x'3000'");
    assert_mended(*state, "cannot be read", FSCK_ERROR);
}

static struct key *locked(void *arg, struct store *store, const struct authority *authority,
                          struct err *why)
{
    (void)arg;
    (void)store;
    (void)authority;
    err_set(why, ERR_PASSPHRASE, "no");
    return NULL;
}

static void test_list_without_the_passphrase(void **state)
{
    struct fsck_options options = {.repair = true, .unlock = locked};
    struct fixture *fixture = *state;
    struct fsck_list list = {.n = 0};

    harm(fixture, "UPDATE issued SET revoked_at = 1795000000, reason = 1, not_after = 1 WHERE kind "
                  "= 0");
    BOX_OK(fsck_run(fixture->box.store, &options, &list, &err));
    assert_false(find(&list, "lacks a revocation")->repaired);
    assert_true(find(&list, "other dates")->repaired); /* the rest was mended */
    assert_int_equal(fsck_count(&list, FSCK_WARNING), 1);
    fsck_clear(&list);
}

/* ---- files ---- */

static void test_modes(void **state)
{
    struct fixture *fixture = *state;
    char *keys = fs_join(fixture->box.store_folder, "keys");
    char *database = fs_join(fixture->box.store_folder, "pgseal.db");

    assert_int_equal(chmod(fixture->key_path, 0644), 0);
    assert_mended(fixture, fixture->key_path, FSCK_ERROR);
    assert_int_equal(chmod(keys, 0755), 0);
    assert_mended(fixture, keys, FSCK_ERROR);
    /* with these the store cannot even be opened */
    assert_int_equal(chmod(database, 0666) | chmod(fixture->box.store_folder, 0777), 0);
    store_close(fixture->box.store);
    fixture->box.store = NULL;
    assert_null(store_open(fixture->box.store_folder, STORE_WRITE, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    {
        struct fsck_list list;

        look(fixture, true, &list);
        assert_int_equal(list.n, 2);
        assert_int_equal(fsck_count(&list, FSCK_NOTE), 0);
        fsck_clear(&list);
    }
    assert_sound(fixture);
    free(keys);
    free(database);
}

static void test_keys(void **state)
{
    struct fixture *fixture = *state;
    char *other = mem_printf("%s.other", fixture->key_path);

    harm(fixture, "UPDATE authority SET key_encrypted = 1");
    assert_mended(fixture, "its key has no passphrase", FSCK_WARNING);

    assert_int_equal(rename(fixture->key_path, other), 0);
    assert_left(fixture, "is not here", FSCK_WARNING);
    assert_left(fixture, "no row names this file", FSCK_NOTE); /* and never deleted */
    assert_int_equal(rename(other, fixture->key_path), 0);
    assert_sound(fixture);

    assert_int_equal(box_run(NULL,
                             "openssl genpkey -algorithm EC -pkeyopt "
                             "ec_paramgen_curve:P-256 > '%s' 2>/dev/null",
                             fixture->key_path),
                     0);
    assert_left(fixture, "is not its key", FSCK_ERROR);
    assert_int_equal(box_run(NULL, "rm '%s/keys/'*.good.key", fixture->box.store_folder), 0);
    assert_left(fixture, ".good.key", FSCK_WARNING);
    assert_int_equal(box_run(NULL, "rm -r '%s/keys'", fixture->box.store_folder), 0);
    {
        struct fsck_options options = {.repair = false};
        struct fsck_list list = {.n = 0};

        BOX_OK(fsck_run(fixture->box.store, &options, &list, &err));
        (void)find(&list, "the folder of the keys");
        fsck_clear(&list);
    }
    free(other);
}

static void touch(const char *path, int64_t when)
{
    struct utimbuf times = {(time_t)when, (time_t)when};
    struct err failed = ERR_INIT;

    BOX_OK(fs_write_new(path, "x", 1, 0600, &failed));
    assert_int_equal(utime(path, &times), 0);
}

static void test_remains(void **state)
{
    struct fixture *fixture = *state;
    char *half = mem_printf("%s.0123456789abcdef.tmp", fixture->key_path);
    char *doomed = mem_printf("%s/keys/doomed.key", fixture->box.store_folder);
    char *staging = mem_printf("%s/restore-a1B2c3", fixture->box.store_folder);
    struct fsck_list list;

    touch(half, BOX_NOW - 5);
    look(fixture, true, &list); /* somebody writes it now */
    assert_int_equal(list.n, 0);
    fsck_clear(&list);
    unlink(half);
    touch(half, BOX_NOW - 3600);
    assert_mended(fixture, "half of a file", FSCK_WARNING);
    assert_false(fs_exists(half));

    harm(fixture, "INSERT INTO doomed_file VALUES ('doomed.key')");
    touch(doomed, BOX_NOW - 3600);
    assert_mended(fixture, "given up", FSCK_WARNING);
    assert_false(fs_exists(doomed));
    {
        struct sql *sql = sql_new(fixture->box.store, "SELECT count(*) FROM doomed_file", &err);
        int64_t n = -1;

        BOX_OK(sql_run_int(sql, -1, &n, &err));
        assert_int_equal(n, 0);
    }

    assert_int_equal(mkdir(staging, 0700), 0);
    assert_mended(fixture, "half of a store", FSCK_WARNING);
    assert_false(fs_exists(staging));
    free(half);
    free(doomed);
    free(staging);
}

/* ---- the database itself ---- */

/* A page that is overwritten: what can be looked at is, and the damage is said. */
static void test_damaged(void **state)
{
    static const char *const names[] = {"issued_subject", "log", "issued", "crl"};
    struct fixture *fixture = *state;
    int64_t pages[ARRAY_LEN(names)];
    struct fsck_list list;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct sql *sql =
            sql_new(fixture->box.store, "SELECT rootpage FROM sqlite_schema WHERE name = ?1", &err);

        assert_non_null(sql);
        sql_bind_text(sql, 1, names[i]);
        BOX_OK(sql_run_int(sql, 0, &pages[i], &err));
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        store_close(fixture->box.store);
        fixture->box.store = NULL;
        assert_int_equal(box_run(NULL,
                                 "dd if=/dev/urandom of='%s/pgseal.db' bs=4096 seek=%d count=1 "
                                 "conv=notrunc 2>/dev/null",
                                 fixture->box.store_folder, (int)pages[i] - 1),
                         0);
        look(fixture, i % 2 == 1, &list);
        assert_true(fsck_count(&list, FSCK_ERROR) > 0);
        assert_int_equal(find(&list, "pgseal.db")->severity, FSCK_ERROR);
        fsck_clear(&list);
    }
}

static void test_clock_and_orphans(void **state)
{
    struct fixture *fixture = *state;

    harm(fixture, "INSERT INTO log (at, who, act, object, detail) VALUES (1895298142, 'me', 'act',"
                  " 'x', '')");
    assert_left(fixture, "the clock was ahead", FSCK_WARNING);
    harm(fixture, "PRAGMA foreign_keys = OFF;"
                  "INSERT INTO server_trust VALUES (77, 1, 0); PRAGMA foreign_keys = ON");
    assert_left(fixture, "belongs to nothing", FSCK_ERROR);
}

static void test_unfinished_plan(void **state)
{
    struct fixture *fixture = *state;

    harm(fixture, "INSERT INTO plan (server, system_identifier, title, intent, state, created_at)"
                  " VALUES ('db1', '1', 'trust Acme', '{}', 1, 1795298000)");
    assert_left(fixture, "\"db1\" was not finished", FSCK_WARNING);
}

static bool always(void *arg)
{
    (void)arg;
    return true;
}

static void test_cancelled(void **state)
{
    struct fsck_options options = {.cancelled = always};
    struct fixture *fixture = *state;
    struct fsck_list list = {.n = 0};

    for (int i = 0; i < 70; i++)
        issued_free(box_issue(&fixture->box, fixture->authority, fixture->key, "alice", 30));
    assert_false(fsck_run(fixture->box.store, &options, &list, &err));
    box_assert_err(&err, ERR_CANCELLED);
    fsck_clear(&list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sound),
        TEST(test_counters),
        TEST(test_columns),
        TEST(test_certificates),
        TEST(test_other_authority),
        TEST(test_many),
        TEST(test_list_lacks_one),
        TEST(test_list_ended),
        TEST(test_list_for_later),
        TEST(test_list_unreadable),
        TEST(test_list_without_the_passphrase),
        TEST(test_modes),
        TEST(test_keys),
        TEST(test_remains),
        TEST(test_damaged),
        TEST(test_clock_and_orphans),
        TEST(test_unfinished_plan),
        TEST(test_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
