/* server_check.c - the order of looking, and what the settings say. */
#include "config.h"

#include "core/health/check.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"

#define CLOCK_DIFFERENCE 60 /* seconds; certificates of pgseal are back-dated by an hour */

/* ---- settings ---- */

static bool is_on(const char *value)
{
    return !strcmp(value, "on") || !strcmp(value, "true") || !strcmp(value, "yes") ||
           !strcmp(value, "1");
}

/* What wins over ALTER SYSTEM and the files, so that no change of ours would have an effect. */
static void check_sources(struct check *check)
{
    static const char *const names[] = {"ssl",         "ssl_ca_file",  "ssl_cert_file",
                                        "ssl_crl_dir", "ssl_crl_file", "ssl_key_file"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct setting *setting = settings_get(&check->settings, names[i]);

        if (setting && !strcmp(setting->source, "command line"))
            finding_add(check->findings, FINDING_WARNING, ERR_SETTING_OVERRIDDEN, names[i],
                        _("\"%s\" was given on the server's command line"), names[i]);
    }
}

static bool check_pending(struct check *check, struct err *err)
{
    static const char sql[] = "SELECT name FROM pg_catalog.pg_settings WHERE pending_restart"
                              " AND (name IN ('hba_file', 'ident_file', 'hosts_file')"
                              "  OR name LIKE 'ssl%') ORDER BY name";
    struct result *result = conn_exec(check->conn, sql, 0, NULL, err);

    if (!result)
        return false;
    for (int i = 0; i < result_rows(result); i++) {
        const char *name = result_get(result, i, 0);

        finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_PENDING_RESTART, name,
                                 _("\"%s\" was changed and waits for a restart"), name),
                     ACT_RESTART, "");
    }
    result_free(result);
    return true;
}

/* What a file says and the server does not do: nobody reloaded. Only names of files and the switch,
 * whose spelling is the value. */
static void check_loaded(struct check *check, const char *name, const char *wanted)
{
    const struct setting *setting = settings_get(&check->settings, name);
    bool same;

    if (!setting || !strcmp(setting->source, "command line"))
        return;
    same = !strcmp(name, "ssl") ? is_on(setting->value) == is_on(wanted)
                                : !strcmp(setting->value, wanted);
    if (same)
        return;
    finding_mend(finding_add(check->findings, FINDING_WARNING, ERR_NOT_RELOADED, name,
                             _("%s is \"%s\" in the file and \"%s\" in the running server"), name,
                             wanted, setting->value),
                 ACT_RELOAD, "");
}

static bool is_tls_name(const char *name)
{
    static const char *const names[] = {"ssl",         "ssl_ca_file",  "ssl_cert_file",
                                        "ssl_crl_dir", "ssl_crl_file", "ssl_key_file"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!strcmp(names[i], name))
            return true;
    }
    return false;
}

/* A line with an error keeps all others from being loaded. "setting could not be applied" is also
 * said of what only a restart can change: that one is pending, not wrong. */
static bool check_file_settings(struct check *check, struct err *err)
{
    static const char sql[] =
        "SELECT f.sourcefile, f.sourceline, f.name, f.setting, f.applied, f.error"
        " FROM pg_catalog.pg_file_settings AS f"
        " WHERE (f.error IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_settings AS s"
        "  WHERE s.name = f.name AND s.context = 'postmaster'"
        "  AND f.error = 'setting could not be applied'))"
        " OR (f.applied AND f.name LIKE 'ssl%') ORDER BY f.seqno";
    struct result *result;

    if (!tls_file_ask(check->conn, sql, 0, NULL, &result, err))
        return false;
    if (!result) {
        check_not_seen(check, "pg_file_settings",
                       _("the lines of postgresql.conf: your role may not look"));
        return true;
    }
    for (int i = 0; i < result_rows(result); i++) {
        const char *file = result_get(result, i, 0);
        const char *name = result_get(result, i, 2);
        const char *value = result_get(result, i, 3);
        const char *error = result_get(result, i, 5);
        char *object;

        if (!error) {
            if (name && value && is_tls_name(name))
                check_loaded(check, name, value);
            continue;
        }
        object = mem_printf(_("%s line %s"), file ? file : "?",
                            result_get(result, i, 1) ? result_get(result, i, 1) : "?");
        finding_add(check->findings, FINDING_ERROR, ERR_CONF, object, "%s%s%s", name ? name : "",
                    name ? ": " : "", error);
        check->out->restart_fails = true;
        free(object);
    }
    result_free(result);
    return true;
}

