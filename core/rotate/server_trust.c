/* server_trust.c - trust files of a rotation: what clients get before a server's CA changes, and after. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/pg/trust_try.h"
#include "core/pki/chain.h"
#include "core/pki/trust_file.h"
#include "core/plan/address.h"
#include "core/rotate/kits.h"
#include "core/rotate/server_part.h"
#include "core/store/authority_request.h"

#define JAVA_PASSWORD "changeit"

/* ---- made ---- */

/* A client trusts the root of a CA of ours. */
static bool add_ca(const struct rotate_work *work, const struct authority *authority,
                   const struct cert *cert, const char *from, struct trust_file *ret,
                   struct err *err)
{
    struct authority_parents parents = {.crls = NULL};
    bool good = authority == NULL || authority_load_parents(work->store, authority, &parents, err);

    if (good && parents.certs.n > 0)
        cert = parents.certs.certs[parents.certs.n - 1];
    good = good && trust_file_add(ret, cert, authority ? authority->name : from, clock_now(), err);
    authority_parents_clear(&parents);
    return good;
}

bool server_trust_make(struct rotate_work *work, bool with_old, struct trust_file *ret,
                       struct err *err)
{
    bool good;

    trust_file_init(ret);
    good = (!with_old || add_ca(work, work->old_ca, work->old_cert, _("old CA"), ret, err)) &&
           add_ca(work, work->new_ca, work->new_cert, _("new CA"), ret, err) &&
           trust_file_finish(ret, err);
    if (!good)
        trust_file_clear(ret);
    return good;
}

/* ---- tried ---- */

static bool try_member(const struct cert_list *roots, const struct server *server, struct err *err)
{
    struct trust_try seen = {.leaf = NULL};
    char *host = NULL;
    int port = 0;
    bool good = plan_tls_address(server, &host, &port, err) &&
                (*host != '\0' || plan_no_tls_address(server, err)) &&
                (trust_try_server(roots, host, port, &seen, err) ||
                 err_prefix(err, "\"%s\"", server->name));

    if (good && !seen.verify_ca) {
        good = err_set(err, ERR_SERVER_NOT_VERIFIED,
                       _("\"%s\" would not be trusted with this file: %s"), server->name, seen.why);
        err_state(err, _("No file was written."));
    }
    trust_try_clear(&seen);
    free(host);
    return good;
}

static bool try_members(struct rotate_work *work, const struct cert_list *roots, struct err *err)
{
    struct server_list members = {.n = 0};
    bool good = server_scope(work->store, work->rotation, &members, err);

    for (size_t i = 0; good && i < members.n; i++)
        good = try_member(roots, members.rows[i], err);
    server_list_clear(&members);
    return good;
}

/* The CA's own canary is a certificate that its key signed: the same way up to the root as that of the
 * server's certificate that does not exist yet. */
static bool try_canary(struct rotate_work *work, const struct cert_list *roots, struct err *err)
{
    struct authority_parents above = {.crls = NULL};
    struct canary canary = {.key = NULL};
    struct chain_verdict verdict = {0};
    bool good = authority_load_parents(work->store, work->new_ca, &above, err) &&
                authority_canary(work->store, work->new_ca, CANARY_GOOD, &canary, err);

    if (good) {
        cert_list_take(&above.certs, cert_dup(work->new_ca->cert));
        chain_verify_client(canary.cert, &above.certs, roots, NULL, 0, clock_now(), &verdict);
        if (!verdict.accepted)
            good = err_set(err, ERR_SERVER_NOT_VERIFIED,
                           _("certificates of \"%s\" would not be trusted with this file: %s"),
                           work->new_ca->name, verdict.cause);
        /* authority_parents_clear() counts lists by certificates */
        cert_free(above.certs.certs[--above.certs.n]);
    }
    canary_clear(&canary);
    authority_parents_clear(&above);
    return good;
}

static bool try_to_come(struct rotate_work *work, const struct cert_list *roots, struct err *err)
{
    const struct cert_list *given = work->request->server_certs;
    struct trust_try seen = {.leaf = NULL};
    bool good = true;

    if (work->new_ca != NULL)
        return try_canary(work, roots, err);
    if (given == NULL || given->n == 0)
        return true;
    trust_try_chain(roots, given, NULL, &seen);
    if (!seen.verify_ca)
        good =
            err_set(err, ERR_SERVER_NOT_VERIFIED,
                    _("the certificate to come would not be trusted with this file: %s"), seen.why);
    trust_try_clear(&seen);
    return good;
}

/* ---- written ---- */

/* As a killed run may have left it beside the other. A truststore's bytes are never the same twice: what is
 * in it counts, for whoever gets it trusts just that. */
static bool is_there(const struct trust_file *file, const char *path, const struct strbuf *pem,
                     const struct secret *password)
{
    struct strbuf there = STRBUF_INIT;
    struct err ignored = ERR_INIT;
    bool is = fs_read(path, PEM_SCAN_MAX, &there, &ignored) &&
              (password ? trust_file_is_pkcs12(file, password, &there) : strbuf_equal(pem, &there));

    strbuf_clear(&there);
    return is;
}

