/* "backup", "restore", "fsck", "log", and what an interrupted "issue" leaves, as a script runs them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/store/authority.h"
#include "core/store/issued.h"
#include "core/store/sql.h"
#include "tests/harness/command.h"

static int setup(void **state)
{
    *state = command_box();
    command_write("pass", "correct horse battery staple\n", 0600);
    free(EXPECT(0, "ca", "create", "lab", "--passphrase-file", "pass"));
    return 0;
}

/* A CA whose key has no passphrase: the tests that need no backup of it. */
static int setup_open(void **state)
{
    *state = command_box();
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase"));
    return 0;
}

static int teardown(void **state)
{
    command_box_free(*state);
    return 0;
}

/* Runs in sh; the output must have this text. */
static void shell(const char *expected, const char *command)
{
    struct command_options options = {.program = "sh"};
    struct command_result result;

    command_run(&result, &options, "-c", command, NULL);
    if (result.status != 0 || !strstr(result.out, expected))
        fail_msg("%s\nstatus %d\n%s%s", command, result.status, result.out, result.err);
    command_clear(&result);
}

static long long number(json_t *json, const char *name)
{
    json_t *value = json_object_get(json, name);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static const char *text_of(json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    if (!text)
        fail_msg("no \"%s\"", name);
    return text;
}

/* ---- backup and restore ---- */

static void test_there_and_back(void **state)
{
    json_t *json;

    (void)state;
    free(EXPECT(0, "issue", "client", "alice", "--out", "a", "--passphrase-file", "pass"));
    free(EXPECT(0, "issue", "client", "bob", "--out", "b", "--passphrase-file", "pass"));
    free(EXPECT(0, "revoke", "bob", "--confirm=bob", "--passphrase-file", "pass"));
    free(EXPECT(0, "backup", "copy", "--dry-run"));
    assert_false(fs_exists("copy"));
    json = EXPECT_JSON(0, "backup", "copy", "--json");
    assert_int_equal(number(json, "authorities"), 1);
    assert_int_equal(number(json, "certificates"), 2);
    assert_int_equal(number(json, "key_files"), 3);
    assert_int_equal(json_array_size(json_object_get(json, "keys_missing")), 0);
    json_decref(json);
    assert_int_equal(command_mode("copy"), 0600);
    shell("1", "ls -A | grep -c -e copy -e tmp -e journal");
    EXPECT_ERROR(1, "PS-3001", "backup", "copy");
    EXPECT_ERROR(1, "PS-3001", "restore", "copy"); /* there is a store */

    free(EXPECT(0, "restore", "copy", "--store", "new", "--dry-run"));
    assert_false(fs_exists("new"));
    json = EXPECT_JSON(0, "restore", "copy", "--store", "new", "--json");
    assert_int_equal(number(json, "certificates"), 2);
    json_decref(json);
    EXPECT_ERROR(1, "PS-3001", "restore", "copy", "--store", "new");
    assert_int_equal(command_mode("new"), 0700);
    assert_int_equal(command_mode("new/pgseal.db"), 0600);
    assert_int_equal(command_mode("new/keys"), 0700);
    shell("same", "diff -r store/keys new/keys && echo same");
    shell("none", "grep -a -e 'PRIVATE KEY' new/pgseal.db || echo none"); /* nor a trace of them */
    shell("1", "grep -a -c -e 'ENCRYPTED PRIVATE KEY' copy | sed 's/[1-9].*/1/'");
    shell("none", "ls new | grep -v -e '^keys$' -e '^pgseal.db$' || echo none");
    free(EXPECT(0, "fsck", "--store", "new"));
    free(EXPECT(0, "fsck", "--store", "new", "--json"));

    /* it goes on where the copy was: the next list has bob, and its number is the next */
    free(EXPECT(0, "crl", "refresh", "--ca", "lab", "--days", "99", "--yes", "--passphrase-file",
                "pass", "--store", "new"));
    json = EXPECT_JSON(0, "crl", "show", "--store", "new", "--json");
    assert_int_equal(number(json, "number"), 3);
    json_decref(json);
    free(EXPECT(0, "crl", "export", "--store", "new", "--out", "new.crl"));
    shell("revoked", "openssl verify -crl_check -CAfile b/root.crt -CRLfile new.crl b/bob.crt 2>&1 "
                     "|| true");
    shell("OK", "openssl verify -crl_check -CAfile a/root.crt -CRLfile new.crl a/alice.crt");
    shell("restore", "$PGSEAL log --store new");
    shell("1", "$PGSEAL log --search restore --store new --json | grep -c '\"act\"'");
}

/* The store is lost, its backup is older than the servers' list: the list itself says what is missing. */
static void test_later_list_comes_back(void **state)
{
    long long lost;
    json_t *json;
    char *text;

    (void)state;
    command_write("wrong", "not this one\n", 0600);
    free(EXPECT(0, "issue", "client", "alice", "--out", "a", "--passphrase-file", "pass"));
    free(EXPECT(0, "issue", "client", "bob", "--out", "b", "--passphrase-file", "pass"));
    free(EXPECT(0, "backup", "copy"));
    free(EXPECT(0, "issue", "client", "carol", "--out", "c", "--passphrase-file", "pass"));
    free(EXPECT(0, "revoke", "bob", "--confirm=bob", "--passphrase-file", "pass"));
    free(EXPECT(0, "revoke", "carol", "--confirm=carol", "--passphrase-file", "pass"));
    free(EXPECT(0, "crl", "export", "--out", "later.crl"));
    json = EXPECT_JSON(0, "crl", "show", "--json");
    lost = number(json, "number");
    json_decref(json);
    free(EXPECT(0, "restore", "copy", "--store", "new"));
    free(EXPECT(0, "revoke", "alice", "--confirm=alice", "--passphrase-file", "pass", "--store",
                "new")); /* one more that only the new store knows */

    free(EXPECT(0, "crl", "import", "later.crl", "--dry-run", "--store", "new"));
    EXPECT_ERROR(1, "PS-4001", "crl", "import", "later.crl", "--passphrase-file", "wrong",
                 "--store", "new");
    json = EXPECT_JSON(0, "list", "--state", "revoked", "--store", "new", "--json");
    assert_int_equal(number(json, "total"), 1);
    json_decref(json);

    json = EXPECT_JSON(0, "crl", "import", "later.crl", "--passphrase-file", "pass", "--store",
                       "new", "--json");
    assert_int_equal(number(json_array_get(json_object_get(json, "lists"), 0), "new_revocations"),
                     2);
    json_decref(json);
    json = EXPECT_JSON(0, "crl", "show", "--store", "new", "--json");
    assert_true(number(json, "number") > lost);
    json_decref(json);
    free(EXPECT(0, "crl", "export", "--store", "new", "--out", "new.crl"));
    shell("3", "for n in a/alice b/bob c/carol; do openssl verify -crl_check -CAfile a/root.crt "
               "-CRLfile new.crl $n.crt 2>&1; done | grep -c 'certificate revoked'");
    json = EXPECT_JSON(0, "list", "--state", "revoked", "--store", "new", "--json");
    assert_int_equal(number(json, "total"), 2); /* carol is known by her number only */
    json_decref(json);
    free(EXPECT(0, "fsck", "--store", "new"));

    text = EXPECT(0, "crl", "import", "later.crl", "--no-input", "--store", "new");
    assert_non_null(strstr(text, "was known here"));
    free(text);
    /* the same name does not do: the key does */
    free(EXPECT(0, "ca", "create", "lab", "--no-passphrase", "--store", "other"));
    EXPECT_ERROR(1, "PS-2111", "crl", "import", "later.crl", "--store", "other");
}

/* Names in a backup are those of whoever made it: the terminal is not his. */
static void test_names_of_others(void **state)
{
    struct err err = ERR_INIT;
    struct store *store = store_open("store", STORE_WRITE, &err);
    char *text;

    (void)state;
    if (!store ||
        !sql_exec(store, "UPDATE authority SET n_issued = 9, name = 'a' || char(27) || '[2J'",
                  &err))
        fail_msg("%s", err.msg);
    store_close(store);
    free(EXPECT(0, "backup", "copy"));
    free(EXPECT(0, "restore", "copy", "--store", "new"));
    text = EXPECT(6, "fsck", "--store", "new");
    assert_non_null(strstr(text, "its counters"));
    assert_null(strchr(text, 27));
    free(text);
    text = EXPECT(0, "ca", "list", "--store", "new");
    assert_null(strchr(text, 27));
    free(text);
}

static void test_without_keys(void **state)
{
    (void)state;
    free(EXPECT(0, "ca", "create", "open", "--no-passphrase"));
    /* a key that nothing locks is never put into a file that is carried about */
    EXPECT_ERROR(0, "the key of the CA \"open\" is not in it", "backup", "copy");
    shell("3", "ls store/keys | grep -c lab");
    shell("none", "grep -a -e 'BEGIN PRIVATE KEY' copy >/dev/null && "
                  "! ls store/keys/open*good* >/dev/null || echo none");
    EXPECT_ERROR(0, "the key of the CA \"open\" is not here", "restore", "copy", "--store", "new");
    shell("5", "ls new/keys | wc -l");
    EXPECT_ERROR(6, "", "fsck", "--store", "new");
    free(EXPECT(0, "backup", "rows", "--without-keys"));
    shell("none", "grep -a -e 'PRIVATE KEY' rows || echo none");
    EXPECT_ERROR(0, "the key of the CA \"lab\" is not here", "restore", "rows", "--store", "third");
    shell("0", "ls third/keys | wc -l");
    /* the key's file is brought back by hand */
    shell("", "cp -p store/keys/* third/keys/");
    free(EXPECT(0, "fsck", "--store", "third"));
}

/* Copies that are taken while somebody issues and revokes: each is one moment, and whole. */
static void test_while_others_write(void **state)
{
    (void)state;
    shell("", "seq -f role%g 1 300 > roles");
    shell("done",
          "$PGSEAL issue batch roles --out kits >/dev/null 2>&1 & batch=$!; "
          "(for i in 1 2 3 4 5; do $PGSEAL issue client x$i --out x$i && "
          " $PGSEAL revoke x$i --confirm=x$i; done) >/dev/null 2>&1 & "
          "for i in 1 2 3 4 5 6; do $PGSEAL backup copy$i -q || exit 1; done; wait && echo done");
    shell("300", "ls kits | wc -l");
    shell("sound",
          "for i in 1 2 3 4 5 6; do $PGSEAL restore copy$i --store new$i -q || exit 1; "
          "cp store/keys/* new$i/keys/; $PGSEAL fsck --store new$i > out || { cat out; exit 1; }; "
          "done 2>/dev/null; echo sound");
    free(EXPECT(0, "fsck"));
}

/* Ctrl-C that came in the middle: exit 130, and nothing of it stays. */
static void test_stopped(void **state)
{
    static const char stopped[] =
        "env --default-signal=INT --block-signal=INT sh -c 'kill -INT $$; "
        "exec $PGSEAL %s' 2>err; echo $?; cat err";
    char *restore = mem_printf(stopped, "restore copy --store new");
    char *backup = mem_printf(stopped, "backup other");

    (void)state;
    free(EXPECT(0, "backup", "copy"));
    shell("130", restore);
    shell("nothing was changed", restore);
    shell("130", backup);
    shell("none", "ls -A | grep -e new -e other || echo none");
    free(restore);
    free(backup);
}

static void test_bad_files(void **state)
{
    (void)state;
    shell("", "head -c 20000 /dev/urandom > junk; : > empty; mkfifo pipe; mkdir dir; "
              "echo hello > text; printf 'SQLite format 3\\0' > header");
    EXPECT_ERROR(1, "PS-4003", "restore", "junk", "--store", "new");
    EXPECT_ERROR(1, "is not a backup of pgseal", "restore", "empty", "--store", "new");
    EXPECT_ERROR(1, "is not a backup of pgseal", "restore", "text", "--store", "new");
    EXPECT_ERROR(1, "is not a backup of pgseal", "restore", "header", "--store", "new");
    EXPECT_ERROR(1, "is not a regular file", "restore", "pipe", "--store", "new");
    EXPECT_ERROR(1, "is not a regular file", "restore", "dir", "--store", "new");
    EXPECT_ERROR(1, "PS-3003", "restore", "nothing", "--store", "new");
    /* a store is not a backup; a backup that was cut or changed is damaged */
    EXPECT_ERROR(1, "is not a backup of pgseal", "restore", "store/pgseal.db", "--store", "new");
    free(EXPECT(0, "backup", "copy"));
    shell("", "head -c 60000 copy > cut; cp copy changed; "
              "dd if=/dev/urandom of=changed bs=1024 seek=40 count=40 conv=notrunc 2>/dev/null");
    EXPECT_ERROR(1, "cut", "restore", "cut", "--store", "new");
    EXPECT_ERROR(1, "changed", "restore", "changed", "--store", "new");
    EXPECT_ERROR(1, "nothing was changed", "restore", "cut", "--store", "new");
    assert_false(fs_exists("new"));
    /* somebody else's key file of that name is not touched */
    shell("", "mkdir -p -m 700 new/keys && cd store/keys && for f in *.good.key; do echo mine > "
              "../../new/keys/$f; done");
    EXPECT_ERROR(1, "PS-3001", "restore", "copy", "--store", "new");
    shell("mine", "ls new && cat new/keys/* && ! ls new/pgseal.db 2>/dev/null");
    shell("", "test $(ls new/keys | wc -l) = 1 && test $(ls new | wc -l) = 1");
    EXPECT_ERROR(2, "wants FILE", "restore");
    /* an empty store is said to be one */
    shell("", "mkdir -m 700 young && : > young/pgseal.db && chmod 600 young/pgseal.db");
    EXPECT_ERROR(1, "nothing in it yet", "restore", "copy", "--store", "young");
    EXPECT_ERROR(1, "PS-4006", "backup", "other", "--store", "nowhere");
}

static void change_file(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#define WRITE_SCHEMA "PRAGMA writable_schema = ON; "

/* What somebody put into the file would act in the new store for ever. */
static void test_hostile_schema(void **state)
{
    static const char *const added[] = {
        "CREATE TRIGGER quiet AFTER UPDATE ON issued BEGIN SELECT 1; END",
        "CREATE VIEW note AS SELECT * FROM log", "CREATE TABLE more (x INTEGER)",
        "DROP TRIGGER issued_stays_revoked",
        /* names that SQL refuses, and what stands inside a table's own text */
        WRITE_SCHEMA "INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_quiet', 'issued', 0,"
                     " 'CREATE TRIGGER sqlite_quiet AFTER UPDATE ON issued BEGIN SELECT 1; END')",
        WRITE_SCHEMA "UPDATE sqlite_schema SET sql = replace(sql, 'UNIQUE COLLATE',"
                     " 'UNIQUE ON CONFLICT REPLACE COLLATE') WHERE name = 'authority'",
        WRITE_SCHEMA "UPDATE sqlite_schema SET sql = replace(sql, 'REFERENCES authority (id)',"
                     " 'REFERENCES authority (id) ON DELETE CASCADE') WHERE name = 'issued'"};

    (void)state;
    free(EXPECT(0, "backup", "whole.pgseal"));
    for (size_t i = 0; i < ARRAY_LEN(added); i++) {
        shell("", "cp whole.pgseal bad.pgseal");
        change_file("bad.pgseal", added[i]);
        EXPECT_ERROR(1, "holds what no store has", "restore", "bad.pgseal", "--store", "bad");
        assert_false(fs_exists("bad"));
    }
    free(EXPECT(0, "restore", "whole.pgseal", "--store", "good"));
    /* nor is it written where others may move it away */
    assert_int_equal(mkdir("shared", 0700), 0);
    assert_int_equal(chmod("shared", 0777), 0);
    EXPECT_ERROR(1, "PS-3005", "backup", "shared/copy.pgseal");
    assert_int_equal(chmod("shared", 01777), 0);
    free(EXPECT(0, "backup", "shared/copy.pgseal"));
}

/* The names of key files in it lead nowhere else. */
static void test_hostile_names(void **state)
{
    (void)state;
    shell("", "echo mine > victim && chmod 600 victim && cp -r store here");
    change_file("here/pgseal.db", "INSERT INTO doomed_file (name) VALUES ('../../victim')");
    change_file("here/pgseal.db", "UPDATE authority SET key_file = '../../victim',"
                                  " canary_good_file = '../../victim' WHERE name = 'lab'");
    EXPECT_ERROR(1, "PS-4013", "issue", "client", "eve", "--out", "eve", "--passphrase-file",
                 "pass", "--ca", "lab", "--store", "here");
    shell("", "$PGSEAL ca delete lab --confirm=lab --yes --store here >out 2>&1; rm -rf out");
    shell("mine", "cat victim");
}

static void test_full_disk(void **state)
{
    struct command_options small = {.file_size_limit = 40000};
    struct command_result result;

    (void)state;
    command_run(&result, &small, "backup", "copy", NULL);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "PS-3004"));
    assert_non_null(strstr(result.err, "copy"));
    assert_non_null(strstr(result.err, "nothing was changed"));
    command_clear(&result);
    shell("none", "ls -A | grep copy || echo none");
    free(EXPECT(0, "backup", "copy"));
    command_run(&result, &small, "restore", "copy", "--store", "new", NULL);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "PS-3004"));
    command_clear(&result);
    assert_false(fs_exists("new"));
    EXPECT_ERROR(1, "PS-3003", "backup", "no/such/folder/copy");
}

