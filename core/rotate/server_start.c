/* server_start.c - a rotation of servers' certificates begins: whose they are now. */
#include "config.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/handshake.h"
#include "core/pki/chain.h"
#include "core/plan/address.h"
#include "core/rotate/server_part.h"
#include "core/store/foreign.h"

bool server_note_foreign(struct store *store, const struct cert *cert, int64_t *ret,
                         struct err *err)
{
    struct foreign_ca_list list = {.n = 0};

    if (!foreign_note(store, 0, cert, err) || !foreign_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        if (cert_equal(list.rows[i].cert, cert))
            *ret = list.rows[i].id;
    }
    foreign_list_clear(&list);
    return true;
}

bool server_ask(const struct server *server, struct handshake *ret, struct err *err)
{
    struct handshake_request request = {.host = NULL};
    char *host = NULL;
    bool good = plan_tls_address(server, &host, &request.port, err) &&
                (*host != '\0' || plan_no_tls_address(server, err));

    request.host = host;
    good = good && handshake_run(&request, ret, err);
    free(host);
    if (!good || (ret->verdict != HANDSHAKE_NO_TLS && ret->chain.n > 0))
        return good;
    handshake_clear(ret);
    err_set(err, ERR_SSL_OFF, _("server \"%s\" does not speak TLS"), server->name);
    return err_hint(err, _("\"pgseal server tls %s\" gives it its first certificate."),
                    server->name);
}

/* The first that answers; what was wrong with the last one where none does. */
static bool ask_members(const struct server_list *members, struct handshake *ret, struct err *err)
{
    bool found = false;

    for (size_t i = 0; i < members->n && !found; i++) {
        struct err why = ERR_INIT;

        found = server_ask(members->rows[i], ret, &why);
        if (!found && i + 1 == members->n)
            *err = why;
    }
    return found;
}

/* ---- called after a CA: the servers that show a certificate of it ---- */

static bool list_chosen(struct store *store, const struct rotate_start *start,
                        struct server_list *ret, struct err *err)
{
    if (start->n_servers == 0)
        return server_list(store, ret, err);
    for (size_t i = 0; i < start->n_servers; i++) {
        struct server_list members = {.n = 0};

        if (!server_members(store, start->servers[i], &members, err))
            return false;
        ret->rows = mem_realloc_array(ret->rows, ret->n + members.n, sizeof(struct server *));
        for (size_t k = 0; k < members.n; k++)
            ret->rows[ret->n++] = members.rows[k];
        free(members.rows);
    }
    return true;
}

/* One that does not answer may have one of it: nobody can tell, so the admin names the servers. */
static bool is_of_ca(const struct server *server, const struct authority *authority, bool chosen,
                     bool *ret, struct err *err)
{
    struct handshake seen;
    struct err why = ERR_INIT;

    *ret = chosen;
    if (!server_ask(server, &seen, &why)) {
        if (chosen || why.code == ERR_SSL_OFF || why.code == ERR_BAD_VALUE)
            return true; /* said when its turn comes; or there is nothing to rotate */
        *err = why;
        err_prefix(err, "\"%s\"", server->name);
        return err_hint(err, _("Name the servers (--server NAME)."));
    }
    *ret = cert_issued_by(seen.chain.certs[0], authority->cert);
    handshake_clear(&seen);
    return *ret || !chosen ||
           err_set(err, ERR_BAD_VALUE, _("the certificate of \"%s\" is not of the CA \"%s\""),
                   server->name, authority->name);
}

bool server_count_showing(struct store *store, const struct authority *authority, size_t *ret,
                          struct err *err)
{
    struct server_list all = {.n = 0};

    *ret = 0;
    if (!server_list(store, &all, err))
        return false;
    for (size_t i = 0; i < all.n; i++) {
        struct handshake seen;
        struct err silent = ERR_INIT;

        if (!server_ask(all.rows[i], &seen, &silent))
            continue;
        *ret += cert_issued_by(seen.chain.certs[0], authority->cert);
        handshake_clear(&seen);
    }
    server_list_clear(&all);
    return true;
}

static bool find_servers(struct store *store, const struct rotate_start *start,
                         const struct authority *authority, struct server_list *ret,
                         struct err *err)
{
    struct server_list all = {.n = 0};
    bool good = list_chosen(store, start, &all, err);

