/* crl_ahead_sign.c - a set of lists for later, signed while the key is at hand. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/store/crl_ahead.h"
#include "core/store/revoked.h"
#include "core/store/row.h"

static bool check(const struct authority *authority, const struct key *key,
                  const struct crl_ahead_spec *spec, int days, struct err *err)
{
    if (!cert_matches_key(authority->cert, key))
        return err_set(err, ERR_CA_KEY, _("this is not the private key of \"%s\""),
                       authority->name);
    if (spec->lists < 2 || spec->lists > CRL_AHEAD_MAX)
        return err_set(err, ERR_BAD_VALUE, _("%d months are not between 2 and %d"), spec->lists,
                       CRL_AHEAD_MAX);
    if (days < CRL_AHEAD_EVERY_DAYS + CRL_AHEAD_OVERLAP_DAYS || days > 3650) {
        err_set(err, ERR_POLICY,
                _("lists of %d days each, one a month, are not between %d and 3650"), days,
                CRL_AHEAD_EVERY_DAYS + CRL_AHEAD_OVERLAP_DAYS);
        return err_hint(err, _("A timer that stands still for less than a week must not lock "
                               "anybody out."));
    }
    return true;
}

/* Inside a transaction. */
static struct crl *sign_set(struct store *store, const struct authority *authority,
                            const struct key *key, int lists, int days, size_t *ret_lists,
                            struct err *err)
{
    int64_t now = clock_now();
    struct crl_entry *entries = NULL;
    struct crl *first = NULL;
    size_t n_entries = 0;
    uint64_t number = 0;
    int64_t end;

    /* the CA's end is said as for any other list */
    if (!row_crl_end(authority->cert, now, days, &end, err) ||
        !row_last_crl(store, authority->id, &number, err) ||
        !revoked_entries(store, authority->id, &entries, &n_entries, err))
        return NULL;
    *ret_lists = 0;
    for (int i = 0; i < lists; i++) {
        int64_t due = now + i * CRL_AHEAD_EVERY_DAYS * CLOCK_DAY;
        struct crl *crl;
        bool ok;

        if (i > 0 && due >= cert_not_after(authority->cert))
            break;
        end = due + days * CLOCK_DAY;
        if (end > cert_not_after(authority->cert))
            end = cert_not_after(authority->cert);
        crl = crl_build(authority->cert, key, entries, n_entries, number + 1 + (uint64_t)i,
                        due - CERT_BACKDATE, end, err);
        ok = crl != NULL && row_add_crl(store, authority->id, crl, i == 0 ? 0 : due, err);
        if (i == 0)
            first = crl;
        else
            crl_free(crl);
        if (!ok) {
            crl_free(first);
            first = NULL;
            break;
        }
        (*ret_lists)++;
    }
    free(entries);
    if (first != NULL && !row_drop_old_crls(store, authority->id, number + 1, err)) {
        crl_free(first);
        first = NULL;
    }
    return first;
}

bool crl_ahead_sign(struct store *store, struct authority *authority, const struct key *key,
                    const struct crl_ahead_spec *spec, size_t *ret_lists, struct err *err)
{
    int days = spec->days > 0 ? spec->days : CRL_AHEAD_DAYS;
    struct crl *first = NULL;
    char *detail = NULL;
    bool ok = false;

    if (!check(authority, key, spec, days, err) || !store_begin(store, err))
        return false;
    first = sign_set(store, authority, key, spec->lists, days, ret_lists, err);
    if (first == NULL) {
        store_rollback(store);
        return false;
    }
    detail = mem_printf("%zu lists of %d days", *ret_lists, days);
    ok = store_note(store, "crl presign", authority->name, detail, err);
    free(detail);
    if (!ok)
        store_rollback(store);
    else
        ok = store_commit(store, err);
    if (ok)
        row_set_crl(store, authority, first);
    crl_free(first);
    return ok;
}
