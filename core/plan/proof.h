/*
 * proof.h - what a server does now, seen from outside.
 *
 * Why      SQL cannot tell whether a TLS reload worked; a handshake can. Polls up to 5 s, since a
 *          reload is asynchronous.
 * Errors   ERR_PROOF, ERR_RELOAD_REFUSED, with what was seen and what was expected.
 */
#ifndef PGSEAL_PLAN_PROOF_H
#define PGSEAL_PLAN_PROOF_H

#include "core/pg/handshake.h"
#include "core/plan/plan.h"

#define PROOF_ALERT_REVOKED 44

/* The server's leaf is this certificate and its chain is complete. */
bool proof_server_cert(const struct plan_target *target, const struct cert *leaf,
                       const struct cert_list *roots, const struct plan_watch *watch,
                       struct err *err) MUST_CHECK;
/* The good canary passes the handshake; the revoked one gets alert 44. */
bool proof_canaries(const struct plan_target *target, const struct authority *authority,
                    const struct plan_watch *watch, struct err *err) MUST_CHECK;
/* One of them alone; alert 0: it must pass (also the revoked one, where no CRL is set). */
bool proof_canary(const struct plan_target *target, const struct authority *authority,
                  enum canary_kind kind, int alert, const struct plan_watch *watch,
                  struct err *err) MUST_CHECK;
/*
 * This very certificate is refused as revoked (alert 44), asked without its key (pretend.h). One that
 * has ended, or a server that does not ask for certificates, is refused anyway: nothing is asked.
 */
bool proof_revoked(const struct plan_target *target, const struct cert *cert,
                   const struct plan_watch *watch, struct err *err) MUST_CHECK;

struct proof_login {
    const char *role, *database;
    const char *cert_file, *key_file; /* NULL: without a certificate */
    const char *root_file;            /* NULL: sslmode=require */
    const struct secret *password;    /* or NULL */
    bool without_tls;                 /* sslmode=disable */
};
struct proof_login_result {
    bool got_in;
    bool
        asked_password; /* refused, and the server wanted a (right) password: a line for passwords fits */
    bool tls;
    char client_dn[64], client_serial[64]; /* as pg_stat_ssl shows the own session */
    int alert;      /* when refused in TLS: measured by a handshake beside it; 0: not TLS */
    struct err why; /* when refused */
};
/* Tries a login on the TLS address; "refused" is an answer. */
bool proof_login(const struct plan_target *target, const struct proof_login *login,
                 struct proof_login_result *ret, struct err *err) MUST_CHECK;

#endif
