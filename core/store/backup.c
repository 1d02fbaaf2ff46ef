/* backup.c - a copy of the store in one file, and back. */
#include "config.h"

#include "core/store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/store/key_file.h"
#include "core/store/schema.h"
#include "core/store/sql.h"

#define BUSY_MS  10000
#define ATTEMPTS 3

struct restore {
    const char *path;   /* of the backup */
    const char *folder; /* of the new store */
    char *database;     /* its file */
    char *staging;
    sqlite3 *db;
    struct backup_report *report;
    struct strbuf written; /* paths, each with its NUL */
    bool made_folder, made_keys;
};

void backup_report_clear(struct backup_report *report)
{
    for (size_t i = 0; i < report->n_left_out; i++)
        free(report->left_out[i]);
    free(report->left_out);
    memset(report, 0, sizeof(*report));
}

/* ---- a database that is not the store ---- */

/* As sql.c: a quota and a limit on the size of files are a full disk as well. */
static bool no_room(sqlite3 *db, int code)
{
    int number = sqlite3_system_errno(db);

    return code == SQLITE_FULL ||
           (code == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT || number == EFBIG));
}

static bool copy_err(sqlite3 *db, const char *path, struct err *err)
{
    int code = sqlite3_errcode(db) & 0xff;

    if (no_room(db, code))
        return err_set(err, ERR_DISK_FULL, _("no space is left for \"%s\""), path);
    if (code == SQLITE_BUSY)
        return err_set(err, ERR_STORE_BUSY, _("another process keeps \"%s\" locked"), path);
    return err_set(err, ERR_STORE, "\"%s\": %s", path, sqlite3_errmsg(db));
}

static sqlite3 *open_copy(const char *path, int flags, struct err *err)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL) ==
            SQLITE_OK &&
        sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK &&
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK)
        return db;
    err_set(err, ERR_STORE, _("cannot open \"%s\": %s"), path, db ? sqlite3_errmsg(db) : "");
    (void)sqlite3_close_v2(db);
    return NULL;
}

static bool exec(sqlite3 *db, const char *path, const char *text, struct err *err)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK || copy_err(db, path, err);
}

static bool read_int(sqlite3 *db, const char *path, const char *text, int64_t *ret, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;

    if (ok)
        *ret = sqlite3_column_int64(stmt, 0);
    else
        copy_err(db, path, err);
    (void)sqlite3_finalize(stmt);
    return ok;
}

/* One moment of the database into a new file. VACUUM takes an empty file as well: so it has its mode
 * before anything is in it. */
static bool vacuum_into(sqlite3 *from, const char *from_path, const char *to, struct err *err)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    sqlite3_stmt *stmt = NULL;
    bool ok;

    if (fd < 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\""), to);
    close(fd);
    ok = sqlite3_prepare_v2(from, "VACUUM main INTO ?1", -1, &stmt, NULL) == SQLITE_OK &&
         sqlite3_bind_text(stmt, 1, to, -1, SQLITE_TRANSIENT) == SQLITE_OK &&
         sqlite3_step(stmt) == SQLITE_DONE;
    if (!ok) {
        int code = sqlite3_errcode(from) & 0xff;

        copy_err(from, code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? from_path : to, err);
    }
    (void)sqlite3_finalize(stmt);
    return ok;
}

static void push_name(struct backup_report *report, const char *name)
{
    report->left_out =
        mem_realloc_array(report->left_out, report->n_left_out + 1, sizeof(*report->left_out));
    report->left_out[report->n_left_out++] = mem_strdup(name);
}

static bool count(sqlite3 *db, const char *path, struct backup_report *report, struct err *err)
{
    int64_t authorities = 0;

    if (!read_int(db, path, "SELECT count(*) FROM authority WHERE deleted_at IS NULL", &authorities,
                  err) ||
        !read_int(db, path, "SELECT coalesce(sum(n_issued), 0) FROM authority",
                  &report->certificates, err))
        return false;
    report->authorities = (size_t)authorities;
    return true;
}

/* ---- backup ---- */

static bool add_key(sqlite3 *db, const char *path, const char *name, const struct secret *pem,
                    struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok =
        sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO backup_key (name, pem) VALUES (?1, ?2)", -1,
                           &stmt, NULL) == SQLITE_OK &&
        sqlite3_bind_text(stmt, 1, name, -1, SQLITE_TRANSIENT) == SQLITE_OK &&
        sqlite3_bind_blob(stmt, 2, secret_data(pem), (int)secret_len(pem), SQLITE_TRANSIENT) ==
            SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_DONE;

    if (!ok)
        copy_err(db, path, err);
    (void)sqlite3_finalize(stmt);
    return ok;
}

