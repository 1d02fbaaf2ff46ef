/*
 * foreign.h - CAs of others that servers trust, and the newest CRL of each that was given to us.
 *
 * Rule     a list is taken when the CA's key signed it and it is newer than the one that is stored;
 *          one that lacks a revocation of the stored one is weaker (whether that certificate has ended
 *          is not known here), unless exactly that number of missing ones was accepted.
 * Errors   ERR_NOT_A_CA, ERR_CRL_WEAKER, ERR_CRL_ENDED, ERR_POLICY, store errors.
 */
#ifndef PGSEAL_STORE_FOREIGN_H
#define PGSEAL_STORE_FOREIGN_H

#include "core/store/server.h"

struct foreign_ca {
    int64_t id;
    char *name; /* its subject; clean */
    struct cert *cert;
    bool has_crl;
    uint64_t number; /* 0: none */
    int64_t this_update, next_update;
    int64_t imported_at;
    char **servers; /* that trust it, as far as a kept plan or an import told */
    size_t n_servers;
};
struct foreign_ca_list {
    struct foreign_ca *rows;
    size_t n;
};

bool foreign_list(struct store *store, struct foreign_ca_list *ret, struct err *err) MUST_CHECK;
void foreign_list_clear(struct foreign_ca_list *list);

/* The list of this CA; *ret NULL and true: none. *ret_accept: missing entries that were accepted when
 * it was imported. */
bool foreign_crl(struct store *store, const struct cert *ca, struct crl **ret, size_t *ret_accept,
                 struct err *err) MUST_CHECK;

/* Remembers the CA (once), and that this server trusts it (server_id 0: none is named). */
bool foreign_note(struct store *store, int64_t server_id, const struct cert *ca,
                  struct err *err) MUST_CHECK;
bool foreign_forget(struct store *store, int64_t server_id, const struct cert *ca,
                    struct err *err) MUST_CHECK;
/* Which CA of ours to know signed this list; *ret NULL and true: none. Caller frees. */
bool foreign_find_issuer(struct store *store, const struct crl *crl, struct cert **ret,
                         struct err *err) MUST_CHECK;

enum foreign_import { FOREIGN_NEW, FOREIGN_SAME, FOREIGN_OLDER }; /* only NEW was stored */
bool foreign_import(struct store *store, const struct cert *ca, const struct crl *crl,
                    size_t accept_dropped, enum foreign_import *ret, struct err *err) MUST_CHECK;

/* Proven on the server: the list with this this_update; 0: there is none. */
bool foreign_set_published(struct store *store, int64_t server_id, const struct cert *ca,
                           int64_t this_update, struct err *err) MUST_CHECK;
/* Servers whose list of such a CA is known and older than the one stored. */
bool foreign_count_behind(struct store *store, size_t *ret, struct err *err) MUST_CHECK;
bool foreign_is_behind(struct store *store, int64_t server_id, bool *ret,
                       struct err *err) MUST_CHECK;

#endif
