/* saved.c - plan files: written, read, and made into a plan again. */
#include "config.h"

#include "core/plan/saved.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/step.h"

#define LIST_MAX 1000

/* ---- written ---- */

bool saved_print(const struct plan *plan, struct strbuf *out, struct err *err)
{
    json_t *want = json_object_get(plan->intent, "want");
    json_t *document;
    char *text;

    if (!want) {
        err_set(err, ERR_PLAN_FILE, _("this plan cannot be saved: it brings a private key"));
        return err_hint(err, _("Keys are in no file of pgseal's: apply it here."));
    }
    document = json_pack("{s:i,s:s,s:s,s:s,s:s,s:I,s:O,s:O}", "v", 1, "pgseal", "plan", "server",
                         plan->target.server->name, "system_identifier",
                         plan->target.server->system_identifier, "title", plan->title, "made_at",
                         (json_int_t)clock_now(), "want", want, "saw",
                         json_object_get(plan->intent, "saw"));
    text = json_dumps(document, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    json_decref(document);
    if (!text)
        return err_set(err, ERR_INTERNAL, _("the plan cannot be written as JSON"));
    strbuf_add_str(out, text);
    strbuf_add_char(out, '\n');
    free(text);
    return true;
}

/* ---- read ---- */

static bool no_plan(struct err *err, const char *what)
{
    err_set(err, ERR_PLAN_FILE, _("this is not a plan file: %s"), what);
    return false;
}

/* A string of these bytes at most, without control characters; "" only where empty is set. */
static const char *text_field(const json_t *object, const char *name, size_t max, bool empty)
{
    const json_t *field = json_object_get(object, name);
    const char *text = json_string_value(field);

    if (!text || strlen(text) != json_string_length(field) || strlen(text) > max ||
        (!empty && !*text) || !text_is_clean(text))
        return NULL;
    return text;
}

static struct saved_plan *from_json(json_t *document, struct err *err)
{
    const char *server = text_field(document, "server", 63, false);
    const char *identifier = text_field(document, "system_identifier", 31, true);
    const char *title = text_field(document, "title", 300, true);
    json_t *want = json_object_get(document, "want");
    json_t *saw = json_object_get(document, "saw");
    struct saved_plan *saved;

    if (!server || !identifier || !title) {
        no_plan(err, _("its server is not named"));
        return NULL;
    }
    if (!json_is_object(want) || !text_field(want, "kind", 31, false)) {
        no_plan(err, _("it does not say what is wanted"));
        return NULL;
    }
    if (saw && !json_is_object(saw)) {
        no_plan(err, _("\"saw\" is not an object"));
        return NULL;
    }
    saved = mem_zalloc(sizeof(*saved));
    saved->server = mem_strdup(server);
    saved->system_identifier = mem_strdup(identifier);
    saved->title = mem_strdup(title);
    saved->made_at = json_integer_value(json_object_get(document, "made_at"));
    saved->want = json_incref(want);
    saved->saw = saw ? json_incref(saw) : NULL;
    return saved;
}

struct saved_plan *saved_parse(const void *bytes, size_t len, struct err *err)
{
    struct saved_plan *saved = NULL;
    json_error_t why;
    json_t *document;

    if (len > SAVED_MAX) {
        err_set(err, ERR_TOO_LARGE, _("the plan file is larger than %u bytes"), SAVED_MAX);
        return NULL;
    }
    document = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
    if (!document) {
        struct strbuf clean = STRBUF_INIT;

        text_clean(&clean, why.text, strlen(why.text), TEXT_ONE_LINE);
        err_set(err, ERR_PLAN_FILE, _("this is not a plan file: line %d: %s"), why.line,
                clean.data);
        strbuf_clear(&clean);
        return NULL;
    }
    if (!text_equal(json_string_value(json_object_get(document, "pgseal")), "plan"))
        no_plan(err, _("\"pgseal\" is not \"plan\" in it"));
    else if (json_integer_value(json_object_get(document, "v")) != 1)
        no_plan(err, _("it was written by another version of pgseal"));
    else if (!json_object_get(document, "saw"))
        no_plan(err, _("it does not say what it was built on"));
    else
        saved = from_json(document, err);
    json_decref(document);
    return saved;
}

struct saved_plan *saved_from_journal(const struct journal_plan *row, struct err *err)
{
    json_t *intent = json_loads(row->intent, 0, NULL);
    json_t *want = json_object_get(intent, "want");
    struct saved_plan *saved = NULL;

    if (want) {
        saved = mem_zalloc(sizeof(*saved));
        saved->server = mem_strdup(row->server);
        saved->system_identifier = mem_strdup(row->system_identifier);
        saved->title = mem_strdup(row->title);
        saved->made_at = row->created_at;
        saved->want = json_incref(want);
        saved->saw = json_incref(json_object_get(intent, "saw"));
    } else {
        err_set(err, ERR_PLAN_FILE,
                _("plan %lld cannot be made again: it brought a private key, or an older pgseal "
                  "made it"),
                (long long)row->id);
    }
    json_decref(intent);
    return saved;
}

void saved_forget_saw(struct saved_plan *saved)
{
    json_decref(saved->saw);
    saved->saw = NULL;
}

void saved_free(struct saved_plan *saved)
{
    if (!saved)
        return;
    free(saved->server);
    free(saved->system_identifier);
    free(saved->title);
    json_decref(saved->want);
    json_decref(saved->saw);
    free(saved);
}

/* ---- is the server still what it was? ---- */

static const char *string_of(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));

    return text ? text : "";
}