static void test_read_only_store(void **state)
{
    (void)state;
    if (geteuid() == 0) { /* nothing is read-only for root */
        print_message("# root: not tried\n");
        return;
    }
    shell("", "chmod 400 store/pgseal.db store/keys/* && chmod 500 store store/keys");
    free(EXPECT(0, "backup", "copy"));
    free(EXPECT(0, "fsck"));
    EXPECT_ERROR(1, "can only be read", "fsck", "--repair");
    shell("ca create", "$PGSEAL log");
    shell("", "chmod 700 store store/keys");
    free(EXPECT(0, "restore", "copy", "--store", "new"));
    assert_int_equal(mkdir("locked", 0500), 0);
    EXPECT_ERROR(1, "PS-3003", "restore", "copy", "--store", "locked/new");
    EXPECT_ERROR(1, "PS-3003", "restore", "copy", "--store", "locked");
    EXPECT_ERROR(1, "locked/copy", "backup", "locked/copy");
}

/* ---- fsck ---- */

static void test_fsck(void **state)
{
    json_t *json, *row;

    (void)state;
    json = EXPECT_JSON(0, "fsck", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "findings")), 0);
    assert_int_equal(number(json, "certificates"), 2); /* the canaries */
    json_decref(json);

    /* others may write: no other command works, fsck says why and mends it */
    shell("", "chmod 666 store/pgseal.db store/keys/*.good.key && chmod 777 store/keys");
    EXPECT_ERROR(1, "PS-3005", "list");
    shell("others may use it", "$PGSEAL fsck 2>&1 || true");
    json = EXPECT_JSON(0, "fsck", "--repair", "--json");
    assert_int_equal(json_array_size(json_object_get(json, "findings")), 3);
    row = json_array_get(json_object_get(json, "findings"), 0);
    assert_string_equal(text_of(row, "severity"), "error");
    assert_true(json_is_true(json_object_get(row, "repaired")));
    assert_int_equal(number(json, "problems"), 0);
    json_decref(json);
    assert_int_equal(command_mode("store/pgseal.db"), 0600);
    free(EXPECT(0, "list"));
    shell("repair", "$PGSEAL log");

    /* a key that is gone cannot be made: exit 6, also after --repair */
    shell("", "mkdir away && mv store/keys/lab-????????????.key away/");
    EXPECT_ERROR(6, "", "fsck", "--repair");
    shell("Bring it back, or restore a backup", "$PGSEAL fsck || test $? = 6");
    json = EXPECT_JSON(6, "fsck", "--json");
    assert_int_equal(number(json, "problems"), 1);
    json_decref(json);
    shell("", "mv away/* store/keys/");

    /* half a file of a killed run goes, an unknown file stays */
    shell("", "touch -d '1 hour ago' store/keys/x.key.0123456789abcdef.tmp; echo > "
              "store/keys/mine; chmod 600 store/keys/*");
    shell("(mended)", "$PGSEAL fsck --repair");
    shell("mine", "ls store/keys");
    shell("none", "ls store/keys | grep tmp || echo none");
}

