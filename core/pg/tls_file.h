/*
 * tls_file.h - a TLS file of a server, read as PostgreSQL would read it.
 *
 * Source   be-secure-openssl.c: SSL_CTX_use_certificate_chain_file() for ssl_cert_file,
 *          X509_load_cert_crl_file() (PEM_X509_INFO_read_bio) for ssl_ca_file and ssl_crl_file: one bad
 *          block refuses the whole file, and a block whose BEGIN is not at the start of a line is a
 *          comment. Measured on 15 and 18.
 * Rules    a file with a private key in it is not fetched: the server is asked for the place of those
 *          words, and only a file without them travels.
 * Errors   ERR_CONNECTION_LOST and the like; what is wrong with the file stands in the result.
 */
#ifndef PGSEAL_PG_TLS_FILE_H
#define PGSEAL_PG_TLS_FILE_H

#include "core/pg/conn.h"
#include "core/pki/pem.h"

#define TLS_FILE_MAX PEM_SCAN_MAX

enum tls_file_state {
    TLS_FILE_UNSET,    /* the setting is empty */
    TLS_FILE_NOT_SEEN, /* our role may not look */
    TLS_FILE_MISSING,
    TLS_FILE_UNREADABLE, /* by the server's own user */
    TLS_FILE_HAS_KEY,    /* there, with a private key in it: not fetched */
    TLS_FILE_READ
};
enum tls_file_kind { TLS_FILE_CERT, TLS_FILE_CA, TLS_FILE_CRL };

struct tls_file {
    enum tls_file_state state;
    char *path;         /* as the server would open it */
    char why[200];      /* UNREADABLE: the server's words */
    int64_t changed_at; /* its modification time by the server's clock; 0: not known */
    /* READ: */
    bool loads;             /* PostgreSQL would take it */
    char load_error[160];   /* OpenSSL's words when not */
    struct cert_list certs; /* what it would take from it, in the file's order */
    struct crl **crls;
    size_t n_crls;
    size_t n_skipped; /* blocks that a person sees and PostgreSQL does not */
};

bool tls_file_read(struct conn *conn, const char *data_directory, const char *setting,
                   enum tls_file_kind kind, struct tls_file *ret, struct err *err) MUST_CHECK;
/* The same from bytes, as one that was READ. */
void tls_file_parse(const void *bytes, size_t len, enum tls_file_kind kind, struct tls_file *ret);
void tls_file_clear(struct tls_file *file);

/* One statement; *ret NULL and true when our role may not (SQLSTATE 42501). */
bool tls_file_ask(struct conn *conn, const char *sql, size_t n, const char *const *values,
                  struct result **ret, struct err *err) MUST_CHECK;
/* As the server takes a name in a setting: relative ones are in the data directory. Caller frees. */
char *tls_file_path(const char *data_directory, const char *setting) MUST_CHECK;

#endif
