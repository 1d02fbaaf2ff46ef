/* access_rules.c - roles need their certificate: rules above the first line that would let them by. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/ident.h"
#include "core/pg/roles.h"
#include "core/plan/step.h"

/* ---- the rules ---- */

struct rules {
    const struct plan *plan;
    const struct access_rules_intent *intent;
    struct hba hba;
    struct strbuf lines; /* what is put in */
    size_t at;           /* before this line */
};

static bool check_intent(const struct plan *plan, const struct access_rules_intent *intent,
                         struct err *err)
{
    const char *server = plan->target.server->name;

    if (intent->n_roles == 0)
        return err_set(err, ERR_BAD_VALUE, _("no role was named"));
    for (size_t i = 0; i < intent->n_roles; i++) {
        const char *role = intent->roles[i];

        if (strcmp(role, "all") != 0 && (*role == '\0' || strchr("+@", *role) == NULL))
            continue;
        err_set(err, ERR_BAD_NAME, _("\"%s\" is no role: name the roles one by one"), role);
        err_cause(err,
                  _("A rule is written for one role. As a name, this would fit nobody, and look "
                    "as if it fitted many."));
        return err_hint(err, _("Name each role by itself (--role, again for each)."));
    }
    if (intent->map && intent->method != ACCESS_CERT) {
        err_set(err, ERR_BAD_VALUE, _("a map goes with the method \"cert\" only"));
        return err_cause(err, _("PostgreSQL takes \"map\" for methods where something else than "
                                "the role names the user; with a password it is the role."));
    }
    if (intent->n_map_lines > 0 && !intent->map)
        return err_set(err, ERR_BAD_VALUE, _("lines for a map, and no map was named"));
    if (intent->map && !ident_check_map(intent->map, err))
        return false;
    if (plan->before.verdict == HANDSHAKE_NO_TLS)
        return err_set(err, ERR_SSL_OFF, _("server \"%s\" speaks no TLS"), server);
    if (!plan->before.asks_certificate) {
        err_set(err, ERR_POLICY, _("server \"%s\" trusts no CA: nobody could get in"), server);
        return err_hint(err, _("\"pgseal server trust\" gives it one."));
    }
    return true;
}

/* The address of a rule: "all", a CIDR; a single address gets its mask. */
static bool check_address(const char *address, char **ret, struct err *err)
{
    struct hba hba;
    char *line = mem_printf("host all all %s reject", address);
    char *bare = mem_printf("host all all %s/%d reject", address, strchr(address, ':') ? 128 : 32);
    bool good = false;

    if (address[strcspn(address, " \t\r\n\",#")] != '\0')
        goto out;
    hba_parse(line, strlen(line), 150000, &hba);
    good = hba.n == 1 && hba.lines[0].kind == HBA_RULE;
    if (good)
        *ret = mem_strdup(address);
    hba_clear(&hba);
    if (!good) {
        hba_parse(bare, strlen(bare), 150000, &hba);
        good = hba.n == 1 && hba.lines[0].kind == HBA_RULE;
        if (good)
            *ret = mem_strdup(hba.lines[0].rule.address);
        hba_clear(&hba);
    }
out:
    free(line);
    free(bare);
    return good || err_set(err, ERR_BAD_VALUE, _("\"%s\" is not an address range"), address);
}

/* The two rules of one role: what is not TLS is refused, what is needs the certificate. */
static bool format_rule(const struct rules *rules, const char *role, const char *address, bool tls,
                        struct strbuf *out, struct err *err)
{
    const struct access_rules_intent *intent = rules->intent;
    char *database = mem_strdup(intent->database);
    char *role_name = mem_strdup(role);
    char *range = mem_strdup(address);
    char *options[2] = {NULL, NULL};
    size_t n_options = 0;
    bool named = true; /* a role, never a keyword */
    struct hba_rule rule = {.type = tls ? HBA_HOSTSSL : HBA_HOSTNOSSL,
                            .databases = &database,
                            .n_databases = 1,
                            .roles = &role_name,
                            .roles_quoted = &named,
                            .n_roles = 1,
                            .address = range};
    char cert[] = "cert", reject[] = "reject", scram[] = "scram-sha-256";
    bool good;