static bool compare(const char *name, const json_t *then, const json_t *now, struct err *err)
{
    bool is_setting = strncmp(name, "ssl", 3) == 0;

    if (strcmp(string_of(then, "value"), string_of(now, "value")) != 0)
        err_set(err, ERR_PLAN_STALE, _("%s is \"%s\" now, and was \"%s\" when the plan was made"),
                name, string_of(now, "value"), string_of(then, "value"));
    else if (strcmp(string_of(then, "sha256"), string_of(now, "sha256")) != 0)
        err_set(err, ERR_PLAN_STALE, _("file \"%s\"%s%s%s has changed since the plan was made"),
                string_of(now, "value"), is_setting ? " (" : "", is_setting ? name : "",
                is_setting ? ")" : "");
    else
        return true;
    err_state(err, _("Nothing was changed."));
    return err_hint(err, _("Look at what changed, and make the plan again."));
}

static bool check_unchanged(const struct saved_plan *saved, struct files *files,
                            const struct settings *settings, struct err *err)
{
    json_t *now = want_saw(string_of(saved->want, "kind"), files, settings);
    const char *name;
    json_t *seen;
    bool good = true;

    json_object_foreach(now, name, seen)
    {
        const json_t *then = json_object_get(saved->saw, name);

        if (good && !json_is_object(then))
            good = no_plan(err, _("it does not say what it was built on"));
        good = good && compare(name, then, seen, err);
    }
    json_decref(now);
    return good;
}

static bool check_server(const struct saved_plan *saved, const struct plan_target *target,
                         struct err *err)
{
    char identifier[32] = "";

    if (!conn_system_identifier(target->admin, identifier, err))
        return false;
    if (text_equal(saved->system_identifier, identifier) ||
        (!*identifier && text_equal(saved->system_identifier, target->server->system_identifier)))
        return true;
    err_set(err, ERR_OTHER_SERVER, _("the plan was made for another server than \"%s\""),
            target->server->name);
    err_cause(err, _("Its system identifier is %s, this one's is %s."),
              *saved->system_identifier ? saved->system_identifier : _("not known"),
              *identifier ? identifier : _("not known"));
    return err_state(err, _("Nothing was changed."));
}

