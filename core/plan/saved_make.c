/* saved_make.c - the intent of a plan file: its fields checked, then a plan made of it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/saved_part.h"

#define LIST_MAX       1000
#define NAME_MAX_BYTES 300

/* What an intent points to; strings are borrowed from the JSON. */
struct parts {
    const json_t *want;
    const char **strings; /* hosts, roles, names of CAs */
    size_t n_strings;
    struct {
        const char *name, *sha256;
    } * cas; /* of ours */
    size_t n_cas;
    struct cert_list certs, roots;
    struct crl **crls;
    size_t n_crls;
    struct access_map_line *lines;
    size_t n_lines;
    int *numbers;
    size_t n_numbers;
    enum access_method method;
    /* when it is made */
    const struct plan_target *target;
    const struct key *key;
    struct authority **authorities;
    size_t n_authorities;
};

static void parts_init(struct parts *parts, const json_t *want)
{
    *parts = (struct parts){.want = want};
    cert_list_init(&parts->certs);
    cert_list_init(&parts->roots);
}

static void parts_clear(struct parts *parts)
{
    free(parts->strings);
    free(parts->cas);
    cert_list_clear(&parts->certs);
    cert_list_clear(&parts->roots);
    for (size_t i = 0; i < parts->n_crls; i++)
        crl_free(parts->crls[i]);
    free(parts->crls);
    free(parts->lines);
    free(parts->numbers);
    for (size_t i = 0; i < parts->n_authorities; i++)
        authority_free(parts->authorities[i]);
    free(parts->authorities);
}

/* ---- fields ---- */

static bool bad_field(struct err *err, const char *name)
{
    return err_set(err, ERR_PLAN_FILE, _("the plan file is damaged: \"%s\""), name);
}

static const json_t *list_field(const json_t *want, const char *name, struct err *err)
{
    const json_t *list = json_object_get(want, name);

    if (json_is_array(list) && json_array_size(list) <= LIST_MAX)
        return list;
    bad_field(err, name);
    return NULL;
}

/* Whole: without a zero byte. */
static const char *whole_string(const json_t *item)
{
    const char *text = json_string_value(item);

    return text && strlen(text) == json_string_length(item) ? text : NULL;
}

static bool take_strings(struct parts *parts, const char *name, struct err *err)
{
    const json_t *list = list_field(parts->want, name, err);

    if (!list)
        return false;
    parts->strings = mem_array(json_array_size(list), sizeof(*parts->strings));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = whole_string(json_array_get(list, i));

        if (!text || strlen(text) > NAME_MAX_BYTES)
            return bad_field(err, name);
        parts->strings[parts->n_strings++] = text;
    }
    return true;
}

static bool take_ca(struct parts *parts, const json_t *row, const char *field, struct err *err)
{
    const char *name = saved_text(row, "name", NAME_MAX_BYTES, false);
    const char *sha256 = saved_text(row, "sha256", CERT_SHA256_HEX, false);

    if (!name || !sha256)
        return bad_field(err, field);
    parts->cas = mem_realloc_array(parts->cas, parts->n_cas + 1, sizeof(*parts->cas));
    parts->cas[parts->n_cas].name = name;
    parts->cas[parts->n_cas++].sha256 = sha256;
    return true;
}

static bool take_cas(struct parts *parts, struct err *err)
{
    const json_t *list = list_field(parts->want, "authorities", err);

    for (size_t i = 0; list && i < json_array_size(list); i++) {
        if (!take_ca(parts, json_array_get(list, i), "authorities", err))
            return false;
    }
    return list != NULL;
}

static bool take_certs(const struct parts *parts, const char *name, struct cert_list *ret,
                       struct err *err)
{
    const json_t *list = list_field(parts->want, name, err);

    for (size_t i = 0; list && i < json_array_size(list); i++) {
        const char *pem = whole_string(json_array_get(list, i));
        struct cert *cert = pem ? cert_from_pem(pem, strlen(pem), err) : NULL;

        if (!cert)
            return bad_field(err, name);
        cert_list_take(ret, cert);
    }
    return list != NULL;
}

static bool take_crls(struct parts *parts, struct err *err)
{
    const json_t *list = list_field(parts->want, "crls", err);

    if (!list)
        return false;
    parts->crls = mem_array(json_array_size(list), sizeof(*parts->crls));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *pem = whole_string(json_array_get(list, i));
        struct crl *crl = pem ? crl_from_pem(pem, strlen(pem), err) : NULL;

        if (!crl)
            return bad_field(err, "crls");
        parts->crls[parts->n_crls++] = crl;
    }
    return true;
}

