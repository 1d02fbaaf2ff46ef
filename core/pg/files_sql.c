/* files_sql.c - bytes travel as bytea parameters: text through COPY would change tabs and backslashes. */
#include "config.h"

#include "core/pg/files_sql.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"

bool sql_rights(struct conn *conn, struct sql_rights *ret, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_is_in_recovery(),"
        " pg_catalog.has_function_privilege('pg_catalog.pg_read_binary_file(text)', 'EXECUTE')"
        "  AND pg_catalog.has_function_privilege('pg_catalog.pg_stat_file(text)', 'EXECUTE'),"
        " pg_catalog.has_function_privilege('pg_catalog.lo_export(oid,text)', 'EXECUTE'),"
        " pg_catalog.pg_has_role('pg_write_server_files', 'USAGE')";
    struct result *result = conn_exec(conn, sql, 0, NULL, err);

    if (!result)
        return false;
    ret->in_recovery = result_bool(result, 0, 0);
    ret->read = result_bool(result, 0, 1);
    ret->lo_export = result_bool(result, 0, 2) && !ret->in_recovery;
    ret->copy = result_bool(result, 0, 3);
    result_free(result);
    return true;
}

bool sql_size(struct conn *conn, const char *path, int64_t *ret, struct err *err)
{
    struct err why = ERR_INIT;
    struct result *result = conn_exec(
        conn, "SELECT size, isdir FROM pg_catalog.pg_stat_file($1::text)", 1, &path, &why);

    if (!result && text_equal(conn_sqlstate(conn), "58P01")) {
        *ret = -1;
        return true;
    }
    if (!result) {
        *err = why;
        return false;
    }
    if (result_bool(result, 0, 1)) {
        result_free(result);
        return err_set(err, ERR_FILE, _("\"%s\" is a folder on the server"), path);
    }
    *ret = result_int(result, 0, 0, 0);
    result_free(result);
    return true;
}

bool sql_read(struct conn *conn, const char *path, size_t max, struct strbuf *out, struct err *err)
{
    struct result *result = NULL;
    int64_t size = 0;
    bool ok = false;

    if (!sql_size(conn, path, &size, err))
        return false;
    if (size < 0)
        return err_set(err, ERR_FILE, _("\"%s\" is not there on the server"), path);
    if ((uint64_t)size > max)
        return err_set(err, ERR_TOO_LARGE, _("\"%s\" has %lld bytes, more than %zu"), path,
                       (long long)size, max);
    result = conn_exec(conn, "SELECT pg_catalog.pg_read_binary_file($1::text)", 1, &path, err);
    if (!result)
        return false;
    ok = result_bytes(result, 0, 0, out) ||
         err_set(err, ERR_INTERNAL, _("the content of \"%s\" is not in hex"), path);
    result_free(result);
    return ok;
}

bool sql_sha256(struct conn *conn, const char *path, uint8_t ret[32], struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    struct result *result = conn_exec(
        conn, "SELECT pg_catalog.sha256(pg_catalog.pg_read_binary_file($1::text))", 1, &path, err);
    bool ok = result != NULL;

    if (ok && (!result_bytes(result, 0, 0, &bytes) || bytes.len != 32))
        ok = err_set(err, ERR_INTERNAL, _("the hash of \"%s\" is not one"), path);
    if (ok)
        memcpy(ret, bytes.data, 32);
    strbuf_clear(&bytes);
    result_free(result);
    return ok;
}

/* One statement with one value, which answers with the number of a large object. */
static bool ask_oid(struct conn *conn, const char *sql, const char *value, char oid[16],
                    struct err *err)
{
    struct result *result = conn_exec(conn, sql, 1, &value, err);
    bool ok = result != NULL;

    if (ok && !result_get(result, 0, 0))
        ok = err_set(err, ERR_INTERNAL, _("no large object was made"));
    if (ok)
        text_clean_copy(oid, 16, result_get(result, 0, 0));
    result_free(result);
    return ok;
}

