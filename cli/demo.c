/* demo.c - "demo": a private PostgreSQL, and the wizard or the tour on it. */
#include "config.h"

#include "core/demo/demo.h"

#include "cli/command.h"
#include "cli/tour.h"
#include "cli/wizard.h"
#include "core/base/intl.h"

#define SERVER_NAME "demo"

static void progress(void *arg, const char *line)
{
    struct cli *cli = arg;

    output_note(&cli->out, "%s", line);
}

/* A store of its own beside the server, with the server in it. */
static bool fill_store(const struct demo *demo, struct err *err)
{
    char name[] = SERVER_NAME;
    char host[] = "127.0.0.1";
    char provider[] = "self-managed";
    char none[] = "";
    struct strbuf conninfo = STRBUF_INIT;
    struct server server = {.name = name,
                            .tls_host = host,
                            .tls_port = demo_port(demo),
                            .provider = provider,
                            .system_identifier = none};
    struct store *store = store_open(demo_store(demo), STORE_CREATE, err);
    bool added = false;

    strbuf_add_str(&conninfo, demo_admin_conninfo(demo));
    server.conninfo = conninfo.data;
    if (store != NULL)
        added = server_add(store, &server, err);
    store_close(store);
    strbuf_clear(&conninfo);
    return added;
}

static bool run_wizard(struct cli *cli, const char *keep, struct err *err)
{
    struct demo_options options = {
        .keep = keep, .with_load = true, .progress = progress, .progress_arg = cli};
    struct demo *demo = demo_start(&options, err);
    struct err stopping = ERR_INIT;
    struct app_options app = {.server = SERVER_NAME, .demo = true};
    bool done;

    if (demo == NULL)
        return false;
    app.store_folder = demo_store(demo);
    done = fill_store(demo, err) && cli_wizard(cli, &app, WIZARD_HOME, err);
    if (!demo_stop(demo, NULL, &stopping) && done) {
        *err = stopping;
        done = false;
    }
    if (done && keep != NULL)
        output_note(&cli->out, _("the demo's folder is kept: %s"), demo_folder(demo));
    demo_free(demo);
    return done;
}

bool run_demo(struct cli *cli, struct err *err)
{
    const char *keep = args_value(cli->args, OPT_KEEP);

    if (args_has(cli->args, OPT_DRY_RUN) || args_has(cli->args, OPT_STORE))
        return err_set(err, ERR_USAGE,
                       "\"demo\" has a server and a store of its own: no --dry-run, no --store");
    if (!args_has(cli->args, OPT_TOUR) && cli_has_terminal(cli))
        return run_wizard(cli, keep, err);
    return tour_run(cli, keep, err);
}
