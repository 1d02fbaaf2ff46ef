/* restore.c - a store made from a backup. */
#include "config.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/strbuf.h"
#include "core/store/backup_part.h"
#include "core/store/schema.h"
#include "core/store/sql.h"

struct restore {
    const char *path;   /* of the backup */
    const char *folder; /* of the new store */
    char *database;     /* its file */
    char *staging;
    sqlite3 *db;
    struct backup_report *report;
    const struct backup_watch *watch;
    struct strbuf written; /* paths, each with its NUL */
    bool made_folder, made_keys;
};

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

    if (!backup_int(db, path, "PRAGMA application_id", &application, err) ||
        !backup_int(db, path, "PRAGMA user_version", &version, err) ||
        !backup_int(db, path,
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN"
                    " ('backup_info', 'backup_key', 'authority', 'issued', 'log')",
                    &tables, err))
        return err->code != ERR_CANCELLED && not_a_backup(path, err);
    if (application != SCHEMA_APPLICATION_ID || version < 1 || tables < 5)
        return not_a_backup(path, err);
    if (version > schema_version())
        return err_set(err, ERR_STORE_NEWER, _("\"%s\" was written by a newer pgseal"), path);
    if (!backup_int(db, path,
                    "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
                    &bad, err) ||
        bad != 0 ||
        !backup_int(db, path, "SELECT count(*) FROM pragma_foreign_key_check", &bad, err) ||
        bad != 0)
        return err->code != ERR_CANCELLED && damaged(path, err);
    return true;
}

static sqlite3 *open_backup(const char *path, const struct backup_watch *watch, struct err *err)
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
    return backup_open(path, SQLITE_OPEN_READONLY, watch, err);
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
              backup_err(restore->db, restore->path, err);

    while (ok && sqlite3_step(stmt) == SQLITE_ROW)
        ok = restore_key(restore, (const char *)sqlite3_column_text(stmt, 0),
                         sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1), err);
    return backup_end(restore->db, restore->path, stmt, ok, err);
}

/* The store's own file: without what only a backup has, and without a trace of it (the pages are
 * zeroed; a second VACUUM would cost as much as the first). */
static bool make_database(struct restore *restore, const char *to, struct err *err)
{
    sqlite3 *db;
    bool ok = backup_vacuum(restore->db, restore->path, to, err);

    if (!ok)
        return false;
    db = backup_open(to, SQLITE_OPEN_READWRITE, NULL, err);
    ok = db != NULL && backup_exec(db, to,
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
              backup_err(restore->db, path, err);

    while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *file = (const char *)sqlite3_column_text(stmt, 1);
        char *key = mem_printf("%s/keys/%s", restore->folder, file != NULL ? file : "");

        if (!is_plain_name(file) || !fs_exists(key))
            backup_push_name(restore->report, (const char *)sqlite3_column_text(stmt, 0));
        free(key);
    }
    return backup_end(restore->db, restore->path, stmt, ok, err);
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

/* Nothing but what a store of this version has: a view, a trigger or a constraint that somebody put into
 * the file would act in the new store for ever. All names count: one that begins with "sqlite_" cannot be
 * made by SQL, but by whoever writes the schema table itself. */
static bool has_own_schema(const struct restore *restore, const char *database, struct err *err)
{
    /* blanks and quotes aside, in which versions of SQLite may differ when they alter a table */
    static const char objects[] =
        "SELECT type, name, tbl_name, replace(replace(replace(lower(coalesce(sql, '')), '\"', ''),"
        " ' ', ''), char(10), '') AS text FROM %s.sqlite_schema"
        " WHERE NOT (type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4'))";
    char *reference = fs_join(restore->staging, "reference");
    char *reference_db = fs_join(reference, "pgseal.db");
    char *theirs = mem_printf(objects, "main");
    char *ours = mem_printf(objects, "reference");
    char *ask = mem_printf("SELECT (SELECT count(*) FROM (%s EXCEPT %s)) +"
                           " (SELECT count(*) FROM (%s EXCEPT %s))",
                           theirs, ours, ours, theirs);
    char *attach = sqlite3_mprintf("ATTACH %Q AS reference", reference_db);
    struct store *store = store_open(reference, STORE_CREATE, err);
    sqlite3 *db = store ? backup_open(database, SQLITE_OPEN_READWRITE, NULL, err) : NULL;
    int64_t others = 0;
    bool ok;

    store_close(store);
    ok = db && attach && backup_exec(db, database, attach, err) &&
         backup_int(db, database, ask, &others, err);
    if (ok && others > 0) {
        ok = err_set(err, ERR_STORE, _("the backup \"%s\" holds what no store has"), restore->path);
        err_cause(err, _("Tables, views or triggers were added to it, or changed, after it was "
                         "made."));
        err_hint(err, _("Take another copy of it, or an older backup."));
    }
    (void)sqlite3_close_v2(db);
    sqlite3_free(attach);
    free(ask);
    free(ours);
    free(theirs);
    free(reference_db);
    free(reference);
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
    return err_hint(err, _("Restore into another folder (--store DIR), or move it away."));
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
              has_own_schema(restore, temporary, err) && fs_sync_file(temporary, err) &&
              restore_keys(restore, err) && find_left_out(restore, err) &&
              backup_goes_on(restore->watch, err) &&
              fs_give_name(temporary, restore->database, err);

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

bool backup_restore(const char *path, const char *folder, const struct backup_watch *watch,
                    struct backup_report *ret, struct err *err)
{
    struct restore restore = {
        .path = path, .folder = folder, .report = ret, .watch = watch, .written = STRBUF_INIT};
    struct err ignored = ERR_INIT;
    bool ok;

    memset(ret, 0, sizeof(*ret));
    restore.db = open_backup(path, watch, err);
    ok = restore.db != NULL && check_copy(restore.db, path, err) &&
         backup_int(restore.db, path, "SELECT made_at FROM backup_info", &ret->made_at, err) &&
         backup_count(restore.db, path, ret, err) && prepare_folder(&restore, err) &&
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
