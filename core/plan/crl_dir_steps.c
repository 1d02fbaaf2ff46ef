/* crl_dir_steps.c - the steps that bring lists into ssl_crl_dir. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/pem.h"
#include "core/plan/bundle.h"

static void fill(struct step *step, const char *path, const struct strbuf *pem)
{
    free(step->effect);
    step->effect = mem_strdup(_("every new session reads it; sessions stay open"));
    free(step->file);
    step->file = mem_strdup(path);
    strbuf_add(&step->bytes, pem->data, pem->len);
}

/* In this plan already: the same list for a CA's other certificate, or another CA's of the same hash. */
static bool is_planned(const struct plan *plan, const char *field, const char *value)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];

        if ((step_is(step, "in_folder") || strcmp(step->kind, "crl") == 0) &&
            strcmp(step_text(step, field), value) == 0)
            return true;
    }
    return false;
}

static bool add_new(struct plan *plan, const struct bundle *present, const struct cert *ca,
                    const struct strbuf *pem, struct err *err)
{
    char hex[65];
    bool done = is_planned(plan, "sha256", step_hash(pem, hex));

    for (int number = 0; !done && number < CRL_DIR_NUMBERS; number++) {
        char *path = crl_dir_path(plan, ca, number);

        if (!crl_dir_find(present, path) && !is_planned(plan, "path", path)) {
            struct step *step =
                plan_add(plan, "file", PLAN_NEW,
                         json_pack("{s:s,s:s,s:i,s:I,s:b}", "path", path, "sha256", hex, "mode",
                                   0644, "size", (json_int_t)pem->len, "in_folder", true));

            step_set_title(step, _("file %s: new, %04o, %zu bytes"), path, 0644u, pem->len);
            fill(step, path, pem);
            done = true;
        }
        free(path);
    }
    return done || err_set(err, ERR_POLICY, _("ssl_crl_dir has more than %d files of one hash"),
                           CRL_DIR_NUMBERS);
}

static bool add_replacing(struct plan *plan, const struct crl_dir_file *file,
                          const struct strbuf *pem, struct err *err)
{
    struct strbuf copy = STRBUF_INIT;
    char *backup_name = NULL;
    char *backup;
    struct step *step;
    char before[65], after[65];
    bool good;

    if (!plan->target.by_hand &&
        !files_can_put_back(plan->files, file->bytes.data, file->bytes.len)) {
        err_set(err, ERR_MAY_NOT_CHANGE, _("the role may not replace \"%s\""), file->path);
        return err_hint(err, _("\"pgseal server grants %s\" prints what the owner must run."),
                        plan->target.server->name);
    }
    strbuf_add(&copy, file->bytes.data, file->bytes.len);
    good = plan_add_file(plan, "pgseal-crl", ".crl", &copy, 0644, _("a copy of the list as it is"),
                         &backup_name, err);
    strbuf_clear(&copy);
    if (!good)
        return false;
    json_object_set_new(plan->steps[plan->n - 1].data, "copy_of", json_string(file->path));
    backup = plan_path(plan, backup_name);
    step = plan_add(plan, "crl", PLAN_CHANGE,
                    json_pack("{s:s,s:s,s:s,s:s}", "path", file->path, "before",
                              step_hash(&file->bytes, before), "after", step_hash(pem, after),
                              "backup", backup));
    step_set_title(step, _("file %s: the next list, %zu bytes"), file->path, pem->len);
    fill(step, file->path, pem);
    free(backup_name);
    free(backup);
    return true;
}

/* What was torn says nothing of whose it is, but its name does. */
static bool is_torn_of(const struct plan *plan, const struct crl_dir_file *file,
                       const struct cert *ca)
{
    char *path = crl_dir_path(plan, ca, 0);
    bool is = file->torn && strncmp(file->path, path, strlen(path) - 1) == 0;

    free(path);
    return is;
}

static bool has_torn(const struct plan *plan, const struct bundle *present, const struct cert *ca)
{
    for (size_t i = 0; i < present->n_files; i++) {
        if (is_torn_of(plan, &present->files[i], ca))
            return true;
    }
    return false;
}

/* An old list of the CA beside the new one would go on where both begin in the same second: so all
 * its files get the new one. */
static bool add_list(struct plan *plan, const struct bundle *present, const struct cert *ca,
                     const struct crl *crl, struct err *err)
{
    const struct crl *newest = crl_dir_newest(present, ca);
    struct strbuf pem = STRBUF_INIT;
    bool found = false;
    bool good = true;

    if (newest && crl_equal(newest, crl) && !has_torn(plan, present, ca))
        return true;
    good = crl_to_pem(crl, &pem, err);
    for (size_t i = 0; good && i < present->n_files; i++) {
        const struct crl_dir_file *file = &present->files[i];

        if (!is_torn_of(plan, file, ca) && (file->n_crls != 1 || !crl_signed_by(file->crls[0], ca)))
            continue;
        found = true;
        if (!is_planned(plan, "path", file->path))
            good = add_replacing(plan, file, &pem, err);
    }
    /* with a CRL file beside it the list stands there already */
    if (good && !found && !*settings_value(&plan->settings, "ssl_crl_file"))
        good = add_new(plan, present, ca, &pem, err);
    strbuf_clear(&pem);
    return good;
}

bool crl_dir_add_steps(struct plan *plan, const struct bundle *present, const struct bundle *wanted,
                       struct err *err)
{
    for (size_t i = 0; *crl_dir_of(plan) && i < wanted->cas.n; i++) {
        const struct cert *ca = wanted->cas.certs[i];
        const struct crl *crl = bundle_crl(wanted, ca);

        if (crl && !add_list(plan, present, ca, crl, err))
            return false;
    }
    return true;
}
