/*
 * handshake.h - what a server does on the wire, asked without a login.
 *
 * Source   PostgreSQL 55.2.10 (SSLRequest), RFC 8446 4.3.2 (certificate_authorities), SSL(3). Measured:
 *          the list of accepted CAs changes with the first connection after a reload; the verdict on a
 *          client certificate stands inside the handshake on TLS 1.2 and in the first SSL_read on 1.3
 *          (SSL_shutdown, then SSL_read: close_notify or alert; TCP_NODELAY).
 * Log      a quiet probe: the server logs nothing for a handshake that ends with SSL_shutdown.
 * Errors   ERR_NO_CONNECTION, ERR_TIMEOUT, ERR_NOT_POSTGRES. "No TLS" is an answer, not an error.
 * Threads  any; blocks up to the deadline: in a job. SIGPIPE must be ignored by the program.
 */
#ifndef PGSEAL_PG_HANDSHAKE_H
#define PGSEAL_PG_HANDSHAKE_H

#include "core/pki/pem.h"

enum handshake_tls { HANDSHAKE_TLS_ANY, HANDSHAKE_TLS_12, HANDSHAKE_TLS_13 };

struct handshake_request {
    const char *host; /* name, address, or socket folder ("/…": PostgreSQL never has TLS there) */
    int port;
    int64_t timeout_ms;                 /* 0: 5000 */
    enum handshake_tls tls;             /* ANY: the server chooses */
    bool direct;                        /* no SSLRequest: TLS at once, which came with 17 */
    const struct cert *cert;            /* client certificate to try, or NULL */
    const struct key *key;              /* its key */
    const struct cert_list *cert_chain; /* what is sent beside it, or NULL */
    const struct cert_list *roots;      /* what the server's chain is verified against, or NULL */
};

enum handshake_verdict {
    HANDSHAKE_NO_TLS,   /* the server answered N */
    HANDSHAKE_ACCEPTED, /* the handshake passed (with the certificate, if one was sent) */
    HANDSHAKE_REFUSED   /* an alert came back: see alert */
};

struct handshake {
    enum handshake_verdict verdict;
    int alert;        /* TLS alert number (44: revoked), 0: none */
    char version[16]; /* "TLSv1.3" */
    char cipher[64];
    struct cert_list chain; /* the server's, leaf first */
    bool asks_certificate;  /* CertificateRequest was sent: ssl_ca_file is set */
    bool sent_certificate;  /* false: not asked for, or none that the server would take */
    char **accepted_cas;    /* "/CN=Acme", as PostgreSQL writes names; cleaned; owned */
    size_t n_accepted_cas;
    bool verified; /* against roots and host; false when roots is NULL */
    char verify_error[128];
    int64_t took_ms;
};

bool handshake_run(const struct handshake_request *request, struct handshake *ret,
                   struct err *err) MUST_CHECK;
void handshake_clear(struct handshake *handshake);
bool handshake_accepts_ca(const struct handshake *handshake, const struct cert *ca); /* by name */
const char *handshake_alert_name(int alert); /* "certificate revoked"; never NULL */

#endif
