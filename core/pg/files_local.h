/*
 * files_local.h - inside core/pg only: the server's files by the local file system.
 *
 * Source   open(2) O_EXCL O_NOFOLLOW, linkat(2), renameat(2), fchown(2); pg_control begins with the
 *          system identifier, as eight bytes in the machine's order.
 * Rules    a file appears whole or not at all; names are made under an open folder, so that nobody can
 *          move it away meanwhile. Root does all of it with the rights of the server's user (setfsuid,
 *          which counts for the calling thread only): the names come from the server, and the folders
 *          are its user's to bend into links. What that user may not do, root does not do for him.
 * Errors   ERR_FILE_EXISTS, ERR_DISK_FULL, ERR_FILE.
 */
#ifndef PGSEAL_PG_FILES_LOCAL_H
#define PGSEAL_PG_FILES_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/attr.h"
#include "core/base/err.h"
#include "core/base/strbuf.h"

#define LOCAL_GROUPS_MAX 64

/* The server's user: whose rights count for every file below. */
struct local_owner {
    uid_t uid;
    gid_t gid;
    size_t n_groups;
    gid_t groups[LOCAL_GROUPS_MAX];
};

/* True when folder is here, belongs to a cluster with this system identifier, and we may write as
 * its owner: we are root, or that user. A folder that no server would take (root's, or open to
 * others) is none. */
bool local_is_cluster(const char *folder, const char *system_identifier, struct local_owner *ret);
bool local_write_new(const char *path, const void *bytes, size_t len, mode_t mode,
                     const struct local_owner *owner, struct err *err) MUST_CHECK;
/* Replaces a regular file of the server's user; owner, group and mode stay. *ret_same false, and
 * nothing done, when its content is not expected (then it is not the file that the server has), or it
 * is somebody else's. Links are followed, as far as that user may. */
bool local_replace(const char *path, const struct strbuf *expected, const void *bytes, size_t len,
                   const struct local_owner *owner, bool *ret_same, struct err *err) MUST_CHECK;
/* False: no regular file, or not readable for the server's user. */
bool local_sha256(const char *path, const struct local_owner *owner, uint8_t ret[32]);
bool local_remove(const char *path, const struct local_owner *owner);

#endif
