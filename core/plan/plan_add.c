/* plan_add.c - the steps that plans are made of: a file, a setting, a reload, a look. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/step.h"

#define NAME_HASH_LEN 12 /* of the sha256 in a file's name; the whole hash is compared */

struct step *plan_add(struct plan *plan, const char *kind, enum plan_mark mark, json_t *data)
{
    struct step *step;

    plan->steps = mem_realloc_array(plan->steps, plan->n + 1, sizeof(plan->steps[0]));
    step = &plan->steps[plan->n++];
    *step = (struct step){.kind = kind, .mark = mark, .data = data};
    step->title = mem_strdup("");
    step->effect = mem_strdup("");
    step->sql = mem_strdup("");
    step->file = mem_strdup("");
    step->saw = mem_strdup("");
    strbuf_init(&step->bytes);
    cert_list_init(&step->certs);
    return step;
}

/* Cleaned, since it is shown: paths and values may be the server's words. */
static void replace(char **text, const char *with)
{
    struct strbuf clean = STRBUF_INIT;

    text_clean(&clean, with ? with : "", with ? strlen(with) : 0, TEXT_KEEP_NEWLINES);
    free(*text);
    *text = strbuf_steal(&clean);
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
