/* address.c - from what was said at "server add", else from the connection string. */
#include "config.h"

#include "core/plan/address.h"

#include <stdlib.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/conn.h"

#define DEFAULT_PORT 5432

bool plan_tls_address(const struct server *server, char **ret_host, int *ret_port, struct err *err)
{
    struct params *params;
    char *host = NULL, *port = NULL;
    int64_t number = DEFAULT_PORT;
    bool good;

    if (*server->tls_host && server->tls_port > 0) {
        *ret_host = mem_strdup(server->tls_host);
        *ret_port = server->tls_port;
        return true;
    }
    params = params_parse(server->conninfo, err);
    /* a service file may say both: libpq knows */
    good = params && conn_effective_host(params, &host, &port, err);
    params_free(params);
    if (!good)
        return false;
    if (port[0] && !text_parse_int(port, 1, 65535, &number))
        number = DEFAULT_PORT;
    if (host[0] == '/' || host[0] == '@')
        host[0] = '\0'; /* a socket */
    *ret_host = mem_strdup(*server->tls_host ? server->tls_host : host);
    *ret_port = server->tls_port > 0 ? server->tls_port : (int)number;
    free(host);
    free(port);
    return true;
}

bool plan_no_tls_address(const struct server *server, struct err *err)
{
    err_set(err, ERR_BAD_VALUE, _("the server \"%s\" has no address that clients use"),
            server->name);
    return err_hint(err, _("A change is proven on the wire. Remove the server and add it again "
                           "with one (--address HOST[:PORT])."));
}