/* One key file that the copy names. ca: of a CA, not of a canary. */
static bool copy_key(struct store *store, sqlite3 *db, const char *path, const char *file,
                     const char *authority, bool ca, struct backup_report *report, struct err *err)
{
    struct err missing = ERR_INIT;
    struct secret *pem = key_file_read(store, file, &missing);
    bool locked = pem != NULL && key_pem_is_encrypted(secret_data(pem), secret_len(pem));
    bool ok = true;

    report->absent += pem == NULL;
    if (pem == NULL || (ca && !locked)) {
        if (ca)
            push_name(report, authority);
    } else {
        ok = add_key(db, path, file, pem, err);
        report->keys += ok;
    }
    secret_free(pem);
    return ok;
}

static bool copy_keys(struct store *store, sqlite3 *db, const char *path,
                      struct backup_report *report, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok =
        sqlite3_prepare_v2(
            db,
            "SELECT name, key_file, 1 FROM authority WHERE deleted_at IS NULL UNION ALL "
            "SELECT name, canary_good_file, 0 FROM authority WHERE deleted_at IS NULL UNION ALL "
            "SELECT name, canary_revoked_file, 0 FROM authority WHERE deleted_at IS NULL "
            "UNION ALL SELECT name, key_file, 1 FROM authority_request",
            -1, &stmt, NULL) == SQLITE_OK ||
        copy_err(db, path, err);

    while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *authority = (const char *)sqlite3_column_text(stmt, 0);
        const char *file = (const char *)sqlite3_column_text(stmt, 1);

        if (*file)
            ok = copy_key(store, db, path, file, authority, sqlite3_column_int(stmt, 2) == 1,
                          report, err);
    }
    (void)sqlite3_finalize(stmt);
    return ok;
}

static bool finish_copy(struct store *store, const char *temporary, bool with_keys,
                        struct backup_report *report, struct err *err)
{
    sqlite3 *db = open_copy(temporary, SQLITE_OPEN_READWRITE, err);
    char *info;
    bool ok = db != NULL;

    if (!ok)
        return false;
    info = mem_printf("PRAGMA synchronous = FULL; BEGIN;"
                      "CREATE TABLE backup_info (made_at INTEGER NOT NULL) STRICT;"
                      "INSERT INTO backup_info VALUES (%lld);"
                      "CREATE TABLE backup_key (name TEXT NOT NULL PRIMARY KEY, pem BLOB NOT"
                      " NULL) STRICT",
                      (long long)report->made_at);
    ok = exec(db, temporary, info, err) &&
         (!with_keys || copy_keys(store, db, temporary, report, err)) &&
         exec(db, temporary, "COMMIT", err) && count(db, temporary, report, err);
    (void)sqlite3_close_v2(db);
    free(info);
    return ok;
}

static void remove_copy(const char *temporary)
{
    char *journal = mem_printf("%s-journal", temporary);

    (void)unlink(temporary);
    (void)unlink(journal);
    free(journal);
}

/* "query_only" forbids VACUUM also where it writes elsewhere. */
static bool copy_store(struct store *store, const char *temporary, struct err *err)
{
    bool ok = sql_exec(store, "PRAGMA query_only = OFF", err) &&
              vacuum_into(store_db(store), store_folder(store), temporary, err);

    return (!store_only_reads(store) || sql_exec(store, "PRAGMA query_only = ON", err)) && ok;
}

static bool copy_once(struct store *store, const char *temporary, bool with_keys,
                      struct backup_report *report, struct err *err)
{
    backup_report_clear(report);
    report->made_at = clock_now();
    remove_copy(temporary); /* of the time before, or of a killed run that had our number */
    return copy_store(store, temporary, err) &&
           finish_copy(store, temporary, with_keys, report, err);
}

bool backup_write(struct store *store, const char *path, bool with_keys, struct backup_report *ret,
                  struct err *err)
{
    char *temporary = mem_printf("%s.pgseal-%ld.tmp", path, (long)getpid());
    bool ok = false;

    memset(ret, 0, sizeof(*ret));
    if (fs_exists(path)) {
        err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), path);
        goto out;
    }
    /* A passphrase that is changed between the rows and the key files: the rows once more. */
    for (int i = 0; i < ATTEMPTS && (i == 0 || (ok && ret->absent > 0)); i++)
        ok = copy_once(store, temporary, with_keys, ret, err);
    ok = ok && fs_sync_file(temporary, err) && fs_give_name(temporary, path, err);
    if (!ok) {
        remove_copy(temporary);
        backup_report_clear(ret);
    }
out:
    free(temporary);
    return ok;
}

/* ---- restore ---- */

static bool not_a_backup(const char *path, struct err *err)
{
    err_set(err, ERR_STORE, _("\"%s\" is not a backup of pgseal"), path);
    err_cause(err, _("It is no file that \"pgseal backup\" made, or it is damaged."));
    return err_hint(err, _("Give the file that \"pgseal backup FILE\" wrote, or an older copy."));
}

