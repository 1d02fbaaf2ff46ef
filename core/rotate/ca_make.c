/* ca_make.c - the new CA, the new certificates, and the end of the old CA's key. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/ca_act.h"
#include "core/rotate/kits.h"
#include "core/rotate/server_part.h"
#include "core/rotate/servers.h"
#include "core/store/authority_change.h"
#include "core/store/authority_request.h"
#include "core/store/foreign.h"

/* ---- a new generation ---- */

/* The name is written down first: a run that was killed after it made the CA finds it again. */
static char *generation_name(struct rotate_work *work, struct authority **ret_made, struct err *err)
{
    char *name = rotate_option(work->rotation, "generation");
    struct err ignored = ERR_INIT;

    *ret_made = *name != '\0' ? authority_load(work->store, name, &ignored) : NULL;
    if (*ret_made != NULL && (*ret_made)->created_at < work->rotation->started_at) {
        authority_free(*ret_made); /* of somebody else */
        *ret_made = NULL;
        *name = '\0';
    }
    if (*name != '\0')
        return name;
    free(name);
    name = authority_next_name(work->store, work->rotation->name, err);
    if (name != NULL &&
        !rotate_set_option(work, "generation", name, "the new CA's name is chosen", err)) {
        free(name);
        name = NULL;
    }
    return name;
}

/* The name that it would get. */
static bool preview_generation(struct rotate_work *work, struct err *err)
{
    char *name = rotate_option(work->rotation, "generation");

    if (*name == '\0') {
        free(name);
        name = authority_next_name(work->store, work->rotation->name, err);
    }
    if (name != NULL)
        rotate_preview_line(work->preview,
                            _("the CA \"%s\" is made, with its own key, its canaries and its list; "
                              "no server is changed"),
                            name);
    free(name);
    return name != NULL;
}

bool ca_make_generation(struct rotate_work *work, struct err *err)
{
    const struct rotate_request *request = work->request;
    struct authority_spec spec = {
        .key_type = request->key_type,
        .days = request->days,
        .passphrase = request->new_passphrase,
        .cancelled = request->cancelled,
        .cancelled_arg = request->arg,
    };
    struct authority *made = NULL;
    char *name;
    char *detail;
    bool ok;

    if (work->new_cert != NULL)
        return true;
    if (work->preview != NULL)
        return preview_generation(work, err);
    name = generation_name(work, &made, err);
    spec.name = name;
    if (name != NULL && made == NULL)
        made = authority_create(work->store, &spec, err);
    if (made == NULL) {
        free(name);
        return false;
    }
    work->rotation->new_authority_id = made->id;
    detail = mem_printf("the new CA is \"%s\"", made->name);
    ok = rotation_save(work->store, work->rotation, detail, err);
    if (!ok)
        work->rotation->new_authority_id = 0;
    free(detail);
    free(name);
    authority_free(made);
    return ok;
}

/* ---- the worklist ---- */

static bool has_role(const struct rotation_item_list *items, const char *role)
{
    size_t from = 0, to = items->n;

    while (from < to) { /* they come by role */
        size_t at = from + (to - from) / 2;
        int order = strcmp(items->rows[at].role, role);

        if (order == 0)
            return true;
        if (order < 0)
            from = at + 1;
        else
            to = at;
    }
    return false;
}

static bool any_is_new(struct rotate_work *work, const struct use_list *seen, bool *ret,
                       struct err *err)
{
    struct rotation_item_list items = {.n = 0};
    bool ok = rotation_items(work->store, work->rotation->id, NULL, 0, &items, err);

    *ret = false;
    for (size_t i = 0; ok && i < seen->n && !*ret; i++)
        *ret = !has_role(&items, seen->rows[i].role);
    rotation_item_list_clear(&items);
    return ok;
}

/* Asked and added in one: of two looks at the same time one adds the role. */
static bool add_roles(struct rotate_work *work, const struct use_list *seen, struct err *err)
{
    bool ok = store_begin(work->store, err);

    if (!ok)
        return false;
    for (size_t i = 0; ok && i < seen->n; i++) {
        const struct rotation_item item = {.role = seen->rows[i].role,
                                           .old_serial = seen->rows[i].serial};
        struct rotation_item_list known = {.n = 0};

        ok = rotation_items(work->store, work->rotation->id, item.role, 1, &known, err) &&
             (known.n > 0 || rotation_set_item(work->store, work->rotation->id, &item, err));
        rotation_item_list_clear(&known);
    }
    if (ok)
        return store_commit(work->store, err);
    store_rollback(work->store);
    return false;
}

