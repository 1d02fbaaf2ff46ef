/* emergency.c - the CA's key is stolen: the shortest safe way to another CA. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/ca_act.h"
#include "core/rotate/servers.h"

enum { GENERATION, REISSUE, REPLACE, KEY };

static const struct rotate_phase phases[] = {
    [GENERATION] =
        {
            .key = "generation",
            .title = N_("a new CA: its own name, its own key"),
            .act = N_("make the new CA, with its canaries and its list"),
            .waits = N_("the new CA is in the store"),
            .back = N_("give the rotation up; a CA that was made stays in the store"),
            .why = N_("Whoever has the old key signs certificates that your servers accept, for "
                      "every role, and no list can name them. Only another CA ends that."),
        },
    [REISSUE] =
        {
            .key = "reissue",
            .title = N_("each client has a kit of the new CA"),
            .act = N_("make a kit for each valid certificate of the old CA"),
            .waits = N_("each line has its new certificate, or is gone on without"),
            .back = N_("nothing changes on a server; kits that were made stay valid"),
            .why = N_("The kits work from the next phase on. Hand over first what must not stand "
                      "still; then go on: each hour is an hour for the thief."),
        },
    [REPLACE] =
        {
            .key = "replace",
            .title = N_("every server trusts the new CA, and the old one no more"),
            .act = N_("the new CA in, the old one out, sessions of the old one ended"),
            .waits = N_("each server refuses the old canary and accepts the new one"),
            .back = N_("trust the STOLEN CA again, so that its clients get in"),
            .why =
                N_("Who still has an old certificate is refused from now on: the sessions of now "
                   "are counted first. A server that is away stays open to the thief until it "
                   "is reached."),
        },
    [KEY] =
        {
            .key = "key",
            .title = N_("the stolen key is destroyed here, too"),
            .act = N_("end the old CA's key, as you choose"),
            .waits = N_("no server trusts the old CA"),
            .back = N_("trust the STOLEN CA again, so that its clients get in"),
            .why = N_("Nothing is signed with it any more. An archive is of use as evidence only."),
        },
};

/* ---- start ---- */

/* Whatever goes on with the stolen key: certificates and a longer life for it, or the quiet way out. */
static bool is_overtaken(const struct rotation *other, const struct rotation *by)
{
    switch (other->kind) {
    case ROTATION_CLIENT:
    case ROTATION_CLIENT_CA:
    case ROTATION_CA_LIFE:
        return other->old_authority_id == by->old_authority_id;
    case ROTATION_SERVER:
    case ROTATION_SERVER_CA:
    case ROTATION_EMERGENCY:
        break;
    }
    return false;
}

/* The quiet way was under way: this goes on with the CA that it made. They all end. */
static bool take_over(struct store *store, struct rotation *ret, struct err *err)
{
    struct rotation_list list = {.n = 0};
    bool ok = rotation_list(store, false, &list, err);

    for (size_t i = 0; ok && i < list.n; i++) {
        struct rotation *other = list.rows[i];

        if (!is_overtaken(other, ret))
            continue;
        if (other->kind == ROTATION_CLIENT_CA && ret->new_authority_id == 0 &&
            ret->new_foreign_id == 0)
            ret->new_authority_id = other->new_authority_id;
        other->given_up = true;
        other->ended_at = clock_now();
        ok =
            rotation_save(store, other, "given up: its key is stolen, an emergency took over", err);
    }
    rotation_list_clear(&list);
    return ok;
}

static bool emergency_start(struct store *store, const struct rotate_start *start,
                            struct rotation *ret, struct err *err)
{
    if (start->old_foreign != NULL)
        return err_set(err, ERR_USAGE, _("an emergency is about a CA of this store"));
    return ca_start(store, start, ret, err) && take_over(store, ret, err);
}

/* ---- looks ---- */

/* On top: what is dangerous now. */
static void block_open_doors(struct rotate_status *ret)
{
    for (size_t i = 0; i < ret->n_servers; i++) {
        const struct rotate_server *server = &ret->servers[i];

        if (server->has_old && server->asked && !server->reached)
            rotate_block(ret, _("\"%s\" was not reached: whoever has the stolen key gets in there"),
                         server->name);
        else if (server->err.code != ERR_NONE)
            rotate_block_server(ret, server);
    }
}

static bool look_replace(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    if (!ca_look_use(work, ret, err) ||
        !rotation_count_items(work->store, work->rotation->id, &ret->items, err))
        return false;
    ca_forget_quiet(ret);
    ret->act_done = ca_judge_servers(work, false, ret);
    ret->needs = ROTATE_NEED_SERVERS;
    block_open_doors(ret);
    return true;
}

static bool emergency_look(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                           struct err *err)
{
    int phase = work->rotation->phase;
    bool ok;

    /* making keys and kits waits for nobody */
    if (!rotate_measure(work, ask_servers && phase >= REPLACE, ret, err))
        return false;
    switch (phase) {
    case GENERATION:
        ret->act_done = work->new_cert != NULL;
        if (!ret->act_done)
            ret->needs = ROTATE_NEED_NEW_PASSPHRASE;
        return true;
    case REISSUE:
        ok = ca_look_kits(work, ret, err);
        ca_forget_quiet(ret);
        return ok;
    case REPLACE:
        return look_replace(work, ret, err);
    }
    return ca_look_key(work, ret, err);
}

/* ---- acts ---- */

static bool replace(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    struct rotate_request request = *work->request;
    struct rotate_work ending = *work;

    request.end_sessions = true; /* the thief's are among them */
    ending.request = &request;
    return ca_replace(&ending, ret, err);
}

static bool emergency_act(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    switch (work->rotation->phase) {
    case GENERATION:
        return ca_make_generation(work, err);
    case REISSUE:
        return ca_make_kits(work, ret, err);
    case REPLACE:
        return replace(work, ret, err);
    }
    return ca_end_key(work, ret, err);
}

static bool emergency_back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    return work->rotation->phase < REPLACE || ca_trust_old(work, ret, err);
}

static bool emergency_preview(struct rotate_work *work, bool back, struct err *err)
{
    struct rotate_outcome none = {.from = 0};
    bool ok;

    work->preview->ends_sessions = !back && work->rotation->phase == REPLACE;
    ok = back ? emergency_back(work, &none, err) : emergency_act(work, &none, err);
    rotate_outcome_clear(&none);
    return ok;
}

const struct rotate_kind rotate_emergency = {
    .phases = phases,
    .n_phases = ARRAY_LEN(phases),
    .look = emergency_look,
    .act = emergency_act,
    .back = emergency_back,
    .preview = emergency_preview,
    .start = emergency_start,
};
