/* client_cert.c - client certificates, of one role or of all that end soon: a new one beside the old one,
 * handed over, seen in use; then the old one ends. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/client_act.h"
#include "core/rotate/servers.h"
#include "core/store/published.h"

#define LEFT_MAX  1000
#define NAMED_MAX 5 /* roles in a sentence */

enum { MAKE, MOVE, OLD };

static const struct rotate_phase phases[] = {
    [MAKE] =
        {
            .key = "make",
            .title = N_("each has a new certificate beside the old one"),
            .act = N_("make the new certificates, and a kit for each role"),
            .waits = N_("each line has its new certificate"),
            .back = N_("give the rotation up; certificates that were made stay valid"),
            .why = N_("The new one is of the same CA and the same role, so every server takes it "
                      "already. The old one goes on working: nobody has to hurry."),
        },
    [MOVE] =
        {
            .key = "move",
            .title = N_("each new certificate was seen in use"),
            .act = "",
            .waits = N_("each new one was seen in a session, by its serial number"),
            .back = N_("nothing changes; more kits can be made"),
            .why = N_("Hand the kits over, and note it: \"rotate mark\". What counts is what the "
                      "servers show: a client that got its kit and never loaded it uses the old "
                      "one still, and would stop on the day that it ends."),
        },
    [OLD] =
        {
            .key = "old",
            .title = N_("the old ones end"),
            .act = N_("leave them to end by themselves, or revoke them, as you choose"),
            .waits = N_("it is decided, and every server has the list"),
            .back = N_("wait for more of them; a revocation is never taken back"),
            .why = N_("Nobody needs the old ones any more, and they end soon. Revoke them where a "
                      "key may be in wrong hands. One whose new certificate was never seen is not "
                      "revoked, unless you say how many."),
        },
};

/* ---- servers ---- */

static struct rotate_server *row_of(struct rotate_status *status, const char *name)
{
    for (size_t i = 0; i < status->n_servers; i++) {
        if (text_equal(status->servers[i].name, name))
            return &status->servers[i];
    }
    return NULL;
}

static bool look_at(struct rotate_work *work, struct fleet_member *member,
                    struct rotate_server *row, struct err *err)
{
    row->asked = true;
    row->err = (struct err)ERR_INIT;
    if (!member->target.admin) {
        row->err = member->err;
        return true;
    }
    row->reached = true;
    row->standby = member->standby;
    return use_look(work->store, member->server, member->target.admin, err);
}

static bool ask(struct rotate_work *work, struct server_list *take, struct rotate_status *ret,
                struct err *err)
{
    const struct fleet_order order = {.go_on = true};
    struct fleet *fleet = fleet_new(work->store, take);
    struct err none = ERR_INIT;
    bool ok = true;

    /* what is wrong with each stands with it */
    (void)!fleet_open(fleet, &order, work->request->door, &none);
    for (size_t i = 0; ok && i < fleet_count(fleet); i++) {
        struct fleet_member *member = fleet_member(fleet, i);
        struct rotate_server *row = row_of(ret, member->server->name);

        ok = !row || look_at(work, member, row, err);
    }
    fleet_free(fleet);
    return ok;
}

/* Those that trust the CA: the certificates are for them. */
static bool look_servers(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                         struct err *err)
{
    struct server_list scope = {.n = 0};
    bool ok = rotate_scope(work, &scope, err);

    for (size_t i = 0; ok && i < scope.n; i++) {
        struct rotate_server *row =
            rotate_add_server(&ret->servers, &ret->n_servers, scope.rows[i]->name);

        row->production = scope.rows[i]->production;
        row->has_old = row->has_new = row->done = true;
    }
    if (ok && ask_servers && scope.n > 0)
        ok = ask(work, &scope, ret, err);
    server_list_clear(&scope);
    return ok;
}

static void block_away(struct rotate_status *ret)
{
    for (size_t i = 0; i < ret->n_servers; i++) {
        if (ret->servers[i].err.code != ERR_NONE)
            rotate_block(ret, _("nobody could look at \"%s\": %s"), ret->servers[i].name,
                         ret->servers[i].err.msg);
    }
}

/* ---- who is left ---- */

