/* server_members.c - the members whose certificates are rotated: measured, changed, and changed back. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/handshake.h"
#include "core/pg/settings.h"
#include "core/pki/chain.h"
#include "core/plan/address.h"
#include "core/rotate/server_part.h"

/* ---- measured ---- */

bool server_is_managed(const struct server *server)
{
    return !text_equal(server->provider, "self-managed");
}

static bool issued_by_new(const struct rotate_work *work, const struct cert_list *chain)
{
    struct cert_list above = {.certs = chain->certs + 1, .n = chain->n - 1};
    struct cert_list roots = {.n = 0};
    struct chain_verdict verdict = {0};
    struct cert *root = work->new_cert;

    if (work->new_ca != NULL)
        return cert_issued_by(chain->certs[0], work->new_ca->cert);
    if (root == NULL) /* the same CA goes on */
        return work->old_ca != NULL && cert_issued_by(chain->certs[0], work->old_ca->cert);
    roots.certs = &root;
    roots.n = 1;
    chain_verify_server(chain->certs[0], &above, &roots, NULL, clock_now(), &verdict);
    return verdict.accepted;
}

bool server_is_new(const struct rotate_work *work, const struct server_record *record,
                   const struct cert_list *chain)
{
    if (chain->n == 0 || !issued_by_new(work, chain))
        return false;
    if (record->known)
        return !cert_equal(chain->certs[0], record->chain.certs[0]);
    /* nothing was changed there: of another CA it is new all the same, of the same one it is not */
    return work->new_cert != NULL;
}

bool server_shake(const struct plan_target *target, struct handshake *ret, struct err *err)
{
    const struct handshake_request request = {.host = target->tls_host, .port = target->tls_port};

    if (!handshake_run(&request, ret, err))
        return false;
    if (ret->verdict != HANDSHAKE_NO_TLS && ret->chain.n > 0)
        return true;
    handshake_clear(ret);
    err_set(err, ERR_SSL_OFF, _("server \"%s\" does not speak TLS"), target->server->name);
    return false;
}

/* The admin named the hosts of the new one: clients that use another name of the present one are refused. */
static void say_dropped(const struct rotate_work *work, const struct fleet_member *member,
                        const struct cert *leaf, struct rotate_status *ret)
{
    json_t *options = rotate_options(work->rotation);
    const json_t *hosts = json_object_get(options, "hosts");
    struct err none = ERR_INIT;
    struct san now, then;
    bool good = json_array_size(hosts) > 0;

    san_init(&now);
    san_init(&then);
    good = good && cert_san(leaf, &now, &none) && san_add(&then, member->target.tls_host, &none);
    for (size_t i = 0; good && i < json_array_size(hosts); i++)
        good = san_add(&then, json_string_value(json_array_get(hosts, i)), &none);
    for (size_t i = 0; good && i < now.n && ret->proposal[0] == '\0'; i++) {
        if (now.entries[i].type == SAN_OTHER || san_has(&then, now.entries[i].text))
            continue;
        free(ret->proposal);
        ret->proposal = mem_printf(
            _("The present certificate of \"%s\" is for \"%s\" too, the new one will not be: "
              "clients that verify and use that name are refused then."),
            member->server->name, now.entries[i].text);
    }
    san_clear(&now);
    san_clear(&then);
    json_decref(options);
}

static bool measure_shown(struct rotate_work *work, const struct server_measure *measure,
                          struct fleet_member *member, struct rotate_server *row,
                          struct rotate_status *ret, struct err *err)
{
    struct server_record record;
    struct handshake seen;
    bool good = true;

    if (!server_record_load(work->rotation, member->server, &record, err))
        return false;
    if (server_shake(&member->target, &seen, &row->err)) {
        row->has_new = server_is_new(work, &record, &seen.chain);
        row->has_old =
            record.known ? cert_equal(seen.chain.certs[0], record.chain.certs[0]) : !row->has_new;
        if (!row->has_new)
            say_dropped(work, member, seen.chain.certs[0], ret);
        if (measure && measure->each)
            good = measure->each(measure->arg, member, row, &seen.chain, err);
        handshake_clear(&seen);
    }
    server_record_clear(&record);
    return good;
}

