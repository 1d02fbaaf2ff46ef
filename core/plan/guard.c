/* guard.c - a DO block that sleeps on a connection of its own, then puts the saved bytes back. */
#include "config.h"

#include "core/plan/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/step.h"

#define WAIT_SLACK_MS 60000

/* Everybody sees the name of an application, and may take the same: the guard is one of our role. */
#define OF_OURS " AND usename = session_user"

/* It may be ended by another role than armed it (an admin each), and must be: else "kept" holds until
 * it wakes up. A guard is whoever could write the file, and no other role can borrow its name. */
#define OF_ONE_THAT_WRITES                                                                         \
    " AND usesysid IS NOT NULL AND (usename = session_user OR"                                     \
    " pg_catalog.has_function_privilege(usesysid, 'pg_catalog.lo_export(oid,text)', 'EXECUTE') OR" \
    " pg_catalog.pg_has_role(usesysid, 'pg_write_server_files', 'USAGE'))"

struct guard {
    struct conn *conn;
};

/* All of it as parameters of the session: the block itself is the same for everybody. */
static const char set_up[] = "SELECT pg_catalog.set_config('pgseal.guard_path', $1, false),"
                             " pg_catalog.set_config('pgseal.guard_backup', $2, false),"
                             " pg_catalog.set_config('pgseal.guard_before', $3, false),"
                             " pg_catalog.set_config('pgseal.guard_after', $4, false),"
                             " pg_catalog.set_config('pgseal.guard_seconds', $5, false)";

/* Whatever would end a statement that waits for long, or keep it from writing, by the server's own
 * list of settings: some exist from 14 or 17 on. */
static const char no_limits[] =
    "SELECT pg_catalog.set_config(name, CASE vartype WHEN 'bool' THEN 'off' ELSE '0' END, false)"
    " FROM pg_catalog.pg_settings WHERE name IN ('statement_timeout', 'lock_timeout',"
    " 'client_connection_check_interval', 'transaction_timeout',"
    " 'idle_in_transaction_session_timeout', 'idle_session_timeout',"
    " 'default_transaction_read_only')";

/* The bytes are read before the sleep: whatever becomes of the copy, they are here. Nobody wants an empty
 * file, with which the server would not start: it was torn. */
#define BLOCK(declarations, write)                                                                 \
    "DO LANGUAGE plpgsql $guard$ DECLARE"                                                          \
    " path text := pg_catalog.current_setting('pgseal.guard_path'); present bytea;"                \
    " saved bytea := pg_catalog.pg_read_binary_file("                                              \
    "pg_catalog.current_setting('pgseal.guard_backup'));" declarations " BEGIN"                    \
    " IF pg_catalog.encode(pg_catalog.sha256(saved), 'hex') <> "                                   \
    "pg_catalog.current_setting('pgseal.guard_before') THEN"                                       \
    " RAISE EXCEPTION 'the copy is not what was saved'; END IF;"                                   \
    " PERFORM pg_catalog.pg_sleep("                                                                \
    "pg_catalog.current_setting('pgseal.guard_seconds')::pg_catalog.float8);"                      \
    " present := pg_catalog.pg_read_binary_file(path);"                                            \
    " IF pg_catalog.length(present) = 0"                                                           \
    " OR pg_catalog.encode(pg_catalog.sha256(present), 'hex') = "                                  \
    "pg_catalog.current_setting('pgseal.guard_after') THEN " write                                 \
    " PERFORM pg_catalog.pg_reload_conf(); END IF; END $guard$"

static const char block_lo[] = BLOCK(" number oid;", "number := pg_catalog.lo_from_bytea(0, saved);"
                                                     " PERFORM pg_catalog.lo_export(number, path);"
                                                     " PERFORM pg_catalog.lo_unlink(number);");

/* COPY ends the last line itself; nothing in ASCII text is quoted in this form of CSV. The text is none
 * of the statement, which logs and statistics keep. */
static const char block_copy[] = BLOCK(
    " body text := pg_catalog.convert_from(saved, 'SQL_ASCII');",
    "PERFORM pg_catalog.set_config('pgseal.text', pg_catalog.\"left\"(body, -1), true);"
    " EXECUTE pg_catalog.format('COPY (SELECT pg_catalog.regexp_split_to_table("
    "pg_catalog.current_setting(''pgseal.text''), E''\\n''))"
    " TO %L WITH (FORMAT csv, QUOTE E''\\x01'', DELIMITER E''\\x02'', NULL E''\\x03'')', path);");

void guard_new_name(char name[GUARD_NAME_MAX])
{
    unsigned char random[8];
    struct strbuf hex = STRBUF_INIT;

    if (RAND_bytes(random, sizeof(random)) != 1) { /* unique is enough, secret it need not be */
        int64_t seed = clock_mono_ms() ^ ((int64_t)getpid() << 32);

        memcpy(random, &seed, sizeof(random));
    }
    strbuf_add_hex(&hex, random, sizeof(random));
    (void)snprintf(name, GUARD_NAME_MAX, "pgseal guard %s", hex.data);
    strbuf_clear(&hex);
}

/* ---- how it can write ---- */

