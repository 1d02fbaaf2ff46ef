/* client_ca.c - another CA for the clients: both are trusted while the clients move, then the old one goes. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/ca_act.h"
#include "core/rotate/servers.h"

#define DATE_IS_THE_TROUBLE_DAYS 400

enum { GENERATION, TRUST, MOVE, WATCH, RETIRE, KEY };

static const struct rotate_phase phases[] = {
    [GENERATION] =
        {
            .key = "generation",
            .title = N_("a new CA: its own name, its own key"),
            .act = N_("make the new CA, with its canaries and its list"),
            .waits = N_("the new CA is in the store"),
            .back = N_("give the rotation up; a CA that was made stays in the store"),
            .why = N_("PostgreSQL tells CAs apart by their names. The same name with another key "
                      "would lock everybody out, so a new generation gets a new name: \"... G2\". "
                      "No server and no client knows of it yet."),
        },
    [TRUST] =
        {
            .key = "trust",
            .title = N_("every server trusts the old and the new CA"),
            .act = N_("give the new CA and its list to each server, beside the old one"),
            .waits = N_("each server shows both on the wire, and judges the canaries of both"),
            .back = N_("take the new CA away from the servers that got it by this rotation"),
            .why = N_("Nobody is refused by this: certificates of the old CA go on as before. "
                      "Standbys have files of their own, so each member gets it. A client that "
                      "moved too early would be refused by the server that was left out."),
        },
    [MOVE] =
        {
            .key = "move",
            .title = N_("each client gets a certificate of the new CA"),
            .act = N_("make a kit for each line of the list"),
            .waits = N_("each line has its new certificate, or is gone on without"),
            .back = N_("nothing changes on a server; kits that were made stay valid"),
            .why = N_("Old and new certificates both work, so clients change one by one, when it "
                      "suits them. A role is the same before and after."),
        },
    [WATCH] =
        {
            .key = "watch",
            .title = N_("nobody uses the old ones any more"),
            .act = "",
            .waits = N_("no session, and none seen for the whole quiet time"),
            .back = N_("nothing changes on a server; more kits can be made"),
            .why = N_("Open sessions and sightings are compared by serial number; the standby's "
                      "receiver and the nightly job count too. The quiet time must be longer than "
                      "the longest pause of any client: it is yours to choose."),
        },
    [RETIRE] =
        {
            .key = "retire",
            .title = N_("no server trusts the old CA any more"),
            .act = N_("take the old CA away from each server, then its list"),
            .waits = N_("each server refuses the old canary and accepts the new one"),
            .back = N_("give the old CA and its list back to each server"),
            .why = N_("Sessions that are open stay open, and are refused when they come again: so "
                      "they are counted first. They can be ended now, while you look."),
        },
    [KEY] =
        {
            .key = "key",
            .title = N_("the old key is archived or destroyed"),
            .act = N_("end the old CA's key, as you choose"),
            .waits = N_("no server trusts the old CA"),
            .back = N_("give the old CA and its list back to each server"),
            .why = N_("A key that signs for no server is of use to nobody but a thief. Once it is "
                      "destroyed there is no way back."),
        },
};

/* ---- looks ---- */

static void block_unmade(struct rotate_status *ret, size_t unmade)
{
    if (unmade > 0)
        rotate_block(ret,
                     ngettext("%zu line of the list has no new certificate yet",
                              "%zu lines of the list have no new certificate yet", unmade),
                     unmade);
}

static void block_lacking(struct rotate_status *ret)
{
    for (size_t i = 0; i < ret->n_servers; i++) {
        if (!ret->servers[i].has_new && ret->servers[i].err.code == ERR_NONE)
            rotate_block(ret, _("\"%s\" does not trust the new CA: go back to phase \"trust\""),
                         ret->servers[i].name);
    }
}

static void block_users(const struct rotate_work *work, struct rotate_status *ret)
{
    const struct rotate_request *request = work->request;
    const struct rotation_counts *items = &ret->items;
    int64_t waiting = items->total - items->seen - items->left - items->ended;
    char date[CLOCK_TEXT_MAX];
    int open = 0;

    for (size_t i = 0; i < ret->left.n; i++)
        open += ret->left.rows[i].open;
    if (open > 0)
        rotate_block(ret,
                     ngettext("%d session is open with a certificate of \"%s\"",
                              "%d sessions are open with certificates of \"%s\"",
                              (unsigned long)open),
                     open, ca_old_name(work));
    if (waiting > 0 && (int64_t)request->accept_left != waiting)
        rotate_block(ret,
                     ngettext("%lld line of the list was never seen with its new certificate",
                              "%lld lines of the list were never seen with their new certificate",
                              (unsigned long)waiting),
                     (long long)waiting);
    if (ret->quiet.safe || (ret->quiet.but_gaps && request->accept_gaps))
        return;
    if (ret->quiet.but_gaps)
        rotate_block(ret, _("the quiet time has gaps in which nobody looked (--accept-gaps)"));
    else if (ret->quiet.safe_at > 0)
        rotate_block(ret, _("the quiet time is not over: earliest %s UTC"),
                     clock_format_minute(date, ret->quiet.safe_at));
    else
        rotate_block(ret, _("the quiet time has not begun: \"%s\" is in use, or not all is seen"),
                     ca_old_name(work));
}

