/* revoke_look.c - which certificates, and what their revocation would do. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/sessions.h"
#include "core/plan/crowd.h"
#include "core/plan/revoke.h"
#include "core/store/crl_ahead.h"

#define CERTS_MAX  1000
#define CONNECT_MS 8000

/* ---- which certificates ---- */

static void take(struct issued_list *list, struct issued *issued)
{
    list->rows = mem_realloc_array(list->rows, list->n + 1, sizeof(list->rows[0]));
    list->rows[list->n++] = issued;
    list->total = (int64_t)list->n;
}

static bool is_live(const struct issued *issued)
{
    return issued->kind <= ISSUED_SERVER && issued->revoked_at == 0 &&
           issued->not_after > clock_now();
}

/* The valid certificates of this role, newest first; authority NULL: of all CAs. */
static bool live_of_role(struct store *store, const char *authority, const char *role,
                         struct issued_list *ret, struct err *err)
{
    struct issued_filter filter = {
        .authority = authority, .role = role, .state = -1, .limit = CERTS_MAX, .no_total = true};
    struct issued_list all = {.n = 0};

    if (!issued_list(store, &filter, &all, err))
        return false;
    for (size_t i = 0; i < all.n; i++) {
        if (!is_live(all.rows[i]))
            continue;
        take(ret, all.rows[i]);
        all.rows[i] = all.rows[all.n - 1]; /* taken: the last one moves here and is looked at */
        all.n--;
        i--;
    }
    issued_list_clear(&all);
    return true;
}

static bool check_live(const struct issued *issued, struct err *err)
{
    char date[CLOCK_TEXT_MAX];

    if (issued->kind > ISSUED_SERVER)
        return err_set(err, ERR_POLICY, _("this is a canary of \"%s\": it proves what servers do"),
                       issued->authority);
    if (issued->revoked_at != 0) {
        err_set(err, ERR_REVOKED_ALREADY, _("the certificate of \"%s\" was revoked on %s"),
                issued->role, clock_format_date(date, issued->revoked_at));
        return err_hint(err,
                        _("\"pgseal crl refresh\" brings the list where it is missing; with its "
                          "serial number and --end-sessions its open sessions are ended."));
    }
    return true; /* an ended one may be revoked: clocks differ */
}

/* By number; the CA narrows it down. */
static struct issued *find_one(struct store *store, const char *authority, const char *text,
                               struct err *err)
{
    char *name = authority ? mem_printf("%s:%s", authority, text) : NULL;
    struct err ignored = ERR_INIT; /* then it is said without the CA in front */
    struct issued *issued = name ? issued_find(store, name, &ignored) : NULL;

    free(name);
    if (!issued)
        issued = issued_find(store, text, err);
    if (!issued && err->code == ERR_CERT_UNKNOWN && !*err->hint)
        err_hint(err, _("\"pgseal list\" shows what was issued. A certificate that this store lost "
                        "is revoked by its serial number: \"pgseal revoke SERIAL --ca NAME\"."));
    if (issued && authority && strcmp(issued->authority, authority) != 0) {
        err_set(err, ERR_POLICY, _("\"%s\" is of the CA \"%s\", not of \"%s\""), text,
                issued->authority, authority);
        issued_free(issued);
        issued = NULL;
    }
    return issued;
}

bool revoke_pick(struct store *store, const char *authority, const char *serial_or_role, bool all,
                 struct issued_list *ret, struct err *err)
{
    struct issued_list list = {.n = 0};
    struct issued *issued;

    if (all || authority) {
        if (!live_of_role(store, authority, serial_or_role, &list, err))
            return false;
        if (list.n == 1 || (all && list.n > 0)) {
            *ret = list;
            return true;
        }
        issued_list_clear(&list);
        list = (struct issued_list){.n = 0};
    }
    issued = find_one(store, authority, serial_or_role, err);
    if (!issued && err->code == ERR_CERT_AMBIGUOUS && !all)
        err_hint(err, _("Give the serial number of one (\"pgseal list --role ROLE\"), or --all for "
                        "all certificates of the role."));
    if (!issued)
        return false;
    if (!check_live(issued, err)) {
        issued_free(issued);
        return false;
    }
    take(&list, issued);
    *ret = list;
    return true;
}

