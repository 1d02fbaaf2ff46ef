/* sessions_print.c - one snapshot of a server's sessions: a table, JSON or CSV. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/sessions.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

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
