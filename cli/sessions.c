/* sessions.c - "sessions": who is connected how, and with which of our certificates. */
#include "config.h"

#include "cli/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define WATCH_SECONDS 2
#define WATCH_MAX     86400

/* ---- once ---- */

/* What the role may see, where rows are hidden; *ret_known false: it could not be asked. */
static void ask_rights(struct conn *conn, struct sessions_rights *ret, bool *ret_known)
{
    struct err ignored = ERR_INIT;
    struct result *result = conn_exec(conn, sessions_rights_sql(), 0, NULL, &ignored);

    *ret_known = result && sessions_rights_from_result(result, ret, &ignored);
    result_free(result);
}

/* A member of pg_read_all_stats that does not inherit it sees all after SET ROLE. */
static bool read_sessions(struct conn *conn, struct sessions *ret, struct sessions_rights *rights,
                          bool *ret_rights, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct sessions again;

    *ret_rights = false;
    if (!sessions_read(conn, ret, err))
        return false;
    if (ret->hidden == 0)
        return true;
    ask_rights(conn, rights, ret_rights);
    if (!*ret_rights || !rights->could_see_all ||
        !conn_run(conn, "SET ROLE pg_read_all_stats", &ignored) ||
        !sessions_read(conn, &again, &ignored))
        return true;
    sessions_clear(ret);
    *ret = again;
    return true;
}

static bool look_once(struct cli *cli, struct watched *watched, json_t *documents,
                      size_t *ret_found, struct err *err)
{
    struct conn *conn = cli_connect(cli, watched->server, NULL, err);
    struct sessions sessions = {0};
    struct sessions_rights rights;
    bool have_rights = false;
    bool done = false;

    if (!conn)
        return err_prefix(err, "%s", watched->server->name);
    if (!read_sessions(conn, &sessions, &rights, &have_rights, err))
        goto out;
    if (!sessions_look_up(cli, watched, &sessions, err))
        goto out;
    recorder_add(watched->recorder, &sessions, watched->book);
    if (!sessions_record(cli, watched, true, err))
        goto out;
    sessions_print(cli, watched, &sessions, have_rights ? &rights : NULL, documents, ret_found);
    done = true;
out:
    sessions_clear(&sessions);
    conn_close(conn);
    return done;
}

static bool print_once(struct cli *cli, struct watched *servers, size_t n, struct err *err)
{
    json_t *documents = cli->out.json && n > 1 ? json_array() : NULL;
    size_t found = 0;
    bool done = true;

    if (args_has(cli->args, OPT_CSV))
        sessions_print_csv_header();
    for (size_t i = 0; i < n && done; i++)
        done = look_once(cli, &servers[i], documents, &found, err);
    if (done && documents)
        output_json(json_pack("{s:O}", "servers", documents), false);
    json_decref(documents);
    if (done && found > 0 && args_has(cli->args, OPT_FINDINGS))
        cli->exit = EXIT_FOUND;
    return done;
}

/* ---- the command ---- */

static bool is_in(const struct server_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (text_equal(list->rows[i]->name, name))
            return true;
    }
    return false;
}

/* The live page: on a terminal, for servers of the store, when nothing was asked that only a printed
 * list can give. Their names for the caller to free; NULL: it is to be printed. */
static char **page_servers(struct cli *cli, size_t *ret_n)
{
    static const enum option printing[] = {OPT_ONCE,      OPT_CSV,   OPT_FINDINGS,
                                           OPT_READINESS, OPT_WATCH, OPT_RECORD};
    struct err unknown = ERR_INIT; /* then it is printed, and that says what is wrong */
    struct server_list list = {0};
    char **names = NULL;
    size_t n = 0;
    bool all;

    if (!cli_on_terminal(cli) || !cli->store)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(printing); i++)
        if (args_has(cli->args, printing[i]))
            return NULL;
    if (!server_list(cli->store, &list, &unknown))
        return NULL;
    all = sessions_names(cli, &names, &n, &unknown) && n > 0;
    for (size_t i = 0; all && i < n; i++)
        all = is_in(&list, names[i]);
    server_list_clear(&list);
    if (!all) {
        sessions_names_free(names, n);
        return NULL;
    }
    *ret_n = n;
    return names;
}

static bool check_flags(struct cli *cli, struct err *err)
{
    if (cli->out.json && args_has(cli->args, OPT_CSV))
        return err_set(err, ERR_USAGE, "\"--json\" and \"--csv\" exclude each other");
    if (args_has(cli->args, OPT_READINESS) &&
        (args_has(cli->args, OPT_WATCH) || args_has(cli->args, OPT_CSV)))
        return err_set(err, ERR_USAGE,
                       "\"--readiness\" goes neither with \"--watch\" nor \"--csv\"");
    if (args_has(cli->args, OPT_RECORD) && !cli->store) {
        err_set(err, ERR_NO_STORE, _("there is no store to record in"));
        return err_hint(err, _("\"pgseal server add NAME CONNINFO\" makes one."));
    }
    return true;
}

static bool run_page(struct cli *cli, char **names, size_t n, struct err *err)
{
    const char **servers = mem_array(n, sizeof(*servers));
    bool done;

    for (size_t i = 0; i < n; i++)
        servers[i] = names[i];
    done = cli_panel(cli, store_folder(cli->store), servers, n, err);
    free(servers);
    sessions_names_free(names, n);
    return done;
}

bool run_sessions(struct cli *cli, struct err *err)
{
    struct watched *servers = NULL;
    size_t n = 0;
    int64_t seconds;
    char **names;
    int signal = 0;
    bool done = false;

    if (!args_int(cli->args, OPT_WATCH, 1, WATCH_MAX, WATCH_SECONDS, &seconds, err) ||
        !cli_store_if_any(cli, err) || !check_flags(cli, err))
        return false;
    names = page_servers(cli, &n);
    if (names)
        return run_page(cli, names, n, err);
    if (!sessions_servers(cli, &servers, &n, err))
        goto out;
    if (args_has(cli->args, OPT_READINESS)) {
        done = sessions_readiness(cli, servers, n, err);
    } else if (args_has(cli->args, OPT_WATCH) && !args_has(cli->args, OPT_ONCE)) {
        done = sessions_watch(cli, servers, n, seconds, &signal, err);
        if (done && signal != 0)
            cli->exit = 128 + signal;
    } else {
        done = print_once(cli, servers, n, err);
    }
out:
    sessions_servers_free(servers, n);
    return done;
}
