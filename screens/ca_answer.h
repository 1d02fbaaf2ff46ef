/*
 * ca_answer.h - the certificates and lists of one text: a CA's, and those above it.
 */
#ifndef PGSEAL_SCREENS_CA_ANSWER_H
#define PGSEAL_SCREENS_CA_ANSWER_H

#include "core/pki/pem.h"

struct ca_answer { /* zeroed at the start */
    struct cert_list certs;
    struct crl **crls; /* owned */
    size_t n_crls;
};

void ca_answer_clear(struct ca_answer *answer);
/* A private key in the text, or no certificate: refused. Adds to answer. */
bool ca_answer_read(const struct strbuf *text, struct ca_answer *answer,
                    struct err *err) MUST_CHECK;

#endif