static bool damaged(const char *path, struct err *err)
{
    err_set(err, ERR_STORE, _("the backup \"%s\" is damaged"), path);
    err_cause(err, _("It was cut or changed after it was made."));
    return err_hint(err, _("Take another copy of it, or an older backup."));
}

static bool check_copy(sqlite3 *db, const char *path, struct err *err)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t bad = 0;
    int64_t tables = 0;

    if (!read_int(db, path, "PRAGMA application_id", &application, err) ||
        !read_int(db, path, "PRAGMA user_version", &version, err) ||
        !read_int(db, path,
                  "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN"
                  " ('backup_info', 'backup_key', 'authority', 'issued', 'log')",
                  &tables, err))
        return not_a_backup(path, err);
    if (application != SCHEMA_APPLICATION_ID || version < 1 || tables < 5)
        return not_a_backup(path, err);
    if (version > schema_version())
        return err_set(err, ERR_STORE_NEWER, _("\"%s\" was written by a newer pgseal"), path);
    if (!read_int(db, path,
                  "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", &bad,
                  err) ||
        bad != 0 ||
        !read_int(db, path, "SELECT count(*) FROM pragma_foreign_key_check", &bad, err) || bad != 0)
        return damaged(path, err);
    return true;
}

static sqlite3 *open_backup(const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        err_set_errno(err, ERR_FILE, errno, _("cannot open \"%s\""), path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) { /* opening a FIFO would wait for its writer */
        err_set(err, ERR_FILE, _("\"%s\" is not a regular file"), path);
        return NULL;
    }
    return open_copy(path, SQLITE_OPEN_READONLY, err);
}

/* A name from a file: nothing that leads out of keys/. */
static bool is_plain_name(const char *name)
{
    return name != NULL && name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL &&
           strlen(name) < 200;
}

/* What a killed restore left is as good as written now; another file of this name is not ours. */
static bool has_same_key(const char *path, const void *pem, size_t len)
{
    struct strbuf there = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    struct stat st;
    bool same = lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                (st.st_mode & 077) == 0 && fs_read(path, len, &there, &ignored) &&
                there.len == len && memcmp(there.data, pem, len) == 0;

    strbuf_wipe(&there);
    return same;
}

static bool restore_key(struct restore *restore, const char *name, const void *pem, size_t len,
                        struct err *err)
{
    char *to;
    bool ok;

    if (!is_plain_name(name) || len == 0)
        return damaged(restore->path, err);
    to = mem_printf("%s/keys/%s", restore->folder, name);
    ok = has_same_key(to, pem, len);
    if (!ok) {
        ok = fs_write_new(to, pem, len, FS_MODE_SECRET, err);
        if (ok)
            strbuf_add(&restore->written, to, strlen(to) + 1);
    }
    restore->report->keys += ok;
    free(to);
    return ok;
}

static bool restore_keys(struct restore *restore, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(restore->db, "SELECT name, pem FROM backup_key", -1, &stmt,
                                 NULL) == SQLITE_OK ||
              copy_err(restore->db, restore->path, err);

    while (ok && sqlite3_step(stmt) == SQLITE_ROW)
        ok = restore_key(restore, (const char *)sqlite3_column_text(stmt, 0),
                         sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1), err);
    (void)sqlite3_finalize(stmt);
    return ok;
}

/* The store's own file: without what only a backup has, and without a trace of it (the pages are
 * zeroed; a second VACUUM would cost as much as the first). */
static bool make_database(struct restore *restore, const char *to, struct err *err)
{
    sqlite3 *db;
    bool ok = vacuum_into(restore->db, restore->path, to, err);

    if (!ok)
        return false;
    db = open_copy(to, SQLITE_OPEN_READWRITE, err);
    ok = db != NULL && exec(db, to,
                            "PRAGMA secure_delete = ON; PRAGMA synchronous = FULL;"
                            "DROP TABLE backup_key; DROP TABLE backup_info",
                            err);
    (void)sqlite3_close_v2(db);
    return ok;
}

/* CAs whose key is not there now. */
static bool find_left_out(struct restore *restore, struct err *err)
{
    const char *path = restore->path;
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(restore->db,
                                 "SELECT name, key_file FROM authority WHERE deleted_at IS NULL"
                                 " UNION ALL SELECT name, key_file FROM authority_request",
                                 -1, &stmt, NULL) == SQLITE_OK ||
              copy_err(restore->db, path, err);

    while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *file = (const char *)sqlite3_column_text(stmt, 1);
        char *key = mem_printf("%s/keys/%s", restore->folder, file != NULL ? file : "");

        if (!is_plain_name(file) || !fs_exists(key))
            push_name(restore->report, (const char *)sqlite3_column_text(stmt, 0));
        free(key);
    }
    (void)sqlite3_finalize(stmt);
    return ok;
}

