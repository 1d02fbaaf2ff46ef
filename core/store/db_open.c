/* db_open.c - the store: where it is, whether it is ours, opened and closed. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/db_state.h"
#include "core/store/schema.h"
#include "core/store/sql.h"

#define BUSY_MS 10000

char *store_choose_folder(const char *explicit_folder, struct err *err)
{
    const char *from_env = getenv("PGSEAL_STORE");

    if (explicit_folder != NULL && explicit_folder[0] != '\0')
        return mem_strdup(explicit_folder);
    if (from_env != NULL && from_env[0] != '\0')
        return mem_strdup(from_env);
    return fs_data_folder(err);
}

static bool no_store(struct err *err, const char *folder)
{
    return err_set(err, ERR_NO_STORE, _("there is no store in \"%s\""), folder);
}

/* The folder's real path: SQLite is told to follow no symbolic links, so they are resolved here,
 * once, and the owner is checked behind them. */
static char *find_folder(const char *folder, enum store_mode mode, struct err *err)
{
    char *real;

    if (mode == STORE_CREATE && !fs_exists(folder) && !fs_make_folder(folder, err))
        return NULL;
    real = realpath(folder, NULL);
    if (real == NULL && (errno == ENOENT || errno == ENOTDIR)) {
        no_store(err, folder);
        return NULL;
    }
    if (real == NULL) {
        err_set_errno(err, ERR_FILE, errno, _("cannot look at \"%s\""), folder);
        return NULL;
    }
    if (!fs_check_own_folder(real, err)) {
        free(real);
        return NULL;
    }
    return real;
}

/* The database file is never open()ed here: closing any descriptor of it would drop SQLite's POSIX
 * locks of the whole process. mknod() makes a regular file without one, its mode right from birth. */
static bool find_file(const char *path, const char *folder, enum store_mode mode, struct err *err)
{
    struct stat st;

    if (mode == STORE_CREATE && mknod(path, S_IFREG | 0600, 0) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\""), path);
    if (lstat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return no_store(err, folder);
    if (lstat(path, &st) != 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot look at \"%s\""), path);
    if (!fs_check_own_file(path, &st, err))
        return false;
    if (mode == STORE_READ && st.st_size == 0) /* a first start that was killed */
        return no_store(err, folder);
    return true;
}

static bool find_keys(const char *folder, struct err *err)
{
    char *keys = fs_join(folder, "keys");
    struct stat st;
    bool ok = false;

    if ((!fs_exists(keys) && !fs_make_folder(keys, err)) || !fs_check_own_folder(keys, err))
        goto out;
    if (lstat(keys, &st) != 0 || !S_ISDIR(st.st_mode)) {
        err_set(err, ERR_FILE_UNSAFE, _("\"%s\" is not a folder"), keys);
        goto out;
    }
    if ((st.st_mode & 077) != 0) {
        err_set(err, ERR_FILE_UNSAFE, _("others can look into \"%s\""), keys);
        err_hint(err, _("chmod 700 %s"), keys);
        goto out;
    }
    ok = true;
out:
    free(keys);
    return ok;
}

/* Readers open the file for writing too where they may: only then can SQLite put back what a killed
 * writer left half done. query_only keeps us from writing anything else. On a read-only file system
 * SQLite itself falls back to reading. */
static bool open_database(struct store *store, const char *path, struct err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    int result = sqlite3_open_v2(path, &store->db, flags, NULL);

    if (result != SQLITE_OK)
        return err_set(err, ERR_STORE, _("cannot open \"%s\": %s"), path,
                       store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(result));
    if (sqlite3_busy_timeout(store->db, BUSY_MS) != SQLITE_OK ||
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK)
        return sql_err(store, err, _("cannot open the store"));
    if (!sql_exec(store,
                  "PRAGMA foreign_keys = ON; PRAGMA synchronous = EXTRA;"
                  "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;",
                  err))
        return false;
    if (store->mode == STORE_READ)
        return sql_exec(store, "PRAGMA query_only = ON", err) && schema_check(store, err);
    return schema_migrate(store, err);
}

struct store *store_open(const char *folder, enum store_mode mode, struct err *err)
{
    struct store *store = NULL;
    char *path = NULL;
    char *real = find_folder(folder, mode, err);
    bool ok = false;

    if (real == NULL)
        return NULL;
    path = fs_join(real, "pgseal.db");
    if (!find_file(path, real, mode, err))
        goto out;
    if (mode != STORE_READ && !find_keys(real, err))
        goto out;
    store = mem_zalloc(sizeof(*store));
    store->mode = mode;
    store->folder = real;
    real = NULL;
    ok = store->ready = open_database(store, path, err);
out:
    if (!ok) {
        store_close(store);
        store = NULL;
    }
    free(path);
    free(real);
    return store;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    (void)sqlite3_close_v2(store->db); /* an open transaction is rolled back */
    delivered_clear(&store->taken);
    free(store->folder);
    free(store);
}
