/*
 * pem_kind.h - inside core/pki only: what a block of DER is.
 *
 * Source   RFC 5280, 2986, 5958, 5915, 8017, 7292, 2315: the first fields of each.
 */
#ifndef PGSEAL_PKI_PEM_KIND_H
#define PGSEAL_PKI_PEM_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "core/pki/pem.h"

/* By the label between the dashes. *ret_trusted: "TRUSTED CERTIFICATE", which needs converting. */
enum pem_kind pem_kind_of_label(const char *label, bool *ret_trusted);

/* By the first bytes, without reading further: true for private keys (locked or not), PKCS#12 and
 * PKCS#7. len may be less than the whole. */
bool pem_kind_of_prefix(const uint8_t *der, size_t len, enum pem_kind *ret);

/* By trying to read it; PEM_OTHER when nothing fits. */
enum pem_kind pem_kind_of_der(const uint8_t *der, size_t len);

/* True when these bytes, all of them, are one of that kind. PEM_PKCS7 and PEM_OTHER: any DER. */
bool pem_kind_fits(enum pem_kind kind, const uint8_t *der, size_t len);

/* The plain certificate inside a TRUSTED one, appended. */
bool pem_plain_certificate(struct strbuf *out, const uint8_t *der, size_t len) MUST_CHECK;

/* The length that a DER SEQUENCE says it has, header included; 0 when it is none. */
size_t pem_sequence_size(const uint8_t *der, size_t len);

static inline bool pem_kind_is_key(enum pem_kind kind)
{
    return kind == PEM_PRIVATE_KEY || kind == PEM_ENCRYPTED_KEY;
}

#endif
