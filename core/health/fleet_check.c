/* fleet_check.c - a crowd, and each of it looks at one server. */
#include "config.h"

#include "core/health/fleet_check.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/plan/address.h"
#include "core/plan/crowd.h"

#define CONNECT_MS 8000 /* below the ten seconds that monitors wait for a plugin */

struct looking {
    const char *folder;
    const struct server_list *servers;
    struct fleet_check_row *rows;
    int within_days;
};

static struct conn *log_in(struct store *store, struct server *server, struct fleet_check_row *row)
{
    struct conn_options options = {.connect_timeout_ms = CONNECT_MS,
                                   .ret_needs_password = &row->wants_password};
    struct params *params = params_parse(server->conninfo, &row->err);
    struct conn *conn = NULL;
    char identifier[32];

    if (params && conn_resolve(params, &row->err))
        conn = conn_open(params, &options, &row->err);
    params_free(params);
    if (conn && (!conn_system_identifier(conn, identifier, &row->err) ||
                 (*identifier && !server_check_identifier(store, server, identifier, &row->err)))) {
        conn_close(conn);
        return NULL;
    }
    return conn;
}

static void look(void *arg, struct store *unused, size_t i)
{
    struct looking *looking = arg;
    struct fleet_check_row *row = &looking->rows[i];
    struct store *store = store_open(looking->folder, STORE_READ, &row->err);
    struct server *server =
        store ? server_load(store, looking->servers->rows[i]->name, &row->err) : NULL;
    struct server_check_request request = {
        .store = store, .server = server, .within_days = looking->within_days};
    char *host = NULL;

    (void)unused;
    if (server && plan_tls_address(server, &host, &request.tls_port, &row->err)) {
        request.tls_host = host;
        request.admin = log_in(store, server, row);
        row->done = request.admin && server_check(&request, &row->check, &row->err);
    }
    conn_close(request.admin);
    free(host);
    server_free(server);
    store_close(store);
}

struct fleet_check_row *fleet_check(struct store *store, const struct server_list *servers,
                                    int within_days)
{
    struct fleet_check_row *rows = mem_array(servers->n + 1, sizeof(*rows));
    struct looking looking = {.folder = store_folder(store),
                              .servers = servers,
                              .rows = rows,
                              .within_days = within_days};

    for (size_t i = 0; i < servers->n; i++)
        rows[i] = (struct fleet_check_row){.err = ERR_INIT};
    crowd_run(NULL, servers->n, look, &looking);
    return rows;
}

void fleet_check_free(struct fleet_check_row *rows, size_t n)
{
    for (size_t i = 0; rows && i < n; i++) {
        if (rows[i].done)
            server_check_clear(&rows[i].check);
    }
    free(rows);
}
