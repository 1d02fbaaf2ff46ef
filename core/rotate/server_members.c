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

/* ---- options ---- */

json_t *server_options(const struct rotation *rotation)
{
    json_t *options = json_loads(rotation->options, 0, NULL);

    if (json_is_object(options))
        return options;
    json_decref(options);
    return json_object();
}

bool server_save_options(struct rotate_work *work, json_t *options, const char *detail,
                         struct err *err)
{
    free(work->rotation->options);
    work->rotation->options = json_dumps(options, JSON_COMPACT);
    json_decref(options);
    return rotation_save(work->store, work->rotation, detail, err);
}

char *server_option(const struct rotation *rotation, const char *name)
{
    json_t *options = server_options(rotation);
    const char *value = json_string_value(json_object_get(options, name));
    char *copy = mem_strdup(value ? value : "");

    json_decref(options);
    return copy;
}

bool server_set_option(struct rotate_work *work, const char *name, const char *value,
                       const char *detail, struct err *err)
{
    json_t *options = server_options(work->rotation);

    json_object_set_new(options, name, json_string(value));
    return server_save_options(work, options, detail, err);
}

static bool push_server(struct store *store, const char *name, struct server_list *list,
                        struct err *err)
{
    struct server *server = server_load(store, name, err);

    if (server == NULL)
        return false;
    list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(struct server *));
    list->rows[list->n++] = server;
    return true;
}

bool server_scope(struct store *store, const struct rotation *rotation, struct server_list *ret,
                  struct err *err)
{
    json_t *options = server_options(rotation);
    const json_t *names = json_object_get(options, "servers");
    struct server_list list = {.n = 0};
    bool good = true;

    if (json_array_size(names) == 0)
        good = server_members(store, rotation->name, &list, err);
    for (size_t i = 0; good && i < json_array_size(names); i++)
        good = push_server(store, json_string_value(json_array_get(names, i)), &list, err);
    json_decref(options);
    if (good)
        *ret = list;
    else
        server_list_clear(&list);
    return good;
}

/* ---- what a member had ---- */

void server_record_clear(struct server_record *record)
{
    free(record->cert_file);
    free(record->key_file);
    cert_list_clear(&record->chain);
    *record = (struct server_record){.known = false};
}

bool server_record_load(const struct rotation *rotation, const char *server,
                        struct server_record *ret, struct err *err)
{
    json_t *options = server_options(rotation);
    json_t *members = json_object_get(options, "members");
    json_t *row = json_object_get(members, server);
    const char *chain = json_string_value(json_object_get(row, "chain"));
    const char *cert_file = json_string_value(json_object_get(row, "cert_file"));
    const char *key_file = json_string_value(json_object_get(row, "key_file"));
    bool good = true;

    *ret = (struct server_record){.known = false};
    cert_list_init(&ret->chain);
    if (chain && cert_file && key_file) {
        struct pem pem;

        pem_scan(chain, strlen(chain), &pem);
        good = pem_take_certs(&pem, &ret->chain, err);
        pem_clear(&pem);
        ret->known = good;
        ret->cert_file = mem_strdup(cert_file);
        ret->key_file = mem_strdup(key_file);
    }
    json_decref(options);
    return good;
}

bool server_is_managed(const struct server *server)
{
    return !text_equal(server->provider, "self-managed");
}

/* Before the first change: what is shown now, and the names of the files behind it. */
static bool record(struct rotate_work *work, const struct plan_target *target,
                   const struct cert_list *chain, struct err *err)
{
    json_t *options = server_options(work->rotation);
    json_t *members = json_object_get(options, "members");
    struct settings settings;
    struct strbuf pem = STRBUF_INIT;
    bool good = true;

    for (size_t i = 0; i < chain->n && good; i++) {
        if (i == 0 || !cert_is_self_signed(chain->certs[i]))
            good = cert_to_pem(chain->certs[i], &pem, err);
    }
    if (!good || !settings_read(target->admin, &settings, err)) {
        strbuf_clear(&pem);
        json_decref(options);
        return false;
    }
    if (!json_is_object(members)) {
        json_object_set_new(options, "members", json_object());
        members = json_object_get(options, "members");
    }
    json_object_set_new(members, target->server->name,
                        json_pack("{s:s, s:s, s:s}", "chain", pem.data, "cert_file",
                                  settings_value(&settings, "ssl_cert_file"), "key_file",
                                  settings_value(&settings, "ssl_key_file")));
    settings_clear(&settings);
    strbuf_clear(&pem);
    return server_save_options(work, options, "a server's present certificate is noted", err);
}