static void zero_root_page(const char *table)
{
    struct err err = ERR_INIT;
    struct store *store = store_open("store", STORE_READ, &err);
    struct sql *sql =
        store ? sql_new(store, "SELECT rootpage FROM sqlite_schema WHERE name = ?1", &err) : NULL;
    int64_t page = 0;
    char *command;

    if (!sql)
        fail_msg("%s", err.msg);
    sql_bind_text(sql, 1, table);
    if (!sql_run_int(sql, 0, &page, &err))
        fail_msg("%s", err.msg);
    store_close(store);
    command = mem_printf("dd if=/dev/zero of=store/pgseal.db bs=4096 seek=%d count=1 conv=notrunc "
                         "2>/dev/null",
                         (int)page - 1);
    shell("", command);
    free(command);
}

static void test_fsck_damaged(void **state)
{
    (void)state;
    shell("", "mkdir -m 700 bad && head -c 9000 /dev/urandom > bad/pgseal.db && chmod 600 "
              "bad/pgseal.db");
    EXPECT_ERROR(1, "PS-4003", "fsck", "--store", "bad");
    EXPECT_ERROR(1, "pgseal restore", "fsck", "--store", "bad");
    EXPECT_ERROR(1, "PS-4003", "backup", "copy", "--store", "bad");
    shell("none", "ls | grep copy || echo none");
    EXPECT_ERROR(1, "PS-4006", "fsck", "--store", "nowhere");
    free(EXPECT(0, "backup", "copy"));
    /* a page that was overwritten: what can be said is said */
    zero_root_page("issued");
    shell("Restore a backup", "$PGSEAL fsck; test $? = 6");
    free(EXPECT(0, "restore", "copy", "--store", "new"));
    free(EXPECT(0, "fsck", "--store", "new"));
}

