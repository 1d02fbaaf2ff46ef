/* store_check.c - dates of the store, what has not reached its servers, and the store itself. */
#include "config.h"

#include "core/health/store_check.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/rotate/rotate.h"
#include "core/store/foreign.h"
#include "core/store/fsck.h"
#include "core/store/journal.h"
#include "core/store/published.h"

#define ENDS_SOON_DAYS   14 /* of what a server has while a later list waits to go there */
#define LOOK_AT_MAX      1000
#define ENDED_DAYS       30
#define HEALTH_CERTS_MAX 5000

/* ---- CAs ---- */

static void judge_ca_end(const struct authority *authority, int64_t within, struct findings *ret)
{
    int64_t now = clock_now();
    int64_t end = cert_not_after(authority->cert);
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
                     ACT_ROTATE, authority->name);
}

/* The last of the lists that are signed counts: those for later are published by a timer. */
static void judge_crl_end(const struct authority *authority, int64_t within, struct findings *ret)
{
    int64_t now = clock_now();
    int64_t end = authority->crl.until;
    char date[CLOCK_TEXT_MAX];

    if (cert_not_after(authority->cert) <= now || end == 0)
        return;
    if (authority->crl.this_update > now)
        finding_fix(
            finding_add(ret, FINDING_ERROR, ERR_CRL_NOT_YET, authority->name,
                        _("the CRL of \"%s\" is not valid before %s UTC: it is not published"),
                        authority->name, clock_format_minute(date, authority->crl.this_update)),
            _("When the clock is right: \"pgseal crl sign --ca '%s'\" makes one of today with "
              "all of it, \"pgseal crl refresh\" brings it."),
            authority->name);
    (void)clock_format_minute(date, end);
    if (end <= now)
        finding_mend(finding_add(ret, FINDING_ERROR, ERR_CRL_ENDED, authority->name,
                                 _("the CRL of \"%s\" ended on %s UTC"), authority->name, date),
                     ACT_CRL_REFRESH, authority->name);
    else if (end - now <= within && authority->crl.ahead > 0)
        finding_fix(finding_mend(finding_add(ret, FINDING_WARNING, ERR_CRL_ENDS, authority->name,
                                             _("the last of the CRLs of \"%s\" that are signed for "
                                               "later ends on %s UTC"),
                                             authority->name, date),
                                 ACT_CRL_REFRESH, authority->name),
                    _("\"pgseal crl presign\" signs the next set."));
    else if (end - now <= within)
        finding_mend(finding_add(ret, FINDING_WARNING, ERR_CRL_ENDS, authority->name,
                                 _("the CRL of \"%s\" ends on %s UTC"), authority->name, date),
                     ACT_CRL_REFRESH, authority->name);
}

/* Retired ones end as they are meant to; their lists may not while a server trusts them. */
static bool is_trusted(struct store *store, const struct authority *authority, bool *ret,
                       struct err *err)
{
    struct server_list servers = {.n = 0};

    if (!server_list_trusting(store, authority->id, &servers, err))
        return false;
    *ret = servers.n > 0;
    server_list_clear(&servers);
    return true;
}

static bool check_cas(struct store *store, int64_t within, struct findings *ret, struct err *err)
{
    struct authority_list list = {.n = 0};
    bool done = true;

    if (!authority_list(store, &list, err))
        return false;
    for (size_t i = 0; done && i < list.n; i++) {
        bool matters = !list.rows[i]->retired;

        if (matters)
            judge_ca_end(list.rows[i], within, ret);
        else
            done = is_trusted(store, list.rows[i], &matters, err);
        if (done && matters)
            judge_crl_end(list.rows[i], within, ret);
    }
    authority_list_clear(&list);
    return done;
}

/* ---- other CAs' lists ---- */

static bool check_foreign(struct store *store, int64_t within, struct findings *ret,
                          struct err *err)
{
    struct foreign_ca_list list = {.n = 0};
    int64_t now = clock_now();