static struct rotate_server *row_of(struct rotate_status *status, const char *name)
{
    for (size_t i = 0; i < status->n_servers; i++) {
        if (text_equal(status->servers[i].name, name))
            return &status->servers[i];
    }
    return NULL;
}

static bool measure_all(struct rotate_work *work, const struct server_measure *measure,
                        struct server_list *take, struct rotate_status *ret, struct err *err)
{
    /* a change that is open on a member is no reason not to look at it */
    const struct fleet_order order = {.go_on = true, .unfinished = true};
    struct fleet *fleet = fleet_new(work->store, take);
    struct err none = ERR_INIT;
    bool good = true;

    (void)!fleet_open(fleet, &order, work->request->door, &none); /* each has its own */
    for (size_t i = 0; good && i < fleet_count(fleet); i++) {
        struct fleet_member *member = fleet_member(fleet, i);
        struct rotate_server *row = row_of(ret, member->server->name);

        if (row == NULL)
            continue;
        row->asked = true;
        row->reached = member->target.admin != NULL;
        row->standby = member->standby;
        row->managed = server_is_managed(member->server);
        row->err = member->err;
        if (!row->reached)
            continue;
        row->err = (struct err)ERR_INIT;
        good = measure_shown(work, measure, member, row, ret, err) &&
               use_look(work->store, member->server, member->target.admin, err);
    }
    fleet_free(fleet);
    return good;
}

/* As it was found when an act went there last. */
static void recall(const struct rotation_server_list *known, int phase, const struct server *server,
                   struct rotate_server *row)
{
    row->production = server->production;
    row->managed = server_is_managed(server);
    for (size_t i = 0; i < known->n; i++) {
        const struct rotation_server *from = &known->rows[i];

        if (from->server_id != server->id || from->phase != phase)
            continue;
        row->has_new = from->state == ROTATION_SERVER_DONE;
        if (from->state == ROTATION_SERVER_AWAY)
            err_set(&row->err, ERR_NO_CONNECTION, "%s", from->why);
        else if (from->state == ROTATION_SERVER_FAILED)
            err_set(&row->err, ERR_PROOF, "%s", from->why);
    }
}

bool server_measure(struct rotate_work *work, bool ask, const struct server_measure *measure,
                    struct rotate_status *ret, struct err *err)
{
    struct rotation_server_list known = {.n = 0};
    struct server_list members = {.n = 0};
    bool good = server_scope(work->store, work->rotation, &members, err) &&
                rotation_servers(work->store, work->rotation->id, &known, err);

    for (size_t i = 0; good && i < members.n; i++)
        recall(&known, work->rotation->phase, members.rows[i],
               rotate_add_server(&ret->servers, &ret->n_servers, members.rows[i]->name));
    if (good && ask)
        good = measure_all(work, measure, &members, ret, err);
    server_list_clear(&members);
    rotation_server_list_clear(&known);
    return good;
}

void server_block_members(struct rotate_status *status, bool want_new)
{
    if (status->n_servers == 0)
        rotate_block(status, _("none of its servers is in the store any more: there is nothing to "
                               "rotate, \"pgseal rotate back\" gives it up"));
    for (size_t i = 0; i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];

        if (server->err.code == ERR_NONE && want_new && server->managed && server->asked &&
            !server->has_new)
            rotate_block(status, _("\"%s\" is managed: change its certificate at its provider"),
                         server->name);
        if (server->err.code != ERR_NONE)
            rotate_block_server(status, server);
    }
}

