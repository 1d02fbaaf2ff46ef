/*
 * ca_box.h - what somebody pasted, or a file holds, as CAs for a server: looked at, cleaned, named.
 *
 * Takes    CA certificates, and beside them CRLs. Everything else is refused, each with its own
 *          sentence and what to do instead.
 * Rule     a private key in the text: ca_box_look() says so, the caller wipes its bytes in the same
 *          event; nothing of it is kept.
 */
#ifndef PGSEAL_SCREENS_CA_BOX_H
#define PGSEAL_SCREENS_CA_BOX_H

#include "core/pki/pem.h"
#include "tui/theme.h"

struct ca_box {           /* zeroed at the start; ca_box_clear() */
    struct cert_list cas; /* root first; n 0: nothing that can be taken */
    struct crl **crls;
    size_t n_crls;
    enum mark mark;     /* MARK_TODO: empty, MARK_BAD: refused, MARK_OK, MARK_WARN */
    struct strbuf note; /* why it was refused, or what to look at: sentences */
    unsigned cleaned;   /* enum pem_cleaned */
    bool wipe;          /* there was a private key in it */
};

void ca_box_clear(struct ca_box *box);
/* Forgets what was there before. chain: what the server shows as its own, or NULL. */
void ca_box_look(struct ca_box *box, const void *bytes, size_t len, int64_t now,
                 const struct cert_list *chain);
/* What was found, a few lines of at most 76 columns: names, dates, SHA-256, what was cleaned. */
void ca_box_describe(const struct ca_box *box, struct strbuf *out);
/* "1 certificate, 1 CRL" */
void ca_box_count(const struct ca_box *box, char *out, size_t size);

#endif
