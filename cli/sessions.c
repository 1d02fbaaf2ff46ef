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

/* ---- servers ---- */

static bool add_server(struct cli *cli, struct watched *watched, const char *name, struct err *err)
{
    watched->server = cli_server(cli, name, err);
    if (!watched->server)
        return err_prefix(err, "%s", name);
    watched->book = session_book_new();
    watched->recorder = recorder_new(watched->server->name);
    return true;
}

/* ---- which ---- */

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

/* ---- printed ---- */

struct chosen { /* --findings */
    const unsigned *findings;
    bool all;
};

static bool choose(const void *arg, size_t row)
{
    const struct chosen *chosen = arg;

    return chosen->all || finding_needs_look(chosen->findings[row]);
}

static void fill_row(char **row, const struct snapshot *snapshot, size_t i)
{
    const struct session *s = &snapshot->sessions->rows[i];
    const struct session_certificate *certificate = session_book_find(snapshot->book, s);
    struct strbuf findings = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];

    if (s->own)
        strbuf_add_str(&findings, _("(pgseal itself)"));
    else
        finding_names(snapshot->findings[i], ", ", &findings);
    row[0] = mem_printf("%d", s->pid);
    row[1] = mem_strdup(s->role);
    row[2] = mem_strdup(s->database);
    row[3] = mem_strdup(s->class == SESSION_SOCKET ? _("socket") : s->address);
    row[4] = mem_strdup(*s->version ? s->version : session_class_name(s->class));
    row[5] = mem_strdup(s->client_dn);
    row[6] = mem_strdup(
        certificate && certificate->known ? clock_format_date(date, certificate->not_after) : "");
    row[7] = mem_strdup(s->state);
    row[8] = strbuf_steal(&findings);
}

static void print_hidden(const struct cli *cli, int hidden, const struct sessions_rights *rights)
{
    struct strbuf grant = STRBUF_INIT;

    if (rights)
        sessions_rights_grant(rights, &grant);
    else
        strbuf_add_str(&grant, "GRANT pg_read_all_stats");
    output_line(&cli->out,
                ngettext("[!!] %d is hidden from this role; ask for: %s",
                         "[!!] %d are hidden from this role; ask for: %s", (unsigned long)hidden),
                hidden, grant.data);
    strbuf_clear(&grant);
}

static void print_table(const struct cli *cli, const struct snapshot *snapshot,
                        const struct snapshot_totals *totals, const struct chosen *chosen,
                        const struct sessions_rights *rights)
{
    static const char *const headers[] = {"PID",    "ROLE",      "DATABASE", "FROM",    "TLS",
                                          "CLIENT", "CERT ENDS", "STATE",    "FINDINGS"};
    const size_t columns = ARRAY_LEN(headers);
    const struct sessions *sessions = snapshot->sessions;
    char **cells = mem_array(sessions->n * columns + 1, sizeof(*cells));
    size_t shown = 0;

    for (size_t i = 0; i < sessions->n; i++)
        if (choose(chosen, i) && !(snapshot->findings[i] & FINDING_SYSTEM))
            fill_row(cells + columns * shown++, snapshot, i);
    output_line(&cli->out,
                ngettext("%s: %zu session, %zu with TLS, %zu with a certificate, %zu to look at",
                         "%s: %zu sessions, %zu with TLS, %zu with a certificate, %zu to look at",
                         totals->all),
                snapshot->server, totals->all, totals->tls, totals->with_certificate,
                totals->need_look);
    if (sessions->hidden > 0)
        print_hidden(cli, sessions->hidden, rights);
    if (snapshot_with(totals, FINDING_SYSTEM) > 0)
        output_line(&cli->out, _("%zu of the provider's own roles are left out below"),
                    snapshot_with(totals, FINDING_SYSTEM));
    if (shown > 0)
        output_table(&cli->out, columns, headers, shown, (const char *const *)cells);
    for (size_t i = 0; i < shown * columns; i++)
        free(cells[i]);
    free(cells);
}

void sessions_print_csv_header(void)
{
    struct strbuf out = STRBUF_INIT;

    snapshot_csv_header(&out);
    fwrite(out.data, 1, out.len, stdout);
    strbuf_clear(&out);
}

void sessions_print(struct cli *cli, const struct watched *watched, const struct sessions *sessions,
                    const struct sessions_rights *rights, json_t *documents, size_t *ret_found)
{
    unsigned *findings = mem_array(sessions->n + 1, sizeof(*findings));
    struct snapshot snapshot = {.server = watched->server->name,
                                .managed = !text_equal(watched->server->provider, "self-managed"),
                                .sessions = sessions,
                                .book = watched->book,
                                .findings = findings,
                                .now = clock_now()};
    struct chosen chosen = {findings, !args_has(cli->args, OPT_FINDINGS)};
    struct snapshot_totals totals = {0};
    struct strbuf out = STRBUF_INIT;

    snapshot_judge(&snapshot, findings, &totals);
    *ret_found += totals.need_look;
    if (cli->out.json && documents) {
        json_array_append_new(documents, snapshot_json(&snapshot, choose, &chosen));
    } else if (cli->out.json) {
        output_json(snapshot_json(&snapshot, choose, &chosen), args_has(cli->args, OPT_WATCH));
    } else if (args_has(cli->args, OPT_CSV)) {
        snapshot_csv(&snapshot, choose, &chosen, &out);
        fwrite(out.data, 1, out.len, stdout);
    } else {
        print_table(cli, &snapshot, &totals, &chosen, rights);
    }
    fflush(stdout);
    strbuf_clear(&out);
    free(findings);
}

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