    if (!foreign_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct foreign_ca *ca = &list.rows[i];
        int64_t third = (ca->next_update - ca->this_update) / 3;
        struct finding *finding = NULL;
        char date[CLOCK_TEXT_MAX];

        if (ca->n_servers == 0 || !ca->has_crl || ca->next_update == 0)
            continue;
        (void)clock_format_minute(date, ca->next_update);
        if (ca->next_update <= now)
            finding =
                finding_add(ret, FINDING_ERROR, ERR_CRL_ENDED, ca->name,
                            _("the CRL of \"%s\", another's CA, ended on %s UTC"), ca->name, date);
        else if (ca->next_update - now <= (third < within ? third : within))
            finding =
                finding_add(ret, FINDING_WARNING, ERR_CRL_ENDS, ca->name,
                            _("the CRL of \"%s\", another's CA, ends on %s UTC"), ca->name, date);
        if (finding)
            finding_fix(finding, _("Get its next list from there: \"pgseal crl import FILE\", then "
                                   "\"pgseal crl refresh\"."));
    }
    foreign_list_clear(&list);
    return true;
}

/* ---- what has not reached its servers ---- */

/* Lists of other CAs: imported here, and not brought there yet. */
static bool check_foreign_behind(struct store *store, struct findings *ret, struct err *err)
{
    struct server_list list = {.n = 0};
    bool good = server_list(store, &list, err);

    for (size_t i = 0; good && i < list.n; i++) {
        const char *name = list.rows[i]->name;
        bool behind = false;

        good = foreign_is_behind(store, list.rows[i]->id, &behind, err);
        if (good && behind)
            finding_fix(finding_add(ret, FINDING_WARNING, ERR_CRL_OLDER, name,
                                    _("\"%s\" has not got the CRL of another's CA that was "
                                      "imported here"),
                                    name),
                        "%s", _("\"pgseal crl refresh\" brings it there."));
    }
    server_list_clear(&list);
    return good;
}

static bool is_open_on(const struct journal_plan_list *open, const char *server)
{
    for (size_t i = 0; i < open->n; i++) {
        if (open->rows[i]->state != JOURNAL_LEFT && strcmp(open->rows[i]->server, server) == 0)
            return true;
    }
    return false;
}

/* Nobody was there, and it lacks nothing: that is not the lists' worry. */
static bool is_named(const struct published_list *list, const char *server)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i].behind && strcmp(list->rows[i].server, server) == 0)
            return true; /* the failure is told there */
    }
    return false;
}

static bool is_away(enum err_code code)
{
    return code == ERR_NO_CONNECTION || code == ERR_TIMEOUT || code == ERR_CONNECTION_LOST;
}

/* A set whose timer stood still: what the server has may have ended, and then nobody gets in. */
static struct finding *add_behind(const struct published *row, struct findings *ret)
{
    char date[CLOCK_TEXT_MAX];

    if (row->number > row->current)
        return finding_cause(
            finding_add(ret, FINDING_ERROR, ERR_CRL_NOT_YET, row->server,
                        _("CRL number %llu of \"%s\", which \"%s\" has, is one for later: all its "
                          "certificates are refused there until its day"),
                        (unsigned long long)row->number, row->authority, row->server),
            "%s", _("The clock was ahead when it was brought there, or is behind now."));
    (void)clock_format_minute(date, row->ends);
    if (row->ends > 0 && row->ends <= clock_now())
        return finding_cause(
            finding_add(ret, FINDING_ERROR, ERR_CRL_ENDED, row->server,
                        _("CRL number %llu of \"%s\", which \"%s\" has, ended on %s UTC: all its "
                          "certificates are refused there"),
                        (unsigned long long)row->number, row->authority, row->server, date),
            "%s", _("A later one is signed, and was not brought there."));
    if (row->ends > 0 && row->ends - clock_now() <= ENDS_SOON_DAYS * CLOCK_DAY)
        return finding_add(ret, FINDING_WARNING, ERR_CRL_OLDER, row->server,
                           _("\"%s\" has CRL number %llu of \"%s\", which ends on %s UTC; number "
                             "%llu counts"),
                           row->server, (unsigned long long)row->number, row->authority, date,
                           (unsigned long long)row->current);
    return finding_add(ret, FINDING_WARNING, ERR_CRL_OLDER, row->server,
                       _("\"%s\" has CRL number %llu of \"%s\", number %llu counts"), row->server,
                       (unsigned long long)row->number, row->authority,
                       (unsigned long long)row->current);
}