/* ---- log ---- */

static void test_log(void **state)
{
    json_t *json, *row;

    (void)state;
    free(EXPECT(0, "issue", "client", "alice", "--out", "a", "--passphrase-file", "pass"));
    shell("", "$PGSEAL server add db1 'host=127.0.0.1 port=1 user=x' --no-input || true");
    json = EXPECT_JSON(0, "log", "--json");
    row = json_array_get(json_object_get(json, "log"), 0);
    assert_true(strlen(text_of(row, "at")) == 20);
    assert_true(strlen(text_of(row, "who")) > 0);
    json_decref(json);
    json = EXPECT_JSON(0, "log", "--json", "--search", "issue");
    assert_int_equal(json_array_size(json_object_get(json, "log")), 1);
    row = json_array_get(json_object_get(json, "log"), 0);
    assert_string_equal(text_of(row, "act"), "issue");
    assert_non_null(strstr(text_of(row, "detail"), "alice"));
    json_decref(json);
    shell("ca create", "$PGSEAL log --since 1d");
    shell("ca create", "$PGSEAL log --since 12h --until $(date -u +%Y-%m-%d)");
    json = EXPECT_JSON(0, "log", "--json", "--until", "2020-01-01");
    assert_int_equal(json_array_size(json_object_get(json, "log")), 0);
    json_decref(json);
    json = EXPECT_JSON(0, "log", "--json", "--limit", "1");
    assert_int_equal(json_array_size(json_object_get(json, "log")), 1);
    json_decref(json);
    EXPECT_ERROR(2, "PS-1003", "log", "--since", "yesterday");
    EXPECT_ERROR(0, "Nothing in the log fits", "log", "--server", "db9");
    EXPECT_ERROR(1, "PS-4006", "log", "--store", "nowhere");
}