static bool check_all(const struct saved_plan *saved, const struct plan_target *target,
                      struct err *err)
{
    struct settings settings;
    struct files *files = NULL;
    bool good;

    if (!check_server(saved, target, err) || !settings_read(target->admin, &settings, err))
        return false;
    files = files_new(target->admin, settings.data_directory, err);
    good = files && (!saved->saw || check_unchanged(saved, files, &settings, err));
    files_free(files);
    settings_clear(&settings);
    return good;
}

/* ---- the intent again ---- */

struct parts { /* what the intents point to */
    const char **strings, **names;
    size_t n_strings, n_names;
    struct authority **authorities;
    size_t n_authorities;
    struct cert_list certs, roots;
    struct crl **crls;
    size_t n_crls;
    struct access_map_line *lines;
    int *numbers;
};

static void parts_clear(struct parts *parts)
{
    free(parts->strings);
    free(parts->names);
    for (size_t i = 0; i < parts->n_authorities; i++)
        authority_free(parts->authorities[i]);
    free(parts->authorities);
    cert_list_clear(&parts->certs);
    cert_list_clear(&parts->roots);
    for (size_t i = 0; i < parts->n_crls; i++)
        crl_free(parts->crls[i]);
    free(parts->crls);
    free(parts->lines);
    free(parts->numbers);
}

static bool bad_field(struct err *err, const char *name)
{
    err_set(err, ERR_PLAN_FILE, _("the plan file is damaged: \"%s\""), name);
    return false;
}

static const json_t *list_field(const json_t *want, const char *name, struct err *err)
{
    const json_t *list = json_object_get(want, name);

    if (!json_is_array(list) || json_array_size(list) > LIST_MAX) {
        bad_field(err, name);
        return NULL;
    }
    return list;
}

static bool take_strings(const json_t *want, const char *name, const char ***ret, size_t *ret_n,
                         struct err *err)
{
    const json_t *list = list_field(want, name, err);

    if (!list)
        return false;
    *ret = mem_array(json_array_size(list), sizeof(**ret));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = json_string_value(item);

        if (!text || strlen(text) != json_string_length(item))
            return bad_field(err, name);
        (*ret)[(*ret_n)++] = text;
    }
    return true;
}

/* By the name, and it must be the same CA still. */
static bool take_authority(struct parts *parts, struct store *store, const json_t *row,
                           struct err *err)
{
    const char *name = text_field(row, "name", 300, false);
    struct authority *authority;
    char hex[CERT_SHA256_HEX];

    if (!name)
        return bad_field(err, "authorities");
    authority = authority_load(store, name, err);
    if (!authority)
        return false;
    parts->authorities = mem_realloc_array(parts->authorities, parts->n_authorities + 1,
                                           sizeof(*parts->authorities));
    parts->authorities[parts->n_authorities++] = authority;
    if (text_equal(cert_sha256_hex(authority->cert, hex), string_of(row, "sha256")))
        return true;
    err_set(err, ERR_PLAN_STALE,
            _("the CA \"%s\" has another certificate than when the plan was "
              "made"),
            name);
    return err_state(err, _("Nothing was changed."));
}

static bool take_authorities(struct parts *parts, struct store *store, const json_t *want,
                             struct err *err)
{
    const json_t *list = list_field(want, "authorities", err);

    for (size_t i = 0; list && i < json_array_size(list); i++) {
        if (!take_authority(parts, store, json_array_get(list, i), err))
            return false;
    }
    return list != NULL;
}

static bool take_certs(const json_t *want, const char *name, struct cert_list *ret, struct err *err)
{
    const json_t *list = list_field(want, name, err);

    for (size_t i = 0; list && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *pem = json_string_value(item);
        struct cert *cert = pem ? cert_from_pem(pem, json_string_length(item), err) : NULL;

        if (!cert)
            return bad_field(err, name);
        cert_list_take(ret, cert);
    }
    return list != NULL;
}

