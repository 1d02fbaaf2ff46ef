/*
 * csr_box.h - a request (CSR) that somebody made elsewhere: looked at, and what to say about it.
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
    char *subject;  /* what it asks for, as text: "CN=alice" */
    char *name;     /* its CN, or "" */
    char *hosts;    /* "db1.example.org, 10.0.0.5", or "" */
    char *key;      /* "EC P-256" */
    bool asks_ca;   /* it asks to be a CA, and will not be */
    char note[256]; /* what to say */
    enum mark mark;
};

void csr_box_clear(struct csr_box *box);
/* Forgets what was there before. True: there is a private key in it. */
bool csr_box_look(struct csr_box *box, const char *bytes, size_t len);
/* For the form's check: looks when the paste box has changed, then says. */
void csr_box_check(struct csr_box *box, struct form *form, int id);

#endif
