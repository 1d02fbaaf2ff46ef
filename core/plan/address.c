/* address.c - from what was said at "server add", else from the connection string. */
#include "config.h"

#include "core/plan/address.h"

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/params.h"

#define DEFAULT_PORT 5432

bool plan_tls_address(const struct server *server, char **ret_host, int *ret_port, struct err *err)
{
    struct params *params = params_parse(server->conninfo, err);
    const char *host, *port;
    int64_t number = DEFAULT_PORT;

    if (!params)
        return false;
    host = params_get(params, "host");
    port = params_get(params, "port");
    if (!host || !*host)
        host = params_get(params, "hostaddr");
    if (params_is_local(params) || !host)
        host = "";
    if (port && !text_parse_int(port, 1, 65535, &number))
        number = DEFAULT_PORT;
    *ret_host = mem_strdup(*server->tls_host ? server->tls_host : host);
    *ret_port = server->tls_port > 0 ? server->tls_port : (int)number;
    params_free(params);
    return true;
}

bool plan_no_tls_address(const struct server *server, struct err *err)
{
    err_set(err, ERR_BAD_VALUE, _("the server \"%s\" has no address that clients use"),
            server->name);
    return err_hint(err, _("A change is proven on the wire. Remove the server and add it again "
                           "with --address=HOST[:PORT]."));
}
