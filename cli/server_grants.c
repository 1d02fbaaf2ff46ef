/* server_grants.c - "server grants": the statements that let an ordinary role work. */
#include "config.h"

#include "cli/command.h"
#include "core/base/intl.h"
#include "core/pg/grants.h"

static json_t *grants_json(const struct grant_list *list, const char *server)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(rows, json_pack("{s:o, s:o, s:b, s:b}", "sql",
                                              json_string_or_empty(list->rows[i].sql), "what",
                                              json_string_or_empty(list->rows[i].what), "there",
                                              list->superuser || list->rows[i].there, "optional",
                                              list->rows[i].need == GRANT_EXTRA));
    return json_pack("{s:o, s:o, s:o, s:b, s:o}", "server", json_string_or_empty(server), "role",
                     json_string_or_empty(list->role), "database",
                     json_string_or_empty(list->database), "superuser", list->superuser, "grants",
                     rows);
}

/* It runs as it is: what is there already, and what pgseal works without, is a comment. */
static void print(const struct cli *cli, const struct grant_list *list)
{
    const struct output *output = &cli->out;
    const unsigned needed = ~(unsigned)GRANT_EXTRA;
    struct strbuf missing = STRBUF_INIT;
    size_t n = grants_missing(list, needed, &missing);

    strbuf_clear(&missing);
    if (list->superuser) {
        output_line(output, _("-- \"%s\" is a superuser: nothing is missing"), list->role);
        return;
    }
    output_line(output, _("-- for \"%s\"; run it as a superuser, in the database \"%s\":"),
                list->role, list->database);
    output_line(output, _("-- functions and views are granted in one database at a time"));
    if (list->server_version < 150000)
        output_line(output, _("-- ALTER SYSTEM cannot be granted before PostgreSQL 15: CAs and "
                              "lists need a superuser"));
    for (size_t i = 0; i < list->n; i++) {
        const struct grant *grant = &list->rows[i];
        const char *mark = grant->there                 ? _("-- there: ")
                           : grant->need == GRANT_EXTRA ? _("-- if wanted: ")
                                                        : "";

        output_line(output, "%s%s%s%s", mark, grant->sql, *grant->what ? "  -- " : "", grant->what);
    }
    if (n == 0)
        output_line(output, _("-- nothing is missing"));
}

bool run_server_grants(struct cli *cli, struct err *err)
{
    const char *role = args_value(cli->args, OPT_ROLE);
    struct server *server = NULL;
    struct conn *conn = NULL;
    struct grant_list list;
    bool done = false;

    if (!cli_store_if_any(cli, err))
        return false;
    server = cli_server(cli, cli->args->names[0], err);
    if (!server)
        return false;
    conn = cli_connect(cli, server, NULL, err);
    if (!conn || !grants_read(conn, role, &list, err))
        goto out;
    if (cli->out.json)
        output_json(grants_json(&list, server->name), false);
    else
        print(cli, &list);
    grants_clear(&list);
    done = true;
out:
    conn_close(conn);
    server_free(server);
    return done;
}
