/*
 * batch.h - many client certificates at once, from a list of roles.
 *
 * Input    one role a line; or CSV (RFC 4180) whose first line names its columns: role, and any of
 *          days, key, note. Blank lines and lines that begin with # are passed over.
 * Order    a chunk is signed in memory, recorded in one transaction, written into a hidden folder,
 *          synced once, and renamed into place role by role: a role's folder is whole or not there.
 *          Only then its rows count as delivered.
 * Again    a role whose folder is there is passed over, so the second run makes what is missing; one
 *          that was recorded and never written is made anew, and stands for the lost one.
 * Errors   ERR_BAD_VALUE with the line, ERR_TOO_LARGE, ERR_FILE_EXISTS (a folder that is not ours),
 *          ERR_CANCELLED, those of issued.h and kit.h. What is done stays done: see batch_result.
 * Threads  belongs into a job.
 */
#ifndef PGSEAL_KIT_BATCH_H
#define PGSEAL_KIT_BATCH_H

#include "core/kit/kit.h"

#define BATCH_BYTES_MAX (64u << 20)
#define BATCH_ROWS_MAX  1000000

struct batch_row {
    char *role;
    char *note; /* or NULL */
    int days;   /* 0: that of the batch */
    bool has_key_type;
    enum key_type key_type;
    size_t line;      /* from 1 */
    int64_t replaces; /* id of the certificate that this one is made for anew; 0: none */
};
struct batch_list {
    struct batch_row *rows;
    size_t n;
};

/* All of it is checked; the message names the first bad line and counts the others. */
bool batch_parse(const char *bytes, size_t len, struct batch_list *ret, struct err *err) MUST_CHECK;
void batch_list_clear(struct batch_list *list);

struct batch_spec {
    const struct authority *authority;
    const struct key *authority_key;
    const struct cert_list *parents; /* as in struct kit_spec */
    const struct cert_list *roots;   /* as in struct kit_spec */
    const struct batch_list *list;
    const char *folder; /* gets one folder a role; made when missing */
    unsigned formats;   /* enum kit_format */
    int days;           /* 0: the default; shortened to the CA's end */
    enum key_type key_type;
    const struct secret *key_passphrase; /* or NULL */
    const struct secret *p12_passphrase; /* for KIT_P12 */
    const char *server_host;             /* for the README's lines; or NULL */
    int server_port;
    /* Asked often; may be NULL. True ends the batch after the present chunk, with ERR_CANCELLED. */
    bool (*cancelled)(void *arg);
    void (*progress)(void *arg, size_t done, size_t total); /* may be NULL */
    void *arg;
};
struct batch_result {
    size_t made;    /* certificates with their files */
    size_t remade;  /* of these, for ones that an earlier run had recorded and never written */
    size_t present; /* passed over */
    size_t ended;   /* of these, revoked or ended ones */
    size_t cut;     /* of those made, ones that end sooner than asked: with their CA */
    size_t lost;    /* recorded, and their files could not be written */
};

/* What batch_run() would do, and what would stop it; changes nothing. */
bool batch_check(struct store *store, const struct batch_spec *spec, struct batch_result *ret,
                 struct err *err) MUST_CHECK;
/* ret is set also on failure. */
bool batch_run(struct store *store, const struct batch_spec *spec, struct batch_result *ret,
               struct err *err) MUST_CHECK;

#endif