bool server_note_already(struct rotate_work *work, struct err *err)
{
    const struct server_record unknown = {.known = false};
    json_t *names = json_array();
    json_t *options = rotate_options(work->rotation);
    struct server_list members = {.n = 0};
    bool good = server_scope(work->store, work->rotation, &members, err);

    for (size_t i = 0; good && i < members.n && work->new_cert != NULL; i++) {
        struct handshake seen;
        struct err away = ERR_INIT; /* said by the look that follows */

        if (!server_ask(members.rows[i], &seen, &away))
            continue;
        if (server_is_new(work, &unknown, &seen.chain))
            json_array_append_new(names, json_string(members.rows[i]->name));
        handshake_clear(&seen);
    }
    server_list_clear(&members);
    json_object_set_new(options, "already", names);
    json_object_set_new(options, "listed", json_string("yes"));
    if (good)
        return rotate_save_options(work, options, "who uses TLS is listed", err);
    json_decref(options);
    return false;
}

/* ---- changed ---- */

bool server_own_members(const struct rotate_work *work, struct server_list *ret, struct err *err)
{
    size_t n = 0;

    if (!server_scope(work->store, work->rotation, ret, err))
        return false;
    for (size_t i = 0; i < ret->n; i++) {
        if (server_is_managed(ret->rows[i]))
            server_free(ret->rows[i]);
        else
            ret->rows[n++] = ret->rows[i];
    }
    ret->n = n;
    return true;
}

struct renew {
    struct rotate_work *work;
    const struct authority *authority; /* NULL: request->server_certs */
    const struct key *key;
    server_after *after;
    void *arg;
};

/* Its own names: those of the start (and its address, where each member has one), else as in the
 * certificate that it shows. */
static bool find_hosts(const struct rotate_work *work, const struct plan_target *target,
                       const struct cert *leaf, struct san *ret, struct err *err)
{
    json_t *options = rotate_options(work->rotation);
    const json_t *hosts = json_object_get(options, "hosts");
    struct strbuf cn = STRBUF_INIT;
    bool good = true;
    bool named = false;

    san_init(ret);
    for (size_t i = 0; i < json_array_size(hosts) && good; i++)
        good = san_add(ret, json_string_value(json_array_get(hosts, i)), err);
    if (good && ret->n > 0)
        good = san_add(ret, target->tls_host, err);
    if (good && ret->n == 0)
        good = cert_san(leaf, ret, err);
    for (size_t i = 0; i < ret->n; i++)
        named = named || ret->entries[i].type != SAN_OTHER;
    if (good && !named)
        good = san_add(ret, cert_common_name(leaf, &cn) ? cn.data : target->tls_host, err);
    strbuf_clear(&cn);
    json_decref(options);
    return good;
}

static struct plan *plan_issue(const struct renew *renew, const struct plan_target *target,
                               const struct cert *present, struct err *err)
{
    struct server_tls_intent intent = {.authority = renew->authority,
                                       .authority_key = renew->key,
                                       .days = renew->work->request->days,
                                       .replace = present};
    const char **hosts = NULL;
    struct plan *plan = NULL;
    struct san san;

    if (find_hosts(renew->work, target, present, &san, err)) {
        hosts = mem_array(san.n, sizeof(*hosts));
        for (size_t i = 0; i < san.n; i++) {
            if (san.entries[i].type != SAN_OTHER) /* an e-mail address is no host */
                hosts[intent.n_hosts++] = san.entries[i].text;
        }
        intent.hosts = hosts;
        plan = plan_server_tls(target, &intent, err);
    }
    free(hosts);
    san_clear(&san);
    return plan;
}

/* A CA of ours signed it: somebody issued it, and placed its key by hand. */
static bool check_given(const struct renew *renew, struct err *err)
{
    const struct cert_list *given = renew->work->request->server_certs;

    for (size_t i = 0; i < given->n; i++) {
        if (cert_issued_by(given->certs[i], renew->authority->cert))
            return true;
    }
    return err_set(err, ERR_POLICY, _("the certificate is not of the CA \"%s\""),
                   renew->authority->name);
}

