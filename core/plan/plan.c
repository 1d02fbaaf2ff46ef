/* plan.c - the plan as a thing: made, looked at, printed as a script. */
#include "config.h"

#include "core/plan/step.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/grants.h"
#include "core/plan/guard.h"
#include "core/store/issued.h"

#define HAND_MAX      (4u << 20)
#define NAME_HASH_LEN 12 /* of the sha256 in a file's name; the whole hash is compared */

/* ---- life ---- */

static void step_clear(struct step *step)
{
    free(step->title);
    free(step->effect);
    free(step->sql);
    free(step->file);
    free(step->saw);
    free(step->by_hand);
    json_decref(step->data);
    strbuf_clear(&step->bytes);
    secret_free(step->secret);
    cert_list_clear(&step->certs);
}

static void probe_clear(struct access_rules_probe *probe)
{
    const char *const texts[] = {probe->role, probe->database, probe->cert_file, probe->key_file,
                                 probe->root_file};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free((char *)(uintptr_t)texts[i]); /* our own copies, const for the reader only */
    secret_free((struct secret *)(uintptr_t)probe->password);
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->n; i++)
        step_clear(&plan->steps[i]);
    free(plan->steps);
    for (size_t i = 0; i < plan->n_hosts; i++)
        free(plan->hosts[i]);
    free(plan->hosts);
    for (size_t i = 0; i < plan->n_probes; i++)
        probe_clear(&plan->probes[i]);
    free(plan->probes);
    free(plan->title);
    json_decref(plan->intent);
    settings_clear(&plan->settings);
    files_free(plan->files);
    if (plan->has_before)
        handshake_clear(&plan->before);
    cert_free(plan->leaf);
    authority_free(plan->authority);
    key_free(plan->authority_key);
    plan_clear_refused(plan);
    guard_free(plan->guard); /* kept or taken back, it is gone; else it goes on waiting */
    free(plan);
}

static bool check_identity(const struct plan_target *target, struct err *err)
{
    char identifier[32] = "";

    if (!conn_system_identifier(target->admin, identifier, err))
        return false;
    /* empty: this role may not see it */
    return !*identifier || server_check_identifier(target->store, target->server, identifier, err);
}

static unsigned needs_of(const char *kind)
{
    if (strcmp(kind, "access_rules") == 0 || strcmp(kind, "remove_rules") == 0)
        return GRANT_SEE | GRANT_WHO | GRANT_WRITE | GRANT_RULES; /* maps: where there are any */
    if (strcmp(kind, "untrust_ca") == 0)
        return GRANT_SEE | GRANT_WHO | GRANT_WRITE | GRANT_TLS;
    return GRANT_SEE | GRANT_WRITE | GRANT_TLS;
}

/* What an ordinary role lacks for this is named before anything is begun. */
static bool check_grants(const struct plan *plan, const char *kind, struct err *err)
{
    const char *server = plan->target.server->name;
    struct strbuf missing = STRBUF_INIT;
    struct grant_list grants;
    size_t n;

    if (conn_is_superuser(plan->target.admin))
        return true;
    if (!grants_read(plan->target.admin, NULL, &grants, err))
        return false;
    n = grants_missing(&grants, needs_of(kind), &missing);
    if (n > 0 && grants_need_superuser(&grants, needs_of(kind))) {
        err_set(err, ERR_MAY_NOT_CHANGE, _("the role \"%s\" is no superuser on server \"%s\""),
                grants.role, server);
        err_cause(err,
                  _("Before PostgreSQL 15 only a superuser changes ssl_ca_file and ssl_crl_file; "
                    "this server is %d."),
                  grants.server_version / 10000);
        err_hint(err, "%s",
                 _("Give the server an administrator who is one; or do it by hand, from a text "
                   "that says how (--as-text)."));
    } else if (n > 0) {
        err_set(err, ERR_MAY_NOT_CHANGE, _("the role \"%s\" lacks rights on server \"%s\""),
                grants.role, server);
        err_cause(err, _("Missing: %s."), missing.data);
        err_hint(err,
                 _("\"pgseal server grants %s\" prints what the owner must run; by hand, from a "
                   "text that says how, nothing is needed (--as-text)."),
                 server);
    }
    grants_clear(&grants);
    strbuf_clear(&missing);
    return n == 0;
}