/* ---- issue ---- */

/* Days beyond the CA's end are cut there, with a word; without --days as well. */
static void test_days_end_with_the_ca(void **state)
{
    (void)state;
    free(EXPECT(0, "ca", "create", "short", "--no-passphrase", "--days", "20"));
    EXPECT_ERROR(0, "beyond the end of its CA", "issue", "client", "alice", "--ca", "short",
                 "--days", "500", "--out", "a");
    EXPECT_ERROR(0, "it ends with its CA", "issue", "client", "bob", "--ca", "short", "--out", "b");
    shell("same", "e() { openssl x509 -in $1 -noout -enddate; }; test \"$(e a/alice.crt)\" = "
                  "\"$(e a/root.crt)\" && test \"$(e b/bob.crt)\" = \"$(e a/root.crt)\" && echo "
                  "same");
    shell("ends", "$PGSEAL issue client carol --ca short --days 5 --out c 2>&1 && openssl x509 -in "
                  "c/carol.crt -noout -checkend 500000 || echo ends");
    EXPECT_ERROR(2, "PS-1003", "issue", "client", "dave", "--ca", "short", "--days", "0");
}

/* As a run leaves it that was killed after the commit. */
static void record_only(const char *role)
{
    struct err err = ERR_INIT;
    struct store *store = store_open("store", STORE_WRITE, &err);
    struct authority *authority = store ? authority_load(store, NULL, &err) : NULL;
    struct key *key = authority ? authority_unlock(store, authority, NULL, &err) : NULL;
    struct key *own = key_generate(KEY_EC_P256, NULL, NULL, &err);
    struct issue_spec spec = {.role = role, .key = own};
    struct issued *issued = key ? issued_make(store, authority, key, &spec, &err) : NULL;

    if (!issued)
        fail_msg("%s", err.msg);
    issued_free(issued);
    key_free(own);
    key_free(key);
    authority_free(authority);
    store_close(store);
}