/* ---- measured ---- */

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

static bool shake(const struct plan_target *target, struct handshake *ret, struct err *err)
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

static bool measure_shown(struct rotate_work *work, const struct server_measure *measure,
                          struct fleet_member *member, struct rotate_server *row, struct err *err)
{
    struct server_record record;
    struct handshake seen;
    bool good = true;

    if (!server_record_load(work->rotation, member->server->name, &record, err))
        return false;
    if (shake(&member->target, &seen, &row->err)) {
        row->has_new = server_is_new(work, &record, &seen.chain);
        row->has_old =
            record.known ? cert_equal(seen.chain.certs[0], record.chain.certs[0]) : !row->has_new;
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
        good = measure_shown(work, measure, member, row, err) &&
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
    for (size_t i = 0; i < status->n_servers; i++) {
        const struct rotate_server *server = &status->servers[i];

        if (server->err.code == ERR_NONE && want_new && server->managed && server->asked &&
            !server->has_new)
            rotate_block(status, _("\"%s\" is managed: change its certificate at its provider"),
                         server->name);
        if (server->err.code == ERR_NONE)
            continue;
        if (server->asked && server->reached)
            rotate_block(status, _("\"%s\": %s"), server->name, server->err.msg);
        else
            rotate_block(status, _("\"%s\" was not reached: %s"), server->name, server->err.msg);
    }
}

/* ---- changed ---- */

/* A managed server gets its certificate from its provider: it is only measured. */
static bool own_members(struct rotate_work *work, struct server_list *ret, struct err *err)
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
    json_t *options = server_options(work->rotation);
    const json_t *hosts = json_object_get(options, "hosts");
    struct strbuf cn = STRBUF_INIT;
    bool good = true;

    san_init(ret);
    for (size_t i = 0; i < json_array_size(hosts) && good; i++)
        good = san_add(ret, json_string_value(json_array_get(hosts, i)), err);
    if (good && ret->n > 0)
        good = san_add(ret, target->tls_host, err);
    if (good && ret->n == 0)
        good = cert_san(leaf, ret, err);
    if (good && ret->n == 0)
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
        for (size_t i = 0; i < san.n; i++)
            hosts[i] = san.entries[i].text;
        intent.hosts = hosts;
        intent.n_hosts = san.n;
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

static struct plan *plan_given(const struct renew *renew, const struct plan_target *target,
                               struct err *err)
{
    const struct rotate_request *request = renew->work->request;
    struct cert *root = renew->work->new_cert;
    const struct cert_list roots = {.certs = &root, .n = 1};
    const struct server_cert_intent intent = {.certs = request->server_certs,
                                              .key_pem = request->server_key,
                                              .passphrase = request->server_key_passphrase,
                                              .roots = renew->authority ? NULL : &roots};

