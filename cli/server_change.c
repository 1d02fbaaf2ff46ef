/* server_change.c - "server trust", "crl", "require" and their opposites: each builds a plan. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/change.h"
#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/roles.h"
#include "core/pki/pem.h"
#include "core/plan/fleet.h"

/* ---- trust ---- */

struct trust {
    struct authority_list authorities;
    struct cert_list foreign;
    struct crl **crls;
    size_t n_crls;
};

static void trust_clear(struct trust *trust)
{
    authority_list_clear(&trust->authorities);
    cert_list_clear(&trust->foreign);
    for (size_t i = 0; i < trust->n_crls; i++)
        crl_free(trust->crls[i]);
    free(trust->crls);
}

/* Blocks of one kind, borrowed from pem; blocks to free(). */
static struct pem only(const struct pem *pem, enum pem_kind kind)
{
    struct pem part = *pem;

    part.blocks = mem_array(pem->n + 1, sizeof(*part.blocks));
    part.n = 0;
    for (size_t i = 0; i < pem->n; i++) {
        if (pem->blocks[i].kind == kind)
            part.blocks[part.n++] = pem->blocks[i];
    }
    return part;
}

static void add_crls(struct trust *trust, struct crl **crls, size_t n)
{
    trust->crls = mem_realloc_array(trust->crls, trust->n_crls + n + 1, sizeof(*trust->crls));
    for (size_t i = 0; i < n; i++)
        trust->crls[trust->n_crls++] = crls[i];
    free(crls);
}

static bool take_crls(const struct pem *pem, struct trust *trust, struct err *err)
{
    struct crl **crls = NULL;
    size_t n = 0;

    if (!pem_take_crls(pem, &crls, &n, err))
        return false;
    add_crls(trust, crls, n);
    return true;
}

static bool take_cas(const struct pem *pem, struct trust *trust, struct err *err)
{
    struct cert_list cas;

    cert_list_init(&cas);
    if (!pem_take_cas(pem, clock_now(), &cas, err))
        return false;
    for (size_t i = 0; i < cas.n; i++)
        cert_list_take(&trust->foreign, cert_dup(cas.certs[i]));
    cert_list_clear(&cas);
    return true;
}

/* Both kinds are welcome in one paste: each goes through its own class of use. */
static bool take_both(const struct pem *pem, struct trust *trust, struct err *err)
{
    struct pem certs = only(pem, PEM_CERTIFICATE);
    struct pem lists = only(pem, PEM_CRL);
    bool done = (certs.n == 0 || take_cas(&certs, trust, err)) && take_crls(&lists, trust, err);

    free(certs.blocks);
    free(lists.blocks);
    return done;
}

static void say_cas(const struct cli *cli, const struct trust *trust, size_t from)
{
    for (size_t i = from; i < trust->foreign.n; i++) {
        struct strbuf name = STRBUF_INIT;
        char sha256[CERT_SHA256_HEX];

        cert_format_subject(trust->foreign.certs[i], &name);
        output_note(&cli->out,
                    _("[ok] CA \"%s\"\n     SHA-256 %s\n     Compare it with the sender, "
                      "by phone."),
                    name.data, cert_sha256_hex(trust->foreign.certs[i], sha256));
        strbuf_clear(&name);
    }
}

static void say_crls(const struct cli *cli, const struct trust *trust, size_t from)
{
    for (size_t i = from; i < trust->n_crls; i++) {
        const struct crl *crl = trust->crls[i];
        struct strbuf name = STRBUF_INIT;
        char date[CLOCK_TEXT_MAX];

        crl_format_issuer(crl, &name);
        if (crl_next_update(crl))
            output_note(&cli->out, _("[ok] CRL of \"%s\": %zu revoked, valid until %s"), name.data,
                        crl_count(crl), clock_format_minute(date, crl_next_update(crl)));
        else
            output_note(&cli->out, _("[ok] CRL of \"%s\": %zu revoked, no end named"), name.data,
                        crl_count(crl));
        strbuf_clear(&name);
    }
}

/* What was pasted: CA certificates, and beside them CRLs; with --crl these alone. A private key in it
 * is refused, and its bytes are wiped here. */