/* A row whose files never came is said, and made anew. */
static void test_never_delivered(void **state)
{
    json_t *json;
    char *lost;

    (void)state;
    record_only("bob");
    json = EXPECT_JSON(0, "list", "--role", "bob", "--json");
    lost = mem_strdup(text_of(json_array_get(json_object_get(json, "certificates"), 0), "serial"));
    json_decref(json);
    EXPECT_ERROR(0, "its files were never written", "list");
    shell("never written", "$PGSEAL fsck");
    shell("never written", "$PGSEAL show bob");
    json = EXPECT_JSON(0, "issue", "client", "bob", "--out", "b", "--json");
    assert_string_equal(text_of(json, "replaces"), lost);
    json_decref(json);
    shell("OK", "openssl verify -CAfile b/root.crt b/bob.crt");
    shell("none", "$PGSEAL list 2>&1 | grep 'never written' || echo none");
    free(lost);

    record_only("carol"); /* and by "renew", by its role or its number */
    free(EXPECT(0, "renew", "carol", "--out", "c"));
    shell("OK", "openssl verify -CAfile c/root.crt c/carol.crt");
    shell("none", "$PGSEAL fsck | grep 'never written' || echo none");

    for (int i = 0; i < 22; i++) { /* as of a batch: not each of them is named */
        char role[16];

        (void)snprintf(role, sizeof(role), "lost%d", i);
        record_only(role);
    }
    shell("20 1 1", "$PGSEAL fsck >all; echo $(grep -c 'was never\\|were never written, and' all) "
                    "$(grep -c 'and 2 more' all) $(grep -c 'issue batch' all)");
}