static bool check_rights(const struct plan *plan, const char *kind, struct err *err)
{
    if (!plan->target.by_hand && !check_grants(plan, kind, err))
        return false;
    if (!plan->target.by_hand &&
        (plan->settings.data_directory[0] == '\0' || files_way(plan->files) == FILES_NONE)) {
        err_set(err, ERR_MAY_NOT_CHANGE, _("the role on server \"%s\" may not write its files"),
                plan->target.server->name);
        return err_hint(err,
                        _("\"pgseal server grants %s\" prints what the owner must run; by hand, "
                          "from a text that says how, nothing is needed (--as-text)."),
                        plan->target.server->name);
    }
    if (strcmp(settings_value(&plan->settings, "ssl_sni"), "on") == 0)
        return err_set(err, ERR_POLICY,
                       _("server \"%s\" has ssl_sni on: its CAs stand in pg_hosts.conf"),
                       plan->target.server->name);
    return true;
}

static bool look_before(struct plan *plan, struct err *err)
{
    struct handshake_request request = {.host = plan->target.tls_host,
                                        .port = plan->target.tls_port};

    if (!handshake_run(&request, &plan->before, err))
        return err_prefix(err, _("TLS address of server \"%s\""), plan->target.server->name);
    plan->has_before = true;
    json_object_set_new(plan->intent, "baseline", baseline_of(&plan->before));
    return true;
}

static bool may_read(const struct plan *plan, const char *value)
{
    char *path = plan_path(plan, value);
    struct strbuf bytes = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    bool good = !*value || files_read(plan->files, path, HAND_MAX, &bytes, &ignored);

    strbuf_clear(&bytes);
    free(path);
    return good;
}

static void name_file(char **path, const char *name)
{
    if (**path)
        return;
    free(*path);
    *path = mem_strdup(name);
}

static void find_unread(struct plan *plan)
{
    struct settings *settings = &plan->settings;

    plan->cas_unread = !may_read(plan, settings_value(settings, "ssl_ca_file")) ||
                       !may_read(plan, settings_value(settings, "ssl_crl_file"));
    plan->rules_unread = !*settings->hba_file || !may_read(plan, settings->hba_file);
    plan->maps_unread = !*settings->ident_file || !may_read(plan, settings->ident_file);
    name_file(&settings->hba_file, "pg_hba.conf");
    name_file(&settings->ident_file, "pg_ident.conf");
}

static bool check_one_host(const struct plan_target *target, struct err *err)
{
    struct params *params = params_parse(target->server->conninfo, err);
    bool one = params && conn_one_host(params, err);

    params_free(params);
    return one;
}

struct plan *plan_new(const struct plan_target *target, const char *kind, const char *title,
                      struct err *err)
{
    struct plan *plan = mem_zalloc(sizeof(*plan));

    plan->target = *target;
    plan->title = mem_strdup(title);
    plan->intent = json_pack("{s:i,s:s}", "v", 1, "kind", kind);
    if (check_one_host(target, err) && check_identity(target, err) &&
        settings_read(target->admin, &plan->settings, err) &&
        (plan->files = files_new(target->admin, plan->settings.data_directory, err)) &&
        check_rights(plan, kind, err) && look_before(plan, err)) {
        if (target->by_hand)
            find_unread(plan);
        json_object_set_new(plan->intent, "auto_conf", auto_conf_order(target->admin));
        /* before anything is read for the plan: what is written meanwhile shows as a change */
        json_object_set_new(plan->intent, "saw", want_saw(kind, plan->files, &plan->settings));
        if (strcmp(kind, "publish_crl") == 0) /* the kind is all that there is to want */
            plan_set_want(plan, want_publish_crl());
        return plan;
    }
    plan_free(plan);
    return NULL;
}

