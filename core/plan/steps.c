/* steps.c - what a step can be: one row each. */
#include "config.h"

#include "core/plan/step.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/ident.h"

/* ---- key and server certificate: their names come from the key, so being there is enough ---- */

static bool there_observe(struct step_run *run, struct step *step, enum observed *ret,
                          struct err *err)
{
    bool there;

    if (!files_exists(run->files, step_text(step, "path"), &there, err))
        return false;
    *ret = there ? OBSERVED_AFTER : OBSERVED_BEFORE;
    return true;
}

static bool key_apply(struct step_run *run, struct step *step, struct err *err)
{
    if (!files_write_key(run->files, step_text(step, "path"), step->secret, err))
        return false;
    secret_free(step->secret);
    step->secret = NULL;
    step_set_saw(step, _("written, mode 0600"));
    return true;
}

/* ---- setting: a line of postgresql.auto.conf, or none ("set": false) ---- */

static bool is_line(const struct setting *now, bool set, const char *value)
{
    if (!now || !now->in_auto_conf)
        return !set;
    return set && strcmp(now->auto_value, value) == 0;
}

static bool change_line(struct step_run *run, const char *name, bool set, const char *value,
                        struct err *err)
{
    return set ? settings_alter(run->target->admin, name, value, err)
               : settings_reset(run->target->admin, name, err);
}

static bool setting_observe(struct step_run *run, struct step *step, enum observed *ret,
                            struct err *err)
{
    struct settings settings;
    const struct setting *now;

    if (!settings_read(run->target->admin, &settings, err))
        return false;
    now = settings_get(&settings, step_text(step, "name"));
    if (is_line(now, step_is(step, "set"), step_text(step, "value")))
        *ret = OBSERVED_AFTER;
    else if (is_line(now, step_is(step, "was_set"), step_text(step, "was")))
        *ret = OBSERVED_BEFORE;
    else
        *ret = OBSERVED_OTHER;
    settings_clear(&settings);
    return true;
}

static bool setting_apply(struct step_run *run, struct step *step, struct err *err)
{
    bool set = step_is(step, "set");

    if (!change_line(run, step_text(step, "name"), set, step_text(step, "value"), err))
        return false;
    step_set_saw(step, "%s", set ? _("set") : _("reset"));
    return true;
}

static bool setting_undo(struct step_run *run, struct step *step, struct err *err)
{
    bool was_set = step_is(step, "was_set");

    if (!settings_put_back(run->target->admin, step_text(step, "name"),
                           was_set ? step_text(step, "was") : NULL, err))
        return false;
    if (was_set)
        step_set_saw(step, _("back to '%s'"), step_text(step, "was"));
    else
        step_set_saw(step, _("reset"));
    return true;
}

/* ---- reload, and the look into the rules before it ---- */

static bool reload_apply(struct step_run *run, struct step *step, struct err *err)
{
    if (!settings_reload(run->target->admin, err))
        return false;
    step_set_saw(step, _("the server read its configuration again"));
    return true;
}

static bool hba_check_apply(struct step_run *run, struct step *step, struct err *err)
{
    if (!hba_check_on_server(run->target->admin, err))
        return false;
    step_set_saw(step, _("no error in pg_hba_file_rules"));
    return true;
}

static bool ident_check_apply(struct step_run *run, struct step *step, struct err *err)
{
    if (!ident_check_on_server(run->target->admin, err))
        return false;
    step_set_saw(step, ident_has_view(run->target->admin)
                           ? _("no error in pg_ident_file_mappings")
                           : _("read here: before PostgreSQL 15 the server does not tell"));
    return true;
}

/* ---- the table ---- */

static const struct step_kind kinds[] = {
    {"file", step_file_observe, step_file_apply, step_file_undo, step_file_is_torn, true},
    {"key", there_observe, key_apply, step_file_undo, NULL, true},
    {"server_cert", there_observe, step_server_cert_apply, step_server_cert_undo, NULL, true},
    {"setting", setting_observe, setting_apply, setting_undo, NULL, false},
    {"hba", step_hba_observe, step_hba_apply, step_hba_undo, step_hba_is_torn, false},
    {"crl", step_hba_observe, step_hba_apply, step_hba_undo, step_hba_is_torn, false},
    {"ident", step_hba_observe, step_hba_apply, step_hba_undo, step_hba_is_torn, false},
    {"guard", NULL, step_guard_apply, NULL, NULL, false},
    {"hba_check", NULL, hba_check_apply, NULL, NULL, false},
    {"ident_check", NULL, ident_check_apply, NULL, NULL, false},
    {"reload", NULL, reload_apply, NULL, NULL, false},
    {"prove_server_cert", NULL, step_prove_server_cert, NULL, NULL, false},
    {"prove_shown_cert", NULL, step_prove_shown_cert, NULL, NULL, false},
    {"prove_same_chain", NULL, step_prove_same_chain, NULL, NULL, false},
    {"prove_loaded", NULL, step_prove_loaded, NULL, NULL, false},
    {"prove_cas", NULL, step_prove_cas, NULL, NULL, false},
    {"prove_canaries", NULL, step_prove_canaries, NULL, NULL, false},
    {"prove_revoked", NULL, step_prove_revoked, NULL, NULL, false},
    {"prove_login", NULL, step_prove_login, NULL, NULL, false},
    {"prove_admin", NULL, step_prove_admin, NULL, NULL, false},
};

const struct step_kind *step_kind(const struct step *step)
{
    return step_kind_find(step->kind);
}

const struct step_kind *step_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}
