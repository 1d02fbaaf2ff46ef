/*
 * rotation_cert.h - the fields of a step that wants a server's certificate of another's CA.
 *
 * Secrets  a private key never comes by paste: it is a file of mode 0600, read in the job and wiped after it.
 */
#ifndef PGSEAL_SCREENS_ROTATION_CERT_H
#define PGSEAL_SCREENS_ROTATION_CERT_H

#include "core/pki/pem.h"
#include "screens/source_fields.h"

struct rotation_cert { /* rotation_cert_init() */
    struct source_fields source;
    int key_id, passphrase_id;
    /* answers */
    struct source_input input;
    char *key_file; /* NULL: the server has the key */
    struct secret *passphrase;
    /* read */
    struct cert_list certs;
    struct secret *key; /* or NULL */
};

void rotation_cert_init(struct rotation_cert *cert);
void rotation_cert_clear(struct rotation_cert *cert);
void rotation_cert_add(struct rotation_cert *cert, struct form *form);
void rotation_cert_check(struct rotation_cert *cert, struct form *form); /* for the form's check */
void rotation_cert_take(struct rotation_cert *cert, const struct form *form);
/* In a job. ERR_PRIVATE_KEY_PASTED, ERR_NOT_A_CERTIFICATE, ERR_KEY_MODE, of files. */
bool rotation_cert_read(struct rotation_cert *cert, struct err *err) MUST_CHECK;
void rotation_cert_forget_key(struct rotation_cert *cert); /* when the act is over */
/* "CN=db1, of CN=Partner, ends 2027-11-21" */
void rotation_cert_describe(const struct rotation_cert *cert, struct strbuf *out);

#endif
