/*
 * files.c - the choice of the way, and the check afterwards: every write is read back by the server.
 *
 * That the data directory is here does not prove that another folder is: in a container /etc is
 * another one. So each local write is checked through the server, and taken back when it went
 * elsewhere.
 */
#include "config.h"

#include "core/pg/files.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/files_local.h"
#include "core/pg/files_sql.h"

#define OVERWRITE_MAX ((size_t)8 << 20)

struct files {
    struct conn *conn;    /* borrowed */
    char *data_directory; /* owned; "" when not known */
    enum files_way way;
    struct sql_rights rights;
    struct local_owner owner; /* FILES_LOCAL: the server's user */
};

static bool may_write_by_sql(const struct files *files)
{
    return files->rights.read && (files->rights.lo_export || files->rights.copy);
}

/* Writes a few random bytes here and asks the server for them. False with ERR_NONE in err: it is not
 * the same folder; else the connection is gone. */
static bool probe_is_seen(struct files *files, struct err *err)
{
    struct err why = ERR_INIT;
    struct strbuf content = STRBUF_INIT;
    struct strbuf seen = STRBUF_INIT;
    unsigned char random[24];
    char *path = NULL;
    bool same = false;

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        goto out;
    strbuf_add_str(&content, files->data_directory);
    strbuf_add_str(&content, "/pgseal-probe-");
    strbuf_add_hex(&content, random, 8);
    path = strbuf_steal(&content);
    strbuf_add_hex(&content, random + 8, sizeof(random) - 8);
    if (!local_write_new(path, content.data, content.len, 0600, &files->owner, &why))
        goto out;
    same = sql_read(files->conn, path, 256, &seen, &why) && strbuf_equal(&seen, &content);
    (void)local_remove(path, &files->owner);
    if (conn_state(files->conn) == CONN_FAILED) {
        *err = why;
        same = false;
    }
out:
    free(path);
    strbuf_clear(&content);
    strbuf_clear(&seen);
    return same;
}

static bool choose_way(struct files *files, struct err *err)
{
    char identifier[32] = "";
    struct err why = ERR_INIT;

    files->way = may_write_by_sql(files) ? FILES_SQL : FILES_NONE;
    if (!files->rights.read || files->data_directory[0] != '/')
        return true;
    if (!conn_system_identifier(files->conn, identifier, err))
        return false;
    if (!identifier[0] || !local_is_cluster(files->data_directory, identifier, &files->owner))
        return true;
    if (probe_is_seen(files, &why))
        files->way = FILES_LOCAL;
    if (why.code != ERR_NONE) {
        *err = why;
        return false;
    }
    return true;
}

struct files *files_new(struct conn *conn, const char *data_directory, struct err *err)
{
    struct files *files = mem_zalloc(sizeof(*files));

    files->conn = conn;
    files->data_directory = mem_strdup(data_directory ? data_directory : "");
    if (!sql_rights(conn, &files->rights, err) || !choose_way(files, err)) {
        files_free(files);
        return NULL;
    }
    return files;
}

void files_free(struct files *files)
{
    if (!files)
        return;
    free(files->data_directory);
    free(files);
}

enum files_way files_way(const struct files *files)
{
    return files->way;
}

/* Settings hold names that are relative to the data directory. Caller frees. */
static char *absolute(const struct files *files, const char *path)
{
    bool drive = path[0] && path[1] == ':'; /* a server on Windows */

    if (path[0] == '/' || drive || !files->data_directory[0])
        return mem_strdup(path);
    return mem_printf("%s/%s", files->data_directory, path);
}

/* ---- reading ---- */

static bool may_not_read(const struct files *files, struct err *err)
{
    if (files->rights.read)
        return false;
    err_set(err, ERR_MAY_NOT_CHANGE, _("your role may not read files on the server"));
    err_hint(err, "%s",
             _("Connect as a superuser, or ask for: GRANT pg_read_server_files, and EXECUTE ON "
               "FUNCTION pg_read_binary_file(text), pg_stat_file(text)."));
    return true;
}

bool files_read(struct files *files, const char *path, size_t max, struct strbuf *out,
                struct err *err)
{
    return !may_not_read(files, err) && sql_read(files->conn, path, max, out, err);
}

bool files_exists(struct files *files, const char *path, bool *ret, struct err *err)
{
    int64_t size = -1;

    if (may_not_read(files, err) || !sql_size(files->conn, path, &size, err))
        return false;
    *ret = size >= 0;
    return true;
}

bool files_sha256(struct files *files, const char *path, uint8_t ret[32], struct err *err)
{
    return !may_not_read(files, err) && sql_sha256(files->conn, path, ret, err);
}

/* ---- writing ---- */

static bool hash(const void *bytes, size_t len, uint8_t ret[32])
{
    return EVP_Digest(bytes, len, ret, NULL, EVP_sha256(), NULL) == 1;
}

