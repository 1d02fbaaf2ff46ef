/* server_check.c - "server check": looks from all sides, changes nothing. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/findings.h"
#include "cli/record.h"
#include "core/base/intl.h"
#include "core/health/server_check.h"

static const char *tls_name(enum server_check_tls tls)
{
    switch (tls) {
    case SERVER_TLS_NOT_ASKED:
        return "not-asked";
    case SERVER_TLS_NO_ANSWER:
        return "no-answer";
    case SERVER_TLS_OFF:
        return "off";
    case SERVER_TLS_ON:
        break;
    }
    return "on";
}

static json_t *check_json(const char *server, const struct server_check *check)
{
    return json_pack("{s:o, s:o, s:i, s:i, s:i, s:b, s:b, s:s, s:i, s:o, s:o, s:I}", "server",
                     json_string_or_empty(server), "findings", findings_json(&check->findings),
                     "errors", (int)findings_count(&check->findings, FINDING_ERROR), "warnings",
                     (int)findings_count(&check->findings, FINDING_WARNING), "server_version",
                     check->version, "standby", check->standby, "restart_fails",
                     check->restart_fails, "tls", tls_name(check->tls), "cas", (int)check->n_cas,
                     "certificate_not_after", json_time(check->cert_not_after), "crl_next_update",
                     json_time(check->crl_next_update), "took_ms", (json_int_t)check->took_ms);
}

static void print_facts(const struct output *output, const char *server,
                        const struct server_check *check)
{
    char date[80];
    char text[160];

    snprintf(text, sizeof(text), "PostgreSQL %d.%d%s", check->version / 10000,
             check->version % 10000, check->standby ? _(", a standby") : "");
    output_pair(output, server, text);
    if (check->tls == SERVER_TLS_ON)
        snprintf(text, sizeof(text), _("yes, %s; the certificate ends %s"), check->tls_version,
                 check->cert_not_after ? record_date(date, sizeof(date), check->cert_not_after)
                                       : "?");
    else
        snprintf(text, sizeof(text), "%s",
                 check->tls == SERVER_TLS_OFF         ? _("no")
                 : check->tls == SERVER_TLS_NO_ANSWER ? _("no answer")
                                                      : _("not asked: no address of clients"));
    output_pair(output, "TLS", text);
    if (check->crl_next_update)
        output_pair(output, _("CRL until"),
                    record_date(date, sizeof(date), check->crl_next_update));
}

static void print_end(const struct output *output, const struct server_check *check)
{
    size_t errors = findings_count(&check->findings, FINDING_ERROR);
    size_t warnings = findings_count(&check->findings, FINDING_WARNING);

    if (check->restart_fails)
        output_line(output, _("[xx] the next restart of this server would fail"));
    if (errors + warnings == 0)
        output_line(output, _("[ok] no problem found"));
    else
        output_line(output, _("%zu errors, %zu warnings"), errors, warnings);
}

bool run_server_check(struct cli *cli, struct err *err)
{
    struct server_check_request request = {0};
    struct server_check check;
    struct server *server = NULL;
    struct conn *admin = NULL;
    char *host = NULL;
    int64_t days = 0;
    bool done = false;

    if (!args_int(cli->args, OPT_WITHIN, 1, 36525, 0, &days, err) || !cli_store_if_any(cli, err))
        return false;
    server = cli_server(cli, cli->args->names[0], err);
    if (!server || !cli_tls_address(server, &host, &request.tls_port, err))
        goto out;
    admin = cli_connect(cli, server, NULL, err);
    if (!admin)
        goto out;
    request.store = cli->store;
    request.server = server;
    request.admin = admin;
    request.tls_host = host;
    request.within_days = (int)days;
    if (!server_check(&request, &check, err))
        goto out;
    done = true;
    if (cli->out.json) {
        output_json(check_json(server->name, &check), false);
    } else {
        print_facts(&cli->out, server->name, &check);
        findings_print(&cli->out, &check.findings);
        print_end(&cli->out, &check);
    }
    if (findings_are_bad(&check.findings))
        cli->exit = EXIT_FOUND;
    server_check_clear(&check);
out:
    conn_close(admin);
    server_free(server);
    free(host);
    return done;
}
