#include "config.h"

#include "cli/demo_server.h"

#include "core/base/mem.h"

bool demo_add_server(struct store *store, const struct demo *demo, struct err *err)
{
    struct server *server = mem_zalloc(sizeof(*server));
    bool done;

    server->name = mem_strdup(DEMO_SERVER);
    server->conninfo = mem_strdup(demo_admin_conninfo(demo));
    server->tls_host = mem_strdup(DEMO_HOST);
    server->tls_port = demo_port(demo);
    server->provider = mem_strdup("self-managed");
    server->system_identifier = mem_strdup("");
    done = server_add(store, server, err);
    server_free(server);
    return done;
}
