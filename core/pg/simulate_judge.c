/* simulate_judge.c - the verdict of one line. */
#include "config.h"

#include "core/pg/simulate_judge.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"

#define DN_MAX 63 /* NAMEDATALEN - 1: pg_stat_ssl cuts there */

void judge_take_dn(struct judge_client *client, const char *dn)
{
    const char *at = strncmp(dn, "CN=", 3) == 0 ? dn : strstr(dn, "/CN=");
    bool whole = strlen(dn) < DN_MAX;
    size_t n = 0;

    client->cert = whole ? JUDGE_CERT_NAMED : JUDGE_CERT_UNKNOWN;
    client->cn[0] = '\0';
    if (!at)
        return;
    for (at += at[0] == '/' ? 4 : 3; *at && *at != '/'; at++) {
        if (*at == '\\' && at[1])
            at++;
        if (n + 1 < sizeof(client->cn))
            client->cn[n++] = *at;
    }
    client->cn[n] = '\0';
    if (*at == '/')
        client->cert = JUDGE_CERT_NAMED; /* the CN stands whole before the cut */
}

static bool needs_name(const struct hba_rule *rule)
{
    const char *wanted = hba_rule_option(rule, "clientcert");

    return strcmp(rule->method, "cert") == 0 || (wanted && strcmp(wanted, "verify-full") == 0);
}

static enum simulate_outcome judge_name(const struct ident *ident,
                                        const struct judge_client *client,
                                        const struct hba_rule *rule, struct strbuf *why)
{
    const char *map = hba_rule_option(rule, "map");
    const char *role = client->client.role;
    const char *clientname = hba_rule_option(rule, "clientname");
    enum hba_fit fit;

    if (client->cert == JUDGE_CERT_UNKNOWN || (clientname && strcmp(clientname, "DN") == 0)) {
        strbuf_add_str(why, _("the name in its certificate is not known whole"));
        return SIMULATE_UNSURE;
    }
    if (!map) {
        if (text_equal(client->cn, role))
            return SIMULATE_ALLOWED;
        strbuf_printf(why, _("its certificate is for \"%s\", and it comes as \"%s\""), client->cn,
                      role);
        return SIMULATE_REFUSED;
    }
    fit = ident ? ident_fits(ident, map, client->cn, role, client->client.member_of,
                             client->client.n_member_of)
                : HBA_FIT_MAYBE;
    if (fit == HBA_FIT_NO)
        strbuf_printf(why, _("the map \"%s\" does not let a certificate for \"%s\" in as \"%s\""),
                      map, client->cn, role);
    else if (fit == HBA_FIT_MAYBE)
        strbuf_printf(why, _("whether the map \"%s\" lets \"%s\" in as \"%s\" cannot be told here"),
                      map, client->cn, role);
    return fit == HBA_FIT_YES  ? SIMULATE_ALLOWED
           : fit == HBA_FIT_NO ? SIMULATE_REFUSED
                               : SIMULATE_UNSURE;
}

/* How many certificates may come as this role through the map; UNKNOWN where it cannot be told. */
static int count_mapped(const struct ident *ident, const char *map, const struct hba_client *client)
{
    int n = 0;

    if (!ident || ident->includes)
        return SIMULATE_CERTS_UNKNOWN;
    for (size_t i = 0; i < ident->n; i++) {
        const struct ident_line *line = &ident->lines[i];
        enum hba_fit fit =
            ident_line_for(ident, line, client->role, client->member_of, client->n_member_of);

        if (!text_equal(line->map, map) || fit == HBA_FIT_NO)
            continue;
        if (fit == HBA_FIT_MAYBE || line->system_name[0] == '/' ||
            line->certs == IDENT_CERTS_UNKNOWN)
            return SIMULATE_CERTS_UNKNOWN;
        n += line->certs;
    }
    return n;
}

