/* hba_rule.c - from fields to a rule and back, with PostgreSQL's own checks by version. */
#include "config.h"

#include "core/pg/hba_line.h"

#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define NAME_MAX_BYTES 63 /* NAMEDATALEN - 1 */

static const struct {
    const char *name;
    enum hba_type type;
} types[] = {
    {"local", HBA_LOCAL},           {"host", HBA_HOST},
    {"hostssl", HBA_HOSTSSL},       {"hostnossl", HBA_HOSTNOSSL},
    {"hostgssenc", HBA_HOSTGSSENC}, {"hostnogssenc", HBA_HOSTNOGSSENC},
};

enum method_bits {
    M_TRUST = 1 << 0,
    M_REJECT = 1 << 1,
    M_PASSWORD = 1 << 2, /* md5, scram-sha-256, password, bsd */
    M_PEER = 1 << 3,
    M_IDENT = 1 << 4,
    M_GSS = 1 << 5,
    M_SSPI = 1 << 6,
    M_PAM = 1 << 7,
    M_LDAP = 1 << 8,
    M_RADIUS = 1 << 9,
    M_CERT = 1 << 10,
    M_OAUTH = 1 << 11,
    M_ANY = (1 << 12) - 1
};

static const struct {
    const char *name;
    unsigned bit;
    int since;
} methods[] = {
    {"trust", M_TRUST, 0},
    {"reject", M_REJECT, 0},
    {"md5", M_PASSWORD, 0},
    {"password", M_PASSWORD, 0},
    {"scram-sha-256", M_PASSWORD, 0},
    {"bsd", M_PASSWORD, 0},
    {"peer", M_PEER, 0},
    {"ident", M_IDENT, 0},
    {"gss", M_GSS, 0},
    {"sspi", M_SSPI, 0},
    {"pam", M_PAM, 0},
    {"ldap", M_LDAP, 0},
    {"radius", M_RADIUS, 0},
    {"cert", M_CERT, 0},
    {"oauth", M_OAUTH, 180000},
};

static const struct {
    const char *name;
    unsigned methods;
    bool tls_only;
    int since;
} options[] = {
    {"map", M_IDENT | M_PEER | M_GSS | M_SSPI | M_CERT | M_OAUTH, false, 0},
    {"clientcert", M_ANY, true, 0},
    {"clientname", M_ANY, true, 140000},
    {"pamservice", M_PAM, false, 0},
    {"pam_use_hostname", M_PAM, false, 0},
    {"ldapurl", M_LDAP, false, 0},
    {"ldaptls", M_LDAP, false, 0},
    {"ldapscheme", M_LDAP, false, 0},
    {"ldapserver", M_LDAP, false, 0},
    {"ldapport", M_LDAP, false, 0},
    {"ldapbinddn", M_LDAP, false, 0},
    {"ldapbindpasswd", M_LDAP, false, 0},
    {"ldapsearchattribute", M_LDAP, false, 0},
    {"ldapsearchfilter", M_LDAP, false, 0},
    {"ldapbasedn", M_LDAP, false, 0},
    {"ldapprefix", M_LDAP, false, 0},
    {"ldapsuffix", M_LDAP, false, 0},
    {"krb_realm", M_GSS | M_SSPI, false, 0},
    {"include_realm", M_GSS | M_SSPI, false, 0},
    {"compat_realm", M_SSPI, false, 0},
    {"upn_username", M_SSPI, false, 0},
    {"radiusservers", M_RADIUS, false, 0},
    {"radiusports", M_RADIUS, false, 0},
    {"radiussecrets", M_RADIUS, false, 0},
    {"radiusidentifiers", M_RADIUS, false, 0},
    {"issuer", M_OAUTH, false, 180000},
    {"scope", M_OAUTH, false, 180000},
    {"validator", M_OAUTH, false, 180000},
    {"delegate_ident_mapping", M_OAUTH, false, 180000},
};

