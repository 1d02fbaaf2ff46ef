/*
 * trust_file.h - what clients trust: a server's old and new CA in one file.
 *
 * Source   libpq sslrootcert, X509_STORE_load_locations(3): every certificate of the file counts,
 *          text between them does not. libpq builds whole chains: a file without a root trusts
 *          nothing. Java (PKCS12 keystore): a certificate is trusted when its bag has Oracle's
 *          attribute trustedKeyUsage; the alias must be another one for each.
 * Rules    what has ended is dropped, and what is there already; both are remembered, to be said. A
 *          certificate that is no CA is refused, unless it is self-signed: then it is trusted alone.
 *          Certificates of one name stay side by side: a client tells them apart by their key ids,
 *          or, where a server's certificate names none, takes the first. So the older stands first.
 * Errors   ERR_PRIVATE_KEY_PASTED, ERR_NOT_A_CERTIFICATE, ERR_NOT_A_CA, ERR_CERT_ENDED (nothing is
 *          left), ERR_TOO_LARGE, ERR_POLICY (no root).
 */
#ifndef PGSEAL_PKI_TRUST_FILE_H
#define PGSEAL_PKI_TRUST_FILE_H

#include "core/pki/pem.h"

#define TRUST_FILE_MAX 1000 /* certificates */

enum trust_part {
    TRUST_ROOT,
    TRUST_INTERMEDIATE, /* trusted through its root; completes the chain of a careless server */
    TRUST_ALONE         /* self-signed and no CA: this one server */
};
const char *trust_part_name(enum trust_part part); /* "root": JSON */

struct trust_row { /* owned by the file */
    struct cert *cert;
    char *from;  /* where it came from: a CA's name, a file's */
    char *alias; /* ASCII, lower case, only once in the file; set by trust_file_finish() */
    enum trust_part part;
    bool orphan;    /* an intermediate whose root is not here: it trusts nothing in libpq */
    bool same_name; /* another one here has this subject */
    bool same_key;  /* and the same key: a renewed CA */
};
struct trust_dropped {
    char *subject, *from;
    int64_t ended_at; /* 0: it is there already */
};
struct trust_file {
    struct trust_row *rows;
    size_t n;
    struct trust_dropped *dropped;
    size_t n_dropped;
};

void trust_file_init(struct trust_file *file);
void trust_file_clear(struct trust_file *file);
bool trust_file_add(struct trust_file *file, const struct cert *cert, const char *from, int64_t now,
                    struct err *err) MUST_CHECK;
/* All certificates of a text or DER; anything else in it is refused by its name. *ret_cleaned: what
 * had to be mended (pem_cleaned_text). */
bool trust_file_add_text(struct trust_file *file, const void *bytes, size_t len, const char *from,
                         int64_t now, unsigned *ret_cleaned, struct err *err) MUST_CHECK;
/* Orders and names what is there; after the last addition. */
bool trust_file_finish(struct trust_file *file, struct err *err) MUST_CHECK;
/* Copies in the order of the file. */
void trust_file_certs(const struct trust_file *file, struct cert_list *ret);
bool trust_file_pem(const struct trust_file *file, struct strbuf *out, struct err *err) MUST_CHECK;
/* A Java truststore. legacy: for Java 8 before its update 301. */
bool trust_file_pkcs12(const struct trust_file *file, const struct secret *passphrase, bool legacy,
                       struct strbuf *out, struct err *err) MUST_CHECK;
/* These bytes are such a truststore, with what is in this file and nothing else. */
bool trust_file_is_pkcs12(const struct trust_file *file, const struct secret *passphrase,
                          const struct strbuf *bytes) MUST_CHECK;

#endif
