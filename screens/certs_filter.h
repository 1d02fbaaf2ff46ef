/*
 * certs_filter.h - the form that narrows the list of certificates down.
 */
#ifndef PGSEAL_SCREENS_CERTS_FILTER_H
#define PGSEAL_SCREENS_CERTS_FILTER_H

#include "screens/certs_job.h"
#include "tui/form.h"

struct certs_filter;

/* authorities: names, copied. */
struct certs_filter *certs_filter_new(const struct certs_query *query, char *const *authorities,
                                      size_t n_authorities) MUST_CHECK;
void certs_filter_free(struct certs_filter *filter);
struct form *certs_filter_form(const struct certs_filter *filter); /* borrowed */
/* What the form says; the search stays. */
void certs_filter_read(const struct certs_filter *filter, struct certs_query *query);

#endif