/* True when the server sees exactly these bytes there. */
static bool is_there(struct files *files, const char *path, const void *bytes, size_t len,
                     struct err *err)
{
    uint8_t wanted[32], seen[32];

    if (!hash(bytes, len, wanted))
        return err_set(err, ERR_CRYPTO, _("no SHA-256"));
    if (!sql_sha256(files->conn, path, seen, err))
        return false;
    return !memcmp(wanted, seen, sizeof(wanted)) ||
           err_set(err, ERR_PROOF, _("\"%s\" has another content than was written"), path);
}

static bool may_not_write(struct err *err)
{
    err_set(err, ERR_MAY_NOT_CHANGE, _("your role may not write files on the server"));
    return err_hint(err, "%s",
                    _("Connect as a superuser, or ask for: GRANT pg_read_server_files, "
                      "pg_write_server_files, and EXECUTE ON FUNCTION lo_export(oid, text), "
                      "pg_read_binary_file(text), pg_stat_file(text)."));
}

/* The role may, and the server's processes may not: rights of the file system, which no GRANT changes. */
static bool say_whose_rights(const char *path, struct err *err)
{
    if (err->code != ERR_MAY_NOT_CHANGE)
        return false;
    err_cause(err,
              _("The server's own user may not write \"%.100s\", or into its folder: it belongs to "
                "somebody else. The rights of your role are enough."),
              path);
    return err_hint(err, "%s",
                    _("Give the file to the server's user, or change it by hand: --as-text prints "
                      "what to do."));
}

static bool write_by_sql(struct files *files, const char *path, const void *bytes, size_t len,
                         bool is_new, struct err *err)
{
    if (files->rights.lo_export)
        return sql_write_lo(files->conn, path, bytes, len, err) || say_whose_rights(path, err);
    /* a standby has no large objects; else COPY is for new files only: a file that is in use gets all
     * its bytes in one call */
    if ((is_new || files->rights.in_recovery) && files->rights.copy &&
        sql_copy_can_write(bytes, len))
        return sql_write_copy(files->conn, path, bytes, len, err) || say_whose_rights(path, err);
    if (files->rights.in_recovery) {
        err_set(err, ERR_MAY_NOT_CHANGE, _("\"%s\" cannot be written on a standby by SQL"), path);
        return err_hint(err, "%s", _("Run pgseal on that machine."));
    }
    return may_not_write(err);
}

/* False with ERR_NONE in err: the file system here is not the server's, or not ours to write. */
static bool write_new_here(struct files *files, const char *path, const void *bytes, size_t len,
                           mode_t mode, struct err *err)
{
    struct err why = ERR_INIT;
    bool seen = false;

    if (!local_write_new(path, bytes, len, mode, &files->owner, &why)) {
        if (why.code == ERR_DISK_FULL || !may_write_by_sql(files))
            *err = why;
        return false;
    }
    seen = is_there(files, path, bytes, len, &why);
    if (seen)
        return true;
    (void)local_remove(path, &files->owner);
    if (conn_state(files->conn) == CONN_FAILED || !may_write_by_sql(files))
        *err = why;
    return false;
}

static bool write_new(struct files *files, const char *path, const void *bytes, size_t len,
                      mode_t mode, struct err *err)
{
    struct err why = ERR_INIT;

    if (files->way == FILES_LOCAL) {
        if (write_new_here(files, path, bytes, len, mode, &why))
            return true;
        if (why.code != ERR_NONE) {
            *err = why;
            return false;
        }
    }
    if (!write_by_sql(files, path, bytes, len, true, err))
        return false;
    if (is_there(files, path, bytes, len, err))
        return true;
    return err_state(err, _("\"%s\" was written and stays on the server; nothing uses it."), path);
}

bool files_is_torn(struct files *files, const char *path, const void *bytes, size_t len, bool *ret,
                   struct err *err)
{
    struct strbuf now = STRBUF_INIT;
    int64_t size = -1;
    bool ok;

    *ret = false;
    if (may_not_read(files, err) || !sql_size(files->conn, path, &size, err))
        return false;
    if (size < 0 || (uint64_t)size >= len)
        return true;
    ok = sql_read(files->conn, path, len, &now, err);
    *ret = ok && now.len < len && (now.len == 0 || memcmp(now.data, bytes, now.len) == 0);
    strbuf_clear(&now);
    return ok;
}

/* SQL cannot take the torn file away; the local way never writes into a file that is there. */
static bool write_torn(struct files *files, const char *path, const void *bytes, size_t len,
                       mode_t mode, struct err *err)
{
    if (files->way == FILES_LOCAL && local_remove(path, &files->owner))
        return write_new(files, path, bytes, len, mode, err);
    return write_by_sql(files, path, bytes, len, true, err) &&
           is_there(files, path, bytes, len, err);
}

