/*
 * record.h - certificates, authorities and lists of revoked ones as JSON and as lines of text.
 *
 * Source   design/cli.md "JSON": serials are lower-case hex with serial_decimal beside them, times
 *          RFC 3339 UTC, fingerprints SHA-256 hex.
 * Memory   every json_t is a new reference for the caller.
 */
#ifndef PGSEAL_CLI_RECORD_H
#define PGSEAL_CLI_RECORD_H

#include <jansson.h>

#include "cli/output.h"
#include "core/store/issued.h"

#define RECORD_WITHIN_DAYS 30 /* what counts as "expiring" where nothing else was said */

/* The fields of every certificate that we issued. */
json_t *record_issued(const struct issued *issued) MUST_CHECK;
/* The same with state, revoked_at, reason. */
json_t *record_issued_state(const struct issued *issued, int within_days) MUST_CHECK;
json_t *record_authority(const struct authority *authority) MUST_CHECK;
json_t *record_san(const struct cert *cert) MUST_CHECK; /* ["db1", "10.0.0.5"] */
/* Subject, issuer, serial, dates, key, fingerprint of any certificate. */
json_t *record_cert(const struct cert *cert) MUST_CHECK;
void record_print_cert(const struct output *output, const struct cert *cert);
/* "2027-11-21 20:15 UTC (in 365 days)", "(ended 3 days ago)"; returns out. */
char *record_date(char *out, size_t size, int64_t when);

#endif
