/* check_rules.c - pg_hba.conf and pg_ident.conf: can they be loaded, and do they keep their promise? */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/health/check.h"

#define HBA_MAX   "4194304"
#define LINES_MAX 8

/* ---- read ---- */

/* A file of rules, as far as HBA_MAX; *ret_found false: our role may not, or it is not there. */
static bool read_text(struct check *check, const char *path, struct strbuf *out, bool *ret_found,
                      int64_t *ret_changed_at, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_read_binary_file($1::text, 0, " HBA_MAX
        "), extract(epoch FROM (pg_catalog.pg_stat_file($1::text)).modification)::bigint";
    static const char granted[] = /* the forms of one argument are the ones that get granted */
        "SELECT pg_catalog.pg_read_binary_file($1::text),"
        " extract(epoch FROM (pg_catalog.pg_stat_file($1::text)).modification)::bigint";
    struct result *result = NULL;

    *ret_found = false;
    if (!*path)
        return true;
    if (!tls_file_ask(check->conn, sql, 1, &path, &result, err) ||
        (!result && !tls_file_ask(check->conn, granted, 1, &path, &result, err)))
        return false;
    if (result) {
        *ret_found = result_bytes(result, 0, 0, out);
        *ret_changed_at = result_int(result, 0, 1, 0);
    }
    result_free(result);
    return true;
}

static bool read_hba(struct check *check, struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    int64_t changed_at = 0;
    const char *path = check->settings.hba_file;
    bool done = read_text(check, path, &bytes, &check->has_hba, &changed_at, err);

    if (done && check->has_hba) {
        hba_parse(bytes.data, bytes.len, check->out->version, &check->hba);
        if (changed_at > check->loaded_at)
            finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_NOT_RELOADED,
                                     "pg_hba.conf", _("\"%s\" was changed after the last reload"),
                                     path),
                         ACT_RELOAD, "");
    } else if (done) {
        check_not_seen(check, "pg_hba.conf", _("the rules: your role may not read them"));
    }
    strbuf_clear(&bytes);
    return done;
}

static bool read_ident(struct check *check, struct err *err)
{
    struct strbuf bytes = STRBUF_INIT;
    int64_t changed_at = 0;
    bool done =
        read_text(check, check->settings.ident_file, &bytes, &check->has_ident, &changed_at, err);

    if (done && check->has_ident)
        ident_parse(bytes.data, bytes.len, check->out->version, &check->ident);
    strbuf_clear(&bytes);
    return done;
}

/* ---- errors, by the server itself ---- */

static void add_bad_line(struct check *check, const char *line, const char *error, bool loads)
{
    char *object = mem_printf(_("pg_hba.conf line %s"), line ? line : "?");

    finding_add(check->findings, loads ? FINDING_WARNING : FINDING_ERROR, ERR_HBA, object, "%s",
                error && *error ? error : _("the server cannot read it, and does not say why"));
    if (!loads)
        check->out->restart_fails = true;
    free(object);
}

static void judge_own_parse(struct check *check)
{
    for (size_t i = 0; i < check->hba.n; i++) {
        char number[16];

        if (check->hba.lines[i].kind != HBA_BAD)
            continue;
        snprintf(number, sizeof(number), "%d", check->hba.lines[i].number);
        add_bad_line(check, number, check->hba.lines[i].reason, false);
    }
}

/* type IS NULL: a bad clientcert or clientname leaves error NULL too. An error beside a type: the line
 * loads, and cannot match ("hostssl record cannot match because SSL is disabled"). */
static bool check_hba_errors(struct check *check, struct err *err)
{
    static const char sql[] = "SELECT line_number, error, type IS NOT NULL"
                              " FROM pg_catalog.pg_hba_file_rules"
                              " WHERE error IS NOT NULL OR type IS NULL ORDER BY line_number";
    struct result *result;

    if (!tls_file_ask(check->conn, sql, 0, NULL, &result, err))
        return false;
    if (!result) {
        check_not_seen(check, "pg_hba_file_rules",
                       _("the server's own word about its rules: your role may not look"));
        judge_own_parse(check);
        return true;
    }
    for (int i = 0; i < result_rows(result) && i < LINES_MAX; i++)
        add_bad_line(check, result_get(result, i, 0), result_get(result, i, 1),
                     result_bool(result, i, 2));
    result_free(result);
    return true;
}

