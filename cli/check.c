/* check.c - "check": what ends soon, for people, for cron, and for Nagios. */
#include "config.h"

#include <stdlib.h>

#include "cli/command.h"
#include "cli/findings.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/server_check.h"
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

/* A server that cannot be looked at is a finding: the others are looked at all the same. */
static bool check_server(struct cli *cli, struct server *server, int within_days,
                         struct findings *all, struct err *err)
{
    struct server_check_request request = {
        .store = cli->store, .server = server, .within_days = within_days};
    struct server_check check;
    struct err why = ERR_INIT;
    char *host = NULL;
    bool done;

    if (!cli_tls_address(server, &host, &request.tls_port, err))
        return false;
    request.tls_host = host;
    request.admin = cli_connect(cli, server, NULL, &why);
    done = request.admin && server_check(&request, &check, &why);
    if (done) {
        take(all, server->name, &check.findings);
        server_check_clear(&check);
    } else {
        finding_fix(
            finding_cause(finding_add(all, FINDING_ERROR, why.code, server->name, "%s", why.msg),
                          "%s", err_cause_text(&why)),
            "%s", err_hint_text(&why));
    }
    conn_close(request.admin);
    free(host);
    return true;
}

static bool check_servers(struct cli *cli, int within_days, struct findings *all, struct err *err)
{
    struct server_list list = {.n = 0};
    bool done = true;

    if (!server_list(cli->store, &list, err))
        return false;
    for (size_t i = 0; done && i < list.n; i++)
        done = check_server(cli, list.rows[i], within_days, all, err);
    server_list_clear(&list);
    findings_sort(all);
    return done;
}

static void print_nagios(struct cli *cli, const struct findings *all)
{
    size_t errors = findings_count(all, FINDING_ERROR);
    size_t warnings = findings_count(all, FINDING_WARNING);
    const char *word = errors > 0 ? "CRITICAL" : warnings > 0 ? "WARNING" : "OK";

    output_line(&cli->out, "PGSEAL %s - %zu %s, %zu %s%s%s | errors=%zu warnings=%zu", word, errors,
                errors == 1 ? "error" : "errors", warnings, warnings == 1 ? "warning" : "warnings",
                all->n > 0 ? ": " : "", all->n > 0 ? all->rows[0].message : "", errors, warnings);
    for (size_t i = 1; i < all->n; i++)
        output_line(&cli->out, "%s: %s", all->rows[i].object, all->rows[i].message);
    cli->exit = errors > 0 ? NAGIOS_CRITICAL : warnings > 0 ? NAGIOS_WARNING : NAGIOS_OK;
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
        output_line(&cli->out, "PGSEAL UNKNOWN - PS-%04d %s", (int)err->code, err->msg);
        cli->exit = NAGIOS_UNKNOWN;
        done = true;
    } else if (done && nagios) {
        print_nagios(cli, &all);
    } else if (done) {
        print(cli, &all);
    }
    findings_clear(&all);
    return done;
}
