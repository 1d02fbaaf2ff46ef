/* fleet_open.c - who the members are, the login to each, and whether they are what they should be. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/address.h"
#include "core/plan/fleet_part.h"

/* ---- life ---- */

struct fleet *fleet_new(struct store *store, struct server_list *take)
{
    struct fleet *fleet = mem_zalloc(sizeof(*fleet));
    uint64_t random = (uint64_t)clock_mono_ms(); /* unique within a store is enough */

    (void)RAND_bytes((unsigned char *)&random, sizeof(random));
    (void)snprintf(fleet->group, sizeof(fleet->group), "%016" PRIx64, random);
    fleet->store = store;
    fleet->members = mem_array(take->n + 1, sizeof(fleet->members[0]));
    for (size_t i = 0; i < take->n; i++) {
        fleet->members[fleet->n].server = take->rows[i];
        fleet->members[fleet->n++].err = (struct err)ERR_INIT;
        take->rows[i] = NULL;
    }
    server_list_clear(take);
    return fleet;
}

struct fleet *fleet_load(struct store *store, const char *name, struct err *err)
{
    struct server_list list = {NULL, 0};

    return server_members(store, name, &list, err) ? fleet_new(store, &list) : NULL;
}

static void drop_login(struct fleet_member *member)
{
    conn_close(member->target.admin);
    secret_free(member->password);
    free(member->tls_host);
    member->target = (struct plan_target){.store = NULL};
    member->password = NULL;
    member->tls_host = NULL;
}

void fleet_free(struct fleet *fleet)
{
    if (!fleet)
        return;
    for (size_t i = 0; i < fleet->n; i++) {
        plan_free(fleet->members[i].plan);
        drop_login(&fleet->members[i]);
        server_free(fleet->members[i].server);
    }
    free(fleet->members);
    free(fleet);
}

size_t fleet_count(const struct fleet *fleet)
{
    return fleet->n;
}

struct fleet_member *fleet_member(const struct fleet *fleet, size_t i)
{
    return &fleet->members[i];
}

/* ---- one login ---- */

/* With what libpq finds by itself; nobody is asked. */
static struct conn *login_unasked(void *arg, struct server *server, struct secret **ret_password,
                                  struct err *err)
{
    struct params *params = params_parse(server->conninfo, err);
    struct conn_options options = {.password = NULL};
    struct conn *conn = NULL;

    (void)arg;
    (void)ret_password;
    if (params && conn_resolve(params, err))
        conn = conn_open(params, &options, err);
    params_free(params);
    return conn;
}

static bool look_who(struct fleet_member *member, struct err *err)
{
    static const char question[] =
        "SELECT pg_catalog.pg_is_in_recovery(),"
        " (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),"
        " pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time())::text";
    struct result *result = conn_exec(member->target.admin, question, 0, NULL, err);

    if (!result)
        return false;
    member->standby = result_bool(result, 0, 0);
    member->timeline = (int)result_int(result, 0, 1, 0);
    (void)snprintf(member->started, sizeof(member->started), "%s",
                   result_get(result, 0, 2) ? result_get(result, 0, 2) : "");
    result_free(result);
    return true;
}

static bool look_identity(struct fleet *fleet, struct fleet_member *member, struct err *err)
{
    char identifier[32] = "";

    return conn_system_identifier(member->target.admin, identifier, err) &&
           (!*identifier ||
            server_check_identifier(fleet->store, member->server, identifier, err)) &&
           look_who(member, err);
}

static bool look_unfinished(struct fleet *fleet, struct fleet_member *member, struct err *err)
{
    struct journal_plan_list open = {NULL, 0};
    int64_t unfinished = 0;

    if (!journal_open_plans(fleet->store, &open, err))
        return false;
    for (size_t i = 0; i < open.n; i++) {
        if (strcmp(open.rows[i]->server, member->server->name) != 0)
            continue;
        if (open.rows[i]->state == JOURNAL_LEFT)
            member->left_plan = open.rows[i]->id;
        else
            unfinished = open.rows[i]->id;
    }
    journal_plan_list_clear(&open);
    if (unfinished == 0)
        return true;
    err_set(err, ERR_UNFINISHED, _("plan %lld on \"%s\" is not finished"), (long long)unfinished,
            member->server->name);
    return err_hint(err, _("If no other pgseal is at it: \"pgseal server undo %s\" takes it back."),
                    member->server->name);
}

static bool open_member(struct fleet *fleet, struct fleet_member *member,
                        const struct fleet_order *order, const struct fleet_door *door,
                        struct err *err)
{
    struct conn *(*login)(void *, struct server *, struct secret **, struct err *) =
        door ? door->login : login_unasked;

    if (!order->unfinished && !look_unfinished(fleet, member, err))
        return false;
    if (!plan_tls_address(member->server, &member->tls_host, &member->target.tls_port, err))
        return false;
    if (member->tls_host[0] == '\0')
        return plan_no_tls_address(member->server, err);
    member->target.admin = login(door ? door->arg : NULL, member->server, &member->password, err);
    if (!member->target.admin)
        return false;
    member->target.store = fleet->store;
    member->target.server = member->server;
    member->target.tls_host = member->tls_host;
    member->target.admin_password = member->password;
    return look_identity(fleet, member, err);
}

/* Whoever says no is there; whoever says nothing is not. */
static bool is_away(const struct err *err)
{
    return err->code == ERR_NO_CONNECTION || err->code == ERR_TIMEOUT ||
           err->code == ERR_CONNECTION_LOST;
}

/* ---- all of them ---- */

/* Two entries that lead to one server: the other one is missed, and nobody would know. */
static bool check_apart(struct fleet *fleet, struct fleet_member *member, struct err *err)
{
    for (struct fleet_member *other = fleet->members; other < member; other++) {
        if (!other->target.admin || !text_equal(other->started, member->started) ||
            !text_equal(other->server->system_identifier, member->server->system_identifier) ||
            other->standby != member->standby)
            continue;
        err_set(err, ERR_OTHER_SERVER, _("\"%s\" and \"%s\" lead to one and the same server"),
                other->server->name, member->server->name);
        err_cause(err, _("It was started at the same microsecond, and has the same identifier."));
        return err_hint(
            err, _("Give each member an address of its own, not one that follows the primary."));
    }
    return true;
}

static int by_role(const void *left, const void *right)
{
    const struct fleet_member *a = left, *b = right;

    if (a->standby != b->standby)
        return a->standby ? -1 : 1;
    return strcmp(a->server->name, b->server->name);
}

bool fleet_open(struct fleet *fleet, const struct fleet_order *order, const struct fleet_door *door,
                struct err *err)
{
    size_t reached = 0;
    const struct fleet_member *first = NULL;

    for (size_t i = 0; i < fleet->n; i++) {
        struct fleet_member *member = &fleet->members[i];

        if (open_member(fleet, member, order, door, &member->err) &&
            check_apart(fleet, member, &member->err)) {
            reached++;
            continue;
        }
        member->state = is_away(&member->err) ? FLEET_AWAY : FLEET_REFUSED;
        drop_login(member);
        if (!first)
            first = member;
        if (member->state == FLEET_REFUSED && !order->go_on) {
            *err = member->err;
            return false;
        }
    }
    if (reached == 0 && first) {
        *err = first->err;
        return false;
    }
    qsort(fleet->members, fleet->n, sizeof(fleet->members[0]), by_role);
    return true;
}