static bool not_issued_here(const struct session *session, struct err *err)
{
    struct err ignored = ERR_INIT;
    char hex[SERIAL_HEX_MAX];
    struct serial serial;

    err_set(err, ERR_CERT_UNKNOWN, _("the certificate of session %d (\"%s\") was not issued here"),
            session->pid, session->client_dn);
    if (serial_parse_decimal(&serial, session->client_serial, &ignored))
        err_hint(err,
                 _("Where a CA of yours issued it and this store lost it: \"pgseal revoke %s --ca "
                   "NAME\"."),
                 serial_format_hex(hex, &serial));
    return false;
}

bool revoke_pick_session(struct store *store, struct conn *admin, int pid, struct issued_list *ret,
                         struct err *err)
{
    struct issued_list list = {.n = 0};
    struct issued *issued = NULL;
    const struct session *found = NULL;
    struct sessions sessions;
    bool good = false;

    if (!sessions_read(admin, &sessions, err))
        return false;
    for (size_t i = 0; i < sessions.n && !found; i++) {
        if (sessions.rows[i].pid == pid)
            found = &sessions.rows[i];
    }
    if (!found)
        err_set(err, ERR_BAD_VALUE, _("there is no session %d"), pid);
    else if (found->class != SESSION_TLS_CERT)
        err_set(err, ERR_BAD_VALUE, _("session %d (\"%s\") shows no certificate"), pid,
                found->role);
    else
        good = issued_find_session(store, found->issuer_dn_raw, found->client_serial, &issued, err);
    if (good && !issued)
        good = not_issued_here(found, err);
    sessions_clear(&sessions);
    if (good && !check_live(issued, err))
        good = false;
    if (!good) {
        issued_free(issued);
        return false;
    }
    take(&list, issued);
    *ret = list;
    return true;
}

/* ---- the effect: what the store knows ---- */

static bool has_cert(const struct issued_list *list, int64_t id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->rows[i]->id == id)
            return true;
    }
    return false;
}

/* The effect has copies of its own: a page keeps it longer than the request. */
static bool copy_certs(struct store *store, const struct issued_list *from, struct issued_list *ret,
                       struct err *err)
{
    for (size_t i = 0; i < from->n; i++) {
        char hex[SERIAL_HEX_MAX];
        char *name = mem_printf("%s:%s", from->rows[i]->authority,
                                serial_format_hex(hex, &from->rows[i]->serial));
        struct issued *issued = issued_find(store, name, err);

        free(name);
        if (!issued)
            return false;
        take(ret, issued);
    }
    return true;
}

static bool find_stay(struct store *store, struct revoke_effect *effect, struct err *err)
{
    for (size_t i = 0; i < effect->certs.n; i++) {
        struct issued_list live = {.n = 0};

        if (!live_of_role(store, NULL, effect->certs.rows[i]->role, &live, err))
            return false;
        for (size_t k = live.n; k-- > 0;) {
            if (has_cert(&effect->certs, live.rows[k]->id) ||
                has_cert(&effect->stay, live.rows[k]->id) ||
                live.rows[k]->kind != effect->certs.rows[i]->kind)
                continue;
            take(&effect->stay, live.rows[k]);
            live.rows[k] = live.rows[--live.n];
        }
        issued_list_clear(&live);
    }
    return true;
}

static bool add_ca(struct store *store, int64_t id, int crl_days, struct revoke_effect *effect,
                   struct err *err)
{
    struct crl_ahead_list ahead = {.n = 0};
    struct revoke_ca *ca;

