/* fsck_files.c - key files against the rows that name them; modes; what killed runs left. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/backup.h"
#include "core/store/fsck_part.h"
#include "core/store/key_file.h"
#include "core/store/sql.h"

#define TEMPORARY ".tmp"
#define OLD_S     60
#define RANDOM    16 /* hex digits before it, see fs_write_new() */

/* ---- of a CA ---- */

static bool load_file(struct fsck *fsck, int64_t id, char **ret, struct err *err)
{
    struct sql *sql = sql_new(fsck->store, "SELECT key_file FROM authority WHERE id = ?1", err);
    bool row = false;
    bool ok = sql != NULL;

    if (ok) {
        sql_bind_int(sql, 1, id);
        ok = sql_step(sql, &row, err);
    }
    *ret = ok && row ? sql_text(sql, 0) : mem_strdup("");
    sql_free(sql);
    return ok;
}

static bool set_encrypted(struct fsck *fsck, int64_t id, bool encrypted, struct err *err)
{
    struct sql *sql =
        sql_new(fsck->store, "UPDATE authority SET key_encrypted = ?2 WHERE id = ?1", err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, id);
    sql_bind_int(sql, 2, encrypted);
    return sql_run(sql, err);
}

static bool check_ca_key(struct fsck *fsck, const struct authority *authority, const char *file,
                         struct err *err)
{
    struct err unreadable = ERR_INIT;
    struct secret *pem = key_file_read(fsck->store, file, &unreadable);
    struct key *key = NULL;
    bool encrypted;
    bool ok = true;

    if (pem == NULL && unreadable.code == ERR_KEY_MODE)
        return true; /* fsck_access() said it */
    if (pem == NULL) {
        fsck_help(fsck_say(fsck, FSCK_WARNING, authority->name, "%s", unreadable.msg),
                  _("Without it the CA can issue, revoke and sign lists no more. Bring it back, or "
                    "restore a backup."));
        return true;
    }
    encrypted = key_pem_is_encrypted(secret_data(pem), secret_len(pem));
    if (encrypted != authority->key_encrypted) {
        struct fsck_finding *finding =
            fsck_say(fsck, FSCK_WARNING, authority->name,
                     encrypted ? _("its key has a passphrase, and its row says it has none")
                               : _("its key has no passphrase, and its row says it has one"));

        finding->repairable = true;
        finding->repaired =
            fsck->options->repair && set_encrypted(fsck, authority->id, encrypted, err);
        ok = finding->repaired || !fsck->options->repair;
    }
    if (!encrypted) {
        key = key_from_pem(secret_data(pem), secret_len(pem), NULL, &unreadable);
        if (key == NULL || !cert_matches_key(authority->cert, key))
            fsck_say(fsck, FSCK_ERROR, authority->name, _("\"%s\" is not its key"), file);
    }
    key_free(key);
    secret_free(pem);
    return ok;
}

bool fsck_check_keys(struct fsck *fsck, const struct authority *authority, struct err *err)
{
    static const enum canary_kind kinds[] = {CANARY_GOOD, CANARY_REVOKED};
    char *file = NULL;
    bool ok = load_file(fsck, authority->id, &file, err);

    ok = ok && check_ca_key(fsck, authority, file, err);
    for (size_t i = 0; ok && i < ARRAY_LEN(kinds); i++) {
        struct canary canary = {NULL, NULL};
        struct err broken = ERR_INIT;

        if (!authority_canary(fsck->store, authority, kinds[i], &canary, &broken) &&
            broken.code != ERR_KEY_MODE)
            fsck_help(fsck_say(fsck, FSCK_WARNING, authority->name, "%s", broken.msg),
                      _("Changes to servers cannot be proven by this canary."));
        canary_clear(&canary);
    }
    free(file);
    return ok;
}

/* ---- the folder ---- */

/* Whether a row needs the file, or has given it up. */
static bool is_named(struct fsck *fsck, const char *name, bool *ret_named, bool *ret_doomed,
                     struct err *err)
{
    struct sql *sql = sql_new(fsck->store,
                              "SELECT EXISTS (SELECT 1 FROM authority WHERE deleted_at IS NULL AND"
                              " ?1 IN (key_file, canary_good_file, canary_revoked_file))"
                              " OR EXISTS (SELECT 1 FROM authority_request WHERE key_file = ?1),"
                              " EXISTS (SELECT 1 FROM doomed_file WHERE name = ?1)",
                              err);
    bool row = false;
    bool ok = sql != NULL;

    if (ok) {
        sql_bind_text(sql, 1, name);
        ok = sql_step(sql, &row, err);
    }
    if (ok && row) {
        *ret_named = sql_int(sql, 0) != 0;
        *ret_doomed = sql_int(sql, 1) != 0;
    }
    sql_free(sql);
    return ok;
}

