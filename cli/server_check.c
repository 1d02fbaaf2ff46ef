/* server_check.c - "server check": looks from all sides, changes nothing. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/findings.h"
#include "cli/record.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/health/member_check.h"
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
        findings_print_count(output, &check->findings);
}

struct checking {
    struct cli *cli;
    int64_t days;
    struct member_look *look; /* of the member that was checked last; taken by the caller */
    bool bad;
};

/* One server; *ret_json (may be NULL, then it is printed) gets the document. */
static bool check_one(struct checking *self, struct server *server, bool is_member,
                      json_t **ret_json, struct err *err)
{
    struct cli *cli = self->cli;
    struct server_check_request request = {
        .store = cli->store, .server = server, .within_days = (int)self->days};
    struct server_check check;
    char *host = NULL;
    bool done = false;

    if (!cli_tls_address(server, &host, &request.tls_port, err))
        return false;
    request.tls_host = host;
    request.admin = cli_connect(cli, server, NULL, err);
    if (!request.admin)
        goto out;
    if (!server_check(&request, &check, err))
        goto out;
    done = !is_member || (self->look = member_look(server, request.admin, err)) != NULL;
    if (done && cli->out.json) {
        *ret_json = check_json(server->name, &check);
    } else if (done) {
        print_facts(&cli->out, server->name, &check);
        findings_print(&cli->out, &check.findings);
        print_end(&cli->out, &check);
    }
    self->bad = self->bad || findings_are_bad(&check.findings);
    server_check_clear(&check);
out:
    conn_close(request.admin);
    free(host);
    return done;
}

/* ---- a cluster ---- */

static json_t *away_json(const struct server *server, const struct err *why)
{
    return json_pack("{s:o, s:b, s:{s:i, s:o}}", "server", json_string_or_empty(server->name),
                     "reached", false, "error", "code", (int)why->code, "message",
                     json_string_or_empty(why->msg));
}

static void print_cluster_end(const struct output *output, const char *cluster,
                              const struct findings *findings)
{
    output_line(output, _("-- the members of \"%s\" side by side"), cluster);
    findings_print(output, findings);
    if (!findings_are_bad(findings))
        output_line(output, _("[ok] they are alike"));
}

static bool check_members(struct checking *self, const struct server_list *members,
                          struct member_look **looks, struct findings *findings, json_t *documents,
                          struct err *err)
{
    size_t reached = 0;

    for (size_t i = 0; i < members->n; i++) {
        struct err why = ERR_INIT;
        json_t *document = NULL;

        self->look = NULL;
        if (check_one(self, members->rows[i], true, &document, &why)) {
            looks[i] = self->look;
            reached++;
        } else {
            finding_add(findings, FINDING_ERROR, why.code, members->rows[i]->name, "%s", why.msg);
            document = away_json(members->rows[i], &why);
            if (!self->cli->out.json)
                output_pair(&self->cli->out, members->rows[i]->name, _("not reached"));
            *err = why;
        }
        if (document)
            json_array_append_new(documents, document);
    }
    return reached > 0 && members_compare(self->cli->store, members, looks, findings, err);
}

static bool check_cluster(struct checking *self, const char *cluster, struct err *err)
{
    struct server_list members = {0};
    struct findings findings = {0};
    struct member_look **looks;
    json_t *documents = json_array();
    bool done;

    if (!server_members(self->cli->store, cluster, &members, err)) {
        json_decref(documents);
        return false;
    }
    looks = mem_array(members.n, sizeof(struct member_look *));
    done = check_members(self, &members, looks, &findings, documents, err);
    if (done && self->cli->out.json)
        output_json(json_pack("{s:o, s:O, s:o, s:i, s:i}", "cluster", json_string_or_empty(cluster),
                              "members", documents, "findings", findings_json(&findings), "errors",
                              (int)findings_count(&findings, FINDING_ERROR), "warnings",
                              (int)findings_count(&findings, FINDING_WARNING)),
                    false);
    else if (done)
        print_cluster_end(&self->cli->out, cluster, &findings);
    self->bad = self->bad || findings_are_bad(&findings);
    for (size_t i = 0; i < members.n; i++)
        member_look_free(looks[i]);
    free(looks);
    findings_clear(&findings);
    server_list_clear(&members);
    json_decref(documents);
    return done;
}

bool run_server_check(struct cli *cli, struct err *err)
{
    struct checking self = {.cli = cli};
    struct server *server = NULL;
    json_t *document = NULL;
    bool is_cluster = false;
    bool done;

    if (!args_int(cli->args, OPT_WITHIN, 1, 36525, 0, &self.days, err) ||
        !cli_store_if_any(cli, err) ||
        (cli->store && !server_is_cluster(cli->store, cli->args->names[0], &is_cluster, err)))
        return false;
    if (is_cluster) {
        done = check_cluster(&self, cli->args->names[0], err);
    } else {
        server = cli_server(cli, cli->args->names[0], err);
        done = server && check_one(&self, server, false, &document, err);
        if (document)
            output_json(document, false);
        server_free(server);
    }
    if (done && self.bad)
        cli->exit = EXIT_FOUND;
    return done;
}
