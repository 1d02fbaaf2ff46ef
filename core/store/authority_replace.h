/*
 * authority_replace.h - inside core/store only: another certificate for the same CA and key.
 */
#ifndef PGSEAL_STORE_AUTHORITY_REPLACE_H
#define PGSEAL_STORE_AUTHORITY_REPLACE_H

#include "core/store/authority.h"
#include "core/store/authority_request.h"

/* In one transaction: the certificate, the former one kept, canaries that end with it (over their
 * old keys), those above it (NULL: they stay), the next list. Caller frees. */
struct authority *authority_replace_cert(struct store *store, const struct authority *authority,
                                         const struct key *key, const struct cert *cert,
                                         const struct authority_parents *parents, const char *act,
                                         struct err *err) MUST_CHECK;
/* Rows of those above; inside a transaction. */
bool authority_set_parents(struct store *store, int64_t authority_id,
                           const struct authority_parents *parents, struct err *err) MUST_CHECK;

#endif
