/* server_login.c - a login as clients do it: over TLS, with the trust file that they have. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/pg/trust_try.h"
#include "core/pki/trust_file.h"
#include "core/rotate/server_part.h"
#include "core/store/authority_request.h"

#define LOGIN_MS    5000
#define LOGIN_GAP   100000000L /* ns; between two tries where nobody answered */
#define TRIES       3
#define FILE_MAX    (1u << 20)
#define ROOTS_NAME  "root.crt"
#define NO_FILE     "/dev/null/none"
#define CANARY_ROLE "canary.pgseal.invalid" /* nobody */

/* ---- the file ---- */

static bool holds(const struct cert_list *list, const struct cert *cert)
{
    for (size_t i = 0; i < list->n; i++) {
        if (cert_equal(list->certs[i], cert))
            return true;
    }
    return false;
}

bool server_check_trust(const struct rotate_work *work, const char *option,
                        const struct cert_list *roots, struct err *err)
{
    char *path = rotate_option(work->rotation, option);
    struct cert_list certs;
    struct strbuf text = STRBUF_INIT;
    struct err unreadable = ERR_INIT;
    struct pem pem;
    bool good = true;

    cert_list_init(&certs);
    if (*path != '\0' && fs_exists(path)) { /* else it was moved to where clients find it */
        good = fs_read(path, FILE_MAX, &text, &unreadable);
        pem_scan(text.len > 0 ? text.data : "", text.len, &pem);
        good = good && pem_take_certs(&pem, &certs, &unreadable);
        pem_clear(&pem);
        for (size_t i = 0; i < roots->n && good; i++)
            good = holds(&certs, roots->certs[i]);
    }
    if (!good) {
        err_set(err, ERR_SERVER_NOT_VERIFIED,
                _("the trust file \"%.150s\" has not all CAs in it any more"), path);
        err_cause(err,
                  _("It was changed after it was written: a client that got it so would refuse "
                    "the servers."));
        err_state(err, _("No server was changed."));
        err_hint(err, _("Go back to phase \"files\" (\"pgseal rotate back\"), take this file away, "
                        "and write it anew; then hand it over again."));
    }
    cert_list_clear(&certs);
    strbuf_clear(&text);
    free(path);
    return good;
}

/* ---- the login ---- */

enum login_end {
    LOGIN_GOT_IN,
    LOGIN_VERIFIED, /* libpq took the server's certificate; the server did not let this role in */
    LOGIN_NO        /* not even that */
};

struct login {
    const struct rotate_work *work;
    const struct fleet_member *member;
    const char *roots;
    bool full, no_password;
    char role[80];
};

static void say(const struct login *login, const char *line)
{
    const struct fleet_watch *watch = login->work->request->watch;

    if (watch && watch->plan && watch->plan->saw)
        watch->plan->saw(watch->plan->arg, line);
}

/* As the admin logs in, but to the address of the clients, and with their file. */
static struct params *params_of(struct login *login, struct err *err)
{
    const struct plan_target *target = &login->member->target;
    struct params *params = params_parse(target->server->conninfo, err);
    char *port = mem_printf("%d", target->tls_port);

    if (params != NULL) {
        params_set(params, "host", target->tls_host);
        params_set(params, "hostaddr", NULL);
        params_set(params, "port", port);
        params_set(params, "gssencmode", "disable");
        params_set(params, "sslmode", login->full ? "verify-full" : "verify-ca");
        params_set(params, "sslrootcert", login->roots);
        params_set(params, "sslcrl", NULL);
        params_set(params, "sslcrldir", NULL);
        params_set(params, "requiressl", NULL);
        params_set(params, "target_session_attrs", "any"); /* a standby is none to write on */
        if (!params_get(params, "sslcert")) /* one of the user's home may be a stale one */
            params_set(params, "sslcert", NO_FILE);
        if (params_get(params, "require_auth") || params_get(params, "channel_binding")) {
            /* libpq would end it by itself, and not say that it was verified: then no password goes */
            params_set(params, "require_auth", NULL);
            params_set(params, "channel_binding", "prefer");
            params_set(params, "passfile", NO_FILE);
            login->no_password = true;
        }
    }
    free(port);
    return params;
}