static bool take_method(struct parts *parts, struct err *err)
{
    static const enum access_method methods[] = {ACCESS_CERT, ACCESS_VERIFY_FULL, ACCESS_VERIFY_CA};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (!text_equal(want_method_name(methods[i]), saved_string(parts->want, "method")))
            continue;
        parts->method = methods[i];
        return true;
    }
    return bad_field(err, "method");
}

static bool take_map_lines(struct parts *parts, struct err *err)
{
    const json_t *list = list_field(parts->want, "map_lines", err);

    if (!list)
        return false;
    parts->lines = mem_array(json_array_size(list), sizeof(*parts->lines));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        struct access_map_line line = {whole_string(json_object_get(row, "cn")),
                                       whole_string(json_object_get(row, "role"))};

        if (!line.cn || !line.role)
            return bad_field(err, "map_lines");
        parts->lines[parts->n_lines++] = line;
    }
    return true;
}

static bool take_numbers(struct parts *parts, struct err *err)
{
    const json_t *list = list_field(parts->want, "lines", err);

    if (!list)
        return false;
    parts->numbers = mem_array(json_array_size(list), sizeof(*parts->numbers));
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t number = json_integer_value(json_array_get(list, i));

        if (number < 1 || number > INT32_MAX)
            return bad_field(err, "lines");
        parts->numbers[parts->n_numbers++] = (int)number;
    }
    return true;
}

/* ---- a server's certificate ---- */

static bool read_server_tls(struct parts *parts, struct err *err)
{
    json_int_t days = json_integer_value(json_object_get(parts->want, "days"));

    if (days < 0 || days > 36525)
        return bad_field(err, "days");
    return take_ca(parts, json_object_get(parts->want, "authority"), "authority", err) &&
           take_strings(parts, "hosts", err);
}

static struct plan *make_server_tls(const struct parts *parts, struct err *err)
{
    struct server_tls_intent intent = {
        .authority = parts->authorities[0],
        .authority_key = parts->key,
        .hosts = parts->strings,
        .n_hosts = parts->n_strings,
        .days = (int)json_integer_value(json_object_get(parts->want, "days"))};

    if (parts->key)
        return plan_server_tls(parts->target, &intent, err);
    err_set(err, ERR_INTERNAL, _("the CA's key is missing"));
    return NULL;
}

static bool read_server_cert(struct parts *parts, struct err *err)
{
    return take_certs(parts, "certs", &parts->certs, err) &&
           take_certs(parts, "roots", &parts->roots, err) && take_strings(parts, "hosts", err);
}

static struct plan *make_server_cert(const struct parts *parts, struct err *err)
{
    struct server_cert_intent intent = {.certs = &parts->certs,
                                        .hosts = parts->strings,
                                        .n_hosts = parts->n_strings,
                                        .roots = parts->roots.n > 0 ? &parts->roots : NULL};

    return plan_server_cert(parts->target, &intent, err);
}

/* ---- trust ---- */

static bool read_trust_ca(struct parts *parts, struct err *err)
{
    return take_cas(parts, err) && take_certs(parts, "foreign", &parts->certs, err) &&
           take_crls(parts, err);
}

static struct plan *make_trust_ca(const struct parts *parts, struct err *err)
{
    struct trust_ca_intent intent = {
        .authorities = (const struct authority *const *)parts->authorities,
        .n_authorities = parts->n_authorities,
        .foreign = parts->certs.n > 0 ? &parts->certs : NULL,
        .foreign_crls = parts->crls,
        .n_foreign_crls = parts->n_crls,
        .keep_present = json_is_true(json_object_get(parts->want, "keep_present"))};

    return plan_trust_ca(parts->target, &intent, err);
}

static bool read_untrust_ca(struct parts *parts, struct err *err)
{
    return take_cas(parts, err) && take_strings(parts, "names", err);
}

static struct plan *make_untrust_ca(const struct parts *parts, struct err *err)
{
    struct untrust_ca_intent intent = {.authorities =
                                           (const struct authority *const *)parts->authorities,
                                       .n_authorities = parts->n_authorities,
                                       .names = parts->strings,
                                       .n_names = parts->n_strings,
                                       .all = json_is_true(json_object_get(parts->want, "all"))};

    return plan_untrust_ca(parts->target, &intent, err);
}

static bool read_publish_crl(struct parts *parts, struct err *err)
{
    (void)parts;
    (void)err;
    return true;
}

static struct plan *make_publish_crl(const struct parts *parts, struct err *err)
{
    return plan_publish_crl(parts->target, err);
}