static bool bad(struct hba_line *line, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool bad(struct hba_line *line, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    text_clean_copy(line->reason, sizeof(line->reason), text);
    line->kind = HBA_BAD;
    return false;
}

void hba_rule_clear(struct hba_rule *rule)
{
    for (size_t i = 0; i < rule->n_databases; i++)
        free(rule->databases[i]);
    for (size_t i = 0; i < rule->n_roles; i++)
        free(rule->roles[i]);
    for (size_t i = 0; i < rule->n_options; i++)
        free(rule->options[i]);
    free(rule->databases);
    free(rule->databases_quoted);
    free(rule->roles);
    free(rule->roles_quoted);
    free(rule->options);
    free(rule->address);
    free(rule->mask);
    free(rule->method);
    *rule = (struct hba_rule){.n_roles = 0};
}

/* ---- fields -> rule ---- */

static void take_names(const struct hba_field *field, char ***names, bool **quoted, size_t *n)
{
    *names = mem_array(field->n, sizeof(char *));
    *quoted = mem_array(field->n, sizeof(bool));
    for (size_t i = 0; i < field->n; i++) {
        (*names)[i] = mem_strdup(field->tokens[i].text);
        (*quoted)[i] = field->tokens[i].quoted;
    }
    *n = field->n;
}

static bool is_word(const struct hba_token *token, const char *word)
{
    return !token->quoted && strcmp(token->text, word) == 0;
}

static bool take_address(struct hba_line *line, const struct hba_fields *fields, size_t *at)
{
    const struct hba_token *token = &fields->fields[*at].tokens[0];
    struct hba_range range;
    char *host = NULL;
    char *slash;
    bool numeric;
    bool good = false;

    line->rule.address = mem_strdup(token->text);
    if (is_word(token, "all") || is_word(token, "samehost") || is_word(token, "samenet"))
        return true;
    host = mem_strdup(token->text);
    slash = strchr(host, '/');
    if (slash)
        *slash = '\0';
    numeric = hba_range_address(host, &range);
    if (slash && !numeric) {
        bad(line, _("a host name and a CIDR mask: \"%s\""), token->text);
        goto out;
    }
    if (slash && !hba_range_bits(&range, slash + 1)) {
        bad(line, _("invalid CIDR mask in address \"%s\""), token->text);
        goto out;
    }
    if (numeric && !slash) { /* the mask stands in the next field */
        struct hba_range mask;

        *at += 1;
        if (*at >= fields->n) {
            bad(line, _("the line ends before the mask of \"%s\""), token->text);
            goto out;
        }
        if (fields->fields[*at].n > 1) {
            bad(line, _("several values for the mask"));
            goto out;
        }
        line->rule.mask = mem_strdup(fields->fields[*at].tokens[0].text);
        if (!hba_range_address(line->rule.mask, &mask)) {
            bad(line, _("invalid mask \"%s\""), line->rule.mask);
            goto out;
        }
        if (mask.family != range.family) {
            bad(line, _("address and mask do not match"));
            goto out;
        }
    }
    good = true;
out:
    free(host);
    return good;
}

static bool check_method(struct hba_line *line, int server_version, unsigned *ret_bit)
{
    const char *name = line->rule.method;
    enum hba_type type = line->rule.type;
    unsigned bit = 0;

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strcmp(methods[i].name, name) == 0 && server_version >= methods[i].since)
            bit = methods[i].bit;
    }
    if (!bit)
        return bad(line, _("invalid authentication method \"%s\""), name);
    if (type == HBA_LOCAL && bit == M_IDENT)
        bit = M_PEER; /* the old spelling */
    if (type == HBA_LOCAL && bit == M_GSS)
        return bad(line, _("gss is not supported on local sockets"));
    if (type != HBA_LOCAL && bit == M_PEER)
        return bad(line, _("peer is only supported on local sockets"));
    if (type != HBA_HOSTSSL && bit == M_CERT)
        return bad(line, _("cert is only supported on hostssl connections"));
    *ret_bit = bit;
    return true;
}

static bool check_client_cert(struct hba_line *line, const char *value, unsigned method,
                              int server_version)
{
    bool full = strcmp(value, "verify-full") == 0;
    bool known = full || strcmp(value, "verify-ca") == 0;

    if (server_version < 140000) /* these went away in 14 */
        known = known || strcmp(value, "1") == 0 || strcmp(value, "0") == 0 ||
                strcmp(value, "no-verify") == 0;
    if (!known)
        return bad(line, _("invalid value for clientcert: \"%s\""), value);
    if (method == M_CERT && !full && server_version >= 140000)
        return bad(line, _("clientcert can only be verify-full with the method cert"));
    return true;
}

