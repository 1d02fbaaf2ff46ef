/*
 * kit.h - what a client gets: key, certificate, CA, in the formats that applications read.
 *
 * Shapes   a folder with ROLE.crt 0644, ROLE.key 0600, root.crt 0644 (the issuing CA), on request
 *          ROLE.p12 0600 (alias "user", chain inside) and ROLE.pk8 0600 (PKCS#8 DER, unencrypted, for
 *          JDBC), README.txt 0644 with the lines to try; what connect.h says for programs. Nothing is overwritten: ERR_FILE_EXISTS
 *          before the first file is written. A failure takes away what was written before it; a kill leaves
 *          a new folder whole or not there (but perhaps a hidden ".NAME.….tmp" beside it).
 * Names    of a server's certificate: its first host for ROLE. What a shell or a file system treats
 *          specially becomes "_"; for the role "root" it is root-client.crt: root.crt is the CA.
 * Errors   ERR_FILE_EXISTS, ERR_FILE_UNSAFE (folder of somebody else, or open to others), ERR_FILE,
 *          ERR_DISK_FULL; ERR_POLICY (.p12 or .pk8 without a key), ERR_BAD_VALUE, ERR_CRYPTO.
 */
#ifndef PGSEAL_KIT_KIT_H
#define PGSEAL_KIT_KIT_H

#include "core/kit/connect.h"
#include "core/pki/pem.h"
#include "core/store/issued.h"

/* KIT_P12_OLD: PKCS#12 with the encryption that Java 8 and old Windows read. */
enum kit_format { KIT_PEM = 1, KIT_P12 = 2, KIT_PK8 = 4, KIT_P12_OLD = 8 };

struct kit_spec {
    const char *folder; /* made when missing, 0700 */
    unsigned formats;   /* enum kit_format */
    const struct issued *issued;
    const struct key *key; /* NULL: a CSR was signed, no key to hand over */
    const struct cert *ca;
    /* Of an intermediate CA: those above it, the root last; NULL or empty: ca is a root. They go into
     * ROLE.crt (all but the root), ROLE.p12 (all) and root.crt (the root). */
    const struct cert_list *parents;
    /* Of a client: what verifies the servers where other CAs issued their certificates, or will; into
     * root.crt too. NULL: the servers have certificates of ca. authority_server_roots(). */
    const struct cert_list *roots;
    const struct secret *key_passphrase; /* or NULL */
    const struct secret *p12_passphrase; /* KIT_P12 needs one: ERR_BAD_VALUE without */
    const char *server_host;             /* for the README's lines; or NULL */
    int server_port;
    bool key_follows; /* for kit_check(): key is NULL because it is not made yet */
    /* Of a certificate of another store ca may be NULL; then, and with only_roots, root.crt has roots
     * and nothing else. parents stand behind the certificate then. */
    bool only_roots;
    const struct kit_connect *connect; /* files for programs; or NULL */
};
struct kit_files { /* absolute paths, "" where not made; owned */
    char *certificate, *key, *root, *p12, *pk8, *readme;
    char **more; /* those for programs */
    size_t n_more;
};

bool kit_write(const struct kit_spec *spec, struct kit_files *ret, struct err *err) MUST_CHECK;
/* For many at once: the kit of a certificate that was issued right now, as a new folder of this name
 * in an open one. Not lasting before fs_sync_all(); what was written before a failure stays. */
bool kit_write_at(const struct kit_spec *spec, int folder, const char *name,
                  struct err *err) MUST_CHECK;
void kit_files_clear(struct kit_files *files);
/* The role or host as the beginning of the files' names: nothing that a shell or a file system treats
 * specially, never hidden, never an option, never "root". Caller frees. */
char *kit_file_base(const char *role, enum issued_kind kind) MUST_CHECK;
/* Refuses early what kit_write() would refuse: a file that exists, a folder of somebody else. Makes
 * nothing. Before the certificate is there, kind and role of issued are enough; ca and passphrases
 * are not looked at. */
bool kit_check(const struct kit_spec *spec, struct err *err) MUST_CHECK;

/* Whether the folder has the whole kit of issued already: then an earlier run was stopped right after
 * it wrote its files. */
bool kit_is_there(const char *folder, const struct issued *issued);

#endif