/* ---- rules ---- */

static bool read_access_rules(struct parts *parts, struct err *err)
{
    if (!saved_text(parts->want, "database", 63, false))
        return bad_field(err, "database");
    if (!saved_text(parts->want, "address", NAME_MAX_BYTES, false))
        return bad_field(err, "address");
    if (json_is_string(json_object_get(parts->want, "map")) &&
        !saved_text(parts->want, "map", 63, false))
        return bad_field(err, "map");
    return take_strings(parts, "roles", err) && take_method(parts, err) &&
           take_map_lines(parts, err);
}

static struct plan *make_access_rules(const struct parts *parts, struct err *err)
{
    struct access_rules_intent intent = {.database = saved_string(parts->want, "database"),
                                         .address = saved_string(parts->want, "address"),
                                         .roles = parts->strings,
                                         .n_roles = parts->n_strings,
                                         .method = parts->method,
                                         .map =
                                             json_string_value(json_object_get(parts->want, "map")),
                                         .map_lines = parts->lines,
                                         .n_map_lines = parts->n_lines};

    return plan_access_rules(parts->target, &intent, err);
}

static bool read_remove_rules(struct parts *parts, struct err *err)
{
    return take_numbers(parts, err);
}

static struct plan *make_remove_rules(const struct parts *parts, struct err *err)
{
    struct remove_rules_intent intent = {.lines = parts->numbers, .n_lines = parts->n_numbers};

    return plan_remove_rules(parts->target, &intent, err);
}

/* ---- the table ---- */

struct saved_kind {
    const char *name;
    bool (*read)(struct parts *parts, struct err *err);
    struct plan *(*make)(const struct parts *parts, struct err *err);
};

static const struct saved_kind kinds[] = {
    {"access_rules", read_access_rules, make_access_rules},
    {"publish_crl", read_publish_crl, make_publish_crl},
    {"remove_rules", read_remove_rules, make_remove_rules},
    {"server_cert", read_server_cert, make_server_cert},
    {"server_tls", read_server_tls, make_server_tls},
    {"trust_ca", read_trust_ca, make_trust_ca},
    {"untrust_ca", read_untrust_ca, make_untrust_ca},
};

static const struct saved_kind *find_kind(const json_t *want, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (text_equal(kinds[i].name, saved_string(want, "kind")))
            return &kinds[i];
    }
    saved_no_plan(err, _("what it wants is not known here"));
    return NULL;
}

bool saved_check_want(const json_t *want, struct err *err)
{
    const struct saved_kind *kind = find_kind(want, err);
    struct parts parts;
    bool good;

    parts_init(&parts, want);
    good = kind && kind->read(&parts, err);
    parts_clear(&parts);
    return good;
}

/* By the name, and it must be the same CA still. */
static bool load_authority(struct parts *parts, size_t i, struct err *err)
{
    struct authority *authority = authority_load(parts->target->store, parts->cas[i].name, err);
    char hex[CERT_SHA256_HEX];

    if (!authority)
        return false;
    parts->authorities[parts->n_authorities++] = authority;
    if (text_equal(cert_sha256_hex(authority->cert, hex), parts->cas[i].sha256))
        return true;
    err_set(err, ERR_PLAN_STALE,
            _("the CA \"%s\" has another certificate than when the plan was made"),
            parts->cas[i].name);
    return err_state(err, _("Nothing was changed."));
}

static bool load_authorities(struct parts *parts, struct err *err)
{
    parts->authorities = mem_array(parts->n_cas, sizeof(struct authority *));
    for (size_t i = 0; i < parts->n_cas; i++) {
        if (!load_authority(parts, i, err))
            return false;
    }
    return true;
}

const char *saved_needs_key_of(const struct saved_plan *saved)
{
    if (!text_equal(saved_string(saved->want, "kind"), "server_tls"))
        return NULL;
    return saved_text(json_object_get(saved->want, "authority"), "name", NAME_MAX_BYTES, false);
}

struct plan *saved_make(const struct saved_plan *saved, const struct plan_target *target,
                        const struct key *key, struct err *err)
{
    const struct saved_kind *kind = find_kind(saved->want, err);
    struct plan *plan = NULL;
    struct parts parts;

    parts_init(&parts, saved->want);
    parts.target = target;
    parts.key = key;
    if (kind && kind->read(&parts, err) && saved_check_server(saved, target, err) &&
        load_authorities(&parts, err))
        plan = kind->make(&parts, err);
    parts_clear(&parts);
    return plan;
}
