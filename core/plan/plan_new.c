/* plan_new.c - a plan without steps: whose server it is, what the role may, what the wire shows. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/grants.h"
#include "core/plan/step.h"

#define HAND_MAX (4u << 20)

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