/* ---- steps ---- */

struct step *plan_add(struct plan *plan, const char *kind, enum plan_mark mark, json_t *data)
{
    struct step *step;

    plan->steps = mem_realloc_array(plan->steps, plan->n + 1, sizeof(plan->steps[0]));
    step = &plan->steps[plan->n++];
    *step = (struct step){.kind = step_kind_find(kind), .mark = mark, .data = data};
    step->title = mem_strdup("");
    step->effect = mem_strdup("");
    step->sql = mem_strdup("");
    step->file = mem_strdup("");
    step->saw = mem_strdup("");
    strbuf_init(&step->bytes);
    cert_list_init(&step->certs);
    return step;
}

static void set_text(char **text, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static void set_text(char **text, const char *fmt, va_list args)
{
    struct strbuf dirty = STRBUF_INIT;
    struct strbuf clean = STRBUF_INIT;

    strbuf_vprintf(&dirty, fmt, args);
    text_clean(&clean, dirty.data, dirty.len, TEXT_ONE_LINE);
    free(*text);
    *text = strbuf_steal(&clean);
    strbuf_clear(&dirty);
}

void step_set_title(struct step *step, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_text(&step->title, fmt, args);
    va_end(args);
}

void step_set_saw(struct step *step, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_text(&step->saw, fmt, args);
    va_end(args);
}

/* Cleaned, since it is shown: paths and values may be the server's words. */
static void replace(char **text, const char *with)
{
    struct strbuf clean = STRBUF_INIT;

    text_clean(&clean, with ? with : "", with ? strlen(with) : 0, TEXT_KEEP_NEWLINES);
    free(*text);
    *text = strbuf_steal(&clean);
}

const char *step_text(const struct step *step, const char *field)
{
    const char *text = json_string_value(json_object_get(step->data, field));

    return text ? text : "";
}

bool step_is(const struct step *step, const char *field)
{
    return json_is_true(json_object_get(step->data, field));
}

const char *step_hash(const struct strbuf *bytes, char hex[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    struct strbuf text = STRBUF_INIT;

    hex[0] = '\0';
    if (EVP_Digest(bytes->data, bytes->len, digest, &len, EVP_sha256(), NULL) == 1 && len == 32) {
        strbuf_add_hex(&text, digest, len);
        memcpy(hex, text.data, 65);
    }
    strbuf_clear(&text);
    return hex;
}

char *plan_path(const struct plan *plan, const char *name)
{
    const char *folder = plan->settings.data_directory;

    return name[0] == '/' ? mem_strdup(name)
                          : mem_printf("%s/%s", *folder ? folder : "DATA_DIRECTORY", name);
}

bool plan_file_there(const struct plan *plan, const char *path, bool *ret, struct err *err)
{
    struct err why = ERR_INIT;

    *ret = false;
    if (files_exists(plan->files, path, ret, &why) || plan->target.by_hand)
        return true;
    *err = why;
    return false;
}

/* A name with a hash in it has this content or, after a full disk, the beginning of it: then it is
 * written again, as if it were not there. */
static bool look_at_present(const struct plan *plan, const char *path, const struct strbuf *bytes,
                            bool *ret_whole, struct err *err)
{
    struct strbuf now = STRBUF_INIT;
    bool torn = false;

    *ret_whole =
        files_read(plan->files, path, bytes->len + 1, &now, err) && strbuf_equal(&now, bytes);
    strbuf_clear(&now);
    if (*ret_whole)
        return true;
    if (files_is_torn(plan->files, path, bytes->data, bytes->len, &torn, err) && torn)
        return true;
    return err_set(err, ERR_FILE_EXISTS, _("file \"%s\" has another content on the server"), path);
}

bool plan_add_file(struct plan *plan, const char *stem, const char *suffix, struct strbuf *bytes,
                   unsigned mode, const char *effect, char **ret_name, struct err *err)
{
    char hex[65];
    char *name = mem_printf("%s-%.*s%s", stem, NAME_HASH_LEN, step_hash(bytes, hex), suffix);
    char *path = plan_path(plan, name);
    struct step *step = NULL;
    bool there = false;
    bool good = false;

    if (!plan_file_there(plan, path, &there, err))
        goto out;
    if (there && !look_at_present(plan, path, bytes, &there, err))
        goto out;
    step = plan_add(plan, "file", there ? PLAN_SAME : PLAN_NEW,
                    json_pack("{s:s,s:s,s:i,s:I}", "path", path, "sha256", hex, "mode", (int)mode,
                              "size", (json_int_t)bytes->len));
    if (files_way(plan->files) == FILES_SQL)
        mode = 0644; /* what the server gives it, in a folder that nobody else may enter */
    step_set_title(step, there ? _("file %s: there already") : _("file %s: new, %04o, %zu bytes"),
                   name, mode, bytes->len);
    replace(&step->effect, effect);
    replace(&step->file, path);
    strbuf_add(&step->bytes, bytes->data, bytes->len);
    if (ret_name) {
        *ret_name = name;
        name = NULL;
    }
    good = true;
out:
    free(name);
    free(path);
    return good;
}

/* By "postgres -c" or "pg_ctl -o": ALTER SYSTEM succeeds, and nothing changes (measured). */
static bool is_overridden(const struct setting *setting)
{
    return strcmp(setting->source, "command line") == 0 ||
           strcmp(setting->source, "environment variable") == 0;
}

bool plan_setting_is_held(const struct plan *plan, const char *name)
{
    const struct setting *setting = settings_get(&plan->settings, name);

    return setting && is_overridden(setting);
}

static bool refuse_overridden(const struct plan *plan, const struct setting *setting,
                              struct err *err)
{
    struct strbuf now = STRBUF_INIT;

    text_clean(&now, setting->value, strlen(setting->value), TEXT_ONE_LINE);
    err_set(err, ERR_SETTING_OVERRIDDEN, _("\"%s\" was given on the command line of server \"%s\""),
            setting->name, plan->target.server->name);
    err_cause(err, _("It is '%s' there, and that wins over ALTER SYSTEM."), now.data);
    err_state(err, _("Nothing was changed on server \"%s\"."), plan->target.server->name);
    err_hint(err,
             _("Take it out of what starts the server (its service, pg_ctl -o, the container's "
               "arguments) and restart it; or do it by hand (--as-text)."));
    strbuf_clear(&now);
    return false;
}

/* 17 and later: an operator or a tool writes the configuration, and ALTER SYSTEM is switched off. */
static bool alter_system_is_off(const struct plan *plan)
{
    return strcmp(settings_value(&plan->settings, "allow_alter_system"), "off") == 0;
}

static bool refuse_alter_system(const struct plan *plan, const char *name, struct err *err)
{
    err_set(err, ERR_MAY_NOT_CHANGE, _("ALTER SYSTEM is switched off on server \"%s\""),
            plan->target.server->name);
    err_cause(err,
              _("allow_alter_system = off: something else writes its configuration, and \"%s\" "
                "with it."),
              name);
    return err_hint(err, "%s",
                    _("Take them as text, for what writes the configuration: files and settings "
                      "(--as-text)."));
}

bool plan_add_setting(struct plan *plan, const char *name, const char *value, const char *effect,
                      struct err *err)
{
    const struct setting *setting = settings_get(&plan->settings, name);
    struct strbuf sql = STRBUF_INIT;
    struct step *step;
    bool overridden, same;

    if (!setting)
        return err_set(err, ERR_OLD_SERVER, _("server \"%s\" has no setting \"%s\""),
                       plan->target.server->name, name);
    overridden = is_overridden(setting);
    /* what postgresql.auto.conf says beside the command line has no effect, and is left alone */
    same = strcmp(setting->value, value) == 0 &&
           (overridden || !setting->in_auto_conf || strcmp(setting->auto_value, value) == 0);
    if (!same && overridden && !plan->target.by_hand)
        return refuse_overridden(plan, setting, err);
    if (!same && !plan->target.by_hand && alter_system_is_off(plan))
        return refuse_alter_system(plan, name, err);
    step = plan_add(plan, "setting", same ? PLAN_SAME : PLAN_CHANGE,
                    json_pack("{s:s,s:b,s:s,s:b,s:s}", "name", name, "set", 1, "value", value,
                              "was_set", setting->in_auto_conf, "was", setting->auto_value));
    if (overridden && !same)
        json_object_set_new(step->data, "overridden", json_true());
    if (same)
        step_set_title(step, _("%s: '%s', no change"), name, value);
    else
        step_set_title(step, "%s: '%s' -> '%s'", name, setting->value, value);
    replace(&step->effect, effect);
    strbuf_printf(&sql, "%s %s = ",
                  alter_system_is_off(plan) ? _("-- in the server's configuration:")
                                            : "ALTER SYSTEM SET",
                  name);
    if (text_quote_sql_literal(&sql, value) && !same)
        replace(&step->sql, sql.data);
    strbuf_clear(&sql);
    return true;
}

void plan_add_setting_again(struct plan *plan, const char *name, const char *was, bool set,
                            const char *value, const char *effect)
{
    struct strbuf sql = STRBUF_INIT;
    struct step *step = plan_add(plan, "setting", PLAN_CHANGE,
                                 json_pack("{s:s,s:b,s:s,s:b,s:s}", "name", name, "set", set,
                                           "value", value, "was_set", 1, "was", was));

    step_set_title(step, "%s: '%s' -> '%s'", name, was, value);
    replace(&step->effect, effect);
    strbuf_printf(&sql, set ? "ALTER SYSTEM SET %s = " : "ALTER SYSTEM RESET %s", name);
    if (!set || text_quote_sql_literal(&sql, value))
        replace(&step->sql, sql.data);
    strbuf_clear(&sql);
}

void plan_add_reload(struct plan *plan)
{
    bool same = plan_nothing_to_do(plan);
    struct step *step = plan_add(plan, "reload", same ? PLAN_SAME : PLAN_ACT, json_object());

    step_set_title(step, "%s", same ? _("reload: not needed") : _("reload"));
    replace(&step->effect, _("sessions stay open"));
    if (!same)
        replace(&step->sql, "SELECT pg_catalog.pg_reload_conf()");
}

void plan_add_look(struct plan *plan, const char *kind, const char *title)
{
    struct step *step = plan_add(plan, kind, PLAN_LOOK, json_object());

    step_set_title(step, "%s", title);
}

/* ---- for readers ---- */

const char *plan_title(const struct plan *plan)
{
    return plan->title;
}

int64_t plan_id(const struct plan *plan)
{
    return plan->id;
}

enum journal_plan_state plan_state(const struct plan *plan)
{
    return plan->state;
}

size_t plan_count(const struct plan *plan)
{
    return plan->n;
}

struct plan_step_view plan_step(const struct plan *plan, size_t i)
{
    const struct step *step = &plan->steps[i];

    return (struct plan_step_view){.n = (int)i + 1,
                                   .mark = step->mark,
                                   .title = step->title,
                                   .effect = step->effect,
                                   .sql = step->sql,
                                   .file = step->file,
                                   .lines = step_text(step, "lines"),
                                   .state = step->state,
                                   .saw = step->saw,
                                   .took_ms = step->took_ms};
}

bool plan_nothing_to_do(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->steps[i].mark != PLAN_SAME && plan->steps[i].mark != PLAN_LOOK)
            return false;
    }
    return true;
}

