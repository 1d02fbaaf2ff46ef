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

/* One that was chosen by name may have trusted nothing of it from the beginning. */
static bool had_old(const struct rotation_server_list *rows, const struct server_list *known,
                    const char *name)
{
    for (size_t i = 0; i < known->n; i++) {
        if (text_equal(known->rows[i]->name, name))
            return true;
    }
    for (size_t i = 0; i < rows->n; i++) {
        if (text_equal(rows->rows[i].server, name))
            return !rows->rows[i].chosen;
    }
    return false;
}

static void notice_gone(const struct rotate_work *work, const char *server,
                        struct rotate_status *status)
{
    struct strbuf name = STRBUF_INIT;
    const char *option = work->old_ca != NULL ? "--ca" : "--paste";

    if (work->old_ca == NULL || !text_quote_shell(&name, work->old_ca->name)) {
        strbuf_clear(&name);
        strbuf_add_str(&name, "FILE");
    }
    rotate_notice(
        status,
        _("\"%s\" does not trust \"%s\" any more, and not by this rotation: its clients are "
          "refused there now. \"pgseal server trust %s %s %s\" lets them in again"),
        server, ca_old_name(work), server, option, name.data);
    strbuf_clear(&name);
}

bool ca_notice_gone(struct rotate_work *work, struct rotate_status *status, struct err *err)
{
    struct rotation_server_list rows = {.n = 0};
    struct server_list known = {.n = 0};
    bool ok = rotation_servers(work->store, work->rotation->id, &rows, err) &&
              rotate_trusting(work->store, work->rotation->old_authority_id,
                              work->rotation->old_foreign_id, &known, err);

    for (size_t i = 0; ok && i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];

        if (server->asked && server->reached && !server->has_old && server->err.code == ERR_NONE &&
            had_old(&rows, &known, server->name))
            notice_gone(work, server->name, status);
    }
    rotation_server_list_clear(&rows);
    server_list_clear(&known);
    return ok;
}

void ca_block_shown(const struct rotate_work *work, struct rotate_status *status)
{
    for (size_t i = 0; i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];

        if (server->asked && server->reached && server->has_old)
            rotate_block(status,
                         _("\"%s\" shows \"%s\" on the wire: somebody gave it back, or it has not "
                           "loaded its files. \"pgseal server untrust %s\" takes it away"),
                         server->name, ca_old_name(work), server->name);
    }
}

void ca_block_servers(struct rotate_status *status)
{
    for (size_t i = 0; i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];

        if (server->done || server->err.code == ERR_NONE)
            continue;
        rotate_block_server(status, server);
    }
}

/* ---- use ---- */

static const struct use *use_of_role(const struct use_list *seen, const char *role)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (text_equal(seen->rows[i].role, role))
            return &seen->rows[i];
    }
    return NULL;
}

/* write false: only says in *ret_news whether there is anything to write. */
static bool mark_roles(struct rotate_work *work, const struct use_list *seen, bool write,
                       bool *ret_news, struct err *err)
{
    struct rotation_item_list items = {.n = 0};
    bool ok = rotation_items(work->store, work->rotation->id, NULL, 0, &items, err);

    *ret_news = false;
    for (size_t i = 0; ok && i < items.n; i++) {
        struct rotation_item *item = &items.rows[i];
        const struct use *use = item->seen_at == 0 ? use_of_role(seen, item->role) : NULL;

        if (use == NULL)
            continue;
        *ret_news = true;
        item->seen_at = use->last_seen;
        ok = !write || rotation_set_item(work->store, work->rotation->id, item, err);
    }
    rotation_item_list_clear(&items);
    return ok;
}

/* Of another's CA no serial number is known: the role tells. Read and written in one, for another admin may
 * make the kits meanwhile. */
static bool mark_seen_roles(struct rotate_work *work, const struct server_list *scope,
                            struct err *err)
{
    const struct use_of of = {.foreign = work->new_cert};
    struct use_list seen = {.n = 0};
    bool news = false;
    bool ok =
        use_list(work->store, scope, &of, work->rotation->started_at, SIGHTINGS_MAX, &seen, err) &&
        mark_roles(work, &seen, false, &news, err);

    if (ok && news) {
        ok = store_begin(work->store, err);
        if (ok && mark_roles(work, &seen, true, &news, err))
            ok = store_commit(work->store, err);
        else if (ok) {
            store_rollback(work->store);
            ok = false;
        }
    }
    use_list_clear(&seen);
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

void ca_forget_quiet(struct rotate_status *ret)
{
    use_quiet_clear(&ret->quiet);
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

/* It is named already. */
static bool is_shown(const struct rotate_status *status, const char *name)
{
    for (size_t i = 0; i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];

        if (text_equal(server->name, name))
            return server->asked && server->reached && server->has_old;
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
    ca_block_shown(work, ret);
    for (size_t i = 0; i < servers.n; i++) {
        if (!is_shown(ret, servers.rows[i]->name))
            rotate_block(ret, _("\"%s\" trusts the old CA still"), servers.rows[i]->name);
    }
    ret->act_done = ca_key_has_ended(work->rotation);
    ret->needs = work->old_ca != NULL ? ROTATE_NEED_NAME : 0;
    server_list_clear(&servers);
    return true;
}
