/* steps.c - what a step can be: one row each. */
#include "config.h"

#include "core/plan/step.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/ident.h"

/* ---- file: a new file with a hash in its name ---- */

static bool file_observe(struct step_run *run, struct step *step, enum observed *ret,
                         struct err *err)
{
    const char *path = step_text(step, "path");
    const char *wanted = step_text(step, "sha256");
    struct strbuf hex = STRBUF_INIT;
    uint8_t sha256[32];
    bool torn = false;
    bool there;

    if (!files_exists(run->files, path, &there, err))
        return false;
    *ret = OBSERVED_BEFORE;
    if (!there)
        return true;
    if (!files_sha256(run->files, path, sha256, err))
        return false;
    strbuf_add_hex(&hex, sha256, sizeof(sha256));
    *ret = strcmp(hex.data, wanted) == 0 ? OBSERVED_AFTER : OBSERVED_OTHER;
    strbuf_clear(&hex);
    if (*ret == OBSERVED_OTHER && step->bytes.len > 0 && /* else it is another process's */
        !files_is_torn(run->files, path, step->bytes.data, step->bytes.len, &torn, err))
        return false;
    if (torn)
        *ret = OBSERVED_BEFORE;
    return true;
}

static bool file_apply(struct step_run *run, struct step *step, struct err *err)
{
    unsigned mode = (unsigned)json_integer_value(json_object_get(step->data, "mode"));

    if (!files_write_new(run->files, step_text(step, "path"), step->bytes.data, step->bytes.len,
                         mode, NULL, err))
        return false;
    step_set_saw(step, _("read back: sha256 %.12s"), step_text(step, "sha256"));
    return true;
}

/* A file that a setting still names stays: without it the server would not start again. */
static bool is_named(const struct settings *settings, const char *path)
{
    const char *name = strrchr(path, '/');

    name = name ? name + 1 : path;
    for (size_t i = 0; i < settings->n; i++) {
        const struct setting *row = &settings->rows[i];

        if (strcmp(row->value, path) == 0 || strcmp(row->value, name) == 0 ||
            strcmp(row->auto_value, path) == 0 || strcmp(row->auto_value, name) == 0)
            return true;
    }
    return false;
}

static bool file_is_torn(struct step_run *run, const struct step *step);

/* In ssl_crl_dir a file counts without a setting that names it, and SQL cannot delete: a list that stays
 * there is whole. The beginning of one keeps its CA's clients out, as the missing one did. */
static void stays_in_folder(struct step_run *run, struct step *step)
{
    const char *path = step_text(step, "path");
    struct err ignored = ERR_INIT; /* said below */

    if (file_is_torn(run, step) &&
        (step->bytes.len == 0 || !files_write_new(run->files, path, step->bytes.data,
                                                  step->bytes.len, 0644, NULL, &ignored))) {
        step_set_saw(step, _("the beginning of a list stays behind: %s"), path);
        run_saw(run->watch,
                _("\"%s\" is the beginning of a list: clients of its CA are refused; \"pgseal "
                  "server crl %s\" writes it whole"),
                path, run->target->server->name);
        return;
    }
    step_set_saw(step, _("stays behind, whole: %s"), path);
    run_saw(run->watch, _("the list \"%s\" stays on the server: SQL cannot delete it"), path);
}

bool step_file_undo(struct step_run *run, struct step *step, struct err *err)
{
    const char *path = step_text(step, "path");
    struct settings settings;
    bool named;
    bool removed = false;

    if (!settings_read(run->target->admin, &settings, err))
        return false;
    named = is_named(&settings, path);
    settings_clear(&settings);
    if (!named && !files_remove(run->files, path, &removed, err))
        return false;
    if (removed) {
        step_set_saw(step, _("removed"));
    } else if (step_is(step, "in_folder")) {
        stays_in_folder(run, step);
    } else { /* nothing uses it, and SQL cannot delete: harmless, but said */
        step_set_saw(step, _("stays behind, unused: %s"), path);
        run_saw(run->watch, _("file \"%s\" stays on the server, unused"), path);
    }
    return true;
}

/* Nothing was there when it began, and it is shorter than it should be. */
static bool file_is_torn(struct step_run *run, const struct step *step)
{
    json_int_t size = json_integer_value(json_object_get(step->data, "size"));
    struct strbuf now = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* longer, or gone */
    bool torn = size > 0 &&
                files_read(run->files, step_text(step, "path"), (size_t)size - 1, &now, &ignored);

    strbuf_clear(&now);
    return torn;
}

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
    {"file", file_observe, file_apply, step_file_undo, file_is_torn, true},
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

const struct step_kind *step_kind_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}
