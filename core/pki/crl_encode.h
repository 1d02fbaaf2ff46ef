/*
 * crl_encode.h - inside core/pki only: many entries into a list, without an object for each.
 *
 * Why      OpenSSL makes some ten objects for an entry and writes each twice: with 100,000 entries that
 *          is most of the time. An entry is a few bytes of DER whose form RFC 5280 5.1 fixes.
 */
#ifndef PGSEAL_PKI_CRL_ENCODE_H
#define PGSEAL_PKI_CRL_ENCODE_H

#include <openssl/x509.h>

#include "core/pki/crl.h"

/* The list without entries gets these (in order, each serial number once) and a new signature of the
 * key; the whole as DER is appended to out. empty must be signed already: its algorithm is kept. */
bool crl_encode(X509_CRL *empty, EVP_PKEY *pkey, const struct crl_entry *const *entries, size_t n,
                struct strbuf *out, struct err *err) MUST_CHECK;

#endif
