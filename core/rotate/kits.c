/* kits.c - new certificates for a rotation's worklist, and the folder that they are written into. */
#include "config.h"

#include "core/rotate/kits.h"

#include <stdlib.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/address.h"
#include "core/rotate/servers.h"
#include "core/store/authority_request.h"

bool rotate_choose_folder(struct rotate_work *work, const char *what, struct err *err)
{
    const char *wanted = work->request->folder;
    char *absolute;

    if (wanted == NULL || *wanted == '\0') {
        if (work->rotation->folder[0] != '\0')
            return true;
        err_set(err, ERR_NEEDS_ANSWER, _("no folder for the %s was given"), what);
        return err_hint(err, _("Give one (--out DIR)."));
    }
    if (!fs_make_folder(wanted, err))
        return false;
    absolute = realpath(wanted, NULL);
    if (absolute == NULL)
        return err_set(err, ERR_FILE, _("cannot find the folder \"%s\""), wanted);
    if (text_equal(absolute, work->rotation->folder)) {
        free(absolute);
        return true;
    }
    free(work->rotation->folder);
    work->rotation->folder = absolute;
    return rotation_save(work->store, work->rotation, "a folder is chosen", err);
}

bool kits_add(struct batch_list *list, const char *role, int64_t replaces)
{
    if (list->n > 0 && text_equal(list->rows[list->n - 1].role, role))
        return false;
    list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(list->rows[0]));
    list->rows[list->n] =
        (struct batch_row){.role = mem_strdup(role), .line = list->n + 1, .replaces = replaces};
    list->n++;
    return true;
}

bool kits_are_there(const struct rotate_work *work, size_t n, struct err *err)
{
    err_set(err, ERR_FILE_EXISTS, _("\"%s\" has kits of %zu roles already, of an earlier time"),
            work->rotation->folder, n);
    return err_hint(err, _("Give another folder (--out DIR)."));
}

/* Where clients connect, for the lines in the README: the first server of the scope. */
static bool first_address(struct rotate_work *work, char **ret_host, int *ret_port, struct err *err)
{
    struct server_list scope = {.n = 0};
    struct err ignored = ERR_INIT;

    if (!rotate_scope(work, &scope, err))
        return false;
    if (scope.n > 0 && !plan_tls_address(scope.rows[0], ret_host, ret_port, &ignored))
        *ret_host = NULL;
    server_list_clear(&scope);
    return true;
}

static bool run_batch(struct rotate_work *work, const struct batch_list *list,
                      const struct key *key, struct batch_result *ret, struct err *err)
{
    const struct rotate_request *request = work->request;
    struct authority_parents parents = {.crls = NULL};
    struct cert_list roots = {.n = 0};
    char *host = NULL;
    struct batch_spec spec = {
        .authority = work->new_ca,
        .authority_key = key,
        .list = list,
        .folder = work->rotation->folder,
        .formats = request->formats != 0 ? request->formats : KIT_PEM,
        .days = request->days,
        .key_type = request->key_type,
        .key_passphrase = request->key_passphrase,
        .p12_passphrase = request->p12_passphrase,
        .cancelled = request->cancelled,
        .arg = request->arg,
    };
    bool ok = authority_load_parents(work->store, work->new_ca, &parents, err) &&
              authority_server_roots(work->store, &roots, err) &&
              first_address(work, &host, &spec.server_port, err);

    if (ok) {
        spec.parents = &parents.certs;
        spec.roots = &roots;
        spec.server_host = host != NULL && host[0] != '\0' ? host : NULL;
        ok = batch_run(work->store, &spec, ret, err);
    }
    authority_parents_clear(&parents);
    cert_list_clear(&roots);
    free(host);
    return ok;
}

bool kits_make(struct rotate_work *work, const struct batch_list *list, const struct key *key,
               struct rotate_outcome *ret, size_t *ret_present, struct err *err)
{
    struct batch_result result = {.made = 0};
    bool ok;

    for (size_t i = 0; work->preview != NULL && i < list->n; i++)
        rotate_preview_kit(work->preview, list->rows[i].role);
    if (work->preview != NULL || list->n == 0)
        return true;
    if (!rotate_choose_folder(work, _("kits"), err))
        return false;
    if (key == NULL)
        return err_set(err, ERR_CA_KEY, _("the key of the CA \"%s\" is not unlocked"),
                       work->new_ca->name);
    ok = run_batch(work, list, key, &result, err);
    ret->made += result.made;
    if (result.made > 0)
        rotate_add_file(ret, work->rotation->folder);
    *ret_present = result.made < list->n ? result.present : 0;
    return ok;
}
