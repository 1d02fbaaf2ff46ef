/* server.c - "server add", "server list", "server show", "server remove". */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/store/journal.h"

#define PLANS_SHOWN 10

static json_t *server_json(const struct server *server)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "name", json_string_or_empty(server->name),
        "conninfo", json_string_or_empty(server->conninfo), "tls_host", json_text(server->tls_host),
        "tls_port", server->tls_port ? json_integer(server->tls_port) : json_null(), "provider",
        json_string_or_empty(server->provider), "production", server->production,
        "system_identifier", json_text(server->system_identifier), "cluster",
        json_text(server->cluster));
}

static bool check_provider(const char *provider, struct err *err)
{
    if (text_equal(provider, "self-managed") || text_equal(provider, "apsaradb") ||
        text_equal(provider, "aurora"))
        return true;
    return err_set(err, ERR_BAD_VALUE,
                   _("\"--provider\" is self-managed, apsaradb or aurora, not \"%s\""), provider);
}

/* conninfo in its canonical form: parsed, guarded against passwords, of one host, quoted again. */
static char *canonical(const char *text, struct err *err)
{
    struct params *params = params_parse(text, err);
    struct strbuf out = STRBUF_INIT;
    bool done = params && params_format(params, &out, err) && conn_one_host(params, err);

    params_free(params);
    if (!done) {
        strbuf_clear(&out);
        return NULL;
    }
    return strbuf_steal(&out);
}

static struct server *read_server(struct cli *cli, struct err *err)
{
    const char *provider = args_value(cli->args, OPT_PROVIDER);
    const char *address = args_value(cli->args, OPT_ADDRESS);
    struct server *server = mem_zalloc(sizeof(*server));

    server->name = mem_strdup(cli->args->names[0]);
    server->provider = mem_strdup(provider ? provider : "self-managed");
    server->production = args_has(cli->args, OPT_PRODUCTION);
    server->system_identifier = mem_strdup("");
    server->cluster =
        mem_strdup(args_has(cli->args, OPT_MEMBER_OF) ? args_value(cli->args, OPT_MEMBER_OF) : "");
    server->conninfo = canonical(cli->args->names[1], err);
    if (!server->conninfo || !check_provider(server->provider, err) ||
        (address && !cli_parse_address(address, &server->tls_host, &server->tls_port, err))) {
        server_free(server);
        return NULL;
    }
    if (!server->tls_host)
        server->tls_host = mem_strdup("");
    return server;
}

/* ", a standby, timeline 1": what a member is now. */
static bool describe_member(struct conn *conn, char *text, size_t size, struct err *err)
{
    struct result *result =
        conn_exec(conn,
                  "SELECT pg_catalog.pg_is_in_recovery(),"
                  " (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint())",
                  0, NULL, err);

    if (!result)
        return false;
    (void)snprintf(text, size, _(", %s, timeline %d"),
                   result_bool(result, 0, 0) ? _("a standby") : _("the primary"),
                   (int)result_int(result, 0, 1, 0));
    result_free(result);
    return true;
}