static void remove_written(const struct strbuf *written)
{
    for (const char *at = written->data; at < written->data + written->len; at += strlen(at) + 1)
        (void)unlink(at);
}

/* Brought to this version's tables, and the first line after those of the copy. */
static bool migrate_and_note(const char *staging, const char *path, struct err *err)
{
    struct store *store = store_open(staging, STORE_WRITE, err);
    bool ok = store != NULL && store_note(store, "restore", path, NULL, err);

    store_close(store);
    return ok;
}

static bool is_empty_store(const char *folder)
{
    struct err ignored = ERR_INIT;
    struct store *store = store_open(folder, STORE_READ, &ignored);
    int64_t rows = 1;
    struct sql *sql;

    if (store == NULL)
        return ignored.code == ERR_NO_STORE;
    sql = sql_new(store,
                  "SELECT EXISTS (SELECT 1 FROM authority) + EXISTS (SELECT 1 FROM server)"
                  " + EXISTS (SELECT 1 FROM authority_request) + EXISTS (SELECT 1 FROM log)",
                  &ignored);
    if (sql == NULL || !sql_run_int(sql, 1, &rows, &ignored))
        rows = 1;
    store_close(store);
    return rows == 0;
}

static bool refuse_store(const char *folder, const char *database, struct err *err)
{
    err_set(err, ERR_FILE_EXISTS, _("there is a store in \"%s\""), folder);
    if (is_empty_store(folder))
        return err_hint(err, _("There is nothing in it yet: delete \"%s\", then restore."),
                        database);
    return err_hint(err, _("Restore into another folder with --store DIR, or move it away."));
}

/* What is made here is taken back when nothing came of it. */
static bool prepare_folder(struct restore *restore, struct err *err)
{
    char *keys = fs_join(restore->folder, "keys");
    bool ok;

    restore->database = fs_join(restore->folder, "pgseal.db");
    if (fs_exists(restore->database)) {
        ok = refuse_store(restore->folder, restore->database, err);
    } else {
        restore->made_folder = !fs_exists(restore->folder);
        restore->made_keys = !fs_exists(keys);
        ok = (!restore->made_folder || fs_make_folder(restore->folder, err)) &&
             fs_check_own_folder(restore->folder, err) &&
             (!restore->made_keys || fs_make_folder(keys, err)) && fs_check_own_folder(keys, err);
    }
    free(keys);
    return ok;
}

/* A store of its own inside the folder, until it is whole. */
static bool make_staging(struct restore *restore, struct err *err)
{
    restore->staging = mem_printf("%s/" BACKUP_STAGING "XXXXXX", restore->folder);
    if (mkdtemp(restore->staging) != NULL)
        return true;
    err_set_errno(err, ERR_FILE, errno, _("cannot make a folder in \"%s\""), restore->folder);
    free(restore->staging);
    restore->staging = NULL;
    return false;
}

static bool restore_all(struct restore *restore, struct err *err)
{
    char *temporary = fs_join(restore->staging, "pgseal.db");
    /* the keys before the name: a store that is there has its keys */
    bool ok = make_database(restore, temporary, err) &&
              migrate_and_note(restore->staging, restore->path, err) &&
              fs_sync_file(temporary, err) && restore_keys(restore, err) &&
              find_left_out(restore, err) && fs_give_name(temporary, restore->database, err);

    free(temporary);
    return ok;
}

static void take_back(struct restore *restore)
{
    char *keys = fs_join(restore->folder, "keys");

    remove_written(&restore->written);
    if (restore->made_keys)
        (void)rmdir(keys);
    if (restore->made_folder)
        (void)rmdir(restore->folder);
    free(keys);
}

bool backup_restore(const char *path, const char *folder, struct backup_report *ret,
                    struct err *err)
{
    struct restore restore = {
        .path = path, .folder = folder, .report = ret, .written = STRBUF_INIT};
    struct err ignored = ERR_INIT;
    bool ok;

    memset(ret, 0, sizeof(*ret));
    restore.db = open_backup(path, err);
    ok = restore.db != NULL && check_copy(restore.db, path, err) &&
         read_int(restore.db, path, "SELECT made_at FROM backup_info", &ret->made_at, err) &&
         count(restore.db, path, ret, err) && prepare_folder(&restore, err) &&
         make_staging(&restore, err) && restore_all(&restore, err);
    if (restore.staging != NULL)
        (void)!fs_remove_tree(restore.staging, &ignored); /* else "fsck" names it */
    if (!ok) {
        take_back(&restore);
        backup_report_clear(ret);
    }
    (void)sqlite3_close_v2(restore.db);
    strbuf_clear(&restore.written);
    free(restore.staging);
    free(restore.database);
    return ok;
}
