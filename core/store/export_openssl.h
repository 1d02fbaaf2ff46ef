/*
 * export_openssl.h - a CA as a folder on which "openssl ca -config" works: nobody is locked in.
 *
 * Writes   DIR/openssl.cnf, index.txt, index.txt.attr, serial, crlnumber, ca.crt, crl.pem, newcerts/, and
 *          private/ca.key, locked as it is in the store. DIR appears whole, under its name, or not at all.
 * Errors   ERR_FILE_EXISTS, ERR_FILE, ERR_DISK_FULL, ERR_CA_KEY, ERR_CANCELLED, store errors.
 * Threads  belongs into a job: one file a certificate.
 */
#ifndef PGSEAL_STORE_EXPORT_OPENSSL_H
#define PGSEAL_STORE_EXPORT_OPENSSL_H

#include "core/store/authority.h"

struct export_openssl {
    const struct authority *authority;
    const char *folder;           /* must not be there */
    bool (*cancelled)(void *arg); /* may be NULL */
    void (*progress)(void *arg, size_t done, size_t total);
    void *arg;
};

bool export_openssl(struct store *store, const struct export_openssl *export, size_t *ret_certs,
                    struct err *err) MUST_CHECK;

#endif
