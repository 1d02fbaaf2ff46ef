/* ca_start.c - a rotation of a client CA begins: the old one, the new one, and what stands below the old
 * one. */
#include "config.h"

#include "core/base/clock.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/rotate/ca_act.h"
#include "core/rotate/server_part.h"
#include "core/rotate/servers.h"
#include "core/store/foreign.h"

static bool note_foreign(struct store *store, const struct cert *cert, const struct crl *crl,
                         int64_t *ret, struct err *err)
{
    enum foreign_import imported;

    return server_note_foreign(store, cert, ret, err) &&
           (crl == NULL || foreign_import(store, cert, crl, 0, &imported, err));
}

static bool check_new(const struct cert *cert, struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    bool ok = true;

    cert_format_subject(cert, &name);
    if (!cert_is_ca(cert))
        ok = err_set(err, ERR_NOT_A_CA, _("certificate \"%s\" is not a CA"), name.data);
    else if (cert_not_after(cert) <= clock_now())
        ok = err_set(err, ERR_CERT_ENDED, _("CA \"%s\" has ended"), name.data);
    strbuf_clear(&name);
    return ok;
}

static bool start_old(struct store *store, const struct rotate_start *start, struct rotation *ret,
                      struct err *err)
{
    struct strbuf name = STRBUF_INIT;
    struct authority *authority = NULL;

    if (start->old_foreign != NULL) {
        if (!note_foreign(store, start->old_foreign, NULL, &ret->old_foreign_id, err))
            return false;
        if (!cert_common_name(start->old_foreign, &name))
            cert_format_subject(start->old_foreign, &name);
        ret->name = strbuf_steal(&name);
        return true;
    }
    authority = authority_load(store, start->name, err);
    if (authority == NULL)
        return false;
    ret->old_authority_id = authority->id;
    ret->name = mem_strdup(authority->name);
    authority_free(authority);
    return true;
}

static bool start_new(struct store *store, const struct rotate_start *start, struct rotation *ret,
                      struct err *err)
{
    struct authority *authority = NULL;
    bool ok;

    if (start->new_foreign != NULL)
        return check_new(start->new_foreign, err) &&
               note_foreign(store, start->new_foreign, start->new_foreign_crl, &ret->new_foreign_id,
                            err);
    if (start->new_authority == NULL)
        return true;
    authority = authority_load(store, start->new_authority, err);
    if (authority == NULL)
        return false;
    ret->new_authority_id = authority->id;
    ok = check_new(authority->cert, err);
    if (ok && authority->retired)
        ok = err_set(err, ERR_POLICY, _("the CA \"%s\" is retired: it issues nothing any more"),
                     authority->name);
    authority_free(authority);
    return ok;
}

/* ---- what stands below the old one ---- */

static bool refuse_below(const char *name, const struct rotation *rotation, struct err *err)
{
    err_set(err, ERR_POLICY, _("clients come by \"%.80s\", which is below \"%.80s\""), name,
            rotation->name);
    err_cause(err,
              _("A session shows the CA that signed its certificate, not the one above: nobody "
                "would be seen using this one, and all of them would be refused without it."));
    return err_hint(err, _("Rotate that CA; then take both away: \"pgseal server untrust\"."));
}

static bool is_below(const struct cert *ca, const struct cert *old)
{
    return !cert_is_self_signed(ca) && cert_issued_by(ca, old);
}

static bool check_ours_below(struct store *store, const struct cert *old,
                             const struct rotation *rotation, struct err *err)
{
    struct authority_list list = {.n = 0};
    bool ok = authority_list(store, &list, err);

    for (size_t i = 0; ok && i < list.n; i++) {
        struct server_list servers = {.n = 0};

        if (!is_below(list.rows[i]->cert, old))
            continue;
        ok = server_list_trusting(store, list.rows[i]->id, &servers, err) &&
             (servers.n == 0 || refuse_below(list.rows[i]->name, rotation, err));
        server_list_clear(&servers);
    }
    authority_list_clear(&list);
    return ok;
}

static bool check_others_below(struct store *store, const struct cert *old,
                               const struct rotation *rotation, struct err *err)
{
    struct foreign_ca_list list = {.n = 0};
    bool ok = foreign_list(store, &list, err);

    for (size_t i = 0; ok && i < list.n; i++)
        ok = list.rows[i].n_servers == 0 || !is_below(list.rows[i].cert, old) ||
             refuse_below(list.rows[i].name, rotation, err);
    foreign_list_clear(&list);
    return ok;
}

/* Renewed, it stands above them as before. */
static bool check_below(struct store *store, const struct rotate_start *start,
                        const struct rotation *rotation, struct err *err)
{
    struct authority *authority = NULL;
    const struct cert *old = start->old_foreign;
    bool ok;

    if (start->kind == ROTATION_CA_LIFE)
        return true;
    if (old == NULL) {
        authority = authority_load_id(store, rotation->old_authority_id, err);
        if (authority == NULL)
            return false;
        old = authority->cert;
    }
    ok = check_ours_below(store, old, rotation, err) &&
         check_others_below(store, old, rotation, err);
    authority_free(authority);
    return ok;
}

bool ca_start(struct store *store, const struct rotate_start *start, struct rotation *ret,
              struct err *err)
{
    struct server_list servers = {.n = 0};
    bool ok;

    if (!start_old(store, start, ret, err) || !start_new(store, start, ret, err))
        return false;
    if ((ret->old_authority_id != 0 && ret->old_authority_id == ret->new_authority_id) ||
        (ret->old_foreign_id != 0 && ret->old_foreign_id == ret->new_foreign_id))
        return err_set(err, ERR_BAD_VALUE, _("the old and the new CA are one and the same"));
    if (!check_below(store, start, ret, err))
        return false;
    if (start->n_servers > 0)
        return true;
    ok = rotate_trusting(store, ret->old_authority_id, ret->old_foreign_id, &servers, err);
    if (ok && servers.n == 0) {
        ok = err_set(err, ERR_POLICY, _("no server of the store is known to trust \"%s\""),
                     ret->name);
        err_hint(err, _("Name the servers (--server NAME)."));
    }
    server_list_clear(&servers);
    return ok;
}
