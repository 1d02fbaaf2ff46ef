/*
 * csr_box.h - a pasted request (CSR): looked at once for each paste, and what to say about it.
 *
 * Rule     a private key in the paste is wiped in the same event, before anything is drawn; it is never
 *          kept.
 */
#ifndef PGSEAL_SCREENS_CSR_BOX_H
#define PGSEAL_SCREENS_CSR_BOX_H

#include <stdbool.h>

#include "core/base/strbuf.h"
#include "tui/form.h"

struct csr_box {    /* zeroed at the start; csr_box_clear() */
    size_t seen;    /* bytes that were looked at */
    char *pem;      /* the one good request, canonical; or NULL */
    char note[256]; /* what to say */
    enum mark mark;
};

void csr_box_clear(struct csr_box *box);
/* For the form's check: looks when the paste box has changed, then says. */
void csr_box_check(struct csr_box *box, struct form *form, int id);

#endif