    if (!tls) {
        rule.method = reject;
    } else if (intent->method == ACCESS_CERT) {
        rule.method = cert;
        if (intent->map)
            options[n_options++] = mem_printf("map=%s", intent->map);
    } else {
        rule.method = scram;
        options[n_options++] = mem_printf(
            "clientcert=%s", intent->method == ACCESS_VERIFY_FULL ? "verify-full" : "verify-ca");
    }
    rule.options = options;
    rule.n_options = n_options;
    good = hba_format_rule(&rule, out, err);
    strbuf_add_char(out, '\n');
    free(database);
    free(role_name);
    free(range);
    free(options[0]);
    return good;
}

static bool is_there(const struct hba *hba, size_t before, const char *text)
{
    struct hba one;
    bool found = false;

    hba_parse(text, strlen(text), hba->server_version, &one);
    for (size_t i = 0; i < before && i < hba->n && !found; i++)
        found = hba->lines[i].kind == HBA_RULE && one.n == 1 &&
                hba_rule_equal(&hba->lines[i].rule, &one.lines[0].rule);
    hba_clear(&one);
    return found;
}

/*
 * The first line that could let the role in over TCP another way. Lines that refuse stay above: what
 * was forbidden stays forbidden. Lines that are the wanted ones are passed by.
 */
static bool first_bypass(const struct rules *rules, const char *role, const char *address,
                         const char *const wanted[2], size_t *ret, struct err *err)
{
    const char *database = rules->intent->database;
    char **member_of = NULL;
    size_t n_member_of = 0;
    size_t at = 0;

    if (!roles_member_of(rules->plan->target.admin, role, &member_of, &n_member_of, err))
        return false;
    for (; at < rules->hba.n; at++) {
        const struct hba_line *line = &rules->hba.lines[at];
        struct hba_client client = {.database = strcmp(database, "all") == 0 ? NULL : database,
                                    .role = role,
                                    .member_of = (const char *const *)member_of,
                                    .n_member_of = n_member_of,
                                    .address = address,
                                    .replication = strcmp(database, "replication") == 0};
        enum hba_fit fit = hba_fits(line, &client);

        client.tls = true;
        if (hba_fits(line, &client) > fit)
            fit = hba_fits(line, &client);
        if (fit == HBA_FIT_NO)
            continue;
        if (line->kind == HBA_RULE && strcmp(line->rule.method, "reject") == 0)
            continue;
        if (line->kind == HBA_RULE) {
            struct hba one = {.lines = rules->hba.lines + at,
                              .n = 1,
                              .server_version = rules->hba.server_version};

            if (is_there(&one, 1, wanted[0]) || is_there(&one, 1, wanted[1]))
                continue;
        }
        break;
    }
    for (size_t i = 0; i < n_member_of; i++)
        free(member_of[i]);
    free(member_of);
    *ret = at;
    return true;
}

static bool add_role(struct rules *rules, const char *role, const char *address, struct err *err)
{
    struct strbuf nossl = STRBUF_INIT;
    struct strbuf ssl = STRBUF_INIT;
    size_t at;
    bool good = false;

    if (!format_rule(rules, role, address, false, &nossl, err) ||
        !format_rule(rules, role, address, true, &ssl, err))
        goto out;
    if (!first_bypass(rules, role, address, (const char *const[]){nossl.data, ssl.data}, &at, err))
        goto out;
    if (!is_there(&rules->hba, at, nossl.data) || !is_there(&rules->hba, at, ssl.data)) {
        if (!is_there(&rules->hba, at, nossl.data))
            strbuf_add_str(&rules->lines, nossl.data);
        if (!is_there(&rules->hba, at, ssl.data))
            strbuf_add_str(&rules->lines, ssl.data);
        if (at < rules->at)
            rules->at = at;
    }
    good = true;
out:
    strbuf_clear(&nossl);
    strbuf_clear(&ssl);
    return good;
}

/* ---- the plan ---- */

static void copy_probes(struct plan *plan, const struct access_rules_intent *intent)
{
    plan->probes = mem_array(intent->n_probes, sizeof(plan->probes[0]));
    plan->n_probes = intent->n_probes;
    for (size_t i = 0; i < intent->n_probes; i++) {
        const struct access_rules_probe *from = &intent->probes[i];

        plan->probes[i] = (struct access_rules_probe){
            .role = mem_strdup(from->role),
            .database = mem_strdup(from->database),
            .cert_file = mem_strdup(from->cert_file),
            .key_file = mem_strdup(from->key_file),
            .root_file = mem_strdup(from->root_file),
            .password = secret_dup(from->password),
        };
    }
}

