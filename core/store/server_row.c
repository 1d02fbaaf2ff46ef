/* server_row.c - rows of the table of servers, and what a name stands for. */
#include "config.h"

#include "core/store/server_row.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"

#define NAME_MAX_BYTES 63

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    free(server->name);
    free(server->conninfo);
    free(server->tls_host);
    free(server->provider);
    free(server->system_identifier);
    free(server->cluster);
    free(server);
}

void server_list_clear(struct server_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        server_free(list->rows[i]);
    free(list->rows);
    list->rows = NULL;
    list->n = 0;
}

bool server_check_name(const char *name, struct err *err)
{
    size_t len = name != NULL ? strlen(name) : 0;

    if (len == 0 || len > NAME_MAX_BYTES)
        return err_set(err, ERR_BAD_NAME, _("a server's name has 1 to %d bytes"), NAME_MAX_BYTES);
    for (size_t i = 0; i < len; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
              (name[i] >= '0' && name[i] <= '9') || strchr("._-", name[i]) != NULL))
            return err_set(err, ERR_BAD_NAME,
                           _("the server's name \"%s\" has more than letters, digits, \".\", \"_\" "
                             "and \"-\""),
                           name);
    if (name[0] == '-' || name[0] == '.')
        return err_set(err, ERR_BAD_NAME, _("the server's name \"%s\" begins with \"%c\""), name,
                       name[0]);
    return true;
}

bool server_is_known(struct store *store, const char *name, bool *ret, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT count(*) FROM server WHERE name = ?1", err);
    int64_t count = 0;

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    if (!sql_run_int(sql, 0, &count, err))
        return false;
    *ret = count > 0;
    return true;
}

bool server_is_cluster(struct store *store, const char *name, bool *ret, struct err *err)
{
    struct sql *sql =
        sql_new(store, "SELECT count(*) FROM server WHERE cluster = ?1 AND cluster <> ''", err);
    int64_t count = 0;

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    if (!sql_run_int(sql, 0, &count, err))
        return false;
    *ret = count > 0;
    return true;
}

static struct server *read_row(const struct sql *sql)
{
    struct server *server = mem_zalloc(sizeof(*server));

    server->id = sql_int(sql, 0);
    server->name = sql_text(sql, 1);
    server->conninfo = sql_text(sql, 2);
    server->tls_host = sql_text(sql, 3);
    server->tls_port = (int)sql_int(sql, 4);
    server->provider = sql_text(sql, 5);
    server->production = sql_int(sql, 6) != 0;
    server->system_identifier = sql_text(sql, 7);
    server->created_at = sql_int(sql, 8);
    server->cluster = sql_text(sql, 9);
    return server;
}

bool server_unknown(const struct store *store, const char *name, struct err *err)
{
    return err_set(err, ERR_SERVER_UNKNOWN, _("there is no server \"%s\" in \"%s\""), name,
                   store_folder(store));
}

/* A cluster's name stands for all its members where that makes sense, and is no server elsewhere. */
static bool unknown_name(struct store *store, const char *name, struct err *err)
{
    struct err ignored = ERR_INIT;
    bool is_cluster = false;

    server_unknown(store, name, err);
    if (!server_is_cluster(store, name, &is_cluster, &ignored) || !is_cluster)
        return false;
    err_set(err, ERR_SERVER_UNKNOWN, _("\"%s\" is a cluster, and this is about one server"), name);
    return err_hint(err, _("\"pgseal server show %s\" has the names of its members."), name);
}

struct server *server_load(struct store *store, const char *name, struct err *err)
{
    struct sql *sql = sql_new(store, "SELECT " SERVER_COLUMNS "WHERE name = ?1", err);
    struct server *server = NULL;
    bool row = false;

    if (sql == NULL)
        return NULL;
    sql_bind_text(sql, 1, name);
    if (sql_step(sql, &row, err)) {
        if (row)
            server = read_row(sql);
        else
            unknown_name(store, name, err);
    }
    sql_free(sql);
    return server;
}

bool server_read_rows(struct sql *sql, struct server_list *ret, struct err *err)
{
    struct server_list list = {NULL, 0};
    bool row = false;
    bool ok;

    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(*list.rows));
        list.rows[list.n++] = read_row(sql);
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        server_list_clear(&list);
    return ok;
}

bool server_list(struct store *store, struct server_list *ret, struct err *err)
{
    /* the members of a cluster stand together, where its name would stand */
    struct sql *sql =
        sql_new(store,
                "SELECT " SERVER_COLUMNS "ORDER BY coalesce(nullif(cluster, ''), name)"
                " COLLATE NOCASE, name",
                err);

    return sql != NULL && server_read_rows(sql, ret, err);
}