    if (request->server_certs)
        return renew->authority && !check_given(renew, err)
                   ? NULL
                   : plan_server_cert(target, &intent, err);
    err_set(err, ERR_NEEDS_ANSWER, _("server \"%s\" needs its certificate of the new CA"),
            target->server->name);
    err_hint(
        err,
        _("Make a request with \"pgseal server tls %s --csr-out FILE\", let the CA sign it, and "
          "give the answer here (--cert FILE)."),
        target->server->name);
    return NULL;
}

/* It has it: nothing to do, and the wire is asked once more. */
static struct plan *plan_nothing(const struct plan_target *target, const struct cert_list *chain,
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

static struct plan *make_renewal(void *arg, const struct plan_target *target, struct err *err)
{
    const struct renew *renew = arg;
    struct rotate_work *work = renew->work;
    struct server_record old;
    struct handshake seen;
    struct plan *plan = NULL;

    if (!server_record_load(work->rotation, target->server->name, &old, err))
        return NULL;
    if (!shake(target, &seen, err)) {
        server_record_clear(&old);
        return NULL;
    }
    if (server_is_new(work, &old, &seen.chain))
        plan = plan_nothing(target, &seen.chain, err);
    else if (!check_same_ca(work, target, seen.chain.certs[0], err))
        plan = NULL;
    else if (old.known || record(work, target, &seen.chain, err))
        plan = renew->authority && !work->request->server_certs
                   ? plan_issue(renew, target, seen.chain.certs[0], err)
                   : plan_given(renew, target, err);
    handshake_clear(&seen);
    server_record_clear(&old);
    return plan;
}

/* Remembered for a member that is away. */
static const char *what_is_missed(void)
{
    return _("the new server certificate");
}

static bool run_after(void *arg, struct fleet_member *member, struct err *err)
{
    const struct renew *renew = arg;

    return renew->after == NULL || renew->after(renew->arg, member, err);
}

bool server_renew(struct rotate_work *work, struct rotate_outcome *ret, server_after *after,
                  void *arg, struct err *err)
{
    bool foreign = work->new_ca == NULL && work->new_cert != NULL;
    struct renew renew = {.work = work, .after = after, .arg = arg};
    const struct rotate_change change = {
        .make = make_renewal, .arg = &renew, .after = run_after, .what = what_is_missed()};
    struct server_list members = {.n = 0};

    if (!foreign) {
        renew.authority = work->new_ca ? work->new_ca : work->old_ca;
        renew.key = work->new_ca ? work->request->new_key : work->request->old_key;
        if (renew.key == NULL && !work->request->server_certs)
            return err_set(err, ERR_NEEDS_ANSWER, _("the key of the CA \"%s\" is not unlocked"),
                           renew.authority->name);
    }
    return own_members(work, &members, err) &&
           rotate_change_servers(work, &members, &change, ret, err);
}

/* ---- back ---- */

static struct plan *make_return(void *arg, const struct plan_target *target, struct err *err)
{
    struct rotate_work *work = arg;
    struct server_again_intent intent = {.cert_file = NULL};
    struct server_record old;
    struct handshake seen;
    struct plan *plan = NULL;

    if (!server_record_load(work->rotation, target->server->name, &old, err))
        return NULL;
    if (shake(target, &seen, err)) {
        if (!old.known || cert_equal(seen.chain.certs[0], old.chain.certs[0])) {
            plan = plan_nothing(target, &seen.chain, err);
        } else {
            intent.cert_file = old.cert_file;
            intent.key_file = old.key_file;
            intent.chain = &old.chain;
            plan = plan_server_again(target, &intent, err);
        }
        handshake_clear(&seen);
    }
    server_record_clear(&old);
    return plan;
}

/* Nothing was changed on any: no login is needed to leave it so. */
static bool was_touched(const struct rotation *rotation)
{
    json_t *options = server_options(rotation);
    bool touched = json_object_size(json_object_get(options, "members")) > 0;

    json_decref(options);
    return touched;
}

/* Who was away when the others got it is as all are again. */
static bool miss_nothing(struct rotate_work *work, struct err *err)
{
    struct server_list members = {.n = 0};
    bool good = own_members(work, &members, err);

    for (size_t i = 0; good && i < members.n; i++)
        good = server_clear_missed(work->store, members.rows[i], what_is_missed(), err);
    server_list_clear(&members);
    return good;
}

bool server_back(struct rotate_work *work, struct rotate_outcome *ret, struct err *err)
{
    const struct rotate_change change = {.make = make_return, .arg = work};
    struct server_list members = {.n = 0};

    if (!was_touched(work->rotation))
        return true;
    return own_members(work, &members, err) &&
           rotate_change_servers(work, &members, &change, ret, err) && miss_nothing(work, err);
}
