/* store_db.c - the store's folder and file: made, refused, shared; transactions; the log. */
#include "config.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/store/schema.h"
#include "core/store/sql.h"
#include "tests/harness/store_box.h"

static struct err err;

static mode_t mode_of(const char *folder, const char *name)
{
    char *path = fs_join(folder, name);
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    free(path);
    return st.st_mode & 07777;
}

/* SQL as another program would run it, past our own code. */
static void raw_sql(const struct box *box, const char *text)
{
    char *path = fs_join(box->store_folder, "pgseal.db");
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    free(path);
}

static int64_t number(struct store *store, const char *text)
{
    struct sql *sql = sql_new(store, text, &err);
    int64_t value = 0;

    assert_non_null(sql);
    assert_true(sql_run_int(sql, -1, &value, &err));
    return value;
}

static void test_made_private(void **state)
{
    struct box *box = *state;

    assert_int_equal(mode_of(box->folder, "store"), 0700);
    assert_int_equal(mode_of(box->store_folder, "pgseal.db"), 0600);
    assert_int_equal(mode_of(box->store_folder, "keys"), 0700);
    assert_int_equal(store_folder(box->store)[0], '/');
}

static void test_durable_settings(void **state)
{
    struct box *box = *state;

    assert_int_equal(number(box->store, "PRAGMA synchronous"), 3); /* EXTRA */
    assert_int_equal(number(box->store, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number(box->store, "PRAGMA user_version"), schema_version());
    assert_int_equal(number(box->store, "PRAGMA journal_mode = delete") >= 0, 1);
    assert_int_equal(
        number(box->store,
               "SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"
               " AND name NOT LIKE 'sqlite%' AND strict = 0"),
        0);
}

static void test_reading_makes_nothing(void **state)
{
    struct box *box = *state;
    char *missing = fs_join(box->folder, "missing");
    char *empty = fs_join(box->folder, "empty");

    assert_null(store_open(missing, STORE_READ, &err));
    box_assert_err(&err, ERR_NO_STORE);
    assert_null(store_open(missing, STORE_WRITE, &err));
    box_assert_err(&err, ERR_NO_STORE);
    assert_false(fs_exists(missing));
    BOX_OK(fs_make_folder(empty, &err));
    assert_null(store_open(empty, STORE_READ, &err));
    box_assert_err(&err, ERR_NO_STORE);
    assert_null(store_open(empty, STORE_WRITE, &err));
    box_assert_err(&err, ERR_NO_STORE);
    assert_int_equal(box_run(NULL, "test -z \"$(ls -A '%s')\"", empty), 0);
    free(missing);
    free(empty);
}

static void test_empty_file_is_no_store(void **state)
{
    struct box *box = *state;
    char *folder = fs_join(box->folder, "killed");
    char *path = fs_join(folder, "pgseal.db");
    struct store *store;

    BOX_OK(fs_make_folder(folder, &err));
    BOX_OK(fs_write_new(path, "", 0, 0600, &err));
    assert_null(store_open(folder, STORE_READ, &err));
    box_assert_err(&err, ERR_NO_STORE);
    store = store_open(folder, STORE_CREATE, &err); /* goes on where the killed one stopped */
    assert_non_null(store);
    store_close(store);
    store = store_open(folder, STORE_READ, &err);
    assert_non_null(store);
    store_close(store);
    free(path);
    free(folder);
}

static void test_newer_store(void **state)
{
    struct box *box = *state;

    raw_sql(box, "PRAGMA user_version = 99");
    assert_null(store_open(box->store_folder, STORE_WRITE, &err));
    box_assert_err(&err, ERR_STORE_NEWER);
    assert_null(store_open(box->store_folder, STORE_READ, &err));
    box_assert_err(&err, ERR_STORE_NEWER);
    assert_null(store_open(box->store_folder, STORE_CREATE, &err));
    box_assert_err(&err, ERR_STORE_NEWER);
}

static void test_somebody_elses_database(void **state)
{
    struct box *box = *state;

    raw_sql(box, "PRAGMA application_id = 1");
    assert_null(store_open(box->store_folder, STORE_WRITE, &err));
    box_assert_err(&err, ERR_STORE);
}

static void test_not_a_database(void **state)
{
    struct box *box = *state;
    char *folder = fs_join(box->folder, "text");
    char *path = fs_join(folder, "pgseal.db");
    char text[8192];

    memset(text, 'x', sizeof(text));
    BOX_OK(fs_make_folder(folder, &err));
    BOX_OK(fs_write_new(path, text, sizeof(text), 0600, &err));
    assert_null(store_open(folder, STORE_CREATE, &err));
    box_assert_err(&err, ERR_STORE);
    assert_null(store_open(folder, STORE_READ, &err));
    box_assert_err(&err, ERR_STORE);
    free(path);
    free(folder);
}

static void test_loose_modes(void **state)
{
    struct box *box = *state;
    char *db = fs_join(box->store_folder, "pgseal.db");
    char *keys = fs_join(box->store_folder, "keys");
    struct store *store;

    chmod(box->store_folder, 0770);
    assert_null(store_open(box->store_folder, STORE_WRITE, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    chmod(box->store_folder, 0700);
    chmod(db, 0606);
    assert_null(store_open(box->store_folder, STORE_READ, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    chmod(db, 0600);
    chmod(keys, 0750);
    assert_null(store_open(box->store_folder, STORE_WRITE, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    chmod(keys, 0700);
    store = store_open(box->store_folder, STORE_WRITE, &err);
    assert_non_null(store);
    store_close(store);
    free(db);
    free(keys);
}

static void test_symbolic_link_for_a_file(void **state)
{
    struct box *box = *state;
    char *folder = fs_join(box->folder, "linked");
    char *path = fs_join(folder, "pgseal.db");
    char *target = fs_join(box->store_folder, "pgseal.db");

    BOX_OK(fs_make_folder(folder, &err));
    assert_int_equal(symlink(target, path), 0);
    assert_null(store_open(folder, STORE_CREATE, &err));
    box_assert_err(&err, ERR_FILE_UNSAFE);
    free(target);
    free(path);
    free(folder);
}

/* A link to the folder is a person's own choice: the folder behind it is what is checked. */
static void test_symbolic_link_for_the_folder(void **state)
{
    struct box *box = *state;
    char *link = fs_join(box->folder, "link");
    struct store *store;

    assert_int_equal(symlink(box->store_folder, link), 0);
    store = store_open(link, STORE_WRITE, &err);
    assert_non_null(store);
    assert_string_equal(store_folder(store), store_folder(box->store));
    store_close(store);
    free(link);
}

static void test_folder_of_another_owner(void **state)
{
    struct box *box = *state;
    char *db = fs_join(box->store_folder, "pgseal.db");

    if (geteuid() == 0) {
        assert_int_equal(chown(db, 65534, 65534), 0);
        assert_null(store_open(box->store_folder, STORE_READ, &err));
        box_assert_err(&err, ERR_STORE_OWNER);
        assert_int_equal(chown(box->store_folder, 65534, 65534), 0);
        assert_null(store_open(box->store_folder, STORE_WRITE, &err));
        box_assert_err(&err, ERR_STORE_OWNER);
        assert_null(store_open(box->store_folder, STORE_CREATE, &err));
        box_assert_err(&err, ERR_STORE_OWNER);
    } else {
        assert_null(store_open("/", STORE_WRITE, &err));
        box_assert_err(&err, ERR_STORE_OWNER);
        assert_null(store_open("/", STORE_CREATE, &err));
        box_assert_err(&err, ERR_STORE_OWNER);
    }
    free(db);
}

static void test_choose_folder(void **state)
{
    char *folder;

    (void)state;
    setenv("PGSEAL_STORE", "/from/env", 1);
    folder = store_choose_folder("/explicit", &err);
    assert_string_equal(folder, "/explicit");
    free(folder);
    folder = store_choose_folder(NULL, &err);
    assert_string_equal(folder, "/from/env");
    free(folder);
    unsetenv("PGSEAL_STORE");
    setenv("XDG_DATA_HOME", "/data", 1);
    folder = store_choose_folder(NULL, &err);
    assert_string_equal(folder, "/data/pgseal");
    free(folder);
    unsetenv("XDG_DATA_HOME");
}

static int64_t notes(struct store *store)
{
    return number(store, "SELECT count(*) FROM log");
}

static void test_transactions(void **state)
{
    struct box *box = *state;
    struct store *store = box->store;

    BOX_OK(store_begin(store, &err));
    BOX_OK(store_note(store, "a", "b", NULL, &err));
    store_rollback(store);
    assert_int_equal(notes(store), 0);

    BOX_OK(store_begin(store, &err));
    BOX_OK(store_begin(store, &err));
    BOX_OK(store_note(store, "a", "b", "c", &err));
    BOX_OK(store_commit(store, &err));
    BOX_OK(store_commit(store, &err));
    assert_int_equal(notes(store), 1);

    /* a part that failed takes the whole with it */
    BOX_OK(store_begin(store, &err));
    BOX_OK(store_note(store, "a", "b", "c", &err));
    BOX_OK(store_begin(store, &err));
    store_rollback(store);
    assert_false(store_commit(store, &err));
    box_assert_err(&err, ERR_STORE);
    assert_int_equal(notes(store), 1);

    assert_false(store_commit(store, &err));
    box_assert_err(&err, ERR_INTERNAL);
    BOX_OK(store_begin(store, &err)); /* and the next one works */
    BOX_OK(store_note(store, "a", "b", "c", &err));
    BOX_OK(store_commit(store, &err));
    assert_int_equal(notes(store), 2);
}

static void test_busy(void **state)
{
    struct box *box = *state;
    struct store *other = store_open(box->store_folder, STORE_WRITE, &err);

    assert_non_null(other);
    store_set_busy_ms(other, 50);
    BOX_OK(store_begin(box->store, &err));
    BOX_OK(store_note(box->store, "a", "b", NULL, &err));
    assert_false(store_begin(other, &err));
    box_assert_err(&err, ERR_STORE_BUSY);
    assert_int_equal(notes(other), 0); /* reading goes on meanwhile */
    BOX_OK(store_commit(box->store, &err));
    BOX_OK(store_begin(other, &err));
    assert_int_equal(notes(other), 1);
    BOX_OK(store_commit(other, &err));
    store_close(other);
}

static void test_readers_do_not_write(void **state)
{
    struct box *box = *state;

    box_reopen(box, STORE_READ);
    assert_false(store_note(box->store, "a", "b", NULL, &err));
    box_assert_err(&err, ERR_STORE);
    BOX_OK(store_begin(box->store, &err));
    assert_int_equal(notes(box->store), 0);
    BOX_OK(store_commit(box->store, &err));
}

static void test_log_only_grows(void **state)
{
    struct box *box = *state;
    struct store *store = box->store;
    struct sql *sql;
    char *who;
    bool row = false;

    BOX_OK(store_note(store, "act", "object", "detail", &err));
    assert_false(sql_exec(store, "DELETE FROM log", &err));
    box_assert_err(&err, ERR_STORE);
    assert_false(sql_exec(store, "UPDATE log SET act = 'other'", &err));
    box_assert_err(&err, ERR_STORE);
    sql = sql_new(store, "SELECT who FROM log WHERE at = 1795298142 AND act = 'act'", &err);
    assert_non_null(sql);
    BOX_OK(sql_step(sql, &row, &err));
    assert_true(row);
    who = sql_text(sql, 0);
    assert_true(who[0] != '\0');
    free(who);
    sql_free(sql);
}

/* What a killed writer left is put back by the next reader too. */
static void test_reader_recovers_hot_journal(void **state)
{
    struct box *box = *state;
    char *copy = fs_join(box->folder, "copy");

    BOX_OK(store_note(box->store, "before", "", NULL, &err));
    /* a small cache makes SQLite write into the file before the commit: then copy it as it lies */
    BOX_OK(sql_exec(box->store, "PRAGMA cache_size = 1; PRAGMA cache_spill = 1", &err));
    BOX_OK(store_begin(box->store, &err));
    for (int i = 0; i < 2000; i++)
        BOX_OK(store_note(box->store, "during", "0123456789012345678901234567890123456789", NULL,
                          &err));
    assert_int_equal(box_run(NULL, "cp -r '%s' '%s' && test -s '%s/pgseal.db-journal'",
                             box->store_folder, copy, copy),
                     0);
    store_rollback(box->store);
    store_close(box->store);
    box->store = store_open(copy, STORE_READ, &err);
    assert_non_null(box->store);
    assert_int_equal(notes(box->store), 1);
    free(copy);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_made_private),
        TEST(test_durable_settings),
        TEST(test_reading_makes_nothing),
        TEST(test_empty_file_is_no_store),
        TEST(test_newer_store),
        TEST(test_somebody_elses_database),
        TEST(test_not_a_database),
        TEST(test_loose_modes),
        TEST(test_symbolic_link_for_a_file),
        TEST(test_symbolic_link_for_the_folder),
        TEST(test_folder_of_another_owner),
        TEST(test_choose_folder),
        TEST(test_transactions),
        TEST(test_busy),
        TEST(test_readers_do_not_write),
        TEST(test_log_only_grows),
        TEST(test_reader_recovers_hot_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