static bool read_paste(struct cli *cli, const char *path, bool crls_only, struct trust *trust,
                       struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    struct strbuf cleaned = STRBUF_INIT;
    size_t n_cas = trust->foreign.n, n_crls = trust->n_crls;
    struct pem pem;
    bool done;

    if (!cli_read_input(path, PEM_SCAN_MAX, &text, err)) {
        strbuf_wipe(&text);
        return false;
    }
    pem_scan(text.data, text.len, &pem);
    strbuf_wipe(&text);
    if (crls_only)
        done = take_crls(&pem, trust, err);
    else if (!pem.has_private_key && pem_count(&pem, PEM_CRL) > 0 &&
             pem_count(&pem, PEM_CRL) + pem_count(&pem, PEM_CERTIFICATE) == pem.n)
        done = take_both(&pem, trust, err);
    else
        done = take_cas(&pem, trust, err);
    pem_cleaned_text(pem.cleaned, &cleaned);
    if (done && cleaned.len > 0)
        output_note(&cli->out, _("[!!] cleaned: %s"), cleaned.data);
    if (done) {
        say_cas(cli, trust, n_cas);
        say_crls(cli, trust, n_crls);
    }
    strbuf_clear(&cleaned);
    pem_clear(&pem);
    return done;
}

static void take(struct authority_list *list, struct authority *authority)
{
    list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(struct authority *));
    list->rows[list->n++] = authority;
}

/* A pasted CA that is one of ours is taken from the store: then its CRL goes with it. */
static bool take_own(struct cli *cli, struct trust *trust, struct err *err)
{
    struct cert_list foreign;

    cert_list_init(&foreign);
    for (size_t i = 0; i < trust->foreign.n; i++) {
        struct authority *authority = NULL;

        if (!authority_find(cli->store, trust->foreign.certs[i], &authority, err)) {
            cert_list_clear(&foreign);
            return false;
        }
        if (authority)
            take(&trust->authorities, authority);
        else
            cert_list_take(&foreign, cert_dup(trust->foreign.certs[i]));
    }
    cert_list_clear(&trust->foreign);
    trust->foreign = foreign;
    return true;
}

static bool read_trust(struct cli *cli, struct trust *trust, struct err *err)
{
    const struct args_values *names = &cli->args->options[OPT_CA];
    const struct args_values *pastes = &cli->args->options[OPT_PASTE];
    const struct args_values *crls = &cli->args->options[OPT_CRL];
    /* 1: the only CA of the store; a list alone is for a CA that the server trusts already */
    size_t n = names->n > 0 ? names->n : pastes->n + crls->n > 0 ? 0 : 1;

    for (size_t i = 0; i < n; i++) {
        struct authority *authority =
            authority_load(cli->store, names->n > 0 ? names->items[i] : NULL, err);
        if (!authority)
            return false;
        take(&trust->authorities, authority);
    }
    for (size_t i = 0; i < pastes->n; i++) {
        if (!read_paste(cli, pastes->items[i], false, trust, err))
            return false;
    }
    for (size_t i = 0; i < crls->n; i++) {
        if (!read_paste(cli, crls->items[i], true, trust, err))
            return false;
    }
    return take_own(cli, trust, err);
}

static struct plan *make_trust(void *arg, const struct plan_target *target, struct err *err)
{
    return plan_trust_ca(target, arg, err);
}

/* "trust of "A", "B"": what is remembered for a member that was away. Caller frees. */
static char *say_trust(const char *act, const struct trust *trust, const char *const *names,
                       size_t n_names)
{
    struct strbuf text = STRBUF_INIT;
    const char *between = " ";

    strbuf_add_str(&text, act);
    for (size_t i = 0; i < trust->authorities.n; i++, between = ", ")
        strbuf_printf(&text, "%s\"%s\"", between, trust->authorities.rows[i]->name);
    for (size_t i = 0; i < n_names; i++, between = ", ")
        strbuf_printf(&text, "%s\"%s\"", between, names[i]);
    for (size_t i = 0; i < trust->foreign.n; i++, between = ", ") {
        strbuf_printf(&text, "%s\"", between);
        cert_format_subject(trust->foreign.certs[i], &text);
        strbuf_add_char(&text, '"');
    }
    return strbuf_steal(&text);
}

