/* client_old.c - the old certificates' end: which may be revoked, who would be refused, one act. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/plan/revoke.h"
#include "core/rotate/client_act.h"
#include "core/rotate/servers.h"

static bool is_there(const struct rotation_seen *line)
{
    return line->old_issued_id != 0 && line->ended_at == 0;
}

size_t client_to_revoke(const struct rotate_work *work, const struct rotation_seen_list *lines,
                        const struct rotation_seen **ret)
{
    size_t n_left = 0;
    size_t n = 0;

    for (size_t i = 0; i < lines->n; i++)
        n_left += is_there(&lines->rows[i]) && lines->rows[i].seen_at == 0;
    for (size_t i = 0; i < lines->n; i++) {
        const struct rotation_seen *line = &lines->rows[i];

        if (is_there(line) && (line->seen_at != 0 || work->request->accept_left == n_left))
            ret[n++] = line;
    }
    return n;
}

static bool list_users(struct rotate_work *work, const struct rotation_seen *const *lines, size_t n,
                       struct use_list *ret, struct err *err)
{
    struct use_certificate *certificates = mem_array(n + 1, sizeof(*certificates));
    const struct use_of of = {.certificates = certificates, .n_certificates = n};
    struct server_list scope = {.n = 0};
    bool ok;

    for (size_t i = 0; i < n; i++)
        certificates[i] = (struct use_certificate){lines[i]->old_issuer, lines[i]->old_serial};
    ok = rotate_scope(work, &scope, err) &&
         use_list(work->store, &scope, &of, clock_now() - work->rotation->quiet_seconds,
                  SIGHTINGS_MAX, ret, err);
    server_list_clear(&scope);
    free(certificates);
    return ok;
}

bool client_count_refused(struct rotate_work *work, const struct rotation_seen *const *lines,
                          size_t n, size_t *ret, struct err *err)
{
    struct use_list users = {.n = 0};
    bool ok = list_users(work, lines, n, &users, err);

    if (ok)
        *ret = users.n;
    use_list_clear(&users);
    return ok;
}

static void add_users(struct rotate_preview *preview, const struct use_list *users)
{
    for (size_t i = 0; i < users->n; i++) {
        const struct use *use = &users->rows[i];

        *rotate_preview_refused(preview) = (struct rotate_refused){
            .server = mem_strdup(use->server),
            .role = mem_strdup(use->role),
            .database = mem_strdup(use->database),
            .application = mem_strdup(use->application),
            .address = mem_strdup(use->address),
            .why = mem_strdup(use->open > 0 ? _("its old certificate is in use now")
                                            : _("its old certificate was used in the quiet time")),
        };
    }
}

bool client_preview_old(struct rotate_work *work, const struct rotation_seen_list *lines,
                        struct err *err)
{
    const struct rotation_seen **chosen = mem_array(lines->n + 1, sizeof(*chosen));
    struct use_list users = {.n = 0};
    size_t n = client_to_revoke(work, lines, chosen);
    bool ok = true;

    if (!work->request->revoke) {
        rotate_preview_line(work->preview, "%s",
                            client_choice(work->rotation) == CLIENT_REVOKE
                                ? _("servers that have not got the list of revoked ones get it")
                                : _("the old ones go on until they end by themselves"));
    } else {
        ok = list_users(work, chosen, n, &users, err);
        for (size_t i = 0; ok && i < n; i++)
            rotate_preview_line(work->preview, _("\"%s\": certificate %s is revoked"),
                                chosen[i]->role, chosen[i]->old_serial);
        add_users(work->preview, &users);
        work->preview->ends_sessions = work->request->end_sessions;
    }
    use_list_clear(&users);
    free(chosen);
    return ok;
}

static bool check_refused(struct rotate_work *work, const struct rotation_seen *const *lines,
                          size_t n, struct err *err)
{
    const struct rotate_request *request = work->request;
    size_t refused = 0;

    if (!client_count_refused(work, lines, n, &refused, err))
        return false;
    if (refused == 0 || (request->accepts_refused && request->accept_refused == refused))
        return true;
    err_set(err, ERR_WOULD_LOCK_OUT,
            _("%zu kinds of sessions use old certificates still, or did in the quiet time"),
            refused);
    err_cause(err, _("\"pgseal rotate stragglers\" names them: role, application and address."));
    err_hint(err,
             _("Not revoked (without --revoke) they go on until they end. Exactly %zu accepted as "
               "refused (--accept-refused=%zu), they are revoked all the same."),
             refused, refused);
    return false;
}

bool client_is_watched(struct rotate_work *work, bool *ret, struct err *err)
{
    const struct use_certificate none = {.issuer = ""};
    const struct use_of of = {.certificates = &none};
    const int64_t now = clock_now(), needed = work->rotation->quiet_seconds;
    struct server_list scope = {.n = 0};
    struct use_quiet quiet;
    bool ok = rotate_scope(work, &scope, err) &&
              use_quiet(work->store, &scope, &of, now - needed, needed, &quiet, err);

    if (ok) {
        *ret = scope.n == 0 || (quiet.hidden == 0 && quiet.looked_at > 0 &&
                                now - quiet.looked_at <= quiet.gap_allowed);
        use_quiet_clear(&quiet);
    }
    server_list_clear(&scope);
    return ok;
}

/* A server that is away, or shows its sessions to others only, is no server without sessions. */
static bool check_watched(struct rotate_work *work, size_t n, struct err *err)
{
    bool watched = false;

    if (n == 0 || work->request->accept_gaps)
        return true;
    if (!client_is_watched(work, &watched, err))
        return false;
    if (watched)
        return true;
    err_set(err, ERR_ROTATION_BLOCKED,
            _("not every server could be looked at: who uses old certificates there is not known"));
    err_cause(err, _("\"pgseal rotate status\" names those that are away, or hide sessions."));
    return err_hint(err,
                    _("When they are back, again; or revoke them all the same (--accept-gaps)."));
}

