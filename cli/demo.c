/* demo.c - "demo": a private PostgreSQL, and the wizard or the tour on it. */
#include "config.h"

#include "core/demo/demo.h"

#include <unistd.h>

#include "cli/command.h"
#include "cli/tour.h"
#include "core/base/intl.h"

bool run_demo(struct cli *cli, struct err *err)
{
    const char *keep = args_value(cli->args, OPT_KEEP);

    if (args_has(cli->args, OPT_DRY_RUN) || args_has(cli->args, OPT_STORE))
        return err_set(err, ERR_USAGE,
                       "\"demo\" has a server and a store of its own: no --dry-run, no --store");
    return tour_run(cli, keep, err);
}
