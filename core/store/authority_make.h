/*
 * authority_make.h - inside core/store only: how a CA gets into the store, whether it was made here,
 * came back from its root, or comes from elsewhere.
 *
 * Order    key files first, then one transaction: the CA's row, its canaries, whatever comes with it,
 *          its first list. A failure takes the files away again; a kill leaves files that nothing
 *          needs, which "fsck" names.
 */
#ifndef PGSEAL_STORE_AUTHORITY_MAKE_H
#define PGSEAL_STORE_AUTHORITY_MAKE_H

#include "core/base/secret.h"
#include "core/store/authority.h"

enum { MAKING_FILE_CA, MAKING_FILE_GOOD, MAKING_FILE_REVOKED, MAKING_FILE_COUNT };

struct authority_making {
    const char *name; /* borrowed */
    const char *act;  /* for the log: "ca create" */
    struct key *key;  /* owned; of the CA */
    struct cert *cert;
    const struct secret *passphrase; /* of the CA's key; NULL: none */
    const char *key_file;            /* it lies in keys/ already; NULL: written here */
    bool key_encrypted;              /* of that file */
    int64_t request_id;              /* the request that this answers; 0: none */
    uint64_t crl_at_least;           /* the first list has this number, or 1 */
    int crl_days;                    /* 0: CRL_DEFAULT_DAYS */
    /* More rows, in the same transaction, before the list is signed; may be NULL. */
    bool (*more)(struct store *store, int64_t authority_id, void *arg, struct err *err);
    void *more_arg;
    /* made by authority_store(): */
    struct canary good;
    struct canary revoked;
    struct made_file {
        char *name;
        struct secret *pem;
        bool written;
    } files[MAKING_FILE_COUNT];
    int64_t now;
};

void authority_making_clear(struct authority_making *making);
bool authority_check_name(const char *name, struct err *err) MUST_CHECK; /* ERR_BAD_NAME */
/* ERR_CA_EXISTS where the name or the subject is taken, also by a deleted CA that had issued, or by
 * another request than this one (0: none). */
bool authority_check_unique(struct store *store, const char *name, const struct name *subject,
                            int64_t request_id, struct err *err) MUST_CHECK;
/* Canaries, files, rows, list: all of it or nothing. Caller frees. */
struct authority *authority_store(struct store *store, struct authority_making *making,
                                  struct err *err) MUST_CHECK;
/* Two new canary certificates over these keys, as rows of the CA; inside a transaction. */
bool authority_add_canaries(struct store *store, int64_t authority_id, const struct cert *good,
                            const struct cert *revoked, int64_t now, struct err *err) MUST_CHECK;
/* Files of keys/ that the last commit left without a use are removed, then forgotten. What cannot
 * be removed stays on the list. */
void authority_remove_doomed(struct store *store);
bool authority_doom_file(struct store *store, const char *name, struct err *err) MUST_CHECK;

#endif