    for (size_t i = 0; i < effect->n_cas; i++) {
        if (effect->cas[i].authority->id == id)
            return true;
    }
    effect->cas = mem_realloc_array(effect->cas, effect->n_cas + 1, sizeof(effect->cas[0]));
    ca = &effect->cas[effect->n_cas];
    *ca = (struct revoke_ca){.authority = authority_load_id(store, id, err)};
    if (!ca->authority)
        return false;
    effect->n_cas++;
    if (!crl_ahead_list(store, id, &ahead, err))
        return false;
    ca->number = ca->authority->crl.number + ca->authority->crl.ahead + 1;
    ca->ends = clock_now() + (crl_days > 0 ? crl_days : CRL_DEFAULT_DAYS) * CLOCK_DAY;
    if (crl_days == 0 && ahead.n > 0) {
        ca->n_ahead = ahead.n;
        ca->ends = ca->authority->crl.next_update;
    }
    if (ca->ends > cert_not_after(ca->authority->cert))
        ca->ends = cert_not_after(ca->authority->cert);
    crl_ahead_list_clear(&ahead);
    return true;
}

static void add_server(struct revoke_effect *effect, const struct server *server)
{
    struct revoke_server *row;

    for (size_t i = 0; i < effect->n_servers; i++) {
        if (text_equal(effect->servers[i].name, server->name))
            return;
    }
    effect->servers =
        mem_realloc_array(effect->servers, effect->n_servers + 1, sizeof(effect->servers[0]));
    row = &effect->servers[effect->n_servers++];
    *row = (struct revoke_server){
        .name = mem_strdup(server->name), .production = server->production, .err = ERR_INIT};
}

static bool find_servers(struct store *store, const struct revoke_request *request,
                         struct revoke_effect *effect, struct err *err)
{
    for (size_t i = 0; request->only && i < request->only->n; i++)
        add_server(effect, request->only->rows[i]);
    for (size_t i = 0; !request->only && i < effect->n_cas; i++) {
        struct server_list list = {.n = 0};

        if (!server_list_trusting(store, effect->cas[i].authority->id, &list, err))
            return false;
        for (size_t k = 0; k < list.n; k++)
            add_server(effect, list.rows[k]);
        server_list_clear(&list);
    }
    return true;
}

/* ---- the effect: what the servers say ---- */

static bool is_of(const struct session *session, const struct issued_list *certs)
{
    for (size_t i = 0; i < certs->n; i++) {
        struct name *issuer = cert_issuer(certs->rows[i]->cert);
        char dn[NAME_PG_SIZE], decimal[SERIAL_DECIMAL_MAX];

        name_format_pg(issuer, dn);
        name_free(issuer);
        if (strcmp(session->issuer_dn_raw, dn) == 0 &&
            strcmp(session->client_serial,
                   serial_format_decimal(decimal, &certs->rows[i]->serial)) == 0)
            return true;
    }
    return false;
}

static void take_session(struct revoke_server *row, const struct session *session)
{
    struct revoke_session *to;
    char since[CLOCK_TEXT_MAX];

    row->sessions = mem_realloc_array(row->sessions, row->n_sessions + 1, sizeof(row->sessions[0]));
    to = &row->sessions[row->n_sessions++];
    *to = (struct revoke_session){
        .pid = session->pid,
        .role = mem_strdup(session->role),
        .database = mem_strdup(session->database),
        .application = mem_strdup(session->application),
        .address = mem_strdup(session->address),
        .since = mem_strdup(clock_format_minute(since, session->backend_start)),
        .own = session->own};
}

/* One server that is asked. */
struct asking {
    const struct fleet_door *door; /* or NULL */
    const struct issued_list *certs;
    struct revoke_server *row;
    struct server *server;
    bool wants_password;
};

static struct conn *log_in_unasked(struct asking *asking, struct err *err)
{
    struct conn_options options = {.connect_timeout_ms = CONNECT_MS,
                                   .cancelled = asking->door ? asking->door->stop : NULL,
                                   .cancelled_arg = asking->door ? asking->door->arg : NULL,
                                   .ret_needs_password = &asking->wants_password};
    struct params *params = params_parse(asking->server->conninfo, err);
    struct conn *conn = NULL;

    if (params && conn_resolve(params, err))
        conn = conn_open(params, &options, err);
    params_free(params);
    return conn;
}

static struct conn *log_in(struct asking *asking, struct err *err)
{
    struct secret *password = NULL;
    struct conn *conn = asking->door->login(asking->door->arg, asking->server, &password, err);

    secret_free(password);
    return conn;
}