static bool take_crls(const json_t *want, struct parts *parts, struct err *err)
{
    const json_t *list = list_field(want, "crls", err);

    if (!list)
        return false;
    parts->crls = mem_array(json_array_size(list), sizeof(*parts->crls));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *pem = json_string_value(item);
        struct crl *crl = pem ? crl_from_pem(pem, json_string_length(item), err) : NULL;

        if (!crl)
            return bad_field(err, "crls");
        parts->crls[parts->n_crls++] = crl;
    }
    return true;
}

/* ---- one function for each kind ---- */

struct making {
    const struct plan_target *target;
    const json_t *want;
    const struct key *key;
    struct parts parts;
};

static struct plan *make_server_tls(struct making *making, struct err *err)
{
    struct parts *parts = &making->parts;
    json_int_t days = json_integer_value(json_object_get(making->want, "days"));
    struct server_tls_intent intent = {.authority_key = making->key, .days = (int)days};

    if (days < 0 || days > 36525) {
        bad_field(err, "days");
        return NULL;
    }
    if (!take_authority(parts, making->target->store, json_object_get(making->want, "authority"),
                        err) ||
        !take_strings(making->want, "hosts", &parts->strings, &parts->n_strings, err))
        return NULL;
    if (!making->key) {
        err_set(err, ERR_INTERNAL, _("the CA's key is missing"));
        return NULL;
    }
    intent.authority = parts->authorities[0];
    intent.hosts = parts->strings;
    intent.n_hosts = parts->n_strings;
    return plan_server_tls(making->target, &intent, err);
}

static struct plan *make_server_cert(struct making *making, struct err *err)
{
    struct parts *parts = &making->parts;
    struct server_cert_intent intent = {.certs = &parts->certs};

    if (!take_certs(making->want, "certs", &parts->certs, err) ||
        !take_certs(making->want, "roots", &parts->roots, err) ||
        !take_strings(making->want, "hosts", &parts->strings, &parts->n_strings, err))
        return NULL;
    intent.roots = parts->roots.n > 0 ? &parts->roots : NULL;
    intent.hosts = parts->strings;
    intent.n_hosts = parts->n_strings;
    return plan_server_cert(making->target, &intent, err);
}

static struct plan *make_trust_ca(struct making *making, struct err *err)
{
    struct parts *parts = &making->parts;
    struct trust_ca_intent intent = {
        .keep_present = json_is_true(json_object_get(making->want, "keep_present"))};

    if (!take_authorities(parts, making->target->store, making->want, err) ||
        !take_certs(making->want, "foreign", &parts->certs, err) ||
        !take_crls(making->want, parts, err))
        return NULL;
    intent.authorities = (const struct authority *const *)parts->authorities;
    intent.n_authorities = parts->n_authorities;
    intent.foreign = parts->certs.n > 0 ? &parts->certs : NULL;
    intent.foreign_crls = parts->crls;
    intent.n_foreign_crls = parts->n_crls;
    return plan_trust_ca(making->target, &intent, err);
}

static struct plan *make_untrust_ca(struct making *making, struct err *err)
{
    struct parts *parts = &making->parts;
    struct untrust_ca_intent intent = {.all = json_is_true(json_object_get(making->want, "all"))};

    if (!take_authorities(parts, making->target->store, making->want, err) ||
        !take_strings(making->want, "names", &parts->names, &parts->n_names, err))
        return NULL;
    intent.authorities = (const struct authority *const *)parts->authorities;
    intent.n_authorities = parts->n_authorities;
    intent.names = parts->names;
    intent.n_names = parts->n_names;
    return plan_untrust_ca(making->target, &intent, err);
}

static struct plan *make_publish_crl(struct making *making, struct err *err)
{
    return plan_publish_crl(making->target, err);
}

