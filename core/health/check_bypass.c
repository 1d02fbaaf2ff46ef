/* check_bypass.c - lines that let a role in past the rule that wants its certificate. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/check.h"

#define ROLES_MAX 1000 /* login roles that are tried for "all" and "+group" */
#define SHOWN     3

/* One pair of lines, and who gets from one to the other. */
struct past {
    size_t line; /* that fits first */
    bool tls;
    size_t n_roles;
    struct strbuf roles; /* the first ones, for the message */
};
struct pasts {
    struct past *rows;
    size_t n;
};

static void add_past(struct pasts *pasts, size_t line, bool tls, const char *role)
{
    struct past *past = NULL;

    for (size_t i = 0; i < pasts->n && !past; i++) {
        if (pasts->rows[i].line == line && pasts->rows[i].tls == tls)
            past = &pasts->rows[i];
    }
    if (!past) {
        pasts->rows = mem_realloc_array(pasts->rows, pasts->n + 1, sizeof(pasts->rows[0]));
        past = &pasts->rows[pasts->n++];
        *past = (struct past){.line = line, .tls = tls};
        strbuf_init(&past->roles);
    }
    if (past->n_roles++ < SHOWN)
        strbuf_printf(&past->roles, "%s%s", past->roles.len > 0 ? ", " : "", role);
}

static const char *database_of(const struct hba_rule *rule)
{
    const char *name = rule->databases[0];
    bool quoted = rule->databases_quoted && rule->databases_quoted[0];

    if (name[0] == '/' ||
        (!quoted && (strcmp(name, "all") == 0 || name[0] == '@' || text_starts_with(name, "same"))))
        return NULL; /* any one */
    return name;
}

static bool lets_in(const struct hba_rule *rule)
{
    return strcmp(rule->method, "reject") != 0 && !hba_rule_needs_cert(rule);
}

/* The first line that fits this role where the rule at `at` applies, once with TLS and once without. */
static void try_role(const struct check *check, const struct hba_matcher *matcher, size_t at,
                     const struct role_row *role, struct pasts *pasts)
{
    const struct hba_rule *rule = &check->hba.lines[at].rule;
    struct hba_client client = {.database = database_of(rule),
                                .role = role->name,
                                .member_of = (const char *const *)role->member_of,
                                .n_member_of = role->n_member_of,
                                .address = rule->address,
                                .tls = true};
    bool sure;
    int first;

    client.replication = client.database && strcmp(client.database, "replication") == 0 &&
                         !(rule->databases_quoted && rule->databases_quoted[0]);
    if (hba_fits(&check->hba.lines[at], &client) != HBA_FIT_YES)
        return;
    first = hba_matcher_first(matcher, &client, &sure);
    if (sure && first >= 0 && (size_t)first < at && lets_in(&check->hba.lines[first].rule))
        add_past(pasts, (size_t)first, true, role->name);
    client.tls = false;
    first = hba_matcher_first(matcher, &client, &sure);
    if (sure && first >= 0 && lets_in(&check->hba.lines[first].rule))
        add_past(pasts, (size_t)first, false, role->name);
}

static void report(struct check *check, size_t at, const struct past *past)
{
    const struct hba_line *rule = &check->hba.lines[at];
    const struct hba_line *line = &check->hba.lines[past->line];
    char *object = mem_printf(_("pg_hba.conf line %d"), line->number);
    char more[32] = "";

    if (past->n_roles > SHOWN)
        text_clean_copy(more, sizeof(more), ", …");
    finding_mend(past->tls
                     ? finding_add(check->findings, FINDING_WARNING, ERR_RULE_ABOVE, object,
                                   _("it lets %s%s in by \"%s\" from %s, before line %d can want a "
                                     "certificate"),
                                   past->roles.data, more, line->rule.method, line->rule.address,
                                   rule->number)
                     : finding_add(check->findings, FINDING_WARNING, ERR_RULE_CLEAR, object,
                                   _("it lets %s%s in without TLS by \"%s\" from %s, past line %d"),
                                   past->roles.data, more, line->rule.method, line->rule.address,
                                   rule->number),
                 ACT_REQUIRE, "");
    free(object);
}

void check_bypass(struct check *check)
{
    struct hba_matcher *matcher = hba_matcher_new(&check->hba);

    for (size_t at = 0; at < check->hba.n; at++) {
        const struct hba_line *line = &check->hba.lines[at];
        struct pasts pasts = {.n = 0};
        size_t n = 0;

        if (line->kind != HBA_RULE || !hba_rule_needs_cert(&line->rule))
            continue;
        for (size_t i = 0; i < check->roles.n && n < ROLES_MAX; i++) {
            if (!check->roles.rows[i].can_login)
                continue;
            try_role(check, matcher, at, &check->roles.rows[i], &pasts);
            n++;
        }
        for (size_t i = 0; i < pasts.n; i++) {
            report(check, at, &pasts.rows[i]);
            strbuf_clear(&pasts.rows[i].roles);
        }
        free(pasts.rows);
    }
    hba_matcher_free(matcher);
}