static void look_at(struct asking *asking, struct conn *conn)
{
    struct revoke_server *row = asking->row;
    struct sessions sessions;

    row->reached = conn && sessions_read(conn, &sessions, &row->err);
    if (!row->reached)
        return;
    row->err = (struct err)ERR_INIT;
    row->hides = sessions.hidden > 0;
    for (size_t i = 0; i < sessions.n; i++) {
        if (sessions.rows[i].class == SESSION_TLS_CERT && is_of(&sessions.rows[i], asking->certs))
            take_session(row, &sessions.rows[i]);
    }
    sessions_clear(&sessions);
}

static void ask_unasked(void *arg, struct store *store, size_t i)
{
    struct asking *asking = (struct asking *)arg + i;
    struct conn *conn = log_in_unasked(asking, &asking->row->err);

    (void)store;
    look_at(asking, conn);
    conn_close(conn);
}

static void ask_with_door(struct asking *asking)
{
    struct conn *conn;

    asking->row->err = (struct err)ERR_INIT;
    conn = log_in(asking, &asking->row->err);
    look_at(asking, conn);
    conn_close(conn);
}

/* Several at once; those that want a password afterwards, one by one. */
static bool look_at_servers(struct store *store, const struct revoke_request *request,
                            struct revoke_effect *effect, struct err *err)
{
    struct asking *all = mem_array(effect->n_servers + 1, sizeof(*all));
    bool good = true;

    for (size_t i = 0; good && i < effect->n_servers; i++) {
        all[i] = (struct asking){.door = request->door,
                                 .certs = &effect->certs,
                                 .row = &effect->servers[i],
                                 .server = server_load(store, effect->servers[i].name, err)};
        good = all[i].server != NULL;
        all[i].row->asked = good;
    }
    if (good)
        crowd_run(NULL, effect->n_servers, ask_unasked, all);
    for (size_t i = 0; i < effect->n_servers; i++) {
        if (good && request->door && all[i].wants_password)
            ask_with_door(&all[i]);
        server_free(all[i].server);
    }
    free(all);
    return good;
}

bool revoke_look(struct store *store, const struct revoke_request *request, bool ask_servers,
                 struct revoke_effect *ret, struct err *err)
{
    struct revoke_effect effect = {.n_cas = 0};
    bool good = copy_certs(store, request->certs, &effect.certs, err);

    for (size_t i = 0; good && i < effect.certs.n; i++)
        good = add_ca(store, effect.certs.rows[i]->authority_id, request->crl_days, &effect, err);
    good = good && find_stay(store, &effect, err) && find_servers(store, request, &effect, err);
    good = good && (!ask_servers || look_at_servers(store, request, &effect, err));
    if (good)
        *ret = effect;
    else
        revoke_effect_clear(&effect);
    return good;
}

static void server_row_clear(struct revoke_server *row)
{
    free(row->name);
    for (size_t i = 0; i < row->n_sessions; i++) {
        struct revoke_session *session = &row->sessions[i];

        free(session->role);
        free(session->database);
        free(session->application);
        free(session->address);
        free(session->since);
    }
    free(row->sessions);
}

void revoke_effect_clear(struct revoke_effect *effect)
{
    issued_list_clear(&effect->certs);
    issued_list_clear(&effect->stay);
    for (size_t i = 0; i < effect->n_cas; i++)
        authority_free(effect->cas[i].authority);
    free(effect->cas);
    for (size_t i = 0; i < effect->n_servers; i++)
        server_row_clear(&effect->servers[i]);
    free(effect->servers);
    memset(effect, 0, sizeof(*effect));
}

size_t revoke_count_sessions(const struct revoke_effect *effect)
{
    size_t n = 0;

    for (size_t i = 0; i < effect->n_servers; i++)
        for (size_t k = 0; k < effect->servers[i].n_sessions; k++)
            n += !effect->servers[i].sessions[k].own;
    return n;
}

size_t revoke_count_away(const struct revoke_effect *effect)
{
    size_t n = 0;

    for (size_t i = 0; i < effect->n_servers; i++)
        n += effect->servers[i].asked && !effect->servers[i].reached;
    return n;
}