bool run_server_trust(struct cli *cli, struct err *err)
{
    struct trust trust = {0};
    struct trust_ca_intent intent = {.keep_present = !args_has(cli->args, OPT_REPLACE)};
    struct fleet_order order = {.make = make_trust, .arg = &intent};
    char *what = NULL;
    bool done = false;

    cert_list_init(&trust.foreign);
    /* what was pasted is judged before any server is asked */
    if (!cli_store(cli, STORE_WRITE, err) || !read_trust(cli, &trust, err))
        goto out;
    intent.authorities = (const struct authority *const *)trust.authorities.rows;
    intent.n_authorities = trust.authorities.n;
    intent.foreign = trust.foreign.n > 0 ? &trust.foreign : NULL;
    intent.foreign_crls = trust.crls;
    intent.n_foreign_crls = trust.n_crls;
    order.what = what =
        say_trust(intent.keep_present ? _("trust of") : _("trust of only"), &trust, NULL, 0);
    done = change_run(cli, cli->args->names[0], &order, err);
out:
    free(what);
    trust_clear(&trust);
    return done;
}

/* ---- untrust ---- */

/* A name is a CA of ours, or one that only the server knows. */
static bool read_untrust(struct cli *cli, struct trust *trust, const char ***ret_names,
                         size_t *ret_n, struct err *err)
{
    const struct args_values *names = &cli->args->options[OPT_CA];
    struct authority_list all = {0};

    if ((names->n > 0) == args_has(cli->args, OPT_ALL))
        return err_set(err, ERR_USAGE, _("\"server untrust\" wants either --ca or --all"));
    if (!authority_list(cli->store, &all, err))
        return false;
    *ret_names = mem_array(names->n, sizeof(**ret_names));
    for (size_t i = 0; i < names->n; i++) {
        bool ours = false;

        for (size_t j = 0; j < all.n && !ours; j++)
            ours = text_equal(all.rows[j]->name, names->items[i]);
        if (ours) {
            struct authority *authority = authority_load(cli->store, names->items[i], err);

            if (!authority) {
                authority_list_clear(&all);
                return false;
            }
            take(&trust->authorities, authority);
        } else {
            (*ret_names)[(*ret_n)++] = names->items[i];
        }
    }
    authority_list_clear(&all);
    return true;
}

static struct plan *make_untrust(void *arg, const struct plan_target *target, struct err *err)
{
    return plan_untrust_ca(target, arg, err);
}

bool run_server_untrust(struct cli *cli, struct err *err)
{
    struct trust trust = {0};
    struct untrust_ca_intent intent = {.all = args_has(cli->args, OPT_ALL)};
    struct fleet_order order = {.make = make_untrust, .arg = &intent};
    const char **names = NULL;
    char *what = NULL;
    bool done = false;

    cert_list_init(&trust.foreign);
    if (!cli_store(cli, STORE_WRITE, err) ||
        !read_untrust(cli, &trust, &names, &intent.n_names, err))
        goto out;
    intent.authorities = (const struct authority *const *)trust.authorities.rows;
    intent.n_authorities = trust.authorities.n;
    intent.names = names;
    order.what = what = intent.all ? mem_strdup(_("end of trust in every CA"))
                                   : say_trust(_("end of trust in"), &trust, names, intent.n_names);
    done = change_run(cli, cli->args->names[0], &order, err);
out:
    free(what);
    trust_clear(&trust);
    free(names);
    return done;
}

/* ---- crl ---- */

bool run_server_crl(struct cli *cli, struct err *err)
{
    /* a member that refuses is no reason to leave revoked certificates valid on the others */
    const struct fleet_order order = {
        .make = fleet_make_crl, .what = SERVER_MISSED_CRLS, .go_on = true};

    return change_run(cli, cli->args->names[0], &order, err);
}

/* ---- require ---- */

