/* change_run.c - a change to what was named: one server, or a cluster's members. */
#include "config.h"

#include "cli/change.h"
#include "core/base/intl.h"
#include "core/plan/fleet.h"

bool change_run(struct cli *cli, const char *name, const struct fleet_order *order, struct err *err)
{
    struct change change = {0};
    bool is_cluster = false;
    bool done;

    if (!cli_store(cli, STORE_WRITE, err) || !server_is_cluster(cli->store, name, &is_cluster, err))
        return false;
    if (is_cluster && args_has(cli->args, OPT_SAVE_PLAN)) {
        err_set(err, ERR_USAGE, _("a plan file is made on one server, and \"%s\" is a cluster"),
                name);
        return err_hint(
            err, _("Make it on a member: \"pgseal plan apply FILE --server %s\" takes it to all."),
            name);
    }
    if (is_cluster)
        return change_run_cluster(cli, name, order, err);
    done = change_open(cli, name, &change, err) &&
           change_apply(&change, order->make(order->arg, &change.target, err), err) &&
           (!order->what || args_has(cli->args, OPT_DRY_RUN) ||
            args_has(cli->args, OPT_SAVE_PLAN) || args_has(cli->args, OPT_AS_TEXT) ||
            server_clear_missed(cli->store, change.server, order->what, err));
    change_close(&change);
    return done;
}