static bool run_values(struct conn *conn, const char *sql, size_t n, const char *const *values,
                       struct err *err)
{
    struct result *result = conn_exec(conn, sql, n, values, err);
    bool ok = result != NULL;

    result_free(result);
    return ok;
}

/* A rules file can hold the password of an LDAP server: a server that logs statements gets them without
 * the bytes. For this transaction; only a superuser may say so. */
static bool keep_out_of_log(struct conn *conn, struct err *err)
{
    return !conn_is_superuser(conn) ||
           run_values(conn,
                      "SELECT pg_catalog.set_config('log_parameter_max_length', '0', true),"
                      " pg_catalog.set_config('log_parameter_max_length_on_error', '0', true)",
                      0, NULL, err);
}

/* In a transaction: whatever happens to us, no large object stays behind. */
bool sql_write_lo(struct conn *conn, const char *path, const void *bytes, size_t len,
                  struct err *err)
{
    struct strbuf hex = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    char oid[16] = "";
    const char *values[] = {oid, path};
    bool ok = false;

    strbuf_add_str(&hex, "\\x");
    strbuf_add_hex(&hex, bytes, len);
    if (!conn_run(conn, "BEGIN READ WRITE", err))
        goto out;
    ok = keep_out_of_log(conn, err) &&
         ask_oid(conn, "SELECT pg_catalog.lo_from_bytea(0, $1::bytea)", hex.data, oid, err) &&
         run_values(conn, "SELECT pg_catalog.lo_export($1::oid, $2::text)", 2, values, err) &&
         run_values(conn, "SELECT pg_catalog.lo_unlink($1::oid)", 1, values, err) &&
         conn_run(conn, "COMMIT", err);
    if (!ok && conn_state(conn) == CONN_IDLE)
        (void)!conn_run(conn, "ROLLBACK", &ignored);
out:
    strbuf_clear(&hex);
    return ok;
}

/* COPY writes a row a line. In CSV, with a quote and a delimiter that do not occur, it writes what
 * it gets, except a carriage return, and in whatever the client's encoding is. */
bool sql_copy_can_write(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    if (!len || at[len - 1] != '\n')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((at[i] < 0x20 && at[i] != '\n' && at[i] != '\t') || at[i] >= 0x7f)
            return false;
    /* a line that is "\." alone would be quoted */
    return !(len >= 3 && !memcmp(at, "\\.\n", 3)) && !memmem(at, len, "\n\\.\n", 4);
}

/* The text goes ahead as a parameter: that of the statement itself is for logs and statistics to see. */
bool sql_write_copy(struct conn *conn, const char *path, const void *bytes, size_t len,
                    struct err *err)
{
    struct strbuf sql = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    const char *value;
    bool ok = false;

    strbuf_add(&text, bytes, len - 1); /* COPY ends the last line itself */
    value = text.data;
    strbuf_add_str(&sql, "COPY (SELECT pg_catalog.regexp_split_to_table("
                         "pg_catalog.current_setting('pgseal.text'), E'\\n')) TO ");
    if (!text_quote_sql_literal(&sql, path)) {
        err_set(err, ERR_BAD_VALUE, _("\"%s\" cannot be written in SQL"), path);
        goto out;
    }
    strbuf_add_str(&sql, " WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02', NULL E'\\x03')");
    if (!conn_run(conn, "BEGIN", err))
        goto out;
    ok = keep_out_of_log(conn, err) &&
         run_values(conn, "SELECT pg_catalog.set_config('pgseal.text', $1::text, true) IS NULL", 1,
                    &value, err) &&
         conn_run(conn, sql.data, err) && conn_run(conn, "COMMIT", err);
    if (!ok && conn_state(conn) == CONN_IDLE)
        (void)!conn_run(conn, "ROLLBACK", &ignored);
out:
    strbuf_clear(&sql);
    strbuf_wipe(&text);
    return ok;
}
