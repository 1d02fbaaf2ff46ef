/*
 * key_file.h - inside core/store only: one private key, one file in the store's folder keys/.
 *
 * Shapes   "acme-pg-root-0123456789ab.key": the CA's name made safe, the first 12 hex digits of the
 *          certificate's SHA-256. PEM PKCS#8, 0600.
 * Errors   ERR_CA_KEY (not there, or no key), ERR_KEY_MODE, ERR_FILE_UNSAFE, ERR_FILE_EXISTS,
 *          ERR_DISK_FULL, ERR_FILE.
 */
#ifndef PGSEAL_STORE_KEY_FILE_H
#define PGSEAL_STORE_KEY_FILE_H

#include "core/base/secret.h"
#include "core/pki/cert.h"
#include "core/store/db.h"

/* suffix: ".key", ".good.key". Caller frees. */
char *key_file_name(const char *authority, const struct cert *cert, const char *suffix) MUST_CHECK;
/* Another file for the same key, with random digits; cert NULL: there is no certificate yet. */
char *key_file_new_name(const char *authority, const struct cert *cert, struct err *err) MUST_CHECK;
bool key_file_write(const struct store *store, const char *name, const struct secret *pem,
                    struct err *err) MUST_CHECK;
struct secret *key_file_read(const struct store *store, const char *name,
                             struct err *err) MUST_CHECK;
bool key_file_exists(const struct store *store, const char *name);
void key_file_remove(const struct store *store, const char *name); /* of a change that failed */

#endif