/* A role without a session: whether it has a certificate is all that can be known. */
static enum simulate_outcome judge_role(const struct ident *ident,
                                        const struct judge_client *client,
                                        const struct hba_rule *rule, struct strbuf *why)
{
    const char *map = hba_rule_option(rule, "map");
    int certs = map ? count_mapped(ident, map, &client->client) : client->certs;

    if (certs > 0)
        return SIMULATE_ALLOWED;
    if (map && ident && !ident->includes &&
        ident_lets_in(ident, map, client->client.role, client->client.member_of,
                      client->client.n_member_of) == HBA_FIT_NO) {
        strbuf_printf(why, _("the map \"%s\" lets no certificate in as \"%s\""), map,
                      client->client.role);
        return SIMULATE_REFUSED;
    }
    if (certs == 0) {
        strbuf_add_str(why, _("it has no valid certificate in this store"));
        return SIMULATE_REFUSED;
    }
    strbuf_add_str(why, _("whether it has a certificate is not known here"));
    return SIMULATE_UNSURE;
}

static enum simulate_outcome judge_cert(const struct ident *ident,
                                        const struct judge_client *client,
                                        const struct hba_rule *rule, struct strbuf *why)
{
    if (!client->is_session)
        return judge_role(ident, client, rule, why);
    if (client->cert == JUDGE_CERT_NONE) {
        strbuf_add_str(why, _("it sends no certificate"));
        return SIMULATE_REFUSED;
    }
    return needs_name(rule) ? judge_name(ident, client, rule, why) : SIMULATE_ALLOWED;
}

static bool asks_password(const char *method)
{
    return strcmp(method, "scram-sha-256") == 0 || strcmp(method, "md5") == 0 ||
           strcmp(method, "password") == 0;
}

static bool same_way(const struct hba_rule *a, const struct hba_rule *b)
{
    if (strcmp(a->method, b->method) != 0 || a->n_options != b->n_options)
        return false;
    for (size_t i = 0; i < a->n_options; i++) {
        if (strcmp(a->options[i], b->options[i]) != 0)
            return false;
    }
    return true;
}

/* What is asked beside or instead of a certificate. */
static enum simulate_outcome judge_method(const struct judge_client *client,
                                          const struct hba_rule *rule,
                                          const struct hba_line *before, struct strbuf *why)
{
    const char *method = rule->method;
    bool known = before && before->kind == HBA_RULE;

    if (strcmp(method, "trust") == 0 || strcmp(method, "cert") == 0)
        return SIMULATE_ALLOWED;
    if (known && same_way(rule, &before->rule))
        return SIMULATE_ALLOWED;
    if (asks_password(method)) {
        /* a session that came by password has one; of others it is not known */
        if (!client->is_session || (known && asks_password(before->rule.method)))
            return SIMULATE_ALLOWED;
        strbuf_add_str(why, _("it would be asked for a password"));
        return SIMULATE_UNSURE;
    }
    strbuf_printf(why, _("the answer of \"%s\" cannot be told here"), method);
    return SIMULATE_UNSURE;
}

enum simulate_outcome judge(const struct ident *ident, const struct judge_client *client,
                            const struct hba_line *line, bool sure, const struct hba_line *before,
                            struct strbuf *why)
{
    enum simulate_outcome outcome;

    if (!sure) {
        strbuf_printf(why,
                      line && line->kind == HBA_INCLUDE
                          ? _("line %d includes rules from elsewhere")
                          : _("whether line %d fits cannot be told here"),
                      line ? line->number : 0);
        return SIMULATE_UNSURE;
    }
    if (!line) {
        strbuf_add_str(why, client->client.address && !client->client.tls
                                ? _("no line fits it: it comes without TLS")
                                : _("no line fits it"));
        return SIMULATE_REFUSED;
    }
    if (strcmp(line->rule.method, "reject") == 0) {
        strbuf_printf(why,
                      line->rule.type == HBA_HOSTNOSSL ? _("line %d refuses what comes without TLS")
                                                       : _("line %d refuses it"),
                      line->number);
        return SIMULATE_REFUSED;
    }
    if (hba_rule_needs_cert(&line->rule)) {
        outcome = judge_cert(ident, client, &line->rule, why);
        if (outcome != SIMULATE_ALLOWED) {
            strbuf_printf(why, _(" (line %d)"), line->number);
            return outcome;
        }
    }
    return judge_method(client, &line->rule, before, why);
}
