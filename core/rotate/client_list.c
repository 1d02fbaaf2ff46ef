/* client_list.c - which client certificates are replaced, and the kits of the new ones. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/client_act.h"
#include "core/rotate/kits.h"
#include "core/rotate/options.h"
#include "core/rotate/servers.h"

/* ---- what is remembered of the start ---- */

enum client_choice client_choice(const struct rotation *rotation)
{
    json_t *options = rotate_options(rotation);
    const char *text = json_string_value(json_object_get(options, "old"));
    enum client_choice choice = text && text_equal(text, "leave")    ? CLIENT_LEAVE
                                : text && text_equal(text, "revoke") ? CLIENT_REVOKE
                                                                     : CLIENT_OPEN;

    json_decref(options);
    return choice;
}

bool client_choose(struct rotate_work *work, enum client_choice choice, struct err *err)
{
    static const char *const details[] = {
        "the old ones: not decided", "the old ones end by themselves", "the old ones are revoked"};
    json_t *options;

    if (client_choice(work->rotation) == choice)
        return true;
    options = rotate_options(work->rotation);
    if (choice == CLIENT_OPEN)
        json_object_del(options, "old");
    else
        json_object_set_new(options, "old",
                            json_string(choice == CLIENT_LEAVE ? "leave" : "revoke"));
    return rotate_save_options(work, options, details[choice], err);
}

/* ---- the start ---- */

static bool is_good(const struct issued *issued)
{
    return issued->kind == ISSUED_CLIENT && issued->revoked_at == 0 &&
           issued->not_after > clock_now();
}

/* The CA of the role's newest good certificate. */
static struct authority *authority_of_role(struct store *store, const char *role, struct err *err)
{
    const struct issued_filter filter = {.role = role, .state = -1, .limit = 100, .no_total = true};
    struct authority *authority = NULL;
    struct issued_list list = {.n = 0};
    bool found = false;

    if (!issued_list(store, &filter, &list, err))
        return NULL;
    for (size_t i = 0; i < list.n && !found; i++) {
        found = is_good(list.rows[i]);
        if (found)
            authority = authority_load_id(store, list.rows[i]->authority_id, err);
    }
    issued_list_clear(&list);
    if (!found) {
        err_set(err, ERR_CERT_UNKNOWN, _("the role \"%s\" has no valid client certificate"), role);
        err_hint(err, _("\"pgseal issue client %s\" makes one."), role);
    }
    return authority;
}

static struct authority *choose_authority(struct store *store, const struct rotate_start *start,
                                          struct err *err)
{
    struct authority *authority;

    if (start->new_authority)
        authority = authority_load(store, start->new_authority, err);
    else if (start->name)
        authority = authority_of_role(store, start->name, err);
    else
        authority = authority_load(store, NULL, err);
    if (authority && authority->retired) {
        err_set(err, ERR_POLICY, _("the CA \"%s\" is retired: it issues nothing any more"),
                authority->name);
        authority_free(authority);
        return NULL;
    }
    return authority;
}

static bool check_any(struct store *store, const struct authority *authority,
                      const struct rotate_start *start, int64_t before, struct err *err)
{
    const struct issued_filter filter = {.authority = authority->name,
                                         .role = start->name,
                                         .state = -1,
                                         .ends_from = clock_now(),
                                         .ends_to = start->name ? 0 : before,
                                         .limit = 100000,
                                         .no_total = true};
    struct issued_list list = {.n = 0};
    bool any = false;

    if (!issued_list(store, &filter, &list, err))
        return false;
    for (size_t i = 0; i < list.n && !any; i++)
        any = is_good(list.rows[i]);
    issued_list_clear(&list);
    if (any)
        return true;
    if (start->name)
        return err_set(err, ERR_CERT_UNKNOWN,
                       _("the role \"%s\" has no valid client certificate of \"%s\""), start->name,
                       authority->name);
    return err_set(err, ERR_CERT_UNKNOWN,
                   _("no client certificate of \"%s\" ends within %d days: nothing is to be done"),
                   authority->name, start->within_days);
}

bool client_start(struct store *store, const struct rotate_start *start, struct rotation *ret,
                  struct err *err)
{
    int64_t before = clock_now() + start->within_days * CLOCK_DAY;
    struct authority *authority;
    json_t *options;
    bool ok;

