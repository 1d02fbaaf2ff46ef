/*
 * doctor.h - why an application does not get in: tries what it would do, and explains.
 *
 * Source   libpq 34.1, 34.19; PostgreSQL 20; RFC 8446 6. The answers of libpq are matched by SQLSTATE,
 *          alert number and the C function that spoke, never by their (translated) text. Beside each
 *          login stand handshakes of our own and the local verdict of chain.h: alerts collapse causes.
 * Tries    one login for each sslmode, read only, ended at once. The server logs what it logs for a
 *          login; a wrong password counts where the server counts (auth_delay, lock-outs): so it is
 *          tried once per sslmode and no more.
 * Secrets  a key file is read, and wiped; its passphrase is never asked for on the terminal by libpq.
 * Cost     6 logins and 3 handshakes, each with a deadline: below 1 s on loopback. In a job.
 * Errors   ERR_USAGE for what cannot be tried at all; a login that is refused is a result.
 */
#ifndef PGSEAL_HEALTH_DOCTOR_H
#define PGSEAL_HEALTH_DOCTOR_H

#include "core/health/finding.h"
#include "core/pg/conn.h"
#include "core/store/db.h"

struct doctor_request {          /* all borrowed */
    const struct params *params; /* as the application has them; sslmode there is its own choice */
    const char *cert_file, *key_file, *root_file; /* NULL: params, environment, ~/.postgresql */
    const struct secret *password;                /* or NULL: ~/.pgpass, or none */
    const struct secret *key_passphrase;          /* or NULL */
    struct store *store;                          /* our CAs and CRLs, to name causes; or NULL */
    struct conn
        *admin; /* of the same server: its files are read then, and causes are certain; or NULL */
    int64_t timeout_ms; /* of each try; 0: 5000 */
};

enum doctor_sslmode {
    DOCTOR_DISABLE,
    DOCTOR_ALLOW,
    DOCTOR_PREFER,
    DOCTOR_REQUIRE,
    DOCTOR_VERIFY_CA,
    DOCTOR_VERIFY_FULL
};
#define DOCTOR_SSLMODES 6
const char *doctor_sslmode_name(enum doctor_sslmode mode); /* "verify-full" */

struct doctor_try {
    enum doctor_sslmode mode;
    bool chosen; /* what the application would use */
    bool in;
    bool wants_password; /* got as far as the password, and there was none */
    bool tls;
    bool cert_sent;       /* the server has it: client_serial of the session, or its own verdict */
    char tls_version[16]; /* of the session */
    char sqlstate[6];
    char *said;         /* libpq's own words, clean, one line; "" when in */
    enum err_code code; /* ERR_NONE when in and nothing is to be said */
    char *cause;        /* why; sentences; "" when in and nothing is to be said */
    char *fix;
};

struct doctor {
    struct findings
        findings; /* files, names, dates, chain: what does not depend on sslmode; sorted */
    struct doctor_try tries[DOCTOR_SSLMODES];
    char *host; /* where it went */
    int port;
    char *user;
    char *database;
    char *cert_file, *key_file, *root_file; /* the paths that libpq looks at */
    bool cert_found, key_found, root_found;
    bool server_tls;
    bool server_asks; /* for a certificate */
    char **accepted_cas;
    size_t n_accepted_cas;
    int64_t took_ms;
};

bool doctor_run(const struct doctor_request *request, struct doctor *ret,
                struct err *err) MUST_CHECK;
void doctor_clear(struct doctor *doctor);
/* As params_parse(), and takes options of newer libpqs too than the one here (sslcertmode, require_auth,
 * sslnegotiation, …): doctor_run() leaves them out and says what they would do. */
struct params *doctor_parse(const char *conninfo, struct err *err) MUST_CHECK;
/* True when the chosen sslmode got in and no error was found. */
bool doctor_is_well(const struct doctor *doctor);

#endif