    ret->rows = mem_array(all.n + 1, sizeof(struct server *));
    for (size_t i = 0; i < all.n; i++) {
        bool is = false;

        good = good && is_of_ca(all.rows[i], authority, start->n_servers > 0, &is, err);
        if (good && is) {
            ret->rows[ret->n++] = all.rows[i];
            all.rows[i] = NULL; /* taken */
        }
    }
    server_list_clear(&all);
    if (good && ret->n == 0)
        good = err_set(err, ERR_POLICY, _("no server of the store shows a certificate of \"%s\""),
                       authority->name);
    return good;
}

/* A server's or cluster's name, else a CA's (*ret_of_ca). */
static bool find_members(struct store *store, const struct rotate_start *start,
                         struct server_list *ret, bool *ret_of_ca, struct err *err)
{
    struct authority *authority = NULL;
    struct err none = ERR_INIT;
    bool good;

    *ret_of_ca = false;
    if (server_members(store, start->name, ret, err))
        return true;
    if (err->code == ERR_SERVER_UNKNOWN)
        authority = authority_load(store, start->name, &none);
    if (authority == NULL)
        return false;
    *err = (struct err)ERR_INIT;
    *ret_of_ca = true;
    good = find_servers(store, start, authority, ret, err);
    authority_free(authority);
    return good;
}

/* The CA of ours that signed it; 0: none. */
static bool find_issuer(struct store *store, const struct cert *leaf, int64_t *ret, struct err *err)
{
    struct authority_list list = {.n = 0};

    *ret = 0;
    if (!authority_list(store, &list, err))
        return false;
    for (size_t i = 0; i < list.n && *ret == 0; i++) {
        if (cert_issued_by(leaf, list.rows[i]->cert))
            *ret = list.rows[i]->id;
    }
    authority_list_clear(&list);
    return true;
}

static bool leads_to(const struct cert_list *chain, const struct cert *root)
{
    struct cert *one = cert_dup(root);
    const struct cert_list roots = {.certs = &one, .n = 1};
    struct chain_verdict verdict = {0};

    chain_verify_server(chain->certs[0], chain, &roots, NULL, clock_now(), &verdict);
    cert_free(one);
    return verdict.accepted;
}

/* What clients trust now, of another's CA: pasted, or sent along, or the certificate itself. */
static bool take_old_foreign(struct store *store, const struct rotate_start *start,
                             const struct cert_list *chain, struct rotation *ret, struct err *err)
{
    const struct cert *last = chain->certs[chain->n - 1];
    struct strbuf name = STRBUF_INIT;

    if (start->old_foreign && !leads_to(chain, start->old_foreign)) {
        cert_format_subject(start->old_foreign, &name);
        err_set(err, ERR_SERVER_NOT_VERIFIED,
                _("the server's present certificate does not lead to \"%.120s\""), name.data);
    } else if (start->old_foreign) {
        return server_note_foreign(store, start->old_foreign, &ret->old_foreign_id, err);
    } else if (cert_is_self_signed(last)) {
        return server_note_foreign(store, last, &ret->old_foreign_id, err);
    } else {
        cert_format_issuer(last, &name);
        err_set(err, ERR_CA_UNKNOWN,
                _("the present certificate is of \"%.120s\", which is not known "
                  "here"),
                name.data);
        err_hint(err, _("Give what clients trust now, their root.crt (--old-file FILE)."));
    }
    strbuf_clear(&name);
    return false;
}

static bool take_new(struct store *store, const struct rotate_start *start, struct rotation *ret,
                     struct err *err)
{
    struct authority *authority;
    bool good = true;

    if (start->new_foreign) {
        if (!cert_is_ca(start->new_foreign) || !cert_is_self_signed(start->new_foreign))
            return err_set(err, ERR_NOT_A_CA,
                           _("the new CA must be a self-signed root: clients "
                             "trust nothing else"));
        return server_note_foreign(store, start->new_foreign, &ret->new_foreign_id, err);
    }
    if (!start->new_authority)
        return true; /* made before the trust files are */
    authority = authority_load(store, start->new_authority, err);
    if (!authority)
        return false;
    if (!authority->has_key || authority->retired)
        good = err_set(err, ERR_CA_KEY, _("the CA \"%s\" has no key here: it issues nothing"),
                       authority->name);
    else if (authority->id == ret->old_authority_id)
        good =
            err_set(err, ERR_BAD_VALUE, _("\"%s\" is of the CA \"%s\" already"), start->name,
                    authority->name) ||
            err_hint(err, _("\"pgseal rotate server %s\" (without --to) renews it."), start->name);
    ret->new_authority_id = authority->id;
    authority_free(authority);
    return good;
}