static bool load_certs(struct rotate_work *work, const struct rotation_seen *const *lines, size_t n,
                       struct issued_list *ret, struct err *err)
{
    ret->rows = mem_array(n + 1, sizeof(*ret->rows));
    for (size_t i = 0; i < n; i++) {
        ret->rows[i] = issued_load(work->store, lines[i]->old_issued_id, err);
        if (!ret->rows[i])
            return false;
        ret->n = i + 1;
    }
    ret->total = (int64_t)ret->n;
    return true;
}

static void tell_servers(const struct publish_results *results, struct rotate_outcome *ret)
{
    for (size_t i = 0; i < results->n; i++) {
        const struct publish_result *result = &results->rows[i];
        struct rotate_server *row =
            rotate_add_server(&ret->servers, &ret->n_servers, result->server);

        row->production = result->production;
        row->asked = true;
        row->reached = result->state != PUBLISH_AWAY && result->state != PUBLISH_OPEN;
        row->done = result->state == PUBLISH_DONE || result->state == PUBLISH_SAME;
        row->err = result->err;
        ret->sessions_ended += result->sessions_ended > 0 ? (size_t)result->sessions_ended : 0;
    }
}

static bool revoke(struct rotate_work *work, const struct issued_list *certs,
                   struct rotate_outcome *ret, struct err *err)
{
    const struct rotate_request *request = work->request;
    const struct revoke_request what = {.certs = certs,
                                        .door = request->door,
                                        .reason = CRL_SUPERSEDED,
                                        .crl_days = request->crl_days,
                                        .end_sessions = request->end_sessions};
    const struct key *given = request->old_key ? request->old_key : request->new_key;
    struct key *key = given ? key_dup(given) : NULL;
    struct revoke_outcome outcome = {.n_cas = 0};
    struct revoke_effect effect = {.n_cas = 0};
    bool ok;

    if (!key)
        return err_set(err, ERR_CA_KEY, _("the key of the CA \"%s\" is not unlocked"),
                       work->old_ca->name);
    ok = revoke_look(work->store, &what, false, &effect, err) &&
         revoke_run(work->store, &what, &effect, &key, NULL, &outcome, err);
    tell_servers(&outcome.servers, ret);
    revoke_outcome_clear(&outcome);
    revoke_effect_clear(&effect);
    key_free(key);
    return ok;
}

/* Revoked before; who was away then gets the list now. */
static bool publish_again(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    struct server_list servers = {.n = 0};
    const struct publish_request what = {
        .servers = &servers, .door = work->request->door, .only_behind = true};
    struct publish_results results = {.n = 0};
    bool ok = publish_list_servers(work->store, work->old_ca->id, &servers, err) &&
              publish_run(work->store, &what, NULL, &results, err);

    tell_servers(&results, ret);
    publish_results_clear(&results);
    server_list_clear(&servers);
    return ok;
}

bool client_revoke_old(struct rotate_work *work, const struct rotation_seen_list *lines,
                       struct rotate_outcome *ret, struct err *err)
{
    const struct rotation_seen **chosen = mem_array(lines->n + 1, sizeof(*chosen));
    struct issued_list certs = {.n = 0};
    size_t n = client_to_revoke(work, lines, chosen);
    bool ok = check_refused(work, chosen, n, err) && check_watched(work, n, err) &&
              load_certs(work, chosen, n, &certs, err) && client_choose(work, CLIENT_REVOKE, err);

    if (ok && n > 0)
        ok = revoke(work, &certs, ret, err);
    else if (ok)
        ok = publish_again(work, ret, err);
    issued_list_clear(&certs);
    free(chosen);
    return ok;
}