/* Nobody here knows by which of its names clients come: so another's certificate must have all that the
 * present one has, unless the admin said which count. Texts are san's; the array is for the caller. */
static const char **needed_names(const struct renew *renew, struct san *san, size_t *ret_n)
{
    json_t *options = rotate_options(renew->work->rotation);
    size_t n_said = json_array_size(json_object_get(options, "hosts"));
    const char **names = mem_array(san->n + 1, sizeof(*names));

    *ret_n = 0;
    for (size_t i = 0; i < san->n && (n_said == 0 || i < n_said); i++) {
        if (san->entries[i].type != SAN_OTHER)
            names[(*ret_n)++] = san->entries[i].text;
    }
    json_decref(options);
    return names;
}

static struct plan *plan_given(const struct renew *renew, const struct plan_target *target,
                               const struct cert *present, struct err *err)
{
    const struct rotate_request *request = renew->work->request;
    struct cert *root = renew->work->new_cert;
    const struct cert_list roots = {.certs = &root, .n = 1};
    struct server_cert_intent intent = {.certs = request->server_certs,
                                        .key_pem = request->server_key,
                                        .passphrase = request->server_key_passphrase,
                                        .roots = renew->authority ? NULL : &roots};
    const char **names;
    struct plan *plan = NULL;
    struct san san;

    if (!request->server_certs) {
        err_set(err, ERR_NEEDS_ANSWER, _("server \"%s\" needs its certificate of the new CA"),
                target->server->name);
        err_hint(err,
                 _("Make a request with \"pgseal server tls %s --csr-out FILE\", let the CA sign "
                   "it, and give the answer here (--cert FILE)."),
                 target->server->name);
        return NULL;
    }
    if (!find_hosts(renew->work, target, present, &san, err))
        return NULL;
    names = needed_names(renew, &san, &intent.n_hosts);
    intent.hosts = names;
    if (!renew->authority || check_given(renew, err))
        plan = plan_server_cert(target, &intent, err);
    if (plan == NULL && err->code == ERR_HOST_DIFFERS)
        err_hint(err,
                 _("The present one has that name, so clients may use it: let the CA issue one "
                   "with all names; or begin anew and say which count (--host)."));
    free(names);
    san_clear(&san);
    return plan;
}

/* It has it: nothing to do, and the wire is asked once more. */
struct plan *server_plan_nothing(const struct plan_target *target, const struct cert_list *chain,
                                 struct err *err)
{
    const struct server_again_intent intent = {.chain = chain};

    return plan_server_again(target, &intent, err);
}

/* A renewal must not change the CA of a member that has another one: its clients do not trust this one. */
static bool check_same_ca(const struct rotate_work *work, const struct plan_target *target,
                          const struct cert *leaf, struct err *err)
{
    if (work->rotation->kind != ROTATION_SERVER || cert_issued_by(leaf, work->old_ca->cert))
        return true;
    err_set(err, ERR_POLICY, _("the certificate of \"%s\" is of another CA than \"%s\""),
            target->server->name, work->old_ca->name);
    return err_hint(err, _("Rotate it by itself: \"pgseal rotate server %s\"."),
                    target->server->name);
}

static struct plan *plan_new_cert(const struct renew *renew, const struct plan_target *target,
                                  const struct cert *present, struct err *err)
{
    if (!renew->authority || renew->work->request->server_certs)
        return plan_given(renew, target, present, err);
    return server_check_clock(target, err) ? plan_issue(renew, target, present, err) : NULL;
}

/* Somebody else may have given it another one since. */
bool server_is_recorded(const struct server_record *record, const struct cert_list *chain)
{
    return record->known && cert_equal(record->chain.certs[0], chain->certs[0]);
}

static struct plan *make_renewal(void *arg, const struct plan_target *target, struct err *err)
{
    const struct renew *renew = arg;
    struct rotate_work *work = renew->work;
    struct server_record old;
    struct handshake seen;
    struct plan *plan = NULL;
    bool is_new, is_gone = false;

