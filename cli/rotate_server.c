/* rotate_server.c - "rotate server": its certificate anew, or from another CA. */
#include "config.h"

#include "cli/rotate.h"
#include "core/base/intl.h"

/* No server and no cluster is called so, and a CA is. */
static bool is_ca(struct cli *cli, const char *name)
{
    struct server_list members = {.n = 0};
    struct authority *authority = NULL;
    struct err none = ERR_INIT;
    bool is;

    if (!server_members(cli->store, name, &members, &none))
        authority = authority_load(cli->store, name, &none);
    is = authority != NULL;
    server_list_clear(&members);
    authority_free(authority);
    return is;
}

bool run_rotate_server(struct cli *cli, struct err *err)
{
    const struct args_values *hosts = &cli->args->options[OPT_HOST];
    const struct args_values *servers = &cli->args->options[OPT_SERVER];
    struct rotate_start start = {.kind = ROTATION_SERVER,
                                 .name = cli->args->names[0],
                                 .new_authority = args_value(cli->args, OPT_TO),
                                 .servers = servers->items,
                                 .n_servers = servers->n,
                                 .hosts = hosts->items,
                                 .n_hosts = hosts->n};
    struct cert *old = NULL;
    struct cert *other = NULL;
    bool done = rotate_read_cert(cli, OPT_OLD_FILE, &old, err) &&
                rotate_read_cert(cli, OPT_TO_FILE, &other, err);

    start.old_foreign = old;
    start.new_foreign = other;
    if (start.new_authority != NULL || other != NULL)
        start.kind = ROTATION_SERVER_CA;
    if (done && start.new_authority != NULL && other != NULL)
        done = err_set(err, ERR_USAGE, _("\"--to\" and \"--to-file\" exclude each other"));
    if (done && old != NULL && start.kind == ROTATION_SERVER)
        done = err_set(err, ERR_USAGE, _("\"--old-file\" goes with --to or --to-file"));
    done = done && cli_store(cli, STORE_WRITE, err);
    if (done && start.kind == ROTATION_SERVER && is_ca(cli, start.name))
        start.kind = ROTATION_SERVER_CA; /* a new generation of it */
    done = done && rotate_begin(cli, &start, err);
    cert_free(old);
    cert_free(other);
    return done;
}
