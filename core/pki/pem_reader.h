/*
 * pem_reader.h - inside core/pki only: the characters of a pasted text as PEM would have them.
 *
 * Source   Unicode general punctuation; Windows-1252; facts of terminals and mail programs.
 * Shapes   reads in place: nothing is copied, so a private key that passes leaves no trace. Copying
 *          the struct is a bookmark.
 */
#ifndef PGSEAL_PKI_PEM_READER_H
#define PGSEAL_PKI_PEM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pem_reader {
    const uint8_t *at; /* borrowed */
    const uint8_t *end;
    enum { PEM_UTF8, PEM_UTF16_LE, PEM_UTF16_BE } encoding;
    unsigned cleaned; /* enum pem_cleaned, what was met so far */
};

enum {
    PEM_CHAR_END = -1,
    PEM_CHAR_OTHER = 0x100,    /* what PEM has no use for */
    PEM_CHAR_LONG_DASH = 0x101 /* a dash of typography, for one or more of '-' */
};

void pem_reader_init(struct pem_reader *reader, const void *bytes, size_t len);

/* Printable ASCII, '\n', ' ', or one of the above. */
int pem_reader_next(struct pem_reader *reader);

#endif