static bool take_method(const json_t *want, enum access_method *ret, struct err *err)
{
    static const enum access_method methods[] = {ACCESS_CERT, ACCESS_VERIFY_FULL, ACCESS_VERIFY_CA};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (!text_equal(want_method_name(methods[i]), string_of(want, "method")))
            continue;
        *ret = methods[i];
        return true;
    }
    return bad_field(err, "method");
}

static bool take_map_lines(struct parts *parts, const json_t *want, size_t *ret_n, struct err *err)
{
    const json_t *list = list_field(want, "map_lines", err);

    if (!list)
        return false;
    parts->lines = mem_array(json_array_size(list), sizeof(*parts->lines));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);

        parts->lines[i].cn = json_string_value(json_object_get(row, "cn"));
        parts->lines[i].role = json_string_value(json_object_get(row, "role"));
        if (!parts->lines[i].cn || !parts->lines[i].role)
            return bad_field(err, "map_lines");
    }
    *ret_n = json_array_size(list);
    return true;
}

static struct plan *make_access_rules(struct making *making, struct err *err)
{
    struct parts *parts = &making->parts;
    struct access_rules_intent intent = {
        .database = text_field(making->want, "database", 63, false),
        .address = text_field(making->want, "address", 300, false),
        .map = json_string_value(json_object_get(making->want, "map"))};

    if (!intent.database || !intent.address) {
        bad_field(err, intent.database ? "address" : "database");
        return NULL;
    }
    if (!take_strings(making->want, "roles", &parts->strings, &parts->n_strings, err) ||
        !take_method(making->want, &intent.method, err) ||
        !take_map_lines(parts, making->want, &intent.n_map_lines, err))
        return NULL;
    intent.roles = parts->strings;
    intent.n_roles = parts->n_strings;
    intent.map_lines = parts->lines;
    return plan_access_rules(making->target, &intent, err);
}

static struct plan *make_remove_rules(struct making *making, struct err *err)
{
    const json_t *list = list_field(making->want, "lines", err);
    struct remove_rules_intent intent = {.n_lines = json_array_size(list)};

    if (!list)
        return NULL;
    making->parts.numbers = mem_array(intent.n_lines, sizeof(int));
    for (size_t i = 0; i < intent.n_lines; i++) {
        json_int_t number = json_integer_value(json_array_get(list, i));

        if (number < 1 || number > INT32_MAX) {
            bad_field(err, "lines");
            return NULL;
        }
        making->parts.numbers[i] = (int)number;
    }
    intent.lines = making->parts.numbers;
    return plan_remove_rules(making->target, &intent, err);
}

static const struct {
    const char *kind;
    struct plan *(*make)(struct making *making, struct err *err);
} makers[] = {
    {"access_rules", make_access_rules}, {"publish_crl", make_publish_crl},
    {"remove_rules", make_remove_rules}, {"server_cert", make_server_cert},
    {"server_tls", make_server_tls},     {"trust_ca", make_trust_ca},
    {"untrust_ca", make_untrust_ca},
};

const char *saved_needs_key_of(const struct saved_plan *saved)
{
    if (!text_equal(string_of(saved->want, "kind"), "server_tls"))
        return NULL;
    return text_field(json_object_get(saved->want, "authority"), "name", 300, false);
}

struct plan *saved_make(const struct saved_plan *saved, const struct plan_target *target,
                        const struct key *key, struct err *err)
{
    struct making making = {.target = target, .want = saved->want, .key = key};
    const char *kind = string_of(saved->want, "kind");
    struct plan *plan = NULL;
    bool known = false;

    cert_list_init(&making.parts.certs);
    cert_list_init(&making.parts.roots);
    for (size_t i = 0; i < ARRAY_LEN(makers) && !known; i++) {
        known = text_equal(makers[i].kind, kind);
        if (known && check_all(saved, target, err))
            plan = makers[i].make(&making, err);
    }
    if (!known)
        no_plan(err, _("what it wants is not known here"));
    parts_clear(&making.parts);
    return plan;
}
