/*
 * crl_dir.c - the lists in ssl_crl_dir, a file for each CA.
 *
 * Source   OpenSSL's by_dir.c: "<hash of the issuer>.r0", ".r1" … until the first number that is
 *          missing; all of one hash are loaded, the list with the latest begin counts. Every session
 *          reads the folder anew: a list there counts for the next one, without a reload.
 * Rules    only files that hold the list of the CA in question, and nothing else, are replaced (by
 *          rename where the file system is here); whoever else has the same hash stays, and the list
 *          goes to the next free number.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pki/ossl.h"
#include "core/pki/pem.h"
#include "core/plan/bundle.h"

const char *crl_dir_of(const struct plan *plan)
{
    return settings_value(&plan->settings, "ssl_crl_dir");
}

void crl_dir_clear(struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->n_files; i++) {
        struct crl_dir_file *file = &bundle->files[i];

        for (size_t k = 0; k < file->n_crls; k++)
            crl_free(file->crls[k]);
        free(file->crls);
        free(file->path);
        strbuf_clear(&file->bytes);
    }
    free(bundle->files);
    bundle->files = NULL;
    bundle->n_files = 0;
}

/* The newest list of this CA in this file; borrowed. */
static const struct crl *list_in(const struct crl_dir_file *file, const struct cert *ca)
{
    const struct crl *newest = NULL;

    for (size_t i = 0; i < file->n_crls; i++) {
        const struct crl *crl = file->crls[i];

        if (crl_signed_by(crl, ca) && (!newest || crl_is_newer(crl, newest)))
            newest = crl;
    }
    return newest;
}

const struct crl *crl_dir_newest(const struct bundle *bundle, const struct cert *ca)
{
    const struct crl *newest = NULL;

    for (size_t i = 0; i < bundle->n_files; i++) {
        const struct crl *crl = list_in(&bundle->files[i], ca);

        if (crl && (!newest || crl_is_newer(crl, newest)))
            newest = crl;
    }
    return newest;
}

/* ---- reading ---- */

const struct crl_dir_file *crl_dir_find(const struct bundle *bundle, const char *path)
{
    for (size_t i = 0; i < bundle->n_files; i++) {
        if (strcmp(bundle->files[i].path, path) == 0)
            return &bundle->files[i];
    }
    return NULL;
}

char *crl_dir_path(const struct plan *plan, const struct cert *ca, int number)
{
    unsigned long hash = X509_NAME_hash_ex(X509_get_subject_name(ossl_cert(ca)), NULL, NULL, NULL);
    char *folder = plan_path(plan, crl_dir_of(plan));
    char *path = mem_printf("%s/%08lx.r%d", folder, hash, number);

    free(folder);
    return path;
}

static bool is_torn(const struct strbuf *bytes)
{
    static const char begin[] = "-----BEGIN X509 CRL-----";
    size_t len = bytes->len < sizeof(begin) - 1 ? bytes->len : sizeof(begin) - 1;

    return bytes->len == 0 || (memcmp(bytes->data, begin, len) == 0 &&
                               !memmem(bytes->data, bytes->len, "-----END", 8));
}

static bool parse(const struct strbuf *bytes, const char *path, struct crl_dir_file *ret,
                  struct err *err)
{
    struct pem pem;
    bool good;

    pem_scan(bytes->data, bytes->len, &pem);
    good = pem_take_crls(&pem, &ret->crls, &ret->n_crls, err);
    pem_clear(&pem);
    if (good && ret->n_crls > 0)
        return true;
    err_set(err, ERR_CRL_DIR, _("\"%s\" in ssl_crl_dir is no list of revoked certificates"), path);
    err_cause(err, _("OpenSSL stops there: nothing behind it counts."));
    return err_hint(err, _("Take it away, and run this again."));
}

static bool read_one(const struct plan *plan, const char *path, struct bundle *bundle,
                     struct err *err)
{
    struct crl_dir_file file = {.path = mem_strdup(path)};
    bool good;

    strbuf_init(&file.bytes);
    good = files_read(plan->files, path, PEM_SCAN_MAX, &file.bytes, err);
    file.torn = good && is_torn(&file.bytes);
    good = good && (file.torn || parse(&file.bytes, path, &file, err));
    bundle->files = mem_realloc_array(bundle->files, bundle->n_files + 1, sizeof(bundle->files[0]));
    bundle->files[bundle->n_files++] = file;
    return good;
}

static bool read_lists_of(const struct plan *plan, const struct cert *ca, struct bundle *bundle,
                          struct err *err)
{
    for (int number = 0; number < CRL_DIR_NUMBERS; number++) {
        char *path = crl_dir_path(plan, ca, number);
        bool known = crl_dir_find(bundle, path) != NULL;
        bool there = known;
        bool good = known || (plan_file_there(plan, path, &there, err) &&
                              (!there || read_one(plan, path, bundle, err)));

        free(path);
        if (!good || !there)
            return good;
    }
    return err_set(err, ERR_POLICY, _("ssl_crl_dir has more than %d files of one hash"),
                   CRL_DIR_NUMBERS);
}

/* Nothing complains about a folder that is missing: all certificates are refused. */
static bool check_folder(const struct plan *plan, struct err *err)
{
    char *folder = plan_path(plan, crl_dir_of(plan));
    struct err ignored = ERR_INIT; /* "that is a folder" */
    bool there = true;
    bool good =
        plan->target.by_hand || !files_exists(plan->files, folder, &there, &ignored) || there ||
        err_set(err, ERR_CRL_DIR, _("ssl_crl_dir \"%s\" is not there on the server"), folder);

    free(folder);
    return good;
}

bool crl_dir_read(const struct plan *plan, const struct cert_list *cas, struct bundle *bundle,
                  struct err *err)
{
    if (!*crl_dir_of(plan))
        return true;
    if (strchr(crl_dir_of(plan), ':')) /* to OpenSSL a list of folders */
        return err_set(err, ERR_POLICY, _("ssl_crl_dir of server \"%s\" names several folders"),
                       plan->target.server->name);
    if (!check_folder(plan, err))
        return false;
    for (size_t i = 0; i < cas->n; i++) {
        if (!read_lists_of(plan, cas->certs[i], bundle, err))
            return false;
    }
    return true;
}

bool crl_dir_read_before(const struct plan *plan, struct bundle *bundle, struct err *err)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct step *step = &plan->steps[i];
        bool replaced = strcmp(step->kind, "crl") == 0;
        struct crl_dir_file *file;

        if (!replaced && !step_is(step, "in_folder"))
            continue;
        file = (struct crl_dir_file *)(uintptr_t)crl_dir_find(bundle, step_text(step, "path"));
        if (!file || step->state == JOURNAL_STEP_SKIPPED)
            continue;
        for (size_t k = 0; k < file->n_crls; k++)
            crl_free(file->crls[k]);
        free(file->crls);
        file->crls = NULL;
        file->n_crls = 0;
        strbuf_reset(&file->bytes);
        if (replaced &&
            (!files_read(plan->files, step_text(step, "backup"), PEM_SCAN_MAX, &file->bytes, err) ||
             (!is_torn(&file->bytes) && !parse(&file->bytes, file->path, file, err))))
            return false;
    }
    return true;
}