static bool look_use(struct rotate_work *work, const struct rotation_seen_list *lines,
                     struct rotate_status *ret, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    struct use_certificate *old = mem_array(lines->n + 1, sizeof(*old));
    struct use_of of = {.certificates = old};
    struct server_list scope = {.n = 0};
    bool ok;

    for (size_t i = 0; i < lines->n; i++) {
        if (lines->rows[i].old_serial[0] != '\0' && lines->rows[i].ended_at == 0)
            old[of.n_certificates++] =
                (struct use_certificate){lines->rows[i].old_issuer, lines->rows[i].old_serial};
    }
    ok = rotate_scope(work, &scope, err) &&
         use_list(work->store, &scope, &of, rotation->started_at, LEFT_MAX, &ret->left, err) &&
         use_quiet(work->store, &scope, &of, rotation->started_at, rotation->quiet_seconds,
                   &ret->quiet, err);
    ret->quiet.but_gaps = false; /* nothing waits for the quiet time: it only tells */
    server_list_clear(&scope);
    free(old);
    return ok;
}

/* "alice", "bob" and 3 more; each role once. */
static void name_waiting(const struct rotation_seen_list *lines, struct strbuf *out)
{
    const char *last = NULL;
    size_t n = 0;

    for (size_t i = 0; i < lines->n; i++) {
        const struct rotation_seen *line = &lines->rows[i];

        if (!client_is_waiting(line) || (last && text_equal(last, line->role)))
            continue;
        last = line->role;
        if (n++ < NAMED_MAX)
            strbuf_printf(out, "%s\"%s\"", n > 1 ? ", " : "", line->role);
    }
    if (n > NAMED_MAX)
        strbuf_printf(out, _(" and %zu more"), n - NAMED_MAX);
}

static size_t count_waiting(const struct rotation_seen_list *lines)
{
    size_t n = 0;

    for (size_t i = 0; i < lines->n; i++)
        n += client_is_waiting(&lines->rows[i]);
    return n;
}

static void block_waiting(const struct rotate_work *work, const struct rotation_seen_list *lines,
                          struct rotate_status *ret)
{
    size_t waiting = count_waiting(lines);
    struct strbuf names = STRBUF_INIT;

    if (waiting == 0 || work->request->accept_left == waiting)
        return;
    name_waiting(lines, &names);
    rotate_block(ret, _("%zu of %zu new certificates were not seen in use yet: %s"), waiting,
                 lines->n, names.data);
    strbuf_clear(&names);
}

/* ---- looks ---- */

static bool look_make(const struct rotate_work *work, const struct rotation_seen_list *lines,
                      struct rotate_status *ret)
{
    ret->act_done = client_count_unmade(lines) == 0;
    if (lines->n == 0)
        rotate_block(ret, "%s", _("no certificate is to be replaced any more"));
    if (!ret->act_done)
        ret->needs = ROTATE_NEED_NEW_KEY |
                     (work->rotation->folder[0] == '\0' ? (unsigned)ROTATE_NEED_FOLDER : 0u);
    return true;
}