/* Roles that were seen with certificates of a CA whose books are elsewhere. */
static bool add_seen_roles(struct rotate_work *work, struct err *err)
{
    const struct use_of of = {.foreign = work->old_cert};
    struct server_list scope = {.n = 0};
    struct use_list seen = {.n = 0};
    bool news = false;
    bool ok = rotate_scope(work, &scope, err) &&
              use_list(work->store, &scope, &of, 0, SIGHTINGS_MAX, &seen, err) &&
              any_is_new(work, &seen, &news, err) && (!news || add_roles(work, &seen, err));

    use_list_clear(&seen);
    server_list_clear(&scope);
    return ok;
}

bool ca_list_items(struct rotate_work *work, struct err *err)
{
    int64_t added = 0;
    bool ok;

    if (work->old_ca != NULL)
        ok = rotation_add_issued(work->store, work->rotation->id, work->old_ca->id, 0, NULL, &added,
                                 err);
    else
        ok = add_seen_roles(work, err);
    if (!ok || work->new_ca == NULL)
        return ok;
    return rotation_join_items(work->store, work->rotation->id, work->new_ca->id, err);
}

static bool is_unmade(const struct rotation_item *item)
{
    return item->made_at == 0 && item->left_at == 0 && item->ended_at == 0;
}

bool ca_count_unmade(struct rotate_work *work, size_t *ret, struct err *err)
{
    struct rotation_item_list items = {.n = 0};

    *ret = 0;
    if (work->new_ca == NULL)
        return true;
    if (!rotation_items(work->store, work->rotation->id, NULL, 0, &items, err))
        return false;
    for (size_t i = 0; i < items.n; i++)
        *ret += is_unmade(&items.rows[i]);
    rotation_item_list_clear(&items);
    return true;
}

/* They come in the order of the roles. */
static void rows_of(const struct rotation_item_list *items, struct batch_list *ret)
{
    for (size_t i = 0; i < items->n; i++) {
        if (is_unmade(&items->rows[i]))
            (void)kits_add(ret, items->rows[i].role, items->rows[i].old_issued_id);
    }
}

/* The folder of a role was there, and what is in it counts for no line: a kit is never overwritten. */
static bool check_all_made(struct rotate_work *work, struct err *err)
{
    size_t unmade = 0;

    return ca_count_unmade(work, &unmade, err) &&
           (unmade == 0 || kits_are_there(work, unmade, err));
}

bool ca_make_kits(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    struct rotation_item_list items = {.n = 0};
    struct batch_list list = {.n = 0};
    struct err joining = ERR_INIT;
    size_t present = 0;
    bool ok = ca_list_items(work, err);

    if (!ok || work->new_ca == NULL)
        return ok;
    if (!rotation_items(work->store, work->rotation->id, NULL, 0, &items, err))
        return false;
    rows_of(&items, &list);
    rotation_item_list_clear(&items);
    ok = kits_make(work, &list, work->request->new_key, ret, &present, err);
    /* also after a failure: what was made counts */
    if (work->preview == NULL && list.n > 0 &&
        !rotation_join_items(work->store, work->rotation->id, work->new_ca->id, &joining) && ok) {
        *err = joining;
        ok = false;
    }
    if (ok && present > 0)
        ok = check_all_made(work, err);
    batch_list_clear(&list);
    return ok;
}

/* ---- the old key ---- */

/* As the servers show it: somebody may have given it back by hand. */
static bool check_shown_nowhere(struct rotate_work *work, struct err *err)
{
    struct rotate_status status = {.n_phases = 0};
    bool ok = rotate_measure(work, true, &status, err);

    if (ok)
        ca_block_shown(work, &status);
    if (ok && status.n_blockers > 0)
        ok = err_set(err, ERR_ROTATION_BLOCKED, "%s", status.blockers[0]);
    rotate_status_clear(&status);
    return ok;
}