bool files_write_new(struct files *files, const char *path, const void *bytes, size_t len,
                     unsigned mode, bool *ret_was_there, struct err *err)
{
    char *full = NULL;
    int64_t size = -1;
    bool torn = false;
    bool ok = false;

    if (files->way == FILES_NONE)
        return may_not_write(err);
    full = absolute(files, path);
    if (!sql_size(files->conn, full, &size, err) ||
        !files_is_torn(files, full, bytes, len, &torn, err))
        goto out;
    if (torn) {
        ok = write_torn(files, full, bytes, len, (mode_t)mode, err);
        size = -1;
    } else if (size < 0) {
        ok = write_new(files, full, bytes, len, (mode_t)mode, err);
    } else {
        ok = is_there(files, full, bytes, len, err);
        if (!ok && err->code == ERR_PROOF)
            err_set(err, ERR_FILE_EXISTS, _("\"%s\" is there with another content"), full);
    }
    if (ok && ret_was_there)
        *ret_was_there = size >= 0;
out:
    free(full);
    return ok;
}

/* After a write that did not come out right: the old bytes again. */
static bool put_back(struct files *files, const char *path, const struct strbuf *old,
                     struct err *err)
{
    struct err ignored = ERR_INIT;

    if (conn_state(files->conn) == CONN_IDLE &&
        (is_there(files, path, old->data, old->len, &ignored) ||
         (write_by_sql(files, path, old->data, old->len, false, &ignored) &&
          is_there(files, path, old->data, old->len, &ignored))))
        return err_state(err, _("\"%s\" is as it was."), path);
    return err_state(err, _("\"%s\" may be damaged: look at it before the server restarts."), path);
}

bool files_can_put_back(const struct files *files, const void *bytes, size_t len)
{
    return files->way == FILES_LOCAL ||
           (files->way == FILES_SQL &&
            (files->rights.lo_export ||
             (files->rights.in_recovery && files->rights.copy && sql_copy_can_write(bytes, len))));
}

bool files_overwrite(struct files *files, const char *path, const void *bytes, size_t len,
                     struct err *err)
{
    struct strbuf old = STRBUF_INIT;
    char *full = NULL;
    bool same = false;
    bool ok = false;

    if (files->way == FILES_NONE)
        return may_not_write(err);
    full = absolute(files, path);
    /* Read in one statement, written in another: a statement that reads what it writes empties it. */
    if (!sql_read(files->conn, full, OVERWRITE_MAX, &old, err))
        goto out;
    if (files->way == FILES_LOCAL) {
        struct err why = ERR_INIT;

        ok = local_replace(full, &old, bytes, len, &files->owner, &same, &why);
        if (!ok && (same || why.code == ERR_DISK_FULL || !files->rights.lo_export)) {
            *err = why;
            goto out;
        }
    }
    if (!same && !write_by_sql(files, full, bytes, len, false, err)) {
        ok = put_back(files, full, &old, err);
        goto out;
    }
    ok = is_there(files, full, bytes, len, err) || put_back(files, full, &old, err);
out:
    strbuf_clear(&old);
    free(full);
    return ok;
}

bool files_write_key(struct files *files, const char *path, const struct secret *pem,
                     struct err *err)
{
    const char *bytes = secret_data(pem);
    size_t len = secret_len(pem);
    struct err why = ERR_INIT;
    char *full = NULL;
    int64_t size = -1;
    bool ok = false;

    if (files->way != FILES_LOCAL) {
        err_set(err, ERR_MAY_NOT_CHANGE, _("a private key does not travel over SQL"));
        return err_hint(err, "%s",
                        _("Run pgseal on the server's machine as root or as the server's user."));
    }
    full = absolute(files, path);
    if (!sql_size(files->conn, full, &size, err))
        goto out;
    if (size >= 0) {
        ok = is_there(files, full, bytes, len, err);
        if (!ok && err->code == ERR_PROOF)
            err_set(err, ERR_FILE_EXISTS, _("\"%s\" is there with another content"), full);
        goto out;
    }
    ok = local_write_new(full, bytes, len, 0600, &files->owner, err);
    if (ok && !is_there(files, full, bytes, len, &why)) {
        (void)local_remove(full, &files->owner);
        *err = why;
        ok = err_hint(err, "%s", _("That folder here is not the server's."));
    }
out:
    free(full);
    return ok;
}

bool files_remove(struct files *files, const char *path, bool *ret_removed, struct err *err)
{
    uint8_t here[32], there[32];
    char *full = absolute(files, path);
    int64_t size = -1;
    bool ok = true;

    *ret_removed = false;
    if (files->way != FILES_LOCAL)
        goto out;
    ok = sql_size(files->conn, full, &size, err);
    if (!ok || size < 0)
        goto out;
    ok = sql_sha256(files->conn, full, there, err);
    if (ok && local_sha256(full, &files->owner, here) && !memcmp(here, there, sizeof(here)))
        *ret_removed = local_remove(full, &files->owner);
out:
    free(full);
    return ok;
}
