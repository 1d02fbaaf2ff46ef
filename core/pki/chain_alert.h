/*
 * chain_alert.h - inside core/pki only: which TLS alert follows from which verdict.
 *
 * Source   RFC 8446 6.2 for the numbers; SSL_get_verify_result(3) for the codes. The pairs are those
 *          of OpenSSL 3, seen on the wire by tests/unit/pki_chain.
 */
#ifndef PGSEAL_PKI_CHAIN_ALERT_H
#define PGSEAL_PKI_CHAIN_ALERT_H

/* X509_V_ERR_… to an alert number; 46 "certificate unknown" for what has no number of its own. */
int chain_alert(int openssl_code);

#endif