/* The same CA goes on: it must be ours, and able to sign. */
static bool check_ours(struct store *store, const struct rotate_start *start,
                       const struct cert *leaf, const struct rotation *rotation, struct err *err)
{
    struct authority *authority = NULL;
    struct strbuf issuer = STRBUF_INIT;
    bool good = false;

    if (rotation->old_authority_id == 0) {
        cert_format_issuer(leaf, &issuer);
        err_set(err, ERR_CA_UNKNOWN,
                _("the certificate of \"%s\" is of \"%.120s\", which is no CA here"), start->name,
                issuer.data);
        err_hint(
            err,
            _("Renew it there, and give it to the server (pgseal server tls %s --cert FILE); or "
              "change over to a CA of ours (--to NAME)."),
            start->name);
        strbuf_clear(&issuer);
        return false;
    }
    authority = authority_load_id(store, rotation->old_authority_id, err);
    good = authority && authority->has_key && !authority->retired;
    if (authority && !good) {
        err_set(err, ERR_CA_KEY, _("the CA \"%s\" has no key here: it issues nothing"),
                authority->name);
        err_hint(err, _("Change over to another CA (--to NAME)."));
    }
    authority_free(authority);
    return good;
}

static void note_servers(const struct server_list *servers, struct rotation *ret)
{
    json_t *options = rotate_options(ret);
    json_t *names = json_array();

    for (size_t i = 0; i < servers->n; i++)
        json_array_append_new(names, json_string(servers->rows[i]->name));
    json_object_set_new(options, "servers", names);
    rotate_put_options(ret, options);
}

static bool note_hosts(const struct rotate_start *start, struct rotation *ret, struct err *err)
{
    json_t *hosts = json_array();
    json_t *options = json_object();
    struct san san;
    bool good = true;

    san_init(&san);
    for (size_t i = 0; i < start->n_hosts && good; i++) {
        good = san_add(&san, start->hosts[i], err);
        json_array_append_new(hosts, json_string(start->hosts[i]));
    }
    san_clear(&san);
    json_object_set_new(options, "hosts", hosts);
    rotate_put_options(ret, options);
    return good;
}

/* Two rotations of one server's certificate would take each other's for what somebody else did. */
static bool check_alone(struct store *store, const struct server_list *wanted, struct err *err)
{
    struct rotation_list under_way = {.n = 0};
    bool good = rotation_list(store, false, &under_way, err);

    for (size_t i = 0; good && i < under_way.n; i++) {
        const struct rotation *other = under_way.rows[i];
        struct server_list members = {.n = 0};
        struct err none = ERR_INIT;

        if ((other->kind != ROTATION_SERVER && other->kind != ROTATION_SERVER_CA) ||
            !server_scope(store, other, &members, &none))
            continue;
        for (size_t k = 0; good && k < members.n * wanted->n; k++) {
            if (members.rows[k / wanted->n]->id == wanted->rows[k % wanted->n]->id)
                good = err_set(err, ERR_ROTATION_EXISTS,
                               _("the certificate of \"%s\" is being rotated already: \"%s\""),
                               wanted->rows[k % wanted->n]->name, other->name);
        }
        server_list_clear(&members);
    }
    rotation_list_clear(&under_way);
    return good;
}

bool server_start(struct store *store, const struct rotate_start *start, struct rotation *ret,
                  struct err *err)
{
    struct server_list members = {.n = 0};
    struct handshake seen;
    bool of_ca = false;
    bool good;

    ret->name = mem_strdup(start->name);
    good = find_members(store, start, &members, &of_ca, err) && check_alone(store, &members, err) &&
           note_hosts(start, ret, err) && ask_members(&members, &seen, err);
    if (good && of_ca)
        note_servers(&members, ret);
    server_list_clear(&members);
    if (!good)
        return false;
    good = find_issuer(store, seen.chain.certs[0], &ret->old_authority_id, err);
    if (good && start->kind == ROTATION_SERVER)
        good = check_ours(store, start, seen.chain.certs[0], ret, err);
    else if (good)
        good =
            (ret->old_authority_id != 0 || take_old_foreign(store, start, &seen.chain, ret, err)) &&
            take_new(store, start, ret, err);
    handshake_clear(&seen);
    return good;
}
