/* server_files.c - files on a real server, by the file system and by SQL, byte for byte. */
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

#include <cmocka.h>

#include "core/base/fsutil.h"
#include "core/base/mem.h"
#include "core/pg/files.h"
#include "core/pg/files_sql.h"
#include "core/pg/settings.h"
#include "tests/harness/pg.h"
#include "tests/pg/need_pg.h"

#define NASTY "a\tb\\n\\.\n\\.\n\r\n$$;'\"%s \x01\x02\x03\xff\xfe\0end"

static struct files *open_files(struct conn *conn, const char *data_directory, enum files_way way)
{
    struct err err = ERR_INIT;
    struct files *files = files_new(conn, data_directory, &err);

    if (!files)
        fail_msg("files_new: PS-%d %s", (int)err.code, err.msg);
    assert_int_equal(files_way(files), way);
    return files;
}

/* Without the data directory's name the file system is not tried. */
static struct files *open_sql(struct conn *conn)
{
    return open_files(conn, "", FILES_SQL);
}

static void assert_content(const char *path, const void *bytes, size_t len)
{
    struct strbuf content = STRBUF_INIT;
    struct err err = ERR_INIT;

    if (!fs_read(path, 1 << 20, &content, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(content.len, len);
    assert_memory_equal(content.data, bytes, len);
    strbuf_clear(&content);
}

static void assert_owner(const struct pg *pg, const char *path, unsigned mode)
{
    struct stat data, st;

    assert_int_equal(stat(demo_data(pg->demo), &data), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, data.st_uid);
    assert_int_equal(st.st_mode & 07777, mode);
}

static size_t count_names(struct pg *pg, const char *pattern)
{
    char *sql =
        mem_printf("SELECT count(*) FROM pg_ls_dir('.') AS f(n) WHERE n LIKE '%s'", pattern);
    char *text = pg_ask(pg->admin, sql);
    size_t n = (size_t)atoi(text);

    free(sql);
    free(text);
    return n;
}

/* What holds for both ways. */
static void round_trip(struct pg *pg, struct files *files, const char *name, unsigned mode)
{
    char *path = pg_data_path(pg, name);
    struct strbuf read = STRBUF_INIT;
    struct err err = ERR_INIT;
    uint8_t before[32], after[32];
    bool there = true;

    assert_true(files_exists(files, path, &there, &err));
    assert_false(there);
    assert_false(files_sha256(files, path, before, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_false(files_read(files, path, 100, &read, &err));
    assert_int_equal(err.code, ERR_FILE);

    if (!files_write_new(files, path, NASTY, sizeof(NASTY), mode, &there, &err))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    assert_false(there);
    assert_content(path, NASTY, sizeof(NASTY));
    assert_owner(pg, path, mode);
    assert_true(files_exists(files, path, &there, &err));
    assert_true(there);
    assert_true(files_read(files, path, 1000, &read, &err));
    assert_int_equal(read.len, sizeof(NASTY));
    assert_memory_equal(read.data, NASTY, sizeof(NASTY));
    assert_false(files_read(files, path, 10, &read, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_true(files_sha256(files, path, before, &err));

    /* again: the same is fine, another is not, and nothing is touched */
    there = false;
    assert_true(files_write_new(files, path, NASTY, sizeof(NASTY), mode, &there, &err));
    assert_true(there);
    assert_false(files_write_new(files, path, "x", 1, mode, NULL, &err));
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_content(path, NASTY, sizeof(NASTY));

    /* a name without a folder is one of the data directory, as in the settings */
    assert_true(files_sha256(files, name, after, &err));
    assert_memory_equal(before, after, 32);
    assert_int_equal(count_names(pg, "%.tmp"), 0);
    strbuf_clear(&read);
    free(path);
}

static void by_the_file_system(void **state)
{
    struct pg *pg = *state;
    struct files *files = open_files(pg->admin, demo_data(pg->demo), FILES_LOCAL);
    char *path = pg_data_path(pg, "local.crt");
    struct err err = ERR_INIT;
    bool removed = false;

    assert_int_equal(count_names(pg, "pgseal-probe-%"), 0);
    round_trip(pg, files, "local.crt", 0640);
    assert_true(files_remove(files, path, &removed, &err));
    assert_true(removed);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(files_remove(files, path, &removed, &err));
    assert_false(removed);
    files_free(files);
    free(path);
}

static void by_sql(void **state)
{
    struct pg *pg = *state;
    struct files *files = open_sql(pg->admin);
    char *path = pg_data_path(pg, "sql.crt");
    char *objects = NULL;
    struct err err = ERR_INIT;
    bool removed = true;

    round_trip(pg, files, "sql.crt", 0644);
    assert_true(files_remove(files, path, &removed, &err));
    assert_false(removed);
    objects = pg_ask(pg->admin, "SELECT count(*) FROM pg_largeobject_metadata");
    assert_string_equal(objects, "0");
    files_free(files);
    free(objects);
    free(path);
}

static void overwriting_keeps_owner_and_mode(void **state)
{
    struct pg *pg = *state;
    char *path = pg_data_path(pg, "rules.conf");
    char *link_path = pg_data_path(pg, "link.conf");

    for (int local = 0; local < 2; local++) {
        struct files *files =
            local ? open_files(pg->admin, demo_data(pg->demo), FILES_LOCAL) : open_sql(pg->admin);
        struct err err = ERR_INIT;
        struct stat st;

        pg_write_file(pg, path, "local all all trust\n", 20, 0640);
        if (!files_overwrite(files, path, NASTY, sizeof(NASTY), &err))
            fail_msg("PS-%d %s", (int)err.code, err.msg);
        assert_content(path, NASTY, sizeof(NASTY));
        assert_owner(pg, path, 0640);

        /* through a link: what it leads to is written, the link stays */
        assert_int_equal(symlink(path, link_path), 0);
        assert_true(files_overwrite(files, link_path, "x\n", 2, &err));
        assert_content(path, "x\n", 2);
        assert_int_equal(lstat(link_path, &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_int_equal(unlink(link_path), 0);

        assert_true(files_overwrite(files, path, "", 0, &err));
        assert_content(path, "", 0);
        assert_false(files_overwrite(files, "nowhere.conf", "x", 1, &err));
        assert_int_equal(err.code, ERR_FILE);
        assert_int_equal(count_names(pg, "%.tmp"), 0);
        files_free(files);
    }
    free(path);
    free(link_path);
}

static void keys_go_by_the_file_system_only(void **state)
{
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\n";
    struct pg *pg = *state;
    struct files *files = open_files(pg->admin, demo_data(pg->demo), FILES_LOCAL);
    struct files *sql = open_sql(pg->admin);
    struct secret *key = secret_new(100);
    char *path = pg_data_path(pg, "server.key");
    struct err err = ERR_INIT;

    assert_true(secret_set(key, pem, strlen(pem)));
    assert_false(files_write_key(sql, path, key, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(files_write_key(files, path, key, &err));
    assert_content(path, pem, strlen(pem));
    assert_owner(pg, path, 0600);
    assert_true(files_write_key(files, path, key, &err));
    assert_true(secret_set(key, "other", 5));
    assert_false(files_write_key(files, path, key, &err));
    assert_int_equal(err.code, ERR_FILE_EXISTS);
    assert_content(path, pem, strlen(pem));
    files_free(files);
    files_free(sql);
    secret_free(key);
    free(path);
}

/* A folder that looks like the data directory but is not the one that the server has. */
static void another_folder_is_not_taken_for_the_servers(void **state)
{
    struct pg *pg = *state;
    struct err err = ERR_INIT;
    char *folder = fs_make_temp_folder("pgseal-test", &err);
    char *global = fs_join(folder, "global");
    char *control = fs_join(global, "pg_control");
    char *real = pg_data_path(pg, "global/pg_control");
    struct strbuf bytes = STRBUF_INIT;

    /* another cluster */
    files_free(open_files(pg->admin, folder, FILES_SQL));
    assert_true(fs_make_folder(global, &err));
    assert_true(fs_write_new(control, "12345678", 8, 0600, &err));
    files_free(open_files(pg->admin, folder, FILES_SQL));
    /* a copy of this cluster: the server does not see what is written here */
    assert_true(fs_read(real, 1 << 20, &bytes, &err));
    assert_true(fs_write_replace(control, bytes.data, bytes.len, 0600, &err));
    /* (when the server runs as our own user it does see it: then it is the same file system) */
    files_free(open_files(pg->admin, folder, geteuid() ? FILES_LOCAL : FILES_SQL));
    files_free(open_files(pg->admin, "/no/such/folder", FILES_SQL));

    assert_true(fs_remove_tree(folder, &err));
    strbuf_clear(&bytes);
    free(folder);
    free(global);
    free(control);
    free(real);
}

static void with_the_least_rights(void **state)
{
    static const char pem[] = "-----BEGIN CERTIFICATE-----\nAAA\n\n# \\n \"q\" 'x'\tE\n";
    struct pg *pg = *state;
    char *path = pg_data_path(pg, "granted.crt");
    struct err err = ERR_INIT;
    struct files *files = NULL;
    struct conn *conn = NULL;
    struct strbuf read = STRBUF_INIT;

    pg_run(pg->admin, "CREATE ROLE installer LOGIN");
    pg_rules(pg, "local all all trust\n");
    conn = pg_connect(pg, "user=installer dbname=postgres");
    files = open_files(conn, demo_data(pg->demo), FILES_NONE);
    assert_false(files_write_new(files, path, pem, strlen(pem), 0644, NULL, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    assert_non_null(strstr(err.hint, "pg_write_server_files"));
    assert_false(files_read(files, path, 10, &read, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    files_free(files);

    pg_run(pg->admin, "GRANT pg_read_server_files, pg_write_server_files TO installer");
    pg_run(pg->admin, "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text), pg_stat_file(text) "
                      "TO installer");
    /* COPY: lines of text go through, other bytes do not, and nothing is left of them */
    files = open_sql(conn);
    if (!files_write_new(files, path, pem, strlen(pem), 0644, NULL, &err))
        fail_msg("PS-%d %s", (int)err.code, err.msg);
    assert_content(path, pem, strlen(pem));
    assert_false(
        files_write_new(files, "/tmp/pgseal-nasty", NASTY, sizeof(NASTY), 0644, NULL, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    assert_int_equal(access("/tmp/pgseal-nasty", F_OK), -1);
    assert_false(files_overwrite(files, path, pem, strlen(pem), &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    files_free(files);

    pg_run(pg->admin, "GRANT EXECUTE ON FUNCTION lo_export(oid, text) TO installer");
    files = open_sql(conn);
    assert_true(files_overwrite(files, path, NASTY, sizeof(NASTY), &err));
    assert_content(path, NASTY, sizeof(NASTY));
    files_free(files);
    conn_close(conn);
    strbuf_clear(&read);
    free(path);
}

/* The password of an LDAP server stands in pg_hba.conf: not in the log of a server that logs all. */
static void what_is_written_is_not_logged(void **state)
{
    static const char secret[] = "# ldapbindpasswd=Zwiebelfisch\n";
    struct pg *pg = *state;
    struct strbuf log = STRBUF_INIT;
    struct strbuf bytes = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct conn *conn;

    strbuf_add_hex(&bytes, "Zwiebelfisch", 12);
    pg_run(pg->admin, "ALTER SYSTEM SET log_statement = 'all'");
    pg_run(pg->admin, "ALTER SYSTEM SET log_min_duration_statement = 0");
    pg_run(pg->admin, "SELECT pg_reload_conf()");
    conn = pg_connect(pg, "dbname=postgres");
    for (int i = 0; i < 2; i++) {
        char *path = pg_data_path(pg, i == 0 ? "log-lo.conf" : "log-copy.conf");

        assert_true(
            (i == 0 ? sql_write_lo : sql_write_copy)(conn, path, secret, strlen(secret), &err));
        assert_content(path, secret, strlen(secret));
        free(path);
    }
    conn_close(conn);
    pg_run(pg->admin, "ALTER SYSTEM RESET log_statement");
    pg_run(pg->admin, "ALTER SYSTEM RESET log_min_duration_statement");
    pg_run(pg->admin, "SELECT pg_reload_conf()");
    pg_log(pg, &log);
    assert_non_null(strstr(log.data, "lo_from_bytea"));
    assert_non_null(strstr(log.data, "COPY (SELECT"));
    assert_null(strstr(log.data, "Zwiebelfisch"));
    assert_null(strstr(log.data, bytes.data));
    strbuf_clear(&bytes);
    strbuf_clear(&log);
}

static void from_databases_of_other_encodings(void **state)
{
    static const char *const encodings[] = {"LATIN1", "SQL_ASCII"};
    struct pg *pg = *state;

    for (size_t i = 0; i < 2; i++) {
        char *sql = mem_printf("CREATE DATABASE enc%zu TEMPLATE template0 ENCODING '%s' "
                               "LC_COLLATE 'C' LC_CTYPE 'C'",
                               i, encodings[i]);
        char *changes = mem_printf("dbname=enc%zu", i);
        char *name = mem_printf("enc%zu.crt", i);
        struct conn *conn = NULL;
        struct files *files = NULL;

        pg_run(pg->admin, sql);
        conn = pg_connect(pg, changes);
        files = open_sql(conn);
        round_trip(pg, files, name, 0644);
        files_free(files);
        conn_close(conn);
        free(sql);
        free(changes);
        free(name);
    }
}

/* The server says no in the middle: an error, the connection lives, no large object stays. */
static void a_place_that_cannot_be_written(void **state)
{
    struct pg *pg = *state;
    struct files *files = open_sql(pg->admin);
    struct err err = ERR_INIT;
    char *objects = NULL, *path;

    assert_false(files_write_new(files, "/no/such/folder/x.crt", "x", 1, 0644, NULL, &err));
    assert_int_not_equal(err.code, ERR_NONE);
    assert_false(files_write_new(files, demo_data(pg->demo), "x", 1, 0644, NULL, &err));
    assert_int_equal(err.code, ERR_FILE);
    assert_false(files_write_new(files, "/proc/pgseal.crt", "x", 1, 0644, NULL, &err));
    /* a right of the file system, not of the role */
    assert_true(files_write_new(files, "shut.conf", "x\n", 2, 0644, NULL, &err));
    path = mem_printf("%s/shut.conf", demo_data(pg->demo));
    assert_int_equal(chmod(path, 0400), 0);
    assert_false(files_overwrite(files, path, "y\n", 2, &err));
    assert_int_equal(err.code, ERR_MAY_NOT_CHANGE);
    assert_non_null(strstr(err.cause, "The server's own user may not write"));
    objects = pg_ask(pg->admin, "SELECT count(*) FROM pg_largeobject_metadata");
    assert_string_equal(objects, "0");
    assert_int_equal(conn_state(pg->admin), CONN_IDLE);
    files_free(files);
    free(objects);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_the_file_system),
        cmocka_unit_test(by_sql),
        cmocka_unit_test(overwriting_keeps_owner_and_mode),
        cmocka_unit_test(keys_go_by_the_file_system_only),
        cmocka_unit_test(another_folder_is_not_taken_for_the_servers),
        cmocka_unit_test(with_the_least_rights),
        cmocka_unit_test(what_is_written_is_not_logged),
        cmocka_unit_test(from_databases_of_other_encodings),
        cmocka_unit_test(a_place_that_cannot_be_written),
    };

    if (!need_pg())
        return 0;
    return cmocka_run_group_tests(tests, pg_setup, pg_teardown);
}