static bool look_move(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    if (!ca_look_kits(work, ret, err))
        return false;
    ca_forget_quiet(ret);
    block_lacking(ret);
    return true;
}

static bool look_watch(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    size_t unmade = 0;

    if (!ca_look_kits(work, ret, err) || !ca_count_unmade(work, &unmade, err))
        return false;
    ret->act_done = true;
    ret->needs = 0;
    block_lacking(ret);
    block_unmade(ret, unmade);
    block_users(work, ret);
    ca_block_servers(ret);
    return true;
}

static bool look_retire(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    if (!ca_look_use(work, ret, err) ||
        !rotation_count_items(work->store, work->rotation->id, &ret->items, err))
        return false;
    ca_forget_quiet(ret);
    ret->act_done = ca_judge_servers(work, false, ret);
    ret->needs = ROTATE_NEED_SERVERS;
    ca_block_servers(ret);
    return true;
}

/* Where the CA's end is all that is wrong with it, its clients need nothing. */
static void propose_life(const struct rotate_work *work, struct rotate_status *ret)
{
    struct strbuf name = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];

    if (work->old_ca == NULL || !work->old_ca->has_key ||
        clock_days_until(cert_not_after(work->old_cert)) > DATE_IS_THE_TROUBLE_DAYS)
        return;
    if (text_quote_shell(&name, work->old_ca->name)) {
        free(ret->proposal);
        ret->proposal = mem_printf(
            _("It ends on %s. If the date is its only trouble: the same key gets a later end "
              "(pgseal rotate ca %s --same-key), and clients need nothing."),
            clock_format_date(date, cert_not_after(work->old_cert)), name.data);
    }
    strbuf_clear(&name);
}

static bool client_ca_look(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                           struct err *err)
{
    int phase = work->rotation->phase;
    bool all;

    if (!rotate_measure(work, ask_servers && phase != GENERATION, ret, err))
        return false;
    all = ca_judge_servers(work, true, ret);
    switch (phase) {
    case GENERATION:
        ret->act_done = work->new_cert != NULL;
        if (!ret->act_done)
            ret->needs = ROTATE_NEED_NEW_PASSPHRASE;
        propose_life(work, ret);
        return true;
    case TRUST:
        ret->act_done = all;
        ret->needs = ROTATE_NEED_SERVERS;
        ca_block_servers(ret);
        return ca_notice_gone(work, ret, err);
    case MOVE:
        return ca_notice_gone(work, ret, err) && look_move(work, ret, err);
    case WATCH:
        return ca_notice_gone(work, ret, err) && look_watch(work, ret, err);
    case RETIRE:
        return look_retire(work, ret, err);
    }
    return ca_look_key(work, ret, err);
}

/* ---- acts ---- */

static bool client_ca_act(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    switch (work->rotation->phase) {
    case GENERATION:
        return ca_make_generation(work, err);
    case TRUST:
        return ca_trust_new(work, ret, err);
    case MOVE:
        return ca_make_kits(work, ret, err);
    case WATCH:
        return true;
    case RETIRE:
        return ca_replace(work, ret, err);
    }
    return ca_end_key(work, ret, err);
}

static bool client_ca_back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    switch (work->rotation->phase) {
    case TRUST:
        return ca_drop_new(work, ret, err);
    case RETIRE:
        return ca_trust_old(work, ret, err);
    case KEY:
        return ca_trust_old(work, ret, err);
    }
    return true;
}

static bool client_ca_preview(struct rotate_work *work, bool back, struct err *err)
{
    struct rotate_outcome none = {.from = 0};
    bool ok;

    work->preview->ends_sessions = work->request->end_sessions;
    ok = back ? client_ca_back(work, &none, err) : client_ca_act(work, &none, err);
    rotate_outcome_clear(&none);
    return ok;
}

const struct rotate_kind rotate_client_ca = {
    .phases = phases,
    .n_phases = ARRAY_LEN(phases),
    .look = client_ca_look,
    .act = client_ca_act,
    .back = client_ca_back,
    .preview = client_ca_preview,
    .start = ca_start,
};