/* What would be signed; and what would not, where nobody can be asked for the passphrase. */
static void test_refresh_dry_run(void **state)
{
    (void)state;
    shell("would not sign the list of \"lab\"",
          "$PGSEAL crl refresh --ca lab --days 99 --dry-run; test $? = 6");
    shell("would sign the list of \"lab\"",
          "$PGSEAL crl refresh --ca lab --days 99 --dry-run --passphrase-file pass");
}

/* Two of one role that end on one day are told apart. */
static void test_check_names_both(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        free(EXPECT(0, "issue", "client", "dave", "--days", "5", "--out", i == 0 ? "a" : "b"));
    shell("2 different lines",
          "$PGSEAL check >all; test $? = 6; "
          "echo $(grep 'certificate of \"dave\" (' all | sort -u | wc -l) different lines");
    shell("0 errors, 2 warnings", "cat all");
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, setup, teardown)
#define OPEN_TEST(name) cmocka_unit_test_setup_teardown(name, setup_open, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back),
        TEST(test_later_list_comes_back),
        TEST(test_names_of_others),
        TEST(test_without_keys),
        OPEN_TEST(test_while_others_write),
        TEST(test_stopped),
        TEST(test_bad_files),
        TEST(test_hostile_schema),
        TEST(test_hostile_names),
        TEST(test_full_disk),
        TEST(test_read_only_store),
        TEST(test_fsck),
        TEST(test_fsck_damaged),
        TEST(test_log),
        TEST(test_refresh_dry_run),
        OPEN_TEST(test_check_names_both),
        OPEN_TEST(test_days_end_with_the_ca),
        OPEN_TEST(test_never_delivered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