static bool check_ident_errors(struct check *check, struct err *err)
{
    static const char sql[] = "SELECT line_number, error FROM pg_catalog.pg_ident_file_mappings"
                              " WHERE error IS NOT NULL ORDER BY line_number";
    struct result *result;

    if (check->out->version < 150000)
        return true;
    if (!tls_file_ask(check->conn, sql, 0, NULL, &result, err))
        return false;
    for (int i = 0; result && i < result_rows(result) && i < LINES_MAX; i++) {
        char *object = mem_printf(_("pg_ident.conf line %s"), result_get(result, i, 0));

        finding_add(check->findings, FINDING_ERROR, ERR_IDENT, object, "%s",
                    result_get(result, i, 1));
        free(object);
    }
    result_free(result);
    return true;
}

/* ---- rules that want certificates ---- */

static void judge_any_cert(struct check *check, const struct hba_line *line, const char *object)
{
    const char *wanted = hba_rule_option(&line->rule, "clientcert");

    if (strcmp(line->rule.method, "trust") != 0 || !wanted || strcmp(wanted, "verify-full") == 0)
        return;
    finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_RULE_ANY_CERT, object,
                             _("\"trust clientcert=%s\": any certificate logs in as any role"),
                             wanted),
                 ACT_REQUIRE, "");
}

static void judge_map(struct check *check, const struct hba_line *line, const char *object)
{
    const char *map = hba_rule_option(&line->rule, "map");

    if (!map || !check->has_ident || check->ident.includes || ident_has_map(&check->ident, map))
        return;
    finding_add(check->findings, FINDING_ERROR, ERR_RULE_MAP, object,
                _("there is no map \"%s\" in pg_ident.conf"), map);
}

static void judge_roles(struct check *check, const struct hba_line *line, const char *object)
{
    const struct hba_rule *rule = &line->rule;

    for (size_t i = 0; i < rule->n_roles; i++) {
        const char *name = rule->roles[i];
        bool quoted = rule->roles_quoted && rule->roles_quoted[i];
        const struct role_row *role;

        if (name[0] == '/' || (!quoted && (strcmp(name, "all") == 0 || name[0] == '@')))
            continue;
        if (!quoted && name[0] == '+') {
            if (!role_list_get(&check->roles, name + 1))
                finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_RULE_ROLE, object,
                                         _("there is no role \"%s\""), name + 1),
                             ACT_ROLE, name + 1);
            continue;
        }
        role = role_list_get(&check->roles, name);
        if (role && role->can_login)
            continue;
        finding_mend(
            finding_add(check->findings, FINDING_WARNING, ERR_RULE_ROLE, object,
                        role ? _("the role \"%s\" may not log in") : _("there is no role \"%s\""),
                        name),
            ACT_ROLE, name);
    }
}

static void judge_cert_rules(struct check *check)
{
    int first = 0;

    for (size_t i = 0; i < check->hba.n; i++) {
        const struct hba_line *line = &check->hba.lines[i];
        char *object;

        if (line->kind != HBA_RULE || !hba_rule_needs_cert(&line->rule))
            continue;
        if (check->out->n_cert_rules++ == 0)
            first = line->number;
        object = mem_printf(_("pg_hba.conf line %d"), line->number);
        judge_any_cert(check, line, object);
        judge_map(check, line, object);
        judge_roles(check, line, object);
        free(object);
    }
    if (check->out->n_cert_rules > 0 && check->ca.state == TLS_FILE_UNSET)
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_RULE_NO_CA, "ssl_ca_file",
                                 _("%zu rules of pg_hba.conf want certificates, from line %d on, "
                                   "and ssl_ca_file is empty"),
                                 check->out->n_cert_rules, first),
                     ACT_TRUST, "");
}

bool check_rules(struct check *check, struct err *err)
{
    if (!read_hba(check, err) || !read_ident(check, err) || !check_hba_errors(check, err) ||
        !check_ident_errors(check, err) || !roles_list(check->conn, &check->roles, err))
        return false;
    judge_cert_rules(check);
    check_bypass(check);
    return true;
}
