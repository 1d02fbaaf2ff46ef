/* proof_login.c - logins that must get in, and logins that must not. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fsutil.h"
#include "core/base/intl.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/plan/step.h"

#define PEM_FILE_MAX  (64 * 1024)
#define LOGIN_TIMEOUT 5000

/* libpq takes a path below a file as "no such file": no certificate of the user's home slips in. */
#define NO_FILE "/dev/null/none"

/* A second admin login works: the same server, the same role. */
static bool admin_login(const struct plan_target *target, const struct plan_watch *watch,
                        struct err *err)
{
    struct conn_options options = {.password = target->admin_password,
                                   .connect_timeout_ms = LOGIN_TIMEOUT};
    struct params *params = params_parse(target->server->conninfo, err);
    struct conn *conn = NULL;
    char identifier[32] = "";
    bool good = false;

    if (params && conn_resolve(params, err))
        conn = conn_open(params, &options, err);
    if (!conn) {
        err_prefix(err, _("a new admin login"));
        goto out;
    }
    if (!conn_system_identifier(conn, identifier, err))
        goto out;
    if (*identifier && strcmp(identifier, target->server->system_identifier) != 0) {
        err_set(err, ERR_OTHER_SERVER, _("a new admin login reaches another server"));
        goto out;
    }
    run_saw(watch, _("a new admin login works"));
    good = true;
out:
    conn_close(conn);
    params_free(params);
    return good;
}

/* ---- a client's login ---- */

static struct params *login_params(const struct plan_target *target,
                                   const struct proof_login *login)
{
    struct params *params = params_new();
    char *port = mem_printf("%d", target->tls_port);

    params_set(params, "host", target->tls_host);
    params_set(params, "port", port);
    params_set(params, "user", login->role);
    params_set(params, "dbname", login->database);
    params_set(params, "gssencmode", "disable");
    params_set(params, "passfile", NO_FILE);
    params_set(params, "sslmode",
               login->without_tls ? "disable"
               : login->root_file ? "verify-ca"
                                  : "require");
    params_set(params, "sslrootcert", login->root_file ? login->root_file : NO_FILE);
    params_set(params, "sslcert", login->cert_file ? login->cert_file : NO_FILE);
    params_set(params, "sslkey", login->key_file ? login->key_file : NO_FILE);
    free(port);
    return params;
}

/* The alert that the certificate gets in a handshake, or 0. */
static bool measure_alert(const struct plan_target *target, const struct proof_login *login,
                          int *ret, struct err *err)
{
    struct handshake_request request = {.host = target->tls_host, .port = target->tls_port};
    struct strbuf cert_pem = STRBUF_INIT;
    struct secret *key_pem = NULL;
    struct cert *cert = NULL;
    struct key *key = NULL;
    struct handshake now;
    bool good = false;

    *ret = 0;
    if (!login->cert_file || !login->key_file)
        return true;
    if (!fs_read(login->cert_file, PEM_FILE_MAX, &cert_pem, err) ||
        !(key_pem = secret_read_whole(login->key_file, PEM_FILE_MAX, err)))
        goto out;
    cert = cert_from_pem(cert_pem.data, cert_pem.len, err);
    key = cert ? key_from_pem(secret_data(key_pem), secret_len(key_pem), NULL, err) : NULL;
    if (!key)
        goto out;
    request.cert = cert;
    request.key = key;
    if (!handshake_run(&request, &now, err))
        goto out;
    *ret = now.verdict == HANDSHAKE_REFUSED ? now.alert : 0;
    handshake_clear(&now);
    good = true;
out:
    secret_free(key_pem);
    strbuf_clear(&cert_pem);
    cert_free(cert);
    key_free(key);
    return good;
}

static bool look_at_session(struct conn *conn, struct proof_login_result *ret, struct err *err)
{
    struct result *result =
        conn_exec(conn,
                  "SELECT ssl, client_dn, client_serial FROM pg_catalog.pg_stat_ssl"
                  " WHERE pid = pg_catalog.pg_backend_pid()",
                  0, NULL, err);

    if (!result)
        return false;
    if (result_rows(result) == 1) {
        const char *dn = result_get(result, 0, 1);
        const char *serial = result_get(result, 0, 2);

        ret->tls = result_bool(result, 0, 0);
        text_clean_copy(ret->client_dn, sizeof(ret->client_dn), dn ? dn : "");
        text_clean_copy(ret->client_serial, sizeof(ret->client_serial), serial ? serial : "");
    }
    result_free(result);
    return true;
}