/* Only who has verified the certificate says its name: whatever a server answers to that comes after. */
static bool has_spoken(const struct conn *conn)
{
    return *conn_sqlstate(conn) != '\0' || conn_needs_password(conn);
}

static bool look_where(struct login *login, struct conn *conn, struct err *err)
{
    const char *known = login->member->server->system_identifier;
    char identifier[32] = "";
    struct result *result;

    if (!conn_uses_tls(conn))
        return err_set(err, ERR_CLEAR_TEXT, _("the login went without TLS"));
    if (!conn_system_identifier(conn, identifier, err))
        return false;
    if (*identifier && *known && strcmp(identifier, known) != 0)
        return err_set(err, ERR_OTHER_SERVER,
                       _("a login at the address of the clients reaches "
                         "another server"));
    result = conn_exec(conn, "SELECT session_user", 0, NULL, err);
    if (result == NULL)
        return false;
    text_clean_copy(login->role, sizeof(login->role), result_get(result, 0, 0));
    result_free(result);
    return true;
}

static enum login_end try_once(struct login *login, const struct params *params, struct err *err)
{
    const struct conn_options options = {
        .password = login->no_password ? NULL : login->member->target.admin_password,
        .connect_timeout_ms = LOGIN_MS};
    struct conn *conn = conn_start(params, &options, err);
    enum login_end end = LOGIN_NO;

    if (conn == NULL)
        return LOGIN_NO;
    if (!conn_wait(conn, conn_deadline_ms(conn), err))
        end = has_spoken(conn) ? LOGIN_VERIFIED : LOGIN_NO;
    else if (look_where(login, conn, err))
        end = LOGIN_GOT_IN;
    conn_close(conn);
    return end;
}

static bool try_login(struct login *login, struct err *err)
{
    struct params *params = params_of(login, err);
    enum login_end end = LOGIN_NO;
    struct err why = ERR_INIT;
    char *line = NULL;

    if (params == NULL || !conn_resolve(params, err)) {
        params_free(params);
        return false;
    }
    for (int i = 0; i < TRIES && end == LOGIN_NO; i++) {
        why = (struct err)ERR_INIT;
        if (i > 0) /* a full queue, a network that hiccups */
            (void)nanosleep(&(struct timespec){.tv_nsec = LOGIN_GAP}, NULL);
        end = try_once(login, params, &why);
    }
    params_free(params);
    switch (end) {
    case LOGIN_GOT_IN:
        line = mem_printf(_("login as \"%s\" over TLS with the trust file: in"), login->role);
        break;
    case LOGIN_VERIFIED:
        line = mem_printf(_("login over TLS with the trust file: the server's certificate is "
                            "trusted; getting in was not tried to the end: %s"),
                          why.msg);
        break;
    case LOGIN_NO:
        *err = why;
        return err_prefix(err, _("a login with the trust file of the clients"));
    }
    say(login, line);
    free(line);
    return true;
}

/* ---- with a client's certificate ---- */

/*
 * Clients that come by certificate are tried by the CA's canary: its key is here, and theirs are not, for
 * they were handed over. So both halves of the handshake are seen with libpq itself; that a role gets in by
 * its certificate depends on pg_hba.conf alone, which this does not change. Nothing is taken back for it:
 * what a server holds of its clients' CAs is the same before and after.
 */
static bool write_canary(struct store *store, const struct authority *authority, const char *cert,
                         const char *key, struct err *err)
{
    struct authority_parents above = {.crls = NULL};
    struct canary canary = {.key = NULL};
    struct strbuf pem = STRBUF_INIT;
    struct secret *key_pem = NULL;
    bool good = authority_canary(store, authority, CANARY_GOOD, &canary, err) &&
                authority_load_parents(store, authority, &above, err) &&
                cert_to_pem(canary.cert, &pem, err);

    if (good && !cert_is_self_signed(authority->cert)) /* an intermediate's clients send it along */
        good = cert_to_pem(authority->cert, &pem, err);
    for (size_t i = 0; good && i < above.certs.n; i++)
        good = cert_to_pem(above.certs.certs[i], &pem, err);
    if (good)
        key_pem = key_to_pem(canary.key, NULL, 0, err);
    good = key_pem != NULL && fs_write_new(cert, pem.data, pem.len, FS_MODE_PUBLIC, err) &&
           fs_write_new(key, secret_data(key_pem), secret_len(key_pem), 0600, err);
    secret_free(key_pem);
    strbuf_clear(&pem);
    canary_clear(&canary);
    authority_parents_clear(&above);
    return good;
}