static void add_proof(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_probes; i++) {
        for (int with = 1; with >= 0; with--) {
            struct step *step =
                plan_add(plan, "prove_login", PLAN_LOOK,
                         json_pack("{s:s,s:b}", "role", plan->probes[i].role, "with", with));

            step->probe = &plan->probes[i];
            step_set_title(step,
                           with ? _("login as \"%s\" with its certificate: must get in")
                                : _("login as \"%s\" without a certificate: must be refused"),
                           plan->probes[i].role);
        }
    }
    plan_add_look(plan, "prove_admin", _("a new admin login"));
}

static bool add_steps(struct rules *rules, struct plan *plan, const struct strbuf *old,
                      struct err *err)
{
    const char *path = plan->settings.hba_file;
    int line = rules->at < rules->hba.n ? rules->hba.lines[rules->at].number : 0;
    char *title =
        mem_printf(line ? _("%s: rules above line %d") : _("%s: rules at its end"), path, line);
    struct strbuf wanted = STRBUF_INIT;
    bool good = hba_insert(&rules->hba, rules->at, rules->lines.data, err);

    if (good) {
        hba_print(&rules->hba, &wanted);
        good = plan_add_rules_file(plan, old, &wanted, &rules->lines, title, err);
    }
    if (good) {
        copy_probes(plan, rules->intent);
        add_proof(plan);
    }
    strbuf_clear(&wanted);
    free(title);
    return good;
}

static void add_nothing(struct plan *plan)
{
    bool maps_change = !plan_nothing_to_do(plan);
    struct step *step = plan_add(plan, "hba", PLAN_SAME, json_object());

    step_set_title(step, _("%s: the rules are there already"), plan->settings.hba_file);
    if (!maps_change)
        return;
    plan_add_reload(plan);
    add_proof(plan);
}

/* The lines of pg_ident.conf come first: a rule without its map lets nobody in. */
static bool add_maps(struct plan *plan, const struct access_rules_intent *intent,
                     const struct hba *rules, struct err *err)
{
    struct strbuf old = STRBUF_INIT;
    struct strbuf wanted = STRBUF_INIT;
    struct strbuf lines = STRBUF_INIT;
    char *title;
    bool good;

    if (!intent->map)
        return true;
    title = mem_printf(_("%s: lines for the map \"%s\""), plan->settings.ident_file, intent->map);
    good = plan_read_maps(plan, &old, err) &&
           plan_map_lines(plan, intent, &old, &wanted, &lines, err) &&
           plan_check_map(plan, intent, &wanted, err);
    if (good && lines.len > 0)
        good = plan_check_map_use(intent, rules, err) &&
               plan_add_maps_file(plan, &old, &wanted, &lines, title, false, err);
    strbuf_clear(&old);
    strbuf_clear(&wanted);
    strbuf_clear(&lines);
    free(title);
    return good;
}

static bool build(struct plan *plan, const struct access_rules_intent *intent, struct err *err)
{
    struct rules rules = {.plan = plan, .intent = intent};
    struct strbuf old = STRBUF_INIT;
    char *address = NULL;
    bool good = false;

    strbuf_init(&rules.lines);
    if (!check_intent(plan, intent, err) || !check_address(intent->address, &address, err) ||
        !plan_read_rules(plan, &old, err))
        goto out;
    hba_parse(old.data, old.len, conn_server_version(plan->target.admin), &rules.hba);
    rules.at = rules.hba.n;
    good = plan_check_rules(plan, err) && add_maps(plan, intent, &rules.hba, err);
    for (size_t i = 0; good && i < intent->n_roles; i++)
        good = add_role(&rules, intent->roles[i], address, err);
    if (good && rules.lines.len > 0) {
        good = add_steps(&rules, plan, &old, err);
    } else if (good) {
        copy_probes(plan, intent);
        add_nothing(plan);
    }
    hba_clear(&rules.hba);
out:
    strbuf_clear(&rules.lines);
    strbuf_clear(&old);
    free(address);
    return good;
}

struct plan *plan_access_rules(const struct plan_target *target,
                               const struct access_rules_intent *intent, struct err *err)
{
    char *title = mem_printf(_("require certificates on server \"%s\""), target->server->name);
    struct plan *plan = plan_new(target, "access_rules", title, err);

    free(title);
    if (plan && build(plan, intent, err)) {
        plan_set_want(plan, want_access_rules(intent));
        return plan;
    }
    plan_free(plan);
    return NULL;
}
