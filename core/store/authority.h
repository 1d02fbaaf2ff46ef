/*
 * authority.h - certificate authorities of the store: made, listed, unlocked, their CRLs signed.
 *
 * Order    authority_create(): key file written, then in one transaction the CA's row, both
 *          canaries and the first CRL (whose one entry is the revoked canary). A failure removes the
 *          key files; after a kill they may stay behind, and hinder nobody. Not inside another
 *          transaction.
 *          Canary keys are files beside the CA's key: unencrypted, 0600, no CN.
 * Names    unique among all CAs of the store, also retired ones: PostgreSQL tells CAs apart by
 *          name. Neither names nor subjects may differ in capital letters only: OpenSSL takes them
 *          for one.
 *          A generation's name is the last one's plus " G2", " G3" (authority_next_name()).
 * Errors   ERR_CA_EXISTS, ERR_CA_UNKNOWN, ERR_CA_CHOOSE, ERR_CA_KEY, ERR_PASSPHRASE, ERR_BAD_NAME,
 *          store errors.
 */
#ifndef PGSEAL_STORE_AUTHORITY_H
#define PGSEAL_STORE_AUTHORITY_H

#include "core/pki/canary.h"
#include "core/pki/cert.h"
#include "core/pki/crl.h"
#include "core/store/db.h"

#define AUTHORITY_DEFAULT_DAYS 3652

struct authority {
    int64_t id;
    char *name; /* "Acme PG Root": what --ca takes */
    struct cert *cert;
    bool has_key; /* its key file is where it should be */
    bool key_encrypted;
    bool retired;
    int64_t created_at;
    int64_t issued; /* client and server certificates; canaries not counted */
    int64_t revoked;
    struct {
        uint64_t number;
        int64_t this_update;
        int64_t next_update;
        uint64_t ahead; /* lists that are signed for later (crl_ahead.h) */
        int64_t until;  /* the end of the last of them; next_update where there is none */
    } crl;              /* the one that counts now */
};

struct authority_list {
    struct authority **rows;
    size_t n;
};

struct authority_spec {
    const char *name;    /* 1 to 59 bytes of printable ASCII; the CN when subject is NULL */
    const char *subject; /* DN text or NULL */
    enum key_type key_type;
    int days;                        /* 0: AUTHORITY_DEFAULT_DAYS */
    const struct secret *passphrase; /* NULL: the key is stored unencrypted */
    /* RSA keys: asked from time to time; may be NULL */
    bool (*cancelled)(void *);
    void *cancelled_arg;
};

struct authority *authority_create(struct store *store, const struct authority_spec *spec,
                                   struct err *err) MUST_CHECK;
/* name NULL: the only one that is not retired, else ERR_CA_CHOOSE / ERR_CA_UNKNOWN. */
struct authority *authority_load(struct store *store, const char *name, struct err *err) MUST_CHECK;
struct authority *authority_load_id(struct store *store, int64_t id, struct err *err) MUST_CHECK;
/* The one whose certificate this is, or NULL without an error (found false). */
bool authority_find(struct store *store, const struct cert *cert, struct authority **ret,
                    struct err *err) MUST_CHECK;
void authority_free(struct authority *authority);
bool authority_list(struct store *store, struct authority_list *ret, struct err *err) MUST_CHECK;
void authority_list_clear(struct authority_list *list);

/* The private key. passphrase NULL and an encrypted key: ERR_PASSPHRASE. 200 ms when encrypted. */
struct key *authority_unlock(struct store *store, const struct authority *authority,
                             const struct secret *passphrase, struct err *err) MUST_CHECK;
/* The key file as it lies there, PEM, encrypted or not: for an archive. Caller frees. */
struct secret *authority_key_file(struct store *store, const struct authority *authority,
                                  struct err *err) MUST_CHECK;
/* "Acme PG Root" -> "Acme PG Root G2", "… G2" -> "… G3": the first that is free. Caller frees. */
char *authority_next_name(struct store *store, const char *name, struct err *err) MUST_CHECK;
bool authority_retire(struct store *store, const struct authority *authority,
                      struct err *err) MUST_CHECK;

/* The CRL that counts now: the last one that was signed and is not for later. Caller frees. */
struct crl *authority_crl(struct store *store, const struct authority *authority,
                          struct err *err) MUST_CHECK;
/* Signs and records the next CRL from what is revoked now; number is the last one's plus one.
 * days 0: CRL_DEFAULT_DAYS, never beyond the CA's end; where lists are signed for later, those too
 * are signed again, with their dates. Other days: lists for later are given up. authority's crl
 * fields are updated. */
struct crl *authority_sign_crl(struct store *store, struct authority *authority,
                               const struct key *key, int days, struct err *err) MUST_CHECK;

enum canary_kind { CANARY_GOOD, CANARY_REVOKED };
bool authority_canary(struct store *store, const struct authority *authority, enum canary_kind kind,
                      struct canary *ret, struct err *err) MUST_CHECK;

#endif