    if ((start->name != NULL) == (start->within_days > 0))
        return err_set(err, ERR_USAGE, _("name a role, or say how soon the certificates end"));
    if (start->n_servers > 0 || start->old_foreign || start->new_foreign)
        return err_set(err, ERR_USAGE,
                       _("clients' certificates are replaced by those of the same CA"));
    authority = choose_authority(store, start, err);
    if (!authority)
        return false;
    ok = check_any(store, authority, start, before, err);
    if (ok) {
        options = start->name ? json_pack("{s:s}", "role", start->name)
                              : json_pack("{s:I}", "before", (json_int_t)before);
        rotate_put_options(ret, options);
        ret->name = start->name            ? mem_strdup(start->name)
                    : start->new_authority ? mem_printf("all of %s", authority->name)
                                           : mem_strdup("all");
        ret->old_authority_id = ret->new_authority_id = authority->id;
    }
    authority_free(authority);
    return ok;
}

/* ---- the lines ---- */

static bool add_lines(struct rotate_work *work, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    struct rotation_counts counts = {.total = 0};
    json_t *options;
    const char *role;
    int64_t before, added = 0;
    bool ok;

    if (!rotation_count_items(work->store, rotation->id, &counts, err))
        return false;
    if (counts.total > 0)
        return true;
    options = rotate_options(rotation);
    role = json_string_value(json_object_get(options, "role"));
    before = json_integer_value(json_object_get(options, "before"));
    ok = role ? rotation_add_role(work->store, rotation->id, rotation->old_authority_id, role, err)
              : rotation_add_issued(work->store, rotation->id, rotation->old_authority_id, before,
                                    NULL, &added, err);
    json_decref(options);
    return ok;
}

bool client_list_lines(struct rotate_work *work, struct err *err)
{
    const struct rotation *rotation = work->rotation;

    return add_lines(work, err) && rotation_join_items(work->store, rotation->id, 0, err) &&
           rotation_join_made(work->store, rotation->id, rotation->new_authority_id,
                              rotation->started_at, err);
}

static bool is_unmade(const struct rotation_seen *line)
{
    return line->new_issued_id == 0 && line->left_at == 0 && line->ended_at == 0;
}

size_t client_count_unmade(const struct rotation_seen_list *lines)
{
    size_t n = 0;

    for (size_t i = 0; i < lines->n; i++)
        n += is_unmade(&lines->rows[i]);
    return n;
}

bool client_is_waiting(const struct rotation_seen *line)
{
    return line->seen_at == 0 && line->left_at == 0 && line->ended_at == 0;
}

/* ---- kits ---- */

/* For the newest of a role's certificates: the lines come by role, then by age. */
static void rows_of(const struct rotation_seen_list *lines, struct batch_list *ret)
{
    for (size_t i = 0; i < lines->n; i++) {
        const struct rotation_seen *line = &lines->rows[i];

        if (is_unmade(line) && !kits_add(ret, line->role, line->old_issued_id))
            ret->rows[ret->n - 1].replaces = line->old_issued_id;
    }
}

/* The folder of a role is there, and what is in it is not of this rotation. */
static bool check_all_made(struct rotate_work *work, struct err *err)
{
    struct rotation_seen_list now = {.n = 0};
    bool ok = rotation_seen_list(work->store, work->rotation->id, &now, err);

    if (ok && client_count_unmade(&now) > 0)
        ok = kits_are_there(work, client_count_unmade(&now), err);
    rotation_seen_list_clear(&now);
    return ok;
}

bool client_make_kits(struct rotate_work *work, const struct rotation_seen_list *lines,
                      struct rotate_outcome *ret, struct err *err)
{
    const struct rotate_request *request = work->request;
    const struct key *key = request->new_key ? request->new_key : request->old_key;
    struct batch_list list = {.n = 0};
    struct err joining = ERR_INIT;
    size_t present = 0;
    bool ok;

    rows_of(lines, &list);
    ok = kits_make(work, &list, key, ret, &present, err);
    /* also after a failure: what was made counts */
    if (work->preview == NULL && list.n > 0 && !client_list_lines(work, &joining) && ok) {
        *err = joining;
        ok = false;
    }
    if (ok && present > 0)
        ok = check_all_made(work, err);
    batch_list_clear(&list);
    return ok;
}
