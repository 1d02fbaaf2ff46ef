/*
 * server_tls.h - a server's certificate that exists, from the files that the command line names.
 */
#ifndef PGSEAL_CLI_SERVER_TLS_H
#define PGSEAL_CLI_SERVER_TLS_H

#include "cli/command.h"
#include "core/pki/pem.h"

struct server_pair {
    struct cert_list certs, roots;   /* --cert; --root */
    struct secret *key, *passphrase; /* --key, --key-passphrase-file; or NULL */
};
/* Says what was cleaned. A key that others can read: ERR_KEY_MODE. */
bool server_pair_read(struct cli *cli, struct server_pair *ret, struct err *err) MUST_CHECK;
void server_pair_clear(struct server_pair *pair);

#endif
