/*
 * login_job.h - three logins as a client would make them: with the certificate, without it, without TLS.
 *
 * Why      only that proves a rule: the first must get in, the others must not.
 * Log      the server writes a line for each login that it refuses.
 */
#ifndef PGSEAL_SCREENS_LOGIN_JOB_H
#define PGSEAL_SCREENS_LOGIN_JOB_H

#include "core/base/secret.h"
#include "screens/app.h"

enum login_way { LOGIN_WITH_CERT, LOGIN_WITHOUT_CERT, LOGIN_WITHOUT_TLS, LOGIN_WAYS };

struct login_try {
    bool got_in;
    bool wants_password; /* not refused yet: a password would decide */
    char tls[64];        /* "TLSv1.3, certificate /CN=alice" of the session; "" without */
    bool used_cert;
    struct err why; /* !got_in */
};

struct login_job {
    char *store_folder, *server;
    char *role, *database, *cert, *key, *root; /* root "": the server's name is not checked */
    struct secret *passphrase;                 /* of the key; or NULL */
    /* results */
    bool ok; /* the tries were made */
    bool wrong_passphrase;
    char *host;
    int port;
    struct login_try tries[LOGIN_WAYS];
    struct err err; /* !ok */
};
struct login_job *login_job_new(struct app *app) MUST_CHECK; /* to be filled */
struct job *login_job_start(struct app *app, void *owner, struct login_job *data) MUST_CHECK;
void login_job_free(void *data);
/* In with the certificate, and not in without it. */
bool login_is_proven(const struct login_job *job);

#endif
