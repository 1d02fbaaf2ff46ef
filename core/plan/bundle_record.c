/*
 * bundle_record.c - what the store shall know of a server's lists once a plan is kept, or taken back.
 *
 * It goes through the journal with the intent, so that another process can keep or undo the plan:
 * "crls" has our CAs with the number of their list before and after; "foreign" has the certificates of
 * others' CAs, since the store may not know them yet.
 */
#include "config.h"

#include <string.h>

#include "core/base/intl.h"
#include "core/plan/bundle.h"
#include "core/store/foreign.h"
#include "core/store/published.h"

static json_int_t number_of(const struct bundle *bundle, const struct cert *ca)
{
    const struct crl *crl = bundle_crl(bundle, ca);
    uint64_t number = 0;

    return crl && crl_number(crl, &number) && number <= INT64_MAX ? (json_int_t)number : 0;
}

static json_int_t begin_of(const struct bundle *bundle, const struct cert *ca)
{
    const struct crl *crl = bundle_crl(bundle, ca);

    return crl ? (json_int_t)crl_this_update(crl) : 0;
}

static bool note_foreign(json_t *rows, const struct bundle *present, const struct bundle *wanted,
                         const struct cert *ca, struct err *err)
{
    struct strbuf pem = STRBUF_INIT;
    bool good = cert_to_pem(ca, &pem, err);

    if (good)
        json_array_append_new(
            rows, json_pack("{s:s, s:b, s:b, s:I, s:I}", "cert", pem.data, "was",
                            bundle_has_ca(present, ca), "now", bundle_has_ca(wanted, ca),
                            "was_begin", begin_of(present, ca), "begin", begin_of(wanted, ca)));
    strbuf_clear(&pem);
    return good;
}

static bool note_ca(struct plan *plan, json_t *ours, json_t *foreign, const struct bundle *present,
                    const struct bundle *wanted, const struct cert *ca, struct err *err)
{
    struct authority *authority = NULL;

    if (!authority_find(plan->target.store, ca, &authority, err))
        return false;
    if (!authority)
        return note_foreign(foreign, present, wanted, ca, err);
    json_array_append_new(ours,
                          json_pack("{s:I, s:I, s:I}", "authority", (json_int_t)authority->id,
                                    "was", number_of(present, ca), "now", number_of(wanted, ca)));
    authority_free(authority);
    return true;
}

bool bundle_note_lists(struct plan *plan, const struct bundle *present, const struct bundle *wanted,
                       struct err *err)
{
    json_t *ours = json_array();
    json_t *foreign = json_array();
    bool good = true;

    for (size_t i = 0; good && i < wanted->cas.n; i++)
        good = note_ca(plan, ours, foreign, present, wanted, wanted->cas.certs[i], err);
    for (size_t i = 0; good && i < present->cas.n; i++) {
        if (!bundle_has_ca(wanted, present->cas.certs[i]))
            good = note_ca(plan, ours, foreign, present, wanted, present->cas.certs[i], err);
    }
    json_object_set_new(plan->intent, "crls", ours);
    json_object_set_new(plan->intent, "foreign", foreign);
    return good;
}

static bool record_foreign(struct plan *plan, const json_t *row, bool kept, struct err *err)
{
    struct store *store = plan->target.store;
    int64_t server_id = plan->target.server->id;
    const char *pem = json_string_value(json_object_get(row, "cert"));
    bool trusts = json_is_true(json_object_get(row, kept ? "now" : "was"));
    int64_t begin = json_integer_value(json_object_get(row, kept ? "begin" : "was_begin"));
    struct cert *ca = pem ? cert_from_pem(pem, strlen(pem), err) : NULL;
    bool good = false;

    if (!pem)
        err_set(err, ERR_INTERNAL, _("the journal names a CA without its certificate"));
    if (!ca)
        return false;
    good = trusts ? foreign_note(store, server_id, ca, err) &&
                        foreign_set_published(store, server_id, ca, begin, err)
                  : foreign_forget(store, server_id, ca, err);
    cert_free(ca);
    return good;
}

/* Then the server has every list that it wants, by whichever way it came. */
static bool is_publication(const struct plan *plan)
{
    const char *kind = json_string_value(json_object_get(plan->intent, "kind"));

    return kind && strcmp(kind, "publish_crl") == 0;
}

static bool record_lists(struct plan *plan, bool kept, struct err *err)
{
    const json_t *row;
    size_t i;

    if (plan->target.server->id == 0)
        return true; /* not a server of the store */
    if (kept && is_publication(plan) &&
        !server_clear_missed(plan->target.store, plan->target.server, SERVER_MISSED_CRLS, err))
        return false;
    json_array_foreach(json_object_get(plan->intent, "crls"), i, row)
    {
        int64_t id = json_integer_value(json_object_get(row, "authority"));
        int64_t number = json_integer_value(json_object_get(row, kept ? "now" : "was"));

        if (!published_set(plan->target.store, plan->target.server->id, id, (uint64_t)number, err))
            return false;
    }
    json_array_foreach(json_object_get(plan->intent, "foreign"), i, row)
    {
        if (!record_foreign(plan, row, kept, err))
            return false;
    }
    return true;
}

bool run_set_trust(struct plan *plan, bool kept, struct err *err)
{
    const json_t *trust = json_object_get(plan->intent, "trust");
    const json_t *row;
    size_t i;

    json_array_foreach(trust, i, row)
    {
        bool now = json_is_true(json_object_get(row, kept ? "now" : "was"));
        int64_t id = json_integer_value(json_object_get(row, "authority"));

        if (!server_set_trust(plan->target.store, plan->target.server, id, now, err))
            return false;
    }
    return record_lists(plan, kept, err);
}