static bool block_behind(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    struct published_list list = {.n = 0};

    if (!published_list(work->store, NULL, work->old_ca->id, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        if (list.rows[i].behind)
            rotate_block(ret,
                         _("\"%s\" has not got the list of revoked certificates: \"rotate "
                           "next\" or \"crl refresh\" brings it"),
                         list.rows[i].server);
    }
    published_list_clear(&list);
    return true;
}

static bool look_old(struct rotate_work *work, const struct rotation_seen_list *lines,
                     struct rotate_status *ret, struct err *err)
{
    const struct rotation_seen **chosen = mem_array(lines->n + 1, sizeof(*chosen));
    enum client_choice choice = client_choice(work->rotation);
    bool watched = true;

    if (!client_is_watched(work, &watched, err)) {
        free(chosen);
        return false;
    }
    ret->quiet.but_gaps = !watched; /* a revocation asks about it */
    ret->act_done = choice == CLIENT_LEAVE ||
                    (choice == CLIENT_REVOKE && client_to_revoke(work, lines, chosen) == 0);
    free(chosen);
    if (work->request->revoke)
        ret->needs = ROTATE_NEED_OLD_KEY | ROTATE_NEED_SERVERS;
    return choice != CLIENT_REVOKE || block_behind(work, ret, err);
}

static bool client_look(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                        struct err *err)
{
    const struct rotation *rotation = work->rotation;
    struct rotation_seen_list lines = {.n = 0};
    bool ok;

    if (!client_list_lines(work, err) ||
        !look_servers(work, ask_servers && rotation->phase != MAKE, ret, err))
        return false;
    /* before its phase a new one cannot have been seen: a line may have had another one */
    if (rotation->phase != MAKE &&
        !use_mark_items(work->store, rotation->id, rotation->started_at, err))
        return false;
    if (!rotation_seen_list(work->store, rotation->id, &lines, err))
        return false;
    ok = rotation_count_items(work->store, rotation->id, &ret->items, err) &&
         look_use(work, &lines, ret, err);
    if (ok && rotation->phase == MAKE) {
        ok = look_make(work, &lines, ret);
    } else if (ok && rotation->phase == MOVE) {
        ret->act_done = true;
        block_waiting(work, &lines, ret);
        if (count_waiting(&lines) > 0)
            block_away(ret);
    } else if (ok) {
        ok = look_old(work, &lines, ret, err);
    }
    rotation_seen_list_clear(&lines);
    if (ok && work->old_ca != NULL && work->old_ca->retired)
        rotate_notice(ret,
                      _("the CA \"%s\" is retired: its certificates let nobody in, and it makes no "
                        "new ones. \"pgseal rotate back\" gives this up"),
                      work->old_ca->name);
    return ok;
}

/* ---- acts ---- */

/* Exactly so many: they are gone on without from now on. */
static bool leave_waiting(struct rotate_work *work, const struct rotation_seen_list *lines,
                          struct err *err)
{
    size_t waiting = count_waiting(lines);

    if (waiting == 0 || work->request->accept_left != waiting)
        return true;
    return rotation_leave_waiting(work->store, work->rotation->id, err);
}

static bool end_old(struct rotate_work *work, const struct rotation_seen_list *lines,
                    struct rotate_outcome *ret, struct err *err)
{
    const struct rotation_seen **chosen = mem_array(lines->n + 1, sizeof(*chosen));
    bool revoked = client_choice(work->rotation) == CLIENT_REVOKE &&
                   client_to_revoke(work, lines, chosen) == 0;

    free(chosen);
    if (work->request->revoke || revoked)
        return client_revoke_old(work, lines, ret, err);
    return client_choose(work, CLIENT_LEAVE, err);
}

/* The lines as they are now; in phase "move" by a look at the servers, so that nobody is gone on without
 * who has moved in the meantime. */
static bool client_act(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    struct rotation_seen_list lines = {.n = 0};
    struct rotate_status status = {.n_phases = 0};
    bool ok = client_list_lines(work, err);

    if (ok && rotation->phase != MAKE)
        ok = look_servers(work, true, &status, err) &&
             use_mark_items(work->store, rotation->id, rotation->started_at, err);
    rotate_status_clear(&status);
    ok = ok && rotation_seen_list(work->store, rotation->id, &lines, err);
    if (ok && rotation->phase == MAKE)
        ok = client_make_kits(work, &lines, ret, err);
    else if (ok && rotation->phase == MOVE)
        ok = leave_waiting(work, &lines, err);
    else if (ok)
        ok = end_old(work, &lines, ret, err);
    rotation_seen_list_clear(&lines);
    return ok;
}

static bool client_back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    (void)ret;
    return work->rotation->phase != OLD || client_choose(work, CLIENT_OPEN, err);
}

static bool client_preview(struct rotate_work *work, bool back, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    struct rotation_seen_list lines = {.n = 0};
    struct rotate_outcome none = {.from = 0};
    bool ok =
        client_list_lines(work, err) && rotation_seen_list(work->store, rotation->id, &lines, err);

    if (ok && !back && rotation->phase == MAKE)
        ok = client_make_kits(work, &lines, &none, err);
    else if (ok && !back && rotation->phase == OLD)
        ok = client_preview_old(work, &lines, err);
    rotate_outcome_clear(&none);
    rotation_seen_list_clear(&lines);
    return ok;
}

const struct rotate_kind rotate_client_cert = {
    .phases = phases,
    .n_phases = ARRAY_LEN(phases),
    .look = client_look,
    .act = client_act,
    .back = client_back,
    .preview = client_preview,
    .start = client_start,
};