static void say_client_of(struct login *login, const struct authority *authority,
                          const char *folder)
{
    char *cert_name = mem_printf("%lld.crt", (long long)authority->id);
    char *key_name = mem_printf("%lld.key", (long long)authority->id);
    char *cert = fs_join(folder, cert_name), *key = fs_join(folder, key_name);
    struct err why = ERR_INIT;
    struct params *params = NULL;
    char *line = NULL;

    /* its key is destroyed, or stands elsewhere: then there is no canary to try */
    if (write_canary(login->member->target.store, authority, cert, key, &why))
        params = params_of(login, &why);
    if (params != NULL && conn_resolve(params, &why)) {
        params_set(params, "user", CANARY_ROLE);
        params_set(params, "sslcert", cert);
        params_set(params, "sslkey", key);
        params_set(params, "sslpassword", NULL);
        login->no_password = true;
        why = (struct err)ERR_INIT;
        line = try_once(login, params, &why) != LOGIN_NO
                   ? mem_printf(_("handshake as a client of \"%s\" with the trust file: each side "
                                  "takes the other's certificate"),
                                authority->name)
                   : mem_printf(_("handshake as a client of \"%s\" with the trust file: %s"),
                                authority->name, why.msg);
        say(login, line);
    }
    params_free(params);
    free(line);
    free(cert_name);
    free(key_name);
    free(cert);
    free(key);
}

static void say_clients(struct login *login, const char *folder)
{
    const struct plan_target *target = &login->member->target;
    struct authority_list list = {.n = 0};
    struct err ignored = ERR_INIT;

    if (!server_trusts(target->store, target->server, &list, &ignored))
        return;
    for (size_t i = 0; i < list.n; i++)
        say_client_of(login, list.rows[i], folder);
    authority_list_clear(&list);
}

/* libpq reads a file. */
static bool write_roots(const struct trust_file *file, char **ret_folder, char **ret_path,
                        struct err *err)
{
    struct strbuf pem = STRBUF_INIT;
    bool good = trust_file_pem(file, &pem, err);

    *ret_folder = good ? fs_make_temp_folder("pgseal-trust", err) : NULL;
    if (*ret_folder != NULL)
        *ret_path = fs_join(*ret_folder, ROOTS_NAME);
    good = *ret_path != NULL && fs_write_new(*ret_path, pem.data, pem.len, FS_MODE_PUBLIC, err);
    strbuf_clear(&pem);
    return good;
}

bool server_prove_login(const struct rotate_work *work, const struct fleet_member *member,
                        const struct trust_file *file, struct err *err)
{
    const struct plan_target *target = &member->target;
    struct login login = {.work = work, .member = member};
    struct trust_try seen = {.leaf = NULL};
    struct err ignored = ERR_INIT;
    struct cert_list roots;
    char *folder = NULL;
    char *path = NULL;
    bool good;

    trust_file_certs(file, &roots);
    good = trust_try_server(&roots, target->tls_host, target->tls_port, &seen, err);
    if (good && !seen.verify_ca)
        good = err_set(err, ERR_SERVER_NOT_VERIFIED,
                       _("\"%s\" is not trusted with the file of both: %s"), member->server->name,
                       seen.why);
    login.full = good && seen.verify_full;
    trust_try_clear(&seen);
    cert_list_clear(&roots);
    good = good && write_roots(file, &folder, &path, err);
    login.roots = path;
    good = good && try_login(&login, err);
    if (good)
        say_clients(&login, folder);
    if (folder != NULL)
        (void)!fs_remove_tree(folder, &ignored);
    free(folder);
    free(path);
    return good;
}
