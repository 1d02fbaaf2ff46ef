/* server_member.c - the members of one cluster: who they are, and what did not reach one of them. */
#include "config.h"

#include <stdlib.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/server_row.h"

bool server_members(struct store *store, const char *name, struct server_list *ret, struct err *err)
{
    struct sql *sql = sql_new(
        store, "SELECT " SERVER_COLUMNS "WHERE cluster = ?1 AND cluster <> '' ORDER BY name", err);
    struct server_list list = {NULL, 0};

    if (sql == NULL)
        return false;
    sql_bind_text(sql, 1, name);
    if (!server_read_rows(sql, &list, err))
        return false;
    if (list.n == 0) {
        struct server *server = server_load(store, name, err);

        if (server == NULL)
            return false;
        list.rows = mem_array(1, sizeof(struct server *));
        list.rows[list.n++] = server;
    }
    *ret = list;
    return true;
}

static bool check_member(const struct server *server, const struct server *other,
                         const char *cluster, struct err *err)
{
    const char *ours = server->system_identifier != NULL ? server->system_identifier : "";

    if (ours[0] != '\0' && text_equal(ours, other->system_identifier))
        return true;
    if (ours[0] == '\0' || other->system_identifier[0] == '\0') {
        err_set(
            err, ERR_OTHER_SERVER,
            _("whether \"%s\" is of the cluster \"%s\" cannot be told: no identifier of \"%s\""),
            server->name, cluster, ours[0] == '\0' ? server->name : other->name);
        err_cause(err, _("The role may not call pg_control_system()."));
        return err_hint(err, _("Connect as a superuser, or grant EXECUTE on that function."));
    }
    err_set(err, ERR_OTHER_SERVER,
            _("\"%s\" is of another cluster: its system identifier is %s, that of \"%s\" is %s"),
            server->name, ours, other->name, other->system_identifier);
    err_cause(err, _("A member is the primary or one of its standbys: they share one identifier."));
    return err_hint(err, _("Check the connection string, or give it a cluster of its own."));
}

bool server_check_cluster(struct store *store, const struct server *server, const char *cluster,
                          struct err *err)
{
    struct server_list members = {NULL, 0};
    bool taken = false;
    bool ok;

    /* a server may not be called as a cluster is, nor a cluster as a server */
    if (!server_is_cluster(store, server->name, &taken, err))
        return false;
    if (taken || strcasecmp(server->name, cluster) == 0) {
        err_set(err, ERR_BAD_NAME, _("\"%s\" is the name of a cluster"), server->name);
        return err_hint(err, _("A cluster's name stands for all its members: they have others."));
    }
    if (cluster[0] == '\0')
        return true;
    if (!server_check_name(cluster, err) || !server_is_known(store, cluster, &taken, err))
        return false;
    if (taken) {
        err_set(err, ERR_BAD_NAME, _("\"%s\" is the name of a server, not of a cluster"), cluster);
        return err_hint(
            err, _("Choose another name, and \"pgseal server join %s NAME\" for it too."), cluster);
    }
    ok = server_is_cluster(store, cluster, &taken, err) &&
         (!taken || server_members(store, cluster, &members, err));
    for (size_t i = 0; ok && i < members.n; i++)
        ok = members.rows[i]->id == server->id ||
             check_member(server, members.rows[i], cluster, err);
    server_list_clear(&members);
    return ok;
}

static bool set_cluster(struct store *store, const struct server *server, const char *cluster,
                        struct err *err)
{
    struct sql *sql;

    if (!server_check_cluster(store, server, cluster, err))
        return false;
    sql = sql_new(store, "UPDATE server SET cluster = ?2 WHERE id = ?1", err);
    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server->id);
    sql_bind_text(sql, 2, cluster);
    return sql_run(sql, err) &&
           store_note(store, cluster[0] != '\0' ? "server join" : "server leave", server->name,
                      cluster[0] != '\0' ? cluster : server->cluster, err);
}

bool server_set_cluster(struct store *store, struct server *server, const char *cluster,
                        struct err *err)
{
    if (!store_begin(store, err))
        return false;
    if (!store_end(store, set_cluster(store, server, cluster, err), err))
        return false;
    free(server->cluster);
    server->cluster = mem_strdup(cluster);
    return true;
}

bool server_list_trusting(struct store *store, int64_t authority_id, struct server_list *ret,
                          struct err *err)
{
    struct sql *sql = sql_new(store,
                              "SELECT " SERVER_COLUMNS "WHERE id IN (SELECT server_id FROM"
                              " server_trust WHERE authority_id = ?1) ORDER BY name",
                              err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, authority_id);
    return server_read_rows(sql, ret, err);
}

/* ---- what did not reach a member ---- */

void server_missed_list_clear(struct server_missed_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->rows[i].what);
    free(list->rows);
    list->rows = NULL;
    list->n = 0;
}

bool server_list_missed(struct store *store, const struct server *server,
                        struct server_missed_list *ret, struct err *err)
{
    struct sql *sql = sql_new(
        store, "SELECT what, since FROM server_missed WHERE server_id = ?1 ORDER BY since, what",
        err);
    struct server_missed_list list = {NULL, 0};
    bool row = false;
    bool ok;

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server->id);
    while ((ok = sql_step(sql, &row, err)) && row) {
        list.rows = mem_realloc_array(list.rows, list.n + 1, sizeof(*list.rows));
        list.rows[list.n].what = sql_text(sql, 0);
        list.rows[list.n++].since = sql_int(sql, 1);
    }
    sql_free(sql);
    if (ok)
        *ret = list;
    else
        server_missed_list_clear(&list);
    return ok;
}

bool server_add_missed(struct store *store, const struct server *server, const char *what,
                       struct err *err)
{
    struct sql *sql = sql_new(
        store, "INSERT OR IGNORE INTO server_missed (server_id, what, since) VALUES (?1, ?2, ?3)",
        err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server->id);
    sql_bind_text(sql, 2, what);
    sql_bind_int(sql, 3, clock_now());
    return sql_run(sql, err);
}

bool server_clear_missed(struct store *store, const struct server *server, const char *what,
                         struct err *err)
{
    struct sql *sql = sql_new(
        store, "DELETE FROM server_missed WHERE server_id = ?1 AND (?2 IS NULL OR what = ?2)", err);

    if (sql == NULL)
        return false;
    sql_bind_int(sql, 1, server->id);
    sql_bind_text(sql, 2, what);
    return sql_run(sql, err);
}
