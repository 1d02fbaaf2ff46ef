/* step_file.c - the step "file": a new file with a hash in its name. */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/plan/step.h"

bool step_file_observe(struct step_run *run, struct step *step, enum observed *ret, struct err *err)
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

bool step_file_apply(struct step_run *run, struct step *step, struct err *err)
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

/* Nothing was there when it began, and it is shorter than it should be. */
bool step_file_is_torn(struct step_run *run, const struct step *step)
{
    json_int_t size = json_integer_value(json_object_get(step->data, "size"));
    struct strbuf now = STRBUF_INIT;
    struct err ignored = ERR_INIT; /* longer, or gone */
    bool torn = size > 0 &&
                files_read(run->files, step_text(step, "path"), (size_t)size - 1, &now, &ignored);

    strbuf_clear(&now);
    return torn;
}

/* In ssl_crl_dir a file counts without a setting that names it, and SQL cannot delete: a list that stays
 * there is whole. The beginning of one keeps its CA's clients out, as the missing one did. */
static void stays_in_folder(struct step_run *run, struct step *step)
{
    const char *path = step_text(step, "path");
    struct err ignored = ERR_INIT; /* said below */

    if (step_file_is_torn(run, step) &&
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
