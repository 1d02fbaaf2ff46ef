/* rotate_client.c - "rotate client": new certificates for one role, or for all whose end is near. */
#include "config.h"

#include "cli/rotate.h"
#include "core/base/intl.h"

#define WITHIN_MAX 3650

bool run_rotate_client(struct cli *cli, struct err *err)
{
    struct rotate_start start = {.kind = ROTATION_CLIENT,
                                 .name = cli->args->n_names > 0 ? cli->args->names[0] : NULL,
                                 .new_authority = args_value(cli->args, OPT_CA)};
    int64_t within = 0;

    if (cli->args->options[OPT_CA].n > 1)
        return err_set(err, ERR_USAGE, _("\"--ca\" was given twice"));
    if (start.name == NULL && !args_has(cli->args, OPT_WITHIN)) {
        err_set(err, ERR_USAGE, "%s", _("name a role, or say how soon the certificates end"));
        return err_hint(err, "%s", _("\"--within 30\": all that end within 30 days."));
    }
    if (start.name != NULL && args_has(cli->args, OPT_WITHIN))
        return err_set(err, ERR_USAGE, "%s", _("a role and \"--within\" exclude each other"));
    if (!args_int(cli->args, OPT_WITHIN, 1, WITHIN_MAX, 0, &within, err) ||
        !rotate_quiet_option(cli, &start.quiet_seconds, err) || !cli_store(cli, STORE_WRITE, err))
        return false;
    start.within_days = (int)within;
    return rotate_begin(cli, &start, err);
}
