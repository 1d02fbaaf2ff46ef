/* sighting_db.c - the file of what was seen: opened, its tables, SQL over it. */
#include "config.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/sighting_part.h"

#define FILE_NAME      "sightings.db"
#define APPLICATION_ID 0x70677369 /* "pgsi" */
#define SCHEMA_VERSION 2
#define BUSY_MS        5000

/* ---- SQLite ---- */

static bool fail(const struct sightings *self, struct err *err, const char *what)
{
    int code = sqlite3_extended_errcode(self->db) & 0xff;

    if (code == SQLITE_FULL)
        return err_set(err, ERR_DISK_FULL, _("%s: no space is left for \"%s\""), what, self->path);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return err_set(err, ERR_STORE_BUSY, _("%s: \"%s\" is busy"), what, self->path);
    return err_set(err, ERR_STORE, _("%s: %s (\"%s\")"), what, sqlite3_errmsg(self->db),
                   self->path);
}

bool sightings_run(const struct sightings *self, const char *sql, struct err *err)
{
    return sqlite3_exec(self->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
           fail(self, err, _("cannot use what was seen"));
}

sqlite3_stmt *sightings_prepare(const struct sightings *self, const char *sql, struct err *err)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(self->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail(self, err, _("cannot use what was seen"));
    return stmt;
}

bool sightings_step(const struct sightings *self, sqlite3_stmt *stmt, bool *ret_row,
                    struct err *err)
{
    int result = sqlite3_step(stmt);

    if (result != SQLITE_ROW && result != SQLITE_DONE)
        return fail(self, err, _("cannot use what was seen"));
    *ret_row = result == SQLITE_ROW;
    return true;
}

void sightings_bind(sqlite3_stmt *stmt, int at, const char *text)
{
    /* Only memory can be missing here; the step says so. */
    (void)sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

bool sightings_read_int(const struct sightings *self, const char *sql, int64_t *ret,
                        struct err *err)
{
    sqlite3_stmt *stmt = sightings_prepare(self, sql, err);
    bool row = false;
    bool ok = stmt && sightings_step(self, stmt, &row, err);

    *ret = ok && row ? sqlite3_column_int64(stmt, 0) : 0;
    (void)sqlite3_finalize(stmt);
    return ok;
}

/* ---- open ---- */

static bool find_file(const char *path, bool write, struct err *err)
{
    struct stat st;

    if (write && mknod(path, S_IFREG | 0600, 0) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_FILE, errno, _("cannot make \"%s\""), path);
    if (lstat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        err_set(err, ERR_NO_STORE, _("nothing was recorded yet: there is no \"%s\""), path);
        err_cause(err, "%s", _("Neither the live panel nor \"pgseal sessions --record\" ran."));
        return err_hint(err, "%s", _("\"pgseal sessions --record --watch\" records."));
    }
    if (lstat(path, &st) != 0)
        return err_set_errno(err, ERR_FILE, errno, _("cannot look at \"%s\""), path);
    return fs_check_own_file(path, &st, err);
}

/* One transaction: of two that start at the same time, the second finds it done. */
static bool make_schema(const struct sightings *self, struct err *err)
{
    static const char schema[] =
        "CREATE TABLE sighting ("
        " id INTEGER PRIMARY KEY,"
        " server TEXT NOT NULL, role TEXT NOT NULL, database TEXT NOT NULL,"
        " address TEXT NOT NULL, class TEXT NOT NULL, version TEXT NOT NULL,"
        " issuer TEXT NOT NULL, serial TEXT NOT NULL, application TEXT NOT NULL,"
        " authority TEXT NOT NULL,"
        " first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, count INTEGER NOT NULL,"
        " UNIQUE (" SIGHTING_COLUMNS ")) STRICT;"
        "CREATE INDEX sighting_last_seen ON sighting (last_seen);"
        "PRAGMA application_id = 1885827945;";
    static const char version_2[] =
        "ALTER TABLE sighting ADD COLUMN open INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE sighting ADD COLUMN open_since INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE sighting ADD COLUMN walsender INTEGER NOT NULL DEFAULT 0;"
        "CREATE TABLE look ("
        " server TEXT NOT NULL COLLATE NOCASE,"
        " from_at INTEGER NOT NULL, until_at INTEGER NOT NULL, longest_gap INTEGER NOT NULL,"
        " PRIMARY KEY (server, from_at)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX look_until ON look (until_at);"
        "CREATE TABLE watched ("
        " server TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,"
        " full_at INTEGER NOT NULL, hidden_at INTEGER NOT NULL, hidden INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID;"
        "PRAGMA user_version = 2;";
    int64_t version = 0;

    _Static_assert(APPLICATION_ID == 1885827945 && SCHEMA_VERSION == 2, "as in the statements");
    if (!sightings_run(self, "BEGIN IMMEDIATE", err))
        return false;
    if (!sightings_read_int(self, "PRAGMA user_version", &version, err) ||
        (version == 0 && !sightings_run(self, schema, err)) ||
        (version < SCHEMA_VERSION && !sightings_run(self, version_2, err)) ||
        !sightings_run(self, "COMMIT", err)) {
        (void)sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    return true;
}

static bool check_schema(const struct sightings *self, bool write, struct err *err)
{
    int64_t version = 0, application = 0;

    if (!sightings_read_int(self, "PRAGMA user_version", &version, err) ||
        !sightings_read_int(self, "PRAGMA application_id", &application, err))
        return false;
    if (version == 0 && application == 0) {
        if (write)
            return make_schema(self, err);
        return err_set(err, ERR_NO_STORE, _("nothing was recorded yet in \"%s\""), self->path);
    }
    if (application != APPLICATION_ID)
        return err_set(err, ERR_STORE, _("\"%s\" is not a file of pgseal"), self->path);
    if (version > SCHEMA_VERSION)
        return err_set(err, ERR_STORE_NEWER, _("\"%s\" has version %lld, this program knows %d"),
                       self->path, (long long)version, SCHEMA_VERSION);
    return version == SCHEMA_VERSION || make_schema(self, err);
}

static bool open_database(struct sightings *self, bool write, struct err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;

    if (sqlite3_open_v2(self->path, &self->db, flags, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(self->db, BUSY_MS) != SQLITE_OK ||
        sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(self->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK)
        return fail(self, err, _("cannot open what was seen"));
    /* synchronous NORMAL: in WAL mode a power cut loses the last minutes and never the file. */
    return sightings_run(self,
                         "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                         "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
                         "PRAGMA cell_size_check = ON;",
                         err) &&
           check_schema(self, write, err);
}

struct sightings *sightings_open(const char *store_folder, bool write, struct err *err)
{
    struct sightings *self = NULL;
    char *real = realpath(store_folder, NULL);
    char *path = NULL;

    if (!real) {
        err_set(err, ERR_NO_STORE, _("there is no store in \"%s\""), store_folder);
        return NULL;
    }
    path = fs_join(real, FILE_NAME);
    if (!fs_check_own_folder(real, err) || !find_file(path, write, err))
        goto out;
    self = mem_zalloc(sizeof(*self));
    self->path = path;
    path = NULL;
    if (!open_database(self, write, err)) {
        sightings_close(self);
        self = NULL;
    }
out:
    free(path);
    free(real);
    return self;
}

void sightings_close(struct sightings *sightings)
{
    if (!sightings)
        return;
    (void)sqlite3_close_v2(sightings->db);
    free(sightings->path);
    free(sightings);
}
