/*
 * foreign_ca.h - the fields of a form that ask for another's CA: by paste or file, with its CRL beside it.
 *
 * Check    a paste is looked at in the same event, and named with its dates and SHA-256; a private key in it
 *          is wiped. A file is read in the job of the step's look, which refuses in the same words.
 * Rule     one certificate: a rotation puts one CA in the place of one.
 */
#ifndef PGSEAL_SCREENS_FOREIGN_CA_H
#define PGSEAL_SCREENS_FOREIGN_CA_H

#include "screens/ca_box.h"
#include "screens/source_fields.h"

struct foreign_ca_fields { /* foreign_ca_init() */
    struct source_fields source;
    size_t seen;
    struct ca_box box;
    struct source_input input;
};

void foreign_ca_init(struct foreign_ca_fields *fields);
void foreign_ca_clear(struct foreign_ca_fields *fields);
void foreign_ca_add(struct foreign_ca_fields *fields, struct form *form);
/* "CN=Partner, root CA, ends 2036-11-18", its SHA-256, its CRL: three lines. */
void foreign_ca_describe(const struct foreign_ca_fields *fields, struct strbuf *out);
/* For the form's check. shown false: hides all of it. */
void foreign_ca_check(struct foreign_ca_fields *fields, struct form *form, bool shown);
void foreign_ca_take(struct foreign_ca_fields *fields, const struct form *form);
/* In a job: box has the one CA then, and at most its own CRL. */
bool foreign_ca_read(struct foreign_ca_fields *fields, struct err *err) MUST_CHECK;
/* After it: what box has. */
const struct cert *foreign_ca_cert(const struct foreign_ca_fields *fields); /* borrowed; or NULL */
const struct crl *foreign_ca_crl(const struct foreign_ca_fields *fields);   /* borrowed; or NULL */

#endif
