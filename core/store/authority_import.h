/*
 * authority_import.h - a CA from elsewhere: certificate and key, and the folder of "openssl ca" or of
 * easy-rsa with what it issued and revoked.
 *
 * Reads    index.txt, and every certificate and list below the folder (DIR or DIR/pki). Private keys of
 *          clients are left alone. What is only in a list or only in a file counts as well: no
 *          revocation is lost, no certificate stays unknown.
 * Writes   one transaction: the CA, its certificates, its revocations, the next list. Nothing in the
 *          folder is changed.
 * Errors   ERR_NOT_A_CA, ERR_CERT_ENDED, ERR_POLICY, ERR_CA_EXISTS, ERR_CA_KEY, ERR_FILE, ERR_CANCELLED.
 *          Lines and files that cannot be read are told in the report, and are never an error.
 * Threads  belongs into a job.
 */
#ifndef PGSEAL_STORE_AUTHORITY_IMPORT_H
#define PGSEAL_STORE_AUTHORITY_IMPORT_H

#include "core/store/authority_request.h"

struct import_spec {
    const char *name;
    const struct cert *cert;
    const struct key *key;
    const struct authority_parents *parents;   /* of an intermediate CA: those above it; or NULL */
    const struct secret *passphrase;           /* of the key from now on; NULL: none */
    const char *folder;                        /* or NULL: certificate and key only */
    bool (*cancelled)(void *arg);              /* may be NULL */
    void (*progress)(void *arg, size_t files); /* may be NULL */
    void *arg;
};

struct import_report {
    size_t valid, revoked, expired; /* certificates that are in the store now */
    size_t serial_only;             /* of the index, without a file: the number is kept */
    size_t not_indexed;             /* files that the index does not have */
    size_t tied;                    /* name their issuer's serial number: see authority_renew() */
    uint64_t crl_number;            /* the highest number of the folder; 0: none */
    int64_t crl_end;                /* of its newest list; 0: no list */
    char **notes;                   /* odd lines and files, findings; sentences, clean */
    size_t n_notes;
    size_t notes_left_off; /* beyond the first IMPORT_NOTES_MAX */
};

#define IMPORT_NOTES_MAX 100

struct authority *authority_import(struct store *store, const struct import_spec *spec,
                                   struct import_report *ret, struct err *err) MUST_CHECK;
void import_report_clear(struct import_report *report);

/* What is known by its number only. *ret_found false: nothing. */
struct serial_only {
    int64_t authority_id;
    char *authority;
    struct serial serial;
    char *subject;
    int64_t not_after;  /* 0: not known */
    int64_t revoked_at; /* 0: not */
    bool is_new;        /* no store has it: taken in when it is revoked */
};
bool serial_only_find(struct store *store, const char *serial, bool *ret_found,
                      struct serial_only *ret, struct err *err) MUST_CHECK;
/* Of a certificate that this store lost (it comes from an older backup): number and CA are all there
 * is, so it stays on the list for ever. ERR_REVOKED_ALREADY, ERR_POLICY: it is known after all. text:
 * 16 hex digits or more, "hex:…", "decimal:…", or more than 32 decimal digits, as pg_stat_ssl shows it. */
bool serial_only_new(struct store *store, const struct authority *authority, const char *text,
                     struct serial_only *ret, struct err *err) MUST_CHECK;
void serial_only_clear(struct serial_only *entry);
/* Revokes it and signs the next list. Caller frees. */
struct crl *serial_only_revoke(struct store *store, struct authority *authority,
                               const struct key *key, const struct serial_only *entry,
                               enum crl_reason reason, int crl_days, struct err *err) MUST_CHECK;

#endif
