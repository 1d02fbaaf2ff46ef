/* saved_fresh.c - is the server still the one, and as it was, when the plan was made? */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/plan/saved_part.h"

static bool compare(const char *name, const json_t *then, const json_t *now, struct err *err)
{
    bool is_setting = strncmp(name, "ssl", 3) == 0;

    if (strcmp(saved_string(then, "value"), saved_string(now, "value")) != 0)
        err_set(err, ERR_PLAN_STALE, _("%s is \"%s\" now, and was \"%s\" when the plan was made"),
                name, saved_string(now, "value"), saved_string(then, "value"));
    else if (strcmp(saved_string(then, "sha256"), saved_string(now, "sha256")) != 0)
        err_set(err, ERR_PLAN_STALE, _("file \"%s\"%s%s%s has changed since the plan was made"),
                saved_string(now, "value"), is_setting ? " (" : "", is_setting ? name : "",
                is_setting ? ")" : "");
    else
        return true;
    err_state(err, _("Nothing was changed."));
    return err_hint(err, _("Look at what changed, and make the plan again."));
}

static bool check_unchanged(const json_t *want, const json_t *saw, struct files *files,
                            const struct settings *settings, struct err *err)
{
    json_t *now = want_saw(saved_string(want, "kind"), files, settings);
    const char *name;
    json_t *seen;
    bool good = true;

    json_object_foreach(now, name, seen)
    {
        const json_t *then = json_object_get(saw, name);

        if (good && !json_is_object(then))
            good = saved_no_plan(err, _("it does not say what it was built on"));
        good = good && compare(name, then, seen, err);
    }
    json_decref(now);
    return good;
}

bool plan_check_fresh(const struct plan *plan, struct err *err)
{
    const json_t *want = json_object_get(plan->intent, "want");
    const json_t *saw = json_object_get(plan->intent, "saw");
    struct settings settings;
    bool good;

    if (!want || !saw)
        return true; /* it brings a private key, and reads nothing that it gives back */
    if (!settings_read(plan->target.admin, &settings, err))
        return false;
    good = check_unchanged(want, saw, plan->files, &settings, err);
    settings_clear(&settings);
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

bool saved_check_server(const struct saved_plan *saved, const struct plan_target *target,
                        struct err *err)
{
    struct settings settings;
    struct files *files = NULL;
    bool good;

    if (!check_server(saved, target, err) || !settings_read(target->admin, &settings, err))
        return false;
    files = files_new(target->admin, settings.data_directory, err);
    good =
        files && (!saved->saw || check_unchanged(saved->want, saved->saw, files, &settings, err));
    files_free(files);
    settings_clear(&settings);
    return good;
}
