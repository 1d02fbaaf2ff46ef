/* store_check.c - dates of the store. */
#include "config.h"

#include "core/health/store_check.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/store/issued.h"

#define LOOK_AT_MAX 1000

/* ---- CAs ---- */

static void judge_ca(const struct authority *authority, int64_t within, struct findings *ret)
{
    int64_t now = clock_now();
    int64_t end = cert_not_after(authority->cert);
    int64_t crl_end = authority->crl.next_update;
    char date[CLOCK_TEXT_MAX];

    if (end <= now)
        finding_mend(finding_add(ret, FINDING_ERROR, ERR_CA_ENDED, authority->name,
                                 _("the CA \"%s\" ended on %s"), authority->name,
                                 clock_format_date(date, end)),
                     ACT_UNTRUST, authority->name);
    else if (end - now <= within)
        finding_mend(finding_add(ret, FINDING_WARNING, ERR_CA_ENDS, authority->name,
                                 _("the CA \"%s\" ends on %s"), authority->name,
                                 clock_format_date(date, end)),
                     ACT_TRUST, authority->name);
    if (end <= now || crl_end == 0)
        return;
    if (crl_end <= now)
        finding_mend(finding_add(ret, FINDING_ERROR, ERR_CRL_ENDED, authority->name,
                                 _("the CRL of \"%s\" ended on %s UTC"), authority->name,
                                 clock_format_minute(date, crl_end)),
                     ACT_CRL_REFRESH, authority->name);
    else if (crl_end - now <= within)
        finding_mend(finding_add(ret, FINDING_WARNING, ERR_CRL_ENDS, authority->name,
                                 _("the CRL of \"%s\" ends on %s UTC"), authority->name,
                                 clock_format_minute(date, crl_end)),
                     ACT_CRL_REFRESH, authority->name);
}

/* Retired ones end as they are meant to. */
static bool check_cas(struct store *store, int64_t within, struct findings *ret, struct err *err)
{
    struct authority_list list = {.n = 0};

    if (!authority_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        if (!list.rows[i]->retired)
            judge_ca(list.rows[i], within, ret);
    }
    authority_list_clear(&list);
    return true;
}

/* ---- certificates ---- */

/* One that is valid longer, of the same kind and name. */
static bool has_newer(struct store *store, const struct issued *issued, bool *ret, struct err *err)
{
    struct issued_filter filter = {
        .role = issued->role, .state = ISSUED_VALID, .limit = LOOK_AT_MAX, .no_total = true};
    struct issued_list list;

    *ret = false;
    if (!issued_list(store, &filter, &list, err))
        return false;
    for (size_t i = 0; i < list.n && !*ret; i++)
        *ret = list.rows[i]->kind == issued->kind && list.rows[i]->not_after > issued->not_after;
    issued_list_clear(&list);
    return true;
}

static bool check_certs(struct store *store, int within_days, struct findings *ret, struct err *err)
{
    struct issued_filter filter = {.state = ISSUED_EXPIRING,
                                   .within_days = within_days,
                                   .limit = LOOK_AT_MAX,
                                   .no_total = true};
    struct issued_list list;
    bool done = true;

    if (!issued_list(store, &filter, &list, err))
        return false;
    for (size_t i = 0; done && i < list.n; i++) {
        const struct issued *issued = list.rows[i];
        char date[CLOCK_TEXT_MAX];
        bool newer = false;

        done = has_newer(store, issued, &newer, err);
        if (!done || newer)
            continue;
        finding_mend(finding_add(ret, FINDING_WARNING, ERR_CERT_ENDS, issued->role,
                                 issued->kind == ISSUED_SERVER
                                     ? _("the server certificate of \"%s\" ends on %s")
                                     : _("the certificate of \"%s\" ends on %s"),
                                 issued->role, clock_format_date(date, issued->not_after)),
                     issued->kind == ISSUED_SERVER ? ACT_SERVER_TLS : ACT_ISSUE, issued->role);
    }
    issued_list_clear(&list);
    return done;
}

bool store_check(struct store *store, int within_days, struct findings *ret, struct err *err)
{
    int days = within_days > 0 ? within_days : STORE_CHECK_WITHIN_DAYS;

    if (!check_cas(store, days * CLOCK_DAY, ret, err) || !check_certs(store, days, ret, err))
        return false;
    findings_sort(ret);
    return true;
}