/* --method; NULL is "cert". */
static bool parse_method(const char *text, enum access_method *ret, struct err *err)
{
    if (!text || text_equal(text, "cert"))
        *ret = ACCESS_CERT;
    else if (text_equal(text, "verify-full"))
        *ret = ACCESS_VERIFY_FULL;
    else if (text_equal(text, "verify-ca"))
        *ret = ACCESS_VERIFY_CA;
    else
        return err_set(err, ERR_BAD_VALUE,
                       _("\"--method\" is cert, verify-full or verify-ca, not \"%s\""), text);
    return true;
}

struct require {
    struct cli *cli;
    struct change_rules rules;
};

/* A misspelt role gives rules that fit nobody: said, and not refused, since it may come later. */
static bool look_up_roles(const struct require *require, const struct plan_target *target,
                          struct err *err)
{
    const struct access_rules_intent *intent = &require->rules.intent;
    struct role_info role;

    for (size_t i = 0; i < intent->n_roles; i++) {
        if (!roles_look_up(target->admin, intent->roles[i], &role, err))
            return false;
        if (!role.exists)
            output_warning(&require->cli->out, _("\"%s\" has no role \"%s\""), target->server->name,
                           intent->roles[i]);
        else if (!role.can_login)
            output_warning(&require->cli->out,
                           _("the role \"%s\" may not log in to \"%s\" (NOLOGIN)"),
                           intent->roles[i], target->server->name);
    }
    return true;
}

static bool is_hba_word(const char *database)
{
    static const char *const words[] = {"all", "sameuser", "samerole", "samegroup"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(database, words[i]) == 0)
            return true;
    }
    return database[0] == '@' || database[0] == '/'; /* a file, a pattern */
}

/* The same of a misspelt database. */
static bool look_up_database(const struct require *require, const struct plan_target *target,
                             struct err *err)
{
    const char *database = require->rules.intent.database;
    bool word = strcmp(database, "replication") == 0;
    bool exists = false;

    if (is_hba_word(database))
        return true;
    if (!roles_database_exists(target->admin, database, &exists, err))
        return false;
    if (word && exists)
        output_warning(&require->cli->out,
                       _("\"replication\" means replication connections, not the database of that "
                         "name on \"%s\""),
                       target->server->name);
    else if (!word && !exists)
        output_warning(&require->cli->out, _("\"%s\" has no database \"%s\""), target->server->name,
                       database);
    return true;
}

static struct plan *make_require(void *arg, const struct plan_target *target, struct err *err)
{
    const struct require *require = arg;
    struct plan *plan = plan_access_rules(target, &require->rules.intent, err);

    if (plan && (!look_up_roles(require, target, err) || !look_up_database(require, target, err))) {
        plan_free(plan);
        return NULL;
    }
    return plan;
}

/* "CN=ROLE"; a CN may hold "=", so the last one counts. */
static bool take_map_role(struct change_rules *rules, const char *text, struct err *err)
{
    const char *equal = strrchr(text, '=');
    struct access_map_line *line = &rules->map_lines[rules->intent.n_map_lines];

    if (!equal || equal == text || equal[1] == '\0')
        return err_set(err, ERR_BAD_VALUE, _("\"--map-role\" is CN=ROLE, not \"%s\""), text);
    rules->texts[rules->n_texts++] = mem_printf("%.*s", (int)(equal - text), text);
    line->cn = rules->texts[rules->n_texts - 1];
    line->role = equal + 1;
    rules->intent.n_map_lines++;
    return true;
}

/* A certificate to prove the rules with: it must get in, and nobody may without it. */
static bool read_probe(const struct args *args, struct change_rules *rules, struct err *err)
{
    struct access_rules_intent *intent = &rules->intent;
    const char *cert = args_value(args, OPT_CERT);
    const char *key = args_value(args, OPT_KEY);

    if (!cert && !key)
        return true;
    if (!cert || !key)
        return err_set(err, ERR_USAGE, _("\"--cert\" and \"--key\" go together"));
    if (intent->method != ACCESS_CERT)
        return err_set(
            err, ERR_USAGE,
            _("with \"--method\" other than cert a password is asked for as well: no login "
              "is tried"));
    if (intent->n_roles != 1 || text_equal(intent->database, "all"))
        return err_set(err, ERR_USAGE,
                       _("a login is tried as one role in one database: name them"));
    rules->probe = (struct access_rules_probe){.role = intent->roles[0],
                                               .database = intent->database,
                                               .cert_file = cert,
                                               .key_file = key,
                                               .root_file = args_value(args, OPT_ROOT)};
    intent->probes = &rules->probe;
    intent->n_probes = 1;
    return true;
}

