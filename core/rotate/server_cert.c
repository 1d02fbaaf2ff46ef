/* server_cert.c - a server's certificate anew, from the CA that it has: no client notices. */
#include "config.h"

#include "core/base/intl.h"
#include "core/rotate/server_part.h"

enum { RENEW, LOOK };

static const struct rotate_phase phases[] = {
    [RENEW] =
        {
            .key = "renew",
            .title = N_("every member has a new certificate"),
            .act = N_("issue one for each member, with the names it has now; reload"),
            .waits = N_("each member shows its new one on the wire"),
            .back = N_("the old certificate again on each member that got a new one; given up"),
            .why = N_("The CA stays the same, so clients need nothing: whoever trusted the old "
                      "certificate trusts the new one. Open sessions stay open. Each member has a "
                      "key of its own."),
        },
    [LOOK] =
        {
            .key = "look",
            .title = N_("the new certificates are in use"),
            .act = "",
            .waits = N_("each member shows its new one still"),
            .back = N_("the old certificate again on each member"),
            .why = N_("The old files are still there, so there is a way back, also after a restart "
                      "of the server, until the old certificate ends. Going on ends the rotation."),
        },
};

static bool judge(struct rotate_status *ret)
{
    bool all = true;

    for (size_t i = 0; i < ret->n_servers; i++) {
        struct rotate_server *server = &ret->servers[i];

        server->done = server->has_new && server->err.code == ERR_NONE;
        all = all && server->done;
    }
    return all;
}

static bool look(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                 struct err *err)
{
    bool all;

    if (!server_measure(work, ask_servers, NULL, ret, err))
        return false;
    all = judge(ret);
    server_block_members(ret, true);
    if (work->rotation->phase == RENEW) {
        ret->act_done = all;
        ret->needs = ROTATE_NEED_OLD_KEY | ROTATE_NEED_SERVERS;
        return true;
    }
    ret->act_done = true;
    for (size_t i = 0; i < ret->n_servers && ask_servers; i++) {
        if (!ret->servers[i].done && ret->servers[i].err.code == ERR_NONE)
            rotate_block(ret, _("\"%s\" does not show its new certificate"), ret->servers[i].name);
    }
    return true;
}

static bool act(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    return work->rotation->phase != RENEW || server_renew(work, ret, NULL, NULL, err);
}

static bool preview(struct rotate_work *work, bool back, struct err *err)
{
    struct rotate_outcome none = {.from = 0};
    bool good = back ? server_back(work, &none, err) : act(work, &none, err);

    rotate_outcome_clear(&none);
    return good;
}

const struct rotate_kind rotate_server_cert = {
    .phases = phases,
    .n_phases = ARRAY_LEN(phases),
    .look = look,
    .act = act,
    .back = server_back,
    .preview = preview,
    .start = server_start,
};
