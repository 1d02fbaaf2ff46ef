/* demo.c - "demo": a private PostgreSQL, and the wizard or the tour on it. */
#include "config.h"

#include "cli/command.h"
#include "cli/demo_server.h"
#include "cli/tour.h"
#include "core/base/intl.h"

static void progress(void *arg, const char *line)
{
    const struct cli *cli = arg;

    output_note(&cli->out, "%s", line);
}

/* The wizard opens the store by itself: it is made, filled, and closed again. */
static bool prepare(const struct demo *demo, struct err *err)
{
    struct store *store = store_open(demo_store(demo), STORE_CREATE, err);
    bool done = store && demo_add_server(store, demo, err);

    store_close(store);
    return done;
}

static bool run_wizard(struct cli *cli, const char *keep, struct err *err)
{
    struct demo_options options = {
        .keep = keep, .with_load = true, .progress = progress, .progress_arg = cli};
    struct demo *demo = demo_start(&options, err);
    struct err stop = ERR_INIT;
    bool nothing_left = false;
    bool done;

    if (!demo)
        return false;
    done = prepare(demo, err) && cli_wizard(cli, demo_store(demo), DEMO_SERVER, false, true, err);
    if (!demo_stop(demo, &nothing_left, &stop) && done) {
        *err = stop;
        done = false;
    }
    if (done && keep)
        output_note(&cli->out, _("server stopped; its folder is kept: %s"), keep);
    else if (done && nothing_left)
        output_note(&cli->out, _("server stopped, nothing left"));
    demo_free(demo);
    return done;
}

bool run_demo(struct cli *cli, struct err *err)
{
    const char *keep = args_value(cli->args, OPT_KEEP);

    if (args_has(cli->args, OPT_DRY_RUN) || args_has(cli->args, OPT_STORE))
        return err_set(err, ERR_USAGE,
                       _("\"demo\" has a server and a store of its own: no --dry-run, no --store"));
    if (args_has(cli->args, OPT_TOUR) || !cli_on_terminal(cli))
        return tour_run(cli, keep, err);
    return run_wizard(cli, keep, err);
}