static bool add(struct cli *cli, struct server *server, struct err *err)
{
    struct conn *conn = cli_connect(cli, server, NULL, err);
    char identifier[32];
    char member[80] = "";
    bool done = false;

    if (!conn)
        return false;
    if (!conn_system_identifier(conn, identifier, err))
        goto out;
    free(server->system_identifier);
    server->system_identifier = mem_strdup(identifier);
    cli_warn_unverified(cli, server, conn);
    if (*server->cluster && !describe_member(conn, member, sizeof(member), err))
        goto out;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        if (*server->cluster &&
            (!cli_store_if_any(cli, err) ||
             (cli->store && !server_check_cluster(cli->store, server, server->cluster, err))))
            goto out;
        output_note(&cli->out, _("would add \"%s\""), server->name);
        done = true;
        goto out;
    }
    if (!cli_store(cli, STORE_CREATE, err) || !server_add(cli->store, server, err))
        goto out;
    done = true;
    if (cli->out.json)
        output_json(server_json(server), false);
    else
        output_line(&cli->out, _("server \"%s\" added: PostgreSQL %d%s, identifier %s"),
                    server->name, conn_server_version(conn) / 10000, member,
                    *identifier ? identifier : _("hidden"));
    if (*server->cluster)
        output_note(&cli->out,
                    _("member of \"%s\": what is given to that name goes to all members"),
                    server->cluster);
    if (!*server->tls_host) {
        char *host = NULL;
        int port = 0;
        struct err ignored = ERR_INIT; /* the string was parsed a moment ago */

        if (cli_tls_address(server, &host, &port, &ignored) && *host == '\0')
            output_note(&cli->out, _("note   it is reached by a socket; \"server tls\" and the "
                                     "others need --address=HOST[:PORT] here"));
        free(host);
    }
out:
    conn_close(conn);
    return done;
}

bool run_server_add(struct cli *cli, struct err *err)
{
    struct server *server = read_server(cli, err);
    bool done = server && add(cli, server, err);

    server_free(server);
    return done;
}

static void print_servers(struct cli *cli, const struct server_list *list, const char *cluster)
{
    static const char *const headers[] = {"NAME",    "CONNECTION", "CLIENTS USE",
                                          "CLUSTER", "PROVIDER",   ""};
    const size_t columns = ARRAY_LEN(headers);
    char **cells = mem_array(list->n * columns + 1, sizeof(*cells));
    json_t *rows = json_array();

    for (size_t i = 0; i < list->n; i++) {
        const struct server *server = list->rows[i];
        char **row = cells + i * columns;
        char *host = NULL;
        int port = 0;
        struct err ignored = ERR_INIT; /* a string of an unknown service: no address to show */

        json_array_append_new(rows, server_json(server));
        row[0] = mem_strdup(server->name);
        row[1] = mem_strdup(server->conninfo);
        row[2] = cli_tls_address(server, &host, &port, &ignored) && *host
                     ? mem_printf("%s:%d", host, port)
                     : mem_strdup("-");
        row[3] = mem_strdup(server->cluster);
        row[4] = mem_strdup(server->provider);
        row[5] = mem_strdup(server->production ? _("production") : "");
        free(host);
    }
    if (cli->out.json && cluster)
        output_json(
            json_pack("{s:o, s:O}", "cluster", json_string_or_empty(cluster), "servers", rows),
            false);
    else if (cli->out.json)
        output_json(json_pack("{s:O}", "servers", rows), false);
    else if (list->n == 0)
        output_note(&cli->out, _("No server yet. \"pgseal server add NAME CONNINFO\" adds one."));
    else
        output_table(&cli->out, columns, headers, list->n, (const char *const *)cells);
    for (size_t i = 0; i < list->n * columns; i++)
        free(cells[i]);
    free(cells);
    json_decref(rows);
}

bool run_server_list(struct cli *cli, struct err *err)
{
    struct server_list list = {0};

    if (!cli_store_if_any(cli, err) || (cli->store && !server_list(cli->store, &list, err)))
        return false;
    print_servers(cli, &list, NULL);
    server_list_clear(&list);
    return true;
}

static bool show_cluster(struct cli *cli, struct err *err)
{
    struct server_list list = {0};

    if (!server_members(cli->store, cli->args->names[0], &list, err))
        return false;
    print_servers(cli, &list, cli->args->names[0]);
    server_list_clear(&list);
    return true;
}

