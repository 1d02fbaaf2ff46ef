/* ca_look.c - what is true of a rotation of a client CA: servers, users of the old one, the quiet time. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/ca_act.h"
#include "core/rotate/servers.h"

#define LEFT_MAX 1000

const char *ca_old_name(const struct rotate_work *work)
{
    return work->rotation->name;
}

bool ca_judge_servers(struct rotate_work *work, bool with_old, struct rotate_status *ret)
{
    bool all = true;

    (void)work;
    for (size_t i = 0; i < ret->n_servers; i++) {
        struct rotate_server *server = &ret->servers[i];

        server->done = server->has_new && (with_old || !server->has_old) &&
                       (server->err.code == ERR_NONE || (!server->asked && !with_old));
        all = all && server->done;
    }
    return all;
}

void ca_block_servers(struct rotate_status *status)
{
    for (size_t i = 0; i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];

        if (server->done || server->err.code == ERR_NONE)
            continue;
        if (server->asked && server->reached)
            rotate_block(status, _("\"%s\": %s"), server->name, server->err.msg);
        else
            rotate_block(status, _("\"%s\" was not reached: %s"), server->name, server->err.msg);
    }
}

/* ---- use ---- */

/* Of another's CA no serial number is known: the role tells. */
static bool mark_seen_roles(struct rotate_work *work, const struct server_list *scope,
                            struct err *err)
{
    const struct use_of of = {.foreign = work->new_cert};
    struct rotation_item_list items = {.n = 0};
    struct use_list seen = {.n = 0};
    bool ok =
        rotation_items(work->store, work->rotation->id, NULL, 0, &items, err) &&
        use_list(work->store, scope, &of, work->rotation->started_at, SIGHTINGS_MAX, &seen, err);

    for (size_t i = 0; ok && i < items.n; i++) {
        struct rotation_item *item = &items.rows[i];

        for (size_t k = 0; ok && item->seen_at == 0 && k < seen.n; k++) {
            if (!text_equal(seen.rows[k].role, item->role))
                continue;
            item->seen_at = seen.rows[k].last_seen;
            ok = rotation_set_item(work->store, work->rotation->id, item, err);
        }
    }
    use_list_clear(&seen);
    rotation_item_list_clear(&items);
    return ok;
}

static bool mark_seen(struct rotate_work *work, const struct server_list *scope, struct err *err)
{
    if (work->new_ca == NULL && work->new_cert != NULL && !mark_seen_roles(work, scope, err))
        return false;
    return use_mark_items(work->store, work->rotation->id, work->rotation->started_at, err);
}

bool ca_look_use(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    const struct use_of of = {.authority = work->old_ca,
                              .foreign = work->old_ca == NULL ? work->old_cert : NULL};
    struct server_list scope = {.n = 0};
    bool ok = rotate_scope(work, &scope, err) &&
              use_list(work->store, &scope, &of, rotation->started_at, LEFT_MAX, &ret->left, err) &&
              use_quiet(work->store, &scope, &of, rotation->since, rotation->quiet_seconds,
                        &ret->quiet, err) &&
              mark_seen(work, &scope, err);

    server_list_clear(&scope);
    return ok;
}

bool ca_look_kits(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    size_t unmade = 0;

    /* counted after the marks */
    if (!ca_list_items(work, err) || !ca_look_use(work, ret, err) ||
        !rotation_count_items(work->store, work->rotation->id, &ret->items, err) ||
        !ca_count_unmade(work, &unmade, err))
        return false;
    ret->act_done = unmade == 0;
    if (unmade > 0)
        ret->needs = ROTATE_NEED_NEW_KEY;
    if (unmade > 0 && work->rotation->folder[0] == '\0')
        ret->needs |= ROTATE_NEED_FOLDER;
    return true;
}

static bool is_in(const struct server_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (text_equal(list->rows[i]->name, name))
            return true;
    }
    return false;
}

bool ca_look_key(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    struct server_list servers = {.n = 0};

    if (!rotation_count_items(work->store, work->rotation->id, &ret->items, err) ||
        !rotate_trusting(work->store, work->rotation->old_authority_id,
                         work->rotation->old_foreign_id, &servers, err))
        return false;
    (void)ca_judge_servers(work, false, ret);
    for (size_t i = 0; i < servers.n; i++)
        rotate_block(ret, _("\"%s\" trusts the old CA still"), servers.rows[i]->name);
    ret->act_done = ca_key_has_ended(work->rotation);
    /* with the key its canaries have gone: nothing can be tried on the wire any more */
    for (size_t i = 0; i < ret->n_servers && !ret->act_done; i++) {
        const struct rotate_server *server = &ret->servers[i];

        if (server->reached && server->has_old && !is_in(&servers, server->name))
            rotate_block(ret, _("\"%s\" trusts the old CA still"), server->name);
    }
    ret->needs = work->old_ca != NULL ? ROTATE_NEED_NAME : 0;
    server_list_clear(&servers);
    return true;
}
