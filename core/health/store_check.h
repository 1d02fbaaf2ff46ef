/*
 * store_check.h - what of our own ends soon, or has ended: CAs, their CRLs, other CAs' CRLs,
 * certificates; which server lacks a list; changes that were not finished; rotations under way; and the
 * store's own health.
 *
 * Cost     queries with an index; a certificate that has a newer one for the same name is left out.
 *          What "fsck" looks at is looked at up to 5,000 certificates (0.1 ms each).
 * Errors   store errors.
 */
#ifndef PGSEAL_HEALTH_STORE_CHECK_H
#define PGSEAL_HEALTH_STORE_CHECK_H

#include "core/health/finding.h"
#include "core/store/db.h"

#define STORE_CHECK_WITHIN_DAYS 30

/* within_days 0: STORE_CHECK_WITHIN_DAYS. Adds to ret, which the caller initialised; sorts it. */
bool store_check(struct store *store, int within_days, struct findings *ret,
                 struct err *err) MUST_CHECK;

#endif
