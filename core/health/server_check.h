/*
 * server_check.h - looks at a server from all sides and changes nothing.
 *
 * Source   PostgreSQL 19.9 (TLS), 20.1 (pg_hba.conf), 53.24 (pg_settings), 53.8 (pg_hba_file_rules).
 *          SQL cannot tell whether TLS files were loaded, and a failed load is a failed restart later:
 *          so the files are read as the server would read them, and compared with the wire.
 * Rights   what the role may not see is left out and named by an ERR_NOT_SEEN finding; never guessed.
 *          A private key is never read over SQL, also not where one stands in a wrong file.
 * Cost     some 20 statements, a handshake, and two for each CA of ours: 50 ms on loopback. In a job.
 * Log      the server writes one line for the empty login that tells a pooler from PostgreSQL, and one
 *          for each CA of ours whose revoked canary it refuses.
 * Errors   only where nothing could be looked at: ERR_CONNECTION_LOST, ERR_TIMEOUT, store errors.
 *          A server whose address does not answer is a finding.
 */
#ifndef PGSEAL_HEALTH_SERVER_CHECK_H
#define PGSEAL_HEALTH_SERVER_CHECK_H

#include "core/health/finding.h"
#include "core/pg/conn.h"
#include "core/store/server.h"

#define SERVER_CHECK_WITHIN_DAYS 30

struct server_check_request { /* all borrowed */
    struct store *store;      /* our CAs, their CRLs, what was issued; or NULL */
    const struct server *server;
    struct conn *admin;
    const char *tls_host; /* where clients come; "" or NULL: the wire is not asked */
    int tls_port;
    int within_days; /* what counts as "soon"; 0: SERVER_CHECK_WITHIN_DAYS */
};

enum server_check_tls { SERVER_TLS_NOT_ASKED, SERVER_TLS_NO_ANSWER, SERVER_TLS_OFF, SERVER_TLS_ON };

struct server_check {
    struct findings findings; /* sorted */
    /* what a page shows above them */
    int version; /* 150018 */
    char system_identifier[32];
    bool standby;
    bool restart_fails; /* an error finding says why */
    enum server_check_tls tls;
    char tls_version[16];
    int64_t cert_not_after;  /* of the server's certificate as the wire shows it; 0: none seen */
    int64_t crl_next_update; /* the CRL that ends first; 0: none */
    size_t n_cas;            /* CAs that ssl_ca_file holds */
    size_t n_cert_rules;     /* pg_hba.conf lines that want a certificate */
    int64_t took_ms;
};

bool server_check(const struct server_check_request *request, struct server_check *ret,
                  struct err *err) MUST_CHECK;
void server_check_clear(struct server_check *check);

#endif
