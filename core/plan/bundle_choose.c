/* bundle_choose.c - the list to publish for a CA: new enough, whole, and good for a while. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/plan/bundle.h"
#include "core/store/foreign.h"
#include "core/store/revoked.h"

/* A list with less left than this is not published. Others sign lists for a few hours. */
#define BUNDLE_OWN_LEFT     CLOCK_DAY
#define BUNDLE_FOREIGN_LEFT INT64_C(3600)

/* True where the entry may leave the list: the certificate has ended. Of another's CA that is not
 * known here. */
static bool may_leave(const struct plan *plan, const struct authority *authority,
                      const struct serial *serial)
{
    struct err ignored = ERR_INIT; /* then it may not */
    bool ended = false;

    return authority &&
           revoked_has_ended(plan->target.store, authority->id, serial, &ended, &ignored) && ended;
}

/* Unexpired revocations of the list now that new lacks, counted; the first one's serial number. True
 * when there are any. authority NULL: another's CA. */
static bool count_dropped(const struct plan *plan, const struct authority *authority,
                          const struct crl *now, const struct crl *new, size_t *ret,
                          char ret_first[SERIAL_HEX_MAX])
{
    *ret = 0;
    for (size_t i = 0; i < crl_count(now); i++) {
        struct crl_entry entry;

        if (!crl_entry_at(now, i, &entry) || crl_has(new, &entry.serial) ||
            may_leave(plan, authority, &entry.serial))
            continue;
        if ((*ret)++ == 0)
            serial_format_hex(ret_first, &entry.serial);
    }
    return *ret > 0;
}

/* One of a set, brought while the clock was ahead: it lets nobody in before its day, and the one that
 * counts has the same entries, which is what is looked at then. */
static bool is_early(const struct authority *authority, const struct crl *crl)
{
    return authority && crl_this_update(crl) > clock_now();
}

static bool check_not_weaker(const struct plan *plan, const struct authority *authority,
                             const struct crl *now, const struct crl *new, const char *name,
                             size_t accept_dropped, struct err *err)
{
    char serial[SERIAL_HEX_MAX];
    uint64_t now_number;
    uint64_t new_number;
    size_t dropped;

    if (!is_early(authority, now) && crl_number(now, &now_number) && crl_number(new, &new_number) &&
        new_number < now_number)
        return err_set(err, ERR_CRL_WEAKER,
                       _("CRL of \"%s\": number %llu, the server has number %llu"), name,
                       (unsigned long long)new_number, (unsigned long long)now_number);
    if (!authority && crl_is_newer(now, new))
        return err_set(err, ERR_CRL_WEAKER, _("CRL of \"%s\": the server has a later one"), name);
    if (count_dropped(plan, authority, now, new, &dropped, serial) && dropped != accept_dropped)
        return err_set(err, ERR_CRL_WEAKER, _("CRL of \"%s\" lacks the revoked serial number %s"),
                       name, serial);
    return true;
}

/* A list that ends so soon is no list to publish; one that ends with its CA cannot do better. */
static bool ends_too_soon(const struct cert *ca, const struct authority *authority,
                          const struct crl *crl)
{
    int64_t end = crl_next_update(crl);
    int64_t least = authority ? BUNDLE_OWN_LEFT : BUNDLE_FOREIGN_LEFT;

    return end && end < clock_now() + least && end < cert_not_after(ca);
}

static bool check_crl(const struct plan *plan, const struct cert *ca,
                      const struct authority *authority, const struct crl *present,
                      const struct crl *new, size_t accept_dropped, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    char date[CLOCK_TEXT_MAX];
    int64_t now = clock_now();
    bool good = false;

    cert_format_subject(ca, &name);
    if (!crl_signed_by(new, ca)) {
        err_set(err, ERR_CRL_WEAKER, _("CRL of \"%s\" was signed by another key"), name.data);
    } else if (!cert_may_sign_crls(ca)) {
        err_set(err, ERR_WOULD_LOCK_OUT, _("CA \"%s\" may not sign CRLs (its key usage)"),
                name.data);
    } else if (crl_next_update(new) && crl_next_update(new) <= now) {
        err_set(err, ERR_CRL_ENDED, _("the CRL of \"%s\" has ended"), name.data);
    } else if (crl_this_update(new) > now) {
        err_set(err, ERR_CRL_NOT_YET, _("the CRL of \"%s\" is not valid yet"), name.data);
        if (authority)
            err_hint(err,
                     _("It was signed while the clock was ahead: \"pgseal crl sign\" makes one "
                       "of today with all of it, then \"pgseal crl refresh\"."));
    } else if (present && crl_equal(present, new)) {
        good = true;
    } else if (ends_too_soon(ca, authority, new)) {
        err_set(err, ERR_CRL_ENDS, _("the CRL of \"%s\" ends on %s UTC: too soon to publish it"),
                name.data, clock_format_minute(date, crl_next_update(new)));
    } else {
        good = !present ||
               check_not_weaker(plan, authority, present, new, name.data, accept_dropped, err);
        if (!good && authority)
            err_hint(err, is_early(authority, present)
                              ? _("The list that is there was signed while the clock was ahead: "
                                  "\"pgseal crl sign\" makes one of today with all of it, then "
                                  "\"pgseal crl refresh\".")
                              : _("Another store or program signed the list that is there: bring "
                                  "it here (\"pgseal crl import FILE\"), then \"pgseal crl "
                                  "refresh\"."));
    }
    strbuf_clear(&name);
    return good;
}

/* Another's CA: what was offered, what was imported, what is there; the newest of them. */
static bool choose_foreign(const struct plan *plan, const struct cert *ca, const struct crl *now,
                           struct crl *const *offered, size_t n_offered, struct crl **ret,
                           size_t *ret_accept, struct err *err)
{
    struct crl *stored = NULL;
    const struct crl *best = NULL;
    size_t accept = 0;

    for (size_t i = 0; i < n_offered; i++) {
        if (crl_signed_by(offered[i], ca) && (!best || crl_is_newer(offered[i], best)))
            best = offered[i];
    }
    if (!foreign_crl(plan->target.store, ca, &stored, &accept, err))
        return false;
    if (stored && (!best || crl_is_newer(stored, best))) {
        best = stored;
        *ret_accept = accept;
    }
    if (!best || (now && n_offered == 0 && crl_is_newer(now, best)))
        best = now; /* somebody else has brought a later one */
    *ret = best ? crl_dup(best) : NULL;
    crl_free(stored);
    return true;
}

bool bundle_choose_crl(const struct plan *plan, const struct cert *ca, const struct bundle *present,
                       struct crl *const *offered, size_t n_offered, struct crl **ret,
                       struct err *err)
{
    const struct crl *now = bundle_crl(present, ca);
    struct authority *authority = NULL;
    struct crl *crl = NULL;
    size_t accept = 0;
    bool good;

    if (!authority_find(plan->target.store, ca, &authority, err))
        return false;
    if (authority) {
        crl = authority_crl(plan->target.store, authority, err);
        good = crl != NULL;
    } else {
        good = choose_foreign(plan, ca, now, offered, n_offered, &crl, &accept, err);
    }
    /* Another's list that is there already, even an ended one, must not keep ours from going there. */
    if (good && crl && (authority || !now || !crl_equal(now, crl)))
        good = check_crl(plan, ca, authority, now, crl, accept, err);
    authority_free(authority);
    if (good)
        *ret = crl;
    else
        crl_free(crl);
    return good;
}