/* ---- the same by hand ---- */

static void add_quoted(struct strbuf *out, const char *text)
{
    if (!text_quote_shell(out, text))
        strbuf_add_str(out, "FILE");
}

/* Made while the plan runs; of one that is there already nothing is shown. */
static void script_key(const struct plan *plan, const struct step *step, struct strbuf *out)
{
    if (plan->n_hosts == 0) {
        strbuf_add_str(out, "# (a private key, mode 0600: copied by its owner, never shown)\n");
        return;
    }
    strbuf_add_str(out, "(umask 077; openssl genpkey -algorithm EC -pkeyopt "
                        "ec_paramgen_curve:P-256 -out ");
    add_quoted(out, step->file);
    strbuf_add_str(out, ")\n");
}

static bool is_address(const char *host)
{
    return strchr(host, ':') != NULL || host[strspn(host, "0123456789.")] == '\0';
}

static void script_server_cert(const struct plan *plan, const struct step *step, struct strbuf *out)
{
    char *key = mem_strndup(step->file, strlen(step->file) - 3); /* "crt" */
    char *key_path = mem_printf("%skey", key);

    strbuf_add_str(out, "# ca.crt and ca.key: of the CA; its passphrase is asked for\n"
                        "openssl req -new -out server.csr -key ");
    add_quoted(out, key_path);
    strbuf_printf(out,
                  " -subj %s%s\n"
                  "printf '%%s\\n' basicConstraints=critical,CA:FALSE \\\n"
                  "    keyUsage=critical,digitalSignature extendedKeyUsage=serverAuth \\\n"
                  "    authorityKeyIdentifier=keyid subjectAltName=",
                  strchr(plan->hosts[0], '/') ? "/" : "/CN=",
                  strchr(plan->hosts[0], '/') ? "" : plan->hosts[0]);
    for (size_t i = 0; i < plan->n_hosts; i++)
        strbuf_printf(out, "%s%s:%s", i ? "," : "", is_address(plan->hosts[i]) ? "IP" : "DNS",
                      plan->hosts[i]);
    strbuf_printf(out,
                  " > server.ext\n"
                  "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days %d \\\n"
                  "    -extfile server.ext -out ",
                  plan->days ? plan->days : ISSUED_SERVER_DAYS);
    add_quoted(out, step->file);
    strbuf_add_char(out, '\n');
    free(key_path);
    free(key);
}

