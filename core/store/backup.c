/* backup.c - a copy of the store in one file; restore.c makes a store from it. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/store/backup_part.h"
#include "core/store/key_file.h"
#include "core/store/sql.h"

#define BUSY_MS     10000
#define ATTEMPTS    3
#define WATCH_EVERY 10000 /* steps of SQLite's machine: well under a millisecond */

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

bool backup_err(sqlite3 *db, const char *path, struct err *err)
{
    int code = sqlite3_errcode(db) & 0xff;

    if (no_room(db, code))
        return err_set(err, ERR_DISK_FULL, _("no space is left for \"%s\""), path);
    if (code == SQLITE_INTERRUPT)
        return err_set(err, ERR_CANCELLED, _("it was stopped"));
    if (code == SQLITE_BUSY)
        return err_set(err, ERR_STORE_BUSY, _("another process keeps \"%s\" locked"), path);
    return err_set(err, ERR_STORE, "\"%s\": %s", path, sqlite3_errmsg(db));
}

static int ask_watch(void *arg)
{
    const struct backup_watch *watch = arg;

    return watch->cancelled(watch->arg) ? 1 : 0;
}

static void set_watch(sqlite3 *db, const struct backup_watch *watch)
{
    sqlite3_progress_handler(db, watch != NULL ? WATCH_EVERY : 0, watch != NULL ? ask_watch : NULL,
                             (void *)(uintptr_t)watch);
}

bool backup_goes_on(const struct backup_watch *watch, struct err *err)
{
    if (watch == NULL || !watch->cancelled(watch->arg))
        return true;
    return err_set(err, ERR_CANCELLED, _("it was stopped"));
}

sqlite3 *backup_open(const char *path, int flags, const struct backup_watch *watch, struct err *err)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL) ==
            SQLITE_OK &&
        sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK &&
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK) {
        set_watch(db, watch);
        return db;
    }
    err_set(err, ERR_STORE, _("cannot open \"%s\": %s"), path, db ? sqlite3_errmsg(db) : "");
    (void)sqlite3_close_v2(db);
    return NULL;
}

bool backup_exec(sqlite3 *db, const char *path, const char *text, struct err *err)
{
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK || backup_err(db, path, err);
}

bool backup_int(sqlite3 *db, const char *path, const char *text, int64_t *ret, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;

    if (ok)
        *ret = sqlite3_column_int64(stmt, 0);
    else
        backup_err(db, path, err);
    (void)sqlite3_finalize(stmt);
    return ok;
}

/* One moment of the database into a new file. VACUUM takes an empty file as well: so it has its mode
 * before anything is in it. */
bool backup_vacuum(sqlite3 *from, const char *from_path, const char *to, struct err *err)
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

        backup_err(from, code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? from_path : to, err);
    }
    (void)sqlite3_finalize(stmt);
    return ok;
}

bool backup_end(sqlite3 *db, const char *path, sqlite3_stmt *rows, bool ok, struct err *err)
{
    int code = sqlite3_finalize(rows); /* of the last step: damage does not pass for the end */

    return ok && (code == SQLITE_OK || backup_err(db, path, err));
}

void backup_push_name(struct backup_report *report, const char *name)
{
    report->left_out =
        mem_realloc_array(report->left_out, report->n_left_out + 1, sizeof(*report->left_out));
    report->left_out[report->n_left_out++] = mem_strdup(name);
}

