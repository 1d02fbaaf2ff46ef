/*
 * secret.h - passphrases, passwords and private keys in memory.
 *
 * Source   mmap(2), mlock(2), madvise(2) MADV_DONTDUMP, explicit_bzero(3), prctl(2) PR_SET_DUMPABLE.
 * Shapes   bytes with a fixed capacity, NUL-terminated after len; own pages: locked where the limit
 *          allows, left out of core dumps, not inherited wiped (MADV_WIPEONFORK), zeroed on free.
 * Errors   secret_new() ends the program without memory (mem.h). Adding beyond the capacity: false.
 * Rule     never in struct err, a log, argv, the environment, a snapshot, a strbuf.
 */
#ifndef PGSEAL_BASE_SECRET_H
#define PGSEAL_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/attr.h"
#include "core/base/err.h"

#define SECRET_PASSPHRASE_MAX 1023 /* bytes; OpenSSL's PEM callback hands out 1024 */

struct secret;

struct secret *secret_new(size_t capacity) MUST_CHECK;
void secret_free(struct secret *secret);              /* wipes; NULL is fine */
void secret_wipe(struct secret *secret);              /* empty again */
const char *secret_data(const struct secret *secret); /* borrowed, NUL-terminated */
size_t secret_len(const struct secret *secret);
size_t secret_capacity(const struct secret *secret);
bool secret_set(struct secret *secret, const void *bytes, size_t len) MUST_CHECK;
bool secret_add(struct secret *secret, const void *bytes, size_t len) MUST_CHECK;
bool secret_add_code_point(struct secret *secret,
                           uint32_t code_point) MUST_CHECK; /* typed, UTF-8 */
void secret_truncate(struct secret *secret, size_t len);
void secret_backspace(struct secret *secret);          /* drops the last UTF-8 character */
size_t secret_characters(const struct secret *secret); /* for the row of stars */
bool secret_equal(const struct secret *a, const struct secret *b); /* in constant time */
struct secret *secret_dup(const struct secret *secret) MUST_CHECK; /* NULL gives NULL */

/* A whole file with a secret in it, such as a private key, of at most max bytes; never waits: only
 * regular files. Owner and mode are the caller's business. */
struct secret *secret_read_whole(const char *path, size_t max, struct err *err) MUST_CHECK;
/* The same of an open file; what: for messages. */
struct secret *secret_read_whole_fd(int fd, const char *what, size_t max,
                                    struct err *err) MUST_CHECK;
/* A passphrase file: own, regular, 0600 or less; its first line without the line end. */
struct secret *secret_read_file(const char *path, struct err *err) MUST_CHECK;
/* The first line of an open descriptor. */
struct secret *secret_read_fd(int fd, struct err *err) MUST_CHECK;

/* At program start: no core dumps, no ptrace by the same user, umask 077. */
void secret_protect_process(void);

#endif
