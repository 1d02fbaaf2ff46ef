/* client_list.c - which client certificates are replaced, and the kits of the new ones. */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/kit/batch.h"
#include "core/plan/address.h"
#include "core/rotate/client_act.h"
#include "core/rotate/servers.h"
#include "core/store/authority_request.h"

/* ---- what is remembered of the start ---- */

static json_t *options_of(const struct rotation *rotation)
{
    json_t *options = json_loads(rotation->options, 0, NULL);

    if (json_is_object(options))
        return options;
    json_decref(options);
    return json_object();
}

static void set_options(struct rotation *rotation, json_t *take)
{
    free(rotation->options);
    rotation->options = json_dumps(take, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(take);
}

enum client_choice client_choice(const struct rotation *rotation)
{
    json_t *options = options_of(rotation);
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
    options = options_of(work->rotation);
    if (choice == CLIENT_OPEN)
        json_object_del(options, "old");
    else
        json_object_set_new(options, "old",
                            json_string(choice == CLIENT_LEAVE ? "leave" : "revoke"));
    set_options(work->rotation, options);
    return rotation_save(work->store, work->rotation, details[choice], err);
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
        set_options(ret, options);
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
    options = options_of(rotation);
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

/* One row a role, for the newest of its certificates: the lines come by role, then by age. */
static void rows_of(const struct rotation_seen_list *lines, struct batch_list *ret)
{
    ret->rows = mem_array(lines->n + 1, sizeof(*ret->rows));
    for (size_t i = 0; i < lines->n; i++) {
        const struct rotation_seen *line = &lines->rows[i];

        if (!is_unmade(line))
            continue;
        if (ret->n > 0 && text_equal(ret->rows[ret->n - 1].role, line->role)) {
            ret->rows[ret->n - 1].replaces = line->old_issued_id;
            continue;
        }
        ret->rows[ret->n] = (struct batch_row){
            .role = mem_strdup(line->role), .line = ret->n + 1, .replaces = line->old_issued_id};
        ret->n++;
    }
}

/* Absolute: the next run may stand elsewhere. */
static bool choose_folder(struct rotate_work *work, struct err *err)
{
    const char *wanted = work->request->folder;
    char *absolute;

    if (!wanted && work->rotation->folder[0] != '\0')
        return true;
    if (!wanted) {
        err_set(err, ERR_USAGE, _("new certificates need a folder for their kits"));
        return err_hint(err, _("Give it (--out DIR)."));
    }
    if (!fs_make_folder(wanted, err))
        return false;
    absolute = realpath(wanted, NULL);
    if (!absolute)
        return err_set(err, ERR_FILE, _("cannot find the folder \"%s\""), wanted);
    if (text_equal(absolute, work->rotation->folder)) {
        free(absolute);
        return true;
    }
    free(work->rotation->folder);
    work->rotation->folder = absolute;
    return rotation_save(work->store, work->rotation, "a folder for kits", err);
}

/* For the lines to try in the README: the first server that trusts the CA. */
static bool first_address(struct rotate_work *work, char **ret_host, int *ret_port, struct err *err)
{
    struct server_list servers = {.n = 0};
    struct err ignored = ERR_INIT;

    if (!server_list_trusting(work->store, work->rotation->new_authority_id, &servers, err))
        return false;
    if (servers.n == 0 || !plan_tls_address(servers.rows[0], ret_host, ret_port, &ignored))
        *ret_host = NULL;
    server_list_clear(&servers);
    return true;
}

static bool run_batch(struct rotate_work *work, const struct batch_list *list,
                      struct batch_result *ret, struct err *err)
{
    const struct rotate_request *request = work->request;
    struct authority_parents parents = {.crls = NULL};
    struct cert_list roots = {.n = 0};
    char *host = NULL;
    struct batch_spec spec = {
        .authority = work->new_ca,
        .authority_key = request->new_key ? request->new_key : request->old_key,
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
    bool ok;

    if (!spec.authority_key)
        return err_set(err, ERR_CA_KEY, _("the key of the CA \"%s\" is not unlocked"),
                       work->new_ca->name);
    ok = authority_load_parents(work->store, work->new_ca, &parents, err) &&
         authority_server_roots(work->store, &roots, err) &&
         first_address(work, &host, &spec.server_port, err);
    if (ok) {
        spec.parents = &parents.certs;
        spec.roots = &roots;
        spec.server_host = host && host[0] != '\0' ? host : NULL;
        ok = batch_run(work->store, &spec, ret, err);
    }
    authority_parents_clear(&parents);
    cert_list_clear(&roots);
    free(host);
    return ok;
}

bool client_make_kits(struct rotate_work *work, const struct rotation_seen_list *lines,
                      struct rotate_outcome *ret, struct err *err)
{
    struct batch_list list = {.n = 0};
    struct batch_result result = {.made = 0};
    struct err joining = ERR_INIT;
    bool ok = true;

    rows_of(lines, &list);
    if (work->preview != NULL) {
        for (size_t i = 0; i < list.n; i++)
            rotate_preview_kit(work->preview, list.rows[i].role);
    } else if (list.n > 0) {
        ok = choose_folder(work, err) && run_batch(work, &list, &result, err);
        ret->made += result.made;
        if (result.made > 0)
            rotate_add_file(ret, work->rotation->folder);
        /* also after a failure: what was made counts */
        if (!client_list_lines(work, &joining) && ok) {
            *err = joining;
            ok = false;
        }
    }
    /* the folder of a role is there, and what is in it is not of this rotation */
    if (ok && result.made < list.n && result.present > 0) {
        struct rotation_seen_list now = {.n = 0};

        ok = rotation_seen_list(work->store, work->rotation->id, &now, err);
        if (ok && client_count_unmade(&now) > 0) {
            ok = err_set(err, ERR_FILE_EXISTS,
                         _("\"%s\" has kits of %zu roles already, of an earlier time"),
                         work->rotation->folder, client_count_unmade(&now));
            err_hint(err, _("Give another folder (--out DIR)."));
        }
        rotation_seen_list_clear(&now);
    }
    batch_list_clear(&list);
    return ok;
}
