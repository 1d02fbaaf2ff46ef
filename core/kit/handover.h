/*
 * handover.h - the kit of a certificate that exists: found, read, tried on its servers, written.
 *
 * Order    handover_read(), handover_try() (or not), handover_check(), handover_write(),
 *          handover_login() (or not); handover_clear() in any case.
 * Finds    a file's certificate; else of the store the one that fits the key; else the newest that is
 *          valid and was handed over.
 * Roots    those of the store's server CAs, those of a rotation of these servers (old and new), and
 *          what was added; only where there is none, the root of the CA that issued the certificate.
 * Secrets  a key is read, and written into the folder as it came: with its passphrase, or without. Java
 *          gets PKCS#12 with that passphrase, or PKCS#8 where there is none.
 * Errors   ERR_CERT_UNKNOWN, ERR_CERT_ENDED, ERR_REVOKED_ALREADY, ERR_POLICY, ERR_PASSPHRASE (the key
 *          wants one, or another one), ERR_CLIENT_KEY_OTHER, ERR_KEY_MODE, ERR_FILE, those of kit.h. A
 *          server that is away, or refuses, is an answer.
 * Threads  waits for servers, up to 5 s each: belongs into a job.
 */
#ifndef PGSEAL_KIT_HANDOVER_H
#define PGSEAL_KIT_HANDOVER_H

#include "core/kit/kit.h"
#include "core/pki/trust_file.h"
#include "core/store/authority_request.h"
#include "core/store/server.h"

struct handover_request { /* all borrowed */
    const char *role;
    const char *serial;                  /* as issued_find() takes it; NULL: the role's */
    const char *cert_file, *key_file;    /* or NULL */
    const struct secret *passphrase;     /* of key_file; or NULL */
    const struct server_list *servers;   /* at least one */
    const struct trust_file *added;      /* further roots, not finished yet; or NULL */
    unsigned clients;                    /* set of 1 << enum kit_client */
    unsigned formats;                    /* more than these read; enum kit_format */
    const char *database;                /* NULL: that of the first server's connection string */
    const char *at;                      /* as in struct kit_connect */
    const char *folder;                  /* to be written */
    const struct secret *p12_passphrase; /* NULL: that of the key */
};

enum handover_login { HANDOVER_NOT_TRIED, HANDOVER_IN, HANDOVER_PASSWORD, HANDOVER_REFUSED };
struct handover_server { /* owned */
    char *name, *host;
    int port;
    bool tried, reached, verify_ca, verify_full;
    enum handover_login login; /* HANDOVER_PASSWORD: in as far as a password, which is asked too */
    bool used_cert;            /* the server has seen the certificate */
    char why[256];             /* of the first that is not well; clean; "" */
};
struct handover {
    struct issued *issued;
    bool of_store;
    bool other_name; /* the CN is not the role: pg_ident.conf must have a map */
    struct authority *authority;
    struct authority_parents parents;
    struct cert_list behind; /* not of the store: the intermediates of the file */
    struct trust_file roots;
    struct cert_list root_list;
    struct key *key; /* or NULL */
    bool key_locked;
    unsigned formats;
    char *database;
    struct handover_server *servers;
    size_t n_servers;
};

/* That of the server's connection string, else "postgres". Caller frees *ret. */
bool handover_database(const struct server *server, char **ret, struct err *err) MUST_CHECK;

/* store may be NULL with cert_file. ret is zero; cleared by the caller also after a failure. */
bool handover_read(struct store *store, const struct handover_request *request,
                   struct handover *ret, struct err *err) MUST_CHECK;
/* The handshake that the client will make. */
void handover_try(struct handover *self);
bool handover_check(const struct handover *self, const struct handover_request *request,
                    struct err *err) MUST_CHECK;
bool handover_write(const struct handover *self, const struct handover_request *request,
                    struct kit_files *ret, struct err *err) MUST_CHECK;
/* Logs in with what was written; without a key nothing is tried. */
void handover_login(struct handover *self, const struct handover_request *request,
                    const struct kit_files *files);
/* True when no server that was reached had something against it. */
bool handover_is_well(const struct handover *self);
void handover_clear(struct handover *self);

#endif