static bool plain_ascii(const struct strbuf *bytes)
{
    if (bytes->len < 2 || bytes->data[bytes->len - 1] != '\n')
        return false;
    for (size_t i = 0; i < bytes->len; i++) {
        unsigned char c = (unsigned char)bytes->data[i];

        if ((c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f)
            return false;
    }
    return !strstr(bytes->data, "\n\\.\n") && strncmp(bytes->data, "\\.\n", 3) != 0;
}

static bool read_backup(struct conn *conn, const char *path, struct strbuf *out, struct err *err)
{
    struct result *result =
        conn_exec(conn, "SELECT pg_catalog.pg_read_binary_file($1::text)", 1, &path, err);
    bool good = result && (result_bytes(result, 0, 0, out) ||
                           err_set(err, ERR_INTERNAL, _("the copy \"%s\" is not in hex"), path));

    result_free(result);
    return good;
}

static const char *choose_block(struct conn *conn, const char *backup, struct err *err)
{
    static const char rights[] =
        "SELECT NOT pg_catalog.pg_is_in_recovery() AND"
        " pg_catalog.has_function_privilege('pg_catalog.lo_export(oid,text)', 'EXECUTE'),"
        " pg_catalog.pg_has_role('pg_write_server_files', 'USAGE')";
    struct result *result = conn_exec(conn, rights, 0, NULL, err);
    struct strbuf bytes = STRBUF_INIT;
    const char *block = NULL;

    if (!result)
        return NULL;
    if (result_bool(result, 0, 0)) {
        block = block_lo;
    } else if (read_backup(conn, backup, &bytes, err)) {
        if (result_bool(result, 0, 1) && plain_ascii(&bytes))
            block = block_copy;
        else
            err_set(err, ERR_MAY_NOT_CHANGE,
                    _("nothing on this server could put pg_hba.conf back by itself"));
    }
    strbuf_clear(&bytes);
    result_free(result);
    return block;
}

/* ---- armed ---- */

static bool connect_guard(const struct plan_target *target, const char *name, struct conn **ret,
                          struct err *err)
{
    struct conn_options options = {.password = target->admin_password, .application_name = name};
    struct params *params = params_parse(target->server->conninfo, err);

    if (params && conn_resolve(params, err))
        *ret = conn_open(params, &options, err);
    params_free(params);
    return *ret != NULL;
}

static bool prepare(struct conn *conn, const struct guard_order *order, struct err *err)
{
    char *seconds = mem_printf("%d", order->seconds);
    const char *values[] = {order->path, order->backup, order->before, order->after, seconds};
    struct result *result = conn_exec(conn, set_up, ARRAY_LEN(values), values, err);
    bool good = result != NULL;

    result_free(result);
    free(seconds);
    return good && conn_run(conn, no_limits, err);
}

/* The server itself says that the block has come to its sleep: then the saved bytes are in it. */
static bool sleeps(struct conn *admin, const char *name, bool *ret, struct err *err)
{
    struct result *result = conn_exec(admin,
                                      "SELECT wait_event FROM pg_catalog.pg_stat_activity"
                                      " WHERE application_name = $1" OF_OURS,
                                      1, &name, err);

    if (!result)
        return false;
    *ret = result_rows(result) == 1 && result_get(result, 0, 0) &&
           strcmp(result_get(result, 0, 0), "PgSleep") == 0;
    result_free(result);
    return true;
}

static bool wait_armed(struct conn *admin, struct conn *conn, const struct guard_order *order,
                       struct err *err)
{
    struct proof_poll poll = proof_poll_start();
    bool asleep = false;

    do {
        if (!conn_step(conn, err))
            return false;
        if (conn_state(conn) != CONN_BUSY)
            return err_set(err, ERR_PROOF, _("the guard ended at once"));
        if (!sleeps(admin, order->name, &asleep, err))
            return false;
    } while (!asleep && proof_poll_again(&poll));
    return asleep || err_set(err, ERR_TIMEOUT, _("the guard did not come to wait"));
}

struct guard *guard_arm(const struct plan_target *target, const struct guard_order *order,
                        struct err *err)
{
    struct guard *guard = mem_zalloc(sizeof(*guard));
    const char *block;

    if (connect_guard(target, order->name, &guard->conn, err) && prepare(guard->conn, order, err) &&
        (block = choose_block(guard->conn, order->backup, err)) &&
        conn_send(guard->conn, block, 0, NULL,
                  clock_mono_ms() + (int64_t)order->seconds * 1000 + WAIT_SLACK_MS, err) &&
        wait_armed(target->admin, guard->conn, order, err))
        return guard;
    guard_free(guard);
    err_prefix(err, _("the guard of pg_hba.conf"));
    return NULL;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    conn_close(guard->conn);
    free(guard);
}

bool guard_end(struct conn *admin, const char *name, struct err *err)
{
    struct proof_poll poll = proof_poll_start();

    do {
        struct result *result =
            conn_exec(admin,
                      "SELECT pg_catalog.pg_terminate_backend(pid) FROM"
                      " pg_catalog.pg_stat_activity WHERE application_name = $1" OF_ONE_THAT_WRITES,
                      1, &name, err);
        int left;

        if (!result)
            return false;
        left = result_rows(result);
        result_free(result);
        if (left == 0)
            return true;
    } while (proof_poll_again(&poll));
    return err_set(err, ERR_TIMEOUT, _("the guard of pg_hba.conf did not end"));
}