static void script_file(const struct plan *plan, const struct step *step, struct strbuf *out)
{
    if (strcmp(step->kind->name, "key") == 0) {
        script_key(plan, step, out);
    } else if (strcmp(step->kind->name, "server_cert") == 0) {
        script_server_cert(plan, step, out);
    } else if (step->by_hand) {
        strbuf_add_str(out, step->by_hand);
    } else if (step->bytes.len > 0) {
        strbuf_add_str(out, "cat > ");
        add_quoted(out, step->file);
        strbuf_printf(out, " <<'PGSEAL'\n%sPGSEAL\n", step->bytes.data);
    }
}

static void script_sql(const struct plan *plan, const struct step *step, struct strbuf *out)
{
    strbuf_add_str(out, "psql ");
    if (!text_quote_shell(out, plan->target.server->conninfo))
        strbuf_add_str(out, "CONNINFO");
    strbuf_add_str(out, " -c ");
    if (!text_quote_shell(out, step->sql))
        strbuf_add_str(out, "SQL");
    strbuf_add_char(out, '\n');
}

void plan_script(const struct plan *plan, struct strbuf *out)
{
    strbuf_printf(out,
                  "#!/bin/sh\n# %s\n# Files are written on the server, as its own user.\nset -e\n",
                  plan->title);
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];

        strbuf_printf(out, "\n# %zu %c %s\n", i + 1, (char)step->mark, step->title);
        if (*step->effect)
            strbuf_printf(out, "#   %s\n", step->effect);
        if (step->mark == PLAN_SAME)
            continue;
        if (*step->file)
            script_file(plan, step, out);
        if (*step->sql)
            script_sql(plan, step, out);
    }
}
