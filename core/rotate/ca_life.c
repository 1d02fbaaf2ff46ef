/* ca_life.c - the CA's certificate again: same name, same key, a later end. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/rotate/ca_act.h"
#include "core/rotate/options.h"
#include "core/rotate/servers.h"
#include "core/store/authority_change.h"
#include "core/store/authority_request.h"

enum { RENEW, BRING };

static const struct rotate_phase phases[] = {
    [RENEW] =
        {
            .key = "renew",
            .title = N_("the CA's certificate again, with a later end"),
            .act = N_("sign the CA's certificate again: same name, same key"),
            .waits = N_("the new certificate is in the store"),
            .back = N_("give the rotation up; a certificate that was made stays"),
            .why = N_("Where the date is a CA's only trouble, this is all it needs: what it signed "
                      "goes on being verified, and clients need nothing."),
        },
    [BRING] =
        {
            .key = "bring",
            .title = N_("every server has the new certificate in place of the old one"),
            .act = N_("give each server the new certificate of the CA"),
            .waits = N_("each server has it, and judges the new canaries"),
            .back = N_("nothing changes on a server: either certificate verifies the same clients"),
            .why =
                N_("When the old certificate ends, a server that has only that one refuses every "
                   "client. Clients that verify servers of this CA need a new trust file too."),
        },
};

static void note_former(const struct cert *cert, struct rotation *ret)
{
    char hex[CERT_SHA256_HEX];

    free(ret->options);
    ret->options = mem_printf("{\"former\":\"%s\",\"former_end\":%lld}", cert_sha256_hex(cert, hex),
                              (long long)cert_not_after(cert));
}

static bool ca_life_start(struct store *store, const struct rotate_start *start,
                          struct rotation *ret, struct err *err)
{
    struct authority *authority;
    bool ok;

    if (start->old_foreign != NULL || start->new_foreign != NULL || start->new_authority != NULL)
        return err_set(err, ERR_USAGE, _("\"--same-key\" is about one CA of this store"));
    if (!ca_start(store, start, ret, err))
        return false;
    authority = authority_load_id(store, ret->old_authority_id, err);
    if (authority == NULL)
        return false;
    ok = authority->has_key ||
         err_set(err, ERR_CA_KEY, _("the key of the CA \"%s\" is not here"), authority->name);
    if (ok && !cert_is_self_signed(authority->cert)) {
        ok = err_set(err, ERR_POLICY, _("\"%s\" is an intermediate CA: its root signs it again"),
                     authority->name);
        err_hint(err, _("\"pgseal ca renew\" makes the request for it."));
    }
    ret->new_authority_id = ret->old_authority_id;
    note_former(authority->cert, ret);
    authority_free(authority);
    return ok;
}

static bool is_renewed(const struct rotate_work *work)
{
    json_t *options = rotate_options(work->rotation);
    const char *former = json_string_value(json_object_get(options, "former"));
    char now[CERT_SHA256_HEX];
    bool is = former != NULL && !text_equal(former, cert_sha256_hex(work->old_cert, now));

    json_decref(options);
    return is;
}

static bool renew(struct rotate_work *work, struct err *err)
{
    struct authority_renewed renewed = {.authority = NULL};
    bool ok;

    if (is_renewed(work))
        return true;
    if (work->request->old_key == NULL)
        return err_set(err, ERR_CA_KEY, _("the key of the CA \"%s\" is not unlocked"),
                       work->old_ca->name);
    ok = authority_renew(work->store, work->old_ca, work->request->old_key, work->request->days,
                         &renewed, err);
    authority_free(renewed.authority);
    return ok;
}

/* Names and keys are the same before and after, so the wire cannot tell: the plan's own proof counts, which
 * compares the file. */
static bool judge(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    struct rotation_server_list rows = {.n = 0};

    if (!rotation_servers(work->store, work->rotation->id, &rows, err))
        return false;
    ret->act_done = true;
    for (size_t i = 0; i < ret->n_servers; i++) {
        struct rotate_server *server = &ret->servers[i];

        for (size_t k = 0; k < rows.n; k++)
            server->done = server->done || (rows.rows[k].phase == BRING &&
                                            rows.rows[k].state == ROTATION_SERVER_DONE &&
                                            text_equal(rows.rows[k].server, server->name));
        if (server->asked && server->err.code != ERR_NONE)
            server->done = false;
        server->has_new = server->done;
        server->has_old = !server->done;
        ret->act_done = ret->act_done && server->done;
    }
    rotation_server_list_clear(&rows);
    return true;
}

static int64_t former_end(const struct rotation *rotation)
{
    json_t *options = rotate_options(rotation);
    int64_t end = (int64_t)json_integer_value(json_object_get(options, "former_end"));

    json_decref(options);
    return end;
}

static bool say_verifiers(struct rotate_work *work, struct rotate_status *ret, struct err *err)
{
    char date[CLOCK_TEXT_MAX];
    size_t n = 0;

    if (!authority_count_serving(work->store, work->old_ca, &n, err))
        return false;
    if (n == 0)
        return true;
    free(ret->proposal);
    ret->proposal = mem_printf(
        _("%zu certificates of servers are from this CA too: clients that verify them need the new "
          "CA certificate in their trust file before %s, when the former one ends."),
        n, clock_format_date(date, former_end(work->rotation)));
    return true;
}

static bool ca_life_look(struct rotate_work *work, bool ask_servers, struct rotate_status *ret,
                         struct err *err)
{
    if (!rotate_measure(work, ask_servers && work->rotation->phase == BRING, ret, err) ||
        !say_verifiers(work, ret, err))
        return false;
    if (work->rotation->phase == RENEW) {
        ret->act_done = is_renewed(work);
        if (!ret->act_done)
            ret->needs = ROTATE_NEED_OLD_KEY;
        return true;
    }
    ret->needs = ROTATE_NEED_SERVERS;
    if (!judge(work, ret, err))
        return false;
    ca_block_servers(ret);
    return true;
}

static bool ca_life_act(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    return work->rotation->phase == RENEW ? renew(work, err) : ca_trust_new(work, ret, err);
}

static bool ca_life_back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    (void)work;
    (void)ret;
    (void)err;
    return true;
}

static bool ca_life_preview(struct rotate_work *work, bool back, struct err *err)
{
    struct rotate_outcome none = {.from = 0};
    bool ok = true;

    if (!back && work->rotation->phase == BRING)
        ok = ca_trust_new(work, &none, err);
    else if (!back && !is_renewed(work))
        rotate_preview_line(work->preview, "%s",
                            _("the CA's certificate is signed again; no server is changed"));
    rotate_outcome_clear(&none);
    return ok;
}

const struct rotate_kind rotate_ca_life = {
    .phases = phases,
    .n_phases = ARRAY_LEN(phases),
    .look = ca_life_look,
    .act = ca_life_act,
    .back = ca_life_back,
    .preview = ca_life_preview,
    .start = ca_life_start,
};