bool backup_count(sqlite3 *db, const char *path, struct backup_report *report, struct err *err)
{
    int64_t authorities = 0;

    if (!backup_int(db, path, "SELECT count(*) FROM authority WHERE deleted_at IS NULL",
                    &authorities, err) ||
        !backup_int(db, path, "SELECT coalesce(sum(n_issued), 0) FROM authority",
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
        backup_err(db, path, err);
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
            backup_push_name(report, authority);
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
        backup_err(db, path, err);

    while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *authority = (const char *)sqlite3_column_text(stmt, 0);
        const char *file = (const char *)sqlite3_column_text(stmt, 1);

        if (*file)
            ok = copy_key(store, db, path, file, authority, sqlite3_column_int(stmt, 2) == 1,
                          report, err);
    }
    return backup_end(db, path, stmt, ok, err);
}

static bool finish_copy(struct store *store, const char *temporary, bool with_keys,
                        struct backup_report *report, struct err *err)
{
    sqlite3 *db = backup_open(temporary, SQLITE_OPEN_READWRITE, NULL, err);
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
    ok = backup_exec(db, temporary, info, err) &&
         (!with_keys || copy_keys(store, db, temporary, report, err)) &&
         backup_exec(db, temporary, "COMMIT", err) && backup_count(db, temporary, report, err);
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
static bool copy_store(struct store *store, const char *temporary, const struct backup_watch *watch,
                       struct err *err)
{
    bool ok = sql_exec(store, "PRAGMA query_only = OFF", err);

    if (ok)
        store_settle(store);
    set_watch(store_db(store), watch);
    ok = ok && backup_vacuum(store_db(store), store_folder(store), temporary, err);
    set_watch(store_db(store), NULL);
    return (!store_only_reads(store) || sql_exec(store, "PRAGMA query_only = ON", err)) && ok;
}

/* What runs left that were killed before their copy got its name: as large as the store. */
static void remove_stale(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char *folder = slash != NULL ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t len = strlen(base);
    long pid = 0;
    int end = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *rest = entry->d_name + len;
        char *temporary;

        if (strncmp(entry->d_name, base, len) != 0 ||
            sscanf(rest, ".pgseal-%9ld.tmp%n", &pid, &end) != 1 || end == 0 || rest[end] != '\0' ||
            pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        temporary = fs_join(folder, entry->d_name);
        remove_copy(temporary);
        free(temporary);
    }
    if (dir != NULL)
        closedir(dir);
    free(folder);
}

static bool copy_once(struct store *store, const char *temporary, bool with_keys,
                      const struct backup_watch *watch, struct backup_report *report,
                      struct err *err)
{
    backup_report_clear(report);
    report->made_at = clock_now();
    remove_copy(temporary); /* of the time before, or of a killed run that had our number */
    return copy_store(store, temporary, watch, err) &&
           finish_copy(store, temporary, with_keys, report, err);
}

/* Who may move files away there could put one of his own where the copy is written. */
static bool check_folder(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? mem_strdup(".")
                   : slash == path ? mem_strdup("/")
                                   : mem_strndup(path, (size_t)(slash - path));
    bool ok = !fs_exists(folder) || fs_is_steady_folder(folder);

    if (!ok) {
        err_set(err, ERR_FILE_UNSAFE, _("others can move files away in \"%s\""), folder);
        err_hint(err, _("Write it into a folder of your own, and copy it from there."));
    }
    free(folder);
    return ok;
}

bool backup_write(struct store *store, const char *path, bool with_keys,
                  const struct backup_watch *watch, struct backup_report *ret, struct err *err)
{
    char *temporary = mem_printf("%s.pgseal-%ld.tmp", path, (long)getpid());
    bool ok = false;

    memset(ret, 0, sizeof(*ret));
    if (fs_exists(path)) {
        err_set(err, ERR_FILE_EXISTS, _("\"%s\" exists already"), path);
        goto out;
    }
    if (!check_folder(path, err))
        goto out;
    remove_stale(path);
    /* A passphrase that is changed between the rows and the key files: the rows once more. */
    for (int i = 0; i < ATTEMPTS && (i == 0 || (ok && ret->absent > 0)); i++)
        ok = copy_once(store, temporary, with_keys, watch, ret, err);
    ok = ok && fs_sync_file(temporary, err) && backup_goes_on(watch, err) &&
         fs_give_name(temporary, path, err);
    if (!ok) {
        remove_copy(temporary);
        backup_report_clear(ret);
    }
out:
    free(temporary);
    return ok;
}