static bool is_refusal(const struct err *why)
{
    return why->code == ERR_LOGIN ||
           (why->code >= ERR_ALERT_OTHER && why->code <= ERR_ALERT_SIGNATURE);
}

bool proof_login(const struct plan_target *target, const struct proof_login *login,
                 struct proof_login_result *ret, struct err *err)
{
    struct conn_options options = {.password = login->password,
                                   .connect_timeout_ms = LOGIN_TIMEOUT};
    struct params *params = login_params(target, login);
    struct proof_login_result result = {.got_in = false, .why = ERR_INIT};
    struct conn *conn = NULL;
    bool good = false;

    options.ret_needs_password = &result.asked_password;
    if (!conn_resolve(params, err))
        goto out;
    conn = conn_open(params, &options, &result.why);
    if (conn) {
        result.got_in = true;
        good = look_at_session(conn, &result, err);
    } else {
        good = measure_alert(target, login, &result.alert, err);
        if (good && result.alert == 0 && !is_refusal(&result.why)) {
            *err = result.why; /* not refused: not reached */
            good = false;
        }
    }
    if (good)
        *ret = result;
out:
    conn_close(conn);
    params_free(params);
    return good;
}

/* ---- the step: one probe, with its certificate or without ---- */

static bool judge(const struct proof_login *login, bool with,
                  const struct proof_login_result *result, struct err *err)
{
    if (with && !result->got_in) {
        err_set(err, ERR_TEST_LOGIN, _("login as \"%s\" with its certificate: %s"), login->role,
                result->why.msg);
        if (result->alert)
            err_cause(err, _("TLS alert %d: %s."), result->alert,
                      handshake_alert_name(result->alert));
        return false;
    }
    if (with && !*result->client_serial)
        return err_set(err, ERR_TEST_LOGIN, _("login as \"%s\" got in without its certificate"),
                       login->role);
    if (!with && result->got_in)
        return err_set(err, ERR_TEST_LOGIN_PASSED, _("login as \"%s\" %s got in"), login->role,
                       login->without_tls ? _("without TLS") : _("without a certificate"));
    if (!with && result->asked_password) /* clientcert is looked at before the password */
        return err_set(err, ERR_TEST_LOGIN_PASSED,
                       _("login as \"%s\" %s: the server asks for a password"), login->role,
                       login->without_tls ? _("without TLS") : _("without a certificate"));
    return true;
}

static void say(const struct plan_watch *watch, const struct proof_login *login, bool with,
                const struct proof_login_result *result)
{
    if (with)
        run_saw(watch, _("login as \"%s\" with its certificate: in, %s, serial number %s"),
                login->role, result->client_dn, result->client_serial);
    else if (login->without_tls)
        run_saw(watch, _("login as \"%s\" without TLS: refused"), login->role);
    else
        run_saw(watch, _("login as \"%s\" without a certificate: refused"), login->role);
}

/* A reload is asynchronous: tries until it is as it must be, or the time is over. */
static bool prove_login(struct step_run *run, const struct proof_login *login, bool with,
                        struct err *err)
{
    struct proof_poll poll_state = proof_poll_start();

    do {
        struct proof_login_result result;

        if (!proof_login(run->target, login, &result, err))
            return false;
        if (judge(login, with, &result, err)) {
            say(run->watch, login, with, &result);
            return true;
        }
    } while (proof_poll_again(&poll_state));
    return false;
}

bool step_prove_login(struct step_run *run, struct step *step, struct err *err)
{
    const struct access_rules_probe *probe = step->probe;
    bool with = step_is(step, "with");
    struct proof_login login = {
        .role = probe->role, .database = probe->database, .root_file = probe->root_file};

    if (with) {
        login.cert_file = probe->cert_file;
        login.key_file = probe->key_file;
        login.password = probe->password;
    }
    if (!prove_login(run, &login, with, err))
        return false;
    login.without_tls = true;
    if (!with && !prove_login(run, &login, false, err))
        return false;
    step_set_saw(step, "%s", with ? _("got in") : _("refused"));
    return true;
}

bool step_prove_admin(struct step_run *run, struct step *step, struct err *err)
{
    if (!admin_login(run->target, run->watch, err))
        return false;
    step_set_saw(step, _("got in"));
    return true;
}