static void judge_published(const struct published_list *list, size_t at,
                            const struct journal_plan_list *open, struct findings *ret)
{
    const struct published *row = &list->rows[at];
    char date[CLOCK_TEXT_MAX];
    struct finding *finding;

    if (row->behind) {
        finding = finding_mend(add_behind(row, ret), ACT_CRL, row->authority);
        if (row->failed_at > 0)
            finding_cause(finding, _("The last attempt, on %s UTC: %s."),
                          clock_format_minute(date, row->failed_at), row->why);
        if (row->code == ERR_UNFINISHED && is_open_on(open, row->server))
            finding_fix(finding,
                        _("A change that nobody finished is in its way: \"pgseal server undo %s\" "
                          "takes that back, then \"pgseal crl refresh\" brings the list there."),
                        row->server);
        else if (row->code == ERR_CRL_NOT_YET ||
                 (row->code == ERR_CRL_WEAKER && row->number > row->current))
            finding_fix(
                finding,
                _("\"pgseal crl sign --ca '%s'\" makes one of today, \"pgseal crl refresh\" "
                  "brings it there."),
                row->authority);
        else if (row->code == ERR_CRL_WEAKER)
            finding_fix(finding, "%s",
                        _("Another store or program signed the list that is there: bring it here "
                          "(\"pgseal crl import FILE\"), then \"pgseal crl refresh\"."));
        else if (row->code == ERR_WOULD_LOCK_OUT)
            finding_fix(finding, _("\"pgseal server crl %s\" says what is in its way."),
                        row->server);
        else
            finding_fix(finding, _("\"pgseal crl refresh\" brings it there."));
    }
    if (row->failed_at > 0 && !is_away(row->code) && !is_named(list, row->server) &&
        (at == 0 || strcmp(list->rows[at - 1].server, row->server) != 0))
        finding_fix(finding_add(ret, FINDING_WARNING, row->code, row->server,
                                _("the last attempt to publish on \"%s\", on %s UTC: %s"),
                                row->server, clock_format_minute(date, row->failed_at), row->why),
                    _("\"pgseal server crl %s\" says what is in its way."), row->server);
    if (row->n_sessions > 0)
        finding_fix(
            finding_add(ret, FINDING_WARNING, ERR_REVOKED_SESSION, row->server,
                        ngettext("open sessions of %zu revoked certificate of \"%s\" are still to "
                                 "be ended on \"%s\"",
                                 "open sessions of %zu revoked certificates of \"%s\" are still "
                                 "to be ended on \"%s\"",
                                 (unsigned long)row->n_sessions),
                        row->n_sessions, row->authority, row->server),
            _("\"pgseal crl refresh\" ends them."));
}

static bool check_published(struct store *store, struct findings *ret, struct err *err)
{
    struct published_list list = {.n = 0};
    struct journal_plan_list open = {.n = 0};
    bool good = published_list(store, NULL, 0, &list, err) && journal_open_plans(store, &open, err);

    for (size_t i = 0; good && i < list.n; i++)
        judge_published(&list, i, &open, ret);
    good = good && check_foreign_behind(store, ret, err);
    journal_plan_list_clear(&open);
    published_list_clear(&list);
    return good;
}

static bool check_unfinished(struct store *store, struct findings *ret, struct err *err)
{
    struct journal_plan_list open = {.n = 0};

    if (!journal_open_plans(store, &open, err))
        return false;
    for (size_t i = 0; i < open.n; i++)
        finding_add(ret, FINDING_WARNING, ERR_UNFINISHED, open.rows[i]->server,
                    _("plan %lld on \"%s\" is neither kept nor taken back: %s"),
                    (long long)open.rows[i]->id, open.rows[i]->server, open.rows[i]->title);
    journal_plan_list_clear(&open);
    return true;
}

