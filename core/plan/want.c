/* want.c - an intent as typed JSON fields, and what of the server it was built on. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/plan/step.h"

/* ---- what was wanted ---- */

static json_t *strings(const char *const *items, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(items[i]));
    return list;
}

static json_t *authority_json(const struct authority *authority)
{
    char hex[CERT_SHA256_HEX];

    return json_pack("{s:s,s:s}", "name", authority->name, "sha256",
                     cert_sha256_hex(authority->cert, hex));
}

static json_t *authorities_json(const struct authority *const *authorities, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, authority_json(authorities[i]));
    return list;
}

static json_t *certs_json(const struct cert_list *certs)
{
    json_t *list = json_array();

    for (size_t i = 0; certs && i < certs->n; i++) {
        struct strbuf pem = STRBUF_INIT;
        struct err ignored = ERR_INIT;

        if (cert_to_pem(certs->certs[i], &pem, &ignored))
            json_array_append_new(list, json_string(pem.data));
        strbuf_clear(&pem);
    }
    return list;
}

static json_t *crls_json(struct crl *const *crls, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        struct strbuf pem = STRBUF_INIT;
        struct err ignored = ERR_INIT;

        if (crl_to_pem(crls[i], &pem, &ignored))
            json_array_append_new(list, json_string(pem.data));
        strbuf_clear(&pem);
    }
    return list;
}

json_t *want_server_tls(const struct server_tls_intent *intent)
{
    return json_pack("{s:s,s:o,s:o,s:i}", "kind", "server_tls", "authority",
                     authority_json(intent->authority), "hosts",
                     strings(intent->hosts, intent->n_hosts), "days", intent->days);
}

json_t *want_server_cert(const struct server_cert_intent *intent)
{
    if (intent->key_pem) /* a private key goes into no file of ours */
        return NULL;
    return json_pack("{s:s,s:o,s:o,s:o}", "kind", "server_cert", "certs", certs_json(intent->certs),
                     "hosts", strings(intent->hosts, intent->n_hosts), "roots",
                     certs_json(intent->roots));
}

json_t *want_trust_ca(const struct trust_ca_intent *intent)
{
    return json_pack("{s:s,s:o,s:o,s:o,s:b}", "kind", "trust_ca", "authorities",
                     authorities_json(intent->authorities, intent->n_authorities), "foreign",
                     certs_json(intent->foreign), "crls",
                     crls_json(intent->foreign_crls, intent->n_foreign_crls), "keep_present",
                     intent->keep_present);
}

json_t *want_untrust_ca(const struct untrust_ca_intent *intent)
{
    json_t *names = strings(intent->names, intent->n_names);

    for (size_t i = 0; intent->certs && i < intent->certs->n; i++) {
        struct strbuf subject = STRBUF_INIT;

        cert_format_subject(intent->certs->certs[i], &subject);
        json_array_append_new(names, json_string(subject.data));
        strbuf_clear(&subject);
    }
    return json_pack("{s:s,s:o,s:o,s:b}", "kind", "untrust_ca", "authorities",
                     authorities_json(intent->authorities, intent->n_authorities), "names", names,
                     "all", intent->all);
}

json_t *want_publish_crl(void)
{
    return json_pack("{s:s}", "kind", "publish_crl");
}

const char *want_method_name(enum access_method method)
{
    switch (method) {
    case ACCESS_VERIFY_FULL:
        return "verify-full";
    case ACCESS_VERIFY_CA:
        return "verify-ca";
    case ACCESS_CERT:
        break;
    }
    return "cert";
}

json_t *want_access_rules(const struct access_rules_intent *intent)
{
    json_t *lines = json_array();

    for (size_t i = 0; i < intent->n_map_lines; i++)
        json_array_append_new(lines, json_pack("{s:s,s:s}", "cn", intent->map_lines[i].cn, "role",
                                               intent->map_lines[i].role));
    return json_pack("{s:s,s:s,s:o,s:s,s:s,s:s?,s:o}", "kind", "access_rules", "database",
                     intent->database, "roles", strings(intent->roles, intent->n_roles), "address",
                     intent->address, "method", want_method_name(intent->method), "map",
                     intent->map, "map_lines", lines);
}

json_t *want_remove_rules(const struct remove_rules_intent *intent)
{
    json_t *lines = json_array();

    for (size_t i = 0; i < intent->n_lines; i++)
        json_array_append_new(lines, json_integer(intent->lines[i]));
    return json_pack("{s:s,s:o}", "kind", "remove_rules", "lines", lines);
}

/* ---- what was seen ---- */

/* A file that is not there, or may not be read, has no hash: that too can change. */
static json_t *file_json(struct files *files, const struct settings *settings, const char *value)
{
    bool is_relative = value[0] != '/';
    char *path =
        is_relative ? mem_printf("%s/%s", settings->data_directory, value) : mem_strdup(value);
    struct strbuf hex = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    uint8_t sha256[32];
    json_t *json = json_pack("{s:s}", "value", value);

    if (*value && files_sha256(files, path, sha256, &ignored)) {
        strbuf_add_hex(&hex, sha256, sizeof(sha256));
        json_object_set_new(json, "sha256", json_string(hex.data));
    }
    strbuf_clear(&hex);
    free(path);
    return json;
}

json_t *want_saw(const char *kind, struct files *files, const struct settings *settings)
{
    static const char *const trust[] = {"ssl_ca_file", "ssl_crl_file"};
    json_t *saw = json_object();
    bool rules = strcmp(kind, "access_rules") == 0 || strcmp(kind, "remove_rules") == 0;
    bool server = strcmp(kind, "server_tls") == 0 || strcmp(kind, "server_cert") == 0;

    if (rules) {
        json_object_set_new(saw, "hba_file", file_json(files, settings, settings->hba_file));
        json_object_set_new(saw, "ident_file", file_json(files, settings, settings->ident_file));
        return saw;
    }
    if (server) {
        const char *cert = settings_value(settings, "ssl_cert_file");

        json_object_set_new(saw, "ssl_cert_file", file_json(files, settings, cert));
        /* of the key its name only: not even a hash of it goes anywhere */
        json_object_set_new(saw, "ssl_key_file",
                            json_pack("{s:s}", "value", settings_value(settings, "ssl_key_file")));
        json_object_set_new(saw, "ssl",
                            json_pack("{s:s}", "value", settings_value(settings, "ssl")));
        return saw;
    }
    for (size_t i = 0; i < ARRAY_LEN(trust); i++)
        json_object_set_new(saw, trust[i],
                            file_json(files, settings, settings_value(settings, trust[i])));
    if (*settings_value(settings, "ssl_crl_dir"))
        json_object_set_new(saw, "ssl_crl_dir",
                            json_pack("{s:s}", "value", settings_value(settings, "ssl_crl_dir")));
    return saw;
}

void plan_set_want(struct plan *plan, json_t *want)
{
    if (want)
        json_object_set_new(plan->intent, "want", want);
}