    if (!server_record_load(work->rotation, target->server, &old, err))
        return NULL;
    if (!server_shake(target, &seen, err)) {
        server_record_clear(&old);
        return NULL;
    }
    is_new = server_is_new(work, &old, &seen.chain);
    if (!server_check_own(target, &seen.chain, &is_gone, err))
        plan = NULL;
    else if (is_new && !is_gone) /* gone: it would not start again, so it gets another one */
        plan = server_plan_nothing(target, &seen.chain, err);
    else if (is_new || (check_same_ca(work, target, seen.chain.certs[0], err) &&
                        (server_is_recorded(&old, &seen.chain) || work->preview != NULL ||
                         server_record_save(work, target, &seen.chain, err))))
        plan = plan_new_cert(renew, target, seen.chain.certs[0], err);
    handshake_clear(&seen);
    server_record_clear(&old);
    return plan;
}

const char *server_what_is_missed(void)
{
    return _("the new server certificate");
}

/* Clients would refuse it from now on: it gets its former certificate again, where this run changed it. */
static void take_back(const struct rotate_work *work, struct fleet_member *member, struct err *err)
{
    const struct fleet_watch *watch = work->request->watch;
    struct err why = ERR_INIT;

    if (member->state != FLEET_KEPT) {
        err_state(err, _("\"%s\" shows the new certificate."), member->server->name);
        err_hint(err, _("\"pgseal rotate back\" gives it the former one again."));
    } else if (plan_undo(member->plan, watch ? watch->plan : NULL, &why)) {
        member->state = FLEET_UNDONE;
        err_state(err, _("Taken back: \"%s\" shows its former certificate again."),
                  member->server->name);
    } else {
        member->state = FLEET_LEFT;
        err_state(err, _("NOT taken back on \"%s\": %s."), member->server->name, why.msg);
        err_hint(err, _("\"pgseal rotate back\" tries again."));
    }
    if (member->state == FLEET_NOTHING)
        member->state = FLEET_FAILED;
    member->err = *err;
}

static bool run_after(void *arg, struct fleet_member *member, struct err *err)
{
    const struct renew *renew = arg;

    if (renew->after == NULL || renew->after(renew->arg, member, err))
        return true;
    take_back(renew->work, member, err);
    return false;
}

static bool preview_managed(const struct rotate_work *work, struct err *err)
{
    struct server_list members = {.n = 0};
    bool good = server_scope(work->store, work->rotation, &members, err);

    for (size_t i = 0; good && i < members.n; i++) {
        if (server_is_managed(members.rows[i]))
            rotate_preview_line(work->preview,
                                _("\"%s\" is managed: its provider changes its certificate, and "
                                  "it is only looked at"),
                                members.rows[i]->name);
    }
    server_list_clear(&members);
    return good;
}

bool server_renew(struct rotate_work *work, struct rotate_outcome *ret, server_after *after,
                  void *arg, struct err *err)
{
    bool foreign = work->new_ca == NULL && work->new_cert != NULL;
    struct renew renew = {.work = work, .after = after, .arg = arg};
    const struct rotate_change change = {
        .make = make_renewal, .arg = &renew, .after = run_after, .what = server_what_is_missed()};
    struct server_list members = {.n = 0};

    if (!foreign) {
        renew.authority = work->new_ca ? work->new_ca : work->old_ca;
        renew.key = work->new_ca ? work->request->new_key : work->request->old_key;
        if (renew.key == NULL && !work->request->server_certs && work->preview == NULL)
            return err_set(err, ERR_NEEDS_ANSWER, _("the key of the CA \"%s\" is not unlocked"),
                           renew.authority->name);
    }
    return (work->preview == NULL || preview_managed(work, err)) &&
           server_own_members(work, &members, err) &&
           rotate_change_servers(work, &members, &change, ret, err);
}