/* "x.key.0123456789abcdef.tmp": written, and its run was killed before it got its name. */
static bool is_temporary(const char *name)
{
    size_t len = strlen(name);
    size_t end = strlen(TEMPORARY);

    if (len < end + RANDOM + 2 || strcmp(name + len - end, TEMPORARY) != 0)
        return false;
    for (size_t i = 0; i < RANDOM; i++)
        if (!isxdigit((unsigned char)name[len - end - RANDOM + i]))
            return false;
    return name[len - end - RANDOM - 1] == '.';
}

static bool is_old(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && st.st_mtime < clock_now() - OLD_S;
}

static bool check_file(struct fsck *fsck, const char *folder, const char *name, struct err *err)
{
    char *path = fs_join(folder, name);
    struct fsck_finding *finding = NULL;
    bool named = false;
    bool doomed = false;
    bool half = is_temporary(name);
    bool ok = is_named(fsck, name, &named, &doomed, err);

    if (ok && !named && half && !is_old(path)) {
        /* somebody writes it now */
    } else if (ok && !named && (doomed || half)) {
        finding = fsck_say(fsck, FSCK_WARNING, path,
                           doomed ? _("a key that was given up is still there")
                                  : _("half of a file, left by a run that was killed"));
        finding->repairable = true;
        if (fsck->options->repair)
            finding->repaired = unlink(path) == 0;
    } else if (ok && !named) {
        fsck_help(fsck_say(fsck, FSCK_NOTE, path, _("no row names this file")),
                  _("It is of a run that was killed, or its row is in a backup. Delete it when you "
                    "are sure."));
    }
    free(path);
    return ok;
}

bool fsck_check_files(struct fsck *fsck, struct err *err)
{
    char *keys = fs_join(store_folder(fsck->store), "keys");
    DIR *dir = opendir(keys);
    struct dirent *entry;
    bool ok = true;

    if (dir == NULL)
        fsck_help(
            fsck_say(fsck, FSCK_ERROR, keys, _("the folder of the keys cannot be read")),
            _("Without it no CA can issue, revoke and sign lists. Bring it back, or restore a "
              "backup."));
    while (ok && dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            ok = check_file(fsck, keys, entry->d_name, err);
    if (dir != NULL)
        closedir(dir);
    free(keys);
    return ok;
}

/* ---- before the store is opened ---- */

static void check_mode(struct fsck *fsck, const char *path, unsigned wanted)
{
    struct stat st;
    struct fsck_finding *finding;

    if (lstat(path, &st) != 0 || S_ISLNK(st.st_mode) || (st.st_mode & 07777 & ~wanted) == 0)
        return;
    finding = fsck_say(fsck, FSCK_ERROR, path, _("others may use it (mode %04o)"),
                       (unsigned)st.st_mode & 07777);
    finding->repairable = st.st_uid == geteuid();
    if (fsck->options->repair && finding->repairable)
        finding->repaired = chmod(path, (mode_t)(st.st_mode & wanted)) == 0;
}

/* A restore that was killed: all in it is in the backup still. */
static void check_staging(struct fsck *fsck, const char *path)
{
    struct err failed = ERR_INIT;
    struct fsck_finding *finding =
        fsck_say(fsck, FSCK_WARNING, path, _("half of a store, left by a restore that was killed"));

    finding->repairable = true;
    if (fsck->options->repair)
        finding->repaired = fs_remove_tree(path, &failed);
}

static bool is_staging(const char *name)
{
    size_t len = strlen(BACKUP_STAGING);

    return strncmp(name, BACKUP_STAGING, len) == 0 && strlen(name) == len + 6;
}

static void check_entries(struct fsck *fsck, const char *folder, bool keys)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct stat st;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char *path = fs_join(folder, entry->d_name);
        bool there = entry->d_name[0] != '.' && lstat(path, &st) == 0;

        if (there && S_ISREG(st.st_mode))
            check_mode(fsck, path, 0600);
        else if (there && !keys && S_ISDIR(st.st_mode) && is_staging(entry->d_name))
            check_staging(fsck, path);
        free(path);
    }
    if (dir != NULL)
        closedir(dir);
}

void fsck_access(const char *folder, const struct fsck_options *options, struct fsck_list *list)
{
    struct fsck fsck = {.options = options, .list = list};
    char *real = realpath(folder, NULL); /* the folder may be reached by a link */
    char *database = real != NULL ? fs_join(real, "pgseal.db") : NULL;
    char *keys = real != NULL ? fs_join(real, "keys") : NULL;

    if (real != NULL && fs_exists(database)) { /* else a restore may be at work */
        check_mode(&fsck, real, 0755);
        check_mode(&fsck, keys, 0700);
        check_entries(&fsck, real, false);
        check_entries(&fsck, keys, true);
    }
    free(database);
    free(keys);
    free(real);
}
