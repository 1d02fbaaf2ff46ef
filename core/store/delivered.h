/*
 * delivered.h - inside core/store only: that a certificate's files were written, without a transaction
 * of its own.
 *
 * A transaction waits for the disk five times, and this one says little: losing it means that a kit which
 * is there is said to be never delivered. So it is a line in the file "delivered" beside the database,
 * which nobody waits for; the next transaction takes the lines over and empties the file.
 *
 * Shapes   "<seconds> <serial in hex>\n", 0600, appended under flock(2). What is not such a line (a cut
 *          one, after a full disk) is passed over.
 * Errors   store errors. A file that cannot be read has no lines.
 */
#ifndef PGSEAL_STORE_DELIVERED_H
#define PGSEAL_STORE_DELIVERED_H

#include <stddef.h>

#include "core/pki/serial.h"
#include "core/store/db.h"

#define DELIVERED_NAME "delivered"

struct delivered {
    struct delivered_line {
        int64_t at;
        struct serial serial;
    } * lines;
    size_t n;
    char *text; /* the whole file when it was read; NULL: there was none */
    size_t len;
};

/* One more line; false when it could not be written: then a transaction has to say it. */
bool delivered_add(const struct store *store, const struct serial *serial, int64_t at) MUST_CHECK;
/* The lines that no transaction has taken over yet. */
void delivered_read(const struct store *store, struct delivered *ret);
void delivered_clear(struct delivered *delivered);
bool delivered_has(const struct delivered *delivered, const struct serial *serial);
/* Inside a transaction: the rows say it. */
bool delivered_take_over(struct store *store, const struct delivered *delivered,
                         struct err *err) MUST_CHECK;
/* After its commit: empties the file, unless it holds other lines by now. Another transaction may have
 * read the same lines and emptied it before, and as many new ones may stand there since: the bytes are
 * compared, a length says nothing. */
void delivered_forget(const struct store *store, const struct delivered *delivered);

#endif