static bool check_option(struct hba_line *line, const char *text, unsigned method,
                         int server_version)
{
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;

    if (!equals)
        return bad(line, _("option \"%s\" is not of the form name=value"), text);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strlen(options[i].name) != len || memcmp(options[i].name, text, len) != 0 ||
            server_version < options[i].since)
            continue;
        if (options[i].tls_only && line->rule.type != HBA_HOSTSSL)
            return bad(line, _("%s is only for hostssl rules"), options[i].name);
        if (!(options[i].methods & method))
            return bad(line, _("option %s does not go with the method %s"), options[i].name,
                       line->rule.method);
        if (strcmp(options[i].name, "clientcert") == 0)
            return check_client_cert(line, equals + 1, method, server_version);
        if (strcmp(options[i].name, "clientname") == 0 && strcmp(equals + 1, "CN") != 0 &&
            strcmp(equals + 1, "DN") != 0)
            return bad(line, _("invalid value for clientname: \"%s\""), equals + 1);
        return true;
    }
    return bad(line, _("unknown option \"%s\""), text);
}

static bool take_options(struct hba_line *line, const struct hba_fields *fields, size_t at,
                         unsigned method, int server_version)
{
    for (; at < fields->n; at++) {
        for (size_t i = 0; i < fields->fields[at].n; i++) {
            struct hba_rule *rule = &line->rule;
            const char *text = fields->fields[at].tokens[i].text;

            if (!check_option(line, text, method, server_version))
                return false;
            rule->options =
                mem_realloc_array(rule->options, rule->n_options + 1, sizeof(rule->options[0]));
            rule->options[rule->n_options++] = mem_strdup(text);
        }
    }
    return true;
}

/* False: the line is bad and says so. */
static bool take_rule(struct hba_line *line, const struct hba_fields *fields, int server_version)
{
    struct hba_rule *rule = &line->rule;
    unsigned method = 0;
    size_t at = 1;

    if (at >= fields->n)
        return bad(line, _("the line ends before the database"));
    take_names(&fields->fields[at++], &rule->databases, &rule->databases_quoted,
               &rule->n_databases);
    if (at >= fields->n)
        return bad(line, _("the line ends before the role"));
    take_names(&fields->fields[at++], &rule->roles, &rule->roles_quoted, &rule->n_roles);
    if (rule->type != HBA_LOCAL) {
        if (at >= fields->n)
            return bad(line, _("the line ends before the address"));
        if (fields->fields[at].n > 1)
            return bad(line, _("several values for the address"));
        if (!take_address(line, fields, &at))
            return false;
        at++;
    }
    if (at >= fields->n)
        return bad(line, _("the line ends before the method"));
    if (fields->fields[at].n > 1)
        return bad(line, _("several values for the method"));
    rule->method = mem_strdup(fields->fields[at++].tokens[0].text);
    return check_method(line, server_version, &method) &&
           take_options(line, fields, at, method, server_version);
}

static bool is_include(const struct hba_fields *fields)
{
    const char *word = fields->fields[0].tokens[0].text;

    return fields->n == 2 && fields->fields[0].n == 1 && fields->fields[1].n == 1 &&
           (strcmp(word, "include") == 0 || strcmp(word, "include_if_exists") == 0 ||
            strcmp(word, "include_dir") == 0);
}

void hba_line_from_fields(struct hba_line *line, const struct hba_fields *fields,
                          int server_version)
{
    const struct hba_token *first;
    bool good = false;

    line->kind = HBA_BLANK;
    if (fields->n == 0)
        return;
    if (fields->token_too_long && server_version < HBA_VERSION_INCLUDE) {
        bad(line, _("a word is longer than %d bytes"), HBA_TOKEN_MAX);
        return;
    }
    if (server_version >= HBA_VERSION_INCLUDE && is_include(fields)) {
        line->kind = HBA_INCLUDE;
        return;
    }
    first = &fields->fields[0].tokens[0];
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].name, first->text) == 0) {
            line->rule.type = types[i].type;
            good = true;
        }
    }
    if (!good)
        bad(line, _("invalid connection type \"%s\""), first->text);
    else if (fields->fields[0].n > 1)
        good = bad(line, _("several values for the connection type"));
    else
        good = take_rule(line, fields, server_version);
    if (good)
        line->kind = HBA_RULE;
    else
        hba_rule_clear(&line->rule);
}

/* ---- rule -> text ---- */

static bool is_plain(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

    return name[strspn(name, plain)] == '\0';
}

