/* pki_files.h - one of each file that we write, for other programs to read. */
#ifndef PGSEAL_TESTS_INTEROP_PKI_FILES_H
#define PGSEAL_TESTS_INTEROP_PKI_FILES_H

#include "tests/unit/pki_fixture.h"

#define PASSPHRASE "correct horse"

struct pki_files {
    char *folder;         /* owned; in the temporary folder */
    struct serial serial; /* of client.crt */
};

/*
 * ca.crt ca.key sub.crt client.crt client.key client-locked.key client.pk8 client.p12
 * client-legacy.p12 subclient.crt server.crt canary.crt bob.crt (revoked) crl.pem sub-crl.pem
 * client.csr; and the same CA for each kind of key: KIND-ca.crt KIND-client.crt KIND-crl.pem.
 */
void pki_files_write(struct pki_files *ret);
void pki_files_remove(struct pki_files *files);

/* Runs a shell command in that folder; its output, both streams, is appended. Answers its exit. */
int pki_files_run(const struct pki_files *files, struct strbuf *out, const char *command);

/* The command ends well and says these words. */
void pki_files_expect(const struct pki_files *files, const char *command, const char *words);

#endif
