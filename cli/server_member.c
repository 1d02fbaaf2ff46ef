/* server_member.c - "server join", "server leave": which cluster a server belongs to. */
#include "config.h"

#include "cli/command.h"
#include "core/base/intl.h"
#include "core/base/text.h"

static bool print_done(struct cli *cli, const struct server *server)
{
    if (cli->out.json)
        output_json(json_pack("{s:o, s:o}", "server", json_string_or_empty(server->name), "cluster",
                              json_text(server->cluster)),
                    false);
    else if (*server->cluster)
        output_line(&cli->out, _("server \"%s\" is a member of \"%s\""), server->name,
                    server->cluster);
    else
        output_line(&cli->out, _("server \"%s\" stands alone; nothing on it was changed"),
                    server->name);
    return true;
}

/* Its own word for who it is: what the store remembers can be old. */
static bool look_again(struct cli *cli, struct server *server, struct err *err)
{
    struct conn *conn = cli_connect(cli, server, NULL, err);

    if (!conn)
        return false;
    cli_warn_unverified(cli, server, conn);
    conn_close(conn);
    return true;
}

bool run_server_join(struct cli *cli, struct err *err)
{
    const char *cluster = cli->args->names[1];
    struct server *server = NULL;
    bool done = false;

    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    server = server_load(cli->store, cli->args->names[0], err);
    if (!server || !look_again(cli, server, err))
        goto out;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        done = server_check_cluster(cli->store, server, cluster, err);
        if (done)
            output_note(&cli->out, _("would make \"%s\" a member of \"%s\""), server->name,
                        cluster);
        goto out;
    }
    done = server_set_cluster(cli->store, server, cluster, err) && print_done(cli, server);
out:
    server_free(server);
    return done;
}

bool run_server_leave(struct cli *cli, struct err *err)
{
    struct server *server = NULL;
    bool done = false;

    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    server = server_load(cli->store, cli->args->names[0], err);
    if (!server)
        return false;
    if (!*server->cluster) {
        err_set(err, ERR_BAD_VALUE, _("the server \"%s\" is of no cluster"), server->name);
    } else if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would let \"%s\" leave \"%s\""), server->name, server->cluster);
        done = true;
    } else {
        done = server_set_cluster(cli->store, server, "", err) && print_done(cli, server);
    }
    server_free(server);
    return done;
}