/* ---- the store itself ---- */

/* The whole look of "fsck" where it takes below a second; else that is left to it. */
static bool check_health(struct store *store, struct findings *ret, struct err *err)
{
    struct issued_filter filter = {.state = -1, .limit = 1};
    struct issued_list count = {.n = 0};
    struct fsck_list list = {.n = 0};

    if (!issued_list(store, &filter, &count, err))
        return false;
    issued_list_clear(&count);
    if (count.total > HEALTH_CERTS_MAX)
        return true;
    if (!fsck_run(store, &(struct fsck_options){.repair = false}, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        const struct fsck_finding *row = &list.rows[i];
        struct finding *finding;

        if (row->severity == FSCK_NOTE || row->has_code)
            continue;
        finding = finding_add(ret, row->severity == FSCK_ERROR ? FINDING_ERROR : FINDING_WARNING,
                              ERR_STORE, row->object, "%s", row->message);
        finding_cause(finding, "%s", _("\"pgseal fsck\" looks at all of it."));
        finding_fix(finding, "%s", *row->help ? row->help : _("Bring back a backup of the store."));
    }
    fsck_clear(&list);
    return true;
}

/* ---- certificates ---- */

/* One that is valid longer, of the same kind and name, and somebody has it. */
static bool has_newer(struct store *store, const struct issued *issued, bool *ret, struct err *err)
{
    struct issued_filter filter = {
        .role = issued->role, .state = ISSUED_VALID, .limit = LOOK_AT_MAX, .no_total = true};
    struct issued_list list;

    *ret = false;
    if (!issued_list(store, &filter, &list, err))
        return false;
    for (size_t i = 0; i < list.n && !*ret; i++)
        *ret = list.rows[i]->kind == issued->kind && list.rows[i]->delivered &&
               list.rows[i]->not_after > issued->not_after;
    issued_list_clear(&list);
    return true;
}

/* Where the list has several of a role, they are told apart by the serial number's first digits. */
static const char *which_of(char ret[24], const struct issued_list *list, size_t at)
{
    const struct issued *issued = list->rows[at];
    char hex[SERIAL_HEX_MAX];
    size_t n = 0;

    for (size_t i = 0; i < list->n && n < 2; i++)
        n += list->rows[i]->kind == issued->kind && strcmp(list->rows[i]->role, issued->role) == 0;
    ret[0] = '\0';
    if (n > 1)
        (void)snprintf(ret, 24, " (%.8s...)", serial_format_hex(hex, &issued->serial));
    return ret;
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
        char date[CLOCK_TEXT_MAX], which[24];
        bool newer = false;

        done = has_newer(store, issued, &newer, err);
        if (!done || newer)
            continue;
        finding_mend(finding_add(ret, FINDING_WARNING, ERR_CERT_ENDS, issued->role,
                                 issued->kind == ISSUED_SERVER
                                     ? _("the server certificate of \"%s\"%s ends on %s")
                                     : _("the certificate of \"%s\"%s ends on %s"),
                                 issued->role, which_of(which, &list, i),
                                 clock_format_date(date, issued->not_after)),
                     issued->kind == ISSUED_SERVER ? ACT_SERVER_TLS : ACT_ISSUE, issued->role);
    }
    if (done && list.n == LOOK_AT_MAX)
        finding_fix(finding_add(ret, FINDING_WARNING, ERR_CERT_ENDS, "store",
                                _("more certificates than these %d end within %d days"),
                                LOOK_AT_MAX, within_days),
                    _("\"pgseal list --within %d --limit 100000\" shows all."), within_days);
    issued_list_clear(&list);
    return done;
}