static bool check_trusted_nowhere(struct rotate_work *work, struct err *err)
{
    struct server_list servers = {.n = 0};
    bool ok;

    if (!server_list_trusting(work->store, work->old_ca->id, &servers, err))
        return false;
    ok = servers.n == 0;
    if (!ok) {
        err_set(err, ERR_ROTATION_BLOCKED, _("%zu servers trust the CA \"%s\" still: \"%s\""),
                servers.n, work->old_ca->name, servers.rows[0]->name);
        err_hint(err, _("Take it away there first: \"pgseal server untrust %s\"."),
                 servers.rows[0]->name);
    }
    server_list_clear(&servers);
    return ok;
}

static bool archive_key(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    const char *path = work->request->archive;
    struct secret *pem = authority_key_file(work->store, work->old_ca, err);
    bool ok = pem != NULL;

    if (ok && fs_exists(path)) {
        /* of a run that was killed right after it wrote the file? */
        struct err ignored = ERR_INIT;
        struct secret *there = secret_read_whole(path, secret_len(pem), &ignored);

        ok = there != NULL && secret_equal(there, pem);
        if (!ok)
            err_set(err, ERR_FILE_EXISTS, _("\"%s\" is there already"), path);
        secret_free(there);
    } else if (ok) {
        ok = fs_write_new(path, secret_data(pem), secret_len(pem), 0600, err);
    }
    secret_free(pem);
    if (ok)
        rotate_add_file(ret, path);
    return ok;
}

/* Certificates of servers go on being verified, and without the key none of them can be renewed. */
static bool say_needed(const struct rotate_work *work, size_t n, struct err *err)
{
    err_set(
        err, ERR_ROTATION_BLOCKED,
        ngettext("%zu certificate of a server is from the CA \"%s\": its key is needed for it",
                 "%zu certificates of servers are from the CA \"%s\": its key is needed for them",
                 (unsigned long)n),
        n, work->old_ca->name);
    return err_hint(err, _("Keep the key, or give those servers certificates of another CA first "
                           "(pgseal rotate server NAME --to CA), and revoke what no server has any "
                           "more (pgseal revoke SERIAL)."));
}

/* The last act of a rotation, so what became of the key is written down with it. */
static bool end_as(struct rotate_work *work, const char *what, struct err *err)
{
    if (work->preview != NULL) {
        rotate_preview_line(work->preview, "%s", _(what));
        return true;
    }
    return rotate_set_option(work, "key", what, what, err);
}

bool ca_key_has_ended(const struct rotation *rotation)
{
    char *what = rotate_option(rotation, "key");
    bool ended = *what != '\0';

    free(what);
    return ended;
}

static bool end_key_now(struct rotate_work *work, bool keep, struct rotate_outcome *ret,
                        struct err *err)
{
    if (!keep && work->request->archive != NULL && work->old_ca->has_key &&
        !archive_key(work, ret, err))
        return false;
    if (!work->old_ca->retired && !authority_retire(work->store, work->old_ca, err))
        return false;
    return keep || !work->old_ca->has_key || authority_delete(work->store, work->old_ca, err);
}

bool ca_end_key(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    const struct rotate_request *request = work->request;
    bool keep = request->keep_key && request->archive == NULL;
    size_t n = 0;

    if (!check_shown_nowhere(work, err))
        return false;
    if (work->old_ca == NULL)
        return end_as(work, "the old key was never ours", err);
    if (!check_trusted_nowhere(work, err) ||
        !authority_count_serving(work->store, work->old_ca, &n, err))
        return false;
    if (keep && n > 0) /* retired, it could not renew them */
        return end_as(work, "the old key is kept for servers' certificates", err);
    /* also where a change was taken back: what a server shows counts */
    if (n == 0 && !server_count_showing(work->store, work->old_ca, &n, err))
        return false;
    if (n > 0)
        return say_needed(work, n, err);
    if (work->preview == NULL && !end_key_now(work, keep, ret, err))
        return false;
    return end_as(work,
                  keep                       ? "the old key is kept"
                  : request->archive != NULL ? "the old key is archived"
                                             : "the old key is destroyed",
                  err);
}
