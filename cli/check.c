/* check.c - "check": what ends soon, for people, for cron, and for Nagios. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/fleet_check.h"
#include "core/health/store_check.h"

enum nagios { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

/* The findings of a server join the others, each with the server's name in front. */
static void take(struct findings *all, const char *server, const struct findings *found)
{
    for (size_t i = 0; i < found->n; i++) {
        const struct finding *from = &found->rows[i];
        char *object = text_equal(from->object, server)
                           ? mem_strdup(server)
                           : mem_printf("%s: %s", server, from->object);

        if (from->severity != FINDING_INFO)
            finding_mend(finding_fix(finding_cause(finding_add(all, from->severity, from->code,
                                                               object, "%s", from->message),
                                                   "%s", from->cause),
                                     "%s", from->fix),
                         from->act, from->act_on);
        free(object);
    }
}

static void take_missed(struct findings *all, const char *server, const struct err *why)
{
    finding_fix(finding_cause(finding_add(all, FINDING_ERROR, why->code, server, "%s", why->msg),
                              "%s", err_cause_text(why)),
                "%s", err_hint_text(why));
}

/* With a password that a person types: one after the other. */
static bool check_asking(struct cli *cli, struct server *server, int within_days,
                         struct findings *all, struct err *err)
{
    struct server_check_request request = {
        .store = cli->store, .server = server, .within_days = within_days};
    struct server_check check;
    struct err why = ERR_INIT;
    char *host = NULL;

    if (!cli_tls_address(server, &host, &request.tls_port, err))
        return false;
    request.tls_host = host;
    request.admin = cli_connect(cli, server, NULL, &why);
    if (request.admin && server_check(&request, &check, &why)) {
        take(all, server->name, &check.findings);
        server_check_clear(&check);
    } else {
        take_missed(all, server->name, &why);
    }
    conn_close(request.admin);
    free(host);
    return true;
}

/* A server that cannot be looked at is a finding, and holds up none of the others. */
static bool check_servers(struct cli *cli, int within_days, struct findings *all, struct err *err)
{
    struct server_list list = {.n = 0};
    struct fleet_check_row *rows;
    bool done = true;

    if (!server_list(cli->store, &list, err))
        return false;
    rows = fleet_check(cli->store, &list, within_days);
    for (size_t i = 0; done && i < list.n; i++) {
        if (rows[i].done)
            take(all, list.rows[i]->name, &rows[i].check.findings);
        else if (rows[i].wants_password && ask_possible(cli))
            done = check_asking(cli, list.rows[i], within_days, all, err);
        else
            take_missed(all, list.rows[i]->name, &rows[i].err);
    }
    fleet_check_free(rows, list.n);
    server_list_clear(&list);
    findings_sort(all);
    return done;
}

/* ---- Nagios ---- */

/* One line of its plugins' output: what stands behind "|" would be taken for performance data. */
static void add_plain(struct strbuf *line, const char *text)
{
    struct strbuf clean = STRBUF_INIT;

    text_clean(&clean, text, strlen(text), TEXT_ONE_LINE);
    for (const char *at = clean.data ? clean.data : ""; *at; at++)
        strbuf_add_char(line, *at == '|' ? '/' : *at);
    strbuf_clear(&clean);
}

static void add_finding(struct strbuf *line, const struct finding *finding)
{
    add_plain(line, finding->object);
    strbuf_add_str(line, ": ");
    add_plain(line, finding->message);
}

static void print_nagios(struct cli *cli, const struct findings *all)
{
    size_t errors = findings_count(all, FINDING_ERROR);
    size_t warnings = findings_count(all, FINDING_WARNING);
    const char *word = errors > 0 ? "CRITICAL" : warnings > 0 ? "WARNING" : "OK";

    for (size_t i = 0; i < all->n || i == 0; i++) {
        struct strbuf line = STRBUF_INIT;

        if (i == 0)
            strbuf_printf(&line, "PGSEAL %s - %zu %s, %zu %s%s", word, errors,
                          errors == 1 ? "error" : "errors", warnings,
                          warnings == 1 ? "warning" : "warnings", all->n > 0 ? ": " : "");
        if (all->n > 0)
            add_finding(&line, &all->rows[i]);
        if (i == 0)
            strbuf_printf(&line, " | errors=%zu warnings=%zu", errors, warnings);
        output_line(&cli->out, "%s", line.data);
        strbuf_clear(&line);
    }
    cli->exit = errors > 0 ? NAGIOS_CRITICAL : warnings > 0 ? NAGIOS_WARNING : NAGIOS_OK;
}

static void print_unknown(struct cli *cli, const struct err *err)
{
    struct strbuf line = STRBUF_INIT;

    add_plain(&line, err->msg);
    output_line(&cli->out, "PGSEAL UNKNOWN - PS-%04d %s", (int)err->code, line.data);
    strbuf_clear(&line);
    cli->exit = NAGIOS_UNKNOWN;
}

static void print(struct cli *cli, const struct findings *all)
{
    size_t errors = findings_count(all, FINDING_ERROR);
    size_t warnings = findings_count(all, FINDING_WARNING);

    if (cli->out.json) {
        output_json(json_pack("{s:o, s:i, s:i}", "findings", findings_json(all), "errors",
                              (int)errors, "warnings", (int)warnings),
                    false);
    } else {
        findings_print(&cli->out, all);
        if (errors + warnings == 0 && cli->out.quiet)
            return;
        if (errors + warnings == 0)
            output_line(&cli->out, _("[ok] no problem found"));
        else
            findings_print_count(&cli->out, all);
    }
    if (findings_are_bad(all))
        cli->exit = EXIT_FOUND;
}

static bool check_all(struct cli *cli, struct findings *all, struct err *err)
{
    int64_t days = 0;

    return args_int(cli->args, OPT_WITHIN, 1, 36525, 0, &days, err) &&
           cli_store(cli, STORE_READ, err) && store_check(cli->store, (int)days, all, err) &&
           (!args_has(cli->args, OPT_SERVERS) || check_servers(cli, (int)days, all, err));
}

bool run_check(struct cli *cli, struct err *err)
{
    bool nagios = args_has(cli->args, OPT_NAGIOS) && !cli->out.json;
    struct findings all = {.n = 0};
    bool done = check_all(cli, &all, err);

    if (!done && nagios) {
        print_unknown(cli, err);
        done = true;
    } else if (done && nagios) {
        print_nagios(cli, &all);
    } else if (done) {
        print(cli, &all);
    }
    findings_clear(&all);
    return done;
}
