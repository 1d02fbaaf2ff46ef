/* server.c - the servers that the store knows, and the CAs that they were given. */
#include "config.h"

#include "core/store/server.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/authority.h"
#include "core/store/server_row.h"

#define CONNINFO_MAX_BYTES 4096

static const char *const providers[] = {"self-managed", "apsaradb", "aurora"};

/* Nothing of a string that cannot be parsed is repeated in the message: it may be a password. */
static bool check_conninfo(const char *conninfo, struct err *err)
{
    char *ignored = NULL;
    PQconninfoOption *options;
    bool ok = true;

    if (conninfo == NULL || strlen(conninfo) > CONNINFO_MAX_BYTES)
        return err_set(err, ERR_USAGE, _("a connection string has at most %d bytes"),
                       CONNINFO_MAX_BYTES);
    options = PQconninfoParse(conninfo, &ignored);
    PQfreemem(ignored);
    if (options == NULL)
        return err_set(err, ERR_USAGE,
                       _("the connection string is not one that libpq understands"));
    for (const PQconninfoOption *option = options; ok && option->keyword != NULL; option++) {
        const char *value = option->val;

        if (value == NULL || value[0] == '\0')
            continue;
        if (strcmp(option->keyword, "password") == 0 || strcmp(option->keyword, "sslpassword") == 0)
            ok = err_set(err, ERR_USAGE, _("the connection string holds a password (\"%s\")"),
                         option->keyword);
        /* libpq expands a connection string in place of a database's name. */
        else if (strcmp(option->keyword, "dbname") == 0 &&
                 (strchr(value, '=') != NULL || text_starts_with(value, "postgresql://") ||
                  text_starts_with(value, "postgres://")))
            ok =
                err_set(err, ERR_USAGE, _("the database's name is a connection string of its own"));
    }
    PQconninfoFree(options);
    if (!ok)
        err_hint(err,
                 _("The string is stored and shown: leave passwords to ~/.pgpass or a prompt."));
    return ok;
}

static bool check_provider(const char *provider, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(providers); i++)
        if (text_equal(provider, providers[i]))
            return true;
    return err_set(err, ERR_BAD_VALUE,
                   _("\"%s\" is not one of \"self-managed\", \"apsaradb\", \"aurora\""),
                   provider != NULL ? provider : "");
}

