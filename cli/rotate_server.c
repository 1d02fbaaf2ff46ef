/* rotate_server.c - "rotate server": its certificate anew, or from another CA. */
#include "config.h"

#include "cli/rotate.h"
#include "core/base/intl.h"

bool run_rotate_server(struct cli *cli, struct err *err)
{
    const struct args_values *hosts = &cli->args->options[OPT_HOST];
    struct rotate_start start = {.kind = ROTATION_SERVER,
                                 .name = cli->args->names[0],
                                 .new_authority = args_value(cli->args, OPT_TO),
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
    if (done && other != NULL && hosts->n > 0)
        done = err_set(err, ERR_USAGE, _("\"--host\" goes without --to-file: its CA decides"));
    done = done && cli_store(cli, STORE_WRITE, err) && rotate_begin(cli, &start, err);
    cert_free(old);
    cert_free(other);
    return done;
}