static bool write_one(const struct trust_file *file, const char *path, bool java, struct err *err)
{
    struct secret *password = java ? secret_new(sizeof(JAVA_PASSWORD)) : NULL;
    struct strbuf bytes = STRBUF_INIT;
    bool good = java ? secret_set(password, JAVA_PASSWORD, strlen(JAVA_PASSWORD)) &&
                           trust_file_pkcs12(file, password, false, &bytes, err)
                     : trust_file_pem(file, &bytes, err);

    if (good && !fs_exists(path))
        good = fs_write_new(path, bytes.data, bytes.len, FS_MODE_PUBLIC, err);
    else if (good && !is_there(file, path, &bytes, password))
        good =
            err_set(err, ERR_FILE_EXISTS, _("\"%s\" is there already, with something else"), path);
    strbuf_clear(&bytes);
    secret_free(password);
    return good;
}

/* A CA's name may have blanks and worse in it. */
static char *stem_of(const struct rotation *rotation, bool with_old)
{
    char *stem = mem_printf("%s-%s", rotation->name, with_old ? "both" : "new");

    for (char *c = stem; *c != '\0'; c++) {
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *c) ==
                NULL ||
            (c == stem && *c == '.'))
            *c = '-';
    }
    return stem;
}

static bool write_both(struct rotate_work *work, const struct trust_file *file, bool with_old,
                       const char *option, struct rotate_outcome *ret, struct err *err)
{
    const struct rotation *rotation = work->rotation;
    char *stem = stem_of(rotation, with_old);
    char *pem_name = mem_printf("%s.crt", stem);
    char *java_name = mem_printf("%s.p12", stem);
    char *pem = fs_join(rotation->folder, pem_name);
    char *java = fs_join(rotation->folder, java_name);
    bool good = write_one(file, java, true, err) && write_one(file, pem, false, err);

    if (good) {
        rotate_add_file(ret, pem);
        rotate_add_file(ret, java);
        good = rotate_set_option(work, option, pem, "a trust file is written", err);
    }
    free(stem);
    free(pem_name);
    free(java_name);
    free(pem);
    free(java);
    return good;
}

/* Where, what is in it, and whether each member is trusted with it now. */
static bool preview_write(struct rotate_work *work, bool with_old, const struct trust_file *file,
                          struct err *err)
{
    const char *given = work->request->folder;
    const char *folder = given != NULL && *given != '\0' ? given : work->rotation->folder;
    char *stem = stem_of(work->rotation, with_old);
    char *name = mem_printf("%s.crt", stem);
    char *path = *folder != '\0' ? fs_join(folder, name) : mem_strdup(name);
    struct cert_list roots;
    bool good;

    trust_file_certs(file, &roots);
    good = try_members(work, &roots, err) && try_to_come(work, &roots, err);
    if (good)
        rotate_preview_line(work->preview,
                            ngettext("\"%s\" is written, and a .p12 for Java: %zu CA; each member "
                                     "is trusted with it now",
                                     "\"%s\" is written, and a .p12 for Java: %zu CAs; each member "
                                     "is trusted with it now",
                                     (unsigned long)roots.n),
                            path, roots.n);
    cert_list_clear(&roots);
    free(stem);
    free(name);
    free(path);
    return good;
}

bool server_trust_look_ahead(struct rotate_work *work, bool with_old, const char *option,
                             struct err *err)
{
    struct trust_file file;
    bool good;

    if (server_trust_there(work, option)) {
        rotate_preview_line(work->preview, "%s", _("the trust file is there already"));
        return true;
    }
    if (work->new_cert == NULL) {
        rotate_preview_line(work->preview, "%s",
                            _("a trust file with the old and the new CA is written, as PEM and as "
                              "a .p12 for Java"));
        return true;
    }
    if (!server_trust_make(work, with_old, &file, err))
        return false;
    good = preview_write(work, with_old, &file, err);
    trust_file_clear(&file);
    return good;
}

bool server_trust_write(struct rotate_work *work, bool with_old, const char *option,
                        struct rotate_outcome *ret, struct err *err)
{
    struct trust_file file;
    struct cert_list roots;
    bool good;

    if (server_trust_there(work, option))
        return true;
    if (!server_trust_make(work, with_old, &file, err))
        return false;
    trust_file_certs(&file, &roots);
    good = try_members(work, &roots, err) && try_to_come(work, &roots, err) &&
           rotate_choose_folder(work, _("trust files"), err) &&
           write_both(work, &file, with_old, option, ret, err);
    cert_list_clear(&roots);
    trust_file_clear(&file);
    return good;
}

bool server_trust_there(const struct rotate_work *work, const char *option)
{
    char *path = rotate_option(work->rotation, option);
    bool there = *path != '\0' && fs_exists(path);

    free(path);
    return there;
}
