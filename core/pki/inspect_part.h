/*
 * inspect_part.h - inside core/pki only: the parts of inspect.h, by kind of block.
 */
#ifndef PGSEAL_PKI_INSPECT_PART_H
#define PGSEAL_PKI_INSPECT_PART_H

#include "core/pki/inspect.h"

/* Each adds to node; der as in struct pem_block. */
void inspect_part_crl(struct inspect_node *node, const struct crl *crl, int64_t now);
void inspect_part_request(struct inspect_node *node, const void *der, size_t len);
void inspect_part_key(struct inspect_node *node, const void *bytes, size_t len, bool encrypted,
                      const struct inspect_options *options);
void inspect_part_pkcs12(struct inspect_node *node, const void *bytes, size_t len,
                         const struct inspect_options *options);
void inspect_part_pkcs7(struct inspect_node *node, const void *der, size_t len, int64_t now);
/* Two or more certificates in one file: do they make a chain, in the order that TLS wants? */
void inspect_part_chain(struct inspect_node *node, const struct cert_list *certs);
/* "RSA 2048", "EC P-256" with its size; says what PostgreSQL refuses. */
void inspect_part_public_key(struct inspect_node *node, const void *pkey, bool for_client);

#endif
