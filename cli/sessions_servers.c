/* sessions_servers.c - the servers whose sessions are looked at, and what is known of each. */
#include "config.h"

#include <stdlib.h>

#include "cli/sessions.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

static bool add_server(struct cli *cli, struct watched *watched, const char *name, struct err *err)
{
    watched->server = cli_server(cli, name, err);
    if (!watched->server)
        return err_prefix(err, "%s", name);
    watched->book = session_book_new();
    watched->recorder = recorder_new(watched->server->name);
    return true;
}

static void add_name(char ***names, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++) {
        if (text_equal((*names)[i], name))
            return;
    }
    *names = mem_realloc_array(*names, *n + 1, sizeof(**names));
    (*names)[(*n)++] = mem_strdup(name);
}

static void add_names(char ***names, size_t *n, const struct server_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        add_name(names, n, list->rows[i]->name);
}

static bool add_named(struct cli *cli, const char *name, char ***names, size_t *n, struct err *err)
{
    struct server_list members = {.n = 0};
    bool is_cluster = false;

    if (cli->store && !server_is_cluster(cli->store, name, &is_cluster, err))
        return false;
    if (!is_cluster) { /* of the store, a service, a connection string */
        add_name(names, n, name);
        return true;
    }
    if (!server_members(cli->store, name, &members, err))
        return false;
    add_names(names, n, &members);
    server_list_clear(&members);
    return true;
}

void sessions_names_free(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

bool sessions_names(struct cli *cli, char ***ret, size_t *ret_n, struct err *err)
{
    struct server_list all = {.n = 0};
    char **names = NULL;
    size_t n = 0;
    bool done = true;

    for (size_t i = 0; done && i < cli->args->n_names; i++)
        done = add_named(cli, cli->args->names[i], &names, &n, err);
    if (cli->args->n_names == 0 && cli->store) {
        done = server_list(cli->store, &all, err);
        if (done)
            add_names(&names, &n, &all);
        server_list_clear(&all);
    }
    if (!done) {
        sessions_names_free(names, n);
        return false;
    }
    *ret = names;
    *ret_n = n;
    return true;
}

bool sessions_servers(struct cli *cli, struct watched **ret, size_t *ret_n, struct err *err)
{
    char **names = NULL;
    size_t n = 0;
    bool done = true;

    if (!sessions_names(cli, &names, &n, err))
        return false;
    if (n == 0) {
        free(names);
        err_set(err, ERR_NEEDS_ANSWER, _("no server was named, and the store has none"));
        return err_hint(err, _("Give a name, a connection string such as \"host=db1\", or add "
                               "one: \"pgseal server add NAME CONNINFO\"."));
    }
    *ret = mem_array(n, sizeof(**ret));
    *ret_n = n;
    for (size_t i = 0; i < n && done; i++)
        done = add_server(cli, &(*ret)[i], names[i], err);
    sessions_names_free(names, n);
    return done;
}

void sessions_servers_free(struct watched *servers, size_t n)
{
    for (size_t i = 0; servers && i < n; i++) {
        server_free(servers[i].server);
        session_book_free(servers[i].book);
        recorder_free(servers[i].recorder);
        poller_free(servers[i].poller);
    }
    free(servers);
}

bool sessions_look_up(struct cli *cli, struct watched *watched, const struct sessions *sessions,
                      struct err *err)
{
    struct session_lookup *lookup =
        session_book_wanted(watched->book, sessions, cli->store ? store_folder(cli->store) : NULL);

    if (!lookup)
        return true;
    if (!session_lookup_run(lookup, NULL, NULL, err)) {
        session_lookup_free(lookup);
        return false;
    }
    session_book_take(watched->book, lookup);
    return true;
}

bool sessions_record(struct cli *cli, struct watched *watched, bool force, struct err *err)
{
    int64_t now_ms = clock_mono_ms();
    struct record_batch *batch;
    bool ok;

    if (!args_has(cli->args, OPT_RECORD) || (!force && !recorder_is_due(watched->recorder, now_ms)))
        return true;
    batch = recorder_take(watched->recorder, now_ms);
    ok = !batch || record_batch_write(batch, store_folder(cli->store), err);
    if (!ok)
        recorder_lost(watched->recorder);
    record_batch_free(batch);
    return ok;
}
