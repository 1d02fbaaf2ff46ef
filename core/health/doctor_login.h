/*
 * doctor_login.h - one login as an application would make it, with all that libpq said.
 *
 * Source   libpq 34.1 (PQconnectPoll), PQsetErrorVerbosity: verbose messages carry the SQLSTATE and the
 *          C function of the server that spoke, which no translation touches.
 * Use      core/health only.
 */
#ifndef PGSEAL_HEALTH_DOCTOR_LOGIN_H
#define PGSEAL_HEALTH_DOCTOR_LOGIN_H

#include "core/pg/conn.h"

/* libpq takes a path below a file as "no such file". */
#define DOCTOR_NO_FILE "/dev/null/none"

struct doctor_login_request {    /* all borrowed */
    const struct params *params; /* resolved: nothing is looked up */
    const char *sslmode;
    bool without_cert;                              /* as if there were no certificate file */
    const struct secret *password, *key_passphrase; /* or NULL */
    int64_t timeout_ms;
};
struct doctor_login {
    bool in;
    bool tls;
    bool timed_out;
    bool needs_password; /* the server asked for one and there was none */
    bool used_password;
    char sqlstate[6];       /* of the last refusal; "" when libpq itself gave up */
    char routine[64];       /* "ClientAuthentication"; "" when the server did not speak */
    bool names_in_text;     /* the refusal quotes names: role, database, host */
    char *said;             /* owned; libpq's words, clean, one line; "" when in */
    char version[16];       /* of TLS, when in */
    char client_serial[64]; /* what the server saw of the certificate, when in; "" none */
    char client_dn[64];
};

void doctor_login_run(const struct doctor_login_request *request, struct doctor_login *ret);
void doctor_login_clear(struct doctor_login *login);

/* What libpq would use for this keyword, from params, service file, environment and defaults; opens
 * no connection. Caller frees; NULL: nothing. */
struct doctor_effective;
struct doctor_effective *doctor_effective_new(const struct params *params,
                                              struct err *err) MUST_CHECK;
const char *doctor_effective_get(const struct doctor_effective *effective, const char *keyword);
void doctor_effective_free(struct doctor_effective *effective);

#endif
