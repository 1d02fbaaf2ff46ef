/*
 * chain.h - the server's verdict about a client certificate, computed here.
 *
 * Source   be-secure-openssl.c: X509_verify_cert with purpose sslclient, auth level 2, and with a CRL
 *          loaded CRL_CHECK | CRL_CHECK_ALL. Measured: the same verdict as the server in 23 of 23
 *          cases. The TLS alert number follows OpenSSL's ssl_x509err2alert table.
 * Use      the alert that a server sends collapses causes (45: certificate, CA or CRL ended); this
 *          names the one.
 */
#ifndef PGSEAL_PKI_CHAIN_H
#define PGSEAL_PKI_CHAIN_H

#include "core/pki/cert.h"
#include "core/pki/crl.h"
#include "core/pki/pem.h"

struct chain_verdict {
    bool accepted;
    int alert;        /* what the server would send, 0 when accepted */
    int depth;        /* of the certificate at fault; 0 is the leaf */
    int openssl_code; /* X509_V_ERR_… for the log */
    char cause[160];  /* "the CRL of \"Acme CA\" ended on 2026-01-01" */
};

/* trusted: what is in ssl_ca_file. crls: what is in ssl_crl_file, n_crls 0: no CRL checks.
 * untrusted: what the client sends beside its certificate, or NULL. */
void chain_verify_client(const struct cert *leaf, const struct cert_list *untrusted,
                         const struct cert_list *trusted, struct crl *const *crls, size_t n_crls,
                         int64_t when, struct chain_verdict *ret);
/* The same for a server certificate as a client with this trust file sees it; host may be NULL. The
 * alert is what the client would send: none for a wrong host, libpq closes by itself. */
void chain_verify_server(const struct cert *leaf, const struct cert_list *untrusted,
                         const struct cert_list *trusted, const char *host, int64_t when,
                         struct chain_verdict *ret);
/* As a client with lists of its own (libpq: sslcrl, root.crl) sees it: then every CA needs one. */
void chain_verify_server_lists(const struct cert *leaf, const struct cert_list *untrusted,
                               const struct cert_list *trusted, struct crl *const *crls,
                               size_t n_crls, int64_t when, struct chain_verdict *ret);
/* With the CAs of the operating system, or of SSL_CERT_FILE and SSL_CERT_DIR. */
void chain_verify_server_system(const struct cert *leaf, const struct cert_list *untrusted,
                                int64_t when, struct chain_verdict *ret);

#endif