static void print_server(struct cli *cli, const struct server *server,
                         const struct authority_list *trusts, const struct journal_plan_list *plans,
                         const struct server_missed_list *missed)
{
    struct strbuf names = STRBUF_INIT;
    char buffer[CLOCK_TEXT_MAX];

    output_pair(&cli->out, _("name"), server->name);
    output_pair(&cli->out, _("connection"), server->conninfo);
    if (*server->tls_host)
        strbuf_printf(&names, "%s:%d", server->tls_host,
                      server->tls_port ? server->tls_port : 5432);
    output_pair(&cli->out, _("clients use"), names.data);
    output_pair(&cli->out, _("cluster"), server->cluster);
    output_pair(&cli->out, _("provider"), server->provider);
    output_pair(&cli->out, _("identifier"), server->system_identifier);
    output_pair(&cli->out, _("production"), server->production ? _("yes") : "");
    output_pair(&cli->out, _("added"), clock_format_date(buffer, server->created_at));
    strbuf_reset(&names);
    for (size_t i = 0; i < trusts->n; i++)
        strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", trusts->rows[i]->name);
    output_pair(&cli->out, _("trusts"), names.data);
    for (size_t i = 0; i < missed->n; i++)
        output_line(&cli->out, _("has not got  %s (since %s)"), missed->rows[i].what,
                    clock_format_minute(buffer, missed->rows[i].since));
    for (size_t i = 0; i < plans->n; i++)
        output_line(&cli->out, "%s  %lld  %s  %s  %s",
                    i == 0 ? _("changes      ") : "             ", (long long)plans->rows[i]->id,
                    clock_format_minute(buffer, plans->rows[i]->created_at),
                    journal_plan_state_name(plans->rows[i]->state), plans->rows[i]->title);
    strbuf_clear(&names);
}

bool run_server_show(struct cli *cli, struct err *err)
{
    struct server *server;
    struct authority_list trusts = {0};
    struct journal_plan_list plans = {0};
    struct server_missed_list missed = {0};
    bool is_cluster = false;
    bool done = false;

    if (!cli_store(cli, STORE_READ, err) ||
        !server_is_cluster(cli->store, cli->args->names[0], &is_cluster, err))
        return false;
    if (is_cluster)
        return show_cluster(cli, err);
    server = server_load(cli->store, cli->args->names[0], err);
    if (!server)
        return false;
    if (!server_list_missed(cli->store, server, &missed, err) ||
        !server_trusts(cli->store, server, &trusts, err) ||
        !journal_list(cli->store, server->name, PLANS_SHOWN, &plans, err))
        goto out;
    done = true;
    if (cli->out.json) {
        json_t *document = server_json(server);
        json_t *names = json_array();

        for (size_t i = 0; i < trusts.n; i++)
            json_array_append_new(names, json_string_or_empty(trusts.rows[i]->name));
        json_object_set_new(document, "trusts", names);
        output_json(document, false);
    } else {
        print_server(cli, server, &trusts, &plans, &missed);
    }
out:
    server_missed_list_clear(&missed);
    journal_plan_list_clear(&plans);
    authority_list_clear(&trusts);
    server_free(server);
    return done;
}

bool run_server_remove(struct cli *cli, struct err *err)
{
    struct server *server;
    char question[200];
    bool done = false;

    if (!cli_store(cli, STORE_WRITE, err))
        return false;
    server = server_load(cli->store, cli->args->names[0], err);
    if (!server)
        return false;
    if (args_has(cli->args, OPT_DRY_RUN)) {
        output_note(&cli->out, _("would forget the server \"%s\""), server->name);
        done = true;
        goto out;
    }
    snprintf(question, sizeof(question), _("Forget the server \"%s\"?"), server->name);
    if (server->production ? !ask_name(cli, question, server->name, err)
                           : !ask_yes(cli, question, err))
        goto out;
    if (!server_remove(cli->store, server->name, err))
        goto out;
    done = true;
    if (cli->out.json)
        output_json(json_pack("{s:o}", "removed", json_string_or_empty(server->name)), false);
    else
        output_line(&cli->out, _("server \"%s\" forgotten; nothing on it was changed"),
                    server->name);
out:
    server_free(server);
    return done;
}