bool change_read_rules(const struct args *args, struct change_rules *ret, struct err *err)
{
    const struct args_values *roles = &args->options[OPT_ROLE];
    const struct args_values *lines = &args->options[OPT_MAP_ROLE];
    struct access_rules_intent *intent = &ret->intent;
    const char *role;

    *ret = (struct change_rules){.intent = {.map = args_value(args, OPT_MAP)}};
    if (!args_need(args, OPT_DATABASE, &intent->database, err) ||
        !args_need(args, OPT_ROLE, &role, err) ||
        !args_need(args, OPT_FROM, &intent->address, err) ||
        !parse_method(args_value(args, OPT_METHOD), &intent->method, err))
        return false;
    intent->roles = roles->items;
    intent->n_roles = roles->n;
    if (!read_probe(args, ret, err))
        return false;
    ret->map_lines = mem_array(lines->n, sizeof(*ret->map_lines));
    ret->texts = mem_array(lines->n, sizeof(*ret->texts));
    intent->map_lines = ret->map_lines;
    for (size_t i = 0; i < lines->n; i++) {
        if (!take_map_role(ret, lines->items[i], err))
            return false;
    }
    return true;
}

void change_clear_rules(struct change_rules *rules)
{
    for (size_t i = 0; i < rules->n_texts; i++)
        free(rules->texts[i]);
    free(rules->texts);
    free(rules->map_lines);
}

bool run_server_require(struct cli *cli, struct err *err)
{
    struct require require = {.cli = cli};
    const struct access_rules_intent *intent = &require.rules.intent;
    struct fleet_order order = {.make = make_require, .arg = &require};
    bool done = change_read_rules(cli->args, &require.rules, err);

    if (done) {
        char *what = mem_printf(_("rules for role \"%s\"%s in database \"%s\" from %s"),
                                intent->roles[0], intent->n_roles > 1 ? _(" and others") : "",
                                intent->database, intent->address);

        order.what = what;
        done = change_run(cli, cli->args->names[0], &order, err);
        free(what);
    }
    change_clear_rules(&require.rules);
    return done;
}

/* ---- unrequire ---- */

static struct plan *make_unrequire(void *arg, const struct plan_target *target, struct err *err)
{
    return plan_remove_rules(target, arg, err);
}

bool run_server_unrequire(struct cli *cli, struct err *err)
{
    struct remove_rules_intent intent = {.n_lines = cli->args->n_names - 1};
    struct fleet_order order = {
        .make = make_unrequire, .arg = &intent, .what = _("end of our rules")};
    int *lines = mem_array(intent.n_lines, sizeof(*lines));
    bool is_cluster = false;
    bool done = false;

    for (size_t i = 0; i < intent.n_lines; i++) {
        int64_t number;

        if (!text_parse_int(cli->args->names[i + 1], 1, INT32_MAX, &number)) {
            err_set(err, ERR_BAD_VALUE, _("\"%s\" is not the number of a line"),
                    cli->args->names[i + 1]);
            goto out;
        }
        lines[i] = (int)number;
    }
    intent.lines = lines;
    if (intent.n_lines > 0 &&
        (!cli_store(cli, STORE_WRITE, err) ||
         !server_is_cluster(cli->store, cli->args->names[0], &is_cluster, err)))
        goto out;
    if (is_cluster) {
        err_set(err, ERR_USAGE,
                _("line numbers are those of one server's file, \"%s\" is a cluster"),
                cli->args->names[0]);
        err_hint(err, _("Give a member's name with them, or no number: then all our rules go."));
        goto out;
    }
    done = change_run(cli, cli->args->names[0], &order, err);
out:
    free(lines);
    return done;
}
