/*
 * san.h - subjectAltName: DNS names and IP addresses, from typed parts.
 *
 * Shapes   DNS names in lower case, addresses as inet_ntop(3) writes them.
 * Source   RFC 5280 4.2.1.6, RFC 6125; libpq matches iPAddress since version 15 only, so a server
 *          certificate for an address alone also gets it as CN (the caller does that).
 * Errors   ERR_BAD_NAME for a name that is none, ERR_POLICY for a list that no certificate may have;
 *          ERR_CRYPTO.
 */
#ifndef PGSEAL_PKI_SAN_H
#define PGSEAL_PKI_SAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"

#define SAN_MAX 64

enum san_type { SAN_DNS, SAN_IP, SAN_OTHER };

struct san_entry {
    enum san_type type;
    char *text; /* owned, clean: "db1.example", "127.0.0.1", "::1" */
};

struct san {
    struct san_entry *entries; /* owned */
    size_t n;
};

void san_init(struct san *san);
void san_clear(struct san *san);
/* An address becomes iPAddress, anything else must be a DNS name (one leading "*." allowed). A
 * repeated one is ignored. ERR_BAD_NAME. */
bool san_add(struct san *san, const char *host, struct err *err) MUST_CHECK;
bool san_has(const struct san *san, const char *host);
void san_format(const struct san *san, struct strbuf *out); /* "DNS:db1, IP:10.0.0.1" */

#endif