static bool is_keyword(const char *name)
{
    static const char *const words[] = {"all", "sameuser", "samerole", "samegroup", "replication"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i], name) == 0)
            return true;
    }
    return false;
}

static bool add_name(struct strbuf *out, const char *name, bool quoted, struct err *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_BYTES)
        return err_set(err, ERR_BAD_NAME, _("name \"%s\" is empty or longer than %d bytes"), name,
                       NAME_MAX_BYTES);
    /* since 16 a leading slash begins a regular expression, in quotes too */
    if (name[0] == '/')
        return err_set(err, ERR_BAD_NAME,
                       _("name \"%s\" begins with a slash: pg_hba.conf takes it for a pattern"),
                       name);
    if (name[strcspn(name, "\r\n")] != '\0')
        return err_set(err, ERR_BAD_NAME, _("name \"%s\" has a line break"), name);
    if (!quoted && (name[0] == '+' || name[0] == '@')) /* a quote after it leaves its meaning */
        strbuf_add_char(out, *name++);
    if (is_plain(name) && (!quoted || !is_keyword(name))) {
        strbuf_add_str(out, name);
        return true;
    }
    if (!text_quote_hba(out, name))
        return err_set(err, ERR_BAD_NAME, _("pg_hba.conf cannot hold the name \"%s\""), name);
    return true;
}

bool hba_add_literal(struct strbuf *out, const char *name, struct err *err)
{
    return add_name(out, name, true, err);
}

static bool add_names(struct strbuf *out, char *const *names, const bool *quoted, size_t n,
                      struct err *err)
{
    if (n == 0)
        return err_set(err, ERR_BAD_NAME, _("a rule needs a database and a role"));
    for (size_t i = 0; i < n; i++) {
        strbuf_add_char(out, i == 0 ? ' ' : ',');
        if (!add_name(out, names[i], quoted && quoted[i], err))
            return false;
    }
    return true;
}

static bool add_word(struct strbuf *out, const char *word, struct err *err)
{
    strbuf_add_char(out, ' ');
    if (*word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_-.:/=%")] == '\0') {
        strbuf_add_str(out, word);
        return true;
    }
    if (!text_quote_hba(out, word))
        return err_set(err, ERR_BAD_NAME, _("pg_hba.conf cannot hold \"%s\""), word);
    return true;
}

bool hba_format_rule(const struct hba_rule *rule, struct strbuf *out, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    bool good = false;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].type == rule->type)
            strbuf_add_str(&text, types[i].name);
    }
    if (!add_names(&text, rule->databases, rule->databases_quoted, rule->n_databases, err) ||
        !add_names(&text, rule->roles, rule->roles_quoted, rule->n_roles, err))
        goto out;
    if (rule->type != HBA_LOCAL && (!add_word(&text, rule->address ? rule->address : "all", err) ||
                                    (rule->mask && !add_word(&text, rule->mask, err))))
        goto out;
    if (!add_word(&text, rule->method, err))
        goto out;
    for (size_t i = 0; i < rule->n_options; i++) {
        if (!add_word(&text, rule->options[i], err))
            goto out;
    }
    strbuf_printf(out, "%s %s", text.data, HBA_MARK);
    good = true;
out:
    strbuf_clear(&text);
    return good;
}

/* ---- equal ---- */

static bool names_equal(char *const *a, const bool *a_quoted, size_t n_a, char *const *b,
                        const bool *b_quoted, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++) {
        bool special = is_keyword(a[i]) || a[i][0] == '+' || (a[i][0] == '@' && a[i][1]);

        if (strcmp(a[i], b[i]) != 0)
            return false;
        if (special && (a_quoted && a_quoted[i]) != (b_quoted && b_quoted[i]))
            return false;
    }
    return true;
}

bool hba_rule_equal(const struct hba_rule *a, const struct hba_rule *b)
{
    if (a->type != b->type || !text_equal(a->method, b->method) ||
        !text_equal(a->address, b->address) || !text_equal(a->mask, b->mask) ||
        a->n_options != b->n_options)
        return false;
    for (size_t i = 0; i < a->n_options; i++) {
        if (strcmp(a->options[i], b->options[i]) != 0)
            return false;
    }
    return names_equal(a->databases, a->databases_quoted, a->n_databases, b->databases,
                       b->databases_quoted, b->n_databases) &&
           names_equal(a->roles, a->roles_quoted, a->n_roles, b->roles, b->roles_quoted,
                       b->n_roles);
}
