/*
 * findings.h - what a check found, as text and as JSON.
 *
 * Source   design/cli.md, "check --json".
 */
#ifndef PGSEAL_CLI_FINDINGS_H
#define PGSEAL_CLI_FINDINGS_H

#include "cli/output.h"
#include "core/health/finding.h"

/* One finding: severity, code, object, message, cause, help, act. */
json_t *findings_json(const struct findings *findings) MUST_CHECK;
void findings_print(const struct output *output, const struct findings *findings);
void findings_print_count(const struct output *output,
                          const struct findings *findings); /* "1 error, 2 warnings" */
/* True when there is an error or a warning: exit code 6. */
bool findings_are_bad(const struct findings *findings);

#endif