static void check_values(struct check *check)
{
    const char *min = settings_value(&check->settings, "ssl_min_protocol_version");
    const char *ciphers = settings_value(&check->settings, "ssl_ciphers");

    if (!check->ssl)
        return;
    if (!strcmp(min, "TLSv1") || !strcmp(min, "TLSv1.1"))
        finding_add(check->findings, FINDING_WARNING, ERR_OLD_TLS_ALLOWED,
                    "ssl_min_protocol_version", _("TLS versions below 1.2 are allowed (\"%s\")"),
                    min);
    if (strstr(ciphers, "@SECLEVEL=0") || strstr(ciphers, "@SECLEVEL=1"))
        finding_add(check->findings, FINDING_WARNING, ERR_SECLEVEL, "ssl_ciphers",
                    _("ssl_ciphers is \"%s\""), ciphers);
    if (*settings_value(&check->settings, "ssl_passphrase_command") &&
        !is_on(settings_value(&check->settings, "ssl_passphrase_command_supports_reload")))
        finding_add(check->findings, FINDING_WARNING, ERR_KEY_PASSPHRASE,
                    "ssl_passphrase_command_supports_reload",
                    _("ssl_passphrase_command is set, and may not be used at a reload"));
}

static bool check_settings(struct check *check, struct err *err)
{
    if (!settings_read(check->conn, &check->settings, err))
        return false;
    check->ssl = is_on(settings_value(&check->settings, "ssl"));
    if (!check->ssl)
        finding_mend(finding_add(check->findings, FINDING_ERROR, ERR_SSL_OFF, "ssl",
                                 _("the server has ssl = off: nothing is encrypted")),
                     ACT_SERVER_TLS, "");
    check_sources(check);
    check_values(check);
    return check_pending(check, err) && check_file_settings(check, err);
}

/* ---- the server itself ---- */

static bool look_at_server(struct check *check, struct err *err)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_is_in_recovery(),"
        " extract(epoch FROM pg_catalog.clock_timestamp())::bigint,"
        " pg_catalog.floor(extract(epoch FROM pg_catalog.pg_conf_load_time()))::bigint";
    const char *known = check->request->server->system_identifier;
    struct server_check *out = check->out;
    struct result *result = conn_exec(check->conn, sql, 0, NULL, err);
    int64_t difference;

    if (!result)
        return false;
    out->standby = result_bool(result, 0, 0);
    check->now = result_int(result, 0, 1, 0);
    check->loaded_at = result_int(result, 0, 2, 0);
    result_free(result);
    out->version = conn_server_version(check->conn);
    if (!conn_system_identifier(check->conn, out->system_identifier, err))
        return false;
    if (*known && *out->system_identifier && strcmp(known, out->system_identifier) != 0)
        finding_add(check->findings, FINDING_ERROR, ERR_OTHER_SERVER, check->request->server->name,
                    _("its identifier is %s, and %s when it was added"), out->system_identifier,
                    known);
    if (out->standby)
        finding_add(check->findings, FINDING_INFO, ERR_STANDBY, check->request->server->name,
                    _("it is a standby: what is found here says nothing of the other members"));
    difference = check->now - clock_now();
    if (difference > CLOCK_DIFFERENCE || difference < -CLOCK_DIFFERENCE)
        finding_add(check->findings, FINDING_WARNING, ERR_CLOCKS, check->request->server->name,
                    _("its clock is %lld seconds %s the one here"),
                    (long long)(difference < 0 ? -difference : difference),
                    difference < 0 ? _("behind") : _("ahead of"));
    return true;
}

static void check_clear(struct check *check)
{
    settings_clear(&check->settings);
    tls_file_clear(&check->cert);
    tls_file_clear(&check->ca);
    tls_file_clear(&check->crl);
    cert_list_clear(&check->dir_cas);
    for (size_t i = 0; i < check->n_dir_crls; i++)
        crl_free(check->dir_crls[i]);
    free(check->dir_crls);
    if (check->has_wire)
        handshake_clear(&check->wire);
    hba_clear(&check->hba);
    ident_clear(&check->ident);
    role_list_clear(&check->roles);
}

bool server_check(const struct server_check_request *request, struct server_check *ret,
                  struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    struct server_check out = {.version = 0};
    struct check check = {
        .request = request, .conn = request->admin, .out = &out, .findings = &out.findings};
    bool done;

    cert_list_init(&check.dir_cas);
    cert_list_init(&check.cert.certs);
    cert_list_init(&check.ca.certs);
    cert_list_init(&check.crl.certs);
    done = look_at_server(&check, err) && check_settings(&check, err) && check_files(&check, err) &&
           check_trust(&check, err) && check_wire(&check, err) && check_keys(&check, err) &&
           check_rules(&check, err) && check_sessions(&check, err);
    check_clear(&check);
    if (!done) {
        server_check_clear(&out);
        return false;
    }
    findings_sort(&out.findings);
    out.took_ms = clock_mono_ms() - start_ms;
    *ret = out;
    return true;
}

void server_check_clear(struct server_check *check)
{
    findings_clear(&check->findings);
    *check = (struct server_check){.version = 0};
}