static bool check(const struct server *server, struct err *err)
{
    if (!server_check_name(server->name, err) || !check_conninfo(server->conninfo, err) ||
        !check_provider(server->provider, err))
        return false;
    if (server->tls_port < 0 || server->tls_port > 65535)
        return err_set(err, ERR_BAD_VALUE, _("%d is not a port"), server->tls_port);
    if (server->tls_host != NULL && !text_is_clean(server->tls_host))
        return err_set(err, ERR_BAD_NAME, _("\"%s\" is not a host"), server->tls_host);
    return true;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static bool add_row(struct store *store, const struct server *server, struct err *err)
{
    struct sql *sql;
    bool known = false;

    if (!server_is_known(store, server->name, &known, err))
        return false;
    if (known) {
        err_set(err, ERR_BAD_NAME, _("there is a server \"%s\" already"), server->name);
        err_cause(err, _("It was added before."));
        return err_hint(err,
                        _("Take another name, or remove it first: \"pgseal server remove %s\"."),
                        server->name);
    }
    if (!server_check_cluster(store, server, or_empty(server->cluster), err))
        return false;
    sql = sql_new(store,
                  "INSERT INTO server (name, conninfo, tls_host, tls_port, provider, production,"
                  " system_identifier, created_at, cluster)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                  err);
    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, server->name);
    sql_bind_text(sql, 2, server->conninfo);
    sql_bind_text(sql, 3, or_empty(server->tls_host));
    sql_bind_int(sql, 4, server->tls_port);
    sql_bind_text(sql, 5, server->provider);
    sql_bind_int(sql, 6, server->production);
    sql_bind_text(sql, 7, or_empty(server->system_identifier));
    sql_bind_int(sql, 8, clock_now());
    sql_bind_text(sql, 9, or_empty(server->cluster));
    return sql_run(sql, err) &&
           store_note(store, "server add", server->name, server->conninfo, err);
}

bool server_add(struct store *store, const struct server *server, struct err *err)
{
    if (!check(server, err) || !store_begin(store, err))
        return false;
    return store_end(store, add_row(store, server, err), err);
}

static bool remove_row(struct store *store, const char *name, struct err *err)
{
    struct sql *sql = sql_new(store, "DELETE FROM server WHERE name = ?1", err);

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    if (!sql_run(sql, err))
        return false;
    if (sql_changes(store) == 0)
        return server_unknown(store, name, err);
    return store_note(store, "server remove", name, NULL, err);
}

bool server_remove(struct store *store, const char *name, struct err *err)
{
    if (!store_begin(store, err))
        return false;
    return store_end(store, remove_row(store, name, err), err);
}

/* The identifier that the store has now: another process may have seen the server first. */
static char *stored_identifier(struct store *store, const struct server *server, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT system_identifier FROM server WHERE id = ?1", err);
    char *identifier = NULL;
    bool row = false;

    if (sql == NULL)
        return NULL;
    sql_bind_int(sql, 1, server->id);
    if (sql_step(sql, &row, err)) {
        if (row)
            identifier = sql_text(sql, 0);
        else
            server_unknown(store, server->name, err);
    }
    sql_free(sql);
    return identifier;
}

static bool set_identifier(struct store *store, const struct server *server,
                           const char *system_identifier, struct err *err)
{
    struct sql *sql = sql_new(store, "UPDATE server SET system_identifier = ?2 WHERE id = ?1", err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server->id);
    sql_bind_text(sql, 2, system_identifier);
    return sql_run(sql, err) &&
           store_note(store, "server seen", server->name, system_identifier, err);
}

static bool compare_or_set(struct store *store, const struct server *server,
                           const char *system_identifier, struct err *err)
{
    char *stored = stored_identifier(store, server, err);
    bool ok;

    if (stored == NULL)
        return false;
    if (stored[0] == '\0' && store_only_reads(store))
        ok = true; /* it is remembered by the next one that may write */
    else if (stored[0] == '\0')
        ok = set_identifier(store, server, system_identifier, err);
    else if (strcmp(stored, system_identifier) == 0)
        ok = true;
    else
        ok = err_set(err, ERR_OTHER_SERVER,
                     _("the server at \"%s\" has system identifier %s, before it was %s"),
                     server->name, system_identifier, stored);
    free(stored);
    return ok;
}

bool server_check_identifier(struct store *store, struct server *server,
                             const char *system_identifier, struct err *err)
{
    if (system_identifier == NULL || system_identifier[0] == '\0')
        return err_set(err, ERR_INTERNAL, _("the server \"%s\" gave no system identifier"),
                       server->name);
    if (text_equal(server->system_identifier, system_identifier))
        return true; /* the usual case needs no write lock */
    if (!store_begin(store, err))
        return false;
    if (!store_end(store, compare_or_set(store, server, system_identifier, err), err))
        return false;
    free(server->system_identifier);
    server->system_identifier = mem_strdup(system_identifier);
    return true;
}

bool server_trusts(struct store *store, const struct server *server, struct authority_list *ret,
                   struct err *err)
{
    struct sql *sql = sql_new(
        store, "SELECT authority_id FROM server_trust WHERE server_id = ?1 ORDER BY authority_id",
        err);
    struct authority_list list = {NULL, 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server->id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        struct authority *authority = authority_load_id(store, sql_int(sql, 0), err);

        ok = authority != NULL;
        if (!ok)
            break;
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(*list.rows));
        list.rows[list.n++] = authority;
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        authority_list_clear(&list);
    return ok;
}

static bool set_trust(struct store *store, const struct server *server, int64_t authority_id,
                      bool trusted, struct err *err)
{
    struct sql *sql =
        sql_new(store,
                trusted ? "INSERT OR IGNORE INTO server_trust (server_id, authority_id, since)"
                          " VALUES (?1, ?2, ?3)"
                        : "DELETE FROM server_trust WHERE server_id = ?1 AND authority_id = ?2",
                err);
    struct authority *authority;
    char *detail;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server->id);
    sql_bind_int(sql, 2, authority_id);
    if (trusted)
        sql_bind_int(sql, 3, clock_now());
    if (!sql_run(sql, err))
        return false;
    if (sql_changes(store) == 0)
        return true;
    authority = authority_load_id(store, authority_id, err);
    if (authority == NULL)
        return false;
    detail = mem_printf("\"%s\"", authority->name);
    authority_free(authority);
    ok = store_note(store, trusted ? "server trust" : "server untrust", server->name, detail, err);
    free(detail);
    return ok;
}

bool server_set_trust(struct store *store, const struct server *server, int64_t authority_id,
                      bool trusted, struct err *err)
{
    if (!store_begin(store, err))
        return false;
    return store_end(store, set_trust(store, server, authority_id, trusted, err), err);
}
