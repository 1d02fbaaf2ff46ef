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

#define BUSY_MS 10000

void backup_report_clear(struct backup_report *report)
{
    for (size_t i = 0; i < report->n_left_out; i++)
        free(report->left_out[i]);
    free(report->left_out);
    memset(report, 0, sizeof(*report));
}

/* ---- a database that is not the store ---- */

static bool copy_err(sqlite3 *db, const char *path, struct err *err)
{
    int code = sqlite3_extended_errcode(db);

    if ((code & 0xff) == SQLITE_FULL ||
        ((code & 0xff) == SQLITE_IOERR && sqlite3_system_errno(db) == ENOSPC))
        return err_set(err, ERR_DISK_FULL, _("no space is left for \"%s\""), path);
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
    if (!ok)
        copy_err(from, from_path, err);
    (void)sqlite3_finalize(stmt);
    return ok;
}

static bool sync_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (!ok)
        err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\" lasting"), path);
    if (fd >= 0)
        close(fd);
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
                      "CREATE TABLE backup_key (name TEXT PRIMARY KEY, pem BLOB NOT NULL) STRICT",
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

bool backup_write(struct store *store, const char *path, bool with_keys, struct backup_report *ret,
                  struct err *err)
{
    char *temporary = mem_printf("%s.pgseal-%ld.tmp", path, (long)getpid());
    bool ok = false;

    memset(ret, 0, sizeof(*ret));
    ret->made_at = clock_now();
    if (fs_exists(path)) {
        err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), path);
        goto out;
    }
    remove_copy(temporary); /* of a killed run that had our number */
    ok = copy_store(store, temporary, err) &&
         finish_copy(store, temporary, with_keys, ret, err) && sync_file(temporary, err) &&
         fs_give_name(temporary, path, err);
    if (!ok)
        remove_copy(temporary);
out:
    free(temporary);
    return ok;
}

/* ---- restore ---- */

static bool check_copy(sqlite3 *db, const char *path, struct err *err)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t bad = 0;
    int64_t tables = 0;

    if (!read_int(db, path, "PRAGMA application_id", &application, err) ||
        !read_int(db, path, "PRAGMA user_version", &version, err) ||
        !read_int(db, path,
                  "SELECT count(*) FROM sqlite_schema WHERE name IN ('backup_info', 'backup_key')",
                  &tables, err))
        return err_hint(err, _("It is no file that \"pgseal backup\" made, or it is damaged."));
    if (application != SCHEMA_APPLICATION_ID || tables < 2)
        return err_set(err, ERR_STORE, _("\"%s\" is not a backup of pgseal"), path);
    if (version > schema_version())
        return err_set(err, ERR_STORE_NEWER, _("\"%s\" was written by a newer pgseal"), path);
    if (!read_int(db, path,
                  "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", &bad,
                  err))
        return false;
    return bad == 0 || err_set(err, ERR_STORE, _("the backup \"%s\" is damaged"), path);
}

/* A name from a file: nothing that leads out of keys/. */
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL && strlen(name) < 200;
}

static bool restore_keys(sqlite3 *db, const char *path, const char *folder,
                         struct backup_report *report, struct strbuf *written, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok =
        sqlite3_prepare_v2(db, "SELECT name, pem FROM backup_key", -1, &stmt, NULL) == SQLITE_OK ||
        copy_err(db, path, err);

    while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        char *to;

        if (!is_plain_name(name)) {
            ok = err_set(err, ERR_FILE_UNSAFE, _("the backup names a key file \"%s\""), name);
            break;
        }
        to = mem_printf("%s/keys/%s", folder, name);
        ok = fs_write_new(to, sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1),
                          FS_MODE_SECRET, err);
        if (ok) {
            strbuf_add(written, to, strlen(to) + 1);
            report->keys++;
        }
        free(to);
    }
    (void)sqlite3_finalize(stmt);
    return ok;
}

/* The store's own file: without what only a backup has, and without a trace of it. */
static bool make_database(sqlite3 *from, const char *path, const char *temporary, struct err *err)
{
    sqlite3 *db;
    bool ok = vacuum_into(from, path, temporary, err);

    if (!ok)
        return false;
    db = open_copy(temporary, SQLITE_OPEN_READWRITE, err);
    ok = db != NULL && exec(db, temporary,
                            "PRAGMA secure_delete = ON; PRAGMA synchronous = FULL;"
                            "DROP TABLE backup_key; DROP TABLE backup_info; VACUUM",
                            err);
    (void)sqlite3_close_v2(db);
    return ok && sync_file(temporary, err);
}

/* CAs whose key is not there now. */
static bool find_left_out(sqlite3 *db, const char *path, const char *folder,
                          struct backup_report *report, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db,
                                 "SELECT name, key_file FROM authority WHERE deleted_at IS NULL"
                                 " UNION ALL SELECT name, key_file FROM authority_request",
                                 -1, &stmt, NULL) == SQLITE_OK ||
              copy_err(db, path, err);

    while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
        char *key = mem_printf("%s/keys/%s", folder, (const char *)sqlite3_column_text(stmt, 1));

        if (!fs_exists(key))
            push_name(report, (const char *)sqlite3_column_text(stmt, 0));
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

static bool note(const char *folder, const char *path, struct err *err)
{
    struct store *store = store_open(folder, STORE_WRITE, err);
    bool ok = store != NULL && store_note(store, "restore", path, NULL, err);

    store_close(store);
    return ok;
}

static bool prepare_folder(const char *folder, char **ret_database, struct err *err)
{
    char *keys = fs_join(folder, "keys");
    char *database = fs_join(folder, "pgseal.db");
    bool ok = true;

    if (fs_exists(database)) {
        ok = err_set(err, ERR_FILE_EXISTS, _("there is a store in \"%s\""), folder);
        err_hint(err, _("Restore into another folder with --store DIR, or move it away."));
    }
    ok = ok && (fs_exists(folder) || fs_make_folder(folder, err)) &&
         fs_check_own_folder(folder, err) && (fs_exists(keys) || fs_make_folder(keys, err)) &&
         fs_check_own_folder(keys, err);
    free(keys);
    if (ok)
        *ret_database = database;
    else
        free(database);
    return ok;
}

bool backup_restore(const char *path, const char *folder, struct backup_report *ret,
                    struct err *err)
{
    sqlite3 *db = NULL;
    char *database = NULL;
    char *temporary = NULL;
    struct strbuf written = STRBUF_INIT; /* paths, each with its NUL */
    bool ok = false;

    memset(ret, 0, sizeof(*ret));
    if (!fs_exists(path)) {
        err_set_errno(err, ERR_FILE, ENOENT, _("cannot open \"%s\""), path);
        goto out;
    }
    db = open_copy(path, SQLITE_OPEN_READONLY, err);
    if (db == NULL || !check_copy(db, path, err) ||
        !read_int(db, path, "SELECT made_at FROM backup_info", &ret->made_at, err) ||
        !count(db, path, ret, err) || !prepare_folder(folder, &database, err))
        goto out;
    temporary = mem_printf("%s.%ld.tmp", database, (long)getpid());
    remove_copy(temporary);
    /* the keys first: a store whose database is there has its keys */
    ok = make_database(db, path, temporary, err) &&
         restore_keys(db, path, folder, ret, &written, err) &&
         find_left_out(db, path, folder, ret, err) && fs_give_name(temporary, database, err);
    if (!ok) {
        remove_copy(temporary);
        remove_written(&written);
    }
    ok = ok && note(folder, path, err);
out:
    (void)sqlite3_close_v2(db);
    strbuf_clear(&written);
    free(temporary);
    free(database);
    return ok;
}
