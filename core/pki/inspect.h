/*
 * inspect.h - what any given bytes are, what is in them, and what is wrong with them for PostgreSQL.
 *
 * Source   RFC 5280, 2986, 5958, 7292; measured facts: what PostgreSQL 13 to 18, libpq, pgjdbc take.
 * Shapes   a tree: one child of the root for each block of the input, in its order, then one for what
 *          all blocks say together. Text is clean and translated. Of a private key nothing is shown but
 *          its kind.
 * Errors   garbage is no error: the root says so, with INSPECT_BAD.
 */
#ifndef PGSEAL_PKI_INSPECT_H
#define PGSEAL_PKI_INSPECT_H

#include "core/base/secret.h"
#include "core/pki/pem.h"

enum inspect_mark {
    INSPECT_PLAIN,
    INSPECT_GOOD, /* was checked */
    INSPECT_NOTE, /* good to know */
    INSPECT_WARN, /* works, and will hurt */
    INSPECT_BAD   /* does not work with PostgreSQL */
};

struct inspect_node {
    enum inspect_mark mark;
    char *label; /* "subject"; "" for a sentence */
    char *text;
    struct inspect_node **children; /* owned */
    size_t n;
};

struct inspect_options {
    int64_t now;
    const struct secret *passphrase; /* of a PKCS#12 file or a key; or NULL */
    unsigned file_mode;              /* of the file that it came from; 0: not known */
};

/* The whole. Caller frees. */
struct inspect_node *inspect_bytes(const void *bytes, size_t len,
                                   const struct inspect_options *options) MUST_CHECK;
/* One certificate, as inspect_bytes() has it. */
struct inspect_node *inspect_cert(const struct cert *cert, int64_t now) MUST_CHECK;
void inspect_free(struct inspect_node *node);

/* How many nodes have this mark or a worse one. */
size_t inspect_count(const struct inspect_node *node, enum inspect_mark mark);

/* Inside core/pki: how trees are made. The new child is borrowed. */
struct inspect_node *inspect_new(const char *text) MUST_CHECK;
struct inspect_node *inspect_add(struct inspect_node *parent, const char *label, const char *fmt,
                                 ...) PRINTF_LIKE(3, 4);
void inspect_say(struct inspect_node *parent, enum inspect_mark mark, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void inspect_take(struct inspect_node *parent, struct inspect_node *child); /* owned now */

#endif