/* Ended lately, and nobody has a newer one: somebody is locked out, or left. */
static bool check_ended(struct store *store, struct findings *ret, struct err *err)
{
    struct issued_filter filter = {.state = -1,
                                   .ends_from = clock_now() - ENDED_DAYS * CLOCK_DAY,
                                   .ends_to = clock_now(),
                                   .limit = LOOK_AT_MAX,
                                   .no_total = true};
    struct issued_list list;
    bool done = true;

    if (!issued_list(store, &filter, &list, err))
        return false;
    for (size_t i = 0; done && i < list.n; i++) {
        const struct issued *issued = list.rows[i];
        char date[CLOCK_TEXT_MAX], which[24];
        bool newer = false;

        if (issued->revoked_at != 0 || issued->not_after > clock_now())
            continue;
        done = has_newer(store, issued, &newer, err);
        if (!done || newer)
            continue;
        finding_mend(finding_add(ret, FINDING_WARNING, ERR_CERT_ENDED, issued->role,
                                 issued->kind == ISSUED_SERVER
                                     ? _("the server certificate of \"%s\"%s ended on %s")
                                     : _("the certificate of \"%s\"%s ended on %s"),
                                 issued->role, which_of(which, &list, i),
                                 clock_format_date(date, issued->not_after)),
                     issued->kind == ISSUED_SERVER ? ACT_SERVER_TLS : ACT_ISSUE, issued->role);
    }
    issued_list_clear(&list);
    return done;
}

/* ---- rotations ---- */

#define ROTATION_WAITS_DAYS 30

static void judge_rotation(const struct rotation *rotation, const struct rotation_server_list *rows,
                           struct findings *ret)
{
    const struct rotate_phase *phase = rotate_phase(rotation->kind, (size_t)rotation->phase);
    const bool urgent = rotation->kind == ROTATION_EMERGENCY ||
                        clock_now() - rotation->since > ROTATION_WAITS_DAYS * CLOCK_DAY;
    const char *title = phase != NULL ? _(phase->title) : "";
    char date[CLOCK_TEXT_MAX];

    finding_fix(finding_cause(finding_add(ret, urgent ? FINDING_WARNING : FINDING_INFO,
                                          ERR_ROTATION_BLOCKED, rotation->name,
                                          _("the rotation of \"%s\" is under way, in phase \"%s\" "
                                            "since %s"),
                                          rotation->name, phase != NULL ? phase->key : "",
                                          clock_format_date(date, rotation->since)),
                              _("What this phase is for: %s."), title),
                _("\"pgseal rotate status\" shows what is left to do."));
    for (size_t i = 0; i < rows->n; i++) {
        const struct rotation_server *row = &rows->rows[i];

        if (row->phase != rotation->phase ||
            (row->state != ROTATION_SERVER_AWAY && row->state != ROTATION_SERVER_FAILED))
            continue;
        finding_fix(
            finding_cause(finding_add(ret, FINDING_WARNING, ERR_ROTATION_BLOCKED, rotation->name,
                                      _("the rotation of \"%s\" waits for the server "
                                        "\"%s\""),
                                      rotation->name, row->server),
                          "%s", row->why),
            _("\"pgseal rotate next\" tries again."));
    }
}

static bool check_rotations(struct store *store, struct findings *ret, struct err *err)
{
    struct rotation_list list = {.n = 0};
    bool done = rotation_list(store, false, &list, err);

    for (size_t i = 0; done && i < list.n; i++) {
        struct rotation_server_list rows = {.n = 0};

        done = rotation_servers(store, list.rows[i]->id, &rows, err);
        if (done)
            judge_rotation(list.rows[i], &rows, ret);
        rotation_server_list_clear(&rows);
    }
    rotation_list_clear(&list);
    return done;
}

bool store_check(struct store *store, int within_days, struct findings *ret, struct err *err)
{
    int days = within_days > 0 ? within_days : STORE_CHECK_WITHIN_DAYS;

    if (!check_cas(store, days * CLOCK_DAY, ret, err) ||
        !check_foreign(store, days * CLOCK_DAY, ret, err) || !check_certs(store, days, ret, err) ||
        !check_ended(store, ret, err) || !check_published(store, ret, err) ||
        !check_unfinished(store, ret, err) || !check_rotations(store, ret, err) ||
        !check_health(store, ret, err))
        return false;
    findings_sort(ret);
    return true;
}
