/* server_back.c - the certificates that the members had before, again. */
#include "config.h"

#include "core/base/intl.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "core/rotate/server_part.h"

/* It was of the new CA before it all. */
static bool was_new_before(const struct rotation *rotation, const char *server, bool *ret_noted)
{
    json_t *options = rotate_options(rotation);
    const json_t *names = json_object_get(options, "already");
    bool was = false;

    *ret_noted = json_is_array(names);
    for (size_t i = 0; i < json_array_size(names); i++)
        was = was || text_equal(json_string_value(json_array_get(names, i)), server);
    json_decref(options);
    return was;
}

/* It shows what the rotation brings, and nothing tells what it had: the store is older than that. */
static bool is_forgotten(const struct rotate_work *work, const struct server *server,
                         const struct server_record *record, const struct cert_list *chain)
{
    bool noted = false;

    return !record->known && server_is_new(work, record, chain) &&
           !was_new_before(work->rotation, server->name, &noted) && noted;
}

static bool check_untouched(const struct rotate_work *work, const struct server *server,
                            const struct server_record *record, const struct cert_list *chain,
                            struct err *err)
{
    if (!is_forgotten(work, server, record, chain))
        return true;
    err_set(err, ERR_UNDO, _("what certificate \"%s\" had before is not known here"), server->name);
    err_cause(err, _("It shows one of the new CA, and the rotation has no note of the change: the "
                     "store may have been brought back from a backup."));
    err_state(err, _("\"%s\" keeps its new certificate."), server->name);
    return err_hint(err,
                    _("Give it the old one by hand: \"pgseal server tls %s --cert FILE --key "
                      "FILE\"; then go back again."),
                    server->name);
}

static struct plan *make_return(void *arg, const struct plan_target *target, struct err *err)
{
    struct rotate_work *work = arg;
    struct server_again_intent intent = {.cert_file = NULL};
    struct server_record old;
    struct handshake seen;
    struct plan *plan = NULL;

    if (!server_record_load(work->rotation, target->server, &old, err))
        return NULL;
    if (server_shake(target, &seen, err)) {
        if (!old.known && !check_untouched(work, target->server, &old, &seen.chain, err)) {
            plan = NULL;
        } else if (!old.known || server_is_recorded(&old, &seen.chain)) {
            plan = server_plan_nothing(target, &seen.chain, err);
        } else if (server_check_return(target, &old, err)) {
            intent.cert_file = old.cert_file;
            intent.key_file = old.key_file;
            intent.chain = &old.chain;
            plan = plan_server_again(target, &intent, err);
        }
        handshake_clear(&seen);
    }
    server_record_clear(&old);
    return plan;
}

/* Nothing was changed on any: no login is needed to leave it so. A store that was brought back from a
 * backup knows of no change: so the wire is asked. */
static bool was_touched(const struct rotate_work *work)
{
    json_t *options = rotate_options(work->rotation);
    bool touched = json_object_size(json_object_get(options, "members")) > 0;
    const struct server_record unknown = {.known = false};
    struct server_list members = {.n = 0};
    struct err none = ERR_INIT;

    json_decref(options);
    if (touched || !server_own_members(work, &members, &none))
        return true;
    for (size_t i = 0; i < members.n && !touched; i++) {
        struct handshake seen;

        if (!server_ask(members.rows[i], &seen, &none))
            continue;
        touched = is_forgotten(work, members.rows[i], &unknown, &seen.chain);
        handshake_clear(&seen);
    }
    server_list_clear(&members);
    return touched;
}

/* Who was away when the others got it is as all are again. */
static bool miss_nothing(struct rotate_work *work, struct err *err)
{
    struct server_list members = {.n = 0};
    bool good = server_own_members(work, &members, err);

    for (size_t i = 0; good && i < members.n; i++)
        good = server_clear_missed(work->store, members.rows[i], server_what_is_missed(), err);
    server_list_clear(&members);
    return good;
}

bool server_back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    const struct rotate_change change = {.make = make_return, .arg = work};
    struct server_list members = {.n = 0};

    if (!was_touched(work))
        return true;
    return server_own_members(work, &members, err) &&
           rotate_change_servers(work, &members, &change, ret, err) &&
           (work->preview != NULL || miss_nothing(work, err));
}
